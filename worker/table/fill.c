/* fill.c - see fill.h. */
#include "worker/table/fill.h"

#include <string.h>

#include "worker/table/edit.h"
#include "worker/table/track.h"

#define FILL_NAME "fill:"
#define STEP_BYTES (4u * 1024u * 1024u) /* of items read in one step */

struct fill {
    uint32_t table_id, index_id;
    struct slice position;
};

static enum kv_result put_fill(struct kv_txn *txn, const struct fill *fill)
{
    struct chore_key key = chore_key(FILL_NAME, fill->index_id);
    struct buf row;

    buf_init(&row);
    mp_put_array(&row, 2);
    mp_put_uint(&row, fill->table_id);
    mp_put_bin(&row, fill->position.ptr, fill->position.len);
    enum kv_result result =
        buf_failed(&row) ? KV_NO_MEMORY : kv_put(txn, KV_CHORES, chore_key_slice(&key), buf_slice(&row), KV_SET);
    buf_finish(&row);
    return result;
}

enum kv_result fill_later(struct kv_txn *txn, uint32_t table_id, uint32_t index_id)
{
    return put_fill(txn, &(struct fill){table_id, index_id, slice_of("", 0)});
}

enum kv_result table_is_empty(struct kv_txn *txn, uint32_t table_id, bool *empty)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    struct buf from;

    buf_init(&from);
    key_encode_prefix(&from, table_id, 0);
    enum kv_result result = buf_failed(&from) ? KV_NO_MEMORY : kv_cursor_open(txn, KV_ITEMS, &cursor);
    if (result == KV_OK) {
        result = kv_seek(cursor, buf_slice(&from), &key, &value);
        *empty = result == KV_NOT_FOUND || (result == KV_OK && key_table(key) != table_id);
        kv_cursor_close(&cursor);
    }
    buf_finish(&from);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

/* -- A step --------------------------------------------------------------------------------------------------- */
/* The index of that id; NULL for the expiry index, and when *gone is set: for one that does not exist any more. */
static const struct index *find_index(const struct table *table, uint32_t id, bool *gone)
{
    *gone = false;
    for (uint32_t i = 0; table && i < table->index_count; i++)
        if (table->indexes[i].id == id)
            return &table->indexes[i];
    *gone = !table || table->expiry_id != id;
    return NULL;
}

/* Makes the entries of items behind the position; leaves the new one in *position. *whole: there are no more items. */
static enum kv_result fill_some(const struct chore *chore, struct kv_txn *txn, const struct table *table,
                                const struct index *index, struct buf *position, bool *whole)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    size_t count = 0, bytes = 0;

    enum kv_result result = kv_cursor_open(txn, KV_ITEMS, &cursor);
    if (result != KV_OK)
        return result;
    if (position->len == 0)
        key_encode_prefix(position, table->id, 0);
    result = kv_seek(cursor, buf_slice(position), &key, &value);
    if (result == KV_OK && slice_equal(key, buf_slice(position)))
        result = kv_next(cursor, &key, &value);
    while (result == KV_OK && key_table(key) == table->id && count < chore->max && bytes < STEP_BYTES) {
        struct value item = value_of(value);
        if (index)
            track_fill_index(chore->t, table, index, key, &item);
        else
            track_fill_expiry(chore->t, table, key, &item);
        buf_reset(position);
        buf_append(position, key.ptr, key.len);
        count++;
        bytes += value.len;
        result = item.type == VALUE_M ? kv_next(cursor, &key, &value) : KV_FATAL;
    }
    *whole = result == KV_NOT_FOUND || (result == KV_OK && key_table(key) != table->id);
    kv_cursor_close(&cursor);
    return buf_failed(position) ? KV_NO_MEMORY : result == KV_NOT_FOUND ? KV_OK : result;
}

/* The list of a table's indexes with one of them in use. */
static void put_filled_index(struct buf *out, const struct table *table, uint32_t index_id)
{
    const struct member filled = {"State", {NULL, 0}};

    mp_put_array(out, table->index_count);
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].id == index_id)
            members_put(out, &table->indexes[i].described, &filled, 1);
        else
            mp_put_raw(out, table->indexes[i].described.encoded);
}

