/* test_core_limits.c - the edges: full tables, steps with too much to say, events of nonsense, and looking. */
#include "tests/lib/core_world.h"

#include <stdio.h>
#include <string.h>

static void configurations_out_of_range_are_refused(void **state)
{
    (void)state;
    struct core_config configs[8];
    for (size_t i = 0; i < 8; i++)
        configs[i] = world_config(NULL);
    configs[0].max_messages = 0;
    configs[1].max_messages = (1u << 31) + 1;
    configs[2].slices = 0;
    configs[3].slices = 3;
    configs[4].slices = 128;
    configs[5].batch_max = 0;
    for (size_t i = 0; i < 6; i++) {
        struct world *w = world_create_with(&configs[i], 0);
        assert_null(w->core);
        world_destroy(&w);
    }
    configs[6].memory.resize = NULL;
    assert_null(core_create(&configs[6]));
    configs[7].slices = 64;
    struct world *w = world_create_with(&configs[7], 0);
    assert_non_null(w->core);
    world_destroy(&w);
    struct core *none = NULL;
    core_destroy(&none);
}

static void a_full_core_and_a_full_queue_refuse(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes jobs = world_attributes(JOBS), dead = world_attributes(DEAD);
    config.max_messages = 4;
    dead.max_messages = 1;
    jobs.max_bytes = 10;
    struct world *w = world_create_with(&config, 0);
    queue_set(w, DEAD, &dead);
    queue_set(w, JOBS, &jobs);
    put(w, "none", .queue = 7);
    expect_sent(w, 0, "none", CORE_NO_QUEUE);
    put(w, "none", .queue = CORE_NONE);
    expect_sent(w, 0, "none", CORE_NO_QUEUE);
    add(w, "x", .queue = DEAD);
    put(w, "y", .queue = DEAD);
    expect_sent(w, 0, "y", CORE_FULL);
    add(w, "a", .body = "123456");
    put(w, "b", .body = "12345");
    expect_sent(w, 0, "b", CORE_FULL);
    add(w, "b", .body = "1234");
    add(w, "c");
    put(w, "d");
    expect_sent(w, 0, "d", CORE_FULL); /* four messages */
    cancel(w, 0, "a");
    commit(w);
    add(w, "d", .body = "123456");
    expect_sent(w, 0, "d", CORE_ACCEPTED);
    assert_int_equal(stats_of(w).refused_total, 5);
    check_recovery(w);
    world_destroy(&w);
}

static void an_empty_core_has_no_deadline(void **state)
{
    (void)state;
    struct world *w = world_create();
    assert_int_equal(core_deadline(w->core), INT64_MAX);
    add(w, "a", .key = "k");
    join(w, 0);
    credit(w, 0, 1);
    assert_int_equal(core_deadline(w->core), w->now_ms + 1000); /* retention is looked after every second */
    done(w, "a");
    gone(w, 0);
    assert_int_equal(core_deadline(w->core), INT64_MAX);
    world_destroy(&w);
}

/* 6,000 answers, then the ends of 6,000 messages by deadlines: more than one step may hold. */
static void what_does_not_fit_one_step_goes_on_in_the_next(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes dead = world_attributes(DEAD);
    dead.retention_ms = 60000;
    queue_set(w, DEAD, &dead);
    add_many(w, 6000, &(struct letter){.name = "m", .queue = DEAD, .wait = true});
    assert_in_range(seen(w, CORE_EFFECT_SENT), 4000, 4096);
    assert_int_equal(core_deadline(w->core), w->now_ms);
    tick(w, 0);
    assert_int_equal(w->answered, 6000);
    w->quick = true;
    pass(w, 61000);
    assert_int_equal(seen(w, CORE_EFFECT_DEAD), 0); /* not on disk yet */
    commit(w);
    size_t first = seen(w, CORE_EFFECT_DEAD);
    assert_in_range(first, 4000, 4096);
    tick(w, 0);
    assert_int_equal(first + seen(w, CORE_EFFECT_DEAD), 6000);
    assert_int_equal(stats_of(w).messages, 0);
    core_check(w->core);
    world_destroy(&w);
}

