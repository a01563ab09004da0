/* ledger.c - see ledger.h. */
#include "tests/fuzz/ledger.h"

#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 60000u
#define JOBS_QUEUE 0u
#define DEAD_QUEUE 1u

struct entry {
    struct core_record record; /* its slices are the entry's own */
    char *bytes;
    uint32_t slot;
    bool freed;
};

struct ledger ledger;
static struct core_effects effects;
static struct entry *journal;
static size_t count, first, committed; /* records are [first, count); those before `committed` are on disk */
static uint64_t last_number;

/* -- Steps ----------------------------------------------------------------------------------------------------------------------------- */
static struct slice keep(char **at, struct slice s)
{
    struct slice kept = slice_of(*at, s.len);
    if (s.len > 0)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return kept;
}

/* A full disk is an answer: what must not be lost is not even tried. */
static void append(const struct core_effect *e, enum core_event_kind cause)
{
    bool copy = cause == CORE_MOVE_BODY || cause == CORE_MOVE_DEFINITION || cause == CORE_MOVE_TASK || cause == CORE_QUEUE_SET;
    const struct core_record *r = &e->record;
    fuzz_check(r->number == last_number + 1);
    fuzz_check(!ledger.exhausted || copy || (r->kind < CORE_REC_POST && r->kind != CORE_REC_SEND));
    fuzz_check(count < RECORDS_MAX);
    ledger.full = count + 10000 > RECORDS_MAX;
    struct entry *entry = &journal[count++];
    *entry =
        (struct entry){.record = *r, .slot = e->slot, .bytes = malloc(r->body.len + r->reason.len + r->more.source.len + 1)};
    bool definition = r->kind == CORE_REC_DEFINE, has_more = r->kind >= CORE_REC_POST;
    char *at = entry->bytes;
    fuzz_check(at);
    last_number = r->number;
    entry->record.body = keep(&at, core_record_stays(r->kind) && r->kind != CORE_REC_TASK ? r->body : (struct slice){NULL, 0});
    entry->record.reason = keep(&at, r->reason);
    entry->record.more.source = keep(&at, has_more ? r->more.source : (struct slice){NULL, 0});
    if (!definition)
        memset(&entry->record.attributes, 0, sizeof entry->record.attributes);
    if (!has_more)
        memset(&entry->record.more, 0, sizeof entry->record.more);
    if (core_record_stays(r->kind))
        core_locate(ledger.core, e, count);
}

static void release(uint64_t location)
{
    fuzz_check(location > first && location <= count && !journal[location - 1].freed);
    fuzz_check(core_record_stays(journal[location - 1].record.kind));
    journal[location - 1].freed = true;
}

static void note_given(uint32_t queue, uint32_t worker, const struct core_effect *e)
{
    uint32_t at = ledger.given_count < LEDGER_GIVEN_MAX ? ledger.given_count++ : (uint32_t)(e->seq % LEDGER_GIVEN_MAX);
    ledger.given[at] = (struct ledger_given){.queue = queue, .lease = e->lease, .worker = worker, .seq = e->seq};
}

/* What is told is on disk. */
static void carry_out(const struct core_event *event)
{
    uint64_t on_disk = committed > 0 ? journal[committed - 1].record.number : 0;
    uint32_t queue = CORE_NONE;
    for (size_t i = 0; i < effects.count; i++) {
        const struct core_effect *e = &effects.at[i];
        if (e->kind == CORE_EFFECT_JOURNAL)
            append(e, event->kind);
        if (e->kind == CORE_EFFECT_FREED)
            release(e->location);
        if (e->kind == CORE_EFFECT_ANSWER && e->about == CORE_POST && e->answer == CORE_OK)
            fuzz_check(e->value <= on_disk);
        if (e->kind == CORE_EFFECT_RECEIVED)
            queue = e->queue;
        if (e->kind == CORE_EFFECT_GIVEN) {
            fuzz_check(e->seq <= on_disk && e->body_len == journal[e->location - 1].record.body.len);
            note_given(queue, CORE_NONE, e);
        }
        if (e->kind == CORE_EFFECT_DELIVER)
            note_given(JOBS_QUEUE, e->worker, e);
    }
}

void ledger_step(struct core_event event)
{
    event.now_ms = ledger.now_ms;
    core_step(ledger.core, &event, &effects);
    carry_out(&event);
}

void ledger_settle(void)
{
    ledger_step((struct core_event){.kind = CORE_TICK});
    for (int i = 0; i < 1000 && core_deadline(ledger.core) <= ledger.now_ms; i++)
        ledger_step((struct core_event){.kind = CORE_TICK});
}

