/* verify.c - leat verify: is a backup, or the data folder of a stopped stack, whole? Nothing is changed. */
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/manifest.h"
#include "cli/tool.h"
#include "common/conf.h"

struct settings {
    char *data;
};

static const struct conf_row rows[] = {
    {"data", CONF_TEXT, offsetof(struct settings, data), "leat-data", 0, 0, "DIR",
     "what to check where no backup is named: the data folder of a stack that does not run"},
};

static const struct conf_program program = {
    "leat verify", "check the backup in DIR, or a data folder; exit status 0 whole, 74 damaged, 75 in use", rows,
    sizeof rows / sizeof rows[0], "[DIR]"};

static int check_sums(const char *dir)
{
    struct manifest_totals totals;
    if (manifest_check(dir, &totals, NULL, NULL) != 0)
        return 74;
    printf("files    good: %u files, %" PRIu64 " bytes\n", totals.files, totals.bytes);
    fflush(stdout);
    return 0;
}

static bool is_backup(const char *dir)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/" MANIFEST_NAME, dir);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

/* All three, also after one of them has found something: the user wants to know all. */
static int verify(const char *dir, bool backup)
{
    int sums = backup ? check_sums(dir) : 0;
    int journal = tool_run("leat-queue", (const char *const[]){"--log-level", "error", "--data", dir, "--verify", NULL});
    int store = tool_run("leat-worker", (const char *const[]){"--log-level", "error", "--data", dir, "--verify", NULL});
    return sums ? sums : journal ? journal : store;
}

int command_verify(int argc, char **argv)
{
    struct settings s = {0};
    int operand, loaded = conf_load(&program, argc, argv, &s, &operand, stdout, stderr), status = loaded == 1 ? 0 : 64;
    if (loaded == 0 && argc - operand > 1)
        fprintf(stderr, "leat verify: one backup at a time; try 'leat verify --help'\n");
    else if (loaded == 0 && argc - operand == 1)
        status = verify(argv[operand], true);
    else if (loaded == 0)
        status = verify(s.data, is_backup(s.data));
    conf_free(&program, &s);
    return status;
}
