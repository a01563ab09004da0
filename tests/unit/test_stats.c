/* test_stats.c - histograms and the text that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/stats.h"

#define LAST (STATS_BUCKETS - 1)

/* The buffer's content as a string; the buffer is finished. */
static char *text_of(struct buf *b)
{
    assert_int_equal(buf_byte(b, '\0'), 0);
    char *text = strdup((char *)b->data);
    buf_finish(b);
    return text;
}

static void buckets_double(void **state)
{
    (void)state;
    assert_int_equal(stats_bucket_us(0), 50);
    for (int i = 1; i < LAST; i++)
        assert_int_equal(stats_bucket_us(i), 2 * stats_bucket_us(i - 1));
    assert_in_range(stats_bucket_us(LAST - 1), 13000000, 14000000);
    assert_true(stats_bucket_us(LAST) == UINT64_MAX);
}

static void each_bound_belongs_to_its_bucket(void **state)
{
    (void)state;
    for (int i = 0; i < LAST; i++) {
        struct stats_histogram h = {0};
        stats_observe(&h, stats_bucket_us(i));
        stats_observe(&h, stats_bucket_us(i) + 1);
        assert_int_equal(h.buckets[i], 1);
        assert_int_equal(h.buckets[i + 1], 1);
        assert_int_equal(h.count, 2);
        assert_int_equal(h.sum_us, 2 * stats_bucket_us(i) + 1);
    }
    struct stats_histogram h = {0};
    stats_observe(&h, 0);
    stats_observe(&h, UINT64_MAX / 2);
    assert_int_equal(h.buckets[0], 1);
    assert_int_equal(h.buckets[LAST], 1);
}

static void quantiles(void **state)
{
    (void)state;
    struct stats_histogram h = {0};
    assert_int_equal(stats_quantile_us(&h, 0.5), 0);
    stats_observe(&h, 1);
    assert_int_equal(stats_quantile_us(&h, 0), 50);
    assert_int_equal(stats_quantile_us(&h, 1), 50);
    for (int i = 0; i < 89; i++)
        stats_observe(&h, 10);
    for (int i = 0; i < 9; i++)
        stats_observe(&h, 190);
    stats_observe(&h, 20 * 1000 * 1000);
    assert_int_equal(h.count, 100);
    assert_int_equal(stats_quantile_us(&h, 0.5), 50);
    assert_int_equal(stats_quantile_us(&h, 0.9), 50);
    assert_int_equal(stats_quantile_us(&h, 0.905), 200);
    assert_int_equal(stats_quantile_us(&h, 0.99), 200);
    assert_true(stats_quantile_us(&h, 0.999) == UINT64_MAX);
    assert_true(stats_quantile_us(&h, 1) == UINT64_MAX);
}

static void help_and_numbers(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    stats_put_help(&b, "leat_jobs_total", "counter", "Jobs.");
    stats_put_number(&b, "leat_jobs_total", NULL, 0);
    stats_put_number(&b, "leat_jobs_total", "", 1);
    stats_put_number(&b, "leat_jobs_total", "queue=\"a\",state=\"ready\"", 123456789012345.0);
    stats_put_number(&b, "x", NULL, -3);
    stats_put_number(&b, "x", NULL, 0.25);
    stats_put_number(&b, "x", NULL, 1e18);
    stats_put_number(&b, "x", NULL, strtod("nan", NULL));
    stats_put_number(&b, "x", NULL, strtod("inf", NULL));
    stats_put_number(&b, "x", NULL, strtod("-inf", NULL));
    char *text = text_of(&b);
    assert_string_equal(text, "# HELP leat_jobs_total Jobs.\n"
                              "# TYPE leat_jobs_total counter\n"
                              "leat_jobs_total 0\n"
                              "leat_jobs_total 1\n"
                              "leat_jobs_total{queue=\"a\",state=\"ready\"} 123456789012345\n"
                              "x -3\nx 0.25\nx 1e+18\nx NaN\nx +Inf\nx -Inf\n");
    free(text);
}

static void histogram_is_cumulative(void **state)
{
    (void)state;
    struct stats_histogram h = {0};
    stats_observe(&h, 40);
    stats_observe(&h, 60);
    stats_observe(&h, 70);
    stats_observe(&h, 30 * 1000 * 1000);
    struct buf b;
    buf_init(&b);
    stats_put_histogram(&b, "t_seconds", "route=\"jobs\"", &h);
    char *text = text_of(&b);
    static const char head[] = "t_seconds_bucket{route=\"jobs\",le=\"0.000050\"} 1\n"
                               "t_seconds_bucket{route=\"jobs\",le=\"0.000100\"} 3\n"
                               "t_seconds_bucket{route=\"jobs\",le=\"0.000200\"} 3\n";
    static const char tail[] = "t_seconds_bucket{route=\"jobs\",le=\"13.107200\"} 3\n"
                               "t_seconds_bucket{route=\"jobs\",le=\"+Inf\"} 4\n"
                               "t_seconds_sum{route=\"jobs\"} 30.000170\n"
                               "t_seconds_count{route=\"jobs\"} 4\n";
    assert_int_equal(strncmp(text, head, strlen(head)), 0);
    assert_true(strlen(text) > strlen(tail));
    assert_string_equal(text + strlen(text) - strlen(tail), tail);
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, STATS_BUCKETS + 2);
    free(text);
}

static void histogram_without_labels(void **state)
{
    (void)state;
    struct stats_histogram h = {0};
    struct buf b;
    buf_init(&b);
    stats_put_histogram(&b, "t", NULL, &h);
    char *text = text_of(&b);
    assert_non_null(strstr(text, "t_bucket{le=\"0.000050\"} 0\n"));
    assert_non_null(strstr(text, "t_sum 0.000000\nt_count 0\n"));
    free(text);
}

static double figure(const char *text, const char *name)
{
    char line[100];
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    assert_non_null(at);
    return strtod(at + strlen(line), NULL);
}

static void process_figures(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    stats_put_process(&b);
    FILE *extra = fopen("/dev/null", "r");
    assert_non_null(extra);
    struct buf later;
    buf_init(&later);
    stats_put_process(&later);
    fclose(extra);
    char *before = text_of(&b), *after = text_of(&later);
    assert_true(figure(before, "process_resident_memory_bytes") > 100000);
    assert_true(figure(before, "process_cpu_seconds_total") >= 0);
    assert_true(figure(after, "process_cpu_seconds_total") >= figure(before, "process_cpu_seconds_total"));
    assert_true(figure(before, "process_open_fds") >= 1);
    assert_true(figure(after, "process_open_fds") == figure(before, "process_open_fds") + 1);
    double start = figure(before, "process_start_time_seconds"), now = (double)time(NULL);
    assert_true(start > now - 600 && start < now + 2); /* the kernel tells its own start in whole seconds */
    assert_true(figure(after, "process_start_time_seconds") == start);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_double),
        cmocka_unit_test(each_bound_belongs_to_its_bucket),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(help_and_numbers),
        cmocka_unit_test(histogram_is_cumulative),
        cmocka_unit_test(histogram_without_labels),
        cmocka_unit_test(process_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
