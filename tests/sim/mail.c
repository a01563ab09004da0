/* mail.c - one seed in the mail world: the plan, the clock, steps of the core, crashes, and the calm at the end. */
#include "tests/sim/mail.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* -- Names ------------------------------------------------------------------------------------------------------------------------- */
const char *mail_name(uint32_t queue)
{
    static const char *const names[MAIL_QUEUES] = {"std", "dead", "first.fifo", "dead.fifo", "other", "other.fifo"};
    return names[queue];
}

enum core_queue_kind mail_kind(uint32_t queue) { return strstr(mail_name(queue), ".fifo") ? CORE_FIFO : CORE_STANDARD; }

struct id mail_id(uint32_t letter)
{
    struct id id = {{'l'}};
    memcpy(id.bytes + 1, &letter, sizeof letter);
    return id;
}

uint32_t mail_letter(const struct id *id)
{
    uint32_t letter;
    memcpy(&letter, id->bytes + 1, sizeof letter);
    return id->bytes[0] == 'l' && letter < MAIL_LETTERS ? letter : MAIL_NONE;
}

/* -- Telling ------------------------------------------------------------------------------------------------------------------------ */
void mail_fail(struct mail_world *w, const char *format, ...)
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
    mail_say(w, "FAILED %s", w->result->why);
}

void mail_say(struct mail_world *w, const char *format, ...)
{
    if (!w->trace)
        return;
    va_list args;
    va_start(args, format);
    fprintf(w->trace, "%9lld ", (long long)w->now_ms);
    vfprintf(w->trace, format, args);
    fputc('\n', w->trace);
    va_end(args);
}

static void hash(struct mail_world *w, uint64_t value)
{
    uint64_t x = (w->result->hash ^ value) * 0x9fb21c651e98df25u;
    w->result->hash = x ^ x >> 32;
}

bool mail_chance(struct mail_world *w, uint32_t per_mille) { return !w->calm && rng_chance(&w->random, per_mille); }

/* -- Steps -------------------------------------------------------------------------------------------------------------------------- */
struct core_event mail_event(const struct mail_world *w, enum core_event_kind kind)
{
    return (struct core_event){.kind = kind,
                               .now_ms = w->now_ms,
                               .client = CORE_NONE,
                               .worker = CORE_NONE,
                               .queue = CORE_NONE,
                               .delay_ms = -1,
                               .wait_ms = -1};
}

static void on_record(struct mail_world *w, const struct core_effect *e)
{
    const struct core_record *r = &e->record;
    mail_say(w, "      record %llu kind %d seq %llu letter %d queue %d count %u due %lld", (unsigned long long)r->number,
             (int)r->kind, (unsigned long long)r->seq, (int)mail_letter(&r->id), (int)r->queue, r->receive_count,
             (long long)r->due_ms);
    hash(w, r->number ^ r->seq << 20 ^ (uint64_t)r->kind << 56 ^ (uint64_t)r->receive_count << 40 ^ (uint64_t)r->due_ms << 8);
    mail_judge_record(w, r);
    mail_append(w, e);
    if (!w->failed)
        mail_apply(w, &w->disk.at[w->disk.end - 1], w->disk.end, true);
}

static void on_effect(struct mail_world *w, const struct core_effect *e)
{
    if (e->kind == CORE_EFFECT_JOURNAL) {
        on_record(w, e);
        return;
    }
    hash(w, e->tag ^ e->seq << 16 ^ (uint64_t)e->kind << 56 ^ e->value << 32 ^ (uint64_t)e->answer << 48);
    mail_say(w, "      effect %d client %d tag %llu about %d answer %d value %llu letter %d lease %u", (int)e->kind,
             (int)e->client, (unsigned long long)e->tag, (int)e->about, (int)e->answer, (unsigned long long)e->value,
             (int)mail_letter(&e->id), e->lease);
    if (e->kind == CORE_EFFECT_ANSWER)
        mail_judge_answer(w, e);
    else if (e->kind == CORE_EFFECT_RECEIVED)
        mail_judge_received(w, e);
    else if (e->kind == CORE_EFFECT_GIVEN)
        mail_judge_given(w, e);
    else if (e->kind != CORE_EFFECT_FREED)
        mail_fail(w, "an effect of kind %d", (int)e->kind);
}

/* Bodies that are freed are of records that stay, and each once. */
static void check_freed(struct mail_world *w, const struct core_effect *e)
{
    struct paper *p =
        e->kind == CORE_EFFECT_FREED && e->location > 0 && e->location <= w->disk.end ? &w->disk.at[e->location - 1] : NULL;
    if (e->kind == CORE_EFFECT_FREED && (!p || !core_record_stays(p->r.kind) || p->r.body.len != e->body_len))
        mail_fail(w, "a body is freed that is not there");
}