static void a_purge_and_a_redrive_are_repeated_until_they_are_through(void **state)
{
    (void)state;
    struct world *w = world_create();
    add_many(w, 6000, &(struct letter){.name = "m", .queue = DEAD});
    int steps = 0;
    for (; queue_total(w, DEAD) > 1000; steps++)
        redrive(w, DEAD, JOBS, (uint32_t)queue_total(w, DEAD) - 1000);
    assert_in_range(steps, 5, 10); /* so many records and no more have their place on the disk */
    expect_counts(w, JOBS, COUNTS(0, 0, 5000, 0, 0));
    for (steps = 0; queue_total(w, JOBS) > 0; steps++)
        purge(w, JOBS);
    assert_in_range(steps, 5, 10);
    expect_counts(w, DEAD, COUNTS(0, 0, 1000, 0, 0));
    world_destroy(&w);
}

static void the_ends_of_many_workers_take_several_steps(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes a = world_attributes(JOBS);
    config.worker_silence_ms = 2000;
    config.batch_max = 512;
    struct world *w = world_create_with(&config, 0);
    queue_set(w, JOBS, &a);
    for (uint32_t i = 0; i < 12; i++)
        join(w, i);
    add_many(w, 12 * 512, &(struct letter){.name = "m"});
    tick(w, 0); /* the rest of the answers */
    w->quick = true;
    for (uint32_t i = 0; i < 12; i++)
        credit(w, i, 512);
    while (stats_of(w).leases < 12 * 512)
        tick(w, 0);
    pass(w, 2000);
    assert_int_equal(stats_of(w).workers, 0);
    assert_int_equal(stats_of(w).leases, 0);
    assert_int_equal(records(w, CORE_REC_RELEASE), 12 * 512);
    core_check(w->core);
    world_destroy(&w);
}

/* The answers of two commits fill two steps to the brim, with nothing left over that would bring a third but the suspect. */
static void a_suspect_that_finds_no_room_is_handed_out_next(void **state)
{
    (void)state;
    enum { FILL = CORE_EFFECTS_MAX - 9 };
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 1);
    add(w, "a");
    join(w, 0); /* anew: a comes back */
    add_many(w, 2 * FILL, &(struct letter){.name = "m", .delay_ms = HOUR_MS});
    assert_int_equal(seen(w, CORE_EFFECT_SENT), FILL);
    credit(w, 0, 1);
    assert_int_equal(seen(w, CORE_EFFECT_SENT), FILL);
    assert_int_equal(seen(w, CORE_EFFECT_DELIVER), 0);
    assert_int_equal(core_deadline(w->core), w->now_ms);
    tick(w, 0);
    expect_delivered(w, 0, "a");
    assert_true(core_deadline(w->core) > w->now_ms);
    world_destroy(&w);
}

static void the_lowest_number_follows_what_is_alive(void **state)
{
    (void)state;
    struct world *w = world_create();
    assert_int_equal(core_low_seq(w->core), core_number(w->core) + 1);
    add(w, "old", .queue = DEAD);
    uint64_t old = info_of(w, "old").seq;
    add_many(w, 10000, &(struct letter){.name = "m"});
    pass(w, 0);
    assert_in_range(core_low_seq(w->core), 0, old); /* a dead letter may come back */
    w->quick = true;
    cancel(w, 0, "old");
    for (int i = 0; i < 9000; i++) {
        char name[ID_BYTES];
        snprintf(name, sizeof name, "m%d", i);
        cancel(w, 0, name);
    }
    commit(w);
    uint64_t low = core_low_seq(w->core);
    assert_in_range(low, old + 9000 - 4096, info_of(w, "m9000").seq);
    struct world *after = world_recover(w, 0);
    assert_int_equal(core_low_seq(after->core), low);
    world_destroy(&after);
    for (int steps = 0; queue_total(w, JOBS) > 0 && steps < 10; steps++)
        purge(w, JOBS);
    assert_int_equal(core_low_seq(w->core), core_number(w->core) + 1);
    world_destroy(&w);
}

