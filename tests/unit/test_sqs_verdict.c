/* test_sqs_verdict.c - what a queue's policy says of whom: principals, patterns, conditions; and what is no policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/sqs_verdict.h"

#define QUEUE "arn:aws:sqs:eu-west-1:123456789012:q"

static struct json_parser *json;

static int setup(void **state)
{
    (void)state;
    json = json_parser_create();
    return json ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_parser_destroy(&json);
    return 0;
}

/* Of KEY in account 111111111111, about sendmessage. */
static enum sqs_verdict verdict(const char *policy)
{
    struct sqs_claim claim = {.caller = {slice_text("KEY"), slice_text("111111111111")},
                              .action = "sendmessage",
                              .arn = slice_text(QUEUE),
                              .region = slice_text("eu-west-1")};
    struct buf parsed = {0};
    struct err e;
    if (json_to_value(json, slice_text(policy), 20, &parsed, &e) != 0)
        fail_msg("%s: %s", policy, e.text);
    struct value v = value_of(buf_slice(&parsed));
    enum sqs_verdict result = sqs_policy_verdict(&v, &claim);
    buf_finish(&parsed);
    return result;
}

static bool is_valid(const char *policy)
{
    struct buf parsed = {0};
    struct err e;
    if (json_to_value(json, slice_text(policy), 20, &parsed, &e) != 0)
        return false;
    struct value v = value_of(buf_slice(&parsed));
    bool valid = sqs_policy_valid(&v);
    buf_finish(&parsed);
    return valid;
}

/* A policy of one statement, all of whose parts fit but for the one that is given. */
static enum sqs_verdict with(const char *format, const char *principal, const char *action, const char *resource)
{
    char policy[1000];
    snprintf(policy, sizeof policy, format, principal, action, resource);
    return verdict(policy);
}

#define ALLOW "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":%s,\"Action\":%s,\"Resource\":%s}]}"

static void who_is_meant(void **state)
{
    (void)state;
    static const char *const those[] = {
        "\"*\"",
        "{\"AWS\":\"*\"}",
        "{\"AWS\":\"111111111111\"}",
        "{\"AWS\":\"arn:aws:iam::111111111111:root\"}",
        "{\"AWS\":\"arn:aws:iam::111111111111:user/KEY\"}",
        "{\"AWS\":[\"222222222222\",\"111111111111\"]}",
    };
    static const char *const others[] = {
        "{\"AWS\":\"222222222222\"}",
        "{\"AWS\":\"arn:aws:iam::222222222222:root\"}",
        "{\"AWS\":\"arn:aws:iam::111111111111:user/KEYS\"}",
        "{\"Service\":\"sns.amazonaws.com\"}",
        "{\"AWS\":[]}",
        "{\"AWS\":\"arn:aws:iam::111111111111:user/*\"}",
    };
    for (size_t i = 0; i < sizeof those / sizeof those[0]; i++)
        assert_int_equal(with(ALLOW, those[i], "\"SQS:SendMessage\"", "\"" QUEUE "\""), SQS_ALLOWED);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(with(ALLOW, others[i], "\"SQS:SendMessage\"", "\"" QUEUE "\""), SQS_SILENT);
}

static void what_is_meant(void **state)
{
    (void)state;
    static const char *const those[] = {"\"SQS:SendMessage\"",
                                        "\"sqs:sendmessage\"",
                                        "\"sqs:*\"",
                                        "\"*\"",
                                        "\"sqs:Send*\"",
                                        "\"sqs:?endMessage\"",
                                        "[\"sqs:ReceiveMessage\",\"sqs:SendMessage\"]"};
    static const char *const others[] = {
        "\"sqs:ReceiveMessage\"", "\"sqs:SendMessag\"", "\"sqs:SendMessage?\"", "\"sns:*\"", "[]", "\"\""};
    static const char *const queues[] = {"\"" QUEUE "\"", "\"*\"", "\"arn:aws:sqs:*:123456789012:q*\""};
    static const char *const other_queues[] = {"\"arn:aws:sqs:eu-west-1:123456789012:Q\"", "\"arn:aws:sqs:*:*:*:?\"", "[]"};
    for (size_t i = 0; i < sizeof those / sizeof those[0]; i++)
        assert_int_equal(with(ALLOW, "\"*\"", those[i], "\"*\""), SQS_ALLOWED);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(with(ALLOW, "\"*\"", others[i], "\"*\""), SQS_SILENT);
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        assert_int_equal(with(ALLOW, "\"*\"", "\"*\"", queues[i]), SQS_ALLOWED);
    for (size_t i = 0; i < sizeof other_queues / sizeof other_queues[0]; i++)
        assert_int_equal(with(ALLOW, "\"*\"", "\"*\"", other_queues[i]), SQS_SILENT);
}

static void opposites(void **state)
{
    (void)state;
    assert_int_equal(
        verdict("{\"Statement\":{\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"222222222222\"},\"Action\":\"*\"}}"),
        SQS_ALLOWED);
    assert_int_equal(
        verdict("{\"Statement\":{\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"111111111111\"},\"Action\":\"*\"}}"),
        SQS_SILENT);
    assert_int_equal(verdict("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"sqs:Receive*\"}}"),
                     SQS_ALLOWED);
    assert_int_equal(verdict("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"sqs:Send*\"}}"),
                     SQS_SILENT);
    assert_int_equal(
        verdict("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"NotResource\":\"*:q\"}}"),
        SQS_SILENT);
    assert_int_equal(
        verdict("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"NotResource\":\"*:r\"}}"),
        SQS_ALLOWED);
    assert_int_equal(verdict("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\"}}"), SQS_SILENT);
    assert_int_equal(verdict("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\"}}"), SQS_SILENT);
}

