/* http_linger.h - sockets that we are done with while their client may still be sending.
 *
 * Closing a socket with unread bytes resets the connection, and a reset makes the client's kernel throw away the answer that lies there
 * unread: "connection reset" instead of "413". So a copy of the descriptor is kept for a moment, what comes is thrown away, and then
 * it is closed. A fixed number of them; when it is full, the oldest is closed early. */
#ifndef LEAT_GATEWAY_HTTP_LINGER_H
#define LEAT_GATEWAY_HTTP_LINGER_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_LINGER_MAX 256u
#define HTTP_LINGER_MS 2000 /* how long a socket is kept at most */
#define HTTP_LINGER_TICK_MS 20

struct http_linger {
    struct {
        int fd;
        int64_t until_ms;
    } at[HTTP_LINGER_MAX]; /* a ring in the order of until_ms */
    size_t head, count;
    int64_t next_ms;
};

void http_linger_add(struct http_linger *l, int fd, int64_t now_ms); /* takes the descriptor over */
void http_linger_run(struct http_linger *l, int64_t now_ms);
int64_t http_linger_deadline(const struct http_linger *l);
void http_linger_finish(struct http_linger *l); /* closes all */

#endif
