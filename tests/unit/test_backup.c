/* test_backup.c - backups: true to the moment of their request whatever is written meanwhile; described, listed, dropped, read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/chores_crash.h"
#include "tests/lib/index_check.h"
#include "tests/lib/table_fixture.h"
#include "tests/lib/xorshift.h"

#define ARN "arn:aws:dynamodb:us-east-1:123456789012:table/events/backup/01700000000000-00000005"
#define EVENTS                                                                                                                 \
    FIXTURE_TABLE_WITH(FIXTURE_KEY("id", "HASH"), FIXTURE_TYPE("id", "S") "," FIXTURE_TYPE("x", "N"),                          \
                       ",'GlobalSecondaryIndexes':[" FIXTURE_INDEX(                                                            \
                           "byx", FIXTURE_KEY("x", "HASH"),                                                                    \
                           "ALL") "],'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}")

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", NULL};

    table_fixture_init(&f, specs);
    assert_non_null(strstr(table_fixture_run(&f, OP_TABLE_CREATE, "events", EVENTS), "TableDescription"));
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

static void put(struct table_fixture *f, unsigned id, unsigned x)
{
    char text[100];

    snprintf(text, sizeof text, "{'Item':{'id':'i%u','x':%u}}", id, x);
    CHECK_RUN(f, OP_CREATE, "events", text, "{}");
}

static void drop(struct table_fixture *f, unsigned id)
{
    char text[100];

    snprintf(text, sizeof text, "{'Key':{'id':'i%u'}}", id);
    CHECK_RUN(f, OP_DELETE, "events", text, "{}");
}

static void back_up(struct table_fixture *f)
{
    CHECK_RUN(f, OP_BACKUP_CREATE, "", "{'TableName':'events','BackupName':'first'}",
              "{'BackupDetails':{'BackupArn':'" ARN "','BackupName':'first','BackupStatus':'CREATING','BackupType':'USER',"
              "'BackupCreationDateTime':1700000000,'BackupSizeBytes':0}}");
}

static const char *restore(struct table_fixture *f, const char *more)
{
    char text[600];

    snprintf(text, sizeof text, "{'TargetTableName':'again','BackupArn':'" ARN "'%s}", more);
    return table_fixture_run(f, OP_BACKUP_RESTORE, "", text);
}

/* -- The moment ----------------------------------------------------------------------------------------------- */
/* All items of a table, as they are listed, in a buffer of the caller. */
static void list(struct table_fixture *f, const char *table, char *text, size_t size)
{
    int len = snprintf(text, size, "%s", table_fixture_run(f, OP_LIST, table, "{}"));
    assert_true(len > 0 && (size_t)len < size);
}

static void write_randomly(struct table_fixture *f, uint64_t *r, int count)
{
    for (int i = 0; i < count; i++) {
        unsigned id = (unsigned)xorshift_below(r, 150);
        if (xorshift_below(r, 3) == 0)
            drop(f, id);
        else
            put(f, id, (unsigned)xorshift_below(r, 1000));
    }
}

static void test_one_moment(void **state)
{
    static char before[20000], after[20000];
    struct table_fixture *f = *state;
    uint64_t r = 5;
    bool left = true;

    for (unsigned i = 0; i < 100; i++)
        put(f, i, i);
    list(f, "events", before, sizeof before);
    back_up(f);
    while (left) {
        write_randomly(f, &r, 20);
        assert_int_equal(table_chores(f->tables, f->now_ms, 9, &left), KV_OK);
    }
    list(f, "events", after, sizeof after);
    assert_string_not_equal(before, after);
    assert_non_null(strstr(restore(f, ""), "'TableStatus':'CREATING'"));
    CHECK_RUN(f, OP_LIST, "again", "{}", "ResourceNotFoundException: Requested resource not found");
    table_fixture_chores(f, 9);
    list(f, "again", after, sizeof after);
    assert_string_equal(before, after);
    check_indexes(f->kv, true);
    assert_non_null(strstr(table_fixture_run(f, OP_LIST, "again", "{'IndexName':'byx','Select':'COUNT'}"), "'Count':100"));
}

static void test_crashes(void **state)
{
    static char before[20000], after[20000];
    struct table_fixture *f = *state;
    struct kv *faulty = kv_fault_create(f->kv);

    for (unsigned i = 0; i < 150; i++)
        put(f, i, i);
    list(f, "events", before, sizeof before);
    back_up(f);
    for (unsigned i = 100; i < 200; i++)
        put(f, i, 7);
    chores_with_crashes(faulty, f->now_ms, KV_FATAL);
    drop(f, 1);
    restore(f, "");
    chores_with_crashes(faulty, f->now_ms, KV_FATAL);
    list(f, "again", after, sizeof after);
    assert_string_equal(before, after);
    check_indexes(f->kv, true);
    f->kv = faulty;
}

