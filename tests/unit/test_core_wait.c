/* test_core_wait.c - receives that wait: who is served, when they are over, what becomes of them when client or queue goes. */
#include "tests/lib/core_client.h"

#include <stdio.h>

static struct world *world_with_queue(void)
{
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create(w, &a);
    return w;
}

static void a_receive_waits_for_a_message(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    receive(w, "q", 10, .wait_ms = 20000, .tag = 1);
    expect_nothing(w);
    assert_int_equal(core_deadline(w->core), w->now_ms + 20000);
    pass(w, 5000);
    expect_nothing(w);
    posted(w, "q", "a");
    expect_answer(w, CORE_OK);
    expect_nothing(w); /* leased, and that is not on disk yet */
    expect_state(w, "a", CORE_LEASED);
    commit(w);
    expect_received(w, 0, 1, 1);
    expect_given(w, "a");
    check_client_recovery(w);
    world_destroy(&w);
}

static void without_one_it_ends_at_its_time(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    a.wait_ms = 3000;
    create(w, &a);
    receive(w, "q", 1, .wait_ms = 1000, .tag = 1);
    receive(w, "q", 1, .wait_ms = -1, .tag = 2); /* as the queue has it */
    receive(w, "q", 1, .tag = 3);
    expect_received(w, 0, 3, 0);
    pass(w, 999);
    expect_nothing(w);
    pass(w, 1);
    expect_received(w, 0, 1, 0);
    expect_nothing(w);
    pass(w, 2000);
    expect_received(w, 0, 2, 0);
    assert_int_equal(core_deadline(w->core), INT64_MAX); /* nothing is left that costs anything */
    world_destroy(&w);
}

static void who_came_first_is_served_first(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    receive(w, "q", 1, .wait_ms = 20000, .tag = 1, .client = 1);
    receive(w, "q", 5, .wait_ms = 20000, .tag = 1, .client = 2);
    receive(w, "q", 5, .wait_ms = 20000, .tag = 3, .client = 1);
    post(w, "q", "a");
    post(w, "q", "b");
    post(w, "q", "c");
    commit(w); /* leased in this step */
    expect_answer(w, CORE_OK);
    expect_answer(w, CORE_OK);
    expect_answer(w, CORE_OK);
    commit(w);
    expect_received(w, 1, 1, 1);
    expect_given(w, "a");
    expect_received(w, 2, 1, 2); /* tags are each client's own */
    expect_given(w, "b");
    expect_given(w, "c");
    expect_nothing(w);
    struct core_queue_stats s;
    queue_now(w, "q", &s);
    assert_int_equal(s.receivers, 1);
    check_client_recovery(w);
    world_destroy(&w);
}

static void whatever_makes_a_message_visible_serves(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "late", .delay_ms = 1000);
    posted(w, "q", "back", .delay_ms = 0);
    received(w, "q", 1, .visibility_ms = 2000);
    posted(w, "q", "kept");
    received(w, "q", 1, .visibility_ms = 9000);
    for (uint64_t tag = 1; tag <= 3; tag++)
        receive(w, "q", 1, .wait_ms = 20000, .tag = tag);
    pass(w, 1000);
    commit(w);
    expect_received(w, 0, 1, 1);
    expect_given(w, "late");
    pass(w, 1000);
    commit(w);
    expect_received(w, 0, 2, 1);
    expect_given(w, "back");
    keep_given(w, "q", given_last(w, "kept"), 0);
    commit(w);
    expect_answer(w, CORE_OK);
    expect_received(w, 0, 3, 1);
    expect_given(w, "kept");
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_receive_that_is_stopped_is_answered(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    receive(w, "q", 1, .wait_ms = 20000, .tag = 1, .client = 4);
    receive(w, "q", 1, .wait_ms = 20000, .tag = 1, .client = 4); /* said again: it waits once */
    stop(w, 5, 1);                                               /* somebody else's */
    expect_answer(w, CORE_OK);
    expect_nothing(w);
    stop(w, 4, 1);
    expect_received(w, 4, 1, 0);
    expect_answer(w, CORE_OK);
    expect_nothing(w);
    posted(w, "q", "a");
    expect_state(w, "a", CORE_READY);
    receive(w, "q", 1, .tag = 2, .client = 4);
    stop(w, 4, 2); /* it has been given something: the answer comes with the disk */
    expect_answer(w, CORE_OK);
    expect_nothing(w);
    commit(w);
    expect_received(w, 4, 2, 1);
    expect_given(w, "a");
    world_destroy(&w);
}

