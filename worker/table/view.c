/* view.c - see view.h. */
#include "worker/table/view.h"

void view_put_key(struct buf *out, const struct view *view, const struct value *item) { key_put_map(out, view->schema, item); }

int view_key_of_start(const struct view *view, const struct value *map, struct item_key *key, struct buf *encoded,
                      struct err *e)
{
    if (key_of_argument(view->schema, map, key, e) < 0)
        return -1;
    key_encode(encoded, view->id, key);
    return 0;
}
