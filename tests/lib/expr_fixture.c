/* expr_fixture.c - see expr_fixture.h. */
#include "tests/lib/expr_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/table_fixture.h"
#include "worker/table/partiql.h"

static char text[20000];
static size_t len;

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    len += (size_t)vsnprintf(text + len, sizeof text - len, format, args);
    va_end(args);
    assert_true(len < sizeof text);
}

static void init_map(struct expr_fixture *f, struct placeholders *p, const char *json, bool names)
{
    if (!json)
        return;
    struct value map = fixture_value(&f->keep, json);
    if (placeholders_init(p, &map, names, &f->arena, &f->err) < 0)
        fail_msg("%s", f->err.text);
}

void expr_fixture_init(struct expr_fixture *f, const char *names, const char *values)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, LIMIT_ARENA_BYTES);
    f->context.arena = &f->arena;
    init_map(f, &f->context.names, names, true);
    init_map(f, &f->context.values, values, false);
}

void expr_fixture_finish(struct expr_fixture *f)
{
    arena_finish(&f->arena);
    buf_finish(&f->keep);
}

static const char *error_text(struct expr_fixture *f)
{
    len = 0;
    assert_int_not_equal(f->err.code, ERR_NONE);
    put("%s", f->err.text);
    for (char *c = text; *c; c++)
        if (*c == '"')
            *c = '\'';
    f->err.code = ERR_NONE;
    return text;
}

static void put_path(const struct path *path)
{
    for (uint32_t i = 0; i < path->count; i++) {
        const struct path_step *step = &path->steps[i];
        if (step->indexed)
            put("[%u]", step->index);
        else
            put("%s%.*s", i ? "." : "", (int)step->name.len, (const char *)step->name.ptr);
    }
}

static void put_node(const struct node *node)
{
    if (node->kind == NODE_PATH) {
        put_path(&node->path);
        return;
    }
    if (node->kind == NODE_VALUE) {
        put("%s", fixture_text(&node->value));
        return;
    }
    put("(%s", node_text(node->kind));
    for (const struct node *arg = node->args; arg; arg = arg->next) {
        put(" ");
        put_node(arg);
    }
    put(")");
}

const char *expr_condition_text(struct expr_fixture *f, const char *expression)
{
    struct node *node = parse_condition(&f->context, "ConditionExpression", slice_text(expression), &f->err);

    if (!node)
        return error_text(f);
    len = 0;
    put_node(node);
    return text;
}

static void put_update(const struct update *update)
{
    static const char *const names[] = {"SET", "REMOVE", "ADD", "DELETE"};

    for (const struct action *action = update->actions; action; action = action->next) {
        put("%s%s ", action == update->actions ? "" : "; ", names[action->kind]);
        put_path(&action->path);
        if (action->operand) {
            put(" ");
            put_node(action->operand);
        }
    }
}

const char *expr_update_text(struct expr_fixture *f, const char *expression)
{
    struct update update;

    if (parse_update(&f->context, slice_text(expression), &update, &f->err) < 0)
        return error_text(f);
    len = 0;
    put_update(&update);
    return text;
}

const char *expr_projection_text(struct expr_fixture *f, const char *expression)
{
    struct projection projection;

    if (parse_projection(&f->context, slice_text(expression), &projection, &f->err) < 0)
        return error_text(f);
    len = 0;
    for (uint32_t i = 0; i < projection.count; i++) {
        put("%s", i ? " " : "");
        put_path(&projection.paths[i]);
    }
    return text;
}

/* -- PartiQL -------------------------------------------------------------------------------------------------- */
static void put_slice(const char *before, struct slice s) { put("%s%.*s", before, (int)s.len, (const char *)s.ptr); }

static void put_statement(const struct pq_statement *s)
{
    static const char *const verbs[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "EXISTS"};
    static const char *const returnings[] = {"", " ALL OLD", " MODIFIED OLD", " ALL NEW", " MODIFIED NEW"};

    put("%s", verbs[s->verb]);
    for (uint32_t i = 0; i < s->columns.count; i++) {
        put(i ? ", " : " ");
        put_path(&s->columns.paths[i]);
        put_slice(":", s->column_names[i]);
    }
    put_slice(" FROM ", s->table);
    if (s->index.len)
        put_slice(".", s->index);
    if (s->item.type != VALUE_NONE)
        put(" %s", fixture_text(&s->item));
    put(s->update.count ? " " : "");
    put_update(&s->update);
    if (s->where) {
        put(" WHERE ");
        put_node(s->where);
    }
    for (uint32_t i = 0; i < s->order_count; i++) {
        put_slice(" ORDER ", s->order[i].name);
        put(s->order[i].descending ? " DESC" : "");
    }
    put("%s", returnings[s->returning]);
}

const char *expr_statement_text(struct expr_fixture *f, const char *statement)
{
    struct value parameters = {.type = VALUE_NONE};
    struct pq_statement s;

    if (partiql_parse(slice_text(statement), &parameters, &f->arena, &s, &f->err) < 0)
        return error_text(f);
    len = 0;
    text[0] = 0;
    put_statement(&s);
    return text;
}
