/* apply.c - the worker's work alone: batches of jobs applied to the table store, no queue. Usage: apply FOLDER SECONDS [ROW]
 *
 * What worker/child.c does between two frames: apply_run() over Berkeley DB, effects, ids and outcomes in one synced transaction. Items are
 * spread over 100,000 ids. Prints JSON: rows of figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/id.h"
#include "worker/apply.h"

#define ITEMS 100000u
#define BATCH_MAX 250u

enum shape { CREATE, UPDATE, READ };

struct bench {
    struct kv *kv;
    struct tables *tables;
    struct apply *apply;
    struct apply_job jobs[BATCH_MAX], *refs[BATCH_MAX];
    struct buf bodies[BATCH_MAX];
    struct id_maker ids;
    uint64_t sent;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "apply: %s: %s\n", what, why);
    exit(1);
}

static void pause_us(int64_t us)
{
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static void progress(void *self) { (void)self; }

/* -- Jobs ----------------------------------------------------------------------------------------------------------------- */
static void put_key(struct buf *out, unsigned item)
{
    char text[16];
    snprintf(text, sizeof text, "%u", item);
    mp_put_text(out, "id");
    mp_put_text(out, text);
}

static void put_payload(struct buf *out, enum shape shape, unsigned item)
{
    mp_put_map(out, shape == UPDATE ? 3 : 1);
    mp_put_text(out, shape == CREATE ? "Item" : "Key");
    mp_put_map(out, shape == CREATE ? 3 : 1);
    put_key(out, item);
    if (shape == CREATE) {
        mp_put_text(out, "number");
        value_put_int(out, 5);
        mp_put_text(out, "name");
        mp_put_text(out, "Bob");
    } else if (shape == UPDATE) {
        mp_put_text(out, "UpdateExpression");
        mp_put_text(out, "ADD visits :one");
        mp_put_text(out, "ExpressionAttributeValues");
        mp_put_map(out, 1);
        mp_put_text(out, ":one");
        value_put_int(out, 1);
    }
}

static void make_job(struct bench *b, size_t i, enum shape shape, struct buf *payload)
{
    static const enum op_code codes[] = {[CREATE] = OP_CREATE, [UPDATE] = OP_UPDATE, [READ] = OP_READ};
    unsigned item = (unsigned)(++b->sent * 7919 % ITEMS);
    buf_reset(payload);
    put_payload(payload, shape, item);
    struct op op = {.code = codes[shape], .table = slice_text("lambda-apigateway"), .payload = value_of(buf_slice(payload))};
    buf_reset(&b->bodies[i]);
    op_encode(&b->bodies[i], &op);
    if (buf_failed(&b->bodies[i]))
        fail("job", "out of memory");
    b->jobs[i] = (struct apply_job){.body = buf_slice(&b->bodies[i]),
                                    .id = id_make(&b->ids, clock_wall_ms(), (uint8_t)item),
                                    .seq = b->sent,
                                    .has_id = shape != READ,
                                    .call = shape == READ};
    b->refs[i] = &b->jobs[i];
}

/* All of the batch; apply_run() may end with a part of it. */
static void run_batch(struct bench *b, size_t count)
{
    struct apply_job *left[BATCH_MAX];
    bool changed;
    memcpy(left, b->refs, count * sizeof *left);
    while (count > 0) {
        if (apply_run(b->apply, left, count, &changed) != KV_OK)
            fail("store", "damaged");
        size_t still = 0;
        for (size_t i = 0; i < count; i++)
            if (left[i]->end == APPLY_NOT_YET)
                left[still++] = left[i];
        count = still;
    }
}

static void measure(struct bench *b, const char *name, enum shape shape, size_t batch, double seconds)
{
    struct apply_counters before, after;
    struct buf payload = {0};
    apply_counters(b->apply, &before);
    int64_t start_us = clock_mono_us(), end_us = start_us + (int64_t)(seconds * 1e6), now_us = start_us, kept_us = start_us;
    for (; now_us < end_us; now_us = clock_mono_us()) {
        for (size_t i = 0; i < batch; i++)
            make_job(b, i, shape, &payload);
        run_batch(b, batch);
        if (now_us - kept_us >= 1000000) {
            kept_us = now_us;
            kv_maintain(b->kv);
        }
    }
    apply_counters(b->apply, &after);
    if (after.failed > before.failed)
        fail(name, "jobs failed");
    double jobs = (double)(after.applied - before.applied);
    printf("\"apply, %s\": {\"jobs_per_second\": %.0f, \"us_a_job\": %.2f}", name, jobs * 1e6 / (double)(now_us - start_us),
           (double)(now_us - start_us) / jobs);
    buf_finish(&payload);
}

/* -- Beginning and end ------------------------------------------------------------------------------------------------------ */
static void prepare(struct bench *b, const char *folder)
{
    struct err e = {0};
    struct kv_bdb_config config = {.folder = folder, .cache_bytes = 64 << 20, .recover = true};
    char *specs[] = {(char[]){"lambda-apigateway:id"}};
    *b = (struct bench){.kv = kv_bdb_open(&config, &e)};
    if (!b->kv)
        fail(folder, e.text);
    b->tables = tables_create(b->kv);
    if (!b->tables || tables_load(b->tables) != KV_OK || tables_ensure(b->tables, specs, 1, clock_wall_ms(), &e) != 0 ||
        id_maker_init(&b->ids) != 0)
        fail("tables", e.text);
    struct apply_config apply = {b->kv, b->tables, clock_mono_us, clock_wall_ms, pause_us, progress, NULL};
    b->apply = apply_create(&apply);
    if (!b->apply)
        fail("apply", "out of memory");
}

static void finish(struct bench *b)
{
    apply_destroy(&b->apply);
    tables_destroy(&b->tables);
    kv_close(&b->kv);
    for (size_t i = 0; i < BATCH_MAX; i++)
        buf_finish(&b->bodies[i]);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum shape shape;
        size_t batch;
    } rows[] = {{"create, one a commit", CREATE, 1},
                {"create, 100 a commit", CREATE, 100},
                {"create, 250 a commit", CREATE, 250},
                {"update, 100 a commit", UPDATE, 100},
                {"read, 100 calls at once", READ, 100}};
    size_t count = sizeof rows / sizeof *rows;
    double seconds = argc >= 3 ? strtod(argv[2], NULL) : 0;
    const char *only = argc == 4 ? argv[3] : NULL;
    static struct bench b;
    if (seconds <= 0)
        return 64;
    prepare(&b, argv[1]);
    printf("{");
    for (size_t i = 0; i < count; i++) {
        if (only && strcmp(only, rows[i].name) != 0)
            continue;
        printf("%s", i > 0 && !only ? ", " : "");
        measure(&b, rows[i].name, rows[i].shape, rows[i].batch, only ? seconds : seconds / (double)count);
    }
    printf("}\n");
    finish(&b);
    return 0;
}
