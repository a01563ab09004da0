/* base64.c - base64 of RFC 4648, section 4: padded, no line breaks, and only the one text that the encoder makes. */
#include "common/json.h"

#define PAD '='

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct slice bytes)
{
    if (bytes.len > SIZE_MAX / 2 || buf_reserve(out, (bytes.len + 2) / 3 * 4) != 0) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)bytes.ptr[i] << 16;
        group |= left > 1 ? (uint32_t)bytes.ptr[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)bytes.ptr[i + 2] : 0;
        char text[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63], alphabet[group >> 6 & 63], alphabet[group & 63]};
        if (left < 3)
            text[3] = PAD;
        if (left < 2)
            text[2] = PAD;
        buf_append(out, text, sizeof text);
    }
}

/* The six bits of a character, -1 for one of another alphabet. */
static int bits_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last `pads` are padding, to 3 - pads bytes. The bits that padding leaves over must be 0. */
static int decode_group(const unsigned char *text, size_t pads, struct buf *out)
{
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int bits = i < 4 - pads ? bits_of(text[i]) : 0;
        if (bits < 0)
            return -1;
        group = group << 6 | (uint32_t)bits;
    }
    unsigned char bytes[3] = {(unsigned char)(group >> 16), (unsigned char)(group >> 8), (unsigned char)group};
    for (size_t i = 3 - pads; i < 3; i++)
        if (bytes[i] != 0)
            return -1;
    return buf_append(out, bytes, 3 - pads);
}

static size_t count_pads(struct slice text)
{
    if (text.len < 4 || text.ptr[text.len - 1] != PAD)
        return 0;
    return text.ptr[text.len - 2] == PAD ? 2 : 1;
}

int base64_decode(struct buf *out, struct slice text)
{
    size_t before = out->len, pads = count_pads(text);
    if (text.len % 4 != 0 || buf_reserve(out, text.len / 4 * 3) != 0)
        return -1;
    for (size_t i = 0; i < text.len; i += 4)
        if (decode_group(text.ptr + i, i + 4 == text.len ? pads : 0, out) != 0) {
            out->len = before;
            return -1;
        }
    return 0;
}
