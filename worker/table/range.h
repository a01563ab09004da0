/* range.h - ranges of keys in the store, in bytes: what queries, scans and pages are cut out of.
 *
 * Every condition that a key can answer, every segment of a scan and every place to resume at is a range of bytes or a cut of one. So
 * reading knows nothing of conditions: it goes from one end to the other. */
#ifndef LEAT_WORKER_TABLE_RANGE_H
#define LEAT_WORKER_TABLE_RANGE_H

#include "worker/table/key_condition.h"
#include "worker/table/view.h"

/* begin <= key < end; both in the arena. Empty if begin >= end. */
struct key_range {
    struct slice begin, end;
};

/* All three: 0, or -1 with the arena's flags set. */

/* A segment of the whole view. */
int range_of_segment(const struct view *view, uint32_t segment, uint32_t total, struct arena *arena, struct key_range *range);
/* Of one partition (its values in order) what conditions on the first `count` attributes of the sort key select; all but the last
 * of them are equalities. */
int range_of_partition(const struct view *view, const struct value *partition, const struct key_condition *const *sort,
                       uint32_t count, struct arena *arena, struct key_range *range);
/* Cuts off what was read before: everything up to that key, or from that key on when reading backward. */
int range_resume(struct key_range *range, struct slice key, bool backward, struct arena *arena);

static inline bool range_has(const struct key_range *range, struct slice key)
{
    return slice_compare(key, range->begin) >= 0 && slice_compare(key, range->end) < 0;
}

#endif
