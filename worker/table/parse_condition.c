/* parse_condition.c - ConditionExpression, FilterExpression and KeyConditionExpression.
 *
 *     or         := and (OR and)*             and  := not (AND not)*           not := NOT not | comparison
 *     comparison := term [ cmp term | BETWEEN term AND term | IN ( term, ... ) ]
 *     term       := ( or ) | function | :value | path
 *
 * A term in parentheses may be an operand or a whole condition, which only its content tells; so both come out of the same
 * functions, and the kind of the node is checked where a condition or an operand is needed. */
#include <assert.h>

#include "common/limits.h"
#include "worker/table/parser.h"

static struct node *parse_or(struct parser *p);
static struct node *parse_term(struct parser *p);

/* A comparison may not be an operand; a function that yields no value may syntactically, and is refused by name. */
static bool is_operand(struct parser *p, const struct node *node)
{
    bool operand = !node_is_condition(node->kind) || (node->kind >= NODE_EXISTS && node->kind <= NODE_UNKNOWN);

    if (!operand)
        parser_syntax_error(p);
    return operand;
}

static struct node *parse_operand(struct parser *p)
{
    struct node *node = parse_term(p);
    return node && is_operand(p, node) ? node : NULL;
}

/* "((...))" is refused, "((...) AND ...)" is not: the inner pair must have closed right before the outer one does. */
static struct node *parse_parentheses(struct parser *p)
{
    struct token open = p->token;

    if (!parser_enter(p))
        return NULL;
    parser_advance(p);
    struct token inner = p->token;
    struct node *node = parse_or(p);
    if (!node)
        return NULL;
    if (!p->doubled && p->redundant_open.text.ptr == inner.text.ptr && p->redundant_close.text.ptr == p->previous.text.ptr &&
        inner.kind == TOKEN_OPEN)
        parser_note(p, RANK_PARENTHESES, "The expression has redundant parentheses;");
    struct token close = p->token;
    if (!parser_expect(p, TOKEN_CLOSE))
        return NULL;
    p->redundant_open = open;
    p->redundant_close = close;
    parser_leave(p);
    return node;
}

static struct node *parse_term(struct parser *p)
{
    if (p->token.kind == TOKEN_OPEN)
        return parse_parentheses(p);
    if (p->token.kind == TOKEN_VALUE)
        return parse_value_node(p);
    if (p->token.kind == TOKEN_WORD && p->following.kind == TOKEN_OPEN && !token_is_keyword(&p->token, "NOT") &&
        !token_is_keyword(&p->token, "AND") && !token_is_keyword(&p->token, "OR") && !token_is_keyword(&p->token, "IN"))
        return parse_function(p, parse_operand);
    return parse_path_node(p);
}

static struct node *finish_comparison(struct parser *p, enum node_kind kind, struct node *args)
{
    struct node *node = parser_node(p, kind, args);

    if (!node)
        return NULL;
    check_misused(p, args);
    check_comparison(p, node);
    p->conditions++;
    return node;
}

static struct node *parse_between(struct parser *p, struct node *left)
{
    parser_advance(p);
    left->next = parse_operand(p);
    if (!left->next)
        return NULL;
    if (!token_is_keyword(&p->token, "AND"))
        return parser_syntax_error(p);
    parser_advance(p);
    left->next->next = parse_operand(p);
    if (!left->next->next)
        return NULL;
    return finish_comparison(p, NODE_BETWEEN, left);
}

static struct node *parse_in(struct parser *p, struct node *left)
{
    struct node **tail = &left->next;
    unsigned count = 0;

    parser_advance(p);
    if (!parser_expect(p, TOKEN_OPEN))
        return NULL;
    do {
        *tail = parse_operand(p);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
        count++;
    } while (parser_accept(p, TOKEN_COMMA));
    if (!parser_expect(p, TOKEN_CLOSE))
        return NULL;
    if (count > LIMIT_EXPRESSION_IN_OPERANDS)
        parser_note(p, condition_rank(p, RANK_OPERAND_COUNT),
                    "The IN operator is provided with too many operands; number of operands: %u", count);
    return finish_comparison(p, NODE_IN, left);
}

