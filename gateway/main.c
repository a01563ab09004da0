/* main.c - leat-gateway: settings, signals, and the server. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/aws.h"
#include "common/conf.h"
#include "common/limits.h"
#include "common/log.h"
#include "gateway/server.h"

struct settings {
    char *listen, *queue_endpoint, *log_level, *log_format;
    struct conf_list tables, credentials;
    char *account;
    int64_t max_connections, request_timeout, idle_timeout, call_timeout;
};

#define ROW(field, name, type, preset, min, max, metavar, help)                                                                \
    {                                                                                                                          \
        name, type, offsetof(struct settings, field), preset, min, max, metavar, help                                          \
    }

static const struct conf_row rows[] = {
    ROW(listen, "listen", CONF_TEXT, "127.0.0.1:8080", 0, 0, "HOST:PORT", "where to serve HTTP; port 0 takes a free one"),
    ROW(queue_endpoint, "queue-endpoint", CONF_TEXT, "ipc://leat-data/run/client.sock", 0, 0, "ENDPOINT",
        "the broker's client endpoint"),
    ROW(tables, "table", CONF_LIST, NULL, 0, 0, "NAME:KEY[:TYPE][,SORT[:TYPE]]",
        "a table whose key is known before the first worker has told it; may be repeated"),
    ROW(account, "account-id", CONF_TEXT, AWS_ACCOUNT, 0, 0, "DIGITS",
        "the account in ARNs and in the URLs of queues: 12 digits"),
    ROW(credentials, "credentials", CONF_LIST, NULL, 0, 0, "KEY:SECRET",
        "an access key of AWS's protocols whose signatures are checked; may be repeated; none: any signature is accepted"),
    ROW(max_connections, "max-connections", CONF_INT, "10000", 1, 1000000, "N", "open connections; more are answered with 503"),
    ROW(request_timeout, "request-timeout", CONF_DURATION, "10s", 100, 3600000, "TIME",
        "how long a client may take to send a request"),
    ROW(idle_timeout, "idle-timeout", CONF_DURATION, "60s", 100, 86400000, "TIME",
        "how long a connection may rest between two requests"),
    ROW(call_timeout, "call-timeout", CONF_DURATION, "20s", 100, LIMIT_CALL_MS, "TIME",
        "how long a request of DynamoDB's API is tried before it fails; the stack heals in 3s"),
    ROW(log_level, "log-level", CONF_TEXT, "info", 0, 0, "LEVEL", "debug, info, warn or error"),
    ROW(log_format, "log-format", CONF_TEXT, "text", 0, 0, "FORMAT", "text or json"),
};

static const struct conf_program program = {"leat-gateway", "the HTTP side: takes jobs and answers for them", rows,
                                            sizeof rows / sizeof rows[0], NULL};

/* SIGTERM and SIGINT arrive as reads from the descriptor. Before any thread is made: the threads inherit the mask. */
static int catch_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0)
        return -1;
    return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const struct settings *s)
{
    struct gateway_config config = {.listen = s->listen,
                                    .queue_endpoint = s->queue_endpoint,
                                    .tables = (const char *const *)s->tables.at,
                                    .table_count = s->tables.count,
                                    .credentials = (const char *const *)s->credentials.at,
                                    .account = s->account,
                                    .credential_count = s->credentials.count,
                                    .max_connections = s->max_connections,
                                    .request_timeout_ms = s->request_timeout,
                                    .idle_timeout_ms = s->idle_timeout,
                                    .call_timeout_ms = s->call_timeout,
                                    .stop_fd = catch_signals()};
    if (config.stop_fd < 0) {
        fprintf(stderr, "leat-gateway: no signal descriptor\n");
        return 70;
    }
    int status = gateway_run(&config);
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
            fprintf(stderr, "leat-gateway: --log-level is debug, info, warn or error; --log-format is text or json\n");
        } else {
            log_init("gateway", (enum log_level)level, (enum log_format)format);
            status = run(&s);
        }
    }
    conf_free(&program, &s);
    return status;
}
