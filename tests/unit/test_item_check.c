/* test_item_check.c - the value model as a whole: equality, order, sizes, and the check of foreign bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/json_value.h"
#include "tests/lib/xorshift.h"

#define BYTES(text) slice_of(text, sizeof text - 1)
#define SEED UINT64_C(0x17e3a5)
#define ROUNDS 40000

static const char every_type[] =
    "{\"s\":\"text\",\"n\":-1.5,\"b\":{\"$binary\":\"AAEC\"},\"t\":true,\"z\":null,\"l\":[1,\"two\",[]],\"m\":{\"x\":{}},"
    "\"ss\":{\"$stringSet\":[\"b\",\"a\"]},\"ns\":{\"$numberSet\":[10,-2,3]},\"bs\":{\"$binarySet\":[\"/w==\",\"AA==\"]}}";

/* -- Equality, order ------------------------------------------------------------------------------------------------ */
static void assert_equality(const char *left, const char *right, bool expected)
{
    struct value a = json_value(left), b = json_value(right);
    assert_int_equal(value_equal(&a, &b), expected);
    assert_int_equal(value_equal(&b, &a), expected);
    assert_true(value_equal(&a, &a));
}

static void test_equality(void **state)
{
    (void)state;
    assert_equality("1", "1.00", true);
    assert_equality("0", "-0", true);
    assert_equality("1", "\"1\"", false);
    assert_equality("null", "false", false);
    assert_equality("true", "false", false);
    assert_equality("\"\"", "{\"$binary\":\"\"}", false);
    assert_equality("[1,2]", "[2,1]", false);
    assert_equality("[1]", "[1,1]", false);
    assert_equality("[]", "{}", false);
    assert_equality("{\"a\":1,\"b\":{\"c\":2,\"d\":[3]}}", "{\"b\":{\"d\":[3],\"c\":2},\"a\":1}", true);
    assert_equality("{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false);
    assert_equality("{\"a\":1}", "{\"b\":1}", false);
    assert_equality("{\"a\":1}", "{\"a\":1,\"b\":1}", false);
    assert_equality("{\"$stringSet\":[\"a\",\"b\"]}", "{\"$stringSet\":[\"b\",\"a\"]}", true);
    assert_equality("{\"$numberSet\":[1,2]}", "{\"$numberSet\":[1,3]}", false);
    struct value none = {.type = VALUE_NONE};
    assert_false(value_equal(&none, &none));
}

static void test_equality_of_large_maps_in_other_order(void **state)
{
    (void)state;
    struct buf up = {0}, down = {0};
    for (int i = 0; i < 20000; i++) {
        buf_printf(&up, "%s\"name%d\":%d", i ? "," : "{", i, i);
        buf_printf(&down, "%s\"name%d\":%d", i ? "," : "{", 19999 - i, 19999 - i);
    }
    buf_append(&up, "}", 2);
    buf_append(&down, "}", 2);
    assert_equality((const char *)up.data, (const char *)down.data, true);
    down.data[down.len - 3] = '1'; /* "name0":0 becomes 1 */
    assert_equality((const char *)up.data, (const char *)down.data, false);
    buf_finish(&up);
    buf_finish(&down);
}

/* Comparing a level twice at each of 40 levels would take until tomorrow. */
static void test_equality_of_deep_maps_ends(void **state)
{
    (void)state;
    struct buf a = {0}, b = {0};
    for (int i = 0; i < LIMIT_JSON_DEPTH - 1; i++) {
        buf_text(&a, "{\"x\":1,\"y\":");
        buf_text(&b, "{\"y\":");
    }
    buf_text(&a, "{}");
    buf_text(&b, "[]");
    for (int i = 0; i < LIMIT_JSON_DEPTH - 1; i++) {
        buf_text(&a, "}");
        buf_text(&b, ",\"x\":1}");
    }
    buf_byte(&a, 0);
    buf_byte(&b, 0);
    assert_equality((const char *)a.data, (const char *)b.data, false);
    buf_finish(&a);
    buf_finish(&b);
}

static void test_order(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"1", "2"},
        {"-2", "-1"},
        {"9", "10"},
        {"-1e-100", "1e-100"},
        {"0", "1e-130"},
        {"\"a\"", "\"b\""},
        {"\"a\"", "\"ab\""},
        {"\"Z\"", "\"a\""},
        {"\"\"", "\"a\""},
        {"\"z\"", "\"\xC3\xA4\""},
        {"{\"$binary\":\"AA==\"}", "{\"$binary\":\"/w==\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct value a = json_value(rows[i][0]), b = json_value(rows[i][1]);
        assert_true(value_compare(&a, &b) < 0);
        assert_true(value_compare(&b, &a) > 0);
        assert_int_equal(value_compare(&a, &a), 0);
    }
}

