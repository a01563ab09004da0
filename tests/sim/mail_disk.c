/* mail_disk.c - the journal of the mail world: records in one array; a prefix is synced, the rest may be lost; old ones are given up when
 * what stays of them was copied. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/mail.h"

static void own(struct paper *p)
{
    p->r.body.ptr = p->body;
    p->r.reason.ptr = (const unsigned char *)p->reason;
    p->r.more.source.ptr = (const unsigned char *)p->source;
}

static void grow(struct mail_disk *d)
{
    d->cap = d->cap ? 2 * d->cap : 1024;
    d->at = realloc(d->at, d->cap * sizeof *d->at);
    if (!d->at)
        abort();
    for (uint64_t i = 0; i < d->end; i++)
        own(&d->at[i]);
}

static bool is_copy(const struct mail_world *w, const struct core_record *r)
{
    enum core_event_kind kind = w->event->kind;
    return (kind == CORE_MOVE_BODY && r->kind == CORE_REC_POST) || (kind == CORE_MOVE_DEFINITION && r->kind == CORE_REC_DEFINE);
}

static bool mutated(struct mail_world *w, const struct core_record *r)
{
    static const struct {
        enum sim_mutation mutation;
        enum core_record_kind kind;
    } losses[] = {{SIM_MAIL_DROP_LEASE, CORE_REC_LEASE},       {SIM_MAIL_DROP_DONE, CORE_REC_DONE},
                  {SIM_MAIL_DROP_EXTEND, CORE_REC_EXTEND},     {SIM_MAIL_DROP_RELEASE, CORE_REC_RELEASE},
                  {SIM_MAIL_DROP_PURGE, CORE_REC_PURGE},       {SIM_MAIL_DROP_REMOVE, CORE_REC_REMOVE},
                  {SIM_MAIL_DROP_TRANSFER, CORE_REC_TRANSFER}, {SIM_MAIL_DROP_POST, CORE_REC_POST}};
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        if (w->mutation == losses[i].mutation && r->kind == losses[i].kind)
            return rng_chance(&w->random, 300);
    return false;
}

static void take(struct mail_world *w, const struct core_record *r)
{
    struct mail_disk *d = &w->disk;
    if (d->end == d->cap)
        grow(d);
    struct paper *p = &d->at[d->end++];
    memset(p, 0, sizeof *p);
    p->r = *r;
    p->highest = d->end > 1 && p[-1].highest > r->number ? p[-1].highest : r->number;
    if (r->body.len > 0)
        memcpy(p->body, r->body.ptr, r->body.len);
    if (r->reason.len > 0)
        memcpy(p->reason, r->reason.ptr, r->reason.len);
    if (r->kind < CORE_REC_POST)
        p->r.more = (struct core_record_more){0}; /* what the core left there is nobody's */
    else if (r->more.source.len > 0)
        memcpy(p->source, r->more.source.ptr, r->more.source.len);
    own(p);
}

void mail_append(struct mail_world *w, const struct core_effect *e)
{
    take(w, &e->record);
    struct paper *p = &w->disk.at[w->disk.end - 1];
    p->copy = is_copy(w, &e->record);
    p->lost = mutated(w, &e->record);
    if (!core_record_stays(e->record.kind))
        return;
    core_locate(w->core, e, w->disk.end);
}

/* What was collected so far is on disk; what came since waits for the next one. */
void mail_sync(struct mail_world *w)
{
    struct mail_disk *d = &w->disk;
    struct core_event e = mail_event(w, CORE_COMMITTED);
    d->synced = d->flight;
    d->flight = d->end;
    e.number = d->synced > 0 ? d->at[d->synced - 1].highest : 0;
    if (w->mutation == SIM_MAIL_COMMIT_EARLY)
        e.number = core_number(w->core);
    w->model.committed = e.number > w->model.committed ? e.number : w->model.committed;
    mail_step(w, &e);
}

/* A crash keeps what is on disk, and of the group that was being written all, nothing, or in torn worlds a part. */
void mail_cut(struct mail_world *w)
{
    struct mail_disk *d = &w->disk;
    uint64_t kept = d->synced;
    uint32_t fate = rng_below(&w->random, 3);
    if (fate == 0)
        kept = d->flight;
    else if (fate == 1 && rng_chance(&w->random, w->plan.tear))
        kept += rng_below(&w->random, (uint32_t)(d->flight - d->synced) + 1);
    d->end = d->synced = d->flight = kept;
    d->compact_until = 0;
}

