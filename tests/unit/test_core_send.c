/* test_core_send.c - a message comes in: accepted when it is on disk and not before, delayed, recognized, cancelled, refused. */
#include "tests/lib/core_world.h"

#include <string.h>

static void nothing_is_said_or_handed_out_before_the_commit(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    put(w, "a", .client = 5, .tag = 77, .body = "bread");
    expect_nothing(w);
    expect_state(w, "a", CORE_COMMITTING);
    assert_int_equal(last_record(w)->kind, CORE_REC_SEND);
    commit_to(w, core_number(w->core) - 1);
    expect_nothing(w);
    tick(w, 5000);
    expect_nothing(w);
    commit(w);
    assert_int_equal(w->seen[0].tag, 77);
    expect_sent(w, 5, "a", CORE_ACCEPTED);
    expect_delivered(w, 0, "a");
    expect_nothing(w);
    check_recovery(w);
    world_destroy(&w);
}

static void a_record_carries_all_that_was_sent(void **state)
{
    (void)state;
    struct world *w = world_create();
    put(w, "a", .group = 9, .delay_ms = 500, .key = "key", .body = "bread");
    const struct core_record *r = last_record(w);
    struct id id = name_id("a");
    assert_int_equal(r->number, core_number(w->core));
    assert_int_equal(r->seq, r->number);
    assert_int_equal(r->queue, JOBS);
    assert_int_equal(r->receive_count, 0);
    assert_true(id_equal(&r->id, &id));
    assert_int_equal(r->group, 9);
    assert_int_equal(r->accepted_ms, w->now_ms);
    assert_int_equal(r->due_ms, w->now_ms + 500);
    assert_true(r->has_key);
    assert_memory_equal(r->key, "key\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(r->key_expires_ms, w->now_ms + w->config.key_window_ms);
    assert_true(slice_equal(r->body, slice_text("bread")));
    assert_int_equal(info_of(w, "a").location, w->body_count);
    world_destroy(&w);
}

static void a_commit_accepts_up_to_its_number_in_order(void **state)
{
    (void)state;
    struct world *w = world_create();
    put(w, "a");
    uint64_t first = core_number(w->core);
    put(w, "b");
    put(w, "c");
    commit_to(w, first + 1);
    expect_sent(w, 0, "a", CORE_ACCEPTED);
    expect_sent(w, 0, "b", CORE_ACCEPTED);
    expect_nothing(w);
    commit_to(w, first); /* an old number takes nothing back */
    expect_nothing(w);
    expect_counts(w, JOBS, COUNTS(1, 0, 2, 0, 0));
    commit_to(w, UINT64_MAX); /* more than there is counts as all there is */
    expect_sent(w, 0, "c", CORE_ACCEPTED);
    put(w, "d");
    expect_state(w, "d", CORE_COMMITTING);
    tick(w, 0);
    expect_nothing(w);
    world_destroy(&w);
}

static void messages_are_handed_out_in_the_order_of_acceptance(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a");
    add(w, "b");
    add(w, "c");
    join(w, 3);
    expect_nothing(w); /* no credit yet */
    credit(w, 3, 2);
    expect_delivered(w, 3, "a");
    expect_delivered(w, 3, "b");
    expect_nothing(w);
    credit(w, 3, 1);
    expect_delivered(w, 3, "c");
    done(w, "b");
    expect_nothing(w); /* being done gives no credit */
    check_recovery(w);
    world_destroy(&w);
}

static void a_delayed_message_waits_for_its_time(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "late", .delay_ms = 5000);
    expect_sent(w, 0, "late", CORE_ACCEPTED);
    expect_nothing(w);
    expect_state(w, "late", CORE_DELAYED);
    add(w, "soon", .delay_ms = 1000);
    add(w, "now");
    expect_sent(w, 0, "now", CORE_ACCEPTED);
    expect_delivered(w, 0, "now");
    check_recovery(w);
    pass(w, 999);
    expect_nothing(w);
    pass(w, 1);
    expect_delivered(w, 0, "soon");
    pass(w, 3999);
    expect_nothing(w);
    pass(w, 1);
    expect_delivered(w, 0, "late");
    world_destroy(&w);
}

static void a_delay_that_ends_before_the_commit_is_no_delay(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    put(w, "a", .delay_ms = 10);
    pass(w, 20);
    expect_nothing(w);
    commit(w);
    expect_sent(w, 0, "a", CORE_ACCEPTED);
    expect_delivered(w, 0, "a");
    world_destroy(&w);
}

static void the_delay_of_the_queue_holds_unless_the_message_names_one(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = world_attributes(JOBS);
    a.delay_ms = 2000;
    queue_set(w, JOBS, &a);
    add(w, "a");
    add(w, "b", .delay_ms = 100);
    assert_int_equal(info_of(w, "a").due_ms, w->now_ms + 2000);
    assert_int_equal(info_of(w, "b").due_ms, w->now_ms + 100);
    pass(w, 100);
    expect_state(w, "a", CORE_DELAYED);
    expect_state(w, "b", CORE_READY);
    check_recovery(w);
    world_destroy(&w);
}

static void an_id_that_is_alive_or_ended_lately_is_no_new_message(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .body = "first");
    put(w, "a", .client = 2, .body = "again");
    expect_sent(w, 2, "a", CORE_DUPLICATE);
    expect_nothing(w);
    join(w, 0);
    credit(w, 0, 10);
    put(w, "a");
    expect_sent(w, 0, "a", CORE_DUPLICATE);
    done(w, "a");
    expect_unknown(w, "a");
    put(w, "a");
    expect_sent(w, 0, "a", CORE_DUPLICATE);
    expect_nothing(w);
    assert_int_equal(records(w, CORE_REC_SEND), 1);
    assert_int_equal(stats_of(w).duplicate_total, 3);
    world_destroy(&w);
}

