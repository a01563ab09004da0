/* journal.c - opening and closing a journal, its table of segments, its figures. The other halves of the owner's side are in
 * journal_append.c (groups), journal_read.c (bodies), journal_recover.c and journal_compact.c; journal_internal.h is the map. */
#include "queue/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- Segments ------------------------------------------------------------------------------------------------------------------ */
struct journal_segment *journal_find(struct journal *j, uint64_t number)
{
    if (j->segment_count == 0 || number < j->segments[0].number || number - j->segments[0].number >= j->segment_count)
        return NULL;
    struct journal_segment *s = &j->segments[number - j->segments[0].number];
    assert(s->number == number);
    return s;
}

struct journal_segment *journal_add_segment(struct journal *j, const struct journal_segment *s)
{
    assert(j->segment_count == 0 || s->number == j->segments[j->segment_count - 1].number + 1);
    if (j->segment_count == j->segment_cap) {
        size_t cap = j->segment_cap ? j->segment_cap * 2 : 16;
        struct journal_segment *grown = realloc(j->segments, cap * sizeof *grown);
        if (!grown)
            return NULL;
        j->segments = grown;
        j->segment_cap = cap;
    }
    j->segments[j->segment_count] = *s;
    return &j->segments[j->segment_count++];
}

void journal_drop_oldest(struct journal *j)
{
    assert(j->segment_count > 1 && j->segments[0].live_count == 0);
    memmove(j->segments, j->segments + 1, --j->segment_count * sizeof *j->segments);
}

void journal_note_record(struct journal_segment *s, const struct core_record *record)
{
    s->head_pending = false;
    if (!record->has_key)
        return;
    s->keys++;
    if (record->key_expires_ms > s->keys_expire_ms)
        s->keys_expire_ms = record->key_expires_ms;
}

/* -- What is alive --------------------------------------------------------------------------------------------------------------- */
void journal_live_body(struct journal *j, uint64_t location, uint32_t len)
{
    struct journal_segment *s = journal_find(j, location >> 32);
    assert(s);
    s->live_count++;
    s->live_bytes += len + JOURNAL_LIVE_OVERHEAD_BYTES;
    j->live_bytes += len + JOURNAL_LIVE_OVERHEAD_BYTES;
}

void journal_freed(struct journal *j, uint64_t location, uint32_t len)
{
    struct journal_segment *s = journal_find(j, location >> 32);
    assert(s && s->live_count > 0 && s->live_bytes >= len + JOURNAL_LIVE_OVERHEAD_BYTES);
    s->live_count--;
    s->live_bytes -= len + JOURNAL_LIVE_OVERHEAD_BYTES;
    j->live_bytes -= len + JOURNAL_LIVE_OVERHEAD_BYTES;
}

void journal_recount(struct journal *j)
{
    for (size_t i = 0; i < j->segment_count; i++)
        j->segments[i].live_count = j->segments[i].live_bytes = 0;
    j->live_bytes = 0;
}

/* -- Open and close -------------------------------------------------------------------------------------------------------------- */
int journal_check_config(const struct journal_config *c, struct err *e)
{
    if (c->segment_bytes < JOURNAL_SEGMENT_MIN_BYTES || c->segment_bytes > JOURNAL_SEGMENT_MAX_BYTES)
        return err_set(e, ERR_VALIDATION, "a journal segment has %lld to %lld bytes, not %lld",
                       (long long)JOURNAL_SEGMENT_MIN_BYTES, (long long)JOURNAL_SEGMENT_MAX_BYTES, (long long)c->segment_bytes);
    return c->min_free_bytes < 0 ? err_set(e, ERR_VALIDATION, "the space to keep free cannot be negative") : 0;
}

static int check_gap(const struct journal *j, uint64_t number, struct err *e)
{
    char name[JOURNAL_NAME_BYTES];
    if (j->segment_count == 0 || number == j->segments[j->segment_count - 1].number + 1)
        return 0;
    journal_segment_name(j->segments[j->segment_count - 1].number + 1, name);
    return journal_damage(e, name, 0, "the file is missing");
}

int journal_load_segments(struct journal *j, struct err *e)
{
    uint64_t *numbers;
    size_t count;
    struct journal_segment s;
    int result = journal_list(j->folder_fd, &numbers, &count, e);
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = check_gap(j, numbers[i], e);
        if (result == 0)
            result = journal_load_segment(j->folder_fd, numbers[i], &s, e);
        if (result == 0 && !journal_add_segment(j, &s))
            result = err_set(e, ERR_INTERNAL, "out of memory");
    }
    free(numbers);
    return result;
}

struct journal *journal_open(const struct journal_config *config, struct err *e)
{
    if (journal_check_config(config, e) != 0)
        return NULL;
    struct journal *j = calloc(1, sizeof *j);
    if (!j) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    j->segment_bytes = (uint32_t)(config->segment_bytes / JOURNAL_BLOCK_BYTES * JOURNAL_BLOCK_BYTES);
    j->min_free_bytes = config->min_free_bytes;
    j->room_due_ms = INT64_MIN;
    j->compaction.reader.fd = -1;
    int result = journal_lock_folder(config->folder, &j->folder_fd, &j->lock_fd, e);
    if (journal_writer_init(&j->writer, j->folder_fd, j->segment_bytes) != 0 && result == 0)
        result = err_set(e, ERR_INTERNAL, "cannot make an event descriptor: %s", strerror(errno));
    if (result != 0 || journal_load_segments(j, e) != 0)
        journal_close(&j);
    else
        journal_keep_descriptors();
    return j;
}

/* All that waits is written, one group after the other; ends early only if the writer has failed. */
static void write_rest(struct journal *j)
{
    do {
        journal_flush(j);
        journal_writer_settle(&j->writer);
        uint64_t flight = j->flight ? j->flight->header.number : 0;
        journal_completed(j);
        if (j->flight && j->flight->header.number == flight)
            return;
    } while (j->flight || j->first);
    journal_writer_mark(&j->writer, JOURNAL_CLOSE);
    journal_writer_settle(&j->writer);
}

void journal_close(struct journal **journal)
{
    struct journal *j = *journal;
    if (!j)
        return;
    *journal = NULL;
    if (j->recovered)
        write_rest(j);
    journal_writer_finish(&j->writer);
    journal_free_groups(j);
    journal_free_windows(j);
    journal_free_compaction(j);
    journal_release_descriptors();
    if (j->folder_fd >= 0)
        close(j->folder_fd);
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    free(j->segments);
    free(j);
}

int journal_fd(const struct journal *j) { return j->writer.event_fd; }

void journal_stats(const struct journal *j, struct journal_stats *stats)
{
    /* The lock is no part of what a reader sees of the journal. */
    struct journal_writer *w = (struct journal_writer *)&j->writer;
    *stats = (struct journal_stats){
        .segments = j->segment_count, .bytes_live = j->live_bytes, .groups = j->groups, .records = j->records};
    for (size_t i = 0; i < j->segment_count; i++)
        stats->bytes_total += j->segments[i].bytes;
    pthread_mutex_lock(&w->lock);
    stats->sync = w->shared.sync;
    pthread_mutex_unlock(&w->lock);
}
