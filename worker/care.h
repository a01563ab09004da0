/* care.h - what leat-worker does for an operator instead of working: copy a store, check one. Each says on standard output what it found, or
 * on standard error why not, and returns the exit status: 0; 74 damage or I/O; 75 not now; GUARD_EXIT_HEAL: the store is being healed, try
 * again. All of it waits for the disk. */
#ifndef LEAT_WORKER_CARE_H
#define LEAT_WORKER_CARE_H

#include <stdbool.h>
#include <stdint.h>

/* A copy of the store while workers use it, or nobody: this process becomes one of the store's members for the while (guard.h). The
 * copy is recovered, checked, and ready for use. SIGTERM and SIGINT end it in good order. */
int care_backup_store(const char *store, int64_t cache_bytes, const char *target);

/* A store that nobody uses. settled: a copy made by care_backup_store, which is only read; else a copy beside it is recovered and checked,
 * and removed again. */
int care_verify_store(const char *store, bool settled);

#endif
