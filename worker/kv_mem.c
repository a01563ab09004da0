/* kv_mem.c - kv.h in memory, for tests and benches: a skip list a space, with an undo log for abort.
 *
 * One transaction at a time: a second kv_begin() answers KV_RETRY. Replaced values and removed nodes stay in the undo log until
 * the transaction ends, so that slices that a cursor handed out never dangle. A cursor remembers its key and looks it up again
 * when the space has changed under it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/kv_mem_list.h"

enum undo_kind { UNDO_INSERT, UNDO_REPLACE, UNDO_REMOVE };

struct undo {
    enum undo_kind kind;
    enum kv_space space;
    struct node *node;
    unsigned char *value; /* REPLACE: the old value, owned */
    size_t value_len;
};

struct mem_txn {
    struct kv_txn base;
    struct mem *mem;
    bool open, snapshot;
    int cursors;
    struct undo *log; /* owned; kept between transactions */
    size_t count, cap;
};

struct mem {
    struct kv base;
    struct space spaces[KV_SPACES];
    uint64_t random;
    struct mem_txn txn; /* the only one */
    struct kv_counters counters;
};

struct mem_cursor {
    struct kv_cursor base;
    struct mem_txn *txn;
    enum kv_space space;
    struct node *at; /* valid while the space's changes equal ours */
    uint64_t changes;
    struct buf key; /* of at */
};

static struct mem *mem_of(struct kv *kv) { return (struct mem *)(void *)kv; }
static struct mem_txn *txn_of(struct kv_txn *txn) { return (struct mem_txn *)(void *)txn; }
static struct mem_cursor *cursor_of(struct kv_cursor *c) { return (struct mem_cursor *)(void *)c; }

/* -- Transactions --------------------------------------------------------------------------------------------- */
/* Room for one more entry, before anything is changed. */
static bool reserve_undo(struct mem_txn *txn)
{
    if (txn->count < txn->cap)
        return true;
    size_t cap = txn->cap ? txn->cap * 2 : 256;
    struct undo *log = realloc(txn->log, cap * sizeof *log);
    if (!log)
        return false;
    txn->log = log;
    txn->cap = cap;
    return true;
}

static void push_undo(struct mem_txn *txn, struct undo entry)
{
    assert(txn->count < txn->cap);
    txn->log[txn->count++] = entry;
}

static enum kv_result mem_begin(struct kv *kv, int flags, struct kv_txn **result)
{
    struct mem *mem = mem_of(kv);
    struct mem_txn *txn = &mem->txn;

    if (txn->open) {
        mem->counters.retries++;
        return KV_RETRY;
    }
    txn->base.ops = kv->ops;
    txn->mem = mem;
    txn->open = true;
    txn->snapshot = (flags & KV_SNAPSHOT) != 0;
    txn->cursors = 0;
    assert(txn->count == 0);
    *result = &txn->base;
    return KV_OK;
}

static void end_txn(struct mem_txn *txn)
{
    assert(txn->open && txn->cursors == 0);
    txn->count = 0;
    txn->open = false;
}

static enum kv_result mem_commit(struct kv_txn *base)
{
    struct mem_txn *txn = txn_of(base);

    for (size_t i = 0; i < txn->count; i++) {
        if (txn->log[i].kind == UNDO_REPLACE)
            free(txn->log[i].value);
        if (txn->log[i].kind == UNDO_REMOVE)
            node_free(txn->log[i].node);
    }
    txn->mem->counters.commits++;
    end_txn(txn);
    return KV_OK;
}

static void mem_abort(struct kv_txn *base)
{
    struct mem_txn *txn = txn_of(base);

    for (size_t i = txn->count; i-- > 0;) {
        struct undo *undo = &txn->log[i];
        struct space *space = &txn->mem->spaces[undo->space];
        if (undo->kind == UNDO_INSERT) {
            list_unlink(space, undo->node);
            node_free(undo->node);
        } else if (undo->kind == UNDO_REPLACE) {
            free(undo->node->value);
            undo->node->value = undo->value;
            undo->node->value_len = undo->value_len;
        } else
            list_link(space, undo->node);
    }
    end_txn(txn);
}

/* -- Reading and writing -------------------------------------------------------------------------------------- */
static struct node *lookup(struct mem_txn *txn, enum kv_space space, struct slice key)
{
    struct node *node = list_find(&txn->mem->spaces[space], key, NULL);
    return node && slice_equal(node_key(node), key) ? node : NULL;
}

static enum kv_result mem_get(struct kv_txn *base, enum kv_space space, struct slice key, bool for_update, struct buf *out)
{
    struct node *node = lookup(txn_of(base), space, key);

    (void)for_update;
    if (!node)
        return KV_NOT_FOUND;
    return buf_append(out, node->value, node->value_len) < 0 ? KV_NO_MEMORY : KV_OK;
}

static enum kv_result replace(struct mem_txn *txn, enum kv_space space, struct node *node, struct slice value)
{
    unsigned char *copy = copy_bytes(value);

    if (!copy)
        return KV_NO_MEMORY;
    push_undo(txn, (struct undo){UNDO_REPLACE, space, node, node->value, node->value_len});
    node->value = copy;
    node->value_len = value.len;
    return KV_OK;
}

static enum kv_result mem_put(struct kv_txn *base, enum kv_space space, struct slice key, struct slice value, int flags)
{
    struct mem_txn *txn = txn_of(base);
    struct node **before[LEVELS];
    struct node *node = list_find(&txn->mem->spaces[space], key, before);
    bool exists = node && slice_equal(node_key(node), key);

