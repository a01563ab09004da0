/* bench.c - leat bench: many virtual users, or the queue's own protocol, and what they measured. bench/README.md tells how to read it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/bench_report.h"
#include "cli/bench_run.h"
#include "cli/command.h"
#include "cli/session.h"
#include "common/clock.h"
#include "common/limits.h"

static int64_t own_cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int load_jobs(const struct bench_settings *s, struct bench_jobs *jobs, struct err *e)
{
    int result = s->requests ? bench_jobs_init_file(jobs, s->requests, e)
                             : bench_jobs_init_mix(jobs, s->mix, s->table, (uint32_t)s->items, e);
    if (result == 0 && (jobs->largest + 1) * (size_t)s->batch > LIMIT_BODY_BYTES)
        return err_set(e, ERR_VALIDATION, "so many jobs a request make a body of more than %u bytes", LIMIT_BODY_BYTES);
    return result;
}

static int write_file(const char *name, void (*put)(const struct bench_story *, struct buf *), const struct bench_story *story)
{
    struct buf text = {0};
    if (!name)
        return 0;
    put(story, &text);
    FILE *out = buf_failed(&text) ? NULL : fopen(name, "we");
    bool written = out && fwrite(text.data, 1, text.len, out) == text.len;
    if (out && fclose(out) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "leat bench: %s could not be written\n", name);
    buf_finish(&text);
    return written ? 0 : -1;
}

/* 0 well, 1 with errors, 69 when nothing was answered, 74 when a file could not be written. */
static int report(const struct bench_story *story)
{
    const struct bench_tally *t = story->t;
    if (!story->s->quiet)
        bench_report_summary(story, stdout);
    fflush(stdout);
    if (write_file(story->s->json, bench_report_json, story) != 0 || write_file(story->s->html, bench_report_html, story) != 0)
        return 74;
    uint64_t statuses = 0;
    for (size_t i = 0; i < sizeof t->statuses / sizeof *t->statuses; i++)
        statuses += t->statuses[i];
    if (t->total.latency.count + statuses == 0)
        return 69;
    return t->total.errors + t->jobs_failed + t->unanswered > 0 ? 1 : 0;
}

static int measure(const struct bench_settings *s, struct bench_jobs *jobs, struct bench_tally *tally)
{
    struct err e = {0};
    struct bench_run run = {.s = s, .jobs = jobs, .tally = tally};
    struct buf where = {0};
    struct bench_story story = {.s = s, .t = tally, .begun_wall_ms = clock_wall_ms()};
    int64_t cpu_us = own_cpu_us(), begun_us = clock_mono_us();
    int status = 69;
    if (s->native)
        session_endpoint(s->data, s->endpoint, &where);
    else
        buf_append(&where, s->url, strlen(s->url) + 1);
    if ((s->native ? bench_native_run(&run, &e) : bench_http_run(&run, &e)) != 0 || buf_failed(&where)) {
        fprintf(stderr, "leat bench: %s\n", e.text);
        status = e.code == ERR_VALIDATION ? 64 : 69;
    } else {
        int64_t took_us = clock_mono_us() - begun_us;
        story.where = (const char *)where.data;
        story.cpu_percent = took_us > 0 ? (unsigned)((own_cpu_us() - cpu_us) * 100 / took_us) : 0;
        status = report(&story);
    }
    buf_finish(&where);
    return status;
}

static int run(const struct bench_settings *s)
{
    struct err e = {0};
    struct bench_jobs jobs = {0};
    struct bench_tally *tally = calloc(1, sizeof *tally);
    int status = 70;
    if (!tally) {
        fprintf(stderr, "leat bench: out of memory\n");
    } else if (load_jobs(s, &jobs, &e) != 0) {
        fprintf(stderr, "leat bench: %s\n", e.text);
        status = e.code == ERR_NOT_FOUND ? 66 : 64;
    } else {
        status = measure(s, &jobs, tally);
    }
    bench_jobs_finish(&jobs);
    free(tally);
    return status;
}

int command_bench(int argc, char **argv)
{
    struct bench_settings s = {0};
    int loaded = bench_settings_load(argc, argv, &s);
    int status = loaded == 0 ? run(&s) : loaded == 1 ? 0 : 64;
    bench_settings_free(&s);
    return status;
}
