/* test_core_calls.c - the call lane: somebody waits for an answer, and gets one, whatever happens to the workers. */
#include "tests/lib/core_world.h"

#define TIMEOUT_MS 20000

static struct world *with_workers(uint32_t count, uint32_t calls)
{
    struct world *w = world_create();
    for (uint32_t i = 0; i < count; i++) {
        join(w, i);
        call_credit(w, i, calls);
    }
    return w;
}

static void a_call_is_handed_out_and_its_answer_passed_on(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 5);
    size_t count = w->journal_count;
    uint64_t number = call(w, 7, 42, TIMEOUT_MS);
    assert_true(number != 0);
    expect_call(w, 0, number);
    expect_nothing(w);
    call_done(w, 0, number, "answer");
    assert_int_equal(w->seen[0].call, number);
    assert_true(slice_equal(w->seen[0].body, slice_text("answer")));
    expect_reply(w, 7, 42, CORE_CALL_ANSWERED);
    expect_nothing(w);
    assert_int_equal(w->journal_count, count); /* calls are not journaled */
    assert_int_equal(stats_of(w).calls, 0);
    pass(w, 2 * TIMEOUT_MS);
    expect_nothing(w);
    world_destroy(&w);
}

static void calls_are_handed_out_in_order_as_credit_allows(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 1);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS);
    expect_call(w, 0, a);
    uint64_t b = call(w, 1, 2, TIMEOUT_MS), c = call(w, 2, 3, TIMEOUT_MS);
    expect_nothing(w);
    call_done(w, 0, a, "a");
    expect_reply(w, 1, 1, CORE_CALL_ANSWERED);
    expect_nothing(w); /* an answer gives no credit */
    call_credit(w, 0, 5);
    expect_call(w, 0, b);
    expect_call(w, 0, c);
    expect_nothing(w);
    world_destroy(&w);
}

static void calls_go_round_the_workers_and_before_messages(void **state)
{
    (void)state;
    struct world *w = with_workers(2, 0);
    uint64_t calls[4];
    add(w, "m");
    for (uint64_t i = 0; i < 4; i++)
        calls[i] = call(w, 1, i, TIMEOUT_MS);
    event(w, &(struct core_event){.kind = CORE_WORKER_CREDIT, .worker = 0, .messages = 1, .calls = 1});
    expect_call(w, 0, calls[0]);
    expect_delivered(w, 0, "m");
    call_credit(w, 1, 1);
    expect_call(w, 1, calls[1]);
    call_credit(w, 0, 1);
    expect_call(w, 0, calls[2]);
    call_done(w, 1, calls[1], "x");
    call_credit(w, 1, 1);
    expect_call(w, 1, calls[3]);
    expect_nothing(w);
    world_destroy(&w);
    w = with_workers(2, 2);
    for (uint64_t i = 0; i < 4; i++)
        calls[i] = call(w, 1, i, TIMEOUT_MS);
    assert_int_equal(stats_of(w).calls, 4);
    call_done(w, 0, calls[0], "x");
    expect_reply(w, 1, 0, CORE_CALL_ANSWERED);
    call_done(w, 1, calls[1], "x"); /* they took turns */
    expect_reply(w, 1, 1, CORE_CALL_ANSWERED);
    world_destroy(&w);
}

static void a_call_that_takes_too_long_times_out(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 1);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS);
    call(w, 1, 2, 500); /* waits in line behind it */
    pass(w, 499);
    expect_nothing(w);
    pass(w, 1);
    expect_reply(w, 1, 2, CORE_CALL_TIMEOUT);
    pass(w, TIMEOUT_MS - 500);
    expect_reply(w, 1, 1, CORE_CALL_TIMEOUT);
    expect_nothing(w);
    call_done(w, 0, a, "late");
    expect_nothing(w);
    call(w, 1, 3, 0);
    expect_reply(w, 1, 3, CORE_CALL_TIMEOUT);
    call(w, 1, 4, INT64_MAX); /* never */
    expect_nothing(w);
    call(w, 1, 5, INT64_MIN);
    expect_reply(w, 1, 5, CORE_CALL_TIMEOUT);
    world_destroy(&w);
}

static void without_any_worker_a_call_waits_a_moment_only(void **state)
{
    (void)state;
    struct world *w = with_workers(0, 0);
    call(w, 1, 1, TIMEOUT_MS);
    pass(w, 999);
    expect_nothing(w);
    pass(w, 1);
    expect_reply(w, 1, 1, CORE_CALL_NO_WORKER);
    uint64_t b = call(w, 1, 2, TIMEOUT_MS);
    pass(w, 500);
    join(w, 0);
    call_credit(w, 0, 1);
    expect_call(w, 0, b);
    pass(w, 5000);
    expect_nothing(w);
    world_destroy(&w);
}

static void when_the_last_worker_goes_old_calls_wait_a_moment_only(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 1);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS);
    call(w, 1, 2, TIMEOUT_MS);
    expect_nothing(w);
    pass(w, 5000);
    gone(w, 0);
    expect_nothing(w);
    pass(w, 900); /* a new one that is there in time takes it */
    join(w, 0);
    call_credit(w, 0, 1);
    expect_call(w, 0, a);
    gone(w, 0);
    expect_reply(w, 1, 1, CORE_CALL_WORKER_LOST);
    pass(w, 999);
    expect_nothing(w);
    pass(w, 1);
    expect_reply(w, 1, 2, CORE_CALL_NO_WORKER);
    world_destroy(&w);
}

