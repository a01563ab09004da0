/* parse_check.c - what can be said of an expression without an item: numbers and kinds of operands, types of literals. */
#include <assert.h>
#include <stdio.h>

#include "common/decimal.h"
#include "worker/table/parser.h"
#include "worker/table/paths.h"

/* The type that an operand has whatever the item holds; VALUE_NONE if only the item tells. */
static enum value_type static_type(const struct node *node)
{
    switch (node->kind) {
    case NODE_VALUE:
        return node->value.type;
    case NODE_SIZE:
    case NODE_PLUS:
    case NODE_MINUS:
        return VALUE_N;
    case NODE_LIST_APPEND:
        return VALUE_L;
    default:
        return VALUE_NONE;
    }
}

static void note_type(struct parser *p, const char *what, const char *name, enum value_type type)
{
    parser_note(p, condition_rank(p, RANK_OPERAND_TYPE),
                "Incorrect operand type for operator or function; %s: %s, operand type: %s", what, name, value_type_name(type));
}

static void check_distinct(struct parser *p, const char *name, const struct node *args)
{
    char text[160];

    if (!args || !args->next || args->next->next || args->kind != NODE_PATH || args->next->kind != NODE_PATH)
        return;
    if (path_compare(&args->path, &args->next->path) != 0)
        return;
    path_text(&args->path, text, sizeof text);
    parser_note(p, condition_rank(p, RANK_DISTINCT),
                "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, "
                "first operand: %s",
                name, text);
}

void check_misused(struct parser *p, const struct node *args)
{
    for (const struct node *arg = args; arg; arg = arg->next)
        if (node_is_condition(arg->kind) && arg->kind != NODE_UNKNOWN)
            parser_note(p, RANK_MISUSED_FUNCTION,
                        "The function is not allowed to be used this way in an expression; function: %s", node_text(arg->kind));
}

/* -- Functions ------------------------------------------------------------------------------------------------ */
static void check_path_operand(struct parser *p, const struct node *node)
{
    if (node->args->kind != NODE_PATH)
        parser_note(p, condition_rank(p, RANK_OPERAND_TYPE),
                    "Operator or function requires a document path; operator or function: %s", node_text(node->kind));
}

static void check_string_operands(struct parser *p, const struct node *node)
{
    for (const struct node *arg = node->args; arg; arg = arg->next) {
        enum value_type type = static_type(arg);
        if (type != VALUE_NONE && type != VALUE_S && type != VALUE_B)
            note_type(p, "operator or function", node_text(node->kind), type);
    }
}

static void check_type_name(struct parser *p, const struct node *node)
{
    const struct node *name = node->args->next;
    enum value_type type = static_type(name);

    if (name->kind == NODE_VALUE && type == VALUE_NONE)
        return; /* undefined: noted already */
    if (type != VALUE_S) {
        parser_note(p, condition_rank(p, RANK_OPERAND_TYPE),
                    "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: %s",
                    type == VALUE_NONE ? "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}" : value_type_name(type));
        return;
    }
    for (enum value_type t = VALUE_S; t < VALUE_NONE; t++)
        if (slice_equal(name->value.bytes, slice_text(value_type_name(t))))
            return;
    parser_note(p, condition_rank(p, RANK_OPERAND_TYPE),
                "Invalid attribute type name found; type: %.*s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                (int)(name->value.bytes.len < 100 ? name->value.bytes.len : 100), (const char *)name->value.bytes.ptr);
}

static void check_size(struct parser *p, const struct node *node)
{
    enum value_type type = static_type(node->args);

    if (type == VALUE_N || type == VALUE_BOOL || type == VALUE_NULL)
        note_type(p, "operator or function", "size", type);
}

static void check_lists(struct parser *p, const struct node *node)
{
    for (const struct node *arg = node->args; arg; arg = arg->next) {
        enum value_type type = static_type(arg);
        if (type != VALUE_NONE && type != VALUE_L)
            note_type(p, "operator or function", "list_append", type);
    }
}

static void check_nothing(struct parser *p, const struct node *node)
{
    (void)p;
    (void)node;
}

static const struct {
    enum node_kind kind;
    unsigned operands;
    void (*check)(struct parser *p, const struct node *node);
} signatures[] = {
    {NODE_SIZE, 1, check_size},
    {NODE_EXISTS, 1, check_path_operand},
    {NODE_NOT_EXISTS, 1, check_path_operand},
    {NODE_TYPE, 2, check_type_name},
    {NODE_BEGINS_WITH, 2, check_string_operands},
    {NODE_CONTAINS, 2, check_nothing},
    {NODE_IF_NOT_EXISTS, 2, check_path_operand},
    {NODE_LIST_APPEND, 2, check_lists},
};

void check_function(struct parser *p, const struct node *node, struct slice name)
{
    unsigned count = 0;

    for (const struct node *arg = node->args; arg; arg = arg->next)
        count++;
    check_misused(p, node->args);
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        if (signatures[i].kind != node->kind)
            continue;
        if (count != signatures[i].operands) {
            parser_note(
                p, condition_rank(p, RANK_OPERAND_COUNT),
                "Incorrect number of operands for operator or function; operator or function: %.*s, number of operands: %u",
                (int)name.len, (const char *)name.ptr, count);
            return;
        }
        if (p->grammar == GRAMMAR_CONDITION)
            check_distinct(p, node_text(node->kind), node->args);
        signatures[i].check(p, node);
    }
}

