/* clients.h - the second half of core.h: queues that clients receive from by themselves, standard and FIFO.
 *
 * Life of a message:
 *
 *   POST ─▶ COMMITTING ─committed─▶ DELAYED ─due─▶ READY ─receive─▶ LEASED ─delete─▶ gone
 *                          └────────────────────▶ ▲  │               │
 *                                                 │  │               ├─ time over, made visible ─▶ READY
 *                                                 │  └─ received max_receive_count times ─▶ READY in the dead-letter queue
 *                                                 └─ task ◀──────────────────────────────────────────┘
 *
 * Durability. Unlike a job, which is recognized by its outcome, a received message must be known to be received: LEASE, EXTEND and DONE
 * are on disk before anybody is answered (ANSWER, RECEIVED come with COMMITTED), and leases outlive the broker. That also keeps order over
 * crashes: whoever is given the next message of a group is answered behind the record that says what became of the one before.
 *
 * Receives wait in their queue, oldest first, with a deadline each in one heap: a thousand of them cost nothing while nothing comes.
 * A queue that has both, somebody who waits and something to give, is served at the end of the step that made it so.
 *
 * FIFO. A group is a chain of its messages by seq. What stands before the first one that is LEASED, DELAYED or COMMITTING can be given; groups
 * that have something to give stand in line. Order survives recovery because it is that of the numbers: a message that moves into a FIFO
 * queue takes the number of the record that says so.
 *
 * Standard. READY messages stand in one list for each priority. A group (tenant) that is noisy, or has max_per_group messages in flight,
 * has its messages taken aside into lists of its own when they come to the head: each message is moved at most once before it is given. Who
 * is noisy is decided by counts of what is in flight and of processing times in the last two minutes, kept for groups that have been
 * received from lately only.
 *
 * Nothing costs more because a queue is long or because there are many: a purge gives the queue a new number, and what is left behind
 * under the old one is cleared away little by little, and so is a removed queue. */
#ifndef LEAT_QUEUE_CORE_CLIENTS_H
#define LEAT_QUEUE_CORE_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/id.h"
#include "common/limits.h"

/* What became of an event of a client. */
enum core_answer {
    CORE_OK, /* value: POST: seq, with id (the first message's, if it is a duplicate); CREATE, CHANGE: queue; PURGE, TASK_CANCEL: how many */
    CORE_NO_SUCH_QUEUE,    /* as CORE_NO_QUEUE of sends */
    CORE_EXISTS,           /* CREATE; value: queue */
    CORE_DELETED_RECENTLY, /* CREATE */
    CORE_TOO_MANY,         /* CREATE, RECEIVE */
    CORE_CONFLICT,         /* CHANGE */
    CORE_NOT_ALLOWED,      /* CHANGE of the kind */
    CORE_WORKERS_ONLY,     /* POST, RECEIVE, DELETE, VISIBILITY, PURGE on a queue of jobs */
    CORE_QUEUE_FULL,       /* POST: as CORE_FULL of sends; others: no memory */
    CORE_EXHAUSTED,        /* no place on the disk for the record */
    CORE_TOO_LARGE,        /* POST; value: max_message_bytes */
    CORE_NO_GROUP,         /* POST, FIFO */
    CORE_NO_DEDUPLICATION, /* POST, FIFO */
    CORE_OVER_LIMIT,       /* RECEIVE */
    CORE_EXPIRED,          /* DELETE, VISIBILITY, FIFO */
    CORE_NOT_IN_FLIGHT,    /* VISIBILITY */
    CORE_NO_MESSAGE,       /* VISIBILITY */
    CORE_TOO_LONG,         /* VISIBILITY */
    CORE_IN_PROGRESS,      /* PURGE, TASK_START */
    CORE_NO_TASK,          /* TASK_CANCEL */
    CORE_NO_SOURCE,        /* TASK_START */
    CORE_NO_DESTINATION,   /* TASK_START */
    CORE_OTHER_KIND,       /* CREATE, CHANGE, TASK_START */
    CORE_ANSWER_COUNT
};

enum core_task_status { CORE_TASK_RUNNING, CORE_TASK_COMPLETED, CORE_TASK_CANCELLED, CORE_TASK_FAILED, CORE_TASK_STATUSES };

struct core_task {
    enum core_task_status status;
    uint32_t rate; /* messages a second, 0: any */
    uint64_t moved, total;
    int64_t started_ms;
};

struct core_task_info {
    struct id id;
    struct core_task task;
    const char *destination, *reason; /* "" where there is none; in the core until the next step */
};

#endif
