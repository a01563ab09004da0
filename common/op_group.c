/* op_group.c - key schemas as workers publish them, the hashes that stand on them, and the text form of --table.
 *
 * The hashes are part of what is stored (item keys begin with one) and of what gateways and workers agree on: XXH3 is frozen,
 * and the type enters as its letter, not as the number of an enum. */
#include <string.h>
#include <xxhash.h>

#include "common/limits.h"
#include "common/op.h"

static bool key_type_of(struct slice text, enum value_type *type)
{
    static const struct {
        char letter;
        enum value_type type;
    } types[] = {{'S', VALUE_S}, {'N', VALUE_N}, {'B', VALUE_B}};
    for (size_t i = 0; text.len == 1 && i < sizeof types / sizeof *types; i++)
        if (text.ptr[0] == (unsigned char)types[i].letter) {
            *type = types[i].type;
            return true;
        }
    return false;
}

/* -- Catalog --------------------------------------------------------------------------------------------------------------- */

void catalog_put(struct buf *out, struct slice table, const struct key_schema *schema)
{
    mp_put_slice(out, table);
    mp_put_array(out, 4);
    mp_put_slice(out, schema->partition_name);
    mp_put_text(out, value_type_name(schema->partition_type));
    mp_put_slice(out, schema->sort_name);
    mp_put_text(out, schema->sort_name.len ? value_type_name(schema->sort_type) : "");
}

static bool read_schema(struct mp_reader *r, struct key_schema *schema)
{
    *schema = (struct key_schema){.partition_type = VALUE_NONE, .sort_type = VALUE_NONE};
    mp_array_exact(r, 4);
    schema->partition_name = mp_str(r, LIMIT_KEY_NAME_BYTES);
    struct slice partition_type = mp_str(r, 1);
    schema->sort_name = mp_str(r, LIMIT_KEY_NAME_BYTES);
    struct slice sort_type = mp_str(r, 1);
    if (r->failed || schema->partition_name.len == 0 || !key_type_of(partition_type, &schema->partition_type))
        return false;
    return schema->sort_name.len == 0 || key_type_of(sort_type, &schema->sort_type);
}

bool catalog_read(struct mp_reader *r, struct slice *table, struct key_schema *schema)
{
    *table = mp_str(r, LIMIT_TABLE_NAME_MAX);
    return read_schema(r, schema);
}

bool catalog_find(struct slice catalog, struct slice table, struct key_schema *schema)
{
    if (catalog.len == 0)
        return false;
    struct mp_reader r = mp_reader_of(catalog);
    uint32_t count = mp_map(&r, LIMIT_TABLES);
    for (uint32_t i = 0; i < count && !r.failed; i++) {
        if (slice_equal(mp_str(&r, LIMIT_TABLE_NAME_MAX), table))
            return !r.failed && read_schema(&r, schema);
        mp_skip(&r);
    }
    return false;
}

/* -- Hashes ---------------------------------------------------------------------------------------------------------------- */
static uint64_t hash_value(const struct value *v, uint64_t seed)
{
    return XXH3_64bits_withSeed(v->bytes.ptr, v->bytes.len, seed ^ (unsigned char)value_type_name(v->type)[0]);
}

static uint64_t not_zero(uint64_t hash) { return hash ? hash : 1; }

uint64_t key_hash_partition(const struct value *partition) { return not_zero(hash_value(partition, 0)); }

/* The slice of an operation without a key: any will do, but not always the same. */
static uint8_t spread(uint64_t salt) { return (uint8_t)((salt * 0x9e3779b97f4a7c15u) >> 56); }

/* The map that names the item: the whole item, or its key. */
static struct value key_holder(const struct op *op)
{
    return value_map_get(&op->payload, slice_text(op->code == OP_CREATE ? "Item" : "Key"));
}

uint64_t op_group(const struct op *op, const struct key_schema *schema, uint64_t salt, uint8_t *slice)
{
    *slice = spread(salt);
    if (!op_needs_table(op->code) || op->code > OP_DELETE)
        return 0;
    uint64_t table = XXH3_64bits(op->table.ptr, op->table.len);
    if (!schema)
        return not_zero(table);
    struct value holder = key_holder(op);
    struct value partition = value_map_get(&holder, schema->partition_name);
    if (partition.type != schema->partition_type)
        return not_zero(table);
    uint64_t item = key_hash_partition(&partition);
    uint8_t home = (uint8_t)(item >> 56);
    if (schema->sort_name.len > 0) {
        struct value sort = value_map_get(&holder, schema->sort_name);
        if (sort.type != schema->sort_type)
            return not_zero(table);
        item = hash_value(&sort, item);
    }
    *slice = home;
    return not_zero(XXH3_64bits_withSeed(op->table.ptr, op->table.len, item));
}

/* -- --table --------------------------------------------------------------------------------------------------------------- */
/* Cuts the text before the first `stop` off *rest (all of it if there is none). */
static struct slice cut(struct slice *rest, char stop, bool *found)
{
    const unsigned char *at = rest->len ? memchr(rest->ptr, stop, rest->len) : NULL;
    struct slice head = {rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len};
    *found = at != NULL;
    *rest = at ? slice_of(at + 1, rest->len - head.len - 1) : slice_of(rest->ptr + rest->len, 0);
    return head;
}

static int table_name_check(struct slice name, struct err *e)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    if (name.len < LIMIT_TABLE_NAME_MIN || name.len > LIMIT_TABLE_NAME_MAX)
        return err_set(e, ERR_VALIDATION, "a table's name has %u to %u characters, not %zu", LIMIT_TABLE_NAME_MIN,
                       LIMIT_TABLE_NAME_MAX, name.len);
    for (size_t i = 0; i < name.len; i++)
        if (!memchr(allowed, name.ptr[i], sizeof allowed - 1))
            return err_set(e, ERR_VALIDATION, "a table's name is made of letters, digits, '_', '-' and '.'");
    return 0;
}

/* KEY[:TYPE] */
static int key_parse(struct slice text, const char *what, struct slice *name, enum value_type *type, struct err *e)
{
    bool typed;
    *name = cut(&text, ':', &typed);
    *type = VALUE_S;
    if (name->len == 0 || name->len > LIMIT_KEY_NAME_BYTES || !utf8_valid(*name))
        return err_set(e, ERR_VALIDATION, "the name of a %s key is UTF-8 of 1 to %u bytes", what, LIMIT_KEY_NAME_BYTES);
    if (typed && !key_type_of(text, type))
        return err_set(e, ERR_VALIDATION, "the type of a %s key is S, N or B", what);
    return 0;
}

int table_spec_parse(const char *text, struct slice *table, struct key_schema *schema, struct err *e)
{
    struct slice rest = slice_text(text);
    bool keyed, sorted;
    *schema = (struct key_schema){.sort_name = {0}, .sort_type = VALUE_NONE};
    *table = cut(&rest, ':', &keyed);
    if (!keyed)
        return err_set(e, ERR_VALIDATION, "a table is given as NAME:KEY[:TYPE][,SORT[:TYPE]], not \"%.100s\"", text);
    if (table_name_check(*table, e) != 0)
        return -1;
    struct slice partition = cut(&rest, ',', &sorted);
    if (key_parse(partition, "partition", &schema->partition_name, &schema->partition_type, e) != 0)
        return -1;
    if (!sorted)
        return 0;
    if (key_parse(rest, "sort", &schema->sort_name, &schema->sort_type, e) != 0)
        return -1;
    if (slice_equal(schema->partition_name, schema->sort_name))
        return err_set(e, ERR_VALIDATION, "partition key and sort key have different names");
    return 0;
}
