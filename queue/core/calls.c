/* calls.c - the call lane: somebody waits for an answer, nothing is journaled, first in line at the worker.
 *
 * A call's number holds its place in the table and a counter, so that an answer to a call of the past finds nothing. */
#include "queue/core/state.h"

#define SLOT_MASK ((1u << CALL_SLOT_BITS) - 1)

static_assert(CALLS_MAX <= 1u << CALL_SLOT_BITS, "a call's place fits its number");

static uint32_t new_call(struct core *c)
{
    uint32_t i = c->call_free;
    if (i != CORE_NONE) {
        c->call_free = c->calls[i].next;
        return i;
    }
    if (c->call_used == c->call_cap && core_grow(c, (void **)&c->calls, &c->call_cap, CALLS_MAX, sizeof *c->calls) != 0)
        return CORE_NONE;
    return c->call_used++;
}

static void wait_in_line(struct core *c, uint32_t i, bool front)
{
    struct call *call = &c->calls[i];
    struct list *l = &c->calls_waiting;
    call->worker = CORE_NONE;
    call->prev = front ? CORE_NONE : l->tail;
    call->next = front ? l->head : CORE_NONE;
    if (call->prev != CORE_NONE)
        c->calls[call->prev].next = i;
    else
        l->head = i;
    if (call->next != CORE_NONE)
        c->calls[call->next].prev = i;
    else
        l->tail = i;
    l->count++;
}

static void leave_line(struct core *c, uint32_t i)
{
    struct call *call = &c->calls[i];
    struct list *l = &c->calls_waiting;
    if (call->prev != CORE_NONE)
        c->calls[call->prev].next = call->next;
    else
        l->head = call->next;
    if (call->next != CORE_NONE)
        c->calls[call->next].prev = call->prev;
    else
        l->tail = call->prev;
    l->count--;
}

static void reply(struct core *c, uint32_t client, uint64_t tag, uint64_t number, enum core_call_result result,
                  struct slice body)
{
    struct core_effect *e = core_emit(c, CORE_EFFECT_CALL_REPLY);
    e->client = client;
    e->tag = tag;
    e->call = number;
    e->call_result = result;
    e->body = body;
}

static void end_call(struct core *c, uint32_t i, enum core_call_result result, struct slice body)
{
    struct call *call = &c->calls[i];
    assert(call->used && c->call_count > 0);
    uint32_t worker = call->worker;
    reply(c, call->client, call->tag, call->number, result, body);
    if (worker == CORE_NONE)
        leave_line(c, i);
    call->used = false;
    call->next = c->call_free;
    c->call_free = i;
    c->call_count--;
    if (worker != CORE_NONE && c->workers[worker].used) {
        assert(c->workers[worker].calls_out > 0);
        c->workers[worker].calls_out--;
        worker_settled(c, worker);
    }
}

void on_call(struct core *c, struct core_event *e)
{
    uint32_t i = new_call(c);
    e->call = 0;
    if (i == CORE_NONE) {
        reply(c, e->client, e->tag, 0, CORE_CALL_BUSY, (struct slice){NULL, 0});
        return;
    }
    struct call *call = &c->calls[i];
    int64_t timeout_ms = e->delay_ms > 0 ? e->delay_ms : 0;
    *call = (struct call){.used = true,
                          .client = e->client,
                          .tag = e->tag,
                          .number = ++c->call_counter << CALL_SLOT_BITS | i,
                          .arrived_ms = c->now_ms,
                          .due_ms = core_later(c->now_ms, timeout_ms)};
    e->call = call->number;
    wait_in_line(c, i, false);
    c->call_count++;
    int64_t look_ms = timeout_ms < CALL_NO_WORKER_MS ? call->due_ms : c->now_ms + CALL_NO_WORKER_MS;
    if (look_ms < c->call_due_ms)
        c->call_due_ms = look_ms;
}

