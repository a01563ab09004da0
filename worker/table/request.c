/* request.c - the stages that operations share (see request.h). */
#include "worker/table/request.h"

#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "worker/table/track.h"

int request_store_failed(struct request *rq, enum kv_result result)
{
    assert(result != KV_OK && result != KV_NOT_FOUND);
    rq->store = result;
    return -1;
}

void request_init(struct request *rq, struct tables *t, struct kv_txn *txn, const struct op *op, struct buf *out)
{
    memset(rq, 0, sizeof *rq);
    rq->t = t;
    rq->txn = txn;
    rq->op = op;
    rq->out = out;
    rq->table_name = op->table;
    for (int i = 0; i < ARG_COUNT; i++)
        rq->args.at[i].type = VALUE_NONE;
    rq->expr.arena = &t->arena;
    rq->old.type = VALUE_NONE;
}

/* boto3 lets a caller name the table again; naming another one cannot be meant. */
static int check_table_name(struct request *rq)
{
    struct slice name = rq->args.at[ARG_TABLE_NAME].bytes, table = rq->op->table;

    if (!arg_given(&rq->args, ARG_TABLE_NAME) || slice_equal(name, table))
        return 0;
    return err_set(&rq->err, ERR_VALIDATION, "TableName is \"%.*s\", but the operation is on the table \"%.*s\"",
                   (int)(name.len < 100 ? name.len : 100), (const char *)name.ptr, (int)(table.len < 100 ? table.len : 100),
                   (const char *)table.ptr);
}

int request_arguments(struct request *rq)
{
    rq->form = args_form_of(rq->op->code);
    if (args_bind(&rq->args, rq->form, &rq->op->payload, &rq->err) < 0)
        return -1;
    return check_table_name(rq);
}

int request_init_part(struct request *part, const struct request *whole, unsigned form, const struct value *map)
{
    request_init(part, whole->t, whole->txn, whole->op, whole->out);
    part->form = form;
    if (args_bind(&part->args, form, map, &part->err) < 0)
        return -1;
    if (arg_given(&part->args, ARG_TABLE_NAME))
        part->table_name = part->args.at[ARG_TABLE_NAME].bytes;
    return 0;
}

/* -- The table ------------------------------------------------------------------------------------------------ */
int request_table_name(struct request *rq)
{
    struct slice name = rq->table_name;
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

static bool changes_inside(const struct request *rq, struct slice name)
{
    for (const struct action *action = rq->update.actions; action; action = action->next)
        if (action->path.count > 1 && slice_equal(action->path.steps[0].name, name))
            return true;
    return false;
}

static bool reads_inside(const struct request *rq, struct slice name)
{
    for (uint32_t i = 0; i < rq->projection.count; i++)
        if (rq->projection.paths[i].count > 1 && slice_equal(rq->projection.paths[i].steps[0].name, name))
            return true;
    return rq->condition && condition_names(rq->condition, name, true);
}

static int not_scalar(struct request *rq, const char *kind, struct slice name)
{
    return err_set(&rq->err, ERR_VALIDATION,
                   "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %.*s", kind,
                   (int)name.len, (const char *)name.ptr);
}

static int check_indexed(struct request *rq, const struct index_attribute *attributes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (reads_inside(rq, attributes[i].name) || changes_inside(rq, attributes[i].name))
            return not_scalar(rq, "IndexKey", attributes[i].name);
    return 0;
}

/* Keys have no inside: no path of the request may lead into an attribute of one. An update may not name a key of the table at all, which
 * is found out later (write.c). */
static int check_paths(struct request *rq)
{
    const struct table *table = rq->table;

    if (reads_inside(rq, table->schema.partition_name))
        return not_scalar(rq, "Key", table->schema.partition_name);
    if (table->schema.sort_name.len && reads_inside(rq, table->schema.sort_name))
        return not_scalar(rq, "Key", table->schema.sort_name);
    for (uint32_t i = table->index_count; i-- > 0;) {
        const struct index *index = &table->indexes[i];
        if (check_indexed(rq, index->partition, index->partition_count) < 0 ||
            check_indexed(rq, index->sort, index->sort_count) < 0)
            return -1;
    }
    return 0;
}

int request_table(struct request *rq)
{
    rq->table = catalog_lookup(&rq->t->catalog, rq->table_name);
    if (rq->table && rq->table->state == TABLE_ACTIVE)
        return check_paths(rq);
    if (request_table_name(rq) < 0)
        return -1;
    return err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found");
}

int request_view(struct request *rq, struct view *view)
{
    struct slice name = rq->args.at[ARG_INDEX_NAME].bytes;

    *view = view_of_table(rq->table);
    if (!arg_given(&rq->args, ARG_INDEX_NAME))
        return 0;
    const struct index *index = index_find(rq->table, name);
    if (!index)
        return err_set(&rq->err, ERR_VALIDATION, "The table does not have the specified index: %.*s",
                       (int)(name.len < 255 ? name.len : 255), (const char *)name.ptr);
    if (!index->local && arg_true(&rq->args, ARG_CONSISTENT_READ))
        return err_set(&rq->err, ERR_VALIDATION, "Consistent reads are not supported on global secondary indexes");
    if (index->state != INDEX_ACTIVE)
        return err_set(&rq->err, ERR_VALIDATION, "Cannot read from backfilling global secondary index: %.*s", (int)name.len,
                       (const char *)name.ptr);
    *view = view_of_index(rq->table, index);
    return 0;
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
    rq->old_read = true;
    rq->old.type = VALUE_NONE;
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
