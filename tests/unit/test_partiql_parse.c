/* test_partiql_parse.c - PartiQL's grammar: statements as trees, literals, and every way in which a statement is refused. */
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
#include "worker/table/partiql.h"

#define MALFORMED "Statement wasn't well formed, can't be processed: "

struct row {
    const char *statement, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct expr_fixture f;
        expr_fixture_init(&f, NULL, NULL);
        assert_string_equal(expr_statement_text(&f, rows[i].statement), rows[i].expected);
        expr_fixture_finish(&f);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof *(rows))

static void test_select(void **state)
{
    static const struct row rows[] = {
        {"SELECT * FROM t", "SELECT FROM t"},
        {"select a, \"b c\".d[2].e, m['x y'] from \"t\".\"i\";", "SELECT a:a, b c.d[2].e:e, m.x y:x y FROM t.i"},
        {"SELECT m.k[0][1] FROM t -- a comment\n", "SELECT m.k[0][1]:k[0][1] FROM t"},
        {"/* one */ SELECT * FROM t /* two\n */ ORDER BY a DESC, b ASC, c", "SELECT FROM t ORDER a DESC ORDER b ORDER c"},
        {"EXISTS(SELECT * FROM t WHERE a = 1)", "EXISTS FROM t WHERE (= a 1)"},
        {"SELECT \"a\"\"b\" FROM t", "SELECT a\"b:a\"b FROM t"},
        {"SELECT m[-0] FROM t", "SELECT m[0]:m[0] FROM t"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

#define WHERE(condition, tree)                                                                                                 \
    {                                                                                                                          \
        "SELECT * FROM t WHERE " condition, "SELECT FROM t WHERE " tree                                                        \
    }

static void test_conditions(void **state)
{
    static const struct row rows[] = {
        WHERE("a = 1 AND b <> 'x' AND c != 2", "(AND (= a 1) (<> b 'x') (<> c 2))"),
        WHERE("a < 1 OR b <= 2 AND NOT c > 3 OR d >= 4", "(OR (< a 1) (AND (<= b 2) (NOT (> c 3))) (>= d 4))"),
        WHERE("(a = 1 OR b = 2) AND ((c = 3))", "(AND (OR (= a 1) (= b 2)) (= c 3))"),
        WHERE("a BETWEEN 1 AND 2 AND b NOT BETWEEN 3 AND 4", "(AND (BETWEEN a 1 2) (NOT (BETWEEN b 3 4)))"),
        WHERE("a IN [1, 'x'] AND b IN (2) OR c NOT IN [3]", "(OR (AND (IN a 1 'x') (IN b 2)) (NOT (IN c 3)))"),
        WHERE("a IS MISSING AND b IS NOT MISSING", "(AND (attribute_not_exists a) (NOT (attribute_not_exists b)))"),
        WHERE("a IS NULL OR b IS NOT NULL", "(OR (attribute_type a 'NULL') (NOT (attribute_type b 'NULL')))"),
        WHERE("begins_with(a, 'x') AND CONTAINS(b, 1)", "(AND (begins_with a 'x') (contains b 1))"),
        WHERE("size(a) > 2 AND attribute_type(b, 'SS')", "(AND (> (size a) 2) (attribute_type b 'SS'))"),
        WHERE("attribute_exists(a.b) AND NOT attribute_not_exists(c[1])",
              "(AND (attribute_exists a.b) (NOT (attribute_not_exists c[1])))"),
        WHERE("1 = a AND 'x' < b", "(AND (= 1 a) (< 'x' b))"),
        WHERE("(a = 1) = true", "(= (= a 1) true)"),
        WHERE("a = [1, {'k': <<2, 1>>}] AND b = null", "(AND (= a [1,{'k':{'$numberSet':[1,2]}}]) (= b null))"),
        WHERE("a = --1", MALFORMED "Unexpected term"),
        WHERE("a = - 1 AND b = + 2.50", "(AND (= a -1) (= b 2.5))"),
        WHERE("a = 'it''s'", "(= a 'it's')"),
        WHERE("a = 1e3 AND b = .5 AND c = 1.", "(AND (= a 1000) (= b 0.5) (= c 1))"),
    };
    struct row copy[sizeof rows / sizeof *rows];

    (void)state;
    memcpy(copy, rows, sizeof rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) /* an error stands alone */
        if (strstr(rows[i].expected, MALFORMED))
            copy[i].expected = strstr(rows[i].expected, MALFORMED);
    CHECK_ROWS(copy);
}

static void test_writes(void **state)
{
    static const struct row rows[] = {
        {"INSERT INTO t VALUE {'a': 1, 'b': {'c': []}, 'd': <<'x'>>}",
         "INSERT FROM t {'a':1,'b':{'c':[]},'d':{'$stringSet':['x']}}"},
        {"UPDATE t SET a = 1, b.c[0] = d REMOVE e, f[1] WHERE k = 'x' RETURNING ALL NEW *",
         "UPDATE FROM t SET a 1; SET b.c[0] d; REMOVE e; REMOVE f[1] WHERE (= k 'x') ALL NEW"},
        {"UPDATE t SET a = a + 1 SET b = 2 - c WHERE k = 1", "UPDATE FROM t SET a (+ a 1); SET b (- 2 c) WHERE (= k 1)"},
        {"UPDATE t SET a = list_append(a, [1]), b = if_not_exists(c, 2) + 3 WHERE k = 1",
         "UPDATE FROM t SET a (list_append a [1]); SET b (+ (if_not_exists c 2) 3) WHERE (= k 1)"},
        {"UPDATE t SET a = set_add(a, <<1>>), b = set_delete(b, <<'x'>>) WHERE k = 1",
         "UPDATE FROM t ADD a {'$numberSet':[1]}; DELETE b {'$stringSet':['x']} WHERE (= k 1)"},
        {"FROM t WHERE k = 1 SET a = 2 RETURNING MODIFIED OLD *", "UPDATE FROM t SET a 2 WHERE (= k 1) MODIFIED OLD"},
        {"DELETE FROM t WHERE k = 1 RETURNING ALL OLD *", "DELETE FROM t WHERE (= k 1) ALL OLD"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* -- Errors --------------------------------------------------------------------------------------------------- */
static void test_malformed(void **state)
{
    static const struct row rows[] = {
        {"SLECT * FROM t", MALFORMED "Expected data manipulation"},
        {"SELECT * FROM t WHERE", MALFORMED "Unexpected term"},
        {"SELECT * FROM t WHERE a = 1 AND", MALFORMED "Missing right-hand side expression of infix operator"},
        {"SELECT * FROM t WHERE a = 1 OR ;", MALFORMED "Missing right-hand side expression of infix operator"},
        {"SELECT * FROM t WHERE a = 'x", MALFORMED},
        {"SELECT * FROM t WHERE a @ 1", MALFORMED},
        {"SELECT * FROM t WHERE a = 1 b", MALFORMED "Unexpected token after expression"},
        {"SELECT * FROM t WHERE a IS nothing", MALFORMED "Expected type name"},
        {"SELECT * FROM t WHERE a IS STRING", "Unsupported operation: IsType"},
        {"SELECT * FROM t WHERE a", MALFORMED "Expected a condition"},
        {"SELECT * FROM t WHERE (a = 1", MALFORMED "Unexpected term"},
        {"SELECT * FROM t WHERE a IN 1", MALFORMED "Unexpected term"},
        {"SELECT FROM t", MALFORMED "Unexpected keyword"},
        {"SELECT a.b.c. FROM t", MALFORMED "Unexpected keyword"},
        {"SELECT * FROM WHERE a = 1", MALFORMED "Unexpected keyword"},
        {"SELECT * FROM t.i.x", "A path may contain at most 2 components in the FROM clause"},
        {"SELECT * FROM \"\"", "Path component cannot be an empty string"},
        {"SELECT a AS b FROM t", "Aliasing is not supported"},
        {"SELECT * FROM t alias", "Aliasing is not supported"},
        {"INSERT INTO t {'a': 1}", MALFORMED "Unexpected term"},
        {"INSERT INTO t t2 VALUE {'a': 1}", MALFORMED "Unexpected token after expression"},
        {"INSERT INTO VALUE {'a': 1}", MALFORMED "Expected identifier for simple path"},
        {"INSERT INTO t VALUE {a: 1}", MALFORMED "Unexpected term"},
        {"INSERT INTO t VALUE {'a': 1", MALFORMED "Unexpected term"},
        {"UPDATE t WHERE a = 1", MALFORMED "Unexpected keyword"},
        {"UPDATE t SET a WHERE k = 1", MALFORMED "Unexpected keyword"},
        {"UPDATE t ADD a 1 WHERE k = 1", "Aliasing is not supported"},
        {"DELETE t WHERE k = 1", MALFORMED "Unexpected term"},
        {"DELETE FROM t WHERE k = 1 RETURNING MODIFIED NEW *",
         "Invalid returning clause: RETURNING MODIFIED NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements."},
        {"EXISTS(DELETE FROM t)", MALFORMED "Unexpected keyword"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_operands(void **state)
{
    static const struct row rows[] = {
        {"SELECT * FROM t WHERE a < true",
         "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"},
        {"SELECT * FROM t WHERE a BETWEEN 1 AND [2]",
         "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: L"},
        {"SELECT * FROM t WHERE begins_with(a, 1)",
         "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
        {"SELECT * FROM t WHERE begins_with(a)", "Incorrect number of operands for operator or function; operator or function: "
                                                 "begins_with, number of operands: 1"},
        {"SELECT * FROM t WHERE attribute_type(a, 'XX')",
         "Invalid attribute type name found; type: XX, valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}"},
        {"SELECT * FROM t WHERE attribute_exists('a')",
         "Operator or function requires a document path; operator or function: attribute_exists"},
        {"SELECT * FROM t WHERE 'a' IS MISSING", "Operator or function requires a document path; operator or function: IS"},
        {"SELECT * FROM t WHERE nope(a)", "Invalid function name; function: nope"},
        {"UPDATE t SET a = nope(1) WHERE k = 1", "Invalid function name; function: nope"},
        {"UPDATE t SET a = a + 'x' WHERE k = 1",
         "Incorrect operand type for operator or function; operator or function: +, operand type: S"},
        {"UPDATE t SET a = list_append(a, 1) WHERE k = 1",
         "Incorrect operand type for operator or function; operator or function: list_append, operand type: N"},
        {"UPDATE t SET a = 1, a.b = 2 WHERE k = 1", "Two document paths overlap with each other; must remove or rewrite one of "
                                                    "these paths; path one: [a], path two: [a, b]"},
        {"UPDATE t SET a = set_add(b, <<1>>) WHERE k = 1",
         "The first argument to SET_ADD must equal the assignment value at 1:18:7"},
        {"UPDATE t SET a = set_delete(a, 1) WHERE k = 1",
         "The second argument to SET_DELETE must be a value with type SET at 1:29:1"},
        {"SELECT * FROM t WHERE a[-1] = 1", "List index is not within the allowable range; index: [-1] at 1:26:1"},
        {"SELECT * FROM t WHERE a = <<>>", "Empty bags are not supported"},
        {"SELECT * FROM t WHERE a = <<1, 'x'>>",
         "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"},
        {"SELECT * FROM t WHERE a = {'k': [1, ?]}", "Unsupported data type: Parameter under key root.k[1] at 1:37:1"},
        {"SELECT * FROM t WHERE a = ?", "Number of parameters in request and statement don't match."},
        {"SELECT * FROM t WHERE a = {'k': [1, 123456789012345678901234567890123456789]}",
         "Attempting to store more than 38 significant digits in a Number under root.k[1]"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* -- Limits --------------------------------------------------------------------------------------------------- */
/* before, then so often part with a separator between, then after. */
static const char *repeated(const char *before, const char *part, const char *between, unsigned times, const char *after)
{
    static char text[20000];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", before);

    for (unsigned i = 0; i < times; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? between : "", part);
    snprintf(text + len, sizeof text - len, "%s", after);
    return text;
}

/* Is that statement refused with this text? NULL: is it good? */
static void check_one(const char *statement, const char *refusal)
{
    struct value none = {.type = VALUE_NONE};
    struct pq_statement s;
    struct arena arena;
    struct err e = {0};

    arena_init(&arena, LIMIT_ARENA_BYTES);
    int result = partiql_parse(slice_text(statement), &none, &arena, &s, &e);
    arena_finish(&arena);
    if (refusal)
        assert_string_equal(e.text, refusal);
    else if (result < 0)
        fail_msg("%s", e.text);
    assert_int_equal(result, refusal ? -1 : 0);
}

static void test_limits(void **state)
{
    const char *select = "SELECT * FROM t WHERE ";

    (void)state;
    check_one(repeated("SELECT * FROM t WHERE a IN [", "1", ",", 100, "]"), NULL);
    check_one(repeated("SELECT * FROM t WHERE a IN [", "1", ",", 101, "]"),
              "The IN operator is provided with too many operands; number of operands: 101");
    check_one(repeated(select, "a=1", " OR ", 150, ""), NULL);
    check_one(repeated(select, "a=1", " OR ", 151, ""),
              "The statement has more than the maximum of 300 operators and functions");
    check_one(repeated(select, "(", "", 64, ""), MALFORMED "Unexpected term");
    check_one(repeated(select, "NOT ", "", 64, "a = 1"), NULL);
    check_one(repeated(select, "NOT ", "", 65, "a = 1"),
              "The statement has more than the maximum of 64 nested parentheses, NOTs and functions");
    check_one("", "1 validation error detected: Value '' at 'statement' failed to satisfy constraint: Member must have length "
                  "greater than or equal to 1");
    check_one(repeated("SELECT * FROM t", " ", "", 8192 - 15, ""), NULL);
    check_one(
        repeated("SELECT * FROM t", " ", "", 8193 - 15, ""),
        "1 validation error detected: Value '...' at 'statement' failed to satisfy constraint: Member must have length less "
        "than or equal to 8192");
}

static void test_nesting(void **state)
{
    char close[100];

    (void)state;
    memset(close, ']', 40);
    close[32] = 0;
    check_one(repeated("SELECT * FROM t WHERE a = ", "[", "", 32, close), NULL);
    close[32] = ']';
    close[33] = 0;
    check_one(
        repeated("SELECT * FROM t WHERE a = ", "[", "", 33, close),
        "Nesting Levels have exceeded supported limits under root[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
        "[0][0][0][0][0][0][0][0][0][0][0][0][0]");
}

/* Whatever stands in a statement, the parser ends, and either takes it or says why not. */
static void test_torn_statements(void **state)
{
    static const char *const statements[] = {
        "SELECT a.b[1], \"c\" FROM \"t\".\"i\" WHERE a = 'x' AND (b IN [1, 2] OR NOT c BETWEEN ? AND 3) ORDER BY a DESC, b",
        "INSERT INTO t VALUE {'a': [1, {'k': <<'x', 'y'>>}], 'b': -1.5e3, 'c': null, 'd': ?}",
        "UPDATE t SET a = list_append(if_not_exists(a, []), [1]), b = b + 1 REMOVE c[0] WHERE k = 1 RETURNING MODIFIED OLD *"};

    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        for (size_t len = 0; len <= strlen(statements[i]); len++)
            for (int c = 0; c < 40; c++) {
                char text[200];
                struct value none = {.type = VALUE_NONE};
                struct pq_statement s;
                struct arena arena;
                struct err e = {0};
                snprintf(text, sizeof text, "%.*s%c%s", (int)len, statements[i],
                         "\0'\"()[]{}<>,.?;:*-+1aA= \n\\@#$%&!/|~^`e_"[c], statements[i] + len);
                arena_init(&arena, LIMIT_ARENA_BYTES);
                int result = partiql_parse(slice_text(text), &none, &arena, &s, &e);
                assert_true(result == 0 ? e.code == ERR_NONE : e.code == ERR_VALIDATION);
                arena_finish(&arena);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),    cmocka_unit_test(test_conditions),      cmocka_unit_test(test_writes),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_operands),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nesting),   cmocka_unit_test(test_torn_statements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
