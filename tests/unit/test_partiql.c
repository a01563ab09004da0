/* test_partiql.c - single PartiQL statements: what they read, in which order and pages, what they write and return, how they are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/table_fixture.h"

#define INVALID "ValidationException: One or more parameter values were invalid: "
#define MALFORMED "ValidationException: Statement wasn't well formed, can't be processed: "

#define TYPES                                                                                                                  \
    FIXTURE_TYPE("pk", "S")                                                                                                    \
    "," FIXTURE_TYPE("sk", "S") "," FIXTURE_TYPE("g", "S") "," FIXTURE_TYPE("l", "N")
#define LOCAL FIXTURE_INDEX("by-l", FIXTURE_KEY("pk", "HASH") "," FIXTURE_KEY("l", "RANGE"), "KEYS_ONLY")
#define GLOBAL FIXTURE_INDEX("by-g", FIXTURE_KEY("g", "HASH"), "KEYS_ONLY")
#define THINGS                                                                                                                 \
    FIXTURE_TABLE_WITH(FIXTURE_KEY("pk", "HASH") "," FIXTURE_KEY("sk", "RANGE"), TYPES,                                        \
                       ",'LocalSecondaryIndexes':[" LOCAL "],'GlobalSecondaryIndexes':[" GLOBAL "]")

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", "events:id:S,at:N", NULL};
    char payload[200];

    table_fixture_init(&f, specs);
    for (int p = 0; p < 3; p++)
        for (int at = 0; at < 5; at++) {
            snprintf(payload, sizeof payload, "{'Item':{'id':'%c','at':%d,'odd':%s}}", 'a' + p, at, at % 2 ? "true" : "false");
            CHECK_RUN(&f, OP_CREATE, "events", payload, "{}");
        }
    assert_non_null(strstr(table_fixture_run(&f, OP_TABLE_CREATE, "things", THINGS), "TableDescription"));
    for (int i = 0; i < 4; i++) {
        snprintf(payload, sizeof payload, "{'Item':{'pk':'p','sk':'s%d','g':'g%d','l':%d,'hidden':%d}}", i, i % 2, 9 - i, i);
        CHECK_RUN(&f, OP_CREATE, "things", payload, "{}");
    }
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define CHECK(statement, expected) assert_string_equal(table_fixture_statement(*state, statement, ""), expected)
#define CHECK_WITH(statement, more, expected) assert_string_equal(table_fixture_statement(*state, statement, more), expected)

/* Which events a SELECT shows, as "a0 a1 b0". */
static const char *events(void **state, const char *statement, const char *more)
{
    static char list[400];
    const char *text = table_fixture_statement(*state, statement, more);
    size_t len = 0;
    char id[2];
    int at;

    list[0] = 0;
    if (strncmp(text, "{'Items'", 8) != 0)
        return text;
    for (const char *end = strstr(text, "],'"); (text = strstr(text, "{'id':'")) && (!end || text < end); text++)
        if (sscanf(text, "{'id':'%1[a-z]','at':%d", id, &at) == 2)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s%d", len ? " " : "", id, at);
    return list;
}

#define CHECK_EVENTS(where, expected) assert_string_equal(events(state, "SELECT * FROM events WHERE " where, ""), expected)

/* -- SELECT --------------------------------------------------------------------------------------------------- */
static void test_keys_become_ranges(void **state)
{
    CHECK_EVENTS("id = 'a'", "a0 a1 a2 a3 a4");
    CHECK_EVENTS("'a' = id AND at = 2", "a2");
    CHECK_EVENTS("id = 'a' AND at < 2", "a0 a1");
    CHECK_EVENTS("id = 'a' AND 2 < at", "a3 a4");
    CHECK_EVENTS("id = 'a' AND at >= 1 AND at <= 2", "a1 a2");
    CHECK_EVENTS("id = 'a' AND at BETWEEN 1 AND 3", "a1 a2 a3");
    CHECK_EVENTS("id = 'a' AND at BETWEEN 3 AND 1", "");
    CHECK_EVENTS("id = 'a' AND at IN [3, 1, 3]", "a3 a1");
    CHECK_EVENTS("id = 'a' AND (at = 4 OR at IN (0, 1))", "a4 a0 a1");
    CHECK_EVENTS("id IN ['c', 'a'] AND at = 1", "c1 a1");
    CHECK_EVENTS("(id = 'a' AND at = 0) OR (id = 'b' AND at > 3)", "a0 b4");
    CHECK_EVENTS("(id = 'a' AND at = 0) OR (id = 'a' AND at = 0 AND odd = true)", "a0");
    CHECK_EVENTS("id = 'a' AND id = 'b'", "");
    CHECK_EVENTS("id = 'a' AND id IN ['b', 'a'] AND at = 0", "a0");
    CHECK_EVENTS("id = 'a' AND odd", MALFORMED "Expected a condition");
    CHECK_EVENTS("id = 'a' AND odd = TRUE", "a1 a3");
    CHECK_EVENTS("id = 'a' AND NOT odd = true", "a0 a2 a4");
    CHECK_EVENTS("id = 'a' AND at > 'text'", "");
    CHECK_EVENTS("id = 'a' AND at > 0 AND odd = false AND (at > 3 OR at < 1)", "a4");
}

