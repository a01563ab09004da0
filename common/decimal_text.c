/* decimal_text.c - decimal numbers from text and back to DynamoDB's plain notation. */
#include <assert.h>
#include <string.h>

#include "common/decimal_parts.h"

#define EXPONENT_CAP 100000 /* beyond it every number is out of range, however many digits stand before */
#define SHOWN_BYTES 100     /* of a wrong number, in its message */

/* What was read so far: value = digits * 10^exponent, then `zeros` more zeros that count only if a digit follows them. */
struct scan {
    const char *at, *end;
    u128 digits;     /* the first 38 significant ones */
    int significant; /* how many there are, without the zeros at either end */
    int zeros;
    int exponent;
};

static bool is_digit(const struct scan *s) { return s->at < s->end && *s->at >= '0' && *s->at <= '9'; }

static void take_digit(struct scan *s, int digit)
{
    if (digit == 0) {
        s->zeros += s->significant > 0;
        return;
    }
    s->significant += s->significant > 0 ? s->zeros + 1 : 1;
    if (s->significant <= LIMIT_NUMBER_DIGITS)
        s->digits = s->digits * decimal_power(s->zeros + 1) + (unsigned)digit;
    s->zeros = 0;
}

/* One or more digits; each moves the exponent by step (0 before the point, -1 behind it). */
static bool scan_digits(struct scan *s, int step)
{
    const char *from = s->at;
    for (; is_digit(s); s->at++) {
        take_digit(s, *s->at - '0');
        s->exponent += step;
    }
    return s->at > from;
}

static bool scan_exponent(struct scan *s)
{
    int exponent = 0;
    bool negative = s->at < s->end && *s->at == '-';
    if (s->at < s->end && (*s->at == '-' || *s->at == '+'))
        s->at++;
    if (!is_digit(s))
        return false;
    for (; is_digit(s); s->at++)
        exponent = exponent < EXPONENT_CAP ? exponent * 10 + (*s->at - '0') : exponent;
    s->exponent += negative ? -exponent : exponent;
    return true;
}

static bool scan_number(struct scan *s)
{
    if (!scan_digits(s, 0))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!scan_digits(s, -1))
            return false;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (!scan_exponent(s))
            return false;
    }
    return s->at == s->end;
}

int decimal_parse(const char *text, size_t len, struct decimal *d, struct err *e)
{
    struct scan s = {.at = text, .end = text + len};
    *d = (struct decimal){0};
    if (len == 0)
        return err_set(e, ERR_VALIDATION, "The parameter cannot be converted to a numeric value");
    if (len > LIMIT_NUMBER_TEXT_BYTES)
        return err_set(e, ERR_VALIDATION, "The text of a number is longer than %u bytes", LIMIT_NUMBER_TEXT_BYTES);
    bool negative = *text == '-';
    s.at += *text == '-' || *text == '+';
    if (!scan_number(&s))
        return err_set(e, ERR_VALIDATION, "The parameter cannot be converted to a numeric value: %.*s",
                       (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES), text);
    if (s.significant == 0)
        return 0;
    int exponent = s.exponent + s.zeros;
    if (decimal_check(exponent + s.significant - 1, s.significant, e) != 0)
        return -1;
    *d = (struct decimal){(uint64_t)(s.digits >> 64), (uint64_t)s.digits, exponent, negative};
    assert(s.digits % 10 != 0);
    return 0;
}

static size_t put_zeros(char *text, int count)
{
    if (count <= 0)
        return 0;
    memset(text, '0', (size_t)count);
    return (size_t)count;
}

size_t decimal_format(const struct decimal *d, char text[static DECIMAL_TEXT_MAX])
{
    char digits[LIMIT_NUMBER_DIGITS + 1];
    int len = decimal_write_digits(decimal_digits(d), digits);
    int whole = len + d->exponent; /* digits before the point; not positive: zeros behind it */
    size_t at = 0, head = (size_t)(whole < 0 ? 0 : whole < len ? whole : len);
    if (d->negative)
        text[at++] = '-';
    if (whole <= 0)
        text[at++] = '0';
    memcpy(text + at, digits, head);
    at += head;
    at += put_zeros(text + at, d->exponent);
    if (d->exponent < 0) {
        text[at++] = '.';
        at += put_zeros(text + at, -whole);
        memcpy(text + at, digits + head, (size_t)len - head);
        at += (size_t)len - head;
    }
    assert(at < DECIMAL_TEXT_MAX);
    text[at] = '\0';
    return at;
}
