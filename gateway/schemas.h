/* schemas.h - the key schemas of tables by name: what --table named, and what the queue's catalog brings later. Pure.
 *
 * The gateway needs a table's schema to find the item that a job is about (op_group), for each job: so a hash table, not a walk. */
#ifndef LEAT_GATEWAY_SCHEMAS_H
#define LEAT_GATEWAY_SCHEMAS_H

#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/op.h"

struct schemas {
    struct schema_entry *at; /* open addressing, capacity a power of two, at most half full */
    size_t capacity, count;
    struct buf catalog; /* the bytes that entries point into */
    const char *const *specs;
    size_t spec_count;
};

/* specs: texts of --table, which must outlive s. 0, or -1 with the reason. */
int schemas_init(struct schemas *s, const char *const *specs, size_t spec_count, struct err *e);
void schemas_finish(struct schemas *s);

/* Replaces what an earlier catalog brought (specs stay, the catalog counts more); 0 or -1 if memory runs out or it is damaged: then
 * everything stays as it was. */
int schemas_update(struct schemas *s, struct slice catalog);

const struct key_schema *schemas_find(const struct schemas *s, struct slice table); /* NULL: unknown */

#endif
