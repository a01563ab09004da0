/* test_index.c - secondary indexes follow what is written: random changes against the items themselves, keys, views, refusals, cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/index_check.h"
#include "tests/lib/table_fixture.h"
#include "tests/lib/xorshift.h"
#include "worker/table/catalog.h"
#include "worker/table/key.h"
#include "worker/table/request.h"

#define TYPES                                                                                                                  \
    FIXTURE_TYPE("p", "S")                                                                                                     \
    "," FIXTURE_TYPE("c", "N") "," FIXTURE_TYPE("x", "S") "," FIXTURE_TYPE("n", "N") "," FIXTURE_TYPE("b", "B")

/* A table with every kind of index: local and global, with one attribute and with several, all projections. */
#define THINGS                                                                                                                                                                          \
    FIXTURE_TABLE_WITH(FIXTURE_KEY("p", "HASH") "," FIXTURE_KEY("c", "RANGE"), TYPES,                                                                                                   \
                       ",'LocalSecondaryIndexes':[" FIXTURE_INDEX("local", FIXTURE_KEY("p", "HASH") "," FIXTURE_KEY("n", "RANGE"), "ALL") "],'GlobalSecondaryIndexes':[" FIXTURE_INDEX( \
                           "keys", FIXTURE_KEY("x", "HASH"),                                                                                                                            \
                           "KEYS_ONLY") "," FIXTURE_INDEX("reversed", FIXTURE_KEY("c", "HASH") "," FIXTURE_KEY("p", "RANGE"),                                                           \
                                                          "ALL") ","                                                                                                                    \
                                                                 "{'IndexName':'some','KeySchema':[" FIXTURE_KEY("n", "HASH") "," FIXTURE_KEY(                                          \
                                                                     "b",                                                                                                               \
                                                                     "RANGE") "],'Projection':{'ProjectionType':'"                                                                      \
                                                                              "INCLUDE','NonKeyAttributes':['extra']}}"                                                                 \
                                                                              "," FIXTURE_INDEX(                                                                                        \
                                                                                  "many",                                                                                               \
                                                                                  FIXTURE_KEY("x", "HASH") "," FIXTURE_KEY("n", "HASH") "," FIXTURE_KEY(                                \
                                                                                      "b", "RANGE") "," FIXTURE_KEY("c",                                                                \
                                                                                                                    "RANGE"),                                                           \
                                                                                  "KEYS_ONLY") "]")

static int open_things(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"plain:id", NULL};

    table_fixture_init(&f, specs);
    assert_non_null(strstr(table_fixture_run(&f, OP_TABLE_CREATE, "things", THINGS), "TableDescription"));
    *state = &f;
    return 0;
}

static int close_things(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

/* -- Random changes ------------------------------------------------------------------------------------------- */
/* Appends one attribute, now and then: so that entries come, move, change and go. */
static void put_random(uint64_t *r, char *text, size_t size, const char *format, unsigned values)
{
    size_t len = strlen(text);

    if (xorshift_below(r, 4) > 0)
        snprintf(text + len, size - len, format, (unsigned)xorshift_below(r, values));
}

static void random_item(uint64_t *r, char *text, size_t size)
{
    snprintf(text, size, "{'Item':{'p':'p%u','c':%u", (unsigned)xorshift_below(r, 5), (unsigned)xorshift_below(r, 6));
    put_random(r, text, size, ",'x':'x%u'", 3);
    put_random(r, text, size, ",'n':%u", 4);
    put_random(r, text, size, ",'b':{'$binary':'AA%uA'}", 3);
    put_random(r, text, size, ",'extra':'e%u'", 2);
    put_random(r, text, size, ",'other':%u", 3);
    snprintf(text + strlen(text), size - strlen(text), "}}");
}

static void random_change(struct table_fixture *f, uint64_t *r)
{
    static const char *const updates[] = {"SET x = :s, extra = :n", "SET n = :n", "REMOVE x, n", "REMOVE b", "ADD n :n"};
    unsigned p = (unsigned)xorshift_below(r, 5), c = (unsigned)xorshift_below(r, 6), kind = (unsigned)xorshift_below(r, 10);
    char text[400];

    if (kind < 5) {
        random_item(r, text, sizeof text);
        CHECK_RUN(f, OP_CREATE, "things", text, "{}");
        return;
    }
    if (kind < 7) {
        snprintf(text, sizeof text, "{'Key':{'p':'p%u','c':%u}}", p, c);
        CHECK_RUN(f, OP_DELETE, "things", text, "{}");
        return;
    }
    const char *update = updates[xorshift_below(r, 5)];
    const char *values = strchr(update, ':') ? strstr(update, ":s") ? ",'ExpressionAttributeValues':{':s':'x9',':n':7}"
                                                                    : ",'ExpressionAttributeValues':{':n':7}"
                                             : "";
    snprintf(text, sizeof text, "{'Key':{'p':'p%u','c':%u},'UpdateExpression':'%s'%s}", p, c, update, values);
    CHECK_RUN(f, OP_UPDATE, "things", text, "{}");
}

static void test_random_changes(void **state)
{
    struct table_fixture *f = *state;

    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t r = seed * 0x9E3779B97F4A7C15u;
        print_message("seed %llu\n", (unsigned long long)seed);
        for (int i = 0; i < 300; i++) {
            random_change(f, &r);
            if (i % 25 == 0)
                check_indexes(f->kv, true);
        }
        assert_true(check_indexes(f->kv, true) > 20);
    }
}