static void test_everything_else_scans(void **state)
{
    assert_string_equal(events(state, "SELECT * FROM events", ""), events(state, "SELECT * FROM \"events\" ;", ""));
    CHECK("SELECT id FROM events WHERE at = 4 AND odd = false AND id <> 'a' AND id <> 'b'", "{'Items':[{'id':'c'}]}");
    CHECK("SELECT id, at FROM events WHERE (id = 'a' AND at = 0) OR (at = 3 AND id > 'b')",
          "{'Items':[{'id':'a','at':0},{'id':'c','at':3}]}");
    CHECK("SELECT at FROM events WHERE odd IS MISSING", "{'Items':[]}");
}

static void test_columns(void **state)
{
    CHECK("INSERT INTO people VALUE {'id': 'x', 'm': {'k': [1, {'z': 2}]}, 'a': 1}", "{'Items':[]}");
    CHECK("SELECT m.k[0], m.k[1].z, m['k'], nothing FROM people WHERE id = 'x'",
          "{'Items':[{'k[0]':1,'z':2,'k':[1,{'z':2}]}]}");
    CHECK("SELECT m.k, a, m.k[1].z, z FROM people WHERE id = 'x'", "{'Items':[{'k':[1,{'z':2}],'a':1,'z':2}]}");
    CHECK("SELECT nothing FROM people WHERE id = 'x'", "{'Items':[{}]}");
    CHECK("SELECT id AS i FROM people WHERE id = 'x'", "ValidationException: Aliasing is not supported");
    CHECK("DELETE FROM people WHERE id = 'x'", "{'Items':[]}");
}

static void test_order(void **state)
{
    CHECK_EVENTS("id = 'a' ORDER BY at DESC", "a4 a3 a2 a1 a0");
    CHECK_EVENTS("id = 'a' ORDER BY at ASC", "a0 a1 a2 a3 a4");
    CHECK_EVENTS("id = 'a' AND at IN [3, 1, 2] ORDER BY at", "a1 a2 a3");
    CHECK_EVENTS("id = 'a' AND at IN [3, 1, 2] ORDER BY at DESC", "a3 a2 a1");
    CHECK_EVENTS("id IN ['c', 'a'] AND at < 2 ORDER BY id, at", "a0 a1 c0 c1");
    CHECK_EVENTS("id IN ['a', 'c'] AND at < 2 ORDER BY id DESC, at", "c0 c1 a0 a1");
    CHECK_EVENTS("id IN ['a', 'c'] AND at < 2 ORDER BY id", "a1 a0 c1 c0");
    CHECK("SELECT * FROM events ORDER BY id",
          "ValidationException: Must have WHERE clause in the statement when using ORDER BY clause.");
    CHECK_EVENTS("id = 'a' ORDER BY odd",
                 "ValidationException: Attribute odd in ORDER BY clause must be part of the primary key");
    CHECK_EVENTS("at = 1 ORDER BY at", "ValidationException: Must have at least one non-optional hash key condition in WHERE "
                                       "clause when using ORDER BY clause.");
    CHECK_EVENTS("id IN ['a', 'c'] ORDER BY at",
                 "ValidationException: Must have hash key in ORDER BY clause when more than one "
                 "hash key condition specified in WHERE clause.");
}