void on_call_done(struct core *c, struct core_event *e)
{
    uint32_t i = (uint32_t)e->call & SLOT_MASK;
    if (i < c->call_used && c->calls[i].used && c->calls[i].number == e->call && e->worker < WORKERS_MAX &&
        c->calls[i].worker == e->worker)
        end_call(c, i, CORE_CALL_ANSWERED, e->body);
}

static uint32_t next_taker(struct core *c)
{
    for (uint32_t n = 0; n < c->worker_count; n++) {
        uint32_t rank = (c->call_turn + n) % c->worker_count;
        const struct worker *w = &c->workers[c->active[rank]];
        if (!w->leaving && w->calls > 0 && !w->suspect) {
            c->call_turn = rank + 1;
            return c->active[rank];
        }
    }
    return CORE_NONE;
}

void calls_deliver(struct core *c)
{
    while (c->calls_waiting.head != CORE_NONE && c->worker_count > 0) {
        uint32_t i = c->calls_waiting.head, worker = next_taker(c);
        if (worker == CORE_NONE)
            return;
        if (core_room(c) < END_ROOM) {
            c->more = true;
            return;
        }
        struct call *call = &c->calls[i];
        leave_line(c, i);
        call->worker = worker;
        call->attempts++;
        c->workers[worker].calls--;
        c->workers[worker].calls_out++;
        struct core_effect *e = core_emit(c, CORE_EFFECT_CALL);
        e->worker = worker;
        e->call = call->number;
    }
}

/* A call that was handed out once is handed out once more: reads repeat, and writes carry an id. */
void calls_worker_gone(struct core *c, uint32_t worker)
{
    for (uint32_t i = 0; c->workers[worker].calls_out > 0 && i < c->call_used; i++) {
        struct call *call = &c->calls[i];
        if (!call->used || call->worker != worker)
            continue;
        c->workers[worker].calls_out--;
        if (call->attempts < 2) {
            wait_in_line(c, i, true);
        } else if (core_room(c) >= END_ROOM) {
            end_call(c, i, CORE_CALL_WORKER_LOST, (struct slice){NULL, 0});
        } else {
            wait_in_line(c, i, true);
            call->due_ms = c->now_ms;
            c->call_due_ms = c->now_ms;
        }
    }
}

/* The caller's answer goes nowhere, but the shell must still let go of the body: the call runs on. */
void calls_client_gone(struct core *c, uint32_t client)
{
    for (uint32_t i = 0; i < c->call_used; i++)
        if (c->calls[i].used && c->calls[i].client == client)
            c->calls[i].client = CORE_NONE;
}

void calls_lonely(struct core *c)
{
    c->lonely_ms = c->now_ms;
    if (c->now_ms + CALL_NO_WORKER_MS < c->call_due_ms)
        c->call_due_ms = c->now_ms + CALL_NO_WORKER_MS;
}

/* When nobody is there, a call waits a moment for somebody to come (back). */
static int64_t lonely_until(const struct core *c, const struct call *call)
{
    return (call->arrived_ms > c->lonely_ms ? call->arrived_ms : c->lonely_ms) + CALL_NO_WORKER_MS;
}

void calls_due(struct core *c)
{
    if (c->call_count == 0 || c->now_ms < c->call_due_ms)
        return;
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < c->call_used; i++) {
        struct call *call = &c->calls[i];
        if (!call->used)
            continue;
        int64_t look_ms = call->due_ms;
        bool lonely = c->worker_count == 0 && lonely_until(c, call) <= c->now_ms;
        if (c->worker_count == 0 && lonely_until(c, call) < look_ms)
            look_ms = lonely_until(c, call);
        if (look_ms > c->now_ms) {
            next = look_ms < next ? look_ms : next;
        } else if (core_room(c) < END_ROOM) {
            next = c->now_ms;
            c->more = true;
        } else {
            end_call(c, i, lonely ? CORE_CALL_NO_WORKER : CORE_CALL_TIMEOUT, (struct slice){NULL, 0});
        }
    }
    c->call_due_ms = next;
}