void ledger_commit(void)
{
    for (size_t before = SIZE_MAX; before != count;) {
        before = committed = count;
        ledger_step((struct core_event){.kind = CORE_COMMITTED, .number = last_number});
        ledger_settle();
    }
}

/* -- Recovery -------------------------------------------------------------------------------------------------------------------------- */
static struct core *new_core(void)
{
    struct core_config config = {.max_messages = 300,
                                 .max_keys = 64,
                                 .batch_max = 10,
                                 .slices = 4,
                                 .key_window_ms = 60000,
                                 .worker_silence_ms = INT64_MAX,
                                 .memory = fuzz_core_memory()};
    struct core *c = core_create(&config);
    fuzz_check(c);
    return c;
}

static struct core *recovered(size_t end)
{
    struct core *c = new_core();
    for (size_t i = first; i < end; i++)
        fuzz_check(core_replay(c, &journal[i].record, i + 1) == 0);
    fuzz_check(core_replayed(c) >= 0);
    core_check(c);
    return c;
}

static bool is_expired(const struct core_queue_attributes *a, const struct core_info *m)
{
    return a->retention_ms > 0 && m->accepted_ms + a->retention_ms <= ledger.now_ms;
}

static void compare_message(const struct core *after, const struct core_info *was)
{
    struct core_info is;
    struct core_queue_stats s;
    const struct core_queue_attributes *a;
    fuzz_check(core_find(after, &was->id, &is) && core_queue_stats(ledger.core, was->queue, &a, &s));
    fuzz_check(is.seq == was->seq && is.queue == was->queue && is.location == was->location && is.body_len == was->body_len);
    fuzz_check(is.group == was->group && is.accepted_ms == was->accepted_ms && is.priority == was->priority);
    if (a->kind == CORE_JOBS || is_expired(a, was))
        return;
    fuzz_check(is.receive_count == was->receive_count && is.first_ms == was->first_ms);
    fuzz_check(strcmp(is.source, was->source) == 0 && strcmp(is.reason, was->reason) == 0);
    if (is.state == was->state)
        fuzz_check(is.due_ms == was->due_ms);
    else
        fuzz_check(was->state == CORE_READY && is.due_ms > 0 &&
                   is.due_ms <= ledger.now_ms); /* it is due, and nobody has looked yet */
}

static void compare_tasks(const struct core *after, uint32_t queue)
{
    struct core_task_info was[LIMIT_MOVE_TASKS], is[LIMIT_MOVE_TASKS];
    size_t tasks = core_tasks(ledger.core, queue, was, LIMIT_MOVE_TASKS);
    fuzz_check(core_tasks(after, queue, is, LIMIT_MOVE_TASKS) == tasks);
    for (size_t i = 0; i < tasks; i++)
        fuzz_check(memcmp(&was[i].id, &is[i].id, sizeof is[i].id) == 0 && was[i].task.status == is[i].task.status &&
                   strcmp(was[i].reason, is[i].reason) == 0 && strcmp(was[i].destination, is[i].destination) == 0);
}

static void compare_queues(const struct core *after)
{
    char name[LIMIT_QUEUE_PATH_BYTES + 1] = "";
    for (bool behind = false;; behind = true) {
        struct core_queue_stats was_stats, is_stats;
        const struct core_queue_attributes *was, *is;
        uint32_t queue = core_queue_from(ledger.core, slice_text(name), behind);
        fuzz_check(core_queue_from(after, slice_text(name), behind) == queue);
        if (queue == CORE_NONE)
            return;
        fuzz_check(core_queue_stats(ledger.core, queue, &was, &was_stats) && core_queue_stats(after, queue, &is, &is_stats));
        fuzz_check(memcmp(was, is, sizeof *is) == 0 && was_stats.version == is_stats.version);
        fuzz_check(was_stats.location == is_stats.location && was_stats.changed_ms == is_stats.changed_ms);
        fuzz_check(memcmp(was_stats.secret, is_stats.secret, 16) == 0 && was_stats.bytes == is_stats.bytes);
        compare_tasks(after, queue);
        memcpy(name, was->name, sizeof name);
    }
}

static size_t kept_records(const struct core *c)
{
    struct core_info m;
    uint64_t at = 0, location;
    uint32_t bytes;
    size_t kept = 0;
    for (uint32_t slot = 0; core_next(c, &slot, &m); slot++)
        kept++;
    while (core_next_kept(c, &at, &location, &bytes))
        kept++;
    return kept;
}

