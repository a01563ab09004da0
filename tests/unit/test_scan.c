/* test_scan.c - list: pages, resuming, filters, projections, segments, sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/table_fixture.h"

#define ITEMS 100

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", "events:id:S,at:N", "other:id", NULL};
    char payload[100];

    table_fixture_init(&f, specs);
    for (int i = 0; i < ITEMS; i++) {
        snprintf(payload, sizeof payload, "{'Item':{'id':'p%02d','n':%d,'m':{'a':%d}}}", i, i, i % 3);
        CHECK_RUN(&f, OP_CREATE, "people", payload, "{}");
        snprintf(payload, sizeof payload, "{'Item':{'id':'e%d','at':%d}}", i % 5, i - 50);
        CHECK_RUN(&f, OP_CREATE, "events", payload, "{}");
    }
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define LIST(payload, expected) CHECK_RUN(*state, OP_LIST, "people", payload, expected)

/* One page of a scan. */
struct page {
    char last[200]; /* LastEvaluatedKey as JSON, "" if none */
    int count, scanned;
};

static int number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    assert_non_null(at);
    return (int)strtol(at + strlen(name), NULL, 10);
}

/* Runs a page; marks the people seen, who must not have been seen before. */
static struct page run_page(struct table_fixture *f, const char *arguments, const char *start, bool *seen)
{
    struct page page = {.last = ""};
    char payload[500];

    snprintf(payload, sizeof payload, "{%s%s%s%s}", arguments, *arguments && *start ? "," : "",
             *start ? "'ExclusiveStartKey':" : "", start);
    const char *text = table_fixture_run(f, OP_LIST, "people", payload);
    for (const char *at = text; (at = strstr(at, "{'id':'p")) != NULL; at += 8) {
        const char *last = strstr(text, "'LastEvaluatedKey':");
        if (last && at > last)
            break;
        int n = (int)strtol(at + 8, NULL, 10);
        assert_in_range(n, 0, ITEMS - 1);
        assert_false(seen[n]);
        seen[n] = true;
    }
    page.count = number_of(text, "'Count':");
    page.scanned = number_of(text, "'ScannedCount':");
    const char *last = strstr(text, "'LastEvaluatedKey':");
    if (last)
        snprintf(page.last, sizeof page.last, "%.*s", (int)(strchr(last, '}') - strchr(last, '{') + 1), strchr(last, '{'));
    return page;
}

/* All pages of a scan; returns how many items it found. */
static int run_scan(struct table_fixture *f, const char *arguments, int *pages, int *scanned, bool *seen)
{
    char start[200] = "";
    int count = 0;

    *pages = *scanned = 0;
    do {
        struct page page = run_page(f, arguments, start, seen);
        count += page.count;
        *scanned += page.scanned;
        snprintf(start, sizeof start, "%s", page.last);
        assert_true(++*pages <= ITEMS + 1);
    } while (*start);
    return count;
}

