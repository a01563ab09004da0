/* store.c - the modelled table store: a job takes effect in the same transaction that records its outcome, so a job that is delivered again
 * finds it. Nothing committed is ever lost. This is where exactly-once and the order of groups are checked. */
#include "tests/sim/world.h"

static void check_order(struct world *w, const struct job *j, uint32_t job, uint64_t seq)
{
    uint64_t *last = &w->model.applied_seq[j->queue][j->group];
    if (j->group == 0 || j->exempt)
        return;
    if (seq <= *last)
        world_fail(w, "job %u, number %llu, took effect after number %llu of its group", job, (unsigned long long)seq,
                   (unsigned long long)*last);
    *last = seq;
}

uint64_t store_apply(struct world *w, uint32_t job, uint64_t seq)
{
    struct job *j = &w->jobs[job];
    struct outcome *o = &j->outcome;
    o->finished_ms = w->now_ms; /* also of a recorded one: a third copy may still be with a slow worker */
    if (o->present && w->mutation != SIM_IGNORE_OUTCOME)
        return o->value;
    if (++o->applied > 1)
        world_fail(w, "job %u took effect %u times", job, o->applied);
    check_order(w, j, job, seq);
    o->present = true;
    o->value = rng_next(&w->random);
    o->seq = seq;
    world_say(w, "   applied job %u seq=%llu", job, (unsigned long long)seq);
    return o->value;
}

/* A job that was sent again after the broker had forgotten it waits under a new number: it is taken for granted that outcomes are kept
 * longer than that, see README.md. */
static bool waits_again(const struct job *j) { return j->message.live && j->message.seq != j->outcome.seq; }

void store_sweep(struct world *w, uint64_t low_seq)
{
    for (uint32_t i = 0; i < w->job_count; i++) {
        struct outcome *o = &w->jobs[i].outcome;
        bool old = o->finished_ms + SIM_KEEP_MS < w->now_ms;
        if (o->present && o->seq < low_seq && old && !waits_again(&w->jobs[i]))
            o->present = false;
    }
}
