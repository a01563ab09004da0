/* effects.c - what the core decided, carried out: records to the journal, frames to peers.
 *
 * Frames are not sent here: entries of batched kinds collect in the peer's open frames, and the loop flushes each peer once a turn. */
#include "queue/broker.h"

#include <assert.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/op.h"

/* The core was asked for what must not be lost only after the journal promised room, so a refusal here is a broken promise: nothing that
 * was claimed after it could be true. Records of acks may be lost: the job would be handed out again and recognized by its outcome. */
static void do_journal(struct broker *b, const struct core_effect *e)
{
    uint64_t location = journal_append(b->journal, &e->record);
    if (location == 0 && (core_record_stays(e->record.kind) || e->record.kind >= CORE_REC_POST)) {
        log_error("journal.refused", "kind=%d number=%llu", (int)e->record.kind, (unsigned long long)e->record.number);
        exit(74);
    }
    if (location == 0)
        b->acks_dropped++;
    else if (core_record_stays(e->record.kind))
        core_locate(b->core, e, location);
}

static void do_sent(struct broker *b, const struct core_effect *e)
{
    static const enum msg_result results[] = {
        [CORE_ACCEPTED] = MSG_ACCEPTED, [CORE_DUPLICATE] = MSG_DUPLICATE, [CORE_MISMATCH] = MSG_MISMATCH,
        [CORE_FULL] = MSG_FULL,         [CORE_DISK_FULL] = MSG_DISK_FULL, [CORE_NO_QUEUE] = MSG_NO_QUEUE,
    };
    bool known = e->send_result == CORE_DUPLICATE || e->send_result == CORE_MISMATCH;
    batches_result(b->batches, e->tag, results[e->send_result], known ? &e->id : NULL);
    broker_finish_batch(b, batches_of_tag(e->tag));
}

void outbox_entry_added(struct peers *peers, struct peer *peer, struct open_frame *frame)
{
    peers_touch(peers, peer);
    if (++frame->count == LIMIT_BATCH_ENTRIES || frame->buf.len > LIMIT_WIRE_BYTES / 4)
        outbox_close_frame(peers, peer, frame);
}

static void do_deliver(struct broker *b, const struct core_effect *e)
{
    struct peer *worker = peers_by_index(&b->workers, e->worker);
    assert(worker);
    struct open_frame *frame = &worker->out.first;
    if (frame->count == 0) {
        buf_reset(&frame->buf);
        frame->mark = msg_begin_jobs(&frame->buf, b->low_seq);
    }
    msg_add_job(&frame->buf, &(struct msg_job){.seq = e->seq,
                                               .lease = e->lease,
                                               .id = e->id,
                                               .group = e->group,
                                               .body = journal_read(b->journal, e->location, e->body_len)});
    worker->delivered++;
    outbox_entry_added(&b->workers, worker, frame);
}

/* The end of a message for one client: RESULTS for who sent it with MSG_WAIT, STATE for each watch. */
static void tell_end(struct broker *b, const struct core_effect *e, enum msg_state state, struct slice outcome,
                     struct slice body)
{
    struct peer *client = peers_by_handle(&b->clients, e->client);
    if (!client)
        return;
    struct open_frame *frame = &client->out.first;
    if (frame->count == 0) {
        buf_reset(&frame->buf);
        frame->mark = msg_begin_results(&frame->buf);
    }
    msg_add_result(&frame->buf, &e->id, outcome);
    outbox_entry_added(&b->clients, client, frame);
    uint64_t request;
    while (watches_take(b->watches, &e->id, e->client, &request))
        front_put_state(b, e->client, &(struct msg_state_reply){.request = request, .state = state, .body = body});
}

static void do_result(struct broker *b, const struct core_effect *e) { tell_end(b, e, MSG_ENDED, e->body, e->body); }

static void do_dead(struct broker *b, const struct core_effect *e)
{
    bool cancelled = slice_equal(slice_text(e->reason), slice_text("cancelled"));
    buf_reset(&b->scratch);
    size_t map = mp_open(&b->scratch);
    mp_put_text(&b->scratch, "message");
    mp_put_text(&b->scratch, e->reason);
    mp_close_map(&b->scratch, map, 1);
    struct buf encoded = {0};
    struct outcome outcome = {.state = cancelled ? OUTCOME_CANCELLED : OUTCOME_DEAD,
                              .code = slice_text(cancelled ? OUTCOME_CODE_CANCELLED : err_name(ERR_DEAD)),
                              .value = value_of(buf_slice(&b->scratch))};
    outcome_encode(&encoded, &outcome);
    tell_end(b, e, cancelled ? MSG_CANCELLED : MSG_DEAD, buf_slice(&encoded), slice_text(e->reason));
    buf_finish(&encoded);
}

