/* http_private.h - what the server's own files share. One struct http_conn lives as long as a connection, and its request in it.
 *
 *     http.c           the daemon: start, run, time-outs, end
 *     http_request.c   the library's callbacks: a request from its first line to its last byte
 *     http_answer.c    from struct http_request to the library's response
 *     http_listen.c    the listening socket, accepting, refusing beyond the limit
 *     http_linger.c    connections that were closed by us while their client was still sending
 *
 * Waiting. A request that is not answered by its callback is held: the library calls its handler again in each run, which is cheaper
 * than suspending (two epoll_ctl and a futile recv each) as long as few are held for a short time. What waits longer than HTTP_HOLD_MS,
 * or comes when HTTP_HELD_MAX are held, is suspended and resumed by its answer. */
#ifndef LEAT_GATEWAY_HTTP_PRIVATE_H
#define LEAT_GATEWAY_HTTP_PRIVATE_H

#include <microhttpd.h>

#include "common/limits.h"
#include "gateway/http.h"
#include "gateway/http_linger.h"
#include "gateway/timers.h"

#define HTTP_HEADERS_MAX 10u
#define HTTP_HEADER_VALUE_BYTES 80u
#define HTTP_HELD_MAX 1024u
#define HTTP_HOLD_MS 20
#define HTTP_BODY_FIRST_BYTES 1024u   /* first size of a body's buffer; it doubles */
#define HTTP_KEEP_BYTES (16u * 1024u) /* a buffer that has grown beyond is freed after its request */
#define HTTP_POOL_BYTES                                                                                                        \
    (LIMIT_HEADER_BYTES + 3072u) /* the library's memory for a request; it is wiped after each, so no more */

struct http_header {
    const char *name;
    const char *of; /* the value, if it is somebody else's */
    char value[HTTP_HEADER_VALUE_BYTES];
};

struct http_conn {
    struct http_request request; /* first: the owner's pointer to it is ours to the connection */
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct timer timer; /* may fire before there is anything to do: phases change more often than it is worth to move it */
    int64_t due_ms;     /* when its phase has had its time */
    int64_t look_ms;    /* when it is to be looked at next, not after due_ms */
    struct http_conn *next, **link; /* all connections */
    enum limit_phase phase;
    bool began;     /* its headers have been looked at */
    bool answered;  /* status, headers, out are set */
    bool queued;    /* and handed to the library */
    bool suspended; /* by us */
    bool watched;   /* while suspended: will its client leave? */
    bool held;      /* waits without being suspended */
    bool closing;   /* the answer ends the connection */
    int fd;
    unsigned status;
    const char *media_type;
    unsigned header_count;
    struct http_header headers[HTTP_HEADERS_MAX];
    struct buf body;
    size_t charged; /* of the limit's bytes */
    int64_t waiting_since_ms;
    struct http_fields fields;
};

struct http_server {
    struct MHD_Daemon *mhd;
    struct limit *limit;
    const struct http_events *events;
    void *self;
    struct timers timers;
    struct http_conn *conns;
    struct http_linger linger;
    int epoll_fd, listen_fd, watch_fd;
    int64_t now_ms, accept_after_ms; /* accept_after_ms: after a shortage of descriptors */
    size_t held, watched;
    bool answers;  /* some were made since the last run of the library */
    bool progress; /* the last run read a part of a request: more may lie there */
    bool draining;
};

static inline struct http_conn *conn_of(struct http_request *r) { return (struct http_conn *)r; }

void conn_move(struct http_conn *c, enum limit_phase to);
/* Cuts the connection below the library, which then notices and closes it. */
void conn_cut(struct http_conn *c);
/* Writes a whole answer past the library, for moments when it can send none. The library must close the connection then: because its
 * handler says so, or because it is cut. */
void conn_refuse_raw(struct http_conn *c, const struct err *e);
bool conn_charge(struct http_conn *c); /* for what its buffers hold now */

/* http_request.c */
void *http_on_uri(void *self, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_on_part(void *self, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
                             const char *data, size_t *data_len, void **state);
void http_on_completed(void *self, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why);

/* http_answer.c */
int http_queue(struct http_conn *c); /* hands the answer to the library; 0 or -1 */

/* http_watch.c: suspended connections whose clients may leave */
#define HTTP_CLIENT_GONE 499                /* nobody reads it; it is counted */
int http_watch_open(struct http_server *h); /* 0 or -1 */
void http_watch_close(struct http_server *h);
void http_watch_add(struct http_conn *c);
void http_watch_remove(struct http_conn *c);
void http_watch_run(struct http_server *h); /* tells the owner who is gone */

/* http_listen.c */
void http_accept(struct http_server *h);
/* Writes one whole answer with a problem body, best effort, never blocking. */
void http_write_raw(int fd, const struct err *e);

#endif
