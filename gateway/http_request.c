/* http_request.c - the library's callbacks: a request from its first line to its last byte.
 *
 *   on_uri ─▶ on_part (headers) ─▶ on_part (body)* ─▶ on_part (complete) ─▶ [on_part (held)*] ─▶ on_completed
 *
 * A refused request with a body is answered before the body and its connection closed; one without a body is answered when it is complete,
 * so that its connection lives on. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "gateway/http_private.h"

void *http_on_uri(void *self, const char *uri, struct MHD_Connection *mhd)
{
    (void)uri;
    (void)self;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_conn *c = info ? info->socket_context : NULL;
    if (!c)
        return NULL;
    c->server->progress = true;
    c->request.begun_us = clock_mono_us();
    c->request.route = NULL;
    c->request.parameter = (struct slice){0};
    c->request.body = (struct slice){0};
    c->request.body_max = LIMIT_BODY_BYTES;
    c->request.put_error = NULL;
    c->request.watch = false;
    c->began = c->answered = c->queued = c->closing = false;
    c->header_count = 0;
    c->status = 0;
    http_fields_reset(&c->fields);
    conn_move(c, LIMIT_READING);
    return c;
}

/* -- Headers --------------------------------------------------------------------------------------------------- */
static enum MHD_Result on_field(void *self, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
                                size_t value_len)
{
    http_fields_add(self, slice_of(name, name_len), slice_of(value, value ? value_len : 0), kind == MHD_GET_ARGUMENT_KIND);
    return MHD_YES;
}

static unsigned method_of(const char *method)
{
    static const struct {
        const char *name;
        unsigned bit;
    } methods[] = {
        {"POST", HTTP_POST}, {"GET", HTTP_GET}, {"HEAD", HTTP_HEAD}, {"DELETE", HTTP_DELETE}, {"OPTIONS", HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(method, methods[i].name) == 0)
            return methods[i].bit;
    return HTTP_OTHER;
}

static bool has_body(const struct http_conn *c) { return c->fields.chunked || c->fields.content_length > 0; }

/* An answer before the body: what the client still sends is thrown away, not answered with a reset. */
static int queue_early(struct http_conn *c)
{
    int copy = dup(c->fd);
    c->closing = true;
    if (copy >= 0)
        http_linger_add(&c->server->linger, copy, c->server->now_ms);
    return http_queue(c);
}

static enum MHD_Result on_headers(struct http_conn *c, const char *url, const char *method, const char *version)
{
    struct err e = {0};
    struct http_request *r = &c->request;
    bool version_1_1 = strcmp(version, "HTTP/1.0") != 0;
    c->began = true;
    r->method = method_of(method);
    r->path = http_target_path(url);
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND, on_field, &c->fields);
    if (!r->path)
        err_set(&e, ERR_BAD_REQUEST, "the request target is not a path");
    if (e.code != ERR_NONE || http_fields_check(&c->fields, version_1_1, &e) != 0) {
        http_refuse(r, &e);
        return queue_early(c) == 0 ? MHD_YES
                                   : MHD_NO; /* where its body ends is not sure: it must be the last of its connection */
    }
    if (!c->server->events->begin(c->server->self, r) || c->answered)
        return !has_body(c) || queue_early(c) == 0 ? MHD_YES : MHD_NO;
    if (c->fields.content_length > r->body_max) {
        err_set(&e, ERR_TOO_LARGE, "the body is larger than %zu bytes", r->body_max);
        http_refuse(r, &e);
        return queue_early(c) == 0 ? MHD_YES : MHD_NO;
    }
    return MHD_YES;
}

