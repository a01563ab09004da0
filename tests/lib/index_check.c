/* index_check.c - see index_check.h. */
#include "tests/lib/index_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "worker/table/track.h"

/* The entries as they should be, in a store of their own, which sorts them. */
struct model {
    struct kv *kv;
    struct kv_txn *txn;
};

static void expect(struct model *m, const struct buf *key, const struct buf *view)
{
    assert_false(buf_failed(key) || buf_failed(view));
    assert_int_equal(kv_put(m->txn, KV_INDEXES, buf_slice(key), buf_slice(view), KV_NEW), KV_OK); /* and unique */
}

static void expect_entry(struct model *m, const struct table *table, const struct index *index, struct slice item_key,
                         const struct value *item)
{
    struct buf key = {0}, view = {0};
    struct index_key values;

    if (index_key_of_item(index, item, &values)) {
        index_encode(&key, index, &values, item_key);
        index_put_view(&view, table, index, item);
        struct slice base = index_base(index, buf_slice(&key));
        assert_true(slice_equal(base, slice_of(item_key.ptr + KEY_TABLE_BYTES, item_key.len - KEY_TABLE_BYTES)));
        expect(m, &key, &view);
    }
    buf_finish(&key);
    buf_finish(&view);
}

static void expect_expiry(struct model *m, const struct table *table, struct slice item_key, const struct value *item)
{
    unsigned char prefix[EXPIRY_PREFIX_BYTES];
    struct buf key = {0}, none = {0};
    int64_t seconds;

    if (!expiry_of(table, item, &seconds))
        return;
    expiry_prefix(prefix, table->expiry_id, seconds);
    buf_append(&key, prefix, sizeof prefix);
    buf_append(&key, item_key.ptr + KEY_TABLE_BYTES, item_key.len - KEY_TABLE_BYTES);
    expect(m, &key, &none);
    buf_finish(&key);
}

static void expect_item(struct model *m, const struct catalog *c, struct slice key, struct slice bytes)
{
    const struct table *table = catalog_by_id(c, key_table(key));
    struct value item = value_of(bytes);
    struct item_key again;
    struct buf encoded = {0};

    if (!table) /* dropped */
        return;
    assert_int_equal(item.type, VALUE_M);
    assert_int_equal(key_of_item(&table->schema, &item, &again, NULL), 0);
    key_encode(&encoded, table->id, &again);
    assert_true(slice_equal(buf_slice(&encoded), key));
    buf_finish(&encoded);
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].state == INDEX_ACTIVE)
            expect_entry(m, table, &table->indexes[i], key, &item);
    if (table->expiry_id > 0)
        expect_expiry(m, table, key, &item);
}

static bool is_known(const struct catalog *c, uint32_t id)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->tables[i].expiry_id == id)
            return true;
        for (uint32_t j = 0; j < c->tables[i].index_count; j++)
            if (c->tables[i].indexes[j].id == id)
                return c->tables[i].indexes[j].state == INDEX_ACTIVE;
    }
    return false;
}

static size_t compare(struct kv_cursor *is, struct kv_cursor *should, const struct catalog *c, bool dropped_too)
{
    struct slice key, value, model_key, model_value;
    size_t count = 0;
    enum kv_result result = kv_seek(is, slice_of("", 0), &key, &value),
                   expected = kv_seek(should, slice_of("", 0), &model_key, &model_value);

    for (; result == KV_OK; result = kv_next(is, &key, &value)) {
        if (!is_known(c, key_table(key)) && !dropped_too)
            continue;
        assert_int_equal(expected, KV_OK);
        if (!slice_equal(key, model_key) || !slice_equal(value, model_value))
            fail_msg("entry %zu is not as it should be", count);
        count++;
        expected = kv_next(should, &model_key, &model_value);
    }
    assert_int_equal(result, KV_NOT_FOUND);
    assert_int_equal(expected, KV_NOT_FOUND);
    return count;
}

size_t check_indexes(struct kv *kv, bool dropped_too)
{
    struct model m = {.kv = kv_mem_create()};
    struct kv_txn *txn;
    struct kv_cursor *items, *is, *should;
    struct catalog c;
    struct slice key, value;

    catalog_init(&c);
    assert_int_equal(kv_begin(m.kv, KV_WRITE, &m.txn), KV_OK);
    assert_int_equal(kv_begin(kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(catalog_refresh(&c, txn, NULL), KV_OK);
    assert_int_equal(kv_cursor_open(txn, KV_ITEMS, &items), KV_OK);
    for (enum kv_result r = kv_seek(items, slice_of("", 0), &key, &value); r == KV_OK; r = kv_next(items, &key, &value))
        expect_item(&m, &c, key, value);
    kv_cursor_close(&items);
    assert_int_equal(kv_cursor_open(txn, KV_INDEXES, &is), KV_OK);
    assert_int_equal(kv_cursor_open(m.txn, KV_INDEXES, &should), KV_OK);
    size_t count = compare(is, should, &c, dropped_too);
    kv_cursor_close(&is);
    kv_cursor_close(&should);
    kv_abort(&txn);
    kv_abort(&m.txn);
    kv_close(&m.kv);
    catalog_finish(&c);
    return count;
}
