/* test_query_index.c - query and scan on indexes: what they show, keys of several attributes, pages both ways, what it costs; and the
 * metrics of item collections, which only tables with local indexes have. */
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
#define KEY2(p, s) FIXTURE_KEY(p, "HASH") "," FIXTURE_KEY(s, "RANGE")
#define SOME                                                                                                                   \
    "{'IndexName':'some','KeySchema':[" FIXTURE_KEY(                                                                           \
        "g", "HASH") "],'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':['a']}}"
#define MANY                                                                                                                   \
    FIXTURE_INDEX(                                                                                                             \
        "many",                                                                                                                \
        FIXTURE_KEY("x", "HASH") "," FIXTURE_KEY("y", "HASH") "," FIXTURE_KEY("u", "RANGE") "," FIXTURE_KEY("v", "RANGE"),     \
        "ALL")
#define THINGS                                                                                                                 \
    FIXTURE_TABLE_WITH(                                                                                                        \
        KEY2("p", "c"),                                                                                                        \
        FIXTURE_TYPE("p", "S") "," FIXTURE_TYPE("c", "N") "," FIXTURE_TYPE("n", "N") "," FIXTURE_TYPE(                         \
            "g", "S") "," FIXTURE_TYPE("x", "S") "," FIXTURE_TYPE("y", "N") "," FIXTURE_TYPE("u", "N") "," FIXTURE_TYPE("v",   \
                                                                                                                        "S"),  \
        ",'LocalSecondaryIndexes':[" FIXTURE_INDEX("local", KEY2("p", "n"), "KEYS_ONLY") "],"                                  \
                                                                                         "'GlobalSecondaryIndexes':[" SOME     \
                                                                                         "," MANY "]")

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"plain:id", NULL};
    char payload[200];

    table_fixture_init(&f, specs);
    assert_non_null(strstr(table_fixture_run(&f, OP_TABLE_CREATE, "things", THINGS), "TableDescription"));
    for (int c = 0; c < 8; c++) {
        snprintf(payload, sizeof payload, "{'Item':{'p':'p','c':%d,'n':%d,'g':'g','a':%d,'b':%d}}", c, 8 - c, c, c);
        CHECK_RUN(&f, OP_CREATE, "things", payload, "{}");
        snprintf(payload, sizeof payload, "{'Item':{'p':'q','c':%d,'x':'x','y':%d,'u':%d,'v':'%c'}}", c, c / 6, c / 2,
                 'a' + c % 2);
        CHECK_RUN(&f, OP_CREATE, "things", payload, "{}");
    }
    CHECK_RUN(&f, OP_CREATE, "things", "{'Item':{'p':'sparse','c':0}}", "{}");
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define QUERY(payload, expected) CHECK_RUN(*state, OP_QUERY, "things", payload, expected)
#define SCAN(payload, expected) CHECK_RUN(*state, OP_LIST, "things", payload, expected)
#define VALUES(values) "'ExpressionAttributeValues':{" values "}"

