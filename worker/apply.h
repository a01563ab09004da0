/* apply.h - a batch of jobs becomes one transaction: the effects, the ids and the outcomes together, one commit.
 *
 * A job whose id has a recorded outcome is not run again: its recorded outcome is the answer. That is looked up only when it may
 * be so: the broker delivered the job before, or recording it found that its row exists (then the whole transaction is run again
 * with look-ups first). So the usual job costs no look-up, and none is ever applied twice.
 *
 * Jobs are applied in the order of their items' keys and recorded in the order of their outcomes' keys, so that the workers take page
 * locks in one order. Reads of many rows (list) and calls that only read take a short read-only transaction of their own.
 *
 * A deadlock victim runs again; if that happens too often, with half as many jobs. A job that cannot get through, and every job while
 * the disk is full, is given back to the queue. */
#ifndef LEAT_WORKER_APPLY_H
#define LEAT_WORKER_APPLY_H

#include "worker/table/table.h"

#define APPLY_MAX 256u /* jobs in one call */

enum apply_end {
    APPLY_NOT_YET,  /* the time slice is over: hand it in again */
    APPLY_DONE,     /* committed (or read): outcome is set */
    APPLY_GIVE_BACK /* not applied: after retry_ms */
};

struct apply_job {
    struct slice body; /* an operation; must stay valid while the job is not done */
    struct id id;      /* recorded under it, if has_id */
    uint64_t seq;      /* recorded with it; 0 for calls */
    uint64_t tag;      /* the owner's: lease or call number */
    bool has_id;
    bool again; /* may have been applied before */
    bool call;  /* may be an operation that is not for users' jobs */

    enum apply_end end;
    int64_t retry_ms;
    struct slice outcome; /* valid until the next apply_run() */
};

struct apply_counters {
    uint64_t applied, failed; /* jobs and calls done; those of them with an outcome other than succeeded */
};

struct apply_config {
    struct kv *kv;
    struct tables *tables;
    int64_t (*mono_us)(void);
    int64_t (*wall_ms)(void);
    void (*pause_us)(int64_t us);
    void (*progress)(void *self); /* called for each job: this process is not stuck */
    void *self;
};

struct apply;

struct apply *apply_create(const struct apply_config *config); /* NULL: out of memory */
void apply_destroy(struct apply **a);

/* Takes 1 to APPLY_MAX jobs whose end is APPLY_NOT_YET, commits a part of them that fits the time slice (at least one job), and sets
 * their ends. *catalog_changed is set when the key schemas may have. KV_OK, or KV_FATAL: then nothing is
 * known of these jobs and the process must leave. */
enum kv_result apply_run(struct apply *a, struct apply_job *const *jobs, size_t count, bool *catalog_changed);

void apply_counters(const struct apply *a, struct apply_counters *counters);

#endif
