/* test_sqs_message.c - messages of SQS: digests by the vectors of the real service, sizes, and what is refused in which words; attributes of queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/sqs_attributes.h"
#include "common/sqs_message.h"
#include "common/sqs_policy.h"

struct desk {
    struct json_parser *json;
    struct buf in, envelope;
    struct sqs_message m;
    struct sqs_error e;
};

static int setup(void **state)
{
    static struct desk d;
    memset(&d, 0, sizeof d);
    d.json = json_parser_create();
    *state = &d;
    return d.json ? 0 : -1;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    json_parser_destroy(&d->json);
    sqs_message_finish(&d->m);
    buf_finish(&d->in);
    buf_finish(&d->envelope);
    return 0;
}

static struct value value_from(struct desk *d, const char *json)
{
    struct err e;
    buf_reset(&d->in);
    if (json_to_value(d->json, slice_text(json), 20, &d->in, &e) != 0)
        fail_msg("%s: %s", json, e.text);
    return value_of(buf_slice(&d->in));
}

static int read_message(struct desk *d, bool fifo, const char *json)
{
    struct value in = value_from(d, json);
    sqs_message_finish(&d->m);
    d->e.code = SQS_NONE;
    return sqs_message_read(&in, fifo, &d->m, &d->e);
}

static void refused(struct desk *d, bool fifo, const char *json, enum sqs_error_code code, const char *text)
{
    assert_int_equal(read_message(d, fifo, json), -1);
    assert_int_equal(d->e.code, code);
    assert_string_equal(d->e.text, text);
}

static void digests_are_those_of_the_service(void **state)
{
    struct desk *d = *state;
    char md5[SQS_MD5_BYTES];
    assert_int_equal(
        read_message(
            d, false,
            "{\"MessageBody\":\"hello\",\"MessageAttributes\":{\"Hello\":{\"DataType\":\"String\",\"StringValue\":\"There\"},"
            "\"General\":{\"DataType\":\"String\",\"StringValue\":\"Kenobi\"},"
            "\"Help.Me\":{\"DataType\":\"String\",\"StringValue\":\"Me\"}}}"),
        0);
    assert_int_equal(sqs_md5(d->m.body, md5), 0);
    assert_string_equal(md5, "5d41402abc4b2a76b9719d911017c592");
    assert_int_equal(sqs_md5_attributes(d->m.attributes, d->m.attribute_count, md5), 0);
    assert_string_equal(md5, "4c360f3fdafd970e05fae2f149d997f5");
    assert_int_equal(d->m.size, 5 + 3 * 6 + 5 + 5 + 7 + 6 + 7 + 2);
    assert_int_equal(
        read_message(
            d, false,
            "{\"MessageBody\":\"x\",\"MessageAttributes\":{\"Foo\":{\"DataType\":\"String\",\"StringValue\":\"Bar\"}}}"),
        0);
    assert_int_equal(sqs_md5_attributes(d->m.attributes, d->m.attribute_count, md5), 0);
    assert_string_equal(md5, "ae7155c6026991b6d54b11589678bf9c");
}

static void a_message_becomes_an_envelope(void **state)
{
    struct desk *d = *state;
    struct envelope e;
    struct envelope_attribute a;
    assert_int_equal(
        read_message(
            d, true,
            "{\"MessageBody\":\"b\",\"MessageGroupId\":\"g\",\"MessageDeduplicationId\":\"d\",\"MessageAttributes\":{\"n\":{"
            "\"DataType\":\"Binary.x\",\"BinaryValue\":\"aGk=\"}},\"MessageSystemAttributes\":{\"AWSTraceHeader\":{"
            "\"DataType\":\"String\",\"StringValue\":\"Root=1\"}}}"),
        0);
    sqs_message_put(&d->envelope, &d->m, slice_text("KEY"));
    assert_int_equal(envelope_decode(buf_slice(&d->envelope), &e), 0);
    assert_true(slice_equal(e.body, slice_text("b")) && slice_equal(e.group_id, slice_text("g")) &&
                slice_equal(e.deduplication_id, slice_text("d")) && slice_equal(e.sender_id, slice_text("KEY")) &&
                slice_equal(e.trace_header, slice_text("Root=1")));
    assert_true(envelope_next(&e, &a) && slice_equal(a.name, slice_text("n")) && slice_equal(a.type, slice_text("Binary.x")) &&
                slice_equal(a.value, slice_text("hi")));
    assert_false(envelope_next(&e, &a));
    assert_int_equal(d->m.size, 1 + 1 + 8 + 2); /* the trace header does not count */
}

