/* journal_compact.c - giving up the oldest segment, in steps small enough for a turn of the loop.
 *
 *     kept ──worth it──▶ walked: live messages and keys are appended again ──nothing alive──▶ released: the next group says so
 *       └──────────── nothing alive, no key in force ──────────────────────────────────────▲         │ group on disk
 *                                                                                           recycled or deleted ◀┘
 *
 * A group that says "segments below N are not needed" is written behind, or in the same group as, the last copy. So whatever a crash leaves,
 * either the old segment is still there, or every copy is. Only the oldest goes: a record may refer to an older segment (DONE, MOVE), never to
 * a younger one, so what refers to a deleted SEND means a message that is gone, or one whose copy has all that is known. */
#include "queue/journal_internal.h"

#include <assert.h>
#include <errno.h>

#include "common/log.h"

#define KEPT_SEGMENTS 4u
#define PENDING_MAX_BYTES (16u << 20) /* copies wait for the disk like anything else, but not in great numbers */
#define RETRY_MS 1000

/* -- Is it worth it? --------------------------------------------------------------------------------------------------------------- */
static bool keys_in_force(const struct journal_segment *s, int64_t now_ms) { return s->keys > 0 && s->keys_expire_ms > now_ms; }

/* Keys count as alive: carrying them along frees nothing. */
static uint64_t needed_bytes(const struct journal *j, int64_t now_ms)
{
    uint64_t bytes = j->live_bytes;
    for (size_t i = 0; i < j->segment_count; i++)
        if (keys_in_force(&j->segments[i], now_ms))
            bytes += j->segments[i].keys * JOURNAL_LIVE_OVERHEAD_BYTES;
    return bytes;
}

static uint64_t total_bytes(const struct journal *j)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < j->segment_count; i++)
        bytes += j->segments[i].bytes;
    return bytes;
}

/* On a full disk, a segment that can be emptied into what is left of the current one makes room for a whole one. */
static bool worth_it_when_full(struct journal *j, const struct journal_segment *s)
{
    uint64_t alive = s->live_bytes + s->keys * JOURNAL_LIVE_OVERHEAD_BYTES;
    bool full = j->disk_low || (journal_spare_errno(&j->writer) && !journal_writer_has_spare(&j->writer));
    return full && alive < s->bytes / 2 && journal_fits(j, (uint32_t)alive + 2 * JOURNAL_STEP_BYTES, false);
}

static bool worth_it(struct journal *j, int64_t now_ms)
{
    uint64_t total = total_bytes(j), needed = 2 * needed_bytes(j, now_ms), kept = (uint64_t)KEPT_SEGMENTS * j->segment_bytes;
    return total > (needed > kept ? needed : kept) || worth_it_when_full(j, &j->segments[0]);
}

/* -- Walking ------------------------------------------------------------------------------------------------------------------------- */
static void stop_walk(struct journal *j)
{
    journal_reader_close(&j->compaction.reader);
    j->compaction = (struct journal_compaction){.reader = {.fd = -1}};
}

static int unreadable(struct journal *j, const struct journal_segment *s, int error)
{
    char name[JOURNAL_NAME_BYTES];
    journal_segment_name(s->number, name);
    stop_walk(j);
    journal_fatal("compact", name, error);
    return 0;
}

static int start_walk(struct journal *j, const struct journal_segment *s)
{
    struct journal_compaction *c = &j->compaction;
    stop_walk(j);
    c->segment = s->number;
    c->offset = JOURNAL_BLOCK_BYTES;
    c->copy = *s;
    return journal_reader_open(&c->reader, j->folder_fd, &c->copy) == 0 ? 1 : unreadable(j, s, errno);
}

/* Brings the next record into c->record. 1; 0 at the end of the segment; -1 for a group that cannot be read any more. */
static int next_record(struct journal_compaction *c)
{
    uint32_t body;
    struct slice payload;
    while (!c->held) {
        int got = c->in_group ? journal_record_next(&c->cursor, &c->record, &body) : 0;
        if (got != 0) {
            c->location = c->segment << 32 | (c->offset + JOURNAL_HEADER_BYTES + body);
            return got;
        }
        c->offset += c->in_group ? JOURNAL_HEADER_BYTES + c->header.payload_bytes : 0;
        c->in_group = false;
        if (c->offset >= c->copy.synced_end)
            return 0;
        if (journal_look(&c->reader, c->offset, &c->header, &payload) != JOURNAL_FOUND_GROUP)
            return -1;
        c->cursor = journal_cursor(payload, c->header.record_count);
        c->in_group = true;
    }
    return 1;
}

