/* bench_json.c - the figures for programs: whole numbers, units in the names. */
#include <inttypes.h>
#include <stddef.h>

#include "cli/bench_report.h"
#include "common/clock.h"
#include "common/json.h"

static const struct {
    const char *name;
    size_t offset;
} columns[] = {
#define COLUMN(field)                                                                                                          \
    {                                                                                                                          \
#field, offsetof(struct bench_sample, field)                                                                           \
    }
    COLUMN(at_ms),    COLUMN(span_ms),    COLUMN(users),
    COLUMN(requests), COLUMN(errors),     COLUMN(mean_us),
    COLUMN(p50_us),   COLUMN(per_second), COLUMN(errors_per_second),
    COLUMN(p90_us),   COLUMN(p95_us),     COLUMN(p99_us),
    COLUMN(p999_us),  COLUMN(max_us),
#undef COLUMN
};

static void put_sample(const struct bench_sample *s, struct buf *out)
{
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const uint64_t *number = (const void *)((const char *)s + columns[i].offset);
        buf_printf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "{", columns[i].name, *number);
    }
    buf_byte(out, '}');
}

static void put_text(const char *name, const char *text, struct buf *out)
{
    buf_printf(out, "\"%s\":", name);
    json_put_string(out, slice_text(text));
    buf_byte(out, ',');
}

static void put_settings(const struct bench_story *story, struct buf *out)
{
    const struct bench_settings *s = story->s;
    char begun[25];
    clock_format(story->begun_wall_ms, begun);
    put_text("begun", begun, out);
    put_text("target", story->where, out);
    put_text("mode", s->native ? "native" : "http", out);
    put_text("profile", s->profile_name, out);
    if (s->requests)
        put_text("requestsFile", s->requests, out);
    else
        put_text("mix", s->mix, out);
    buf_printf(out, "\"users\":%" PRId64 ",\"rate\":%" PRId64 ",\"batch\":%" PRId64 ",\"wait_s\":%" PRId64 ",",
               s->native ? s->pipeline : s->users, s->rate, s->batch, s->wait_s);
}

void bench_report_json(const struct bench_story *story, struct buf *out)
{
    const struct bench_tally *t = story->t;
    struct bench_sample whole = bench_tally_whole(t);
    struct bench_error errors[BENCH_ERRORS_MAX];
    size_t error_count = bench_tally_errors(t, errors);
    buf_byte(out, '{');
    put_settings(story, out);
    buf_text(out, "\"whole\":");
    put_sample(&whole, out);
    buf_printf(out,
               ",\"missed\":%" PRIu64 ",\"unanswered\":%" PRIu64 ",\"jobs_failed\":%" PRIu64 ",\"connections\":%" PRIu64
               ",\"sent_bytes\":%" PRIu64 ",\"received_bytes\":%" PRIu64 ",\"cpu_percent\":%u,\n\"errors\":[",
               t->missed, t->unanswered, t->jobs_failed, t->connects, t->bytes_out, t->bytes_in, story->cpu_percent);
    for (size_t i = 0; i < error_count; i++) {
        buf_text(out, i > 0 ? ",{" : "{");
        put_text("kind", errors[i].name, out);
        put_text("detail", errors[i].detail, out);
        buf_printf(out, "\"count\":%" PRIu64 "}", errors[i].count);
    }
    buf_text(out, "],\n\"samples\":[");
    for (size_t i = 0; i < t->sample_count; i++) {
        buf_text(out, i > 0 ? ",\n" : "\n");
        put_sample(&t->samples[i], out);
    }
    buf_text(out, "]}\n");
}
