/* edit.c - see edit.h. */
#include "worker/table/edit.h"

void edit_init(struct edit *edit, struct slice map)
{
    buf_init(&edit->now);
    buf_init(&edit->next);
    buf_init(&edit->value);
    buf_append(&edit->now, map.ptr, map.len);
}

void edit_finish(struct edit *edit)
{
    buf_finish(&edit->now);
    buf_finish(&edit->next);
    buf_finish(&edit->value);
}

struct buf *edit_value(struct edit *edit)
{
    buf_reset(&edit->value);
    return &edit->value;
}

struct value edit_map(const struct edit *edit) { return value_of(buf_slice(&edit->now)); }

bool edit_failed(const struct edit *edit) { return buf_failed(&edit->now); }

void edit_set_raw(struct edit *edit, const char *member, struct slice encoded)
{
    struct member change = {member, encoded};
    struct value map = edit_map(edit);

    if (edit_failed(edit))
        return;
    buf_reset(&edit->next);
    members_put(&edit->next, &map, &change, 1);
    buf_swap(&edit->now, &edit->next);
}

void edit_set(struct edit *edit, const char *member)
{
    bool failed = buf_failed(&edit->value);

    edit_set_raw(edit, member, buf_slice(&edit->value));
    edit->now.failed |= failed;
}

void edit_set_int(struct edit *edit, const char *member, int64_t number)
{
    value_put_int(edit_value(edit), number);
    edit_set(edit, member);
}

void edit_set_text(struct edit *edit, const char *member, struct slice text)
{
    mp_put_slice(edit_value(edit), text);
    edit_set(edit, member);
}

void edit_set_true(struct edit *edit, const char *member, bool truth)
{
    buf_reset(&edit->value);
    if (truth)
        mp_put_bool(&edit->value, true);
    edit_set(edit, member);
}
