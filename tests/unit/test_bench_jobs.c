/* test_bench_jobs.c - mixes and files of jobs, as JSON and as the queue takes them; URLs and the heads of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench_jobs.h"
#include "cli/bench_target.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/version.h"

#define TABLE "lambda-apigateway:id"

static struct bench_jobs jobs;

static int end(void **state)
{
    (void)state;
    bench_jobs_finish(&jobs);
    return 0;
}

static void mix(const char *text, uint32_t items)
{
    struct err e = {0};
    bench_jobs_finish(&jobs);
    if (bench_jobs_init_mix(&jobs, text, TABLE, items, &e) != 0)
        fail_msg("%s: %s", text, e.text);
}

static void weights_are_kept(void **state)
{
    (void)state;
    static const char *const names[] = {"create", "read", "update"};
    int seen[3] = {0};
    mix("create=50,read=40,update=10", 1000);
    for (int i = 0; i < 10000; i++) {
        const struct bench_job *job = bench_jobs_next(&jobs);
        for (int k = 0; k < 3; k++) {
            char start[64];
            int len = snprintf(start, sizeof start, "{\"operation\":\"%s\",", names[k]);
            seen[k] += memcmp(job->json.data, start, (size_t)len) == 0;
        }
    }
    assert_int_equal(seen[0] + seen[1] + seen[2], 10000);
    assert_in_range(seen[0], 4800, 5200);
    assert_in_range(seen[1], 3800, 4200);
    assert_in_range(seen[2], 900, 1100);
}

static uint32_t item_of(const struct bench_job *job)
{
    char digits[9] = {0};
    memcpy(digits, job->json.data + job->json_id_at, 8);
    return (uint32_t)strtoul(digits, NULL, 10);
}

static void every_item_has_its_turn(void **state)
{
    (void)state;
    int seen[10] = {0};
    mix("create=1", 10);
    for (int i = 0; i < 1000; i++) {
        uint32_t item = item_of(bench_jobs_next(&jobs));
        assert_in_range(item, 0, 9);
        seen[item]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 50, 150);
}

static void runs_are_alike(void **state)
{
    (void)state;
    uint32_t first[100];
    mix("create=1", BENCH_ITEMS_MAX);
    for (int i = 0; i < 100; i++)
        first[i] = item_of(bench_jobs_next(&jobs));
    mix("create=1", BENCH_ITEMS_MAX);
    for (int i = 0; i < 100; i++)
        assert_int_equal(item_of(bench_jobs_next(&jobs)), first[i]);
}

/* Each operation's JSON is one the stack's own parser takes, and the same as what is encoded, digits included. */
static void json_and_encoded_say_the_same(void **state)
{
    (void)state;
    struct err e = {0};
    struct json_parser *parser = json_parser_create();
    struct buf text = {0};
    unsigned codes = 0;
    mix("create=1,read=1,update=1,delete=1,list=1,echo=1,ping=1", 5000000);
    assert_int_equal(bench_jobs_encode(&jobs, &e), 0);
    for (int i = 0; i < 300; i++) {
        const struct bench_job *job = bench_jobs_next(&jobs);
        struct op op;
        assert_int_equal(op_decode(buf_slice(&job->encoded), &op), 0);
        codes |= 1u << op.code;
        buf_reset(&text);
        assert_int_equal(json_to_value(parser, buf_slice(&job->json), LIMIT_JSON_DEPTH, &text, &e), 0);
        struct value entry = value_of(buf_slice(&text)), payload = value_map_get(&entry, slice_text("payload"));
        assert_true(value_equal(&payload, &op.payload));
        assert_true(op.code == job->op.code && value_equal(&op.payload, &job->op.payload));
        assert_true(slice_equal(op.table, op_needs_table(op.code) ? slice_text("lambda-apigateway") : slice_text("")));
    }
    assert_int_equal(codes, (1u << (OP_LAST_OF_USERS + 1)) - 1);
    buf_finish(&text);
    json_parser_destroy(&parser);
}

