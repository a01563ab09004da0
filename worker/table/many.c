/* many.c - see many.h. */
#include "worker/table/many.h"

#include <stdlib.h>

int many_check_length(struct request *rq, const char *name, const struct value *list, uint32_t max)
{
    if (list->count >= 1 && list->count <= max)
        return 0;
    return err_set(&rq->err, ERR_VALIDATION,
                   "1 validation error detected: Value '[%s]' at '%s' failed to satisfy constraint: Member must have length %s "
                   "than or equal to %u",
                   list->count ? "..." : "", name, list->count ? "less" : "greater", list->count ? max : 1u);
}

int many_failed(struct request *rq, const struct request *part)
{
    rq->err = part->err;
    rq->store = part->store;
    return -1;
}

int many_take_key(struct request *rq, struct request *part, uint32_t at, struct many_key *key)
{
    if (request_encode_key(part) < 0)
        return many_failed(rq, part);
    key->key = arena_copy(&rq->t->arena, buf_slice(&rq->t->key));
    key->at = at;
    return key->key.ptr ? 0 : -1;
}

static int compare_keys(const void *left, const void *right)
{
    return slice_compare(((const struct many_key *)left)->key, ((const struct many_key *)right)->key);
}

bool many_sort_keys(struct many_key *keys, uint32_t count)
{
    qsort(keys, count, sizeof *keys, compare_keys);
    for (uint32_t i = 1; i < count; i++)
        if (slice_equal(keys[i - 1].key, keys[i].key))
            return true;
    return false;
}
