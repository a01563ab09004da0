/* update_indexes.c - see update_indexes.h. */
#include "worker/table/update_indexes.h"

#include "common/limits.h"
#include "worker/table/census.h"
#include "worker/table/discard.h"
#include "worker/table/fill.h"
#include "worker/table/spec.h"

#define INVALID "One or more parameter values were invalid: "

/* One element of GlobalSecondaryIndexUpdates: one of the three has a type. */
struct index_update {
    struct value create, update, remove;
    struct slice name;
};

static struct value updates_of(const struct request *rq) { return control_arg(rq, "GlobalSecondaryIndexUpdates"); }

static struct index_update take_apart(const struct value *one)
{
    struct index_update u = {value_map_get(one, slice_text("Create")),
                             value_map_get(one, slice_text("Update")),
                             value_map_get(one, slice_text("Delete")),
                             {NULL, 0}};

    u.name = member_text(u.update.type == VALUE_M ? &u.update : u.create.type == VALUE_M ? &u.create : &u.remove, "IndexName");
    return u;
}

/* What the request says of an index of that name; false: nothing. */
static bool find_update(const struct request *rq, struct slice name, struct index_update *u)
{
    struct value list = updates_of(rq), one;
    struct value_walk walk = value_walk_of(&list);

    while (list.type == VALUE_L && value_walk_next(&walk, NULL, &one)) {
        *u = take_apart(&one);
        if (slice_equal(u->name, name))
            return true;
    }
    return false;
}

/* -- Checks --------------------------------------------------------------------------------------------------- */
static int check_shape(struct request *rq, const struct value *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct value one = value_list_get(list, i);
        struct index_update u = take_apart(&one);
        int kinds = (u.create.type == VALUE_M) + (u.update.type == VALUE_M) + (u.remove.type == VALUE_M);
        if (kinds != 1)
            return err_set(&rq->err, ERR_VALIDATION,
                           INVALID "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                                   "GlobalSecondaryIndexUpdate.Delete must not be null");
        for (uint32_t j = 0; j < i; j++) {
            struct value other = value_list_get(list, j);
            if (slice_equal(take_apart(&other).name, u.name))
                return err_set(&rq->err, ERR_VALIDATION,
                               INVALID
                               "Only one global secondary index update per index is allowed simultaneously. Index: %.*s",
                               (int)u.name.len, (const char *)u.name.ptr);
        }
    }
    return 0;
}

static int check_known(struct request *rq, const struct table *table, const struct index_update *u)
{
    const struct index *index = index_find(table, u->name);

    if (u->create.type == VALUE_M)
        return index ? err_set(&rq->err, ERR_VALIDATION, "Attempting to create an index which already exists") : 0;
    return index && !index->local ? 0 : err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found");
}

static int check_create(struct request *rq, const struct table *table, const struct value *row, const struct value *create)
{
    struct value definitions = control_arg(rq, "AttributeDefinitions"), schema = value_map_get(row, slice_text("KeySchema"));
    struct spec_index spec = {false, spec_is_on_demand(row), create, &schema, &definitions};
    static const unsigned char empty_list = 0x90;

    if (definitions.type != VALUE_L)
        definitions = value_of(slice_of(&empty_list, 1));
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].state == INDEX_CREATING)
            return err_set(&rq->err, ERR_LIMIT_EXCEEDED,
                           "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
    return spec_check_index(&spec, &rq->err);
}

/* A definition of the request must not contradict one that is in use. */
static int check_conflicts(struct request *rq, const struct table *table)
{
    struct value fresh = control_arg(rq, "AttributeDefinitions"),
                 old = value_map_get(&table->described, slice_text("AttributeDefinitions")), one, other;
    struct value_walk walk = value_walk_of(&fresh);

    while (fresh.type == VALUE_L && value_walk_next(&walk, NULL, &one)) {
        struct slice name = member_text(&one, "AttributeName"), type = member_text(&one, "AttributeType");
        struct value_walk others = value_walk_of(&old);
        while (value_walk_next(&others, NULL, &other))
            if (slice_equal(member_text(&other, "AttributeName"), name) &&
                !slice_equal(member_text(&other, "AttributeType"), type))
                return err_set(&rq->err, ERR_VALIDATION,
                               INVALID "Attribute %.*s is defined with another type: AttributeDefinitions has %.*s, the table "
                                       "has %.*s",
                               (int)name.len, (const char *)name.ptr, (int)type.len, (const char *)type.ptr,
                               (int)member_text(&other, "AttributeType").len,
                               (const char *)member_text(&other, "AttributeType").ptr);
    }
    return 0;
}

/* With provisioned billing every global index has its own throughput, with the other none may. */
static int check_index_billing(struct request *rq, const struct table *table, bool on_demand)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct index *index = &table->indexes[i];
        struct value has = value_map_get(&index->described, slice_text("ProvisionedThroughput"));
        struct index_update u = {.update = {.type = VALUE_NONE}};
        bool named = find_update(rq, index->name, &u);
        struct value asked = value_map_get(&u.update, slice_text("ProvisionedThroughput"));
        if (index->local || (named && u.remove.type == VALUE_M))
            continue;
        if (on_demand && asked.type == VALUE_M)
            return err_set(&rq->err, ERR_VALIDATION,
                           INVALID "ProvisionedThroughput should not be specified for index: %.*s when BillingMode is "
                                   "PAY_PER_REQUEST",
                           (int)index->name.len, (const char *)index->name.ptr);
        if (!on_demand && has.type != VALUE_M && asked.type != VALUE_M)
            return err_set(&rq->err, ERR_VALIDATION, INVALID "ProvisionedThroughput must be specified for index: %.*s",
                           (int)index->name.len, (const char *)index->name.ptr);
        if (asked.type == VALUE_M &&
            spec_check_throughput(&asked, (const char *)index->name.ptr, index->name.len, &rq->err) < 0)
            return -1;
    }
    return 0;
}

