/* capacity.h - the units that DynamoDB would have charged: for the table, and for each index that was written or read.
 *
 * All amounts are units times two, because a read that may be stale costs half a unit. */
#ifndef LEAT_WORKER_TABLE_CAPACITY_H
#define LEAT_WORKER_TABLE_CAPACITY_H

#include <stdbool.h>

#include "common/buf.h"

#define CAPACITY_ARMS_MAX 25 /* indexes of a table */

struct capacity_arm {
    struct slice name; /* of an index */
    bool local;
    uint64_t units;
};

struct capacity {
    struct slice table_name;
    uint64_t table;
    uint32_t count;
    struct capacity_arm arms[CAPACITY_ARMS_MAX]; /* only those that cost something */
};

/* Transactions say which kind of units they used. */
enum capacity_kind { CAPACITY_PLAIN, CAPACITY_READ, CAPACITY_WRITE };

/* Of a write of images of those sizes (0: no item), of a read of that many bytes. */
uint64_t capacity_of_write(size_t old_bytes, size_t new_bytes);
uint64_t capacity_of_read(size_t bytes, bool consistent);

void capacity_init(struct capacity *c, struct slice table_name);
void capacity_add_arm(struct capacity *c, struct slice name, bool local, uint64_t units);
void capacity_add(struct capacity *c, const struct capacity *more);
void capacity_double(struct capacity *c); /* what a transaction costs */

/* What several tables cost, in the order in which they came. */
struct capacity_list {
    struct capacity *tables; /* memory of the caller's for as many as there may be */
    uint32_t count;
};
struct capacity *capacity_of_table(struct capacity_list *list, struct slice table_name);
void capacity_put_list(struct buf *out, const struct capacity_list *list, enum capacity_kind kind, bool indexes);

/* One M of the answer: {TableName, CapacityUnits, ...}; indexes: with a part for the table and for each index. */
void capacity_put(struct buf *out, const struct capacity *c, enum capacity_kind kind, bool indexes);

#endif
