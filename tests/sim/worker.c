/* worker.c - workers: they take what they are given, apply it in one transaction after a while, and say so.
 *
 * They are slow beyond the lease, crash before and after the commit, lose their connection, fall silent, give back, extend, leave; a poison
 * job takes its worker down each time.
 *
 * A lease is good on the connection that it came by: a broker that has started anew may have given the same job to the same worker with the
 * same lease number again, and would take an old GIVE_BACK for the new one's. DONE is sent in any case: it is true whoever asked. */
#include "tests/sim/world.h"

#define BEAT_MS 250
#define JOIN_AGAIN_MS 400
#define CALL_CREDIT 4u

static void begin_batch(struct world *w, uint32_t worker);
static void start(struct world *w, const struct timer *t);

static struct entry *say(struct world *w, uint32_t worker, enum frame_kind kind)
{
    uint32_t frame = frame_new(w, kind, 1);
    net_from_worker(w, worker, frame);
    return &frame_at(w, frame)->at[0]; /* it arrives later */
}

/* -- Connections ------------------------------------------------------------------------------------------------------------- */
static void join_again(struct world *w, const struct timer *t)
{
    struct worker *k = &w->workers[t->who];
    if (k->up && k->epoch == t->epoch && !k->joined && k->conn == t->frame)
        worker_connect(w, t->who);
}

void worker_connect(struct world *w, uint32_t worker)
{
    struct worker *k = &w->workers[worker];
    k->conn = ++w->conns;
    k->joined = k->leaving = false;
    k->to_broker_ms = k->to_worker_ms = w->now_ms;
    say(w, worker, FRAME_JOIN)->healed = k->healed;
    world_after(w, JOIN_AGAIN_MS, join_again, worker, k->conn, k->epoch);
}

/* The broker's operating system may notice, or not. */
static void notice_gone(struct world *w, const struct timer *t)
{
    for (uint32_t i = 0; i < SIM_INDEXES; i++)
        if (w->broker.up && !w->broker.crashing && w->broker.peers[i].used && w->broker.peers[i].conn == t->frame)
            back_gone(w, t->who);
}

static void cut(struct world *w, uint32_t worker)
{
    struct worker *k = &w->workers[worker];
    if (rng_below(&w->random, 4) > 0)
        world_after(w, rng_between(&w->random, 0, 300), notice_gone, worker, k->conn, 0);
    k->conn = ++w->conns;
    k->joined = false;
}

/* Guilty: by what it did; else perhaps because another one did, and it comes again to say so. */
static void crash(struct world *w, uint32_t worker, bool guilty)
{
    struct worker *k = &w->workers[worker];
    k->healed = !guilty && rng_below(&w->random, 2) == 0;
    world_say(w, "-- worker %u crashes --", worker);
    cut(w, worker);
    k->up = false;
    k->epoch++;
    world_after(w, rng_between(&w->random, 10, 1500), start, worker, 0, k->epoch);
}

static void beat(struct world *w, const struct timer *t)
{
    struct worker *k = &w->workers[t->who];
    if (!k->up || k->epoch != t->epoch)
        return;
    if (world_fault(w, w->plan.worker_break)) {
        world_say(w, "-- worker %u loses its connection --", t->who);
        cut(w, t->who);
        k->healed = false;
        worker_connect(w, t->who);
    }
    if (world_fault(w, w->plan.stopped))
        k->stopped_until_ms = w->now_ms + 3 * w->plan.worker_silence_ms;
    if (k->joined && w->now_ms >= k->stopped_until_ms)
        say(w, t->who, FRAME_BEAT);
    if (k->joined && !k->leaving && world_fault(w, w->plan.worker_leave)) {
        k->leaving = true;
        say(w, t->who, FRAME_LEAVE);
    }
    world_after(w, BEAT_MS, beat, t->who, 0, k->epoch);
}

