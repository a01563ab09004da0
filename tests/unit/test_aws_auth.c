/* test_aws_auth.c - signatures: what is missing in them, and two that botocore made, right and with every part changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/aws_auth.h"

#define NINE_O_CLOCK_MS 1795251600000ll /* 2026-11-21T09:00:00Z */
#define MINUTE_MS 60000ll

static const char *const credentials[] = {"OTHER:x", "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
static struct http_fields fields;
static struct aws_error error;
static struct aws_authorization authorization;

static void field(const char *name, const char *value, bool query)
{
    http_fields_add(&fields, slice_text(name), slice_text(value), query);
}

static void header(const char *name, const char *value) { field(name, value, false); }

static void assert_error(const char *name, const char *sentence)
{
    assert_string_equal(error.name, name);
    if (!slice_equal(buf_slice(&error.sentence), slice_text(sentence)))
        fail_msg("%.*s", (int)error.sentence.len, (char *)error.sentence.data);
}

/* -- Reading ------------------------------------------------------------------------------------------------------ */
static void check_header(const char *value, const char *date, const char *name, const char *sentence)
{
    http_fields_reset(&fields);
    if (value)
        header("Authorization", value);
    if (date)
        header("Date", date);
    aws_error_reset(&error);
    assert_int_equal(aws_auth_read(&fields, &authorization, &error), name ? -1 : 0);
    if (name)
        assert_error(name, sentence);
}

static void test_what_is_missing_is_named(void **state)
{
    static const char missing[] = "MissingAuthenticationTokenException", incomplete[] = "IncompleteSignatureException";
    static const char token[] = "Request is missing Authentication Token";
    (void)state;
    check_header(NULL, NULL, missing, token);
    check_header("AWS4", NULL, missing, token);
    check_header("Bearer x", "a", missing, token);
    check_header("AWS4-", NULL, incomplete,
                 "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
                 "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
                 "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-");
    check_header("AWS4- Signature=b,Credential=a", "a", incomplete,
                 "Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4- Signature=b,Credential=a");
    check_header("AWS4-HMAC-SHA256 Credential=a/b/eu-west-1/d/e,SignedHeaders=host,Signature=x", "a", NULL, NULL);
    assert_true(slice_equal(aws_auth_region(&authorization), slice_text("eu-west-1")));
    check_header("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=x", "a", NULL, NULL);
    assert_int_equal(aws_auth_region(&authorization).len, 0);
}

static void test_in_the_query_string(void **state)
{
    (void)state;
    http_fields_reset(&fields);
    field("X-Amz-Algorithm", "", true);
    assert_int_equal(aws_auth_read(&fields, &authorization, &error), -1);
    assert_error(
        "IncompleteSignatureException",
        "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include "
        "'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must "
        "include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string "
        "parameters.");
    header("Authorization", "X");
    assert_int_equal(aws_auth_read(&fields, &authorization, &error), -1);
    assert_error("InvalidSignatureException",
                 "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.");
    static const char *const names[] = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders",
                                        "X-Amz-Date"};
    http_fields_reset(&fields);
    for (size_t i = 0; i < 5; i++)
        field(names[i], "a", true);
    aws_error_reset(&error);
    assert_int_equal(aws_auth_read(&fields, &authorization, &error), 0);
    struct aws_signed request = {"POST", "/", &fields, slice_text("")};
    assert_int_equal(aws_auth_verify(&authorization, &request, credentials, 2, NINE_O_CLOCK_MS, &error), -1);
    assert_string_equal(error.name, "MissingAuthenticationTokenException");
}

/* -- Verifying: made by botocore's SigV4Auth ---------------------------------------------------------------------- */
#define SCOPE "20261121/eu-west-1/dynamodb/aws4_request"
#define BODY "{\"TableName\":\"abc\"}"

/* A request as it was signed; a test changes one of its parts. */
struct example {
    const char *credential, *signed_headers, *signature, *date, *algorithm, *target, *body;
};

static const struct example good = {"AKIDEXAMPLE/" SCOPE,
                                    "content-type;host;x-amz-date;x-amz-target",
                                    "c03c832e67f99ebf061b26eb772f95fdb6469efc6f1cd7796d8bdf35e4956484",
                                    "20261121T090000Z",
                                    "AWS4-HMAC-SHA256",
                                    "DynamoDB_20120810.DescribeTable",
                                    BODY};

static int verify(const struct example *x, int64_t wall_ms)
{
    static char text[512];
    snprintf(text, sizeof text, "%s Credential=%s, SignedHeaders=%s, Signature=%s", x->algorithm, x->credential,
             x->signed_headers, x->signature);
    http_fields_reset(&fields);
    header("Host", "127.0.0.1:8080");
    header("Content-Type", "application/x-amz-json-1.0");
    header("X-Amz-Target", x->target);
    header("X-Amz-Date", x->date);
    header("Authorization", text);
    aws_error_reset(&error);
    if (aws_auth_read(&fields, &authorization, &error) != 0)
        return -1;
    struct aws_signed request = {"POST", "/", &fields, slice_text(x->body)};
    return aws_auth_verify(&authorization, &request, credentials, 2, wall_ms, &error);
}

