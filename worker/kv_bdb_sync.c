/* kv_bdb_sync.c - the page DIR/synced; see kv_bdb_sync.h. */
#include "worker/kv_bdb_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

#define PAGE_BYTES 4096u
#define MAGIC 0x31434e595354454cull /* "LETSYNC1" */
#define PIECE_BYTES (1u << 20)
#define EXIT_IO 74

struct bdb_synced_page {
    uint64_t magic;
    atomic_uint_fast64_t log_end; /* file number << 32 | offset; 0: nothing is known */
    atomic_uint_fast32_t failed;  /* a sync has failed since the last recovery */
    atomic_uint_fast32_t files;   /* so many of the store's files were made */
};

static void leave(int status) { _exit(status); }

#define SYSTEM_IO                                                                                                              \
    {                                                                                                                          \
        .write_at = pwrite, .sync = fdatasync, .stop = leave                                                                   \
    }
static struct bdb_io io = SYSTEM_IO;

void bdb_set_io(const struct bdb_io *other) { io = other ? *other : (struct bdb_io)SYSTEM_IO; }

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards stores */
static struct bdb_synced *stores;

/* -- Every sync of the library ------------------------------------------------------------------------------------ */
static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* Notes the failure in the stores that the file belongs to. False: in none (a backup's target). */
static bool note_failure(const char *path)
{
    bool mine = false;
    pthread_mutex_lock(&mutex);
    for (struct bdb_synced *s = stores; s; s = s->next)
        if (is_below(path, s->folder)) {
            atomic_store(&s->page->failed, 1);
            mine = true;
        }
    pthread_mutex_unlock(&mutex);
    return mine;
}

/* The library tries a failed sync up to a hundred times, and the kernel says all is well to the second. Returns an errno or 0. */
static int sync_or_stop(int fd)
{
    char link[64], path[PATH_MAX], quoted[PATH_MAX];
    if (io.sync(fd) == 0)
        return 0;
    int error = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    if (!note_failure(path))
        return error;
    log_error("store.failed", "call=fsync file=%s errno=%d reason=\"%s\" effect=\"nothing is promised after this: stopping\"",
              log_value(path, quoted, sizeof quoted), error, strerror(error));
    io.stop(EXIT_IO);
    return error;
}

/* -- The page ------------------------------------------------------------------------------------------------------ */
static struct bdb_synced_page *map_page(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : posix_fallocate(fd, 0, PAGE_BYTES); /* a hole would be a SIGBUS on a full disk */
    void *page = error == 0 ? mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : NULL;
    if (page == MAP_FAILED) {
        error = errno;
        page = NULL;
    }
    if (fd >= 0)
        close(fd);
    if (!page)
        err_set(e, error == ENOSPC ? ERR_DISK_FULL : ERR_UNAVAILABLE, "%s: %s", path, strerror(error));
    return page;
}

int bdb_synced_open(struct bdb_synced *s, const char *folder, struct err *e)
{
    char path[PATH_MAX + 16];
    if (!realpath(folder, s->folder))
        return err_set(e, ERR_UNAVAILABLE, "%s: %s", folder, strerror(errno));
    snprintf(path, sizeof path, "%s/synced", s->folder);
    s->page = map_page(path, e);
    if (!s->page)
        return -1;
    if (s->page->magic != MAGIC) { /* new, or lost in a power cut */
        atomic_store(&s->page->log_end, 0);
        atomic_store(&s->page->failed, 0);
        atomic_store(&s->page->files, 0);
        s->page->magic = MAGIC;
    }
    pthread_mutex_lock(&mutex);
    s->next = stores;
    stores = s;
    pthread_mutex_unlock(&mutex);
    db_env_set_func_fsync(sync_or_stop);
    return 0;
}

void bdb_synced_close(struct bdb_synced *s)
{
    if (!s->page)
        return;
    pthread_mutex_lock(&mutex);
    struct bdb_synced **at = &stores;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    pthread_mutex_unlock(&mutex);
    munmap(s->page, PAGE_BYTES);
    s->page = NULL;
}

void bdb_synced_note(struct bdb_synced *s, DB_ENV *env)
{
    DB_LOG_STAT *stat;
    if (env->log_stat(env, &stat, 0) != 0)
        return; /* an older page is as true */
    uint_fast64_t end = (uint_fast64_t)stat->st_disk_file << 32 | stat->st_disk_offset;
    uint_fast64_t known = atomic_load(&s->page->log_end);
    free(stat);
    while (known < end && !atomic_compare_exchange_weak(&s->page->log_end, &known, end))
        continue;
}

/* Names of new files: a power cut must not take a file that a checkpoint relies on, nor the folder. An errno or 0. */
static int sync_names(const char *folder)
{
    char parent[PATH_MAX + 4];
    snprintf(parent, sizeof parent, "%s/..", folder);
    const char *const folders[] = {folder, parent};
    int error = 0;
    for (size_t i = 0; i < 2 && error == 0; i++) {
        int fd = open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = fd < 0 || fsync(fd) != 0 ? errno : 0;
        if (fd >= 0)
            close(fd);
    }
    return error;
}

int bdb_synced_made(struct bdb_synced *s, size_t files, DB_ENV *env, struct err *e)
{
    int error = sync_names(s->folder);
    if (error)
        return err_set(e, ERR_UNAVAILABLE, "%s: the folder cannot be synced: %s", s->folder, strerror(error));
    bdb_synced_note(s, env);
    atomic_store(&s->page->files, files);
    return 0;
}

/* -- Before recovery ------------------------------------------------------------------------------------------------ */
/* Writes what the kernel has of a file, so that it is dirty, and syncs it. Holes stay holes. An errno or 0. */
static int write_anew(int fd, unsigned char *piece)
{
    off_t at = 0;
    while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
        ssize_t n = pread(fd, piece, PIECE_BYTES, at);
        if (n < 0)
            return errno;
        if (n == 0)
            break;
        if (io.write_at(fd, piece, (size_t)n, at) != n)
            return errno ? errno : EIO;
        at += n;
    }
    return at < 0 && errno != ENXIO ? errno : io.sync(fd) == 0 ? 0 : errno;
}

