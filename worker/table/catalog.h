/* catalog.h - the tables of the store, cached; private to worker/table.
 *
 * In KV_META:  "tables:version"     -> 8 bytes BE, bumped with every change (another process' cache sees that it is stale)
 *              "tables:next-id"     -> 4 bytes BE, the next id of a table, an index, a stream, a backup; ids are never used twice
 *              "table:NAME"         -> all that is known of a table (catalog_row.h)
 *              "tags:" id           -> the table's tags, M of S; not cached. Ids in keys are 4 B BE
 *              "sweep:" id          -> what is still to be removed of something that was dropped (chores.h)
 * Every transaction reads the version and holds it until its end: a change of the catalog therefore waits for the transactions
 * that began before it, and none sees half of it. A change inside a transaction reloads the cache from that transaction and marks
 * it tentative: the next begin reads it anew, whether the transaction was committed or not. */
#ifndef LEAT_WORKER_TABLE_CATALOG_H
#define LEAT_WORKER_TABLE_CATALOG_H

#include "worker/kv.h"
#include "worker/table/index.h"

enum table_state { TABLE_ACTIVE, TABLE_CREATING /* being restored: not to be used */ };
enum stream_view { VIEW_KEYS_ONLY, VIEW_NEW_IMAGE, VIEW_OLD_IMAGE, VIEW_NEW_AND_OLD_IMAGES };

struct table {
    struct slice name; /* slices and values point into the catalog's rows */
    struct key_schema schema;
    uint32_t id;
    int64_t created_ms;
    enum table_state state;
    struct index *indexes; /* owned by the catalog: local ones, then global ones */
    uint32_t index_count;
    uint32_t stream_id; /* 0: no stream */
    enum stream_view stream_view;
    uint32_t expiry_id; /* of the index by time (ttl.h); 0: items do not expire */
    struct slice expiry_attribute;
    uint32_t backup_id;     /* of a backup that is being made; 0: none */
    bool tracked;           /* one of the above: a write needs the item as it was */
    struct value described; /* the whole row, an M (catalog_row.h) */
};

struct catalog {
    struct table *tables; /* owned, sorted by name */
    uint32_t count, cap;
    struct buf rows;      /* owned: what the tables' slices point into */
    struct buf published; /* owned: op.h's catalog */
    uint32_t staged_count;
    size_t staged_bytes; /* of their published rows, at most */
    uint64_t version;
    bool loaded, tentative;
};

void catalog_init(struct catalog *c);
void catalog_finish(struct catalog *c);

/* Reads the version and, if the cache is stale, everything. *changed (may be NULL) is set if it was. */
enum kv_result catalog_refresh(struct catalog *c, struct kv_txn *txn, bool *changed);

const struct table *catalog_lookup(const struct catalog *c, struct slice name); /* NULL: no such table */
const struct table *catalog_by_id(const struct catalog *c, uint32_t id);

/* The next id, for good: it is taken whether it will be used or not, unless the transaction is aborted. */
enum kv_result catalog_take_id(struct kv_txn *txn, uint32_t *id);

/* May a table of that name and key be made? 0, or -1 with the error: the name is taken, or the store has its maximum of tables. */
int catalog_check_new(const struct catalog *c, struct slice name, const struct key_schema *schema, struct err *e);

/* Changes in txn. The cache is refreshed, which reads the whole catalog; pointers from catalog_lookup become invalid. */
enum kv_result catalog_insert(struct catalog *c, struct kv_txn *txn, struct slice name, struct slice row);
enum kv_result catalog_replace(struct catalog *c, struct kv_txn *txn, struct slice name, struct slice row);
enum kv_result catalog_remove(struct catalog *c, struct kv_txn *txn, struct slice name);

/* Many at once: new rows are staged, unseen by lookups, until one catalog_publish() in the same transaction. KV_EXISTS: a row of that
 * name is there, or was staged before. */
enum kv_result catalog_stage(struct catalog *c, struct kv_txn *txn, struct slice name, const struct key_schema *schema,
                             struct slice row);
enum kv_result catalog_publish(struct catalog *c, struct kv_txn *txn);

#endif
