/* project.h - the parts of an item that a set of paths selects. */
#ifndef LEAT_WORKER_TABLE_PROJECT_H
#define LEAT_WORKER_TABLE_PROJECT_H

#include "worker/table/paths.h"

/* Sorts the projection's paths for project(); in the arena. They must not overlap (parse_projection saw to it). An empty range
 * with the arena's flags set if memory ran out. */
struct path_range project_prepare(const struct projection *projection, struct arena *arena);

/* Appends an M with what the paths select, in the item's own order; list elements move together. Returns the number of
 * attributes of that M. */
uint32_t project(struct path_range paths, const struct value *item, struct buf *out);

/* Appends an M with what each path finds, side by side under a name of its own (PartiQL). Of two with one name the first one stands. */
void project_columns(const struct projection *columns, const struct slice *names, const struct value *item, struct buf *out);

#endif
