/* partiql_check.c - what can be said of the operands of a WHERE or SET without an item. The words differ from those of expressions. */
#include "common/limits.h"
#include "worker/table/partiql_parser.h"

/* The type that an operand has whatever the item holds; VALUE_NONE if only the item tells. */
static enum value_type static_type(const struct node *node)
{
    if (node->kind == NODE_VALUE)
        return node->value.type;
    if (node->kind == NODE_SIZE || node->kind == NODE_PLUS || node->kind == NODE_MINUS)
        return VALUE_N;
    return node_is_condition(node->kind) ? VALUE_BOOL : VALUE_NONE;
}

static bool wrong_type(struct pq_parser *p, enum node_kind kind, enum value_type type)
{
    pq_error(p, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", node_text(kind),
             value_type_name(type));
    return false;
}

static bool has_order(enum value_type type)
{
    return type == VALUE_S || type == VALUE_N || type == VALUE_B || type == VALUE_NONE;
}

static bool check_in(struct pq_parser *p, const struct node *node)
{
    unsigned count = 0;

    for (const struct node *arg = node->args->next; arg; arg = arg->next)
        count++;
    if (count <= LIMIT_EXPRESSION_IN_OPERANDS)
        return true;
    pq_error(p, "The IN operator is provided with too many operands; number of operands: %u", count);
    return false;
}

bool pq_check_comparison(struct pq_parser *p, const struct node *node)
{
    if (node->kind == NODE_IN)
        return check_in(p, node);
    if (node->kind == NODE_EQ || node->kind == NODE_NE)
        return true;
    for (const struct node *arg = node->args; arg; arg = arg->next)
        if (!has_order(static_type(arg)))
            return wrong_type(p, node->kind, static_type(arg));
    return true;
}

static bool check_type_name(struct pq_parser *p, const struct node *name)
{
    if (name->kind != NODE_VALUE || name->value.type != VALUE_S)
        return wrong_type(p, NODE_TYPE, static_type(name) == VALUE_NONE ? VALUE_NULL : static_type(name));
    for (enum value_type t = VALUE_S; t < VALUE_NONE; t++)
        if (slice_equal(name->value.bytes, slice_text(value_type_name(t))))
            return true;
    pq_error(p, "Invalid attribute type name found; type: %.*s, valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}",
             (int)(name->value.bytes.len < 100 ? name->value.bytes.len : 100), (const char *)name->value.bytes.ptr);
    return false;
}

static bool check_text(struct pq_parser *p, const struct node *node)
{
    for (const struct node *arg = node->args; arg; arg = arg->next) {
        enum value_type type = static_type(arg);
        if (type != VALUE_NONE && type != VALUE_S && type != VALUE_B)
            return wrong_type(p, node->kind, type);
    }
    return true;
}

bool pq_check_function(struct pq_parser *p, const struct node *node)
{
    enum value_type type = static_type(node->args);
    bool path = node->kind == NODE_EXISTS || node->kind == NODE_NOT_EXISTS;

    if (path && node->args->kind != NODE_PATH) {
        pq_error(p, "Operator or function requires a document path; operator or function: %s", node_text(node->kind));
        return false;
    }
    if (node->kind == NODE_SIZE && (type == VALUE_N || type == VALUE_BOOL || type == VALUE_NULL))
        return wrong_type(p, NODE_SIZE, type);
    if (node->kind == NODE_TYPE)
        return check_type_name(p, node->args->next);
    return node->kind != NODE_BEGINS_WITH || check_text(p, node);
}

bool pq_check_arithmetic(struct pq_parser *p, const struct node *node)
{
    for (const struct node *arg = node->args; arg; arg = arg->next) {
        enum value_type type = static_type(arg);
        if (node->kind == NODE_LIST_APPEND ? type != VALUE_NONE && type != VALUE_L : type != VALUE_NONE && type != VALUE_N)
            return wrong_type(p, node->kind, type);
    }
    return true;
}
