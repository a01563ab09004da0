/* test_catalog.c - tables: made, described, listed, dropped, swept; two engines on one store; keys and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/kv_fault.h"
#include "tests/lib/table_fixture.h"
#include "worker/table/key.h"

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

#define EVENTS                                                                                                                 \
    FIXTURE_TABLE(FIXTURE_KEY("id", "HASH") "," FIXTURE_KEY("at", "RANGE"), FIXTURE_TYPE("id", "S") "," FIXTURE_TYPE("at", "N"))

static void test_create_and_list(void **state)
{
    CHECK_RUN(*state, OP_TABLE_LIST, "", NULL, "{'TableNames':['people']}");
    CHECK_RUN(*state, OP_TABLE_CREATE, "events", EVENTS,
              "{'TableDescription':{'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'},{'AttributeName':'at',"
              "'AttributeType':'N'}],'TableName':'events','KeySchema':[{'AttributeName':'id','KeyType':'HASH'},"
              "{'AttributeName':'at','KeyType':'RANGE'}],'TableStatus':'ACTIVE','CreationDateTime':1700000000,"
              "'ProvisionedThroughput':{'NumberOfDecreasesToday':0,'ReadCapacityUnits':0,'WriteCapacityUnits':0},"
              "'BillingModeSummary':{'BillingMode':'PAY_PER_REQUEST','LastUpdateToPayPerRequestDateTime':1700000000},"
              "'TableSizeBytes':0,'ItemCount':0,'TableArn':'arn:aws:dynamodb:us-east-1:123456789012:table/events',"
              "'TableId':'UUID','DeletionProtectionEnabled':false}}");
    CHECK_RUN(*state, OP_TABLE_LIST, "", NULL, "{'TableNames':['events','people']}");
    CHECK_RUN(*state, OP_CREATE, "events", "{'Item':{'id':'x','at':1}}", "{}");
    const char *text = table_fixture_run(*state, OP_TABLE_DESCRIBE, "people", NULL);
    assert_non_null(
        strstr(text, "{'Table':{'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],'TableName':'people'"));
}

static size_t items_in_store(struct kv *kv)
{
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, value;
    size_t count = 0;

    assert_int_equal(kv_begin(kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(kv_cursor_open(txn, KV_ITEMS, &cursor), KV_OK);
    for (enum kv_result r = kv_seek(cursor, slice_of("", 0), &key, &value); r == KV_OK; r = kv_next(cursor, &key, &value))
        count++;
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    return count;
}

static void fill(struct table_fixture *f, int count)
{
    char payload[60];

    for (int i = 0; i < count; i++) {
        snprintf(payload, sizeof payload, "{'Item':{'id':'i%d'}}", i);
        CHECK_RUN(f, OP_CREATE, "people", payload, "{}");
    }
}

/* A dropped table is gone at once, its items in the background, and a new table of that name sees none of them. */
static void test_drop_and_sweep(void **state)
{
    struct table_fixture *f = *state;
    bool left = true;
    int rounds = 0;

    fill(f, 25);
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_DROP, "people", NULL), "'TableStatus':'DELETING'"));
    CHECK_RUN(f, OP_READ, "people", "{'Key':{'id':'i1'}}", "ResourceNotFoundException: Requested resource not found");
    CHECK_RUN(f, OP_TABLE_DROP, "people", NULL,
              "ResourceNotFoundException: Requested resource not found: Table: people not found");
    CHECK_RUN(f, OP_TABLE_DESCRIBE, "people", NULL,
              "ResourceNotFoundException: Requested resource not found: Table: people not found");
    table_fixture_run(f, OP_TABLE_CREATE, "people", FIXTURE_TABLE_ID);
    CHECK_RUN(f, OP_LIST, "people", NULL, "{'Items':[],'Count':0,'ScannedCount':0}");
    fill(f, 3);
    assert_int_equal(items_in_store(f->kv), 28);
    for (; left; rounds++) {
        assert_int_equal(table_chores(f->tables, FIXTURE_NOW_MS, 10, &left), KV_OK);
        assert_true(rounds < 10);
    }
    assert_int_equal(rounds, 5); /* 10, 10 and 5 items, the mark, nothing */
    assert_int_equal(items_in_store(f->kv), 3);
    assert_int_equal(table_chores(f->tables, FIXTURE_NOW_MS, 10, &left), KV_OK);
    assert_false(left);
}

