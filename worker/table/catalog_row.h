/* catalog_row.h - a table's row in the catalog: one M, of which the engine acts upon a part and descriptions show the rest.
 *
 *     Id, Created N                      KeySchema, AttributeDefinitions L as in the API
 *     State N (0: left out)              BillingMode S, ProvisionedThroughput M, TableClass S        Protected BOOL
 *     Indexes L of M {IndexName, Id, State, Local, KeySchema, Projection, ProvisionedThroughput}     Backup N: being made
 *     Stream M {Id, View, Label, On}     Ttl M {Id, AttributeName, State, Changed}                   SSEDescription, RestoreSummary M
 *
 * Members that say nothing are left out. Rows of the first version, arrays of seven, are read as well. */
#ifndef LEAT_WORKER_TABLE_CATALOG_ROW_H
#define LEAT_WORKER_TABLE_CATALOG_ROW_H

#include "worker/table/catalog.h"

/* Appends the M of any row, also of one of the first version. -1: it is none. */
int row_modernize(struct slice stored, struct buf *out);

/* Fills all of t but its name from a row that lies where it will stay. Allocates t->indexes (the caller frees them). KV_FATAL: the
 * row is damaged. */
enum kv_result row_decode(struct slice row, struct table *t);

/* The row of a table with such keys and nothing else; nobody pays for its throughput in advance. */
void row_put_simple(struct buf *out, uint32_t id, int64_t created_ms, const struct key_schema *schema);

/* -- Changing an M: a copy with some members replaced, added at its end, or left out ------------------------------------------- */
struct member {
    const char *name;
    struct slice value; /* encoded; empty: without it */
};
void members_put(struct buf *out, const struct value *map, const struct member *changes, size_t count);

/* Reading: what is missing or of another type reads as the default. The slice of text points into the map. */
int64_t member_int(const struct value *map, const char *name, int64_t absent);
struct slice member_text(const struct value *map, const char *name);
bool member_true(const struct value *map, const char *name);

#endif
