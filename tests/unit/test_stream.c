/* test_stream.c - change records: which there are, in which order, how they are read, how long they live; and that no reader misses one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/chores_crash.h"
#include "tests/lib/table_fixture.h"
#include "tests/lib/xorshift.h"
#include "worker/table/stream.h"

#define DAY_MS (24ll * 3600 * 1000)
#define ARN "arn:aws:dynamodb:us-east-1:123456789012:table/events/stream/2023-11-14T22:13:20.000"
#define SHARD "shardId-00000001700000000000-00000003"
#define STREAM(view) ",'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'" view "'}"
#define EVENTS(view) FIXTURE_TABLE_WITH(FIXTURE_KEY("id", "HASH"), FIXTURE_TYPE("id", "S"), STREAM(view))

static int open_view(void **state, const char *payload)
{
    static struct table_fixture f;
    char *specs[] = {"people:id", NULL};

    table_fixture_init(&f, specs);
    assert_non_null(strstr(table_fixture_run(&f, OP_TABLE_CREATE, "events", payload), ARN));
    *state = &f;
    return 0;
}

static int open_stream(void **state) { return open_view(state, EVENTS("NEW_AND_OLD_IMAGES")); }

static int close_stream(void **state)
{
    table_fixture_finish(*state);
    return 0;
}

/* -- Short words ---------------------------------------------------------------------------------------------- */
static void put(struct table_fixture *f, const char *id, int n)
{
    char text[100];

    snprintf(text, sizeof text, "{'Item':{'id':'%s','n':%d}}", id, n);
    CHECK_RUN(f, OP_CREATE, "events", text, "{}");
}

/* The text of a member, in a static buffer; "" if there is none. */
static const char *member(const char *text, const char *name)
{
    static char found[600];
    char key[60];

    snprintf(key, sizeof key, "'%s':'", name);
    const char *at = strstr(text, key);
    if (!at)
        return "";
    at += strlen(key);
    snprintf(found, sizeof found, "%.*s", (int)strcspn(at, "'"), at);
    return found;
}

static const char *iterator(struct table_fixture *f, const char *type, const char *number)
{
    static char found[600];
    char text[400], at[100] = "";

    if (number)
        snprintf(at, sizeof at, ",'SequenceNumber':'%s'", number);
    snprintf(text, sizeof text, "{'StreamArn':'" ARN "','ShardId':'" SHARD "','ShardIteratorType':'%s'%s}", type, at);
    const char *answer = table_fixture_run(f, OP_STREAM_ITERATOR, "", text);
    if (!strstr(answer, "ShardIterator"))
        return answer;
    snprintf(found, sizeof found, "%s", member(answer, "ShardIterator"));
    return found;
}

static const char *records(struct table_fixture *f, const char *from, int limit)
{
    char text[800];

    snprintf(text, sizeof text, "{'ShardIterator':'%s','Limit':%d}", from, limit);
    return table_fixture_run(f, OP_STREAM_RECORDS, "", text);
}

/* "INSERT a 1; MODIFY a 2": event, key and number of each record of an answer, in a static buffer. */
static const char *short_form(const char *answer)
{
    static char text[20000];

    text[0] = 0;
    for (const char *at = answer; (at = strstr(at, "'eventName':'")) != NULL; at++) {
        const char *image = strstr(at, "'NewImage'"), *end = strstr(at, "'SequenceNumber'");
        int n = 0;
        size_t len = strlen(text);
        if (image && image < end)
            sscanf(strstr(image, "'n':"), "'n':%d", &n);
        int wide = snprintf(text + len, sizeof text - len, "%s%.*s", len ? "; " : "", (int)strcspn(at + 13, "'"), at + 13);
        snprintf(text + len + wide, sizeof text - len - (size_t)wide, " %s %d", member(at, "id"), n);
    }
    return text;
}

#define CHECK_STREAM(f, from, expected) assert_string_equal(short_form(records(f, from, 1000)), expected)

