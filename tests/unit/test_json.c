/* test_json.c - plain JSON to values and back: exact numbers, names, markers, escapes, depth, hostile texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/limits.h"
#include "tests/lib/json_value.h"
#include "tests/lib/xorshift.h"

#define SEED UINT64_C(0x15011)
#define ROUNDS 30000

struct fixture {
    struct json_parser *parser;
    struct buf out;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->parser = json_parser_create();
    assert_non_null(f->parser);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    json_parser_destroy(&f->parser);
    assert_null(f->parser);
    json_parser_destroy(&f->parser);
    buf_finish(&f->out);
    free(f);
    return json_values_free(state);
}

static void assert_printed(const char *text, const char *expected)
{
    struct value v = json_value(text);
    assert_string_equal(json_text(&v), expected);
}

/* Refused with this code, the reason beginning with this text; what out held before is still there, and the parser works on. */
static void assert_refused_bytes(struct fixture *f, struct slice text, enum err_code code, const char *reason)
{
    struct err e = {.code = ERR_NONE};
    buf_reset(&f->out);
    buf_text(&f->out, "kept");
    if (json_to_value(f->parser, json_value_copy(text), LIMIT_JSON_DEPTH, &f->out, &e) == 0)
        fail_msg("accepted: %.*s", (int)text.len, (const char *)text.ptr);
    assert_int_equal(e.code, code);
    if (strncmp(e.text, reason, strlen(reason)) != 0)
        fail_msg("%.*s: \"%s\" instead of \"%s\"", (int)text.len, (const char *)text.ptr, e.text, reason);
    assert_true(slice_equal(buf_slice(&f->out), slice_text("kept")));
    assert_false(buf_failed(&f->out));
    assert_int_equal(json_to_value(f->parser, slice_text("{\"a\":[1]}"), LIMIT_JSON_DEPTH, &f->out, &e), 0);
}

static void assert_refused(struct fixture *f, const char *text, enum err_code code, const char *reason)
{
    assert_refused_bytes(f, slice_text(text), code, reason);
}

/* -- There and back ------------------------------------------------------------------------------------------------- */
static void test_round_trips(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "null",
        "true",
        "false",
        "0",
        "-12.5",
        "\"\"",
        "\"text\"",
        "[]",
        "{}",
        "[[],{},[null]]",
        "{\"operation\":\"create\",\"tableName\":\"t\",\"payload\":{\"Item\":{\"id\":\"1\",\"number\":5}}}",
        "{\"a\":{\"$binary\":\"aGk=\"},\"b\":{\"$binary\":\"\"}}",
        "[{\"$stringSet\":[\"a\",\"b\"]},{\"$numberSet\":[-1,2.5]},{\"$binarySet\":[\"\",\"aGk=\"]}]",
        "{\"\":1,\" \":2,\"$binary\":3,\"$stringSet\":4}",
        "{\"$other\":1}",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f/\x7F\"",
        "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"",
        "99999999999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_printed(rows[i], rows[i]);
}

static void test_normal_forms(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"1.0", "1"},
        {"1e2", "100"},
        {"-0", "0"},
        {"-0.0e5", "0"},
        {"1E-2", "0.01"},
        {" \t\r\n[ 1 , 2 ] \n", "[1,2]"},
        {"\"\\u0041\\/\"", "\"A/\""},
        {"\"\\u00e4\"", "\"\xC3\xA4\""},
        {"\"\\uD83D\\uDE00\"", "\"\xF0\x9F\x98\x80\""},
        {"\"\\ud83d\\ude00\\u0041\"", "\"\xF0\x9F\x98\x80"
                                      "A\""},
        {"\"\\\\ud800\"", "\"\\\\ud800\""}, /* an escaped backslash, then letters */
        {"{\"\\u0061\":1}", "{\"a\":1}"},
        {"{\"\\u0024binary\":\"AA==\"}", "{\"$binary\":\"AA==\"}"},
        {"{\"$numberSet\":[3,1.0,2e0]}", "{\"$numberSet\":[1,2,3]}"},
        {"{\"$binary\":{\"$binary\":\"\"},\"x\":1}", "{\"$binary\":{\"$binary\":\"\"},\"x\":1}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_printed(rows[i][0], rows[i][1]);
}

