/* test_json_cursor.c - the schema-led JSON reader: tokens, strings, what is broken, and depth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_cursor.h"

static struct buf scratch;

static struct json_cursor on(const char *text)
{
    struct json_cursor c;
    json_cursor_init(&c, slice_text(text), &scratch);
    return c;
}

static void assert_slice(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

static void test_a_text_is_walked_in_one_pass(void **state)
{
    (void)state;
    struct json_cursor c = on(" { \"a\" : 1 , \"b\":[ true,false,null,\"x\" ],\"c\":{},\"d\":[] } ");
    struct slice name;
    assert_int_equal(json_peek(&c), JSON_OBJECT);
    json_enter(&c);
    assert_true(json_next_member(&c, &name));
    assert_slice(name, "a");
    assert_int_equal(json_peek(&c), JSON_NUMBER);
    assert_slice(json_take_number(&c), "1");
    assert_true(json_next_member(&c, &name));
    assert_slice(name, "b");
    static const enum json_kind kinds[] = {JSON_TRUE, JSON_FALSE, JSON_NULL, JSON_STRING};
    json_enter(&c);
    for (size_t i = 0; i < 4; i++) {
        assert_true(json_next_element(&c));
        assert_int_equal(json_peek(&c), kinds[i]);
        if (kinds[i] == JSON_STRING)
            assert_slice(json_take_string(&c), "x");
        else
            json_take_word(&c);
    }
    assert_false(json_next_element(&c));
    assert_true(json_next_member(&c, &name));
    json_enter(&c);
    assert_false(json_next_member(&c, &name));
    assert_true(json_next_member(&c, &name));
    assert_slice(name, "d");
    json_enter(&c);
    assert_false(json_next_element(&c));
    assert_false(json_next_member(&c, &name));
    assert_int_equal(json_finish(&c), 0);
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text; /* NULL: broken */
    } rows[] = {
        {"\"\"", ""},
        {"\"plain text that is longer than a word\"", "plain text that is longer than a word"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"long before the escape: \\u00e4\\u20AC\\ud83d\\uDE00 and after it\"",
         "long before the escape: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 and after it"},
        {"\"\xc3\xa4\xe2\x82\xac\"", "\xc3\xa4\xe2\x82\xac"},
        {"\"no end", NULL},
        {"\"no end\\", NULL},
        {"\"\\x\"", NULL},
        {"\"\\u12\"", NULL},
        {"\"\\u12g4\"", NULL},
        {"\"\\ud83d\"", NULL},
        {"\"\\ud83d\\n\"", NULL},
        {"\"\\ud83d\\u0041\"", NULL},
        {"\"\\ude00\"", NULL},
        {"\"a\nb\"", NULL},
        {"\"a\x1f\"", NULL},
        {"'a'", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_cursor c = on(rows[i].json);
        struct slice s = json_take_string(&c);
        assert_int_equal(json_finish(&c), rows[i].text ? 0 : -1);
        assert_int_equal(json_is_valid(slice_text(rows[i].json)), rows[i].text != NULL);
        if (rows[i].text)
            assert_slice(s, rows[i].text);
    }
}

static void test_a_control_character_is_found_at_every_place(void **state)
{
    (void)state;
    char text[40];
    for (size_t at = 1; at < 30; at++)
        for (int byte = 1; byte < 128; byte++) {
            memset(text, 'x', sizeof text);
            text[0] = text[31] = '"';
            text[32] = '\0';
            text[at] = (char)byte;
            bool good = byte >= 0x20 && byte != '"' && byte != '\\';
            assert_int_equal(json_is_valid(slice_text(text)), good);
        }
}

/* Slices of strings with escapes stay where they are although many follow. */
static void test_strings_stay(void **state)
{
    (void)state;
    struct buf text = {0};
    struct slice names[500];
    char want[16];
    buf_byte(&text, '[');
    for (int i = 0; i < 500; i++)
        buf_printf(&text, "%s\"\\u0061%d\"", i ? "," : "", i);
    buf_byte(&text, ']');
    struct json_cursor c;
    buf_finish(&scratch);
    json_cursor_init(&c, buf_slice(&text), &scratch);
    json_enter(&c);
    for (int i = 0; i < 500; i++) {
        assert_true(json_next_element(&c));
        names[i] = json_take_string(&c);
    }
    assert_false(json_next_element(&c));
    for (int i = 0; i < 500; i++) {
        snprintf(want, sizeof want, "a%d", i);
        assert_slice(names[i], want);
    }
    buf_finish(&text);
}

