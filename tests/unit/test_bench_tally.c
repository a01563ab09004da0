/* test_bench_tally.c - a load test second by second, with a clock of its own: totals, rates, samples, kinds of errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/bench_tally.h"

#define SECOND INT64_C(1000000)
#define START (5 * SECOND) /* not 0: what forgets the start is seen */

static struct bench_tally *t;

static int begin(void **state)
{
    (void)state;
    t = calloc(1, sizeof *t);
    return t ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(t);
    return 0;
}

static void seconds_add_up(void **state)
{
    (void)state;
    bench_tally_start(t, 3000, START);
    for (int second = 1; second <= 2; second++) {
        for (int i = 0; i < 100 * second; i++)
            bench_tally_ok(t, 1000 * second);
        bench_tally_fault(t, BENCH_FAULT_CLOSED);
        struct bench_sample s = bench_tally_second(t, 7, START + second * SECOND);
        assert_int_equal(s.requests, 100 * second + 1);
        assert_int_equal(s.errors, 1);
        assert_int_equal(s.per_second, 100 * second + 1);
        assert_int_equal(s.errors_per_second, 1);
        assert_int_equal(s.mean_us, 1000 * second);
        assert_in_range(s.p99_us, 990 * second, 1010 * second);
        assert_int_equal(s.at_ms, 1000 * second);
        assert_int_equal(s.span_ms, 1000);
    }
    bench_tally_stop(t, 9, START + 3 * SECOND);
    struct bench_sample whole = bench_tally_whole(t);
    assert_int_equal(whole.requests, 302);
    assert_int_equal(whole.errors, 2);
    assert_int_equal(whole.per_second, 101); /* 100.67 */
    assert_int_equal(whole.users, 9);
    assert_int_equal(whole.max_us, 2000);
    assert_int_equal(whole.span_ms, 3000);
    assert_int_equal(t->sample_count, 3);
    assert_int_equal(t->samples[0].requests, 101);
    assert_int_equal(t->samples[1].requests, 201);
    assert_int_equal(t->samples[2].requests, 0);
    assert_int_equal(t->samples[2].users, 9);
}

static void failed_requests_have_no_latency(void **state)
{
    (void)state;
    bench_tally_start(t, 1000, START);
    bench_tally_ok(t, 5000);
    for (int i = 0; i < 99; i++)
        bench_tally_status(t, 503, slice_text("busy"));
    bench_tally_stop(t, 1, START + SECOND);
    struct bench_sample whole = bench_tally_whole(t);
    assert_int_equal(whole.mean_us, 5000);
    assert_int_equal(t->total.latency.count, 1);
    assert_int_equal(whole.requests, 100);
}

static void late_answers_are_in_no_rate(void **state)
{
    (void)state;
    bench_tally_start(t, 1000, START);
    for (int i = 0; i < 50; i++)
        bench_tally_ok(t, 10);
    bench_tally_stop(t, 1, START + SECOND);
    for (int i = 0; i < 30; i++)
        bench_tally_ok(t, 999999);
    bench_tally_status(t, 500, slice_text(""));
    struct bench_sample whole = bench_tally_whole(t);
    assert_int_equal(whole.requests, 81);
    assert_int_equal(whole.errors, 1);
    assert_int_equal(whole.per_second, 50);
    assert_int_equal(whole.errors_per_second, 0);
    assert_int_equal(whole.max_us, 999999);
}

static void a_day_fits(void **state)
{
    (void)state;
    int64_t day = 24 * 3600;
    bench_tally_start(t, day * 1000, START);
    for (int64_t second = 1; second <= day; second++) {
        bench_tally_ok(t, 100);
        /* The clock of a loop is never quite on time. */
        bench_tally_second(t, 1, START + second * SECOND + (second % 7) * 1000);
    }
    bench_tally_stop(t, 1, START + day * SECOND + 9000);
    assert_in_range(t->sample_count, 500, BENCH_SAMPLES_MAX + 1);
    uint64_t requests = 0;
    for (size_t i = 0; i < t->sample_count; i++) {
        requests += t->samples[i].requests;
        assert_true(i == 0 || t->samples[i].at_ms > t->samples[i - 1].at_ms);
    }
    assert_in_range(requests, day - 200, day);
    assert_int_equal(bench_tally_whole(t).requests, day);
}

static void a_short_test_has_a_sample(void **state)
{
    (void)state;
    bench_tally_start(t, 100, START);
    bench_tally_ok(t, 10);
    bench_tally_stop(t, 1, START + SECOND / 10);
    assert_int_equal(t->sample_count, 1);
    assert_int_equal(t->samples[0].per_second, 10);
    assert_int_equal(bench_tally_whole(t).per_second, 10);
}

static void an_end_at_once_divides_by_nothing(void **state)
{
    (void)state;
    bench_tally_start(t, 100, START);
    bench_tally_stop(t, 1, START);
    assert_int_equal(bench_tally_whole(t).per_second, 0);
}

static void kinds_of_errors(void **state)
{
    (void)state;
    struct bench_error list[BENCH_ERRORS_MAX];
    bench_tally_start(t, 1000, START);
    assert_int_equal(bench_tally_errors(t, list), 0);
    for (int i = 0; i < 3; i++)
        bench_tally_fault(t, BENCH_FAULT_TIMEOUT);
    for (int i = 0; i < 5; i++)
        bench_tally_status(t, 503, slice_of(i == 0 ? "first\x1b[2J\xff" : "later one", 9));
    bench_tally_status(t, 400, slice_text(""));
    assert_int_equal(bench_tally_errors(t, list), 3);
    assert_string_equal(list[0].name, "HTTP 503");
    assert_int_equal(list[0].count, 5);
    assert_string_equal(list[0].detail, "first?[2J");
    assert_string_equal(list[1].name, "timeout");
    assert_int_equal(list[1].count, 3);
    assert_string_equal(list[2].name, "HTTP 400");
    assert_string_equal(list[2].detail, "");
}

static void more_kinds_than_are_shown(void **state)
{
    (void)state;
    struct bench_error list[BENCH_ERRORS_MAX];
    char words[1000];
    memset(words, 'w', sizeof words);
    bench_tally_start(t, 1000, START);
    for (unsigned status = 300; status < 600; status++)
        bench_tally_status(t, status, slice_of(words, sizeof words));
    assert_int_equal(bench_tally_errors(t, list), BENCH_ERRORS_MAX);
    assert_int_equal(strlen(list[0].detail) < BENCH_DETAIL_BYTES, 1);
    bench_tally_stop(t, 1, START + SECOND);
    assert_int_equal(bench_tally_whole(t).errors, 300);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(seconds_add_up),  TEST(failed_requests_have_no_latency), TEST(late_answers_are_in_no_rate),
        TEST(a_day_fits),      TEST(a_short_test_has_a_sample),       TEST(an_end_at_once_divides_by_nothing),
        TEST(kinds_of_errors), TEST(more_kinds_than_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
