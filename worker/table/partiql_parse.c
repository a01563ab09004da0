/* partiql_parse.c - statements and their clauses; tokens, names and errors (see partiql.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "worker/table/partiql_parser.h"

#define MALFORMED "Statement wasn't well formed, can't be processed: "

/* -- Tokens --------------------------------------------------------------------------------------------------- */
void pq_advance(struct pq_parser *p)
{
    p->token = p->following;
    p->following = pq_lexer_next(&p->lexer);
}

bool pq_accept(struct pq_parser *p, enum pq_kind kind)
{
    if (p->token.kind != kind)
        return false;
    pq_advance(p);
    return true;
}

bool pq_accept_keyword(struct pq_parser *p, const char *keyword)
{
    if (!pq_is_keyword(&p->token, keyword))
        return false;
    pq_advance(p);
    return true;
}

bool pq_expect(struct pq_parser *p, enum pq_kind kind)
{
    if (pq_accept(p, kind))
        return true;
    pq_unexpected(p);
    return false;
}

bool pq_expect_keyword(struct pq_parser *p, const char *keyword)
{
    if (pq_accept_keyword(p, keyword))
        return true;
    pq_unexpected(p);
    return false;
}

/* -- Errors --------------------------------------------------------------------------------------------------- */
void *pq_error(struct pq_parser *p, const char *format, ...)
{
    char text[sizeof p->e->text];
    va_list args;

    if (p->e->code != ERR_NONE)
        return NULL;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    err_set(p->e, ERR_VALIDATION, "%s", text);
    return NULL;
}

/* The reader of tokens comes before the reader of statements: what is no token anywhere is told first. */
static bool has_bad_token(const struct pq_parser *p)
{
    struct pq_lexer rest = p->lexer;

    if (p->token.kind == PQ_BAD || p->following.kind == PQ_BAD)
        return true;
    for (;;) {
        struct pq_token token = pq_lexer_next(&rest);
        if (token.kind == PQ_END || token.kind == PQ_BAD)
            return token.kind == PQ_BAD;
    }
}

void *pq_malformed(struct pq_parser *p, const char *detail)
{
    return pq_error(p, MALFORMED "%s", has_bad_token(p) ? "" : detail);
}

void *pq_unexpected(struct pq_parser *p)
{
    if (pq_is_keyword(&p->token, "IS") || pq_is_keyword(&p->token, "LIKE") || pq_is_keyword(&p->token, "IN") ||
        (p->token.kind >= PQ_EQ && p->token.kind <= PQ_GE))
        return pq_malformed(p, "Unexpected operator");
    return pq_malformed(p, pq_is_reserved(&p->token) ? "Unexpected keyword" : "Unexpected term");
}

/* -- Limits --------------------------------------------------------------------------------------------------- */
bool pq_count_operator(struct pq_parser *p)
{
    if (p->operators++ < LIMIT_EXPRESSION_OPERATORS)
        return true;
    pq_error(p, "The statement has more than the maximum of %u operators and functions", LIMIT_EXPRESSION_OPERATORS);
    return false;
}

struct node *pq_node(struct pq_parser *p, enum node_kind kind, struct node *args)
{
    if (kind != NODE_PATH && kind != NODE_VALUE && !pq_count_operator(p))
        return NULL;
    if (++p->nodes > 4 * LIMIT_EXPRESSION_NODES)
        return pq_error(p, "The statement has more than the maximum of %u operands", 4 * LIMIT_EXPRESSION_NODES);
    struct node *node = arena_alloc(p->arena, sizeof *node);
    if (node) {
        node->kind = kind;
        node->args = args;
        node->value.type = VALUE_NONE;
    }
    return node;
}

bool pq_enter(struct pq_parser *p)
{
    if (p->depth++ < LIMIT_EXPRESSION_DEPTH)
        return true;
    pq_error(p, "The statement has more than the maximum of %d nested parentheses, NOTs and functions", LIMIT_EXPRESSION_DEPTH);
    return false;
}

void pq_leave(struct pq_parser *p) { p->depth--; }

