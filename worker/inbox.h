/* inbox.h - what the broker has delivered and is not done yet: copies of frames, handed out in the order of arrival.
 *
 * Two inboxes a child: jobs and calls. A job's bytes stay until it is done. */
#ifndef LEAT_WORKER_INBOX_H
#define LEAT_WORKER_INBOX_H

#include "common/msg.h"
#include "worker/apply.h"

struct inbox_frame;

struct inbox {
    struct inbox_frame *oldest, *newest;
    size_t held; /* jobs not done */
};

void inbox_init(struct inbox *in);
void inbox_clear(struct inbox *in); /* forgets everything; also the end */

/* Takes the entries of a JOBS or CALLS frame. 0; -1 if memory is short, the frame is damaged or more than max would be held: then
 * nothing of it was taken (the broker delivers it again when the lease is over). */
int inbox_add_jobs(struct inbox *in, struct msg *m, size_t max);
int inbox_add_calls(struct inbox *in, struct msg *m, size_t max);

/* The next jobs in order of arrival, at most max, until stop (may be NULL) says no. Returns how many. */
size_t inbox_next(const struct inbox *in, struct apply_job **jobs, size_t max,
                  bool (*stop)(void *self, size_t count, struct slice body), void *self);
/* Drops those that have an end. */
void inbox_drop_ended(struct inbox *in);

#endif
