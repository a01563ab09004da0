/* journal_copy.c - a consistent copy of a journal that is in use, and the check of one that is not.
 *
 * The broker that owns the journal need not know. It writes each group with one write behind groups that were synced, so a walk from group
 * to group, forward, that stops at the first place where no intact next group is, has read the journal as it was at one moment: every group
 * that was on disk when the walk began is in it. Only the oldest segments ever change their use, by getting another name first; so
 * a file that still has its name after it was read was the right one, and if it has not, the walk begins anew. */
#include "queue/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

#define COPY_TRIES 50
#define CATALOG_NAME "catalog"

/* How a try ended: AGAIN: a segment was given up meanwhile. */
enum step { STEP_DONE, STEP_NEXT, STEP_AGAIN, STEP_FAILED };

struct copy {
    const char *from_name, *to_name;
    int from, to;
    struct err *e;
    uint64_t expected; /* number of the next group */
    struct journal_summary *summary;
};

static enum step failed(struct copy *c, const char *what, const char *folder, const char *file)
{
    err_set(c->e, journal_is_full(errno) ? ERR_DISK_FULL : ERR_INTERNAL, "cannot %s %s/%s: %s", what, folder, file,
            strerror(errno));
    return STEP_FAILED;
}

/* -- One segment ------------------------------------------------------------------------------------------------------- */
static enum step copy_head(struct copy *c, int fd, const struct journal_reader *r, const char *name)
{
    unsigned char block[JOURNAL_BLOCK_BYTES];
    if (journal_read_all(r->fd, block, sizeof block, 0) != 0)
        return failed(c, "read", c->from_name, name);
    if (ftruncate(fd, r->segment->bytes) != 0 || journal_write_all(fd, block, sizeof block, 0) != 0)
        return failed(c, "write", c->to_name, name);
    return STEP_DONE;
}

/* A mark is copied only where it says that another segment follows: the others speak of an end that may be none. */
static enum step copy_mark(struct copy *c, int fd, struct journal_reader *r, uint32_t offset, const struct journal_header *h,
                           const char *name)
{
    if (h->kind != JOURNAL_END || h->number != c->expected)
        return STEP_DONE;
    const unsigned char *mark = journal_reader_get(r, offset, JOURNAL_HEADER_BYTES);
    if (!mark)
        return failed(c, "read", c->from_name, name);
    return journal_write_all(fd, mark, JOURNAL_HEADER_BYTES, offset) == 0 ? STEP_NEXT : failed(c, "write", c->to_name, name);
}

static enum step copy_groups(struct copy *c, int fd, struct journal_reader *r, const char *name)
{
    struct journal_header h;
    struct slice payload;
    bool salvaged = r->segment->flags & JOURNAL_SALVAGED;
    for (uint32_t offset = JOURNAL_BLOCK_BYTES;;) {
        enum journal_found found = journal_look(r, offset, &h, &payload);
        if (found == JOURNAL_FOUND_ERROR)
            return failed(c, "read", c->from_name, name);
        if ((found == JOURNAL_FOUND_GROUP || found == JOURNAL_FOUND_MARK) && salvaged && h.number > c->expected)
            c->expected = h.number;
        if (found == JOURNAL_FOUND_MARK)
            return copy_mark(c, fd, r, offset, &h, name);
        if (found != JOURNAL_FOUND_GROUP || h.number != c->expected)
            return STEP_DONE;
        uint32_t len = JOURNAL_HEADER_BYTES + h.payload_bytes;
        if (journal_write_all(fd, payload.ptr - JOURNAL_HEADER_BYTES, len, offset) != 0)
            return failed(c, "write", c->to_name, name);
        c->summary->records += h.record_count;
        c->summary->bytes += len;
        c->expected++;
        offset += len;
    }
}

