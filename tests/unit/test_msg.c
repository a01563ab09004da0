/* test_msg.c - every message there and back. Hostile frames are in test_msg_hostile.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "common/msg.h"

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

static void assert_text(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

static void assert_end(const struct msg *m)
{
    assert_false(m->reader.failed);
    assert_int_equal(m->left, 0);
    assert_true(mp_at_end(&m->reader));
}

/* -- There and back -------------------------------------------------------------------------------------------------------- */
static void test_handshake(void **state)
{
    (void)state;
    struct buf b = {0};
    uint64_t version, instance;
    struct slice role, name, catalog;
    msg_put_hello(&b, "gateway", "gw-1");
    struct msg m = opened(&b, MSG_HELLO);
    assert_int_equal(msg_read_hello(&m, &version, &role, &name), 0);
    assert_int_equal(version, MSG_VERSION);
    assert_text(role, "gateway");
    assert_text(name, "gw-1");
    assert_end(&m);

    buf_reset(&b);
    msg_put_welcome(&b, UINT64_MAX, slice_text("catalog bytes"));
    m = opened(&b, MSG_WELCOME);
    assert_int_equal(msg_read_welcome(&m, &version, &instance, &catalog), 0);
    assert_true(instance == UINT64_MAX && version == MSG_VERSION);
    assert_text(catalog, "catalog bytes");
    assert_end(&m);

    buf_reset(&b);
    msg_put_pong(&b, 42);
    m = opened(&b, MSG_PONG);
    assert_int_equal(msg_read_pong(&m, &instance), 0);
    assert_int_equal(instance, 42);
    assert_end(&m);
    buf_finish(&b);
}

static void test_catalogs_and_bare_kinds(void **state)
{
    (void)state;
    static const enum msg_kind bare[] = {MSG_PING, MSG_WHO, MSG_LEAVE, MSG_LEFT};
    static const enum msg_kind catalogs[] = {MSG_CATALOG, MSG_TABLES};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        buf_reset(&b);
        msg_put_bare(&b, bare[i]);
        struct msg m = opened(&b, bare[i]);
        assert_end(&m);
    }
    for (size_t i = 0; i < sizeof catalogs / sizeof *catalogs; i++) {
        struct slice catalog;
        buf_reset(&b);
        msg_put_catalog(&b, catalogs[i], slice_of("", 0));
        struct msg m = opened(&b, catalogs[i]);
        assert_int_equal(msg_read_catalog(&m, &catalog), 0);
        assert_int_equal(catalog.len, 0);
        assert_end(&m);
    }
    buf_finish(&b);
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

static void test_send(void **state)
{
    (void)state;
    struct buf b = {0};
    uint64_t batch;
    struct slice queue;
    struct msg_send s;
    put_two_sends(&b);
    struct msg m = opened(&b, MSG_SEND);
    assert_int_equal(msg_read_send(&m, &batch, &queue), 0);
    assert_int_equal(batch, 7);
    assert_text(queue, "leat-jobs");
    assert_int_equal(m.left, 2);
    assert_true(msg_next_send(&m, &s));
    assert_true(id_equal(&s.id, &id_a) && s.group == UINT64_MAX && s.flags == MSG_WAIT && s.delay_ms == LIMIT_DELAY_MS);
    assert_text(s.key, "0123456789abcdef");
    assert_int_equal(s.body_hash, 99);
    assert_text(s.body, "first body");
    assert_true(msg_next_send(&m, &s));
    assert_true(id_equal(&s.id, &id_b) && s.group == 0 && s.flags == 0 && s.delay_ms == 0 && s.key.len == 0);
    assert_text(s.body, "2");
    assert_false(msg_next_send(&m, &s));
    assert_end(&m);
    buf_finish(&b);
}

static void test_sent(void **state)
{
    (void)state;
    struct buf b = {0};
    uint64_t batch;
    enum msg_result result;
    struct id known;
    static const struct id none;
    size_t mark = msg_begin_sent(&b, 7);
    msg_add_sent(&b, MSG_ACCEPTED, NULL);
    msg_add_sent(&b, MSG_MISMATCH, &id_b);
    msg_add_sent(&b, MSG_INVALID, NULL);
    msg_end(&b, mark, 3);
    struct msg m = opened(&b, MSG_SENT);
    assert_int_equal(msg_read_sent(&m, &batch), 0);
    assert_int_equal(batch, 7);
    assert_true(msg_next_sent(&m, &result, &known) && result == MSG_ACCEPTED && id_equal(&known, &none));
    assert_true(msg_next_sent(&m, &result, &known) && result == MSG_MISMATCH && id_equal(&known, &id_b));
    assert_true(msg_next_sent(&m, &result, &known) && result == MSG_INVALID && id_equal(&known, &none));
    assert_false(msg_next_sent(&m, &result, &known));
    assert_end(&m);

    buf_reset(&b);
    mark = msg_begin_sent(&b, 8);
    msg_end(&b, mark, 0);
    m = opened(&b, MSG_SENT);
    assert_int_equal(msg_read_sent(&m, &batch), 0);
    assert_int_equal(m.left, 0);
    assert_end(&m);
    buf_finish(&b);
}

