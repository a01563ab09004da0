/* test_query.c - query: what may be asked of keys, ranges of every kind in both directions, pages that meet without gap. */
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

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", "events:id:S,at:N", "words:id:S,word:S", "blobs:id:B,b:B", NULL};
    static const char *const words[] = {"a", "aa", "ab", "abc", "abd", "b", "ba", "z"};
    char payload[100];

    table_fixture_init(&f, specs);
    for (int i = -10; i <= 10; i++) {
        snprintf(payload, sizeof payload, "{'Item':{'id':'e','at':%d,'odd':%s}}", i, i % 2 ? "true" : "false");
        CHECK_RUN(&f, OP_CREATE, "events", payload, "{}");
        snprintf(payload, sizeof payload, "{'Item':{'id':'other','at':%d}}", i);
        CHECK_RUN(&f, OP_CREATE, "events", payload, "{}");
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(payload, sizeof payload, "{'Item':{'id':'w','word':'%s'}}", words[i]);
        CHECK_RUN(&f, OP_CREATE, "words", payload, "{}");
    }
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define QUERY(table, payload, expected) CHECK_RUN(*state, OP_QUERY, table, payload, expected)

/* The values of an attribute in the items of an answer, as "1 2 3". */
static const char *values_of(const char *text, const char *name)
{
    static char list[4000];
    char pattern[64];
    const char *end = strstr(text, "],'Count'");
    size_t len = 0;

    snprintf(pattern, sizeof pattern, "'%s':", name);
    list[0] = 0;
    for (const char *at = strstr(text, pattern); at && at < end; at = strstr(at + 1, pattern)) {
        const char *value = at + strlen(pattern);
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%.*s", len ? " " : "", (int)strcspn(value, ",}"), value);
    }
    return list;
}

static const char *ask(void **state, const char *table, const char *name, const char *condition, const char *values,
                       const char *more)
{
    char payload[600];

    snprintf(payload, sizeof payload,
             "{'KeyConditionExpression':'%s','ExpressionAttributeNames':{'#at':'at'},'ExpressionAttributeValues':{%s}%s}",
             condition, values, more);
    char *unused = strstr(payload, "'ExpressionAttributeNames':{'#at':'at'},");
    if (!strstr(condition, "#at"))
        memmove(unused, unused + 40, strlen(unused + 40) + 1);
    const char *text = table_fixture_run(*state, OP_QUERY, table, payload);
    return strncmp(text, "{'Items'", 8) == 0 ? values_of(text, name) : text;
}

#define EVENTS(condition, values, more, expected)                                                                              \
    assert_string_equal(ask(state, "events", "at", "id = :i" condition, "':i':'e'" values, more), expected)

static void test_ranges_of_numbers(void **state)
{
    EVENTS(" AND #at = :a", ",':a':3", "", "3");
    EVENTS(" AND #at = :a", ",':a':99", "", "");
    EVENTS(" AND #at < :a", ",':a':-7", "", "-10 -9 -8");
    EVENTS(" AND #at <= :a", ",':a':-7", "", "-10 -9 -8 -7");
    EVENTS(" AND #at > :a", ",':a':7", "", "8 9 10");
    EVENTS(" AND #at >= :a", ",':a':7", "", "7 8 9 10");
    EVENTS(" AND #at >= :a", ",':a':7.5", "", "8 9 10");
    EVENTS(" AND #at BETWEEN :a AND :b", ",':a':-1,':b':1", "", "-1 0 1");
    EVENTS(" AND :a < #at", ",':a':7", "", "8 9 10");
    EVENTS(" AND :a >= #at", ",':a':-9", "", "-10 -9");
    EVENTS("", "", ",'Limit':3", "-10 -9 -8");
    EVENTS("", "", ",'Limit':3,'ScanIndexForward':false", "10 9 8");
    EVENTS(" AND #at < :a", ",':a':-7", ",'ScanIndexForward':false", "-8 -9 -10");
    EVENTS(" AND #at BETWEEN :a AND :b", ",':a':-1,':b':1", ",'ScanIndexForward':false", "1 0 -1");
    EVENTS(" AND #at = :a", ",':a':3", ",'ScanIndexForward':false", "3");
}

