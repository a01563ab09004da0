/* journal.h - the broker's append-only journal: segments, checksummed groups, group commit in a thread of its own, recovery, compaction.
 *
 * Protocol of use (one owner thread):
 *   journal_open() -> journal_recover(visit every record) -> then, for ever:
 *       journal_append() records of this turn -> journal_flush() at the end of the turn -> poll journal_fd();
 *       when readable: journal_completed() says up to which record number all is on disk; flush again if records wait.
 * A writer thread writes one group (all records appended since the last flush) with one pwrite and one fdatasync; while it runs, the
 * owner collects the next group. So at most one group can be torn by a crash, and everything before it was synced.
 *
 * A failed write or sync stops the process (message, exit status 74) - the kernel may have dropped the pages, so nothing that was
 * claimed after it could be true. A full disk is no such failure: space is allocated before it is promised (posix_fallocate of whole
 * segments and a reserve), so running out of it is an answer of journal_append(), not an accident of the sync.
 *
 * Files: DIR/%016x.seg, numbered 1, 2, ...; DIR/lock (flock: one broker per journal). Format: queue/README.md. */
#ifndef LEAT_QUEUE_JOURNAL_H
#define LEAT_QUEUE_JOURNAL_H

#include "common/err.h"
#include "common/stats.h"
#include "queue/core/core.h"

struct journal;

struct journal_config {
    const char *folder;     /* created if missing (mode 0700) */
    int64_t segment_bytes;  /* preallocated size of a segment; at least 1 MiB */
    int64_t min_free_bytes; /* appending of SEND records stops while the file system has less free */
};

/* Opens and locks the folder. NULL with the reason in e (in use by process N, not writable, damaged header ...). */
struct journal *journal_open(const struct journal_config *config, struct err *e);
void journal_close(struct journal **j); /* waits for the group in flight, writes the close mark; NULL-safe */

/* Calls visit for every record of every intact group, oldest first; location says where a SEND's body lies. A torn tail is cut (and
 * logged); damage before the tail, a missing segment or a record that visit refuses ends with -1, the file, the offset and the way
 * out in e, and leaves every file as it was. */
typedef int journal_visit(void *self, const struct core_record *record, uint64_t location);
int journal_recover(struct journal *j, journal_visit *visit, void *self, struct err *e);

/* Appends to the group being collected. Returns the body's location for SEND (never 0), 1 for others; 0 when there is no room: disk
 * full (SEND records keep out of the reserve that acks may use) or no memory. Never blocks. */
uint64_t journal_append(struct journal *j, const struct core_record *record);
/* True if SEND records can be appended now; re-checks the disk at most each 200 ms (now_ms: monotonic). */
bool journal_has_room(struct journal *j, int64_t now_ms);
bool journal_idle(const struct journal *j);    /* no group in flight */
void journal_flush(struct journal *j);         /* hands the collected group to the thread if that is idle; else does nothing */
int journal_fd(const struct journal *j);       /* eventfd, level-triggered */
uint64_t journal_completed(struct journal *j); /* clears the event; number of the last record that is on disk */
/* Once, when the owner is idle: an unsynced mark that the last group was synced, so that later damage to it is told from a torn tail. */
void journal_rest(struct journal *j);

/* Reads a body (len bytes as appended); the slice is valid until the next journal call. Verified against its checksum: damage stops the
 * process with a message, for it must not be served. Sequential reads are buffered. Also finds bodies not yet written. */
struct slice journal_read(struct journal *j, uint64_t location, uint32_t len);

/* A body at location is not needed any more (CORE_EFFECT_FREED). */
void journal_freed(struct journal *j, uint64_t location, uint32_t len);
/* Compaction: when the oldest segment is mostly dead weight, visits the live SEND records in it (at most max per call) so that the
 * owner re-appends them with CORE_MOVE_BODY; a segment with no live body (and whose idempotency keys are gone or carried over) is
 * deleted after what was copied out of it is on disk. Only the oldest segment is ever deleted: records refer backwards only. */
typedef void journal_live(void *self, const struct core_record *record, uint64_t location);
int journal_compact(struct journal *j, journal_live *visit, void *self, size_t max, int64_t now_ms);
/* Called at the head of each new segment, before anything else goes into it: the owner appends queue definitions and a MARK. */
void journal_on_segment(struct journal *j, void (*head)(void *self), void *self);
/* Record numbers up to which the oldest segment's keys must be carried over (0: none pending). */
uint64_t journal_carry_keys(const struct journal *j);

struct journal_stats {
    uint64_t segments, bytes_total, bytes_live, groups, records;
    struct stats_histogram sync; /* pwrite + fdatasync of a group */
};
void journal_stats(const struct journal *j, struct journal_stats *stats);

#endif
