/* test_memory_table.c - memory runs out at the n-th allocation, for all n, while jobs are applied to a table: the transaction says so and is
 * given up, nothing of it is seen, and the same job run again has its full effect, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/limits.h"
#include "tests/lib/scarce_memory.h"
#include "worker/outcomes.h"
#include "worker/table/table.h"

static const struct {
    enum op_code code;
    const char *table, *payload;
} rows[] = {
    {OP_CREATE, "things", "{\"Item\":{\"id\":\"1\",\"n\":1,\"l\":[1,2,{\"a\":\"b\"}],\"s\":{\"$stringSet\":[\"a\",\"b\"]}}}"},
    {OP_UPDATE, "things",
     "{\"Key\":{\"id\":\"1\"},\"UpdateExpression\":\"SET #n = n + :one, l[2].a = if_not_exists(x, :l), y = list_append(l, :l) "
     "REMOVE "
     "l[0] ADD s :s\",\"ExpressionAttributeNames\":{\"#n\":\"n\"},\"ExpressionAttributeValues\":{\":one\":1,\":l\":[7],\":s\":{"
     "\"$stringSet\":[\"c\"]}},\"ReturnValues\":\"ALL_NEW\"}"},
    {OP_UPDATE, "things",
     "{\"Key\":{\"id\":\"1\"},\"AttributeUpdates\":{\"n\":{\"Action\":\"ADD\",\"Value\":1}},\"Expected\":{\"n\":{"
     "\"ComparisonOperator\":"
     "\"GE\",\"AttributeValueList\":[1]}}}"},
    {OP_CREATE, "things",
     "{\"Item\":{\"id\":\"2\"},\"ConditionExpression\":\"attribute_not_exists(id) AND NOT (a IN (:a, :b) OR size(b) > :a)\","
     "\"ExpressionAttributeValues\":{\":a\":1,\":b\":2}}"},
    {OP_LIST, "things",
     "{\"FilterExpression\":\"n > :a\",\"ExpressionAttributeValues\":{\":a\":1},\"ProjectionExpression\":\"id, l[0], n\"}"},
    {OP_READ, "things", "{\"Key\":{\"id\":\"1\"},\"ProjectionExpression\":\"n\"}"},
    {OP_DELETE, "things", "{\"Key\":{\"id\":\"2\"},\"ReturnValues\":\"ALL_OLD\"}"},
    {OP_TABLE_CREATE, "many",
     "{\"KeySchema\":[{\"AttributeName\":\"p\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"c\",\"KeyType\":\"RANGE\"}],"
     "\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{\"AttributeName\":\"p\",\"AttributeType\":\"S\"},{"
     "\"AttributeName\":\"c\",\"AttributeType\":\"N\"},{\"AttributeName\":\"g\",\"AttributeType\":\"S\"},{\"AttributeName\":"
     "\"n\",\"AttributeType\":\"N\"}],\"LocalSecondaryIndexes\":[{\"IndexName\":\"local\",\"KeySchema\":[{\"AttributeName\":"
     "\"p\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"n\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"KEYS_"
     "ONLY\"}}],\"GlobalSecondaryIndexes\":[{\"IndexName\":\"global\",\"KeySchema\":[{\"AttributeName\":\"g\",\"KeyType\":"
     "\"HASH\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}}]}"},
    {OP_BATCH_WRITE, "",
     "{\"RequestItems\":{\"many\":[{\"PutRequest\":{\"Item\":{\"p\":\"a\",\"c\":0,\"g\":\"g\",\"n\":9,\"x\":0}}},{"
     "\"PutRequest\":{\"Item\":{\"p\":\"a\",\"c\":1,\"g\":\"g\",\"n\":8,\"x\":1}}},{\"PutRequest\":{\"Item\":{\"p\":\"a\","
     "\"c\":2,\"g\":\"g\",\"n\":7,\"x\":2}}},{\"PutRequest\":{\"Item\":{\"p\":\"a\",\"c\":3,\"g\":\"g\",\"n\":6,\"x\":3}}}],"
     "\"things\":[{\"DeleteRequest\":{\"Key\":{\"id\":\"1\"}}}]},\"ReturnItemCollectionMetrics\":\"SIZE\","
     "\"ReturnConsumedCapacity\":\"INDEXES\"}"},
    {OP_QUERY, "many",
     "{\"IndexName\":\"local\",\"KeyConditionExpression\":\"p = :p AND n > :n\",\"FilterExpression\":\"c <> "
     ":c\",\"ProjectionExpression\":\"x\",\"ScanIndexForward\":false,\"Limit\":2,\"ExpressionAttributeValues\":{\":p\":\"a\","
     "\":n\":1,\":c\":9},\"ReturnConsumedCapacity\":\"INDEXES\"}"},
    {OP_QUERY, "many",
     "{\"IndexName\":\"global\",\"KeyConditions\":{\"g\":{\"ComparisonOperator\":\"EQ\",\"AttributeValueList\":[\"g\"]}},"
     "\"ExclusiveStartKey\":{\"g\":\"g\",\"p\":\"a\",\"c\":1}}"},
    {OP_BATCH_READ, "",
     "{\"RequestItems\":{\"many\":{\"Keys\":[{\"p\":\"a\",\"c\":1},{\"p\":\"a\",\"c\":7}],\"ProjectionExpression\":\"x\"}},"
     "\"ReturnConsumedCapacity\":\"TOTAL\"}"},
    {OP_TRANSACT_WRITE, "",
     "{\"ClientRequestToken\":\"token\",\"TransactItems\":[{\"Put\":{\"TableName\":\"many\",\"Item\":{\"p\":\"b\",\"c\":1,"
     "\"g\":\"h\"}}},{\"Update\":{\"TableName\":\"many\",\"Key\":{\"p\":\"a\",\"c\":1},\"UpdateExpression\":\"SET x = x + :x, "
     "g = "
     ":g\",\"ExpressionAttributeValues\":{\":x\":1,\":g\":\"h\"}}},{\"ConditionCheck\":{\"TableName\":\"things\",\"Key\":{"
     "\"id\":\"1\"},\"ConditionExpression\":\"attribute_not_exists(id)\"}}]}"},
    {OP_TRANSACT_WRITE, "",
     "{\"TransactItems\":[{\"Delete\":{\"TableName\":\"many\",\"Key\":{\"p\":\"a\",\"c\":1},\"ConditionExpression\":\"x = "
     ":x\",\"ExpressionAttributeValues\":{\":x\":0},\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}},{\"Delete\":{"
     "\"TableName\":\"many\",\"Key\":{\"p\":\"a\",\"c\":2}}}]}"},
    {OP_TRANSACT_READ, "",
     "{\"TransactItems\":[{\"Get\":{\"TableName\":\"many\",\"Key\":{\"p\":\"a\",\"c\":1}}}],\"ReturnConsumedCapacity\":"
     "\"TOTAL\"}"},
    {OP_STATEMENT, "",
     "{\"Statement\":\"SELECT x, p FROM many WHERE p IN ['a', ?] AND c BETWEEN 1 AND 3 AND x > ? ORDER BY p, c "
     "DESC\",\"Parameters\":[\"b\",0],\"Limit\":1}"},
    {OP_STATEMENT, "",
     "{\"Statement\":\"UPDATE many SET y = list_append(?, [1, {'k': <<'a', 'b'>>}]) WHERE p = 'a' AND c = 2 RETURNING MODIFIED "
     "NEW *\",\"Parameters\":[[0]]}"},
    {OP_STATEMENTS, "",
     "{\"Statements\":[{\"Statement\":\"INSERT INTO things VALUE {'id': 'it''s', 'n': 1}\"},{\"Statement\":\"SELECT y FROM "
     "many WHERE p = 'a' AND c = 2\"},{\"Statement\":\"SLECT\"}],\"ReturnConsumedCapacity\":\"TOTAL\"}"},
    {OP_STATEMENT_TRANSACTION, "",
     "{\"TransactStatements\":[{\"Statement\":\"DELETE FROM things WHERE id = "
     "?\",\"Parameters\":[\"it's\"]},{\"Statement\":\"EXISTS(SELECT * FROM many WHERE p = 'b' AND c = 1 AND g = 'h')\"}]}"},
};
#define ROWS (sizeof rows / sizeof rows[0])

static struct buf payloads[ROWS], plain[ROWS]; /* what the jobs say; what they answer in a time of plenty */
static bool scarce;

