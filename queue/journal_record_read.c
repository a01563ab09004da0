/* journal_record_read.c - records out of bytes. Nothing trusts a length: what is read was checked by a checksum, but not by us. */
#include <string.h>

#include "queue/journal_record_parts.h"

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

static struct slice take_text(struct in *in, size_t max)
{
    struct slice text = take_slice(in, take8(in));
    if (text.len > max)
        in->failed = true;
    return in->failed ? (struct slice){NULL, 0} : text;
}

/* Into an array of max + 1 bytes that is zeroed: what has a NUL in it is no name. */
static void take_name(struct in *in, char *name, size_t max)
{
    struct slice text = take_text(in, max);
    if (text.len > 0 && memchr(text.ptr, 0, text.len))
        in->failed = true;
    else if (text.len > 0)
        memcpy(name, text.ptr, text.len);
}

static void take_old_attributes(struct in *in, struct core_queue_attributes *a)
{
    take_name(in, a->name, LIMIT_QUEUE_NAME_BYTES);
    a->visibility_ms = (int64_t)take64(in);
    a->delay_ms = (int64_t)take64(in);
    a->retention_ms = (int64_t)take64(in);
    a->max_receive_count = take32(in);
    take32(in); /* number of the dead-letter queue: the broker names it anew */
    a->max_messages = take64(in);
    a->max_bytes = take64(in);
    a->kind = take_bool(in) ? CORE_JOBS : CORE_STANDARD;
}

static unsigned take_enum(struct in *in, unsigned count)
{
    unsigned value = take8(in);
    if (value >= count)
        in->failed = true;
    return in->failed ? 0 : value;
}

static void take_definition(struct in *in, struct core_record *r)
{
    struct core_queue_attributes *a = &r->attributes;
    r->more.created_ms = (int64_t)take64(in);
    r->more.changed_ms = (int64_t)take64(in);
    r->more.version = take64(in);
    r->more.purge_number = take64(in);
    memcpy(r->more.secret, take(in, sizeof r->more.secret), sizeof r->more.secret);
    take_name(in, a->name, LIMIT_QUEUE_PATH_BYTES);
    take_name(in, a->dead_letter, LIMIT_QUEUE_PATH_BYTES);
    a->kind = (enum core_queue_kind)take_enum(in, CORE_JOBS + 1);
    a->visibility_ms = (int64_t)take64(in);
    a->delay_ms = (int64_t)take64(in);
    a->retention_ms = (int64_t)take64(in);
    a->wait_ms = (int64_t)take64(in);
    a->max_lease_ms = (int64_t)take64(in);
    a->max_receive_count = take32(in);
    a->max_message_bytes = take32(in);
    a->max_inflight = take32(in);
    a->max_per_group = take32(in);
    a->max_messages = take64(in);
    a->max_bytes = take64(in);
    a->paused = take_bool(in);
    a->content_deduplication = take_bool(in);
    a->deduplicate_by_group = take_bool(in);
    a->throughput_by_group = take_bool(in);
}

static void take_receipt(struct in *in, struct core_record_more *more)
{
    more->priority = take_enum(in, LIMIT_PRIORITIES);
    more->leased = take_bool(in);
    more->first_ms = (int64_t)take64(in);
    more->received_ms = (int64_t)take64(in);
    more->kept_ms = (int64_t)take64(in);
    more->before = take32(in);
}

static void take_attempt(struct in *in, struct core_record_more *more)
{
    more->has_attempt = take_bool(in);
    if (more->has_attempt)
        memcpy(more->attempt, take(in, sizeof more->attempt), sizeof more->attempt);
}

static void take_task(struct in *in, struct core_task *t)
{
    t->status = (enum core_task_status)take_enum(in, CORE_TASK_STATUSES);
    t->rate = take32(in);
    t->moved = take64(in);
    t->total = take64(in);
    t->started_ms = (int64_t)take64(in);
}

static void take_more(struct in *in, struct core_record *r, unsigned fields)
{
    if (fields & F_SOURCE)
        r->more.source = take_text(in, LIMIT_QUEUE_PATH_BYTES);
    if (fields & F_RECEIPT)
        take_receipt(in, &r->more);
    if (fields & F_ATTEMPT)
        take_attempt(in, &r->more);
    if (fields & F_RENUMBERED)
        r->more.renumbered = take_bool(in);
    if (fields & F_TARGET)
        r->more.target = take32(in);
    if (fields & F_DEFINITION)
        take_definition(in, r);
    if (fields & F_TASK)
        take_task(in, &r->more.task);
    if (fields & F_TASK_QUEUE)
        r->more.task_queue = take32(in);
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
        r->reason = take_text(in, LIMIT_REASON_BYTES);
    if (fields & F_OLD_ATTRIBUTES)
        take_old_attributes(in, &r->attributes);
    if (fields >= F_SOURCE)
        take_more(in, r, fields);
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
