/* test_memory_codec.c - memory runs out at the n-th allocation, for all n: encoders and decoders say so, keep what they had, leak nothing,
 * and do the same work right away when there is memory again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/msg.h"
#include "common/op.h"
#include "tests/lib/scarce_memory.h"
#include "worker/inbox.h"

static unsigned char bytes[5000]; /* content of something large */

/* -- Buffers ----------------------------------------------------------------------------------------------------------------------------- */
static void fill_buffer(void *self)
{
    struct buf b = {0};
    size_t whole = 0;
    (void)self;
    for (int i = 0; i < 200; i++) {
        if (buf_append(&b, bytes, (size_t)i) != 0) {
            assert_true(scarce_hit() && buf_failed(&b));
            break;
        }
        whole += (size_t)i;
    }
    assert_int_equal(b.len, whole); /* an append is there as a whole or not at all */
    if (scarce_hit()) {
        assert_int_equal(buf_append(&b, bytes, 1), -1); /* and stays failed */
        buf_reset(&b);
        assert_int_equal(buf_printf(&b, "%s", "again"), 0);
        assert_int_equal(b.len, 5);
    }
    buf_finish(&b);
}

static void buffers(void **state)
{
    (void)state;
    assert_true(scarce_for_all(fill_buffer, NULL) > 5);
}

/* -- Messages ------------------------------------------------------------------------------------------------------------------------------ */
static void put_send(struct buf *b)
{
    struct msg_send entry = {.group = 5, .key = slice_of(bytes, 16), .body = slice_of(bytes, 300)};
    size_t mark = msg_begin_send(b, 7, slice_text("leat-jobs"));
    for (uint32_t i = 0; i < 50; i++)
        msg_add_send(b, &entry);
    msg_end(b, mark, 50);
}

static void put_jobs(struct buf *b)
{
    struct msg_job job = {.seq = 9, .lease = 1, .body = slice_of(bytes, 700)};
    size_t mark = msg_begin_jobs(b, 3);
    for (uint32_t i = 0; i < 20; i++)
        msg_add_job(b, &job);
    msg_end(b, mark, 20);
}

static void put_done(struct buf *b)
{
    size_t mark = msg_begin_done(b);
    for (uint32_t i = 0; i < 20; i++)
        msg_add_done(b, &(struct msg_done){.seq = i, .lease = 1, .outcome = slice_of(bytes, 40)});
    msg_end(b, mark, 20);
}

static void put_calls(struct buf *b)
{
    size_t mark = msg_begin_calls(b);
    for (uint32_t i = 0; i < 20; i++)
        msg_add_calls(b, &(struct msg_call){.call = i, .body = slice_of(bytes, 40)});
    msg_end(b, mark, 20);
}

static void put_replies(struct buf *b)
{
    size_t mark = msg_begin_replies(b, MSG_REPLIES);
    for (uint32_t i = 0; i < 20; i++)
        msg_add_reply(b, &(struct msg_reply){.call = i, .body = slice_of(bytes, 40)});
    msg_end(b, mark, 20);
}

static void put_results(struct buf *b)
{
    struct id id = {{1}};
    size_t mark = msg_begin_results(b);
    for (uint32_t i = 0; i < 20; i++)
        msg_add_result(b, &id, slice_of(bytes, 40));
    msg_end(b, mark, 20);
}

static void put_sent(struct buf *b)
{
    struct id id = {{1}};
    size_t mark = msg_begin_sent(b, 5);
    for (uint32_t i = 0; i < 100; i++)
        msg_add_sent(b, MSG_DUPLICATE, i % 2 ? &id : NULL);
    msg_end(b, mark, 100);
}

static void put_join(struct buf *b)
{
    msg_put_join(b, &(struct msg_join){.version = MSG_VERSION, .name = slice_text("w"), .catalog = slice_of(bytes, 3000)});
}

static void put_state(struct buf *b) { msg_put_state(b, &(struct msg_state_reply){.body = slice_of(bytes, 3000)}); }
static void put_welcome(struct buf *b) { msg_put_welcome(b, 7, slice_of(bytes, 3000)); }
static void put_admin(struct buf *b) { msg_put_admin(b, 7, "peek", slice_text("\xc0")); }

static void (*const writers[])(struct buf *) = {put_send, put_jobs, put_done,  put_calls,   put_replies, put_results,
                                                put_sent, put_join, put_state, put_welcome, put_admin};

