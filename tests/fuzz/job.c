/* job.c - a request to the operation API: "HEADER: VALUE" lines and "?NAME=VALUE" lines, a blank line, the body. */
#include "gateway/job_parse.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "gateway/http_fields.h"
#include "gateway/prefer.h"
#include "tests/fuzz/fuzz.h"

static struct json_parser *parser;

static void destroy(void) { json_parser_destroy(&parser); }

static void read_fields(struct http_fields *f, struct slice head)
{
    while (fuzz_more(&head)) {
        struct slice line = fuzz_until(&head, "\n");
        bool query = line.len > 0 && line.ptr[0] == '?';
        if (query)
            fuzz_bytes(&line, 1);
        struct slice name = fuzz_until(&line, query ? "=" : ": ");
        http_fields_add(f, name, line, query);
    }
}

static void check_target(struct slice body)
{
    char target[200];
    size_t len = body.len < sizeof target ? body.len : sizeof target - 1;
    if (len > 0)
        memcpy(target, body.ptr, len);
    target[len] = '\0';
    const char *path = http_target_path(target);
    fuzz_check(!path || (path[0] == '/' && strpbrk(path, " \r\n\t") == NULL));
}

/* The headers by the gateway's rules. True if the body is to be read at all. */
static bool check_fields(struct http_fields *f, enum job_media *media)
{
    struct err e = {0};
    struct prefer p;
    struct slice type = slice_text(""), key;
    unsigned char digest[16], other[16];
    if (http_fields_check(f, true, &e) != 0) {
        fuzz_check_err(&e);
        return false;
    }
    fuzz_check(!(f->chunked && f->content_length > 0));
    http_header_get(f, "content-type", 0, &type);
    if (prefer_read(f, &p, &e) != 0)
        fuzz_check_err(&e);
    else
        fuzz_check(p.wait_ms >= 0 && p.wait_ms <= LIMIT_WAIT_MS);
    if (http_header_get(f, "idempotency-key", 0, &key)) {
        if (job_check_key(key, &e) != 0) {
            fuzz_check_err(&e);
        } else {
            fuzz_check(job_key_digest(key, UINT32_MAX, digest) == 0 && job_key_digest(key, 0, other) == 0);
            fuzz_check(memcmp(digest, other, sizeof digest) != 0);
        }
    }
    return job_media(type, media) == 0;
}

static void submit(const struct value *entry)
{
    struct err e = {0};
    struct op op, again;
    struct buf body = {0};
    uint8_t slice;
    if (job_parse(entry, &op, &e) != 0) {
        fuzz_check_err(&e);
        return;
    }
    op_encode(&body, &op);
    fuzz_check(!buf_failed(&body) && op_decode(buf_slice(&body), &again) == 0);
    fuzz_check(again.code == op.code && slice_equal(again.table, op.table) && again.code <= OP_LAST_OF_USERS);
    fuzz_check(again.payload.type == op.payload.type && slice_equal(again.payload.encoded, op.payload.encoded));
    fuzz_check(op_group(&op, NULL, 1, &slice) == op_group(&again, NULL, 1, &slice));
    buf_finish(&body);
}

static void read_body(struct slice body)
{
    struct err e = {0};
    struct buf value = {0};
    if (json_to_value(parser, body, LIMIT_JSON_DEPTH, &value, &e) == 0) {
        struct value top = value_of(buf_slice(&value)), entry;
        struct value_walk walk = value_walk_of(&top);
        submit(&top);
        while (top.type == VALUE_L && value_walk_next(&walk, NULL, &entry))
            submit(&entry);
    } else {
        fuzz_check_err(&e);
    }
    buf_finish(&value);
}

void fuzz_job(struct slice input)
{
    static struct http_fields f; /* large */
    enum job_media media;
    if (!parser) {
        parser = json_parser_create();
        fuzz_check(parser);
        atexit(destroy);
    }
    struct slice head = fuzz_until(&input, "\n\n");
    http_fields_reset(&f);
    read_fields(&f, head);
    check_target(input);
    if (!check_fields(&f, &media))
        return;
    if (media == JOB_MEDIA_JSON)
        read_body(input);
    while (media == JOB_MEDIA_LINES && fuzz_more(&input))
        read_body(fuzz_until(&input, "\n"));
}
