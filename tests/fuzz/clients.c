/* clients.c - what clients do to their queues, in any order, with crashes and compaction in between: the core's own check after each step,
 * and a recovery from its records that has to end in the same state.
 *
 * Input: commands, each a byte and some more (see enum command). The journal is a list in memory: compaction copies what is needed of its
 * beginning and gives that up; a restart makes a new core of what is there, compares it with the old one, and goes on with it; a crash loses
 * what was not committed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/core/core.h"
#include "tests/fuzz/fuzz.h"

enum command {
    POST,
    RECEIVE,
    DELETE,
    VISIBILITY,
    CREATE,
    CHANGE,
    REMOVE,
    PURGE,
    TASK_START,
    TASK_CANCEL,
    PASS,
    COMMIT,
    RESTART,
    COMPACT,
    DISK,
    JOBS,
    COMMANDS
};

#define RECORDS_MAX 60000u
#define STEPS_MAX 3000u
#define GIVEN_MAX 256u
#define JOBS_QUEUE 0u
#define DEAD_QUEUE 1u

struct entry {
    struct core_record record; /* its slices are the entry's own */
    char *bytes;
    uint32_t slot;
    bool freed;
};

struct given {
    uint32_t queue, lease, worker;
    uint64_t seq;
};

static struct core *core;
static struct core_effects effects;
static struct entry *journal;
static size_t count, first, committed; /* records are [first, count); those before `committed` are on disk */
static int64_t now_ms;
static struct given given[GIVEN_MAX];
static uint32_t given_count;
static bool exhausted;
static uint64_t tag, last_number;
static unsigned steps;

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
    fuzz_check(!exhausted || copy || (r->kind < CORE_REC_POST && r->kind != CORE_REC_SEND));
    fuzz_check(count < RECORDS_MAX);
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
        core_locate(core, e, count);
}

static void release(uint64_t location)
{
    fuzz_check(location > first && location <= count && !journal[location - 1].freed);
    fuzz_check(core_record_stays(journal[location - 1].record.kind));
    journal[location - 1].freed = true;
}