static void test_values_are_what_they_should_be(void **state)
{
    (void)state;
    struct value v = json_value("{\"nul\":\"a\\u0000b\",\"bin\":{\"$binary\":\"AAH/\"},\"n\":5}");
    assert_int_equal(value_check(v.encoded, NULL), 0);
    struct value found = value_map_get(&v, slice_text("nul"));
    assert_true(slice_equal(found.bytes, slice_of("a\0b", 3)));
    found = value_map_get(&v, slice_text("bin"));
    assert_int_equal(found.type, VALUE_B);
    assert_true(slice_equal(found.bytes, slice_of("\x00\x01\xFF", 3)));
    found = value_map_get(&v, slice_text("n"));
    assert_true(slice_equal(found.encoded, slice_of("\xD6\x01\x03\x82\x33\x00", 6)));
}

/* -- Refusals ------------------------------------------------------------------------------------------------------- */
static void test_broken_json(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[] = {
        "{",         "}",           "[1,]",
        "{\"a\"}",   "{\"a\":}",    "{\"a\":1,}",
        "{a:1}",     "'a'",         "\"abc",
        "tru",       "nul",         "truex",
        "1 2",       "{} {}",       "[1]x",
        "[1] \"abc", "{\"a\":1}}",  "01",
        "1.",        ".5",          "+1",
        "-",         "1e",          "0x10",
        "NaN",       "Infinity",    "\"\\x\"",
        "\"\\u12\"", "\"\\u12G4\"", "/* c */ 1",
        "[1 2]",     "\"a\nb\"",    "\"a\tb\"",
        "[\"\\",     ",",           "   ",
        "{1:2}",     "{null:1}",    "\xEF\xBB\xBF{}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_refused(f, rows[i], ERR_SERIALIZATION, "The JSON is broken at byte ");
    assert_refused(f, "[tru", ERR_SERIALIZATION, "The JSON is broken at byte 4: the text ends inside a word or string");
    assert_refused(f, "{\"a\":\"b", ERR_SERIALIZATION, "The JSON is broken at byte 7: the text ends inside a word or string");
    assert_refused(f, "[1", ERR_SERIALIZATION, "The JSON is broken at byte 2: parse error: premature EOF");
    assert_refused(f, "[1]]", ERR_SERIALIZATION, "The JSON is broken at byte 4: parse error: trailing garbage");
    assert_refused(f, "", ERR_SERIALIZATION, "The JSON text is empty");
    assert_refused_bytes(f, slice_of("1\0", 2), ERR_SERIALIZATION, "The JSON is broken at byte ");
}

static void test_bad_text(void **state)
{
    struct fixture *f = *state;
    static const char *const utf8[] = {"\"\xFF\"", "{\"\xC3\":1}", "\"\xED\xA0\x80\"", "\"\xC0\x80\"", "{}\x80"};
    static const char *const surrogates[] = {
        "\"\\ud800\"",        "\"\\uDFFF\"",        "\"\\ud800x\"",
        "\"\\ud800\\n\"",     "\"\\ud800\\u0041\"", "\"\\udc00\\ud800\"",
        "\"\\ud800\\ud800\"", "{\"\\udbff\":1}",    "\"\\ud83d\\ude00\\ude00\"",
        "\"\\\\\\ud800\"",    "\"\\ud800\\",
    };
    for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++)
        assert_refused(f, utf8[i], ERR_SERIALIZATION, "The JSON text is not valid UTF-8");
    for (size_t i = 0; i < sizeof surrogates / sizeof *surrogates; i++)
        assert_refused(f, surrogates[i], ERR_SERIALIZATION, "The JSON text has a \\u escape that is half a surrogate pair");
}

static void test_numbers_refused(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "[999999999999999999999999999999999999991]", ERR_VALIDATION,
                   "Attempting to store more than 38 significant digits in a Number");
    assert_refused(f, "{\"a\":1e126}", ERR_VALIDATION, "Number overflow.");
    assert_refused(f, "1e-131", ERR_VALIDATION, "Number underflow.");
    assert_refused(f, "1e999999999999999999999999999999", ERR_VALIDATION, "Number overflow.");
}

static void test_names_given_twice(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "{\"a\":1,\"a\":1}", ERR_SERIALIZATION, "The name \"a\" is given twice in one object");
    assert_refused(f, "[{\"x\":{\"b\":1,\"c\":2,\"\\u0062\":3}}]", ERR_SERIALIZATION, "The name \"b\" is given twice");
    assert_refused(f, "{\"\":1,\"\":2}", ERR_SERIALIZATION, "The name \"\" is given twice");
    assert_refused(f, "{\"$binary\":\"\",\"$binary\":\"\"}", ERR_SERIALIZATION, "The name \"$binary\" is given twice");
    assert_printed("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}", "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}");
}

