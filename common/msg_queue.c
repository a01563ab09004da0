/* msg_queue.c - REQUESTS: what clients ask of queues, a writer and a reader for each verb's argument, in one table. */
#include "common/msg_queue.h"

#include <assert.h>

#include "common/msg_parts.h"
#include "common/msg_queue_parts.h"

#define REQUEST_FIELDS 4
#define KEY_BYTES 16

struct verb_row {
    const char *name;
    uint32_t fields;
    void (*put)(struct buf *b, const struct queue_request *r);
    bool (*get)(struct msg *m, struct queue_request *r); /* false: out of range. Damage shows in the reader */
};

/* -- Values that may be left out ------------------------------------------------------------------------------------------- */
static void put_optional(struct buf *b, int64_t ms)
{
    if (ms == QUEUE_DEFAULT)
        mp_put_nil(b);
    else
        mp_put_uint(b, (uint64_t)ms);
}

static int64_t get_optional(struct msg *m)
{
    if (mp_peek(&m->reader) != MP_NIL)
        return queue_get_ms(&m->reader);
    mp_next(&m->reader);
    return QUEUE_DEFAULT;
}

static bool within(int64_t ms, int64_t max_ms) { return ms >= QUEUE_DEFAULT && ms <= max_ms; }
static bool is_key(struct slice key) { return key.len == 0 || key.len == KEY_BYTES; }

/* -- Messages -------------------------------------------------------------------------------------------------------------- */
static void put_send(struct buf *b, const struct queue_request *r)
{
    const struct queue_send *s = &r->send;
    msg_put_id(b, &s->id);
    mp_put_uint(b, s->group);
    mp_put_uint(b, s->flags);
    put_optional(b, s->delay_ms);
    mp_put_uint(b, s->priority);
    mp_put_bin(b, s->key.ptr, s->key.len);
    mp_put_uint(b, s->size);
    mp_put_bin(b, s->body.ptr, s->body.len);
}

static bool get_send(struct msg *m, struct queue_request *r)
{
    struct queue_send *s = &r->send;
    msg_get_id(m, &s->id);
    s->group = mp_uint(&m->reader, UINT64_MAX);
    s->flags = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    s->delay_ms = get_optional(m);
    s->priority = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    s->key = mp_bin(&m->reader, SIZE_MAX);
    s->size = mp_uint(&m->reader, UINT64_MAX);
    s->body = mp_bin(&m->reader, SIZE_MAX);
    return within(s->delay_ms, LIMIT_SCHEDULE_MS) && s->priority < LIMIT_PRIORITIES && is_key(s->key) && s->body.len > 0 &&
           s->body.len <= LIMIT_MESSAGE_BYTES;
}

static void put_receive(struct buf *b, const struct queue_request *r)
{
    mp_put_uint(b, r->receive.max);
    put_optional(b, r->receive.visibility_ms);
    put_optional(b, r->receive.wait_ms);
    mp_put_bin(b, r->receive.attempt.ptr, r->receive.attempt.len);
}

static bool get_receive(struct msg *m, struct queue_request *r)
{
    struct queue_receive *q = &r->receive;
    q->max = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    q->visibility_ms = get_optional(m);
    q->wait_ms = get_optional(m);
    q->attempt = mp_bin(&m->reader, SIZE_MAX);
    return q->max >= 1 && q->max <= LIMIT_RECEIVE_MESSAGES && within(q->visibility_ms, LIMIT_LEASE_MS) &&
           within(q->wait_ms, LIMIT_RECEIVE_WAIT_MS) && is_key(q->attempt);
}

static void put_handle(struct buf *b, const struct queue_request *r)
{
    mp_put_bin(b, r->handle.handle.ptr, r->handle.handle.len);
}

static bool get_handle(struct msg *m, struct queue_request *r)
{
    r->handle.handle = mp_bin(&m->reader, SIZE_MAX);
    return r->handle.handle.len > 0 && r->handle.handle.len <= LIMIT_HANDLE_BYTES;
}

static void put_visibility(struct buf *b, const struct queue_request *r)
{
    put_handle(b, r);
    mp_put_uint(b, (uint64_t)r->handle.visibility_ms);
}

static bool get_visibility(struct msg *m, struct queue_request *r)
{
    bool valid = get_handle(m, r);
    r->handle.visibility_ms = queue_get_ms(&m->reader);
    return valid && r->handle.visibility_ms <= LIMIT_LEASE_MS;
}

/* -- Queues ---------------------------------------------------------------------------------------------------------------- */
static void put_create(struct buf *b, const struct queue_request *r)
{
    queue_put_attributes(b, &r->define.attributes);
    mp_put_bin(b, r->define.document.ptr, r->define.document.len);
}

static bool get_create(struct msg *m, struct queue_request *r)
{
    bool valid = queue_get_attributes(&m->reader, &r->define.attributes);
    r->define.document = mp_bin(&m->reader, SIZE_MAX);
    return valid && r->queue.len > 0 && r->define.document.len <= LIMIT_QUEUE_DOCUMENT_BYTES;
}

static void put_change(struct buf *b, const struct queue_request *r)
{
    mp_put_uint(b, r->define.version);
    put_create(b, r);
}

static bool get_change(struct msg *m, struct queue_request *r)
{
    r->define.version = mp_uint(&m->reader, UINT64_MAX);
    return get_create(m, r);
}

static void put_none(struct buf *b, const struct queue_request *r) { (void)b, (void)r; }

static bool get_none(struct msg *m, struct queue_request *r)
{
    (void)m, (void)r;
    return true;
}

