/* test_queue_client_link.c - the client when the broker is silent, restarts or loses its peers: what is said again, and how an
 * awaited outcome still arrives. Time is virtual: the broker is real and answers when the test says. */
#include "tests/lib/client_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>

#include "common/limits.h"

static void pong(struct story *s, uint64_t instance)
{
    msg_put_pong(&s->broker.out, instance);
    fake_broker_answer(&s->broker);
}

/* -- Keep-alive ------------------------------------------------------------------------------------------------------------ */
static void test_pings_while_nothing_comes(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    for (int i = 0; i < 20; i++) {
        assert_true(queue_client_deadline(s->client) <= s->now_ms + 250);
        s->now_ms += 250;
        fake_broker_expect(&s->broker, MSG_PING);
        pong(s, 5);
        story_expect_silence(s);
    }
    assert_true(queue_client_up(s->client));
}

static void test_silence_takes_the_link_down(void **state)
{
    struct story *s = *state;
    int fd = queue_client_fd(s->client);
    story_welcome(s, 5);
    struct net_peer before = s->broker.peer;
    story_send(s, 1, 0, "body");
    story_expect_send(s, 1, 1);
    s->now_ms += 250;
    fake_broker_expect(&s->broker, MSG_PING);
    s->now_ms += 749;
    story_settle(s, "");
    assert_true(queue_client_deadline(s->client) == s->now_ms + 1);
    s->now_ms += 1;
    story_settle(s, "link down\n");
    assert_false(queue_client_up(s->client));
    while (fake_broker_next(&s->broker).kind == MSG_PING) /* sent through the old socket */
        ;
    assert_int_equal(queue_client_fd(s->client), fd);
    msg_put_welcome(&s->broker.out, 5, slice_text("tables"));
    fake_broker_answer(&s->broker);
    story_settle(s, "catalog tables\nlink up\n");
    assert_memory_not_equal(&before, &s->broker.peer, sizeof before);
    story_sent_one(s, story_expect_send(s, 1, 1), MSG_DUPLICATE, 1);
    story_settle(s, "sent 1 accepted\n");
}

static void test_a_stopped_process_asks_before_it_gives_up(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    s->now_ms += 60000;
    fake_broker_expect(&s->broker, MSG_PING);
    pong(s, 5);
    story_expect_silence(s);
    assert_true(queue_client_up(s->client));
}

static void test_hello_until_somebody_answers(void **state)
{
    struct story *s = *state;
    for (int i = 0; i < 20; i++) {
        fake_broker_expect(&s->broker, MSG_HELLO);
        assert_int_equal(queue_client_deadline(s->client), s->now_ms + 250);
        s->now_ms += 250;
    }
    story_welcome(s, 5);
}

static void test_a_broker_that_starts_later(void **state)
{
    struct story *s = *state;
    fake_broker_expect(&s->broker, MSG_HELLO); /* by one that dies before it answers */
    story_broker_dies(s);
    for (int i = 0; i < 40; i++) {
        s->now_ms += 250;
        story_settle(s, "");
    }
    fake_broker_start(&s->broker);
    story_welcome(s, 5); /* one HELLO: those of before were not kept */
    story_expect_silence(s);
}

static void test_the_descriptor_tells(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_expect_silence(s);
    pong(s, 5);
    struct pollfd fd = {.fd = queue_client_fd(s->client), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, FAKE_BROKER_PATIENCE_MS), 1);
    for (int i = 0; i < 100 && queue_client_deadline(s->client) > s->now_ms; i++)
        fake_broker_glance(fd.fd);
    assert_true(queue_client_deadline(s->client) <= s->now_ms); /* for an owner that misses the edge */
    queue_client_process(s->client, s->now_ms);
    assert_true(queue_client_deadline(s->client) > s->now_ms);
}

