/* test_memory_journal.c - memory runs out at the n-th allocation, for all n, in the life of a journal: opening, recovery, groups, a new
 * segment, reading, compaction, salvage. What is refused can be asked for again; what cannot be refused ends the process; in either case
 * everything that was reported as on disk is found by the next start, and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/journal_lab.h"
#include "tests/lib/scarce_memory.h"

#define BODY_BYTES 800000u /* five fill a segment */
#define SENDS 7u
#define DONE 3u /* so many are done, and the others of the first segment are copied */
#define FIRST "0000000000000001.seg"

static struct story {
    struct lab lab;
    struct journal *j;
    uint64_t number, completed, copied;
    uint64_t location[SENDS + 1];
    bool done[SENDS + 1], seen[SENDS + 1];
    bool ended; /* the process would have: it was told so, or a record that cannot be lost was refused */
} story;

static unsigned char body[BODY_BYTES];

static struct core_record record_of(enum core_record_kind kind, uint64_t number, uint64_t seq)
{
    struct core_record r = {.kind = kind, .number = number, .now_ms = 5, .seq = seq};
    memcpy(r.id.bytes, &seq, sizeof seq);
    if (kind == CORE_REC_SEND) {
        memcpy(body, &seq, sizeof seq);
        r.body = slice_of(body, BODY_BYTES);
    }
    return r;
}

/* -- Opening ------------------------------------------------------------------------------------------------------------------------------- */
static int visit(void *self, const struct core_record *r, uint64_t location)
{
    struct story *s = self;
    assert_true(r->seq > 0 && r->seq <= SENDS);
    if (r->kind == CORE_REC_SEND) {
        assert_int_equal(r->body.len, BODY_BYTES);
        s->seen[r->seq] = true;
        s->location[r->seq] = location;
    } else if (r->kind == CORE_REC_DONE) {
        s->seen[r->seq] = false;
    }
    return 0;
}

static int try_open(struct story *s, struct err *e)
{
    memset(s->seen, 0, sizeof s->seen);
    s->j = journal_open(&s->lab.config, e);
    if (s->j && journal_recover(s->j, visit, s, e) == 0)
        return 0;
    journal_close(&s->j);
    return -1;
}

/* The second try must do: one allocation failed, and a refusal changes nothing. */
static void open_journal(struct story *s)
{
    struct err e = {0};
    bool before = scarce_hit();
    if (try_open(s, &e) != 0) {
        assert_true(scarce_hit() && !before);
        assert_true(e.code == ERR_INTERNAL && e.text[0] != '\0');
        if (try_open(s, &e) != 0)
            fail_msg("the second try: %s", e.text);
    }
    journal_recount(s->j);
    for (uint64_t seq = 1; seq <= SENDS; seq++)
        if (s->seen[seq])
            journal_live_body(s->j, s->location[seq], BODY_BYTES);
}

/* -- Appending ----------------------------------------------------------------------------------------------------------------------------- */
static uint64_t append(struct story *s, enum core_record_kind kind, uint64_t seq)
{
    struct core_record r = record_of(kind, s->number + 1, seq);
    bool before = scarce_hit();
    uint64_t location = journal_append(s->j, &r);
    if (location == 0) {
        assert_true(scarce_hit() && !before);
        location = journal_append(s->j, &r);
        assert_true(location != 0);
    }
    s->number++;
    return location;
}

static void sync_all(struct story *s)
{
    for (int tries = 0; s->completed < s->number; tries++) {
        assert_true(tries < 20);
        journal_flush(s->j); /* without memory for its last block the group stays: the next flush takes it */
        journal_writer_settle(&s->j->writer);
        s->completed = journal_completed(s->j);
    }
}

static void send_all(struct story *s)
{
    for (uint64_t seq = 1; seq <= SENDS; seq++) {
        assert_true(journal_has_room(s->j, s->lab.now_ms));
        s->location[seq] = append(s, CORE_REC_SEND, seq);
        if (seq % 2 == 0)
            sync_all(s);
    }
    sync_all(s);
}

