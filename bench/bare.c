/* bare.c - what the HTTP library alone can do: libmicrohttpd on an external epoll loop, the same POST answered with a constant 202, no queue.
 * The yardstick of every other figure of the bench. Usage: bare PORT */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char answer[] = "{\"jobId\":\"019aa5c2-8f40-7c11-9d3e-5a1f0b7c2e44\",\"status\":\"queued\"}";

static enum MHD_Result handle(void *self, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)url, (void)method, (void)version, (void)upload;
    if (!*state) {
        *state = connection;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_ACCEPTED, self);
}

int main(int argc, char **argv)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(sizeof answer - 1, (void *)answer, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Location", "/jobs/019aa5c2-8f40-7c11-9d3e-5a1f0b7c2e44");
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL, (uint16_t)(argc > 1 ? strtol(argv[1], NULL, 10) : 8080), NULL,
                                                 NULL, handle, response, MHD_OPTION_CONNECTION_LIMIT, 20000u, MHD_OPTION_END);
    if (!daemon)
        return 1;
    int fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    printf("bare ready\n");
    fflush(stdout);
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, 1, -1);
        MHD_run(daemon);
    }
}
