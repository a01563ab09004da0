/* journal_salvage.c - the way out of damage: what is intact is kept, what is lost is said, nothing is deleted.
 *
 * A damaged segment stays beside its successor as NAME.damaged. The successor has the same number and nonce, so that groups are copied
 * byte for byte, and the flag that tells recovery to accept a jump of group numbers inside it and at its ends. */
#include "queue/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#define COPY_NAME "salvage.new"
#define DAMAGED_TRIES 100

struct salvage {
    int folder_fd;
    uint32_t segment_bytes;
    struct err *e;
    uint64_t expected;    /* number of the next group */
    uint64_t next_record; /* records up to here are accounted for */
    uint64_t next_number; /* of the next segment */
    uint64_t oldest;      /* lowest segment that is needed, as the groups say */
    unsigned damaged;
    bool ended; /* the last segment seen says that another one follows */
};

/* One pass over a segment: first to find out whether anything is wrong, then to copy. */
struct pass {
    struct salvage *v;
    struct journal_segment *segment;
    struct journal_reader reader;
    int copy_fd; /* -1: only looking */
    uint32_t copy_end;
    uint64_t expected, next_record, oldest;
    unsigned groups, gaps; /* gaps: those that recovery would refuse */
    bool broken;           /* something unreadable was skipped just now */
    bool ended, marked;    /* by a mark; by one that agrees with the groups before it */
};

static int io_error(struct salvage *v, const char *step, const char *file)
{
    int error = errno;
    return err_set(v->e, journal_is_full(error) ? ERR_DISK_FULL : ERR_INTERNAL,
                   "cannot %s journal file %s: %s; nothing was exchanged", step, file, strerror(error));
}

/* -- One pass ---------------------------------------------------------------------------------------------------------------------- */
/* What recovery could not decode is as good as lost. */
static bool records_intact(struct slice payload, const struct journal_header *h, uint64_t *last)
{
    struct journal_cursor c = journal_cursor(payload, h->record_count);
    struct core_record record;
    uint32_t body;
    int got;
    *last = h->first_record > 0 ? h->first_record - 1 : 0;
    while ((got = journal_record_next(&c, &record, &body)) > 0)
        if (record.number > *last)
            *last = record.number;
    return got == 0;
}

static void report_gap(struct pass *p, uint64_t first_after)
{
    p->gaps++;
    if (p->copy_fd < 0)
        return;
    log_warn("journal.lost", "file=%016llx.seg records_from=%llu records_below=%llu text=\"records in this range may be lost\"",
             (unsigned long long)p->segment->number, (unsigned long long)p->next_record, (unsigned long long)first_after);
}

/* A jump of numbers from one group to the next without anything between them is the work of an earlier salvage. */
static bool is_known(const struct pass *p) { return p->segment->flags & JOURNAL_SALVAGED && p->copy_fd < 0 && !p->broken; }

static int keep_group(struct pass *p, uint32_t offset, const struct journal_header *h, uint64_t last_record)
{
    uint32_t len = JOURNAL_HEADER_BYTES + h->payload_bytes;
    if (h->number > p->expected && !is_known(p))
        report_gap(p, h->first_record);
    p->broken = false;
    p->expected = h->number + 1;
    p->next_record = last_record + 1;
    p->oldest = h->oldest > p->oldest ? h->oldest : p->oldest;
    p->groups++;
    if (p->copy_fd < 0)
        return 0;
    const unsigned char *bytes = journal_reader_get(&p->reader, offset, len);
    if (!bytes || journal_write_all(p->copy_fd, bytes, len, p->copy_end) != 0)
        return -1;
    p->copy_end += len;
    return 0;
}

/* Its bytes are whole, but recovery would not understand its records. */
static int drop_group(struct pass *p, const struct journal_header *h, uint64_t last_record)
{
    report_gap(p, last_record + 1);
    p->expected = h->number + 1;
    p->next_record = last_record + 1;
    return 0;
}

/* A mark proves what is missing before it as well as a group does. */
static void end_at_mark(struct pass *p, const struct journal_header *h)
{
    p->marked = h->number == p->expected || is_known(p);
    if (!p->marked)
        report_gap(p, h->first_record);
    p->expected = h->number;
    p->ended = h->kind == JOURNAL_END;
}

