/* http_answer.c - from struct http_request to the library's response. The body is not copied: it stays in the request until it is sent. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "gateway/http_private.h"
#include "gateway/problem.h"

bool http_is_answered(const struct http_request *r) { return ((const struct http_conn *)r)->answered; }

void http_put_header(struct http_request *r, const char *name, const char *format, ...)
{
    struct http_conn *c = conn_of(r);
    assert(c->header_count < HTTP_HEADERS_MAX);
    struct http_header *header = &c->headers[c->header_count++];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(header->value, sizeof header->value, format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof header->value);
    (void)len;
    header->name = name;
    header->of = NULL;
}

void http_put_header_of(struct http_request *r, const char *name, struct slice value)
{
    struct http_conn *c = conn_of(r);
    assert(c->header_count < HTTP_HEADERS_MAX && value.ptr[value.len] == '\0');
    c->headers[c->header_count++] = (struct http_header){.name = name, .of = (const char *)value.ptr};
}

static void set_error(struct http_conn *c, const struct err *e)
{
    struct buf *out = &c->request.out;
    buf_reset(out);
    c->status = (unsigned)err_http_status(e->code);
    c->media_type = PROBLEM_MEDIA_TYPE;
    if (c->request.put_error)
        c->media_type = c->request.put_error(c->server->self, &c->request, e);
    else
        problem_put(out, e, NULL);
    if (c->status == 503)
        http_put_header(&c->request, "Retry-After", "1");
}

void http_answer(struct http_request *r, unsigned status, const char *media_type)
{
    struct http_conn *c = conn_of(r);
    struct err e;
    assert(!c->answered);
    c->answered = true;
    c->status = status;
    c->media_type = media_type;
    r->state = NULL;
    if (buf_failed(&r->out) || !conn_charge(c)) {
        buf_finish(&r->out);
        c->header_count = 0;
        err_set(&e, ERR_UNAVAILABLE, "this gateway holds too many answers at the moment");
        set_error(c, &e);
    }
    c->server->answers = true;
    http_watch_remove(c);
    if (!c->suspended)
        return; /* the library's next call of its handler takes it */
    if (http_queue(c) != 0)
        conn_cut(c);
    c->suspended = false;
    MHD_resume_connection(c->mhd);
}

void http_refuse(struct http_request *r, const struct err *e)
{
    struct http_conn *c = conn_of(r);
    set_error(c, e);
    http_answer(r, c->status, c->media_type);
}

static int add_headers(struct http_conn *c, struct MHD_Response *response)
{
    enum MHD_Result ok = MHD_add_response_header(response, "Content-Type", c->media_type);
    for (unsigned i = 0; i < c->header_count; i++)
        ok &= MHD_add_response_header(response, c->headers[i].name, c->headers[i].of ? c->headers[i].of : c->headers[i].value);
    if (c->closing)
        ok &= MHD_add_response_header(response, "Connection", "close");
    return ok == MHD_YES ? 0 : -1;
}

int http_queue(struct http_conn *c)
{
    struct buf *out = &c->request.out;
    c->closing |= c->server->draining;
    struct MHD_Response *response = MHD_create_response_from_buffer(out->len, out->data, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return -1;
    conn_move(c, LIMIT_SENDING);
    c->queued = true;
    int result = add_headers(c, response) == 0 && MHD_queue_response(c->mhd, c->status, response) == MHD_YES ? 0 : -1;
    MHD_destroy_response(response);
    return result;
}
