/* test_journal.c - a day in the life of a journal: append, sync, read, reopen; groups, segments, the lock, the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/journal_lab.h"

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

static void test_new_journal_is_empty(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    assert_int_equal(lab->seen_count, 0);
    assert_true(journal_idle(lab->j));
    assert_int_equal(journal_completed(lab->j), 0);
    assert_true(journal_has_room(lab->j, 0));
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(lab->seen_count, 0);
}

static void test_appended_is_there_after_reopening(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    for (uint32_t i = 0; i < 50; i++)
        assert_true(lab_send(lab, i * 7) != 0);
    assert_int_equal(journal_completed(lab->j), 0);
    lab_sync(lab);
    assert_int_equal(journal_completed(lab->j), 50);
    assert_true(lab_done(lab, 20));
    lab_sync(lab);
    assert_int_equal(journal_completed(lab->j), 51);
    for (int round = 0; round < 3; round++) {
        lab_close(lab);
        lab_open(lab);
        assert_int_equal(lab->seen_count, 51);
        assert_int_equal(journal_completed(lab->j), 51);
        for (uint64_t i = 0; i < 50; i++) {
            assert_int_equal(lab->seen[i].number, i + 1);
            assert_int_equal(lab->seen[i].kind, CORE_REC_SEND);
        }
        assert_int_equal(lab->seen[50].kind, CORE_REC_DONE);
        assert_int_equal(lab->seen[50].seq, 20);
    }
}

static void test_closing_writes_what_was_never_flushed(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    lab_send(lab, 100);
    journal_flush(lab->j);
    lab_send(lab, 200);
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(lab->seen_count, 2);
}

static void test_bodies_are_read_at_every_stage(void **state)
{
    struct lab *lab = *state;
    static const uint32_t sizes[] = {0, 1, 250, 4096, 70000, 300000};
    lab_open(lab);
    for (int round = 0; round < 4; round++) {
        uint64_t first = lab->number + 1;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            lab_send(lab, sizes[i]);
        for (uint64_t seq = 1; seq <= lab->number; seq++)
            lab_check_body(lab, seq); /* collected, and older ones */
        journal_flush(lab->j);
        for (uint64_t seq = first; seq <= lab->number; seq++)
            lab_check_body(lab, seq); /* in flight */
        lab_sync(lab);
        for (uint64_t seq = lab->number; seq > 0; seq--)
            lab_check_body(lab, seq); /* on disk, backwards */
    }
    lab_close(lab);
    lab_open(lab);
    for (uint64_t seq = 1; seq <= lab->number; seq++)
        lab_check_body(lab, seq);
}

/* A window that was filled when the file's end was near must not serve what came later from its stale bytes. */
static void test_windows_do_not_reach_beyond_the_disk(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    for (int i = 0; i < 300; i++) {
        lab_send(lab, 500);
        lab_sync(lab);
        if (lab->number > 3)
            lab_check_body(lab, lab->number - 3);
        lab_check_body(lab, 1);
    }
    for (uint64_t seq = 1; seq <= lab->number; seq++)
        lab_check_body(lab, seq);
}

static void test_reading_a_damaged_body_is_fatal(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    lab_send(lab, 1000);
    lab_sync(lab);
    for (int i = 0; i < 2; i++) { /* out of memory's reach */
        lab_send(lab, 10);
        lab_sync(lab);
    }
    lab_flip(lab, "0000000000000001.seg", (uint32_t)lab->messages[1].location + 500, 4);
    struct slice body = journal_read(lab->j, lab->messages[1].location, 1000);
    assert_int_equal(lab_faults.fatals, 1);
    assert_null(body.ptr);
    assert_null(journal_read(lab->j, lab->messages[1].location + (1ull << 40), 10).ptr);
    assert_null(journal_read(lab->j, lab->messages[1].location, JOURNAL_SEGMENT_MIN_BYTES).ptr);
    assert_int_equal(lab_faults.fatals, 3);
}

