/* apply.c - what to do with a batch: its order, its time slice, and what happens when a try fails. */
#include "worker/apply.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/apply_parts.h"

#define TRIES 10u              /* of one set of jobs before it is halved */
#define PAUSE_MAX_US 3000      /* between tries: others hold their locks for about a millisecond */
#define LONE_JOB_US 1000000    /* a single job is tried so long */
#define RETRY_CONTENDED_MS 100 /* then given back */
#define RETRY_FULL_MS 1000
#define FULL_LOG_US 1000000

struct apply *apply_create(const struct apply_config *config)
{
    struct apply *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->config = *config;
    a->random = (uint64_t)config->mono_us() * 0x9e3779b97f4a7c15u | 1;
    buf_init(&a->keys);
    buf_init(&a->outcomes);
    buf_init(&a->scratch);
    return a;
}

void apply_destroy(struct apply **a)
{
    if (!*a)
        return;
    buf_finish(&(*a)->keys);
    buf_finish(&(*a)->outcomes);
    buf_finish(&(*a)->scratch);
    free(*a);
    *a = NULL;
}

void apply_counters(const struct apply *a, struct apply_counters *counters) { *counters = a->counters; }

/* A moment that differs from process to process, so that those who collided do not do so again. */
static void pause_a_little(struct apply *a, unsigned tries)
{
    int64_t most_us = 100ll << (tries < 5 ? tries : 5);
    a->random ^= a->random << 13;
    a->random ^= a->random >> 7;
    a->random ^= a->random << 17;
    a->config.pause_us((int64_t)(a->random % (uint64_t)(most_us < PAUSE_MAX_US ? most_us : PAUSE_MAX_US)));
    a->config.progress(a->config.self);
}

/* -- The order of a batch ---------------------------------------------------------------------------------------------------- */

static bool is_control(const struct apply_work *w) { return w->readable && w->job->call && table_changes_catalog(w->op.code); }

static int compare_keys(const void *left, const void *right, void *self)
{
    const struct apply *a = self;
    const struct apply_work *l = *(const struct apply_work *const *)left, *r = *(const struct apply_work *const *)right;
    if (l->control != r->control)
        return l->control ? -1 : 1;
    if (l->key_head != r->key_head)
        return l->key_head < r->key_head ? -1 : 1;
    int order = slice_compare(buf_part(&a->keys, l->key_at, l->key_len), buf_part(&a->keys, r->key_at, r->key_len));
    return order != 0 ? order : l < r ? -1 : l > r;
}

/* Shorter keys end with zeros here; those that are equal so are compared to the end. */
static uint64_t head_of(struct slice key)
{
    uint64_t head = 0;
    memcpy(&head, key.ptr, key.len < sizeof head ? key.len : sizeof head);
    return be64toh(head);
}

static void prepare(struct apply *a, struct apply_job *const *jobs, size_t count)
{
    buf_reset(&a->keys);
    buf_reset(&a->outcomes);
    for (size_t i = 0; i < count; i++) {
        struct apply_work *w = &a->work[i];
        *w = (struct apply_work){.job = jobs[i], .key_at = a->keys.len};
        assert(jobs[i]->end == APPLY_NOT_YET);
        w->readable = op_decode(jobs[i]->body, &w->op) == 0;
        if (w->readable)
            table_sort_key(a->config.tables, &w->op, &a->keys);
        w->key_len = a->keys.len - w->key_at;
        w->control = is_control(w);
        a->by_key[i] = w;
    }
    for (size_t i = 0; i < count; i++) {
        struct apply_work *w = &a->work[i];
        if (buf_failed(&a->keys)) /* unordered is slower, not wrong */
            w->key_len = 0;
        else if (w->key_len > 0)
            w->key_head = head_of(buf_part(&a->keys, w->key_at, w->key_len));
    }
    qsort_r(a->by_key, count, sizeof *a->by_key, compare_keys, a);
}

/* -- Ends --------------------------------------------------------------------------------------------------------------------- */

static void give_back(struct apply *a, size_t count, int64_t retry_ms)
{
    for (size_t i = 0; i < count; i++) {
        a->by_key[i]->job->end = APPLY_GIVE_BACK;
        a->by_key[i]->job->retry_ms = retry_ms;
    }
}

static void finish_one(struct apply *a, struct apply_work *w)
{
    w->job->end = APPLY_DONE;
    w->job->outcome = buf_part(&a->outcomes, w->outcome_at, w->outcome_len);
    struct mp_reader r = mp_reader_of(w->job->outcome);
    mp_array(&r, 3);
    a->counters.applied++;
    a->counters.failed += mp_uint(&r, UINT64_MAX) != OUTCOME_SUCCEEDED;
}