/* -- What is recorded ----------------------------------------------------------------------------------------- */
static void test_events(void **state)
{
    struct table_fixture *f = *state;

    put(f, "a", 1);
    put(f, "a", 1); /* the same again is no change */
    put(f, "a", 2);
    CHECK_RUN(f, OP_UPDATE, "events", "{'Key':{'id':'a'},'UpdateExpression':'SET n = :v','ExpressionAttributeValues':{':v':2}}",
              "{}");
    CHECK_RUN(f, OP_UPDATE, "events", "{'Key':{'id':'b'},'UpdateExpression':'SET n = :v','ExpressionAttributeValues':{':v':7}}",
              "{}");
    CHECK_RUN(f, OP_DELETE, "events", "{'Key':{'id':'nothere'}}", "{}");
    CHECK_RUN(f, OP_DELETE, "events", "{'Key':{'id':'a'}}", "{}");
    table_fixture_run(f, OP_CREATE, "events", "{'Item':{'id':'b','n':9},'ConditionExpression':'attribute_not_exists(id)'}");
    put(f, "a", 3);
    CHECK_RUN(f, OP_CREATE, "people", "{'Item':{'id':'x'}}", "{}");
    CHECK_STREAM(f, iterator(f, "TRIM_HORIZON", NULL), "INSERT a 1; MODIFY a 2; INSERT b 7; REMOVE a 0; INSERT a 3");
}

static void test_record(void **state)
{
    struct table_fixture *f = *state;
    const char *parts[] = {
        "{'Records':[{'eventID':'",
        "','eventName':'MODIFY','eventVersion':'1.1','eventSource':'aws:dynamodb','awsRegion':'us-east-1','dynamodb':{"
        "'ApproximateCreationDateTime':1700000007,'Keys':{'id':'a'},'NewImage':{'id':'a','n':2},'OldImage':{'id':'a','n':1},"
        "'SequenceNumber':'100000000000000000002','SizeBytes':15,'StreamViewType':'NEW_AND_OLD_IMAGES'}}],'NextShardIterator':"
        "'" ARN "|1|"};

    put(f, "a", 1);
    f->now_ms += 7999;
    put(f, "a", 2);
    const char *text = records(f, iterator(f, "AFTER_SEQUENCE_NUMBER", "100000000000000000001"), 10);
    for (size_t i = 0; i < 2; i++)
        if (!strstr(text, parts[i]))
            fail_msg("%s\nis not in\n%s", parts[i], text);
}

