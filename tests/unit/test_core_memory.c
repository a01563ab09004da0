/* test_core_memory.c - memory that runs out: whichever allocation fails, nothing breaks and every question has its answer. */
#include "tests/lib/core_world.h"

#include <stdio.h>

enum { STORY = 2300 }; /* more than any table holds at first */

static void send_many(struct world *w)
{
    for (uint64_t i = 0; i < STORY; i++) {
        char name[ID_BYTES], key[16];
        snprintf(name, sizeof name, "m%u/%u", (unsigned)i, (unsigned)i % 256);
        snprintf(key, sizeof key, "%u", (unsigned)i);
        put(w, name, .group = i + 1, .key = i % 2 ? key : NULL, .delay_ms = i % 3 ? 0 : 1000, .wait = true, .client = i % 5);
        if (i % 8 == 0)
            put(w, name, .client = 9, .wait = true); /* a duplicate of it, as long as it is known */
        if (i % 500 == 499)
            commit(w);
    }
    commit(w);
    pass(w, 1000);
    core_check(w->core);
}

static void work_on_some(struct world *w)
{
    for (uint32_t i = 0; i < 8; i++) {
        join(w, i);
        event(w, &(struct core_event){.kind = CORE_WORKER_CREDIT, .worker = i, .messages = 100, .calls = 10});
    }
    tick(w, 0);
    core_check(w->core);
    for (uint64_t i = 0; i < 200; i++)
        call(w, 1, i, 5000);
    for (size_t i = 0; i < 50 && i < w->given_count; i++)
        done_with(w, &w->given[i], "ok");
    for (size_t i = 50; i < 100 && i < w->given_count; i++)
        event(w, &(struct core_event){.kind = CORE_GIVE_BACK,
                                      .worker = w->given[i].worker,
                                      .seq = w->given[i].seq,
                                      .lease = w->given[i].lease,
                                      .delay_ms = 100});
    for (uint32_t i = 0; i < 8; i++)
        gone(w, i);
    core_check(w->core);
    pass(w, 5000);
}

static void end_all(struct world *w)
{
    struct core_info info;
    for (uint32_t slot = 0; slot < 100 && core_next(w->core, &slot, &info); slot++) {
        w->asked++;
        event(w, &(struct core_event){.kind = CORE_CANCEL, .id = info.id});
    }
    commit(w);
    for (int i = 0; i < 10 && queue_total(w, JOBS) > 0; i++)
        purge(w, JOBS);
    commit(w);
    pass(w, 1000);
    core_check(w->core);
    assert_int_equal(queue_total(w, JOBS), 0);
    client_gone(w, 1);
    assert_int_equal(stats_of(w).waiters, 0);
}

/* Returns whether the allocation was reached. Whatever fails, each question has its answer in the end. */
static bool story_with_a_failure(uint64_t fail_at)
{
    struct core_queue_attributes jobs = world_attributes(JOBS), dead = world_attributes(DEAD);
    struct world *w = world_create_with(NULL, fail_at);
    jobs.max_receive_count = 1;
    if (w->core) {
        w->quick = true;
        for (int i = 0; i < 2; i++) { /* the second time where the first failed */
            queue_set(w, DEAD, &dead);
            queue_set(w, JOBS, &jobs);
        }
        send_many(w);
        work_on_some(w);
        end_all(w);
        assert_int_equal(w->answered, w->asked);
        assert_int_equal(w->replies, w->calls);
        assert_true(stats_of(w).accepted_total >= STORY - 1);
        if (fail_at == 0)
            assert_true(queue_total(w, DEAD) > 100);
    }
    bool reached = w->memory.calls >= fail_at;
    world_destroy(&w);
    return reached && fail_at != 0;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_false(story_with_a_failure(0));
    uint64_t n = 1;
    while (story_with_a_failure(n))
        n++;
    assert_true(n > 60); /* the story makes the tables grow */
}

static void no_memory_at_all_refuses_and_recovers(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .group = 7);
    w->memory.fail_all = true;
    w->quick = true;
    size_t full = 0;
    for (int i = 0; i < 300; i++) {
        char name[ID_BYTES];
        snprintf(name, sizeof name, "m%d", i);
        put(w, name, .key = i % 2 ? name : NULL, .delay_ms = i % 3, .wait = true);
        full += seen(w, CORE_EFFECT_SENT);
        core_check(w->core);
    }
    assert_true(full >= 200);
    assert_int_equal(call(w, 1, 5, 1000), 0);
    expect_reply(w, 1, 5, CORE_CALL_BUSY);
    join(w, 0);
    credit(w, 0, 10); /* no room for the index of leases: nothing is handed out */
    expect_nothing(w);
    cancel(w, 3, "a");
    commit(w);
    w->memory.fail_all = false;
    w->quick = false;
    pass(w, 1000); /* tried again by itself */
    assert_true(seen(w, CORE_EFFECT_DELIVER) > 0);
    add(w, "b", .key = "kb");
    expect_sent(w, 0, "b", CORE_ACCEPTED);
    commit(w);
    assert_int_equal(w->answered, w->asked);
    check_recovery(w);
    world_destroy(&w);
}

static void recovery_without_memory_says_so(void **state)
{
    (void)state;
    struct world *w = world_create();
    w->quick = true;
    for (int i = 0; i < 700; i++) {
        char name[ID_BYTES];
        snprintf(name, sizeof name, "m%d", i);
        put(w, name, .key = name, .delay_ms = i % 2 ? HOUR_MS : 0, .group = (uint64_t)i);
    }
    for (uint64_t n = 1;; n++) {
        struct world *after = world_create_with(NULL, n);
        size_t failures = 0;
        for (size_t i = 0; after->core && i < w->journal_count && failures == 0; i++)
            failures += core_replay(after->core, &w->journal[i].record, w->journal[i].location) != 0;
        bool reached = after->memory.calls >= n;
        if (after->core && failures == 0) {
            core_replayed(after->core);
            core_check(after->core);
            assert_int_equal(stats_of(after).messages, 700);
        }
        world_destroy(&after);
        if (!reached)
            break;
    }
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(no_memory_at_all_refuses_and_recovers),
        cmocka_unit_test(recovery_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
