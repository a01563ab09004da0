/* test_queue_worker.c - a worker and a fake broker: joining, credit, deliveries and their ends, beats, losing the link,
 * leaving. */
#include "tests/lib/worker_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

/* -- A day without troubles ------------------------------------------------------------------------------------------------ */
static void test_join_until_welcome(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 5; i++) {
        stage_expect_join(s, "schemas");
        s->now_ms += 250;
    }
    stage_join(s);
}

static void test_credit_is_sent_once(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    queue_worker_credit(s->worker, 10, 1);
    queue_worker_credit(s->worker, 5, 0);
    stage_expect_credit(s, 15, 1);
    queue_worker_credit(s->worker, LIMIT_CREDIT, 0);
    queue_worker_credit(s->worker, 1, 2);
    stage_expect_credit(s, LIMIT_CREDIT, 2);
    s->now_ms += 200;
    stage_expect_beat(s, &s->beat); /* and no credit before it */
}

static void test_jobs_and_done(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    stage_deliver(s, 100, 3);
    stage_settle(s, "jobs 3: 100/1 101/1 102/1\n");
    for (uint64_t seq = 100; seq < 103; seq++)
        stage_done(s, seq, "outcome");
    stage_expect_done(s, 100, 3);
    queue_worker_done(s->worker, &(struct msg_done){.seq = 9, .disposition = MSG_DONE_RETRY, .retry_ms = 70});
    struct msg_done entry;
    struct msg m = fake_broker_expect(&s->broker, MSG_DONE);
    assert_int_equal(msg_read_done(&m), 0);
    assert_true(msg_next_done(&m, &entry) && entry.disposition == MSG_DONE_RETRY && entry.retry_ms == 70);
}

static void test_calls_and_answers(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    size_t mark = msg_begin_calls(&s->broker.out);
    msg_add_calls(&s->broker.out, &(struct msg_call){.call = 1, .body = slice_text("op")});
    msg_add_calls(&s->broker.out, &(struct msg_call){.call = 2, .body = slice_text("op")});
    msg_end(&s->broker.out, mark, 2);
    stage_answer(s);
    stage_settle(s, "calls: 1 2\n");
    queue_worker_answer(s->worker, &(struct msg_reply){.call = 2, .body = slice_text("two")});
    stage_done(s, 50, "x"); /* kinds do not mix in a frame */
    queue_worker_answer(s->worker, &(struct msg_reply){.call = 1, .body = slice_text("one")});
    struct msg_reply reply;
    struct msg m = fake_broker_expect(&s->broker, MSG_ANSWERS);
    assert_int_equal(msg_read_replies(&m), 0);
    assert_true(msg_next_reply(&m, &reply) && reply.call == 2 && slice_equal(reply.body, slice_text("two")));
    assert_true(msg_next_reply(&m, &reply) && reply.call == 1 && m.left == 0);
    stage_expect_done(s, 50, 1);
}

static void test_many_done_are_split(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    for (uint64_t seq = 0; seq < LIMIT_BATCH_ENTRIES + 5; seq++)
        stage_done(s, seq, "outcome");
    stage_expect_done(s, 0, LIMIT_BATCH_ENTRIES);
    stage_expect_done(s, LIMIT_BATCH_ENTRIES, 5);
    char *large = malloc(LIMIT_ANSWER_BYTES);
    assert_non_null(large);
    memset(large, 'x', LIMIT_ANSWER_BYTES);
    for (uint64_t seq = 0; seq < 6; seq++)
        queue_worker_done(s->worker,
                          &(struct msg_done){.seq = seq, .lease = 1, .outcome = slice_of(large, LIMIT_ANSWER_BYTES)});
    stage_expect_done(s, 0, 4);
    stage_expect_done(s, 4, 2);
    free(large);
}

static void test_beats(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    for (uint64_t i = 1; i < 30; i++) {
        s->beat = (struct msg_beat){i, 2 * i, 3 * i, 4 * i};
        stage_turn(s);
        s->now_ms += 200; /* also while jobs come in */
        if (i % 2)
            stage_deliver(s, 1, 1);
        stage_expect_beat(s, &s->beat);
        stage_pong(s, 5);
        assert_true(queue_worker_deadline(s->worker) <= s->now_ms + 200);
    }
}

static void test_tables_before_answers(void **state)
{
    struct stage *s = *state;
    struct slice catalog;
    stage_join(s);
    queue_worker_answer(s->worker, &(struct msg_reply){.call = 1, .body = slice_text("created")});
    queue_worker_tables(s->worker, slice_text("more schemas"));
    struct msg m = fake_broker_expect(&s->broker, MSG_TABLES);
    assert_int_equal(msg_read_catalog(&m, &catalog), 0);
    assert_true(slice_equal(catalog, slice_text("more schemas")));
    fake_broker_expect(&s->broker, MSG_ANSWERS);
    msg_put_bare(&s->broker.out, MSG_WHO);
    stage_answer(s);
    stage_expect_join(s, "more schemas");
}

/* -- Trouble --------------------------------------------------------------------------------------------------------------- */
static void test_a_new_session_forgets_everything(void **state)
{
    struct stage *s = *state;
    s->credit_when_up = true;
    stage_join(s);
    stage_expect_credit(s, 100, 10);
    stage_deliver(s, 100, 2);
    stage_settle(s, "jobs 3: 100/1 101/1\n");
    msg_put_bare(&s->broker.out, MSG_WHO);
    stage_answer(s);
    stage_settle(s, "link down\n");
    stage_done(s, 100, "of the session before");
    stage_deliver(s, 102, 1); /* on its way when the session ended */
    stage_expect_join(s, "schemas");
    stage_welcome(s, 6);
    stage_settle(s, "link up\n");
    stage_expect_credit(s, 100, 10); /* what the owner gives anew, nothing of before */
    stage_deliver(s, 103, 1);
    stage_settle(s, "jobs 3: 103/1\n");
    stage_done(s, 103, "x");
    stage_expect_done(s, 103, 1);
}

