/* msg.c - the frame itself: kinds and their arity, entries, and the messages of the handshake. */
#include "common/msg.h"

#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "common/msg_parts.h"

struct row {
    const char *name;
    uint32_t fields; /* after the kind */
};

static const struct row rows[MSG_KIND_COUNT] = {
#define X(symbol, direction, fields) [MSG_##symbol] = {#symbol, fields},
    MSG_TABLE(X)
#undef X
};

const char *msg_kind_name(enum msg_kind kind) { return (unsigned)kind < MSG_KIND_COUNT ? rows[kind].name : "UNKNOWN"; }

int msg_open(struct slice frame, struct msg *m)
{
    *m = (struct msg){0};
    if (frame.len > LIMIT_WIRE_BYTES || !mp_valid(frame, LIMIT_MSGPACK_DEPTH))
        return -1;
    m->reader = mp_reader_of(frame);
    uint32_t count = mp_array(&m->reader, UINT32_MAX);
    uint64_t kind = mp_uint(&m->reader, MSG_KIND_COUNT - 1);
    if (m->reader.failed || count != rows[kind].fields + 1)
        return -1;
    m->kind = (enum msg_kind)kind;
    return 0;
}

void msg_begin(struct buf *b, enum msg_kind kind)
{
    assert((unsigned)kind < MSG_KIND_COUNT);
    mp_put_array(b, rows[kind].fields + 1);
    mp_put_uint(b, kind);
}

void msg_end(struct buf *b, size_t mark, uint32_t count)
{
    assert(count <= LIMIT_BATCH_ENTRIES);
    mp_close_array(b, mark, count);
}

int msg_read_entries(struct msg *m)
{
    m->left = mp_array(&m->reader, LIMIT_BATCH_ENTRIES);
    return msg_read_ok(m);
}

bool msg_next_entry(struct msg *m, uint32_t fields)
{
    if (m->left == 0)
        return false;
    m->left--;
    mp_array_exact(&m->reader, fields);
    return msg_entry_ok(m);
}

bool msg_entry_ok(struct msg *m)
{
    if (m->reader.failed)
        m->left = 0;
    return !m->reader.failed;
}

void msg_put_id(struct buf *b, const struct id *id) { mp_put_bin(b, id->bytes, ID_BYTES); }

void msg_get_id(struct msg *m, struct id *id)
{
    struct slice bytes = mp_bin_exact(&m->reader, ID_BYTES);
    memset(id, 0, sizeof *id);
    if (bytes.len == ID_BYTES)
        memcpy(id->bytes, bytes.ptr, ID_BYTES);
}

/* -- Handshake ------------------------------------------------------------------------------------------------------------- */
void msg_put_hello(struct buf *b, const char *role, const char *name)
{
    assert(strlen(role) <= LIMIT_PEER_NAME_BYTES && strlen(name) <= LIMIT_PEER_NAME_BYTES);
    msg_begin(b, MSG_HELLO);
    mp_put_uint(b, MSG_VERSION);
    mp_put_text(b, role);
    mp_put_text(b, name);
}

int msg_read_hello(struct msg *m, uint64_t *version, struct slice *role, struct slice *name)
{
    *version = mp_uint(&m->reader, UINT64_MAX);
    *role = mp_str(&m->reader, LIMIT_PEER_NAME_BYTES);
    *name = mp_str(&m->reader, LIMIT_PEER_NAME_BYTES);
    return msg_read_ok(m);
}

void msg_put_welcome(struct buf *b, uint64_t instance, struct slice catalog)
{
    msg_begin(b, MSG_WELCOME);
    mp_put_uint(b, MSG_VERSION);
    mp_put_uint(b, instance);
    mp_put_bin(b, catalog.ptr, catalog.len);
}

int msg_read_welcome(struct msg *m, uint64_t *version, uint64_t *instance, struct slice *catalog)
{
    *version = mp_uint(&m->reader, UINT64_MAX);
    *instance = mp_uint(&m->reader, UINT64_MAX);
    *catalog = mp_bin(&m->reader, LIMIT_CATALOG_BYTES);
    return msg_read_ok(m);
}

void msg_put_catalog(struct buf *b, enum msg_kind kind, struct slice catalog)
{
    assert(kind == MSG_CATALOG || kind == MSG_TABLES);
    msg_begin(b, kind);
    mp_put_bin(b, catalog.ptr, catalog.len);
}

int msg_read_catalog(struct msg *m, struct slice *catalog)
{
    *catalog = mp_bin(&m->reader, LIMIT_CATALOG_BYTES);
    return msg_read_ok(m);
}

void msg_put_pong(struct buf *b, uint64_t instance)
{
    msg_begin(b, MSG_PONG);
    mp_put_uint(b, instance);
}

int msg_read_pong(struct msg *m, uint64_t *instance)
{
    *instance = mp_uint(&m->reader, UINT64_MAX);
    return msg_read_ok(m);
}

void msg_put_bare(struct buf *b, enum msg_kind kind)
{
    assert(rows[kind].fields == 0);
    msg_begin(b, kind);
}
