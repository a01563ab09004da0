/* test_log.c - log lines: what reaches standard error, as text and as JSON, whatever the values are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#include "common/log.h"

#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

/* Standard error while a test listens: a file without a name. */
struct capture {
    int saved, file;
    char text[65536];
};

static void capture_start(struct capture *c)
{
    const char *folder = getenv("TMPDIR");
    char path[256];
    snprintf(path, sizeof path, "%.200s/leat-log-XXXXXX", folder ? folder : "/tmp");
    c->file = mkostemp(path, O_APPEND | O_CLOEXEC);
    assert_true(c->file >= 0);
    assert_int_equal(unlink(path), 0);
    c->saved = dup(STDERR_FILENO);
    assert_true(c->saved >= 0);
    assert_true(dup2(c->file, STDERR_FILENO) >= 0);
}

static const char *capture_end(struct capture *c)
{
    assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
    ssize_t len = pread(c->file, c->text, sizeof c->text - 1, 0);
    assert_true(len >= 0);
    c->text[len] = '\0';
    close(c->saved);
    close(c->file);
    return c->text;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" does not match \"%s\"", text, pattern);
    regfree(&regex);
}

static bool is_json(const char *text, size_t len)
{
    yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    bool ok =
        yajl_parse(parser, (const unsigned char *)text, len) == yajl_status_ok && yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return ok;
}