#define WORDS(condition, values, more, expected)                                                                               \
    assert_string_equal(ask(state, "words", "word", "id = :i" condition, "':i':'w'" values, more), expected)

static void test_ranges_of_strings(void **state)
{
    WORDS(" AND word = :a", ",':a':'ab'", "", "'ab'");
    WORDS(" AND word < :a", ",':a':'ab'", "", "'a' 'aa'");
    WORDS(" AND word <= :a", ",':a':'ab'", "", "'a' 'aa' 'ab'");
    WORDS(" AND word > :a", ",':a':'ab'", "", "'abc' 'abd' 'b' 'ba' 'z'");
    WORDS(" AND begins_with(word, :a)", ",':a':'ab'", "", "'ab' 'abc' 'abd'");
    WORDS(" AND begins_with(word, :a)", ",':a':'ab'", ",'ScanIndexForward':false", "'abd' 'abc' 'ab'");
    WORDS(" AND begins_with(word, :a)", ",':a':'q'", "", "");
    WORDS(" AND word BETWEEN :a AND :b", ",':a':'ab',':b':'b'", "", "'ab' 'abc' 'abd' 'b'");
}

/* Bytes at both ends of their range, in keys and in prefixes. */
static void test_ranges_of_bytes(void **state)
{
    static const char *const keys[] = {"AA==", "AAA=", "AP8=", "/w==", "//8=", "//8A", "fw=="};
    char payload[200];

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(payload, sizeof payload, "{'Item':{'id':{'$binary':'/w=='},'b':{'$binary':'%s'}}}", keys[i]);
        CHECK_RUN(*state, OP_CREATE, "blobs", payload, "{}");
    }
#define BLOBS(condition, value, expected)                                                                                      \
    assert_string_equal(ask(state, "blobs", "$binary", "id = :i AND " condition,                                               \
                            "':i':{'$binary':'/w=='},':a':{'$binary':'" value "'}", ",'ProjectionExpression':'b'"),            \
                        expected)
    BLOBS("begins_with(b, :a)", "/w==", "'/w==' '//8=' '//8A'");
    BLOBS("begins_with(b, :a)", "//8=", "'//8=' '//8A'");
    BLOBS("begins_with(b, :a)", "AA==", "'AA==' 'AAA=' 'AP8='");
    BLOBS("b > :a", "//8=", "'//8A'");
    BLOBS("b <= :a", "AP8=", "'AA==' 'AAA=' 'AP8='");
    BLOBS("b < :a", "fw==", "'AA==' 'AAA=' 'AP8='");
#undef BLOBS
}

static void test_only_a_partition_key(void **state)
{
    CHECK_RUN(*state, OP_CREATE, "people", "{'Item':{'id':'1','n':1}}", "{}");
    QUERY("people", "{'KeyConditionExpression':'id = :i','ExpressionAttributeValues':{':i':'1'}}",
          "{'Items':[{'id':'1','n':1}],'Count':1,'ScannedCount':1}");
    QUERY("people", "{'KeyConditionExpression':'id = :i','ExpressionAttributeValues':{':i':'2'}}",
          "{'Items':[],'Count':0,'ScannedCount':0}");
    QUERY("people", "{'KeyConditionExpression':'id = :i AND n = :n','ExpressionAttributeValues':{':i':'2',':n':1}}",
          "ValidationException: Query key condition not supported");
}

