/* test_conf.c - settings: each type, each source, their precedence, and what a user reads when something is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/version.h"

struct settings {
    char *data, *plain;
    struct conf_list tables;
    int64_t workers, cache_bytes, stall_ms;
    bool color;
};

static const struct conf_row rows[] = {
    {"data", CONF_TEXT, offsetof(struct settings, data), "./here", 0, 0, "DIR", "Folder of the data"},
    {"plain-text", CONF_TEXT, offsetof(struct settings, plain), NULL, 0, 0, NULL, "Something else"},
    {"table", CONF_LIST, offsetof(struct settings, tables), "one two", 0, 0, "NAME:KEY", "A table"},
    {"workers", CONF_INT, offsetof(struct settings, workers), "2", -3, 64, "N", "Worker processes"},
    {"cache-bytes", CONF_BYTES, offsetof(struct settings, cache_bytes), "64MiB", 1024, 1ll << 40, "SIZE", "Size of the cache"},
    {"stall-timeout", CONF_DURATION, offsetof(struct settings, stall_ms), "30s", 100, 86400000, "TIME", "Longest silence"},
    {"color", CONF_BOOL, offsetof(struct settings, color), "true", 0, 0, NULL, "Colored lines"},
};

#define PROGRAM                                                                                                                \
    {                                                                                                                          \
        .name = "leat-test", .summary = "Tests settings.", .rows = rows, .row_count = sizeof rows / sizeof *rows               \
    }
static const struct conf_program program = PROGRAM;

#define MAX_WORDS 16

/* One call of conf_load() and all that came of it. */
struct run {
    struct settings settings;
    char *argv[MAX_WORDS + 1];
    int argc, result, first_operand;
    char *out, *err;
};

static void run_words(struct run *r, const struct conf_program *p, const char *const *words)
{
    *r = (struct run){.argc = 1, .first_operand = -1};
    r->argv[0] = (char *)(uintptr_t)p->name;
    for (; words[r->argc - 1]; r->argc++)
        r->argv[r->argc] = (char *)(uintptr_t)words[r->argc - 1];
    size_t out_len, err_len;
    FILE *out = open_memstream(&r->out, &out_len), *err = open_memstream(&r->err, &err_len);
    r->result = conf_load(p, r->argc, r->argv, &r->settings, &r->first_operand, out, err);
    fclose(out);
    fclose(err);
}

#define run(r, ...) run_words(r, &program, (const char *const[]){__VA_ARGS__, NULL})

static const char *const no_words[] = {NULL};

static void run_free(struct run *r)
{
    conf_free(&program, &r->settings);
    free(r->out);
    free(r->err);
}

/* The words must be refused with a message that holds `says`, and the hint. */
#define assert_refused(says, ...)                                                                                              \
    do {                                                                                                                       \
        struct run refused;                                                                                                    \
        run(&refused, __VA_ARGS__);                                                                                            \
        check_refused(&refused, says);                                                                                         \
    } while (0)

static void check_refused(struct run *r, const char *says)
{
    assert_int_equal(r->result, -1);
    if (!strstr(r->err, says))
        fail_msg("\"%s\" is not in: %s", says, r->err);
    assert_int_equal(strncmp(r->err, "leat-test: ", 11), 0);
    assert_non_null(strstr(r->err, "\nTry 'leat-test --help'.\n"));
    assert_string_equal(r->out, "");
    run_free(r);
}

static char path[256];

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
}

