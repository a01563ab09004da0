/* transact_read.c - several reads of one request at one moment: the transaction of the store that they run in is the moment. */
#include "common/limits.h"
#include "worker/table/read.h"
#include "worker/table/transact.h"

static int check_read_key(struct transaction *tx, uint32_t at) { return read_key(&tx->parts[at]); }

static int read_one(struct request *rq, struct transaction *tx, uint32_t at, size_t *bytes)
{
    struct request *part = &tx->parts[at];
    struct arena_mark mark = arena_mark(&rq->t->arena);
    struct slice shown;

    if (read_item(part, &shown) < 0)
        return many_failed(rq, part);
    arena_rewind(&rq->t->arena, mark);
    size_t size = part->old.type != VALUE_NONE ? item_size(&part->old) : 0;
    *bytes += size;
    mp_put_map(rq->out, shown.len ? 1 : 0);
    if (shown.len) {
        mp_put_text(rq->out, "Item");
        mp_put_raw(rq->out, shown);
    }
    if (answer_wants_capacity(rq))
        capacity_of_table(&tx->capacity, part->table->name)->table += 2 * capacity_of_read(size, true);
    if (*bytes > LIMIT_TRANSACTION_BYTES) {
        err_set(&part->err, ERR_VALIDATION, "The aggregate size of the items in the transaction cannot exceed 4 MB");
        return transact_reason(rq, tx, at);
    }
    return 0;
}

static int read_all(struct request *rq, struct transaction *tx)
{
    size_t bytes = 0;

    mp_put_text(rq->out, "Responses");
    mp_put_array(rq->out, tx->count);
    for (uint32_t i = 0; i < tx->count && !tx->canceled; i++)
        if (read_one(rq, tx, i, &bytes) < 0)
            return -1;
    return 0;
}

int transact_read(struct request *rq, struct transaction *tx)
{
    size_t begin = rq->out->len;
    bool capacity = answer_wants_capacity(rq);

    if (transact_check_keys(rq, tx, check_read_key) < 0)
        return -1;
    if (!tx->canceled) {
        answer_begin(rq->out);
        mp_put_map(rq->out, capacity ? 2 : 1);
        if (read_all(rq, tx) < 0)
            return -1;
    }
    if (tx->canceled) {
        rq->out->len = begin;
        return transact_answer_canceled(rq, tx);
    }
    if (capacity)
        transact_put_capacity(rq, tx, CAPACITY_READ);
    return 0;
}
