/* test_core_replay.c - recovery: the journal makes the same messages again, after every record of a story, with copies that compaction
 * made, and without the segments that it gave up. */
#include "tests/lib/core_world.h"

#include <stdio.h>
#include <string.h>

/* A bit of everything; ends with messages in every state and in both queues. */
static struct world *a_long_story(void)
{
    struct world *w = world_create();
    add(w, "a", .group = 7, .body = "bread");
    add(w, "b", .group = 7, .body = "and");
    add(w, "c", .group = 7, .body = "butter");
    add(w, "late", .delay_ms = HOUR_MS);
    add(w, "keyed", .key = "k", .body = "once");
    add(w, "gone/9");
    join(w, 0);
    credit(w, 0, 1);
    pass(w, 3 * VISIBILITY_MS); /* a was handed out once, for lack of credit */
    credit(w, 0, 1);
    done(w, "a");
    credit(w, 0, 3);
    cancel(w, 1, "gone/9");
    leave(w, 0);
    gone(w, 0);
    add(w, "d", .group = 8, .delay_ms = 500);
    add(w, "e", .group = 8);
    for (uint32_t i = 1; i < 4; i++) { /* the suspects die */
        join(w, i);
        credit(w, i, 1);
        gone(w, i);
    }
    join(w, 5);
    credit(w, 5, 2);
    put(w, "fresh", .group = 9, .body = "not on disk");
    return w;
}

static void a_restart_brings_all_back(void **state)
{
    (void)state;
    struct world *w = a_long_story();
    check_recovery(w);
    struct world *once = world_recover(w, 0), *twice = world_recover(once, 0);
    expect_same_messages(once, twice);
    drain(twice);
    check_recovery(twice);
    world_destroy(&twice);
    world_destroy(&once);
    world_destroy(&w);
}

/* A crash may come behind any record. */
static void every_beginning_of_the_journal_can_be_recovered(void **state)
{
    (void)state;
    struct world *w = a_long_story();
    size_t count = w->journal_count;
    for (size_t n = 0; n <= count; n++) {
        struct world *after = world_create_with(NULL, 0);
        uint64_t sends = 0, ends = 0;
        for (size_t i = 0; i < n; i++) {
            const struct core_record *r = &w->journal[i].record;
            assert_int_equal(core_replay(after->core, r, w->journal[i].location), 0);
            sends += r->kind == CORE_REC_SEND;
            ends += r->kind == CORE_REC_DONE;
        }
        core_replayed(after->core);
        core_check(after->core);
        assert_int_equal(stats_of(after).messages, sends - ends);
        assert_int_equal(stats_of(after).leases, 0);
        assert_int_equal(core_number(after->core), n);
        world_destroy(&after);
    }
    world_destroy(&w);
}

static void what_was_in_flight_is_ready_again_with_its_count(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a");
    add(w, "b");
    join(w, 0);
    credit(w, 0, 1);
    pass(w, VISIBILITY_MS);
    credit(w, 0, 1);
    expect_delivered(w, 0, "a"); /* the second time */
    struct world *after = world_recover(w, 0);
    assert_int_equal(info_of(after, "a").receive_count, 1);
    expect_counts(after, JOBS, COUNTS(0, 0, 2, 0, 0));
    assert_int_equal(stats_of(after).workers, 0);
    join(after, 3);
    credit(after, 3, 5);
    expect_delivered(after, 3, "a"); /* alone, as before */
    expect_nothing(after);
    world_destroy(&after);
    world_destroy(&w);
}

static void times_go_on_where_they_were(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .delay_ms = 1000);
    pass(w, 400);
    put(w, "b");
    struct world *after = world_recover(w, 0);
    assert_int_equal(last_record(w)->now_ms, after->now_ms);
    pass(after, 599);
    expect_state(after, "a", CORE_DELAYED);
    pass(after, 1);
    expect_state(after, "a", CORE_READY);
    expect_state(after, "b", CORE_READY); /* on disk, so it counts as accepted */
    put(after, "b");
    expect_sent(after, 0, "b", CORE_DUPLICATE);
    world_destroy(&after);
    world_destroy(&w);
}

