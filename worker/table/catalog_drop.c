/* catalog_drop.c - dropping a table: its row goes at once, its items in the background (see catalog.h). */
#include <assert.h>
#include <string.h>

#include "worker/table/catalog.h"
#include "worker/table/catalog_rows.h"
#include "worker/table/key.h"

#define SWEEP_PREFIX "sweep:"
#define SWEEP_KEY_BYTES (sizeof SWEEP_PREFIX - 1 + KEY_TABLE_BYTES)

static void sweep_key(unsigned char key[static SWEEP_KEY_BYTES], uint32_t id)
{
    unsigned char *at = key + sizeof SWEEP_PREFIX - 1;

    memcpy(key, SWEEP_PREFIX, sizeof SWEEP_PREFIX - 1);
    for (int i = KEY_TABLE_BYTES - 1; i >= 0; i--, id >>= 8)
        at[i] = (unsigned char)id;
}

enum kv_result catalog_drop(struct catalog *c, struct kv_txn *txn, struct slice name, struct err *e)
{
    const struct table *table = catalog_lookup(c, name);
    unsigned char sweep[SWEEP_KEY_BYTES];
    struct buf key;

    if (!table) {
        err_set(e, ERR_TABLE_NOT_FOUND, "Requested resource not found: Table: %.*s not found", (int)name.len,
                (const char *)name.ptr);
        return KV_OK;
    }
    sweep_key(sweep, table->id);
    buf_init(&key);
    catalog_row_key(&key, name);
    enum kv_result result = buf_failed(&key) ? KV_NO_MEMORY : kv_delete(txn, KV_META, buf_slice(&key));
    buf_finish(&key);
    if (result == KV_NOT_FOUND) /* the cache said that there is one */
        result = KV_FATAL;
    if (result == KV_OK)
        result = kv_put(txn, KV_META, slice_of(sweep, sizeof sweep), name, KV_SET);
    return result == KV_OK ? catalog_bump_version(c, txn) : result;
}

/* The id of the first table that waits; KV_NOT_FOUND if none does. */
static enum kv_result first_waiting(struct kv_txn *txn, uint32_t *id)
{
    struct kv_cursor *cursor;
    struct slice key, value;

    enum kv_result result = kv_cursor_open(txn, KV_META, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, slice_text(SWEEP_PREFIX), &key, &value);
    if (result == KV_OK && (key.len != SWEEP_KEY_BYTES || memcmp(key.ptr, SWEEP_PREFIX, sizeof SWEEP_PREFIX - 1) != 0))
        result = KV_NOT_FOUND;
    *id = 0;
    for (size_t i = 0; result == KV_OK && i < KEY_TABLE_BYTES; i++)
        *id = *id << 8 | key.ptr[sizeof SWEEP_PREFIX - 1 + i];
    kv_cursor_close(&cursor);
    return result;
}

/* Copies up to max keys of a table's items to out as msgpack bins; *whole is set if there are no more. */
static enum kv_result collect_keys(struct kv_txn *txn, uint32_t id, size_t max, struct buf *out, bool *whole)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    struct buf prefix;
    size_t count = 0;

    buf_init(&prefix);
    key_encode_prefix(&prefix, id, 0);
    enum kv_result result = buf_failed(&prefix) ? KV_NO_MEMORY : kv_cursor_open(txn, KV_ITEMS, &cursor);
    if (result == KV_OK) {
        result = kv_seek(cursor, buf_slice(&prefix), &key, &value);
        while (result == KV_OK && count < max && key_table(key) == id) {
            mp_put_bin(out, key.ptr, key.len);
            count++;
            result = kv_next(cursor, &key, &value);
        }
        *whole = result == KV_NOT_FOUND || (result == KV_OK && key_table(key) != id);
        kv_cursor_close(&cursor);
    }
    buf_finish(&prefix);
    if (result != KV_OK && result != KV_NOT_FOUND)
        return result;
    return buf_failed(out) ? KV_NO_MEMORY : KV_OK;
}

static enum kv_result delete_keys(struct kv_txn *txn, struct slice keys)
{
    struct mp_reader r = mp_reader_of(keys);
    enum kv_result result = KV_OK;

    while (result == KV_OK && !mp_at_end(&r)) {
        struct slice key = mp_bin(&r, keys.len);
        assert(!r.failed);
        result = kv_delete(txn, KV_ITEMS, key);
    }
    return result;
}

enum kv_result catalog_sweep(struct kv_txn *txn, size_t max, bool *left)
{
    unsigned char sweep[SWEEP_KEY_BYTES];
    struct buf keys;
    uint32_t id;
    bool whole = false;

    *left = false;
    enum kv_result result = first_waiting(txn, &id);
    if (result != KV_OK)
        return result == KV_NOT_FOUND ? KV_OK : result;
    buf_init(&keys);
    result = collect_keys(txn, id, max, &keys, &whole);
    if (result == KV_OK)
        result = delete_keys(txn, buf_slice(&keys));
    buf_finish(&keys);
    if (result == KV_OK && whole) {
        sweep_key(sweep, id);
        result = kv_delete(txn, KV_META, slice_of(sweep, sizeof sweep));
    }
    if (result != KV_OK)
        return result;
    *left = true;
    if (whole) {
        result = first_waiting(txn, &id);
        *left = result == KV_OK;
    }
    return result == KV_NOT_FOUND ? KV_OK : result;
}
