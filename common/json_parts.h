/* json_parts.h - what the files of json.h share: the objects that stand for a type that JSON has not. */
#ifndef LEAT_COMMON_JSON_PARTS_H
#define LEAT_COMMON_JSON_PARTS_H

#include "common/json.h"

/* Row: symbol, the object's only name, the type that it stands for, what its value must be. */
#define JSON_MARKER_TABLE(X)                                                                                                   \
    X(BINARY, "$binary", VALUE_B, "a base64 string")                                                                           \
    X(STRING_SET, "$stringSet", VALUE_SS, "an array of strings")                                                               \
    X(NUMBER_SET, "$numberSet", VALUE_NS, "an array of numbers")                                                               \
    X(BINARY_SET, "$binarySet", VALUE_BS, "an array of base64 strings")

struct json_marker {
    const char *name;
    enum value_type type;
    const char *content;
};

/* The marker of that name or type; NULL if there is none. */
const struct json_marker *json_marker_by_name(struct slice name);
const struct json_marker *json_marker_by_type(enum value_type type);

/* Appends the value that {marker: content} stands for; content is an encoded value. 0, or -1 with ERR_VALIDATION. */
int json_marker_value(const struct json_marker *marker, struct slice content, struct buf *out, struct err *e);

#endif
