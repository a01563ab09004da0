/* test_core_group.c - order within a group: one in flight, the next when it is gone, whichever way it goes. */
#include "tests/lib/core_world.h"

#include <stdio.h>

/* a, b and c of one group, and a worker with credit that was handed a. */
static struct world *three_in_line(void)
{
    struct world *w = world_create();
    add(w, "a", .group = 7);
    add(w, "b", .group = 7);
    add(w, "c", .group = 7);
    expect_counts(w, JOBS, COUNTS(0, 0, 1, 2, 0));
    join(w, 0);
    credit(w, 0, 10);
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    return w;
}

static void one_of_a_group_is_in_flight_and_the_next_follows_its_end(void **state)
{
    (void)state;
    struct world *w = three_in_line();
    check_recovery(w);
    done(w, "a");
    expect_delivered(w, 0, "b");
    expect_nothing(w);
    done(w, "b");
    expect_delivered(w, 0, "c");
    done(w, "c");
    expect_nothing(w);
    add(w, "d", .group = 7); /* an empty group starts anew */
    expect_sent(w, 0, "d", CORE_ACCEPTED);
    expect_delivered(w, 0, "d");
    check_recovery(w);
    world_destroy(&w);
}

static void different_groups_and_the_ungrouped_run_side_by_side(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a1", .group = 1);
    add(w, "b1", .group = 2);
    add(w, "a2", .group = 1);
    add(w, "n1");
    add(w, "n2");
    add(w, "b2", .group = 2);
    join(w, 0);
    credit(w, 0, 10);
    expect_delivered(w, 0, "a1");
    expect_delivered(w, 0, "b1");
    expect_delivered(w, 0, "n1");
    expect_delivered(w, 0, "n2");
    expect_nothing(w);
    done(w, "b1");
    expect_delivered(w, 0, "b2");
    expect_nothing(w);
    check_recovery(w);
    world_destroy(&w);
}

static void the_same_group_number_in_two_queues_is_two_groups(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes other = world_attributes(OTHER);
    queue_set(w, OTHER, &other);
    add(w, "a", .group = 7);
    add(w, "b", .group = 7, .queue = OTHER);
    join(w, 0);
    credit(w, 0, 10);
    expect_delivered(w, 0, "a");
    expect_delivered(w, 0, "b");
    world_destroy(&w);
}

static void the_next_one_follows_over_to_another_worker(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .group = 7);
    add(w, "b", .group = 7);
    join(w, 0);
    join(w, 1);
    credit(w, 0, 1);
    credit(w, 1, 1);
    expect_nothing(w);
    done(w, "a");
    expect_delivered(w, 1, "b");
    world_destroy(&w);
}

static void the_next_one_does_not_overtake_one_that_comes_back(void **state)
{
    (void)state;
    struct world *w = three_in_line();
    give_back(w, "a", 0);
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    give_back(w, "a", 1000);
    expect_nothing(w); /* delayed, and blocks */
    expect_state(w, "a", CORE_DELAYED);
    expect_counts(w, JOBS, COUNTS(0, 1, 0, 2, 0));
    pass(w, 1000);
    expect_delivered(w, 0, "a");
    pass(w, VISIBILITY_MS); /* it runs out: back, and handed out again before b */
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    gone(w, 0);
    expect_counts(w, JOBS, COUNTS(0, 0, 1, 2, 0));
    check_recovery(w);
    world_destroy(&w);
}

static void a_delayed_head_holds_back_its_group(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .group = 7, .delay_ms = 1000);
    add(w, "b", .group = 7);
    add(w, "c", .group = 7, .delay_ms = 5000);
    expect_counts(w, JOBS, COUNTS(0, 1, 0, 2, 0));
    check_recovery(w);
    pass(w, 1000);
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    done(w, "a");
    expect_delivered(w, 0, "b");
    done(w, "b");
    expect_nothing(w); /* c's own delay is not over */
    expect_state(w, "c", CORE_DELAYED);
    pass(w, 4000);
    expect_delivered(w, 0, "c");
    world_destroy(&w);
}

static void a_delay_that_ends_while_blocked_is_over(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .group = 7);
    add(w, "b", .group = 7, .delay_ms = 100);
    pass(w, 100);
    expect_state(w, "b", CORE_BLOCKED);
    check_recovery(w);
    done(w, "a");
    expect_delivered(w, 0, "b");
    world_destroy(&w);
}

static void cancelling_the_head_the_middle_and_the_tail(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        static const char *const names[] = {"a", "b", "c"};
        struct world *w = world_create();
        add(w, "a", .group = 7);
        add(w, "b", .group = 7);
        add(w, "c", .group = 7);
        cancel(w, 0, names[which]);
        commit(w);
        expect_counts(w, JOBS, COUNTS(0, 0, 1, 1, 0));
        add(w, "d", .group = 7); /* joins behind whoever is the youngest now */
        check_recovery(w);
        join(w, 0);
        credit(w, 0, 10);
        for (int i = 0; i < 3; i++)
            if (i != which) {
                expect_delivered(w, 0, names[i]);
                expect_nothing(w);
                done(w, names[i]);
            }
        expect_delivered(w, 0, "d");
        world_destroy(&w);
    }
}

