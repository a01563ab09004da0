/* parser.c - the base of the three grammars: tokens with their neighbours, error ranks, limits, paths and values. */
#include "worker/table/parser.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"

static const struct {
    const char *text;
    bool condition;
} kinds[] = {
#define X(symbol, text, condition) {text, condition},
    NODE_TABLE(X)
#undef X
};

const char *node_text(enum node_kind kind)
{
    assert(kind < NODE_KINDS);
    return kinds[kind].text;
}

bool node_is_condition(enum node_kind kind)
{
    assert(kind < NODE_KINDS);
    return kinds[kind].condition;
}

/* -- Errors --------------------------------------------------------------------------------------------------- */
void parser_note(struct parser *p, uint32_t rank, const char *format, ...)
{
    char text[sizeof p->note.text];
    va_list args;

    if (p->noted && p->note_rank <= rank)
        return;
    p->noted = true;
    p->note_rank = rank;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    err_set(&p->note, ERR_VALIDATION, "Invalid %s: %s", p->title, text);
}

/* DynamoDB shows the token and the text from the token before it to the token behind it. */
void *parser_syntax_error(struct parser *p)
{
    const unsigned char *from = p->previous.text.len ? p->previous.text.ptr : p->token.text.ptr;
    const unsigned char *to = p->following.text.ptr + p->following.text.len;
    bool at_end = p->token.kind == TOKEN_END;
    int near = (int)(to - from < 100 ? to - from : 100);
    int token = (int)(p->token.text.len < 100 ? p->token.text.len : 100);

    if (p->syntax_failed)
        return NULL;
    p->syntax_failed = true;
    err_set(p->e, ERR_VALIDATION, "Invalid %s: Syntax error; token: \"%.*s\", near: \"%.*s\"", p->title, at_end ? 5 : token,
            at_end ? "<EOF>" : (const char *)p->token.text.ptr, near, (const char *)from);
    return NULL;
}

uint32_t condition_rank(const struct parser *p, uint32_t rank) { return rank + p->conditions * RANK_CONDITION_SPAN; }

/* -- Tokens --------------------------------------------------------------------------------------------------- */
int parser_init(struct parser *p, struct expr_context *c, enum grammar grammar, const char *title, struct slice text,
                struct err *e)
{
    memset(p, 0, sizeof *p);
    p->context = c;
    p->grammar = grammar;
    p->title = title;
    p->e = e;
    if (text.len == 0)
        return err_set(e, ERR_VALIDATION, "Invalid %s: The expression can not be empty;", title);
    if (text.len > LIMIT_EXPRESSION_BYTES)
        return err_set(e, ERR_VALIDATION,
                       "Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %zu", title,
                       text.len);
    p->lexer = lexer_of(text);
    p->token = lexer_next(&p->lexer);
    p->following = lexer_next(&p->lexer);
    return 0;
}

int parser_finish(struct parser *p)
{
    if (!p->syntax_failed && p->token.kind != TOKEN_END)
        parser_syntax_error(p);
    if (p->syntax_failed || p->context->arena->failed || p->context->arena->full)
        return -1;
    if (!p->noted)
        return 0;
    return err_set(p->e, p->note.code, "%s", p->note.text);
}

void parser_advance(struct parser *p)
{
    p->previous = p->token;
    p->token = p->following;
    p->following = lexer_next(&p->lexer);
}

bool parser_accept(struct parser *p, enum token_kind kind)
{
    if (p->token.kind != kind)
        return false;
    parser_advance(p);
    return true;
}

bool parser_expect(struct parser *p, enum token_kind kind)
{
    if (parser_accept(p, kind))
        return true;
    parser_syntax_error(p);
    return false;
}

/* -- Limits --------------------------------------------------------------------------------------------------- */
static void limit_error(struct parser *p, const char *what, unsigned max)
{
    if (!p->syntax_failed)
        err_set(p->e, ERR_VALIDATION, "Invalid %s: The expression has more than the maximum of %u %s", p->title, max, what);
    p->syntax_failed = true;
}

bool parser_enter(struct parser *p)
{
    if (p->depth == LIMIT_EXPRESSION_DEPTH) {
        limit_error(p, "nested parentheses, NOTs and functions", LIMIT_EXPRESSION_DEPTH);
        return false;
    }
    p->depth++;
    return true;
}

void parser_leave(struct parser *p)
{
    assert(p->depth > 0);
    p->depth--;
}

bool parser_count_operator(struct parser *p)
{
    if (++p->operators <= LIMIT_EXPRESSION_OPERATORS)
        return true;
    limit_error(p, "operators and functions", LIMIT_EXPRESSION_OPERATORS);
    return false;
}

