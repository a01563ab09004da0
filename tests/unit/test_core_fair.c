/* test_core_fair.c - standard queues with tenants: the noisy stand back, nobody is dropped, a tenant has so many in flight. */
#include "tests/lib/core_client.h"

#include <stdio.h>
#include <string.h>

enum { NOISE = 1, QUIET = 2, OTHER_QUIET = 3 };

static struct world *world_with_queue(uint32_t max_per_group)
{
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    a.max_per_group = max_per_group;
    a.visibility_ms = HOUR_MS;
    create(w, &a);
    return w;
}

static void post_many(struct world *w, const char *prefix, uint64_t group, int count)
{
    bool quick = w->quick;
    w->quick = true;
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%s%d", prefix, i);
        post(w, "q", name, .group = group);
    }
    commit(w);
    pass(w, 0); /* more answers than one step tells */
    w->quick = quick;
}

/* Receives so many; returns how many of them begin with the letter. */
static int take(struct world *w, int count, char letter)
{
    int of_letter = 0;
    while (count > 0) {
        received(w, "q", (uint32_t)(count < 10 ? count : 10));
        if (seen(w, CORE_EFFECT_GIVEN) == 0)
            break;
        for (size_t i = 0; i < w->seen_count; i++)
            if (w->seen[i].kind == CORE_EFFECT_GIVEN) {
                of_letter += w->seen[i].id.bytes[0] == (unsigned char)letter;
                count--;
            }
    }
    return of_letter;
}

static void a_noisy_tenant_stands_back(void **state)
{
    (void)state;
    struct world *w = world_with_queue(0);
    post_many(w, "n", NOISE, 200);
    assert_int_equal(take(w, 29, 'n'), 29);
    post_many(w, "a", QUIET, 3);
    post_many(w, "b", OTHER_QUIET, 2);
    posted(w, "q", "free"); /* without a group: a tenant of its own */
    struct core_queue_stats s;
    queue_now(w, "q", &s);
    assert_int_equal(s.noisy, 0);
    assert_int_equal(take(w, 1, 'n'), 1); /* the thirtieth, and more than a tenth of what is in flight */
    expect_state(w, "n30", CORE_READY);
    received(w, "q", 10);
    expect_received(w, 0, 77, 10);
    const char *first[] = {"a0", "a1", "a2", "b0", "b1", "free"};
    for (size_t i = 0; i < 6; i++)
        expect_given(w, first[i]);
    expect_given(w, "n30"); /* nothing is left of the quiet: the noisy one goes on */
    queue_now(w, "q", &s);
    assert_int_equal(s.noisy, 200 - 34);
    assert_int_equal(s.count[CORE_READY], 200 - 34); /* nothing is lost or hidden */
    post_many(w, "c", QUIET, 1);
    expect_gives(w, "q", "c0 n34 n35 n36 n37 n38 n39 n40 n41 n42");
    struct world *after = recovered(w);
    post_many(after, "d", QUIET, 1);
    assert_int_equal(take(after, 1, 'd'), 1); /* the counts of what is in flight are there again */
    world_destroy(&after);
    world_destroy(&w);
}

static void noise_ends_with_its_backlog(void **state)
{
    (void)state;
    struct world *w = world_with_queue(0);
    post_many(w, "n", NOISE, 40);
    assert_int_equal(take(w, 40, 'n'), 40);
    for (int i = 0; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        deleted(w, "q", name);
    }
    pass(w, 3 * MINUTE_MS); /* the processing times of before do not count for ever */
    posted(w, "q", "n-again", .group = NOISE);
    posted(w, "q", "a", .group = QUIET);
    expect_gives(w, "q", "n-again a");
    check_client_recovery(w);
    world_destroy(&w);
}

static void who_sends_nothing_for_five_minutes_is_quiet(void **state)
{
    (void)state;
    struct world *w = world_with_queue(0);
    post_many(w, "n", NOISE, 100);
    take(w, 40, 'n');
    post_many(w, "a", QUIET, 20);
    assert_int_equal(take(w, 10, 'n'), 0);
    pass(w, 5 * MINUTE_MS);
    assert_int_equal(take(w, 10, 'a'), 10); /* in the order of their age, as far as they stand in one list */
    assert_int_equal(take(w, 10, 'n'), 10);
    world_destroy(&w);
}

