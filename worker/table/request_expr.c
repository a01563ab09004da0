/* request_expr.c - the expressions of a request: which may stand together, parsed in DynamoDB's order, every name and value used. */
#include <stdio.h>
#include <string.h>

#include "worker/table/legacy.h"
#include "worker/table/request.h"

static const enum arg expressions[] = {ARG_UPDATE_EXPRESSION, ARG_PROJECTION_EXPRESSION, ARG_FILTER_EXPRESSION,
                                       ARG_CONDITION_EXPRESSION, ARG_KEY_CONDITION};
/* The last one may stand beside a FilterExpression and a ProjectionExpression. */
static const enum arg legacies[] = {ARG_ATTRIBUTES_TO_GET, ARG_ATTRIBUTE_UPDATES,    ARG_SCAN_FILTER,   ARG_QUERY_FILTER,
                                    ARG_EXPECTED,          ARG_CONDITIONAL_OPERATOR, ARG_KEY_CONDITIONS};
#define LEGACIES (sizeof legacies / sizeof *legacies)
#define EXPRESSIONS (sizeof expressions / sizeof *expressions)

static bool any_given(const struct args *args, const enum arg *of, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (arg_given(args, of[i]))
            return true;
    return false;
}

static void list_given(const struct args *args, const enum arg *of, size_t count, char *text, size_t size)
{
    size_t len = 0;

    text[0] = 0;
    for (size_t i = 0; i < count; i++) {
        if (!arg_given(args, of[i]))
            continue;
        int n = snprintf(text + len, size - len, "%s%s", len ? ", " : "", arg_name(of[i]));
        len += n > 0 && (size_t)n < size - len ? (size_t)n : 0;
    }
}

static int mixed_styles(struct request *rq, size_t count)
{
    char new_style[120], old_style[120];

    list_given(&rq->args, expressions, EXPRESSIONS, new_style, sizeof new_style);
    list_given(&rq->args, legacies, count, old_style, sizeof old_style);
    return err_set(
        &rq->err, ERR_VALIDATION,
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} "
        "Expression parameters: {%s}",
        old_style, new_style);
}

static int check_values_allowed(struct request *rq)
{
    const struct args *args = &rq->args;
    const char *missing = "ConditionExpression is";

    if (!arg_given(args, ARG_VALUES) || arg_given(args, ARG_UPDATE_EXPRESSION) || arg_given(args, ARG_CONDITION_EXPRESSION) ||
        arg_given(args, ARG_FILTER_EXPRESSION) || arg_given(args, ARG_KEY_CONDITION))
        return 0;
    if (rq->form == ARGS_UPDATE)
        missing = "UpdateExpression and ConditionExpression are";
    if (rq->form == ARGS_SCAN)
        missing = "FilterExpression is";
    if (rq->form == ARGS_QUERY)
        missing = "FilterExpression and KeyConditionExpression are";
    return err_set(&rq->err, ERR_VALIDATION, "ExpressionAttributeValues can only be specified when using expressions: %s null",
                   missing);
}

