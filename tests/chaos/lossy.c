/* lossy.c - a file system that forgets what was not synced, as a library for LD_PRELOAD.
 *
 * The page cache survives kill -9, so killing processes alone never tests fsync. This layer keeps, for every file of LOSSY_ROOT/journal and
 * LOSSY_ROOT/store, an undo log of all that was written since the file's last successful fsync or fdatasync, and a log of names made,
 * renamed and removed, in the folder LOSSY_SIDE (on the same file system). When everything was killed, lossy.py takes the files back
 * to a state that a power cut could have left. Not covered: writes through shared mappings (Berkeley DB's __db.0* region files, which
 * its recovery makes anew) and stdio.
 *
 *   SIDE/<inode>.undo   struct head in the first 4096 bytes, then struct records, each followed by the bytes that were overwritten;
 *                       valid from head.base to head.end, to be undone last one first
 *   SIDE/names.log      lines "WHEN C inode path", "WHEN F inode", "WHEN R from to kept|-", "WHEN U path kept", "WHEN S folder"
 *   SIDE/kept/          hard links to what was removed or replaced
 *
 * Rules: an undo record is complete before its write begins, both under the file's lock (flock between descriptors, a mutex between threads
 * of one); a sync covers the records that were complete when it began. A process may die at any point: the kernel drops its lock, and a
 * record that head.end does not cover yet belongs to a write that never began. Any failure of this layer itself aborts the process. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 65536
#define DATA_AT 4096u
#define RECORD_WRITE 0x5753534cu
#define RECORD_TRUNCATE 0x5453534cu
#define COPY_BYTES 65536u

struct head {
    uint64_t generation; /* one more with each reset */
    uint64_t base;       /* records below are synced */
    uint64_t end;
};

struct record {
    uint32_t kind;
    uint32_t kept_bytes; /* that follow: what was there from `at` on */
    uint64_t at;
    uint64_t bytes;      /* of the write */
    uint64_t size_bytes; /* of the file before it */
};

struct tracked {
    int undo, reader;
    struct head *head;
    ino_t inode;
    bool fresh; /* no sync through this descriptor yet: the next one settles the name, too */
    pthread_mutex_t mutex;
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

static _Noreturn void die(const char *what)
{
    dprintf(STDERR_FILENO, "lossy: %s: %s\n", what, strerror(errno));
    abort();
}

static void find(void *pointer, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        die(name);
    memcpy(pointer, &found, sizeof found);
}

__attribute__((constructor)) static void begin(void)
{
    const char *r = getenv("LOSSY_ROOT"), *s = getenv("LOSSY_SIDE");
    find(&real_openat, "openat");
    find(&real_close, "close");
    find(&real_write, "write");
    find(&real_writev, "writev");
    find(&real_pwrite, "pwrite");
    find(&real_fsync, "fsync");
    find(&real_fdatasync, "fdatasync");
    find(&real_ftruncate, "ftruncate");
    find(&real_fallocate, "fallocate");
    find(&real_renameat, "renameat");
    find(&real_unlinkat, "unlinkat");
    if (!r || !s)
        return;
    snprintf(root, sizeof root, "%s", r);
    snprintf(side, sizeof side, "%s", s);
    char name[PATH_MAX + 16];
    snprintf(name, sizeof name, "%s/names.log", side);
    names = real_openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (names < 0)
        die(name);
}

/* -- Which files ------------------------------------------------------------------------------------------------- */
static bool covered(const char *path)
{
    size_t len = strlen(root);
    if (len == 0 || strncmp(path, root, len) != 0)
        return false;
    if (strncmp(path + len, "/journal", 8) != 0 && strncmp(path + len, "/store", 6) != 0)
        return false;
    return strncmp(strrchr(path, '/') + 1, "__db.0", 6) != 0;
}

static bool path_of(int fd, char path[static PATH_MAX])
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
        (name[0] != '/' && folder != AT_FDCWD && !path_of(folder, base)))
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
        die("names.log");
}

static void lock(struct tracked *t)
{
    pthread_mutex_lock(&t->mutex);
    while (flock(t->undo, LOCK_EX) != 0)
        if (errno != EINTR)
            die("flock");
}

static void unlock(struct tracked *t)
{
    flock(t->undo, LOCK_UN);
    pthread_mutex_unlock(&t->mutex);
}

static void reset(struct head *h)
{
    h->generation++;
    __atomic_store_n(&h->end, DATA_AT, __ATOMIC_SEQ_CST); /* below base: empty, should we die here */
    __atomic_store_n(&h->base, DATA_AT, __ATOMIC_SEQ_CST);
}

