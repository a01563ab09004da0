/* test_fill.c - a new index of a table with items: filled in steps, while others write, and after every crash; and tables that lose one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/chores_crash.h"
#include "tests/lib/index_check.h"
#include "tests/lib/kv_fault.h"
#include "tests/lib/table_fixture.h"
#include "tests/lib/xorshift.h"

#define CREATE_X                                                                                                               \
    "{'AttributeDefinitions':[" FIXTURE_TYPE("x", "N") "],'GlobalSecondaryIndexUpdates':[{'Create':" FIXTURE_INDEX(            \
        "byx", FIXTURE_KEY("x", "HASH"), "ALL") "}]}"

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", NULL};

    table_fixture_init(&f, specs);
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

static void put(struct table_fixture *f, unsigned id, unsigned x)
{
    char text[100];

    snprintf(text, sizeof text, "{'Item':{'id':'i%u','x':%u}}", id, x);
    CHECK_RUN(f, OP_CREATE, "people", text, "{}");
}

static bool has(struct table_fixture *f, const char *text)
{
    return strstr(table_fixture_run(f, OP_TABLE_DESCRIBE, "people", NULL), text);
}

/* -- Filling -------------------------------------------------------------------------------------------------- */
static void test_empty_table(void **state)
{
    struct table_fixture *f = *state;

    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_UPDATE, "people", CREATE_X), "'TableStatus':'UPDATING'"));
    assert_true(has(f, "'IndexName':'byx'") && has(f, "'IndexStatus':'ACTIVE'") && has(f, "'TableStatus':'ACTIVE'"));
    assert_true(has(f, "{'AttributeName':'x','AttributeType':'N'}"));
    put(f, 1, 1);
    assert_int_equal(check_indexes(f->kv, true), 1);
}

static void test_filled_in_steps(void **state)
{
    struct table_fixture *f = *state;
    bool left;

    for (unsigned i = 0; i < 25; i++)
        put(f, i, i);
    CHECK_RUN(f, OP_CREATE, "people", "{'Item':{'id':'none'}}", "{}");
    CHECK_RUN(f, OP_CREATE, "people", "{'Item':{'id':'wrong','x':'text'}}", "{}");
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_UPDATE, "people", CREATE_X), "'Backfilling':true"));
    CHECK_RUN(f, OP_LIST, "people", "{'IndexName':'byx'}",
              "ValidationException: Cannot read from backfilling global secondary index: byx");
    assert_int_equal(table_chores(f->tables, f->now_ms, 10, &left), KV_OK);
    assert_true(left);
    assert_true(has(f, "'IndexStatus':'CREATING'"));
    table_fixture_chores(f, 10);
    assert_true(has(f, "'IndexStatus':'ACTIVE'"));
    assert_false(has(f, "Backfilling"));
    assert_int_equal(check_indexes(f->kv, true), 25);
    assert_non_null(strstr(table_fixture_run(f, OP_LIST, "people", "{'IndexName':'byx'}"), "'Count':25"));
    /* an item from before the index keeps what does not fit it, but no new one may bring it */
    CHECK_RUN(f, OP_UPDATE, "people",
              "{'Key':{'id':'wrong'},'UpdateExpression':'SET y = :v','ExpressionAttributeValues':{':v':1}}", "{}");
    CHECK_RUN(
        f, OP_CREATE, "people", "{'Item':{'id':'wrong','x':'more'}}",
        "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key x Expected: N Actual: "
        "S IndexName: byx");
    assert_int_equal(check_indexes(f->kv, true), 25);
}

/* Whatever happens between the steps, the index is whole in the end. */
static void test_filled_while_others_write(void **state)
{
    struct table_fixture *f = *state;
    uint64_t r = 7;
    bool left = true;
    char text[100];

    for (unsigned i = 0; i < 200; i++)
        put(f, i, i % 7);
    table_fixture_run(f, OP_TABLE_UPDATE, "people", CREATE_X);
    for (unsigned steps = 0; left; steps++) {
        assert_true(steps < 1000);
        for (int i = 0; i < 10; i++) {
            unsigned id = (unsigned)xorshift_below(&r, 300);
            if (xorshift_below(&r, 3) > 0) {
                put(f, id, (unsigned)xorshift_below(&r, 9));
                continue;
            }
            snprintf(text, sizeof text, "{'Key':{'id':'i%u'}}", id);
            CHECK_RUN(f, OP_DELETE, "people", text, "{}");
        }
        assert_int_equal(table_chores(f->tables, f->now_ms, 5, &left), KV_OK);
    }
    assert_true(has(f, "'IndexStatus':'ACTIVE'"));
    assert_true(check_indexes(f->kv, true) > 100);
}

