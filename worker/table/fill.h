/* fill.h - a new index of a table that has items: its entries for them are made in the background.
 *
 * In KV_CHORES:  "fill:" index id 4 B BE -> [table id, position bin: the key of the last item that was done]
 *
 * From the moment of its creation every write maintains the index, and it is not read before it is full. A step reads some items and
 * writes their entries in one transaction, so each item is either done as it is, or changed by a transaction before or after.
 * Expiry indexes (ttl.h) are filled in the same way. */
#ifndef LEAT_WORKER_TABLE_FILL_H
#define LEAT_WORKER_TABLE_FILL_H

#include "worker/table/chores.h"

/* In the transaction that creates the index. */
enum kv_result fill_later(struct kv_txn *txn, uint32_t table_id, uint32_t index_id);
enum kv_result fill_step(const struct chore *chore, bool *left);

/* Does the table have no item at all? Then its new index is full at once. */
enum kv_result table_is_empty(struct kv_txn *txn, uint32_t table_id, bool *empty);

#endif
