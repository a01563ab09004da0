/* journal_descriptors.c - descriptors that are kept back for the journal's files, for the time when sockets have taken all others.
 *
 * Each slot holds one that means nothing. When an open finds none left, a slot's is closed and the open tried again; when a file is
 * closed and a slot is empty, its descriptor is not given away but kept: dup3 turns it into nothing at once, so that no other thread can
 * take it in between, and so that a deleted file gives its room back. Between the two calls of an open another thread may be faster;
 * then the open fails, as it would have without this. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "queue/journal_internal.h"

#define KEPT 4 /* at once: a new segment, a spare that is being made, a body, compaction's reader */

static atomic_int nothing; /* 1 + descriptor of /dev/null, 0: none */
static atomic_int kept[KEPT];

static bool none_left(int error) { return error == EMFILE || error == ENFILE; }

/* Into an empty slot. */
static bool keep(int fd)
{
    for (unsigned i = 0; i < KEPT; i++) {
        int empty = 0;
        if (atomic_compare_exchange_strong(&kept[i], &empty, fd + 1))
            return true;
    }
    return false;
}

static bool any_empty(void)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (atomic_load(&kept[i]) == 0)
            return true;
    return false;
}

static bool give_one(void)
{
    for (unsigned i = 0; i < KEPT; i++) {
        int fd = atomic_exchange(&kept[i], 0) - 1;
        if (fd >= 0) {
            close(fd);
            return true;
        }
    }
    return false;
}

int journal_open_file(int folder_fd, const char *name, int flags)
{
    int fd = openat(folder_fd, name, flags | O_CLOEXEC, 0600);
    while (fd < 0 && none_left(errno)) {
        int error = errno;
        if (!give_one()) {
            errno = error;
            return -1;
        }
        fd = openat(folder_fd, name, flags | O_CLOEXEC, 0600);
    }
    return fd;
}

void journal_close_file(int fd)
{
    int error = errno, base = atomic_load(&nothing) - 1;
    bool kept_back = fd >= 0 && base >= 0 && any_empty() && dup3(base, fd, O_CLOEXEC) == fd && keep(fd);
    if (fd >= 0 && !kept_back)
        close(fd);
    errno = error;
}

void journal_keep_descriptors(void)
{
    if (atomic_load(&nothing) == 0)
        atomic_store(&nothing, open("/dev/null", O_RDONLY | O_CLOEXEC) + 1);
    int base = atomic_load(&nothing) - 1;
    while (base >= 0 && any_empty()) {
        int fd = fcntl(base, F_DUPFD_CLOEXEC, 0);
        if (fd < 0 || !keep(fd))
            return;
    }
}

void journal_release_descriptors(void)
{
    while (give_one())
        continue;
    int base = atomic_exchange(&nothing, 0) - 1;
    if (base >= 0)
        close(base);
}
