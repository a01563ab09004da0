/* http_linger.c - reads and throws away; TCP's MSG_TRUNC does so without copying. */
#include "gateway/http_linger.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISCARD_BYTES (4u * 1024u * 1024u) /* of one socket in one tick */

/* Where nothing is read any more (SHUT_RD), a read says "end" as soon as the queue is empty; the state tells of the client's own end. */
static bool client_sends(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return false;
    return info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_FIN_WAIT2;
}

/* A client that is still sending, perhaps into a window that is full, learns that nobody reads. */
static void let_go(int fd)
{
    if (client_sends(fd))
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
    close(fd);
}

static void drop_oldest(struct http_linger *l)
{
    if (l->at[l->head].fd >= 0)
        let_go(l->at[l->head].fd);
    l->head = (l->head + 1) % HTTP_LINGER_MAX;
    l->count--;
}

void http_linger_add(struct http_linger *l, int fd, int64_t now_ms)
{
    if (l->count == HTTP_LINGER_MAX)
        drop_oldest(l);
    if (l->count == 0)
        l->next_ms = now_ms + HTTP_LINGER_TICK_MS;
    size_t at = (l->head + l->count++) % HTTP_LINGER_MAX;
    l->at[at].fd = fd;
    l->at[at].until_ms = now_ms + HTTP_LINGER_MS;
}

/* True when the client has closed its side, or the connection is broken. */
static bool discard(int fd)
{
    for (size_t sum = 0; sum < DISCARD_BYTES;) {
        ssize_t got = recv(fd, NULL, DISCARD_BYTES, MSG_TRUNC | MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? !client_sends(fd) : errno != EAGAIN && errno != EWOULDBLOCK;
        sum += (size_t)got;
    }
    return false;
}

void http_linger_run(struct http_linger *l, int64_t now_ms)
{
    if (l->count == 0 || now_ms < l->next_ms)
        return;
    l->next_ms = now_ms + HTTP_LINGER_TICK_MS;
    for (size_t i = 0; i < l->count; i++) {
        int *fd = &l->at[(l->head + i) % HTTP_LINGER_MAX].fd;
        if (*fd >= 0 && discard(*fd)) {
            let_go(*fd);
            *fd = -1;
        }
    }
    while (l->count > 0 && (l->at[l->head].fd < 0 || l->at[l->head].until_ms <= now_ms))
        drop_oldest(l);
}

int64_t http_linger_deadline(const struct http_linger *l) { return l->count ? l->next_ms : INT64_MAX; }

void http_linger_finish(struct http_linger *l)
{
    while (l->count > 0)
        drop_oldest(l);
}
