/* msg_watch.c - requests about one message (WATCH, CANCEL, answered by STATE) and about the broker (ADMIN, ADMIN_REPLY). */
#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "common/msg.h"
#include "common/msg_parts.h"

void msg_put_watch(struct buf *b, uint64_t request, const struct id *id, int64_t wait_ms)
{
    assert(wait_ms >= 0);
    msg_begin(b, MSG_WATCH);
    mp_put_uint(b, request);
    msg_put_id(b, id);
    mp_put_uint(b, (uint64_t)wait_ms);
}

int msg_read_watch(struct msg *m, uint64_t *request, struct id *id, int64_t *wait_ms)
{
    *request = mp_uint(&m->reader, UINT64_MAX);
    msg_get_id(m, id);
    *wait_ms = (int64_t)mp_uint(&m->reader, INT64_MAX);
    return msg_read_ok(m);
}

void msg_put_cancel(struct buf *b, uint64_t request, const struct id *id)
{
    msg_begin(b, MSG_CANCEL);
    mp_put_uint(b, request);
    msg_put_id(b, id);
}

int msg_read_cancel(struct msg *m, uint64_t *request, struct id *id)
{
    *request = mp_uint(&m->reader, UINT64_MAX);
    msg_get_id(m, id);
    return msg_read_ok(m);
}

void msg_put_state(struct buf *b, const struct msg_state_reply *s)
{
    assert((unsigned)s->state < MSG_STATE_COUNT);
    msg_begin(b, MSG_STATE);
    mp_put_uint(b, s->request);
    mp_put_uint(b, s->state);
    mp_put_uint(b, s->receive_count);
    mp_put_bin(b, s->body.ptr, s->body.len);
}

int msg_read_state(struct msg *m, struct msg_state_reply *s)
{
    s->request = mp_uint(&m->reader, UINT64_MAX);
    s->state = (enum msg_state)mp_uint(&m->reader, MSG_STATE_COUNT - 1);
    s->receive_count = (uint32_t)mp_uint(&m->reader, UINT32_MAX);
    s->body = mp_bin(&m->reader, LIMIT_ANSWER_BYTES);
    return msg_read_ok(m);
}

/* -- ADMIN ----------------------------------------------------------------------------------------------------------------- */
static void put_value(struct buf *b, struct slice encoded)
{
    if (encoded.len == 0)
        mp_put_nil(b);
    else
        mp_put_raw(b, encoded);
}

void msg_put_admin(struct buf *b, uint64_t request, const char *verb, struct slice argument)
{
    assert(strlen(verb) <= LIMIT_PEER_NAME_BYTES);
    msg_begin(b, MSG_ADMIN);
    mp_put_uint(b, request);
    mp_put_text(b, verb);
    put_value(b, argument);
}

int msg_read_admin(struct msg *m, uint64_t *request, struct slice *verb, struct slice *argument)
{
    *request = mp_uint(&m->reader, UINT64_MAX);
    *verb = mp_str(&m->reader, LIMIT_PEER_NAME_BYTES);
    *argument = mp_skip(&m->reader);
    return msg_read_ok(m);
}

void msg_put_admin_reply(struct buf *b, uint64_t request, unsigned err_code, struct slice value)
{
    msg_begin(b, MSG_ADMIN_REPLY);
    mp_put_uint(b, request);
    mp_put_uint(b, err_code);
    put_value(b, value);
}

int msg_read_admin_reply(struct msg *m, uint64_t *request, unsigned *err_code, struct slice *value)
{
    *request = mp_uint(&m->reader, UINT64_MAX);
    *err_code = (unsigned)mp_uint(&m->reader, UINT16_MAX);
    *value = mp_skip(&m->reader);
    return msg_read_ok(m);
}
