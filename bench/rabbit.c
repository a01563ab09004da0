/* rabbit.c - load for RabbitMQ (AMQP 0-9-1): a durable quorum queue, one confirmed publish after the other on each connection.
 * Usage: rabbit PORT CONNECTIONS SECONDS. Prints confirmed publishes a second. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lockstep.h"
#include "common/buf.h"

#define BODY_BYTES 120
#define FRAME_END 0xce
#define FRAME_HEAD_BYTES 7u /* type, channel, length */

enum frame { METHOD = 1, HEADER = 2, BODY = 3, HEARTBEAT = 8 };

/* Class and method in one number. */
#define START 0x000a000au
#define START_OK 0x000a000bu
#define TUNE 0x000a001eu
#define TUNE_OK 0x000a001fu
#define OPEN 0x000a0028u
#define OPEN_OK 0x000a0029u
#define CHANNEL_OPEN 0x0014000au
#define CHANNEL_OPEN_OK 0x0014000bu
#define QUEUE_DECLARE 0x0032000au
#define QUEUE_DECLARE_OK 0x0032000bu
#define PUBLISH 0x003c0028u
#define ACK 0x003c0050u
#define CONFIRM 0x0055000au
#define CONFIRM_OK 0x0055000bu

/* -- Writing -------------------------------------------------------------------------------------------------------------- */
static void put_number(struct buf *b, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0)
        buf_byte(b, (unsigned char)(number >> 8 * bytes));
}

static void put_short(struct buf *b, const char *text)
{
    put_number(b, strlen(text), 1);
    buf_text(b, text);
}

static void put_long(struct buf *b, const char *bytes, size_t len)
{
    put_number(b, len, 4);
    buf_append(b, bytes, len);
}

static void put_frame(struct buf *out, enum frame type, unsigned channel, const struct buf *payload)
{
    put_number(out, type, 1);
    put_number(out, channel, 2);
    put_number(out, payload->len, 4);
    buf_append(out, payload->data, payload->len);
    put_number(out, FRAME_END, 1);
}

/* -- Reading -------------------------------------------------------------------------------------------------------------- */
/* Takes one frame. 0: not complete; 1: no method; else the method. */
static uint32_t take_frame(struct lockstep *c)
{
    uint32_t length, method;
    if (c->len < FRAME_HEAD_BYTES)
        return 0;
    memcpy(&length, c->in + 3, sizeof length);
    length = ntohl(length);
    if (c->len < FRAME_HEAD_BYTES + length + 1)
        return 0;
    memcpy(&method, c->in + FRAME_HEAD_BYTES, sizeof method);
    bool is_method = c->in[0] == METHOD && length >= sizeof method;
    lockstep_consume(c, FRAME_HEAD_BYTES + length + 1);
    return is_method ? ntohl(method) : 1;
}

static void expect(struct lockstep *c, uint32_t wanted)
{
    uint32_t method = take_frame(c);
    while (method <= 1) {
        lockstep_more(c);
        method = take_frame(c);
    }
    if (method != wanted)
        lockstep_fail("RabbitMQ refused a request");
}

/* -- The handshake -------------------------------------------------------------------------------------------------------- */
static void say(struct lockstep *c, unsigned channel, struct buf *method, uint32_t answer)
{
    struct buf out = {0};
    put_frame(&out, METHOD, channel, method);
    lockstep_send(c, out.data, out.len);
    buf_finish(&out);
    buf_reset(method);
    if (answer)
        expect(c, answer);
}

static void log_in(struct lockstep *c)
{
    static const char login[] = "\0guest\0guest";
    struct buf m = {0};
    lockstep_send(c, "AMQP\0\0\11\1", 8);
    expect(c, START);
    put_number(&m, START_OK, 4);
    put_long(&m, "", 0); /* properties */
    put_short(&m, "PLAIN");
    put_long(&m, login, sizeof login - 1);
    put_short(&m, "en_US");
    say(c, 0, &m, TUNE);
    put_number(&m, TUNE_OK, 4);
    put_number(&m, 16, 2);     /* channels */
    put_number(&m, 131072, 4); /* bytes of a frame */
    put_number(&m, 0, 2);      /* no heartbeats */
    say(c, 0, &m, 0);
    put_number(&m, OPEN, 4);
    put_short(&m, "/");
    put_number(&m, 0, 2);
    say(c, 0, &m, OPEN_OK);
    put_number(&m, CHANNEL_OPEN, 4);
    put_short(&m, "");
    say(c, 1, &m, CHANNEL_OPEN_OK);
    buf_finish(&m);
}

static void greet(struct lockstep *c)
{
    static const char quorum[] = "\14x-queue-typeS\0\0\0\6quorum";
    struct buf m = {0};
    log_in(c);
    put_number(&m, QUEUE_DECLARE, 4);
    put_number(&m, 0, 2);
    put_short(&m, "leat-bench");
    put_number(&m, 2, 1); /* durable */
    put_long(&m, quorum, sizeof quorum - 1);
    say(c, 1, &m, QUEUE_DECLARE_OK);
    put_number(&m, CONFIRM, 4);
    put_number(&m, 0, 1);
    say(c, 1, &m, CONFIRM_OK);
    buf_finish(&m);
}

/* -- The load ------------------------------------------------------------------------------------------------------------- */
static void make_publish(struct buf *out)
{
    struct buf part = {0};
    put_number(&part, PUBLISH, 4);
    put_number(&part, 0, 2);
    put_short(&part, "");
    put_short(&part, "leat-bench");
    put_number(&part, 0, 1);
    put_frame(out, METHOD, 1, &part);
    buf_reset(&part);
    put_number(&part, PUBLISH >> 16, 2);
    put_number(&part, 0, 2);
    put_number(&part, BODY_BYTES, 8);
    put_number(&part, 0x1000, 2); /* one property: delivery mode */
    put_number(&part, 2, 1);      /* persistent */
    put_frame(out, HEADER, 1, &part);
    buf_reset(&part);
    for (int i = 0; i < BODY_BYTES; i++)
        buf_byte(&part, 'x');
    put_frame(out, BODY, 1, &part);
    buf_finish(&part);
}

static struct buf publish;

static void begin(struct lockstep *c) { lockstep_send(c, publish.data, publish.len); }

static bool confirmed(struct lockstep *c)
{
    bool acked = false;
    for (uint32_t method; (method = take_frame(c)) != 0;) {
        if (method != 1 && method != ACK)
            lockstep_fail("RabbitMQ did not confirm");
        acked |= method == ACK;
    }
    return acked;
}

int main(int argc, char **argv)
{
    static const struct lockstep_protocol protocol = {.open = greet, .begin = begin, .received = confirmed};
    if (argc != 4)
        return 64;
    make_publish(&publish);
    printf("%.0f\n", lockstep_run((int)strtol(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10), strtod(argv[3], NULL),
                                  &protocol));
    buf_finish(&publish);
    return 0;
}
