/* aws.c - "HEADER: VALUE" lines and "?NAME=VALUE" lines, a blank line, the body: what an AWS request says before its JSON is looked at. */
#include <string.h>

#include "common/json_cursor.h"
#include "gateway/aws_auth.h"
#include "gateway/coding.h"
#include "tests/fuzz/fuzz.h"

#define BODY_MAX 100000u

static void read_fields(struct http_fields *f, struct slice head)
{
    while (fuzz_more(&head)) {
        struct slice line = fuzz_until(&head, "\n");
        bool query = line.len > 0 && line.ptr[0] == '?';
        if (query)
            fuzz_bytes(&line, 1);
        struct slice name = fuzz_until(&line, query ? "=" : ": ");
        http_fields_add(f, name, line, query);
    }
}

static void check_refusal(struct aws_error *e)
{
    struct buf body = {0};
    fuzz_check(e->name && e->sentence.len > 0);
    fuzz_check(aws_error_put(&body, slice_text(e->name), buf_slice(&e->sentence)) == 400);
    fuzz_check(json_is_valid(buf_slice(&body)));
    buf_finish(&body);
}

static void check_signature(const struct http_fields *f, struct slice body)
{
    static const char *const credentials[] = {"AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
    struct aws_signed request = {.method = "POST", .path = "/", .fields = f, .body = body};
    struct aws_authorization a;
    struct aws_error e = {0};
    if (aws_auth_read(f, &a, &e) != 0) {
        check_refusal(&e);
    } else {
        aws_auth_region(&a);
        if (aws_auth_verify(&a, &request, credentials, 1, FUZZ_NOW_MS, &e) != 0)
            check_refusal(&e);
    }
    aws_error_finish(&e);
}

static void check_codings(const struct http_fields *f, struct slice body)
{
    struct buf out = {0}, packed = {0}, again = {0};
    struct slice accept = slice_text("");
    http_header_get(f, "accept-encoding", 0, &accept);
    enum coding coding = coding_choose(accept);
    fuzz_check(strlen(coding_name(coding)) > 0);
    enum coding_result result = coding_gunzip(body, BODY_MAX, &out);
    fuzz_check(result != CODING_OK || out.len <= BODY_MAX);
    fuzz_check(out.len <= BODY_MAX + 1);
    fuzz_check(coding_compress(CODING_GZIP, body, &packed) == 0);
    fuzz_check(coding_gunzip(buf_slice(&packed), body.len, &again) == CODING_OK && slice_equal(buf_slice(&again), body));
    buf_finish(&out);
    buf_finish(&packed);
    buf_finish(&again);
}

void fuzz_aws(struct slice input)
{
    static struct http_fields f;
    http_fields_reset(&f);
    read_fields(&f, fuzz_until(&input, "\n\n"));
    check_signature(&f, input);
    check_codings(&f, input);
}