/* -- Names and paths ------------------------------------------------------------------------------------------- */
struct slice pq_text(struct pq_parser *p, const struct pq_token *token)
{
    bool doubled;
    struct slice content = pq_content(token, &doubled);
    unsigned char quote = token->text.ptr[0];
    size_t len = 0;

    if (!doubled)
        return content;
    unsigned char *copy = arena_alloc(p->arena, content.len);
    for (size_t i = 0; copy && i < content.len; i++) {
        copy[len++] = content.ptr[i];
        if (content.ptr[i] == quote)
            i++;
    }
    return slice_of(copy, len);
}

bool pq_is_name(const struct pq_token *token)
{
    return token->kind == PQ_QUOTED || (token->kind == PQ_WORD && !pq_is_reserved(token));
}

bool pq_name(struct pq_parser *p, struct slice *name)
{
    if (!pq_is_name(&p->token)) {
        pq_unexpected(p);
        return false;
    }
    *name = pq_text(p, &p->token);
    pq_advance(p);
    return name->ptr != NULL;
}

/* [n], [-0] or ['name'], behind the bracket. */
static bool bracket_step(struct pq_parser *p, struct path_step *step)
{
    bool minus = pq_accept(p, PQ_MINUS);
    char position[64];
    uint64_t index = 0;

    if (!minus && p->token.kind == PQ_STRING) {
        step->name = pq_text(p, &p->token);
        pq_advance(p);
        return step->name.ptr && pq_expect(p, PQ_CLOSE_LIST);
    }
    struct slice text = p->token.text;
    for (size_t i = 0; i < text.len && index <= INT32_MAX; i++)
        index = text.ptr[i] >= '0' && text.ptr[i] <= '9' ? index * 10 + (unsigned)(text.ptr[i] - '0') : (uint64_t)INT32_MAX + 1;
    if (p->token.kind == PQ_NUMBER && (index > INT32_MAX || (minus && index > 0))) {
        pq_position(&p->lexer, &p->token, position, sizeof position);
        pq_error(p, "List index is not within the allowable range; index: [%s%.*s] at %s", minus ? "-" : "",
                 (int)(text.len < 100 ? text.len : 100), (const char *)text.ptr, position);
        return false;
    }
    step->indexed = true;
    step->index = (uint32_t)index;
    return pq_expect(p, PQ_NUMBER) && pq_expect(p, PQ_CLOSE_LIST);
}

bool pq_path(struct pq_parser *p, struct path *path)
{
    struct path_step steps[LIMIT_VALUE_DEPTH];
    uint32_t count = 1;

    memset(steps, 0, sizeof steps);
    if (!pq_name(p, &steps[0].name))
        return false;
    while (p->token.kind == PQ_DOT || p->token.kind == PQ_OPEN_LIST) {
        bool dot = p->token.kind == PQ_DOT;
        if (count == LIMIT_VALUE_DEPTH) {
            pq_error(p, "The document path has too many nesting elements; nesting levels: %u", count + 1);
            return false;
        }
        pq_advance(p);
        if (dot ? !pq_name(p, &steps[count].name) : !bracket_step(p, &steps[count]))
            return false;
        count++;
    }
    struct slice copy = arena_copy(p->arena, slice_of(steps, count * sizeof *steps));
    path->steps = (const struct path_step *)(const void *)copy.ptr;
    path->count = count;
    return copy.ptr != NULL;
}

/* -- Clauses -------------------------------------------------------------------------------------------------- */
/* table or table.index; an alias behind it is refused by name. */
static bool parse_from(struct pq_parser *p, struct pq_statement *s, const char *missing)
{
    if (!pq_is_name(&p->token)) {
        pq_malformed(p, missing);
        return false;
    }
    if (!pq_name(p, &s->table) || (pq_accept(p, PQ_DOT) && !pq_name(p, &s->index)))
        return false;
    if (s->table.len == 0 || (s->index.ptr && s->index.len == 0)) {
        pq_error(p, "Path component cannot be an empty string");
        return false;
    }
    if (p->token.kind == PQ_DOT) {
        pq_error(p, "A path may contain at most 2 components in the FROM clause");
        return false;
    }
    return true;
}

static bool refuse_alias(struct pq_parser *p)
{
    if (!pq_is_name(&p->token) && !pq_is_keyword(&p->token, "AS"))
        return true;
    pq_error(p, "Aliasing is not supported");
    return false;
}

