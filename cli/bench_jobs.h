/* bench_jobs.h - the jobs that a load test sends: a mix of operations over so many items, or the lines of a file.
 *
 * Jobs are templates made once; a job of the mix differs from the next one of its kind in the eight digits of its item's id, which are
 * written over in place. Random, but the same in every run. */
#ifndef LEAT_CLI_BENCH_JOBS_H
#define LEAT_CLI_BENCH_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/op.h"

#define BENCH_ITEMS_MAX 100000000 /* what eight digits can tell apart */
#define BENCH_NO_ID SIZE_MAX

struct bench_job {
    struct buf json;      /* as it is posted, without a newline */
    size_t json_id_at;    /* where its digits stand; BENCH_NO_ID: nowhere */
    struct buf encoded;   /* as it travels in the queue, after bench_jobs_encode() */
    size_t encoded_id_at; /* as above */
    struct op op;         /* points into encoded */
    uint64_t up_to;       /* sum of the weights up to this one's */
};

struct bench_jobs {
    struct bench_job *at;
    size_t count;
    bool in_turn; /* lines of a file come one after the other, jobs of a mix by chance */
    size_t next;
    uint64_t random, weight;
    uint32_t items;
    size_t largest; /* bytes of JSON */
};

/* mix: "create=50,read=40,update=10", weights of operations by name. table: "NAME:KEY", KEY a string key (--table's notation). Both
 * return 0, or -1 with the reason; finish in any case. */
int bench_jobs_init_mix(struct bench_jobs *j, const char *mix, const char *table, uint32_t items, struct err *e);
int bench_jobs_init_file(struct bench_jobs *j, const char *path, struct err *e);
void bench_jobs_finish(struct bench_jobs *j);

/* Fills in what the queue itself takes: encoded and op of each job. 0, or -1 with the reason: a job that is none. */
int bench_jobs_encode(struct bench_jobs *j, struct err *e);

/* The next job; valid until the next call. */
const struct bench_job *bench_jobs_next(struct bench_jobs *j);

#endif
