/* world.c - the clock, the timers, the frames, and the one loop that everything happens in. */
#include "tests/sim/mail.h"
#include "tests/sim/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 400000u /* a run that needs more turns in circles */

struct sim {
    struct world world;
};

/* -- Telling ------------------------------------------------------------------------------------------------------------------ */
void world_fail(struct world *w, const char *format, ...)
{
    if (w->failed)
        return;
    va_list args;
    va_start(args, format);
    int n = snprintf(w->result->why, sizeof w->result->why, "at %lld ms, step %llu: ", (long long)w->now_ms,
                     (unsigned long long)w->result->steps);
    vsnprintf(w->result->why + n, sizeof w->result->why - (size_t)n, format, args);
    va_end(args);
    w->failed = w->result->failed = true;
    world_say(w, "FAILED %s", w->result->why);
}

void world_say(struct world *w, const char *format, ...)
{
    if (!w->trace)
        return;
    va_list args;
    va_start(args, format);
    fprintf(w->trace, "%8lld ", (long long)w->now_ms);
    vfprintf(w->trace, format, args);
    fputc('\n', w->trace);
    va_end(args);
}

void world_hash(struct world *w, uint64_t value)
{
    uint64_t x = (w->result->hash ^ value) * 0x9fb21c651e98df25u;
    w->result->hash = x ^ x >> 32;
}

bool world_fault(struct world *w, uint32_t per_mille) { return !w->calm && rng_chance(&w->random, per_mille); }

bool world_step_was_full(const struct world *w)
{
    uint32_t records = 0;
    for (size_t i = 0; i < w->effects.count; i++)
        records += w->effects.at[i].kind == CORE_EFFECT_JOURNAL;
    return records >= CORE_RECORDS_ENOUGH || w->effects.count > CORE_EFFECTS_MAX - 64u;
}