static void do_cancelled(struct broker *b, const struct core_effect *e)
{
    static const enum msg_state states[] = {[CORE_COMMITTING] = MSG_QUEUED,
                                            [CORE_DELAYED] = MSG_DELAYED,
                                            [CORE_READY] = MSG_QUEUED,
                                            [CORE_BLOCKED] = MSG_QUEUED,
                                            [CORE_LEASED] = MSG_RUNNING};
    enum msg_state state = e->cancelled ? MSG_CANCELLED : e->state < CORE_STATE_COUNT ? states[e->state] : MSG_UNKNOWN;
    front_put_state(b, e->client, &(struct msg_state_reply){.request = e->tag, .state = state});
}

static void do_call(struct broker *b, const struct core_effect *e)
{
    struct peer *worker = peers_by_index(&b->workers, e->worker);
    const struct call_body *call = bodies_find(b->bodies, e->call);
    assert(worker);
    if (!call)
        return; /* no memory for its body: it times out */
    struct open_frame *frame = &worker->out.second;
    if (frame->count == 0) {
        buf_reset(&frame->buf);
        frame->mark = msg_begin_calls(&frame->buf);
    }
    msg_add_calls(&frame->buf, &(struct msg_call){.call = call->call,
                                                  .flags = call->flags,
                                                  .id = slice_of(call->id.bytes, call->has_id ? ID_BYTES : 0),
                                                  .body = buf_slice(&call->body)});
    outbox_entry_added(&b->workers, worker, frame);
}

void effects_reply(struct broker *b, uint32_t handle, const struct msg_reply *reply)
{
    struct peer *client = peers_by_handle(&b->clients, handle);
    if (!client)
        return;
    struct open_frame *frame = &client->out.second;
    if (frame->count == 0) {
        buf_reset(&frame->buf);
        frame->mark = msg_begin_replies(&frame->buf, MSG_REPLIES);
    }
    msg_add_reply(&frame->buf, reply);
    outbox_entry_added(&b->clients, client, frame);
}

static void do_call_reply(struct broker *b, const struct core_effect *e)
{
    static const enum msg_call_status statuses[] = {[CORE_CALL_ANSWERED] = MSG_CALL_OK,
                                                    [CORE_CALL_NO_WORKER] = MSG_CALL_NO_WORKER,
                                                    [CORE_CALL_WORKER_LOST] = MSG_CALL_WORKER_LOST,
                                                    [CORE_CALL_TIMEOUT] = MSG_CALL_TIMEOUT,
                                                    [CORE_CALL_BUSY] = MSG_CALL_BUSY};
    bodies_drop(b->bodies, e->call);
    effects_reply(b, e->client, &(struct msg_reply){.call = e->tag, .status = statuses[e->call_result], .body = e->body});
}

static void do_left(struct broker *b, const struct core_effect *e)
{
    struct peer *worker = peers_by_index(&b->workers, e->worker);
    if (!worker)
        return;
    struct buf frame = {0};
    msg_put_bare(&frame, MSG_LEFT);
    outbox_push(&b->workers, worker, &frame);
    buf_finish(&frame);
}

static void do_freed(struct broker *b, const struct core_effect *e) { journal_freed(b->journal, e->location, e->body_len); }

void effects_carry_out(struct broker *b, const struct core_effects *effects)
{
    static void (*const arms[CORE_EFFECT_KIND_COUNT])(struct broker *, const struct core_effect *) = {
        [CORE_EFFECT_JOURNAL] = do_journal,
        [CORE_EFFECT_SENT] = do_sent,
        [CORE_EFFECT_DELIVER] = do_deliver,
        [CORE_EFFECT_RESULT] = do_result,
        [CORE_EFFECT_DEAD] = do_dead,
        [CORE_EFFECT_CANCELLED] = do_cancelled,
        [CORE_EFFECT_CALL] = do_call,
        [CORE_EFFECT_CALL_REPLY] = do_call_reply,
        [CORE_EFFECT_LEFT] = do_left,
        [CORE_EFFECT_FREED] = do_freed,
        [CORE_EFFECT_ANSWER] = responses_answer,
        [CORE_EFFECT_RECEIVED] = responses_received,
        [CORE_EFFECT_GIVEN] = responses_given,
    };
    for (size_t i = 0; i < effects->count; i++) {
        assert(effects->at[i].kind < CORE_EFFECT_KIND_COUNT);
        arms[effects->at[i].kind](b, &effects->at[i]);
    }
}
