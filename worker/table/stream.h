/* stream.h - change records of tables with a stream: how they lie in the store, and why no reader misses one.
 *
 * In KV_STREAMS:  [stream id 4 B BE]              -> [last: the number of the youngest record, trimmed: of the youngest removed one]
 *                 [stream id 4 B BE][number 8 BE] -> a record
 * In KV_META:     "stream:" id 4 B BE             -> M {TableName, TableId, Label, View, KeySchema, Closed}, see op_stream.c
 *
 * Numbers are handed out at the very end of a transaction, under the write lock of the stream's first row, which is held until the
 * commit. So numbers are committed in their order: whoever reads the first row sees the number of the youngest committed record,
 * and all below it are committed, too. Readers read it first and stop there. docs/decisions/0005. */
#ifndef LEAT_WORKER_TABLE_STREAM_H
#define LEAT_WORKER_TABLE_STREAM_H

#include "common/item.h"
#include "worker/kv.h"

#define STREAM_KEY_BYTES 12

struct stream_end {
    uint32_t id;
    uint64_t last, trimmed;
};

/* Writing: takes the lock, appends, writes the first row. */
enum kv_result stream_open_end(struct kv_txn *txn, uint32_t id, struct stream_end *end);
enum kv_result stream_append(struct kv_txn *txn, struct stream_end *end, struct slice record);
enum kv_result stream_close_end(struct kv_txn *txn, const struct stream_end *end);

/* Reading: zeros if nothing was ever written. */
enum kv_result stream_read_end(struct kv_txn *txn, uint32_t id, struct stream_end *end);

void stream_key(unsigned char key[static STREAM_KEY_BYTES], uint32_t id, uint64_t number);
uint64_t stream_number(struct slice key); /* of a key with STREAM_KEY_BYTES */

/* -- A record ------------------------------------------------------------------------------------------------- */
enum stream_event { EVENT_INSERT, EVENT_MODIFY, EVENT_REMOVE };

struct stream_record {
    int64_t created_ms;
    enum stream_event event;
    bool by_service;         /* the item expired */
    struct slice keys;       /* an M */
    struct slice fresh, old; /* the images that the view shows; empty: none */
};

void stream_record_encode(struct buf *out, const struct stream_record *record);
int stream_record_decode(struct slice bytes, struct stream_record *record); /* 0 or -1; points into bytes */

/* Removes the oldest records made before a time, at most max, in transactions of its own; *left: there may be more. */
enum kv_result stream_trim(struct kv *kv, uint32_t id, int64_t before_ms, size_t max, bool *left);

#endif
