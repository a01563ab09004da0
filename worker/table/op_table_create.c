/* op_table_create.c - CreateTable: checks the whole specification, then writes the table's row, its tags and its stream. */
#include "common/limits.h"
#include "worker/table/control.h"
#include "worker/table/describe.h"
#include "worker/table/spec.h"
#include "worker/table/stream_list.h"
#include "worker/table/tags.h"

#define INVALID "One or more parameter values were invalid: "

/* A request taken apart. */
struct creation {
    struct request *rq;
    struct value schema, definitions, local, global, stream, tags;
    bool on_demand, streams;
    struct buf all; /* local and global indexes as one L, as given */
    struct edit row;
};

/* -- Checks --------------------------------------------------------------------------------------------------- */
static int check_list(struct request *rq, const struct value *list, const char *name, uint32_t most, const char *too_many)
{
    if (list->type != VALUE_L)
        return 0;
    if (list->count == 0)
        return err_set(&rq->err, ERR_VALIDATION, INVALID "List of %s is empty", name);
    return list->count > most ? err_set(&rq->err, ERR_VALIDATION, INVALID "%s limit of %u", too_many, most) : 0;
}

static struct spec_index spec_of(const struct creation *c, const struct value *index, bool local)
{
    return (struct spec_index){local, c->on_demand, index, &c->schema, &c->definitions};
}

static int check_each(const struct creation *c, const struct value *list, bool local)
{
    struct value_walk walk = value_walk_of(list);
    struct value one;

    while (list->type == VALUE_L && value_walk_next(&walk, NULL, &one)) {
        struct spec_index spec = spec_of(c, &one, local);
        if (spec_check_index(&spec, &c->rq->err) < 0)
            return -1;
    }
    return 0;
}

static void put_all(struct buf *out, const struct value *list)
{
    if (list->type == VALUE_L)
        buf_append(out, list->bytes.ptr, list->bytes.len);
}

static int check_indexes(struct creation *c)
{
    struct err *e = &c->rq->err;

    if (c->local.type == VALUE_L && c->local.count > 0 && c->schema.count != 2)
        return err_set(e, ERR_VALIDATION,
                       INVALID "Table KeySchema does not have a range key, which is required when specifying a "
                               "LocalSecondaryIndex");
    if (check_each(c, &c->local, true) < 0 || check_each(c, &c->global, false) < 0 ||
        check_list(c->rq, &c->local, "LocalSecondaryIndexes", LIMIT_LOCAL_INDEXES,
                   "Number of LocalSecondaryIndexes exceeds per-table") < 0 ||
        check_list(c->rq, &c->global, "GlobalSecondaryIndexes", LIMIT_GLOBAL_INDEXES,
                   "GlobalSecondaryIndex count exceeds the per-table") < 0)
        return -1;
    mp_put_array(&c->all, (c->local.type == VALUE_L ? c->local.count : 0) + (c->global.type == VALUE_L ? c->global.count : 0));
    put_all(&c->all, &c->local);
    put_all(&c->all, &c->global);
    if (buf_failed(&c->all))
        return request_store_failed(c->rq, KV_NO_MEMORY);
    struct value all = value_of(buf_slice(&c->all));
    return spec_check_definitions(&c->definitions, &c->schema, &all, e) < 0 ? -1 : spec_check_indexes(&all, e);
}

static int check(struct creation *c)
{
    struct err *e = &c->rq->err;

    if (spec_check_billing(&c->rq->op->payload, e) < 0 || spec_check_keys(&c->schema, &c->definitions, KEY_OF_TABLE, e) < 0 ||
        check_indexes(c) < 0)
        return -1;
    if (c->stream.type == VALUE_M && spec_check_stream(&c->stream, &c->streams, e) < 0)
        return -1;
    if (c->tags.type != VALUE_L)
        return 0;
    if (c->tags.count > LIMIT_TAGS)
        return err_set(e, ERR_VALIDATION, INVALID "Too many tags: %u, the limit is %u", c->tags.count, LIMIT_TAGS);
    return tags_check(&c->tags, e);
}

/* -- The row -------------------------------------------------------------------------------------------------- */
static enum kv_result put_indexes(struct creation *c, struct buf *out, const struct value *list, bool local)
{
    struct value_walk walk = value_walk_of(list);
    struct value one;
    enum kv_result result = KV_OK;
    uint32_t id;

