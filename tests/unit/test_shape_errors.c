/* test_shape_errors.c - every sentence about what is wrong with a request of DynamoDB's API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/shape_fixture.h"

#define INVALID(request, sentence) shape_check_error(&shape_put_item_input, request, AWS_VALIDATION, sentence)
#define WRONG_TYPE(input, request, sentence) shape_check_error(&shape_##input, request, AWS_SERIALIZATION, sentence)

/* -- Serialization ------------------------------------------------------------------------------------------------ */
static void test_wrong_types(void **state)
{
    (void)state;
    static const char *const tables[][2] = {
        {"true", "TRUE_VALUE cannot be converted to String"},
        {"false", "FALSE_VALUE cannot be converted to String"},
        {"23", "NUMBER_VALUE cannot be converted to String"},
        {"34.56", "DECIMAL_VALUE cannot be converted to String"},
        {"[]", "Unrecognized collection type class java.lang.String"},
        {"{}", "Start of structure or map found where not expected"},
    };
    static const char *const limits[][2] = {
        {"'23'", "STRING_VALUE cannot be converted to Integer"},
        {"true", "TRUE_VALUE cannot be converted to Integer"},
        {"[]", "Unrecognized collection type class java.lang.Integer"},
        {"{}", "Start of structure or map found where not expected"},
    };
    static const char *const truths[][2] = {
        {"'23'", "Unexpected token received from parser"},
        {"23", "NUMBER_VALUE cannot be converted to Boolean"},
        {"34.56", "DECIMAL_VALUE cannot be converted to Boolean"},
        {"[]", "Unrecognized collection type class java.lang.Boolean"},
        {"{}", "Start of structure or map found where not expected"},
    };
    static const char *const maps[][2] = {
        {"'23'", "Unexpected field type"},
        {"true", "Unexpected field type"},
        {"23", "Unexpected field type"},
        {"[]", "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
    };
    static const struct {
        const char *format;
        const char *const (*rows)[2];
        size_t count;
    } groups[] = {{"{'TableName':%s}", tables, 6},
                  {"{'Limit':%s}", limits, 4},
                  {"{'ConsistentRead':%s}", truths, 5},
                  {"{'ExclusiveStartKey':%s}", maps, 4}};
    char request[128];
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++)
        for (size_t i = 0; i < groups[g].count; i++) {
            snprintf(request, sizeof request, "%.*s%s}", (int)strlen(groups[g].format) - 3, groups[g].format,
                     groups[g].rows[i][0]);
            WRONG_TYPE(scan_input, request, groups[g].rows[i][1]);
        }
}

static void test_wrong_types_in_structures(void **state)
{
    (void)state;
    WRONG_TYPE(create_table_input, "{'KeySchema':'x'}", "Unexpected field type");
    WRONG_TYPE(create_table_input, "{'KeySchema':{}}", "Start of structure or map found where not expected");
    WRONG_TYPE(create_table_input, "{'KeySchema':['x']}", "Unexpected value type in payload");
    WRONG_TYPE(create_table_input, "{'KeySchema':[[]]}",
               "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeySchemaElement");
    WRONG_TYPE(create_table_input, "{'ProvisionedThroughput':1}", "Unexpected field type");
    WRONG_TYPE(create_table_input, "{'ProvisionedThroughput':[]}",
               "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.ProvisionedThroughput");
    WRONG_TYPE(create_table_input, "{'ProvisionedThroughput':{'ReadCapacityUnits':'1'}}",
               "STRING_VALUE cannot be converted to Long");
    WRONG_TYPE(batch_write_item_input, "{'RequestItems':[]}",
               "Unrecognized collection type java.util.Map<java.lang.String, "
               "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>");
}

