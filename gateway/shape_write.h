/* shape_write.h - from the value model of an answer to typed JSON, along the output's shape. Pure.
 *
 * Where the shape knows attribute values they are written typed ({"N": "1"}), all else as plain JSON: strings, numbers, booleans. */
#ifndef LEAT_GATEWAY_SHAPE_WRITE_H
#define LEAT_GATEWAY_SHAPE_WRITE_H

#include "common/buf.h"
#include "common/item.h"
#include "gateway/shapes.h"

/* Appends the answer, an M, without its ResponseMetadata (that is for the operation API). 0; -1 if value is none or damaged, or memory ran
 * out: then out is as it was. */
int shape_write(const struct shape *output, const struct value *value, struct buf *out);
/* Appends the value of one member of a structure; null where it cannot be written. */
void shape_write_member(const struct shape *structure, struct slice name, const struct value *value, struct buf *out);
/* Appends one AttributeValue. 0 or -1. */
int shape_write_attribute(const struct value *value, struct buf *out);

#endif
