/* queue.h - the table of queues, private to queue/core.
 *
 * A queue has a place in the table, which its messages know, and a number, which records and the outside know: the place and a generation,
 * which goes up whenever the place is given out anew. A purge moves the queue to a new place under a new number and leaves its messages at
 * the old one, doomed; so does a removal, without a new place. Doomed places are cleared a few messages a step, then free again. */
#ifndef LEAT_QUEUE_CORE_QUEUE_H
#define LEAT_QUEUE_CORE_QUEUE_H

#include "queue/core/index.h"

#define QUEUE_PLACE_BITS 14
#define QUEUE_PLACES (1u << QUEUE_PLACE_BITS) /* LIMIT_QUEUES, and those that are being cleared away */

static_assert(LIMIT_QUEUES < QUEUE_PLACES / 4 * 3, "room for purged queues beside the others");

struct list {
    uint32_t head, tail, count;
};
#define LIST_EMPTY ((struct list){CORE_NONE, CORE_NONE, 0})

/* Sums over the present minute and the one before it. */
struct window {
    int64_t minute;
    uint64_t now, before;
};

/* What a standard queue knows of its tenants' fairness as a whole (fair.c). */
struct fair {
    /* Tenants with messages aside: quiet ones, by the highest priority among them; noisy ones; those with max_per_group in flight. */
    struct list waiting[LIMIT_PRIORITIES], noisy, full;
    uint32_t tenants;   /* that are known */
    struct window busy; /* ms of processing */
};

struct task {
    struct id id;
    struct core_task task;
    uint64_t location; /* of its record; 0: not written yet */
    int64_t next_us;   /* when the next message may be moved */
    uint32_t reason;
    char destination[LIMIT_QUEUE_PATH_BYTES + 1];
};

struct queue {
    struct core_queue_attributes attributes;
    uint32_t number;
    uint16_t place;
    bool doomed;
    bool defined;  /* false: recovery met its messages, and no definition yet */
    bool unsorted; /* recovery met copies, which stand behind younger messages in the journal */
    unsigned char secret[16];
    uint64_t version, location; /* of its definition; 0: not written yet */
    uint32_t document_bytes;
    int64_t created_ms, changed_ms, purged_ms;
    uint64_t purge_number; /* of the last PURGE, 0: none; part of its deduplication keys */
    struct id purge_token;
    uint64_t purge_count;

    uint64_t count[CORE_STATE_COUNT], bytes;
    uint64_t entered_total, left_total; /* messages, in this process; moves from and to other queues included */
    struct list alone;                  /* jobs: READY, received before */
    struct list delayed, blocked;       /* blocked: jobs */
    struct list leased;                 /* not jobs: those are with their workers */
    struct list receives;               /* that wait */
    struct list line;                   /* FIFO: groups that have something to give */
    struct fair fair;
    uint32_t
        redelay; /* FIFO: the delay has changed, and messages from this slot on have not been looked at; CORE_NONE: all have */
    bool to_serve;      /* in the set */
    uint32_t source;    /* its name among the names of sources, 0: not there yet */
    struct task *tasks; /* oldest first */
    uint32_t task_count;
    uint32_t ready_count;
    struct list ready[]; /* jobs: by slice, never received before; standard: by priority; FIFO: all that is visible */
};

/* A small set of places, without order. */
struct places {
    uint16_t *at; /* room for all */
    uint32_t count;
};

struct queues {
    struct queue **at; /* by place */
    uint32_t *generations;
    uint16_t *by_name; /* places of those that are not doomed and have a name, in the order of the names */
    uint32_t count;    /* of by_name */
    uint32_t hint;     /* where to look for a free place */
    struct places jobs, doomed, to_serve, redelayed, tasked; /* tasked: with a running task */
    struct removed {                                         /* names that rest */
        char name[LIMIT_QUEUE_PATH_BYTES + 1];
        struct id token;
        int64_t at_ms;
    } * removed;
    uint32_t removed_head, removed_count, removed_cap; /* a ring, oldest first */
};

struct message;

/* queues.c */
int queues_init(struct core *c); /* 0 or -1 */
void queues_finish(struct core *c);
struct queue *queue_at(const struct core *c, uint32_t number); /* NULL if there is none, or if it is doomed */
struct queue *queue_by_name(const struct core *c, struct slice name);
struct queue *queue_dead_letters(const struct core *c, const struct queue *q); /* NULL: none that fits */
/* A new queue without a name: with the next free number, or with that of a record; NULL: no memory, no place, or the number is in use. */
struct queue *queue_make(struct core *c, enum core_queue_kind kind);
struct queue *queue_make_numbered(struct core *c, uint32_t number, enum core_queue_kind kind);
/* Names it, or changes it. An empty one may change its kind (then q moves: *q). 0, or -1 without memory. */
int queue_define(struct core *c, struct queue **q, const struct core_queue_attributes *a);
/* During recovery: a queue whose definition was not met (a segment may be lost, and with it the definition) is one of jobs. It may move: *q. 0, or -1
 * without memory. */
int queue_take_for_jobs(struct core *c, struct queue **q);
void queue_unmake(struct core *c, struct queue *q);                /* one without messages */
uint32_t queue_insert_name(struct core *c, const struct queue *q); /* its position; the name must not be there */
void queue_forget_name(struct core *c, struct queue *q);
bool queue_is_full(const struct queue *q, size_t more_bytes); /* for one more message */
uint64_t queue_messages(const struct queue *q);
void queue_locate(struct core *c, const struct core_record *r, uint64_t location); /* DEFINE, TASK */
void queue_free_definition(struct core *c, struct queue *q);                       /* FREED for its record */
uint32_t queue_position(const struct core *c, struct slice name, bool behind);     /* in by_name */
void places_add(struct places *s, const struct queue *q);                          /* if it is not in it */
void places_remove(struct places *s, const struct queue *q);                       /* if it is in it */

/* define.c */
/* Its attributes are others than those of before: what follows from that for the messages that are there, and for those who wait. */
void queue_changed(struct core *c, struct queue *q, const struct core_queue_attributes *before);
void define_record(struct core *c, struct queue *q, struct slice document); /* DEFINE, as it is now; frees the one before */
struct queue *queue_for_replay(struct core *c,
                               uint32_t number); /* makes one without a definition if there is none; NULL: cannot be */
int define_replay(struct core *c, const struct core_record *r, uint64_t location);

/* doom.c */
struct queue *doom_purge(struct core *c, struct queue *q,
                         uint32_t number); /* number 0: any. The successor, or NULL without memory or place */
void doom_remove(struct core *c, struct queue *q);
void doom_clear(struct core *c);                              /* part of every step */
int doom_replay(struct core *c, const struct core_record *r); /* PURGE, REMOVE */
/* Recovery: a younger queue has its place or its name, so it has ended, and salvage has lost the record that said so. */
void doom_lost(struct core *c, struct queue *q);
const struct removed *removed_find(const struct core *c, struct slice name); /* NULL: may be used */

#endif