/* -- Sizes ---------------------------------------------------------------------------------------------------------- */
static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        size_t bytes;
    } rows[] = {
        {"\"\"", 0},
        {"\"\xC3\xA4x\"", 3},
        {"{\"$binary\":\"AAEC\"}", 3},
        {"true", 1},
        {"null", 1},
        {"0", 1},
        {"5", 2},
        {"100", 2},
        {"123", 3},
        {"-5", 3},
        {"0.001", 2},
        {"1.5", 3},
        {"1.05", 3},
        {"100.5", 4},
        {"-12.345", 5},
        {"[]", 3},
        {"{}", 3},
        {"[1,\"ab\"]", 9},
        {"{\"ab\":null}", 7},
        {"{\"$stringSet\":[\"a\",\"bcd\"]}", 4},
        {"{\"$numberSet\":[1,100,12345]}", 8},
        {"99999999999999999999999999999999999999", 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct value v = json_value(rows[i].json);
        assert_int_equal(value_size(&v), rows[i].bytes);
    }
    struct value item = json_value("{\"id\":\"1234\",\"list\":[1]}");
    assert_int_equal(item_size(&item), 2 + 4 + 4 + (3 + 2 + 1));
}

/* -- The full check ------------------------------------------------------------------------------------------------- */
static void assert_checked(struct slice bytes, const char *reason)
{
    struct err e = {.code = ERR_NONE};
    assert_int_equal(value_check(json_value_copy(bytes), &e), -1);
    assert_int_equal(e.code, ERR_VALIDATION);
    assert_string_equal(e.text, reason);
}

static void test_check_names_its_reason(void **state)
{
    (void)state;
    assert_checked(BYTES("\xA1\xC3"), "A string is not valid UTF-8");
    assert_checked(BYTES("\xD4\x01\x03"), "A number is not in its canonical encoding");
    assert_checked(BYTES("\xC7\x05\x01\x03\x82\x33\x01\x00"), "A number is not in its canonical encoding");
    assert_checked(BYTES("\xD4\x02\x90"), "A set is empty or damaged");
    assert_checked(BYTES("\xD5\x02\x91\xC0"), "A set holds an element of another type");
    assert_checked(BYTES("\xC7\x05\x02\x92\xA1"
                         "b\xA1"
                         "a"),
                   "A set is not sorted or holds an element twice");
    assert_checked(BYTES("\xC7\x05\x02\x92\xA1"
                         "a\xA1"
                         "a"),
                   "A set is not sorted or holds an element twice");
    assert_checked(BYTES("\xC7\x03\x02\x91\xA1\xFF"), "A set holds an element of another type");
    assert_checked(BYTES("\xC7\x05\x04\x91\xC4\x01"
                         "a\xC0"),
                   "A set is followed by stray bytes");
    assert_checked(BYTES("\xD4\x07\x02"), "A value has an unknown type");
    assert_checked(BYTES("\x01"), "A value is damaged or of an unknown type");
    assert_checked(BYTES("\x81\xA1"
                         "a"),
                   "A value is damaged or of an unknown type");
    assert_checked(BYTES("\x81\x01\xC0"), "An attribute name is not a string");
    assert_checked(BYTES("\x81\xA0\xC0"), "Attribute names must not be empty");
    assert_checked(BYTES("\x81\xA1"
                         "a\x81\xA0\xC0"),
                   "Attribute names must not be empty");
    assert_checked(BYTES("\x81\xA1\x80\xC0"), "An attribute name is not valid UTF-8");
    assert_checked(BYTES("\x82\xA1"
                         "a\xC0\xA1"
                         "a\xC2"),
                   "A map holds the same name twice");
    assert_checked(BYTES("\xC0\xC0"), "A value is followed by stray bytes");
}

