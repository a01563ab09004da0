/* kv_bdb.h - what the two halves of the Berkeley DB store share; nobody else includes it.
 *
 * kv_bdb.c opens and closes the environment, kv_bdb_txn.c runs transactions in it, kv_bdb_checkpoint.c looks after it, kv_bdb_copy.c copies it. One environment in `folder` is
 * shared by all processes of a host; who may open it when is the business of members.h and guard.h. */
#ifndef LEAT_WORKER_KV_BDB_H
#define LEAT_WORKER_KV_BDB_H

#include <db.h>
#include <limits.h>

#include "worker/kv.h"
#include "worker/kv_bdb_sync.h"

#define BDB_PAGE_BYTES 16384u /* the largest keys stay on a page; measured as fast as 8 KB and better with several processes */

struct bdb {
    struct kv kv; /* first: a struct kv pointer is a struct bdb pointer */
    DB_ENV *env;
    DB *spaces[KV_SPACES];
    struct bdb_synced synced;
    struct kv_counters counters;
    int64_t space_checked_ms; /* monotonic */
    bool full;                /* the disk had less than the reserve when it was looked at */
    bool fatal;               /* an abort failed or the environment panicked: nothing goes any more */
    char folder[PATH_MAX];
};

/* Translates a result of the library, and notes a fatal one. `what` is for the log line of an unexpected one. */
enum kv_result bdb_result(struct bdb *store, int ret, const char *what);

/* True while the file system has less free space than the reserve that Berkeley DB needs to finish what it has begun: it panics when
 * the log cannot be written, so writes are refused before that. Asks the kernel at most each 20 ms. */
bool bdb_disk_full(struct bdb *store);

/* Sizes and behaviour; must be the same in every process. Returns the library's result. */
int bdb_configure(DB_ENV *env, int64_t cache_bytes);
void bdb_on_error(const DB_ENV *env, const char *prefix, const char *message); /* to the log */
const char *bdb_space_file(enum kv_space space);                               /* its name in the folder */
/* Log files are kept until the descriptor is closed. Waits a moment for one who is removing some; -1 with errno. */
int bdb_hold_log(const struct bdb *store);

/* From now on, in all processes, checkpoints write a little at a time. Not before recovery, which is to be quick. The library's result. */
int bdb_pace(DB_ENV *env);
enum kv_result bdb_maintain(struct kv *kv);

enum kv_result bdb_begin(struct kv *kv, int flags, struct kv_txn **txn);
enum kv_result bdb_commit(struct kv_txn *txn);
void bdb_abort(struct kv_txn *txn);
enum kv_result bdb_get(struct kv_txn *txn, enum kv_space space, struct slice key, bool for_update, struct buf *out);
enum kv_result bdb_put(struct kv_txn *txn, enum kv_space space, struct slice key, struct slice value, int flags);
enum kv_result bdb_delete(struct kv_txn *txn, enum kv_space space, struct slice key);
enum kv_result bdb_cursor_open(struct kv_txn *txn, enum kv_space space, struct kv_cursor **cursor);
enum kv_result bdb_seek(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value);
enum kv_result bdb_next(struct kv_cursor *cursor, struct slice *found, struct slice *value);
enum kv_result bdb_seek_before(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value);
enum kv_result bdb_prev(struct kv_cursor *cursor, struct slice *found, struct slice *value);
void bdb_cursor_close(struct kv_cursor *cursor);

#endif
