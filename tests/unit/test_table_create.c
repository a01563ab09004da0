/* test_table_create.c - CreateTable: what a specification may say, what is refused and in which words, and what DescribeTable shows. */
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
    char *specs[] = {"people:id", NULL};

    table_fixture_init(&f, specs);
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define INVALID "ValidationException: One or more parameter values were invalid: "
#define H(name) FIXTURE_KEY(name, "HASH")
#define R(name) FIXTURE_KEY(name, "RANGE")
#define S(name) FIXTURE_TYPE(name, "S")
#define AB H("a") "," R("b")
#define SAB S("a") "," S("b")
#define LOCAL(list) ",'LocalSecondaryIndexes':[" list "]"
#define GLOBAL(list) ",'GlobalSecondaryIndexes':[" list "]"
#define PROVISIONED(reads, writes) "'ProvisionedThroughput':{'ReadCapacityUnits':" reads ",'WriteCapacityUnits':" writes "}"
#define PAID(more) "{'KeySchema':[" H("id") "],'AttributeDefinitions':[" S("id") "]" more "}"

struct row {
    const char *payload, *expected;
};

static void check_rows(struct table_fixture *f, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_RUN(f, OP_TABLE_CREATE, "good", rows[i].payload, rows[i].expected);
    CHECK_RUN(f, OP_TABLE_LIST, "", NULL, "{'TableNames':['people']}");
}

static void test_names(void **state)
{
    char name[300];

    CHECK_RUN(*state, OP_TABLE_CREATE, "people", FIXTURE_TABLE_ID, "ResourceInUseException: Table already exists: people");
    CHECK_RUN(
        *state, OP_TABLE_CREATE, "ab", FIXTURE_TABLE_ID,
        "ValidationException: 1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member "
        "must have length greater than or equal to 3");
    memset(name, 'x', 256);
    name[256] = 0;
    const char *text = table_fixture_run(*state, OP_TABLE_CREATE, name, FIXTURE_TABLE_ID);
    assert_non_null(
        strstr(text, "at 'tableName' failed to satisfy constraint: Member must have length less than or equal to 255"));
}

static void test_keys(void **state)
{
    static const struct row rows[] = {
        {FIXTURE_TABLE("", S("id")), "ValidationException: 1 validation error detected: Value at 'keySchema' failed to satisfy "
                                     "constraint: Member must have "
                                     "length greater than or equal to 1"},
        {FIXTURE_TABLE(R("id"), S("id")),
         "ValidationException: Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
        {FIXTURE_TABLE(H("a") "," H("b"), SAB),
         "ValidationException: Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"},
        {FIXTURE_TABLE(H("a") "," R("a"), SAB),
         "ValidationException: Both the Hash Key and the Range Key element in the KeySchema have the same name"},
        {FIXTURE_TABLE(AB, S("a")), "ValidationException: Invalid KeySchema: Some index key attribute have no definition"},
        {FIXTURE_TABLE(H("c"), SAB), INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [c], "
                                             "AttributeDefinitions: [a, b]"},
        {FIXTURE_TABLE(H("a"), SAB), INVALID "Number of attributes in KeySchema does not exactly match number of attributes "
                                             "defined in AttributeDefinitions"},
        {FIXTURE_TABLE(H("a"), FIXTURE_TYPE("a", "M")), "ValidationException: 1 validation error detected: Value 'M' at "
                                                        "'attributeDefinitions.1.member.attributeType' failed to "
                                                        "satisfy constraint: Member must satisfy enum value set: [B, N, S]"},
        {FIXTURE_TABLE(H("a"), S("a") "," S("a")), INVALID "Duplicate AttributeName in AttributeDefinitions: a"},
        {FIXTURE_TABLE(H(""), S("")), "ValidationException: Invalid KeySchema: an AttributeName has 1 to 255 bytes"},
        {FIXTURE_TABLE("5", S("a")), "ValidationException: Invalid KeySchema: an AttributeName has 1 to 255 bytes"},
    };
    struct table_fixture *f = *state;

    check_rows(f, rows, sizeof rows / sizeof *rows);
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_CREATE, "good", "{'BillingMode':'PAY_PER_REQUEST'}"), "KeySchema"));
    CHECK_RUN(f, OP_TABLE_LIST, "", NULL, "{'TableNames':['people']}");
}

