/* json_value.h - values for tests, written as plain JSON. Their bytes live until json_values_free(). */
#ifndef LEAT_TESTS_LIB_JSON_VALUE_H
#define LEAT_TESTS_LIB_JSON_VALUE_H

#include "common/item.h"

struct value json_value(const char *text); /* fails the test if it is no value */
/* The value's JSON as text; valid until json_values_free(). */
const char *json_text(const struct value *v);
/* A copy of the bytes without slack behind them, so that the sanitizer sees a read too far. Valid as above. */
struct slice json_value_copy(struct slice bytes);

int json_values_free(void **state); /* also as a cmocka teardown */

#endif
