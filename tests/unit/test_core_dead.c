/* test_core_dead.c - messages that come back too often or live too long: dead letters with a reason, redrive, retention, purge. */
#include "tests/lib/core_world.h"

#include <string.h>

/* Handed to worker 0 and lost by time-out until it is dead. */
static struct world *one_dead(void)
{
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .client = 1, .wait = true);
    pass(w, 3 * VISIBILITY_MS);
    return w;
}

static void too_many_receives_end_in_the_dead_letter_queue(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .client = 1, .wait = true);
    pass(w, VISIBILITY_MS);
    expect_delivered(w, 0, "a");
    pass(w, VISIBILITY_MS);
    expect_delivered(w, 0, "a");
    assert_int_equal(info_of(w, "a").receive_count, 3);
    pass(w, VISIBILITY_MS);
    expect_dead(w, 1, "a", "received 3 times without success; the last time: the visibility timeout of 30000 ms passed");
    expect_nothing(w);
    struct core_info a = info_of(w, "a");
    assert_int_equal(a.queue, DEAD);
    assert_int_equal(a.state, CORE_READY);
    assert_int_equal(a.receive_count, 3);
    assert_non_null(strstr(a.reason, "received 3 times"));
    const struct core_record *r = last_record(w);
    assert_int_equal(r->kind, CORE_REC_TRANSFER);
    assert_int_equal(r->queue, DEAD);
    assert_true(slice_equal(r->reason, slice_text(a.reason)));
    assert_int_equal(stats_of(w).dead_total, 1);
    check_recovery(w);
    world_destroy(&w);
}

static void the_reason_tells_what_happened_last(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = world_attributes(JOBS);
    a.max_receive_count = 1;
    queue_set(w, JOBS, &a);
    add(w, "a");
    join(w, 0);
    credit(w, 0, 1);
    gone(w, 0);
    assert_non_null(strstr(info_of(w, "a").reason, "received 1 times without success; the last time: its worker died"));
    add(w, "b");
    join(w, 0);
    credit(w, 0, 1);
    join(w, 0);
    assert_non_null(strstr(info_of(w, "b").reason, "started anew"));
    check_recovery(w);
    world_destroy(&w);
}

static void without_a_limit_or_a_queue_to_go_to_nobody_dies(void **state)
{
    (void)state;
    struct core_queue_attributes no_limit = world_attributes(JOBS), nowhere = no_limit, missing = no_limit, itself = no_limit;
    no_limit.max_receive_count = 0;
    nowhere.dead_letter[0] = '\0';
    memcpy(missing.dead_letter, "missing", sizeof "missing");
    memcpy(itself.dead_letter, "jobs", sizeof "jobs");
    const struct core_queue_attributes *cases[] = {&no_limit, &nowhere, &missing, &itself};
    for (size_t i = 0; i < 4; i++) {
        struct world *w = world_create();
        queue_set(w, JOBS, cases[i]);
        join(w, 0);
        credit(w, 0, 10);
        add(w, "a");
        pass(w, 8 * VISIBILITY_MS);
        assert_int_equal(info_of(w, "a").queue, JOBS);
        assert_int_equal(info_of(w, "a").receive_count, 9);
        assert_int_equal(records(w, CORE_REC_TRANSFER), 0);
        check_recovery(w);
        world_destroy(&w);
    }
}

static void a_redriven_message_starts_anew(void **state)
{
    (void)state;
    struct world *w = one_dead();
    redrive(w, DEAD, JOBS, 0);
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    assert_int_equal(held(w, "a").lease, 1);
    assert_string_equal(info_of(w, "a").reason, "");
    assert_int_equal(last_record(w)->kind, CORE_REC_TRANSFER);
    assert_int_equal(last_record(w)->receive_count, 0);
    check_recovery(w);
    watch(w, 2, "a");
    done(w, "a");
    expect_result(w, 2, "a", "ok");
    world_destroy(&w);
}

static void a_redrive_takes_as_many_as_it_was_told(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "x/0", .queue = DEAD);
    add(w, "y/200", .queue = DEAD);
    add(w, "z/100", .queue = DEAD);
    redrive(w, DEAD, DEAD, 0);
    redrive(w, DEAD, 99, 0);
    redrive(w, 99, JOBS, 0);
    expect_counts(w, DEAD, COUNTS(0, 0, 3, 0, 0));
    redrive(w, DEAD, JOBS, 2);
    expect_counts(w, DEAD, COUNTS(0, 0, 1, 0, 0));
    expect_counts(w, JOBS, COUNTS(0, 0, 2, 0, 0));
    redrive(w, DEAD, JOBS, 2);
    expect_counts(w, JOBS, COUNTS(0, 0, 3, 0, 0));
    assert_int_equal(records(w, CORE_REC_TRANSFER), 3);
    check_recovery(w);
    world_destroy(&w);
}

static void workers_take_from_job_queues_only(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "x", .queue = DEAD);
    expect_sent(w, 0, "x", CORE_ACCEPTED);
    expect_nothing(w);
    world_destroy(&w);
}

