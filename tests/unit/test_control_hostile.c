/* test_control_hostile.c - requests on tables whose members have any shape: refused or carried out, the catalog stays whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/index_check.h"
#include "tests/lib/table_fixture.h"

#define BACKUP "arn:aws:dynamodb:us-east-1:000000000000:table/people/backup/01700000000000-00000002"

static const struct {
    enum op_code code;
    const char *payload;
} rows[] = {
    {OP_TABLE_CREATE,
     FIXTURE_TABLE_WITH(FIXTURE_KEY("a", "HASH") "," FIXTURE_KEY("b", "RANGE"),
                        FIXTURE_TYPE("a", "S") "," FIXTURE_TYPE("b", "N") "," FIXTURE_TYPE("c", "B"),
                        ",'LocalSecondaryIndexes':[" FIXTURE_INDEX(
                            "local", FIXTURE_KEY("a", "HASH") "," FIXTURE_KEY("c", "RANGE"),
                            "ALL") "],'GlobalSecondaryIndexes':[{'IndexName':'global','KeySchema':"
                                   "[" FIXTURE_KEY("c", "HASH") "," FIXTURE_KEY("a", "HASH") "],'Projection':{'"
                                                                                             "ProjectionType':'INCLUDE',"
                                                                                             "'NonKeyAttributes':['x']}}"
                                                                                             "],'StreamSpecification':{"
                                                                                             "'StreamEnabled':true,'"
                                                                                             "StreamViewType':'NEW_"
                                                                                             "IMAGE'},'SSESpecification'"
                                                                                             ":{'Enabled':true,'SSEType'"
                                                                                             ":'KMS'},"
                                                                                             "'Tags':[{'Key':'k','Value'"
                                                                                             ":'v'}],'TableClass':'"
                                                                                             "STANDARD','"
                                                                                             "DeletionProtectionEnabled'"
                                                                                             ":false,"
                                                                                             "'OnDemandThroughput':{'"
                                                                                             "MaxReadRequestUnits':1},'"
                                                                                             "TableName':'fresh'")},
    {OP_TABLE_CREATE,
     "{'KeySchema':[" FIXTURE_KEY("a", "HASH") "],'AttributeDefinitions':[" FIXTURE_TYPE(
         "a", "S") "],'ProvisionedThroughput':{"
                   "'ReadCapacityUnits':1,'WriteCapacityUnits':1},'GlobalSecondaryIndexes':[{'IndexName':'global','KeySchema':"
                   "[" FIXTURE_KEY(
                       "a", "HASH") "],'Projection':{'ProjectionType':'ALL'},'ProvisionedThroughput':{'ReadCapacityUnits':1,"
                                    "'WriteCapacityUnits':1}}],'TableName':'fresh'}"},
    {OP_TABLE_UPDATE,
     "{'TableName':'people','AttributeDefinitions':[" FIXTURE_TYPE(
         "x",
         "S") "],'GlobalSecondaryIndexUpdates':[{'Create':" FIXTURE_INDEX("byx", FIXTURE_KEY("x", "HASH"),
                                                                          "ALL") "},{'Delete':{'IndexName':'old'}}],'"
                                                                                 "StreamSpecification':{'StreamEnabled':true,"
                                                                                 "'StreamViewType':'KEYS_ONLY'},'TableClass':'"
                                                                                 "STANDARD','BillingMode':'PROVISIONED',"
                                                                                 "'ProvisionedThroughput':{'ReadCapacityUnits':"
                                                                                 "5,'WriteCapacityUnits':5}}"},
    {OP_TABLE_UPDATE,
     "{'TableName':'people','GlobalSecondaryIndexUpdates':[{'Update':{'IndexName':'old','ProvisionedThroughput':{"
     "'ReadCapacityUnits':5,'WriteCapacityUnits':5}}}]}"},
    {OP_TABLE_DESCRIBE, "{'TableName':'people'}"},
    {OP_TABLE_LIST, "{'ExclusiveStartTableName':'a','Limit':1}"},
    {OP_TTL_UPDATE, "{'TableName':'people','TimeToLiveSpecification':{'Enabled':true,'AttributeName':'at'}}"},
    {OP_TTL_DESCRIBE, "{'TableName':'people'}"},
    {OP_TAG, "{'ResourceArn':'arn:aws:dynamodb:r:a:table/people','Tags':[{'Key':'k','Value':'v'}]}"},
    {OP_UNTAG, "{'ResourceArn':'arn:aws:dynamodb:r:a:table/people','TagKeys':['k']}"},
    {OP_TAGS, "{'ResourceArn':'arn:aws:dynamodb:r:a:table/people'}"},
    {OP_BACKUP_CREATE, "{'TableName':'people','BackupName':'name'}"},
    {OP_BACKUP_DESCRIBE, "{'BackupArn':'" BACKUP "'}"},
    {OP_BACKUP_LIST,
     "{'TableName':'people','Limit':1,'TimeRangeLowerBound':1.5,'TimeRangeUpperBound':9,'ExclusiveStartBackupArn':'" BACKUP
     "','BackupType':'ALL'}"},
    {OP_BACKUP_DELETE, "{'BackupArn':'" BACKUP "'}"},
    {OP_BACKUP_RESTORE,
     "{'BackupArn':'" BACKUP "','TargetTableName':'fresh','BillingModeOverride':'PROVISIONED',"
     "'ProvisionedThroughputOverride':{'ReadCapacityUnits':5,'WriteCapacityUnits':5},"
     "'GlobalSecondaryIndexOverride':[],'LocalSecondaryIndexOverride':[],'SSESpecificationOverride':{'Enabled':true}}"},
    {OP_STREAM_LIST, "{'TableName':'people','Limit':1,'ExclusiveStartStreamArn':'arn:aws:dynamodb:r:a:table/people/stream/x'}"},
    {OP_STREAM_DESCRIBE, "{'StreamArn':'arn:aws:dynamodb:r:a:table/people/stream/x','Limit':1,'ExclusiveStartShardId':'x'}"},
    {OP_STREAM_ITERATOR, "{'StreamArn':'arn:aws:dynamodb:r:a:table/people/stream/x','ShardId':'s','ShardIteratorType':'LATEST',"
                         "'SequenceNumber':'1'}"},
    {OP_STREAM_RECORDS, "{'ShardIterator':'x|1|AAAAAQAAAAAAAAABAAAAAAAAAAE=','Limit':1}"},
};

/* What a node may be instead. */
static const char *const others[] = {
    "null", "true", "-7", "1e99", "''", "'x'", "[]", "[5]", "{}", "{'x':[null]}", "{'$binary':'AA=='}"};

