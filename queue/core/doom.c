/* doom.c - purges and removals: at once for everybody who looks, and cleared away a few messages a step.
 *
 * The messages stay at their place, which is doomed: nobody finds it, or them, any more; a successor, if there is one, takes over what makes
 * a queue that queue, at a place of its own. One record says it all, so the messages' ends need none. */
#include "queue/core/state.h"

#define CLEAR_EACH_STEP 256
#define REMOVED_MAX 65536u

/* -- A successor ------------------------------------------------------------------------------------------------------------------- */
static struct queue *make_successor(struct core *c, const struct queue *q, uint32_t number)
{
    return number ? queue_make_numbered(c, number, q->attributes.kind) : queue_make(c, q->attributes.kind);
}

static void inherit(struct core *c, struct queue *to, struct queue *from)
{
    queue_forget_name(c, from);
    to->attributes = from->attributes;
    to->defined = from->defined;
    memcpy(to->secret, from->secret, sizeof to->secret);
    to->version = from->version;
    to->purge_number = from->purge_number;
    to->location = from->location;
    to->document_bytes = from->document_bytes;
    to->created_ms = from->created_ms;
    to->changed_ms = from->changed_ms;
    to->source = from->source;
    to->tasks = from->tasks;
    to->task_count = from->task_count;
    from->location = 0;
    from->tasks = NULL;
    from->task_count = 0;
    if (to->attributes.name[0])
        queue_insert_name(c, to);
    for (uint32_t i = 0; i < to->task_count; i++)
        if (to->tasks[i].task.status == CORE_TASK_RUNNING)
            places_add(&c->queues.tasked, to);
    receives_move(c, from, to);
}

static void doom(struct core *c, struct queue *q)
{
    q->doomed = true;
    q->to_serve = false;
    q->redelay = CORE_NONE;
    places_remove(&c->queues.to_serve, q);
    places_remove(&c->queues.redelayed, q);
    places_remove(&c->queues.tasked, q);
    places_remove(&c->queues.jobs, q);
    places_add(&c->queues.doomed, q);
}

struct queue *doom_purge(struct core *c, struct queue *q, uint32_t number)
{
    struct queue *successor = make_successor(c, q, number);
    if (!successor)
        return NULL;
    inherit(c, successor, q);
    doom(c, q);
    return successor;
}

/* -- Names that rest --------------------------------------------------------------------------------------------------------------- */
static struct removed *removed_at(const struct core *c, uint32_t i)
{
    return &c->queues.removed[(c->queues.removed_head + i) % c->queues.removed_cap];
}

static void removed_expire(struct core *c)
{
    struct queues *t = &c->queues;
    while (t->removed_count > 0 && removed_at(c, 0)->at_ms + LIMIT_QUEUE_REST_MS <= c->now_ms) {
        t->removed_head = (t->removed_head + 1) % t->removed_cap;
        t->removed_count--;
    }
}

/* Room for one more. A ring that is full and cannot grow gives up its oldest name before its time. */
static void removed_reserve(struct core *c)
{
    struct queues *t = &c->queues;
    uint32_t old_cap = t->removed_cap;
    removed_expire(c);
    if (t->removed_count < old_cap)
        return;
    if (core_grow(c, (void **)&t->removed, &t->removed_cap, REMOVED_MAX, sizeof *t->removed) == 0) {
        memmove(t->removed + t->removed_head + t->removed_cap - old_cap, t->removed + t->removed_head,
                (old_cap - t->removed_head) * sizeof *t->removed);
        t->removed_head = t->removed_count > 0 ? t->removed_head + t->removed_cap - old_cap : 0;
    } else if (old_cap > 0) {
        t->removed_head = (t->removed_head + 1) % old_cap;
        t->removed_count--;
    }
}

/* NULL without memory. */
static const struct removed *removed_note(struct core *c, const char *name, const struct id *token, int64_t at_ms)
{
    removed_reserve(c);
    if (c->queues.removed_cap == 0)
        return NULL;
    struct removed *r = removed_at(c, c->queues.removed_count++);
    memcpy(r->name, name, sizeof r->name);
    r->token = *token;
    r->at_ms = at_ms;
    return r;
}

const struct removed *removed_find(const struct core *c, struct slice name)
{
    for (uint32_t i = c->queues.removed_count; i-- > 0;) {
        const struct removed *r = removed_at(c, i);
        if (r->at_ms + LIMIT_QUEUE_REST_MS > c->now_ms && slice_equal(slice_text(r->name), name))
            return r;
    }
    return NULL;
}

/* -- Events ------------------------------------------------------------------------------------------------------------------------ */
void doom_remove(struct core *c, struct queue *q)
{
    receives_refuse(c, q);
    tasks_end(c, q);
    queue_free_definition(c, q);
    queue_forget_name(c, q);
    doom(c, q);
}

/* Effects that the end of a queue needs besides those of its messages: tasks, definition, record. */
#define REMOVE_ROOM (LIMIT_MOVE_TASKS + END_ROOM)

static void remove_queue(struct core *c, struct queue *q, const struct core_event *e)
{
    const struct removed *removed = removed_note(c, q->attributes.name, &e->id, c->now_ms);
    if (!removed) {
        answer_now(c, e, CORE_QUEUE_FULL, 0);
        return;
    }
    struct core_record *r = core_record(c, CORE_REC_REMOVE);
    r->queue = q->number;
    r->id = e->id;
    r->more.source = slice_text(removed->name);
    doom_remove(c, q);
    answer_later(c, e, CORE_OK, 0, NULL);
}

