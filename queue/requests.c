/* requests.c - REQUESTS of clients: what changes something becomes an event of the core, what only looks is answered at once. */
#include "queue/broker.h"

#include <string.h>
#include <sys/random.h>

#include "common/log.h"

struct asked {
    struct peer *client;
    uint64_t number;
    const struct queue_request *request;
    uint32_t queue; /* CORE_NONE: there is none of that name */
};

static struct core_event event_of(const struct broker *b, const struct asked *a, enum core_event_kind kind)
{
    struct core_event e = broker_event(b, kind);
    e.client = a->client->handle;
    e.tag = a->number;
    e.queue = a->queue;
    return e;
}

static void refuse(struct broker *b, const struct asked *a, enum queue_result result)
{
    response_put(b, a->client, a->number, result);
}

static void set_key(struct core_event *e, struct slice key)
{
    e->has_key = key.len == sizeof e->key;
    if (e->has_key)
        memcpy(e->key, key.ptr, sizeof e->key);
}

/* -- Messages -------------------------------------------------------------------------------------------------------------- */
static void do_send(struct broker *b, const struct asked *a)
{
    const struct queue_send *s = &a->request->send;
    if (!journal_has_room(b->journal, b->mono_ms)) {
        refuse(b, a, QUEUE_DISK_FULL);
        return;
    }
    struct core_event e = event_of(b, a, CORE_POST);
    e.id = s->id;
    e.group = s->group;
    e.delay_ms = s->delay_ms;
    e.messages = s->priority;
    e.content_key = s->flags & QUEUE_CONTENT_KEY;
    e.size = s->size;
    e.body = s->body;
    set_key(&e, s->key);
    broker_step(b, &e);
}

static void do_receive(struct broker *b, const struct asked *a)
{
    const struct queue_receive *r = &a->request->receive;
    struct core_event e = event_of(b, a, CORE_RECEIVE);
    e.messages = r->max;
    e.delay_ms = r->visibility_ms;
    e.wait_ms = r->wait_ms;
    set_key(&e, r->attempt);
    broker_step(b, &e);
}

/* True if the handle is one of the queue's; else it is answered. */
static bool read_handle(struct broker *b, const struct asked *a, struct core_event *e)
{
    struct core_queue_stats s;
    if (!describe_lookup(b, a->queue, &s))
        refuse(b, a, QUEUE_NO_QUEUE);
    else if (!handle_read(a->request->handle.handle, s.secret, &e->seq, &e->lease))
        refuse(b, a, QUEUE_BAD_HANDLE);
    else
        return true;
    return false;
}

static void do_delete(struct broker *b, const struct asked *a)
{
    struct core_event e = event_of(b, a, CORE_DELETE);
    if (read_handle(b, a, &e))
        broker_step(b, &e);
}

static void do_visibility(struct broker *b, const struct asked *a)
{
    struct core_event e = event_of(b, a, CORE_VISIBILITY);
    e.delay_ms = a->request->handle.visibility_ms;
    if (read_handle(b, a, &e))
        broker_step(b, &e);
}

static void do_stop(struct broker *b, const struct asked *a)
{
    struct core_event e = event_of(b, a, CORE_STOP);
    e.number = a->request->request;
    broker_step(b, &e);
}

/* -- Queues ---------------------------------------------------------------------------------------------------------------- */
static void do_create(struct broker *b, const struct asked *a)
{
    struct core_queue_attributes attributes;
    struct core_event e = event_of(b, a, CORE_QUEUE_CREATE);
    if (a->request->define.attributes.kind == QUEUE_OF_JOBS) {
        refuse(b, a, QUEUE_INVALID);
        return;
    }
    if (getrandom(e.key, sizeof e.key, 0) != (ssize_t)sizeof e.key) {
        refuse(b, a, QUEUE_FULL); /* handles that anybody could make are worse than no queue */
        return;
    }
    describe_attributes(&a->request->define.attributes, a->request->queue, &attributes);
    e.attributes = &attributes;
    e.body = a->request->define.document;
    broker_step(b, &e);
}

/* Of leat's own queues the settings decide everything but whether they are paused. */
static bool may_change(const struct broker *b, const struct asked *a, const struct core_queue_attributes *to)
{
    struct core_queue_stats s;
    const struct core_queue_attributes *now = describe_lookup(b, a->queue, &s);
    if (!now || !broker_is_built_in(a->request->queue))
        return true;
    struct core_queue_attributes same = *now;
    same.paused = to->paused;
    return memcmp(&same, to, sizeof same) == 0;
}