static void test_many_names(void **state)
{
    struct fixture *f = *state;
    static const int counts[] = {15, 16, 17, 32, 33, 20000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int twice = 0; twice < 2; twice++) {
            struct buf text = {0};
            struct err e = {.code = ERR_NONE};
            for (int n = 0; n < counts[i]; n++)
                buf_printf(&text, "%c\"name%d\":{\"name%d\":[]}", n ? ',' : '{', twice && n == counts[i] - 1 ? 3 : n, n);
            buf_text(&text, "}");
            buf_reset(&f->out);
            assert_int_equal(json_to_value(f->parser, buf_slice(&text), LIMIT_JSON_DEPTH, &f->out, &e), twice ? -1 : 0);
            if (twice)
                assert_string_equal(e.text, "The name \"name3\" is given twice in one object");
            else
                assert_int_equal(value_check(buf_slice(&f->out), NULL), 0);
            buf_finish(&text);
        }
}

static void test_long_names(void **state)
{
    struct fixture *f = *state;
    for (unsigned len = LIMIT_ATTRIBUTE_NAME_BYTES; len <= LIMIT_ATTRIBUTE_NAME_BYTES + 1; len++) {
        struct buf text = {0};
        buf_printf(&text, "{\"%0*d\":1}", (int)len, 0);
        if (len > LIMIT_ATTRIBUTE_NAME_BYTES)
            assert_refused_bytes(f, buf_slice(&text), ERR_VALIDATION, "A name is longer than 65535 bytes");
        else
            assert_int_equal(json_to_value(f->parser, buf_slice(&text), 1, &f->out, NULL), 0);
        buf_finish(&text);
    }
}

static void test_wrong_markers(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        {"{\"$binary\":1}", "The value of \"$binary\" must be a base64 string"},
        {"{\"$binary\":\"a\"}", "The value of \"$binary\" must be a base64 string"},
        {"{\"$binary\":{\"$binary\":\"\"}}", "The value of \"$binary\" must be a base64 string"},
        {"{\"$stringSet\":\"a\"}", "The value of \"$stringSet\" must be an array of strings"},
        {"{\"$stringSet\":{}}", "The value of \"$stringSet\" must be an array of strings"},
        {"{\"$stringSet\":[\"a\",1]}", "The value of \"$stringSet\" must be an array of strings"},
        {"{\"$numberSet\":[\"1\"]}", "The value of \"$numberSet\" must be an array of numbers"},
        {"{\"$numberSet\":null}", "The value of \"$numberSet\" must be an array of numbers"},
        {"{\"$binarySet\":[\"AA==\",\"%\"]}", "The value of \"$binarySet\" must be an array of base64 strings"},
        {"{\"$binarySet\":[1]}", "The value of \"$binarySet\" must be an array of base64 strings"},
        {"{\"$binarySet\":\"AA==\"}", "The value of \"$binarySet\" must be an array of base64 strings"},
        {"{\"$stringSet\":[]}", "One or more parameter values were invalid: An string set  may not be empty"},
        {"{\"$binarySet\":[]}", "One or more parameter values were invalid: Binary sets should not be empty"},
        {"{\"$numberSet\":[1,1.0]}", "One or more parameter values were invalid: Input collection of type NS"},
        {"{\"$stringSet\":[\"a\",\"a\"]}", "One or more parameter values were invalid: Input collection [a, a] contains"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_refused(f, rows[i][0], ERR_VALIDATION, rows[i][1]);
}

static struct slice nested(struct buf *b, int depth, const char *open, const char *close)
{
    buf_reset(b);
    for (int i = 0; i < depth; i++)
        buf_text(b, open);
    buf_text(b, "1");
    for (int i = 0; i < depth; i++)
        buf_text(b, close);
    return buf_slice(b);
}

static void test_depth(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    assert_int_equal(json_to_value(f->parser, nested(&text, LIMIT_JSON_DEPTH, "[", "]"), LIMIT_JSON_DEPTH, &f->out, NULL), 0);
    assert_refused_bytes(f, nested(&text, LIMIT_JSON_DEPTH + 1, "[", "]"), ERR_SERIALIZATION,
                         "The JSON is too deep: more than 40");
    assert_refused_bytes(f, nested(&text, LIMIT_JSON_DEPTH + 1, "{\"a\":", "}"), ERR_SERIALIZATION, "The JSON is too deep");
    assert_refused_bytes(f, nested(&text, 100000, "[", "]"), ERR_SERIALIZATION, "The JSON is too deep");
    assert_int_equal(json_to_value(f->parser, slice_text("[]"), 1, &f->out, NULL), 0);
    assert_int_equal(json_to_value(f->parser, slice_text("[[]]"), 1, &f->out, NULL), -1);
    assert_int_equal(json_to_value(f->parser, slice_text("[]"), 0, &f->out, NULL), -1);
    assert_int_equal(json_to_value(f->parser, slice_text("5"), 0, &f->out, NULL), 0);
    assert_int_equal(json_to_value(f->parser, nested(&text, 49, "[", "]"), 1000, &f->out, NULL), -1);
    buf_finish(&text);
}

/* Escapes and an unfinished end make the parser copy the text: its memory must suffice for every length. */
static void test_long_strings(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    for (size_t len = 1; len < 3000000; len = len * 5 / 2 + 1)
        for (int kind = 0; kind < 4; kind++) {
            size_t repeats = 0;
            buf_reset(&text);
            buf_text(&text, kind == 3 ? "[\"\\n\",\"" : "\"");
            for (; text.len < len; repeats++)
                buf_text(&text, kind == 0 ? "x" : kind == 1 ? "\\u0001" : "\\n1234567");
            buf_text(&text, kind == 3 ? "" : "\"");
            buf_reset(&f->out);
            int expected = kind == 3 ? -1 : 0;
            assert_int_equal(json_to_value(f->parser, buf_slice(&text), 4, &f->out, NULL), expected);
            if (expected == 0)
                assert_int_equal(value_of(buf_slice(&f->out)).bytes.len, repeats * (kind == 2 ? 8 : 1));
        }
    buf_finish(&text);
}

/* -- Noise ---------------------------------------------------------------------------------------------------------- */
static const char *const pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"",
                                     "\"a\"",
                                     "\"b\":",
                                     "1",
                                     "-0.5e3",
                                     "true",
                                     "null",
                                     "\\u",
                                     "\\ud83d",
                                     "\\ude00",
                                     "\\",
                                     " ",
                                     "\"$binary\":\"AA==\"",
                                     "{\"$stringSet\":[\"a\"]}",
                                     "\xC3\xA4",
                                     "\xFF"};