static void test_views(void **state)
{
    static const struct {
        const char *payload;
        bool fresh, old;
    } rows[] = {{EVENTS("KEYS_ONLY"), false, false}, {EVENTS("NEW_IMAGE"), true, false}, {EVENTS("OLD_IMAGE"), false, true}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct table_fixture *f;
        open_view((void **)&f, rows[i].payload);
        put(f, "a", 1);
        put(f, "a", 2);
        const char *text = records(f, iterator(f, "AFTER_SEQUENCE_NUMBER", "100000000000000000001"), 10);
        assert_non_null(strstr(text, "'Keys':{'id':'a'}"));
        assert_int_equal(strstr(text, "'NewImage':{'id':'a','n':2}") != NULL, rows[i].fresh);
        assert_int_equal(strstr(text, "'OldImage':{'id':'a','n':1}") != NULL, rows[i].old);
        table_fixture_finish(f);
    }
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
static void test_iterators(void **state)
{
    struct table_fixture *f = *state;
    char latest[600], next[600];

    put(f, "a", 1);
    snprintf(latest, sizeof latest, "%s", iterator(f, "LATEST", NULL));
    CHECK_STREAM(f, latest, "");
    put(f, "a", 2);
    put(f, "a", 3);
    CHECK_STREAM(f, latest, "MODIFY a 2; MODIFY a 3");
    CHECK_STREAM(f, iterator(f, "AT_SEQUENCE_NUMBER", "100000000000000000002"), "MODIFY a 2; MODIFY a 3");
    CHECK_STREAM(f, iterator(f, "AFTER_SEQUENCE_NUMBER", "100000000000000000002"), "MODIFY a 3");
    const char *page = records(f, latest, 1);
    snprintf(next, sizeof next, "%s", member(page, "NextShardIterator"));
    assert_string_equal(short_form(page), "MODIFY a 2");
    page = records(f, next, 1);
    assert_string_equal(short_form(page), "MODIFY a 3");
    snprintf(next, sizeof next, "%s", member(page, "NextShardIterator"));
    CHECK_STREAM(f, next, "");
    f->now_ms += 15 * 60 * 1000;
    CHECK_STREAM(f, next, "");
    f->now_ms += 1;
    assert_string_equal(records(f, next, 1),
                        "ExpiredIteratorException: Iterator expired: it was issued more than 15 minutes ago");
}

static void test_refusals(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_STREAM_RECORDS, "", "{'ShardIterator':'what'}", "ValidationException: Invalid ShardIterator.");
    CHECK_RUN(f, OP_STREAM_RECORDS, "", "{'ShardIterator':'x|1|AAAA'}", "ValidationException: Invalid ShardIterator.");
    CHECK_RUN(f, OP_STREAM_RECORDS, "", "{}", "ValidationException: Invalid ShardIterator.");
    CHECK_RUN(f, OP_STREAM_DESCRIBE, "", "{'StreamArn':'" ARN "1'}",
              "ResourceNotFoundException: Requested resource not found: Stream: " ARN "1 not found");
    CHECK_RUN(f, OP_STREAM_ITERATOR, "", "{'StreamArn':'" ARN "','ShardId':'nope','ShardIteratorType':'LATEST'}",
              "ResourceNotFoundException: Requested resource not found: Shard: nope not found");
    assert_string_equal(iterator(f, "AT_SEQUENCE_NUMBER", "12"), "ValidationException: Invalid SequenceNumber: 12");
    assert_string_equal(iterator(f, "AT_SEQUENCE_NUMBER", "199999999999999999999"),
                        "ValidationException: Invalid SequenceNumber: 199999999999999999999");
    assert_non_null(strstr(iterator(f, "SOMEWHERE", NULL), "Member must satisfy enum value set"));
}

static void test_descriptions(void **state)
{
    struct table_fixture *f = *state;

    CHECK_RUN(f, OP_STREAM_LIST, "", "{}",
              "{'Streams':[{'StreamArn':'" ARN "','TableName':'events','StreamLabel':'2023-11-14T22:13:20.000'}]}");
    CHECK_RUN(f, OP_STREAM_LIST, "", "{'TableName':'people'}", "{'Streams':[]}");
    CHECK_RUN(f, OP_STREAM_DESCRIBE, "", "{'StreamArn':'" ARN "'}",
              "{'StreamDescription':{'StreamArn':'" ARN
              "','StreamLabel':'2023-11-14T22:13:20.000','StreamStatus':'ENABLED','StreamViewType':'NEW_AND_OLD_IMAGES',"
              "'CreationRequestDateTime':1700000000,'TableName':'events','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],"
              "'Shards':[{'ShardId':'" SHARD "','SequenceNumberRange':{'StartingSequenceNumber':'100000000000000000001'}}]}}");
    assert_non_null(
        strstr(table_fixture_run(f, OP_STREAM_DESCRIBE, "", "{'StreamArn':'" ARN "','ExclusiveStartShardId':'" SHARD "'}"),
               "'Shards':[]"));
    table_fixture_run(f, OP_TABLE_UPDATE, "people",
                      "{'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'NEW_IMAGE'}}");
    CHECK_RUN(f, OP_STREAM_LIST, "", "{'Limit':1}",
              "{'Streams':[{'StreamArn':'" ARN "','TableName':'events','StreamLabel':'2023-11-14T22:13:20.000'}],"
              "'LastEvaluatedStreamArn':'" ARN "'}");
    assert_non_null(strstr(table_fixture_run(f, OP_STREAM_LIST, "", "{'ExclusiveStartStreamArn':'" ARN "'}"), "table/people/"));
}

