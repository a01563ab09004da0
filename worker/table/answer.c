/* answer.c - see answer.h. */
#include "worker/table/answer.h"

#include <stdio.h>

#define READ_UNIT_BYTES 4096u
#define WRITE_UNIT_BYTES 1024u

static void put_head(struct buf *out, enum outcome_state state, const char *code)
{
    mp_put_array(out, 3);
    mp_put_uint(out, state);
    mp_put_text(out, code);
}

void answer_begin(struct buf *out) { put_head(out, OUTCOME_SUCCEEDED, ""); }

void answer_failed_item(struct buf *out, const struct err *e, struct slice item)
{
    put_head(out, OUTCOME_FAILED, err_name(e->code));
    mp_put_map(out, 2);
    mp_put_text(out, "message");
    mp_put_text(out, e->text);
    mp_put_text(out, "Item");
    mp_put_raw(out, item);
}

/* -- Capacity ------------------------------------------------------------------------------------------------- */
static uint64_t units(size_t bytes, size_t unit) { return bytes ? (bytes + unit - 1) / unit : 1; }

uint64_t capacity_of_write(size_t old_bytes, size_t new_bytes)
{
    return 2 * units(old_bytes > new_bytes ? old_bytes : new_bytes, WRITE_UNIT_BYTES);
}

uint64_t capacity_of_read(size_t bytes, bool consistent) { return units(bytes, READ_UNIT_BYTES) * (consistent ? 2 : 1); }

bool answer_wants_capacity(const struct request *rq)
{
    return arg_given(&rq->args, ARG_RETURN_CAPACITY) && !arg_is(&rq->args, ARG_RETURN_CAPACITY, "NONE");
}

static void put_units(struct buf *out, uint64_t half_units)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%llu%s", (unsigned long long)(half_units / 2), half_units % 2 ? ".5" : "");

    mp_put_text(out, "CapacityUnits");
    value_put_number_text(out, text, (size_t)len, NULL);
}

static void put_capacity(struct request *rq, uint64_t half_units)
{
    bool indexes = arg_is(&rq->args, ARG_RETURN_CAPACITY, "INDEXES");

    mp_put_text(rq->out, "ConsumedCapacity");
    mp_put_map(rq->out, indexes ? 3 : 2);
    mp_put_text(rq->out, "TableName");
    mp_put_str(rq->out, (const char *)rq->table->name.ptr, rq->table->name.len);
    put_units(rq->out, half_units);
    if (!indexes)
        return;
    mp_put_text(rq->out, "Table");
    mp_put_map(rq->out, 1);
    put_units(rq->out, half_units);
}

/* -- The tail ------------------------------------------------------------------------------------------------- */
uint32_t answer_tail_count(const struct request *rq) { return answer_wants_capacity(rq) ? 2 : 1; }

void answer_put_tail(struct request *rq, uint64_t half_units)
{
    if (answer_wants_capacity(rq))
        put_capacity(rq, half_units);
    mp_put_text(rq->out, "ResponseMetadata");
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, "HTTPStatusCode");
    value_put_int(rq->out, 200);
}

void answer_one(struct request *rq, const char *name, struct slice encoded, uint64_t half_units)
{
    answer_begin(rq->out);
    mp_put_map(rq->out, answer_tail_count(rq) + (encoded.len ? 1 : 0));
    if (encoded.len) {
        mp_put_text(rq->out, name);
        mp_put_raw(rq->out, encoded);
    }
    answer_put_tail(rq, half_units);
}