/* Sets *any if there is something to parse or to convert at all. */
static int check_combination(struct request *rq, bool *any)
{
    const struct args *args = &rq->args;
    size_t mixable = arg_given(args, ARG_KEY_CONDITION) ? LEGACIES : LEGACIES - 1;
    bool given = any_given(args, expressions, EXPRESSIONS);

    *any = given || any_given(args, legacies, LEGACIES);
    if (given && any_given(args, legacies, mixable))
        return mixed_styles(rq, mixable);
    if (arg_given(args, ARG_NAMES) && !given)
        return err_set(&rq->err, ERR_VALIDATION, "ExpressionAttributeNames can only be specified when using expressions");
    if (arg_given(args, ARG_CONDITIONAL_OPERATOR) && !arg_given(args, ARG_EXPECTED) && !arg_given(args, ARG_SCAN_FILTER) &&
        !arg_given(args, ARG_QUERY_FILTER))
        return err_set(
            &rq->err, ERR_VALIDATION,
            "One or more parameter values were invalid: ConditionalOperator cannot be used without Filter or Expected");
    if (rq->form == ARGS_QUERY && !arg_given(args, ARG_KEY_CONDITION) && !arg_given(args, ARG_KEY_CONDITIONS))
        return err_set(&rq->err, ERR_VALIDATION,
                       "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
    return check_values_allowed(rq);
}

static int parse_one_condition(struct request *rq, enum arg arg)
{
    if (!arg_given(&rq->args, arg))
        return 0;
    rq->condition = parse_condition(&rq->expr, arg_name(arg), rq->args.at[arg].bytes, &rq->err);
    return rq->condition ? 0 : -1;
}

static int parse_expressions(struct request *rq)
{
    struct expr_context *c = &rq->expr;
    const struct value *at = rq->args.at;

    if (arg_given(&rq->args, ARG_NAMES) && placeholders_init(&c->names, &at[ARG_NAMES], true, c->arena, &rq->err) < 0)
        return -1;
    if (arg_given(&rq->args, ARG_VALUES) && placeholders_init(&c->values, &at[ARG_VALUES], false, c->arena, &rq->err) < 0)
        return -1;
    if (arg_given(&rq->args, ARG_UPDATE_EXPRESSION) &&
        parse_update(c, at[ARG_UPDATE_EXPRESSION].bytes, &rq->update, &rq->err) < 0)
        return -1;
    if (parse_one_condition(rq, ARG_CONDITION_EXPRESSION) < 0)
        return -1;
    if (arg_given(&rq->args, ARG_KEY_CONDITION) &&
        !(rq->key_condition = parse_key_condition(c, at[ARG_KEY_CONDITION].bytes, &rq->err)))
        return -1;
    if (parse_one_condition(rq, ARG_FILTER_EXPRESSION) < 0)
        return -1;
    if (arg_given(&rq->args, ARG_PROJECTION_EXPRESSION) &&
        parse_projection(c, at[ARG_PROJECTION_EXPRESSION].bytes, &rq->projection, &rq->err) < 0)
        return -1;
    if (placeholders_check_used(&c->names, true, &rq->err) < 0)
        return -1;
    return placeholders_check_used(&c->values, false, &rq->err);
}

static int convert_legacies(struct request *rq)
{
    const struct args *args = &rq->args;
    struct arena *arena = rq->expr.arena;
    bool any = arg_is(args, ARG_CONDITIONAL_OPERATOR, "OR");

    if (arg_given(args, ARG_ATTRIBUTE_UPDATES) &&
        legacy_updates(&args->at[ARG_ATTRIBUTE_UPDATES], arena, &rq->update, &rq->err) < 0)
        return -1;
    if (arg_given(args, ARG_EXPECTED) &&
        legacy_condition(&args->at[ARG_EXPECTED], true, any, arena, &rq->condition, &rq->err) < 0)
        return -1;
    enum arg filter = arg_given(args, ARG_QUERY_FILTER) ? ARG_QUERY_FILTER : ARG_SCAN_FILTER;
    if (arg_given(args, filter) && legacy_condition(&args->at[filter], false, any, arena, &rq->condition, &rq->err) < 0)
        return -1;
    if (arg_given(args, ARG_KEY_CONDITIONS) &&
        legacy_condition(&args->at[ARG_KEY_CONDITIONS], false, false, arena, &rq->key_condition, &rq->err) < 0)
        return -1;
    if (!arg_given(args, ARG_ATTRIBUTES_TO_GET))
        return 0;
    return legacy_projection(&args->at[ARG_ATTRIBUTES_TO_GET], arena, &rq->projection, &rq->err);
}

int request_expressions(struct request *rq)
{
    bool any;

    if (check_combination(rq, &any) < 0)
        return -1;
    if (!any)
        return 0;
    return parse_expressions(rq) < 0 || convert_legacies(rq) < 0 ? -1 : 0;
}