/* A page of DynamoDB has a megabyte: with images of 400 KB three records. */
static void test_large_records(void **state)
{
    struct table_fixture *f = *state;
    size_t size = 399 * 1024;
    char *text = malloc(size + 100);

    assert_non_null(text);
    for (int i = 0; i < 5; i++) {
        int head = snprintf(text, 100, "{'Item':{'id':'i%d','x':'", i);
        memset(text + head, 'x', size);
        memcpy(text + head + size, "'}}", 4);
        CHECK_RUN(f, OP_CREATE, "events", text, "{}");
    }
    free(text);
    const char *page = records(f, iterator(f, "TRIM_HORIZON", NULL), 1000);
    unsigned count = 0;
    for (const char *at = page; (at = strstr(at, "'eventName'")) != NULL; at++)
        count++;
    assert_int_equal(count, 3);
}

/* -- Order ---------------------------------------------------------------------------------------------------- */
/* Random batches, some of which are given up: what was read page by page in between is what was committed, in that order. */
static void test_no_record_is_missed(void **state)
{
    struct table_fixture *f = *state;
    uint64_t r = 99;
    char next[600], expected[200] = "";
    int made = 0;

    snprintf(next, sizeof next, "%s", iterator(f, "TRIM_HORIZON", NULL));
    for (int round = 0; round < 200; round++) {
        struct buf keep = {0}, out = {0};
        struct kv_txn *txn;
        bool changed, commit = xorshift_below(&r, 3) > 0;
        int batch = (int)xorshift_below(&r, 4);
        expected[0] = 0;
        assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
        assert_int_equal(table_begin(f->tables, txn, f->now_ms, &changed), KV_OK);
        for (int i = 0; i < batch; i++) {
            char text[80];
            snprintf(text, sizeof text, "{'Item':{'id':'i%d','n':%d}}", made + i, made + i);
            struct op op = {.code = OP_CREATE, .table = slice_text("events"), .payload = fixture_value(&keep, text)};
            buf_reset(&out);
            assert_int_equal(table_apply(f->tables, txn, &op, &out), KV_OK);
            snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%sINSERT i%d %d", i ? "; " : "",
                     made + i, made + i);
        }
        assert_int_equal(table_end(f->tables, txn), KV_OK);
        if (commit) {
            assert_int_equal(kv_commit(&txn), KV_OK);
            made += batch;
        } else
            expected[0] = 0;
        kv_abort(&txn);
        const char *page = records(f, next, 1000);
        snprintf(next, sizeof next, "%s", member(page, "NextShardIterator"));
        assert_string_equal(short_form(page), expected);
        buf_finish(&keep);
        buf_finish(&out);
    }
    assert_true(made > 100);
}

/* -- Retention ------------------------------------------------------------------------------------------------ */
static void test_trimming(void **state)
{
    struct table_fixture *f = *state;
    char first[600];

    for (int i = 0; i < 30; i++)
        put(f, "a", i);
    snprintf(first, sizeof first, "%s", iterator(f, "TRIM_HORIZON", NULL));
    f->now_ms += DAY_MS - 1000;
    put(f, "b", 1);
    table_fixture_chores(f, 7);
    assert_non_null(strstr(records(f, iterator(f, "TRIM_HORIZON", NULL), 1), "100000000000000000001"));
    f->now_ms += 62 * 1000;
    table_fixture_chores(f, 7);
    CHECK_STREAM(f, iterator(f, "TRIM_HORIZON", NULL), "INSERT b 1");
    const char *trimmed =
        "TrimmedDataAccessException: The operation attempted to read past the oldest stream record in a shard: it "
        "has been trimmed";
    assert_string_equal(iterator(f, "AT_SEQUENCE_NUMBER", "100000000000000000030"), trimmed);
    assert_string_equal(iterator(f, "AFTER_SEQUENCE_NUMBER", "100000000000000000030"), trimmed);
    CHECK_STREAM(f, iterator(f, "AT_SEQUENCE_NUMBER", "100000000000000000031"), "INSERT b 1");
    f->now_ms -= DAY_MS; /* as if the iterator were young */
    assert_string_equal(records(f, first, 10), trimmed);
    f->now_ms += DAY_MS;
    put(f, "b", 2); /* numbers go on */
    assert_non_null(strstr(records(f, iterator(f, "TRIM_HORIZON", NULL), 10), "100000000000000000032"));
}

