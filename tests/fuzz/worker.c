/* worker.c - frames of the broker at a worker, each a chunk: JOBS and CALLS go through the inbox into the store, once; a second delivery of
 * all of them changes nothing and is answered the same. */
#include "worker/apply.h"

#include <stdlib.h>
#include <xxhash.h>

#include "tests/fuzz/fuzz.h"
#include "worker/inbox.h"

#define HELD_MAX 64u

static int64_t clock_us;

static int64_t mono_us(void) { return clock_us += 10; }
static int64_t wall_ms(void) { return 1700000000000; }
static void pause_us(int64_t us) { clock_us += us; }
static void progress(void *self) { (void)self; }

struct stage {
    struct kv *kv;
    struct tables *tables;
    struct apply *apply;
    struct inbox jobs, calls;
};

static void open_stage(struct stage *s)
{
    char *specs[] = {(char[]){"things:id"}, (char[]){"pairs:a:S,b:N"}};
    struct err e;
    clock_us = 1000000;
    s->kv = kv_mem_create();
    s->tables = s->kv ? tables_create(s->kv) : NULL;
    fuzz_check(s->tables && tables_load(s->tables) == KV_OK && tables_ensure(s->tables, specs, 2, FUZZ_NOW_MS, &e) == 0);
    s->apply = apply_create(&(struct apply_config){
        .kv = s->kv, .tables = s->tables, .mono_us = mono_us, .wall_ms = wall_ms, .pause_us = pause_us, .progress = progress});
    fuzz_check(s->apply);
    inbox_init(&s->jobs);
    inbox_init(&s->calls);
}

static void close_stage(struct stage *s)
{
    inbox_clear(&s->jobs);
    inbox_clear(&s->calls);
    apply_destroy(&s->apply);
    tables_destroy(&s->tables);
    kv_close(&s->kv);
}

static void take_frame(struct stage *s, struct slice frame)
{
    struct msg m;
    uint64_t low_seq;
    size_t jobs = s->jobs.held, calls = s->calls.held;
    if (msg_open(frame, &m) != 0)
        return;
    if (m.kind == MSG_JOBS && msg_read_jobs(&m, &low_seq) == 0 && inbox_add_jobs(&s->jobs, &m, HELD_MAX) != 0)
        fuzz_check(s->jobs.held == jobs);
    if (m.kind == MSG_CALLS && msg_read_calls(&m) == 0 && inbox_add_calls(&s->calls, &m, HELD_MAX) != 0)
        fuzz_check(s->calls.held == calls);
    fuzz_check(s->jobs.held <= HELD_MAX && s->calls.held <= HELD_MAX);
}

/* Sum of what jobs with an id were answered, in their order. */
static uint64_t apply_all(struct stage *s, struct apply_job **jobs, size_t count)
{
    uint64_t sum = 0;
    bool changed = false;
    for (size_t i = 0; i < count; i++) {
        /* One after the other, so that the order is the same the second time. */
        while (jobs[i]->end == APPLY_NOT_YET)
            fuzz_check(apply_run(s->apply, &jobs[i], 1, &changed) == KV_OK);
        fuzz_check(jobs[i]->end == APPLY_DONE);
        fuzz_check_outcome(jobs[i]->outcome);
        if (jobs[i]->has_id)
            sum = XXH3_64bits_withSeed(jobs[i]->outcome.ptr, jobs[i]->outcome.len, sum);
    }
    return sum;
}

/* The same id twice in one batch must not be: the broker knows each once. */
static bool ids_differ(struct apply_job *const *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (jobs[i]->has_id && jobs[k]->has_id && id_equal(&jobs[i]->id, &jobs[k]->id))
                return false;
    return true;
}

static void together(struct stage *s, struct apply_job **jobs, size_t count)
{
    bool changed = false;
    for (size_t i = 0; i < count; i++)
        jobs[i]->end = APPLY_NOT_YET;
    fuzz_check(apply_run(s->apply, jobs, count, &changed) == KV_OK);
    size_t ended = 0;
    for (size_t i = 0; i < count; i++)
        if (jobs[i]->end == APPLY_DONE) {
            ended++;
            fuzz_check_outcome(jobs[i]->outcome);
        }
    fuzz_check(ended > 0);
}

void fuzz_worker(struct slice input)
{
    struct stage s = {0};
    struct apply_job *jobs[2 * HELD_MAX];
    open_stage(&s);
    while (fuzz_more(&input))
        take_frame(&s, fuzz_chunk(&input));
    size_t count = inbox_next(&s.jobs, jobs, HELD_MAX, NULL, NULL);
    fuzz_check(count == s.jobs.held);
    count += inbox_next(&s.calls, jobs + count, HELD_MAX, NULL, NULL);
    uint64_t first = apply_all(&s, jobs, count);
    for (size_t i = 0; i < count; i++) {
        jobs[i]->end = APPLY_NOT_YET;
        jobs[i]->again = i % 2; /* the store tells by itself, too */
    }
    fuzz_check(apply_all(&s, jobs, count) == first);
    if (count > 0 && ids_differ(jobs, count))
        together(&s, jobs, count);
    inbox_drop_ended(&s.jobs);
    inbox_drop_ended(&s.calls);
    close_stage(&s);
}
