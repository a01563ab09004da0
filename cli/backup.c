/* backup.c - leat backup DIR: a copy of everything, while the stack runs or not.
 *
 * The journal is copied first, then the store. So a job that the copy of the journal still holds may be applied in the copy of the store already:
 * then its recorded outcome is found there, as after any crash. The other way round, a job that ended in between would be in neither. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/manifest.h"
#include "cli/tool.h"
#include "common/conf.h"

#define STORE_TRIES 20 /* a heal takes a tenth of a second, and each ends the try that it meets */
#define STORE_PAUSE_MS 250
#define STATUS_HEALED 76

struct settings {
    char *data;
};

static const struct conf_row rows[] = {
    {"data", CONF_TEXT, offsetof(struct settings, data), "leat-data", 0, 0, "DIR", "data folder of the stack"},
};

static const struct conf_program program = {"leat backup",
                                            "copy everything to the new or empty folder DIR, while the stack runs or not", rows,
                                            sizeof rows / sizeof rows[0], "DIR"};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void remove_folder(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n > 0 && (size_t)n < sizeof path)
        nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int copy_journal(const struct settings *s, const char *dir)
{
    return tool_run("leat-queue", (const char *const[]){"--log-level", "warn", "--data", s->data, "--backup", dir, NULL});
}

static int copy_store(const struct settings *s, const char *dir)
{
    int status = STATUS_HEALED;
    for (int i = 0; i < STORE_TRIES && status == STATUS_HEALED; i++) {
        if (i > 0) {
            remove_folder(dir, "store");
            nanosleep(&(struct timespec){.tv_nsec = STORE_PAUSE_MS * 1000000L}, NULL);
        }
        status =
            tool_run("leat-worker", (const char *const[]){"--log-level", "error", "--data", s->data, "--backup", dir, NULL});
    }
    return status;
}

static int make_empty(const char *dir)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "leat backup: cannot make %s: %s\n", dir, strerror(errno));
        return -1;
    }
    DIR *d = opendir(dir);
    unsigned entries = 0;
    while (d && readdir(d))
        entries++;
    if (d)
        closedir(d);
    if (entries == 2)
        return 0;
    fprintf(stderr, "leat backup: %s is not an empty folder\n", dir);
    return -1;
}

static int backup(const struct settings *s, const char *dir)
{
    struct manifest_totals totals;
    if (make_empty(dir) != 0)
        return 64;
    int status = copy_journal(s, dir);
    if (status == 0)
        status = copy_store(s, dir);
    if (status == 0 && manifest_write(dir, &totals) != 0)
        status = 74;
    if (status == 0) {
        printf("backup   complete: %u files, %" PRIu64 " bytes in %s\n", totals.files, totals.bytes, dir);
        return 0;
    }
    remove_folder(dir, "journal");
    remove_folder(dir, "store");
    fprintf(stderr, "leat backup: failed, and %s is empty again\n", dir);
    return status;
}

int command_backup(int argc, char **argv)
{
    struct settings s = {0};
    int operand, loaded = conf_load(&program, argc, argv, &s, &operand, stdout, stderr), status = loaded == 1 ? 0 : 64;
    if (loaded == 0 && argc - operand != 1)
        fprintf(stderr, "leat backup: one folder is wanted; try 'leat backup --help'\n");
    else if (loaded == 0)
        status = backup(&s, argv[operand]);
    conf_free(&program, &s);
    return status;
}
