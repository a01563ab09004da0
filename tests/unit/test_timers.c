/* Timers: none fires early, none is forgotten, whatever the order of setting, clearing and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/timers.h"

#define START_MS 1000003

static void fires_at_its_time_and_not_before(void **state)
{
    static struct timers s;
    struct timer t = {0};
    (void)state;
    timers_init(&s, START_MS);
    assert_int_equal(timers_deadline(&s), INT64_MAX);
    timer_set(&s, &t, START_MS + 100);
    assert_true(timer_is_set(&t));
    assert_null(timers_take(&s, START_MS + 99));
    int64_t due_ms = timers_deadline(&s);
    assert_in_range(due_ms, START_MS + 100, START_MS + 100 + TIMERS_TICK_MS);
    assert_ptr_equal(timers_take(&s, due_ms), &t);
    assert_false(timer_is_set(&t));
    assert_null(timers_take(&s, due_ms));
    assert_int_equal(timers_deadline(&s), INT64_MAX);
}

static void a_cleared_timer_does_not_fire(void **state)
{
    static struct timers s;
    struct timer a = {0}, b = {0};
    (void)state;
    timers_init(&s, START_MS);
    timer_clear(&s, &a); /* never set */
    timer_set(&s, &a, START_MS + 50);
    timer_set(&s, &b, START_MS + 50);
    timer_clear(&s, &b);
    timer_clear(&s, &b);
    assert_ptr_equal(timers_take(&s, START_MS + 500), &a);
    assert_null(timers_take(&s, START_MS + 500));
    assert_int_equal(s.count, 0);
}

static void setting_again_moves_it(void **state)
{
    static struct timers s;
    struct timer t = {0};
    (void)state;
    timers_init(&s, START_MS);
    timer_set(&s, &t, START_MS + 50);
    timer_set(&s, &t, START_MS + 5000);
    assert_null(timers_take(&s, START_MS + 4999));
    assert_ptr_equal(timers_take(&s, START_MS + 5000 + TIMERS_TICK_MS), &t);
}

static void a_past_time_fires_at_once(void **state)
{
    static struct timers s;
    struct timer t = {0};
    (void)state;
    timers_init(&s, START_MS);
    assert_null(timers_take(&s, START_MS + 10000));
    timer_set(&s, &t, START_MS);
    assert_ptr_equal(timers_take(&s, START_MS + 10000), &t);
}

static void beyond_the_horizon_it_still_waits_its_time(void **state)
{
    static struct timers s;
    struct timer t = {0};
    int64_t due_ms = START_MS + 10ll * TIMERS_SLOTS * TIMERS_TICK_MS, wakes = 0;
    (void)state;
    timers_init(&s, START_MS);
    timer_set(&s, &t, due_ms);
    for (int64_t now_ms = START_MS; now_ms < due_ms; now_ms = timers_deadline(&s)) {
        assert_null(timers_take(&s, now_ms));
        assert_true(timers_deadline(&s) > now_ms);
        wakes++;
    }
    assert_in_range(wakes, 2, 20);
    assert_ptr_equal(timers_take(&s, due_ms + TIMERS_TICK_MS), &t);
}

static void after_a_long_sleep_all_that_is_due_fires(void **state)
{
    static struct timers s;
    struct timer t[100] = {{0}};
    (void)state;
    timers_init(&s, START_MS);
    for (int i = 0; i < 100; i++)
        timer_set(&s, &t[i], START_MS + i * 977);
    int fired = 0;
    while (timers_take(&s, START_MS + 10000000))
        fired++;
    assert_int_equal(fired, 100);
}

/* A random walk beside a plain array: both agree on what has fired. */
static void agrees_with_a_plain_array(void **state)
{
    enum { COUNT = 200, STEPS = 20000 };
    static struct timers s;
    static struct timer t[COUNT];
    static int64_t due[COUNT]; /* 0: not set */
    int64_t now_ms = START_MS;
    uint32_t seed = 12345;
    (void)state;
    timers_init(&s, now_ms);
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1664525u + 1013904223u;
        int i = (int)(seed >> 8) % COUNT;
        if (seed >> 28 < 10) {
            due[i] = now_ms + (int64_t)(seed % 200000);
            timer_set(&s, &t[i], due[i]);
        } else if (seed >> 28 < 12) {
            due[i] = 0;
            timer_clear(&s, &t[i]);
        } else {
            now_ms += seed % 3000;
        }
        for (struct timer *fired; (fired = timers_take(&s, now_ms)) != NULL;) {
            assert_true(due[fired - t] != 0 && due[fired - t] <= now_ms);
            due[fired - t] = 0;
        }
        int64_t next = INT64_MAX;
        for (int k = 0; k < COUNT; k++)
            if (due[k]) {
                assert_true(due[k] > now_ms - TIMERS_TICK_MS);
                next = due[k] < next ? due[k] : next;
            }
        assert_true(timers_deadline(&s) == INT64_MAX ? next == INT64_MAX : timers_deadline(&s) <= next + TIMERS_TICK_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_at_its_time_and_not_before),
        cmocka_unit_test(a_cleared_timer_does_not_fire),
        cmocka_unit_test(setting_again_moves_it),
        cmocka_unit_test(a_past_time_fires_at_once),
        cmocka_unit_test(beyond_the_horizon_it_still_waits_its_time),
        cmocka_unit_test(after_a_long_sleep_all_that_is_due_fires),
        cmocka_unit_test(agrees_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