static void a_duplicate_of_what_is_not_on_disk_yet_waits_as_well(void **state)
{
    (void)state;
    struct world *w = world_create();
    put(w, "a", .client = 1);
    put(w, "a", .client = 2);
    expect_nothing(w);
    put(w, "b", .client = 3);
    commit(w);
    expect_sent(w, 1, "a", CORE_ACCEPTED);
    expect_sent(w, 2, "a", CORE_DUPLICATE);
    expect_sent(w, 3, "b", CORE_ACCEPTED);
    expect_nothing(w);
    world_destroy(&w);
}

static void who_waits_is_told_the_outcome(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .client = 1, .wait = true);
    watch(w, 2, "a");
    watch(w, 2, "a"); /* asked twice, told once */
    put(w, "a", .client = 3, .wait = true);
    watch(w, 4, "nobody");
    expect_nothing(w);
    struct held h = held(w, "a");
    done_with(w, &h, "baked");
    assert_int_equal(seen(w, CORE_EFFECT_RESULT), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(slice_equal(w->seen[i].body, slice_text("baked")));
    done_with(w, &h, "twice");
    expect_nothing(w);
    assert_int_equal(stats_of(w).waiters, 0);
    world_destroy(&w);
}

static void a_client_that_is_gone_is_told_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    put(w, "a", .client = 1, .wait = true);
    put(w, "b", .client = 2, .wait = true);
    cancel(w, 1, "a"); /* answered at once: still committing */
    expect_not_cancelled(w, 1, "a", CORE_COMMITTING);
    client_gone(w, 1);
    assert_int_equal(stats_of(w).waiters, 1);
    commit(w);
    expect_sent(w, 2, "b", CORE_ACCEPTED);
    expect_nothing(w);
    expect_state(w, "a", CORE_READY); /* the message stays */
    join(w, 0);
    credit(w, 0, 2);
    done(w, "a");
    expect_nothing(w);
    done(w, "b");
    expect_result(w, 2, "b", "ok");
    world_destroy(&w);
}

static void a_cancelled_message_is_gone_and_said_so_when_it_is_on_disk(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .client = 1, .wait = true);
    add(w, "late", .delay_ms = 1000);
    cancel(w, 9, "a");
    expect_nothing(w);
    expect_unknown(w, "a");
    assert_int_equal(last_record(w)->kind, CORE_REC_DONE);
    commit(w);
    expect_dead(w, 1, "a", "cancelled");
    expect_cancelled(w, 9, "a");
    cancel(w, 9, "late");
    commit(w);
    expect_cancelled(w, 9, "late");
    assert_int_equal(core_deadline(w->core), INT64_MAX);
    cancel(w, 9, "a");
    expect_not_cancelled(w, 9, "a", CORE_STATE_COUNT);
    join(w, 0);
    credit(w, 0, 10);
    expect_nothing(w);
    check_recovery(w);
    world_destroy(&w);
}

static void what_is_in_flight_or_not_on_disk_is_not_cancelled(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 1);
    add(w, "a");
    cancel(w, 1, "a");
    expect_not_cancelled(w, 1, "a", CORE_LEASED);
    put(w, "b");
    cancel(w, 1, "b");
    expect_not_cancelled(w, 1, "b", CORE_COMMITTING);
    commit(w);
    expect_sent(w, 0, "b", CORE_ACCEPTED);
    gone(w, 0);
    cancel(w, 1, "a"); /* ready again */
    commit(w);
    expect_cancelled(w, 1, "a");
    check_recovery(w);
    world_destroy(&w);
}

static void a_full_disk_refuses_new_messages_only(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a");
    disk(w, true);
    put(w, "b", .client = 4, .key = "k");
    expect_sent(w, 4, "b", CORE_DISK_FULL);
    expect_unknown(w, "b");
    put(w, "a");
    expect_sent(w, 0, "a", CORE_DUPLICATE);
    join(w, 0);
    credit(w, 0, 10);
    expect_delivered(w, 0, "a");
    done(w, "a");
    expect_unknown(w, "a");
    disk(w, false);
    add(w, "b", .key = "k");
    expect_sent(w, 0, "b", CORE_ACCEPTED);
    assert_int_equal(stats_of(w).refused_total, 1);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_or_handed_out_before_the_commit),
        cmocka_unit_test(a_record_carries_all_that_was_sent),
        cmocka_unit_test(a_commit_accepts_up_to_its_number_in_order),
        cmocka_unit_test(messages_are_handed_out_in_the_order_of_acceptance),
        cmocka_unit_test(a_delayed_message_waits_for_its_time),
        cmocka_unit_test(a_delay_that_ends_before_the_commit_is_no_delay),
        cmocka_unit_test(the_delay_of_the_queue_holds_unless_the_message_names_one),
        cmocka_unit_test(an_id_that_is_alive_or_ended_lately_is_no_new_message),
        cmocka_unit_test(a_duplicate_of_what_is_not_on_disk_yet_waits_as_well),
        cmocka_unit_test(who_waits_is_told_the_outcome),
        cmocka_unit_test(a_client_that_is_gone_is_told_nothing),
        cmocka_unit_test(a_cancelled_message_is_gone_and_said_so_when_it_is_on_disk),
        cmocka_unit_test(what_is_in_flight_or_not_on_disk_is_not_cancelled),
        cmocka_unit_test(a_full_disk_refuses_new_messages_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
