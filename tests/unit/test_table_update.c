/* test_table_update.c - UpdateTable, tags, the list of tables, and rows of the catalog's first version. */
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
#define UNITS(n) "'ProvisionedThroughput':{'ReadCapacityUnits':" n ",'WriteCapacityUnits':" n "}"
#define UPDATES(list) "'GlobalSecondaryIndexUpdates':[" list "]"
#define CREATE(name, more)                                                                                                     \
    "{'Create':{'IndexName':'" name "','KeySchema':[" FIXTURE_KEY("x", "HASH") "],'Projection':{'ProjectionType':'ALL'}" more  \
                                                                               "}}"
#define DEFINES(type) "'AttributeDefinitions':[" FIXTURE_TYPE("x", type) "]"
#define DELETE(name) "{'Delete':{'IndexName':'" name "'}}"

static const char *update(struct table_fixture *f, const char *payload)
{
    return table_fixture_run(f, OP_TABLE_UPDATE, "people", payload);
}

static void shows(struct table_fixture *f, const char *part)
{
    const char *text = table_fixture_run(f, OP_TABLE_DESCRIBE, "people", NULL);

    if (!strstr(text, part))
        fail_msg("%s\nis not in\n%s", part, text);
}

static void refuses(struct table_fixture *f, const char *payload, const char *expected)
{
    assert_string_equal(update(f, payload), expected);
}

