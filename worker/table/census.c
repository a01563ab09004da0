/* census.c - see census.h. */
#include "worker/table/census.h"

#include <string.h>

#include "worker/table/request.h"

#define COUNT_NAME "count:"
#define COUNTING_KEY "counting"
#define ROWS_FACTOR 4u                  /* reading a row costs less than changing one */
#define STEP_BYTES (4u * 1024u * 1024u) /* read in one step */
#define SOONEST_MS (60ll * 1000)
#define LATEST_MS (6ll * 3600 * 1000)

struct counting {
    uint32_t id; /* 0: none */
    int64_t items, bytes;
};

/* -- Rows ----------------------------------------------------------------------------------------------------- */
enum kv_result census_read(struct kv_txn *txn, uint32_t id, struct census *census)
{
    struct chore_key key = chore_key(COUNT_NAME, id);
    struct buf row;

    *census = (struct census){0, 0, 0};
    buf_init(&row);
    enum kv_result result = kv_get(txn, KV_CHORES, chore_key_slice(&key), false, &row);
    if (result == KV_OK) {
        struct mp_reader r = mp_reader_of(buf_slice(&row));
        mp_array_exact(&r, 3);
        census->items = mp_int(&r);
        census->bytes = mp_int(&r);
        census->counted_ms = mp_int(&r);
        result = mp_at_end(&r) ? KV_OK : KV_FATAL;
    }
    buf_finish(&row);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

enum kv_result census_forget(struct kv_txn *txn, uint32_t id)
{
    struct chore_key key = chore_key(COUNT_NAME, id);

