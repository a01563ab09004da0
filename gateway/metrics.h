/* metrics.h - what this gateway counts, and the text that a Prometheus server reads. */
#ifndef LEAT_GATEWAY_METRICS_H
#define LEAT_GATEWAY_METRICS_H

#include "common/item.h"
#include "common/stats.h"
#include "gateway/limit.h"
#include "gateway/routes.h"

/* The statuses that are counted by themselves; every other one is counted under its class: 4xx as 400, 5xx as 500. */
#define METRICS_STATUSES(X)                                                                                                    \
    X(200) X(202) X(400) X(404) X(405) X(408) X(409) X(413) X(414) X(415) X(422) X(431) X(499) X(500) X(503) X(505) X(507)

enum metrics_status {
#define X(status) METRICS_##status,
    METRICS_STATUSES(X)
#undef X
        METRICS_STATUS_COUNT
};

struct metrics {
    uint64_t requests[ROUTE_COUNT + 1][METRICS_STATUS_COUNT]; /* last row: no route */
    struct stats_histogram seconds;
    uint64_t calls, calls_retried; /* calls that were begun; tries after the first of one */
};

void metrics_count(struct metrics *m, int route /* -1: none */, unsigned status, int64_t us);

/* Appends everything: this gateway's own figures, and the broker's (VALUE_NONE: not known). */
void metrics_put(const struct metrics *m, const struct limit *limit, bool link_up, const struct value *broker, struct buf *out);

#endif
