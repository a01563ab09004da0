/* dynamodb.h - calls to the gateway by DynamoDB's API, as a client of it makes them: signed, and tried again while that may help. */
#ifndef LEAT_CLI_DYNAMODB_H
#define LEAT_CLI_DYNAMODB_H

#include "common/buf.h"
#include "common/err.h"

struct dynamodb;

/* url: the gateway's, which must outlive the result. Signs with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and with something where they are
 * not set: a gateway without credentials takes any. NULL: no memory. */
struct dynamodb *dynamodb_create(const char *url, int64_t timeout_ms);
void dynamodb_destroy(struct dynamodb **d);

/* Blocks. 0 and the JSON in *answer, which the next call overwrites. -1 with the reason: ERR_UNAVAILABLE when nobody is there at the first
 * call, or some 12 seconds of tries were to no avail; else the error that the gateway named, with its name in the text. An action may have been carried out more than once. */
int dynamodb_call(struct dynamodb *d, const char *action, struct slice body, struct slice *answer, struct err *e);

#endif
