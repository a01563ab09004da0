/* many.h - what batches and transactions share: parts of one request, each with arguments of its own. */
#ifndef LEAT_WORKER_TABLE_MANY_H
#define LEAT_WORKER_TABLE_MANY_H

#include "worker/table/answer.h"

/* "1 validation error detected: Value '...' at 'name' failed to satisfy constraint: Member must have length ..." for a list whose
 * length is not 1..max; 0 if it is. */
int many_check_length(struct request *rq, const char *name, const struct value *list, uint32_t max);

/* Stores the error of a part as the whole's. -1. */
int many_failed(struct request *rq, const struct request *part);

/* The keys of items in the order of the store, so that all who touch many items take their locks in one order. */
struct many_key {
    struct slice key; /* in the arena */
    uint32_t at;      /* place in the request */
};
/* Encodes rq->key of a part. 0, or -1 with the whole's error. */
int many_take_key(struct request *rq, struct request *part, uint32_t at, struct many_key *key);
/* Sorts them; true if two are the same. */
bool many_sort_keys(struct many_key *keys, uint32_t count);

#endif
