/* test_core_workers.c - who gets what: credit, fair shares, own slices first, and messages that were received before alone. */
#include "tests/lib/core_world.h"

#include <stdio.h>

static struct world *with_workers(uint32_t count)
{
    struct world *w = world_create();
    for (uint32_t i = 0; i < count; i++)
        join(w, i);
    return w;
}

static size_t given_to(const struct world *w, uint32_t worker)
{
    size_t count = 0;
    for (size_t i = 0; i < w->seen_count; i++)
        count += w->seen[i].kind == CORE_EFFECT_DELIVER && w->seen[i].worker == worker;
    return count;
}

static void credit_adds_up_and_is_used_up(void **state)
{
    (void)state;
    struct world *w = with_workers(1);
    add_many(w, 20, &(struct letter){.name = "m"});
    credit(w, 0, 3);
    assert_int_equal(given_to(w, 0), 3);
    tick(w, 0);
    expect_nothing(w);
    credit(w, 0, 2);
    assert_int_equal(given_to(w, 0), 2);
    credit(w, 0, 1000);
    assert_int_equal(given_to(w, 0), 15);
    world_destroy(&w);
}

static void what_is_outstanding_is_bounded(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes a = world_attributes(JOBS);
    config.batch_max = 5000;
    struct world *w = world_create_with(&config, 0);
    queue_set(w, JOBS, &a);
    add_many(w, 2000, &(struct letter){.name = "m"});
    join(w, 0);
    credit(w, 0, UINT32_MAX);
    assert_int_equal(stats_of(w).leases, 512);
    credit(w, 0, UINT32_MAX);
    assert_int_equal(stats_of(w).leases, 512);
    for (size_t i = 0; i < 512; i++)
        done_with(w, &w->given[i], "ok");
    assert_int_equal(stats_of(w).leases, 0);
    credit(w, 0, 100);
    assert_int_equal(stats_of(w).leases, 100);
    world_destroy(&w);
}

static void nobody_gets_more_than_a_batch_at_once(void **state)
{
    (void)state;
    struct world *w = with_workers(1);
    add_many(w, 250, &(struct letter){.name = "m"});
    credit(w, 0, 500);
    assert_int_equal(given_to(w, 0), 100);
    tick(w, 0);
    assert_int_equal(given_to(w, 0), 100);
    tick(w, 0);
    assert_int_equal(given_to(w, 0), 50);
    world_destroy(&w);
}

static void what_is_ready_is_shared_out_fairly(void **state)
{
    (void)state;
    struct world *w = with_workers(3);
    for (uint32_t i = 0; i < 3; i++)
        credit(w, i, 50);
    w->quick = true;
    for (int i = 0; i < 31; i++) {
        char name[ID_BYTES];
        snprintf(name, sizeof name, "m%d", i);
        put(w, name);
    }
    w->quick = false;
    commit(w);
    size_t most = 0, sum = 0;
    for (uint32_t i = 0; i < 3; i++) {
        size_t n = given_to(w, i);
        sum += n;
        most = n > most ? n : most;
        assert_in_range(n, 9, 11);
    }
    assert_int_equal(sum, 31);
    world_destroy(&w);
}

static void little_credit_leaves_more_for_the_others(void **state)
{
    (void)state;
    struct world *w = with_workers(2);
    credit(w, 0, 2);
    credit(w, 1, 50);
    w->quick = true;
    for (int i = 0; i < 20; i++) {
        char name[ID_BYTES];
        snprintf(name, sizeof name, "m%d", i);
        put(w, name);
    }
    w->quick = false;
    commit(w);
    assert_int_equal(given_to(w, 0), 2);
    assert_int_equal(given_to(w, 1), 10); /* its half; the rest in the next step */
    tick(w, 0);
    assert_int_equal(given_to(w, 1), 8);
    world_destroy(&w);
}

/* Slices 0 to 127 belong to the first of two workers, 128 to 255 to the second. */
static void each_worker_gets_its_own_slices_first(void **state)
{
    (void)state;
    struct world *w = with_workers(2);
    credit(w, 0, 10);
    credit(w, 1, 10);
    put(w, "a/200");
    put(w, "b/10");
    put(w, "c/130");
    put(w, "d/100");
    commit(w);
    for (size_t i = 0; i < w->given_count; i++)
        assert_int_equal(w->given[i].worker, id_slice(&w->given[i].id) >= 128);
    assert_int_equal(w->given_count, 4);
    world_destroy(&w);
}

