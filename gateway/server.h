/* server.h - a gateway as a process: listens, connects to the queue, and serves until it is told to stop. */
#ifndef LEAT_GATEWAY_SERVER_H
#define LEAT_GATEWAY_SERVER_H

#include <stddef.h>
#include <stdint.h>

struct gateway_config {
    const char *listen;         /* "HOST:PORT" */
    const char *queue_endpoint; /* the broker's client endpoint */
    const char *const *tables;  /* texts of --table */
    size_t table_count;
    const char *const *credentials; /* "KEY[@ACCOUNT]:SECRET" each; none: any signature is accepted */
    size_t credential_count;
    int64_t max_connections, request_timeout_ms, idle_timeout_ms, call_timeout_ms;
    const char *account; /* in URLs and ARNs of queues: 12 digits */
    int stop_fd;         /* becomes readable when the process shall stop (signalfd) */
};

/* Blocks until stop_fd is readable and what was in flight is answered, 10 s at most. The exit status: 0; or after logging why it could
 * not start 64 (a setting), 70, 75 (the address is in use). */
int gateway_run(const struct gateway_config *config);

#endif
