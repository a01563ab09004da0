/* sqs_message.h - a message as SQS's clients send it: what is wrong with it, its size, what the broker is told of it, and the envelope
 * (common/envelope.h) in which the broker keeps it; and what readers see of a body. Pure. */
#ifndef LEAT_COMMON_SQS_MESSAGE_H
#define LEAT_COMMON_SQS_MESSAGE_H

#include "common/envelope.h"
#include "common/item.h"
#include "common/sqs_digest.h"
#include "common/sqs_error.h"

#define SQS_MESSAGE_ATTRIBUTES 10u

/* Slices point into the request, values of binary attributes into `binary`. */
struct sqs_message {
    struct slice body, group, deduplication; /* group and deduplication: ptr NULL where not given */
    struct envelope_attribute trace;         /* AWSTraceHeader; no value: not given */
    struct envelope_attribute attributes[SQS_MESSAGE_ATTRIBUTES];
    uint32_t attribute_count;
    struct buf binary;
    uint64_t size;    /* as SQS counts it: body, and names, types and values of attributes */
    int64_t delay_ms; /* QUEUE_DEFAULT: not given */
    uint32_t priority;
};

/* Checks one SendMessage or one entry of a batch (an M with the API's members). 0, or -1 with the error; m is to be finished in both cases. */
int sqs_message_read(const struct value *in, bool fifo, struct sqs_message *m, struct sqs_error *e);
void sqs_message_finish(struct sqs_message *m);
/* Appends its envelope. sender: empty where nobody is known. */
void sqs_message_put(struct buf *out, const struct sqs_message *m, struct slice sender);

/* Any body that the broker has: an envelope, or a job (reason: why it is dead), which is shown as it could be posted again, with the reason as an
 * attribute. *e points into body and made, which the caller frees. */
void sqs_body_read(struct slice body, struct slice reason, struct buf *made, struct envelope *e);

/* What the broker is told of it, but for the id. Points into envelope and key (FIFO queues: the deduplication id's, or the content's). 0, or -1 without
 * memory. */
#define SQS_KEY_BYTES 16
int sqs_message_send(const struct sqs_message *m, bool fifo, struct slice envelope, unsigned char key[static SQS_KEY_BYTES],
                     struct queue_send *send);

/* Are the members of a request, and of its entries, of the types that the API gives them? null is as good as left out. 0, or -1 with the error. */
int sqs_members_check(const struct value *in, struct sqs_error *e);

/* An integer member: given as a number, or as text by the query protocol. 0 and *found, or -1 with the error. */
int sqs_integer(const struct value *in, const char *name, int64_t *number, bool *found, struct sqs_error *e);
/* A text member: its bytes, ptr NULL where it is missing. 0; -1 where it is no text. */
int sqs_text(const struct value *in, const char *name, struct slice *text, struct sqs_error *e);
/* 1 to 128 visible ASCII characters, as MessageGroupId and the like have to be. */
bool sqs_token_valid(struct slice token);

#endif