static void test_sweep_several(void **state)
{
    struct table_fixture *f = *state;
    bool left = true;

    for (int i = 0; i < 3; i++) {
        fill(f, 5);
        table_fixture_run(f, OP_TABLE_DROP, "people", NULL);
        table_fixture_run(f, OP_TABLE_CREATE, "people", FIXTURE_TABLE_ID);
    }
    for (int rounds = 0; left; rounds++) {
        assert_int_equal(table_chores(f->tables, FIXTURE_NOW_MS, 4, &left), KV_OK);
        assert_true(rounds < 12);
    }
    assert_int_equal(items_in_store(f->kv), 0);
}

/* -- Published and cached ------------------------------------------------------------------------------------- */
static void test_published_schemas(void **state)
{
    struct table_fixture *f = *state;
    struct key_schema schema;

    table_fixture_run(f, OP_TABLE_CREATE, "events",
                      FIXTURE_TABLE(FIXTURE_KEY("id", "HASH") "," FIXTURE_KEY("at", "RANGE"),
                                    FIXTURE_TYPE("id", "B") "," FIXTURE_TYPE("at", "N")));
    assert_true(catalog_find(tables_catalog(f->tables), slice_text("people"), &schema));
    assert_int_equal(schema.partition_type, VALUE_S);
    assert_int_equal(schema.sort_name.len, 0);
    assert_true(catalog_find(tables_catalog(f->tables), slice_text("events"), &schema));
    assert_int_equal(schema.partition_type, VALUE_B);
    assert_int_equal(schema.sort_type, VALUE_N);
    assert_true(slice_equal(schema.sort_name, slice_text("at")));
    assert_false(catalog_find(tables_catalog(f->tables), slice_text("others"), &schema));
    struct tables *fresh = tables_create(f->kv);
    assert_true(slice_equal(tables_catalog(fresh), slice_of("\x80", 1)));
    tables_destroy(&fresh);
    tables_destroy(&fresh);
}