struct stage {
    struct kv *kv;
    struct tables *tables;
    uint64_t commits;
};

/* Runs one job under its id as a worker does. Returns what the store says. */
static enum kv_result run(struct stage *s, size_t i, struct buf *out)
{
    struct op op = {.code = rows[i].code, .table = slice_text(rows[i].table), .payload = value_of(buf_slice(&payloads[i]))};
    struct id id = {{(unsigned char)i}};
    struct buf scratch = {0};
    struct kv_txn *txn = NULL;
    bool changed;
    enum kv_result result = kv_begin(s->kv, KV_WRITE, &txn);
    if (result == KV_OK)
        result = table_begin(s->tables, txn, 1700000000000, &changed);
    if (result == KV_OK)
        result = table_apply(s->tables, txn, &op, out);
    if (result == KV_OK)
        result = table_end(s->tables, txn);
    struct outcome_row row = {i + 1, 5, buf_slice(out)};
    if (result == KV_OK)
        result = outcome_put(txn, &id, &row, &scratch);
    if (result == KV_OK)
        result = kv_commit(&txn);
    kv_abort(&txn);
    buf_finish(&scratch);
    return result;
}

static void run_until_done(struct stage *s, size_t i)
{
    struct buf out = {0};
    bool before = scarce_hit();
    enum kv_result result = run(s, i, &out);
    if (result != KV_OK) {
        assert_int_equal(result, KV_NO_MEMORY);
        assert_true(scarce_hit() && !before);
        buf_finish(&out);
        result = run(s, i, &out);
    }
    assert_int_equal(result, KV_OK);
    if (scarce && rows[i].code != OP_TABLE_CREATE) /* that one has a random id */
        assert_true(slice_equal(buf_slice(&out), buf_slice(&plain[i])));
    else if (!scarce)
        buf_append(&plain[i], out.data, out.len);
    buf_finish(&out);
}

