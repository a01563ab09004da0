/* item_compare.c - deep equality, order of scalars, and DynamoDB's sizes.
 *
 * Recursion follows the nesting of the value, which value_read() bounds (LIMIT_MSGPACK_DEPTH); the guard here makes that
 * visible: whatever lies deeper is unequal to everything and has no size. */
#include <assert.h>
#include <stdlib.h>

#include "common/decimal_parts.h"
#include "common/item_parts.h"
#include "common/limits.h"

static bool equal_at(const struct value *a, const struct value *b, int depth);

/* Elements pairwise in their order: lists, sets (which are sorted), maps whose names are known to be the same. */
static bool equal_sequence(const struct value *a, const struct value *b, int depth)
{
    struct value_walk left = value_walk_of(a), right = value_walk_of(b);
    struct value x, y;
    uint32_t same = 0;
    while (value_walk_next(&left, NULL, &x) && value_walk_next(&right, NULL, &y) && equal_at(&x, &y, depth))
        same++;
    return same == a->count;
}

/* Do two maps of one size have the same names in the same order? So most equal maps are: they come from the same writer. */
static bool same_names(const struct value *a, const struct value *b)
{
    struct value_walk left = value_walk_of(a), right = value_walk_of(b);
    struct slice left_name, right_name;
    struct value x, y;
    uint32_t same = 0;
    while (value_walk_next(&left, &left_name, &x) && value_walk_next(&right, &right_name, &y) &&
           slice_equal(left_name, right_name))
        same++;
    return same == a->count;
}

struct pair {
    struct slice name;
    struct value value;
};

static int by_name(const void *left, const void *right)
{
    return slice_compare(((const struct pair *)left)->name, ((const struct pair *)right)->name);
}

/* The pairs of a map sorted by name; NULL if it is damaged or memory ran out. */
static struct pair *sorted_pairs(const struct value *map)
{
    struct value_walk w = value_walk_of(map);
    struct pair *pairs = calloc(map->count, sizeof *pairs);
    uint32_t count = 0;
    while (pairs && count < map->count && value_walk_next(&w, &pairs[count].name, &pairs[count].value))
        count++;
    if (!pairs || count != map->count) {
        free(pairs);
        return NULL;
    }
    qsort(pairs, count, sizeof *pairs, by_name);
    return pairs;
}

/* The way that needs no memory, for when there is none. */
static bool equal_by_lookup(const struct value *a, const struct value *b, int depth)
{
    struct value_walk w = value_walk_of(a);
    struct slice name;
    struct value x;
    uint32_t same = 0;
    for (; value_walk_next(&w, &name, &x); same++) {
        struct value y = value_map_get(b, name);
        if (!equal_at(&x, &y, depth))
            return false;
    }
    return same == a->count;
}

/* Maps in different orders: sorting keeps it at O(n log n), where lookups would be O(n^2) of what a peer sent. */
static bool equal_by_sorting(const struct value *a, const struct value *b, int depth)
{
    struct pair *left = sorted_pairs(a), *right = sorted_pairs(b);
    bool equal = left && right;
    for (uint32_t i = 0; equal && i < a->count; i++)
        equal = slice_equal(left[i].name, right[i].name) && equal_at(&left[i].value, &right[i].value, depth);
    if (!left || !right)
        equal = equal_by_lookup(a, b, depth);
    free(left);
    free(right);
    return equal;
}

/* Each value inside is compared once whichever way is taken: comparing twice a level would be exponential in the depth. */
static bool equal_maps(const struct value *a, const struct value *b, int depth)
{
    return same_names(a, b) ? equal_sequence(a, b, depth) : equal_by_sorting(a, b, depth);
}

static bool equal_at(const struct value *a, const struct value *b, int depth)
{
    if (a->type != b->type || a->type == VALUE_NONE || a->count != b->count || depth > LIMIT_MSGPACK_DEPTH)
        return false;
    switch (a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        return a->truth == b->truth;
    case VALUE_S:
    case VALUE_N:
    case VALUE_B:
        return slice_equal(a->bytes, b->bytes);
    case VALUE_M:
        return slice_equal(a->bytes, b->bytes) || equal_maps(a, b, depth + 1);
    default:
        return slice_equal(a->bytes, b->bytes) || equal_sequence(a, b, depth + 1);
    }
}

bool value_equal(const struct value *a, const struct value *b) { return equal_at(a, b, 0); }

int value_compare(const struct value *a, const struct value *b)
{
    assert(a->type == b->type);
    assert(a->type == VALUE_S || a->type == VALUE_N || a->type == VALUE_B);
    return slice_compare(a->bytes, b->bytes);
}

/* -- Sizes ---------------------------------------------------------------------------------------------------- */

#define CONTAINER_BYTES 3 /* of a list or map; each element costs one byte more */

/* Two digits a byte, on either side of the point separately, zeros at both ends not counted; one byte for a minus. */
static size_t number_size(const struct value *v)
{
    struct decimal d;
    if (decimal_decode(v->bytes, &d) != 0)
        return 1;
    int places = d.exponent < 0 ? -d.exponent : 0;
    int digits = decimal_length(decimal_digits(&d));
    int behind = places < digits ? places : digits, before = digits - behind;
    return 1 + (size_t)((before + 1) / 2 + (behind + 1) / 2 + (d.negative ? 1 : 0));
}

static size_t size_at(const struct value *v, int depth);

static size_t elements_size(const struct value *v, size_t each_bytes, int depth)
{
    struct value_walk w = value_walk_of(v);
    struct slice name = {0};
    struct value element;
    size_t size = 0;
    while (value_walk_next(&w, &name, &element))
        size += name.len + size_at(&element, depth) + each_bytes;
    return size;
}

static size_t size_at(const struct value *v, int depth)
{
    if (depth > LIMIT_MSGPACK_DEPTH)
        return 0;
    switch (v->type) {
    case VALUE_S:
    case VALUE_B:
        return v->bytes.len;
    case VALUE_N:
        return number_size(v);
    case VALUE_BOOL:
    case VALUE_NULL:
        return 1;
    case VALUE_L:
    case VALUE_M:
        return CONTAINER_BYTES + elements_size(v, 1, depth + 1);
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        return elements_size(v, 0, depth + 1);
    case VALUE_NONE:
        break;
    }
    return 0;
}

size_t value_size(const struct value *v) { return size_at(v, 0); }

size_t item_size(const struct value *item) { return elements_size(item, 0, 0); }
