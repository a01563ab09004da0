/* guard.h - heals the workers of a host when one of them dies at any moment, by members.h.
 *
 * Berkeley DB's mutexes are not robust: when a process is killed inside the library, the others hang or panic sooner or later. So
 * every worker is two processes: a guard that never opens the store, and its child that does.
 *
 *     the guard   starts the child; kills it when any member of the store has died, or when it makes no progress; starts it again
 *     the child   enters the store (guard_enter), says so (guard_ready), calls guard_progress() in its loop, leaves (guard_leave)
 *
 * When a member dies, every guard kills its own child; the first child that is started again finds nobody alive, runs recovery and
 * removes the dead files; the others find it alive and just open. The child watches for dead members in a thread of its own, too: a
 * stopped guard heals nobody. A child dies with its guard (PR_SET_PDEATHSIG). docs/decisions/0004 has the reasons and numbers. */
#ifndef LEAT_WORKER_GUARD_H
#define LEAT_WORKER_GUARD_H

#include <stdatomic.h>
#include <sys/types.h>

#include "worker/members.h"

/* One page shared by guard and child. */
struct guard_shared {
    atomic_ullong progress;  /* moves while the child is not stuck */
    atomic_bool recovering;  /* recovery is one long call: it is given RECOVERY_PATIENCE times the stall time-out */
    atomic_bool ready;       /* the store is open and the loop runs */
    atomic_ullong recovered; /* recoveries that children of this guard have run */
};

/* The child's end. */
struct guard_link {
    struct guard_shared *shared;
    const struct members *members;
    char member[MEMBER_NAME_BYTES];
    uint64_t incarnation;
    pid_t guard_pid;
    bool healed;    /* the child before this one left because another member had died, not because of its own work */
    int descriptor; /* of the membership; -1 outside */
};

struct guard_config {
    const char *store_folder; /* made if missing; its parent must exist */
    const char *name;         /* members_name_valid(): the member's and the log lines' */
    int64_t stall_ms;         /* a child that makes no progress for so long is killed */
    /* Runs in the child. SIGTERM and SIGINT are blocked there (use a signalfd); both mean: leave. Its result is the exit status:
     * 0 after a clean end, GUARD_EXIT_USAGE to end the guard, too; anything else starts it again. */
    int (*child)(void *self, struct guard_link *link);
    void *self;
};

#define GUARD_EXIT_USAGE 64
#define GUARD_EXIT_AGAIN 75
#define GUARD_EXIT_HEAL 76 /* another member has died */

/* Guards until SIGTERM or SIGINT; returns the exit status of the program. Blocks SIGTERM, SIGINT and SIGCHLD in this process. Must be
 * called before any thread is started. */
int guard_run(const struct guard_config *config);

/* -- For the child -------------------------------------------------------------------------------------------------- */

/* Becomes a member and opens the store by open(self, recover): with recovery if no other member is alive, else without, and not
 * before those that must be killed are gone. Starts the watching thread. open returns 0, or -1 with the reason: ERR_INTERNAL means
 * that the store is damaged, so the death of this child must heal all. Returns 0 or -1 with the reason: then exit.
 * Waits for others as long as it takes, with a log line each second. */
int guard_enter(struct guard_link *link, int (*open)(void *self, bool recover, struct err *e), void *self, struct err *e);
void guard_ready(struct guard_link *link);
static inline void guard_progress(struct guard_link *link)
{
    atomic_fetch_add_explicit(&link->shared->progress, 1, memory_order_relaxed);
}
/* After the store was closed cleanly, and only then. */
void guard_leave(struct guard_link *link);

#endif