static void do_change(struct broker *b, const struct asked *a)
{
    struct core_queue_attributes attributes;
    struct core_event e = event_of(b, a, CORE_QUEUE_CHANGE);
    describe_attributes(&a->request->define.attributes, a->request->queue, &attributes);
    if (!may_change(b, a, &attributes)) {
        refuse(b, a, QUEUE_BUILT_IN);
        return;
    }
    e.number = a->request->define.version;
    e.attributes = &attributes;
    e.body = a->request->define.document;
    broker_step(b, &e);
}

static void do_remove(struct broker *b, const struct asked *a)
{
    struct core_event e = event_of(b, a, CORE_QUEUE_REMOVE);
    if (broker_is_built_in(a->request->queue)) {
        refuse(b, a, QUEUE_BUILT_IN);
        return;
    }
    e.id = a->request->token;
    e.body = a->request->queue;
    broker_step(b, &e);
}

/* Jobs are purged one by one: what a worker has stays. */
static void purge_jobs(struct broker *b, const struct asked *a)
{
    if (!journal_has_room(b->journal, b->mono_ms)) {
        refuse(b, a, QUEUE_DISK_FULL);
        return;
    }
    struct core_event e = event_of(b, a, CORE_PURGE);
    uint64_t purged = admin_drain(b, &e, UINT64_MAX);
    mp_put_uint(response_begin(a->client, a->number, QUEUE_OK), purged);
    response_end(b, a->client);
}

static void do_purge(struct broker *b, const struct asked *a)
{
    if (a->queue == QUEUE_JOBS) {
        purge_jobs(b, a);
        return;
    }
    struct core_event e = event_of(b, a, CORE_QUEUE_PURGE);
    e.id = a->request->token;
    broker_step(b, &e);
}

static void do_describe(struct broker *b, const struct asked *a)
{
    if (a->queue == CORE_NONE) {
        refuse(b, a, QUEUE_NO_QUEUE);
        return;
    }
    describe_queue(b, response_begin(a->client, a->number, QUEUE_OK), a->queue, true);
    response_end(b, a->client);
}

/* The next queue behind `after` that the request asks for; CORE_NONE: there is none. */
static uint32_t next_listed(struct broker *b, const struct queue_request *r, struct slice *after, bool behind)
{
    struct core_queue_stats s;
    for (;;) {
        uint32_t queue = core_queue_from(b->core, *after, behind);
        const struct core_queue_attributes *a = describe_lookup(b, queue, &s);
        behind = true;
        if (!a)
            return CORE_NONE;
        *after = slice_text(a->name);
        if (after->len < r->queue.len || (r->queue.len > 0 && memcmp(after->ptr, r->queue.ptr, r->queue.len) != 0))
            return CORE_NONE; /* names with the prefix stand together */
        if (r->list.dead_letter.len == 0 || slice_equal(slice_text(a->dead_letter), r->list.dead_letter))
            return queue;
    }
}

static void do_list(struct broker *b, const struct asked *a)
{
    const struct queue_request *r = a->request;
    bool behind = slice_compare(r->list.after, r->queue) >= 0 && r->list.after.len > 0;
    struct slice after = behind ? r->list.after : r->queue;
    struct buf *out = response_begin(a->client, a->number, QUEUE_OK);
    mp_put_array(out, 2);
    size_t list = mp_open(out);
    uint32_t count = 0, queue = next_listed(b, r, &after, behind);
    for (; queue != CORE_NONE && count < r->list.max; count++) {
        describe_queue(b, out, queue, false);
        queue = next_listed(b, r, &after, true);
    }
    mp_close_array(out, list, count);
    mp_put_bool(out, queue != CORE_NONE);
    response_end(b, a->client);
}

/* -- Moves ----------------------------------------------------------------------------------------------------------------- */
static void do_move_start(struct broker *b, const struct asked *a)
{
    struct core_event e = event_of(b, a, CORE_TASK_START);
    e.id = a->request->move.task;
    e.body = a->request->move.destination;
    e.messages = a->request->move.rate;
    broker_step(b, &e);
}

static void do_move_cancel(struct broker *b, const struct asked *a)
{
    struct core_event e = event_of(b, a, CORE_TASK_CANCEL);
    e.id = a->request->token;
    broker_step(b, &e);
}

static void put_task(struct buf *out, const struct core_task_info *t)
{
    static const enum queue_move_status statuses[] = {[CORE_TASK_RUNNING] = QUEUE_MOVE_RUNNING,
                                                      [CORE_TASK_COMPLETED] = QUEUE_MOVE_COMPLETED,
                                                      [CORE_TASK_CANCELLED] = QUEUE_MOVE_CANCELLED,
                                                      [CORE_TASK_FAILED] = QUEUE_MOVE_FAILED};
    queue_put_move(out, &(struct queue_move){.task = t->id,
                                             .status = statuses[t->task.status],
                                             .destination = slice_text(t->destination),
                                             .rate = t->task.rate,
                                             .moved = t->task.moved,
                                             .total = t->task.total,
                                             .started_ms = t->task.started_ms,
                                             .reason = slice_text(t->reason)});
}

