/* probe.c - leat probe: is one part well? For health checks, which want an exit status and no other program in the image.
 *
 *     leat probe http://127.0.0.1:8080/readyz                  a gateway: its answer is 2xx
 *     leat probe tcp://127.0.0.1:5555                          the broker: it answers at its client endpoint
 *     leat probe --worker worker-1 tcp://queue:5555            a worker: the broker has it in its list
 *
 * Well is silence and 0; otherwise one line on standard error says why: 1 it says no, 69 nobody answers. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/http.h"
#include "cli/session.h"
#include "common/conf.h"

#define STATUS_WELL 0
#define STATUS_NO 1
#define STATUS_USAGE 64
#define STATUS_NO_ANSWER 69

struct settings {
    char *worker;
    int64_t timeout_ms;
};

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW(worker, "worker", CONF_TEXT, NULL, 0, 0, "NAME", "ask the broker whether this worker is connected"),
    ROW(timeout_ms, "timeout", CONF_DURATION, "2s", 100, 600000, "TIME", "how long to wait for an answer"),
};

static const struct conf_program program = {"leat probe",
                                            "tell whether the part at a gateway's URL or the broker's client ENDPOINT is well",
                                            rows, sizeof rows / sizeof rows[0], "URL | ENDPOINT"};

static int say(int status, const char *target, const char *why)
{
    fprintf(stderr, "leat probe: %s: %s\n", target, why);
    return status;
}

static int probe_http(const char *url, int64_t timeout_ms)
{
    struct buf body = {0};
    struct err e = {0};
    struct http *http = http_create(timeout_ms);
    int code = http ? http_get(http, url, &body, &e) : err_set(&e, ERR_INTERNAL, "out of memory"), status = STATUS_WELL;
    if (code < 0)
        status = say(STATUS_NO_ANSWER, url, e.text);
    else if (code < 200 || code > 299) {
        char text[64];
        snprintf(text, sizeof text, "HTTP status %d", code);
        status = say(STATUS_NO, url, text);
    }
    http_destroy(&http);
    buf_finish(&body);
    return status;
}

static bool has_worker(struct slice answer, const char *name)
{
    struct value status = value_of(answer), list = value_map_get(&status, slice_text("workers")), one;
    struct value_walk walk = value_walk_of(&list);
    while (value_walk_next(&walk, NULL, &one)) {
        struct slice found = value_map_get(&one, slice_text("name")).bytes;
        if (found.len == strlen(name) && memcmp(found.ptr, name, found.len) == 0)
            return true;
    }
    return false;
}

static int probe_broker(const char *endpoint, const struct settings *s)
{
    struct buf argument = {0};
    struct err e = {0};
    struct slice answer;
    int status = STATUS_WELL;
    mp_put_map(&argument, 0);
    struct session *session = session_open(endpoint, s->timeout_ms, &e);
    if (!session || session_admin(session, "status", buf_slice(&argument), &answer, &e) != 0)
        status = say(STATUS_NO_ANSWER, endpoint, e.text);
    else if (s->worker && !has_worker(answer, s->worker))
        status = say(STATUS_NO, s->worker, "the broker knows no worker of this name");
    session_close(&session);
    buf_finish(&argument);
    return status;
}

static bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static int run(const struct settings *s, const char *target)
{
    bool http = starts_with(target, "http://");
    if (!http && !starts_with(target, "tcp://") && !starts_with(target, "ipc://"))
        return say(STATUS_USAGE, target, "neither http:// nor tcp:// nor ipc://");
    if (http && s->worker)
        return say(STATUS_USAGE, target, "--worker asks the broker, at its client endpoint");
    return http ? probe_http(target, s->timeout_ms) : probe_broker(target, s);
}

int command_probe(int argc, char **argv)
{
    struct settings s = {0};
    int operand, loaded = conf_load(&program, argc, argv, &s, &operand, stdout, stderr),
                 status = loaded == 1 ? 0 : STATUS_USAGE;
    if (loaded == 0 && operand != argc - 1)
        fprintf(stderr, "leat probe: give one URL or endpoint; --help tells more\n");
    else if (loaded == 0)
        status = run(&s, argv[operand]);
    conf_free(&program, &s);
    return status;
}
