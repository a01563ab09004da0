/* aws.c - see aws.h. */
#include "gateway/aws.h"

#include <string.h>
#include <xxhash.h>

#include "common/json_cursor.h"
#include "common/log.h"
#include "gateway/aws_error.h"
#include "gateway/coding.h"
#include "gateway/gateway.h"

#define REQUEST_ID_BYTES (AWS_REQUEST_ID_BYTES - 1) /* as DynamoDB's have */
#define COMPRESS_FROM_BYTES 4096u                   /* smaller answers cost more to compress than to send */
#define KEEP_BYTES (256u * 1024u)                   /* scratch that has grown beyond is given back */
#define REGION "us-east-1"                          /* in the health text, which knows no client's region */

#define JSON_1_0 "application/x-amz-json-1.0"
#define JSON_PLAIN "application/json"
#define FORM "application/x-www-form-urlencoded"

static const struct {
    const char *prefix;
    aws_service *serve;
} targets[] = {
#define X(prefix_, serve_) {prefix_, serve_},
    AWS_TARGETS(X)
#undef X
};

/* -- The envelope ---------------------------------------------------------------------------------------------- */
/* 52 characters of [0-9A-V] that no other request of any gateway has: two hashes of an id. */
void aws_make_request_id(struct gateway *g, char text[static AWS_REQUEST_ID_BYTES])
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    struct id id = id_make(&g->ids, g->wall_ms, 0);
    for (int half = 0; half < 2; half++) {
        XXH128_hash_t hash = XXH3_128bits_withSeed(id.bytes, ID_BYTES, (XXH64_hash_t)half);
        for (int i = 0; i < REQUEST_ID_BYTES / 2; i++) {
            text[half * REQUEST_ID_BYTES / 2 + i] = alphabet[hash.low64 & 31];
            hash.low64 = hash.low64 >> 5 | hash.high64 << 59;
            hash.high64 >>= 5;
        }
    }
    text[REQUEST_ID_BYTES] = '\0';
}

static bool compress(struct gateway *g, struct http_request *r)
{
    struct slice accept;
    if (r->out.len < COMPRESS_FROM_BYTES || !http_header_get(r->fields, "accept-encoding", 0, &accept))
        return false;
    enum coding coding = coding_choose(accept);
    buf_reset(&g->coded);
    if (coding == CODING_IDENTITY || coding_compress(coding, buf_slice(&r->out), &g->coded) != 0 || g->coded.len >= r->out.len)
        return false;
    buf_swap(&r->out, &g->coded);
    http_put_header(r, "Content-Encoding", "%s", coding_name(coding));
    return true;
}

static void shrink(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_finish(b);
}

/* The headers that every answer has. The body is final after it. */
static void put_envelope_as(struct gateway *g, struct http_request *r, const char *request_id)
{
    struct slice origin;
    if (compress(g, r))
        shrink(&g->coded);
    http_put_header(r, "x-amzn-RequestId", "%s", request_id);
    http_put_header(r, "x-amz-crc32", "%u", (unsigned)coding_crc32(buf_slice(&r->out)));
    if (!http_header_get(r->fields, "origin", 0, &origin))
        return;
    http_put_header(r, "Access-Control-Allow-Origin", "*");
    http_put_header(r, "Access-Control-Expose-Headers", "x-amzn-RequestId, x-amz-crc32, x-amz-id-2, Date");
}

static void put_envelope(struct gateway *g, struct http_request *r)
{
    char id[AWS_REQUEST_ID_BYTES];
    aws_make_request_id(g, id);
    put_envelope_as(g, r, id);
}

/* Content-Type without its parameters. */
static struct slice media_of(const struct http_request *r)
{
    struct slice type = {0};
    http_header_get(r->fields, "content-type", 0, &type);
    size_t len = 0;
    while (len < type.len && type.ptr[len] != ';')
        len++;
    while (len > 0 && (type.ptr[len - 1] == ' ' || type.ptr[len - 1] == '\t'))
        len--;
    return slice_of(type.ptr, len);
}

void aws_answer_as(struct gateway *g, struct http_request *r, unsigned status, const char *media_type, const char *request_id)
{
    put_envelope_as(g, r, request_id);
    http_answer(r, status, media_type);
}

void aws_answer(struct gateway *g, struct http_request *r, unsigned status)
{
    put_envelope(g, r);
    http_answer(r, status, http_same_word(media_of(r), slice_text(JSON_1_0)) ? JSON_1_0 : JSON_PLAIN);
}

void aws_refuse(struct gateway *g, struct http_request *r, const char *name, struct slice sentence)
{
    buf_reset(&r->out);
    unsigned status = aws_error_put(&r->out, slice_text(name), sentence);
    if (status == 503)
        http_put_header(r, "Retry-After", "1");
    aws_answer(g, r, status);
}

static bool begins_with(struct slice text, const char *prefix, struct slice *rest)
{
    size_t len = strlen(prefix);
    if (text.len < len || memcmp(text.ptr, prefix, len) != 0)
        return false;
    *rest = slice_of(text.ptr + len, text.len - len);
    return true;
}

static bool is_query(const struct http_request *r)
{
    struct slice action;
    return http_same_word(media_of(r), slice_text(FORM)) || http_query_get(r->fields, "Action", &action);
}

