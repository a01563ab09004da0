/* view.c - see view.h. */
#include "worker/table/view.h"

#include <assert.h>
#include <string.h>

struct view view_of_table(const struct table *table)
{
    const struct key_schema *schema = &table->schema;
    struct view view = {.table = table, .space = KV_ITEMS, .id = table->id, .partition_count = 1};

    view.partition[0] = (struct index_attribute){schema->partition_name, schema->partition_type};
    view.sort_count = schema->sort_name.len ? 1 : 0;
    view.sort[0] = (struct index_attribute){schema->sort_name, schema->sort_type};
    return view;
}

struct view view_of_index(const struct table *table, const struct index *index)
{
    struct view view = {.table = table,
                        .index = index,
                        .space = KV_INDEXES,
                        .id = index->id,
                        .partition_count = index->partition_count,
                        .sort_count = index->sort_count};

    memcpy(view.partition, index->partition, sizeof view.partition);
    memcpy(view.sort, index->sort, sizeof view.sort);
    return view;
}

bool view_has_key(const struct view *view, struct slice name)
{
    for (uint32_t i = 0; i < view->partition_count; i++)
        if (slice_equal(view->partition[i].name, name))
            return true;
    for (uint32_t i = 0; i < view->sort_count; i++)
        if (slice_equal(view->sort[i].name, name))
            return true;
    return false;
}

bool view_shows(const struct view *view, struct slice name)
{
    return !view->index || index_shows(view->table, view->index, name);
}

/* -- Keys ----------------------------------------------------------------------------------------------------- */
void view_put_partition(struct buf *out, const struct view *view, const struct value *partition)
{
    struct item_key key = {.partition = partition[0], .sort = {.type = VALUE_NONE}};

    if (view->index) {
        index_encode_partition(out, view->index, partition);
        return;
    }
    key.hash = key_hash_partition(&key.partition);
    key_encode_partition(out, view->id, &key);
}

/* The sort key ends an item's key, and is the bytes it is; in an index something follows. */
void view_put_sort(struct buf *out, const struct view *view, const struct value *sort)
{
    if (view->index)
        index_encode_value(out, sort);
    else
        buf_append(out, sort->bytes.ptr, sort->bytes.len);
}

void view_put_sort_start(struct buf *out, const struct view *view, struct slice bytes)
{
    if (view->index)
        index_encode_start(out, bytes);
    else
        buf_append(out, bytes.ptr, bytes.len);
}

void view_skip_sort(struct buf *key, const struct view *view)
{
    bool above = true;

    if (!view->index)
        buf_byte(key, 0);
    else if (!buf_failed(key))
        above = key_successor(key, 0); /* ids of indexes do not reach 2^32 - 1 */
    assert(above);
    (void)above;
}

void view_put_key(struct buf *out, const struct view *view, const struct value *item)
{
    if (view->index)
        index_put_key_map(out, view->table, view->index, item);
    else
        key_put_map(out, &view->table->schema, item);
}

int view_key_of_start(const struct view *view, const struct value *map, struct buf *out, struct err *e)
{
    struct item_key key;

    if (view->index)
        return index_start_key(view->table, view->index, map, out, e);
    if (key_of_argument(&view->table->schema, map, &key, e) < 0)
        return -1;
    key_encode(out, view->id, &key);
    return 0;
}
