/* message.c - the pool of message records, and the lists that are their states.
 *
 * A message is always in exactly one list: committing (one for all), one of its queue's, its tenant's, or its worker's leases.
 * message_move() is the only way from one to another, and keeps the counts. During recovery all are DELAYED. */
#include "queue/core/state.h"

/* What was accepted once is kept, whatever the limit is today: recovery may go over it. */
uint32_t message_new(struct core *c)
{
    uint32_t max = c->replaying ? CORE_NONE : c->config.max_messages, slot = c->message_free;
    if (c->message_count >= max)
        return CORE_NONE;
    if (slot != CORE_NONE) {
        c->message_free = c->messages[slot].next;
    } else {
        if (c->message_used == c->message_cap &&
            core_grow(c, (void **)&c->messages, &c->message_cap, max, sizeof *c->messages) != 0)
            return CORE_NONE;
        slot = c->message_used++;
    }
    memset(&c->messages[slot], 0, sizeof c->messages[slot]);
    c->messages[slot].flags = FLAG_USED;
    c->messages[slot].due_at = c->messages[slot].group_next = c->messages[slot].group_chain = CORE_NONE;
    c->message_count++;
    return slot;
}

void message_free(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    m->flags = 0;
    m->next = c->message_free;
    c->message_free = slot;
    c->message_count--;
}

/* -- Lists ------------------------------------------------------------------------------------------------------------------------ */
void list_append(struct core *c, struct list *l, uint32_t slot, bool front)
{
    struct message *m = message_at(c, slot);
    m->prev = front ? CORE_NONE : l->tail;
    m->next = front ? l->head : CORE_NONE;
    if (m->prev != CORE_NONE)
        message_at(c, m->prev)->next = slot;
    else
        l->head = slot;
    if (m->next != CORE_NONE)
        message_at(c, m->next)->prev = slot;
    else
        l->tail = slot;
    l->count++;
}

void list_remove(struct core *c, struct list *l, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    assert(l->count > 0);
    if (m->prev != CORE_NONE)
        message_at(c, m->prev)->next = m->next;
    else
        l->head = m->next;
    if (m->next != CORE_NONE)
        message_at(c, m->next)->prev = m->prev;
    else
        l->tail = m->prev;
    l->count--;
}

uint32_t message_slice(const struct core *c, const struct message *m) { return id_slice(&m->id) * c->config.slices / 256; }

static struct list *ready_list(struct core *c, const struct message *m)
{
    struct queue *q = message_queue(c, m);
    switch (q->attributes.kind) {
    case CORE_JOBS:
        return m->receive_count > 0 ? &q->alone : &q->ready[message_slice(c, m)];
    case CORE_FIFO:
        return &q->ready[0];
    default:
        return m->flags & FLAG_ASIDE ? fair_list(c, m) : &q->ready[message_priority(m)];
    }
}

struct list *message_list(struct core *c, const struct message *m)
{
    struct queue *q = message_queue(c, m);
    switch ((enum core_state)m->state) {
    case CORE_COMMITTING:
        return &c->committing;
    case CORE_DELAYED:
        return &q->delayed;
    case CORE_READY:
        return ready_list(c, m);
    case CORE_BLOCKED:
        return &q->blocked;
    default:
        assert(m->state == CORE_LEASED);
        return q->attributes.kind == CORE_JOBS ? &c->workers[m->worker].leases : &q->leased;
    }
}

/* -- States ----------------------------------------------------------------------------------------------------------------------- */
static void enter(struct core *c, uint32_t slot, enum core_state state, bool front)
{
    struct message *m = message_at(c, slot);
    struct queue *q = message_queue(c, m);
    bool of_client = q->attributes.kind != CORE_JOBS && !c->replaying;
    m->state = (uint8_t)state;
    q->count[state]++;
    c->lease_count += state == CORE_LEASED;
    if (of_client)
        client_message_enters(c, slot);
    list_append(c, message_list(c, m), slot, front);
    if (of_client)
        client_message_entered(c, slot);
}

static void leave(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    struct queue *q = message_queue(c, m);
    assert(q->count[m->state] > 0);
    list_remove(c, message_list(c, m), slot);
    q->count[m->state]--;
    c->lease_count -= m->state == CORE_LEASED;
    if (q->attributes.kind != CORE_JOBS && !c->replaying)
        client_message_leaves(c, slot);
}

