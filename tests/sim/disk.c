/* disk.c - the modelled journal. */
#include "tests/sim/disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

int disk_init(struct disk *d)
{
    d->cap = 4096;
    d->segment_cap = 256;
    d->at = malloc(d->cap * sizeof *d->at);
    d->segments = malloc(d->segment_cap * sizeof *d->segments);
    return d->at && d->segments ? 0 : -1;
}

void disk_finish(struct disk *d)
{
    free(d->at);
    free(d->segments);
    memset(d, 0, sizeof *d);
}

void disk_clear(struct disk *d)
{
    d->first = d->synced = d->flight_end = d->end = 1;
    d->flying = false;
    d->segments[0] = 1;
    d->segment_count = 1;
}

static void own(struct disk_record *r)
{
    r->record.body.ptr = r->body;
    r->record.reason.ptr = (const unsigned char *)r->reason;
    r->record.more.source.ptr = (const unsigned char *)r->source;
}

static void grow(struct disk *d)
{
    d->cap *= 2;
    d->at = realloc(d->at, d->cap * sizeof *d->at);
    if (!d->at)
        abort();
    for (uint64_t i = d->first; i < d->end; i++)
        own(&d->at[i]);
}

/* The message of one record takes the other's number and the other way round, as if they had been written in the other order. */
static void swap_with_older(struct disk *d, struct core_record *younger)
{
    for (uint64_t i = d->end; i-- > d->flight_end;) {
        struct disk_record *older = &d->at[i];
        if (older->record.kind != CORE_REC_SEND || older->record.seq != older->record.number ||
            older->record.group != younger->group || older->record.queue != younger->queue)
            continue;
        struct id id = older->record.id;
        older->record.id = younger->id;
        younger->id = id;
        return;
    }
}

static bool mutated(struct world *w, const struct core_record *record)
{
    bool sent = record->kind == CORE_REC_SEND && record->seq == record->number;
    return (w->mutation == SIM_DROP_SEND && sent && rng_chance(&w->random, 50)) ||
           (w->mutation == SIM_DROP_DONE && record->kind == CORE_REC_DONE && rng_chance(&w->random, 500)) ||
           (w->mutation == SIM_DROP_RELEASE && record->kind == CORE_REC_RELEASE) ||
           (w->mutation == SIM_DROP_MOVE && record->kind == CORE_REC_TRANSFER);
}

uint64_t disk_append(struct world *w, const struct core_record *record)
{
    struct disk *d = &w->disk;
    if (d->end == d->cap)
        grow(d);
    struct disk_record *r = &d->at[d->end];
    r->record = *record;
    r->head = false;
    r->lost = mutated(w, record);
    assert(record->body.len <= sizeof r->body && record->reason.len < sizeof r->reason);
    assert(record->kind < CORE_REC_POST || record->more.source.len < sizeof r->source);
    if (record->body.len > 0 && record->body.ptr)
        memcpy(r->body, record->body.ptr, record->body.len);
    if (record->reason.len > 0)
        memcpy(r->reason, record->reason.ptr, record->reason.len);
    if (record->kind >= CORE_REC_POST && record->more.source.len > 0)
        memcpy(r->source, record->more.source.ptr, record->more.source.len);
    own(r);
    if (w->mutation == SIM_SWAP_RECORDS && record->kind == CORE_REC_SEND && record->group != 0)
        swap_with_older(d, &r->record);
    return d->end++;
}

void disk_begin(struct world *w)
{
    struct core_record mark = {.kind = CORE_REC_MARK, .number = w->plan.first_number};
    if (mark.number > 0)
        disk_append(w, &mark);
    w->disk.synced = w->disk.flight_end = w->disk.end;
}

void disk_segment(struct world *w)
{
    struct disk *d = &w->disk;
    if (d->segment_count == d->segment_cap || d->segments[d->segment_count - 1] == d->end)
        return;
    d->segments[d->segment_count++] = d->end;
}

void disk_fly(struct disk *d)
{
    assert(!d->flying && d->flight_end == d->synced);
    d->flight_end = d->end;
    d->flying = true;
}

uint64_t disk_land(struct disk *d)
{
    assert(d->flying);
    d->flying = false;
    d->synced = d->flight_end;
    for (uint64_t i = d->synced; i-- > d->first;)
        if (d->at[i].record.kind != CORE_REC_MARK && d->at[i].record.kind != CORE_REC_KEY) /* heads and copies do not count */
            return d->at[i].record.number;
    return 0;
}

void disk_crash(struct world *w)
{
    struct disk *d = &w->disk;
    uint64_t kept = d->synced;
    if (d->flying) {
        uint32_t fate = rng_below(&w->random, 3);
        if (fate == 0)
            kept = d->flight_end;
        else if (fate == 1 && w->plan.torn_records)
            kept = d->synced + rng_below(&w->random, (uint32_t)(d->flight_end - d->synced));
    }
    while (kept > d->first && kept < d->end && d->at[kept].head && d->at[kept - 1].head)
        kept--;
    if (w->mutation == SIM_SYNC_LIES && kept > d->first)
        kept -= 1 + rng_below(&w->random, (uint32_t)(kept - d->first < 8 ? kept - d->first : 8));
    d->synced = d->flight_end = d->end = kept;
    d->flying = false;
    while (d->segment_count > 1 && d->segments[d->segment_count - 1] >= kept)
        d->segment_count--;
}

void disk_drop(struct disk *d, uint64_t until)
{
    uint32_t gone = 0;
    while (gone < d->segment_count && d->segments[gone] < until)
        gone++;
    assert(gone < d->segment_count && d->segments[gone] == until && until <= d->synced);
    memmove(d->segments, d->segments + gone, (d->segment_count - gone) * sizeof *d->segments);
    d->segment_count -= gone;
    d->first = until;
}
