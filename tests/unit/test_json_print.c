/* test_json_print.c - values and any bytes as JSON text, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "tests/lib/json_value.h"

/* -- Printing ------------------------------------------------------------------------------------------------------- */
static void test_damaged_values_are_not_printed(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct value rows[] = {
        {.type = VALUE_NONE},
        {.type = VALUE_N, .bytes = slice_of("\x03\x82", 2)},
        {.type = VALUE_L, .bytes = slice_of("\xC0", 1), .count = 2},
        {.type = VALUE_M, .bytes = slice_of("\xC0\xC0", 2), .count = 1},
        {.type = VALUE_SS, .bytes = slice_of("\x92\xA1x", 3), .count = 2},
        {.type = VALUE_L, .bytes = slice_of("\x91\x05", 2), .count = 1},
    };
    buf_text(&out, "kept");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(json_from_value(&rows[i], &out), -1);
        assert_true(slice_equal(buf_slice(&out), slice_text("kept")));
    }
    buf_finish(&out);
}

static void test_strings_of_any_bytes(void **state)
{
    (void)state;
    struct buf out = {0};
    json_put_string(&out, slice_of("a\xFF\xC3\xA4\xC3\"\n\xE2\x82", 9));
    assert_true(
        slice_equal(buf_slice(&out), slice_text("\"a\xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD\\\"\\n\xEF\xBF\xBD\xEF\xBF\xBD\"")));
    buf_reset(&out);
    json_put_string(&out, slice_of(NULL, 0));
    assert_true(slice_equal(buf_slice(&out), slice_text("\"\"")));
    buf_finish(&out);
}

/* -- base64 --------------------------------------------------------------------------------------------------------- */
static void test_base64(void **state)
{
    (void)state;
    struct buf out = {0};
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xFB\xFF", "+/8="}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_reset(&out);
        base64_encode(&out, slice_text(rows[i][0]));
        assert_true(slice_equal(buf_slice(&out), slice_text(rows[i][1])));
        buf_reset(&out);
        assert_int_equal(base64_decode(&out, slice_text(rows[i][1])), 0);
        assert_true(slice_equal(buf_slice(&out), slice_text(rows[i][0])));
    }
    static const char *const wrong[] = {"Z",      "Zg",   "Zg=",  "Zg===",    "=",       "====", "Z===",    "Zh==", "Zm9=",
                                        "Zm9v\n", "Zm 9", "Zm-_", "Zg==Zg==", "Zm9vZg=", "Z=g=", "Zm9\xFF", "=Zm9"};
    buf_reset(&out);
    buf_text(&out, "kept");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(base64_decode(&out, json_value_copy(slice_text(wrong[i]))), -1);
        assert_true(slice_equal(buf_slice(&out), slice_text("kept")));
    }
    buf_finish(&out);
}

#define TEST(name) cmocka_unit_test_teardown(name, json_values_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_damaged_values_are_not_printed),
        TEST(test_strings_of_any_bytes),
        TEST(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