void mail_step(struct mail_world *w, struct core_event *e)
{
    if (!w->open || w->failed || w->crashing)
        return;
    w->result->steps++;
    w->event = e;
    hash(w, (uint64_t)e->kind << 56 ^ (uint64_t)e->now_ms << 8 ^ e->tag);
    mail_say(w, "event %d client %d tag %llu queue %d letter %d seq %llu lease %u delay %lld number %llu", (int)e->kind,
             (int)e->client, (unsigned long long)e->tag, (int)e->queue, (int)mail_letter(&e->id), (unsigned long long)e->seq,
             e->lease, (long long)e->delay_ms, (unsigned long long)e->number);
    core_step(w->core, e, w->effects);
    for (size_t i = 0; i < w->effects->count && !w->failed; i++) {
        check_freed(w, &w->effects->at[i]);
        on_effect(w, &w->effects->at[i]);
    }
    if (w->given_left != 0)
        mail_fail(w, "%u of what was given is missing", w->given_left);
    if (w->result->steps % w->plan.check_each == 0)
        mail_compare(w);
    if (!w->calm && rng_below(&w->random, 10000) < w->plan.crash)
        w->crashing = true;
}

void mail_catch_up(struct mail_world *w)
{
    int idle = 0;
    for (int n = 0; core_deadline(w->core) <= w->now_ms && !w->failed && !w->crashing; n++) {
        struct core_event e = mail_event(w, CORE_TICK);
        mail_step(w, &e);
        idle = w->effects->count == 0 ? idle + 1 : 0;
        if (idle > 64 || n > 5000)
            mail_fail(w, "the deadline stays in the past, and nothing happens");
    }
}

/* -- Lives -------------------------------------------------------------------------------------------------------------------------- */
static void *resize(void *self, void *old, size_t bytes)
{
    struct mail_world *w = self;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    if (w->plan.memory_fails && w->open && !w->calm && rng_chance(&w->random, 200))
        return NULL;
    return realloc(old, bytes);
}

static void start(struct mail_world *w)
{
    struct core_config config = {.max_messages = w->plan.max_messages,
                                 .max_keys = w->plan.max_keys,
                                 .batch_max = 10,
                                 .slices = 1,
                                 .key_window_ms = 1000,
                                 .worker_silence_ms = 1000000,
                                 .memory = {resize, w}};
    w->core = core_create(&config);
    if (!w->core)
        abort();
    if (mail_replay(w) != 0)
        return;
    for (uint32_t i = 0; i < w->ask_count; i++)
        w->asks[i].open = false;
    for (uint32_t i = 0; i < w->receive_count; i++)
        w->receives[i].open = false;
    for (uint32_t i = 0; i < MAIL_ATTEMPTS; i++)
        w->attempts[i].spoilt = true; /* they may hold or not: what was not on disk has no attempt */
    w->disk_full = w->exhausted = false;
    mail_remember(w);
    w->open = true;
    mail_judge_promises(w);
    mail_catch_up(w);
    mail_compare(w);
}

static void crash(struct mail_world *w)
{
    mail_say(w, "-- the broker crashes --");
    w->result->crashes++;
    w->open = w->crashing = false;
    core_destroy(&w->core);
    mail_cut(w);
    w->now_ms += rng_between(&w->random, 0, 2000);
    start(w);
}

/* -- The plan ----------------------------------------------------------------------------------------------------------------------- */
static uint32_t rate(struct rng *r, uint32_t most) { return rng_below(r, 3) == 0 ? 0 : 1 + rng_below(r, most); }

/* One tenant of one queue sends faster than anybody deletes. */
static void make_noise(struct mail_plan *p, struct rng *r)
{
    p->hot = 850;
    p->grouped = 950;
    p->deeds = 400 + rng_below(r, 200);
    p->step_ms = rng_between(r, 1, 8);
    p->jump_ms = 0;
    p->purges = p->removals = p->delayed = 0;
}

