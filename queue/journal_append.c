/* journal_append.c - the owner's side of groups: collecting records, handing a group over, taking note of its completion; and the
 * question whether there is room.
 *
 * A group of records is at any time in one of these places, and moves down:
 *
 *     last       collecting: append adds to it            (a full one stays in the list first .. last, a new one begins)
 *     first      waits for the thread
 *     flight     handed over: the thread writes and syncs it
 *     retired    the last one that is on disk; its bodies are still read from memory, for they are the ones delivered next
 *     pool       free, its memory kept */
#include "queue/journal_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_DISK_MS 200

static uint32_t group_end(const struct journal_group *g)
{
    return g->offset + JOURNAL_HEADER_BYTES + journal_align((uint32_t)g->bytes.len - JOURNAL_HEADER_BYTES);
}

static struct journal_segment *current(struct journal *j)
{
    return j->segment_count > 0 ? &j->segments[j->segment_count - 1] : NULL;
}

/* Does a record of so many bytes still go into the group that is being collected? */
static bool goes_into_last(const struct journal *j, uint32_t bytes)
{
    bool closed = j->last && j->last->header.payload_bytes > 0;
    return j->last && !closed && j->last->bytes.len + bytes <= JOURNAL_HEADER_BYTES + JOURNAL_GROUP_MAX_BYTES;
}

/* Does it fit into the current segment, leaving `reserve` bytes and the place of a mark? */
static bool goes_into_segment(struct journal *j, uint32_t bytes, uint32_t reserve)
{
    struct journal_segment *s = current(j);
    if (!s)
        return false;
    uint64_t end = j->last ? group_end(j->last) : s->end;
    end += goes_into_last(j, bytes) ? 0 : JOURNAL_HEADER_BYTES;
    return end + journal_align(bytes) + JOURNAL_ALIGN + JOURNAL_HEADER_BYTES + reserve <= s->bytes;
}

bool journal_fits(struct journal *j, uint32_t bytes, bool new_send)
{
    uint32_t reserve = new_send ? j->segment_bytes / JOURNAL_RESERVE_SHARE : 0;
    return goes_into_segment(j, bytes, reserve) || journal_writer_has_spare(&j->writer);
}

/* -- Collecting ------------------------------------------------------------------------------------------------------------------ */
static struct journal_group *new_group(struct journal *j)
{
    struct journal_group *g = j->pool;
    if (g)
        j->pool = g->next;
    else
        g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    struct buf kept = g->bytes;
    *g = (struct journal_group){.bytes = kept};
    buf_reset(&g->bytes);
    if (buf_reserve(&g->bytes, JOURNAL_HEADER_BYTES) != 0) {
        g->bytes.failed = false;
        g->next = j->pool;
        j->pool = g;
        return NULL;
    }
    memset(g->bytes.data, 0, JOURNAL_HEADER_BYTES);
    g->bytes.len = JOURNAL_HEADER_BYTES;
    return g;
}

/* Ends the collecting of the last group: its size is final. */
static void close_last(struct journal *j)
{
    struct journal_group *g = j->last;
    if (!g || g->header.payload_bytes > 0)
        return;
    uint32_t end = group_end(g);
    g->header.payload_bytes = end - g->offset - JOURNAL_HEADER_BYTES;
    current(j)->end = end;
}

static struct journal_group *start_group(struct journal *j, const struct journal_segment *s, bool opens)
{
    struct journal_group *g = new_group(j);
    if (!g)
        return NULL;
    g->segment = *s;
    g->offset = s->end;
    g->opens_segment = opens;
    g->last_record = j->last_record;
    g->header = (struct journal_header){.kind = JOURNAL_RECORDS, .number = j->next_group++, .first_record = j->last_record + 1};
    if (j->last)
        j->last->next = g;
    else
        j->first = g;
    j->last = g;
    return g;
}

