/* problem.h - the body of an error: application/problem+json (RFC 9457) with the error's own name as "type". Pure. */
#ifndef LEAT_GATEWAY_PROBLEM_H
#define LEAT_GATEWAY_PROBLEM_H

#include "common/buf.h"
#include "common/err.h"
#include "common/id.h"
#include "common/item.h"

#define PROBLEM_MEDIA_TYPE "application/problem+json"

/* Appends {"type":..,"title":..,"status":..,"detail":..,"instance":"/jobs/.."}; id NULL: no instance. */
void problem_put(struct buf *out, const struct err *e, const struct id *id);

/* The problem of a job that failed: its error name decides the status, value.message is the detail, other members of value are added
 * as they are. Returns the HTTP status. */
unsigned problem_put_outcome(struct buf *out, struct slice name, const struct value *value, const struct id *id);

/* "ConditionalCheckFailedException" -> "Conditional check failed" */
void problem_put_title(struct buf *out, struct slice name);

#endif
