/* test_update.c - update expressions: their trees, their errors, and what they make of an item. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/expr_fixture.h"
#include "tests/lib/table_fixture.h"
#include "worker/table/update.h"

static const char names[] = "{'#n':'name','#a':'a'}";
static const char values[] =
    "{':s':'text',':n':5,':d':0.1,':neg':-5,':t':true,':l':['p','q'],':e':[],':m':{'k':1},':map':{},"
    "':ss':{'$stringSet':['b','c']},':abc':{'$stringSet':['a','b','c']},':ns':{'$numberSet':[1,2]},"
    "':bs':{'$binarySet':['YQ==']},':max':99999999999999999999999999999999999999,':b':{'$binary':'YQ=='}}";

struct row {
    const char *item, *expression, *expected;
};

static void check_tree(const char *expression, const char *expected)
{
    struct expr_fixture f;

    expr_fixture_init(&f, names, values);
    assert_string_equal(expr_update_text(&f, expression), expected);
    expr_fixture_finish(&f);
}

/* The new item as text, or the error's. */
static const char *apply(struct expr_fixture *f, const char *item_json, const char *expression, struct buf *out)
{
    struct value item = fixture_value(&f->keep, item_json);
    struct update update;
    struct update_plan plan;

    if (parse_update(&f->context, slice_text(expression), &update, &f->err) < 0 ||
        update_plan_init(&plan, &update, &item, &f->arena, &f->err) < 0 || update_apply(&plan, &item, out, &f->err) < 0)
        return f->err.text;
    assert_false(buf_failed(out));
    struct err e = {0};
    if (value_check(buf_slice(out), &e) < 0)
        fail_msg("%s: %s", expression, e.text);
    struct value result = value_of(buf_slice(out));
    return fixture_text(&result);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct expr_fixture f;
        struct buf out = {0};
        expr_fixture_init(&f, names, values);
        const char *text = apply(&f, rows[i].item, rows[i].expression, &out);
        if (strcmp(text, rows[i].expected) != 0)
            fail_msg("%s of %s\n is %s\nnot %s", rows[i].expression, rows[i].item, text, rows[i].expected);
        buf_finish(&out);
        expr_fixture_finish(&f);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof *(rows))

/* -- Parsing -------------------------------------------------------------------------------------------------- */
static void test_trees(void **state)
{
    (void)state;
    check_tree("SET a = :s", "SET a 'text'");
    check_tree("set a = :s, b.c[1] = d", "SET a 'text'; SET b.c[1] d");
    check_tree("SET a = a + :n", "SET a (+ a 5)");
    check_tree("SET a = (a - :n)", "SET a (- a 5)");
    check_tree("SET a = if_not_exists(a, :n) + :n", "SET a (+ (if_not_exists a 5) 5)");
    check_tree("SET a = list_append(if_not_exists(a, :e), :l)", "SET a (list_append (if_not_exists a []) ['p','q'])");
    check_tree("REMOVE a, b[0], #n", "REMOVE a; REMOVE b[0]; REMOVE name");
    check_tree("ADD a :n, b :ss", "ADD a 5; ADD b {'$stringSet':['b','c']}");
    check_tree("DELETE a :ss", "DELETE a {'$stringSet':['b','c']}");
    check_tree("REMOVE a ADD b :n SET c = :s DELETE d :ss",
               "REMOVE a; ADD b 5; SET c 'text'; DELETE d {'$stringSet':['b','c']}");
}

#define BAD(text) "Invalid UpdateExpression: " text

