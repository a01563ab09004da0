/* bench_hist.h - latencies in bounded memory: log-linear buckets, as in HdrHistogram. Pure.
 *
 * Below 256 us each microsecond has a bucket of its own; from there on each doubling is cut into 128, so that what is read back is
 * at most 0.8 % off whatever its size. 30 KiB a histogram. */
#ifndef LEAT_CLI_BENCH_HIST_H
#define LEAT_CLI_BENCH_HIST_H

#include <stdint.h>

#define BENCH_HIST_MAX_US ((INT64_C(1) << 36) - 1) /* 19 hours; longer ones count as this */
#define BENCH_HIST_BUCKETS 3840

struct bench_hist {
    uint64_t count, sum_us, max_us;
    uint64_t at[BENCH_HIST_BUCKETS];
};

void bench_hist_record(struct bench_hist *h, int64_t us); /* a negative one (a clock's mistake) counts as 0 */
void bench_hist_merge(struct bench_hist *into, const struct bench_hist *from);
void bench_hist_reset(struct bench_hist *h);

/* All 0 while nothing is recorded. part is in 1/10000: 5000 is the median. max_us and the mean are exact. */
uint64_t bench_hist_quantile_us(const struct bench_hist *h, unsigned part);
uint64_t bench_hist_mean_us(const struct bench_hist *h);

#endif
