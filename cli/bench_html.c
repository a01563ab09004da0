/* bench_html.c - the figures as one page that stands by itself: nothing is fetched, nothing runs. */
#include <inttypes.h>
#include <stddef.h>

#include "cli/bench_plot.h"
#include "cli/bench_report.h"
#include "cli/bench_text.h"
#include "common/clock.h"
#include "common/version.h"

static const char style[] =
    "body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu "
    "Sans',sans-serif;color:#1d2733;background:#f6f8fa;margin:0}"
    "main{max-width:1000px;margin:0 auto;padding:28px 20px 60px}"
    "h1{font-size:24px;margin:0 0 2px}h2{font-size:16px;margin:0;display:inline-block}"
    ".sub{color:#5b6875;margin:0 0 18px;overflow-wrap:anywhere}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin:0 0 18px}"
    ".tile{background:#fff;border:1px solid #dfe5ea;border-radius:8px;padding:10px 14px}"
    ".tile b{display:block;font-size:20px;font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".tile span{color:#5b6875;font-size:13px}.bad b{color:#b42318}"
    ".card{background:#fff;border:1px solid #dfe5ea;border-radius:8px;padding:14px 16px 8px;margin:0 0 16px}"
    ".legend{float:right;margin:0;color:#3c4a57;font-size:13px}.legend span{margin-left:16px}"
    ".legend i{display:inline-block;width:14px;height:3px;margin-right:6px;vertical-align:middle;border-radius:2px}"
    "svg{display:block;width:100%;height:auto;margin-top:8px}svg text{font-size:12px;fill:#5b6875}"
    ".y{text-anchor:end}.x{text-anchor:middle}.grid{stroke:#e6ebef}polyline{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".strip{fill:#1d2733;fill-opacity:0}.strip:hover{fill-opacity:.06}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:5px 10px 5px 0;border-top:1px solid #e6ebef;"
    "vertical-align:top;overflow-wrap:anywhere}th{border:0;color:#5b6875;font-weight:500;font-size:13px}"
    "td:first-child{white-space:nowrap;padding-right:24px}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-"
    "nums;padding-right:24px}";

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<' || *text == '>' || *text == '&' || *text == '"' || *text == '\'')
            buf_printf(out, "&#%d;", *text);
        else
            buf_byte(out, (unsigned char)*text);
    }
}

static void put_head(const struct bench_story *story, const struct bench_sample *whole, struct buf *out)
{
    const struct bench_settings *s = story->s;
    char begun[25], span[BENCH_TEXT_BYTES], users[BENCH_TEXT_BYTES];
    clock_format(story->begun_wall_ms, begun);
    buf_printf(out,
               "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
               "<title>leat bench</title>\n<style>%s</style></head>\n<body><main>\n<h1>leat bench</h1>\n<p class=\"sub\">",
               style);
    put_escaped(out, story->where);
    buf_printf(out, "<br>%s &middot; %s %s &middot; profile %s &middot; %s", begun,
               bench_text_count((uint64_t)(s->native ? s->pipeline : s->users), users),
               s->native ? "messages under way" : "users", s->profile_name, bench_text_ms(whole->span_ms, span));
    if (s->rate > 0)
        buf_printf(out, " &middot; %s/s planned", bench_text_count((uint64_t)s->rate, users));
    if (s->batch > 1)
        buf_printf(out, " &middot; %" PRId64 " jobs a request", s->batch);
    if (s->wait_s > 0)
        buf_text(out, " &middot; waiting form");
    buf_text(out, " &middot; ");
    put_escaped(out, s->requests ? s->requests : s->mix);
    buf_text(out, "</p>\n");
}

static void put_tile(struct buf *out, const char *figure, const char *name, bool bad)
{
    buf_printf(out, "<div class=\"tile%s\"><b>%s</b><span>%s</span></div>\n", bad ? " bad" : "", figure, name);
}

