/* model_compare.c - the mirror beside the whole core: every message, every count; and the last look of all. */
#include <string.h>

#include "tests/sim/world.h"

struct census {
    uint64_t count[SIM_QUEUES][CORE_STATE_COUNT], bytes[SIM_QUEUES], live, lowest;
    int64_t due_ms;                             /* the first thing that must happen by itself */
    int64_t outlived_ms;                        /* when the first READY one outlives its retention */
    uint32_t loose[SIM_QUEUES][SIM_GROUPS + 1]; /* of a group: READY, DELAYED or LEASED */
    uint32_t bound[SIM_QUEUES][SIM_GROUPS + 1]; /* of a group: BLOCKED, and COMMITTING ones counted as nothing */
    uint32_t young[SIM_QUEUES][SIM_GROUPS + 1]; /* of a group: COMMITTING */
};

static bool state_fits(const struct world *w, const struct job *j, const struct core_info *info)
{
    const struct message *m = &j->message;
    bool later = m->due_ms > w->model.now_ms;
    switch (info->state) {
    case CORE_COMMITTING:
        return model_committing(w, j);
    case CORE_LEASED:
        return m->leased && info->due_ms == m->due_ms && later;
    case CORE_DELAYED:
        return !m->leased && later && info->due_ms == m->due_ms;
    case CORE_READY:
        return !m->leased && !later && info->due_ms == 0 && !model_committing(w, j);
    default:
        return !m->leased && info->due_ms == (later ? m->due_ms : 0) && j->group != 0 && !model_committing(w, j);
    }
}

static void compare_message(struct world *w, struct census *c, const struct core_info *info)
{
    struct job *j = model_job(w, &info->id);
    if (!j || info->queue >= SIM_QUEUES)
        return;
    const struct message *m = &j->message;
    struct core_info again;
    if (!m->live || info->seq != m->seq || info->queue != m->queue || info->receive_count != m->count ||
        info->location != m->location || info->accepted_ms != m->accepted_ms || info->body_len != j->body_len ||
        info->group != w->group_numbers[j->group])
        world_fail(
            w, "job %u: the core has seq %llu queue %u count %u place %llu, the mirror seq %llu queue %u count %u place %llu",
            job_of(&info->id), (unsigned long long)info->seq, info->queue, info->receive_count,
            (unsigned long long)info->location, (unsigned long long)m->seq, m->queue, m->count,
            (unsigned long long)m->location);
    else if (!model_busy(w) && !w->plan.memory_fails && !state_fits(w, j, info))
        world_fail(w, "job %u is in state %d, due at %lld; the mirror: leased %d, due at %lld, now %lld", job_of(&info->id),
                   (int)info->state, (long long)info->due_ms, (int)m->leased, (long long)m->due_ms, (long long)w->model.now_ms);
    else if (j->dead && !model_works(w, m->queue) && info->reason[0] == '\0')
        world_fail(w, "job %u is dead without a reason", job_of(&info->id));
    else if (!core_slot(w->broker.core, info->slot, info->seq, &again) || again.state != info->state ||
             !core_find(w->broker.core, &info->id, &again) || again.slot != info->slot)
        world_fail(w, "job %u is in two states", job_of(&info->id));
    c->live++;
    c->count[info->queue][info->state]++;
    c->bytes[info->queue] += info->body_len;
    c->lowest = info->seq < c->lowest ? info->seq : c->lowest;
    if ((info->state == CORE_DELAYED || info->state == CORE_LEASED) && info->due_ms < c->due_ms)
        c->due_ms = info->due_ms;
    int64_t retention_ms = w->model.queues[info->queue].retention_ms;
    if (info->state == CORE_READY && retention_ms > 0 && info->accepted_ms + retention_ms < c->outlived_ms)
        c->outlived_ms = info->accepted_ms + retention_ms;
    uint32_t(*of)[SIM_GROUPS + 1] = info->state == CORE_BLOCKED      ? c->bound
                                    : info->state == CORE_COMMITTING ? c->young
                                                                     : c->loose;
    if (model_works(w, info->queue))
        of[info->queue][j->group]++;
}

