/* sweep.h - removes outcomes that nobody needs any more, and does the table engine's work in the background. One process of a
 * store at a time does both.
 *
 * An outcome may go when it is older than the retention AND its message can never be delivered again: its seq lies below the
 * lowest one that the broker still knows (every JOBS frame carries it). Without the second condition a job that was redelivered
 * late would be applied twice. */
#ifndef LEAT_WORKER_SWEEP_H
#define LEAT_WORKER_SWEEP_H

#include "worker/table/table.h"

struct sweep {
    struct kv *kv;
    struct tables *tables;
    const char *lock_path; /* STORE/sweep */
    int64_t retention_ms;
    unsigned slice; /* where the next pass goes on */
};

struct sweep_done {
    size_t outcomes; /* removed */
    bool more;       /* the pass ended with work left: come again soon */
};

/* One pass: until all slices were walked, or budget_us is used up (checked between transactions of at most 500 rows). low_seq 0: not
 * known yet, outcomes stay. KV_OK also when another process sweeps, or a deadlock ended the pass early. */
enum kv_result sweep_pass(struct sweep *s, int64_t wall_ms, uint64_t low_seq, int64_t budget_us, struct sweep_done *done);

/* The table engine's chores (table.h), step by step until none waits, or budget_us is used up; *more: some are left. KV_OK also when
 * another process does them, or deadlocks ended the pass early. */
enum kv_result sweep_chores(struct sweep *s, int64_t wall_ms, int64_t budget_us, bool *more);

#endif