static void a_denial_beats_every_permission(void **state)
{
    (void)state;
    assert_int_equal(verdict("{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"sqs:SendMessage\"},"
                             "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}]}"),
                     SQS_DENIED);
    assert_int_equal(verdict("{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"},"
                             "{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"111111111111\"},\"Action\":\"*\"}]}"),
                     SQS_DENIED);
    assert_int_equal(verdict("{\"Statement\":[]}"), SQS_SILENT);
    assert_int_equal(verdict("[]"), SQS_SILENT);
}

static enum sqs_verdict when(const char *effect, const char *condition)
{
    char policy[1000];
    snprintf(policy, sizeof policy,
             "{\"Statement\":[{\"Effect\":\"%s\",\"Principal\":\"*\",\"Action\":\"*\",\"Condition\":%s}]}", effect, condition);
    return verdict(policy);
}

static void conditions(void **state)
{
    (void)state;
    static const char *const those[] = {
        "{\"StringEquals\":{\"aws:PrincipalAccount\":\"111111111111\"}}",
        "{\"StringEquals\":{\"AWS:principalaccount\":[\"2\",\"111111111111\"]}}",
        "{\"StringLike\":{\"aws:username\":\"K*\"},\"StringNotEquals\":{\"aws:RequestedRegion\":\"us-east-1\"}}",
        "{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/KEY\"}}",
        "{\"Bool\":{\"aws:SecureTransport\":\"false\"}}",
        "{\"Bool\":{\"aws:SecureTransport\":false}}",
        "{\"StringNotEquals\":{\"aws:SourceVpc\":\"x\"}}",
        "{\"Null\":{\"aws:SourceVpc\":\"true\",\"aws:username\":\"false\"}}",
        "{\"StringEqualsIgnoreCase\":{\"aws:username\":\"key\"}}",
        "{}",
    };
    static const char *const others[] = {
        "{\"StringEquals\":{\"aws:PrincipalAccount\":\"222222222222\"}}",
        "{\"StringEquals\":{\"aws:username\":\"K*\"}}",
        "{\"StringEquals\":{\"aws:SourceVpc\":\"x\"}}",
        "{\"ArnEquals\":{\"aws:SourceArn\":\"*\"}}",
        "{\"Bool\":{\"aws:SecureTransport\":\"true\"}}",
        "{\"StringEquals\":{\"aws:username\":\"KEY\",\"aws:RequestedRegion\":\"us-east-1\"}}",
        "{\"StringNotLike\":{\"aws:username\":[\"x\",\"K*\"]}}",
        "{\"Null\":{\"aws:username\":\"true\"}}",
    };
    for (size_t i = 0; i < sizeof those / sizeof those[0]; i++) {
        assert_int_equal(when("Allow", those[i]), SQS_ALLOWED);
        assert_int_equal(when("Deny", those[i]), SQS_DENIED);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(when("Allow", others[i]), SQS_SILENT);
        assert_int_equal(when("Deny", others[i]), SQS_SILENT);
    }
    static const char unknown[] = "{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2020-01-01T00:00:00Z\"}}";
    assert_int_equal(when("Allow", unknown), SQS_SILENT);
    assert_int_equal(when("Deny", unknown), SQS_DENIED);
}

static void what_is_a_policy(void **state)
{
    (void)state;
    assert_true(is_valid("{\"Version\":\"2012-10-17\",\"Statement\":[]}"));
    assert_true(is_valid("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}}"));
    static const char *const bad[] = {
        "{}",
        "[]",
        "1",
        "{\"Statement\":1}",
        "{\"Statement\":[1]}",
        "{\"Statement\":[{\"Principal\":\"*\",\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"allow\",\"Principal\":\"*\",\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"me\",\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{},\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":1},\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotPrincipal\":\"*\",\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":[1]}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"NotAction\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Condition\":1}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Condition\":{\"Bool\":1}}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (is_valid(bad[i]))
            fail_msg("taken for a policy: %s", bad[i]);
}

/* 20 statements, 50 principals, 10 conditions, and one more of each. */
static void bounds_of_a_policy(void **state)
{
    (void)state;
    static const char statement[] = "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}";
    for (unsigned more = 0; more < 2; more++) {
        struct buf statements = {0}, principals = {0}, conditions_text = {0};
        buf_text(&statements, "{\"Statement\":[");
        buf_text(&principals, "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Principal\":{\"AWS\":[");
        buf_text(&conditions_text,
                 "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Principal\":\"*\",\"Condition\":{\"StringEquals\":{");
        for (unsigned i = 0; i < 20 + more; i++)
            buf_printf(&statements, "%s%s", i ? "," : "", statement);
        for (unsigned i = 0; i < 50 + more; i++)
            buf_printf(&principals, "%s\"%012u\"", i ? "," : "", i);
        for (unsigned i = 0; i < 10 + more; i++)
            buf_printf(&conditions_text, "%s\"aws:k%u\":\"v\"", i ? "," : "", i);
        buf_append(&statements, "]}", 3);
        buf_append(&principals, "]}}}", 5);
        buf_append(&conditions_text, "}}}}", 5);
        assert_int_equal(is_valid((char *)statements.data), !more);
        assert_int_equal(is_valid((char *)principals.data), !more);
        assert_int_equal(is_valid((char *)conditions_text.data), !more);
        buf_finish(&statements);
        buf_finish(&principals);
        buf_finish(&conditions_text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_meant),       cmocka_unit_test(what_is_meant),
        cmocka_unit_test(opposites),          cmocka_unit_test(a_denial_beats_every_permission),
        cmocka_unit_test(conditions),         cmocka_unit_test(what_is_a_policy),
        cmocka_unit_test(bounds_of_a_policy),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
