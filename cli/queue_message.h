/* queue_message.h - a message that leat queue send was asked to send: from words and flags, or from a line of JSON. No I/O. */
#ifndef LEAT_CLI_QUEUE_MESSAGE_H
#define LEAT_CLI_QUEUE_MESSAGE_H

#include "cli/queue.h"
#include "common/sqs_message.h"

/* What is to be sent. Slices point to whatever it was read from. */
struct queue_message {
    struct slice body, group, deduplication; /* ptr NULL: none */
    struct value attributes; /* an M of name -> {DataType, StringValue or BinaryValue in base64}, or VALUE_NONE */
    int64_t delay_ms;        /* QUEUE_DEFAULT: the queue's */
    uint32_t priority;
};

/* What the flags say, without a body. attributes holds what the message's point to. 0; -1: a flag is wrong, see e. */
int queue_message_of_flags(const struct queue_settings *s, struct queue_message *m, struct buf *attributes, struct err *e);

/* What a line's object says, put over what m has already (the flags). The members are those that receive --json prints, of which those that a
 * sender cannot decide are passed over; delaySeconds; and a body that is no string is sent as its JSON text, into body. attributes holds
 * what m's point to. 0; -1: a member is wrong, see e. */
int queue_message_of_value(const struct value *line, struct queue_message *m, struct buf *body, struct buf *attributes,
                           struct err *e);

/* The request that sends it; envelope and key hold what it points to. 0; -1: it is no message for such a queue, see e. */
int queue_message_request(const struct queue_message *m, bool fifo, struct buf *envelope,
                          unsigned char key[static SQS_KEY_BYTES], struct queue_send *send, struct err *e);

#endif
