/* test_queue_client.c - the client's everyday: greeting, batches, answers, calls, giving up.
 * When the broker goes away: test_queue_client_link.c. Limits, and a broker that talks nonsense: test_queue_client_limits.c. */
#include "tests/lib/client_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/limits.h"

static void test_nothing_before_welcome(void **state)
{
    struct story *s = *state;
    assert_int_equal(story_send(s, 1, 0, "body"), 0);
    assert_false(queue_client_up(s->client));
    fake_broker_expect(&s->broker, MSG_HELLO);
    s->now_ms += 250;
    story_welcome(s, 5); /* it said HELLO again, and only that */
    assert_true(queue_client_up(s->client));
    story_sent_all(s, story_expect_send(s, 1, 1));
    story_settle(s, "sent 1 accepted\n");
    assert_int_equal(queue_client_outstanding(s->client), 0);
}

static void test_one_frame_a_turn(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    for (int n = 1; n <= 3; n++)
        assert_int_equal(story_send(s, n, 0, "body"), 0);
    struct msg_send other = {.id = story_id(9), .body = slice_text("x")};
    assert_int_equal(queue_client_send(s->client, "other", &other, story_tag(9)), 0);
    assert_int_equal(story_send(s, 4, 0, "body"), 0); /* joins the first three */
    assert_int_equal(queue_client_outstanding(s->client), 5);
    uint64_t first = story_expect_send(s, 1, 4), second = story_expect_send(s, 9, 1);
    story_sent_all(s, second);
    story_settle(s, "sent 9 accepted\n");
    story_sent_all(s, first);
    story_settle(s, "sent 1 accepted\nsent 2 accepted\nsent 3 accepted\nsent 4 accepted\n");
    story_expect_silence(s);
}

static void test_every_field_of_a_message_arrives(void **state)
{
    struct story *s = *state;
    struct msg_send sent = {.id = story_id(1),
                            .group = 77,
                            .flags = MSG_WAIT,
                            .delay_ms = 1234,
                            .key = slice_text("0123456789abcdef"),
                            .body_hash = 88,
                            .body = slice_text("the body")},
                    got;
    uint64_t batch;
    struct slice queue;
    story_welcome(s, 5);
    assert_int_equal(queue_client_send(s->client, "a-queue", &sent, NULL), 0);
    struct msg m = fake_broker_expect(&s->broker, MSG_SEND);
    assert_int_equal(msg_read_send(&m, &batch, &queue), 0);
    assert_true(slice_equal(queue, slice_text("a-queue")));
    assert_true(msg_next_send(&m, &got));
    assert_true(id_equal(&got.id, &sent.id) && got.group == 77 && got.flags == MSG_WAIT && got.delay_ms == 1234);
    assert_true(slice_equal(got.key, sent.key) && got.body_hash == 88 && slice_equal(got.body, sent.body));
}

static void test_results_of_a_batch(void **state)
{
    struct story *s = *state;
    struct id three = story_id(3), known = story_id(40);
    story_welcome(s, 5);
    for (int n = 1; n <= 6; n++)
        assert_int_equal(story_send(s, n, 0, "body"), 0);
    uint64_t batch = story_expect_send(s, 1, 6);
    size_t mark = msg_begin_sent(&s->broker.out, batch);
    msg_add_sent(&s->broker.out, MSG_ACCEPTED, NULL);
    msg_add_sent(&s->broker.out, MSG_DUPLICATE, &known); /* another message with the same idempotency key */
    msg_add_sent(&s->broker.out, MSG_DUPLICATE, &three); /* this very message, which the owner sent once */
    msg_add_sent(&s->broker.out, MSG_MISMATCH, &known);
    msg_add_sent(&s->broker.out, MSG_FULL, NULL);
    msg_end(&s->broker.out, mark, 5); /* and none for the sixth: it was not read */
    fake_broker_answer(&s->broker);
    story_settle(s, "sent 1 accepted\nsent 2 duplicate known 40\nsent 3 accepted\nsent 4 mismatch known 40\nsent 5 full\n"
                    "sent 6 invalid\n");
    story_sent_all(s, batch); /* answered already */
    story_expect_silence(s);
}

static void test_result_after_sent(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, MSG_WAIT, "body");
    story_send(s, 2, 0, "body");
    story_sent_all(s, story_expect_send(s, 1, 2));
    story_settle(s, "sent 1 accepted\nsent 2 accepted\n");
    story_result(s, 2, "nobody waits for it");
    story_result(s, 1, "done");
    story_result(s, 1, "done twice");
    story_settle(s, "result 1 done\n");
    story_expect_silence(s);
}

