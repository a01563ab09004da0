/* test_table_ops.c - create, read, update, delete, echo and ping through the engine, in boto3's arguments and answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/kv_fault.h"
#include "tests/lib/table_fixture.h"

static int open_tables(void **state)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", "events:id:S,at:N", "numbers:n:N", "blobs:b:B,s:S", NULL};

    table_fixture_init(&f, specs);
    *state = &f;
    return 0;
}

static int close_tables(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

#define CREATE(payload, expected) CHECK_RUN(*state, OP_CREATE, "people", payload, expected)
#define READ(payload, expected) CHECK_RUN(*state, OP_READ, "people", payload, expected)
#define UPDATE(payload, expected) CHECK_RUN(*state, OP_UPDATE, "people", payload, expected)
#define DELETE(payload, expected) CHECK_RUN(*state, OP_DELETE, "people", payload, expected)
#define INVALID "ValidationException: One or more parameter values were invalid: "

/* -- The usual ------------------------------------------------------------------------------------------------ */
static void test_create_read_delete(void **state)
{
    CREATE("{'Item':{'id':'1','name':'Bob'}}", "{}");
    READ("{'Key':{'id':'1'}}", "{'Item':{'id':'1','name':'Bob'}}");
    READ("{'Key':{'id':'2'}}", "{}");
    CREATE("{'Item':{'id':'1','name':'Ann'},'ReturnValues':'ALL_OLD'}", "{'Attributes':{'id':'1','name':'Bob'}}");
    CREATE("{'Item':{'id':'2'},'ReturnValues':'ALL_OLD'}", "{}");
    DELETE("{'Key':{'id':'1'},'ReturnValues':'ALL_OLD'}", "{'Attributes':{'id':'1','name':'Ann'}}");
    DELETE("{'Key':{'id':'1'},'ReturnValues':'ALL_OLD'}", "{}");
    DELETE("{'Key':{'id':'2'}}", "{}");
    READ("{'Key':{'id':'2'}}", "{}");
}

static void test_all_types_come_back(void **state)
{
    CREATE("{'Item':{'id':'1','n':3.14,'big':12345678901234567890123456789012345678,'b':{'$binary':'aGk='},'t':true,'z':null,"
           "'l':[1,[]],'m':{'x':{}},'ss':{'$stringSet':['b','a']},'ns':{'$numberSet':[10,9]},'e':''}}",
           "{}");
    READ("{'Key':{'id':'1'}}",
         "{'Item':{'id':'1','n':3.14,'big':12345678901234567890123456789012345678,'b':{'$binary':'aGk='},'t':true,'z':null,"
         "'l':[1,[]],'m':{'x':{}},'ss':{'$stringSet':['a','b']},'ns':{'$numberSet':[9,10]},'e':''}}");
}

static void test_kinds_of_keys(void **state)
{
    CHECK_RUN(*state, OP_CREATE, "events", "{'Item':{'id':'a','at':1,'v':'one'}}", "{}");
    CHECK_RUN(*state, OP_CREATE, "events", "{'Item':{'id':'a','at':2,'v':'two'}}", "{}");
    CHECK_RUN(*state, OP_READ, "events", "{'Key':{'id':'a','at':2.0}}", "{'Item':{'id':'a','at':2,'v':'two'}}");
    CHECK_RUN(*state, OP_READ, "events", "{'Key':{'at':1,'id':'a'}}", "{'Item':{'id':'a','at':1,'v':'one'}}");
    CHECK_RUN(*state, OP_CREATE, "numbers", "{'Item':{'n':-0.5,'v':1}}", "{}");
    CHECK_RUN(*state, OP_READ, "numbers", "{'Key':{'n':-5e-1}}", "{'Item':{'n':-0.5,'v':1}}");
    /* 00 inside a binary key is data, not an end */
    CHECK_RUN(*state, OP_CREATE, "blobs", "{'Item':{'b':{'$binary':'AAE='},'s':'x','v':1}}", "{}");
    CHECK_RUN(*state, OP_CREATE, "blobs", "{'Item':{'b':{'$binary':'AA=='},'s':'x','v':2}}", "{}");
    CHECK_RUN(*state, OP_CREATE, "blobs", "{'Item':{'b':{'$binary':'AP8='},'s':'x','v':3}}", "{}");
    CHECK_RUN(*state, OP_READ, "blobs", "{'Key':{'b':{'$binary':'AA=='},'s':'x'}}",
              "{'Item':{'b':{'$binary':'AA=='},'s':'x','v':2}}");
    CHECK_RUN(*state, OP_READ, "blobs", "{'Key':{'b':{'$binary':'AP8='},'s':'x'}}",
              "{'Item':{'b':{'$binary':'AP8='},'s':'x','v':3}}");
}

