/* net.h - CZMQ plumbing: sockets with every sharp edge set the same way, and frames without copies on the hot path.
 *
 * CZMQ makes and destroys the sockets and sets the options; frames travel as plain zmq_msg_t (measured three times as fast as
 * zmsg). Endpoints are ipc://PATH or tcp://HOST:PORT. */
#ifndef LEAT_COMMON_NET_H
#define LEAT_COMMON_NET_H

#include <czmq.h>

#include "common/buf.h"
#include "common/err.h"

/* A ROUTER bound to endpoint: ROUTER_MANDATORY, LINGER 0, MAXMSGSIZE, high-water marks, ZMTP heartbeats over tcp. NULL with
 * the reason in e. An ipc endpoint's folder must exist; a stale socket file is replaced. tcp port 0 (tcp://127.0.0.1:*) binds a
 * free one; net_endpoint() tells which. */
zsock_t *net_router(const char *endpoint, struct err *e);
/* A DEALER that connects (and reconnects by itself) to endpoint, same options. It takes frames only while it is connected
 * (ZMQ_IMMEDIATE): until then a send answers NET_AGAIN, and net_fd() wakes when there is a connection. */
zsock_t *net_dealer(const char *endpoint, struct err *e);
const char *net_endpoint(zsock_t *s); /* last bound endpoint, owned by the socket */
int net_fd(zsock_t *s);               /* edge-triggered ZMQ_FD: after each wake-up, receive until NET_AGAIN */
bool net_readable(zsock_t *s);        /* a frame waits; asks the socket itself, so it also tells what net_fd() no longer will */
/* Drops all queued frames: destroy and connect anew. *s may be NULL before; it is NULL after when no socket can be made.
 * net_fd() may change. */
void net_dealer_restart(zsock_t **s, const char *endpoint);

enum net_result {
    NET_OK,
    NET_AGAIN /* nothing to read; or the peer's queue is full */,
    NET_GONE /* peer unknown */,
    NET_FAILED
};

/* A router's peer identity: at most 255 bytes, made by ZeroMQ (5 bytes) here. */
struct net_peer {
    unsigned char bytes[32];
    size_t len;
};

/* Non-blocking. Only after NET_OK is there a frame; its bytes stay valid until net_frame_done(). EINTR is retried inside. A
 * message that is not exactly (identity +) one frame is swallowed and reported as an empty frame: NET_OK, length 0 (a
 * stranger's noise). */
struct net_frame {
    zmq_msg_t msg;
    struct net_peer peer; /* router only */
};
enum net_result net_router_receive(zsock_t *s, struct net_frame *f);
enum net_result net_dealer_receive(zsock_t *s, struct net_frame *f);
struct slice net_frame_bytes(struct net_frame *f);
void net_frame_done(struct net_frame *f);

/* Sends the bytes of b as one frame, never blocking. On NET_OK the buffer is empty afterwards (large buffers are handed over
 * without a copy); else it is left as it was. NET_FAILED: no memory, or b has failed. */
enum net_result net_router_send(zsock_t *s, const struct net_peer *peer, struct buf *b);
enum net_result net_dealer_send(zsock_t *s, struct buf *b);

#endif
