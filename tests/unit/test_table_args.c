/* test_table_args.c - arguments of the item operations: what is refused, in which order, with which words; sizes and capacity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/table_fixture.h"

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", "events:id:S,at:N", "numbers:n:N", "blobs:b:B,s:S", NULL};

    table_fixture_init(&f, specs);
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define CREATE(payload, expected) CHECK_RUN(*state, OP_CREATE, "people", payload, expected)
#define READ(payload, expected) CHECK_RUN(*state, OP_READ, "people", payload, expected)
#define UPDATE(payload, expected) CHECK_RUN(*state, OP_UPDATE, "people", payload, expected)
#define DELETE(payload, expected) CHECK_RUN(*state, OP_DELETE, "people", payload, expected)
#define INVALID "ValidationException: One or more parameter values were invalid: "

/* -- Errors of arguments -------------------------------------------------------------------------------------- */
static void test_arguments(void **state)
{
    CREATE("{'Item':{'id':'1'},'Foo':1}",
           "ValidationException: Unknown parameter in input: 'Foo', must be one of: Item, TableName, ConditionExpression, "
           "ExpressionAttributeNames, ExpressionAttributeValues, ReturnValues, ReturnConsumedCapacity, "
           "ReturnItemCollectionMetrics, "
           "ReturnValuesOnConditionCheckFailure, Expected, ConditionalOperator");
    CREATE("{}", "ValidationException: Missing required parameter in input: 'Item'");
    CREATE(NULL, "ValidationException: Missing required parameter in input: 'Item'");
    READ("{'Item':{'id':'1'}}",
         "ValidationException: Unknown parameter in input: 'Item', must be one of: Key, TableName, ProjectionExpression, "
         "ExpressionAttributeNames, ReturnConsumedCapacity, ConsistentRead, AttributesToGet");
    CREATE("[1]", "SerializationException: Invalid type for payload: expected M, got L");
    CREATE("{'Item':'x'}", "SerializationException: Invalid type for parameter Item: expected M, got S");
    CREATE("{'Item':{'id':'1'},'ConditionExpression':5}",
           "SerializationException: Invalid type for parameter ConditionExpression: expected S, got N");
    READ("{'Key':{'id':'1'},'ConsistentRead':'yes'}",
         "SerializationException: Invalid type for parameter ConsistentRead: expected BOOL, got S");
    CREATE("{'Item':{'id':'1'},'ReturnValues':'ALL_NEW'}", "ValidationException: ReturnValues can only be ALL_OLD or NONE");
    CREATE("{'Item':{'id':'1'},'ReturnValues':'x'}", "ValidationException: 1 validation error detected: Value 'x' at "
                                                     "'returnValues' failed to satisfy constraint: Member must satisfy enum "
                                                     "value set: [NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW]");
    CREATE("{'Item':{'id':'1'},'TableName':'people'}", "{}");
    CREATE("{'Item':{'id':'1'},'TableName':'other'}",
           "ValidationException: TableName is 'other', but the operation is on the table 'people'");
    CREATE("{'Item':{'id':'1'},'ReturnItemCollectionMetrics':'SIZE'}", "{}");
}

static void test_expression_arguments(void **state)
{
    CREATE("{'Item':{'id':'1'},'ConditionExpression':'a = "
           ":x','Expected':{'a':{'Exists':false}},'ExpressionAttributeValues':{':x':1}}",
           "ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression "
           "parameters: "
           "{Expected} Expression parameters: {ConditionExpression}");
    CREATE("{'Item':{'id':'1'},'ExpressionAttributeNames':{'#a':'a'}}",
           "ValidationException: ExpressionAttributeNames can only be specified when using expressions");
    CREATE("{'Item':{'id':'1'},'ExpressionAttributeValues':{':a':1}}",
           "ValidationException: ExpressionAttributeValues can only be specified when using expressions: ConditionExpression "
           "is null");
    UPDATE("{'Key':{'id':'1'},'ExpressionAttributeValues':{':a':1}}",
           "ValidationException: ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and "
           "ConditionExpression are null");
    CREATE("{'Item':{'id':'1'},'ConditionExpression':'attribute_exists(a)','ExpressionAttributeValues':{':x':1}}",
           "ValidationException: Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}");
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET a = "
           ":x','ExpressionAttributeNames':{'#u':'u'},'ExpressionAttributeValues':{':x':1}}",
           "ValidationException: Value provided in ExpressionAttributeNames unused in expressions: keys: {#u}");
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET x y'}",
           "ValidationException: Invalid UpdateExpression: Syntax error; token: 'y', near: 'x y'");
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET a.b = :x','ExpressionAttributeValues':{':x':1}}",
           "ValidationException: The document path provided in the update expression is invalid for update");
}

