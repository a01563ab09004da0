/* queues_view.c - see queues_view.h. */
#include "common/queues_view.h"

#include "common/json.h"
#include "common/mp.h"
#include "common/sqs_attributes.h"
#include "common/sqs_message.h"

static uint32_t put_text(struct buf *out, const char *name, struct slice text)
{
    if (text.len == 0)
        return 0;
    mp_put_text(out, name);
    mp_put_slice(out, text);
    return 1;
}

static uint32_t put_number(struct buf *out, const char *name, uint64_t number)
{
    mp_put_text(out, name);
    value_put_int(out, (int64_t)number);
    return 1;
}

/* What has no number yet is left out. */
static uint32_t put_time(struct buf *out, const char *name, int64_t ms)
{
    return ms > 0 ? put_number(out, name, (uint64_t)ms) : 0;
}

static uint32_t put_truth(struct buf *out, const char *name, bool truth)
{
    mp_put_text(out, name);
    mp_put_bool(out, truth);
    return 1;
}

/* The broker's name, in its two parts. */
static uint32_t put_name(struct buf *out, const char *member, struct slice path)
{
    struct slice region, name = sqs_name_of_path(path, &region);
    return put_text(out, member, name) + put_text(out, "region", region);
}

void queues_view_queue(struct buf *out, const struct queue_description *d)
{
    static const char *const kinds[QUEUE_KINDS] = {"standard", "fifo", "jobs"};
    size_t mark = mp_open(out);
    uint32_t count = put_name(out, "name", d->name);
    count += put_text(out, "kind", slice_text(kinds[d->attributes.kind]));
    count += put_truth(out, "paused", d->attributes.paused);
    count += put_number(out, "ready", d->ready);
    count += put_number(out, "inflight", d->inflight);
    count += put_number(out, "delayed", d->delayed);
    count += put_number(out, "bytes", d->bytes);
    count += put_number(out, "receivers", d->receivers);
    count += put_number(out, "oldestMs", (uint64_t)d->oldest_ms);
    count += put_text(out, "deadLetterQueue", d->attributes.dead_letter);
    mp_close_map(out, mark, count);
}

/* name -> text; binary ones in base64. */
static uint32_t put_attributes(struct buf *out, struct envelope e)
{
    struct envelope_attribute a;
    uint32_t count = 0;
    if (e.attribute_count == 0)
        return 0;
    mp_put_text(out, "attributes");
    size_t mark = mp_open(out);
    for (; envelope_next(&e, &a); count++) {
        struct buf encoded = {0};
        bool binary = sqs_type_is_binary(a.type);
        if (binary)
            base64_encode(&encoded, a.value);
        struct slice shown = binary ? buf_slice(&encoded) : a.value;
        mp_put_slice(out, a.name);
        mp_put_slice(out, shown);
        buf_finish(&encoded);
    }
    mp_close_map(out, mark, count);
    return 1;
}

static uint32_t put_body(struct buf *out, const struct queue_seen *seen)
{
    struct envelope e;
    struct buf made = {0};
    uint32_t count = 0;
    if (seen->body.len == 0)
        return 0;
    sqs_body_read(seen->body, seen->reason, &made, &e);
    count += put_text(out, "body", e.body);
    count += put_text(out, "groupId", e.group_id);
    count += put_text(out, "deduplicationId", e.deduplication_id);
    count += put_text(out, "senderId", e.sender_id);
    count += put_attributes(out, e);
    buf_finish(&made);
    return count;
}

void queues_view_message(struct buf *out, const struct queue_seen *seen)
{
    static const char *const states[QUEUE_MESSAGE_STATES] = {"ready", "inflight", "delayed"};
    char id[ID_TEXT_BYTES];
    size_t mark = mp_open(out);
    id_format(&seen->id, id);
    uint32_t count = put_text(out, "messageId", slice_text(id));
    count += put_name(out, "queue", seen->queue);
    count += put_text(out, "state", slice_text(states[seen->state]));
    count += put_number(out, "sequence", seen->seq);
    count += put_number(out, "receiveCount", seen->receive_count);
    count += put_number(out, "priority", seen->priority);
    count += put_time(out, "sentMs", seen->sent_ms);
    count += put_time(out, "firstReceivedMs", seen->first_received_ms);
    count += put_time(out, "visibleMs", seen->due_ms);
    count += put_text(out, "deadLetterOf", seen->source);
    count += put_text(out, "reason", seen->reason);
    count += put_body(out, seen);
    mp_close_map(out, mark, count);
}
