/* calls.h - requests that wait for one call to a worker, and try again by themselves. Private to gateway/.
 *
 * A write has an id, made once: whatever is tried again, by the broker or here, takes effect once. A call is tried again while its deadline
 * (--call-timeout) allows: when a worker died with it, none was there, or all were busy. What was lost with a broker the queue client sends again. */
#ifndef LEAT_GATEWAY_CALLS_H
#define LEAT_GATEWAY_CALLS_H

#include "common/op.h"

struct gateway;
struct http_request;

/* How a call ends for its request, which is to be answered then. `what` is the owner's. */
struct calls_owner {
    void (*answered)(struct gateway *g, struct http_request *r, const void *what, const struct outcome *outcome);
    /* reached: a worker may have taken it, and its effect is not known; else nothing was changed. */
    void (*failed)(struct gateway *g, struct http_request *r, const void *what, bool reached);
};

/* Sends op for r, which must not be answered yet; it waits then. writes: under an id. May answer r with an error at once. */
void calls_send(struct gateway *g, struct http_request *r, const struct calls_owner *owner, const void *what,
                const struct op *op, bool writes);

#endif
