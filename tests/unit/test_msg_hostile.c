/* test_msg_hostile.c - frames cut short, damaged byte by byte, or beyond a limit: -1 or false, never a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "common/msg.h"
#include "common/msg_queue.h"

static const struct id id_a = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const struct id id_b = {{0xff, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0}};

static struct msg opened(const struct buf *b, enum msg_kind kind)
{
    struct msg m;
    assert_false(buf_failed(b));
    assert_int_equal(msg_open(buf_slice(b), &m), 0);
    assert_int_equal(m.kind, kind);
    return m;
}

static void assert_end(const struct msg *m)
{
    assert_false(m->reader.failed);
    assert_int_equal(m->left, 0);
    assert_true(mp_at_end(&m->reader));
}

static void put_two_sends(struct buf *b)
{
    size_t mark = msg_begin_send(b, 7, slice_text("leat-jobs"));
    msg_add_send(b, &(struct msg_send){.id = id_a,
                                       .group = UINT64_MAX,
                                       .flags = MSG_WAIT,
                                       .delay_ms = LIMIT_DELAY_MS,
                                       .key = slice_of("0123456789abcdef", 16),
                                       .body_hash = 99,
                                       .body = slice_text("first body")});
    msg_add_send(b, &(struct msg_send){.id = id_b, .body = slice_text("2")});
    msg_end(b, mark, 2);
}

/* -- One good frame of each kind, and a reader for all of it --------------------------------------------------------------- */
/* Reads everything that the kind has; true if nothing was damaged. */
static bool walk_batched(struct msg *m)
{
    uint64_t number;
    struct slice s;
    struct id id;
    enum msg_result result;
    struct msg_send send;
    struct msg_call call;
    struct msg_reply reply;
    struct msg_job job;
    struct msg_done done;
    struct queue_request request;
    struct queue_response response;
    bool valid;
#define WALK(read, next)                                                                                                       \
    if ((read) == 0)                                                                                                           \
        while (next)                                                                                                           \
            ;                                                                                                                  \
    break
    switch (m->kind) {
    case MSG_SEND:
        WALK(msg_read_send(m, &number, &s), msg_next_send(m, &send));
    case MSG_SENT:
        WALK(msg_read_sent(m, &number), msg_next_sent(m, &result, &id));
    case MSG_CALL:
        WALK(msg_read_call(m), msg_next_call(m, &call));
    case MSG_CALLS:
        WALK(msg_read_calls(m), msg_next_calls(m, &call));
    case MSG_REPLIES:
    case MSG_ANSWERS:
        WALK(msg_read_replies(m), msg_next_reply(m, &reply));
    case MSG_RESULTS:
        WALK(msg_read_results(m), msg_next_result(m, &id, &s));
    case MSG_JOBS:
        WALK(msg_read_jobs(m, &number), msg_next_job(m, &job));
    case MSG_DONE:
        WALK(msg_read_done(m), msg_next_done(m, &done));
    case MSG_REQUESTS:
        WALK(msg_read_requests(m), msg_next_request(m, &number, &request, &valid));
    case MSG_RESPONSES:
        WALK(msg_read_responses(m), msg_next_response(m, &response));
    default:
        break;
    }
    return !m->reader.failed;
}

static bool walk_single(struct msg *m)
{
    uint64_t a, b;
    int64_t ms;
    uint32_t x, y;
    unsigned code;
    struct slice s, t;
    struct id id;
    struct msg_state_reply st;
    struct msg_join join;
    struct msg_beat beat;
    switch (m->kind) {
    case MSG_HELLO:
        return msg_read_hello(m, &a, &s, &t) == 0;
    case MSG_WATCH:
        return msg_read_watch(m, &a, &id, &ms) == 0;
    case MSG_CANCEL:
        return msg_read_cancel(m, &a, &id) == 0;
    case MSG_ADMIN:
        return msg_read_admin(m, &a, &s, &t) == 0;
    case MSG_WELCOME:
        return msg_read_welcome(m, &a, &b, &s) == 0;
    case MSG_STATE:
        return msg_read_state(m, &st) == 0;
    case MSG_ADMIN_REPLY:
        return msg_read_admin_reply(m, &a, &code, &s) == 0;
    case MSG_CATALOG:
    case MSG_TABLES:
        return msg_read_catalog(m, &s) == 0;
    case MSG_PONG:
        return msg_read_pong(m, &a) == 0;
    case MSG_JOIN:
        return msg_read_join(m, &join) == 0;
    case MSG_CREDIT:
        return msg_read_credit(m, &x, &y) == 0;
    case MSG_BEAT:
        return msg_read_beat(m, &beat) == 0;
    default:
        return walk_batched(m);
    }
}

