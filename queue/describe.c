/* describe.c - queues, their attributes and their messages, between the core's form and the wire's. */
#include "queue/broker.h"

#include <string.h>

static void copy_name(char *out, struct slice name)
{
    if (name.len > 0)
        memcpy(out, name.ptr, name.len);
}

/* Padding is zeroed, too: attributes are compared as bytes. Names are within LIMIT_QUEUE_PATH_BYTES. */
void describe_attributes(const struct queue_attributes *from, struct slice name, struct core_queue_attributes *to)
{
    static const enum core_queue_kind kinds[] = {
        [QUEUE_STANDARD] = CORE_STANDARD, [QUEUE_FIFO] = CORE_FIFO, [QUEUE_OF_JOBS] = CORE_JOBS};
    memset(to, 0, sizeof *to);
    copy_name(to->name, name);
    copy_name(to->dead_letter, from->dead_letter);
    to->kind = kinds[from->kind];
    to->visibility_ms = from->visibility_ms;
    to->delay_ms = from->delay_ms;
    to->retention_ms = from->retention_ms;
    to->wait_ms = from->wait_ms;
    to->max_lease_ms = from->max_lease_ms;
    to->max_message_bytes = from->max_message_bytes;
    to->max_receive_count = from->max_receive_count;
    to->content_deduplication = from->content_deduplication;
    to->deduplicate_by_group = from->deduplicate_by_group;
    to->throughput_by_group = from->throughput_by_group;
    to->max_inflight = from->max_inflight;
    to->max_per_group = from->max_per_group;
    to->paused = from->paused;
    to->max_messages = from->max_messages;
    to->max_bytes = from->max_bytes;
}

static struct queue_attributes wire_attributes(const struct core_queue_attributes *a)
{
    static const enum queue_kind kinds[] = {
        [CORE_STANDARD] = QUEUE_STANDARD, [CORE_FIFO] = QUEUE_FIFO, [CORE_JOBS] = QUEUE_OF_JOBS};
    return (struct queue_attributes){.kind = kinds[a->kind],
                                     .visibility_ms = a->visibility_ms,
                                     .delay_ms = a->delay_ms,
                                     .retention_ms = a->retention_ms,
                                     .wait_ms = a->wait_ms,
                                     .max_lease_ms = a->max_lease_ms,
                                     .max_message_bytes = a->max_message_bytes,
                                     .max_receive_count = a->max_receive_count,
                                     .dead_letter = slice_text(a->dead_letter),
                                     .content_deduplication = a->content_deduplication,
                                     .deduplicate_by_group = a->deduplicate_by_group,
                                     .throughput_by_group = a->throughput_by_group,
                                     .max_inflight = a->max_inflight,
                                     .max_per_group = a->max_per_group,
                                     .paused = a->paused,
                                     .max_messages = a->max_messages,
                                     .max_bytes = a->max_bytes};
}

const struct core_queue_attributes *describe_lookup(const struct broker *b, uint32_t queue, struct core_queue_stats *stats)
{
    const struct core_queue_attributes *a;
    return core_queue_stats(b->core, queue, &a, stats) ? a : NULL;
}

void describe_queue(struct broker *b, struct buf *out, uint32_t queue, bool document)
{
    struct core_queue_stats s;
    const struct core_queue_attributes *a = describe_lookup(b, queue, &s);
    bool read = document && s.location != 0 && s.document_bytes > 0;
    int64_t oldest_ms = s.oldest_accepted_ms == INT64_MAX ? 0 : b->now_ms - s.oldest_accepted_ms;
    struct queue_description d = {.name = slice_text(a->name),
                                  .version = s.version,
                                  .created_ms = s.created_ms,
                                  .changed_ms = s.changed_ms,
                                  .attributes = wire_attributes(a),
                                  .ready = s.count[CORE_READY] + s.count[CORE_BLOCKED] + s.count[CORE_COMMITTING],
                                  .inflight = s.count[CORE_LEASED],
                                  .delayed = s.count[CORE_DELAYED],
                                  .bytes = s.bytes,
                                  .noisy = s.noisy,
                                  .receivers = s.receivers,
                                  .oldest_ms = oldest_ms > 0 ? oldest_ms : 0,
                                  .entered_total = s.entered_total,
                                  .left_total = s.left_total};
    if (read)
        d.document = journal_read(b->journal, s.location, s.document_bytes);
    queue_put_description(out, &d);
}

/* Those of older journals have a reason, and no source. */
bool describe_is_dead(const struct core_info *info)
{
    return info->queue != QUEUE_JOBS && (info->source[0] != '\0' || info->reason[0] != '\0');
}

void describe_message(struct broker *b, struct buf *out, const struct core_info *info, uint32_t body_bytes)
{
    static const enum queue_message_state states[] = {[CORE_COMMITTING] = QUEUE_READY,
                                                      [CORE_DELAYED] = QUEUE_DELAYED,
                                                      [CORE_READY] = QUEUE_READY,
                                                      [CORE_BLOCKED] = QUEUE_READY,
                                                      [CORE_LEASED] = QUEUE_INFLIGHT};
    struct core_queue_stats s;
    const struct core_queue_attributes *a = describe_lookup(b, info->queue, &s);
    struct queue_seen seen = {.queue = slice_text(a->name),
                              .id = info->id,
                              .seq = info->seq,
                              .state = states[info->state],
                              .receive_count = info->receive_count,
                              .sent_ms = info->accepted_ms,
                              .first_received_ms = info->first_ms,
                              .due_ms = info->due_ms,
                              .group = info->group,
                              .priority = info->priority,
                              .source = slice_text(info->source),
                              .reason = slice_text(info->reason),
                              .body_len = info->body_len};
    if (info->body_len <= body_bytes)
        seen.body = journal_read(b->journal, info->location, info->body_len);
    queue_put_seen(out, &seen);
}