static void compare(const struct core *after)
{
    struct core_info was;
    size_t live = 0;
    for (uint32_t slot = 0; core_next(ledger.core, &slot, &was); slot++)
        compare_message(after, &was);
    compare_queues(after);
    for (size_t i = first; i < count; i++)
        live += core_record_stays(journal[i].record.kind) && !journal[i].freed;
    fuzz_check(kept_records(ledger.core) == live && kept_records(after) == live);
}

/* Whoever was there says hello anew; what a crash has lost comes to its end with it. */
void ledger_restart(bool crash)
{
    if (!crash)
        ledger_commit();
    struct core *after = recovered(committed);
    if (!crash)
        compare(after);
    for (; count > committed; count--)
        free(journal[count - 1].bytes);
    for (size_t i = first; i < count; i++)
        journal[i].freed = core_record_stays(journal[i].record.kind);
    struct core_info m;
    uint64_t at = 0, location;
    uint32_t bytes;
    for (uint32_t slot = 0; core_next(after, &slot, &m); slot++)
        journal[m.location - 1].freed = false;
    while (core_next_kept(after, &at, &location, &bytes))
        journal[location - 1].freed = false;
    core_destroy(&ledger.core);
    ledger.core = after;
    last_number = core_number(ledger.core);
    ledger_step((struct core_event){.kind = CORE_DISK, .full = ledger.exhausted, .exhausted = ledger.exhausted});
    ledger_settle();
}

/* As the journal and the server do it: what is alive is said again, keys are carried over. */
static void copy(const struct entry *e, uint64_t location)
{
    struct core_info m;
    const struct core_record *r = &e->record;
    if (r->kind == CORE_REC_SEND || r->kind == CORE_REC_POST) {
        if (core_find(ledger.core, &r->id, &m) && m.location == location)
            ledger_step((struct core_event){.kind = CORE_MOVE_BODY, .slot = m.slot, .seq = m.seq, .body = r->body});
        return;
    }
    ledger_step((struct core_event){.kind = r->kind == CORE_REC_DEFINE ? CORE_MOVE_DEFINITION : CORE_MOVE_TASK,
                                    .queue = core_queue_by_name(ledger.core, slice_text(r->attributes.name)),
                                    .id = r->id,
                                    .number = location,
                                    .body = r->body});
}

void ledger_compact(size_t records)
{
    size_t end = first + records < committed ? first + records : committed;
    bool alive = false;
    for (size_t i = first; i < end && count + 100 < RECORDS_MAX; i++)
        if (core_record_stays(journal[i].record.kind))
            copy(&journal[i], i + 1);
    ledger_commit();
    for (size_t i = first; i < end; i++)
        alive = alive || (core_record_stays(journal[i].record.kind) && !journal[i].freed);
    if (!alive)
        first = end;
}

/* -- Begin and end --------------------------------------------------------------------------------------------------------------------- */
static void set_own(uint32_t queue, const char *name, const char *dead_letter, enum core_queue_kind kind)
{
    struct core_queue_attributes a;
    memset(&a, 0, sizeof a);
    memcpy(a.name, name, strlen(name));
    memcpy(a.dead_letter, dead_letter, strlen(dead_letter));
    a.visibility_ms = 1000;
    a.retention_ms = 120000;
    a.max_receive_count = kind == CORE_JOBS ? 2 : 0;
    a.kind = kind;
    ledger_step((struct core_event){.kind = CORE_QUEUE_SET, .queue = queue, .attributes = &a});
}

void ledger_begin(void)
{
    if (!journal)
        journal = malloc(RECORDS_MAX * sizeof *journal); /* for all inputs */
    fuzz_check(journal);
    ledger = (struct ledger){.core = new_core(), .now_ms = FUZZ_NOW_MS};
    count = first = committed = 0;
    last_number = 0;
    set_own(DEAD_QUEUE, "dead", "", CORE_STANDARD);
    set_own(JOBS_QUEUE, "jobs", "dead", CORE_JOBS);
    ledger_commit();
}

void ledger_end(void)
{
    ledger_restart(false);
    core_destroy(&ledger.core);
    for (size_t i = 0; i < count; i++)
        free(journal[i].bytes);
}

void ledger_disk(bool full, bool exhausted)
{
    ledger.exhausted = exhausted;
    ledger_step((struct core_event){.kind = CORE_DISK, .full = full, .exhausted = exhausted});
}
