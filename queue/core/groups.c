/* groups.c - order within a group of jobs: a chain from the oldest to the youngest, of which only the oldest may move.
 *
 * The heads of all groups are in a hash table by (queue, group). A head knows its youngest, the others their next older, so joining
 * and leaving from anywhere cost O(1). */
#include "queue/core/state.h"

static uint32_t bucket_of(uint32_t queue, uint64_t group, uint32_t buckets)
{
    return (uint32_t)core_mix(group + queue) & (buckets - 1);
}

bool group_ordered(const struct core *c, const struct message *m)
{
    return m->group != 0 && message_queue(c, m)->attributes.kind == CORE_JOBS;
}

static uint32_t find_head(const struct core *c, uint32_t queue, uint64_t group)
{
    uint32_t slot = c->group_buckets[bucket_of(queue, group, c->group_bucket_count)];
    while (slot != CORE_NONE && (message_at(c, slot)->group != group || message_at(c, slot)->queue != queue))
        slot = message_at(c, slot)->group_chain;
    return slot;
}

static void rehash(struct core *c)
{
    uint32_t count = c->group_bucket_count * 2;
    uint32_t *buckets = core_buckets(c, count);
    if (!buckets)
        return;
    for (uint32_t b = 0; b < c->group_bucket_count; b++)
        for (uint32_t slot = c->group_buckets[b], next; slot != CORE_NONE; slot = next) {
            struct message *m = message_at(c, slot);
            uint32_t to = bucket_of(m->queue, m->group, count);
            next = m->group_chain;
            m->group_chain = buckets[to];
            buckets[to] = slot;
        }
    core_resize(c, c->group_buckets, c->group_bucket_count * sizeof *buckets, 0);
    c->group_buckets = buckets;
    c->group_bucket_count = count;
}

static void add_head(struct core *c, uint32_t slot)
{
    if (++c->group_heads > 2u * c->group_bucket_count)
        rehash(c);
    struct message *m = message_at(c, slot);
    uint32_t b = bucket_of(m->queue, m->group, c->group_bucket_count);
    m->flags |= FLAG_HEAD;
    m->group_chain = c->group_buckets[b];
    c->group_buckets[b] = slot;
}

static void remove_head(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    uint32_t *link = &c->group_buckets[bucket_of(m->queue, m->group, c->group_bucket_count)];
    while (*link != slot) {
        assert(*link != CORE_NONE);
        link = &message_at(c, *link)->group_chain;
    }
    *link = m->group_chain;
    m->flags &= (uint8_t)~FLAG_HEAD;
    c->group_heads--;
}

void group_join(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    enum core_queue_kind kind = message_queue(c, m)->attributes.kind;
    m->group_next = CORE_NONE;
    if (c->replaying)
        return; /* all join at its end, when all queues are known */
    if (kind == CORE_FIFO)
        fifo_join(c, slot);
    if (kind == CORE_JOBS)
        m->group_link = 0;
    if (!group_ordered(c, m))
        return;
    uint32_t head = find_head(c, m->queue, m->group);
    if (head == CORE_NONE) {
        m->group_link = slot;
        add_head(c, slot);
        return;
    }
    uint32_t tail = message_at(c, head)->group_link;
    message_at(c, tail)->group_next = slot;
    m->group_link = tail;
    message_at(c, head)->group_link = slot;
}

static void leave_from_behind(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    message_at(c, m->group_link)->group_next = m->group_next;
    if (m->group_next != CORE_NONE) {
        message_at(c, m->group_next)->group_link = m->group_link;
        return;
    }
    /* It was the youngest: the head has to know the new one. A chain of one has its own index there already. */
    uint32_t head = find_head(c, m->queue, m->group);
    assert(head != CORE_NONE && message_at(c, head)->group_link == slot);
    message_at(c, head)->group_link = m->group_link;
}

uint32_t group_leave(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    if (c->replaying)
        return CORE_NONE;
    if (message_queue(c, m)->attributes.kind == CORE_FIFO)
        fifo_leave(c, slot);
    if (!group_ordered(c, m))
        return CORE_NONE;
    if (!(m->flags & FLAG_HEAD)) {
        leave_from_behind(c, slot);
        return CORE_NONE;
    }
    uint32_t next = m->group_next, tail = m->group_link;
    remove_head(c, slot);
    if (next == CORE_NONE)
        return CORE_NONE;
    message_at(c, next)->group_link = tail; /* itself when it is the only one left */
    add_head(c, next);
    return next;
}