static void what_is_wrong_is_said_in_the_services_words(void **state)
{
    struct desk *d = *state;
    refused(d, false, "{}", SQS_MISSING, "The request must contain the parameter MessageBody.");
    refused(d, true, "{\"MessageBody\":\"x\"}", SQS_MISSING, "The request must contain the parameter MessageGroupId.");
    refused(d, true, "{\"MessageBody\":\"x\",\"MessageGroupId\":\"group 123\"}", SQS_PARAMETER,
            "Value group 123 for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and "
            "punctuation "
            "characters. 1 to 128 in length.");
    refused(d, true, "{\"MessageBody\":\"x\",\"MessageGroupId\":\"g\",\"DelaySeconds\":2}", SQS_PARAMETER,
            "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this "
            "queue type.");
    assert_int_equal(read_message(d, true, "{\"MessageBody\":\"x\",\"MessageGroupId\":\"g\",\"DelaySeconds\":0}"), 0);
    assert_int_equal(read_message(d, false, "{\"MessageBody\":\"x\",\"DelaySeconds\":900}"), 0);
    assert_int_equal(d->m.delay_ms, 900000);
    assert_int_equal(read_message(d, false, "{\"MessageBody\":\"x\",\"DelaySeconds\":901}"), -1);
    assert_int_equal(read_message(d, false, "{\"MessageBody\":\"x\",\"DelaySeconds\":\"5\"}"), 0);
    assert_int_equal(d->m.delay_ms, 5000);
    refused(d, false,
            "{\"MessageBody\":\"x\",\"MessageAttributes\":{\"ErrorDetails\":{\"DataType\":\"String\",\"StringValue\":\"\"}}}",
            SQS_PARAMETER, "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.");
    assert_int_equal(read_message(d, false, "{\"MessageBody\":\"\\u0001\"}"), -1);
    assert_int_equal(d->e.code, SQS_INVALID_CONTENTS);
    assert_int_equal(read_message(d, false, "{\"MessageBody\":\"\\uffff\"}"), -1);
    assert_int_equal(read_message(d, false, "{\"MessageBody\":\"\\t\\n\\r \\ud83d\\ude00\"}"), 0);
    static const char *const names[] = {".a", "a.", "a..b", "aws.x", "AMAZON.x", "a b", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char json[200];
        snprintf(json, sizeof json,
                 "{\"MessageBody\":\"x\",\"MessageAttributes\":{\"%s\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}}",
                 names[i]);
        assert_int_equal(read_message(d, false, json), -1);
    }
}

static void beyond_sqs_there_are_schedules_and_priorities(void **state)
{
    struct desk *d = *state;
    static const char json[] = "{\"MessageBody\":\"x\",\"MessageSystemAttributes\":{\"LeatDelaySeconds\":{\"DataType\":"
                               "\"Number\",\"StringValue\":\"86400\"},"
                               "\"LeatPriority\":{\"DataType\":\"Number\",\"StringValue\":\"3\"}}}";
    assert_int_equal(read_message(d, false, json), 0);
    assert_int_equal(d->m.delay_ms, 86400000);
    assert_int_equal(d->m.priority, 3);
    assert_int_equal(d->m.trace.value.len, 0);
    assert_int_equal(read_message(d, false,
                                  "{\"MessageBody\":\"x\",\"MessageSystemAttributes\":{\"LeatPriority\":{\"DataType\":"
                                  "\"Number\",\"StringValue\":\"4\"}}}"),
                     -1);
}

