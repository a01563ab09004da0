/* answer.h - the shape of boto3's answers, written straight into the outcome. */
#ifndef LEAT_WORKER_TABLE_ANSWER_H
#define LEAT_WORKER_TABLE_ANSWER_H

#include "worker/table/capacity.h"
#include "worker/table/request.h"

/* The outcome's head; exactly one value must follow. */
void answer_begin(struct buf *out);
void answer_begin_failed(struct buf *out, enum err_code code); /* the value is an M with "message" */
/* A failed outcome whose value has the message and "Item": the item that failed the condition. */
void answer_failed_item(struct buf *out, const struct err *e, struct slice item);

/* Is ConsumedCapacity asked for, and with a part for each index? */
bool answer_wants_capacity(const struct request *rq);
bool answer_wants_indexes(const struct request *rq);

/* The last pairs of an answer's map: ConsumedCapacity (if asked for) and ResponseMetadata. capacity: NULL if the operation has none. */
uint32_t answer_tail_count(const struct request *rq, const struct capacity *capacity);
void answer_put_tail(struct request *rq, const struct capacity *capacity);

/* A whole answer with an optional value under `name`; encoded is empty for none. */
void answer_one(struct request *rq, const char *name, struct slice encoded, const struct capacity *capacity);

#endif
