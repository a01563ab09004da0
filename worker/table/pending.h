/* pending.h - writes that wait for the end of their transaction: index entries, then change records.
 *
 * Operations of a batch are applied in the order of their items' keys, but their index entries lie all over the indexes. Written
 * one by one, two workers would meet on each other's page locks in opposite orders. So entries are collected, and written sorted by
 * key before the commit: every transaction takes its locks in one direction. Nothing reads them in between.
 *
 * Change records come last: the numbers of a stream are handed out under a lock that is held until the commit (stream.h). */
#ifndef LEAT_WORKER_TABLE_PENDING_H
#define LEAT_WORKER_TABLE_PENDING_H

#include "worker/kv.h"

struct pending_row;

struct pending {
    struct pending_row *rows; /* owned */
    size_t count, cap;
    struct buf bytes; /* keys and values */
    bool failed;      /* out of memory */
};

void pending_init(struct pending *p);
void pending_finish(struct pending *p);
void pending_reset(struct pending *p); /* keeps its memory */

/* Memory that ran out is told by pending_write(). The bytes are copied. */
void pending_put(struct pending *p, struct slice key, struct slice value);
void pending_delete(struct pending *p, struct slice key);
void pending_record(struct pending *p, uint32_t stream, struct slice record);

/* An operation that failed takes back what it left here: cut to what size() was before. */
size_t pending_size(const struct pending *p);
void pending_cut(struct pending *p, size_t size);
size_t pending_bytes(const struct pending *p);

/* Writes everything and forgets it. Of several writes to one key the last one counts. */
enum kv_result pending_write(struct pending *p, struct kv_txn *txn);

#endif