static void test_keys_are_checked(void **state)
{
#define EMPTY                                                                                                                  \
    "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "  \
    "an empty "
    CREATE("{'Item':{'name':'x'}}", INVALID "Missing the key id in the item");
    CREATE("{'Item':{'id':5}}", INVALID "Type mismatch for key id expected: S actual: N");
    CREATE("{'Item':{'id':''}}", EMPTY "string value. Key: id");
    READ("{'Key':{'id':''}}", EMPTY "string value. Key: id");
    READ("{'Key':{'id':5}}", "ValidationException: The provided key element does not match the schema");
    READ("{'Key':{'id':'1','more':'2'}}", "ValidationException: The provided key element does not match the schema");
    READ("{'Key':{}}", "ValidationException: The provided key element does not match the schema");
    CHECK_RUN(*state, OP_READ, "events", "{'Key':{'id':'1'}}",
              "ValidationException: The provided key element does not match the schema");
    CHECK_RUN(*state, OP_CREATE, "events", "{'Item':{'id':'1'}}", INVALID "Missing the key at in the item");
    CHECK_RUN(*state, OP_CREATE, "blobs", "{'Item':{'b':{'$binary':''},'s':'x'}}", EMPTY "binary value. Key: b");
    CHECK_RUN(*state, OP_CREATE, "blobs", "{'Item':{'b':{'$binary':'AA=='},'s':''}}", EMPTY "string value. Key: s");
#undef EMPTY
}

/* A payload with a string of n bytes between two pieces. */
static const char *run_long(struct table_fixture *f, enum op_code code, const char *table, const char *before, size_t n,
                            const char *after)
{
    char *payload = malloc(strlen(before) + n + strlen(after) + 1);

    assert_non_null(payload);
    memcpy(payload, before, strlen(before));
    memset(payload + strlen(before), 'x', n);
    memcpy(payload + strlen(before) + n, after, strlen(after) + 1);
    const char *text = table_fixture_run(f, code, table, payload);
    free(payload);
    return text;
}

static void test_sizes(void **state)
{
    struct table_fixture *f = *state;
    static const char too_large[] = "ValidationException: Item size has exceeded the maximum allowed size";
    static const char update_too_large[] = "ValidationException: Item size to update has exceeded the maximum allowed size";

    /* "id" + "1" + "v" + the string = 4 + n */
    assert_string_equal(run_long(f, OP_CREATE, "people", "{'Item':{'id':'1','v':'", LIMIT_ITEM_BYTES - 4, "'}}"), "{}");
    assert_string_equal(run_long(f, OP_CREATE, "people", "{'Item':{'id':'1','v':'", LIMIT_ITEM_BYTES - 3, "'}}"), too_large);
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET w = :w','ExpressionAttributeValues':{':w':1}}", update_too_large);
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET v = :w','ExpressionAttributeValues':{':w':1},'ReturnValues':'ALL_NEW'}",
           "{'Attributes':{'id':'1','v':1}}");
    assert_string_equal(run_long(f, OP_CREATE, "people", "{'Item':{'id':'", 2048, "'}}"), "{}");
    assert_string_equal(run_long(f, OP_CREATE, "people", "{'Item':{'id':'", 2049, "'}}"),
                        INVALID "Size of hashkey has exceeded the maximum size limit of2048 bytes");
    assert_string_equal(run_long(f, OP_CREATE, "blobs", "{'Item':{'b':{'$binary':'AA=='},'s':'", 1024, "'}}"), "{}");
    assert_string_equal(run_long(f, OP_CREATE, "blobs", "{'Item':{'b':{'$binary':'AA=='},'s':'", 1025, "'}}"),
                        INVALID "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
}