/* -- Body ------------------------------------------------------------------------------------------------------ */
static int grow_body(struct http_conn *c, size_t need, struct err *e)
{
    size_t cap = c->body.cap > HTTP_BODY_FIRST_BYTES ? c->body.cap : HTTP_BODY_FIRST_BYTES, charged = c->charged;
    while (cap < need)
        cap *= 2;
    if (!limit_charge(c->server->limit, &c->charged, charged + cap - c->body.cap))
        return err_set(e, ERR_UNAVAILABLE, "this gateway holds too many bodies at the moment");
    if (buf_reserve(&c->body, cap - c->body.len) == 0)
        return 0;
    limit_charge(c->server->limit, &c->charged, charged);
    return err_set(e, ERR_UNAVAILABLE, "this gateway is out of memory");
}

/* Once a part of the body was read, the library sends nothing before the rest is there: what must be said is written past it. */
static enum MHD_Result on_body(struct http_conn *c, const char *data, size_t *data_len)
{
    struct err e;
    size_t need = c->body.len + *data_len;
    c->server->progress = true;
    if (c->answered) { /* refused before: nobody wants the body */
        *data_len = 0;
        return MHD_YES;
    }
    if (need > c->request.body_max) {
        err_set(&e, ERR_TOO_LARGE, "the body is larger than %zu bytes", c->request.body_max);
        conn_refuse_raw(c, &e);
        return MHD_NO;
    }
    if (need > c->body.cap && grow_body(c, need, &e) != 0) {
        conn_refuse_raw(c, &e);
        return MHD_NO;
    }
    buf_append(&c->body, data, *data_len);
    *data_len = 0;
    return MHD_YES;
}

/* -- Complete -------------------------------------------------------------------------------------------------- */
static void leave_wait(struct http_conn *c)
{
    if (c->held)
        c->server->held--;
    c->held = false;
}

static void suspend(struct http_conn *c)
{
    leave_wait(c);
    MHD_suspend_connection(c->mhd);
    c->suspended = true;
    if (c->request.watch)
        http_watch_add(c);
}

static enum MHD_Result on_complete(struct http_conn *c)
{
    struct http_server *h = c->server;
    if (c->phase == LIMIT_READING) {
        conn_move(c, LIMIT_WAITING);
        c->request.body = buf_slice(&c->body);
        c->waiting_since_ms = h->now_ms;
        if (!c->answered)
            h->events->request(h->self, &c->request);
        if (!c->answered && h->held < HTTP_HELD_MAX) {
            c->held = true;
            h->held++;
        }
    }
    if (c->answered) {
        leave_wait(c);
        return c->queued || http_queue(c) == 0 ? MHD_YES : MHD_NO;
    }
    if (!c->held || h->now_ms - c->waiting_since_ms > HTTP_HOLD_MS)
        suspend(c);
    return MHD_YES;
}

enum MHD_Result http_on_part(void *self, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
                             const char *data, size_t *data_len, void **state)
{
    struct http_conn *c = *state;
    (void)self;
    (void)mhd;
    if (!c)
        return MHD_NO; /* there was no memory for it */
    if (!c->began)
        return on_headers(c, url, method, version);
    return *data_len > 0 ? on_body(c, data, data_len) : on_complete(c);
}

/* -- Done ------------------------------------------------------------------------------------------------------ */
static void shrink(struct buf *b)
{
    buf_reset(b);
    if (b->cap > HTTP_KEEP_BYTES)
        buf_finish(b);
}

static unsigned final_status(const struct http_conn *c)
{
    if (c->status)
        return c->status;
    /* The library may have refused it by itself: then it knows the status. */
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
    return info && info->http_status ? info->http_status : HTTP_CLIENT_GONE;
}

void http_on_completed(void *self, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why)
{
    struct http_server *h = self;
    struct http_conn *c = *state;
    (void)mhd;
    (void)why;
    *state = NULL;
    if (!c)
        return;
    leave_wait(c);
    http_watch_remove(c);
    c->suspended = false;
    if (!c->answered && c->request.state)
        h->events->gone(h->self, &c->request);
    c->request.state = NULL;
    h->events->done(h->self, &c->request, final_status(c), clock_mono_us());
    shrink(&c->body);
    shrink(&c->request.out);
    conn_charge(c);
    conn_move(c, LIMIT_IDLE);
    if (h->draining)
        conn_cut(c);
}