static bool still_named(const struct copy *c, int fd, const char *name)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && fstatat(c->from, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

static enum step copy_open_segment(struct copy *c, struct journal_reader *r, const char *name)
{
    int fd = openat(c->to, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(c, "make", c->to_name, name);
    enum step step = copy_head(c, fd, r, name);
    if (step == STEP_DONE)
        step = copy_groups(c, fd, r, name);
    if (step != STEP_FAILED && !still_named(c, r->fd, name))
        step = STEP_AGAIN;
    else if (step != STEP_FAILED && journal_io.sync(fd) != 0)
        step = failed(c, "sync", c->to_name, name);
    close(fd);
    return step;
}

/* STEP_NEXT: another segment follows. A file that is gone, or has another header, was given up since it was listed. */
static enum step copy_segment(struct copy *c, uint64_t number, bool first)
{
    struct journal_segment s;
    struct journal_reader r;
    char name[JOURNAL_NAME_BYTES];
    journal_segment_name(number, name);
    if (faccessat(c->from, name, F_OK, 0) != 0 && errno == ENOENT)
        return STEP_AGAIN;
    if (journal_load_segment(c->from, number, &s, c->e) != 0)
        return faccessat(c->from, name, F_OK, 0) != 0 && errno == ENOENT ? STEP_AGAIN : STEP_FAILED;
    if (first || s.first_group > c->expected)
        c->expected = s.first_group;
    if (journal_reader_open(&r, c->from, &s) != 0)
        return errno == ENOENT ? STEP_AGAIN : failed(c, "open", c->from_name, name);
    enum step step = copy_open_segment(c, &r, name);
    journal_reader_close(&r);
    c->summary->segments++;
    return step;
}

/* -- The folder -------------------------------------------------------------------------------------------------------- */
static enum step copy_all(struct copy *c)
{
    uint64_t *numbers;
    size_t count;
    *c->summary = (struct journal_summary){0};
    if (journal_list(c->from, &numbers, &count, c->e) != 0)
        return STEP_FAILED;
    uint64_t number = count > 0 ? numbers[0] : 0, last = count > 0 ? numbers[count - 1] : 0;
    free(numbers);
    enum step step = count > 0 ? STEP_NEXT : STEP_DONE;
    for (bool first = true; step == STEP_NEXT; first = false) {
        step = copy_segment(c, number, first);
        /* The marks between segments are written when the broker is at leisure: the next one may be there before them. */
        if (step == STEP_DONE && number < last)
            step = STEP_NEXT;
        number++;
    }
    return step;
}

/* Removes what a try has made. */
static int empty(struct copy *c)
{
    uint64_t *numbers;
    size_t count;
    char name[JOURNAL_NAME_BYTES];
    if (journal_list(c->to, &numbers, &count, c->e) != 0)
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        journal_segment_name(numbers[i], name);
        if (unlinkat(c->to, name, 0) != 0)
            result = failed(c, "remove", c->to_name, name), result = -1;
    }
    free(numbers);
    return result;
}

/* The tables' key schemas, as the broker keeps them beside the journal: small, replaced as a whole, may be missing. */
static enum step copy_catalog(struct copy *c)
{
    char bytes[65536];
    int in = openat(c->from, CATALOG_NAME, O_RDONLY | O_CLOEXEC), out = -1;
    if (in < 0)
        return errno == ENOENT ? STEP_DONE : failed(c, "open", c->from_name, CATALOG_NAME);
    enum step step = STEP_DONE;
    ssize_t n = 0;
    off_t at = 0;
    out = openat(c->to, CATALOG_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    while (out >= 0 && (n = pread(in, bytes, sizeof bytes, at)) > 0 && journal_write_all(out, bytes, (size_t)n, at) == 0)
        at += n;
    if (out < 0 || n != 0 || journal_io.sync(out) != 0)
        step = failed(c, "copy", c->to_name, CATALOG_NAME);
    if (out >= 0)
        close(out);
    close(in);
    return step;
}

static int copy_tries(struct copy *c)
{
    enum step step = STEP_AGAIN;
    for (int i = 0; i < COPY_TRIES && step == STEP_AGAIN; i++) {
        if (empty(c) != 0)
            return -1;
        step = copy_all(c);
    }
    if (step == STEP_AGAIN)
        return err_set(c->e, ERR_UNAVAILABLE, "%s: the journal changes too quickly to be copied; try again", c->from_name);
    if (step != STEP_DONE || copy_catalog(c) != STEP_DONE)
        return -1;
    return journal_io.sync_folder(c->to) == 0 ? 0 : (failed(c, "sync", c->to_name, ""), -1);
}

int journal_copy(const char *folder, const char *target, struct journal_summary *summary, struct err *e)
{
    struct copy c = {.from_name = folder, .to_name = target, .from = -1, .to = -1, .e = e, .summary = summary};
    int result = -1;
    c.from = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c.from < 0)
        failed(&c, "open", folder, "");
    else if (mkdir(target, 0700) != 0 && errno != EEXIST)
        failed(&c, "make", target, "");
    else if ((c.to = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        failed(&c, "open", target, "");
    else
        result = copy_tries(&c);
    if (c.to >= 0)
        close(c.to);
    if (c.from >= 0)
        close(c.from);
    return result;
}
