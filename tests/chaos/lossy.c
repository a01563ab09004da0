/* lossy.c - a file system that forgets what was not synced, as a library for LD_PRELOAD.
 *
 * The page cache survives kill -9, so killing processes alone never tests fsync. This layer keeps, for every file of LOSSY_ROOT/journal and
 * LOSSY_ROOT/store, an undo log of all that was written since the file's last successful fsync or fdatasync (undo.c), and a log of names
 * made, renamed and removed, in the folder LOSSY_SIDE (on the same file system). When everything was killed, lossy.py takes the files back
 * to a state that a power cut could have left. Not covered: writes through shared mappings (Berkeley DB's __db.0* region files, which
 * its recovery makes anew) and stdio.
 *
 *   SIDE/names.log      lines "WHEN C inode path", "WHEN F inode", "WHEN R from to kept|-", "WHEN U path kept", "WHEN S folder"
 *   SIDE/kept/          hard links to what was removed or replaced */
#include "tests/chaos/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 65536

struct tracked {
    struct undo *undo;
    ino_t inode;
    enum place place;
    bool fresh; /* no sync through this descriptor yet: the next one settles the name, too */
};

static struct tracked *files[FDS_MAX];
static char root[PATH_MAX], side[PATH_MAX];
static int names = -1;

/* -- The real calls ---------------------------------------------------------------------------------------------- */
#define DECLARE(result, name, ...)                                                                                             \
    static result (*real_##name)(__VA_ARGS__);                                                                                 \
    result name(__VA_ARGS__);

static int (*real_openat)(int, const char *, int, ...);
DECLARE(int, close, int)
DECLARE(ssize_t, write, int, const void *, size_t)
DECLARE(ssize_t, writev, int, const struct iovec *, int)
DECLARE(ssize_t, pwrite, int, const void *, size_t, off_t)
DECLARE(int, fsync, int)
DECLARE(int, fdatasync, int)
DECLARE(int, ftruncate, int, off_t)
DECLARE(int, fallocate, int, int, off_t, off_t)
DECLARE(int, renameat, int, const char *, int, const char *)
DECLARE(int, unlinkat, int, const char *, int)

void preload_die(const char *what)
{
    dprintf(STDERR_FILENO, "lossy: %s: %s\n", what, strerror(errno));
    abort();
}

void preload_find(void *pointer, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        preload_die(name);
    memcpy(pointer, &found, sizeof found);
}

__attribute__((constructor)) static void begin(void)
{
    const char *r = getenv("LOSSY_ROOT"), *s = getenv("LOSSY_SIDE");
    preload_find(&real_openat, "openat");
    preload_find(&real_close, "close");
    preload_find(&real_write, "write");
    preload_find(&real_writev, "writev");
    preload_find(&real_pwrite, "pwrite");
    preload_find(&real_fsync, "fsync");
    preload_find(&real_fdatasync, "fdatasync");
    preload_find(&real_ftruncate, "ftruncate");
    preload_find(&real_fallocate, "fallocate");
    preload_find(&real_renameat, "renameat");
    preload_find(&real_unlinkat, "unlinkat");
    if (!r || !s)
        return;
    snprintf(root, sizeof root, "%s", r);
    snprintf(side, sizeof side, "%s", s);
    char name[PATH_MAX + 16];
    snprintf(name, sizeof name, "%s/names.log", side);
    names = real_openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (names < 0)
        preload_die(name);
}

/* -- Which files ------------------------------------------------------------------------------------------------- */
enum place preload_place(const char *path)
{
    size_t len = strlen(root);
    if (len == 0 || strncmp(path, root, len) != 0)
        return PLACE_NONE;
    if (strncmp(path + len, "/journal", 8) == 0)
        return PLACE_JOURNAL;
    return strncmp(path + len, "/store", 6) == 0 ? PLACE_STORE : PLACE_NONE;
}

static bool covered(const char *path)
{
    return preload_place(path) != PLACE_NONE && strncmp(strrchr(path, '/') + 1, "__db.0", 6) != 0;
}

bool preload_path_of(int fd, char path[static PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0 && path[0] == '/';
}

/* The absolute path of a name that is relative to a folder. */
static bool path_at(int folder, const char *name, char path[static PATH_MAX])
{
    char base[PATH_MAX];
    if (root[0] == '\0' || (name[0] != '/' && folder == AT_FDCWD && !getcwd(base, sizeof base)) ||
        (name[0] != '/' && folder != AT_FDCWD && !preload_path_of(folder, base)))
        return false;
    int n = name[0] == '/' ? snprintf(path, PATH_MAX, "%s", name) : snprintf(path, PATH_MAX, "%s/%s", base, name);
    return n > 0 && n < PATH_MAX && covered(path);
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    char line[3 * PATH_MAX];
    struct timespec now;
    va_list list;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int n = snprintf(line, sizeof line, "%lld ", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    va_start(list, format);
    n += vsnprintf(line + n, sizeof line - (size_t)n - 1, format, list);
    va_end(list);
    line[n++] = '\n';
    if (real_write(names, line, (size_t)n) != n)
        preload_die("names.log");
}

static void track(int fd, bool created)
{
    char path[PATH_MAX];
    struct stat st;
    if (root[0] == '\0' || fd >= FDS_MAX || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !preload_path_of(fd, path) ||
        !covered(path) || strstr(path, "/store/members/"))
        return; /* members' files are empty, and opened all the time */
    struct tracked *t = calloc(1, sizeof *t);
    if (!t)
        preload_die("memory");
    *t = (struct tracked){undo_open(side, fd, st.st_ino, created), st.st_ino, preload_place(path), true};
    if (created)
        note("C %llu %s", (unsigned long long)t->inode, path);
    files[fd] = t;
}

static struct tracked *tracked(int fd) { return fd >= 0 && fd < FDS_MAX ? files[fd] : NULL; }

/* -- Syncs ------------------------------------------------------------------------------------------------------- */
/* A sync under the present weather. */
static int sync_today(int (*sync)(int), int fd, enum place place)
{
    int error = weather_sync(place);
    if (error == 0)
        return sync(fd);
    errno = error;
    return -1;
}

static int sync_folder(int (*sync)(int), int fd)
{
    char path[PATH_MAX];
    struct stat st;
    if (!root[0] || fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode) || !preload_path_of(fd, path))
        return sync(fd);
    int result = sync_today(sync, fd, preload_place(path));
    if (result == 0)
        note("S %s", path);
    return result;
}

static int sync_with(int (*sync)(int), int fd)
{
    struct tracked *t = tracked(fd);
    if (!t)
        return sync_folder(sync, fd);
    struct undo_mark mark = undo_sync_begins(t->undo);
    int result = sync_today(sync, fd, t->place), error = errno;
    undo_sync_ends(t->undo, mark, result == 0);
    if (result == 0 && t->fresh) {
        note("F %llu", (unsigned long long)t->inode);
        t->fresh = false;
    }
    errno = error;
    return result;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }
int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }

/* -- Open and close ---------------------------------------------------------------------------------------------- */
static int open_at(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    bool mine = path_at(folder, name, path);
    struct stat st;
    bool existed = mine && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int fd = real_openat(folder, name, mine ? flags & ~O_TRUNC : flags, mode);
    if (fd < 0 || !mine)
        return fd;
    track(fd, !existed && (flags & O_CREAT));
    if ((flags & O_TRUNC) && existed && ftruncate(fd, 0) != 0)
        preload_die("O_TRUNC");
    return fd;
}

#define OPEN(name, before, folder)                                                                                             \
    int name(before const char *path, int flags, ...)                                                                          \
    {                                                                                                                          \
        va_list list;                                                                                                          \
        va_start(list, flags);                                                                                                 \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                                                \
        va_end(list);                                                                                                          \
        return open_at(folder, path, flags, mode);                                                                             \
    }
#define FOLDER int folder,
OPEN(open, , AT_FDCWD)
OPEN(open64, , AT_FDCWD)
OPEN(openat, FOLDER, folder)
OPEN(openat64, FOLDER, folder)

int close(int fd)
{
    struct tracked *t = tracked(fd);
    if (t) {
        files[fd] = NULL;
        undo_close(&t->undo);
        free(t);
    }
    return real_close(fd);
}

/* -- Writes ------------------------------------------------------------------------------------------------------ */
static uint64_t position(int fd)
{
    bool append = fcntl(fd, F_GETFL) & O_APPEND;
    off_t at = append ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    if (at < 0)
        preload_die("lseek");
    return (uint64_t)at;
}

/* A call that would end at until, behind the end of a file on a full disk. */
static bool no_room(const struct tracked *t, int fd, uint64_t until)
{
    struct stat st;
    if (!weather_full(t->place) || fstat(fd, &st) != 0 || until <= (uint64_t)st.st_size)
        return false;
    errno = ENOSPC;
    return true;
}

/* Runs one call that changes at..at+bytes of a tracked file. */
#define CHANGE(type, t, fd, kind, from, count, until, call)                                                                    \
    do {                                                                                                                       \
        if (no_room(t, fd, until))                                                                                             \
            return -1;                                                                                                         \
        undo_lock((t)->undo);                                                                                                  \
        undo_save((t)->undo, kind, from, count);                                                                               \
        type changed = call;                                                                                                   \
        int error = errno;                                                                                                     \
        undo_unlock((t)->undo);                                                                                                \
        errno = error;                                                                                                         \
        return changed;                                                                                                        \
    } while (0)

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    struct tracked *t = tracked(fd);
    if (!t)
        return real_pwrite(fd, bytes, len, at);
    CHANGE(ssize_t, t, fd, UNDO_WRITE, (uint64_t)at, len, (uint64_t)at + len, real_pwrite(fd, bytes, len, at));
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    struct tracked *t = tracked(fd);
    if (!t)
        return real_write(fd, bytes, len);
    uint64_t at = position(fd);
    CHANGE(ssize_t, t, fd, UNDO_WRITE, at, len, at + len, real_write(fd, bytes, len));
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    struct tracked *t = tracked(fd);
    size_t len = 0;
    if (!t)
        return real_writev(fd, pieces, count);
    for (int i = 0; i < count; i++)
        len += pieces[i].iov_len;
    uint64_t at = position(fd);
    CHANGE(ssize_t, t, fd, UNDO_WRITE, at, len, at + len, real_writev(fd, pieces, count));
}

