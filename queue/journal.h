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
 * Files: DIR/%016x.seg, numbered 1, 2, ...; DIR/spare.N, allocated ahead or recycled; DIR/lock (flock: one broker per journal).
 * Other files in the folder are left alone. Format: queue/README.md.
 *
 * Every function but journal_open, journal_recover, journal_salvage and journal_close is free of waiting for the disk, with two
 * exceptions: journal_read and journal_compact read files, and journal_has_room may wait up to JOURNAL_ROOM_WAIT_MS for a segment that is
 * being allocated. The process must ignore SIGXFSZ, so that a file size limit is an error like a full disk. */
#ifndef LEAT_QUEUE_JOURNAL_H
#define LEAT_QUEUE_JOURNAL_H

#include "common/err.h"
#include "common/stats.h"
#include "queue/core/core.h"

struct journal;

#define JOURNAL_SEGMENT_MIN_BYTES (4ll << 20) /* the largest record, a segment's head and the reserve of acks fit into one */
#define JOURNAL_SEGMENT_MAX_BYTES (1ll << 30) /* offsets have 32 bits */
#define JOURNAL_BODY_MAX_BYTES (2u << 20)     /* of a message; longer ones must be refused before they become a record */
#define JOURNAL_ROOM_WAIT_MS 250

struct journal_config {
    const char *folder;     /* created if missing (mode 0700) */
    int64_t segment_bytes;  /* preallocated size of a segment; JOURNAL_SEGMENT_MIN_BYTES .. _MAX_BYTES, whole blocks of 4096 */
    int64_t min_free_bytes; /* appending of SEND records stops while the file system has less free */
};

/* Opens and locks the folder. NULL with the reason in e (in use by process N: ERR_RESOURCE_IN_USE; not writable, damaged header ...). */
struct journal *journal_open(const struct journal_config *config, struct err *e);
/* Writes and syncs all that was appended, then the close mark. NULL-safe; without journal_recover() it only closes. */
void journal_close(struct journal **j);

/* Calls visit for every record of every intact group, oldest first; location says where a body lies (core_record_stays). A torn tail is cut (and
 * logged); damage before the tail, a missing segment or a record that visit refuses ends with -1, the file, the offset and the way
 * out in e, and leaves every file as it was. */
typedef int journal_visit(void *self, const struct core_record *record, uint64_t location);
int journal_recover(struct journal *j, journal_visit *visit, void *self, struct err *e);

/* Which bodies are still needed the journal cannot know from its records alone: after journal_recover() the owner starts the count anew
 * and adds each body that its replay left alive (the copy that counts, where compaction made several). Before the first append. */
void journal_recount(struct journal *j);
void journal_live_body(struct journal *j, uint64_t location, uint32_t len);

/* The way out when journal_open() or journal_recover() refuses: takes the lock by itself and sets every damaged segment aside as
 * NAME.damaged (a link, nothing is deleted), puts a copy with its intact groups only in its place, an empty segment where one is
 * missing, and marks both, so that recovery accepts the gap. Each lost range is logged with its record numbers. An intact journal is
 * left as it is. 0, or -1 with the reason in e: then nothing was exchanged that had not been logged. */
int journal_salvage(const struct journal_config *config, struct err *e);

struct journal_summary {
    uint64_t segments, records;
    uint64_t bytes;      /* of groups */
    uint64_t torn_bytes; /* of a group at the end that was not synced: recovery cuts it off (verify only) */
};

/* A consistent copy of a journal, in use or not, into target (created if missing; segments there are replaced): everything that was on
 * disk when it began is in it. Needs no lock. Syncs what it has written. Waits for the disk; 0, or -1 with the reason in e. */
int journal_copy(const char *folder, const char *target, struct journal_summary *summary, struct err *e);
/* Judges a journal that is not in use as journal_recover() would, and writes nothing. 0, or -1 with the damage, the way out, or "in use" in
 * e. visit (may be NULL) sees every record. */
int journal_verify(const char *folder, struct journal_summary *summary, journal_visit *visit, void *self, struct err *e);

/* Appends to the group being collected. Returns the body's location for records that stay (never 0), 1 for others; 0 when there is no
 * room: disk full or no memory. New messages (number == seq) keep out of the reserve, an eighth of a segment, that all other records may use;
 * when even that is used up, those return 0 too. An ack that was refused does no harm as long as its message can still be recognized
 * when it is delivered again: the owner must then stop raising what it publishes as its lowest seq. Never blocks. */
uint64_t journal_append(struct journal *j, const struct core_record *record);
/* True promises room for one more SEND of the largest size: ask before each (cheap). False: the disk is full, has less than
 * min_free_bytes, or 256 MiB wait to be written. Looks at the disk at most each 200 ms (now_ms: monotonic). */
bool journal_has_room(struct journal *j, int64_t now_ms);
/* True: a step's worth of records other than new messages fits. Cheap. */
bool journal_has_reserve(struct journal *j);
bool journal_idle(const struct journal *j); /* no group in flight */
void journal_flush(struct journal *j);      /* hands the collected group to the thread if that is idle; else does nothing */
int journal_fd(const struct journal *j);    /* eventfd, level-triggered */
/* Clears the event; number of the last record that is on disk. What journal_on_segment()'s function appends does not count. */
uint64_t journal_completed(struct journal *j);
/* When the owner is idle: an unsynced mark that the last group was synced, so that later damage to it is told from a torn tail. Does
 * nothing if records wait or the mark is there: may be called as often as one likes. */
void journal_rest(struct journal *j);

/* Reads a body (len bytes as appended); the slice is valid until the next journal call. Verified against its checksum: damage stops the
 * process with a message, for it must not be served. Sequential reads are buffered. Also finds bodies not yet written. */
struct slice journal_read(struct journal *j, uint64_t location, uint32_t len);

/* A body at location is not needed any more (CORE_EFFECT_FREED). */
void journal_freed(struct journal *j, uint64_t location, uint32_t len);
/* Compaction, in small steps: call it once a turn, between two core steps. When the journal is mostly dead weight (more than 4
 * segments and more than twice what is alive, or the disk is full), it walks through the oldest segment and visits its records that stay, at
 * most max per call, with their bodies. visit must append a copy of each that still lies at that location, as the core knows it now
 * (core_find -> CORE_MOVE_BODY -> journal_append, then journal_freed of the old location, all inside visit). Idempotency keys that have not
 * expired are copied by the journal itself. A segment with nothing alive is given up: the next group says so, and once that group is on
 * disk the file is recycled or deleted. Only the oldest segment ever goes: records refer backwards only.
 * now_ms: broker time (keys expire by it). Returns 1 if there is more to do at once, 0 if not. */
typedef void journal_live(void *self, const struct core_record *record, uint64_t location);
int journal_compact(struct journal *j, journal_live *visit, void *self, size_t max, int64_t now_ms);
/* head is called inside journal_append() at the head of each new segment, before anything else goes into it: it appends a MARK (at most
 * 512 KiB). Set it after journal_recover(), before the first append. */
void journal_on_segment(struct journal *j, void (*head)(void *self), void *self);

struct journal_stats {
    uint64_t segments, bytes_total, bytes_live, groups, records;
    struct stats_histogram sync; /* pwrite + fdatasync of a group */
};
void journal_stats(const struct journal *j, struct journal_stats *stats);

#endif
