/* legacy_path.h - a whole attribute name as a path, whatever characters it has; shared by legacy*.c. */
#ifndef LEAT_WORKER_TABLE_LEGACY_PATH_H
#define LEAT_WORKER_TABLE_LEGACY_PATH_H

#include "worker/table/expr.h"

/* 0, or -1 with the arena's flags set. */
int legacy_path(struct arena *arena, struct slice name, struct path *path);

#endif
