/* define.c - queues as their clients make and change them; the records of their definitions, which stay in the journal with the documents. */
#include "queue/core/state.h"

void queue_free_definition(struct core *c, struct queue *q)
{
    if (q->location == 0)
        return;
    struct core_effect *freed = core_emit(c, CORE_EFFECT_FREED);
    freed->location = q->location;
    freed->body_len = q->document_bytes;
    q->location = 0;
}

/* A copy says what was said before: version and times stay. */
static void put_definition(struct core *c, struct queue *q, struct slice document, bool copy)
{
    queue_free_definition(c, q);
    struct core_record *r = core_record(c, CORE_REC_DEFINE);
    if (!copy)
        q->version = r->number;
    q->document_bytes = (uint32_t)document.len;
    r->queue = q->number;
    r->attributes = q->attributes;
    r->body = document;
    r->more.created_ms = q->created_ms;
    r->more.changed_ms = q->changed_ms;
    r->more.version = q->version;
    r->more.purge_number = q->purge_number;
    memcpy(r->more.secret, q->secret, sizeof q->secret);
}

void define_record(struct core *c, struct queue *q, struct slice document) { put_definition(c, q, document, false); }

void on_move_definition(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    if (q && q->location != 0 && q->location == e->number)
        put_definition(c, q, e->body, true);
}

/* A dead-letter queue that is not there yet may come; one of another kind would never do. */
static bool fits_dead_letters(const struct core *c, const struct core_queue_attributes *a)
{
    const struct queue *dead = a->dead_letter[0] ? queue_by_name(c, slice_text(a->dead_letter)) : NULL;
    return !dead || dead->attributes.kind == (a->kind == CORE_FIFO ? CORE_FIFO : CORE_STANDARD);
}

void on_queue_create(struct core *c, struct core_event *e)
{
    const struct core_queue_attributes *a = e->attributes;
    struct slice name = slice_text(a->name);
    struct queue *q = queue_by_name(c, name);
    if (pending_reserve(c, 1) != 0)
        answer_now(c, e, CORE_QUEUE_FULL, 0);
    else if (q)
        answer_later(c, e, CORE_EXISTS, q->number, NULL);
    else if (removed_find(c, name))
        answer_now(c, e, CORE_DELETED_RECENTLY, 0);
    else if (!fits_dead_letters(c, a))
        answer_now(c, e, CORE_OTHER_KIND, 0);
    else if (c->queues.count == LIMIT_QUEUES)
        answer_now(c, e, CORE_TOO_MANY, 0);
    else if (c->exhausted)
        answer_now(c, e, CORE_EXHAUSTED, 0);
    else if (!(q = queue_make(c, a->kind)))
        answer_now(c, e, CORE_QUEUE_FULL, 0);
    else {
        int set = queue_define(c, &q, a);
        assert(set == 0 && q); /* neither kind nor name need anything */
        (void)set;
        q->created_ms = q->changed_ms = c->now_ms;
        memcpy(q->secret, e->key, sizeof q->secret);
        define_record(c, q, e->body);
        answer_later(c, e, CORE_OK, q->number, NULL);
    }
}

void queue_changed(struct core *c, struct queue *q, const struct core_queue_attributes *before)
{
    const struct core_queue_attributes *now = &q->attributes;
    if (now->kind == CORE_FIFO && now->delay_ms != before->delay_ms)
        redelay_start(c, q);
    if (now->kind == CORE_STANDARD && now->max_per_group != before->max_per_group)
        fair_limit_changed(c, q);
    queue_wake(c, q);
}

static enum core_answer change(struct core *c, struct queue *q, const struct core_event *e)
{
    struct core_queue_attributes a = *e->attributes;
    memcpy(a.name, q->attributes.name, sizeof a.name);
    if (e->number != 0 && e->number != q->version)
        return CORE_CONFLICT;
    if (a.kind != q->attributes.kind)
        return CORE_NOT_ALLOWED;
    if (!fits_dead_letters(c, &a))
        return CORE_OTHER_KIND;
    if (c->exhausted)
        return CORE_EXHAUSTED;
    struct core_queue_attributes before = q->attributes;
    if (queue_define(c, &q, &a) != 0)
        return CORE_QUEUE_FULL;
    q->changed_ms = c->now_ms;
    define_record(c, q, e->body);
    queue_changed(c, q, &before);
    return CORE_OK;
}

void on_queue_change(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    if (!q) {
        answer_now(c, e, CORE_NO_SUCH_QUEUE, 0);
        return;
    }
    if (pending_reserve(c, 1) != 0) {
        answer_now(c, e, CORE_QUEUE_FULL, 0);
        return;
    }
    enum core_answer answer = change(c, q, e);
    if (answer == CORE_OK)
        answer_later(c, e, CORE_OK, e->queue, NULL);
    else
        answer_now(c, e, answer, 0);
}

void queue_locate(struct core *c, const struct core_record *r, uint64_t location)
{
    struct queue *q = queue_at(c, r->queue);
    if (q && r->kind == CORE_REC_DEFINE)
        q->location = location;
    for (uint32_t i = 0; q && r->kind == CORE_REC_TASK && i < q->task_count; i++)
        if (memcmp(q->tasks[i].id.bytes, r->id.bytes, ID_BYTES) == 0)
            q->tasks[i].location = location;
}

/* -- Recovery ---------------------------------------------------------------------------------------------------------------------- */
struct queue *queue_for_replay(struct core *c, uint32_t number)
{
    struct queue *q = queue_at(c, number), *before = c->queues.at[number & (QUEUE_PLACES - 1)];
    if (q)
        return q;
    if (before)
        doom_lost(c, before);
    return queue_make_numbered(c, number, CORE_STANDARD);
}

/* QUEUE is how brokers that knew no others wrote down the shell's own. Their dead-letter queue was meant by number; the shell sets it anew. */
int define_replay(struct core *c, const struct core_record *r, uint64_t location)
{
    bool old = r->kind == CORE_REC_QUEUE;
    struct queue *q = old && r->queue >= LIMIT_QUEUES ? NULL : queue_for_replay(c, r->queue);
    struct queue *before = q ? queue_by_name(c, slice_text(r->attributes.name)) : NULL;
    if (before && before != q)
        doom_lost(c, before);
    if (!q || r->attributes.name[0] == '\0' || queue_define(c, &q, &r->attributes) != 0)
        return -1;
    if (old)
        return 0;
    q->location = location;
    q->document_bytes = (uint32_t)r->body.len;
    q->version = r->more.version;
    if (q->purge_number < r->more.purge_number)
        q->purge_number = r->more.purge_number;
    q->created_ms = r->more.created_ms;
    q->changed_ms = r->more.changed_ms;
    memcpy(q->secret, r->more.secret, sizeof q->secret);
    return 0;
}
