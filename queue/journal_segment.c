/* journal_segment.c - the journal's folder: its lock, the names of segments, their headers. */
#include "queue/journal_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

#define NAME_DIGITS 16u

void journal_segment_name(uint64_t number, char name[static JOURNAL_NAME_BYTES])
{
    snprintf(name, JOURNAL_NAME_BYTES, "%016" PRIx64 ".seg", number);
}

static bool parse_name(const char *name, uint64_t *number)
{
    if (strlen(name) != NAME_DIGITS + 4 || strspn(name, "0123456789abcdef") != NAME_DIGITS ||
        strcmp(name + NAME_DIGITS, ".seg") != 0)
        return false;
    *number = strtoull(name, NULL, 16);
    return *number > 0 && *number < UINT32_MAX; /* locations hold 32 bits of it */
}

int journal_random(uint64_t *nonce)
{
    unsigned char *p = (unsigned char *)nonce;
    for (size_t have = 0; have < sizeof *nonce;) {
        ssize_t n = getrandom(p + have, sizeof *nonce - have, 0);
        if (n < 0 && errno != EINTR)
            return -1;
        have += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* -- The folder -------------------------------------------------------------------------------------------------------------- */
/* Makes the folder and those above it that are missing; the name of the last one is made durable by its parent. */
static int make_folders(const char *path)
{
    char part[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part) {
        errno = len == 0 ? ENOENT : ENAMETOOLONG;
        return -1;
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

static void sync_parent(int folder_fd)
{
    int parent = openat(folder_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return; /* not readable to us: then it is not ours to have just been made either */
    if (journal_io.sync_folder(parent) != 0)
        log_warn("journal.folder", "step=sync_parent errno=%d", errno);
    close(parent);
}

static int refuse_locked(int lock_fd, const char *path, struct err *e)
{
    char pid[24] = "";
    ssize_t n = pread(lock_fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return err_set(e, ERR_RESOURCE_IN_USE, "the journal %s is in use by process %s", path, *pid ? pid : "(unknown)");
}

static int take_lock(int folder_fd, const char *path, int *lock_fd, struct err *e)
{
    int fd = openat(folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, ERR_INTERNAL, "cannot open %s/lock: %s", path, strerror(errno));
    *lock_fd = fd;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return refuse_locked(fd, path, e);
        return err_set(e, ERR_INTERNAL, "cannot lock %s/lock: %s", path, strerror(errno));
    }
    char pid[24];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* Only a help for people: a full disk must not keep the broker from starting. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len)
        log_warn("journal.lock", "step=write_pid errno=%d", errno);
    return 0;
}

int journal_lock_folder(const char *path, int *folder_fd, int *lock_fd, struct err *e)
{
    *folder_fd = *lock_fd = -1;
    if (make_folders(path) != 0)
        return err_set(e, ERR_INTERNAL, "cannot make the journal's folder %s: %s", path, strerror(errno));
    *folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*folder_fd < 0)
        return err_set(e, ERR_INTERNAL, "cannot open the journal's folder %s: %s", path, strerror(errno));
    sync_parent(*folder_fd);
    return take_lock(*folder_fd, path, lock_fd, e);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int add_number(uint64_t **numbers, size_t *count, uint64_t number)
{
    uint64_t *grown = realloc(*numbers, (*count + 1) * sizeof **numbers);
    if (!grown)
        return -1;
    *numbers = grown;
    grown[(*count)++] = number;
    return 0;
}

int journal_list(int folder_fd, uint64_t **numbers, size_t *count, struct err *e)
{
    *numbers = NULL;
    *count = 0;
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return err_set(e, ERR_INTERNAL, "cannot list the journal's folder: %s", strerror(errno));
    }
    int result = 0;
    uint64_t number;
    errno = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(d));)
        if (parse_name(entry->d_name, &number) && add_number(numbers, count, number) != 0)
            result = err_set(e, ERR_INTERNAL, "out of memory");
    if (result == 0 && errno != 0)
        result = err_set(e, ERR_INTERNAL, "cannot list the journal's folder: %s", strerror(errno));
    closedir(d);
    if (*count > 0)
        qsort(*numbers, *count, sizeof **numbers, compare_numbers);
    return result;
}

int journal_load_segment(int folder_fd, uint64_t number, struct journal_segment *s, struct err *e)
{
    char name[JOURNAL_NAME_BYTES];
    unsigned char block[JOURNAL_BLOCK_BYTES];
    journal_segment_name(number, name);
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_INTERNAL, "cannot open journal file %s: %s", name, strerror(errno));
    int failed = journal_read_all(fd, block, sizeof block, 0) != 0 ? errno : 0;
    close(fd);
    if (failed)
        return err_set(e, ERR_INTERNAL, "cannot read journal file %s: %s", name, strerror(failed));
    int copies = journal_decode_segment(block, s);
    if (copies < 0 || s->number != number) {
        journal_damage(e, name, 0, copies < 0 ? "no intact header" : "it has the header of another file");
        return 1;
    }
    if (copies > 0)
        log_warn("journal.header", "file=%s text=\"one of two copies of the header is damaged, using the other\"", name);
    return 0;
}
