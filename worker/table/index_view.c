/* index_view.c - what an index shows of an item, and the keys that name one of its entries to a user (see index.h). */
#include <assert.h>

#include "worker/table/catalog.h"
#include "worker/table/index.h"
#include "worker/table/key.h"

/* -- Names ---------------------------------------------------------------------------------------------------- */
/* The attributes that name an entry: of the index's key and of the table's, each once. */
struct names {
    struct index_attribute at[INDEX_PARTITIONS + INDEX_SORTS + 2];
    uint32_t count;
};

static void add_name(struct names *names, struct slice name, enum value_type type)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (slice_equal(names->at[i].name, name))
            return;
    assert(names->count < sizeof names->at / sizeof *names->at);
    names->at[names->count++] = (struct index_attribute){name, type};
}

static void names_of(const struct table *table, const struct index *index, struct names *names)
{
    const struct key_schema *schema = &table->schema;

    names->count = 0;
    for (uint32_t i = 0; i < index->partition_count; i++)
        add_name(names, index->partition[i].name, index->partition[i].type);
    for (uint32_t i = 0; i < index->sort_count; i++)
        add_name(names, index->sort[i].name, index->sort[i].type);
    add_name(names, schema->partition_name, schema->partition_type);
    if (schema->sort_name.len)
        add_name(names, schema->sort_name, schema->sort_type);
}

static bool is_key(const struct names *names, struct slice name)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (slice_equal(names->at[i].name, name))
            return true;
    return false;
}

static bool is_included(const struct index *index, struct slice name)
{
    struct value element;
    struct value_walk walk;

    if (index->projection != PROJECT_INCLUDE)
        return false;
    walk = value_walk_of(&index->included);
    while (value_walk_next(&walk, NULL, &element))
        if (slice_equal(element.bytes, name))
            return true;
    return false;
}

bool index_shows(const struct table *table, const struct index *index, struct slice attribute)
{
    struct names names;

    if (index->projection == PROJECT_ALL)
        return true;
    names_of(table, index, &names);
    return is_key(&names, attribute) || is_included(index, attribute);
}

/* -- Items ---------------------------------------------------------------------------------------------------- */
static void put_pair(struct buf *out, struct slice name, const struct value *value)
{
    mp_put_slice(out, name);
    mp_put_raw(out, value->encoded);
}

void index_put_key_map(struct buf *out, const struct table *table, const struct index *index, const struct value *item)
{
    struct names names;

    names_of(table, index, &names);
    mp_put_map(out, names.count);
    for (uint32_t i = 0; i < names.count; i++) {
        struct value value = value_map_get(item, names.at[i].name);
        assert(value.type == names.at[i].type);
        put_pair(out, names.at[i].name, &value);
    }
}

void index_put_view(struct buf *out, const struct table *table, const struct index *index, const struct value *item)
{
    struct value_walk walk = value_walk_of(item);
    struct names names;
    struct slice name;
    struct value value;
    uint32_t count = 0;

    if (index->projection == PROJECT_ALL) {
        mp_put_raw(out, item->encoded);
        return;
    }
    names_of(table, index, &names);
    size_t mark = mp_open(out);
    while (value_walk_next(&walk, &name, &value))
        if (is_key(&names, name) || is_included(index, name)) {
            put_pair(out, name, &value);
            count++;
        }
    mp_close_map(out, mark, count);
}

/* -- ExclusiveStartKey ---------------------------------------------------------------------------------------- */
int index_start_key(const struct table *table, const struct index *index, const struct value *map, struct buf *out,
                    struct err *e)
{
    struct names names;
    struct index_key key;
    struct item_key base;
    struct buf item_key;

    names_of(table, index, &names);
    if (map->type != VALUE_M || map->count != names.count || !index_key_of_item(index, map, &key))
        return err_set(e, ERR_VALIDATION, "The provided starting key is invalid");
    if (key_of_item(&table->schema, map, &base, NULL) < 0)
        return err_set(e, ERR_VALIDATION, "The provided starting key is invalid");
    buf_init(&item_key);
    key_encode(&item_key, table->id, &base);
    if (buf_failed(&item_key))
        out->failed = true;
    else
        index_encode(out, index, &key, buf_slice(&item_key));
    buf_finish(&item_key);
    return 0;
}
