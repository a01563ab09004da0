/* test_apply.c - batches become transactions: applied once, recorded, in the order of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/lib/apply_fixture.h"
#include "tests/lib/table_fixture.h"
#include "worker/outcomes.h"

static void a_batch_is_applied_and_recorded(void **state)
{
    struct fixture *f = *state;
    char key[16];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "item-%u", i * 7919 % 100);
        add_create(f, i + 1, key);
    }
    fixture_run(f);
    assert_int_equal(count_ends(f, APPLY_DONE), 100);
    assert_int_equal(f->store.plan.tries, 1); /* one transaction */
    assert_false(f->store.plan.unordered);    /* items by key, outcomes by key */
    assert_false(f->changed);
    assert_true(f->progress >= 100);
    for (size_t i = 0; i < 100; i++)
        expect_succeeded(f, i);
    struct apply_counters counters;
    apply_counters(f->apply, &counters);
    assert_int_equal(counters.applied, 100);
    assert_int_equal(counters.failed, 0);
    assert_int_equal(look_up(f, 1).state, OUTCOME_SUCCEEDED);
    assert_int_equal(look_up(f, 100).state, OUTCOME_SUCCEEDED);
    struct outcome none = look_up(f, 101);
    assert_int_equal(none.state, OUTCOME_FAILED);
    assert_true(slice_equal(none.code, slice_text("NotFound")));
}

static void a_redelivered_job_is_not_applied_again(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 3; round++) {
        f->count = 0;
        add_increment(f, 7, "counter");
        f->jobs[0].again = round == 1; /* known to be delivered again, or not (the broker was restarted) */
        f->store.plan.tries = 0;
        fixture_run(f);
        expect_succeeded(f, 0);
        assert_int_equal(f->store.plan.tries, round == 2 ? 2 : 1);
    }
    assert_int_equal(read_counter(f, "counter"), 1);
}

static void a_redelivered_job_does_not_hold_up_its_batch(void **state)
{
    struct fixture *f = *state;
    add_increment(f, 3, "old");
    fixture_run(f);
    f->count = 0;
    add_increment(f, 1, "new-1");
    add_increment(f, 3, "old");
    add_increment(f, 2, "new-2");
    fixture_run(f);
    assert_int_equal(count_ends(f, APPLY_DONE), 3);
    assert_int_equal(read_counter(f, "old"), 1);
    assert_int_equal(read_counter(f, "new-1"), 1);
    assert_int_equal(read_counter(f, "new-2"), 1);
}

static void the_recorded_outcome_is_the_answer(void **state)
{
    struct fixture *f = *state;
    add_plain(f, 9, OP_CREATE, "things"); /* no Item: fails */
    fixture_run(f);
    expect_failed(f, 0, ERR_VALIDATION);
    f->count = 0;
    add_create(f, 9, "would-succeed-now");
    f->jobs[0].again = true;
    fixture_run(f);
    expect_failed(f, 0, ERR_VALIDATION);
    assert_int_equal(look_up(f, 9).state, OUTCOME_FAILED);
}

static void one_that_fails_does_not_fail_the_others(void **state)
{
    struct fixture *f = *state;
    add_create(f, 1, "good-1");
    buf_text(new_job(f, 2), "\xc1 not msgpack");
    close_job(f);
    add_plain(f, 3, OP_LIST, "no-such-table");
    add_plain(f, 4, OP_LOOKUP, "");
    add_plain(f, 5, OP_TABLE_DROP, "things");
    add_plain(f, 6, OP_PING, "");
    add_create(f, 7, "good-2");
    fixture_run(f);
    expect_succeeded(f, 0);
    expect_failed(f, 1, ERR_SERIALIZATION);
    expect_failed(f, 2, ERR_TABLE_NOT_FOUND);
    expect_failed(f, 3, ERR_UNKNOWN_OPERATION);
    expect_failed(f, 4, ERR_UNKNOWN_OPERATION);
    expect_succeeded(f, 5);
    expect_succeeded(f, 6);
    struct apply_counters counters;
    apply_counters(f->apply, &counters);
    assert_int_equal(counters.applied, 7);
    assert_int_equal(counters.failed, 4);
    assert_int_equal(look_up(f, 2).state, OUTCOME_FAILED); /* recorded, too */
}

