/* responses.c - what the core answers to requests, as entries of the client's open RESPONSES frame. */
#include "queue/broker.h"

static const enum queue_result results[CORE_ANSWER_COUNT] = {
    [CORE_OK] = QUEUE_OK,
    [CORE_NO_SUCH_QUEUE] = QUEUE_NO_QUEUE,
    [CORE_EXISTS] = QUEUE_EXISTS,
    [CORE_DELETED_RECENTLY] = QUEUE_DELETED_RECENTLY,
    [CORE_TOO_MANY] = QUEUE_TOO_MANY,
    [CORE_CONFLICT] = QUEUE_CONFLICT,
    [CORE_NOT_ALLOWED] = QUEUE_INVALID,
    [CORE_WORKERS_ONLY] = QUEUE_WORKERS_ONLY,
    [CORE_QUEUE_FULL] = QUEUE_FULL,
    [CORE_EXHAUSTED] = QUEUE_DISK_FULL,
    [CORE_TOO_LARGE] = QUEUE_TOO_LARGE,
    [CORE_NO_GROUP] = QUEUE_NO_GROUP,
    [CORE_NO_DEDUPLICATION] = QUEUE_NO_DEDUPLICATION,
    [CORE_OVER_LIMIT] = QUEUE_OVER_LIMIT,
    [CORE_EXPIRED] = QUEUE_EXPIRED,
    [CORE_NOT_IN_FLIGHT] = QUEUE_NOT_IN_FLIGHT,
    [CORE_NO_MESSAGE] = QUEUE_NO_MESSAGE,
    [CORE_TOO_LONG] = QUEUE_TOO_LONG,
    [CORE_IN_PROGRESS] = QUEUE_IN_PROGRESS,
    [CORE_NO_TASK] = QUEUE_NO_TASK,
    [CORE_NO_SOURCE] = QUEUE_NO_SOURCE,
    [CORE_NO_DESTINATION] = QUEUE_NO_DESTINATION,
    [CORE_OTHER_KIND] = QUEUE_OTHER_KIND,
};

struct buf *response_begin(struct peer *client, uint64_t request, enum queue_result result)
{
    struct open_frame *frame = &client->out.third;
    if (frame->count == 0) {
        buf_reset(&frame->buf);
        frame->mark = msg_begin_responses(&frame->buf);
    }
    msg_begin_response(&frame->buf, request, result);
    return &frame->buf;
}

void response_end(struct broker *b, struct peer *client) { outbox_entry_added(&b->clients, client, &client->out.third); }

void response_put(struct broker *b, struct peer *client, uint64_t request, enum queue_result result)
{
    mp_put_nil(response_begin(client, request, result));
    response_end(b, client);
}

static void put_body(struct broker *b, struct buf *out, const struct core_effect *e)
{
    bool defined = (e->about == CORE_QUEUE_CREATE || e->about == CORE_QUEUE_CHANGE);
    if (defined && (e->answer == CORE_OK || e->answer == CORE_EXISTS))
        describe_queue(b, out, (uint32_t)e->value, true);
    else if (e->about == CORE_POST && e->answer == CORE_OK)
        queue_put_sent(out, e->value, &e->id);
    else if (e->answer == CORE_TOO_LARGE)
        mp_put_uint(out, e->value);
    else if (e->answer == CORE_OK && (e->about == CORE_QUEUE_PURGE || e->about == CORE_TASK_CANCEL))
        mp_put_uint(out, e->value);
    else
        mp_put_nil(out);
}

/* A queue that was made and removed again, or purged, before its answer was due cannot be described under the number it had. */
static enum queue_result result_of(const struct broker *b, const struct core_effect *e)
{
    struct core_queue_stats s;
    bool defined = (e->about == CORE_QUEUE_CREATE || e->about == CORE_QUEUE_CHANGE);
    bool described = defined && (e->answer == CORE_OK || e->answer == CORE_EXISTS);
    return described && !describe_lookup(b, (uint32_t)e->value, &s) ? QUEUE_CONFLICT : results[e->answer];
}

void responses_answer(struct broker *b, const struct core_effect *e)
{
    struct peer *client = peers_by_handle(&b->clients, e->client);
    if (!client)
        return;
    enum queue_result result = result_of(b, e);
    struct buf *out = response_begin(client, e->tag, result);
    if (result == QUEUE_CONFLICT)
        mp_put_nil(out);
    else
        put_body(b, out, e);
    response_end(b, client);
}

void responses_received(struct broker *b, const struct core_effect *e)
{
    struct peer *client = peers_by_handle(&b->clients, e->client);
    b->given_left = (uint32_t)e->value;
    if (!client)
        return;
    struct buf *out = response_begin(client, e->tag, results[e->answer]);
    if (e->answer == CORE_OK)
        mp_put_array(out, b->given_left);
    else
        mp_put_nil(out);
    if (b->given_left == 0)
        response_end(b, client);
}

void responses_given(struct broker *b, const struct core_effect *e)
{
    struct peer *client = peers_by_handle(&b->clients, e->client);
    struct core_info info;
    struct core_queue_stats s;
    unsigned char handle[HANDLE_BYTES];
    b->given_left--;
    if (!client || !core_slot(b->core, e->slot, e->seq, &info) || !describe_lookup(b, info.queue, &s))
        return; /* the core names only what is there */
    handle_make(handle, s.secret, e->seq, e->lease);
    struct queue_received message = {.id = e->id,
                                     .handle = slice_of(handle, sizeof handle),
                                     .seq = e->seq,
                                     .receive_count = info.receive_count,
                                     .sent_ms = info.accepted_ms,
                                     .first_received_ms = info.first_ms,
                                     .source = slice_text(info.source),
                                     .reason = slice_text(info.reason),
                                     .body = journal_read(b->journal, e->location, e->body_len)};
    queue_put_received(&client->out.third.buf, &message);
    if (b->given_left == 0)
        response_end(b, client);
}
