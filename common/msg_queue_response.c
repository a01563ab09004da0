/* msg_queue_response.c - RESPONSES: results, and the bodies that come with them. */
#include <assert.h>

#include "common/msg_parts.h"
#include "common/msg_queue_parts.h"

#define RESPONSE_FIELDS 3
#define RECEIVED_FIELDS 9
#define DESCRIPTION_FIELDS 15
#define MOVE_FIELDS 8
#define SEEN_FIELDS 14

static const struct {
    const char *name;
    bool retry;
} results[QUEUE_RESULT_COUNT] = {
#define X(result, retry) [QUEUE_##result] = {#result, retry},
    QUEUE_RESULT_TABLE(X)
#undef X
};

const char *queue_result_name(enum queue_result r) { return (unsigned)r < QUEUE_RESULT_COUNT ? results[r].name : "UNKNOWN"; }
bool queue_result_may_retry(enum queue_result r) { return (unsigned)r < QUEUE_RESULT_COUNT && results[r].retry; }

/* -- The frame ------------------------------------------------------------------------------------------------------------- */
size_t msg_begin_responses(struct buf *b)
{
    msg_begin(b, MSG_RESPONSES);
    return mp_open(b);
}

void msg_begin_response(struct buf *b, uint64_t request, enum queue_result result)
{
    assert((unsigned)result < QUEUE_RESULT_COUNT);
    mp_put_array(b, RESPONSE_FIELDS);
    mp_put_uint(b, request);
    mp_put_uint(b, result);
}

void msg_add_response(struct buf *b, uint64_t request, enum queue_result result)
{
    msg_begin_response(b, request, result);
    mp_put_nil(b);
}

int msg_read_responses(struct msg *m) { return msg_read_entries(m); }

bool msg_next_response(struct msg *m, struct queue_response *response)
{
    if (!msg_next_entry(m, RESPONSE_FIELDS))
        return false;
    response->request = mp_uint(&m->reader, UINT64_MAX);
    response->result = (enum queue_result)mp_uint(&m->reader, QUEUE_RESULT_COUNT - 1);
    response->body = mp_skip(&m->reader);
    return msg_entry_ok(m);
}

/* -- Pieces ---------------------------------------------------------------------------------------------------------------- */
static void put_ms(struct buf *b, int64_t ms) { mp_put_uint(b, ms > 0 ? (uint64_t)ms : 0); }

static struct id get_id(struct mp_reader *r)
{
    struct id id = {{0}};
    struct slice bytes = mp_bin_exact(r, ID_BYTES);
    for (size_t i = 0; i < bytes.len; i++)
        id.bytes[i] = bytes.ptr[i];
    return id;
}

static int read_ok(const struct mp_reader *r) { return mp_at_end(r) ? 0 : -1; }

static int walk_of(struct slice list, uint32_t max, struct queue_walk *walk)
{
    walk->reader = mp_reader_of(list);
    walk->left = mp_array(&walk->reader, max);
    return walk->reader.failed ? -1 : 0;
}

static bool next_of(struct queue_walk *walk, uint32_t fields)
{
    if (walk->left == 0 || walk->reader.failed)
        return false;
    walk->left--;
    mp_array_exact(&walk->reader, fields);
    return true;
}

/* -- SEND, and numbers ------------------------------------------------------------------------------------------------------ */
void queue_put_sent(struct buf *b, uint64_t seq, const struct id *id)
{
    mp_put_array(b, 2);
    mp_put_uint(b, seq);
    msg_put_id(b, id);
}

int queue_read_sent(const struct queue_response *r, uint64_t *seq, struct id *id)
{
    struct mp_reader reader = mp_reader_of(r->body);
    mp_array_exact(&reader, 2);
    *seq = mp_uint(&reader, UINT64_MAX);
    *id = get_id(&reader);
    return read_ok(&reader);
}

int queue_read_number(const struct queue_response *r, uint64_t *number)
{
    struct mp_reader reader = mp_reader_of(r->body);
    *number = mp_uint(&reader, UINT64_MAX);
    return read_ok(&reader);
}

