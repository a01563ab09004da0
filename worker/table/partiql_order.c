/* partiql_order.c - ORDER BY: only what the order of the keys gives (see partiql_plan.h).
 *
 * Items of one partition lie in the order of the sort key, so they are read in one direction or the other; partitions are read one after
 * the other, so those that the WHERE gives can be put in order. Ordered by the partition key alone, items of one partition come in
 * descending order: that is how DynamoDB does it. */
#include <stdlib.h>

#include "worker/table/partiql_plan.h"

static const struct pq_order *order_by(const struct pq_statement *s, struct slice name)
{
    for (uint32_t i = 0; i < s->order_count; i++)
        if (slice_equal(s->order[i].name, name))
            return &s->order[i];
    return NULL;
}

static int check_names(const struct pq_plan *plan, const struct pq_statement *s, struct err *e)
{
    for (uint32_t i = 0; i < s->order_count; i++)
        if (!view_has_key(&plan->view, s->order[i].name))
            return err_set(e, ERR_VALIDATION, "Attribute %.*s in ORDER BY clause must be part of the primary key",
                           (int)(s->order[i].name.len < 200 ? s->order[i].name.len : 200), (const char *)s->order[i].name.ptr);
    return 0;
}

static int compare_partitions(const struct view *view, const struct pq_read *a, const struct pq_read *b)
{
    int order = 0;

    for (uint32_t i = 0; i < view->partition_count && order == 0; i++)
        order = value_compare(&a->partition[i], &b->partition[i]);
    return order;
}

static bool many_partitions(const struct pq_plan *plan)
{
    for (uint32_t i = 1; i < plan->count; i++)
        if (compare_partitions(&plan->view, &plan->reads[0], &plan->reads[i]) != 0)
            return true;
    return false;
}

/* Does a come before b? partition, sort: what to order by; NULL: not asked for. */
static bool before(const struct pq_plan *plan, const struct pq_order *partition, const struct pq_read *a,
                   const struct pq_read *b)
{
    int order = compare_partitions(&plan->view, a, b);

    if (order != 0)
        return partition && (partition->descending ? order > 0 : order < 0);
    order = slice_compare(a->range.begin, b->range.begin);
    return plan->backward ? order > 0 : order < 0;
}

int partiql_order(struct pq_plan *plan, const struct pq_statement *s, struct err *e)
{
    const struct pq_order *partition = order_by(s, plan->view.partition[0].name), *sort = NULL;

    if (s->order_count == 0)
        return 0;
    if (!s->where)
        return err_set(e, ERR_VALIDATION, "Must have WHERE clause in the statement when using ORDER BY clause.");
    if (check_names(plan, s, e) < 0)
        return -1;
    if (!plan->keyed)
        return err_set(e, ERR_VALIDATION,
                       "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.");
    if (many_partitions(plan) && partition != &s->order[0])
        return err_set(e, ERR_VALIDATION,
                       "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE "
                       "clause.");
    for (uint32_t i = 0; i < plan->view.sort_count && !sort; i++)
        sort = order_by(s, plan->view.sort[i].name);
    plan->backward = sort ? sort->descending : true;
    for (uint32_t i = 1; i < plan->count; i++) { /* few, and stable */
        struct pq_read read = plan->reads[i];
        uint32_t at = i;
        for (; at > 0 && before(plan, partition, &read, &plan->reads[at - 1]); at--)
            plan->reads[at] = plan->reads[at - 1];
        plan->reads[at] = read;
    }
    return 0;
}