static void test_projections(void **state)
{
    CREATE("{'Item':{'id':'1','name':'Bob','m':{'a':1,'b':2},'l':[1,2,3]}}", "{}");
    READ("{'Key':{'id':'1'},'ProjectionExpression':'m.a, l[1]'}", "{'Item':{'m':{'a':1},'l':[2]}}");
    READ("{'Key':{'id':'1'},'ProjectionExpression':'#n','ExpressionAttributeNames':{'#n':'name'}}", "{'Item':{'name':'Bob'}}");
    READ("{'Key':{'id':'1'},'ProjectionExpression':'nope'}", "{'Item':{}}");
    READ("{'Key':{'id':'1'},'AttributesToGet':['name','nope']}", "{'Item':{'name':'Bob'}}");
    READ("{'Key':{'id':'1'},'AttributesToGet':['m.a']}", "{'Item':{}}");
    READ("{'Key':{'id':'9'},'ProjectionExpression':'m.a'}", "{}");
}

static void test_echo_and_ping(void **state)
{
    CHECK_RUN(*state, OP_ECHO, "", "{'somekey1':'somevalue1','somekey2':'somevalue2'}",
              "{'somekey1':'somevalue1','somekey2':'somevalue2'}");
    CHECK_RUN(*state, OP_ECHO, "", "[1,'x',null]", "[1,'x',null]");
    CHECK_RUN(*state, OP_ECHO, "", NULL, "null");
    CHECK_RUN(*state, OP_PING, "", NULL, "'pong'");
    CHECK_RUN(*state, OP_PING, "", "{'ignored':1}", "'pong'");
}

/* -- Conditions ----------------------------------------------------------------------------------------------- */
#define FAILED "ConditionalCheckFailedException: The conditional request failed"

static void test_conditional_put(void **state)
{
    CREATE("{'Item':{'id':'1','v':1},'ConditionExpression':'attribute_not_exists(id)'}", "{}");
    CREATE("{'Item':{'id':'1','v':2},'ConditionExpression':'attribute_not_exists(id)'}", FAILED);
    READ("{'Key':{'id':'1'}}", "{'Item':{'id':'1','v':1}}");
    CREATE("{'Item':{'id':'1','v':2},'ConditionExpression':'v = :v','ExpressionAttributeValues':{':v':1}}", "{}");
    CREATE("{'Item':{'id':'1','v':3},'ConditionExpression':'v = :v','ExpressionAttributeValues':{':v':1},"
           "'ReturnValuesOnConditionCheckFailure':'ALL_OLD'}",
           FAILED " {'id':'1','v':2}");
    CREATE("{'Item':{'id':'8'},'ConditionExpression':'attribute_exists(id)','ReturnValuesOnConditionCheckFailure':'ALL_OLD'}",
           FAILED);
}

static void test_conditional_update_and_delete(void **state)
{
    CREATE("{'Item':{'id':'1','v':1}}", "{}");
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET v = v + :n','ConditionExpression':'v < "
           ":m','ExpressionAttributeValues':{':n':1,':m':2}}",
           "{}");
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET v = v + :n','ConditionExpression':'v < "
           ":m','ExpressionAttributeValues':{':n':1,':m':2}}",
           FAILED);
    DELETE("{'Key':{'id':'1'},'ConditionExpression':'v = :n','ExpressionAttributeValues':{':n':1}}", FAILED);
    DELETE("{'Key':{'id':'1'},'ConditionExpression':'v = :n','ExpressionAttributeValues':{':n':2}}", "{}");
    DELETE("{'Key':{'id':'1'},'ConditionExpression':'attribute_exists(id)'}", FAILED);
}