static void write_message(void *self)
{
    void (*put)(struct buf *) = *(void (*const *)(struct buf *))self;
    struct buf b = {0}, again = {0};
    struct msg m;
    put(&b);
    assert_int_equal(buf_failed(&b), scarce_hit());
    if (buf_failed(&b))
        buf_reset(&b), put(&b);
    assert_int_equal(msg_open(buf_slice(&b), &m), 0);
    put(&again);
    if (!buf_failed(&again)) /* the failure may have come in here */
        assert_true(slice_equal(buf_slice(&b), buf_slice(&again)));
    buf_finish(&b);
    buf_finish(&again);
}

static void messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++)
        assert_true(scarce_for_all(write_message, (void *)(uintptr_t)&writers[i]) > 0);
}

/* -- JSON ---------------------------------------------------------------------------------------------------------------------------------- */
/* Names enough to make every table grow, sets, numbers, strings with escapes, depth. */
static struct slice large_json(void)
{
    static char text[20000];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "{\"sets\":[{\"$numberSet\":[3,1,2]},{\"$stringSet\":[\"b\",\"a\"]},{\"$binary\":\"aGk=\"}]");
    for (int i = 0; i < 200; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                ",\"name %d\":{\"n\":%d.5e3,\"s\":\"\\u00e9\\n%d\",\"l\":[[],{}]}", i, i, i);
    len += (size_t)snprintf(text + len, sizeof text - len, "}");
    assert_true(len < sizeof text);
    return slice_of(text, len);
}

static void parse_json(void *self)
{
    const struct slice *text = self;
    struct err e = {0};
    struct buf out = {0}, back = {0};
    struct json_parser *p = json_parser_create();
    if (!p)
        p = json_parser_create();
    buf_text(&out, "before");
    if (buf_failed(&out))
        buf_reset(&out), buf_text(&out, "before");
    bool late = scarce_hit();
    if (json_to_value(p, *text, LIMIT_JSON_DEPTH, &out, &e) != 0) {
        assert_true(scarce_hit() && !late);
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_int_equal(out.len, 6); /* cut back */
        out.failed = false;
        late = true;
        assert_int_equal(json_to_value(p, *text, LIMIT_JSON_DEPTH, &out, &e), 0);
    }
    assert_int_equal(scarce_hit(), late); /* no failure is swallowed */
    struct value v = value_of(slice_of(out.data + 6, out.len - 6));
    assert_int_equal(v.count, 201);
    if (json_from_value(&v, &back) != 0) {
        assert_true(scarce_hit() && !late);
        buf_reset(&back);
        assert_int_equal(json_from_value(&v, &back), 0);
    }
    json_parser_destroy(&p);
    buf_finish(&out);
    buf_finish(&back);
}

static void json(void **state)
{
    struct slice text = large_json();
    (void)state;
    assert_true(scarce_for_all(parse_json, &text) > 20);
}

static void encode_base64(void *self)
{
    struct buf text = {0}, back = {0};
    (void)self;
    base64_encode(&text, slice_of(bytes, sizeof bytes));
    if (buf_failed(&text))
        buf_reset(&text), base64_encode(&text, slice_of(bytes, sizeof bytes));
    if (base64_decode(&back, buf_slice(&text)) != 0) {
        assert_true(scarce_hit());
        buf_reset(&back);
        assert_int_equal(base64_decode(&back, buf_slice(&text)), 0);
    }
    assert_true(slice_equal(buf_slice(&back), slice_of(bytes, sizeof bytes)));
    buf_finish(&text);
    buf_finish(&back);
}

static void base64(void **state)
{
    (void)state;
    assert_true(scarce_for_all(encode_base64, NULL) >= 2);
}

/* -- Values -------------------------------------------------------------------------------------------------------------------------------- */
struct values {
    struct buf one, other; /* maps with the same pairs in two orders; each value a set */
};

static void put_map(struct buf *b, int first, int step)
{
    mp_put_map(b, 200);
    for (int i = 0; i < 200; i++) {
        char name[16];
        struct value elements[3];
        struct buf numbers = {0};
        size_t ends[4] = {0};
        struct err e;
        for (int k = 0; k < 3; k++)
            value_put_int(&numbers, (first + i * step) * 10 + k), ends[k + 1] = numbers.len;
        for (int k = 0; k < 3; k++)
            elements[k] = value_of(slice_of(numbers.data + ends[k], ends[k + 1] - ends[k]));
        snprintf(name, sizeof name, "name %d", first + i * step);
        mp_put_text(b, name);
        assert_int_equal(value_put_set(b, VALUE_NS, elements, 3, &e), 0);
        buf_finish(&numbers);
    }
}

