/* op_backup.c - CreateBackup, DescribeBackup, ListBackups and DeleteBackup. */
#include <string.h>

#include "common/decimal.h"
#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/backup_describe.h"
#include "worker/table/control.h"

#define BACKUPS_MAX 100

int backup_not_found(struct request *rq, struct slice arn)
{
    return err_set(&rq->err, ERR_BACKUP_NOT_FOUND, "Backup not found: %.*s", (int)(arn.len < 500 ? arn.len : 500),
                   (const char *)arn.ptr);
}

int backup_named(struct request *rq, struct backup_row *row)
{
    struct slice arn = member_text(&rq->op->payload, "BackupArn");
    enum kv_result result = backup_find(rq->txn, arn, row);

    if (result != KV_OK)
        return request_store_failed(rq, result);
    return row->id > 0 ? 0 : backup_not_found(rq, arn);
}

/* -- Create --------------------------------------------------------------------------------------------------- */
static int check_name(struct request *rq, struct slice name)
{
    const char *rule = name.len < 3     ? "have length greater than or equal to 3"
                       : name.len > 255 ? "have length less than or equal to 255"
                                        : NULL;

    for (size_t i = 0; i < name.len && !rule; i++) {
        unsigned char c = name.ptr[i], lower = c | 0x20;
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && !memchr("_.-", c, 3))
            rule = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
    }
    if (!rule)
        return 0;
    return err_set(&rq->err, ERR_VALIDATION,
                   "1 validation error detected: Value '%.*s' at 'backupName' failed to satisfy constraint: Member must %s",
                   (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr, rule);
}

static int find_source(struct request *rq, const struct table **table)
{
    if (control_table(rq, table) < 0) {
        if (rq->err.code == ERR_TABLE_NOT_FOUND)
            err_set(&rq->err, ERR_NO_SUCH_TABLE, "Table not found: %.*s", (int)rq->table_name.len,
                    (const char *)rq->table_name.ptr);
        return -1;
    }
    if ((*table)->state == TABLE_ACTIVE && (*table)->backup_id == 0)
        return 0;
    return err_set(&rq->err, ERR_BACKUP_IN_USE,
                   "There is another ongoing conflicting backup control plane operation on the table: %.*s",
                   (int)rq->table_name.len, (const char *)rq->table_name.ptr);
}

static int answer_backup(struct request *rq, struct backup_row *row, uint32_t id)
{
    enum kv_result result = backup_next(rq->txn, id - 1, row);

    if (result != KV_OK)
        return request_store_failed(rq, result);
    answer_begin(rq->out);
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, "BackupDetails");
    backup_put_details(rq->out, rq->t->home, row, NULL);
    return 0;
}

int op_backup_create(struct request *rq)
{
    struct slice name = member_text(&rq->op->payload, "BackupName");
    struct backup_row backup = {.id = 0};
    const struct table *table;
    struct edit row;
    uint32_t id;

    if (check_name(rq, name) < 0 || find_source(rq, &table) < 0)
        return -1;
    edit_init(&row, table->described.encoded);
    buf_init(&backup.bytes);
    enum kv_result begun = backup_begin(rq->txn, table, &row, name, rq->t->now_ms, &id);
    int result = begun != KV_OK ? request_store_failed(rq, begun) : control_replace(rq, &row, &table);
    if (result == 0)
        result = answer_backup(rq, &backup, id);
    buf_finish(&backup.bytes);
    edit_finish(&row);
    return result;
}

/* -- Describe and delete -------------------------------------------------------------------------------------- */
static int answer_description(struct request *rq, const struct backup_row *row, const char *status)
{
    answer_begin(rq->out);
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, "BackupDescription");
    backup_put_description(rq->out, rq->t->home, row, status);
    return 0;
}

int op_backup_describe(struct request *rq)
{
    struct backup_row row = {.id = 0};

    buf_init(&row.bytes);
    int result = backup_named(rq, &row) < 0 ? -1 : answer_description(rq, &row, NULL);
    buf_finish(&row.bytes);
    return result;
}

static int in_use(struct request *rq)
{
    return err_set(
        &rq->err, ERR_BACKUP_IN_USE,
        "There is another ongoing conflicting backup control plane operation on the table. The backup is either being "
        "created, deleted or restored to a table.");
}

int backup_check_made(struct request *rq, const struct backup_row *row)
{
    return member_int(&row->map, "State", BACKUP_AVAILABLE) == BACKUP_AVAILABLE ? 0 : in_use(rq);
}

