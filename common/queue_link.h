/* queue_link.h - the connection to the broker under both clients of queue_client.h; private to common/queue_*.c.
 *
 *   DOWN ──greeting (HELLO or JOIN), every 250 ms──▶ welcomed ──nothing heard after a ping──▶ DOWN, with a new socket
 *                        ▲                              │
 *                        └────────── WHO, another instance, ◀── the broker or the connection was replaced
 *
 * The owner sends greetings and pings when queue_link_turn() says so, and nothing else while the link is not welcomed.
 * tcp://NAME:PORT is connected to by its address, looked up beside: first, and again while there is no connection. So a broker that
 * comes back where it was is found at once, whatever the name server does, and one that moved is found when the name server says so. */
#ifndef LEAT_COMMON_QUEUE_LINK_H
#define LEAT_COMMON_QUEUE_LINK_H

#include "common/err.h"
#include "common/msg.h"
#include "common/net.h"
#include "common/net_name.h"

#define QUEUE_LINK_GREETING_MS 250
#define QUEUE_LINK_SILENCE_MS 1000 /* without a frame, the last part of it after a ping: then the link is lost */

struct queue_link {
    zsock_t *socket; /* NULL while none can be made: tried again with each greeting */
    char *endpoint;
    struct net_name *name;        /* NULL: the endpoint has no name in it that must be looked up */
    char address[NET_NAME_BYTES]; /* what was found for the name; empty: nothing yet */
    int poll_fd;      /* an epoll that holds the socket's descriptor, so that the owner's stays the same over restarts */
    int ping_ms;      /* a ping is due so long after the last frame, or after the last ping */
    bool ping_always; /* pings also while frames come in */
    bool welcomed;    /* the broker knows us, and has not been lost since */
    bool up;          /* what the owner's owner was told last */
    bool greeted;     /* a greeting of this socket was taken by ZeroMQ */
    bool unpinged;    /* a ping is due that ZeroMQ did not take */
    uint64_t instance;
    int64_t now_ms, heard_ms, greeted_ms;
    int64_t pinged_ms; /* the last ping */
    int64_t asked_ms;  /* the first ping that was not followed by a frame; INT64_MAX: none */
    int64_t warned_ms;
    uint64_t broken_count; /* broken frames since the last warning */
};

enum queue_link_need {
    QUEUE_LINK_NOTHING,
    QUEUE_LINK_GREET, /* send a greeting, then queue_link_greeted() */
    QUEUE_LINK_PING,  /* send a ping, then queue_link_pinged() */
    QUEUE_LINK_LOST   /* the socket was made anew and the link is DOWN: tell the owner, then ask again */
};

int queue_link_init(struct queue_link *l, const char *endpoint, int ping_ms, bool ping_always, int64_t now_ms, struct err *e);
void queue_link_finish(struct queue_link *l);

/* The next frame of the broker that is a message of ours; *f must be given back with net_frame_done(). False: nothing more. */
bool queue_link_receive(struct queue_link *l, struct net_frame *f, struct msg *m);
enum net_result queue_link_send(struct queue_link *l, struct buf *frame); /* as net_dealer_send */

/* What has to be done at now_ms. Call after everything that waits was received. */
enum queue_link_need queue_link_turn(struct queue_link *l, int64_t now_ms);
void queue_link_greeted(struct queue_link *l, enum net_result sent);
void queue_link_pinged(struct queue_link *l, enum net_result sent);
int64_t queue_link_deadline(const struct queue_link *l); /* of the next need; at once when frames wait unread */

/* A WELCOME came. True when it opens a session: everything must be said again; false when it repeats what is known. */
bool queue_link_welcome(struct queue_link *l, uint64_t version, uint64_t instance);
/* The broker does not know us (WHO), or a PONG names another instance. True if that is news; a greeting is due then. */
bool queue_link_stranger(struct queue_link *l);
bool queue_link_pong(struct queue_link *l, struct msg *m); /* true as above */
/* Counts a frame that cannot be used; a warning a second at most. */
void queue_link_broken(struct queue_link *l, const char *what);

#endif