static void put_single_sample(struct buf *b, enum msg_kind kind, struct slice text)
{
    switch (kind) {
    case MSG_HELLO:
        msg_put_hello(b, "cli", "x");
        break;
    case MSG_WATCH:
        msg_put_watch(b, 1, &id_a, 5);
        break;
    case MSG_CANCEL:
        msg_put_cancel(b, 1, &id_a);
        break;
    case MSG_ADMIN:
        msg_put_admin(b, 1, "stats", (struct slice){0});
        break;
    case MSG_WELCOME:
        msg_put_welcome(b, 2, text);
        break;
    case MSG_STATE:
        msg_put_state(b, &(struct msg_state_reply){.state = MSG_ENDED, .body = text});
        break;
    case MSG_ADMIN_REPLY:
        msg_put_admin_reply(b, 1, 0, (struct slice){0});
        break;
    case MSG_CATALOG:
    case MSG_TABLES:
        msg_put_catalog(b, kind, text);
        break;
    case MSG_PONG:
        msg_put_pong(b, 1);
        break;
    case MSG_JOIN:
        msg_put_join(b, &(struct msg_join){.version = 1, .name = text, .catalog = text});
        break;
    case MSG_CREDIT:
        msg_put_credit(b, 1, 2);
        break;
    case MSG_BEAT:
        msg_put_beat(b, &(struct msg_beat){1, 2, 3, 4});
        break;
    default:
        msg_put_bare(b, kind);
        break;
    }
}

/* Opens a batched kind, adds an entry, returns the mark; NO_BATCH for other kinds. */
#define NO_BATCH SIZE_MAX

static size_t begin_batched_sample(struct buf *b, enum msg_kind kind, struct slice text)
{
    size_t mark = NO_BATCH;
    switch (kind) {
    case MSG_SENT:
        mark = msg_begin_sent(b, 1);
        msg_add_sent(b, MSG_DUPLICATE, &id_a);
        break;
    case MSG_CALL:
        mark = msg_begin_call(b);
        msg_add_call(b, &(struct msg_call){.call = 1, .body = text});
        break;
    case MSG_CALLS:
        mark = msg_begin_calls(b);
        msg_add_calls(b, &(struct msg_call){.call = 1, .body = text});
        break;
    case MSG_RESULTS:
        mark = msg_begin_results(b);
        msg_add_result(b, &id_a, text);
        break;
    case MSG_REPLIES:
    case MSG_ANSWERS:
        mark = msg_begin_replies(b, kind);
        msg_add_reply(b, &(struct msg_reply){.call = 1, .body = text});
        break;
    case MSG_DONE:
        mark = msg_begin_done(b);
        msg_add_done(b, &(struct msg_done){.outcome = text});
        break;
    case MSG_JOBS:
        mark = msg_begin_jobs(b, 1);
        msg_add_job(b, &(struct msg_job){.id = id_a, .body = text});
        break;
    case MSG_REQUESTS:
        mark = msg_begin_requests(b);
        msg_add_request(b, 1, &(struct queue_request){.verb = QUEUE_VERB_SEND, .send = {.id = id_a, .body = text}});
        break;
    case MSG_RESPONSES:
        mark = msg_begin_responses(b);
        msg_begin_response(b, 1, QUEUE_OK);
        queue_put_sent(b, 2, &id_a);
        break;
    default:
        break;
    }
    return mark;
}

/* One frame of each kind. */
static void put_sample(struct buf *b, enum msg_kind kind)
{
    struct slice text = slice_text("some bytes");
    buf_reset(b);
    if (kind == MSG_SEND) {
        put_two_sends(b);
        return;
    }
    size_t mark = begin_batched_sample(b, kind, text);
    if (mark == NO_BATCH)
        put_single_sample(b, kind, text);
    else
        msg_end(b, mark, 1);
}

static void test_every_kind_has_a_sample(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int kind = 0; kind < MSG_KIND_COUNT; kind++) {
        put_sample(&b, (enum msg_kind)kind);
        struct msg m = opened(&b, (enum msg_kind)kind);
        assert_true(walk_single(&m));
        assert_end(&m);
    }
    buf_finish(&b);
}

static void test_truncated_frames(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int kind = 0; kind < MSG_KIND_COUNT; kind++) {
        put_sample(&b, (enum msg_kind)kind);
        for (size_t len = 0; len < b.len; len++) {
            unsigned char *exact = malloc(len ? len : 1); /* so that a read beyond it is seen by the sanitizer */
            struct msg m;
            assert_non_null(exact);
            memcpy(exact, b.data, len);
            assert_int_equal(msg_open(slice_of(exact, len), &m), -1);
            free(exact);
        }
    }
    buf_finish(&b);
}

