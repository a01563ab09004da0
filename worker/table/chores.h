/* chores.h - what the engine does in the background, in bounded steps: each in transactions of its own, so that work never waits long.
 *
 * One process of a store at a time does chores (worker/sweep.h). Every step may be the last one before a crash: what it has done is in
 * the store, with the place where to go on, in the same transaction. A step that meets a deadlock returns KV_RETRY; it
 * has changed nothing and is done again. */
#ifndef LEAT_WORKER_TABLE_CHORES_H
#define LEAT_WORKER_TABLE_CHORES_H

#include "worker/kv.h"

struct tables;

struct chore {
    struct tables *t;
    int64_t now_ms; /* wall clock */
    size_t max;     /* rows in one transaction, at least 1 */
};

/* Rows of KV_CHORES and KV_META that belong to an id: "name:" and the id, 4 B BE. */
#define CHORE_KEY_MAX 16
struct chore_key {
    unsigned char bytes[CHORE_KEY_MAX];
    size_t len;
};
struct chore_key chore_key(const char *name, uint32_t id);
static inline struct slice chore_key_slice(const struct chore_key *key) { return slice_of(key->bytes, key->len); }
/* The id in the first key of the space that begins with name and has an id above `after`; 0: there is none. The row is appended to
 * value (may be NULL). */
enum kv_result chore_next(struct kv_txn *txn, enum kv_space space, const char *name, uint32_t after, uint32_t *id,
                          struct buf *value);

#endif
