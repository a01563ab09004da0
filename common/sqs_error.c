/* sqs_error.c - see sqs_error.h. */
#include "common/sqs_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/mp.h"

static const struct {
    const char *type, *code;
    unsigned status;
} rows[SQS_ERROR_COUNT] = {
#define X(symbol, type_, code_, status_) [SQS_##symbol] = {type_, code_, status_},
    SQS_ERRORS(X)
#undef X
};

const char *sqs_error_type(enum sqs_error_code code) { return rows[code].type; }
const char *sqs_error_query_code(enum sqs_error_code code) { return rows[code].code; }
unsigned sqs_error_status(enum sqs_error_code code) { return rows[code].status; }

int sqs_fail(struct sqs_error *e, enum sqs_error_code code, const char *format, ...)
{
    va_list arguments;
    e->code = code;
    va_start(arguments, format);
    vsnprintf(e->text, sizeof e->text, format, arguments);
    va_end(arguments);
    if (!utf8_valid(slice_text(e->text))) /* cut in the middle of a character, which only clients' own words have */
        for (char *c = e->text; *c; c++)
            *c = (unsigned char)*c < 0x80 ? *c : '?';
    return -1;
}

int sqs_fail_value(struct sqs_error *e, struct slice value, const char *parameter, const char *reason)
{
    int len = value.len < 300 ? (int)value.len : 300;
    while (len > 0 && (size_t)len < value.len && (value.ptr[len] & 0xc0) == 0x80) /* not inside a character */
        len--;
    return sqs_fail(e, SQS_PARAMETER, "Value %.*s for parameter %s is invalid. Reason: %s", len, (const char *)value.ptr,
                    parameter, reason);
}

int sqs_fail_result(struct sqs_error *e, enum queue_result result, struct slice queue, bool json)
{
    int len = (int)queue.len;
    const char *name = (const char *)queue.ptr;
    switch (result) {
    case QUEUE_NO_QUEUE:
        return sqs_fail(e, SQS_NO_QUEUE, "The specified queue does not exist%s.", json ? "" : " for this wsdl version");
    case QUEUE_DELETED_RECENTLY:
        return sqs_fail(e, SQS_DELETED_RECENTLY,
                        "You must wait 60 seconds after deleting a queue before you can create another with the same name.");
    case QUEUE_IN_PROGRESS:
        return sqs_fail(e, SQS_PURGE_IN_PROGRESS, "Only one PurgeQueue operation on %.*s is allowed every 60 seconds.", len,
                        name);
    case QUEUE_OVER_LIMIT:
        return sqs_fail(e, SQS_OVER_LIMIT, "Too many messages are in flight.");
    case QUEUE_BAD_HANDLE:
        return sqs_fail(e, SQS_HANDLE_INVALID, "The input receipt handle is invalid.");
    case QUEUE_WORKERS_ONLY:
        return sqs_fail(e, SQS_UNSUPPORTED, "Messages of %.*s are jobs: workers alone receive them.", len, name);
    case QUEUE_BUILT_IN:
        return sqs_fail(e, SQS_UNSUPPORTED, "The settings of leat decide on %.*s.", len, name);
    case QUEUE_OTHER_KIND:
        return sqs_fail(e, SQS_PARAMETER, "Dead-letter queue must be same type of queue as the source queue.");
    case QUEUE_TOO_MANY:
        return sqs_fail(e, SQS_OVER_LIMIT, "There are %u queues already, or %u requests that wait for messages.", LIMIT_QUEUES,
                        LIMIT_RECEIVES);
    case QUEUE_FULL:
        return sqs_fail(e, SQS_UNAVAILABLE, "The queue is full; nothing was changed.");
    case QUEUE_DISK_FULL:
        return sqs_fail(e, SQS_UNAVAILABLE, "The queue's disk is full; nothing was changed.");
    default:
        return sqs_fail(e, SQS_INTERNAL, "The queue refused the request: %s.", queue_result_name(result));
    }
}
