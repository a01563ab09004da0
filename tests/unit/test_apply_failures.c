/* test_apply_failures.c - batches through every failure of the store, and within their time slice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/lib/apply_fixture.h"

static void a_deadlock_is_tried_again(void **state)
{
    struct fixture *f = *state;
    add_increment(f, 1, "a");
    add_increment(f, 2, "b");
    f->store.plan.commit = KV_RETRY;
    f->store.plan.commits = 9;
    fixture_run(f);
    assert_int_equal(count_ends(f, APPLY_DONE), 2);
    assert_int_equal(f->store.plan.tries, 10);
    assert_true(apply_now_us < 1000000 + 10 * 3000);
    assert_int_equal(read_counter(f, "a"), 1);
}

static void after_ten_deadlocks_half_as_many_are_tried(void **state)
{
    struct fixture *f = *state;
    char key[16];
    for (unsigned i = 0; i < 8; i++) {
        snprintf(key, sizeof key, "item-%u", i);
        add_increment(f, i + 1, key);
    }
    f->store.plan.begin = KV_RETRY;
    f->store.plan.begins = 20;
    fixture_run(f);
    assert_int_equal(count_ends(f, APPLY_DONE), 2); /* 8, 4, 2 */
    assert_int_equal(count_ends(f, APPLY_NOT_YET), 6);
}

static void a_job_that_never_gets_through_is_given_back(void **state)
{
    struct fixture *f = *state;
    add_increment(f, 1, "a");
    add_increment(f, 2, "b");
    f->store.plan.commit = KV_RETRY;
    f->store.plan.commits = UINT32_MAX;
    fixture_run(f);
    assert_int_equal(count_ends(f, APPLY_GIVE_BACK), 1);
    assert_int_equal(count_ends(f, APPLY_NOT_YET), 1);
    for (size_t i = 0; i < 2; i++)
        if (f->jobs[i].end == APPLY_GIVE_BACK)
            assert_int_equal(f->jobs[i].retry_ms, 100);
    assert_true(apply_now_us > 2000000 && apply_now_us < 2200000);
    f->store.plan.commits = 0;
    assert_int_equal(read_counter(f, "a"), -1);
    assert_int_equal(read_counter(f, "b"), -1);
}

static void a_full_disk_gives_all_back(void **state)
{
    struct fixture *f = *state;
    for (int at_commit = 0; at_commit < 2; at_commit++) {
        f->count = 0;
        add_increment(f, 1, "a");
        add_increment(f, 2, "b");
        f->store.plan.begin = f->store.plan.commit = KV_FULL;
        f->store.plan.begins = !at_commit;
        f->store.plan.commits = (unsigned)at_commit;
        fixture_run(f);
        assert_int_equal(count_ends(f, APPLY_GIVE_BACK), 2);
        assert_int_equal(f->jobs[0].retry_ms, 1000);
    }
    assert_int_equal(read_counter(f, "a"), -1); /* reading goes on */
    add_increment(f, 1, "a");
    fixture_run(f);
    assert_int_equal(read_counter(f, "a"), 1);
}

static void no_memory_tries_less_and_then_gives_back(void **state)
{
    struct fixture *f = *state;
    add_increment(f, 1, "a");
    add_increment(f, 2, "b");
    f->store.plan.begin = KV_NO_MEMORY;
    f->store.plan.begins = 10;
    fixture_run(f);
    assert_int_equal(count_ends(f, APPLY_DONE), 1);
    assert_int_equal(count_ends(f, APPLY_NOT_YET), 1);
}

static void a_damaged_store_is_reported(void **state)
{
    struct fixture *f = *state;
    bool changed = false;
    add_increment(f, 1, "a");
    f->store.plan.commit = KV_FATAL;
    f->store.plan.commits = 1;
    assert_int_equal(apply_run(f->apply, f->refs, f->count, &changed), KV_FATAL);
}

static void a_long_batch_is_cut_into_slices(void **state)
{
    struct fixture *f = *state;
    char key[16];
    for (unsigned i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "item-%u", i);
        add_increment(f, i + 1, key);
    }
    apply_step_us = 20000;
    fixture_run(f);
    assert_int_equal(count_ends(f, APPLY_DONE), 3); /* 60 ms */
    unsigned turns = 1;
    for (; count_ends(f, APPLY_NOT_YET) > 0; turns++) {
        struct apply_job *rest[FIXTURE_JOBS];
        size_t left = 0;
        for (size_t i = 0; i < f->count; i++)
            if (f->jobs[i].end == APPLY_NOT_YET)
                rest[left++] = &f->jobs[i];
        assert_int_equal(apply_run(f->apply, rest, left, &f->changed), KV_OK);
    }
    assert_int_equal(turns, 4);
    apply_step_us = 0;
    for (unsigned i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "item-%u", i);
        assert_int_equal(read_counter(f, key), 1);
    }
}

static void one_long_job_is_a_slice(void **state)
{
    struct fixture *f = *state;
    apply_step_us = 70000;
    add_plain(f, 1, OP_LIST, "things");
    add_increment(f, 2, "a");
    add_plain(f, 3, OP_LIST, "things");
    fixture_run(f);
    assert_true(count_ends(f, APPLY_DONE) >= 1);
    assert_int_equal(f->jobs[2].end, APPLY_NOT_YET);
}

static void a_control_operation_that_was_cut_off_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct key_schema schema;
    add_plain(f, 1, OP_TABLE_DROP, "things");
    f->jobs[0].call = true;
    f->store.plan.commit = KV_FULL;
    f->store.plan.commits = 1;
    fixture_run(f);
    assert_int_equal(f->jobs[0].end, APPLY_GIVE_BACK);
    f->count = 0;
    add_create(f, 2, "still-there");
    fixture_run(f);
    expect_succeeded(f, 0);
    assert_true(catalog_find(tables_catalog(f->tables), slice_text("things"), &schema));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deadlock_is_tried_again),
        TEST(after_ten_deadlocks_half_as_many_are_tried),
        TEST(a_job_that_never_gets_through_is_given_back),
        TEST(a_full_disk_gives_all_back),
        TEST(no_memory_tries_less_and_then_gives_back),
        TEST(a_damaged_store_is_reported),
        TEST(a_long_batch_is_cut_into_slices),
        TEST(one_long_job_is_a_slice),
        TEST(a_control_operation_that_was_cut_off_leaves_no_trace),
    };
    log_init("test-apply-failures", LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
