/* test_transact.c - transactions of writes and of reads: all or nothing, reasons in their places, tokens that are remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/table_fixture.h"
#include "worker/table/token.h"

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", "events:id:S,at:N", NULL};

    table_fixture_init(&f, specs);
    CHECK_RUN(&f, OP_CREATE, "people", "{'Item':{'id':'a','n':10}}", "{}");
    CHECK_RUN(&f, OP_CREATE, "people", "{'Item':{'id':'b','n':20}}", "{}");
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define WRITE(items, expected) CHECK_RUN(*state, OP_TRANSACT_WRITE, "", "{'TransactItems':[" items "]}", expected)
#define READ(items, expected) CHECK_RUN(*state, OP_TRANSACT_READ, "", "{'TransactItems':[" items "]}", expected)
#define IS(key, expected) CHECK_RUN(*state, OP_READ, "people", "{'Key':{'id':'" key "'}}", expected)
#define PUT(item, more) "{'Put':{'TableName':'people','Item':" item more "}}"
#define DELETE(key, more) "{'Delete':{'TableName':'people','Key':" key more "}}"
#define CHECK(key, more) "{'ConditionCheck':{'TableName':'people','Key':" key more "}}"
#define ADD(key, amount, more)                                                                                                 \
    "{'Update':{'TableName':'people','Key':{'id':'" key                                                                        \
    "'},'UpdateExpression':'SET n = n + :v','ExpressionAttributeValues':{'"                                                    \
    ":v':" amount "}" more "}}"
#define GET(key, more) "{'Get':{'TableName':'people','Key':{'id':'" key "'}" more "}}"
#define CANCELED "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons "
#define FAILED "{'Code':'ConditionalCheckFailed','Message':'The conditional request failed'}"
#define NONE "{'Code':'None'}"
#define INVALID "ValidationException: "

static void test_all_kinds(void **state)
{
    WRITE(PUT("{'id':'c','n':1}", ",'ConditionExpression':'attribute_not_exists(id)'") "," ADD("a", "-3", "") "," DELETE(
              "{'id':'b'}", "") "," CHECK("{'id':'d'}",
                                          ",'ConditionExpression':'attribute_not_exists(id)'") ",{'Put':{'TableName':'events','"
                                                                                               "Item':{'id':'e','at':1}}}",
          "{}");
    IS("a", "{'Item':{'id':'a','n':7}}");
    IS("b", "{}");
    IS("c", "{'Item':{'id':'c','n':1}}");
    IS("d", "{}");
    CHECK_RUN(*state, OP_READ, "events", "{'Key':{'id':'e','at':1}}", "{'Item':{'id':'e','at':1}}");
    READ(GET("a", "") "," GET("b", "") "," GET("c", ",'ProjectionExpression':'n'"),
         "{'Responses':[{'Item':{'id':'a','n':7}},{},{'Item':{'n':1}}]}");
}

/* Every action is looked at, and each failed one says why at its own place; the store is as it was. */
static void test_conditions_fail(void **state)
{
    WRITE(ADD("a", "1", "") "," PUT("{'id':'x'}", ",'ConditionExpression':'attribute_exists(id)'") "," CHECK(
              "{'id':'b'}", ",'ConditionExpression':'n = :n','ExpressionAttributeValues':{':n':21}"),
          CANCELED "[None, ConditionalCheckFailed, ConditionalCheckFailed] [" NONE "," FAILED "," FAILED "]");
    IS("a", "{'Item':{'id':'a','n':10}}");
    IS("x", "{}");
    WRITE(
        PUT("{'id':'a'}", ",'ConditionExpression':'attribute_not_exists(id)','ReturnValuesOnConditionCheckFailure':'ALL_OLD'"),
        CANCELED "[ConditionalCheckFailed] [{'Code':'ConditionalCheckFailed','Message':'The conditional request "
                 "failed','Item':{'id':'a','n':10}}]");
    WRITE(PUT("{'id':'a'}", ",'ConditionExpression':'attribute_not_exists(id)','ReturnValuesOnConditionCheckFailure':'NONE'"),
          CANCELED "[ConditionalCheckFailed] [" FAILED "]");
}

#define VALIDATION(text) "{'Code':'ValidationError','Message':'" text "'}"
#define MISMATCH "The provided key element does not match the schema"