static void put_token(struct buf *b, const struct queue_request *r) { msg_put_id(b, &r->token); }

static bool get_token(struct msg *m, struct queue_request *r)
{
    msg_get_id(m, &r->token);
    return true;
}

static void put_list(struct buf *b, const struct queue_request *r)
{
    mp_put_slice(b, r->list.after);
    mp_put_slice(b, r->list.dead_letter);
    mp_put_uint(b, r->list.max);
}

static bool get_list(struct msg *m, struct queue_request *r)
{
    r->list.after = mp_str(&m->reader, SIZE_MAX);
    r->list.dead_letter = mp_str(&m->reader, SIZE_MAX);
    r->list.max = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    return r->list.after.len <= LIMIT_QUEUE_PATH_BYTES && r->list.dead_letter.len <= LIMIT_QUEUE_PATH_BYTES &&
           r->list.max >= 1 && r->list.max <= LIMIT_QUEUES_LISTED;
}

static void put_move(struct buf *b, const struct queue_request *r)
{
    msg_put_id(b, &r->move.task);
    mp_put_slice(b, r->move.destination);
    mp_put_uint(b, r->move.rate);
}

static bool get_move(struct msg *m, struct queue_request *r)
{
    msg_get_id(m, &r->move.task);
    r->move.destination = mp_str(&m->reader, SIZE_MAX);
    r->move.rate = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    return r->move.destination.len <= LIMIT_QUEUE_PATH_BYTES && r->move.rate <= LIMIT_MOVE_RATE;
}

static void put_peek(struct buf *b, const struct queue_request *r)
{
    mp_put_uint(b, r->peek.state);
    mp_put_uint(b, r->peek.max);
    mp_put_uint(b, r->peek.body_bytes);
}

static bool get_peek(struct msg *m, struct queue_request *r)
{
    uint64_t state = mp_uint(&m->reader, UINT64_MAX);
    r->peek.max = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    r->peek.body_bytes = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    r->peek.state = state < QUEUE_MESSAGE_STATES ? (enum queue_message_state)state : QUEUE_READY;
    return state < QUEUE_MESSAGE_STATES && r->peek.max >= 1 && r->peek.max <= LIMIT_PEEK;
}

static void put_stop(struct buf *b, const struct queue_request *r) { mp_put_uint(b, r->request); }

static bool get_stop(struct msg *m, struct queue_request *r)
{
    r->request = mp_uint(&m->reader, UINT64_MAX);
    return true;
}

static const struct verb_row rows[QUEUE_VERB_COUNT] = {
#define ARMS(put, get) put, get
#define X(verb, fields) [QUEUE_VERB_##verb] = {#verb, fields, ARMS_##verb},
#define ARMS_SEND ARMS(put_send, get_send)
#define ARMS_RECEIVE ARMS(put_receive, get_receive)
#define ARMS_DELETE ARMS(put_handle, get_handle)
#define ARMS_VISIBILITY ARMS(put_visibility, get_visibility)
#define ARMS_CREATE ARMS(put_create, get_create)
#define ARMS_DESCRIBE ARMS(put_none, get_none)
#define ARMS_CHANGE ARMS(put_change, get_change)
#define ARMS_REMOVE ARMS(put_token, get_token)
#define ARMS_LIST ARMS(put_list, get_list)
#define ARMS_PURGE ARMS(put_token, get_token)
#define ARMS_MOVE_START ARMS(put_move, get_move)
#define ARMS_MOVE_CANCEL ARMS(put_token, get_token)
#define ARMS_MOVE_LIST ARMS(put_none, get_none)
#define ARMS_PEEK ARMS(put_peek, get_peek)
#define ARMS_FIND ARMS(put_token, get_token)
#define ARMS_STOP ARMS(put_stop, get_stop)
    QUEUE_VERB_TABLE(X)
#undef X
};

const char *queue_verb_name(enum queue_verb verb) { return (unsigned)verb < QUEUE_VERB_COUNT ? rows[verb].name : "UNKNOWN"; }

size_t msg_begin_requests(struct buf *b)
{
    msg_begin(b, MSG_REQUESTS);
    return mp_open(b);
}

void msg_add_request(struct buf *b, uint64_t number, const struct queue_request *request)
{
    assert((unsigned)request->verb < QUEUE_VERB_COUNT && request->queue.len <= LIMIT_QUEUE_PATH_BYTES);
    mp_put_array(b, REQUEST_FIELDS);
    mp_put_uint(b, number);
    mp_put_uint(b, request->verb);
    mp_put_slice(b, request->queue);
    mp_put_array(b, rows[request->verb].fields);
    rows[request->verb].put(b, request);
}

int msg_read_requests(struct msg *m) { return msg_read_entries(m); }

bool msg_next_request(struct msg *m, uint64_t *number, struct queue_request *request, bool *valid)
{
    if (!msg_next_entry(m, REQUEST_FIELDS))
        return false;
    *request = (struct queue_request){0};
    *number = mp_uint(&m->reader, UINT64_MAX);
    request->verb = (enum queue_verb)mp_uint(&m->reader, QUEUE_VERB_COUNT - 1);
    request->queue = mp_str(&m->reader, SIZE_MAX);
    if (m->reader.failed)
        return msg_entry_ok(m);
    mp_array_exact(&m->reader, rows[request->verb].fields);
    *valid = rows[request->verb].get(m, request) && request->queue.len <= LIMIT_QUEUE_PATH_BYTES;
    return msg_entry_ok(m);
}
