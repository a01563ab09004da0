/* kv_bdb_txn.c - transactions, reads, writes and cursors of the Berkeley DB store.
 *
 * A transaction that met anything but success, NOT_FOUND or EXISTS is broken: it may only be aborted (asserted). Values are read
 * straight into the caller's buffer; a cursor's slices lie in memory that the library keeps for that cursor. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/kv_bdb.h"

struct bdb_txn {
    struct kv_txn txn; /* first */
    struct bdb *store;
    DB_TXN *handle;
    int open_cursors;
    bool snapshot, broken;
};

struct bdb_cursor {
    struct kv_cursor cursor; /* first */
    struct bdb_txn *txn;
    DBC *handle;
};

/* Room made for a value before its size is known: most items fit, so that one call is enough. */
#define GET_GUESS_BYTES 512u

static DBT dbt_of(struct slice s)
{
    DBT dbt;
    memset(&dbt, 0, sizeof dbt);
    dbt.data = (void *)(uintptr_t)s.ptr; /* the library takes no const; it only reads keys and values that are put */
    dbt.size = (u_int32_t)s.len;
    return dbt;
}

static enum kv_result txn_result(struct bdb_txn *t, int ret, const char *what)
{
    enum kv_result result = bdb_result(t->store, ret, what);
    if (result != KV_OK && result != KV_NOT_FOUND && result != KV_EXISTS)
        t->broken = true;
    return result;
}

enum kv_result bdb_begin(struct kv *kv, int flags, struct kv_txn **txn)
{
    struct bdb *store = (struct bdb *)kv;
    bool snapshot = (flags & KV_SNAPSHOT) != 0;
    if (store->fatal)
        return KV_FATAL;
    if (!snapshot && bdb_disk_full(store))
        return KV_FULL;
    struct bdb_txn *t = calloc(1, sizeof *t);
    if (!t)
        return KV_NO_MEMORY;
    int ret = store->env->txn_begin(store->env, NULL, &t->handle, 0);
    if (ret != 0) {
        free(t);
        return bdb_result(store, ret, "txn_begin");
    }
    t->txn.ops = kv->ops;
    t->store = store;
    t->snapshot = snapshot;
    *txn = &t->txn;
    return KV_OK;
}

enum kv_result bdb_commit(struct kv_txn *txn)
{
    struct bdb_txn *t = (struct bdb_txn *)txn;
    assert(!t->broken && t->open_cursors == 0);
    int ret = t->handle->commit(t->handle, 0);
    enum kv_result result = bdb_result(t->store, ret, "commit");
    t->store->counters.commits += result == KV_OK && !t->snapshot;
    free(t);
    return result;
}

void bdb_abort(struct kv_txn *txn)
{
    struct bdb_txn *t = (struct bdb_txn *)txn;
    assert(t->open_cursors == 0);
    int ret = t->handle->abort(t->handle);
    if (ret != 0) {
        bdb_result(t->store, ret, "abort");
        t->store->fatal = true; /* half a transaction may be in the pages: only recovery helps */
    }
    free(t);
}

enum kv_result bdb_get(struct kv_txn *txn, enum kv_space space, struct slice key, bool for_update, struct buf *out)
{
    struct bdb_txn *t = (struct bdb_txn *)txn;
    assert(!t->broken);
    DB *db = t->store->spaces[space];
    DBT k = dbt_of(key);
    u_int32_t flags = for_update && !t->snapshot ? DB_RMW : 0;
    size_t room = GET_GUESS_BYTES;
    for (;;) {
        if (buf_reserve(out, room) != 0) {
            t->broken = true;
            return KV_NO_MEMORY;
        }
        DBT v = {.data = out->data + out->len, .ulen = (u_int32_t)(out->cap - out->len), .flags = DB_DBT_USERMEM};
        int ret = db->get(db, t->handle, &k, &v, flags);
        if (ret == DB_BUFFER_SMALL && v.size > v.ulen) {
            room = v.size;
            continue;
        }
        if (ret == 0)
            out->len += v.size;
        return txn_result(t, ret, "get");
    }
}

