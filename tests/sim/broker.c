/* broker.c - the broker's shell in the simulated world: it steps the real core, appends its records, and syncs them in groups.
 *
 * One life ends in broker_crash() and the next begins in broker_start(), which replays what the disk kept into a new core. A crash is
 * asked for inside of a step (crashing) and carried out when the world's loop is back: the rest of that turn is lost with it. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define EDGE 8 /* times the usual rate of crashes */

struct core_event broker_event(const struct world *w, enum core_event_kind kind)
{
    return (struct core_event){.kind = kind,
                               .now_ms = broker_now(w),
                               .client = CORE_NONE,
                               .worker = CORE_NONE,
                               .queue = CORE_NONE,
                               .target = CORE_NONE};
}

/* The core's allocator. What is there at the start must be there; growing may fail. */
static void *resize(void *self, void *old, size_t bytes)
{
    struct world *w = self;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    if (w->plan.memory_fails && w->broker.open && world_fault(w, 300))
        return NULL;
    return realloc(old, bytes);
}

/* -- Steps -------------------------------------------------------------------------------------------------------------------- */
void broker_edge(struct world *w)
{
    if (!w->calm && rng_below(&w->random, 100000) < EDGE * w->plan.broker_crash)
        w->broker.crashing = true;
}

static void sync_done(struct world *w, const struct timer *t)
{
    if (t->epoch != w->broker.epoch || !w->broker.up)
        return;
    struct core_event e = broker_event(w, CORE_COMMITTED);
    e.number = disk_land(&w->disk);
    broker_edge(w);
    if (!w->broker.acks_dropped)
        w->broker.low_published = w->broker.low_flushed;
    broker_step(w, &e);
    compact_step(w);
    broker_flush(w);
}

static void flush_now(struct world *w, const struct timer *t)
{
    struct broker *b = &w->broker;
    if (t->epoch != b->epoch || !b->up)
        return;
    b->flush_asked = false;
    if (w->disk.flying || w->disk.flight_end == w->disk.end)
        return;
    disk_fly(&w->disk);
    broker_edge(w);
    b->low_flushed = core_low_seq(b->core);
    if (w->mutation == SIM_COMMIT_EARLY) {
        struct core_event e = broker_event(w, CORE_COMMITTED);
        e.number = core_number(b->core);
        broker_step(w, &e);
    }
    bool late = w->plan.sync_late_ms > 0 && world_fault(w, 50);
    int64_t delay_ms = rng_between(&w->random, 1, late ? w->plan.sync_late_ms : w->plan.sync_ms);
    world_after(w, delay_ms, sync_done, 0, 0, b->epoch);
}

/* The rest of the turn still collects records. */
void broker_flush(struct world *w)
{
    if (w->broker.flush_asked || w->disk.flying || w->disk.flight_end == w->disk.end)
        return;
    w->broker.flush_asked = true;
    world_after(w, rng_below(&w->random, 2), flush_now, 0, 0, w->broker.epoch);
}

/* When the disk is full to the end, the journal refuses even acks; then the published lowest number must not rise any more. */
static bool refused(struct world *w, const struct core_record *r)
{
    bool ack = r->kind == CORE_REC_DONE && w->model.event->kind == CORE_DONE;
    bool refuse = ack && w->broker.disk_full && world_fault(w, 300);
    w->broker.acks_dropped |= refuse;
    return refuse;
}

static void do_journal(struct world *w, const struct core_effect *e)
{
    bool refuse = refused(w, &e->record);
    uint64_t location = broker_append(w, &e->record);
    w->disk.at[location].lost |= refuse;
    if (!core_record_stays(e->record.kind))
        return;
    bool wrong = w->mutation == SIM_WRONG_PLACE && e->record.kind != CORE_REC_DEFINE && rng_chance(&w->random, 100);
    core_locate(w->broker.core, e, wrong && location > 1 ? location - 1 : location);
}

static void carry_out(struct world *w, const struct core_effect *e)
{
    switch (e->kind) {
    case CORE_EFFECT_DELIVER:
    case CORE_EFFECT_CALL:
    case CORE_EFFECT_LEFT:
        back_effect(w, e);
        break;
    case CORE_EFFECT_JOURNAL:
    case CORE_EFFECT_FREED:
        break;
    default:
        front_effect(w, e);
    }
}