/* -- What is shown -------------------------------------------------------------------------------------------- */
static void test_views(void **state)
{
    QUERY("{'IndexName':'local','KeyConditionExpression':'p=:p AND n<:n'," VALUES("':p':'p',':n':3") "}",
          "{'Items':[{'p':'p','c':7,'n':1},{'p':'p','c':6,'n':2}],'Count':2,'ScannedCount':2}");
    QUERY("{'IndexName':'some','KeyConditionExpression':'g=:g','Limit':1," VALUES("':g':'g'") "}",
          "{'Items':[{'p':'p','c':0,'g':'g','a':0}],'Count':1,'ScannedCount':1,'LastEvaluatedKey':{'g':'g','p':'p','c':0}}");
    QUERY("{'IndexName':'local','KeyConditionExpression':'p=:p AND n=:n','ProjectionExpression':'b,n'," VALUES(
              "':p':'p',':n':3") "}",
          "{'Items':[{'n':3,'b':5}],'Count':1,'ScannedCount':1}");
    QUERY("{'IndexName':'local','KeyConditionExpression':'p=:p AND n=:n','Select':'ALL_ATTRIBUTES'," VALUES(
              "':p':'p',':n':3") "}",
          "{'Items':[{'p':'p','c':5,'n':3,'g':'g','a':5,'b':5}],'Count':1,'ScannedCount':1}");
    QUERY("{'IndexName':'local','KeyConditionExpression':'p=:p','Select':'COUNT'," VALUES("':p':'p'") "}",
          "{'Count':8,'ScannedCount':8}");
    QUERY("{'IndexName':'local','KeyConditionExpression':'p=:p'," VALUES("':p':'sparse'") "}",
          "{'Items':[],'Count':0,'ScannedCount':0}");
    SCAN("{'IndexName':'some','FilterExpression':'a>:a AND attribute_not_exists(b)'," VALUES("':a':5") "}",
         "{'Items':[{'p':'p','c':6,'g':'g','a':6},{'p':'p','c':7,'g':'g','a':7}],'Count':2,'ScannedCount':8}");
}

/* A filter sees what the index shows, whatever is fetched beside it. */
static void test_filter_of_a_view(void **state)
{
    SCAN("{'IndexName':'local','FilterExpression':'attribute_exists(b)','ProjectionExpression':'b'}",
         "{'Items':[],'Count':0,'ScannedCount':8}");
    SCAN("{'IndexName':'local','FilterExpression':'attribute_not_exists(b) AND n<:n','ProjectionExpression':'b'," VALUES(
             "':n':2") "}",
         "{'Items':[{'b':7}],'Count':1,'ScannedCount':8}");
}

static void test_refusals(void **state)
{
    QUERY("{'IndexName':'some','KeyConditionExpression':'g=:g','ProjectionExpression':'b,a'," VALUES("':g':'g'") "}",
          INVALID "Global secondary index some does not project [b]");
    QUERY("{'IndexName':'some','KeyConditionExpression':'g=:g','Select':'ALL_ATTRIBUTES'," VALUES("':g':'g'") "}", INVALID
          "Select type ALL_ATTRIBUTES is not supported for global secondary index some because its projection type is not ALL");
    QUERY("{'IndexName':'some','KeyConditionExpression':'g=:g','FilterExpression':'b=:g'," VALUES("':g':'g'") "}",
          INVALID "Secondary index some does not project one or more filter attributes: [b]");
    QUERY("{'IndexName':'some','KeyConditionExpression':'g=:g','ConsistentRead':true," VALUES("':g':'g'") "}",
          "ValidationException: Consistent reads are not supported on global secondary indexes");
    QUERY("{'IndexName':'other','KeyConditionExpression':'g=:g'," VALUES("':g':'g'") "}",
          "ValidationException: The table does not have the specified index: other");
    QUERY("{'IndexName':'some','KeyConditionExpression':'p=:g'," VALUES("':g':'g'") "}",
          "ValidationException: Query condition missed key schema element: g");
    QUERY("{'IndexName':'local','KeyConditionExpression':'p=:p','FilterExpression':'n=:n'," VALUES("':p':'p',':n':1") "}",
          "ValidationException: Filter Expression can only contain non-primary key attributes: Primary key attribute: n");
    SCAN("{'IndexName':'some','ConsistentRead':true}",
         "ValidationException: Consistent reads are not supported on global secondary indexes");
    SCAN("{'IndexName':'local','ConsistentRead':true,'Select':'COUNT'}", "{'Count':8,'ScannedCount':8}");
}

/* -- Keys of several attributes --------------------------------------------------------------------------------- */
#define XY "x=:x AND y=:y"
#define XY_VALUES "':x':'x',':y':0"

