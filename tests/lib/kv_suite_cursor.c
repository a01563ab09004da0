/* kv_suite_cursor.c - the suite's short words, and its tests of cursors (see kv_suite_parts.h). */
#include "tests/lib/kv_suite_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct kv_txn *begin(struct kv *kv, int flags)
{
    struct kv_txn *txn = NULL;
    assert_int_equal(kv_begin(kv, flags, &txn), KV_OK);
    assert_non_null(txn);
    return txn;
}

void put(struct kv_txn *txn, enum kv_space space, const char *key, const char *value)
{
    assert_int_equal(kv_put(txn, space, slice_text(key), slice_text(value), KV_SET), KV_OK);
}

void commit(struct kv_txn *txn)
{
    assert_int_equal(kv_commit(&txn), KV_OK);
    assert_null(txn);
}

const char *get(struct kv_txn *txn, enum kv_space space, const char *key)
{
    static char text[64];
    struct buf b;

    buf_init(&b);
    enum kv_result result = kv_get(txn, space, slice_text(key), false, &b);
    if (result == KV_NOT_FOUND)
        snprintf(text, sizeof text, "-");
    else {
        assert_int_equal(result, KV_OK);
        assert_true(b.len < sizeof text);
        memcpy(text, b.data ? b.data : (const unsigned char *)"", b.len);
        text[b.len] = 0;
    }
    buf_finish(&b);
    return text;
}

void check(struct kv *kv, enum kv_space space, const char *key, const char *expected)
{
    struct kv_txn *txn = begin(kv, KV_SNAPSHOT);
    assert_string_equal(get(txn, space, key), expected);
    kv_abort(&txn);
}

void walk(struct kv_txn *txn, enum kv_space space, const char *from, char *text, size_t size)
{
    struct kv_cursor *cursor = NULL;
    struct slice key, value;
    size_t len = 0;

    assert_int_equal(kv_cursor_open(txn, space, &cursor), KV_OK);
    enum kv_result result = kv_seek(cursor, slice_text(from), &key, &value);
    for (; result == KV_OK; result = kv_next(cursor, &key, &value)) {
        int n = snprintf(text + len, size - len, "%s%.*s=%.*s", len ? " " : "", (int)key.len, (const char *)key.ptr,
                         (int)value.len, (const char *)value.ptr);
        len += (size_t)n;
        assert_true(len < size);
    }
    assert_int_equal(result, KV_NOT_FOUND);
    text[len] = 0;
    kv_cursor_close(&cursor);
    assert_null(cursor);
}

void test_cursor_walks_in_order(void **state)
{
    struct kv_txn *txn = begin(*state, KV_WRITE);
    char text[200];

    put(txn, KV_ITEMS, "b", "2");
    put(txn, KV_ITEMS, "ab", "1");
    put(txn, KV_ITEMS, "a", "0");
    put(txn, KV_ITEMS, "c", "4");
    put(txn, KV_ITEMS, "ba", "3");
    put(txn, KV_META, "bb", "x");
    walk(txn, KV_ITEMS, "", text, sizeof text);
    assert_string_equal(text, "a=0 ab=1 b=2 ba=3 c=4");
    walk(txn, KV_ITEMS, "aa", text, sizeof text);
    assert_string_equal(text, "ab=1 b=2 ba=3 c=4");
    walk(txn, KV_ITEMS, "ba", text, sizeof text);
    assert_string_equal(text, "ba=3 c=4");
    walk(txn, KV_ITEMS, "d", text, sizeof text);
    assert_string_equal(text, "");
    walk(txn, KV_OUTCOMES, "", text, sizeof text);
    assert_string_equal(text, "");
    commit(txn);
}

void test_order_is_memcmp(void **state)
{
    static const unsigned char keys[][3] = {{0, 0, 1},    {0, 1, 0},    {0x7F, 0xFF, 0},
                                            {0x80, 0, 0}, {0xFF, 0, 0}, {0xFF, 0xFF, 0xFF}};
    struct kv_txn *txn = begin(*state, KV_WRITE);
    struct kv_cursor *cursor;
    struct slice key, value;
    const size_t count = sizeof keys / sizeof *keys;

    for (size_t i = count; i-- > 0;)
        assert_int_equal(kv_put(txn, KV_ITEMS, slice_of(keys[i], 3), slice_of(&keys[i][0], 1), KV_SET), KV_OK);
    assert_int_equal(kv_cursor_open(txn, KV_ITEMS, &cursor), KV_OK);
    assert_int_equal(kv_seek(cursor, slice_of(keys[0], 2), &key, &value), KV_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(key.len, 3);
        assert_memory_equal(key.ptr, keys[i], 3);
        assert_int_equal(kv_next(cursor, &key, &value), i + 1 < count ? KV_OK : KV_NOT_FOUND);
    }
    kv_cursor_close(&cursor);
    kv_abort(&txn);
}