static void mixes_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "create",
                                        "create=",
                                        "create=x",
                                        "fly=1",
                                        "create=1,",
                                        ",create=1",
                                        "create=-1",
                                        "create=1.5",
                                        "create= 1",
                                        "create=0",
                                        "Create=1",
                                        "create=1;read=1",
                                        "lookup=1",
                                        "=1",
                                        "create=1000001",
                                        "create=99999999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err e = {0};
        if (bench_jobs_init_mix(&jobs, texts[i], TABLE, 10, &e) == 0)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_int_equal(e.code, ERR_VALIDATION);
        bench_jobs_finish(&jobs);
    }
    mix("create=1000000,read=0", 1);
    assert_int_equal(jobs.count, 1);
}

static void tables_of_a_mix(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(bench_jobs_init_mix(&jobs, "create=1", "orders:number:N", 10, &e), -1);
    bench_jobs_finish(&jobs);
    assert_int_equal(bench_jobs_init_mix(&jobs, "create=1", "orders:a,b", 10, &e), -1);
    bench_jobs_finish(&jobs);
    assert_int_equal(bench_jobs_init_mix(&jobs, "create=1", "orders", 10, &e), -1);
    bench_jobs_finish(&jobs);
    assert_int_equal(bench_jobs_init_mix(&jobs, "read=1", "orders:the \"key\"", 10, &e), 0);
    assert_non_null(memmem(jobs.at[0].json.data, jobs.at[0].json.len, "\"the \\\"key\\\"\":\"bench-", 21));
    assert_int_equal(bench_jobs_encode(&jobs, &e), 0);
}

/* -- Files ---------------------------------------------------------------------------------------------------------------------- */
static int from_text(const char *text, struct err *e)
{
    const char *folder = getenv("TMPDIR");
    char name[256];
    snprintf(name, sizeof name, "%s/leat-bench-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    bench_jobs_finish(&jobs);
    int result = bench_jobs_init_file(&jobs, name, e);
    unlink(name);
    return result;
}

static void expect_next(const char *text)
{
    const struct bench_job *job = bench_jobs_next(&jobs);
    assert_int_equal(job->json.len, strlen(text));
    assert_memory_equal(job->json.data, text, strlen(text));
}

static void lines_go_round(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(from_text("{\"a\":1}\n\n  \r\n{\"b\":22}\r\n{\"c\":3}", &e), 0);
    assert_int_equal(jobs.count, 3);
    assert_int_equal(jobs.largest, 8);
    for (int i = 0; i < 3; i++) {
        expect_next("{\"a\":1}");
        expect_next("{\"b\":22}");
        expect_next("{\"c\":3}");
    }
}

static void files_that_hold_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(from_text("\n \n", &e), -1);
    assert_int_equal(e.code, ERR_VALIDATION);
    bench_jobs_finish(&jobs);
    assert_int_equal(bench_jobs_init_file(&jobs, "/nowhere/at/all", &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    bench_jobs_finish(&jobs);
    assert_int_equal(bench_jobs_init_file(&jobs, "/", &e), -1);
}

static void a_line_that_is_too_long(void **state)
{
    (void)state;
    struct err e = {0};
    char *text = malloc(LIMIT_BODY_BYTES + 2);
    assert_non_null(text);
    memset(text, 'x', LIMIT_BODY_BYTES + 1);
    text[LIMIT_BODY_BYTES + 1] = '\0';
    assert_int_equal(from_text(text, &e), -1);
    text[LIMIT_BODY_BYTES] = '\0';
    assert_int_equal(from_text(text, &e), 0);
    free(text);
}

static void what_the_queue_would_not_take_is_named(void **state)
{
    (void)state;
    static const char *const lines[] = {"{\"operation\":\"fly\"}", "nonsense", "{\"operation\":\"read\"}", "[]",
                                        "{\"operation\":\"read\",\"tableName\":7}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct err e = {0};
        char text[200];
        snprintf(text, sizeof text, "{\"operation\":\"ping\"}\n%s\n", lines[i]);
        assert_int_equal(from_text(text, &e), 0);
        assert_int_equal(bench_jobs_encode(&jobs, &e), -1);
        assert_non_null(strstr(e.text, "job 2: "));
    }
}

/* -- URLs ------------------------------------------------------------------------------------------------------------------------ */
static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *port, *path;
    } rows[] = {
        {"http://127.0.0.1:8080", "127.0.0.1", "8080", ""},
        {"http://127.0.0.1:8080/", "127.0.0.1", "8080", "/"},
        {"http://gateway/prod/DynamoDBManager?wait=5#x", "gateway", "80", "/prod/DynamoDBManager?wait=5"},
        {"http://[::1]:65535/x", "::1", "65535", "/x"},
        {"http://[::1]", "::1", "80", ""},
        {"http://host?wait=5", "host", "80", "?wait=5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench_url url;
        struct err e = {0};
        if (bench_url_parse(rows[i].text, &url, &e) != 0)
            fail_msg("%s: %s", rows[i].text, e.text);
        assert_true(slice_equal(url.host, slice_text(rows[i].host)));
        assert_string_equal(url.port, rows[i].port);
        assert_true(slice_equal(url.path, slice_text(rows[i].path)));
    }
}

static void urls_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "127.0.0.1:8080",
                                        "https://host",
                                        "HTTP://host",
                                        "http://",
                                        "http://:80",
                                        "http://host:",
                                        "http://host:0",
                                        "http://host:65536",
                                        "http://host:123456",
                                        "http://host:8o",
                                        "http://host: 80",
                                        "http://host/a b",
                                        "http://host/a\r\nX: y",
                                        "http://host/\xc3\xa4",
                                        "http://user@host",
                                        "http://[::1",
                                        "http://[::1]8080",
                                        "http://[]:80"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bench_url url;
        struct err e = {0};
        if (bench_url_parse(texts[i], &url, &e) == 0)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_true(e.text[0]);
    }
    char long_one[4000] = "http://";
    memset(long_one + 7, 'h', sizeof long_one - 8);
    struct bench_url url;
    assert_int_equal(bench_url_parse(long_one, &url, NULL), -1);
    long_one[500] = '\0';
    assert_int_equal(bench_url_parse(long_one, &url, NULL), -1);
}

