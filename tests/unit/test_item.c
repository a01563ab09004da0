/* test_item.c - the value model: reading and walking in place, lookups, sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/json_value.h"

#define BYTES(text) slice_of(text, sizeof text - 1)

static const char every_type[] =
    "{\"s\":\"text\",\"n\":-1.5,\"b\":{\"$binary\":\"AAEC\"},\"t\":true,\"z\":null,\"l\":[1,\"two\",[]],\"m\":{\"x\":{}},"
    "\"ss\":{\"$stringSet\":[\"b\",\"a\"]},\"ns\":{\"$numberSet\":[10,-2,3]},\"bs\":{\"$binarySet\":[\"/w==\",\"AA==\"]}}";

/* -- Reading -------------------------------------------------------------------------------------------------------- */
static void test_every_type_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum value_type type;
        const char *type_name;
        uint32_t count;
        size_t content_bytes;
    } rows[] = {
        {"s", VALUE_S, "S", 0, 4},       {"n", VALUE_N, "N", 0, 4},       {"b", VALUE_B, "B", 0, 3},
        {"t", VALUE_BOOL, "BOOL", 0, 0}, {"z", VALUE_NULL, "NULL", 0, 0}, {"l", VALUE_L, "L", 3, 11},
        {"m", VALUE_M, "M", 1, 3},       {"ss", VALUE_SS, "SS", 2, 5},    {"ns", VALUE_NS, "NS", 3, 19},
        {"bs", VALUE_BS, "BS", 2, 7},
    };
    struct value item = json_value(every_type);
    assert_int_equal(item.type, VALUE_M);
    assert_int_equal(item.count, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < item.count; i++) {
        struct value v = value_map_get(&item, slice_text(rows[i].name));
        assert_int_equal(v.type, rows[i].type);
        assert_string_equal(value_type_name(v.type), rows[i].type_name);
        assert_int_equal(v.count, rows[i].count);
        assert_int_equal(v.bytes.len, rows[i].content_bytes);
        assert_int_equal(value_of(v.encoded).type, v.type);
        assert_int_equal(value_check(v.encoded, NULL), 0);
    }
    struct value truth = value_map_get(&item, slice_text("t"));
    assert_true(truth.truth);
    assert_int_equal(value_check(item.encoded, NULL), 0);
}

