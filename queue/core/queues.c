/* queues.c - the table of queues: places and numbers, names; and the shell's own verbs for them: set, purge, redrive of jobs. */
#include "queue/core/state.h"

#define PLACE_MASK (QUEUE_PLACES - 1)
#define GENERATION_MASK ((1u << (32 - QUEUE_PLACE_BITS)) - 1)

int queues_init(struct core *c)
{
    struct queues *t = &c->queues;
    struct places *sets[] = {&t->jobs, &t->doomed, &t->to_serve, &t->redelayed, &t->tasked};
    t->at = core_resize(c, NULL, 0, QUEUE_PLACES * sizeof *t->at);
    if (t->at)
        memset(t->at, 0, QUEUE_PLACES * sizeof *t->at);
    t->generations = core_resize(c, NULL, 0, QUEUE_PLACES * sizeof *t->generations);
    t->by_name = core_resize(c, NULL, 0, LIMIT_QUEUES * sizeof *t->by_name);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (!(sets[i]->at = core_resize(c, NULL, 0, QUEUE_PLACES * sizeof *sets[i]->at)))
            return -1;
    if (!t->at || !t->generations || !t->by_name)
        return -1;
    memset(t->generations, 0, QUEUE_PLACES * sizeof *t->generations);
    return 0;
}

static size_t queue_bytes(const struct queue *q) { return sizeof *q + q->ready_count * sizeof q->ready[0]; }

static void release(struct core *c, struct queue *q)
{
    if (q->tasks)
        core_resize(c, q->tasks, LIMIT_MOVE_TASKS * sizeof *q->tasks, 0);
    core_resize(c, q, queue_bytes(q), 0);
}

void queues_finish(struct core *c)
{
    struct queues *t = &c->queues;
    for (uint32_t i = 0; t->at && i < QUEUE_PLACES; i++)
        if (t->at[i])
            release(c, t->at[i]);
    void *owned[] = {t->at,        t->generations, t->by_name,      t->removed,  t->jobs.at,
                     t->doomed.at, t->to_serve.at, t->redelayed.at, t->tasked.at};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (owned[i])
            core_resize(c, owned[i], 0, 0);
}

/* -- Sets ------------------------------------------------------------------------------------------------------------------------- */
static uint32_t position_in(const struct places *s, const struct queue *q)
{
    uint32_t i = 0;
    while (i < s->count && s->at[i] != q->place)
        i++;
    return i;
}

void places_add(struct places *s, const struct queue *q)
{
    if (position_in(s, q) == s->count)
        s->at[s->count++] = q->place;
}

void places_remove(struct places *s, const struct queue *q)
{
    uint32_t i = position_in(s, q);
    if (i < s->count)
        s->at[i] = s->at[--s->count];
}

/* -- Places and numbers ------------------------------------------------------------------------------------------------------------ */
struct queue *queue_at(const struct core *c, uint32_t number)
{
    struct queue *q = c->queues.at[number & PLACE_MASK];
    return q && q->number == number && !q->doomed ? q : NULL;
}

static uint32_t ready_lists(const struct core *c, enum core_queue_kind kind)
{
    return kind == CORE_JOBS ? c->config.slices : kind == CORE_STANDARD ? LIMIT_PRIORITIES : 1;
}

static struct queue *make_at(struct core *c, uint32_t number, enum core_queue_kind kind)
{
    uint32_t place = number & PLACE_MASK, lists = ready_lists(c, kind);
    struct queue *q = core_resize(c, NULL, 0, sizeof *q + lists * sizeof q->ready[0]);
    if (!q)
        return NULL;
    memset(q, 0, sizeof *q);
    q->attributes.kind = kind;
    q->number = number;
    q->place = (uint16_t)place;
    q->redelay = CORE_NONE;
    q->ready_count = lists;
    for (uint32_t i = 0; i < lists; i++)
        q->ready[i] = LIST_EMPTY;
    q->alone = q->delayed = q->blocked = q->leased = q->receives = q->line = LIST_EMPTY;
    q->fair.noisy = q->fair.full = LIST_EMPTY;
    for (uint32_t p = 0; p < LIMIT_PRIORITIES; p++)
        q->fair.waiting[p] = LIST_EMPTY;
    c->queues.at[place] = q;
    c->queues.generations[place] = ((number >> QUEUE_PLACE_BITS) + 1) & GENERATION_MASK;
    if (kind == CORE_JOBS)
        places_add(&c->queues.jobs, q);
    return q;
}