    enum kv_result result = kv_delete(txn, KV_CHORES, chore_key_slice(&key));
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static enum kv_result read_counting(struct kv_txn *txn, struct counting *c, struct buf *position)
{
    struct buf row;

    *c = (struct counting){0, 0, 0};
    buf_init(&row);
    enum kv_result result = kv_get(txn, KV_CHORES, slice_text(COUNTING_KEY), false, &row);
    if (result == KV_OK) {
        struct mp_reader r = mp_reader_of(buf_slice(&row));
        mp_array_exact(&r, 4);
        c->id = (uint32_t)mp_uint(&r, UINT32_MAX);
        struct slice at = mp_bin(&r, row.len);
        c->items = mp_int(&r);
        c->bytes = mp_int(&r);
        buf_append(position, at.ptr, at.len);
        result = mp_at_end(&r) ? KV_OK : KV_FATAL;
    }
    buf_finish(&row);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static enum kv_result put_row(struct kv_txn *txn, struct slice key, const struct buf *row)
{
    return buf_failed(row) ? KV_NO_MEMORY : kv_put(txn, KV_CHORES, key, buf_slice(row), KV_SET);
}

static enum kv_result put_counting(struct kv_txn *txn, const struct counting *c, const struct buf *position)
{
    struct buf row;

    buf_init(&row);
    mp_put_array(&row, 4);
    mp_put_uint(&row, c->id);
    mp_put_bin(&row, position->data, position->len);
    mp_put_int(&row, c->items);
    mp_put_int(&row, c->bytes);
    enum kv_result result = put_row(txn, slice_text(COUNTING_KEY), &row);
    buf_finish(&row);
    return result;
}

static enum kv_result put_count(struct kv_txn *txn, const struct counting *c, int64_t now_ms)
{
    struct chore_key key = chore_key(COUNT_NAME, c->id);
    struct buf row;

    buf_init(&row);
    mp_put_array(&row, 3);
    mp_put_int(&row, c->items);
    mp_put_int(&row, c->bytes);
    mp_put_int(&row, now_ms);
    enum kv_result result = put_row(txn, chore_key_slice(&key), &row);
    buf_finish(&row);
    if (result == KV_OK)
        result = kv_delete(txn, KV_CHORES, slice_text(COUNTING_KEY));
    return result == KV_NOT_FOUND ? KV_OK : result;
}

/* -- What is due ---------------------------------------------------------------------------------------------- */
static int64_t due_ms(const struct census *census)
{
    int64_t wait_ms = census->items + census->bytes / 1024;

    if (census->counted_ms == 0)
        return 0;
    return census->counted_ms + (wait_ms < SOONEST_MS ? SOONEST_MS : wait_ms > LATEST_MS ? LATEST_MS : wait_ms);
}

/* Notes the first that is due in *id, and when the next will be in *soonest_ms. */
static enum kv_result look_at(struct kv_txn *txn, uint32_t candidate, int64_t now_ms, uint32_t *id, int64_t *soonest_ms)
{
    struct census census;

    enum kv_result result = census_read(txn, candidate, &census);
    if (result != KV_OK)
        return result;
    if (due_ms(&census) <= now_ms)
        *id = candidate;
    else if (due_ms(&census) < *soonest_ms)
        *soonest_ms = due_ms(&census);
    return KV_OK;
}

static enum kv_result find_due(const struct chore *chore, struct kv_txn *txn, uint32_t *id, int64_t *soonest_ms)
{
    const struct catalog *c = &chore->t->catalog;
    enum kv_result result = KV_OK;

    *soonest_ms = chore->now_ms + SOONEST_MS;
    for (uint32_t i = 0; i < c->count && *id == 0 && result == KV_OK; i++) {
        const struct table *table = &c->tables[i];
        result = look_at(txn, table->id, chore->now_ms, id, soonest_ms);
        for (uint32_t j = 0; j < table->index_count && *id == 0 && result == KV_OK; j++)
            result = look_at(txn, table->indexes[j].id, chore->now_ms, id, soonest_ms);
    }
    return result;
}

/* Where the rows of an id lie; false if it is neither a table nor an index any more. */
static bool space_of(const struct catalog *c, uint32_t id, enum kv_space *space)
{
    *space = KV_ITEMS;
    if (catalog_by_id(c, id))
        return true;
    *space = KV_INDEXES;
    for (uint32_t i = 0; i < c->count; i++)
        for (uint32_t j = 0; j < c->tables[i].index_count; j++)
            if (c->tables[i].indexes[j].id == id)
                return true;
    return false;
}

/* -- Counting ------------------------------------------------------------------------------------------------- */
static enum kv_result count_some(struct kv_txn *txn, enum kv_space space, size_t max, struct counting *c, struct buf *position,
                                 bool *whole)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    size_t rows = 0, bytes = 0;

    if (position->len == 0)
        key_encode_prefix(position, c->id, 0);
    enum kv_result result = buf_failed(position) ? KV_NO_MEMORY : kv_cursor_open(txn, space, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, buf_slice(position), &key, &value);
    while (result == KV_OK && key_table(key) == c->id && rows < max && bytes < STEP_BYTES) {
        struct value item = value_of(value);
        c->items++;
        c->bytes += item.type == VALUE_M ? (int64_t)item_size(&item) : 0;
        rows++;
        bytes += value.len;
        result = kv_next(cursor, &key, &value);
    }
    *whole = result == KV_NOT_FOUND || (result == KV_OK && key_table(key) != c->id);
    if (result == KV_OK && !*whole) {
        buf_reset(position);
        buf_append(position, key.ptr, key.len);
    }
    kv_cursor_close(&cursor);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static enum kv_result count_in(const struct chore *chore, struct kv_txn *txn, struct counting *c, struct buf *position,
                               bool *whole)
{
    enum kv_space space;
    bool changed;

    enum kv_result result = table_begin(chore->t, txn, chore->now_ms, &changed);
    if (result == KV_OK)
        result = read_counting(txn, c, position);
    if (result == KV_OK && c->id != 0 && !space_of(&chore->t->catalog, c->id, &space)) {
        *c = (struct counting){0, 0, 0};
        buf_reset(position);
    }
    if (result == KV_OK && c->id == 0)
        result = find_due(chore, txn, &c->id, &chore->t->census_due_ms);
    if (result != KV_OK || c->id == 0)
        return result;
    if (!space_of(&chore->t->catalog, c->id, &space))
        return KV_OK;
    return count_some(txn, space, chore->max * ROWS_FACTOR, c, position, whole);
}

static enum kv_result keep(const struct chore *chore, const struct counting *c, const struct buf *position, bool whole)
{
    struct kv_txn *txn;

    enum kv_result result = kv_begin(chore->t->kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = whole ? put_count(txn, c, chore->now_ms) : put_counting(txn, c, position);
    if (result == KV_OK)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

enum kv_result census_step(const struct chore *chore, bool *left)
{
    struct kv_txn *txn;
    struct counting c = {0, 0, 0};
    struct buf position;
    bool whole = false;

    if (chore->now_ms < chore->t->census_due_ms)
        return KV_OK;
    enum kv_result result = kv_begin(chore->t->kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    buf_init(&position);
    result = count_in(chore, txn, &c, &position, &whole);
    kv_abort(&txn);
    *left = result == KV_OK && c.id != 0;
    if (*left) {
        chore->t->census_due_ms = 0;
        result = keep(chore, &c, &position, whole);
    }
    buf_finish(&position);
    return result;
}
