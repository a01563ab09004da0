/* test_aws_error.c - errors as clients match on them, and answers along their shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/aws_error.h"
#include "gateway/shape_write.h"
#include "tests/lib/json_value.h"

static struct buf out;

/* Of plain JSON, written with ' for ". */
static struct value ticked(const char *text)
{
    char copy[512];
    size_t len = strlen(text);
    assert_true(len < sizeof copy);
    for (size_t i = 0; i <= len; i++)
        copy[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    return json_value(copy);
}

static void assert_out(const char *text)
{
    if (!slice_equal(buf_slice(&out), slice_text(text)))
        fail_msg("%.*s", (int)out.len, (char *)out.data);
    buf_reset(&out);
}

static void test_names_and_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sentence, *body;
        unsigned status;
    } rows[] = {
        {"ValidationException", "a \"b\"",
         "{\"__type\":\"com.amazon.coral.validate#ValidationException\",\"message\":\"a \\\"b\\\"\"}", 400},
        {"SerializationException", "", "{\"__type\":\"com.amazon.coral.service#SerializationException\"}", 400},
        {"SerializationException", "x", "{\"__type\":\"com.amazon.coral.service#SerializationException\",\"Message\":\"x\"}",
         400},
        {"ConditionalCheckFailedException", "x",
         "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\",\"message\":\"x\"}", 400},
        {"TransactionCanceledException", "x",
         "{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionCanceledException\",\"Message\":\"x\"}", 400},
        {"InternalServerError", "x", "{\"__type\":\"com.amazonaws.dynamodb.v20120810#InternalServerError\",\"message\":\"x\"}",
         500},
        {"ServiceUnavailable", "x", "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ServiceUnavailable\",\"message\":\"x\"}",
         503},
        {"WhatIsThis", "x", "{\"__type\":\"com.amazonaws.dynamodb.v20120810#InternalServerError\",\"message\":\"x\"}", 500},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(aws_error_put(&out, slice_text(rows[i].name), slice_text(rows[i].sentence)), rows[i].status);
        assert_out(rows[i].body);
    }
}

/* What the engine raises has a name that clients know: none of it becomes an InternalServerError. */
static void test_all_of_the_engines_errors(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_COUNT; code++) {
        char expected[100];
        if ((err_http_status(code) != 400 || code == ERR_BAD_REQUEST) && code != ERR_IDEMPOTENCY)
            continue;
        snprintf(expected, sizeof expected, "#%s\"", err_name(code));
        assert_int_equal(aws_error_put(&out, slice_text(err_name(code)), slice_text("")), 400);
        buf_byte(&out, 0);
        assert_non_null(strstr((char *)out.data, expected));
        buf_reset(&out);
    }
}

static void test_our_own_errors(void **state)
{
    struct err e;
    (void)state;
    err_set(&e, ERR_TOO_LARGE, "too large");
    assert_int_equal(aws_error_put_err(&out, &e), 413);
    assert_out("{\"__type\":\"com.amazon.coral.service#RequestEntityTooLargeException\",\"message\":\"too large\"}");
    err_set(&e, ERR_UNAVAILABLE, "busy");
    assert_int_equal(aws_error_put_err(&out, &e), 503);
    assert_out("{\"__type\":\"com.amazonaws.dynamodb.v20120810#ServiceUnavailable\",\"message\":\"busy\"}");
}

static void test_members_of_an_error_are_typed(void **state)
{
    (void)state;
    struct value value = ticked("{'message':'The conditional request failed','Item':{'id':'1','n':5}}");
    assert_int_equal(aws_error_put_outcome(&out, slice_text("ConditionalCheckFailedException"), &value), 400);
    assert_out("{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\",\"message\":\"The conditional "
               "request "
               "failed\",\"Item\":{\"id\":{\"S\":\"1\"},\"n\":{\"N\":\"5\"}}}");
    value = ticked("{'message':'cancelled','CancellationReasons':[{'Code':'None'},{'Code':'X','Item':{'a':true}}]}");
    assert_int_equal(aws_error_put_outcome(&out, slice_text("TransactionCanceledException"), &value), 400);
    assert_out("{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionCanceledException\",\"Message\":\"cancelled\","
               "\"CancellationReasons\":[{\"Code\":\"None\"},{\"Code\":\"X\",\"Item\":{\"a\":{\"BOOL\":true}}}]}");
}

