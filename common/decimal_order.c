/* decimal_order.c - the ordered encoding of decimal.h: tag, exponent, digit pairs, end mark; memcmp order is numeric order.
 *
 * A negative number is the mirror of its magnitude: every byte after the tag is complemented, so the larger magnitude sorts
 * first. The end mark lies below (above, when mirrored) every pair, so a shorter run of digits sorts as if zeros followed. */
#include <assert.h>

#include "common/decimal_parts.h"

#define TAG_NEGATIVE 1
#define TAG_ZERO 2
#define TAG_POSITIVE 3
#define PAIRS_MAX (LIMIT_NUMBER_DIGITS / 2)
#define HEAD_BYTES 2 /* tag, exponent */

_Static_assert(DECIMAL_ENCODED_MAX == HEAD_BYTES + PAIRS_MAX + 1, "the longest encoding");
_Static_assert(DECIMAL_EXPONENT_MAX - DECIMAL_EXPONENT_MIN == 255, "the exponent fills one byte");

size_t decimal_encode(const struct decimal *d, unsigned char out[static DECIMAL_ENCODED_MAX])
{
    char digits[LIMIT_NUMBER_DIGITS + 2];
    int len = decimal_write_digits(decimal_digits(d), digits);
    if (len == 0) {
        out[0] = TAG_ZERO;
        return 1;
    }
    int leading = d->exponent + len - 1 - DECIMAL_EXPONENT_MIN;
    assert(len <= LIMIT_NUMBER_DIGITS && leading >= 0 && leading <= 255);
    digits[len] = '0'; /* pads the last pair */
    unsigned char *at = out;
    *at++ = d->negative ? TAG_NEGATIVE : TAG_POSITIVE;
    *at++ = (unsigned char)(d->negative ? 255 - leading : leading);
    for (int i = 0; i < len; i += 2) {
        int pair = (digits[i] - '0') * 10 + (digits[i + 1] - '0');
        *at++ = (unsigned char)(d->negative ? 100 - pair : pair + 1);
    }
    *at++ = d->negative ? 0xFF : 0;
    return (size_t)(at - out);
}

/* The pair that a byte stands for, -1 for the end mark, -2 for none. */
static int pair_of(unsigned char byte, bool negative)
{
    if (byte == (negative ? 0xFF : 0))
        return -1;
    return byte >= 1 && byte <= 100 ? (negative ? 100 - byte : byte - 1) : -2;
}

/* Reads the encoding at the start of bytes into digits (with the pad) and their count of pairs. Returns its length or 0. */
static size_t read_pairs(struct slice bytes, u128 *digits, int *pairs)
{
    *digits = 0;
    *pairs = 0;
    if (bytes.len > 0 && bytes.ptr[0] == TAG_ZERO)
        return 1;
    if (bytes.len < HEAD_BYTES || (bytes.ptr[0] != TAG_NEGATIVE && bytes.ptr[0] != TAG_POSITIVE))
        return 0;
    bool negative = bytes.ptr[0] == TAG_NEGATIVE;
    for (size_t at = HEAD_BYTES; at < bytes.len; at++) {
        int pair = pair_of(bytes.ptr[at], negative);
        if (pair == -1) /* canonical: digits, and no pair 00 at their end */
            return *pairs > 0 && *digits % 100 != 0 ? at + 1 : 0;
        if (pair < 0 || *pairs == PAIRS_MAX || (*pairs == 0 && pair < 10))
            return 0;
        *digits = *digits * 100 + (unsigned)pair;
        *pairs += 1;
    }
    return 0;
}

size_t decimal_encoded_length(struct slice bytes)
{
    u128 digits;
    int pairs;
    return read_pairs(bytes, &digits, &pairs);
}

int decimal_decode(struct slice encoded, struct decimal *d)
{
    u128 digits;
    int pairs;
    size_t len = read_pairs(encoded, &digits, &pairs);
    *d = (struct decimal){0};
    if (len == 0 || len != encoded.len)
        return -1;
    if (pairs == 0)
        return 0;
    d->negative = encoded.ptr[0] == TAG_NEGATIVE;
    int leading = (d->negative ? 255 - encoded.ptr[1] : encoded.ptr[1]) + DECIMAL_EXPONENT_MIN;
    d->exponent = leading - 2 * pairs + 1;
    if (digits % 10 == 0) {
        digits /= 10;
        d->exponent++;
    }
    d->hi = (uint64_t)(digits >> 64);
    d->lo = (uint64_t)digits;
    return 0;
}
