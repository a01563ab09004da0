/* paths.c - order, overlap and lookup of document paths (see paths.h). */
#include "worker/table/paths.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static int step_compare(const struct path_step *a, const struct path_step *b)
{
    if (a->indexed != b->indexed)
        return a->indexed ? 1 : -1;
    if (a->indexed)
        return a->index < b->index ? -1 : a->index > b->index;
    return slice_compare(a->name, b->name);
}

int path_compare(const struct path *a, const struct path *b)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        int order = step_compare(&a->steps[i], &b->steps[i]);
        if (order)
            return order;
    }
    return a->count < b->count ? -1 : a->count > b->count;
}

size_t path_text(const struct path *path, char *text, size_t size)
{
    size_t len = 0;

    for (uint32_t i = 0; i < path->count && len + 1 < size; i++) {
        const struct path_step *step = &path->steps[i];
        const char *lead = i ? ", " : "[";
        int n = step->indexed
                    ? snprintf(text + len, size - len, "%s[%u]", lead, step->index)
                    : snprintf(text + len, size - len, "%s%.*s", lead, (int)(step->name.len < 80 ? step->name.len : 80),
                               step->name.len ? (const char *)step->name.ptr : "");
        len += n > 0 ? (size_t)n : 0;
    }
    if (len + 1 >= size)
        return size - 1;
    text[len] = ']';
    text[len + 1] = 0;
    return len + 1;
}

static int compare_entries(const void *a, const void *b)
{
    const struct path_entry *left = a, *right = b;
    int order = path_compare(left->path, right->path);
    return order ? order : (left->order < right->order ? -1 : left->order > right->order);
}

static int pair_error(const struct path_entry *a, const struct path_entry *b, const char *what, struct err *e)
{
    char one[100], two[100];
    bool swap = b->order < a->order;

    path_text(swap ? b->path : a->path, one, sizeof one);
    path_text(swap ? a->path : b->path, two, sizeof two);
    return err_set(
        e, ERR_VALIDATION,
        "Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", what,
        one, two);
}

/* Neighbours suffice: whatever lies between a path and one that extends it extends it, too, and at one place all names stand
 * before all indexes, so that a conflict shows where they meet. */
static int check_neighbours(const struct path_entry *a, const struct path_entry *b, struct err *e)
{
    uint32_t i = 0, common = a->path->count < b->path->count ? a->path->count : b->path->count;

    while (i < common && step_compare(&a->path->steps[i], &b->path->steps[i]) == 0)
        i++;
    if (i == common)
        return pair_error(a, b, "overlap", e);
    if (a->path->steps[i].indexed != b->path->steps[i].indexed)
        return pair_error(a, b, "conflict", e);
    return 0;
}

int path_set_init(struct path_entry *entries, uint32_t count, struct err *e)
{
    if (count > 1)
        qsort(entries, count, sizeof *entries, compare_entries);
    for (uint32_t i = 1; i < count; i++)
        if (check_neighbours(&entries[i - 1], &entries[i], e) < 0)
            return -1;
    return 0;
}

/* The first entry of the range whose step at depth is not below (or, with `after`, above) the one given. */
static struct path_entry *bound(struct path_range range, uint32_t depth, const struct path_step *step, bool after)
{
    struct path_entry *low = range.first, *high = range.end;

    while (low < high) {
        struct path_entry *middle = low + (high - low) / 2;
        assert(middle->path->count > depth);
        int order = step_compare(&middle->path->steps[depth], step);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct path_range path_range_find(struct path_range range, uint32_t depth, const struct path_step *step)
{
    if (path_range_empty(range))
        return range;
    return (struct path_range){bound(range, depth, step, false), bound(range, depth, step, true)};
}

struct path_range path_range_split(struct path_range *range, uint32_t depth)
{
    assert(!path_range_empty(*range));
    struct path_range group = {range->first, bound(*range, depth, &range->first->path->steps[depth], true)};
    range->first = group.end;
    return group;
}
