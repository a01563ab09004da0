/* catalog_row.c - see catalog_row.h. */
#include "worker/table/catalog_row.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

/* -- Members -------------------------------------------------------------------------------------------------- */
int64_t member_int(const struct value *map, const char *name, int64_t absent)
{
    struct value v = value_map_get(map, slice_text(name));
    int64_t number;

    return v.type == VALUE_N && value_to_int(&v, &number) ? number : absent;
}

struct slice member_text(const struct value *map, const char *name)
{
    struct value v = value_map_get(map, slice_text(name));
    return v.type == VALUE_S ? v.bytes : slice_of("", 0);
}

bool member_true(const struct value *map, const char *name)
{
    struct value v = value_map_get(map, slice_text(name));
    return v.type == VALUE_BOOL && v.truth;
}

static bool is_changed(struct slice name, const struct member *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(name, slice_text(changes[i].name)))
            return true;
    return false;
}

void members_put(struct buf *out, const struct value *map, const struct member *changes, size_t count)
{
    struct value_walk walk = value_walk_of(map);
    struct slice name;
    struct value value;
    uint32_t members = 0;
    size_t mark = mp_open(out);

    while (value_walk_next(&walk, &name, &value))
        if (!is_changed(name, changes, count)) {
            mp_put_slice(out, name);
            mp_put_raw(out, value.encoded);
            members++;
        }
    for (size_t i = 0; i < count; i++)
        if (changes[i].value.len > 0) {
            mp_put_text(out, changes[i].name);
            mp_put_raw(out, changes[i].value);
            members++;
        }
    mp_close_map(out, mark, members);
}

/* -- Writing -------------------------------------------------------------------------------------------------- */
static void put_key(struct buf *out, struct slice name, const char *second, const char *value)
{
    mp_put_map(out, 2);
    mp_put_text(out, "AttributeName");
    mp_put_slice(out, name);
    mp_put_text(out, second);
    mp_put_text(out, value);
}

void row_put_simple(struct buf *out, uint32_t id, int64_t created_ms, const struct key_schema *schema)
{
    uint32_t keys = schema->sort_name.len ? 2 : 1;

    mp_put_map(out, 5);
    mp_put_text(out, "BillingMode");
    mp_put_text(out, "PAY_PER_REQUEST");
    mp_put_text(out, "Id");
    value_put_int(out, id);
    mp_put_text(out, "Created");
    value_put_int(out, created_ms);
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
}

