/* index.c - see index.h. */
#include "worker/table/index.h"

#include <assert.h>
#include <string.h>

#include "common/decimal.h"
#include "common/limits.h"
#include "worker/table/catalog.h"
#include "worker/table/key.h"

#define INVALID "One or more parameter values were invalid: "

const struct index *index_find(const struct table *table, struct slice name)
{
    for (uint32_t i = 0; i < table->index_count; i++)
        if (slice_equal(table->indexes[i].name, name))
            return &table->indexes[i];
    return NULL;
}

/* -- Which items ---------------------------------------------------------------------------------------------- */
static bool content_fits(const struct value *value, size_t max, size_t *used)
{
    if (value->type == VALUE_N)
        return true;
    *used += value->bytes.len;
    return value->bytes.len > 0 && *used <= max;
}

static bool find_values(const struct index_attribute *attributes, uint32_t count, size_t max, const struct value *item,
                        struct value *values)
{
    size_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        values[i] = value_map_get(item, attributes[i].name);
        if (values[i].type != attributes[i].type || !content_fits(&values[i], max, &used))
            return false;
    }
    return true;
}

bool index_key_of_item(const struct index *index, const struct value *item, struct index_key *key)
{
    return find_values(index->partition, index->partition_count, LIMIT_PARTITION_KEY_BYTES, item, key->partition) &&
           find_values(index->sort, index->sort_count, LIMIT_SORT_KEY_BYTES, item, key->sort);
}

/* What one request asks of all index keys. */
struct check {
    const struct table *table;
    const struct value *item, *old;
    bool update;
    struct err *e;
};

static int wrong_type(const struct check *c, const struct index *index, const struct index_attribute *a,
                      const struct value *value)
{
    if (c->update)
        return err_set(c->e, ERR_VALIDATION,
                       "The update expression attempted to update the secondary index key to unsupported type");
    return err_set(c->e, ERR_VALIDATION, INVALID "Type mismatch for Index Key %.*s Expected: %s Actual: %s IndexName: %.*s",
                   (int)a->name.len, (const char *)a->name.ptr, value_type_name(a->type), value_type_name(value->type),
                   (int)index->name.len, (const char *)index->name.ptr);
}

static int empty_key(const struct check *c, const struct index *index, const struct index_attribute *a,
                     const struct value *value)
{
    const char *kind = value->type == VALUE_S ? "string" : "binary";

    if (c->update)
        return err_set(c->e, ERR_VALIDATION,
                       "One or more parameter values are not valid. The update expression attempted to update a secondary "
                       "index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an "
                       "empty %s value.",
                       kind);
    return err_set(c->e, ERR_VALIDATION,
                   "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
                   "The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %.*s, IndexKey: %.*s",
                   kind, (int)index->name.len, (const char *)index->name.ptr, (int)a->name.len, (const char *)a->name.ptr);
}

static int too_long(const struct check *c, size_t max)
{
    if (max == LIMIT_PARTITION_KEY_BYTES)
        return err_set(c->e, ERR_VALIDATION, INVALID "Size of hashkey has exceeded the maximum size limit of%zu bytes", max);
    return err_set(c->e, ERR_VALIDATION, INVALID "Aggregated size of all range keys has exceeded the size limit of %zu bytes",
                   max);
}

static bool was_so(const struct check *c, const struct index_attribute *a, const struct value *value)
{
    if (c->old->type != VALUE_M)
        return false;
    struct value was = value_map_get(c->old, a->name);
    return was.type != VALUE_NONE && slice_equal(was.encoded, value->encoded);
}

static int check_attributes(const struct check *c, const struct index *index, bool partition)
{
    const struct index_attribute *a = partition ? index->partition : index->sort;
    uint32_t count = partition ? index->partition_count : index->sort_count;
    size_t max = partition ? LIMIT_PARTITION_KEY_BYTES : LIMIT_SORT_KEY_BYTES, used = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct value value = value_map_get(c->item, a[i].name);
        if (value.type == VALUE_NONE || was_so(c, &a[i], &value))
            continue;
        if (value.type != a[i].type)
            return wrong_type(c, index, &a[i], &value);
        if (content_fits(&value, max, &used))
            continue;
        return value.bytes.len == 0 ? empty_key(c, index, &a[i], &value) : too_long(c, max);
    }
    return 0;
}

