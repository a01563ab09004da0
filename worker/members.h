/* members.h - who has the store open: one file for each process in STORE/members, locked with flock(2) as long as it lives.
 *
 * The kernel drops a flock on any death of its holder, so a member file that exists and is not locked belongs to a member that died
 * without leaving. (Process ids would not do: they are used again, and mean nothing across containers that share the folder.)
 *
 *     join:   create .new.NAME.INCARNATION, lock it exclusively, rename it to NAME.INCARNATION: never visible unlocked
 *     leave:  unlink it while it is locked
 *     test:   open, take a shared lock without waiting: refused means alive; granted means dead, unless it was unlinked meanwhile
 *
 * Joining, recovery and the removal of dead files happen under the exclusive lock of STORE/boot.lock. Nothing here waits. */
#ifndef LEAT_WORKER_MEMBERS_H
#define LEAT_WORKER_MEMBERS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

#define MEMBER_NAME_BYTES 100 /* NAME.INCARNATION and its NUL: LIMIT_PEER_NAME_BYTES and 16 hexadecimal digits fit */

struct members {
    char folder[PATH_MAX]; /* STORE/members */
    char boot[PATH_MAX];   /* STORE/boot.lock */
};

/* Makes STORE (0700) and STORE/members where they are missing. 0 or -1 with the reason. */
int members_init(struct members *m, const char *store_folder, struct err *e);

/* The file name of a member. Names are 1 to LIMIT_PEER_NAME_BYTES of letters, digits, '.', '_', '-', not starting with '.'. */
bool members_name_valid(const char *name);
void members_name(char out[static MEMBER_NAME_BYTES], const char *name, uint64_t incarnation);

struct members_seen {
    unsigned live, dead;
};

/* Counts the members. 0, or -1 if the folder cannot be read (or no descriptor is left). */
int members_scan(const struct members *m, struct members_seen *seen);
bool members_has(const struct members *m, const char *member);  /* its file exists */
bool members_died(const struct members *m, const char *member); /* its file exists, and nobody holds it */

/* The boot lock. Returns a descriptor to close when done, MEMBERS_BUSY if another process holds it, -1 with the reason. */
#define MEMBERS_BUSY (-2)
int members_boot_lock(const struct members *m, struct err *e);

/* Under the boot lock only. members_join returns the descriptor that keeps the membership, or -1 with the reason. */
int members_join(const struct members *m, const char *member, struct err *e);
int members_remove_dead(const struct members *m, struct err *e); /* also what a death while joining left behind */

/* Ends the membership: the file goes first, then the lock. */
void members_leave(const struct members *m, const char *member, int descriptor);

#endif
