/* codec.c - what a job costs in conversions on its way, each alone. Usage: codec SECONDS
 *
 * The job is the one that bench/post.lua sends. Frames are made and read with 100 entries, and counted by the entry. Prints JSON: a row
 * of nanoseconds a message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/msg.h"
#include "common/op.h"

#define ENTRIES 100u

static const char text[] =
    "{\"operation\":\"create\",\"tableName\":\"lambda-apigateway\",\"payload\":{\"Item\":{\"id\":\"79190\","
    "\"number\":5,\"name\":\"Bob\"}}}";

struct bench {
    struct json_parser *parser;
    struct buf value;   /* the job in the value model */
    struct buf body;    /* the operation as it travels */
    struct buf outcome; /* of a read, as it travels back */
    struct buf send, jobs, done;
    struct buf out;
    struct key_schema schema;
    struct op op;
    struct id id;
    uint64_t spoilt; /* what came out wrong: read by nobody, so that nothing is optimised away */
};

static struct op op_of(const struct value *job)
{
    struct value table = value_map_get(job, slice_text("tableName"));
    return (struct op){.code = OP_CREATE, .table = table.bytes, .payload = value_map_get(job, slice_text("payload"))};
}

/* -- What is measured: each does ENTRIES messages ----------------------------------------------------------------- */
static void json_to_value_all(struct bench *b)
{
    struct err e;
    for (unsigned i = 0; i < ENTRIES; i++) {
        buf_reset(&b->out);
        b->spoilt += json_to_value(b->parser, slice_of(text, sizeof text - 1), LIMIT_JSON_DEPTH, &b->out, &e) != 0;
    }
}

static void op_encode_all(struct bench *b)
{
    struct value job = value_of(buf_slice(&b->value));
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct op op = op_of(&job);
        buf_reset(&b->out);
        op_encode(&b->out, &op);
    }
}

static void op_group_all(struct bench *b)
{
    uint8_t slice;
    for (unsigned i = 0; i < ENTRIES; i++)
        b->spoilt += op_group(&b->op, &b->schema, i, &slice) == 0;
}

static void send_write(struct bench *b)
{
    struct msg_send entry = {.id = b->id, .group = 7, .body = buf_slice(&b->body)};
    buf_reset(&b->send);
    size_t mark = msg_begin_send(&b->send, 1, slice_text("leat-jobs"));
    for (unsigned i = 0; i < ENTRIES; i++)
        msg_add_send(&b->send, &entry);
    msg_end(&b->send, mark, ENTRIES);
}

static void send_read(struct bench *b)
{
    struct msg m;
    struct msg_send entry;
    uint64_t batch;
    struct slice queue;
    unsigned count = 0;
    if (msg_open(buf_slice(&b->send), &m) == 0 && msg_read_send(&m, &batch, &queue) == 0)
        while (msg_next_send(&m, &entry))
            count++;
    b->spoilt += count != ENTRIES;
}

static void jobs_write(struct bench *b)
{
    struct msg_job entry = {.seq = 123456, .lease = 1, .id = b->id, .group = 7, .body = buf_slice(&b->body)};
    buf_reset(&b->jobs);
    size_t mark = msg_begin_jobs(&b->jobs, 1);
    for (unsigned i = 0; i < ENTRIES; i++)
        msg_add_job(&b->jobs, &entry);
    msg_end(&b->jobs, mark, ENTRIES);
}

static void jobs_read(struct bench *b)
{
    struct msg m;
    struct msg_job entry;
    uint64_t low;
    unsigned count = 0;
    if (msg_open(buf_slice(&b->jobs), &m) == 0 && msg_read_jobs(&m, &low) == 0)
        while (msg_next_job(&m, &entry))
            count++;
    b->spoilt += count != ENTRIES;
}

static void op_decode_all(struct bench *b)
{
    struct op op;
    for (unsigned i = 0; i < ENTRIES; i++)
        b->spoilt += op_decode(buf_slice(&b->body), &op) != 0;
}

static void done_write(struct bench *b)
{
    struct msg_done entry = {.seq = 123456, .lease = 1, .disposition = MSG_DONE_OK, .outcome = buf_slice(&b->outcome)};
    buf_reset(&b->done);
    size_t mark = msg_begin_done(&b->done);
    for (unsigned i = 0; i < ENTRIES; i++)
        msg_add_done(&b->done, &entry);
    msg_end(&b->done, mark, ENTRIES);
}

static void done_read(struct bench *b)
{
    struct msg m;
    struct msg_done entry;
    unsigned count = 0;
    if (msg_open(buf_slice(&b->done), &m) == 0 && msg_read_done(&m) == 0)
        while (msg_next_done(&m, &entry))
            count++;
    b->spoilt += count != ENTRIES;
}

static void json_from_value_all(struct bench *b)
{
    struct outcome o;
    for (unsigned i = 0; i < ENTRIES; i++) {
        buf_reset(&b->out);
        b->spoilt += outcome_decode(buf_slice(&b->outcome), &o) != 0 || json_from_value(&o.value, &b->out) != 0;
    }
}

/* In the order of a job's way; each needs what those before it have made. */
static const struct {
    const char *name;
    void (*run)(struct bench *b);
} rows[] = {
    {"json_to_value_ns", json_to_value_all},
    {"op_encode_ns", op_encode_all},
    {"op_group_ns", op_group_all},
    {"send_write_ns", send_write},
    {"send_read_ns", send_read},
    {"jobs_write_ns", jobs_write},
    {"jobs_read_ns", jobs_read},
    {"op_decode_ns", op_decode_all},
    {"done_write_ns", done_write},
    {"done_read_ns", done_read},
    {"json_from_value_ns", json_from_value_all},
};

static int prepare(struct bench *b)
{
    struct err e;
    struct slice table;
    *b = (struct bench){.parser = json_parser_create(), .id = {{1, 2, 3}}};
    if (!b->parser || table_spec_parse("lambda-apigateway:id", &table, &b->schema, &e) != 0 ||
        json_to_value(b->parser, slice_of(text, sizeof text - 1), LIMIT_JSON_DEPTH, &b->value, &e) != 0)
        return -1;
    struct value job = value_of(buf_slice(&b->value));
    struct op op = op_of(&job);
    op_encode(&b->body, &op);
    struct outcome outcome = {.state = OUTCOME_SUCCEEDED, .code = slice_text(""), .value = op.payload};
    outcome_encode(&b->outcome, &outcome);
    return op_decode(buf_slice(&b->body), &b->op);
}

static void finish(struct bench *b)
{
    struct buf *all[] = {&b->value, &b->body, &b->outcome, &b->send, &b->jobs, &b->done, &b->out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_finish(all[i]);
    json_parser_destroy(&b->parser);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    size_t count = sizeof rows / sizeof *rows;
    struct bench b;
    if (prepare(&b) != 0 || seconds <= 0)
        return 1;
    printf("{\"codec, a message\": {");
    for (size_t i = 0; i < count; i++) {
        int64_t start_us = clock_mono_us(), end_us = start_us + (int64_t)(seconds * 1e6 / (double)count), now_us = start_us;
        uint64_t messages = 0;
        for (; now_us < end_us; now_us = clock_mono_us(), messages += ENTRIES)
            rows[i].run(&b);
        printf("%s\"%s\": %.1f", i > 0 ? ", " : "", rows[i].name, (double)(now_us - start_us) * 1000 / (double)messages);
    }
    printf("}}\n");
    if (b.spoilt > 0)
        fprintf(stderr, "codec: %llu conversions went wrong\n", (unsigned long long)b.spoilt);
    finish(&b);
    return b.spoilt > 0;
}