static int clean_environment(void **state)
{
    (void)state;
    static const char *const names[] = {"LEAT_DATA",        "LEAT_PLAIN_TEXT",    "LEAT_TABLE", "LEAT_WORKERS",
                                        "LEAT_CACHE_BYTES", "LEAT_STALL_TIMEOUT", "LEAT_COLOR", "LEAT_CONFIG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

static void presets(void **state)
{
    (void)state;
    struct run r;
    run_words(&r, &program, no_words);
    assert_int_equal(r.result, 0);
    assert_string_equal(r.err, "");
    assert_string_equal(r.settings.data, "./here");
    assert_null(r.settings.plain);
    assert_int_equal(r.settings.tables.count, 2);
    assert_string_equal(r.settings.tables.at[1], "two");
    assert_int_equal(r.settings.workers, 2);
    assert_int_equal(r.settings.cache_bytes, 64 << 20);
    assert_int_equal(r.settings.stall_ms, 30000);
    assert_true(r.settings.color);
    assert_int_equal(r.first_operand, 1);
    run_free(&r);
    assert_null(r.settings.data);
    assert_int_equal(r.settings.tables.count, 0);
}

static void flags_of_every_type(void **state)
{
    (void)state;
    struct run r;
    run(&r, "--data", "/d", "--plain-text=a=b", "--table", "x y", "--table=z", "--workers=-3", "--cache-bytes", "1GiB",
        "--stall-timeout=250ms", "--no-color");
    assert_int_equal(r.result, 0);
    assert_string_equal(r.settings.data, "/d");
    assert_string_equal(r.settings.plain, "a=b");
    assert_int_equal(r.settings.tables.count, 2);
    assert_string_equal(r.settings.tables.at[0], "x y");
    assert_string_equal(r.settings.tables.at[1], "z");
    assert_int_equal(r.settings.workers, -3);
    assert_int_equal(r.settings.cache_bytes, 1 << 30);
    assert_int_equal(r.settings.stall_ms, 250);
    assert_false(r.settings.color);
    run_free(&r);
    run(&r, "--no-color", "--color", "--data", "-", "--data=", "--workers", "-2");
    assert_int_equal(r.result, 0);
    assert_true(r.settings.color);
    assert_string_equal(r.settings.data, "");
    assert_int_equal(r.settings.workers, -2);
    run_free(&r);
}

static void environment_of_every_type(void **state)
{
    (void)state;
    setenv("LEAT_DATA", "/env", 1);
    setenv("LEAT_TABLE", " a  b c ", 1);
    setenv("LEAT_WORKERS", "7", 1);
    setenv("LEAT_CACHE_BYTES", "512KiB", 1);
    setenv("LEAT_STALL_TIMEOUT", "5m", 1);
    setenv("LEAT_COLOR", "no", 1);
    setenv("LEAT_PLAIN_TEXT", "", 1);
    setenv("LEAT_SOMETHING_ELSE", "of another program", 1);
    struct run r;
    run_words(&r, &program, no_words);
    unsetenv("LEAT_SOMETHING_ELSE");
    assert_int_equal(r.result, 0);
    assert_string_equal(r.settings.data, "/env");
    assert_null(r.settings.plain);
    assert_int_equal(r.settings.tables.count, 3);
    assert_string_equal(r.settings.tables.at[2], "c");
    assert_int_equal(r.settings.workers, 7);
    assert_int_equal(r.settings.cache_bytes, 512 << 10);
    assert_int_equal(r.settings.stall_ms, 300000);
    assert_false(r.settings.color);
    run_free(&r);
}

static void file_is_read_line_by_line(void **state)
{
    (void)state;
    static const char text[] = "# a comment = here\n\n"
                               "  data\t=  /some where \r\n"
                               "plain-text = a#b=c # and a comment\n"
                               "table = a b\n"
                               "table = c\n"
                               "[leat-other]\n"
                               "its-own = setting\n"
                               "workers = 9\n"
                               "[leat-test]\n"
                               "color=off\n"
                               "cache-bytes = 2048"; /* no newline at the end */
    write_file(text, sizeof text - 1);
    struct run r;
    run(&r, "--config", path);
    assert_string_equal(r.err, "");
    assert_int_equal(r.result, 0);
    assert_string_equal(r.settings.data, "/some where");
    assert_string_equal(r.settings.plain, "a#b=c");
    assert_int_equal(r.settings.tables.count, 3);
    assert_int_equal(r.settings.workers, 2);
    assert_int_equal(r.settings.cache_bytes, 2048);
    assert_false(r.settings.color);
    run_free(&r);
}

static void precedence_rises(void **state)
{
    (void)state;
    static const char text[] = "data = file\ntable = f1 f2 f3\nworkers = 3\nplain-text = file\n";
    write_file(text, sizeof text - 1);
    setenv("LEAT_CONFIG", path, 1);
    setenv("LEAT_DATA", "environment", 1);
    setenv("LEAT_TABLE", "e1", 1);
    setenv("LEAT_WORKERS", "4", 1);
    struct run r;
    run(&r, "--data", "flag");
    assert_int_equal(r.result, 0);
    assert_string_equal(r.settings.data, "flag");
    assert_string_equal(r.settings.plain, "file");
    assert_int_equal(r.settings.tables.count, 1);
    assert_string_equal(r.settings.tables.at[0], "e1");
    assert_int_equal(r.settings.workers, 4);
    run_free(&r);
    setenv("LEAT_CONFIG", "/does/not/exist", 1);
    run(&r, "--config", path, "--table", "g1", "--table", "g2"); /* the flag names the file, too */
    assert_int_equal(r.result, 0);
    assert_string_equal(r.settings.plain, "file");
    assert_int_equal(r.settings.tables.count, 2);
    assert_string_equal(r.settings.tables.at[1], "g2");
    run_free(&r);
}

static void bad_files_are_named_with_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"\n# x\nworker = 3\n", ":3: unknown setting \"worker\"; did you mean \"workers\"?"},
        {"nothing-like-it = 3\n", ":1: unknown setting \"nothing-like-it\"\n"},
        {"data\n", ":1: a line reads: name = value"},
        {"data = x\nworkers = many\n", ":2: workers: \"many\" is not a whole number"},
        {"workers =\n", ":1: workers: \"\" is not a whole number"},
        {" = x\n", ":1: unknown setting \"\""},
        {"[leat-test]\nworkers = 65\n", ":2: workers: 65 is not between -3 and 64"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(bad[i].text, strlen(bad[i].text));
        assert_refused(bad[i].says, "--config", path);
    }
    write_file("data = a\0b\nworkers = 3\n", 22);
    assert_refused(":1: the line is too long, or holds a zero byte", "--config", path);
    static char long_line[9000];
    memset(long_line, 'x', sizeof long_line);
    write_file(long_line, sizeof long_line);
    assert_refused(":1: the line is too long", "--config", path);
    assert_refused("No such file", "--config", "/does/not/exist");
    assert_refused("Is a directory", "--config", "/");
}

