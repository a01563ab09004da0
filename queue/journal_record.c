/* journal_record.c - records into bytes, all numbers little-endian. Out of bytes: journal_record_read.c. */
#include <assert.h>
#include <string.h>
#include <xxhash.h>

#include "queue/journal_record_parts.h"

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

static unsigned char *put_text(unsigned char *p, struct slice text)
{
    return put_bytes(put8(p, (unsigned)text.len), text.ptr, text.len);
}

static struct slice name_of(const char *name, size_t size) { return slice_of(name, strnlen(name, size - 1)); }

/* As brokers wrote them that knew dead-letter queues by number; nobody does any more. */
static unsigned char *put_old_attributes(unsigned char *p, const struct core_queue_attributes *a)
{
    p = put_text(p, name_of(a->name, LIMIT_QUEUE_NAME_BYTES + 1));
    p = put64(p, (uint64_t)a->visibility_ms);
    p = put64(p, (uint64_t)a->delay_ms);
    p = put64(p, (uint64_t)a->retention_ms);
    p = put32(p, a->max_receive_count);
    p = put32(p, CORE_NONE);
    p = put64(p, a->max_messages);
    p = put64(p, a->max_bytes);
    return put8(p, a->kind == CORE_JOBS);
}

static unsigned char *put_definition(unsigned char *p, const struct core_record *r)
{
    const struct core_queue_attributes *a = &r->attributes;
    p = put64(p, (uint64_t)r->more.created_ms);
    p = put64(p, (uint64_t)r->more.changed_ms);
    p = put64(p, r->more.version);
    p = put64(p, r->more.purge_number);
    p = put_bytes(p, r->more.secret, sizeof r->more.secret);
    p = put_text(p, name_of(a->name, sizeof a->name));
    p = put_text(p, name_of(a->dead_letter, sizeof a->dead_letter));
    p = put8(p, a->kind);
    p = put64(p, (uint64_t)a->visibility_ms);
    p = put64(p, (uint64_t)a->delay_ms);
    p = put64(p, (uint64_t)a->retention_ms);
    p = put64(p, (uint64_t)a->wait_ms);
    p = put64(p, (uint64_t)a->max_lease_ms);
    p = put32(p, a->max_receive_count);
    p = put32(p, a->max_message_bytes);
    p = put32(p, a->max_inflight);
    p = put32(p, a->max_per_group);
    p = put64(p, a->max_messages);
    p = put64(p, a->max_bytes);
    p = put8(p, a->paused);
    p = put8(p, a->content_deduplication);
    p = put8(p, a->deduplicate_by_group);
    return put8(p, a->throughput_by_group);
}

static unsigned char *put_receipt(unsigned char *p, const struct core_record_more *more)
{
    p = put8(p, more->priority);
    p = put8(p, more->leased);
    p = put64(p, (uint64_t)more->first_ms);
    p = put64(p, (uint64_t)more->received_ms);
    p = put64(p, (uint64_t)more->kept_ms);
    return put32(p, more->before);
}

static unsigned char *put_attempt(unsigned char *p, const struct core_record_more *more)
{
    p = put8(p, more->has_attempt);
    return more->has_attempt ? put_bytes(p, more->attempt, sizeof more->attempt) : p;
}

static unsigned char *put_task(unsigned char *p, const struct core_task *t)
{
    p = put8(p, t->status);
    p = put32(p, t->rate);
    p = put64(p, t->moved);
    p = put64(p, t->total);
    return put64(p, (uint64_t)t->started_ms);
}

static unsigned char *put_more(unsigned char *p, const struct core_record *r, unsigned fields)
{
    if (fields & F_SOURCE)
        p = put_text(p, r->more.source);
    if (fields & F_RECEIPT)
        p = put_receipt(p, &r->more);
    if (fields & F_ATTEMPT)
        p = put_attempt(p, &r->more);
    if (fields & F_RENUMBERED)
        p = put8(p, r->more.renumbered);
    if (fields & F_TARGET)
        p = put32(p, r->more.target);
    if (fields & F_DEFINITION)
        p = put_definition(p, r);
    if (fields & F_TASK)
        p = put_task(p, &r->more.task);
    if (fields & F_TASK_QUEUE)
        p = put32(p, r->more.task_queue);
    return p;
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
        p = put_text(p, r->reason);
    if (fields & F_OLD_ATTRIBUTES)
        p = put_old_attributes(p, &r->attributes);
    return fields >= F_SOURCE ? put_more(p, r, fields) : p;
}

uint32_t journal_body_sum(struct slice body) { return (uint32_t)XXH3_64bits(body.ptr, body.len); }

uint32_t journal_record_bound(const struct core_record *r)
{
    if (r->kind < CORE_REC_SEND || r->kind >= CORE_REC_COUNT || r->reason.len > LIMIT_REASON_BYTES)
        return UINT32_MAX;
    if (fields_of[r->kind] & F_SOURCE && r->more.source.len > LIMIT_QUEUE_PATH_BYTES)
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
    unsigned char *start = out->data + out->len, *p = start + JOURNAL_PREFIX_BYTES;
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
    put32(start, (uint32_t)(p - start) - JOURNAL_PREFIX_BYTES);
    out->len = (size_t)(p - out->data);
    return body;
}
