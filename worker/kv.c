/* kv.c - the calls of kv.h, handed to the implementation behind the handle. */
#include "worker/kv.h"

#include <assert.h>

void kv_close(struct kv **kv)
{
    if (*kv)
        (*kv)->ops->close(*kv);
    *kv = NULL;
}

enum kv_result kv_begin(struct kv *kv, int flags, struct kv_txn **txn)
{
    *txn = NULL;
    return kv->ops->begin(kv, flags, txn);
}

enum kv_result kv_commit(struct kv_txn **txn)
{
    struct kv_txn *ending = *txn;

    assert(ending);
    *txn = NULL;
    return ending->ops->commit(ending);
}

void kv_abort(struct kv_txn **txn)
{
    if (*txn)
        (*txn)->ops->abort(*txn);
    *txn = NULL;
}

enum kv_result kv_get(struct kv_txn *txn, enum kv_space space, struct slice key, bool for_update, struct buf *out)
{
    assert(space < KV_SPACES);
    return txn->ops->get(txn, space, key, for_update, out);
}

enum kv_result kv_put(struct kv_txn *txn, enum kv_space space, struct slice key, struct slice value, int flags)
{
    assert(space < KV_SPACES && key.len > 0);
    return txn->ops->put(txn, space, key, value, flags);
}

enum kv_result kv_delete(struct kv_txn *txn, enum kv_space space, struct slice key)
{
    assert(space < KV_SPACES);
    return txn->ops->del(txn, space, key);
}

enum kv_result kv_cursor_open(struct kv_txn *txn, enum kv_space space, struct kv_cursor **cursor)
{
    assert(space < KV_SPACES);
    *cursor = NULL;
    return txn->ops->cursor_open(txn, space, cursor);
}

enum kv_result kv_seek(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value)
{
    return cursor->ops->seek(cursor, key, found, value);
}

enum kv_result kv_next(struct kv_cursor *cursor, struct slice *found, struct slice *value)
{
    return cursor->ops->next(cursor, found, value);
}

enum kv_result kv_seek_before(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value)
{
    return cursor->ops->seek_before(cursor, key, found, value);
}

enum kv_result kv_prev(struct kv_cursor *cursor, struct slice *found, struct slice *value)
{
    return cursor->ops->prev(cursor, found, value);
}

void kv_cursor_close(struct kv_cursor **cursor)
{
    if (*cursor)
        (*cursor)->ops->cursor_close(*cursor);
    *cursor = NULL;
}

enum kv_result kv_maintain(struct kv *kv) { return kv->ops->maintain(kv); }

void kv_counters(const struct kv *kv, struct kv_counters *counters) { kv->ops->counters(kv, counters); }

const char *kv_result_name(enum kv_result result)
{
    static const char *const names[] = {
        [KV_OK] = "ok",     [KV_NOT_FOUND] = "not found", [KV_EXISTS] = "exists", [KV_RETRY] = "retry",
        [KV_FULL] = "full", [KV_NO_MEMORY] = "no memory", [KV_FATAL] = "fatal",
    };

    return (unsigned)result < sizeof names / sizeof *names ? names[result] : "unknown";
}
