/* journal_internal.h - what the journal's files share; nobody else includes it but the journal's tests.
 *
 *     journal.c           open, close, compact's bookkeeping of segments, figures
 *     journal_append.c    the owner's side of groups: collecting, handing over, completing; where there is room
 *     journal_record.c, journal_record_read.c   records <-> bytes
 *     journal_group.c     headers of segments and groups <-> bytes, checksums; reading groups back from a file
 *     journal_segment.c   the folder: names, listing, reading headers
 *     journal_io.c        system calls: a table that tests exchange, whole writes and reads, what a failure means
 *     journal_descriptors.c  some are kept back
 *     journal_writer.c    the thread: groups, marks, new segments
 *     journal_spare.c     the thread's spare segments: allocating ahead, recycling
 *     journal_recover.c   start: scan, torn tail or damage, replay
 *     journal_salvage.c   the way out of damage
 *     journal_copy.c      a copy of one that is in use
 *     journal_verify.c    recovery's judgement without recovery
 *     journal_compact.c   giving up the oldest segment
 *     journal_read.c      bodies
 *
 * Two threads. The owner's state is struct journal; the writer's is struct journal_writer, of which the part named `shared` is guarded by
 * its lock. A group belongs to the owner until it is handed over, then both only read its payload until it is completed (the writer
 * fills in its header). */
#ifndef LEAT_QUEUE_JOURNAL_INTERNAL_H
#define LEAT_QUEUE_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <stddef.h>
#include <sys/types.h>

#include "queue/journal.h"

#define JOURNAL_BLOCK_BYTES 4096u /* writes end at a multiple of it: no write has to read a block from the disk first */
#define JOURNAL_HEADER_BYTES 64u  /* of a group */
#define JOURNAL_ALIGN 8u
#define JOURNAL_GROUP_MAX_BYTES (8u << 20) /* payload; more that waits becomes several groups */
#define JOURNAL_RECORD_FIXED_BYTES 1024u   /* a record without its body is shorter, whatever its kind */
#define JOURNAL_RECORD_MAX_BYTES (JOURNAL_BODY_MAX_BYTES + JOURNAL_RECORD_FIXED_BYTES)
#define JOURNAL_PENDING_MAX_BYTES (256u << 20) /* appended and not yet on disk: beyond it has_room says no */
#define JOURNAL_STEP_BYTES (256u << 10)        /* records of one step of the core, new messages aside, are fewer bytes */
#define JOURNAL_RESERVE_SHARE 8u               /* of a segment, for acks on a full disk */
#define JOURNAL_SPARE_SLOTS 4u                 /* files spare.0 ... */
#define JOURNAL_SPARES_KEPT 2u                 /* an emptied segment is recycled while there are fewer */
#define JOURNAL_WINDOWS 4u
#define JOURNAL_WINDOW_BYTES (256u << 10) /* read ahead for a sequential reader */
#define JOURNAL_PEEK_BYTES (16u << 10)    /* read for anyone else */
#define JOURNAL_LIVE_OVERHEAD_BYTES 128u  /* what a live message takes beside its body */
#define JOURNAL_NAME_BYTES 40u

/* -- System calls (journal_io.c) ---------------------------------------------------------------------------------------- */
struct journal_io {
    ssize_t (*write_at)(int fd, const void *bytes, size_t len, off_t at);
    ssize_t (*read_at)(int fd, void *bytes, size_t len, off_t at);
    int (*sync)(int fd);        /* fdatasync */
    int (*sync_folder)(int fd); /* fsync */
    int (*allocate)(int fd, off_t bytes);
    int (*rename)(int folder, const char *from, const char *to);
    int (*unlink)(int folder, const char *name);
    int (*free_bytes)(int folder, int64_t *bytes);
    void (*fatal)(int status); /* ends the process; if a test's returns, the journal does nothing more */
};
/* Exchanges the table for all journals of the process (NULL: the system's own). For tests; not while a journal is open. */
void journal_set_io(const struct journal_io *io);
extern struct journal_io journal_io;

/* Descriptors are kept back for the journal's files (journal_descriptors.c): peers that connect until there are none left must not end a
 * broker whose disk is well. open: as openat, with mode 0600 and O_CLOEXEC; close: -1 is ignored, errno stays. Any thread. */