static void all_but_one_leave_in_any_order(void **state)
{
    (void)state;
    static const char *const orders[] = {"abc", "acb", "bac", "bca", "cab", "cba"};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct world *w = world_create();
        add(w, "a", .group = 7);
        add(w, "b", .group = 7);
        add(w, "c", .group = 7);
        for (const char *p = orders[i]; *p; p++)
            cancel(w, 0, (char[]){*p, '\0'});
        expect_counts(w, JOBS, COUNTS(0, 0, 0, 0, 0));
        add(w, "d", .group = 7);
        expect_state(w, "d", CORE_READY);
        check_recovery(w);
        world_destroy(&w);
    }
}

static void a_dead_letter_makes_way(void **state)
{
    (void)state;
    struct world *w = three_in_line();
    for (int i = 0; i < 3; i++)
        pass(w, VISIBILITY_MS);
    expect_nothing(w); /* a crash now would bring the older one back */
    expect_state(w, "b", CORE_BLOCKED);
    commit(w);
    expect_delivered(w, 0, "b");
    expect_nothing(w);
    assert_int_equal(info_of(w, "a").queue, DEAD);
    expect_counts(w, JOBS, COUNTS(0, 0, 0, 1, 1));
    check_recovery(w);
    redrive(w, DEAD, JOBS, 0); /* comes back behind those that are there */
    expect_state(w, "a", CORE_BLOCKED);
    done(w, "b");
    expect_delivered(w, 0, "c");
    done(w, "c");
    expect_delivered(w, 0, "a");
    world_destroy(&w);
}

static void dead_letters_of_a_group_are_bound_to_nothing(void **state)
{
    (void)state;
    struct world *w = three_in_line();
    for (int i = 0; i < 9; i++) {
        pass(w, VISIBILITY_MS);
        commit(w);
    }
    expect_counts(w, DEAD, COUNTS(0, 0, 3, 0, 0));
    cancel(w, 0, "b");
    expect_counts(w, DEAD, COUNTS(0, 0, 2, 0, 0));
    check_recovery(w);
    redrive(w, DEAD, JOBS, 0);
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    expect_state(w, "c", CORE_BLOCKED);
    world_destroy(&w);
}

static void a_purge_leaves_the_one_in_flight(void **state)
{
    (void)state;
    struct world *w = three_in_line();
    put(w, "d", .group = 7);
    purge(w, JOBS);
    expect_nothing(w);
    expect_counts(w, JOBS, COUNTS(1, 0, 0, 0, 1));
    commit(w);
    expect_sent(w, 0, "d", CORE_ACCEPTED);
    expect_state(w, "d", CORE_BLOCKED);
    check_recovery(w);
    done(w, "a");
    expect_delivered(w, 0, "d");
    world_destroy(&w);
}

static void the_next_one_waits_for_its_own_commit(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .group = 7);
    put(w, "b", .group = 7);
    put(w, "c", .group = 7);
    done(w, "a");
    expect_nothing(w);
    check_recovery(w);
    uint64_t b = core_number(w->core) - 2; /* SEND b, SEND c, DONE a */
    commit_to(w, b);
    expect_sent(w, 0, "b", CORE_ACCEPTED);
    expect_delivered(w, 0, "b");
    done(w, "b");
    expect_nothing(w);
    commit(w);
    expect_sent(w, 0, "c", CORE_ACCEPTED);
    expect_delivered(w, 0, "c");
    world_destroy(&w);
}

/* More groups than the first table of heads has buckets, several deep, ended by one worker: each in its order. */
static void many_groups_keep_their_orders(void **state)
{
    (void)state;
    enum { GROUPS = 5000, DEPTH = 3 };
    struct world *w = world_create();
    static uint64_t last[GROUPS + 1];
    w->quick = true;
    for (unsigned i = 0; i < GROUPS * DEPTH; i++) {
        char name[ID_BYTES];
        snprintf(name, sizeof name, "m%u/%u", i, i * 37 % 256);
        put(w, name, .group = i % GROUPS + 1);
    }
    commit(w);
    pass(w, 0); /* more answers than one step holds */
    core_check(w->core);
    expect_counts(w, JOBS, COUNTS(0, 0, GROUPS, GROUPS * (DEPTH - 1), 0));
    join(w, 0);
    for (size_t at = 0; at < GROUPS * DEPTH;) {
        credit(w, 0, 100);
        assert_true(w->given_count > at);
        for (struct core_info info; at < w->given_count; at++) {
            struct held h = w->given[at];
            assert_true(core_slot(w->core, h.slot, h.seq, &info));
            assert_true(info.seq > last[info.group]);
            last[info.group] = info.seq;
            done_with(w, &h, "ok");
        }
    }
    core_check(w->core);
    assert_int_equal(stats_of(w).messages, 0);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_a_group_is_in_flight_and_the_next_follows_its_end),
        cmocka_unit_test(different_groups_and_the_ungrouped_run_side_by_side),
        cmocka_unit_test(the_same_group_number_in_two_queues_is_two_groups),
        cmocka_unit_test(the_next_one_follows_over_to_another_worker),
        cmocka_unit_test(the_next_one_does_not_overtake_one_that_comes_back),
        cmocka_unit_test(a_delayed_head_holds_back_its_group),
        cmocka_unit_test(a_delay_that_ends_while_blocked_is_over),
        cmocka_unit_test(cancelling_the_head_the_middle_and_the_tail),
        cmocka_unit_test(all_but_one_leave_in_any_order),
        cmocka_unit_test(a_dead_letter_makes_way),
        cmocka_unit_test(dead_letters_of_a_group_are_bound_to_nothing),
        cmocka_unit_test(a_purge_leaves_the_one_in_flight),
        cmocka_unit_test(the_next_one_waits_for_its_own_commit),
        cmocka_unit_test(many_groups_keep_their_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
