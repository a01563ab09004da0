/* test_queue_client_limits.c - what the client refuses, splits and keeps, and a broker that talks nonsense. */
#include "tests/lib/client_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/queue_requests.h"

/* -- Limits ---------------------------------------------------------------------------------------------------------------- */
static void test_what_is_refused_at_once(void **state)
{
    struct story *s = *state;
    char *large = calloc(1, LIMIT_CALL_BYTES + 1), name[LIMIT_QUEUE_NAME_BYTES + 2];
    struct msg_send good = {.body = slice_text("x")}, bad = good;
    assert_non_null(large);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(queue_client_send(s->client, name, &good, NULL), -1);
    assert_int_equal(queue_client_send(s->client, "", &good, NULL), -1);
    bad.body = slice_of(large, 0);
    assert_int_equal(queue_client_send(s->client, "q", &bad, NULL), -1);
    bad.body.len = LIMIT_BODY_BYTES + 1;
    assert_int_equal(queue_client_send(s->client, "q", &bad, NULL), -1);
    bad = good;
    bad.delay_ms = LIMIT_DELAY_MS + 1;
    assert_int_equal(queue_client_send(s->client, "q", &bad, NULL), -1);
    bad = good;
    bad.key = slice_of(large, 5);
    assert_int_equal(queue_client_send(s->client, "q", &bad, NULL), -1);
    assert_int_equal(queue_client_call(s->client, slice_of(large, 0), NULL, 1, NULL), -1);
    assert_int_equal(queue_client_call(s->client, slice_of(large, LIMIT_CALL_BYTES + 1), NULL, 1, NULL), -1);
    assert_int_equal(queue_client_admin(s->client, name, (struct slice){0}, NULL), -1);
    assert_int_equal(queue_client_outstanding(s->client), 0);
    free(large);
}

static void test_large_turns_are_split(void **state)
{
    struct story *s = *state;
    char *large = malloc(LIMIT_BODY_BYTES);
    uint64_t batch;
    struct slice queue;
    uint32_t got = 0, frames = 0;
    assert_non_null(large);
    memset(large, 'x', LIMIT_BODY_BYTES);
    story_welcome(s, 5);
    struct msg_send message = {.body = slice_of(large, LIMIT_BODY_BYTES)};
    for (int i = 0; i < 20; i++)
        assert_int_equal(queue_client_send(s->client, "q", &message, NULL), 0);
    for (; got < 20; frames++) {
        struct msg m = fake_broker_expect(&s->broker, MSG_SEND);
        assert_true(net_frame_bytes(&s->broker.frame).len <= LIMIT_WIRE_BYTES / 4 + 100);
        assert_int_equal(msg_read_send(&m, &batch, &queue), 0);
        got += m.left;
    }
    assert_true(got == 20 && frames == 2);
    message.body.len = 1;
    for (uint32_t i = 0; i < LIMIT_BATCH_ENTRIES + 10; i++)
        assert_int_equal(queue_client_send(s->client, "q", &message, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct msg m = fake_broker_expect(&s->broker, MSG_SEND);
        assert_int_equal(msg_read_send(&m, &batch, &queue), 0);
        assert_int_equal(m.left, i == 0 ? LIMIT_BATCH_ENTRIES : 10);
    }
    free(large);
}

static void test_outstanding_bytes_are_bounded(void **state)
{
    (void)state;
    struct requests r;
    assert_int_equal(requests_init(&r), 0);
    assert_true(requests_room(&r, LIMIT_OUTSTANDING_BYTES / 2));
    r.bytes = LIMIT_OUTSTANDING_BYTES / 2;
    assert_true(requests_room(&r, LIMIT_OUTSTANDING_BYTES / 4));
    assert_false(requests_room(&r, LIMIT_OUTSTANDING_BYTES / 2));
    r.bytes = LIMIT_OUTSTANDING_BYTES + 100;
    assert_false(requests_room(&r, 0));
    requests_finish(&r);
}

static void test_full_socket_keeps_everything(void **state)
{
    struct story *s = *state;
    enum { WATCHES = 40000 };
    struct id id = story_id(1), got;
    uint64_t request, last = 0;
    int64_t wait_ms;
    story_welcome(s, 5);
    for (int i = 0; i < WATCHES; i++) /* a frame each, far more than ZeroMQ takes */
        assert_int_equal(queue_client_watch(s->client, &id, 1, NULL), 0);
    queue_client_flush(s->client, s->now_ms);
    for (int i = 0; i < WATCHES; i++) {
        struct msg m = fake_broker_expect(&s->broker, MSG_WATCH);
        assert_int_equal(msg_read_watch(&m, &request, &got, &wait_ms), 0);
        assert_true(request > last);
        last = request;
    }
    story_expect_silence(s);
}

/* -- Nonsense from the broker ---------------------------------------------------------------------------------------------- */
static void test_broken_frames_are_ignored(void **state)
{
    struct story *s = *state;
    static const char *const noise[] = {"", "garbage", "\x91\x7f", "\xc1", "\x92\x08\xa1x"};
    struct buf *out = &s->broker.out;
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    story_send(s, 2, 0, "body");
    uint64_t batch = story_expect_send(s, 1, 2);
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        buf_text(out, noise[i]);
        fake_broker_answer(&s->broker);
    }
    msg_put_hello(out, "no", "client"); /* not for clients */
    fake_broker_answer(&s->broker);
    mp_put_array(out, 3); /* a SENT whose second result is none: the first one must not count either */
    mp_put_uint(out, MSG_SENT);
    mp_put_uint(out, batch);
    mp_put_array(out, 2);
    mp_put_uint(out, MSG_FULL);
    mp_put_uint(out, MSG_RESULT_COUNT);
    fake_broker_answer(&s->broker);
    story_expect_silence(s);
    story_sent_all(s, batch);
    story_settle(s, "sent 1 accepted\nsent 2 accepted\n");
}

