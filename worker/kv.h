/* kv.h - an ordered transactional key-value store: all that worker/table and worker/apply know of the table store.
 *
 * Keys sort by memcmp, shorter first. Spaces are separate key spaces in one transactional whole. Transactions are serializable;
 * a KV_SNAPSHOT transaction only reads, and reads one moment; keep it short, writers may have to wait for it. Any call may return
 * KV_RETRY (deadlock victim): the transaction must then be aborted and may be run again. A handle belongs to one thread. Implementations: kv_bdb.c (Berkeley DB), kv_mem.c
 * (in memory, for tests and benches). */
#ifndef LEAT_WORKER_KV_H
#define LEAT_WORKER_KV_H

#include "common/buf.h"
#include "common/err.h"

enum kv_space {
    KV_META,     /* catalog: table descriptions, counters */
    KV_ITEMS,    /* items of all tables */
    KV_OUTCOMES, /* [slice][job id] -> outcome */
    KV_INDEXES,  /* entries of secondary and expiry indexes */
    KV_STREAMS,  /* change records of tables with a stream */
    KV_BACKUPS,  /* items of backups */
    KV_CHORES, /* how far work in the background has come: written often, so apart from KV_META, which every transaction reads */
    KV_TOKENS, /* ClientRequestTokens of transactions, by time */
    KV_SPACES
};

enum kv_result {
    KV_OK,
    KV_NOT_FOUND,
    KV_EXISTS, /* kv_put with KV_NEW */
    KV_RETRY,  /* deadlock or lock time-out: abort and run again */
    KV_FULL,   /* no space on disk: abort; nothing was written */
    KV_NO_MEMORY,
    KV_FATAL /* the store needs recovery or is damaged: the process must leave */
};

struct kv;
struct kv_txn;
struct kv_cursor;

enum kv_begin_flags { KV_WRITE = 0, KV_SNAPSHOT = 1 };
enum kv_put_flags { KV_SET = 0, KV_NEW = 1 };

struct kv_ops; /* the implementation's table of functions, see the end of this page */

/* Every struct kv, kv_txn and kv_cursor starts with a pointer to its implementation. */
void kv_close(struct kv **kv);
enum kv_result kv_begin(struct kv *kv, int flags, struct kv_txn **txn);
enum kv_result kv_commit(struct kv_txn **txn); /* durable when it returns KV_OK; txn is NULL afterwards in every case */
void kv_abort(struct kv_txn **txn);            /* NULL-safe */

/* The value is appended to out. for_update takes the write lock at once. */
enum kv_result kv_get(struct kv_txn *txn, enum kv_space space, struct slice key, bool for_update, struct buf *out);
enum kv_result kv_put(struct kv_txn *txn, enum kv_space space, struct slice key, struct slice value, int flags);
enum kv_result kv_delete(struct kv_txn *txn, enum kv_space space, struct slice key);

/* Cursors: seek to the first key >= key, then next; or seek_before to the last key < key (an empty key: the last of all), then prev.
 * KV_NOT_FOUND at either end: the cursor then stands nowhere and must seek again. The slices are valid until the next call on it. */
enum kv_result kv_cursor_open(struct kv_txn *txn, enum kv_space space, struct kv_cursor **cursor);
enum kv_result kv_seek(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value);
enum kv_result kv_next(struct kv_cursor *cursor, struct slice *found, struct slice *value);
enum kv_result kv_seek_before(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value);
enum kv_result kv_prev(struct kv_cursor *cursor, struct slice *found, struct slice *value);
void kv_cursor_close(struct kv_cursor **cursor); /* before its transaction ends; NULL-safe */

/* Housekeeping, a few times a second: checkpoint and log removal when they are due. May take a second. */
enum kv_result kv_maintain(struct kv *kv);

struct kv_counters {
    uint64_t commits, retries, recoveries;
};
void kv_counters(const struct kv *kv, struct kv_counters *counters);

const char *kv_result_name(enum kv_result result);

/* -- For implementations --------------------------------------------------------------------------------------- */
struct kv_ops {
    void (*close)(struct kv *kv);
    enum kv_result (*begin)(struct kv *kv, int flags, struct kv_txn **txn);
    enum kv_result (*commit)(struct kv_txn *txn);
    void (*abort)(struct kv_txn *txn);
    enum kv_result (*get)(struct kv_txn *txn, enum kv_space space, struct slice key, bool for_update, struct buf *out);
    enum kv_result (*put)(struct kv_txn *txn, enum kv_space space, struct slice key, struct slice value, int flags);
    enum kv_result (*del)(struct kv_txn *txn, enum kv_space space, struct slice key);
    enum kv_result (*cursor_open)(struct kv_txn *txn, enum kv_space space, struct kv_cursor **cursor);
    enum kv_result (*seek)(struct kv_cursor *c, struct slice key, struct slice *found, struct slice *value);
    enum kv_result (*next)(struct kv_cursor *c, struct slice *found, struct slice *value);
    enum kv_result (*seek_before)(struct kv_cursor *c, struct slice key, struct slice *found, struct slice *value);
    enum kv_result (*prev)(struct kv_cursor *c, struct slice *found, struct slice *value);
    void (*cursor_close)(struct kv_cursor *c);
    enum kv_result (*maintain)(struct kv *kv);
    void (*counters)(const struct kv *kv, struct kv_counters *counters);
};

struct kv {
    const struct kv_ops *ops;
};
struct kv_txn {
    const struct kv_ops *ops;
};
struct kv_cursor {
    const struct kv_ops *ops;
};

struct kv *kv_mem_create(void); /* kv_mem.c: one transaction at a time; commit and abort are real */

struct kv_bdb_config {
    const char *folder;
    int64_t cache_bytes;
    bool recover; /* run recovery at open: only while no other process has the environment open (guard.h) */
};
struct kv *kv_bdb_open(const struct kv_bdb_config *config, struct err *e); /* NULL with the reason */

#endif
