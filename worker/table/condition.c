/* condition.c - does a condition hold for an item? Values are read in place; nothing is allocated.
 *
 * DynamoDB's rules: values of different types are never equal and have no order; a missing attribute makes every comparison
 * false but <>, which it makes true. */
#include <assert.h>
#include <string.h>

#include "common/decimal.h"
#include "worker/table/expr.h"

/* Room for a number that is computed (size). */
struct scratch {
    unsigned char bytes[DECIMAL_ENCODED_MAX];
};

struct value path_get(const struct path *path, const struct value *item)
{
    struct value value = *item;

    for (uint32_t i = 0; i < path->count && value.type != VALUE_NONE; i++) {
        const struct path_step *step = &path->steps[i];
        if (step->indexed ? value.type != VALUE_L : value.type != VALUE_M)
            value.type = VALUE_NONE;
        else
            value = step->indexed ? value_list_get(&value, step->index) : value_map_get(&value, step->name);
    }
    return value;
}

/* -- Operands ------------------------------------------------------------------------------------------------- */
/* Bytes of S (of its UTF-8) and of B, elements of containers; other types have no size. */
static bool size_of(const struct value *v, size_t *size)
{
    switch (v->type) {
    case VALUE_S:
    case VALUE_B:
        *size = v->bytes.len;
        return true;
    case VALUE_L:
    case VALUE_M:
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        *size = v->count;
        return true;
    default:
        return false;
    }
}

/* Only type and bytes of the result may be used: a computed number has no encoding. */
static struct value eval_operand(const struct node *node, const struct value *item, struct scratch *scratch)
{
    struct value value = {.type = VALUE_NONE};
    struct decimal d;
    size_t size;

    if (node->kind == NODE_VALUE)
        return node->value;
    if (node->kind == NODE_PATH)
        return path_get(&node->path, item);
    if (node_is_condition(node->kind)) { /* PartiQL's grammar has it */
        value.type = VALUE_BOOL;
        value.truth = condition_eval(node, item);
        return value;
    }
    assert(node->kind == NODE_SIZE);
    struct scratch inner;
    struct value argument = eval_operand(node->args, item, &inner);
    if (size_of(&argument, &size) && decimal_from_int((int64_t)size, &d) == 0) {
        value.type = VALUE_N;
        value.bytes = slice_of(scratch->bytes, decimal_encode(&d, scratch->bytes));
    }
    return value;
}

static bool is_ordered(enum value_type type) { return type == VALUE_S || type == VALUE_N || type == VALUE_B; }

static bool equal(const struct value *a, const struct value *b)
{
    if (a->type == VALUE_NONE || a->type != b->type)
        return false;
    return is_ordered(a->type) ? slice_equal(a->bytes, b->bytes) : value_equal(a, b);
}

/* -- Functions ------------------------------------------------------------------------------------------------ */
bool value_begins_with(const struct value *value, const struct value *prefix)
{
    if (value->type != prefix->type || (value->type != VALUE_S && value->type != VALUE_B))
        return false;
    return value->bytes.len >= prefix->bytes.len && slice_equal(slice_of(value->bytes.ptr, prefix->bytes.len), prefix->bytes);
}

static bool list_has(const struct value *list, const struct value *element)
{
    struct value_walk walk = value_walk_of(list);
    struct value each;

    while (value_walk_next(&walk, NULL, &each))
        if (equal(&each, element))
            return true;
    return false;
}

static bool bytes_have(struct slice bytes, struct slice part)
{
    return part.len == 0 || (bytes.len >= part.len && memmem(bytes.ptr, bytes.len, part.ptr, part.len) != NULL);
}

bool value_contains(const struct value *container, const struct value *element)
{
    static const enum value_type element_of[] = {[VALUE_SS] = VALUE_S, [VALUE_NS] = VALUE_N, [VALUE_BS] = VALUE_B};

    if (element->type == VALUE_NONE)
        return false;
    switch (container->type) {
    case VALUE_S:
    case VALUE_B:
        return element->type == container->type && bytes_have(container->bytes, element->bytes);
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        return element->type == element_of[container->type] && value_set_has(container, element);
    case VALUE_L:
        return list_has(container, element);
    default:
        return false;
    }
}

/* -- Comparisons ---------------------------------------------------------------------------------------------- */
static bool ordered(enum node_kind kind, const struct value *a, const struct value *b)
{
    if (a->type != b->type || !is_ordered(a->type))
        return false;
    int order = value_compare(a, b);
    switch (kind) {
    case NODE_LT:
        return order < 0;
    case NODE_LE:
        return order <= 0;
    case NODE_GT:
        return order > 0;
    default:
        assert(kind == NODE_GE);
        return order >= 0;
    }
}

static bool eval_in(const struct node *args, const struct value *item)
{
    struct scratch left_scratch, scratch;
    struct value left = eval_operand(args, item, &left_scratch);

    for (const struct node *arg = args->next; arg; arg = arg->next) {
        struct value each = eval_operand(arg, item, &scratch);
        if (equal(&left, &each))
            return true;
    }
    return false;
}

static bool eval_between(const struct node *args, const struct value *item)
{
    struct scratch scratch[3];
    struct value left = eval_operand(args, item, &scratch[0]), low = eval_operand(args->next, item, &scratch[1]),
                 high = eval_operand(args->next->next, item, &scratch[2]);

    return ordered(NODE_GE, &left, &low) && ordered(NODE_LE, &left, &high);
}

static bool eval_pair(const struct node *node, const struct value *item)
{
    struct scratch scratch[2];
    struct value a = eval_operand(node->args, item, &scratch[0]), b = eval_operand(node->args->next, item, &scratch[1]);

    switch (node->kind) {
    case NODE_EQ:
        return equal(&a, &b);
    case NODE_NE:
        return !equal(&a, &b);
    case NODE_TYPE:
        return a.type != VALUE_NONE && b.type == VALUE_S && slice_equal(b.bytes, slice_text(value_type_name(a.type)));
    case NODE_BEGINS_WITH:
        return value_begins_with(&a, &b);
    case NODE_CONTAINS:
        return value_contains(&a, &b);
    default:
        return ordered(node->kind, &a, &b);
    }
}

static bool eval_chain(const struct node *node, const struct value *item)
{
    bool until = node->kind == NODE_OR;

    for (const struct node *arg = node->args; arg; arg = arg->next)
        if (condition_eval(arg, item) == until)
            return until;
    return !until;
}

bool condition_eval(const struct node *condition, const struct value *item)
{
    switch (condition->kind) {
    case NODE_AND:
    case NODE_OR:
        return eval_chain(condition, item);
    case NODE_NOT:
        return !condition_eval(condition->args, item);
    case NODE_EXISTS:
        return path_get(&condition->args->path, item).type != VALUE_NONE;
    case NODE_NOT_EXISTS:
        return path_get(&condition->args->path, item).type == VALUE_NONE;
    case NODE_IN:
        return eval_in(condition->args, item);
    case NODE_BETWEEN:
        return eval_between(condition->args, item);
    default:
        return eval_pair(condition, item);
    }
}

bool condition_names(const struct node *condition, struct slice name, bool inside)
{
    if (condition->kind == NODE_PATH)
        return slice_equal(condition->path.steps[0].name, name) && (!inside || condition->path.count > 1);
    for (const struct node *arg = condition->args; arg; arg = arg->next)
        if (condition_names(arg, name, inside))
            return true;
    return false;
}
