/* test_decimal.c - numbers: text there and back, DynamoDB's limits, canonical encodings, integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/decimal.h"
#include "tests/lib/xorshift.h"

#define SEED UINT64_C(0xdec1337)
#define ROUNDS 20000

#define NINES_38 "99999999999999999999999999999999999999"
#define ZEROS_38 "00000000000000000000000000000000000000"

static struct decimal number(const char *text)
{
    struct decimal d;
    struct err e = {.code = ERR_NONE};
    if (decimal_parse(text, strlen(text), &d, &e) != 0)
        fail_msg("%s: %s", text, e.text);
    return d;
}

static void assert_formats(const struct decimal *d, const char *expected)
{
    char text[DECIMAL_TEXT_MAX];
    size_t len = decimal_format(d, text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void assert_refused(const char *text, const char *message)
{
    struct decimal d;
    struct err e = {.code = ERR_NONE};
    assert_int_equal(decimal_parse(text, strlen(text), &d, &e), -1);
    assert_int_equal(e.code, ERR_VALIDATION);
    assert_string_equal(e.text, message);
}

/* -- Text ----------------------------------------------------------------------------------------------------------- */
static void test_plain_notation(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"0.000", "0"},
        {"0e999999", "0"},
        {"+5", "5"},
        {"5", "5"},
        {"3.14", "3.14"},
        {"1.0", "1"},
        {"1e2", "100"},
        {"1E+2", "100"},
        {"100", "100"},
        {"0100", "100"},
        {"-1.50", "-1.5"},
        {"0.001", "0.001"},
        {"-0.05", "-0.05"},
        {"1e-3", "0.001"},
        {"12.5e1", "125"},
        {"12.5e-1", "1.25"},
        {"10.010", "10.01"},
        {"1000e-3", "1"},
        {"0.1e1", "1"},
        {"000.00500", "0.005"},
        {"1e-0", "1"},
        {"9007199254740993", "9007199254740993"},
        {NINES_38, NINES_38},
        {"-" NINES_38, "-" NINES_38},
        {"0." NINES_38, "0." NINES_38},
        {NINES_38 ".000", NINES_38},
        {"1" ZEROS_38 "e-38", "1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decimal d = number(rows[i][0]);
        assert_formats(&d, rows[i][1]);
    }
}

static void test_longest_texts(void **state)
{
    (void)state;
    char expected[DECIMAL_TEXT_MAX];
    struct decimal d = number("-9.9999999999999999999999999999999999999e-130");
    snprintf(expected, sizeof expected, "-0.%0129d%s", 0, NINES_38);
    assert_formats(&d, expected);
    d = number("-9.9999999999999999999999999999999999999E125");
    snprintf(expected, sizeof expected, "-%s%088d", NINES_38, 0);
    assert_formats(&d, expected);
    d = number("1e-130");
    snprintf(expected, sizeof expected, "0.%0129d1", 0);
    assert_formats(&d, expected);
}

static void test_limits(void **state)
{
    (void)state;
    static const char over[] = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    static const char under[] = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    static const char digits[] = "Attempting to store more than 38 significant digits in a Number";
    assert_refused("1e126", over);
    assert_refused("-10e125", over);
    assert_refused("1e99999999999999999999", over);
    assert_refused("1e-131", under);
    assert_refused("-0.1e-130", under);
    assert_refused("1e-99999999999999999999", under);
    assert_refused(NINES_38 "1", digits);
    assert_refused("1" ZEROS_38 ".1", digits);
    assert_refused("0." NINES_38 "1", digits);
    assert_refused("1" ZEROS_38 "1e87", over);
}

static void test_what_is_no_number(void **state)
{
    (void)state;
    static const char *const rows[] = {"-",   "+",  ".",  ".5",  "5.",  "1.e2",     "e5",  "1e",    "1e+", "1e-",      "--1",
                                       "+-1", "1 ", " 1", "0x1", "NaN", "Infinity", "1,5", "1e2.5", "1_0", "\xC2\xB2", "1..2"};
    char message[128];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(message, sizeof message, "The parameter cannot be converted to a numeric value: %s", rows[i]);
        assert_refused(rows[i], message);
    }
    assert_refused("", "The parameter cannot be converted to a numeric value");
    struct decimal d;
    assert_int_equal(decimal_parse("1\0002", 3, &d, NULL), -1);
    char zeros[600];
    memset(zeros, '0', sizeof zeros);
    assert_int_equal(decimal_parse(zeros, 512, &d, NULL), 0);
    assert_int_equal(decimal_parse(zeros, 513, &d, NULL), -1);
}

/* -- Encoding ------------------------------------------------------------------------------------------------------- */
static void assert_encodes(const char *text, const char *bytes, size_t len)
{
    unsigned char out[DECIMAL_ENCODED_MAX];
    struct decimal d = number(text), back;
    assert_int_equal(decimal_encode(&d, out), len);
    assert_memory_equal(out, bytes, len);
    assert_int_equal(decimal_decode(slice_of(out, len), &back), 0);
    assert_memory_equal(&back.hi, &d.hi, sizeof d.hi);
    assert_true(back.lo == d.lo && back.exponent == d.exponent && back.negative == d.negative);
    assert_int_equal(decimal_encoded_length(slice_of(out, len)), len);
}
#define ASSERT_ENCODES(text, bytes) assert_encodes(text, bytes, sizeof bytes - 1)

