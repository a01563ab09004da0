/* expression.c - the first byte says what the rest is: c condition, u update, p projection, s PartiQL statement; then it is applied to items.
 *
 * A statement has the parameters 1, 'x', [2], <<3>>. Names #a #b #c and values :n :s :l :m :ns :ss :b :bool :null are there for all of them. */
#include "worker/table/expr.h"

#include "common/json.h"
#include "common/limits.h"
#include "tests/fuzz/fuzz.h"
#include "worker/table/partiql.h"
#include "worker/table/project.h"
#include "worker/table/update.h"

static const char names_text[] = "{\"#a\":\"a\",\"#b\":\"b.c\",\"#c\":\"SET\"}";
static const char values_text[] =
    "{\":n\":7,\":s\":\"bc\",\":l\":[1,\"x\"],\":m\":{\"a\":{\"b\":[]}},\":ns\":{\"$numberSet\":[1,2]},"
    "\":ss\":{\"$stringSet\":[\"a\"]},\":b\":{\"$binary\":\"aGk=\"},\":bool\":true,\":null\":null,"
    "\":t\":\"SS\",\":big\":1e125}";
static const char parameters_text[] = "[1,\"x\",[2],{\"$numberSet\":[3]}]";
static const char *const items_text[] = {
    "{}",
    "{\"id\":\"1\",\"a\":1,\"b\":\"abc\",\"b.c\":{\"$stringSet\":[\"a\",\"b\"]},\"SET\":null,\"c\":{\"d\":[1,[2,{\"e\":3}]],"
    "\"f\":{}}}",
    "{\"a\":{\"a\":{\"a\":[0,1,2,3]}},\"b\":{\"$numberSet\":[1,2,3]},\"c\":[[[1]],\"s\",{\"$binary\":\"aGk=\"}],\"d\":9e125,"
    "\"e\":false}",
};
#define ITEMS (sizeof items_text / sizeof items_text[0])

static struct buf names, values, parameters, items[ITEMS];

static void load(void)
{
    struct json_parser *parser = json_parser_create();
    struct err e;
    fuzz_check(parser);
    fuzz_check(json_to_value(parser, slice_text(names_text), LIMIT_JSON_DEPTH, &names, &e) == 0);
    fuzz_check(json_to_value(parser, slice_text(values_text), LIMIT_JSON_DEPTH, &values, &e) == 0);
    fuzz_check(json_to_value(parser, slice_text(parameters_text), LIMIT_JSON_DEPTH, &parameters, &e) == 0);
    for (size_t i = 0; i < ITEMS; i++)
        fuzz_check(json_to_value(parser, slice_text(items_text[i]), LIMIT_JSON_DEPTH, &items[i], &e) == 0);
    json_parser_destroy(&parser);
}

/* What failed has a reason: the user's, or the arena's. */
static void failed(const struct arena *arena, const struct err *e)
{
    if (e->code != ERR_NONE)
        fuzz_check_err(e);
    else
        fuzz_check(arena->full || arena->failed);
}

static void condition(struct expr_context *c, struct slice text)
{
    struct err e = {0};
    struct node *node = parse_condition(c, "ConditionExpression", text, &e);
    struct value none = {.type = VALUE_NONE};
    if (!node) {
        failed(c->arena, &e);
        return;
    }
    condition_eval(node, &none);
    for (size_t i = 0; i < ITEMS; i++) {
        struct value item = value_of(buf_slice(&items[i]));
        fuzz_check(condition_eval(node, &item) == condition_eval(node, &item));
    }
}

static void apply(const struct update *update, const struct value *item, struct arena *arena)
{
    struct err e = {0}, reason;
    struct update_plan plan;
    struct buf out = {0};
    if (update_plan_init(&plan, update, item, arena, &e) != 0 || update_apply(&plan, item, &out, &e) != 0) {
        failed(arena, &e);
    } else {
        struct value fresh = value_of(buf_slice(&out));
        fuzz_check(fresh.type == VALUE_M);
        fuzz_check(plan.nests || value_check(fresh.encoded, &reason) == 0);
    }
    buf_finish(&out);
}

static void update(struct expr_context *c, struct slice text)
{
    struct err e = {0};
    struct update update;
    if (parse_update(c, text, &update, &e) != 0) {
        failed(c->arena, &e);
        return;
    }
    fuzz_check(update.actions && update.count > 0);
    for (size_t i = 0; i < ITEMS; i++) {
        struct value item = value_of(buf_slice(&items[i]));
        apply(&update, &item, c->arena);
    }
}

static void projection(struct expr_context *c, struct slice text)
{
    struct err e = {0};
    struct projection projection;
    struct buf out = {0};
    if (parse_projection(c, text, &projection, &e) != 0) {
        failed(c->arena, &e);
        return;
    }
    struct path_range paths = project_prepare(&projection, c->arena);
    for (size_t i = 0; i < ITEMS && !path_range_empty(paths); i++) {
        struct value item = value_of(buf_slice(&items[i]));
        buf_reset(&out);
        uint32_t count = project(paths, &item, &out);
        struct value part = value_of(buf_slice(&out));
        fuzz_check(part.type == VALUE_M && part.count == count && value_check(part.encoded, &e) == 0);
        fuzz_check(item_size(&part) <= item_size(&item));
    }
    buf_finish(&out);
}

static void columns(const struct pq_statement *s, const struct value *item)
{
    struct buf out = {0};
    struct err e;
    project_columns(&s->columns, s->column_names, item, &out);
    struct value row = value_of(buf_slice(&out));
    fuzz_check(row.type == VALUE_M && value_check(row.encoded, &e) == 0);
    buf_finish(&out);
}

static void statement(struct arena *arena, struct slice text)
{
    struct err e = {0};
    struct pq_statement s;
    struct value given = value_of(buf_slice(&parameters));
    if (partiql_parse(text, &given, arena, &s, &e) != 0) {
        failed(arena, &e);
        return;
    }
    fuzz_check(s.table.len > 0 && (s.verb != PQ_UPDATE || s.update.count > 0));
    fuzz_check(s.verb != PQ_INSERT || (s.item.type == VALUE_M && value_check(s.item.encoded, &e) == 0));
    for (size_t i = 0; i < ITEMS; i++) {
        struct value item = value_of(buf_slice(&items[i]));
        if (s.where)
            condition_eval(s.where, &item);
        if (s.update.count > 0)
            apply(&s.update, &item, arena);
        if (s.columns.count > 0)
            columns(&s, &item);
    }
}

void fuzz_expression(struct slice input)
{
    static struct arena arena;
    struct err e = {0};
    if (!names.data)
        load();
    arena_init(&arena, LIMIT_ARENA_BYTES);
    struct expr_context c = {.arena = &arena};
    struct value n = value_of(buf_slice(&names)), v = value_of(buf_slice(&values));
    fuzz_check(placeholders_init(&c.names, &n, true, &arena, &e) == 0);
    fuzz_check(placeholders_init(&c.values, &v, false, &arena, &e) == 0);
    unsigned kind = fuzz_u8(&input);
    if (kind == 'c')
        condition(&c, input);
    else if (kind == 'u')
        update(&c, input);
    else if (kind == 'p')
        projection(&c, input);
    else if (kind == 's')
        statement(&arena, input);
    arena_finish(&arena);
}
