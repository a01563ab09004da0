/* discard.h - what was dropped is removed in the background: items, index entries, change records, backups.
 *
 * All their rows begin with an id that is never used again, whatever their space. So dropping leaves a mark, "sweep:" id in KV_META, in
 * the transaction of the drop, and the rows behind it go in bounded transactions. Nobody else touches them any more. */
#ifndef LEAT_WORKER_TABLE_DISCARD_H
#define LEAT_WORKER_TABLE_DISCARD_H

#include "worker/kv.h"

enum kv_result discard_later(struct kv_txn *txn, uint32_t id);

/* One step, in transactions of its own: removes at most max rows. *left tells whether there may be more to do. */
enum kv_result discard_step(struct kv *kv, size_t max, bool *left);

/* -- For other walks over rows of one id ----------------------------------------------------------------------- */
/* The keys of at most max rows whose keys begin with prefix, from `from` on (not below prefix), as msgpack bins; together with their
 * values not much more than a few megabytes. *whole: there are no more. */
enum kv_result collect_keys(struct kv_txn *txn, enum kv_space space, struct slice prefix, struct slice from, size_t max,
                            struct buf *out, bool *whole);
enum kv_result delete_keys(struct kv_txn *txn, enum kv_space space, struct slice keys);

#endif
