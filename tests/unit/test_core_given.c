/* test_core_given.c - between a receive and its answer, while the disk writes: what may become of the messages that it was given. */
#include "tests/lib/core_client.h"

#include <stdio.h>

static struct world *world_with_queue(void)
{
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create(w, &a);
    return w;
}

static void who_asks_for_no_time_is_shown_it_and_it_stays_visible(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    receive(w, "q", 10, .visibility_ms = 0, .tag = 1);
    expect_state(w, "a", CORE_READY); /* its time is over before its record is on disk */
    expect_nothing(w);
    commit(w);
    expect_received(w, 0, 1, 1);
    expect_given(w, "a");
    assert_int_equal(info_of(w, "a").receive_count, 1);
    expect_gives(w, "q", "a");
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_queue_may_give_no_time(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = fifo_queue("q.fifo");
    a.visibility_ms = 0;
    create(w, &a);
    posted(w, "q.fifo", "a", .group = 1);
    posted(w, "q.fifo", "b", .group = 1);
    for (int round = 0; round < 3; round++)
        expect_gives(w, "q.fifo", "a b");
    check_client_recovery(w);
    world_destroy(&w);
}

static void many_may_look_at_once(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    for (uint64_t tag = 1; tag <= 50; tag++)
        receive(w, "q", 10, .visibility_ms = 0, .tag = tag, .client = (uint32_t)tag % 3);
    commit(w);
    for (uint64_t tag = 1; tag <= 50; tag++) {
        expect_received(w, (uint32_t)tag % 3, tag, 1);
        expect_given(w, "a");
    }
    assert_int_equal(info_of(w, "a").receive_count, 50);
    check_client_recovery(w);
    world_destroy(&w);
}

/* The one with the lease has it; the one that only looked sees it all the same, and its handle is of the past. */
static void who_looks_does_not_disturb_who_takes(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    receive(w, "q", 1, .visibility_ms = 0, .tag = 1, .client = 1);
    receive(w, "q", 1, .tag = 2, .client = 2);
    event(w, &(struct core_event){.kind = CORE_CLIENT_GONE, .client = 1});
    expect_state(w, "a", CORE_LEASED); /* what the one was shown is not its own to give back */
    commit(w);
    expect_received(w, 2, 2, 1);
    expect_given(w, "a");
    struct given_to mine = given_last(w, "a");
    delete_given(w, "q", (struct given_to){mine.seq, mine.lease - 1});
    settle(w);
    expect_answer(w, CORE_OK);
    expect_state(w, "a", CORE_LEASED);
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_purge_takes_it(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "looked-at");
    receive(w, "q", 1, .visibility_ms = 0, .tag = 1);
    purge_queue(w, "q", 'p');
    posted(w, "q", "young");
    expect_received(w, 0, 1, 0);
    expect_answer(w, CORE_OK);
    expect_answer(w, CORE_OK);
    expect_gives(w, "q", "young");
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_delete_takes_it(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    expect_gives(w, "q", "a");
    struct given_to first = given_last(w, "a");
    kept(w, "q", "a", 0);
    delete_given(w, "q", first); /* the youngest handle: it deletes */
    receive(w, "q", 1, .tag = 2);
    expect_received(w, 0, 2, 0);
    commit(w);
    expect_answer(w, CORE_OK);
    posted(w, "q", "b");
    receive(w, "q", 1, .visibility_ms = 0, .tag = 3);
    delete_given(w, "q", (struct given_to){info_of(w, "b").seq, 1}); /* nobody was told this handle yet, but it is right */
    commit(w);
    expect_received(w, 0, 3, 0);
    expect_answer(w, CORE_OK);
    expect_unknown(w, "b");
    check_client_recovery(w);
    world_destroy(&w);
}

/* A slow disk: the lease was over, and somebody else's, before anybody could be told. One receiver is enough. */
static void another_receive_takes_it(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    receive(w, "q", 1, .visibility_ms = 1000, .tag = 1);
    pass(w, 1000);
    receive(w, "q", 1, .tag = 2);
    commit(w);
    expect_received(w, 0, 1, 0);
    expect_received(w, 0, 2, 1);
    expect_given(w, "a");
    assert_int_equal(given_last(w, "a").lease, 2);
    check_client_recovery(w);
    world_destroy(&w);
}

/* Moved back by a task, it counts its receives anew: the first receive of before is not the first receive of now. */
static void a_task_takes_it(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes dead = standard_queue("grave"), q = standard_queue("q");
    snprintf(q.dead_letter, sizeof q.dead_letter, "grave");
    q.max_receive_count = 1;
    create(w, &dead);
    create(w, &q);
    posted(w, "q", "a");
    expect_answer(w, CORE_OK);
    receive(w, "q", 1, .visibility_ms = 0, .tag = 1);
    receive(w, "q", 1, .tag = 2); /* finds it worn out */
    expect_received(w, 0, 2, 0);
    task_start(w, "grave", 't', NULL, 0);
    pass(w, 1);
    assert_int_equal(info_of(w, "a").queue, queue_number(w, "q"));
    receive(w, "q", 1, .tag = 3);
    commit(w);
    expect_received(w, 0, 1, 0);
    expect_answer(w, CORE_OK);
    expect_received(w, 0, 3, 1);
    expect_given(w, "a");
    assert_int_equal(info_of(w, "a").receive_count, 1);
    check_client_recovery(w);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_for_no_time_is_shown_it_and_it_stays_visible),
        cmocka_unit_test(a_queue_may_give_no_time),
        cmocka_unit_test(many_may_look_at_once),
        cmocka_unit_test(who_looks_does_not_disturb_who_takes),
        cmocka_unit_test(a_purge_takes_it),
        cmocka_unit_test(a_delete_takes_it),
        cmocka_unit_test(another_receive_takes_it),
        cmocka_unit_test(a_task_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