static void test_billing(void **state)
{
    static const struct row rows[] = {
        {PAID(""), INVALID "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
        {PAID(",'BillingMode':'PAY_PER_REQUEST'," PROVISIONED("1", "1")),
         INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
        {PAID("," PROVISIONED("1000000000001", "1")),
         "ValidationException: Given value 1000000000001 for ReadCapacityUnits is out of bounds"},
        {PAID("," PROVISIONED("1", "1000000000001")),
         "ValidationException: Given value 1000000000001 for WriteCapacityUnits is out of bounds"},
    };
    struct table_fixture *f = *state;

    check_rows(f, rows, sizeof rows / sizeof *rows);
    const char *text = table_fixture_run(f, OP_TABLE_CREATE, "good", PAID("," PROVISIONED("5", "7")));
    assert_non_null(
        strstr(text, "'ProvisionedThroughput':{'NumberOfDecreasesToday':0,'ReadCapacityUnits':5,'WriteCapacityUnits':7}"));
    assert_null(strstr(text, "BillingModeSummary"));
}

static void test_local_indexes(void **state)
{
    static const struct row rows[] = {
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL("")), INVALID "List of LocalSecondaryIndexes is empty"},
        {FIXTURE_TABLE_WITH(H("a"), SAB, LOCAL(FIXTURE_INDEX("one", AB, "ALL"))),
         INVALID "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"},
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL(FIXTURE_INDEX("one", H("a"), "ALL"))),
         INVALID "Index KeySchema does not have a range key for index: one"},
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL(FIXTURE_INDEX("one", H("b") "," R("a"), "ALL"))), INVALID
         "Index KeySchema does not have the same leading hash key as table KeySchema for index: one. index hash key: b, "
         "table hash key: a"},
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL(FIXTURE_INDEX("one", H("a") "," R("c"), "ALL"))), INVALID
         "Some index key attributes are not defined in AttributeDefinitions. Keys: [a, c], AttributeDefinitions: [a, b]"},
        {FIXTURE_TABLE_WITH(AB, SAB "," S("c"), LOCAL(FIXTURE_INDEX("one", AB, "ALL"))),
         INVALID "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c], keys used: [a, b]"},
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL(FIXTURE_INDEX("one", AB, "ALL") "," FIXTURE_INDEX("one", AB, "ALL"))),
         INVALID "Duplicate index name: one"},
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL("{'IndexName':'one','KeySchema':[" AB "],'Projection':{}}")),
         INVALID "Unknown ProjectionType: null"},
        {FIXTURE_TABLE_WITH(
             AB, SAB,
             LOCAL("{'IndexName':'one','KeySchema':[" AB "],'Projection':{'ProjectionType':'ALL','NonKeyAttributes':['x']}}")),
         INVALID "ProjectionType is ALL, but NonKeyAttributes is specified"},
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL(FIXTURE_INDEX("one", AB, "INCLUDE"))),
         INVALID "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"},
#define ONE(n) FIXTURE_INDEX("one" n, AB, "ALL")
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL(ONE("1") "," ONE("2") "," ONE("3") "," ONE("4") "," ONE("5") "," ONE("6"))),
         INVALID "Number of LocalSecondaryIndexes exceeds per-table limit of 5"},
    };

    check_rows(*state, rows, sizeof rows / sizeof *rows);
}