/* Sockets have taken all descriptors: the journal goes on, over new segments and with bodies that only files have. */
static void test_it_goes_on_when_there_are_no_descriptors_left(void **state)
{
    struct lab *lab = *state;
    struct rlimit before, none;
    uint64_t sent[140];
    lab_open(lab);
    for (int i = 0; i < 20; i++)
        sent[i] = lab_send(lab, 100000);
    lab_sync(lab);
    int highest = dup(0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)highest, .rlim_max = before.rlim_max};
    close(highest);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(dup(0), -1);
    for (int i = 20; i < 140; i++) {
        sent[i] = lab_send(lab, 100000);
        lab_sync(lab);
        lab_check_body(lab, sent[i - 20]);
        lab_done(lab, sent[i - 20]);
        lab_compact(lab, 100);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(lab->messages[sent[139]].location >> 32 > (lab->messages[sent[19]].location >> 32) + 1); /* new segments */
    assert_int_equal(lab_faults.fatals, 0);
}

static void test_largest_body_fits_and_a_larger_one_is_refused(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    for (int i = 0; i < 3; i++) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        assert_true(lab_send(lab, JOURNAL_BODY_MAX_BYTES) != 0);
    }
    assert_int_equal(lab_send(lab, JOURNAL_BODY_MAX_BYTES + 1), 0);
    lab_sync(lab);
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(lab->seen_count, 3);
    for (uint64_t seq = 1; seq <= 3; seq++)
        lab_check_body(lab, seq);
}

/* What does not fit one group becomes several, written one after the other; numbers complete in order. */
static void test_more_than_a_group_in_one_turn(void **state)
{
    struct lab *lab = *state;
    lab->config.segment_bytes = 64 << 20;
    lab_open(lab);
    for (int i = 0; i < 40; i++)
        assert_true(lab_send(lab, 1 << 20) != 0);
    uint64_t before = 0, steps = 0;
    while (before < 40) {
        journal_flush(lab->j);
        journal_writer_settle(&lab->j->writer);
        uint64_t now = journal_completed(lab->j);
        assert_true(now > before);
        before = now;
        steps++;
    }
    assert_true(steps >= 5);
    struct journal_stats stats;
    journal_stats(lab->j, &stats);
    assert_int_equal(stats.groups, steps);
    assert_int_equal(stats.records, 40);
    assert_int_equal(stats.sync.count, steps);
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(lab->seen_count, 40);
}

static void test_each_segment_begins_with_the_head(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    journal_on_segment(lab->j, lab_head, lab);
    while (lab->number < 200) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        assert_true(lab_send(lab, 100000) != 0);
        lab_sync(lab);
        assert_int_equal(journal_completed(lab->j), lab->number); /* the head's numbers do not count */
    }
    struct journal_stats stats;
    journal_stats(lab->j, &stats);
    assert_true(stats.segments >= 5);
    assert_int_equal(lab->heads, stats.segments);
    assert_int_equal(stats.bytes_total, stats.segments * (uint64_t)LAB_SEGMENT_BYTES);
    lab_close(lab);
    lab_open(lab);
    uint64_t segment = 0, heads = 0;
    for (size_t i = 0; i < lab->seen_count; i++) {
        if (lab->seen[i].kind == CORE_REC_MARK) {
            assert_int_equal(lab->seen[i + 1].kind, CORE_REC_QUEUE);
            assert_int_equal(lab->seen[i + 2].kind, CORE_REC_SEND);
            assert_int_equal(lab->seen[i + 2].location >> 32, ++segment);
            heads++;
        }
    }
    assert_int_equal(heads, stats.segments);
    unsigned before = lab->heads;
    journal_on_segment(lab->j, lab_head, lab);
    lab_send(lab, 10); /* goes on in a segment that has its head */
    assert_int_equal(lab->heads, before);
    lab->number = 2000; /* recovery saw the numbers of the heads */
}

static void test_live_bytes_are_counted(void **state)
{
    struct lab *lab = *state;
    struct journal_stats stats;
    lab_open(lab);
    lab_send(lab, 1000);
    lab_send(lab, 2000);
    journal_stats(lab->j, &stats);
    assert_int_equal(stats.bytes_live, 3000 + 2 * JOURNAL_LIVE_OVERHEAD_BYTES);
    lab_done(lab, 1);
    journal_stats(lab->j, &stats);
    assert_int_equal(stats.bytes_live, 2000 + JOURNAL_LIVE_OVERHEAD_BYTES);
    lab_close(lab);
    lab_open(lab);
    journal_stats(lab->j, &stats);
    assert_int_equal(stats.bytes_live, 2000 + JOURNAL_LIVE_OVERHEAD_BYTES);
}

