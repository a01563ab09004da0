/* sim.h - the deterministic simulation of the broker's core: one seed, one run, one verdict.
 *
 * A run is a world with a virtual clock and one seeded random generator: the real core, a modelled journal on a faulty disk, clients and
 * workers behind a faulty network, a modelled store. A checker watches every event and every effect. README.md tells the story.
 *
 * sim_create() once, sim_run() as often as wanted, sim_destroy(). Not thread-safe. Never sleeps, reads no clock and no file. */
#ifndef LEAT_TESTS_SIM_SIM_H
#define LEAT_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Faults of the shell, built in on purpose: the checker must find each of them (seeds: within so many), or it checks nothing. */
#define SIM_MUTATIONS(X)                                                                                                       \
    X(NONE, 0, "nothing is wrong")                                                                                             \
    X(COMMIT_EARLY, 20, "a commit is reported before the sync")                                                                \
    X(SYNC_LIES, 20, "a crash takes a group that was reported as synced")                                                      \
    X(DROP_SEND, 20, "now and then a SEND record is not written")                                                              \
    X(DROP_DONE, 60, "now and then a DONE record is not written")                                                              \
    X(DROP_RELEASE, 60, "RELEASE records are not written")                                                                     \
    X(DROP_MOVE, 60, "MOVE records are not written")                                                                           \
    X(SWAP_RECORDS, 20, "two messages of one group change places in the journal")                                              \
    X(LOSE_KEY, 60, "compaction forgets the idempotency keys")                                                                 \
    X(LOSE_QUEUE, 60, "compaction forgets the queues' definitions")                                                            \
    X(DROP_LIVE, 20, "compaction drops messages that are alive")                                                               \
    X(DROP_EARLY, 60, "compaction drops the old place before the copy is on disk")                                             \
    X(WRONG_PLACE, 20, "the core is told a wrong place of a body")                                                             \
    X(DELIVER_TWICE, 20, "a job is handed to a second worker, too")                                                            \
    X(ACK_EARLY, 20, "a worker says done before it commits")                                                                   \
    X(IGNORE_OUTCOME, 20, "a worker does not look for the recorded outcome")                                                   \
    X(SWEEP_ALIVE, 200, "outcomes of jobs that may still be delivered are swept")                                              \
    X(FORGET_CREDIT, 20, "the shell loses workers' credit")                                                                    \
    X(FOREIGN_DONE, 20, "an acknowledgement is booked for another message")                                                    \
    X(TIME_BACK, 60, "after a restart broker time begins earlier than the journal ends")                                       \
    /* in the mail world */                                                                                                    \
    X(MAIL_COMMIT_EARLY, 40, "a commit is reported before the sync")                                                           \
    X(MAIL_DROP_POST, 40, "now and then a POST record is not written")                                                         \
    X(MAIL_DROP_LEASE, 40, "now and then a LEASE record is not written")                                                       \
    X(MAIL_DROP_EXTEND, 100, "now and then an EXTEND record is not written")                                                   \
    X(MAIL_DROP_RELEASE, 100, "now and then a RELEASE record is not written")                                                  \
    X(MAIL_DROP_DONE, 40, "now and then a DONE record is not written")                                                         \
    X(MAIL_DROP_TRANSFER, 100, "now and then a TRANSFER record is not written")                                                \
    X(MAIL_DROP_PURGE, 100, "now and then a PURGE record is not written")                                                      \
    X(MAIL_DROP_REMOVE, 100, "now and then a REMOVE record is not written")                                                    \
    X(MAIL_LOSE_KEY, 200, "compaction forgets deduplication keys")                                                             \
    X(MAIL_LOSE_QUEUE, 100, "compaction forgets the queues' definitions")

enum sim_mutation {
#define SIM_MUTATION_CONSTANT(name, seeds, text) SIM_##name,
    SIM_MUTATIONS(SIM_MUTATION_CONSTANT)
#undef SIM_MUTATION_CONSTANT
        SIM_MUTATION_COUNT
};

struct sim_options {
    uint64_t seed;
    bool mail; /* in the mail world (mail.h): clients that receive, instead of workers */
    enum sim_mutation mutation;
    FILE *trace; /* every event and effect as a line; NULL: silent */
};

struct sim_result {
    bool failed;
    char why[512]; /* the first thing that was wrong, with its virtual time */
    uint64_t hash; /* of every event and effect: equal seeds, equal hashes */
    uint64_t steps, accepted, applied, dead, crashes, compactions, redelivered;
    int64_t virtual_ms;
};

struct sim;

struct sim *sim_create(void); /* NULL: no memory */
void sim_destroy(struct sim **s);
void sim_run(struct sim *s, const struct sim_options *options, struct sim_result *result);

const char *sim_mutation_name(enum sim_mutation m);
const char *sim_mutation_text(enum sim_mutation m);
uint32_t sim_mutation_seeds(enum sim_mutation m); /* within so many seeds it must be caught */
static inline bool sim_mutation_of_mail(enum sim_mutation m) { return m >= SIM_MAIL_COMMIT_EARLY; }

#endif
