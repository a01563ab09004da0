/* parse_function.c - function calls of conditions and updates, by name out of the table of node kinds. */
#include <assert.h>
#include <string.h>

#include "worker/table/parser.h"

static const struct {
    enum node_kind kind;
    enum grammar grammar;
} functions[] = {
    {NODE_SIZE, GRAMMAR_CONDITION},       {NODE_EXISTS, GRAMMAR_CONDITION},      {NODE_NOT_EXISTS, GRAMMAR_CONDITION},
    {NODE_TYPE, GRAMMAR_CONDITION},       {NODE_BEGINS_WITH, GRAMMAR_CONDITION}, {NODE_CONTAINS, GRAMMAR_CONDITION},
    {NODE_IF_NOT_EXISTS, GRAMMAR_UPDATE}, {NODE_LIST_APPEND, GRAMMAR_UPDATE},
};

static enum node_kind function_kind(struct parser *p, struct slice name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (!slice_equal(name, slice_text(node_text(functions[i].kind))))
            continue;
        if (functions[i].grammar != p->grammar)
            parser_note(p, RANK_UNKNOWN_FUNCTION, "The function is not allowed in %s expression; function: %s",
                        p->grammar == GRAMMAR_UPDATE ? "an update" : "a condition", node_text(functions[i].kind));
        return functions[i].kind;
    }
    parser_note(p, RANK_UNKNOWN_FUNCTION, "Invalid function name; function: %.*s", (int)(name.len < 200 ? name.len : 200),
                (const char *)name.ptr);
    return NODE_UNKNOWN;
}

static bool parse_arguments(struct parser *p, struct node **args, struct node *(*operand)(struct parser *p))
{
    do {
        *args = operand(p);
        if (!*args)
            return false;
        args = &(*args)->next;
    } while (parser_accept(p, TOKEN_COMMA));
    return parser_expect(p, TOKEN_CLOSE);
}

struct node *parse_function(struct parser *p, struct node *(*operand)(struct parser *p))
{
    struct slice name = p->token.text;
    struct node *args = NULL;

    assert(p->token.kind == TOKEN_WORD && p->following.kind == TOKEN_OPEN);
    if (!parser_enter(p))
        return NULL;
    enum node_kind kind = function_kind(p, name);
    parser_advance(p);
    parser_advance(p);
    if (!parse_arguments(p, &args, operand))
        return NULL;
    struct node *node = parser_node(p, kind, args);
    if (node)
        check_function(p, node, name);
    parser_leave(p);
    return node;
}
