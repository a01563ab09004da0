/* op_table.c - the operations on tables themselves, and the two that touch none: echo and ping. */
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/catalog_row.h"
#include "worker/table/discard.h"

int op_echo(struct request *rq)
{
    answer_begin(rq->out);
    if (rq->op->payload.type == VALUE_NONE)
        mp_put_nil(rq->out);
    else
        mp_put_raw(rq->out, rq->op->payload.encoded);
    return 0;
}

int op_ping(struct request *rq)
{
    answer_begin(rq->out);
    mp_put_text(rq->out, "pong");
    return 0;
}

/* -- KeySchema ------------------------------------------------------------------------------------------------ */
static bool key_type_of(const struct value *v, enum value_type *type)
{
    for (enum value_type t = VALUE_S; t <= VALUE_B; t++)
        if (v->type == VALUE_S && slice_equal(v->bytes, slice_text(value_type_name(t)))) {
            *type = t;
            return true;
        }
    return false;
}

static int read_key(struct request *rq, const struct value *element, bool first, struct slice *name, enum value_type *type)
{
    struct value given = value_map_get(element, slice_text("AttributeName")),
                 kind = value_map_get(element, slice_text("KeyType")),
                 letter = value_map_get(element, slice_text("AttributeType"));
    const char *expected = first ? "HASH" : "RANGE";

    if (given.type != VALUE_S || given.bytes.len == 0 || given.bytes.len > LIMIT_KEY_NAME_BYTES)
        return err_set(&rq->err, ERR_VALIDATION, "Invalid KeySchema: an AttributeName has 1 to %u bytes", LIMIT_KEY_NAME_BYTES);
    if (kind.type != VALUE_S || !slice_equal(kind.bytes, slice_text(expected)))
        return err_set(&rq->err, ERR_VALIDATION, "Invalid KeySchema: The %s KeySchemaElement is not a %s key type",
                       first ? "first" : "second", expected);
    if (!key_type_of(&letter, type))
        return err_set(&rq->err, ERR_VALIDATION, "Invalid KeySchema: the AttributeType of %.*s must be one of S, N, B",
                       (int)given.bytes.len, (const char *)given.bytes.ptr);
    *name = given.bytes;
    return 0;
}

static int read_schema(struct request *rq, struct key_schema *schema)
{
    struct value list = value_map_get(&rq->op->payload, slice_text("KeySchema"));

    memset(schema, 0, sizeof *schema);
    schema->sort_type = VALUE_NONE;
    if (rq->op->payload.type != VALUE_M || rq->op->payload.count != 1 || list.type != VALUE_L || list.count < 1 ||
        list.count > 2)
        return err_set(&rq->err, ERR_VALIDATION, "Invalid KeySchema: it is a list of one or two keys, and the only argument");
    struct value element = value_list_get(&list, 0);
    if (read_key(rq, &element, true, &schema->partition_name, &schema->partition_type) < 0)
        return -1;
    if (list.count == 1)
        return 0;
    element = value_list_get(&list, 1);
    if (read_key(rq, &element, false, &schema->sort_name, &schema->sort_type) < 0)
        return -1;
    if (slice_equal(schema->partition_name, schema->sort_name))
        return err_set(&rq->err, ERR_VALIDATION,
                       "Invalid KeySchema: Both the Hash Key and the Range Key element in the KeySchema have the same name");
    return 0;
}

/* -- Descriptions --------------------------------------------------------------------------------------------- */
static void put_pair(struct buf *out, const char *name, struct slice text)
{
    mp_put_text(out, name);
    mp_put_str(out, (const char *)text.ptr, text.len);
}

static void put_key(struct buf *out, struct slice name, const char *second, const char *value)
{
    mp_put_map(out, 2);
    put_pair(out, "AttributeName", name);
    put_pair(out, second, slice_text(value));
}

static void put_description(struct buf *out, const struct table *table, const char *status)
{
    const struct key_schema *schema = &table->schema;
    uint32_t keys = schema->sort_name.len ? 2 : 1;

    mp_put_map(out, 5);
    put_pair(out, "TableName", table->name);
    put_pair(out, "TableStatus", slice_text(status));
    mp_put_text(out, "KeySchema");
    mp_put_array(out, keys);
    put_key(out, schema->partition_name, "KeyType", "HASH");
    if (keys == 2)
        put_key(out, schema->sort_name, "KeyType", "RANGE");
    mp_put_text(out, "AttributeDefinitions");
    mp_put_array(out, keys);
    put_key(out, schema->partition_name, "AttributeType", value_type_name(schema->partition_type));
    if (keys == 2)
        put_key(out, schema->sort_name, "AttributeType", value_type_name(schema->sort_type));
    char created[25];
    clock_format(table->created_ms, created);
    put_pair(out, "CreationDateTime", slice_text(created));
}

static int describe(struct request *rq, const char *name, const struct table *table, const char *status)
{
    struct buf *description = &rq->t->fresh;

    buf_reset(description);
    put_description(description, table, status);
    if (buf_failed(description))
        return request_store_failed(rq, KV_NO_MEMORY);
    answer_one(rq, name, buf_slice(description), NULL);
    return 0;
}

/* -- Operations ----------------------------------------------------------------------------------------------- */
int op_table_create(struct request *rq)
{
    struct key_schema schema;

    if (request_table_name(rq) < 0 || read_schema(rq, &schema) < 0)
        return -1;
    uint32_t id;
    enum kv_result result = catalog_take_id(rq->txn, &id);
    buf_reset(&rq->t->fresh);
    row_put_simple(&rq->t->fresh, id, rq->t->now_ms, &schema);
    if (result == KV_OK)
        result = catalog_insert(&rq->t->catalog, rq->txn, rq->op->table, buf_slice(&rq->t->fresh), &rq->err);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    if (rq->err.code != ERR_NONE)
        return -1;
    const struct table *table = catalog_lookup(&rq->t->catalog, rq->op->table);
    return table ? describe(rq, "TableDescription", table, "ACTIVE") : request_store_failed(rq, KV_FATAL);
}

static int find_table(struct request *rq, const struct table **table)
{
    if (request_table_name(rq) < 0)
        return -1;
    *table = catalog_lookup(&rq->t->catalog, rq->op->table);
    if (*table)
        return 0;
    return err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found: Table: %.*s not found", (int)rq->op->table.len,
                   (const char *)rq->op->table.ptr);
}

int op_table_drop(struct request *rq)
{
    const struct table *table;

    /* described first: dropping it invalidates the description */
    if (find_table(rq, &table) < 0 || describe(rq, "TableDescription", table, "DELETING") < 0)
        return -1;
    enum kv_result result = discard_later(rq->txn, table->id);
    if (result == KV_OK)
        result = catalog_remove(&rq->t->catalog, rq->txn, rq->op->table);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}

int op_table_describe(struct request *rq)
{
    const struct table *table;
    return find_table(rq, &table) < 0 ? -1 : describe(rq, "Table", table, "ACTIVE");
}

int op_table_list(struct request *rq)
{
    const struct catalog *c = &rq->t->catalog;
    struct buf *names = &rq->t->fresh;

    buf_reset(names);
    mp_put_array(names, c->count);
    for (uint32_t i = 0; i < c->count; i++)
        mp_put_str(names, (const char *)c->tables[i].name.ptr, c->tables[i].name.len);
    if (buf_failed(names))
        return request_store_failed(rq, KV_NO_MEMORY);
    answer_one(rq, "TableNames", buf_slice(names), NULL);
    return 0;
}
