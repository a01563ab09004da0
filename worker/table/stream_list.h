/* stream_list.h - the streams of the store: one for each time that a table's stream was switched on.
 *
 * In KV_META:  "stream:" stream id 4 B BE -> M {TableName, Label N: wall ms, View, KeySchema, Closed N: wall ms, left out while it is open}
 *
 * A stream that was switched off can be read for another day; one of a dropped table goes with it. */
#ifndef LEAT_WORKER_TABLE_STREAM_LIST_H
#define LEAT_WORKER_TABLE_STREAM_LIST_H

#include "worker/table/chores.h"
#include "worker/table/edit.h"

#define STREAM_NAME "stream:"

/* Both change the table's row in the making (member Stream) and write the stream's own row. view: a StreamViewType. */
enum kv_result stream_switch_on(struct kv_txn *txn, struct slice table, struct edit *row, struct slice view, int64_t now_ms);
enum kv_result stream_switch_off(struct kv_txn *txn, struct edit *row, int64_t now_ms);

/* With a dropped table: all its streams' rows go, what they hold later. */
enum kv_result streams_drop(struct kv_txn *txn, struct slice table);

struct stream_row {
    uint32_t id;
    struct buf bytes; /* what map points into; the caller's to init and finish */
    struct value map;
};
/* The first stream with an id above `after`; id 0: there is none. */
enum kv_result stream_row_next(struct kv_txn *txn, uint32_t after, struct stream_row *row);
/* The stream of an ARN; id 0: there is none. */
enum kv_result stream_row_find(struct kv_txn *txn, struct slice arn, struct stream_row *row);

/* Once a minute: records of more than a day ago go, and streams that are closed and empty (see chores.h). */
enum kv_result stream_trim_step(const struct chore *chore, bool *left);

#endif
