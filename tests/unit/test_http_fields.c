/* Headers: finding them, and refusing requests whose end two readers could see in different places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/http_fields.h"

static struct http_fields fields; /* too large for the stack of a test */

static void add(const char *name, const char *value) { http_fields_add(&fields, slice_text(name), slice_text(value), false); }

/* A request of the given "Name: value" pairs, NULL at the end, besides Host. */
static int check(bool version_1_1, struct err *e, const char *const *pairs)
{
    http_fields_reset(&fields);
    add("Host", "localhost:8080");
    for (; pairs && *pairs; pairs += 2)
        add(pairs[0], pairs[1]);
    *e = (struct err){0};
    return http_fields_check(&fields, version_1_1, e);
}

static void plain_requests_pass(void **state)
{
    struct err e;
    (void)state;
    assert_int_equal(check(true, &e, NULL), 0);
    assert_int_equal(fields.content_length, 0);
    assert_int_equal(check(true, &e, (const char *[]){"Content-Length", "1048577", "X-Tab", "a\tb", NULL}), 0);
    assert_int_equal(fields.content_length, 1048577);
    assert_false(fields.chunked);
    assert_int_equal(check(true, &e, (const char *[]){"transfer-encoding", "Chunked", NULL}), 0);
    assert_true(fields.chunked);
}

static void smuggling_is_refused(void **state)
{
    static const char *const bad[][5] = {
        {"Content-Length", "5", "Content-Length", "6", NULL},
        {"Content-Length", "5", "content-length", "5", NULL},
        {"Content-Length", "5", "Transfer-Encoding", "chunked", NULL},
        {"Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked", NULL},
        {"Transfer-Encoding", "gzip, chunked", NULL},
        {"Transfer-Encoding", "identity", NULL},
        {"Transfer-Encoding", "xchunked", NULL},
        {"Transfer-Encoding", "", NULL},
        {"Transfer-Encoding ", "chunked", NULL},
        {"Content-Length ", "5", NULL},
        {"Content-Length\t", "5", NULL},
        {" Content-Length", "5", NULL},
        {"", "5", NULL},
        {"Content-Length", "+5", NULL},
        {"Content-Length", "-5", NULL},
        {"Content-Length", "5, 5", NULL},
        {"Content-Length", "0x5", NULL},
        {"Content-Length", "", NULL},
        {"Content-Length", "5 ", NULL},
        {"Content-Length", "18446744073709551621", NULL},
        {"X-A", "b\rTransfer-Encoding: chunked", NULL},
        {"X-A", "b\nc", NULL},
        {"X-A\x80", "b", NULL},
        {"Host", "localhost", NULL},
        {"Host", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e;
        if (check(true, &e, bad[i]) == 0)
            fail_msg("passed: %s: %s", bad[i][0], bad[i][1]);
        assert_int_equal(e.code, ERR_BAD_REQUEST);
        assert_true(strlen(e.text) > 0);
    }
}

static void hosts_are_names(void **state)
{
    static const struct {
        const char *host;
        int result;
    } rows[] = {{"localhost", 0}, {"127.0.0.1:80", 0}, {"[::1]:8080", 0}, {"", 0},      {"a b", -1},
                {"a/b", -1},      {"a,b", -1},         {"user@host", -1}, {"a\x01", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        http_fields_reset(&fields);
        add("Host", rows[i].host);
        assert_int_equal(http_fields_check(&fields, true, &e), rows[i].result);
    }
}

static void version_1_0_has_its_own_rules(void **state)
{
    struct err e = {0};
    (void)state;
    http_fields_reset(&fields);
    assert_int_equal(http_fields_check(&fields, false, &e), 0);
    assert_int_equal(http_fields_check(&fields, true, &e), -1);
    assert_string_equal(e.text, "no Host");
    assert_int_equal(check(false, &e, (const char *[]){"Transfer-Encoding", "chunked", NULL}), -1);
}

static void too_many_fields_are_refused(void **state)
{
    struct err e = {0};
    (void)state;
    http_fields_reset(&fields);
    for (unsigned i = 0; i < HTTP_FIELDS_MAX; i++)
        add(i ? "X-A" : "Host", "b");
    assert_int_equal(http_fields_check(&fields, true, &e), 0);
    add("X-A", "b");
    assert_int_equal(http_fields_check(&fields, true, &e), -1);
    assert_int_equal(e.code, ERR_HEADERS_TOO_LARGE);
    http_fields_reset(&fields);
    add("Host", "b");
    assert_int_equal(http_fields_check(&fields, true, &e), 0);
}

static void fields_are_found(void **state)
{
    struct slice value;
    (void)state;
    http_fields_reset(&fields);
    add("Prefer", "wait=1");
    add("PREFER", "wait=2");
    http_fields_add(&fields, slice_text("wait"), slice_text("3"), true);
    http_fields_add(&fields, slice_text("wait"), slice_text("4"), true);
    http_fields_add(&fields, slice_text("prefer"), slice_text("5"), true);
    assert_true(http_header_get(&fields, "prefer", 0, &value) && slice_equal(value, slice_text("wait=1")));
    assert_true(http_header_get(&fields, "prefer", 1, &value) && slice_equal(value, slice_text("wait=2")));
    assert_false(http_header_get(&fields, "prefer", 2, &value));
    assert_false(http_header_get(&fields, "wait", 0, &value));
    assert_true(http_query_get(&fields, "wait", &value) && slice_equal(value, slice_text("3")));
    assert_false(http_query_get(&fields, "Wait", &value));
}

static void targets(void **state)
{
    (void)state;
    assert_string_equal(http_target_path("/jobs"), "/jobs");
    assert_string_equal(http_target_path("http://host:80/jobs"), "/jobs");
    assert_string_equal(http_target_path("HTTP://host/jobs"), "/jobs");
    assert_string_equal(http_target_path("http://host"), "/");
    assert_null(http_target_path(""));
    assert_null(http_target_path("*"));
    assert_null(http_target_path("jobs"));
    assert_null(http_target_path("/a b"));
    assert_null(http_target_path("/a\x7f"));
    assert_null(http_target_path("http:/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests_pass),
        cmocka_unit_test(smuggling_is_refused),
        cmocka_unit_test(hosts_are_names),
        cmocka_unit_test(version_1_0_has_its_own_rules),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(fields_are_found),
        cmocka_unit_test(targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