static void trace_effect(struct world *w, const struct core_effect *e)
{
    static const char *const names[CORE_EFFECT_KIND_COUNT] = {"JOURNAL",   "SENT",     "DELIVER",    "RESULT", "DEAD",
                                                              "CANCELLED", "CALL",     "CALL_REPLY", "LEFT",   "FREED",
                                                              "ANSWER",    "RECEIVED", "GIVEN"};
    static const char *const records[CORE_REC_COUNT] = {"-",      "SEND",  "DONE",   "RELEASE", "MOVE",   "QUEUE",
                                                        "KEY",    "MARK",  "POST",   "LEASE",   "EXTEND", "TRANSFER",
                                                        "DEFINE", "PURGE", "REMOVE", "TASK"};
    bool journal = e->kind == CORE_EFFECT_JOURNAL;
    const struct core_record *r = &e->record;
    world_hash(w, (uint64_t)e->kind << 56 ^ (uint64_t)e->client << 40 ^ (uint64_t)e->worker << 24 ^ e->lease);
    world_hash(w, e->seq ^ e->call << 20 ^ e->tag << 8 ^ (uint64_t)e->send_result << 60 ^ (uint64_t)e->call_result << 50);
    if (journal)
        world_hash(w, r->number ^ r->seq << 20 ^ (uint64_t)r->kind << 60 ^ (uint64_t)r->receive_count << 40);
    if (w->trace && journal)
        world_say(w, "      %s %llu seq=%llu job=%u queue=%d count=%u", records[r->kind], (unsigned long long)r->number,
                  (unsigned long long)r->seq, job_of(&r->id), (int)r->queue, r->receive_count);
    else if (w->trace)
        world_say(w, "      %s client=%d worker=%d job=%u seq=%llu lease=%u result=%u call=%llu", names[e->kind],
                  (int)e->client, (int)e->worker, job_of(&e->id), (unsigned long long)e->seq, e->lease,
                  e->kind == CORE_EFFECT_CALL_REPLY ? e->call_result : (unsigned)e->send_result, (unsigned long long)e->call);
}

static void trace_event(struct world *w, const struct core_event *e)
{
    static const char *const names[CORE_EVENT_COUNT] = {
        "SEND",   "COMMITTED", "TICK",       "JOIN",        "CREDIT",          "HEARD",    "LEAVE",
        "GONE",   "DONE",      "GIVE_BACK",  "EXTEND",      "WATCH",           "CANCEL",   "CLIENT_GONE",
        "CALL",   "CALL_DONE", "QUEUE_SET",  "PURGE",       "REDRIVE",         "DISK",     "MOVE_BODY",
        "POST",   "RECEIVE",   "STOP",       "DELETE",      "VISIBILITY",      "CREATE",   "CHANGE",
        "REMOVE", "PURGE_ALL", "TASK_START", "TASK_CANCEL", "MOVE_DEFINITION", "MOVE_TASK"};
    world_hash(w, (uint64_t)e->kind << 56 ^ (uint64_t)e->now_ms << 20 ^ e->number);
    if (w->trace)
        world_say(w, "%s now=%lld client=%d worker=%d queue=%d job=%u seq=%llu lease=%u number=%llu delay=%lld", names[e->kind],
                  (long long)e->now_ms, (int)e->client, (int)e->worker, (int)e->queue, job_of(&e->id),
                  (unsigned long long)e->seq, e->lease, (unsigned long long)e->number, (long long)e->delay_ms);
}

void broker_step(struct world *w, struct core_event *e)
{
    struct broker *b = &w->broker;
    if (!b->up || b->crashing || w->failed)
        return;
    w->result->steps++;
    trace_event(w, e);
    model_before(w, e);
    core_step(b->core, e, &w->effects);
    model_stepped(w);
    for (size_t i = 0; i < w->effects.count; i++) {
        const struct core_effect *effect = &w->effects.at[i];
        trace_effect(w, effect);
        if (effect->kind == CORE_EFFECT_JOURNAL) /* the checker wants to know its place */
            do_journal(w, effect);
        model_effect(w, effect);
        if (effect->kind != CORE_EFFECT_JOURNAL)
            carry_out(w, effect);
    }
    model_after(w);
    if (w->result->steps % w->plan.check_each == 0)
        model_compare(w);
    if (!w->calm && rng_below(&w->random, 100000) < w->plan.broker_crash)
        b->crashing = true;
    broker_flush(w);
}