static void test_legacy_conditions(void **state)
{
    CREATE("{'Item':{'id':'1','v':5,'s':'abc'},'Expected':{'id':{'Exists':false}}}", "{}");
    CREATE("{'Item':{'id':'1'},'Expected':{'id':{'Exists':false}}}", FAILED);
    CREATE("{'Item':{'id':'1','v':6,'s':'abc'},'Expected':{'v':{'Value':5}}}", "{}");
    DELETE("{'Key':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'GT','AttributeValueList':[6]}}}", FAILED);
    DELETE("{'Key':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'GT','AttributeValueList':[6]},'s':{'ComparisonOperator':'"
           "BEGINS_WITH',"
           "'AttributeValueList':['ab']}}}",
           FAILED);
    DELETE("{'Key':{'id':'1'},'ConditionalOperator':'OR','Expected':{'v':{'ComparisonOperator':'GT','AttributeValueList':[6]},"
           "'s':{'ComparisonOperator':'BEGINS_WITH','AttributeValueList':['ab']}}}",
           "{}");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{}}}", INVALID "Value must be provided when Exists is null for Attribute: v");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'Exists':false,'Value':1}}}",
           INVALID "Value cannot be used when Exists is false for Attribute: v");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'BETWEEN','AttributeValueList':[1]}}}",
           INVALID "Invalid number of argument(s) for the BETWEEN ComparisonOperator");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'LT','AttributeValueList':[true]}}}",
           INVALID "ComparisonOperator LT is not valid for BOOL AttributeValue type");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'BETWEEN','AttributeValueList':[2,1]}}}",
           "ValidationException: The BETWEEN condition was provided a range where the lower bound is greater than the upper "
           "bound");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'EQ','Value':1,'AttributeValueList':[1]}}}",
           INVALID "Value and AttributeValueList cannot be used together for Attribute: v");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'EQ','Value':1,'Exists':true}}}",
           INVALID "Exists and ComparisonOperator cannot be used together for Attribute: v");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'LT'}}}",
           INVALID "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: v");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'LT','AttributeValueList':[]}}}",
           INVALID "Invalid number of argument(s) for the LT ComparisonOperator");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'AttributeValueList':[1]}}}",
           INVALID "AttributeValueList can only be used with a ComparisonOperator for Attribute: v");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'ComparisonOperator':'IN','AttributeValueList':[1,'x']}}}",
           INVALID "AttributeValues inside AttributeValueList must be of same type");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'Nope':1}}}",
           "SerializationException: Unknown or wrongly typed member 'Nope' of the condition on v");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':{'Exists':'false'}}}",
           "SerializationException: Unknown or wrongly typed member 'Exists' of the condition on v");
    CREATE("{'Item':{'id':'1','v':2},'Expected':{'v':{'ComparisonOperator':'NE','Value':1}}}", "{}");
    CREATE("{'Item':{'id':'1','v':3},'Expected':{'missing':{'ComparisonOperator':'NOT_CONTAINS','AttributeValueList':['x']}}}",
           FAILED);
    CREATE("{'Item':{'id':'1','v':3},'Expected':{}}", "{}");
    CREATE("{'Item':{'id':'1','v':3},'Expected':{'v':{'ComparisonOperator':'NOT_CONTAINS','AttributeValueList':['x']}}}", "{}");
    CREATE("{'Item':{'id':'1'},'Expected':{'v':5}}", "SerializationException: The condition on v is no map");
    CREATE("{'Item':{'id':'1'},'ConditionalOperator':'AND'}",
           INVALID "ConditionalOperator cannot be used without Filter or Expected");
}

