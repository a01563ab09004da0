/* op_query.c - query: a page of one partition, in either direction. */
#include "worker/table/page.h"

#define INVALID "One or more parameter values were invalid: "

struct query {
    struct key_conditions conditions;
    const struct key_condition *partition, *sort; /* sort: NULL if none */
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

static int match_partition(struct request *rq, struct query *q, const struct key_schema *schema)
{
    q->partition = key_condition_on(&q->conditions, schema->partition_name);
    if (schema->sort_name.len == 0 && q->conditions.count > 1)
        return not_supported(rq);
    if (!q->partition)
        return missed(rq, schema->partition_name);
    if (check_type(rq, q->partition, schema->partition_type) < 0)
        return -1;
    return q->partition->kind == NODE_EQ ? 0 : not_supported(rq);
}

static int match_sort(struct request *rq, struct query *q, const struct key_schema *schema)
{
    if (schema->sort_name.len)
        q->sort = key_condition_on(&q->conditions, schema->sort_name);
    if (!q->sort)
        return q->conditions.count > 1 ? missed(rq, schema->sort_name) : 0;
    return check_type(rq, q->sort, schema->sort_type);
}

/* Finds the conditions on the schema's attributes; there must be no others. Sets rq->key to the partition. */
static int match_conditions(struct request *rq, struct query *q, const struct view *view)
{
    const struct key_schema *schema = view->schema;

    q->sort = NULL;
    if (match_partition(rq, q, schema) < 0 || match_sort(rq, q, schema) < 0)
        return -1;
    if (q->conditions.count > 2)
        return err_set(&rq->err, ERR_VALIDATION, "Conditions can be of length 1 or 2 only");
    rq->key.partition = q->partition->values[0];
    rq->key.sort = q->sort ? q->sort->values[0] : (struct value){.type = VALUE_NONE};
    if (key_check(schema, &rq->key, &rq->err) < 0)
        return -1;
    rq->key.hash = key_hash_partition(&rq->key.partition);
    return 0;
}

/* -- Where to go on ------------------------------------------------------------------------------------------- */
static int check_start(struct request *rq, const struct query *q, const struct item_key *start)
{
    bool same = slice_equal(start->partition.bytes, rq->key.partition.bytes);

    if (!q->sort && !same)
        return err_set(&rq->err, ERR_VALIDATION,
                       "The provided starting key is outside query boundaries based on provided conditions");
    if (q->sort && !key_condition_holds(q->sort, &start->sort))
        return err_set(&rq->err, ERR_VALIDATION, "The provided starting key does not match the range key predicate");
    if (!same)
        return err_set(&rq->err, ERR_VALIDATION, "The query can return at most one row and cannot be restarted");
    return 0;
}

static int resume(struct request *rq, const struct query *q, const struct page *page, struct key_range *range)
{
    struct item_key start;
    struct buf *key = &rq->t->key;

    if (!arg_given(&rq->args, ARG_START_KEY))
        return 0;
    buf_reset(key);
    if (view_key_of_start(&page->view, &rq->args.at[ARG_START_KEY], &start, key, NULL) < 0)
        return err_set(&rq->err, ERR_VALIDATION, "The provided starting key is invalid");
    if (buf_failed(key))
        return request_store_failed(rq, KV_NO_MEMORY);
    if (check_start(rq, q, &start) < 0)
        return -1;
    return range_resume(range, buf_slice(key), page->backward, &rq->t->arena);
}

/* What a key decides cannot be filtered by: it belongs into the key condition. */
static int check_filter(struct request *rq, const struct key_schema *schema)
{
    const struct slice names[] = {schema->partition_name, schema->sort_name};

    for (int i = 0; i < 2 && rq->condition; i++)
        if (names[i].len && condition_names(rq->condition, names[i], false))
            return err_set(&rq->err, ERR_VALIDATION,
                           "%s can only contain non-primary key attributes: Primary key attribute: %.*s",
                           arg_given(&rq->args, ARG_QUERY_FILTER) ? "QueryFilter" : "Filter Expression", (int)names[i].len,
                           (const char *)names[i].ptr);
    return 0;
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
    if (range_of_partition(&view, &rq->key, q.sort, &rq->t->arena, &range) < 0 || page_init(rq, &page, &view) < 0 ||
        resume(rq, &q, &page, &range) < 0 || check_filter(rq, view.schema) < 0)
        return -1;
    return page_answer(rq, &page, &range);
}
