/* sqs_digest.h - the digests by which SQS clients check what they sent and got, and the keys of FIFO queues. For one thread. */
#ifndef LEAT_COMMON_SQS_DIGEST_H
#define LEAT_COMMON_SQS_DIGEST_H

#include "common/envelope.h"

#define SQS_MD5_BYTES 33 /* 32 hexadecimal digits and a NUL */

/* All three: 0, or -1 if the library fails (no memory). */
int sqs_md5(struct slice bytes, char out[static SQS_MD5_BYTES]);
/* Of message attributes, 10 at most: in the order of names each name, type and value behind its length in four bytes, the value behind one more byte,
 * 1 for text, 2 for binary (SQS developer guide). */
int sqs_md5_attributes(const struct envelope_attribute *all, uint32_t count, char out[static SQS_MD5_BYTES]);
bool sqs_type_is_binary(struct slice type); /* "Binary", perhaps with a label */
/* The first 16 bytes of the SHA-256 of two parts, one behind the other with its length (the second may be empty). */
int sqs_key(struct slice scope, struct slice text, unsigned char out[static 16]);

#endif
