/* legacy.h - the parameters from before expressions, as the same trees: Expected, ScanFilter, AttributeUpdates, AttributesToGet. */
#ifndef LEAT_WORKER_TABLE_LEGACY_H
#define LEAT_WORKER_TABLE_LEGACY_H

#include "worker/table/expr.h"

/* Expected (`expected` true: Value and Exists are known, too) or ScanFilter, joined by AND or OR. *condition is NULL for an empty
 * one. All four: 0, or -1 with e, or the arena's flags, set. */
int legacy_condition(const struct value *map, bool expected, bool any, struct arena *arena, struct node **condition,
                     struct err *e);
int legacy_updates(const struct value *map, struct arena *arena, struct update *update, struct err *e);
int legacy_projection(const struct value *list, struct arena *arena, struct projection *projection, struct err *e);

#endif
