/* test_queue_client_ask.c - requests to queues through the client: batched, answered once, asked again, given up. */
#include "tests/lib/client_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/limits.h"

static int ask(struct story *s, int n, const struct queue_request *r) { return queue_client_ask(s->client, r, story_tag(n)); }

static struct queue_request message(int n)
{
    struct queue_request r = {.verb = QUEUE_VERB_SEND, .queue = slice_text("q")};
    r.send = (struct queue_send){.id = story_id(n), .delay_ms = QUEUE_DEFAULT, .size = 4, .body = slice_text("body")};
    return r;
}

static struct queue_request receive(int64_t wait_ms)
{
    struct queue_request r = {.verb = QUEUE_VERB_RECEIVE, .queue = slice_text("q")};
    r.receive = (struct queue_receive){.max = 10, .visibility_ms = QUEUE_DEFAULT, .wait_ms = wait_ms};
    return r;
}

/* Expects a frame with one request of that verb; returns its number. */
static uint64_t expect(struct story *s, enum queue_verb verb, struct queue_request *got)
{
    uint64_t number = 0;
    bool valid = false;
    struct msg m = fake_broker_expect(&s->broker, MSG_REQUESTS);
    assert_int_equal(msg_read_requests(&m), 0);
    assert_int_equal(m.left, 1);
    assert_true(msg_next_request(&m, &number, got, &valid) && valid);
    assert_int_equal(got->verb, verb);
    return number;
}

static void respond(struct story *s, uint64_t number, enum queue_result result)
{
    size_t mark = msg_begin_responses(&s->broker.out);
    msg_add_response(&s->broker.out, number, result);
    msg_end(&s->broker.out, mark, 1);
    fake_broker_answer(&s->broker);
}

static void pong(struct story *s)
{
    msg_put_pong(&s->broker.out, 5);
    fake_broker_answer(&s->broker);
    story_expect_silence(s); /* it has arrived */
}

static void test_a_turn_is_one_frame_and_each_has_its_response(void **state)
{
    struct story *s = *state;
    struct queue_request one = message(1), two = {.verb = QUEUE_VERB_DESCRIBE, .queue = slice_text("r")}, got;
    uint64_t first, second;
    bool valid;
    story_welcome(s, 5);
    assert_int_equal(ask(s, 1, &one), 0);
    assert_int_equal(ask(s, 2, &two), 0);
    assert_int_equal(queue_client_outstanding(s->client), 2);
    struct msg m = fake_broker_expect(&s->broker, MSG_REQUESTS);
    assert_int_equal(msg_read_requests(&m), 0);
    assert_true(msg_next_request(&m, &first, &got, &valid) && got.verb == QUEUE_VERB_SEND);
    assert_true(msg_next_request(&m, &second, &got, &valid) && got.verb == QUEUE_VERB_DESCRIBE);
    respond(s, second, QUEUE_NO_QUEUE);
    story_settle(s, "response 2 NO_QUEUE\n");
    respond(s, first, QUEUE_OK);
    respond(s, first, QUEUE_OK); /* said twice: told once */
    story_settle(s, "response 1 OK\n");
    story_expect_silence(s);
    assert_int_equal(queue_client_outstanding(s->client), 0);
}

static void test_what_is_out_of_range_is_not_asked(void **state)
{
    struct story *s = *state;
    struct queue_request r = message(1);
    story_welcome(s, 5);
    r.send.delay_ms = -7;
    assert_int_equal(ask(s, 1, &r), -1);
    r = message(1);
    r.send.priority = LIMIT_PRIORITIES;
    assert_int_equal(ask(s, 1, &r), -1);
    r = receive(LIMIT_RECEIVE_WAIT_MS + 1);
    assert_int_equal(ask(s, 1, &r), -1);
    char name[LIMIT_QUEUE_PATH_BYTES + 1] = "q";
    r = receive(0);
    r.queue = slice_of(name, sizeof name);
    assert_int_equal(ask(s, 1, &r), -1);
    assert_int_equal(queue_client_outstanding(s->client), 0);
    story_expect_silence(s);
}

static void test_a_new_broker_is_asked_again(void **state)
{
    struct story *s = *state;
    struct queue_request r = message(1), got;
    story_welcome(s, 5);
    assert_int_equal(ask(s, 1, &r), 0);
    uint64_t number = expect(s, QUEUE_VERB_SEND, &got);
    story_broker_restarts(s, 6);
    assert_int_equal(expect(s, QUEUE_VERB_SEND, &got), number);
    assert_int_equal(got.send.id.bytes[0], 1);
    respond(s, number, QUEUE_OK);
    story_settle(s, "response 1 OK\n");
}