static void test_parse_errors(void **state)
{
    (void)state;
    check_tree("", BAD("The expression can not be empty;"));
    check_tree("a = :s", BAD("Syntax error; token: 'a', near: 'a ='"));
    check_tree("SET", BAD("Syntax error; token: '<EOF>', near: 'SET'"));
    check_tree("SET a", BAD("Syntax error; token: '<EOF>', near: 'a'"));
    check_tree("SET a = :s,", BAD("Syntax error; token: '<EOF>', near: ','"));
    check_tree("SET a = 1", BAD("Syntax error; token: '1', near: '= 1'"));
    check_tree("SET a = :n + :n + :n", BAD("Syntax error; token: '+', near: ':n + :n'"));
    check_tree("SET a = (:n + :n) + :n", BAD("Syntax error; token: '+', near: ') + :n'"));
    check_tree("SET a = :n - (:n + :n)", BAD("Syntax error; token: '<EOF>', near: ')'"));
    check_tree("SET a = (:n", BAD("Syntax error; token: '<EOF>', near: ':n'"));
    check_tree("SET a = list_append(a, b) + list_append(a, b)",
               BAD("Incorrect operand type for operator or function; operator or function: +, operand type: L"));
    check_tree("SET a = :n REMOVE", BAD("Syntax error; token: '<EOF>', near: 'REMOVE'"));
    check_tree("REMOVE a = :n", BAD("Syntax error; token: '=', near: 'a = :n'"));
    check_tree("ADD a", BAD("Syntax error; token: '<EOF>', near: 'a'"));
    check_tree("ADD a b", BAD("Syntax error; token: 'b', near: 'a b'"));
    check_tree("SET set = :n", BAD("Syntax error; token: 'set', near: 'SET set ='"));
    check_tree("SET a = :s SET b = :s", BAD("The 'SET' section can only be used once in an update expression;"));
    check_tree("SET name = :s", BAD("Attribute name is a reserved keyword; reserved keyword: name"));
    check_tree("SET #x = :s", BAD("An expression attribute name used in the document path is not defined; attribute name: #x"));
    check_tree("SET a = :x", BAD("An expression attribute value used in expression is not defined; attribute value: :x"));
    check_tree("SET a = foo(b)", BAD("Invalid function name; function: foo"));
    check_tree("SET a = size(b)", BAD("The function is not allowed in an update expression; function: size"));
    check_tree("SET a = if_not_exists(:n, :n)",
               BAD("Operator or function requires a document path; operator or function: if_not_exists"));
    check_tree("SET a = if_not_exists(a)", BAD("Incorrect number of operands for operator or function; operator or function: "
                                               "if_not_exists, number of operands: 1"));
    check_tree("SET a = list_append(a, :n)",
               BAD("Incorrect operand type for operator or function; operator or function: list_append, operand type: N"));
    check_tree("SET a = b + :s",
               BAD("Incorrect operand type for operator or function; operator or function: +, operand type: S"));
    check_tree("ADD a :s", BAD("Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: "
                               "ALLOWED_FOR_ADD_OPERAND"));
    check_tree("DELETE a :n",
               BAD("Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: "
                   "ALLOWED_FOR_DELETE_OPERAND"));
}

static void test_overlaps(void **state)
{
#define OVERLAP(what, one, two)                                                                                                \
    BAD("Two document paths " what " with each other; must remove or rewrite one of these paths; path one: " one               \
        ", path two: " two)
    (void)state;
    check_tree("SET a = :s, a = :n", OVERLAP("overlap", "[a]", "[a]"));
    check_tree("SET a.b = :s REMOVE a", OVERLAP("overlap", "[a, b]", "[a]"));
    check_tree("REMOVE a SET #a.b[2] = :s", OVERLAP("overlap", "[a]", "[a, b, [2]]"));
    check_tree("SET a.b = :s, a[1] = :s", OVERLAP("conflict", "[a, b]", "[a, [1]]"));
    check_tree("SET c = :s, a[1] = :s, b = :s, a.z = :s", OVERLAP("conflict", "[a, [1]]", "[a, z]"));
    check_tree("SET a.b = :s, a.c = :n, a.b = :n", OVERLAP("overlap", "[a, b]", "[a, b]"));
    check_tree("SET a.b = :s, ab = :n", "SET a.b 'text'; SET ab 5");
    check_tree("SET a[1] = :s, a[10] = :n REMOVE a[0]", "SET a[1] 'text'; SET a[10] 5; REMOVE a[0]");
#undef OVERLAP
}

