/* sqs_message.h - a message as SQS's clients send it: what is wrong with it, its digests, and the envelope in which the broker keeps it. Pure.
 *
 *     envelope = [body str, attributes M, system attributes M, group id str, deduplication id str]
 *     attributes: name -> {DataType: S, StringValue: S or BinaryValue: B}
 *
 * The broker carries it unread. */
#ifndef LEAT_GATEWAY_SQS_MESSAGE_H
#define LEAT_GATEWAY_SQS_MESSAGE_H

#include "common/item.h"
#include "gateway/sqs_digest.h"
#include "gateway/sqs_error.h"

struct sqs_message {
    struct slice body, group, deduplication; /* of the request; group and deduplication empty: not given */
    uint64_t size;                           /* as SQS counts it: body, and names, types and values of attributes */
    int64_t delay_ms;                        /* QUEUE_DEFAULT: not given */
    uint32_t priority;
    bool has_attributes, has_system;
    char md5_body[SQS_MD5_BYTES], md5_attributes[SQS_MD5_BYTES], md5_system[SQS_MD5_BYTES]; /* sqs_message_digest() */
};

/* Checks one SendMessage or one entry of a batch (an M with the API's members), and appends its envelope. max_delay_s: 900, or what the
 * queue allows beyond. 0, or -1 with the error. */
int sqs_message_read(const struct value *in, bool fifo, struct sqs_message *m, struct buf *envelope, struct sqs_error *e);
/* The digests of what was read, of attributes only where there are any; 0 or -1. */
int sqs_message_digest(struct sqs_message *m, struct slice envelope);

struct sqs_envelope {
    struct slice body, group, deduplication;
    struct value attributes, system;
};
int sqs_envelope_read(struct slice envelope, struct sqs_envelope *out); /* 0 or -1; points into envelope */

/* Any body that the broker has: an envelope, or a job (reason: why it is dead). *e points into body, text and attributes, which the caller frees. */
void sqs_body_read(struct slice body, struct slice reason, struct buf *text, struct buf *attributes, struct sqs_envelope *e);

/* An integer member: given as a number, or as text by the query protocol. 0 and *found, or -1 with the error. */
int sqs_integer(const struct value *in, const char *name, int64_t *number, bool *found, struct sqs_error *e);
/* A text member: its bytes, ptr NULL where it is missing. 0; -1 where it is no text. */
int sqs_text(const struct value *in, const char *name, struct slice *text, struct sqs_error *e);
/* 1 to 128 visible ASCII characters, as MessageGroupId and the like have to be. */
bool sqs_token_valid(struct slice token);

#endif
