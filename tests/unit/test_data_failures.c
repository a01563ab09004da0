/* test_data_failures.c - every call of the store fails once in queries, batches, transactions and statements: the result comes back as it is,
 * and a transaction that is given up has left nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/kv_fault.h"
#include "tests/lib/table_fixture.h"

#define KEYS FIXTURE_KEY("p", "HASH") "," FIXTURE_KEY("c", "RANGE")
#define TYPES FIXTURE_TYPE("p", "S") "," FIXTURE_TYPE("c", "N") "," FIXTURE_TYPE("n", "N") "," FIXTURE_TYPE("g", "S")
#define LOCAL FIXTURE_INDEX("local", FIXTURE_KEY("p", "HASH") "," FIXTURE_KEY("n", "RANGE"), "KEYS_ONLY")
#define THINGS                                                                                                                 \
    FIXTURE_TABLE_WITH(KEYS, TYPES,                                                                                            \
                       ",'LocalSecondaryIndexes':[" LOCAL                                                                      \
                       "],'GlobalSecondaryIndexes':[" FIXTURE_INDEX("global", FIXTURE_KEY("g", "HASH"), "ALL") "]")

static void run(struct kv *kv, struct tables *t, enum op_code code, const char *table, const char *payload, struct buf *out)
{
    struct buf keep = {0};
    struct op op = {.code = code, .table = slice_text(table), .payload = fixture_value(&keep, payload)};
    struct kv_txn *txn;
    bool changed;

    buf_reset(out);
    assert_int_equal(kv_begin(kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(t, txn, FIXTURE_NOW_MS, &changed), KV_OK);
    assert_int_equal(table_apply(t, txn, &op, out), KV_OK);
    assert_int_equal(table_end(t, txn), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
    buf_finish(&keep);
}

static void test_failures_come_back(void **state)
{
    static const struct {
        enum op_code code;
        const char *payload;
    } rows[] = {
        {OP_QUERY, "{'IndexName':'local','KeyConditionExpression':'p=:p','ProjectionExpression':'x','ScanIndexForward':false,"
                   "'ExpressionAttributeValues':{':p':'a'}}"},
        {OP_QUERY, "{'KeyConditionExpression':'p=:p','ExpressionAttributeValues':{':p':'a'}}"},
        {OP_LIST, "{'IndexName':'global'}"},
        {OP_BATCH_READ, "{'RequestItems':{'things':{'Keys':[{'p':'a','c':1},{'p':'a','c':9}]}}}"},
        {OP_BATCH_WRITE,
         "{'RequestItems':{'things':[{'PutRequest':{'Item':{'p':'a','c':1,'g':'h'}}},{'DeleteRequest':{'Key':{'p':'a',"
         "'c':2}}}]},'ReturnItemCollectionMetrics':'SIZE'}"},
        {OP_TRANSACT_READ, "{'TransactItems':[{'Get':{'TableName':'things','Key':{'p':'a','c':1}}}]}"},
        {OP_TRANSACT_WRITE,
         "{'ClientRequestToken':'t','TransactItems':[{'Update':{'TableName':'things','Key':{'p':'a','c':1},"
         "'UpdateExpression':'SET g=:g','ExpressionAttributeValues':{':g':'h'}}},{'Delete':{'TableName':'things',"
         "'Key':{'p':'a','c':2}}}]}"},
        {OP_STATEMENT,
         "{'Statement':'SELECT * FROM things WHERE p IN [?, ?] AND c > 1 ORDER BY p, c DESC','Parameters':['a','b']}"},
        {OP_STATEMENT, "{'Statement':'UPDATE things SET g = ? WHERE p = ? AND c = 1','Parameters':['h','a']}"},
        {OP_STATEMENTS, "{'Statements':[{'Statement':'DELETE FROM things WHERE p = ? AND c = 1','Parameters':['a']},"
                        "{'Statement':'SELECT * FROM things WHERE p = ? AND c = 2','Parameters':['a']}]}"},
        {OP_STATEMENT_TRANSACTION,
         "{'TransactStatements':[{'Statement':'DELETE FROM things WHERE p = ? AND c = 1','Parameters':['a']}]}"},
    };
    struct kv *kv = kv_fault_create(kv_mem_create());
    struct tables *t = tables_create(kv);
    struct buf before = {0}, after = {0};

    (void)state;
    assert_int_equal(tables_load(t), KV_OK);
    run(kv, t, OP_TABLE_CREATE, "things", THINGS, &before);
    run(kv, t, OP_CREATE, "things", "{'Item':{'p':'a','c':1,'n':5,'g':'g','x':1}}", &before);
    run(kv, t, OP_CREATE, "things", "{'Item':{'p':'a','c':2,'n':4,'g':'g','x':2}}", &before);
    run(kv, t, OP_LIST, "things", "{'IndexName':'global'}", &before);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf keep = {0};
        struct op op = {.code = rows[i].code, .table = slice_text("things"), .payload = fixture_value(&keep, rows[i].payload)};
        fixture_fail_each_call(kv, t, &op, KV_RETRY);
        fixture_fail_each_call(kv, t, &op, KV_FULL);
        buf_finish(&keep);
        run(kv, t, OP_LIST, "things", "{'IndexName':'global'}", &after);
        assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    }
    buf_finish(&before);
    buf_finish(&after);
    tables_destroy(&t);
    kv_close(&kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failures_come_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