/* -- Updates -------------------------------------------------------------------------------------------------- */
static void test_update_creates(void **state)
{
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'ADD c :n','ExpressionAttributeValues':{':n':1}}", "{}");
    READ("{'Key':{'id':'1'}}", "{'Item':{'id':'1','c':1}}");
    UPDATE("{'Key':{'id':'2'}}", "{}");
    READ("{'Key':{'id':'2'}}", "{'Item':{'id':'2'}}");
    UPDATE("{'Key':{'id':'3'},'UpdateExpression':'REMOVE a','ReturnValues':'ALL_NEW'}", "{}");
    READ("{'Key':{'id':'3'}}", "{}");
    UPDATE("{'Key':{'id':'4'},'UpdateExpression':'SET a = id','ReturnValues':'ALL_NEW'}", "{'Attributes':{'id':'4','a':'4'}}");
}

static void test_update_return_values(void **state)
{
    const char *update =
        "{'Key':{'id':'1'},'UpdateExpression':'SET m.a = :v, fresh = :v REMOVE gone','ExpressionAttributeValues':{':v':9},"
        "'ReturnValues':'%s'}";
    static const struct {
        const char *kind, *expected;
    } rows[] = {{"NONE", "{}"},
                {"ALL_OLD", "{'Attributes':{'id':'1','m':{'a':1,'b':2},'gone':3}}"},
                {"UPDATED_OLD", "{'Attributes':{'m':{'a':1},'gone':3}}"},
                {"ALL_NEW", "{'Attributes':{'id':'1','m':{'a':9,'b':2},'fresh':9}}"},
                {"UPDATED_NEW", "{'Attributes':{'m':{'a':9},'fresh':9}}"},
                {"SOME", "ValidationException: 1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy "
                         "constraint: Member "
                         "must satisfy enum value set: [NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW]"}};
    char payload[300];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CREATE("{'Item':{'id':'1','m':{'a':1,'b':2},'gone':3}}", "{}");
        snprintf(payload, sizeof payload, update, rows[i].kind);
        UPDATE(payload, rows[i].expected);
    }
}

static void test_update_refuses_keys(void **state)
{
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET id = :v','ExpressionAttributeValues':{':v':'2'}}",
           INVALID "Cannot update attribute id. This attribute is part of the key");
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'REMOVE #k.x','ExpressionAttributeNames':{'#k':'id'}}",
           INVALID "Cannot update attribute id. This attribute is part of the key");
    CHECK_RUN(*state, OP_UPDATE, "events",
              "{'Key':{'id':'1','at':1},'UpdateExpression':'ADD #k :n','ExpressionAttributeNames':{'#k':'at'},"
              "'ExpressionAttributeValues':{':n':1}}",
              INVALID "Cannot update attribute at. This attribute is part of the key");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'id':{'Action':'DELETE'}}}",
           INVALID "Cannot update attribute id. This attribute is part of the key");
}

static void test_legacy_updates(void **state)
{
    CREATE("{'Item':{'id':'1','n':1,'l':[1],'ss':{'$stringSet':['a']},'x':1}}", "{}");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'n':{'Action':'ADD','Value':2},'l':{'Action':'ADD','Value':[2]},"
           "'ss':{'Action':'ADD','Value':{'$stringSet':['b']}},'x':{'Action':'DELETE'},'y':{'Value':'put'},'dotted.name':{'"
           "Action':'PUT',"
           "'Value':true}},'ReturnValues':'ALL_NEW'}",
           "{'Attributes':{'id':'1','n':3,'l':[1,2],'ss':{'$stringSet':['a','b']},'dotted.name':true,'y':'put'}}");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'ss':{'Action':'DELETE','Value':{'$stringSet':['a','b']}}},'ReturnValues':'"
           "UPDATED_NEW'}",
           "{}");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'a':5}}",
           "SerializationException: Each of AttributeUpdates must be a map with Action and Value");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'a':{'Act':'PUT'}}}",
           "ValidationException: Unknown parameter in AttributeUpdates: 'Act', must be one of: Value, Action");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'a':{'Action':5}}}",
           "SerializationException: Invalid type for parameter Action: expected S, got N");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'a':{'Action':'put','Value':1}}}",
           "ValidationException: 1 validation error detected: Value 'put' at 'attributeUpdates.member.action' failed to "
           "satisfy constraint: "
           "Member must satisfy enum value set: [ADD, PUT, DELETE]");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'a':{'Action':'PUT'}}}",
           INVALID "Only DELETE action is allowed when no attribute value is specified");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'a':{'Action':'ADD','Value':'s'}}}",
           INVALID "ADD action is not supported for the type S");
    UPDATE("{'Key':{'id':'1'},'AttributeUpdates':{'a':{'Action':'DELETE','Value':5}}}",
           INVALID "DELETE action with value is not supported for the type N");
}

