/* groups.c - order within a message group: a chain from the oldest to the youngest, of which only the oldest may move.
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
    return m->group != 0 && c->queues[m->queue]->attributes.jobs;
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
    m->group_next = m->group_chain = CORE_NONE;
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

static uint32_t merge(const struct core *c, uint32_t a, uint32_t b)
{
    uint32_t first = CORE_NONE, *link = &first;
    while (a != CORE_NONE && b != CORE_NONE) {
        uint32_t *older = message_at(c, a)->seq < message_at(c, b)->seq ? &a : &b;
        *link = *older;
        link = &message_at(c, *older)->group_next;
        *older = *link;
    }
    *link = a != CORE_NONE ? a : b;
    return first;
}

/* Merge sort of a chain: bin n holds a sorted chain of 2^n messages or none. */
static uint32_t sorted(const struct core *c, uint32_t slot)
{
    uint32_t bins[32], all = CORE_NONE;
    memset(bins, 0xff, sizeof bins);
    for (uint32_t next, n; slot != CORE_NONE; slot = next) {
        next = message_at(c, slot)->group_next;
        message_at(c, slot)->group_next = CORE_NONE;
        for (n = 0; bins[n] != CORE_NONE; n++) {
            slot = merge(c, bins[n], slot);
            bins[n] = CORE_NONE;
        }
        bins[n] = slot;
    }
    for (size_t n = 0; n < sizeof bins / sizeof bins[0]; n++)
        all = merge(c, bins[n], all);
    return all;
}

static bool is_sorted(const struct core *c, uint32_t slot)
{
    for (uint32_t next; (next = message_at(c, slot)->group_next) != CORE_NONE; slot = next)
        if (message_at(c, next)->seq < message_at(c, slot)->seq)
            return false;
    return true;
}

static void sort_group(struct core *c, uint32_t head)
{
    uint32_t before = CORE_NONE;
    remove_head(c, head);
    head = sorted(c, head);
    for (uint32_t slot = head; slot != CORE_NONE; before = slot, slot = message_at(c, slot)->group_next)
        message_at(c, slot)->group_link = before;
    message_at(c, head)->group_link = before;
    add_head(c, head);
    for (uint32_t slot = head; slot != CORE_NONE; slot = message_at(c, slot)->group_next)
        message_settle(c, slot);
}

void groups_sort(struct core *c)
{
    for (uint32_t slot = 0; slot < c->message_used; slot++)
        if ((c->messages[slot].flags & FLAG_HEAD) && !is_sorted(c, slot))
            sort_group(c, slot);
}
