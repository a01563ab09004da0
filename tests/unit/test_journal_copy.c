/* test_journal_copy.c - a copy of a journal that is written to, compacted and recycled meanwhile holds all that was on disk when it began; and the
 * check that writes nothing comes to the same judgement as recovery. */
#include <pthread.h>
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

struct copies {
    struct lab lab;
    char target[80];
    _Atomic uint64_t durable;
    atomic_bool stop;
    int made;
    char failure[800];
};

static int setup(void **state)
{
    struct copies *c = calloc(1, sizeof *c);
    lab_init(&c->lab);
    snprintf(c->target, sizeof c->target, "%s.copy", c->lab.folder);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    struct copies *c = *state;
    lab_finish(&c->lab);
    lab_remove_folder(c->target);
    free(c);
    return 0;
}

static int newest(void *self, const struct core_record *record, uint64_t location)
{
    uint64_t *number = self;
    (void)location;
    *number = record->number > *number ? record->number : *number;
    return 0;
}

/* Copies once and checks the copy; 0, or -1 with c->failure set. For any thread. */
static int copy_once(struct copies *c)
{
    struct journal_summary copied, found;
    struct err e = {.code = ERR_NONE};
    uint64_t durable = atomic_load(&c->durable), number = 0;
    if (journal_copy(c->lab.folder, c->target, &copied, &e) != 0 ||
        journal_verify(c->target, &found, newest, &number, &e) != 0) {
        snprintf(c->failure, sizeof c->failure, "%s", e.text);
        return -1;
    }
    if (number < durable || found.torn_bytes != 0 || found.records != copied.records || found.segments != copied.segments) {
        snprintf(c->failure, sizeof c->failure, "record %llu of %llu, %llu of %llu records", (unsigned long long)number,
                 (unsigned long long)durable, (unsigned long long)found.records, (unsigned long long)copied.records);
        return -1;
    }
    c->made++;
    return 0;
}

/* One turn of a broker that is hardly ever more than a few messages behind: segments run empty all the time. */
static void turn(struct copies *c)
{
    struct lab *lab = &c->lab;
    assert_true(journal_has_room(lab->j, lab->now_ms));
    uint64_t seq = lab_send(lab, 300000);
    assert_true(seq != 0);
    if (seq > 8)
        for (uint64_t old = seq - 8; old > 0 && lab->messages[old].alive; old--)
            lab_done(lab, old);
    lab_compact(lab, 16);
    lab_sync(lab);
    atomic_store(&c->durable, lab->number);
}

static void test_copies_between_turns(void **state)
{
    struct copies *c = *state;
    lab_open(&c->lab);
    assert_int_equal(copy_once(c), 0); /* of nothing */
    for (int i = 0; i < 60; i++) {
        turn(c);
        if (copy_once(c) != 0)
            fail_msg("after %d turns: %s", i + 1, c->failure);
    }
    lab_close(&c->lab);
    assert_int_equal(copy_once(c), 0);
}

static void *copy_always(void *self)
{
    struct copies *c = self;
    while (!atomic_load(&c->stop) && copy_once(c) == 0)
        continue;
    return NULL;
}

static void test_copies_while_it_is_written(void **state)
{
    struct copies *c = *state;
    pthread_t thread;
    lab_open(&c->lab);
    turn(c);
    assert_int_equal(pthread_create(&thread, NULL, copy_always, c), 0);
    for (int i = 0; i < 400; i++)
        turn(c);
    atomic_store(&c->stop, true);
    pthread_join(thread, NULL);
    assert_string_equal(c->failure, "");
    assert_true(c->made > 0);
}

/* The copy is a journal: recovery takes it, with every message that was alive. */
static void test_a_copy_is_recovered(void **state)
{
    struct copies *c = *state;
    lab_open(&c->lab);
    for (int i = 0; i < 40; i++)
        turn(c);
    assert_int_equal(copy_once(c), 0);
    lab_close(&c->lab);
    lab_remove_folder(c->lab.folder);
    assert_int_equal(rename(c->target, c->lab.folder), 0);
    lab_open(&c->lab);
    lab_check_alive(&c->lab);
    turn(c);
    lab_close(&c->lab);
}

static void test_verify_judges_as_recovery_and_writes_nothing(void **state)
{
    struct copies *c = *state;
    struct journal_summary found;
    lab_open(&c->lab);
    for (int i = 0; i < 20; i++)
        turn(c);
    assert_int_equal(journal_verify(c->lab.folder, &found, NULL, NULL, &c->lab.e), -1);
    assert_int_equal(c->lab.e.code, ERR_RESOURCE_IN_USE);
    lab_close(&c->lab);
    assert_int_equal(journal_verify(c->lab.folder, &found, NULL, NULL, &c->lab.e), 0);
    char name[JOURNAL_NAME_BYTES];
    journal_segment_name(c->lab.messages[18].location >> 32, name);
    lab_flip(&c->lab, name, (uint32_t)c->lab.messages[18].location + 100, 1);
    uint64_t before = lab_folder_sum(&c->lab);
    assert_int_equal(journal_verify(c->lab.folder, &found, NULL, NULL, &c->lab.e), -1);
    assert_non_null(strstr(c->lab.e.text, name));
    assert_int_equal(lab_folder_sum(&c->lab), before);
    assert_int_equal(lab_try_open(&c->lab), -1);
}

static void test_no_journal_and_no_room(void **state)
{
    struct copies *c = *state;
    struct journal_summary copied;
    assert_int_equal(journal_copy("/nowhere/at/all", c->target, &copied, &c->lab.e), -1);
    lab_open(&c->lab);
    turn(c);
    lab_faults.write_error = 28 /* ENOSPC */;
    lab_faults.write_error_at = lab_faults.writes + 2;
    assert_int_equal(journal_copy(c->lab.folder, c->target, &copied, &c->lab.e), -1);
    assert_int_equal(c->lab.e.code, ERR_DISK_FULL);
    lab_faults.write_error = 0;
    assert_int_equal(copy_once(c), 0); /* over what is left of the first try */
    lab_close(&c->lab);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_copies_between_turns),   TEST(test_copies_while_it_is_written),
        TEST(test_a_copy_is_recovered),    TEST(test_verify_judges_as_recovery_and_writes_nothing),
        TEST(test_no_journal_and_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
