/* backup_describe.h - backups as the API shows them; and what the operations on them share. */
#ifndef LEAT_WORKER_TABLE_BACKUP_DESCRIBE_H
#define LEAT_WORKER_TABLE_BACKUP_DESCRIBE_H

#include "worker/table/backup.h"
#include "worker/table/request.h"

void backup_put_arn(struct buf *out, struct slice home, const struct backup_row *row); /* appends the text */
/* One M each. home: as in arn.h. status: NULL as it is. */
void backup_put_details(struct buf *out, struct slice home, const struct backup_row *row, const char *status);
void backup_put_description(struct buf *out, struct slice home, const struct backup_row *row, const char *status);
void backup_put_summary(struct buf *out, struct slice home, const struct backup_row *row);

/* The backup of BackupArn. 0, or -1 as a stage of a request. */
int backup_named(struct request *rq, struct backup_row *row);
int backup_not_found(struct request *rq, struct slice arn); /* sets the error; -1 */
/* It is not being made any more. */
int backup_check_made(struct request *rq, const struct backup_row *row);

#endif
