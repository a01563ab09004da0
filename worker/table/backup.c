/* backup.c - rows of backups, and their beginnings (see backup.h); backup_step.c does the work. */
#include "worker/table/backup.h"

#include <stdio.h>
#include <string.h>

#include "worker/table/arn.h"
#include "worker/table/backup_work.h"
#include "worker/table/discard.h"

/* -- Work ----------------------------------------------------------------------------------------------------- */
enum kv_result work_put(struct kv_txn *txn, const char *name, uint32_t id, const struct backup_work *work)
{
    struct chore_key key = chore_key(name, id);
    struct buf row;

    buf_init(&row);
    mp_put_array(&row, 5);
    mp_put_uint(&row, work->other);
    mp_put_uint(&row, work->phase);
    mp_put_bin(&row, work->position.ptr, work->position.len);
    mp_put_int(&row, work->items);
    mp_put_int(&row, work->bytes);
    enum kv_result result =
        buf_failed(&row) ? KV_NO_MEMORY : kv_put(txn, KV_CHORES, chore_key_slice(&key), buf_slice(&row), KV_SET);
    buf_finish(&row);
    return result;
}

int work_decode(struct slice row, struct backup_work *work)
{
    struct mp_reader r = mp_reader_of(row);

    mp_array_exact(&r, 5);
    work->other = (uint32_t)mp_uint(&r, UINT32_MAX);
    work->phase = (enum backup_phase)mp_uint(&r, PHASE_COUNT);
    work->position = mp_bin(&r, row.len);
    work->items = mp_int(&r);
    work->bytes = mp_int(&r);
    return mp_at_end(&r) ? 0 : -1;
}

/* -- Rows ----------------------------------------------------------------------------------------------------- */
static enum kv_result put_row(struct kv_txn *txn, uint32_t id, const struct edit *row)
{
    struct chore_key key = chore_key(BACKUP_NAME, id);

    if (edit_failed(row))
        return KV_NO_MEMORY;
    return kv_put(txn, KV_META, chore_key_slice(&key), edit_map(row).encoded, KV_SET);
}

enum kv_result backup_begin(struct kv_txn *txn, const struct table *table, struct edit *row, struct slice name, int64_t now_ms,
                            uint32_t *id)
{
    static const unsigned char empty_map = 0x80;
    struct backup_work work = {.other = table->id, .phase = PHASE_COPY, .position = slice_of("", 0)};
    struct edit backup;

    enum kv_result result = catalog_take_id(txn, id);
    if (result != KV_OK)
        return result;
    edit_init(&backup, slice_of(&empty_map, 1));
    edit_set_text(&backup, "Name", name);
    edit_set_text(&backup, "TableName", table->name);
    edit_set_int(&backup, "Created", now_ms);
    edit_set_int(&backup, "State", BACKUP_CREATING);
    edit_set_raw(&backup, "Row", table->described.encoded);
    result = put_row(txn, *id, &backup);
    edit_finish(&backup);
    edit_set_int(row, "Backup", *id);
    return result == KV_OK ? work_put(txn, BACKUP_NAME, *id, &work) : result;
}

enum kv_result backup_finish_row(struct kv_txn *txn, uint32_t id, int64_t items, int64_t bytes)
{
    struct chore_key key = chore_key(BACKUP_NAME, id);
    struct edit backup;
    struct buf row;

    buf_init(&row);
    enum kv_result result = kv_get(txn, KV_META, chore_key_slice(&key), true, &row);
    if (result == KV_OK) {
        edit_init(&backup, buf_slice(&row));
        edit_drop(&backup, "State");
        edit_set_int(&backup, "Items", items);
        edit_set_int(&backup, "Bytes", bytes);
        result = put_row(txn, id, &backup);
        edit_finish(&backup);
    }
    buf_finish(&row);
    return result;
}

enum kv_result restore_begin(struct kv_txn *txn, uint32_t table_id, uint32_t backup_id)
{
    struct backup_work work = {.other = backup_id, .phase = PHASE_COPY, .position = slice_of("", 0)};
    return work_put(txn, RESTORE_NAME, table_id, &work);
}

enum kv_result backup_is_read(struct kv_txn *txn, uint32_t backup_id, bool *read)
{
    struct backup_work work;
    enum kv_result result;
    uint32_t id = 0;
    struct buf row;

    *read = false;
    buf_init(&row);
    do {
        buf_reset(&row);
        result = chore_next(txn, KV_CHORES, RESTORE_NAME, id, &id, &row);
        if (result == KV_OK && id > 0 && work_decode(buf_slice(&row), &work) < 0)
            result = KV_FATAL;
        *read |= result == KV_OK && id > 0 && work.other == backup_id;
    } while (result == KV_OK && id > 0);
    buf_finish(&row);
    return result;
}

enum kv_result backup_next(struct kv_txn *txn, uint32_t after, struct backup_row *row)
{
    buf_reset(&row->bytes);
    enum kv_result result = chore_next(txn, KV_META, BACKUP_NAME, after, &row->id, &row->bytes);
    if (result != KV_OK || row->id == 0)
        return result;
    row->map = value_of(buf_slice(&row->bytes));
    return row->map.type == VALUE_M ? KV_OK : KV_FATAL;
}

void backup_leaf(const struct backup_row *row, char leaf[static BACKUP_LEAF_BYTES])
{
    snprintf(leaf, BACKUP_LEAF_BYTES, "%014lld-%08x", (long long)member_int(&row->map, "Created", 0), row->id);
}

enum kv_result backup_find(struct kv_txn *txn, struct slice text, struct backup_row *row)
{
    char leaf[BACKUP_LEAF_BYTES];
    struct arn arn;

    row->id = 0;
    if (!arn_parse(text, &arn) || !slice_equal(arn.kind, slice_text("backup")))
        return KV_OK;
    for (uint32_t after = 0;; after = row->id) {
        enum kv_result result = backup_next(txn, after, row);
        if (result != KV_OK || row->id == 0)
            return result;
        backup_leaf(row, leaf);
        if (slice_equal(arn.leaf, slice_text(leaf)) && slice_equal(arn.table, member_text(&row->map, "TableName")))
            return KV_OK;
    }
}

enum kv_result backup_drop(struct kv_txn *txn, uint32_t id)
{
    struct chore_key key = chore_key(BACKUP_NAME, id);

    enum kv_result result = kv_delete(txn, KV_META, chore_key_slice(&key));
    return result == KV_OK ? discard_later(txn, id) : result;
}
