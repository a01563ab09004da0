/* dynamodb.c - see dynamodb.h. */
#include "cli/dynamodb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/http.h"
#include "common/json_cursor.h"

#define TRIES 20

struct dynamodb {
    const char *url;
    struct http *http;
    struct buf answer, scratch;
    bool met; /* it has answered before: silence is a pause then, and not the wrong URL */
};

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : "leat";
}

struct dynamodb *dynamodb_create(const char *url, int64_t timeout_ms)
{
    struct dynamodb *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->url = url;
    d->http = http_create(timeout_ms);
    if (!d->http || http_sign(d->http, "dynamodb", setting("AWS_ACCESS_KEY_ID"), setting("AWS_SECRET_ACCESS_KEY")) != 0)
        dynamodb_destroy(&d);
    return d;
}

void dynamodb_destroy(struct dynamodb **d)
{
    if (!*d)
        return;
    http_destroy(&(*d)->http);
    buf_finish(&(*d)->answer);
    buf_finish(&(*d)->scratch);
    free(*d);
    *d = NULL;
}

/* {"__type":"PREFIX#NAME","message":"..."}, or "Message". */
static int refused(struct dynamodb *d, int status, struct err *e)
{
    struct slice name = slice_text(""), text = slice_text(""), member;
    struct json_cursor c;
    json_cursor_init(&c, buf_slice(&d->answer), &d->scratch);
    if (json_peek(&c) == JSON_OBJECT)
        for (json_enter(&c); json_next_member(&c, &member);) {
            if (json_peek(&c) != JSON_STRING)
                json_skip(&c);
            else if (slice_equal(member, slice_text("__type")))
                name = json_take_string(&c);
            else
                text = json_take_string(&c);
        }
    const unsigned char *mark = name.len ? memrchr(name.ptr, '#', name.len) : NULL;
    if (!mark)
        return err_set(e, ERR_INTERNAL, "%s answers %d, which is not DynamoDB's API", d->url, status);
    name = slice_of(mark + 1, name.len - (size_t)(mark + 1 - name.ptr));
    enum err_code code = err_by_name((const char *)name.ptr, name.len);
    if (code == ERR_INTERNAL && status < 500) /* one that only AWS has */
        code = ERR_BAD_REQUEST;
    return err_set(e, code, "%.*s: %.*s", (int)name.len, (const char *)name.ptr, (int)text.len, (const char *)text.ptr);
}

int dynamodb_call(struct dynamodb *d, const char *action, struct slice body, struct slice *answer, struct err *e)
{
    char target[100];
    const char *headers[] = {"Content-Type: application/x-amz-json-1.0", target};
    int status = 0;
    snprintf(target, sizeof target, "X-Amz-Target: DynamoDB_20120810.%s", action);
    for (int i = 0; i < TRIES; i++) {
        if (i > 0)
            usleep(i < 10 ? 200000 : 1000000);
        buf_reset(&d->answer);
        status = http_post(d->http, d->url, headers, sizeof headers / sizeof *headers, body, &d->answer, e);
        if (status < 0 && !d->met)
            return -1;
        d->met = true;
        if (status == 200) {
            *answer = buf_slice(&d->answer);
            return 0;
        }
        if (status > 0 && status < 500)
            return refused(d, status, e);
    }
    if (status > 0) {
        refused(d, status, e);
        e->code = ERR_UNAVAILABLE;
    }
    return -1;
}
