/* shape_write.c - see shape_write.h. */
#include "gateway/shape_write.h"

#include <string.h>

#include "common/decimal.h"
#include "common/json.h"
#include "common/limits.h"

static int write_value(const struct shape *shape, const struct value *value, struct buf *out);
static int write_attribute(const struct value *value, struct buf *out, int depth);

/* -- Attribute values ------------------------------------------------------------------------------------------ */
static int put_number(struct slice ordered, struct buf *out)
{
    struct decimal d;
    char text[DECIMAL_TEXT_MAX + 2] = "\"";
    if (decimal_decode(ordered, &d) != 0)
        return -1;
    size_t len = decimal_format(&d, text + 1);
    text[len + 1] = '"';
    return buf_append(out, text, len + 2);
}

static int put_bytes(struct slice bytes, struct buf *out)
{
    buf_byte(out, '"');
    base64_encode(out, bytes);
    return buf_byte(out, '"');
}

static int put_scalar(const struct value *value, struct buf *out)
{
    switch (value->type) {
    case VALUE_S:
        json_put_string(out, value->bytes);
        return 0;
    case VALUE_N:
        return put_number(value->bytes, out);
    case VALUE_B:
        return put_bytes(value->bytes, out);
    case VALUE_BOOL:
        return buf_text(out, value->truth ? "true" : "false");
    case VALUE_NULL:
        return buf_text(out, "true");
    default:
        return -1;
    }
}

/* Elements of a set as they are, those of a list typed. */
static int put_elements(const struct value *value, struct buf *out, int depth)
{
    struct value_walk walk = value_walk_of(value);
    struct value element;
    uint32_t count = 0;
    buf_byte(out, '[');
    for (; value_walk_next(&walk, NULL, &element); count++) {
        if (count > 0)
            buf_byte(out, ',');
        if ((value->type == VALUE_L ? write_attribute(&element, out, depth) : put_scalar(&element, out)) != 0)
            return -1;
    }
    buf_byte(out, ']');
    return count == value->count ? 0 : -1;
}

static int put_item(const struct value *value, struct buf *out, int depth)
{
    struct value_walk walk = value_walk_of(value);
    struct slice name;
    struct value element;
    uint32_t count = 0;
    buf_byte(out, '{');
    for (; value_walk_next(&walk, &name, &element); count++) {
        if (count > 0)
            buf_byte(out, ',');
        json_put_string(out, name);
        buf_byte(out, ':');
        if (write_attribute(&element, out, depth) != 0)
            return -1;
    }
    buf_byte(out, '}');
    return count == value->count ? 0 : -1;
}

static int write_attribute(const struct value *value, struct buf *out, int depth)
{
    int result;
    if (depth > LIMIT_MSGPACK_DEPTH || value->type == VALUE_NONE)
        return -1;
    buf_text(out, "{\"");
    buf_text(out, value_type_name(value->type));
    buf_text(out, "\":");
    if (value->type == VALUE_M)
        result = put_item(value, out, depth + 1);
    else if (value->type == VALUE_L || value->type >= VALUE_SS)
        result = put_elements(value, out, depth + 1);
    else
        result = put_scalar(value, out);
    buf_byte(out, '}');
    return result;
}

int shape_write_attribute(const struct value *value, struct buf *out) { return write_attribute(value, out, 0); }

/* -- Along the shape ------------------------------------------------------------------------------------------- */
static const struct shape *member_of(const struct shape *shape, struct slice name)
{
    for (size_t i = 0; i < shape->count; i++)
        if (shape->members[i].len == name.len && memcmp(shape->members[i].name, name.ptr, name.len) == 0)
            return shape->members[i].shape;
    return NULL;
}

static int write_list(const struct shape *shape, const struct value *value, struct buf *out)
{
    struct value_walk walk = value_walk_of(value);
    struct value element;
    uint32_t count = 0;
    buf_byte(out, '[');
    for (; value_walk_next(&walk, NULL, &element); count++) {
        if (count > 0)
            buf_byte(out, ',');
        if (write_value(shape->element, &element, out) != 0)
            return -1;
    }
    buf_byte(out, ']');
    return count == value->count ? 0 : -1;
}

/* A structure or a map; the answer itself is without `skipped`. */
static int write_members(const struct shape *shape, const struct value *value, const char *skipped, struct buf *out)
{
    struct value_walk walk = value_walk_of(value);
    struct slice name;
    struct value element;
    uint32_t count = 0;
    bool first = true;
    buf_byte(out, '{');
    for (; value_walk_next(&walk, &name, &element); count++) {
        if (skipped && slice_equal(name, slice_text(skipped)))
            continue;
        if (!first)
            buf_byte(out, ',');
        first = false;
        json_put_string(out, name);
        buf_byte(out, ':');
        if (write_value(shape->kind == SHAPE_MAP ? shape->element : member_of(shape, name), &element, out) != 0)
            return -1;
    }
    buf_byte(out, '}');
    return count == value->count ? 0 : -1;
}

/* What the shape does not know, or what is of another type than it says, is plain. */
static int write_value(const struct shape *shape, const struct value *value, struct buf *out)
{
    enum shape_kind kind = shape ? shape->kind : SHAPE_PLAIN;
    if (kind == SHAPE_ITEM && value->type == VALUE_M)
        return put_item(value, out, 0);
    if (kind == SHAPE_ATTRIBUTE)
        return write_attribute(value, out, 0);
    if (kind == SHAPE_LIST && value->type == VALUE_L)
        return write_list(shape, value, out);
    if ((kind == SHAPE_MAP || kind == SHAPE_STRUCTURE) && value->type == VALUE_M)
        return write_members(shape, value, NULL, out);
    return json_from_value(value, out);
}

int shape_write(const struct shape *output, const struct value *value, struct buf *out)
{
    size_t before = out->len;
    if (value->type == VALUE_M && write_members(output, value, "ResponseMetadata", out) == 0 && !buf_failed(out))
        return 0;
    out->len = before;
    return -1;
}

void shape_write_member(const struct shape *structure, struct slice name, const struct value *value, struct buf *out)
{
    size_t before = out->len;
    if (write_value(member_of(structure, name), value, out) == 0)
        return;
    out->len = before;
    buf_text(out, "null");
}
