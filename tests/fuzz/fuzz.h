/* fuzz.h - functions that take any bytes, as strangers, damaged disks and old versions give them, and must not break.
 *
 * A target is a function fuzz_NAME(input) in tests/fuzz/NAME.c. It hands the input to the code under test and checks what has to hold for
 * any input: nothing crashes, nothing hangs, what is accepted keeps every rule of its header, and what is refused has changed nothing.
 * One target, two drivers: libFuzzer searches for new inputs (main.c, `make fuzz`), and tests/unit/test_fuzz_corpus.c runs those that
 * were kept, with every compiler and sanitizer there is. A target leaks nothing and starts from the same state each time, so that an
 * input alone says what happens. */
#ifndef LEAT_TESTS_FUZZ_FUZZ_H
#define LEAT_TESTS_FUZZ_FUZZ_H

#include "common/buf.h"

/* Row: name, what it attacks. */
#define FUZZ_TABLE(X)                                                                                                          \
    X(json, "JSON text to a value and back, base64")                                                                           \
    X(job, "headers and body of a request to the operation API, up to the encoded operation")                                  \
    X(typed, "a request of DynamoDB's API in typed JSON, and its item back")                                                   \
    X(aws, "the headers of an AWS request: signature, codings; its compressed body")                                           \
    X(sqs, "a request of SQS's API, as a form or as JSON: messages, attributes, policies")                                     \
    X(value, "encoded values, operations, outcomes, catalogs and outcome rows")                                                \
    X(frame, "one wire message, by the readers of every kind")                                                                 \
    X(broker, "frames at both sockets of the broker, with its core and its journal")                                           \
    X(client, "frames of the broker at the client of gateways")                                                                \
    X(worker, "frames of the broker at a worker, applied to tables")                                                           \
    X(journal, "damage in the files of a journal: recovery and salvage")                                                       \
    X(replay, "intact groups with any records: recovery and the core that takes them")                                         \
    X(clients, "what clients do to queues, crashes and compaction in between")                                                 \
    X(store, "any bytes in the rows of the table store")                                                                       \
    X(table, "jobs on tables, line by line")                                                                                   \
    X(expression, "condition, update and projection expressions and statements, and what they do to items")

#define X(name, what) void fuzz_##name(struct slice input);
FUZZ_TABLE(X)
#undef X

struct fuzz_target {
    const char *name;
    void (*run)(struct slice input);
};
/* The target of that name, or NULL. */
const struct fuzz_target *fuzz_target(const char *name);
extern const struct fuzz_target fuzz_targets[];
extern const size_t fuzz_target_count;

/* An assertion that no compiler flag switches off. */
#define FUZZ_NOW_MS 1700000000000 /* the time of all worlds */
#define fuzz_check(truth) ((truth) ? (void)0 : fuzz_failed(#truth, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *text, const char *file, int line);

/* -- Taking an input apart: from the front; at its end there are zeros and empty slices. ------------------------------------------------- */
unsigned fuzz_u8(struct slice *in);
unsigned fuzz_u16(struct slice *in); /* little-endian, as all of these */
uint64_t fuzz_u64(struct slice *in);
struct slice fuzz_bytes(struct slice *in, size_t len);       /* at most what is left */
struct slice fuzz_chunk(struct slice *in);                   /* a u16 length, then the bytes */
struct slice fuzz_until(struct slice *in, const char *mark); /* what stands before the mark, which goes; all if there is none */
static inline bool fuzz_more(const struct slice *in) { return in->len > 0; }

/* -- What several targets need ----------------------------------------------------------------------------------------------------------- */
struct err;
struct value;
/* An error that a user will see: it can be encoded as an outcome, and read again. */
void fuzz_check_err(const struct err *e);
/* A value that keeps every rule of item.h but one: JSON has empty names, and what is only echoed keeps them. */
bool fuzz_value_holds(struct slice encoded);
/* An outcome as it leaves a worker: it can be read, and its value keeps every rule of item.h. */
void fuzz_check_outcome(struct slice encoded);
struct core_memory;
/* Memory for a core: the blocks of fixed tables, megabytes of them, are kept for the next one. */
struct core_memory fuzz_core_memory(void);
/* A folder of this process in $TMPDIR, removed at its end. */
const char *fuzz_folder(void);

#endif
