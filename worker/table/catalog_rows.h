/* catalog_rows.h - what catalog.c and catalog_drop.c share. */
#ifndef LEAT_WORKER_TABLE_CATALOG_ROWS_H
#define LEAT_WORKER_TABLE_CATALOG_ROWS_H

#include "worker/table/catalog.h"

/* The key of a table's row in KV_META. */
void catalog_row_key(struct buf *out, struct slice name);
/* After a change of rows in txn: other processes will see it, this one reloads. */
enum kv_result catalog_bump_version(struct catalog *c, struct kv_txn *txn);

#endif
