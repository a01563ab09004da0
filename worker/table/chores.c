/* chores.c - one step of each kind of background work, and what these kinds share (see chores.h). */
#include "worker/table/chores.h"

#include <assert.h>
#include <string.h>

#include "worker/table/backup.h"
#include "worker/table/census.h"
#include "worker/table/discard.h"
#include "worker/table/expire.h"
#include "worker/table/fill.h"
#include "worker/table/request.h"
#include "worker/table/stream_list.h"
#include "worker/table/token.h"

#define TRIES 4

/* -- Keys ----------------------------------------------------------------------------------------------------- */
struct chore_key chore_key(const char *name, uint32_t id)
{
    struct chore_key key;
    size_t len = strlen(name);

    assert(len + 4 <= sizeof key.bytes);
    memcpy(key.bytes, name, len);
    for (size_t i = 4; i-- > 0; id >>= 8)
        key.bytes[len + i] = (unsigned char)id;
    key.len = len + 4;
    return key;
}

enum kv_result chore_next(struct kv_txn *txn, enum kv_space space, const char *name, uint32_t after, uint32_t *id,
                          struct buf *value)
{
    struct chore_key from = chore_key(name, after + 1);
    struct kv_cursor *cursor;
    struct slice key, found;
    size_t prefix = strlen(name);

    *id = 0;
    if (after == UINT32_MAX)
        return KV_OK;
    enum kv_result result = kv_cursor_open(txn, space, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, chore_key_slice(&from), &key, &found);
    if (result == KV_OK && key.len == from.len && memcmp(key.ptr, name, prefix) == 0) {
        for (size_t i = prefix; i < key.len; i++)
            *id = *id << 8 | key.ptr[i];
        if (value && buf_append(value, found.ptr, found.len) != 0)
            result = KV_NO_MEMORY;
    }
    kv_cursor_close(&cursor);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

/* -- Steps ---------------------------------------------------------------------------------------------------- */
static enum kv_result discard(const struct chore *chore, bool *left) { return discard_step(chore->t->kv, chore->max, left); }

static enum kv_result forget_tokens(const struct chore *chore, bool *left)
{
    return token_sweep(chore->t->kv, chore->now_ms, chore->max, left);
}

static enum kv_result (*const kinds[])(const struct chore *chore, bool *left) = {
    backup_step, fill_step, expire_step, stream_trim_step, forget_tokens, discard, census_step,
};

/* Smaller and smaller, so that it gets through between the locks of the others. */
static enum kv_result run_kind(struct chore chore, size_t kind, bool *left)
{
    enum kv_result result = KV_RETRY;

    for (int tries = 0; tries < TRIES && result == KV_RETRY; tries++) {
        *left = false;
        result = kinds[kind](&chore, left);
        chore.max = chore.max / 4 + 1;
    }
    return result;
}

enum kv_result table_chores(struct tables *t, int64_t now_ms, size_t max, bool *left)
{
    const struct chore chore = {t, now_ms, max};
    bool again = false;

    *left = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool more = false;
        enum kv_result result = run_kind(chore, i, &more);
        if (result != KV_OK && result != KV_RETRY)
            return result;
        again |= result == KV_RETRY;
        *left |= more;
    }
    return again && !*left ? KV_RETRY : KV_OK;
}
