/* test_decimal_math.c - the order of the encoding is numeric, and sums are exact or refused: against arithmetic on digit strings. */
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

/* -- Against arithmetic on digit strings ---------------------------------------------------------------------------- */

/* A number written out on a fixed grid of places, 10^126 (for carries) down to 10^-168, and a sign. */
#define PLACES 295
#define POINT 126 /* index of the place 10^0 */
struct grid {
    int places[PLACES];
    int sign; /* -1, 0, 1 */
};

static struct grid grid_of(const struct decimal *d)
{
    char text[DECIMAL_TEXT_MAX];
    struct grid g = {.sign = d->negative ? -1 : (d->hi | d->lo) ? 1 : 0};
    decimal_format(d, text);
    const char *digits = text + (*text == '-'), *point = strchr(digits, '.');
    int at = POINT + 1 - (int)(point ? point - digits : (long)strlen(digits));
    for (const char *c = digits; *c; c++)
        if (*c != '.')
            g.places[at++] = *c - '0';
    return g;
}

static int grid_order(const struct grid *a, const struct grid *b)
{
    if (a->sign != b->sign)
        return a->sign < b->sign ? -1 : 1;
    for (int i = 0; i < PLACES; i++)
        if (a->places[i] != b->places[i])
            return a->places[i] < b->places[i] ? -a->sign : a->sign;
    return 0;
}

static struct grid grid_sum(const struct grid *a, const struct grid *b)
{
    struct grid sum = {.sign = 0};
    int carry = 0;
    for (int i = PLACES - 1; i >= 0; i--) {
        int digit = a->sign * a->places[i] + b->sign * b->places[i] + carry;
        carry = digit < 0 ? -1 : digit / 10;
        sum.places[i] = digit - 10 * carry;
    }
    sum.sign = carry < 0 ? -1 : 1;
    if (carry < 0) { /* ten's complement of a negative sum */
        int borrow = 0;
        for (int i = PLACES - 1; i >= 0; i--) {
            int digit = -sum.places[i] + borrow;
            borrow = digit < 0 ? -1 : 0;
            sum.places[i] = digit - 10 * borrow;
        }
    }
    for (int i = 0; i < PLACES; i++)
        if (sum.places[i] != 0)
            return sum;
    sum.sign = 0;
    return sum;
}

/* Would DynamoDB store it? By the place of the first digit and the distance to the last one. */
static bool grid_fits(const struct grid *g)
{
    int first = -1, last = -1;
    for (int i = 0; i < PLACES; i++)
        if (g->places[i] != 0) {
            first = first < 0 ? i : first;
            last = i;
        }
    return first < 0 || (POINT - first <= 125 && POINT - first >= -130 && last - first < 38);
}

/* Numbers that meet: few or many digits, runs of 0 and 9 for carries, exponents near each other or far apart. */
static struct decimal random_number(uint64_t *random)
{
    char text[64] = "-";
    int digits = 1 + (int)xorshift_below(random, 38), kind = (int)xorshift_below(random, 4);
    int range = xorshift_below(random, 3) ? 45 : 125;
    for (int i = 1; i <= digits; i++)
        text[i] = kind == 0 ? '9' : kind == 1 ? (i == 1 ? '1' : '0') : (char)('0' + (int)xorshift_below(random, 10));
    int exponent = (int)xorshift_below(random, (size_t)range) - range / 2;
    snprintf(text + 1 + digits, sizeof text - 1 - (size_t)digits, "e%d", exponent);
    return number(text + (xorshift_below(random, 2) ? 1 : 0));
}

static int order_of(int n) { return (n > 0) - (n < 0); }