/* All intact groups with rising numbers, wherever they lie. 0, or -1 with errno. */
static int run_pass(struct pass *p)
{
    struct journal_header h;
    struct slice payload;
    uint64_t last;
    for (uint32_t offset = JOURNAL_BLOCK_BYTES; offset != 0;) {
        enum journal_found found = journal_look(&p->reader, offset, &h, &payload);
        if (found == JOURNAL_FOUND_ERROR)
            return -1;
        if (found == JOURNAL_FOUND_GROUP && h.number >= p->expected) {
            int result = records_intact(payload, &h, &last) ? keep_group(p, offset, &h, last) : drop_group(p, &h, last);
            if (result != 0)
                return -1;
            offset += JOURNAL_HEADER_BYTES + h.payload_bytes;
            continue;
        }
        if (found == JOURNAL_FOUND_MARK && h.number >= p->expected) {
            end_at_mark(p, &h);
            return 0;
        }
        p->broken = true;
        offset = journal_look_behind(&p->reader, offset + JOURNAL_ALIGN, p->expected, &h);
        if (offset == UINT32_MAX)
            return -1;
    }
    return 0;
}

static int pass(struct salvage *v, struct journal_segment *s, int copy_fd, struct pass *p)
{
    *p = (struct pass){.v = v,
                       .segment = s,
                       .copy_fd = copy_fd,
                       .copy_end = JOURNAL_BLOCK_BYTES,
                       .expected = v->expected,
                       .next_record = v->next_record,
                       .oldest = v->oldest};
    int result = journal_reader_open(&p->reader, v->folder_fd, s) != 0 ? -1 : run_pass(p);
    int error = errno;
    journal_reader_close(&p->reader);
    errno = error;
    return result;
}

/* -- Exchanging files ---------------------------------------------------------------------------------------------------------------- */
/* A second name for the damaged file: NAME.damaged, NAME.damaged.1 ... A missing file needs none. */
static int set_aside(struct salvage *v, const char *name)
{
    char aside[2 * JOURNAL_NAME_BYTES];
    for (int i = 0; i < DAMAGED_TRIES; i++) {
        if (i == 0)
            snprintf(aside, sizeof aside, "%s.damaged", name);
        else
            snprintf(aside, sizeof aside, "%s.damaged.%d", name, i);
        if (linkat(v->folder_fd, name, v->folder_fd, aside, 0) == 0 || errno == ENOENT)
            return 0;
        if (errno != EEXIST)
            return io_error(v, "set aside", name);
    }
    return io_error(v, "set aside", name);
}

static int finish_copy(struct salvage *v, int fd, const struct journal_segment *s)
{
    char name[JOURNAL_NAME_BYTES];
    unsigned char block[JOURNAL_BLOCK_BYTES];
    journal_segment_name(s->number, name);
    journal_encode_segment(block, s);
    int failed = journal_allocate_all(fd, s->bytes);
    if (failed) {
        errno = failed;
        return io_error(v, "allocate", COPY_NAME);
    }
    if (journal_write_all(fd, block, sizeof block, 0) != 0 || journal_io.sync(fd) != 0)
        return io_error(v, "write", COPY_NAME);
    if (set_aside(v, name) != 0)
        return -1;
    if (journal_io.rename(v->folder_fd, COPY_NAME, name) != 0 || journal_io.sync_folder(v->folder_fd) != 0)
        return io_error(v, "exchange", name);
    return 0;
}

/* Proves the last group that was kept, and tells recovery that the gap behind it is known. */
static int mark_end(const struct pass *p, int fd, const struct journal_segment *s)
{
    unsigned char mark[JOURNAL_HEADER_BYTES];
    struct journal_header h = {.kind = p->ended ? JOURNAL_END : JOURNAL_REST,
                               .number = p->expected,
                               .oldest = p->oldest,
                               .first_record = p->next_record};
    journal_encode_group(mark, s, &h);
    return journal_write_all(fd, mark, sizeof mark, p->copy_end);
}

