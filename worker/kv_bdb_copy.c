/* kv_bdb_copy.c - copies of a store by Berkeley DB's own means; see kv_copy.h. */
#include "worker/kv_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/kv_bdb.h"

#define COPY_CACHE_BYTES (16u << 20)

static int fail(struct err *e, int ret, const char *what, const char *path)
{
    bool full = ret == ENOSPC || ret == EFBIG || ret == EDQUOT;
    bool damaged = ret == DB_VERIFY_BAD || ret == DB_RUNRECOVERY;
    return err_set(e,
                   full      ? ERR_DISK_FULL
                   : damaged ? ERR_INTERNAL
                             : ERR_UNAVAILABLE,
                   "cannot %s %s: %s", what, path, db_strerror(ret));
}

/* -- Copying ----------------------------------------------------------------------------------------------------------- */
int kv_copy_hot(struct kv *kv, const char *target, struct err *e)
{
    struct bdb *store = (struct bdb *)kv;
    int lock = bdb_hold_log(store);
    if (lock < 0)
        return fail(e, errno, "hold the log of", store->folder);
    int ret = store->env->backup(store->env, target, DB_CREATE | DB_EXCL);
    close(lock);
    return ret == 0 ? 0 : fail(e, ret, "copy the store to", target);
}

static int copy_bytes(int from, int to)
{
    ssize_t n;
    while ((n = copy_file_range(from, NULL, to, NULL, 1u << 30, 0)) > 0)
        continue;
    return n == 0 && fsync(to) == 0 ? 0 : errno;
}

static int copy_file(const char *path, const char *target, struct err *e)
{
    char copy[PATH_MAX];
    int n = snprintf(copy, sizeof copy, "%s%s", target, strrchr(path, '/'));
    if (n < 0 || (size_t)n >= sizeof copy)
        return err_set(e, ERR_VALIDATION, "%s: the name is too long", target);
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int ret = from < 0 || to < 0 ? errno : copy_bytes(from, to);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return ret == 0 ? 0 : fail(e, ret, "copy to", copy);
}

/* The databases and the logs of a folder; 0, or -1 with e. The caller frees them. */
static int list(const char *folder, bool logs, glob_t *files, struct err *e)
{
    char pattern[PATH_MAX];
    int n = snprintf(pattern, sizeof pattern, "%s/*.db", folder);
    int ret = n < 0 || (size_t)n >= sizeof pattern ? GLOB_ABORTED : glob(pattern, 0, NULL, files);
    snprintf(pattern, sizeof pattern, "%s/log.*", folder);
    if (ret == 0 && logs && glob(pattern, GLOB_APPEND, NULL, files) == GLOB_NOSPACE)
        ret = GLOB_NOSPACE;
    return ret == 0 ? 0 : err_set(e, ERR_UNAVAILABLE, "%s: there is no store, or it cannot be listed", folder);
}

int kv_copy_cold(const char *folder, const char *target, struct err *e)
{
    glob_t files = {0};
    const char *names[KV_SPACES];
    for (int i = 0; i < KV_SPACES; i++)
        names[i] = bdb_space_file((enum kv_space)i);
    if (bdb_synced_look(folder, names, e) != 0) /* the copy's recovery would take the end of a damaged log for its end */
        return -1;
    if (mkdir(target, 0700) != 0)
        return fail(e, errno, "make", target);
    int result = list(folder, true, &files, e);
    for (size_t i = 0; result == 0 && i < files.gl_pathc; i++)
        result = copy_file(files.gl_pathv[i], target, e);
    globfree(&files);
    return result;
}

/* -- Making it whole --------------------------------------------------------------------------------------------------- */
int kv_copy_settle(const char *folder, struct err *e)
{
    DB_ENV *env;
    int ret = db_env_create(&env, 0);
    if (ret != 0)
        return fail(e, ret, "recover", folder);
    ret = bdb_configure(env, COPY_CACHE_BYTES);
    if (ret == 0)
        ret = env->open(env, folder,
                        DB_CREATE | DB_PRIVATE | DB_RECOVER_FATAL | DB_INIT_TXN | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL,
                        0600);
    if (ret == 0)
        ret = env->txn_checkpoint(env, 0, 0, DB_FORCE);
    if (ret == 0)
        ret = env->log_archive(env, NULL, DB_ARCH_REMOVE);
    int closed = env->close(env, DB_FORCESYNC);
    ret = ret ? ret : closed;
    return ret == 0 ? 0 : fail(e, ret, "recover", folder);
}

/* -- Looking ----------------------------------------------------------------------------------------------------------- */
static int check_file(const char *path, struct err *e)
{
    DB *db;
    int ret = db_create(&db, NULL, 0);
    if (ret == 0) {
        db->set_errcall(db, bdb_on_error);
        ret = db->verify(db, path, NULL, NULL, 0); /* ends the handle */
    }
    return ret == 0 ? 0 : fail(e, ret, "vouch for", path);
}

int kv_copy_check(const char *folder, unsigned *files_checked, struct err *e)
{
    glob_t files = {0};
    *files_checked = 0;
    int result = list(folder, false, &files, e);
    for (size_t i = 0; result == 0 && i < files.gl_pathc; i++, ++*files_checked)
        result = check_file(files.gl_pathv[i], e);
    globfree(&files);
    return result;
}

static int walk_rows(DB *db, const char *path, kv_copy_visit *visit, void *self, struct err *e)
{
    DBC *cursor;
    DBT key = {0}, value = {0};
    int result = 0, ret = db->cursor(db, NULL, &cursor, 0);
    if (ret != 0)
        return fail(e, ret, "read", path);
    while (result == 0 && (ret = cursor->get(cursor, &key, &value, DB_NEXT)) == 0)
        result = visit(self, slice_of(key.data, key.size), slice_of(value.data, value.size), e);
    cursor->close(cursor);
    if (result == 0 && ret != DB_NOTFOUND)
        result = fail(e, ret, "read", path);
    return result;
}

int kv_copy_walk(const char *folder, enum kv_space space, kv_copy_visit *visit, void *self, struct err *e)
{
    char path[PATH_MAX];
    DB *db;
    int n = snprintf(path, sizeof path, "%s/%s", folder, bdb_space_file(space));
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(e, ERR_VALIDATION, "%s: the name is too long", folder);
    int ret = db_create(&db, NULL, 0);
    if (ret != 0)
        return fail(e, ret, "open", path);
    db->set_errcall(db, bdb_on_error);
    ret = db->open(db, NULL, path, NULL, DB_BTREE, DB_RDONLY, 0);
    int result = ret == 0 ? walk_rows(db, path, visit, self, e) : fail(e, ret, "open", path);
    db->close(db, 0);
    return result;
}
