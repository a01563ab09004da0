/* test_journal_full.c - a full disk is an answer, not an accident: sends are refused while acks go on, and nothing that was accepted is
 * lost; when there is space again, work goes on by itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/journal_lab.h"

#define RETRY_MS 250 /* more than the journal's interval of looking at the disk */

static int setup(void **state)
{
    *state = malloc(sizeof(struct lab));
    lab_init(*state);
    return 0;
}

static int teardown(void **state)
{
    lab_finish(*state);
    free(*state);
    return 0;
}

/* Sends until there is no room; how many went in. */
static uint64_t fill(struct lab *lab)
{
    uint64_t before = lab->number;
    while (journal_has_room(lab->j, lab->now_ms)) {
        assert_true(lab_send(lab, 200000) != 0);
        lab_sync(lab);
        assert_true(lab->number < 500);
    }
    return lab->number - before;
}

static void run_full(struct lab *lab, int error)
{
    lab_open(lab);
    assert_true(lab_send(lab, 200000) != 0);
    lab_sync(lab);
    assert_true(journal_writer_await_spare(&lab->j->writer, false, 10000));
    lab_faults.allocate_error = error;
    assert_true(fill(lab) > 20); /* this segment and the spare */
    assert_int_equal(lab->j->segment_count, 2);
    assert_int_equal(lab_faults.fatals, 0);
    /* The reserve: SENDs of any size keep out of it, acks may use it to the end. */
    while (lab_send(lab, 100) != 0)
        continue;
    uint64_t acks = 0;
    while (lab_ack(lab)) {
        acks++;
        if (acks % 1000 == 0)
            lab_sync(lab);
    }
    assert_true(acks > LAB_SEGMENT_BYTES / JOURNAL_RESERVE_SHARE / 64);
    lab_sync(lab);
    assert_int_equal(journal_completed(lab->j), lab->number);
    /* Full to the end, the marks still have their places, and a restart finds everything. */
    journal_rest(lab->j);
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(lab->seen_count, lab->number);
    assert_false(journal_has_room(lab->j, lab->now_ms));
    assert_false(lab_ack(lab));
    lab_faults.allocate_error = 0;
    lab->now_ms += RETRY_MS;
    journal_has_room(lab->j, lab->now_ms); /* asks for a spare */
    assert_true(journal_writer_await_spare(&lab->j->writer, true, 10000));
    assert_true(journal_has_room(lab->j, lab->now_ms));
    assert_true(lab_send(lab, 200000) != 0);
    lab_sync(lab);
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(lab->seen_count, lab->number);
}

static void test_disk_full(void **state) { run_full(*state, ENOSPC); }
static void test_quota_full(void **state) { run_full(*state, EDQUOT); }
static void test_file_size_limit(void **state) { run_full(*state, EFBIG); }

static void test_full_from_the_start(void **state)
{
    struct lab *lab = *state;
    lab_faults.allocate_error = ENOSPC;
    lab_open(lab);
    assert_false(journal_has_room(lab->j, lab->now_ms));
    assert_int_equal(lab_send(lab, 1), 0);
    assert_false(lab_ack(lab));
    journal_flush(lab->j);
    assert_true(journal_idle(lab->j));
    int calls = lab_faults.allocate_calls;
    for (int i = 0; i < 100; i++)
        assert_false(journal_has_room(lab->j, lab->now_ms)); /* asks the disk once an interval at most */
    assert_true(lab_faults.allocate_calls <= calls + 1);
    lab_close(lab);
    lab_faults.allocate_error = 0;
    lab_open(lab);
    assert_int_equal(lab->seen_count, 0);
    assert_true(journal_has_room(lab->j, lab->now_ms));
    assert_true(lab_send(lab, 1) != 0);
}

static void test_space_is_kept_free(void **state)
{
    struct lab *lab = *state;
    lab->config.min_free_bytes = 1000000;
    lab_open(lab);
    assert_true(journal_has_room(lab->j, lab->now_ms));
    lab_faults.free_bytes = 999999;
    assert_true(journal_has_room(lab->j, lab->now_ms)); /* not looked at again so soon */
    lab->now_ms += RETRY_MS;
    assert_false(journal_has_room(lab->j, lab->now_ms));
    assert_true(lab_ack(lab));
    lab_faults.free_bytes = 1000000;
    assert_false(journal_has_room(lab->j, lab->now_ms));
    lab->now_ms += RETRY_MS;
    assert_true(journal_has_room(lab->j, lab->now_ms));
}

/* Without fallocate the file is filled with zeros, between groups. */
static void test_a_file_system_without_fallocate(void **state)
{
    struct lab *lab = *state;
    lab_faults.allocate_error = EOPNOTSUPP;
    lab_open(lab);
    while (lab->j->segment_count < 4) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        assert_true(lab_send(lab, 200000) != 0);
        lab_sync(lab);
    }
    assert_true(lab_faults.writes > 4 * (LAB_SEGMENT_BYTES >> 20));
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(lab->seen_count, lab->number);
}

static void test_zeros_that_do_not_fit(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    lab_faults.allocate_error = EOPNOTSUPP;
    lab_faults.fill_error = ENOSPC;
    assert_true(lab_send(lab, 1000) != 0); /* takes the spare */
    assert_false(journal_writer_await_spare(&lab->j->writer, false, 10000));
    lab_sync(lab);
    assert_int_equal(lab_faults.fatals, 0);
    assert_int_equal(lab_count_files(lab, ".new"), 0);
    lab_faults.fill_error = 0;
    assert_true(journal_writer_await_spare(&lab->j->writer, true, 10000));
    assert_int_equal(lab_count_files(lab, "spare.0"), 1);
}

/* Half-made spares of a process that was killed, and spares of another size, are deleted at the start. */
static void test_useless_spares_are_deleted(void **state)
{
    struct lab *lab = *state;
    char path[160];
    lab_path(lab, "spare.new", path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    lab_path(lab, "spare.3", path);
    f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    lab_open(lab);
    assert_int_equal(lab_count_files(lab, "spare.new"), 0);
    assert_int_equal(lab_count_files(lab, "spare.3"), 0);
    assert_int_equal(lab_count_files(lab, "spare.0"), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_disk_full),
                                       T(test_quota_full),
                                       T(test_file_size_limit),
                                       T(test_full_from_the_start),
                                       T(test_space_is_kept_free),
                                       T(test_a_file_system_without_fallocate),
                                       T(test_zeros_that_do_not_fit),
                                       T(test_useless_spares_are_deleted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