/* The last place is never used: its last number would be CORE_NONE. */
struct queue *queue_make(struct core *c, enum core_queue_kind kind)
{
    struct queues *t = &c->queues;
    for (uint32_t n = 0; n < QUEUE_PLACES - 1; n++) {
        uint32_t place = (t->hint + n) % (QUEUE_PLACES - 1);
        if (t->at[place])
            continue;
        t->hint = place + 1;
        return make_at(c, t->generations[place] << QUEUE_PLACE_BITS | place, kind);
    }
    return NULL;
}

struct queue *queue_make_numbered(struct core *c, uint32_t number, enum core_queue_kind kind)
{
    uint32_t place = number & PLACE_MASK;
    return c->queues.at[place] || place == QUEUE_PLACES - 1 ? NULL : make_at(c, number, kind);
}

uint64_t queue_messages(const struct queue *q)
{
    uint64_t count = 0;
    for (int s = 0; s < CORE_STATE_COUNT; s++)
        count += q->count[s];
    return count;
}

bool queue_is_full(const struct queue *q, size_t more_bytes)
{
    const struct core_queue_attributes *a = &q->attributes;
    return (a->max_messages > 0 && queue_messages(q) >= a->max_messages) || more_bytes > UINT32_MAX ||
           (a->max_bytes > 0 && q->bytes + more_bytes > a->max_bytes);
}

void queue_unmake(struct core *c, struct queue *q)
{
    struct queues *t = &c->queues;
    struct places *sets[] = {&t->jobs, &t->doomed, &t->to_serve, &t->redelayed, &t->tasked};
    assert(queue_messages(q) == 0 && q->receives.count == 0 && q->line.count == 0);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        places_remove(sets[i], q);
    t->at[q->place] = NULL;
    release(c, q);
}

/* -- Names ------------------------------------------------------------------------------------------------------------------------- */
static const struct queue *named(const struct core *c, uint32_t position) { return c->queues.at[c->queues.by_name[position]]; }