static void test_many_attributes(void **state)
{
    QUERY("{'IndexName':'many','KeyConditionExpression':'" XY
          " AND u=:u AND v>:v','ProjectionExpression':'c'," VALUES(XY_VALUES ",':u':1,':v':'a'") "}",
          "{'Items':[{'c':3}],'Count':1,'ScannedCount':1}");
    QUERY("{'IndexName':'many','KeyConditionExpression':'" XY
          " AND u>=:u','ProjectionExpression':'c','ScanIndexForward':false," VALUES(XY_VALUES ",':u':1") "}",
          "{'Items':[{'c':5},{'c':4},{'c':3},{'c':2}],'Count':4,'ScannedCount':4}");
    QUERY("{'IndexName':'many','KeyConditionExpression':'" XY
          " AND u=:u','ProjectionExpression':'c'," VALUES(XY_VALUES ",':u':2") "}",
          "{'Items':[{'c':4},{'c':5}],'Count':2,'ScannedCount':2}");
    QUERY("{'IndexName':'many','KeyConditionExpression':'" XY "','Select':'COUNT'," VALUES("':x':'x',':y':1") "}",
          "{'Count':2,'ScannedCount':2}");
    QUERY("{'IndexName':'many','KeyConditionExpression':'x=:x'," VALUES("':x':'x'") "}",
          "ValidationException: Query condition missed key schema element: y");
    QUERY("{'IndexName':'many','KeyConditionExpression':'" XY " AND v=:v'," VALUES(XY_VALUES ",':v':'a'") "}",
          "ValidationException: Query condition missed key schema element: u");
    QUERY("{'IndexName':'many','KeyConditionExpression':'" XY " AND u>:u AND v=:v'," VALUES(XY_VALUES ",':u':1,':v':'a'") "}",
          "ValidationException: Query key condition not supported");
}

/* -- Pages ---------------------------------------------------------------------------------------------------- */
/* All `c` of all pages with so many items each, as "0 1 2 ". */
static const char *paged(void **state, enum op_code code, const char *index, const char *more, int limit)
{
    static char list[200];
    char payload[600], key[200] = "";
    size_t len = 0;

    list[0] = 0;
    for (int pages = 0; pages < 50; pages++) {
        snprintf(payload, sizeof payload, "{'IndexName':'%s','Limit':%d%s%s%s}", index, limit, more,
                 *key ? ",'ExclusiveStartKey':" : "", key);
        const char *text = table_fixture_run(*state, code, "things", payload), *last = strstr(text, "'LastEvaluatedKey':");
        for (const char *at = strstr(text, "'c':"); at && (!last || at < last); at = strstr(at + 1, "'c':"))
            len += (size_t)snprintf(list + len, sizeof list - len, "%ld ", strtol(at + 4, NULL, 10));
        if (!last)
            return list;
        sscanf(last, "'LastEvaluatedKey':%199[^}]", key);
        size_t end = strlen(key);
        snprintf(key + end, sizeof key - end, "}");
    }
    fail();
    return NULL;
}

static void test_pages_meet(void **state)
{
    const char *local = ",'KeyConditionExpression':'p=:p','ExpressionAttributeValues':{':p':'p'}",
               *local_back = ",'ScanIndexForward':false,'KeyConditionExpression':'p=:p','ExpressionAttributeValues':{':p':'p'}",
               *some = ",'KeyConditionExpression':'g=:g','ExpressionAttributeValues':{':g':'g'}",
               *some_back = ",'ScanIndexForward':false,'KeyConditionExpression':'g=:g','ExpressionAttributeValues':{':g':'g'}",
               *many =
                   ",'KeyConditionExpression':'x=:x AND y=:y AND u<:u','ExpressionAttributeValues':{':x':'x',':y':0,':u':2}";

    for (int limit = 1; limit < 10; limit++) {
        assert_string_equal(paged(state, OP_QUERY, "local", local, limit), "7 6 5 4 3 2 1 0 ");
        assert_string_equal(paged(state, OP_QUERY, "local", local_back, limit), "0 1 2 3 4 5 6 7 ");
        assert_string_equal(paged(state, OP_QUERY, "some", some, limit), "0 1 2 3 4 5 6 7 ");
        assert_string_equal(paged(state, OP_QUERY, "some", some_back, limit), "7 6 5 4 3 2 1 0 ");
        assert_string_equal(paged(state, OP_QUERY, "many", many, limit), "0 1 2 3 ");
        assert_string_equal(paged(state, OP_LIST, "some", "", limit), "0 1 2 3 4 5 6 7 ");
    }
}

