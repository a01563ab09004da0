/* tasks.c - move tasks: dead letters to where they came from, or elsewhere, at a rate, until as many are moved as there were.
 *
 * A task is written down when it starts and when its status changes; what it has moved in between is counted again by the records of the
 * moves, which is what recovery does. */
#include "queue/core/state.h"

#define MOVE_EACH_STEP 256
#define RETRY_US 1000000

static struct task *running(const struct queue *q)
{
    for (uint32_t i = q->task_count; i-- > 0;)
        if (q->tasks[i].task.status == CORE_TASK_RUNNING)
            return &q->tasks[i];
    return NULL;
}

static void free_record(struct core *c, struct task *t)
{
    if (t->location == 0)
        return;
    core_emit(c, CORE_EFFECT_FREED)->location = t->location;
    t->location = 0;
}

static void put_task(struct core *c, const struct queue *q, struct task *t)
{
    free_record(c, t);
    struct core_record *r = core_record(c, CORE_REC_TASK);
    r->queue = q->number;
    r->id = t->id;
    r->reason = slice_text(reasons_at(c, t->reason));
    r->more.source = slice_text(t->destination);
    r->more.task = t->task;
}

static struct task *task_by_id(const struct queue *q, const struct id *id)
{
    assert(q->task_count <= LIMIT_MOVE_TASKS);
    for (uint32_t i = 0; i < q->task_count; i++)
        if (memcmp(q->tasks[i].id.bytes, id->bytes, ID_BYTES) == 0)
            return &q->tasks[i];
    return NULL;
}

/* A place for one more task of the queue; the oldest that has ended makes way. NULL without memory. */
static struct task *new_task(struct core *c, struct queue *q)
{
    if (!q->tasks && !(q->tasks = core_resize(c, NULL, 0, LIMIT_MOVE_TASKS * sizeof *q->tasks)))
        return NULL;
    if (q->task_count == LIMIT_MOVE_TASKS) {
        if (!c->replaying)
            free_record(c, &q->tasks[0]);
        memmove(q->tasks, q->tasks + 1, --q->task_count * sizeof *q->tasks);
    }
    memset(&q->tasks[q->task_count], 0, sizeof *q->tasks);
    return &q->tasks[q->task_count++];
}

/* -- Events ------------------------------------------------------------------------------------------------------------------------ */
static bool is_dead_letter_queue(const struct core *c, const struct queue *q)
{
    for (uint32_t i = 0; i < c->queues.count; i++)
        if (queue_dead_letters(c, c->queues.at[c->queues.by_name[i]]) == q)
            return true;
    return false;
}

/* Jobs come back from standard dead letters. */
static bool may_go(const struct queue *from, const struct queue *to)
{
    enum core_queue_kind a = from->attributes.kind, b = to->attributes.kind;
    return from != to && (a == b || (a == CORE_STANDARD && b == CORE_JOBS));
}

static enum core_answer start(struct core *c, struct queue *q, const struct core_event *e)
{
    const struct queue *to = e->body.len > 0 ? queue_by_name(c, e->body) : NULL;
    if (task_by_id(q, &e->id))
        return CORE_OK;
    if (running(q))
        return CORE_IN_PROGRESS;
    if (q->attributes.kind == CORE_JOBS || !is_dead_letter_queue(c, q))
        return CORE_NO_SOURCE;
    if (e->body.len > 0 && !to)
        return CORE_NO_DESTINATION;
    if (to && !may_go(q, to))
        return CORE_OTHER_KIND;
    if (c->exhausted)
        return CORE_EXHAUSTED;
    struct task *t = new_task(c, q);
    if (!t)
        return CORE_QUEUE_FULL;
    t->id = e->id;
    t->task = (struct core_task){.rate = e->messages, .total = q->count[CORE_READY], .started_ms = c->now_ms};
    t->next_us = c->now_ms * 1000;
    if (e->body.len > 0)
        memcpy(t->destination, e->body.ptr, e->body.len);
    put_task(c, q, t);
    places_add(&c->queues.tasked, q);
    return CORE_OK;
}

