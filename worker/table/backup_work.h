/* backup_work.h - what backup.c and backup_step.c share: rows of the work that is under way. */
#ifndef LEAT_WORKER_TABLE_BACKUP_WORK_H
#define LEAT_WORKER_TABLE_BACKUP_WORK_H

#include "worker/table/backup.h"

#define RESTORE_NAME "restore:"

enum backup_phase { PHASE_COPY, PHASE_COUNT };

struct backup_work {
    uint32_t other; /* of a backup: the table; of a restore: the backup */
    enum backup_phase phase;
    struct slice position; /* the last key that was done, behind its id; empty: none */
    int64_t items, bytes;
};

enum kv_result work_put(struct kv_txn *txn, const char *name, uint32_t id, const struct backup_work *work);
int work_decode(struct slice row, struct backup_work *work); /* 0 or -1; points into row */

enum kv_result backup_finish_row(struct kv_txn *txn, uint32_t id, int64_t items, int64_t bytes);

#endif
