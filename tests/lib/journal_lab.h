/* journal_lab.h - a journal in a temporary folder, a model of what must be in it, and system calls that misbehave on demand.
 *
 *   struct lab lab;
 *   lab_init(&lab);            makes the folder, resets the faults
 *   lab_open(&lab)             opens and recovers; what was visited replaces the model's `seen`
 *   lab_send / lab_done ...    append, and note in the model
 *   lab_sync(&lab)             flushes and waits until all is on disk
 *   lab_close, lab_finish      the latter deletes the folder
 *
 * Bodies are a function of seq and length, so that a body that is found can be checked without keeping it. */
#ifndef LEAT_TESTS_LIB_JOURNAL_LAB_H
#define LEAT_TESTS_LIB_JOURNAL_LAB_H

#include <stdatomic.h>

#include "queue/journal_internal.h"

#define LAB_SEGMENT_BYTES JOURNAL_SEGMENT_MIN_BYTES

struct lab_message {
    uint64_t seq, location;
    uint32_t len;
    bool alive;
};

struct lab_seen {
    enum core_record_kind kind;
    uint64_t number, seq, location, body_sum;
    uint32_t len;
};

struct lab {
    char folder[64];
    struct journal *j;
    struct err e;
    struct journal_config config;
    uint64_t number; /* of the last record */
    int64_t now_ms;
    struct lab_message *messages; /* by seq: [0] is not used */
    size_t message_cap;
    struct lab_seen *seen; /* by the last recovery, in order */
    size_t seen_count, seen_cap;
    uint64_t refuse_number; /* the visitor refuses this record */
    unsigned heads;
};

/* Faults of the system calls; lab_init() resets them. Counters count calls since then. */
struct lab_faults {
    atomic_int write_error, write_error_at; /* errno at the n-th write (1 ...); 0: none */
    atomic_int sync_error, sync_error_at;
    atomic_int allocate_error, allocate_calls; /* every allocation fails so */
    atomic_int fill_error;                     /* errno of every write of 1 MiB: the zeros of a spare */
    atomic_int short_writes;                   /* write at most so many bytes at once */
    atomic_int interrupt_every;                /* every n-th write, sync and allocation is interrupted */
    atomic_int any_error, any_error_at; /* errno of the n-th call of any kind, reads included */
    atomic_int writes, syncs, calls, anys;
    _Atomic int64_t free_bytes; /* what the file system says; -1: the truth */
    atomic_int fatals;
    /* Called before each call that changes something, by whichever thread makes it. */
    void (*before)(void *self, const char *what, int fd, const void *bytes, size_t len, off_t at);
    void *before_self;
};
extern struct lab_faults lab_faults;

void lab_init(struct lab *lab);
void lab_finish(struct lab *lab);
int lab_try_open(struct lab *lab); /* 0, or -1 with lab->e */
void lab_open(struct lab *lab);    /* must succeed; live bodies are counted anew from the model */
void lab_close(struct lab *lab);
void lab_crash(struct lab *lab); /* closes without marks, as if killed: what was handed over is on disk */
void lab_sync(struct lab *lab);

uint64_t lab_send(struct lab *lab, uint32_t len); /* seq, or 0: refused */
uint64_t lab_send_key(struct lab *lab, uint32_t len,
                      int64_t expires_ms);    /* the same, with an idempotency key made of its seq */
bool lab_done(struct lab *lab, uint64_t seq); /* appends DONE, frees the body; false: refused */
bool lab_ack(struct lab *lab);                /* a DONE for nobody: any small record */
void lab_head(void *self);                    /* for journal_on_segment: a MARK and a QUEUE */
int lab_compact(struct lab *lab, size_t max); /* with the model as owner */

void lab_body(uint64_t seq, uint32_t len, unsigned char *out);
uint64_t lab_body_sum(uint64_t seq, uint32_t len);
void lab_check_body(struct lab *lab, uint64_t seq);
/* Replays lab->seen as a core would and compares with the model: the same messages are alive. Sets the model's locations. */
void lab_check_alive(struct lab *lab);

/* Files. */
void lab_path(const struct lab *lab, const char *name, char out[static 160]);
void lab_flip(const struct lab *lab, const char *name, uint32_t offset, unsigned char mask);
uint64_t lab_folder_sum(const struct lab *lab); /* over names and contents of the segments */
void lab_copy_folder(const char *from, const char *to);
void lab_remove_folder(const char *folder);
unsigned lab_count_files(const struct lab *lab, const char *ending);

#endif