/* The last index first: so do the errors of DynamoDB come. */
int index_check_item(const struct table *table, const struct value *item, const struct value *old, bool update, struct err *e)
{
    const struct check c = {table, item, old, update, e};

    for (uint32_t i = table->index_count; i-- > 0;)
        if (check_attributes(&c, &table->indexes[i], true) < 0 || check_attributes(&c, &table->indexes[i], false) < 0)
            return -1;
    return 0;
}

/* -- Keys of entries ------------------------------------------------------------------------------------------ */
/* Of one value the table's hash, so that a local index is spread as its table is; of several a mix in their order. */
static uint64_t hash_of(const struct index *index, const struct value *partition)
{
    uint64_t hash = key_hash_partition(&partition[0]);

    for (uint32_t i = 1; i < index->partition_count; i++)
        hash = (hash ^ (key_hash_partition(&partition[i]) + 0x9E3779B97F4A7C15u + (hash << 6) + (hash >> 2))) *
               0xBF58476D1CE4E5B9u;
    return hash;
}

void index_encode_partition(struct buf *out, const struct index *index, const struct value *partition)
{
    key_encode_prefix(out, index->id, hash_of(index, partition));
    for (uint32_t i = 0; i < index->partition_count; i++) {
        buf_byte(out, (unsigned char)*value_type_name(partition[i].type));
        key_put_value(out, &partition[i]);
    }
}

void index_encode_value(struct buf *out, const struct value *value) { key_put_value(out, value); }

void index_encode_start(struct buf *out, struct slice bytes) { key_put_start(out, bytes); }

void index_encode(struct buf *out, const struct index *index, const struct index_key *key, struct slice item_key)
{
    assert(item_key.len > KEY_PREFIX_BYTES);
    index_encode_partition(out, index, key->partition);
    for (uint32_t i = 0; i < index->sort_count; i++)
        key_put_value(out, &key->sort[i]);
    buf_append(out, item_key.ptr + KEY_TABLE_BYTES, item_key.len - KEY_TABLE_BYTES);
}

/* Moves *rest behind one encoded value; false if it is none. */
static bool skip_value(struct slice *rest, enum value_type type)
{
    size_t at = 0;

    if (type == VALUE_N) {
        at = decimal_encoded_length(*rest);
        if (at == 0)
            return false;
    } else {
        for (;; at += 2) {
            const unsigned char *zero = at < rest->len ? memchr(rest->ptr + at, 0, rest->len - at) : NULL;
            if (!zero || zero + 1 >= rest->ptr + rest->len)
                return false;
            at = (size_t)(zero - rest->ptr);
            if (zero[1] == 0)
                break;
        }
        at += 2;
    }
    *rest = slice_of(rest->ptr + at, rest->len - at);
    return true;
}

struct slice index_base(const struct index *index, struct slice entry_key)
{
    const struct slice damaged = {NULL, 0};
    struct slice rest = entry_key;

    if (rest.len < KEY_PREFIX_BYTES)
        return damaged;
    rest = slice_of(rest.ptr + KEY_PREFIX_BYTES, rest.len - KEY_PREFIX_BYTES);
    for (uint32_t i = 0; i < index->partition_count; i++) {
        rest = slice_of(rest.ptr + 1, rest.len ? rest.len - 1 : 0);
        if (!skip_value(&rest, index->partition[i].type))
            return damaged;
    }
    for (uint32_t i = 0; i < index->sort_count; i++)
        if (!skip_value(&rest, index->sort[i].type))
            return damaged;
    return rest.len > KEY_HASH_BYTES ? rest : damaged;
}
