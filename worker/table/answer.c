/* answer.c - see answer.h. */
#include "worker/table/answer.h"

static void put_head(struct buf *out, enum outcome_state state, const char *code)
{
    mp_put_array(out, 3);
    mp_put_uint(out, state);
    mp_put_text(out, code);
}

void answer_begin(struct buf *out) { put_head(out, OUTCOME_SUCCEEDED, ""); }

void answer_begin_failed(struct buf *out, enum err_code code) { put_head(out, OUTCOME_FAILED, err_name(code)); }

void answer_failed_item(struct buf *out, const struct err *e, struct slice item)
{
    answer_begin_failed(out, e->code);
    mp_put_map(out, 2);
    mp_put_text(out, "message");
    mp_put_text(out, e->text);
    mp_put_text(out, "Item");
    mp_put_raw(out, item);
}

/* -- The tail ------------------------------------------------------------------------------------------------- */
bool answer_wants_capacity(const struct request *rq)
{
    return arg_given(&rq->args, ARG_RETURN_CAPACITY) && !arg_is(&rq->args, ARG_RETURN_CAPACITY, "NONE");
}

bool answer_wants_indexes(const struct request *rq) { return arg_is(&rq->args, ARG_RETURN_CAPACITY, "INDEXES"); }

uint32_t answer_tail_count(const struct request *rq, const struct capacity *capacity)
{
    return capacity && answer_wants_capacity(rq) ? 2 : 1;
}

void answer_put_tail(struct request *rq, const struct capacity *capacity)
{
    if (capacity && answer_wants_capacity(rq)) {
        mp_put_text(rq->out, "ConsumedCapacity");
        capacity_put(rq->out, capacity, CAPACITY_PLAIN, answer_wants_indexes(rq));
    }
    mp_put_text(rq->out, "ResponseMetadata");
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, "HTTPStatusCode");
    value_put_int(rq->out, 200);
}

void answer_one(struct request *rq, const char *name, struct slice encoded, const struct capacity *capacity)
{
    answer_begin(rq->out);
    mp_put_map(rq->out, answer_tail_count(rq, capacity) + (encoded.len ? 1 : 0));
    if (encoded.len) {
        mp_put_text(rq->out, name);
        mp_put_raw(rq->out, encoded);
    }
    answer_put_tail(rq, capacity);
}
