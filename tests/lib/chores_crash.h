/* chores_crash.h - does the engine's work in the background while the store fails, and the process dies with it. */
#ifndef LEAT_TESTS_LIB_CHORES_CRASH_H
#define LEAT_TESTS_LIB_CHORES_CRASH_H

#include "tests/lib/kv_fault.h"
#include "worker/table/table.h"

/* Runs table_chores() until nothing is left, a few rows at a time; each time another call of the store fails, so that every part of
 * a step is cut off, and now and then none does. After KV_FATAL another engine goes on, as another process would. */
void chores_with_crashes(struct kv *faulty, int64_t now_ms, enum kv_result failure);

#endif
