/* keeper.h - housekeeping of the store in a thread of its own, so that jobs never wait for a checkpoint or a sweep.
 *
 * The thread has its own handle of the store and its own table engine, as another process would; it shares nothing with the main
 * thread but the numbers below. Each of a host's workers has one; lock files let one at a time do each kind of work. */
#ifndef LEAT_WORKER_KEEPER_H
#define LEAT_WORKER_KEEPER_H

#include <stdint.h>

#include "common/err.h"

struct keeper;

struct keeper_config {
    const char *store_folder;
    int64_t cache_bytes, outcome_retention_ms;
};

/* After the store was opened by the main thread (guard_enter). When the store turns out to be damaged, the thread ends the process
 * with GUARD_EXIT_AGAIN. NULL with the reason. */
struct keeper *keeper_create(const struct keeper_config *config, struct err *e);
/* Waits for what it does at the moment (a checkpoint may take a second) and closes its handle. */
void keeper_destroy(struct keeper **k);

/* The lowest sequence number that the broker still knows, as of its latest JOBS. */
void keeper_low_seq(struct keeper *k, uint64_t low_seq);

#endif
