/* json_cursor.c - the grammar of RFC 8259, one token at a time. */
#include "common/json_cursor.h"

#include <string.h>

#include "common/mp.h"

#define SKIP_DEPTH 4096u /* one bit a level: what is skipped costs no more than this, however deep it is */

void json_cursor_init(struct json_cursor *c, struct slice text, struct buf *scratch)
{
    *c = (struct json_cursor){.at = text.ptr, .end = text.ptr + text.len, .scratch = scratch};
    buf_reset(scratch);
    c->broken = text.len == 0 || !utf8_valid(text);
}

static void break_off(struct json_cursor *c)
{
    c->broken = true;
    c->at = c->end;
}

static bool is_blank(unsigned char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

static void skip_blanks(struct json_cursor *c)
{
    while (c->at < c->end && is_blank(*c->at))
        c->at++;
}

/* Takes the byte if it is next, behind blanks. */
static bool take(struct json_cursor *c, unsigned char byte)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != byte)
        return false;
    c->at++;
    return true;
}

static bool begins_with(const struct json_cursor *c, const char *word, size_t len)
{
    return (size_t)(c->end - c->at) >= len && memcmp(c->at, word, len) == 0;
}

enum json_kind json_peek(struct json_cursor *c)
{
    if (c->broken)
        return JSON_BROKEN;
    skip_blanks(c);
    if (c->at == c->end)
        return JSON_BROKEN;
    switch (*c->at) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return begins_with(c, "true", 4) ? JSON_TRUE : JSON_BROKEN;
    case 'f':
        return begins_with(c, "false", 5) ? JSON_FALSE : JSON_BROKEN;
    case 'n':
        return begins_with(c, "null", 4) ? JSON_NULL : JSON_BROKEN;
    default:
        return *c->at == '-' || (*c->at >= '0' && *c->at <= '9') ? JSON_NUMBER : JSON_BROKEN;
    }
}

/* -- Strings --------------------------------------------------------------------------------------------------- */
/* Bytes of a string before a quote, a backslash or a control character; eight at a time where none of them can be. */
static size_t plain_run(const unsigned char *at, const unsigned char *end)
{
    const unsigned char *from = at;
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    for (uint64_t word; end - at >= 8; at += 8) {
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        uint64_t hit = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        if (hit & high)
            break;
    }
    while (at < end && *at != '"' && *at != '\\' && *at >= 0x20)
        at++;
    return (size_t)(at - from);
}

static int hex4(const unsigned char *at, const unsigned char *end)
{
    int code = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned char c = at[i], letter = (unsigned char)(c | 0x20);
        int digit = c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static void put_utf8(struct buf *out, uint32_t code)
{
    unsigned char bytes[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i-- > 1; code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3F));
    bytes[0] = (unsigned char)(lead[len] | code);
    buf_append(out, bytes, len);
}

/* at stands behind "\u". Returns what follows the escape, NULL unless it names a whole character. */
static const unsigned char *unescape_unicode(struct buf *out, const unsigned char *at, const unsigned char *end)
{
    int code = hex4(at, end);
    at += 4;
    if (code < 0 || (code >= 0xDC00 && code <= 0xDFFF))
        return NULL;
    if (code >= 0xD800 && code <= 0xDBFF) {
        int low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hex4(at + 2, end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return NULL;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        at += 6;
    }
    put_utf8(out, (uint32_t)code);
    return at;
}

/* at stands on the backslash. */
static const unsigned char *unescape(struct buf *out, const unsigned char *at, const unsigned char *end)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (end - at < 2)
        return NULL;
    if (at[1] == 'u')
        return unescape_unicode(out, at + 2, end);
    const char *found = at[1] ? strchr(letters, at[1]) : NULL;
    if (!found)
        return NULL;
    buf_byte(out, (unsigned char)bytes[found - letters]);
    return at + 2;
}

/* The string has an escape at `escape`. An escape is never shorter than what it stands for: with room for the rest of the text the
 * scratch buffer does not move any more. */
static struct slice take_escaped(struct json_cursor *c, const unsigned char *from, const unsigned char *escape)
{
    struct buf *out = c->scratch;
    size_t begin = out->len;
    if (buf_reserve(out, (size_t)(c->end - from)) != 0)
        return (struct slice){NULL, 0};
    buf_append(out, from, (size_t)(escape - from));
    for (const unsigned char *at = escape; at && at < c->end;) {
        size_t run = plain_run(at, c->end);
        buf_append(out, at, run);
        at += run;
        if (at < c->end && *at == '"') {
            c->at = at + 1;
            return slice_of(out->data + begin, out->len - begin);
        }
        at = at < c->end && *at == '\\' ? unescape(out, at, c->end) : NULL;
    }
    return (struct slice){NULL, 0};
}

