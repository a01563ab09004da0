/* test_core_standard.c - stories of standard queues: send, receive, delete, visibility, delays, priorities, limits, retention. */
#include "tests/lib/core_client.h"

#include <string.h>

static struct world *world_with_queue(void)
{
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create(w, &a);
    return w;
}

static void a_message_is_sent_received_and_deleted(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    post(w, "q", "a", .body = "hello", .client = 3);
    expect_nothing(w); /* not before it is on disk */
    commit(w);
    const struct core_effect *sent = expect_answer(w, CORE_OK);
    assert_int_equal(sent->client, 3);
    assert_int_equal(sent->value, info_of(w, "a").seq);
    int64_t sent_ms = w->now_ms;
    w->now_ms += 500;
    receive(w, "q", 1, .client = 4, .tag = 9);
    expect_nothing(w); /* the lease is not on disk yet */
    expect_state(w, "a", CORE_LEASED);
    commit(w);
    expect_received(w, 4, 9, 1);
    expect_given(w, "a");
    struct core_info info = info_of(w, "a");
    assert_int_equal(info.receive_count, 1);
    assert_int_equal(info.first_ms, w->now_ms);
    assert_int_equal(info.accepted_ms, sent_ms);
    assert_int_equal(info.due_ms, w->now_ms + VISIBILITY_MS);
    expect_gives(w, "q", "");
    delete_given(w, "q", given_last(w, "a"));
    expect_nothing(w);
    commit(w);
    expect_answer(w, CORE_OK);
    expect_unknown(w, "a");
    check_client_recovery(w);
    world_destroy(&w);
}

/* What top shows as rates. A message that comes back has neither come nor gone. */
static void what_came_and_what_went_is_counted(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    struct core_queue_stats s;
    posted(w, "q", "a");
    posted(w, "q", "b");
    expect_gives(w, "q", "a b");
    pass(w, VISIBILITY_MS);
    expect_gives(w, "q", "a b");
    deleted(w, "q", "a");
    queue_now(w, "q", &s);
    assert_int_equal(s.entered_total, 2);
    assert_int_equal(s.left_total, 1);
    world_destroy(&w);
}

static void a_message_comes_back_when_its_time_is_over(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    expect_gives(w, "q", "a");
    int64_t first_ms = w->now_ms;
    struct given_to first = given_last(w, "a");
    pass(w, VISIBILITY_MS - 1);
    expect_gives(w, "q", "");
    pass(w, 1);
    expect_gives(w, "q", "a");
    assert_int_equal(info_of(w, "a").receive_count, 2);
    assert_int_equal(info_of(w, "a").first_ms, first_ms);
    delete_given(w, "q", first); /* an old handle succeeds, and deletes nothing */
    settle(w);
    expect_answer(w, CORE_OK);
    expect_state(w, "a", CORE_LEASED);
    pass(w, VISIBILITY_MS);
    expect_state(w, "a", CORE_READY);
    deleted(w, "q", "a"); /* the youngest handle deletes though its time is over, as long as nobody has received it since */
    expect_unknown(w, "a");
    deleted(w, "q", "a"); /* and again */
    check_client_recovery(w);
    world_destroy(&w);
}

static void visibility_is_asked_for_and_changed(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    received(w, "q", 1, .visibility_ms = 1000);
    pass(w, 600);
    kept(w, "q", "a", 2000);
    pass(w, 1999);
    expect_state(w, "a", CORE_LEASED);
    pass(w, 1);
    expect_state(w, "a", CORE_READY);
    keep_given(w, "q", given_last(w, "a"), 1000);
    expect_answer(w, CORE_NOT_IN_FLIGHT);
    received(w, "q", 1);
    assert_int_equal(info_of(w, "a").due_ms, w->now_ms + VISIBILITY_MS); /* the change was for that receive only */
    kept(w, "q", "a", 0);
    expect_gives(w, "q", "a");
    received(w, "q", 1, .visibility_ms = 0);
    deleted(w, "q", "a");
    keep_given(w, "q", given_last(w, "a"), 1000);
    expect_answer(w, CORE_NO_MESSAGE);
    check_client_recovery(w);
    world_destroy(&w);
}

