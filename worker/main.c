/* main.c - leat-worker: reads the settings and becomes the guard of a working child. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/limits.h"
#include "common/log.h"
#include "worker/care.h"
#include "worker/child.h"

#define DAY_MS (24ll * 3600 * 1000)

struct settings {
    char *data, *queue_endpoint, *name, *backup, *log_level, *log_format;
    bool verify;
    struct conf_list tables;
    int64_t cache_bytes, outcome_retention_ms, echo_delay_ms, stall_ms;
};

#define ROW(name, type, field, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW("data", CONF_TEXT, data, "./leat-data", 0, 0, "DIR", "data folder; the store lies in DIR/store"),
    ROW("queue-endpoint", CONF_TEXT, queue_endpoint, NULL, 0, 0, "ENDPOINT",
        "the broker's worker endpoint (default: ipc://DIR/run/worker.sock)"),
    ROW("name", CONF_TEXT, name, NULL, 0, 0, "NAME", "name of this worker, its own in the store (default: worker-PID)"),
    ROW("table", CONF_LIST, tables, "lambda-apigateway:id name:id", 0, 0, "SPEC",
        "table to make if it is missing: NAME:KEY[:TYPE][,SORT[:TYPE]]"),
    ROW("cache-bytes", CONF_BYTES, cache_bytes, "64MiB", 1 << 20, 1ll << 40, "BYTES",
        "cache of the store, shared by all workers of the host"),
    ROW("outcome-retention", CONF_DURATION, outcome_retention_ms, "24h", 1000, 3650 * DAY_MS, "TIME",
        "how long what became of a job can be asked for"),
    ROW("echo-delay", CONF_DURATION, echo_delay_ms, "0ms", 0, 60000, "TIME",
        "each echo job takes so long: to try how workers scale"),
    ROW("stall-timeout", CONF_DURATION, stall_ms, "10s", 100, DAY_MS, "TIME",
        "a child without progress for so long is killed and started again"),
    ROW("backup", CONF_TEXT, backup, NULL, 0, 0, "DIR",
        "copy the store to DIR/store, also while workers use it, and exit (leat backup does it)"),
    ROW("verify", CONF_BOOL, verify, "false", 0, 0, NULL,
        "check the store of a stopped stack, or of a backup, and exit (leat verify does it)"),
    ROW("log-level", CONF_TEXT, log_level, "info", 0, 0, "LEVEL", "debug, info, warn or error"),
    ROW("log-format", CONF_TEXT, log_format, "text", 0, 0, "FORMAT", "text or json"),
};

static const struct conf_program program = {
    .name = "leat-worker",
    .summary = "applies jobs to the table store, and heals when it is killed",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
};

static int usage(const char *text, const char *value)
{
    fprintf(stderr, "leat-worker: %s: %s\n", text, value);
    return GUARD_EXIT_USAGE;
}

/* Instead of working. */
static int care(const struct settings *s, const char *store)
{
    char path[4352];
    if (s->verify) {
        snprintf(path, sizeof path, "%s/BACKUP", s->data);
        return care_verify_store(store, access(path, F_OK) == 0);
    }
    snprintf(path, sizeof path, "%s/store", s->backup);
    return care_backup_store(store, s->cache_bytes, path);
}

static int run(const struct settings *s)
{
    char store[4096], endpoint[4096], name[LIMIT_PEER_NAME_BYTES + 1];
    int level = log_level_parse(s->log_level), format = log_format_parse(s->log_format);
    if (level < 0)
        return usage("--log-level: unknown level", s->log_level);
    if (format < 0)
        return usage("--log-format: unknown format", s->log_format);
    snprintf(name, sizeof name, "worker-%ld", (long)getpid());
    if (s->name && !members_name_valid(s->name))
        return usage("--name: 1 to 64 letters, digits, '.', '_' or '-', not starting with '.'", s->name);
    int store_len = snprintf(store, sizeof store, "%s/store", s->data);
    int endpoint_len = snprintf(endpoint, sizeof endpoint, "ipc://%s/run/worker.sock", s->data);
    if (store_len < 0 || endpoint_len < 0 || (size_t)endpoint_len >= sizeof endpoint)
        return usage("--data: the name is too long", s->data);
    log_init("leat-worker", (enum log_level)level, (enum log_format)format);
    if (s->backup || s->verify)
        return care(s, store);
    if (mkdir(s->data, 0700) != 0 && errno != EEXIST)
        return usage(s->data, strerror(errno));
    struct child_config child = {.name = s->name ? s->name : name,
                                 .store_folder = store,
                                 .queue_endpoint = s->queue_endpoint ? s->queue_endpoint : endpoint,
                                 .tables = s->tables.at,
                                 .table_count = s->tables.count,
                                 .cache_bytes = s->cache_bytes,
                                 .outcome_retention_ms = s->outcome_retention_ms,
                                 .echo_delay_ms = s->echo_delay_ms,
                                 .stall_ms = s->stall_ms};
    struct guard_config guard = {
        .store_folder = store, .name = child.name, .stall_ms = s->stall_ms, .child = child_run, .self = &child};
    return guard_run(&guard);
}

int main(int argc, char **argv)
{
    struct settings settings = {.data = NULL};
    int first_operand = 0;
    int loaded = conf_load(&program, argc, argv, &settings, &first_operand, stdout, stderr);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit shows as EFBIG where the write is */
    int status = loaded == 0 ? run(&settings) : loaded > 0 ? 0 : GUARD_EXIT_USAGE;
    conf_free(&program, &settings);
    return status;
}