/* -- Billing -------------------------------------------------------------------------------------------------- */
static void test_billing(void **state)
{
    struct table_fixture *f = *state;

    refuses(f, "{}",
            "ValidationException: At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
            "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
    refuses(f, "{" UNITS("5") "}",
            INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    refuses(f, "{'BillingMode':'PROVISIONED'}",
            INVALID "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    f->now_ms += 1000;
    update(f, "{'BillingMode':'PROVISIONED'," UNITS("5") "}");
    shows(f, "'ProvisionedThroughput':{'LastIncreaseDateTime':1700000001,'NumberOfDecreasesToday':0,'ReadCapacityUnits':5,"
             "'WriteCapacityUnits':5}");
    refuses(f, "{" UNITS("5") "}",
            "ValidationException: The provisioned throughput for the table will not change. The requested value equals the "
            "current value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. Current "
            "WriteCapacityUnits provisioned for the table: 5. Requested WriteCapacityUnits: 5. Refer to the Amazon DynamoDB "
            "Developer Guide for current limits and how to request higher limits.");
    f->now_ms += 1000;
    update(f, "{" UNITS("4") "}");
    shows(f, "'LastDecreaseDateTime':1700000002,'NumberOfDecreasesToday':0,'ReadCapacityUnits':4");
    update(f, "{'BillingMode':'PAY_PER_REQUEST'}");
    shows(f, "'BillingModeSummary':{'BillingMode':'PAY_PER_REQUEST','LastUpdateToPayPerRequestDateTime':1700000002}");
    shows(f, "'ReadCapacityUnits':0");
}

static void test_billing_of_indexes(void **state)
{
    struct table_fixture *f = *state;

    update(f, "{" DEFINES("S") "," UPDATES(CREATE("one", "")) "}");
    refuses(f, "{'BillingMode':'PROVISIONED'," UNITS("5") "}",
            INVALID "ProvisionedThroughput must be specified for index: one");
    update(f, "{'BillingMode':'PROVISIONED'," UNITS("5") "," UPDATES("{'Update':{'IndexName':'one'," UNITS("3") "}}") "}");
    shows(f, "'IndexStatus':'ACTIVE','ProvisionedThroughput':{'NumberOfDecreasesToday':0,'ReadCapacityUnits':3");
    update(f, "{" UPDATES("{'Update':{'IndexName':'one'," UNITS("9") "}}") "}");
    shows(f, "'IndexStatus':'ACTIVE','ProvisionedThroughput':{'NumberOfDecreasesToday':0,'ReadCapacityUnits':9");
    update(f, "{'BillingMode':'PAY_PER_REQUEST'}");
    shows(f, "'IndexStatus':'ACTIVE','ProvisionedThroughput':{'NumberOfDecreasesToday':0,'ReadCapacityUnits':0");
    refuses(f, "{" UPDATES("{'Update':{'IndexName':'one'," UNITS("9") "}}") "}",
            INVALID "ProvisionedThroughput should not be specified for index: one when BillingMode is PAY_PER_REQUEST");
}

/* -- Indexes -------------------------------------------------------------------------------------------------- */
static void test_index_updates(void **state)
{
    struct table_fixture *f = *state;

    refuses(f, "{" UPDATES("{}") "}",
            INVALID "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                    "GlobalSecondaryIndexUpdate.Delete must not be null");
    refuses(f, "{" UPDATES(DELETE("one") "," DELETE("one")) "}",
            INVALID "Only one global secondary index update per index is allowed simultaneously. Index: one");
    refuses(f, "{" UPDATES(CREATE("one", "")) "}",
            INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], AttributeDefinitions: []");
    refuses(
        f, "{" DEFINES("S") "," UPDATES(CREATE("one", "") "," CREATE("two", "")) "}",
        "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per "
        "table");
    refuses(f, "{" UPDATES(DELETE("one")) "}", "ResourceNotFoundException: Requested resource not found");
    refuses(f, "{'TableClass':'STANDARD','ReplicaUpdates':[]}", INVALID "ReplicaUpdates: this store has one region");
    CHECK_RUN(f, OP_CREATE, "people", "{'Item':{'id':'1','x':'1'}}", "{}");
    assert_non_null(strstr(update(f, "{" DEFINES("S") "," UPDATES(CREATE("one", "")) "}"), "'IndexStatus':'CREATING'"));
    refuses(
        f, "{" DEFINES("S") "," UPDATES(CREATE("two", "")) "}",
        "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per "
        "table");
    refuses(f, "{" DEFINES("S") "," UPDATES(CREATE("one", "")) "}",
            "ValidationException: Attempting to create an index which already exists");
    table_fixture_chores(f, 100);
    refuses(f, "{" DEFINES("N") "," UPDATES(CREATE("two", "")) "}",
            INVALID "Attribute x is defined with another type: AttributeDefinitions has N, the table has S");
    assert_null(strstr(update(f, "{" DEFINES("S") "," UPDATES(CREATE("two", "") "," DELETE("one")) "}"), "'IndexName':'one'"));
    table_fixture_chores(f, 100);
    shows(f, "'IndexName':'two'");
    shows(f, "'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'},{'AttributeName':'x','AttributeType':'S'}]");
}

static void test_number_of_indexes(void **state)
{
    struct table_fixture *f = *state;
    char text[400];

    for (int i = 0; i < 21; i++) {
        snprintf(text, sizeof text, "{" DEFINES("S") "," UPDATES(CREATE("index%d", "")) "}", i);
        const char *answer = update(f, text);
        if (i < 20)
            assert_non_null(strstr(answer, "TableDescription"));
        else
            assert_string_equal(answer, "LimitExceededException: Subscriber limit exceeded: Number of GlobalSecondaryIndexes "
                                        "exceeds per-table limit of 20");
    }
}

/* -- The rest ------------------------------------------------------------------------------------------------- */
static void test_stream_class_protection(void **state)
{
    struct table_fixture *f = *state;

    refuses(f, "{'StreamSpecification':{'StreamEnabled':false}}",
            "ValidationException: Table has no stream to disable: TableName: people");
    update(f, "{'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}}");
    shows(f, "'StreamViewType':'KEYS_ONLY'},'LatestStreamLabel':'2023-11-14T22:13:20.000'");
    refuses(f, "{'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}}",
            "ValidationException: Table already has an enabled stream: TableName: people");
    assert_null(strstr(update(f, "{'StreamSpecification':{'StreamEnabled':false}}"), "StreamSpecification"));
    shows(f, "'LatestStreamLabel':'2023-11-14T22:13:20.000'");
    update(f, "{'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'OLD_IMAGE'}}");
    shows(f, "'LatestStreamLabel':'2023-11-14T22:13:20.001'"); /* labels are unique */
    update(f, "{'TableClass':'STANDARD_INFREQUENT_ACCESS'}");
    shows(f, "'TableClassSummary':{'TableClass':'STANDARD_INFREQUENT_ACCESS','LastUpdateDateTime':1700000000}");
    update(f, "{'DeletionProtectionEnabled':true}");
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_DROP, "people", NULL), "protected against deletion"));
    update(f, "{'DeletionProtectionEnabled':false,'SSESpecification':{'Enabled':true,'KMSMasterKeyId':'mine'}}");
    shows(f, "'KMSMasterKeyArn':'mine'");
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_DROP, "people", NULL), "DELETING"));
    refuses(f, "{'TableClass':'STANDARD'}", "ResourceNotFoundException: Requested resource not found: Table: people not found");
}

