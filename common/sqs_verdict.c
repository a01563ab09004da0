/* sqs_verdict.c - statements are looked at one by one; see sqs_verdict.h. */
#include "common/sqs_verdict.h"

#include <stdio.h>
#include <string.h>

#define STATEMENTS_MAX 20u
#define PRINCIPALS_MAX 50u
#define CONDITIONS_MAX 10u
#define ARN_BYTES 400u /* of a caller: "arn:aws:iam::123456789012:user/" and an access key */

static struct value member_of(const struct value *map, const char *name) { return value_map_get(map, slice_text(name)); }
static bool is(struct slice text, const char *word) { return slice_equal(text, slice_text(word)); }

/* -- Lists that may be one text -------------------------------------------------------------------------------------------- */
struct texts {
    const struct value *value;
    struct value_walk walk;
    bool one;
};

static struct texts texts_of(const struct value *value)
{
    return (struct texts){.value = value, .walk = value_walk_of(value), .one = value->type == VALUE_S};
}

static bool next_text(struct texts *t, struct slice *text)
{
    struct value v;
    if (t->one) {
        *text = t->value->bytes;
        t->one = false;
        return true;
    }
    while (t->value->type == VALUE_L && value_walk_next(&t->walk, NULL, &v))
        if (v.type == VALUE_S) {
            *text = v.bytes;
            return true;
        }
    return false;
}

