/* track.c - see track.h. */
#include "worker/table/track.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"
#include "worker/table/stream.h"

/* -- Indexes -------------------------------------------------------------------------------------------------- */
/* An item's entry in an index. */
struct entry {
    bool present;
    struct buf *key, *view; /* of struct tables */
};

static void entry_of(const struct table *table, const struct index *index, struct slice item_key, const struct value *item,
                     struct entry *entry)
{
    struct index_key key;

    buf_reset(entry->key);
    buf_reset(entry->view);
    entry->present = item->type == VALUE_M && index_key_of_item(index, item, &key);
    if (!entry->present)
        return;
    index_encode(entry->key, index, &key, item_key);
    index_put_view(entry->view, table, index, item);
}

static bool entry_failed(const struct entry *entry) { return buf_failed(entry->key) || buf_failed(entry->view); }

static size_t view_size(const struct entry *entry)
{
    struct value view = entry->present ? value_of(buf_slice(entry->view)) : (struct value){.type = VALUE_NONE};
    return view.type == VALUE_M ? item_size(&view) : 0;
}

/* Did the entry move, and did it change at all? */
static bool has_moved(const struct entry *was, const struct entry *is)
{
    return was->present != is->present || !slice_equal(buf_slice(was->key), buf_slice(is->key));
}

static bool is_same(const struct entry *was, const struct entry *is)
{
    return (!was->present && !is->present) || (!has_moved(was, is) && slice_equal(buf_slice(was->view), buf_slice(is->view)));
}

static void change_entry(struct pending *p, const struct entry *was, const struct entry *is)
{
    if (was->present && has_moved(was, is))
        pending_delete(p, buf_slice(was->key));
    if (is->present)
        pending_put(p, buf_slice(is->key), buf_slice(is->view));
}

static int change_entries(struct request *rq, const struct value *fresh)
{
    struct buf *scratch = rq->t->scratch;
    struct entry was = {false, &scratch[0], &scratch[1]}, is = {false, &scratch[2], &scratch[3]};

    for (uint32_t i = 0; i < rq->table->index_count; i++) {
        entry_of(rq->table, &rq->table->indexes[i], buf_slice(&rq->t->key), &rq->old, &was);
        entry_of(rq->table, &rq->table->indexes[i], buf_slice(&rq->t->key), fresh, &is);
        if (entry_failed(&was) || entry_failed(&is))
            return request_store_failed(rq, KV_NO_MEMORY);
        if (!is_same(&was, &is))
            change_entry(&rq->t->pending, &was, &is);
    }
    return 0;
}

/* In its place a view costs what its larger image does; elsewhere it is removed and written. */
static uint64_t cost_of(const struct entry *was, const struct entry *is)
{
    size_t old_bytes = view_size(was), new_bytes = view_size(is);

    if (is_same(was, is))
        return 0;
    if (!has_moved(was, is))
        return capacity_of_write(old_bytes, new_bytes);
    return (was->present ? capacity_of_write(old_bytes, 0) : 0) + (is->present ? capacity_of_write(0, new_bytes) : 0);
}

void track_capacity(struct request *rq, const struct value *fresh, struct capacity *capacity)
{
    struct buf *scratch = rq->t->scratch;
    struct entry was = {false, &scratch[0], &scratch[1]}, is = {false, &scratch[2], &scratch[3]};

    for (uint32_t i = 0; i < rq->table->index_count; i++) {
        const struct index *index = &rq->table->indexes[i];
        entry_of(rq->table, index, buf_slice(&rq->t->key), &rq->old, &was);
        entry_of(rq->table, index, buf_slice(&rq->t->key), fresh, &is);
        if (!entry_failed(&was) && !entry_failed(&is))
            capacity_add_arm(capacity, index->name, index->local, cost_of(&was, &is));
    }
}

void track_fill_index(struct tables *t, const struct table *table, const struct index *index, struct slice item_key,
                      const struct value *item)
{
    struct entry entry = {false, &t->scratch[0], &t->scratch[1]};

    entry_of(table, index, item_key, item, &entry);
    if (entry_failed(&entry))
        t->pending.failed = true;
    else if (entry.present)
        pending_put(&t->pending, buf_slice(entry.key), buf_slice(entry.view));
}

/* -- Expiry --------------------------------------------------------------------------------------------------- */
bool expiry_of(const struct table *table, const struct value *item, int64_t *seconds)
{
    char text[DECIMAL_TEXT_MAX];
    struct decimal d;

    if (item->type != VALUE_M)
        return false;
    struct value v = value_map_get(item, table->expiry_attribute);
    if (v.type != VALUE_N || decimal_decode(v.bytes, &d) < 0 || d.negative)
        return false;
    if (!decimal_to_int(&d, seconds)) { /* a fraction of a second, or centuries away */
        decimal_format(&d, text);
        *seconds = strtoll(text, NULL, 10);
    }
    return true;
}