static void test_result_before_sent(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    story_send(s, 2, MSG_WAIT, "body");
    uint64_t batch = story_expect_send(s, 1, 2);
    story_result(s, 2, "done");
    story_settle(s, "sent 2 accepted\nresult 2 done\n");
    assert_int_equal(queue_client_outstanding(s->client), 1);
    story_sent_all(s, batch);
    story_settle(s, "sent 1 accepted\n");
    story_expect_silence(s);
}

static void test_no_result_for_what_was_refused(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, MSG_WAIT, "body");
    story_sent_one(s, story_expect_send(s, 1, 1), MSG_DUPLICATE, 7);
    story_settle(s, "sent 1 duplicate known 7\n");
    story_send(s, 2, MSG_WAIT, "body");
    story_sent_one(s, story_expect_send(s, 2, 1), MSG_FULL, 0);
    story_settle(s, "sent 2 full\n");
    story_result(s, 1, "x");
    story_result(s, 2, "x");
    story_expect_silence(s);
}

static void test_unwait(void **state)
{
    struct story *s = *state;
    struct id one = story_id(1), two = story_id(2);
    story_welcome(s, 5);
    story_send(s, 1, MSG_WAIT, "body");
    story_send(s, 2, MSG_WAIT, "body");
    queue_client_unwait(s->client, &one); /* before SENT */
    story_sent_all(s, story_expect_send(s, 1, 2));
    story_settle(s, "sent 1 accepted\nsent 2 accepted\n");
    queue_client_unwait(s->client, &two);
    queue_client_unwait(s->client, &two);
    story_result(s, 1, "x");
    story_result(s, 2, "x");
    story_expect_silence(s);
}

/* -- Calls ----------------------------------------------------------------------------------------------------------------- */
static void test_calls_share_a_frame(void **state)
{
    struct story *s = *state;
    struct id id = story_id(4);
    struct msg_call call[2];
    story_welcome(s, 5);
    assert_int_equal(queue_client_call(s->client, slice_text("read"), NULL, 3000, story_tag(1)), 0);
    assert_int_equal(queue_client_call(s->client, slice_text("write"), &id, LIMIT_CALL_MS + 1, story_tag(2)), 0);
    struct msg m = fake_broker_expect(&s->broker, MSG_CALL);
    assert_int_equal(msg_read_call(&m), 0);
    assert_true(msg_next_call(&m, &call[0]) && msg_next_call(&m, &call[1]) && m.left == 0);
    assert_true(call[0].flags == 0 && call[0].id.len == 0 && call[0].timeout_ms == 3000);
    assert_true(slice_equal(call[0].body, slice_text("read")));
    assert_true(call[1].flags == MSG_WRITES && call[1].timeout_ms == LIMIT_CALL_MS);
    assert_true(slice_equal(call[1].id, slice_of(id.bytes, ID_BYTES)) && call[0].call != call[1].call);
    uint64_t numbers[] = {call[0].call, call[1].call};
    story_reply(s, numbers[1], MSG_CALL_WORKER_LOST, (struct slice){0});
    story_reply(s, numbers[0], MSG_CALL_OK, slice_text("outcome"));
    story_settle(s, "reply 2 2 \nreply 1 0 outcome\n");
    story_reply(s, numbers[0], MSG_CALL_OK, slice_text("again"));
    story_expect_silence(s);
}

static void test_call_times_out(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    queue_client_call(s->client, slice_text("slow"), NULL, 100, story_tag(1));
    queue_client_call(s->client, slice_text("slow"), NULL, 200, story_tag(2));
    fake_broker_expect(&s->broker, MSG_CALL);
    s->now_ms += 99;
    story_settle(s, "");
    assert_true(queue_client_deadline(s->client) <= s->now_ms + 17);
    s->now_ms += 17;
    story_settle(s, "reply 1 3 \n");
    s->now_ms += 100;
    story_settle(s, "reply 2 3 \n");
    assert_int_equal(queue_client_outstanding(s->client), 0);
}

static void test_call_times_out_without_a_broker(void **state)
{
    struct story *s = *state;
    queue_client_call(s->client, slice_text("op"), NULL, 100, story_tag(1));
    s->now_ms += 120;
    story_settle(s, "reply 1 3 \n");
}

