/* partiql_condition.c - WHERE: the same trees as ConditionExpression, out of another grammar.
 *
 *     or        := and (OR and)*          and := not (AND not)*          not := NOT not | predicate
 *     predicate := operand [ cmp operand | [NOT] BETWEEN operand AND operand | [NOT] IN [ operand, ... ] | IS [NOT] NULL | MISSING ]
 *     operand   := ( or ) | literal | ? | function ( operand, ... ) | path
 *
 * A condition may be an operand: it is a BOOL then. */
#include "common/limits.h"
#include "worker/table/partiql_parser.h"

static struct node *parse_or(struct pq_parser *p);

static const struct value null_name = {
    .type = VALUE_S, .encoded = {(const unsigned char *)"\xa4NULL", 5}, .bytes = {(const unsigned char *)"NULL", 4}};

/* -- Operands ------------------------------------------------------------------------------------------------- */
static struct node *parse_parentheses(struct pq_parser *p)
{
    if (!pq_enter(p))
        return NULL;
    pq_advance(p);
    struct node *node = parse_or(p);
    if (!node || !pq_expect(p, PQ_CLOSE))
        return NULL;
    pq_leave(p);
    return node;
}

static const struct {
    const char *name;
    enum node_kind kind;
    unsigned operands;
} functions[] = {
    {"SIZE", NODE_SIZE, 1},           {"ATTRIBUTE_EXISTS", NODE_EXISTS, 1}, {"ATTRIBUTE_NOT_EXISTS", NODE_NOT_EXISTS, 1},
    {"ATTRIBUTE_TYPE", NODE_TYPE, 2}, {"BEGINS_WITH", NODE_BEGINS_WITH, 2}, {"CONTAINS", NODE_CONTAINS, 2}};

static struct node *parse_function(struct pq_parser *p)
{
    struct pq_token name = p->token;
    struct node *args = NULL, **tail = &args;
    unsigned count = 0;
    size_t i = 0;

    while (i < sizeof functions / sizeof *functions && !pq_is_keyword(&name, functions[i].name))
        i++;
    if (i == sizeof functions / sizeof *functions)
        return pq_error(p, "Invalid function name; function: %.*s", (int)(name.text.len < 200 ? name.text.len : 200),
                        (const char *)name.text.ptr);
    if (!pq_enter(p))
        return NULL;
    pq_advance(p);
    pq_advance(p);
    do {
        *tail = pq_operand(p);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
        count++;
    } while (pq_accept(p, PQ_COMMA));
    if (!pq_expect(p, PQ_CLOSE))
        return NULL;
    if (count != functions[i].operands)
        return pq_error(
            p, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %u",
            node_text(functions[i].kind), count);
    pq_leave(p);
    struct node *node = pq_node(p, functions[i].kind, args);
    return node && pq_check_function(p, node) ? node : NULL;
}

struct node *pq_operand(struct pq_parser *p)
{
    struct node *node;

    if (p->token.kind == PQ_OPEN)
        return parse_parentheses(p);
    if (p->token.kind == PQ_WORD && p->following.kind == PQ_OPEN && !pq_is_reserved(&p->token))
        return parse_function(p);
    if (pq_starts_value(p)) {
        node = pq_node(p, NODE_VALUE, NULL);
        return node && pq_value(p, &node->value) ? node : NULL;
    }
    if (!pq_is_name(&p->token))
        return pq_unexpected(p);
    node = pq_node(p, NODE_PATH, NULL);
    return node && pq_path(p, &node->path) ? node : NULL;
}

/* -- Predicates ----------------------------------------------------------------------------------------------- */
static struct node *finish(struct pq_parser *p, enum node_kind kind, struct node *args)
{
    struct node *node = pq_node(p, kind, args);
    return node && pq_check_comparison(p, node) ? node : NULL;
}

static struct node *parse_between(struct pq_parser *p, struct node *left)
{
    left->next = pq_operand(p);
    if (!left->next || !pq_expect_keyword(p, "AND"))
        return NULL;
    left->next->next = pq_operand(p);
    return left->next->next ? finish(p, NODE_BETWEEN, left) : NULL;
}

static struct node *parse_in(struct pq_parser *p, struct node *left)
{
    struct node **tail = &left->next;
    bool brackets = p->token.kind == PQ_OPEN_LIST;

    if (!brackets && p->token.kind != PQ_OPEN)
        return pq_unexpected(p);
    pq_advance(p);
    do {
        *tail = pq_operand(p);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    } while (pq_accept(p, PQ_COMMA));
    if (!pq_expect(p, brackets ? PQ_CLOSE_LIST : PQ_CLOSE))
        return NULL;
    return finish(p, NODE_IN, left);
}

