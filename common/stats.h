/* stats.h - counters and histograms of one process, and their text form for Prometheus. */
#ifndef LEAT_COMMON_STATS_H
#define LEAT_COMMON_STATS_H

#include <stdint.h>

#include "common/buf.h"

/* A histogram of durations: buckets double from 50 microseconds to 13 seconds. Fixed memory, no allocation. */
#define STATS_BUCKETS 20
struct stats_histogram {
    uint64_t buckets[STATS_BUCKETS]; /* [i]: durations of at most stats_bucket_us(i); the last one: the rest */
    uint64_t count, sum_us;
};
uint64_t stats_bucket_us(int i); /* upper bound in microseconds; UINT64_MAX for the last */
void stats_observe(struct stats_histogram *h, uint64_t us);
uint64_t stats_quantile_us(const struct stats_histogram *h, double q); /* upper bound of the bucket that holds it; 0 if empty */

/* Prometheus text format 0.0.4. labels is `a="b",c="d"` or NULL. */
void stats_put_help(struct buf *b, const char *name, const char *type, const char *help);
void stats_put_number(struct buf *b, const char *name, const char *labels, double value);
void stats_put_histogram(struct buf *b, const char *name, const char *labels, const struct stats_histogram *h);
/* process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_start_time_seconds of this process. */
void stats_put_process(struct buf *b);

#endif
