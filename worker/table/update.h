/* update.h - what an update makes of an item.
 *
 * Every right-hand side is computed from the old item first; then the new item is written in one walk over the old one. Indexes in
 * paths are positions in the old lists. */
#ifndef LEAT_WORKER_TABLE_UPDATE_H
#define LEAT_WORKER_TABLE_UPDATE_H

#include "worker/table/paths.h"

struct update_plan {
    struct path_range paths; /* sorted; each entry's owner is its effect */
    bool creates;            /* on a missing item: there is an action that is no REMOVE or DELETE, or no action at all */
    bool nests;              /* it writes lists or maps: the depth of the new item must be checked */
};

/* Computes the effects of the actions on base (an M: the old item, or the key of a missing one). 0; -1 with e, or with the
 * arena's flags, set. The plan points into base, the arena and the request. */
int update_plan_init(struct update_plan *plan, const struct update *update, const struct value *base, struct arena *arena,
                     struct err *e);

/* Appends the new item. 0, or -1 with e set (a path leads nowhere). */
int update_apply(const struct update_plan *plan, const struct value *base, struct buf *out, struct err *e);

#endif