static void check_and_compare(void *self)
{
    const struct values *v = self;
    struct value one = value_of(buf_slice(&v->one)), other = value_of(buf_slice(&v->other));
    struct err e = {0};
    assert_true(value_equal(&one, &other)); /* has a way that needs no memory */
    if (value_check(one.encoded, &e) != 0) {
        assert_true(scarce_hit());
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_int_equal(value_check(one.encoded, &e), 0);
    }
}

static void put_sets(void *self)
{
    const struct values *v = self;
    struct value map = value_of(buf_slice(&v->one));
    struct value a = value_map_get(&map, slice_text("name 1")), b = value_map_get(&map, slice_text("name 2"));
    struct value elements[3], element;
    struct value_walk walk = value_walk_of(&a);
    struct buf out = {0};
    struct err e = {0};
    for (size_t i = 0; value_walk_next(&walk, NULL, &element); i++)
        elements[i] = element;
    int results[3] = {value_put_set(&out, VALUE_NS, elements, 3, &e), value_put_union(&out, &a, &b),
                      value_put_difference(&out, &a, &b)};
    bool failed = results[0] != 0 || results[1] != 0 || results[2] != 0 || buf_failed(&out);
    assert_int_equal(failed, scarce_hit());
    if (failed) {
        buf_reset(&out);
        assert_int_equal(value_put_union(&out, &a, &b), 0);
        assert_int_equal(value_of(buf_slice(&out)).count, 6);
    }
    buf_finish(&out);
}

static void values(void **state)
{
    struct values v = {0};
    (void)state;
    put_map(&v.one, 0, 1);
    put_map(&v.other, 199, -1);
    assert_true(scarce_for_all(check_and_compare, &v) >= 3);
    assert_true(scarce_for_all(put_sets, &v) >= 2);
    buf_finish(&v.one);
    buf_finish(&v.other);
}

/* -- Operations and outcomes ------------------------------------------------------------------------------------------------------------------ */
static void encode_operation(void *self)
{
    const struct values *v = self;
    struct op op = {.code = OP_CREATE, .table = slice_text("abc"), .payload = value_of(buf_slice(&v->one))}, again;
    struct outcome o = {.state = OUTCOME_SUCCEEDED, .code = slice_text(""), .value = op.payload}, read;
    struct err e;
    struct buf out = {0};
    op_encode(&out, &op);
    if (buf_failed(&out))
        buf_reset(&out), op_encode(&out, &op);
    assert_int_equal(op_decode(buf_slice(&out), &again), 0);
    buf_finish(&out);
    outcome_encode(&out, &o);
    if (buf_failed(&out))
        buf_reset(&out), outcome_encode(&out, &o);
    assert_int_equal(outcome_decode(buf_slice(&out), &read), 0);
    buf_finish(&out);
    err_set(&e, ERR_VALIDATION, "a reason that is longer than the first sixty-four bytes which a buffer takes");
    outcome_encode_err(&out, &e);
    if (buf_failed(&out))
        buf_reset(&out), outcome_encode_err(&out, &e);
    assert_int_equal(outcome_decode(buf_slice(&out), &read), 0);
    buf_finish(&out);
}

static void operations(void **state)
{
    struct values v = {0};
    (void)state;
    put_map(&v.one, 0, 1);
    assert_true(scarce_for_all(encode_operation, &v) >= 6);
    buf_finish(&v.one);
}

/* -- Deliveries ------------------------------------------------------------------------------------------------------------------------------ */
static struct msg open_jobs(const struct buf *frame)
{
    struct msg m;
    uint64_t low_seq;
    assert_int_equal(msg_open(buf_slice(frame), &m), 0);
    assert_int_equal(msg_read_jobs(&m, &low_seq), 0);
    return m;
}

static void take_deliveries(void *self)
{
    const struct buf *frame = self;
    struct inbox in;
    inbox_init(&in);
    for (size_t i = 0; i < 3; i++) {
        struct msg m = open_jobs(frame);
        size_t held = in.held;
        if (inbox_add_jobs(&in, &m, 100) != 0) {
            assert_true(scarce_hit());
            assert_int_equal(in.held, held); /* nothing of the frame was taken */
            m = open_jobs(frame);
            assert_int_equal(inbox_add_jobs(&in, &m, 100), 0);
        }
        assert_int_equal(in.held, held + 20);
    }
    inbox_clear(&in);
}

static void deliveries(void **state)
{
    struct buf frame = {0};
    (void)state;
    put_jobs(&frame);
    assert_int_equal(scarce_for_all(take_deliveries, &frame), 6);
    buf_finish(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(buffers),   cmocka_unit_test(messages), cmocka_unit_test(json),
                                       cmocka_unit_test(base64),    cmocka_unit_test(values),   cmocka_unit_test(operations),
                                       cmocka_unit_test(deliveries)};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
