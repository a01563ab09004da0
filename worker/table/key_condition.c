/* key_condition.c - see key_condition.h. */
#include "worker/table/key_condition.h"

#include <assert.h>

#define INVALID "Invalid condition in KeyConditionExpression: "
#define INVALID_VALUES "One or more parameter values were invalid: "

const struct key_condition *key_condition_on(const struct key_conditions *conditions, struct slice name)
{
    for (uint32_t i = 0; i < conditions->count; i++)
        if (slice_equal(conditions->at[i].name, name))
            return &conditions->at[i];
    return NULL;
}

bool key_condition_holds(const struct key_condition *condition, const struct value *value)
{
    const struct value *first = &condition->values[0], *second = &condition->values[1];

    if (value->type != first->type)
        return false;
    if (condition->kind == NODE_BEGINS_WITH)
        return value_begins_with(value, first);
    int order = value_compare(value, first);
    switch (condition->kind) {
    case NODE_EQ:
        return order == 0;
    case NODE_LT:
        return order < 0;
    case NODE_LE:
        return order <= 0;
    case NODE_GT:
        return order > 0;
    case NODE_GE:
        return order >= 0;
    default:
        assert(condition->kind == NODE_BETWEEN);
        return order >= 0 && value_compare(value, second) <= 0;
    }
}

static int add(struct key_conditions *conditions, const struct key_condition *condition, struct err *e)
{
    if (key_condition_on(conditions, condition->name))
        return err_set(e, ERR_VALIDATION, "KeyConditionExpressions must only contain one condition per key");
    if (conditions->count == KEY_CONDITIONS_MAX)
        return err_set(e, ERR_VALIDATION, "Conditions can be of length 1 or 2 only");
    conditions->at[conditions->count++] = *condition;
    return 0;
}

/* -- One comparison ------------------------------------------------------------------------------------------- */
static bool is_indexable(enum node_kind kind)
{
    return kind == NODE_EQ || (kind >= NODE_LT && kind <= NODE_BETWEEN) || kind == NODE_BEGINS_WITH;
}

/* The comparison with its sides exchanged. */
static enum node_kind mirrored(enum node_kind kind)
{
    switch (kind) {
    case NODE_LT:
        return NODE_GT;
    case NODE_LE:
        return NODE_GE;
    case NODE_GT:
        return NODE_LT;
    case NODE_GE:
        return NODE_LE;
    default:
        return kind;
    }
}

static int check_operands(const struct node *node, const struct node **attribute, struct err *e)
{
    if ((node->kind == NODE_BETWEEN || node->kind == NODE_BEGINS_WITH) && node->args->kind != NODE_PATH)
        return err_set(e, ERR_VALIDATION, INVALID "%s operator must have the key attribute as its first operand",
                       node_text(node->kind));
    *attribute = NULL;
    for (const struct node *arg = node->args; arg; arg = arg->next) {
        if (arg->kind == NODE_VALUE)
            continue;
        if (arg->kind != NODE_PATH)
            return err_set(e, ERR_VALIDATION, "KeyConditionExpressions cannot contain nested operations");
        if (*attribute)
            return err_set(e, ERR_VALIDATION, INVALID "Multiple attribute names used in one condition");
        if (arg->path.count > 1)
            return err_set(e, ERR_VALIDATION, "KeyConditionExpressions cannot have conditions on nested attributes");
        *attribute = arg;
    }
    return *attribute ? 0 : err_set(e, ERR_VALIDATION, INVALID "No key attribute specified");
}

/* A key has an order or is equal: nothing else can be compared with one, whatever the schema says. */
static int check_types(const struct key_condition *condition, struct err *e)
{
    static const char *const names[] = {[NODE_EQ] = "EQ",
                                        [NODE_LT] = "LT",
                                        [NODE_LE] = "LE",
                                        [NODE_GT] = "GT",
                                        [NODE_GE] = "GE",
                                        [NODE_BETWEEN] = "BETWEEN",
                                        [NODE_BEGINS_WITH] = "BEGINS_WITH"};

    for (int i = 0; i < 2; i++) {
        enum value_type type = condition->values[i].type;
        bool text = condition->kind == NODE_BEGINS_WITH;
        if (type == VALUE_NONE || type == VALUE_S || type == VALUE_B || (type == VALUE_N && !text))
            continue;
        if (condition->kind == NODE_EQ && type >= VALUE_SS)
            continue;
        return err_set(e, ERR_VALIDATION, INVALID_VALUES "ComparisonOperator %s is not valid for %s AttributeValue type",
                       names[condition->kind], value_type_name(type));
    }
    return 0;
}

static int take_comparison(const struct node *node, struct key_conditions *conditions, struct err *e)
{
    struct key_condition condition = {.kind = node->kind, .values = {{.type = VALUE_NONE}, {.type = VALUE_NONE}}};
    const struct node *attribute = NULL;
    unsigned count = 0;

    if (check_operands(node, &attribute, e) < 0)
        return -1;
    condition.name = attribute->path.steps[0].name;
    if (attribute != node->args)
        condition.kind = mirrored(node->kind);
    for (const struct node *arg = node->args; arg; arg = arg->next)
        if (arg != attribute) {
            assert(count < 2);
            condition.values[count++] = arg->value;
        }
    return check_types(&condition, e) < 0 ? -1 : add(conditions, &condition, e);
}

/* -- KeyConditionExpression ----------------------------------------------------------------------------------- */
static int take_expression(const struct node *node, struct key_conditions *conditions, struct err *e)
{
    if (node->kind == NODE_AND) {
        for (const struct node *arg = node->args; arg; arg = arg->next)
            if (take_expression(arg, conditions, e) < 0)
                return -1;
        return 0;
    }
    if (!is_indexable(node->kind))
        return err_set(e, ERR_VALIDATION, "Invalid operator used in KeyConditionExpression: %s", node_text(node->kind));
    return take_comparison(node, conditions, e);
}

int key_conditions_of_expression(const struct node *tree, struct key_conditions *conditions, struct err *e)
{
    conditions->count = 0;
    return take_expression(tree, conditions, e);
}

/* -- KeyConditions -------------------------------------------------------------------------------------------- */
int key_conditions_of_legacy(const struct node *tree, struct key_conditions *conditions, struct err *e)
{
    conditions->count = 0;
    for (const struct node *node = tree ? tree->args : NULL; node; node = node->next) {
        if (!is_indexable(node->kind))
            return err_set(e, ERR_VALIDATION, "Attempted conditional constraint is not an indexable operation");
        if (take_comparison(node, conditions, e) < 0)
            return -1;
    }
    return conditions->count ? 0 : err_set(e, ERR_VALIDATION, "Conditions can be of length 1 or 2 only");
}
