/* pending.c - answers that wait until a record is on disk: a ring in the order of the records. */
#include "queue/core/state.h"

int pending_reserve(struct core *c, uint32_t more)
{
    if (c->pending_cap - c->pending_count >= more)
        return 0;
    uint32_t old_cap = c->pending_cap;
    if (core_grow(c, (void **)&c->pending, &c->pending_cap, CORE_NONE, sizeof *c->pending) != 0)
        return -1;
    /* What wrapped around moves behind the old end, as far as the new part is long; the rest follows to the front. */
    uint32_t grown = c->pending_cap - old_cap,
             wrapped = c->pending_head + c->pending_count > old_cap ? c->pending_head + c->pending_count - old_cap : 0;
    uint32_t moved = wrapped < grown ? wrapped : grown;
    memcpy(c->pending + old_cap, c->pending, moved * sizeof *c->pending);
    memmove(c->pending, c->pending + moved, (wrapped - moved) * sizeof *c->pending);
    return 0;
}

void pending_add(struct core *c, const struct pending *p)
{
    assert(c->pending_count < c->pending_cap);
    c->pending[(c->pending_head + c->pending_count++) % c->pending_cap] = *p;
}

static void answer(struct core *c, const struct pending *p)
{
    if (p->kind == PENDING_ANSWER) {
        struct core_effect *e = core_emit(c, CORE_EFFECT_ANSWER);
        e->client = p->client;
        e->tag = p->tag;
        e->id = p->id;
        e->about = (enum core_event_kind)p->about;
        e->answer = (enum core_answer)p->answer;
        e->value = p->value;
        return;
    }
    static const enum core_effect_kind kinds[] = {
        [PENDING_SENT] = CORE_EFFECT_SENT, [PENDING_CANCELLED] = CORE_EFFECT_CANCELLED, [PENDING_DEAD] = CORE_EFFECT_DEAD};
    struct core_effect *e = core_emit(c, kinds[p->kind]);
    e->client = p->client;
    e->tag = p->tag;
    e->id = p->id;
    e->cancelled = p->kind == PENDING_CANCELLED;
    e->reason = p->reason;
    e->send_result = p->result;
}

void pending_release(struct core *c)
{
    while (c->pending_count > 0 && c->pending[c->pending_head].number <= c->committed) {
        struct pending p = c->pending[c->pending_head];
        if (core_room(c) < (p.kind == PENDING_RECEIVED ? RECEIVE_ROOM : END_ROOM)) {
            c->more = true;
            return;
        }
        c->pending_head = (c->pending_head + 1) % c->pending_cap;
        c->pending_count--;
        if (p.kind == PENDING_HELD) {
            message_let_go(c, p.slot, p.tag);
        } else if (p.kind == PENDING_RECEIVED) {
            receive_answer(c, p.slot, CORE_OK);
        } else if (p.slot != CORE_NONE) {
            assert(message_at(c, p.slot)->state == CORE_COMMITTING);
            message_settle(c, p.slot);
        }
        if (p.client != CORE_NONE)
            answer(c, &p);
    }
}

void pending_forget(struct core *c, uint32_t client)
{
    for (uint32_t i = 0; i < c->pending_count; i++) {
        struct pending *p = &c->pending[(c->pending_head + i) % c->pending_cap];
        if (p->client == client)
            p->client = CORE_NONE;
    }
}

bool pending_holds(const struct core *c, uint32_t slot, uint64_t seq)
{
    for (uint32_t i = 0; i < c->pending_count; i++) {
        const struct pending *p = &c->pending[(c->pending_head + i) % c->pending_cap];
        if (p->kind == PENDING_HELD && p->slot == slot && p->tag == seq)
            return true;
    }
    return false;
}
