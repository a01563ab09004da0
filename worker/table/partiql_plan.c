/* partiql_plan.c - see partiql_plan.h. */
#include "worker/table/partiql_plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

/* Reads of all branches, and the one that is being made. */
struct planner {
    struct request *rq;
    struct pq_plan *plan;
    struct pq_bounds bounds; /* of the branch */
    uint32_t sort_given;     /* leading attributes of the sort key that have values */
    bool everything;         /* a branch does not give the partition key */
    uint32_t branches;
    const struct value *partition[INDEX_PARTITIONS], *sort[INDEX_SORTS];
};

/* -- Reads of one branch --------------------------------------------------------------------------------------- */
static void intersect(struct key_range *range, const struct key_range *with)
{
    if (slice_compare(with->begin, range->begin) > 0)
        range->begin = with->begin;
    if (slice_compare(with->end, range->end) < 0)
        range->end = with->end;
}

/* The range of the values that the planner stands at, and of the conditions on the attribute behind them. */
static int range_of_values(struct planner *p, const struct pq_read *read, struct key_range *range)
{
    const struct view *view = &p->plan->view;
    struct key_condition equal[INDEX_SORTS];
    const struct key_condition *conditions[INDEX_SORTS + 1];
    uint32_t n = p->sort_given;

    for (uint32_t i = 0; i < n; i++) {
        equal[i] = (struct key_condition){.kind = NODE_EQ, .values = {*p->sort[i], {.type = VALUE_NONE}}};
        conditions[i] = &equal[i];
    }
    if (range_of_partition(view, read->partition, conditions, n, &p->rq->t->arena, range) < 0)
        return -1;
    if (n == view->sort_count)
        return 0;
    const struct pq_bound *behind = &p->bounds.sort[n];
    for (uint32_t i = 0; i < behind->range_count; i++) {
        struct key_range cut;
        conditions[n] = &behind->ranges[i];
        if (range_of_partition(view, read->partition, conditions, n + 1, &p->rq->t->arena, &cut) < 0)
            return -1;
        intersect(range, &cut);
    }
    return 0;
}

static int check_contents(struct planner *p)
{
    const struct view *view = &p->plan->view;

    for (uint32_t i = 0; i < view->partition_count; i++)
        if (key_check_content(view->partition[i].name, p->partition[i], true, &p->rq->err) < 0)
            return -1;
    for (uint32_t i = 0; i < p->sort_given; i++)
        if (key_check_content(view->sort[i].name, p->sort[i], false, &p->rq->err) < 0)
            return -1;
    return 0;
}

static int add_read(struct planner *p)
{
    struct pq_plan *plan = p->plan;
    struct pq_read *read = &plan->reads[plan->count];

    if (check_contents(p) < 0)
        return -1;
    if (plan->count == LIMIT_STATEMENT_READS)
        return err_set(&p->rq->err, ERR_VALIDATION, "Too many decomposed read operations for a given query.");
    for (uint32_t i = 0; i < plan->view.partition_count; i++)
        read->partition[i] = *p->partition[i];
    if (range_of_values(p, read, &read->range) < 0)
        return -1;
    if (slice_compare(read->range.begin, read->range.end) < 0)
        plan->count++;
    return 0;
}

/* All combinations of the values from the attribute `at` on: first those of the partition key, then those given of the sort key. */
static int combine(struct planner *p, uint32_t at)
{
    uint32_t partitions = p->plan->view.partition_count;

    if (at == partitions + p->sort_given)
        return add_read(p);
    const struct pq_bound *bound = at < partitions ? &p->bounds.partition[at] : &p->bounds.sort[at - partitions];
    const struct value **place = at < partitions ? &p->partition[at] : &p->sort[at - partitions];
    for (uint32_t i = 0; i < bound->count; i++) {
        *place = &bound->values[i];
        if (combine(p, at + 1) < 0)
            return -1;
    }
    return 0;
}

static int plan_branch(void *self, const struct node *branch)
{
    struct planner *p = self;
    const struct view *view = &p->plan->view;

    p->branches++;
    if (pq_bounds_of(view, branch, &p->rq->t->arena, &p->bounds, &p->rq->err) < 0)
        return -1;
    for (uint32_t i = 0; i < view->partition_count; i++)
        if (!p->bounds.partition[i].given)
            p->everything = true;
    if (p->everything)
        return 0;
    p->sort_given = 0;
    while (p->sort_given < view->sort_count && p->bounds.sort[p->sort_given].given)
        p->sort_given++;
    return combine(p, 0);
}

/* -- All branches ---------------------------------------------------------------------------------------------- */
static int compare_begins(const void *left, const void *right)
{
    return slice_compare((*(const struct pq_read *const *)left)->range.begin,
                         (*(const struct pq_read *const *)right)->range.begin);
}

/* Equal reads are made once, where the first of them stands; others must not overlap. */
static int separate(struct request *rq, struct pq_plan *plan)
{
    const struct pq_read *sorted[LIMIT_STATEMENT_READS] = {NULL};
    uint32_t kept = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        struct key_range range = plan->reads[i].range;
        uint32_t same = 0;
        while (same < kept && !(slice_equal(plan->reads[same].range.begin, range.begin) &&
                                slice_equal(plan->reads[same].range.end, range.end)))
            same++;
        if (same == kept)
            plan->reads[kept++] = plan->reads[i];
    }
    plan->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        sorted[i] = &plan->reads[i];
    qsort(sorted, kept, sizeof *sorted, compare_begins);
    for (uint32_t i = 1; i < kept; i++)
        if (slice_compare(sorted[i]->range.begin, sorted[i - 1]->range.end) < 0)
            return err_set(&rq->err, ERR_VALIDATION,
                           "Overlapping conditions with range keys are not supported in where clause");
    return 0;
}

static int find_view(struct request *rq, const struct pq_statement *s, struct view *view)
{
    *view = view_of_table(rq->table);
    if (!s->index.len)
        return 0;
    const struct index *index = index_find(rq->table, s->index);
    if (!index)
        return err_set(&rq->err, ERR_VALIDATION, "The table does not have the specified index");
    if (!index->local && arg_true(&rq->args, ARG_CONSISTENT_READ))
        return err_set(&rq->err, ERR_VALIDATION, "Strongly consistent read is not supported on Global Secondary Indexes");
    if (index->state != INDEX_ACTIVE)
        return err_set(&rq->err, ERR_VALIDATION, "Cannot read from backfilling global secondary index: %.*s", (int)s->index.len,
                       (const char *)s->index.ptr);
    *view = view_of_index(rq->table, index);
    return 0;
}

int partiql_plan(struct request *rq, const struct pq_statement *s, struct pq_plan *plan)
{
    struct planner p = {.rq = rq, .plan = plan, .everything = !s->where};
    struct arena *arena = &rq->t->arena;

    memset(plan, 0, sizeof *plan);
    plan->reads = arena_array(arena, LIMIT_STATEMENT_READS + 1, sizeof *plan->reads);
    if (find_view(rq, s, &plan->view) < 0 || !plan->reads)
        return -1;
    if (s->where && pq_each(s->where, NODE_OR, plan_branch, &p) != 0)
        return -1;
    plan->choice = p.branches > 1;
    plan->keyed = !p.everything;
    if (plan->keyed)
        return separate(rq, plan);
    plan->count = 1;
    return range_of_segment(&plan->view, 0, 1, arena, &plan->reads[0].range);
}