static void test_damaged_bytes(void **state)
{
    (void)state;
    struct buf b = {0};
    size_t refused = 0;
    for (int kind = 0; kind < MSG_KIND_COUNT; kind++) {
        put_sample(&b, (enum msg_kind)kind);
        for (size_t at = 0; at < b.len; at++) {
            unsigned char right = b.data[at];
            for (int byte = 0; byte < 256; byte++) {
                struct msg m;
                b.data[at] = (unsigned char)byte;
                if (msg_open(buf_slice(&b), &m) != 0 || !walk_single(&m))
                    refused++;
            }
            b.data[at] = right;
        }
    }
    assert_true(refused > 10000);
    buf_finish(&b);
}

static int open_raw(const void *bytes, size_t len)
{
    struct msg m;
    return msg_open(slice_of(bytes, len), &m);
}

static void test_no_messages(void **state)
{
    (void)state;
    assert_int_equal(open_raw("", 0), -1);
    assert_int_equal(open_raw("\x90", 1), -1);         /* no kind */
    assert_int_equal(open_raw("\x91\x7f", 2), -1);     /* unknown kind */
    assert_int_equal(open_raw("\x91\xa0", 2), -1);     /* the kind is text */
    assert_int_equal(open_raw("\x01", 1), -1);         /* no array */
    assert_int_equal(open_raw("\x91\x06\x00", 3), -1); /* bytes behind the end */
    assert_int_equal(open_raw("\x92\x06\x00", 3), -1); /* PING has no field */
    assert_int_equal(open_raw("\x91\x06", 2), 0);      /* PING */
    assert_int_equal(open_raw("\xdd\xff\xff\xff\xff", 5), -1);
    unsigned char deep[200];
    memset(deep, 0x91, sizeof deep);
    assert_int_equal(open_raw(deep, sizeof deep), -1);
}

/* A SEND whose entry breaks one rule each time. */
static bool reads_back(const struct msg_send *entry)
{
    struct buf b = {0};
    uint64_t batch;
    struct slice queue;
    struct msg_send got;
    size_t mark = msg_begin_send(&b, 1, slice_text("q"));
    msg_add_send(&b, entry);
    msg_end(&b, mark, 1);
    struct msg m = opened(&b, MSG_SEND);
    assert_int_equal(msg_read_send(&m, &batch, &queue), 0);
    bool ok = msg_next_send(&m, &got);
    assert_true(ok != m.reader.failed);
    buf_finish(&b);
    return ok;
}

static void test_limits_of_an_entry(void **state)
{
    (void)state;
    unsigned char *large = calloc(1, LIMIT_BODY_BYTES + 1);
    assert_non_null(large);
    struct msg_send good = {.id = id_a, .body = slice_of(large, LIMIT_BODY_BYTES)}, bad = good;
    assert_true(reads_back(&good));
    bad.body.len++;
    assert_false(reads_back(&bad));
    bad.body.len = 0;
    assert_false(reads_back(&bad));
    bad = good;
    bad.key = slice_of(large, 15);
    assert_false(reads_back(&bad));
    bad.key.len = 17;
    assert_false(reads_back(&bad));
    bad = good;
    bad.delay_ms = LIMIT_DELAY_MS + 1;
    assert_false(reads_back(&bad));
    free(large);
}

static void test_limits_of_counts_and_names(void **state)
{
    (void)state;
    struct buf b = {0};
    struct slice queue;
    uint64_t batch;
    char name[LIMIT_QUEUE_NAME_BYTES + 1];
    memset(name, 'q', sizeof name);
    size_t mark = msg_begin_send(&b, 1, slice_of(name, sizeof name));
    msg_end(&b, mark, 0);
    struct msg m = opened(&b, MSG_SEND);
    assert_int_equal(msg_read_send(&m, &batch, &queue), -1);

    buf_reset(&b); /* [SENT, 1, [0, 0, ...]] with one entry too many */
    mp_put_array(&b, 3);
    mp_put_uint(&b, MSG_SENT);
    mp_put_uint(&b, 1);
    mp_put_array(&b, LIMIT_BATCH_ENTRIES + 1);
    for (uint32_t i = 0; i <= LIMIT_BATCH_ENTRIES; i++)
        mp_put_uint(&b, 0);
    m = opened(&b, MSG_SENT);
    assert_int_equal(msg_read_sent(&m, &batch), -1);

    buf_reset(&b);
    msg_put_credit(&b, LIMIT_CREDIT + 1, 0);
    uint32_t messages, calls;
    m = opened(&b, MSG_CREDIT);
    assert_int_equal(msg_read_credit(&m, &messages, &calls), -1);
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_a_sample), cmocka_unit_test(test_truncated_frames),
        cmocka_unit_test(test_damaged_bytes),           cmocka_unit_test(test_no_messages),
        cmocka_unit_test(test_limits_of_an_entry),      cmocka_unit_test(test_limits_of_counts_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
