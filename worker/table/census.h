/* census.h - how many items a table or an index has, and how large they are: counted in the background, now and then.
 *
 * In KV_CHORES:  "count:" id 4 B BE -> [items, bytes, counted wall ms]     the last full count
 *                "counting"         -> [id, next key bin, items, bytes]    the count that is under way
 *
 * DynamoDB refreshes ItemCount and TableSizeBytes every six hours. A put does not read what it replaces, so it cannot keep a sum; and a
 * sum would be a row that all writers of a table fight for. So rows are counted instead, one table or index after the other, in
 * short reading transactions. The next count waits for a thousand times what this one took, at about a microsecond a row and a kilobyte,
 * but at least a minute and at most six hours: small tables are right after a minute, and none costs much. */
#ifndef LEAT_WORKER_TABLE_CENSUS_H
#define LEAT_WORKER_TABLE_CENSUS_H

#include "worker/table/chores.h"

struct census {
    int64_t items, bytes; /* zeros before the first count */
    int64_t counted_ms;
};
enum kv_result census_read(struct kv_txn *txn, uint32_t id, struct census *census);
enum kv_result census_forget(struct kv_txn *txn, uint32_t id);

/* One step of the count that is due, if one is (see chores.h). */
enum kv_result census_step(const struct chore *chore, bool *left);

#endif
