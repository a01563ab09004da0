/* queue_link.c - keeps one connection to the broker alive; see queue_link.h for its states. */
#include "common/queue_link.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log.h"

#define WARN_EVERY_MS 1000
#define NEVER INT64_MAX

static int watch(struct queue_link *l, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* The endpoint to connect to: with a name in it, the address that was found last, or NULL while there is none. */
static const char *target(const struct queue_link *l) { return !l->name ? l->endpoint : l->address[0] ? l->address : NULL; }

/* The socket, or what will say where to connect it. */
static bool open_link(struct queue_link *l, const char *endpoint, struct err *e)
{
    if (!net_name_needed(endpoint)) {
        l->socket = net_dealer(endpoint, e);
        return l->socket && watch(l, net_fd(l->socket)) == 0;
    }
    l->name = net_name_create(endpoint);
    if (!l->name || watch(l, net_name_fd(l->name)) != 0)
        return false;
    net_name_ask(l->name);
    return true;
}

int queue_link_init(struct queue_link *l, const char *endpoint, int ping_ms, bool ping_always, int64_t now_ms, struct err *e)
{
    *l = (struct queue_link){.poll_fd = -1, .ping_ms = ping_ms, .ping_always = ping_always, .now_ms = now_ms};
    l->heard_ms = l->pinged_ms = now_ms;
    l->greeted_ms = now_ms - QUEUE_LINK_GREETING_MS;
    l->asked_ms = NEVER;
    l->warned_ms = now_ms - WARN_EVERY_MS;
    err_set(e, ERR_INTERNAL, "the link to %.150s cannot be made", endpoint);
    l->endpoint = strdup(endpoint);
    l->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->endpoint && l->poll_fd >= 0 && open_link(l, endpoint, e))
        return 0;
    queue_link_finish(l);
    return -1;
}

void queue_link_finish(struct queue_link *l)
{
    if (l->poll_fd >= 0)
        close(l->poll_fd);
    zsock_destroy(&l->socket);
    net_name_destroy(&l->name);
    free(l->endpoint);
    *l = (struct queue_link){.poll_fd = -1};
}

/* The old descriptor leaves the epoll first: ZeroMQ closes it later, from a thread of its own. */
static void restart(struct queue_link *l)
{
    if (l->socket)
        epoll_ctl(l->poll_fd, EPOLL_CTL_DEL, net_fd(l->socket), NULL);
    if (!target(l))
        return;
    net_dealer_restart(&l->socket, target(l));
    if (l->socket && watch(l, net_fd(l->socket)) != 0)
        zsock_destroy(&l->socket);
    if (!l->socket)
        queue_link_broken(l, "no socket");
}

bool queue_link_receive(struct queue_link *l, struct net_frame *f, struct msg *m)
{
    while (l->socket && net_dealer_receive(l->socket, f) == NET_OK) {
        if (msg_open(net_frame_bytes(f), m) == 0) {
            l->heard_ms = l->now_ms;
            l->asked_ms = NEVER;
            return true;
        }
        queue_link_broken(l, "damaged");
        net_frame_done(f);
    }
    return false;
}

enum net_result queue_link_send(struct queue_link *l, struct buf *frame)
{
    return l->socket ? net_dealer_send(l->socket, frame) : NET_AGAIN;
}

/* -- Time ------------------------------------------------------------------------------------------------------------------ */
/* Silence counts from a ping on, so that a process that was itself stopped for a while asks before it gives up. */
static int64_t lost_at(const struct queue_link *l)
{
    return l->welcomed && l->asked_ms != NEVER ? l->asked_ms + QUEUE_LINK_SILENCE_MS - l->ping_ms : NEVER;
}

static int64_t ping_at(const struct queue_link *l)
{
    if (!l->welcomed)
        return NEVER;
    int64_t since = l->ping_always || l->pinged_ms > l->heard_ms ? l->pinged_ms : l->heard_ms;
    return since + l->ping_ms;
}