static void test_actions_that_cannot_be(void **state)
{
    WRITE(PUT("{'id':7}", "") "," PUT("{'id':8}", "") "," PUT("{'id':'x'}", ",'ConditionExpression':'attribute_exists(id)'"),
          CANCELED "[ValidationError, None, None] [" VALIDATION(
              "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N") "," NONE "," NONE
                                                                                                           "]");
    WRITE(DELETE("{'id':7}", ""), CANCELED "[ValidationError] [" VALIDATION(MISMATCH) "]");
    WRITE(CHECK("{'id':'a','x':1}", ",'ConditionExpression':'attribute_exists(id)'"),
          CANCELED "[ValidationError] [" VALIDATION(MISMATCH) "]");
    WRITE("{'Update':{'TableName':'people','Key':{'id':'a'},'UpdateExpression':'SET m.x = n'}}," ADD("b", "1", ""),
          CANCELED "[ValidationError, None] [" VALIDATION(
              "The document path provided in the update expression is invalid for update") "," NONE "]");
    IS("b", "{'Item':{'id':'b','n':20}}");
    WRITE(ADD("new", "1", ""), CANCELED "[ValidationError] [" VALIDATION(
                                   "The provided expression refers to an attribute that does not exist in the item") "]");
    IS("new", "{}");
}

