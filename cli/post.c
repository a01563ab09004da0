/* post.c - leat post FILE: posts a file of jobs, one JSON object a line, through the gateway.
 *
 * Lines go in requests of --batch jobs. Each request carries an Idempotency-Key of its own, so that one that was cut off or refused for
 * now is sent again without a job being accepted twice. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/http.h"
#include "cli/progress.h"
#include "common/clock.h"
#include "common/conf.h"
#include "common/id.h"
#include "common/json.h"
#include "common/limits.h"

#define TRIES 20

struct settings {
    char *url;
    int64_t batch, wait_s, timeout_ms;
    bool quiet;
};

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW(url, "url", CONF_TEXT, "http://127.0.0.1:8080", 0, 0, "URL", "the gateway"),
    ROW(batch, "batch", CONF_INT, "500", 1, LIMIT_JOBS_PER_REQUEST, "N", "jobs a request"),
    ROW(wait_s, "wait", CONF_INT, "0", 0, 30, "SECONDS",
        "wait so long for each request's jobs to end, and count what became of them"),
    ROW(timeout_ms, "timeout", CONF_DURATION, "60s", 1000, 600000, "TIME",
        "give up a request after so long, and send it again"),
    ROW(quiet, "quiet", CONF_BOOL, "false", 0, 0, NULL, "print nothing but errors"),
};

static const struct conf_program program = {"leat post", "post a file of jobs, one JSON object a line; - is standard input",
                                            rows, sizeof rows / sizeof rows[0], "FILE"};

struct post {
    const struct settings *s;
    struct http *http;
    struct json_parser *json;
    struct buf chunk, answer, value;
    struct id_maker ids;
    struct progress progress;
    uint64_t lines, bytes, first_line; /* read so far; line number of the chunk's first job */
    uint64_t in_chunk, accepted, refused, failed;
};

/* One entry of the answer: an "error" member means refused, or (with --wait) failed when it has a jobId. */
static void count_entry(struct post *p, const struct value *entry, uint64_t line)
{
    struct value error = value_map_get(entry, slice_text("error")), id = value_map_get(entry, slice_text("jobId"));
    if (id.type == VALUE_S)
        p->accepted++;
    else
        p->refused++;
    if (error.type != VALUE_M)
        return;
    if (id.type == VALUE_S)
        p->failed++;
    struct slice detail = value_map_get(&error, slice_text("detail")).bytes;
    progress_finish(&p->progress);
    fprintf(stderr, "line %" PRIu64 ": %.*s\n", line, (int)detail.len, (const char *)detail.ptr);
}

static int count_answer(struct post *p)
{
    struct err e = {0};
    struct value entry;
    buf_reset(&p->value);
    if (json_to_value(p->json, buf_slice(&p->answer), LIMIT_JSON_DEPTH, &p->value, &e) != 0) {
        fprintf(stderr, "leat post: the answer is no JSON: %s\n", e.text);
        return -1;
    }
    struct value answer = value_of(buf_slice(&p->value)), jobs = value_map_get(&answer, slice_text("jobs"));
    struct value_walk walk = value_walk_of(&jobs);
    for (uint64_t line = p->first_line; value_walk_next(&walk, NULL, &entry); line++)
        count_entry(p, &entry, line);
    return 0;
}

/* 0 when the request is settled, 1 when it should be tried again, -1 when all is lost. */
static int post_once(struct post *p, const char *key, struct err *e)
{
    char url[4096], header[128], prefer[64];
    const char *headers[] = {"Content-Type: application/x-ndjson", header, prefer};
    snprintf(url, sizeof url, "%s/DynamoDBManager", p->s->url);
    snprintf(header, sizeof header, "Idempotency-Key: %s", key);
    snprintf(prefer, sizeof prefer, "Prefer: wait=%" PRId64, p->s->wait_s);
    buf_reset(&p->answer);
    int status = http_post(p->http, url, headers, p->s->wait_s ? 3 : 2, buf_slice(&p->chunk), &p->answer, e);
    if (status < 0 || status == 503 || status == 507 || status == 408 || status == 429) {
        if (status > 0)
            err_set(e, ERR_UNAVAILABLE, "the gateway answers %d", status);
        return 1;
    }
    if (status == 200 || status == 202 || status == 400)
        return count_answer(p);
    return err_set(e, ERR_INTERNAL, "the gateway answers %d: %.*s", status, (int)(p->answer.len > 200 ? 200 : p->answer.len),
                   p->answer.data ? (const char *)p->answer.data : "");
}

