/* bench_settings.c - the rows behind leat bench --help, and which of them go together. */
#include "cli/bench_settings.h"

#include <stddef.h>
#include <stdio.h>

#include "cli/bench_jobs.h"
#include "common/conf.h"
#include "common/limits.h"

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct bench_settings, field), preset, min, max, metavar, help                                    \
    }
#define DAY_MS (24ll * 3600 * 1000)

static const struct conf_row rows[] = {
    ROW(url, "url", CONF_TEXT, "http://127.0.0.1:8080", 0, 0, "URL", "the gateway, or any server that answers POST"),
    ROW(users, "users", CONF_INT, "64", 1, BENCH_USERS_MAX, "N",
        "virtual users, each with a connection of its own and one request under way"),
    ROW(rate, "rate", CONF_INT, "0", 0, BENCH_RATE_MAX, "N",
        "requests a second, planned evenly over the users; latency runs from the planned moment; 0: each user goes on at once"),
    ROW(duration_ms, "duration", CONF_DURATION, "10s", 100, DAY_MS, "TIME", "how long new requests are sent"),
    ROW(profile_name, "profile", CONF_TEXT, "fixed", 0, 0, "SHAPE",
        "fixed; ramp: a quarter of the users for 25 %, rising until 75 % of the time; spike: a quarter, all of them at 50 %; "
        "peak: a quarter until 20 %, all from 40 % to 60 %, a quarter from 80 % on"),
    ROW(mix, "mix", CONF_TEXT, "create=1", 0, 0, "OP=N,...",
        "operations and their weights, such as create=50,read=40,update=10; also delete, list, echo, ping"),
    ROW(items, "items", CONF_INT, "100000", 1, BENCH_ITEMS_MAX, "N",
        "the mix works on items of so many ids, bench-00000000 and so on"),
    ROW(table, "table", CONF_TEXT, "lambda-apigateway:id", 0, 0, "NAME:KEY", "the mix's table and its key, which is a string"),
    ROW(requests, "requests", CONF_TEXT, NULL, 0, 0, "FILE",
        "send the jobs of FILE, one JSON object a line, one after the other and over again, instead of a mix"),
    ROW(batch, "batch", CONF_INT, "1", 1, LIMIT_JOBS_PER_REQUEST, "N", "jobs a request, as NDJSON"),
    ROW(wait_s, "wait", CONF_INT, "0", 0, LIMIT_WAIT_MS / 1000, "SECONDS",
        "use the waiting form: a request ends when its jobs have"),
    ROW(timeout_ms, "timeout", CONF_DURATION, "60s", 10, 600000, "TIME", "give up a request after so long"),
    ROW(native, "native", CONF_BOOL, "false", 0, 0, NULL,
        "without HTTP: give messages to the queue itself, and measure until each is on disk"),
    ROW(pipeline, "pipeline", CONF_INT, "1000", 1, BENCH_PIPELINE_MAX, "N", "with --native: messages under way at once"),
    ROW(endpoint, "queue-endpoint", CONF_TEXT, NULL, 0, 0, "ENDPOINT",
        "with --native: the queue's client endpoint, when it is not in DIR"),
    ROW(data, "data", CONF_TEXT, "leat-data", 0, 0, "DIR", "with --native: data folder of the stack"),
    ROW(json, "json", CONF_TEXT, NULL, 0, 0, "FILE", "write the figures to FILE, as JSON"),
    ROW(html, "html", CONF_TEXT, NULL, 0, 0, "FILE", "write the figures to FILE, as a page with plots"),
    ROW(quiet, "quiet", CONF_BOOL, "false", 0, 0, NULL, "print nothing but errors"),
};

static const struct conf_program program = {"leat bench", "load the stack with many users, and measure it", rows,
                                            sizeof rows / sizeof rows[0], NULL};

static int complain(const char *what)
{
    fprintf(stderr, "leat bench: %s\nTry 'leat bench --help'.\n", what);
    return -1;
}

static int check(struct bench_settings *s)
{
    int profile = bench_profile_by_name(s->profile_name);
    if (profile < 0)
        return complain("--profile is fixed, ramp, spike or peak");
    s->profile = (enum bench_profile)profile;
    if (s->native && (s->batch > 1 || s->wait_s > 0))
        return complain("--native measures single messages until they are on disk: no --batch, no --wait");
    if (s->wait_s * 1000 > s->timeout_ms)
        return complain("--timeout must be longer than --wait");
    return 0;
}

int bench_settings_load(int argc, char **argv, struct bench_settings *s)
{
    int first, result = conf_load(&program, argc, argv, s, &first, stdout, stderr);
    return result == 0 ? check(s) : result;
}

void bench_settings_free(struct bench_settings *s) { conf_free(&program, s); }