/* -- Crashes -------------------------------------------------------------------------------------------------- */
static void test_crashes(void **state)
{
    static const enum kv_result failures[] = {KV_FATAL, KV_RETRY, KV_FULL};

    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct table_fixture f;
        char *specs[] = {"people:id", NULL};
        table_fixture_init(&f, specs);
        struct kv *faulty = kv_fault_create(f.kv);
        for (unsigned n = 0; n < 600; n++)
            put(&f, n, n % 5);
        table_fixture_run(&f, OP_TABLE_UPDATE, "people", CREATE_X);
        chores_with_crashes(faulty, FIXTURE_NOW_MS, failures[i]);
        assert_true(has(&f, "'IndexStatus':'ACTIVE'"));
        assert_int_equal(check_indexes(f.kv, true), 600);
        /* and away again */
        table_fixture_run(&f, OP_TABLE_DROP, "people", NULL);
        chores_with_crashes(faulty, FIXTURE_NOW_MS, failures[i]);
        assert_int_equal(check_indexes(f.kv, true), 0);
        f.kv = faulty;
        table_fixture_finish(&f);
    }
}

/* -- Dropping ------------------------------------------------------------------------------------------------- */
static void test_index_dropped(void **state)
{
    struct table_fixture *f = *state;

    for (unsigned i = 0; i < 20; i++)
        put(f, i, i);
    table_fixture_run(f, OP_TABLE_UPDATE, "people", CREATE_X);
    table_fixture_chores(f, 100);
    assert_int_equal(check_indexes(f->kv, true), 20);
    const char *drop = "{'GlobalSecondaryIndexUpdates':[{'Delete':{'IndexName':'byx'}}]}";
    assert_null(strstr(table_fixture_run(f, OP_TABLE_UPDATE, "people", drop), "byx"));
    assert_false(has(f, "'AttributeName':'x'"));
    CHECK_RUN(f, OP_LIST, "people", "{'IndexName':'byx'}",
              "ValidationException: The table does not have the specified index: byx");
    CHECK_RUN(f, OP_TABLE_UPDATE, "people", drop, "ResourceNotFoundException: Requested resource not found");
    put(f, 3, 7);
    assert_int_equal(check_indexes(f->kv, false), 0);
    table_fixture_chores(f, 7);
    assert_int_equal(check_indexes(f->kv, true), 0);
    /* made again under the same name, it has nothing of the old one */
    table_fixture_run(f, OP_TABLE_UPDATE, "people", CREATE_X);
    table_fixture_chores(f, 7);
    assert_int_equal(check_indexes(f->kv, true), 20);
}

static void test_dropped_while_filled(void **state)
{
    struct table_fixture *f = *state;
    bool left;

    for (unsigned i = 0; i < 20; i++)
        put(f, i, i);
    table_fixture_run(f, OP_TABLE_UPDATE, "people", CREATE_X);
    assert_int_equal(table_chores(f->tables, f->now_ms, 3, &left), KV_OK);
    table_fixture_run(f, OP_TABLE_UPDATE, "people", "{'GlobalSecondaryIndexUpdates':[{'Delete':{'IndexName':'byx'}}]}");
    table_fixture_chores(f, 3);
    assert_int_equal(check_indexes(f->kv, true), 0);
    table_fixture_run(f, OP_TABLE_UPDATE, "people", CREATE_X);
    assert_int_equal(table_chores(f->tables, f->now_ms, 3, &left), KV_OK);
    table_fixture_run(f, OP_TABLE_DROP, "people", NULL);
    table_fixture_chores(f, 3);
    assert_int_equal(check_indexes(f->kv, true), 0);
    CHECK_RUN(f, OP_TABLE_LIST, "", NULL, "{'TableNames':[]}");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_empty_table),         EACH(test_filled_in_steps), EACH(test_filled_while_others_write),
        cmocka_unit_test(test_crashes), EACH(test_index_dropped),   EACH(test_dropped_while_filled),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
