/* receives.c - the pool of receives: those that wait, in their queue's line and by deadline, and those whose answer waits for the disk. */
#include "queue/core/state.h"

static struct receive *at(const struct core *c, uint32_t r)
{
    assert(r < c->clients.receive_used && c->clients.receives[r].used);
    return &c->clients.receives[r];
}

uint32_t receive_find(const struct core *c, uint32_t client, uint64_t tag)
{
    uint32_t r;
    for (struct index_walk w = index_walk(&c->clients.receive_index, core_mix(tag + core_mix(client)));
         (r = index_next(&w)) != CORE_NONE;)
        if (c->clients.receives[r].client == client && c->clients.receives[r].tag == tag)
            return r;
    return CORE_NONE;
}

static uint32_t free_entry(struct core *c)
{
    struct clients *k = &c->clients;
    uint32_t r = k->receive_free;
    if (k->receive_count == LIMIT_RECEIVES)
        return CORE_NONE;
    if (r != CORE_NONE)
        k->receive_free = k->receives[r].next;
    else if (k->receive_used < k->receive_cap ||
             core_grow(c, (void **)&k->receives, &k->receive_cap, LIMIT_RECEIVES, sizeof *k->receives) == 0)
        r = k->receive_used++;
    return r;
}

static void give_entry_back(struct core *c, uint32_t r)
{
    c->clients.receives[r].used = false;
    c->clients.receives[r].next = c->clients.receive_free;
    c->clients.receive_free = r;
}

uint32_t receive_new(struct core *c, const struct core_event *e)
{
    uint32_t r = free_entry(c);
    if (r == CORE_NONE)
        return CORE_NONE;
    c->clients.receives[r] =
        (struct receive){.used = true,
                         .has_attempt = e->has_key,
                         .place = queue_at(c, e->queue)->place,
                         .client = e->client,
                         .tag = e->tag,
                         .max = e->messages < LIMIT_RECEIVE_MESSAGES ? e->messages : LIMIT_RECEIVE_MESSAGES,
                         .visibility_ms = e->delay_ms,
                         .due_at = CORE_NONE};
    if (index_add(c, &c->clients.receive_index, r) != 0) {
        give_entry_back(c, r);
        return CORE_NONE;
    }
    c->clients.receive_count++;
    return r;
}

void receive_end(struct core *c, uint32_t r)
{
    assert(at(c, r)->due_at == CORE_NONE);
    index_remove(c, &c->clients.receive_index, r);
    c->clients.receive_count--;
    give_entry_back(c, r);
}

int receive_wait(struct core *c, uint32_t r, int64_t until_ms)
{
    struct receive *k = at(c, r);
    struct list *l = &c->queues.at[k->place]->receives;
    if (heap_set(c, &c->clients.waits, r, until_ms) != 0)
        return -1;
    k->until_ms = until_ms;
    k->prev = l->tail;
    k->next = CORE_NONE;
    if (l->tail != CORE_NONE)
        at(c, l->tail)->next = r;
    else
        l->head = r;
    l->tail = r;
    l->count++;
    return 0;
}

void receive_leave(struct core *c, uint32_t r)
{
    struct receive *k = at(c, r);
    struct list *l = &c->queues.at[k->place]->receives;
    heap_clear(c, &c->clients.waits, r);
    if (k->prev != CORE_NONE)
        at(c, k->prev)->next = k->next;
    else
        l->head = k->next;
    if (k->next != CORE_NONE)
        at(c, k->next)->prev = k->prev;
    else
        l->tail = k->prev;
    l->count--;
}

/* -- Answers ----------------------------------------------------------------------------------------------------------------------- */
/* Nobody has deleted it, buried it, or received it again. That its time is over already does not matter: it may have asked for none, and
 * then others may have received it since: whoever only looks is shown what was there. */
static bool still_given(const struct core *c, const struct receive *k, const struct given *g)
{
    const struct message *m = g->slot < c->message_used ? &c->messages[g->slot] : NULL;
    if (!m || !(m->flags & FLAG_USED) || m->seq != g->seq || m->queue != k->place || message_is_doomed(c, m))
        return false;
    const struct receipt *r = receipt_of(c, m);
    return r && (r->count == g->lease || g->shown);
}

