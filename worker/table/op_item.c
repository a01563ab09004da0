/* op_item.c - put_item, get_item and delete_item. */
#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/project.h"

static int check_return_values(struct request *rq)
{
    if (!arg_given(&rq->args, ARG_RETURN_VALUES) || arg_is(&rq->args, ARG_RETURN_VALUES, "NONE") ||
        arg_is(&rq->args, ARG_RETURN_VALUES, "ALL_OLD"))
        return 0;
    return err_set(&rq->err, ERR_VALIDATION, "ReturnValues can only be ALL_OLD or NONE");
}

/* The old item is read only if something depends on it: a plain put or delete is one write. */
static int read_if_needed(struct request *rq)
{
    if (!rq->condition && !arg_is(&rq->args, ARG_RETURN_VALUES, "ALL_OLD") && !answer_wants_capacity(rq))
        return 0;
    return request_read(rq, true) < 0 || request_condition(rq) < 0 ? -1 : 0;
}

static void answer_old(struct request *rq, size_t new_bytes)
{
    bool wanted = arg_is(&rq->args, ARG_RETURN_VALUES, "ALL_OLD") && rq->old.type != VALUE_NONE;
    uint64_t capacity = 0;

    if (answer_wants_capacity(rq))
        capacity = capacity_of_write(rq->old.type != VALUE_NONE ? item_size(&rq->old) : 0, new_bytes);
    answer_one(rq, "Attributes", wanted ? rq->old.encoded : slice_of(NULL, 0), capacity);
}

int op_put(struct request *rq)
{
    const struct value *item = &rq->args.at[ARG_ITEM];

    if (request_arguments(rq) < 0 || check_return_values(rq) < 0 || request_expressions(rq) < 0 || request_table(rq) < 0)
        return -1;
    if (key_of_item(&rq->table->schema, item, &rq->key, &rq->err) < 0 || request_check_indexes(rq, item, false) < 0)
        return -1;
    size_t size = item_size(item);
    if (size > LIMIT_ITEM_BYTES || item->encoded.len > LIMIT_ITEM_ENCODED_BYTES)
        return err_set(&rq->err, ERR_VALIDATION, "Item size has exceeded the maximum allowed size");
    if (request_encode_key(rq) < 0 || read_if_needed(rq) < 0 || request_write(rq, item->encoded) < 0)
        return -1;
    answer_old(rq, size);
    return 0;
}

static int find_item(struct request *rq)
{
    if (request_table(rq) < 0 || key_of_argument(&rq->table->schema, &rq->args.at[ARG_KEY], &rq->key, &rq->err) < 0)
        return -1;
    return request_encode_key(rq);
}

int op_delete(struct request *rq)
{
    if (request_arguments(rq) < 0 || check_return_values(rq) < 0 || request_expressions(rq) < 0 || find_item(rq) < 0)
        return -1;
    if (read_if_needed(rq) < 0 || request_remove(rq) < 0)
        return -1;
    answer_old(rq, 0);
    return 0;
}

/* The part of rq->old that the request asks for, in t->fresh or in place. */
static int select_part(struct request *rq, struct slice *item)
{
    struct buf *part = &rq->t->fresh;

    *item = rq->old.type != VALUE_NONE ? rq->old.encoded : slice_of(NULL, 0);
    if (rq->old.type == VALUE_NONE || rq->projection.count == 0)
        return 0;
    struct path_range paths = project_prepare(&rq->projection, &rq->t->arena);
    if (path_range_empty(paths))
        return -1;
    buf_reset(part);
    project(paths, &rq->old, part);
    *item = buf_slice(part);
    return buf_failed(part) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
}

int op_get(struct request *rq)
{
    const struct value *consistent = &rq->args.at[ARG_CONSISTENT_READ];
    uint64_t capacity = 0;
    struct slice item;

    if (request_arguments(rq) < 0 || request_expressions(rq) < 0 || find_item(rq) < 0 || request_read(rq, false) < 0 ||
        select_part(rq, &item) < 0)
        return -1;
    if (answer_wants_capacity(rq))
        capacity = capacity_of_read(rq->old.type != VALUE_NONE ? item_size(&rq->old) : 0,
                                    consistent->type == VALUE_BOOL && consistent->truth);
    answer_one(rq, "Item", item, capacity);
    return 0;
}
