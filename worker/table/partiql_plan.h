/* partiql_plan.h - how a SELECT is read: as ranges of the keys of a table or index, one after the other, or as all of it.
 *
 * Every branch of the WHERE that gives the whole partition key becomes one read for each combination of the values that it gives, like a
 * Query. If one branch does not, everything is read, like a Scan. No two reads overlap, so a key tells which read it belongs to. */
#ifndef LEAT_WORKER_TABLE_PARTIQL_PLAN_H
#define LEAT_WORKER_TABLE_PARTIQL_PLAN_H

#include "worker/table/partiql.h"
#include "worker/table/partiql_bound.h"
#include "worker/table/range.h"
#include "worker/table/request.h"

struct pq_read {
    struct value partition[INDEX_PARTITIONS];
    struct key_range range;
};

struct pq_plan {
    struct view view;
    bool keyed;  /* reads are of partitions; else there is one, of everything */
    bool choice; /* the WHERE is an OR */
    bool backward;
    struct pq_read *reads; /* in the order in which they are made, in the arena */
    uint32_t count;
};

/* After request_table. 0 or -1. */
int partiql_plan(struct request *rq, const struct pq_statement *statement, struct pq_plan *plan);

/* Puts the reads into the order that ORDER BY asks for, and says in which direction each goes. 0, or -1 with the error. */
int partiql_order(struct pq_plan *plan, const struct pq_statement *statement, struct err *e);

#endif
