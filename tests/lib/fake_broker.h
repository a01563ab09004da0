/* fake_broker.h - a broker's socket in the hands of a test: it reads one frame after the other and answers what the test says.
 *
 * The client under test is driven by `turn`, called between looks at the socket, with the test's own virtual time. */
#ifndef LEAT_TESTS_LIB_FAKE_BROKER_H
#define LEAT_TESTS_LIB_FAKE_BROKER_H

#include "common/msg.h"
#include "common/net.h"

#define FAKE_BROKER_PATIENCE_MS 10000 /* real time before a test gives up */

struct fake_broker {
    char folder[128], endpoint[160];
    zsock_t *router;
    struct net_peer peer; /* who sent the last frame; answers go there */
    struct net_frame frame;
    bool has_frame;
    struct buf out; /* the next answer, written by the test */
    void (*turn)(void *self);
    void *self;
};

void fake_broker_open(struct fake_broker *f, void (*turn)(void *self), void *self); /* makes the folder, binds */
void fake_broker_close(struct fake_broker *f);
void fake_broker_stop(struct fake_broker *f); /* as a kill: everything unread is gone */
void fake_broker_start(struct fake_broker *f);

/* The next frame, which must be of that kind. The message is valid until the next call. */
struct msg fake_broker_expect(struct fake_broker *f, enum msg_kind kind);
struct msg fake_broker_next(struct fake_broker *f); /* of any kind */
void fake_broker_answer(struct fake_broker *f);     /* sends out to the peer */
/* Turns the client, with waits on fd in between, until *text equals expected (or fails the test); then empties it. */
void fake_broker_settle(struct fake_broker *f, int fd, struct buf *text, const char *expected);

void fake_broker_glance(int fd); /* waits a few milliseconds for fd to become readable */

#endif
