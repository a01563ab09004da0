/* mp_read.c - msgpack, read by a bounded cursor that never allocates. Format: github.com/msgpack/msgpack/blob/master/spec.md
 *
 * Every message is read at every hop, much of it twice (checked, then taken), so the reading of a token is compiled into each function that
 * takes one: a token that nobody looks at as a whole is then never made. */
#include "common/mp.h"

#include <assert.h>

#include "common/limits.h"

#define INLINED static inline __attribute__((always_inline))

struct mp_reader mp_reader_of(struct slice bytes)
{
    static const unsigned char nothing[1]; /* an empty slice may have no pointer, which must not be counted from */
    const unsigned char *at = bytes.ptr ? bytes.ptr : nothing;
    assert(bytes.ptr || bytes.len == 0);
    return (struct mp_reader){at, at + bytes.len, false};
}

static struct mp_token fail(struct mp_reader *r)
{
    r->failed = true;
    return (struct mp_token){.type = MP_ERROR};
}

static size_t left(const struct mp_reader *r) { return (size_t)(r->end - r->at); }

/* Reads n bytes, big-endian; the caller has checked that they are there. */
static uint64_t big_endian(struct mp_reader *r, size_t n)
{
    uint64_t v = 0;
    while (n-- > 0)
        v = v << 8 | *r->at++;
    return v;
}

static struct mp_token number(struct mp_reader *r, size_t bytes, bool is_signed)
{
    if (left(r) < bytes)
        return fail(r);
    uint64_t v = big_endian(r, bytes);
    unsigned shift = (unsigned)(64 - 8 * bytes);
    if (is_signed)
        v = (uint64_t)((int64_t)(v << shift) >> shift);
    return (struct mp_token){.type = is_signed && (int64_t)v < 0 ? MP_INT : MP_UINT, .number = v};
}

static inline struct mp_token content(struct mp_reader *r, enum mp_type type, size_t len)
{
    if (left(r) < len)
        return fail(r);
    struct mp_token t = {.type = type, .bytes = {r->at, len}};
    r->at += len;
    return t;
}

static struct mp_token sized(struct mp_reader *r, enum mp_type type, size_t length_bytes)
{
    if (left(r) < length_bytes)
        return fail(r);
    return content(r, type, (size_t)big_endian(r, length_bytes));
}

static struct mp_token ext(struct mp_reader *r, size_t len)
{
    if (left(r) < 1)
        return fail(r);
    int8_t type = (int8_t)*r->at++;
    struct mp_token t = content(r, MP_EXT, len);
    t.ext = type;
    return t;
}

static struct mp_token sized_ext(struct mp_reader *r, size_t length_bytes)
{
    if (left(r) < length_bytes)
        return fail(r);
    return ext(r, (size_t)big_endian(r, length_bytes));
}

/* Each element takes a byte at least: a count beyond the bytes that are left is a lie. */
static inline struct mp_token container(struct mp_reader *r, enum mp_type type, uint64_t count)
{
    uint64_t least = type == MP_MAP ? 2 * count : count;
    if (least > left(r))
        return fail(r);
    return (struct mp_token){.type = type, .count = (uint32_t)count};
}

static struct mp_token sized_container(struct mp_reader *r, enum mp_type type, size_t length_bytes)
{
    if (left(r) < length_bytes)
        return fail(r);
    return container(r, type, big_endian(r, length_bytes));
}

