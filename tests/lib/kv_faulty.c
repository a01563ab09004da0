/* kv_faulty.c - see kv_faulty.h. */
#include "tests/lib/kv_faulty.h"

#include <stdlib.h>

struct faulty_txn {
    struct kv_txn txn;
    struct faulty *store;
    struct kv_txn *inner;
};

static enum kv_result faulty_begin(struct kv *kv, int flags, struct kv_txn **txn)
{
    struct faulty *f = (struct faulty *)kv;
    f->plan.tries += flags == KV_WRITE;
    if (flags == KV_WRITE && f->plan.begins > 0) {
        f->plan.begins--;
        return f->plan.begin;
    }
    for (int i = 0; i < KV_SPACES; i++)
        buf_reset(&f->plan.last[i]);
    struct faulty_txn *t = calloc(1, sizeof *t);
    if (!t)
        return KV_NO_MEMORY;
    t->txn.ops = kv->ops;
    t->store = f;
    enum kv_result result = kv_begin(f->inner, flags, &t->inner);
    if (result == KV_OK)
        *txn = &t->txn;
    else
        free(t);
    return result;
}

static void faulty_abort(struct kv_txn *txn)
{
    struct faulty_txn *t = (struct faulty_txn *)txn;
    kv_abort(&t->inner);
    free(t);
}

static enum kv_result faulty_commit(struct kv_txn *txn)
{
    struct faulty_txn *t = (struct faulty_txn *)txn;
    struct plan *plan = &t->store->plan;
    enum kv_result result = plan->commit;
    if (plan->commits > 0) {
        plan->commits--;
        kv_abort(&t->inner);
    } else {
        result = kv_commit(&t->inner);
    }
    free(t);
    return result;
}

static enum kv_result faulty_get(struct kv_txn *txn, enum kv_space space, struct slice key, bool for_update, struct buf *out)
{
    return kv_get(((struct faulty_txn *)txn)->inner, space, key, for_update, out);
}

static enum kv_result faulty_put(struct kv_txn *txn, enum kv_space space, struct slice key, struct slice value, int flags)
{
    struct faulty_txn *t = (struct faulty_txn *)txn;
    struct plan *plan = &t->store->plan;
    struct buf *last = &plan->last[space];
    if (space != KV_META && last->len > 0 && slice_compare(key, buf_slice(last)) <= 0)
        plan->unordered = true;
    buf_reset(last);
    buf_append(last, key.ptr, key.len);
    return kv_put(t->inner, space, key, value, flags);
}

static enum kv_result faulty_delete(struct kv_txn *txn, enum kv_space space, struct slice key)
{
    return kv_delete(((struct faulty_txn *)txn)->inner, space, key);
}

static enum kv_result faulty_cursor_open(struct kv_txn *txn, enum kv_space space, struct kv_cursor **cursor)
{
    return kv_cursor_open(((struct faulty_txn *)txn)->inner, space, cursor); /* the cursor is kv_mem's own */
}

static const struct kv_ops faulty_ops = {
    .begin = faulty_begin,
    .commit = faulty_commit,
    .abort = faulty_abort,
    .get = faulty_get,
    .put = faulty_put,
    .del = faulty_delete,
    .cursor_open = faulty_cursor_open,
};

int faulty_init(struct faulty *f)
{
    *f = (struct faulty){.kv = {&faulty_ops}, .inner = kv_mem_create()};
    return f->inner ? 0 : -1;
}

void faulty_finish(struct faulty *f)
{
    for (int i = 0; i < KV_SPACES; i++)
        buf_finish(&f->plan.last[i]);
    kv_close(&f->inner);
}
