/* index_check.h - are the indexes of a store what its items say? For tests of all that writes. */
#ifndef LEAT_TESTS_LIB_INDEX_CHECK_H
#define LEAT_TESTS_LIB_INDEX_CHECK_H

#include "worker/table/table.h"

/* Makes every entry of every index and expiry index that is in use anew from the items, and fails the test unless the store has exactly
 * these, and none of an index that does not exist (before their rows were discarded: pass dropped_too = false). Returns the number
 * of entries. */
size_t check_indexes(struct kv *kv, bool dropped_too);

#endif