static void test_order_is_numeric(void **state)
{
    (void)state;
    uint64_t random = SEED;
    int equal = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct decimal a = random_number(&random), b = random_number(&random);
        if (round % 16 == 0)
            b = a;
        unsigned char left[DECIMAL_ENCODED_MAX], right[DECIMAL_ENCODED_MAX];
        size_t left_len = decimal_encode(&a, left), right_len = decimal_encode(&b, right);
        struct grid x = grid_of(&a), y = grid_of(&b);
        int expected = grid_order(&x, &y);
        size_t shorter = left_len < right_len ? left_len : right_len;
        int bytes = memcmp(left, right, shorter);
        assert_int_equal(decimal_compare(&a, &b), expected);
        assert_int_equal(order_of(bytes), expected); /* no encoding is the beginning of another one */
        assert_int_equal(expected == 0, left_len == right_len && bytes == 0);
        equal += expected == 0;
    }
    assert_true(equal >= ROUNDS / 16);
}

static void check_sum(const struct decimal *a, const struct decimal *b, int sign, int counts[static 2])
{
    struct decimal result;
    struct err e = {.code = ERR_NONE};
    struct grid x = grid_of(a), y = grid_of(b);
    y.sign *= sign;
    struct grid expected = grid_sum(&x, &y);
    int outcome = sign > 0 ? decimal_add(a, b, &result, &e) : decimal_subtract(a, b, &result, &e);
    assert_int_equal(outcome, grid_fits(&expected) ? 0 : -1);
    counts[outcome == 0]++;
    if (outcome != 0) {
        assert_int_equal(e.code, ERR_VALIDATION);
        return;
    }
    struct grid got = grid_of(&result);
    assert_memory_equal(&got, &expected, sizeof got);
    unsigned char bytes[DECIMAL_ENCODED_MAX]; /* canonical, too */
    struct decimal back;
    assert_int_equal(decimal_decode(slice_of(bytes, decimal_encode(&result, bytes)), &back), 0);
    assert_true(back.hi == result.hi && back.lo == result.lo && back.exponent == result.exponent);
}

static void test_sums_are_exact_or_refused(void **state)
{
    (void)state;
    uint64_t random = SEED;
    int counts[2] = {0, 0};
    for (int round = 0; round < ROUNDS; round++) {
        struct decimal a = random_number(&random), b = random_number(&random);
        check_sum(&a, &b, 1, counts);
        check_sum(&a, &b, -1, counts);
    }
    assert_true(counts[0] > ROUNDS / 10 && counts[1] > ROUNDS / 10);
}

static void test_known_sums(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"0", "0", "0"},
        {"5", "0", "5"},
        {"0", "-5", "-5"},
        {"5", "-5", "0"},
        {"0.1", "0.2", "0.3"},
        {"99", "1", "100"},
        {"1", "-0.001", "0.999"},
        {"-1", "0.5", "-0.5"},
        {NINES_38, "1", "1" ZEROS_38},
        {"1e37", "1", "10000000000000000000000000000000000001"},
        {"1" ZEROS_38, "-1", NINES_38},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decimal a = number(rows[i][0]), b = number(rows[i][1]), sum;
        assert_int_equal(decimal_add(&a, &b, &sum, NULL), 0);
        assert_formats(&sum, rows[i][2]);
        assert_int_equal(decimal_add(&b, &a, &a, NULL), 0); /* the result may be an operand */
        assert_formats(&a, rows[i][2]);
    }
}

static void test_refused_sums(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"1e38", "1", "Attempting to store more than 38 significant digits in a Number"},
        {"1e125", "1e-130", "Attempting to store more than 38 significant digits in a Number"},
        {"3.5e38", "1", "Attempting to store more than 38 significant digits in a Number"}, /* does not fit 128 bits */
        {NINES_38, "0.1", "Attempting to store more than 38 significant digits in a Number"},
        {"9e125", "1e125", "Number overflow. Attempting to store a number with magnitude larger than supported range"},
        {"1.5e-130", "-1.4e-130", "Number underflow. Attempting to store a number with magnitude smaller than supported range"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decimal a = number(rows[i][0]), b = number(rows[i][1]), sum;
        struct err e = {.code = ERR_NONE};
        assert_int_equal(decimal_add(&a, &b, &sum, &e), -1);
        assert_int_equal(e.code, ERR_VALIDATION);
        assert_string_equal(e.text, rows[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_numeric),
        cmocka_unit_test(test_sums_are_exact_or_refused),
        cmocka_unit_test(test_known_sums),
        cmocka_unit_test(test_refused_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
