/* range.c - conditions, segments and places as ranges of bytes (see range.h). */
#include "worker/table/range.h"

#include <assert.h>

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

static int finish(struct key_range *range, struct buf *begin, struct buf *end, struct arena *arena)
{
    range->begin = take(begin, arena);
    range->end = take(end, arena);
    return range->begin.ptr && range->end.ptr ? 0 : -1;
}

/* Makes a key the least one above all that begin with it. Ids do not reach 2^32 - 1, so there is one. */
static void skip(struct buf *key)
{
    bool above = buf_failed(key) || key_successor(key, 0);

    assert(above);
    (void)above;
}

int range_of_segment(const struct view *view, uint32_t segment, uint32_t total, struct arena *arena, struct key_range *range)
{
    struct buf begin = {0}, end = {0};

    key_encode_prefix(&begin, view->id, segment_start(segment, total));
    if (segment + 1 < total)
        key_encode_prefix(&end, view->id, segment_start(segment + 1, total));
    else
        key_encode_prefix(&end, view->id + 1, 0);
    return finish(range, &begin, &end, arena);
}

/* -- Partitions ----------------------------------------------------------------------------------------------- */
/* begin and end hold what all keys of interest begin with. */
static void cut(const struct view *view, const struct key_condition *condition, struct buf *begin, struct buf *end)
{
    const struct value *value = &condition->values[0], *last = &condition->values[condition->kind == NODE_BETWEEN];
    enum node_kind kind = condition->kind;

    if (kind == NODE_BEGINS_WITH) {
        view_put_sort_start(begin, view, value->bytes);
        view_put_sort_start(end, view, value->bytes);
        skip(end);
        return;
    }
    if (kind != NODE_LT && kind != NODE_LE)
        view_put_sort(begin, view, value);
    if (kind == NODE_GT)
        view_skip_sort(begin, view);
    if (kind == NODE_GT || kind == NODE_GE) {
        skip(end);
        return;
    }
    view_put_sort(end, view, last);
    if (kind != NODE_LT)
        view_skip_sort(end, view);
}

int range_of_partition(const struct view *view, const struct value *partition, const struct key_condition *const *sort,
                       uint32_t count, struct arena *arena, struct key_range *range)
{
    struct buf begin = {0}, end = {0};

    view_put_partition(&begin, view, partition);
    for (uint32_t i = 0; i + 1 < count; i++) {
        assert(sort[i]->kind == NODE_EQ);
        view_put_sort(&begin, view, &sort[i]->values[0]);
    }
    buf_append(&end, begin.data, begin.len);
    if (begin.failed || end.failed)
        end.failed = true;
    else if (count > 0)
        cut(view, sort[count - 1], &begin, &end);
    else
        skip(&end);
    return finish(range, &begin, &end, arena);
}

int range_resume(struct key_range *range, struct slice key, bool backward, struct arena *arena)
{
    struct buf cut = {0};

    if (backward ? slice_compare(key, range->end) >= 0 : slice_compare(key, range->begin) < 0)
        return 0;
    buf_append(&cut, key.ptr, key.len);
    if (!backward)
        buf_byte(&cut, 0);
    *(backward ? &range->end : &range->begin) = take(&cut, arena);
    return range->begin.ptr && range->end.ptr ? 0 : -1;
}
