/* test_expire.c - time to live: switched on and off, indexed in the background, expired by a clock that the test turns. */
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

#define NOW_S (FIXTURE_NOW_MS / 1000)
#define YEAR_S (365ll * 24 * 3600)
#define TTL(on, attribute) "{'TimeToLiveSpecification':{'Enabled':" on ",'AttributeName':'" attribute "'}}"
#define INDEXED                                                                                                                \
    FIXTURE_TABLE_WITH(FIXTURE_KEY("id", "HASH"), FIXTURE_TYPE("id", "S") "," FIXTURE_TYPE("x", "S"),                          \
                       ",'GlobalSecondaryIndexes':[" FIXTURE_INDEX(                                                            \
                           "byx", FIXTURE_KEY("x", "HASH"),                                                                    \
                           "ALL") "],'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'OLD_IMAGE'}")

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

static void put(struct table_fixture *f, const char *table, int id, int64_t at_s)
{
    char text[100];

    snprintf(text, sizeof text, "{'Item':{'id':'i%d','x':'x%d','at':%lld}}", id, id % 3, (long long)at_s);
    CHECK_RUN(f, OP_CREATE, table, text, "{}");
}

static unsigned count(struct table_fixture *f, const char *table)
{
    unsigned n = 0;
    const char *text = table_fixture_run(f, OP_LIST, table, "{'Select':'COUNT'}");

    assert_int_equal(sscanf(text, "{'Count':%u", &n), 1);
    return n;
}

/* -- Switching ------------------------------------------------------------------------------------------------ */
#define DESCRIBED(status) "{'TimeToLiveDescription':{'TimeToLiveStatus':'" status "'}}"
#define DESCRIBED_AT(status) "{'TimeToLiveDescription':{'TimeToLiveStatus':'" status "','AttributeName':'at'}}"

static void test_switching(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_TTL_DESCRIBE, "people", NULL, DESCRIBED("DISABLED"));
    CHECK_RUN(f, OP_TTL_UPDATE, "people", TTL("false", "at"), "ValidationException: TimeToLive is already disabled");
    CHECK_RUN(f, OP_TTL_UPDATE, "people", TTL("true", "at"),
              "{'TimeToLiveSpecification':{'Enabled':true,'AttributeName':'at'}}");
    CHECK_RUN(f, OP_TTL_DESCRIBE, "people", NULL, DESCRIBED_AT("ENABLED"));
    CHECK_RUN(f, OP_TTL_UPDATE, "people", TTL("true", "at"), "ValidationException: TimeToLive is already enabled");
    CHECK_RUN(f, OP_TTL_UPDATE, "people", TTL("true", "other"),
              "ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is at");
    CHECK_RUN(f, OP_TTL_UPDATE, "people", TTL("false", "other"),
              "ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is at");
    put(f, "people", 1, NOW_S + 10);
    assert_int_equal(check_indexes(f->kv, true), 1);
    CHECK_RUN(f, OP_TTL_UPDATE, "people", TTL("false", "at"),
              "{'TimeToLiveSpecification':{'Enabled':false,'AttributeName':'at'}}");
    CHECK_RUN(f, OP_TTL_DESCRIBE, "people", NULL, DESCRIBED("DISABLED"));
    table_fixture_chores(f, 10);
    assert_int_equal(check_indexes(f->kv, true), 0);
    f->now_ms += 3600 * 1000;
    table_fixture_chores(f, 10);
    assert_int_equal(count(f, "people"), 1);
    CHECK_RUN(f, OP_TTL_UPDATE, "people", TTL("true", ""),
              "ValidationException: 1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to "
              "satisfy constraint: Member must have length greater than or equal to 1");
    CHECK_RUN(f, OP_TTL_UPDATE, "people", "{'TimeToLiveSpecification':{'AttributeName':'at'}}",
              "ValidationException: 1 validation error detected: Value null at 'timeToLiveSpecification.enabled' failed to "
              "satisfy constraint: Member must not be null");
    CHECK_RUN(f, OP_TTL_UPDATE, "nothere", TTL("true", "at"),
              "ResourceNotFoundException: Requested resource not found: Table: nothere not found");
}

/* Items from before are indexed in the background. */
static void test_filled(void **state)
{
    struct table_fixture *f = *state;

    for (int i = 0; i < 30; i++)
        put(f, "people", i, NOW_S + i);
    table_fixture_run(f, OP_TTL_UPDATE, "people", TTL("true", "at"));
    CHECK_RUN(f, OP_TTL_DESCRIBE, "people", NULL, DESCRIBED_AT("ENABLING"));
    f->now_ms -= 1000;
    table_fixture_chores(f, 7);
    CHECK_RUN(f, OP_TTL_DESCRIBE, "people", NULL, DESCRIBED_AT("ENABLED"));
    assert_int_equal(check_indexes(f->kv, true), 30);
    assert_int_equal(count(f, "people"), 30);
    f->now_ms += 10 * 1000;
    table_fixture_chores(f, 7);
    assert_int_equal(count(f, "people"), 20);
    assert_int_equal(check_indexes(f->kv, true), 20);
}

