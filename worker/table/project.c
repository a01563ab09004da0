/* project.c - walks item and sorted paths side by side (see project.h). */
#include "worker/table/project.h"

#include <assert.h>

struct path_range project_prepare(const struct projection *projection, struct arena *arena)
{
    struct path_entry *entries = arena_array(arena, projection->count, sizeof *entries);

    if (!entries)
        return (struct path_range){NULL, NULL};
    for (uint32_t i = 0; i < projection->count; i++)
        entries[i] = (struct path_entry){.path = &projection->paths[i], .order = i};
    int overlap = path_set_init(entries, projection->count, NULL);
    assert(overlap == 0);
    (void)overlap;
    return (struct path_range){entries, entries + projection->count};
}

static bool project_value(struct path_range paths, uint32_t depth, const struct value *value, struct buf *out);

/* The elements of a container that the paths reach; returns how many were written. */
static uint32_t project_elements(struct path_range paths, uint32_t depth, const struct value *container, struct buf *out)
{
    struct value_walk walk = value_walk_of(container);
    struct path_step step = {.indexed = container->type == VALUE_L};
    struct value element;
    uint32_t count = 0;

    for (; value_walk_next(&walk, &step.name, &element); step.index++) {
        struct path_range below = path_range_find(paths, depth, &step);
        if (path_range_empty(below))
            continue;
        size_t before = out->len;
        if (!step.indexed)
            mp_put_slice(out, step.name);
        if (project_value(below, depth + 1, &element, out))
            count++;
        else
            out->len = before;
    }
    return count;
}

/* False (and nothing written) if no path ends in this value. */
static bool project_value(struct path_range paths, uint32_t depth, const struct value *value, struct buf *out)
{
    if (path_range_is_leaf(paths, depth)) {
        mp_put_raw(out, value->encoded);
        return true;
    }
    if (value->type != VALUE_M && value->type != VALUE_L)
        return false;
    size_t mark = mp_open(out);
    uint32_t count = project_elements(paths, depth, value, out);
    if (value->type == VALUE_M)
        mp_close_map(out, mark, count);
    else
        mp_close_array(out, mark, count);
    return count > 0;
}

uint32_t project(struct path_range paths, const struct value *item, struct buf *out)
{
    size_t mark = mp_open(out);
    uint32_t count = item->type == VALUE_M && !path_range_empty(paths) ? project_elements(paths, 0, item, out) : 0;

    mp_close_map(out, mark, count);
    return count;
}

void project_columns(const struct projection *columns, const struct slice *names, const struct value *item, struct buf *out)
{
    size_t mark = mp_open(out);
    uint32_t count = 0;

    for (uint32_t i = 0; i < columns->count; i++) {
        struct value value = path_get(&columns->paths[i], item);
        uint32_t same = 0;
        while (same < i && !slice_equal(names[same], names[i]))
            same++;
        if (value.type == VALUE_NONE || same < i)
            continue;
        mp_put_slice(out, names[i]);
        mp_put_raw(out, value.encoded);
        count++;
    }
    mp_close_map(out, mark, count);
}
