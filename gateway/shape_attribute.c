/* shape_attribute.c - AttributeValues of typed JSON, {"S": "x"}, and maps of them, to native values.
 *
 * A wrong JSON type ends the reading. A value that DynamoDB does not take (a number too large, an empty set) is noted, replaced by null, and
 * the reading goes on: other errors of the request are told before it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/names.h"
#include "gateway/shape_private.h"

#define INVALID "One or more parameter values were invalid: "
#define SHOWN_ELEMENTS 20

static const struct shape text_shape = {.kind = SHAPE_STRING, .type = "String"};
static const struct shape bytes_shape = {.kind = SHAPE_STRING, .type = "ByteBuffer"};
static const struct shape boolean_shape = {.kind = SHAPE_BOOLEAN, .type = "Boolean"};
static const struct shape list_shape = {.kind = SHAPE_LIST, .type = "List"};
static const struct shape attribute_shape = {.kind = SHAPE_ATTRIBUTE, .type = "AttributeValue"};
static const struct shape item_shape = {
    .kind = SHAPE_ITEM, .type = "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"};

static int read_attribute(struct shape_reader *s, int depth, bool element);

/* -- What DynamoDB does not take ------------------------------------------------------------------------------- */
/* The first one of the lowest rank is kept. */
static void note_fault(struct shape_reader *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note_fault(struct shape_reader *s, const char *format, ...)
{
    struct buf *out = &s->value_fault;
    char text[1024];
    va_list args;
    if (s->rank >= s->fault_rank)
        return;
    s->fault_rank = s->rank;
    buf_reset(out);
    if (s->rank == RANK_START_KEY)
        buf_text(out, "The provided starting key is invalid: ");
    if (s->rank == RANK_EXPRESSION_VALUES)
        buf_text(out, "ExpressionAttributeValues contains invalid value: ");
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_text(out, text);
    if (s->rank == RANK_EXPRESSION_VALUES) {
        buf_text(out, " for key ");
        buf_append(out, s->attribute.ptr, s->attribute.len);
    }
}

/* -- Scalars --------------------------------------------------------------------------------------------------- */
static int read_string(struct shape_reader *s, struct buf *out)
{
    struct slice text;
    if (shape_read_text(s, &text_shape, &text) != 0)
        return -1;
    mp_put_slice(out, text);
    return 0;
}

static int read_number(struct shape_reader *s, struct buf *out)
{
    struct slice text;
    struct err e;
    if (shape_read_text(s, &text_shape, &text) != 0)
        return -1;
    if (value_put_number_text(out, (const char *)text.ptr, text.len, &e) == 0)
        return 0;
    note_fault(s, "%s", e.text);
    mp_put_nil(out);
    return 0;
}

static int refuse_base64(struct shape_reader *s, struct slice text)
{
    static const char others[] = "+/=";
    if (text.len % 4 != 0)
        return shape_refuse(s, "Base64 encoded length is expected a multiple of 4 bytes but found: %zu", text.len);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i], letter = (unsigned char)(c | 0x20);
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && (c == 0 || !strchr(others, c)))
            return c > ' ' && c < 0x7f ? shape_refuse(s, "Invalid Base64 character: '%c'", c)
                                       : shape_refuse(s, "Invalid Base64 character: 0x%02x", c);
    }
    return shape_refuse(s, "Invalid last non-pad Base64 character dectected");
}

static int read_bytes(struct shape_reader *s, struct buf *out)
{
    struct slice text;
    enum json_kind kind = json_peek(&s->json);
    if (kind == JSON_TRUE || kind == JSON_FALSE || kind == JSON_NUMBER || kind == JSON_NULL)
        return shape_refuse(s, "only base-64-encoded strings are convertible to bytes");
    if (shape_read_text(s, &bytes_shape, &text) != 0)
        return -1;
    buf_reset(&s->bytes);
    if (base64_decode(&s->bytes, text) != 0)
        return buf_failed(&s->bytes) ? shape_out_of_memory(s) : refuse_base64(s, text);
    mp_put_bin(out, s->bytes.data, s->bytes.len);
    return 0;
}

static int read_boolean(struct shape_reader *s, struct buf *out)
{
    bool truth;
    if (shape_read_boolean(s, &boolean_shape, &truth) != 0)
        return -1;
    mp_put_bool(out, truth);
    return 0;
}