static void test_global_indexes(void **state)
{
    static const struct row rows[] = {
        {FIXTURE_TABLE_WITH(AB, SAB, GLOBAL("")), INVALID "List of GlobalSecondaryIndexes is empty"},
        {FIXTURE_TABLE_WITH(AB, SAB, GLOBAL(FIXTURE_INDEX("one", R("a"), "ALL"))),
         "ValidationException: Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
        {FIXTURE_TABLE_WITH(AB, SAB, GLOBAL(FIXTURE_INDEX("one", H("a") "," H("a"), "ALL"))),
         "ValidationException: Invalid KeySchema: Duplicate attribute name in the KeySchema: a"},
        {FIXTURE_TABLE_WITH(AB, SAB "," S("c"), GLOBAL(FIXTURE_INDEX("one", H("a") "," R("b") "," H("c"), "ALL"))),
         "ValidationException: Invalid KeySchema: All HASH key elements must come before the RANGE key elements"},
        {FIXTURE_TABLE_WITH(AB, SAB "," S("c") "," S("d") "," S("e"),
                            GLOBAL(FIXTURE_INDEX("one", H("a") "," H("b") "," H("c") "," H("d") "," H("e"), "ALL"))),
         "ValidationException: Invalid KeySchema: A key has at most 4 HASH and 4 RANGE key elements"},
        {FIXTURE_TABLE_WITH(AB, SAB,
                            GLOBAL("{'IndexName':'one','KeySchema':[" H(
                                "b") "],'Projection':{'ProjectionType':'ALL'}," PROVISIONED("1", "1") "}")),
         INVALID "ProvisionedThroughput should not be specified for index: one when BillingMode is PAY_PER_REQUEST"},
        {PAID("," PROVISIONED("1", "1") GLOBAL(FIXTURE_INDEX("one", H("id"), "ALL"))),
         INVALID "ProvisionedThroughput must be specified for index: one"},
        {FIXTURE_TABLE_WITH(AB, SAB, LOCAL(FIXTURE_INDEX("one", AB, "ALL")) GLOBAL(FIXTURE_INDEX("one", H("b"), "ALL"))),
         INVALID "Duplicate index name: one"},
        {FIXTURE_TABLE_WITH(AB, SAB, GLOBAL(FIXTURE_INDEX("no", H("b"), "ALL"))),
         "ValidationException: 1 validation error detected: Value 'no' at 'indexName' failed to satisfy constraint: Member "
         "must "
         "have length greater than or equal to 3"},
    };

    check_rows(*state, rows, sizeof rows / sizeof *rows);
}

/* Appends n indexes "iNN", or n names "aNN", as a list without its brackets. */
static void put_many(char *text, size_t size, const char *format, int n)
{
    for (int i = 0; i < n; i++) {
        size_t len = strlen(text);
        snprintf(text + len, size - len, i ? ",%s" : "%s", "");
        len = strlen(text);
        snprintf(text + len, size - len, format, i);
    }
}

static const char *with_many_indexes(int n, int attributes)
{
    static char text[8000];
    char names[2000] = "", index[3000] = "";

    if (attributes > 0) {
        put_many(names, sizeof names, "'a%02d'", attributes);
        snprintf(
            index, sizeof index,
            "{'IndexName':'i%%02d','KeySchema':[" H("b") "],'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':[%s]}}",
            names);
    } else
        snprintf(index, sizeof index, "%s", FIXTURE_INDEX("i%02d", H("b"), "ALL"));
    snprintf(text, sizeof text,
             "{'BillingMode':'PAY_PER_REQUEST','KeySchema':[" AB "],'AttributeDefinitions':[" SAB
             "],'GlobalSecondaryIndexes':[");
    put_many(text, sizeof text, index, n);
    strncat(text, "]}", sizeof text - strlen(text) - 1);
    return text;
}

static void test_numbers_of_indexes(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_TABLE_CREATE, "good", with_many_indexes(21, 0),
              INVALID "GlobalSecondaryIndex count exceeds the per-table limit of 20");
    CHECK_RUN(f, OP_TABLE_CREATE, "good", with_many_indexes(2, 51),
              INVALID "Number of attributes projected to secondary indexes exceeds the limit of 100: 102");
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_CREATE, "attributes", with_many_indexes(2, 50)), "ACTIVE"));
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_CREATE, "indexes", with_many_indexes(20, 0)), "'IndexName':'i19'"));
}

