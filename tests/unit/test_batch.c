/* test_batch.c - batch_get_item and batch_write_item: what they do, what they refuse, and what stays unprocessed. */
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
    char *specs[] = {"people:id", "events:id:S,at:N", NULL};

    table_fixture_init(&f, specs);
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define WRITE(payload, expected) CHECK_RUN(*state, OP_BATCH_WRITE, "", payload, expected)
#define READ(payload, expected) CHECK_RUN(*state, OP_BATCH_READ, "", payload, expected)
#define PUT(item) "{'PutRequest':{'Item':" item "}}"
#define DELETE(key) "{'DeleteRequest':{'Key':" key "}}"
#define ALL_PROCESSED "{'UnprocessedItems':{}}"

static void test_write_and_read(void **state)
{
    CHECK_RUN(*state, OP_CREATE, "people", "{'Item':{'id':'gone'}}", "{}");
    WRITE("{'RequestItems':{'people':[" PUT("{'id':'1','n':1}") "," DELETE("{'id':'gone'}") "," DELETE(
              "{'id':'never'}") "],"
                                "'events':[" PUT("{'id':'e','at':1,'x':{'y':[1,2]}}") "]}}",
          ALL_PROCESSED);
    READ("{'RequestItems':{'people':{'Keys':[{'id':'gone'},{'id':'1'},{'id':'2'}]},"
         "'events':{'Keys':[{'id':'e','at':1},{'at':2,'id':'e'}],'ProjectionExpression':'x.y[1]','ConsistentRead':true}}}",
         "{'Responses':{'people':[{'id':'1','n':1}],'events':[{'x':{'y':[2]}}]},'UnprocessedKeys':{}}");
    READ("{'RequestItems':{'people':{'Keys':[{'id':'1'}],'AttributesToGet':['n']}}}",
         "{'Responses':{'people':[{'n':1}]},'UnprocessedKeys':{}}");
    READ("{'RequestItems':{'people':{'Keys':[{'id':'1'}],'ProjectionExpression':'#n','ExpressionAttributeNames':{'#n':'n'}}}}",
         "{'Responses':{'people':[{'n':1}]},'UnprocessedKeys':{}}");
}

static void test_capacity(void **state)
{
    WRITE("{'RequestItems':{'people':[" PUT("{'id':'1'}") "," DELETE("{'id':'2'}") "],'events':[" PUT(
              "{'id':'e','at':1}") "]},"
                                   "'ReturnConsumedCapacity':'TOTAL'}",
          "{'UnprocessedItems':{},'ConsumedCapacity':[{'TableName':'people','CapacityUnits':2},{'TableName':'events',"
          "'CapacityUnits':1}]}");
    READ("{'RequestItems':{'people':{'Keys':[{'id':'1'},{'id':'2'},{'id':'3'}]},'events':{'Keys':[{'id':'e','at':1}],"
         "'ConsistentRead':true}},'ReturnConsumedCapacity':'INDEXES'}",
         "{'Responses':{'people':[{'id':'1'}],'events':[{'id':'e','at':1}]},'UnprocessedKeys':{},'ConsumedCapacity':[{'"
         "TableName':"
         "'people','CapacityUnits':1.5,'Table':{'CapacityUnits':1.5}},{'TableName':'events','CapacityUnits':1,'Table':{"
         "'CapacityUnits':1}}]}");
}

/* -- Errors --------------------------------------------------------------------------------------------------- */
#define INVALID "ValidationException: "
#define KEY_MISMATCH INVALID "The provided key element does not match the schema"
#define DUPLICATES INVALID "Provided list of item keys contains duplicates"