/* -- Patterns: '*' any text, '?' any byte ------------------------------------------------------------------------------------ */
static unsigned char fold(unsigned char c, bool any_case) { return any_case && c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

static bool matches(struct slice pattern, struct slice text, bool any_case)
{
    size_t p = 0, t = 0, star = SIZE_MAX, retry = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.len &&
                   (pattern.ptr[p] == '?' || fold(pattern.ptr[p], any_case) == fold(text.ptr[t], any_case))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool any_matches(const struct value *patterns, struct slice text, bool any_case)
{
    struct slice one;
    for (struct texts t = texts_of(patterns); next_text(&t, &one);)
        if (matches(one, text, any_case))
            return true;
    return false;
}

/* -- Principals -------------------------------------------------------------------------------------------------------------- */
static struct slice caller_arn(const struct sqs_caller *c, char text[static ARN_BYTES])
{
    int len = snprintf(text, ARN_BYTES, "arn:aws:iam::%.*s:user/%.*s", (int)c->account.len, (const char *)c->account.ptr,
                       (int)c->key.len, (const char *)c->key.ptr);
    return slice_of(text, len < 0 ? 0 : (size_t)len < ARN_BYTES ? (size_t)len : ARN_BYTES - 1);
}

static bool names_caller(struct slice principal, const struct sqs_caller *caller)
{
    char user[ARN_BYTES], root[ARN_BYTES];
    snprintf(root, sizeof root, "arn:aws:iam::%.*s:root", (int)caller->account.len, (const char *)caller->account.ptr);
    return is(principal, "*") || slice_equal(principal, caller->account) || is(principal, root) ||
           slice_equal(principal, caller_arn(caller, user));
}

static bool has_caller(const struct value *principals, const struct sqs_caller *caller)
{
    struct value listed = principals->type == VALUE_M ? member_of(principals, "AWS") : *principals;
    struct slice one;
    for (struct texts t = texts_of(&listed); next_text(&t, &one);)
        if (names_caller(one, caller))
            return true;
    return false;
}

/* -- Conditions -------------------------------------------------------------------------------------------------------------- */
/* What is known of a request under a condition's key; false: nothing. text: room for what has to be put together. */
static bool known_of(const struct sqs_claim *claim, struct slice key, char text[static ARN_BYTES], struct slice *known)
{
    static const struct slice aws = {(const unsigned char *)"aws:*", 5};
    if (!matches(aws, key, true))
        return false;
    struct slice name = slice_of(key.ptr + 4, key.len - 4);
    if (matches(slice_text("principalaccount"), name, true))
        *known = claim->caller.account;
    else if (matches(slice_text("username"), name, true))
        *known = claim->caller.key;
    else if (matches(slice_text("principalarn"), name, true))
        *known = caller_arn(&claim->caller, text);
    else if (matches(slice_text("requestedregion"), name, true))
        *known = claim->region;
    else if (matches(slice_text("principaltype"), name, true))
        *known = slice_text("User");
    else if (matches(slice_text("securetransport"), name, true))
        *known = slice_text("false"); /* gateways speak plain HTTP */
    else
        return false;
    return true;
}

enum comparison { COMPARE_EQUAL, COMPARE_LIKE, COMPARE_ANY_CASE, COMPARE_NULL };

static const struct operator_row {
    const char *name;
    enum comparison comparison;
    bool negated;
} operators[] = {
    {"StringEquals", COMPARE_EQUAL, false},
    {"StringNotEquals", COMPARE_EQUAL, true},
    {"StringLike", COMPARE_LIKE, false},
    {"StringNotLike", COMPARE_LIKE, true},
    {"StringEqualsIgnoreCase", COMPARE_ANY_CASE, false},
    {"StringNotEqualsIgnoreCase", COMPARE_ANY_CASE, true},
    {"ArnEquals", COMPARE_LIKE, false},
    {"ArnNotEquals", COMPARE_LIKE, true},
    {"ArnLike", COMPARE_LIKE, false},
    {"ArnNotLike", COMPARE_LIKE, true},
    {"Bool", COMPARE_ANY_CASE, false},
    {"Null", COMPARE_NULL, false},
};

static const struct operator_row *operator_of(struct slice name)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (is(name, operators[i].name))
            return &operators[i];
    return NULL;
}

static bool equals_one(struct slice known, struct slice wanted, enum comparison comparison)
{
    switch (comparison) {
    case COMPARE_LIKE:
        return matches(wanted, known, false);
    case COMPARE_ANY_CASE:
        return known.len == wanted.len && matches(wanted, known, true);
    default:
        return slice_equal(known, wanted);
    }
}

static struct slice text_of(const struct value *value)
{
    if (value->type == VALUE_BOOL)
        return slice_text(value->truth ? "true" : "false");
    return value->type == VALUE_S ? value->bytes : slice_text("");
}

/* One KEY: VALUES. A key of which nothing is known equals nothing. */
static bool holds(const struct operator_row *row, const struct sqs_claim *claim, struct slice key, const struct value *values)
{
    char room[ARN_BYTES];
    struct slice known;
    struct value one;
    bool has = known_of(claim, key, room, &known), found = false;
    if (row->comparison == COMPARE_NULL)
        return is(text_of(values), has ? "false" : "true");
    if (values->type == VALUE_L)
        for (struct value_walk walk = value_walk_of(values); value_walk_next(&walk, NULL, &one);)
            found |= has && equals_one(known, text_of(&one), row->comparison);
    else
        found = has && equals_one(known, text_of(values), row->comparison);
    return found != row->negated;
}

/* unsure: the answer where an operator is not known. */
static bool all_hold(const struct value *conditions, const struct sqs_claim *claim, bool unsure)
{
    struct slice name, key;
    struct value keys, values;
    bool all = true;
    for (struct value_walk walk = value_walk_of(conditions);
         conditions->type == VALUE_M && value_walk_next(&walk, &name, &keys);) {
        const struct operator_row *row = operator_of(name);
        if (!row)
            all = all && unsure;
        for (struct value_walk of = value_walk_of(&keys); row && keys.type == VALUE_M && value_walk_next(&of, &key, &values);)
            all = all && holds(row, claim, key, &values);
    }
    return all;
}

/* -- Statements -------------------------------------------------------------------------------------------------------------- */
static bool action_matches(const struct value *patterns, const char *action)
{
    char full[64];
    snprintf(full, sizeof full, "sqs:%s", action);
    return any_matches(patterns, slice_text(full), true);
}

static bool applies(const struct value *statement, const struct sqs_claim *claim, bool deny)
{
    struct value principal = member_of(statement, "Principal"), others = member_of(statement, "NotPrincipal");
    struct value action = member_of(statement, "Action"), other_actions = member_of(statement, "NotAction");
    struct value resource = member_of(statement, "Resource"), other_resources = member_of(statement, "NotResource");
    struct value conditions = member_of(statement, "Condition");
    if (principal.type == VALUE_NONE ? others.type == VALUE_NONE || has_caller(&others, &claim->caller)
                                     : !has_caller(&principal, &claim->caller))
        return false;
    if (action.type == VALUE_NONE ? other_actions.type == VALUE_NONE || action_matches(&other_actions, claim->action)
                                  : !action_matches(&action, claim->action))
        return false;
    if (resource.type != VALUE_NONE ? !any_matches(&resource, claim->arn, false)
                                    : other_resources.type != VALUE_NONE && any_matches(&other_resources, claim->arn, false))
        return false;
    return all_hold(&conditions, claim, deny);
}

/* A statement alone may stand where a list of them could. */
static bool next_statement(const struct value *statements, struct value_walk *walk, bool *first, struct value *statement)
{
    if (statements->type == VALUE_L)
        return value_walk_next(walk, NULL, statement);
    *statement = *statements;
    bool alone = *first && statements->type == VALUE_M;
    *first = false;
    return alone;
}

enum sqs_verdict sqs_policy_verdict(const struct value *policy, const struct sqs_claim *claim)
{
    struct value statements = member_of(policy, "Statement"), statement;
    struct value_walk walk = value_walk_of(&statements);
    enum sqs_verdict verdict = SQS_SILENT;
    bool first = true;
    while (next_statement(&statements, &walk, &first, &statement)) {
        bool deny = is(member_of(&statement, "Effect").bytes, "Deny");
        if (!applies(&statement, claim, deny))
            continue;
        if (deny)
            return SQS_DENIED;
        verdict = SQS_ALLOWED;
    }
    return verdict;
}

/* -- Form -------------------------------------------------------------------------------------------------------------------- */
/* A text, or a list of texts only; count: how many. */
static bool are_texts(const struct value *value, uint32_t *count)
{
    struct value one;
    *count = value->type == VALUE_L ? value->count : 1;
    if (value->type != VALUE_L)
        return value->type == VALUE_S;
    for (struct value_walk walk = value_walk_of(value); value_walk_next(&walk, NULL, &one);)
        if (one.type != VALUE_S)
            return false;
    return true;
}

static bool principals_valid(const struct value *principals)
{
    struct slice kind;
    struct value listed;
    uint32_t count, all = 0;
    if (principals->type != VALUE_M)
        return principals->type == VALUE_S && is(principals->bytes, "*");
    for (struct value_walk walk = value_walk_of(principals); value_walk_next(&walk, &kind, &listed); all += count)
        if (!are_texts(&listed, &count))
            return false;
    return all >= 1 && all <= PRINCIPALS_MAX;
}

/* Exactly one of both, of texts. */
static bool one_of(const struct value *statement, const char *name, const char *opposite, bool required)
{
    struct value a = member_of(statement, name), b = member_of(statement, opposite);
    uint32_t count;
    if (a.type == VALUE_NONE && b.type == VALUE_NONE)
        return !required;
    return (a.type == VALUE_NONE) != (b.type == VALUE_NONE) && are_texts(a.type == VALUE_NONE ? &b : &a, &count);
}

static bool conditions_valid(const struct value *conditions)
{
    struct value keys;
    uint32_t count = 0;
    if (conditions->type == VALUE_NONE)
        return true;
    for (struct value_walk walk = value_walk_of(conditions);
         conditions->type == VALUE_M && value_walk_next(&walk, NULL, &keys);) {
        if (keys.type != VALUE_M)
            return false;
        count += keys.count;
    }
    return conditions->type == VALUE_M && count <= CONDITIONS_MAX;
}

static bool statement_valid(const struct value *statement)
{
    struct value effect = member_of(statement, "Effect"), principal = member_of(statement, "Principal"),
                 others = member_of(statement, "NotPrincipal"), conditions = member_of(statement, "Condition");
    if (statement->type != VALUE_M || effect.type != VALUE_S || (!is(effect.bytes, "Allow") && !is(effect.bytes, "Deny")))
        return false;
    if ((principal.type == VALUE_NONE) == (others.type == VALUE_NONE) ||
        !principals_valid(principal.type == VALUE_NONE ? &others : &principal))
        return false;
    return one_of(statement, "Action", "NotAction", true) && one_of(statement, "Resource", "NotResource", false) &&
           conditions_valid(&conditions);
}

bool sqs_policy_valid(const struct value *policy)
{
    struct value statements = member_of(policy, "Statement"), statement;
    struct value_walk walk = value_walk_of(&statements);
    bool first = true;
    if (policy->type != VALUE_M || (statements.type != VALUE_L && statements.type != VALUE_M) ||
        (statements.type == VALUE_L && statements.count > STATEMENTS_MAX))
        return false;
    while (next_statement(&statements, &walk, &first, &statement))
        if (!statement_valid(&statement))
            return false;
    return true;
}
