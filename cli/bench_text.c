/* bench_text.c - numbers as people read them, without floating point. */
#include "cli/bench_text.h"

#include <inttypes.h>
#include <stdio.h>

const char *bench_text_count(uint64_t count, char text[static BENCH_TEXT_BYTES])
{
    char digits[BENCH_TEXT_BYTES];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

/* amount/unit with so many decimals (each a factor of 10 in scale), cut. */
static const char *put(uint64_t amount, uint64_t unit, uint64_t scale, const char *name, char *text)
{
    uint64_t whole = amount / unit, rest = amount % unit * scale / unit;
    snprintf(text, BENCH_TEXT_BYTES, "%" PRIu64 ".%0*" PRIu64 " %s", whole, scale == 10 ? 1 : 2, rest, name);
    return text;
}

const char *bench_text_us(uint64_t us, char text[static BENCH_TEXT_BYTES])
{
    if (us >= 10000000)
        return put(us, 1000000, 10, "s", text);
    if (us >= 1000000)
        return put(us, 1000000, 100, "s", text);
    if (us >= 100000)
        return put(us, 1000, 10, "ms", text);
    if (us >= 1000)
        return put(us, 1000, 100, "ms", text);
    snprintf(text, BENCH_TEXT_BYTES, "%" PRIu64 " us", us);
    return text;
}

const char *bench_text_percent(uint64_t part, uint64_t whole, char text[static BENCH_TEXT_BYTES])
{
    return put(part * 100, whole ? whole : 1, 100, "%", text);
}

const char *bench_text_bytes(uint64_t bytes, char text[static BENCH_TEXT_BYTES])
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
    uint64_t unit = 1024;
    size_t i = 0;
    while (i + 1 < sizeof names / sizeof *names && bytes / unit >= 1024) {
        unit *= 1024;
        i++;
    }
    return put(bytes, unit, 10, names[i], text);
}

const char *bench_text_ms(uint64_t ms, char text[static BENCH_TEXT_BYTES]) { return put(ms, 1000, 10, "s", text); }
