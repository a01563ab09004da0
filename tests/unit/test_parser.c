/* test_parser.c - conditions as trees, and every way in which a condition is refused; names and values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/expr_fixture.h"
#include "tests/lib/table_fixture.h"

static const char names[] = "{'#a':'a','#n':'name','#dot':'x.y'}";
static const char values[] = "{':s':'text',':n':5,':m':7,':b':{'$binary':'aGk='},':t':true,':nil':null,':l':[1],':map':{'k':1},"
                             "':ss':{'$stringSet':['x']},':type':'SS',':bad':'XX'}";

struct row {
    const char *expression, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct expr_fixture f;
        expr_fixture_init(&f, names, values);
        assert_string_equal(expr_condition_text(&f, rows[i].expression), rows[i].expected);
        expr_fixture_finish(&f);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof *(rows))

static void test_comparisons(void **state)
{
    static const struct row rows[] = {
        {"a = :s", "(= a 'text')"},
        {"a<>:s", "(<> a 'text')"},
        {"a < :n", "(< a 5)"},
        {"a <= :n", "(<= a 5)"},
        {":n > a", "(> 5 a)"},
        {"a >= b", "(>= a b)"},
        {"a between :n and :m", "(BETWEEN a 5 7)"},
        {"a IN (:s)", "(IN a 'text')"},
        {"a in (:s, :n, b)", "(IN a 'text' 5 b)"},
        {"size(a) > :n", "(> (size a) 5)"},
        {"a = size(b)", "(= a (size b))"},
        {"size(a) BETWEEN size(b) AND :m", "(BETWEEN (size a) (size b) 7)"},
        {"(a) = (:s)", "(= a 'text')"},
        {"a = :t", "(= a true)"},
        {"a = :nil", "(= a null)"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_functions(void **state)
{
    static const struct row rows[] = {
        {"attribute_exists(a)", "(attribute_exists a)"},
        {"attribute_not_exists( a.b[3].c )", "(attribute_not_exists a.b[3].c)"},
        {"attribute_type(a, :type)", "(attribute_type a 'SS')"},
        {"begins_with(a, :s)", "(begins_with a 'text')"},
        {"begins_with(a, :b)", "(begins_with a {'$binary':'aGk='})"},
        {"contains(a, :n)", "(contains a 5)"},
        {"contains(a, b)", "(contains a b)"},
        {"(attribute_exists(a))", "(attribute_exists a)"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_precedence(void **state)
{
    static const struct row rows[] = {
        {"a = :s AND b = :n OR c = :t", "(OR (AND (= a 'text') (= b 5)) (= c true))"},
        {"a = :s OR b = :n AND c = :t", "(OR (= a 'text') (AND (= b 5) (= c true)))"},
        {"(a = :s OR b = :n) AND c = :t", "(AND (OR (= a 'text') (= b 5)) (= c true))"},
        {"NOT a = :s AND b = :n", "(AND (NOT (= a 'text')) (= b 5))"},
        {"NOT (a = :s AND b = :n)", "(NOT (AND (= a 'text') (= b 5)))"},
        {"not not a = :s", "(NOT (NOT (= a 'text')))"},
        {"a = :s AND b = :n AND c = :t AND d = :s", "(AND (= a 'text') (= b 5) (= c true) (= d 'text'))"},
        {"a BETWEEN :n AND :m AND b = :n", "(AND (BETWEEN a 5 7) (= b 5))"},
        {"(a = :s) AND (b = :n)", "(AND (= a 'text') (= b 5))"},
        {"((a = :s) AND (b = :n))", "(AND (= a 'text') (= b 5))"},
        {"((a = :s) AND b = :n) OR c = :t", "(OR (AND (= a 'text') (= b 5)) (= c true))"},
        {"NOT (size(a) > :n)", "(NOT (> (size a) 5))"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_paths(void **state)
{
    static const struct row rows[] = {
        {"#n = :s", "(= name 'text')"},
        {"#a.#n[0][12].c = :s", "(= a.name[0][12].c 'text')"},
        {"#dot = :s", "(= x.y 'text')"},
        {"a [ 1 ] . b = :s", "(= a[1].b 'text')"},
        {"_a = :s", "(= _a 'text')"},
        {"a[2147483647] = :s", "(= a[2147483647] 'text')"},
        {"a[2147483648] = :s",
         "Invalid ConditionExpression: List index is not within the allowable range; index: [2147483648]"},
        {"a[99999999999999999999] = :s",
         "Invalid ConditionExpression: List index is not within the allowable range; index: [99999999999999999999]"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

#define SYNTAX(token, near) "Invalid ConditionExpression: Syntax error; token: '" token "', near: '" near "'"

static void test_syntax_errors(void **state)
{
    static const struct row rows[] = {
        {"a", SYNTAX("<EOF>", "a")},
        {"a =", SYNTAX("<EOF>", "=")},
        {"= :s", SYNTAX("=", "= :s")},
        {"a = :s AND", SYNTAX("<EOF>", "AND")},
        {"a = :s b", SYNTAX("b", ":s b")},
        {"a == :s", SYNTAX("=", "== :s")},
        {"a = 5", SYNTAX("5", "= 5")},
        {"a = 'x'", SYNTAX("'", "= 'x")},
        {"a.b. = :s", SYNTAX("=", ". = :s")},
        {"a[b] = :s", SYNTAX("b", "[b]")},
        {"a[] = :s", SYNTAX("]", "[] =")},
        {"a[-1] = :s", SYNTAX("-", "[-1")},
        {"a[1 = :s", SYNTAX("=", "1 = :s")},
        {"(a = :s", SYNTAX("<EOF>", ":s")},
        {"a = :s)", SYNTAX(")", ":s)")},
        {"a IN ()", SYNTAX(")", "()")},
        {"a IN :s", SYNTAX(":s", "IN :s")},
        {"a IN (:s,)", SYNTAX(")", ",)")},
        {"a BETWEEN :n", SYNTAX("<EOF>", ":n")},
        {"a BETWEEN :n OR :m", SYNTAX("OR", ":n OR :m")},
        {"a = :s OR b", SYNTAX("<EOF>", "b")},
        {"a AND b = :s", SYNTAX("AND", "a AND b")},
        {"NOT a", SYNTAX("<EOF>", "a")},
        {"NOT", SYNTAX("<EOF>", "NOT")},
        {"and = :s", SYNTAX("and", "and =")},
        {"(a = :s) = :n", SYNTAX("=", ") = :n")},
        {"contains((a = :s), :n)", SYNTAX(",", "), :n")},
        {"a = :s = :n", SYNTAX("=", ":s = :n")},
        {"attribute_exists()", SYNTAX(")", "()")},
        {"attribute_exists(a", SYNTAX("<EOF>", "a")},
        {"(a = :s) IN (:n)", SYNTAX("IN", ") IN (")},
        {"a BETWEEN :n AND (b = :s)", SYNTAX("<EOF>", ")")},
        {"NOT (a", SYNTAX("<EOF>", "a")},
        {"foo(attribute_type(a, :x)) = :n", "Invalid ConditionExpression: Invalid function name; function: foo"},
        {"a + :n = :m", SYNTAX("+", "a + :n")},
        {"#", SYNTAX("#", "#")},
        {"", "Invalid ConditionExpression: The expression can not be empty;"},
        {"  ", SYNTAX("<EOF>", "")},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_semantic_errors(void **state)
{
#define BAD(text) "Invalid ConditionExpression: " text
    static const struct row rows[] = {
        {"name = :s", BAD("Attribute name is a reserved keyword; reserved keyword: name")},
        {"a.Status = :s", BAD("Attribute name is a reserved keyword; reserved keyword: Status")},
        {"#x = :s", BAD("An expression attribute name used in the document path is not defined; attribute name: #x")},
        {"a = :x", BAD("An expression attribute value used in expression is not defined; attribute value: :x")},
        {"foo(a)", BAD("Invalid function name; function: foo")},
        {"Size(a) = :n", BAD("Invalid function name; function: Size")},
        {"if_not_exists(a, :n) = :n", BAD("The function is not allowed in a condition expression; function: if_not_exists")},
        {"size(a)", BAD("The function is not allowed to be used this way in an expression; function: size")},
        {"NOT size(a)", BAD("The function is not allowed to be used this way in an expression; function: size")},
        {"attribute_exists(a) = :t",
         BAD("The function is not allowed to be used this way in an expression; function: attribute_exists")},
        {"size(contains(a, :s)) = :n",
         BAD("The function is not allowed to be used this way in an expression; function: contains")},
        {"attribute_exists(a, b)", BAD("Incorrect number of operands for operator or function; operator or function: "
                                       "attribute_exists, number of operands: 2")},
        {"contains(a)",
         BAD("Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1")},
        {"attribute_exists(:s)", BAD("Operator or function requires a document path; operator or function: attribute_exists")},
        {":s = :n", BAD("Operator or function requires a document path; operator or function: =")},
        {"begins_with(a, :n)",
         BAD("Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")},
        {"size(:n) = a", BAD("Incorrect operand type for operator or function; operator or function: size, operand type: N")},
        {"a < :t", BAD("Incorrect operand type for operator or function; operator: <, operand type: BOOL")},
        {"a >= :l", BAD("Incorrect operand type for operator or function; operator: >=, operand type: L")},
        {"a BETWEEN :ss AND :ss", BAD("Incorrect operand type for operator or function; operator: BETWEEN, operand type: SS")},
        {"attribute_type(a, :n)",
         BAD("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N")},
        {"attribute_type(a, b)",
         BAD("Incorrect operand type for operator or function; operator or function: attribute_type, operand "
             "type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}")},
        {"attribute_type(a, :bad)",
         BAD("Invalid attribute type name found; type: XX, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")},
        {"a = a",
         BAD("The first operand must be distinct from the remaining operands for this operator or function; operator: =, first "
             "operand: [a]")},
        {"contains(#a.b[1], a.b[1])",
         BAD("The first operand must be distinct from the remaining operands for this operator or function; "
             "operator: contains, first operand: [a, b, [1]]")},
        {"a BETWEEN :m AND :n",
         BAD("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound "
             "operand: AttributeValue: {N:7}, upper bound operand: AttributeValue: {N:5}")},
        {"a BETWEEN :n AND :s",
         BAD("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
             "AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:text}")},
        {"((a = :s))", BAD("The expression has redundant parentheses;")},
        {"((a)) = :s", BAD("The expression has redundant parentheses;")},
        {"((a = :s AND b = :n))", BAD("The expression has redundant parentheses;")},
    };
#undef BAD

    (void)state;
    CHECK_ROWS(rows);
}

/* Of several errors the one that DynamoDB reports, wherever it stands. */
static void test_error_order(void **state)
{
    static const struct row rows[] = {
        {"a = a AND name = :s", "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name"},
        {"name = :s AND foo(a)", "Invalid ConditionExpression: Invalid function name; function: foo"},
        {"foo(a) AND ((a = :s))", "Invalid ConditionExpression: The expression has redundant parentheses;"},
        {"name = :s AND", SYNTAX("<EOF>", "AND")},
        {"a = a AND b = :x", "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for "
                             "this operator or function; "
                             "operator: =, first operand: [a]"},
        {"b = :x AND a = a",
         "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :x"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* -- Limits --------------------------------------------------------------------------------------------------- */
/* prefix, `middle` n times, suffix */
static char *repeat(const char *prefix, const char *middle, size_t n, const char *suffix)
{
    size_t each = strlen(middle), before = strlen(prefix);
    char *text = malloc(before + each * n + strlen(suffix) + 1), *at = text + before;

    assert_non_null(text);
    memcpy(text, prefix, before);
    for (size_t i = 0; i < n; i++, at += each)
        memcpy(at, middle, each);
    memcpy(at, suffix, strlen(suffix) + 1);
    return text;
}

static void check_limit(const char *prefix, const char *middle, size_t n, const char *suffix, const char *expected)
{
    struct expr_fixture f;
    char *expression = repeat(prefix, middle, n, suffix);

    expr_fixture_init(&f, names, values);
    const char *text = expr_condition_text(&f, expression);
    if (!strstr(text, expected))
        fail_msg("%s instead of %s", text, expected);
    expr_fixture_finish(&f);
    free(expression);
}

static void test_limits(void **state)
{
    (void)state;
    check_limit("a = :s", " ", 4090, "", "(= a 'text')");
    check_limit("a = :s", " ", 4091, "", "Expression size has exceeded the maximum allowed size");
    check_limit("", "a=:s OR ", 149, "a=:s", "(OR");
    check_limit("", "a=:s OR ", 150, "a=:s", "more than the maximum of 300 operators and functions");
    check_limit("a IN (:s", ",:s", 99, ")", "(IN");
    check_limit("a IN (:s", ",:s", 100, ")", "The IN operator is provided with too many operands; number of operands: 101");
    check_limit("", "NOT ", 64, "a = :s", "(NOT");
    check_limit("", "NOT ", 65, "a = :s", "more than the maximum of 64 nested");
    check_limit("", "(", 3000, "a", "more than the maximum of 64 nested");
    check_limit("", "size(", 700, "a", "more than the maximum of 64 nested");
    check_limit("a", ".b", 31, " = :s", "(= a.b.b");
    check_limit("a", ".b", 32, " = :s", "The document path has too many nesting elements; nesting levels: 33");
    check_limit("a", "[1]", 1300, " = :s", "The document path has too many nesting elements; nesting levels: 1301");
}

static void test_arena_is_bounded(void **state)
{
    struct expr_fixture f;
    struct err e = {0};

    (void)state;
    expr_fixture_init(&f, NULL, values);
    f.arena.max = f.arena.used + 300;
    assert_null(parse_condition(&f.context, "ConditionExpression", slice_text("a = :s AND b = :s AND c = :s"), &e));
    assert_true(f.arena.full);
    assert_false(f.arena.failed);
    expr_fixture_finish(&f);
}

/* -- Names and values ----------------------------------------------------------------------------------------- */
static void check_placeholders(const char *map, bool are_names, const char *expected)
{
    struct arena arena;
    struct buf keep = {0};
    struct placeholders p;
    struct err e = {0};
    struct value v = fixture_value(&keep, map);

    arena_init(&arena, LIMIT_ARENA_BYTES);
    assert_int_equal(placeholders_init(&p, &v, are_names, &arena, &e), *expected ? -1 : 0);
    assert_string_equal(e.text, expected);
    arena_finish(&arena);
    buf_finish(&keep);
}

static void test_placeholders(void **state)
{
    (void)state;
    check_placeholders("{'#a':'x','#b_1':'y'}", true, "");
    check_placeholders("{':a':1}", false, "");
    check_placeholders("{}", true, "ExpressionAttributeNames must not be empty");
    check_placeholders("{}", false, "ExpressionAttributeValues must not be empty");
    check_placeholders("{'a':'x'}", true, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"");
    check_placeholders("{'#':'x'}", true, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"");
    check_placeholders("{'#a-b':'x'}", true, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\"");
    check_placeholders("{'#a':1}", true, "ExpressionAttributeNames contains invalid value: a string is needed for key #a");
    check_placeholders("{'#a':''}", true,
                       "ExpressionAttributeNames contains invalid value for key #a: an attribute name has 1 to 65535 bytes");
    check_placeholders("{'#a':1}", false, "ExpressionAttributeValues contains invalid key: Syntax error; key: \"#a\"");
}

static void test_unused(void **state)
{
    struct expr_fixture f;
    struct err e = {0};

    (void)state;
    expr_fixture_init(&f, "{'#a':'a','#b':'b','#c':'c'}", "{':x':1,':y':2}");
    assert_string_equal(expr_condition_text(&f, "#b = :x"), "(= b 1)");
    assert_int_equal(placeholders_check_used(&f.context.names, true, &e), -1);
    assert_string_equal(e.text, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #c}");
    assert_int_equal(placeholders_check_used(&f.context.values, false, &e), -1);
    assert_string_equal(e.text, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:y}");
    assert_string_equal(expr_condition_text(&f, "#a = :y AND #c = :x"), "(AND (= a 2) (= c 1))");
    assert_int_equal(placeholders_check_used(&f.context.names, true, &e), 0);
    assert_int_equal(placeholders_check_used(&f.context.values, false, &e), 0);
    expr_fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons),  cmocka_unit_test(test_functions),     cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_paths),        cmocka_unit_test(test_syntax_errors), cmocka_unit_test(test_semantic_errors),
        cmocka_unit_test(test_error_order),  cmocka_unit_test(test_limits),        cmocka_unit_test(test_arena_is_bounded),
        cmocka_unit_test(test_placeholders), cmocka_unit_test(test_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