static bool comparator_of(enum token_kind token, enum node_kind *kind)
{
    static const enum node_kind comparators[] = {NODE_EQ, NODE_NE, NODE_LT, NODE_LE, NODE_GT, NODE_GE};

    if (token < TOKEN_EQ || token > TOKEN_GE)
        return false;
    *kind = comparators[token - TOKEN_EQ];
    return true;
}

static struct node *parse_comparison(struct parser *p)
{
    enum node_kind kind;
    struct node *left = parse_term(p);

    if (!left)
        return NULL;
    bool between = token_is_keyword(&p->token, "BETWEEN"), in = token_is_keyword(&p->token, "IN");
    if (comparator_of(p->token.kind, &kind)) {
        if (!is_operand(p, left))
            return NULL;
        parser_advance(p);
        left->next = parse_operand(p);
        return left->next ? finish_comparison(p, kind, left) : NULL;
    }
    if ((between || in) && !is_operand(p, left))
        return NULL;
    if (between)
        return parse_between(p, left);
    if (in)
        return parse_in(p, left);
    if (left->kind >= NODE_EXISTS && left->kind <= NODE_UNKNOWN)
        p->conditions++;
    return left;
}

/* A bare operand where a condition is needed: size(...) has a message of its own, a path or value is a syntax error. */
static bool need_condition(struct parser *p, const struct node *node)
{
    if (node_is_condition(node->kind))
        return true;
    if (node->kind != NODE_PATH && node->kind != NODE_VALUE) {
        parser_note(p, RANK_MISUSED_FUNCTION, "The function is not allowed to be used this way in an expression; function: %s",
                    node_text(node->kind));
        return true;
    }
    parser_syntax_error(p);
    return false;
}

static struct node *parse_not(struct parser *p)
{
    if (!token_is_keyword(&p->token, "NOT"))
        return parse_comparison(p);
    if (!parser_enter(p))
        return NULL;
    parser_advance(p);
    struct node *inner = parse_not(p);
    if (!inner || !need_condition(p, inner))
        return NULL;
    parser_leave(p);
    return parser_node(p, NODE_NOT, inner);
}

/* One level of left-associative operators as one node with all its arguments: no recursion for a long chain. */
static struct node *parse_chain(struct parser *p, const char *keyword, enum node_kind kind,
                                struct node *(*level)(struct parser *p))
{
    struct node *first = level(p), *last = first, *chain = NULL;

    if (!first || !token_is_keyword(&p->token, keyword))
        return first;
    while (token_is_keyword(&p->token, keyword)) {
        if (!need_condition(p, last))
            return NULL;
        if (chain ? !parser_count_operator(p) : !(chain = parser_node(p, kind, NULL)))
            return NULL;
        parser_advance(p);
        last->next = level(p);
        if (!last->next)
            return NULL;
        last = last->next;
    }
    chain->args = first;
    return need_condition(p, last) ? chain : NULL;
}

static struct node *parse_and(struct parser *p) { return parse_chain(p, "AND", NODE_AND, parse_not); }
static struct node *parse_or(struct parser *p) { return parse_chain(p, "OR", NODE_OR, parse_and); }

static struct node *parse_whole(struct parser *p)
{
    struct node *root = parse_or(p);

    if (root)
        need_condition(p, root);
    return parser_finish(p) == 0 ? root : NULL;
}

struct node *parse_condition(struct expr_context *c, const char *title, struct slice text, struct err *e)
{
    struct parser parser;

    if (parser_init(&parser, c, GRAMMAR_CONDITION, title, text, e) < 0)
        return NULL;
    return parse_whole(&parser);
}

struct node *parse_key_condition(struct expr_context *c, struct slice text, struct err *e)
{
    struct parser parser;

    if (parser_init(&parser, c, GRAMMAR_CONDITION, "KeyConditionExpression", text, e) < 0)
        return NULL;
    parser.doubled = true;
    return parse_whole(&parser);
}
