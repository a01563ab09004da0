/* request.c - the stages that operations share (see request.h). */
#include "worker/table/request.h"

#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"

int request_store_failed(struct request *rq, enum kv_result result)
{
    assert(result != KV_OK && result != KV_NOT_FOUND);
    rq->store = result;
    return -1;
}

int request_arguments(struct request *rq) { return args_bind(&rq->args, rq->op, &rq->err); }

/* -- The table ------------------------------------------------------------------------------------------------ */
int request_table_name(struct request *rq)
{
    struct slice name = rq->op->table;
    const char *rule = NULL;

    if (name.len == 0)
        return err_set(&rq->err, ERR_VALIDATION, "Missing required parameter in input: \"TableName\"");
    for (size_t i = 0; i < name.len && !rule; i++) {
        unsigned char c = name.ptr[i], lower = c | 0x20;
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && !memchr("_.-", c, 3))
            rule = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
    }
    if (!rule && name.len < LIMIT_TABLE_NAME_MIN)
        rule = "have length greater than or equal to 3";
    if (!rule && name.len > LIMIT_TABLE_NAME_MAX)
        rule = "have length less than or equal to 255";
    if (!rule)
        return 0;
    return err_set(&rq->err, ERR_VALIDATION,
                   "1 validation error detected: Value '%.*s' at 'tableName' failed to satisfy constraint: Member must %s",
                   (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr, rule);
}

int request_table(struct request *rq)
{
    rq->table = catalog_lookup(&rq->t->catalog, rq->op->table);
    if (rq->table)
        return 0;
    if (request_table_name(rq) < 0)
        return -1;
    return err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found");
}

/* -- The item ------------------------------------------------------------------------------------------------- */
int request_encode_key(struct request *rq)
{
    buf_reset(&rq->t->key);
    key_encode(&rq->t->key, rq->table->id, &rq->key);
    return buf_failed(&rq->t->key) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
}

/* Is it an item, to the last byte, and the one of that key? */
static bool is_item_of(struct request *rq, struct slice key, const struct value *item)
{
    struct buf *own = &rq->t->spare;
    struct item_key parts;

    if (item->type != VALUE_M || value_check(item->encoded, NULL) < 0 ||
        key_of_item(&rq->table->schema, item, &parts, NULL) < 0)
        return false;
    buf_reset(own);
    key_encode(own, rq->table->id, &parts);
    return buf_failed(own) || slice_equal(buf_slice(own), key);
}

int request_item(struct request *rq, struct slice key, struct slice bytes, struct value *item)
{
    *item = value_of(bytes);
    if (is_item_of(rq, key, item))
        return 0;
    item->type = VALUE_NONE;
    log_error("store.damaged", "table=%.*s bytes=%zu text=\"a row is not the item of its key\"", (int)rq->table->name.len,
              (const char *)rq->table->name.ptr, bytes.len);
    return request_store_failed(rq, KV_FATAL);
}

int request_read(struct request *rq, bool for_update)
{
    struct buf *old = &rq->t->old;

    buf_reset(old);
    enum kv_result result = kv_get(rq->txn, KV_ITEMS, buf_slice(&rq->t->key), for_update, old);
    if (result == KV_NOT_FOUND)
        return 0;
    if (result != KV_OK)
        return request_store_failed(rq, result);
    return request_item(rq, buf_slice(&rq->t->key), buf_slice(old), &rq->old);
}

int request_condition(struct request *rq)
{
    if (!rq->condition || condition_eval(rq->condition, &rq->old))
        return 0;
    rq->answer_item = rq->old.type != VALUE_NONE && arg_is(&rq->args, ARG_RETURN_ON_FAILURE, "ALL_OLD");
    return err_set(&rq->err, ERR_CONDITION_FAILED, "The conditional request failed");
}

int request_write(struct request *rq, struct slice item)
{
    enum kv_result result = kv_put(rq->txn, KV_ITEMS, buf_slice(&rq->t->key), item, KV_SET);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}

int request_remove(struct request *rq)
{
    enum kv_result result = kv_delete(rq->txn, KV_ITEMS, buf_slice(&rq->t->key));
    return result == KV_OK || result == KV_NOT_FOUND ? 0 : request_store_failed(rq, result);
}
