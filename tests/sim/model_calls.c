/* model_calls.c - the call lane: each call is handed to one worker at a time, at most twice, and answered exactly once. */
#include <string.h>

#include "tests/sim/world.h"

static struct model_call *find(struct world *w, uint64_t number)
{
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        if (w->model.calls[i].open && w->model.calls[i].number == number)
            return &w->model.calls[i];
    return NULL;
}

/* The core has numbered the call by now. */
void model_stepped(struct world *w)
{
    const struct core_event *e = w->model.event;
    if (e->kind != CORE_CALL || e->call == 0)
        return;
    for (uint32_t i = 0; i < SIM_CALLS; i++) {
        struct model_call *c = &w->model.calls[i];
        if (c->open)
            continue;
        *c = (struct model_call){.open = true,
                                 .client = e->client,
                                 .worker = CORE_NONE,
                                 .number = e->call,
                                 .tag = e->tag,
                                 .due_ms = w->model.now_ms + e->delay_ms};
        w->model.calls_open++;
        return;
    }
    world_fail(w, "too many calls are open");
}

void model_call(struct world *w, const struct core_effect *e)
{
    struct model_call *c = find(w, e->call);
    struct model_worker *k = e->worker < SIM_INDEXES ? &w->model.workers[e->worker] : NULL;
    if (!c || c->worker != CORE_NONE || ++c->attempts > 2)
        world_fail(w, "call %llu is handed out once too often", (unsigned long long)e->call);
    else if (!k || !k->joined || k->leaving || k->suspect || k->calls == 0)
        world_fail(w, "call %llu is handed to worker %u, which may not get it", (unsigned long long)e->call, e->worker);
    if (w->failed)
        return;
    c->worker = e->worker;
    k->calls--;
    k->calls_out++;
}

void model_calls_lost(struct world *w, uint32_t index)
{
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        if (w->model.calls[i].open && w->model.calls[i].worker == index) {
            w->model.calls[i].worker = CORE_NONE;
            w->model.calls[i].lost = true;
        }
    w->model.workers[index].calls_out = w->model.workers[index].calls = 0;
}

static bool nobody_there(const struct world *w)
{
    for (uint32_t i = 0; i < SIM_INDEXES; i++)
        if (w->model.workers[i].joined)
            return false;
    return true;
}

static bool reply_is_right(const struct world *w, const struct model_call *c, const struct core_effect *e)
{
    const struct core_event *event = w->model.event;
    switch (e->call_result) {
    case CORE_CALL_ANSWERED:
        return event->kind == CORE_CALL_DONE && event->call == c->number && event->worker == c->worker &&
               slice_equal(e->body, event->body);
    case CORE_CALL_TIMEOUT:
        return c->due_ms <= w->model.now_ms;
    case CORE_CALL_NO_WORKER:
        return c->worker == CORE_NONE && nobody_there(w);
    case CORE_CALL_WORKER_LOST:
        return c->lost && c->attempts == 2;
    default:
        return false;
    }
}

void model_call_reply(struct world *w, const struct core_effect *e)
{
    if (e->call_result == CORE_CALL_BUSY && w->plan.memory_fails && w->model.event->kind == CORE_CALL && e->call == 0)
        return;
    struct model_call *c = find(w, e->call);
    if (!c || e->client != c->client || e->tag != c->tag || !reply_is_right(w, c, e)) {
        world_fail(w, "call %llu: reply %d to client %d is not right", (unsigned long long)e->call, (int)e->call_result,
                   (int)e->client);
        return;
    }
    if (c->worker != CORE_NONE)
        w->model.workers[c->worker].calls_out--;
    c->open = false;
    w->model.calls_open--;
}

void model_calls_after(struct world *w)
{
    const struct core_event *event = w->model.event;
    for (uint32_t i = 0; i < SIM_CALLS && w->model.calls_open > 0; i++) {
        struct model_call *c = &w->model.calls[i];
        if (!c->open)
            continue;
        c->lost = false;
        if (c->due_ms <= w->model.now_ms && !model_busy(w))
            world_fail(w, "call %llu is overdue", (unsigned long long)c->number);
        if (event->kind == CORE_CALL_DONE && event->call == c->number && event->worker == c->worker)
            world_fail(w, "call %llu was answered, and its client not told", (unsigned long long)c->number);
    }
}