/* -- Expiry --------------------------------------------------------------------------------------------------- */
static void test_what_expires(void **state)
{
    static const struct {
        const char *at;
        bool goes;
    } rows[] = {
        {"1700000000", true},    {"1699999999.9", true}, {"1700000001", false}, {"1700000000.5", true},
        {"'1600000000'", false}, {"-5", false},          {"0", false},          {"1e100", false},
        {"[1600000000]", false}, {"1542319999", false},  {"1542320000", true},
    };
    struct table_fixture *f = *state;
    char text[100];

    assert_int_equal(NOW_S - 5 * YEAR_S, 1542320000);
    table_fixture_run(f, OP_TTL_UPDATE, "people", TTL("true", "at"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "{'Item':{'id':'i%zu','at':%s}}", i, rows[i].at);
        CHECK_RUN(f, OP_CREATE, "people", text, "{}");
    }
    CHECK_RUN(f, OP_CREATE, "people", "{'Item':{'id':'none'}}", "{}");
    f->now_ms += 500; /* of this second the whole is over */
    check_indexes(f->kv, true);
    table_fixture_chores(f, 3);
    check_indexes(f->kv, true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "{'Key':{'id':'i%zu'}}", i);
        bool gone = strcmp(table_fixture_run(f, OP_READ, "people", text), "{}") == 0;
        if (gone != rows[i].goes)
            fail_msg("%s", rows[i].at);
    }
}

/* The time may be moved, or taken away. */
static void test_moved(void **state)
{
    struct table_fixture *f = *state;

    table_fixture_run(f, OP_TTL_UPDATE, "people", TTL("true", "at"));
    put(f, "people", 1, NOW_S + 10);
    put(f, "people", 2, NOW_S + 10);
    put(f, "people", 3, NOW_S + 10);
    put(f, "people", 1, NOW_S + 100);
    CHECK_RUN(f, OP_UPDATE, "people",
              "{'Key':{'id':'i2'},'UpdateExpression':'REMOVE #a','ExpressionAttributeNames':{'#a':'at'}}", "{}");
    CHECK_RUN(f, OP_DELETE, "people", "{'Key':{'id':'i3'}}", "{}");
    assert_int_equal(check_indexes(f->kv, true), 1);
    f->now_ms += 50 * 1000;
    table_fixture_chores(f, 10);
    assert_int_equal(count(f, "people"), 2);
    f->now_ms += 50 * 1000;
    table_fixture_chores(f, 10);
    assert_int_equal(count(f, "people"), 1);
    assert_int_equal(check_indexes(f->kv, true), 0);
}

/* It is a removal like any other: index entries go, and a record tells who did it. */
static void test_indexes_and_records(void **state)
{
    struct table_fixture *f = *state;
    char text[300];

    table_fixture_run(f, OP_TABLE_CREATE, "indexed", INDEXED);
    table_fixture_run(f, OP_TTL_UPDATE, "indexed", TTL("true", "at"));
    put(f, "indexed", 1, NOW_S);
    put(f, "indexed", 2, NOW_S + 1000);
    assert_int_equal(check_indexes(f->kv, true), 4);
    table_fixture_chores(f, 10);
    assert_int_equal(check_indexes(f->kv, true), 2);
    const char *arn = strstr(table_fixture_run(f, OP_STREAM_LIST, "", "{}"), "arn:");
    assert_non_null(arn);
    snprintf(text, sizeof text,
             "{'StreamArn':'%.*s','ShardId':'shardId-00000001700000000000-00000004','ShardIteratorType':'TRIM_HORIZON'}",
             (int)strcspn(arn, "'"), arn);
    const char *iterator = strstr(table_fixture_run(f, OP_STREAM_ITERATOR, "", text), "arn:");
    assert_non_null(iterator);
    snprintf(text, sizeof text, "{'ShardIterator':'%.*s'}", (int)strcspn(iterator, "'"), iterator);
    const char *removed = strstr(table_fixture_run(f, OP_STREAM_RECORDS, "", text), "'eventName':'REMOVE'");
    assert_non_null(removed);
    assert_non_null(strstr(removed, "'OldImage':{'id':'i1','x':'x1','at':1700000000}"));
    assert_non_null(strstr(removed, "'userIdentity':{'PrincipalId':'dynamodb.amazonaws.com','Type':'Service'}"));
}

/* -- Changes between finding and removing ---------------------------------------------------------------------- */
#define DUE_KEY "{'Key':{'id':'i1'},'ConditionExpression':'attribute_exists(id)','ExpressionAttributeNames':{'#a':'at'}"
#define CHANGE(expression, values) DUE_KEY ",'UpdateExpression':'" expression "','ExpressionAttributeValues':{" values "}}"

