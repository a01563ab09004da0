/* shape_read.h - from the typed JSON of a request to the value model, in one pass that its shape leads. Pure.
 *
 * The payload is an M with the members of the request as the API names them. Every AttributeValue ({"N": "1"}) becomes the native value,
 * everything else is plain. Members that the shape does not know, and members that are null, are left out.
 *
 * What is wrong is said as DynamoDB says it, and in its order: types (SerializationException, the first one ends the reading); then what is
 * required first; then all violated constraints together, at most ten; then the first bad attribute value. */
#ifndef LEAT_GATEWAY_SHAPE_READ_H
#define LEAT_GATEWAY_SHAPE_READ_H

#include "gateway/aws_error.h"
#include "gateway/shapes.h"

/* Reusable; holds what grows between requests. One per thread. */
struct shape_reader;
struct shape_reader *shape_reader_create(void); /* NULL: out of memory */
void shape_reader_destroy(struct shape_reader **s);

/* Appends the payload to out; *table is the request's own TableName (of an ARN: the name in it), "" if it has none. It points into body
 * or into the reader, valid until its next use. 0, or -1 with the error (out of memory: InternalServerError); out is as it was then. */
int shape_read(struct shape_reader *s, const struct shape *input, struct slice body, struct buf *out, struct slice *table,
               struct aws_error *e);

#endif
