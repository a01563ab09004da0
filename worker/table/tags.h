/* tags.h - tags of tables: in KV_META, "tags:" table id 4 B BE -> M of S. Not cached: only the operations on tags need them. */
#ifndef LEAT_WORKER_TABLE_TAGS_H
#define LEAT_WORKER_TABLE_TAGS_H

#include "common/err.h"
#include "common/item.h"
#include "worker/kv.h"

/* An L of M {Key, Value}, as requests give it: allowed characters, lengths and number. 0, or -1 with the error. */
int tags_check(const struct value *list, struct err *e);

/* Adds and replaces. *count: how many the table has then; nothing was written if they are more than LIMIT_TAGS. */
enum kv_result tags_add(struct kv_txn *txn, uint32_t table_id, const struct value *list, uint32_t *count);
enum kv_result tags_remove(struct kv_txn *txn, uint32_t table_id, const struct value *keys);
enum kv_result tags_read(struct kv_txn *txn, uint32_t table_id, struct buf *out); /* appends the M, also an empty one */
enum kv_result tags_drop(struct kv_txn *txn, uint32_t table_id);

#endif