static void what_ended_before_the_crash_is_recognized(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a");
    done(w, "a");
    struct world *after = world_recover(w, 0);
    put(after, "a");
    expect_sent(after, 0, "a", CORE_DUPLICATE);
    world_destroy(&after);
    world_destroy(&w);
}

static void a_moved_body_is_found_at_its_new_place(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .group = 3, .body = "bread", .delay_ms = 5000);
    struct core_info before = info_of(w, "a");
    move_body(w, "a");
    expect_nothing(w);
    const struct core_record *r = last_record(w);
    assert_int_equal(r->kind, CORE_REC_SEND);
    assert_int_equal(r->seq, before.seq);
    assert_true(r->number > r->seq);
    assert_int_equal(r->due_ms, before.due_ms);
    assert_int_equal(r->group, 3);
    assert_int_equal(r->accepted_ms, before.accepted_ms);
    assert_int_equal(info_of(w, "a").location, w->body_count);
    check_recovery(w);
    size_t count = w->journal_count; /* what compaction may ask for too late */
    struct core_event late[] = {{.kind = CORE_MOVE_BODY, .slot = before.slot, .seq = before.seq + 1},
                                {.kind = CORE_MOVE_BODY, .slot = before.slot + 1, .seq = before.seq},
                                {.kind = CORE_MOVE_BODY, .slot = 4000000000u, .seq = before.seq}};
    for (size_t i = 0; i < 3; i++)
        event(w, &late[i]);
    put(w, "b");
    move_body(w, "b"); /* not on disk yet */
    assert_int_equal(w->journal_count, count + 1);
    world_destroy(&w);
}

/* Moves every body of a message that lives, then takes away all records in front of the copies. */
static void drop_everything_before(struct world *w, size_t *dropped)
{
    struct core_info info;
    static const unsigned char bytes[64];
    *dropped = w->journal_count;
    for (uint32_t slot = 0; core_next(w->core, &slot, &info); slot++)
        if (info.state != CORE_COMMITTING)
            event(w, &(struct core_event){
                         .kind = CORE_MOVE_BODY, .slot = slot, .seq = info.seq, .body = slice_of(bytes, info.body_len)});
}

static void copies_stand_for_what_was_dropped(void **state)
{
    (void)state;
    struct world *w = a_long_story();
    size_t dropped;
    commit(w);
    expect_state(w, "fresh", CORE_READY);
    drop_everything_before(w, &dropped);
    check_recovery(w); /* with the originals and the copies */
    struct world *after = world_recover(w, dropped);
    expect_same_messages(w, after);
    drain(after);
    world_destroy(&after);
    world_destroy(&w);
}

static void a_copy_of_what_is_in_flight_counts_as_before(void **state)
{
    (void)state;
    struct world *w = world_create();
    size_t dropped;
    add(w, "a");
    join(w, 0);
    credit(w, 0, 10);
    drop_everything_before(w, &dropped);
    assert_int_equal(last_record(w)->receive_count, 0); /* this receive has not ended */
    give_back(w, "a", 0);
    struct world *after = world_recover(w, dropped);
    assert_int_equal(info_of(after, "a").receive_count, 0);
    world_destroy(&after);
    pass(w, VISIBILITY_MS);
    after = world_recover(w, dropped);
    assert_int_equal(info_of(after, "a").receive_count, info_of(w, "a").receive_count - 1);
    world_destroy(&after);
    world_destroy(&w);
}

/* Only the oldest segment is given up: copies of its messages stand behind the younger ones of their groups in the journal. */
static void copies_keep_their_place_in_the_group(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .group = 7);
    add(w, "b", .group = 7, .delay_ms = 50);
    add(w, "x", .group = 8);
    size_t dropped = w->journal_count;
    add(w, "c", .group = 7);
    add(w, "y", .group = 8);
    add(w, "d", .group = 7);
    move_body(w, "b");
    add(w, "e", .group = 7);
    move_body(w, "x");
    move_body(w, "a");
    add(w, "f", .group = 7);
    struct world *after = world_recover(w, dropped);
    expect_same_messages(w, after);
    expect_counts(after, JOBS, COUNTS(0, 0, 2, 6, 0));
    add(after, "g", .group = 7);
    join(after, 0);
    credit(after, 0, 20);
    pass(after, 50);
    static const char *const order[] = {"a", "b", "c", "d", "e", "f", "g"};
    done(after, "x");
    expect_delivered(after, 0, "y");
    for (size_t i = 0; i < 6; i++) {
        done(after, order[i]);
        expect_delivered(after, 0, order[i + 1]);
        expect_nothing(after);
    }
    world_destroy(&after);
    world_destroy(&w);
}