static void test_a_wait_goes_on_counting_over_a_restart(void **state)
{
    struct story *s = *state;
    struct queue_request r = receive(20000), got;
    story_welcome(s, 5);
    int64_t begun_ms = s->now_ms;
    assert_int_equal(ask(s, 1, &r), 0);
    uint64_t number = expect(s, QUEUE_VERB_RECEIVE, &got);
    assert_int_equal(got.receive.wait_ms, 20000);
    for (int i = 0; i < 20; i++) {
        s->now_ms += 250;
        fake_broker_expect(&s->broker, MSG_PING);
        pong(s);
    }
    story_broker_restarts(s, 6);
    assert_int_equal(expect(s, QUEUE_VERB_RECEIVE, &got), number);
    assert_int_equal(got.receive.wait_ms, 20000 - (s->now_ms - begun_ms));
}

static void test_without_an_answer_it_is_asked_again_alone(void **state)
{
    struct story *s = *state;
    struct queue_request one = message(1), two = receive(20000), got;
    uint64_t number;
    bool valid;
    story_welcome(s, 5);
    assert_int_equal(ask(s, 1, &one), 0);
    assert_int_equal(ask(s, 2, &two), 0);
    fake_broker_expect(&s->broker, MSG_REQUESTS);
    int64_t asked_ms = s->now_ms;
    struct msg m;
    for (s->now_ms += 250; (m = fake_broker_next(&s->broker)).kind == MSG_PING; s->now_ms += 250)
        pong(s);
    assert_int_equal(m.kind, MSG_REQUESTS);
    assert_in_range(s->now_ms - asked_ms, 15000, 16000);
    assert_int_equal(msg_read_requests(&m), 0);
    assert_int_equal(m.left, 1); /* the message, and not the receive, which may wait for longer */
    assert_true(msg_next_request(&m, &number, &got, &valid) && got.verb == QUEUE_VERB_SEND);
}

static void test_a_forgotten_receive_gives_back_what_it_got(void **state)
{
    struct story *s = *state;
    struct queue_request r = receive(20000), got;
    story_welcome(s, 5);
    assert_int_equal(ask(s, 1, &r), 0);
    uint64_t number = expect(s, QUEUE_VERB_RECEIVE, &got);
    queue_client_forget(s->client, story_tag(1));
    assert_int_equal(queue_client_outstanding(s->client), 0);
    uint64_t stop = expect(s, QUEUE_VERB_STOP, &got);
    assert_int_equal(got.request, number);
    struct queue_received m = {.handle = slice_text("handle"), .body = slice_text("b")};
    size_t mark = msg_begin_responses(&s->broker.out);
    msg_begin_response(&s->broker.out, number, QUEUE_OK);
    size_t list = mp_open(&s->broker.out);
    queue_put_received(&s->broker.out, &m);
    mp_close_array(&s->broker.out, list, 1);
    msg_add_response(&s->broker.out, stop, QUEUE_OK);
    msg_end(&s->broker.out, mark, 2);
    fake_broker_answer(&s->broker);
    uint64_t back = expect(s, QUEUE_VERB_VISIBILITY, &got);
    assert_true(slice_equal(got.queue, slice_text("q")) && slice_equal(got.handle.handle, slice_text("handle")));
    assert_int_equal(got.handle.visibility_ms, 0);
    respond(s, back, QUEUE_OK);
    story_expect_silence(s);
}

static void test_a_forgotten_question_gets_no_answer(void **state)
{
    struct story *s = *state;
    struct queue_request r = {.verb = QUEUE_VERB_DESCRIBE, .queue = slice_text("q")}, got;
    story_welcome(s, 5);
    assert_int_equal(ask(s, 1, &r), 0);
    uint64_t number = expect(s, QUEUE_VERB_DESCRIBE, &got);
    queue_client_forget(s->client, story_tag(1));
    assert_int_equal(queue_client_outstanding(s->client), 0);
    respond(s, number, QUEUE_OK);
    story_expect_silence(s);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, story_setup, story_teardown)
    const struct CMUnitTest tests[] = {
        STORY(test_a_turn_is_one_frame_and_each_has_its_response),
        STORY(test_what_is_out_of_range_is_not_asked),
        STORY(test_a_new_broker_is_asked_again),
        STORY(test_a_wait_goes_on_counting_over_a_restart),
        STORY(test_without_an_answer_it_is_asked_again_alone),
        STORY(test_a_forgotten_receive_gives_back_what_it_got),
        STORY(test_a_forgotten_question_gets_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