struct node *parser_node(struct parser *p, enum node_kind kind, struct node *args)
{
    if (++p->nodes > LIMIT_EXPRESSION_NODES) {
        limit_error(p, "operands and operators", LIMIT_EXPRESSION_NODES);
        return NULL;
    }
    if (kind != NODE_PATH && kind != NODE_VALUE && !parser_count_operator(p))
        return NULL;
    struct node *node = arena_alloc(p->context->arena, sizeof *node);
    if (!node) {
        p->syntax_failed = true;
        return NULL;
    }
    node->kind = kind;
    node->args = args;
    node->value.type = VALUE_NONE;
    return node;
}

/* -- Paths and values ----------------------------------------------------------------------------------------- */
static bool is_clause_keyword(const struct token *token)
{
    return token_is_keyword(token, "SET") || token_is_keyword(token, "REMOVE") || token_is_keyword(token, "ADD") ||
           token_is_keyword(token, "DELETE");
}

static bool is_operator_keyword(const struct token *token)
{
    return token_is_keyword(token, "AND") || token_is_keyword(token, "OR") || token_is_keyword(token, "NOT") ||
           token_is_keyword(token, "IN") || token_is_keyword(token, "BETWEEN");
}

static bool parse_step_name(struct parser *p, struct path_step *step)
{
    struct slice text = p->token.text;

    if (p->token.kind == TOKEN_NAME) {
        struct placeholder *row = placeholders_use(&p->context->names, text);
        if (row)
            step->name = row->value.bytes;
        else
            parser_note(p, condition_rank(p, RANK_PLACEHOLDER),
                        "An expression attribute name used in the document path is not defined; attribute name: %.*s",
                        (int)text.len, (const char *)text.ptr);
    } else if (p->token.kind == TOKEN_WORD && !(p->grammar == GRAMMAR_UPDATE && is_clause_keyword(&p->token)) &&
               !(p->grammar == GRAMMAR_CONDITION && is_operator_keyword(&p->token))) {
        step->name = text;
        if (word_is_reserved(text))
            parser_note(p, RANK_RESERVED, "Attribute name is a reserved keyword; reserved keyword: %.*s", (int)text.len,
                        (const char *)text.ptr);
    } else {
        parser_syntax_error(p);
        return false;
    }
    parser_advance(p);
    return true;
}

static bool parse_step_index(struct parser *p, struct path_step *step)
{
    uint64_t index = 0;
    struct slice text = p->token.text;

    if (!parser_expect(p, TOKEN_NUMBER))
        return false;
    for (size_t i = 0; i < text.len && index <= INT32_MAX; i++)
        index = index * 10 + (unsigned)(text.ptr[i] - '0');
    if (index > INT32_MAX)
        parser_note(p, RANK_LIMIT, "List index is not within the allowable range; index: [%.*s]", (int)text.len,
                    (const char *)text.ptr);
    step->indexed = true;
    step->index = (uint32_t)index;
    return parser_expect(p, TOKEN_CLOSE_INDEX);
}

bool parse_path(struct parser *p, struct path *path)
{
    struct path_step steps[LIMIT_VALUE_DEPTH + 1];
    uint32_t count = 0, seen = 1;

    memset(steps, 0, sizeof steps);
    if (!parse_step_name(p, &steps[count++]))
        return false;
    for (;;) {
        struct path_step step = {0};
        if (parser_accept(p, TOKEN_DOT)) {
            if (!parse_step_name(p, &step))
                return false;
        } else if (parser_accept(p, TOKEN_OPEN_INDEX)) {
            if (!parse_step_index(p, &step))
                return false;
        } else
            break;
        seen++;
        if (count < LIMIT_VALUE_DEPTH)
            steps[count++] = step;
    }
    if (seen > LIMIT_VALUE_DEPTH)
        parser_note(p, RANK_LIMIT, "The document path has too many nesting elements; nesting levels: %u", seen);
    struct slice copy = arena_copy(p->context->arena, slice_of(steps, count * sizeof *steps));
    if (!copy.ptr)
        return false;
    path->steps = (const struct path_step *)(const void *)copy.ptr;
    path->count = count;
    return true;
}

struct node *parse_path_node(struct parser *p)
{
    struct node *node = parser_node(p, NODE_PATH, NULL);
    return node && parse_path(p, &node->path) ? node : NULL;
}

struct node *parse_value_node(struct parser *p)
{
    struct slice text = p->token.text;

    if (p->token.kind != TOKEN_VALUE)
        return parser_syntax_error(p);
    struct node *node = parser_node(p, NODE_VALUE, NULL);
    if (!node)
        return NULL;
    struct placeholder *row = placeholders_use(&p->context->values, text);
    if (row)
        node->value = row->value;
    else
        parser_note(p, condition_rank(p, RANK_PLACEHOLDER),
                    "An expression attribute value used in expression is not defined; attribute value: %.*s", (int)text.len,
                    (const char *)text.ptr);
    parser_advance(p);
    return node;
}
