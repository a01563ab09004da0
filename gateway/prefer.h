/* prefer.h - how long a client wants to wait for the outcome: ?wait=N, or Prefer: wait=N (RFC 7240). Pure. */
#ifndef LEAT_GATEWAY_PREFER_H
#define LEAT_GATEWAY_PREFER_H

#include "common/err.h"
#include "gateway/http_fields.h"

struct prefer {
    int64_t wait_ms;  /* 0: do not wait; at most LIMIT_WAIT_MS, larger wishes are cut */
    bool from_header; /* it was the Prefer header that said so: the answer names it in Preference-Applied */
};

/* The query parameter counts before the header; of several preferences of one name the first counts, others are ignored.
 * 0, or -1 with the reason if the wish is not a whole number of seconds. */
int prefer_read(const struct http_fields *f, struct prefer *p, struct err *e);

#endif
