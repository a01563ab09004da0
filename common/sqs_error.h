/* sqs_error.h - the errors of SQS, as both of its protocols say them. Pure.
 *
 * The JSON protocol has the shape's name in __type and the query protocol's code in a header, where newer SDKs look for the code that older
 * programs match on. */
#ifndef LEAT_COMMON_SQS_ERROR_H
#define LEAT_COMMON_SQS_ERROR_H

#include <stdbool.h>

#include "common/msg_queue.h"

#define SQS_TYPE "com.amazonaws.sqs#"
#define SQS_CORAL "com.amazon.coral.service#"
#define SQS_CODE "AWS.SimpleQueueService."

/* Row: symbol, __type, query code, HTTP status. The fault is the sender's below 500. */
#define SQS_ERRORS(X)                                                                                                          \
    X(NONE, "", "", 200)                                                                                                       \
    X(NO_QUEUE, SQS_TYPE "QueueDoesNotExist", SQS_CODE "NonExistentQueue", 400)                                                \
    X(QUEUE_EXISTS, SQS_TYPE "QueueNameExists", "QueueAlreadyExists", 400)                                                     \
    X(DELETED_RECENTLY, SQS_TYPE "QueueDeletedRecently", SQS_CODE "QueueDeletedRecently", 400)                                 \
    X(PURGE_IN_PROGRESS, SQS_TYPE "PurgeQueueInProgress", SQS_CODE "PurgeQueueInProgress", 403)                                \
    X(OVER_LIMIT, SQS_TYPE "OverLimit", "OverLimit", 403)                                                                      \
    X(TOO_MANY_ENTRIES, SQS_TYPE "TooManyEntriesInBatchRequest", SQS_CODE "TooManyEntriesInBatchRequest", 400)                 \
    X(EMPTY_BATCH, SQS_TYPE "EmptyBatchRequest", SQS_CODE "EmptyBatchRequest", 400)                                            \
    X(IDS_NOT_DISTINCT, SQS_TYPE "BatchEntryIdsNotDistinct", SQS_CODE "BatchEntryIdsNotDistinct", 400)                         \
    X(INVALID_BATCH_ID, SQS_TYPE "InvalidBatchEntryId", SQS_CODE "InvalidBatchEntryId", 400)                                   \
    X(BATCH_TOO_LONG, SQS_TYPE "BatchRequestTooLong", SQS_CODE "BatchRequestTooLong", 400)                                     \
    X(NOT_INFLIGHT, SQS_TYPE "MessageNotInflight", SQS_CODE "MessageNotInflight", 400)                                         \
    X(HANDLE_INVALID, SQS_TYPE "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404)                                        \
    X(INVALID_CONTENTS, SQS_TYPE "InvalidMessageContents", "InvalidMessageContents", 400)                                      \
    X(UNSUPPORTED, SQS_TYPE "UnsupportedOperation", SQS_CODE "UnsupportedOperation", 400)                                      \
    X(ATTRIBUTE_NAME, SQS_TYPE "InvalidAttributeName", "InvalidAttributeName", 400)                                            \
    X(ATTRIBUTE_VALUE, SQS_TYPE "InvalidAttributeValue", "InvalidAttributeValue", 400)                                         \
    X(PARAMETER, SQS_CORAL "InvalidParameterValueException", "InvalidParameterValue", 400)                                     \
    X(MISSING, SQS_CORAL "MissingRequiredParameterException", "MissingParameter", 400)                                         \
    X(ADDRESS, SQS_TYPE "InvalidAddress", "InvalidAddress", 404)                                                               \
    X(NO_RESOURCE, SQS_TYPE "ResourceNotFoundException", "ResourceNotFoundException", 404)                                     \
    X(ACCESS_DENIED, SQS_CORAL "AccessDeniedException", "AccessDenied", 403)                                                   \
    X(INVALID_ACTION, SQS_CORAL "UnknownOperationException", "InvalidAction", 400)                                             \
    X(MALFORMED, SQS_CORAL "SerializationException", "MalformedInput", 400)                                                    \
    X(TOO_LARGE, SQS_CORAL "RequestEntityTooLargeException", "RequestEntityTooLarge", 413)                                     \
    X(NO_TOKEN, SQS_CORAL "MissingAuthenticationTokenException", "MissingAuthenticationToken", 403)                            \
    X(BAD_SIGNATURE, SQS_CORAL "InvalidSignatureException", "SignatureDoesNotMatch", 403)                                      \
    X(BAD_CREDENTIALS, SQS_CORAL "UnrecognizedClientException", "InvalidClientTokenId", 403)                                   \
    X(INTERNAL, SQS_CORAL "InternalFailure", "InternalFailure", 500)                                                           \
    X(UNAVAILABLE, SQS_CORAL "ServiceUnavailableException", "ServiceUnavailable", 503)

enum sqs_error_code {
#define X(symbol, type, code, status) SQS_##symbol,
    SQS_ERRORS(X)
#undef X
        SQS_ERROR_COUNT
};

const char *sqs_error_type(enum sqs_error_code code);
const char *sqs_error_query_code(enum sqs_error_code code);
unsigned sqs_error_status(enum sqs_error_code code);

/* An error on its way to the client. code SQS_NONE: none. */
struct sqs_error {
    enum sqs_error_code code;
    char text[700]; /* cut if longer: values of clients stand in it */
};

/* Fills e and returns -1. */
int sqs_fail(struct sqs_error *e, enum sqs_error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "Value V for parameter P is invalid. Reason: R" */
int sqs_fail_value(struct sqs_error *e, struct slice value, const char *parameter, const char *reason);

/* What the broker said, where it means the same for every action; queue: its name, for the text. Returns -1. */
int sqs_fail_result(struct sqs_error *e, enum queue_result result, struct slice queue, bool json);

#endif
