/* read.h - one item by its key: for get_item, batches and transactions. */
#ifndef LEAT_WORKER_TABLE_READ_H
#define LEAT_WORKER_TABLE_READ_H

#include "worker/table/request.h"

/* Is Key a key of the table? Sets rq->key. 0, or -1 with the error. After request_table. */
int read_key(struct request *rq);
/* Reads the item at rq->key to rq->old; *shown is what the projection shows of it, or empty if there is no item. Valid until the next
 * read of any request. */
int read_item(struct request *rq, struct slice *shown);

#endif