/* -- Timers: a binary heap ------------------------------------------------------------------------------------------------------ */
static bool sooner(const struct timer *a, const struct timer *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void world_after(struct world *w, int64_t delay_ms, void (*fire)(struct world *, const struct timer *), uint32_t who,
                 uint32_t frame, uint64_t epoch)
{
    if (w->timer_count == w->timer_cap) {
        w->timer_cap = w->timer_cap ? 2 * w->timer_cap : 1024;
        w->timers = realloc(w->timers, w->timer_cap * sizeof *w->timers);
        if (!w->timers)
            abort();
    }
    struct timer t = {w->now_ms + delay_ms, w->timer_order++, fire, who, frame, epoch};
    uint32_t at = w->timer_count++;
    for (; at > 0 && sooner(&t, &w->timers[(at - 1) / 2]); at = (at - 1) / 2)
        w->timers[at] = w->timers[(at - 1) / 2];
    w->timers[at] = t;
}

static struct timer next_timer(struct world *w)
{
    struct timer first = w->timers[0], last = w->timers[--w->timer_count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < w->timer_count; at = child) {
        if (child + 1 < w->timer_count && sooner(&w->timers[child + 1], &w->timers[child]))
            child++;
        if (!sooner(&w->timers[child], &last))
            break;
        w->timers[at] = w->timers[child];
    }
    if (w->timer_count > 0)
        w->timers[at] = last;
    return first;
}

/* -- Frames: a pool -------------------------------------------------------------------------------------------------------------- */
static void more_frames(struct world *w)
{
    uint32_t cap = w->frame_cap ? 2 * w->frame_cap : 64;
    w->frames = realloc(w->frames, cap * sizeof *w->frames);
    if (!w->frames)
        abort();
    for (; w->frame_cap < cap; w->frame_cap++) {
        w->frames[w->frame_cap] = malloc(sizeof **w->frames);
        if (!w->frames[w->frame_cap])
            abort();
    }
}

uint32_t frame_new(struct world *w, enum frame_kind kind, uint32_t count)
{
    uint32_t i = w->frame_free;
    if (i != CORE_NONE) {
        w->frame_free = w->frames[i]->next_free;
    } else {
        i = w->frame_used++;
        if (i == w->frame_cap)
            more_frames(w);
    }
    struct frame *f = frame_at(w, i);
    assert(count <= SIM_ENTRIES);
    f->kind = kind;
    f->count = count;
    f->conn = 0;
    f->handle = CORE_NONE;
    f->instance = 0;
    memset(f->at, 0, (count > 0 ? count : 1) * sizeof f->at[0]);
    return i;
}

void frame_free(struct world *w, uint32_t frame)
{
    frame_at(w, frame)->next_free = w->frame_free;
    w->frame_free = frame;
}

/* -- Making a world ----------------------------------------------------------------------------------------------------------------- */
static void make_job(struct world *w, uint32_t i)
{
    struct job *j = &w->jobs[i];
    const struct plan *p = &w->plan;
    struct rng *r = &w->random;
    memset(j, 0, sizeof *j);
    for (uint32_t b = 0; b < ID_BYTES; b++)
        j->id.bytes[b] = (unsigned char)rng_next(r);
    j->id.bytes[0] = (unsigned char)i;
    j->id.bytes[1] = (unsigned char)(i >> 8);
    j->id.bytes[2] = (unsigned char)(i >> 16);
    j->client = i % p->clients;
    bool hot = rng_chance(r, p->hot);
    j->group = rng_chance(r, p->grouped) ? 1 + rng_below(r, hot ? SIM_HOT_GROUPS : p->groups) : 0;
    if (j->group > 0)
        j->id.bytes[ID_BYTES - 1] = (unsigned char)w->group_numbers[j->group];
    j->queue = rng_chance(r, p->nowhere) ? SIM_QUEUE_NONE : rng_chance(r, p->other) ? SIM_QUEUE_OTHER : SIM_QUEUE_JOBS;
    j->key = rng_chance(r, p->keyed) ? rng_below(r, SIM_KEYS) : CORE_NONE;
    j->body_hash = rng_below(r, 3) == 0 ? rng_next(r) : j->key;
    j->delay_ms = rng_chance(r, p->delayed) ? rng_between(r, 1, 2000) : 0;
    j->wait = rng_chance(r, p->waited);
    j->poison = j->queue == SIM_QUEUE_JOBS && rng_chance(r, p->poison);
    j->body_len = 8 + rng_below(r, SIM_BODY_BYTES - 7);
    for (uint32_t b = 0; b < j->body_len; b++)
        j->body[b] = (unsigned char)(i * 31 + b * 7);
    j->message.before = j->message.after = CORE_NONE;
}

static void begin_calm(struct world *w, const struct timer *t)
{
    (void)t;
    w->calm = true;
    world_say(w, "-- calm --");
    admin_calm(w);
}

static void make_world(struct world *w)
{
    plan_make(&w->plan, &w->random);
    w->now_ms = 0;
    w->calm = w->failed = false;
    w->timer_count = w->frame_used = 0;
    w->timer_order = 0;
    w->frame_free = CORE_NONE;
    w->conns = 0;
    w->group_numbers[0] = 0;
    for (uint32_t g = 1; g <= SIM_GROUPS; g++)
        w->group_numbers[g] = rng_next(&w->random) | 1;
    w->job_count = w->unsettled = w->plan.jobs;
    for (uint32_t i = 0; i < w->job_count; i++)
        make_job(w, i);
    memset(w->clients, 0, sizeof w->clients);
    memset(&w->broker, 0, sizeof w->broker);
    memset(&w->model, 0, sizeof w->model);
    disk_clear(&w->disk);
    w->broker.base_ms = rng_between(&w->random, 1, 1000000);
    disk_begin(w);
    broker_start(w);
    clients_start(w);
    workers_start(w);
    compact_start(w);
    admin_start(w);
    world_after(w, w->plan.faults_ms, begin_calm, 0, 0, 0);
}

/* -- Running it ---------------------------------------------------------------------------------------------------------------------- */
static bool settled(const struct world *w)
{
    return w->calm && w->unsettled == 0 && w->broker.up && w->model.working == 0 && w->model.calls_open == 0 &&
           w->disk.synced == w->disk.end;
}

static void run_one(struct world *w)
{
    int64_t tick_ms = INT64_MAX;
    if (w->broker.up) {
        int64_t deadline_ms = core_deadline(w->broker.core);
        tick_ms = deadline_ms == INT64_MAX ? INT64_MAX : deadline_ms - w->broker.base_ms;
    }
    if (tick_ms <= w->now_ms || w->timer_count == 0 || tick_ms < w->timers[0].at_ms) {
        w->now_ms = tick_ms > w->now_ms ? tick_ms : w->now_ms;
        broker_tick(w);
    } else {
        struct timer t = next_timer(w);
        w->now_ms = t.at_ms;
        t.fire(w, &t);
    }
    if (w->broker.crashing)
        broker_crash(w);
}

void sim_run(struct sim *s, const struct sim_options *options, struct sim_result *result)
{
    struct world *w = &s->world;
    if (options->mail) {
        mail_run(options, result);
        return;
    }
    memset(result, 0, sizeof *result);
    w->result = result;
    w->mutation = options->mutation;
    w->trace = options->trace;
    w->random.state = options->seed * 0x2545f4914f6cdd1du + 1;
    make_world(w);
    uint64_t turns = 0;
    while (!w->failed && !settled(w)) {
        run_one(w);
        if (w->now_ms > w->plan.faults_ms + SIM_CALM_MAX_MS || ++turns > STEPS_MAX)
            world_fail(w, "no end: %u jobs unsettled, %llu messages, %llu calls", w->unsettled,
                       (unsigned long long)w->model.working, (unsigned long long)w->model.calls_open);
    }
    if (!w->failed)
        model_end(w);
    result->virtual_ms = w->now_ms;
    for (uint32_t i = 0; i < w->job_count; i++)
        result->applied += w->jobs[i].outcome.applied;
    core_destroy(&w->broker.core);
}

struct sim *sim_create(void)
{
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->world.jobs = malloc(SIM_JOBS_MAX * sizeof *s->world.jobs);
    if (!s->world.jobs || disk_init(&s->world.disk) != 0)
        sim_destroy(&s);
    return s;
}

void sim_destroy(struct sim **s)
{
    if (!*s)
        return;
    struct world *w = &(*s)->world;
    free(w->jobs);
    free(w->timers);
    for (uint32_t i = 0; i < w->frame_cap; i++)
        free(w->frames[i]);
    free(w->frames);
    disk_finish(&w->disk);
    free(*s);
    *s = NULL;
}
