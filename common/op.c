/* op.c - operations and outcomes between their structs and msgpack. */
#include "common/op.h"

#include <assert.h>
#include <string.h>

#include "common/limits.h"

struct row {
    const char *name; /* "" for calls only */
    bool table, writes;
};

static const struct row rows[OP_COUNT] = {
#define X(symbol, name, table, writes) [OP_##symbol] = {name, table, writes},
    OP_TABLE(X)
#undef X
};

static const struct row *row_of(enum op_code code)
{
    assert((unsigned)code < OP_COUNT);
    return &rows[code];
}

const char *op_name(enum op_code code) { return row_of(code)->name; }
bool op_needs_table(enum op_code code) { return row_of(code)->table; }
bool op_writes(enum op_code code) { return row_of(code)->writes; }

int op_by_name(struct slice name)
{
    for (int code = 0; code <= OP_LAST_OF_USERS; code++)
        if (slice_equal(slice_text(rows[code].name), name))
            return code;
    return -1;
}

/* A null payload is a value and not the same as none, so the absent one is left out of the array. */
void op_encode(struct buf *out, const struct op *op)
{
    bool payload = op->payload.type != VALUE_NONE, home = op->home.len > 0;
    assert((unsigned)op->code < OP_COUNT);
    assert(op->home.len <= LIMIT_HOME_BYTES && (payload || !home));
    mp_put_array(out, 2u + payload + home);
    mp_put_uint(out, op->code);
    mp_put_slice(out, op->table);
    if (payload)
        mp_put_raw(out, op->payload.encoded);
    if (home)
        mp_put_slice(out, op->home);
}

int op_decode(struct slice body, struct op *op)
{
    *op = (struct op){.payload = {.type = VALUE_NONE}};
    if (!mp_valid(body, LIMIT_MSGPACK_DEPTH))
        return -1;
    struct mp_reader r = mp_reader_of(body);
    uint32_t count = mp_array(&r, 4);
    op->code = (enum op_code)mp_uint(&r, OP_COUNT - 1);
    op->table = mp_str(&r, LIMIT_TABLE_NAME_MAX);
    if (r.failed || count < 2)
        return -1;
    if (count == 2)
        return 0;
    op->payload = value_read(&r);
    if (count == 4)
        op->home = mp_str(&r, LIMIT_HOME_BYTES);
    if (count == 4 && op->home.len == 0)
        return -1;
    return mp_at_end(&r) && op->payload.type != VALUE_NONE ? 0 : -1;
}

/* -- Outcomes -------------------------------------------------------------------------------------------------------------- */
void outcome_encode(struct buf *out, const struct outcome *o)
{
    assert(o->code.len <= LIMIT_ERROR_NAME_BYTES);
    mp_put_array(out, 3);
    mp_put_uint(out, o->state);
    mp_put_slice(out, o->code);
    if (o->value.type == VALUE_NONE)
        mp_put_nil(out);
    else
        mp_put_raw(out, o->value.encoded);
}

/* The sentence may be cut inside a character, and may quote what a user sent: what is not UTF-8 becomes '?'. */
static void make_utf8(char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t wide = 1;
        while (wide <= 4 && at + wide <= len && !utf8_valid(slice_of(text + at, wide)))
            wide++;
        if (wide > 4 || at + wide > len) {
            text[at] = '?';
            wide = 1;
        }
        at += wide;
    }
}

void outcome_encode_err(struct buf *out, const struct err *e)
{
    char text[sizeof e->text];
    size_t len = strnlen(e->text, sizeof e->text);
    memcpy(text, e->text, len);
    if (!utf8_valid(slice_of(text, len)))
        make_utf8(text, len);
    mp_put_array(out, 3);
    mp_put_uint(out, OUTCOME_FAILED);
    mp_put_text(out, err_name(e->code));
    mp_put_map(out, 1);
    mp_put_text(out, "message");
    mp_put_str(out, text, len);
}

int outcome_decode(struct slice body, struct outcome *o)
{
    *o = (struct outcome){.value = {.type = VALUE_NONE}};
    if (body.len > LIMIT_CALL_ANSWER_BYTES || !mp_valid(body, LIMIT_MSGPACK_DEPTH))
        return -1;
    struct mp_reader r = mp_reader_of(body);
    mp_array_exact(&r, 3);
    o->state = (enum outcome_state)mp_uint(&r, OUTCOME_CANCELLED);
    o->code = mp_str(&r, LIMIT_ERROR_NAME_BYTES);
    o->value = value_read(&r);
    return mp_at_end(&r) && o->value.type != VALUE_NONE ? 0 : -1;
}