/* Every page size, both ways: every item once, in order; a page that ends on the last item still says where to go on. */
static void test_pages(void **state)
{
    for (int limit = 1; limit <= 22; limit++) {
        for (int back = 0; back < 2; back++) {
            char start[100] = "", payload[400];
            int next = back ? 10 : -10, pages = 0;
            do {
                snprintf(payload, sizeof payload,
                         "{'KeyConditionExpression':'id = :i','ExpressionAttributeValues':{':i':'e'},'Limit':%d,"
                         "'ScanIndexForward':%s%s%s}",
                         limit, back ? "false" : "true", *start ? ",'ExclusiveStartKey':" : "", start);
                const char *text = table_fixture_run(*state, OP_QUERY, "events", payload);
                for (const char *at = values_of(text, "at"); *at; at += strspn(at, " ")) {
                    assert_int_equal(strtol(at, (char **)&at, 10), next);
                    next += back ? -1 : 1;
                }
                const char *last = strstr(text, "'LastEvaluatedKey':");
                snprintf(start, sizeof start, "%.*s", last ? (int)strcspn(last + 19, "}") + 1 : 0, last ? last + 19 : "");
                pages++;
            } while (*start);
            assert_int_equal(next, back ? -11 : 11);
            assert_int_equal(pages, 21 / limit + 1);
        }
    }
}

static void test_filter_and_projection(void **state)
{
    QUERY("events",
          "{'KeyConditionExpression':'id = :i AND #at > :a','FilterExpression':'odd = :t','ProjectionExpression':'#at',"
          "'ExpressionAttributeNames':{'#at':'at'},'ExpressionAttributeValues':{':i':'e',':a':6,':t':true}}",
          "{'Items':[{'at':7},{'at':9}],'Count':2,'ScannedCount':4}");
    QUERY("events",
          "{'KeyConditionExpression':'id = :i AND #at > :a','FilterExpression':'odd = :t','Select':'COUNT','Limit':2,"
          "'ExpressionAttributeNames':{'#at':'at'},'ExpressionAttributeValues':{':i':'e',':a':6,':t':true}}",
          "{'Count':1,'ScannedCount':2,'LastEvaluatedKey':{'id':'e','at':8}}");
    QUERY("events",
          "{'KeyConditionExpression':'id = :i','FilterExpression':'#at > :i','ExpressionAttributeNames':{'#at':'at'},"
          "'ExpressionAttributeValues':{':i':'e'}}",
          "ValidationException: Filter Expression can only contain non-primary key attributes: Primary key attribute: at");
    QUERY(
        "events",
        "{'KeyConditionExpression':'id = :i','FilterExpression':'size(id) > :n','ExpressionAttributeValues':{':i':'e',':n':1}}",
        "ValidationException: Filter Expression can only contain non-primary key attributes: Primary key attribute: id");
    QUERY("events",
          "{'KeyConditionExpression':'id = "
          ":i','ReturnConsumedCapacity':'TOTAL','Select':'COUNT','ExpressionAttributeValues':{':i':"
          "'e'}}",
          "{'Count':21,'ScannedCount':21,'ConsumedCapacity':{'TableName':'events','CapacityUnits':0.5}}");
}

/* -- The old parameters --------------------------------------------------------------------------------------- */
#define EQ(value) "{'ComparisonOperator':'EQ','AttributeValueList':[" value "]}"

