/* legacy.c - Expected and ScanFilter become conditions (see legacy.h). */
#include "worker/table/legacy.h"

#include <assert.h>
#include <string.h>

#include "worker/table/legacy_path.h"

#define INVALID "One or more parameter values were invalid: "

/* Types of arguments, as bits. */
#define ANY_TYPE (~0u)
#define SCALAR ((1u << VALUE_S) | (1u << VALUE_N) | (1u << VALUE_B))
#define TEXT ((1u << VALUE_S) | (1u << VALUE_B))

static const struct operator
{
    const char *name;
    enum node_kind kind;
    bool negated;
    unsigned min, max; /* arguments */
    unsigned types;
}
operators[] = {
    {"EQ", NODE_EQ, false, 1, 1, ANY_TYPE},
    {"NE", NODE_NE, false, 1, 1, ANY_TYPE},
    {"LE", NODE_LE, false, 1, 1, SCALAR},
    {"LT", NODE_LT, false, 1, 1, SCALAR},
    {"GE", NODE_GE, false, 1, 1, SCALAR},
    {"GT", NODE_GT, false, 1, 1, SCALAR},
    {"NOT_NULL", NODE_EXISTS, false, 0, 0, ANY_TYPE},
    {"NULL", NODE_NOT_EXISTS, false, 0, 0, ANY_TYPE},
    {"CONTAINS", NODE_CONTAINS, false, 1, 1, SCALAR},
    {"NOT_CONTAINS", NODE_CONTAINS, true, 1, 1, SCALAR},
    {"BEGINS_WITH", NODE_BEGINS_WITH, false, 1, 1, TEXT},
    {"IN", NODE_IN, false, 1, UINT32_MAX, SCALAR},
    {"BETWEEN", NODE_BETWEEN, false, 2, 2, SCALAR},
};

/* One entry of the map, taken apart. Absent parts are VALUE_NONE. */
struct entry {
    struct slice name;
    struct value list, value, exists, comparison;
};