/* -- Operators ------------------------------------------------------------------------------------------------ */
static bool has_order(enum value_type type)
{
    return type == VALUE_S || type == VALUE_N || type == VALUE_B || type == VALUE_NONE;
}

static void literal_text(const struct value *v, char *text, size_t size)
{
    char number[DECIMAL_TEXT_MAX] = "...";
    struct decimal d;

    if (v->type == VALUE_N && decimal_decode(v->bytes, &d) == 0)
        decimal_format(&d, number);
    if (v->type == VALUE_S)
        snprintf(text, size, "AttributeValue: {S:%.*s}", (int)(v->bytes.len < 60 ? v->bytes.len : 60),
                 (const char *)v->bytes.ptr);
    else
        snprintf(text, size, "AttributeValue: {%s:%.60s}", value_type_name(v->type), number);
}

static void check_between(struct parser *p, const struct node *low, const struct node *high)
{
    char low_text[100], high_text[100];

    if (low->kind != NODE_VALUE || high->kind != NODE_VALUE || low->value.type == VALUE_NONE || high->value.type == VALUE_NONE)
        return;
    bool same = low->value.type == high->value.type;
    if (same && (!has_order(low->value.type) || value_compare(&low->value, &high->value) <= 0))
        return;
    literal_text(&low->value, low_text, sizeof low_text);
    literal_text(&high->value, high_text, sizeof high_text);
    parser_note(p, condition_rank(p, RANK_OPERAND_TYPE),
                "The BETWEEN operator requires %s; lower bound operand: %s, upper bound operand: %s",
                same ? "upper bound to be greater than or equal to lower bound" : "same data type for lower and upper bounds",
                low_text, high_text);
}

void check_comparison(struct parser *p, const struct node *node)
{
    const struct node *args = node->args;
    bool ordered = (node->kind >= NODE_LT && node->kind <= NODE_GE) || node->kind == NODE_BETWEEN;

    check_distinct(p, node_text(node->kind), args);
    if (node->kind <= NODE_GE && args->kind == NODE_VALUE && args->next->kind == NODE_VALUE)
        parser_note(p, condition_rank(p, RANK_OPERAND_TYPE),
                    "Operator or function requires a document path; operator or function: %s", node_text(node->kind));
    for (const struct node *arg = args; ordered && arg; arg = arg->next)
        if (!has_order(static_type(arg)))
            note_type(p, "operator", node_text(node->kind), static_type(arg));
    if (node->kind == NODE_BETWEEN)
        check_between(p, args->next, args->next->next);
}

void check_arithmetic(struct parser *p, const struct node *node)
{
    for (const struct node *arg = node->args; arg; arg = arg->next) {
        enum value_type type = static_type(arg);
        if (type != VALUE_NONE && type != VALUE_N)
            note_type(p, "operator or function", node_text(node->kind), type);
    }
}

void check_action(struct parser *p, const struct action *action)
{
    static const char *const names[] = {"STRING", "NUMBER", "BINARY",     "BOOLEAN",    "NULL",
                                        "LIST",   "MAP",    "STRING SET", "NUMBER SET", "BINARY SET"};
    bool add = action->kind == ACTION_ADD;
    enum value_type type = action->operand->value.type;

    assert(add || action->kind == ACTION_DELETE);
    if (type == VALUE_NONE || type >= VALUE_SS || (add && type == VALUE_N))
        return;
    parser_note(p, condition_rank(p, RANK_OPERAND_TYPE),
                "Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: %s",
                add ? "ADD" : "DELETE", names[type], add ? "ALLOWED_FOR_ADD_OPERAND" : "ALLOWED_FOR_DELETE_OPERAND");
}
