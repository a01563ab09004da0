/* test_census.c - how many items and bytes DescribeTable shows, and when tables are counted again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/chores_crash.h"
#include "tests/lib/table_fixture.h"

#define INDEXED                                                                                                                \
    FIXTURE_TABLE_WITH(FIXTURE_KEY("id", "HASH"), FIXTURE_TYPE("id", "S") "," FIXTURE_TYPE("x", "N"),                          \
                       ",'GlobalSecondaryIndexes':[" FIXTURE_INDEX("byx", FIXTURE_KEY("x", "HASH"), "KEYS_ONLY") "]")

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", NULL};

    table_fixture_init(&f, specs);
    table_fixture_run(&f, OP_TABLE_CREATE, "events", INDEXED);
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

static void fill(struct table_fixture *f, int from, int to)
{
    char text[100];

    for (int i = from; i < to; i++) {
        snprintf(text, sizeof text, "{'Item':{'id':'i%03d','pad':'0123456789'%s}}", i, i % 2 ? ",'x':1" : "");
        CHECK_RUN(f, OP_CREATE, "events", text, "{}");
    }
}

static void shows(struct table_fixture *f, int bytes, int items, int index_bytes, int index_items)
{
    const char *text = table_fixture_run(f, OP_TABLE_DESCRIBE, "events", NULL);
    char part[100], index_part[100];

    snprintf(part, sizeof part, "'TableSizeBytes':%d,'ItemCount':%d,", bytes, items);
    snprintf(index_part, sizeof index_part, "'IndexSizeBytes':%d,'ItemCount':%d,", index_bytes, index_items);
    if (!strstr(text, part) || !strstr(text, index_part))
        fail_msg("%s %s\nis not in\n%s", part, index_part, text);
}

static void test_counts(void **state)
{
    struct table_fixture *f = *state;

    table_fixture_chores(f, 3);
    shows(f, 0, 0, 0, 0);
    fill(f, 0, 100);
    table_fixture_chores(f, 3);
    shows(f, 0, 0, 0, 0); /* counted a moment ago */
    f->now_ms += 61 * 1000;
    table_fixture_chores(f, 3);
    shows(f, 2050, 100, 450, 50); /* 2+4 + 3+10, and 1+2 of every second; 2+4 + 1+2 in the index */
    f->now_ms += 61 * 1000;
    fill(f, 100, 110);
    table_fixture_chores(f, 3);
    shows(f, 2255, 110, 495, 55);
}

static void test_with_crashes(void **state)
{
    struct table_fixture *f = *state;
    struct kv *faulty = kv_fault_create(f->kv);

    fill(f, 0, 300);
    chores_with_crashes(faulty, f->now_ms, KV_FATAL);
    shows(f, 6150, 300, 1350, 150);
    f->kv = faulty;
}

/* A table that is dropped while it is counted, and one that is made meanwhile. */
static void test_dropped(void **state)
{
    struct table_fixture *f = *state;
    bool left;

    fill(f, 0, 100);
    assert_int_equal(table_chores(f->tables, f->now_ms, 3, &left), KV_OK);
    assert_true(left);
    table_fixture_run(f, OP_TABLE_DROP, "events", NULL);
    table_fixture_run(f, OP_TABLE_CREATE, "events", INDEXED);
    fill(f, 0, 10);
    table_fixture_chores(f, 3);
    f->now_ms += 61 * 1000;
    table_fixture_chores(f, 3);
    shows(f, 205, 10, 45, 5);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {EACH(test_counts), EACH(test_with_crashes), EACH(test_dropped)};
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
