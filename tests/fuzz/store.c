/* store.c - any bytes in the rows of the table store, as damage or another version would leave them: they are told to be damage, or they
 * are good; they never break the reader, and no bad value gets into an answer.
 *
 * Input: rows, each a byte that says which one, and a chunk with its bytes (see enum row). Then every operation there is. */
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "tests/fuzz/fuzz.h"
#include "worker/outcomes.h"
#include "worker/table/key.h"
#include "worker/table/table.h"

enum row { ROW_TABLE, ROW_VERSION, ROW_NEXT_ID, ROW_ITEM, ROW_ITEM_KEY, ROW_OUTCOME, ROW_META_KEY, ROW_SWEEP, ROW_COUNT };

#define ITEM_KEY_TABLE 1u

/* Keys are as the engine writes them; only ROW_ITEM_KEY and ROW_META_KEY have free ones, behind a prefix. */
static void put_row(struct kv_txn *txn, enum row row, struct slice bytes)
{
    unsigned char outcome[OUTCOME_KEY_BYTES] = {0};
    struct buf key = {0};
    struct value id = {.type = VALUE_S, .bytes = slice_text("1")};
    struct item_key item = {.partition = id, .sort = {.type = VALUE_NONE}, .hash = key_hash_partition(&id)};
    enum kv_space space = row == ROW_OUTCOME ? KV_OUTCOMES : row == ROW_ITEM || row == ROW_ITEM_KEY ? KV_ITEMS : KV_META;
    switch (row) {
    case ROW_TABLE:
        buf_text(&key, "table:things");
        break;
    case ROW_VERSION:
        buf_text(&key, "tables:version");
        break;
    case ROW_NEXT_ID:
        buf_text(&key, "tables:next-id");
        break;
    case ROW_ITEM:
        key_encode(&key, ITEM_KEY_TABLE, &item);
        break;
    case ROW_ITEM_KEY:
        key_encode_prefix(&key, ITEM_KEY_TABLE, fuzz_u64(&bytes));
        buf_append(&key, bytes.ptr, fuzz_u8(&bytes) % 8 < bytes.len ? 0 : bytes.len);
        break;
    case ROW_OUTCOME:
        outcome_key(outcome, &(struct id){{0}});
        buf_append(&key, outcome, sizeof outcome);
        break;
    case ROW_META_KEY:
        buf_text(&key, "table:");
        struct slice name = fuzz_bytes(&bytes, fuzz_u8(&bytes));
        buf_append(&key, name.ptr, name.len);
        break;
    default:
        buf_text(&key, "sweep:");
        buf_append(&key, bytes.ptr, bytes.len < 4 ? bytes.len : 4);
        break;
    }
    fuzz_check(kv_put(txn, space, buf_slice(&key), bytes, KV_SET) == KV_OK);
    buf_finish(&key);
}

static void create_table(struct tables *tables)
{
    char *specs[] = {(char[]){"things:id"}};
    struct err e;
    fuzz_check(tables_load(tables) == KV_OK && tables_ensure(tables, specs, 1, FUZZ_NOW_MS, &e) == 0);
}

static bool damage(enum kv_result result)
{
    fuzz_check(result == KV_OK || result == KV_FATAL);
    return result == KV_FATAL;
}

static void run(struct kv *kv, struct tables *tables, enum op_code code, struct slice payload)
{
    struct op op = {.code = code, .table = slice_text("things"), .payload = value_of(payload)};
    struct kv_txn *txn;
    struct buf out = {0};
    bool changed;
    fuzz_check(kv_begin(kv, KV_WRITE, &txn) == KV_OK);
    if (!damage(table_begin(tables, txn, FUZZ_NOW_MS, &changed)) && !damage(table_apply(tables, txn, &op, &out)) &&
        !damage(table_end(tables, txn)))
        fuzz_check_outcome(buf_slice(&out));
    kv_abort(&txn);
    buf_finish(&out);
}

