/* test_journal_compact.c - old segments go, live messages and keys stay, whatever happens in between. */
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

static uint64_t segments(struct lab *lab)
{
    struct journal_stats stats;
    journal_stats(lab->j, &stats);
    return stats.segments;
}

/* One turn of a broker: a send, compaction, a group. */
static uint64_t turn(struct lab *lab, uint32_t len)
{
    assert_true(journal_has_room(lab->j, lab->now_ms));
    uint64_t seq = lab_send(lab, len);
    assert_true(seq != 0);
    lab_compact(lab, 16);
    lab_sync(lab);
    return seq;
}

static void settle(struct lab *lab)
{
    for (int i = 0; i < 1000; i++) {
        int more = lab_compact(lab, 16);
        lab_sync(lab);
        if (!more && !lab->j->releasing && lab_compact(lab, 16) == 0)
            return;
    }
    fail_msg("compaction does not come to rest");
}

static void test_emptied_segments_go_and_are_used_again(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    journal_on_segment(lab->j, lab_head, lab);
    for (int i = 0; i < 200; i++) {
        uint64_t seq = turn(lab, 100000);
        assert_true(lab_done(lab, seq));
        assert_true(segments(lab) <= 3);
    }
    settle(lab);
    assert_int_equal(segments(lab), 1);
    assert_true(lab->j->segments[0].number >= 5);
    assert_true(lab_count_files(lab, ".seg") == 1);
    unsigned spares = lab_count_files(lab, "spare.0") + lab_count_files(lab, "spare.1") + lab_count_files(lab, "spare.2");
    assert_true(spares >= 1 && spares <= JOURNAL_SPARES_KEPT);
    assert_true(lab_faults.allocate_calls <= 4); /* the rest was recycled */
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(segments(lab), 1);
}

/* Every tenth message stays for ever: the journal does not grow without end, and nobody gets lost. */
static void test_live_messages_are_carried_along(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    journal_on_segment(lab->j, lab_head, lab);
    uint64_t most = 0;
    for (int i = 0; i < 600; i++) {
        uint64_t seq = turn(lab, 60000 + (uint32_t)i);
        if (i % 10 != 0)
            assert_true(lab_done(lab, seq));
        most = segments(lab) > most ? segments(lab) : most;
    }
    assert_true(most <= 6); /* 60 x 60 KB live = 1 segment; at most 4 are kept, plus what is under way */
    for (uint64_t seq = 1; seq < lab->message_cap; seq++)
        if (lab->messages[seq].alive)
            lab_check_body(lab, seq);
    lab_close(lab);
    lab_open(lab); /* compares with the model */
    for (uint64_t seq = 1; seq < lab->message_cap; seq++)
        if (lab->messages[seq].alive)
            lab_check_body(lab, seq);
}

/* When all is alive there is nothing to gain, however many segments there are. */
static void test_a_full_journal_is_left_alone(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    while (segments(lab) < 9)
        turn(lab, 200000);
    assert_int_equal(lab->j->segments[0].number, 1);
    assert_int_equal(lab_compact(lab, 16), 0);
}

static void test_at_most_max_are_visited_at_once(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    const uint64_t first = 141; /* every other record is a DONE: the 71st of about 80 messages in the segment */
    while (segments(lab) < 6) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        uint64_t seq = lab_send(lab, 50000);
        lab_sync(lab);
        seq == first ? lab_ack(lab) : lab_done(lab, seq);
    }
    lab_sync(lab);
    assert_int_equal(lab->messages[first].location >> 32, 1);
    struct journal_stats before, after;
    journal_stats(lab->j, &before);
    int calls = 0;
    while (lab->j->segments[0].number == 1) {
        lab_compact(lab, 5);
        lab_sync(lab);
        assert_true(++calls < 200);
    }
    journal_stats(lab->j, &after);
    assert_true(calls > 10);
    assert_int_equal(after.records, before.records + 1);
    assert_true(lab->messages[first].alive);
    lab_check_body(lab, first);
}

static size_t keys_seen(const struct lab *lab)
{
    size_t keys = 0;
    for (size_t i = 0; i < lab->seen_count; i++)
        keys += lab->seen[i].kind == CORE_REC_KEY;
    return keys;
}

/* A key outlives its message: the segment waits for it while there is space, then the key is carried along. */
static void test_keys_in_force_are_carried(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    for (int i = 0; i < 10; i++)
        assert_true(lab_done(lab, lab_send_key(lab, 100, lab->now_ms + (i < 7 ? 1000000 : 10))));
    lab->now_ms += 100; /* three have expired */
    while (segments(lab) < 4)
        assert_true(lab_done(lab, turn(lab, 200000)));
    assert_int_equal(lab->j->segments[0].number, 1); /* no need yet */
    while (segments(lab) < 5 && lab->j->segments[0].number == 1)
        assert_true(lab_done(lab, turn(lab, 200000)));
    for (int i = 0; i < 50; i++)
        assert_true(lab_done(lab, turn(lab, 200000)));
    assert_true(lab->j->segments[0].number > 1);
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(keys_seen(lab), 7);
    lab->now_ms += 2000000;
    for (int i = 0; i < 100; i++)
        assert_true(lab_done(lab, turn(lab, 200000)));
    lab_close(lab);
    lab_open(lab);
    assert_int_equal(keys_seen(lab), 0);
}