    while (list->type == VALUE_L && result == KV_OK && value_walk_next(&walk, NULL, &one)) {
        struct spec_index spec = spec_of(c, &one, local);
        result = catalog_take_id(c->rq->txn, &id);
        spec_put_index(out, &spec, id, INDEX_ACTIVE);
    }
    return result;
}

static enum kv_result set_indexes(struct creation *c)
{
    struct buf *out = edit_value(&c->row);
    struct value all = value_of(buf_slice(&c->all));

    if (all.count == 0)
        return KV_OK;
    mp_put_array(out, all.count);
    enum kv_result result = put_indexes(c, out, &c->local, true);
    if (result == KV_OK)
        result = put_indexes(c, out, &c->global, false);
    edit_set(&c->row, "Indexes");
    return result;
}

/* What the row keeps as it was given. */
static void set_given(struct creation *c)
{
    static const char *const names[] = {"KeySchema",  "AttributeDefinitions", "BillingMode",   "ProvisionedThroughput",
                                        "TableClass", "OnDemandThroughput",   "WarmThroughput"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct value v = control_arg(c->rq, names[i]);
        if (v.type != VALUE_NONE)
            edit_set_raw(&c->row, names[i], v.encoded);
    }
    edit_set_true(&c->row, "Protected", member_true(&c->rq->op->payload, "DeletionProtectionEnabled"));
}

static enum kv_result write_table(struct creation *c, uint32_t id)
{
    struct request *rq = c->rq;
    uint32_t tags;

    enum kv_result result = set_indexes(c);
    if (result == KV_OK && c->streams)
        result = stream_switch_on(rq->txn, rq->table_name, &c->row, member_text(&c->stream, "StreamViewType"), rq->t->now_ms);
    if (result == KV_OK && c->tags.type == VALUE_L && c->tags.count > 0)
        result = tags_add(rq->txn, id, &c->tags, &tags);
    if (result == KV_OK && edit_failed(&c->row))
        result = KV_NO_MEMORY;
    return result == KV_OK ? catalog_insert(&rq->t->catalog, rq->txn, rq->table_name, edit_map(&c->row).encoded) : result;
}

static int create(struct creation *c)
{
    struct value encryption = control_arg(c->rq, "SSESpecification");
    struct value partition = value_list_get(&c->schema, 0), sort = value_list_get(&c->schema, 1);
    const struct key_schema names = {.partition_name = member_text(&partition, "AttributeName"),
                                     .sort_name = member_text(&sort, "AttributeName")};
    uint32_t id;

    set_given(c);
    if (encryption.type == VALUE_M && spec_set_encryption(&c->row, &encryption, c->rq->t->home, &c->rq->err) < 0)
        return -1;
    if (catalog_check_new(&c->rq->t->catalog, c->rq->table_name, &names, &c->rq->err) < 0)
        return -1;
    enum kv_result result = catalog_take_id(c->rq->txn, &id);
    edit_set_int(&c->row, "Id", id);
    edit_set_int(&c->row, "Created", c->rq->t->now_ms);
    if (result == KV_OK)
        result = write_table(c, id);
    if (result != KV_OK)
        return request_store_failed(c->rq, result);
    const struct table *table = catalog_lookup(&c->rq->t->catalog, c->rq->table_name);
    return table ? describe_answer(c->rq, "TableDescription", table, NULL) : request_store_failed(c->rq, KV_FATAL);
}

int op_table_create(struct request *rq)
{
    static const unsigned char empty_map = 0x80;
    struct creation c = {.rq = rq,
                         .schema = control_arg(rq, "KeySchema"),
                         .definitions = control_arg(rq, "AttributeDefinitions"),
                         .local = control_arg(rq, "LocalSecondaryIndexes"),
                         .global = control_arg(rq, "GlobalSecondaryIndexes"),
                         .stream = control_arg(rq, "StreamSpecification"),
                         .tags = control_arg(rq, "Tags"),
                         .on_demand = spec_is_on_demand(&rq->op->payload)};

    if (rq->table_name.len == 0)
        rq->table_name = member_text(&rq->op->payload, "TableName");
    if (request_table_name(rq) < 0)
        return -1;
    buf_init(&c.all);
    edit_init(&c.row, slice_of(&empty_map, 1));
    int result = check(&c) < 0 ? -1 : create(&c);
    edit_finish(&c.row);
    buf_finish(&c.all);
    return result;
}