/* -- Saying it again ------------------------------------------------------------------------------------------------------- */
static void test_everything_again_after_a_restart(void **state)
{
    struct story *s = *state;
    struct id id = story_id(9);
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    uint64_t first = story_expect_send(s, 1, 1);
    queue_client_call(s->client, slice_text("op"), NULL, 10000, story_tag(20));
    uint64_t call = story_expect_call(s, "op");
    story_send(s, 2, 0, "body");
    story_send(s, 3, 0, "body");
    uint64_t second = story_expect_send(s, 2, 2);
    queue_client_cancel(s->client, &id, story_tag(21));
    fake_broker_expect(&s->broker, MSG_CANCEL);

    story_broker_restarts(s, 6);
    assert_true(queue_client_up(s->client));             /* too short for anybody to notice */
    assert_int_equal(story_expect_send(s, 1, 1), first); /* in the old order, with the old numbers */
    assert_int_equal(story_expect_call(s, "op"), call);
    assert_int_equal(story_expect_send(s, 2, 2), second);
    fake_broker_expect(&s->broker, MSG_CANCEL);
    story_sent_one(s, first, MSG_DUPLICATE, 1);
    story_sent_all(s, second);
    story_reply(s, call, MSG_CALL_OK, slice_text("out"));
    story_settle(s, "sent 1 accepted\nsent 2 accepted\nsent 3 accepted\nreply 20 0 out\n");
    assert_int_equal(queue_client_outstanding(s->client), 1);
}

static void test_again_when_the_broker_forgot_us(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    uint64_t batch = story_expect_send(s, 1, 1);
    for (int i = 0; i < 3; i++) { /* one for each frame that it got: they are answered by one HELLO */
        msg_put_bare(&s->broker.out, MSG_WHO);
        fake_broker_answer(&s->broker);
    }
    fake_broker_expect(&s->broker, MSG_HELLO);
    story_send(s, 2, 0, "body"); /* waits for WELCOME */
    msg_put_welcome(&s->broker.out, 5, slice_text("tables"));
    fake_broker_answer(&s->broker);
    assert_int_equal(story_expect_send(s, 1, 1), batch);
    story_expect_send(s, 2, 1);
    story_settle(s, "catalog tables\n");
}

static void test_pong_of_another_instance(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    uint64_t batch = story_expect_send(s, 1, 1);
    pong(s, 6);
    fake_broker_expect(&s->broker, MSG_HELLO);
    msg_put_welcome(&s->broker.out, 6, slice_text("tables"));
    fake_broker_answer(&s->broker);
    assert_int_equal(story_expect_send(s, 1, 1), batch);
}

static void test_a_second_welcome_is_no_news(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    story_expect_send(s, 1, 1);
    msg_put_welcome(&s->broker.out, 5, slice_text("tables"));
    fake_broker_answer(&s->broker);
    story_expect_silence(s);
}

static void test_lost_after_who(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    msg_put_bare(&s->broker.out, MSG_WHO);
    fake_broker_answer(&s->broker);
    fake_broker_expect(&s->broker, MSG_HELLO);
    s->now_ms += 1000; /* and no WELCOME */
    story_settle(s, "link down\n");
    while (s->broker.peer.len && fake_broker_next(&s->broker).kind != MSG_HELLO)
        ;
}

static void test_a_batch_without_an_answer_is_sent_again(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, 0, "body");
    uint64_t batch = story_expect_send(s, 1, 1);
    for (int i = 0; i < 70; i++) {
        s->now_ms += 250;
        if (fake_broker_next(&s->broker).kind == MSG_SEND)
            break;
        pong(s, 5);
        story_expect_silence(s);
    }
    assert_true(s->now_ms >= 1000000 + 15000);
    story_sent_one(s, batch, MSG_DUPLICATE, 1);
    story_settle(s, "sent 1 accepted\n");
}