/* All pages of a SELECT, with so many items each. */
static const char *paged(void **state, const char *statement, int limit)
{
    static char list[400];
    char more[800], token[600] = "";
    int pages = 0;

    list[0] = 0;
    do {
        snprintf(more, sizeof more, "'Limit':%d%s%s%s", limit, *token ? ",'NextToken':'" : "", token, *token ? "'" : "");
        const char *page = events(state, statement, more);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", *list && *page ? " " : "", page);
        const char *next = strstr((const char *)((struct table_fixture *)*state)->text.data, "'NextToken':'");
        token[0] = 0;
        if (next)
            sscanf(next, "'NextToken':'%599[^']", token);
    } while (*token && pages++ < 100);
    return list;
}

static void test_pages_meet(void **state)
{
    static const char *const statements[] = {
        "SELECT * FROM events", "SELECT * FROM events WHERE id = 'b' ORDER BY at DESC",
        "SELECT * FROM events WHERE id IN ['c', 'a', 'b'] AND at IN [1, 4, 2]",
        "SELECT * FROM events WHERE id IN ['c', 'a'] AND odd = true ORDER BY id DESC, at DESC",
        "SELECT * FROM events WHERE (id = 'c' AND at < 2) OR (id = 'c' AND at > 3) OR id = 'a'"};

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        char whole[400];
        snprintf(whole, sizeof whole, "%s", events(state, statements[i], ""));
        assert_true(strlen(whole) > 6);
        for (int limit = 1; limit < 7; limit++)
            assert_string_equal(paged(state, statements[i], limit), whole);
    }
}

static void test_tokens_belong_to_their_statement(void **state)
{
    char token[600], more[800];
    const char *text = table_fixture_statement(*state, "SELECT * FROM events WHERE id = ?", "'Limit':2,'Parameters':['a']");

    assert_non_null(strstr(text, "'LastEvaluatedKey':{'id':'a','at':1}"));
    assert_int_equal(sscanf(strstr(text, "'NextToken':'"), "'NextToken':'%599[^']", token), 1);
    snprintf(more, sizeof more, "'Parameters':['a'],'NextToken':'%s'", token);
    assert_string_equal(events(state, "SELECT * FROM events WHERE id = ?", more), "a2 a3 a4");
    CHECK_WITH("SELECT * FROM events WHERE ? = id", more, "ValidationException: NextToken does not match request");
    snprintf(more, sizeof more, "'Parameters':['b'],'NextToken':'%s'", token);
    CHECK_WITH("SELECT * FROM events WHERE id = ?", more, "ValidationException: NextToken does not match request");
    CHECK_WITH("SELECT * FROM events", "'NextToken':'rubbish'", "ValidationException: NextToken does not match request");
    CHECK_WITH("SELECT * FROM events", "'NextToken':''", "ValidationException: NextToken does not match request");
}

static void test_refused_reads(void **state)
{
    char text[1200] = "SELECT * FROM events WHERE id IN ['0'";

    CHECK_EVENTS("id = 1",
                 "ValidationException: Key attribute's data type should match its data type in table's schema: Key id");
    CHECK_EVENTS("id = 'a' AND at IN [1, 'x']",
                 "ValidationException: Key attribute's data type should match its data type in table's schema: Key at");
    CHECK_EVENTS("(id = 'a' AND at < 3) OR (id = 'a' AND at > 1)",
                 "ValidationException: Overlapping conditions with range keys are not supported in where clause");
    for (int i = 1; i < 50; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",'%d'", i);
    snprintf(text + strlen(text), sizeof text - strlen(text), "] AND at = 1");
    CHECK(text, "{'Items':[]}");
    snprintf(text + strlen(text) - 12, 30, ",'x'] AND at = 1");
    CHECK(text, "ValidationException: Too many decomposed read operations for a given query.");
    CHECK("SELECT * FROM nothing WHERE id = 'a'", "ResourceNotFoundException: Requested resource not found");
    CHECK("SELECT * FROM events WHERE id = 'a' AND at < true",
          "ValidationException: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL");
    CHECK_WITH(
        "SELECT * FROM events", "'Limit':0",
        "ValidationException: 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have "
        "value greater than or equal to 1");
    CHECK_EVENTS("id.x = 'a'",
                 "ValidationException: Key attributes must be scalars; list random access '[]' and map lookup '.' are "
                 "not allowed: Key: id");
}

