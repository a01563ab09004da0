/* sqs.c - load for a server of SQS's JSON protocol. Usage: sqs PORT CONNECTIONS SECONDS WHAT QUEUE [GROUPS [MESSAGES]]
 *
 *     send   one SendMessage after the other             batch  SendMessageBatch of ten
 *     take   ReceiveMessage of one, DeleteMessage        take10 ReceiveMessage of ten, DeleteMessageBatch
 *     cycle  SendMessage, ReceiveMessage, DeleteMessage
 *
 * QUEUE exists. With GROUPS (a FIFO queue) messages spread over so many groups. With MESSAGES it ends when so many are sent or taken, at the latest after
 * SECONDS. A signature is there, as SDKs send it, and of no value. Prints JSON: finished rounds and messages a second, percentiles of a round,
 * and how many receives came back empty. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lockstep.h"
#include "common/clock.h"

#define BODY_BYTES 120
#define BATCH 10
#define HANDLES_BYTES 4096
#define ROUNDS_MAX (1u << 22)

enum step { SEND, SEND_BATCH, RECEIVE, DELETE, DELETE_BATCH, END };

/* What a connection asks for, in turn. */
static const struct plan {
    const char *name;
    enum step steps[4];
    unsigned messages; /* sent, or received, in a round */
} plans[] = {
    {"send", {SEND, END}, 1},
    {"batch", {SEND_BATCH, END}, BATCH},
    {"take", {RECEIVE, DELETE, END}, 1},
    {"take10", {RECEIVE, DELETE_BATCH, END}, BATCH},
    {"cycle", {SEND, RECEIVE, DELETE, END}, 1},
};

static const struct plan *plan;
static const char *queue;
static unsigned groups;
static uint64_t sent, finished, most = UINT64_MAX,
                                run_number; /* no deduplication id is used twice, not by a later run either */
static uint64_t empty;
static char body[BODY_BYTES + 1];
static char handles[LOCKSTEP_CONNECTIONS_MAX]
                   [HANDLES_BYTES]; /* what the last receive brought, as DeleteMessage(Batch) wants it */
static int64_t begun_us[LOCKSTEP_CONNECTIONS_MAX];
static uint32_t *took_us;
static size_t rounds;

/* -- Requests -------------------------------------------------------------------------------------------------------------- */
static void ask(struct lockstep *c, const char *action, const char *json, size_t len)
{
    static char text[32768];
    int n = snprintf(
        text, sizeof text,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.%s\r\n"
        "X-Amz-Date: 20261121T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=leat/20261121/us-east-1/sqs/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\nContent-Length: %zu\r\n\r\n%.*s",
        action, len, (int)len, json);
    if (n < 0 || (size_t)n >= sizeof text)
        lockstep_fail("a request is too large");
    lockstep_send(c, text, (size_t)n);
}

static size_t put_message(char *to, size_t room)
{
    int n = snprintf(to, room, "\"MessageBody\":\"%s\"", body);
    if (groups > 0)
        n += snprintf(to + n, room - (size_t)n, ",\"MessageGroupId\":\"group-%llu\",\"MessageDeduplicationId\":\"%llx-%llu\"",
                      (unsigned long long)(sent * 7919 % groups), (unsigned long long)run_number, (unsigned long long)sent);
    sent++;
    return (size_t)n;
}

static void send_some(struct lockstep *c, bool batch)
{
    static char json[BATCH * (BODY_BYTES + 200) + 512];
    size_t n = (size_t)snprintf(json, sizeof json, "{\"QueueUrl\":\"http://127.0.0.1/123456789012/%s\",", queue);
    if (batch)
        n += (size_t)snprintf(json + n, sizeof json - n, "\"Entries\":[");
    for (unsigned i = 0; i < (batch ? BATCH : 1u); i++) {
        if (batch)
            n += (size_t)snprintf(json + n, sizeof json - n, "%s{\"Id\":\"%u\",", i > 0 ? "," : "", i);
        n += put_message(json + n, sizeof json - n);
        if (batch)
            json[n++] = '}';
    }
    n += (size_t)snprintf(json + n, sizeof json - n, batch ? "]}" : "}");
    ask(c, batch ? "SendMessageBatch" : "SendMessage", json, n);
}

static void receive(struct lockstep *c)
{
    char json[512];
    int n = snprintf(json, sizeof json,
                     "{\"QueueUrl\":\"http://127.0.0.1/123456789012/%s\",\"MaxNumberOfMessages\":%u,\"WaitTimeSeconds\":%d}",
                     queue, plan->messages, plan->steps[0] == RECEIVE ? 1 : 0);
    ask(c, "ReceiveMessage", json, (size_t)n);
}

static void delete_some(struct lockstep *c, bool batch)
{
    char json[HANDLES_BYTES + 512];
    int n = snprintf(json, sizeof json,
                     batch ? "{\"QueueUrl\":\"http://127.0.0.1/123456789012/%s\",\"Entries\":[%s]}"
                           : "{\"QueueUrl\":\"http://127.0.0.1/123456789012/%s\",%s}",
                     queue, handles[c->number]);
    ask(c, batch ? "DeleteMessageBatch" : "DeleteMessage", json, (size_t)n);
}

