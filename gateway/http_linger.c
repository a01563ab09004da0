/* http_linger.c - reads and throws away; TCP's MSG_TRUNC does so without copying. */
#include "gateway/http_linger.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISCARD_BYTES (4u * 1024u * 1024u) /* of one socket in one tick */

static void drop_oldest(struct http_linger *l)
{
    if (l->at[l->head].fd >= 0)
        close(l->at[l->head].fd);
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
            return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
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
            close(*fd);
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
