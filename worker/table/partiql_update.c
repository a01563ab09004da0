/* partiql_update.c - SET and REMOVE clauses become an update.
 *
 *     change := SET path = value, ... | REMOVE path, ...
 *     value  := operand [+ operand | - operand] | set_add(path, set) | set_delete(path, set)
 *     operand := literal | ? | path | list_append(operand, operand) | if_not_exists(path, operand) | ( operand ) */
#include "worker/table/partiql_parser.h"
#include "worker/table/paths.h"

static struct node *parse_operand(struct pq_parser *p);

static struct node *parse_call(struct pq_parser *p, enum node_kind kind)
{
    struct node *first, *node;

    if (!pq_enter(p))
        return NULL;
    pq_advance(p);
    pq_advance(p);
    first = parse_operand(p);
    if (!first || !pq_expect(p, PQ_COMMA))
        return NULL;
    first->next = parse_operand(p);
    if (!first->next || !pq_expect(p, PQ_CLOSE))
        return NULL;
    pq_leave(p);
    if (kind == NODE_IF_NOT_EXISTS && first->kind != NODE_PATH)
        return pq_error(p, "Operator or function requires a document path; operator or function: if_not_exists");
    node = pq_node(p, kind, first);
    return node && (kind != NODE_LIST_APPEND || pq_check_arithmetic(p, node)) ? node : NULL;
}

static struct node *parse_operand(struct pq_parser *p)
{
    bool call = p->token.kind == PQ_WORD && p->following.kind == PQ_OPEN;

    if (call && pq_is_keyword(&p->token, "LIST_APPEND"))
        return parse_call(p, NODE_LIST_APPEND);
    if (call && pq_is_keyword(&p->token, "IF_NOT_EXISTS"))
        return parse_call(p, NODE_IF_NOT_EXISTS);
    if (call)
        return pq_error(p, "Invalid function name; function: %.*s", (int)(p->token.text.len < 200 ? p->token.text.len : 200),
                        (const char *)p->token.text.ptr);
    if (p->token.kind == PQ_OPEN) {
        if (!pq_enter(p))
            return NULL;
        pq_advance(p);
        struct node *inner = parse_operand(p);
        pq_leave(p);
        return inner && pq_expect(p, PQ_CLOSE) ? inner : NULL;
    }
    return pq_operand(p);
}

/* -- set_add and set_delete ------------------------------------------------------------------------------------ */
/* They change the set that they are assigned to, and no other. */
static bool parse_set_call(struct pq_parser *p, struct action *action, bool add)
{
    const char *name = add ? "SET_ADD" : "SET_DELETE";
    struct pq_token call = p->token;
    char position[64];
    struct path path;

    pq_advance(p);
    pq_advance(p);
    struct pq_token first = p->token;
    if (!pq_path(p, &path))
        return false;
    if (path_compare(&path, &action->path) != 0) {
        pq_position(&p->lexer, &call, position, sizeof position);
        return pq_error(p, "The first argument to %s must equal the assignment value at %s", name, position) != NULL;
    }
    action->operand = pq_expect(p, PQ_COMMA) ? pq_operand(p) : NULL;
    if (!action->operand)
        return false;
    if (action->operand->kind != NODE_VALUE || action->operand->value.type < VALUE_SS) {
        pq_position(&p->lexer, &first, position, sizeof position);
        return pq_error(p, "The second argument to %s must be a value with type SET at %s", name, position) != NULL;
    }
    action->kind = add ? ACTION_ADD : ACTION_DELETE;
    return pq_expect(p, PQ_CLOSE);
}

/* -- Clauses -------------------------------------------------------------------------------------------------- */
static bool parse_value(struct pq_parser *p, struct action *action)
{
    bool call = p->token.kind == PQ_WORD && p->following.kind == PQ_OPEN;

    if (call && (pq_is_keyword(&p->token, "SET_ADD") || pq_is_keyword(&p->token, "SET_DELETE")))
        return parse_set_call(p, action, pq_is_keyword(&p->token, "SET_ADD"));
    action->kind = ACTION_SET;
    action->operand = parse_operand(p);
    if (!action->operand || (p->token.kind != PQ_PLUS && p->token.kind != PQ_MINUS))
        return action->operand != NULL;
    enum node_kind kind = p->token.kind == PQ_PLUS ? NODE_PLUS : NODE_MINUS;
    pq_advance(p);
    action->operand->next = parse_operand(p);
    if (!action->operand->next)
        return false;
    action->operand = pq_node(p, kind, action->operand);
    return action->operand && pq_check_arithmetic(p, action->operand);
}

static bool parse_clause(struct pq_parser *p, bool set, struct action ***tail, uint32_t *count)
{
    do {
        struct action *action = arena_alloc(p->arena, sizeof *action);
        if (!action || !pq_path(p, &action->path))
            return false;
        action->kind = ACTION_REMOVE;
        if (set && (!pq_expect(p, PQ_EQ) || !parse_value(p, action)))
            return false;
        **tail = action;
        *tail = &action->next;
        (*count)++;
    } while (pq_accept(p, PQ_COMMA));
    return true;
}

static bool check_paths(struct pq_parser *p, const struct update *update)
{
    struct path_entry *entries = arena_array(p->arena, update->count, sizeof *entries);
    struct err reason = {0};
    uint32_t n = 0;

    if (!entries)
        return false;
    for (const struct action *action = update->actions; action; action = action->next, n++)
        entries[n] = (struct path_entry){.path = &action->path, .order = n};
    return path_set_init(entries, n, &reason) == 0 || pq_error(p, "%s", reason.text);
}

bool pq_changes(struct pq_parser *p, struct update *update)
{
    struct action **tail = &update->actions;

    if (!pq_is_keyword(&p->token, "SET") && !pq_is_keyword(&p->token, "REMOVE"))
        return pq_unexpected(p) != NULL;
    while (pq_is_keyword(&p->token, "SET") || pq_is_keyword(&p->token, "REMOVE")) {
        bool set = pq_is_keyword(&p->token, "SET");
        pq_advance(p);
        if (!parse_clause(p, set, &tail, &update->count))
            return false;
    }
    return check_paths(p, update);
}
