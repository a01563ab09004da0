/* kv_bdb.c - opens, closes and looks after the Berkeley DB environment of the table store.
 *
 * Files: one btree a space (space_files, made when they are missing), log.* (write-ahead log), __db.* (regions shared by the processes,
 * made anew by each recovery), `synced` (kv_bdb_sync.h), `checkpoint` and `backup.lock` (locked by who checkpoints, by who copies). Sizes
 * below are fixed when the regions are made, so they change only with a recovery, that is when the whole store starts. */
#include "worker/kv_bdb.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#define MEGABYTE (1024u * 1024u)
#define LOG_BUFFER_BYTES (4u * MEGABYTE) /* a 400 KB item is logged with its old and its new image */
#define LOG_FILE_BYTES (64u * MEGABYTE)
#define MAX_LOCKS 100000u   /* page locks of all processes: too few is an error, so far more than a batch can take */
#define LOCK_BUCKETS 16381u /* of those thousands that are held at a time: all are touched at the start, 100 bytes each */
#define MAX_LOCKERS 20000u
#define MAX_TRANSACTIONS 2000u
#define SPACE_CHECK_MS 20
#define RESERVE_BYTES (32ull * MEGABYTE) /* dirty pages and log between two checkpoints */
#define RESERVE_SHARE 16u                /* but no more than this part of a small file system */

/* In the order of their numbers: `synced` counts how many were made, so that none is made twice. New spaces come last. */
static const char *const space_files[KV_SPACES] = {
    [KV_META] = "meta.db",       [KV_ITEMS] = "items.db",     [KV_OUTCOMES] = "outcomes.db", [KV_INDEXES] = "indexes.db",
    [KV_STREAMS] = "streams.db", [KV_BACKUPS] = "backups.db", [KV_CHORES] = "chores.db",     [KV_TOKENS] = "tokens.db"};

const char *bdb_space_file(enum kv_space space) { return space_files[space]; }

enum kv_result bdb_result(struct bdb *store, int ret, const char *what)
{
    switch (ret) {
    case 0:
        return KV_OK;
    case DB_NOTFOUND:
    case DB_KEYEMPTY:
        return KV_NOT_FOUND;
    case DB_KEYEXIST:
        return KV_EXISTS;
    case DB_LOCK_DEADLOCK:
    case DB_LOCK_NOTGRANTED:
        store->counters.retries++;
        return KV_RETRY;
    case ENOSPC:
    case EFBIG:
    case EDQUOT:
        return KV_FULL;
    case ENOMEM:
        return KV_NO_MEMORY;
    default:
        if (!store->fatal) {
            char text[200];
            log_error("store.failed", "call=\"%s\" error=%s", what, log_value(db_strerror(ret), text, sizeof text));
        }
        store->fatal = true;
        return KV_FATAL;
    }
}

/* Messages that nothing but damaged files explains; any other error may pass. */
static const char *const damage_words[] = {"checksum error", "past end of log", "is cut off", "unexpected file type",
                                           "not a multiple of the pagesize"};
static atomic_bool damage_seen;

void bdb_on_error(const DB_ENV *env, const char *prefix, const char *message)
{
    (void)env, (void)prefix;
    char text[400];
    log_warn("store.message", "text=%s", log_value(message, text, sizeof text));
    for (size_t i = 0; i < sizeof damage_words / sizeof *damage_words; i++)
        if (strstr(message, damage_words[i]) && !atomic_exchange(&damage_seen, true))
            log_error("store.damaged", "effect=\"nothing of it is served\" help=\"see the message above; restore a backup\"");
}

static void on_message(const DB_ENV *env, const char *message)
{
    (void)env;
    char text[400];
    log_debug("store.message", "text=%s", log_value(message, text, sizeof text));
}

bool bdb_disk_full(struct bdb *store)
{
    int64_t now_ms = clock_mono_ms();
    if (store->space_checked_ms != 0 && now_ms - store->space_checked_ms < SPACE_CHECK_MS)
        return store->full;
    struct statvfs fs;
    store->space_checked_ms = now_ms;
    store->full = false;
    if (statvfs(store->folder, &fs) == 0) {
        uint64_t share = (uint64_t)fs.f_blocks * fs.f_frsize / RESERVE_SHARE;
        uint64_t reserve = share < RESERVE_BYTES ? share : RESERVE_BYTES;
        store->full = (uint64_t)fs.f_bavail * fs.f_frsize < reserve;
    }
    return store->full;
}