/* Twice at one moment with nothing to say means for ever. */
void broker_tick(struct world *w)
{
    struct core_event e = broker_event(w, CORE_TICK);
    broker_step(w, &e);
    bool stuck = w->effects.count == 0 && core_deadline(w->broker.core) <= broker_now(w);
    w->model.idle_ticks = stuck ? w->model.idle_ticks + 1 : 0;
    if (w->model.idle_ticks > 1)
        world_fail(w, "the deadline stays in the past, and nothing happens");
}

/* -- Lives -------------------------------------------------------------------------------------------------------------------- */
static void begin_again(struct world *w, const struct timer *t)
{
    (void)t;
    broker_start(w);
}

void broker_crash(struct world *w)
{
    struct broker *b = &w->broker;
    world_say(w, "-- the broker crashes --");
    w->result->crashes++;
    b->up = b->open = b->crashing = false;
    core_destroy(&b->core);
    disk_crash(w);
    model_crash(w);
    world_after(w, rng_between(&w->random, 1, rng_chance(&w->random, 500) ? 50 : 1500), begin_again, 0, 0, 0);
}

static void replay(struct world *w)
{
    struct broker *b = &w->broker;
    for (uint64_t place = w->disk.first; place < w->disk.end && !w->failed; place++) {
        const struct disk_record *r = disk_at(&w->disk, place);
        struct core_record mark = {.kind = CORE_REC_MARK, .number = r->record.number, .now_ms = r->record.now_ms};
        if (core_replay(b->core, r->lost ? &mark : &r->record, place) != 0)
            world_fail(w, "recovery refuses record %llu at place %llu: kind %d, job %u, seq %llu, queue %u",
                       (unsigned long long)r->record.number, (unsigned long long)place, (int)r->record.kind,
                       job_of(&r->record.id), (unsigned long long)r->record.seq, r->record.queue);
    }
    b->newest_ms = core_replayed(b->core);
}

/* The wall clock may have been set in the meantime; broker time does not go back behind the journal. */
static void set_clock(struct world *w)
{
    struct broker *b = &w->broker;
    if (rng_below(&w->random, 3) == 0)
        b->base_ms += rng_between(&w->random, -3000, 3000);
    if (broker_now(w) < b->newest_ms)
        b->base_ms = b->newest_ms - w->now_ms;
    if (w->mutation == SIM_TIME_BACK && b->newest_ms > 0)
        b->base_ms = b->newest_ms - w->now_ms - 2000;
}

static void set_queues(struct world *w)
{
    for (uint32_t q = SIM_QUEUES; q-- > 0;) { /* the dead-letter queue before the jobs' */
        const struct core_queue_attributes *known;
        struct core_queue_stats stats;
        if (w->plan.queues[q].name[0] == '\0' ||
            (core_queue_stats(w->broker.core, q, &known, &stats) && known->name[0] != '\0'))
            continue;
        struct core_event e = broker_event(w, CORE_QUEUE_SET);
        e.queue = q;
        e.attributes = &w->plan.queues[q];
        broker_step(w, &e);
    }
}

void broker_start(struct world *w)
{
    struct broker *b = &w->broker;
    struct core_config config = {.max_messages = w->plan.max_messages,
                                 .max_keys = w->plan.max_keys,
                                 .batch_max = w->plan.batch_max,
                                 .slices = w->plan.slices,
                                 .key_window_ms = w->plan.key_window_ms,
                                 .worker_silence_ms = w->plan.worker_silence_ms,
                                 .memory = {resize, w}};
    int64_t base_ms = b->base_ms;
    uint64_t epoch = b->epoch + 1;
    memset(b, 0, sizeof *b);
    b->base_ms = base_ms;
    b->epoch = epoch;
    b->core = core_create(&config);
    if (!b->core)
        abort();
    replay(w);
    set_clock(w);
    world_say(w, "-- the broker starts, life %llu, at record %llu --", (unsigned long long)epoch,
              (unsigned long long)core_number(b->core));
    b->up = true;
    model_replay(w);
    if (w->failed)
        return;
    model_compare(w);
    set_queues(w);
    b->open = true;
}
