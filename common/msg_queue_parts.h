/* msg_queue_parts.h - what the files of msg_queue.h share; private to common/msg_queue*.c. */
#ifndef LEAT_COMMON_MSG_QUEUE_PARTS_H
#define LEAT_COMMON_MSG_QUEUE_PARTS_H

#include "common/msg_queue.h"

/* A duration or a point in time: what does not fit counts as damage. */
static inline int64_t queue_get_ms(struct mp_reader *r) { return (int64_t)mp_uint(r, INT64_MAX); }

void queue_put_attributes(struct buf *b, const struct queue_attributes *a);
bool queue_get_attributes(struct mp_reader *r, struct queue_attributes *a); /* false: something is out of its range */

#endif