uint32_t queue_position(const struct core *c, struct slice name, bool behind)
{
    uint32_t low = 0, high = c->queues.count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = slice_compare(slice_text(named(c, middle)->attributes.name), name);
        if (order < 0 || (behind && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct queue *queue_by_name(const struct core *c, struct slice name)
{
    uint32_t position = queue_position(c, name, false);
    if (position == c->queues.count || !slice_equal(slice_text(named(c, position)->attributes.name), name))
        return NULL;
    return c->queues.at[c->queues.by_name[position]];
}

struct queue *queue_dead_letters(const struct core *c, const struct queue *q)
{
    struct queue *dead = q->attributes.dead_letter[0] ? queue_by_name(c, slice_text(q->attributes.dead_letter)) : NULL;
    enum core_queue_kind wanted = q->attributes.kind == CORE_FIFO ? CORE_FIFO : CORE_STANDARD;
    return dead && dead != q && dead->attributes.kind == wanted ? dead : NULL;
}

uint32_t queue_insert_name(struct core *c, const struct queue *q)
{
    struct queues *t = &c->queues;
    uint32_t position = queue_position(c, slice_text(q->attributes.name), false);
    assert(t->count < LIMIT_QUEUES);
    memmove(t->by_name + position + 1, t->by_name + position, (t->count - position) * sizeof *t->by_name);
    t->by_name[position] = q->place;
    t->count++;
    return position;
}

void queue_forget_name(struct core *c, struct queue *q)
{
    struct queues *t = &c->queues;
    if (queue_by_name(c, slice_text(q->attributes.name)) != q)
        return;
    uint32_t position = queue_position(c, slice_text(q->attributes.name), false);
    memmove(t->by_name + position, t->by_name + position + 1, (t->count - position - 1) * sizeof *t->by_name);
    t->count--;
}

/* -- Attributes -------------------------------------------------------------------------------------------------------------------- */
/* All messages must have left: their lists depend on it. */
static struct queue *change_kind(struct core *c, struct queue *q, enum core_queue_kind kind)
{
    uint32_t lists = ready_lists(c, kind);
    struct queue *changed = core_resize(c, q, queue_bytes(q), sizeof *q + lists * sizeof q->ready[0]);
    if (!changed)
        return NULL;
    places_remove(&c->queues.jobs, changed);
    changed->attributes.kind = kind;
    changed->ready_count = lists;
    for (uint32_t i = 0; i < lists; i++)
        changed->ready[i] = LIST_EMPTY;
    c->queues.at[changed->place] = changed;
    if (kind == CORE_JOBS)
        places_add(&c->queues.jobs, changed);
    return changed;
}

/* During recovery messages are in one list that no kind has of its own. */
static bool may_change_kind(const struct core *c, const struct queue *q) { return c->replaying || queue_messages(q) == 0; }

int queue_define(struct core *c, struct queue **queue, const struct core_queue_attributes *a)
{
    struct queue *q = *queue;
    struct core_queue_attributes set = *a;
    set.name[sizeof set.name - 1] = set.dead_letter[sizeof set.dead_letter - 1] = '\0';
    set.kind = may_change_kind(c, q) ? a->kind : q->attributes.kind;
    bool renamed = strcmp(q->attributes.name, set.name) != 0;
    if (renamed && (c->queues.count == LIMIT_QUEUES || queue_by_name(c, slice_text(set.name))))
        return -1;
    if (set.kind != q->attributes.kind && !(q = change_kind(c, q, set.kind)))
        return -1;
    *queue = q;
    if (renamed)
        queue_forget_name(c, q);
    q->attributes = set;
    q->defined = true;
    if (renamed) {
        q->source = 0;
        queue_insert_name(c, q);
    }
    return 0;
}

int queue_take_for_jobs(struct core *c, struct queue **q)
{
    if ((*q)->defined || (*q)->attributes.kind == CORE_JOBS)
        return 0;
    struct queue *changed = change_kind(c, *q, CORE_JOBS);
    *q = changed ? changed : *q;
    return changed ? 0 : -1;
}

void on_queue_set(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    if (!e->attributes || e->attributes->name[0] == '\0')
        return;
    bool fresh = !q;
    if (fresh)
        q = e->queue < LIMIT_QUEUES ? queue_make_numbered(c, e->queue, e->attributes->kind) : NULL;
    if (!q)
        return;
    struct core_queue_attributes before = q->attributes;
    if (queue_define(c, &q, e->attributes) != 0) {
        if (fresh)
            queue_unmake(c, q);
        return;
    }
    if (q->created_ms == 0) {
        q->created_ms = c->now_ms;
        memcpy(q->secret, e->key, sizeof q->secret);
    }
    q->changed_ms = c->now_ms;
    define_record(c, q, e->body);
    queue_changed(c, q, &before);
}

/* -- Purge and redrive of jobs ------------------------------------------------------------------------------------------------------ */
static void purge_list(struct core *c, struct list *l)
{
    while (l->head != CORE_NONE && core_room(c) >= 2 * END_ROOM)
        message_end(c, l->head, "purged");
}

/* The blocked first: the end of an older one would only move them. */
void on_purge(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    if (!q)
        return;
    purge_list(c, &q->blocked);
    purge_list(c, &q->delayed);
    purge_list(c, &q->alone);
    for (uint32_t s = 0; s < q->ready_count; s++)
        purge_list(c, &q->ready[s]);
    for (uint32_t slot; (slot = fair_any(c, q)) != CORE_NONE && core_room(c) >= 2 * END_ROOM;)
        message_end(c, slot, "purged");
}

void on_redrive(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue), *to = queue_at(c, e->target);
    uint32_t left = e->messages > 0 ? e->messages : CORE_NONE, redriven = reasons_intern(c, slice_text("redriven"));
    if (!q || !to || q == to)
        return;
    for (uint32_t i = 0; i <= q->ready_count; i++) {
        struct list *l = i == 0 ? &q->alone : &q->ready[i - 1];
        for (; left > 0 && l->head != CORE_NONE && core_room(c) >= 2 * END_ROOM; left--)
            if (message_transfer_redriven(c, l->head, to, redriven) != 0)
                return;
    }
}