static void test_what_is_no_value(void **state)
{
    (void)state;
    const struct slice rows[] = {
        BYTES(""),     /* nothing */
        BYTES("\x05"), /* a msgpack integer */
        BYTES("\xFF"),
        BYTES("\xC0\xC0"),     /* two values */
        BYTES("\xD4\x01\x03"), /* no ordered encoding */
        BYTES("\xC7\x00\x01"),
        BYTES("\xD4\x05\x02"), /* unknown ext */
        BYTES("\xD4\x02\x90"), /* empty set */
        BYTES("\xD4\x02\xC0"), /* set without elements */
        BYTES("\x91"),
        BYTES("\x92\xC0"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice copy = json_value_copy(rows[i]);
        assert_int_equal(value_of(copy).type, VALUE_NONE);
        assert_int_equal(value_check(copy, NULL), -1);
    }
}

static void test_reading_moves_behind_the_value(void **state)
{
    (void)state;
    struct mp_reader r = mp_reader_of(BYTES("\x91\xC0\xA1x\x05"));
    struct value v = value_read(&r);
    assert_int_equal(v.type, VALUE_L);
    assert_int_equal(v.encoded.len, 2);
    assert_int_equal(v.bytes.len, 1);
    v = value_read(&r);
    assert_true(slice_equal(v.bytes, slice_text("x")));
    assert_int_equal(value_read(&r).type, VALUE_NONE);
    assert_true(r.failed);
}

static void test_walks(void **state)
{
    (void)state;
    struct value map = json_value("{\"a\":1,\"b\":[true]}"), set = json_value("{\"$stringSet\":[\"y\",\"x\"]}"), element;
    struct value_walk w = value_walk_of(&map);
    struct slice name;
    assert_true(value_walk_next(&w, &name, &element));
    assert_true(slice_equal(name, slice_text("a")) && element.type == VALUE_N);
    assert_true(value_walk_next(&w, NULL, &element));
    assert_int_equal(element.type, VALUE_L);
    assert_false(value_walk_next(&w, &name, &element));
    assert_false(value_walk_next(&w, &name, &element));

    w = value_walk_of(&set);
    assert_true(value_walk_next(&w, &name, &element) && slice_equal(element.bytes, slice_text("x")) && name.len == 0);
    assert_true(value_walk_next(&w, NULL, &element) && slice_equal(element.bytes, slice_text("y")));
    assert_false(value_walk_next(&w, NULL, &element));

    w = value_walk_of(&element); /* a scalar has no elements */
    assert_false(value_walk_next(&w, NULL, &element));
    struct value odd = value_of(BYTES("\x82\xA1"
                                      "a\xC0\x05\xC0")); /* the second name is no string */
    w = value_walk_of(&odd);
    assert_true(value_walk_next(&w, &name, &element));
    assert_false(value_walk_next(&w, &name, &element));
    assert_true(w.reader.failed);
}

static void test_lookups(void **state)
{
    (void)state;
    struct value map = json_value("{\"a\":{\"deep\":[0]},\"\":7,\"ab\":2}"), list = json_value("[\"x\",{\"y\":1},3]");
    int64_t number;
    struct value found = value_map_get(&map, slice_text("ab"));
    assert_true(value_to_int(&found, &number) && number == 2);
    found = value_map_get(&map, slice_of(NULL, 0));
    assert_true(value_to_int(&found, &number) && number == 7);
    assert_int_equal(value_map_get(&map, slice_text("abc")).type, VALUE_NONE);
    assert_int_equal(value_map_get(&list, slice_text("x")).type, VALUE_NONE);
    found = value_list_get(&list, 2);
    assert_true(value_to_int(&found, &number) && number == 3);
    assert_int_equal(value_list_get(&list, 3).type, VALUE_NONE);
    assert_int_equal(value_list_get(&map, 0).type, VALUE_NONE);
    found = value_list_get(&list, 0);
    assert_false(value_to_int(&found, &number));
    found = json_value("1.5");
    assert_false(value_to_int(&found, &number));
}

/* -- Sets ----------------------------------------------------------------------------------------------------------- */
static void assert_json(struct slice encoded, const char *expected)
{
    struct value v = value_of(encoded);
    assert_int_equal(value_check(encoded, NULL), 0);
    assert_string_equal(json_text(&v), expected);
}

static void test_sets_are_sorted(void **state)
{
    (void)state;
    assert_json(json_value("{\"$stringSet\":[\"b\",\"\",\"ab\",\"a\"]}").encoded, "{\"$stringSet\":[\"\",\"a\",\"ab\",\"b\"]}");
    assert_json(json_value("{\"$numberSet\":[10,-1,0,9,-10,0.5]}").encoded, "{\"$numberSet\":[-10,-1,0,0.5,9,10]}");
    struct value set = json_value("{\"$numberSet\":[1,3,5]}"), in = json_value("3.0"), out = json_value("4"),
                 text = json_value("\"3\"");
    assert_true(value_set_has(&set, &in));
    assert_false(value_set_has(&set, &out));
    assert_false(value_set_has(&set, &text));
    assert_false(value_set_has(&in, &in));
}

static void assert_set_refused(enum value_type type, const struct value *elements, size_t count, const char *message)
{
    struct buf b = {0};
    struct err e = {.code = ERR_NONE};
    assert_int_equal(value_put_set(&b, type, elements, count, &e), -1);
    assert_int_equal(e.code, ERR_VALIDATION);
    assert_string_equal(e.text, message);
    assert_int_equal(b.len, 0);
    buf_finish(&b);
}

static void test_refused_sets(void **state)
{
    (void)state;
    struct value texts[] = {json_value("\"a\""), json_value("\"b\""), json_value("\"a\"")};
    struct value numbers[] = {json_value("1"), json_value("1.0")};
    struct value bytes[] = {json_value("{\"$binary\":\"\"}"), json_value("{\"$binary\":\"\"}")};
    assert_set_refused(VALUE_SS, texts, 3,
                       "One or more parameter values were invalid: Input collection [a, a, b] contains duplicates.");
    assert_set_refused(VALUE_NS, numbers, 2,
                       "One or more parameter values were invalid: Input collection of type NS contains duplicates.");
    assert_set_refused(VALUE_BS, bytes, 2,
                       "One or more parameter values were invalid: Input collection of type BS contains duplicates.");
    assert_set_refused(VALUE_SS, NULL, 0, "One or more parameter values were invalid: An string set  may not be empty");
    assert_set_refused(VALUE_NS, NULL, 0, "One or more parameter values were invalid: An number set  may not be empty");
    assert_set_refused(VALUE_BS, NULL, 0, "One or more parameter values were invalid: Binary sets should not be empty");
    assert_set_refused(VALUE_SS, numbers, 1, "A set of type SS can only hold elements of type S");
}

static void test_set_algebra(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *sum, *difference; /* difference NULL: nothing left */
    } rows[] = {
        {"[1,3,5]", "[2,3,9]", "[1,2,3,5,9]", "[1,5]"},
        {"[1]", "[1]", "[1]", NULL},
        {"[1,2]", "[3]", "[1,2,3]", "[1,2]"},
        {"[3]", "[1,2]", "[1,2,3]", "[3]"},
        {"[2]", "[1,2,3]", "[1,2,3]", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        struct buf b = {0};
        snprintf(text, sizeof text, "{\"$numberSet\":%s}", rows[i].a);
        struct value a = json_value(text);
        snprintf(text, sizeof text, "{\"$numberSet\":%s}", rows[i].b);
        struct value other = json_value(text);
        buf_byte(&b, 0xC0); /* something before */
        assert_int_equal(value_put_union(&b, &a, &other), 0);
        snprintf(text, sizeof text, "{\"$numberSet\":%s}", rows[i].sum);
        assert_json(slice_of(b.data + 1, b.len - 1), text);
        b.len = 1;
        assert_int_equal(value_put_difference(&b, &a, &other), rows[i].difference ? 0 : 1);
        snprintf(text, sizeof text, "{\"$numberSet\":%s}", rows[i].difference ? rows[i].difference : "");
        if (rows[i].difference)
            assert_json(slice_of(b.data + 1, b.len - 1), text);
        else
            assert_int_equal(b.len, 1);
        buf_finish(&b);
    }
}

/* More elements than one header byte counts, and a payload longer than one length byte holds. */
static void test_large_set_algebra(void **state)
{
    (void)state;
    struct buf even = {0}, odd = {0}, all = {0}, back = {0};
    buf_text(&even, "{\"$numberSet\":[0");
    buf_text(&odd, "{\"$numberSet\":[1");
    for (int i = 2; i < 40000; i++)
        buf_printf(i % 2 ? &odd : &even, ",%d", i);
    buf_append(&even, "]}", 3);
    buf_append(&odd, "]}", 3);
    struct value a = json_value((const char *)even.data), b = json_value((const char *)odd.data);
    assert_int_equal(value_put_union(&all, &a, &b), 0);
    struct value sum = value_of(buf_slice(&all));
    assert_int_equal(sum.count, 40000);
    assert_int_equal(value_check(sum.encoded, NULL), 0);
    assert_int_equal(value_put_difference(&back, &sum, &b), 0);
    assert_true(slice_equal(buf_slice(&back), a.encoded));
    buf_finish(&even);
    buf_finish(&odd);
    buf_finish(&all);
    buf_finish(&back);
}

#define TEST(name) cmocka_unit_test_teardown(name, json_values_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_type_is_read),
        TEST(test_what_is_no_value),
        TEST(test_reading_moves_behind_the_value),
        TEST(test_walks),
        TEST(test_lookups),
        TEST(test_sets_are_sorted),
        TEST(test_refused_sets),
        TEST(test_set_algebra),
        TEST(test_large_set_algebra),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