/* -- Reading, compaction ------------------------------------------------------------------------------------------------------------------- */
static void read_all(struct story *s)
{
    for (uint64_t seq = 1; seq <= SENDS && !s->ended; seq++) {
        if (s->done[seq])
            continue;
        struct slice found = journal_read(s->j, s->location[seq], BODY_BYTES);
        s->ended = found.len == 0;
        assert_int_equal(s->ended, lab_faults.fatals > 0);
        if (!s->ended)
            assert_memory_equal(found.ptr, &seq, sizeof seq);
    }
    assert_true(!s->ended || scarce_hit());
}

static void move(void *self, const struct core_record *r, uint64_t location)
{
    struct story *s = self;
    if (s->ended || s->done[r->seq] || s->location[r->seq] != location)
        return;
    struct core_record copy = *r;
    copy.number = s->number + 1;
    uint64_t place = journal_append(s->j, &copy);
    s->ended = place == 0; /* the broker stops: the core has counted the copy as made */
    if (s->ended)
        return;
    s->number++;
    s->copied++;
    journal_freed(s->j, location, BODY_BYTES);
    s->location[r->seq] = place;
}

static void compact(struct story *s)
{
    lab_faults.free_bytes = 0;
    s->lab.now_ms += 1000;
    journal_has_room(s->j, s->lab.now_ms); /* sees that the disk is low: the first segment is worth its copies */
    for (int i = 0; i < 20 && !s->ended && s->j->segments[0].number == 1; i++) {
        journal_compact(s->j, move, s, 1, 1000);
        s->ended |= lab_faults.fatals > 0;
        journal_flush(s->j);
        journal_writer_settle(&s->j->writer);
        journal_completed(s->j);
    }
    assert_true(s->ended || s->j->segments[0].number == 2);
    assert_true(!s->ended || scarce_hit());
    lab_faults.free_bytes = -1;
}

/* -- The stories --------------------------------------------------------------------------------------------------------------------------- */
static void check_all_there(struct story *s)
{
    lab_faults.fatals = 0;
    open_journal(s);
    for (uint64_t seq = 1; seq <= SENDS; seq++)
        assert_int_equal(s->seen[seq], !s->done[seq]);
    journal_close(&s->j);
}

static void begin(struct story *s)
{
    memset(s, 0, sizeof *s);
    lab_init(&s->lab);
    s->lab.config.min_free_bytes = 1;
}

static void life(void *self)
{
    struct story *s = self;
    open_journal(s);
    send_all(s);
    read_all(s);
    for (uint64_t seq = 1; seq <= DONE && !s->ended; seq++) {
        append(s, CORE_REC_DONE, seq);
        journal_freed(s->j, s->location[seq], BODY_BYTES);
        s->done[seq] = true;
    }
    if (!s->ended) {
        sync_all(s);
        compact(s);
    }
    if (!s->ended)
        read_all(s);
    journal_close(&s->j);
    check_all_there(s);
}

static void each_life(void *self)
{
    begin(self);
    life(self);
    lab_finish(&story.lab);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(scarce_for_all(each_life, &story) > 15);
    assert_int_equal(story.copied, 5 - DONE); /* the last life, in which none failed, had all of it */
}

/* A damaged journal: refused, then salvaged. */
static void each_salvage(void *self)
{
    struct story *s = self;
    struct err e = {0};
    begin(s);
    open_journal(s);
    send_all(s);
    journal_close(&s->j);
    lab_flip(&s->lab, FIRST, (uint32_t)s->location[2] + 9, 1);
    assert_int_equal(try_open(s, &e), -1);
    bool before = scarce_hit();
    if (journal_salvage(&s->lab.config, &e) != 0) {
        assert_true(scarce_hit() && !before);
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_int_equal(journal_salvage(&s->lab.config, &e), 0);
    }
    open_journal(s);
    for (uint64_t seq = 3; seq <= SENDS; seq++)
        assert_true(s->seen[seq]);
    assert_false(s->seen[2]);
    journal_close(&s->j);
    lab_finish(&s->lab);
}

static void salvage_without_memory(void **state)
{
    (void)state;
    assert_true(scarce_for_all(each_salvage, &story) > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail), cmocka_unit_test(salvage_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
