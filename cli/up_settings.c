/* up_settings.c - the settings of leat up. A part's setting is text here: the part itself checks it, and its refusal ends the start. */
#include "cli/up_settings.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct up_settings, field), preset, min, max, metavar, help                                       \
    }
#define PASS(index, name, metavar, help)                                                                                       \
    {                                                                                                                          \
        name, CONF_TEXT, offsetof(struct up_settings, passed) + (index) * sizeof(char *), NULL, 0, 0, metavar, help            \
    }

#define OWN_ROWS 7

static const struct conf_row rows[] = {
    ROW(data, "data", CONF_TEXT, "leat-data", 0, 0, "DIR", "folder of all data"),
    ROW(listen, "listen", CONF_TEXT, "127.0.0.1:8080", 0, 0, "HOST:PORT",
        "where the gateway answers HTTP; port 0 takes a free one"),
    ROW(workers, "workers", CONF_INT, "2", 0, 200, "N", "worker processes"),
    ROW(gateways, "gateways", CONF_INT, "1", 1, 16, "N", "gateway processes, sharing the port"),
    ROW(tables, "table", CONF_LIST, "lambda-apigateway:id name:id", 0, 0, "NAME:KEY[:TYPE][,SORT[:TYPE]]",
        "a table to create if it does not exist; may be repeated; TYPE is S, N or B"),
    ROW(log_level, "log-level", CONF_TEXT, "info", 0, 0, "LEVEL", "debug, info, warn or error"),
    ROW(log_format, "log-format", CONF_TEXT, "text", 0, 0, "FORMAT", "text or json"),
    PASS(0, "visibility-timeout", "TIME", "queue: how long a worker may hold a job (30s)"),
    PASS(1, "max-receive-count", "N", "queue: deliveries before a job is dead-lettered (5)"),
    PASS(2, "retention", "TIME", "queue: how long a job may wait (4d)"),
    PASS(3, "idempotency-window", "TIME", "queue: how long an Idempotency-Key is remembered (10m)"),
    PASS(4, "max-messages", "N", "queue: jobs held at most (10000000)"),
    PASS(5, "segment-bytes", "SIZE", "queue: size of a journal segment (64MiB)"),
    PASS(6, "min-free", "SIZE", "queue: free disk space below which new jobs are refused (64MiB)"),
    PASS(7, "cache-bytes", "SIZE", "worker: cache of the table store, shared by all workers (64MiB)"),
    PASS(8, "outcome-retention", "TIME", "worker: how long outcomes of jobs are kept (24h)"),
    PASS(9, "echo-delay", "TIME", "worker: each echo job takes so long, to try scaling (0ms)"),
    PASS(10, "stall-timeout", "TIME", "worker: a child without progress for so long is killed (10s)"),
    PASS(11, "max-connections", "N", "gateway: connections at once (10000)"),
    PASS(12, "request-timeout", "TIME", "gateway: a request must be complete within (10s)"),
    PASS(13, "idle-timeout", "TIME", "gateway: an idle connection is closed after (60s)"),
    PASS(14, "credentials", "KEY[@ACCOUNT]:SECRET ...",
         "gateway: access keys of AWS's protocols that are checked (none: any is accepted)"),
    PASS(15, "call-timeout", "TIME", "gateway: how long a request of DynamoDB's API is tried (20s)"),
    PASS(16, "account-id", "DIGITS", "gateway: the account in ARNs and in the URLs of queues (123456789012)"),
};

static const struct conf_program program = {"leat up", "run the whole stack in the foreground", rows,
                                            sizeof rows / sizeof rows[0], NULL};

/* "max-connections" -> LEAT_MAX_CONNECTIONS=value */
static int export(const char *name, const char *value)
{
    struct buf variable = {0};
    buf_text(&variable, "LEAT_");
    for (const char *p = name; *p; p++)
        buf_byte(&variable, *p == '-' ? '_' : (unsigned char)toupper((unsigned char)*p));
    buf_byte(&variable, 0);
    int result = buf_failed(&variable) ? -1 : setenv((const char *)variable.data, value, 1);
    buf_finish(&variable);
    return result;
}

static int export_tables(const struct conf_list *tables)
{
    struct buf joined = {0};
    for (size_t i = 0; i < tables->count; i++)
        buf_printf(&joined, "%s%s", i ? " " : "", tables->at[i]);
    buf_byte(&joined, 0);
    int result = buf_failed(&joined) ? -1 : export("table", (const char *)joined.data);
    buf_finish(&joined);
    return result;
}

int up_settings_load(int argc, char **argv, struct up_settings *s)
{
    int operand, loaded = conf_load(&program, argc, argv, s, &operand, stdout, stderr), failed = 0;
    if (loaded != 0)
        return loaded;
    unsetenv("LEAT_CONFIG"); /* its rows have been read here */
    for (size_t i = OWN_ROWS; i < program.row_count; i++)
        if (s->passed[i - OWN_ROWS])
            failed |= export(rows[i].name, s->passed[i - OWN_ROWS]);
    failed |= export("log-level", s->log_level) | export("log-format", s->log_format) | export_tables(&s->tables);
    if (!failed)
        return 0;
    fprintf(stderr, "leat up: out of memory\n");
    return -1;
}

void up_settings_free(struct up_settings *s) { conf_free(&program, s); }