/* What the update leaves: numbers of indexes and of attributes that they project. */
static int check_totals(struct request *rq, const struct table *table, const struct value *list)
{
    uint32_t globals = 0, creates = 0;
    struct buf all;
    size_t mark;

    buf_init(&all);
    mark = mp_open(&all);
    for (uint32_t i = 0; i < table->index_count; i++) {
        globals += !table->indexes[i].local;
        mp_put_raw(&all, table->indexes[i].described.encoded);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        struct value one = value_list_get(list, i);
        struct index_update u = take_apart(&one);
        globals -= u.remove.type == VALUE_M;
        creates += u.create.type == VALUE_M;
        if (u.create.type == VALUE_M)
            mp_put_raw(&all, u.create.encoded);
    }
    mp_close_array(&all, mark, table->index_count + creates);
    int result = 0;
    if (creates > 1)
        result = err_set(&rq->err, ERR_LIMIT_EXCEEDED,
                         "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
    else if (globals + creates > LIMIT_GLOBAL_INDEXES)
        result = err_set(&rq->err, ERR_LIMIT_EXCEEDED,
                         "Subscriber limit exceeded: Number of GlobalSecondaryIndexes exceeds per-table limit of %u",
                         LIMIT_GLOBAL_INDEXES);
    else if (buf_failed(&all))
        result = request_store_failed(rq, KV_NO_MEMORY);
    else if (creates > 0) {
        struct value indexes = value_of(buf_slice(&all));
        result = spec_check_indexes(&indexes, &rq->err);
    }
    buf_finish(&all);
    return result;
}

int update_indexes_check(struct request *rq, const struct table *table, const struct edit *row)
{
    struct value list = updates_of(rq), map = edit_map(row);

    if (list.type == VALUE_L && check_shape(rq, &list) < 0)
        return -1;
    for (uint32_t i = 0; list.type == VALUE_L && i < list.count; i++) {
        struct value one = value_list_get(&list, i);
        struct index_update u = take_apart(&one);
        if (check_known(rq, table, &u) < 0 || (u.create.type == VALUE_M && check_create(rq, table, &map, &u.create) < 0))
            return -1;
    }
    if (check_conflicts(rq, table) < 0 || check_index_billing(rq, table, spec_is_on_demand(&map)) < 0)
        return -1;
    return list.type == VALUE_L ? check_totals(rq, table, &list) : 0;
}

/* -- Changes -------------------------------------------------------------------------------------------------- */
/* An index that stays, with its new throughput or, in a table without, with none. */
static void put_kept(struct buf *out, const struct index *index, const struct value *throughput, bool on_demand)
{
    struct member change = {"ProvisionedThroughput", {NULL, 0}};

    if (throughput->type == VALUE_M)
        change.value = throughput->encoded;
    if (on_demand || throughput->type == VALUE_M)
        members_put(out, &index->described, &change, 1);
    else
        mp_put_raw(out, index->described.encoded);
}

static enum kv_result drop_index(struct request *rq, const struct index *index)
{
    enum kv_result result = discard_later(rq->txn, index->id);
    return result == KV_OK ? census_forget(rq->txn, index->id) : result;
}

static enum kv_result make_index(struct request *rq, const struct table *table, const struct value *create, struct buf *out,
                                 bool *filling)
{
    struct spec_index spec = {.local = false, .given = create};
    bool empty = false;
    uint32_t id;

    enum kv_result result = catalog_take_id(rq->txn, &id);
    if (result == KV_OK)
        result = table_is_empty(rq->txn, table->id, &empty);
    if (result == KV_OK && !empty)
        result = fill_later(rq->txn, table->id, id);
    spec_put_index(out, &spec, id, empty ? INDEX_ACTIVE : INDEX_CREATING);
    *filling = true;
    return result;
}

static enum kv_result set_indexes(struct request *rq, const struct table *table, struct edit *row, bool *filling)
{
    struct value list = updates_of(rq), map = edit_map(row), one;
    struct value_walk walk = value_walk_of(&list);
    struct buf *out = edit_value(row);
    size_t mark = mp_open(out);
    uint32_t count = 0;
    enum kv_result result = KV_OK;

    for (uint32_t i = 0; i < table->index_count && result == KV_OK; i++) {
        const struct index *index = &table->indexes[i];
        struct index_update u = {.update = {.type = VALUE_NONE}};
        bool named = find_update(rq, index->name, &u);
        if (named && u.remove.type == VALUE_M) {
            result = drop_index(rq, index);
            continue;
        }
        struct value throughput = value_map_get(&u.update, slice_text("ProvisionedThroughput"));
        put_kept(out, index, &throughput, spec_is_on_demand(&map));
        count++;
    }
    while (list.type == VALUE_L && result == KV_OK && value_walk_next(&walk, NULL, &one)) {
        struct index_update u = take_apart(&one);
        if (u.create.type != VALUE_M)
            continue;
        result = make_index(rq, table, &u.create, out, filling);
        count++;
    }
    mp_close_array(out, mark, count);
    edit_set(row, "Indexes");
    return result;
}

int update_indexes(struct request *rq, const struct table *table, struct edit *row, bool *filling)
{
    struct value definitions = control_arg(rq, "AttributeDefinitions");
    enum kv_result result = set_indexes(rq, table, row, filling);

    if (result != KV_OK)
        return request_store_failed(rq, result);
    spec_set_definitions(row, &definitions);
    return 0;
}
