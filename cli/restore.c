/* restore.c - leat restore DIR: a data folder out of a backup. Everything is compared with its sum first and copied beside the new folder,
 * which gets its name last: there is either nothing, or all. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/manifest.h"
#include "common/clock.h"
#include "common/conf.h"

struct settings {
    char *data;
};

static const struct conf_row rows[] = {
    {"data", CONF_TEXT, offsetof(struct settings, data), "leat-data", 0, 0, "DIR",
     "data folder to make; it must not hold anything yet"},
};

static const struct conf_program program = {"leat restore", "make a data folder from the backup in DIR", rows,
                                            sizeof rows / sizeof rows[0], "DIR"};

struct restore {
    const char *from;
    char fresh[PATH_MAX];
    struct progress progress;
    uint64_t bytes, done, files;
};

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "leat restore: cannot %s %s: %s\n", what, path, strerror(errno));
    return -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int copy_file(void *self, const char *name, uint64_t bytes)
{
    struct restore *r = self;
    char from[PATH_MAX], to[PATH_MAX];
    int n = snprintf(from, sizeof from, "%s/%s", r->from, name), m = snprintf(to, sizeof to, "%s/%s", r->fresh, name);
    if (n < 0 || m < 0 || (size_t)n >= sizeof from || (size_t)m >= sizeof to)
        return errno = ENAMETOOLONG, fail("copy", name);
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t got = in >= 0 && out >= 0 ? 1 : -1;
    for (uint64_t left = bytes; got > 0 && left > 0; left -= (uint64_t)(got > 0 ? got : 0))
        got = copy_file_range(in, NULL, out, NULL, left < 1u << 30 ? left : 1u << 30, 0);
    int result = got >= 0 && fsync(out) == 0 ? 0 : fail("copy", to);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    r->done += bytes;
    progress_show(&r->progress, r->done, ++r->files, "files", clock_mono_ms());
    return result;
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd >= 0 && fsync(fd) == 0 ? 0 : fail("sync", path);
    if (fd >= 0)
        close(fd);
    return result;
}

static int in_fresh(struct restore *r, const char *name, int (*act)(const char *path))
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", r->fresh, name);
    return n > 0 && (size_t)n < sizeof path ? act(path) : -1;
}

static int make_folder(const char *path) { return mkdir(path, 0700) == 0 ? 0 : fail("make", path); }

static int fill(struct restore *r)
{
    struct manifest_totals totals;
    if (make_folder(r->fresh) != 0 || in_fresh(r, "journal", make_folder) != 0 || in_fresh(r, "store", make_folder) != 0)
        return -1;
    progress_init(&r->progress, r->bytes, clock_mono_ms());
    int result = manifest_check(r->from, &totals, copy_file, r);
    progress_finish(&r->progress);
    if (result != 0)
        return -1;
    return in_fresh(r, "journal", sync_folder) != 0 || in_fresh(r, "store", sync_folder) != 0 ? -1 : sync_folder(r->fresh);
}

/* Taken by the new folder only if there is nothing of that name, or an empty folder. */
static int put_in_place(struct restore *r, const char *data)
{
    if (rename(r->fresh, data) == 0)
        return 0;
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
        fprintf(stderr, "leat restore: %s holds something already: give another folder with --data\n", data);
    else
        fail("make", data);
    return -1;
}

static int restore(const struct settings *s, const char *from)
{
    struct restore r = {.from = from};
    struct manifest_totals totals;
    size_t len = strlen(s->data);
    while (len > 1 && s->data[len - 1] == '/')
        s->data[--len] = '\0';
    int n = snprintf(r.fresh, sizeof r.fresh, "%s.restore-%ld", s->data, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof r.fresh)
        return errno = ENAMETOOLONG, fail("make", s->data), 64;
    if (manifest_check(from, &totals, NULL, NULL) != 0)
        return 74;
    r.bytes = totals.bytes;
    if (fill(&r) != 0 || put_in_place(&r, s->data) != 0) {
        nftw(r.fresh, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        return 74;
    }
    printf("restored %u files, %" PRIu64 " bytes to %s; start it with: leat up --data %s\n", totals.files, totals.bytes,
           s->data, s->data);
    return 0;
}

int command_restore(int argc, char **argv)
{
    struct settings s = {0};
    int operand, loaded = conf_load(&program, argc, argv, &s, &operand, stdout, stderr), status = loaded == 1 ? 0 : 64;
    if (loaded == 0 && argc - operand != 1)
        fprintf(stderr, "leat restore: one backup is wanted; try 'leat restore --help'\n");
    else if (loaded == 0)
        status = restore(&s, argv[operand]);
    conf_free(&program, &s);
    return status;
}
