/* names.h - are the names of one map distinct? Shared by the check of encoded maps and the JSON reader. */
#ifndef LEAT_COMMON_NAMES_H
#define LEAT_COMMON_NAMES_H

#include "common/buf.h"

/* Two equal names of the list, or NULL if there are none. Few names are compared in pairs, many are sorted in place:
 * O(n log n) whatever a peer sends. The result points into names. */
const struct slice *names_twice(struct slice *names, size_t count);

#endif
