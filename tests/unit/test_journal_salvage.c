/* test_journal_salvage.c - damage is refused with a way out, and the way out keeps all that is intact and hides nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/journal_lab.h"

#define GROUPS 30u /* one record each; three segments */

static const char *const names[] = {"0000000000000001.seg", "0000000000000002.seg", "0000000000000003.seg",
                                    "0000000000000004.seg"};

static int setup(void **state)
{
    struct lab *lab = malloc(sizeof *lab);
    *state = lab;
    lab_init(lab);
    lab_open(lab);
    while (lab->number < GROUPS) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        assert_true(lab_send(lab, 300000) != 0);
        lab_sync(lab);
    }
    assert_int_equal(lab->j->segment_count, 3);
    return 0;
}

static int teardown(void **state)
{
    lab_finish(*state);
    free(*state);
    return 0;
}

static const char *file_of(const struct lab *lab, uint64_t seq) { return names[(lab->messages[seq].location >> 32) - 1]; }
static uint32_t place_of(const struct lab *lab, uint64_t seq) { return (uint32_t)lab->messages[seq].location; }

static void check_refused(struct lab *lab, const char *name)
{
    uint64_t before = lab_folder_sum(lab);
    assert_int_equal(lab_try_open(lab), -1);
    assert_non_null(strstr(lab->e.text, name));
    assert_non_null(strstr(lab->e.text, "--salvage"));
    assert_int_equal(lab_folder_sum(lab), before);
}

/* All records but those of the given sequence numbers are there; the journal goes on, and stays sound. */
static void check_salvaged(struct lab *lab, const uint64_t *lost, size_t lost_count)
{
    assert_int_equal(journal_salvage(&lab->config, &lab->e), 0);
    for (int round = 0; round < 3; round++) {
        if (lab_try_open(lab) != 0)
            fail_msg("after salvage: %s", lab->e.text);
        assert_int_equal(lab->seen_count, GROUPS - lost_count + (unsigned)round);
        for (size_t i = 0; i < lab->seen_count; i++) {
            assert_int_equal(lab->seen[i].body_sum, lab_body_sum(lab->seen[i].seq, lab->seen[i].len));
            for (size_t k = 0; k < lost_count; k++)
                assert_int_not_equal(lab->seen[i].seq, lost[k]);
        }
        assert_true(journal_has_room(lab->j, lab->now_ms));
        assert_true(lab_send(lab, 900000) != 0);
        lab_sync(lab);
        round % 2 ? lab_crash(lab) : lab_close(lab);
    }
    uint64_t before = lab_folder_sum(lab);
    assert_int_equal(journal_salvage(&lab->config, &lab->e), 0); /* nothing more to do */
    assert_int_equal(lab_folder_sum(lab), before);
}

static void test_an_intact_journal_is_left_alone(void **state)
{
    struct lab *lab = *state;
    lab_close(lab);
    uint64_t before = lab_folder_sum(lab);
    assert_int_equal(journal_salvage(&lab->config, &lab->e), 0);
    assert_int_equal(lab_folder_sum(lab), before);
    assert_int_equal(lab_count_files(lab, ".damaged"), 0);
    lab_open(lab);
}

static void test_a_torn_tail_is_no_business_of_salvage(void **state)
{
    struct lab *lab = *state;
    lab_crash(lab);
    lab_flip(lab, file_of(lab, GROUPS), place_of(lab, GROUPS) + 5, 1);
    uint64_t before = lab_folder_sum(lab);
    assert_int_equal(journal_salvage(&lab->config, &lab->e), 0);
    assert_int_equal(lab_folder_sum(lab), before);
    assert_int_equal(lab_try_open(lab), 0);
    assert_int_equal(lab->seen_count, GROUPS - 1);
    lab->messages[GROUPS].alive = false;
}

static void test_one_group_in_each_place(void **state)
{
    (void)state;
    for (uint64_t seq = 1; seq <= GROUPS; seq++) {
        void *one;
        setup(&one);
        struct lab *lab = one;
        lab_close(lab);
        lab_flip(lab, file_of(lab, seq), place_of(lab, seq) + 1000, 8);
        check_refused(lab, file_of(lab, seq));
        check_salvaged(lab, &seq, 1);
        assert_int_equal(lab_count_files(lab, ".damaged"), 1);
        teardown(&one);
    }
}

static void test_the_header_of_a_group(void **state)
{
    struct lab *lab = *state;
    const uint64_t seq = 4;
    lab_close(lab);
    lab_flip(lab, file_of(lab, seq), place_of(lab, seq - 1) + 300000 + 40, 8); /* somewhere in the header, or right behind it */
    check_refused(lab, file_of(lab, seq));
    check_salvaged(lab, &seq, 1);
}

static void test_damage_in_two_segments(void **state)
{
    struct lab *lab = *state;
    static const uint64_t lost[] = {3, 5, 20, GROUPS};
    lab_close(lab);
    for (size_t i = 0; i < 4; i++)
        lab_flip(lab, file_of(lab, lost[i]), place_of(lab, lost[i]) + 77, 1);
    check_refused(lab, names[0]);
    check_salvaged(lab, lost, 4);
}

