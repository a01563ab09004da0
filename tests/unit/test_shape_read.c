/* test_shape_read.c - requests of DynamoDB's API to values, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "gateway/shape_write.h"
#include "tests/lib/shape_fixture.h"

#define INVALID(request, sentence) shape_check_error(&shape_put_item_input, request, AWS_VALIDATION, sentence)

static void test_every_type_becomes_native(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{'S':'x'}", "'x'"},
        {"{'S':''}", "''"},
        {"{'N':'12'}", "12"},
        {"{'N':'-1.50e3'}", "-1500"},
        {"{'N':'1.20'}", "1.2"},
        {"{'B':'aGk='}", "{'$binary':'aGk='}"},
        {"{'B':''}", "{'$binary':''}"},
        {"{'BOOL':true}", "true"},
        {"{'BOOL':'FALSE'}", "false"},
        {"{'BOOL':'yes'}", "true"},
        {"{'NULL':true}", "null"},
        {"{'NULL':'1'}", "null"},
        {"{'L':[]}", "[]"},
        {"{'L':[{'S':'x'},{'L':[{'N':'1'}]}]}", "['x',[1]]"},
        {"{'M':{}}", "{}"},
        {"{'M':{'k':{'M':{'n':{'NULL':true}}},'l':null}}", "{'k':{'n':null}}"},
        {"{'SS':['b','a','']}", "{'$stringSet':['','a','b']}"},
        {"{'NS':['10','9.0']}", "{'$numberSet':[9,10]}"},
        {"{'BS':['Yg==','YQ==']}", "{'$binarySet':['YQ==','Yg==']}"},
        {"{'S':'x','N':null,'what':{'ever':[1,2]}}", "'x'"},
    };
    char want[512];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(want, sizeof want, "{'TableName':'abc','Item':{'a':%s}}", rows[i][1]);
        shape_check(&shape_put_item_input, shape_with_attribute(rows[i][0]), want);
    }
}

static void test_plain_members(void **state)
{
    (void)state;
    shape_check(
        &shape_scan_input,
        "{'TableName':'abc','Limit':5,'ConsistentRead':true,'Segment':0,'TotalSegments':2.9,'Unknown':{'x':[]},'Select':null}",
        "{'TableName':'abc','Limit':5,'ConsistentRead':true,'Segment':0,'TotalSegments':2}");
    shape_check(&shape_query_input,
                "{'TableName':'abc','KeyConditions':{'a':{'ComparisonOperator':'EQ','AttributeValueList':[{'N':'1'}]}}}",
                "{'TableName':'abc','KeyConditions':{'a':{'ComparisonOperator':'EQ','AttributeValueList':[1]}}}");
    shape_check(&shape_batch_write_item_input,
                "{'RequestItems':{'abc':[{'PutRequest':{'Item':{'a':{'S':'1'}}}},{'DeleteRequest':{'Key':{'a':{'N':'2'}}}}]}}",
                "{'RequestItems':{'abc':[{'PutRequest':{'Item':{'a':'1'}}},{'DeleteRequest':{'Key':{'a':2}}}]}}");
    shape_check(&shape_list_backups_input, "{'TimeRangeLowerBound':1700000000.25}", "{'TimeRangeLowerBound':1700000000.25}");
    shape_check(&shape_execute_statement_input, "{'Statement':'SELECT 1','Parameters':[{'S':'x'},{'NULL':true}]}",
                "{'Statement':'SELECT 1','Parameters':['x',null]}");
    shape_check(
        &shape_create_table_input,
        "{'TableName':'abc','AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'}],'KeySchema':[{'AttributeName':"
        "'a','KeyType':'HASH'}],"
        "'ProvisionedThroughput':{'ReadCapacityUnits':1,'WriteCapacityUnits':9000000000}}",
        "{'TableName':'abc','AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'}],'KeySchema':[{'AttributeName':"
        "'a','KeyType':'HASH'}],"
        "'ProvisionedThroughput':{'ReadCapacityUnits':1,'WriteCapacityUnits':9000000000}}");
}

static void test_the_table_is_found(void **state)
{
    (void)state;
    shape_check(&shape_get_item_input, "{'TableName':'abc','Key':{}}", "{'TableName':'abc','Key':{}}");
    assert_true(slice_equal(shape_table_read, slice_text("abc")));
    shape_check(&shape_get_item_input,
                "{'Key':{'TableName':{'S':'x'}},'TableName':'arn:aws:dynamodb:eu-west-1:000000000000:table/n.a-me_1/index/i'}",
                "{'Key':{'TableName':'x'},'TableName':'n.a-me_1'}");
    assert_true(slice_equal(shape_table_read, slice_text("n.a-me_1")));
    shape_check(&shape_list_tables_input, "{}", "{}");
    assert_int_equal(shape_table_read.len, 0);
    shape_check(&shape_transact_get_items_input, "{'TransactItems':[{'Get':{'TableName':'abc','Key':{'a':{'S':'1'}}}}]}",
                "{'TransactItems':[{'Get':{'TableName':'abc','Key':{'a':'1'}}}]}");
    assert_int_equal(shape_table_read.len, 0); /* of an action in it, not of the request */
    shape_check(&shape_get_item_input, "{'TableName':'\\u0061bc','Key':{}}", "{'TableName':'abc','Key':{}}");
    assert_true(slice_equal(shape_table_read, slice_text("abc")));
}