/* An operation has its bounded memory; one that needs more is refused, and the next one finds all of it again. */
static void test_bounded_memory(void **state)
{
    struct table_fixture *f = *state;
    struct buf payload = {0};

    buf_text(&payload, "{'Key':{'id':'1'},'AttributeUpdates':{'a0':{'Value':1}");
    for (int i = 1; i < 25000; i++)
        buf_printf(&payload, ",'a%d':{'Value':1}", i);
    buf_append(&payload, "}}", 3);
    assert_false(buf_failed(&payload));
    CHECK_RUN(f, OP_UPDATE, "people", (const char *)payload.data, "{}");
    buf_finish(&payload);
    UPDATE("{'Key':{'id':'1'},'UpdateExpression':'SET a0 = a0 + a1','ReturnValues':'UPDATED_NEW'}", "{'Attributes':{'a0':2}}");
}

/* -- Whatever the payload, the engine answers ------------------------------------------------------------------ */
static void test_damaged_payloads(void **state)
{
    struct table_fixture *f = *state;
    static const char json[] =
        "{'Item':{'id':'1','n':5,'s':{'$stringSet':['a','b']},'m':{'k':[1,2]}},'ConditionExpression':'a = :v',"
        "'ExpressionAttributeValues':{':v':{'$numberSet':[1,2]}}}";
    struct buf good = {0}, out = {0}, body = {0};
    struct op op = {.code = OP_CREATE, .table = slice_text("people")};
    struct kv_txn *txn;
    bool changed;

    op.payload = fixture_value(&good, json);
    op_encode(&body, &op);
    for (size_t at = 0; at < body.len * 8; at++) {
        body.data[at / 8] ^= (unsigned char)(1u << at % 8);
        struct op damaged;
        if (op_decode(buf_slice(&body), &damaged) == 0 && damaged.code < OP_LOOKUP) {
            buf_reset(&out);
            assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
            assert_int_equal(table_begin(f->tables, txn, FIXTURE_NOW_MS, &changed), KV_OK);
            assert_int_equal(table_apply(f->tables, txn, &damaged, &out), KV_OK);
            struct outcome o;
            assert_int_equal(outcome_decode(buf_slice(&out), &o), 0);
            kv_abort(&txn);
        }
        body.data[at / 8] ^= (unsigned char)(1u << at % 8);
    }
    buf_finish(&good);
    buf_finish(&body);
    buf_finish(&out);
}

