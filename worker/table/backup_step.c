/* backup_step.c - backups and restores, step by step (see backup.h). */
#include <string.h>

#include "worker/table/backup_work.h"
#include "worker/table/control.h"
#include "worker/table/discard.h"
#include "worker/table/track.h"

#define STEP_BYTES (4u * 1024u * 1024u) /* read in one step */

/* A walk over the rows of one id: what to do with each. */
struct walk {
    const struct chore *chore;
    struct kv_txn *txn;
    enum kv_space space;
    uint32_t id; /* whose rows */
    enum kv_result (*take)(struct walk *w, struct slice rest, struct slice value);

    uint32_t target;           /* where rows go */
    const struct table *table; /* of a restore */
    struct backup_work *work;
    struct buf position, key, doomed; /* doomed: keys to delete behind the walk, as msgpack bins */
};

static void walk_finish(struct walk *w)
{
    buf_finish(&w->position);
    buf_finish(&w->key);
    buf_finish(&w->doomed);
}

static void put_key(struct buf *out, uint32_t id, struct slice rest)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(out, (unsigned char)(id >> shift));
    buf_append(out, rest.ptr, rest.len);
}

/* Takes rows behind the position, which moves. *whole: there are no more. */
static enum kv_result walk_some(struct walk *w, bool *whole)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    size_t count = 0, bytes = 0;

    put_key(&w->position, w->id, w->work->position);
    enum kv_result result = buf_failed(&w->position) ? KV_NO_MEMORY : kv_cursor_open(w->txn, w->space, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, buf_slice(&w->position), &key, &value);
    if (result == KV_OK && slice_equal(key, buf_slice(&w->position)))
        result = kv_next(cursor, &key, &value);
    while (result == KV_OK && key_table(key) == w->id && count < w->chore->max && bytes < STEP_BYTES) {
        result = w->take(w, slice_of(key.ptr + KEY_TABLE_BYTES, key.len - KEY_TABLE_BYTES), value);
        buf_reset(&w->position);
        buf_append(&w->position, key.ptr, key.len);
        count++;
        bytes += value.len;
        if (result == KV_OK)
            result = kv_next(cursor, &key, &value);
    }
    *whole = result == KV_NOT_FOUND || (result == KV_OK && key_table(key) != w->id);
    kv_cursor_close(&cursor);
    if (buf_failed(&w->position) || buf_failed(&w->key) || buf_failed(&w->doomed))
        return KV_NO_MEMORY;
    w->work->position = slice_of(w->position.data + KEY_TABLE_BYTES, w->position.len - KEY_TABLE_BYTES);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

/* -- What is done with a row ---------------------------------------------------------------------------------- */
/* An item that nobody has changed since the backup was asked for. */
static enum kv_result take_item(struct walk *w, struct slice rest, struct slice value)
{
    buf_reset(&w->key);
    put_key(&w->key, w->target, rest);
    enum kv_result result = buf_failed(&w->key) ? KV_NO_MEMORY : kv_put(w->txn, KV_BACKUPS, buf_slice(&w->key), value, KV_NEW);
    return result == KV_EXISTS ? KV_OK : result;
}

static enum kv_result count_row(struct walk *w, struct slice rest, struct slice value)
{
    struct value item = value.len ? value_of(value) : (struct value){.type = VALUE_NONE};

    if (item.type == VALUE_M) {
        w->work->items++;
        w->work->bytes += (int64_t)item_size(&item);
        return KV_OK;
    }
    buf_reset(&w->key);
    put_key(&w->key, w->id, rest);
    mp_put_bin(&w->doomed, w->key.data, w->key.len);
    return value.len ? KV_FATAL : KV_OK;
}

static enum kv_result restore_row(struct walk *w, struct slice rest, struct slice value)
{
    struct value item = value_of(value);

    if (item.type != VALUE_M)
        return KV_FATAL;
    buf_reset(&w->key);
    put_key(&w->key, w->target, rest);
    if (buf_failed(&w->key))
        return KV_NO_MEMORY;
    for (uint32_t i = 0; i < w->table->index_count; i++)
        track_fill_index(w->chore->t, w->table, &w->table->indexes[i], buf_slice(&w->key), &item);
    return kv_put(w->txn, KV_ITEMS, buf_slice(&w->key), value, KV_SET);
}

/* -- Ends ----------------------------------------------------------------------------------------------------- */
/* Changes a table's row in a transaction that has written nothing yet. */
static enum kv_result change_table(struct tables *t, struct kv_txn *txn, const struct table *table,
                                   const struct member *changes, size_t count)
{
    struct buf row;

    buf_init(&row);
    members_put(&row, &table->described, changes, count);
    enum kv_result result = buf_failed(&row) ? KV_NO_MEMORY : catalog_replace(&t->catalog, txn, table->name, buf_slice(&row));
    buf_finish(&row);
    return result;
}

/* The copy is through: writers need not save any more. */
static enum kv_result end_copy(struct tables *t, struct kv_txn *txn, uint32_t id, struct backup_work *work)
{
    const struct member unmark = {"Backup", {NULL, 0}};
    const struct table *table = catalog_by_id(&t->catalog, work->other);

    enum kv_result result = table && table->backup_id == id ? change_table(t, txn, table, &unmark, 1) : KV_OK;
    work->phase = PHASE_COUNT;
    work->position = slice_of("", 0);
    return result == KV_OK ? work_put(txn, BACKUP_NAME, id, work) : result;
}

