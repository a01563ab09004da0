/* http_watch.c - waiting requests whose clients leave; see http.h. The library does not look at connections that it was told to suspend,
 * so they are watched here, in a set of our own: only those whose owner asked for it, since a client that ends its sending side may have gone, or
 * may have no more to say and wait all the same. */
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/http_private.h"

#define EVENTS_MAX 64

int http_watch_open(struct http_server *h)
{
    h->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    return h->watch_fd >= 0 ? 0 : -1;
}

void http_watch_close(struct http_server *h)
{
    if (h->watch_fd >= 0)
        close(h->watch_fd);
    h->watch_fd = -1;
}

/* Without memory for it, the request waits its time. */
void http_watch_add(struct http_conn *c)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c};
    c->watched = epoll_ctl(c->server->watch_fd, EPOLL_CTL_ADD, c->fd, &event) == 0;
    c->server->watched += c->watched;
}

void http_watch_remove(struct http_conn *c)
{
    if (!c->watched)
        return;
    (void)epoll_ctl(c->server->watch_fd, EPOLL_CTL_DEL, c->fd, NULL);
    c->watched = false;
    c->server->watched--;
}

void http_watch_run(struct http_server *h)
{
    struct epoll_event events[EVENTS_MAX];
    int count;
    do {
        count = epoll_wait(h->watch_fd, events, EVENTS_MAX, 0);
        for (int i = 0; i < count; i++) {
            struct http_conn *c = events[i].data.ptr;
            if (c->answered || !c->request.state)
                continue;
            h->events->gone(h->self, &c->request);
            c->request.state = NULL;
            c->closing = true;
            http_answer(&c->request, HTTP_CLIENT_GONE, "text/plain");
        }
    } while (count == EVENTS_MAX);
}