/* -- RECEIVE ---------------------------------------------------------------------------------------------------------------- */
void queue_put_received(struct buf *b, const struct queue_received *m)
{
    mp_put_array(b, RECEIVED_FIELDS);
    msg_put_id(b, &m->id);
    mp_put_bin(b, m->handle.ptr, m->handle.len);
    mp_put_uint(b, m->seq);
    mp_put_uint(b, m->receive_count);
    put_ms(b, m->sent_ms);
    put_ms(b, m->first_received_ms);
    mp_put_slice(b, m->source);
    mp_put_slice(b, m->reason);
    mp_put_bin(b, m->body.ptr, m->body.len);
}

int queue_walk_received(const struct queue_response *r, struct queue_walk *walk)
{
    return walk_of(r->body, LIMIT_RECEIVE_MESSAGES, walk);
}

bool queue_next_received(struct queue_walk *walk, struct queue_received *m)
{
    struct mp_reader *r = &walk->reader;
    if (!next_of(walk, RECEIVED_FIELDS))
        return false;
    m->id = get_id(r);
    m->handle = mp_bin(r, LIMIT_HANDLE_BYTES);
    m->seq = mp_uint(r, UINT64_MAX);
    m->receive_count = (uint32_t)mp_uint(r, UINT32_MAX);
    m->sent_ms = queue_get_ms(r);
    m->first_received_ms = queue_get_ms(r);
    m->source = mp_str(r, LIMIT_QUEUE_PATH_BYTES);
    m->reason = mp_str(r, LIMIT_REASON_BYTES);
    m->body = mp_bin(r, LIMIT_MESSAGE_BYTES);
    return !r->failed;
}

/* -- DESCRIBE, LIST --------------------------------------------------------------------------------------------------------- */
void queue_put_description(struct buf *b, const struct queue_description *d)
{
    mp_put_array(b, DESCRIPTION_FIELDS);
    mp_put_slice(b, d->name);
    mp_put_uint(b, d->version);
    put_ms(b, d->created_ms);
    put_ms(b, d->changed_ms);
    queue_put_attributes(b, &d->attributes);
    mp_put_bin(b, d->document.ptr, d->document.len);
    mp_put_uint(b, d->ready);
    mp_put_uint(b, d->inflight);
    mp_put_uint(b, d->delayed);
    mp_put_uint(b, d->bytes);
    mp_put_uint(b, d->noisy);
    mp_put_uint(b, d->receivers);
    put_ms(b, d->oldest_ms);
    mp_put_uint(b, d->entered_total);
    mp_put_uint(b, d->left_total);
}

static void get_description(struct mp_reader *r, struct queue_description *d)
{
    mp_array_exact(r, DESCRIPTION_FIELDS);
    d->name = mp_str(r, LIMIT_QUEUE_PATH_BYTES);
    d->version = mp_uint(r, UINT64_MAX);
    d->created_ms = queue_get_ms(r);
    d->changed_ms = queue_get_ms(r);
    r->failed = !queue_get_attributes(r, &d->attributes) || r->failed;
    d->document = mp_bin(r, LIMIT_QUEUE_DOCUMENT_BYTES);
    d->ready = mp_uint(r, UINT64_MAX);
    d->inflight = mp_uint(r, UINT64_MAX);
    d->delayed = mp_uint(r, UINT64_MAX);
    d->bytes = mp_uint(r, UINT64_MAX);
    d->noisy = mp_uint(r, UINT64_MAX);
    d->receivers = mp_uint(r, UINT64_MAX);
    d->oldest_ms = queue_get_ms(r);
    d->entered_total = mp_uint(r, UINT64_MAX);
    d->left_total = mp_uint(r, UINT64_MAX);
}

int queue_read_description(const struct queue_response *r, struct queue_description *d)
{
    struct mp_reader reader = mp_reader_of(r->body);
    get_description(&reader, d);
    return read_ok(&reader);
}

int queue_walk_list(const struct queue_response *r, struct queue_walk *walk, bool *more)
{
    struct mp_reader reader = mp_reader_of(r->body);
    mp_array_exact(&reader, 2);
    struct slice list = mp_skip(&reader);
    *more = mp_bool(&reader);
    return read_ok(&reader) != 0 ? -1 : walk_of(list, LIMIT_QUEUES_LISTED, walk);
}