static void test_known_encodings(void **state)
{
    (void)state;
    ASSERT_ENCODES("0", "\x02");
    ASSERT_ENCODES("5", "\x03\x82\x33\x00");
    ASSERT_ENCODES("-5", "\x01\x7D\x32\xFF");
    ASSERT_ENCODES("10", "\x03\x83\x0B\x00");
    ASSERT_ENCODES("123", "\x03\x84\x0D\x1F\x00");
    ASSERT_ENCODES("1.001", "\x03\x82\x0B\x02\x00");
    ASSERT_ENCODES("1e125", "\x03\xFF\x0B\x00");
    ASSERT_ENCODES("1e-130", "\x03\x00\x0B\x00");
    ASSERT_ENCODES("-1e125", "\x01\x00\x5A\xFF");
    struct decimal d = number(NINES_38);
    unsigned char out[DECIMAL_ENCODED_MAX];
    assert_int_equal(decimal_encode(&d, out), DECIMAL_ENCODED_MAX);
}

static void test_only_canonical_encodings_decode(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"", 0},
        {"\x02\x00", 2}, /* stray byte */
        {"\x00", 1},     /* no tag */
        {"\x04\x82\x33\x00", 4},
        {"\x03", 1},
        {"\x03\x82", 2},
        {"\x03\x82\x33", 3},         /* no end */
        {"\x03\x82\x00", 3},         /* no digits */
        {"\x03\x82\x33\x00\x00", 5}, /* stray byte */
        {"\x03\x82\x06\x00", 4},     /* first digit 0 */
        {"\x03\x82\x33\x01\x00", 5}, /* last pair 00 */
        {"\x03\x82\x66\x00", 4},     /* pair 101 */
        {"\x03\x82\x33\xFF", 4},     /* the other sign's end */
        {"\x01\x7D\x32\x00", 4},
        {"\x01\x7D\x32\x64\xFF", 5}, /* last pair 00 */
        {"\x01\x7D\x65\xFF", 4},
    };
    struct decimal d;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(decimal_decode(slice_of(rows[i].bytes, rows[i].len), &d), -1);
    unsigned char forty[23] = {3, 0x82};
    memset(forty + 2, 0x33, 20); /* 20 pairs */
    assert_int_equal(decimal_decode(slice_of(forty, sizeof forty), &d), -1);
    forty[21] = 0;
    assert_int_equal(decimal_decode(slice_of(forty, 22), &d), 0);
}

/* Inside a longer key the encoding ends itself. */
static void test_encoded_length(void **state)
{
    (void)state;
    assert_int_equal(decimal_encoded_length(slice_of("\x03\x82\x33\x00tail", 8)), 4);
    assert_int_equal(decimal_encoded_length(slice_of("\x02tail", 5)), 1);
    assert_int_equal(decimal_encoded_length(slice_of("\x01\x7D\x32\xFF\xFF", 5)), 4);
    assert_int_equal(decimal_encoded_length(slice_of("tail", 4)), 0);
    assert_int_equal(decimal_encoded_length(slice_of(NULL, 0)), 0);
}

static void test_noise_does_not_decode_twice(void **state)
{
    (void)state;
    uint64_t random = SEED;
    int good = 0;
    for (int round = 0; round < 2 * ROUNDS; round++) {
        size_t len = xorshift_below(&random, 26);
        unsigned char *bytes = malloc(len ? len : 1), again[DECIMAL_ENCODED_MAX];
        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)(xorshift_below(&random, 101));
        if (len > 0)
            bytes[0] = (unsigned char)(xorshift_below(&random, 5));
        if (len > 1)
            bytes[len - 1] = round % 2 ? 0 : 0xFF;
        struct decimal d;
        if (decimal_decode(slice_of(bytes, len), &d) == 0) {
            good++;
            assert_int_equal(decimal_encode(&d, again), len); /* one encoding a value */
            assert_memory_equal(again, bytes, len);
        }
        free(bytes);
    }
    assert_true(good > 100);
}

/* -- Integers ------------------------------------------------------------------------------------------------------- */
static void test_integers(void **state)
{
    (void)state;
    static const int64_t rows[] = {
        0, 1, -1, 10, -1000, 1234567890123, INT64_MAX, INT64_MIN, INT64_MIN + 1, 1000000000000000000};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        int64_t back;
        struct decimal d;
        assert_int_equal(decimal_from_int(rows[i], &d), 0);
        snprintf(text, sizeof text, "%lld", (long long)rows[i]);
        assert_formats(&d, text);
        assert_true(decimal_to_int(&d, &back) && back == rows[i]);
    }
    static const char *const no[] = {"0.5",   "9223372036854775808", "-9223372036854775809", "1e19", "1e125", "-1e-130",
                                     NINES_38};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        int64_t untouched = 77;
        struct decimal d = number(no[i]);
        assert_false(decimal_to_int(&d, &untouched));
        assert_int_equal(untouched, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_notation),  cmocka_unit_test(test_longest_texts),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_what_is_no_number),
        cmocka_unit_test(test_known_encodings), cmocka_unit_test(test_only_canonical_encodings_decode),
        cmocka_unit_test(test_encoded_length),  cmocka_unit_test(test_noise_does_not_decode_twice),
        cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