static void test_wrong_types_in_attributes(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"'x'", "Unexpected value type in payload"},
        {"1", "Unexpected value type in payload"},
        {"[]", "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"},
        {"{'S':1}", "NUMBER_VALUE cannot be converted to String"},
        {"{'N':1}", "NUMBER_VALUE cannot be converted to String"},
        {"{'N':1.5}", "DECIMAL_VALUE cannot be converted to String"},
        {"{'B':1}", "only base-64-encoded strings are convertible to bytes"},
        {"{'B':true}", "only base-64-encoded strings are convertible to bytes"},
        {"{'B':[]}", "Unrecognized collection type class java.nio.ByteBuffer"},
        {"{'B':'23456'}", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"},
        {"{'B':'=+/='}", "Invalid last non-pad Base64 character dectected"},
        {"{'B':'+/+='}", "Invalid last non-pad Base64 character dectected"},
        {"{'B':'ab?d'}", "Invalid Base64 character: '?'"},
        {"{'BOOL':'maybe'}", "Unexpected token received from parser"},
        {"{'BOOL':1}", "NUMBER_VALUE cannot be converted to Boolean"},
        {"{'NULL':{}}", "Start of structure or map found where not expected"},
        {"{'SS':'x'}", "Unexpected field type"},
        {"{'SS':[1]}", "NUMBER_VALUE cannot be converted to String"},
        {"{'SS':[null]}", "NULL_VALUE cannot be converted to String"},
        {"{'BS':['x']}", "Base64 encoded length is expected a multiple of 4 bytes but found: 1"},
        {"{'L':{}}", "Start of structure or map found where not expected"},
        {"{'L':['x']}", "Unexpected value type in payload"},
        {"{'L':[null]}", "Unexpected value type in payload"},
        {"{'M':1}", "Unexpected field type"},
        {"{'M':{'a':1}}", "Unexpected value type in payload"},
        {"{'M':{'a':{'S':'x'},'a':{'S':'y'}}}", "Duplicate field 'a'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        WRONG_TYPE(put_item_input, shape_with_attribute(rows[i][0]), rows[i][1]);
    WRONG_TYPE(put_item_input, "{'TableName':'abc','TableName':'abd'}", "Duplicate field 'TableName'");
}

static void test_broken_json_has_no_sentence(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       "hi",
                                       "{",
                                       "[]x",
                                       "{'TableName':'abc','Item':{'a':{'S':'x'}}",
                                       "{'TableName':23,",
                                       "{'TableName':'abc','Item':{}}}",
                                       "{'TableName':'abc','Item':{'a':{'S':'\\q'}}}",
                                       "{'TableName':'abc','Item':{'a':{'L':[{'S':'x'},]}}}",
                                       "7",
                                       "[]",
                                       "null"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (shape_read_body(&shape_put_item_input, shape_quoted(rows[i])) != -1)
            fail_msg("%s: no error", rows[i]);
        assert_string_equal(shape_fault.name, AWS_SERIALIZATION);
    }
    shape_check_error(&shape_put_item_input, "{'TableName':23,", AWS_SERIALIZATION, "");
    shape_check_error(&shape_put_item_input, "hi", AWS_SERIALIZATION, "");
}

/* -- Constraints -------------------------------------------------------------------------------------------------- */
#define NAME_RULE "failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"

static void test_violated_constraints(void **state)
{
    (void)state;
    INVALID("{}",
            "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; "
            "Value null at 'item' failed to satisfy constraint: Member must not be null");
    INVALID("{'TableName':'','Item':{}}",
            "2 validation errors detected: Value '' at 'tableName' " NAME_RULE
            "; Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3");
    INVALID("{'TableName':'abc','Item':{},'ReturnValues':'hi'}",
            "1 validation error detected: Value 'hi' at 'returnValues' failed to satisfy constraint: Member must satisfy enum "
            "value set: "
            "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]");
    shape_check_error(&shape_scan_input, "{'TableName':'abc','Limit':0}", AWS_VALIDATION,
                      "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
                      "Member must have value greater than or equal to 1");
    shape_check_error(
        &shape_scan_input, "{'TableName':'abc','Limit':-0.5,'TotalSegments':1000001}", AWS_VALIDATION,
        "2 validation errors detected: Value '-1' at 'limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1; Value '1000001' at 'totalSegments' failed to satisfy constraint: "
        "Member must have value less than or equal to 1000000");
    shape_check_error(&shape_get_item_input, "{'TableName':'abc','Key':{},'AttributesToGet':[]}", AWS_VALIDATION,
                      "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: "
                      "Member must have length greater than or equal to 1");
}