int row_modernize(struct slice stored, struct buf *out)
{
    struct mp_reader r = mp_reader_of(stored);
    struct key_schema schema;

    if (mp_peek(&r) == MP_MAP) {
        mp_put_raw(out, stored);
        return 0;
    }
    mp_array_exact(&r, 7);
    uint32_t id = (uint32_t)mp_uint(&r, UINT32_MAX);
    int64_t created_ms = mp_int(&r);
    schema.partition_name = mp_str(&r, LIMIT_KEY_NAME_BYTES);
    schema.partition_type = (enum value_type)mp_uint(&r, VALUE_B);
    schema.sort_name = mp_str(&r, LIMIT_KEY_NAME_BYTES);
    schema.sort_type = (enum value_type)mp_uint(&r, VALUE_NONE);
    mp_uint(&r, 0); /* the state: there was one */
    if (!mp_at_end(&r))
        return -1;
    row_put_simple(out, id, created_ms, &schema);
    return 0;
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
static bool find_type(const struct value *definitions, struct slice name, enum value_type *type)
{
    struct value_walk walk = value_walk_of(definitions);
    struct value one;

    while (value_walk_next(&walk, NULL, &one)) {
        struct slice letter = member_text(&one, "AttributeType");
        if (!slice_equal(member_text(&one, "AttributeName"), name))
            continue;
        for (enum value_type t = VALUE_S; t <= VALUE_B; t++)
            if (slice_equal(letter, slice_text(value_type_name(t)))) {
                *type = t;
                return true;
            }
    }
    return false;
}

/* Takes a KeySchema apart: HASH attributes, then RANGE attributes. */
static bool decode_keys(const struct value *schema, const struct value *definitions, struct index *index)
{
    struct value_walk walk = value_walk_of(schema);
    struct value one;

    index->partition_count = index->sort_count = 0;
    while (value_walk_next(&walk, NULL, &one)) {
        bool hash = slice_equal(member_text(&one, "KeyType"), slice_text("HASH"));
        uint32_t *count = hash ? &index->partition_count : &index->sort_count;
        struct index_attribute *to = (hash ? index->partition : index->sort) + *count;
        if (*count >= (hash ? INDEX_PARTITIONS : INDEX_SORTS))
            return false;
        to->name = member_text(&one, "AttributeName");
        if (!find_type(definitions, to->name, &to->type))
            return false;
        ++*count;
    }
    return index->partition_count > 0;
}

static bool decode_projection(const struct value *projection, struct index *index)
{
    struct slice type = member_text(projection, "ProjectionType");

    index->projection = slice_equal(type, slice_text("ALL"))         ? PROJECT_ALL
                        : slice_equal(type, slice_text("KEYS_ONLY")) ? PROJECT_KEYS
                                                                     : PROJECT_INCLUDE;
    index->included = value_map_get(projection, slice_text("NonKeyAttributes"));
    return projection->type == VALUE_M && (index->projection != PROJECT_INCLUDE || index->included.type == VALUE_L);
}

static bool decode_index(const struct value *described, const struct value *definitions, struct index *index)
{
    struct value keys = value_map_get(described, slice_text("KeySchema")),
                 projection = value_map_get(described, slice_text("Projection"));

    memset(index, 0, sizeof *index);
    index->described = *described;
    index->name = member_text(described, "IndexName");
    index->id = (uint32_t)member_int(described, "Id", 0);
    index->local = member_true(described, "Local");
    index->state = member_int(described, "State", INDEX_ACTIVE) == INDEX_ACTIVE ? INDEX_ACTIVE : INDEX_CREATING;
    return index->id > 0 && index->name.len > 0 && keys.type == VALUE_L && decode_keys(&keys, definitions, index) &&
           decode_projection(&projection, index);
}

static enum kv_result decode_indexes(const struct value *definitions, struct table *t)
{
    struct value list = value_map_get(&t->described, slice_text("Indexes")), one;
    struct value_walk walk;

    if (list.type != VALUE_L || list.count == 0)
        return KV_OK;
    t->indexes = calloc(list.count, sizeof *t->indexes);
    if (!t->indexes)
        return KV_NO_MEMORY;
    walk = value_walk_of(&list);
    while (value_walk_next(&walk, NULL, &one))
        if (!decode_index(&one, definitions, &t->indexes[t->index_count++]))
            return KV_FATAL;
    return KV_OK;
}

static enum stream_view view_of(struct slice name)
{
    if (slice_equal(name, slice_text("NEW_IMAGE")))
        return VIEW_NEW_IMAGE;
    if (slice_equal(name, slice_text("OLD_IMAGE")))
        return VIEW_OLD_IMAGE;
    return slice_equal(name, slice_text("KEYS_ONLY")) ? VIEW_KEYS_ONLY : VIEW_NEW_AND_OLD_IMAGES;
}

static void decode_tracking(struct table *t)
{
    struct value stream = value_map_get(&t->described, slice_text("Stream")),
                 expiry = value_map_get(&t->described, slice_text("Ttl"));

    if (member_true(&stream, "On")) {
        t->stream_id = (uint32_t)member_int(&stream, "Id", 0);
        t->stream_view = view_of(member_text(&stream, "View"));
    }
    t->expiry_id = (uint32_t)member_int(&expiry, "Id", 0);
    t->expiry_attribute = member_text(&expiry, "AttributeName");
    t->backup_id = (uint32_t)member_int(&t->described, "Backup", 0);
    t->tracked = t->stream_id > 0 || t->expiry_id > 0 || t->backup_id > 0;
}

static bool decode_schema(const struct value *definitions, struct table *t)
{
    struct value keys = value_map_get(&t->described, slice_text("KeySchema"));
    struct index as_index;

    memset(&as_index, 0, sizeof as_index);
    if (keys.type != VALUE_L || !decode_keys(&keys, definitions, &as_index) || as_index.partition_count != 1 ||
        as_index.sort_count > 1)
        return false;
    t->schema.partition_name = as_index.partition[0].name;
    t->schema.partition_type = as_index.partition[0].type;
    t->schema.sort_name = as_index.sort_count ? as_index.sort[0].name : slice_of("", 0);
    t->schema.sort_type = as_index.sort_count ? as_index.sort[0].type : VALUE_NONE;
    return t->schema.partition_name.len > 0;
}

enum kv_result row_decode(struct slice row, struct table *t)
{
    struct slice name = t->name;
    struct value definitions;

    memset(t, 0, sizeof *t);
    t->name = name;
    t->described = value_of(row);
    if (t->described.type != VALUE_M || value_check(row, NULL) != 0)
        return KV_FATAL;
    t->id = (uint32_t)member_int(&t->described, "Id", 0);
    t->created_ms = member_int(&t->described, "Created", 0);
    t->state = member_int(&t->described, "State", TABLE_ACTIVE) == TABLE_ACTIVE ? TABLE_ACTIVE : TABLE_CREATING;
    definitions = value_map_get(&t->described, slice_text("AttributeDefinitions"));
    if (t->id == 0 || definitions.type != VALUE_L || !decode_schema(&definitions, t))
        return KV_FATAL;
    decode_tracking(t);
    enum kv_result result = decode_indexes(&definitions, t);
    t->tracked = t->tracked || t->index_count > 0;
    return result;
}