    assert(!txn->snapshot);
    if (exists && (flags & KV_NEW))
        return KV_EXISTS;
    if (!reserve_undo(txn))
        return KV_NO_MEMORY;
    if (exists)
        return replace(txn, space, node, value);
    node = node_make(&txn->mem->random, key, value);
    if (!node)
        return KV_NO_MEMORY;
    list_link_behind(&txn->mem->spaces[space], node, before);
    push_undo(txn, (struct undo){.kind = UNDO_INSERT, .space = space, .node = node});
    return KV_OK;
}

static enum kv_result mem_delete(struct kv_txn *base, enum kv_space space, struct slice key)
{
    struct mem_txn *txn = txn_of(base);
    struct node *node = lookup(txn, space, key);

    assert(!txn->snapshot);
    if (!node)
        return KV_NOT_FOUND;
    if (!reserve_undo(txn))
        return KV_NO_MEMORY;
    list_unlink(&txn->mem->spaces[space], node);
    push_undo(txn, (struct undo){.kind = UNDO_REMOVE, .space = space, .node = node});
    return KV_OK;
}

/* -- Cursors -------------------------------------------------------------------------------------------------- */
static enum kv_result mem_cursor_open(struct kv_txn *base, enum kv_space space, struct kv_cursor **cursor)
{
    struct mem_cursor *c = calloc(1, sizeof *c);

    if (!c)
        return KV_NO_MEMORY;
    c->base.ops = base->ops;
    c->txn = txn_of(base);
    c->space = space;
    buf_init(&c->key);
    c->txn->cursors++;
    *cursor = &c->base;
    return KV_OK;
}

static enum kv_result stand_on(struct mem_cursor *c, struct node *node, struct slice *found, struct slice *value)
{
    c->at = node;
    c->changes = c->txn->mem->spaces[c->space].changes;
    if (!node)
        return KV_NOT_FOUND;
    buf_reset(&c->key);
    if (buf_append(&c->key, node->key, node->key_len) < 0)
        return KV_NO_MEMORY;
    *found = node_key(node);
    *value = node_value(node);
    return KV_OK;
}

static enum kv_result mem_seek(struct kv_cursor *base, struct slice key, struct slice *found, struct slice *value)
{
    struct mem_cursor *c = cursor_of(base);
    return stand_on(c, list_find(&c->txn->mem->spaces[c->space], key, NULL), found, value);
}

static enum kv_result mem_next(struct kv_cursor *base, struct slice *found, struct slice *value)
{
    struct mem_cursor *c = cursor_of(base);
    struct space *space = &c->txn->mem->spaces[c->space];

    if (!c->at)
        return KV_NOT_FOUND;
    if (c->changes == space->changes)
        return stand_on(c, c->at->next[0], found, value);
    struct node *node = list_find(space, buf_slice(&c->key), NULL);
    if (node && slice_equal(node_key(node), buf_slice(&c->key)))
        node = node->next[0];
    return stand_on(c, node, found, value);
}

static enum kv_result mem_seek_before(struct kv_cursor *base, struct slice key, struct slice *found, struct slice *value)
{
    struct mem_cursor *c = cursor_of(base);
    return stand_on(c, list_find_before(&c->txn->mem->spaces[c->space], key), found, value);
}

static enum kv_result mem_prev(struct kv_cursor *base, struct slice *found, struct slice *value)
{
    struct mem_cursor *c = cursor_of(base);

    if (!c->at)
        return KV_NOT_FOUND;
    return stand_on(c, list_find_before(&c->txn->mem->spaces[c->space], buf_slice(&c->key)), found, value);
}

static void mem_cursor_close(struct kv_cursor *base)
{
    struct mem_cursor *c = cursor_of(base);

    c->txn->cursors--;
    buf_finish(&c->key);
    free(c);
}

/* -- The store ------------------------------------------------------------------------------------------------ */
static enum kv_result mem_maintain(struct kv *kv)
{
    (void)kv;
    return KV_OK;
}

static void mem_counters(const struct kv *kv, struct kv_counters *counters)
{
    *counters = ((const struct mem *)(const void *)kv)->counters;
}

static void mem_close(struct kv *kv)
{
    struct mem *mem = mem_of(kv);

    assert(!mem->txn.open);
    for (int s = 0; s < KV_SPACES; s++) {
        for (struct node *node = mem->spaces[s].head[0], *next; node; node = next) {
            next = node->next[0];
            node_free(node);
        }
    }
    free(mem->txn.log);
    free(mem);
}

static const struct kv_ops mem_ops = {
    .close = mem_close,
    .begin = mem_begin,
    .commit = mem_commit,
    .abort = mem_abort,
    .get = mem_get,
    .put = mem_put,
    .del = mem_delete,
    .cursor_open = mem_cursor_open,
    .seek = mem_seek,
    .next = mem_next,
    .seek_before = mem_seek_before,
    .prev = mem_prev,
    .cursor_close = mem_cursor_close,
    .maintain = mem_maintain,
    .counters = mem_counters,
};

struct kv *kv_mem_create(void)
{
    struct mem *mem = calloc(1, sizeof *mem);

    if (!mem)
        return NULL;
    mem->base.ops = &mem_ops;
    mem->random = 0x9E3779B97F4A7C15u;
    return &mem->base;
}