/* Twice, if the first time found no memory. */
static void open_stage(struct stage *s)
{
    char *specs[] = {(char[]){"things:id"}};
    struct err e = {0};
    for (int tries = 0;; tries++) {
        s->kv = kv_mem_create();
        s->tables = s->kv ? tables_create(s->kv) : NULL;
        if (s->tables && tables_load(s->tables) == KV_OK && tables_ensure(s->tables, specs, 1, 1700000000000, &e) == 0)
            return;
        assert_true(scarce_hit() && tries == 0);
        tables_destroy(&s->tables);
        kv_close(&s->kv);
    }
}

static void story(void *self)
{
    struct stage s = {0};
    (void)self;
    open_stage(&s);
    for (size_t i = 0; i < ROWS; i++)
        run_until_done(&s, i);
    tables_destroy(&s.tables);
    kv_close(&s.kv);
}

static void any_allocation_may_fail(void **state)
{
    struct json_parser *parser = json_parser_create();
    struct err e;
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(json_to_value(parser, slice_text(rows[i].payload), LIMIT_JSON_DEPTH, &payloads[i], &e), 0);
    json_parser_destroy(&parser);
    story(NULL);
    scarce = true;
    assert_true(scarce_for_all(story, NULL) > 40);
    for (size_t i = 0; i < ROWS; i++) {
        buf_finish(&payloads[i]);
        buf_finish(&plain[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