static void a_delayed_copy_takes_the_head_of_its_group(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .group = 7, .delay_ms = 1000);
    size_t dropped = w->journal_count;
    add(w, "b", .group = 7);
    move_body(w, "a");
    struct world *after = world_recover(w, dropped);
    expect_same_messages(w, after);
    expect_state(after, "a", CORE_DELAYED);
    expect_state(after, "b", CORE_BLOCKED);
    world_destroy(&after);
    world_destroy(&w);
}

/* A group of hundreds, of which every third was moved, in an order of its own. */
static void large_groups_are_sorted(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    struct world *w = world_create();
    char name[ID_BYTES];
    w->quick = true;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "m%d", i);
        put(w, name, .group = 7);
    }
    commit(w);
    size_t dropped = w->journal_count - COUNT / 2;
    for (int i = 0; i < COUNT; i++)
        if (i < COUNT / 2 || i % 3 == 0) {
            snprintf(name, sizeof name, "m%d", i * 77 % (COUNT / 2) + i / (COUNT / 2) * (COUNT / 2));
            move_body(w, name);
        }
    w->quick = false;
    struct world *after = world_recover(w, dropped);
    expect_same_messages(w, after);
    drain(after); /* in order */
    world_destroy(&after);
    world_destroy(&w);
}

static void dead_letters_come_back_with_their_reasons(void **state)
{
    (void)state;
    struct world *w = world_create();
    size_t dropped;
    add(w, "a", .group = 7);
    add(w, "b", .group = 7);
    join(w, 0);
    credit(w, 0, 10);
    pass(w, 4 * VISIBILITY_MS);
    commit(w);
    assert_int_equal(info_of(w, "a").queue, DEAD);
    drop_everything_before(w, &dropped);
    struct world *after = world_recover(w, dropped);
    expect_same_messages(w, after);
    assert_non_null(strstr(info_of(after, "a").reason, "received 3 times"));
    redrive(after, DEAD, JOBS, 0);
    expect_state(after, "a", CORE_BLOCKED); /* behind b, though it is the older one */
    struct world *again = world_recover(after, 0);
    expect_same_messages(after, again);
    world_destroy(&again);
    world_destroy(&after);
    world_destroy(&w);
}

static void records_that_refer_to_what_was_dropped_do_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_record records[] = {{.kind = CORE_REC_DONE, .number = 50, .seq = 3},
                                    {.kind = CORE_REC_RELEASE, .number = 51, .seq = 3, .receive_count = 1},
                                    {.kind = CORE_REC_MOVE, .number = 52, .seq = 3, .queue = DEAD},
                                    {.kind = CORE_REC_MARK, .number = 52, .now_ms = 9000000}};
    struct core *c = core_create(&w->config);
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        assert_int_equal(core_replay(c, &records[i], 1), 0);
    assert_int_equal(core_replayed(c), 9000000);
    assert_int_equal(core_number(c), 52);
    assert_int_equal(core_low_seq(c), 53);
    core_check(c);
    core_destroy(&c);
    world_destroy(&w);
}

/* The limit was lowered, or acks were lost on a full disk: what was accepted is there, and no more is taken until there is room. */
static void recovery_may_go_over_the_limit(void **state)
{
    (void)state;
    struct world *w = world_create();
    add_many(w, 100, &(struct letter){.name = "m"});
    struct core_config small = w->config;
    small.max_messages = 60;
    small.memory.self = &w->memory;
    struct core *c = core_create(&small);
    assert_non_null(c);
    for (size_t i = 0; i < w->journal_count; i++)
        assert_int_equal(core_replay(c, &w->journal[i].record, w->journal[i].location), 0);
    core_replayed(c);
    core_check(c);
    struct core_event send = {.kind = CORE_SEND, .now_ms = w->now_ms, .queue = JOBS, .body = slice_text("x")};
    struct core_event cancel = {.kind = CORE_CANCEL, .now_ms = w->now_ms};
    struct core_info info;
    for (int live = 100; live >= 60; live--) {
        send.id.bytes[0] = (unsigned char)live;
        core_step(c, &send, w->out);
        assert_int_equal(w->out->at[0].kind, CORE_EFFECT_SENT);
        assert_int_equal(w->out->at[0].send_result, CORE_FULL);
        uint32_t slot = 0;
        assert_true(core_next(c, &slot, &info));
        cancel.id = info.id;
        core_step(c, &cancel, w->out);
    }
    core_step(c, &send, w->out);
    assert_int_equal(w->out->at[0].kind, CORE_EFFECT_JOURNAL);
    core_check(c);
    core_destroy(&c);
    world_destroy(&w);
}

