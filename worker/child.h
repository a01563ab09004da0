/* child.h - the working half of a worker: takes jobs and calls from the broker, applies them, answers.
 *
 *     turn:  process the link -> all calls in hand -> one transaction of jobs -> flush what is done -> wait
 *
 * Calls go first because somebody waits for them. One thread does all of this; housekeeping has its own (keeper.h). On SIGTERM or
 * SIGINT it leaves: takes nothing more, finishes what it holds, waits for LEFT at most LEAVE_MS, closes the store, ends its
 * membership. */
#ifndef LEAT_WORKER_CHILD_H
#define LEAT_WORKER_CHILD_H

#include <stddef.h>

#include "worker/guard.h"

struct child_config {
    const char *name, *store_folder, *queue_endpoint;
    char **tables; /* --table specs */
    size_t table_count;
    int64_t cache_bytes, outcome_retention_ms;
    int64_t echo_delay_ms; /* each echo takes so long, one after the other, with no transaction open */
    int64_t stall_ms;
};

/* For guard_config.child; self is a struct child_config. Returns the exit status. */
int child_run(void *self, struct guard_link *link);

#endif