int bdb_configure(DB_ENV *env, int64_t cache_bytes)
{
    uint64_t cache = (uint64_t)cache_bytes;
    env->set_errcall(env, bdb_on_error);
    env->set_msgcall(env, on_message);
    int ret = env->set_cachesize(env, (u_int32_t)(cache >> 30), (u_int32_t)(cache & ((1u << 30) - 1)), 1);
    ret = ret ? ret : env->set_mp_pagesize(env, BDB_PAGE_BYTES); /* else the cache is laid out for pages of 4 KB */
    ret = ret ? ret : env->set_lg_bsize(env, LOG_BUFFER_BYTES);
    ret = ret ? ret : env->set_lg_max(env, LOG_FILE_BYTES);
    ret = ret ? ret : env->set_lk_max_locks(env, MAX_LOCKS);
    ret = ret ? ret : env->set_lk_max_objects(env, MAX_LOCKS);
    ret = ret ? ret : env->set_lk_tablesize(env, LOCK_BUCKETS);
    ret = ret ? ret : env->set_lk_max_lockers(env, MAX_LOCKERS);
    ret = ret ? ret : env->set_lk_detect(env, DB_LOCK_MINWRITE);
    ret = ret ? ret : env->set_tx_max(env, MAX_TRANSACTIONS);
    return ret;
}

/* Takes the blocks of one region file, and, ahead of its growth, up to `ahead` bytes. An errno or 0. */
static int take_file(const char *path, off_t ahead)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = fstat(fd, &st) != 0 ? errno : st.st_size > 0 ? posix_fallocate(fd, 0, st.st_size) : 0;
    if (error == 0 && ahead > st.st_size && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, ahead) != 0)
        log_debug("store.space", "file=%s error=\"%s\"", path, strerror(errno)); /* it is only ahead of need */
    close(fd);
    return error;
}

/* The files that hold the shared regions; 0, or a code of glob(3). The caller frees them. */
static int region_files(const struct bdb *store, glob_t *files)
{
    char pattern[PATH_MAX];
    int n = snprintf(pattern, sizeof pattern, "%s/__db.0*", store->folder);
    return n < 0 || (size_t)n >= sizeof pattern ? GLOB_ABORTED : glob(pattern, 0, NULL, files);
}

/* Regions are never synced: after a loss of power their files may have any length, and the library, which looks at those of the last life
 * before it makes new ones, would die of a page that is not there. Nobody else has them open when the store is recovered. */
static void drop_regions(const struct bdb *store)
{
    glob_t files;
    if (region_files(store, &files) != 0)
        return;
    for (size_t i = 0; i < files.gl_pathc; i++)
        unlink(files.gl_pathv[i]);
    globfree(&files);
}

/* The region files are mapped and have holes: on a full disk the first touch of a page would be a SIGBUS. So their blocks are taken
 * when they are made; those that the cache (the last file) will grow into, too, unless they are most of what is free. */
static int take_region_space(const struct bdb *store, int64_t cache_bytes, struct err *e)
{
    glob_t files;
    struct statvfs fs;
    int64_t cache = cache_bytes + cache_bytes / 4 + MEGABYTE; /* the library adds a quarter for its own */
    if (statvfs(store->folder, &fs) != 0 || region_files(store, &files) != 0)
        return err_set(e, ERR_UNAVAILABLE, "%s: the regions of the store cannot be listed", store->folder);
    bool roomy = (int64_t)(fs.f_bavail * fs.f_frsize) / 2 > cache;
    int error = 0;
    for (size_t i = 0; i < files.gl_pathc && error == 0; i++)
        error = take_file(files.gl_pathv[i], roomy && i + 1 == files.gl_pathc ? cache : 0);
    globfree(&files);
    if (error == 0)
        return 0;
    return err_set(e, ERR_DISK_FULL, "%s: no room for the store's cache: %s", store->folder, strerror(error));
}

/* Recovery has just written all pages: a file that is shorter than its first page says has lost some, and the library would take new
 * ones for them. A result of the library. */
static int check_length(const struct bdb *store, enum kv_space space)
{
    char path[PATH_MAX + 32], text[80];
    struct stat st;
    DB *db = store->spaces[space];
    DB_BTREE_STAT *btree;
    int ret = db->stat(db, NULL, &btree, DB_FAST_STAT);
    if (ret != 0)
        return ret;
    uint64_t bytes = (uint64_t)btree->bt_pagecnt * btree->bt_pagesize;
    free(btree);
    snprintf(path, sizeof path, "%s/%s", store->folder, space_files[space]);
    if (stat(path, &st) != 0)
        return errno;
    if ((uint64_t)st.st_size >= bytes)
        return 0;
    snprintf(text, sizeof text, "%s is cut off: %lld bytes of %llu", space_files[space], (long long)st.st_size,
             (unsigned long long)bytes);
    bdb_on_error(store->env, NULL, text);
    return EINVAL;
}