/* Several operations of one transaction change the same entries: the last one counts. */
static void test_changes_in_one_transaction(void **state)
{
    static const char *const items[] = {"{'Item':{'p':'a','c':1,'x':'1'}}", "{'Item':{'p':'a','c':1,'x':'2'}}",
                                        "{'Item':{'p':'a','c':1,'x':'1','n':5}}", "{'Item':{'p':'b','c':1,'x':'1'}}"};
    struct table_fixture *f = *state;
    struct buf keep = {0}, out = {0};
    struct kv_txn *txn;
    bool changed;

    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(f->tables, txn, f->now_ms, &changed), KV_OK);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        struct op op = {.code = OP_CREATE, .table = slice_text("things"), .payload = fixture_value(&keep, items[i])};
        buf_reset(&out);
        assert_int_equal(table_apply(f->tables, txn, &op, &out), KV_OK);
    }
    assert_true(table_pending_bytes(f->tables) > 0);
    assert_int_equal(table_end(f->tables, txn), KV_OK);
    assert_int_equal(table_pending_bytes(f->tables), 0);
    assert_int_equal(kv_commit(&txn), KV_OK);
    assert_int_equal(check_indexes(f->kv, true), 5); /* keys and reversed of both, local of the first */
    buf_finish(&keep);
    buf_finish(&out);
}

static void test_batches_and_transactions(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_BATCH_WRITE, "",
              "{'RequestItems':{'things':[{'PutRequest':{'Item':{'p':'a','c':1,'x':'1'}}},{'PutRequest':{'Item':{'p':'b','c':1,"
              "'x':'1'}}},{'PutRequest':{'Item':{'p':'c','c':1,'n':4}}}]}}",
              "{'UnprocessedItems':{}}");
    assert_int_equal(check_indexes(f->kv, true), 6);
    CHECK_RUN(
        f, OP_TRANSACT_WRITE, "",
        "{'TransactItems':[{'Put':{'TableName':'things','Item':{'p':'d','c':1,'x':'2'}}},{'Delete':{'TableName':'things','Key':"
        "{'p':'a','c':1}}},{'Update':{'TableName':'things','Key':{'p':'b','c':1},'UpdateExpression':'SET x = :v',"
        "'ExpressionAttributeValues':{':v':'3'}}}]}",
        "{}");
    assert_int_equal(check_indexes(f->kv, true), 6);
    /* one action brings a key that does not fit: nothing is written, to no index */
    const char *text =
        table_fixture_run(f, OP_TRANSACT_WRITE, "",
                          "{'TransactItems':[{'Put':{'TableName':'things','Item':{'p':'e','c':1,'x':'9'}}},{'Update':{'"
                          "TableName':'things','Key':{"
                          "'p':'b','c':1},'UpdateExpression':'SET x = :v','ExpressionAttributeValues':{':v':5}}}]}");
    assert_non_null(strstr(text, "secondary index key to unsupported type"));
    assert_int_equal(check_indexes(f->kv, true), 6);
}

/* What an aborted transaction left to be written is not written by the next one. */
static void test_aborted_changes_leave_nothing(void **state)
{
    struct table_fixture *f = *state;
    struct buf keep = {0}, out = {0};
    struct op op = {.code = OP_CREATE, .table = slice_text("things")};
    struct kv_txn *txn;
    bool changed;

    op.payload = fixture_value(&keep, "{'Item':{'p':'a','c':1,'x':'1'}}");
    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(f->tables, txn, f->now_ms, &changed), KV_OK);
    assert_int_equal(table_apply(f->tables, txn, &op, &out), KV_OK);
    kv_abort(&txn);
    CHECK_RUN(f, OP_CREATE, "things", "{'Item':{'p':'b','c':2}}", "{}");
    assert_int_equal(check_indexes(f->kv, true), 1);
    buf_finish(&keep);
    buf_finish(&out);
}

/* -- Refusals ------------------------------------------------------------------------------------------------- */
#define INVALID "ValidationException: One or more parameter values were invalid: "
#define NOT_VALID "ValidationException: One or more parameter values are not valid. "