static void start(struct world *w, const struct timer *t)
{
    struct worker *k = &w->workers[t->who];
    if (k->up || k->epoch != t->epoch)
        return;
    k->up = true;
    k->epoch++;
    k->held_count = k->batch_count = 0;
    k->stopped_until_ms = 0;
    worker_connect(w, t->who);
    world_after(w, BEAT_MS, beat, t->who, 0, k->epoch);
}

void workers_start(struct world *w)
{
    for (uint32_t i = 0; i < w->plan.workers; i++) {
        struct worker *k = &w->workers[i];
        k->up = false;
        k->epoch = 0;
        k->conn = ++w->conns;
        world_after(w, rng_between(&w->random, 0, 300), start, i, 0, 0);
    }
}

/* -- Jobs --------------------------------------------------------------------------------------------------------------------- */
static void acknowledge(struct world *w, uint32_t worker, const struct held *h)
{
    struct entry *e = say(w, worker, FRAME_DONE);
    e->job = h->job;
    e->seq = h->seq;
    e->lease = h->lease;
    e->value = h->value;
}

/* Where nobody takes them out of the way, poison jobs lose their poison in the calm. */
static bool poisoned(const struct world *w, const struct worker *k)
{
    for (uint32_t i = 0; i < k->batch_count; i++) {
        const struct job *j = &w->jobs[k->held[i].job];
        if (j->poison && (!w->calm || (j->message.live && j->message.queue == SIM_QUEUE_JOBS)))
            return true;
    }
    return false;
}

static void drop_batch(struct worker *k)
{
    for (uint32_t i = k->batch_count; i < k->held_count; i++)
        k->held[i - k->batch_count] = k->held[i];
    k->held_count -= k->batch_count;
    k->batch_count = 0;
}

/* Its lease is over long since, or soon will be: somebody else gets the job. */
static void drop_late(const struct world *w, struct worker *k)
{
    uint32_t kept = 0, batch = k->batch_count;
    for (uint32_t i = 0; i < k->held_count; i++)
        if (i < batch && k->held[i].arrived_ms + SIM_HOLD_MS < w->now_ms)
            k->batch_count--;
        else
            k->held[kept++] = k->held[i];
    k->held_count = kept;
}

static void end_batch(struct world *w, const struct timer *t)
{
    struct worker *k = &w->workers[t->who];
    if (!k->up || k->epoch != t->epoch)
        return;
    if (w->now_ms < k->stopped_until_ms) {
        world_after(w, k->stopped_until_ms - w->now_ms, end_batch, t->who, 0, k->epoch);
        return;
    }
    bool guilty = poisoned(w, k);
    if (guilty || world_fault(w, w->plan.worker_crash)) {
        crash(w, t->who, guilty);
        return;
    }
    uint32_t taken = k->batch_count;
    drop_late(w, k);
    for (uint32_t i = 0; i < k->batch_count; i++)
        k->held[i].value = store_apply(w, k->held[i].job, k->held[i].seq);
    if (world_fault(w, w->plan.worker_crash)) {
        crash(w, t->who, false);
        return;
    }
    for (uint32_t i = 0; i < k->batch_count && w->mutation != SIM_ACK_EARLY; i++)
        acknowledge(w, t->who, &k->held[i]);
    if (k->joined)
        say(w, t->who, FRAME_CREDIT)->messages = taken;
    drop_batch(k);
    begin_batch(w, t->who);
}

/* Half-way through the lease: time for more. */
static void extend(struct world *w, const struct timer *t)
{
    struct worker *k = &w->workers[t->who];
    if (!k->up || k->epoch != t->epoch || !k->joined)
        return;
    for (uint32_t i = 0; i < k->batch_count; i++) {
        if (k->held[i].conn != k->conn)
            continue;
        struct entry *e = say(w, t->who, FRAME_EXTEND);
        e->job = k->held[i].job;
        e->seq = k->held[i].seq;
        e->lease = k->held[i].lease;
        e->delay_ms = rng_between(&w->random, 1, 3000);
    }
}