int journal_open_file(int folder_fd, const char *name, int flags);
void journal_close_file(int fd);
void journal_keep_descriptors(void);    /* as many as it ever needs at once, or what there is */
void journal_release_descriptors(void); /* no other journal of the process may be open, or it does without */

int journal_write_all(int fd, const void *bytes, size_t len, off_t at); /* 0, or -1 with errno */
/* Whole bytes; what lies behind the end of the file reads as zeros. 0, or -1 with errno. */
int journal_read_all(int fd, void *bytes, size_t len, off_t at);
bool journal_is_full(int error); /* does this errno mean: no space (disk, quota, file size limit)? */
/* A failed write or sync: logs what and why, and ends the process with status 74. */
void journal_fatal(const char *what, const char *file, int error);
/* Fills e with the damage at an offset of a file and the way out; returns -1. */
int journal_damage(struct err *e, const char *file, uint64_t offset, const char *what);

/* -- Segments (journal_group.c, journal_segment.c) ----------------------------------------------------------------------- */
#define JOURNAL_SALVAGED 1u /* flag of a segment: groups are missing in it, or between it and its neighbours */

struct journal_segment {
    uint64_t number, first_group, first_record, nonce;
    uint32_t flags;
    uint32_t bytes;      /* allocated size */
    uint32_t end;        /* behind the last group that was made for it */
    uint32_t synced_end; /* behind the last group that is on disk */
    uint64_t live_count, live_bytes;
    uint64_t keys; /* records with an idempotency key */
    int64_t keys_expire_ms;
    bool head_pending; /* no record in it yet */
};

void journal_encode_segment(unsigned char out[static JOURNAL_BLOCK_BYTES], const struct journal_segment *s);
/* 0; 1 if only one of the header's two copies is intact; -1 if none is. Sets what the header holds, the rest to the empty state. */
int journal_decode_segment(const unsigned char in[static JOURNAL_BLOCK_BYTES], struct journal_segment *s);

void journal_segment_name(uint64_t number, char name[static JOURNAL_NAME_BYTES]);
/* Makes the folder if it is missing, opens and locks it. -1 with e set. */
int journal_lock_folder(const char *path, int *folder_fd, int *lock_fd, struct err *e);
/* Numbers of the segments in the folder, ascending; *numbers is malloc'ed. -1 with e set. */
int journal_list(int folder_fd, uint64_t **numbers, size_t *count, struct err *e);
/* 0; -1 with e set: it cannot be read; 1 with e set: what was read is no header of it. */
int journal_load_segment(int folder_fd, uint64_t number, struct journal_segment *s, struct err *e);
int journal_random(uint64_t *nonce); /* 0 or -1 */

/* -- Groups ----------------------------------------------------------------------------------------------------------------- */
enum journal_kind {
    JOURNAL_RECORDS = 1, /* a group; numbers go up by one */
    /* Marks carry the number of the group that is to follow: all groups below it were synced. The next group overwrites them. */
    JOURNAL_REST,
    JOURNAL_CLOSE,
    JOURNAL_END /* the next segment exists */
};

struct journal_header {
    enum journal_kind kind;
    uint64_t number;
    uint64_t oldest;       /* segments below it are not needed any more */
    uint64_t first_record; /* records in here have this number or a higher one */
    uint32_t payload_bytes, record_count;
};

struct journal_group {
    struct journal_group *next;
    struct buf bytes;               /* header, payload, zeros up to the end of the block */
    struct journal_segment segment; /* as it was when the group was started */
    struct journal_header header;
    uint32_t offset;
    uint64_t last_record;
    bool opens_segment; /* the writer makes the segment first */
};

static inline uint32_t journal_align(uint32_t bytes) { return (bytes + JOURNAL_ALIGN - 1) / JOURNAL_ALIGN * JOURNAL_ALIGN; }

/* Writes the header, with the checksums of itself and of the payload, which follows it in memory. */
void journal_encode_group(unsigned char *group, const struct journal_segment *s, const struct journal_header *h);
/* True if an intact header of this segment is there. */
bool journal_decode_header(const unsigned char *in, const struct journal_segment *s, struct journal_header *h);
bool journal_payload_intact(const unsigned char *group, const struct journal_segment *s, const struct journal_header *h);

