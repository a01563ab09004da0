/* apply_fixture.h - what tests of worker/apply share: a store that may fail, two tables, a clock of their own, and jobs.
 *
 * Tables: things (id: S) and pairs (a: S, b: N). The clock moves by what a pause asks for, and by apply_step_us with each job. */
#ifndef LEAT_TESTS_LIB_APPLY_FIXTURE_H
#define LEAT_TESTS_LIB_APPLY_FIXTURE_H

#include "tests/lib/kv_faulty.h"
#include "worker/apply.h"

#define FIXTURE_JOBS 300

struct fixture {
    struct faulty store;
    struct tables *tables;
    struct apply *apply;
    unsigned progress;
    struct apply_job jobs[FIXTURE_JOBS], *refs[FIXTURE_JOBS];
    struct buf bodies[FIXTURE_JOBS];
    size_t count;
    bool changed; /* by the last fixture_run() */
};

extern int64_t apply_now_us, apply_step_us;

int fixture_setup(void **state);
int fixture_teardown(void **state);

struct id id_of(unsigned n); /* the n-th id; its slice is scattered so that the order of ids is not the order of rows */

/* Append a job with id_of(n): its body is written to what new_job() returns, then close_job(). */
struct buf *new_job(struct fixture *f, unsigned n);
void close_job(struct fixture *f);
void put_op(struct buf *b, enum op_code code, const char *table, const struct buf *payload);
void add_create(struct fixture *f, unsigned n, const char *key);
void add_increment(struct fixture *f, unsigned n, const char *key); /* adds 1 to n: what must not happen twice */
void add_plain(struct fixture *f, unsigned n, enum op_code code, const char *table); /* payload {} */

void fixture_run(struct fixture *f); /* all jobs at once; must not be fatal */
size_t count_ends(const struct fixture *f, enum apply_end end);
struct outcome outcome_of(const struct fixture *f, size_t i);
void expect_failed(const struct fixture *f, size_t i, enum err_code code);
void expect_succeeded(const struct fixture *f, size_t i);

/* By a call of their own; the jobs of before are forgotten. */
int64_t read_counter(struct fixture *f, const char *key); /* attribute n of an item; -1: no such item */
struct outcome look_up(struct fixture *f, unsigned n);    /* what a LOOKUP of the id answers */

#endif