/* -- Indexes -------------------------------------------------------------------------------------------------- */
static void test_indexes(void **state)
{
    CHECK("SELECT sk, l FROM things.\"by-l\" WHERE pk = 'p' AND l > 7", "{'Items':[{'sk':'s1','l':8},{'sk':'s0','l':9}]}");
    CHECK("SELECT sk, hidden FROM things.\"by-l\" WHERE pk = 'p' AND l < 7", "{'Items':[{'sk':'s3','hidden':3}]}");
    CHECK("SELECT * FROM things.\"by-g\" WHERE g = 'g1' AND sk > 's1'", "{'Items':[{'pk':'p','sk':'s3','g':'g1'}]}");
    CHECK("SELECT sk FROM \"things\".\"by-g\" WHERE hidden = 1", "{'Items':[]}");
    CHECK("SELECT sk FROM things.\"by-g\" WHERE (g = 'g1' AND hidden = 1) OR (g = 'g0' AND sk = 's0')",
          "{'Items':[{'sk':'s0'}]}");
    CHECK("SELECT sk FROM things.\"by-g\" WHERE g = 'g1' AND hidden = 1",
          INVALID "Secondary index by-g does not project one or more filter attributes: [hidden]");
    CHECK("SELECT sk FROM things.\"by-l\" WHERE pk = 'p' AND hidden = 1",
          INVALID "Secondary index by-l does not project one or more filter attributes: [hidden]");
    CHECK("SELECT hidden FROM things.\"by-g\" WHERE g = 'g1'", INVALID "Global secondary index by-g does not project [hidden]");
    CHECK("SELECT * FROM things.other WHERE g = 'g1'", "ValidationException: The table does not have the specified index");
    CHECK("SELECT * FROM things.\"by-g\".x", "ValidationException: A path may contain at most 2 components in the FROM clause");
    CHECK("SELECT * FROM things.\"\"", "ValidationException: Path component cannot be an empty string");
    CHECK_WITH("SELECT * FROM things.\"by-g\" WHERE g = 'g1'", "'ConsistentRead':true",
               "ValidationException: Strongly consistent read is not supported on Global Secondary Indexes");
    CHECK("UPDATE things.\"by-g\" SET a = 1 WHERE pk = 'p' AND sk = 's0'",
          "ValidationException: Index names are only supported in the FROM clause of SELECT statements");
    CHECK_WITH(
        "SELECT sk, hidden FROM things.\"by-l\" WHERE pk = 'p' AND l < 8", "'ReturnConsumedCapacity':'INDEXES'",
        "{'Items':[{'sk':'s3','hidden':3},{'sk':'s2','hidden':2}],'ConsumedCapacity':{'TableName':'things','CapacityUnits':1.5,"
        "'Table':{'CapacityUnits':1},'LocalSecondaryIndexes':{'by-l':{'CapacityUnits':0.5}}}}");
}

/* -- Writes --------------------------------------------------------------------------------------------------- */
static void test_insert(void **state)
{
    CHECK("INSERT INTO people VALUE {'id': 'i', 'n': -1.50, 's': <<'b', 'a', 'b'>>}",
          INVALID "Input collection [a, b, b] contains duplicates.");
    CHECK("INSERT INTO people VALUE {'id': 'i', 'n': -1.50, 's': <<'b', 'a'>>, 't': true, 'z': null, 'l': [], 'm': {}}",
          "{'Items':[]}");
    CHECK_RUN(*state, OP_READ, "people", "{'Key':{'id':'i'}}",
              "{'Item':{'id':'i','n':-1.5,'s':{'$stringSet':['a','b']},'t':true,'z':null,'l':[],'m':{}}}");
    CHECK("INSERT INTO people VALUE {'id': 'i'}", "DuplicateItemException: Duplicate primary key exists in table");
    CHECK_WITH("INSERT INTO people VALUE {'id': ?, 'x': ?}", "'Parameters':['j',[1]]", "{'Items':[]}");
    CHECK_WITH("INSERT INTO people VALUE ?", "'Parameters':[{'id':'k'}],'ReturnConsumedCapacity':'TOTAL'",
               "{'Items':[],'ConsumedCapacity':{'TableName':'people','CapacityUnits':1}}");
    CHECK("INSERT INTO people VALUE {'n': 1}", INVALID "Missing the key id in the item");
    CHECK("INSERT INTO people VALUE {'id': 1}", INVALID "Type mismatch for key id expected: S actual: N");
    CHECK("INSERT INTO people VALUE {'id': 'x', 'id': 'y'}", "ValidationException: A map holds the same name twice");
    CHECK_WITH("INSERT INTO people VALUE {'id': ?, 'x': ?}", "'Parameters':['j']",
               "ValidationException: Number of parameters in request and statement don't match.");
}