static void test_answers_of_the_wrong_kind(void **state)
{
    struct story *s = *state;
    struct buf *out = &s->broker.out;
    story_welcome(s, 5);
    queue_client_call(s->client, slice_text("op"), NULL, 10000, story_tag(1));
    uint64_t call = story_expect_call(s, "op");
    story_sent_all(s, call); /* its number, but as a batch, a state, an admin's answer */
    msg_put_state(out, &(struct msg_state_reply){.request = call});
    fake_broker_answer(&s->broker);
    msg_put_admin_reply(out, call, 0, (struct slice){0});
    fake_broker_answer(&s->broker);
    story_expect_silence(s);
    story_reply(s, call, MSG_CALL_OK, slice_text("outcome"));
    story_settle(s, "reply 1 0 outcome\n");
}

static void test_another_version_is_not_welcome(void **state)
{
    struct story *s = *state;
    struct buf *out = &s->broker.out;
    fake_broker_expect(&s->broker, MSG_HELLO);
    mp_put_array(out, 4);
    mp_put_uint(out, MSG_WELCOME);
    mp_put_uint(out, MSG_VERSION + 1);
    mp_put_uint(out, 5);
    mp_put_bin(out, "", 0);
    fake_broker_answer(&s->broker);
    s->now_ms += 250;
    story_welcome(s, 5);
}

static void test_catalog_changes(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    story_expect_send(s, 1, 1);
    msg_put_catalog(&s->broker.out, MSG_CATALOG, slice_text("more tables"));
    fake_broker_answer(&s->broker);
    story_settle(s, "catalog more tables\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
    const struct CMUnitTest tests[] = {
        T(test_what_is_refused_at_once),
        T(test_large_turns_are_split),
        cmocka_unit_test(test_outstanding_bytes_are_bounded),
        T(test_full_socket_keeps_everything),
        T(test_broken_frames_are_ignored),
        T(test_answers_of_the_wrong_kind),
        T(test_another_version_is_not_welcome),
        T(test_catalog_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
