/* session.h - one blocking conversation with the broker, for commands that ask and print. */
#ifndef LEAT_CLI_SESSION_H
#define LEAT_CLI_SESSION_H

#include <signal.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/msg_queue.h"
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

/* Asks `count` things of queues at once; they are carried out in their order, and each() is told the answer to each of them, which is valid
 * during the call. A RECEIVE may take its waiting time beyond the time-out. 0; -1 with the reason in e when some got no answer:
 * each() has not heard of them and will not, and whether they were carried out is not known. */
typedef void session_response(void *self, size_t index, const struct queue_response *response);
int session_ask(struct session *s, const struct queue_request *requests, size_t count, session_response *each, void *self,
                struct err *e);

/* From now on every wait ends (with ERR_TIMEOUT) as soon as *stop is not 0: a signal's handler may set it. NULL: nothing does. */
void session_stop_at(struct session *s, const volatile sig_atomic_t *stop);
void session_timeout(struct session *s, int64_t ms);

#endif
