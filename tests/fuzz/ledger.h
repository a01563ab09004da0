/* ledger.h - a core for the fuzzer with its records in a list: steps that are checked, restarts that are compared with what there was before,
 * crashes that lose what was not committed, compaction that copies what is needed of the beginning and gives that up.
 *
 * One at a time: ledger_begin() -> ledger_step() and the others -> ledger_end(), which restarts a last time. */
#ifndef LEAT_TESTS_FUZZ_LEDGER_H
#define LEAT_TESTS_FUZZ_LEDGER_H

#include "queue/core/core.h"
#include "tests/fuzz/fuzz.h"

#define LEDGER_GIVEN_MAX 256u

/* A message as it was given to a client, or to a worker. */
struct ledger_given {
    uint32_t queue, lease, worker; /* worker CORE_NONE: a client */
    uint64_t seq;
};

struct ledger {
    struct core *core;
    int64_t now_ms; /* moved by the caller */
    bool exhausted; /* as the last CORE_DISK said: see ledger_disk() */
    bool full;      /* there is no place for many more records: time to end */
    uint32_t given_count;
    struct ledger_given given[LEDGER_GIVEN_MAX];
};
extern struct ledger ledger;

void ledger_begin(void); /* with leat's own queues, 0: jobs, 1: dead */
void ledger_end(void);
void ledger_step(struct core_event event); /* now_ms is set here */
void ledger_disk(bool full, bool exhausted);
void ledger_settle(void);          /* until nothing is due */
void ledger_commit(void);          /* all that was said, and what that brings about */
void ledger_restart(bool crash);   /* crash: what was not committed is lost */
void ledger_compact(size_t count); /* the oldest so many records */

#endif