void on_queue_remove(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    const struct removed *removed = q ? NULL : removed_find(c, e->body);
    if (pending_reserve(c, 1) != 0)
        answer_now(c, e, CORE_QUEUE_FULL, 0);
    else if (removed && memcmp(removed->token.bytes, e->id.bytes, ID_BYTES) == 0)
        answer_later(c, e, CORE_OK, 0, NULL);
    else if (!q)
        answer_now(c, e, CORE_NO_SUCH_QUEUE, 0);
    else if (c->exhausted)
        answer_now(c, e, CORE_EXHAUSTED, 0);
    else {
        assert(core_room(c) >= REMOVE_ROOM);
        remove_queue(c, q, e);
    }
}

static void purge_queue(struct core *c, struct queue *q, const struct core_event *e)
{
    uint32_t before = q->number;
    uint64_t count = queue_messages(q);
    struct queue *successor = doom_purge(c, q, 0);
    if (!successor) {
        answer_now(c, e, CORE_QUEUE_FULL, 0);
        return;
    }
    successor->purged_ms = c->now_ms;
    successor->purge_token = e->id;
    successor->purge_count = count;
    struct core_record *r = core_record(c, CORE_REC_PURGE);
    successor->purge_number = r->number;
    r->queue = before;
    r->id = e->id;
    r->more.target = successor->number;
    answer_later(c, e, CORE_OK, count, NULL);
}

void on_queue_purge(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    bool lately = q && q->purged_ms > 0 && q->purged_ms + LIMIT_QUEUE_REST_MS > c->now_ms;
    if (pending_reserve(c, 1) != 0)
        answer_now(c, e, CORE_QUEUE_FULL, 0);
    else if (!q)
        answer_now(c, e, CORE_NO_SUCH_QUEUE, 0);
    else if (q->attributes.kind == CORE_JOBS)
        answer_now(c, e, CORE_WORKERS_ONLY, 0);
    else if (lately && memcmp(q->purge_token.bytes, e->id.bytes, ID_BYTES) == 0)
        answer_later(c, e, CORE_OK, q->purge_count, NULL);
    else if (lately)
        answer_now(c, e, CORE_IN_PROGRESS, 0);
    else if (c->exhausted)
        answer_now(c, e, CORE_EXHAUSTED, 0);
    else
        purge_queue(c, q, e);
}

/* -- Clearing away ----------------------------------------------------------------------------------------------------------------- */
/* Any message of a doomed queue that is on disk; CORE_NONE: there is none (now). */
static uint32_t any_message(const struct core *c, const struct queue *q)
{
    const struct list *lists[] = {&q->delayed, &q->blocked, &q->leased, &q->alone};
    uint32_t slot = CORE_NONE;
    for (size_t i = 0; slot == CORE_NONE && i < sizeof lists / sizeof lists[0]; i++)
        slot = lists[i]->head;
    for (uint32_t i = 0; slot == CORE_NONE && i < q->ready_count; i++)
        slot = q->ready[i].head;
    if (slot == CORE_NONE)
        slot = fair_any(c, q);
    return slot;
}

static void clear_one(struct core *c, uint32_t slot)
{
    message_free_body(c, message_at(c, slot));
    waiters_dead(c, slot, "purged");
    message_remove(c, slot);
}

void doom_clear(struct core *c)
{
    uint32_t left = CLEAR_EACH_STEP;
    for (uint32_t i = c->queues.doomed.count; i-- > 0;) {
        struct queue *q = c->queues.at[c->queues.doomed.at[i]];
        uint32_t slot;
        while ((slot = any_message(c, q)) != CORE_NONE) {
            if (left-- == 0 || core_room(c) < 2 * END_ROOM) {
                c->more = true;
                return;
            }
            clear_one(c, slot);
        }
        if (queue_messages(q) == 0 && q->receives.count == 0)
            queue_unmake(c, q);
    }
}

/* -- Recovery ---------------------------------------------------------------------------------------------------------------------- */
static void drop_all(struct core *c, struct queue *q)
{
    while (q->delayed.head != CORE_NONE)
        message_remove(c, q->delayed.head);
    queue_unmake(c, q);
}

void doom_lost(struct core *c, struct queue *q)
{
    assert(c->replaying);
    queue_forget_name(c, q);
    drop_all(c, q);
}

static int replay_purge(struct core *c, const struct core_record *r)
{
    struct queue *q = queue_for_replay(c, r->queue), *before = c->queues.at[r->more.target & (QUEUE_PLACES - 1)];
    if (q && before && before != q)
        doom_lost(c, before);
    struct queue *successor = q ? doom_purge(c, q, r->more.target) : NULL;
    if (!successor)
        return -1;
    successor->purged_ms = r->now_ms;
    successor->purge_number = r->number;
    successor->purge_token = r->id;
    successor->purge_count = queue_messages(q);
    drop_all(c, q);
    return 0;
}

int doom_replay(struct core *c, const struct core_record *r)
{
    if (r->kind == CORE_REC_PURGE)
        return replay_purge(c, r);
    char name[LIMIT_QUEUE_PATH_BYTES + 1] = {0};
    memcpy(name, r->more.source.ptr, r->more.source.len < sizeof name ? r->more.source.len : sizeof name - 1);
    removed_note(c, name, &r->id, r->now_ms);
    struct queue *q = queue_at(c, r->queue);
    if (q)
        doom_lost(c, q);
    return 0;
}
