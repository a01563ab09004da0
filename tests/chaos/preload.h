/* preload.h - what the parts of the LD_PRELOAD library share. It stands between a program and its files:
 *
 *     lossy.c    the calls that change files of the covered folders
 *     undo.c     what was written and not synced, so that a power cut can take it back
 *     weather.c  bad disks and clocks, switched on and off by another process while the program runs
 *
 * Covered are LOSSY_ROOT/journal and LOSSY_ROOT/store, but neither the store's mapped regions __db.0* nor its members/. Any failure of the
 * library itself aborts the process. */
#ifndef LEAT_TESTS_CHAOS_PRELOAD_H
#define LEAT_TESTS_CHAOS_PRELOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum place { PLACE_JOURNAL, PLACE_STORE, PLACES, PLACE_NONE = PLACES };

/* Reports errno and aborts. */
_Noreturn void preload_die(const char *what);
/* The next definition of a function after ours. */
void preload_find(void *pointer, const char *name);

/* Which covered folder an absolute path is in. */
enum place preload_place(const char *path);
/* The absolute path of a descriptor; false for what has none. */
bool preload_path_of(int fd, char path[static PATH_MAX]);

/* -- undo.c ------------------------------------------------------------------------------------------------------- */
struct undo;
enum undo_kind { UNDO_WRITE = 0x5753534c, UNDO_TRUNCATE = 0x5453534c };

/* For a file just opened as fd; `created`: it was made by this open. Aborts rather than fail. */
struct undo *undo_open(const char *side, int fd, ino_t inode, bool created);
void undo_close(struct undo **u);
/* Between lock and unlock: saves bytes at..at+bytes and the size, which are about to change. */
void undo_lock(struct undo *u);
void undo_save(struct undo *u, enum undo_kind kind, uint64_t at, uint64_t bytes);
void undo_unlock(struct undo *u);
/* A sync: what was saved when it began is settled when it succeeds. When it fails, it is in doubt for ever: as after a real write error,
 * the page cache may hold it, a later sync succeed, and the disk have nothing of it. */
struct undo_mark {
    uint64_t generation, upto;
};
struct undo_mark undo_sync_begins(struct undo *u);
void undo_sync_ends(struct undo *u, struct undo_mark mark, bool good);

/* -- weather.c ---------------------------------------------------------------------------------------------------- */
/* Waits as long as a sync takes today; 0, or the errno with which it fails. */
int weather_sync(enum place place);
/* No room: whatever makes a file larger fails with ENOSPC. */
bool weather_full(enum place place);

#endif
