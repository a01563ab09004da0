/* outcomes.h - rows of the space KV_OUTCOMES: what became of a job, by its id, written in the transaction of its effect.
 *
 *     key   = [slice 1 B][id 16 B]: the id's own last byte first, so that outcomes lie in the same order over the slices as items
 *     value = msgpack [seq, finished wall ms, outcome bin]
 *
 * Within a slice, ids are in the order of time (UUIDv7), so that old rows are found at the front (sweep.h). */
#ifndef LEAT_WORKER_OUTCOMES_H
#define LEAT_WORKER_OUTCOMES_H

#include "common/id.h"
#include "worker/kv.h"

#define OUTCOME_KEY_BYTES (1 + ID_BYTES)

struct outcome_row {
    uint64_t seq;        /* of the message at the broker; 0 for calls, which the broker does not keep */
    int64_t finished_ms; /* wall clock */
    struct slice outcome;
};

void outcome_key(unsigned char key[static OUTCOME_KEY_BYTES], const struct id *id);
int outcome_key_compare(const struct id *a, const struct id *b); /* their keys: <0, 0, >0 */
void outcome_row_encode(struct buf *out, const struct outcome_row *row);
int outcome_row_decode(struct slice value, struct outcome_row *row); /* 0 or -1; points into value */

/* KV_EXISTS if the id has a row already. scratch is overwritten. */
enum kv_result outcome_put(struct kv_txn *txn, const struct id *id, const struct outcome_row *row, struct buf *scratch);
/* Appends the recorded outcome to out, or KV_NOT_FOUND. A row that cannot be read is KV_FATAL: the store is damaged. */
enum kv_result outcome_get(struct kv_txn *txn, const struct id *id, bool for_update, struct buf *scratch, struct buf *out);

#endif