static void test_trimming_with_crashes(void **state)
{
    struct table_fixture *f = *state;
    struct kv *faulty = kv_fault_create(f->kv);

    for (int i = 0; i < 300; i++)
        put(f, "a", i);
    f->now_ms += DAY_MS + 1;
    put(f, "a", 1000);
    chores_with_crashes(faulty, f->now_ms, KV_FATAL);
    CHECK_STREAM(f, iterator(f, "TRIM_HORIZON", NULL), "MODIFY a 1000");
    f->kv = faulty;
}

static size_t rows_in(struct kv *kv, enum kv_space space)
{
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, value;
    size_t count = 0;

    assert_int_equal(kv_begin(kv, KV_SNAPSHOT, &txn), KV_OK);
    assert_int_equal(kv_cursor_open(txn, space, &cursor), KV_OK);
    for (enum kv_result r = kv_seek(cursor, slice_of("", 0), &key, &value); r == KV_OK; r = kv_next(cursor, &key, &value))
        count++;
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    return count;
}

/* A stream that was switched off can be read to its end, for a day. */
static void test_closed(void **state)
{
    struct table_fixture *f = *state;
    char next[600];

    put(f, "a", 1);
    table_fixture_run(f, OP_TABLE_UPDATE, "events", "{'StreamSpecification':{'StreamEnabled':false}}");
    put(f, "a", 2);
    snprintf(next, sizeof next, "%s", iterator(f, "TRIM_HORIZON", NULL));
    const char *page = records(f, next, 10);
    assert_string_equal(short_form(page), "INSERT a 1");
    assert_null(strstr(page, "NextShardIterator"));
    page = table_fixture_run(f, OP_STREAM_DESCRIBE, "", "{'StreamArn':'" ARN "'}");
    assert_non_null(strstr(page, "'StreamStatus':'DISABLED'"));
    assert_non_null(strstr(page, "'EndingSequenceNumber':'100000000000000000001'"));
    f->now_ms += 1000;
    table_fixture_run(f, OP_TABLE_UPDATE, "events",
                      "{'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}}");
    put(f, "a", 3);
    assert_string_equal(short_form(records(f, next, 10)), "INSERT a 1"); /* another stream, which has the new one */
    f->now_ms += DAY_MS + 1;
    put(f, "a", 4);
    table_fixture_chores(f, 10);
    f->now_ms += 60 * 1000;
    table_fixture_chores(f, 10);
    CHECK_RUN(f, OP_STREAM_DESCRIBE, "", "{'StreamArn':'" ARN "'}",
              "ResourceNotFoundException: Requested resource not found: Stream: " ARN " not found");
    assert_int_equal(rows_in(f->kv, KV_STREAMS), 2); /* the end of the new stream, and its youngest record */
    table_fixture_run(f, OP_TABLE_DROP, "events", NULL);
    CHECK_RUN(f, OP_STREAM_LIST, "", "{}", "{'Streams':[]}");
    table_fixture_chores(f, 10);
    assert_int_equal(rows_in(f->kv, KV_STREAMS), 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stream, close_stream)
    const struct CMUnitTest tests[] = {
        EACH(test_events),
        EACH(test_record),
        cmocka_unit_test(test_views),
        EACH(test_iterators),
        EACH(test_refusals),
        EACH(test_descriptions),
        EACH(test_large_records),
        EACH(test_no_record_is_missed),
        EACH(test_trimming),
        EACH(test_trimming_with_crashes),
        EACH(test_closed),
    };
#undef EACH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