static void test_calls(void **state)
{
    (void)state;
    struct buf b = {0};
    struct msg_call call = {.call = 5, .flags = MSG_WRITES, .timeout_ms = 1500, .body = slice_text("op")}, got;
    call.id = slice_of(id_a.bytes, ID_BYTES);
    size_t mark = msg_begin_call(&b);
    msg_add_call(&b, &call);
    msg_end(&b, mark, 1);
    struct msg m = opened(&b, MSG_CALL);
    assert_int_equal(msg_read_call(&m), 0);
    assert_true(msg_next_call(&m, &got));
    assert_true(got.call == 5 && got.flags == MSG_WRITES && got.timeout_ms == 1500 && slice_equal(got.id, call.id));
    assert_text(got.body, "op");
    assert_false(msg_next_call(&m, &got));
    assert_end(&m);

    buf_reset(&b);
    call.id.len = 0;
    mark = msg_begin_calls(&b);
    msg_add_calls(&b, &call);
    msg_end(&b, mark, 1);
    m = opened(&b, MSG_CALLS);
    assert_int_equal(msg_read_calls(&m), 0);
    assert_true(msg_next_calls(&m, &got));
    assert_true(got.call == 5 && got.id.len == 0 && got.timeout_ms == 0);
    assert_text(got.body, "op");
    assert_end(&m);
    buf_finish(&b);
}

static void test_replies(void **state)
{
    (void)state;
    static const enum msg_kind kinds[] = {MSG_REPLIES, MSG_ANSWERS};
    struct buf b = {0};
    for (size_t i = 0; i < 2; i++) {
        struct msg_reply got;
        buf_reset(&b);
        size_t mark = msg_begin_replies(&b, kinds[i]);
        msg_add_reply(&b, &(struct msg_reply){.call = 1, .status = MSG_CALL_OK, .body = slice_text("outcome")});
        msg_add_reply(&b, &(struct msg_reply){.call = 2, .status = MSG_CALL_BUSY});
        msg_end(&b, mark, 2);
        struct msg m = opened(&b, kinds[i]);
        assert_int_equal(msg_read_replies(&m), 0);
        assert_true(msg_next_reply(&m, &got) && got.call == 1 && got.status == MSG_CALL_OK);
        assert_text(got.body, "outcome");
        assert_true(msg_next_reply(&m, &got) && got.call == 2 && got.status == MSG_CALL_BUSY && got.body.len == 0);
        assert_end(&m);
    }
    buf_finish(&b);
}

static void test_results(void **state)
{
    (void)state;
    struct buf b = {0};
    struct id id;
    struct slice outcome;
    size_t mark = msg_begin_results(&b);
    for (int i = 0; i < 300; i++)
        msg_add_result(&b, i % 2 ? &id_a : &id_b, slice_text("outcome"));
    msg_end(&b, mark, 300);
    struct msg m = opened(&b, MSG_RESULTS);
    assert_int_equal(msg_read_results(&m), 0);
    for (int i = 0; i < 300; i++) {
        assert_true(msg_next_result(&m, &id, &outcome));
        assert_true(id_equal(&id, i % 2 ? &id_a : &id_b));
        assert_text(outcome, "outcome");
    }
    assert_false(msg_next_result(&m, &id, &outcome));
    assert_end(&m);
    buf_finish(&b);
}

static void test_watch_cancel_state(void **state)
{
    (void)state;
    struct buf b = {0};
    uint64_t request;
    int64_t wait_ms;
    struct id id;
    msg_put_watch(&b, 11, &id_a, 30000);
    struct msg m = opened(&b, MSG_WATCH);
    assert_int_equal(msg_read_watch(&m, &request, &id, &wait_ms), 0);
    assert_true(request == 11 && wait_ms == 30000 && id_equal(&id, &id_a));
    assert_end(&m);

    buf_reset(&b);
    msg_put_cancel(&b, 12, &id_b);
    m = opened(&b, MSG_CANCEL);
    assert_int_equal(msg_read_cancel(&m, &request, &id), 0);
    assert_true(request == 12 && id_equal(&id, &id_b));
    assert_end(&m);

    buf_reset(&b);
    struct msg_state_reply s = {.request = 12, .state = MSG_DEAD, .receive_count = 5, .body = slice_text("why")}, got;
    msg_put_state(&b, &s);
    m = opened(&b, MSG_STATE);
    assert_int_equal(msg_read_state(&m, &got), 0);
    assert_true(got.request == 12 && got.state == MSG_DEAD && got.receive_count == 5);
    assert_text(got.body, "why");
    assert_end(&m);
    buf_finish(&b);
}

