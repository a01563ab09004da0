/* decimal.c - canonical form, comparison and exact arithmetic of decimal.h on unsigned 128-bit integers.
 *
 * Why 128 bits suffice for a sum of two canonical numbers a*10^x and b*10^y, x >= y, where a, b are below 10^38:
 * with k = x - y and A = a*10^k the result is |A +- b| * 10^y.
 *   k = 0: A + b < 2*10^38 < 2^128, nothing can overflow.
 *   k > 0: A ends in 0 and b (canonical, not zero) does not, so the result's last digit is not 0 and every digit of |A +- b| is
 *          significant. If A >= 2*10^38, then |A +- b| > 10^38 has 39 digits or more: refused, whatever its value. Otherwise
 *          A + b < 3*10^38 < 2^128 (3.40*10^38).
 * So either the sum fits, or it is known to be refused before it is computed. Nothing is ever rounded. docs/decisions/0003 has
 * the long form. */
#include "common/decimal.h"

#include <assert.h>

#include "common/decimal_parts.h"

#define POWERS 20 /* 10^0 .. 10^19, the powers that fit 64 bits */

static const uint64_t powers[POWERS] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

u128 decimal_power(int n)
{
    assert(n >= 0 && n <= LIMIT_NUMBER_DIGITS);
    return n < POWERS ? powers[n] : (u128)powers[POWERS - 1] * powers[n - (POWERS - 1)];
}

static int length_64(uint64_t digits)
{
    int n = 0;
    while (n < POWERS && digits >= powers[n])
        n++;
    return n;
}

int decimal_length(u128 digits)
{
    if (digits >> 64 == 0)
        return length_64((uint64_t)digits);
    return POWERS - 1 + decimal_length(digits / powers[POWERS - 1]);
}

int decimal_leading(const struct decimal *d)
{
    assert(!decimal_is_zero(d));
    return d->exponent + decimal_length(decimal_digits(d)) - 1;
}

int decimal_write_digits(u128 digits, char text[static LIMIT_NUMBER_DIGITS + 1])
{
    int len = decimal_length(digits), at = len;
    assert(len <= LIMIT_NUMBER_DIGITS + 1);
    for (; digits >> 64 != 0; digits /= 10)
        text[--at] = (char)('0' + (int)(digits % 10));
    for (uint64_t rest = (uint64_t)digits; rest != 0; rest /= 10)
        text[--at] = (char)('0' + (int)(rest % 10));
    assert(at == 0);
    return len;
}

int decimal_check(int leading, int significant_digits, struct err *e)
{
    if (leading > DECIMAL_EXPONENT_MAX)
        return err_set(e, ERR_VALIDATION,
                       "Number overflow. Attempting to store a number with magnitude larger than supported range");
    if (leading < DECIMAL_EXPONENT_MIN)
        return err_set(e, ERR_VALIDATION,
                       "Number underflow. Attempting to store a number with magnitude smaller than supported range");
    if (significant_digits > LIMIT_NUMBER_DIGITS)
        return err_set(e, ERR_VALIDATION, "Attempting to store more than %d significant digits in a Number",
                       LIMIT_NUMBER_DIGITS);
    return 0;
}

int decimal_make(struct decimal *d, bool negative, u128 digits, int exponent, struct err *e)
{
    *d = (struct decimal){0};
    if (digits == 0)
        return 0;
    for (; digits >> 64 != 0 && digits % 10 == 0; exponent++)
        digits /= 10;
    if (digits >> 64 == 0)
        for (uint64_t rest = (uint64_t)digits; rest % 10 == 0; digits = rest, exponent++)
            rest /= 10;
    int length = decimal_length(digits);
    if (decimal_check(exponent + length - 1, length, e) != 0)
        return -1;
    *d = (struct decimal){(uint64_t)(digits >> 64), (uint64_t)digits, exponent, negative};
    return 0;
}

int decimal_from_int(int64_t value, struct decimal *d)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return decimal_make(d, value < 0, magnitude, 0, NULL);
}

bool decimal_to_int(const struct decimal *d, int64_t *value)
{
    u128 max = (u128)INT64_MAX + (d->negative ? 1 : 0);
    if (d->exponent < 0 || d->exponent >= POWERS - 1 || decimal_digits(d) > max / powers[d->exponent])
        return false;
    uint64_t magnitude = (uint64_t)decimal_digits(d) * powers[d->exponent];
    *value = d->negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* -- Order and arithmetic ------------------------------------------------------------------------------------- */

/* Order of two magnitudes, neither zero: by the place of the first digit, then by the digits moved up to 38 places each. */
static int compare_magnitudes(const struct decimal *a, const struct decimal *b)
{
    u128 left = decimal_digits(a), right = decimal_digits(b);
    int left_length = decimal_length(left), right_length = decimal_length(right);
    int left_leading = a->exponent + left_length, right_leading = b->exponent + right_length;
    if (left_leading != right_leading)
        return left_leading < right_leading ? -1 : 1;
    left *= decimal_power(LIMIT_NUMBER_DIGITS - left_length);
    right *= decimal_power(LIMIT_NUMBER_DIGITS - right_length);
    return (left > right) - (left < right);
}

static int sign(const struct decimal *d) { return decimal_is_zero(d) ? 0 : d->negative ? -1 : 1; }

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (sign(a) != sign(b))
        return sign(a) < sign(b) ? -1 : 1;
    return sign(a) * (sign(a) ? compare_magnitudes(a, b) : 0);
}

/* The digits of a at a lower exponent, or false if that makes 2*10^38 or more (see the proof at the top). */
static bool align(const struct decimal *a, int exponent, u128 *aligned)
{
    int shift = a->exponent - exponent;
    u128 most = 2 * decimal_power(LIMIT_NUMBER_DIGITS) - 1;
    assert(shift >= 0);
    if (shift > LIMIT_NUMBER_DIGITS || decimal_digits(a) > most / decimal_power(shift))
        return false;
    *aligned = decimal_digits(a) * decimal_power(shift);
    return true;
}

int decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *sum, struct err *e)
{
    if (decimal_is_zero(a) || decimal_is_zero(b)) {
        *sum = decimal_is_zero(a) ? *b : *a;
        return 0;
    }
    const struct decimal *high = a->exponent >= b->exponent ? a : b, *low = high == a ? b : a;
    u128 left, right = decimal_digits(low);
    if (!align(high, low->exponent, &left))
        return decimal_check(DECIMAL_EXPONENT_MAX, LIMIT_NUMBER_DIGITS + 1, e);
    bool negative = left >= right ? high->negative : low->negative;
    u128 digits = high->negative == low->negative ? left + right : left >= right ? left - right : right - left;
    return decimal_make(sum, negative, digits, low->exponent, e);
}

int decimal_subtract(const struct decimal *a, const struct decimal *b, struct decimal *difference, struct err *e)
{
    struct decimal minus_b = *b;
    minus_b.negative = !decimal_is_zero(b) && !b->negative;
    return decimal_add(a, &minus_b, difference, e);
}
