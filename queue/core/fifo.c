/* fifo.c - groups of FIFO queues: chains of messages by number, and the line of groups that have something to give.
 *
 * A group is in its queue's line when its oldest message is READY. Whoever takes from it takes from the head on, up to the first that is not
 * READY; with the head LEASED, the group is out of the line. */
#include "queue/core/state.h"

static struct group *at(const struct core *c, uint32_t g) { return &c->clients.groups[g]; }

static uint32_t find(const struct core *c, uint32_t place, uint64_t hash)
{
    uint32_t g;
    for (struct index_walk w = index_walk(&c->clients.group_index, core_mix(hash + place)); (g = index_next(&w)) != CORE_NONE;)
        if (at(c, g)->hash == hash && at(c, g)->place == place)
            return g;
    return CORE_NONE;
}

static uint32_t group_of(const struct core *c, const struct message *m) { return find(c, m->queue, m->group); }

/* -- The line ---------------------------------------------------------------------------------------------------------------------- */
static void stand_in_line(struct core *c, struct queue *q, uint32_t g)
{
    struct group *group = at(c, g);
    group->prev = q->line.tail;
    group->next = CORE_NONE;
    if (q->line.tail != CORE_NONE)
        at(c, q->line.tail)->next = g;
    else
        q->line.head = g;
    q->line.tail = g;
    q->line.count++;
    group->in_line = true;
}

static void leave_line(struct core *c, struct queue *q, uint32_t g)
{
    struct group *group = at(c, g);
    if (group->prev != CORE_NONE)
        at(c, group->prev)->next = group->next;
    else
        q->line.head = group->next;
    if (group->next != CORE_NONE)
        at(c, group->next)->prev = group->prev;
    else
        q->line.tail = group->prev;
    q->line.count--;
    group->in_line = false;
}

static void update(struct core *c, uint32_t g)
{
    struct group *group = at(c, g);
    struct queue *q = c->queues.at[group->place];
    bool gives = message_at(c, group->head)->state == CORE_READY;
    if (gives == group->in_line)
        return;
    if (gives)
        stand_in_line(c, q, g);
    else
        leave_line(c, q, g);
}

/* -- Chains ------------------------------------------------------------------------------------------------------------------------ */
int fifo_reserve(struct core *c, const struct queue *q, uint64_t hash)
{
    struct clients *k = &c->clients;
    if (find(c, q->place, hash) != CORE_NONE)
        return 0;
    if (k->group_free == CORE_NONE && k->group_used == k->group_cap &&
        core_grow(c, (void **)&k->groups, &k->group_cap, CORE_NONE, sizeof *k->groups) != 0)
        return -1;
    return index_reserve(c, &k->group_index);
}

static uint32_t make(struct core *c, uint32_t place, uint64_t hash)
{
    struct clients *k = &c->clients;
    uint32_t g = k->group_free;
    if (g != CORE_NONE)
        k->group_free = at(c, g)->head;
    else
        g = k->group_used++;
    assert(g < k->group_cap);
    *at(c, g) = (struct group){.hash = hash, .head = CORE_NONE, .tail = CORE_NONE, .place = (uint16_t)place};
    (void)index_add(c, &k->group_index, g); /* reserved */
    return g;
}

void fifo_join(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    uint32_t g = group_of(c, m);
    if (g == CORE_NONE)
        g = make(c, m->queue, m->group);
    struct group *group = at(c, g);
    assert(group->tail == CORE_NONE || message_at(c, group->tail)->seq < m->seq);
    m->group_link = group->tail;
    m->group_next = CORE_NONE;
    if (group->tail != CORE_NONE)
        message_at(c, group->tail)->group_next = slot;
    else
        group->head = slot;
    group->tail = slot;
    update(c, g);
}

void fifo_leave(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    uint32_t g = group_of(c, m);
    struct group *group = at(c, g);
    if (m->group_link != CORE_NONE)
        message_at(c, m->group_link)->group_next = m->group_next;
    else
        group->head = m->group_next;
    if (m->group_next != CORE_NONE)
        message_at(c, m->group_next)->group_link = m->group_link;
    else
        group->tail = m->group_link;
    m->group_link = 0;
    m->group_next = CORE_NONE;
    if (group->head != CORE_NONE) {
        update(c, g);
        queue_wake(c, message_queue(c, m));
        return;
    }
    if (group->in_line)
        leave_line(c, message_queue(c, m), g);
    index_remove(c, &c->clients.group_index, g);
    group->head = c->clients.group_free;
    c->clients.group_free = g;
}

void fifo_changed(struct core *c, uint32_t slot)
{
    uint32_t g = group_of(c, message_at(c, slot));
    if (g != CORE_NONE && at(c, g)->head == slot)
        update(c, g);
}

uint32_t fifo_first(const struct core *c, const struct queue *q)
{
    return q->line.head == CORE_NONE ? CORE_NONE : at(c, q->line.head)->head;
}