struct copy {
    struct buf out;
    unsigned node, target; /* how many were copied; which one is replaced */
    struct value other;
};

/* Copies a value, but for the target-th of its nodes. */
static void copy_value(struct copy *c, const struct value *v)
{
    struct value_walk walk;
    struct value element;
    struct slice name;

    if (c->node++ == c->target) {
        mp_put_raw(&c->out, c->other.encoded);
        return;
    }
    if (v->type != VALUE_M && v->type != VALUE_L) {
        mp_put_raw(&c->out, v->encoded);
        return;
    }
    walk = value_walk_of(v);
    if (v->type == VALUE_M)
        mp_put_map(&c->out, v->count);
    else
        mp_put_array(&c->out, v->count);
    while (value_walk_next(&walk, &name, &element)) {
        if (v->type == VALUE_M)
            mp_put_slice(&c->out, name);
        copy_value(c, &element);
    }
}

static void run(struct table_fixture *f, enum op_code code, const struct value *payload)
{
    struct op op = {.code = code, .table = slice_text(""), .payload = *payload};
    struct buf out = {0};
    struct outcome outcome;
    struct kv_txn *txn;
    bool changed;

    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(f->tables, txn, f->now_ms, &changed), KV_OK);
    assert_int_equal(table_apply(f->tables, txn, &op, &out), KV_OK);
    assert_int_equal(outcome_decode(buf_slice(&out), &outcome), 0);
    assert_int_equal(table_end(f->tables, txn), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
    buf_finish(&out);
}

/* A store with one table and a backup of it; the request, and then everything that looks at its traces. */
static void try(enum op_code code, const struct value *payload)
{
    struct table_fixture f;
    char *specs[] = {"people:id", NULL};

    table_fixture_init(&f, specs);
    table_fixture_run(&f, OP_CREATE, "people", "{'Item':{'id':'i','x':'1','at':1}}");
    table_fixture_run(&f, OP_BACKUP_CREATE, "people", "{'BackupName':'name'}");
    table_fixture_chores(&f, 10);
    run(&f, code, payload);
    table_fixture_chores(&f, 10);
    assert_int_equal(tables_load(f.tables), KV_OK);
    table_fixture_run(&f, OP_TABLE_DESCRIBE, "people", NULL);
    table_fixture_run(&f, OP_TABLE_DESCRIBE, "fresh", NULL);
    table_fixture_run(&f, OP_BACKUP_LIST, "", "{}");
    table_fixture_run(&f, OP_STREAM_LIST, "", "{}");
    table_fixture_run(&f, OP_CREATE, "fresh", "{'Item':{'a':'1','b':2,'c':{'$binary':'AA=='}}}");
    check_indexes(f.kv, true);
    table_fixture_finish(&f);
}

static void test_every_member_of_every_shape(void **state)
{
    unsigned tried = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf keep = {0};
        struct value payload = fixture_value(&keep, rows[i].payload);
        for (size_t j = 0; j < sizeof others / sizeof *others; j++) {
            struct value other = fixture_value(&keep, others[j]);
            for (unsigned target = 1;; target++, tried++) {
                struct copy c = {.target = target, .other = other};
                copy_value(&c, &payload);
                struct value changed = value_of(buf_slice(&c.out));
                assert_int_equal(changed.type, VALUE_M);
                try(rows[i].code, &changed);
                buf_finish(&c.out);
                if (target >= c.node)
                    break;
            }
        }
        buf_finish(&keep);
    }
    assert_true(tried > 1000);
}

/* No payload at all, or one that is no map. */
static void test_no_members(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < sizeof others / sizeof *others; j++) {
            struct buf keep = {0};
            struct value other = fixture_value(&keep, others[j]), none = {.type = VALUE_NONE};
            try(rows[i].code, j ? &other : &none);
            buf_finish(&keep);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_member_of_every_shape), cmocka_unit_test(test_no_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
