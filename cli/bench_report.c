/* bench_report.c - the live line and the table at the end. */
#include "cli/bench_report.h"

#include <inttypes.h>

#include "cli/bench_text.h"

#define CPU_BUSY_PERCENT 90 /* of one core: from here on the load tester itself may be what is slow */

void bench_report_live(const struct bench_sample *s)
{
    char at[BENCH_TEXT_BYTES], users[BENCH_TEXT_BYTES], rate[BENCH_TEXT_BYTES], mean[BENCH_TEXT_BYTES], p50[BENCH_TEXT_BYTES],
        p90[BENCH_TEXT_BYTES], p95[BENCH_TEXT_BYTES], p99[BENCH_TEXT_BYTES], errors[BENCH_TEXT_BYTES];
    fprintf(stderr, "\r\x1b[K%s  %s users  %s requests/s  average %s  p50 %s  p90 %s  p95 %s  p99 %s  errors %s",
            bench_text_ms(s->at_ms, at), bench_text_count(s->users, users), bench_text_count(s->per_second, rate),
            bench_text_us(s->mean_us, mean), bench_text_us(s->p50_us, p50), bench_text_us(s->p90_us, p90),
            bench_text_us(s->p95_us, p95), bench_text_us(s->p99_us, p99), bench_text_percent(s->errors, s->requests, errors));
}

void bench_report_clear(void) { fprintf(stderr, "\r\x1b[K"); }

static void put_head(const struct bench_story *story, const struct bench_sample *whole, FILE *out)
{
    const struct bench_settings *s = story->s;
    char span[BENCH_TEXT_BYTES], users[BENCH_TEXT_BYTES];
    fprintf(out, "%s\n%s %s, profile %s, %s", story->where,
            bench_text_count((uint64_t)(s->native ? s->pipeline : s->users), users), s->native ? "messages under way" : "users",
            s->profile_name, bench_text_ms(whole->span_ms, span));
    if (s->rate > 0)
        fprintf(out, ", %s/s planned", bench_text_count((uint64_t)s->rate, users));
    if (s->batch > 1)
        fprintf(out, ", %" PRId64 " jobs a request", s->batch);
    if (s->wait_s > 0)
        fprintf(out, ", waiting form");
    fprintf(out, "\n\n");
}

static void put_counts(const struct bench_story *story, const struct bench_sample *whole, FILE *out)
{
    const struct bench_tally *t = story->t;
    uint64_t batch = (uint64_t)story->s->batch, jobs = (whole->requests - whole->errors) * batch;
    uint64_t rate = (whole->per_second - whole->errors_per_second) * batch;
    char a[BENCH_TEXT_BYTES], b[BENCH_TEXT_BYTES], c[BENCH_TEXT_BYTES];
    fprintf(out, "  %-12s %14s   %s/s\n", story->s->native ? "messages" : "requests", bench_text_count(whole->requests, a),
            bench_text_count(whole->per_second, b));
    if (batch > 1)
        fprintf(out, "  %-12s %14s   %s/s, %s of them refused or failed\n", "jobs", bench_text_count(jobs, a),
                bench_text_count(rate, b), bench_text_count(t->jobs_failed, c));
    fprintf(out, "  %-12s %14s   %s\n", "errors", bench_text_count(whole->errors, a),
            bench_text_percent(whole->errors, whole->requests, b));
    if (t->missed > 0)
        fprintf(out, "  %-12s %14s   planned requests were not sent: every user was busy\n", "missed",
                bench_text_count(t->missed, a));
    if (t->unanswered > 0)
        fprintf(out, "  %-12s %14s   when the test was given up\n", "unanswered", bench_text_count(t->unanswered, a));
    if (!story->s->native)
        fprintf(out, "  %-12s %14s   sent, %s received, %" PRIu64 " connections\n", "bytes", bench_text_bytes(t->bytes_out, a),
                bench_text_bytes(t->bytes_in, b), t->connects);
}

static void put_latencies(const struct bench_sample *w, FILE *out)
{
    static const char *const names[] = {"average", "p50", "p90", "p95", "p99", "p99.9", "max"};
    const uint64_t us[] = {w->mean_us, w->p50_us, w->p90_us, w->p95_us, w->p99_us, w->p999_us, w->max_us};
    char text[BENCH_TEXT_BYTES];
    fprintf(out, "\n  %-10s", "latency");
    for (size_t i = 0; i < sizeof us / sizeof *us; i++)
        fprintf(out, " %10s", names[i]);
    fprintf(out, "\n  %-10s", "");
    for (size_t i = 0; i < sizeof us / sizeof *us; i++)
        fprintf(out, " %10s", bench_text_us(us[i], text));
    fputc('\n', out);
}

static void put_errors(const struct bench_tally *t, FILE *out)
{
    struct bench_error list[BENCH_ERRORS_MAX];
    size_t count = bench_tally_errors(t, list);
    char text[BENCH_TEXT_BYTES];
    if (count > 0)
        fprintf(out, "\n  errors\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-10s %14s   %s\n", list[i].name, bench_text_count(list[i].count, text), list[i].detail);
}

void bench_report_summary(const struct bench_story *story, FILE *out)
{
    struct bench_sample whole = bench_tally_whole(story->t);
    put_head(story, &whole, out);
    put_counts(story, &whole, out);
    if (story->t->total.latency.count > 0)
        put_latencies(&whole, out);
    put_errors(story->t, out);
    if (story->cpu_percent >= CPU_BUSY_PERCENT)
        fprintf(out, "\n  leat bench itself took %u %% of a core: a second one beside it may show more\n", story->cpu_percent);
}
