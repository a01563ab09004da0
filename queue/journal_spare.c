/* journal_spare.c - spare segments: files spare.N, allocated to the full size of a segment before anybody is promised room.
 *
 * A recycled segment makes the better spare: its blocks are written already, so that a sync has no allocation to record (measured: 4 KiB
 * append + sync 8,800 times a second against 6,000). On a file system without fallocate a spare is filled with zeros, one piece at a
 * time, between groups. */
#include "queue/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_NAME "spare.new"
#define PIECE_BYTES (1u << 20)

static void slot_name(unsigned slot, char name[static JOURNAL_NAME_BYTES])
{
    snprintf(name, JOURNAL_NAME_BYTES, "spare.%u", slot);
}

static int free_slot(const struct journal_writer *w)
{
    for (int i = 0; i < (int)JOURNAL_SPARE_SLOTS; i++)
        if (!w->slots[i])
            return i;
    return -1;
}

int journal_spare_scan(struct journal_writer *w, struct err *e)
{
    char name[JOURNAL_NAME_BYTES];
    struct stat st;
    if (journal_io.unlink(w->folder_fd, NEW_NAME) != 0 && errno != ENOENT)
        return err_set(e, ERR_INTERNAL, "cannot delete journal file " NEW_NAME ": %s", strerror(errno));
    for (unsigned i = 0; i < JOURNAL_SPARE_SLOTS; i++) {
        slot_name(i, name);
        if (fstatat(w->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        bool useful =
            S_ISREG(st.st_mode) && st.st_size == (off_t)w->spare_bytes && w->shared.spares_ready < JOURNAL_SPARES_KEPT;
        if (!useful && journal_io.unlink(w->folder_fd, name) != 0)
            return err_set(e, ERR_INTERNAL, "cannot delete journal file %s: %s", name, strerror(errno));
        w->slots[i] = useful;
        w->shared.spares_ready += useful;
    }
    return 0;
}

/* -- Making one ------------------------------------------------------------------------------------------------------------ */
/* Puts away what was begun: nothing half allocated is ever used, or kept while space is short. */
static int abandon(struct journal_writer *w, int error, const char *step)
{
    if (w->making_fd >= 0)
        journal_close_file(w->making_fd);
    w->making_fd = -1;
    w->made_bytes = 0;
    journal_io.unlink(w->folder_fd, NEW_NAME);
    if (journal_is_full(error))
        return 0;
    journal_fatal(step, NEW_NAME, error);
    return -1;
}

/* Allocates, or starts to fill with zeros. 1: zeros are needed. */
static int begin(struct journal_writer *w, int *error)
{
    w->making_fd = journal_open_file(w->folder_fd, NEW_NAME, O_RDWR | O_CREAT | O_TRUNC);
    if (w->making_fd < 0) {
        *error = errno;
        return abandon(w, *error, "create");
    }
    w->made_bytes = 0;
    int failed;
    while ((failed = journal_io.allocate(w->making_fd, w->spare_bytes) != 0 ? errno : 0) == EINTR)
        continue;
    if (failed == EOPNOTSUPP || failed == ENOSYS)
        return 1;
    *error = failed;
    return failed ? abandon(w, failed, "allocate") : 2;
}

/* Writes the next piece of zeros; the last one is followed by a sync, because until then the space may be a mere promise. */
static int fill(struct journal_writer *w, int *error)
{
    uint32_t left = w->spare_bytes - w->made_bytes, piece = left < PIECE_BYTES ? left : PIECE_BYTES;
    if (!w->zeros)
        w->zeros = calloc(1, PIECE_BYTES);
    int failed = !w->zeros ? ENOMEM : journal_write_all(w->making_fd, w->zeros, piece, w->made_bytes) != 0 ? errno : 0;
    w->made_bytes += piece;
    if (!failed && w->made_bytes == w->spare_bytes && journal_io.sync(w->making_fd) != 0)
        failed = errno;
    *error = failed;
    return failed ? abandon(w, failed, "fill") : w->made_bytes < w->spare_bytes ? 1 : 2;
}

int journal_spare_step(struct journal_writer *w, int *error)
{
    *error = 0;
    int slot = free_slot(w);
    if (slot < 0)
        return 0;
    int state = w->making_fd < 0 ? begin(w, error) : fill(w, error);
    if (state != 2)
        return state;
    char name[JOURNAL_NAME_BYTES];
    slot_name((unsigned)slot, name);
    journal_close_file(w->making_fd);
    w->making_fd = -1;
    if (journal_io.rename(w->folder_fd, NEW_NAME, name) != 0) {
        *error = errno;
        return abandon(w, *error, "rename");
    }
    w->slots[slot] = true;
    return 2;
}

int journal_spare_take(struct journal_writer *w, char name[static JOURNAL_NAME_BYTES])
{
    for (unsigned i = 0; i < JOURNAL_SPARE_SLOTS; i++) {
        if (!w->slots[i])
            continue;
        slot_name(i, name);
        w->slots[i] = false;
        return journal_open_file(w->folder_fd, name, O_RDWR);
    }
    errno = ENOENT;
    return -1;
}

int journal_spare_recycle(struct journal_writer *w, uint64_t number, bool keep)
{
    char name[JOURNAL_NAME_BYTES], spare[JOURNAL_NAME_BYTES];
    journal_segment_name(number, name);
    int slot = keep ? free_slot(w) : -1;
    if (slot >= 0)
        slot_name((unsigned)slot, spare);
    int failed =
        (slot >= 0 ? journal_io.rename(w->folder_fd, name, spare) : journal_io.unlink(w->folder_fd, name)) != 0 ? errno : 0;
    /* The name must be gone before the file gets the header of another number. */
    if (!failed && journal_io.sync_folder(w->folder_fd) != 0)
        failed = errno;
    if (failed) {
        journal_fatal("recycle", name, failed);
        return -1;
    }
    if (slot >= 0)
        w->slots[slot] = true;
    return slot >= 0;
}

static int fill_up(int fd, uint64_t from, uint32_t bytes)
{
    unsigned char *zeros = calloc(1, PIECE_BYTES);
    int failed = zeros ? 0 : ENOMEM;
    for (uint64_t at = from; !failed && at < bytes;) {
        size_t piece = bytes - at < PIECE_BYTES ? (size_t)(bytes - at) : PIECE_BYTES;
        failed = journal_write_all(fd, zeros, piece, (off_t)at) != 0 ? errno : 0;
        at += piece;
    }
    free(zeros);
    return failed;
}

int journal_allocate_all(int fd, uint32_t bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    /* A file that is whole is left alone: a start must not ask a full disk for anything. */
    if (st.st_size >= (off_t)bytes && (uint64_t)st.st_blocks * 512 >= bytes)
        return 0;
    int failed;
    while ((failed = journal_io.allocate(fd, bytes) != 0 ? errno : 0) == EINTR)
        continue;
    return failed == EOPNOTSUPP || failed == ENOSYS ? fill_up(fd, (uint64_t)st.st_size, bytes) : failed;
}
