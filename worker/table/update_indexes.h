/* update_indexes.h - the global indexes of a table, as UpdateTable changes them: one made, others dropped, throughput of any. */
#ifndef LEAT_WORKER_TABLE_UPDATE_INDEXES_H
#define LEAT_WORKER_TABLE_UPDATE_INDEXES_H

#include "worker/table/control.h"

/* Everything that may be refused; writes nothing. row: as it will be, but for its indexes. */
int update_indexes_check(struct request *rq, const struct table *table, const struct edit *row);
/* Changes Indexes and AttributeDefinitions of the row, and leaves work for the background. *filling: an index will be made in it. */
int update_indexes(struct request *rq, const struct table *table, struct edit *row, bool *filling);

#endif
