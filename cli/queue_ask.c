/* queue_ask.c - what the verbs of leat queue share: names, questions, and sentences for what went wrong. See queue.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/queue.h"
#include "common/json.h"

#define REGION_MAX_BYTES 40u

/* -- Names ----------------------------------------------------------------------------------------------------------------- */
int queue_name_read(const struct queue_command *c, const char *word, struct queue_name *name)
{
    const char *slash = strchr(word, '/');
    *name = (struct queue_name){.region = slash ? slice_of(word, (size_t)(slash - word)) : c->place.region,
                                .name = slice_text(slash ? slash + 1 : word)};
    name->place = (struct sqs_place){name->region, c->place.account};
    if (!sqs_queue_name_valid(name->name))
        return queue_fail(QUEUE_USAGE,
                          "\"%.100s\" is no name of a queue: 1 to 80 letters, digits, - and _, perhaps .fifo behind", word);
    if (name->region.len == 0 || name->region.len > REGION_MAX_BYTES)
        return queue_fail(QUEUE_USAGE, "\"%.100s\" is no region", word);
    sqs_put_path(&name->path, name->region, name->name);
    return buf_failed(&name->path) ? queue_fail(QUEUE_BROKEN, "out of memory") : 0;
}

void queue_name_finish(struct queue_name *name) { buf_finish(&name->path); }

struct slice queue_shown(const struct queue_command *c, struct slice path)
{
    struct slice region, name = sqs_name_of_path(path, &region);
    return slice_equal(region, c->place.region) ? name : path;
}

static int queue_status(const struct err *e)
{
    return e->code == ERR_UNAVAILABLE ? QUEUE_NO_BROKER : e->code == ERR_INTERNAL ? QUEUE_BROKEN : QUEUE_REFUSED;
}

/* -- Asking ---------------------------------------------------------------------------------------------------------------- */
struct hearing {
    struct queue_command *c;
    struct queue_response *response;
};

static void on_response(void *self, size_t index, const struct queue_response *response)
{
    struct hearing *h = self;
    (void)index;
    buf_append(&h->c->answer, response->body.ptr, response->body.len);
    *h->response = *response;
}

int queue_ask(struct queue_command *c, struct slice path, struct queue_request *request, struct queue_response *response)
{
    struct hearing hearing = {c, response};
    struct err e = {0};
    request->queue = path;
    buf_reset(&c->answer);
    if (session_ask(c->session, request, 1, on_response, &hearing, &e) != 0)
        return c->quiet && e.code != ERR_INTERNAL ? queue_status(&e) : queue_fail_session(&e);
    if (buf_failed(&c->answer))
        return queue_fail(QUEUE_BROKEN, "out of memory");
    response->body = buf_slice(&c->answer);
    return 0;
}

int queue_ask_ok(struct queue_command *c, struct slice path, struct queue_request *request, struct queue_response *response)
{
    int status = queue_ask(c, path, request, response);
    if (status != 0)
        return status;
    return response->result == QUEUE_OK ? 0 : queue_fail_result(c, path, response->result);
}

/* -- What is wrong --------------------------------------------------------------------------------------------------------- */
int queue_fail(int status, const char *format, ...)
{
    va_list arguments;
    fflush(stdout); /* what was printed stands before what went wrong */
    fputs("leat queue: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

int queue_fail_session(const struct err *e) { return queue_fail(queue_status(e), "%s", e->text); }

int queue_damaged(void) { return queue_fail(QUEUE_BROKEN, "the broker's answer is damaged"); }

const char *queue_result_text(enum queue_result result)
{
    static const char *const texts[QUEUE_RESULT_COUNT] = {
        [QUEUE_INVALID] = "a value is out of its range",
        [QUEUE_NO_QUEUE] = "there is no such queue",
        [QUEUE_DELETED_RECENTLY] = "a queue of this name was removed less than a minute ago: try again then",
        [QUEUE_TOO_MANY] = "the broker has as many queues, or waiting receivers, as it can",
        [QUEUE_CONFLICT] = "others changed the queue at the same time: try again",
        [QUEUE_BUILT_IN] = "it is leat's own: the settings of 'leat up' decide on it, and it can only be paused",
        [QUEUE_FULL] = "the queue is full; nothing was sent",
        [QUEUE_DISK_FULL] = "the broker's disk is full; nothing was changed",
        [QUEUE_TOO_LARGE] = "the message is larger than the queue's MaximumMessageSize",
        [QUEUE_NO_GROUP] = "a FIFO queue wants a message group: --group",
        [QUEUE_NO_DEDUPLICATION] = "a FIFO queue wants --dedup, unless it has ContentBasedDeduplication=true",
        [QUEUE_OVER_LIMIT] = "too many of its messages are in flight",
        [QUEUE_BAD_HANDLE] = "this is no handle of the queue",
        [QUEUE_EXPIRED] = "the handle's time is over: the message is visible again",
        [QUEUE_NOT_IN_FLIGHT] = "the message is visible again: this handle's time is over",
        [QUEUE_NO_MESSAGE] = "there is no such message (any more)",
        [QUEUE_TOO_LONG] = "longer than one may hold a message: 12 hours, or the queue's LeatMaxLeaseSeconds",
        [QUEUE_IN_PROGRESS] = "one is under way already; see --tasks",
        [QUEUE_NO_TASK] = "no task is running",
        [QUEUE_NO_SOURCE] = "it is not the dead-letter queue of any other, so its messages came from nowhere",
        [QUEUE_NO_DESTINATION] = "the destination does not exist",
        [QUEUE_OTHER_KIND] = "a FIFO queue and another one do not go together",
    };
    return result < QUEUE_RESULT_COUNT && texts[result] ? texts[result] : queue_result_name(result);
}

int queue_fail_result(const struct queue_command *c, struct slice path, enum queue_result result)
{
    struct slice region, shown = queue_shown(c, path), name = sqs_name_of_path(path, &region);
    if (result == QUEUE_NO_QUEUE)
        return queue_fail(QUEUE_REFUSED, "there is no such queue: %.*s%s%.*s", (int)name.len, (const char *)name.ptr,
                          region.len ? " in " : "", (int)region.len, (const char *)region.ptr);
    return queue_fail(QUEUE_REFUSED, "%.*s: %s", (int)shown.len, (const char *)shown.ptr, queue_result_text(result));
}

/* -- Printing -------------------------------------------------------------------------------------------------------------- */
int queue_print_json(const struct buf *encoded)
{
    struct value value = value_of(buf_slice(encoded));
    struct buf text = {0};
    int status = 0;
    if (buf_failed(encoded) || json_from_value(&value, &text) != 0)
        status = queue_fail(QUEUE_BROKEN, "out of memory");
    else
        printf("%.*s\n", (int)text.len, (const char *)text.data);
    buf_finish(&text);
    return status;
}

int queue_flushed(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return queue_fail(QUEUE_NO_OUTPUT, "cannot write: %s", strerror(errno));
}