/* Logs one event of one value as JSON; the line must be one line and JSON. The text is the capture's. */
static const char *json_line(struct capture *c, const char *format, const char *value)
{
    log_init("test", LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    capture_start(c);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    log_event(LOG_LEVEL_INFO, "event", format, value);
#pragma GCC diagnostic pop
    const char *line = capture_end(c);
    size_t len = strlen(line);
    assert_true(len > 2 && len <= 4096);
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    if (!is_json(line, len))
        fail_msg("this is no JSON: %s", line);
    return line;
}

static void text_line(void **state)
{
    (void)state;
    struct capture c;
    log_init("leat-test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    capture_start(&c);
    log_info("segment.open", "file=%s bytes=%d", "a.seg", 4096);
    log_error("bare", "%s", "");
    const char *text = capture_end(&c);
    assert_matches(text, "^" TIME " info leat-test\\[[0-9]+\\] segment\\.open file=a\\.seg bytes=4096\n" TIME
                         " error leat-test\\[[0-9]+\\] bare\n$");
    char pid[32];
    snprintf(pid, sizeof pid, "[%ld]", (long)getpid());
    assert_non_null(strstr(text, pid));
}

static void json_has_every_part(void **state)
{
    (void)state;
    struct capture c;
    log_init("leat-test", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    capture_start(&c);
    log_warn("segment.open", "file=%s bytes=%d pid=-7", "a.seg", 4096);
    assert_matches(capture_end(&c), "^\\{\"time\":\"" TIME "\",\"level\":\"warn\",\"pid\":[0-9]+,\"role\":\"leat-test\","
                                    "\"event\":\"segment\\.open\",\"fields\":"
                                    "\\{\"file\":\"a\\.seg\",\"bytes\":4096,\"pid\":-7\\}\\}\n$");
}

static void levels_below_are_silent(void **state)
{
    (void)state;
    for (int least = LOG_LEVEL_DEBUG; least <= LOG_LEVEL_ERROR; least++) {
        struct capture c;
        log_init("test", (enum log_level)least, LOG_FORMAT_TEXT);
        capture_start(&c);
        log_debug("event", "%s", "");
        log_info("event", "%s", "");
        log_warn("event", "%s", "");
        log_error("event", "%s", "");
        int lines = 0;
        for (const char *at = capture_end(&c); (at = strchr(at, '\n')); at++)
            lines++;
        assert_int_equal(lines, 4 - least);
    }
}

static void json_types(void **state)
{
    (void)state;
    static const struct {
        const char *value, *json;
    } rows[] = {
        {"0", "{\"v\":0}"},
        {"-1", "{\"v\":-1}"},
        {"999999999999999", "{\"v\":999999999999999}"},
        {"1000000000000000", "{\"v\":\"1000000000000000\"}"},
        {"007", "{\"v\":\"007\"}"},
        {"-", "{\"v\":\"-\"}"},
        {"1.5", "{\"v\":\"1.5\"}"},
        {"", "{\"v\":\"\"}"},
        {"a=b", "{\"v\":\"a=b\"}"},
        {"\"two words\"", "{\"v\":\"two words\"}"},
        {"\"a \\\"quote\\\" and \\\\\"", "{\"v\":\"a \\\"quote\\\" and \\\\\"}"},
        {"\"open", "{\"v\":\"\\\"open\"}"},
        {"\"\\\"", "{\"v\":\"\\\"\\\\\\\"\"}"},
        {"\"\\x\"", "{\"v\":\"\\\"\\\\x\\\"\"}"},
        {"1 and more words", "{\"v\":1,\"text\":\"and more words\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct capture c;
        const char *line = json_line(&c, "v=%s", rows[i].value);
        if (!strstr(line, rows[i].json))
            fail_msg("%s became %s", rows[i].value, line);
    }
}

static void json_of_free_text(void **state)
{
    (void)state;
    struct capture c;
    assert_non_null(strstr(json_line(&c, "%s", ""), "\"fields\":{}}"));
    assert_non_null(strstr(json_line(&c, "%s", "just  words"), "\"fields\":{\"text\":\"just words\"}}"));
    assert_non_null(strstr(json_line(&c, "%s", "=x a=1 = "), "\"fields\":{\"a\":1,\"text\":\"=x =\"}}"));
    assert_non_null(strstr(json_line(&c, "v=%s", "caf\xc3\xa9\xff"), "caf\xc3\xa9\\ufffd"));
    assert_non_null(strstr(json_line(&c, "v=%s", "tab\there"), "tab\\there"));
}

/* Every byte, in and out of quotes, then random mixtures of what is special. */
static void json_survives_any_bytes(void **state)
{
    (void)state;
    struct capture c;
    for (int byte = 1; byte < 256; byte++) {
        const char value[] = {'a', (char)byte, 'b', '\0'};
        json_line(&c, "v=%s", value);
        json_line(&c, "v=\"%s\" w=1", value);
        json_line(&c, "%s=x", value);
    }
    static const char special[] = "\"\"\\\\u0a= \n\xc3\xa9\xe2\x82\xac\xed\xf0\x9f\x98\x80";
    unsigned seed = 12345;
    for (int round = 0; round < 3000; round++) {
        char value[40];
        for (size_t i = 0; i < sizeof value - 1; i++) {
            seed = seed * 1103515245 + 12345;
            value[i] = special[(seed >> 16) % (sizeof special - 1)];
        }
        value[sizeof value - 1] = '\0';
        json_line(&c, "%s", value);
    }
}

static void long_lines_are_cut_whole(void **state)
{
    (void)state;
    static char value[10001];
    static const char fill[] = {'x', '"', '\n', ' ', '=', '\x01'};
    for (size_t f = 0; f < sizeof fill; f++)
        for (size_t len = 3700; len < 4200; len += f == 0 ? 1 : 7) {
            memset(value, fill[f], len);
            value[len] = '\0';
            struct capture c;
            assert_non_null(strstr(json_line(&c, "first=1 v=%s", value), "\"first\":1"));
        }
    memset(value, 'x', sizeof value - 1);
    struct capture c;
    log_init("test", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    capture_start(&c);
    log_info("event", "v=%s", value);
    log_info("next", "%s", "short");
    const char *text = capture_end(&c);
    assert_ptr_equal(strchr(text, '\n') - text, (void *)4095);
    assert_matches(strchr(text, '\n') + 1, "^" TIME " info test\\[[0-9]+\\] next short\n$");
}

static void text_stays_one_line(void **state)
{
    (void)state;
    struct capture c;
    log_init("test", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    capture_start(&c);
    log_info("event", "v=%s", "two\nlines\x1b[2J\x7f\r");
    assert_matches(capture_end(&c), "event v=two\\?lines\\?\\[2J\\?\\?\n$");
}

static void value_quotes(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(log_value("plain", out, sizeof out), "\"plain\"");
    assert_string_equal(log_value("", out, sizeof out), "\"\"");
    assert_string_equal(log_value("a \"b\" \\ c\n\t\r\x01", out, sizeof out), "\"a \\\"b\\\" \\\\ c\\n\\t\\r\\u0001\"");
    assert_string_equal(log_value("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", out, sizeof out),
                        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    assert_string_equal(log_value("\xc3", out, sizeof out), "\"\\ufffd\"");
    assert_string_equal(log_value("\xc0\xaf\xed\xa0\x80", out, sizeof out), "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
    assert_string_equal(log_value("\xe0\x80\x80", out, sizeof out), "\"\\ufffd\\ufffd\\ufffd\"");
}

static void value_is_cut_between_characters(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\"\x01z";
    for (size_t size = 0; size < 24; size++) {
        char *out = malloc(size + 1); /* the sanitizer sees what lies behind */
        memset(out, '~', size + 1);
        assert_ptr_equal(log_value(text, out, size), out);
        assert_int_equal(out[size], '~');
        if (size > 0)
            assert_true(memchr(out, '\0', size) != NULL);
        if (size >= 3)
            assert_true(is_json(out, strlen(out)));
        free(out);
    }
}

static void parses_names(void **state)
{
    (void)state;
    assert_int_equal(log_level_parse("debug"), LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("info"), LOG_LEVEL_INFO);
    assert_int_equal(log_level_parse("warn"), LOG_LEVEL_WARN);
    assert_int_equal(log_level_parse("error"), LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("INFO"), -1);
    assert_int_equal(log_level_parse(""), -1);
    assert_int_equal(log_format_parse("text"), LOG_FORMAT_TEXT);
    assert_int_equal(log_format_parse("json"), LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse("xml"), -1);
}

static void errno_survives(void **state)
{
    (void)state;
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = ENOSPC;
    log_error("event", "%s", "nobody hears this");
    int after = errno;
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(after, ENOSPC);
}

/* Several processes write to one file; no line is torn. */
static void lines_do_not_mix(void **state)
{
    (void)state;
    enum { WRITERS = 4, LINES = 50 };
    struct capture c;
    log_init("test", LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    capture_start(&c);
    pid_t writers[WRITERS];
    for (int w = 0; w < WRITERS; w++)
        if ((writers[w] = fork()) == 0) {
            for (int i = 0; i < LINES; i++)
                log_info("event", "writer=%d line=%d", w, i);
            _exit(0);
        }
    int lines = 0, ended = 0;
    for (int w = 0; w < WRITERS; w++) {
        int status;
        ended += waitpid(writers[w], &status, 0) == writers[w] && status == 0;
    }
    for (const char *at = capture_end(&c), *end; (end = strchr(at, '\n')); at = end + 1, lines++)
        assert_true(is_json(at, (size_t)(end - at)));
    assert_int_equal(ended, WRITERS);
    assert_int_equal(lines, WRITERS * LINES);
}

/* Two hundred warnings in two seconds: one at once, one each second, and the count of the others. */
static void what_peers_cause_is_said_seldom(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    unsigned long unsaid = 99, said = 0;
    for (int64_t now_ms = 5000; now_ms < 7000; now_ms += 10)
        if (log_limit_due(&limit, now_ms, &unsaid)) {
            assert_int_equal(unsaid, said == 0 ? 0 : 99);
            said++;
        }
    assert_int_equal(said, 2);
    assert_true(log_limit_due(&limit, 60000, &unsaid));
    assert_int_equal(unsaid, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_line),
        cmocka_unit_test(json_has_every_part),
        cmocka_unit_test(levels_below_are_silent),
        cmocka_unit_test(json_types),
        cmocka_unit_test(json_of_free_text),
        cmocka_unit_test(json_survives_any_bytes),
        cmocka_unit_test(long_lines_are_cut_whole),
        cmocka_unit_test(text_stays_one_line),
        cmocka_unit_test(value_quotes),
        cmocka_unit_test(value_is_cut_between_characters),
        cmocka_unit_test(parses_names),
        cmocka_unit_test(errno_survives),
        cmocka_unit_test(lines_do_not_mix),
        cmocka_unit_test(what_peers_cause_is_said_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
