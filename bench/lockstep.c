/* lockstep.c - the connections and their poll loop. */
#include "bench/lockstep.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

_Noreturn void lockstep_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

void lockstep_send(struct lockstep *c, const void *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(c->fd, bytes, len);
        if (n < 0 && errno != EINTR)
            lockstep_fail("write");
        size_t took = n < 0 ? 0 : (size_t)n;
        bytes = (const char *)bytes + took;
        len -= took;
    }
}

void lockstep_text(struct lockstep *c, const char *text) { lockstep_send(c, text, strlen(text)); }

void lockstep_more(struct lockstep *c)
{
    ssize_t n = read(c->fd, c->in + c->len, sizeof c->in - c->len);
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0)
        lockstep_fail(n < 0 ? "read" : "the server closed a connection, or said too much at once");
    c->len += (size_t)n;
}

void lockstep_consume(struct lockstep *c, size_t len)
{
    c->len -= len;
    memmove(c->in, c->in + len, c->len);
}

static void connect_all(struct lockstep *clients, unsigned count, int port, const struct lockstep_protocol *protocol)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    for (unsigned i = 0; i < count; i++) {
        int one = 1;
        clients[i].number = i;
        clients[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (clients[i].fd < 0 || connect(clients[i].fd, (struct sockaddr *)&address, sizeof address) != 0)
            lockstep_fail("connect");
        setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (protocol->open)
            protocol->open(&clients[i]);
    }
}

double lockstep_run(int port, unsigned connections, double seconds, const struct lockstep_protocol *protocol)
{
    static struct lockstep clients[LOCKSTEP_CONNECTIONS_MAX];
    static struct pollfd fds[LOCKSTEP_CONNECTIONS_MAX];
    uint64_t rounds = 0;
    if (connections < 1 || connections > LOCKSTEP_CONNECTIONS_MAX || seconds <= 0) {
        errno = EINVAL;
        lockstep_fail("connections, seconds");
    }
    connect_all(clients, connections, port, protocol);
    int64_t start_us = clock_mono_us(), end_us = start_us + (int64_t)(seconds * 1e6), now_us = start_us;
    for (unsigned i = 0; i < connections; i++) {
        fds[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
        protocol->begin(&clients[i]);
    }
    for (; now_us < end_us && !(protocol->enough && protocol->enough()); now_us = clock_mono_us()) {
        poll(fds, connections, 100);
        for (unsigned i = 0; i < connections; i++) {
            if (!fds[i].revents)
                continue;
            lockstep_more(&clients[i]);
            if (protocol->received(&clients[i])) {
                rounds++;
                protocol->begin(&clients[i]);
            }
        }
    }
    return (double)rounds * 1e6 / (double)(now_us - start_us);
}
