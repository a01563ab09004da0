/* beans.c - load for beanstalkd: N connections, each with one request under way. Usage: beans PORT CONNECTIONS SECONDS put|cycle
 * put: one put after the other; cycle: put, reserve, delete. Prints finished rounds a second. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 1024

struct client {
    int fd, step;
    char in[4096];
    size_t len;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ask(struct client *c, const char *text)
{
    c->len = 0;
    if (write(c->fd, text, strlen(text)) < 0)
        exit(1);
}

static void put(struct client *c)
{
    static char text[512];
    if (!text[0]) {
        char body[128];
        memset(body, 'x', 120);
        body[120] = 0;
        snprintf(text, sizeof text, "put 0 0 60 120\r\n%s\r\n", body);
    }
    c->step = 0;
    ask(c, text);
}

/* Returns 1 when a round is finished. */
static int answered(struct client *c, int cycle)
{
    char text[64];
    c->in[c->len] = 0;
    if (c->step == 1 && (c->len < 120 || memcmp(c->in + c->len - 2, "\r\n", 2) != 0))
        return 0;
    if (c->step != 1 && !memchr(c->in, '\n', c->len))
        return 0;
    if (c->step == 0 && cycle) {
        c->step = 1;
        ask(c, "reserve\r\n");
        return 0;
    }
    if (c->step == 1) {
        snprintf(text, sizeof text, "delete %ld\r\n", strtol(c->in + 9, NULL, 10));
        c->step = 2;
        ask(c, text);
        return 0;
    }
    put(c);
    return 1;
}

int main(int argc, char **argv)
{
    static struct client clients[MOST];
    static struct pollfd fds[MOST];
    if (argc != 5)
        return 64;
    int count = (int)strtol(argv[2], NULL, 10), cycle = strcmp(argv[4], "cycle") == 0, one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(argv[1], NULL, 10))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    for (int i = 0; i < count && i < MOST; i++) {
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(clients[i].fd, (struct sockaddr *)&address, sizeof address) != 0)
            return 1;
        fds[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
        put(&clients[i]);
    }
    double start = now(), end = start + strtod(argv[3], NULL);
    long rounds = 0;
    while (now() < end) {
        poll(fds, (nfds_t)count, 100);
        for (int i = 0; i < count; i++) {
            struct client *c = &clients[i];
            if (!fds[i].revents)
                continue;
            ssize_t n = read(c->fd, c->in + c->len, sizeof c->in - 1 - c->len);
            if (n <= 0)
                return 1;
            c->len += (size_t)n;
            rounds += answered(c, cycle);
        }
    }
    printf("%.0f\n", (double)rounds / (now() - start));
    return 0;
}