static void put_tiles(const struct bench_sample *w, uint64_t missed, struct buf *out)
{
    char text[BENCH_TEXT_BYTES];
    buf_text(out, "<div class=\"tiles\">\n");
    put_tile(out, bench_text_count(w->per_second, text), "requests a second", false);
    put_tile(out, bench_text_count(w->requests, text), "requests", false);
    put_tile(out, bench_text_percent(w->errors, w->requests, text), "errors", w->errors > 0);
    if (missed > 0)
        put_tile(out, bench_text_count(missed, text), "planned, not sent", true);
    put_tile(out, bench_text_us(w->mean_us, text), "average", false);
    put_tile(out, bench_text_us(w->p50_us, text), "p50", false);
    put_tile(out, bench_text_us(w->p90_us, text), "p90", false);
    put_tile(out, bench_text_us(w->p95_us, text), "p95", false);
    put_tile(out, bench_text_us(w->p99_us, text), "p99", false);
    put_tile(out, bench_text_us(w->p999_us, text), "p99.9", false);
    put_tile(out, bench_text_us(w->max_us, text), "longest", false);
    buf_text(out, "</div>\n");
}

#define LINE(name, color, field)                                                                                               \
    {                                                                                                                          \
        name, color, offsetof(struct bench_sample, field)                                                                      \
    }

static const struct bench_line rates[] = {LINE("requests a second", "#2563a8", per_second),
                                          LINE("errors a second", "#c0392b", errors_per_second)};
static const struct bench_line latencies[] = {LINE("p50", "#3b8f6b", p50_us), LINE("p90", "#c99a1c", p90_us),
                                              LINE("p95", "#d2691e", p95_us), LINE("p99", "#a8324a", p99_us)};
static const struct bench_line users[] = {LINE("users", "#6a51a3", users)};
static const struct bench_line depth[] = {LINE("messages under way at most", "#6a51a3", users)};

static void put_plots(const struct bench_story *story, struct buf *out)
{
    bool failed = story->t->total.errors > 0;
    const struct bench_plot plots[] = {
        {.title = "Throughput", .filled = true, .lines = rates, .line_count = failed ? 2 : 1},
        {.title = "Latency", .time = true, .lines = latencies, .line_count = sizeof latencies / sizeof *latencies},
        {.title = story->s->native ? "Pipeline" : "Users",
         .filled = true,
         .moment = true,
         .lines = story->s->native ? depth : users,
         .line_count = 1},
    };
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        buf_text(out, "<div class=\"card\">");
        bench_plot_put(&plots[i], story->t->samples, story->t->sample_count, out);
        buf_text(out, "</div>\n");
    }
}

static void put_errors(const struct bench_tally *t, struct buf *out)
{
    struct bench_error list[BENCH_ERRORS_MAX];
    size_t count = bench_tally_errors(t, list);
    char text[BENCH_TEXT_BYTES];
    if (count == 0)
        return;
    buf_text(out,
             "<div class=\"card\"><h2>Errors</h2>\n<table><tr><th>kind</th><th class=\"n\">count</th><th>detail</th></tr>\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "<tr><td>%s</td><td class=\"n\">%s</td><td>", list[i].name, bench_text_count(list[i].count, text));
        put_escaped(out, list[i].detail);
        buf_text(out, "</td></tr>\n");
    }
    buf_text(out, "</table></div>\n");
}

void bench_report_html(const struct bench_story *story, struct buf *out)
{
    struct bench_sample whole = bench_tally_whole(story->t);
    put_head(story, &whole, out);
    put_tiles(&whole, story->t->missed, out);
    put_plots(story, out);
    put_errors(story->t, out);
    buf_printf(
        out,
        "<p class=\"sub\">Latencies are those of successful requests, at most 1&nbsp;%% off. Users wait for an answer before "
        "they "
        "send the next request, so while the server stalls fewer requests are sent. leat %s, which itself took %u&nbsp;%% of a "
        "core.</p>\n</main></body></html>\n",
        LEAT_VERSION, story->cpu_percent);
}