static bool parse_where(struct pq_parser *p, struct pq_statement *s)
{
    if (!pq_accept_keyword(p, "WHERE"))
        return true;
    s->where = pq_condition(p);
    return s->where != NULL;
}

static bool parse_returning(struct pq_parser *p, struct pq_statement *s)
{
    if (!pq_accept_keyword(p, "RETURNING"))
        return true;
    bool all = pq_accept_keyword(p, "ALL");
    if (!all && !pq_accept_keyword(p, "MODIFIED"))
        return pq_unexpected(p) != NULL;
    bool old = pq_accept_keyword(p, "OLD");
    if (!old && !pq_accept_keyword(p, "NEW"))
        return pq_unexpected(p) != NULL;
    s->returning = all ? (old ? PQ_ALL_OLD : PQ_ALL_NEW) : (old ? PQ_MODIFIED_OLD : PQ_MODIFIED_NEW);
    if (!pq_expect(p, PQ_STAR))
        return false;
    if (s->verb != PQ_DELETE || s->returning == PQ_ALL_OLD)
        return true;
    pq_error(p, "Invalid returning clause: RETURNING %s %s *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
             all ? "ALL" : "MODIFIED", old ? "OLD" : "NEW");
    return false;
}

static bool parse_order(struct pq_parser *p, struct pq_statement *s)
{
    if (!pq_accept_keyword(p, "ORDER"))
        return true;
    if (!pq_expect_keyword(p, "BY"))
        return false;
    do {
        struct pq_order *order = &s->order[s->order_count];
        if (s->order_count++ == PQ_ORDER_MAX)
            return pq_error(p, "ORDER BY has more than the maximum of %d attributes", PQ_ORDER_MAX) != NULL;
        if (!pq_name(p, &order->name))
            return false;
        order->descending = pq_accept_keyword(p, "DESC");
        if (!order->descending)
            pq_accept_keyword(p, "ASC");
    } while (pq_accept(p, PQ_COMMA));
    return true;
}

/* -- SELECT --------------------------------------------------------------------------------------------------- */
/* A column is called after the last name of its path, with the indexes behind it. */
static struct slice column_name(struct pq_parser *p, const struct path *path)
{
    struct buf *name = &p->path;
    uint32_t from = path->count - 1;

    while (path->steps[from].indexed)
        from--;
    buf_reset(name);
    buf_append(name, path->steps[from].name.ptr, path->steps[from].name.len);
    for (uint32_t i = from + 1; i < path->count; i++)
        buf_printf(name, "[%u]", path->steps[i].index);
    if (buf_failed(name))
        p->arena->failed = true;
    return arena_copy(p->arena, buf_slice(name));
}

struct column {
    struct path path;
    struct column *next;
};

static bool parse_columns(struct pq_parser *p, struct pq_statement *s)
{
    struct column *first = NULL, **tail = &first;
    uint32_t count = 0;

    if (pq_accept(p, PQ_STAR))
        return true;
    do {
        *tail = arena_alloc(p->arena, sizeof **tail);
        if (!*tail || !pq_path(p, &(*tail)->path))
            return false;
        tail = &(*tail)->next;
        count++;
    } while (pq_accept(p, PQ_COMMA));
    struct path *paths = arena_array(p->arena, count, sizeof *paths);
    s->column_names = arena_array(p->arena, count, sizeof *s->column_names);
    if (!paths || !s->column_names)
        return false;
    for (uint32_t i = 0; i < count; i++, first = first->next) {
        paths[i] = first->path;
        s->column_names[i] = column_name(p, &paths[i]);
    }
    s->columns = (struct projection){paths, count};
    return true;
}

static bool parse_select(struct pq_parser *p, struct pq_statement *s)
{
    if (!parse_columns(p, s))
        return false;
    if (!pq_accept_keyword(p, "FROM")) {
        if (!refuse_alias(p))
            return false;
        return pq_unexpected(p) != NULL;
    }
    return parse_from(p, s, pq_is_reserved(&p->token) ? "Unexpected keyword" : "Unexpected term") && refuse_alias(p) &&
           parse_where(p, s) && parse_order(p, s);
}