static int read_null(struct shape_reader *s, struct buf *out)
{
    bool truth;
    if (shape_read_boolean(s, &boolean_shape, &truth) != 0)
        return -1;
    if (!truth)
        note_fault(s, INVALID "Null attribute value types must have the value of true");
    mp_put_nil(out);
    return 0;
}

/* -- Sets ------------------------------------------------------------------------------------------------------ */
typedef int (*element_reader)(struct shape_reader *s, struct buf *out);

/* The elements, encoded as a list in s->set. */
static int read_elements(struct shape_reader *s, element_reader read, uint32_t *count)
{
    *count = 0;
    buf_reset(&s->set);
    if (json_peek(&s->json) != JSON_ARRAY)
        return shape_mismatch(s, &list_shape, false);
    size_t mark = mp_open(&s->set);
    json_enter(&s->json);
    for (; json_next_element(&s->json); (*count)++)
        if (read(s, &s->set) != 0)
            return -1;
    mp_close_array(&s->set, mark, *count);
    if (buf_failed(&s->set))
        return shape_out_of_memory(s);
    return s->json.broken ? -1 : 0;
}

/* "[a, a]", in the order in which they came. */
static void show_elements(const struct value *list, char *text, size_t size)
{
    struct value_walk walk = value_walk_of(list);
    struct value element;
    struct buf out = {0};
    for (int i = 0; i < SHOWN_ELEMENTS && value_walk_next(&walk, NULL, &element); i++) {
        buf_text(&out, i ? ", " : "[");
        if (element.type == VALUE_B)
            base64_encode(&out, element.bytes);
        else
            buf_append(&out, element.bytes.ptr, element.bytes.len);
    }
    buf_text(&out, list->count > SHOWN_ELEMENTS ? ", ...]" : "]");
    snprintf(text, size, "%.*s", (int)out.len, out.data ? (const char *)out.data : "");
    buf_finish(&out);
}

static void note_duplicates(struct shape_reader *s, enum value_type type, const struct value *list)
{
    char text[512];
    if (type == VALUE_NS) {
        note_fault(s, "Input collection contains duplicates");
        return;
    }
    show_elements(list, text, sizeof text);
    note_fault(s, INVALID "Input collection %s%s contains duplicates.", text, type == VALUE_BS ? "of type BS" : "");
}

static int read_set(struct shape_reader *s, struct buf *out, enum value_type type, element_reader read)
{
    uint32_t count;
    struct err e;
    enum value_rank before = s->fault_rank;
    if (read_elements(s, read, &count) != 0)
        return -1;
    if (count > s->elements_cap) {
        struct value *more = reallocarray(s->elements, count, sizeof *more);
        if (!more)
            return shape_out_of_memory(s);
        s->elements = more;
        s->elements_cap = count;
    }
    struct value list = value_of(buf_slice(&s->set));
    struct value_walk walk = value_walk_of(&list);
    for (uint32_t i = 0; i < count; i++)
        value_walk_next(&walk, NULL, &s->elements[i]);
    if (s->fault_rank == before && value_put_set(out, type, s->elements, count, &e) == 0)
        return 0;
    if (s->fault_rank == before) {
        if (e.code == ERR_INTERNAL)
            return shape_out_of_memory(s);
        if (count == 0)
            note_fault(s, "%s", e.text);
        else
            note_duplicates(s, type, &list);
    }
    mp_put_nil(out);
    return 0;
}

static int read_strings(struct shape_reader *s, struct buf *out) { return read_set(s, out, VALUE_SS, read_string); }
static int read_numbers(struct shape_reader *s, struct buf *out) { return read_set(s, out, VALUE_NS, read_number); }
static int read_blobs(struct shape_reader *s, struct buf *out) { return read_set(s, out, VALUE_BS, read_bytes); }

/* -- Lists and maps -------------------------------------------------------------------------------------------- */
static int skip_too_deep(struct shape_reader *s)
{
    note_fault(s, "Nesting Levels have exceeded supported limits: "
                  "Attributes in the item have nested levels beyond supported limit");
    mp_put_nil(s->out);
    json_skip(&s->json);
    return 0;
}

