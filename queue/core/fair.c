/* fair.c - tenants of standard queues: whose messages are given first, and who has enough in flight.
 *
 * A tenant is known while it has messages in flight or aside, and for a while longer. All messages come into the common lists; one whose
 * tenant is noisy, full, or has older ones aside already, is taken aside when it comes to the head. So a queue without noise never
 * does more than look at its heads. */
#include "queue/core/state.h"

#define NOISY_LOOKED_AT 64 /* noisy tenants among which the one with fewest messages in flight is looked for */

static struct tenant *at(const struct core *c, uint32_t t) { return &c->clients.tenants[t]; }

static uint32_t find(const struct core *c, const struct queue *q, uint64_t hash)
{
    uint32_t t;
    if (q->fair.tenants == 0)
        return CORE_NONE;
    for (struct index_walk w = index_walk(&c->clients.tenant_index, core_mix(hash + q->number));
         (t = index_next(&w)) != CORE_NONE;)
        if (at(c, t)->hash == hash && at(c, t)->queue == q->number)
            return t;
    return CORE_NONE;
}

static uint32_t tenant_of(const struct core *c, const struct message *m)
{
    return m->group == 0 ? CORE_NONE : find(c, message_queue(c, m), m->group);
}

/* -- Windows ----------------------------------------------------------------------------------------------------------------------- */
static void window_turn(struct window *w, int64_t now_ms)
{
    int64_t minute = now_ms / 60000;
    if (minute == w->minute)
        return;
    w->before = minute == w->minute + 1 ? w->now : 0;
    w->now = 0;
    w->minute = minute;
}

static void window_add(struct window *w, int64_t now_ms, uint64_t amount)
{
    window_turn(w, now_ms);
    w->now += amount;
}

static uint64_t window_sum(struct window *w, int64_t now_ms)
{
    window_turn(w, now_ms);
    return w->now + w->before;
}

/* -- Lists ------------------------------------------------------------------------------------------------------------------------- */
static struct list *list_of(struct core *c, struct queue *q, const struct tenant *t)
{
    switch (t->list) {
    case TENANT_WAITING:
        return &q->fair.waiting[t->level];
    case TENANT_NOISY:
        return &q->fair.noisy;
    case TENANT_FULL:
        return &q->fair.full;
    case TENANT_IDLE:
        return &c->clients.idle;
    default:
        return NULL;
    }
}

static void leave_list(struct core *c, struct list *l, uint32_t i)
{
    struct tenant *t = at(c, i);
    if (!l)
        return;
    if (t->prev != CORE_NONE)
        at(c, t->prev)->next = t->next;
    else
        l->head = t->next;
    if (t->next != CORE_NONE)
        at(c, t->next)->prev = t->prev;
    else
        l->tail = t->prev;
    l->count--;
}

static void join_list(struct core *c, struct list *l, uint32_t i)
{
    struct tenant *t = at(c, i);
    if (!l)
        return;
    t->prev = l->tail;
    t->next = CORE_NONE;
    if (l->tail != CORE_NONE)
        at(c, l->tail)->next = i;
    else
        l->head = i;
    l->tail = i;
    l->count++;
}

static bool is_full(const struct queue *q, const struct tenant *t)
{
    return q->attributes.max_per_group > 0 && t->inflight >= q->attributes.max_per_group;
}

static uint32_t best_of(const struct tenant *t)
{
    uint32_t p = LIMIT_PRIORITIES - 1;
    while (p > 0 && t->aside[p].count == 0)
        p--;
    return p;
}

static enum tenant_list list_for(const struct queue *q, const struct tenant *t)
{
    if (t->aside_count == 0)
        return t->inflight == 0 ? TENANT_IDLE : TENANT_NOWHERE;
    return is_full(q, t) ? TENANT_FULL : t->noisy ? TENANT_NOISY : TENANT_WAITING;
}

/* Into the list where it belongs now; `back`: behind the others there, though it is in it already. */
static void relist(struct core *c, struct queue *q, uint32_t i, bool back)
{
    struct tenant *t = at(c, i);
    enum tenant_list list = list_for(q, t);
    uint32_t level = best_of(t);
    if (list == t->list && (list != TENANT_WAITING || level == t->level) && !back)
        return;
    leave_list(c, list_of(c, q, t), i);
    t->list = list;
    t->level = (uint8_t)level;
    join_list(c, list_of(c, q, t), i);
}

