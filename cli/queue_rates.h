/* queue_rates.h - what leat queue top shows: two looks at all queues make rates, and a look is laid out for any width. No I/O. */
#ifndef LEAT_CLI_QUEUE_RATES_H
#define LEAT_CLI_QUEUE_RATES_H

#include "common/msg_queue.h"

struct queue_rate {
    char name[LIMIT_QUEUE_PATH_BYTES + 1]; /* as it is shown */
    char path[LIMIT_QUEUE_PATH_BYTES + 1];
    uint64_t ready, inflight, delayed, receivers;
    int64_t oldest_ms;
    bool paused;
    uint64_t entered_total, left_total;
    double in, out; /* messages a second; below 0: not known yet */
};

/* One look. All zeros is an empty one. */
struct queue_look {
    struct queue_rate *at; /* owned */
    size_t count, cap;
    int64_t at_ms; /* monotonic */
    bool failed;   /* memory ran out: queues are missing */
};

void queue_look_finish(struct queue_look *l);
void queue_look_reset(struct queue_look *l, int64_t now_ms); /* keeps the memory */
void queue_look_add(struct queue_look *l, struct slice shown, const struct queue_description *d);
/* Sets the rates of `now` from what `before` saw. Both in the broker's order, that of paths. */
void queue_look_rates(struct queue_look *now, const struct queue_look *before);
void queue_look_sort(struct queue_look *l); /* busiest first, then fullest, then by name */

/* Appends a heading and up to `rows` lines in all, none wider than `columns` (at least 20); how many queues were left out is said in the last. */
void queue_look_draw(const struct queue_look *l, int columns, int rows, struct buf *out);
/* Appends one line a queue, name=value, for logs. most: at most so many queues. */
void queue_look_lines(const struct queue_look *l, const char *time, size_t most, struct buf *out);
/* Appends an M: {"atMs", "queues": [...]}. */
void queue_look_value(const struct queue_look *l, int64_t wall_ms, size_t most, struct buf *out);

/* A count in 7 characters or less: 12345, 123.4k, 5.6M. */
const char *queue_count_text(uint64_t count, char out[static 24]);
/* A rate: "-" when not known, 0, 0.4, 12, 123.4k. */
const char *queue_rate_text(double rate, char out[static 24]);

/* "20ms", "3s", "5m", "2h", "4d": two digits or so. */
const char *queue_age_text(int64_t ms, char out[static 24]);

#endif