/* -- Descriptions --------------------------------------------------------------------------------------------- */
static void test_descriptions(void **state)
{
    struct table_fixture *f = *state;
    const char *parts[] = {
        "{'BackupDescription':{'BackupDetails':{'BackupArn':'" ARN
        "','BackupName':'first','BackupStatus':'AVAILABLE','BackupType':"
        "'USER','BackupCreationDateTime':1700000000,'BackupSizeBytes':14},'SourceTableDetails':{'TableName':'events','TableId':"
        "'UUID','TableArn':'arn:aws:dynamodb:us-east-1:123456789012:table/events','TableSizeBytes':14,'KeySchema':[{"
        "'AttributeName':'id','KeyType':'HASH'}],'TableCreationDateTime':1700000000,'ProvisionedThroughput':{'"
        "ReadCapacityUnits':0,"
        "'WriteCapacityUnits':0},'ItemCount':2,'BillingMode':'PAY_PER_REQUEST'}",
        "'GlobalSecondaryIndexes':[{'IndexName':'byx','KeySchema':[{'AttributeName':'x','KeyType':'HASH'}],'Projection':{"
        "'ProjectionType':'ALL'},'ProvisionedThroughput':{'ReadCapacityUnits':0,'WriteCapacityUnits':0}}],'StreamDescription':{"
        "'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}"};

    put(f, 1, 1);
    put(f, 2, 2);
    back_up(f);
    CHECK_RUN(f, OP_BACKUP_CREATE, "", "{'TableName':'events','BackupName':'second'}",
              "BackupInUseException: There is another ongoing conflicting backup control plane operation on the table: events");
    CHECK_RUN(
        f, OP_BACKUP_DELETE, "", "{'BackupArn':'" ARN "'}",
        "BackupInUseException: There is another ongoing conflicting backup control plane operation on the table. The backup is "
        "either being created, deleted or restored to a table.");
    assert_non_null(strstr(restore(f, ""), "BackupInUseException"));
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_DROP, "events", NULL),
                           "ResourceInUseException: Attempt to change a resource which is still in use: A backup"));
    table_fixture_chores(f, 10);
    const char *text = table_fixture_run(f, OP_BACKUP_DESCRIBE, "", "{'BackupArn':'" ARN "'}");
    for (size_t i = 0; i < 2; i++)
        if (!strstr(text, parts[i]))
            fail_msg("%s\nis not in\n%s", parts[i], text);
    /* it outlives its table */
    table_fixture_run(f, OP_TABLE_DROP, "events", NULL);
    table_fixture_chores(f, 10);
    assert_non_null(strstr(restore(f, ""), "CREATING"));
    assert_non_null(strstr(table_fixture_run(f, OP_BACKUP_DELETE, "", "{'BackupArn':'" ARN "'}"), "BackupInUseException"));
    assert_non_null(
        strstr(table_fixture_run(f, OP_TABLE_DROP, "again", NULL),
               "ResourceInUseException: Attempt to change a resource which is still in use: Table is being created: again"));
    table_fixture_chores(f, 10);
    assert_non_null(strstr(table_fixture_run(f, OP_LIST, "again", "{}"), "'Count':2"));
    assert_non_null(strstr(table_fixture_run(f, OP_BACKUP_DELETE, "", "{'BackupArn':'" ARN "'}"), "'BackupStatus':'DELETED'"));
    CHECK_RUN(f, OP_BACKUP_DESCRIBE, "", "{'BackupArn':'" ARN "'}", "BackupNotFoundException: Backup not found: " ARN);
    CHECK_RUN(f, OP_BACKUP_LIST, "", "{}", "{'BackupSummaries':[]}");
}

