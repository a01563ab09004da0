/* members.c - member files and their locks; see members.h for the scheme. */
#include "worker/members.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"

#define NEW_PREFIX ".new."
#define FILE_FLAGS (O_CLOEXEC | O_NOFOLLOW)

static_assert(MEMBER_NAME_BYTES > LIMIT_PEER_NAME_BYTES + 1 + 16, "a name, a dot and 64 bits in hexadecimal fit");

enum member_state { MEMBER_LIVE, MEMBER_DEAD, MEMBER_GONE, MEMBER_UNKNOWN };

static int make_folder(const char *path, struct err *e)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_set(e, errno == ENOSPC ? ERR_DISK_FULL : ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    return 0;
}

int members_init(struct members *m, const char *store_folder, struct err *e)
{
    int folder = snprintf(m->folder, sizeof m->folder, "%s/members", store_folder);
    int boot = snprintf(m->boot, sizeof m->boot, "%s/boot.lock", store_folder);
    if (folder < 0 || boot < 0 || (size_t)folder + MEMBER_NAME_BYTES + sizeof NEW_PREFIX > sizeof m->folder)
        return err_set(e, ERR_VALIDATION, "the name of the store's folder is too long");
    if (make_folder(store_folder, e) != 0)
        return -1;
    return make_folder(m->folder, e);
}

bool members_name_valid(const char *name)
{
    size_t len = strlen(name);
    size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return len > 0 && len <= LIMIT_PEER_NAME_BYTES && good == len && name[0] != '.';
}

void members_name(char out[static MEMBER_NAME_BYTES], const char *name, uint64_t incarnation)
{
    assert(members_name_valid(name));
    snprintf(out, MEMBER_NAME_BYTES, "%s.%016llx", name, (unsigned long long)incarnation);
}

/* Opens a file of the folder and tries whether somebody holds it. A dead one's descriptor is not needed any more. */
static enum member_state test_file(int folder, const char *file)
{
    int fd = openat(folder, file, O_RDONLY | FILE_FLAGS);
    if (fd < 0)
        return errno == ENOENT ? MEMBER_GONE : MEMBER_UNKNOWN;
    enum member_state state = MEMBER_UNKNOWN;
    struct stat st;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        state = errno == EWOULDBLOCK ? MEMBER_LIVE : MEMBER_UNKNOWN;
    else if (fstat(fd, &st) == 0)
        state = st.st_nlink > 0 ? MEMBER_DEAD : MEMBER_GONE; /* unlinked: it left, or was removed, since we opened it */
    close(fd);
    return state;
}

typedef int visit_file(void *self, int folder, const char *file, enum member_state state);

/* Calls visit for each file of the folder with its state until it returns non-zero. Files of those who are about to join are only
 * touched with `hidden`, under the boot lock: a test lock at the wrong moment would make their own lock fail. */
static int each_file(const struct members *m, bool hidden, visit_file *visit, void *self)
{
    DIR *dir = opendir(m->folder);
    if (!dir)
        return -1;
    int result = 0;
    errno = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(dir)) != NULL; errno = 0)
        if (entry->d_name[0] != '.' || (hidden && strncmp(entry->d_name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0))
            result = visit(self, dirfd(dir), entry->d_name, test_file(dirfd(dir), entry->d_name));
    if (result == 0 && errno != 0)
        result = -1;
    closedir(dir);
    return result;
}

static int count_member(void *self, int folder, const char *file, enum member_state state)
{
    (void)folder, (void)file;
    struct members_seen *seen = self;
    seen->live += state == MEMBER_LIVE;
    seen->dead += state == MEMBER_DEAD;
    return state == MEMBER_UNKNOWN ? -1 : 0;
}

int members_scan(const struct members *m, struct members_seen *seen)
{
    *seen = (struct members_seen){0, 0};
    return each_file(m, false, count_member, seen);
}

static int file_path(char out[static PATH_MAX], const struct members *m, const char *prefix, const char *member)
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s", m->folder, prefix, member);
    return n > 0 && n < PATH_MAX ? 0 : -1;
}

bool members_has(const struct members *m, const char *member)
{
    char path[PATH_MAX];
    return file_path(path, m, "", member) == 0 && access(path, F_OK) == 0;
}

bool members_died(const struct members *m, const char *member)
{
    char path[PATH_MAX];
    return file_path(path, m, "", member) == 0 && test_file(AT_FDCWD, path) == MEMBER_DEAD;
}

int members_boot_lock(const struct members *m, struct err *e)
{
    int fd = open(m->boot, O_RDWR | O_CREAT | FILE_FLAGS, 0600);
    if (fd < 0)
        return err_set(e, errno == ENOSPC ? ERR_DISK_FULL : ERR_UNAVAILABLE, "%s: %s", m->boot, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int error = errno;
    close(fd);
    if (error == EWOULDBLOCK || error == EINTR)
        return MEMBERS_BUSY;
    return err_set(e, ERR_UNAVAILABLE, "%s: cannot be locked: %s", m->boot, strerror(error));
}

int members_join(const struct members *m, const char *member, struct err *e)
{
    char fresh[PATH_MAX], path[PATH_MAX];
    if (file_path(fresh, m, NEW_PREFIX, member) != 0 || file_path(path, m, "", member) != 0)
        return err_set(e, ERR_VALIDATION, "%s: the name is too long", member);
    int fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | FILE_FLAGS, 0600);
    if (fd < 0)
        return err_set(e, errno == ENOSPC ? ERR_DISK_FULL : ERR_UNAVAILABLE, "%s: %s", fresh, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && rename(fresh, path) == 0)
        return fd;
    err_set(e, ERR_UNAVAILABLE, "%s: %s", fresh, strerror(errno));
    unlink(fresh);
    close(fd);
    return -1;
}

static int remove_file(void *self, int folder, const char *file, enum member_state state)
{
    (void)self;
    return state == MEMBER_DEAD && unlinkat(folder, file, 0) != 0 && errno != ENOENT ? -1 : 0;
}

int members_remove_dead(const struct members *m, struct err *e)
{
    if (each_file(m, true, remove_file, NULL) == 0)
        return 0;
    return err_set(e, ERR_UNAVAILABLE, "%s: dead members cannot be removed: %s", m->folder, strerror(errno));
}

void members_leave(const struct members *m, const char *member, int descriptor)
{
    char path[PATH_MAX];
    if (file_path(path, m, "", member) == 0)
        unlink(path);
    close(descriptor);
}
