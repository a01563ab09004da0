/* The wish to wait, in all the ways in which clients write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/prefer.h"

static struct http_fields fields;

static int read_of(const char *query, const char *header1, const char *header2, struct prefer *p)
{
    struct err e = {0};
    http_fields_reset(&fields);
    if (query)
        http_fields_add(&fields, slice_text("wait"), slice_text(query), true);
    if (header1)
        http_fields_add(&fields, slice_text("Prefer"), slice_text(header1), false);
    if (header2)
        http_fields_add(&fields, slice_text("prefer"), slice_text(header2), false);
    int result = prefer_read(&fields, p, &e);
    assert_int_equal(result == 0, e.code == ERR_NONE);
    return result;
}

static void nothing_is_no_wish(void **state)
{
    struct prefer p;
    (void)state;
    assert_int_equal(read_of(NULL, NULL, NULL, &p), 0);
    assert_int_equal(p.wait_ms, 0);
    assert_int_equal(read_of(NULL, "respond-async", "return=minimal", &p), 0);
    assert_int_equal(p.wait_ms, 0);
    assert_false(p.from_header);
}

static void headers(void **state)
{
    static const struct {
        const char *one, *two;
        int64_t wait_ms;
    } rows[] = {
        {"wait=10", NULL, 10000},
        {"Wait=10", NULL, 10000},
        {"wait = 10", NULL, 10000},
        {"wait=\"10\"", NULL, 10000},
        {"respond-async, wait=10", NULL, 10000},
        {"respond-async,wait=10;foo=bar", NULL, 10000},
        {"wait=10, respond-async", NULL, 10000},
        {"respond-async", "wait=7", 7000},
        {"foo=\"a, wait=3\", wait=4", NULL, 4000},
        {"foo=\"a\\\", wait=3\", wait=4", NULL, 4000},
        {"foo; wait=3, wait=4", NULL, 4000},
        {"wait=1, wait=2", NULL, 1000},
        {"wait=1", "wait=2", 1000},
        {"wait=0", NULL, 0},
        {"wait=30", NULL, 30000},
        {"wait=31", NULL, 30000},
        {"wait=999999999", NULL, 30000},
        {"waiting=5", NULL, 0},
        {"", NULL, 0},
        {",,", NULL, 0},
        {"\"", NULL, 0},
        {"foo=\"\\", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct prefer p;
        if (read_of(NULL, rows[i].one, rows[i].two, &p) != 0 || p.wait_ms != rows[i].wait_ms)
            fail_msg("%s: %lld ms", rows[i].one, (long long)p.wait_ms);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = {"wait=",     "wait",     "wait=a",   "wait=-1",        "wait=1.5",
                                      "wait=\"\"", "wait=\"1", "wait=1 2", "wait=9999999999"};
    struct prefer p;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_of(NULL, bad[i], NULL, &p) == 0)
            fail_msg("passed: %s", bad[i]);
    assert_int_equal(read_of("", NULL, NULL, &p), -1);
    assert_int_equal(read_of("x", NULL, NULL, &p), -1);
    assert_int_equal(read_of("-1", NULL, NULL, &p), -1);
}

static void the_query_counts_first(void **state)
{
    struct prefer p;
    (void)state;
    assert_int_equal(read_of("2", "wait=5", NULL, &p), 0);
    assert_int_equal(p.wait_ms, 2000);
    assert_false(p.from_header);
    assert_int_equal(read_of(NULL, "wait=5", NULL, &p), 0);
    assert_true(p.from_header);
    assert_int_equal(read_of("100", NULL, NULL, &p), 0);
    assert_int_equal(p.wait_ms, 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_wish),
        cmocka_unit_test(headers),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(the_query_counts_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
