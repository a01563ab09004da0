/* update.c - the second half of an update: the new item, written in one walk over the old one (see update.h). */
#include "worker/table/update.h"

#include <assert.h>

#include "worker/table/effect.h"

struct rewrite {
    struct buf *out;
    struct err *e;
};

static int bad_path(struct rewrite *w)
{
    return err_set(w->e, ERR_VALIDATION, "The document path provided in the update expression is invalid for update");
}

static const struct effect *effect_of(struct path_range leaf) { return leaf.first->owner; }

static void put_name(struct rewrite *w, const struct path_step *step)
{
    if (!step->indexed)
        mp_put_slice(w->out, step->name);
}

static int rewrite_container(struct rewrite *w, struct path_range paths, uint32_t depth, const struct value *old);

/* One element that the old container has and a path names. Returns 1 if it is kept, 0 if it goes, -1 on errors. */
static int rewrite_element(struct rewrite *w, struct path_range paths, uint32_t depth, const struct path_step *step,
                           const struct value *old)
{
    if (!path_range_is_leaf(paths, depth)) {
        put_name(w, step);
        return rewrite_container(w, paths, depth, old) < 0 ? -1 : 1;
    }
    const struct effect *effect = effect_of(paths);
    if (effect->kind == EFFECT_DROP)
        return 0;
    put_name(w, step);
    mp_put_raw(w->out, effect->kind == EFFECT_PUT ? effect->value.encoded : old->encoded);
    return 1;
}

/* Elements that only the paths name: new ones go to the end, lists' in the order of their indexes. */
static int append_new(struct rewrite *w, struct path_range paths, uint32_t depth, uint32_t *count)
{
    while (!path_range_empty(paths)) {
        struct path_range group = path_range_split(&paths, depth);
        if (group.first->seen > depth)
            continue;
        if (!path_range_is_leaf(group, depth + 1))
            return bad_path(w);
        if (effect_of(group)->kind != EFFECT_PUT)
            continue;
        put_name(w, &group.first->path->steps[depth]);
        mp_put_raw(w->out, effect_of(group)->value.encoded);
        (*count)++;
    }
    return 0;
}

static int rewrite_elements(struct rewrite *w, struct path_range paths, uint32_t depth, const struct value *old,
                            uint32_t *count)
{
    struct value_walk walk = value_walk_of(old);
    struct path_step step = {.indexed = old->type == VALUE_L};
    struct value element;

    for (; value_walk_next(&walk, &step.name, &element); step.index++) {
        struct path_range below = path_range_find(paths, depth, &step);
        int kept = 1;
        if (path_range_empty(below)) {
            put_name(w, &step);
            mp_put_raw(w->out, element.encoded);
        } else {
            below.first->seen = depth + 1;
            kept = rewrite_element(w, below, depth + 1, &step, &element);
        }
        if (kept < 0)
            return -1;
        *count += (uint32_t)kept;
    }
    return append_new(w, paths, depth, count);
}

static int rewrite_container(struct rewrite *w, struct path_range paths, uint32_t depth, const struct value *old)
{
    uint32_t count = 0;

    if (!path_range_empty(paths) && old->type != (paths.first->path->steps[depth].indexed ? VALUE_L : VALUE_M))
        return bad_path(w);
    size_t mark = mp_open(w->out);
    if (rewrite_elements(w, paths, depth, old, &count) < 0)
        return -1;
    if (old->type == VALUE_L)
        mp_close_array(w->out, mark, count);
    else
        mp_close_map(w->out, mark, count);
    return 0;
}

int update_apply(const struct update_plan *plan, const struct value *base, struct buf *out, struct err *e)
{
    struct rewrite w = {.out = out, .e = e};

    assert(base->type == VALUE_M);
    for (struct path_entry *entry = plan->paths.first; entry != plan->paths.end; entry++)
        entry->seen = 0;
    return rewrite_container(&w, plan->paths, 0, base);
}
