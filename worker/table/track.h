/* track.h - what a write to an item changes elsewhere: index entries, the expiry index, change records, a backup that is being made.
 *
 * request_write() and request_remove() call it for tables where `tracked` is set, in the item's own transaction, with the item as it
 * was. Only what changes is written. Entries and records wait in t->pending (pending.h). */
#ifndef LEAT_WORKER_TABLE_TRACK_H
#define LEAT_WORKER_TABLE_TRACK_H

#include "worker/table/capacity.h"
#include "worker/table/request.h"

/* fresh: the item as it will be, VALUE_NONE: removed. rq->table, t->key and rq->old are set. 0, or -1 as a stage of a request. */
int track_change(struct request *rq, const struct value *fresh);

/* What the change costs in the table's indexes: nothing where a view stays as it is. */
void track_capacity(struct request *rq, const struct value *fresh, struct capacity *capacity);

/* Adds the entry of an item to an index that is being filled; item_key as in the store. */
void track_fill_index(struct tables *t, const struct table *table, const struct index *index, struct slice item_key,
                      const struct value *item);
void track_fill_expiry(struct tables *t, const struct table *table, struct slice item_key, const struct value *item);

/* -- The expiry index: [id 4 B BE][epoch seconds 8 B BE][the item's key behind its table id], no value --------------------------- */
#define EXPIRY_PREFIX_BYTES 12u

/* When an item expires, in epoch seconds; false: never. */
bool expiry_of(const struct table *table, const struct value *item, int64_t *seconds);
void expiry_prefix(unsigned char key[static EXPIRY_PREFIX_BYTES], uint32_t id, int64_t seconds);

#endif