static enum kv_result end_count(struct kv_txn *txn, uint32_t id, const struct backup_work *work)
{
    struct chore_key key = chore_key(BACKUP_NAME, id);

    enum kv_result result = backup_finish_row(txn, id, work->items, work->bytes);
    return result == KV_OK ? kv_delete(txn, KV_CHORES, chore_key_slice(&key)) : result;
}

static enum kv_result end_restore(struct tables *t, struct kv_txn *txn, uint32_t id)
{
    struct chore_key key = chore_key(RESTORE_NAME, id);
    const struct table *table = catalog_by_id(&t->catalog, id);
    struct member changes[] = {{"State", {NULL, 0}}, {"RestoreSummary", {NULL, 0}}};
    struct edit summary;

    if (!table)
        return kv_delete(txn, KV_CHORES, chore_key_slice(&key));
    edit_init(&summary, value_map_get(&table->described, slice_text("RestoreSummary")).encoded);
    mp_put_bool(edit_value(&summary), false);
    edit_set(&summary, "RestoreInProgress");
    changes[1].value = edit_map(&summary).encoded;
    enum kv_result result = edit_failed(&summary) ? KV_NO_MEMORY : change_table(t, txn, table, changes, 2);
    edit_finish(&summary);
    return result == KV_OK ? kv_delete(txn, KV_CHORES, chore_key_slice(&key)) : result;
}

/* In a transaction of its own: it changes the catalog, whose page every transaction reads. */
static enum kv_result end(const struct chore *chore, const char *name, uint32_t id, struct backup_work *work)
{
    struct kv_txn *txn;
    bool changed;

    enum kv_result result = kv_begin(chore->t->kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = table_begin(chore->t, txn, chore->now_ms, &changed);
    if (result == KV_OK && strcmp(name, RESTORE_NAME) == 0)
        result = end_restore(chore->t, txn, id);
    else if (result == KV_OK)
        result = work->phase == PHASE_COPY ? end_copy(chore->t, txn, id, work) : end_count(txn, id, work);
    if (result == KV_OK)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result == KV_NOT_FOUND ? KV_FATAL : result;
}

/* -- A step --------------------------------------------------------------------------------------------------- */
static bool aim(struct walk *w, const char *name, uint32_t id)
{
    if (strcmp(name, RESTORE_NAME) == 0) {
        w->space = KV_BACKUPS;
        w->id = w->work->other;
        w->target = id;
        w->take = restore_row;
        w->table = catalog_by_id(&w->chore->t->catalog, id);
        return w->table != NULL;
    }
    w->space = w->work->phase == PHASE_COPY ? KV_ITEMS : KV_BACKUPS;
    w->id = w->work->phase == PHASE_COPY ? w->work->other : id;
    w->target = id;
    w->take = w->work->phase == PHASE_COPY ? take_item : count_row;
    return true;
}

static enum kv_result step_in(struct walk *w, const char *name, uint32_t id, struct buf *row, bool *whole)
{
    struct chore_key key = chore_key(name, id);
    bool changed;

    enum kv_result result = table_begin(w->chore->t, w->txn, w->chore->now_ms, &changed);
    if (result == KV_OK)
        result = kv_get(w->txn, KV_CHORES, chore_key_slice(&key), true, row);
    if (result == KV_OK && work_decode(buf_slice(row), w->work) < 0)
        result = KV_FATAL;
    if (result != KV_OK)
        return result;
    *whole = !aim(w, name, id);
    if (!*whole)
        result = walk_some(w, whole);
    if (result == KV_OK)
        result = delete_keys(w->txn, w->space, buf_slice(&w->doomed));
    if (result == KV_OK)
        result = table_end(w->chore->t, w->txn);
    return result == KV_OK ? work_put(w->txn, name, id, w->work) : result;
}

static enum kv_result step(const struct chore *chore, const char *name, uint32_t id)
{
    struct backup_work work;
    struct walk w = {.chore = chore, .work = &work};
    bool whole = false;
    struct buf row;

    enum kv_result result = kv_begin(chore->t->kv, KV_WRITE, &w.txn);
    if (result != KV_OK)
        return result;
    buf_init(&row);
    result = step_in(&w, name, id, &row, &whole);
    if (result == KV_OK)
        result = kv_commit(&w.txn);
    kv_abort(&w.txn);
    if (result == KV_OK && whole)
        result = end(chore, name, id, &work);
    buf_finish(&row);
    walk_finish(&w);
    return result;
}

static enum kv_result find_work(struct kv *kv, const char *name, uint32_t *id)
{
    struct kv_txn *txn;

    enum kv_result result = kv_begin(kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = chore_next(txn, KV_CHORES, name, 0, id, NULL);
    kv_abort(&txn);
    return result;
}

enum kv_result backup_step(const struct chore *chore, bool *left)
{
    static const char *const names[] = {BACKUP_NAME, RESTORE_NAME};
    enum kv_result result = KV_OK;

    for (size_t i = 0; i < 2 && result == KV_OK; i++) {
        uint32_t id = 0;
        result = find_work(chore->t->kv, names[i], &id);
        if (result != KV_OK || id == 0)
            continue;
        *left = true;
        result = step(chore, names[i], id);
    }
    return result;
}
