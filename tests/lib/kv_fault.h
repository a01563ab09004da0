/* kv_fault.h - a store that fails when it is told to: wraps another one and answers the n-th call with a result of one's choice.
 *
 * Counted are begin, get, put, delete, cursor_open, seek, next, seek_before, prev and commit; not abort and close. A commit that fails aborts. */
#ifndef LEAT_TESTS_LIB_KV_FAULT_H
#define LEAT_TESTS_LIB_KV_FAULT_H

#include "worker/kv.h"

/* Owns inner; kv_close() closes both. NULL: out of memory. */
struct kv *kv_fault_create(struct kv *inner);

/* The call that comes `after` calls from now (0: the next) fails with result; negative: none does. */
void kv_fault_arm(struct kv *kv, int after, enum kv_result result);
/* True once the armed call has failed. */
bool kv_fault_hit(const struct kv *kv);

/* Somebody else comes between two transactions: the begin that comes `after` begins from now (0: the next) calls meet(arg) first, once. */
void kv_fault_meet(struct kv *kv, int after, void (*meet)(void *arg), void *arg);
/* True once it was called. */
bool kv_fault_met(const struct kv *kv);

#endif
