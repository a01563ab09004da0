/* item_parts.h - what the files of item.h share about sets. */
#ifndef LEAT_COMMON_ITEM_PARTS_H
#define LEAT_COMMON_ITEM_PARTS_H

#include "common/item.h"

/* The type of a set's elements (S, N, B), VALUE_NONE for what is no set. */
enum value_type value_element_type(enum value_type set);
/* The set's ext type. Requires a set. */
int8_t value_set_ext(enum value_type set);

#endif