static bool begin_changed(struct tables *t, struct kv *kv)
{
    struct kv_txn *txn;
    bool changed;

    assert_int_equal(kv_begin(kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(table_begin(t, txn, FIXTURE_NOW_MS, &changed), KV_OK);
    kv_abort(&txn);
    return changed;
}

static void test_another_engine_sees_changes(void **state)
{
    struct table_fixture *f = *state;
    struct tables *other = tables_create(f->kv);
    struct key_schema schema;

    assert_int_equal(tables_load(other), KV_OK);
    assert_false(begin_changed(other, f->kv));
    table_fixture_run(f, OP_TABLE_CREATE, "events", FIXTURE_TABLE_ID);
    assert_true(begin_changed(other, f->kv));
    assert_true(catalog_find(tables_catalog(other), slice_text("events"), &schema));
    assert_false(begin_changed(other, f->kv));
    tables_destroy(&other);
}

/* A table that was made in a transaction which did not commit is no table, and its transaction may be run again. */
static void test_aborted_changes(void **state)
{
    struct table_fixture *f = *state;
    struct buf keep = {0}, out = {0};
    struct op create = {.code = OP_TABLE_CREATE, .table = slice_text("events")},
              put = {.code = OP_CREATE, .table = slice_text("events")};
    struct kv_txn *txn;
    struct outcome o;
    bool changed;

    create.payload = fixture_value(&keep, FIXTURE_TABLE_ID);
    put.payload = fixture_value(&keep, "{'Item':{'id':'x'}}");
    for (int round = 0; round < 3; round++) {
        assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
        assert_int_equal(table_begin(f->tables, txn, FIXTURE_NOW_MS, &changed), KV_OK);
        assert_int_equal(table_apply(f->tables, txn, &create, &out), KV_OK);
        buf_reset(&out);
        /* the same transaction uses its new table */
        assert_int_equal(table_apply(f->tables, txn, &put, &out), KV_OK);
        assert_int_equal(outcome_decode(buf_slice(&out), &o), 0);
        assert_int_equal(o.state, OUTCOME_SUCCEEDED);
        buf_reset(&out);
        if (round < 2)
            kv_abort(&txn);
        else
            assert_int_equal(kv_commit(&txn), KV_OK);
        CHECK_RUN(f, OP_TABLE_LIST, "", NULL, round < 2 ? "{'TableNames':['people']}" : "{'TableNames':['events','people']}");
    }
    buf_finish(&keep);
    buf_finish(&out);
}

/* -- tables_ensure -------------------------------------------------------------------------------------------- */
static int ensure(struct table_fixture *f, const char *spec, struct err *e)
{
    char text[100], *specs[] = {text};

    snprintf(text, sizeof text, "%s", spec);
    memset(e, 0, sizeof *e);
    return tables_ensure(f->tables, specs, 1, FIXTURE_NOW_MS, e);
}

static void test_ensure(void **state)
{
    struct table_fixture *f = *state;
    struct err e;

    assert_int_equal(ensure(f, "people:id", &e), 0);
    assert_int_equal(ensure(f, "people:id:S", &e), 0);
    assert_int_equal(ensure(f, "more:k:N,s:B", &e), 0);
    assert_int_equal(ensure(f, "more:k:N,s:B", &e), 0);
    CHECK_RUN(f, OP_TABLE_LIST, "", NULL, "{'TableNames':['more','people']}");
    assert_int_equal(ensure(f, "people:id:N", &e), -1);
    assert_string_equal(e.text, "table people exists with the key id:S, not id:N");
    assert_int_equal(ensure(f, "more:k:N", &e), -1);
    assert_string_equal(e.text, "table more exists with the key k:N,s:B, not k:N");
    assert_int_equal(ensure(f, "nonsense", &e), -1);
    assert_true(strlen(e.text) > 0);
}

/* What is named twice, and more than there may be. */
static void test_ensure_many(void **state)
{
    enum { COUNT = LIMIT_TABLES };
    static char texts[COUNT][24], *specs[COUNT];
    struct table_fixture *f = *state;
    struct err e = {.code = ERR_NONE};

    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "table-%d:id", i % (COUNT - 1));
        specs[i] = texts[i];
    }
    assert_int_equal(tables_ensure(f->tables, specs, COUNT, FIXTURE_NOW_MS, &e), 0); /* the last is the first, again */
    assert_int_equal(tables_ensure(f->tables, specs, COUNT, FIXTURE_NOW_MS, &e), 0);
    CHECK_RUN(f, OP_TABLE_LIST, "", "{'Limit':1,'ExclusiveStartTableName':'table-999'}", "{'TableNames':[]}");
    snprintf(texts[0], sizeof texts[0], "one-more:id");
    assert_int_equal(tables_ensure(f->tables, specs, COUNT, FIXTURE_NOW_MS, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT_EXCEEDED);
    e.code = ERR_NONE;
    snprintf(texts[0], sizeof texts[0], "table-1:id:N");
    assert_int_equal(tables_ensure(f->tables, specs, COUNT, FIXTURE_NOW_MS, &e), -1);
    assert_int_equal(e.code, ERR_RESOURCE_IN_USE);
    CHECK_RUN(f, OP_READ, "one-more", "{'Key':{'id':'a'}}", "ResourceNotFoundException: Requested resource not found");
    CHECK_RUN(f, OP_READ, "table-2", "{'Key':{'id':'a'}}", "{}");
}

/* A refused list leaves nothing, neither in the store nor in the cache; named twice with two keys is such a one. */
static void test_ensure_all_or_nothing(void **state)
{
    char *twice[] = {"fresh:id", "other:id", "fresh:id:N"}, *once[] = {"fresh:id:N"};
    struct table_fixture *f = *state;
    struct err e = {.code = ERR_NONE};

    assert_int_equal(tables_ensure(f->tables, twice, 3, FIXTURE_NOW_MS, &e), -1);
    assert_string_equal(e.text, "table fresh exists with the key id:S, not id:N");
    CHECK_RUN(f, OP_TABLE_LIST, "", "{}", "{'TableNames':['people']}");
    e.code = ERR_NONE;
    assert_int_equal(tables_ensure(f->tables, once, 1, FIXTURE_NOW_MS, &e), 0);
    CHECK_RUN(f, OP_TABLE_LIST, "", "{}", "{'TableNames':['fresh','people']}");
}

static void test_ensure_tries_again(void **state)
{
    struct kv *kv = kv_fault_create(kv_mem_create());
    struct tables *t = tables_create(kv);
    char spec[] = "people:id", *specs[] = {spec};
    struct err e;

    (void)state;
    for (int after = 0; after < 20; after++) {
        kv_fault_arm(kv, after, KV_RETRY);
        /* only the reload at the end is not run again */
        if (tables_ensure(t, specs, 1, FIXTURE_NOW_MS, &e) < 0)
            assert_string_equal(e.text, "creating the tables failed: retry");
        kv_fault_arm(kv, -1, KV_OK);
        assert_int_equal(tables_ensure(t, specs, 1, FIXTURE_NOW_MS, &e), 0);
    }
    kv_fault_arm(kv, 0, KV_FULL);
    assert_int_equal(tables_ensure(t, specs, 1, FIXTURE_NOW_MS, &e), -1);
    assert_int_equal(e.code, ERR_DISK_FULL);
    tables_destroy(&t);
    kv_close(&kv);
}

/* Names and keys of the greatest length: their published form reaches its limit before the number of tables does. */
static void test_limit_of_the_catalog(void **state)
{
    struct table_fixture *f = *state;
    char name[300], key[300], payload[2000];
    const char *text = "ACTIVE";
    unsigned made = 0;

    memset(name, 'n', 255);
    memset(key, 'k', 254);
    key[254] = 0;
    snprintf(payload, sizeof payload,
             FIXTURE_TABLE(FIXTURE_KEY("%s", "HASH") "," FIXTURE_KEY("%sx", "RANGE"),
                           FIXTURE_TYPE("%s", "S") "," FIXTURE_TYPE("%sx", "S")),
             key, key, key, key);
    for (; made < LIMIT_TABLES && strstr(text, "ACTIVE"); made++) {
        snprintf(name + 250, sizeof name - 250, "%05u", made);
        text = table_fixture_run(f, OP_TABLE_CREATE, name, payload);
    }
    assert_non_null(strstr(text, "LimitExceededException: The store has the maximum number of tables"));
    assert_in_range(made, 1000, LIMIT_TABLES);
    assert_true(tables_catalog(f->tables).len <= LIMIT_CATALOG_BYTES);
    CHECK_RUN(f, OP_PING, "", NULL, "'pong'");
}

/* -- Keys ----------------------------------------------------------------------------------------------------- */
static void encode(struct buf *out, const char *partition, const char *sort)
{
    struct buf keep = {0};
    struct item_key key = {.sort = {.type = VALUE_NONE}, .hash = 7};

    key.partition = fixture_value(&keep, partition);
    if (sort)
        key.sort = fixture_value(&keep, sort);
    key_encode(out, 9, &key);
    buf_finish(&keep);
}

/* With one hash, keys sort by partition key and then by sort key, whatever bytes they have. */
static void test_key_order(void **state)
{
    static const struct {
        const char *partition, *sort;
    } rows[] = {{"{'$binary':'AA=='}", "'a'"},
                {"{'$binary':'AA=='}", "'b'"},
                {"{'$binary':'AAA='}", "'a'"},
                {"{'$binary':'AAE='}", "'a'"},
                {"{'$binary':'AP8='}", "'a'"},
                {"{'$binary':'AQ=='}", "'a'"},
                {"-5", NULL},
                {"0", NULL},
                {"0.5", NULL},
                {"5", NULL},
                {"'a'", "-1"},
                {"'a'", "0"},
                {"'a'", "10"},
                {"'a\\u0000'", "0"},
                {"'a\\u0000b'", "0"},
                {"'aa'", "0"},
                {"'b'", "-5"}};
    struct buf last = {0}, now = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        encode(&now, rows[i].partition, rows[i].sort);
        if (i && slice_compare(buf_slice(&last), buf_slice(&now)) >= 0)
            fail_msg("%s %s does not come after its predecessor", rows[i].partition, rows[i].sort ? rows[i].sort : "");
        assert_int_equal(key_table(buf_slice(&now)), 9);
        assert_int_equal(key_hash(buf_slice(&now)), 7);
        buf_swap(&last, &now);
        buf_reset(&now);
    }
    buf_finish(&last);
    buf_finish(&now);
}