static int read_entry(struct entry *entry, const struct value *map, bool expected, struct err *e)
{
    const struct {
        const char *name;
        struct value *to;
        enum value_type type; /* VALUE_NONE: any */
        bool known;
    } parts[] = {{"AttributeValueList", &entry->list, VALUE_L, true},
                 {"ComparisonOperator", &entry->comparison, VALUE_S, true},
                 {"Value", &entry->value, VALUE_NONE, expected},
                 {"Exists", &entry->exists, VALUE_BOOL, expected}};
    struct value_walk walk = value_walk_of(map);
    struct slice name;
    struct value value;

    entry->list.type = entry->value.type = entry->exists.type = entry->comparison.type = VALUE_NONE;
    while (value_walk_next(&walk, &name, &value)) {
        size_t i = 0;
        while (i < 4 && !(parts[i].known && slice_equal(name, slice_text(parts[i].name))))
            i++;
        if (i == 4 || (parts[i].type != VALUE_NONE && parts[i].type != value.type))
            return err_set(e, ERR_SERIALIZATION, "Unknown or wrongly typed member \"%.*s\" of the condition on %.*s",
                           (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr,
                           (int)(entry->name.len < 60 ? entry->name.len : 60), (const char *)entry->name.ptr);
        *parts[i].to = value;
    }
    return 0;
}

/* -- Entries with a ComparisonOperator ------------------------------------------------------------------------ */
static int bad_arguments(const struct operator* o, struct err *e)
{
    return err_set(e, ERR_VALIDATION, INVALID "Invalid number of argument(s) for the %s ComparisonOperator", o->name);
}

static int check_types(const struct operator* o, const struct node *values, struct err *e)
{
    for (const struct node *v = values; v; v = v->next) {
        if (v->value.type != values->value.type)
            return err_set(e, ERR_VALIDATION, INVALID "AttributeValues inside AttributeValueList must be of same type");
        if (!(o->types >> v->value.type & 1))
            return err_set(e, ERR_VALIDATION, INVALID "ComparisonOperator %s is not valid for %s AttributeValue type", o->name,
                           value_type_name(v->value.type));
    }
    if (o->kind == NODE_BETWEEN && value_compare(&values->value, &values->next->value) > 0)
        return err_set(e, ERR_VALIDATION,
                       "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
    return 0;
}

static struct node *new_node(struct arena *arena, enum node_kind kind)
{
    struct node *node = arena_alloc(arena, sizeof *node);

    if (node) {
        node->kind = kind;
        node->value.type = VALUE_NONE;
    }
    return node;
}

static struct node **add_value(struct arena *arena, struct node **tail, const struct value *value)
{
    *tail = new_node(arena, NODE_VALUE);
    if (!*tail)
        return NULL;
    (*tail)->value = *value;
    return &(*tail)->next;
}

/* operator(path, values...) */
static struct node *build_call(struct arena *arena, enum node_kind kind, struct slice name, struct node *values)
{
    struct node *node = new_node(arena, kind), *path = new_node(arena, NODE_PATH);

    if (!node || !path || legacy_path(arena, name, &path->path) < 0)
        return NULL;
    node->args = path;
    path->next = values;
    return node;
}

/* What is negated does not hold for an attribute that is missing either. */
static struct node *build(struct arena *arena, const struct operator* o, struct slice name, struct node *values)
{
    struct node *node = build_call(arena, o->kind, name, values);

    if (!node || !o->negated)
        return node;
    struct node *both = new_node(arena, NODE_AND), *exists = build_call(arena, NODE_EXISTS, name, NULL),
                *negation = new_node(arena, NODE_NOT);
    if (!both || !exists || !negation)
        return NULL;
    negation->args = node;
    exists->next = negation;
    both->args = exists;
    return both;
}

static int build_comparison(const struct entry *entry, bool expected, struct arena *arena, struct node **result, struct err *e)
{
    const struct operator* o = operators, *end = operators + sizeof operators / sizeof *operators;
    struct node *values = NULL, **tail = &values;
    struct value_walk walk = value_walk_of(&entry->list);
    struct slice name = entry->comparison.bytes;
    struct value value;
    unsigned count = 0;

    while (o < end && !slice_equal(name, slice_text(o->name)))
        o++;
    if (o == end)
        return err_set(
            e, ERR_VALIDATION,
            "1 validation error detected: Value '%.*s' at 'comparisonOperator' failed to satisfy constraint: Member must "
            "satisfy "
            "enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]",
            (int)(name.len < 40 ? name.len : 40), (const char *)name.ptr);
    for (; entry->list.type == VALUE_L && tail && value_walk_next(&walk, NULL, &value); count++)
        tail = add_value(arena, tail, &value);
    if (entry->value.type != VALUE_NONE && tail) {
        tail = add_value(arena, tail, &entry->value);
        count++;
    }
    if (!tail)
        return -1;
    if (expected && o->min > 0 && entry->list.type == VALUE_NONE && entry->value.type == VALUE_NONE)
        return err_set(e, ERR_VALIDATION,
                       INVALID "Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %.*s",
                       o->name, (int)(entry->name.len < 100 ? entry->name.len : 100), (const char *)entry->name.ptr);
    if (count < o->min || count > o->max)
        return bad_arguments(o, e);
    if (values && check_types(o, values, e) < 0)
        return -1;
    *result = build(arena, o, entry->name, values);
    return *result ? 0 : -1;
}

/* -- Entries with Value and Exists ---------------------------------------------------------------------------- */
static int build_exists(const struct entry *entry, struct arena *arena, struct node **result, struct err *e)
{
    bool given = entry->value.type != VALUE_NONE, exists = entry->exists.type == VALUE_NONE || entry->exists.truth;
    int len = (int)(entry->name.len < 100 ? entry->name.len : 100);
    const char *name = (const char *)entry->name.ptr;
    struct node *values = NULL;

    if (exists && !given)
        return err_set(e, ERR_VALIDATION, INVALID "Value must be provided when Exists is %s for Attribute: %.*s",
                       entry->exists.type == VALUE_NONE ? "null" : "true", len, name);
    if (!exists && given)
        return err_set(e, ERR_VALIDATION, INVALID "Value cannot be used when Exists is false for Attribute: %.*s", len, name);
    if (given && !add_value(arena, &values, &entry->value))
        return -1;
    *result = build(arena, given ? &operators[0] : &operators[7], entry->name, values);
    return *result ? 0 : -1;
}

static int build_entry(struct entry *entry, const struct value *map, bool expected, struct arena *arena, struct node **result,
                       struct err *e)
{
    int len = (int)(entry->name.len < 100 ? entry->name.len : 100);
    const char *name = (const char *)entry->name.ptr;
    bool list, compared;

    if (map->type != VALUE_M)
        return err_set(e, ERR_SERIALIZATION, "The condition on %.*s is no map", len, name);
    if (read_entry(entry, map, expected, e) < 0)
        return -1;
    list = entry->list.type != VALUE_NONE;
    compared = entry->comparison.type != VALUE_NONE;
    if (list && entry->value.type != VALUE_NONE)
        return err_set(e, ERR_VALIDATION, INVALID "Value and AttributeValueList cannot be used together for Attribute: %.*s",
                       len, name);
    if (compared && entry->exists.type != VALUE_NONE)
        return err_set(e, ERR_VALIDATION, INVALID "Exists and ComparisonOperator cannot be used together for Attribute: %.*s",
                       len, name);
    if (!compared && !expected)
        return err_set(e, ERR_VALIDATION, INVALID "A ComparisonOperator is required for Attribute: %.*s", len, name);
    if (!compared && list)
        return err_set(e, ERR_VALIDATION,
                       INVALID "AttributeValueList can only be used with a ComparisonOperator for Attribute: %.*s", len, name);
    return compared ? build_comparison(entry, expected, arena, result, e) : build_exists(entry, arena, result, e);
}

int legacy_condition(const struct value *map, bool expected, bool any, struct arena *arena, struct node **condition,
                     struct err *e)
{
    struct value_walk walk = value_walk_of(map);
    struct node *first = NULL, **tail = &first;
    struct entry entry;
    struct value value;

    *condition = NULL;
    while (value_walk_next(&walk, &entry.name, &value)) {
        if (build_entry(&entry, &value, expected, arena, tail, e) < 0)
            return -1;
        tail = &(*tail)->next;
    }
    if (!first)
        return 0;
    struct node *chain = new_node(arena, any ? NODE_OR : NODE_AND);
    if (!chain)
        return -1;
    chain->args = first;
    *condition = chain;
    return 0;
}
