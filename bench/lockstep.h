/* lockstep.h - load for a server with a protocol of its own: N connections, each with one request under way.
 *
 * The protocol is a row of functions; all of it blocks but for the wait for answers. A failure ends the program with a message. */
#ifndef LEAT_BENCH_LOCKSTEP_H
#define LEAT_BENCH_LOCKSTEP_H

#include <stdbool.h>
#include <stddef.h>

#define LOCKSTEP_CONNECTIONS_MAX 1024
#define LOCKSTEP_IN_BYTES 8192

struct lockstep {
    int fd;
    unsigned number; /* of the connection, from 0 on */
    unsigned step;   /* the protocol's own */
    size_t len;      /* received and not yet consumed */
    unsigned char in[LOCKSTEP_IN_BYTES];
};

struct lockstep_protocol {
    void (*open)(struct lockstep *c);     /* connected: greet; NULL: nothing to do */
    void (*begin)(struct lockstep *c);    /* send the first request of a round */
    bool (*received)(struct lockstep *c); /* more has come: consume what is complete. True: the round is finished */
    bool (*enough)(void);                 /* NULL: runs until the time is over */
};

/* Rounds finished a second, on 127.0.0.1. */
double lockstep_run(int port, unsigned connections, double seconds, const struct lockstep_protocol *protocol);

void lockstep_send(struct lockstep *c, const void *bytes, size_t len);
void lockstep_text(struct lockstep *c, const char *text);
void lockstep_more(struct lockstep *c); /* waits for more bytes: for handshakes */
void lockstep_consume(struct lockstep *c, size_t len);

/* Says why, and exits with status 1. */
_Noreturn void lockstep_fail(const char *what);

#endif
