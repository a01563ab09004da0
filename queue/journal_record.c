/* journal_record.c - one record <-> its bytes. Little-endian, field by field, no padding; README.md has the picture.
 *
 *     u32 length of what follows | u8 kind | u64 number | i64 now_ms | the kind's fields in the order of FIELDS
 *
 * A body comes last, behind the low 32 bits of its own checksum, so that it can be read and verified without its record. Decoding
 * trusts no length: what it reads was checked by a checksum, but not by us. */
#include "queue/journal_internal.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

enum field {
    F_SEQ = 1 << 0,
    F_QUEUE = 1 << 1,
    F_COUNT = 1 << 2,
    F_ID = 1 << 3,
    F_GROUP = 1 << 4,
    F_ACCEPTED = 1 << 5,
    F_DUE = 1 << 6,
    F_KEY = 1 << 7, /* u8 has_key, and if it is 1: key, body_hash, key_expires_ms */
    F_REASON = 1 << 8,
    F_ATTRIBUTES = 1 << 9,
    F_BODY = 1 << 10
};

static const unsigned fields_of[CORE_REC_COUNT] = {
    [CORE_REC_SEND] = F_SEQ | F_QUEUE | F_COUNT | F_ID | F_GROUP | F_ACCEPTED | F_DUE | F_KEY | F_REASON | F_BODY,
    [CORE_REC_DONE] = F_SEQ,
    [CORE_REC_RELEASE] = F_SEQ | F_COUNT | F_DUE,
    [CORE_REC_MOVE] = F_SEQ | F_QUEUE | F_COUNT | F_DUE | F_REASON,
    [CORE_REC_QUEUE] = F_QUEUE | F_ATTRIBUTES,
    [CORE_REC_KEY] = F_SEQ | F_QUEUE | F_ID | F_GROUP | F_ACCEPTED | F_KEY,
    [CORE_REC_MARK] = 0,
};

#define PREFIX_BYTES 4u /* the length itself */

/* -- Out ------------------------------------------------------------------------------------------------------------------- */
static unsigned char *put8(unsigned char *p, unsigned value)
{
    *p = (unsigned char)value;
    return p + 1;
}

static unsigned char *put32(unsigned char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        *p++ = (unsigned char)(value >> 8 * i);
    return p;
}

static unsigned char *put64(unsigned char *p, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        *p++ = (unsigned char)(value >> 8 * i);
    return p;
}

static unsigned char *put_bytes(unsigned char *p, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(p, bytes, len);
    return p + len;
}

static unsigned char *put_key(unsigned char *p, const struct core_record *r)
{
    p = put8(p, r->has_key);
    if (!r->has_key)
        return p;
    p = put_bytes(p, r->key, sizeof r->key);
    p = put64(p, r->body_hash);
    return put64(p, (uint64_t)r->key_expires_ms);
}

static unsigned char *put_attributes(unsigned char *p, const struct core_queue_attributes *a)
{
    size_t len = strnlen(a->name, LIMIT_QUEUE_NAME_BYTES);
    p = put8(p, (unsigned)len);
    p = put_bytes(p, a->name, len);
    p = put64(p, (uint64_t)a->visibility_ms);
    p = put64(p, (uint64_t)a->delay_ms);
    p = put64(p, (uint64_t)a->retention_ms);
    p = put32(p, a->max_receive_count);
    p = put32(p, a->dead_letter);
    p = put64(p, a->max_messages);
    p = put64(p, a->max_bytes);
    return put8(p, a->jobs);
}

static unsigned char *put_fields(unsigned char *p, const struct core_record *r, unsigned fields)
{
    if (fields & F_SEQ)
        p = put64(p, r->seq);
    if (fields & F_QUEUE)
        p = put32(p, r->queue);
    if (fields & F_COUNT)
        p = put32(p, r->receive_count);
    if (fields & F_ID)
        p = put_bytes(p, r->id.bytes, ID_BYTES);
    if (fields & F_GROUP)
        p = put64(p, r->group);
    if (fields & F_ACCEPTED)
        p = put64(p, (uint64_t)r->accepted_ms);
    if (fields & F_DUE)
        p = put64(p, (uint64_t)r->due_ms);
    if (fields & F_KEY)
        p = put_key(p, r);
    if (fields & F_REASON)
        p = put_bytes(put8(p, (unsigned)r->reason.len), r->reason.ptr, r->reason.len);
    if (fields & F_ATTRIBUTES)
        p = put_attributes(p, &r->attributes);
    return p;
}

uint32_t journal_body_sum(struct slice body) { return (uint32_t)XXH3_64bits(body.ptr, body.len); }

uint32_t journal_record_bound(const struct core_record *r)
{
    if (r->kind < CORE_REC_SEND || r->kind >= CORE_REC_COUNT || r->reason.len > LIMIT_REASON_BYTES)
        return UINT32_MAX;
    if (!(fields_of[r->kind] & F_BODY))
        return JOURNAL_RECORD_FIXED_BYTES;
    return r->body.len > JOURNAL_BODY_MAX_BYTES ? UINT32_MAX : JOURNAL_RECORD_FIXED_BYTES + (uint32_t)r->body.len;
}