static void the_least_noisy_goes_first_among_the_noisy(void **state)
{
    (void)state;
    struct world *w = world_with_queue(0);
    post_many(w, "n", NOISE, 60);
    post_many(w, "m", OTHER_QUIET, 60);
    assert_int_equal(take(w, 30, 'n'), 30);
    assert_int_equal(take(w, 30, 'm'), 30); /* quiet beside the first, until there are thirty of it, too */
    assert_int_equal(take(w, 10, 'm'), 5);  /* equal now: by turns */
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%d", i);
        deleted(w, "q", name);
    }
    assert_int_equal(take(w, 10, 'm'), 10);
    check_client_recovery(w);
    world_destroy(&w);
}

static void slow_work_is_noise_too(void **state)
{
    (void)state;
    struct world *w = world_with_queue(0);
    w->quick = true;
    for (int i = 0; i < 60; i++) {
        char name[16];
        bool slow = i % 2;
        snprintf(name, sizeof name, "%s%d", slow ? "slow" : "fast", i);
        posted(w, "q", name, .group = slow ? NOISE : QUIET);
        received(w, "q", 1);
        pass(w, slow ? 1000 : 10);
        deleted(w, "q", name);
    }
    post_many(w, "s", NOISE, 3);
    post_many(w, "f", QUIET, 2);
    expect_gives(w, "q", "f0 f1 s0 s1 s2");
    w->quick = false;
    tick(w, 0);
    world_destroy(&w);
}

static void a_tenant_has_so_many_in_flight(void **state)
{
    (void)state;
    struct world *w = world_with_queue(2);
    post_many(w, "n", NOISE, 6);
    post_many(w, "a", QUIET, 3);
    posted(w, "q", "free");
    expect_gives(w, "q", "n0 n1 a0 a1 free");
    expect_gives(w, "q", "");
    struct world *after = recovered(w);
    expect_gives(after, "q", "");
    world_destroy(&after);
    receive(w, "q", 10, .wait_ms = 20000, .tag = 5);
    deleted(w, "q", "n0");
    expect_received(w, 0, 5, 1);
    expect_given(w, "n2"); /* the oldest of its own */
    kept(w, "q", "a1", 0);
    expect_gives(w, "q", "a2");
    deleted(w, "q", "a2");
    expect_gives(w, "q", "a1");
    purge_queue(w, "q", 'p');
    commit(w);
    pass(w, 1000);
    assert_int_equal(stats_of(w).messages, 0);
    world_destroy(&w);
}

static void priorities_hold_among_the_quiet(void **state)
{
    (void)state;
    struct world *w = world_with_queue(1);
    posted(w, "q", "a0", .group = QUIET);
    received(w, "q", 1);
    posted(w, "q", "a1", .group = QUIET, .priority = 1);
    posted(w, "q", "a2", .group = QUIET, .priority = 2);
    posted(w, "q", "b1", .group = OTHER_QUIET, .priority = 1);
    expect_gives(w, "q", "b1");
    deleted(w, "q", "a0");
    expect_gives(w, "q", "a2");
    world_destroy(&w);
}

/* A step takes so many messages aside and no more; the search goes on in the next one, and whoever asked waits for it. */
static void a_long_search_is_cut_into_steps(void **state)
{
    (void)state;
    struct world *w = world_with_queue(0);
    post_many(w, "n", NOISE, 6000);
    take(w, 30, 'n');
    posted(w, "q", "a", .group = QUIET);
    w->quick = true;
    receive(w, "q", 1, .tag = 3);
    expect_nothing(w);
    pass(w, 0);
    commit(w);
    expect_received(w, 0, 3, 1);
    expect_given(w, "a");
    core_check(w->core);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_noisy_tenant_stands_back),
        cmocka_unit_test(noise_ends_with_its_backlog),
        cmocka_unit_test(who_sends_nothing_for_five_minutes_is_quiet),
        cmocka_unit_test(the_least_noisy_goes_first_among_the_noisy),
        cmocka_unit_test(slow_work_is_noise_too),
        cmocka_unit_test(a_tenant_has_so_many_in_flight),
        cmocka_unit_test(priorities_hold_among_the_quiet),
        cmocka_unit_test(a_long_search_is_cut_into_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