static void a_job_that_outlives_its_retention_is_a_dead_letter(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = world_attributes(JOBS);
    a.retention_ms = 60000;
    queue_set(w, JOBS, &a);
    add(w, "a", .group = 7, .client = 1, .wait = true);
    add(w, "b", .group = 7);
    pass(w, 59999);
    expect_state(w, "a", CORE_READY);
    pass(w, 1 + 1000); /* it is looked after every second */
    expect_dead(w, 1, "a", "the retention of 60000 ms passed");
    expect_nothing(w);
    pass(w, 1000); /* the next of the group was held until that was on disk */
    assert_int_equal(queue_total(w, DEAD), 2);
    assert_int_equal(stats_of(w).expired_total, 2);
    assert_string_equal(info_of(w, "b").reason, "the retention of 60000 ms passed");
    check_recovery(w);
    world_destroy(&w);
}

static void an_expired_message_is_not_handed_out(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = world_attributes(JOBS);
    a.retention_ms = 60000;
    queue_set(w, JOBS, &a);
    add(w, "a");
    add(w, "b", .delay_ms = 30000);
    join(w, 0);
    w->now_ms += 60000; /* nothing was looked after on the way */
    credit(w, 0, 10);
    expect_nothing(w);
    assert_int_equal(queue_total(w, JOBS), 0);
    assert_int_equal(queue_total(w, DEAD), 2);
    world_destroy(&w);
}

static void other_messages_just_expire(void **state)
{
    (void)state;
    struct world *w = one_dead();
    struct core_queue_attributes dead = world_attributes(DEAD);
    commit(w);                   /* whoever waited for it has been told */
    dead.retention_ms = HOUR_MS; /* counted from when it was accepted */
    queue_set(w, DEAD, &dead);
    watch(w, 3, "a");
    pass(w, HOUR_MS - 3 * VISIBILITY_MS - 1);
    expect_state(w, "a", CORE_READY);
    pass(w, 1001);
    expect_dead(w, 3, "a", "expired");
    expect_unknown(w, "a");
    assert_int_equal(last_record(w)->kind, CORE_REC_DONE);
    assert_int_equal(stats_of(w).messages, 0);
    assert_int_equal(stats_of(w).expired_total, 1);
    check_recovery(w);
    world_destroy(&w);
}

static void queues_that_name_each_other_do_not_play_ball(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = world_attributes(JOBS), b = world_attributes(OTHER);
    a.retention_ms = b.retention_ms = 60000;
    memcpy(a.dead_letter, "other", sizeof "other");
    memcpy(b.dead_letter, "jobs", sizeof "jobs");
    queue_set(w, JOBS, &a);
    queue_set(w, OTHER, &b);
    add(w, "a", .client = 1, .wait = true);
    pass(w, 62000);
    expect_dead(w, 1, "a", "expired");
    assert_int_equal(stats_of(w).messages, 0);
    assert_int_equal(core_deadline(w->core), INT64_MAX);
    world_destroy(&w);
}

static void a_purge_takes_everything_but_what_is_in_flight(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 1);
    add(w, "held/0");
    add(w, "ready/200", .client = 1, .wait = true);
    add(w, "late", .delay_ms = 500);
    add(w, "g1", .group = 3);
    add(w, "g2", .group = 3);
    add(w, "kept", .queue = DEAD);
    purge(w, JOBS);
    expect_dead(w, 1, "ready/200", "purged");
    expect_nothing(w);
    expect_counts(w, JOBS, COUNTS(0, 0, 0, 0, 1));
    expect_counts(w, DEAD, COUNTS(0, 0, 1, 0, 0));
    assert_int_equal(records(w, CORE_REC_DONE), 4);
    check_recovery(w);
    purge(w, DEAD);
    expect_counts(w, DEAD, COUNTS(0, 0, 0, 0, 0));
    purge(w, 500);
    expect_nothing(w);
    world_destroy(&w);
}

/* The record of a move must not be lost, so without a place for it nothing is moved; what is late is worked on all the same. */
static void on_a_full_disk_nothing_is_dead_lettered(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes jobs = world_attributes(JOBS);
    jobs.retention_ms = HOUR_MS;
    queue_set(w, JOBS, &jobs);
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a");
    pass(w, 2 * VISIBILITY_MS); /* received three times */
    add(w, "b");
    event(w, &(struct core_event){.kind = CORE_DISK, .full = true, .exhausted = true});
    pass(w, VISIBILITY_MS);
    assert_int_equal(info_of(w, "a").queue, JOBS);
    pass(w, HOUR_MS);
    assert_int_equal(info_of(w, "b").queue, JOBS);
    assert_int_equal(records(w, CORE_REC_TRANSFER), 0);
    event(w, &(struct core_event){.kind = CORE_DISK});
    pass(w, VISIBILITY_MS);
    commit(w);
    assert_int_equal(info_of(w, "a").queue, DEAD);
    check_recovery(w);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_full_disk_nothing_is_dead_lettered),
        cmocka_unit_test(too_many_receives_end_in_the_dead_letter_queue),
        cmocka_unit_test(the_reason_tells_what_happened_last),
        cmocka_unit_test(without_a_limit_or_a_queue_to_go_to_nobody_dies),
        cmocka_unit_test(a_redriven_message_starts_anew),
        cmocka_unit_test(a_redrive_takes_as_many_as_it_was_told),
        cmocka_unit_test(workers_take_from_job_queues_only),
        cmocka_unit_test(a_job_that_outlives_its_retention_is_a_dead_letter),
        cmocka_unit_test(an_expired_message_is_not_handed_out),
        cmocka_unit_test(other_messages_just_expire),
        cmocka_unit_test(queues_that_name_each_other_do_not_play_ball),
        cmocka_unit_test(a_purge_takes_everything_but_what_is_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