/* -- Compaction -------------------------------------------------------------------------------------------------------------------- */
static void move_message(struct mail_world *w, const struct core_record *r, uint64_t place)
{
    struct core_info info;
    if (!core_find(w->core, &r->id, &info) || info.location != place)
        return;
    unsigned char body[MAIL_BODY_BYTES]; /* appending may move the disk's own */
    memcpy(body, r->body.ptr, r->body.len);
    struct core_event e = mail_event(w, CORE_MOVE_BODY);
    e.id = info.id;
    e.slot = info.slot;
    e.seq = info.seq;
    e.body = (struct slice){body, r->body.len};
    mail_step(w, &e);
}

static void move(struct mail_world *w, uint64_t place)
{
    struct paper p = w->disk.at[place - 1];
    own(&p);
    struct core_event e = mail_event(w, p.r.kind == CORE_REC_DEFINE ? CORE_MOVE_DEFINITION : CORE_MOVE_TASK);
    if (!core_record_stays(p.r.kind))
        return;
    if (p.r.kind == CORE_REC_POST) {
        move_message(w, &p.r, place);
        return;
    }
    e.queue = core_queue_by_name(w->core, slice_text(p.r.attributes.name));
    e.id = p.r.id;
    e.number = place;
    e.body = p.r.body;
    if (w->mutation != SIM_MAIL_LOSE_QUEUE || p.r.kind != CORE_REC_DEFINE)
        mail_step(w, &e);
}

static void carry_keys(struct mail_world *w, uint64_t from, uint64_t until)
{
    for (uint64_t place = from + 1; place <= until && w->mutation != SIM_MAIL_LOSE_KEY; place++) {
        struct core_record r = w->disk.at[place - 1].r;
        if (!r.has_key || r.key_expires_ms <= w->now_ms)
            continue;
        r.kind = CORE_REC_KEY;
        r.body = r.reason = (struct slice){NULL, 0};
        r.more = (struct core_record_more){0};
        take(w, &r);
        w->disk.at[w->disk.end - 1].copy = true;
    }
}

/* As at the head of a segment: whatever is given up, numbers and time go on from here. */
static void write_mark(struct mail_world *w)
{
    struct core_record mark = {.kind = CORE_REC_MARK, .number = core_number(w->core), .now_ms = w->now_ms};
    take(w, &mark);
    w->disk.at[w->disk.end - 1].copy = true;
}

static bool anything_alive(struct mail_world *w, uint64_t until)
{
    struct core_info info;
    uint64_t at = 0, location;
    uint32_t len;
    for (uint32_t slot = 0; core_next(w->core, &slot, &info); slot++)
        if (info.location <= until)
            return true;
    while (core_next_kept(w->core, &at, &location, &len))
        if (location <= until && w->mutation != SIM_MAIL_LOSE_QUEUE)
            return true;
    return false;
}

static void begin(struct mail_world *w)
{
    struct mail_disk *d = &w->disk;
    if (d->synced <= d->first)
        return;
    uint64_t until = d->first + 1 + rng_below(&w->random, (uint32_t)(d->synced - d->first));
    for (uint64_t place = d->first + 1; place <= until && !w->failed; place++)
        move(w, place);
    carry_keys(w, d->first, until);
    write_mark(w);
    d->compact_until = until;
    d->compact_after = d->end;
}

void mail_compact(struct mail_world *w)
{
    struct mail_disk *d = &w->disk;
    if (d->compact_until == 0)
        begin(w);
    else if (d->synced >= d->compact_after && !anything_alive(w, d->compact_until)) {
        d->first = d->compact_until;
        d->compact_until = 0;
        w->result->compactions++;
        mail_say(w, "-- dropped all before place %llu --", (unsigned long long)d->first + 1);
    } else if (d->synced >= d->compact_after && rng_chance(&w->random, 300)) {
        d->compact_until = 0; /* something was not on disk yet when it should have been copied: again */
    }
}

int mail_replay(struct mail_world *w)
{
    for (uint64_t place = w->disk.first + 1; place <= w->disk.end; place++) {
        const struct paper *p = &w->disk.at[place - 1];
        struct core_record mark = {.kind = CORE_REC_MARK, .number = p->r.number, .now_ms = p->r.now_ms};
        if (core_replay(w->core, p->lost ? &mark : &p->r, place) != 0) {
            mail_fail(w, "recovery refuses record %llu at place %llu: kind %d, letter %u", (unsigned long long)p->r.number,
                      (unsigned long long)place, (int)p->r.kind, mail_letter(&p->r.id));
            return -1;
        }
    }
    return core_replayed(w->core) < 0 ? -1 : 0;
}
