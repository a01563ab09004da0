/* json_marker.c - {"$binary": ...} and its like: plain JSON's way to say binary and sets. */
#include "common/json_parts.h"

#include <stdlib.h>

#include "common/item_parts.h"

static const struct json_marker markers[] = {
#define X(symbol, name, type, content) {name, type, content},
    JSON_MARKER_TABLE(X)
#undef X
};
#define MARKERS (sizeof markers / sizeof *markers)

const struct json_marker *json_marker_by_name(struct slice name)
{
    if (name.len == 0 || *name.ptr != '$')
        return NULL;
    for (size_t i = 0; i < MARKERS; i++)
        if (slice_equal(slice_text(markers[i].name), name))
            return &markers[i];
    return NULL;
}

const struct json_marker *json_marker_by_type(enum value_type type)
{
    for (size_t i = 0; i < MARKERS; i++)
        if (markers[i].type == type)
            return &markers[i];
    return NULL;
}

static int refuse(const struct json_marker *m, struct err *e)
{
    return err_set(e, ERR_VALIDATION, "The value of \"%s\" must be %s", m->name, m->content);
}

static int put_binary(const struct json_marker *m, const struct value *text, struct buf *out, struct err *e)
{
    struct buf bytes;
    buf_init(&bytes);
    int result = text->type == VALUE_S && base64_decode(&bytes, text->bytes) == 0 ? 0 : refuse(m, e);
    if (buf_failed(&bytes))
        result = err_set(e, ERR_INTERNAL, "out of memory");
    if (result == 0)
        mp_put_bin(out, bytes.data, bytes.len);
    buf_finish(&bytes);
    return result;
}

/* Reads the array's elements, of one type each; returns how many there are, which is list->count if all are right. */
static size_t read_elements(const struct value *list, enum value_type type, struct value *elements)
{
    struct value_walk w = value_walk_of(list);
    size_t count = 0;
    while (value_walk_next(&w, NULL, &elements[count]) && elements[count].type == type)
        count++;
    return count;
}

/* elements has one place more than the list: a walk writes the element that ends it. */
static int put_elements(const struct json_marker *m, const struct value *list, struct value *elements, struct buf *out,
                        struct err *e)
{
    if (list->type != VALUE_L || read_elements(list, value_element_type(m->type), elements) != list->count)
        return refuse(m, e);
    return value_put_set(out, m->type, elements, list->count, e);
}

/* Strings of base64 become an array of B first, so that a set of them is built like any other. */
static int decode_elements(const struct json_marker *m, const struct value *list, struct buf *decoded, struct err *e)
{
    struct value_walk w = value_walk_of(list);
    struct value text;
    uint32_t count = 0;
    mp_put_array(decoded, list->count);
    for (; value_walk_next(&w, NULL, &text); count++)
        if (put_binary(m, &text, decoded, e) != 0)
            return -1;
    if (buf_failed(decoded))
        return err_set(e, ERR_INTERNAL, "out of memory");
    return list->type == VALUE_L && count == list->count ? 0 : refuse(m, e);
}

static int put_set(const struct json_marker *m, struct value list, struct buf *out, struct err *e)
{
    struct buf decoded;
    buf_init(&decoded);
    int result = m->type == VALUE_BS ? decode_elements(m, &list, &decoded, e) : 0;
    if (result == 0 && m->type == VALUE_BS)
        list = value_of(buf_slice(&decoded));
    struct value *elements = result == 0 ? calloc((size_t)list.count + 1, sizeof *elements) : NULL;
    if (result == 0)
        result = elements ? put_elements(m, &list, elements, out, e) : err_set(e, ERR_INTERNAL, "out of memory");
    free(elements);
    buf_finish(&decoded);
    return result;
}

int json_marker_value(const struct json_marker *marker, struct slice content, struct buf *out, struct err *e)
{
    struct value v = value_of(content);
    return marker->type == VALUE_B ? put_binary(marker, &v, out, e) : put_set(marker, v, out, e);
}
