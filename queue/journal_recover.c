/* journal_recover.c - start: every intact group in order, and the decision between a torn tail and damage.
 *
 * Only one group is in flight at a time, and only behind groups that were synced. So an intact header of a later group anywhere behind
 * a broken one, a mark behind it, or a next segment whose header names a later group, proves that the broken one was synced:
 * damage, refused. Without such a proof it is the one group that a crash may tear: it is cut off. README.md has the rules in full.
 *
 * Nothing is written before everything was read and every record accepted. */
#include "queue/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

struct recovery {
    struct journal *j;
    journal_visit *visit;
    void *self;
    struct err *e;
    struct journal_reader reader;
    uint64_t expected;      /* number of the next group */
    uint64_t oldest;        /* as the last group says */
    uint32_t last_at;       /* offset of the last group of the last segment, 0: none */
    uint32_t torn_at;       /* offset of the torn tail, 0: none */
    uint32_t torn_bytes;    /* 0: unknown */
    enum journal_kind mark; /* that ended the present segment, 0: none */
    char name[JOURNAL_NAME_BYTES];
};

static int damage(struct recovery *r, uint32_t offset, const char *what) { return journal_damage(r->e, r->name, offset, what); }

static int read_error(struct recovery *r)
{
    return err_set(r->e, ERR_INTERNAL, "cannot read journal file %s: %s", r->name, strerror(errno));
}

/* The bytes are what was written, so nothing can be salvaged from them. */
static int refused(struct recovery *r, uint32_t offset)
{
    return err_set(r->e, ERR_INTERNAL,
                   "journal file %s, offset %u: a record contradicts the ones before it, or there is too little memory to hold "
                   "them all; nothing was changed. Give the broker more memory, or restore the journal from a backup",
                   r->name, offset);
}

/* -- One group ------------------------------------------------------------------------------------------------------------------- */
static int visit_records(struct recovery *r, struct journal_segment *s, uint32_t offset, const struct journal_header *h,
                         struct slice payload)
{
    struct journal_cursor c = journal_cursor(payload, h->record_count);
    struct core_record record;
    uint32_t body;
    int got;
    while ((got = journal_record_next(&c, &record, &body)) > 0) {
        uint32_t at = offset + JOURNAL_HEADER_BYTES + body;
        uint64_t location = core_record_stays(record.kind) ? s->number << 32 | at : 0;
        if (r->visit(r->self, &record, location) != 0)
            return refused(r, at);
        journal_note_record(s, &record);
        if (core_record_stays(record.kind))
            journal_live_body(r->j, location, (uint32_t)record.body.len);
        if (record.number > r->j->last_record)
            r->j->last_record = record.number;
    }
    return got < 0 ? damage(r, offset, "a group holds a record of an unknown form (written by a newer version?)") : 0;
}

/* Is there proof behind offset that the group `expected` was synced? 1, 0, or -1 with e set. */
static int proven_behind(struct recovery *r, uint32_t offset)
{
    struct journal_header h;
    uint32_t at = journal_look_behind(&r->reader, offset, r->expected, &h);
    if (at == UINT32_MAX)
        return read_error(r);
    return at != 0;
}

/* The first place of a segment that is no group to go on with: its end, a torn tail, or damage. */
static int end_segment(struct recovery *r, const struct journal_segment *s, uint32_t offset, bool last,
                       enum journal_found found, const struct journal_header *h)
{
    if (found == JOURNAL_FOUND_ERROR)
        return read_error(r);
    /* The mark that salvage has put behind the groups it kept names those that are missing there, too. */
    bool salvaged = s->flags & JOURNAL_SALVAGED;
    if (found == JOURNAL_FOUND_MARK && (h->number == r->expected || (salvaged && h->number > r->expected))) {
        r->mark = h->kind;
        r->expected = h->number;
        if (last)
            return 0;
    }
    /* Only a salvaged segment may end before the next one begins, and its own mark must say where. */
    if (!last)
        return (salvaged && r->mark != 0) || s[1].first_group == r->expected
                   ? 0
                   : damage(r, offset, "a group is broken or missing");
    int proven = proven_behind(r, offset);
    if (proven != 0)
        return proven < 0 ? -1 : damage(r, offset, "a group is broken or missing, and a later one is there");
    r->torn_at = offset;
    r->torn_bytes = found == JOURNAL_FOUND_BROKEN ? JOURNAL_HEADER_BYTES + h->payload_bytes : 0;
    return 0;
}

