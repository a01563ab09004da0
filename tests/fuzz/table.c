/* table.c - one job a line, as in a batch of the operation API, applied to two tables: things (id: S), and pairs (a: S, b: N).
 *
 * After each: what failed has changed nothing; every row of the store is what it should be. */
#include "worker/table/table.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/json.h"
#include "common/limits.h"
#include "gateway/job_parse.h"
#include "tests/fuzz/fuzz.h"
#include "worker/table/key.h"

static struct json_parser *parser;
static struct kv *kv;
static struct tables *tables;

static void destroy(void) { json_parser_destroy(&parser); }

static void open_tables(void)
{
    char *specs[] = {(char[]){"things:id"}, (char[]){"pairs:a:S,b:N"}};
    struct err e;
    if (!parser) {
        parser = json_parser_create();
        atexit(destroy);
    }
    kv = kv_mem_create();
    tables = kv ? tables_create(kv) : NULL;
    fuzz_check(parser && tables && tables_load(tables) == KV_OK && tables_ensure(tables, specs, 2, FUZZ_NOW_MS, &e) == 0);
}

static void check_item(struct slice key, struct slice bytes)
{
    static const struct key_schema schemas[] = {
        {.partition_name = {(const unsigned char *)"id", 2}, .partition_type = VALUE_S, .sort_type = VALUE_NONE},
        {.partition_name = {(const unsigned char *)"a", 1},
         .partition_type = VALUE_S,
         .sort_name = {(const unsigned char *)"b", 1},
         .sort_type = VALUE_N}};
    struct err e = {0};
    struct item_key own;
    struct buf encoded = {0};
    struct value item = value_of(bytes);
    uint32_t table = key_table(key);
    fuzz_check(table == 1 || table == 2);
    fuzz_check(item.type == VALUE_M && value_check(bytes, &e) == 0 && item_size(&item) <= LIMIT_ITEM_BYTES);
    fuzz_check(key_of_item(&schemas[table - 1], &item, &own, &e) == 0);
    key_encode(&encoded, table, &own);
    fuzz_check(slice_equal(buf_slice(&encoded), key));
    buf_finish(&encoded);
}

/* Looks at every item; the same sum means the same items. */
static uint64_t sum_of_items(void)
{
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, value;
    uint64_t sum = 0;
    fuzz_check(kv_begin(kv, KV_SNAPSHOT, &txn) == KV_OK && kv_cursor_open(txn, KV_ITEMS, &cursor) == KV_OK);
    enum kv_result result = kv_seek(cursor, (struct slice){0}, &key, &value);
    for (; result == KV_OK; result = kv_next(cursor, &key, &value)) {
        check_item(key, value);
        sum = XXH3_64bits_withSeed(key.ptr, key.len, sum);
        sum = XXH3_64bits_withSeed(value.ptr, value.len, sum);
    }
    fuzz_check(result == KV_NOT_FOUND);
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    return sum;
}

static void apply(const struct op *op)
{
    struct kv_txn *txn;
    struct buf out = {0}, key = {0};
    struct outcome o;
    bool changed;
    uint64_t before = sum_of_items();
    fuzz_check(kv_begin(kv, KV_WRITE, &txn) == KV_OK && table_begin(tables, txn, FUZZ_NOW_MS, &changed) == KV_OK);
    table_sort_key(tables, op, &key);
    fuzz_check(table_apply(tables, txn, op, &out) == KV_OK && table_end(tables, txn) == KV_OK && kv_commit(&txn) == KV_OK);
    fuzz_check_outcome(buf_slice(&out));
    uint64_t after = sum_of_items();
    outcome_decode(buf_slice(&out), &o);
    fuzz_check(after == before || (o.state == OUTCOME_SUCCEEDED && op_writes(op->code)));
    buf_finish(&out);
    buf_finish(&key);
}

static void one_job(struct slice line)
{
    struct err e = {0};
    struct buf value = {0}, body = {0};
    struct op op;
    if (json_to_value(parser, line, LIMIT_JSON_DEPTH, &value, &e) == 0) {
        struct value entry = value_of(buf_slice(&value));
        if (job_parse(&entry, &op, &e) == 0) {
            op_encode(&body, &op);
            fuzz_check(op_decode(buf_slice(&body), &op) == 0);
            apply(&op);
        }
    }
    buf_finish(&value);
    buf_finish(&body);
}

void fuzz_table(struct slice input)
{
    open_tables();
    while (fuzz_more(&input))
        one_job(fuzz_until(&input, "\n"));
    tables_destroy(&tables);
    kv_close(&kv);
}
