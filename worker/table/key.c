/* key.c - see key.h. */
#include "worker/table/key.h"

#include <assert.h>
#include <string.h>

#include "common/limits.h"

#define INVALID "One or more parameter values were invalid: "

/* -- Checks --------------------------------------------------------------------------------------------------- */
int key_check_content(struct slice name, const struct value *value, bool partition, struct err *e)
{
    size_t max = partition ? LIMIT_PARTITION_KEY_BYTES : LIMIT_SORT_KEY_BYTES;

    if (value->type != VALUE_S && value->type != VALUE_B)
        return 0;
    if (value->bytes.len == 0)
        return err_set(e, ERR_VALIDATION,
                       "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                       "empty %s value. "
                       "Key: %.*s",
                       value->type == VALUE_S ? "string" : "binary", (int)name.len, (const char *)name.ptr);
    if (value->bytes.len > max && partition)
        return err_set(e, ERR_VALIDATION, INVALID "Size of hashkey has exceeded the maximum size limit of%zu bytes", max);
    if (value->bytes.len > max)
        return err_set(e, ERR_VALIDATION, INVALID "Aggregated size of all range keys has exceeded the size limit of %zu bytes",
                       max);
    return 0;
}

static int item_attribute(const struct value *item, struct slice name, enum value_type type, bool partition,
                          struct value *value, struct err *e)
{
    *value = value_map_get(item, name);
    if (value->type == VALUE_NONE)
        return err_set(e, ERR_VALIDATION, INVALID "Missing the key %.*s in the item", (int)name.len, (const char *)name.ptr);
    if (value->type != type)
        return err_set(e, ERR_VALIDATION, INVALID "Type mismatch for key %.*s expected: %s actual: %s", (int)name.len,
                       (const char *)name.ptr, value_type_name(type), value_type_name(value->type));
    return key_check_content(name, value, partition, e);
}

int key_of_item(const struct key_schema *schema, const struct value *item, struct item_key *key, struct err *e)
{
    assert(item->type == VALUE_M);
    key->sort.type = VALUE_NONE;
    if (item_attribute(item, schema->partition_name, schema->partition_type, true, &key->partition, e) < 0)
        return -1;
    if (schema->sort_name.len && item_attribute(item, schema->sort_name, schema->sort_type, false, &key->sort, e) < 0)
        return -1;
    key->hash = key_hash_partition(&key->partition);
    return 0;
}

int key_of_argument(const struct key_schema *schema, const struct value *map, struct item_key *key, struct err *e)
{
    bool sorted = schema->sort_name.len > 0;

    assert(map->type == VALUE_M);
    key->sort.type = VALUE_NONE;
    key->partition = value_map_get(map, schema->partition_name);
    if (sorted)
        key->sort = value_map_get(map, schema->sort_name);
    if (map->count != (sorted ? 2u : 1u) || key->partition.type != schema->partition_type ||
        (sorted && key->sort.type != schema->sort_type))
        return err_set(e, ERR_VALIDATION, "The provided key element does not match the schema");
    if (key_check_content(schema->partition_name, &key->partition, true, e) < 0 ||
        (sorted && key_check_content(schema->sort_name, &key->sort, false, e) < 0))
        return -1;
    key->hash = key_hash_partition(&key->partition);
    return 0;
}

/* -- Encoding ------------------------------------------------------------------------------------------------- */
static void put_u64(unsigned char *to, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        to[i] = (unsigned char)number;
}

void key_encode_prefix(struct buf *out, uint32_t table, uint64_t hash)
{
    unsigned char prefix[KEY_PREFIX_BYTES] = {(unsigned char)(table >> 24), (unsigned char)(table >> 16),
                                              (unsigned char)(table >> 8), (unsigned char)table};

    put_u64(prefix + KEY_TABLE_BYTES, hash);
    buf_append(out, prefix, sizeof prefix);
}

/* A zero byte inside becomes 00 FF and the end 00 00, so that a shorter key sorts first and no key is a prefix of another. */
static void put_escaped(struct buf *out, struct slice bytes)
{
    const unsigned char *at = bytes.ptr, *end = bytes.ptr + bytes.len;

    while (at < end) {
        const unsigned char *zero = memchr(at, 0, (size_t)(end - at));
        buf_append(out, at, (size_t)((zero ? zero + 1 : end) - at));
        if (zero)
            buf_byte(out, 0xFF);
        at = zero ? zero + 1 : end;
    }
    buf_append(out, "\0", 2);
}

void key_encode_partition(struct buf *out, uint32_t table, const struct item_key *key)
{
    key_encode_prefix(out, table, key->hash);
    buf_byte(out, (unsigned char)*value_type_name(key->partition.type));
    if (key->partition.type == VALUE_N)
        buf_append(out, key->partition.bytes.ptr, key->partition.bytes.len);
    else
        put_escaped(out, key->partition.bytes);
}

void key_encode(struct buf *out, uint32_t table, const struct item_key *key)
{
    key_encode_partition(out, table, key);
    if (key->sort.type != VALUE_NONE)
        buf_append(out, key->sort.bytes.ptr, key->sort.bytes.len);
}

uint32_t key_table(struct slice encoded)
{
    const unsigned char *b = encoded.ptr;

    if (encoded.len < KEY_PREFIX_BYTES)
        return 0;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t key_hash(struct slice encoded)
{
    uint64_t hash = 0;

    assert(encoded.len >= KEY_PREFIX_BYTES);
    for (int i = 0; i < KEY_HASH_BYTES; i++)
        hash = hash << 8 | encoded.ptr[KEY_TABLE_BYTES + i];
    return hash;
}

static void put_attribute(struct buf *out, struct slice name, const struct value *item)
{
    struct value value = value_map_get(item, name);

    mp_put_slice(out, name);
    mp_put_raw(out, value.encoded);
}

void key_put_map(struct buf *out, const struct key_schema *schema, const struct value *item)
{
    bool sorted = schema->sort_name.len > 0;

    mp_put_map(out, sorted ? 2 : 1);
    put_attribute(out, schema->partition_name, item);
    if (sorted)
        put_attribute(out, schema->sort_name, item);
}

/* -- Single values -------------------------------------------------------------------------------------------- */
void key_put_value(struct buf *out, const struct value *value)
{
    if (value->type == VALUE_N)
        buf_append(out, value->bytes.ptr, value->bytes.len);
    else
        put_escaped(out, value->bytes);
}

void key_put_start(struct buf *out, struct slice bytes)
{
    put_escaped(out, bytes);
    if (!buf_failed(out))
        out->len -= 2; /* the end */
}

bool key_successor(struct buf *key, size_t from)
{
    while (key->len > from && key->data[key->len - 1] == 0xFF)
        key->len--;
    if (key->len == from)
        return false;
    key->data[key->len - 1]++;
    return true;
}

/* -- Segments ------------------------------------------------------------------------------------------------- */
__extension__ typedef unsigned __int128 wide;

uint32_t segment_of(uint64_t hash, uint32_t total)
{
    assert(total > 0 && total <= LIMIT_SCAN_SEGMENTS);
    return (uint32_t)(((wide)hash * total) >> 64);
}

uint64_t segment_start(uint32_t segment, uint32_t total)
{
    assert(segment < total);
    return (uint64_t)((((wide)segment << 64) + total - 1) / total);
}