static void lists_are_recorded_for_jobs_and_not_for_calls(void **state)
{
    struct fixture *f = *state;
    add_create(f, 1, "one");
    fixture_run(f);
    f->count = 0;
    add_plain(f, 2, OP_LIST, "things");
    add_plain(f, 3, OP_LIST, "things");
    f->jobs[1].has_id = false;
    f->jobs[1].call = true;
    f->store.plan.tries = 0;
    fixture_run(f);
    for (size_t i = 0; i < 2; i++) {
        struct outcome o = outcome_of(f, i);
        struct value items = value_map_get(&o.value, slice_text("Items"));
        assert_int_equal(items.count, 1);
    }
    assert_int_equal(f->store.plan.tries, 1);
    assert_int_equal(look_up(f, 2).state, OUTCOME_SUCCEEDED);
    assert_int_equal(look_up(f, 3).state, OUTCOME_FAILED);
    f->count = 0;
    add_create(f, 4, "two");
    fixture_run(f);
    f->count = 0;
    add_plain(f, 2, OP_LIST, "things"); /* again: as it was then */
    f->jobs[0].again = true;
    fixture_run(f);
    struct outcome o = outcome_of(f, 0);
    struct value items = value_map_get(&o.value, slice_text("Items"));
    assert_int_equal(items.count, 1);
}

static void a_new_table_stands_alone_and_is_told(void **state)
{
    struct fixture *f = *state;
    struct buf payload = {0};
    struct key_schema schema;
    struct value create = fixture_value(&payload, FIXTURE_TABLE_ID);
    assert_int_equal(create.type, VALUE_M);
    add_increment(f, 1, "a");
    put_op(new_job(f, 2), OP_TABLE_CREATE, "fresh", &payload);
    close_job(f);
    f->jobs[1].call = true;
    buf_finish(&payload);
    fixture_run(f);
    assert_int_equal(f->jobs[0].end, APPLY_NOT_YET);
    expect_succeeded(f, 1);
    assert_true(f->changed);
    assert_true(catalog_find(tables_catalog(f->tables), slice_text("fresh"), &schema));
    f->count = 0;
    add_plain(f, 3, OP_TABLE_DROP, "fresh");
    f->jobs[0].call = true;
    fixture_run(f);
    expect_succeeded(f, 0);
    assert_true(f->changed);
    assert_false(catalog_find(tables_catalog(f->tables), slice_text("fresh"), &schema));
}

static void rows_of_outcomes_are_checked(void **state)
{
    (void)state;
    struct buf b = {0};
    struct outcome_row row = {5, 1700000000000, slice_text("xyz")}, back;
    outcome_row_encode(&b, &row);
    assert_int_equal(outcome_row_decode(buf_slice(&b), &back), 0);
    assert_int_equal(back.seq, 5);
    assert_int_equal(back.finished_ms, 1700000000000);
    assert_true(slice_equal(back.outcome, slice_text("xyz")));
    for (size_t cut = 0; cut < b.len; cut++)
        assert_int_equal(outcome_row_decode(slice_of(b.data, cut), &back), -1);
    buf_byte(&b, 0);
    assert_int_equal(outcome_row_decode(buf_slice(&b), &back), -1);
    buf_finish(&b);
    struct id id = id_of(0x01020304);
    unsigned char key[OUTCOME_KEY_BYTES];
    outcome_key(key, &id);
    assert_int_equal(key[0], id_slice(&id));
    assert_memory_equal(key + 1, id.bytes, ID_BYTES);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_batch_is_applied_and_recorded),
        TEST(a_redelivered_job_is_not_applied_again),
        TEST(a_redelivered_job_does_not_hold_up_its_batch),
        TEST(the_recorded_outcome_is_the_answer),
        TEST(one_that_fails_does_not_fail_the_others),
        TEST(lists_are_recorded_for_jobs_and_not_for_calls),
        TEST(a_new_table_stands_alone_and_is_told),
        cmocka_unit_test(rows_of_outcomes_are_checked),
    };
    log_init("test-apply", LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