static void test_nesting_grows_to_its_limit(void **state)
{
    int depth = 1;
    const char *text = "{}";

    CREATE("{'Item':{'id':'1','m':{}}}", "{}");
    /* each copy of the whole map into itself is one level deeper */
    for (; depth < 100 && strcmp(text, "{}") == 0; depth++)
        text = table_fixture_run(*state, OP_UPDATE, "people", "{'Key':{'id':'1'},'UpdateExpression':'SET m.m = m'}");
    assert_string_equal(text, "ValidationException: Nesting Levels have exceeded supported limits");
    assert_in_range(depth, LIMIT_VALUE_DEPTH - 1, LIMIT_VALUE_DEPTH + 2);
}

static void test_tables_are_checked_after_arguments(void **state)
{
    static const char not_found[] = "ResourceNotFoundException: Requested resource not found";

    CHECK_RUN(*state, OP_CREATE, "nothere", "{'Item':{'id':'1'}}", not_found);
    CHECK_RUN(*state, OP_READ, "nothere", "{'Key':{'id':'1'}}", not_found);
    CHECK_RUN(*state, OP_UPDATE, "nothere", "{'Key':{'id':'1'}}", not_found);
    CHECK_RUN(*state, OP_DELETE, "nothere", "{'Key':{'id':'1'}}", not_found);
    CHECK_RUN(*state, OP_LIST, "nothere", NULL, not_found);
    CHECK_RUN(*state, OP_UPDATE, "nothere", "{'Key':{'id':'1'},'UpdateExpression':'nonsense'}",
              "ValidationException: Invalid UpdateExpression: Syntax error; token: 'nonsense', near: 'nonsense'");
    CHECK_RUN(*state, OP_READ, "", "{'Key':{'id':'1'}}",
              "ValidationException: Missing required parameter in input: 'TableName'");
    CHECK_RUN(*state, OP_READ, "a/b", "{'Key':{'id':'1'}}",
              "ValidationException: 1 validation error detected: Value 'a/b' at 'tableName' failed to satisfy constraint: "
              "Member must satisfy "
              "regular expression pattern: [a-zA-Z0-9_.-]+");
    CHECK_RUN(*state, OP_READ, "ab", "{'Key':{'id':'1'}}",
              "ValidationException: 1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: "
              "Member must have length "
              "greater than or equal to 3");
}

static void test_capacity(void **state)
{
    struct table_fixture *f = *state;

    CREATE("{'Item':{'id':'1'},'ReturnConsumedCapacity':'TOTAL'}",
           "{'ConsumedCapacity':{'TableName':'people','CapacityUnits':1}}");
    assert_string_equal(
        run_long(f, OP_CREATE, "people", "{'ReturnConsumedCapacity':'INDEXES','Item':{'id':'2','v':'", 5000, "'}}"),
        "{'ConsumedCapacity':{'TableName':'people','CapacityUnits':5,'Table':{'CapacityUnits':5}}}");
    READ("{'Key':{'id':'1'},'ReturnConsumedCapacity':'TOTAL'}",
         "{'Item':{'id':'1'},'ConsumedCapacity':{'TableName':'people','CapacityUnits':0.5}}");
    READ("{'Key':{'id':'9'},'ReturnConsumedCapacity':'TOTAL','ConsistentRead':true}",
         "{'ConsumedCapacity':{'TableName':'people','CapacityUnits':1}}");
    READ("{'Key':{'id':'2'},'ReturnConsumedCapacity':'TOTAL','ProjectionExpression':'id'}",
         "{'Item':{'id':'2'},'ConsumedCapacity':{'TableName':'people','CapacityUnits':1}}");
    UPDATE("{'Key':{'id':'2'},'UpdateExpression':'REMOVE v','ReturnConsumedCapacity':'TOTAL'}",
           "{'ConsumedCapacity':{'TableName':'people','CapacityUnits':5}}");
    DELETE("{'Key':{'id':'2'},'ReturnConsumedCapacity':'NONE'}", "{}");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_arguments), EACH(test_expression_arguments),       EACH(test_keys_are_checked),
        EACH(test_sizes),     EACH(test_nesting_grows_to_its_limit), EACH(test_tables_are_checked_after_arguments),
        EACH(test_capacity),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
