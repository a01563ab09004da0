/* view.h - what is read in the order of its keys: a table, or one of its indexes. */
#ifndef LEAT_WORKER_TABLE_VIEW_H
#define LEAT_WORKER_TABLE_VIEW_H

#include "worker/table/catalog.h"
#include "worker/table/key.h"

struct view {
    const struct table *table;
    const struct index *index; /* NULL: the table itself */
    enum kv_space space;       /* where its entries lie */
    uint32_t id;               /* what their keys begin with */
    uint32_t partition_count, sort_count;
    struct index_attribute partition[INDEX_PARTITIONS], sort[INDEX_SORTS];
};

struct view view_of_table(const struct table *table);
struct view view_of_index(const struct table *table, const struct index *index);

/* Is that attribute part of the view's own key? */
bool view_has_key(const struct view *view, struct slice name);
/* Do its entries show that top-level attribute? */
bool view_shows(const struct view *view, struct slice name);

/* Parts of an entry's key, one appended to the other: the partition (its values in order), then sort values; or the beginning of one. */
void view_put_partition(struct buf *out, const struct view *view, const struct value *partition);
void view_put_sort(struct buf *out, const struct view *view, const struct value *sort);
void view_put_sort_start(struct buf *out, const struct view *view, struct slice bytes);
/* Makes a key that ends with a sort value the least one above all entries with that value. */
void view_skip_sort(struct buf *key, const struct view *view);

/* Appends an M with the attributes that name one entry: what LastEvaluatedKey gives and ExclusiveStartKey takes. */
void view_put_key(struct buf *out, const struct view *view, const struct value *item);

/* The key of the entry that an ExclusiveStartKey names, appended. 0, or -1 with the error. */
int view_key_of_start(const struct view *view, const struct value *map, struct buf *out, struct err *e);

#endif
