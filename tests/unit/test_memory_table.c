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
    const char *payload;
} rows[] = {
    {OP_CREATE, "{\"Item\":{\"id\":\"1\",\"n\":1,\"l\":[1,2,{\"a\":\"b\"}],\"s\":{\"$stringSet\":[\"a\",\"b\"]}}}"},
    {OP_UPDATE,
     "{\"Key\":{\"id\":\"1\"},\"UpdateExpression\":\"SET #n = n + :one, l[2].a = if_not_exists(x, :l), y = list_append(l, :l) "
     "REMOVE "
     "l[0] ADD s :s\",\"ExpressionAttributeNames\":{\"#n\":\"n\"},\"ExpressionAttributeValues\":{\":one\":1,\":l\":[7],\":s\":{"
     "\"$stringSet\":[\"c\"]}},\"ReturnValues\":\"ALL_NEW\"}"},
    {OP_UPDATE, "{\"Key\":{\"id\":\"1\"},\"AttributeUpdates\":{\"n\":{\"Action\":\"ADD\",\"Value\":1}},\"Expected\":{\"n\":{"
                "\"ComparisonOperator\":"
                "\"GE\",\"AttributeValueList\":[1]}}}"},
    {OP_CREATE,
     "{\"Item\":{\"id\":\"2\"},\"ConditionExpression\":\"attribute_not_exists(id) AND NOT (a IN (:a, :b) OR size(b) > :a)\","
     "\"ExpressionAttributeValues\":{\":a\":1,\":b\":2}}"},
    {OP_LIST,
     "{\"FilterExpression\":\"n > :a\",\"ExpressionAttributeValues\":{\":a\":1},\"ProjectionExpression\":\"id, l[0], n\"}"},
    {OP_READ, "{\"Key\":{\"id\":\"1\"},\"ProjectionExpression\":\"n\"}"},
    {OP_DELETE, "{\"Key\":{\"id\":\"2\"},\"ReturnValues\":\"ALL_OLD\"}"},
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
    struct op op = {.code = rows[i].code, .table = slice_text("things"), .payload = value_of(buf_slice(&payloads[i]))};
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
    if (scarce)
        assert_true(slice_equal(buf_slice(&out), buf_slice(&plain[i])));
    else
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
