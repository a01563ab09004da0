/* test_bench_pace.c - the plan of a load with a fixed rate: which turn is when, whose it is, and what was missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/bench_pace.h"

#define START INT64_C(5000000)
#define DAY_US (INT64_C(24) * 3600 * 1000000)

static struct bench_pace pace_of(uint64_t rate, uint64_t lanes)
{
    struct bench_pace p;
    bench_pace_start(&p, rate, lanes, START);
    return p;
}

static void times(void **state)
{
    (void)state;
    struct bench_pace p = pace_of(3, 1);
    assert_int_equal(bench_pace_at_us(&p, 0), START);
    assert_int_equal(bench_pace_at_us(&p, 1), START + 333333);
    assert_int_equal(bench_pace_at_us(&p, 2), START + 666666);
    assert_int_equal(bench_pace_at_us(&p, 3), START + 1000000); /* what is cut does not add up */
    p = pace_of(BENCH_RATE_MAX, 1);
    assert_int_equal(bench_pace_at_us(&p, UINT64_C(86400) * BENCH_RATE_MAX), START + DAY_US);
}

static void turns_go_round(void **state)
{
    (void)state;
    struct bench_pace p = pace_of(1000, 3);
    uint64_t lane;
    assert_int_equal(bench_pace_due_us(&p), START);
    assert_false(bench_pace_take(&p, START - 1, &lane));
    for (uint64_t turn = 0; turn < 7; turn++) {
        int64_t due = START + (int64_t)turn * 1000;
        assert_false(bench_pace_take(&p, due - 1, &lane));
        assert_true(bench_pace_take(&p, due, &lane));
        assert_int_equal(lane, turn % 3);
    }
    for (int i = 0; i < 4; i++) /* late: all that was due meanwhile, in its order */
        assert_true(bench_pace_take(&p, START + 10999, &lane));
    assert_int_equal(lane, 10 % 3);
    assert_false(bench_pace_take(&p, START + 10999, &lane));
}

static void no_plan(void **state)
{
    (void)state;
    struct bench_pace p = pace_of(0, 8);
    uint64_t lane;
    assert_int_equal(bench_pace_due_us(&p), INT64_MAX);
    assert_false(bench_pace_take(&p, START + DAY_US, &lane));
    assert_int_equal(bench_pace_missed(&p, START + DAY_US), 0);
}

/* A lane begins with its first turn that is not over, never before the start. */
static void where_a_lane_begins(void **state)
{
    (void)state;
    struct bench_pace p = pace_of(1000, 4);
    assert_int_equal(bench_pace_turn(&p, 2, START - 99), 2);
    assert_int_equal(bench_pace_turn(&p, 2, START + 2000), 2);
    assert_int_equal(bench_pace_turn(&p, 2, START + 2001), 6);
    assert_int_equal(bench_pace_turn(&p, 0, START + 1), 4);
    assert_int_equal(bench_pace_turn(&p, 3, START + 3000), 3);
    for (int64_t us = 0; us < 20000; us += 37)
        for (uint64_t lane = 0; lane < 4; lane++) {
            uint64_t turn = bench_pace_turn(&p, lane, START + us);
            assert_int_equal(turn % 4, lane);
            assert_true(bench_pace_at_us(&p, turn) >= START + us);
            assert_true(turn < 4 || bench_pace_at_us(&p, turn - 4) < START + us);
        }
}

static void what_was_missed(void **state)
{
    (void)state;
    struct bench_pace p = pace_of(1000, 4);
    uint64_t lane;
    assert_int_equal(bench_pace_missed(&p, START - 1), 0);
    assert_int_equal(bench_pace_missed(&p, START), 1);
    assert_int_equal(bench_pace_missed(&p, START + 9999), 10);
    while (bench_pace_take(&p, START + 6000, &lane)) {
    }
    assert_int_equal(bench_pace_missed(&p, START + 9999), 3);
    /* Lane 1 has the turns 1, 5, 9, 13. */
    assert_int_equal(bench_pace_missed_by(&p, 5, START + 4999), 0);
    assert_int_equal(bench_pace_missed_by(&p, 5, START + 5000), 1);
    assert_int_equal(bench_pace_missed_by(&p, 5, START + 8999), 1);
    assert_int_equal(bench_pace_missed_by(&p, 5, START + 9000), 2);
    assert_int_equal(bench_pace_missed_by(&p, 1, START + 13500), 4);
}

/* At odd rates, too, what was missed is what would have been taken. */
static void missed_is_what_would_be_taken(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 7, 999, 30011, 999983, BENCH_RATE_MAX};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        for (int64_t us = 0; us < 3000; us += 101) {
            struct bench_pace p = pace_of(rates[i], 5);
            uint64_t lane, count = bench_pace_missed(&p, START + us), taken = 0, by_lane = 0;
            for (uint64_t first = 0; first < 5; first++)
                by_lane += bench_pace_missed_by(&p, first, START + us);
            while (bench_pace_take(&p, START + us, &lane))
                taken++;
            assert_int_equal(count, taken);
            assert_int_equal(by_lane, taken);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),           cmocka_unit_test(turns_go_round),
        cmocka_unit_test(no_plan),         cmocka_unit_test(where_a_lane_begins),
        cmocka_unit_test(what_was_missed), cmocka_unit_test(missed_is_what_would_be_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
