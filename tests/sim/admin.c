/* admin.c - an operator who purges, redrives and changes queues at the wrong moments, and a disk that is full now and then. */
#include "tests/sim/world.h"

static void disk_step(struct world *w, bool full)
{
    struct core_event e = broker_event(w, CORE_DISK);
    e.full = full;
    w->broker.disk_full = full;
    broker_step(w, &e);
}

static void change_queue(struct world *w)
{
    uint32_t q = rng_below(&w->random, SIM_QUEUE_NONE);
    struct core_queue_attributes *a = &w->plan.queues[q];
    a->visibility_ms = rng_between(&w->random, 200, 4000);
    if (q == SIM_QUEUE_JOBS)
        a->max_receive_count = (uint32_t)rng_between(&w->random, 2, 6);
    struct core_event e = broker_event(w, CORE_QUEUE_SET);
    e.queue = q;
    e.attributes = a;
    broker_step(w, &e);
}

/* As many as one step's effects hold, then again: as the shell does it. */
static void repeat(struct world *w, struct core_event *e)
{
    do
        broker_step(w, e);
    while (world_step_was_full(w) && w->broker.up && !w->broker.crashing && !w->failed);
}

static void act(struct world *w, const struct timer *t)
{
    if (w->calm)
        return;
    if (w->broker.up && !w->broker.crashing) {
        if (world_fault(w, w->plan.redrive)) {
            struct core_event e = broker_event(w, CORE_REDRIVE);
            e.queue = SIM_QUEUE_DEAD;
            e.target = rng_below(&w->random, 4) > 0 ? SIM_QUEUE_JOBS : SIM_QUEUE_OTHER;
            e.messages = rng_below(&w->random, 4);
            repeat(w, &e);
        }
        if (world_fault(w, w->plan.purge)) {
            struct core_event e = broker_event(w, CORE_PURGE);
            e.queue = rng_below(&w->random, SIM_QUEUES);
            repeat(w, &e);
        }
        if (world_fault(w, w->plan.change))
            change_queue(w);
        if (world_fault(w, w->plan.disk_full))
            disk_step(w, !w->broker.disk_full);
    }
    world_after(w, rng_between(&w->random, 1, w->plan.admin_ms), act, t->who, 0, 0);
}

void admin_start(struct world *w)
{
    if (w->plan.admin_ms > 0)
        world_after(w, w->plan.admin_ms, act, 0, 0, 0);
}

void admin_calm(struct world *w)
{
    if (w->broker.up && w->broker.disk_full)
        disk_step(w, false);
}