static int read_list(struct shape_reader *s, int depth)
{
    uint32_t count = 0;
    if (json_peek(&s->json) != JSON_ARRAY)
        return shape_mismatch(s, &list_shape, false);
    if (depth == 0)
        return skip_too_deep(s);
    size_t mark = mp_open(s->out);
    json_enter(&s->json);
    for (; json_next_element(&s->json); count++)
        if (read_attribute(s, depth - 1, true) != 0)
            return -1;
    mp_close_array(s->out, mark, count);
    return 0;
}

static int push_name(struct shape_reader *s, struct slice name)
{
    if (s->names_count == s->names_cap) {
        size_t cap = s->names_cap ? 2 * s->names_cap : 64;
        struct slice *more = reallocarray(s->names, cap, sizeof *more);
        if (!more)
            return shape_out_of_memory(s);
        s->names = more;
        s->names_cap = cap;
    }
    s->names[s->names_count++] = name;
    return 0;
}

/* One name and its value; a null value is no attribute. */
static int read_pair(struct shape_reader *s, struct slice name, int depth, uint32_t *count)
{
    if (json_peek(&s->json) == JSON_NULL) {
        json_take_word(&s->json);
        return 0;
    }
    mp_put_slice(s->out, name);
    (*count)++;
    return push_name(s, name) == 0 ? read_attribute(s, depth, true) : -1;
}

static int read_map(struct shape_reader *s, int depth, bool top)
{
    uint32_t count = 0;
    size_t from = s->names_count;
    struct slice name;
    size_t mark = mp_open(s->out);
    json_enter(&s->json);
    while (json_next_member(&s->json, &name)) {
        if (top)
            s->attribute = name;
        if (read_pair(s, name, depth, &count) != 0)
            return -1;
    }
    mp_close_map(s->out, mark, count);
    const struct slice *twice = count > 1 ? names_twice(s->names + from, count) : NULL;
    s->names_count = from;
    return twice
               ? shape_refuse(s, "Duplicate field '%.*s'", (int)(twice->len < 255 ? twice->len : 255), (const char *)twice->ptr)
               : 0;
}

static int read_inner_map(struct shape_reader *s, int depth)
{
    if (json_peek(&s->json) != JSON_OBJECT)
        return shape_mismatch(s, &item_shape, false);
    return depth == 0 ? skip_too_deep(s) : read_map(s, depth - 1, false);
}

/* -- The value itself ------------------------------------------------------------------------------------------ */
static int read_typed(struct shape_reader *s, enum value_type type, int depth)
{
    static int (*const scalars[])(struct shape_reader *, struct buf *) = {
        [VALUE_S] = read_string,  [VALUE_N] = read_number,   [VALUE_B] = read_bytes,    [VALUE_BOOL] = read_boolean,
        [VALUE_NULL] = read_null, [VALUE_SS] = read_strings, [VALUE_NS] = read_numbers, [VALUE_BS] = read_blobs,
    };
    if (type == VALUE_L)
        return read_list(s, depth);
    return type == VALUE_M ? read_inner_map(s, depth) : scalars[type](s, s->out);
}

static enum value_type type_of(struct slice name)
{
    for (enum value_type type = VALUE_S; type < VALUE_NONE; type++)
        if (slice_equal(name, slice_text(value_type_name(type))))
            return type;
    return VALUE_NONE;
}

static int read_attribute(struct shape_reader *s, int depth, bool element)
{
    size_t before = s->out->len, keep = before;
    struct slice name;
    unsigned types = 0;
    if (json_peek(&s->json) != JSON_OBJECT)
        return shape_mismatch(s, &attribute_shape, element);
    json_enter(&s->json);
    while (json_next_member(&s->json, &name)) {
        enum value_type type = type_of(name);
        if (type == VALUE_NONE || json_peek(&s->json) == JSON_NULL) {
            json_skip(&s->json);
            continue;
        }
        if (read_typed(s, type, depth) != 0)
            return -1;
        if (types++ == 0)
            keep = s->out->len;
        s->out->len = keep;
    }
    if (types == 1)
        return 0;
    note_fault(
        s, types
               ? "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
               : "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    s->out->len = before;
    mp_put_nil(s->out);
    return 0;
}

int shape_read_attribute(struct shape_reader *s, bool element) { return read_attribute(s, LIMIT_VALUE_DEPTH, element); }

int shape_read_item(struct shape_reader *s, bool element)
{
    if (json_peek(&s->json) != JSON_OBJECT)
        return shape_mismatch(s, &item_shape, element);
    return read_map(s, LIMIT_VALUE_DEPTH, true);
}
