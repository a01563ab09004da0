/* aws_error.c - see aws_error.h. */
#include "gateway/aws_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "gateway/shape_write.h"

static const struct row {
    const char *name, *prefix, *key;
    unsigned status;
} rows[] = {
#define X(name_, prefix_, status_, key_) {name_, prefix_, key_, status_},
    AWS_ERRORS(X)
#undef X
};

#define INTERNAL "InternalServerError"

static const struct row *row_of(struct slice name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_equal(slice_text(rows[i].name), name))
            return &rows[i];
    return row_of(slice_text(INTERNAL));
}

int aws_error_set(struct aws_error *e, const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    e->name = name;
    buf_reset(&e->sentence);
    if (len > 0)
        buf_append(&e->sentence, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
    return -1;
}

void aws_error_reset(struct aws_error *e)
{
    e->name = NULL;
    buf_reset(&e->sentence);
}

void aws_error_finish(struct aws_error *e)
{
    buf_finish(&e->sentence);
    e->name = NULL;
}

/* {"__type":"prefix#name","message":"..." and no closing brace. */
static unsigned put_head(struct buf *out, struct slice name, struct slice sentence)
{
    const struct row *row = row_of(name);
    buf_text(out, "{\"__type\":\"");
    buf_text(out, row->prefix);
    buf_byte(out, '#');
    buf_text(out, row->name);
    buf_byte(out, '"');
    if (sentence.len > 0) {
        buf_text(out, ",\"");
        buf_text(out, row->key);
        buf_text(out, "\":");
        json_put_string(out, sentence);
    }
    return row->status;
}

unsigned aws_error_put(struct buf *out, struct slice name, struct slice sentence)
{
    unsigned status = put_head(out, name, sentence);
    buf_byte(out, '}');
    return status;
}

unsigned aws_error_put_err(struct buf *out, const struct err *e)
{
    const char *name = err_name(e->code);
    if (e->code == ERR_TOO_LARGE)
        name = "RequestEntityTooLargeException";
    else if (e->code == ERR_BAD_REQUEST || e->code == ERR_HEADERS_TOO_LARGE)
        name = AWS_SERIALIZATION;
    return aws_error_put(out, slice_text(name), slice_text(e->text));
}

unsigned aws_error_put_outcome(struct buf *out, struct slice name, const struct value *value)
{
    struct slice message = slice_text("message"), member;
    struct value text = value_map_get(value, message), element;
    struct value_walk walk = value_walk_of(value);
    unsigned status = put_head(out, name, text.type == VALUE_S ? text.bytes : slice_text(""));
    while (value->type == VALUE_M && value_walk_next(&walk, &member, &element)) {
        if (slice_equal(member, message))
            continue;
        buf_byte(out, ',');
        json_put_string(out, member);
        buf_byte(out, ':');
        shape_write_member(&shape_error_output, member, &element, out);
    }
    buf_byte(out, '}');
    return status;
}
