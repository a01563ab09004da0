/* guard_child.c - the child's end of the guard: the way into the store and out of it, and the thread that watches the others. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/guard.h"

#define ENTER_WAIT_MS 10
#define ENTER_LOG_MS 1000
#define WATCH_MS 250 /* second line: it matters when the guard itself is stopped */

static void sleep_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* Ends the process when a member has died: the main thread may be caught in a mutex that the dead one held. */
static void *watch(void *self)
{
    const struct guard_link *link = self;
    struct members_seen seen;
    for (;; sleep_ms(WATCH_MS)) {
        /* Own file first: while it exists, the dead that are seen died after the last recovery. */
        if (members_has(link->members, link->member) && members_scan(link->members, &seen) == 0 && seen.dead > 0) {
            log_warn("worker.heal", "by=child dead=%u live=%u", seen.dead, seen.live);
            _exit(GUARD_EXIT_HEAL);
        }
    }
    return NULL;
}

static int start_watch(struct guard_link *link, struct err *e)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return err_set(e, ERR_UNAVAILABLE, "the watching thread cannot be started");
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attributes, watch, link);
    pthread_attr_destroy(&attributes);
    return error == 0 ? 0 : err_set(e, ERR_UNAVAILABLE, "the watching thread cannot be started");
}

typedef int open_store(void *self, bool recover, struct err *e);

/* Nobody is alive: whoever died, recovery mends it, and what it left is removed before the first new member shows. */
static int enter_first(struct guard_link *link, open_store *open, void *self, unsigned dead, struct err *e)
{
    int64_t start_ms = clock_mono_ms();
    atomic_store(&link->shared->recovering, true);
    int result = open(self, true, e);
    atomic_store(&link->shared->recovering, false);
    if (result != 0 || members_remove_dead(link->members, e) != 0)
        return -1;
    link->descriptor = members_join(link->members, link->member, e);
    if (link->descriptor < 0)
        return -1;
    atomic_fetch_add(&link->shared->recovered, 1);
    log_info("store.recovered", "ms=%lld dead=%u", (long long)(clock_mono_ms() - start_ms), dead);
    return 0;
}

/* Others have it open: from the moment we touch it, our death is theirs, so the membership comes first. */
static int enter_beside(struct guard_link *link, open_store *open, void *self, struct err *e)
{
    link->descriptor = members_join(link->members, link->member, e);
    if (link->descriptor < 0)
        return -1;
    if (open(self, false, e) == 0)
        return 0;
    if (e->code != ERR_INTERNAL) {
        members_leave(link->members, link->member, link->descriptor);
        link->descriptor = -1;
    }
    return -1;
}

/* One try: 1 if it must wait for others, else as guard_enter. */
static int try_enter(struct guard_link *link, open_store *open, void *self, struct members_seen *seen, struct err *e)
{
    int boot = members_boot_lock(link->members, e);
    if (boot < 0)
        return boot == MEMBERS_BUSY ? 1 : -1;
    int result = 1;
    if (members_scan(link->members, seen) != 0)
        result = err_set(e, ERR_UNAVAILABLE, "%s: the members cannot be listed", link->members->folder);
    else if (seen->live == 0)
        result = enter_first(link, open, self, seen->dead, e);
    else if (seen->dead == 0)
        result = enter_beside(link, open, self, e);
    close(boot);
    return result;
}

static bool asked_to_leave(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

int guard_enter(struct guard_link *link, open_store *open, void *self, struct err *e)
{
    assert(link->descriptor < 0);
    int64_t logged_ms = clock_mono_ms();
    struct members_seen seen = {0, 0};
    int result;
    while ((result = try_enter(link, open, self, &seen, e)) == 1) {
        if (asked_to_leave())
            return err_set(e, ERR_UNAVAILABLE, "asked to leave while waiting for the others");
        int64_t now_ms = clock_mono_ms();
        if (now_ms - logged_ms >= ENTER_LOG_MS) {
            log_info("worker.waits", "live=%u dead=%u", seen.live, seen.dead);
            logged_ms = now_ms;
        }
        guard_progress(link);
        sleep_ms(ENTER_WAIT_MS);
    }
    return result == 0 ? start_watch(link, e) : -1;
}

void guard_ready(struct guard_link *link) { atomic_store(&link->shared->ready, true); }

void guard_leave(struct guard_link *link)
{
    if (link->descriptor >= 0)
        members_leave(link->members, link->member, link->descriptor);
    link->descriptor = -1;
}
