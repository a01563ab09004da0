/* op_table.c - drop, describe and list tables; and the two operations that touch none: echo and ping. */
#include "worker/table/answer.h"
#include "worker/table/census.h"
#include "worker/table/control.h"
#include "worker/table/describe.h"
#include "worker/table/discard.h"
#include "worker/table/stream_list.h"
#include "worker/table/tags.h"

#define LIST_MAX 100

int op_echo(struct request *rq)
{
    answer_begin(rq->out);
    if (rq->op->payload.type == VALUE_NONE)
        mp_put_nil(rq->out);
    else
        mp_put_raw(rq->out, rq->op->payload.encoded);
    return 0;
}

int op_ping(struct request *rq)
{
    answer_begin(rq->out);
    mp_put_text(rq->out, "pong");
    return 0;
}

/* -- Drop ----------------------------------------------------------------------------------------------------- */
static int check_droppable(struct request *rq, const struct table *table)
{
    if (member_true(&table->described, "Protected"))
        return err_set(&rq->err, ERR_VALIDATION,
                       "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection "
                       "first.");
    if (table->backup_id == 0)
        return 0;
    return err_set(&rq->err, ERR_RESOURCE_IN_USE,
                   "Attempt to change a resource which is still in use: A backup of the table is being made: %.*s",
                   (int)table->name.len, (const char *)table->name.ptr);
}

/* All that belongs to the table goes now or, where it may be much, is marked to go. */
static enum kv_result drop(struct request *rq, const struct table *table)
{
    enum kv_result result = discard_later(rq->txn, table->id);

    if (result == KV_OK)
        result = census_forget(rq->txn, table->id);
    for (uint32_t i = 0; i < table->index_count && result == KV_OK; i++) {
        result = discard_later(rq->txn, table->indexes[i].id);
        if (result == KV_OK)
            result = census_forget(rq->txn, table->indexes[i].id);
    }
    if (result == KV_OK && table->expiry_id > 0)
        result = discard_later(rq->txn, table->expiry_id);
    if (result == KV_OK)
        result = tags_drop(rq->txn, table->id);
    if (result == KV_OK)
        result = streams_drop(rq->txn, table->name);
    return result == KV_OK ? catalog_remove(&rq->t->catalog, rq->txn, table->name) : result;
}

int op_table_drop(struct request *rq)
{
    const struct table *table;

    /* described first: dropping it invalidates the description */
    if (control_active_table(rq, &table) < 0 || check_droppable(rq, table) < 0 ||
        describe_answer(rq, "TableDescription", table, "DELETING") < 0)
        return -1;
    enum kv_result result = drop(rq, table);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}

/* -- Describe and list ---------------------------------------------------------------------------------------- */
int op_table_describe(struct request *rq)
{
    const struct table *table;
    return control_table(rq, &table) < 0 ? -1 : describe_answer(rq, "Table", table, NULL);
}

int op_table_list(struct request *rq)
{
    const struct catalog *c = &rq->t->catalog;
    struct slice after = member_text(&rq->op->payload, "ExclusiveStartTableName"), last = {NULL, 0};
    int64_t limit, count = 0;
    uint32_t i = 0;

    if (control_count(rq, "Limit", LIST_MAX, LIST_MAX, &limit) < 0)
        return -1;
    while (i < c->count && after.len > 0 && slice_compare(c->tables[i].name, after) <= 0)
        i++;
    answer_begin(rq->out);
    size_t whole = mp_open(rq->out);
    mp_put_text(rq->out, "TableNames");
    size_t names = mp_open(rq->out);
    for (; i < c->count && count < limit; i++, count++) {
        last = c->tables[i].name;
        mp_put_slice(rq->out, last);
    }
    mp_close_array(rq->out, names, (uint32_t)count);
    bool more = i < c->count;
    if (more) {
        mp_put_text(rq->out, "LastEvaluatedTableName");
        mp_put_slice(rq->out, last);
    }
    mp_close_map(rq->out, whole, more ? 2 : 1);
    return 0;
}
