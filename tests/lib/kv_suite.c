/* kv_suite.c - see kv_suite.h. */
#include "tests/lib/kv_suite_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct kv_suite *suite; /* of the running program */

static int open_store(void **state)
{
    struct kv *kv = suite->open(suite->context);
    *state = kv;
    return kv ? 0 : -1;
}

static int close_store(void **state)
{
    struct kv *kv = *state;
    suite->close(&kv, suite->context);
    return 0;
}

/* -- Single keys ---------------------------------------------------------------------------------------------- */
static void test_put_get_delete(void **state)
{
    struct kv *kv = *state;
    struct kv_txn *txn = begin(kv, KV_WRITE);

    assert_string_equal(get(txn, KV_ITEMS, "a"), "-");
    put(txn, KV_ITEMS, "a", "1");
    assert_string_equal(get(txn, KV_ITEMS, "a"), "1");
    put(txn, KV_ITEMS, "a", "22");
    assert_string_equal(get(txn, KV_ITEMS, "a"), "22");
    assert_int_equal(kv_delete(txn, KV_ITEMS, slice_text("a")), KV_OK);
    assert_int_equal(kv_delete(txn, KV_ITEMS, slice_text("a")), KV_NOT_FOUND);
    put(txn, KV_ITEMS, "b", "3");
    commit(txn);
    check(kv, KV_ITEMS, "a", "-");
    check(kv, KV_ITEMS, "b", "3");
}

static void test_new_refuses_an_existing_key(void **state)
{
    struct kv_txn *txn = begin(*state, KV_WRITE);

    assert_int_equal(kv_put(txn, KV_META, slice_text("k"), slice_text("1"), KV_NEW), KV_OK);
    assert_int_equal(kv_put(txn, KV_META, slice_text("k"), slice_text("2"), KV_NEW), KV_EXISTS);
    assert_string_equal(get(txn, KV_META, "k"), "1");
    assert_int_equal(kv_put(txn, KV_META, slice_text("k"), slice_text("3"), KV_SET), KV_OK);
    commit(txn);
    check(*state, KV_META, "k", "3");
}

static void test_get_appends(void **state)
{
    struct kv_txn *txn = begin(*state, KV_WRITE);
    struct buf b;

    put(txn, KV_ITEMS, "k", "tail");
    buf_init(&b);
    buf_text(&b, "head ");
    assert_int_equal(kv_get(txn, KV_ITEMS, slice_text("k"), true, &b), KV_OK);
    assert_true(slice_equal(buf_slice(&b), slice_text("head tail")));
    assert_int_equal(kv_get(txn, KV_ITEMS, slice_text("none"), true, &b), KV_NOT_FOUND);
    assert_int_equal(b.len, 9);
    buf_finish(&b);
    commit(txn);
}

static void test_empty_and_large_values(void **state)
{
    struct kv *kv = *state;
    struct kv_txn *txn = begin(kv, KV_WRITE);
    unsigned char key[5200];
    size_t size = 700 * 1000;
    unsigned char *large = malloc(size);
    struct buf b;

    assert_non_null(large);
    memset(key, 0xFE, sizeof key);
    for (size_t i = 0; i < size; i++)
        large[i] = (unsigned char)(i * 31 + i / 251);
    put(txn, KV_ITEMS, "empty", "");
    assert_int_equal(kv_put(txn, KV_ITEMS, slice_of(key, sizeof key), slice_of(large, size), KV_SET), KV_OK);
    commit(txn);
    check(kv, KV_ITEMS, "empty", "");
    txn = begin(kv, KV_SNAPSHOT);
    buf_init(&b);
    assert_int_equal(kv_get(txn, KV_ITEMS, slice_of(key, sizeof key), false, &b), KV_OK);
    assert_int_equal(b.len, size);
    assert_memory_equal(b.data, large, size);
    buf_finish(&b);
    kv_abort(&txn);
    free(large);
}

static void test_spaces_are_separate(void **state)
{
    struct kv_txn *txn = begin(*state, KV_WRITE);

    put(txn, KV_META, "k", "meta");
    put(txn, KV_ITEMS, "k", "item");
    put(txn, KV_OUTCOMES, "k", "outcome");
    assert_int_equal(kv_delete(txn, KV_ITEMS, slice_text("k")), KV_OK);
    commit(txn);
    check(*state, KV_META, "k", "meta");
    check(*state, KV_ITEMS, "k", "-");
    check(*state, KV_OUTCOMES, "k", "outcome");
}

/* -- Transactions --------------------------------------------------------------------------------------------- */
static void test_abort_undoes_everything(void **state)
{
    struct kv *kv = *state;
    struct kv_txn *txn = begin(kv, KV_WRITE);

    put(txn, KV_ITEMS, "changed", "old");
    put(txn, KV_ITEMS, "deleted", "here");
    commit(txn);
    txn = begin(kv, KV_WRITE);
    put(txn, KV_ITEMS, "changed", "new");
    put(txn, KV_ITEMS, "changed", "newer");
    assert_int_equal(kv_delete(txn, KV_ITEMS, slice_text("deleted")), KV_OK);
    put(txn, KV_ITEMS, "deleted", "again");
    assert_int_equal(kv_delete(txn, KV_ITEMS, slice_text("deleted")), KV_OK);
    put(txn, KV_ITEMS, "added", "x");
    put(txn, KV_META, "added", "y");
    kv_abort(&txn);
    assert_null(txn);
    kv_abort(&txn); /* NULL-safe */
    check(kv, KV_ITEMS, "changed", "old");
    check(kv, KV_ITEMS, "deleted", "here");
    check(kv, KV_ITEMS, "added", "-");
    check(kv, KV_META, "added", "-");
}