static int64_t greet_at(const struct queue_link *l) { return l->welcomed ? NEVER : l->greeted_ms + QUEUE_LINK_GREETING_MS; }

/* A link that was up and waits for WELCOME in vain is lost like one whose pings stay unanswered. */
static int64_t given_up_at(const struct queue_link *l)
{
    return l->up && !l->welcomed ? l->heard_ms + QUEUE_LINK_SILENCE_MS : NEVER;
}

/* True when a look-up has found another address than the one in use. */
static bool moved(struct queue_link *l)
{
    char found[NET_NAME_BYTES];
    if (!l->name || !net_name_take(l->name, found) || strcmp(found, l->address) == 0)
        return false;
    memcpy(l->address, found, sizeof l->address);
    return true;
}

/* While there is no connection, the broker may come back under another address. */
static void ask_name(struct queue_link *l)
{
    if (l->name)
        net_name_ask(l->name);
}

enum queue_link_need queue_link_turn(struct queue_link *l, int64_t now_ms)
{
    l->now_ms = now_ms;
    if (moved(l) || now_ms >= lost_at(l) || now_ms >= given_up_at(l)) {
        bool was_there = l->welcomed || l->up;
        l->welcomed = l->up = l->greeted = l->unpinged = false;
        l->asked_ms = NEVER;
        l->greeted_ms = now_ms - QUEUE_LINK_GREETING_MS;
        restart(l);
        if (was_there)
            return QUEUE_LINK_LOST;
    }
    if (!l->welcomed && (!l->greeted || now_ms >= greet_at(l))) {
        ask_name(l);
        if (!l->socket)
            restart(l);
        return QUEUE_LINK_GREET;
    }
    return (l->welcomed && l->unpinged) || now_ms >= ping_at(l) ? QUEUE_LINK_PING : QUEUE_LINK_NOTHING;
}

/* What ZeroMQ did not take, because there is no connection, is tried again at the next turn: when there is one, the descriptor
 * wakes the owner. So a broker that was restarted is found at once. */
void queue_link_greeted(struct queue_link *l, enum net_result sent)
{
    l->greeted = sent == NET_OK;
    l->greeted_ms = l->now_ms;
}

void queue_link_pinged(struct queue_link *l, enum net_result sent)
{
    l->unpinged = sent != NET_OK;
    if (l->unpinged)
        ask_name(l);
    l->pinged_ms = l->now_ms;
    if (l->asked_ms == NEVER)
        l->asked_ms = l->now_ms;
}

int64_t queue_link_deadline(const struct queue_link *l)
{
    if (l->socket && net_readable(l->socket))
        return l->now_ms;
    int64_t times[] = {lost_at(l), given_up_at(l), greet_at(l), ping_at(l)};
    int64_t least = NEVER;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] < least)
            least = times[i];
    return least;
}

/* -- Sessions -------------------------------------------------------------------------------------------------------------- */
bool queue_link_welcome(struct queue_link *l, uint64_t version, uint64_t instance)
{
    if (version != MSG_VERSION) {
        queue_link_broken(l, "version");
        return false;
    }
    if (l->welcomed && l->instance == instance)
        return false;
    l->welcomed = true;
    l->instance = instance;
    return true;
}

bool queue_link_stranger(struct queue_link *l)
{
    if (!l->welcomed)
        return false;
    l->welcomed = l->greeted = l->unpinged = false;
    l->asked_ms = NEVER;
    return true;
}

bool queue_link_pong(struct queue_link *l, struct msg *m)
{
    uint64_t instance;
    if (msg_read_pong(m, &instance) != 0)
        return false;
    return instance != l->instance && queue_link_stranger(l);
}

void queue_link_broken(struct queue_link *l, const char *what)
{
    l->broken_count++;
    if (l->now_ms - l->warned_ms < WARN_EVERY_MS)
        return;
    log_warn("link.broken", "endpoint=%s what=%s count=%llu", l->endpoint, what, (unsigned long long)l->broken_count);
    l->warned_ms = l->now_ms;
    l->broken_count = 0;
}