bool queue_next_description(struct queue_walk *walk, struct queue_description *d)
{
    if (walk->left == 0 || walk->reader.failed)
        return false;
    walk->left--;
    get_description(&walk->reader, d);
    return !walk->reader.failed;
}

/* -- MOVE_LIST -------------------------------------------------------------------------------------------------------------- */
void queue_put_move(struct buf *b, const struct queue_move *m)
{
    mp_put_array(b, MOVE_FIELDS);
    msg_put_id(b, &m->task);
    mp_put_uint(b, m->status);
    mp_put_slice(b, m->destination);
    mp_put_uint(b, m->rate);
    mp_put_uint(b, m->moved);
    mp_put_uint(b, m->total);
    put_ms(b, m->started_ms);
    mp_put_slice(b, m->reason);
}

int queue_walk_moves(const struct queue_response *r, struct queue_walk *walk)
{
    return walk_of(r->body, LIMIT_MOVE_TASKS, walk);
}

bool queue_next_move(struct queue_walk *walk, struct queue_move *m)
{
    struct mp_reader *r = &walk->reader;
    if (!next_of(walk, MOVE_FIELDS))
        return false;
    m->task = get_id(r);
    m->status = (enum queue_move_status)mp_uint(r, QUEUE_MOVE_STATUSES - 1);
    m->destination = mp_str(r, LIMIT_QUEUE_PATH_BYTES);
    m->rate = (uint32_t)mp_uint(r, LIMIT_MOVE_RATE);
    m->moved = mp_uint(r, UINT64_MAX);
    m->total = mp_uint(r, UINT64_MAX);
    m->started_ms = queue_get_ms(r);
    m->reason = mp_str(r, LIMIT_REASON_BYTES);
    return !r->failed;
}

/* -- PEEK, FIND ------------------------------------------------------------------------------------------------------------- */
void queue_put_seen(struct buf *b, const struct queue_seen *s)
{
    mp_put_array(b, SEEN_FIELDS);
    mp_put_slice(b, s->queue);
    msg_put_id(b, &s->id);
    mp_put_uint(b, s->seq);
    mp_put_uint(b, s->state);
    mp_put_uint(b, s->receive_count);
    put_ms(b, s->sent_ms);
    put_ms(b, s->first_received_ms);
    put_ms(b, s->due_ms);
    mp_put_uint(b, s->group);
    mp_put_uint(b, s->priority);
    mp_put_slice(b, s->source);
    mp_put_slice(b, s->reason);
    mp_put_uint(b, s->body_len);
    mp_put_bin(b, s->body.ptr, s->body.len);
}

static void get_seen(struct mp_reader *r, struct queue_seen *s)
{
    mp_array_exact(r, SEEN_FIELDS);
    s->queue = mp_str(r, LIMIT_QUEUE_PATH_BYTES);
    s->id = get_id(r);
    s->seq = mp_uint(r, UINT64_MAX);
    s->state = (enum queue_message_state)mp_uint(r, QUEUE_MESSAGE_STATES - 1);
    s->receive_count = (uint32_t)mp_uint(r, UINT32_MAX);
    s->sent_ms = queue_get_ms(r);
    s->first_received_ms = queue_get_ms(r);
    s->due_ms = queue_get_ms(r);
    s->group = mp_uint(r, UINT64_MAX);
    s->priority = (uint32_t)mp_uint(r, LIMIT_PRIORITIES - 1);
    s->source = mp_str(r, LIMIT_QUEUE_PATH_BYTES);
    s->reason = mp_str(r, LIMIT_REASON_BYTES);
    s->body_len = (uint32_t)mp_uint(r, UINT32_MAX);
    s->body = mp_bin(r, LIMIT_MESSAGE_BYTES);
}

int queue_walk_seen(const struct queue_response *r, struct queue_walk *walk) { return walk_of(r->body, LIMIT_PEEK, walk); }

bool queue_next_seen(struct queue_walk *walk, struct queue_seen *s)
{
    if (walk->left == 0 || walk->reader.failed)
        return false;
    walk->left--;
    get_seen(&walk->reader, s);
    return !walk->reader.failed;
}

int queue_read_seen(const struct queue_response *r, struct queue_seen *s)
{
    struct mp_reader reader = mp_reader_of(r->body);
    get_seen(&reader, s);
    return read_ok(&reader);
}
