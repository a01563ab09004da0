/* view.h - what is read in the order of its keys: a table. */
#ifndef LEAT_WORKER_TABLE_VIEW_H
#define LEAT_WORKER_TABLE_VIEW_H

#include "worker/table/catalog.h"
#include "worker/table/key.h"

struct view {
    const struct table *table;
    enum kv_space space;             /* where its entries lie */
    uint32_t id;                     /* what their keys begin with */
    const struct key_schema *schema; /* their order */
};

static inline struct view view_of_table(const struct table *table)
{
    return (struct view){table, KV_ITEMS, table->id, &table->schema};
}

/* Appends an M with the attributes that name one entry: what LastEvaluatedKey gives and ExclusiveStartKey takes. */
void view_put_key(struct buf *out, const struct view *view, const struct value *item);

/* The place that an ExclusiveStartKey names: its attributes, and its key in the store, appended to encoded. 0, or -1 with the error. */
int view_key_of_start(const struct view *view, const struct value *map, struct item_key *key, struct buf *encoded,
                      struct err *e);

#endif
