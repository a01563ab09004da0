/* json_value.c - keeps what tests point into until the end of each test. */
#include "tests/lib/json_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/limits.h"

struct kept {
    struct kept *next;
    struct buf bytes;
};

static struct kept *kept_list;
static struct json_parser *parser;

static struct buf *keep(void)
{
    struct kept *k = calloc(1, sizeof *k);
    assert_non_null(k);
    k->next = kept_list;
    kept_list = k;
    return &k->bytes;
}

struct value json_value(const char *text)
{
    struct err e = {.code = ERR_NONE};
    struct buf *b = keep();
    if (!parser)
        parser = json_parser_create();
    assert_non_null(parser);
    if (json_to_value(parser, slice_text(text), LIMIT_JSON_DEPTH, b, &e) != 0)
        fail_msg("%s: %s", text, e.text);
    struct value v = value_of(json_value_copy(buf_slice(b)));
    assert_int_not_equal(v.type, VALUE_NONE);
    return v;
}

const char *json_text(const struct value *v)
{
    struct buf *b = keep();
    assert_int_equal(json_from_value(v, b), 0);
    assert_int_equal(buf_byte(b, 0), 0);
    return (const char *)b->data;
}

struct slice json_value_copy(struct slice bytes)
{
    struct buf *b = keep();
    b->data = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(b->data);
    if (bytes.len > 0)
        memcpy(b->data, bytes.ptr, bytes.len);
    b->len = b->cap = bytes.len;
    return buf_slice(b);
}

int json_values_free(void **state)
{
    (void)state;
    while (kept_list) {
        struct kept *k = kept_list;
        kept_list = k->next;
        buf_finish(&k->bytes);
        free(k);
    }
    json_parser_destroy(&parser);
    return 0;
}
