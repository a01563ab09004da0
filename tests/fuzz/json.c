/* json.c - any text at the JSON parser: what it takes is a good value and comes back the same; what it refuses leaves nothing behind. */
#include "common/json.h"

#include <stdlib.h>

#include "common/limits.h"
#include "tests/fuzz/fuzz.h"

static struct json_parser *parser;
static struct buf first, second, text;

static void destroy(void) { json_parser_destroy(&parser); }

static void reset(void)
{
    if (!parser) {
        parser = json_parser_create();
        fuzz_check(parser);
        atexit(destroy);
    }
    buf_finish(&first); /* a fresh one each time, so that reading behind its end is seen */
    buf_finish(&second);
    buf_finish(&text);
}

static void there_and_back(struct slice input)
{
    struct err e = {0};
    buf_byte(&first, 0xc0); /* what stands before is not touched */
    if (json_to_value(parser, input, LIMIT_VALUE_DEPTH + 1, &first, &e) != 0) {
        fuzz_check(first.len == 1);
        fuzz_check_err(&e);
        return;
    }
    struct value v = value_of(slice_of(first.data + 1, first.len - 1)), again;
    fuzz_check(fuzz_value_holds(v.encoded));
    fuzz_check(json_from_value(&v, &text) == 0);
    fuzz_check(json_to_value(parser, buf_slice(&text), LIMIT_VALUE_DEPTH + 1, &second, &e) == 0);
    again = value_of(buf_slice(&second));
    fuzz_check(value_equal(&v, &again) && slice_equal(v.encoded, again.encoded));
}

static void base64(struct slice input)
{
    struct buf bytes = {0}, back = {0};
    if (base64_decode(&bytes, input) == 0) {
        base64_encode(&back, buf_slice(&bytes));
        fuzz_check(slice_equal(buf_slice(&back), input));
    }
    buf_finish(&bytes);
    buf_finish(&back);
}

void fuzz_json(struct slice input)
{
    struct err e = {0};
    reset();
    if (json_to_value(parser, input, LIMIT_JSON_DEPTH, &first, &e) != 0)
        fuzz_check_err(&e);
    reset();
    there_and_back(input);
    base64(input);
    reset();
}
