/* kv_bdb_checkpoint.c - checkpoints of the Berkeley DB store, and the end of log files that nobody needs any more.
 *
 * A checkpoint writes all dirty pages, a thousand and more when jobs go to items at random, while jobs are waiting for syncs of the same
 * disk. So one is made for all processes, not one by each; its pages are written a few at a time with pauses between; and the kernel is
 * told to send them to the disk at once, where it would else keep them all for the sync at the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/kv_bdb.h"

#define CHECKPOINT_KBYTES 16384u /* of log: keeps recovery in the tenths of a second */
#define CHECKPOINT_MS 5000       /* with less log than that */
#define PACE_PAGES 16            /* written in a row */
#define PACE_PAUSE_US 2000
#define HOLD_TRIES 1000 /* removing logs takes moments */
#define HOLD_PAUSE_US 1000

/* -- Pace ----------------------------------------------------------------------------------------------------------- */
/* Every write of the library. What this does not start, or what fails later, the file's sync meets. */
static ssize_t write_and_send(int fd, const void *bytes, size_t len, off_t at)
{
    static _Thread_local unsigned pages;
    ssize_t n = pwrite(fd, bytes, len, at);
    if (len == BDB_PAGE_BYTES && ++pages % PACE_PAGES == 0)
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return n;
}

int bdb_pace(DB_ENV *env)
{
    int ret = db_env_set_func_pwrite(write_and_send);
    return ret ? ret : env->set_mp_max_write(env, PACE_PAGES, PACE_PAUSE_US);
}

/* -- The log ---------------------------------------------------------------------------------------------------------- */
/* STORE/backup.lock, locked as wanted without waiting; -1 with errno. Free by closing it. */
static int lock_log(const struct bdb *store, int how)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/backup.lock", store->folder);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, how | LOCK_NB) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int bdb_hold_log(const struct bdb *store)
{
    int fd;
    for (int i = 0; (fd = lock_log(store, LOCK_SH)) < 0 && errno == EWOULDBLOCK && i < HOLD_TRIES; i++)
        usleep(HOLD_PAUSE_US);
    return fd;
}

/* Not while somebody copies the store: the copy needs the log from its beginning on. */
static int remove_logs(struct bdb *store)
{
    int fd = lock_log(store, LOCK_EX);
    if (fd < 0)
        return errno == EWOULDBLOCK ? 0 : errno;
    int ret = store->env->log_archive(store->env, NULL, DB_ARCH_REMOVE);
    close(fd);
    return ret;
}

/* -- Checkpoints ---------------------------------------------------------------------------------------------------- */
/* The file that checkpoints are locked by begins with the time at which the last one did, of whichever process. Monotonic: a time that is
 * still to come is of an earlier boot. */
static bool is_due(int fd, int64_t now_ms)
{
    int64_t last_ms;
    return pread(fd, &last_ms, sizeof last_ms, 0) != sizeof last_ms || last_ms > now_ms || now_ms - last_ms >= CHECKPOINT_MS;
}

/* Writes what is dirty, so that recovery has little to repeat, and removes log files that nobody needs any more. */
static int checkpoint(struct bdb *store, int fd)
{
    int64_t now_ms = clock_mono_ms();
    bool due = is_due(fd, now_ms);
    int ret = store->env->txn_checkpoint(store->env, due ? 0 : CHECKPOINT_KBYTES, 0, 0);
    if (ret != 0 || !due)
        return ret;
    if (pwrite(fd, &now_ms, sizeof now_ms, 0) != sizeof now_ms)
        log_debug("store.checkpoint", "error=\"%s\" effect=\"the next is made too early\"", strerror(errno));
    return remove_logs(store);
}

enum kv_result bdb_maintain(struct kv *kv)
{
    struct bdb *store = (struct bdb *)kv;
    char path[PATH_MAX];
    if (store->fatal)
        return KV_FATAL;
    int n = snprintf(path, sizeof path, "%s/checkpoint", store->folder);
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return errno == ENOSPC ? KV_FULL : KV_NO_MEMORY;
    enum kv_result result = KV_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        result = bdb_result(store, checkpoint(store, fd), "checkpoint");
    close(fd);
    return result;
}