static void note_given(uint32_t queue, uint32_t worker, const struct core_effect *e)
{
    uint32_t at = given_count < GIVEN_MAX ? given_count++ : (uint32_t)(e->seq % GIVEN_MAX);
    given[at] = (struct given){.queue = queue, .lease = e->lease, .worker = worker, .seq = e->seq};
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

static void step(struct core_event event)
{
    event.now_ms = now_ms;
    core_step(core, &event, &effects);
    carry_out(&event);
}

static void settle(void)
{
    step((struct core_event){.kind = CORE_TICK});
    for (int i = 0; i < 1000 && core_deadline(core) <= now_ms; i++)
        step((struct core_event){.kind = CORE_TICK});
}

static void commit(void)
{
    for (size_t before = SIZE_MAX; before != count;) {
        before = committed = count;
        step((struct core_event){.kind = CORE_COMMITTED, .number = last_number});
        settle();
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
    return a->retention_ms > 0 && m->accepted_ms + a->retention_ms <= now_ms;
}

static void compare_message(const struct core *after, const struct core_info *was)
{
    struct core_info is;
    struct core_queue_stats s;
    const struct core_queue_attributes *a;
    fuzz_check(core_find(after, &was->id, &is) && core_queue_stats(core, was->queue, &a, &s));
    fuzz_check(is.seq == was->seq && is.queue == was->queue && is.location == was->location && is.body_len == was->body_len);
    fuzz_check(is.group == was->group && is.accepted_ms == was->accepted_ms && is.priority == was->priority);
    if (a->kind == CORE_JOBS || is_expired(a, was))
        return;
    fuzz_check(is.receive_count == was->receive_count && is.first_ms == was->first_ms);
    fuzz_check(strcmp(is.source, was->source) == 0 && strcmp(is.reason, was->reason) == 0);
    if (is.state == was->state)
        fuzz_check(is.due_ms == was->due_ms);
    else
        fuzz_check(was->state == CORE_READY && is.due_ms > 0 && is.due_ms <= now_ms); /* it is due, and nobody has looked yet */
}

static void compare_tasks(const struct core *after, uint32_t queue)
{
    struct core_task_info was[LIMIT_MOVE_TASKS], is[LIMIT_MOVE_TASKS];
    size_t tasks = core_tasks(core, queue, was, LIMIT_MOVE_TASKS);
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
        uint32_t queue = core_queue_from(core, slice_text(name), behind);
        fuzz_check(core_queue_from(after, slice_text(name), behind) == queue);
        if (queue == CORE_NONE)
            return;
        fuzz_check(core_queue_stats(core, queue, &was, &was_stats) && core_queue_stats(after, queue, &is, &is_stats));
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
    for (uint32_t slot = 0; core_next(core, &slot, &was); slot++)
        compare_message(after, &was);
    compare_queues(after);
    for (size_t i = first; i < count; i++)
        live += core_record_stays(journal[i].record.kind) && !journal[i].freed;
    fuzz_check(kept_records(core) == live && kept_records(after) == live);
}

/* Whoever was there says hello anew; what a crash has lost comes to its end with it. */
static void restart(bool crash)
{
    if (!crash)
        commit();
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
    core_destroy(&core);
    core = after;
    last_number = core_number(core);
    step((struct core_event){.kind = CORE_DISK, .full = exhausted, .exhausted = exhausted});
    settle();
}

/* As the journal and the server do it: what is alive is said again, keys are carried over. */
static void copy(const struct entry *e, uint64_t location)
{
    struct core_info m;
    const struct core_record *r = &e->record;
    if (r->kind == CORE_REC_SEND || r->kind == CORE_REC_POST) {
        if (core_find(core, &r->id, &m) && m.location == location)
            step((struct core_event){.kind = CORE_MOVE_BODY, .slot = m.slot, .seq = m.seq, .body = r->body});
        return;
    }
    step((struct core_event){.kind = r->kind == CORE_REC_DEFINE ? CORE_MOVE_DEFINITION : CORE_MOVE_TASK,
                             .queue = core_queue_by_name(core, slice_text(r->attributes.name)),
                             .id = r->id,
                             .number = location,
                             .body = r->body});
}

static void compact(size_t records)
{
    size_t end = first + records < committed ? first + records : committed;
    bool alive = false;
    for (size_t i = first; i < end && count + 100 < RECORDS_MAX; i++)
        if (core_record_stays(journal[i].record.kind))
            copy(&journal[i], i + 1);
    commit();
    for (size_t i = first; i < end; i++)
        alive = alive || (core_record_stays(journal[i].record.kind) && !journal[i].freed);
    if (!alive)
        first = end;
}

/* -- What clients do ------------------------------------------------------------------------------------------------------------------- */
static const char *const names[] = {"a", "b", "c", "d.fifo", "e.fifo", "f.fifo", "dead", "jobs"};

static uint32_t queue_of(unsigned n) { return core_queue_by_name(core, slice_text(names[n % 8])); }

static struct id id_of(unsigned n)
{
    struct id id = {{(unsigned char)n}};
    id.bytes[ID_BYTES - 1] = (unsigned char)(n * 37);
    return id;
}

static int64_t time_of(unsigned n) { return (int64_t)(n & 15) * (n & 128 ? 20000 : n & 64 ? 1000 : 10); }

static struct core_event asked(enum core_event_kind kind, unsigned n)
{
    return (struct core_event){.kind = kind, .client = n >> 3 & 3, .tag = ++tag, .queue = queue_of(n)};
}

static void set_attributes(struct slice *in, unsigned n, struct core_queue_attributes *a)
{
    unsigned flags = fuzz_u8(in), more = fuzz_u8(in);
    memset(a, 0, sizeof *a);
    memcpy(a->name, names[n % 8], strlen(names[n % 8]));
    a->kind = n % 8 >= 3 && n % 8 < 6 ? CORE_FIFO : CORE_STANDARD;
    if (flags & 1)
        memcpy(a->dead_letter, names[more % 8], strlen(names[more % 8]));
    a->max_receive_count = flags & 2 ? 1 + (more >> 3 & 1) : 0;
    a->visibility_ms = time_of(fuzz_u8(in));
    a->delay_ms = flags & 4 ? time_of(more) : 0;
    a->retention_ms = flags & 8 ? 60000 : 0;
    a->wait_ms = flags & 16 ? 1000 : 0;
    a->max_inflight = flags & 32 ? 3 : 0;
    a->max_per_group = flags & 64 ? 1 : 0;
    a->paused = (flags & 128) && (more & 128);
    a->content_deduplication = more & 64;
    a->deduplicate_by_group = more & 32;
    a->max_messages = more & 16 ? 20 : 0;
}

static void post(struct slice *in, unsigned n)
{
    static const char body[] = "0123456789abcdef";
    struct core_event e = asked(CORE_POST, n);
    unsigned id = fuzz_u8(in), how = fuzz_u8(in);
    e.id = id_of(id);
    e.group = how & 3;
    e.delay_ms = how & 4 ? time_of(fuzz_u8(in)) * 100 : -1;
    e.messages = n % 8 < 3 ? how >> 3 & 3 : 0;
    e.has_key = true;
    e.content_key = how & 32;
    memset(e.key, how & 64 ? (int)id : (int)tag, sizeof e.key);
    e.body = slice_of(body, 1 + (id & 15));
    e.size = e.body.len;
    step(e);
}

static void receive(struct slice *in, unsigned n)
{
    struct core_event e = asked(CORE_RECEIVE, n);
    unsigned how = fuzz_u8(in);
    e.messages = 1 + how % 10;
    e.delay_ms = how & 16 ? time_of(fuzz_u8(in)) : -1;
    e.wait_ms = how & 32 ? 500 : how & 64 ? -1 : 0;
    e.has_key = how & 128;
    memset(e.key, (int)(how >> 5), sizeof e.key);
    step(e);
}

static void settle_given(struct slice *in, unsigned n, enum core_event_kind kind)
{
    struct core_event e = asked(kind, n);
    unsigned at = fuzz_u8(in);
    if (given_count == 0)
        return;
    const struct given *g = &given[(given_count - 1 - at % given_count) % GIVEN_MAX];
    e.seq = g->seq;
    e.lease = g->lease;
    if (at < 200)
        e.queue = g->queue;
    e.delay_ms = kind == CORE_VISIBILITY ? time_of(fuzz_u8(in)) : 0;
    step(e);
}

static void define(struct slice *in, unsigned n, enum core_event_kind kind)
{
    struct core_queue_attributes a;
    struct core_event e = asked(kind, n);
    set_attributes(in, n, &a);
    if (n % 8 >= 6)
        return;
    e.attributes = &a;
    e.body = slice_text("document");
    memset(e.key, (int)tag, sizeof e.key);
    step(e);
}

static void with_token(struct slice *in, unsigned n, enum core_event_kind kind)
{
    struct core_event e = asked(kind, n);
    e.id = id_of(fuzz_u8(in));
    e.body = slice_text(names[n % 8]);
    if (kind != CORE_QUEUE_REMOVE || n % 8 < 6)
        step(e);
}

static void start_task(struct slice *in, unsigned n)
{
    struct core_event e = asked(CORE_TASK_START, n);
    unsigned how = fuzz_u8(in);
    e.id = id_of(fuzz_u8(in));
    e.body = how & 8 ? slice_text(names[how % 8]) : (struct slice){NULL, 0};
    e.messages = how & 16 ? 1 + (how >> 5) : 0;
    step(e);
}

static void job(struct slice *in, unsigned n)
{
    struct core_event e = {.client = n >> 3 & 3, .worker = n >> 3 & 1, .tag = ++tag, .queue = JOBS_QUEUE, .target = DEAD_QUEUE};
    static const enum core_event_kind kinds[] = {CORE_SEND,        CORE_WORKER_JOIN, CORE_WORKER_CREDIT, CORE_DONE,
                                                 CORE_WORKER_GONE, CORE_CLIENT_GONE, CORE_STOP,          CORE_PURGE};
    unsigned more = fuzz_u8(in);
    e.kind = kinds[n % 8];
    if (e.kind == CORE_DONE && given_count > 0) {
        const struct given *g = &given[more % given_count];
        e.seq = g->seq;
        e.lease = g->lease;
        e.worker = g->worker;
    }
    e.id = id_of(more);
    e.group = more & 3;
    e.messages = 1 + more % 4;
    e.number = tag - more % 8;
    e.body = slice_text("job");
    if (e.kind == CORE_SEND && exhausted)
        return; /* the shell asks the journal first */
    step(e);
}

static void command(struct slice *in)
{
    unsigned what = fuzz_u8(in), n = fuzz_u8(in);
    switch ((enum command)(what % COMMANDS)) {
    case POST:
        post(in, n);
        break;
    case RECEIVE:
        receive(in, n);
        break;
    case DELETE:
        settle_given(in, n, CORE_DELETE);
        break;
    case VISIBILITY:
        settle_given(in, n, CORE_VISIBILITY);
        break;
    case CREATE:
        define(in, n, CORE_QUEUE_CREATE);
        break;
    case CHANGE:
        define(in, n, CORE_QUEUE_CHANGE);
        break;
    case REMOVE:
        with_token(in, n, CORE_QUEUE_REMOVE);
        break;
    case PURGE:
        with_token(in, n, CORE_QUEUE_PURGE);
        break;
    case TASK_START:
        start_task(in, n);
        break;
    case TASK_CANCEL:
        with_token(in, n, CORE_TASK_CANCEL);
        break;
    case PASS:
        now_ms += time_of(n) + 1;
        settle();
        break;
    case COMMIT:
        commit();
        break;
    case RESTART:
        restart(n & 1);
        break;
    case COMPACT:
        compact(n);
        break;
    case DISK:
        exhausted = n & 1;
        step((struct core_event){.kind = CORE_DISK, .full = n & 3, .exhausted = n & 1});
        break;
    default:
        job(in, n);
        break;
    }
}

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
    step((struct core_event){.kind = CORE_QUEUE_SET, .queue = queue, .attributes = &a});
}

void fuzz_clients(struct slice input)
{
    if (!journal)
        journal = malloc(RECORDS_MAX * sizeof *journal); /* for all inputs */
    fuzz_check(journal);
    core = new_core();
    count = first = committed = given_count = steps = 0;
    exhausted = false;
    tag = last_number = 0;
    now_ms = FUZZ_NOW_MS;
    set_own(DEAD_QUEUE, "dead", "", CORE_STANDARD);
    set_own(JOBS_QUEUE, "jobs", "dead", CORE_JOBS);
    commit();
    while (fuzz_more(&input) && ++steps < STEPS_MAX && count + 10000 < RECORDS_MAX) {
        command(&input);
        core_check(core);
    }
    restart(false);
    core_destroy(&core);
    for (size_t i = 0; i < count; i++)
        free(journal[i].bytes);
}
