/* utf8.c - the UTF-8 check of RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
 *
 * Nearly all text is ASCII, so eight bytes at a time are tested for a high bit first. */
#include "common/utf8.h"

#include <string.h>

#include "common/mp.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* A lead byte fixes the length and the range of the second byte; that range is what forbids long forms and surrogates. */
static size_t lead(unsigned char byte, unsigned char *low, unsigned char *high)
{
    *low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    *high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    if (byte >= 0xC2 && byte <= 0xDF)
        return 2;
    if (byte >= 0xE0 && byte <= 0xEF)
        return 3;
    return byte >= 0xF0 && byte <= 0xF4 ? 4 : 0;
}

size_t utf8_step(const unsigned char *at, const unsigned char *end)
{
    unsigned char low, high;
    if (*at < 0x80)
        return 1;
    size_t len = lead(*at, &low, &high);
    if (len == 0 || (size_t)(end - at) < len || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool utf8_valid(struct slice text)
{
    const unsigned char *at = text.ptr;
    for (size_t left = text.len; left > 0;) {
        uint64_t word = 0;
        size_t part = left < sizeof word ? left : sizeof word;
        if (part == sizeof word)
            memcpy(&word, at, sizeof word); /* of a known length: an instruction */
        else
            memcpy(&word, at, part);
        size_t step = (word & HIGH_BITS) == 0 ? part : utf8_step(at, at + left);
        if (step == 0)
            return false;
        at += step;
        left -= step;
    }
    return true;
}
