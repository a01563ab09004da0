/* test_bench_hist.c - latencies in buckets: how far off, how they add up, what is at the ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "cli/bench_hist.h"
#include "tests/lib/xorshift.h"

static struct bench_hist h, other;

static int begin(void **state)
{
    (void)state;
    bench_hist_reset(&h);
    bench_hist_reset(&other);
    return 0;
}

static void nothing_is_zero(void **state)
{
    (void)state;
    assert_int_equal(bench_hist_quantile_us(&h, 5000), 0);
    assert_int_equal(bench_hist_quantile_us(&h, 10000), 0);
    assert_int_equal(bench_hist_mean_us(&h), 0);
    bench_hist_merge(&h, &other);
    assert_int_equal(h.count, 0);
}

static void small_ones_are_exact(void **state)
{
    (void)state;
    for (int64_t us = 0; us < 256; us++) {
        begin(NULL);
        bench_hist_record(&h, us);
        bench_hist_record(&h, 1000); /* else the exact maximum would hide the bucket */
        assert_int_equal(bench_hist_quantile_us(&h, 5000), us);
    }
}

/* Every doubling, at its ends, its middle and at random: never more than one part in a hundred off. */
static void one_percent_everywhere(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (unsigned bit = 8; bit < 36; bit++)
        for (int i = 0; i < 200; i++) {
            uint64_t low = UINT64_C(1) << bit, us = low + xorshift(&random) % low;
            us = i == 0 ? low : i == 1 ? 2 * low - 1 : us;
            begin(NULL);
            bench_hist_record(&h, (int64_t)us);
            bench_hist_record(&h, BENCH_HIST_MAX_US);
            uint64_t found = bench_hist_quantile_us(&h, 5000), off = found > us ? found - us : us - found;
            if (off * 100 > us)
                fail_msg("%llu us were read back as %llu", (unsigned long long)us, (unsigned long long)found);
        }
}

static void quantiles_of_a_thousand(void **state)
{
    (void)state;
    for (int64_t us = 1000; us >= 1; us--)
        bench_hist_record(&h, us);
    assert_in_range(bench_hist_quantile_us(&h, 5000), 496, 504);
    assert_in_range(bench_hist_quantile_us(&h, 9000), 893, 907);
    assert_in_range(bench_hist_quantile_us(&h, 9900), 982, 998);
    assert_int_equal(bench_hist_quantile_us(&h, 10000), 1000);
    assert_int_equal(bench_hist_quantile_us(&h, 0), 1);
    assert_int_equal(bench_hist_mean_us(&h), 500);
    assert_int_equal(h.max_us, 1000);
}

static void a_rank_is_rounded_up(void **state)
{
    (void)state;
    bench_hist_record(&h, 10);
    bench_hist_record(&h, 20);
    bench_hist_record(&h, 30);
    assert_int_equal(bench_hist_quantile_us(&h, 3333), 10);
    assert_int_equal(bench_hist_quantile_us(&h, 3334), 20);
    assert_int_equal(bench_hist_quantile_us(&h, 9990), 30);
}

static void ends_are_bounded(void **state)
{
    (void)state;
    bench_hist_record(&h, -5);
    assert_int_equal(bench_hist_quantile_us(&h, 5000), 0);
    bench_hist_record(&h, INT64_MAX);
    assert_int_equal(h.max_us, BENCH_HIST_MAX_US);
    assert_int_equal(h.count, 2);
    assert_true(bench_hist_quantile_us(&h, 10000) >= BENCH_HIST_MAX_US / 100 * 99);
}

static void merged_is_as_if_recorded_in_one(void **state)
{
    (void)state;
    static struct bench_hist whole;
    uint64_t random = 99;
    bench_hist_reset(&whole);
    for (int i = 0; i < 5000; i++) {
        int64_t us = (int64_t)(xorshift(&random) % (UINT64_C(1) << (i % 36)));
        bench_hist_record(i % 3 ? &h : &other, us);
        bench_hist_record(&whole, us);
    }
    bench_hist_merge(&h, &other);
    assert_memory_equal(&h, &whole, sizeof h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_zero, begin),
        cmocka_unit_test_setup(small_ones_are_exact, begin),
        cmocka_unit_test_setup(one_percent_everywhere, begin),
        cmocka_unit_test_setup(quantiles_of_a_thousand, begin),
        cmocka_unit_test_setup(a_rank_is_rounded_up, begin),
        cmocka_unit_test_setup(ends_are_bounded, begin),
        cmocka_unit_test_setup(merged_is_as_if_recorded_in_one, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
