/* op_item.c - put_item, update_item, delete_item and get_item: one item, answered in any of the forms that ReturnValues names. */
#include "worker/table/project.h"
#include "worker/table/read.h"
#include "worker/table/write.h"

/* -- Writing -------------------------------------------------------------------------------------------------- */
static int check_return_values(struct request *rq)
{
    if (!arg_given(&rq->args, ARG_RETURN_VALUES) || arg_is(&rq->args, ARG_RETURN_VALUES, "NONE") ||
        arg_is(&rq->args, ARG_RETURN_VALUES, "ALL_OLD"))
        return 0;
    return err_set(&rq->err, ERR_VALIDATION, "ReturnValues can only be ALL_OLD or NONE");
}

/* What the answer shows under Attributes; an empty slice for nothing. */
static struct slice attributes(const struct write *w)
{
    const struct args *args = &w->rq->args;
    struct buf *part = &w->rq->t->spare;
    bool whole = arg_is(args, ARG_RETURN_VALUES, "ALL_OLD") || arg_is(args, ARG_RETURN_VALUES, "ALL_NEW");
    bool old = arg_is(args, ARG_RETURN_VALUES, "ALL_OLD") || arg_is(args, ARG_RETURN_VALUES, "UPDATED_OLD");
    const struct value *image = old ? &w->rq->old : &w->item;

    if (!arg_given(args, ARG_RETURN_VALUES) || arg_is(args, ARG_RETURN_VALUES, "NONE") || image->type == VALUE_NONE)
        return slice_of(NULL, 0);
    if (whole)
        return image->encoded;
    return project(w->plan.paths, image, part) ? buf_slice(part) : slice_of(NULL, 0);
}

static int answer_write(struct write *w)
{
    struct request *rq = w->rq;
    struct capacity capacity;

    buf_reset(&rq->t->spare);
    struct slice shown = attributes(w);
    if (buf_failed(&rq->t->spare))
        return request_store_failed(rq, KV_NO_MEMORY);
    if (answer_wants_capacity(rq))
        write_capacity(w, &capacity);
    answer_one(rq, "Attributes", shown, answer_wants_capacity(rq) ? &capacity : NULL);
    return 0;
}

static int run_write(struct request *rq)
{
    struct write w = {.rq = rq, .kind = write_kind_of(rq->form)};
    return write_run(&w) < 0 ? -1 : answer_write(&w);
}

int op_put(struct request *rq)
{
    if (request_arguments(rq) < 0 || check_return_values(rq) < 0 || request_expressions(rq) < 0)
        return -1;
    return run_write(rq);
}

int op_delete(struct request *rq) { return op_put(rq); }

int op_update(struct request *rq)
{
    if (request_arguments(rq) < 0 || request_expressions(rq) < 0)
        return -1;
    return run_write(rq);
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
int op_get(struct request *rq)
{
    struct capacity capacity;
    struct slice item;

    if (request_arguments(rq) < 0 || request_expressions(rq) < 0 || request_table(rq) < 0 || read_key(rq) < 0 ||
        read_item(rq, &item) < 0)
        return -1;
    capacity_init(&capacity, rq->table->name);
    if (answer_wants_capacity(rq))
        capacity.table =
            capacity_of_read(rq->old.type != VALUE_NONE ? item_size(&rq->old) : 0, arg_true(&rq->args, ARG_CONSISTENT_READ));
    answer_one(rq, "Item", item, &capacity);
    return 0;
}