static void test_key_conditions(void **state)
{
    QUERY("events", "{'KeyConditions':{'id':" EQ("'e'") ",'at':{'ComparisonOperator':'BETWEEN','AttributeValueList':[3,4]}}}",
          "{'Items':[{'id':'e','at':3,'odd':true},{'id':'e','at':4,'odd':false}],'Count':2,'ScannedCount':2}");
    QUERY("events",
          "{'KeyConditions':{'at':{'ComparisonOperator':'GT','AttributeValueList':[8]},'id':" EQ(
              "'e'") "},"
                     "'QueryFilter':{'odd':" EQ("true") "},'AttributesToGet':['at']}",
          "{'Items':[{'at':9}],'Count':1,'ScannedCount':2}");
    QUERY("events", "{'KeyConditions':{'id':" EQ("'e'") "},'QueryFilter':{'at':" EQ("5") "}}",
          "ValidationException: QueryFilter can only contain non-primary key attributes: Primary key attribute: at");
    QUERY("events", "{'KeyConditions':{'id':" EQ("'e'") ",'at':{'ComparisonOperator':'NE','AttributeValueList':[3]}}}",
          "ValidationException: Attempted conditional constraint is not an indexable operation");
    QUERY("events", "{'KeyConditions':{'id':" EQ("'e'") ",'at':{'ComparisonOperator':'NULL'}}}",
          "ValidationException: Attempted conditional constraint is not an indexable operation");
    QUERY("events", "{'KeyConditions':{}}", "ValidationException: Conditions can be of length 1 or 2 only");
    QUERY("events", "{'KeyConditions':{'id':{'ComparisonOperator':'EQ','AttributeValueList':[]}}}",
          INVALID "Invalid number of argument(s) for the EQ ComparisonOperator");
    QUERY("events", "{'KeyConditions':{'id':" EQ("5") "}}", INVALID "Condition parameter type does not match schema type");
    QUERY("events",
          "{'KeyConditions':{'id':" EQ("'e'") "},'KeyConditionExpression':'id = :i','ExpressionAttributeValues':{':i':1}}",
          "ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression "
          "parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}");
    QUERY("events",
          "{'KeyConditions':{'id':" EQ("'e'") ",'at':" EQ(
              "1") "},'FilterExpression':'odd = :t','ExpressionAttributeValues':{':t':true}}",
          "{'Items':[{'id':'e','at':1,'odd':true}],'Count':1,'ScannedCount':1}");
}

/* -- Errors --------------------------------------------------------------------------------------------------- */
#define KEY_ERROR(condition, values, expected)                                                                                 \
    QUERY("events",                                                                                                            \
          "{'KeyConditionExpression':'" condition "','ExpressionAttributeNames':{'#at':'at'},"                                 \
          "'ExpressionAttributeValues':{" values "}}",                                                                         \
          "ValidationException: " expected)

static void test_what_keys_cannot_answer(void **state)
{
#define V "':i':'e',':a':1"
#define CONDITION "Invalid condition in KeyConditionExpression: "
#define OPERATOR "Invalid operator used in KeyConditionExpression: "
    KEY_ERROR("id = :i OR #at = :a", V, OPERATOR "OR");
    KEY_ERROR("NOT id = :i AND #at = :a", V, OPERATOR "NOT");
    KEY_ERROR("id = :i AND #at <> :a", V, OPERATOR "<>");
    KEY_ERROR("id = :i AND #at IN (:a)", V, OPERATOR "IN");
    KEY_ERROR("id = :i AND attribute_exists(#at) AND foo = :a", V, OPERATOR "attribute_exists");
    KEY_ERROR("id = :i AND contains(#at, :a)", V, OPERATOR "contains");
    KEY_ERROR("id = :i AND size(#at) > :a", V, "KeyConditionExpressions cannot contain nested operations");
    KEY_ERROR("id = :i AND #at.x > :a", V, "KeyConditionExpressions cannot have conditions on nested attributes");
    KEY_ERROR("id = :i AND id = #at AND foo < :a", V, CONDITION "Multiple attribute names used in one condition");
    KEY_ERROR("id = :i AND :a BETWEEN #at AND :a", V,
              CONDITION "BETWEEN operator must have the key attribute as its first operand");
    KEY_ERROR("#at = :a AND begins_with(:i, id)", V,
              CONDITION "begins_with operator must have the key attribute as its first operand");
    KEY_ERROR("id = :i AND id = :a AND #at = :a", V, "KeyConditionExpressions must only contain one condition per key");
    KEY_ERROR("id = :i AND #at = :a AND foo = :a", V, "Conditions can be of length 1 or 2 only");
    KEY_ERROR("id = :i AND foo.#at = :a", V, "KeyConditionExpressions cannot have conditions on nested attributes");
    KEY_ERROR("foo = :i AND #at = :a", V, "Query condition missed key schema element: id");
    KEY_ERROR("id < :i AND #at = :a", V, "Query key condition not supported");
    KEY_ERROR("id = :a AND #at = :i", V,
              "One or more parameter values were invalid: Condition parameter type does not match schema type");
    KEY_ERROR("id = :i AND #at = :i", "':i':'e'",
              "One or more parameter values were invalid: Condition parameter type does not match schema type");
    KEY_ERROR("id = :i AND begins_with(#at, :a)", V,
              "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: "
              "begins_with, operand type: N");
    KEY_ERROR("id = :i AND dog(#at, :a)", V, "Invalid KeyConditionExpression: Invalid function name; function: dog");
    KEY_ERROR("id = :i AND #at", V, "Invalid KeyConditionExpression: Syntax error; token: '<EOF>', near: '#at'");
    KEY_ERROR(
        "id = :i AND #at = :a", "':i':'',':a':1",
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string "
        "value. Key: id");
#undef V
}