size_t journal_record_encode(struct buf *out, const struct core_record *r)
{
    uint32_t bound = journal_record_bound(r);
    unsigned fields = fields_of[r->kind];
    assert(bound != UINT32_MAX);
    if (buf_reserve(out, bound) != 0) {
        out->failed = false; /* what it held before is whole, and stays */
        return SIZE_MAX;
    }
    unsigned char *start = out->data + out->len, *p = start + PREFIX_BYTES;
    p = put8(p, r->kind);
    p = put64(p, r->number);
    p = put64(p, (uint64_t)r->now_ms);
    p = put_fields(p, r, fields);
    size_t body = (size_t)(p - out->data);
    if (fields & F_BODY) {
        p = put32(p, journal_body_sum(r->body));
        body = (size_t)(p - out->data);
        p = put_bytes(p, r->body.ptr, r->body.len);
    }
    assert((size_t)(p - start) <= bound);
    put32(start, (uint32_t)(p - start) - PREFIX_BYTES);
    out->len = (size_t)(p - out->data);
    return body;
}

/* -- In -------------------------------------------------------------------------------------------------------------------- */
struct in {
    const unsigned char *at, *end;
    bool failed;
};

static const unsigned char *take(struct in *in, size_t len)
{
    static const unsigned char zeros[ID_BYTES];
    if (in->failed || len > (size_t)(in->end - in->at)) {
        in->failed = true;
        return len <= sizeof zeros ? zeros : NULL;
    }
    in->at += len;
    return in->at - len;
}

static unsigned take8(struct in *in) { return *take(in, 1); }

static uint32_t take32(struct in *in)
{
    const unsigned char *p = take(in, 4);
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t take64(struct in *in)
{
    uint64_t low = take32(in);
    return low | (uint64_t)take32(in) << 32;
}

static bool take_bool(struct in *in)
{
    unsigned value = take8(in);
    if (value > 1)
        in->failed = true;
    return value == 1;
}

static struct slice take_slice(struct in *in, size_t len)
{
    const unsigned char *p = take(in, len);
    return in->failed ? (struct slice){NULL, 0} : slice_of(p, len);
}

static void take_key(struct in *in, struct core_record *r)
{
    r->has_key = take_bool(in);
    if (!r->has_key)
        return;
    memcpy(r->key, take(in, sizeof r->key), sizeof r->key);
    r->body_hash = take64(in);
    r->key_expires_ms = (int64_t)take64(in);
}

static void take_attributes(struct in *in, struct core_queue_attributes *a)
{
    struct slice name = take_slice(in, take8(in));
    if (name.len > LIMIT_QUEUE_NAME_BYTES || (name.len > 0 && memchr(name.ptr, 0, name.len))) {
        in->failed = true;
        return;
    }
    if (name.len > 0)
        memcpy(a->name, name.ptr, name.len);
    a->visibility_ms = (int64_t)take64(in);
    a->delay_ms = (int64_t)take64(in);
    a->retention_ms = (int64_t)take64(in);
    a->max_receive_count = take32(in);
    a->dead_letter = take32(in);
    a->max_messages = take64(in);
    a->max_bytes = take64(in);
    a->jobs = take_bool(in);
}

static void take_fields(struct in *in, struct core_record *r, unsigned fields)
{
    if (fields & F_SEQ)
        r->seq = take64(in);
    if (fields & F_QUEUE)
        r->queue = take32(in);
    if (fields & F_COUNT)
        r->receive_count = take32(in);
    if (fields & F_ID)
        memcpy(r->id.bytes, take(in, ID_BYTES), ID_BYTES);
    if (fields & F_GROUP)
        r->group = take64(in);
    if (fields & F_ACCEPTED)
        r->accepted_ms = (int64_t)take64(in);
    if (fields & F_DUE)
        r->due_ms = (int64_t)take64(in);
    if (fields & F_KEY)
        take_key(in, r);
    if (fields & F_REASON)
        r->reason = take_slice(in, take8(in));
    if (fields & F_ATTRIBUTES)
        take_attributes(in, &r->attributes);
}

struct journal_cursor journal_cursor(struct slice payload, uint32_t record_count)
{
    return (struct journal_cursor){payload.ptr, payload.ptr, payload.ptr + payload.len, record_count};
}

int journal_record_next(struct journal_cursor *c, struct core_record *r, uint32_t *body)
{
    if (c->left == 0)
        return 0;
    struct in in = {c->at, c->end, false};
    uint32_t len = take32(&in);
    if (in.failed || len > (size_t)(in.end - in.at))
        return -1;
    in.end = in.at + len;
    memset(r, 0, sizeof *r);
    unsigned kind = take8(&in);
    if (kind < CORE_REC_SEND || kind >= CORE_REC_COUNT)
        return -1;
    r->kind = (enum core_record_kind)kind;
    r->number = take64(&in);
    r->now_ms = (int64_t)take64(&in);
    take_fields(&in, r, fields_of[kind]);
    if (fields_of[kind] & F_BODY) {
        uint32_t sum = take32(&in);
        r->body = take_slice(&in, (size_t)(in.end - in.at));
        if (!in.failed && sum != journal_body_sum(r->body))
            return -1;
    }
    if (in.failed || in.at != in.end)
        return -1;
    *body = (uint32_t)(in.at - c->start - (ptrdiff_t)r->body.len);
    c->at = in.end;
    c->left--;
    return 1;
}
