/* test_core_lease.c - what was handed out: until when, extended, given back, lost with its worker, and answers that come too late. */
#include "tests/lib/core_world.h"

/* One message, handed to worker 0, which has credit for 9 more. */
static struct world *one_in_flight(void)
{
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a");
    expect_sent(w, 0, "a", CORE_ACCEPTED);
    expect_delivered(w, 0, "a");
    return w;
}

static void a_lease_that_runs_out_is_handed_out_again(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    assert_int_equal(held(w, "a").lease, 1);
    assert_int_equal(info_of(w, "a").due_ms, w->now_ms + VISIBILITY_MS);
    pass(w, VISIBILITY_MS - 1);
    expect_nothing(w);
    pass(w, 1);
    expect_delivered(w, 0, "a");
    assert_int_equal(held(w, "a").lease, 2);
    assert_int_equal(last_record(w)->kind, CORE_REC_RELEASE);
    assert_int_equal(last_record(w)->receive_count, 1);
    assert_int_equal(stats_of(w).redelivered_total, 1);
    check_recovery(w);
    world_destroy(&w);
}

static void answers_to_a_lease_of_the_past_do_nothing(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    struct held old = held(w, "a");
    watch(w, 1, "a");
    pass(w, VISIBILITY_MS);
    int64_t due_ms = info_of(w, "a").due_ms;
    done_with(w, &old, "too late");
    expect_nothing(w);
    struct core_event late[] = {
        {.kind = CORE_GIVE_BACK, .worker = old.worker, .seq = old.seq, .lease = old.lease},
        {.kind = CORE_EXTEND, .worker = old.worker, .seq = old.seq, .lease = old.lease, .delay_ms = HOUR_MS},
        {.kind = CORE_DONE, .worker = 1, .seq = old.seq, .lease = 2},    /* not its worker */
        {.kind = CORE_DONE, .worker = 0, .seq = old.seq, .lease = 3},    /* from the future */
        {.kind = CORE_DONE, .worker = 0, .seq = old.seq + 1, .lease = 2} /* no such message */
    };
    for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
        event(w, &late[i]);
        expect_nothing(w);
    }
    expect_state(w, "a", CORE_LEASED);
    assert_int_equal(info_of(w, "a").due_ms, due_ms);
    done(w, "a");
    expect_result(w, 1, "a", "ok");
    world_destroy(&w);
}

static void done_ends_a_message_and_frees_its_body(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    struct held h = held(w, "a");
    done(w, "a");
    expect_nothing(w);
    expect_unknown(w, "a");
    assert_int_equal(last_record(w)->kind, CORE_REC_DONE);
    assert_int_equal(last_record(w)->seq, h.seq);
    assert_int_equal(stats_of(w).done_total, 1);
    assert_int_equal(stats_of(w).leases, 0);
    size_t count = w->journal_count;
    done_with(w, &h, "twice");
    assert_int_equal(w->journal_count, count);
    check_recovery(w);
    world_destroy(&w);
}

static void an_extended_lease_runs_from_now_on(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    pass(w, 20000);
    extend(w, "a", VISIBILITY_MS);
    pass(w, 29999);
    expect_nothing(w);
    pass(w, 1);
    expect_delivered(w, 0, "a");
    extend(w, "a", 1000); /* shorter, too */
    pass(w, 1000);
    expect_delivered(w, 0, "a");
    extend(w, "a", -5);
    expect_state(w, "a", CORE_LEASED);
    assert_int_equal(info_of(w, "a").due_ms, w->now_ms + VISIBILITY_MS);
    extend(w, "a", INT64_MAX);
    pass(w, HOUR_MS);
    expect_state(w, "a", CORE_LEASED);
    world_destroy(&w);
}

static void an_extension_by_nothing_ends_the_lease(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    extend(w, "a", 0);
    expect_delivered(w, 0, "a");
    assert_int_equal(info_of(w, "a").receive_count, 2);
    world_destroy(&w);
}

static void what_is_given_back_comes_first_and_does_not_count(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a");
    add(w, "b");
    add(w, "c");
    join(w, 0);
    credit(w, 0, 2);
    size_t count = w->journal_count;
    give_back(w, "b", 0);
    give_back(w, "a", 0);
    assert_int_equal(w->journal_count, count); /* nothing worth a record */
    expect_counts(w, JOBS, COUNTS(0, 0, 3, 0, 0));
    assert_int_equal(info_of(w, "a").receive_count, 0);
    check_recovery(w);
    join(w, 1);
    credit(w, 1, 10);
    expect_delivered(w, 1, "a");
    expect_delivered(w, 1, "b");
    expect_delivered(w, 1, "c");
    assert_int_equal(held(w, "a").lease, 1);
    assert_int_equal(stats_of(w).redelivered_total, 0);
    world_destroy(&w);
}

static void what_is_given_back_with_a_delay_comes_later(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    give_back(w, "a", 700);
    expect_nothing(w);
    expect_state(w, "a", CORE_DELAYED);
    check_recovery(w);
    pass(w, 699);
    expect_nothing(w);
    pass(w, 1);
    expect_delivered(w, 0, "a");
    give_back(w, "a", INT64_MAX);
    pass(w, 10 * HOUR_MS - 10000); /* the worker is heard of until then */
    expect_state(w, "a", CORE_DELAYED);
    world_destroy(&w);
}

static void a_message_given_back_for_ever_never_dies(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    for (int i = 0; i < 20; i++) {
        credit(w, 0, 1);
        give_back(w, "a", 0);
        expect_delivered(w, 0, "a");
    }
    assert_int_equal(info_of(w, "a").queue, JOBS);
    assert_int_equal(info_of(w, "a").receive_count, 1);
    world_destroy(&w);
}

