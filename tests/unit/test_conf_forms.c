/* test_conf_forms.c - --help=man and --help=bash: what the build makes manual pages and completion of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"

struct settings {
    char *data, *odd;
    struct conf_list tables;
    int64_t workers, stall_ms;
    bool color;
};

static const struct conf_row rows[] = {
    {"data-dir", CONF_TEXT, offsetof(struct settings, data), "./here", 0, 0, "DIR", "Folder of the data"},
    {"odd", CONF_TEXT, offsetof(struct settings, odd), NULL, 0, 0, NULL, ".TH is \\fBno\\fR macro here"},
    {"table", CONF_LIST, offsetof(struct settings, tables), "one two", 0, 0, "NAME:KEY[:TYPE]", "'A table"},
    {"workers", CONF_INT, offsetof(struct settings, workers), "2", -3, 64, "N", "Worker processes"},
    {"stall", CONF_DURATION, offsetof(struct settings, stall_ms), "30s", 100, 86400000, "TIME", "Longest silence"},
    {"color", CONF_BOOL, offsetof(struct settings, color), "true", 0, 0, NULL, "Colored lines"},
};

static const struct conf_program plain = {"leat-test", "tests settings", rows, sizeof rows / sizeof *rows, NULL};
static const struct conf_program verbs = {"leat test", "tests verbs\n\n  ls  lists", rows, 1,
                                          "ls | peek [QUEUE] | purge QUEUE|[FILE]"};

/* What the program prints for one flag; the caller frees it. */
static char *printed(const struct conf_program *program, const char *flag)
{
    struct settings s = {0};
    char *text, *argv[] = {(char *)(uintptr_t)program->name, (char *)(uintptr_t)flag, NULL};
    size_t len;
    int operand;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(conf_load(program, 2, argv, &s, &operand, out, stderr), 1);
    fclose(out);
    conf_free(program, &s);
    return text;
}

static void assert_holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void test_a_page_tells_every_row(void **state)
{
    (void)state;
    static const char *const parts[] = {
        ".TH LEAT-TEST 8 \"@DATE@\" \"leat ",
        "\n.SH NAME\nleat-test \\- tests settings\n.SH SYNOPSIS\n.B leat\\-test\n[OPTION]...\n.SH OPTIONS\n",
        "\n.TP\n.B \\-\\-data\\-dir\\fR \\fIDIR\\fR\nFolder of the data.\nDefault: \\&./here.\nVariable: LEAT_DATA_DIR.\n",
        "\n.TP\n.B \\-\\-table\\fR \\fINAME:KEY[:TYPE]\\fR ...\n",
        "\nWorker processes.\nFrom -3 to 64.\nDefault: 2.\n",
        "\n.TP\n.B \\-\\-color\\fR, \\fB\\-\\-no\\-color\nColored lines.\nVariable: LEAT_COLOR.\n",
        "\n.B \\-\\-config\\fR \\fIFILE\\fR\n",
        "\n.SH ENVIRONMENT\n",
    };
    char *text = printed(&plain, "--help=man");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_holds(text, parts[i]);
    free(text);
}

static void test_a_command_is_for_everybody(void **state)
{
    (void)state;
    char *text = printed(&verbs, "--help=man");
    assert_holds(text, ".TH LEAT-TEST 1 ");
    assert_holds(
        text, "\nleat-test \\- tests verbs\n.SH SYNOPSIS\n.B leat test\n[OPTION]... ls | peek [QUEUE] | purge QUEUE|[FILE]\n");
    free(text);
}

static void test_help_says_more_than_a_page_s_name(void **state)
{
    (void)state;
    char *text = printed(&verbs, "--help");
    assert_holds(text, "\ntests verbs\n\n  ls  lists\n\nFlags;");
    free(text);
    text = printed(&verbs, "--help=man");
    assert_null(strstr(text, "lists"));
    free(text);
}

static void test_no_help_text_is_a_macro(void **state)
{
    (void)state;
    char *text = printed(&plain, "--help=man");
    assert_holds(text, "\n\\&.TH is \\efBno\\efR macro here.\n");
    assert_holds(text, "\n\\&'A table.\n");
    free(text);
}

static void test_words_for_bash(void **state)
{
    (void)state;
    char *text = printed(&plain, "--help=bash");
    assert_string_equal(text, "_leat_flags[\"leat-test\"]=\"--data-dir:DIR --odd:VALUE --table:NAME --workers:N --stall:TIME "
                              "--color --no-color --config:FILE --help --version\"\n_leat_words[\"leat-test\"]=\"\"\n");
    free(text);
    text = printed(&verbs, "--help=bash");
    assert_holds(text, "\n_leat_words[\"leat test\"]=\"ls peek purge FILE \"\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_tells_every_row),
        cmocka_unit_test(test_a_command_is_for_everybody),
        cmocka_unit_test(test_help_says_more_than_a_page_s_name),
        cmocka_unit_test(test_no_help_text_is_a_macro),
        cmocka_unit_test(test_words_for_bash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