static void test_a_right_signature(void **state)
{
    (void)state;
    assert_int_equal(verify(&good, NINE_O_CLOCK_MS), 0);
    assert_int_equal(verify(&good, NINE_O_CLOCK_MS + 15 * MINUTE_MS), 0);
    assert_int_equal(verify(&good, NINE_O_CLOCK_MS - 15 * MINUTE_MS), 0);
}

static void test_blanks_and_parameters_are_canonical(void **state)
{
    (void)state;
    http_fields_reset(&fields);
    header("Host", "127.0.0.1:8080");
    header("Content-Type", "application/x-amz-json-1.0");
    header("X-Amz-Target", "DynamoDB_20120810.DescribeTable");
    header("X-Spaces", "  a   b  c ");
    header("X-Amz-Date", "20261121T090000Z");
    header("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" SCOPE
                            ", SignedHeaders=content-type;host;x-amz-date;x-amz-target;x-spaces, "
                            "Signature=c35196bb5f9f3b3175ab2277e4ecc2204c407fdd7233142e4ae5401a10ddbc50");
    field("b", "2", true);
    field("a", "1", true);
    assert_int_equal(aws_auth_read(&fields, &authorization, &error), 0);
    struct aws_signed request = {"POST", "/", &fields, slice_text("")};
    assert_int_equal(aws_auth_verify(&authorization, &request, credentials, 2, NINE_O_CLOCK_MS, &error), 0);
}

static void test_every_change_is_noticed(void **state)
{
    (void)state;
    struct example x;
    static const char invalid[] = "InvalidSignatureException", incomplete[] = "IncompleteSignatureException";
#define CHANGED(member, value, want)                                                                                           \
    x = good;                                                                                                                  \
    x.member = value;                                                                                                          \
    assert_int_equal(verify(&x, NINE_O_CLOCK_MS), -1);                                                                         \
    assert_string_equal(error.name, want)
    CHANGED(body, "{\"TableName\":\"abd\"}", invalid);
    CHANGED(body, "", invalid);
    CHANGED(target, "DynamoDB_20120810.DeleteTable", invalid);
    CHANGED(date, "20261121T090001Z", invalid);
    CHANGED(signature, "c03c832e67f99ebf061b26eb772f95fdb6469efc6f1cd7796d8bdf35e4956485", invalid);
    CHANGED(signature, "c0", invalid);
    CHANGED(signed_headers, "content-type;host;x-amz-date", invalid);
    CHANGED(signed_headers, "content-type;x-amz-date;x-amz-target", invalid); /* without the host */
    CHANGED(signed_headers, "content-type;host;x-amz-date;x-not-there", invalid);
    CHANGED(credential, "OTHER/" SCOPE, invalid);
    CHANGED(credential, "AKIDEXAMPLE/20261121/eu-west-2/dynamodb/aws4_request", invalid);
    CHANGED(credential, "AKIDEXAMPLE/20261121/eu-west-1/sqs/aws4_request", invalid);
    CHANGED(credential, "AKIDEXAMPLE/20261121/eu-west-1/dynamodb/e", invalid);
    CHANGED(credential, "AKIDEXAMPLE/20261120/eu-west-1/dynamodb/aws4_request", invalid);
    CHANGED(credential, "AKIDEXAMPLE/eu-west-1/dynamodb/aws4_request", incomplete);
    CHANGED(credential, "AKIDEXAMPLE/" SCOPE "/more", incomplete);
    CHANGED(credential, "NOBODY/" SCOPE, "UnrecognizedClientException");
    CHANGED(algorithm, "AWS4-HMAC-SHA25", incomplete);
    CHANGED(date, "201", incomplete);
    CHANGED(date, "2026112xT090000Z", incomplete);
#undef CHANGED
}

static void test_old_and_future_signatures(void **state)
{
    (void)state;
    assert_int_equal(verify(&good, NINE_O_CLOCK_MS + 15 * MINUTE_MS + 1000), -1);
    assert_error("InvalidSignatureException",
                 "Signature expired: 20261121T090000Z is now earlier than 20261121T090001Z (20261121T091501Z - 15 min.)");
    assert_int_equal(verify(&good, NINE_O_CLOCK_MS - 15 * MINUTE_MS - 1000), -1);
    assert_error(
        "InvalidSignatureException",
        "Signature not yet current: 20261121T090000Z is still later than 20261121T085959Z (20261121T084459Z + 15 min.)");
}

static int finish(void **state)
{
    (void)state;
    aws_error_finish(&error);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_missing_is_named), cmocka_unit_test(test_in_the_query_string),
        cmocka_unit_test(test_a_right_signature),        cmocka_unit_test(test_blanks_and_parameters_are_canonical),
        cmocka_unit_test(test_every_change_is_noticed),  cmocka_unit_test(test_old_and_future_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
