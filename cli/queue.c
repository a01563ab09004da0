/* queue.c - leat queue ls|peek|purge|redrive: the broker's queues, through its admin verbs. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/session.h"
#include "common/conf.h"
#include "common/json.h"

struct settings {
    char *data, *endpoint;
    int64_t timeout_ms, max;
    bool json;
};

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW(data, "data", CONF_TEXT, "leat-data", 0, 0, "DIR", "data folder of the running stack"),
    ROW(endpoint, "queue-endpoint", CONF_TEXT, NULL, 0, 0, "ENDPOINT", "the broker's client endpoint, when it is not in DIR"),
    ROW(timeout_ms, "timeout", CONF_DURATION, "10s", 100, 600000, "TIME", "how long to wait for an answer"),
    ROW(max, "max", CONF_INT, "0", 0, 1000000000, "N", "peek: at most N messages (10); redrive: at most N (all)"),
    ROW(json, "json", CONF_BOOL, "false", 0, 0, NULL, "print the answer as JSON"),
};

static const struct conf_program program = {"leat queue",
                                            "list, peek into, purge and redrive the queues leat-jobs and leat-jobs-dead", rows,
                                            sizeof rows / sizeof rows[0], "ls | peek [QUEUE] | purge QUEUE | redrive"};

static int64_t number_of(const struct value *map, const char *name)
{
    struct value v = value_map_get(map, slice_text(name));
    int64_t number = 0;
    value_to_int(&v, &number);
    return number;
}

static void print_text(const struct value *map, const char *name, const char *format)
{
    struct slice text = value_map_get(map, slice_text(name)).bytes;
    char copy[256];
    snprintf(copy, sizeof copy, "%.*s", (int)text.len, (const char *)text.ptr);
    printf(format, copy);
}

static void print_queues(const struct value *answer)
{
    struct value queue;
    struct value_walk walk = value_walk_of(answer);
    printf("%-24s %10s %10s %10s %12s %8s\n", "QUEUE", "READY", "INFLIGHT", "DELAYED", "BYTES", "OLDEST");
    while (value_walk_next(&walk, NULL, &queue)) {
        print_text(&queue, "name", "%-24s");
        printf(" %10" PRId64 " %10" PRId64 " %10" PRId64 " %12" PRId64 " %7" PRId64 "s\n", number_of(&queue, "ready"),
               number_of(&queue, "inflight"), number_of(&queue, "delayed"), number_of(&queue, "bytes"),
               number_of(&queue, "oldestSeconds"));
    }
}

static void print_messages(const struct value *answer)
{
    struct value message;
    struct value_walk walk = value_walk_of(answer);
    while (value_walk_next(&walk, NULL, &message)) {
        print_text(&message, "jobId", "%s ");
        print_text(&message, "status", "%-9s");
        printf(" received=%" PRId64 " age=%" PRId64 "s ", number_of(&message, "receiveCount"),
               number_of(&message, "ageSeconds"));
        print_text(&message, "operation", "%s ");
        print_text(&message, "tableName", "%s");
        if (value_map_get(&message, slice_text("reason")).type == VALUE_S)
            print_text(&message, "reason", " reason=\"%s\"");
        putchar('\n');
    }
    if (answer->count == 0)
        printf("no messages\n");
}

static void print_purged(const struct value *answer) { printf("purged %" PRId64 " messages\n", number_of(answer, "purged")); }
static void print_moved(const struct value *answer)
{
    printf("moved %" PRId64 " messages to leat-jobs\n", number_of(answer, "moved"));
}

static const struct verb {
    const char *name, *admin;
    int least, most; /* operands */
    void (*print)(const struct value *answer);
} verbs[] = {{"ls", "queues", 0, 0, print_queues},
             {"peek", "peek", 0, 1, print_messages},
             {"purge", "purge", 1, 1, print_purged},
             {"redrive", "redrive", 0, 0, print_moved}};

static void put_argument(struct buf *out, const struct settings *s, const char *queue)
{
    size_t map = mp_open(out);
    uint32_t count = 0;
    if (queue) {
        mp_put_text(out, "queue");
        mp_put_text(out, queue);
        count++;
    }
    if (s->max > 0) {
        mp_put_text(out, "max");
        value_put_int(out, s->max);
        count++;
    }
    mp_close_map(out, map, count);
}

static int run(const struct settings *s, const struct verb *verb, const char *queue)
{
    struct err e = {0};
    struct buf endpoint = {0}, argument = {0}, text = {0};
    struct slice answer;
    int status = 0;
    session_endpoint(s->data, s->endpoint, &endpoint);
    put_argument(&argument, s, queue);
    struct session *session = session_open((const char *)endpoint.data, s->timeout_ms, &e);
    if (!session) {
        status = 69;
    } else if (session_admin(session, verb->admin, buf_slice(&argument), &answer, &e) != 0) {
        status = 1;
    } else {
        struct value value = value_of(answer);
        if (!s->json)
            verb->print(&value);
        else if (json_from_value(&value, &text) == 0)
            printf("%.*s\n", (int)text.len, (const char *)text.data);
    }
    if (status != 0)
        fprintf(stderr, "leat queue: %s\n", e.text);
    session_close(&session);
    buf_finish(&text);
    buf_finish(&argument);
    buf_finish(&endpoint);
    return status;
}

int command_queue(int argc, char **argv)
{
    struct settings s = {0};
    int first, status = 64, loaded = conf_load(&program, argc, argv, &s, &first, stdout, stderr);
    if (loaded == 0) {
        const struct verb *verb = NULL;
        int operands = argc - first - 1;
        for (size_t i = 0; first < argc && i < sizeof verbs / sizeof verbs[0]; i++)
            if (strcmp(argv[first], verbs[i].name) == 0)
                verb = &verbs[i];
        if (verb && operands >= verb->least && operands <= verb->most)
            status = run(&s, verb, operands > 0 ? argv[first + 1] : NULL);
        else
            fprintf(stderr, "Usage: leat queue %s\n", program.operands);
    }
    conf_free(&program, &s);
    return loaded == 1 ? 0 : status;
}