/* What somebody else does to the one item that is due, if it is still there. */
static const struct change {
    enum op_code code;
    const char *payload;
    bool spares; /* it is not due any more */
} changes[] = {
    {OP_UPDATE, CHANGE("SET #a = #a + :n", "':n':1000"), true},
    {OP_UPDATE, DUE_KEY ",'UpdateExpression':'REMOVE #a'}", true},
    {OP_UPDATE, CHANGE("SET #a = :s", "':s':'never'"), true},
    {OP_UPDATE, CHANGE("SET #a = #a - :n", "':n':200000000"), true}, /* more than five years ago */
    {OP_CREATE, "{'Item':{'id':'i1'},'ConditionExpression':'attribute_exists(#i)','ExpressionAttributeNames':{'#i':'id'}}",
     true},
    {OP_TTL_UPDATE, TTL("false", "at"), true},
    {OP_UPDATE, CHANGE("SET y = :n, #a = #a - :n", "':n':1"), false},
    {OP_UPDATE,
     "{'Key':{'id':'i1'},'ConditionExpression':'attribute_exists(id)','UpdateExpression':'SET y = :y',"
     "'ExpressionAttributeValues':{':y':'other'}}",
     false},
};

struct meeting {
    struct table_fixture *f;
    const struct change *change;
    bool changed;
};

static void meet(void *arg)
{
    struct meeting *m = arg;
    unsigned there = count(m->f, "people");

    const char *said = table_fixture_run(m->f, m->change->code, "people", m->change->payload);
    m->changed = there == 2;
    if (there == 2 && strstr(said, "Exception"))
        fail_msg("%s: %s", m->change->payload, said);
}

/* One sweep, and the change between its n-th transaction and the one before; false if it has fewer. */
static bool sweep_meets(const struct change *change, int n, unsigned *spared)
{
    struct table_fixture f;
    char *specs[] = {"people:id", NULL};
    bool left;

    table_fixture_init(&f, specs);
    table_fixture_run(&f, OP_TTL_UPDATE, "people", TTL("true", "at"));
    table_fixture_chores(&f, 10);
    put(&f, "people", 1, NOW_S + 10);
    put(&f, "people", 2, NOW_S + 1000000);
    struct kv *faulty = kv_fault_create(f.kv);
    struct tables *sweeper = tables_create(faulty);
    assert_int_equal(tables_load(sweeper), KV_OK);
    struct meeting m = {.f = &f, .change = change};
    kv_fault_meet(faulty, n, meet, &m);
    assert_int_equal(table_chores(sweeper, f.now_ms + 60 * 1000, 10, &left), KV_OK);
    bool met = kv_fault_met(faulty);
    assert_int_equal(count(&f, "people"), met && m.changed && change->spares ? 2 : 1);
    *spared += m.changed;
    if (change->code != OP_TTL_UPDATE) /* then the entries are dropped later */
        check_indexes(f.kv, true);
    tables_destroy(&sweeper);
    f.kv = faulty;
    table_fixture_finish(&f);
    return met;
}

/* The sweeper finds an item in one transaction and removes it in another. Whatever is done to the item in between, at any moment: it is
 * removed only if it is still due. */
static void test_changed_while_it_is_swept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        unsigned before = 0;
        int n = 0;
        while (sweep_meets(&changes[i], n, &before))
            n++;
        assert_true(before > 0 && (int)before < n); /* it came before the removal, and after it */
    }
}

/* A step removes no more rows than it was told to, and leaves the rest to the next. */
static void test_bounded_batches(void **state)
{
    struct table_fixture *f = *state;
    bool left = true;
    unsigned there = 30;

    table_fixture_run(f, OP_TTL_UPDATE, "people", TTL("true", "at"));
    table_fixture_chores(f, 10);
    for (int i = 0; i < 30; i++)
        put(f, "people", i, NOW_S + i % 3);
    f->now_ms += 60 * 1000;
    while (left) {
        assert_int_equal(table_chores(f->tables, f->now_ms, 7, &left), KV_OK);
        unsigned now = count(f, "people");
        assert_true(there - now <= 7 && (now == 0 || there - now == 7));
        assert_int_equal(check_indexes(f->kv, true), now);
        there = now;
    }
    assert_int_equal(there, 0);
}

static void test_crashes(void **state)
{
    static const enum kv_result failures[] = {KV_FATAL, KV_RETRY};

    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct table_fixture f;
        char *specs[] = {"people:id", NULL};
        table_fixture_init(&f, specs);
        struct kv *faulty = kv_fault_create(f.kv);
        for (int n = 0; n < 200; n++)
            put(&f, "people", n, NOW_S + n % 10);
        table_fixture_run(&f, OP_TTL_UPDATE, "people", TTL("true", "at"));
        chores_with_crashes(faulty, f.now_ms + 4 * 1000, failures[i]);
        assert_int_equal(check_indexes(f.kv, true), 100);
        assert_int_equal(count(&f, "people"), 100);
        f.kv = faulty;
        table_fixture_finish(&f);
    }
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_tables, close_tables)
    const struct CMUnitTest tests[] = {
        EACH(test_switching),           EACH(test_filled),
        EACH(test_what_expires),        EACH(test_moved),
        EACH(test_indexes_and_records), cmocka_unit_test(test_crashes),
        EACH(test_bounded_batches),     cmocka_unit_test(test_changed_while_it_is_swept),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