static void test_violations_name_their_place(void **state)
{
    (void)state;
    shape_check_error(
        &shape_query_input, "{'TableName':'abc','KeyConditions':{'a':{}},'QueryFilter':{'b':{'ComparisonOperator':''}}}",
        AWS_VALIDATION,
        "2 validation errors detected: Value null at 'keyConditions.a.member.comparisonOperator' failed to satisfy constraint: "
        "Member must not be null; Value '' at 'queryFilter.b.member.comparisonOperator' failed to satisfy constraint: Member "
        "must "
        "satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]");
    shape_check_error(
        &shape_create_table_input,
        "{'TableName':'abc','AttributeDefinitions':[],'KeySchema':[{'KeyType':'HASH'},{'AttributeName':'a','KeyType':'Woop'}]}",
        AWS_VALIDATION,
        "2 validation errors detected: Value null at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member "
        "must not be "
        "null; Value 'Woop' at 'keySchema.2.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: "
        "[HASH, RANGE]");
    shape_check_error(
        &shape_batch_write_item_input, "{'RequestItems':{'abc':[{'PutRequest':{},'DeleteRequest':{}}]}}", AWS_VALIDATION,
        "2 validation errors detected: Value null at 'requestItems.abc.member.1.member.putRequest.item' failed to "
        "satisfy constraint: "
        "Member must not be null; Value null at 'requestItems.abc.member.1.member.deleteRequest.key' failed to satisfy "
        "constraint: "
        "Member must not be null");
}

static void test_maps_tell_of_their_entries(void **state)
{
    (void)state;
    shape_check_error(&shape_batch_write_item_input, "{'RequestItems':{}}", AWS_VALIDATION,
                      "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: "
                      "Member must have length greater than or equal to 1");
    shape_check_error(
        &shape_batch_write_item_input, "{'RequestItems':{'a':[]}}", AWS_VALIDATION,
        "2 validation errors detected: Value '{\"a\":[]}' at 'requestItems' failed to satisfy constraint: Map keys must "
        "satisfy "
        "constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, "
        "Member "
        "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]; Value '{\"a\":[]}' at 'requestItems' failed to satisfy "
        "constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have "
        "length "
        "greater than or equal to 1]");
}

static void test_at_most_ten_violations(void **state)
{
    (void)state;
    struct buf request = {0};
    buf_text(&request, "{'TableName':'abc','AttributeDefinitions':[");
    for (int i = 0; i < 30; i++)
        buf_text(&request, i ? ",{}" : "{}");
    buf_text(&request, "],'KeySchema':[{'AttributeName':'a','KeyType':'HASH'}]}");
    buf_byte(&request, 0);
    assert_int_equal(shape_read_body(&shape_create_table_input, shape_quoted((char *)request.data)), -1);
    static const char begin[] = "10 validation errors detected: ";
    assert_memory_equal(shape_fault.sentence.data, begin, sizeof begin - 1);
    buf_finish(&request);
}

static void test_what_is_required_first(void **state)
{
    (void)state;
    shape_check_error(&shape_create_table_input, "{}", AWS_VALIDATION,
                      "The parameter 'TableName' is required but was not present in the request");
    shape_check_error(&shape_table_input, "{'TableName':'a;'}", AWS_VALIDATION,
                      "TableName must be at least 3 characters long and at most 255 characters long");
    shape_check_error(&shape_table_input, "{'TableName':'abc;'}", AWS_VALIDATION,
                      "1 validation error detected: Value 'abc;' at 'tableName' " NAME_RULE);
}