static void test_commits_are_counted(void **state)
{
    struct kv *kv = *state;
    struct kv_counters before, after;

    kv_counters(kv, &before);
    for (int i = 0; i < 3; i++) {
        struct kv_txn *txn = begin(kv, KV_WRITE);
        put(txn, KV_META, "n", "1");
        commit(txn);
    }
    kv_counters(kv, &after);
    assert_int_equal(after.commits - before.commits, 3);
    assert_int_equal(kv_maintain(kv), KV_OK);
}

static void test_snapshot_reads_one_moment(void **state)
{
    struct kv *kv = *state;
    struct kv_txn *txn = begin(kv, KV_WRITE), *snapshot;

    if (suite->waits) {
        kv_abort(&txn);
        return;
    }
    if (!suite->concurrent) {
        struct kv_txn *second = NULL;
        assert_int_equal(kv_begin(kv, KV_WRITE, &second), KV_RETRY);
        assert_null(second);
        kv_abort(&txn);
        return;
    }
    put(txn, KV_ITEMS, "k", "1");
    commit(txn);
    snapshot = begin(kv, KV_SNAPSHOT);
    assert_string_equal(get(snapshot, KV_ITEMS, "k"), "1");
    txn = begin(kv, KV_WRITE);
    put(txn, KV_ITEMS, "k", "2");
    commit(txn);
    assert_string_equal(get(snapshot, KV_ITEMS, "k"), "1");
    kv_abort(&snapshot);
    check(kv, KV_ITEMS, "k", "2");
}

static void test_committed_data_survive(void **state)
{
    struct kv *kv = *state;
    struct kv_txn *txn = begin(kv, KV_WRITE);

    if (!suite->reopen) {
        kv_abort(&txn);
        skip();
    }
    put(txn, KV_ITEMS, "kept", "1");
    put(txn, KV_OUTCOMES, "kept", "2");
    commit(txn);
    txn = begin(kv, KV_WRITE);
    put(txn, KV_ITEMS, "lost", "1");
    kv_abort(&txn);
    kv = suite->reopen(&kv, suite->context);
    assert_non_null(kv);
    *state = kv;
    check(kv, KV_ITEMS, "kept", "1");
    check(kv, KV_OUTCOMES, "kept", "2");
    check(kv, KV_ITEMS, "lost", "-");
}

/* -- Many keys against a simple model ------------------------------------------------------------------------- */
#define MODEL_KEYS 64

struct model {
    char values[MODEL_KEYS][12]; /* "" = absent */
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void change_one(struct kv_txn *txn, struct model *m, uint32_t *seed)
{
    uint32_t n = next_random(seed) % MODEL_KEYS;
    char key[8], value[12];

    snprintf(key, sizeof key, "k%02u", n);
    snprintf(value, sizeof value, "v%u", next_random(seed) % 100000);
    if (next_random(seed) % 3 == 0) {
        assert_int_equal(kv_delete(txn, KV_ITEMS, slice_text(key)), m->values[n][0] ? KV_OK : KV_NOT_FOUND);
        m->values[n][0] = 0;
        return;
    }
    put(txn, KV_ITEMS, key, value);
    snprintf(m->values[n], sizeof m->values[n], "%s", value);
}

static void compare_model(struct kv *kv, const struct model *m)
{
    static char expected[MODEL_KEYS * 20], found[MODEL_KEYS * 20];
    struct kv_txn *txn = begin(kv, KV_SNAPSHOT);
    size_t len = 0;

    expected[0] = 0;
    for (unsigned n = 0; n < MODEL_KEYS; n++)
        if (m->values[n][0])
            len += (size_t)snprintf(expected + len, sizeof expected - len, "%sk%02u=%s", len ? " " : "", n, m->values[n]);
    walk(txn, KV_ITEMS, "", found, sizeof found);
    assert_string_equal(found, expected);
    kv_abort(&txn);
}

static void test_model(void **state)
{
    struct kv *kv = *state;
    struct model m, before;
    uint32_t seed = 12345;

    memset(&m, 0, sizeof m);
    for (int round = 0; round < 60; round++) {
        struct kv_txn *txn = begin(kv, KV_WRITE);
        before = m;
        for (uint32_t i = next_random(&seed) % 50; i > 0; i--)
            change_one(txn, &m, &seed);
        if (next_random(&seed) % 2) {
            commit(txn);
        } else {
            kv_abort(&txn);
            m = before;
        }
        compare_model(kv, &m);
    }
}

int kv_suite_run(const struct kv_suite *which)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)
    const struct CMUnitTest tests[] = {
        EACH(test_put_get_delete),
        EACH(test_new_refuses_an_existing_key),
        EACH(test_get_appends),
        EACH(test_empty_and_large_values),
        EACH(test_spaces_are_separate),
        EACH(test_abort_undoes_everything),
        EACH(test_commits_are_counted),
        EACH(test_snapshot_reads_one_moment),
        EACH(test_committed_data_survive),
        EACH(test_cursor_walks_in_order),
        EACH(test_order_is_memcmp),
        EACH(test_cursor_sees_its_transactions_changes),
        EACH(test_cursor_walks_backwards),
        EACH(test_model),
    };
#undef EACH

    suite = which;
    return _cmocka_run_group_tests(which->name, tests, sizeof tests / sizeof *tests, NULL, NULL);
}