static void track(int fd, bool created)
{
    char path[PATH_MAX], name[PATH_MAX + 48];
    struct stat st;
    if (root[0] == '\0' || fd >= FDS_MAX || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !path_of(fd, path) ||
        !covered(path) || strstr(path, "/store/members/"))
        return; /* members' files are empty, and opened all the time */
    struct tracked *t = calloc(1, sizeof *t);
    if (!t)
        die("memory");
    snprintf(name, sizeof name, "%s/%llu.undo", side, (unsigned long long)st.st_ino);
    t->undo = real_openat(AT_FDCWD, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    t->reader = real_openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (t->undo < 0 || t->reader < 0)
        die(name);
    t->inode = st.st_ino;
    t->fresh = true;
    pthread_mutex_init(&t->mutex, NULL);
    lock(t);
    if (fstat(t->undo, &st) != 0 || (st.st_size < DATA_AT && real_ftruncate(t->undo, DATA_AT) != 0))
        die("undo");
    t->head = mmap(NULL, DATA_AT, PROT_READ | PROT_WRITE, MAP_SHARED, t->undo, 0);
    if (t->head == MAP_FAILED)
        die("mmap");
    if (created || t->head->end == 0) /* another file may have had this inode before */
        reset(t->head);
    unlock(t);
    if (created)
        note("C %llu %s", (unsigned long long)t->inode, path);
    files[fd] = t;
}

static struct tracked *tracked(int fd) { return fd >= 0 && fd < FDS_MAX ? files[fd] : NULL; }

/* -- Undo -------------------------------------------------------------------------------------------------------- */
static void put(struct tracked *t, const void *bytes, size_t len, uint64_t at)
{
    if (real_pwrite(t->undo, bytes, len, (off_t)at) != (ssize_t)len)
        die("undo");
}

/* Under the lock, before bytes at..at+bytes change (or the size does). */
static void save(struct tracked *t, uint32_t kind, uint64_t at, uint64_t bytes)
{
    static _Thread_local unsigned char copy[COPY_BYTES];
    struct stat st;
    struct head *h = t->head;
    if (fstat(t->reader, &st) != 0)
        die("fstat");
    uint64_t size = (uint64_t)st.st_size, until = at + bytes < size ? at + bytes : size;
    struct record r = {.kind = kind, .at = at, .bytes = bytes, .size_bytes = size};
    r.kept_bytes = until > at ? (uint32_t)(until - at) : 0;
    if (h->base >= h->end)
        reset(h);
    uint64_t to = h->end;
    put(t, &r, sizeof r, to);
    to += sizeof r;
    for (uint64_t from = at; from < until;) {
        size_t piece = until - from < COPY_BYTES ? (size_t)(until - from) : COPY_BYTES;
        ssize_t n = pread(t->reader, copy, piece, (off_t)from);
        if (n <= 0)
            die("pread");
        put(t, copy, (size_t)n, to);
        from += (uint64_t)n;
        to += (uint64_t)n;
    }
    __atomic_store_n(&h->end, to, __ATOMIC_SEQ_CST);
}

static int sync_with(int (*sync)(int), int fd)
{
    struct tracked *t = tracked(fd);
    char path[PATH_MAX];
    if (!t) {
        int result = sync(fd);
        struct stat st;
        if (result == 0 && root[0] && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && path_of(fd, path))
            note("S %s", path);
        return result;
    }
    lock(t);
    uint64_t generation = t->head->generation, upto = t->head->end;
    unlock(t);
    if (sync(fd) != 0)
        return -1;
    lock(t);
    struct head *h = t->head;
    if (h->generation == generation && h->base < upto) {
        if (upto < h->end && upto - h->base > COPY_BYTES)
            real_fallocate(t->undo, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)h->base, (off_t)(upto - h->base));
        __atomic_store_n(&h->base, upto, __ATOMIC_SEQ_CST);
    }
    unlock(t);
    if (t->fresh)
        note("F %llu", (unsigned long long)t->inode);
    t->fresh = false;
    return 0;
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
        die("O_TRUNC");
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
        munmap(t->head, DATA_AT);
        real_close(t->undo);
        real_close(t->reader);
        pthread_mutex_destroy(&t->mutex);
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
        die("lseek");
    return (uint64_t)at;
}

/* Runs one call that changes at..at+bytes of a tracked file. */
#define CHANGE(type, t, kind, from, count, call)                                                                               \
    do {                                                                                                                       \
        lock(t);                                                                                                               \
        save(t, kind, from, count);                                                                                            \
        type changed = call;                                                                                                   \
        int error = errno;                                                                                                     \
        unlock(t);                                                                                                             \
        errno = error;                                                                                                         \
        return changed;                                                                                                        \
    } while (0)

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    struct tracked *t = tracked(fd);
    if (!t)
        return real_pwrite(fd, bytes, len, at);
    CHANGE(ssize_t, t, RECORD_WRITE, (uint64_t)at, len, real_pwrite(fd, bytes, len, at));
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    struct tracked *t = tracked(fd);
    if (!t)
        return real_write(fd, bytes, len);
    CHANGE(ssize_t, t, RECORD_WRITE, position(fd), len, real_write(fd, bytes, len));
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    struct tracked *t = tracked(fd);
    size_t len = 0;
    if (!t)
        return real_writev(fd, pieces, count);
    for (int i = 0; i < count; i++)
        len += pieces[i].iov_len;
    CHANGE(ssize_t, t, RECORD_WRITE, position(fd), len, real_writev(fd, pieces, count));
}

int ftruncate(int fd, off_t size)
{
    struct tracked *t = tracked(fd);
    struct stat st;
    if (!t || fstat(fd, &st) != 0)
        return real_ftruncate(fd, size);
    uint64_t low = size < st.st_size ? (uint64_t)size : (uint64_t)st.st_size;
    CHANGE(int, t, RECORD_TRUNCATE, low, (uint64_t)st.st_size - low, real_ftruncate(fd, size));
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    struct tracked *t = tracked(fd);
    if (!t)
        return real_fallocate(fd, mode, at, len);
    if (mode & ~FALLOC_FL_KEEP_SIZE)
        die("fallocate changes bytes");
    CHANGE(int, t, RECORD_WRITE, (uint64_t)at, 0, real_fallocate(fd, mode, at, len));
}

int posix_fallocate(int fd, off_t at, off_t len) { return fallocate(fd, 0, at, len) == 0 ? 0 : errno; }

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) { return pwrite(fd, bytes, len, at); }
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }
int fallocate64(int fd, int mode, off_t at, off_t len) { return fallocate(fd, mode, at, len); }

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