/* What the server refuses by itself. */
static const char *put_error(void *self, struct http_request *r, const struct err *e)
{
    char id[AWS_REQUEST_ID_BYTES];
    struct slice target = slice_text(""), rest;
    const char *media_type = http_same_word(media_of(r), slice_text(JSON_1_0)) ? JSON_1_0 : JSON_PLAIN;
    http_header_get(r->fields, "x-amz-target", 0, &target);
    bool json = begins_with(target, "AmazonSQS.", &rest);
    aws_make_request_id(self, id);
    if (json || is_query(r))
        media_type = sqs_put_error(r, json, e, id);
    else
        aws_error_put_err(&r->out, e);
    put_envelope_as(self, r, id);
    return media_type;
}

static const char *put_unknown(void *self, struct http_request *r, const struct err *e)
{
    (void)e;
    buf_text(&r->out, "<UnknownOperationException/>\n");
    put_envelope(self, r);
    return "text/plain";
}

static void refuse_unknown(struct http_request *r)
{
    struct err e;
    err_set(&e, ERR_NOT_FOUND, "there is nothing under this path");
    r->put_error = put_unknown;
    http_refuse(r, &e);
}

/* -- GET and OPTIONS -------------------------------------------------------------------------------------------- */
static void serve_health(struct gateway *g, struct http_request *r)
{
    buf_text(&r->out, "healthy: dynamodb." REGION ".amazonaws.com ");
    put_envelope(g, r);
    http_answer(r, 200, "text/plain");
}

static void serve_preflight(struct gateway *g, struct http_request *r)
{
    static const struct {
        const char *asked, *allowed;
    } echoes[] = {{"access-control-request-headers", "Access-Control-Allow-Headers"},
                  {"access-control-request-method", "Access-Control-Allow-Methods"}};
    struct slice value;
    if (!http_header_get(r->fields, "origin", 0, &value)) {
        refuse_unknown(r);
        return;
    }
    for (size_t i = 0; i < sizeof echoes / sizeof echoes[0]; i++)
        if (http_header_get(r->fields, echoes[i].asked, 0, &value))
            http_put_header_of(r, echoes[i].allowed, value);
    http_put_header(r, "Access-Control-Max-Age", "172800");
    put_envelope(g, r);
    http_answer(r, 200, "text/plain");
}

/* -- POST ------------------------------------------------------------------------------------------------------ */
/* The body, decompressed if it is compressed. False if it cannot be: then it was refused. */
static bool read_body(struct gateway *g, struct http_request *r, struct slice *body)
{
    struct slice name;
    struct err e;
    *body = r->body;
    if (!http_header_get(r->fields, "content-encoding", 0, &name) || http_same_word(name, slice_text("identity")))
        return true;
    enum coding_result result =
        http_same_word(name, slice_text("gzip")) ? coding_gunzip(r->body, LIMIT_REQUEST_BYTES, &g->coded) : CODING_BROKEN;
    *body = buf_slice(&g->coded);
    if (result == CODING_OK)
        return true;
    shrink(&g->coded);
    if (result == CODING_TOO_LARGE) {
        err_set(&e, ERR_TOO_LARGE, "the body is larger than %u bytes", LIMIT_REQUEST_BYTES);
        http_refuse(r, &e);
    } else { /* DynamoDB says no more either */
        aws_refuse(g, r, "InternalServerError", slice_text(""));
    }
    return false;
}

static void dispatch(struct gateway *g, struct http_request *r, struct slice body)
{
    struct slice target = slice_text(""), action;
    http_header_get(r->fields, "x-amz-target", 0, &target);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (begins_with(target, targets[i].prefix, &action)) {
            targets[i].serve(g, r, action, body);
            return;
        }
    bool broken = body.len > 0 && !json_is_valid(body);
    aws_refuse(g, r, broken ? AWS_SERIALIZATION : "UnknownOperationException", slice_text(""));
}

static void serve_post(struct gateway *g, struct http_request *r)
{
    struct slice media = media_of(r), body;
    bool json = http_same_word(media, slice_text(JSON_1_0)) || http_same_word(media, slice_text(JSON_PLAIN));
    bool form = http_same_word(media, slice_text(FORM)), action = http_query_get(r->fields, "Action", &body);
    if (!json && !form && !action && r->body.len > 0) {
        refuse_unknown(r);
        return;
    }
    if (!read_body(g, r, &body))
        return;
    if (form || (action && !json)) {
        sqs_serve_query(g, r, form ? body : slice_text(""));
        shrink(&g->coded);
        return;
    }
    dispatch(g, r, body);
    shrink(&g->coded);
}

/* -- The route ------------------------------------------------------------------------------------------------- */
bool aws_begin(struct gateway *g, struct http_request *r)
{
    (void)g;
    r->body_max = LIMIT_REQUEST_BYTES;
    r->put_error = put_error;
    return true;
}

void aws_begin_elsewhere(struct http_request *r)
{
    struct slice value;
    if (http_header_get(r->fields, "x-amz-target", 0, &value) || http_same_word(media_of(r), slice_text(JSON_1_0)))
        r->put_error = put_unknown;
}

void aws_serve(struct gateway *g, struct http_request *r)
{
    struct slice action;
    switch (r->method) {
    case HTTP_POST:
        serve_post(g, r);
        break;
    case HTTP_GET:
    case HTTP_HEAD:
        if (http_query_get(r->fields, "Action", &action))
            sqs_serve_query(g, r, slice_text(""));
        else if (r->parameter.len > 0)
            refuse_unknown(r);
        else
            serve_health(g, r);
        break;
    case HTTP_OPTIONS:
        serve_preflight(g, r);
        break;
    default:
        refuse_unknown(r);
        break;
    }
}
