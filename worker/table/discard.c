/* discard.c - see discard.h. */
#include "worker/table/discard.h"

#include <assert.h>
#include <string.h>

#include "common/mp.h"

#define SWEEP_PREFIX "sweep:"
#define ID_BYTES_BE 4u
#define SWEEP_KEY_BYTES (sizeof SWEEP_PREFIX - 1 + ID_BYTES_BE)
#define STEP_BYTES (4u * 1024u * 1024u) /* keys and values of one step: what is removed goes into the log */

static const enum kv_space spaces[] = {KV_ITEMS, KV_INDEXES, KV_STREAMS, KV_BACKUPS};

static void sweep_key(unsigned char key[static SWEEP_KEY_BYTES], uint32_t id)
{
    unsigned char *at = key + sizeof SWEEP_PREFIX - 1;

    memcpy(key, SWEEP_PREFIX, sizeof SWEEP_PREFIX - 1);
    for (int i = ID_BYTES_BE - 1; i >= 0; i--, id >>= 8)
        at[i] = (unsigned char)id;
}

enum kv_result discard_later(struct kv_txn *txn, uint32_t id)
{
    unsigned char key[SWEEP_KEY_BYTES];

    sweep_key(key, id);
    return kv_put(txn, KV_META, slice_of(key, sizeof key), slice_text(""), KV_SET);
}

static bool starts_with(struct slice key, struct slice prefix)
{
    return key.len >= prefix.len && memcmp(key.ptr, prefix.ptr, prefix.len) == 0;
}

/* The mark of the first that waits, copied; KV_NOT_FOUND if none does. */
static enum kv_result first_waiting(struct kv_txn *txn, unsigned char mark[static SWEEP_KEY_BYTES])
{
    struct kv_cursor *cursor;
    struct slice key, value;

    enum kv_result result = kv_cursor_open(txn, KV_META, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, slice_text(SWEEP_PREFIX), &key, &value);
    if (result == KV_OK && (key.len != SWEEP_KEY_BYTES || !starts_with(key, slice_text(SWEEP_PREFIX))))
        result = KV_NOT_FOUND;
    if (result == KV_OK)
        memcpy(mark, key.ptr, SWEEP_KEY_BYTES);
    kv_cursor_close(&cursor);
    return result;
}

enum kv_result collect_keys(struct kv_txn *txn, enum kv_space space, struct slice prefix, struct slice from, size_t max,
                            struct buf *out, bool *whole)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    size_t count = 0, bytes = 0;

    *whole = false;
    enum kv_result result = kv_cursor_open(txn, space, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, from, &key, &value);
    while (result == KV_OK && starts_with(key, prefix) && count < max && bytes < STEP_BYTES) {
        mp_put_bin(out, key.ptr, key.len);
        count++;
        bytes += key.len + value.len;
        result = kv_next(cursor, &key, &value);
    }
    *whole = result == KV_NOT_FOUND || (result == KV_OK && !starts_with(key, prefix));
    kv_cursor_close(&cursor);
    if (result != KV_OK && result != KV_NOT_FOUND)
        return result;
    return buf_failed(out) ? KV_NO_MEMORY : KV_OK;
}

enum kv_result delete_keys(struct kv_txn *txn, enum kv_space space, struct slice keys)
{
    struct mp_reader r = mp_reader_of(keys);
    enum kv_result result = KV_OK;

    while (result == KV_OK && !mp_at_end(&r)) {
        struct slice key = mp_bin(&r, keys.len);
        assert(!r.failed);
        result = kv_delete(txn, space, key);
        if (result == KV_NOT_FOUND) /* gone meanwhile: that is what was wanted */
            result = KV_OK;
    }
    return result;
}

/* -- A step --------------------------------------------------------------------------------------------------- */
/* Finds what to remove: keys of one space, or, with *mark_only set, the mark behind which nothing is left. */
static enum kv_result look(struct kv *kv, size_t max, unsigned char mark[static SWEEP_KEY_BYTES], enum kv_space *space,
                           struct buf *keys, bool *mark_only)
{
    struct kv_txn *txn;
    bool whole;

    enum kv_result result = kv_begin(kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = first_waiting(txn, mark);
    struct slice id = slice_of(mark + sizeof SWEEP_PREFIX - 1, ID_BYTES_BE);
    for (size_t i = 0; result == KV_OK && keys->len == 0 && i < sizeof spaces / sizeof *spaces; i++) {
        *space = spaces[i];
        result = collect_keys(txn, spaces[i], id, id, max, keys, &whole);
    }
    *mark_only = result == KV_OK && keys->len == 0;
    kv_abort(&txn);
    return result;
}

/* The mark goes in a transaction of its own: every transaction reads the page it lies on, so nothing else may be held meanwhile. */
static enum kv_result remove_found(struct kv *kv, struct slice mark, enum kv_space space, struct slice keys, bool mark_only)
{
    struct kv_txn *txn;

    enum kv_result result = kv_begin(kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = mark_only ? kv_delete(txn, KV_META, mark) : delete_keys(txn, space, keys);
    if (result == KV_OK || result == KV_NOT_FOUND)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

enum kv_result discard_step(struct kv *kv, size_t max, bool *left)
{
    unsigned char mark[SWEEP_KEY_BYTES];
    enum kv_space space = KV_ITEMS;
    struct buf keys;
    bool mark_only;

    buf_init(&keys);
    enum kv_result result = look(kv, max, mark, &space, &keys, &mark_only);
    *left = result == KV_OK;
    if (result == KV_OK)
        result = remove_found(kv, slice_of(mark, sizeof mark), space, buf_slice(&keys), mark_only);
    buf_finish(&keys);
    return result == KV_NOT_FOUND ? KV_OK : result;
}
