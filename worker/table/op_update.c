/* op_update.c - update_item: plan from the old item, new item in one walk, answer in any of the five forms. */
#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/project.h"
#include "worker/table/update.h"

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

static int check_new_item(struct request *rq, const struct update_plan *plan, struct value *item)
{
    *item = value_of(buf_slice(&rq->t->fresh));
    if (buf_failed(&rq->t->fresh))
        return request_store_failed(rq, KV_NO_MEMORY);
    if (item->type != VALUE_M)
        return request_store_failed(rq, KV_FATAL);
    if (item_size(item) > LIMIT_ITEM_BYTES || item->encoded.len > LIMIT_ITEM_ENCODED_BYTES)
        return err_set(&rq->err, ERR_VALIDATION, "Item size to update has exceeded the maximum allowed size");
    if (plan->nests && value_check(item->encoded, &rq->err) < 0)
        return err_set(&rq->err, ERR_VALIDATION, "Nesting Levels have exceeded supported limits");
    return request_check_indexes(rq, item, true);
}

/* What the answer shows under Attributes; an empty slice for nothing. */
static struct slice attributes(struct request *rq, const struct update_plan *plan, const struct value *item)
{
    const struct args *args = &rq->args;
    struct buf *part = &rq->t->spare;
    bool old = arg_is(args, ARG_RETURN_VALUES, "ALL_OLD") || arg_is(args, ARG_RETURN_VALUES, "UPDATED_OLD");
    const struct value *image = old ? &rq->old : item;

    if (!arg_given(args, ARG_RETURN_VALUES) || arg_is(args, ARG_RETURN_VALUES, "NONE") || image->type == VALUE_NONE)
        return slice_of(NULL, 0);
    if (arg_is(args, ARG_RETURN_VALUES, "ALL_OLD") || arg_is(args, ARG_RETURN_VALUES, "ALL_NEW"))
        return image->encoded;
    if (project(plan->paths, image, part) == 0)
        return slice_of(NULL, 0);
    return buf_slice(part);
}

static int answer_update(struct request *rq, const struct update_plan *plan, const struct value *item)
{
    buf_reset(&rq->t->spare);
    struct slice shown = attributes(rq, plan, item);
    uint64_t capacity = 0;

    if (answer_wants_capacity(rq))
        capacity = capacity_of_write(rq->old.type != VALUE_NONE ? item_size(&rq->old) : 0,
                                     item->type != VALUE_NONE ? item_size(item) : 0);
    answer_one(rq, "Attributes", shown, capacity);
    return buf_failed(&rq->t->spare) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
}

/* The base of an update of a missing item is its key. */
static int apply(struct request *rq)
{
    bool exists = rq->old.type != VALUE_NONE;
    const struct value *base = exists ? &rq->old : &rq->args.at[ARG_KEY];
    struct value item = {.type = VALUE_NONE};
    struct update_plan plan;

    if (update_plan_init(&plan, &rq->update, base, &rq->t->arena, &rq->err) < 0)
        return -1;
    buf_reset(&rq->t->fresh);
    if (update_apply(&plan, base, &rq->t->fresh, &rq->err) < 0)
        return -1;
    if (!exists && !plan.creates)
        return answer_update(rq, &plan, &item);
    if (check_new_item(rq, &plan, &item) < 0)
        return -1;
    if (!(exists && slice_equal(item.encoded, rq->old.encoded)) && request_write(rq, item.encoded) < 0)
        return -1;
    return answer_update(rq, &plan, &item);
}

int op_update(struct request *rq)
{
    const struct value *key = &rq->args.at[ARG_KEY];

    if (request_arguments(rq) < 0 || request_expressions(rq) < 0 || request_table(rq) < 0 ||
        key_of_argument(&rq->table->schema, key, &rq->key, &rq->err) < 0 || check_key_untouched(rq) < 0)
        return -1;
    if (request_encode_key(rq) < 0 || request_read(rq, true) < 0 || request_condition(rq) < 0)
        return -1;
    return apply(rq);
}