static void a_call_survives_one_lost_worker_and_not_two(void **state)
{
    (void)state;
    struct world *w = with_workers(2, 1);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS);
    expect_call(w, 0, a);
    gone(w, 0);
    expect_call(w, 1, a);
    expect_nothing(w);
    call_done(w, 0, a, "from the grave");
    expect_nothing(w);
    gone(w, 1);
    expect_reply(w, 1, 1, CORE_CALL_WORKER_LOST);
    expect_nothing(w);
    assert_int_equal(stats_of(w).calls, 0);
    world_destroy(&w);
}

static void a_lost_call_goes_to_the_front_of_the_line(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 1);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS), b = call(w, 1, 2, TIMEOUT_MS);
    join(w, 0);
    call_credit(w, 0, 2);
    expect_call(w, 0, a);
    expect_call(w, 0, b);
    world_destroy(&w);
}

static void stale_and_foreign_answers_do_nothing(void **state)
{
    (void)state;
    struct world *w = with_workers(2, 1);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS);
    expect_call(w, 0, a);
    call_done(w, 1, a, "not yours");
    call_done(w, 0, a + (1u << 17), "same place, another time");
    call_done(w, 0, a + 1, "another place");
    call_done(w, 0, UINT64_MAX, "nonsense");
    expect_nothing(w);
    call_done(w, 0, a, "a");
    call_done(w, 0, a, "a again");
    expect_nothing(w);
    uint64_t b = call(w, 1, 2, TIMEOUT_MS); /* in the same place of the table */
    expect_call(w, 1, b);
    uint64_t c = call(w, 1, 3, TIMEOUT_MS); /* waits: nobody's */
    call_done(w, CORE_NONE, c, "nobody");
    call_done(w, 0, c, "not handed out");
    call_done(w, 1, a, "of the past");
    expect_nothing(w);
    assert_int_equal(stats_of(w).calls, 2);
    world_destroy(&w);
}

static void a_leaving_worker_finishes_its_calls(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 5);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS);
    leave(w, 0);
    expect_nothing(w);
    call(w, 1, 2, TIMEOUT_MS);
    expect_nothing(w);
    call_done(w, 0, a, "a");
    expect_reply(w, 1, 1, CORE_CALL_ANSWERED);
    expect_left(w, 0);
    expect_nothing(w);
    world_destroy(&w);
}

static void the_call_of_a_client_that_is_gone_runs_on(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 5);
    uint64_t a = call(w, 1, 1, TIMEOUT_MS);
    client_gone(w, 1);
    expect_nothing(w);
    call_done(w, 0, a, "a");
    expect_reply(w, CORE_NONE, 1, CORE_CALL_ANSWERED); /* so that the shell lets go of the body */
    world_destroy(&w);
}

static void a_worker_with_a_suspect_gets_no_calls(void **state)
{
    (void)state;
    struct world *w = with_workers(1, 5);
    credit(w, 0, 5);
    add(w, "a");
    pass(w, VISIBILITY_MS);
    expect_delivered(w, 0, "a");
    uint64_t number = call(w, 1, 1, TIMEOUT_MS);
    expect_nothing(w);
    done(w, "a");
    expect_call(w, 0, number);
    world_destroy(&w);
}

static void too_many_calls_are_refused(void **state)
{
    (void)state;
    enum { MAX = 65536 };
    struct world *w = with_workers(1, 0);
    w->quick = true;
    for (uint64_t i = 0; i < MAX; i++)
        assert_true(call(w, 1, i, TIMEOUT_MS) != 0);
    assert_int_equal(call(w, 2, 99, TIMEOUT_MS), 0);
    expect_reply(w, 2, 99, CORE_CALL_BUSY);
    pass(w, TIMEOUT_MS); /* in several steps: one holds 4,096 effects */
    assert_int_equal(seen(w, CORE_EFFECT_CALL_REPLY), MAX);
    assert_int_equal(stats_of(w).calls, 0);
    assert_true(call(w, 2, 99, TIMEOUT_MS) != 0);
    core_check(w->core);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_handed_out_and_its_answer_passed_on),
        cmocka_unit_test(calls_are_handed_out_in_order_as_credit_allows),
        cmocka_unit_test(calls_go_round_the_workers_and_before_messages),
        cmocka_unit_test(a_call_that_takes_too_long_times_out),
        cmocka_unit_test(without_any_worker_a_call_waits_a_moment_only),
        cmocka_unit_test(when_the_last_worker_goes_old_calls_wait_a_moment_only),
        cmocka_unit_test(a_call_survives_one_lost_worker_and_not_two),
        cmocka_unit_test(a_lost_call_goes_to_the_front_of_the_line),
        cmocka_unit_test(stale_and_foreign_answers_do_nothing),
        cmocka_unit_test(a_leaving_worker_finishes_its_calls),
        cmocka_unit_test(the_call_of_a_client_that_is_gone_runs_on),
        cmocka_unit_test(a_worker_with_a_suspect_gets_no_calls),
        cmocka_unit_test(too_many_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