static int recover_segment(struct recovery *r, struct journal_segment *s, bool last)
{
    struct journal_header h = {0};
    struct slice payload;
    uint32_t offset = JOURNAL_BLOCK_BYTES;
    r->mark = 0;
    r->last_at = 0;
    for (;;) {
        enum journal_found found = journal_look(&r->reader, offset, &h, &payload);
        bool follows = found == JOURNAL_FOUND_GROUP &&
                       (h.number == r->expected || (s->flags & JOURNAL_SALVAGED && h.number > r->expected));
        if (!follows) {
            s->end = s->synced_end = offset;
            return end_segment(r, s, offset, last, found, &h);
        }
        if (visit_records(r, s, offset, &h, payload) != 0)
            return -1;
        s->head_pending = false;
        r->expected = h.number + 1;
        r->oldest = h.oldest > r->oldest ? h.oldest : r->oldest;
        r->last_at = offset;
        offset += JOURNAL_HEADER_BYTES + h.payload_bytes;
    }
}

/* -- All segments ---------------------------------------------------------------------------------------------------------------- */
static int check_ends(struct recovery *r)
{
    struct journal *j = r->j;
    const struct journal_segment *first = &j->segments[0], *last = &j->segments[j->segment_count - 1];
    if (r->mark == JOURNAL_END) {
        journal_segment_name(last->number + 1, r->name);
        return damage(r, 0, "the file is missing");
    }
    if (r->oldest > 0 && first->number > r->oldest) {
        journal_segment_name(first->number - 1, r->name);
        return damage(r, 0, "the file is missing");
    }
    return 0;
}

static int recover_all(struct recovery *r)
{
    struct journal *j = r->j;
    for (size_t i = 0; i < j->segment_count; i++) {
        struct journal_segment *s = &j->segments[i];
        journal_segment_name(s->number, r->name);
        if (i == 0 || s->first_group > r->expected) /* a gap was accepted */
            r->expected = s->first_group;
        if (journal_reader_open(&r->reader, j->folder_fd, s) != 0)
            return read_error(r);
        int result = recover_segment(r, s, i + 1 == j->segment_count);
        journal_reader_close(&r->reader);
        if (result != 0)
            return -1;
    }
    return j->segment_count > 0 ? check_ends(r) : 0;
}

/* -- Making the tail firm ---------------------------------------------------------------------------------------------------------- */
static int write_error(struct recovery *r, const char *step)
{
    int error = errno;
    return err_set(r->e, journal_is_full(error) ? ERR_DISK_FULL : ERR_INTERNAL, "cannot %s journal file %s: %s", step, r->name,
                   strerror(error));
}

/* Zeros where the torn group's header was or would be, up to the end of the block. */
static int cut(struct recovery *r, int fd, const struct journal_segment *s)
{
    unsigned char block[JOURNAL_BLOCK_BYTES], zeros[JOURNAL_BLOCK_BYTES] = {0};
    size_t len = JOURNAL_BLOCK_BYTES - r->torn_at % JOURNAL_BLOCK_BYTES;
    if (len < JOURNAL_HEADER_BYTES && r->torn_at + JOURNAL_HEADER_BYTES <= s->bytes)
        len = JOURNAL_HEADER_BYTES;
    if (r->torn_at >= s->bytes)
        return 0;
    if (journal_read_all(fd, block, len, r->torn_at) != 0)
        return read_error(r);
    if (memcmp(block, zeros, len) == 0)
        return 0;
    /* At the start of a block that was never written in this life of the file, there may be something of an earlier one. */
    bool stale = r->torn_bytes == 0 && r->torn_at % JOURNAL_BLOCK_BYTES == 0;
    log_event(stale ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "journal.cut",
              "file=%s offset=%u bytes=%u text=\"a group that was not synced when the broker ended\"", r->name, r->torn_at,
              r->torn_bytes > len ? r->torn_bytes : (uint32_t)len);
    return journal_write_all(fd, zeros, len, r->torn_at) != 0 ? write_error(r, "write") : 0;
}

