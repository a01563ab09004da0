/* shapes.c - the shapes that requests of several kinds share. */
#include "gateway/shapes_private.h"

TEXT_AS(const, any_text, NULL, NO_MIN, NO_MAX, false)
TEXT_AS(const, table_name, NULL, 3, 255, true)
TEXT_AS(const, index_name, NULL, 3, 255, true)
TEXT_AS(const, capacity_word, "|INDEXES|TOTAL|NONE|", NO_MIN, NO_MAX, false)
TEXT_AS(const, metrics_word, "|SIZE|NONE|", NO_MIN, NO_MAX, false)
TEXT_AS(const, failure_word, "|ALL_OLD|NONE|", NO_MIN, NO_MAX, false)
TEXT_AS(const, request_token, NULL, 1, 36, false)
SCALAR_AS(const, boolean, SHAPE_BOOLEAN, "Boolean", NO_MIN, NO_MAX)
SCALAR_AS(const, positive, SHAPE_INTEGER, "Integer", 1, NO_MAX)
SCALAR_AS(const, positive_long, SHAPE_LONG, "Long", 1, NO_MAX)
SCALAR_AS(const, moment, SHAPE_NUMBER, "Date", NO_MIN, NO_MAX)
SCALAR_AS(const, attribute, SHAPE_ATTRIBUTE, "AttributeValue", NO_MIN, NO_MAX)
SCALAR_AS(const, item, SHAPE_ITEM, MAP_OF("AttributeValue"), NO_MIN, NO_MAX)
SCALAR_AS(const, plain, SHAPE_PLAIN, NULL, NO_MIN, NO_MAX)
LIST_AS(const, attribute_list, attribute, NO_MIN, NO_MAX)
LIST_AS(const, names_to_get, any_text, 1, NO_MAX)

const struct shape shape_name_map = {.kind = SHAPE_MAP,
                                     .type = MAP_OF_STRINGS,
                                     .min = SHAPE_NO_MIN,
                                     .max = SHAPE_NO_MAX,
                                     .element = &shape_any_text,
                                     .key = &shape_any_text};

const struct shape shape_nothing = {.kind = SHAPE_STRUCTURE, .type = "nothing", .min = SHAPE_NO_MIN, .max = SHAPE_NO_MAX};
const struct shape shape_plain_output = {
    .kind = SHAPE_STRUCTURE, .type = "plain_output", .min = SHAPE_NO_MIN, .max = SHAPE_NO_MAX};