static void test_check_of_many_and_long_names(void **state)
{
    (void)state;
    static const uint32_t counts[] = {16, 17, 63, 64, 65, 5000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int twice = 0; twice < 2; twice++) {
            struct buf b = {0};
            mp_put_map(&b, counts[i]);
            for (uint32_t n = 0; n < counts[i]; n++) {
                char name[16];
                snprintf(name, sizeof name, "n%u", twice && n == counts[i] - 1 ? counts[i] / 2 : n);
                mp_put_text(&b, name);
                mp_put_map(&b, 1); /* names of inner maps lie on the same stack */
                mp_put_text(&b, name);
                mp_put_nil(&b);
            }
            assert_int_equal(value_check(buf_slice(&b), NULL), twice ? -1 : 0);
            buf_finish(&b);
        }
    static char name[LIMIT_ATTRIBUTE_NAME_BYTES + 1];
    memset(name, 'n', sizeof name);
    for (size_t more = 0; more < 2; more++) {
        struct buf b = {0};
        mp_put_map(&b, 1);
        mp_put_str(&b, name, LIMIT_ATTRIBUTE_NAME_BYTES + more);
        mp_put_nil(&b);
        assert_int_equal(value_check(buf_slice(&b), NULL), more ? -1 : 0);
        buf_finish(&b);
    }
}

static void test_check_of_depth(void **state)
{
    (void)state;
    for (int depth = LIMIT_VALUE_DEPTH; depth <= LIMIT_VALUE_DEPTH + 1; depth++) {
        struct buf b = {0};
        mp_put_map(&b, 1);
        mp_put_text(&b, "a");
        for (int i = 1; i < depth; i++)
            mp_put_array(&b, 1);
        mp_put_array(&b, 0);
        if (depth == LIMIT_VALUE_DEPTH)
            assert_int_equal(value_check(buf_slice(&b), NULL), 0);
        else
            assert_checked(buf_slice(&b), "Nesting Levels have exceeded supported limits");
        buf_finish(&b);
    }
}

/* -- Noise ---------------------------------------------------------------------------------------------------------- */

/* Reads all that can be read; the functions must bear whatever the check would refuse. */
static size_t use(const struct value *v)
{
    struct value_walk w = value_walk_of(v);
    struct value element, first = value_list_get(v, 0), named = value_map_get(v, slice_text("s"));
    struct slice name;
    size_t used = value_size(v) + value_set_has(v, &first) + named.count + (size_t)value_equal(v, v);
    while (value_walk_next(&w, &name, &element))
        used += use(&element);
    return used;
}

/* Bytes of a good item with a few of them changed come further than chance alone. */
static void test_noise(void **state)
{
    (void)state;
    uint64_t random = SEED;
    struct slice good = json_value(every_type).encoded;
    int accepted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t len = round % 2 ? good.len : xorshift_below(&random, 48);
        unsigned char *bytes = malloc(len ? len : 1);
        assert_non_null(bytes);
        if (round % 2)
            memcpy(bytes, good.ptr, len);
        else
            xorshift_bytes(&random, bytes, len);
        for (size_t changes = xorshift_below(&random, 4); round % 2 && changes > 0; changes--)
            bytes[xorshift_below(&random, len)] = (unsigned char)(xorshift(&random) >> 16);
        struct value v = value_of(slice_of(bytes, len));
        bool checked = value_check(slice_of(bytes, len), NULL) == 0;
        assert_true(v.type != VALUE_NONE || !checked);
        if (checked)
            assert_true(value_equal(&v, &v));
        accepted += checked;
        use(&v);
        free(bytes);
    }
    assert_true(accepted > ROUNDS / 20 && accepted < ROUNDS);
}

#define TEST(name) cmocka_unit_test_teardown(name, json_values_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equality),
        TEST(test_equality_of_large_maps_in_other_order),
        TEST(test_equality_of_deep_maps_ends),
        TEST(test_order),
        TEST(test_sizes),
        TEST(test_check_names_its_reason),
        TEST(test_check_of_many_and_long_names),
        TEST(test_check_of_depth),
        TEST(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