/* It is neither being made nor read. */
static int check_idle(struct request *rq, const struct backup_row *row)
{
    bool read = false;
    enum kv_result result = backup_is_read(rq->txn, row->id, &read);

    if (result != KV_OK)
        return request_store_failed(rq, result);
    return read ? in_use(rq) : backup_check_made(rq, row);
}

int op_backup_delete(struct request *rq)
{
    struct backup_row row = {.id = 0};
    int result = -1;

    buf_init(&row.bytes);
    if (backup_named(rq, &row) == 0 && check_idle(rq, &row) == 0) {
        enum kv_result dropped = backup_drop(rq->txn, row.id);
        result = dropped == KV_OK ? answer_description(rq, &row, "DELETED") : request_store_failed(rq, dropped);
    }
    buf_finish(&row.bytes);
    return result;
}

/* -- List ----------------------------------------------------------------------------------------------------- */
struct listing {
    struct slice table;
    int64_t limit, from_ms, to_ms;
    uint32_t after, count;
    bool more;
};

/* A time of the request, N in epoch seconds, as milliseconds. */
static int64_t time_arg(const struct request *rq, const char *name, int64_t absent)
{
    struct value v = control_arg(rq, name);
    struct decimal d, thousand;
    int64_t ms;

    if (v.type != VALUE_N || decimal_decode(v.bytes, &d) < 0)
        return absent;
    decimal_from_int(1000, &thousand);
    for (d.exponent += d.hi || d.lo ? 3 : 0; !decimal_to_int(&d, &ms);) { /* cuts what is less than a millisecond */
        if (d.exponent >= 0)
            return absent;
        d.lo /= 10;
        d.exponent++;
    }
    return ms;
}

static bool is_listed(const struct listing *l, const struct backup_row *row)
{
    int64_t created_ms = member_int(&row->map, "Created", 0);

    return (l->table.len == 0 || slice_equal(l->table, member_text(&row->map, "TableName"))) && created_ms >= l->from_ms &&
           created_ms < l->to_ms;
}

static int put_list(struct request *rq, struct listing *l, struct backup_row *row, struct buf *last)
{
    answer_begin(rq->out);
    size_t whole = mp_open(rq->out);
    mp_put_text(rq->out, "BackupSummaries");
    size_t list = mp_open(rq->out);
    enum kv_result result = backup_next(rq->txn, l->after, row);
    for (; result == KV_OK && row->id > 0; result = backup_next(rq->txn, row->id, row)) {
        if (!is_listed(l, row))
            continue;
        l->more = l->count == l->limit;
        if (l->more)
            break;
        backup_put_summary(rq->out, rq->t->home, row);
        buf_reset(last);
        backup_put_arn(last, rq->t->home, row);
        l->count++;
    }
    mp_close_array(rq->out, list, l->count);
    if (l->more) {
        mp_put_text(rq->out, "LastEvaluatedBackupArn");
        mp_put_str(rq->out, (const char *)last->data, last->len);
    }
    mp_close_map(rq->out, whole, l->more ? 2 : 1);
    if (buf_failed(last))
        result = KV_NO_MEMORY;
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}

static int find_list_start(struct request *rq, struct listing *l, struct backup_row *row)
{
    struct slice arn = member_text(&rq->op->payload, "ExclusiveStartBackupArn");

    if (arn.len == 0)
        return 0;
    enum kv_result result = backup_find(rq->txn, arn, row);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    l->after = row->id;
    return row->id > 0 ? 0 : backup_not_found(rq, arn);
}

int op_backup_list(struct request *rq)
{
    struct slice type = member_text(&rq->op->payload, "BackupType");
    struct listing l = {.table = member_text(&rq->op->payload, "TableName"),
                        .from_ms = time_arg(rq, "TimeRangeLowerBound", 0),
                        .to_ms = time_arg(rq, "TimeRangeUpperBound", INT64_MAX)};
    struct backup_row row = {.id = 0};
    struct buf last;

    if (control_count(rq, "Limit", BACKUPS_MAX, BACKUPS_MAX, &l.limit) < 0)
        return -1;
    if (type.len > 0 && !slice_equal(type, slice_text("USER")) && !slice_equal(type, slice_text("ALL")))
        l.to_ms = 0; /* there are none of other types */
    buf_init(&last);
    buf_init(&row.bytes);
    int result = find_list_start(rq, &l, &row) < 0 ? -1 : put_list(rq, &l, &row, &last);
    buf_finish(&row.bytes);
    buf_finish(&last);
    return result;
}
