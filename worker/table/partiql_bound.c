/* partiql_bound.c - see partiql_bound.h. */
#include "worker/table/partiql_bound.h"

#include <string.h>

struct reader {
    const struct view *view;
    struct arena *arena;
    struct pq_bounds *bounds;
    struct err *e;
};

int pq_each(const struct node *node, enum node_kind chain, int (*visit)(void *self, const struct node *part), void *self)
{
    int result = 0;

    if (node->kind != chain)
        return visit(self, node);
    for (const struct node *part = node->args; part && result == 0; part = part->next)
        result = pq_each(part, chain, visit, self);
    return result;
}

/* -- Comparisons with one attribute ---------------------------------------------------------------------------- */
static bool is_attribute(const struct node *node) { return node->kind == NODE_PATH && node->path.count == 1; }

static bool are_values(const struct node *node)
{
    for (; node; node = node->next)
        if (node->kind != NODE_VALUE)
            return false;
    return true;
}

/* A comparison of an attribute with one value, or a range, the attribute on the left. */
static bool comparison_of(const struct node *node, struct key_condition *condition)
{
    bool comparator = node->kind == NODE_EQ || (node->kind >= NODE_LT && node->kind <= NODE_GE);
    const struct node *left = node->args;

    memset(condition, 0, sizeof *condition);
    condition->kind = node->kind;
    condition->values[1].type = VALUE_NONE;
    if (!comparator && node->kind != NODE_BETWEEN && node->kind != NODE_BEGINS_WITH)
        return false;
    if (comparator && left->kind == NODE_VALUE && is_attribute(left->next)) {
        condition->kind = key_condition_mirrored(node->kind);
        condition->name = left->next->path.steps[0].name;
        condition->values[0] = left->value;
        return true;
    }
    if (!is_attribute(left) || !are_values(left->next))
        return false;
    condition->name = left->path.steps[0].name;
    condition->values[0] = left->next->value;
    if (node->kind == NODE_BETWEEN)
        condition->values[1] = left->next->next->value;
    return true;
}

bool pq_equality(const struct node *node, struct slice name, struct value *value)
{
    struct key_condition condition;

    if (node->kind != NODE_EQ || !comparison_of(node, &condition) || !slice_equal(condition.name, name))
        return false;
    *value = condition.values[0];
    return true;
}

/* -- Lists of values ------------------------------------------------------------------------------------------- */
/* What a = or an IN, or an OR of them on one attribute, says. */
struct choice {
    struct slice name; /* .ptr NULL: of no attribute yet */
    struct value *values;
    uint32_t count; /* values NULL: only counted */
};

static int choose(struct choice *c, struct slice name, const struct value *value)
{
    if (c->name.ptr && !slice_equal(c->name, name))
        return 1;
    c->name = name;
    if (c->values)
        c->values[c->count] = *value;
    c->count++;
    return 0;
}

/* 0; 1 if it is none of these. */
static int choose_from(void *self, const struct node *node)
{
    struct key_condition condition;
    int result = 0;

    if (node->kind == NODE_EQ && comparison_of(node, &condition))
        return choose(self, condition.name, &condition.values[0]);
    if (node->kind != NODE_IN || !is_attribute(node->args) || !are_values(node->args->next))
        return 1;
    for (const struct node *value = node->args->next; value && result == 0; value = value->next)
        result = choose(self, node->args->path.steps[0].name, &value->value);
    return result;
}

static struct pq_bound *bound_of(const struct reader *r, struct slice name)
{
    for (uint32_t i = 0; i < r->view->partition_count; i++)
        if (slice_equal(r->view->partition[i].name, name))
            return &r->bounds->partition[i];
    for (uint32_t i = 0; i < r->view->sort_count; i++)
        if (slice_equal(r->view->sort[i].name, name))
            return &r->bounds->sort[i];
    return NULL;
}

static bool has(const struct value *values, uint32_t count, const struct value *value)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_equal(values[i].bytes, value->bytes))
            return true;
    return false;
}

static int check_types(const struct reader *r, const struct pq_bound *bound, const struct choice *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->values[i].type != bound->attribute.type)
            return err_set(r->e, ERR_VALIDATION,
                           "Key attribute's data type should match its data type in table's schema: Key %.*s",
                           (int)bound->attribute.name.len, (const char *)bound->attribute.name.ptr);
    return 0;
}

/* Each value once; of values that were given before only those that are in both lists. */
static void narrow(struct pq_bound *bound, const struct choice *c)
{
    struct value *values = c->values;
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->count; i++)
        if (!has(values, count, &c->values[i]) && (!bound->given || has(bound->values, bound->count, &c->values[i])))
            values[count++] = c->values[i];
    bound->given = true;
    bound->values = values;
    bound->count = count;
}

/* 1 if the conjunct is no choice of values of a key's attribute. */
static int read_choice(const struct reader *r, const struct node *conjunct)
{
    struct choice c = {.name = {NULL, 0}};

    if (pq_each(conjunct, NODE_OR, choose_from, &c) != 0)
        return 1;
    struct pq_bound *bound = bound_of(r, c.name);
    if (!bound)
        return 1;
    c.values = arena_array(r->arena, c.count, sizeof *c.values);
    if (!c.values)
        return -1;
    c.count = 0;
    pq_each(conjunct, NODE_OR, choose_from, &c);
    if (check_types(r, bound, &c) < 0)
        return -1;
    narrow(bound, &c);
    return 0;
}

static void read_range(const struct reader *r, const struct node *conjunct)
{
    struct key_condition condition;

    if (!comparison_of(conjunct, &condition))
        return;
    struct pq_bound *bound = bound_of(r, condition.name);
    if (!bound || bound->range_count == PQ_RANGES_MAX || condition.values[0].type != bound->attribute.type ||
        (condition.kind == NODE_BETWEEN && condition.values[1].type != bound->attribute.type))
        return;
    bound->ranges[bound->range_count++] = condition;
}

static int read_conjunct(void *self, const struct node *conjunct)
{
    int result = read_choice(self, conjunct);

    if (result == 1)
        read_range(self, conjunct);
    return result < 0 ? -1 : 0;
}

int pq_bounds_of(const struct view *view, const struct node *branch, struct arena *arena, struct pq_bounds *bounds,
                 struct err *e)
{
    struct reader r = {view, arena, bounds, e};

    memset(bounds, 0, sizeof *bounds);
    for (uint32_t i = 0; i < view->partition_count; i++)
        bounds->partition[i].attribute = view->partition[i];
    for (uint32_t i = 0; i < view->sort_count; i++)
        bounds->sort[i].attribute = view->sort[i];
    return pq_each(branch, NODE_AND, read_conjunct, &r);
}
