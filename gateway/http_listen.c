/* http_listen.c - binds, accepts, and answers 503 to whom there is no room for.
 *
 * We accept ourselves and hand the connection over: the library would leave the connections beyond its limit in the backlog, where
 * their clients wait without a word. */
#include "gateway/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "gateway/http_private.h"
#include "gateway/problem.h"

#define BACKLOG 4096
#define ACCEPTS_PER_RUN 64
#define SHORTAGE_PAUSE_MS 100

/* -- Binding --------------------------------------------------------------------------------------------------- */
static int split_address(const char *address, char host[static 256], char port[static 8])
{
    const char *colon = strrchr(address, ':');
    if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 || (size_t)(colon - address) > 255)
        return -1;
    size_t len = (size_t)(colon - address);
    const char *from = address;
    if (len >= 2 && from[0] == '[' && from[len - 1] == ']') {
        from++;
        len -= 2;
    } else if (memchr(from, ':', len)) {
        return -1;
    }
    memcpy(host, from, len);
    host[len] = '\0';
    snprintf(port, 8, "%s", colon + 1);
    return strspn(port, "0123456789") == strlen(port) && strtoul(port, NULL, 10) <= 65535 ? 0 : -1;
}

static int bind_one(const struct addrinfo *a)
{
    int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 && bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void name_url(int fd, char url[static HTTP_URL_BYTES])
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[64] = "?", port[8] = "?";
    if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0)
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(url, HTTP_URL_BYTES, bound.ss_family == AF_INET6 ? "http://[%s]:%s" : "http://%s:%s", host, port);
}

int http_listen(const char *address, char url[static HTTP_URL_BYTES], struct err *e)
{
    char host[256], port[8];
    if (split_address(address, host, port) != 0)
        return err_set(e, ERR_VALIDATION, "\"%s\" is not HOST:PORT", address);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    int why = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (why != 0)
        return err_set(e, ERR_VALIDATION, "\"%s\": %s", address, gai_strerror(why));
    int fd = -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = bind_one(a);
    freeaddrinfo(found);
    if (fd < 0)
        return err_set(e, ERR_UNAVAILABLE, "cannot listen on %s: %s", address, strerror(errno));
    name_url(fd, url);
    return fd;
}

/* -- Accepting ------------------------------------------------------------------------------------------------- */
void http_write_raw(int fd, const struct err *e)
{
    struct buf body = {0}, out = {0};
    problem_put(&body, e, NULL);
    buf_printf(&out, "HTTP/1.1 %d ", err_http_status(e->code));
    problem_put_title(&out, slice_text(err_name(e->code)));
    buf_printf(&out, "\r\nContent-Type: " PROBLEM_MEDIA_TYPE "\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", body.len,
               err_http_status(e->code) == 503 ? "Retry-After: 1\r\n" : "");
    buf_append(&out, body.data, body.len);
    if (!buf_failed(&body) && !buf_failed(&out) && send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("http.raw", "fd=%d errno=%d", fd, errno);
    buf_finish(&body);
    buf_finish(&out);
}

static void turn_away(struct http_server *h, int fd)
{
    struct err e;
    err_set(&e, ERR_UNAVAILABLE, "all %llu connections of this gateway are in use",
            (unsigned long long)h->limit->connections_max);
    http_write_raw(fd, &e);
    shutdown(fd, SHUT_WR);
    http_linger_add(&h->linger, fd, h->now_ms);
}

static void shortage(struct http_server *h, int why)
{
    h->accept_after_ms = h->now_ms + SHORTAGE_PAUSE_MS;
    log_warn("gateway.accept", "error=%d pause_ms=%d", why, SHORTAGE_PAUSE_MS);
}

void http_accept(struct http_server *h)
{
    for (int i = 0; i < ACCEPTS_PER_RUN && h->listen_fd >= 0 && h->now_ms >= h->accept_after_ms; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        int fd = accept4(h->listen_fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                shortage(h, errno);
            else if (errno == EINTR || errno == ECONNABORTED)
                continue;
            return;
        }
        if (h->limit->connections >= h->limit->connections_max) {
            h->limit->refused_connections++;
            turn_away(h, fd);
        } else if (MHD_add_connection(h->mhd, fd, (struct sockaddr *)&from, size) != MHD_YES) {
            shortage(h, errno); /* the library has closed it */
        }
    }
}
