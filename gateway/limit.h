/* limit.h - back-pressure of one gateway: what is open, what is held in memory, and how long each thing may take. Pure.
 *
 * Everything that a stranger can make grow is counted here before it grows: connections, and bytes of bodies and answers. Who is
 * refused gets a 503; what was accepted is never dropped. */
#ifndef LEAT_GATEWAY_LIMIT_H
#define LEAT_GATEWAY_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a connection does now. The state decides its time-out. */
enum limit_phase {
    LIMIT_FRESH,   /* accepted, no request yet */
    LIMIT_IDLE,    /* between two requests */
    LIMIT_READING, /* a request has begun and is not complete */
    LIMIT_WAITING, /* complete, not answered: bounded by the request's own deadline (pending.h) */
    LIMIT_SENDING, /* the answer is on its way */
    LIMIT_PHASE_COUNT
};

struct limit {
    int64_t request_timeout_ms, idle_timeout_ms;
    uint64_t connections_max, bytes_max;
    uint64_t connections, bytes;
    uint64_t phase[LIMIT_PHASE_COUNT]; /* connections in each */
    uint64_t refused_connections, refused_bytes;
};

void limit_init(struct limit *l, int64_t request_timeout_ms, int64_t idle_timeout_ms, uint64_t connections_max,
                uint64_t bytes_max);

bool limit_open(struct limit *l); /* one more connection, FRESH; false: too many, counted as refused */
void limit_close(struct limit *l, enum limit_phase phase);
void limit_move(struct limit *l, enum limit_phase from, enum limit_phase to);
/* When a connection that entered phase at now_ms has had its time; INT64_MAX: not bounded here. */
int64_t limit_deadline(const struct limit *l, enum limit_phase phase, int64_t now_ms);
/* Requests that were begun and are not answered to the end yet. */
uint64_t limit_requests(const struct limit *l);

/* *charged is what its owner has been charged so far; makes it `bytes`. False, with nothing changed, when the sum would be too much;
 * giving back always works. */
bool limit_charge(struct limit *l, size_t *charged, size_t bytes);

#endif
