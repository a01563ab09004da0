/* journal_read.c - bodies: from the groups that are still in memory, else from the file through a few read-ahead windows.
 *
 * Messages are handed out in the order in which they were accepted, so readers walk forward through a segment, several at a time (one
 * a queue, one for what compaction moved). A window that is read on from where it ended is filled far ahead; any other miss
 * reads little. A window never reaches beyond what is on disk, so it can never hold a body's place before the body is there. */
#include "queue/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* -- Memory ---------------------------------------------------------------------------------------------------------------------- */
static bool holds(const struct journal_group *g, uint64_t segment, uint32_t offset, uint32_t len)
{
    if (!g || g->segment.number != segment || offset < g->offset + JOURNAL_HEADER_BYTES)
        return false;
    /* Behind the payload of a closed group there are zeros in memory, where the file has the next group. */
    uint64_t len_all = g->header.payload_bytes > 0 ? JOURNAL_HEADER_BYTES + g->header.payload_bytes : g->bytes.len;
    return (uint64_t)offset + len <= g->offset + len_all;
}

static const struct journal_group *in_memory(const struct journal *j, uint64_t segment, uint32_t offset, uint32_t len)
{
    if (holds(j->retired, segment, offset, len))
        return j->retired;
    if (holds(j->flight, segment, offset, len))
        return j->flight;
    for (const struct journal_group *g = j->first; g; g = g->next)
        if (holds(g, segment, offset, len))
            return g;
    return NULL;
}

/* -- Windows --------------------------------------------------------------------------------------------------------------------- */
static bool window_holds(const struct journal_window *w, uint64_t segment, uint32_t offset, uint32_t len)
{
    return w->segment == segment && offset >= w->at && (uint64_t)offset + len <= (uint64_t)w->at + w->len;
}

/* The window that a forward reader at this place was in, else the one that was not used for longest. */
static struct journal_window *choose(struct journal *j, uint64_t segment, uint32_t offset, bool *forward)
{
    struct journal_window *oldest = &j->windows[0];
    *forward = false;
    for (unsigned i = 0; i < JOURNAL_WINDOWS; i++) {
        struct journal_window *w = &j->windows[i];
        uint64_t end = (uint64_t)w->at + w->len;
        if (w->segment == segment && offset >= w->at && offset <= end + JOURNAL_PEEK_BYTES) {
            *forward = true;
            return w;
        }
        if (w->used < oldest->used)
            oldest = w;
    }
    return oldest;
}

static int fill(struct journal *j, struct journal_window *w, const struct journal_segment *s, uint32_t offset, uint32_t want)
{
    char name[JOURNAL_NAME_BYTES];
    w->segment = 0;
    if (want > w->cap) {
        unsigned char *data = realloc(w->data, want);
        if (!data) {
            errno = ENOMEM;
            return -1;
        }
        w->data = data;
        w->cap = want;
    }
    journal_segment_name(s->number, name);
    int fd = journal_open_file(j->folder_fd, name, O_RDONLY);
    if (fd < 0)
        return -1;
    int result = journal_read_all(fd, w->data, want, offset);
    journal_close_file(fd);
    if (result != 0)
        return -1;
    w->segment = s->number;
    w->at = offset;
    w->len = want;
    return 0;
}

static const struct journal_window *window_for(struct journal *j, const struct journal_segment *s, uint32_t offset,
                                               uint32_t len)
{
    for (unsigned i = 0; i < JOURNAL_WINDOWS; i++)
        if (window_holds(&j->windows[i], s->number, offset, len)) {
            j->windows[i].used = ++j->window_tick;
            return &j->windows[i];
        }
    bool forward;
    struct journal_window *w = choose(j, s->number, offset, &forward);
    uint32_t ahead = forward ? JOURNAL_WINDOW_BYTES : JOURNAL_PEEK_BYTES, behind = s->synced_end - offset;
    uint32_t want = len > ahead ? len : ahead < behind ? ahead : behind;
    w->used = ++j->window_tick;
    return fill(j, w, s, offset, want) == 0 ? w : NULL;
}

static struct slice unreadable(uint64_t segment, int error)
{
    char name[JOURNAL_NAME_BYTES];
    journal_segment_name(segment, name);
    journal_fatal("read body", name, error);
    return (struct slice){NULL, 0};
}

struct slice journal_read(struct journal *j, uint64_t location, uint32_t len)
{
    uint64_t segment = location >> 32;
    uint32_t offset = (uint32_t)location;
    const struct journal_group *g = in_memory(j, segment, offset, len);
    if (g)
        return slice_of(g->bytes.data + (offset - g->offset), len);
    const struct journal_segment *s = journal_find(j, segment);
    if (!s || offset < JOURNAL_BLOCK_BYTES + JOURNAL_BODY_SUM_BYTES || (uint64_t)offset + len > s->synced_end)
        return unreadable(segment, ERANGE);
    const struct journal_window *w = window_for(j, s, offset - JOURNAL_BODY_SUM_BYTES, len + JOURNAL_BODY_SUM_BYTES);
    if (!w)
        return unreadable(segment, errno);
    const unsigned char *p = w->data + (offset - w->at), *sum = p - JOURNAL_BODY_SUM_BYTES;
    uint32_t expected = sum[0] | (uint32_t)sum[1] << 8 | (uint32_t)sum[2] << 16 | (uint32_t)sum[3] << 24;
    return journal_body_sum(slice_of(p, len)) == expected ? slice_of(p, len) : unreadable(segment, EBADMSG);
}

void journal_free_windows(struct journal *j)
{
    for (unsigned i = 0; i < JOURNAL_WINDOWS; i++)
        free(j->windows[i].data);
}
