/* status_queues.h - the queues as leat status shows them: leat's own, and the fullest of the others. */
#ifndef LEAT_CLI_STATUS_QUEUES_H
#define LEAT_CLI_STATUS_QUEUES_H

#include "common/item.h"

#define STATUS_QUEUES_SHOWN 10 /* of those that are not leat's own; the rest is one line */

/* Appends a table of the broker's queues. figures: an M with "queues" (an L of M: name, ready, inflight, delayed), and, where the broker names
 * only the fullest, "otherQueues" (an M: count, ready, inflight, delayed). */
void status_put_queues(struct buf *out, const struct value *figures);

#endif