/* Reads groups of one segment, mostly forward. */
struct journal_reader {
    int fd;
    const struct journal_segment *segment;
    unsigned char *data;
    size_t cap;
    uint32_t at, len;
};
int journal_reader_open(struct journal_reader *r, int folder_fd, const struct journal_segment *s); /* 0, or -1 with errno */
void journal_reader_close(struct journal_reader *r);                                               /* closed already is fine */
/* len bytes at offset, valid until the next call; NULL with errno. */
const unsigned char *journal_reader_get(struct journal_reader *r, uint32_t offset, uint32_t len);

enum journal_found {
    JOURNAL_FOUND_GROUP,
    JOURNAL_FOUND_MARK,
    JOURNAL_FOUND_BROKEN,
    JOURNAL_FOUND_NOTHING,
    JOURNAL_FOUND_ERROR
};
/* What lies at offset: an intact group (*payload valid until the next call), a mark, a group whose payload is broken (h is set), no
 * header of this segment, or a read error (errno). */
enum journal_found journal_look(struct journal_reader *r, uint32_t offset, struct journal_header *h, struct slice *payload);
/* Offset of the first intact header at or behind offset with a number above `number`; 0: none; UINT32_MAX: read error (errno). */
uint32_t journal_look_behind(struct journal_reader *r, uint32_t offset, uint64_t number, struct journal_header *h);

/* -- Records (journal_record.c) -------------------------------------------------------------------------------------------- */
uint32_t journal_record_bound(const struct core_record *record); /* encoded bytes at most; UINT32_MAX if it must be refused */
/* Appends; returns where in out the body starts (the end of the record if it has none), SIZE_MAX without memory. */
size_t journal_record_encode(struct buf *out, const struct core_record *record);

struct journal_cursor {
    const unsigned char *start, *at, *end;
    uint32_t left; /* records */
};
struct journal_cursor journal_cursor(struct slice payload, uint32_t record_count);
/* The next record, pointing into the payload; *body: offset of its body in the payload. 1; 0 at the end; -1 if it cannot be. */
int journal_record_next(struct journal_cursor *c, struct core_record *record, uint32_t *body);
uint32_t journal_body_sum(struct slice body);
#define JOURNAL_BODY_SUM_BYTES 4u /* in front of each body */

/* -- The thread (journal_writer.c, journal_spare.c) -------------------------------------------------------------------------- */
struct journal_writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* for the thread: there is work */
    pthread_cond_t changed; /* for the owner: something is done */
    int event_fd;
    bool started;
    struct {
        struct journal_group *job;
        enum journal_kind mark; /* 0: none wanted */
        uint64_t recycle;       /* segment to give up, 0: none */
        uint32_t recycle_bytes;
        uint64_t done_group;
        unsigned spares_ready;    /* complete and not promised to a group */
        unsigned spares_promised; /* to groups that open a segment */
        bool want_spare;
        int spare_error; /* errno of the last attempt, 0: fine */
        bool stop, dead;
        struct stats_histogram sync;
    } shared;
    /* The thread's own from here on. */
    int folder_fd;
    int fd; /* of the segment that is written; -1 before the first */
    struct journal_segment segment;
    struct journal_header next; /* number, oldest, first_record as the next mark says them */
    uint32_t end;
    uint32_t spare_bytes; /* size of spares */
    bool slots[JOURNAL_SPARE_SLOTS];
    int making_fd; /* spare.new while it is filled with zeros, else -1 */
    uint32_t made_bytes;
    unsigned char *zeros;
};

int journal_writer_init(struct journal_writer *w, int folder_fd, uint32_t spare_bytes); /* 0, or -1 with errno */
int journal_writer_start(struct journal_writer *w);                                     /* the same */
void journal_writer_finish(struct journal_writer *w); /* stops the thread after its present piece of work */
void journal_writer_hand_over(struct journal_writer *w, struct journal_group *g);
uint64_t journal_writer_done(struct journal_writer *w); /* number of the last group on disk; clears the event */
void journal_writer_mark(struct journal_writer *w, enum journal_kind kind);
void journal_writer_recycle(struct journal_writer *w, uint64_t number, uint32_t bytes);
void journal_writer_settle(struct journal_writer *w); /* waits until group and mark are done */
bool journal_writer_take_spare(struct journal_writer *w);
bool journal_writer_has_spare(struct journal_writer *w);
/* Asks for a spare if there is none, waits for it up to wait_ms; an attempt that has failed is repeated only if again. */
bool journal_writer_await_spare(struct journal_writer *w, bool again, int wait_ms);
int journal_spare_errno(struct journal_writer *w);

