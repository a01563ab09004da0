/* msg_send.c - SEND and its answer SENT, and the RESULTS of messages that somebody waits for. */
#include <assert.h>

#include "common/limits.h"
#include "common/msg.h"
#include "common/msg_parts.h"

#define SEND_FIELDS 7
#define RESULT_FIELDS 2
#define KEY_BYTES 16

size_t msg_begin_send(struct buf *b, uint64_t batch, struct slice queue)
{
    msg_begin(b, MSG_SEND);
    mp_put_uint(b, batch);
    mp_put_slice(b, queue);
    return mp_open(b);
}

void msg_add_send(struct buf *b, const struct msg_send *entry)
{
    assert(entry->delay_ms >= 0);
    mp_put_array(b, SEND_FIELDS);
    msg_put_id(b, &entry->id);
    mp_put_uint(b, entry->group);
    mp_put_uint(b, entry->flags);
    mp_put_uint(b, (uint64_t)entry->delay_ms);
    mp_put_bin(b, entry->key.ptr, entry->key.len);
    mp_put_uint(b, entry->body_hash);
    mp_put_bin(b, entry->body.ptr, entry->body.len);
}

int msg_read_send(struct msg *m, uint64_t *batch, struct slice *queue)
{
    *batch = mp_uint(&m->reader, UINT64_MAX);
    *queue = mp_str(&m->reader, LIMIT_QUEUE_NAME_BYTES);
    return msg_read_entries(m);
}

bool msg_next_send(struct msg *m, struct msg_send *entry)
{
    if (!msg_next_entry(m, SEND_FIELDS))
        return false;
    msg_get_id(m, &entry->id);
    entry->group = mp_uint(&m->reader, UINT64_MAX);
    entry->flags = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    entry->delay_ms = (int64_t)mp_uint(&m->reader, LIMIT_DELAY_MS);
    entry->key = mp_bin(&m->reader, KEY_BYTES);
    entry->body_hash = mp_uint(&m->reader, UINT64_MAX);
    entry->body = mp_bin(&m->reader, LIMIT_BODY_BYTES);
    if (entry->body.len == 0 || (entry->key.len != 0 && entry->key.len != KEY_BYTES))
        m->reader.failed = true;
    return msg_entry_ok(m);
}

/* -- SENT ------------------------------------------------------------------------------------------------------------------ */
size_t msg_begin_sent(struct buf *b, uint64_t batch)
{
    msg_begin(b, MSG_SENT);
    mp_put_uint(b, batch);
    return mp_open(b);
}

void msg_add_sent(struct buf *b, enum msg_result result, const struct id *known)
{
    assert((unsigned)result < MSG_RESULT_COUNT);
    if (known)
        mp_put_array(b, 2);
    mp_put_uint(b, result);
    if (known)
        msg_put_id(b, known);
}

int msg_read_sent(struct msg *m, uint64_t *batch)
{
    *batch = mp_uint(&m->reader, UINT64_MAX);
    return msg_read_entries(m);
}

bool msg_next_sent(struct msg *m, enum msg_result *result, struct id *known)
{
    *known = (struct id){{0}};
    if (m->left == 0)
        return false;
    m->left--;
    bool with_id = mp_peek(&m->reader) == MP_ARRAY;
    if (with_id)
        mp_array_exact(&m->reader, 2);
    *result = (enum msg_result)mp_uint(&m->reader, MSG_RESULT_COUNT - 1);
    if (with_id)
        msg_get_id(m, known);
    return msg_entry_ok(m);
}

/* -- RESULTS --------------------------------------------------------------------------------------------------------------- */
size_t msg_begin_results(struct buf *b)
{
    msg_begin(b, MSG_RESULTS);
    return mp_open(b);
}

void msg_add_result(struct buf *b, const struct id *id, struct slice outcome)
{
    mp_put_array(b, RESULT_FIELDS);
    msg_put_id(b, id);
    mp_put_bin(b, outcome.ptr, outcome.len);
}

int msg_read_results(struct msg *m) { return msg_read_entries(m); }

bool msg_next_result(struct msg *m, struct id *id, struct slice *outcome)
{
    if (!msg_next_entry(m, RESULT_FIELDS))
        return false;
    msg_get_id(m, id);
    *outcome = mp_bin(&m->reader, LIMIT_ANSWER_BYTES);
    return msg_entry_ok(m);
}
