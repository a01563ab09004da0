/* kv_suite_parts.h - what the files of the store suite share; nobody else includes it. */
#ifndef LEAT_TESTS_LIB_KV_SUITE_PARTS_H
#define LEAT_TESTS_LIB_KV_SUITE_PARTS_H

#include "tests/lib/kv_suite.h"

/* Short words for the tests: they assert that all goes well. */
struct kv_txn *begin(struct kv *kv, int flags);
void put(struct kv_txn *txn, enum kv_space space, const char *key, const char *value);
void commit(struct kv_txn *txn);
/* The value of a key as text in a static buffer, "-" if there is none. */
const char *get(struct kv_txn *txn, enum kv_space space, const char *key);
void check(struct kv *kv, enum kv_space space, const char *key, const char *expected);
/* All rows of a space from `from` on as "key=value", joined by blanks. */
void walk(struct kv_txn *txn, enum kv_space space, const char *from, char *text, size_t size);

/* kv_suite_cursor.c: state is the store. */
void test_cursor_walks_in_order(void **state);
void test_order_is_memcmp(void **state);
void test_cursor_sees_its_transactions_changes(void **state);
void test_cursor_walks_backwards(void **state);

#endif
