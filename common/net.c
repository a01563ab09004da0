/* net.c - sockets with every option set in one place, and frames as plain zmq_msg_t. docs/PROTOCOL.md says why each option is
 * so. */
#include "common/net.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/limits.h"

#define HIGH_WATER_FRAMES 10000
#define HEARTBEAT_MS 1000
#define RECONNECT_MS 20
#define RECONNECT_MAX_MS 200
#define CONNECT_MS 300
#define HAND_OVER_BYTES (16u * 1024u) /* a copy of less is cheaper than a new buffer */

static const char ipc_prefix[] = "ipc://";
static const char tcp_prefix[] = "tcp://";

static bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* -- Sockets --------------------------------------------------------------------------------------------------------------- */
/* What CZMQ or the kernel would refuse with a bare errno, or only long afterwards. */
static int endpoint_check(const char *endpoint, struct err *e)
{
    bool ipc = starts_with(endpoint, ipc_prefix);
    if (!ipc && !starts_with(endpoint, tcp_prefix))
        return err_set(e, ERR_VALIDATION, "an endpoint is ipc://PATH or tcp://HOST:PORT, not \"%.100s\"", endpoint);
    const char *address = strchr(endpoint, ':') + 3;
    if (*address == '\0' || (!ipc && !strchr(address, ':')))
        return err_set(e, ERR_VALIDATION, "the endpoint \"%.100s\" has no %s", endpoint, ipc ? "path" : "port");
    if (ipc && strlen(address) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return err_set(e, ERR_VALIDATION, "the path of the endpoint \"%.150s\" is longer than the %zu bytes of a socket's name",
                       endpoint, sizeof((struct sockaddr_un *)0)->sun_path - 1);
    return 0;
}

static int folder_check(const char *endpoint, struct err *e)
{
    if (!starts_with(endpoint, ipc_prefix))
        return 0;
    const char *path = endpoint + strlen(ipc_prefix);
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t len = (size_t)(slash - path);
    assert(len < sizeof folder);
    memcpy(folder, path, len);
    folder[len] = '\0';
    struct stat info;
    if (stat(folder, &info) != 0)
        return err_set(e, ERR_VALIDATION, "the folder of the endpoint %.150s: %s", endpoint, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return err_set(e, ERR_VALIDATION, "the folder of the endpoint %.150s is not a folder", endpoint);
    return 0;
}

/* CZMQ catches SIGINT and SIGTERM when its first socket is made. Once only: this puts back the handlers of that moment, and a
 * later call would undo those that the program has set since. */
static void leave_signals_alone(void)
{
    static atomic_flag done = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&done))
        zsys_handler_set(NULL);
}

static zsock_t *socket_new(int type, struct err *e)
{
    leave_signals_alone();
    zsock_t *s = zsock_new(type);
    if (!s) {
        err_set(e, ERR_INTERNAL, "a socket could not be made: %s", zmq_strerror(zmq_errno()));
        return NULL;
    }
    zsock_set_linger(s, 0);
    zsock_set_maxmsgsize(s, (int)LIMIT_WIRE_BYTES);
    zsock_set_sndhwm(s, HIGH_WATER_FRAMES);
    zsock_set_rcvhwm(s, HIGH_WATER_FRAMES);
    return s;
}

/* Heartbeats find a peer whose host is gone; over ipc the kernel tells at once. */
static void set_heartbeat(zsock_t *s, const char *endpoint)
{
    if (starts_with(endpoint, tcp_prefix))
        zsock_set_heartbeat_ivl(s, HEARTBEAT_MS);
}

zsock_t *net_router(const char *endpoint, struct err *e)
{
    if (endpoint_check(endpoint, e) != 0 || folder_check(endpoint, e) != 0)
        return NULL;
    zsock_t *s = socket_new(ZMQ_ROUTER, e);
    if (!s)
        return NULL;
    zsock_set_router_mandatory(s, 1);
    set_heartbeat(s, endpoint);
    if (zsock_bind(s, "%s", endpoint) < 0) {
        err_set(e, ERR_VALIDATION, "the endpoint %.150s cannot be bound: %s", endpoint, zmq_strerror(zmq_errno()));
        zsock_destroy(&s);
    }
    return s;
}