struct slice json_take_string(struct json_cursor *c)
{
    if (json_peek(c) == JSON_STRING) {
        const unsigned char *from = c->at + 1, *stop = from + plain_run(from, c->end);
        if (stop < c->end && *stop == '"') {
            c->at = stop + 1;
            return slice_of(from, (size_t)(stop - from));
        }
        if (stop < c->end && *stop == '\\') {
            struct slice text = take_escaped(c, from, stop);
            if (text.ptr)
                return text;
        }
    }
    break_off(c);
    return (struct slice){NULL, 0};
}

/* -- Numbers and words ----------------------------------------------------------------------------------------- */
static const unsigned char *digits(const unsigned char *at, const unsigned char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Behind the number that begins at `at`; NULL if it is none. */
static const unsigned char *number_end(const unsigned char *at, const unsigned char *end)
{
    at += at < end && *at == '-';
    const unsigned char *whole = at;
    at = digits(at, end);
    if (at == whole || (*whole == '0' && at - whole > 1))
        return NULL;
    if (at < end && *at == '.') {
        const unsigned char *fraction = ++at;
        at = digits(at, end);
        if (at == fraction)
            return NULL;
    }
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        const unsigned char *exponent = at;
        at = digits(at, end);
        if (at == exponent)
            return NULL;
    }
    return at;
}

struct slice json_take_number(struct json_cursor *c)
{
    const unsigned char *from = json_peek(c) == JSON_NUMBER ? c->at : NULL;
    const unsigned char *to = from ? number_end(from, c->end) : NULL;
    if (!to) {
        break_off(c);
        return (struct slice){NULL, 0};
    }
    c->at = to;
    return slice_of(from, (size_t)(to - from));
}

void json_take_word(struct json_cursor *c)
{
    enum json_kind kind = json_peek(c);
    if (kind == JSON_TRUE || kind == JSON_NULL)
        c->at += 4;
    else if (kind == JSON_FALSE)
        c->at += 5;
    else
        break_off(c);
}

/* -- Objects and arrays ---------------------------------------------------------------------------------------- */
void json_enter(struct json_cursor *c)
{
    enum json_kind kind = json_peek(c);
    if (kind == JSON_OBJECT || kind == JSON_ARRAY)
        c->at++;
    else
        break_off(c);
    c->entered = true;
}

/* Takes the comma before every element but the first; false at the end. */
static bool next(struct json_cursor *c, unsigned char close)
{
    bool first = c->entered;
    c->entered = false;
    if (c->broken || take(c, close))
        return false;
    if (first || take(c, ','))
        return true;
    break_off(c);
    return false;
}

bool json_next_member(struct json_cursor *c, struct slice *name)
{
    if (!next(c, '}'))
        return false;
    *name = json_take_string(c);
    if (!c->broken && take(c, ':'))
        return true;
    break_off(c);
    return false;
}

bool json_next_element(struct json_cursor *c) { return next(c, ']'); }

/* A scalar of any kind. */
static void skip_scalar(struct json_cursor *c, enum json_kind kind)
{
    if (kind == JSON_STRING) {
        size_t mark = c->scratch->len;
        json_take_string(c);
        c->scratch->len = mark;
    } else if (kind == JSON_NUMBER) {
        json_take_number(c);
    } else {
        json_take_word(c);
    }
}

struct slice json_skip(struct json_cursor *c)
{
    unsigned char objects[SKIP_DEPTH / 8]; /* which of the open levels are objects */
    unsigned depth = 0;
    struct slice name;
    json_peek(c);
    const unsigned char *from = c->at;
    do {
        enum json_kind kind = json_peek(c);
        if ((kind == JSON_OBJECT || kind == JSON_ARRAY) && depth < SKIP_DEPTH) {
            unsigned char bit = (unsigned char)(1u << depth % 8);
            objects[depth / 8] = (unsigned char)(kind == JSON_OBJECT ? objects[depth / 8] | bit : objects[depth / 8] & ~bit);
            depth++;
            json_enter(c);
        } else if (kind == JSON_OBJECT || kind == JSON_ARRAY || kind == JSON_BROKEN) {
            break_off(c);
        } else {
            skip_scalar(c, kind);
        }
        while (depth > 0 &&
               !((objects[(depth - 1) / 8] >> (depth - 1) % 8 & 1) ? json_next_member(c, &name) : json_next_element(c)))
            depth--;
    } while (depth > 0);
    return c->broken ? (struct slice){NULL, 0} : slice_of(from, (size_t)(c->at - from));
}

int json_finish(struct json_cursor *c)
{
    skip_blanks(c);
    return c->broken || c->at != c->end ? -1 : 0;
}

bool json_is_valid(struct slice text)
{
    struct json_cursor c;
    struct buf scratch = {0};
    json_cursor_init(&c, text, &scratch);
    json_skip(&c);
    bool valid = json_finish(&c) == 0;
    buf_finish(&scratch);
    return valid;
}