/* The gap that was accepted must not hide a new one. */
static void test_new_damage_after_salvage(void **state)
{
    struct lab *lab = *state;
    static const uint64_t lost[] = {3, 8};
    lab_close(lab);
    lab_flip(lab, file_of(lab, 3), place_of(lab, 3) + 77, 1);
    assert_int_equal(journal_salvage(&lab->config, &lab->e), 0);
    assert_int_equal(lab_try_open(lab), 0);
    for (size_t i = 0; i < lab->seen_count; i++)
        lab->messages[lab->seen[i].seq].location = lab->seen[i].location;
    lab_close(lab);
    lab_flip(lab, file_of(lab, 8), place_of(lab, 8) + 77, 1);
    check_refused(lab, names[0]);
    check_salvaged(lab, lost, 2);
    assert_int_equal(lab_count_files(lab, ".damaged"), 1);
    assert_int_equal(lab_count_files(lab, ".damaged.1"), 1);
}

static size_t records_of(const struct lab *lab, uint64_t segment, uint64_t *lost)
{
    size_t count = 0;
    for (uint64_t seq = 1; seq <= GROUPS; seq++)
        if (lab->messages[seq].location >> 32 == segment)
            lost[count++] = seq;
    return count;
}

/* File `segment` is gone or has lost both copies of its header. */
static void lose(struct lab *lab, uint64_t segment, bool file)
{
    uint64_t lost[GROUPS];
    char path[160];
    size_t count = records_of(lab, segment, lost);
    assert_true(count > 2);
    lab_close(lab);
    lab_path(lab, names[segment - 1], path);
    if (file) {
        assert_int_equal(unlink(path), 0);
    } else {
        lab_flip(lab, names[segment - 1], 20, 1);
        lab_flip(lab, names[segment - 1], 2068, 1);
    }
    check_refused(lab, names[segment - 1]);
    check_salvaged(lab, lost, count);
    assert_int_equal(lab_count_files(lab, ".damaged"), !file);
}

static void test_the_first_file_is_missing(void **state) { lose(*state, 1, true); }
static void test_a_middle_file_is_missing(void **state) { lose(*state, 2, true); }
static void test_the_last_file_is_missing(void **state) { lose(*state, 3, true); }
static void test_the_first_header_is_lost(void **state) { lose(*state, 1, false); }
static void test_a_middle_header_is_lost(void **state) { lose(*state, 2, false); }
static void test_the_last_header_is_lost(void **state) { lose(*state, 3, false); }

static void test_one_copy_of_the_header_is_enough(void **state)
{
    struct lab *lab = *state;
    lab_close(lab);
    lab_flip(lab, names[0], 20, 1);
    lab_flip(lab, names[1], 2068, 1);
    lab_open(lab);
    assert_int_equal(lab->seen_count, GROUPS);
}

static void test_a_file_under_another_name(void **state)
{
    struct lab *lab = *state;
    char from[160], to[160];
    lab_close(lab);
    lab_path(lab, names[2], from);
    lab_path(lab, names[3], to);
    assert_int_equal(rename(from, to), 0);
    check_refused(lab, names[2]);
    assert_int_equal(rename(to, from), 0);
    lab_open(lab);
}

/* A file that was cut off, as by a copy that was broken off. */
static void test_a_shortened_file(void **state)
{
    struct lab *lab = *state;
    char path[160];
    uint64_t lost[GROUPS];
    size_t count = records_of(lab, 2, lost), first = 0;
    lab_close(lab);
    lab_path(lab, names[1], path);
    assert_int_equal(truncate(path, place_of(lab, lost[count - 3]) + 7), 0);
    while (first < count - 3)
        first++;
    check_refused(lab, names[1]);
    check_salvaged(lab, lost + first, 3);
}

static void test_salvage_on_a_full_disk_changes_nothing(void **state)
{
    struct lab *lab = *state;
    lab_close(lab);
    lab_flip(lab, names[0], place_of(lab, 2) + 9, 1);
    uint64_t before = lab_folder_sum(lab);
    lab_faults.allocate_error = 28; /* ENOSPC */
    assert_int_equal(journal_salvage(&lab->config, &lab->e), -1);
    assert_int_equal(lab->e.code, ERR_DISK_FULL);
    assert_int_equal(lab_folder_sum(lab), before);
    assert_int_equal(lab_count_files(lab, ".new"), 0);
    lab_faults.allocate_error = 0;
    static const uint64_t lost[] = {2};
    check_salvaged(lab, lost, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_an_intact_journal_is_left_alone),
                                       T(test_a_torn_tail_is_no_business_of_salvage),
                                       cmocka_unit_test(test_one_group_in_each_place),
                                       T(test_the_header_of_a_group),
                                       T(test_damage_in_two_segments),
                                       T(test_new_damage_after_salvage),
                                       T(test_the_first_file_is_missing),
                                       T(test_a_middle_file_is_missing),
                                       T(test_the_last_file_is_missing),
                                       T(test_the_first_header_is_lost),
                                       T(test_a_middle_header_is_lost),
                                       T(test_the_last_header_is_lost),
                                       T(test_one_copy_of_the_header_is_enough),
                                       T(test_a_file_under_another_name),
                                       T(test_a_shortened_file),
                                       T(test_salvage_on_a_full_disk_changes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