/* Many keys and nothing else: carrying them must not turn into a treadmill. */
static void test_keys_are_not_carried_for_nothing(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    while (segments(lab) < 6) {
        for (int i = 0; i < 2000; i++)
            if (journal_has_room(lab->j, lab->now_ms))
                assert_true(lab_done(lab, lab_send_key(lab, 10, lab->now_ms + 1000000)));
        lab_compact(lab, 256);
        lab_sync(lab);
    }
    settle(lab);
    struct journal_stats before, after;
    journal_stats(lab->j, &before);
    for (int i = 0; i < 200; i++) {
        lab_compact(lab, 256);
        lab_sync(lab);
    }
    journal_stats(lab->j, &after);
    assert_int_equal(after.records, before.records);
}

/* The owner did not move a message: the segment stays, and is not walked again at once. */
static void ignore(void *self, const struct core_record *record, uint64_t location)
{
    (void)record, (void)location;
    ++*(unsigned *)self;
}

static void test_what_is_alive_is_never_dropped(void **state)
{
    struct lab *lab = *state;
    unsigned visits = 0;
    lab_open(lab);
    lab_send(lab, 1000);
    while (segments(lab) < 6) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        uint64_t seq = lab_send(lab, 200000);
        lab_sync(lab);
        lab_done(lab, seq);
    }
    for (int i = 0; i < 300; i++) {
        journal_compact(lab->j, ignore, &visits, 4, lab->now_ms);
        lab_sync(lab);
    }
    assert_int_equal(lab->j->segments[0].number, 1);
    assert_true(visits > 10 && visits < 30);
    lab->now_ms += 5000;
    unsigned once = visits;
    for (int i = 0; i < 300; i++)
        journal_compact(lab->j, ignore, &visits, 4, lab->now_ms);
    assert_int_equal(visits, 2 * once);
    lab->now_ms += 5000;
    settle(lab);
    assert_true(lab->j->segments[0].number > 1);
    lab_check_body(lab, 1);
}

/* A killed process, and one whose last group was torn, at every turn while segments go. */
static void test_a_crash_at_every_turn(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    for (int i = 0; i < 250; i++) {
        journal_on_segment(lab->j, lab_head, lab);
        for (int k = 0; k < 3; k++) {
            assert_true(journal_has_room(lab->j, lab->now_ms));
            uint64_t seq = lab_send(lab, 50000 + (uint32_t)i);
            lab_compact(lab, 16);
            lab_sync(lab);
            if (i % 9 != 0)
                assert_true(lab_done(lab, seq));
        }
        lab_sync(lab);
        if (i % 2) {
            lab_compact(lab, 16);
            journal_flush(lab->j); /* perhaps copies, perhaps the group that gives a segment up */
            uint64_t number = lab->number;
            lab_crash(lab);
            lab_open(lab);
            lab->number = number;
        }
        assert_true(segments(lab) <= 7);
    }
}

static void test_a_full_disk_heals_by_compaction(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    assert_true(lab_send(lab, 1000) != 0); /* stays */
    uint64_t last = 0;
    while (segments(lab) < 3) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        last = lab_send(lab, 200000);
        lab_sync(lab);
    }
    lab_faults.allocate_error = ENOSPC;
    while (journal_has_room(lab->j, lab->now_ms)) {
        last = lab_send(lab, 200000);
        lab_sync(lab);
        lab->now_ms += 1;
    }
    assert_int_equal(lab_compact(lab, 16), 0); /* full of what is alive: nothing can be done */
    for (uint64_t seq = 2; seq <= last; seq++)
        if (lab->messages[seq].alive)
            assert_true(lab_done(lab, seq)); /* workers go on */
    lab_sync(lab);
    settle(lab);
    assert_true(journal_has_room(lab->j, lab->now_ms));
    assert_true(lab_send(lab, 200000) != 0);
    lab_check_body(lab, 1);
    lab_sync(lab);
    lab_close(lab);
    lab_open(lab);
    lab_check_body(lab, 1);
}

static void test_a_missing_oldest_segment_is_noticed(void **state)
{
    struct lab *lab = *state;
    char path[160];
    lab_open(lab);
    while (segments(lab) < 3)
        turn(lab, 200000);
    lab_close(lab);
    lab_path(lab, "0000000000000001.seg", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(lab_try_open(lab), -1);
    assert_non_null(strstr(lab->e.text, "0000000000000001.seg"));
    assert_non_null(strstr(lab->e.text, "missing"));
}

static void test_a_damaged_oldest_segment_is_not_copied(void **state)
{
    struct lab *lab = *state;
    lab_open(lab);
    lab_send(lab, 1000);
    while (segments(lab) < 6) {
        assert_true(journal_has_room(lab->j, lab->now_ms));
        uint64_t seq = lab_send(lab, 200000);
        lab_sync(lab);
        lab_done(lab, seq);
    }
    lab_flip(lab, "0000000000000001.seg", (uint32_t)lab->messages[1].location + 9, 1);
    lab_compact(lab, 16);
    assert_int_equal(lab_faults.fatals, 1);
    assert_int_equal(lab->j->segments[0].number, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_emptied_segments_go_and_are_used_again),
                                       T(test_live_messages_are_carried_along),
                                       T(test_a_full_journal_is_left_alone),
                                       T(test_at_most_max_are_visited_at_once),
                                       T(test_keys_in_force_are_carried),
                                       T(test_keys_are_not_carried_for_nothing),
                                       T(test_what_is_alive_is_never_dropped),
                                       T(test_a_crash_at_every_turn),
                                       T(test_a_full_disk_heals_by_compaction),
                                       T(test_a_missing_oldest_segment_is_noticed),
                                       T(test_a_damaged_oldest_segment_is_not_copied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
