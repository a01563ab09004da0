/* test_bench_profile.c - the shapes of a load, corner by corner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/bench_profile.h"

#define USERS 100
#define TIME_MS 100000 /* so that a percent of it is a second */

static uint32_t at(enum bench_profile profile, int64_t percent)
{
    return bench_profile_users(profile, USERS, percent * TIME_MS / 100, TIME_MS);
}

static void names(void **state)
{
    (void)state;
    assert_int_equal(bench_profile_by_name("fixed"), BENCH_FIXED);
    assert_int_equal(bench_profile_by_name("ramp"), BENCH_RAMP);
    assert_int_equal(bench_profile_by_name("spike"), BENCH_SPIKE);
    assert_int_equal(bench_profile_by_name("peak"), BENCH_PEAK);
    assert_int_equal(bench_profile_by_name("Peak"), -1);
    assert_int_equal(bench_profile_by_name(""), -1);
}

static void corners(void **state)
{
    (void)state;
    static const struct {
        enum bench_profile profile;
        int64_t percent;
        uint32_t users;
    } rows[] = {
        {BENCH_FIXED, 0, 100}, {BENCH_FIXED, 50, 100}, {BENCH_FIXED, 100, 100}, {BENCH_RAMP, 0, 25},   {BENCH_RAMP, 25, 25},
        {BENCH_RAMP, 50, 62},  {BENCH_RAMP, 75, 100},  {BENCH_RAMP, 100, 100},  {BENCH_SPIKE, 0, 25},  {BENCH_SPIKE, 40, 25},
        {BENCH_SPIKE, 45, 62}, {BENCH_SPIKE, 50, 100}, {BENCH_SPIKE, 55, 63},   {BENCH_SPIKE, 60, 25}, {BENCH_SPIKE, 100, 25},
        {BENCH_PEAK, 0, 25},   {BENCH_PEAK, 20, 25},   {BENCH_PEAK, 30, 62},    {BENCH_PEAK, 40, 100}, {BENCH_PEAK, 50, 100},
        {BENCH_PEAK, 60, 100}, {BENCH_PEAK, 70, 62},   {BENCH_PEAK, 80, 25},    {BENCH_PEAK, 100, 25},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (at(rows[i].profile, rows[i].percent) + 1 - rows[i].users > 2)
            fail_msg("row %zu: %u users, not %u", i, at(rows[i].profile, rows[i].percent), rows[i].users);
}

static void always_between_one_and_all(void **state)
{
    (void)state;
    static const uint32_t all[] = {1, 2, 3, 7, 64, 20000};
    for (int profile = 0; profile < BENCH_PROFILES; profile++)
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            for (int64_t ms = -50; ms <= 1050; ms++) {
                uint32_t users = bench_profile_users((enum bench_profile)profile, all[k], ms, 1000);
                assert_in_range(users, 1, all[k]);
            }
}

/* No jump: from one millisecond to the next at most the slope of the steepest flank, a tenth of the time for all users. */
static void flanks_are_straight(void **state)
{
    (void)state;
    for (int profile = BENCH_RAMP; profile < BENCH_PROFILES; profile++)
        for (int64_t ms = 0; ms < 1000; ms++) {
            int64_t now = bench_profile_users((enum bench_profile)profile, 20000, ms, 1000);
            int64_t next = bench_profile_users((enum bench_profile)profile, 20000, ms + 1, 1000);
            assert_in_range(next - now + 200, 0, 400);
        }
}

static void a_day_does_not_overflow(void **state)
{
    (void)state;
    int64_t day_ms = 24ll * 3600 * 1000;
    assert_int_equal(bench_profile_users(BENCH_PEAK, 20000, day_ms / 2, day_ms), 20000);
    assert_int_equal(bench_profile_users(BENCH_RAMP, 20000, day_ms, day_ms), 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(corners),
        cmocka_unit_test(always_between_one_and_all),
        cmocka_unit_test(flanks_are_straight),
        cmocka_unit_test(a_day_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