static void give_back(struct world *w, uint32_t worker, const struct held *h)
{
    struct entry *e = say(w, worker, FRAME_GIVE_BACK);
    e->job = h->job;
    e->seq = h->seq;
    e->lease = h->lease;
    e->delay_ms = rng_below(&w->random, 2) == 0 ? 0 : rng_between(&w->random, 1, 1000);
    say(w, worker, FRAME_CREDIT)->messages = 1;
}

static void begin_batch(struct world *w, uint32_t worker)
{
    struct worker *k = &w->workers[worker];
    uint32_t kept = 0;
    if (k->batch_count > 0 || k->held_count == 0)
        return;
    for (uint32_t i = 0; i < k->held_count; i++)
        if (k->held[i].conn == k->conn && k->joined && world_fault(w, w->plan.give_back))
            give_back(w, worker, &k->held[i]);
        else
            k->held[kept++] = k->held[i];
    k->held_count = k->batch_count = kept;
    if (kept == 0)
        return;
    int64_t work_ms = rng_between(&w->random, 1, 30), lease_ms = w->plan.queues[SIM_QUEUE_JOBS].visibility_ms;
    if (world_fault(w, w->plan.worker_slow))
        work_ms = rng_between(&w->random, lease_ms / 2, 2 * lease_ms);
    if (world_fault(w, w->plan.extend))
        world_after(w, work_ms / 2, extend, worker, 0, k->epoch);
    for (uint32_t i = 0; i < kept && w->mutation == SIM_ACK_EARLY; i++)
        acknowledge(w, worker, &k->held[i]);
    world_after(w, work_ms, end_batch, worker, 0, k->epoch);
}

/* -- Frames of the broker ------------------------------------------------------------------------------------------------------ */
static void on_welcome(struct world *w, uint32_t worker)
{
    struct worker *k = &w->workers[worker];
    k->joined = true;
    struct entry *e = say(w, worker, FRAME_CREDIT);
    e->messages = w->plan.credit;
    e->calls = CALL_CREDIT;
}

static void on_job(struct world *w, uint32_t worker, const struct entry *e)
{
    struct worker *k = &w->workers[worker];
    for (uint32_t i = 0; i < SIM_INDEXES; i++)
        if (w->broker.up && w->broker.peers[i].used && w->broker.peers[i].conn == k->conn)
            model_arrival(w, i, e->job, e->value);
    if (k->held_count == SIM_HELD_MAX) {
        crash(w, worker, false); /* it joined again and again, and never came to work them off */
        return;
    }
    k->held[k->held_count++] = (struct held){e->job, e->lease, k->conn, e->seq, 0, w->now_ms};
    if (rng_below(&w->random, 8) == 0)
        store_sweep(w, e->low_seq);
    begin_batch(w, worker);
}

static void on_called(struct world *w, uint32_t worker, const struct entry *e)
{
    struct entry *answer = say(w, worker, FRAME_ANSWER);
    answer->call = e->call;
    answer->value = e->call;
    say(w, worker, FRAME_CREDIT)->calls = 1;
}

static void on_left(struct world *w, uint32_t worker)
{
    struct worker *k = &w->workers[worker];
    if (!k->leaving)
        return;
    world_say(w, "-- worker %u has left --", worker);
    cut(w, worker);
    k->up = k->leaving = false;
    k->epoch++;
    world_after(w, rng_between(&w->random, 10, 2000), start, worker, 0, k->epoch);
}

void worker_receive(struct world *w, uint32_t worker, const struct frame *f)
{
    struct worker *k = &w->workers[worker];
    if (f->kind == FRAME_WELCOME)
        on_welcome(w, worker);
    else if (f->kind == FRAME_JOB)
        on_job(w, worker, &f->at[0]);
    else if (f->kind == FRAME_CALLED)
        on_called(w, worker, &f->at[0]);
    else if (f->kind == FRAME_LEFT)
        on_left(w, worker);
    else if (f->kind == FRAME_WHO && k->up && k->conn == f->conn)
        worker_connect(w, worker);
}