zsock_t *net_dealer(const char *endpoint, struct err *e)
{
    if (endpoint_check(endpoint, e) != 0)
        return NULL;
    zsock_t *s = socket_new(ZMQ_DEALER, e);
    if (!s)
        return NULL;
    zsock_set_immediate(s, 1);
    zsock_set_reconnect_ivl(s, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(s, RECONNECT_MAX_MS);
    zsock_set_connect_timeout(s, CONNECT_MS);
    set_heartbeat(s, endpoint);
    if (zsock_connect(s, "%s", endpoint) != 0) {
        err_set(e, ERR_VALIDATION, "the endpoint %.150s cannot be connected to: %s", endpoint, zmq_strerror(zmq_errno()));
        zsock_destroy(&s);
    }
    return s;
}

const char *net_endpoint(zsock_t *s) { return zsock_endpoint(s); }

int net_fd(zsock_t *s) { return (int)zsock_fd(s); }

bool net_readable(zsock_t *s) { return zsock_events(s) & ZMQ_POLLIN; }

void net_dealer_restart(zsock_t **s, const char *endpoint)
{
    zsock_destroy(s);
    *s = net_dealer(endpoint, NULL);
}

/* -- Receiving ------------------------------------------------------------------------------------------------------------- */
static enum net_result result_of_errno(void)
{
    switch (zmq_errno()) {
    case EAGAIN:
        return NET_AGAIN;
    case EHOSTUNREACH:
        return NET_GONE;
    default:
        return NET_FAILED;
    }
}

static enum net_result receive_part(void *handle, zmq_msg_t *part)
{
    int got;
    do {
        got = zmq_msg_recv(part, handle, ZMQ_DONTWAIT);
    } while (got < 0 && zmq_errno() == EINTR);
    return got < 0 ? result_of_errno() : NET_OK;
}

/* The last part read stands for the whole; what is no single frame is read to its end and emptied. */
static void swallow_rest(void *handle, zmq_msg_t *part, bool noise)
{
    while (zmq_msg_more(part)) {
        noise = true;
        if (receive_part(handle, part) != NET_OK)
            break;
    }
    if (!noise)
        return;
    zmq_msg_close(part);
    zmq_msg_init(part);
}

static enum net_result receive_body(void *handle, struct net_frame *f, bool noise)
{
    enum net_result result = receive_part(handle, &f->msg);
    if (result != NET_OK) {
        zmq_msg_close(&f->msg);
        return result;
    }
    swallow_rest(handle, &f->msg, noise);
    return NET_OK;
}

enum net_result net_dealer_receive(zsock_t *s, struct net_frame *f)
{
    f->peer.len = 0;
    zmq_msg_init(&f->msg);
    return receive_body(zsock_resolve(s), f, false);
}

enum net_result net_router_receive(zsock_t *s, struct net_frame *f)
{
    void *handle = zsock_resolve(s);
    f->peer.len = 0;
    zmq_msg_init(&f->msg);
    enum net_result result = receive_part(handle, &f->msg);
    if (result != NET_OK) {
        zmq_msg_close(&f->msg);
        return result;
    }
    size_t len = zmq_msg_size(&f->msg);
    bool noise = len > sizeof f->peer.bytes;
    f->peer.len = noise ? 0 : len;
    if (!noise)
        memcpy(f->peer.bytes, zmq_msg_data(&f->msg), len);
    if (!zmq_msg_more(&f->msg)) {
        swallow_rest(handle, &f->msg, true);
        return NET_OK;
    }
    return receive_body(handle, f, noise);
}

struct slice net_frame_bytes(struct net_frame *f) { return slice_of(zmq_msg_data(&f->msg), zmq_msg_size(&f->msg)); }

void net_frame_done(struct net_frame *f) { zmq_msg_close(&f->msg); }

/* -- Sending --------------------------------------------------------------------------------------------------------------- */
/* The bytes that zmq_msg_close() must leave alone, because the frame that took them over was not sent. */
static _Thread_local void *kept;

static void free_data(void *data, void *hint)
{
    (void)hint;
    if (data != kept)
        free(data);
}

static enum net_result send_part(void *handle, zmq_msg_t *part, int flags)
{
    int sent;
    do {
        sent = zmq_msg_send(part, handle, ZMQ_DONTWAIT | flags);
    } while (sent < 0 && zmq_errno() == EINTR);
    return sent < 0 ? result_of_errno() : NET_OK;
}

/* A part that holds the bytes of b: a copy, or the very buffer of a large one. 0 or -1; undone or completed by body_close(). */
static int body_open(zmq_msg_t *part, struct buf *b)
{
    if (buf_failed(b))
        return -1;
    if (b->len >= HAND_OVER_BYTES)
        return zmq_msg_init_data(part, b->data, b->len, free_data, NULL);
    if (zmq_msg_init_size(part, b->len) != 0)
        return -1;
    if (b->len > 0)
        memcpy(zmq_msg_data(part), b->data, b->len);
    return 0;
}

static void body_close(zmq_msg_t *part, struct buf *b, bool sent)
{
    bool handed_over = b->len >= HAND_OVER_BYTES;
    if (sent && handed_over) {
        buf_init(b);
    } else if (sent) {
        buf_reset(b);
    } else {
        kept = handed_over ? b->data : NULL;
        zmq_msg_close(part);
        kept = NULL;
    }
}

enum net_result net_dealer_send(zsock_t *s, struct buf *b)
{
    zmq_msg_t body;
    if (body_open(&body, b) != 0)
        return NET_FAILED;
    enum net_result result = send_part(zsock_resolve(s), &body, 0);
    body_close(&body, b, result == NET_OK);
    return result;
}

static enum net_result send_identity(void *handle, const struct net_peer *peer)
{
    zmq_msg_t part;
    if (zmq_msg_init_size(&part, peer->len) != 0)
        return NET_FAILED;
    if (peer->len > 0)
        memcpy(zmq_msg_data(&part), peer->bytes, peer->len);
    enum net_result result = send_part(handle, &part, ZMQ_SNDMORE);
    if (result != NET_OK)
        zmq_msg_close(&part);
    return result;
}

/* Once the identity has been taken, the peer has room for the body: only the first part is ever refused. So the body is made
 * first: a router that was given an identity alone would take the next one for the body. */
enum net_result net_router_send(zsock_t *s, const struct net_peer *peer, struct buf *b)
{
    void *handle = zsock_resolve(s);
    zmq_msg_t body;
    if (body_open(&body, b) != 0)
        return NET_FAILED;
    enum net_result result = send_identity(handle, peer);
    if (result == NET_OK)
        result = send_part(handle, &body, 0);
    body_close(&body, b, result == NET_OK);
    return result;
}