static void test_refusals(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_BACKUP_CREATE, "", "{'TableName':'nothere','BackupName':'first'}",
              "TableNotFoundException: Table not found: nothere");
    CHECK_RUN(
        f, OP_BACKUP_CREATE, "", "{'TableName':'events','BackupName':'a b'}",
        "ValidationException: 1 validation error detected: Value 'a b' at 'backupName' failed to satisfy constraint: Member "
        "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    CHECK_RUN(f, OP_BACKUP_DESCRIBE, "", "{'BackupArn':'x'}", "BackupNotFoundException: Backup not found: x");
    back_up(f);
    table_fixture_chores(f, 10);
    CHECK_RUN(f, OP_BACKUP_RESTORE, "", "{'TargetTableName':'people','BackupArn':'" ARN "'}",
              "TableAlreadyExistsException: Table already exists: people");
    assert_non_null(strstr(restore(f, ""), "'TableStatus':'CREATING'"));
    assert_string_equal(restore(f, ""), "TableInUseException: Table is being created: again");
    table_fixture_chores(f, 10);
    assert_string_equal(restore(f, ""), "TableAlreadyExistsException: Table already exists: again");
    assert_non_null(strstr(table_fixture_run(f, OP_TABLE_DROP, "again", NULL), "'TableStatus':'DELETING'"));
    assert_string_equal(
        restore(f, ",'GlobalSecondaryIndexOverride':[{'IndexName':'byx','KeySchema':[" FIXTURE_KEY("id", "HASH") "]}]"),
        "ValidationException: One or more parameter values were invalid: The backup has no such index with such keys: "
        "byx");
    assert_string_equal(
        restore(f, ",'BillingModeOverride':'PROVISIONED'"),
        "ValidationException: One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must "
        "both be specified when BillingMode is PROVISIONED");
}

static void test_overrides(void **state)
{
    struct table_fixture *f = *state;

    put(f, 1, 1);
    back_up(f);
    table_fixture_chores(f, 10);
    const char *text = restore(f, ",'GlobalSecondaryIndexOverride':[],'BillingModeOverride':'PROVISIONED',"
                                  "'ProvisionedThroughputOverride':{'ReadCapacityUnits':3,'WriteCapacityUnits':4}");
    assert_null(strstr(text, "byx"));
    assert_non_null(strstr(text, "'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"));
    assert_non_null(strstr(text, "'ReadCapacityUnits':3,'WriteCapacityUnits':4}"));
    assert_non_null(strstr(text, "'RestoreSummary':{'SourceBackupArn':'" ARN "','SourceTableArn':'arn:aws:dynamodb:us-east-1:"
                                 "123456789012:table/events','RestoreDateTime':1700000000,'RestoreInProgress':true}"));
    assert_null(strstr(text, "StreamSpecification"));
    table_fixture_chores(f, 10);
    text = table_fixture_run(f, OP_TABLE_DESCRIBE, "again", NULL);
    assert_non_null(strstr(text, "'RestoreInProgress':false"));
    assert_non_null(strstr(text, "'TableStatus':'ACTIVE'"));
    check_indexes(f->kv, true);
}

static void test_list(void **state)
{
    struct table_fixture *f = *state;
    char text[300];

    for (int i = 0; i < 5; i++) {
        f->now_ms = FIXTURE_NOW_MS + i * 1500;
        snprintf(text, sizeof text, "{'TableName':'%s','BackupName':'name%d'}", i % 2 ? "people" : "events", i);
        assert_non_null(strstr(table_fixture_run(f, OP_BACKUP_CREATE, "", text), "BackupDetails"));
        table_fixture_chores(f, 10);
    }
    const char *page = table_fixture_run(f, OP_BACKUP_LIST, "", "{'Limit':2}");
    assert_true(strstr(page, "name0") && strstr(page, "name1") && !strstr(page, "name2"));
    const char *last = strstr(page, "'LastEvaluatedBackupArn':'");
    assert_non_null(last);
    snprintf(text, sizeof text, "{'ExclusiveStartBackupArn':'%.*s'}", (int)strcspn(last + 26, "'"), last + 26);
    page = table_fixture_run(f, OP_BACKUP_LIST, "", text);
    assert_true(!strstr(page, "name1") && strstr(page, "name2") && strstr(page, "name4") && !strstr(page, "LastEvaluated"));
    page = table_fixture_run(f, OP_BACKUP_LIST, "", "{'TableName':'people'}");
    assert_true(!strstr(page, "name0") && strstr(page, "name1") && strstr(page, "name3") && !strstr(page, "name4"));
    page =
        table_fixture_run(f, OP_BACKUP_LIST, "", "{'TimeRangeLowerBound':1700000001.5,'TimeRangeUpperBound':1700000004.4999}");
    assert_true(!strstr(page, "name0") && strstr(page, "name1") && strstr(page, "name2") && !strstr(page, "name3"));
    CHECK_RUN(f, OP_BACKUP_LIST, "", "{'BackupType':'SYSTEM'}", "{'BackupSummaries':[]}");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_one_moment), EACH(test_crashes),   EACH(test_descriptions),
        EACH(test_refusals),   EACH(test_overrides), EACH(test_list),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