static void check_answer(const struct shape *shape, const char *value, const char *text)
{
    struct value v = ticked(value);
    assert_int_equal(shape_write(shape, &v, &out), 0);
    assert_out(text);
}

static void test_answers_follow_their_shapes(void **state)
{
    (void)state;
    check_answer(&shape_write_output, "{'ResponseMetadata':{'HTTPStatusCode':200}}", "{}");
    check_answer(
        &shape_get_item_output, "{'Item':{'a':[1,{'b':null}]},'ConsumedCapacity':{'TableName':'t','CapacityUnits':0.5}}",
        "{\"Item\":{\"a\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"b\":{\"NULL\":true}}}]}},\"ConsumedCapacity\":{\"TableName\":\"t\","
        "\"CapacityUnits\":0.5}}");
    check_answer(&shape_items_output, "{'Items':[{'a':'x'},{}],'Count':2,'LastEvaluatedKey':{'a':'x'}}",
                 "{\"Items\":[{\"a\":{\"S\":\"x\"}},{}],\"Count\":2,\"LastEvaluatedKey\":{\"a\":{\"S\":\"x\"}}}");
    check_answer(&shape_batch_get_item_output,
                 "{'Responses':{'t':[{'a':'x'}]},'UnprocessedKeys':{'t':{'Keys':[{'a':1}],'ConsistentRead':true}}}",
                 "{\"Responses\":{\"t\":[{\"a\":{\"S\":\"x\"}}]},\"UnprocessedKeys\":{\"t\":{\"Keys\":[{\"a\":{\"N\":\"1\"}}],"
                 "\"ConsistentRead\":true}}}");
    check_answer(
        &shape_batch_write_item_output,
        "{'UnprocessedItems':{'t':[{'PutRequest':{'Item':{'a':1}}}]},"
        "'ItemCollectionMetrics':{'t':[{'ItemCollectionKey':{'a':1},'SizeEstimateRangeGB':[0,1]}]}}",
        "{\"UnprocessedItems\":{\"t\":[{\"PutRequest\":{\"Item\":{\"a\":{\"N\":\"1\"}}}}]},\"ItemCollectionMetrics\":{\"t\":["
        "{\"ItemCollectionKey\":{\"a\":{\"N\":\"1\"}},\"SizeEstimateRangeGB\":[0,1]}]}}");
    check_answer(
        &shape_get_records_output, "{'Records':[{'eventName':'INSERT','dynamodb':{'Keys':{'a':'1'},'SequenceNumber':'1'}}]}",
        "{\"Records\":[{\"eventName\":\"INSERT\",\"dynamodb\":{\"Keys\":{\"a\":{\"S\":\"1\"}},\"SequenceNumber\":\"1\"}}]}");
}

static void test_damaged_values_are_no_answers(void **state)
{
    (void)state;
    struct value v = ticked("{'Item':{'a':'xyz','b':[1,2]}}");
    for (size_t len = 0; len < v.encoded.len; len++) {
        struct value part = {.type = VALUE_M, .count = v.count, .encoded = slice_of(v.encoded.ptr, len)};
        part.bytes = slice_of(v.bytes.ptr, len > 1 ? len - 1 : 0);
        buf_reset(&out);
        assert_int_equal(shape_write(&shape_get_item_output, &part, &out), -1);
        assert_int_equal(out.len, 0);
    }
    v = ticked("[1]");
    assert_int_equal(shape_write(&shape_get_item_output, &v, &out), -1);
}

static int finish(void **state)
{
    buf_finish(&out);
    return json_values_free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_statuses),
        cmocka_unit_test(test_all_of_the_engines_errors),
        cmocka_unit_test(test_our_own_errors),
        cmocka_unit_test(test_members_of_an_error_are_typed),
        cmocka_unit_test(test_answers_follow_their_shapes),
        cmocka_unit_test(test_damaged_values_are_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
