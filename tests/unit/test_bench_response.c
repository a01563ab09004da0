/* test_bench_response.c - answers in whole and in pieces, and all that is refused instead of guessed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_response.h"
#include "common/limits.h"
#include "tests/lib/xorshift.h"

static struct bench_response r;

static int begin(void **state)
{
    (void)state;
    bench_response_finish(&r);
    memset(&r, 0, sizeof r);
    bench_response_reset(&r);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bench_response_finish(&r);
    memset(&r, 0, sizeof r);
    return 0;
}

/* Feeds the text in pieces of so many bytes; returns how many were taken. Each piece lies in memory of its own, so that the sanitizer
 * sees a look beyond it. */
static size_t feed(const char *text, size_t len, size_t piece)
{
    size_t at = 0;
    bench_response_reset(&r);
    while (at < len && r.state < BENCH_COMPLETE) {
        size_t part = len - at < piece ? len - at : piece;
        unsigned char *copy = malloc(part);
        assert_non_null(copy);
        memcpy(copy, text + at, part);
        size_t took = bench_response_feed(&r, copy, part);
        free(copy);
        at += took;
        if (took < part)
            break;
    }
    return at;
}

static void complete(const char *text, unsigned status, bool closes)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        size_t took = feed(text, strlen(text), piece);
        if (r.state != BENCH_COMPLETE || took != strlen(text) || r.status != status || r.close != closes)
            fail_msg("in pieces of %zu: state %d, %zu of %zu taken, status %u, %s", piece, r.state, took, strlen(text),
                     r.status, r.why ? r.why : "");
    }
}

