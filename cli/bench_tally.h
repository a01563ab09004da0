/* bench_tally.h - what a load test has counted: all in all, each second, and along the way for the plots. Pure; bounded memory.
 *
 * A request ends as ok (its latency counts), as an answer of another status than 2xx, or as a fault (no answer). Latencies of failed
 * requests are left out: a quick 503 would make an overloaded server look fast. What ends after bench_tally_stop() belongs to the totals,
 * but to no rate. */
#ifndef LEAT_CLI_BENCH_TALLY_H
#define LEAT_CLI_BENCH_TALLY_H

#include <stdbool.h>

#include "cli/bench_hist.h"
#include "common/buf.h"

/* Row: symbol, name for programs, explanation for people. */
#define BENCH_FAULTS(X)                                                                                                        \
    X(CONNECT, "connect", "no connection")                                                                                     \
    X(CLOSED, "closed", "connection closed before the answer was complete")                                                    \
    X(TIMEOUT, "timeout", "no answer in time")                                                                                 \
    X(BROKEN, "broken", "the answer is no HTTP that is read here")                                                             \
    X(MISMATCH, "mismatch", "the queue knows the message with another body")                                                   \
    X(FULL, "full", "the queue is full")                                                                                       \
    X(DISK_FULL, "disk-full", "the queue's disk is full")                                                                      \
    X(NO_QUEUE, "no-queue", "no such queue")                                                                                   \
    X(INVALID, "invalid", "the queue did not understand the message")

enum bench_fault {
#define X(symbol, name, text) BENCH_FAULT_##symbol,
    BENCH_FAULTS(X)
#undef X
        BENCH_FAULT_COUNT
};

#define BENCH_SAMPLES_MAX 600
#define BENCH_ERRORS_MAX 32 /* kinds that are shown */
#define BENCH_DETAIL_BYTES 160

/* A stretch of time. All of one type, so that plots and files pick a column by its offset. */
struct bench_sample {
    uint64_t at_ms; /* its end, since the start */
    uint64_t span_ms, users, requests, errors, per_second, errors_per_second;
    uint64_t mean_us, p50_us, p90_us, p95_us, p99_us, p999_us, max_us;
};

struct bench_window {
    struct bench_hist latency;
    uint64_t requests, errors;
    int64_t begun_us;
};

struct bench_detail { /* what the first answer of a status said */
    unsigned status;
    char text[BENCH_DETAIL_BYTES];
};

struct bench_tally {
    struct bench_window second, interval, total;
    struct bench_sample samples[BENCH_SAMPLES_MAX + 2];
    size_t sample_count;
    int64_t start_us, interval_us, measured_us; /* measured_us: from start to stop, once stopped */
    bool stopped;
    uint64_t users_max;
    uint64_t late, late_errors, unanswered; /* late: ended after stop; unanswered: never did */
    uint64_t missed;                        /* planned by the pace, and not sent until stop: nobody was free */
    uint64_t jobs_failed;                   /* refused or failed, inside of answers to batches that were accepted */
    uint64_t connects, bytes_out, bytes_in;
    uint64_t statuses[600], faults[BENCH_FAULT_COUNT];
    struct bench_detail details[8];
    size_t detail_count;
};

/* t is zeroed. Samples for the plots are whole seconds long, as many as make duration_ms fit into BENCH_SAMPLES_MAX of them. */
void bench_tally_start(struct bench_tally *t, int64_t duration_ms, int64_t now_us);

void bench_tally_ok(struct bench_tally *t, int64_t latency_us);
void bench_tally_status(struct bench_tally *t, unsigned status /* 200..599 */, struct slice words);
void bench_tally_fault(struct bench_tally *t, enum bench_fault fault);

/* Call each second, and once more by stop: closes the second and returns what it was like. */
struct bench_sample bench_tally_second(struct bench_tally *t, uint64_t users, int64_t now_us);
void bench_tally_stop(struct bench_tally *t, uint64_t users, int64_t now_us);

/* The whole test; span_ms and the rates are those of the measured time, requests and errors count the late ones as well. */
struct bench_sample bench_tally_whole(const struct bench_tally *t);

struct bench_error {
    char name[24]; /* "HTTP 503" or the fault's name */
    const char *detail;
    uint64_t count;
};
/* The kinds of errors, most frequent first; returns how many were written. */
size_t bench_tally_errors(const struct bench_tally *t, struct bench_error list[static BENCH_ERRORS_MAX]);

#endif