static void test_index_keys_are_checked(void **state)
{
    static const struct {
        enum op_code code;
        const char *payload, *expected;
    } rows[] = {
        {OP_CREATE, "{'Item':{'p':'a','c':1,'x':5}}",
         INVALID "Type mismatch for Index Key x Expected: S Actual: N IndexName: many"},
        {OP_CREATE, "{'Item':{'p':'a','c':1,'b':'text'}}",
         INVALID "Type mismatch for Index Key b Expected: B Actual: S IndexName: many"},
        {OP_CREATE, "{'Item':{'p':'a','c':1,'x':''}}",
         NOT_VALID
         "A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot "
         "contain an empty string value. IndexName: many, IndexKey: x"},
        {OP_CREATE, "{'Item':{'p':'a','c':1,'n':null},'ConditionExpression':'attribute_exists(p)'}",
         INVALID "Type mismatch for Index Key n Expected: N Actual: NULL IndexName: many"},
        {OP_UPDATE, "{'Key':{'p':'a','c':1},'UpdateExpression':'SET x = :v','ExpressionAttributeValues':{':v':1}}",
         "ValidationException: The update expression attempted to update the secondary index key to unsupported type"},
        {OP_UPDATE, "{'Key':{'p':'a','c':1},'UpdateExpression':'SET x = :v','ExpressionAttributeValues':{':v':''}}",
         NOT_VALID "The update expression attempted to update a secondary index key to a value that is not supported. The "
                   "AttributeValue for a key attribute cannot contain an empty string value."},
    };
    struct table_fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_RUN(f, rows[i].code, "things", rows[i].payload, rows[i].expected);
    CHECK_RUN(f, OP_LIST, "things", "{}", "{'Items':[],'Count':0,'ScannedCount':0}");
    assert_int_equal(check_indexes(f->kv, true), 0);
}

static const char *long_item(size_t len)
{
    static char text[4000];
    char x[3000];

    memset(x, 'x', len);
    x[len] = 0;
    snprintf(text, sizeof text, "{'Item':{'p':'a','c':1,'x':'%s'}}", x);
    return text;
}

static void test_index_keys_have_sizes(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_CREATE, "things", long_item(2048), "{}");
    assert_int_equal(check_indexes(f->kv, true), 2);
    CHECK_RUN(f, OP_CREATE, "things", long_item(2049),
              INVALID "Size of hashkey has exceeded the maximum size limit of2048 bytes");
}

/* -- Keys ----------------------------------------------------------------------------------------------------- */
static const struct index *find(struct table_fixture *f, const char *name, const struct table **table)
{
    struct kv_txn *txn;
    bool changed;

    assert_int_equal(kv_begin(f->kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(table_begin(f->tables, txn, f->now_ms, &changed), KV_OK);
    kv_abort(&txn);
    *table = catalog_lookup(&f->tables->catalog, slice_text("things"));
    assert_non_null(*table);
    const struct index *index = index_find(*table, slice_text(name));
    assert_non_null(index);
    return index;
}

/* Entries of one partition sort by the tuple of their sort values. */
static void test_order_of_entries(void **state)
{
    static const char *const items[] = {
        "{'x':'k','n':1,'b':{'$binary':'AA=='},'c':5,'p':'q'}", "{'x':'k','n':1,'b':{'$binary':'AAA='},'c':-5,'p':'q'}",
        "{'x':'k','n':1,'b':{'$binary':'AAA='},'c':0,'p':'a'}", "{'x':'k','n':1,'b':{'$binary':'AAA='},'c':10,'p':'q'}",
        "{'x':'k','n':1,'b':{'$binary':'AP8='},'c':1,'p':'q'}", "{'x':'k','n':1,'b':{'$binary':'AQ=='},'c':1,'p':'q'}"};
    const struct table *table;
    const struct index *index = find(*state, "many", &table);
    struct buf keep = {0}, last = {0}, now = {0}, item_key = {0}, partition = {0}, start = {0};

    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        struct value item = fixture_value(&keep, items[i]);
        struct index_key key;
        struct item_key base;
        assert_true(index_key_of_item(index, &item, &key));
        assert_int_equal(key_of_item(&table->schema, &item, &base, NULL), 0);
        buf_reset(&item_key);
        buf_reset(&now);
        buf_reset(&partition);
        key_encode(&item_key, table->id, &base);
        index_encode(&now, index, &key, buf_slice(&item_key));
        index_encode_partition(&partition, index, key.partition);
        assert_true(now.len > partition.len && memcmp(now.data, partition.data, partition.len) == 0);
        assert_int_equal(key_table(buf_slice(&now)), index->id);
        if (i > 0)
            assert_true(slice_compare(buf_slice(&last), buf_slice(&now)) < 0);
        buf_reset(&start);
        assert_int_equal(index_start_key(table, index, &item, &start, NULL), 0); /* it has just the attributes of the keys */
        assert_true(slice_equal(buf_slice(&start), buf_slice(&now)));
        buf_swap(&last, &now);
    }
    struct buf *all[] = {&keep, &last, &now, &item_key, &partition, &start};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_finish(all[i]);
}

static void test_start_keys(void **state)
{
    static const char *const wrong[] = {"{}", "{'x':'k'}", "{'x':'k','p':'a','c':1,'n':1}", "{'x':5,'p':'a','c':1}",
                                        "{'x':'k','p':'a','c':'1'}"};
    const struct table *table;
    const struct index *index = find(*state, "keys", &table);
    struct buf keep = {0}, out = {0};
    struct err e;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct value map = fixture_value(&keep, wrong[i]);
        assert_int_equal(index_start_key(table, index, &map, &out, &e), -1);
        assert_string_equal(e.text, "The provided starting key is invalid");
    }
    struct value good = fixture_value(&keep, "{'c':1,'x':'k','p':'a'}"),
                 item = fixture_value(&keep, "{'y':1,'c':1,'x':'k','p':'a'}");
    assert_int_equal(index_start_key(table, index, &good, &out, &e), 0);
    buf_reset(&out);
    index_put_key_map(&out, table, index, &item);
    struct value map = value_of(buf_slice(&out));
    assert_string_equal(fixture_text(&map), "{'x':'k','p':'a','c':1}");
    assert_true(index_shows(table, index, slice_text("p")) && !index_shows(table, index, slice_text("y")));
    buf_finish(&keep);
    buf_finish(&out);
}