static void test_segments(void **state)
{
    static const uint32_t totals[] = {1, 2, 3, 5, 7, 64, 999, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        uint32_t total = totals[i], step = total > 1000 ? 997 : 1;
        assert_int_equal(segment_start(0, total), 0);
        assert_int_equal(segment_of(0, total), 0);
        assert_int_equal(segment_of(UINT64_MAX, total), total - 1);
        for (uint32_t s = 1; s < total; s += step) {
            assert_int_equal(segment_of(segment_start(s, total), total), s);
            assert_int_equal(segment_of(segment_start(s, total) - 1, total), s - 1);
        }
    }
}

static void test_sort_key(void **state)
{
    struct table_fixture *f = *state;
    struct buf keep = {0}, create = {0}, read = {0}, none = {0};
    struct op op = {.code = OP_CREATE, .table = slice_text("people")};

    op.payload = fixture_value(&keep, "{'Item':{'id':'x','v':1}}");
    table_sort_key(f->tables, &op, &create);
    op.code = OP_READ;
    op.payload = fixture_value(&keep, "{'Key':{'id':'x'}}");
    table_sort_key(f->tables, &op, &read);
    assert_true(create.len > KEY_PREFIX_BYTES);
    assert_true(slice_equal(buf_slice(&create), buf_slice(&read)));
    op.payload = fixture_value(&keep, "{'Key':{'id':5}}");
    table_sort_key(f->tables, &op, &none);
    op.payload = fixture_value(&keep, "{'Item':{'id':'x'}}");
    table_sort_key(f->tables, &op, &none);
    op.table = slice_text("nothere");
    op.payload = fixture_value(&keep, "{'Key':{'id':'x'}}");
    table_sort_key(f->tables, &op, &none);
    op.table = slice_text("people");
    op.code = OP_LIST;
    table_sort_key(f->tables, &op, &none);
    op.code = OP_PING;
    table_sort_key(f->tables, &op, &none);
    assert_int_equal(none.len, 0);
    buf_finish(&keep);
    buf_finish(&create);
    buf_finish(&read);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_create_and_list),
        EACH(test_drop_and_sweep),
        EACH(test_sweep_several),
        EACH(test_published_schemas),
        EACH(test_another_engine_sees_changes),
        EACH(test_aborted_changes),
        EACH(test_ensure),
        EACH(test_ensure_many),
        EACH(test_ensure_all_or_nothing),
        cmocka_unit_test(test_ensure_tries_again),
        EACH(test_limit_of_the_catalog),
        cmocka_unit_test(test_key_order),
        cmocka_unit_test(test_segments),
        EACH(test_sort_key),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