/* For the thread, and before it runs for recovery. */
int journal_spare_scan(struct journal_writer *w, struct err *e); /* which slots are full; deletes what is of no use */
/* One piece of the work of making a spare, with the lock not held. 2: made; 1: there is more to do; 0: not possible now (*error: errno of a
 * full disk, 0: no free slot); -1: fatal. */
int journal_spare_step(struct journal_writer *w, int *error);
int journal_spare_take(struct journal_writer *w, char name[static JOURNAL_NAME_BYTES]); /* a full slot's file; -1: none */
int journal_spare_recycle(struct journal_writer *w, uint64_t number, bool keep);        /* 1 kept, 0 deleted, -1 fatal */
/* Makes sure that all of the file is allocated, fills up with zeros where the file system cannot. 0 or errno. */
int journal_allocate_all(int fd, uint32_t bytes);

/* -- The owner's state ---------------------------------------------------------------------------------------------------- */
struct journal_window {
    uint64_t segment;
    uint32_t at, len;
    unsigned char *data;
    size_t cap;
    uint64_t used; /* tick of the last use */
};

struct journal_compaction {
    uint64_t segment;            /* that the reader has open; 0: none */
    struct journal_segment copy; /* of it, for the reader: the table moves */
    struct journal_reader reader;
    uint32_t offset; /* of the group under the cursor, or of the next one */
    bool in_group;
    struct journal_header header;
    struct journal_cursor cursor;
    bool held; /* record and location are the next ones: there was no room for them */
    struct core_record record;
    uint64_t location;
    bool walked;      /* to the end */
    int64_t retry_ms; /* when to walk again, should something be alive after all */
};

struct journal {
    int folder_fd, lock_fd;
    uint32_t segment_bytes;
    int64_t min_free_bytes;
    struct journal_segment *segments; /* oldest first, numbers without gaps */
    size_t segment_count, segment_cap;
    bool recovered;
    uint64_t next_group, last_record, completed_record;
    struct journal_group *flight, *retired, *pool; /* handed over; completed last, kept for readers; for reuse */
    struct journal_group *first, *last;            /* that wait; the last one is being collected */
    uint64_t pending_bytes;
    uint64_t oldest;        /* lowest segment that is needed */
    uint64_t releasing;     /* segment that is given up, 0: none */
    uint64_t release_group; /* the first group that says so */
    uint64_t marked_group;  /* next_group when the last mark was asked for */
    void (*head)(void *self);
    void *head_self;
    bool head_refused;        /* one of the head's records was */
    bool in_head, own_record; /* what is appended now does not count for completed_record */
    int64_t room_due_ms;
    bool disk_low;
    struct journal_window windows[JOURNAL_WINDOWS];
    uint64_t window_tick;
    struct journal_compaction compaction;
    uint64_t groups, records, live_bytes;
    struct journal_writer writer;
};

int journal_check_config(const struct journal_config *config, struct err *e); /* 0, or -1 with e set */
struct journal_segment *journal_find(struct journal *j, uint64_t number);     /* NULL: not there */
struct journal_segment *journal_add_segment(struct journal *j,
                                            const struct journal_segment *s); /* copies; NULL without memory */
void journal_drop_oldest(struct journal *j);
void journal_note_record(struct journal_segment *s, const struct core_record *record); /* its idempotency key */
void journal_release_done(struct journal *j, uint64_t done_group);
int journal_load_segments(struct journal *j, struct err *e); /* the headers of all that are there */

/* journal_recover.c: the part of recovery that only reads. segments, bytes and torn_bytes of found are set. */
int journal_scan(struct journal *j, journal_visit *visit, void *self, struct journal_summary *found, struct err *e);

/* journal_append.c */
bool journal_fits(struct journal *j, uint32_t bytes, bool new_send);
void journal_free_groups(struct journal *j);
/* journal_read.c */
void journal_free_windows(struct journal *j);
/* journal_compact.c */
void journal_free_compaction(struct journal *j);

#endif
