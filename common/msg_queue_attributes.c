/* msg_queue_attributes.c - a queue's settings there and back, and their ranges. */
#include "common/msg_queue_parts.h"

#define ATTRIBUTE_FIELDS 17

void queue_put_attributes(struct buf *b, const struct queue_attributes *a)
{
    mp_put_array(b, ATTRIBUTE_FIELDS);
    mp_put_uint(b, a->kind);
    mp_put_uint(b, (uint64_t)a->visibility_ms);
    mp_put_uint(b, (uint64_t)a->delay_ms);
    mp_put_uint(b, (uint64_t)a->retention_ms);
    mp_put_uint(b, (uint64_t)a->wait_ms);
    mp_put_uint(b, (uint64_t)a->max_lease_ms);
    mp_put_uint(b, a->max_message_bytes);
    mp_put_uint(b, a->max_receive_count);
    mp_put_slice(b, a->dead_letter);
    mp_put_bool(b, a->content_deduplication);
    mp_put_bool(b, a->deduplicate_by_group);
    mp_put_bool(b, a->throughput_by_group);
    mp_put_uint(b, a->max_inflight);
    mp_put_uint(b, a->max_per_group);
    mp_put_bool(b, a->paused);
    mp_put_uint(b, a->max_messages);
    mp_put_uint(b, a->max_bytes);
}

static bool in_range(const struct queue_attributes *a)
{
    return a->visibility_ms <= LIMIT_VISIBILITY_MS && a->delay_ms <= LIMIT_SCHEDULE_MS &&
           a->retention_ms >= LIMIT_RETENTION_MIN_MS && a->retention_ms <= LIMIT_RETENTION_MAX_MS &&
           a->wait_ms <= LIMIT_RECEIVE_WAIT_MS && a->max_lease_ms <= LIMIT_LEASE_MS && a->max_message_bytes >= 1024 &&
           a->max_message_bytes <= LIMIT_BODY_BYTES && a->max_receive_count <= LIMIT_RECEIVE_COUNT &&
           a->dead_letter.len <= LIMIT_QUEUE_PATH_BYTES && a->max_inflight <= LIMIT_INFLIGHT;
}

bool queue_get_attributes(struct mp_reader *r, struct queue_attributes *a)
{
    mp_array_exact(r, ATTRIBUTE_FIELDS);
    uint64_t kind = mp_uint(r, UINT64_MAX);
    a->kind = kind < QUEUE_KINDS ? (enum queue_kind)kind : QUEUE_STANDARD;
    a->visibility_ms = queue_get_ms(r);
    a->delay_ms = queue_get_ms(r);
    a->retention_ms = queue_get_ms(r);
    a->wait_ms = queue_get_ms(r);
    a->max_lease_ms = queue_get_ms(r);
    a->max_message_bytes = (uint32_t)mp_uint(r, UINT32_MAX);
    a->max_receive_count = (uint32_t)mp_uint(r, UINT32_MAX);
    a->dead_letter = mp_str(r, SIZE_MAX);
    a->content_deduplication = mp_bool(r);
    a->deduplicate_by_group = mp_bool(r);
    a->throughput_by_group = mp_bool(r);
    a->max_inflight = (uint32_t)mp_uint(r, UINT32_MAX);
    a->max_per_group = (uint32_t)mp_uint(r, UINT32_MAX);
    a->paused = mp_bool(r);
    a->max_messages = mp_uint(r, UINT64_MAX);
    a->max_bytes = mp_uint(r, UINT64_MAX);
    return kind < QUEUE_KINDS && in_range(a);
}
