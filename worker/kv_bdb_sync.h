/* kv_bdb_sync.h - what the store knows of its own syncs, so that no recovery trusts more than the disk holds. Part of kv_bdb.c.
 *
 * DIR/synced is one page that all processes of the store map. It tells
 *   - up to where the log is synced for certain. Berkeley DB takes the first broken record of its log for the end: a damaged byte would
 *     silently drop every later transaction. With this page that is damage, and refused.
 *   - whether a sync has failed. The kernel reports that once and then calls its pages clean, so recovery would read what the disk does not
 *     have. So the process that meets it stops, and the next recovery first writes every file anew from the kernel's pages.
 * The page itself is never synced: a power cut may leave an older one, whose claims are still true, or none, and with the kernel's
 * pages every doubt about them is gone. */
#ifndef LEAT_WORKER_KV_BDB_SYNC_H
#define LEAT_WORKER_KV_BDB_SYNC_H

#include <db.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct bdb_synced_page;

struct bdb_synced {
    struct bdb_synced_page *page;
    struct bdb_synced *next;
    char folder[PATH_MAX]; /* resolved */
};

/* Maps the page, makes it if it is missing. From then on every sync of the library in that folder is watched: one that fails ends the process
 * with a message and status 74. 0, or -1 with the reason. */
int bdb_synced_open(struct bdb_synced *s, const char *folder, struct err *e);
void bdb_synced_close(struct bdb_synced *s); /* also of one that was never opened (all zeros) */

/* Before recovery, when nobody uses the store: writes anew what is in doubt; proves that the log goes as far as it was synced and that of
 * `files` (names in the folder) none is missing that was made. 0, or -1: ERR_INTERNAL is damage, anything else may pass. */
int bdb_synced_prove(const struct bdb_synced *s, const char *const *files, struct err *e);

/* The same proof for a store that nobody has open, from outside: nothing is written. A folder without the page proves nothing, and passes. */
int bdb_synced_look(const char *folder, const char *const *files, struct err *e);

/* After recovery: the first so many of the files exist. Their names are on disk when this returns 0; -1 with the reason. */
int bdb_synced_made(struct bdb_synced *s, size_t files, DB_ENV *env, struct err *e);

/* After a commit: what the library says is synced. Cheap. */
void bdb_synced_note(struct bdb_synced *s, DB_ENV *env);

/* The system calls, so that tests can fail them. NULL: the real ones. */
struct bdb_io {
    ssize_t (*write_at)(int fd, const void *bytes, size_t len, off_t at);
    int (*sync)(int fd);
    void (*stop)(int status);
};
void bdb_set_io(const struct bdb_io *io);

#endif