static void do_move_list(struct broker *b, const struct asked *a)
{
    struct core_task_info tasks[LIMIT_MOVE_TASKS];
    if (a->queue == CORE_NONE) {
        refuse(b, a, QUEUE_NO_QUEUE);
        return;
    }
    size_t count = core_tasks(b->core, a->queue, tasks, LIMIT_MOVE_TASKS);
    struct buf *out = response_begin(a->client, a->number, QUEUE_OK);
    mp_put_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_task(out, &tasks[i]);
    response_end(b, a->client);
}

/* -- Looks ----------------------------------------------------------------------------------------------------------------- */
static void do_peek(struct broker *b, const struct asked *a)
{
    static const uint32_t states[] = {[QUEUE_READY] = 1u << CORE_READY | 1u << CORE_BLOCKED,
                                      [QUEUE_INFLIGHT] = 1u << CORE_LEASED,
                                      [QUEUE_DELAYED] = 1u << CORE_DELAYED};
    static struct core_info info[LIMIT_PEEK]; /* one thread, too large for the stack */
    if (a->queue == CORE_NONE) {
        refuse(b, a, QUEUE_NO_QUEUE);
        return;
    }
    size_t count = core_peek(b->core, a->queue, states[a->request->peek.state], info, a->request->peek.max);
    struct buf *out = response_begin(a->client, a->number, QUEUE_OK);
    size_t list = mp_open(out), begin = out->len;
    uint32_t put = 0;
    for (; put < count && out->len - begin < LIMIT_ANSWER_BYTES; put++)
        describe_message(b, out, &info[put], a->request->peek.body_bytes);
    mp_close_array(out, list, put);
    response_end(b, a->client);
}

static void do_find(struct broker *b, const struct asked *a)
{
    struct core_info info;
    if (!core_find(b->core, &a->request->token, &info)) {
        refuse(b, a, QUEUE_NO_MESSAGE);
        return;
    }
    describe_message(b, response_begin(a->client, a->number, QUEUE_OK), &info, LIMIT_MESSAGE_BYTES);
    response_end(b, a->client);
}

/* -- The frame ------------------------------------------------------------------------------------------------------------- */
static void carry_out(struct broker *b, const struct asked *a)
{
    static void (*const arms[QUEUE_VERB_COUNT])(struct broker *, const struct asked *) = {
        [QUEUE_VERB_SEND] = do_send,
        [QUEUE_VERB_RECEIVE] = do_receive,
        [QUEUE_VERB_DELETE] = do_delete,
        [QUEUE_VERB_VISIBILITY] = do_visibility,
        [QUEUE_VERB_CREATE] = do_create,
        [QUEUE_VERB_DESCRIBE] = do_describe,
        [QUEUE_VERB_CHANGE] = do_change,
        [QUEUE_VERB_REMOVE] = do_remove,
        [QUEUE_VERB_LIST] = do_list,
        [QUEUE_VERB_PURGE] = do_purge,
        [QUEUE_VERB_MOVE_START] = do_move_start,
        [QUEUE_VERB_MOVE_CANCEL] = do_move_cancel,
        [QUEUE_VERB_MOVE_LIST] = do_move_list,
        [QUEUE_VERB_PEEK] = do_peek,
        [QUEUE_VERB_FIND] = do_find,
        [QUEUE_VERB_STOP] = do_stop,
    };
    arms[a->request->verb](b, a);
}

/* Names end at a NUL in the core, so none may have one. */
static bool is_text(struct slice name) { return name.len == 0 || !memchr(name.ptr, 0, name.len); }

static bool has_texts(const struct queue_request *r)
{
    bool defines = r->verb == QUEUE_VERB_CREATE || r->verb == QUEUE_VERB_CHANGE;
    return is_text(r->queue) && (!defines || is_text(r->define.attributes.dead_letter));
}

void front_requests(struct broker *b, struct peer *client, struct msg *m)
{
    struct queue_request request;
    struct asked asked = {.client = client, .request = &request};
    bool valid;
    if (msg_read_requests(m) != 0)
        return;
    while (msg_next_request(m, &asked.number, &request, &valid)) {
        asked.queue = valid ? core_queue_by_name(b->core, request.queue) : CORE_NONE;
        if (valid && has_texts(&request))
            carry_out(b, &asked);
        else
            refuse(b, &asked, QUEUE_INVALID);
    }
    if (m->reader.failed)
        log_warn("frame.damaged", "kind=REQUESTS client=%s", client->name);
}