/* -- Depth and damage ------------------------------------------------------------------------------------------------ */
static const char *nested(int depth)
{
    static char value[2048];
    size_t len = 0;
    for (int i = 0; i < depth; i++)
        len += (size_t)snprintf(value + len, sizeof value - len, i % 2 ? "{'M':{'k':" : "{'L':[");
    len += (size_t)snprintf(value + len, sizeof value - len, "{'S':'x'}");
    for (int i = depth; i-- > 0;)
        len += (size_t)snprintf(value + len, sizeof value - len, i % 2 ? "}}" : "]}");
    return value;
}

static void test_nesting(void **state)
{
    (void)state;
    assert_int_equal(shape_read_body(&shape_put_item_input, shape_quoted(shape_with_attribute(nested(LIMIT_VALUE_DEPTH)))), 0);
    struct value payload = value_of(buf_slice(&shape_out)), item = value_map_get(&payload, slice_text("Item"));
    assert_int_equal(value_check(item.encoded, NULL), 0); /* the reader's limit is the store's */
    INVALID(shape_with_attribute(nested(LIMIT_VALUE_DEPTH + 1)),
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit");
}

static void test_hostile_depth_and_size(void **state)
{
    (void)state;
    struct buf request = {0};
    buf_text(&request, "{\"TableName\":\"abc\",\"Item\":{\"a\":");
    for (int i = 0; i < 200000; i++)
        buf_text(&request, "{\"\":");
    assert_int_equal(shape_read_body(&shape_put_item_input, buf_slice(&request)), -1);
    buf_reset(&request);
    buf_text(&request, "{\"TableName\":\"abc\",\"Item\":{\"a\":");
    for (int i = 0; i < 1500; i++)
        buf_text(&request, "{\"L\":[");
    for (int i = 0; i < 1500; i++)
        buf_text(&request, "]}");
    buf_text(&request, "}}");
    assert_int_equal(shape_read_body(&shape_put_item_input, buf_slice(&request)), -1);
    assert_string_equal(shape_fault.name, AWS_VALIDATION);
    buf_finish(&request);
}

static void test_a_cut_request_is_broken_everywhere(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"TableName\":\"abc\",\"Item\":{\"a\":{\"SS\":[\"x\",\"\\u00e4\"]},\"b\":{\"M\":{\"c\":{\"L\":[{\"N\":\"1\"}]}}}},"
        "\"Expected\":{\"d\":{\"Exists\":false}},\"Other\":[1,{\"x\":null}]}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *part = malloc(len + 1);
        memcpy(part, whole, len);
        assert_int_equal(shape_read_body(&shape_put_item_input, slice_of(part, len)), -1);
        assert_string_equal(shape_fault.name, AWS_SERIALIZATION);
        assert_int_equal(shape_fault.sentence.len, 0);
        free(part);
    }
    assert_int_equal(shape_read_body(&shape_put_item_input, slice_text(whole)), 0);
}

/* -- There and back ----------------------------------------------------------------------------------------------- */
static void test_an_item_comes_back_as_it_went(void **state)
{
    (void)state;
    static const char item[] =
        "{'a':{'S':'q\\\"\\u0001'},'b':{'N':'-0.000000000000000000000000000000000000012'},'c':{'B':'AP8='},"
        "'d':{'BOOL':false},'e':{'NULL':true},'f':{'L':[{'SS':['x','y']},{'M':{}}]},'g':{'M':{'h':{'NS':['1','2.5']}}},"
        "'i':{'BS':['','AA==']},'':{'S':''}}";
    struct buf request = {0}, printed = {0};
    buf_printf(&request, "{'TableName':'abc','Item':%s}", item);
    buf_byte(&request, 0);
    assert_int_equal(shape_read_body(&shape_put_item_input, shape_quoted((char *)request.data)), 0);
    struct value payload = value_of(buf_slice(&shape_out)), read = value_map_get(&payload, slice_text("Item"));
    struct buf answer = {0};
    mp_put_map(&answer, 2);
    mp_put_text(&answer, "Item");
    mp_put_raw(&answer, read.encoded);
    mp_put_text(&answer, "ResponseMetadata");
    mp_put_map(&answer, 0);
    struct value value = value_of(buf_slice(&answer));
    assert_int_equal(shape_write(&shape_get_item_output, &value, &printed), 0);
    buf_reset(&request);
    buf_printf(&request, "{'Item':%s}", item);
    buf_byte(&request, 0);
    assert_true(slice_equal(buf_slice(&printed), shape_quoted((char *)request.data)));
    buf_finish(&answer);
    buf_finish(&printed);
    buf_finish(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_becomes_native),
        cmocka_unit_test(test_plain_members),
        cmocka_unit_test(test_the_table_is_found),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_hostile_depth_and_size),
        cmocka_unit_test(test_a_cut_request_is_broken_everywhere),
        cmocka_unit_test(test_an_item_comes_back_as_it_went),
    };
    return cmocka_run_group_tests(tests, shape_begin, shape_finish);
}
