/* answer.h - the shape of boto3's answers, written straight into the outcome. */
#ifndef LEAT_WORKER_TABLE_ANSWER_H
#define LEAT_WORKER_TABLE_ANSWER_H

#include "worker/table/request.h"

/* The outcome's head; exactly one value must follow. */
void answer_begin(struct buf *out);
/* A failed outcome whose value has the message and "Item": the item that failed the condition. */
void answer_failed_item(struct buf *out, const struct err *e, struct slice item);

/* The last pairs of an answer's map: ConsumedCapacity (if asked for) and ResponseMetadata. half_units: capacity times two. */
uint32_t answer_tail_count(const struct request *rq);
void answer_put_tail(struct request *rq, uint64_t half_units);

/* Is ConsumedCapacity asked for? */
bool answer_wants_capacity(const struct request *rq);
/* Capacity times two of a write of images of those sizes, of a read of that many bytes. */
uint64_t capacity_of_write(size_t old_bytes, size_t new_bytes);
uint64_t capacity_of_read(size_t bytes, bool consistent);

/* A whole answer with an optional value under `name`; its encoded form or, if `paths` is not empty, what they select of it. */
void answer_one(struct request *rq, const char *name, struct slice encoded, uint64_t half_units);

#endif
