/* server.h - the broker as a process: recovers the journal, binds both endpoints, and serves until it is told to stop. */
#ifndef LEAT_QUEUE_SERVER_H
#define LEAT_QUEUE_SERVER_H

#include <stdint.h>

#include "common/err.h"

struct server_config {
    const char *journal_folder;
    const char *client_endpoint, *worker_endpoint;
    int64_t segment_bytes, min_free_bytes;
    int64_t max_messages, max_keys;
    int64_t visibility_ms, retention_ms, key_window_ms;
    int64_t max_receive_count;
    int stop_fd; /* becomes readable when the process shall stop (signalfd) */
};

/* Blocks until stop_fd is readable; then everything accepted is on disk and the journal is closed. 0; or an exit status after logging
 * why it could not start (74 for damage and I/O, 75 when another broker holds the journal). */
int server_run(const struct server_config *config);

#endif
