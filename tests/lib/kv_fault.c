/* kv_fault.c - see kv_fault.h. */
#include "tests/lib/kv_fault.h"

#include <assert.h>
#include <stdlib.h>

struct fault {
    struct kv base;
    struct kv *inner;
    int left;
    enum kv_result result;
    bool hit;
    int begins_left;
    void (*meet)(void *arg);
    void *meet_arg;
};

struct fault_txn {
    struct kv_txn base;
    struct fault *fault;
    struct kv_txn *inner;
};

struct fault_cursor {
    struct kv_cursor base;
    struct fault *fault;
    struct kv_cursor *inner;
};

static struct fault *fault_of(struct kv *kv) { return (struct fault *)(void *)kv; }
static struct fault_txn *txn_of(struct kv_txn *txn) { return (struct fault_txn *)(void *)txn; }
static struct fault_cursor *cursor_of(struct kv_cursor *c) { return (struct fault_cursor *)(void *)c; }

static bool fails(struct fault *f)
{
    if (f->left < 0 || f->left-- > 0)
        return false;
    f->hit = true;
    return true;
}

static void fault_close(struct kv *kv)
{
    kv_close(&fault_of(kv)->inner);
    free(kv);
}

static enum kv_result fault_begin(struct kv *kv, int flags, struct kv_txn **result)
{
    struct fault *f = fault_of(kv);
    struct fault_txn *txn;

    if (f->meet && f->begins_left-- == 0) {
        void (*meet)(void *arg) = f->meet;
        f->meet = NULL;
        meet(f->meet_arg);
    }
    if (fails(f))
        return f->result;
    txn = calloc(1, sizeof *txn);
    if (!txn)
        return KV_NO_MEMORY;
    txn->base.ops = kv->ops;
    txn->fault = f;
    enum kv_result began = kv_begin(f->inner, flags, &txn->inner);
    if (began != KV_OK)
        free(txn);
    else
        *result = &txn->base;
    return began;
}

static enum kv_result fault_commit(struct kv_txn *base)
{
    struct fault_txn *txn = txn_of(base);
    enum kv_result result = txn->fault->result;

    if (fails(txn->fault))
        kv_abort(&txn->inner);
    else
        result = kv_commit(&txn->inner);
    free(txn);
    return result;
}

static void fault_abort(struct kv_txn *base)
{
    kv_abort(&txn_of(base)->inner);
    free(base);
}

static enum kv_result fault_get(struct kv_txn *base, enum kv_space space, struct slice key, bool for_update, struct buf *out)
{
    struct fault_txn *txn = txn_of(base);
    return fails(txn->fault) ? txn->fault->result : kv_get(txn->inner, space, key, for_update, out);
}

static enum kv_result fault_put(struct kv_txn *base, enum kv_space space, struct slice key, struct slice value, int flags)
{
    struct fault_txn *txn = txn_of(base);
    return fails(txn->fault) ? txn->fault->result : kv_put(txn->inner, space, key, value, flags);
}

static enum kv_result fault_delete(struct kv_txn *base, enum kv_space space, struct slice key)
{
    struct fault_txn *txn = txn_of(base);
    return fails(txn->fault) ? txn->fault->result : kv_delete(txn->inner, space, key);
}

static enum kv_result fault_cursor_open(struct kv_txn *base, enum kv_space space, struct kv_cursor **cursor)
{
    struct fault_txn *txn = txn_of(base);
    struct fault_cursor *c;

    if (fails(txn->fault))
        return txn->fault->result;
    c = calloc(1, sizeof *c);
    if (!c)
        return KV_NO_MEMORY;
    c->base.ops = base->ops;
    c->fault = txn->fault;
    enum kv_result opened = kv_cursor_open(txn->inner, space, &c->inner);
    if (opened != KV_OK)
        free(c);
    else
        *cursor = &c->base;
    return opened;
}

static enum kv_result fault_seek(struct kv_cursor *base, struct slice key, struct slice *found, struct slice *value)
{
    struct fault_cursor *c = cursor_of(base);
    return fails(c->fault) ? c->fault->result : kv_seek(c->inner, key, found, value);
}

static enum kv_result fault_next(struct kv_cursor *base, struct slice *found, struct slice *value)
{
    struct fault_cursor *c = cursor_of(base);
    return fails(c->fault) ? c->fault->result : kv_next(c->inner, found, value);
}

static enum kv_result fault_seek_before(struct kv_cursor *base, struct slice key, struct slice *found, struct slice *value)
{
    struct fault_cursor *c = cursor_of(base);
    return fails(c->fault) ? c->fault->result : kv_seek_before(c->inner, key, found, value);
}

static enum kv_result fault_prev(struct kv_cursor *base, struct slice *found, struct slice *value)
{
    struct fault_cursor *c = cursor_of(base);
    return fails(c->fault) ? c->fault->result : kv_prev(c->inner, found, value);
}

static void fault_cursor_close(struct kv_cursor *base)
{
    kv_cursor_close(&cursor_of(base)->inner);
    free(base);
}

static enum kv_result fault_maintain(struct kv *kv) { return kv_maintain(fault_of(kv)->inner); }

static void fault_counters(const struct kv *kv, struct kv_counters *counters)
{
    kv_counters(((const struct fault *)(const void *)kv)->inner, counters);
}

static const struct kv_ops fault_ops = {
    .close = fault_close,
    .begin = fault_begin,
    .commit = fault_commit,
    .abort = fault_abort,
    .get = fault_get,
    .put = fault_put,
    .del = fault_delete,
    .cursor_open = fault_cursor_open,
    .seek = fault_seek,
    .next = fault_next,
    .seek_before = fault_seek_before,
    .prev = fault_prev,
    .cursor_close = fault_cursor_close,
    .maintain = fault_maintain,
    .counters = fault_counters,
};

struct kv *kv_fault_create(struct kv *inner)
{
    struct fault *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->base.ops = &fault_ops;
    f->inner = inner;
    f->left = -1;
    return &f->base;
}

void kv_fault_arm(struct kv *kv, int after, enum kv_result result)
{
    struct fault *f = fault_of(kv);

    assert(kv->ops == &fault_ops);
    f->left = after;
    f->result = result;
    f->hit = false;
}

bool kv_fault_hit(const struct kv *kv) { return ((const struct fault *)(const void *)kv)->hit; }

void kv_fault_meet(struct kv *kv, int after, void (*meet)(void *arg), void *arg)
{
    struct fault *f = fault_of(kv);

    assert(kv->ops == &fault_ops);
    f->begins_left = after;
    f->meet = meet;
    f->meet_arg = arg;
}

bool kv_fault_met(const struct kv *kv) { return !((const struct fault *)(const void *)kv)->meet; }
