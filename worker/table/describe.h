/* describe.h - TableDescription, as DescribeTable and all that change tables show it. */
#ifndef LEAT_WORKER_TABLE_DESCRIBE_H
#define LEAT_WORKER_TABLE_DESCRIBE_H

#include "worker/table/request.h"

/* Answers {member: description}. status: "ACTIVE", "CREATING", "UPDATING" or "DELETING"; NULL: as it is. 0, or -1 as a stage. */
int describe_answer(struct request *rq, const char *member, const struct table *table, const char *status);

/* A table's id for users: a UUID made of the table's own id, name and time, so that it needs no place in the store. */
#define DESCRIBE_UUID_BYTES 37 /* with a NUL */
void describe_uuid(uint32_t id, int64_t created_ms, struct slice name, char text[static DESCRIBE_UUID_BYTES]);

/* A time as the API gives it: N, epoch seconds with milliseconds. */
void describe_put_time(struct buf *out, const char *member, int64_t ms);

#endif
