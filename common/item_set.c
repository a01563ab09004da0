/* item_set.c - sets: built sorted from elements in any order, and merged element by element. */
#include <assert.h>
#include <stdlib.h>

#include "common/item_parts.h"

#define SHOWN_ELEMENTS 8 /* of a collection with duplicates, in its message */
#define SHOWN_BYTES 24   /* of each of them */

static void put_element(struct buf *b, enum value_type type, struct slice content)
{
    if (type == VALUE_S)
        mp_put_slice(b, content);
    else if (type == VALUE_N)
        value_put_number(b, content.ptr, content.len);
    else
        mp_put_bin(b, content.ptr, content.len);
}

static int by_content(const void *left, const void *right)
{
    return slice_compare(*(const struct slice *)left, *(const struct slice *)right);
}

static int refuse_empty(enum value_type type, struct err *e)
{
    const char *what = type == VALUE_SS   ? "An string set  may not be empty"
                       : type == VALUE_NS ? "An number set  may not be empty"
                                          : "Binary sets should not be empty";
    return err_set(e, ERR_VALIDATION, "One or more parameter values were invalid: %s", what);
}

/* DynamoDB shows a string set's elements; numbers and bytes are no text here, and are named by their type. */
static int refuse_duplicates(enum value_type type, const struct slice *elements, size_t count, struct err *e)
{
    struct buf text;
    buf_init(&text);
    for (size_t i = 0; type == VALUE_SS && i < count && i < SHOWN_ELEMENTS; i++) {
        buf_text(&text, i ? ", " : "");
        buf_append(&text, elements[i].ptr, elements[i].len < SHOWN_BYTES ? elements[i].len : SHOWN_BYTES);
    }
    if (type == VALUE_SS && !buf_failed(&text))
        err_set(e, ERR_VALIDATION, "One or more parameter values were invalid: Input collection [%.*s%s] contains duplicates.",
                (int)text.len, text.data ? (const char *)text.data : "", count > SHOWN_ELEMENTS ? ", ..." : "");
    else
        err_set(e, ERR_VALIDATION,
                "One or more parameter values were invalid: Input collection of type %s contains duplicates.",
                value_type_name(type));
    buf_finish(&text);
    return -1;
}

/* Writes a set of sorted, distinct contents. */
static void put_sorted(struct buf *b, enum value_type type, const struct slice *elements, size_t count)
{
    size_t mark = mp_open(b);
    assert(count > 0 && count <= UINT32_MAX);
    mp_put_array(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_element(b, value_element_type(type), elements[i]);
    mp_close_ext(b, mark, value_set_ext(type));
}

int value_put_set(struct buf *b, enum value_type type, const struct value *elements, size_t count, struct err *e)
{
    if (count == 0)
        return refuse_empty(type, e);
    int result = 0;
    struct slice *sorted = calloc(count, sizeof *sorted);
    if (!sorted)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < count; i++) {
        sorted[i] = elements[i].bytes;
        if (elements[i].type != value_element_type(type))
            result = err_set(e, ERR_VALIDATION, "A set of type %s can only hold elements of type %s", value_type_name(type),
                             value_type_name(value_element_type(type)));
    }
    qsort(sorted, count, sizeof *sorted, by_content);
    for (size_t i = 1; i < count && result == 0; i++)
        if (slice_equal(sorted[i - 1], sorted[i]))
            result = refuse_duplicates(type, sorted, count, e);
    if (result == 0) {
        put_sorted(b, type, sorted, count);
        result = buf_failed(b) ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
    }
    free(sorted);
    return result;
}

/* -- Algebra -------------------------------------------------------------------------------------------------- */

/* One side of a merge: the walk and the element that it stands on. */
struct side {
    enum value_type type; /* of the elements; another one ends the walk as damage does */
    struct value_walk walk;
    struct value element;
    bool more;
};

static void advance(struct side *s) { s->more = value_walk_next(&s->walk, NULL, &s->element) && s->element.type == s->type; }

static struct side side_of(const struct value *set)
{
    struct side s = {.type = value_element_type(set->type), .walk = value_walk_of(set)};
    advance(&s);
    return s;
}

/* Appends the elements of a, and of other too if both are wanted; without, those of a that other has not. Returns how many. */
static uint32_t merge(struct buf *b, const struct value *a, const struct value *other, bool both)
{
    struct side left = side_of(a), right = side_of(other);
    uint32_t count = 0;
    while (left.more || (both && right.more)) {
        int order = !right.more ? -1 : !left.more ? 1 : slice_compare(left.element.bytes, right.element.bytes);
        const struct value *taken = order <= 0 ? &left.element : &right.element;
        if (both || order < 0) {
            put_element(b, value_element_type(a->type), taken->bytes);
            count++;
        }
        if (order <= 0)
            advance(&left);
        if (order >= 0)
            advance(&right);
    }
    return count;
}

/* The payload's count is known after the merge only, so the array stands open inside the open ext. */
static int put_merged(struct buf *b, const struct value *a, const struct value *other, bool both)
{
    assert(a->type == other->type && value_element_type(a->type) != VALUE_NONE);
    size_t ext = mp_open(b), array = mp_open(b);
    uint32_t count = merge(b, a, other, both);
    if (count == 0 && !buf_failed(b)) {
        b->len = ext;
        return 1;
    }
    mp_close_array(b, array, count);
    mp_close_ext(b, ext, value_set_ext(a->type));
    return buf_failed(b) ? -1 : 0;
}

int value_put_union(struct buf *b, const struct value *a, const struct value *other) { return put_merged(b, a, other, true); }

int value_put_difference(struct buf *b, const struct value *a, const struct value *other)
{
    return put_merged(b, a, other, false);
}
