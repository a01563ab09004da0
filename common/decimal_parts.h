/* decimal_parts.h - what the files of decimal.h share: the digits as one 128-bit integer, and the way into canonical form. */
#ifndef LEAT_COMMON_DECIMAL_PARTS_H
#define LEAT_COMMON_DECIMAL_PARTS_H

#include "common/decimal.h"
#include "common/limits.h"

__extension__ typedef unsigned __int128 u128;

#define DECIMAL_EXPONENT_MIN (-130) /* of the first digit: 1E-130 */
#define DECIMAL_EXPONENT_MAX 125    /* 9.99E+125 */

static inline u128 decimal_digits(const struct decimal *d) { return (u128)d->hi << 64 | d->lo; }
static inline bool decimal_is_zero(const struct decimal *d) { return (d->hi | d->lo) == 0; }

u128 decimal_power(int n);                    /* 10^n, 0 <= n <= 38 */
int decimal_length(u128 digits);              /* decimal digits of a number below 10^39; 0 has none */
int decimal_leading(const struct decimal *d); /* the scientific exponent: where the first digit stands; d is not zero */

/* Writes the decimal digits, most significant first, without a NUL; returns how many. digits < 10^39. */
int decimal_write_digits(u128 digits, char text[static LIMIT_NUMBER_DIGITS + 1]);

/* Makes d the canonical form of (-1)^negative * digits * 10^exponent, digits < 10^39. 0, or -1 where the limits forbid it. */
int decimal_make(struct decimal *d, bool negative, u128 digits, int exponent, struct err *e);
/* The limits in DynamoDB's order: magnitude of the first digit, then count of significant digits. 0 or -1. */
int decimal_check(int leading, int significant_digits, struct err *e);

#endif
