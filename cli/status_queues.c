/* status_queues.c - see status_queues.h. There may be ten thousand queues; what is wanted at a glance is what is in them. */
#include "cli/status_queues.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct counts {
    struct slice name;
    int64_t ready, inflight, delayed;
};

static int64_t number_of(const struct value *map, const char *name)
{
    struct value v = value_map_get(map, slice_text(name));
    int64_t number = 0;
    value_to_int(&v, &number);
    return number;
}

static struct counts counts_of(const struct value *queue)
{
    return (struct counts){.name = value_map_get(queue, slice_text("name")).bytes,
                           .ready = number_of(queue, "ready"),
                           .inflight = number_of(queue, "inflight"),
                           .delayed = number_of(queue, "delayed")};
}

static bool is_own(const struct counts *c) { return c->name.len == 0 || !memchr(c->name.ptr, '/', c->name.len); }
static int64_t sum(const struct counts *c) { return c->ready + c->inflight + c->delayed; }

static void put_row(struct buf *out, const struct counts *c)
{
    buf_printf(out, "  %-32.*s %10" PRId64 " %10" PRId64 " %10" PRId64 "\n", (int)c->name.len, (const char *)c->name.ptr,
               c->ready, c->inflight, c->delayed);
}

/* Keeps the fullest, sorted, the first of equals first; what falls out, or does not get in, is added to the rest. */
static void keep(struct counts *fullest, size_t *count, const struct counts *c, struct counts *rest)
{
    size_t at = *count;
    while (at > 0 && sum(&fullest[at - 1]) < sum(c))
        at--;
    const struct counts *out = *count < STATUS_QUEUES_SHOWN ? NULL : at < *count ? &fullest[*count - 1] : c;
    if (out) {
        rest->ready += out->ready;
        rest->inflight += out->inflight;
        rest->delayed += out->delayed;
    }
    if (at == STATUS_QUEUES_SHOWN)
        return;
    *count += *count < STATUS_QUEUES_SHOWN;
    memmove(&fullest[at + 1], &fullest[at], (*count - at - 1) * sizeof *fullest);
    fullest[at] = *c;
}

void status_put_queues(struct buf *out, const struct value *figures)
{
    struct value list = value_map_get(figures, slice_text("queues")), one,
                 unnamed = value_map_get(figures, slice_text("otherQueues"));
    struct counts fullest[STATUS_QUEUES_SHOWN], rest = counts_of(&unnamed);
    char text[48];
    size_t count = 0, others = (size_t)number_of(&unnamed, "count");
    buf_printf(out, "  %-32s %10s %10s %10s\n", "", "ready", "inflight", "delayed");
    for (struct value_walk walk = value_walk_of(&list); value_walk_next(&walk, NULL, &one);) {
        struct counts c = counts_of(&one);
        if (is_own(&c)) {
            put_row(out, &c);
        } else {
            others++;
            keep(fullest, &count, &c, &rest);
        }
    }
    for (size_t i = 0; i < count; i++)
        put_row(out, &fullest[i]);
    if (others > count) {
        snprintf(text, sizeof text, "and %zu more", others - count);
        rest.name = slice_text(text);
        put_row(out, &rest);
    }
}