static void bad_words_are_explained(void **state)
{
    (void)state;
    assert_refused("unknown flag \"--worker\"; did you mean \"--workers\"?", "--worker", "3");
    assert_refused("unknown flag \"--dta\"; did you mean \"--data\"?", "--dta=3");
    assert_refused("unknown flag \"--hlep\"; did you mean \"--help\"?", "--hlep");
    assert_refused("unknown flag \"-data\"; did you mean \"--data\"?", "-data");
    assert_refused("unknown flag \"--nothing-like-it\"\n", "--nothing-like-it");
    assert_refused("unknown flag \"-h\"", "-h");
    assert_refused("unknown flag \"--no-data\"", "--no-data");
    assert_refused("--no-color=1: takes no value", "--no-color=1");
    assert_refused("--help=1: takes no value", "--help=1");
    assert_refused("unknown flag \"--\"", "--=x");
    assert_refused("--data: needs a value", "--data");
    assert_refused("--data: needs a value", "--data", "--workers");
    assert_refused("--config: needs a value", "--config");
    assert_refused("word: this word is no flag", "--data", "x", "word");
    assert_refused("--color: \"maybe\" is neither true nor false", "--color=maybe");
    assert_refused("--workers: 65 is not between -3 and 64", "--workers=65");
    assert_refused("--workers: -4 is not between -3 and 64", "--workers=-4");
    assert_refused("--cache-bytes: 1023B is not between 1KiB and 1TiB", "--cache-bytes=1023B");
    assert_refused("--stall-timeout: 99ms is not between 100ms and 1d", "--stall-timeout=99ms");
    assert_refused("\"30\" is not a duration such as", "--stall-timeout=30");
    assert_refused("\"1 GiB\" is not a size such as", "--cache-bytes=1 GiB");
    setenv("LEAT_WORKERS", "x", 1);
    assert_refused("LEAT_WORKERS: \"x\" is not a whole number", "--data=x");
    assert_refused("\n", "--workers=3"); /* wrong is wrong, even where a flag overrules it */
}

