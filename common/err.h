/* err.h - the one table of errors that a user can meet, and the little struct that carries one.
 *
 * A row is: symbol, HTTP status, name (DynamoDB's or SQS's own name where one exists), may a retry help.
 * Functions that can fail on user input return 0 or -1 and fill a struct err with the code and a sentence for the user. */
#ifndef LEAT_COMMON_ERR_H
#define LEAT_COMMON_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#define ERR_TABLE(X)                                                                                                           \
    X(NONE, 200, "", false)                                                                                                    \
    X(VALIDATION, 400, "ValidationException", false)                                                                           \
    X(SERIALIZATION, 400, "SerializationException", false)                                                                     \
    X(UNKNOWN_OPERATION, 400, "UnknownOperationException", false)                                                              \
    X(CONDITION_FAILED, 400, "ConditionalCheckFailedException", false)                                                         \
    X(TABLE_NOT_FOUND, 400, "ResourceNotFoundException", false)                                                                \
    X(TRANSACTION_CANCELED, 400, "TransactionCanceledException", false)                                                        \
    X(DUPLICATE_ITEM, 400, "DuplicateItemException", false)                                                                    \
    X(RESOURCE_IN_USE, 400, "ResourceInUseException", false)                                                                   \
    X(LIMIT_EXCEEDED, 400, "LimitExceededException", false)                                                                    \
    X(TRIMMED, 400, "TrimmedDataAccessException", false)                                                                       \
    X(EXPIRED_ITERATOR, 400, "ExpiredIteratorException", false)                                                                \
    X(NO_SUCH_TABLE, 400, "TableNotFoundException", false)                                                                     \
    X(TABLE_EXISTS, 400, "TableAlreadyExistsException", false)                                                                 \
    X(TABLE_IN_USE, 400, "TableInUseException", false)                                                                         \
    X(BACKUP_NOT_FOUND, 400, "BackupNotFoundException", false)                                                                 \
    X(BACKUP_IN_USE, 400, "BackupInUseException", false)                                                                       \
    X(BAD_REQUEST, 400, "BadRequest", false)                                                                                   \
    X(NOT_FOUND, 404, "NotFound", false)                                                                                       \
    X(METHOD_NOT_ALLOWED, 405, "MethodNotAllowed", false)                                                                      \
    X(TIMEOUT, 408, "RequestTimeout", true)                                                                                    \
    X(CONFLICT, 409, "Conflict", false)                                                                                        \
    X(TOO_LARGE, 413, "PayloadTooLarge", false)                                                                                \
    X(MEDIA_TYPE, 415, "UnsupportedMediaType", false)                                                                          \
    X(IDEMPOTENCY, 422, "IdempotentParameterMismatchException", false)                                                         \
    X(HEADERS_TOO_LARGE, 431, "HeadersTooLarge", false)                                                                        \
    X(INTERNAL, 500, "InternalServerError", true)                                                                              \
    X(UNAVAILABLE, 503, "ServiceUnavailable", true)                                                                            \
    X(DEAD, 500, "DeadLettered", false)                                                                                        \
    X(DISK_FULL, 507, "InsufficientStorage", true)

enum err_code {
#define X(symbol, status, name, retry) ERR_##symbol,
    ERR_TABLE(X)
#undef X
        ERR_COUNT
};

/* An error on its way to the user. code is ERR_NONE while all is well. */
struct err {
    enum err_code code;
    char text[640]; /* one sentence, NUL-terminated, cut if longer */
};

/* Fills e (may be NULL) and returns -1, so that a caller can write: return err_set(e, ERR_VALIDATION, "..."). */
int err_set(struct err *e, enum err_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The row's columns. An unknown code reads as ERR_INTERNAL. The strings are static. */
const char *err_name(enum err_code code);
int err_http_status(enum err_code code);
bool err_may_retry(enum err_code code);

/* The code whose name column is `name` (len bytes), or ERR_INTERNAL. */
enum err_code err_by_name(const char *name, unsigned long len);

#endif