/* From now on the index is in use. The catalog first: every transaction reads its page, so nothing else may be held meanwhile. */
static enum kv_result set_filled(struct tables *t, struct kv_txn *txn, const struct table *table, uint32_t index_id)
{
    const struct member filled = {"State", {NULL, 0}};
    struct edit edit;

    edit_init(&edit, table->described.encoded);
    if (table->expiry_id == index_id) {
        struct value expiry = value_map_get(&table->described, slice_text("Ttl"));
        members_put(edit_value(&edit), &expiry, &filled, 1);
        edit_set(&edit, "Ttl");
    } else {
        put_filled_index(edit_value(&edit), table, index_id);
        edit_set(&edit, "Indexes");
    }
    enum kv_result result =
        edit_failed(&edit) ? KV_NO_MEMORY : catalog_replace(&t->catalog, txn, table->name, edit_map(&edit).encoded);
    edit_finish(&edit);
    return result;
}

static enum kv_result finish_fill(const struct chore *chore, uint32_t table_id, uint32_t index_id)
{
    struct chore_key key = chore_key(FILL_NAME, index_id);
    struct kv_txn *txn;
    bool changed, gone;

    enum kv_result result = kv_begin(chore->t->kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = table_begin(chore->t, txn, chore->now_ms, &changed);
    const struct table *table = result == KV_OK ? catalog_by_id(&chore->t->catalog, table_id) : NULL;
    find_index(table, index_id, &gone);
    if (result == KV_OK && !gone)
        result = set_filled(chore->t, txn, table, index_id);
    if (result == KV_OK)
        result = kv_delete(txn, KV_CHORES, chore_key_slice(&key));
    if (result == KV_OK || result == KV_NOT_FOUND)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

static enum kv_result step_in(const struct chore *chore, struct kv_txn *txn, struct fill *fill, struct buf *position,
                              bool *whole)
{
    struct chore_key key = chore_key(FILL_NAME, fill->index_id);
    bool changed, gone;
    struct buf row;

    buf_init(&row);
    enum kv_result result = table_begin(chore->t, txn, chore->now_ms, &changed);
    if (result == KV_OK)
        result = kv_get(txn, KV_CHORES, chore_key_slice(&key), true, &row);
    if (result == KV_OK) {
        struct mp_reader r = mp_reader_of(buf_slice(&row));
        mp_array_exact(&r, 2);
        fill->table_id = (uint32_t)mp_uint(&r, UINT32_MAX);
        struct slice at = mp_bin(&r, row.len);
        buf_append(position, at.ptr, at.len);
        result = mp_at_end(&r) ? KV_OK : KV_FATAL;
    }
    buf_finish(&row);
    if (result != KV_OK)
        return result;
    const struct table *table = catalog_by_id(&chore->t->catalog, fill->table_id);
    const struct index *index = find_index(table, fill->index_id, &gone);
    *whole = gone;
    if (!gone)
        result = fill_some(chore, txn, table, index, position, whole);
    fill->position = buf_slice(position);
    if (result == KV_OK)
        result = table_end(chore->t, txn);
    return result == KV_OK ? put_fill(txn, fill) : result;
}

static enum kv_result step(const struct chore *chore, uint32_t index_id)
{
    struct fill fill = {.index_id = index_id};
    struct kv_txn *txn;
    struct buf position;
    bool whole = false;

    enum kv_result result = kv_begin(chore->t->kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    buf_init(&position);
    result = step_in(chore, txn, &fill, &position, &whole);
    if (result == KV_OK)
        result = kv_commit(&txn);
    kv_abort(&txn);
    buf_finish(&position);
    return result == KV_OK && whole ? finish_fill(chore, fill.table_id, index_id) : result;
}

enum kv_result fill_step(const struct chore *chore, bool *left)
{
    struct kv_txn *txn;
    uint32_t id = 0;

    enum kv_result result = kv_begin(chore->t->kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = chore_next(txn, KV_CHORES, FILL_NAME, 0, &id, NULL);
    kv_abort(&txn);
    if (result != KV_OK || id == 0)
        return result;
    *left = true;
    return step(chore, id);
}
