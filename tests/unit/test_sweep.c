/* test_sweep.c - which recorded outcomes may go, and that a dropped table's items go, too; over kv_mem.c. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/outcomes.h"
#include "worker/sweep.h"

#define HOUR_MS 3600000ll
#define NOW_MS (1700000000000ll)
#define BUDGET_US 60000000 /* a pass is never cut short here, but where it is meant to */

struct fixture {
    struct kv *kv;
    struct tables *tables;
    struct sweep sweep;
    struct sweep_done done;
    char lock_path[64];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    assert_non_null(f);
    snprintf(f->lock_path, sizeof f->lock_path, "%.40s/leat-sweep-XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(f->lock_path);
    assert_true(fd >= 0);
    close(fd);
    f->kv = kv_mem_create();
    assert_non_null(f->kv);
    f->tables = tables_create(f->kv);
    assert_non_null(f->tables);
    f->sweep = (struct sweep){f->kv, f->tables, f->lock_path, 24 * HOUR_MS, 0};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tables_destroy(&f->tables);
    kv_close(&f->kv);
    unlink(f->lock_path);
    free(f);
    return 0;
}

static struct id id_of(uint8_t slice, int64_t made_ms, uint16_t n)
{
    struct id id = {{0}};
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (unsigned char)(made_ms >> (40 - 8 * i));
    id.bytes[6] = (unsigned char)(n >> 8);
    id.bytes[7] = (unsigned char)n;
    id.bytes[ID_BYTES - 1] = slice;
    return id;
}

static void record(struct fixture *f, const struct id *id, uint64_t seq, int64_t finished_ms)
{
    struct kv_txn *txn;
    struct buf scratch = {0};
    struct outcome_row row = {seq, finished_ms, slice_of("\x93\x00\xa0\xc0", 4) /* succeeded, no value */};
    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(outcome_put(txn, id, &row, &scratch), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
    buf_finish(&scratch);
}

static bool has(struct fixture *f, const struct id *id)
{
    struct kv_txn *txn;
    struct buf scratch = {0}, out = {0};
    assert_int_equal(kv_begin(f->kv, KV_SNAPSHOT, &txn), KV_OK);
    enum kv_result result = outcome_get(txn, id, false, &scratch, &out);
    kv_abort(&txn);
    buf_finish(&scratch);
    buf_finish(&out);
    assert_true(result == KV_OK || result == KV_NOT_FOUND);
    return result == KV_OK;
}

static size_t pass(struct fixture *f, uint64_t low_seq)
{
    assert_int_equal(sweep_pass(&f->sweep, NOW_MS, low_seq, BUDGET_US, &f->done), KV_OK);
    return f->done.outcomes;
}

static void old_outcomes_of_forgotten_messages_go(void **state)
{
    struct fixture *f = *state;
    int64_t old_ms = NOW_MS - 25 * HOUR_MS, young_ms = NOW_MS - 23 * HOUR_MS;
    struct id old = id_of(7, old_ms, 1), young = id_of(7, young_ms, 2), late = id_of(9, old_ms, 3);
    struct id live = id_of(255, old_ms, 4), call = id_of(0, old_ms, 5);
    record(f, &old, 10, old_ms + 5);
    record(f, &young, 11, young_ms);
    record(f, &late, 12, young_ms); /* waited long, finished lately */
    record(f, &live, 50, old_ms);
    record(f, &call, 0, old_ms);
    assert_int_equal(pass(f, 50), 2);
    assert_false(has(f, &old) || has(f, &call));
    assert_true(has(f, &young) && has(f, &late) && has(f, &live));
    assert_false(f->done.more);
    assert_int_equal(pass(f, 50), 0);
    assert_int_equal(pass(f, 51), 1); /* the broker has let go of it, too */
    assert_false(has(f, &live));
}

static void nothing_goes_before_the_broker_has_spoken(void **state)
{
    struct fixture *f = *state;
    struct id old = id_of(7, NOW_MS - 99 * HOUR_MS, 1);
    record(f, &old, 0, NOW_MS - 99 * HOUR_MS);
    assert_int_equal(pass(f, 0), 0);
    assert_true(has(f, &old));
    assert_int_equal(pass(f, 1), 1);
}

static void one_that_finished_late_hides_no_others(void **state)
{
    struct fixture *f = *state;
    int64_t old_ms = NOW_MS - 48 * HOUR_MS;
    struct id late = id_of(3, old_ms, 1), old = id_of(3, old_ms + 1, 2);
    record(f, &late, 1, NOW_MS - 1);
    record(f, &old, 2, old_ms + 2);
    assert_int_equal(pass(f, 100), 1);
    assert_true(has(f, &late));
    assert_false(has(f, &old));
}

static void more_than_one_transaction_is_walked(void **state)
{
    struct fixture *f = *state;
    int64_t old_ms = NOW_MS - 48 * HOUR_MS;
    for (uint16_t i = 0; i < 1300; i++) {
        struct id id = id_of(42, old_ms, i);
        record(f, &id, i, old_ms);
    }
    assert_int_equal(pass(f, 5000), 1300);
    assert_int_equal(pass(f, 5000), 0);
}

/* Without time for more than one step at a time, every slice is reached all the same. */
static void a_pass_that_is_cut_short_goes_on_where_it_was(void **state)
{
    struct fixture *f = *state;
    int64_t old_ms = NOW_MS - 48 * HOUR_MS;
    struct id first = id_of(1, old_ms, 1), last = id_of(200, old_ms, 2);
    record(f, &first, 1, old_ms);
    record(f, &last, 2, old_ms);
    unsigned passes = 0;
    for (; has(f, &first) || has(f, &last); passes++) {
        assert_true(passes < 256);
        assert_int_equal(sweep_pass(&f->sweep, NOW_MS, 100, 0, &f->done), KV_OK);
        assert_true(f->done.more);
    }
    assert_int_equal(passes, 201);
}

static void one_process_sweeps_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct id old = id_of(7, NOW_MS - 99 * HOUR_MS, 1);
    record(f, &old, 1, NOW_MS - 99 * HOUR_MS);
    int held = open(f->lock_path, O_RDWR);
    assert_true(held >= 0 && flock(held, LOCK_EX | LOCK_NB) == 0);
    assert_int_equal(pass(f, 100), 0);
    close(held);
    assert_int_equal(pass(f, 100), 1);
}

static void a_damaged_row_is_reported(void **state)
{
    struct fixture *f = *state;
    struct kv_txn *txn;
    unsigned char key[OUTCOME_KEY_BYTES];
    struct id old = id_of(7, NOW_MS - 99 * HOUR_MS, 1);
    outcome_key(key, &old);
    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(kv_put(txn, KV_OUTCOMES, slice_of(key, sizeof key), slice_text("?"), KV_SET), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
    assert_int_equal(sweep_pass(&f->sweep, NOW_MS, 100, BUDGET_US, &f->done), KV_FATAL);
}

static uint64_t count_items(struct fixture *f)
{
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, value;
    uint64_t count = 0;
    assert_int_equal(kv_begin(f->kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(kv_cursor_open(txn, KV_ITEMS, &cursor), KV_OK);
    enum kv_result result = kv_seek(cursor, slice_of("", 1), &key, &value);
    for (; result == KV_OK; result = kv_next(cursor, &key, &value))
        count++;
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    return count;
}

/* Applies one operation whose payload is {name: {"id": id}}, or none. */
static void apply_op(struct fixture *f, enum op_code code, const char *id)
{
    struct kv_txn *txn;
    struct buf payload = {0}, out = {0};
    bool changed;
    mp_put_map(&payload, id ? 1 : 0);
    if (id) {
        mp_put_text(&payload, "Item");
        mp_put_map(&payload, 1);
        mp_put_text(&payload, "id");
        mp_put_text(&payload, id);
    }
    struct op op = {.code = code, .table = slice_text("things"), .payload = value_of(buf_slice(&payload))};
    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(f->tables, txn, NOW_MS, &changed), KV_OK);
    assert_int_equal(table_apply(f->tables, txn, &op, &out), KV_OK);
    assert_int_equal(table_end(f->tables, txn), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
    struct outcome o;
    assert_int_equal(outcome_decode(buf_slice(&out), &o), 0);
    assert_int_equal(o.state, OUTCOME_SUCCEEDED);
    buf_finish(&payload);
    buf_finish(&out);
}

static void items_of_dropped_tables_go(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char *specs[] = {(char[]){"things:id"}};
    assert_int_equal(tables_load(f->tables), KV_OK);
    assert_int_equal(tables_ensure(f->tables, specs, 1, NOW_MS, &e), 0);
    for (int i = 0; i < 1200; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        apply_op(f, OP_CREATE, id);
    }
    assert_int_equal(pass(f, 0), 0);
    assert_int_equal(count_items(f), 1200);
    apply_op(f, OP_TABLE_DROP, NULL);
    assert_int_equal(count_items(f), 1200);
    bool more;
    assert_int_equal(sweep_chores(&f->sweep, NOW_MS, BUDGET_US, &more), KV_OK);
    assert_false(more);
    assert_int_equal(count_items(f), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_outcomes_of_forgotten_messages_go),
        TEST(nothing_goes_before_the_broker_has_spoken),
        TEST(one_that_finished_late_hides_no_others),
        TEST(more_than_one_transaction_is_walked),
        TEST(a_pass_that_is_cut_short_goes_on_where_it_was),
        TEST(one_process_sweeps_at_a_time),
        TEST(a_damaged_row_is_reported),
        TEST(items_of_dropped_tables_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