enum kv_result bdb_put(struct kv_txn *txn, enum kv_space space, struct slice key, struct slice value, int flags)
{
    struct bdb_txn *t = (struct bdb_txn *)txn;
    assert(!t->broken && !t->snapshot);
    DB *db = t->store->spaces[space];
    DBT k = dbt_of(key), v = dbt_of(value);
    return txn_result(t, db->put(db, t->handle, &k, &v, (flags & KV_NEW) ? DB_NOOVERWRITE : 0), "put");
}

enum kv_result bdb_delete(struct kv_txn *txn, enum kv_space space, struct slice key)
{
    struct bdb_txn *t = (struct bdb_txn *)txn;
    assert(!t->broken && !t->snapshot);
    DB *db = t->store->spaces[space];
    DBT k = dbt_of(key);
    return txn_result(t, db->del(db, t->handle, &k, 0), "del");
}

enum kv_result bdb_cursor_open(struct kv_txn *txn, enum kv_space space, struct kv_cursor **cursor)
{
    struct bdb_txn *t = (struct bdb_txn *)txn;
    assert(!t->broken);
    struct bdb_cursor *c = calloc(1, sizeof *c);
    if (!c) {
        t->broken = true;
        return KV_NO_MEMORY;
    }
    DB *db = t->store->spaces[space];
    int ret = db->cursor(db, t->handle, &c->handle, 0);
    if (ret != 0) {
        free(c);
        return txn_result(t, ret, "cursor");
    }
    c->cursor.ops = txn->ops;
    c->txn = t;
    t->open_cursors++;
    *cursor = &c->cursor;
    return KV_OK;
}

static enum kv_result cursor_get(struct bdb_cursor *c, DBT *key, u_int32_t how, struct slice *found, struct slice *value)
{
    assert(!c->txn->broken);
    DBT v;
    memset(&v, 0, sizeof v);
    int ret = c->handle->get(c->handle, key, &v, how);
    if (ret == 0) {
        *found = slice_of(key->data, key->size);
        *value = slice_of(v.data, v.size);
    }
    return txn_result(c->txn, ret, "cursor get");
}

enum kv_result bdb_seek(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value)
{
    struct bdb_cursor *c = (struct bdb_cursor *)cursor;
    DBT k = dbt_of(key);
    return cursor_get(c, &k, key.len == 0 ? DB_FIRST : DB_SET_RANGE, found, value);
}

enum kv_result bdb_next(struct kv_cursor *cursor, struct slice *found, struct slice *value)
{
    struct bdb_cursor *c = (struct bdb_cursor *)cursor;
    DBT k;
    memset(&k, 0, sizeof k);
    return cursor_get(c, &k, DB_NEXT, found, value);
}

/* The library finds the first key >= key; the one in front of it is the last below, or the last of all if there is none. */
enum kv_result bdb_seek_before(struct kv_cursor *cursor, struct slice key, struct slice *found, struct slice *value)
{
    struct bdb_cursor *c = (struct bdb_cursor *)cursor;
    DBT k = dbt_of(key);
    enum kv_result result = key.len == 0 ? KV_NOT_FOUND : cursor_get(c, &k, DB_SET_RANGE, found, value);
    if (result != KV_OK && result != KV_NOT_FOUND)
        return result;
    memset(&k, 0, sizeof k);
    return cursor_get(c, &k, result == KV_OK ? DB_PREV : DB_LAST, found, value);
}

enum kv_result bdb_prev(struct kv_cursor *cursor, struct slice *found, struct slice *value)
{
    struct bdb_cursor *c = (struct bdb_cursor *)cursor;
    DBT k;
    memset(&k, 0, sizeof k);
    return cursor_get(c, &k, DB_PREV, found, value);
}

void bdb_cursor_close(struct kv_cursor *cursor)
{
    struct bdb_cursor *c = (struct bdb_cursor *)cursor;
    c->txn->open_cursors--;
    txn_result(c->txn, c->handle->close(c->handle), "cursor close");
    free(c);
}
