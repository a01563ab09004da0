/* names.c - finds a name that stands twice in one map. */
#include "common/names.h"

#include <stdlib.h>
#include <string.h>

#define FEW 16 /* below it the pairs are fewer steps than a sort */

/* Any total order serves; lengths first saves most of the comparisons of bytes. */
static int by_length(const void *left, const void *right)
{
    const struct slice *a = left, *b = right;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return a->len ? memcmp(a->ptr, b->ptr, a->len) : 0;
}

const struct slice *names_twice(struct slice *names, size_t count)
{
    if (count > FEW) {
        qsort(names, count, sizeof *names, by_length);
        for (size_t i = 1; i < count; i++)
            if (slice_equal(names[i - 1], names[i]))
                return &names[i];
        return NULL;
    }
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (slice_equal(names[i], names[j]))
                return &names[i];
    return NULL;
}
