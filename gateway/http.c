/* http.c - the library's daemon under our loop, and the connections' time-outs.
 *
 * A connection's life: FRESH, then for each request READING -> WAITING -> SENDING -> IDLE. Each phase but WAITING has a time-out. */
#include "gateway/http.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "gateway/http_private.h"

#define LOOK_MS 500

/* -- Connections ----------------------------------------------------------------------------------------------- */
/* The library does not notice the end of a client's side that came together with other bytes: its poll is edge-triggered, and a read
 * that does not fill the buffer counts as the last. So we look once, early in each phase that waits for the client's bytes. */
static int64_t first_look(enum limit_phase phase, int64_t due_ms, int64_t now_ms)
{
    bool reads = phase == LIMIT_FRESH || phase == LIMIT_READING || phase == LIMIT_IDLE;
    return reads && due_ms > now_ms + LOOK_MS ? now_ms + LOOK_MS : due_ms;
}

static bool has_ended(const struct http_conn *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void enter(struct http_conn *c, enum limit_phase phase)
{
    struct http_server *h = c->server;
    c->phase = phase;
    c->due_ms = limit_deadline(h->limit, phase, h->now_ms);
    c->look_ms = first_look(phase, c->due_ms, h->now_ms);
    if (c->look_ms != INT64_MAX && !(timer_is_set(&c->timer) && c->timer.due_ms <= c->look_ms))
        timer_set(&h->timers, &c->timer, c->look_ms);
}

void conn_move(struct http_conn *c, enum limit_phase to)
{
    limit_move(c->server->limit, c->phase, to);
    enter(c, to);
}

bool conn_charge(struct http_conn *c) { return limit_charge(c->server->limit, &c->charged, c->body.cap + c->request.out.cap); }

void conn_cut(struct http_conn *c)
{
    timer_clear(&c->server->timers, &c->timer);
    shutdown(c->fd, SHUT_RDWR);
}

void conn_refuse_raw(struct http_conn *c, const struct err *e)
{
    int copy = dup(c->fd);
    http_write_raw(c->fd, e);
    c->status = (unsigned)err_http_status(e->code);
    timer_clear(&c->server->timers, &c->timer);
    shutdown(c->fd, SHUT_WR);
    if (copy >= 0)
        http_linger_add(&c->server->linger, copy, c->server->now_ms);
}

static void conn_open(struct http_server *h, struct MHD_Connection *mhd, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_conn *c = malloc(sizeof *c); /* not calloc: its fields are 5 KiB that need no clearing */
    *context = c;
    if (!c || !info || !limit_open(h->limit)) {
        if (info)
            shutdown(info->connect_fd, SHUT_RDWR);
        free(c);
        *context = NULL;
        return;
    }
    memset(c, 0, offsetof(struct http_conn, fields));
    http_fields_reset(&c->fields);
    c->server = h;
    c->mhd = mhd;
    c->fd = info->connect_fd;
    c->request.fields = &c->fields;
    enter(c, LIMIT_FRESH);
    c->next = h->conns;
    c->link = &h->conns;
    if (c->next)
        c->next->link = &c->next;
    h->conns = c;
}

static void conn_close(struct http_conn *c)
{
    struct http_server *h = c->server;
    assert(!c->held && !c->request.state);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    timer_clear(&h->timers, &c->timer);
    limit_close(h->limit, c->phase);
    buf_finish(&c->body);
    buf_finish(&c->request.out);
    conn_charge(c);
    free(c);
}

static void on_connection(void *self, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_open(self, mhd, context);
    } else if (*context) {
        conn_close(*context);
        *context = NULL;
    }
}

/* Its timer has fired. */
static void look_at(struct http_conn *c)
{
    struct err e;
    bool early = c->server->now_ms < c->due_ms;
    if (c->server->now_ms >= c->look_ms && early && !has_ended(c))
        c->look_ms = c->due_ms;
    if (c->server->now_ms < c->look_ms) {
        if (c->look_ms != INT64_MAX)
            timer_set(&c->server->timers, &c->timer, c->look_ms);
        return;
    }
    if (!early && (c->phase == LIMIT_FRESH || c->phase == LIMIT_READING)) {
        err_set(&e, ERR_TIMEOUT, "the request was not complete after %lld ms", (long long)c->server->limit->request_timeout_ms);
        conn_refuse_raw(c, &e);
    }
    conn_cut(c);
}