/* -- Outcomes over restarts ------------------------------------------------------------------------------------------------ */
/* Message 1 is accepted and awaited, then the broker restarts: its end is asked for by WATCH. */
static void wait_over_restart(struct story *s)
{
    story_welcome(s, 5);
    story_send(s, 1, MSG_WAIT, "body");
    story_send(s, 2, 0, "body");
    story_sent_all(s, story_expect_send(s, 1, 2));
    story_settle(s, "sent 1 accepted\nsent 2 accepted\n");
    story_broker_restarts(s, 6);
}

static void test_outcome_from_the_watch(void **state)
{
    struct story *s = *state;
    wait_over_restart(s);
    story_watched(s, 1, MSG_ENDED, "done");
    story_settle(s, "result 1 done\n");
    story_result(s, 1, "done"); /* the broker says it in both ways */
    story_expect_silence(s);
}

static void test_outcome_overtakes_the_watch(void **state)
{
    struct story *s = *state;
    wait_over_restart(s);
    struct msg m = fake_broker_expect(&s->broker, MSG_WATCH);
    uint64_t request;
    struct id id;
    int64_t wait_ms;
    assert_int_equal(msg_read_watch(&m, &request, &id, &wait_ms), 0);
    assert_true(wait_ms > 1000);
    story_result(s, 1, "done");
    story_settle(s, "result 1 done\n");
    msg_put_state(&s->broker.out, &(struct msg_state_reply){.request = request, .state = MSG_UNKNOWN});
    fake_broker_answer(&s->broker);
    story_expect_silence(s);
}

static void test_outcome_from_the_store(void **state)
{
    struct story *s = *state;
    struct buf missing = {0};
    struct err e = {.code = ERR_NOT_FOUND, .text = "no such job"};
    outcome_encode_err(&missing, &e);
    wait_over_restart(s);
    story_watched(s, 1, MSG_UNKNOWN, "");
    story_reply(s, story_expect_lookup(s, 1), MSG_CALL_OK, buf_slice(&missing));
    story_expect_silence(s);
    s->now_ms += 1000; /* asks again, the broker first */
    while (fake_broker_next(&s->broker).kind != MSG_WATCH)
        pong(s, 6);
    s->now_ms += 1;
    struct msg m;
    assert_int_equal(msg_open(net_frame_bytes(&s->broker.frame), &m), 0);
    uint64_t request;
    struct id id;
    int64_t wait_ms;
    assert_int_equal(msg_read_watch(&m, &request, &id, &wait_ms), 0);
    msg_put_state(&s->broker.out, &(struct msg_state_reply){.request = request, .state = MSG_UNKNOWN});
    fake_broker_answer(&s->broker);
    struct buf found = {0};
    e.code = ERR_CONDITION_FAILED;
    outcome_encode_err(&found, &e);
    m = fake_broker_next(&s->broker);
    while (m.kind == MSG_PING) {
        pong(s, 6);
        m = fake_broker_next(&s->broker);
    }
    struct msg_call call;
    assert_int_equal(msg_read_call(&m), 0);
    assert_true(msg_next_call(&m, &call));
    story_reply(s, call.call, MSG_CALL_OK, buf_slice(&found));
    story_settle(s, "result 1 state=1 code=ConditionalCheckFailedException no such job\n");
    assert_int_equal(queue_client_outstanding(s->client), 0);
    buf_finish(&missing);
    buf_finish(&found);
}

static void test_no_worker_to_look_it_up(void **state)
{
    struct story *s = *state;
    wait_over_restart(s);
    story_watched(s, 1, MSG_UNKNOWN, "");
    story_reply(s, story_expect_lookup(s, 1), MSG_CALL_NO_WORKER, (struct slice){0});
    story_expect_silence(s);
    assert_true(queue_client_deadline(s->client) <= s->now_ms + 1000);
    struct id id = story_id(1);
    queue_client_unwait(s->client, &id);
    s->now_ms += 1000;
    fake_broker_expect(&s->broker, MSG_PING); /* and no WATCH */
    pong(s, 6);
    story_expect_silence(s);
}

