/* test_partiql_many.c - several PartiQL statements: each for itself in a batch, all or nothing in a transaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/table_fixture.h"

#define CANCELED "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons "
#define IN_STATEMENT(n) "ValidationException: Validation failed in TransactStatements[" #n "]: "

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", "events:id:S,at:N", NULL};

    table_fixture_init(&f, specs);
    CHECK_RUN(&f, OP_CREATE, "people", "{'Item':{'id':'a','n':1}}", "{}");
    CHECK_RUN(&f, OP_CREATE, "people", "{'Item':{'id':'b','m':{'k':2}}}", "{}");
    CHECK_RUN(&f, OP_CREATE, "events", "{'Item':{'id':'e','at':1}}", "{}");
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

/* Statements, each with more members of its part of the request. */
#define RUN(op, more, ...) table_fixture_statements(*state, op, (const char *const[]){__VA_ARGS__, NULL}, more)
#define BATCH(expected, more, ...) assert_string_equal(RUN(OP_STATEMENTS, more, __VA_ARGS__), expected)
#define TRANSACTION(expected, more, ...) assert_string_equal(RUN(OP_STATEMENT_TRANSACTION, more, __VA_ARGS__), expected)
#define CHECK_ITEM(id, expected) CHECK_RUN(*state, OP_READ, "people", "{'Key':{'id':'" id "'}}", expected)

/* -- Batches -------------------------------------------------------------------------------------------------- */
static void test_batch_reads(void **state)
{
    BATCH("{'Responses':[{'TableName':'people','Item':{'id':'a','n':1}},{'TableName':'people','Item':{'k':2}},{'TableName':'"
          "people'},"
          "{'TableName':'events','Item':{'id':'e','at':1}},{'TableName':'people'}]}",
          "", "SELECT * FROM people WHERE id = 'a'", "", "SELECT m.k FROM people WHERE id = ?", "'Parameters':['b']",
          "SELECT * FROM people WHERE id = 'c'", "", "SELECT * FROM events WHERE at = 1 AND id = 'e'", "",
          "SELECT * FROM people WHERE id = 'a' AND n = 2", "");
    BATCH("{'Responses':[{'TableName':'people','Item':{'id':'a','n':1}},{'TableName':'people','Item':{'id':'b','m':{'k':2}}}],"
          "'ConsumedCapacity':[{'TableName':'people','CapacityUnits':1.5}]}",
          "'ReturnConsumedCapacity':'TOTAL'", "SELECT * FROM people WHERE id = 'a'", "'ConsistentRead':true",
          "SELECT * FROM people WHERE id = 'b'", "");
}

#define NO_KEY                                                                                                                 \
    "{'Error':{'Code':'ValidationError','Message':'Select statements within BatchExecuteStatement must specify the primary "   \
    "key in "                                                                                                                  \
    "the where clause.'}"

static void test_batch_statements_fail_alone(void **state)
{
    BATCH("{'Responses':[{'Error':{'Code':'ValidationError','Message':'Statement wasn't well formed, can't be processed: "
          "Expected "
          "data manipulation'}},{'TableName':'people','Item':{'id':'a','n':1}}," NO_KEY ",'TableName':'events'}," NO_KEY
          ",'TableName':'people'},{'Error':{'Code':'ResourceNotFound','Message':'Requested resource not "
          "found'},'TableName':'nope'},"
          "{'Error':{'Code':'ValidationError','Message':'The provided key element does not match the "
          "schema'},'TableName':'people'},"
          "{'Error':{'Code':'ValidationError','Message':'EXISTS can only be used in ExecuteTransaction write requests.'},"
          "'TableName':'people'}]}",
          "", "SLECT", "", "SELECT * FROM people WHERE id = 'a'", "", "SELECT * FROM events WHERE id = 'e'", "",
          "SELECT * FROM people.i WHERE id = 'a'", "", "SELECT * FROM nope WHERE id = 'a'", "",
          "SELECT * FROM people WHERE id = 1", "", "EXISTS(SELECT * FROM people WHERE id = 'a' AND n = 1)", "");
    BATCH("{'Responses':[{'TableName':'people'},{'Error':{'Code':'DuplicateItem','Message':'Duplicate primary key exists in "
          "table'},"
          "'TableName':'people'},{'Error':{'Code':'ConditionalCheckFailed','Message':'The conditional request "
          "failed','Item':{'id':'x',"
          "'n':1}},'TableName':'people'},{'TableName':'people','Item':{'n':2}},{'TableName':'people','Item':{'id':'x','n':2}},"
          "{'TableName':'people'}]}",
          "", "INSERT INTO people VALUE {'id': 'x', 'n': 1}", "", "INSERT INTO people VALUE {'id': 'x', 'n': 3}", "",
          "UPDATE people SET n = 9 WHERE id = 'x' AND n = 5", "'ReturnValuesOnConditionCheckFailure':'ALL_OLD'",
          "UPDATE people SET n = 2 WHERE id = 'x' RETURNING MODIFIED NEW *", "",
          "DELETE FROM people WHERE id = 'x' RETURNING ALL OLD *", "", "DELETE FROM people WHERE id = 'x' RETURNING ALL OLD *",
          "");
    CHECK_ITEM("x", "{}");
}

