/* keeper.c - the housekeeping thread: five times a second a checkpoint if one is due, and chores that wait; sweeps
 * when it is time. */
#include "worker/keeper.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/guard.h"
#include "worker/sweep.h"

#define TURN_MS 200
#define SWEEP_BUDGET_US 200000 /* of a second: the rest belongs to jobs */
#define SWEEP_AGAIN_MS 1000
#define SWEEP_IDLE_MS 60000
#define CHORES_BUDGET_US 100000 /* of each turn while there is work: the rest belongs to jobs */
#define CHORES_REST_MS 10000    /* after they failed: a full disk, most likely */
#define CHORES_AGAIN_MS 1000    /* how long an expired item, or an index to be filled, may wait to be noticed */
#define REST_MS 1000            /* after a checkpoint that failed: a full disk is not filled again five times a second */

struct keeper {
    struct keeper_config config;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards stopping */
    pthread_cond_t wake;
    bool stopping;
    atomic_ullong low_seq;
    struct kv *kv;
    struct tables *tables;
    struct sweep sweep;
    int64_t swept_ms, sweep_wait_ms, chores_due_ms, rest_until_ms;
    char lock_path[PATH_MAX];
};

static void fail(const char *what, enum kv_result result)
{
    log_error("store.housekeeping", "what=%s result=\"%s\"", what, kv_result_name(result));
    if (result == KV_FATAL)
        _exit(GUARD_EXIT_AGAIN);
}

static void sweep_if_due(struct keeper *k)
{
    int64_t now_ms = clock_mono_ms();
    struct sweep_done done;
    if (now_ms - k->swept_ms < k->sweep_wait_ms)
        return;
    enum kv_result result = sweep_pass(&k->sweep, clock_wall_ms(), atomic_load(&k->low_seq), SWEEP_BUDGET_US, &done);
    if (result != KV_OK)
        fail("sweep", result);
    if (done.outcomes > 0)
        log_debug("store.swept", "outcomes=%zu", done.outcomes);
    k->swept_ms = now_ms;
    k->sweep_wait_ms = done.outcomes > 0 || done.more ? SWEEP_AGAIN_MS : k->config.outcome_retention_ms / 16;
    if (k->sweep_wait_ms < SWEEP_AGAIN_MS)
        k->sweep_wait_ms = SWEEP_AGAIN_MS;
    if (k->sweep_wait_ms > SWEEP_IDLE_MS)
        k->sweep_wait_ms = SWEEP_IDLE_MS;
}

static void do_chores_if_due(struct keeper *k)
{
    int64_t now_ms = clock_mono_ms();
    bool more;
    if (now_ms < k->chores_due_ms)
        return;
    enum kv_result result = sweep_chores(&k->sweep, clock_wall_ms(), CHORES_BUDGET_US, &more);
    if (result != KV_OK)
        fail("chores", result);
    k->chores_due_ms = now_ms + (result != KV_OK ? CHORES_REST_MS : more ? 0 : CHORES_AGAIN_MS);
}

/* Sleeps for a turn; true when the thread shall end. */
static bool wait_turn(struct keeper *k)
{
    int64_t end_us = clock_mono_us() + TURN_MS * 1000;
    struct timespec until = {.tv_sec = end_us / 1000000, .tv_nsec = end_us % 1000000 * 1000};
    pthread_mutex_lock(&k->mutex);
    while (!k->stopping && pthread_cond_timedwait(&k->wake, &k->mutex, &until) == 0)
        continue;
    bool stopping = k->stopping;
    pthread_mutex_unlock(&k->mutex);
    return stopping;
}

static void maintain(struct keeper *k)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms < k->rest_until_ms)
        return;
    enum kv_result result = kv_maintain(k->kv);
    if (result == KV_OK || result == KV_RETRY)
        return;
    fail("checkpoint", result);
    k->rest_until_ms = now_ms + REST_MS;
}

static void *run(void *self)
{
    struct keeper *k = self;
    do {
        maintain(k);
        do_chores_if_due(k);
        sweep_if_due(k);
    } while (!wait_turn(k));
    return NULL;
}

static void close_store(struct keeper *k)
{
    tables_destroy(&k->tables);
    kv_close(&k->kv);
}

static int open_store(struct keeper *k, struct err *e)
{
    struct kv_bdb_config config = {.folder = k->config.store_folder, .cache_bytes = k->config.cache_bytes};
    k->kv = kv_bdb_open(&config, e);
    if (!k->kv)
        return -1;
    k->tables = tables_create(k->kv);
    int n = snprintf(k->lock_path, sizeof k->lock_path, "%s/sweep", k->config.store_folder);
    if (!k->tables || n < 0 || (size_t)n >= sizeof k->lock_path || tables_load(k->tables) == KV_FATAL) {
        close_store(k);
        return err_set(e, ERR_UNAVAILABLE, "the housekeeping of the store cannot be set up");
    }
    k->sweep = (struct sweep){k->kv, k->tables, k->lock_path, k->config.outcome_retention_ms, 0};
    return 0;
}

static int start_thread(struct keeper *k)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return -1;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int error = pthread_cond_init(&k->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (error != 0)
        return -1;
    pthread_mutex_init(&k->mutex, NULL);
    if (pthread_create(&k->thread, NULL, run, k) == 0)
        return 0;
    pthread_mutex_destroy(&k->mutex);
    pthread_cond_destroy(&k->wake);
    return -1;
}

struct keeper *keeper_create(const struct keeper_config *config, struct err *e)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (!k) {
        err_set(e, ERR_UNAVAILABLE, "out of memory");
        return NULL;
    }
    k->config = *config;
    k->sweep_wait_ms = SWEEP_AGAIN_MS;
    k->swept_ms = clock_mono_ms();
    if (open_store(k, e) != 0) {
        free(k);
        return NULL;
    }
    if (start_thread(k) != 0) {
        err_set(e, ERR_UNAVAILABLE, "the housekeeping thread cannot be started");
        close_store(k);
        free(k);
        return NULL;
    }
    return k;
}

void keeper_destroy(struct keeper **keeper)
{
    struct keeper *k = *keeper;
    if (!k)
        return;
    pthread_mutex_lock(&k->mutex);
    k->stopping = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->mutex);
    pthread_join(k->thread, NULL);
    pthread_mutex_destroy(&k->mutex);
    pthread_cond_destroy(&k->wake);
    close_store(k);
    free(k);
    *keeper = NULL;
}

void keeper_low_seq(struct keeper *k, uint64_t low_seq) { atomic_store(&k->low_seq, low_seq); }
