/* workers.c - workers come, give credit, fall silent, leave. */
#include "queue/core/state.h"

static struct worker *worker_at(const struct core *c, uint32_t worker)
{
    return worker < WORKERS_MAX && c->workers[worker].used ? &c->workers[worker] : NULL;
}

void workers_rank(struct core *c)
{
    c->worker_count = 0;
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        if (c->workers[i].used)
            c->active[c->worker_count++] = i;
}

void worker_settled(struct core *c, uint32_t worker)
{
    struct worker *w = worker_at(c, worker);
    if (!w || w->leases.count > 0)
        return;
    w->suspect = false;
    if (w->leaving && w->calls_out == 0)
        core_emit(c, CORE_EFFECT_LEFT)->worker = worker;
}

/* It is out of use before its leases end, so that none of them comes back to it. */
void worker_end(struct core *c, uint32_t worker, const char *why)
{
    struct worker *w = worker_at(c, worker);
    assert(w && w->leases.count <= WORKER_OUTSTANDING_MAX);
    w->used = false;
    while (w->leases.head != CORE_NONE)
        if (why)
            lease_release(c, w->leases.head, why);
        else
            lease_give_back(c, w->leases.head, 0);
    calls_worker_gone(c, worker);
    workers_rank(c);
    if (c->worker_count == 0)
        calls_lonely(c);
}

void on_worker_join(struct core *c, struct core_event *e)
{
    if (e->worker >= WORKERS_MAX)
        return;
    struct worker *w = &c->workers[e->worker];
    if (w->used)
        worker_end(c, e->worker, e->healed ? NULL : "its worker was started anew");
    memset(w, 0, sizeof *w);
    w->used = true;
    w->leases = (struct list){CORE_NONE, CORE_NONE, 0};
    w->heard_ms = c->now_ms;
    workers_rank(c);
    if (c->worker_count == 1)
        c->silence_ms = core_later(c->now_ms, c->config.worker_silence_ms);
}

static uint32_t credit_after(uint32_t now, uint32_t more, uint32_t outstanding)
{
    uint32_t room = outstanding < WORKER_OUTSTANDING_MAX ? WORKER_OUTSTANDING_MAX - outstanding : 0;
    uint64_t sum = (uint64_t)now + more;
    return sum < room ? (uint32_t)sum : room;
}

void on_worker_credit(struct core *c, struct core_event *e)
{
    struct worker *w = worker_at(c, e->worker);
    if (!w)
        return;
    w->heard_ms = c->now_ms;
    w->messages = credit_after(w->messages, e->messages, w->leases.count);
    w->calls = credit_after(w->calls, e->calls, w->calls_out);
}

void on_worker_heard(struct core *c, struct core_event *e)
{
    struct worker *w = worker_at(c, e->worker);
    if (w)
        w->heard_ms = c->now_ms;
}

void on_worker_leave(struct core *c, struct core_event *e)
{
    struct worker *w = worker_at(c, e->worker);
    if (!w || w->leaving)
        return;
    w->leaving = true;
    w->messages = w->calls = 0;
    worker_settled(c, e->worker);
}

void on_worker_gone(struct core *c, struct core_event *e)
{
    if (worker_at(c, e->worker))
        worker_end(c, e->worker, e->healed ? NULL : "its worker died");
}

void workers_silent(struct core *c)
{
    if (c->worker_count == 0 || c->now_ms < c->silence_ms)
        return;
    int64_t next = INT64_MAX;
    for (uint32_t n = c->worker_count; n-- > 0;) { /* backwards: the end of one shifts those behind it */
        uint32_t i = c->active[n];
        struct worker *w = &c->workers[i];
        int64_t until = core_later(w->heard_ms, c->config.worker_silence_ms);
        if (until > c->now_ms) {
            next = until < next ? until : next;
        } else if (core_room(c) > WORKER_OUTSTANDING_MAX * (WAITERS_MAX + 1) + END_ROOM) {
            worker_end(c, i, "its worker fell silent");
        } else {
            next = c->now_ms;
            c->more = true;
        }
    }
    c->silence_ms = next;
}