static void looking_at_queues_and_messages(void **state)
{
    (void)state;
    struct world *w = world_create();
    const struct core_queue_attributes *a;
    struct core_queue_stats s;
    struct core_info info[8];
    assert_int_equal(core_queue_by_name(w->core, slice_text("jobs")), JOBS);
    assert_int_equal(core_queue_by_name(w->core, slice_text("dead")), DEAD);
    assert_int_equal(core_queue_by_name(w->core, slice_text("job")), CORE_NONE);
    assert_true(core_queue_stats(w->core, JOBS, &a, &s));
    assert_int_equal(s.oldest_accepted_ms, INT64_MAX);
    assert_int_equal(a->visibility_ms, VISIBILITY_MS);
    assert_false(core_queue_stats(w->core, 5, &a, &s));
    assert_false(core_queue_stats(w->core, CORE_NONE, &a, &s));
    join(w, 0);
    credit(w, 0, 1);
    int64_t start_ms = w->now_ms;
    add(w, "held", .body = "123");
    pass(w, 10);
    add(w, "ready", .body = "1234");
    add(w, "late", .delay_ms = 500);
    add(w, "g1", .group = 1);
    add(w, "g2", .group = 1);
    assert_int_equal(core_peek(w->core, JOBS, UINT32_MAX, info, 8), 5);
    static const char *const order[] = {"ready", "g1", "g2", "late", "held"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal((const char *)info[i].id.bytes, order[i]);
    assert_int_equal(core_peek(w->core, JOBS, UINT32_MAX, info, 2), 2);
    assert_int_equal(core_peek(w->core, 99, UINT32_MAX, info, 8), 0);
    assert_true(core_queue_stats(w->core, JOBS, &a, &s));
    assert_int_equal(s.bytes, 7);
    assert_int_equal(s.oldest_accepted_ms, start_ms + 10);
    struct core_info held = info_of(w, "held");
    assert_true(core_slot(w->core, held.slot, held.seq, info));
    assert_false(core_slot(w->core, held.slot, held.seq + 1, info));
    assert_false(core_slot(w->core, 4000000000u, held.seq, info));
    cancel(w, 0, "ready");
    uint32_t slot = 0, count = 0;
    for (; core_next(w->core, &slot, info); slot++)
        count++;
    assert_int_equal(count, 4);
    world_destroy(&w);
}

static void attributes_change_but_not_whether_groups_bind(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = world_attributes(JOBS);
    const struct core_queue_attributes *now;
    struct core_queue_stats s;
    a.kind = CORE_STANDARD;
    a.visibility_ms = 5;
    memset(a.name, 'x', sizeof a.name); /* not ended */
    add(w, "a", .group = 7);
    queue_set(w, JOBS, &a);
    assert_true(core_queue_stats(w->core, JOBS, &now, &s));
    assert_int_equal(strlen(now->name), LIMIT_QUEUE_PATH_BYTES);
    assert_int_equal(now->kind, CORE_JOBS);
    assert_int_equal(now->visibility_ms, 5);
    assert_int_equal(last_record(w)->attributes.kind, CORE_JOBS);
    check_recovery(w);
    purge(w, JOBS);
    queue_set(w, JOBS, &a);
    assert_true(core_queue_stats(w->core, JOBS, &now, &s));
    assert_int_equal(now->kind, CORE_STANDARD);
    world_destroy(&w);
}

static void nonsense_changes_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 1);
    add(w, "a");
    add(w, "b", .group = 3);
    struct core_queue_attributes a = world_attributes(OTHER);
    struct core_event events[] = {
        {.kind = CORE_EVENT_COUNT},
        {.kind = (enum core_event_kind) - 1},
        {.kind = (enum core_event_kind)INT32_MAX},
        {.kind = CORE_TICK, .now_ms = INT64_MIN},
        {.kind = CORE_COMMITTED, .number = 0},
        {.kind = CORE_WORKER_JOIN, .worker = 5000},
        {.kind = CORE_WORKER_JOIN, .worker = CORE_NONE},
        {.kind = CORE_WORKER_CREDIT, .worker = 5000, .messages = 9, .calls = 9},
        {.kind = CORE_WORKER_CREDIT, .worker = 1, .messages = 9},
        {.kind = CORE_WORKER_HEARD, .worker = 5000},
        {.kind = CORE_WORKER_LEAVE, .worker = 5000},
        {.kind = CORE_WORKER_GONE, .worker = 5000},
        {.kind = CORE_WORKER_GONE, .worker = 1},
        {.kind = CORE_DONE, .worker = 0, .seq = 0, .lease = 1},
        {.kind = CORE_DONE, .worker = 5000, .seq = held(w, "a").seq, .lease = 1},
        {.kind = CORE_DONE, .worker = 0, .seq = UINT64_MAX, .lease = UINT32_MAX},
        {.kind = CORE_GIVE_BACK, .worker = 0, .seq = info_of(w, "b").seq, .lease = 0},
        {.kind = CORE_EXTEND, .worker = 0, .seq = 0},
        {.kind = CORE_WATCH, .client = 1},
        {.kind = CORE_CLIENT_GONE, .client = CORE_NONE},
        {.kind = CORE_CALL_DONE, .worker = 5000, .call = 1},
        {.kind = CORE_CALL_DONE, .worker = 0, .call = UINT64_MAX},
        {.kind = CORE_QUEUE_SET, .queue = OTHER, .attributes = NULL},
        {.kind = CORE_QUEUE_SET, .queue = LIMIT_QUEUES, .attributes = &a},
        {.kind = CORE_QUEUE_SET, .queue = CORE_NONE, .attributes = &a},
        {.kind = CORE_PURGE, .queue = 77},
        {.kind = CORE_PURGE, .queue = CORE_NONE},
        {.kind = CORE_REDRIVE, .queue = CORE_NONE, .target = CORE_NONE},
        {.kind = CORE_MOVE_BODY, .slot = 4000000000u, .seq = 1},
        {.kind = CORE_MOVE_BODY, .slot = 0, .seq = 0},
    };
    struct core_stats before = stats_of(w), after;
    uint64_t number = core_number(w->core);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        int64_t now_ms = events[i].now_ms;
        event(w, &events[i]);
        events[i].now_ms = now_ms;
        expect_nothing(w);
        after = stats_of(w);
        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(core_number(w->core), number);
    }
    core_step(w->core, &(struct core_event){.kind = CORE_TICK, .now_ms = -1}, w->out); /* time does not go back */
    assert_int_equal(w->out->count, 0);
    expect_counts(w, JOBS, COUNTS(0, 0, 1, 0, 1));
    check_recovery(w);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_out_of_range_are_refused),
        cmocka_unit_test(a_full_core_and_a_full_queue_refuse),
        cmocka_unit_test(an_empty_core_has_no_deadline),
        cmocka_unit_test(what_does_not_fit_one_step_goes_on_in_the_next),
        cmocka_unit_test(a_purge_and_a_redrive_are_repeated_until_they_are_through),
        cmocka_unit_test(the_ends_of_many_workers_take_several_steps),
        cmocka_unit_test(a_suspect_that_finds_no_room_is_handed_out_next),
        cmocka_unit_test(the_lowest_number_follows_what_is_alive),
        cmocka_unit_test(looking_at_queues_and_messages),
        cmocka_unit_test(attributes_change_but_not_whether_groups_bind),
        cmocka_unit_test(nonsense_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