static void test_start_keys(void **state)
{
    const char *wrong[] = {"{'g':'g'}", "{'p':'p','c':1}", "{'g':'g','p':'p','c':'x'}", "{'g':'g','p':'p','c':1,'z':1}"};
    char payload[300];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(payload, sizeof payload,
                 "{'IndexName':'some','KeyConditionExpression':'g=:g','ExclusiveStartKey':%s," VALUES("':g':'g'") "}",
                 wrong[i]);
        QUERY(payload, "ValidationException: The provided starting key is invalid");
    }
    QUERY("{'IndexName':'some','KeyConditionExpression':'g=:g','ExclusiveStartKey':{'g':'other','p':'p','c':1}," VALUES(
              "':g':'g'") "}",
          "ValidationException: The provided starting key is outside query boundaries based on provided conditions");
    /* it need not be there any more */
    QUERY("{'IndexName':'some','KeyConditionExpression':'g=:g','Select':'COUNT','ExclusiveStartKey':{'g':'g','p':'p','c':5.5}"
          "," VALUES("':g':'g'") "}",
          "{'Count':2,'ScannedCount':2}");
}

/* A parallel scan of an index shows every entry once. */
static void test_segments(void **state)
{
    char payload[200];
    int found = 0;

    for (int segment = 0; segment < 5; segment++) {
        snprintf(payload, sizeof payload, "{'IndexName':'many','Segment':%d,'TotalSegments':5,'Select':'COUNT'}", segment);
        int count = 0;
        assert_int_equal(sscanf(table_fixture_run(*state, OP_LIST, "things", payload), "{'Count':%d", &count), 1);
        found += count;
    }
    assert_int_equal(found, 8);
}

/* -- Cost ----------------------------------------------------------------------------------------------------- */
static void test_capacity(void **state)
{
    QUERY(
        "{'IndexName':'some','KeyConditionExpression':'g=:g','Select':'COUNT','ReturnConsumedCapacity':'INDEXES'," VALUES(
            "':g':'g'") "}",
        "{'Count':8,'ScannedCount':8,'ConsumedCapacity':{'TableName':'things','CapacityUnits':0.5,'Table':{'CapacityUnits':0},"
        "'GlobalSecondaryIndexes':{'some':{'CapacityUnits':0.5}}}}");
    QUERY("{'IndexName':'local','KeyConditionExpression':'p=:p AND n<:n','ProjectionExpression':'b','ConsistentRead':true,"
          "'ReturnConsumedCapacity':'INDEXES'," VALUES("':p':'p',':n':3") "}",
          "{'Items':[{'b':7},{'b':6}],'Count':2,'ScannedCount':2,'ConsumedCapacity':{'TableName':'things','CapacityUnits':3,"
          "'Table':{'CapacityUnits':2},'LocalSecondaryIndexes':{'local':{'CapacityUnits':1}}}}");
    SCAN("{'IndexName':'some','Select':'COUNT','ReturnConsumedCapacity':'TOTAL'}",
         "{'Count':8,'ScannedCount':8,'ConsumedCapacity':{'TableName':'things','CapacityUnits':0.5}}");
}

/* -- Item collections ------------------------------------------------------------------------------------------ */
#define METRICS(key, top) "{'ItemCollectionKey':{'p':'" key "'},'SizeEstimateRangeGB':[0," #top "]}"