#define ARN "'ResourceArn':'arn:aws:dynamodb:eu-central-1:123456789012:table/people'"

static void test_tags(void **state)
{
    struct table_fixture *f = *state;
    char text[4000] = "{" ARN ",'Tags':[";

    CHECK_RUN(f, OP_TAGS, "", "{" ARN "}", "{'Tags':[]}");
    CHECK_RUN(f, OP_TAG, "", "{" ARN ",'Tags':[{'Key':'a','Value':'1'},{'Key':'b','Value':''},{'Key':'a','Value':'2'}]}", "{}");
    CHECK_RUN(f, OP_TAG, "", "{" ARN ",'Tags':[{'Key':'b','Value':'3'}]}", "{}");
    CHECK_RUN(f, OP_TAGS, "", "{" ARN "}", "{'Tags':[{'Key':'a','Value':'2'},{'Key':'b','Value':'3'}]}");
    CHECK_RUN(f, OP_UNTAG, "", "{" ARN ",'TagKeys':['a','nothere']}", "{}");
    CHECK_RUN(f, OP_TAGS, "", "{" ARN "}", "{'Tags':[{'Key':'b','Value':'3'}]}");
    CHECK_RUN(f, OP_TAG, "", "{" ARN ",'Tags':[]}", "ValidationException: Atleast one Tag needs to be provided as Input.");
    CHECK_RUN(f, OP_UNTAG, "", "{" ARN "}", "ValidationException: Atleast one Tag Key needs to be provided as Input.");
    CHECK_RUN(f, OP_TAG, "", "{'Tags':[]}", "ValidationException: Invalid TableArn");
    CHECK_RUN(f, OP_TAGS, "", "{'ResourceArn':'people'}",
              "ValidationException: Invalid TableArn: Invalid ResourceArn provided as input people");
    CHECK_RUN(f, OP_TAGS, "", "{'ResourceArn':'arn:aws:dynamodb:r:a:table/nope'}",
              "ResourceNotFoundException: Requested resource not found: ResourcArn: arn:aws:dynamodb:r:a:table/nope not found");
    for (int i = 0; i < 50; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s{'Key':'k%d','Value':'v'}", i ? "," : "", i);
    strncat(text, "]}", sizeof text - strlen(text) - 1);
    CHECK_RUN(f, OP_TAG, "", text, INVALID "Too many tags: 51, the limit is 50");
    CHECK_RUN(f, OP_TAGS, "", "{" ARN "}", "{'Tags':[{'Key':'b','Value':'3'}]}");
    /* another table of the same name has none */
    table_fixture_run(f, OP_TABLE_DROP, "people", NULL);
    table_fixture_run(f, OP_TABLE_CREATE, "people", FIXTURE_TABLE_ID);
    CHECK_RUN(f, OP_TAGS, "", "{" ARN "}", "{'Tags':[]}");
}

static void test_list(void **state)
{
    struct table_fixture *f = *state;

    table_fixture_run(f, OP_TABLE_CREATE, "alpha", FIXTURE_TABLE_ID);
    table_fixture_run(f, OP_TABLE_CREATE, "zeta", FIXTURE_TABLE_ID);
    CHECK_RUN(f, OP_TABLE_LIST, "", "{'Limit':2}", "{'TableNames':['alpha','people'],'LastEvaluatedTableName':'people'}");
    CHECK_RUN(f, OP_TABLE_LIST, "", "{'Limit':2,'ExclusiveStartTableName':'people'}", "{'TableNames':['zeta']}");
    CHECK_RUN(f, OP_TABLE_LIST, "", "{'ExclusiveStartTableName':'b'}", "{'TableNames':['people','zeta']}");
    CHECK_RUN(f, OP_TABLE_LIST, "", "{'ExclusiveStartTableName':'zeta'}", "{'TableNames':[]}");
    CHECK_RUN(f, OP_TABLE_LIST, "", "{'Limit':3}", "{'TableNames':['alpha','people','zeta']}");
    CHECK_RUN(
        f, OP_TABLE_LIST, "", "{'Limit':101}",
        "ValidationException: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must "
        "have value less than or equal to 100");
}

/* Names may be given in the payload, also as ARNs. */
static void test_names_of_tables(void **state)
{
    struct table_fixture *f = *state;

    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_DESCRIBE, "", "{'TableName':'people'}"), "'TableName':'people'"));
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_DESCRIBE, "", "{'TableName':'arn:aws:dynamodb:r:a:table/people'}"),
                           "'TableName':'people'"));
    CHECK_RUN(f, OP_TABLE_DESCRIBE, "", "{}", "ValidationException: Missing required parameter in input: 'TableName'");
}