/* The next segment, in the spare that was promised for it, with its first group. */
static struct journal_group *start_segment(struct journal *j)
{
    struct journal_segment *old = current(j);
    struct journal_segment s = {.number = old ? old->number + 1 : j->oldest,
                                .first_group = j->next_group,
                                .first_record = j->last_record + 1,
                                .bytes = j->segment_bytes,
                                .end = JOURNAL_BLOCK_BYTES,
                                .synced_end = JOURNAL_BLOCK_BYTES,
                                .head_pending = true};
    if (s.number >= UINT32_MAX || journal_random(&s.nonce) != 0 || !journal_add_segment(j, &s))
        return NULL;
    struct journal_group *g = start_group(j, &s, true);
    if (!g || !journal_writer_take_spare(&j->writer)) {
        assert(!g); /* only the owner takes spares, and it has just seen one */
        j->segment_count--;
        return NULL;
    }
    return g;
}

static struct journal_group *place(struct journal *j, uint32_t bytes, bool new_send)
{
    if (!journal_fits(j, bytes, new_send))
        return NULL;
    if (!goes_into_segment(j, bytes, 0)) {
        close_last(j);
        return start_segment(j);
    }
    if (goes_into_last(j, bytes))
        return j->last;
    close_last(j);
    return start_group(j, current(j), false);
}

/* The head comes first; its own records are placed like any others, in the segment that was just begun. If one of them was refused (no
 * memory), so is this record, and the next one tries the whole head again: definitions may stand anywhere in a segment. */
static struct journal_group *place_behind_head(struct journal *j, uint32_t bytes, bool new_send)
{
    struct journal_group *g = place(j, bytes, new_send);
    if (!g || !j->head || j->in_head || !current(j)->head_pending)
        return g;
    j->in_head = true;
    j->head_refused = false;
    j->head(j->head_self);
    j->in_head = false;
    current(j)->head_pending = j->head_refused;
    return j->head_refused ? NULL : place(j, bytes, new_send);
}

uint64_t journal_append(struct journal *j, const struct core_record *record)
{
    uint32_t bound = journal_record_bound(record);
    bool new_send = (record->kind == CORE_REC_SEND || record->kind == CORE_REC_POST) && record->number == record->seq;
    assert(j->recovered);
    if (bound == UINT32_MAX)
        return 0;
    struct journal_group *g = place_behind_head(j, bound, new_send);
    size_t before = g ? g->bytes.len : 0;
    size_t body = g ? journal_record_encode(&g->bytes, record) : SIZE_MAX;
    if (body == SIZE_MAX) {
        j->head_refused = j->head_refused || j->in_head;
        return 0;
    }
    j->pending_bytes += g->bytes.len - before;
    j->records++;
    g->header.record_count++;
    if (!j->in_head && !j->own_record && record->number > j->last_record)
        g->last_record = j->last_record = record->number;
    journal_note_record(current(j), record);
    if (!core_record_stays(record->kind))
        return 1;
    uint64_t location = g->segment.number << 32 | (g->offset + body);
    journal_live_body(j, location, (uint32_t)record->body.len);
    return location;
}

/* -- Room ------------------------------------------------------------------------------------------------------------------------ */
static void look_at_disk(struct journal *j, int64_t now_ms)
{
    int64_t free_bytes;
    if (now_ms < j->room_due_ms)
        return;
    j->room_due_ms = now_ms + CHECK_DISK_MS;
    j->disk_low =
        j->min_free_bytes > 0 && journal_io.free_bytes(j->folder_fd, &free_bytes) == 0 && free_bytes < j->min_free_bytes;
    if (journal_spare_errno(&j->writer))
        journal_writer_await_spare(&j->writer, true, 0);
}

bool journal_has_room(struct journal *j, int64_t now_ms)
{
    look_at_disk(j, now_ms);
    if (j->disk_low || j->pending_bytes > JOURNAL_PENDING_MAX_BYTES)
        return false;
    if (journal_fits(j, JOURNAL_RECORD_MAX_BYTES, true))
        return true;
    return journal_writer_await_spare(&j->writer, false, JOURNAL_ROOM_WAIT_MS);
}