static void a_worker_that_is_gone_holds_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a");
    add(w, "b");
    struct held a = held(w, "a");
    gone(w, 0);
    expect_counts(w, JOBS, COUNTS(0, 0, 2, 0, 0));
    assert_int_equal(records(w, CORE_REC_RELEASE), 2);
    assert_int_equal(stats_of(w).workers, 0);
    check_recovery(w);
    done_with(w, &a, "from the grave");
    expect_state(w, "a", CORE_READY);
    gone(w, 0);
    credit(w, 0, 10); /* it is not there */
    expect_nothing(w);
    join(w, 1);
    credit(w, 1, 10);
    expect_delivered(w, 1, "a"); /* received before: alone */
    expect_nothing(w);
    world_destroy(&w);
}

static void a_worker_that_joins_again_starts_with_nothing(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    struct held old = held(w, "a");
    join(w, 0);
    expect_nothing(w); /* its credit is gone, too */
    expect_counts(w, JOBS, COUNTS(0, 0, 1, 0, 0));
    done_with(w, &old, "of the old one");
    expect_state(w, "a", CORE_READY);
    credit(w, 0, 1);
    expect_delivered(w, 0, "a");
    assert_int_equal(held(w, "a").lease, 2);
    assert_int_equal(stats_of(w).workers, 1);
    world_destroy(&w);
}

static void a_silent_worker_is_gone(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes a = world_attributes(JOBS);
    config.worker_silence_ms = 2000;
    struct world *w = world_create_with(&config, 0);
    queue_set(w, JOBS, &a);
    join(w, 0);
    credit(w, 0, 1);
    add(w, "a");
    pass(w, 1500);
    heard(w, 0);
    join(w, 1);
    credit(w, 1, 1);
    pass(w, 1500);
    heard(w, 1);
    expect_state(w, "a", CORE_LEASED);
    pass(w, 500);
    expect_delivered(w, 1, "a");
    assert_int_equal(stats_of(w).workers, 1);
    pass(w, 2000);
    assert_int_equal(stats_of(w).workers, 0);
    expect_state(w, "a", CORE_READY);
    heard(w, 0); /* it has to join anew */
    credit(w, 0, 1);
    expect_nothing(w);
    world_destroy(&w);
}

static void a_leaving_worker_gets_nothing_and_has_left_when_it_holds_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a");
    add(w, "b");
    leave(w, 0);
    expect_nothing(w);
    add(w, "c");
    expect_sent(w, 0, "c", CORE_ACCEPTED);
    expect_nothing(w);
    credit(w, 0, 5);
    expect_nothing(w);
    done(w, "a");
    expect_nothing(w);
    leave(w, 0);
    expect_nothing(w); /* said already */
    give_back(w, "b", 0);
    expect_left(w, 0);
    expect_nothing(w);
    leave(w, 0);
    expect_nothing(w);
    join(w, 1);
    leave(w, 1); /* idle: at once */
    expect_left(w, 1);
    world_destroy(&w);
}

static void a_leaving_worker_whose_last_lease_runs_out_has_left(void **state)
{
    (void)state;
    struct world *w = one_in_flight();
    leave(w, 0);
    pass(w, VISIBILITY_MS);
    expect_left(w, 0);
    expect_nothing(w);
    world_destroy(&w);
}

/* As often as it may happen: what was held for nothing is never dead-lettered, and goes out in batches as before. */
static void who_left_for_another_ones_death_has_received_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add_many(w, 3, &(struct letter){.name = "m"});
    for (int i = 0; i < 20; i++) {
        assert_int_equal(stats_of(w).leases, 3);
        if (i % 2 == 0) {
            gone_to_heal(w, 0);
            expect_counts(w, JOBS, COUNTS(0, 0, 3, 0, 0));
            join(w, 0);
        } else {
            join_healed(w, 0);
        }
        assert_int_equal(stats_of(w).leases, 0);
        credit(w, 0, 10);
        assert_int_equal(seen(w, CORE_EFFECT_DELIVER), 3);
        assert_int_equal(held(w, "m1").lease, 1);
    }
    assert_int_equal(stats_of(w).redelivered_total, 0);
    assert_int_equal(records(w, CORE_REC_RELEASE), 0);
    gone(w, 0);
    assert_int_equal(info_of(w, "m1").receive_count, 1);
    check_recovery(w);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_that_runs_out_is_handed_out_again),
        cmocka_unit_test(answers_to_a_lease_of_the_past_do_nothing),
        cmocka_unit_test(done_ends_a_message_and_frees_its_body),
        cmocka_unit_test(an_extended_lease_runs_from_now_on),
        cmocka_unit_test(an_extension_by_nothing_ends_the_lease),
        cmocka_unit_test(what_is_given_back_comes_first_and_does_not_count),
        cmocka_unit_test(what_is_given_back_with_a_delay_comes_later),
        cmocka_unit_test(a_message_given_back_for_ever_never_dies),
        cmocka_unit_test(a_worker_that_is_gone_holds_nothing),
        cmocka_unit_test(a_worker_that_joins_again_starts_with_nothing),
        cmocka_unit_test(a_silent_worker_is_gone),
        cmocka_unit_test(a_leaving_worker_gets_nothing_and_has_left_when_it_holds_nothing),
        cmocka_unit_test(a_leaving_worker_whose_last_lease_runs_out_has_left),
        cmocka_unit_test(who_left_for_another_ones_death_has_received_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
