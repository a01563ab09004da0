/* bench_report.h - the figures of a load test for people and for programs. */
#ifndef LEAT_CLI_BENCH_REPORT_H
#define LEAT_CLI_BENCH_REPORT_H

#include <stdio.h>

#include "cli/bench_settings.h"
#include "cli/bench_tally.h"

/* What was run, beside its figures. */
struct bench_story {
    const struct bench_settings *s;
    const struct bench_tally *t;
    const char *where;    /* URL or endpoint */
    unsigned cpu_percent; /* of one core, that the load tester itself used */
    int64_t begun_wall_ms;
};

void bench_report_live(const struct bench_sample *second); /* one line on standard error, over the last one */
void bench_report_clear(void);
void bench_report_summary(const struct bench_story *story, FILE *out);

/* Append the whole file to out; buf_failed() tells when memory ran out. */
void bench_report_json(const struct bench_story *story, struct buf *out);
void bench_report_html(const struct bench_story *story, struct buf *out);

#endif
