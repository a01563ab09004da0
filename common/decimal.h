/* decimal.h - DynamoDB numbers: up to 38 significant decimal digits, magnitude 1E-130 to 9.99E+125, exact.
 *
 * A number at rest and on the wire is its ordered encoding: at most 22 bytes, one encoding a value, memcmp order is numeric
 * order (so equality is memcmp, too, and the same bytes serve as key):
 *     zero       02
 *     positive   03, e+130, (digit pair)+1 ..., 00
 *     negative   01, 255-(e+130), 100-(digit pair) ..., FF
 * e is the scientific exponent (-130..125), digits in pairs from the left, the last pair padded with 0, no trailing 00 pair.
 * Arithmetic stands on unsigned 128-bit integers: 38 digits fit, see decimal.c for the proof (docs/decisions/0003). */
#ifndef LEAT_COMMON_DECIMAL_H
#define LEAT_COMMON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

#define DECIMAL_ENCODED_MAX 22 /* 1 + 1 + 19 pairs + 1 */
#define DECIMAL_TEXT_MAX 176   /* "-0." + 130 zeros + 38 digits and a NUL, rounded up */

/* Canonical: no trailing zero digit; zero has digits 0, exponent 0, not negative. value = (-1)^negative * digits * 10^exponent */
struct decimal {
    uint64_t hi, lo; /* the digits as one 128-bit integer, below 10^38 */
    int exponent;
    bool negative;
};

/* Parses [+-]digits[.digits][(e|E)[+-]digits]; no blanks. 0, or -1 with DynamoDB's own message in e: not a number ("The
 * parameter cannot be converted to a numeric value: X"), more than 38 digits, overflow, underflow. */
int decimal_parse(const char *text, size_t len, struct decimal *d, struct err *e);
int decimal_from_int(int64_t value, struct decimal *d);

size_t decimal_encode(const struct decimal *d, unsigned char out[static DECIMAL_ENCODED_MAX]); /* bytes written */
int decimal_decode(struct slice encoded, struct decimal *d); /* 0; -1 unless it is exactly one canonical encoding */
/* Length of the encoding that starts at bytes, 0 if none does: for reading a key out of a longer one. */
size_t decimal_encoded_length(struct slice bytes);

/* Plain notation as DynamoDB answers: no exponent, no leading or trailing zeros. Returns characters written before the NUL. */
size_t decimal_format(const struct decimal *d, char text[static DECIMAL_TEXT_MAX]);

int decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *sum, struct err *e); /* 0 or -1: limits */
int decimal_subtract(const struct decimal *a, const struct decimal *b, struct decimal *difference, struct err *e);
int decimal_compare(const struct decimal *a, const struct decimal *b);
/* True if d is a whole number that fits; *value is set then. */
bool decimal_to_int(const struct decimal *d, int64_t *value);

#endif
