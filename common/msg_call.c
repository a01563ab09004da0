/* msg_call.c - calls: CALL from a client, CALLS to a worker, and their answers ANSWERS and REPLIES on the way back. */
#include <assert.h>

#include "common/limits.h"
#include "common/msg.h"
#include "common/msg_parts.h"

#define CALL_FIELDS 5
#define CALLS_FIELDS 4
#define REPLY_FIELDS 3

size_t msg_begin_call(struct buf *b)
{
    msg_begin(b, MSG_CALL);
    return mp_open(b);
}

void msg_add_call(struct buf *b, const struct msg_call *entry)
{
    assert(entry->timeout_ms >= 0);
    mp_put_array(b, CALL_FIELDS);
    mp_put_uint(b, entry->call);
    mp_put_uint(b, entry->flags);
    mp_put_uint(b, (uint64_t)entry->timeout_ms);
    mp_put_bin(b, entry->id.ptr, entry->id.len);
    mp_put_bin(b, entry->body.ptr, entry->body.len);
}

int msg_read_call(struct msg *m) { return msg_read_entries(m); }

/* The id and the body, which end an entry of both kinds. */
static bool read_call_rest(struct msg *m, struct msg_call *entry)
{
    entry->id = mp_bin(&m->reader, ID_BYTES);
    entry->body = mp_bin(&m->reader, LIMIT_CALL_BYTES);
    if (entry->body.len == 0 || (entry->id.len != 0 && entry->id.len != ID_BYTES))
        m->reader.failed = true;
    return msg_entry_ok(m);
}

bool msg_next_call(struct msg *m, struct msg_call *entry)
{
    if (!msg_next_entry(m, CALL_FIELDS))
        return false;
    entry->call = mp_uint(&m->reader, UINT64_MAX);
    entry->flags = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    entry->timeout_ms = (int64_t)mp_uint(&m->reader, LIMIT_CALL_MS);
    return read_call_rest(m, entry);
}

size_t msg_begin_calls(struct buf *b)
{
    msg_begin(b, MSG_CALLS);
    return mp_open(b);
}

void msg_add_calls(struct buf *b, const struct msg_call *entry)
{
    mp_put_array(b, CALLS_FIELDS);
    mp_put_uint(b, entry->call);
    mp_put_uint(b, entry->flags);
    mp_put_bin(b, entry->id.ptr, entry->id.len);
    mp_put_bin(b, entry->body.ptr, entry->body.len);
}

int msg_read_calls(struct msg *m) { return msg_read_entries(m); }

bool msg_next_calls(struct msg *m, struct msg_call *entry)
{
    if (!msg_next_entry(m, CALLS_FIELDS))
        return false;
    entry->call = mp_uint(&m->reader, UINT64_MAX);
    entry->flags = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    entry->timeout_ms = 0;
    return read_call_rest(m, entry);
}

/* -- REPLIES, ANSWERS ------------------------------------------------------------------------------------------------------ */
size_t msg_begin_replies(struct buf *b, enum msg_kind kind)
{
    assert(kind == MSG_REPLIES || kind == MSG_ANSWERS);
    msg_begin(b, kind);
    return mp_open(b);
}

void msg_add_reply(struct buf *b, const struct msg_reply *entry)
{
    mp_put_array(b, REPLY_FIELDS);
    mp_put_uint(b, entry->call);
    mp_put_uint(b, entry->status);
    mp_put_bin(b, entry->body.ptr, entry->body.len);
}

int msg_read_replies(struct msg *m) { return msg_read_entries(m); }

bool msg_next_reply(struct msg *m, struct msg_reply *entry)
{
    if (!msg_next_entry(m, REPLY_FIELDS))
        return false;
    entry->call = mp_uint(&m->reader, UINT64_MAX);
    entry->status = (enum msg_call_status)mp_uint(&m->reader, MSG_CALL_BUSY);
    entry->body = mp_bin(&m->reader, LIMIT_CALL_ANSWER_BYTES);
    return msg_entry_ok(m);
}
