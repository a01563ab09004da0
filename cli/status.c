/* status.c - leat status: the running stack at a glance, for people and (--json) for programs.
 *
 * Two sources: DIR/run/processes.json, written by leat up (absent where something else supervises, as in containers), and the broker's own
 * account of its queues, workers and clients. A process that the file names but the kernel does not know is "dead". */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/session.h"
#include "common/conf.h"
#include "common/json.h"
#include "common/limits.h"

struct settings {
    char *data, *endpoint;
    int64_t timeout_ms;
    bool json;
};

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW(data, "data", CONF_TEXT, "leat-data", 0, 0, "DIR", "data folder of the stack"),
    ROW(endpoint, "queue-endpoint", CONF_TEXT, NULL, 0, 0, "ENDPOINT", "the broker's client endpoint, when it is not in DIR"),
    ROW(timeout_ms, "timeout", CONF_DURATION, "2s", 100, 600000, "TIME", "how long to wait for the broker"),
    ROW(json, "json", CONF_BOOL, "false", 0, 0, NULL, "print one JSON object"),
};

static const struct conf_program program = {"leat status", "show the running stack: processes, queue, workers", rows,
                                            sizeof rows / sizeof rows[0], NULL};

/* What is known, as encoded values; empty where a source is missing. */
struct picture {
    struct buf file;     /* processes.json as a value */
    struct slice broker; /* admin "status"; owned by the session */
};

static struct value member(const struct value *map, const char *name) { return value_map_get(map, slice_text(name)); }

static int64_t number_of(const struct value *map, const char *name)
{
    struct value v = member(map, name);
    int64_t number = 0;
    value_to_int(&v, &number);
    return number;
}

static void read_file(const char *folder, struct buf *out)
{
    char name[4096], text[65536];
    snprintf(name, sizeof name, "%s/run/processes.json", folder);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    struct json_parser *parser = json_parser_create();
    if (parser && n > 0)
        json_to_value(parser, slice_of(text, (size_t)n), LIMIT_JSON_DEPTH, out, NULL);
    json_parser_destroy(&parser);
}

static bool alive(int64_t pid) { return kill((pid_t)pid, 0) == 0 || errno == EPERM; }

static const char *state_of(const struct value *process, char *out, size_t size)
{
    int64_t pid = number_of(process, "pid");
    struct slice state = member(process, "state").bytes;
    if (pid > 0 && !alive(pid))
        return "dead";
    snprintf(out, size, "%.*s", (int)state.len, (const char *)state.ptr);
    return out;
}

typedef void each_process(void *self, const char *role, const char *name, int64_t pid, const char *state);

/* The supervised processes, then each worker's child, which only its worker and the broker know. */
static void for_each_process(const struct picture *p, each_process *visit, void *self)
{
    struct value file = value_of(buf_slice(&p->file)), broker = value_of(p->broker), list = member(&file, "processes"), one;
    char role[32], name[96], state[32];
    struct value_walk walk = value_walk_of(&list);
    while (value_walk_next(&walk, NULL, &one)) {
        struct slice r = member(&one, "role").bytes, n = member(&one, "name").bytes;
        snprintf(role, sizeof role, "%.*s", (int)r.len, (const char *)r.ptr);
        snprintf(name, sizeof name, "%.*s", (int)n.len, (const char *)n.ptr);
        visit(self, role, name, number_of(&one, "pid"), state_of(&one, state, sizeof state));
    }
    list = member(&broker, "workers");
    walk = value_walk_of(&list);
    while (value_walk_next(&walk, NULL, &one)) {
        struct slice n = member(&one, "name").bytes;
        snprintf(name, sizeof name, "%.*s", (int)n.len, (const char *)n.ptr);
        int64_t pid = number_of(&one, "pid");
        bool here = file.type == VALUE_M; /* supervised on this host, so the number means something here */
        visit(self, "worker-child", name, pid, here && !alive(pid) ? "dead" : "running");
    }
}

static void print_process(void *self, const char *role, const char *name, int64_t pid, const char *state)
{
    (void)self;
    printf("  %-14s %-14s %8" PRId64 "  %s\n", role, name, pid, state);
}

