/* test_projection.c - projection expressions and the parts of items that they select. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/expr_fixture.h"
#include "tests/lib/table_fixture.h"
#include "worker/table/legacy.h"
#include "worker/table/project.h"

static const char item_json[] = "{'id':1,'name':'x','m':{'a':1,'b':{'c':2,'d':[5,6,7]}},'l':[{'k':1,'j':2},'s',[8,9]],'e':{}}";
static const char names[] = "{'#n':'name'}";

static void check_tree(const char *expression, const char *expected)
{
    struct expr_fixture f;

    expr_fixture_init(&f, names, NULL);
    assert_string_equal(expr_projection_text(&f, expression), expected);
    expr_fixture_finish(&f);
}

static void test_parsing(void **state)
{
#define BAD(text) "Invalid ProjectionExpression: " text
    (void)state;
    check_tree("a", "a");
    check_tree("a, b.c[0] ,#n", "a b.c[0] name");
    check_tree("and, between", BAD("Attribute name is a reserved keyword; reserved keyword: and"));
    check_tree("", BAD("The expression can not be empty;"));
    check_tree("a,", BAD("Syntax error; token: '<EOF>', near: ','"));
    check_tree("a b", BAD("Syntax error; token: 'b', near: 'a b'"));
    check_tree(":a", BAD("Syntax error; token: ':a', near: ':a'"));
    check_tree("a, #x", BAD("An expression attribute name used in the document path is not defined; attribute name: #x"));
    check_tree("a, name", BAD("Attribute name is a reserved keyword; reserved keyword: name"));
    check_tree("a, b, a",
               BAD("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path "
                   "two: [a]"));
    check_tree("a.b, a",
               BAD("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], "
                   "path two: [a]"));
    check_tree("a.b, a[0]",
               BAD("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, "
                   "b], path two: [a, [0]]"));
#undef BAD
}

static void check_part(const char *expression, uint32_t attributes, const char *expected)
{
    struct expr_fixture f;
    struct projection projection;
    struct buf out = {0};

    expr_fixture_init(&f, names, NULL);
    struct value item = fixture_value(&f.keep, item_json);
    assert_int_equal(parse_projection(&f.context, slice_text(expression), &projection, &f.err), 0);
    struct path_range paths = project_prepare(&projection, &f.arena);
    assert_false(path_range_empty(paths));
    assert_int_equal(project(paths, &item, &out), attributes);
    struct value part = value_of(buf_slice(&out));
    assert_string_equal(fixture_text(&part), expected);
    buf_finish(&out);
    expr_fixture_finish(&f);
}

static void test_selecting(void **state)
{
    (void)state;
    check_part("id", 1, "{'id':1}");
    check_part("#n, id", 2, "{'id':1,'name':'x'}");
    check_part("nope", 0, "{}");
    check_part("m", 1, "{'m':{'a':1,'b':{'c':2,'d':[5,6,7]}}}");
    check_part("m.a", 1, "{'m':{'a':1}}");
    check_part("m.b.c, m.a", 1, "{'m':{'a':1,'b':{'c':2}}}");
    check_part("m.b.d[2], m.b.d[0]", 1, "{'m':{'b':{'d':[5,7]}}}");
    check_part("l[0].j", 1, "{'l':[{'j':2}]}");
    check_part("l[2][1], l[1]", 1, "{'l':['s',[9]]}");
    check_part("l[0].k, l[0].j, l[2][5]", 1, "{'l':[{'k':1,'j':2}]}");
    check_part("e", 1, "{'e':{}}");
}

/* A path that finds nothing leaves nothing behind, neither its containers. */
static void test_missing_parts(void **state)
{
    (void)state;
    check_part("m.x", 0, "{}");
    check_part("m.b.d[9]", 0, "{}");
    check_part("m[0]", 0, "{}");
    check_part("l.k", 0, "{}");
    check_part("id.x", 0, "{}");
    check_part("e.x, id", 1, "{'id':1}");
}

static void test_attributes_to_get(void **state)
{
    static const struct {
        const char *list, *expected;
    } rows[] = {{"['id','m']", ""},
                {"['name']", ""},
                {"['a.b']", ""},
                {"[]", "One or more parameter values were invalid: AttributesToGet has 1 to 255 names, not 0"},
                {"['id','m','id']", "One or more parameter values were invalid: Duplicate value in attribute name: id"},
                {"['id',5]", "Invalid type for parameter AttributesToGet[1]: expected S, got N"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expr_fixture f;
        struct projection projection;
        expr_fixture_init(&f, NULL, NULL);
        struct value list = fixture_value(&f.keep, rows[i].list);
        assert_int_equal(legacy_projection(&list, &f.arena, &projection, &f.err), *rows[i].expected ? -1 : 0);
        assert_string_equal(f.err.text, rows[i].expected);
        expr_fixture_finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_selecting),
        cmocka_unit_test(test_missing_parts),
        cmocka_unit_test(test_attributes_to_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