static void test_write_errors(void **state)
{
#define ONE(entry) "{'RequestItems':{'people':[" entry "]}}"
    WRITE("{'RequestItems':{}}", INVALID "The requestItems parameter is required for BatchWriteItem");
    WRITE("{}", INVALID "Missing required parameter in input: 'RequestItems'");
    WRITE("{'RequestItems':{'people':[]}}", INVALID
          "1 validation error detected: Value '{people=[]}' at 'requestItems' failed to satisfy constraint: Map value must "
          "satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or "
          "equal to 1]");
    WRITE(ONE(PUT("{'id':'1'}") "," DELETE("{'id':'1'}")), DUPLICATES);
    WRITE(ONE("{}"),
          INVALID "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
                  "datatypes");
    WRITE("{'RequestItems':{'nope':[" PUT("{'id':'1'}") "]}}", "ResourceNotFoundException: Requested resource not found");
    WRITE(ONE(PUT("{'id':5}")), KEY_MISMATCH);
    WRITE(ONE(PUT("{'x':5}")), KEY_MISMATCH);
    WRITE(ONE(DELETE("{'id':'1','x':5}")), KEY_MISMATCH);
    WRITE(ONE(PUT("{'id':''}")), INVALID "One or more parameter values are not valid. The AttributeValue for a key attribute "
                                         "cannot contain an empty string value. Key: id");
    WRITE(ONE("{'PutRequest':{'Item':{'id':'1'},'ConditionExpression':'x'}}"),
          INVALID "Unknown parameter in input: 'ConditionExpression', must be one of: Item");
    /* nothing of a refused batch is written */
    WRITE(ONE(PUT("{'id':'first'}") "," PUT("{'id':5}")), KEY_MISMATCH);
    CHECK_RUN(*state, OP_READ, "people", "{'Key':{'id':'first'}}", "{}");
}

static void test_read_errors(void **state)
{
    READ("{'RequestItems':{}}", INVALID "The requestItems parameter is required for BatchGetItem");
    READ("{'RequestItems':{'people':{'Keys':[]}}}", INVALID
         "1 validation error detected: Value at 'RequestItems.people.member.Keys' failed to satisfy constraint: Member must "
         "have length greater than or equal to 1");
    READ("{'RequestItems':{'people':{'Keys':[{'id':'1'},{'id':'1'}]}}}", DUPLICATES);
    READ("{'RequestItems':{'people':{'Keys':[{'id':1}]}}}", KEY_MISMATCH);
    READ("{'RequestItems':{'nope':{'Keys':[{'id':'1'}]}}}", "ResourceNotFoundException: Requested resource not found");
    READ("{'RequestItems':{'people':{'Keys':[{'id':'1'}],'ProjectionExpression':'a, a'}}}", INVALID
         "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these "
         "paths; path one: [a], path two: [a]");
#define MIXED                                                                                                                  \
    INVALID "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "       \
            "{AttributesToGet} Expression parameters: {ProjectionExpression}"
    READ("{'RequestItems':{'people':{'Keys':[{'id':'1'}],'ProjectionExpression':'a','AttributesToGet':['a']}}}", MIXED);
    READ("{'RequestItems':{'people':{'Keys':[{'id':'1'}],'ProjectionExpression':'a'},"
         "'events':{'Keys':[{'id':'e','at':1}],'AttributesToGet':['a']}}}",
         MIXED);
}

/* -- Limits --------------------------------------------------------------------------------------------------- */
/* first + each(0) + "," + each(1) ... + last */
static char *repeat(const char *first, const char *each, int count, const char *last)
{
    size_t size = strlen(first) + strlen(last) + (size_t)count * (strlen(each) + 8) + 1, len;
    char *text = malloc(size);

    assert_non_null(text);
    len = (size_t)snprintf(text, size, "%s", first);
    for (int i = 0; i < count; i++) {
        const char *mark = strchr(each, '%');
        len += (size_t)snprintf(text + len, size - len, "%s%.*s%d%s", i ? "," : "", (int)(mark - each), each, i, mark + 1);
    }
    snprintf(text + len, size - len, "%s", last);
    return text;
}

static const char *run_repeated(void **state, enum op_code code, const char *first, const char *each, int count,
                                const char *last)
{
    char *payload = repeat(first, each, count, last);
    const char *text = table_fixture_run(*state, code, "", payload);

    free(payload);
    return text;
}

