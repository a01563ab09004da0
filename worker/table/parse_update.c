/* parse_update.c - UpdateExpression and ProjectionExpression.
 *
 *     update := clause+     clause := SET path = v, ... | REMOVE path, ... | ADD path :value, ... | DELETE path :value, ...
 *     v := operand | operand + operand | operand - operand
 *     operand := ( v ) | function | :value | path
 *     projection := path , ... */
#include <assert.h>
#include <string.h>

#include "worker/table/parser.h"
#include "worker/table/paths.h"

static struct node *parse_set_value(struct parser *p);

static struct node *parse_operand(struct parser *p)
{
    if (p->token.kind == TOKEN_OPEN) {
        if (!parser_enter(p))
            return NULL;
        parser_advance(p);
        struct node *inner = parse_set_value(p);
        if (!inner || !parser_expect(p, TOKEN_CLOSE))
            return NULL;
        parser_leave(p);
        return inner;
    }
    if (p->token.kind == TOKEN_VALUE)
        return parse_value_node(p);
    if (p->token.kind == TOKEN_WORD && p->following.kind == TOKEN_OPEN)
        return parse_function(p, parse_operand);
    return parse_path_node(p);
}

static bool is_arithmetic(const struct node *node) { return node->kind == NODE_PLUS || node->kind == NODE_MINUS; }

/* One operator a value: a + b + c is no expression of DynamoDB's, in parentheses neither. */
static struct node *parse_set_value(struct parser *p)
{
    struct node *left = parse_operand(p);

    if (!left || (p->token.kind != TOKEN_PLUS && p->token.kind != TOKEN_MINUS))
        return left;
    enum node_kind kind = p->token.kind == TOKEN_PLUS ? NODE_PLUS : NODE_MINUS;
    if (is_arithmetic(left))
        return parser_syntax_error(p);
    parser_advance(p);
    left->next = parse_operand(p);
    if (!left->next)
        return NULL;
    if (is_arithmetic(left->next))
        return parser_syntax_error(p);
    struct node *node = parser_node(p, kind, left);
    if (node)
        check_arithmetic(p, node);
    return node;
}

static bool parse_action(struct parser *p, struct action *action)
{
    if (!parse_path(p, &action->path))
        return false;
    if (action->kind == ACTION_REMOVE)
        return true;
    if (action->kind == ACTION_SET) {
        if (!parser_expect(p, TOKEN_EQ))
            return false;
        action->operand = parse_set_value(p);
        return action->operand != NULL;
    }
    action->operand = parse_value_node(p);
    if (action->operand)
        check_action(p, action);
    return action->operand != NULL;
}

static bool parse_clause(struct parser *p, enum action_kind kind, struct action ***tail, uint32_t *count)
{
    do {
        struct action *action = arena_alloc(p->context->arena, sizeof *action);
        if (!action)
            return false;
        action->kind = kind;
        if (!parse_action(p, action))
            return false;
        **tail = action;
        *tail = &action->next;
        (*count)++;
    } while (parser_accept(p, TOKEN_COMMA));
    return true;
}

static const char *const clauses[] = {
    [ACTION_SET] = "SET", [ACTION_REMOVE] = "REMOVE", [ACTION_ADD] = "ADD", [ACTION_DELETE] = "DELETE"};

static bool parse_clauses(struct parser *p, struct update *update)
{
    struct action **tail = &update->actions;
    bool given[sizeof clauses / sizeof *clauses] = {false};

    do {
        size_t kind = 0;
        while (kind < sizeof clauses / sizeof *clauses && !token_is_keyword(&p->token, clauses[kind]))
            kind++;
        if (kind == sizeof clauses / sizeof *clauses) {
            parser_syntax_error(p);
            return false;
        }
        if (given[kind])
            parser_note(p, RANK_SECTION, "The \"%s\" section can only be used once in an update expression;", clauses[kind]);
        given[kind] = true;
        parser_advance(p);
        if (!parse_clause(p, (enum action_kind)kind, &tail, &update->count))
            return false;
    } while (p->token.kind != TOKEN_END);
    return true;
}

/* Notes two paths that overlap, unless something is wrong already: undefined names would look alike. */
static void check_paths(struct parser *p, struct path_entry *entries, uint32_t count)
{
    struct err e = {0};

    if ((!p->noted || p->note_rank >= RANK_OPERAND_TYPE) && path_set_init(entries, count, &e) < 0)
        parser_note(p, RANK_DISTINCT, "%s", e.text);
}

static void check_update_paths(struct parser *p, const struct update *update)
{
    struct path_entry *entries = arena_array(p->context->arena, update->count, sizeof *entries);
    uint32_t n = 0;

    if (!entries)
        return;
    for (struct action *action = update->actions; action; action = action->next, n++)
        entries[n] = (struct path_entry){.path = &action->path, .order = n};
    assert(n == update->count);
    check_paths(p, entries, n);
}

int parse_update(struct expr_context *c, struct slice text, struct update *update, struct err *e)
{
    struct parser parser;

    memset(update, 0, sizeof *update);
    if (parser_init(&parser, c, GRAMMAR_UPDATE, "UpdateExpression", text, e) < 0)
        return -1;
    if (parse_clauses(&parser, update))
        check_update_paths(&parser, update);
    return parser_finish(&parser);
}

/* The paths of a projection are collected in a list first: their number is known at the end. */
struct path_link {
    struct path path;
    struct path_link *next;
};

static struct path_link *parse_path_list(struct parser *p, uint32_t *count)
{
    struct path_link *first = NULL, **tail = &first;

    do {
        struct path_link *link = arena_alloc(p->context->arena, sizeof *link);
        if (!link || !parse_path(p, &link->path))
            return NULL;
        *tail = link;
        tail = &link->next;
        (*count)++;
    } while (parser_accept(p, TOKEN_COMMA));
    return first;
}

int parse_projection(struct expr_context *c, struct slice text, struct projection *projection, struct err *e)
{
    struct parser parser;
    uint32_t count = 0, n = 0;

    memset(projection, 0, sizeof *projection);
    if (parser_init(&parser, c, GRAMMAR_PROJECTION, "ProjectionExpression", text, e) < 0)
        return -1;
    struct path_link *links = parse_path_list(&parser, &count);
    if (links) {
        struct path *paths = arena_array(c->arena, count, sizeof *paths);
        struct path_entry *entries = arena_array(c->arena, count, sizeof *entries);
        for (struct path_link *link = links; paths && entries && link; link = link->next, n++) {
            paths[n] = link->path;
            entries[n] = (struct path_entry){.path = &paths[n], .order = n};
        }
        if (n == count)
            check_paths(&parser, entries, count);
        projection->paths = paths;
        projection->count = n;
    }
    return parser_finish(&parser);
}