int ftruncate(int fd, off_t size)
{
    struct tracked *t = tracked(fd);
    struct stat st;
    if (!t || fstat(fd, &st) != 0)
        return real_ftruncate(fd, size);
    uint64_t low = size < st.st_size ? (uint64_t)size : (uint64_t)st.st_size;
    CHANGE(int, t, fd, UNDO_TRUNCATE, low, (uint64_t)st.st_size - low, 0, real_ftruncate(fd, size));
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    struct tracked *t = tracked(fd);
    if (!t)
        return real_fallocate(fd, mode, at, len);
    if (mode & ~FALLOC_FL_KEEP_SIZE)
        preload_die("fallocate changes bytes");
    CHANGE(int, t, fd, UNDO_WRITE, (uint64_t)at, 0, (uint64_t)(at + len), real_fallocate(fd, mode, at, len));
}

int posix_fallocate(int fd, off_t at, off_t len) { return fallocate(fd, 0, at, len) == 0 ? 0 : errno; }

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) { return pwrite(fd, bytes, len, at); }
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }
int fallocate64(int fd, int mode, off_t at, off_t len) { return fallocate(fd, mode, at, len); }
int posix_fallocate64(int fd, off_t at, off_t len) { return posix_fallocate(fd, at, len); }

/* -- Names ------------------------------------------------------------------------------------------------------- */
/* A second name for what is about to lose its own. False: there is nothing. */
static bool keep(int folder, const char *name, char kept[static 64])
{
    static uint32_t count;
    char path[PATH_MAX + 80];
    snprintf(kept, 64, "%ld.%u", (long)getpid(), __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST));
    snprintf(path, sizeof path, "%s/kept/%s", side, kept);
    return linkat(folder, name, AT_FDCWD, path, 0) == 0;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    char old[PATH_MAX], new[PATH_MAX], kept[64];
    if (!path_at(from_folder, from, old) || !path_at(to_folder, to, new))
        return real_renameat(from_folder, from, to_folder, to);
    bool replaced = keep(to_folder, to, kept);
    int result = real_renameat(from_folder, from, to_folder, to);
    if (result == 0)
        note("R %s %s %s", old, new, replaced ? kept : "-");
    return result;
}

int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX], kept[64];
    if (flags != 0 || !path_at(folder, name, path) || !keep(folder, name, kept))
        return real_unlinkat(folder, name, flags);
    int result = real_unlinkat(folder, name, flags);
    if (result == 0)
        note("U %s %s", path, kept);
    return result;
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
