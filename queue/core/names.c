/* names.c - names of the queues that dead letters come from: each once, by number; 0 is none. When the table is full, those that no message
 * refers to any more are found by a walk over all messages, which happens once in tens of thousands of new names. */
#include "queue/core/state.h"

const char *sources_at(const struct core *c, uint32_t index)
{
    return index > 0 && index < c->clients.source_used ? c->clients.sources[index].name : "";
}

static void drop_unseen(struct core *c)
{
    struct clients *k = &c->clients;
    for (uint32_t i = 1; i < k->source_used; i++)
        k->sources[i].seen = false;
    for (uint32_t i = 0; i < c->queues.count; i++)
        k->sources[c->queues.at[c->queues.by_name[i]]->source].seen = true;
    for (uint32_t slot = 0; slot < c->message_used; slot++)
        if (c->messages[slot].flags & FLAG_USED)
            k->sources[message_origin(c, &c->messages[slot]) >> 10].seen = true;
    for (uint32_t i = 1; i < k->source_used; i++)
        if (k->sources[i].used && !k->sources[i].seen) {
            index_remove(c, &k->source_index, i);
            k->sources[i].used = false;
        }
}

static uint32_t free_entry(struct core *c)
{
    struct clients *k = &c->clients;
    if (k->source_used == 0) {
        if (core_grow(c, (void **)&k->sources, &k->source_cap, SOURCES_MAX, sizeof *k->sources) != 0)
            return 0;
        memset(&k->sources[k->source_used++], 0, sizeof *k->sources);
    }
    if (k->source_used < k->source_cap ||
        core_grow(c, (void **)&k->sources, &k->source_cap, SOURCES_MAX, sizeof *k->sources) == 0)
        return k->source_used++;
    drop_unseen(c);
    for (uint32_t i = 1; i < k->source_used; i++)
        if (!k->sources[i].used)
            return i;
    return 0;
}

uint32_t sources_intern(struct core *c, struct slice name)
{
    struct clients *k = &c->clients;
    uint32_t i;
    if (name.len == 0 || name.len > LIMIT_QUEUE_PATH_BYTES)
        return 0;
    for (struct index_walk w = index_walk(&k->source_index, core_text_hash(name)); (i = index_next(&w)) != CORE_NONE;)
        if (slice_equal(slice_text(k->sources[i].name), name))
            return i;
    i = free_entry(c);
    if (i == 0)
        return 0;
    struct source *s = &k->sources[i];
    memset(s, 0, sizeof *s);
    memcpy(s->name, name.ptr, name.len);
    if (index_add(c, &k->source_index, i) != 0)
        return 0;
    s->used = true;
    return i;
}

uint32_t sources_of_queue(struct core *c, struct queue *q)
{
    if (q->source == 0)
        q->source = sources_intern(c, slice_text(q->attributes.name));
    return q->source;
}
