/* manifest.c - the list of a backup's files, with their sums. */
#include "cli/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/clock.h"
#include "common/version.h"

#define TITLE "leat-backup 1\n"
#define PIECE_BYTES (1u << 20)
#define LINE_BYTES 512

static const char *const folders[] = {"journal", "store"};

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "leat: cannot %s %s: %s\n", what, path, strerror(errno));
    return -1;
}

/* -- Sums -------------------------------------------------------------------------------------------------------------- */
static int sum_open(int fd, unsigned char *piece, uint64_t *sum, uint64_t *bytes)
{
    XXH3_state_t *state = XXH3_createState();
    ssize_t n = -1;
    *bytes = 0;
    errno = ENOMEM;
    if (state && XXH3_64bits_reset(state) == XXH_OK)
        while ((n = read(fd, piece, PIECE_BYTES)) > 0) {
            XXH3_64bits_update(state, piece, (size_t)n);
            *bytes += (uint64_t)n;
        }
    if (n == 0)
        *sum = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return n == 0 ? 0 : -1;
}

static int sum_file(const char *path, uint64_t *sum, uint64_t *bytes)
{
    unsigned char *piece = malloc(PIECE_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result = piece && fd >= 0 && sum_open(fd, piece, sum, bytes) == 0 ? 0 : fail("read", path);
    if (fd >= 0)
        close(fd);
    free(piece);
    return result;
}

static int join(char out[static PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    if (n > 0 && n < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return fail("use", dir);
}

/* -- Walking the folders ----------------------------------------------------------------------------------------------- */
static int each_in(const char *dir, const char *folder, int (*visit)(void *self, const char *name), void *self)
{
    char path[PATH_MAX], name[LINE_BYTES / 2];
    int result = join(path, dir, folder);
    DIR *d = result == 0 ? opendir(path) : NULL;
    if (!d)
        return result == 0 ? fail("list", path) : -1;
    for (struct dirent *entry; result == 0 && (entry = readdir(d));) {
        if (entry->d_type == DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int n = snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        result = n > 0 && (size_t)n < sizeof name ? visit(self, name) : -1;
    }
    closedir(d);
    return result;
}

static int each_file(const char *dir, int (*visit)(void *self, const char *name), void *self)
{
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (each_in(dir, folders[i], visit, self) != 0)
            return -1;
    return 0;
}

/* -- Writing ----------------------------------------------------------------------------------------------------------- */
struct writing {
    const char *dir;
    FILE *out;
    struct manifest_totals *totals;
};

static int write_line(void *self, const char *name)
{
    struct writing *w = self;
    char path[PATH_MAX];
    uint64_t sum, bytes;
    if (join(path, w->dir, name) != 0 || sum_file(path, &sum, &bytes) != 0)
        return -1;
    w->totals->files++;
    w->totals->bytes += bytes;
    fprintf(w->out, "file %" PRIu64 " %016" PRIx64 " %s\n", bytes, sum, name);
    return 0;
}

static int write_all(struct writing *w)
{
    char text[32];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    fprintf(w->out, TITLE "version %s\nmade %s\n", LEAT_VERSION, text);
    if (each_file(w->dir, write_line, w) != 0)
        return -1;
    return fflush(w->out) == 0 && fsync(fileno(w->out)) == 0 ? 0 : -1;
}

int manifest_write(const char *dir, struct manifest_totals *totals)
{
    char fresh[PATH_MAX], path[PATH_MAX];
    *totals = (struct manifest_totals){0};
    if (join(fresh, dir, MANIFEST_NAME ".new") != 0 || join(path, dir, MANIFEST_NAME) != 0)
        return -1;
    FILE *out = fopen(fresh, "we");
    if (!out)
        return fail("write", fresh);
    struct writing w = {dir, out, totals};
    int result = write_all(&w);
    if (fclose(out) != 0 || result != 0 || rename(fresh, path) != 0)
        return fail("write", path);
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    result = folder >= 0 && fsync(folder) == 0 ? 0 : fail("sync", dir);
    if (folder >= 0)
        close(folder);
    return result;
}

/* -- Checking ---------------------------------------------------------------------------------------------------------- */
static int count_file(void *self, const char *name)
{
    (void)name;
    ++*(unsigned *)self;
    return 0;
}

/* Names stay below the backup's folder, whoever wrote the list. */
static bool name_good(const char *name)
{
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t len = strlen(folders[i]);
        if (strncmp(name, folders[i], len) == 0 && name[len] == '/' && name[len + 1] != '.' && !strchr(name + len + 1, '/'))
            return true;
    }
    return false;
}

static int check_line(const char *dir, const char *line, struct manifest_totals *totals, manifest_each *each, void *self)
{
    char path[PATH_MAX], name[LINE_BYTES];
    uint64_t bytes, sum, found_bytes, found_sum;
    if (sscanf(line, "file %" SCNu64 " %" SCNx64 " %511s", &bytes, &sum, name) != 3 || !name_good(name)) {
        fprintf(stderr, "leat: %s/" MANIFEST_NAME " is damaged\n", dir);
        return -1;
    }
    if (join(path, dir, name) != 0 || sum_file(path, &found_sum, &found_bytes) != 0)
        return -1;
    if (found_bytes != bytes || found_sum != sum) {
        fprintf(stderr, "leat: %s is damaged: it is not what was backed up\n", path);
        return -1;
    }
    totals->files++;
    totals->bytes += bytes;
    return each ? each(self, name, bytes) : 0;
}

static int check_lines(const char *dir, FILE *in, struct manifest_totals *totals, manifest_each *each, void *self)
{
    char line[LINE_BYTES];
    unsigned files = 0;
    if (!fgets(line, sizeof line, in) || strcmp(line, TITLE) != 0) {
        fprintf(stderr, "leat: %s/" MANIFEST_NAME " is not of a backup that this version can read\n", dir);
        return -1;
    }
    while (fgets(line, sizeof line, in))
        if (strncmp(line, "file ", 5) == 0 && check_line(dir, line, totals, each, self) != 0)
            return -1;
    if (each_file(dir, count_file, &files) != 0)
        return -1;
    if (files == totals->files && files > 0)
        return 0;
    fprintf(stderr, "leat: %s has %u files, its list has %u\n", dir, files, totals->files);
    return -1;
}

int manifest_check(const char *dir, struct manifest_totals *totals, manifest_each *each, void *self)
{
    char path[PATH_MAX];
    *totals = (struct manifest_totals){0};
    if (join(path, dir, MANIFEST_NAME) != 0)
        return -1;
    FILE *in = fopen(path, "re");
    if (!in && errno == ENOENT) {
        fprintf(stderr, "leat: %s is no backup, or one that was not finished: there is no " MANIFEST_NAME " in it\n", dir);
        return -1;
    }
    if (!in)
        return fail("read", path);
    int result = check_lines(dir, in, totals, each, self);
    fclose(in);
    return result;
}
