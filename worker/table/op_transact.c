/* op_transact.c - transact_write_items and transact_get_items. */
#include <string.h>

#include "common/limits.h"
#include "worker/table/read.h"
#include "worker/table/transact.h"

/* -- Arguments ------------------------------------------------------------------------------------------------ */
static const struct {
    const char *name;
    unsigned form;
} actions[] = {{"Put", ARGS_ACTION_PUT},
               {"Update", ARGS_ACTION_UPDATE},
               {"Delete", ARGS_ACTION_DELETE},
               {"ConditionCheck", ARGS_ACTION_CHECK},
               {"Get", ARGS_ACTION_GET}};

/* One {"Put": {...}} and the like. */
static int read_action(struct request *rq, struct transaction *tx, uint32_t at, const struct value *element, unsigned allowed)
{
    struct request *part = &tx->parts[at];
    struct value_walk walk = value_walk_of(element);
    struct slice name = {NULL, 0};
    struct value map = {.type = VALUE_NONE};
    unsigned form = 0;

    if (element->type == VALUE_M && element->count == 1)
        value_walk_next(&walk, &name, &map);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (slice_equal(name, slice_text(actions[i].name)))
            form = actions[i].form & allowed;
    if (!form || map.type != VALUE_M)
        return err_set(&rq->err, ERR_VALIDATION, "TransactItems can only contain one of %s",
                       allowed == ARGS_ACTION_GET ? "Get" : "Check, Put, Update or Delete");
    if (request_init_part(part, rq, form, &map) < 0 || request_expressions(part) < 0)
        return many_failed(rq, part);
    tx->writes[at] = (struct write){.rq = part, .kind = write_kind_of(form)};
    return 0;
}

static int read_actions(struct request *rq, struct transaction *tx, unsigned allowed)
{
    const struct value *list = &rq->args.at[ARG_TRANSACT_ITEMS];
    struct value_walk walk = value_walk_of(list);
    struct value element;

    if (many_check_length(rq, "transactItems", list, LIMIT_TRANSACTION_ACTIONS) < 0 ||
        transaction_init(rq, tx, list->count) < 0)
        return -1;
    for (uint32_t i = 0; value_walk_next(&walk, NULL, &element); i++)
        if (read_action(rq, tx, i, &element, allowed) < 0)
            return -1;
    return 0;
}

/* -- Writing -------------------------------------------------------------------------------------------------- */
static void answer_done(struct request *rq, const struct transaction *tx)
{
    bool capacity = answer_wants_capacity(rq);

    answer_begin(rq->out);
    mp_put_map(rq->out, capacity ? 1 : 0);
    if (capacity)
        transact_put_capacity(rq, tx, tx->again ? CAPACITY_READ : CAPACITY_WRITE);
}

int op_transact_write(struct request *rq)
{
    struct transaction tx;

    if (request_arguments(rq) < 0 || read_actions(rq, &tx, ARGS_ACTION_WRITE) < 0 || transact_take_token(rq, &tx) < 0)
        return -1;
    tx.asked = &rq->args.at[ARG_TRANSACT_ITEMS];
    if (transact_write(rq, &tx) < 0)
        return -1;
    if (tx.canceled)
        return transact_answer_canceled(rq, &tx);
    answer_done(rq, &tx);
    return 0;
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
int op_transact_read(struct request *rq)
{
    struct transaction tx;

    if (request_arguments(rq) < 0 || read_actions(rq, &tx, ARGS_ACTION_GET) < 0)
        return -1;
    return transact_read(rq, &tx);
}