/* The formats from 0xc0 to 0xdf; c1 is never used, ca and cb are floats, which no message of ours has. */
static struct mp_token wide(struct mp_reader *r, unsigned char byte)
{
    switch (byte) {
    case 0xc0:
        return (struct mp_token){.type = MP_NIL};
    case 0xc2:
    case 0xc3:
        return (struct mp_token){.type = MP_BOOL, .number = byte & 1};
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return sized(r, MP_BIN, (size_t)1 << (byte - 0xc4));
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return sized_ext(r, (size_t)1 << (byte - 0xc7));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return number(r, (size_t)1 << (byte - 0xcc), false);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return number(r, (size_t)1 << (byte - 0xd0), true);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return ext(r, (size_t)1 << (byte - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return sized(r, MP_STR, (size_t)1 << (byte - 0xd9));
    case 0xdc:
    case 0xdd:
        return sized_container(r, MP_ARRAY, (size_t)2 << (byte - 0xdc));
    case 0xde:
    case 0xdf:
        return sized_container(r, MP_MAP, (size_t)2 << (byte - 0xde));
    default:
        return fail(r);
    }
}

INLINED struct mp_token next(struct mp_reader *r)
{
    if (r->failed || r->at == r->end)
        return fail(r);
    unsigned char byte = *r->at++;
    if (byte < 0x80)
        return (struct mp_token){.type = MP_UINT, .number = byte};
    if (byte < 0x90)
        return container(r, MP_MAP, byte & 0x0f);
    if (byte < 0xa0)
        return container(r, MP_ARRAY, byte & 0x0f);
    if (byte < 0xc0)
        return content(r, MP_STR, byte & 0x1f);
    if (byte >= 0xe0)
        return (struct mp_token){.type = MP_INT, .number = (uint64_t)(int64_t)(int8_t)byte};
    return wide(r, byte);
}

struct mp_token mp_next(struct mp_reader *r) { return next(r); }

enum mp_type mp_peek(const struct mp_reader *r)
{
    struct mp_reader copy = *r;
    return next(&copy).type;
}

/* A token of another type, or one that the caller's limit forbids, fails the reader. */
INLINED struct mp_token expect(struct mp_reader *r, enum mp_type type)
{
    struct mp_token t = next(r);
    return t.type == type ? t : fail(r);
}

uint64_t mp_uint(struct mp_reader *r, uint64_t max)
{
    struct mp_token t = expect(r, MP_UINT);
    if (t.type == MP_ERROR || t.number > max) {
        r->failed = true;
        return 0;
    }
    return t.number;
}

int64_t mp_int(struct mp_reader *r)
{
    struct mp_token t = next(r);
    if (t.type == MP_INT || (t.type == MP_UINT && t.number <= INT64_MAX))
        return (int64_t)t.number;
    r->failed = true;
    return 0;
}

bool mp_bool(struct mp_reader *r) { return expect(r, MP_BOOL).number; }

INLINED struct slice bytes_of(struct mp_reader *r, enum mp_type type, size_t least, size_t most)
{
    struct mp_token t = expect(r, type);
    if (t.type == MP_ERROR || t.bytes.len < least || t.bytes.len > most) {
        r->failed = true;
        return (struct slice){NULL, 0};
    }
    return t.bytes;
}

struct slice mp_str(struct mp_reader *r, size_t max_bytes) { return bytes_of(r, MP_STR, 0, max_bytes); }
struct slice mp_bin(struct mp_reader *r, size_t max_bytes) { return bytes_of(r, MP_BIN, 0, max_bytes); }
struct slice mp_bin_exact(struct mp_reader *r, size_t bytes) { return bytes_of(r, MP_BIN, bytes, bytes); }

INLINED uint32_t count_of(struct mp_reader *r, enum mp_type type, uint32_t max)
{
    struct mp_token t = expect(r, type);
    if (t.type == MP_ERROR || t.count > max) {
        r->failed = true;
        return 0;
    }
    return t.count;
}

uint32_t mp_array(struct mp_reader *r, uint32_t max_count) { return count_of(r, MP_ARRAY, max_count); }
uint32_t mp_map(struct mp_reader *r, uint32_t max_count) { return count_of(r, MP_MAP, max_count); }

void mp_array_exact(struct mp_reader *r, uint32_t count)
{
    if (mp_array(r, count) != count)
        r->failed = true;
}

/* Walks one value with a stack of the elements still missing at each level; visit says whether a token is good. */
INLINED struct slice walk(struct mp_reader *reader, int max_depth, bool (*visit)(const struct mp_token *))
{
    uint64_t missing[LIMIT_MSGPACK_DEPTH + 1];
    int depth = 0;
    assert(max_depth <= LIMIT_MSGPACK_DEPTH);
    struct mp_reader r = *reader;
    missing[0] = 1;
    while (depth >= 0) {
        if (missing[depth] == 0) {
            depth--;
            continue;
        }
        missing[depth]--;
        struct mp_token t = next(&r);
        if (t.type == MP_ERROR || (visit && !visit(&t)))
            goto bad;
        if (t.type == MP_ARRAY || t.type == MP_MAP) {
            if (depth >= max_depth)
                goto bad;
            missing[++depth] = t.type == MP_MAP ? 2 * (uint64_t)t.count : t.count;
        }
    }
    struct slice whole = slice_of(reader->at, (size_t)(r.at - reader->at));
    *reader = r;
    return whole;
bad:
    reader->at = r.at;
    reader->failed = true;
    return (struct slice){NULL, 0};
}

struct slice mp_skip(struct mp_reader *r) { return walk(r, LIMIT_MSGPACK_DEPTH, NULL); }

static bool text_is_utf8(const struct mp_token *t) { return t->type != MP_STR || utf8_valid(t->bytes); }

bool mp_valid(struct slice bytes, int max_depth)
{
    struct mp_reader r = mp_reader_of(bytes);
    walk(&r, max_depth < LIMIT_MSGPACK_DEPTH ? max_depth : LIMIT_MSGPACK_DEPTH, text_is_utf8);
    return mp_at_end(&r);
}
