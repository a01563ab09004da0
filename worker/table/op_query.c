/* op_query.c - query: a page of one partition, in either direction. */
#include "worker/table/page.h"

#define INVALID "One or more parameter values were invalid: "

struct query {
    struct key_conditions conditions;
    struct value partition[INDEX_PARTITIONS];
    const struct key_condition *sort[INDEX_SORTS]; /* all but the last one given are equalities */
    uint32_t sort_count;                           /* given */
};

/* -- What is asked of the keys -------------------------------------------------------------------------------- */
static int read_conditions(struct request *rq, struct query *q)
{
    if (arg_given(&rq->args, ARG_KEY_CONDITION))
        return key_conditions_of_expression(rq->key_condition, &q->conditions, &rq->err);
    return key_conditions_of_legacy(rq->key_condition, &q->conditions, &rq->err);
}

static int check_type(struct request *rq, const struct key_condition *condition, enum value_type type)
{
    for (int i = 0; i < 2; i++)
        if (condition->values[i].type != VALUE_NONE && condition->values[i].type != type)
            return err_set(&rq->err, ERR_VALIDATION, INVALID "Condition parameter type does not match schema type");
    return 0;
}

static int missed(struct request *rq, struct slice name)
{
    return err_set(&rq->err, ERR_VALIDATION, "Query condition missed key schema element: %.*s", (int)name.len,
                   (const char *)name.ptr);
}

static int not_supported(struct request *rq) { return err_set(&rq->err, ERR_VALIDATION, "Query key condition not supported"); }

static int match_partition(struct request *rq, struct query *q, const struct view *view)
{
    if (view->sort_count == 0 && q->conditions.count > view->partition_count)
        return not_supported(rq);
    for (uint32_t i = 0; i < view->partition_count; i++) {
        const struct key_condition *condition = key_condition_on(&q->conditions, view->partition[i].name);
        if (!condition)
            return missed(rq, view->partition[i].name);
        if (check_type(rq, condition, view->partition[i].type) < 0)
            return -1;
        if (condition->kind != NODE_EQ)
            return not_supported(rq);
        q->partition[i] = condition->values[0];
    }
    return 0;
}

/* The attributes of a sort key are given from the left; only the last one of them may be a range. */
static int match_sort(struct request *rq, struct query *q, const struct view *view)
{
    for (q->sort_count = 0; q->sort_count < view->sort_count; q->sort_count++) {
        const struct key_condition *condition = key_condition_on(&q->conditions, view->sort[q->sort_count].name);
        if (!condition)
            break;
        if (q->sort_count > 0 && q->sort[q->sort_count - 1]->kind != NODE_EQ)
            return not_supported(rq);
        if (check_type(rq, condition, view->sort[q->sort_count].type) < 0)
            return -1;
        q->sort[q->sort_count] = condition;
    }
    if (view->partition_count + q->sort_count == q->conditions.count)
        return 0;
    if (q->sort_count < view->sort_count)
        return missed(rq, view->sort[q->sort_count].name);
    return err_set(&rq->err, ERR_VALIDATION, "Conditions can be of length 1 or 2 only");
}

/* Finds the conditions on the view's key; there must be no others. */
static int match_conditions(struct request *rq, struct query *q, const struct view *view)
{
    if (match_partition(rq, q, view) < 0 || match_sort(rq, q, view) < 0)
        return -1;
    for (uint32_t i = 0; i < view->partition_count; i++)
        if (key_check_content(view->partition[i].name, &q->partition[i], true, &rq->err) < 0)
            return -1;
    for (uint32_t i = 0; i < q->sort_count; i++)
        if (key_check_content(view->sort[i].name, &q->sort[i]->values[0], false, &rq->err) < 0)
            return -1;
    return 0;
}

/* -- Where to go on ------------------------------------------------------------------------------------------- */
static int check_start(struct request *rq, const struct query *q, const struct view *view)
{
    const struct value *map = &rq->args.at[ARG_START_KEY];
    bool same = true;

    for (uint32_t i = 0; i < view->partition_count; i++) {
        struct value value = value_map_get(map, view->partition[i].name);
        same = same && slice_equal(value.bytes, q->partition[i].bytes);
    }
    if (q->sort_count == 0 && !same)
        return err_set(&rq->err, ERR_VALIDATION,
                       "The provided starting key is outside query boundaries based on provided conditions");
    for (uint32_t i = 0; i < q->sort_count; i++) {
        struct value value = value_map_get(map, view->sort[i].name);
        if (!key_condition_holds(q->sort[i], &value))
            return err_set(&rq->err, ERR_VALIDATION, "The provided starting key does not match the range key predicate");
    }
    if (!same)
        return err_set(&rq->err, ERR_VALIDATION, "The query can return at most one row and cannot be restarted");
    return 0;
}

static int resume(struct request *rq, const struct query *q, const struct page *page, struct key_range *range)
{
    struct buf *key = &rq->t->key;

    if (!arg_given(&rq->args, ARG_START_KEY))
        return 0;
    buf_reset(key);
    if (view_key_of_start(&page->view, &rq->args.at[ARG_START_KEY], key, NULL) < 0)
        return err_set(&rq->err, ERR_VALIDATION, "The provided starting key is invalid");
    if (buf_failed(key))
        return request_store_failed(rq, KV_NO_MEMORY);
    if (check_start(rq, q, &page->view) < 0)
        return -1;
    return range_resume(range, buf_slice(key), page->backward, &rq->t->arena);
}

/* -- Filters -------------------------------------------------------------------------------------------------- */
/* What a key decides cannot be filtered by: it belongs into the key condition. */
static int check_not_filtered(struct request *rq, struct slice name)
{
    if (!condition_names(rq->condition, name, false))
        return 0;
    return err_set(&rq->err, ERR_VALIDATION, "%s can only contain non-primary key attributes: Primary key attribute: %.*s",
                   arg_given(&rq->args, ARG_QUERY_FILTER) ? "QueryFilter" : "Filter Expression", (int)name.len,
                   (const char *)name.ptr);
}

static int check_filter(struct request *rq, const struct view *view)
{
    if (!rq->condition)
        return 0;
    for (uint32_t i = 0; i < view->partition_count; i++)
        if (check_not_filtered(rq, view->partition[i].name) < 0)
            return -1;
    for (uint32_t i = 0; i < view->sort_count; i++)
        if (check_not_filtered(rq, view->sort[i].name) < 0)
            return -1;
    return page_check_filter(rq, view);
}

int op_query(struct request *rq)
{
    struct query q;
    struct page page;
    struct view view;
    struct key_range range;

    if (request_arguments(rq) < 0 || page_arguments(rq, &page) < 0 || request_expressions(rq) < 0 ||
        read_conditions(rq, &q) < 0 || request_table(rq) < 0 || request_view(rq, &view) < 0 ||
        match_conditions(rq, &q, &view) < 0)
        return -1;
    page.backward = arg_given(&rq->args, ARG_FORWARD) && !rq->args.at[ARG_FORWARD].truth;
    if (page_init(rq, &page, &view) < 0 ||
        range_of_partition(&view, q.partition, q.sort, q.sort_count, &rq->t->arena, &range) < 0 ||
        resume(rq, &q, &page, &range) < 0 || check_filter(rq, &view) < 0)
        return -1;
    return page_answer(rq, &page, &range);
}
