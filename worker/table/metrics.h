/* metrics.h - ItemCollectionMetrics: how large the items of one partition are together, in tables with local indexes.
 *
 * DynamoDB has a limit for such a collection, and so it tells its size, in gigabytes, as a range. There is no limit here, and no count
 * that every write would have to keep: the first megabyte is read when somebody asks. A collection that ends there has no gigabyte; of a
 * larger one the range is as wide as DynamoDB's limit. */
#ifndef LEAT_WORKER_TABLE_METRICS_H
#define LEAT_WORKER_TABLE_METRICS_H

#include "worker/table/write.h"

/* Does the answer of one write have the pair "ItemCollectionMetrics"? metrics_put_one writes it, after the write. 0 or -1. */
bool metrics_wanted(const struct request *rq);
int metrics_put_one(struct request *rq);

/* Of several writes: for each table a list with one entry for each collection. */
bool metrics_wanted_of(const struct request *rq, const struct write *writes, uint32_t count);
int metrics_put_all(struct request *rq, const struct write *writes, uint32_t count);

#endif
