/* replay.c - recovery: the journal's records, in order, make the state again. Nothing is emitted.
 *
 * Records refer backwards only. One that refers to a message that is not there is no damage: the message was gone when the segment that
 * held it was dropped, and the record is younger than that. */
#include "queue/core/state.h"

static int replay_new(struct core *c, const struct core_record *r, uint64_t location)
{
    uint32_t slot = message_new(c);
    if (slot == CORE_NONE)
        return -1;
    struct message *m = message_at(c, slot);
    m->id = r->id;
    m->group = r->group;
    m->seq = r->seq;
    m->location = location;
    m->accepted_ms = r->accepted_ms;
    m->body_len = (uint32_t)r->body.len;
    m->queue = (uint16_t)r->queue;
    m->receive_count = (uint16_t)(r->receive_count < UINT16_MAX ? r->receive_count : UINT16_MAX);
    if (lows_add(c, m->seq) != 0 || seqs_add(c, slot) != 0 || (r->due_ms > 0 && due_set(c, slot, r->due_ms) != 0))
        return -1;
    message_enter(c, slot, CORE_READY);
    ids_add(c, slot);
    group_join(c, slot);
    c->unsorted = c->unsorted || (group_ordered(c, m) && r->seq != r->number);
    if (!c->queues[m->queue]->attributes.jobs)
        m->group_link = reasons_intern(c, r->reason);
    message_settle(c, slot);
    return 0;
}

static int replay_send(struct core *c, const struct core_record *r, uint64_t location)
{
    if (!queue_at(c, r->queue) || r->body.len > UINT32_MAX || r->seq == 0 || r->seq > r->number)
        return -1;
    if (r->has_key && keys_add(c, r->key, &r->id, r->body_hash, r->key_expires_ms, r->number) != 0)
        return -1;
    uint32_t slot = seqs_find(c, r->seq);
    if (slot == CORE_NONE)
        return ids_find(c, &r->id) == CORE_NONE ? replay_new(c, r, location) : -1;
    struct message *m = message_at(c, slot); /* a copy: the state is known from the records before */
    if (!id_equal(&m->id, &r->id) || m->body_len != r->body.len)
        return -1;
    m->location = location;
    return 0;
}

static void replay_done(struct core *c, uint32_t slot)
{
    seqs_remove(c, slot);
    message_follow(c, message_remove(c, slot));
}

static void replay_release(struct core *c, uint32_t slot, const struct core_record *r)
{
    struct message *m = message_at(c, slot);
    struct queue *q = c->queues[m->queue];
    list_remove(c, message_list(c, m), slot);
    m->receive_count = (uint16_t)(r->receive_count < UINT16_MAX ? r->receive_count : UINT16_MAX);
    list_append(c, message_list(c, m), slot, false);
    assert(q->count[m->state] > 0);
}

static int replay_move(struct core *c, uint32_t slot, const struct core_record *r)
{
    if (!queue_at(c, r->queue))
        return -1;
    due_clear(c, slot);
    message_follow(c, message_place(c, slot, r->queue, r->receive_count, r->reason));
    return 0;
}

static int replay_of_message(struct core *c, const struct core_record *r)
{
    uint32_t slot = seqs_find(c, r->seq);
    if (slot == CORE_NONE)
        return 0;
    if (r->kind == CORE_REC_MOVE)
        return replay_move(c, slot, r);
    if (r->kind == CORE_REC_DONE)
        replay_done(c, slot);
    else
        replay_release(c, slot, r);
    return 0;
}

int core_replay(struct core *c, const struct core_record *r, uint64_t location)
{
    if (r->number > c->number)
        c->number = r->number;
    c->replaying = true;
    if (r->now_ms > c->newest_ms)
        c->newest_ms = c->now_ms = r->now_ms; /* idempotency keys expire on the way, as they did before */
    switch (r->kind) {
    case CORE_REC_SEND:
        return replay_send(c, r, location);
    case CORE_REC_DONE:
    case CORE_REC_RELEASE:
    case CORE_REC_MOVE:
        return replay_of_message(c, r);
    case CORE_REC_QUEUE:
        return queue_replay(c, r);
    case CORE_REC_KEY:
        return keys_add(c, r->key, &r->id, r->body_hash, r->key_expires_ms, r->number);
    case CORE_REC_MARK:
        return 0;
    default:
        return -1;
    }
}

/* The messages' numbers are looked up during recovery only; from now on the index holds the leased ones. Copies that compaction made
 * stand behind younger messages of their groups in the journal, and take their old places again. */
int64_t core_replayed(struct core *c)
{
    seqs_clear(c);
    if (c->unsorted)
        groups_sort(c);
    c->replaying = c->unsorted = false;
    c->committed = c->number;
    c->now_ms = c->newest_ms;
    c->sweep_ms = c->now_ms;
    return c->newest_ms;
}
