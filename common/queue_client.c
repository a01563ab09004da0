/* queue_client.c - the client of gateways and the command line: its life, and its turn. */
#include "common/queue_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/queue_client_parts.h"

#define PING_MS 250

/* Every callback is needed: an answer that nobody takes is a hang that nobody understands. */
static bool is_complete(const struct queue_client_events *e)
{
    return e->sent && e->result && e->reply && e->state && e->admin && e->catalog && e->link;
}

static int init(struct queue_client *c, const char *endpoint, const char *role, const char *name, int64_t now_ms, struct err *e)
{
    c->link.poll_fd = -1;
    c->due_ms = c->rested_ms = INT64_MAX;
    if (strlen(role) >= sizeof c->role || strlen(name) >= sizeof c->name)
        return err_set(e, ERR_VALIDATION, "the name of a peer has at most %u bytes", LIMIT_PEER_NAME_BYTES);
    memcpy(c->role, role, strlen(role) + 1);
    memcpy(c->name, name, strlen(name) + 1);
    if (requests_init(&c->requests) != 0 || waits_init(&c->waits) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    return queue_link_init(&c->link, endpoint, PING_MS, false, now_ms, e);
}

struct queue_client *queue_client_create(const char *endpoint, const char *role, const char *name,
                                         const struct queue_client_events *events, void *self, int64_t now_ms, struct err *e)
{
    assert(is_complete(events));
    struct queue_client *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    c->events = *events;
    c->self = self;
    if (init(c, endpoint, role, name, now_ms, e) != 0)
        queue_client_destroy(&c);
    return c;
}

void queue_client_destroy(struct queue_client **client)
{
    struct queue_client *c = *client;
    if (!c)
        return;
    queue_link_finish(&c->link);
    requests_finish(&c->requests);
    waits_finish(&c->waits);
    buf_finish(&c->frame);
    buf_finish(&c->numbers);
    free(c);
    *client = NULL;
}

int queue_client_fd(struct queue_client *c) { return c->link.poll_fd; }
bool queue_client_up(const struct queue_client *c) { return c->link.up; }
size_t queue_client_outstanding(const struct queue_client *c) { return c->outstanding; }

int64_t queue_client_deadline(const struct queue_client *c)
{
    int64_t least = queue_link_deadline(&c->link);
    if (c->due_ms < least)
        least = c->due_ms;
    return c->rested_ms < least ? c->rested_ms : least;
}

/* Nothing that was sent before can be relied on to arrive, and no promise of RESULTS holds: all of it is said again. */
void client_open_session(struct queue_client *c)
{
    c->requests.unsent = c->requests.oldest;
    ask_again(c);
    follow_all(c);
    c->eager = true;
}

/* -- The turn -------------------------------------------------------------------------------------------------------------- */
static void receive_all(struct queue_client *c)
{
    struct net_frame frame;
    struct msg m;
    while (queue_link_receive(&c->link, &frame, &m)) {
        client_frame(c, &m);
        net_frame_done(&frame);
    }
}

/* Collects the calls that are over by their numbers, since their callbacks may change the list; sends batches again. */
static void collect_due(struct queue_client *c)
{
    c->due_ms = INT64_MAX;
    buf_reset(&c->numbers);
    for (struct request *r = c->requests.oldest; r; r = r->newer) {
        if (r->due_ms <= c->link.now_ms) {
            if (r->kind == REQUEST_CALL)
                buf_append(&c->numbers, &r->number, sizeof r->number);
            else if (client_send_again(c, r))
                continue;
            client_due(c, r, c->link.now_ms + PING_MS);
        } else if (r->due_ms < c->due_ms) {
            c->due_ms = r->due_ms;
        }
    }
}

static void expire(struct queue_client *c)
{
    if (c->link.now_ms < c->due_ms)
        return;
    collect_due(c);
    struct buf numbers = {0};
    buf_swap(&numbers, &c->numbers);
    for (size_t at = 0; at + sizeof(uint64_t) <= numbers.len; at += sizeof(uint64_t)) {
        uint64_t number;
        memcpy(&number, numbers.data + at, sizeof number);
        struct request *r = requests_find(&c->requests, number);
        if (r)
            client_call_over(c, r, MSG_CALL_TIMEOUT, (struct slice){0});
    }
    buf_swap(&numbers, &c->numbers);
    buf_finish(&numbers);
}

static void greet(struct queue_client *c)
{
    buf_reset(&c->frame);
    msg_put_hello(&c->frame, c->role, c->name);
    queue_link_greeted(&c->link, queue_link_send(&c->link, &c->frame));
}

static void ping(struct queue_client *c)
{
    buf_reset(&c->frame);
    msg_put_bare(&c->frame, MSG_PING);
    queue_link_pinged(&c->link, queue_link_send(&c->link, &c->frame));
}

static void keep_alive(struct queue_client *c, int64_t now_ms)
{
    enum queue_link_need need = queue_link_turn(&c->link, now_ms);
    if (need == QUEUE_LINK_LOST) {
        c->events.link(c->self, false);
        need = queue_link_turn(&c->link, now_ms);
    }
    if (need == QUEUE_LINK_GREET)
        greet(c);
    else if (need == QUEUE_LINK_PING)
        ping(c);
}

void queue_client_process(struct queue_client *c, int64_t now_ms)
{
    c->link.now_ms = now_ms;
    receive_all(c);
    expire(c);
    follow_rested(c);
    keep_alive(c, now_ms);
    if (c->eager)
        client_send_unsent(c);
}

void queue_client_flush(struct queue_client *c, int64_t now_ms)
{
    c->link.now_ms = now_ms;
    client_send_unsent(c);
}
