/* control.h - what the operations on tables share: their arguments, the table that they name, one way to change its row. */
#ifndef LEAT_WORKER_TABLE_CONTROL_H
#define LEAT_WORKER_TABLE_CONTROL_H

#include "worker/table/edit.h"
#include "worker/table/request.h"

/* A member of the payload; VALUE_NONE if it was not given. */
struct value control_arg(const struct request *rq, const char *name);

/* Finds the table of TableName (a name or an ARN), which may still be in the making. */
int control_table(struct request *rq, const struct table **table);
/* The same, but it must be there for use. */
int control_active_table(struct request *rq, const struct table **table);

/* The table's row becomes what `edit` made of it; finds it again. */
int control_replace(struct request *rq, const struct edit *edit, const struct table **table);

/* A count within bounds, or `absent`; else DynamoDB's constraint error. */
int control_count(struct request *rq, const char *name, int64_t max, int64_t absent, int64_t *count);

#endif
