/* table.h - the table engine: operations on tables of items, over kv.h. Knows nothing of ZeroMQ, HTTP or Berkeley DB.
 *
 * table_apply() runs one operation inside the caller's transaction. It validates first and writes last, so that an operation that
 * fails for the user's reasons has written nothing, and the transaction goes on with the next one. Store results other than KV_OK
 * (retry, full, fatal) are returned as they are: the caller aborts. Answers are values in the shape boto3 gives them, encoded as
 * outcomes (common/op.h).
 *
 * Item key = [table id 4B BE][hash prefix 8B][partition key: tag + S/B escaped 00->00 FF, end 00 00 | N ordered][sort key: S/B raw | N].
 * Table ids are never used twice, so a re-created table inherits nothing. Dropped tables are emptied in the background
 * (table_chores). */
#ifndef LEAT_WORKER_TABLE_TABLE_H
#define LEAT_WORKER_TABLE_TABLE_H

#include "common/op.h"
#include "worker/kv.h"

struct tables; /* the engine with its cached catalog; one a process */

struct tables *tables_create(struct kv *kv); /* NULL: out of memory. kv must outlive it */
void tables_destroy(struct tables **t);

/* Reads the catalog. The cache is also checked against the store's catalog version at each table_begin(). */
enum kv_result tables_load(struct tables *t);

/* Creates the tables of --table specs (common/op.h) that do not exist yet; an existing table with another key schema is an error that
 * names both. 0 or -1 with the reason. */
int tables_ensure(struct tables *t, char **specs, size_t count, int64_t now_ms, struct err *e);

/* Once at the start of each transaction: another process may have changed the catalog. *changed is set if it had. now_ms (wall clock)
 * is the time of all that the transaction does: the engine has no clock. */
enum kv_result table_begin(struct tables *t, struct kv_txn *txn, int64_t now_ms, bool *changed);

/* Appends the outcome (op.h) of one operation to out. KV_OK also for operations that failed for the user's reasons. Between table_begin()
 * and table_end() of the same transaction. */
enum kv_result table_apply(struct tables *t, struct kv_txn *txn, const struct op *op, struct buf *out);

/* Once before the commit of each transaction that applied operations: index entries and change records wait until here, to be
 * written in the order of their keys. Not needed before an abort. */
enum kv_result table_end(struct tables *t, struct kv_txn *txn);

/* How much waits for table_end(). */
size_t table_pending_bytes(const struct tables *t);

/* The published key schemas (op.h, catalog); valid until the next change. */
struct slice tables_catalog(const struct tables *t);

/* May the operation change the catalog? Then it has a transaction for itself, and the schemas may have to be published anew. */
bool table_changes_catalog(enum op_code code);

/* Where the operation's item lies in the store, for applying a batch in key order: appends the item key, or nothing. */
void table_sort_key(const struct tables *t, const struct op *op, struct buf *out);

/* Work in the background, one step of each kind that waits: dropped rows and old tokens go, new indexes are filled, expired items and old change records
 * are removed, backups are made, tables are counted. Each step in transactions of its own, of at most max rows. *left tells
 * whether more waits. KV_RETRY: some of it met deadlocks; call again. One process of a store at a time. */
enum kv_result table_chores(struct tables *t, int64_t now_ms, size_t max, bool *left);

#endif