/* The receive count of a job chooses between ready and alone: it must not change while it is READY. */
void message_move(struct core *c, uint32_t slot, enum core_state state, bool front)
{
    leave(c, slot);
    enter(c, slot, state, front);
}

void message_enter(struct core *c, uint32_t slot, enum core_state state)
{
    struct message *m = message_at(c, slot);
    message_queue(c, m)->bytes += m->body_len;
    message_queue(c, m)->entered_total++;
    enter(c, slot, state, false);
}

void message_begin(struct core *c, uint32_t slot, const struct core_event *e)
{
    struct message *m = message_at(c, slot);
    m->id = e->id;
    m->group = e->group;
    m->seq = c->number + 1;
    m->accepted_ms = c->now_ms;
    m->body_len = (uint32_t)e->body.len;
    message_enter(c, slot, CORE_COMMITTING);
    ids_add(c, slot);
    group_join(c, slot);
}

void message_leave(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    leave(c, slot);
    message_queue(c, m)->bytes -= m->body_len;
    message_queue(c, m)->left_total++;
}

void message_settle(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    assert(m->state != CORE_LEASED);
    bool blocked = group_ordered(c, m) && (!(m->flags & FLAG_HEAD) || m->flags & FLAG_HELD);
    enum core_state state = blocked ? CORE_BLOCKED : m->due_at != CORE_NONE ? CORE_DELAYED : CORE_READY;
    if (state != m->state)
        message_move(c, slot, state, false);
}

/* Is it among those that can be found by their numbers? */
static bool is_numbered(const struct core *c, const struct message *m)
{
    const struct receipt *r = receipt_of(c, m);
    return c->replaying || (r ? r->first_ms > 0 : m->state == CORE_LEASED);
}

uint32_t message_remove(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    if (is_numbered(c, m))
        seqs_remove(c, slot);
    message_leave(c, slot);
    due_clear(c, slot);
    uint32_t next = group_leave(c, slot);
    receipt_drop(c, slot);
    ids_remove(c, slot);
    lows_remove(c, m->seq);
    recent_add(c, &m->id);
    message_free(c, slot);
    return next;
}

void message_follow(struct core *c, uint32_t slot)
{
    if (slot != CORE_NONE && message_at(c, slot)->state != CORE_COMMITTING)
        message_settle(c, slot);
}

/* Were it handed out at once, a crash could bring the one before it back behind it. A job that is done needs no such wait: it is
 * recognized by its outcome. Without memory to wait, order is kept as far as no crash comes. */
void message_hold(struct core *c, uint32_t slot)
{
    if (slot == CORE_NONE || pending_reserve(c, 1) != 0) {
        message_follow(c, slot);
        return;
    }
    struct message *m = message_at(c, slot);
    m->flags |= FLAG_HELD;
    pending_add(c,
                &(struct pending){.number = c->number, .tag = m->seq, .client = CORE_NONE, .slot = slot, .kind = PENDING_HELD});
}

void message_let_go(struct core *c, uint32_t slot, uint64_t seq)
{
    struct message *m = message_at(c, slot);
    if (!(m->flags & FLAG_USED) || m->seq != seq)
        return; /* it has left meanwhile, and whoever came after it is held by that */
    if (pending_holds(c, slot, seq))
        return; /* another one before it has ended, too, and that is not on disk yet */
    m->flags &= (uint8_t)~FLAG_HELD;
    message_follow(c, slot);
}

uint32_t message_follower(const struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    return group_ordered(c, m) ? m->group_next : CORE_NONE;
}

void message_free_body(struct core *c, const struct message *m)
{
    struct core_effect *e = core_emit(c, CORE_EFFECT_FREED);
    e->location = m->location;
    e->body_len = m->body_len;
}

void message_end(struct core *c, uint32_t slot, const char *reason)
{
    struct message *m = message_at(c, slot);
    struct core_record *r = core_record(c, CORE_REC_DONE);
    r->seq = m->seq;
    r->id = m->id;
    message_free_body(c, m);
    if (reason)
        waiters_dead(c, slot, reason);
    uint32_t follower = message_follower(c, slot), next = message_remove(c, slot);
    if (reason)
        message_hold(c, follower);
    else
        message_follow(c, next);
}