static bool carry_key(struct journal *j, const struct core_record *record)
{
    struct core_record key = *record;
    key.kind = CORE_REC_KEY;
    key.body = key.reason = (struct slice){NULL, 0};
    j->own_record = true;
    bool appended = journal_append(j, &key) != 0;
    j->own_record = false;
    return appended;
}

/* Copies what is needed of c->record. False: there is no room for it now. */
static bool keep_record(struct journal *j, journal_live *visit, void *self, int64_t now_ms)
{
    const struct core_record *record = &j->compaction.record;
    bool stays = core_record_stays(record->kind), key = record->has_key && record->key_expires_ms > now_ms;
    if (!stays && !key)
        return true;
    if (!journal_fits(j, journal_record_bound(record) + JOURNAL_STEP_BYTES, false)) /* a step comes with the copy */
        return false;
    if (key && !carry_key(j, record))
        return false;
    if (stays)
        visit(self, record, j->compaction.location);
    return true;
}

/* Up to max records that matter. 1: there is more; 0: at the end, or no room. */
static int walk(struct journal *j, journal_live *visit, void *self, size_t max, int64_t now_ms)
{
    struct journal_compaction *c = &j->compaction;
    for (size_t seen = 0; seen < max;) {
        int got = next_record(c);
        if (got < 0)
            return unreadable(j, &c->copy, EBADMSG);
        if (got == 0) {
            c->walked = true;
            c->retry_ms = now_ms + RETRY_MS;
            return 0;
        }
        c->held = !keep_record(j, visit, self, now_ms);
        if (c->held)
            return 0;
        seen += core_record_stays(c->record.kind) || c->record.kind == CORE_REC_KEY;
    }
    return 1;
}

/* -- Letting go ---------------------------------------------------------------------------------------------------------------------- */
/* From this group on every group says that the oldest segment is not needed: the last one that exists, for it is written after all
 * the copies, or the next. */
static int release(struct journal *j)
{
    struct journal_group *last = j->last;
    j->releasing = j->segments[0].number;
    j->release_group = last ? last->header.number : j->next_group;
    stop_walk(j);
    return 1;
}

void journal_release_done(struct journal *j, uint64_t done_group)
{
    if (!j->releasing || done_group < j->release_group)
        return;
    assert(j->segments[0].number == j->releasing);
    log_debug("segment.released", "number=%llu", (unsigned long long)j->releasing);
    journal_writer_recycle(&j->writer, j->releasing, j->segments[0].bytes);
    j->oldest = j->releasing + 1;
    j->releasing = 0;
    journal_drop_oldest(j);
}

/* Everything in the oldest segment is on disk, and nothing goes into it any more. */
static bool at_rest(const struct journal *j)
{
    uint64_t number = j->segments[0].number;
    return j->segment_count > 1 && (!j->flight || j->flight->segment.number > number) &&
           (!j->first || j->first->segment.number > number);
}

int journal_compact(struct journal *j, journal_live *visit, void *self, size_t max, int64_t now_ms)
{
    struct journal_compaction *c = &j->compaction;
    if (j->segment_count < 2 || j->releasing || !at_rest(j) || j->pending_bytes > PENDING_MAX_BYTES)
        return 0;
    struct journal_segment *s = &j->segments[0];
    if (s->live_count == 0 && (!keys_in_force(s, now_ms) || (c->segment == s->number && c->walked)))
        return release(j);
    if (c->segment == s->number && c->walked && now_ms < c->retry_ms)
        return 0;
    if (!worth_it(j, now_ms))
        return 0;
    if ((c->segment != s->number || c->walked) && start_walk(j, s) == 0)
        return 0;
    return walk(j, visit, self, max, now_ms) || (c->walked && j->segments[0].live_count == 0);
}

void journal_free_compaction(struct journal *j) { journal_reader_close(&j->compaction.reader); }
