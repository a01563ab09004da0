/* bench_tally.c - seconds flow into intervals, intervals into the whole: a request is counted in one place only while it is hot. */
#include "cli/bench_tally.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define US_PER_S INT64_C(1000000)

static const struct {
    const char *name, *text;
} faults[BENCH_FAULT_COUNT] = {
#define X(symbol, name, text) [BENCH_FAULT_##symbol] = {name, text},
    BENCH_FAULTS(X)
#undef X
};

void bench_tally_start(struct bench_tally *t, int64_t duration_ms, int64_t now_us)
{
    int64_t seconds = duration_ms / 1000 + 1;
    t->interval_us = (seconds + BENCH_SAMPLES_MAX - 1) / BENCH_SAMPLES_MAX * US_PER_S;
    t->start_us = t->second.begun_us = t->interval.begun_us = t->total.begun_us = now_us;
}

/* -- Requests ----------------------------------------------------------------------------------------------------------------- */
static struct bench_window *window_of(struct bench_tally *t)
{
    t->late += t->stopped;
    return t->stopped ? &t->total : &t->second;
}

void bench_tally_ok(struct bench_tally *t, int64_t latency_us)
{
    struct bench_window *w = window_of(t);
    w->requests++;
    bench_hist_record(&w->latency, latency_us);
}

static void count_error(struct bench_tally *t)
{
    struct bench_window *w = window_of(t);
    w->requests++;
    w->errors++;
    t->late_errors += t->stopped;
}

/* Control characters and what is not ASCII may do things to a terminal. */
static void keep_words(struct bench_detail *d, struct slice words)
{
    size_t len = words.len < sizeof d->text ? words.len : sizeof d->text - 1;
    for (size_t i = 0; i < len; i++)
        d->text[i] = words.ptr[i] >= ' ' && words.ptr[i] < 0x7f ? (char)words.ptr[i] : '?';
    d->text[len] = '\0';
}

void bench_tally_status(struct bench_tally *t, unsigned status, struct slice words)
{
    assert(status < sizeof t->statuses / sizeof t->statuses[0]);
    count_error(t);
    if (t->statuses[status]++ > 0 || t->detail_count == sizeof t->details / sizeof t->details[0])
        return;
    struct bench_detail *d = &t->details[t->detail_count++];
    d->status = status;
    keep_words(d, words);
}

void bench_tally_fault(struct bench_tally *t, enum bench_fault fault)
{
    assert((unsigned)fault < BENCH_FAULT_COUNT);
    count_error(t);
    t->faults[fault]++;
}

/* -- Time --------------------------------------------------------------------------------------------------------------------- */
static void merge(struct bench_window *into, const struct bench_window *from)
{
    bench_hist_merge(&into->latency, &from->latency);
    into->requests += from->requests;
    into->errors += from->errors;
}

static void begin_window(struct bench_window *w, int64_t now_us)
{
    bench_hist_reset(&w->latency);
    w->requests = w->errors = 0;
    w->begun_us = now_us;
}

static uint64_t rate(uint64_t count, int64_t span_us)
{
    return span_us > 0 ? (count * (uint64_t)US_PER_S + (uint64_t)span_us / 2) / (uint64_t)span_us : 0;
}

static struct bench_sample sample_of(const struct bench_window *w, uint64_t users, int64_t end_us, int64_t span_us)
{
    const struct bench_hist *h = &w->latency;
    return (struct bench_sample){.at_ms = (uint64_t)end_us / 1000,
                                 .span_ms = (uint64_t)span_us / 1000,
                                 .users = users,
                                 .requests = w->requests,
                                 .errors = w->errors,
                                 .per_second = rate(w->requests, span_us),
                                 .errors_per_second = rate(w->errors, span_us),
                                 .mean_us = bench_hist_mean_us(h),
                                 .p50_us = bench_hist_quantile_us(h, 5000),
                                 .p90_us = bench_hist_quantile_us(h, 9000),
                                 .p95_us = bench_hist_quantile_us(h, 9500),
                                 .p99_us = bench_hist_quantile_us(h, 9900),
                                 .p999_us = bench_hist_quantile_us(h, 9990),
                                 .max_us = h->max_us};
}

static void close_interval(struct bench_tally *t, uint64_t users, int64_t now_us)
{
    if (t->sample_count < sizeof t->samples / sizeof t->samples[0])
        t->samples[t->sample_count++] = sample_of(&t->interval, users, now_us - t->start_us, now_us - t->interval.begun_us);
    begin_window(&t->interval, now_us);
}

struct bench_sample bench_tally_second(struct bench_tally *t, uint64_t users, int64_t now_us)
{
    struct bench_sample s = sample_of(&t->second, users, now_us - t->start_us, now_us - t->second.begun_us);
    if (users > t->users_max)
        t->users_max = users;
    merge(&t->interval, &t->second);
    merge(&t->total, &t->second);
    begin_window(&t->second, now_us);
    /* A second that came a little early still ends the interval. */
    if (now_us - t->interval.begun_us >= t->interval_us - US_PER_S / 10)
        close_interval(t, users, now_us);
    return s;
}

void bench_tally_stop(struct bench_tally *t, uint64_t users, int64_t now_us)
{
    bench_tally_second(t, users, now_us);
    /* What is left of an interval is drawn if it is long enough for its rate to mean something, or all there is. */
    if (t->sample_count == 0 || now_us - t->interval.begun_us >= US_PER_S / 4)
        close_interval(t, users, now_us);
    t->measured_us = now_us - t->start_us;
    t->stopped = true;
}

struct bench_sample bench_tally_whole(const struct bench_tally *t)
{
    struct bench_sample s = sample_of(&t->total, t->users_max, t->measured_us, t->measured_us);
    s.per_second = rate(t->total.requests - t->late, t->measured_us);
    s.errors_per_second = rate(t->total.errors - t->late_errors, t->measured_us);
    return s;
}

/* -- Kinds of errors ---------------------------------------------------------------------------------------------------------- */
static const char *detail_of(const struct bench_tally *t, unsigned status)
{
    for (size_t i = 0; i < t->detail_count; i++)
        if (t->details[i].status == status)
            return t->details[i].text;
    return "";
}

static int more_first(const void *a, const void *b)
{
    const struct bench_error *x = a, *y = b;
    return (x->count < y->count) - (x->count > y->count);
}

size_t bench_tally_errors(const struct bench_tally *t, struct bench_error list[static BENCH_ERRORS_MAX])
{
    size_t count = 0;
    for (unsigned i = 0; i < BENCH_FAULT_COUNT && count < BENCH_ERRORS_MAX; i++) {
        if (t->faults[i] == 0)
            continue;
        list[count] = (struct bench_error){.detail = faults[i].text, .count = t->faults[i]};
        snprintf(list[count++].name, sizeof list->name, "%s", faults[i].name);
    }
    for (unsigned i = 0; i < sizeof t->statuses / sizeof t->statuses[0] && count < BENCH_ERRORS_MAX; i++) {
        if (t->statuses[i] == 0)
            continue;
        list[count] = (struct bench_error){.detail = detail_of(t, i), .count = t->statuses[i]};
        snprintf(list[count++].name, sizeof list->name, "HTTP %u", i);
    }
    qsort(list, count, sizeof *list, more_first);
    return count;
}
