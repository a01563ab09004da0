/* net_name.c - look-ups of names, one at a time, each in a thread that is started for it.
 *
 * The thread cannot be interrupted, so it may outlive its owner: both hold a reference, and the last one closes. */
#include "common/net_name.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HOST_BYTES 256 /* a name of 253 letters is the longest there is */
#define PORT_BYTES 8

static const char prefix[] = "tcp://";

struct net_name {
    char host[HOST_BYTES], port[PORT_BYTES];
    int ended_fd;          /* an eventfd: a look-up has ended */
    pthread_mutex_t mutex; /* for what follows */
    unsigned references;
    bool running, ended;
    char address[INET_ADDRSTRLEN]; /* of the look-up that ended; empty: none was found */
};

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < PORT_BYTES && !text[digits] && atol(text) > 0 && atol(text) <= UINT16_MAX;
}

/* Splits tcp://HOST:PORT; false when it is something else. */
static bool split(const char *endpoint, char host[static HOST_BYTES], char port[static PORT_BYTES])
{
    size_t skip = sizeof prefix - 1;
    if (strncmp(endpoint, prefix, skip) != 0 || strpbrk(endpoint + skip, ";[]/*"))
        return false;
    const char *colon = strrchr(endpoint, ':');
    if (colon <= endpoint + skip || colon - endpoint >= HOST_BYTES || !is_port(colon + 1))
        return false;
    snprintf(host, HOST_BYTES, "%.*s", (int)(colon - endpoint - (ptrdiff_t)skip), endpoint + skip);
    snprintf(port, PORT_BYTES, "%s", colon + 1);
    return true;
}

bool net_name_needed(const char *endpoint)
{
    char host[HOST_BYTES], port[PORT_BYTES];
    struct in_addr address;
    return split(endpoint, host, port) && inet_pton(AF_INET, host, &address) != 1;
}

struct net_name *net_name_create(const char *endpoint)
{
    struct net_name *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    bool ours = split(endpoint, n->host, n->port);
    assert(ours);
    (void)ours;
    n->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->ended_fd < 0) {
        free(n);
        return NULL;
    }
    n->references = 1;
    pthread_mutex_init(&n->mutex, NULL);
    return n;
}

static void release(struct net_name *n)
{
    pthread_mutex_lock(&n->mutex);
    bool last = --n->references == 0;
    pthread_mutex_unlock(&n->mutex);
    if (!last)
        return;
    close(n->ended_fd);
    pthread_mutex_destroy(&n->mutex);
    free(n);
}

void net_name_destroy(struct net_name **n)
{
    if (*n)
        release(*n);
    *n = NULL;
}

/* -- The look-up ----------------------------------------------------------------------------------------------------------- */
static void look_up(const char *host, char address[static INET_ADDRSTRLEN])
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    address[0] = '\0';
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return;
    struct sockaddr_in first;
    memcpy(&first, found->ai_addr, sizeof first);
    inet_ntop(AF_INET, &first.sin_addr, address, INET_ADDRSTRLEN);
    freeaddrinfo(found);
}

static void *run(void *self)
{
    struct net_name *n = self;
    char address[INET_ADDRSTRLEN];
    look_up(n->host, address);
    pthread_mutex_lock(&n->mutex);
    memcpy(n->address, address, sizeof address);
    n->running = false;
    n->ended = true;
    eventfd_write(n->ended_fd, 1);
    pthread_mutex_unlock(&n->mutex);
    release(n);
    return NULL;
}

/* Detached, and with all signals blocked: they are the owner's. */
static bool start_thread(struct net_name *n)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, NULL, run, n) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_detach(thread);
    return started;
}

/* The thread's reference is taken before there is a thread; without one, the next call tries again. */
void net_name_ask(struct net_name *n)
{
    pthread_mutex_lock(&n->mutex);
    bool start = !n->running;
    if (start) {
        n->running = true;
        n->references++;
    }
    pthread_mutex_unlock(&n->mutex);
    if (!start || start_thread(n))
        return;
    pthread_mutex_lock(&n->mutex);
    n->running = false;
    pthread_mutex_unlock(&n->mutex);
    release(n);
}

int net_name_fd(const struct net_name *n) { return n->ended_fd; }

bool net_name_take(struct net_name *n, char endpoint[static NET_NAME_BYTES])
{
    eventfd_t count;
    pthread_mutex_lock(&n->mutex);
    bool found = n->ended && n->address[0];
    if (n->ended)
        eventfd_read(n->ended_fd, &count);
    n->ended = false;
    if (found)
        snprintf(endpoint, NET_NAME_BYTES, "%s%s:%s", prefix, n->address, n->port);
    pthread_mutex_unlock(&n->mutex);
    return found;
}