/* -- Transactions --------------------------------------------------------------------------------------------- */
static void test_transaction_reads(void **state)
{
    TRANSACTION("{'Responses':[{'Item':{'id':'a','n':1}},{},{'Item':{'k':2}},{}]}", "", "SELECT * FROM people WHERE id = 'a'",
                "", "SELECT * FROM people WHERE id = 'nobody'", "", "SELECT m.k FROM people WHERE id = ?", "'Parameters':['b']",
                "SELECT * FROM events WHERE id = 'e' AND at = 1 AND x = 1", "");
    TRANSACTION(CANCELED
                "[None, ResourceNotFound] [{'Code':'None'},{'Code':'ResourceNotFound','Message':'Requested resource not "
                "found'}]",
                "", "SELECT * FROM people WHERE id = 'a'", "", "SELECT * FROM nope WHERE id = 'a'", "");
    TRANSACTION(IN_STATEMENT(1) "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
                "", "SELECT * FROM people WHERE id = 'a'", "", "SELECT * FROM events WHERE id = 'e'", "");
    TRANSACTION(IN_STATEMENT(0) "Reads on indices are not supported within transactions.", "",
                "SELECT * FROM people.i WHERE id = 'a'", "");
}

static void test_transaction_writes(void **state)
{
    TRANSACTION(
        "{'Responses':[{},{},{},{}],'ConsumedCapacity':[{'TableName':'people','CapacityUnits':8,'WriteCapacityUnits':8}]}",
        "'ReturnConsumedCapacity':'TOTAL'", "INSERT INTO people VALUE {'id': 't1', 'n': 1}", "",
        "UPDATE people SET n = n + 1 WHERE id = 'a' AND n = 1", "", "DELETE FROM people WHERE id = 'nobody' AND n = 5", "",
        "EXISTS(SELECT * FROM people WHERE id = 'b' AND m.k = 2)", "");
    CHECK_ITEM("a", "{'Item':{'id':'a','n':2}}");
    CHECK_ITEM("t1", "{'Item':{'id':'t1','n':1}}");
    TRANSACTION(CANCELED "[None, ConditionalCheckFailed, DuplicateItem, ConditionalCheckFailed] [{'Code':'None'},{'Code':"
                         "'ConditionalCheckFailed','Message':'The conditional request failed','Item':{'id':'a','n':2}},{'Code':"
                         "'DuplicateItem','Message':'Duplicate primary key exists in table'},{'Code':'ConditionalCheckFailed',"
                         "'Message':'The conditional request failed'}]",
                "", "INSERT INTO people VALUE {'id': 't2'}", "", "UPDATE people SET n = 5 WHERE id = 'a' AND n = 7",
                "'ReturnValuesOnConditionCheckFailure':'ALL_OLD'", "INSERT INTO people VALUE {'id': 't1'}", "",
                "EXISTS(SELECT * FROM people WHERE id = 'b' AND m.k = 3)", "");
    CHECK_ITEM("t2", "{}");
    CHECK_ITEM("a", "{'Item':{'id':'a','n':2}}");
    TRANSACTION("{'Responses':[{},{}]}", "", "UPDATE people SET n = 1 WHERE id = 'a'", "", "DELETE FROM people WHERE id = 't1'",
                "");
}

