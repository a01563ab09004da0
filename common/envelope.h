/* envelope.h - what a message of a queue is to its users: body, attributes, and the ids that came with it, in one msgpack value.
 *
 *     [1, body str, group id str, deduplication id str, sender id str, trace header str, [[name str, type str, value bin] ...]]
 *
 * Fronts (the gateway's SQS protocols, the command line) make and read it; the broker carries it unread. A message of leat-jobs and of
 * leat-jobs-dead is no envelope but an operation (op.h), which is an array of two or three: envelope_decode() tells them apart. */
#ifndef LEAT_COMMON_ENVELOPE_H
#define LEAT_COMMON_ENVELOPE_H

#include "common/limits.h"
#include "common/mp.h"

struct envelope_attribute {
    struct slice name, type; /* type: "String", "Number", "Binary", or one of them with ".label" */
    struct slice value;      /* text or bytes */
};

struct envelope {
    struct slice body;                       /* UTF-8 */
    struct slice group_id, deduplication_id; /* empty: none */
    struct slice sender_id, trace_header;    /* the same */
    const struct envelope_attribute
        *attributes; /* encoding: attribute_count of them, in the order in which they are to be kept */
    uint32_t attribute_count;
    struct mp_reader reader; /* decoding: stands before the first attribute that was not read */
};

void envelope_encode(struct buf *b, const struct envelope *e);
/* 0, or -1 for anything else. Slices point into bytes; attributes is NULL: walk them with envelope_next(). */
int envelope_decode(struct slice bytes, struct envelope *e);
bool envelope_next(struct envelope *e, struct envelope_attribute *attribute); /* false: there are no more */

#endif
