/* job_parse.h - from the JSON of one job, {"operation", "tableName", "payload"}, to an operation. Pure. */
#ifndef LEAT_GATEWAY_JOB_PARSE_H
#define LEAT_GATEWAY_JOB_PARSE_H

#include "common/err.h"
#include "common/op.h"

/* 0; or -1 with an error in DynamoDB's manner that names what is wrong. *op points into entry. A list without payload gets an empty one.
 * Whether the payload fits its operation is the worker's to say: it knows the table. */
int job_parse(const struct value *entry, struct op *op, struct err *e);

/* The headers of a job. Idempotency-Key: 1 to 255 visible characters. 0 or -1. */
int job_check_key(struct slice key, struct err *e);
/* What the queue compares instead of the key: 16 bytes of a digest over it, and over the position in a batch (UINT32_MAX: no batch). */
int job_key_digest(struct slice key, uint32_t position, unsigned char digest[static 16]);

/* How the body of a request is to be read. -1: a media type that is not understood. */
enum job_media { JOB_MEDIA_JSON, JOB_MEDIA_LINES };
int job_media(struct slice content_type, enum job_media *media);

#endif