/* Every way to look at an item, and every way to change it. */
static void run_all(struct kv *kv, struct tables *tables)
{
    static const struct {
        enum op_code code;
        const char *payload;
    } rows[] = {
        {OP_READ, "{\"Key\":{\"id\":\"1\"},\"ReturnConsumedCapacity\":\"TOTAL\"}"},
        {OP_READ, "{\"Key\":{\"id\":\"1\"},\"ProjectionExpression\":\"a, b.c, d[0]\"}"},
        {OP_UPDATE, "{\"Key\":{\"id\":\"1\"},\"UpdateExpression\":\"SET a.b[0] = if_not_exists(c, :v), d = list_append(d, :l) "
                    "REMOVE e ADD n :v, "
                    "s :s DELETE t "
                    ":s\",\"ExpressionAttributeValues\":{\":v\":1,\":l\":[1],\":s\":{\"$stringSet\":[\"a\"]}},\"ReturnValues\":"
                    "\"ALL_NEW\"}"},
        {OP_UPDATE,
         "{\"Key\":{\"id\":\"1\"},\"UpdateExpression\":\"SET x = :v\",\"ConditionExpression\":\"contains(a, :v) OR size(b) > "
         ":v OR "
         "attribute_type(c, :t) OR a = b OR begins_with(d, :t)\",\"ExpressionAttributeValues\":{\":v\":1,\":t\":\"S\"},"
         "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\",\"ReturnValues\":\"UPDATED_OLD\"}"},
        {OP_CREATE, "{\"Item\":{\"id\":\"1\",\"a\":2},\"ReturnValues\":\"ALL_OLD\",\"ReturnConsumedCapacity\":\"TOTAL\"}"},
        {OP_DELETE, "{\"Key\":{\"id\":\"1\"},\"ReturnValues\":\"ALL_OLD\"}"},
        {OP_LIST, "{\"ReturnConsumedCapacity\":\"TOTAL\"}"},
        {OP_LIST, "{\"FilterExpression\":\"a < :v\",\"ExpressionAttributeValues\":{\":v\":1},\"ProjectionExpression\":\"id, "
                  "a[1].b\",\"Limit\":1}"},
        {OP_TABLE_LIST, "{}"},
        {OP_TABLE_DESCRIBE, "{}"},
        {OP_TABLE_DROP, "{}"},
        {OP_TABLE_CREATE, "{\"KeySchema\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\",\"KeyType\":\"HASH\"}]}"},
    };
    static struct buf payloads[sizeof rows / sizeof rows[0]];
    if (!payloads[0].data) {
        struct json_parser *parser = json_parser_create();
        struct err e;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            fuzz_check(json_to_value(parser, slice_text(rows[i].payload), LIMIT_JSON_DEPTH, &payloads[i], &e) == 0);
        json_parser_destroy(&parser);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        run(kv, tables, rows[i].code, buf_slice(&payloads[i]));
}

static void look_up(struct kv *kv)
{
    struct kv_txn *txn;
    struct buf out = {0}, scratch = {0};
    struct outcome o;
    fuzz_check(kv_begin(kv, KV_SNAPSHOT, &txn) == KV_OK);
    enum kv_result result = outcome_get(txn, &(struct id){{0}}, false, &scratch, &out);
    if (result != KV_NOT_FOUND && !damage(result))
        fuzz_check(outcome_decode(buf_slice(&out), &o) == 0);
    kv_abort(&txn);
    buf_finish(&out);
    buf_finish(&scratch);
}

void fuzz_store(struct slice input)
{
    struct kv *kv = kv_mem_create();
    struct tables *tables = kv ? tables_create(kv) : NULL;
    struct kv_txn *txn;
    bool left = true;
    fuzz_check(tables);
    create_table(tables);
    fuzz_check(kv_begin(kv, KV_WRITE, &txn) == KV_OK);
    while (fuzz_more(&input)) {
        enum row row = (enum row)(fuzz_u8(&input) % ROW_COUNT);
        put_row(txn, row, fuzz_chunk(&input));
    }
    fuzz_check(kv_commit(&txn) == KV_OK);
    tables_destroy(&tables);
    tables = tables_create(kv); /* as a new process finds it */
    fuzz_check(tables);
    if (!damage(tables_load(tables)))
        run_all(kv, tables);
    look_up(kv);
    for (int i = 0; i < 10 && left; i++)
        damage(table_chores(tables, FUZZ_NOW_MS, 2, &left));
    tables_destroy(&tables);
    kv_close(&kv);
}