/* A table with all that follows a write. */
static void make_tracked(struct kv *kv, struct tables *t)
{
    struct buf keep = {0}, out = {0};
    struct op create = {.code = OP_TABLE_CREATE, .table = slice_text("tracked")},
              expire = {.code = OP_TTL_UPDATE, .table = slice_text("tracked")},
              back_up = {.code = OP_BACKUP_CREATE, .table = create.table, .payload = create.payload};
    struct kv_txn *txn;
    bool changed;

    create.payload = fixture_value(
        &keep, FIXTURE_TABLE_WITH(FIXTURE_KEY("id", "HASH"), FIXTURE_TYPE("id", "S") "," FIXTURE_TYPE("x", "S"),
                                  ",'GlobalSecondaryIndexes':[" FIXTURE_INDEX(
                                      "byx", FIXTURE_KEY("x", "HASH"),
                                      "ALL") "],'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}"));
    expire.payload = fixture_value(&keep, "{'TimeToLiveSpecification':{'Enabled':true,'AttributeName':'at'}}");
    back_up.payload = fixture_value(&keep, "{'BackupName':'name'}");
    const struct op *ops[] = {&create, &expire, &back_up};
    assert_int_equal(kv_begin(kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(t, txn, FIXTURE_NOW_MS, &changed), KV_OK);
    for (size_t i = 0; i < 3; i++) {
        struct outcome o;
        buf_reset(&out);
        assert_int_equal(table_apply(t, txn, ops[i], &out), KV_OK);
        assert_int_equal(outcome_decode(buf_slice(&out), &o), 0);
        assert_int_equal(o.state, OUTCOME_SUCCEEDED);
    }
    assert_int_equal(table_end(t, txn), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
    buf_finish(&keep);
    buf_finish(&out);
}

static void test_store_failures_come_back(void **state)
{
    static const struct {
        enum op_code code;
        const char *payload;
    } rows[] = {{OP_CREATE, "{'Item':{'id':'1'},'ReturnValues':'ALL_OLD'}"},
                {OP_READ, "{'Key':{'id':'1'}}"},
                {OP_UPDATE, "{'Key':{'id':'1'},'UpdateExpression':'ADD a :v','ExpressionAttributeValues':{':v':1}}"},
                {OP_DELETE, "{'Key':{'id':'1'}}"},
                {OP_LIST, "{}"},
                {OP_TABLE_CREATE, FIXTURE_TABLE_ID},
                {OP_TABLE_UPDATE,
                 "{'AttributeDefinitions':[" FIXTURE_TYPE("x", "S") "],'GlobalSecondaryIndexUpdates':[{'Create':" FIXTURE_INDEX(
                     "byx", FIXTURE_KEY("x", "HASH"), "ALL") "}],'StreamSpecification':{'StreamEnabled':true,"
                                                             "'StreamViewType':'KEYS_ONLY'}}"},
                {OP_TTL_UPDATE, "{'TimeToLiveSpecification':{'Enabled':true,'AttributeName':'at'}}"},
                {OP_BACKUP_CREATE, "{'BackupName':'name'}"},
                {OP_BACKUP_LIST, "{}"},
                {OP_TAG, "{'ResourceArn':'arn:aws:dynamodb:r:a:table/people','Tags':[{'Key':'k','Value':'v'}]}"},
                {OP_TAGS, "{'ResourceArn':'arn:aws:dynamodb:r:a:table/people'}"},
                {OP_STREAM_LIST, "{}"},
                {OP_TABLE_DESCRIBE, NULL},
                {OP_TABLE_DROP, NULL}};
    struct kv *kv = kv_fault_create(kv_mem_create());
    struct tables *t = tables_create(kv);
    char spec[] = "people:id", *specs[] = {spec};
    struct err e;

    (void)state;
    assert_int_equal(tables_ensure(t, specs, 1, FIXTURE_NOW_MS, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf keep = {0};
        struct op op = {.code = rows[i].code, .table = slice_text(rows[i].code == OP_TABLE_CREATE ? "fresh" : "people")};
        op.payload.type = VALUE_NONE;
        if (rows[i].payload)
            op.payload = fixture_value(&keep, rows[i].payload);
        fixture_fail_each_call(kv, t, &op, KV_RETRY);
        fixture_fail_each_call(kv, t, &op, KV_FULL);
        buf_finish(&keep);
    }
    struct buf keep = {0};
    struct op op = {.code = OP_CREATE, .table = slice_text("tracked")};
    make_tracked(kv, t);
    op.payload = fixture_value(&keep, "{'Item':{'id':'2','x':'1','at':5}}");
    fixture_fail_each_call(kv, t, &op, KV_RETRY);
    buf_finish(&keep);
    tables_destroy(&t);
    kv_close(&kv);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_create_read_delete),
        EACH(test_all_types_come_back),
        EACH(test_kinds_of_keys),
        EACH(test_projections),
        EACH(test_echo_and_ping),
        EACH(test_conditional_put),
        EACH(test_conditional_update_and_delete),
        EACH(test_legacy_conditions),
        EACH(test_update_creates),
        EACH(test_update_return_values),
        EACH(test_update_refuses_keys),
        EACH(test_legacy_updates),
        EACH(test_bounded_memory),
        EACH(test_damaged_payloads),
        cmocka_unit_test(test_store_failures_come_back),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