static void expect_request(const char *url, int64_t wait_s, bool lines, const char *expected)
{
    struct bench_target target;
    struct buf out = {0};
    struct err e = {0};
    assert_int_equal(bench_target_init(&target, url, wait_s, lines, &e), 0);
    bench_target_put(&target, slice_text("{\"a\":12345}"), &out);
    buf_byte(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    buf_finish(&out);
    bench_target_finish(&target);
}

static void requests(void **state)
{
    (void)state;
    expect_request("http://127.0.0.1:81", 0, false,
                   "POST /DynamoDBManager HTTP/1.1\r\nHost: 127.0.0.1:81\r\nUser-Agent: leat-bench/" LEAT_VERSION "\r\n"
                   "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"a\":12345}");
    expect_request("http://[::1]:81/x?y", 7, true,
                   "POST /x?y HTTP/1.1\r\nHost: [::1]:81\r\nUser-Agent: leat-bench/" LEAT_VERSION "\r\n"
                   "Content-Type: application/x-ndjson\r\nPrefer: wait=7\r\nContent-Length: 11\r\n\r\n{\"a\":12345}");
    expect_request("http://127.0.0.1?y", 0, false,
                   "POST /?y HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: leat-bench/" LEAT_VERSION "\r\n"
                   "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"a\":12345}");
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(weights_are_kept),
        TEST(every_item_has_its_turn),
        TEST(runs_are_alike),
        TEST(json_and_encoded_say_the_same),
        TEST(mixes_that_are_none),
        TEST(tables_of_a_mix),
        TEST(lines_go_round),
        TEST(files_that_hold_nothing),
        TEST(a_line_that_is_too_long),
        TEST(what_the_queue_would_not_take_is_named),
        TEST(urls),
        TEST(urls_that_are_none),
        TEST(requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