/* -- Noise ------------------------------------------------------------------------------------------------------------------------- */
static bool is_loud(struct core *c, struct queue *q, struct tenant *t)
{
    if (t->inflight >= NOISY_LEAST && t->inflight * (uint64_t)NOISY_SHARE > q->count[CORE_LEASED])
        return true;
    return window_sum(&t->done, c->now_ms) >= NOISY_LEAST &&
           window_sum(&t->busy, c->now_ms) * NOISY_SHARE > window_sum(&q->fair.busy, c->now_ms);
}

static void judge(struct core *c, struct queue *q, uint32_t i)
{
    struct tenant *t = at(c, i);
    bool silent = core_later(t->sent_ms, QUIET_AFTER_MS) <= c->now_ms;
    bool loud = !silent && is_loud(c, q, t);
    t->noisy = loud || (t->noisy && !silent && t->aside_count > 0);
    relist(c, q, i, false);
}

/* -- Making and forgetting --------------------------------------------------------------------------------------------------------- */
static void forget(struct core *c, uint32_t i)
{
    struct clients *k = &c->clients;
    struct queue *q = c->queues.at[at(c, i)->queue & (QUEUE_PLACES - 1)];
    leave_list(c, &k->idle, i);
    index_remove(c, &k->tenant_index, i);
    if (q && q->number == at(c, i)->queue)
        q->fair.tenants--;
    at(c, i)->next = k->tenant_free;
    k->tenant_free = i;
}

static bool is_forgotten(const struct core *c, const struct tenant *t)
{
    return t->busy.minute + 1 < c->now_ms / 60000 && t->done.minute + 1 < c->now_ms / 60000;
}

static void forget_idle(struct core *c)
{
    struct list *idle = &c->clients.idle;
    for (int n = 0; n < 2 && idle->head != CORE_NONE; n++)
        if (idle->count > TENANTS_IDLE_MAX || is_forgotten(c, at(c, idle->head)))
            forget(c, idle->head);
}

static uint32_t make(struct core *c, struct queue *q, const struct message *m)
{
    struct clients *k = &c->clients;
    forget_idle(c);
    if (k->tenant_free == CORE_NONE && k->tenant_used == k->tenant_cap &&
        core_grow(c, (void **)&k->tenants, &k->tenant_cap, TENANTS_MAX, sizeof *k->tenants) != 0)
        return CORE_NONE;
    uint32_t i = k->tenant_free;
    if (index_reserve(c, &k->tenant_index) != 0)
        return CORE_NONE;
    if (i != CORE_NONE)
        k->tenant_free = at(c, i)->next;
    else
        i = k->tenant_used++;
    struct tenant *t = at(c, i);
    *t = (struct tenant){.hash = m->group, .queue = q->number, .sent_ms = m->accepted_ms, .list = TENANT_NOWHERE};
    for (uint32_t p = 0; p < LIMIT_PRIORITIES; p++)
        t->aside[p] = LIST_EMPTY;
    (void)index_add(c, &k->tenant_index, i);
    q->fair.tenants++;
    return i;
}

/* -- What messages do -------------------------------------------------------------------------------------------------------------- */
static bool belongs_aside(const struct queue *q, const struct tenant *t)
{
    return t->noisy || t->aside_count > 0 || is_full(q, t);
}

void fair_ready(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    uint32_t t = tenant_of(c, m);
    if (t != CORE_NONE && belongs_aside(message_queue(c, m), at(c, t)))
        m->flags |= FLAG_ASIDE;
}

struct list *fair_list(struct core *c, const struct message *m)
{
    uint32_t t = tenant_of(c, m);
    assert(t != CORE_NONE);
    return &at(c, t)->aside[message_priority(m)];
}

void fair_aside(struct core *c, uint32_t slot, bool in)
{
    const struct message *m = message_at(c, slot);
    uint32_t t = tenant_of(c, m);
    assert(t != CORE_NONE && (in || at(c, t)->aside_count > 0));
    if (in)
        at(c, t)->aside_count++;
    else
        at(c, t)->aside_count--;
    judge(c, message_queue(c, m), t);
}

/* Without memory for the tenant it is as if the message had none. */
void fair_leased(struct core *c, uint32_t slot, bool in)
{
    const struct message *m = message_at(c, slot);
    struct queue *q = message_queue(c, m);
    uint32_t t = tenant_of(c, m);
    if (t == CORE_NONE && in)
        t = make(c, q, m);
    if (t == CORE_NONE || (!in && at(c, t)->inflight == 0))
        return;
    if (in)
        at(c, t)->inflight++;
    else
        at(c, t)->inflight--;
    judge(c, q, t);
}