static void test_whole_table(void **state)
{
    bool seen[ITEMS] = {false};
    int pages, scanned;

    assert_int_equal(run_scan(*state, "", &pages, &scanned, seen), ITEMS);
    assert_int_equal(pages, 1);
    assert_int_equal(scanned, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        assert_true(seen[i]);
}

static void test_empty_table(void **state)
{
    CHECK_RUN(*state, OP_LIST, "other", "{}", "{'Items':[],'Count':0,'ScannedCount':0}");
    CHECK_RUN(*state, OP_LIST, "other", NULL, "{'Items':[],'Count':0,'ScannedCount':0}");
    CHECK_RUN(*state, OP_LIST, "other", "{'Select':'COUNT'}", "{'Count':0,'ScannedCount':0}");
    CHECK_RUN(*state, OP_LIST, "other", "{'ReturnConsumedCapacity':'TOTAL'}",
              "{'Items':[],'Count':0,'ScannedCount':0,'ConsumedCapacity':{'TableName':'other','CapacityUnits':0.5}}");
}

/* Every page size visits every item once; a page that ends on the last item still says so. */
static void test_pages(void **state)
{
    for (int limit = 1; limit <= ITEMS + 1; limit += limit < 12 ? 1 : 11) {
        bool seen[ITEMS] = {false};
        char arguments[40];
        int pages, scanned;
        snprintf(arguments, sizeof arguments, "'Limit':%d", limit);
        assert_int_equal(run_scan(*state, arguments, &pages, &scanned, seen), ITEMS);
        assert_int_equal(scanned, ITEMS);
        assert_int_equal(pages, ITEMS / limit + 1);
    }
}

static void test_resume_after_deletion(void **state)
{
    bool seen[ITEMS] = {false};
    struct page first = run_page(*state, "'Limit':40", "", seen);
    char payload[300];
    int pages = 0;

    snprintf(payload, sizeof payload, "{'Key':%s}", first.last);
    CHECK_RUN(*state, OP_DELETE, "people", payload, "{}");
    struct page rest = run_page(*state, "", first.last, seen);
    pages++;
    assert_int_equal(rest.count, ITEMS - 40);
    assert_string_equal(rest.last, "");
}

static void test_filter_counts_before_and_after(void **state)
{
    bool seen[ITEMS] = {false};
    int pages, scanned;
    const char *filter = "'FilterExpression':'m.a = :v','ExpressionAttributeValues':{':v':0}";
    char arguments[200];

    assert_int_equal(run_scan(*state, filter, &pages, &scanned, seen), 34);
    assert_int_equal(scanned, ITEMS);
    memset(seen, 0, sizeof seen);
    snprintf(arguments, sizeof arguments, "'Limit':10,%s", filter);
    assert_int_equal(run_scan(*state, arguments, &pages, &scanned, seen), 34);
    assert_int_equal(scanned, ITEMS);
    assert_int_equal(pages, 11);
    LIST("{'Select':'COUNT','FilterExpression':'n < :v','ExpressionAttributeValues':{':v':7}}",
         "{'Count':7,'ScannedCount':100}");
    LIST("{'FilterExpression':'n > :v','ExpressionAttributeValues':{':v':1000}}", "{'Items':[],'Count':0,'ScannedCount':100}");
}

static void test_legacy_filter(void **state)
{
    LIST("{'Select':'COUNT','ScanFilter':{'n':{'ComparisonOperator':'LT','AttributeValueList':[7]}}}",
         "{'Count':7,'ScannedCount':100}");
    LIST("{'Select':'COUNT','ScanFilter':{'n':{'ComparisonOperator':'IN','AttributeValueList':[7,8,1000]}}}",
         "{'Count':2,'ScannedCount':100}");
    LIST("{'Select':'COUNT','ScanFilter':{'nope':{'ComparisonOperator':'NULL'}}}", "{'Count':100,'ScannedCount':100}");
    LIST("{'Select':'COUNT','ScanFilter':{'id':{'ComparisonOperator':'NOT_CONTAINS','AttributeValueList':['9']}}}",
         "{'Count':81,'ScannedCount':100}");
    LIST("{'Select':'COUNT','ConditionalOperator':'OR','ScanFilter':{'n':{'ComparisonOperator':'LT','AttributeValueList':[7]},"
         "'id':{'ComparisonOperator':'EQ','AttributeValueList':['p50']}}}",
         "{'Count':8,'ScannedCount':100}");
    LIST("{'Select':'COUNT','ScanFilter':{'n':{'ComparisonOperator':'BETWEEN','AttributeValueList':[10,19]}}}",
         "{'Count':10,'ScannedCount':100}");
    LIST("{'ScanFilter':{'n':{'AttributeValueList':[1]}}}",
         "ValidationException: One or more parameter values were invalid: A ComparisonOperator is required for Attribute: n");
    LIST("{'ScanFilter':{'n':{'ComparisonOperator':'LIKE','AttributeValueList':[1]}}}",
         "ValidationException: 1 validation error detected: Value 'LIKE' at 'comparisonOperator' failed to satisfy constraint: "
         "Member must satisfy "
         "enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]");
}

static void test_projection(void **state)
{
    const char *filter = "'FilterExpression':'id = :v','ExpressionAttributeValues':{':v':'p42'}";
    char payload[300];

    snprintf(payload, sizeof payload, "{'ProjectionExpression':'m.a, n',%s}", filter);
    LIST(payload, "{'Items':[{'n':42,'m':{'a':0}}],'Count':1,'ScannedCount':100}");
    snprintf(payload, sizeof payload, "{'ProjectionExpression':'nope','Select':'SPECIFIC_ATTRIBUTES',%s}", filter);
    LIST(payload, "{'Items':[{}],'Count':1,'ScannedCount':100}");
    LIST("{'AttributesToGet':['n'],'ScanFilter':{'n':{'ComparisonOperator':'EQ','AttributeValueList':[3]}}}",
         "{'Items':[{'n':3}],'Count':1,'ScannedCount':100}");
}

/* -- Segments ------------------------------------------------------------------------------------------------- */
static void test_segments_divide_the_table(void **state)
{
    static const int totals[] = {1, 2, 3, 7, 64, 1000};

    for (size_t t = 0; t < sizeof totals / sizeof *totals; t++) {
        bool seen[ITEMS] = {false};
        int found = 0, pages, scanned;
        for (int segment = 0; segment < totals[t]; segment++) {
            char arguments[80];
            snprintf(arguments, sizeof arguments, "'Limit':9,'Segment':%d,'TotalSegments':%d", segment, totals[t]);
            found += run_scan(*state, arguments, &pages, &scanned, seen);
        }
        assert_int_equal(found, ITEMS);
    }
}

static void test_segment_arguments(void **state)
{
    bool seen[ITEMS] = {false};
    struct page page = run_page(*state, "'Limit':1,'Segment':0,'TotalSegments':2", "", seen);
    char payload[300], expected[300];

    LIST("{'Segment':0}",
         "ValidationException: The TotalSegments parameter is required but was not present in the request when Segment "
         "parameter is present");
    LIST("{'TotalSegments':2}",
         "ValidationException: The Segment parameter is required but was not present in the request when parameter "
         "TotalSegments is present");
    LIST("{'Segment':2,'TotalSegments':2}",
         "ValidationException: The Segment parameter is zero-based and must be less than parameter "
         "TotalSegments: Segment: 2 is not less than TotalSegments: 2");
    LIST("{'Segment':0,'TotalSegments':1000001}", "ValidationException: 1 validation error detected: Value '1000001' at "
                                                  "'totalSegments' failed to satisfy constraint: Member must have "
                                                  "value less than or equal to 1000000");
    LIST("{'Segment':0,'TotalSegments':0}", "ValidationException: 1 validation error detected: Value '0' at 'totalSegments' "
                                            "failed to satisfy constraint: Member must have value "
                                            "greater than or equal to 1");
    snprintf(payload, sizeof payload, "{'Segment':1,'TotalSegments':2,'ExclusiveStartKey':%s}", page.last);
    snprintf(expected, sizeof expected,
             "ValidationException: The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
             "ExclusiveStartKey with correct "
             "Segment. TotalSegments: 2 Segment: 1");
    LIST(payload, expected);
}

static void test_arguments(void **state)
{
#define KEY_INVALID "ValidationException: The provided starting key is invalid: "
    LIST(
        "{'Limit':0}",
        "ValidationException: 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have "
        "value greater than or equal to 1");
    LIST("{'Limit':1.5}",
         "ValidationException: 1 validation error detected: Value '1.5' at 'limit' failed to satisfy constraint: Member must "
         "have value less than or equal to 2147483647");
    LIST("{'Limit':'1'}", "SerializationException: Invalid type for parameter Limit: expected N, got S");
    LIST("{'ExclusiveStartKey':{'nope':'x'}}", KEY_INVALID "The provided key element does not match the schema");
    LIST("{'ExclusiveStartKey':{'id':5}}", KEY_INVALID "The provided key element does not match the schema");
    LIST("{'Select':'ALL_PROJECTED_ATTRIBUTES'}",
         "ValidationException: One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES "
         "can be used only when Querying using an IndexName");
    LIST("{'ExpressionAttributeValues':{':x':1}}", "ValidationException: ExpressionAttributeValues can only be specified when "
                                                   "using expressions: FilterExpression is null");
    LIST("{'IndexName':'idx'}", "ValidationException: The table does not have the specified index: idx");
    LIST("{'Select':'COUNT','ProjectionExpression':'id'}",
         "ValidationException: Cannot specify the ProjectionExpression when choosing to get only the Count");
    LIST("{'Select':'ALL_ATTRIBUTES','AttributesToGet':['id']}",
         "ValidationException: Cannot specify the AttributesToGet when choosing to get ALL_ATTRIBUTES");
    LIST("{'Select':'SPECIFIC_ATTRIBUTES'}",
         "ValidationException: One or more parameter values were invalid: Must specify the AttributesToGet or "
         "ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
    LIST("{'FilterExpression':'n >'}",
         "ValidationException: Invalid FilterExpression: Syntax error; token: '<EOF>', near: '>'");
    LIST("{'FilterExpression':'n > :x','ScanFilter':{},'ExpressionAttributeValues':{':x':1}}",
         "ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression "
         "parameters: "
         "{ScanFilter} Expression parameters: {FilterExpression}");
#undef KEY_INVALID
}

static void test_sort_keys_stand_in_order(void **state)
{
    const char *text = table_fixture_run(
        *state, OP_LIST, "events",
        "{'FilterExpression':'id = "
        ":v','ExpressionAttributeValues':{':v':'e3'},'ProjectionExpression':'#at','ExpressionAttributeNames':{'#at':'at'}}");
    int last = -1000, count = 0;

    for (const char *at = text; (at = strstr(at, "{'at':")) != NULL; at += 6, count++) {
        assert_true((int)strtol(at + 6, NULL, 10) > last);
        last = (int)strtol(at + 6, NULL, 10);
    }
    assert_int_equal(count, ITEMS / 5);
}

/* The key to resume after has both key attributes; the pages of a sorted table meet without gap or overlap. */
static void test_pages_of_a_sorted_table(void **state)
{
    char start[100] = "", payload[300];
    int count = 0, pages = 0;

    do {
        snprintf(payload, sizeof payload, "{'Limit':7,'Select':'COUNT'%s%s}", *start ? ",'ExclusiveStartKey':" : "", start);
        const char *text = table_fixture_run(*state, OP_LIST, "events", payload), *last = strstr(text, "'LastEvaluatedKey':");
        count += number_of(text, "'Count':");
        *start = 0;
        if (last)
            snprintf(start, sizeof start, "%.*s", (int)(strchr(last, '}') - strchr(last, '{') + 1), strchr(last, '{'));
        assert_true(!last || strstr(start, "'at':"));
        pages++;
    } while (*start);
    assert_int_equal(count, ITEMS);
    assert_int_equal(pages, ITEMS / 7 + 1);
    CHECK_RUN(*state, OP_LIST, "events", "{'ExclusiveStartKey':{'id':'e1'}}",
              "ValidationException: The provided starting key is invalid: The provided key element does not match the schema");
}

/* -- Sizes ---------------------------------------------------------------------------------------------------- */
static void put_large(struct table_fixture *f, int n, const char *before, const char *piece, size_t pieces, const char *after)
{
    size_t each = strlen(piece), size = 200 + each * pieces;
    char *payload = malloc(size), *at = payload;

    assert_non_null(payload);
    at += snprintf(at, size, "{'Item':{'id':'%d',%s", n, before);
    for (size_t i = 0; i < pieces; i++, at += each)
        memcpy(at, piece, each);
    snprintf(at, size - (size_t)(at - payload), "%s}}", after);
    CHECK_RUN(f, OP_CREATE, "other", payload, "{}");
    free(payload);
}

static void test_page_ends_after_a_megabyte(void **state)
{
    struct table_fixture *f = *state;
    int pages = 0, count = 0;
    char start[100] = "";

    for (int i = 0; i < 10; i++)
        put_large(f, i, "'v':'", "0123456789", 30000, "'");
    do {
        char payload[200];
        snprintf(payload, sizeof payload, "{'Select':'COUNT'%s%s}", *start ? ",'ExclusiveStartKey':" : "", start);
        const char *text = table_fixture_run(f, OP_LIST, "other", payload), *last = strstr(text, "'LastEvaluatedKey':");
        int found = number_of(text, "'Count':");
        /* 300 kB each: the fourth one crosses the megabyte */
        assert_int_equal(found, count + found < 10 ? 4 : 10 - count);
        count += found;
        *start = 0;
        if (last)
            snprintf(start, sizeof start, "%.*s", (int)(strchr(last, '}') - strchr(last, '{') + 1), strchr(last, '{'));
        pages++;
    } while (*start);
    assert_int_equal(count, 10);
    assert_int_equal(pages, 3);
}

/* Small numbers take three times their size in an answer: the page ends in time. */
static void test_answer_is_bounded(void **state)
{
    struct table_fixture *f = *state;
    struct kv_txn *txn;
    struct buf out = {0};
    struct op op = {.code = OP_LIST, .table = slice_text("other"), .payload = {.type = VALUE_NONE}};
    bool changed;

    for (int i = 0; i < 6; i++)
        put_large(f, i, "'v':[0", ",0", 170000, "]");
    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(f->tables, txn, FIXTURE_NOW_MS, &changed), KV_OK);
    assert_int_equal(table_apply(f->tables, txn, &op, &out), KV_OK);
    assert_true(out.len > 500 * 1000 && out.len <= LIMIT_ANSWER_BYTES);
    struct outcome o;
    assert_int_equal(outcome_decode(buf_slice(&out), &o), 0);
    assert_int_equal(value_map_get(&o.value, slice_text("LastEvaluatedKey")).type, VALUE_M);
    kv_abort(&txn);
    buf_finish(&out);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_whole_table),
        EACH(test_empty_table),
        EACH(test_pages),
        EACH(test_resume_after_deletion),
        EACH(test_filter_counts_before_and_after),
        EACH(test_legacy_filter),
        EACH(test_projection),
        EACH(test_segments_divide_the_table),
        EACH(test_segment_arguments),
        EACH(test_arguments),
        EACH(test_sort_keys_stand_in_order),
        EACH(test_pages_of_a_sorted_table),
        EACH(test_page_ends_after_a_megabyte),
        EACH(test_answer_is_bounded),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