static void test_transaction_refusals(void **state)
{
    TRANSACTION(IN_STATEMENT(1) "Statement wasn't well formed, can't be processed: Expected data manipulation", "",
                "DELETE FROM people WHERE id = 'a'", "", "SLECT", "");
    TRANSACTION(IN_STATEMENT(0) "RETURNING clause is not supported in ExecuteTransaction.", "",
                "DELETE FROM people WHERE id = 'a' RETURNING ALL OLD *", "");
    TRANSACTION(
        "ValidationException: ExecuteTransaction API does not support both read and write operations in the same request.", "",
        "DELETE FROM people WHERE id = 'a'", "", "SELECT * FROM people WHERE id = 'b'", "");
    TRANSACTION(IN_STATEMENT(0) "EXISTS() must contain a single item read with additional condition", "",
                "EXISTS(SELECT * FROM people WHERE id = 'a')", "");
    TRANSACTION(IN_STATEMENT(0) "Where clause does not contain a mandatory equality on all key attributes", "",
                "UPDATE events SET n = 1 WHERE id = 'e'", "");
    TRANSACTION("ValidationException: Transaction request cannot include multiple operations on one item", "",
                "UPDATE people SET n = 1 WHERE id = 'a'", "", "DELETE FROM people WHERE id = 'a'", "");
    TRANSACTION(CANCELED
                "[ValidationError] [{'Code':'ValidationError','Message':'The provided key element does not match the schema'}]",
                "", "DELETE FROM people WHERE id = 1", "");
    CHECK_ITEM("a", "{'Item':{'id':'a','n':1}}");
}

static void test_token(void **state)
{
    const char *token = "'ClientRequestToken':'token-1','ReturnConsumedCapacity':'TOTAL'";

    TRANSACTION("{'Responses':[{}],'ConsumedCapacity':[{'TableName':'people','CapacityUnits':2,'WriteCapacityUnits':2}]}",
                token, "UPDATE people SET n = n + 1 WHERE id = 'a'", "");
    TRANSACTION("{'Responses':[{}],'ConsumedCapacity':[{'TableName':'people','CapacityUnits':2,'ReadCapacityUnits':2}]}", token,
                "UPDATE people SET n = n + 1 WHERE id = 'a'", "");
    assert_non_null(strstr(RUN(OP_STATEMENT_TRANSACTION, token, "UPDATE people SET n = n + 2 WHERE id = 'a'", ""),
                           "IdempotentParameterMismatchException: "));
    CHECK_ITEM("a", "{'Item':{'id':'a','n':2}}");
    TRANSACTION("{'Responses':[{}]}", "", "UPDATE people SET n = 1 WHERE id = 'a'", "");
}

static void test_counts(void **state)
{
    const char *statements[2 * 101 + 1];
    char texts[101][80];

    for (int i = 0; i < 101; i++) {
        snprintf(texts[i], sizeof texts[i], "DELETE FROM people WHERE id = 'none%d'", i);
        statements[2 * i] = texts[i];
        statements[2 * i + 1] = "";
    }
    statements[202] = NULL;
    assert_non_null(
        strstr(table_fixture_statements(*state, OP_STATEMENT_TRANSACTION, statements, ""),
               "'transactStatements' failed to satisfy constraint: Member must have length less than or equal to 100"));
    statements[200] = NULL;
    assert_non_null(strstr(table_fixture_statements(*state, OP_STATEMENT_TRANSACTION, statements, ""), "{'Responses':[{},"));
    statements[52] = NULL;
    assert_non_null(strstr(table_fixture_statements(*state, OP_STATEMENTS, statements, ""),
                           "'statements' failed to satisfy constraint: Member must have length less than or equal to 25"));
    statements[50] = NULL;
    assert_non_null(strstr(table_fixture_statements(*state, OP_STATEMENTS, statements, ""), "{'Responses':[{"));
    statements[0] = NULL;
    assert_non_null(strstr(table_fixture_statements(*state, OP_STATEMENTS, statements, ""), "greater than or equal to 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_reads),
        cmocka_unit_test(test_batch_statements_fail_alone),
        cmocka_unit_test(test_transaction_reads),
        cmocka_unit_test(test_transaction_writes),
        cmocka_unit_test(test_transaction_refusals),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_counts),
    };

    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
