/* paths.h - sets of document paths: sorted, so that the ones below one place of an item stand together.
 *
 * Updates and projections walk an item once with such a set: at every place path_range_find() narrows the range of paths to the
 * ones that go on there. No path of a set may be a prefix of another, or pass one place by name and by index. */
#ifndef LEAT_WORKER_TABLE_PATHS_H
#define LEAT_WORKER_TABLE_PATHS_H

#include "worker/table/expr.h"

/* One path of a set with what its owner knows of it. */
struct path_entry {
    const struct path *path;
    void *owner;    /* not touched here */
    uint32_t order; /* place in the expression: messages name the earlier path first */
    uint32_t seen;  /* for the walker: steps of this path that it found in the item */
};

struct path_range {
    struct path_entry *first, *end;
};

int path_compare(const struct path *a, const struct path *b);
size_t path_text(const struct path *path, char *text, size_t size); /* "[a, [0], b]", cut to size */

/* Sorts the entries; -1 with DynamoDB's error (without the leading "Invalid ...: ") if two overlap or conflict. */
int path_set_init(struct path_entry *entries, uint32_t count, struct err *e);

/* The entries of range, which agree on the first `depth` steps, whose next step is that one. May be empty. */
struct path_range path_range_find(struct path_range range, uint32_t depth, const struct path_step *step);
/* The leading entries that share their step at depth; *range keeps the others. For walking a range group by group. */
struct path_range path_range_split(struct path_range *range, uint32_t depth);
static inline bool path_range_empty(struct path_range range) { return range.first == range.end; }
/* True if the range is one path that ends after `depth` steps. */
static inline bool path_range_is_leaf(struct path_range range, uint32_t depth) { return range.first->path->count == depth; }

#endif