static bool parse_exists(struct pq_parser *p, struct pq_statement *s)
{
    if (!pq_expect(p, PQ_OPEN) || !pq_expect_keyword(p, "SELECT") || !parse_select(p, s))
        return false;
    return pq_expect(p, PQ_CLOSE);
}

/* -- Writing -------------------------------------------------------------------------------------------------- */
#define NO_TABLE "Expected identifier for simple path"
#define LEFTOVER "Unexpected token after expression"

static bool parse_insert(struct pq_parser *p, struct pq_statement *s)
{
    if (!pq_expect_keyword(p, "INTO") || !parse_from(p, s, NO_TABLE))
        return false;
    if (pq_is_name(&p->token))
        return pq_malformed(p, LEFTOVER) != NULL;
    return pq_expect_keyword(p, "VALUE") && pq_item(p, &s->item);
}

static bool parse_change(struct pq_parser *p, struct pq_statement *s)
{
    return parse_from(p, s, NO_TABLE) && refuse_alias(p) && pq_changes(p, &s->update) && parse_where(p, s) &&
           parse_returning(p, s);
}

/* FROM table WHERE condition SET ...: the same with the table first. */
static bool parse_from_first(struct pq_parser *p, struct pq_statement *s)
{
    return parse_from(p, s, NO_TABLE) && refuse_alias(p) && parse_where(p, s) && pq_changes(p, &s->update) &&
           parse_returning(p, s);
}

static bool parse_delete(struct pq_parser *p, struct pq_statement *s)
{
    return pq_expect_keyword(p, "FROM") && parse_from(p, s, NO_TABLE) && refuse_alias(p) && parse_where(p, s) &&
           parse_returning(p, s);
}

/* -- Statements ----------------------------------------------------------------------------------------------- */
static const struct {
    const char *keyword;
    enum pq_verb verb;
    bool (*parse)(struct pq_parser *p, struct pq_statement *s);
} verbs[] = {{"SELECT", PQ_SELECT, parse_select},   {"INSERT", PQ_INSERT, parse_insert}, {"UPDATE", PQ_UPDATE, parse_change},
             {"FROM", PQ_UPDATE, parse_from_first}, {"DELETE", PQ_DELETE, parse_delete}, {"EXISTS", PQ_EXISTS, parse_exists}};

static bool parse_statement(struct pq_parser *p, struct pq_statement *s)
{
    size_t i = 0;

    while (i < sizeof verbs / sizeof *verbs && !pq_is_keyword(&p->token, verbs[i].keyword))
        i++;
    if (i == sizeof verbs / sizeof *verbs)
        return pq_malformed(p, "Expected data manipulation") != NULL;
    s->verb = verbs[i].verb;
    pq_advance(p);
    if (!verbs[i].parse(p, s))
        return false;
    pq_accept(p, PQ_SEMICOLON);
    return p->token.kind == PQ_END || pq_malformed(p, LEFTOVER) != NULL;
}

int partiql_parse(struct slice text, const struct value *parameters, struct arena *arena, struct pq_statement *statement,
                  struct err *e)
{
    struct pq_parser p = {.arena = arena, .lexer = pq_lexer_of(text), .e = e, .has_parameters = parameters->type == VALUE_L};

    memset(statement, 0, sizeof *statement);
    statement->item.type = VALUE_NONE;
    if (text.len == 0 || text.len > LIMIT_STATEMENT_BYTES)
        return err_set(
            e, ERR_VALIDATION,
            "1 validation error detected: Value '%s' at 'statement' failed to satisfy constraint: Member must have length "
            "%s than or equal to %u",
            text.len ? "..." : "", text.len ? "less" : "greater", text.len ? LIMIT_STATEMENT_BYTES : 1u);
    if (p.has_parameters)
        p.parameters = value_walk_of(parameters);
    pq_advance(&p);
    pq_advance(&p);
    bool parsed = parse_statement(&p, statement);
    if (buf_failed(&p.work) || buf_failed(&p.path))
        arena->failed = true;
    buf_finish(&p.work);
    buf_finish(&p.path);
    return parsed && e->code == ERR_NONE && !arena->failed && !arena->full ? 0 : -1;
}