static void compare_queue(struct world *w, const struct census *c, uint32_t q)
{
    const struct core_queue_attributes *a;
    struct core_queue_stats stats;
    struct core_info info[4];
    if (core_queue_stats(w->broker.core, q, &a, &stats) != w->model.made[q]) {
        world_fail(w, "queue %u is there, and is not", q);
        return;
    }
    if (!w->model.made[q])
        return;
    if (memcmp(stats.count, c->count[q], sizeof stats.count) != 0 || stats.bytes != c->bytes[q])
        world_fail(w, "queue %u: its counts are not those of its messages", q);
    if (memcmp(a, &w->model.queues[q], sizeof *a) != 0 || core_queue_by_name(w->broker.core, slice_text(a->name)) != q)
        world_fail(w, "queue %u: its attributes are not those that were set", q);
    uint64_t seen = c->count[q][CORE_READY] + c->count[q][CORE_BLOCKED] + c->count[q][CORE_DELAYED] + c->count[q][CORE_LEASED];
    if (core_peek(w->broker.core, q, UINT32_MAX, info, 4) != (seen < 4 ? seen : 4))
        world_fail(w, "queue %u: a peek does not show its messages", q);
    for (uint32_t g = 1; g <= SIM_GROUPS; g++)
        /* while a record waits for the disk, the next of a group may be held back by the end of the one before it */
        if (c->loose[q][g] > 1 || (c->loose[q][g] == 0 && c->bound[q][g] > 0 && c->young[q][g] == 0 &&
                                   w->model.committed >= w->model.number && !model_busy(w)))
            world_fail(w, "queue %u, group %u: %u messages may go at once, %u wait", q, g, c->loose[q][g], c->bound[q][g]);
}

static void compare_workers(struct world *w, const struct core_stats *stats)
{
    uint64_t workers = 0, leases = 0;
    for (uint32_t i = 0; i < SIM_INDEXES; i++) {
        const struct model_worker *k = &w->model.workers[i];
        workers += k->joined;
        leases += k->leases;
        if (!model_busy(w) && !k->joined && k->leases > 0)
            world_fail(w, "worker %u is gone, and holds %u leases", i, k->leases);
    }
    if (!model_busy(w) && (stats->workers != workers || stats->leases != leases || stats->calls != w->model.calls_open))
        world_fail(w, "the core counts %llu workers, %llu leases, %llu calls; there are %llu, %llu, %llu",
                   (unsigned long long)stats->workers, (unsigned long long)stats->leases, (unsigned long long)stats->calls,
                   (unsigned long long)workers, (unsigned long long)leases, (unsigned long long)w->model.calls_open);
}

static void compare_numbers(struct world *w, const struct census *c)
{
    uint64_t low = core_low_seq(w->broker.core), number = core_number(w->broker.core);
    if (low > c->lowest || (c->live == 0 && low <= number))
        world_fail(w, "the lowest number is said to be %llu, and %llu is", (unsigned long long)low,
                   (unsigned long long)(c->live == 0 ? number + 1 : c->lowest));
    if (number != w->model.number)
        world_fail(w, "the core's last record is %llu, and %llu was seen", (unsigned long long)number,
                   (unsigned long long)w->model.number);
}

#define SWEEP_EACH_MS 1000 /* retention is looked after so often, at least */

static void compare_deadline(struct world *w, const struct census *c)
{
    int64_t due_ms = c->due_ms;
    int64_t sweep_ms = c->outlived_ms > w->model.now_ms ? c->outlived_ms : w->model.now_ms;
    if (c->outlived_ms != INT64_MAX && sweep_ms + SWEEP_EACH_MS < due_ms)
        due_ms = sweep_ms + SWEEP_EACH_MS;
    for (uint32_t i = 0; i < SIM_INDEXES; i++)
        if (w->model.workers[i].joined && w->model.workers[i].heard_ms + w->plan.worker_silence_ms < due_ms)
            due_ms = w->model.workers[i].heard_ms + w->plan.worker_silence_ms;
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        if (w->model.calls[i].open && w->model.calls[i].due_ms < due_ms)
            due_ms = w->model.calls[i].due_ms;
    if (core_deadline(w->broker.core) > due_ms)
        world_fail(w, "the deadline is %lld, and something is due at %lld", (long long)core_deadline(w->broker.core),
                   (long long)due_ms);
}

void model_compare(struct world *w)
{
    if (w->failed)
        return;
    struct census c = {.lowest = UINT64_MAX, .due_ms = INT64_MAX, .outlived_ms = INT64_MAX};
    struct core_info info;
    struct core_stats stats;
    core_check(w->broker.core);
    for (uint32_t slot = 0; core_next(w->broker.core, &slot, &info) && !w->failed; slot++)
        compare_message(w, &c, &info);
    core_stats(w->broker.core, &stats);
    if (c.live != w->model.live || stats.messages != c.live)
        world_fail(w, "the core has %llu messages and says %llu, the mirror has %llu", (unsigned long long)c.live,
                   (unsigned long long)stats.messages, (unsigned long long)w->model.live);
    compare_numbers(w, &c);
    compare_deadline(w, &c);
    for (uint32_t q = 0; q < SIM_QUEUES; q++)
        compare_queue(w, &c, q);
    compare_workers(w, &stats);
}

void model_end(struct world *w)
{
    model_compare(w);
    for (uint32_t i = 0; i < w->job_count && !w->failed; i++) {
        const struct job *j = &w->jobs[i];
        if (!j->message.live && j->promised)
            model_unknown(w, i);
        else if (j->message.live && j->message.queue != SIM_QUEUE_DEAD)
            world_fail(w, "job %u is still alive at the end", i);
    }
}