/* -- Old rows ------------------------------------------------------------------------------------------------- */
static void put_meta(struct kv *kv, const char *key, const void *value, size_t len)
{
    struct kv_txn *txn;

    assert_int_equal(kv_begin(kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(kv_put(txn, KV_META, slice_text(key), slice_of(value, len), KV_SET), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
}

static void test_rows_of_the_first_version(void **state)
{
    struct table_fixture *f = *state;
    struct buf row = {0};

    mp_put_array(&row, 7);
    mp_put_uint(&row, 77);
    mp_put_int(&row, 1600000000000);
    mp_put_text(&row, "k");
    mp_put_uint(&row, VALUE_N);
    mp_put_text(&row, "s");
    mp_put_uint(&row, VALUE_B);
    mp_put_uint(&row, 0);
    put_meta(f->kv, "table:old", row.data, row.len);
    put_meta(f->kv, "tables:next-id", "\0\0\0\x4E", 4);
    put_meta(f->kv, "tables:version", "\0\0\0\0\0\0\0\x09", 8);
    CHECK_RUN(f, OP_CREATE, "old", "{'Item':{'k':1,'s':{'$binary':'AA=='}}}", "{}");
    const char *text = table_fixture_run(f, OP_TABLE_DESCRIBE, "old", NULL);
    assert_non_null(
        strstr(text, "'KeySchema':[{'AttributeName':'k','KeyType':'HASH'},{'AttributeName':'s','KeyType':'RANGE'}]"));
    assert_non_null(strstr(text, "'CreationDateTime':1600000000,"));
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_UPDATE, "old", "{'TableClass':'STANDARD'}"), "TableDescription"));
    CHECK_RUN(f, OP_LIST, "old", "{'Select':'COUNT'}", "{'Count':1,'ScannedCount':1}");
    put_meta(f->kv, "table:bad", "\x93\x01\x02\x03", 4);
    put_meta(f->kv, "tables:version", "\0\0\0\0\0\0\0\x10", 8);
    assert_int_equal(tables_load(f->tables), KV_FATAL);
    buf_finish(&row);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_billing),
        EACH(test_billing_of_indexes),
        EACH(test_index_updates),
        EACH(test_number_of_indexes),
        EACH(test_stream_class_protection),
        EACH(test_tags),
        EACH(test_list),
        EACH(test_names_of_tables),
        EACH(test_rows_of_the_first_version),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