/* -- Applying ------------------------------------------------------------------------------------------------- */
static void test_set(void **state)
{
    static const struct row rows[] = {
        {"{'id':1}", "SET a = :s", "{'id':1,'a':'text'}"},
        {"{'id':1,'a':5,'z':2}", "SET a = :s", "{'id':1,'a':'text','z':2}"},
        {"{'id':1,'m':{'x':1}}", "SET m.y = :n, m.x = :s", "{'id':1,'m':{'x':'text','y':5}}"},
        {"{'id':1,'m':{'x':{'y':1}}}", "SET m.x.y = :n, m.x.w = :n, m.v = :n", "{'id':1,'m':{'x':{'y':5,'w':5},'v':5}}"},
        {"{'a':1,'b':2}", "SET a = b, b = a", "{'a':2,'b':1}"},
        {"{'a':{'b':1}}", "SET c = a, a.b = :n", "{'a':{'b':5},'c':{'b':1}}"},
        {"{'a':1}", "SET b = if_not_exists(a, :n), c = if_not_exists(nope, :n)", "{'a':1,'b':1,'c':5}"},
        {"{'a':1}", "SET a = if_not_exists(nope, a)", "{'a':1}"},
        {"{'id':1}", "SET #n = :map", "{'id':1,'name':{}}"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_arithmetic(void **state)
{
    static const struct row rows[] = {
        {"{'a':1}", "SET a = a + :n", "{'a':6}"},
        {"{'a':1}", "SET a = a - :n", "{'a':-4}"},
        {"{'a':0.2}", "SET a = a + :d", "{'a':0.3}"},
        {"{'a':1,'b':2}", "SET c = a + b", "{'a':1,'b':2,'c':3}"},
        {"{'a':1}", "SET c = :n - :d", "{'a':1,'c':4.9}"},
        {"{}", "SET a = if_not_exists(a, :n) + :n", "{'a':10}"},
        {"{'a':12345678901234567890123456789012345678}", "SET a = a - :n", "{'a':12345678901234567890123456789012345673}"},
        {"{'a':'x'}", "SET a = a + :n", "An operand in the update expression has an incorrect data type"},
        {"{}", "SET a = a + :n", "The provided expression refers to an attribute that does not exist in the item"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_lists(void **state)
{
    static const struct row rows[] = {
        {"{'l':[1,2]}", "SET l = list_append(l, :l)", "{'l':[1,2,'p','q']}"},
        {"{'l':[1,2]}", "SET l = list_append(:l, l)", "{'l':['p','q',1,2]}"},
        {"{}", "SET l = list_append(if_not_exists(l, :e), :l)", "{'l':['p','q']}"},
        {"{'l':[1,2,3]}", "SET l[1] = :s", "{'l':[1,'text',3]}"},
        {"{'l':[1]}", "SET l[9] = :s, l[5] = :n", "{'l':[1,5,'text']}"},
        {"{'l':[1,2,3]}", "REMOVE l[0], l[2]", "{'l':[2]}"},
        {"{'l':[1,2,3]}", "REMOVE l[0] SET l[1] = :s, l[7] = :n", "{'l':['text',3,5]}"},
        {"{'l':[1,2,3]}", "REMOVE l[9]", "{'l':[1,2,3]}"},
        {"{'l':[[1],{'x':1}]}", "SET l[0][0] = :s, l[1].x = :n REMOVE l[1].y", "{'l':[['text'],{'x':5}]}"},
        {"{'l':[0,1,2,3,4,5,6,7,8,9,10,11]}", "REMOVE l[2], l[10]", "{'l':[0,1,3,4,5,6,7,8,9,11]}"},
        {"{'l':'x'}", "SET l = list_append(l, :l)", "An operand in the update expression has an incorrect data type"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_remove(void **state)
{
    static const struct row rows[] = {
        {"{'a':1,'b':2,'c':3}", "REMOVE b", "{'a':1,'c':3}"},
        {"{'a':1}", "REMOVE b", "{'a':1}"},
        {"{'a':{'x':1,'y':2}}", "REMOVE a.x", "{'a':{'y':2}}"},
        {"{'a':{'x':1}}", "REMOVE a.x", "{'a':{}}"},
        {"{'a':1,'b':2}", "REMOVE a, b", "{}"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_add(void **state)
{
    static const struct row rows[] = {
        {"{'a':1}", "ADD a :n", "{'a':6}"},
        {"{}", "ADD a :n", "{'a':5}"},
        {"{'a':5}", "ADD a :neg", "{'a':0}"},
        {"{'m':{}}", "ADD m.x :n", "{'m':{'x':5}}"},
        {"{'a':{'$stringSet':['a']}}", "ADD a :ss", "{'a':{'$stringSet':['a','b','c']}}"},
        {"{}", "ADD a :bs", "{'a':{'$binarySet':['YQ==']}}"},
        {"{'a':{'$numberSet':[2,3]}}", "ADD a :ns", "{'a':{'$numberSet':[1,2,3]}}"},
        {"{'a':{'$stringSet':['a']}}", "ADD a :ns", "An operand in the update expression has an incorrect data type"},
        {"{'a':'x'}", "ADD a :n", "An operand in the update expression has an incorrect data type"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_delete(void **state)
{
    static const struct row rows[] = {
        {"{'a':{'$stringSet':['a','b']}}", "DELETE a :ss", "{'a':{'$stringSet':['a']}}"},
        {"{'a':{'$stringSet':['b','c']},'z':1}", "DELETE a :abc", "{'z':1}"},
        {"{'z':1}", "DELETE a :ss", "{'z':1}"},
        {"{'a':{'$numberSet':[1]}}", "DELETE a :ss", "An operand in the update expression has an incorrect data type"},
        {"{'a':1}", "DELETE a :ss", "An operand in the update expression has an incorrect data type"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_bad_paths(void **state)
{
#define NOWHERE "The document path provided in the update expression is invalid for update"
    static const struct row rows[] = {
        {"{'a':1}", "SET b.c = :s", NOWHERE},
        {"{'a':1}", "SET a.c = :s", NOWHERE},
        {"{'a':{}}", "SET a[0] = :s", NOWHERE},
        {"{'a':[]}", "SET a.b = :s", NOWHERE},
        {"{'a':[1]}", "SET a[3].b = :s", NOWHERE},
        {"{'a':1}", "REMOVE b.c", NOWHERE},
        {"{'a':1}", "DELETE b.c :ss", NOWHERE},
        {"{'a':1}", "ADD b.c :n", NOWHERE},
        {"{}", "SET a = b", "The provided expression refers to an attribute that does not exist in the item"},
        {"{'a':{'$stringSet':['x']}}", "SET a.x = :s", NOWHERE},
    };
#undef NOWHERE

    (void)state;
    CHECK_ROWS(rows);
}

static void test_number_limits(void **state)
{
    struct expr_fixture f;
    struct buf out = {0};

    (void)state;
    expr_fixture_init(&f, names, values);
    const char *text = apply(&f, "{'a':0.5}", "SET a = a + :max", &out);
    assert_non_null(strstr(text, "38 significant digits"));
    expr_fixture_finish(&f);
    buf_finish(&out);
}

static void test_what_creates(void **state)
{
    static const struct {
        const char *expression;
        bool creates, nests;
    } rows[] = {{"SET a = :s", true, false},
                {"SET a = :m", true, true},
                {"ADD a :n", true, false},
                {"REMOVE a", false, false},
                {"DELETE a :ss", false, false},
                {"REMOVE b SET a = :l", true, true},
                {"REMOVE b DELETE a :ss", false, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expr_fixture f;
        struct update update;
        struct update_plan plan;
        expr_fixture_init(&f, names, values);
        struct value item = fixture_value(&f.keep, "{'id':1}");
        assert_int_equal(parse_update(&f.context, slice_text(rows[i].expression), &update, &f.err), 0);
        assert_int_equal(update_plan_init(&plan, &update, &item, &f.arena, &f.err), 0);
        assert_int_equal(plan.creates, rows[i].creates);
        assert_int_equal(plan.nests, rows[i].nests);
        expr_fixture_finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),     cmocka_unit_test(test_parse_errors),  cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_set),       cmocka_unit_test(test_arithmetic),    cmocka_unit_test(test_lists),
        cmocka_unit_test(test_remove),    cmocka_unit_test(test_add),           cmocka_unit_test(test_delete),
        cmocka_unit_test(test_bad_paths), cmocka_unit_test(test_number_limits), cmocka_unit_test(test_what_creates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