static void next(struct lockstep *c)
{
    switch (plan->steps[c->step]) {
    case SEND:
    case SEND_BATCH:
        send_some(c, plan->steps[c->step] == SEND_BATCH);
        return;
    case RECEIVE:
        receive(c);
        return;
    default:
        delete_some(c, plan->steps[c->step] == DELETE_BATCH);
    }
}

static void begin(struct lockstep *c)
{
    c->step = 0;
    begun_us[c->number] = clock_mono_us();
    next(c);
}

/* -- Answers --------------------------------------------------------------------------------------------------------------- */
/* The answer's body, ended by a NUL, once all of it is here; NULL before. Ends the program on an answer other than 200. */
static char *answer_of(struct lockstep *c)
{
    char *text = (char *)c->in, *end, *length;
    if (c->len == sizeof c->in)
        lockstep_fail("an answer is too large");
    text[c->len] = '\0';
    end = strstr(text, "\r\n\r\n");
    if (!end)
        return NULL;
    length = strcasestr(text, "content-length:");
    size_t bytes = length && length < end ? strtoul(length + strlen("content-length:"), NULL, 10) : SIZE_MAX;
    if (bytes == SIZE_MAX)
        lockstep_fail("an answer without Content-Length");
    if (c->len < (size_t)(end + 4 - text) + bytes)
        return NULL;
    if (strncmp(text, "HTTP/1.1 200", 12) != 0 || strstr(end, "\"Failed\":[{")) {
        fprintf(stderr, "%.300s: ", end + 4);
        errno = 0;
        lockstep_fail("an answer is an error");
    }
    return end + 4;
}

/* Keeps the handles of what was received; returns how many. */
static unsigned keep_handles(struct lockstep *c, char *text)
{
    static const char mark[] = "\"ReceiptHandle\":";
    char *to = handles[c->number];
    unsigned count = 0;
    size_t n = 0;
    for (char *at = text; (at = strstr(at, mark)); count++) {
        at += strlen(mark);
        char *from = strchr(at, '"'), *end = from ? strchr(from + 1, '"') : NULL;
        if (!end || n + (size_t)(end - from) + 64 > HANDLES_BYTES)
            lockstep_fail("a receipt handle that this program does not understand");
        if (plan->messages > 1)
            n += (size_t)snprintf(to + n, HANDLES_BYTES - n, "%s{\"Id\":\"%u\",", count > 0 ? "," : "", count);
        n += (size_t)snprintf(to + n, HANDLES_BYTES - n, "%s%.*s", mark, (int)(end + 1 - from), from);
        if (plan->messages > 1)
            to[n++] = '}', to[n] = '\0';
        at = end;
    }
    return count;
}

static bool received(struct lockstep *c)
{
    char *text = answer_of(c);
    if (!text)
        return false;
    if (plan->steps[c->step] == RECEIVE && keep_handles(c, text) == 0) {
        empty++; /* what was left is in flight elsewhere: ask again */
        c->step--;
    }
    lockstep_consume(c, c->len);
    c->step++;
    if (plan->steps[c->step] != END) {
        next(c);
        return false;
    }
    finished += plan->messages;
    if (rounds < ROUNDS_MAX)
        took_us[rounds++] = (uint32_t)(clock_mono_us() - begun_us[c->number]);
    return true;
}

static bool enough(void) { return finished >= most; }

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool read_arguments(int argc, char **argv)
{
    if (argc < 6 || argc > 8)
        return false;
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        if (strcmp(argv[4], plans[i].name) == 0)
            plan = &plans[i];
    queue = argv[5];
    groups = argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 0;
    most = argc > 7 ? strtoull(argv[7], NULL, 10) : UINT64_MAX;
    run_number = (uint64_t)clock_wall_ms();
    memset(body, 'x', BODY_BYTES);
    took_us = calloc(ROUNDS_MAX, sizeof *took_us);
    return plan && took_us;
}

int main(int argc, char **argv)
{
    static const struct lockstep_protocol protocol = {.begin = begin, .received = received, .enough = enough};
    if (!read_arguments(argc, argv))
        return 64;
    double per_second =
        lockstep_run((int)strtol(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10), strtod(argv[3], NULL), &protocol);
    qsort(took_us, rounds, sizeof *took_us, by_value);
    printf("{\"per_second\": %.0f, \"messages_per_second\": %.0f, \"p50_us\": %u, \"p99_us\": %u, \"empty\": %llu}\n",
           per_second, per_second * plan->messages, rounds > 0 ? took_us[rounds / 2] : 0,
           rounds > 0 ? took_us[rounds * 99 / 100] : 0, (unsigned long long)empty);
    free(took_us);
    return 0;
}