static void test_errors_of_the_whole(void **state)
{
    WRITE("",
          INVALID "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have "
                  "length greater than or equal to 1");
    WRITE(PUT("{'id':''}", ""),
          INVALID "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                  "contain an empty string value. Key: id");
    WRITE(DELETE("{'id':''}", ""), INVALID "One or more parameter values are not valid. The AttributeValue for a key attribute "
                                           "cannot contain an empty string value. Key: id");
    WRITE(ADD("a", "1", "") "," DELETE("{'id':'a'}", ""),
          INVALID "Transaction request cannot include multiple operations on one item");
    WRITE(CHECK("{'id':'a'}", ""), INVALID "Missing required parameter in input: 'ConditionExpression'");
    WRITE("{'Put':{'TableName':'nope','Item':{'id':'1'}}}", "ResourceNotFoundException: Requested resource not found");
    WRITE("{'Put':{'TableName':'people','Item':{'id':'1'}},'Delete':{'TableName':'people','Key':{'id':'2'}}}",
          INVALID "TransactItems can only contain one of Check, Put, Update or Delete");
    WRITE("{}", INVALID "TransactItems can only contain one of Check, Put, Update or Delete");
    WRITE(GET("a", ""), INVALID "TransactItems can only contain one of Check, Put, Update or Delete");
    WRITE(PUT("{'id':'1'}", ",'ConditionExpression':'hello!'"),
          INVALID "Invalid ConditionExpression: Syntax error; token: '!', near: 'hello!'");
    WRITE(PUT("{'id':'1'}", ",'ConditionExpression':'attribute_exists(#x)'"), INVALID
          "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute "
          "name: #x");
    WRITE(PUT("{'id':'1'}", ",'ReturnValuesOnConditionCheckFailure':'dog'"), INVALID
          "1 validation error detected: Value 'dog' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: "
          "Member must satisfy enum value set: [ALL_OLD, NONE]");
    WRITE(PUT("{'id':'1'}", ",'ReturnValues':'ALL_OLD'"),
          INVALID "Unknown parameter in input: 'ReturnValues', must be one of: Item, TableName, ConditionExpression, "
                  "ExpressionAttributeNames, ExpressionAttributeValues, ReturnValuesOnConditionCheckFailure");
    READ(GET("a", "") "," GET("a", ""), INVALID "Transaction request cannot include multiple operations on one item");
    READ("{'Get':{'TableName':'people','Key':{}}}," GET("a", ""),
         CANCELED "[ValidationError, None] [" VALIDATION(MISMATCH) "," NONE "]");
    READ(GET("a", ",'ProjectionExpression':'!!!'"),
         INVALID "Invalid ProjectionExpression: Syntax error; token: '!', near: '!!'");
}

static void test_capacity(void **state)
{
#define CAPACITY(kind) "{'ConsumedCapacity':[{'TableName':'people','CapacityUnits':4,'" kind "':4}]}"
    CHECK_RUN(*state, OP_TRANSACT_WRITE, "",
              "{'TransactItems':[" ADD("a", "1", "") "," CHECK(
                  "{'id':'b'}", ",'ConditionExpression':'attribute_exists(id)'") "],"
                                                                                 "'ReturnConsumedCapacity':'TOTAL'}",
              CAPACITY("WriteCapacityUnits"));
    CHECK_RUN(*state, OP_TRANSACT_READ, "", "{'TransactItems':[" GET("a", "") "],'ReturnConsumedCapacity':'INDEXES'}",
              "{'Responses':[{'Item':{'id':'a','n':11}}],'ConsumedCapacity':[{'TableName':'people','CapacityUnits':2,"
              "'ReadCapacityUnits':2,'Table':{'CapacityUnits':2,'ReadCapacityUnits':2}}]}");
}

/* -- Tokens --------------------------------------------------------------------------------------------------- */
#define TOKEN(items, token, more) "{'ClientRequestToken':'" token "','TransactItems':[" items "]" more "}"
#define RUN(payload, expected) CHECK_RUN(*state, OP_TRANSACT_WRITE, "", payload, expected)
#define OTHER                                                                                                                  \
    "IdempotentParameterMismatchException: DynamoDB rejected the request because you retried a request with a different "      \
    "payload but with an idempotent token that was already used."

static void test_a_token_is_carried_out_once(void **state)
{
    struct table_fixture *f = *state;

    RUN(TOKEN(ADD("a", "1", ""), "t1", ""), "{}");
    RUN(TOKEN(ADD("a", "1", ""), "t1", ""), "{}");
    IS("a", "{'Item':{'id':'a','n':11}}");
    RUN(TOKEN(ADD("a", "2", ""), "t1", ""), OTHER);
    RUN(TOKEN(ADD("a", "1", "") "," ADD("b", "1", ""), "t1", ""), OTHER);
    /* the order of names in a map does not matter, and neither does what is returned */
    RUN("{'TransactItems':[{'Update':{'UpdateExpression':'SET n = n + "
        ":v','ExpressionAttributeValues':{':v':1},'Key':{'id':'a'},"
        "'TableName':'people'}}],'ClientRequestToken':'t1','ReturnConsumedCapacity':'TOTAL'}",
        "{'ConsumedCapacity':[{'TableName':'people','CapacityUnits':2,'ReadCapacityUnits':2}]}");
    RUN(TOKEN(ADD("a", "1", ""), "t2", ""), "{}");
    IS("a", "{'Item':{'id':'a','n':12}}");
    f->now_ms += LIMIT_TOKEN_MS;
    RUN(TOKEN(ADD("a", "1", ""), "t1", ""), "{}");
    IS("a", "{'Item':{'id':'a','n':12}}");
    f->now_ms += 1;
    RUN(TOKEN(ADD("a", "1", ""), "t1", ""), "{}");
    IS("a", "{'Item':{'id':'a','n':13}}");
}

/* What was not carried out is not remembered. */
static void test_a_canceled_token(void **state)
{
    RUN(TOKEN(PUT("{'id':'a'}", ",'ConditionExpression':'attribute_not_exists(id)'"), "t", ""),
        CANCELED "[ConditionalCheckFailed] [" FAILED "]");
    RUN(TOKEN(ADD("a", "1", ""), "t", ""), "{}");
    IS("a", "{'Item':{'id':'a','n':11}}");
}

static void test_lengths_of_tokens(void **state)
{
    RUN(TOKEN(ADD("a", "1", ""), "", ""), INVALID
        "1 validation error detected: Value '' at 'clientRequestToken' failed to satisfy constraint: Member must have length "
        "greater than or equal to 1");
    RUN(TOKEN(ADD("a", "1", ""), "123456789012345678901234567890123456", ""), "{}");
    RUN(TOKEN(ADD("a", "1", ""), "1234567890123456789012345678901234567", ""),
        INVALID "1 validation error detected: Value '1234567890123456789012345678901234567' at 'clientRequestToken' failed to "
                "satisfy constraint: Member must have length less than or equal to 36");
}

static size_t count_tokens(struct kv *kv)
{
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, row;
    size_t count = 0;

    assert_int_equal(kv_begin(kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(kv_cursor_open(txn, KV_TOKENS, &cursor), KV_OK);
    for (enum kv_result r = kv_seek(cursor, slice_of("\0", 1), &key, &row); r == KV_OK; r = kv_next(cursor, &key, &row))
        count++;
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    return count;
}

static void test_old_tokens_are_swept(void **state)
{
    struct table_fixture *f = *state;
    char payload[300];
    bool left;

    for (int i = 0; i < 10; i++) {
        snprintf(payload, sizeof payload, "{'ClientRequestToken':'t%d','TransactItems':[" ADD("a", "1", "") "]}", i);
        RUN(payload, "{}");
        f->now_ms += i == 4 ? 2 * LIMIT_TOKEN_MS : 0;
    }
    assert_int_equal(token_sweep(f->kv, f->now_ms, 3, &left), KV_OK);
    assert_true(left);
    assert_int_equal(count_tokens(f->kv), 7);
    assert_int_equal(token_sweep(f->kv, f->now_ms, 3, &left), KV_OK);
    assert_false(left);
    assert_int_equal(count_tokens(f->kv), 5);
    RUN(TOKEN(ADD("a", "1", ""), "t9", ""), "{}");
    IS("a", "{'Item':{'id':'a','n':20}}");
}

/* -- Limits --------------------------------------------------------------------------------------------------- */
static const char *run_many(void **state, enum op_code code, int count, const char *pattern, size_t fill)
{
    size_t size = (size_t)count * (strlen(pattern) + fill + 100) + 100, len;
    char *payload = malloc(size), *text = malloc(fill + 1);

    assert_true(payload && text);
    memset(text, 'x', fill);
    text[fill] = 0;
    len = (size_t)snprintf(payload, size, "{'TransactItems':[");
    for (int i = 0; i < count; i++) {
        const char *number = strchr(pattern, '%'), *filled = strchr(number + 1, '%');
        len += (size_t)snprintf(payload + len, size - len, "%s%.*s%d%.*s%s%s", i ? "," : "", (int)(number - pattern), pattern,
                                i, (int)(filled - number - 1), number + 1, text, filled + 1);
    }
    snprintf(payload + len, size - len, "]}");
    const char *answer = table_fixture_run(*state, code, "", payload);
    free(payload);
    free(text);
    return answer;
}

#define MANY_PUTS "{'Put':{'TableName':'people','Item':{'id':'m%','v':'%'}}}"
#define MANY_GETS "{'Get':{'TableName':'people','Key':{'id':'m%'},'ProjectionExpression':'%n'}}"

#define MANY_READS "{'Get':{'Key':{'id':'m%'},'TableName':'people%'}}"

static void test_counts(void **state)
{
    const char *too_many =
        INVALID "1 validation error detected: Value '[...]' at 'transactItems' failed to satisfy constraint: "
                "Member must have length less than or equal to 100";

    assert_string_equal(run_many(state, OP_TRANSACT_WRITE, 100, MANY_PUTS, 1), "{}");
    assert_string_equal(run_many(state, OP_TRANSACT_WRITE, 101, MANY_PUTS, 1), too_many);
    assert_non_null(strstr(run_many(state, OP_TRANSACT_READ, 100, MANY_GETS, 0), "{'Responses':[{'Item':{}}"));
    assert_string_equal(run_many(state, OP_TRANSACT_READ, 101, MANY_GETS, 0), too_many);
}

static void test_bytes(void **state)
{
    const size_t item = LIMIT_TRANSACTION_BYTES / 16, fill = item - strlen("id") - strlen("m00") - strlen("v");

    /* ten of the ids are one digit shorter */
    assert_string_equal(run_many(state, OP_TRANSACT_WRITE, 16, MANY_PUTS, fill), "{}");
    assert_string_equal(run_many(state, OP_TRANSACT_WRITE, 16, MANY_PUTS, fill + 1),
                        INVALID "Transaction payload size cannot exceed 4 MB");
    CHECK_RUN(*state, OP_CREATE, "people", "{'Item':{'id':'m16','v':'more than the ten bytes left'}}", "{}");
    assert_non_null(strstr(run_many(state, OP_TRANSACT_READ, 16, MANY_READS, 0), "{'Responses':[{'Item':{'id':'m0','v':'xxx"));
    assert_non_null(strstr(run_many(state, OP_TRANSACT_READ, 17, MANY_READS, 0),
                           "Message':'The aggregate size of the items in the transaction cannot exceed 4 MB'}]"));
    READ(GET("m0", ",'ProjectionExpression':'id'"), "{'Responses':[{'Item':{'id':'m0'}}]}");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_all_kinds),
        EACH(test_conditions_fail),
        EACH(test_actions_that_cannot_be),
        EACH(test_errors_of_the_whole),
        EACH(test_capacity),
        EACH(test_a_token_is_carried_out_once),
        EACH(test_a_canceled_token),
        EACH(test_lengths_of_tokens),
        EACH(test_old_tokens_are_swept),
        EACH(test_counts),
        EACH(test_bytes),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