static void records_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes jobs = world_attributes(JOBS);
    struct core_record queue = {.kind = CORE_REC_QUEUE, .number = 1, .queue = JOBS, .attributes = jobs};
    struct core_record good = {.kind = CORE_REC_SEND, .number = 2, .seq = 2, .queue = JOBS, .id = name_id("a")};
    struct core_record same_id = {.kind = CORE_REC_SEND, .number = 3, .seq = 3, .queue = JOBS, .id = name_id("a")};
    struct core_record last_place = {.kind = CORE_REC_SEND, .number = 3, .seq = 3, .queue = CORE_NONE, .id = name_id("b")};
    struct core_record no_seq = {.kind = CORE_REC_SEND, .number = 3, .seq = 0, .queue = JOBS, .id = name_id("b")};
    struct core_record from_later = {.kind = CORE_REC_SEND, .number = 3, .seq = 4, .queue = JOBS, .id = name_id("b")};
    struct core_record other_copy = {.kind = CORE_REC_SEND, .number = 3, .seq = 2, .queue = JOBS, .id = name_id("b")};
    struct core_record longer_copy = {
        .kind = CORE_REC_SEND, .number = 3, .seq = 2, .queue = JOBS, .id = name_id("a"), .body = slice_text("longer")};
    struct core_record nowhere = {.kind = CORE_REC_MOVE, .number = 3, .seq = 2, .queue = CORE_NONE};
    struct core_record far_queue = {.kind = CORE_REC_QUEUE, .number = 3, .queue = LIMIT_QUEUES, .attributes = jobs};
    struct core_record unknown = {.kind = CORE_REC_COUNT, .number = 3};
    struct core *c = core_create(&w->config);
    assert_int_equal(core_replay(c, &queue, 1), 0);
    assert_int_equal(core_replay(c, &good, 1), 0);
    assert_int_equal(core_replay(c, &same_id, 2), -1);
    assert_int_equal(core_replay(c, &last_place, 2), -1);
    assert_int_equal(core_replay(c, &no_seq, 2), -1);
    assert_int_equal(core_replay(c, &from_later, 2), -1);
    assert_int_equal(core_replay(c, &other_copy, 2), -1);
    assert_int_equal(core_replay(c, &longer_copy, 2), -1);
    assert_int_equal(core_replay(c, &nowhere, 2), -1);
    assert_int_equal(core_replay(c, &far_queue, 2), -1);
    assert_int_equal(core_replay(c, &unknown, 2), -1);
    core_replayed(c);
    core_check(c);
    core_destroy(&c);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_brings_all_back),
        cmocka_unit_test(every_beginning_of_the_journal_can_be_recovered),
        cmocka_unit_test(what_was_in_flight_is_ready_again_with_its_count),
        cmocka_unit_test(times_go_on_where_they_were),
        cmocka_unit_test(what_ended_before_the_crash_is_recognized),
        cmocka_unit_test(a_moved_body_is_found_at_its_new_place),
        cmocka_unit_test(copies_stand_for_what_was_dropped),
        cmocka_unit_test(a_copy_of_what_is_in_flight_counts_as_before),
        cmocka_unit_test(copies_keep_their_place_in_the_group),
        cmocka_unit_test(a_delayed_copy_takes_the_head_of_its_group),
        cmocka_unit_test(large_groups_are_sorted),
        cmocka_unit_test(dead_letters_come_back_with_their_reasons),
        cmocka_unit_test(records_that_refer_to_what_was_dropped_do_nothing),
        cmocka_unit_test(recovery_may_go_over_the_limit),
        cmocka_unit_test(records_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
