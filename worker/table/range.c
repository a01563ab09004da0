/* range.c - conditions, segments and places as ranges of bytes (see range.h). */
#include "worker/table/range.h"

#include <assert.h>
#include <string.h>

/* The least key above all that begin with prefix. The prefix has a byte that is not FF: table ids do not reach 2^32 - 1. */
static struct slice after_prefix(struct slice prefix, struct arena *arena)
{
    size_t len = prefix.len;

    while (len > 0 && prefix.ptr[len - 1] == 0xFF)
        len--;
    assert(len > 0);
    unsigned char *copy = arena_alloc(arena, len);
    if (!copy)
        return slice_of(NULL, 0);
    memcpy(copy, prefix.ptr, len);
    copy[len - 1]++;
    return slice_of(copy, len);
}

/* The least key above that one. */
static struct slice after_key(struct slice key, struct arena *arena)
{
    unsigned char *copy = arena_alloc(arena, key.len + 1);

    if (!copy)
        return slice_of(NULL, 0);
    memcpy(copy, key.ptr, key.len);
    copy[key.len] = 0;
    return slice_of(copy, key.len + 1);
}

/* Takes what was encoded out of a buffer. */
static struct slice take(struct buf *b, struct arena *arena)
{
    struct slice copy = {NULL, 0};

    if (buf_failed(b))
        arena->failed = true;
    else
        copy = arena_copy(arena, buf_slice(b));
    buf_finish(b);
    return copy;
}

static int done(const struct key_range *range) { return range->begin.ptr && range->end.ptr ? 0 : -1; }

int range_of_segment(const struct view *view, uint32_t segment, uint32_t total, struct arena *arena, struct key_range *range)
{
    struct buf b;

    buf_init(&b);
    key_encode_prefix(&b, view->id, segment_start(segment, total));
    range->begin = take(&b, arena);
    if (segment + 1 < total)
        key_encode_prefix(&b, view->id, segment_start(segment + 1, total));
    else
        key_encode_prefix(&b, view->id + 1, 0);
    range->end = take(&b, arena);
    return done(range);
}

/* -- Partitions ----------------------------------------------------------------------------------------------- */
struct place {
    const struct view *view;
    struct slice partition; /* what all keys of the partition begin with */
    struct arena *arena;
};

/* What the keys with that sort value are, or begin with. */
static struct slice at_value(const struct place *place, const struct value *value)
{
    unsigned char *key = arena_alloc(place->arena, place->partition.len + value->bytes.len);

    if (!key)
        return slice_of(NULL, 0);
    memcpy(key, place->partition.ptr, place->partition.len);
    memcpy(key + place->partition.len, value->bytes.ptr, value->bytes.len);
    return slice_of(key, place->partition.len + value->bytes.len);
}

/* The least key above all with that sort value. */
static struct slice after_value(const struct place *place, const struct value *value)
{
    struct slice at = at_value(place, value);

    return at.ptr ? after_key(at, place->arena) : at;
}

int range_of_partition(const struct view *view, const struct item_key *key, const struct key_condition *sort,
                       struct arena *arena, struct key_range *range)
{
    struct buf b;

    buf_init(&b);
    key_encode_partition(&b, view->id, key);
    struct place place = {.view = view, .partition = take(&b, arena), .arena = arena};
    if (!place.partition.ptr)
        return -1;
    range->begin = place.partition;
    range->end = after_prefix(place.partition, arena);
    const struct value *value = sort ? &sort->values[0] : NULL;
    if (sort &&
        (sort->kind == NODE_EQ || sort->kind == NODE_GE || sort->kind == NODE_BETWEEN || sort->kind == NODE_BEGINS_WITH))
        range->begin = at_value(&place, value);
    if (sort && sort->kind == NODE_GT)
        range->begin = after_value(&place, value);
    if (sort && sort->kind == NODE_LT)
        range->end = at_value(&place, value);
    if (sort && (sort->kind == NODE_EQ || sort->kind == NODE_LE))
        range->end = after_value(&place, value);
    if (sort && sort->kind == NODE_BETWEEN)
        range->end = after_value(&place, &sort->values[1]);
    if (sort && sort->kind == NODE_BEGINS_WITH && range->begin.ptr)
        range->end = after_prefix(range->begin, arena);
    return done(range);
}

int range_resume(struct key_range *range, struct slice key, bool backward, struct arena *arena)
{
    if (backward && slice_compare(key, range->end) < 0)
        range->end = arena_copy(arena, key);
    if (!backward && slice_compare(key, range->begin) >= 0)
        range->begin = after_key(key, arena);
    return done(range);
}
