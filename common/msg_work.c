/* msg_work.c - the workers' side: JOIN, CREDIT, BEAT, the JOBS they get and the DONE they answer with. */
#include <assert.h>

#include "common/limits.h"
#include "common/msg.h"
#include "common/msg_parts.h"

#define JOB_FIELDS 5
#define DONE_FIELDS 5

void msg_put_join(struct buf *b, const struct msg_join *join)
{
    assert(join->name.len <= LIMIT_PEER_NAME_BYTES);
    msg_begin(b, MSG_JOIN);
    mp_put_uint(b, join->version);
    mp_put_slice(b, join->name);
    mp_put_uint(b, join->incarnation);
    mp_put_uint(b, join->pid);
    mp_put_uint(b, join->guard_pid);
    mp_put_uint(b, join->healed);
    mp_put_bin(b, join->catalog.ptr, join->catalog.len);
}

int msg_read_join(struct msg *m, struct msg_join *join)
{
    join->version = mp_uint(&m->reader, UINT64_MAX);
    join->name = mp_str(&m->reader, LIMIT_PEER_NAME_BYTES);
    join->incarnation = mp_uint(&m->reader, UINT64_MAX);
    join->pid = mp_uint(&m->reader, UINT64_MAX);
    join->guard_pid = mp_uint(&m->reader, UINT64_MAX);
    join->healed = mp_uint(&m->reader, 1) == 1;
    join->catalog = mp_bin(&m->reader, LIMIT_CATALOG_BYTES);
    return msg_read_ok(m);
}

void msg_put_credit(struct buf *b, uint32_t messages, uint32_t calls)
{
    msg_begin(b, MSG_CREDIT);
    mp_put_uint(b, messages);
    mp_put_uint(b, calls);
}

int msg_read_credit(struct msg *m, uint32_t *messages, uint32_t *calls)
{
    *messages = (uint32_t)mp_uint(&m->reader, LIMIT_CREDIT);
    *calls = (uint32_t)mp_uint(&m->reader, LIMIT_CREDIT);
    return msg_read_ok(m);
}

void msg_put_beat(struct buf *b, const struct msg_beat *beat)
{
    msg_begin(b, MSG_BEAT);
    mp_put_uint(b, beat->commits);
    mp_put_uint(b, beat->recoveries);
    mp_put_uint(b, beat->applied);
    mp_put_uint(b, beat->failed);
}

int msg_read_beat(struct msg *m, struct msg_beat *beat)
{
    beat->commits = mp_uint(&m->reader, UINT64_MAX);
    beat->recoveries = mp_uint(&m->reader, UINT64_MAX);
    beat->applied = mp_uint(&m->reader, UINT64_MAX);
    beat->failed = mp_uint(&m->reader, UINT64_MAX);
    return msg_read_ok(m);
}

/* -- JOBS ------------------------------------------------------------------------------------------------------------------ */
size_t msg_begin_jobs(struct buf *b, uint64_t low_seq)
{
    msg_begin(b, MSG_JOBS);
    mp_put_uint(b, low_seq);
    return mp_open(b);
}

void msg_add_job(struct buf *b, const struct msg_job *entry)
{
    mp_put_array(b, JOB_FIELDS);
    mp_put_uint(b, entry->seq);
    mp_put_uint(b, entry->lease);
    msg_put_id(b, &entry->id);
    mp_put_uint(b, entry->group);
    mp_put_bin(b, entry->body.ptr, entry->body.len);
}

int msg_read_jobs(struct msg *m, uint64_t *low_seq)
{
    *low_seq = mp_uint(&m->reader, UINT64_MAX);
    return msg_read_entries(m);
}

bool msg_next_job(struct msg *m, struct msg_job *entry)
{
    if (!msg_next_entry(m, JOB_FIELDS))
        return false;
    entry->seq = mp_uint(&m->reader, UINT64_MAX);
    entry->lease = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    msg_get_id(m, &entry->id);
    entry->group = mp_uint(&m->reader, UINT64_MAX);
    entry->body = mp_bin(&m->reader, LIMIT_BODY_BYTES);
    return msg_entry_ok(m);
}

/* -- DONE ------------------------------------------------------------------------------------------------------------------ */
size_t msg_begin_done(struct buf *b)
{
    msg_begin(b, MSG_DONE);
    return mp_open(b);
}

void msg_add_done(struct buf *b, const struct msg_done *entry)
{
    assert((unsigned)entry->disposition < MSG_DISPOSITION_COUNT && entry->retry_ms >= 0);
    mp_put_array(b, DONE_FIELDS);
    mp_put_uint(b, entry->seq);
    mp_put_uint(b, entry->lease);
    mp_put_uint(b, entry->disposition);
    mp_put_uint(b, (uint64_t)entry->retry_ms);
    mp_put_bin(b, entry->outcome.ptr, entry->outcome.len);
}

int msg_read_done(struct msg *m) { return msg_read_entries(m); }

bool msg_next_done(struct msg *m, struct msg_done *entry)
{
    if (!msg_next_entry(m, DONE_FIELDS))
        return false;
    entry->seq = mp_uint(&m->reader, UINT64_MAX);
    entry->lease = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    entry->disposition = (enum msg_disposition)mp_uint(&m->reader, MSG_DISPOSITION_COUNT - 1);
    entry->retry_ms = (int64_t)mp_uint(&m->reader, LIMIT_VISIBILITY_MS);
    entry->outcome = mp_bin(&m->reader, LIMIT_ANSWER_BYTES);
    return msg_entry_ok(m);
}