/* -- Attribute values --------------------------------------------------------------------------------------------- */
#define EMPTY "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
#define SEVERAL "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
#define ONE_OR_MORE "One or more parameter values were invalid: "

static void test_bad_attribute_values(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{}", EMPTY},
        {"{'a':''}", EMPTY},
        {"{'M':{'a':{}}}", EMPTY},
        {"{'L':[{}]}", EMPTY},
        {"{'L':[{'a':{}}]}", EMPTY},
        {"{'S':'a','N':'1'}", SEVERAL},
        {"{'S':'a','N':'b'}", "The parameter cannot be converted to a numeric value: b"},
        {"{'NULL':'no'}", ONE_OR_MORE "Null attribute value types must have the value of true"},
        {"{'NULL':false}", ONE_OR_MORE "Null attribute value types must have the value of true"},
        {"{'SS':[]}", ONE_OR_MORE "An string set  may not be empty"},
        {"{'NS':[]}", ONE_OR_MORE "An number set  may not be empty"},
        {"{'BS':[]}", ONE_OR_MORE "Binary sets should not be empty"},
        {"{'SS':['b','a','a']}", ONE_OR_MORE "Input collection [b, a, a] contains duplicates."},
        {"{'BS':['Yg==','Yg==']}", ONE_OR_MORE "Input collection [Yg==, Yg==]of type BS contains duplicates."},
        {"{'NS':['1','1.0']}", "Input collection contains duplicates"},
        {"{'N':''}", "The parameter cannot be converted to a numeric value"},
        {"{'NS':['1','b']}", "The parameter cannot be converted to a numeric value: b"},
        {"{'N':'123456789012345678901234567890123456789'}", "Attempting to store more than 38 significant digits in a Number"},
        {"{'N':'1e126'}", "Number overflow. Attempting to store a number with magnitude larger than supported range"},
        {"{'N':'-1e126'}", "Number overflow. Attempting to store a number with magnitude larger than supported range"},
        {"{'N':'1e-131'}", "Number underflow. Attempting to store a number with magnitude smaller than supported range"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        INVALID(shape_with_attribute(rows[i][0]), rows[i][1]);
}

static void test_which_of_several_errors_is_told(void **state)
{
    (void)state;
    INVALID("{'TableName':'a','Item':{'a':{}}}", "1 validation error detected: Value 'a' at 'tableName' failed to satisfy "
                                                 "constraint: Member must have length greater than or "
                                                 "equal to 3");
    INVALID("{'ExpressionAttributeValues':{':a':{},':b':{'N':'x'}},'Item':{'a':{'NS':[]}},'TableName':'abc'}",
            ONE_OR_MORE "An number set  may not be empty");
    INVALID(
        "{'ExpressionAttributeValues':{':a':{'S':'x'},':b':{'N':'x'}},'Item':{},'TableName':'abc'}",
        "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :b");
    shape_check_error(&shape_scan_input, "{'TableName':'abc','ExclusiveStartKey':{'a':{}}}", AWS_VALIDATION,
                      "The provided starting key is invalid: " EMPTY);
    WRONG_TYPE(put_item_input, "{'TableName':'a','Item':{'a':{}},'ReturnValues':5}",
               "NUMBER_VALUE cannot be converted to String");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_wrong_types_in_structures),
        cmocka_unit_test(test_wrong_types_in_attributes),
        cmocka_unit_test(test_broken_json_has_no_sentence),
        cmocka_unit_test(test_violated_constraints),
        cmocka_unit_test(test_violations_name_their_place),
        cmocka_unit_test(test_maps_tell_of_their_entries),
        cmocka_unit_test(test_at_most_ten_violations),
        cmocka_unit_test(test_what_is_required_first),
        cmocka_unit_test(test_bad_attribute_values),
        cmocka_unit_test(test_which_of_several_errors_is_told),
    };
    return cmocka_run_group_tests(tests, shape_begin, shape_finish);
}