static void test_update(void **state)
{
    CHECK("INSERT INTO people VALUE {'id': 'u', 'n': 1, 'l': [1, 2], 'm': {'k': 'v'}, 's': <<1, 2>>}", "{'Items':[]}");
    CHECK("UPDATE people SET n = n + 4, m.k = 'w' SET l = list_append(l, [3]), e = if_not_exists(e, 7) WHERE id = 'u' "
          "RETURNING ALL NEW *",
          "{'Items':[{'id':'u','n':5,'l':[1,2,3],'m':{'k':'w'},'s':{'$numberSet':[1,2]},'e':7}]}");
    CHECK("UPDATE people REMOVE l[0], e WHERE id = 'u' RETURNING MODIFIED OLD *", "{'Items':[{'l':[1],'e':7}]}");
    CHECK("UPDATE people SET s = set_add(s, <<3>>) WHERE id = 'u' RETURNING MODIFIED NEW *",
          "{'Items':[{'s':{'$numberSet':[1,2,3]}}]}");
    CHECK("UPDATE people SET s = set_delete(s, <<1, 3>>) WHERE id = 'u' RETURNING ALL OLD *",
          "{'Items':[{'id':'u','n':5,'l':[2,3],'m':{'k':'w'},'s':{'$numberSet':[1,2,3]}}]}");
    CHECK("UPDATE people REMOVE s WHERE id = 'u' RETURNING MODIFIED NEW *", "{'Items':[]}");
    CHECK("FROM people WHERE id = 'u' AND n = 5 SET n = 6", "{'Items':[]}");
    CHECK("UPDATE people SET n = 1 WHERE id = 'u' AND n = 5",
          "ConditionalCheckFailedException: The conditional request failed");
    CHECK_WITH("UPDATE people SET n = 1 WHERE id = 'u' AND n = 5", "'ReturnValuesOnConditionCheckFailure':'ALL_OLD'",
               "ConditionalCheckFailedException: The conditional request failed {'id':'u','n':6,'l':[2,3],'m':{'k':'w'}}");
    CHECK("UPDATE people SET n = 1 WHERE id = 'nobody'", "ConditionalCheckFailedException: The conditional request failed");
    CHECK("UPDATE people SET n = 1",
          "ValidationException: Where clause does not contain a mandatory equality on all key attributes");
    CHECK("UPDATE events SET n = 1 WHERE id = 'a' AND at > 1",
          "ValidationException: Where clause does not contain a mandatory equality on all key attributes");
    CHECK("UPDATE people SET n = 1 WHERE id = 'u' AND id = 'v'",
          "ValidationException: Multiple conditions on same key id. Only single item Update/Insert/Delete are supported");
    CHECK("UPDATE people SET id = 'x' WHERE id = 'u'", INVALID "Cannot update attribute id. This attribute is part of the key");
    CHECK("UPDATE people SET n = 1 WHERE id = 1", "ValidationException: The provided key element does not match the schema");
    CHECK("UPDATE people SET n = m + 1 WHERE id = 'u'",
          "ValidationException: An operand in the update expression has an incorrect data type");
    CHECK("UPDATE people SET x.y = 1 WHERE id = 'u'",
          "ValidationException: The document path provided in the update expression is invalid for update");
}

static void test_delete(void **state)
{
    CHECK("INSERT INTO people VALUE {'id': 'd', 'n': 1}", "{'Items':[]}");
    CHECK("DELETE FROM people WHERE id = 'd' AND n = 2", "ConditionalCheckFailedException: The conditional request failed");
    CHECK("DELETE FROM people WHERE id = 'd' RETURNING ALL NEW *",
          "ValidationException: Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE "
          "statements.");
    CHECK("DELETE FROM people WHERE id = 'd' AND n = 1 RETURNING ALL OLD *", "{'Items':[{'id':'d','n':1}]}");
    CHECK("DELETE FROM people WHERE id = 'd' AND n = 1 RETURNING ALL OLD *", "{'Items':[]}");
    CHECK("EXISTS (SELECT * FROM people WHERE id = 'd' AND n = 1)",
          "ValidationException: EXISTS can only be used in ExecuteTransaction write requests.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_become_ranges),
        cmocka_unit_test(test_everything_else_scans),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_pages_meet),
        cmocka_unit_test(test_tokens_belong_to_their_statement),
        cmocka_unit_test(test_refused_reads),
        cmocka_unit_test(test_indexes),
        cmocka_unit_test(test_insert),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_delete),
    };

    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