static void whole_answers(void **state)
{
    (void)state;
    complete("HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhello", 202, false);
    complete("HTTP/1.1 200 OK\r\nDate: Sat\r\ncontent-length:0\r\nX: a:b:c\r\n\r\n", 200, false);
    complete("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2 \t\r\nConnection: close\r\n\r\n{}", 503, true);
    complete("HTTP/1.1 204\r\n\r\n", 204, false);
    complete("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, false);
    complete("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 200, false);
    complete("HTTP/1.1 200 OK\r\nContent-Length: 003\r\nContent-Length: 3\r\n\r\nabc", 200, false);
    complete("HTTP/1.1 200 OK\r\nCONNECTION: foo , Close\r\nContent-Length: 0\r\n\r\n", 200, true);
    complete(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 A\r\nContent-Length: 1\r\n\r\nx",
        202, false);
}

static void the_old_version_closes_unless_it_says_otherwise(void **state)
{
    (void)state;
    complete("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, true);
    complete("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", 200, false);
}

static void what_follows_is_left(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1";
    assert_int_equal(feed(text, sizeof text - 1, 1000), sizeof text - 1 - strlen("HTTP/1.1"));
    assert_int_equal(r.state, BENCH_COMPLETE);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunked"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\ntransfer-encoding: gzip\r\n\r\nx", "chunked"},
        {"HTTP/1.1 200 OK\r\n\r\nbody until the end", "no Content-Length"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "two lengths"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "makes sense"},
        {"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "makes sense"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", "makes sense"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n", "makes sense"},
        {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "makes sense"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\n", "makes sense"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "makes sense"},
        {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "without a name"},
        {"HTTP/1.1 200 OK\r\n: nameless\r\n\r\n", "without a name"},
        {"HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n", "without a name"},
        {"HTTP/2 200\r\n\r\n", "status line"},
        {"HTTP/1.1 2x0 OK\r\n\r\n", "status line"},
        {"HTTP/1.1 2000\r\n\r\n", "status line"},
        {"HTTP/1.1  200\r\n\r\n", "status line"},
        {"SSH-2.0-OpenSSH\r\n", "status line"},
        {"\r\n", "status line"},
        {"\n", "status line"},
        {"HTTP/1.1 000 Zero\r\n", "does not answer"},
        {"HTTP/1.1 099 Low\r\n", "does not answer"},
        {"HTTP/1.1 600 High\r\n", "does not answer"},
        {"HTTP/1.1 999 High\r\n", "does not answer"},
        {"HTTP/1.1 101 Switching Protocols\r\n", "does not answer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece <= strlen(rows[i].text); piece++) {
            feed(rows[i].text, strlen(rows[i].text), piece);
            if (r.state != BENCH_REFUSED || !strstr(r.why, rows[i].why))
                fail_msg("row %zu in pieces of %zu: state %d, %s", i, piece, r.state, r.why ? r.why : "no reason");
        }
}

static void a_head_without_end_is_refused(void **state)
{
    (void)state;
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\n", "X: y\r\n", "x"};
    for (size_t kind = 1; kind < 3; kind++) {
        begin(NULL);
        const char *part = pieces[0];
        size_t fed = 0;
        for (; r.state != BENCH_REFUSED && fed < 10 * LIMIT_HEADER_BYTES; part = pieces[kind])
            fed += bench_response_feed(&r, (const unsigned char *)part, strlen(part));
        assert_int_equal(r.state, BENCH_REFUSED);
        assert_true(fed <= LIMIT_HEADER_BYTES + 8);
        assert_true(r.line.cap <= 4 * LIMIT_HEADER_BYTES);
    }
}

static void interim_answers_without_end_are_refused(void **state)
{
    (void)state;
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    int count = 0;
    for (; r.state != BENCH_REFUSED && count < 1000; count++)
        bench_response_feed(&r, (const unsigned char *)interim, sizeof interim - 1);
    assert_true(count < 20);
}

static void words_of_an_error_are_kept(void **state)
{
    (void)state;
    char text[1000], body[400];
    memset(body, 'e', sizeof body);
    int len =
        snprintf(text, sizeof text, "HTTP/1.1 400 Bad\r\nContent-Length: %zu\r\n\r\n%.*s", sizeof body, (int)sizeof body, body);
    for (size_t piece = 1; piece < 300; piece += 7) {
        feed(text, (size_t)len, piece);
        assert_int_equal(r.state, BENCH_COMPLETE);
        assert_int_equal(r.words_len, BENCH_WORDS_BYTES);
        assert_memory_equal(r.words, body, BENCH_WORDS_BYTES);
    }
    feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", strlen("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 1000);
    assert_int_equal(r.words_len, 0);
}

/* -- Jobs inside of answers ----------------------------------------------------------------------------------------------------- */
static uint64_t errors_of(const char *body, size_t piece)
{
    struct bench_scan s = {0};
    for (size_t at = 0, len = strlen(body); at < len; at += piece)
        bench_scan_feed(&s, (const unsigned char *)body + at, len - at < piece ? len - at : piece);
    return s.errors;
}

static void failed_jobs_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        uint64_t errors;
    } rows[] = {
        {"", 0},
        {"{\"jobs\":[]}", 0},
        {"{\"jobs\":[{\"jobId\":\"a\",\"status\":\"queued\"}]}", 0},
        {"{\"jobs\":[{\"error\":{\"type\":\"X\"}},{\"jobId\":\"a\"},{\"error\":{}}]}", 2},
        {"{\"jobs\":[{ \"error\" : {} }]}", 1},
        {"{\"jobs\":[{\"jobId\":\"a\",\"result\":{\"Item\":{\"error\":{\"id\":1}}}}]}", 0},
        {"{\"jobs\":[{\"jobId\":\"a\",\"result\":{\"Item\":{\"x\":\"{[\\\\\\\"error\\\":{\"}}},{\"error\":{}}]}", 1},
        {"{\"jobs\":[{\"status\":\"error\"},{\"errors\":1},{\"erro\":1},{\"xerror\":1},{\"e\\rror\":1}]}", 0},
        {"{\"error\":{}}", 0},
        {"]]]]}}}}{\"a\":[{\"error\":1}]}", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece < 20; piece++)
            if (errors_of(rows[i].body, piece) != rows[i].errors)
                fail_msg("row %zu in pieces of %zu: %llu", i, piece, (unsigned long long)errors_of(rows[i].body, piece));
}

static void only_where_the_owner_asks(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 202 A\r\nContent-Length: 24\r\n\r\n{\"jobs\":[{\"error\":{}}]} ";
    feed(text, sizeof text - 1, 5);
    assert_int_equal(r.state, BENCH_COMPLETE);
    assert_int_equal(r.scan.errors, 0);
    r.count_jobs = true;
    feed(text, sizeof text - 1, 5);
    assert_int_equal(r.scan.errors, 1);
}

/* Whatever comes, it ends in a state that makes sense, and takes no more than it was given. */
static void noise(void **state)
{
    (void)state;
    static const char seed[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\nX: y\r\n\r\n{\"jobs\":[1]}";
    uint64_t random = 4711;
    for (int turn = 0; turn < 20000; turn++) {
        char text[sizeof seed];
        memcpy(text, seed, sizeof seed);
        for (size_t i = xorshift_below(&random, 6); i > 0; i--)
            text[xorshift_below(&random, sizeof seed)] = (char)xorshift(&random);
        r.count_jobs = turn % 2;
        size_t took = feed(text, sizeof seed, 1 + xorshift_below(&random, sizeof seed));
        assert_true(took <= sizeof seed);
        if (r.state == BENCH_COMPLETE)
            assert_in_range(r.status, 200, 599);
        else if (r.state == BENCH_REFUSED)
            assert_non_null(r.why);
        else
            assert_int_equal(took, sizeof seed);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_answers),
        TEST(the_old_version_closes_unless_it_says_otherwise),
        TEST(what_follows_is_left),
        TEST(refused),
        TEST(a_head_without_end_is_refused),
        TEST(interim_answers_without_end_are_refused),
        TEST(words_of_an_error_are_kept),
        TEST(failed_jobs_are_counted),
        TEST(only_where_the_owner_asks),
        TEST(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
