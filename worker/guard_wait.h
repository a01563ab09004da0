/* guard_wait.h - what a guard sleeps on: its signals, and changes among the members.
 *
 * The kernel says when a member's file is closed (inotify), so that a death is seen at once and an idle guard need not look again and again.
 * It says so a moment before the lock of the dead is free: after a change the guard is woken every few milliseconds for a while. Where the
 * kernel gives no such watch (too many of them, a file system without), the guard is woken often enough to do without. */
#ifndef LEAT_WORKER_GUARD_WAIT_H
#define LEAT_WORKER_GUARD_WAIT_H

#include <stdint.h>

struct guard_wait {
    int signals, changes; /* signalfd; inotify, or -1 */
    int64_t quick_ms;     /* monotonic: until then a change is near */
};

/* SIGTERM, SIGINT and SIGCHLD must be blocked. 0, or -1 with errno. */
int guard_wait_init(struct guard_wait *w, const char *members_folder);
void guard_wait_finish(struct guard_wait *w);

/* Blocks until a signal, a change, or the time to look again has come, `most_ms` at most. Returns the signal's number, or 0. */
int guard_wait(struct guard_wait *w, int64_t most_ms);

#endif