static void what_a_client_took_with_it_is_visible_again(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    receive(w, "q", 1, .client = 4);
    receive(w, "q", 1, .client = 4, .tag = 1, .wait_ms = 20000);
    client_gone(w, 4); /* before it was answered */
    expect_state(w, "a", CORE_READY);
    commit(w);
    expect_nothing(w);
    assert_int_equal(info_of(w, "a").receive_count, 1);
    expect_gives(w, "q", "a");
    client_gone(w, 0); /* this one was answered: it may be at work elsewhere */
    expect_state(w, "a", CORE_LEASED);
    check_client_recovery(w);
    world_destroy(&w);
}

static void nobody_waits_at_a_queue_that_is_gone(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    receive(w, "q", 1, .wait_ms = 20000, .tag = 1);
    receive(w, "q", 1, .wait_ms = 20000, .tag = 2);
    purge_queue(w, "q", 'p');
    commit(w);
    expect_answer(w, CORE_OK);
    expect_nothing(w); /* they wait on at the same queue under its new number */
    posted(w, "q", "a");
    commit(w);
    expect_received(w, 0, 1, 1);
    expect_given(w, "a");
    remove_queue(w, "q", 'r');
    pass(w, 0);
    commit(w);
    receive(w, "q", 1, .tag = 3);
    expect_refused(w, 3, CORE_NO_SUCH_QUEUE);
    world_destroy(&w);
}

static void removal_tells_who_waits(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    for (uint64_t tag = 1; tag <= 3; tag++)
        receive(w, "q", 1, .wait_ms = 20000, .tag = tag);
    remove_queue(w, "q", 'r');
    for (uint64_t tag = 1; tag <= 3; tag++)
        assert_int_equal(seen(w, CORE_EFFECT_RECEIVED), 3);
    assert_int_equal(w->seen[0].answer, CORE_NO_SUCH_QUEUE);
    commit(w);
    expect_answer(w, CORE_OK);
    assert_int_equal(core_deadline(w->core), INT64_MAX);
    world_destroy(&w);
}

/* The figures of the promise: a thousand receivers at a hundred queues. */
static void a_thousand_receivers_cost_nothing_while_idle(void **state)
{
    (void)state;
    struct world *w = world_create();
    char name[16];
    w->quick = true;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "q%d", i);
        struct core_queue_attributes a = standard_queue(name);
        create(w, &a);
        for (int n = 0; n < 10; n++)
            receive(w, name, 1, .wait_ms = 20000, .tag = (uint64_t)(i * 10 + n));
    }
    core_check(w->core);
    assert_int_equal(core_deadline(w->core), w->now_ms + 20000); /* and nothing before that */
    posted(w, "q57", "a");
    commit(w);
    expect_received(w, 0, 570, 1);
    expect_given(w, "a");
    expect_nothing(w);
    tick(w, 20000);
    assert_int_equal(seen(w, CORE_EFFECT_RECEIVED), 999);
    core_check(w->core);
    world_destroy(&w);
}

static void there_are_only_so_many(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    w->quick = true;
    for (uint64_t tag = 0; tag < LIMIT_RECEIVES; tag++)
        receive(w, "q", 1, .wait_ms = 20000, .tag = tag);
    expect_nothing(w);
    receive(w, "q", 1, .wait_ms = 20000, .tag = LIMIT_RECEIVES);
    expect_refused(w, LIMIT_RECEIVES, CORE_TOO_MANY);
    core_check(w->core);
    remove_queue(w, "q", 'r'); /* more answers than effects of one step */
    for (int i = 0; i < 100 && core_deadline(w->core) <= w->now_ms; i++)
        tick(w, 0);
    core_check(w->core);
    assert_int_equal(core_deadline(w->core), INT64_MAX);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receive_waits_for_a_message),
        cmocka_unit_test(without_one_it_ends_at_its_time),
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(whatever_makes_a_message_visible_serves),
        cmocka_unit_test(a_receive_that_is_stopped_is_answered),
        cmocka_unit_test(what_a_client_took_with_it_is_visible_again),
        cmocka_unit_test(nobody_waits_at_a_queue_that_is_gone),
        cmocka_unit_test(removal_tells_who_waits),
        cmocka_unit_test(a_thousand_receivers_cost_nothing_while_idle),
        cmocka_unit_test(there_are_only_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