static bool is_type_name(const struct pq_token *token)
{
    static const char *const names[] = {"BOOL",      "BOOLEAN", "SMALLINT", "INTEGER", "INT",     "INT4",      "INT8",
                                        "FLOAT",     "REAL",    "DOUBLE",   "DECIMAL", "NUMERIC", "TIMESTAMP", "CHAR",
                                        "CHARACTER", "VARCHAR", "STRING",   "SYMBOL",  "CLOB",    "BLOB",      "STRUCT",
                                        "TUPLE",     "LIST",    "SEXP",     "BAG",     "ANY",     "DATE",      "TIME"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pq_is_keyword(token, names[i]))
            return true;
    return false;
}

static struct node *parse_is(struct pq_parser *p, struct node *left)
{
    bool negated = pq_accept_keyword(p, "NOT"), null = pq_is_keyword(&p->token, "NULL");
    struct node *node;

    if (is_type_name(&p->token))
        return pq_error(p, "Unsupported operation: IsType");
    if (!null && !pq_is_keyword(&p->token, "MISSING"))
        return pq_malformed(p, "Expected type name");
    pq_advance(p);
    if (left->kind != NODE_PATH)
        return pq_error(p, "Operator or function requires a document path; operator or function: IS");
    if (null) {
        left->next = pq_node(p, NODE_VALUE, NULL);
        if (!left->next)
            return NULL;
        left->next->value = null_name;
        node = pq_node(p, NODE_TYPE, left);
    } else {
        node = pq_node(p, NODE_NOT_EXISTS, left);
    }
    return node && negated ? pq_node(p, NODE_NOT, node) : node;
}

static struct node *parse_predicate(struct pq_parser *p)
{
    static const enum node_kind comparators[] = {NODE_EQ, NODE_NE, NODE_LT, NODE_LE, NODE_GT, NODE_GE};
    struct node *left = pq_operand(p), *node;

    if (!left)
        return NULL;
    if (p->token.kind >= PQ_EQ && p->token.kind <= PQ_GE) {
        enum node_kind kind = comparators[p->token.kind - PQ_EQ];
        pq_advance(p);
        left->next = pq_operand(p);
        return left->next ? finish(p, kind, left) : NULL;
    }
    if (pq_accept_keyword(p, "IS"))
        return parse_is(p, left);
    bool negated =
        pq_is_keyword(&p->token, "NOT") && (pq_is_keyword(&p->following, "IN") || pq_is_keyword(&p->following, "BETWEEN"));
    if (negated)
        pq_advance(p);
    if (pq_accept_keyword(p, "BETWEEN"))
        node = parse_between(p, left);
    else if (pq_accept_keyword(p, "IN"))
        node = parse_in(p, left);
    else
        return left;
    return node && negated ? pq_node(p, NODE_NOT, node) : node;
}

/* -- Logic ---------------------------------------------------------------------------------------------------- */
static bool need_condition(struct pq_parser *p, const struct node *node)
{
    return node_is_condition(node->kind) || pq_malformed(p, "Expected a condition");
}

static struct node *parse_not(struct pq_parser *p)
{
    if (!pq_is_keyword(&p->token, "NOT"))
        return parse_predicate(p);
    if (!pq_enter(p))
        return NULL;
    pq_advance(p);
    struct node *inner = parse_not(p);
    if (!inner || !need_condition(p, inner))
        return NULL;
    pq_leave(p);
    return pq_node(p, NODE_NOT, inner);
}

static struct node *parse_chain(struct pq_parser *p, const char *keyword, enum node_kind kind,
                                struct node *(*level)(struct pq_parser *p))
{
    struct node *first = level(p), *last = first, *chain = NULL;

    if (!first || !pq_is_keyword(&p->token, keyword))
        return first;
    while (pq_is_keyword(&p->token, keyword)) {
        if (!need_condition(p, last) || !(chain ? pq_count_operator(p) : (chain = pq_node(p, kind, NULL)) != NULL))
            return NULL;
        pq_advance(p);
        if (p->token.kind == PQ_END || p->token.kind == PQ_SEMICOLON)
            return pq_malformed(p, "Missing right-hand side expression of infix operator");
        last->next = level(p);
        if (!last->next)
            return NULL;
        last = last->next;
    }
    chain->args = first;
    return need_condition(p, last) ? chain : NULL;
}

static struct node *parse_and(struct pq_parser *p) { return parse_chain(p, "AND", NODE_AND, parse_not); }
static struct node *parse_or(struct pq_parser *p) { return parse_chain(p, "OR", NODE_OR, parse_and); }

struct node *pq_condition(struct pq_parser *p)
{
    struct node *node = parse_or(p);
    return node && need_condition(p, node) ? node : NULL;
}