static void print_queues(const struct value *queue)
{
    struct value list = member(queue, "queues"), others = member(queue, "otherQueues"), one;
    struct value_walk walk = value_walk_of(&list);
    printf("\nQueues\n  %-24s %10s %10s %10s\n", "", "ready", "inflight", "delayed");
    while (value_walk_next(&walk, NULL, &one)) {
        struct slice name = member(&one, "name").bytes;
        printf("  %-24.*s %10" PRId64 " %10" PRId64 " %10" PRId64 "\n", (int)name.len, (const char *)name.ptr,
               number_of(&one, "ready"), number_of(&one, "inflight"), number_of(&one, "delayed"));
    }
    if (number_of(&others, "count") > 0)
        printf("  and %" PRId64 " others%-*s %10" PRId64 " %10" PRId64 " %10" PRId64 "\n", number_of(&others, "count"), 9, "",
               number_of(&others, "ready"), number_of(&others, "inflight"), number_of(&others, "delayed"));
    printf("\nJobs since the broker started\n  accepted %" PRId64 "  succeeded %" PRId64 "  failed %" PRId64
           "  redelivered %" PRId64 "  dead %" PRId64 "\n",
           number_of(queue, "accepted"), number_of(queue, "succeeded"), number_of(queue, "failed"),
           number_of(queue, "redelivered"), number_of(queue, "dead"));
}

static void print_text(const struct picture *p)
{
    struct value broker = value_of(p->broker), file = value_of(buf_slice(&p->file)), queue = member(&broker, "queue");
    struct slice url = member(&file, "url").bytes;
    if (url.len > 0)
        printf("leat at %.*s\n\n", (int)url.len, (const char *)url.ptr);
    printf("Processes\n  %-14s %-14s %8s  %s\n", "role", "name", "pid", "state");
    for_each_process(p, print_process, NULL);
    if (queue.type == VALUE_M)
        print_queues(&queue);
    else
        printf("\nThe broker does not answer.\n");
}

static void put_process(void *self, const char *role, const char *name, int64_t pid, const char *state)
{
    struct buf *out = self;
    if (out->data[out->len - 1] == '}')
        buf_byte(out, ',');
    buf_printf(out, "{\"role\":\"%s\",\"name\":\"%s\",\"pid\":%" PRId64 ",\"state\":\"%s\"}", role, name, pid, state);
}

static void put_member(struct buf *out, const char *name, const struct value *value, const char *otherwise)
{
    buf_printf(out, ",\"%s\":", name);
    if (value->type == VALUE_NONE || json_from_value(value, out) != 0)
        buf_text(out, otherwise);
}

static void print_json(const struct picture *p)
{
    struct value broker = value_of(p->broker), file = value_of(buf_slice(&p->file));
    struct value queue = member(&broker, "queue"), workers = member(&broker, "workers"), clients = member(&broker, "clients"),
                 url = member(&file, "url");
    struct buf out = {0};
    buf_text(&out, "{\"processes\":[");
    for_each_process(p, put_process, &out);
    buf_byte(&out, ']');
    put_member(&out, "url", &url, "null");
    put_member(&out, "queue", &queue, "null");
    put_member(&out, "workers", &workers, "[]");
    put_member(&out, "clients", &clients, "[]");
    buf_text(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_finish(&out);
}

static int run(const struct settings *s)
{
    struct picture picture = {{0}, {NULL, 0}};
    struct buf endpoint = {0}, argument = {0};
    struct err e = {0};
    mp_put_map(&argument, 0);
    read_file(s->data, &picture.file);
    session_endpoint(s->data, s->endpoint, &endpoint);
    struct session *session = session_open((const char *)endpoint.data, s->timeout_ms, &e);
    bool answered = session && session_admin(session, "status", buf_slice(&argument), &picture.broker, &e) == 0;
    if (!answered && picture.file.len == 0)
        fprintf(stderr, "leat status: %s\n", e.text);
    else if (s->json)
        print_json(&picture);
    else
        print_text(&picture);
    session_close(&session);
    buf_finish(&picture.file);
    buf_finish(&argument);
    buf_finish(&endpoint);
    return answered ? 0 : 69;
}

int command_status(int argc, char **argv)
{
    struct settings s = {0};
    int operand, loaded = conf_load(&program, argc, argv, &s, &operand, stdout, stderr);
    int status = loaded == 0 ? run(&s) : loaded == 1 ? 0 : 64;
    conf_free(&program, &s);
    return status;
}
