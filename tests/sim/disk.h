/* disk.h - the modelled journal: records at places 1, 2, 3 ..., written in groups, each synced after a while.
 *
 *     first            synced           flight_end          end
 *       |  on disk       |  being synced     |  in memory     |
 *
 * A crash keeps what is on disk, loses what is in memory, and the group between is lost, or there, or (in some worlds) torn between two
 * records. The place of a SEND record is the location of its body. Segments are marked by their first place; only whole ones are dropped,
 * from the oldest on. */
#ifndef LEAT_TESTS_SIM_DISK_H
#define LEAT_TESTS_SIM_DISK_H

#include "queue/core/core.h"
#include "tests/sim/plan.h"

struct world;

struct disk_record {
    struct core_record record; /* slices point into the two below */
    unsigned char body[SIM_BODY_BYTES];
    char reason[LIMIT_REASON_BYTES + 1], source[LIMIT_QUEUE_PATH_BYTES + 1];
    bool head; /* one of the first of a segment: a segment's head is written whole or not at all */
    bool lost; /* a mutation did not write it, only its number: what depends on that is not to give it away */
};

struct disk {
    struct disk_record *at; /* by place */
    uint64_t cap, first, synced, flight_end, end;
    bool flying;
    uint64_t *segments; /* first places; [0] is the oldest */
    uint32_t segment_count, segment_cap;
};

int disk_init(struct disk *d);
void disk_finish(struct disk *d);
void disk_clear(struct disk *d);
void disk_begin(struct world *w); /* what is left of earlier lives: a MARK with the plan's first number */

/* Takes a deep copy; returns its place. */
uint64_t disk_append(struct world *w, const struct core_record *record);
void disk_segment(struct world *w); /* what is appended from now on belongs to a new segment */
void disk_fly(struct disk *d);      /* all that was appended is being synced now */
/* The group is on disk; the number up to which all records are. */
uint64_t disk_land(struct disk *d);
void disk_crash(struct world *w);
void disk_drop(struct disk *d, uint64_t until); /* all records before a segment's first place */
static inline const struct disk_record *disk_at(const struct disk *d, uint64_t place) { return &d->at[place]; }

#endif