static int write_all_anew(const struct bdb_synced *s, unsigned char *piece)
{
    static const char *const patterns[] = {"log.*", "*.db"};
    char pattern[PATH_MAX + 8];
    glob_t found = {.gl_pathc = 0};
    for (size_t i = 0; i < 2; i++) {
        snprintf(pattern, sizeof pattern, "%s/%s", s->folder, patterns[i]);
        int got = glob(pattern, i ? GLOB_APPEND : 0, NULL, &found);
        if (got != 0 && got != GLOB_NOMATCH)
            return EIO;
    }
    int error = 0;
    for (size_t i = 0; i < found.gl_pathc && error == 0; i++) {
        int fd = open(found.gl_pathv[i], O_RDWR | O_CLOEXEC);
        error = fd < 0 ? errno : write_anew(fd, piece);
        if (fd >= 0)
            close(fd);
    }
    globfree(&found);
    return error;
}

static int end_doubt(const struct bdb_synced *s, struct err *e)
{
    unsigned char *piece = malloc(PIECE_BYTES);
    errno = 0;
    int error = piece ? write_all_anew(s, piece) : ENOMEM;
    free(piece);
    if (error)
        return err_set(e, ERR_UNAVAILABLE, "%s: a sync has failed, and writing the files anew fails, too: %s", s->folder,
                       strerror(error));
    atomic_store(&s->page->failed, 0);
    log_warn("store.rewritten", "text=\"a sync had failed: what the kernel kept was written again\"");
    return 0;
}

/* Where the log ends as recovery will see it; reads only. A result of the library. */
static int find_log_end(const char *folder, uint64_t *end)
{
    DB_ENV *env;
    DB_LOG_STAT *stat = NULL;
    int ret = db_env_create(&env, 0);
    if (ret != 0)
        return ret;
    ret = env->open(env, folder, DB_CREATE | DB_INIT_LOG | DB_PRIVATE, 0600);
    if (ret == 0)
        ret = env->log_stat(env, &stat, 0);
    if (ret == 0)
        *end = (uint64_t)stat->st_cur_file << 32 | stat->st_cur_offset;
    free(stat);
    env->close(env, 0);
    return ret;
}

static int prove_log(const char *folder, uint64_t synced, struct err *e)
{
    uint64_t end = 0;
    int ret = find_log_end(folder, &end);
    if (ret == ENOMEM || ret == EIO || ret == EMFILE || ret == ENFILE)
        return err_set(e, ERR_UNAVAILABLE, "%s: the log cannot be read: %s", folder, db_strerror(ret));
    if (ret == 0 && end >= synced)
        return 0;
    return err_set(
        e, ERR_INTERNAL,
        "%s is damaged: its log breaks off at %u/%u, but was synced up to %u/%u: transactions are missing. Nothing was "
        "changed. Restore a backup, or remove the file \"synced\" there to go on without them",
        folder, (unsigned)(end >> 32), (unsigned)end, (unsigned)(synced >> 32), (unsigned)synced);
}

static int prove_files(const char *folder, const char *const *files, uint64_t count, struct err *e)
{
    char path[2 * PATH_MAX];
    struct stat st;
    for (uint64_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (stat(path, &st) != 0 && errno == ENOENT)
            return err_set(e, ERR_INTERNAL, "%s is damaged: %s is missing. Nothing was changed. Restore a backup", folder,
                           files[i]);
    }
    return 0;
}

static int prove(const char *folder, struct bdb_synced_page *page, const char *const *files, struct err *e)
{
    uint64_t synced = atomic_load(&page->log_end);
    if (prove_files(folder, files, atomic_load(&page->files), e) != 0)
        return -1;
    return synced == 0 ? 0 : prove_log(folder, synced, e);
}

int bdb_synced_prove(const struct bdb_synced *s, const char *const *files, struct err *e)
{
    if (atomic_load(&s->page->failed) && end_doubt(s, e) != 0)
        return -1;
    return prove(s->folder, s->page, files, e);
}

int bdb_synced_look(const char *folder, const char *const *files, struct err *e)
{
    char path[PATH_MAX + 16];
    struct bdb_synced_page page;
    snprintf(path, sizeof path, "%s/synced", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool told = fd >= 0 && pread(fd, &page, sizeof page, 0) == (ssize_t)sizeof page && page.magic == MAGIC;
    if (fd >= 0)
        close(fd);
    return told ? prove(folder, &page, files, e) : 0;
}