static void test_admin(void **state)
{
    (void)state;
    struct buf b = {0}, value = {0};
    uint64_t request;
    unsigned code;
    struct slice verb, got;
    mp_put_map(&value, 1);
    mp_put_text(&value, "queue");
    mp_put_text(&value, "leat-jobs");
    msg_put_admin(&b, 3, "purge", buf_slice(&value));
    struct msg m = opened(&b, MSG_ADMIN);
    assert_int_equal(msg_read_admin(&m, &request, &verb, &got), 0);
    assert_int_equal(request, 3);
    assert_text(verb, "purge");
    assert_true(slice_equal(got, buf_slice(&value)));
    assert_end(&m);

    buf_reset(&b);
    msg_put_admin_reply(&b, 3, 9, (struct slice){0}); /* no value is nil */
    m = opened(&b, MSG_ADMIN_REPLY);
    assert_int_equal(msg_read_admin_reply(&m, &request, &code, &got), 0);
    assert_true(request == 3 && code == 9 && got.len == 1 && got.ptr[0] == 0xc0);
    assert_end(&m);
    buf_finish(&b);
    buf_finish(&value);
}

static void test_work(void **state)
{
    (void)state;
    struct buf b = {0};
    struct msg_join join = {.version = 1,
                            .name = slice_text("worker-1"),
                            .incarnation = 77,
                            .pid = 123,
                            .guard_pid = 122,
                            .healed = true,
                            .catalog = slice_text("c")},
                    joined;
    msg_put_join(&b, &join);
    struct msg m = opened(&b, MSG_JOIN);
    assert_int_equal(msg_read_join(&m, &joined), 0);
    assert_true(joined.version == 1 && joined.incarnation == 77 && joined.pid == 123 && joined.guard_pid == 122 &&
                joined.healed);
    assert_text(joined.name, "worker-1");
    assert_text(joined.catalog, "c");
    assert_end(&m);

    uint32_t messages, calls;
    buf_reset(&b);
    msg_put_credit(&b, LIMIT_CREDIT, 0);
    m = opened(&b, MSG_CREDIT);
    assert_int_equal(msg_read_credit(&m, &messages, &calls), 0);
    assert_true(messages == LIMIT_CREDIT && calls == 0);
    assert_end(&m);

    struct msg_beat beat = {1, 2, 3, UINT64_MAX}, beaten;
    buf_reset(&b);
    msg_put_beat(&b, &beat);
    m = opened(&b, MSG_BEAT);
    assert_int_equal(msg_read_beat(&m, &beaten), 0);
    assert_memory_equal(&beat, &beaten, sizeof beat);
    assert_end(&m);
    buf_finish(&b);
}

static void test_jobs_and_done(void **state)
{
    (void)state;
    struct buf b = {0};
    uint64_t low;
    struct msg_job job;
    struct msg_done done;
    size_t mark = msg_begin_jobs(&b, 1000);
    msg_add_job(&b, &(struct msg_job){.seq = 1001, .lease = 2, .id = id_a, .group = 5, .body = slice_text("body")});
    msg_end(&b, mark, 1);
    struct msg m = opened(&b, MSG_JOBS);
    assert_int_equal(msg_read_jobs(&m, &low), 0);
    assert_int_equal(low, 1000);
    assert_true(msg_next_job(&m, &job));
    assert_true(job.seq == 1001 && job.lease == 2 && job.group == 5 && id_equal(&job.id, &id_a));
    assert_text(job.body, "body");
    assert_end(&m);

    buf_reset(&b);
    mark = msg_begin_done(&b);
    msg_add_done(&b, &(struct msg_done){.seq = 1001, .lease = 2, .outcome = slice_text("out")});
    msg_add_done(&b, &(struct msg_done){.seq = 9, .lease = 1, .disposition = MSG_DONE_RETRY, .retry_ms = 50});
    msg_end(&b, mark, 2);
    m = opened(&b, MSG_DONE);
    assert_int_equal(msg_read_done(&m), 0);
    assert_true(msg_next_done(&m, &done) && done.disposition == MSG_DONE_OK && done.seq == 1001 && done.lease == 2);
    assert_text(done.outcome, "out");
    assert_true(msg_next_done(&m, &done) && done.disposition == MSG_DONE_RETRY && done.retry_ms == 50);
    assert_end(&m);
    buf_finish(&b);
}

static void test_kind_names(void **state)
{
    (void)state;
    assert_string_equal(msg_kind_name(MSG_HELLO), "HELLO");
    assert_string_equal(msg_kind_name(MSG_LEFT), "LEFT");
    assert_string_equal(msg_kind_name(MSG_KIND_COUNT), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),     cmocka_unit_test(test_catalogs_and_bare_kinds),
        cmocka_unit_test(test_send),          cmocka_unit_test(test_sent),
        cmocka_unit_test(test_calls),         cmocka_unit_test(test_replies),
        cmocka_unit_test(test_results),       cmocka_unit_test(test_watch_cancel_state),
        cmocka_unit_test(test_admin),         cmocka_unit_test(test_work),
        cmocka_unit_test(test_jobs_and_done), cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
