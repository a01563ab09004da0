/* write.c - see write.h. */
#include "worker/table/write.h"

#include <assert.h>

#include "common/limits.h"
#include "worker/table/track.h"

enum write_kind write_kind_of(unsigned form)
{
    if (form & ARGS_WITH_ITEM)
        return WRITE_PUT;
    if (form & (ARGS_UPDATE | ARGS_ACTION_UPDATE))
        return WRITE_UPDATE;
    return form & ARGS_ACTION_CHECK ? WRITE_CHECK : WRITE_DELETE;
}

/* -- Before the item is looked at ----------------------------------------------------------------------------- */
int write_table(struct write *w) { return request_table(w->rq); }

static int check_key_untouched(struct request *rq)
{
    const struct key_schema *schema = &rq->table->schema;

    for (const struct action *action = rq->update.actions; action; action = action->next) {
        struct slice name = action->path.steps[0].name;
        if (slice_equal(name, schema->partition_name) || (schema->sort_name.len && slice_equal(name, schema->sort_name)))
            return err_set(
                &rq->err, ERR_VALIDATION,
                "One or more parameter values were invalid: Cannot update attribute %.*s. This attribute is part of the key",
                (int)name.len, (const char *)name.ptr);
    }
    return 0;
}

int write_key(struct write *w)
{
    struct request *rq = w->rq;
    const struct key_schema *schema = &rq->table->schema;

    if (w->kind == WRITE_PUT)
        return key_of_item(schema, &rq->args.at[ARG_ITEM], &rq->key, &rq->err) < 0
                   ? -1
                   : request_check_indexes(rq, &rq->args.at[ARG_ITEM], false);
    if (key_of_argument(schema, &rq->args.at[ARG_KEY], &rq->key, &rq->err) < 0)
        return -1;
    return w->kind == WRITE_UPDATE ? check_key_untouched(rq) : 0;
}

int write_size(struct write *w)
{
    const struct value *item = &w->rq->args.at[ARG_ITEM];

    if (w->kind != WRITE_PUT || (item_size(item) <= LIMIT_ITEM_BYTES && item->encoded.len <= LIMIT_ITEM_ENCODED_BYTES))
        return 0;
    return err_set(&w->rq->err, ERR_VALIDATION, "Item size has exceeded the maximum allowed size");
}

/* -- What becomes of it --------------------------------------------------------------------------------------- */
/* A plain put or delete is one write: the old item is read only if something depends on it. */
static bool needs_old(const struct write *w)
{
    const struct request *rq = w->rq;

    return w->kind == WRITE_UPDATE || w->presence != PRESENCE_ANY || rq->condition || rq->table->tracked ||
           arg_is(&rq->args, ARG_RETURN_VALUES, "ALL_OLD") || answer_wants_capacity(rq);
}

static int check_presence(struct write *w)
{
    struct request *rq = w->rq;
    bool exists = rq->old.type != VALUE_NONE;

    if (w->presence == PRESENCE_REFUSED && exists)
        return err_set(&rq->err, ERR_DUPLICATE_ITEM, "Duplicate primary key exists in table");
    if (w->presence == PRESENCE_NEEDED && !exists)
        return err_set(&rq->err, ERR_CONDITION_FAILED, "The conditional request failed");
    if (w->presence == PRESENCE_FORGIVEN && !exists)
        return 0;
    return request_condition(rq);
}

static int check_new_item(struct write *w)
{
    struct request *rq = w->rq;

    w->item = value_of(buf_slice(&rq->t->fresh));
    if (buf_failed(&rq->t->fresh))
        return request_store_failed(rq, KV_NO_MEMORY);
    if (w->item.type != VALUE_M)
        return request_store_failed(rq, KV_FATAL);
    if (item_size(&w->item) > LIMIT_ITEM_BYTES || w->item.encoded.len > LIMIT_ITEM_ENCODED_BYTES)
        return err_set(&rq->err, ERR_VALIDATION, "Item size to update has exceeded the maximum allowed size");
    if (w->plan.nests && value_check(w->item.encoded, &rq->err) < 0)
        return err_set(&rq->err, ERR_VALIDATION, "Nesting Levels have exceeded supported limits");
    return request_check_indexes(rq, &w->item, true);
}

/* The base of an update of a missing item is its key. */
static int decide_update(struct write *w)
{
    struct request *rq = w->rq;
    bool exists = rq->old.type != VALUE_NONE;
    const struct value *base = exists ? &rq->old : &rq->args.at[ARG_KEY];

    if (update_plan_init(&w->plan, &rq->update, base, &rq->t->arena, &rq->err) < 0)
        return -1;
    buf_reset(&rq->t->fresh);
    if (update_apply(&w->plan, base, &rq->t->fresh, &rq->err) < 0)
        return -1;
    if (!exists && !w->plan.creates)
        return 0;
    if (check_new_item(w) < 0)
        return -1;
    w->stores = !exists || !slice_equal(w->item.encoded, rq->old.encoded);
    return 0;
}

int write_decide(struct write *w)
{
    struct request *rq = w->rq;

    rq->old.type = w->item.type = VALUE_NONE;
    rq->old_read = false;
    w->stores = false;
    if (request_encode_key(rq) < 0)
        return -1;
    if (needs_old(w) && (request_read(rq, true) < 0 || check_presence(w) < 0))
        return -1;
    switch (w->kind) {
    case WRITE_PUT:
        w->item = rq->args.at[ARG_ITEM];
        w->stores = true;
        return 0;
    case WRITE_UPDATE:
        return decide_update(w);
    case WRITE_DELETE:
        w->stores = true;
        return 0;
    default:
        assert(w->kind == WRITE_CHECK);
        w->item = rq->old;
        return 0;
    }
}

int write_store(struct write *w)
{
    if (!w->stores)
        return 0;
    return w->item.type == VALUE_NONE ? request_remove(w->rq) : request_write(w->rq, w->item.encoded);
}

int write_run(struct write *w)
{
    if (write_table(w) < 0 || write_key(w) < 0 || write_size(w) < 0 || write_decide(w) < 0)
        return -1;
    return write_store(w);
}

void write_capacity(const struct write *w, struct capacity *capacity)
{
    const struct value *old = &w->rq->old;

    capacity_init(capacity, w->rq->table->name);
    capacity->table =
        capacity_of_write(old->type != VALUE_NONE ? item_size(old) : 0, w->item.type != VALUE_NONE ? item_size(&w->item) : 0);
    if (w->stores && w->rq->table->index_count > 0)
        track_capacity(w->rq, &w->item, capacity);
}
