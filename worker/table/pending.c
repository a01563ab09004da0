/* pending.c - see pending.h. */
#include "worker/table/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/table/stream.h"

enum kind { ROW_PUT, ROW_DELETE, ROW_RECORD };

struct pending_row {
    size_t at, key_len, value_len; /* in bytes: key, then value; RECORD: no key */
    size_t order;                  /* in which it came */
    enum kind kind;
    uint32_t stream; /* RECORD only */
};

void pending_init(struct pending *p) { memset(p, 0, sizeof *p); }

void pending_finish(struct pending *p)
{
    free(p->rows);
    buf_finish(&p->bytes);
    memset(p, 0, sizeof *p);
}

void pending_reset(struct pending *p)
{
    p->count = 0;
    p->failed = false;
    buf_reset(&p->bytes);
}

static void add(struct pending *p, enum kind kind, uint32_t stream, struct slice key, struct slice value)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct pending_row *rows = realloc(p->rows, cap * sizeof *rows);
        if (!rows) {
            p->failed = true;
            return;
        }
        p->rows = rows;
        p->cap = cap;
    }
    p->rows[p->count] = (struct pending_row){p->bytes.len, key.len, value.len, p->count, kind, stream};
    p->count++;
    buf_append(&p->bytes, key.ptr, key.len);
    buf_append(&p->bytes, value.ptr, value.len);
}

void pending_put(struct pending *p, struct slice key, struct slice value) { add(p, ROW_PUT, 0, key, value); }

void pending_delete(struct pending *p, struct slice key) { add(p, ROW_DELETE, 0, key, slice_of(NULL, 0)); }

void pending_record(struct pending *p, uint32_t stream, struct slice record)
{
    add(p, ROW_RECORD, stream, slice_of(NULL, 0), record);
}

size_t pending_size(const struct pending *p) { return p->count; }

void pending_cut(struct pending *p, size_t size)
{
    assert(size <= p->count);
    if (size < p->count && !buf_failed(&p->bytes))
        p->bytes.len = p->rows[size].at;
    p->count = size;
}

size_t pending_bytes(const struct pending *p) { return p->bytes.len; }

/* -- Writing -------------------------------------------------------------------------------------------------- */
static struct slice key_of(const struct pending *p, const struct pending_row *row)
{
    return slice_of(p->bytes.data + row->at, row->key_len);
}

static struct slice value_in(const struct pending *p, const struct pending_row *row)
{
    return slice_of(p->bytes.data + row->at + row->key_len, row->value_len);
}

/* Entries by key, records behind them by stream; what is equal in the order in which it came. */
static int compare_rows(const void *left, const void *right, void *self)
{
    const struct pending *p = self;
    const struct pending_row *a = left, *b = right;
    int order = (a->kind == ROW_RECORD) - (b->kind == ROW_RECORD);

    if (order == 0 && a->kind == ROW_RECORD)
        order = a->stream < b->stream ? -1 : a->stream > b->stream;
    else if (order == 0)
        order = slice_compare(key_of(p, a), key_of(p, b));
    return order != 0 ? order : a->order < b->order ? -1 : a->order > b->order;
}

static enum kv_result write_entry(const struct pending *p, struct kv_txn *txn, const struct pending_row *row)
{
    if (row->kind == ROW_PUT)
        return kv_put(txn, KV_INDEXES, key_of(p, row), value_in(p, row), KV_SET);
    enum kv_result result = kv_delete(txn, KV_INDEXES, key_of(p, row));
    return result == KV_NOT_FOUND ? KV_OK : result; /* an index that is being filled has not come to it */
}

/* Writes the records of one stream that begin at rows[i]; returns behind the last of them. */
static size_t write_stream(const struct pending *p, struct kv_txn *txn, size_t i, enum kv_result *result)
{
    struct stream_end end;
    uint32_t stream = p->rows[i].stream;

    *result = stream_open_end(txn, stream, &end);
    for (; *result == KV_OK && i < p->count && p->rows[i].stream == stream; i++)
        *result = stream_append(txn, &end, value_in(p, &p->rows[i]));
    if (*result == KV_OK)
        *result = stream_close_end(txn, &end);
    return i;
}

enum kv_result pending_write(struct pending *p, struct kv_txn *txn)
{
    enum kv_result result = p->failed || buf_failed(&p->bytes) ? KV_NO_MEMORY : KV_OK;
    size_t i = 0;

    if (result == KV_OK && p->count > 1) /* bytes that ran out of memory are gone */
        qsort_r(p->rows, p->count, sizeof *p->rows, compare_rows, p);
    for (; result == KV_OK && i < p->count && p->rows[i].kind != ROW_RECORD; i++) {
        bool last = i + 1 == p->count || p->rows[i + 1].kind == ROW_RECORD ||
                    !slice_equal(key_of(p, &p->rows[i]), key_of(p, &p->rows[i + 1]));
        if (last)
            result = write_entry(p, txn, &p->rows[i]);
    }
    while (result == KV_OK && i < p->count)
        i = write_stream(p, txn, i, &result);
    pending_reset(p);
    return result;
}