/* Puts a copy in the place of segment s; with_groups: the intact ones of the file, else it is empty. */
static int replace(struct salvage *v, struct journal_segment *s, bool with_groups)
{
    struct pass p = {
        .copy_end = JOURNAL_BLOCK_BYTES, .expected = v->expected, .next_record = v->next_record, .oldest = v->oldest};
    s->flags |= JOURNAL_SALVAGED;
    int fd = openat(v->folder_fd, COPY_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_error(v, "create", COPY_NAME);
    bool copied = (!with_groups || pass(v, s, fd, &p) == 0) && mark_end(&p, fd, s) == 0;
    int result = copied ? 0 : io_error(v, "copy", COPY_NAME);
    if (result == 0)
        result = finish_copy(v, fd, s);
    close(fd);
    if (result != 0) {
        journal_io.unlink(v->folder_fd, COPY_NAME);
        return -1;
    }
    log_warn("journal.salvaged", "file=%016llx.seg groups_kept=%u", (unsigned long long)s->number, p.groups);
    v->damaged++;
    return 0;
}

/* An empty segment where a file is missing or has lost its header. */
static int replace_lost(struct salvage *v, uint64_t number)
{
    struct journal_segment s = {
        .number = number, .first_group = v->expected, .first_record = v->next_record, .bytes = v->segment_bytes};
    if (journal_random(&s.nonce) != 0)
        return io_error(v, "make", "(no randomness)");
    log_warn("journal.lost",
             "file=%016llx.seg records_from=%llu text=\"missing, or without a header: all its records are lost\"",
             (unsigned long long)number, (unsigned long long)v->next_record);
    v->next_number = number + 1;
    v->ended = false;
    return replace(v, &s, false);
}

/* -- The journal ----------------------------------------------------------------------------------------------------------------------- */
/* next: the header of the next segment, NULL if there is none that can be read. */
static int salvage_segment(struct salvage *v, struct journal_segment *s, const struct journal_segment *next)
{
    struct pass p;
    char name[JOURNAL_NAME_BYTES];
    journal_segment_name(s->number, name);
    if (s->first_group > v->expected)
        v->expected = s->first_group; /* a gap in front of it is the business of the segment before */
    if (pass(v, s, -1, &p) != 0)
        return io_error(v, "read", name);
    bool known = s->flags & JOURNAL_SALVAGED && p.marked;
    bool tail_lost = next && p.expected < next->first_group && !known;
    if (p.gaps > 0 || tail_lost) {
        if (replace(v, s, true) != 0)
            return -1;
        if (tail_lost)
            log_warn("journal.lost", "file=%s records_from=%llu records_below=%llu text=\"records in this range may be lost\"",
                     name, (unsigned long long)p.next_record, (unsigned long long)next->first_record);
    }
    v->expected = p.expected;
    v->next_record = p.next_record;
    v->oldest = p.oldest;
    v->ended = p.ended;
    v->next_number = s->number + 1;
    return 0;
}

static int salvage_all(struct salvage *v, const uint64_t *numbers, size_t count)
{
    struct journal_segment s, next;
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0;
        while (!first && v->next_number < numbers[i])
            if (replace_lost(v, v->next_number) != 0)
                return -1;
        bool follows = i + 1 < count && numbers[i + 1] == numbers[i] + 1;
        int behind = follows ? journal_load_segment(v->folder_fd, numbers[i + 1], &next, v->e) : 1;
        int loaded = behind < 0 ? -1 : journal_load_segment(v->folder_fd, numbers[i], &s, v->e);
        if (loaded < 0)
            return -1; /* what cannot be read now is not given up: it may be whole */
        int result = loaded > 0 ? replace_lost(v, numbers[i]) : salvage_segment(v, &s, behind == 0 ? &next : NULL);
        if (result != 0)
            return -1;
    }
    if (v->ended && replace_lost(v, v->next_number) != 0)
        return -1;
    v->expected = v->next_record = 1;
    for (uint64_t number = count > 0 ? numbers[0] : 0; number > v->oldest && v->oldest > 0; number--)
        if (replace_lost(v, number - 1) != 0)
            return -1;
    return 0;
}

int journal_salvage(const struct journal_config *config, struct err *e)
{
    int lock_fd;
    uint64_t *numbers = NULL;
    size_t count = 0;
    struct salvage v = {.e = e, .expected = 1, .next_record = 1};
    v.segment_bytes = (uint32_t)(config->segment_bytes / JOURNAL_BLOCK_BYTES * JOURNAL_BLOCK_BYTES);
    if (journal_check_config(config, e) != 0)
        return -1;
    int result = journal_lock_folder(config->folder, &v.folder_fd, &lock_fd, e);
    if (result == 0)
        result = journal_list(v.folder_fd, &numbers, &count, e);
    if (result == 0)
        result = salvage_all(&v, numbers, count);
    if (result == 0)
        log_info("journal.salvage", "segments=%zu replaced=%u", count, v.damaged);
    free(numbers);
    if (lock_fd >= 0)
        close(lock_fd);
    if (v.folder_fd >= 0)
        close(v.folder_fd);
    return result;
}