static void test_damaged_entries(void **state)
{
    const struct table *table;
    const struct index *index = find(*state, "many", &table);
    unsigned char bytes[64];

    memset(bytes, 'S', sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len++)
        assert_int_equal(index_base(index, slice_of(bytes, len)).len, 0);
}

static void test_successor(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_append(&b, "k\x01\xFF\xFF", 4);
    assert_true(key_successor(&b, 1));
    assert_true(slice_equal(buf_slice(&b), slice_of("k\x02", 2)));
    buf_reset(&b);
    buf_append(&b, "k\xFF\xFF", 3);
    assert_false(key_successor(&b, 1));
    assert_true(slice_equal(buf_slice(&b), slice_of("k", 1)));
    buf_finish(&b);
}

/* -- Cost ----------------------------------------------------------------------------------------------------- */
#define INDEXES ",'ReturnConsumedCapacity':'INDEXES'}"
#define COST(total, rest)                                                                                                      \
    "{'ConsumedCapacity':{'TableName':'things','CapacityUnits':" total ",'Table':{'CapacityUnits':1}" rest "}}"

/* A view that stays costs nothing, one that changes in its place what its larger image does, one that moves both. */
static void test_cost_of_indexes(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_CREATE, "things", "{'Item':{'p':'a','c':1,'x':'1'}" INDEXES,
              COST("3", ",'GlobalSecondaryIndexes':{'keys':{'CapacityUnits':1},'reversed':{'CapacityUnits':1}}"));
    CHECK_RUN(f, OP_CREATE, "things", "{'Item':{'p':'a','c':1,'x':'1','y':2}" INDEXES,
              COST("2", ",'GlobalSecondaryIndexes':{'reversed':{'CapacityUnits':1}}"));
    CHECK_RUN(f, OP_CREATE, "things", "{'Item':{'p':'a','c':1,'x':'1','y':2}" INDEXES, COST("1", ""));
    CHECK_RUN(f, OP_CREATE, "things", "{'Item':{'p':'a','c':1,'x':'2','y':2}" INDEXES,
              COST("4", ",'GlobalSecondaryIndexes':{'keys':{'CapacityUnits':2},'reversed':{'CapacityUnits':1}}"));
    CHECK_RUN(f, OP_DELETE, "things", "{'Key':{'p':'a','c':1}" INDEXES,
              COST("3", ",'GlobalSecondaryIndexes':{'keys':{'CapacityUnits':1},'reversed':{'CapacityUnits':1}}"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_things, close_things)
    const struct CMUnitTest tests[] = {
        EACH(test_random_changes),           EACH(test_changes_in_one_transaction),
        EACH(test_batches_and_transactions), EACH(test_aborted_changes_leave_nothing),
        EACH(test_index_keys_are_checked),   EACH(test_index_keys_have_sizes),
        EACH(test_order_of_entries),         EACH(test_start_keys),
        EACH(test_damaged_entries),          cmocka_unit_test(test_successor),
        EACH(test_cost_of_indexes),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
