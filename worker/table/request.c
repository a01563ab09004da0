/* request.c - the stages that operations share (see request.h). */
#include "worker/table/request.h"

#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "worker/table/track.h"

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

int request_read(struct request *rq, bool for_update)
{
    struct buf *old = &rq->t->old;

    buf_reset(old);
    rq->old_read = true;
    rq->old.type = VALUE_NONE;
    enum kv_result result = kv_get(rq->txn, KV_ITEMS, buf_slice(&rq->t->key), for_update, old);
    if (result == KV_NOT_FOUND)
        return 0;
    if (result != KV_OK)
        return request_store_failed(rq, result);
    rq->old = value_of(buf_slice(old));
    return rq->old.type == VALUE_M ? 0 : request_store_failed(rq, KV_FATAL);
}

int request_condition(struct request *rq)
{
    if (!rq->condition || condition_eval(rq->condition, &rq->old))
        return 0;
    rq->answer_item = rq->old.type != VALUE_NONE && arg_is(&rq->args, ARG_RETURN_ON_FAILURE, "ALL_OLD");
    return err_set(&rq->err, ERR_CONDITION_FAILED, "The conditional request failed");
}

int request_check_indexes(struct request *rq, const struct value *item, bool update)
{
    return rq->table->index_count > 0 ? index_check_item(rq->table, item, &rq->old, update, &rq->err) : 0;
}

static int track(struct request *rq, const struct value *fresh)
{
    if (!rq->old_read && request_read(rq, true) < 0)
        return -1;
    return track_change(rq, fresh);
}

int request_write(struct request *rq, struct slice item)
{
    if (rq->table->tracked) {
        struct value fresh = value_of(item);
        if (track(rq, &fresh) < 0)
            return -1;
    }
    enum kv_result result = kv_put(rq->txn, KV_ITEMS, buf_slice(&rq->t->key), item, KV_SET);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}

int request_remove(struct request *rq)
{
    const struct value none = {.type = VALUE_NONE};

    if (rq->table->tracked && track(rq, &none) < 0)
        return -1;
    if (rq->old_read && rq->old.type == VALUE_NONE)
        return 0;
    enum kv_result result = kv_delete(rq->txn, KV_ITEMS, buf_slice(&rq->t->key));
    return result == KV_OK || result == KV_NOT_FOUND ? 0 : request_store_failed(rq, result);
}
