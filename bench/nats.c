/* nats.c - load for NATS JetStream: a stream in files, one acknowledged publish after the other on each connection.
 * Usage: nats PORT CONNECTIONS SECONDS. Prints publishes a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lockstep.h"

#define BODY_BYTES 120

static char body[BODY_BYTES + 1];

/* The length of the message or line at the beginning of what was received, 0: not complete. *payload: of a message, else NULL. */
static size_t next(const struct lockstep *c, const unsigned char **payload)
{
    const unsigned char *end = memchr(c->in, '\n', c->len);
    *payload = NULL;
    if (!end)
        return 0;
    size_t line = (size_t)(end + 1 - c->in);
    if (strncmp((const char *)c->in, "-ERR", 4) == 0)
        lockstep_fail("NATS refused a request");
    if (strncmp((const char *)c->in, "MSG ", 4) != 0)
        return line;
    const unsigned char *count = end;
    while (count > c->in && *count != ' ') /* the last word of the line */
        count--;
    size_t all = line + strtoul((const char *)count, NULL, 10) + 2;
    if (c->len < all)
        return 0;
    *payload = c->in + line;
    return all;
}

/* Takes what is complete. True: an answer was among it. */
static bool take(struct lockstep *c)
{
    const unsigned char *payload;
    bool answered = false;
    for (size_t len; (len = next(c, &payload)) > 0;) {
        if (payload && memmem(payload, len - (size_t)(payload - c->in), "\"error\"", 7))
            lockstep_fail("JetStream answered with an error");
        if (strncmp((const char *)c->in, "PING", 4) == 0)
            lockstep_text(c, "PONG\r\n");
        answered |= payload != NULL;
        lockstep_consume(c, len);
    }
    return answered;
}

static void ask(struct lockstep *c, const char *subject, const char *what)
{
    char text[1024];
    snprintf(text, sizeof text, "PUB %s inbox.%u %zu\r\n%s\r\n", subject, c->number, strlen(what), what);
    lockstep_text(c, text);
    do
        lockstep_more(c);
    while (!take(c));
}

static void greet(struct lockstep *c)
{
    char text[128];
    snprintf(text, sizeof text, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB inbox.%u 1\r\n", c->number);
    lockstep_text(c, text);
    if (c->number == 0)
        ask(c, "$JS.API.STREAM.CREATE.bench",
            "{\"name\":\"bench\",\"subjects\":[\"bench.jobs\"],\"storage\":\"file\",\"retention\":\"workqueue\",\"num_"
            "replicas\":1}");
}

static void begin(struct lockstep *c)
{
    char text[sizeof body + 64];
    int len = snprintf(text, sizeof text, "PUB bench.jobs inbox.%u %d\r\n%s\r\n", c->number, BODY_BYTES, body);
    lockstep_send(c, text, (size_t)len);
}

int main(int argc, char **argv)
{
    static const struct lockstep_protocol protocol = {.open = greet, .begin = begin, .received = take};
    if (argc != 4)
        return 64;
    memset(body, 'x', BODY_BYTES);
    printf("%.0f\n", lockstep_run((int)strtol(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10), strtod(argv[3], NULL),
                                  &protocol));
    return 0;
}
