/* catalog.h - the tables of the store, cached; private to worker/table.
 *
 * In KV_META:  "tables:version"     -> 8 bytes BE, bumped with every change (another process' cache sees that it is stale)
 *              "tables:next-id"     -> 4 bytes BE, the id that the next table gets; ids are never used twice
 *              "table:NAME"         -> [id, created wall ms, partition name, type, sort name, type, state]
 *              "sweep:" id 4 B BE   -> NAME of a dropped table whose items are still to be removed
 * A change inside a transaction reloads the cache from that transaction and marks it tentative: the next begin reads it anew,
 * whether the transaction was committed or not. */
#ifndef LEAT_WORKER_TABLE_CATALOG_H
#define LEAT_WORKER_TABLE_CATALOG_H

#include "common/op.h"
#include "worker/kv.h"

enum table_state { TABLE_ACTIVE = 0 }; /* a row exists only while its table is in use */

struct table {
    struct slice name; /* points into the catalog's rows */
    struct key_schema schema;
    uint32_t id;
    int64_t created_ms;
};

struct catalog {
    struct table *tables; /* owned, sorted by name */
    uint32_t count, cap;
    struct buf rows;      /* owned: what the tables' slices point into */
    struct buf published; /* owned: op.h's catalog */
    uint64_t version;
    bool loaded, tentative;
};

void catalog_init(struct catalog *c);
void catalog_finish(struct catalog *c);

/* Reads the version and, if the cache is stale, everything. *changed (may be NULL) is set if it was. */
enum kv_result catalog_refresh(struct catalog *c, struct kv_txn *txn, bool *changed);

const struct table *catalog_lookup(const struct catalog *c, struct slice name); /* NULL: no such table */

/* Create or drop in txn; e is set (and KV_OK returned) when the user is at fault. The cache is refreshed; pointers from
 * catalog_lookup become invalid. */
enum kv_result catalog_create(struct catalog *c, struct kv_txn *txn, struct slice name, const struct key_schema *schema,
                              struct err *e);
enum kv_result catalog_drop(struct catalog *c, struct kv_txn *txn, struct slice name, struct err *e);

/* Removes items of dropped tables, at most max; *left tells whether more wait. Row by row in txn. */
enum kv_result catalog_sweep(struct kv_txn *txn, size_t max, bool *left);

#endif