static void test_only_one_process_has_it(void **state)
{
    struct lab *lab = *state;
    char pid[24];
    struct err e = {0};
    lab_open(lab);
    assert_null(journal_open(&lab->config, &e));
    assert_int_equal(e.code, ERR_RESOURCE_IN_USE);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(e.text, pid));
    assert_int_equal(journal_salvage(&lab->config, &e), -1);
    assert_int_equal(e.code, ERR_RESOURCE_IN_USE);
    lab_close(lab);
    lab_open(lab);
}

static void test_bad_settings_and_folders_are_refused(void **state)
{
    struct lab *lab = *state;
    struct err e = {0};
    struct journal_config c = lab->config;
    c.segment_bytes = JOURNAL_SEGMENT_MIN_BYTES - 1;
    assert_null(journal_open(&c, &e));
    assert_int_equal(e.code, ERR_VALIDATION);
    c.segment_bytes = JOURNAL_SEGMENT_MAX_BYTES + 1;
    assert_null(journal_open(&c, &e));
    c = lab->config;
    c.min_free_bytes = -1;
    assert_null(journal_open(&c, &e));
    c = lab->config;
    c.folder = "/proc/nowhere/journal";
    assert_null(journal_open(&c, &e));
    assert_non_null(strstr(e.text, "/proc/nowhere/journal"));
    c.folder = "";
    assert_null(journal_open(&c, &e));
}

static void test_the_folder_is_made_and_strangers_are_left_alone(void **state)
{
    struct lab *lab = *state;
    char deep[100], path[160];
    struct stat st;
    lab_path(lab, "catalog", path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    lab_path(lab, "000000000000000g.seg", path);
    f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    lab_open(lab);
    lab_close(lab);
    assert_int_equal(stat(path, &st), 0);
    struct journal_config c = lab->config;
    snprintf(deep, sizeof deep, "%s/a/b", lab->folder);
    c.folder = deep;
    struct journal *j = journal_open(&c, &lab->e);
    assert_non_null(j);
    journal_close(&j);
    assert_null(j);
    journal_close(&j);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    lab_remove_folder(deep);
    snprintf(deep, sizeof deep, "%s/a", lab->folder);
    lab_remove_folder(deep);
}

/* Segments of another size stay readable, and new ones have the new size. */
static void test_the_segment_size_may_change(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    lab_send(lab, 1000);
    lab_close(lab);
    lab->config.segment_bytes = 2 * LAB_SEGMENT_BYTES;
    for (int i = 0; i < 2; i++) {
        lab_open(lab);
        while (lab->j->segment_count < 3 + (size_t)i) {
            assert_true(journal_has_room(lab->j, lab->now_ms));
            lab_send(lab, 500000);
            lab_sync(lab);
        }
        assert_int_equal(lab->j->segments[lab->j->segment_count - 1].bytes, lab->config.segment_bytes);
        lab_close(lab);
        lab->config.segment_bytes = LAB_SEGMENT_BYTES;
    }
    lab_open(lab);
    assert_int_equal(lab->seen_count, lab->number);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_new_journal_is_empty),
                                       T(test_appended_is_there_after_reopening),
                                       T(test_closing_writes_what_was_never_flushed),
                                       T(test_bodies_are_read_at_every_stage),
                                       T(test_windows_do_not_reach_beyond_the_disk),
                                       T(test_reading_a_damaged_body_is_fatal),
                                       T(test_it_goes_on_when_there_are_no_descriptors_left),
                                       T(test_largest_body_fits_and_a_larger_one_is_refused),
                                       T(test_more_than_a_group_in_one_turn),
                                       T(test_each_segment_begins_with_the_head),
                                       T(test_live_bytes_are_counted),
                                       T(test_only_one_process_has_it),
                                       T(test_bad_settings_and_folders_are_refused),
                                       T(test_the_folder_is_made_and_strangers_are_left_alone),
                                       T(test_the_segment_size_may_change)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
