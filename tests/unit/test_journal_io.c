/* test_journal_io.c - system calls that fail, stop half-way or are interrupted: nothing is claimed that is not on disk. */
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

/* One group after the other until the thread has failed or `until` are done. Returns the last number that was reported as on disk. */
static uint64_t work(struct lab *lab, uint64_t until)
{
    while (lab->number < until) {
        uint64_t before = journal_completed(lab->j);
        if (!journal_has_room(lab->j, lab->now_ms) || lab_send(lab, 300000) == 0)
            break;
        journal_flush(lab->j);
        journal_writer_settle(&lab->j->writer);
        if (journal_completed(lab->j) == before)
            break;
    }
    return journal_completed(lab->j);
}

/* All that was reported must be found, and nothing that was never appended. */
static void check_after(struct lab *lab, uint64_t reported)
{
    lab_faults.write_error_at = lab_faults.sync_error_at = lab_faults.allocate_error = 0;
    assert_int_equal(lab_try_open(lab), 0);
    assert_true(lab->seen_count >= reported && lab->seen_count <= lab->number);
    for (size_t i = 0; i < lab->seen_count; i++) {
        assert_int_equal(lab->seen[i].number, i + 1);
        assert_int_equal(lab->seen[i].body_sum, lab_body_sum(i + 1, lab->seen[i].len));
    }
    lab_close(lab);
}

#define UNTIL 30u /* two changes of segment */

static void fail_each(bool syncs, int error)
{
    for (int n = 1;; n++) {
        struct lab lab;
        lab_init(&lab);
        if (syncs) {
            lab_faults.sync_error = error;
            lab_faults.sync_error_at = n;
        } else {
            lab_faults.write_error = error;
            lab_faults.write_error_at = n;
        }
        uint64_t reported = 0;
        if (lab_try_open(&lab) == 0)
            reported = work(&lab, UNTIL);
        bool through = reported == UNTIL;
        lab_close(&lab);
        if (!through)
            assert_true(lab_faults.fatals == 1);
        int calls = syncs ? lab_faults.syncs : lab_faults.writes;
        check_after(&lab, reported);
        lab_finish(&lab);
        if (calls < n)
            break; /* the fault never came: all places were tried */
        assert_true(n < 200);
    }
}

static void test_each_write_fails(void **state)
{
    (void)state;
    fail_each(false, EIO);
}

/* Space was promised; a file system that breaks the promise is a failed disk. */
static void test_each_write_finds_no_space(void **state)
{
    (void)state;
    fail_each(false, ENOSPC);
}

static void test_each_sync_fails(void **state)
{
    (void)state;
    fail_each(true, EIO);
}

static void test_after_a_failure_nothing_completes(void **state)
{
    (void)state;
    struct lab lab;
    lab_init(&lab);
    lab_open(&lab);
    assert_int_equal(work(&lab, 3), 3);
    lab_faults.sync_error = EIO;
    lab_faults.sync_error_at = lab_faults.syncs + 1;
    assert_int_equal(work(&lab, 10), 3);
    assert_int_equal(lab_faults.fatals, 1);
    for (int i = 0; i < 3; i++) {
        lab_send(&lab, 10);
        journal_flush(lab.j);
        journal_writer_settle(&lab.j->writer);
        assert_int_equal(journal_completed(lab.j), 3);
        assert_false(journal_idle(lab.j));
    }
    lab_close(&lab); /* must not hang */
    assert_int_equal(lab_faults.fatals, 1);
    lab_finish(&lab);
}

static void test_short_and_interrupted_calls_change_nothing(void **state)
{
    (void)state;
    static const int pieces[] = {1, 7, 4096, 100000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct lab lab;
        lab_init(&lab);
        lab_faults.short_writes = pieces[i];
        lab_faults.interrupt_every = 2 + (int)i;
        lab_open(&lab);
        uint64_t groups = pieces[i] < 10 ? 2 : UNTIL;
        for (uint64_t k = 0; k < groups; k++) {
            assert_true(journal_has_room(lab.j, lab.now_ms));
            assert_true(lab_send(&lab, pieces[i] < 10 ? 3000 : 300000) != 0);
            lab_sync(&lab);
        }
        assert_int_equal(journal_completed(lab.j), groups);
        lab_close(&lab);
        lab_open(&lab);
        assert_int_equal(lab.seen_count, groups);
        assert_int_equal(lab_faults.fatals, 0);
        lab_finish(&lab);
    }
}

static ssize_t no_read(int fd, void *bytes, size_t len, off_t at)
{
    (void)fd, (void)bytes, (void)len, (void)at;
    errno = EIO;
    return -1;
}

static void test_an_unreadable_file_is_no_torn_tail(void **state)
{
    (void)state;
    struct lab lab;
    lab_init(&lab);
    lab_open(&lab);
    assert_int_equal(work(&lab, 5), 5);
    lab_close(&lab);
    uint64_t before = lab_folder_sum(&lab);
    struct journal_io broken = journal_io, sound = journal_io;
    broken.read_at = no_read;
    journal_set_io(&broken);
    assert_int_equal(lab_try_open(&lab), -1);
    assert_non_null(strstr(lab.e.text, "Input/output error"));
    assert_int_equal(journal_salvage(&lab.config, &lab.e), -1); /* nor is it damage that may be given up */
    assert_non_null(strstr(lab.e.text, "Input/output error"));
    journal_set_io(&sound);
    assert_int_equal(lab_count_files(&lab, ".damaged"), 0);
    assert_int_equal(lab_folder_sum(&lab), before);
    lab_open(&lab);
    assert_int_equal(lab.seen_count, 5);
    lab_finish(&lab);
}

/* A process that was killed between write and sync leaves a group that only memory holds: recovery writes and syncs it before anybody
 * relies on it. */
static void test_an_unsynced_last_group_is_written_again(void **state)
{
    (void)state;
    struct lab lab;
    lab_init(&lab);
    lab_open(&lab);
    assert_int_equal(work(&lab, 2), 2);
    lab_crash(&lab);
    int writes = lab_faults.writes, syncs = lab_faults.syncs;
    lab_open(&lab);
    assert_int_equal(lab.seen_count, 2);
    assert_true(lab_faults.writes > writes && lab_faults.syncs > syncs);
    lab_close(&lab);
    writes = lab_faults.writes;
    lab_open(&lab); /* after a clean close there is nothing to write */
    assert_int_equal(lab_faults.writes, writes);
    lab_finish(&lab);
}

static void test_a_visitor_may_refuse(void **state)
{
    (void)state;
    struct lab lab;
    lab_init(&lab);
    lab_open(&lab);
    assert_int_equal(work(&lab, 5), 5);
    lab_crash(&lab);
    uint64_t before = lab_folder_sum(&lab);
    lab.refuse_number = 3;
    assert_int_equal(lab_try_open(&lab), -1);
    assert_int_equal(lab.seen_count, 2);
    assert_non_null(strstr(lab.e.text, "0000000000000001.seg"));
    assert_int_equal(lab_folder_sum(&lab), before);
    lab.refuse_number = 0;
    lab_open(&lab);
    lab_finish(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_write_fails),
        cmocka_unit_test(test_each_write_finds_no_space),
        cmocka_unit_test(test_each_sync_fails),
        cmocka_unit_test(test_after_a_failure_nothing_completes),
        cmocka_unit_test(test_short_and_interrupted_calls_change_nothing),
        cmocka_unit_test(test_an_unreadable_file_is_no_torn_tail),
        cmocka_unit_test(test_an_unsynced_last_group_is_written_again),
        cmocka_unit_test(test_a_visitor_may_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