static void no_receive_is_longer_than_twelve_hours(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    received(w, "q", 1, .visibility_ms = 11 * HOUR_MS);
    pass(w, 10 * HOUR_MS);
    keep_given(w, "q", given_last(w, "a"), 2 * HOUR_MS + 1);
    expect_answer(w, CORE_TOO_LONG);
    kept(w, "q", "a", 2 * HOUR_MS);
    pass(w, 2 * HOUR_MS);
    expect_state(w, "a", CORE_READY);
    received(w, "q", 1, .visibility_ms = 13 * HOUR_MS);
    assert_int_equal(info_of(w, "a").due_ms, w->now_ms + 12 * HOUR_MS);
    struct core_queue_attributes a = standard_queue("long");
    a.max_lease_ms = 3 * DAY_MS; /* a queue for long jobs */
    create(w, &a);
    posted(w, "long", "b");
    received(w, "long", 1, .visibility_ms = 2 * DAY_MS);
    kept(w, "long", "b", 3 * DAY_MS);
    pass(w, DAY_MS);
    keep_given(w, "long", given_last(w, "b"), 2 * DAY_MS + 1);
    expect_answer(w, CORE_TOO_LONG);
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_receive_outlives_the_broker(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    posted(w, "q", "b");
    received(w, "q", 1);
    expect_received(w, 0, 77, 1);
    expect_given(w, "a");
    pass(w, 1000);
    struct world *after = recovered(w);
    expect_gives(after, "q", "b");
    assert_int_equal(info_of(after, "a").receive_count, 1);
    delete_given(after, "q", given_last(w, "a")); /* the handle still holds */
    commit(after);
    expect_answer(after, CORE_OK);
    expect_unknown(after, "a");
    world_destroy(&after);
    after = recovered(w);
    pass(after, VISIBILITY_MS);
    expect_state(after, "a", CORE_READY);
    expect_gives(after, "q", "b a");
    assert_int_equal(info_of(after, "a").receive_count, 2);
    world_destroy(&after);
    world_destroy(&w);
}

static void a_receive_that_was_not_on_disk_never_was(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a");
    size_t before = w->journal_count;
    receive(w, "q", 1);
    w->journal_count = before; /* the crash takes the record */
    struct core *lost = w->core;
    struct world *after = world_create_with(&w->config, 0);
    for (size_t i = 0; i < before; i++)
        assert_int_equal(core_replay(after->core, &w->journal[i].record, w->journal[i].location), 0);
    core_replayed(after->core);
    expect_state(after, "a", CORE_READY);
    assert_int_equal(info_of(after, "a").receive_count, 0);
    assert_ptr_equal(lost, w->core);
    world_destroy(&after);
    world_destroy(&w);
}

static void a_delay_is_the_messages_own_or_the_queues(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    a.delay_ms = 5000;
    create(w, &a);
    posted(w, "q", "queue");
    posted(w, "q", "now", .delay_ms = 0);
    posted(w, "q", "own", .delay_ms = 2000);
    expect_counts(w, queue_number(w, "q"), COUNTS(0, 2, 1, 0, 0));
    a.delay_ms = 0; /* no message that is there changes its time by it */
    change(w, 0, &a);
    commit(w);
    expect_gives(w, "q", "now");
    pass(w, 2000);
    expect_gives(w, "q", "own");
    check_client_recovery(w);
    pass(w, 3000);
    expect_gives(w, "q", "queue");
    world_destroy(&w);
}

static void a_scheduled_message_is_kept_until_its_time_and_then_as_long_as_any(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a", .delay_ms = 365 * DAY_MS);
    posted(w, "q", "b", .delay_ms = 15 * MINUTE_MS); /* an ordinary delay: its time counts */
    struct world *after = recovered(w);
    for (struct world *each = w; each; each = each == w ? after : NULL) {
        pass(each, 4 * DAY_MS + 2000);
        expect_unknown(each, "b");
        each->now_ms += 361 * DAY_MS - 3000;
        tick(each, 0);
        expect_state(each, "a", CORE_DELAYED);
        pass(each, 1000);
        expect_state(each, "a", CORE_READY);
        pass(each, 4 * DAY_MS - 2000);
        expect_state(each, "a", CORE_READY);
        pass(each, 3000);
        expect_unknown(each, "a");
    }
    world_destroy(&after);
    world_destroy(&w);
}

static void higher_priorities_go_first(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a0");
    posted(w, "q", "b2", .priority = 2);
    posted(w, "q", "c3", .priority = 3);
    posted(w, "q", "d2", .priority = 2);
    posted(w, "q", "e0");
    check_client_recovery(w);
    struct world *after = recovered(w);
    expect_gives(after, "q", "c3 b2 d2 a0 e0");
    world_destroy(&after);
    expect_gives(w, "q", "c3 b2 d2 a0 e0");
    world_destroy(&w);
}

static void too_many_in_flight(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    a.max_inflight = 3;
    create(w, &a);
    for (int i = 0; i < 5; i++)
        posted(w, "q", (const char *[]){"a", "b", "c", "d", "e"}[i]);
    expect_gives(w, "q", "a b c"); /* as many as may be */
    receive(w, "q", 1, .tag = 5);
    expect_refused(w, 5, CORE_OVER_LIMIT);
    receive(w, "q", 1, .tag = 6, .wait_ms = 1000); /* who waits is not told, and waits */
    expect_nothing(w);
    deleted(w, "q", "b");
    expect_received(w, 0, 6, 1);
    expect_given(w, "d");
    check_client_recovery(w);
    world_destroy(&w);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    a.max_message_bytes = 1024;
    a.max_messages = 2;
    a.max_bytes = 10;
    create(w, &a);
    post(w, "nowhere", "a");
    expect_answer(w, CORE_NO_SUCH_QUEUE);
    post(w, "jobs", "a");
    expect_answer(w, CORE_WORKERS_ONLY);
    post(w, "q", "a", .size = 1025);
    assert_int_equal(expect_answer(w, CORE_TOO_LARGE)->value, 1024);
    posted(w, "q", "a", .size = 1024, .body = "123456");
    expect_answer(w, CORE_OK);
    post(w, "q", "b", .body = "12345");
    expect_answer(w, CORE_QUEUE_FULL);
    posted(w, "q", "b", .body = "1234");
    expect_answer(w, CORE_OK);
    post(w, "q", "c");
    expect_answer(w, CORE_QUEUE_FULL);
    event(w, &(struct core_event){.kind = CORE_DISK, .full = true});
    expect_gives(w, "q", "a b");
    deleted(w, "q", "a");
    post(w, "q", "c");
    expect_answer(w, CORE_EXHAUSTED);
    event(w, &(struct core_event){.kind = CORE_DISK, .full = true, .exhausted = true});
    delete_given(w, "q", given_last(w, "b"));
    expect_answer(w, CORE_EXHAUSTED);
    keep_given(w, "q", given_last(w, "b"), 1);
    expect_answer(w, CORE_EXHAUSTED);
    receive(w, "q", 1, .tag = 3);
    expect_refused(w, 3, CORE_EXHAUSTED);
    event(w, &(struct core_event){.kind = CORE_DISK});
    deleted(w, "q", "b");
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_message_that_is_sent_again_is_the_same(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    post(w, "q", "a");
    post(w, "q", "a");
    commit(w);
    uint64_t seq = expect_answer(w, CORE_OK)->value;
    assert_int_equal(expect_answer(w, CORE_OK)->value, seq);
    assert_int_equal(queue_total(w, queue_number(w, "q")), 1);
    expect_gives(w, "q", "a");
    deleted(w, "q", "a");
    posted(w, "q", "a"); /* it has ended just now */
    expect_answer(w, CORE_OK);
    assert_int_equal(queue_total(w, queue_number(w, "q")), 0);
    check_client_recovery(w);
    world_destroy(&w);
}

static void what_is_too_old_goes_in_whatever_state(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    a.retention_ms = MINUTE_MS;
    create(w, &a);
    posted(w, "q", "leased");
    received(w, "q", 1, .visibility_ms = HOUR_MS);
    posted(w, "q", "ready");
    posted(w, "q", "delayed", .delay_ms = 10 * MINUTE_MS);
    w->now_ms += MINUTE_MS;
    receive(w, "q", 10, .tag = 4); /* not one of them is given, though nobody has swept yet */
    expect_received(w, 0, 4, 0);
    pass(w, 1000);
    expect_unknown(w, "leased");
    expect_unknown(w, "ready");
    expect_unknown(w, "delayed");
    deleted(w, "q", "leased");
    assert_int_equal(stats_of(w).messages, 0);
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_paused_queue_gives_nothing(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    struct core_queue_attributes a = standard_queue("q");
    a.paused = true;
    change(w, 0, &a);
    commit(w);
    posted(w, "q", "a");
    expect_gives(w, "q", "");
    receive(w, "q", 1, .wait_ms = 20000, .tag = 2);
    pass(w, 10000);
    expect_nothing(w);
    a.paused = false;
    change(w, 0, &a);
    commit(w);
    expect_answer(w, CORE_OK);
    expect_received(w, 0, 2, 1);
    expect_given(w, "a");
    check_client_recovery(w);
    world_destroy(&w);
}

static void copies_of_compaction_know_everything(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "fresh", .priority = 1, .group = 5);
    posted(w, "q", "leased");
    received(w, "q", 1, .visibility_ms = HOUR_MS);
    posted(w, "q", "late", .delay_ms = HOUR_MS);
    posted(w, "q", "far", .delay_ms = 100 * DAY_MS);
    size_t dropped = w->journal_count;
    const char *names[] = {"fresh", "leased", "late", "far"};
    for (size_t i = 0; i < 4; i++)
        move_body(w, names[i]);
    struct core_queue_stats s;
    queue_now(w, "q", &s);
    event(w, &(struct core_event){.kind = CORE_MOVE_DEFINITION,
                                  .queue = queue_number(w, "q"),
                                  .number = s.location,
                                  .body = slice_text("document")});
    commit(w);
    struct world *after = world_create_with(&w->config, 0);
    for (size_t i = dropped; i < w->journal_count; i++)
        assert_int_equal(core_replay(after->core, &w->journal[i].record, w->journal[i].location), 0);
    assert_int_equal(core_replayed(after->core), w->now_ms);
    core_check(after->core);
    struct core_queue_stats now;
    queue_now(after, "q", &now);
    assert_true(now.version == s.version && now.created_ms == s.created_ms && now.document_bytes == s.document_bytes);
    for (size_t i = 0; i < 4; i++) {
        struct core_info was = info_of(w, names[i]), is = info_of(after, names[i]);
        assert_true(was.state == is.state && was.due_ms == is.due_ms && was.receive_count == is.receive_count);
        assert_true(was.seq == is.seq && was.first_ms == is.first_ms && was.priority == is.priority && was.group == is.group);
    }
    world_destroy(&after);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_sent_received_and_deleted),
        cmocka_unit_test(what_came_and_what_went_is_counted),
        cmocka_unit_test(a_message_comes_back_when_its_time_is_over),
        cmocka_unit_test(visibility_is_asked_for_and_changed),
        cmocka_unit_test(no_receive_is_longer_than_twelve_hours),
        cmocka_unit_test(a_receive_outlives_the_broker),
        cmocka_unit_test(a_receive_that_was_not_on_disk_never_was),
        cmocka_unit_test(a_delay_is_the_messages_own_or_the_queues),
        cmocka_unit_test(a_scheduled_message_is_kept_until_its_time_and_then_as_long_as_any),
        cmocka_unit_test(higher_priorities_go_first),
        cmocka_unit_test(too_many_in_flight),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_message_that_is_sent_again_is_the_same),
        cmocka_unit_test(what_is_too_old_goes_in_whatever_state),
        cmocka_unit_test(a_paused_queue_gives_nothing),
        cmocka_unit_test(copies_of_compaction_know_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