static void log_full(struct apply *a, size_t count)
{
    int64_t now_us = a->config.mono_us();
    if (a->full_logged_us != 0 && now_us - a->full_logged_us < FULL_LOG_US)
        return;
    a->full_logged_us = now_us;
    log_error("store.full", "jobs=%zu action=\"given back\"", count);
}

/* -- Reading ahead ------------------------------------------------------------------------------------------------------------- */

static enum kv_result read_with_retries(struct apply *a, struct apply_work *w, struct kv_txn **txn, bool *catalog_changed)
{
    enum kv_result result = apply_read(a, w, txn, catalog_changed);
    for (unsigned tries = 1; tries < TRIES && result == KV_RETRY; tries++) {
        pause_a_little(a, tries);
        result = apply_read(a, w, txn, catalog_changed);
    }
    return result;
}

/* Runs the reading operations among by_key[0..*count), within the slice; each by itself is true at its moment, they need not be at
 * one. What need not be recorded is taken out of by_key; what cannot be read now is given back. */
static enum kv_result read_ahead(struct apply *a, size_t *count, int64_t start_us, bool *catalog_changed)
{
    size_t kept = 0;
    struct kv_txn *txn = NULL;
    enum kv_result result = KV_OK;
    for (size_t i = 0; i < *count && result != KV_FATAL; i++) {
        struct apply_work *w = a->by_key[i];
        if (!apply_reads_ahead(w)) {
            a->by_key[kept++] = w;
            continue;
        }
        if (i > 0 && (a->outcomes.len > APPLY_SLICE_BYTES || a->config.mono_us() - start_us > APPLY_SLICE_US))
            continue; /* stays NOT_YET */
        result = read_with_retries(a, w, &txn, catalog_changed);
        if (result != KV_OK) {
            w->job->end = APPLY_GIVE_BACK;
            w->job->retry_ms = RETRY_CONTENDED_MS;
        } else if (w->job->has_id) {
            a->by_key[kept++] = w;
        }
    }
    kv_abort(&txn);
    *count = kept;
    return result == KV_FATAL ? result : KV_OK;
}

/* The reads that need no record end when nothing can move the buffer of outcomes any more. */
static void finish_reads(struct apply *a, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a->work[i].read && !a->work[i].job->has_id)
            finish_one(a, &a->work[i]);
}

/* -- The transaction ------------------------------------------------------------------------------------------------------------ */

static bool any_again(const struct apply *a, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a->by_key[i]->job->again && a->by_key[i]->job->has_id)
            return true;
    return false;
}

/* Tries by_key[0..count) until some of it is committed, or given back. */
static enum kv_result commit_some(struct apply *a, size_t count, int64_t start_us, bool *catalog_changed)
{
    bool control = a->by_key[0]->control;
    size_t most = control ? 1 : count;
    bool look_up = any_again(a, count);
    int64_t lone_since_us = 0;
    for (unsigned tries = 1;; tries++) {
        size_t part = most;
        enum kv_result result = apply_try(a, &part, look_up, start_us, catalog_changed);
        if (result == KV_OK) {
            for (size_t i = 0; i < part; i++)
                finish_one(a, a->by_key[i]);
            *catalog_changed |= control;
            return KV_OK;
        }
        if (result == KV_FATAL)
            return result;
        if (result == KV_FULL) {
            log_full(a, count);
            give_back(a, count, RETRY_FULL_MS);
            return KV_OK;
        }
        look_up |= result == KV_EXISTS;
        start_us = a->config.mono_us();
        if (most == 1 && lone_since_us == 0)
            lone_since_us = start_us;
        if (most == 1 && start_us - lone_since_us > LONE_JOB_US) {
            give_back(a, 1, RETRY_CONTENDED_MS);
            return KV_OK;
        }
        if (tries % TRIES == 0 && most > 1)
            most /= 2;
        pause_a_little(a, tries % TRIES);
    }
}

enum kv_result apply_run(struct apply *a, struct apply_job *const *jobs, size_t count, bool *catalog_changed)
{
    assert(count > 0 && count <= APPLY_MAX);
    int64_t start_us = a->config.mono_us();
    size_t writes = count;
    prepare(a, jobs, count);
    enum kv_result result = read_ahead(a, &writes, start_us, catalog_changed);
    a->tried_from = a->outcomes.len;
    if (result == KV_OK && writes > 0)
        result = commit_some(a, writes, start_us, catalog_changed);
    if (result == KV_OK)
        finish_reads(a, count);
    return result;
}