#define PIECES (sizeof pieces / sizeof *pieces)

/* Whatever is accepted prints to a text that reads as the same value. */
static bool try_text(struct fixture *f, struct slice text)
{
    struct buf printed = {0}, again = {0};
    buf_reset(&f->out);
    bool good = json_to_value(f->parser, text, LIMIT_JSON_DEPTH, &f->out, NULL) == 0;
    if (good) {
        struct value v = value_of(buf_slice(&f->out));
        assert_int_equal(json_from_value(&v, &printed), 0);
        assert_int_equal(json_to_value(f->parser, buf_slice(&printed), LIMIT_JSON_DEPTH, &again, NULL), 0);
        assert_true(slice_equal(buf_slice(&again), buf_slice(&f->out)));
    } else {
        assert_int_equal(f->out.len, 0);
    }
    buf_finish(&printed);
    buf_finish(&again);
    return good;
}

static void test_noise(void **state)
{
    struct fixture *f = *state;
    uint64_t random = SEED;
    int accepted = 0;
    static const char whole[] =
        "{\"a\":[1,2.50,{\"$binary\":\"AAEC\"},true],\"b\":{\"c\":\"x\\n\\u00e4\",\"d\":null},\"e\":{\"$numberSet\":[1,2]}}";
    for (int round = 0; round < ROUNDS; round++) {
        struct buf text = {0};
        if (round % 2) {
            for (size_t n = 1 + xorshift_below(&random, 12); n > 0; n--)
                buf_text(&text, pieces[xorshift_below(&random, PIECES)]);
        } else {
            buf_text(&text, whole);
            for (size_t n = xorshift_below(&random, 3); n > 0; n--)
                text.data[xorshift_below(&random, text.len)] = (unsigned char)(xorshift(&random) >> 16);
            text.len -= xorshift_below(&random, 4) ? 0 : xorshift_below(&random, text.len);
        }
        unsigned char *exact = malloc(text.len);
        assert_non_null(exact);
        memcpy(exact, text.data, text.len);
        accepted += try_text(f, slice_of(exact, text.len));
        free(exact);
        buf_finish(&text);
    }
    assert_true(accepted > ROUNDS / 20 && accepted < ROUNDS / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trips),
        TEST(test_normal_forms),
        TEST(test_values_are_what_they_should_be),
        TEST(test_broken_json),
        TEST(test_bad_text),
        TEST(test_numbers_refused),
        TEST(test_names_given_twice),
        TEST(test_many_names),
        TEST(test_long_names),
        TEST(test_wrong_markers),
        TEST(test_depth),
        TEST(test_long_strings),
        TEST(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
