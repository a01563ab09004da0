/* session.h - one blocking conversation with the broker, for commands that ask and print. */
#ifndef LEAT_CLI_SESSION_H
#define LEAT_CLI_SESSION_H

#include "common/buf.h"
#include "common/err.h"
#include "common/op.h"

struct session;

/* The client endpoint of a stack whose data lies in folder; endpoint (may be NULL) overrides it. Appended to out as a C string. */
void session_endpoint(const char *folder, const char *endpoint, struct buf *out);

/* Connects and waits up to timeout_ms for the broker. NULL with ERR_UNAVAILABLE in e when nobody answers. */
struct session *session_open(const char *endpoint, int64_t timeout_ms, struct err *e);
void session_close(struct session **s);

/* Each blocks until the answer or the session's time-out. 0 and the encoded value in *answer (owned by the session until the next
 * call); -1 with the error that the broker or the operation named. */
int session_admin(struct session *s, const char *verb, struct slice argument, struct slice *answer, struct err *e);
int session_call(struct session *s, const struct op *op, struct outcome *outcome, struct err *e);

#endif
