/* echoes.h - echoes that take their time (--echo-delay): when each is over, and which of them are committed together. Pure: the time is handed in.
 *
 * A worker runs one echo after the other, each for the delay, with no transaction open; what is over is committed while the next one runs. With
 * more of them waiting, a commit may wait up to ECHO_HOLD_MS for others to join it, as any group commit does: with 5 ms an echo this is
 * one commit for five. An echo with nothing behind it is committed at once. Echoes and other jobs never share a batch, and order is kept.
 *
 *     look ─▶ inbox_next(.., echoes_stop, ..) ─▶ hold? wait : commit ─▶ ended */
#ifndef LEAT_WORKER_ECHOES_H
#define LEAT_WORKER_ECHOES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define ECHO_HOLD_MS 20

struct echoes {
    int64_t delay_ms;
    int64_t now_ms;
    int64_t ends_ms;  /* when the running one is over; 0: none runs */
    int64_t last_ms;  /* when the one before it was */
    int64_t first_ms; /* when the oldest that is over and not committed was; 0: there is none */
    size_t over;      /* so many at the head of the line are over */
    bool selected;    /* the batch that is being selected is of echoes */
};

void echoes_init(struct echoes *e, int64_t delay_ms); /* delay > 0 */
void echoes_reset(struct echoes *e);                  /* the line is empty */

/* A selection begins. */
void echoes_look(struct echoes *e, int64_t now_ms);
/* inbox_next()'s stop: self is the echoes. Starts the first echo that does not run yet. */
bool echoes_stop(void *self, size_t count, struct slice body);
/* True: the `count` jobs just selected are better committed later, at the latest at echoes_deadline(). */
bool echoes_hold(const struct echoes *e, size_t count);
/* So many of the selected jobs have ended. */
void echoes_ended(struct echoes *e, size_t count);
/* When to look again, INT64_MAX: when something comes. */
int64_t echoes_deadline(const struct echoes *e);

#endif
