/* aws_error.h - an error as the AWS protocols say it: a name, a sentence, perhaps more. Pure.
 *
 * Clients match on all of it: the name with its prefix and '#' in __type, the key of the sentence ("message" or "Message"), the text. */
#ifndef LEAT_GATEWAY_AWS_ERROR_H
#define LEAT_GATEWAY_AWS_ERROR_H

#include "common/buf.h"
#include "common/err.h"
#include "common/item.h"

/* Row: name, prefix of __type, HTTP status, key of the sentence. All that is ever answered, and nothing else: nothing is throttled here, and
 * transactions wait for each other. */
#define AWS_SERVICE "com.amazon.coral.service"
#define AWS_VALIDATE "com.amazon.coral.validate"
#define AWS_DYNAMODB "com.amazonaws.dynamodb.v20120810"

#define AWS_ERRORS(X)                                                                                                          \
    X("ValidationException", AWS_VALIDATE, 400, "message")                                                                     \
    X("SerializationException", AWS_SERVICE, 400, "Message")                                                                   \
    X("UnknownOperationException", AWS_SERVICE, 400, "message")                                                                \
    X("MissingAuthenticationTokenException", AWS_SERVICE, 400, "message")                                                      \
    X("IncompleteSignatureException", AWS_SERVICE, 400, "message")                                                             \
    X("InvalidSignatureException", AWS_SERVICE, 400, "message")                                                                \
    X("UnrecognizedClientException", AWS_SERVICE, 400, "message")                                                              \
    X("AccessDeniedException", AWS_SERVICE, 400, "Message")                                                                    \
    X("ConditionalCheckFailedException", AWS_DYNAMODB, 400, "message")                                                         \
    X("ResourceNotFoundException", AWS_DYNAMODB, 400, "message")                                                               \
    X("ResourceInUseException", AWS_DYNAMODB, 400, "message")                                                                  \
    X("LimitExceededException", AWS_DYNAMODB, 400, "message")                                                                  \
    X("TransactionCanceledException", AWS_DYNAMODB, 400, "Message")                                                            \
    X("IdempotentParameterMismatchException", AWS_DYNAMODB, 400, "Message")                                                    \
    X("DuplicateItemException", AWS_DYNAMODB, 400, "message")                                                                  \
    X("ExpiredIteratorException", AWS_DYNAMODB, 400, "message")                                                                \
    X("TrimmedDataAccessException", AWS_DYNAMODB, 400, "message")                                                              \
    X("TableNotFoundException", AWS_DYNAMODB, 400, "message")                                                                  \
    X("TableAlreadyExistsException", AWS_DYNAMODB, 400, "message")                                                             \
    X("TableInUseException", AWS_DYNAMODB, 400, "message")                                                                     \
    X("BackupNotFoundException", AWS_DYNAMODB, 400, "message")                                                                 \
    X("BackupInUseException", AWS_DYNAMODB, 400, "message")                                                                    \
    X("RequestEntityTooLargeException", AWS_SERVICE, 413, "message")                                                           \
    X("InternalServerError", AWS_DYNAMODB, 500, "message")                                                                     \
    X("ServiceUnavailable", AWS_DYNAMODB, 503, "message")

#define AWS_VALIDATION "ValidationException"
#define AWS_SERIALIZATION "SerializationException"

/* An error on its way to the client. Zeroed: none. */
struct aws_error {
    const char *name;    /* of a row; NULL while all is well */
    struct buf sentence; /* owned; may be empty: then the body has none */
};

/* Fills e and returns -1, so that a caller can write: return aws_error_set(e, AWS_VALIDATION, "..."). */
int aws_error_set(struct aws_error *e, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void aws_error_reset(struct aws_error *e);
void aws_error_finish(struct aws_error *e);

/* Appends {"__type": ..., "message": ...}. A name of no row is an InternalServerError. Returns the HTTP status. */
unsigned aws_error_put(struct buf *out, struct slice name, struct slice sentence);
/* The same for one of our own: the name that AWS has for it. */
unsigned aws_error_put_err(struct buf *out, const struct err *e);
/* Of an outcome that failed: value.message is the sentence, other members follow, with their attribute values typed. */
unsigned aws_error_put_outcome(struct buf *out, struct slice name, const struct value *value);

#endif
