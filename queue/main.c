/* main.c - leat-queue: settings, signals, and the server. */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/limits.h"
#include "common/log.h"
#include "queue/care.h"
#include "queue/server.h"

struct settings {
    char *data, *client_endpoint, *worker_endpoint, *backup, *log_level, *log_format;
    int64_t segment_bytes, min_free, max_messages, max_keys, visibility, retention, window, max_receive;
    bool salvage, verify;
};

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW(data, "data", CONF_TEXT, "leat-data", 0, 0, "DIR", "folder of all data; the journal lies in DIR/journal"),
    ROW(client_endpoint, "client-endpoint", CONF_TEXT, NULL, 0, 0, "ENDPOINT",
        "where gateways and the command line connect (ipc://DIR/run/client.sock)"),
    ROW(worker_endpoint, "worker-endpoint", CONF_TEXT, NULL, 0, 0, "ENDPOINT",
        "where workers connect (ipc://DIR/run/worker.sock)"),
    ROW(segment_bytes, "segment-bytes", CONF_BYTES, "64MiB", 4 << 20, 1 << 30, "SIZE", "size of a journal segment"),
    ROW(min_free, "min-free", CONF_BYTES, "64MiB", 0, INT64_MAX, "SIZE", "free disk space below which new jobs are refused"),
    ROW(max_messages, "max-messages", CONF_INT, "10000000", 1, 1ll << 30, "N", "jobs the broker holds at most"),
    ROW(max_keys, "max-keys", CONF_INT, "8388608", 1, 1ll << 30, "N",
        "idempotency and deduplication keys remembered at once (72 bytes each); sends with a key are refused beyond"),
    ROW(visibility, "visibility-timeout", CONF_DURATION, "30s", 100, LIMIT_VISIBILITY_MS, "TIME",
        "how long a worker may hold a job before it is handed out again"),
    ROW(retention, "retention", CONF_DURATION, "4d", LIMIT_RETENTION_MIN_MS, LIMIT_RETENTION_MAX_MS, "TIME",
        "how long a job may wait before it goes to the dead-letter queue"),
    ROW(max_receive, "max-receive-count", CONF_INT, "5", 1, LIMIT_RECEIVE_COUNT, "N",
        "how often a job is handed out before it goes to the dead-letter queue"),
    ROW(window, "idempotency-window", CONF_DURATION, "10m", 1000, 86400000, "TIME",
        "how long an Idempotency-Key is remembered"),
    ROW(salvage, "salvage", CONF_BOOL, "false", 0, 0, NULL,
        "repair a damaged journal: keep what is intact, set the rest aside, say what was lost, and exit"),
    ROW(backup, "backup", CONF_TEXT, NULL, 0, 0, "DIR",
        "copy the journal to DIR/journal, also while a broker runs, and exit (leat backup does it)"),
    ROW(verify, "verify", CONF_BOOL, "false", 0, 0, NULL, "check the journal, change nothing, and exit (leat verify does it)"),
    ROW(log_level, "log-level", CONF_TEXT, "info", 0, 0, "LEVEL", "debug, info, warn or error"),
    ROW(log_format, "log-format", CONF_TEXT, "text", 0, 0, "FORMAT", "text or json"),
};

static const struct conf_program program = {"leat-queue", "the broker: a durable queue with visibility time-outs", rows,
                                            sizeof rows / sizeof rows[0], NULL};

/* SIGTERM and SIGINT arrive as reads from the descriptor; SIGXFSZ and SIGPIPE become the error returns they stand for. */
static int catch_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0)
        return -1;
    return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Instead of serving; -1: nothing of the kind was asked for. */
static int care(const struct settings *s, const char *journal)
{
    struct journal_config config = {journal, s->segment_bytes, s->min_free};
    char target[4352];
    if (s->salvage)
        return care_salvage(&config);
    if (s->verify)
        return care_verify(journal, s->max_messages);
    if (!s->backup)
        return -1;
    snprintf(target, sizeof target, "%s/journal", s->backup);
    return care_backup(journal, target);
}

static int run(const struct settings *s)
{
    char journal[4096], run[4096], client[4352], worker[4352];
    snprintf(journal, sizeof journal, "%s/journal", s->data);
    snprintf(run, sizeof run, "%s/run", s->data);
    snprintf(client, sizeof client, "ipc://%s/client.sock", run);
    snprintf(worker, sizeof worker, "ipc://%s/worker.sock", run);
    int status = care(s, journal);
    if (status >= 0)
        return status;
    mkdir(s->data, 0700);
    mkdir(run, 0700); /* a folder that cannot be made is reported by the bind below */
    struct server_config config = {.journal_folder = journal,
                                   .client_endpoint = s->client_endpoint ? s->client_endpoint : client,
                                   .worker_endpoint = s->worker_endpoint ? s->worker_endpoint : worker,
                                   .segment_bytes = s->segment_bytes,
                                   .min_free_bytes = s->min_free,
                                   .max_messages = s->max_messages,
                                   .max_keys = s->max_keys,
                                   .visibility_ms = s->visibility,
                                   .retention_ms = s->retention,
                                   .key_window_ms = s->window,
                                   .max_receive_count = s->max_receive,
                                   .stop_fd = catch_signals()};
    if (config.stop_fd < 0) {
        fprintf(stderr, "leat-queue: no signal descriptor\n");
        return 70;
    }
    status = server_run(&config);
    close(config.stop_fd);
    return status;
}

int main(int argc, char **argv)
{
    struct settings s = {0};
    int operand, loaded = conf_load(&program, argc, argv, &s, &operand, stdout, stderr), status = 64;
    if (loaded == 1)
        status = 0;
    if (loaded == 0) {
        int level = log_level_parse(s.log_level), format = log_format_parse(s.log_format);
        if (level < 0 || format < 0) {
            fprintf(stderr, "leat-queue: --log-level is debug, info, warn or error; --log-format is text or json\n");
        } else {
            log_init("queue", (enum log_level)level, (enum log_format)format);
            status = run(&s);
        }
    }
    conf_free(&program, &s);
    return status;
}
