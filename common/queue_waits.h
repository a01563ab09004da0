/* queue_waits.h - the ids of messages whose end the owner wants to hear of; private to common/queue_*.c.
 *
 *   SENDING ──SENT──▶ HELD ──the session ended──▶ WATCHING ──UNKNOWN──▶ LOOKING ──not found──▶ RESTING ──a second──▶ WATCHING
 *
 * SENDING: the SEND that carries it is not answered. HELD: the broker has promised RESULTS. WATCHING, LOOKING: request
 * `request` asks the broker, or the store through a worker. From every state the outcome ends it. */
#ifndef LEAT_COMMON_QUEUE_WAITS_H
#define LEAT_COMMON_QUEUE_WAITS_H

#include "common/id.h"

enum wait_state { WAIT_SENDING, WAIT_HELD, WAIT_WATCHING, WAIT_LOOKING, WAIT_RESTING };

struct wait {
    struct wait *same_bucket, *older, *newer;
    struct id id;
    enum wait_state state;
    uint64_t request; /* SENDING: its batch; WATCHING, LOOKING */
    uint32_t entry;   /* SENDING: its place in the batch */
    int64_t due_ms;   /* RESTING */
};

struct waits {
    struct wait **bucket;
    size_t bucket_count, count;
    struct wait *oldest, *newest;
};

int waits_init(struct waits *s); /* 0, or -1 without memory */
void waits_finish(struct waits *s);
struct wait *waits_add(struct waits *s, const struct id *id); /* id must not be there; NULL without memory */
struct wait *waits_find(const struct waits *s, const struct id *id);
void waits_remove(struct waits *s, struct wait *w); /* and frees */

#endif