static void test_requests_about_messages(void **state)
{
    struct story *s = *state;
    struct id id = story_id(6), got;
    uint64_t request;
    int64_t wait_ms;
    story_welcome(s, 5);
    assert_int_equal(queue_client_watch(s->client, &id, 5000, story_tag(1)), 0);
    struct msg m = fake_broker_expect(&s->broker, MSG_WATCH);
    assert_int_equal(msg_read_watch(&m, &request, &got, &wait_ms), 0);
    assert_true(wait_ms == 5000 && id_equal(&id, &got));
    struct msg_state_reply reply = {.request = request, .state = MSG_RUNNING, .receive_count = 2};
    msg_put_state(&s->broker.out, &reply);
    fake_broker_answer(&s->broker);
    story_settle(s, "state 1 3 \n");

    assert_int_equal(queue_client_cancel(s->client, &id, story_tag(2)), 0);
    m = fake_broker_expect(&s->broker, MSG_CANCEL);
    assert_int_equal(msg_read_cancel(&m, &reply.request, &got), 0);
    reply.state = MSG_CANCELLED;
    msg_put_state(&s->broker.out, &reply);
    fake_broker_answer(&s->broker);
    story_settle(s, "state 2 6 \n");

    unsigned char argument[] = {0x81, 0xa3, 'm', 'a', 'x', 0xc3};
    struct slice verb, value;
    assert_int_equal(queue_client_admin(s->client, "redrive", slice_of(argument, sizeof argument), story_tag(3)), 0);
    m = fake_broker_expect(&s->broker, MSG_ADMIN);
    assert_int_equal(msg_read_admin(&m, &request, &verb, &value), 0);
    assert_true(slice_equal(verb, slice_text("redrive")) && slice_equal(value, slice_of(argument, sizeof argument)));
    msg_put_admin_reply(&s->broker.out, request, ERR_NOT_FOUND, (struct slice){0});
    fake_broker_answer(&s->broker);
    char expected[32];
    snprintf(expected, sizeof expected, "admin 3 %u\n", (unsigned)ERR_NOT_FOUND);
    story_settle(s, expected);
}

/* -- Giving up ------------------------------------------------------------------------------------------------------------- */
static void test_forget(void **state)
{
    struct story *s = *state;
    struct id id = story_id(6);
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    story_send(s, 2, 0, "body");
    queue_client_watch(s->client, &id, 0, story_tag(1));
    queue_client_call(s->client, slice_text("op"), NULL, 100, story_tag(1));
    assert_int_equal(queue_client_outstanding(s->client), 4);
    queue_client_forget(s->client, story_tag(1));
    assert_int_equal(queue_client_outstanding(s->client), 1);
    story_sent_all(s, story_expect_send(s, 1, 2)); /* the message goes its way, the requests do not */
    story_settle(s, "sent 2 accepted\n");
    s->now_ms += 150;
    story_expect_silence(s);
}

static void forget_and_ask(struct story *s, int tag)
{
    if (tag != 1)
        return;
    queue_client_forget(s->client, story_tag(2));
    queue_client_forget(s->client, story_tag(10)); /* a call: it leaves the list that is being walked */
    story_send(s, 4, MSG_WAIT, "body");
    queue_client_flush(s->client, s->now_ms);
}

static void test_callbacks_may_change_everything(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    s->on_sent = forget_and_ask;
    for (int n = 1; n <= 3; n++)
        story_send(s, n, MSG_WAIT, "body");
    queue_client_call(s->client, slice_text("op"), NULL, 1000, story_tag(10));
    uint64_t batch = story_expect_send(s, 1, 3);
    fake_broker_expect(&s->broker, MSG_CALL);
    story_sent_all(s, batch);
    story_settle(s, "sent 1 accepted\nsent 3 accepted\n");
    story_sent_all(s, story_expect_send(s, 4, 1));
    story_settle(s, "sent 4 accepted\n");
    assert_int_equal(queue_client_outstanding(s->client), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
    const struct CMUnitTest tests[] = {
        T(test_nothing_before_welcome),
        T(test_one_frame_a_turn),
        T(test_every_field_of_a_message_arrives),
        T(test_results_of_a_batch),
        T(test_result_after_sent),
        T(test_result_before_sent),
        T(test_no_result_for_what_was_refused),
        T(test_unwait),
        T(test_calls_share_a_frame),
        T(test_call_times_out),
        T(test_call_times_out_without_a_broker),
        T(test_requests_about_messages),
        T(test_forget),
        T(test_callbacks_may_change_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
