/* apply_parts.h - what apply.c (policy: slices, retries) and apply_txn.c (one try) share; nobody else includes it. */
#ifndef LEAT_WORKER_APPLY_PARTS_H
#define LEAT_WORKER_APPLY_PARTS_H

#include "worker/apply.h"

#define APPLY_SLICE_US 50000 /* then what is applied is committed, so that locks and acknowledgements do not wait */
#define APPLY_SLICE_BYTES (8u * 1024u * 1024u) /* of outcomes and index entries in one transaction: bounds memory and log */

/* A job in work. */
struct apply_work {
    struct apply_job *job;
    struct op op;
    bool readable;                  /* op could be decoded */
    bool read;                      /* read ahead of the transaction: the outcome is read_at, read_len */
    bool recorded;                  /* found recorded by this try */
    size_t key_at, key_len;         /* sort key in apply.keys */
    uint64_t key_head;              /* its first 8 bytes as a number: nearly always enough to compare */
    bool control;                   /* changes the catalog: runs first, and alone */
    size_t read_at, read_len;       /* in apply.outcomes, before apply.tried_from */
    size_t outcome_at, outcome_len; /* in apply.outcomes: of this try */
};

struct apply {
    struct apply_config config;
    struct apply_counters counters;
    struct apply_work work[APPLY_MAX];    /* as they came */
    struct apply_work *by_key[APPLY_MAX]; /* in the order of their items' keys */
    struct apply_work *by_id[APPLY_MAX];  /* scratch: a part of them in the order of their outcomes' keys */
    struct buf keys, outcomes, scratch;
    size_t tried_from; /* where in outcomes a try begins to write */
    uint64_t random;
    int64_t full_logged_us; /* monotonic; 0: never */
};

/* True for what only reads and is run ahead, without the transaction that records it. */
bool apply_reads_ahead(const struct apply_work *w);

/* Runs one reading operation in *txn, a reading transaction that is opened where it is NULL and ended when it is of no more use. */
enum kv_result apply_read(struct apply *a, struct apply_work *w, struct kv_txn **txn, bool *catalog_changed);

/* One try: applies and records by_key[0..*count) in one transaction; *count is lowered to what fitted the slice. look_up: ask for
 * recorded outcomes first. KV_OK: committed. Else it was aborted; KV_EXISTS: an id was recorded before, try with look_up. */
enum kv_result apply_try(struct apply *a, size_t *count, bool look_up, int64_t start_us, bool *catalog_changed);

#endif