/* Stealing comes after everybody has had a look at his own: what is stolen is what the owner leaves, whoever's turn it is. */
static void what_is_stolen_is_what_the_owner_leaves(void **state)
{
    (void)state;
    struct world *w = with_workers(2);
    for (int round = 0; round < 2; round++) {
        static const char *const names[2][4] = {{"a/200", "b/201", "c/202", "d/10"}, {"e/200", "f/201", "g/202", "h/10"}};
        credit(w, 0, 2);
        credit(w, 1, 2);
        for (int i = 0; i < 4; i++)
            put(w, names[round][i]);
        commit(w);
        assert_int_equal(held(w, names[round][0]).worker, 1);
        assert_int_equal(held(w, names[round][1]).worker, 1);
        assert_int_equal(held(w, names[round][2]).worker, 0);
        assert_int_equal(held(w, names[round][3]).worker, 0);
        done_all(w);
    }
    world_destroy(&w);
}

static void the_idle_take_from_the_slices_of_others(void **state)
{
    (void)state;
    struct world *w = with_workers(2);
    put(w, "a/200");
    put(w, "b/201");
    put(w, "c/202");
    put(w, "d/203");
    commit(w);
    credit(w, 0, 10); /* the second has no credit: all for the first, foreign as they are */
    assert_int_equal(given_to(w, 0), 4);
    done_all(w);
    credit(w, 1, 10);
    put(w, "e/200");
    put(w, "f/201");
    commit(w);
    assert_int_equal(given_to(w, 0), 1);
    assert_int_equal(given_to(w, 1), 1);
    world_destroy(&w);
}

static void who_was_received_before_is_handed_out_alone(void **state)
{
    (void)state;
    struct world *w = with_workers(1);
    add(w, "a");
    add(w, "b");
    credit(w, 0, 10);
    gone(w, 0);
    add(w, "c");
    join(w, 0);
    credit(w, 0, 10);
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    add(w, "d");
    expect_sent(w, 0, "d", CORE_ACCEPTED);
    expect_nothing(w);
    done(w, "a");
    expect_delivered(w, 0, "b");
    expect_nothing(w);
    done(w, "b");
    expect_delivered(w, 0, "c");
    expect_delivered(w, 0, "d");
    check_recovery(w);
    world_destroy(&w);
}

static void a_suspect_goes_to_an_idle_worker_though_others_are_busy(void **state)
{
    (void)state;
    struct world *w = with_workers(3);
    credit(w, 0, 10);
    add(w, "busy");
    expect_sent(w, 0, "busy", CORE_ACCEPTED);
    expect_delivered(w, 0, "busy");
    add(w, "a");
    expect_sent(w, 0, "a", CORE_ACCEPTED);
    expect_delivered(w, 0, "a");
    extend(w, "busy", HOUR_MS);
    credit(w, 2, 1);
    pass(w, VISIBILITY_MS);
    expect_delivered(w, 2, "a");
    expect_nothing(w);
    world_destroy(&w);
}

/* A stream of fresh messages must not keep a suspect waiting for ever: busy workers are kept free for it. */
static void a_busy_worker_is_reserved_for_a_waiting_suspect(void **state)
{
    (void)state;
    struct world *w = with_workers(2);
    credit(w, 0, 1);
    add(w, "a");
    gone(w, 0); /* a is a suspect now, and nobody is idle with credit */
    join(w, 0);
    add(w, "x");
    add(w, "y");
    leave(w, 1);
    join(w, 2);
    join(w, 3);
    leave(w, 0);
    credit(w, 2, 1); /* idle: takes the suspect */
    expect_delivered(w, 2, "a");
    credit(w, 3, 2);
    expect_delivered(w, 3, "x");
    expect_delivered(w, 3, "y");
    gone(w, 2); /* a waits again; 3 is busy, has credit now, and is reserved */
    credit(w, 3, 10);
    expect_nothing(w);
    add(w, "z");
    expect_sent(w, 0, "z", CORE_ACCEPTED);
    expect_nothing(w);
    done(w, "x");
    expect_nothing(w);
    done(w, "y");
    expect_delivered(w, 3, "a");
    expect_nothing(w);
    done(w, "a");
    expect_delivered(w, 3, "z");
    world_destroy(&w);
}