static void test_unsent_work_of_a_lost_session(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    stage_deliver(s, 1, 1);
    stage_settle(s, "jobs 3: 1/1\n"); /* everything was read up to here */
    msg_put_bare(&s->broker.out, MSG_WHO);
    stage_answer(s);
    for (int i = 0; i < 2000 && queue_worker_deadline(s->worker) > s->now_ms; i++)
        fake_broker_glance(queue_worker_fd(s->worker)); /* WHO waits unread */
    stage_done(s, 1, "never sent");
    queue_worker_credit(s->worker, 7, 7);
    stage_settle(s, "link down\n");
    queue_worker_credit(s->worker, 3, 4); /* given after it, for the session to come */
    stage_expect_join(s, "schemas");
    stage_welcome(s, 6);
    stage_settle(s, "link up\n");
    stage_expect_credit(s, 3, 4);
    s->now_ms += 200;
    stage_expect_beat(s, &s->beat);
}

static void test_silence(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    stage_deliver(s, 1, 1);
    stage_settle(s, "jobs 3: 1/1\n"); /* everything was read up to here */
    s->now_ms += 200;
    stage_expect_beat(s, &s->beat);
    s->now_ms += 799;
    stage_settle(s, "");
    s->now_ms += 1;
    stage_settle(s, "link down\n");
    struct msg m = fake_broker_next(&s->broker);
    while (m.kind == MSG_BEAT) /* through the old socket */
        m = fake_broker_next(&s->broker);
    assert_int_equal(m.kind, MSG_JOIN);
    stage_welcome(s, 5); /* the same instance: the broker was stopped, not restarted */
    stage_settle(s, "link up\n");
}

static void test_pong_and_welcome_of_another_instance(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    stage_pong(s, 6);
    stage_settle(s, "link down\n");
    stage_expect_join(s, "schemas");
    stage_welcome(s, 6);
    stage_settle(s, "link up\n");
    stage_welcome(s, 6);
    stage_welcome(s, 7); /* nobody asked, but it is news */
    stage_settle(s, "link down\nlink up\n");
}

static void test_broken_frames(void **state)
{
    struct stage *s = *state;
    struct buf *out = &s->broker.out;
    stage_join(s);
    buf_text(out, "garbage");
    stage_answer(s);
    msg_put_bare(out, MSG_LEFT); /* not asked for */
    stage_answer(s);
    msg_put_beat(out, &(struct msg_beat){0});
    stage_answer(s);
    mp_put_array(out, 3); /* JOBS whose second entry is none */
    mp_put_uint(out, MSG_JOBS);
    mp_put_uint(out, 3);
    size_t mark = mp_open(out);
    msg_add_job(out, &(struct msg_job){.seq = 1, .lease = 1, .body = slice_text("b")});
    mp_put_uint(out, 9);
    mp_close_array(out, mark, 2);
    stage_answer(s);
    stage_settle(s, "jobs 3: 1/1\n");
    stage_deliver(s, 2, 1);
    stage_settle(s, "jobs 3: 2/1\n");
}

static void test_bad_join_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct msg_join join = {.name = slice_text("")};
    assert_null(queue_worker_create("ipc:///tmp/x", &join, &stage_events, NULL, 0, &e));
    assert_int_equal(e.code, ERR_VALIDATION);
    e = (struct err){0};
    join.name = slice_text("w");
    assert_null(queue_worker_create("nonsense", &join, &stage_events, NULL, 0, &e));
    assert_int_not_equal(e.code, ERR_NONE);
}

/* -- Leaving --------------------------------------------------------------------------------------------------------------- */
static void test_leave(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    stage_done(s, 1, "last");
    queue_worker_credit(s->worker, 5, 5); /* not sent any more */
    queue_worker_leave(s->worker);
    stage_expect_done(s, 1, 1);
    fake_broker_expect(&s->broker, MSG_LEAVE);
    stage_done(s, 2, "was under way");
    stage_expect_done(s, 2, 1);
    msg_put_bare(&s->broker.out, MSG_LEFT);
    stage_answer(s);
    stage_settle(s, "left\n");
}

static void test_leave_without_a_link(void **state)
{
    struct stage *s = *state;
    queue_worker_leave(s->worker);
    stage_settle(s, "left\n");
    stage_settle(s, "");
    assert_true(queue_worker_deadline(s->worker) > s->now_ms);
}

static void test_link_lost_while_leaving(void **state)
{
    struct stage *s = *state;
    stage_join(s);
    queue_worker_leave(s->worker);
    fake_broker_expect(&s->broker, MSG_LEAVE);
    msg_put_bare(&s->broker.out, MSG_WHO);
    stage_answer(s);
    stage_settle(s, "link down\nleft\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        T(test_join_until_welcome),
        T(test_credit_is_sent_once),
        T(test_jobs_and_done),
        T(test_calls_and_answers),
        T(test_many_done_are_split),
        T(test_beats),
        T(test_tables_before_answers),
        T(test_a_new_session_forgets_everything),
        T(test_unsent_work_of_a_lost_session),
        T(test_silence),
        T(test_pong_and_welcome_of_another_instance),
        T(test_broken_frames),
        cmocka_unit_test(test_bad_join_is_refused),
        T(test_leave),
        T(test_leave_without_a_link),
        T(test_link_lost_while_leaving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
