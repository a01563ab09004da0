/* care.c - stores under an operator's hand. */
#include "worker/care.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/item.h"
#include "common/log.h"
#include "common/op.h"
#include "worker/guard.h"
#include "worker/kv_copy.h"
#include "worker/outcomes.h"

#define STATUS_DAMAGE 74
#define STATUS_NOT_NOW 75

static int report(const struct err *e)
{
    fprintf(stderr, "leat-worker: %s\n", e->text);
    return e->code == ERR_INTERNAL || e->code == ERR_DISK_FULL ? STATUS_DAMAGE : STATUS_NOT_NOW;
}

/* -- Checking a settled copy ------------------------------------------------------------------------------------------- */
struct counts {
    unsigned files;
    unsigned long long items, outcomes;
};

static int check_item(void *self, struct slice key, struct slice value, struct err *e)
{
    struct err why = {.code = ERR_NONE};
    ((struct counts *)self)->items++;
    if (key.len > 4 && value_check(value, &why) == 0)
        return 0;
    return err_set(e, ERR_INTERNAL, "items.db holds a row that is no item: %s",
                   key.len > 4 ? why.text : "its key is too short");
}

static int check_outcome(void *self, struct slice key, struct slice value, struct err *e)
{
    struct outcome_row row;
    struct outcome outcome;
    ((struct counts *)self)->outcomes++;
    if (key.len == OUTCOME_KEY_BYTES && outcome_row_decode(value, &row) == 0 && outcome_decode(row.outcome, &outcome) == 0)
        return 0;
    return err_set(e, ERR_INTERNAL, "outcomes.db holds a row that is no outcome");
}

static int check_copy(const char *folder, struct counts *counts, struct err *e)
{
    *counts = (struct counts){0};
    if (kv_copy_check(folder, &counts->files, e) != 0 || kv_copy_walk(folder, KV_ITEMS, check_item, counts, e) != 0)
        return -1;
    return kv_copy_walk(folder, KV_OUTCOMES, check_outcome, counts, e);
}

static int told(const char *what, const struct counts *counts)
{
    printf("store    %s: %u files, %llu items, %llu outcomes\n", what, counts->files, counts->items, counts->outcomes);
    return 0;
}

/* -- Backup ------------------------------------------------------------------------------------------------------------ */
struct opened {
    const char *folder;
    int64_t cache_bytes;
    struct kv *kv;
};

static int open_store(void *self, bool recover, struct err *e)
{
    struct opened *o = self;
    struct kv_bdb_config config = {.folder = o->folder, .cache_bytes = o->cache_bytes, .recover = recover};
    o->kv = kv_bdb_open(&config, e);
    return o->kv ? 0 : -1;
}

static bool asked_to_stop(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

static int copy_as_member(const struct members *members, struct opened *o, const char *target, struct err *e)
{
    static struct guard_shared shared; /* the thread that watches the others may look at it to the end */
    static struct guard_link link;
    char name[32];
    snprintf(name, sizeof name, "backup-%ld", (long)getpid());
    link = (struct guard_link){.shared = &shared, .members = members, .guard_pid = getppid(), .descriptor = -1};
    members_name(link.member, name, (uint64_t)getpid());
    if (guard_enter(&link, open_store, o, e) != 0)
        return -1;
    int result = kv_copy_hot(o->kv, target, e);
    kv_close(&o->kv);
    guard_leave(&link);
    if (result == 0 && asked_to_stop())
        result = err_set(e, ERR_UNAVAILABLE, "stopped");
    return result;
}

int care_backup_store(const char *store, int64_t cache_bytes, const char *target)
{
    static struct members members;
    struct opened o = {store, cache_bytes, NULL};
    struct counts counts;
    struct err e = {.code = ERR_NONE};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (members_init(&members, store, &e) != 0 || copy_as_member(&members, &o, target, &e) != 0 ||
        kv_copy_settle(target, &e) != 0 || check_copy(target, &counts, &e) != 0)
        return report(&e);
    return told("copied", &counts);
}

/* -- Verify ------------------------------------------------------------------------------------------------------------ */
static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int check_used(const char *store, struct members *members, struct err *e)
{
    struct members_seen seen;
    struct stat st;
    if (stat(store, &st) != 0)
        return err_set(e, ERR_UNAVAILABLE, "%s: %s", store, strerror(errno));
    if (members_init(members, store, e) != 0)
        return -1;
    if (members_scan(members, &seen) != 0)
        return err_set(e, ERR_UNAVAILABLE, "%s: the members cannot be listed", store);
    if (seen.live == 0)
        return 0;
    return err_set(e, ERR_RESOURCE_IN_USE, "%s is in use: stop the stack, or make a backup and verify that", store);
}

/* The copy is recovered as the next start would do it. */
static int check_by_copy(const char *store, struct counts *counts, struct err *e)
{
    char copy[PATH_MAX];
    struct members members;
    if (check_used(store, &members, e) != 0)
        return -1;
    int n = snprintf(copy, sizeof copy, "%s.verify-%ld", store, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof copy)
        return err_set(e, ERR_VALIDATION, "%s: the name is too long", store);
    int boot = members_boot_lock(&members, e); /* nobody opens it meanwhile */
    if (boot < 0)
        return boot == MEMBERS_BUSY ? err_set(e, ERR_RESOURCE_IN_USE, "%s is being opened by a worker", store) : -1;
    int result = kv_copy_cold(store, copy, e);
    close(boot);
    if (result == 0)
        result = kv_copy_settle(copy, e);
    if (result == 0)
        result = check_copy(copy, counts, e);
    nftw(copy, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return result;
}

int care_verify_store(const char *store, bool settled)
{
    struct counts counts;
    struct err e = {.code = ERR_NONE};
    int result = settled ? check_copy(store, &counts, &e) : check_by_copy(store, &counts, &e);
    return result == 0 ? told("good", &counts) : report(&e);
}