void test_cursor_sees_its_transactions_changes(void **state)
{
    struct kv_txn *txn = begin(*state, KV_WRITE);
    struct kv_cursor *cursor;
    struct slice key, value;

    put(txn, KV_ITEMS, "a", "1");
    put(txn, KV_ITEMS, "c", "3");
    put(txn, KV_ITEMS, "e", "5");
    assert_int_equal(kv_cursor_open(txn, KV_ITEMS, &cursor), KV_OK);
    assert_int_equal(kv_seek(cursor, slice_text("a"), &key, &value), KV_OK);
    put(txn, KV_ITEMS, "b", "2");
    assert_int_equal(kv_next(cursor, &key, &value), KV_OK);
    assert_true(slice_equal(key, slice_text("b")));
    assert_int_equal(kv_delete(txn, KV_ITEMS, slice_text("c")), KV_OK);
    assert_int_equal(kv_next(cursor, &key, &value), KV_OK);
    assert_true(slice_equal(key, slice_text("e")));
    assert_true(slice_equal(value, slice_text("5")));
    assert_int_equal(kv_next(cursor, &key, &value), KV_NOT_FOUND);
    kv_cursor_close(&cursor);
    kv_cursor_close(&cursor); /* NULL-safe */
    commit(txn);
}

/* All keys of a space below `before`, backwards, joined by blanks. */
static void walk_back(struct kv_txn *txn, enum kv_space space, const char *before, char *text, size_t size)
{
    struct kv_cursor *cursor = NULL;
    struct slice key, value;
    size_t len = 0;

    assert_int_equal(kv_cursor_open(txn, space, &cursor), KV_OK);
    enum kv_result result = kv_seek_before(cursor, slice_text(before), &key, &value);
    for (; result == KV_OK; result = kv_prev(cursor, &key, &value)) {
        len += (size_t)snprintf(text + len, size - len, "%s%.*s", len ? " " : "", (int)key.len, (const char *)key.ptr);
        assert_true(len < size);
    }
    assert_int_equal(result, KV_NOT_FOUND);
    text[len] = 0;
    kv_cursor_close(&cursor);
}

void test_cursor_walks_backwards(void **state)
{
    static const char *const rows[][2] = {
        {"", "c ba b ab a"}, {"d", "c ba b ab a"}, {"c", "ba b ab a"}, {"bb", "ba b ab a"}, {"ab", "a"}, {"a", ""}, {"A", ""}};
    static const char *const keys[] = {"b", "ab", "a", "c", "ba"};
    struct kv_txn *txn = begin(*state, KV_WRITE);
    struct kv_cursor *cursor;
    struct slice key, value;
    char text[200];

    walk_back(txn, KV_INDEXES, "", text, sizeof text);
    assert_string_equal(text, "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(txn, KV_INDEXES, keys[i], "x");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        walk_back(txn, KV_INDEXES, rows[i][0], text, sizeof text);
        assert_string_equal(text, rows[i][1]);
    }
    assert_int_equal(kv_cursor_open(txn, KV_INDEXES, &cursor), KV_OK);
    assert_int_equal(kv_seek_before(cursor, slice_text("c"), &key, &value), KV_OK);
    assert_true(slice_equal(key, slice_text("ba")));
    assert_true(slice_equal(value, slice_text("x")));
    assert_int_equal(kv_next(cursor, &key, &value), KV_OK); /* and both ways */
    assert_true(slice_equal(key, slice_text("c")));
    put(txn, KV_INDEXES, "bc", "y");
    assert_int_equal(kv_prev(cursor, &key, &value), KV_OK);
    assert_true(slice_equal(key, slice_text("bc")));
    kv_cursor_close(&cursor);
    commit(txn);
}