static int post_chunk(struct post *p)
{
    struct err e = {0};
    char key[ID_TEXT_BYTES];
    if (p->in_chunk == 0)
        return 0;
    struct id id = id_make(&p->ids, clock_wall_ms(), 0);
    id_format(&id, key);
    int result = 1;
    for (int i = 0; i < TRIES && result == 1; i++) {
        if (i > 0)
            usleep(i < 10 ? 100000 : 1000000);
        result = post_once(p, key, &e);
    }
    if (result != 0) {
        progress_finish(&p->progress);
        fprintf(stderr, "leat post: stopped before line %" PRIu64 ": %s\n", p->first_line, e.text);
        return -1;
    }
    progress_show(&p->progress, p->bytes, p->accepted, "jobs", clock_mono_ms());
    p->in_chunk = 0;
    p->first_line = p->lines + 1;
    buf_reset(&p->chunk);
    return 0;
}

static bool is_blank(const char *line, size_t len) { return strspn(line, " \t\r\n") >= len; }

static int post_lines(struct post *p, FILE *in)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    int result = 0;
    p->first_line = 1;
    while (result == 0 && (n = getline(&line, &size, in)) > 0) {
        bool full = p->in_chunk == (uint64_t)p->s->batch || p->chunk.len + (size_t)n + 1 > LIMIT_BODY_BYTES;
        if (full || is_blank(line, (size_t)n)) /* a blank line ends the chunk, so that line numbers stay right */
            result = post_chunk(p);
        p->lines++;
        p->bytes += (uint64_t)n;
        if (is_blank(line, (size_t)n)) {
            p->first_line = p->lines + 1;
            continue;
        }
        if (p->in_chunk++ == 0)
            p->first_line = p->lines;
        buf_append(&p->chunk, line, (size_t)n);
        if (line[n - 1] != '\n')
            buf_byte(&p->chunk, '\n');
    }
    free(line);
    if (result == 0)
        result = post_chunk(p);
    return result;
}

static void print_summary(const struct post *p, int64_t ms)
{
    double seconds = ms > 0 ? (double)ms / 1000 : 0.001;
    printf("posted %" PRIu64 " jobs in %.2f s (%.0f/s), %" PRIu64 " refused", p->accepted, seconds,
           (double)p->accepted / seconds, p->refused);
    if (p->s->wait_s)
        printf(", %" PRIu64 " failed", p->failed);
    putchar('\n');
}

static int run(const struct settings *s, const char *name)
{
    struct post p = {.s = s, .http = http_create(s->timeout_ms), .json = json_parser_create()};
    struct stat info = {0};
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    int status = 70;
    if (!in) {
        perror(name);
        status = 66;
    } else if (p.http && p.json && id_maker_init(&p.ids) == 0) {
        int64_t start = clock_mono_ms();
        uint64_t total = fstat(fileno(in), &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
        progress_init(&p.progress, total, start);
        status = post_lines(&p, in) == 0 ? 0 : 69;
        progress_finish(&p.progress);
        if (!s->quiet)
            print_summary(&p, clock_mono_ms() - start);
        if (status == 0 && p.refused + p.failed > 0)
            status = 1;
    }
    if (in && in != stdin)
        fclose(in);
    buf_finish(&p.chunk);
    buf_finish(&p.answer);
    buf_finish(&p.value);
    json_parser_destroy(&p.json);
    http_destroy(&p.http);
    return status;
}

int command_post(int argc, char **argv)
{
    struct settings s = {0};
    int first, status = 64, loaded = conf_load(&program, argc, argv, &s, &first, stdout, stderr);
    if (loaded == 0 && argc - first == 1)
        status = run(&s, argv[first]);
    else if (loaded == 0)
        fprintf(stderr, "Usage: leat post [OPTION]... FILE\n");
    conf_free(&program, &s);
    return loaded == 1 ? 0 : status;
}
