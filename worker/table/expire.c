/* expire.c - see expire.h. */
#include "worker/table/expire.h"

#include <stdlib.h>
#include <string.h>

#include "worker/table/track.h"

#define OLDEST_SECONDS (5ll * 365 * 24 * 3600)
#define VICTIMS_MAX 500u

/* Item keys of one table, in the order of their bytes. */
struct victims {
    struct buf bytes;
    struct slice keys[VICTIMS_MAX];
    size_t count;
    bool more;
};

static int64_t oldest_of(int64_t now_seconds) { return now_seconds > OLDEST_SECONDS ? now_seconds - OLDEST_SECONDS : 0; }

static int compare_keys(const void *left, const void *right)
{
    return slice_compare(*(const struct slice *)left, *(const struct slice *)right);
}

/* Pieces of bytes become keys when it no longer moves; they are sorted, as all who write take locks in that order. */
static void sort_victims(struct victims *v, const size_t *ends)
{
    size_t at = 0;

    for (size_t i = 0; i < v->count; i++) {
        v->keys[i] = slice_of(v->bytes.data + at, ends[i] - at);
        at = ends[i];
    }
    qsort(v->keys, v->count, sizeof *v->keys, compare_keys);
}

/* Walks the index from five years ago to now. */
static enum kv_result find_victims(struct kv_txn *txn, const struct table *table, int64_t now_seconds, size_t max,
                                   struct victims *v)
{
    unsigned char from[EXPIRY_PREFIX_BYTES], to[EXPIRY_PREFIX_BYTES];
    size_t ends[VICTIMS_MAX];
    struct kv_cursor *cursor;
    struct slice key, value;

    expiry_prefix(from, table->expiry_id, oldest_of(now_seconds));
    expiry_prefix(to, table->expiry_id, now_seconds + 1);
    enum kv_result result = kv_cursor_open(txn, KV_INDEXES, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, slice_of(from, sizeof from), &key, &value);
    while (result == KV_OK && slice_compare(key, slice_of(to, sizeof to)) < 0 && !v->more) {
        key_encode_prefix(&v->bytes, table->id, 0);
        v->bytes.len -= buf_failed(&v->bytes) ? 0 : KEY_HASH_BYTES;
        buf_append(&v->bytes, key.ptr + EXPIRY_PREFIX_BYTES, key.len - EXPIRY_PREFIX_BYTES);
        ends[v->count++] = v->bytes.len;
        v->more = v->count >= max || v->count >= VICTIMS_MAX;
        result = kv_next(cursor, &key, &value);
    }
    kv_cursor_close(&cursor);
    if (buf_failed(&v->bytes))
        return KV_NO_MEMORY;
    sort_victims(v, ends);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

/* The item may have changed since it was found. */
static enum kv_result expire_item(struct tables *t, struct kv_txn *txn, const struct table *table, struct slice key,
                                  int64_t now_seconds)
{
    const struct op none = {.payload = {.type = VALUE_NONE}};
    struct request rq;
    int64_t seconds;

    request_init(&rq, t, txn, &none, NULL);
    rq.table = table;
    rq.by_service = true;
    buf_reset(&t->key);
    buf_append(&t->key, key.ptr, key.len);
    if (buf_failed(&t->key))
        return KV_NO_MEMORY;
    if (request_read(&rq, true) < 0)
        return rq.store;
    if (!expiry_of(table, &rq.old, &seconds) || seconds > now_seconds || seconds < oldest_of(now_seconds))
        return KV_OK;
    return request_remove(&rq) < 0 ? rq.store : KV_OK;
}

static enum kv_result remove_victims(const struct chore *chore, uint32_t table_id, const struct victims *v)
{
    struct kv_txn *txn;
    bool changed;

    enum kv_result result = kv_begin(chore->t->kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = table_begin(chore->t, txn, chore->now_ms, &changed);
    const struct table *table = catalog_by_id(&chore->t->catalog, table_id);
    for (size_t i = 0; result == KV_OK && table && table->expiry_id && i < v->count; i++)
        result = expire_item(chore->t, txn, table, v->keys[i], chore->now_ms / 1000);
    if (result == KV_OK)
        result = table_end(chore->t, txn);
    if (result == KV_OK)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

/* The first table from *next on that has something to remove, as the catalog lists them; false if none has. */
static enum kv_result find_table(const struct chore *chore, uint32_t *next, uint32_t *table_id, struct victims *v)
{
    struct kv_txn *txn;
    bool changed;

    *table_id = 0;
    enum kv_result result = kv_begin(chore->t->kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = table_begin(chore->t, txn, chore->now_ms, &changed);
    const struct catalog *c = &chore->t->catalog;
    for (; result == KV_OK && *next < c->count && v->count == 0; ++*next) {
        const struct table *table = &c->tables[*next];
        if (table->expiry_id == 0)
            continue;
        result = find_victims(txn, table, chore->now_ms / 1000, chore->max, v);
        *table_id = table->id;
    }
    kv_abort(&txn);
    return result;
}

enum kv_result expire_step(const struct chore *chore, bool *left)
{
    struct victims v;
    enum kv_result result = KV_OK;
    uint32_t next = 0, table_id;

    buf_init(&v.bytes);
    do {
        buf_reset(&v.bytes);
        v.count = 0;
        v.more = false;
        result = find_table(chore, &next, &table_id, &v);
        if (result == KV_OK && v.count > 0)
            result = remove_victims(chore, table_id, &v);
        *left |= result == KV_OK && v.more;
    } while (result == KV_OK && v.count > 0);
    buf_finish(&v.bytes);
    return result;
}
