/* partiql_bound.h - what a WHERE says of the attributes of a key: which values each may have, or between which it lies.
 *
 * A WHERE is true of an item in a view (a table or an index) only if one of its branches is - the sides of ORs at its top - and a branch
 * only if all of its conjuncts are. A conjunct like sk = 1, sk IN [1, 2], sk = 1 OR sk = 2, sk > 1 or begins_with(sk, 'a') bounds one
 * attribute; all others are looked at item by item. So is the whole WHERE in the end: bounds only leave out what cannot match. */
#ifndef LEAT_WORKER_TABLE_PARTIQL_BOUND_H
#define LEAT_WORKER_TABLE_PARTIQL_BOUND_H

#include "worker/table/key_condition.h"
#include "worker/table/view.h"

#define PQ_RANGES_MAX 4 /* more on one attribute are not used */

struct pq_bound {
    struct index_attribute attribute;
    bool given; /* it is one of the values; count 0: nothing can match */
    struct value *values;
    uint32_t count;
    struct key_condition ranges[PQ_RANGES_MAX]; /* or in all of these */
    uint32_t range_count;
};

/* Of the attributes of a view's key, in their order. */
struct pq_bounds {
    struct pq_bound partition[INDEX_PARTITIONS], sort[INDEX_SORTS];
};

/* What one branch says. 0; -1 with the error (a value of another type than the attribute), or with the arena's flags set. */
int pq_bounds_of(const struct view *view, const struct node *branch, struct arena *arena, struct pq_bounds *bounds,
                 struct err *e);

/* One comparison with = (either way round): the value that the attribute of that name must have. */
bool pq_equality(const struct node *node, struct slice name, struct value *value);

/* The parts of a chain of ANDs or of ORs, however they are nested: calls visit for each until one returns non-zero; returns that. */
int pq_each(const struct node *node, enum node_kind chain, int (*visit)(void *self, const struct node *part), void *self);

#endif