void expiry_prefix(unsigned char key[static EXPIRY_PREFIX_BYTES], uint32_t id, int64_t seconds)
{
    assert(seconds >= 0);
    for (int i = 3; i >= 0; i--, id >>= 8)
        key[i] = (unsigned char)id;
    for (int i = 11; i >= 4; i--, seconds >>= 8)
        key[i] = (unsigned char)seconds;
}

static void expiry_key(struct buf *out, const struct table *table, int64_t seconds, struct slice item_key)
{
    unsigned char prefix[EXPIRY_PREFIX_BYTES];

    expiry_prefix(prefix, table->expiry_id, seconds);
    buf_append(out, prefix, sizeof prefix);
    buf_append(out, item_key.ptr + KEY_TABLE_BYTES, item_key.len - KEY_TABLE_BYTES);
}

static void pend_expiry(struct tables *t, const struct table *table, int64_t seconds, struct slice item_key, bool put)
{
    struct buf *key = &t->scratch[0];

    buf_reset(key);
    expiry_key(key, table, seconds, item_key);
    if (buf_failed(key))
        t->pending.failed = true;
    else if (put)
        pending_put(&t->pending, buf_slice(key), slice_of("", 0));
    else
        pending_delete(&t->pending, buf_slice(key));
}

static void change_expiry(struct request *rq, const struct value *fresh)
{
    int64_t was = 0, is = 0;
    bool had = expiry_of(rq->table, &rq->old, &was), has = expiry_of(rq->table, fresh, &is);

    if (had && (!has || was != is))
        pend_expiry(rq->t, rq->table, was, buf_slice(&rq->t->key), false);
    if (has && (!had || was != is))
        pend_expiry(rq->t, rq->table, is, buf_slice(&rq->t->key), true);
}

void track_fill_expiry(struct tables *t, const struct table *table, struct slice item_key, const struct value *item)
{
    int64_t seconds;

    if (expiry_of(table, item, &seconds))
        pend_expiry(t, table, seconds, item_key, true);
}

/* -- Change records ------------------------------------------------------------------------------------------- */
static bool view_has(enum stream_view view, enum stream_view image) { return view == image || view == VIEW_NEW_AND_OLD_IMAGES; }

static int record_change(struct request *rq, const struct value *fresh)
{
    enum stream_view view = rq->table->stream_view;
    bool had = rq->old.type == VALUE_M, has = fresh->type == VALUE_M;
    struct buf *keys = &rq->t->scratch[0], *bytes = &rq->t->scratch[1];

    buf_reset(keys);
    buf_reset(bytes);
    key_put_map(keys, &rq->table->schema, has ? fresh : &rq->old);
    struct stream_record record = {.created_ms = rq->t->now_ms,
                                   .event = !had  ? EVENT_INSERT
                                            : has ? EVENT_MODIFY
                                                  : EVENT_REMOVE,
                                   .by_service = rq->by_service,
                                   .keys = buf_slice(keys)};
    if (has && view_has(view, VIEW_NEW_IMAGE))
        record.fresh = fresh->encoded;
    if (had && view_has(view, VIEW_OLD_IMAGE))
        record.old = rq->old.encoded;
    stream_record_encode(bytes, &record);
    if (buf_failed(keys) || buf_failed(bytes))
        return request_store_failed(rq, KV_NO_MEMORY);
    pending_record(&rq->t->pending, rq->table->stream_id, buf_slice(bytes));
    return 0;
}

/* -- All of it ------------------------------------------------------------------------------------------------ */
/* A backup shows the table as it was when it was asked for: what is changed before it was copied is saved as it was, a missing item
 * as an empty value. What is saved or copied already stays. */
static int save_for_backup(struct request *rq)
{
    struct buf *key = &rq->t->scratch[0];
    struct slice image = rq->old.type == VALUE_M ? rq->old.encoded : slice_of("", 0);

    buf_reset(key);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(key, (unsigned char)(rq->table->backup_id >> shift));
    buf_append(key, rq->t->key.data + KEY_TABLE_BYTES, rq->t->key.len - KEY_TABLE_BYTES);
    if (buf_failed(key))
        return request_store_failed(rq, KV_NO_MEMORY);
    enum kv_result result = kv_put(rq->txn, KV_BACKUPS, buf_slice(key), image, KV_NEW);
    return result == KV_OK || result == KV_EXISTS ? 0 : request_store_failed(rq, result);
}

int track_change(struct request *rq, const struct value *fresh)
{
    const struct table *table = rq->table;
    bool had = rq->old.type == VALUE_M, has = fresh->type == VALUE_M;

    assert(rq->old_read && table->tracked);
    if (!had && !has)
        return 0;
    if (table->index_count > 0 && change_entries(rq, fresh) < 0)
        return -1;
    if (table->expiry_id > 0)
        change_expiry(rq, fresh);
    if (table->stream_id > 0 && !(had && has && value_equal(&rq->old, fresh)) && record_change(rq, fresh) < 0)
        return -1;
    return table->backup_id > 0 ? save_for_backup(rq) : 0;
}
