/* test_journal_faults.c - the n-th system call of any kind fails (read, write, sync, allocate, rename, unlink), for all n, while a journal
 * is recovered, salvaged, or compacted. Nothing is given up because it could not be read or written once: when the calls work again, so does
 * the journal, and all is there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/journal_lab.h"

#define RECORDS 24u /* of 400 KB: two segments and a part of a third */
#define BODY_BYTES 400000u
#define CALLS_MAX 300

static const char first_name[] = "0000000000000001.seg";

/* From now on the n-th call fails; 0: none. */
static void arm(int n)
{
    lab_faults.any_error = EIO;
    lab_faults.any_error_at = n ? lab_faults.anys + n : 0;
}

static bool was_hit(void) { return lab_faults.anys >= lab_faults.any_error_at; }

static void fill(struct lab *lab)
{
    lab_init(lab);
    lab_open(lab);
    while (lab->number < RECORDS) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        assert_true(lab_send(lab, BODY_BYTES) != 0);
        lab_sync(lab);
    }
    assert_int_equal(lab->j->segment_count, 3);
    journal_writer_await_spare(&lab->j->writer, false, 10000); /* the thread rests: what is counted is the same each time */
}

static void check_seen(const struct lab *lab, uint64_t missing)
{
    assert_int_equal(lab->seen_count, RECORDS - (missing ? 1 : 0));
    for (size_t i = 0; i < lab->seen_count; i++) {
        assert_int_not_equal(lab->seen[i].seq, missing);
        assert_int_equal(lab->seen[i].body_sum, lab_body_sum(lab->seen[i].seq, BODY_BYTES));
    }
}

/* The last group was not synced, so recovery writes it again, and there is something to cut behind it. */
static void each_call_of_recovery_fails(void **state)
{
    bool hit = true;
    (void)state;
    for (int n = 1; hit; n++) {
        struct lab lab;
        fill(&lab);
        const struct lab_message *last = &lab.messages[RECORDS];
        uint32_t end = (uint32_t)last->location + last->len;
        lab_crash(&lab);
        lab_flip(&lab, "0000000000000003.seg", (end + 7) / 8 * 8 + 3, 0xff);
        arm(n);
        int result = lab_try_open(&lab);
        hit = was_hit();
        if (result == 0)
            lab_close(&lab);
        else
            assert_true(hit && lab.e.code != ERR_NONE && strstr(lab.e.text, strerror(EIO)));
        arm(0);
        lab_faults.fatals = 0; /* a mark at the close may have been what failed */
        if (lab_try_open(&lab) != 0)
            fail_msg("call %d had failed: %s", n, lab.e.text);
        check_seen(&lab, 0);
        assert_int_equal(lab_faults.fatals, 0);
        lab_finish(&lab);
        assert_true(n < CALLS_MAX);
    }
}

static void salvage_with_failures(uint32_t damaged_at, uint64_t missing)
{
    bool hit = true;
    for (int n = 1; hit; n++) {
        struct lab lab;
        fill(&lab);
        uint32_t at = damaged_at ? damaged_at : (uint32_t)lab.messages[missing].location + 5;
        lab_close(&lab);
        lab_flip(&lab, first_name, at, 1);
        if (damaged_at)
            lab_flip(&lab, first_name, damaged_at + 2048, 1); /* the second copy of the header */
        arm(n);
        int result = journal_salvage(&lab.config, &lab.e);
        hit = was_hit();
        assert_true(result == 0 ? !hit || lab_count_files(&lab, ".damaged") > 0 : hit && lab.e.code != ERR_NONE);
        arm(0);
        assert_int_equal(journal_salvage(&lab.config, &lab.e), 0);
        if (lab_try_open(&lab) != 0)
            fail_msg("call %d of the salvage had failed: %s", n, lab.e.text);
        if (missing)
            check_seen(&lab, missing);
        else /* the first file is lost with its header; the others are not */
            assert_true(lab.seen_count < RECORDS && lab.seen_count >= RECORDS / 3);
        lab_finish(&lab);
        assert_true(n < CALLS_MAX);
    }
}

static void each_call_of_a_salvage_fails(void **state)
{
    (void)state;
    salvage_with_failures(0, 4);
}

static void each_call_of_a_salvage_without_a_header_fails(void **state)
{
    (void)state;
    salvage_with_failures(20, 0);
}

/* Copies, the group that says that the segment is not needed, the file that goes: whatever fails, the messages are there. */
static void each_call_of_a_compaction_fails(void **state)
{
    bool hit = true;
    (void)state;
    for (int n = 1; hit; n++) {
        struct lab lab;
        fill(&lab);
        for (uint64_t seq = 1; seq <= RECORDS; seq++)
            if (seq != 2 && seq != 7)
                assert_true(lab_done(&lab, seq));
        lab_sync(&lab);
        lab.config.min_free_bytes = lab.j->min_free_bytes = 1;
        lab_faults.free_bytes = 0;
        lab.now_ms += 1000;
        journal_has_room(lab.j, lab.now_ms); /* the disk is low: the first segment is worth its copies */
        arm(n);
        for (int i = 0; i < 30 && lab_faults.fatals == 0; i++) {
            lab_compact(&lab, 1);
            journal_flush(lab.j);
            journal_writer_settle(&lab.j->writer);
            journal_completed(lab.j);
        }
        hit = was_hit();
        assert_true(hit ? lab_faults.fatals == 1 : lab_faults.fatals == 0);
        lab_close(&lab);
        arm(0);
        lab_faults.fatals = 0;
        lab_open(&lab); /* compares with the model: the two that are alive, at a place of theirs */
        lab_check_body(&lab, 2);
        lab_check_body(&lab, 7);
        lab_finish(&lab);
        assert_true(n < CALLS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_recovery_fails),
        cmocka_unit_test(each_call_of_a_salvage_fails),
        cmocka_unit_test(each_call_of_a_salvage_without_a_header_fails),
        cmocka_unit_test(each_call_of_a_compaction_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