static void members_have_types(void **state)
{
    struct desk *d = *state;
    static const char *const good[] = {
        "{}",
        "{\"QueueUrl\":\"q\",\"DelaySeconds\":1,\"WaitTimeSeconds\":\"1\",\"AttributeNames\":[\"All\"],\"Tags\":{\"a\":\"b\"}}",
        "{\"QueueUrl\":null,\"Entries\":null,\"Tags\":\"\",\"Entries2\":1}",
        "{\"Entries\":[{\"Id\":\"a\",\"MessageAttributes\":{\"n\":{\"DataType\":\"x\"}}}]}",
    };
    static const char *const bad[] = {
        "{\"QueueUrl\":1}",
        "{\"DelaySeconds\":[]}",
        "{\"DelaySeconds\":true}",
        "{\"AttributeNames\":\"All\"}",
        "{\"AttributeNames\":[1]}",
        "{\"Attributes\":{\"a\":1}}",
        "{\"Attributes\":[]}",
        "{\"Entries\":{}}",
        "{\"Entries\":[\"a\"]}",
        "{\"Entries\":[{\"Id\":1}]}",
        "{\"Entries\":[{\"MessageAttributes\":[]}]}",
        "{\"MessageAttributes\":{\"a\":\"b\"}}",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct value in = value_from(d, good[i]);
        assert_int_equal(sqs_members_check(&in, &d->e), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct value in = value_from(d, bad[i]);
        assert_int_equal(sqs_members_check(&in, &d->e), -1);
        assert_int_equal(d->e.code, SQS_MALFORMED);
    }
}

static void errors_are_utf8(void **state)
{
    struct desk *d = *state;
    char text[800];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    for (int len = 690; len < 710; len++) {
        sqs_fail(&d->e, SQS_PARAMETER, "%.*s", len, text);
        assert_true(utf8_valid(slice_text(d->e.text)));
    }
}

static const struct sqs_place place = {.region = {(const unsigned char *)"us-east-1", 9},
                                       .account = {(const unsigned char *)"123456789012", 12}};

static void attributes_become_settings(void **state)
{
    struct desk *d = *state;
    struct value none = {.type = VALUE_NONE};
    struct value given =
        value_from(d, "{\"DelaySeconds\":\"5\",\"FifoQueue\":\"true\",\"ContentBasedDeduplication\":\"true\",\"RedrivePolicy\":"
                      "\"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:us-east-1:123456789012:dead.fifo\\\","
                      "\\\"maxReceiveCount\\\":\\\"3\\\"}\"}");
    struct slice name = slice_text("q.fifo");
    struct buf document = {0}, scratch = {0};
    struct queue_attributes a;
    assert_int_equal(sqs_attributes_check(&given, name, true, &d->e), 0);
    sqs_document_put(&document, &none, &given, &none);
    struct value made = value_of(buf_slice(&document));
    assert_int_equal(sqs_attributes_apply(&made, name, &place, &a, &scratch, &d->e), 0);
    assert_true(a.kind == QUEUE_FIFO && a.delay_ms == 5000 && a.visibility_ms == 30000 && a.retention_ms == 345600000 &&
                a.max_message_bytes == 1048576 && a.content_deduplication && a.max_receive_count == 3);
    assert_true(slice_equal(a.dead_letter, slice_text("us-east-1/dead.fifo")));
    struct buf other = {0};
    struct json_parser *parser = json_parser_create();
    struct err e;
    assert_int_equal(json_to_value(parser, slice_text("{\"DelaySeconds\":\"5\",\"VisibilityTimeout\":\"30\"}"), 5, &other, &e),
                     0);
    struct value same = value_of(buf_slice(&other));
    assert_int_equal(sqs_attributes_differ(&made, &same, true).len, 0);
    buf_reset(&other);
    assert_int_equal(json_to_value(parser, slice_text("{\"VisibilityTimeout\":\"31\"}"), 5, &other, &e), 0);
    struct value different = value_of(buf_slice(&other));
    assert_true(slice_equal(sqs_attributes_differ(&made, &different, true), slice_text("VisibilityTimeout")));
    json_parser_destroy(&parser);
    buf_finish(&other);
    buf_finish(&document);
    buf_finish(&scratch);
}

static void wrong_attribute(struct desk *d, const char *queue, const char *json, enum sqs_error_code code, const char *text)
{
    struct value given = value_from(d, json);
    assert_int_equal(sqs_attributes_check(&given, slice_text(queue), true, &d->e), -1);
    assert_int_equal(d->e.code, code);
    if (text)
        assert_string_equal(d->e.text, text);
}

static void attributes_are_checked(void **state)
{
    struct desk *d = *state;
    wrong_attribute(d, "q", "{\"Nothing\":\"1\"}", SQS_ATTRIBUTE_NAME, "Unknown Attribute Nothing.");
    wrong_attribute(d, "q", "{\"ContentBasedDeduplication\":\"true\"}", SQS_ATTRIBUTE_NAME,
                    "Unknown Attribute ContentBasedDeduplication.");
    wrong_attribute(d, "q", "{\"FifoQueue\":\"false\"}", SQS_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.");
    wrong_attribute(d, "q", "{\"DeduplicationScope\":\"queue\"}", SQS_ATTRIBUTE_NAME,
                    "You can specify the DeduplicationScope only when FifoQueue is set to true.");
    wrong_attribute(d, "q", "{\"VisibilityTimeout\":\"43201\"}", SQS_ATTRIBUTE_VALUE,
                    "Invalid value for the parameter VisibilityTimeout.");
    wrong_attribute(d, "q", "{\"DelaySeconds\":\"-1\"}", SQS_ATTRIBUTE_VALUE, NULL);
    wrong_attribute(d, "q", "{\"MaximumMessageSize\":\"1023\"}", SQS_ATTRIBUTE_VALUE, NULL);
    wrong_attribute(d, "q.fifo", "{}", SQS_PARAMETER, NULL);
    assert_true(sqs_queue_name_valid(slice_text("a-_9.fifo")));
    assert_false(sqs_queue_name_valid(slice_text("a.b")));
    assert_false(sqs_queue_name_valid(slice_text("")));
    assert_false(
        sqs_queue_name_valid(slice_text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

static void policies_are_written_and_read(void **state)
{
    struct desk *d = *state;
    struct value in = value_from(d, "{\"Label\":\"l\",\"AWSAccountIds\":[\"111122223333\"],\"Actions\":[\"ReceiveMessage\"]}");
    struct buf policy = {0}, without = {0};
    assert_int_equal(sqs_policy_change(d->json, slice_text(""), &in, true, &place, slice_text("q"), &policy, &d->e), 0);
    buf_byte(&policy, 0);
    policy.len--;
    assert_string_equal(
        (const char *)policy.data,
        "{\"Version\":\"2008-10-17\",\"Id\":\"arn:aws:sqs:us-east-1:123456789012:q/"
        "SQSDefaultPolicy\",\"Statement\":[{\"Sid\":\"l\","
        "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"SQS:ReceiveMessage\","
        "\"Resource\":\"arn:aws:sqs:us-east-1:123456789012:q\"}]}");
    assert_int_equal(sqs_policy_change(d->json, buf_slice(&policy), &in, true, &place, slice_text("q"), &without, &d->e), -1);
    assert_string_equal(d->e.text, "Value l for parameter Label is invalid. Reason: Already exists.");
    assert_int_equal(sqs_policy_change(d->json, buf_slice(&policy), &in, false, &place, slice_text("q"), &without, &d->e), 0);
    assert_int_equal(without.len, 0);
    assert_true(sqs_redrive_allowed(slice_text(""), slice_text("x")));
    assert_false(sqs_redrive_allowed(slice_text("{\"redrivePermission\":\"denyAll\"}"), slice_text("x")));
    assert_true(
        sqs_redrive_allowed(slice_text("{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"x\"]}"), slice_text("x")));
    assert_false(
        sqs_redrive_allowed(slice_text("{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"y\"]}"), slice_text("x")));
    buf_finish(&policy);
    buf_finish(&without);
}

/* A tenant, a key: whoever sends the message, the broker must be told the same. */
static void what_the_broker_is_told_follows_from_the_message(void **state)
{
    struct desk *d = *state;
    unsigned char key[SQS_KEY_BYTES], other[SQS_KEY_BYTES];
    struct queue_send send;
    uint64_t group;
    assert_int_equal(read_message(d, false, "{\"MessageBody\":\"x\",\"DelaySeconds\":3}"), 0);
    assert_int_equal(sqs_message_send(&d->m, false, buf_slice(&d->envelope), key, &send), 0);
    assert_true(send.group == 0 && send.key.len == 0 && send.flags == 0 && send.delay_ms == 3000 && send.size == 1);
    assert_true(slice_equal(send.body, buf_slice(&d->envelope)));
    assert_int_equal(read_message(d, true, "{\"MessageBody\":\"x\",\"MessageGroupId\":\"g\"}"), 0);
    assert_int_equal(sqs_message_send(&d->m, true, buf_slice(&d->envelope), key, &send), 0);
    group = send.group;
    assert_true(group != 0 && send.key.len == SQS_KEY_BYTES && send.flags == QUEUE_CONTENT_KEY);
    /* an id that reads like the content is another key */
    assert_int_equal(read_message(d, true, "{\"MessageBody\":\"y\",\"MessageGroupId\":\"g\",\"MessageDeduplicationId\":\"x\"}"),
                     0);
    assert_int_equal(sqs_message_send(&d->m, true, buf_slice(&d->envelope), other, &send), 0);
    assert_true(send.group == group && send.flags == 0 && memcmp(key, other, sizeof key) != 0);
}

static void a_pause_keeps_what_the_queue_is(void **state)
{
    struct desk *d = *state;
    struct buf document = {0}, scratch = {0};
    struct value given = value_from(d, "{\"DelaySeconds\":\"5\"}"), none = {.type = VALUE_NONE}, made;
    sqs_document_put(&document, &none, &given, &none);
    struct queue_description q = {.version = 7, .document = buf_slice(&document), .attributes = {.delay_ms = 5000}};
    struct queue_request request;
    sqs_define_paused(&q, true, &scratch, &request);
    made = value_of(request.define.document);
    assert_true(request.verb == QUEUE_VERB_CHANGE && request.define.version == 7 && request.define.attributes.paused);
    assert_true(request.define.attributes.delay_ms == 5000);
    assert_true(slice_equal(sqs_attribute_text(&made, "LeatPaused", false), slice_text("true")));
    assert_true(slice_equal(sqs_attribute_text(&made, "DelaySeconds", false), slice_text("5")));
    sqs_define_paused(&q, false, &scratch, &request);
    made = value_of(request.define.document);
    assert_true(!request.define.attributes.paused && sqs_attribute_text(&made, "LeatPaused", false).len == 0);
    q.document = slice_text(""); /* leat's own, that nobody has changed yet */
    sqs_define_paused(&q, true, &scratch, &request);
    made = value_of(request.define.document);
    assert_true(request.define.attributes.paused);
    assert_true(slice_equal(sqs_attribute_text(&made, "LeatPaused", false), slice_text("true")));
    buf_finish(&document);
    buf_finish(&scratch);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(digests_are_those_of_the_service),
        TEST(a_message_becomes_an_envelope),
        TEST(what_is_wrong_is_said_in_the_services_words),
        TEST(beyond_sqs_there_are_schedules_and_priorities),
        TEST(members_have_types),
        TEST(errors_are_utf8),
        TEST(attributes_become_settings),
        TEST(attributes_are_checked),
        TEST(policies_are_written_and_read),
        TEST(what_the_broker_is_told_follows_from_the_message),
        TEST(a_pause_keeps_what_the_queue_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