static void put_given(struct core *c, const struct receive *k, const struct given *g)
{
    const struct message *m = message_at(c, g->slot);
    struct core_effect *e = core_emit(c, CORE_EFFECT_GIVEN);
    e->client = k->client;
    e->tag = k->tag;
    e->slot = g->slot;
    e->seq = g->seq;
    e->lease = g->lease;
    e->id = m->id;
    e->location = m->location;
    e->body_len = m->body_len;
}

/* What was purged or deleted meanwhile is not told any more. */
void receive_answer(struct core *c, uint32_t r, enum core_answer answer)
{
    struct receive *k = at(c, r);
    uint32_t count = 0;
    for (uint32_t i = 0; i < k->count; i++)
        if (still_given(c, k, &k->given[i]))
            k->given[count++] = k->given[i];
    if (k->client != CORE_NONE) {
        struct core_effect *e = core_emit(c, CORE_EFFECT_RECEIVED);
        e->client = k->client;
        e->tag = k->tag;
        e->answer = answer;
        e->queue = c->queues.at[k->place] ? c->queues.at[k->place]->number : CORE_NONE;
        e->value = count;
        for (uint32_t i = 0; i < count; i++)
            put_given(c, k, &k->given[i]);
    }
    receive_end(c, r);
}

void receives_due(struct core *c)
{
    while (heap_first(&c->clients.waits) <= c->now_ms) {
        uint32_t r = c->clients.waits.at[0].item;
        if (core_room(c) < RECEIVE_ROOM) {
            c->more = true;
            return;
        }
        receive_leave(c, r);
        receive_answer(c, r, at(c, r)->refused ? CORE_NO_SUCH_QUEUE : CORE_OK);
    }
}

void on_stop(struct core *c, struct core_event *e)
{
    uint32_t r = receive_find(c, e->client, e->number);
    if (r != CORE_NONE && !at(c, r)->committing) {
        receive_leave(c, r);
        receive_answer(c, r, CORE_OK);
    }
    answer_now(c, e, CORE_OK, 0);
}

/* -- When their queue or their client goes ------------------------------------------------------------------------------------------ */
void receives_move(struct core *c, struct queue *from, struct queue *to)
{
    to->receives = from->receives;
    from->receives = LIST_EMPTY;
    for (uint32_t r = to->receives.head; r != CORE_NONE; r = at(c, r)->next)
        at(c, r)->place = to->place;
}

/* Those for whom there is no room in this step are refused by the next one: they are due now. Their place may be another queue's by then. */
void receives_refuse(struct core *c, struct queue *q)
{
    for (uint32_t r = q->receives.head; r != CORE_NONE; r = at(c, r)->next) {
        at(c, r)->refused = true;
        (void)heap_set(c, &c->clients.waits, r, c->now_ms); /* it is in the heap */
    }
}

/* Nobody will ever see what it was given: visible again at once, as far as this step has room for the records. */
static void give_back(struct core *c, const struct receive *k)
{
    for (uint32_t i = 0; i < k->count && core_room(c) >= 2 * RECEIVE_ROOM && !c->exhausted; i++)
        if (still_given(c, k, &k->given[i]) && message_is_given(c, message_at(c, k->given[i].slot), k->given[i].lease))
            client_release(c, k->given[i].slot);
}

void receives_client_gone(struct core *c, uint32_t client)
{
    for (uint32_t r = 0; c->clients.receive_count > 0 && r < c->clients.receive_used; r++) {
        struct receive *k = &c->clients.receives[r];
        if (!k->used || k->client != client)
            continue;
        if (!k->committing) {
            receive_leave(c, r);
            receive_end(c, r);
            continue;
        }
        give_back(c, k);
        index_remove(c, &c->clients.receive_index, r);
        k->client = CORE_NONE;
        (void)index_add(c, &c->clients.receive_index, r); /* there is room: it has just left */
    }
}