/* -- The daemon ------------------------------------------------------------------------------------------------ */
/* Paths are compared as they were sent: an escaped slash must not become a real one. */
static size_t keep_escaped(void *self, struct MHD_Connection *mhd, char *text)
{
    (void)self;
    (void)mhd;
    return strlen(text);
}

static void log_library(void *self, const char *format, va_list args)
{
    char text[256], quoted[512];
    (void)self;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http.library", "text=%s", log_value(text, quoted, sizeof quoted));
}

static struct MHD_Daemon *start(struct http_server *h)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, http_on_part, h, MHD_OPTION_EXTERNAL_LOGGER, log_library, h,
                            MHD_OPTION_URI_LOG_CALLBACK, http_on_uri, h, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, h,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, h,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)(h->limit->connections_max + 1), MHD_OPTION_CONNECTION_TIMEOUT, 0u,
                            MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

struct http_server *http_server_create(int listen_fd, struct limit *limit, const struct http_events *events, void *self,
                                       int64_t now_ms, struct err *e)
{
    struct http_server *h = calloc(1, sizeof *h);
    if (!h) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    h->limit = limit;
    h->events = events;
    h->self = self;
    h->watch_fd = h->listen_fd = -1; /* not ours yet: on failure the caller keeps it */
    h->now_ms = now_ms;
    timers_init(&h->timers, now_ms);
    h->mhd = start(h);
    const union MHD_DaemonInfo *info = h->mhd ? MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || http_watch_open(h) != 0) {
        err_set(e, ERR_INTERNAL, "the HTTP library does not start: %s", strerror(errno));
        http_server_destroy(&h);
        return NULL;
    }
    h->epoll_fd = info->epoll_fd;
    h->listen_fd = listen_fd;
    return h;
}

void http_server_destroy(struct http_server **server)
{
    struct http_server *h = *server;
    if (!h)
        return;
    for (struct http_conn *c = h->conns; c; c = c->next)
        if (c->suspended && !c->queued) {
            MHD_resume_connection(c->mhd); /* the library does not stop with suspended ones */
            c->suspended = false;
        }
    if (h->listen_fd >= 0)
        close(h->listen_fd);
    if (h->mhd)
        MHD_stop_daemon(h->mhd);
    assert(!h->conns);
    http_linger_finish(&h->linger);
    http_watch_close(h);
    free(h);
    *server = NULL;
}

int http_epoll_fd(const struct http_server *h) { return h->epoll_fd; }

int http_watch_fd(const struct http_server *h) { return h->watch_fd; }

int http_listen_fd(const struct http_server *h) { return h->now_ms < h->accept_after_ms ? -1 : h->listen_fd; }

void http_run(struct http_server *h, int64_t now_ms, bool knocks)
{
    h->now_ms = now_ms;
    if (knocks)
        http_accept(h);
    h->progress = false;
    if (h->watched > 0)
        http_watch_run(h);
    MHD_run(h->mhd);
    if (h->answers) { /* the first run built the answers' headers, the second writes them */
        h->answers = false;
        MHD_run(h->mhd);
    }
    for (struct timer *t; (t = timers_take(&h->timers, now_ms)) != NULL;)
        look_at((struct http_conn *)((char *)t - offsetof(struct http_conn, timer)));
    http_linger_run(&h->linger, now_ms);
}

int64_t http_deadline(const struct http_server *h, int64_t now_ms)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    int64_t due_ms = timers_deadline(&h->timers), linger_ms = http_linger_deadline(&h->linger);
    if (h->answers)
        return now_ms;
    /* The library wants to run again. Held requests make it say so always; then look again soon, should it be something else. */
    if (MHD_get_timeout(h->mhd, &wait_ms) == MHD_YES && wait_ms == 0)
        return h->held == 0 || h->progress ? now_ms : now_ms + 1;
    if (h->listen_fd >= 0 && now_ms < h->accept_after_ms && h->accept_after_ms < due_ms)
        due_ms = h->accept_after_ms;
    return linger_ms < due_ms ? linger_ms : due_ms;
}

void http_drain(struct http_server *h)
{
    h->draining = true;
    if (h->listen_fd >= 0)
        close(h->listen_fd);
    h->listen_fd = -1;
    for (struct http_conn *c = h->conns; c; c = c->next)
        if (c->phase == LIMIT_IDLE || c->phase == LIMIT_FRESH)
            conn_cut(c);
}
