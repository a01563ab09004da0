/* key_condition.h - what a query asks of the keys: KeyConditionExpression or KeyConditions, as conditions on single attributes.
 *
 * DynamoDB reads a KeyConditionExpression with the grammar of all conditions and refuses afterwards what no key can answer, with errors
 * of its own; so it is done here. The tree comes from parse_key_condition() or legacy_condition(). */
#ifndef LEAT_WORKER_TABLE_KEY_CONDITION_H
#define LEAT_WORKER_TABLE_KEY_CONDITION_H

#include "worker/table/expr.h"

#define KEY_CONDITIONS_MAX 8 /* four attributes of a partition key and four of a sort key */

struct key_condition {
    struct slice name;      /* of the attribute */
    enum node_kind kind;    /* NODE_EQ, LT, LE, GT, GE, BETWEEN or BEGINS_WITH, with the attribute on the left */
    struct value values[2]; /* the second for BETWEEN only, else VALUE_NONE */
};

struct key_conditions {
    struct key_condition at[KEY_CONDITIONS_MAX];
    uint32_t count; /* at least 1 */
};

/* Both: 0, or -1 with the error. tree is what was parsed. */
int key_conditions_of_expression(const struct node *tree, struct key_conditions *conditions, struct err *e);
int key_conditions_of_legacy(const struct node *tree, struct key_conditions *conditions, struct err *e);

/* The condition on an attribute, or NULL. */
const struct key_condition *key_condition_on(const struct key_conditions *conditions, struct slice name);
/* Does it hold for a value of the attribute's type? */
bool key_condition_holds(const struct key_condition *condition, const struct value *value);

#endif
