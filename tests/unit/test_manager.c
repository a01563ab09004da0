/* From JSON to an operation: every rule of a job, and its headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/limits.h"
#include "gateway/job_parse.h"

static struct json_parser *parser;
static struct buf bytes;

static int setup(void **state)
{
    (void)state;
    parser = json_parser_create();
    return parser ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_parser_destroy(&parser);
    buf_finish(&bytes);
    return 0;
}

static int parse(const char *json, struct op *op, struct err *e)
{
    *e = (struct err){0};
    buf_reset(&bytes);
    if (json_to_value(parser, slice_text(json), LIMIT_JSON_DEPTH, &bytes, e) != 0)
        return -1;
    struct value entry = value_of(buf_slice(&bytes));
    return job_parse(&entry, op, e);
}

static void good_jobs(void **state)
{
    static const struct {
        const char *json;
        enum op_code code;
        const char *table;
        enum value_type payload;
    } rows[] = {
        {"{\"operation\":\"create\",\"tableName\":\"lambda-apigateway\",\"payload\":{\"Item\":{\"id\":\"1\"}}}", OP_CREATE,
         "lambda-apigateway", VALUE_M},
        {"{\"payload\":{},\"tableName\":\"a.b\",\"operation\":\"read\"}", OP_READ, "a.b", VALUE_M},
        {"{\"operation\":\"update\",\"tableName\":\"a_b\",\"payload\":{}}", OP_UPDATE, "a_b", VALUE_M},
        {"{\"operation\":\"delete\",\"tableName\":\"A-9\",\"payload\":{}}", OP_DELETE, "A-9", VALUE_M},
        {"{\"operation\":\"list\",\"tableName\":\"abc\",\"payload\":{}}", OP_LIST, "abc", VALUE_M},
        {"{\"operation\":\"list\",\"tableName\":\"abc\"}", OP_LIST, "abc", VALUE_M},
        {"{\"operation\":\"echo\",\"payload\":{\"a\":1}}", OP_ECHO, "", VALUE_M},
        {"{\"operation\":\"echo\",\"payload\":null}", OP_ECHO, "", VALUE_NULL},
        {"{\"operation\":\"echo\",\"payload\":\"text\",\"tableName\":\"not looked at\"}", OP_ECHO, "", VALUE_S},
        {"{\"operation\":\"ping\"}", OP_PING, "", VALUE_NONE},
        {"{\"operation\":\"ping\",\"payload\":{}}", OP_PING, "", VALUE_M},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct op op;
        struct err e;
        if (parse(rows[i].json, &op, &e) != 0)
            fail_msg("%s: %s", rows[i].json, e.text);
        assert_int_equal(op.code, rows[i].code);
        assert_true(slice_equal(op.table, slice_text(rows[i].table)));
        assert_int_equal(op.payload.type, rows[i].payload);
    }
}

static void bad_jobs_name_what_is_wrong(void **state)
{
    static const struct {
        const char *json, *text;
        enum err_code code;
    } rows[] = {
        {"5", "object", ERR_VALIDATION},
        {"[]", "object", ERR_VALIDATION},
        {"{}", "operation is missing", ERR_VALIDATION},
        {"{\"operation\":null}", "operation must be a string", ERR_VALIDATION},
        {"{\"operation\":\"\"}", "Unrecognized operation \"\"", ERR_UNKNOWN_OPERATION},
        {"{\"operation\":\"Create\"}", "Unrecognized operation \"Create\"", ERR_UNKNOWN_OPERATION},
        {"{\"operation\":\"ping\",\"tablename\":\"abc\"}", "\"tablename\"", ERR_VALIDATION},
        {"{\"operation\":\"ping\",\"tableName\":5}", "tableName must be a string", ERR_VALIDATION},
        {"{\"operation\":\"read\",\"payload\":{}}", "tableName is missing", ERR_VALIDATION},
        {"{\"operation\":\"read\",\"tableName\":\"ab\",\"payload\":{}}", "at least 3", ERR_VALIDATION},
        {"{\"operation\":\"read\",\"tableName\":\"a/b\",\"payload\":{}}", "'a/b'", ERR_VALIDATION},
        {"{\"operation\":\"read\",\"tableName\":\"t\\u00e4b\",\"payload\":{}}", "regular expression", ERR_VALIDATION},
        {"{\"operation\":\"read\",\"tableName\":\"abc\"}", "payload is missing", ERR_VALIDATION},
        {"{\"operation\":\"read\",\"tableName\":\"abc\",\"payload\":\"x\"}", "payload must be an object", ERR_VALIDATION},
        {"{\"operation\":\"list\",\"tableName\":\"abc\",\"payload\":null}", "payload must be an object", ERR_VALIDATION},
        {"{\"operation\":\"echo\"}", "payload is missing", ERR_VALIDATION},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct op op;
        struct err e;
        assert_int_equal(parse(rows[i].json, &op, &e), -1);
        if (e.code != rows[i].code || !strstr(e.text, rows[i].text))
            fail_msg("%s: %s", rows[i].json, e.text);
    }
}

static void names_of_tables_have_a_length(void **state)
{
    char json[512], name[300];
    struct op op;
    struct err e;
    (void)state;
    for (size_t len = 250; len < 260; len++) {
        memset(name, 'n', len);
        name[len] = '\0';
        snprintf(json, sizeof json, "{\"operation\":\"list\",\"tableName\":\"%s\"}", name);
        assert_int_equal(parse(json, &op, &e), len <= LIMIT_TABLE_NAME_MAX ? 0 : -1);
    }
}

static void strangers_texts_are_cut_between_characters(void **state)
{
    struct buf json = {0};
    struct op op;
    struct err e;
    (void)state;
    buf_text(&json, "{\"operation\":\"x");
    for (int i = 0; i < 200; i++)
        buf_text(&json, "\xc3\xa4");
    buf_append(&json, "\"}", 3);
    assert_int_equal(parse((const char *)json.data, &op, &e), -1);
    buf_finish(&json);
    assert_true(strlen(e.text) < 200);
    assert_true(utf8_valid(slice_text(e.text)));
}

static void keys(void **state)
{
    char text[300];
    struct err e;
    (void)state;
    assert_int_equal(job_check_key(slice_text("a"), &e), 0);
    assert_int_equal(job_check_key(slice_text("!~0aZ\"quoted\""), &e), 0);
    assert_int_equal(job_check_key(slice_text(""), &e), -1);
    assert_int_equal(job_check_key(slice_text("a b"), &e), -1);
    assert_int_equal(job_check_key(slice_text("a\tb"), &e), -1);
    assert_int_equal(job_check_key(slice_text("\x7f"), &e), -1);
    assert_int_equal(job_check_key(slice_text("\xc3\xa4"), &e), -1);
    memset(text, 'k', sizeof text);
    assert_int_equal(job_check_key(slice_of(text, 255), &e), 0);
    assert_int_equal(job_check_key(slice_of(text, 256), &e), -1);
}

static void digests_tell_keys_and_positions_apart(void **state)
{
    static const struct {
        const char *key;
        uint32_t position;
    } rows[] = {{"a", UINT32_MAX}, {"b", UINT32_MAX}, {"a", 0}, {"a", 1}, {"a", 256}, {"b", 0}, {"aa", UINT32_MAX}};
    enum { COUNT = sizeof rows / sizeof rows[0] };
    unsigned char digest[COUNT][16], again[16];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(job_key_digest(slice_text(rows[i].key), rows[i].position, digest[i]), 0);
        assert_int_equal(job_key_digest(slice_text(rows[i].key), rows[i].position, again), 0);
        assert_memory_equal(digest[i], again, 16);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(digest[i], digest[k], 16);
    }
}

static void media_types(void **state)
{
    static const struct {
        const char *text;
        int media; /* -1: refused */
    } rows[] = {
        {"", JOB_MEDIA_JSON},
        {"application/json", JOB_MEDIA_JSON},
        {"Application/JSON; charset=UTF-8", JOB_MEDIA_JSON},
        {"application/json ;charset=utf-8", JOB_MEDIA_JSON},
        {"text/json", JOB_MEDIA_JSON},
        {"text/plain", JOB_MEDIA_JSON},
        {"application/octet-stream", JOB_MEDIA_JSON},
        {"application/x-www-form-urlencoded", JOB_MEDIA_JSON},
        {"application/x-ndjson", JOB_MEDIA_LINES},
        {"application/x-ndjson; x=y", JOB_MEDIA_LINES},
        {"application/jsonx", -1},
        {"text/html", -1},
        {"json", -1},
        {"*/*", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum job_media media;
        int result = job_media(slice_text(rows[i].text), &media);
        assert_int_equal(result, rows[i].media < 0 ? -1 : 0);
        if (result == 0)
            assert_int_equal((int)media, rows[i].media);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_jobs),
        cmocka_unit_test(bad_jobs_name_what_is_wrong),
        cmocka_unit_test(names_of_tables_have_a_length),
        cmocka_unit_test(strangers_texts_are_cut_between_characters),
        cmocka_unit_test(keys),
        cmocka_unit_test(digests_tell_keys_and_positions_apart),
        cmocka_unit_test(media_types),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