void on_task_start(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    enum core_answer answer = !q                                     ? CORE_NO_SUCH_QUEUE
                              : e->body.len > LIMIT_QUEUE_PATH_BYTES ? CORE_NO_DESTINATION
                              : pending_reserve(c, 1) != 0           ? CORE_QUEUE_FULL
                                                                     : start(c, q, e);
    if (answer == CORE_OK)
        answer_later(c, e, CORE_OK, 0, NULL);
    else
        answer_now(c, e, answer, 0);
}

static void finish(struct core *c, struct queue *q, struct task *t, enum core_task_status status, const char *reason)
{
    t->task.status = status;
    t->reason = reasons_intern(c, slice_text(reason));
    put_task(c, q, t);
    places_remove(&c->queues.tasked, q);
}

void on_task_cancel(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    struct task *t = q ? running(q) : NULL;
    if (!q)
        answer_now(c, e, CORE_NO_SUCH_QUEUE, 0);
    else if (!t || memcmp(t->id.bytes, e->id.bytes, ID_BYTES) != 0)
        answer_now(c, e, CORE_NO_TASK, 0);
    else if (c->exhausted || pending_reserve(c, 1) != 0)
        answer_now(c, e, c->exhausted ? CORE_EXHAUSTED : CORE_QUEUE_FULL, 0);
    else {
        finish(c, q, t, CORE_TASK_CANCELLED, "");
        answer_later(c, e, CORE_OK, t->task.moved, NULL);
    }
}

/* Its queue may have another number by now. */
void on_move_task(struct core *c, struct core_event *e)
{
    for (uint32_t i = 0; i < c->queues.count; i++) {
        const struct queue *q = c->queues.at[c->queues.by_name[i]];
        struct task *t = task_by_id(q, &e->id);
        if (t && t->location != 0 && t->location == e->number) {
            put_task(c, q, t);
            return;
        }
    }
}

void tasks_end(struct core *c, struct queue *q)
{
    for (uint32_t i = 0; i < q->task_count; i++)
        free_record(c, &q->tasks[i]);
    q->task_count = 0;
}

/* -- Running ----------------------------------------------------------------------------------------------------------------------- */
static const struct queue *destination(struct core *c, const struct queue *q, const struct task *t, uint32_t slot,
                                       const char **failure)
{
    const char *source = origin_source(c, message_origin(c, message_at(c, slot)));
    const struct queue *from = source[0] ? queue_by_name(c, slice_text(source)) : NULL;
    const struct queue *to = t->destination[0] ? queue_by_name(c, slice_text(t->destination)) : from;
    bool unknown = (!t->destination[0] && !source[0]) || (to && to->attributes.kind == CORE_JOBS && from != to);
    *failure = unknown          ? "CouldNotDetermineMessageSource"
               : !to            ? "AWS.SimpleQueueService.NonExistentQueue"
               : !may_go(q, to) ? "AWS.SimpleQueueService.UnsupportedOperation"
                                : NULL;
    return *failure ? NULL : to;
}

/* Any visible message, the one that would be given next; CORE_NONE: there is none. */
static uint32_t next_message(struct core *c, struct queue *q)
{
    return q->attributes.kind == CORE_FIFO ? fifo_first(c, q) : fair_first(c, q);
}

/* One message. False: the task has ended, or has to wait. */
static bool move_one(struct core *c, struct queue *q, struct task *t)
{
    const char *failure;
    bool more = c->more;
    c->more = false;
    uint32_t slot = t->task.moved < t->task.total ? next_message(c, q) : CORE_NONE;
    bool searching = slot == CORE_NONE && c->more;
    c->more = c->more || more;
    if (slot == CORE_NONE) {
        if (!searching)
            finish(c, q, t, CORE_TASK_COMPLETED, "");
        return false;
    }
    if (message_expired(c, message_at(c, slot))) {
        message_expire(c, slot);
        return true;
    }
    const struct queue *to = destination(c, q, t, slot, &failure);
    if (!to) {
        finish(c, q, t, CORE_TASK_FAILED, failure);
        return false;
    }
    if (message_transfer_anew(c, slot, c->queues.at[to->place], 0) != 0) {
        t->next_us = c->now_ms * 1000 + RETRY_US;
        return false;
    }
    t->task.moved++;
    int64_t step_us = t->task.rate > 0 ? 1000000 / t->task.rate : 0, since_us = (c->now_ms - 1000) * 1000;
    t->next_us =
        (t->next_us > since_us ? t->next_us : since_us) + step_us; /* what was missed is made up for, a second at most */
    return true;
}