static void test_counts(void **state)
{
#define WRITES(count) run_repeated(state, OP_BATCH_WRITE, "{'RequestItems':{'people':[", PUT("{'id':'k%'}"), count, "]}}")
#define READS(count) run_repeated(state, OP_BATCH_READ, "{'RequestItems':{'people':{'Keys':[", "{'id':'k%'}", count, "]}}}")
    assert_string_equal(WRITES(25), ALL_PROCESSED);
    assert_string_equal(WRITES(26),
                        INVALID "1 validation error detected: Value '{people=[...]}' at 'requestItems' failed to satisfy "
                                "constraint: Map value must satisfy constraint: [Member must have length less than or equal to "
                                "25, Member must have length greater than or equal to 1]");
    assert_string_equal(run_repeated(state, OP_BATCH_WRITE,
                                     "{'RequestItems':{'events':[" PUT("{'id':'e','at':1}") "],'people':[", PUT("{'id':'k%'}"),
                                     25, "]}}"),
                        INVALID "Too many items requested for the BatchWriteItem call");
    assert_non_null(strstr(READS(100), "'UnprocessedKeys':{}"));
    assert_string_equal(READS(101),
                        INVALID "1 validation error detected: Value at 'RequestItems.people.member.Keys' failed to satisfy "
                                "constraint: Member must have length less than or equal to 100");
    assert_string_equal(run_repeated(state, OP_BATCH_READ,
                                     "{'RequestItems':{'events':{'Keys':[{'id':'e','at':1}]},'people':{'Keys':[", "{'id':'k%'}",
                                     100, "]}}}"),
                        INVALID "Too many items requested for the BatchGetItem call");
}

/* An item of a size: attribute v is filled up. */
static char *large_item(const char *id, size_t bytes)
{
    size_t fill = bytes - strlen("id") - strlen(id) - strlen("v");
    char *text = malloc(bytes + 200);

    assert_non_null(text);
    int len = snprintf(text, bytes + 200, "{'id':'%s','v':'", id);
    memset(text + len, 'x', fill);
    memcpy(text + len + fill, "'}", 3);
    return text;
}

static void test_large_items(void **state)
{
    char *item = large_item("large", LIMIT_ITEM_BYTES), *payload = malloc(LIMIT_ITEM_BYTES + 500);

    snprintf(payload, LIMIT_ITEM_BYTES + 500, "{'RequestItems':{'people':[{'PutRequest':{'Item':%s}}]}}", item);
    WRITE(payload, ALL_PROCESSED);
    free(item);
    item = large_item("large", LIMIT_ITEM_BYTES + 1);
    snprintf(payload, LIMIT_ITEM_BYTES + 500, "{'RequestItems':{'people':[{'PutRequest':{'Item':%s}}]}}", item);
    WRITE(payload, INVALID "Item size has exceeded the maximum allowed size");
    free(item);
    free(payload);
}

/* 60 items of the largest size do not fit 16 MB: the others are named, with all that goes with them, and asking for them goes on. */
static void test_what_does_not_fit_stays_unprocessed(void **state)
{
    for (int i = 0; i < 60; i++) {
        char id[8], *payload = malloc(LIMIT_ITEM_BYTES + 500);
        snprintf(id, sizeof id, "k%d", i);
        char *item = large_item(id, LIMIT_ITEM_BYTES);
        snprintf(payload, LIMIT_ITEM_BYTES + 500, "{'Item':%s}", item);
        CHECK_RUN(*state, OP_CREATE, "people", payload, "{}");
        free(item);
        free(payload);
    }
    const char *text = run_repeated(state, OP_BATCH_READ, "{'RequestItems':{'people':{'ProjectionExpression':'id','Keys':[",
                                    "{'id':'k%'}", 60, "]}}}");
    const char *unprocessed = strstr(text, "'UnprocessedKeys':{'people':{'ProjectionExpression':'id','Keys':[{'id':'k40'}");
    int found = 0;
    assert_non_null(unprocessed);
    for (const char *at = text; (at = strstr(at, "{'id':")) && at < unprocessed; at++)
        found++;
    assert_int_equal(found, 40); /* of 409600 bytes each: one more would be above 16 MB */
    assert_non_null(strstr(unprocessed, "{'id':'k59'}]}}"));
    text = run_repeated(state, OP_BATCH_READ, "{'RequestItems':{'events':{'Keys':[{'id':'e','at':1}]},'people':{'Keys':[",
                        "{'id':'k%'}", 60, "]}}}");
    assert_non_null(strstr(text, "'UnprocessedKeys':{'people':{'Keys':[{'id':'k40'}"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_write_and_read),
        EACH(test_capacity),
        EACH(test_write_errors),
        EACH(test_read_errors),
        EACH(test_counts),
        EACH(test_large_items),
        EACH(test_what_does_not_fit_stays_unprocessed),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
