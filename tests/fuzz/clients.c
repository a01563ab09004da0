/* clients.c - what clients do to their queues, in any order, with crashes and compaction in between: the core's own check after each step,
 * and a recovery from its records that has to end in the same state.
 *
 * Input: commands, each a byte and some more (see enum command). Restarts, crashes and compaction are ledger.c's. */
#include <string.h>

#include "tests/fuzz/ledger.h"

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

#define STEPS_MAX 3000u
#define JOBS_QUEUE 0u
#define DEAD_QUEUE 1u

static uint64_t tag;

/* -- What clients do ------------------------------------------------------------------------------------------------------------------- */
static const char *const names[] = {"a", "b", "c", "d.fifo", "e.fifo", "f.fifo", "dead", "jobs"};

static uint32_t queue_of(unsigned n) { return core_queue_by_name(ledger.core, slice_text(names[n % 8])); }

static struct id id_of(unsigned n)
{
    struct id id = {{(unsigned char)n}};
    id.bytes[ID_BYTES - 1] = (unsigned char)(n * 37);
    return id;
}

static int64_t time_of(unsigned n) { return (int64_t)(n & 15) * (n & 128 ? 20000 : n & 64 ? 1000 : 10); }

static struct core_event asked(enum core_event_kind kind, unsigned n)
{
    tag++;
    return (struct core_event){.kind = kind, .client = n >> 3 & 3, .tag = tag, .queue = queue_of(n)};
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
    ledger_step(e);
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
    ledger_step(e);
}

static void settle_given(struct slice *in, unsigned n, enum core_event_kind kind)
{
    struct core_event e = asked(kind, n);
    unsigned at = fuzz_u8(in);
    if (ledger.given_count == 0)
        return;
    const struct ledger_given *g = &ledger.given[(ledger.given_count - 1 - at % ledger.given_count) % LEDGER_GIVEN_MAX];
    e.seq = g->seq;
    e.lease = g->lease;
    if (at < 200)
        e.queue = g->queue;
    e.delay_ms = kind == CORE_VISIBILITY ? time_of(fuzz_u8(in)) : 0;
    ledger_step(e);
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
    ledger_step(e);
}

static void with_token(struct slice *in, unsigned n, enum core_event_kind kind)
{
    struct core_event e = asked(kind, n);
    e.id = id_of(fuzz_u8(in));
    e.body = slice_text(names[n % 8]);
    if (kind != CORE_QUEUE_REMOVE || n % 8 < 6)
        ledger_step(e);
}

static void start_task(struct slice *in, unsigned n)
{
    struct core_event e = asked(CORE_TASK_START, n);
    unsigned how = fuzz_u8(in);
    ledger.now_ms++; /* tasks are known by the order in which they began */
    e.id = id_of(fuzz_u8(in));
    e.body = how & 8 ? slice_text(names[how % 8]) : (struct slice){NULL, 0};
    e.messages = how & 16 ? 1 + (how >> 5) : 0;
    ledger_step(e);
}

static void job(struct slice *in, unsigned n)
{
    tag++;
    struct core_event e = {.client = n >> 3 & 3, .worker = n >> 3 & 1, .tag = tag, .queue = JOBS_QUEUE, .target = DEAD_QUEUE};
    static const enum core_event_kind kinds[] = {CORE_SEND,        CORE_WORKER_JOIN, CORE_WORKER_CREDIT, CORE_DONE,
                                                 CORE_WORKER_GONE, CORE_CLIENT_GONE, CORE_STOP,          CORE_PURGE};
    unsigned more = fuzz_u8(in);
    e.kind = kinds[n % 8];
    if (e.kind == CORE_DONE && ledger.given_count > 0) {
        const struct ledger_given *g = &ledger.given[more % ledger.given_count];
        e.seq = g->seq;
        e.lease = g->lease;
        e.worker = g->worker;
    }
    e.id = id_of(more);
    e.group = more & 3;
    e.messages = 1 + more % 4;
    e.number = tag - more % 8;
    e.body = slice_text("job");
    if (e.kind == CORE_SEND && ledger.exhausted)
        return; /* the shell asks the journal first */
    ledger_step(e);
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
        ledger.now_ms += time_of(n) + 1;
        ledger_settle();
        break;
    case COMMIT:
        ledger_commit();
        break;
    case RESTART:
        ledger_restart(n & 1);
        break;
    case COMPACT:
        ledger_compact(n);
        break;
    case DISK:
        ledger_disk(n & 3, n & 1);
        break;
    default:
        job(in, n);
        break;
    }
}

void fuzz_clients(struct slice input)
{
    tag = 0;
    ledger_begin();
    for (unsigned steps = 0; fuzz_more(&input) && steps < STEPS_MAX && !ledger.full; steps++) {
        command(&input);
        core_check(ledger.core);
    }
    ledger_end();
}