static void test_still_under_way(void **state)
{
    struct story *s = *state;
    wait_over_restart(s);
    story_watched(s, 1, MSG_RUNNING, "");
    story_expect_silence(s);
    s->now_ms += 1000;
    struct msg m = fake_broker_next(&s->broker);
    for (; m.kind != MSG_WATCH; m = fake_broker_next(&s->broker))
        pong(s, 6);
    story_result(s, 1, "done");
    story_settle(s, "result 1 done\n");
}

static void test_dead_meanwhile(void **state)
{
    struct story *s = *state;
    wait_over_restart(s);
    story_watched(s, 1, MSG_DEAD, "received 5 times");
    story_settle(s, "result 1 state=2 code=DeadLettered received 5 times\n");
}

static void test_cancelled_meanwhile(void **state)
{
    struct story *s = *state;
    wait_over_restart(s);
    story_watched(s, 1, MSG_CANCELLED, "\xff not UTF-8");
    story_settle(s, "result 1 state=3 code=Cancelled Cancelled\n");
}

static void test_restart_before_sent(void **state)
{
    struct story *s = *state;
    story_welcome(s, 5);
    story_send(s, 1, MSG_WAIT, "body");
    story_expect_send(s, 1, 1);
    story_broker_restarts(s, 6);
    story_sent_one(s, story_expect_send(s, 1, 1), MSG_DUPLICATE, 1);
    story_settle(s, "sent 1 accepted\n");
    story_watched(s, 1, MSG_ENDED, "done"); /* it may have ended before the new broker knew who waits */
    story_settle(s, "result 1 done\n");
}

static void test_two_restarts(void **state)
{
    struct story *s = *state;
    wait_over_restart(s);
    fake_broker_expect(&s->broker, MSG_WATCH);
    story_broker_restarts(s, 7);
    story_watched(s, 1, MSG_ENDED, "done"); /* the same request again, once */
    story_settle(s, "result 1 done\n");
    story_expect_silence(s);
}

static void test_unwait_over_restart(void **state)
{
    struct story *s = *state;
    struct id id = story_id(1);
    story_welcome(s, 5);
    story_send(s, 1, MSG_WAIT, "body");
    story_sent_all(s, story_expect_send(s, 1, 1));
    story_settle(s, "sent 1 accepted\n");
    queue_client_unwait(s->client, &id);
    story_broker_restarts(s, 6);
    story_expect_silence(s);
}

static void test_many_waits(void **state)
{
    struct story *s = *state;
    enum { MANY = 3000 };
    story_welcome(s, 5);
    for (int n = 0; n < MANY; n++)
        assert_int_equal(story_send(s, n, MSG_WAIT, "body"), 0);
    story_sent_all(s, story_expect_send(s, 0, MANY));
    story_skip_to(s, "sent 2999 accepted\n");
    story_broker_restarts(s, 6);
    for (int n = 0; n < MANY; n++)
        story_watched(s, n, MSG_ENDED, "done");
    story_skip_to(s, "result 2999 done\n");
    story_expect_silence(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
    const struct CMUnitTest tests[] = {
        T(test_pings_while_nothing_comes),
        T(test_silence_takes_the_link_down),
        T(test_a_stopped_process_asks_before_it_gives_up),
        T(test_hello_until_somebody_answers),
        T(test_a_broker_that_starts_later),
        T(test_the_descriptor_tells),
        T(test_everything_again_after_a_restart),
        T(test_again_when_the_broker_forgot_us),
        T(test_pong_of_another_instance),
        T(test_a_second_welcome_is_no_news),
        T(test_lost_after_who),
        T(test_a_batch_without_an_answer_is_sent_again),
        T(test_outcome_from_the_watch),
        T(test_outcome_overtakes_the_watch),
        T(test_outcome_from_the_store),
        T(test_no_worker_to_look_it_up),
        T(test_still_under_way),
        T(test_dead_meanwhile),
        T(test_cancelled_meanwhile),
        T(test_restart_before_sent),
        T(test_two_restarts),
        T(test_unwait_over_restart),
        T(test_many_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