static void test_metrics(void **state)
{
    CHECK_RUN(*state, OP_CREATE, "things", "{'Item':{'p':'m','c':1},'ReturnItemCollectionMetrics':'SIZE'}",
              "{'ItemCollectionMetrics':" METRICS("m", 1) "}");
    CHECK_RUN(*state, OP_CREATE, "things", "{'Item':{'p':'m','c':1},'ReturnItemCollectionMetrics':'NONE'}", "{}");
    CHECK_RUN(*state, OP_UPDATE, "things",
              "{'Key':{'p':'m','c':1},'UpdateExpression':'SET "
              "z=:z','ExpressionAttributeValues':{':z':1},'ReturnValues':'UPDATED_NEW',"
              "'ReturnItemCollectionMetrics':'SIZE'}",
              "{'Attributes':{'z':1},'ItemCollectionMetrics':" METRICS("m", 1) "}");
    CHECK_RUN(*state, OP_DELETE, "things", "{'Key':{'p':'m','c':1},'ReturnItemCollectionMetrics':'SIZE'}",
              "{'ItemCollectionMetrics':" METRICS("m", 1) "}");
    CHECK_RUN(*state, OP_CREATE, "plain", "{'Item':{'id':'x'},'ReturnItemCollectionMetrics':'SIZE'}", "{}");
}

static void test_metrics_of_many(void **state)
{
    CHECK_RUN(
        *state, OP_BATCH_WRITE, "",
        "{'RequestItems':{'plain':[{'DeleteRequest':{'Key':{'id':'x'}}}],'things':[{'PutRequest':{'Item':{'p':'m','c':1}}},"
        "{'PutRequest':{'Item':{'p':'o','c':1}}},{'DeleteRequest':{'Key':{'p':'m','c':2}}}]},'ReturnItemCollectionMetrics':'"
        "SIZE'}",
        "{'UnprocessedItems':{},'ItemCollectionMetrics':{'things':[" METRICS("m", 1) "," METRICS("o", 1) "]}}");
    CHECK_RUN(*state, OP_TRANSACT_WRITE, "",
              "{'TransactItems':[{'Delete':{'TableName':'things','Key':{'p':'o','c':1}}},{'ConditionCheck':{'TableName':'"
              "things','Key':"
              "{'p':'q','c':0},'ConditionExpression':'attribute_exists(p)'}},{'Delete':{'TableName':'things','Key':{'p':'m','c'"
              ":1}}}],"
              "'ReturnItemCollectionMetrics':'SIZE'}",
              "{'ItemCollectionMetrics':{'things':[" METRICS("o", 1) "," METRICS("m", 1) "]}}");
    CHECK_RUN(*state, OP_BATCH_WRITE, "",
              "{'RequestItems':{'plain':[{'DeleteRequest':{'Key':{'id':'x'}}}]},'ReturnItemCollectionMetrics':'SIZE'}",
              "{'UnprocessedItems':{}}");
}

static void test_metrics_of_a_large_collection(void **state)
{
    static char payload[360 * 1024];

    for (int c = 0; c < 4; c++) {
        int head = snprintf(payload, sizeof payload, "{'Item':{'p':'large','c':%d,'text':'", c);
        memset(payload + head, 'x', 350 * 1024);
        snprintf(payload + head + 350 * 1024, 100, "'},'ReturnItemCollectionMetrics':'SIZE'}");
        assert_string_equal(table_fixture_run(*state, OP_CREATE, "things", payload),
                            c < 2 ? "{'ItemCollectionMetrics':" METRICS("large", 1) "}"
                                  : "{'ItemCollectionMetrics':" METRICS("large", 10) "}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_filter_of_a_view),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_many_attributes),
        cmocka_unit_test(test_pages_meet),
        cmocka_unit_test(test_start_keys),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_metrics_of_many),
        cmocka_unit_test(test_metrics_of_a_large_collection),
    };

    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