static void at_most_half_of_the_workers_are_reserved(void **state)
{
    (void)state;
    struct world *w = with_workers(5);
    for (uint32_t i = 0; i < 4; i++) { /* four with credit, each with one message that it holds on to */
        char name[ID_BYTES];
        snprintf(name, sizeof name, "busy%u", i);
        credit(w, i, 1);
        add(w, name);
        extend(w, name, HOUR_MS);
    }
    credit(w, 4, 4);
    add(w, "s1");
    add(w, "s2");
    add(w, "s3");
    add(w, "s4");
    gone(w, 4); /* four suspects for four busy workers: two of them are reserved */
    expect_counts(w, JOBS, COUNTS(0, 0, 4, 0, 4));
    put(w, "n1");
    put(w, "n2");
    put(w, "n3");
    put(w, "n4");
    commit(w);
    for (uint32_t i = 0; i < 4; i++)
        credit(w, i, 10);
    tick(w, 0);
    expect_counts(w, JOBS, COUNTS(0, 0, 4, 0, 8));
    uint32_t holders = 0;
    for (size_t i = 0; i < w->given_count; i++)
        if (w->given[i].id.bytes[0] == 'n')
            holders |= 1u << w->given[i].worker;
    assert_true(holders == 8 || holders == 12 || holders == 4); /* of the last two, for the first two are reserved */
    world_destroy(&w);
}

static void suspects_of_two_queues_wait_for_workers_of_their_own(void **state)
{
    (void)state;
    struct world *w = with_workers(2);
    struct core_queue_attributes other = world_attributes(OTHER);
    queue_set(w, OTHER, &other);
    credit(w, 0, 1);
    add(w, "a");
    gone(w, 0);
    join(w, 0);
    credit(w, 1, 1);
    expect_delivered(w, 1, "a");
    add(w, "b", .queue = OTHER);
    credit(w, 0, 1);
    expect_delivered(w, 0, "b");
    gone(w, 1);      /* a is alone and waits for 0 */
    credit(w, 0, 5); /* reserved by the first queue: the second must not use it */
    add(w, "c", .queue = OTHER);
    expect_sent(w, 0, "c", CORE_ACCEPTED);
    expect_nothing(w);
    done(w, "b");
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    world_destroy(&w);
}

static void a_thousand_workers_each_get_one(void **state)
{
    (void)state;
    struct world *w = world_create();
    w->quick = true;
    for (uint32_t i = 0; i < 1024; i++) {
        join(w, i);
        credit(w, i, 1);
    }
    join(w, 1024); /* there is no such worker */
    credit(w, 1024, 1);
    assert_int_equal(stats_of(w).workers, 1024);
    add_many(w, 1024, &(struct letter){.name = "m"});
    assert_int_equal(stats_of(w).leases, 1024);
    core_check(w->core);
    for (uint32_t i = 0; i < 1024; i++)
        gone(w, i);
    core_check(w->core);
    expect_counts(w, JOBS, COUNTS(0, 0, 1024, 0, 0));
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credit_adds_up_and_is_used_up),
        cmocka_unit_test(what_is_outstanding_is_bounded),
        cmocka_unit_test(nobody_gets_more_than_a_batch_at_once),
        cmocka_unit_test(what_is_ready_is_shared_out_fairly),
        cmocka_unit_test(little_credit_leaves_more_for_the_others),
        cmocka_unit_test(each_worker_gets_its_own_slices_first),
        cmocka_unit_test(what_is_stolen_is_what_the_owner_leaves),
        cmocka_unit_test(the_idle_take_from_the_slices_of_others),
        cmocka_unit_test(who_was_received_before_is_handed_out_alone),
        cmocka_unit_test(a_suspect_goes_to_an_idle_worker_though_others_are_busy),
        cmocka_unit_test(a_busy_worker_is_reserved_for_a_waiting_suspect),
        cmocka_unit_test(at_most_half_of_the_workers_are_reserved),
        cmocka_unit_test(suspects_of_two_queues_wait_for_workers_of_their_own),
        cmocka_unit_test(a_thousand_workers_each_get_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
