/* backup.h - backups of single tables: copied in the background, true to one moment; and tables made from them.
 *
 * In KV_META:    "backup:" id 4 B BE  -> M {Name, TableName, Created N: wall ms, State N, Items N, Bytes N, Row: the table's row}
 * In KV_BACKUPS: [backup id 4 B BE][an item's key behind its table id] -> the item; empty while the backup is made: there was none
 * In KV_CHORES:  "backup:" backup id  -> [table id, phase, position bin, items, bytes]     being made
 *                "restore:" table id  -> [backup id, 0, position bin, 0, 0]                being read back
 *
 * A backup shows its table as of the transaction of CreateBackup. From then on whoever changes an item saves it as it was, unless
 * something is there under its key already (track.c); the copy takes what was not changed, in the order of keys. So neither
 * waits for the other. When the copy is through, the second phase counts the items and removes the marks of missing ones.
 *
 * A restored table has the state CREATING, and nobody can use it, until its items and index entries are written. */
#ifndef LEAT_WORKER_TABLE_BACKUP_H
#define LEAT_WORKER_TABLE_BACKUP_H

#include "worker/table/chores.h"
#include "worker/table/edit.h"

#define BACKUP_NAME "backup:"

enum backup_state { BACKUP_AVAILABLE, BACKUP_CREATING };

/* A new backup of a table: its row, the mark in the table's row in the making, and the work. */
enum kv_result backup_begin(struct kv_txn *txn, const struct table *table, struct edit *row, struct slice name, int64_t now_ms,
                            uint32_t *id);
/* The items of a new table are to come from a backup. */
enum kv_result restore_begin(struct kv_txn *txn, uint32_t table_id, uint32_t backup_id);
/* Is a table being made from this backup? */
enum kv_result backup_is_read(struct kv_txn *txn, uint32_t backup_id, bool *read);

struct backup_row {
    uint32_t id;
    struct buf bytes; /* what map points into; the caller's to init and finish */
    struct value map;
};
/* The first backup with an id above `after`, the one of an ARN; id 0: there is none. */
enum kv_result backup_next(struct kv_txn *txn, uint32_t after, struct backup_row *row);
enum kv_result backup_find(struct kv_txn *txn, struct slice arn, struct backup_row *row);
enum kv_result backup_drop(struct kv_txn *txn, uint32_t id);

/* The last part of a backup's ARN: its time and number. */
#define BACKUP_LEAF_BYTES 32
void backup_leaf(const struct backup_row *row, char leaf[static BACKUP_LEAF_BYTES]);

/* One step of a backup or of a restore that is under way (see chores.h). */
enum kv_result backup_step(const struct chore *chore, bool *left);

#endif