static void run(struct core *c, struct queue *q)
{
    struct task *t = running(q);
    assert(t);
    if (t->location == 0) { /* its record was made in this very step: where it lies, the next one knows */
        c->more = true;
        return;
    }
    for (int n = 0; n < MOVE_EACH_STEP && t->next_us <= c->now_ms * 1000; n++) {
        if (core_room(c) < 2 * RECEIVE_ROOM)
            break;
        if (c->exhausted) {
            t->next_us = c->now_ms * 1000 + RETRY_US;
            return;
        }
        if (!move_one(c, q, t))
            return;
    }
    if (t->next_us <= c->now_ms * 1000)
        c->more = true;
}

void tasks_run(struct core *c)
{
    for (uint32_t i = c->queues.tasked.count; i-- > 0;)
        run(c, c->queues.at[c->queues.tasked.at[i]]);
}

int64_t tasks_deadline(const struct core *c)
{
    int64_t next_ms = INT64_MAX;
    for (uint32_t i = 0; i < c->queues.tasked.count; i++) {
        const struct task *t = running(c->queues.at[c->queues.tasked.at[i]]);
        int64_t due_ms = t ? (t->next_us + 999) / 1000 : INT64_MAX;
        next_ms = due_ms < next_ms ? due_ms : next_ms;
    }
    return next_ms;
}

/* -- Looking, and recovery --------------------------------------------------------------------------------------------------------- */
size_t core_tasks(const struct core *c, uint32_t queue, struct core_task_info *out, size_t max)
{
    const struct queue *q = queue_at(c, queue);
    size_t count = 0;
    for (uint32_t i = q ? q->task_count : 0; i-- > 0 && count < max;)
        out[count++] = (struct core_task_info){.id = q->tasks[i].id,
                                               .task = q->tasks[i].task,
                                               .destination = q->tasks[i].destination,
                                               .reason = reasons_at(c, q->tasks[i].reason)};
    return count;
}

/* A copy may stand behind the records of younger tasks: they are put in the order in which they began. */
static struct task *task_in_order(struct core *c, struct queue *q, int64_t started_ms)
{
    if (!new_task(c, q))
        return NULL;
    uint32_t i = q->task_count - 1;
    for (; i > 0 && q->tasks[i - 1].task.started_ms > started_ms; i--)
        q->tasks[i] = q->tasks[i - 1];
    memset(&q->tasks[i], 0, sizeof q->tasks[i]);
    return &q->tasks[i];
}

int task_replay(struct core *c, const struct core_record *r, uint64_t location)
{
    struct queue *q = queue_for_replay(c, r->queue);
    struct task *t = q ? task_by_id(q, &r->id) : NULL;
    if (q && !t)
        t = task_in_order(c, q, r->more.task.started_ms);
    if (!t || r->more.source.len > LIMIT_QUEUE_PATH_BYTES)
        return -1;
    memset(t->destination, 0, sizeof t->destination);
    if (r->more.source.len > 0)
        memcpy(t->destination, r->more.source.ptr, r->more.source.len);
    t->id = r->id;
    t->task = r->more.task;
    t->reason = reasons_intern(c, r->reason);
    t->location = location;
    if (running(q))
        places_add(&c->queues.tasked, q);
    else
        places_remove(&c->queues.tasked, q);
    return 0;
}

void tasks_restored(struct core *c)
{
    for (uint32_t i = 0; i < c->queues.tasked.count; i++)
        running(c->queues.at[c->queues.tasked.at[i]])->next_us = c->now_ms * 1000;
}

void task_replay_moved(struct core *c, struct queue *from)
{
    (void)c;
    struct task *t = running(from);
    if (t)
        t->task.moved++;
}
