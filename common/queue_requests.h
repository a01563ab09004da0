/* queue_requests.h - what a client has asked and not seen answered yet, in the order of asking; private to common/queue_*.c.
 *
 * Every request has a number, unique over all kinds, by which its answer finds it. `unsent` divides the list: what is older was
 * sent in this session, what is younger waits for the next flush. A new session moves `unsent` back to the oldest, and with
 * that everything is sent again in its old order and with its old numbers. */
#ifndef LEAT_COMMON_QUEUE_REQUESTS_H
#define LEAT_COMMON_QUEUE_REQUESTS_H

#include "common/buf.h"
#include "common/id.h"
#include "common/limits.h"

enum request_kind { REQUEST_SEND, REQUEST_CALL, REQUEST_WATCH, REQUEST_CANCEL, REQUEST_ADMIN, REQUEST_ASK, REQUEST_KIND_COUNT };

/* One message of a SEND. */
struct request_entry {
    void *tag;
    struct id id;
    bool wait;
    bool answered; /* or forgotten: the owner hears nothing more of it */
};

struct request {
    struct request *same_bucket, *older, *newer;
    uint64_t number;
    enum request_kind kind;
    bool sent_before; /* in this session or an earlier one: its effect may be there already */
    bool internal;    /* no tag: the client asks for itself what became of `id` */
    struct id id;
    void *tag;
    int64_t due_ms;                /* CALL: times out; SEND, ASK: is sent again if not answered; INT64_MAX: never */
    int64_t begun_ms;              /* ASK */
    bool receives, forgotten;      /* ASK: a RECEIVE; whose owner is not interested any more */
    struct buf bytes;              /* SEND, CALL, ASK: encoded entries; else the frame */
    struct request_entry *entries; /* SEND */
    uint32_t entry_count, entry_cap;
    char queue[LIMIT_QUEUE_PATH_BYTES + 1]; /* SEND, and an ASK that receives */
};

struct requests {
    struct request **bucket;
    size_t bucket_count, count;
    struct request *oldest, *newest, *unsent;
    uint64_t last_number;
    size_t bytes; /* what all requests hold, see requests_charge() */
};

int requests_init(struct requests *s); /* 0, or -1 without memory */
void requests_finish(struct requests *s);

/* A new one at the end of the list, or NULL without memory. Its bytes are the caller's to fill, then requests_charge(). */
struct request *requests_add(struct requests *s, enum request_kind kind);
struct request *requests_find(const struct requests *s, uint64_t number); /* NULL: answered, or never asked */
void requests_remove(struct requests *s, struct request *r);              /* and frees */
/* Appends an entry to a SEND, not yet charged; NULL without memory. requests_drop_entry() takes the last one back. */
struct request_entry *requests_add_entry(struct request *r);
void requests_drop_entry(struct request *r);
/* True if `more` bytes fit LIMIT_OUTSTANDING_BYTES. */
bool requests_room(const struct requests *s, size_t more);
void requests_charge(struct requests *s, size_t bytes_before, const struct request *r);

#endif