static void test_other_errors(void **state)
{
#define ID "'KeyConditionExpression':'id = :i','ExpressionAttributeValues':{':i':'e'}"
    QUERY(
        "events", "{}",
        "ValidationException: Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
    QUERY("events", "{'KeyConditionExpression':''}",
          "ValidationException: Invalid KeyConditionExpression: The expression can not be empty;");
    QUERY(
        "events", "{'KeyConditionExpression':'id = :i'}",
        "ValidationException: Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; "
        "attribute value: :i");
    QUERY("events", "{'KeyConditionExpression':'foo = :i','ExpressionAttributeValues':{':i':1}}",
          "ValidationException: Query condition missed key schema element: id");
    QUERY("nope", "{" ID "}", "ResourceNotFoundException: Requested resource not found");
    QUERY("events", "{" ID ",'Limit':0}",
          "ValidationException: 1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have "
          "value greater than or equal to 1");
    QUERY("events", "{" ID ",'IndexName':'nope'}", "ValidationException: The table does not have the specified index: nope");
    QUERY("events", "{" ID ",'Select':'ALL_PROJECTED_ATTRIBUTES'}",
          INVALID "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
    QUERY("events", "{'KeyConditions':{'id':" EQ("'e'") "},'ExpressionAttributeValues':{':i':1}}",
          "ValidationException: ExpressionAttributeValues can only be specified when using expressions: FilterExpression and "
          "KeyConditionExpression are null");
    QUERY("events", "{" ID ",'ProjectionExpression':'id.x'}",
          "ValidationException: Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
          "Key: id");
}

static void test_start_keys(void **state)
{
#define START(key, expected) QUERY("events", "{" ID ",'ExclusiveStartKey':" key "}", "ValidationException: The " expected)
    START("{'id':'e'}", "provided starting key is invalid");
    START("{'id':'e','at':'x'}", "provided starting key is invalid");
    START("{'id':'e','at':1,'x':1}", "provided starting key is invalid");
    START("{'id':'other','at':1}", "provided starting key is outside query boundaries based on provided conditions");
#define AT                                                                                                                     \
    "'KeyConditionExpression':'id = :i AND #at > "                                                                             \
    ":a','ExpressionAttributeNames':{'#at':'at'},'ExpressionAttributeValues':{':i':"                                           \
    "'e',':a':8}"
    QUERY("events", "{" AT ",'ExclusiveStartKey':{'id':'e','at':8}}",
          "ValidationException: The provided starting key does not match the range key predicate");
    QUERY("events", "{" AT ",'ExclusiveStartKey':{'id':'other','at':9}}",
          "ValidationException: The query can return at most one row and cannot be restarted");
    /* the item of the start key need not be there */
    QUERY("events", "{" AT ",'ExclusiveStartKey':{'id':'e','at':8.5},'Select':'COUNT'}", "{'Count':2,'ScannedCount':2}");
    QUERY("events", "{" AT ",'ExclusiveStartKey':{'id':'e','at':9.5},'ScanIndexForward':false,'Select':'COUNT'}",
          "{'Count':1,'ScannedCount':1}");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_ranges_of_numbers),
        EACH(test_ranges_of_strings),
        EACH(test_ranges_of_bytes),
        EACH(test_only_a_partition_key),
        EACH(test_pages),
        EACH(test_filter_and_projection),
        EACH(test_key_conditions),
        EACH(test_what_keys_cannot_answer),
        EACH(test_other_errors),
        EACH(test_start_keys),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