static void very_long_names_are_survived(void **state)
{
    (void)state;
    char flag[5000];
    memset(flag, '-', sizeof flag);
    flag[sizeof flag - 1] = '\0';
    assert_refused("unknown flag \"---", flag);
    memset(flag + 2, 'x', sizeof flag - 3);
    assert_refused("unknown flag \"--xxx", flag);
    memcpy(flag, "--workers=", 10);
    assert_refused("is not a whole number", flag);
}

static void operands_move_to_the_end(void **state)
{
    (void)state;
    struct conf_program p = PROGRAM;
    p.operands = "[WORD]...";
    static const char *const words[] = {"one", "--data", "d", "-", "--no-color", "two", "--", "--data", "three", NULL};
    struct run r;
    run_words(&r, &p, words);
    assert_int_equal(r.result, 0);
    assert_string_equal(r.settings.data, "d");
    static const char *const sorted[] = {"leat-test", "--data", "d", "--no-color", "--", "one", "-", "two", "--data", "three"};
    assert_int_equal(r.argc, 10);
    for (int i = 0; i < r.argc; i++)
        assert_string_equal(r.argv[i], sorted[i]);
    assert_int_equal(r.first_operand, 5);
    run_free(&r);
    run_words(&r, &p, (const char *const[]){"--color", NULL});
    assert_int_equal(r.first_operand, r.argc);
    run_free(&r);
    run_words(&r, &program, (const char *const[]){"--color", "--", NULL}); /* no operand follows, so none is too many */
    assert_int_equal(r.result, 0);
    assert_int_equal(r.first_operand, r.argc);
    run_free(&r);
}

static void help_lists_every_row(void **state)
{
    (void)state;
    struct run r;
    run(&r, "--data", "x", "--help", "--wrong");
    assert_int_equal(r.result, 1);
    assert_string_equal(r.err, "");
    static const char *const parts[] = {
        "Usage: leat-test [FLAG]...\nTests settings.\n",
        "\n  --data DIR            Folder of the data (default ./here; LEAT_DATA)\n",
        "\n  --plain-text VALUE    Something else (LEAT_PLAIN_TEXT)\n",
        "\n  --table NAME:KEY ...  A table (default one two; LEAT_TABLE)\n",
        "\n  --[no-]color          Colored lines (default true; LEAT_COLOR)\n",
        "\n  --config FILE         ",
        "\n  --help                ",
        "\n  --version             ",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(r.out, parts[i]))
            fail_msg("\"%s\" is not in:\n%s", parts[i], r.out);
    run_free(&r);
}

static void version_is_printed(void **state)
{
    (void)state;
    struct run r;
    run(&r, "--version");
    assert_int_equal(r.result, 1);
    assert_string_equal(r.out, "leat-test " LEAT_VERSION "\n");
    run_free(&r);
}

static int make_path(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.200s/leat-conf-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

#define test(name) cmocka_unit_test_setup(name, clean_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(presets),
        test(flags_of_every_type),
        test(environment_of_every_type),
        test(file_is_read_line_by_line),
        test(precedence_rises),
        test(bad_files_are_named_with_the_line),
        test(bad_words_are_explained),
        test(very_long_names_are_survived),
        test(operands_move_to_the_end),
        test(help_lists_every_row),
        test(version_is_printed),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
