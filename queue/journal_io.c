/* journal_io.c - the journal's system calls: one table, so that tests can fail the n-th write or sync and cut writes short, and the
 * loops that make whole reads and writes of partial ones. */
#include "queue/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"

#define EXIT_IO 74

static int allocate(int fd, off_t bytes) { return fallocate(fd, 0, 0, bytes); }
static int rename_in(int folder, const char *from, const char *to) { return renameat(folder, from, folder, to); }
static int unlink_in(int folder, const char *name) { return unlinkat(folder, name, 0); }
static void leave(int status) { _exit(status); }

static int free_bytes(int folder, int64_t *bytes)
{
    struct statvfs v;
    if (fstatvfs(folder, &v) != 0)
        return -1;
    uint64_t free_total = (uint64_t)v.f_bavail * v.f_frsize;
    *bytes = free_total > INT64_MAX ? INT64_MAX : (int64_t)free_total;
    return 0;
}

#define SYSTEM_IO                                                                                                              \
    {                                                                                                                          \
        .write_at = pwrite, .read_at = pread, .sync = fdatasync, .sync_folder = fsync, .allocate = allocate,                   \
        .rename = rename_in, .unlink = unlink_in, .free_bytes = free_bytes, .fatal = leave                                     \
    }

struct journal_io journal_io = SYSTEM_IO;

void journal_set_io(const struct journal_io *io) { journal_io = io ? *io : (struct journal_io)SYSTEM_IO; }

int journal_write_all(int fd, const void *bytes, size_t len, off_t at)
{
    const unsigned char *p = bytes;
    while (len > 0) {
        ssize_t n = journal_io.write_at(fd, p, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno; /* a file that takes nothing and says nothing would be written for ever */
            return -1;
        }
        p += n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int journal_read_all(int fd, void *bytes, size_t len, off_t at)
{
    unsigned char *p = bytes;
    while (len > 0) {
        ssize_t n = journal_io.read_at(fd, p, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0) {
            memset(p, 0, len);
            return 0;
        }
        p += n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

bool journal_is_full(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

void journal_fatal(const char *what, const char *file, int error)
{
    char quoted[160];
    const char *reason = error == EBADMSG ? "it is damaged; the next start tells where, and the way out" : strerror(error);
    log_error("journal.failed", "step=\"%s\" file=%s errno=%d reason=%s effect=\"nothing is promised after this: stopping\"",
              what, file, error, log_value(reason, quoted, sizeof quoted));
    journal_io.fatal(EXIT_IO);
}

int journal_damage(struct err *e, const char *file, uint64_t offset, const char *what)
{
    return err_set(
        e, ERR_INTERNAL,
        "journal file %s is damaged at offset %llu: %s; nothing was changed. Restore it from a backup, or run leat-queue "
        "--salvage to go on without what was lost (the file is kept as %s.damaged)",
        file, (unsigned long long)offset, what, file);
}