/* The last group may be in memory only: of a process that was killed before its sync, or whose sync failed (then the kernel may
 * believe that it is written). Written again and synced, it is what it claims to be. */
static int rewrite_last(struct recovery *r, int fd, const struct journal_segment *s)
{
    if (r->last_at == 0 || r->mark != 0)
        return 0;
    size_t len = s->end - r->last_at;
    unsigned char *bytes = malloc(len);
    if (!bytes)
        return err_set(r->e, ERR_INTERNAL, "out of memory");
    int result = 0;
    if (journal_read_all(fd, bytes, len, r->last_at) != 0)
        result = read_error(r);
    else if (journal_write_all(fd, bytes, len, r->last_at) != 0)
        result = write_error(r, "write");
    free(bytes);
    return result;
}

static int settle_tail(struct recovery *r, int fd, const struct journal_segment *s)
{
    int failed = journal_allocate_all(fd, s->bytes);
    if (failed) {
        errno = failed;
        return write_error(r, "allocate");
    }
    if ((r->torn_at != 0 && cut(r, fd, s) != 0) || rewrite_last(r, fd, s) != 0)
        return -1;
    if (journal_io.sync(fd) != 0 || journal_io.sync_folder(r->j->folder_fd) != 0)
        return write_error(r, "sync");
    return 0;
}

/* The writer goes on where the last segment ends. */
static int open_tail(struct recovery *r)
{
    struct journal *j = r->j;
    if (j->segment_count == 0)
        return 0;
    const struct journal_segment *s = &j->segments[j->segment_count - 1];
    int fd = openat(j->folder_fd, r->name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return write_error(r, "open");
    if (settle_tail(r, fd, s) != 0) {
        close(fd);
        return -1;
    }
    struct journal_writer *w = &j->writer;
    w->fd = fd;
    w->segment = *s;
    w->end = s->end;
    w->next = (struct journal_header){.number = r->expected, .oldest = r->oldest, .first_record = j->last_record + 1};
    return 0;
}

/* One spare is there before the first record is, so that a small disk is found out at once. A full one is no reason not to start: what was
 * accepted can be worked off. */
static int first_spare(struct recovery *r)
{
    struct journal_writer *w = &r->j->writer;
    int state = 1, error = 0;
    if (journal_spare_scan(w, r->e) != 0)
        return -1;
    while (w->shared.spares_ready == 0 && state == 1)
        state = journal_spare_step(w, &error);
    if (state < 0)
        return err_set(r->e, ERR_INTERNAL, "cannot make a spare journal segment: %s", strerror(error));
    w->shared.spares_ready += state == 2;
    w->shared.spare_error = error;
    if (error)
        log_warn("journal.full", "reason=\"%s\"", strerror(error));
    return 0;
}

int journal_scan(struct journal *j, journal_visit *visit, void *self, struct journal_summary *found, struct err *e)
{
    struct recovery r = {.j = j, .visit = visit, .self = self, .e = e, .reader = {.fd = -1}, .expected = 1, .oldest = 1};
    if (j->segment_count > 0)
        r.oldest = 0;
    if (recover_all(&r) != 0)
        return -1;
    found->segments = j->segment_count;
    found->torn_bytes = r.torn_at != 0 ? r.torn_bytes : 0;
    for (size_t i = 0; i < j->segment_count; i++)
        found->bytes += j->segments[i].end - JOURNAL_BLOCK_BYTES;
    return 0;
}

int journal_recover(struct journal *j, journal_visit *visit, void *self, struct err *e)
{
    assert(!j->recovered);
    struct recovery r = {.j = j, .visit = visit, .self = self, .e = e, .reader = {.fd = -1}, .expected = 1, .oldest = 1};
    if (j->segment_count > 0)
        r.oldest = 0;
    if (recover_all(&r) != 0 || open_tail(&r) != 0 || first_spare(&r) != 0)
        return -1;
    if (journal_writer_start(&j->writer) != 0)
        return err_set(e, ERR_INTERNAL, "cannot start the journal's thread: %s", strerror(errno));
    j->next_group = r.expected;
    j->marked_group = r.mark ? r.expected : 0;
    j->oldest = r.oldest > 0 ? r.oldest : j->segments[0].number;
    j->completed_record = j->last_record;
    j->recovered = true;
    return 0;
}