static int open_spaces(struct bdb *store, bool create)
{
    u_int32_t flags = DB_AUTO_COMMIT | (create ? DB_CREATE : 0);
    for (int i = 0; i < KV_SPACES; i++) {
        int ret = db_create(&store->spaces[i], store->env, 0);
        DB *db = store->spaces[i];
        if (ret == 0)
            ret = db->set_pagesize(db, BDB_PAGE_BYTES);
        if (ret == 0)
            ret = db->set_flags(db, DB_CHKSUM); /* of new files: a damaged page is an error, not data */
        if (ret == 0)
            ret = db->open(db, NULL, space_files[i], NULL, DB_BTREE, flags, 0600);
        if (ret == 0 && create)
            ret = check_length(store, (enum kv_space)i);
        if (ret != 0)
            return ret;
    }
    return 0;
}

static void bdb_close(struct kv *kv)
{
    struct bdb *store = (struct bdb *)kv;
    for (int i = 0; i < KV_SPACES; i++)
        if (store->spaces[i])
            store->spaces[i]->close(store->spaces[i], DB_NOSYNC);
    if (store->env)
        store->env->close(store->env, 0);
    bdb_synced_close(&store->synced);
    free(store);
}

static void bdb_counters(const struct kv *kv, struct kv_counters *counters) { *counters = ((const struct bdb *)kv)->counters; }

static const struct kv_ops bdb_ops = {
    .close = bdb_close,
    .begin = bdb_begin,
    .commit = bdb_commit,
    .abort = bdb_abort,
    .get = bdb_get,
    .put = bdb_put,
    .del = bdb_delete,
    .cursor_open = bdb_cursor_open,
    .seek = bdb_seek,
    .next = bdb_next,
    .seek_before = bdb_seek_before,
    .prev = bdb_prev,
    .cursor_close = bdb_cursor_close,
    .maintain = bdb_maintain,
    .counters = bdb_counters,
};

/* ERR_INTERNAL: beside others, that one of them has died; in recovery, that files are damaged. */
static int fail_open(struct bdb *store, int ret, bool recover, struct err *e)
{
    bool damaged = recover && atomic_load(&damage_seen);
    enum err_code code = damaged || (!recover && ret == DB_RUNRECOVERY) ? ERR_INTERNAL
                         : ret == ENOSPC || ret == EFBIG                ? ERR_DISK_FULL
                                                                        : ERR_UNAVAILABLE;
    return err_set(e, code, "%s: the store %s: %s%s", store->folder, damaged ? "is damaged" : "cannot be opened",
                   db_strerror(ret), damaged ? ". The messages above name the place; restore a backup" : "");
}

static int open_all(struct bdb *store, const struct kv_bdb_config *config, struct err *e)
{
    u_int32_t flags = DB_INIT_TXN | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL;
    if (bdb_synced_open(&store->synced, store->folder, e) != 0)
        return -1;
    if (config->recover) {
        atomic_store(&damage_seen, false);
        flags |= DB_CREATE | DB_RECOVER;
        if (bdb_synced_prove(&store->synced, space_files, e) != 0)
            return -1;
        drop_regions(store);
    }
    int ret = db_env_create(&store->env, 0);
    if (ret == 0)
        ret = bdb_configure(store->env, config->cache_bytes);
    if (ret == 0)
        ret = store->env->open(store->env, store->folder, flags, 0600);
    if (ret == 0)
        ret = bdb_pace(store->env);
    if (ret != 0)
        return fail_open(store, ret, config->recover, e);
    if (config->recover && take_region_space(store, config->cache_bytes, e) != 0)
        return -1;
    ret = open_spaces(store, config->recover);
    if (ret != 0)
        return fail_open(store, ret, config->recover, e);
    if (config->recover && bdb_synced_made(&store->synced, KV_SPACES, store->env, e) != 0)
        return -1;
    store->counters.recoveries = config->recover;
    return 0;
}

struct kv *kv_bdb_open(const struct kv_bdb_config *config, struct err *e)
{
    struct bdb *store = calloc(1, sizeof *store);
    if (!store) {
        err_set(e, ERR_UNAVAILABLE, "out of memory");
        return NULL;
    }
    store->kv.ops = &bdb_ops;
    int n = snprintf(store->folder, sizeof store->folder, "%s", config->folder);
    if (n < 0 || (size_t)n >= sizeof store->folder) {
        err_set(e, ERR_VALIDATION, "the folder's name is too long");
        free(store);
        return NULL;
    }
    if (open_all(store, config, e) != 0) {
        bdb_close(&store->kv);
        return NULL;
    }
    return &store->kv;
}