static void test_validity(void **state)
{
    (void)state;
    static const char *const good[] = {"0",   "-0", "1.5e-7", "10E+2", "[]", "{}", " [ 1 , 2 ] ", "{\"a\":{\"b\":[[],{}]}}",
                                       "null"};
    static const char *const bad[] = {"",
                                      " ",
                                      "01",
                                      "-",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "+1",
                                      "truE",
                                      "truex",
                                      "nul",
                                      "[",
                                      "]",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{",
                                      "}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{a:1}",
                                      "{\"a\":1,}",
                                      "{,}",
                                      "{}{}",
                                      "1 1",
                                      "{\"a\":1]",
                                      "[1}",
                                      "hi",
                                      "NaN",
                                      "\xff",
                                      "\"\xc3\"",
                                      "{\"\"}",
                                      "{{}}",
                                      "{7}",
                                      "\"a\": \"b\"",
                                      "[\"a\",\"b\"",
                                      "{\"a\":1 \"b\":2}",
                                      "--1",
                                      "1-"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(json_is_valid(slice_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (json_is_valid(slice_text(bad[i])))
            fail_msg("%s", bad[i]);
}

static void test_every_prefix_is_broken(void **state)
{
    (void)state;
    static const char text[] =
        "{\"TableName\":\"t\",\"Item\":{\"p\":{\"S\":\"\\u00e4x\"},\"n\":{\"N\":\"-1.5e7\"},\"l\":[true,null,12]}}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *copy = malloc(len + 1); /* of its exact size, for the sanitizer to watch its end */
        memcpy(copy, text, len);
        assert_false(json_is_valid(slice_of(copy, len)));
        free(copy);
    }
    assert_true(json_is_valid(slice_text(text)));
}

static char *nested(size_t depth)
{
    char *text = malloc(2 * depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return text;
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    static const size_t depths[] = {4096, 4097, 2000000};
    for (size_t i = 0; i < 3; i++) {
        char *text = nested(depths[i]);
        assert_int_equal(json_is_valid(slice_text(text)), depths[i] <= 4096);
        free(text);
    }
}

static void test_skip_gives_the_text(void **state)
{
    (void)state;
    struct json_cursor c = on("{\"a\": {\"x\":[1,{\"y\":\"\\n\"}]} ,\"b\":2}");
    struct slice name;
    json_enter(&c);
    assert_true(json_next_member(&c, &name));
    assert_slice(json_skip(&c), "{\"x\":[1,{\"y\":\"\\n\"}]}");
    assert_true(json_next_member(&c, &name));
    assert_slice(json_skip(&c), "2");
    assert_false(json_next_member(&c, &name));
    assert_int_equal(json_finish(&c), 0);
}

static void test_a_broken_cursor_stays_broken(void **state)
{
    (void)state;
    struct json_cursor c = on("{\"a\":1,\"b\":2}");
    struct slice name;
    json_take_number(&c); /* but it is an object */
    assert_int_equal(json_peek(&c), JSON_BROKEN);
    json_enter(&c);
    assert_false(json_next_member(&c, &name));
    assert_false(json_next_element(&c));
    assert_int_equal(json_take_string(&c).len, 0);
    assert_int_equal(json_skip(&c).len, 0);
    assert_int_equal(json_finish(&c), -1);
}

static int finish(void **state)
{
    (void)state;
    buf_finish(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_is_walked_in_one_pass),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_a_control_character_is_found_at_every_place),
        cmocka_unit_test(test_strings_stay),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_every_prefix_is_broken),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_skip_gives_the_text),
        cmocka_unit_test(test_a_broken_cursor_stays_broken),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