void fair_sent(struct core *c, const struct queue *q, uint64_t hash)
{
    uint32_t t = find(c, q, hash);
    if (t != CORE_NONE)
        at(c, t)->sent_ms = c->now_ms;
}

void fair_processed(struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    struct queue *q = message_queue(c, m);
    uint32_t t = tenant_of(c, m);
    int64_t ms = c->now_ms - receipt_of(c, m)->received_ms;
    window_add(&q->fair.busy, c->now_ms, (uint64_t)ms);
    if (t == CORE_NONE)
        return;
    window_add(&at(c, t)->busy, c->now_ms, (uint64_t)ms);
    window_add(&at(c, t)->done, c->now_ms, 1);
    judge(c, q, t);
}

static void relist_all(struct core *c, struct queue *q, const struct list *l)
{
    for (uint32_t t = l->head, next; t != CORE_NONE; t = next) {
        next = at(c, t)->next;
        relist(c, q, t, false);
    }
}

/* All at once, though they may be many: it is an operator's doing, and every tenant costs a few loads. */
void fair_limit_changed(struct core *c, struct queue *q)
{
    for (uint32_t p = 0; p < LIMIT_PRIORITIES; p++)
        relist_all(c, q, &q->fair.waiting[p]);
    relist_all(c, q, &q->fair.noisy);
    relist_all(c, q, &q->fair.full);
}

/* -- Who is next ------------------------------------------------------------------------------------------------------------------- */
/* The head of a common list that may be given. False: the step has taken enough aside. */
static bool common_head(struct core *c, struct queue *q, uint32_t priority, uint32_t *slot)
{
    struct list *l = &q->ready[priority];
    while ((*slot = l->head) != CORE_NONE) {
        uint32_t t = tenant_of(c, message_at(c, *slot));
        if (t == CORE_NONE || !belongs_aside(q, at(c, t)))
            return true;
        if (c->clients.asides == 0) {
            c->more = true;
            return false;
        }
        c->clients.asides--;
        message_move(c, *slot, CORE_READY, false); /* fair_ready() sends it aside */
    }
    return true;
}

static uint32_t quiet_head(struct core *c, struct queue *q, uint32_t priority)
{
    uint32_t t = q->fair.waiting[priority].head;
    if (t == CORE_NONE)
        return CORE_NONE;
    uint32_t slot = at(c, t)->aside[priority].head;
    relist(c, q, t, true);
    return slot;
}

static uint32_t noisy_head(struct core *c, struct queue *q)
{
    uint32_t best = CORE_NONE, looked = 0;
    for (uint32_t t = q->fair.noisy.head, next; t != CORE_NONE && looked < NOISY_LOOKED_AT; t = next, looked++) {
        next = at(c, t)->next;
        judge(c, q, t); /* it may have fallen silent, and is quiet then */
        if (at(c, t)->list != TENANT_NOISY)
            return at(c, t)->aside[best_of(at(c, t))].head;
        if (best == CORE_NONE || at(c, t)->inflight < at(c, best)->inflight)
            best = t;
    }
    return best == CORE_NONE ? CORE_NONE : at(c, best)->aside[best_of(at(c, best))].head;
}

/* What was taken aside of a quiet tenant is older than what is in the common list. */
uint32_t fair_first(struct core *c, struct queue *q)
{
    for (uint32_t p = LIMIT_PRIORITIES; p-- > 0;) {
        uint32_t slot = quiet_head(c, q, p);
        if (slot == CORE_NONE && !common_head(c, q, p, &slot))
            return CORE_NONE;
        if (slot == CORE_NONE)
            slot = quiet_head(c, q, p); /* whoever was taken aside just now may be quiet and have room */
        if (slot != CORE_NONE)
            return slot;
    }
    return noisy_head(c, q);
}

static uint32_t any_of(const struct core *c, const struct list *tenants)
{
    return tenants->head == CORE_NONE ? CORE_NONE : at(c, tenants->head)->aside[best_of(at(c, tenants->head))].head;
}

uint32_t fair_any(const struct core *c, const struct queue *q)
{
    uint32_t slot = any_of(c, &q->fair.noisy);
    if (slot == CORE_NONE)
        slot = any_of(c, &q->fair.full);
    for (uint32_t p = 0; slot == CORE_NONE && p < LIMIT_PRIORITIES; p++)
        slot = any_of(c, &q->fair.waiting[p]);
    return slot;
}

uint64_t fair_noisy(const struct core *c, const struct queue *q)
{
    uint64_t count = 0;
    for (uint32_t t = q->fair.noisy.head; t != CORE_NONE; t = at(c, t)->next)
        count += at(c, t)->aside_count;
    return count;
}
