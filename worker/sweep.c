/* sweep.c - walks the slices of the outcomes from their old ends; lets the table engine do its chores. */
#include "worker/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/outcomes.h"

#define SLICES 256u
#define ROWS_MAX 500u /* looked at in one transaction: bounds its locks */

struct limits {
    int64_t before_ms; /* finished earlier: old */
    uint64_t low_seq;
};

/* The keys of one walk; fixed size rows. */
struct victims {
    unsigned char keys[ROWS_MAX][OUTCOME_KEY_BYTES];
    size_t count;
};

/* The wall clock milliseconds in an id (UUIDv7). */
static int64_t id_ms(const unsigned char *id)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id[i];
    return ms;
}

/* Collects rows from the old end of the slice. Ids are in the order of their making, sequence numbers nearly so: the first one that
 * is young, or may still be delivered, ends the walk. */
static enum kv_result collect(struct kv_cursor *cursor, uint8_t slice, const struct limits *limits, struct victims *out,
                              bool *more)
{
    struct slice key, value;
    struct outcome_row row;
    size_t seen = 0;
    *more = false;
    enum kv_result result = kv_seek(cursor, slice_of(&slice, 1), &key, &value);
    for (; result == KV_OK; result = kv_next(cursor, &key, &value)) {
        if (key.len != OUTCOME_KEY_BYTES || key.ptr[0] != slice || id_ms(key.ptr + 1) >= limits->before_ms)
            return KV_OK;
        if (seen++ == ROWS_MAX) {
            *more = out->count > 0;
            return KV_OK;
        }
        if (outcome_row_decode(value, &row) != 0)
            return KV_FATAL;
        if (row.seq >= limits->low_seq)
            return KV_OK;
        if (row.finished_ms < limits->before_ms)
            memcpy(out->keys[out->count++], key.ptr, OUTCOME_KEY_BYTES);
    }
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static enum kv_result remove_rows(struct kv_txn *txn, const struct victims *victims)
{
    for (size_t i = 0; i < victims->count; i++) {
        enum kv_result result = kv_delete(txn, KV_OUTCOMES, slice_of(victims->keys[i], OUTCOME_KEY_BYTES));
        if (result != KV_OK && result != KV_NOT_FOUND)
            return result;
    }
    return KV_OK;
}

static enum kv_result sweep_slice(struct kv *kv, uint8_t slice, const struct limits *limits, struct sweep_done *done,
                                  bool *more)
{
    struct kv_txn *txn;
    struct kv_cursor *cursor = NULL;
    struct victims victims;
    victims.count = 0;
    enum kv_result result = kv_begin(kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = kv_cursor_open(txn, KV_OUTCOMES, &cursor);
    if (result == KV_OK)
        result = collect(cursor, slice, limits, &victims, more);
    kv_cursor_close(&cursor);
    kv_abort(&txn); /* nobody else removes rows and none is written twice: what was seen stays true */
    if (result != KV_OK || victims.count == 0)
        return result;
    result = kv_begin(kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = remove_rows(txn, &victims);
    if (result == KV_OK)
        result = kv_commit(&txn);
    kv_abort(&txn);
    done->outcomes += result == KV_OK ? victims.count : 0;
    return result;
}

static enum kv_result sweep_outcomes(struct sweep *s, const struct limits *limits, int64_t end_us, struct sweep_done *done)
{
    enum kv_result result = KV_OK;
    for (unsigned walked = 0; walked < SLICES && result == KV_OK;) {
        bool more = false;
        result = sweep_slice(s->kv, (uint8_t)s->slice, limits, done, &more);
        if (!more) {
            s->slice = (s->slice + 1) % SLICES;
            walked++;
        }
        if (walked < SLICES && clock_mono_us() >= end_us) {
            done->more = true;
            break;
        }
    }
    return result;
}

static int lock(const struct sweep *s, bool *held)
{
    int fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    *held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    return fd;
}

enum kv_result sweep_pass(struct sweep *s, int64_t wall_ms, uint64_t low_seq, int64_t budget_us, struct sweep_done *done)
{
    bool held;
    int fd = lock(s, &held);
    *done = (struct sweep_done){0, false};
    if (fd < 0)
        return errno == ENOSPC ? KV_FULL : KV_NO_MEMORY;
    enum kv_result result = KV_OK;
    if (held && low_seq > 0) {
        struct limits limits = {wall_ms - s->retention_ms, low_seq};
        result = sweep_outcomes(s, &limits, clock_mono_us() + budget_us, done);
    }
    close(fd);
    return result == KV_RETRY ? KV_OK : result;
}

enum kv_result sweep_chores(struct sweep *s, int64_t wall_ms, int64_t budget_us, bool *more)
{
    bool held;
    int fd = lock(s, &held);
    *more = false;
    if (fd < 0)
        return errno == ENOSPC ? KV_FULL : KV_NO_MEMORY;
    enum kv_result result = KV_OK;
    int64_t end_us = clock_mono_us() + budget_us;
    do {
        if (held)
            result = table_chores(s->tables, wall_ms, ROWS_MAX, more);
    } while (*more && result == KV_OK && clock_mono_us() < end_us);
    close(fd);
    return result == KV_RETRY ? KV_OK : result;
}
