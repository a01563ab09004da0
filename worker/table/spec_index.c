/* spec_index.c - secondary indexes in a table's specification (see spec.h). */
#include <string.h>

#include "common/limits.h"
#include "worker/table/spec.h"

#define INVALID "One or more parameter values were invalid: "

static struct value member(const struct value *map, const char *name) { return value_map_get(map, slice_text(name)); }

/* -- One index ------------------------------------------------------------------------------------------------ */
static int check_projection(const struct value *given, struct err *e)
{
    struct value projection = member(given, "Projection"), attributes = member(&projection, "NonKeyAttributes");
    struct slice type = member_text(&projection, "ProjectionType");
    bool include = slice_equal(type, slice_text("INCLUDE"));

    if (type.len == 0)
        return err_set(e, ERR_VALIDATION, INVALID "Unknown ProjectionType: null");
    if (!include && attributes.type == VALUE_L)
        return err_set(e, ERR_VALIDATION, INVALID "ProjectionType is %.*s, but NonKeyAttributes is specified", (int)type.len,
                       (const char *)type.ptr);
    if (include && attributes.type != VALUE_L)
        return err_set(e, ERR_VALIDATION, INVALID "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    if (!include && !slice_equal(type, slice_text("ALL")) && !slice_equal(type, slice_text("KEYS_ONLY")))
        return err_set(e, ERR_VALIDATION, INVALID "Unknown ProjectionType: %.*s", (int)(type.len < 40 ? type.len : 40),
                       (const char *)type.ptr);
    return 0;
}

static int check_local(const struct spec_index *spec, struct slice name, struct err *e)
{
    struct value keys = member(spec->given, "KeySchema"), hash = value_list_get(&keys, 0),
                 table_hash = value_list_get(spec->schema, 0);
    struct slice is = member_text(&hash, "AttributeName"), expected = member_text(&table_hash, "AttributeName");

    if (keys.count != 2)
        return err_set(e, ERR_VALIDATION, INVALID "Index KeySchema does not have a range key for index: %.*s", (int)name.len,
                       (const char *)name.ptr);
    if (slice_equal(is, expected))
        return 0;
    return err_set(e, ERR_VALIDATION,
                   INVALID "Index KeySchema does not have the same leading hash key as table KeySchema for index: %.*s. index "
                           "hash key: %.*s, table hash key: %.*s",
                   (int)name.len, (const char *)name.ptr, (int)is.len, (const char *)is.ptr, (int)expected.len,
                   (const char *)expected.ptr);
}

static int check_index_billing(const struct spec_index *spec, struct slice name, struct err *e)
{
    struct value throughput = member(spec->given, "ProvisionedThroughput");

    if (spec->on_demand && throughput.type == VALUE_M)
        return err_set(e, ERR_VALIDATION,
                       INVALID "ProvisionedThroughput should not be specified for index: %.*s when BillingMode is "
                               "PAY_PER_REQUEST",
                       (int)name.len, (const char *)name.ptr);
    if (spec->on_demand)
        return 0;
    if (throughput.type != VALUE_M)
        return err_set(e, ERR_VALIDATION, INVALID "ProvisionedThroughput must be specified for index: %.*s", (int)name.len,
                       (const char *)name.ptr);
    return spec_check_throughput(&throughput, (const char *)name.ptr, name.len, e);
}

static int check_name(struct slice name, struct err *e)
{
    if (name.len >= LIMIT_TABLE_NAME_MIN && name.len <= LIMIT_TABLE_NAME_MAX)
        return 0;
    return err_set(e, ERR_VALIDATION,
                   "1 validation error detected: Value '%.*s' at 'indexName' failed to satisfy constraint: Member must have "
                   "length %s than or equal to %u",
                   (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr,
                   name.len < LIMIT_TABLE_NAME_MIN ? "greater" : "less",
                   name.len < LIMIT_TABLE_NAME_MIN ? LIMIT_TABLE_NAME_MIN : LIMIT_TABLE_NAME_MAX);
}

int spec_check_index(const struct spec_index *spec, struct err *e)
{
    struct slice name = member_text(spec->given, "IndexName");
    struct value keys = member(spec->given, "KeySchema");
    enum key_kind kind = spec->local ? KEY_OF_LOCAL_INDEX : KEY_OF_GLOBAL_INDEX;

    if (check_name(name, e) < 0 || spec_check_keys(&keys, spec->definitions, kind, e) < 0)
        return -1;
    if (spec->local && check_local(spec, name, e) < 0)
        return -1;
    if (check_projection(spec->given, e) < 0)
        return -1;
    return spec->local ? 0 : check_index_billing(spec, name, e);
}

/* -- All indexes ---------------------------------------------------------------------------------------------- */
int spec_check_indexes(const struct value *indexes, struct err *e)
{
    uint32_t attributes = 0;

    for (uint32_t i = 0; indexes->type == VALUE_L && i < indexes->count; i++) {
        struct value one = value_list_get(indexes, i), projection = member(&one, "Projection"),
                     names = member(&projection, "NonKeyAttributes");
        struct slice name = member_text(&one, "IndexName");
        attributes += names.type == VALUE_L ? names.count : 0;
        for (uint32_t j = 0; j < i; j++) {
            struct value other = value_list_get(indexes, j);
            if (slice_equal(name, member_text(&other, "IndexName")))
                return err_set(e, ERR_VALIDATION, INVALID "Duplicate index name: %.*s", (int)name.len, (const char *)name.ptr);
        }
    }
    if (attributes <= LIMIT_NON_KEY_ATTRIBUTES)
        return 0;
    return err_set(e, ERR_VALIDATION, INVALID "Number of attributes projected to secondary indexes exceeds the limit of %u: %u",
                   LIMIT_NON_KEY_ATTRIBUTES, attributes);
}

void spec_put_index(struct buf *out, const struct spec_index *spec, uint32_t id, enum index_state state)
{
    static const char *const kept[] = {"IndexName",          "KeySchema",     "Projection", "ProvisionedThroughput",
                                       "OnDemandThroughput", "WarmThroughput"};
    uint32_t members = 1;
    size_t mark = mp_open(out);

    mp_put_text(out, "Id");
    value_put_int(out, id);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct value v = member(spec->given, kept[i]);
        if (v.type == VALUE_NONE)
            continue;
        mp_put_text(out, kept[i]);
        mp_put_raw(out, v.encoded);
        members++;
    }
    if (spec->local) {
        mp_put_text(out, "Local");
        mp_put_bool(out, true);
        members++;
    }
    if (state != INDEX_ACTIVE) {
        mp_put_text(out, "State");
        value_put_int(out, state);
        members++;
    }
    mp_close_map(out, mark, members);
}
