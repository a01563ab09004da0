/* compact.c - appending, with a head on each new segment, and giving up the oldest ones.
 *
 * Compaction copies what is alive in the oldest segments (CORE_MOVE_BODY, keys) to the end, waits until the copies are on disk, and drops
 * the segments when nothing alive lies in them. */
#include "tests/sim/world.h"

#define NEW_SEGMENT 30 /* per mille of the appended records */

void broker_head(struct world *w)
{
    struct broker *b = &w->broker;
    struct core_record r = {.kind = CORE_REC_MARK, .number = core_number(b->core), .now_ms = broker_now(w)};
    disk_segment(w);
    uint64_t from = w->disk.end;
    disk_append(w, &r);
    for (uint64_t place = from; place < w->disk.end; place++)
        w->disk.at[place].head = true;
}

uint64_t broker_append(struct world *w, const struct core_record *r)
{
    if (w->plan.compact_ms > 0 && world_fault(w, NEW_SEGMENT))
        broker_head(w);
    return disk_append(w, r);
}

static void move_definition(struct world *w, const struct core_record *r, uint64_t place)
{
    struct core_event e = broker_event(w, CORE_MOVE_DEFINITION);
    e.queue = r->queue;
    e.number = place;
    if (w->mutation != SIM_LOSE_QUEUE)
        broker_step(w, &e);
}

static void move_body(struct world *w, uint64_t place)
{
    const struct disk_record *r = disk_at(&w->disk, place);
    struct core_info info;
    if (r->record.kind == CORE_REC_DEFINE)
        move_definition(w, &r->record, place);
    if ((r->record.kind != CORE_REC_SEND && r->record.kind != CORE_REC_POST) ||
        !core_find(w->broker.core, &r->record.id, &info) || info.location != place)
        return;
    unsigned char body[SIM_BODY_BYTES]; /* appending may move the disk's own */
    for (uint32_t i = 0; i < r->record.body.len; i++)
        body[i] = r->body[i];
    struct core_event e = broker_event(w, CORE_MOVE_BODY);
    e.id = info.id;
    e.slot = info.slot;
    e.seq = info.seq;
    e.body = (struct slice){body, r->record.body.len};
    broker_step(w, &e);
}

/* As the journal does it: keys that are in force are copied from their records. */
static void carry_keys(struct world *w, uint64_t until)
{
    uint64_t from = w->broker.keys_until > w->disk.first ? w->broker.keys_until : w->disk.first;
    for (uint64_t place = from; place < until; place++) {
        struct core_record r = disk_at(&w->disk, place)->record;
        if (!r.has_key || r.key_expires_ms <= broker_now(w))
            continue;
        r.kind = CORE_REC_KEY;
        r.body = r.reason = (struct slice){NULL, 0};
        broker_append(w, &r);
    }
    w->broker.keys_until = until > from ? until : from;
}

static bool anything_alive(const struct world *w, uint64_t until)
{
    for (uint32_t i = 0; i < w->job_count; i++)
        if (w->jobs[i].message.live && w->jobs[i].message.location < until)
            return true;
    for (uint32_t q = 0; q < SIM_QUEUES && w->mutation != SIM_LOSE_QUEUE; q++)
        if (w->model.made[q] && w->model.defined_at[q] < until)
            return true;
    return false;
}

void compact_step(struct world *w)
{
    struct broker *b = &w->broker;
    if (!b->compacting || b->crashing)
        return;
    bool copied = w->disk.synced >= b->compact_after || w->mutation == SIM_DROP_EARLY;
    if (!copied || (w->mutation != SIM_DROP_LIVE && anything_alive(w, b->compact_until)))
        return;
    disk_drop(&w->disk, b->compact_until);
    b->compacting = false;
    broker_edge(w);
    w->result->compactions++;
    world_say(w, "-- dropped all before place %llu --", (unsigned long long)b->compact_until);
}

static void begin(struct world *w)
{
    struct broker *b = &w->broker;
    const struct disk *d = &w->disk;
    uint32_t most = 0;
    while (most + 1 < d->segment_count && d->segments[most + 1] <= d->synced)
        most++;
    if (most == 0)
        return;
    b->compact_until = d->segments[1 + rng_below(&w->random, most)];
    for (uint64_t place = d->first; place < b->compact_until && w->mutation != SIM_DROP_LIVE; place++)
        if (!b->crashing && !w->failed)
            move_body(w, place);
    if (w->mutation != SIM_LOSE_KEY)
        carry_keys(w, b->compact_until);
    b->compact_after = d->end;
    b->compacting = true;
    broker_edge(w);
    compact_step(w);
}

static void look(struct world *w, const struct timer *t)
{
    if (w->broker.up && !w->broker.crashing) {
        compact_step(w);
        if (!w->broker.compacting || rng_below(&w->random, 2) == 0) /* again: what was not committed then may be now */
            begin(w);
        broker_flush(w);
    }
    if (!w->calm)
        world_after(w, rng_between(&w->random, 1, w->plan.compact_ms), look, t->who, 0, 0);
}

void compact_start(struct world *w)
{
    if (w->plan.compact_ms > 0)
        world_after(w, w->plan.compact_ms, look, 0, 0, 0);
}