static void make_plan(struct mail_world *w)
{
    static const uint32_t each[] = {1, 4, 16, 16};
    struct mail_plan *p = &w->plan;
    struct rng *r = &w->random;
    p->deeds = 100 + rng_below(r, 500);
    p->crash = rate(r, 60);
    p->tear = rate(r, 900);
    p->sync = 200 + rng_below(r, 700);
    p->compact = rate(r, 200);
    p->changes = rate(r, 40);
    p->removals = rate(r, 15);
    p->purges = rate(r, 15);
    p->tasks = rate(r, 40);
    p->cancels = rate(r, 10);
    p->stale = rate(r, 500);
    p->visibility = rate(r, 120);
    p->waits = rate(r, 500);
    p->stops = rate(r, 20);
    p->leaves = rate(r, 10);
    p->disk = rate(r, 20);
    p->grouped = rate(r, 900);
    p->delayed = rate(r, 300);
    p->scheduled = rate(r, 30);
    p->attempts = rate(r, 400);
    p->again = rate(r, 60);
    p->step_ms = rng_between(r, 1, 200);
    p->jump_ms = rng_chance(r, 500) ? rng_between(r, 1000, 200000) : 0;
    p->memory_fails = rng_chance(r, 60);
    p->check_each = each[rng_below(r, 4)];
    p->max_messages = rng_chance(r, 80) ? 40 : 100000;
    p->max_keys = rng_chance(r, 80) ? 8 : 100000;
    if (rng_chance(r, 60))
        make_noise(p, r);
}

/* -- A run -------------------------------------------------------------------------------------------------------------------------- */
static void pass(struct mail_world *w)
{
    w->now_ms += rng_between(&w->random, 0, w->plan.step_ms);
    if (w->plan.jump_ms > 0 && mail_chance(w, 20))
        w->now_ms += rng_between(&w->random, 0, w->plan.jump_ms);
    mail_catch_up(w);
}

static void live(struct mail_world *w)
{
    for (uint32_t i = 0; i < w->plan.deeds && !w->failed; i++) {
        pass(w);
        if (!w->crashing && !w->failed)
            mail_deed(w);
        if (mail_chance(w, w->plan.sync))
            mail_sync(w);
        if (mail_chance(w, w->plan.compact) && !w->crashing && !w->failed)
            mail_compact(w);
        if (w->crashing && !w->failed)
            crash(w);
    }
}

static void settle_down(struct mail_world *w)
{
    struct core_event disk = mail_event(w, CORE_DISK);
    w->calm = true;
    mail_say(w, "-- calm --");
    w->disk_full = w->exhausted = false;
    mail_step(w, &disk);
    for (uint32_t q = 0; q < MAIL_QUEUES; q++) {
        if (!w->model.queues[q].made)
            continue;
        struct core_queue_attributes a = w->model.queues[q].a;
        a.paused = false;
        a.delay_ms = 0;
        struct core_event e = mail_event(w, CORE_QUEUE_SET);
        e.queue = w->model.queues[q].number;
        e.attributes = &a;
        mail_step(w, &e);
    }
}

static uint32_t alive(const struct mail_world *w)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->model.letter_count; i++)
        count += w->model.letters[i].alive;
    return count;
}

static void end(struct mail_world *w)
{
    settle_down(w);
    w->now_ms += 30 * 60000; /* whatever was scheduled or in flight */
    for (int round = 0; round < 300 && !w->failed && (alive(w) > 0 || round < 2); round++) {
        mail_catch_up(w);
        mail_drain(w);
        w->now_ms += 21000;
    }
    mail_catch_up(w);
    mail_sync(w);
    mail_sync(w);
    mail_compare(w);
    if (alive(w) > 0)
        mail_fail(w, "%u letters are left in the end", alive(w));
    for (uint32_t i = 0; i < w->ask_count; i++)
        if (w->asks[i].open)
            mail_fail(w, "event %d of tag %u was never answered", (int)w->asks[i].kind, i);
    for (uint32_t i = 0; i < w->receive_count; i++)
        if (w->receives[i].open && !w->receives[i].gone)
            mail_fail(w, "receive %u was never answered", i);
    mail_judge_promises(w);
}

void mail_run(const struct sim_options *options, struct sim_result *result)
{
    struct mail_world *w = calloc(1, sizeof *w);
    if (!w || !(w->effects = calloc(1, sizeof *w->effects)))
        abort();
    memset(result, 0, sizeof *result);
    w->result = result;
    w->mutation = options->mutation;
    w->trace = options->trace;
    w->random.state = options->seed * 0x2545f4914f6cdd1du + 99;
    make_plan(w);
    w->now_ms = 1 + rng_between(&w->random, 1, 1000000);
    int64_t begun_ms = w->now_ms;
    mail_say(w, "%u deeds, crash %u, %u messages and %u keys at most%s", w->plan.deeds, w->plan.crash, w->plan.max_messages,
             w->plan.max_keys, w->plan.memory_fails ? ", memory fails" : "");
    start(w);
    for (uint32_t q = 0; q < MAIL_QUEUES && !w->failed; q++)
        mail_create(w, q);
    live(w);
    if (!w->failed)
        end(w);
    result->virtual_ms = w->now_ms - begun_ms;
    core_destroy(&w->core);
    free(w->disk.at);
    free(w->effects);
    free(w);
}