/* The longest kinds of which a step may have many are TRANSFERs; it may have one DEFINE, whose body is a document. */
static_assert(CORE_RECORDS_MAX * (64 + LIMIT_REASON_BYTES + LIMIT_QUEUE_PATH_BYTES) + LIMIT_QUEUE_DOCUMENT_BYTES +
                      JOURNAL_RECORD_FIXED_BYTES <=
                  JOURNAL_STEP_BYTES,
              "a step's records fit what is kept for it");

bool journal_has_reserve(struct journal *j) { return journal_fits(j, JOURNAL_STEP_BYTES, false); }

void journal_on_segment(struct journal *j, void (*head)(void *self), void *self)
{
    j->head = head;
    j->head_self = self;
}

/* -- Handing over and completing --------------------------------------------------------------------------------------------------- */
bool journal_idle(const struct journal *j) { return !j->flight; }

/* Zeros up to the end of the block, so that the write reads nothing from the disk. False without memory: tried again later. */
static bool fill_block(struct journal_group *g)
{
    uint32_t end = g->offset + JOURNAL_HEADER_BYTES + g->header.payload_bytes;
    uint32_t whole = (end + JOURNAL_BLOCK_BYTES - 1) / JOURNAL_BLOCK_BYTES * JOURNAL_BLOCK_BYTES;
    size_t len = whole - g->offset;
    if (buf_reserve(&g->bytes, len - g->bytes.len) != 0) {
        g->bytes.failed = false;
        return false;
    }
    memset(g->bytes.data + g->bytes.len, 0, len - g->bytes.len);
    g->bytes.len = len;
    return true;
}

void journal_flush(struct journal *j)
{
    if (j->flight)
        return;
    /* A segment is to be given up, and there is no group to say so: an empty one does. */
    if (!j->first && j->releasing && j->next_group == j->release_group && goes_into_segment(j, 0, 0))
        start_group(j, current(j), false);
    struct journal_group *g = j->first;
    if (!g)
        return;
    if (g == j->last)
        close_last(j);
    if (!fill_block(g))
        return;
    g->header.oldest = j->releasing && g->header.number >= j->release_group ? j->releasing + 1 : j->oldest;
    j->first = g->next;
    if (!j->first)
        j->last = NULL;
    g->next = NULL;
    j->flight = g;
    journal_writer_hand_over(&j->writer, g);
}

static void retire(struct journal *j)
{
    struct journal_group *g = j->flight, *old = j->retired;
    j->flight = NULL;
    j->retired = g;
    if (old) {
        old->next = j->pool;
        j->pool = old;
    }
    j->groups++;
    j->completed_record = g->last_record;
    struct journal_segment *s = journal_find(j, g->segment.number);
    assert(s);
    s->synced_end = g->offset + JOURNAL_HEADER_BYTES + g->header.payload_bytes;
    if (!j->first)
        j->pending_bytes = 0;
    else
        j->pending_bytes -= j->pending_bytes < g->header.payload_bytes ? j->pending_bytes : g->header.payload_bytes;
    journal_release_done(j, g->header.number);
}

uint64_t journal_completed(struct journal *j)
{
    uint64_t done = journal_writer_done(&j->writer);
    if (j->flight && j->flight->header.number <= done)
        retire(j);
    return j->completed_record;
}

void journal_rest(struct journal *j)
{
    if (j->flight || j->first || j->releasing || j->marked_group == j->next_group)
        return;
    j->marked_group = j->next_group;
    journal_writer_mark(&j->writer, JOURNAL_REST);
}

static void free_list(struct journal_group *g)
{
    while (g) {
        struct journal_group *next = g->next;
        buf_finish(&g->bytes);
        free(g);
        g = next;
    }
}

void journal_free_groups(struct journal *j)
{
    free_list(j->flight);
    free_list(j->retired);
    free_list(j->first);
    free_list(j->pool);
    j->flight = j->retired = j->first = j->last = j->pool = NULL;
}