/* All that can be said, and how it is shown. */
static void test_description(void **state)
{
    struct table_fixture *f = *state;
    static const char *const parts[] = {
        "'LocalSecondaryIndexes':[{'IndexName':'local','KeySchema':[" AB "],'Projection':{'ProjectionType':'KEYS_ONLY'},"
        "'IndexSizeBytes':0,'ItemCount':0,'IndexArn':'arn:aws:dynamodb:us-east-1:123456789012:table/good/index/local'}]",
        "'GlobalSecondaryIndexes':[{'IndexName':'global','KeySchema':[" H("b") "," H("a") "," R(
            "c") "],'Projection':{"
                 "'ProjectionType':'INCLUDE','NonKeyAttributes':['x']},'IndexStatus':'ACTIVE','ProvisionedThroughput':{"
                 "'NumberOfDecreasesToday':0,'ReadCapacityUnits':0,'WriteCapacityUnits':0},'IndexSizeBytes':0,'ItemCount':0,'"
                 "IndexArn':"
                 "'arn:aws:dynamodb:us-east-1:123456789012:table/good/index/global'}]",
        "'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'NEW_IMAGE'},'LatestStreamLabel':'2023-11-14T22:13:20."
        "000',"
        "'LatestStreamArn':'arn:aws:dynamodb:us-east-1:123456789012:table/good/stream/2023-11-14T22:13:20.000'",
        "'SSEDescription':{'Status':'ENABLED','SSEType':'KMS',",
        "'KMSMasterKeyArn':'arn:aws:kms:us-east-1:123456789012:alias/aws/dynamodb'}",
        "'TableClassSummary':{'TableClass':'STANDARD_INFREQUENT_ACCESS'}",
        "'DeletionProtectionEnabled':true",
    };

    table_fixture_run(f, OP_TABLE_CREATE, "good",
                      FIXTURE_TABLE_WITH(AB, SAB "," FIXTURE_TYPE("c", "N"),
                                         LOCAL(FIXTURE_INDEX("local", AB, "KEYS_ONLY"))
                                             GLOBAL("{'IndexName':'global','KeySchema':[" H("b") "," H("a") "," R(
                                                 "c") "],'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes'"
                                                      ":['x']}}") ",'StreamSpecification':{'StreamEnabled':true,'"
                                                                  "StreamViewType':'NEW_IMAGE'},"
                                                                  "'SSESpecification':{'Enabled':true},'TableClass':"
                                                                  "'STANDARD_INFREQUENT_ACCESS',"
                                                                  "'DeletionProtectionEnabled':true,'Tags':[{'Key':'"
                                                                  "k','Value':'v'}]"));
    const char *text = table_fixture_run(f, OP_TABLE_DESCRIBE, "good", NULL);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("%s\nis not in\n%s", parts[i], text);
    CHECK_RUN(f, OP_TAGS, "", "{'ResourceArn':'arn:aws:dynamodb:us-east-1:123456789012:table/good'}",
              "{'Tags':[{'Key':'k','Value':'v'}]}");
    CHECK_RUN(f, OP_TABLE_DROP, "good", NULL,
              "ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
              "protection first.");
}

static void test_rest(void **state)
{
    static const struct row rows[] = {
        {FIXTURE_TABLE_WITH(H("a"), S("a"), ",'StreamSpecification':{'StreamEnabled':true}"),
         INVALID "StreamViewType must be specified when StreamEnabled is true"},
        {FIXTURE_TABLE_WITH(H("a"), S("a"), ",'StreamSpecification':{'StreamEnabled':false,'StreamViewType':'KEYS_ONLY'}"),
         INVALID "StreamViewType must not be specified when StreamEnabled is false"},
        {FIXTURE_TABLE_WITH(H("a"), S("a"), ",'SSESpecification':{'Enabled':true,'SSEType':'AES256'}"),
         INVALID "SSEType AES256 is not supported"},
        {FIXTURE_TABLE_WITH(H("a"), S("a"), ",'SSESpecification':{'KMSMasterKeyId':'x'}"),
         INVALID "SSEType and KMSMasterKeyId can only be specified when SSE is enabled"},
        {FIXTURE_TABLE_WITH(H("a"), S("a"), ",'Tags':[{'Key':'!','Value':'v'}]"),
         INVALID "Tag keys and values may have letters, digits, blanks and + - = . _ : / @ only"},
    };

    check_rows(*state, rows, sizeof rows / sizeof *rows);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_names),         EACH(test_keys),           EACH(test_billing),
        EACH(test_local_indexes), EACH(test_global_indexes), EACH(test_numbers_of_indexes),
        EACH(test_description),   EACH(test_rest),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
