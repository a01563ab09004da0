/* admin.c - the verbs of ADMIN: figures, listings, purge and redrive. Answers are values (common/item.h); a table of verbs.
 *
 * Everything here is for people and scrapers: it may walk a listing, bounded by PEEK_MAX, but never blocks. */
#include "queue/broker.h"

#include <string.h>
#include <unistd.h>

#include "common/item.h"
#include "common/op.h"

#define PEEK_MAX 1000u

/* -- Writing members ------------------------------------------------------------------------------------------- */
static uint32_t put_number(struct buf *out, const char *name, uint64_t number)
{
    mp_put_text(out, name);
    value_put_int(out, number > INT64_MAX ? INT64_MAX : (int64_t)number);
    return 1;
}

static uint32_t put_text(struct buf *out, const char *name, const char *text)
{
    mp_put_text(out, name);
    mp_put_text(out, text);
    return 1;
}

static enum err_code fail(struct buf *out, enum err_code code, const char *text)
{
    buf_reset(out);
    size_t map = mp_open(out);
    mp_close_map(out, map, put_text(out, "message", text));
    return code;
}

/* -- Arguments ------------------------------------------------------------------------------------------------- */
static uint32_t queue_of(const struct broker *b, const struct value *argument, uint32_t preset)
{
    struct value name = value_map_get(argument, slice_text("queue"));
    return name.type == VALUE_S ? core_queue_by_name(b->core, name.bytes) : preset;
}

static int64_t number_of(const struct value *argument, const char *name, int64_t preset, int64_t max)
{
    struct value v = value_map_get(argument, slice_text(name));
    int64_t number;
    if (!value_to_int(&v, &number) || number < 0)
        return preset;
    return number > max ? max : number;
}

/* -- Listings -------------------------------------------------------------------------------------------------- */
static uint32_t put_counts(const struct broker *b, struct buf *out, const struct core_queue_stats *s)
{
    int64_t oldest = s->oldest_accepted_ms == INT64_MAX ? 0 : (b->now_ms - s->oldest_accepted_ms) / 1000;
    uint32_t n = put_number(out, "ready", s->count[CORE_READY] + s->count[CORE_BLOCKED] + s->count[CORE_COMMITTING]);
    n += put_number(out, "inflight", s->count[CORE_LEASED]);
    n += put_number(out, "delayed", s->count[CORE_DELAYED]);
    n += put_number(out, "bytes", s->bytes);
    return n + put_number(out, "oldestSeconds", (uint64_t)(oldest > 0 ? oldest : 0));
}

static uint32_t put_queue(struct broker *b, struct buf *out, uint32_t queue)
{
    const struct core_queue_attributes *a;
    struct core_queue_stats s;
    if (!core_queue_stats(b->core, queue, &a, &s))
        return 0;
    size_t map = mp_open(out);
    uint32_t n = put_text(out, "name", a->name) + put_counts(b, out, &s);
    n += put_number(out, "visibilityTimeoutMs", (uint64_t)a->visibility_ms);
    n += put_number(out, "maxReceiveCount", a->max_receive_count);
    n += put_number(out, "retentionMs", (uint64_t)a->retention_ms);
    mp_close_map(out, map, n);
    return 1;
}

static void put_queues(struct broker *b, struct buf *out)
{
    size_t list = mp_open(out);
    uint32_t count = 0;
    for (uint32_t queue; (queue = core_queue_at(b->core, count)) != CORE_NONE;)
        count += put_queue(b, out, queue);
    mp_close_array(out, list, count);
}

/* Those that figures name, and a sum of the others. Returns the number of members. */
static uint32_t put_shown(struct broker *b, struct buf *out)
{
    const struct shown *shown = shown_queues(b);
    mp_put_text(out, "queues");
    size_t list = mp_open(out);
    uint32_t count = 0;
    for (uint32_t i = 0; i < shown->count; i++)
        count += put_queue(b, out, shown->number[i]);
    mp_close_array(out, list, count);
    mp_put_text(out, "otherQueues");
    size_t map = mp_open(out);
    mp_close_map(out, map, put_number(out, "count", shown->rest_count) + put_counts(b, out, &shown->rest));
    return 2 + put_number(out, "queueCount", shown->total);
}

static void put_message(struct broker *b, struct buf *out, const struct core_info *info)
{
    static const char *const names[] = {"committing", "delayed", "ready", "blocked", "inflight"};
    char id[ID_TEXT_BYTES];
    struct op op;
    id_format(&info->id, id);
    size_t map = mp_open(out);
    uint32_t n = put_text(out, "jobId", id);
    n += put_text(out, "status", describe_is_dead(info) ? "dead" : names[info->state]);
    n += put_number(out, "receiveCount", info->receive_count);
    n += put_number(out, "ageSeconds", (uint64_t)((b->now_ms - info->accepted_ms) / 1000));
    n += put_number(out, "bytes", info->body_len);
    if (info->reason[0])
        n += put_text(out, "reason", info->reason);
    if (op_decode(journal_read(b->journal, info->location, info->body_len), &op) == 0) {
        n += put_text(out, "operation", op_name(op.code));
        mp_put_text(out, "tableName");
        mp_put_slice(out, op.table);
        n++;
        if (op.payload.type != VALUE_NONE && op.payload.encoded.len < 4096) {
            mp_put_text(out, "payload");
            mp_put_raw(out, op.payload.encoded);
            n++;
        }
    }
    mp_close_map(out, map, n);
}

static enum err_code put_messages(struct broker *b, struct buf *out, uint32_t queue, int64_t max)
{
    static struct core_info info[PEEK_MAX]; /* one thread, too large for the stack */
    size_t count = core_peek(b->core, queue, UINT32_MAX, info, (size_t)max);
    size_t list = mp_open(out);
    uint32_t put = 0;
    for (; put < count && out->len < LIMIT_ANSWER_BYTES; put++)
        put_message(b, out, &info[put]);
    mp_close_array(out, list, put);
    return ERR_NONE;
}

/* -- Figures --------------------------------------------------------------------------------------------------- */
static void put_fsync(struct buf *out, const struct stats_histogram *h)
{
    size_t map = mp_open(out);
    mp_put_text(out, "buckets");
    mp_put_array(out, STATS_BUCKETS);
    for (int i = 0; i < STATS_BUCKETS; i++)
        value_put_int(out, (int64_t)h->buckets[i]);
    uint32_t n = 1 + put_number(out, "count", h->count) + put_number(out, "sumUs", h->sum_us);
    mp_close_map(out, map, n);
}

static struct msg_beat worker_totals(const struct broker *b)
{
    struct msg_beat sum = b->departed;
    for (uint32_t i = 0; i < b->workers.used; i++)
        if (b->workers.at[i].used) {
            sum.commits += b->workers.at[i].beat.commits;
            sum.recoveries += b->workers.at[i].beat.recoveries;
            sum.applied += b->workers.at[i].beat.applied;
            sum.failed += b->workers.at[i].beat.failed;
        }
    return sum;
}

static uint32_t put_figures(struct broker *b, struct buf *out)
{
    struct core_stats core;
    struct journal_stats journal;
    struct msg_beat workers = worker_totals(b);
    core_stats(b->core, &core);
    journal_stats(b->journal, &journal);
    uint32_t n = put_number(out, "workers", core.workers);
    n += put_number(out, "accepted", core.accepted_total) + put_number(out, "duplicates", core.duplicate_total);
    n += put_number(out, "succeeded", b->succeeded_total) + put_number(out, "failed", b->failed_total);
    n += put_number(out, "dead", core.dead_total) + put_number(out, "redelivered", core.redelivered_total);
    n += put_number(out, "refused", core.refused_total) + put_number(out, "acksDropped", b->acks_dropped);
    n += put_number(out, "commits", workers.commits) + put_number(out, "recoveries", workers.recoveries);
    n += put_number(out, "messages", core.messages) + put_number(out, "leases", core.leases);
    n += put_number(out, "memoryBytes", core.bytes_memory) + put_number(out, "pid", (uint64_t)getpid());
    n += put_shown(b, out);
    mp_put_text(out, "fsync");
    put_fsync(out, &journal.sync);
    mp_put_text(out, "journal");
    size_t map = mp_open(out);
    uint32_t m = put_number(out, "segments", journal.segments) + put_number(out, "bytes", journal.bytes_total);
    m += put_number(out, "liveBytes", journal.bytes_live) + put_number(out, "groups", journal.groups);
    mp_close_map(out, map, m);
    return n + 2;
}

static void put_worker(struct buf *out, const struct peer *w)
{
    size_t map = mp_open(out);
    uint32_t n = put_text(out, "name", w->name) + put_number(out, "pid", w->pid) + put_number(out, "guardPid", w->guard_pid);
    n += put_number(out, "delivered", w->delivered) + put_number(out, "applied", w->beat.applied);
    n += put_number(out, "failed", w->beat.failed) + put_number(out, "commits", w->beat.commits);
    mp_close_map(out, map, n);
}

static void put_client(struct buf *out, const struct peer *c)
{
    size_t map = mp_open(out);
    mp_close_map(out, map, put_text(out, "name", c->name) + put_text(out, "role", c->role));
}

static void put_peers(struct buf *out, const struct peers *peers, void (*put)(struct buf *, const struct peer *))
{
    size_t list = mp_open(out);
    uint32_t count = 0;
    for (uint32_t i = 0; i < peers->used; i++)
        if (peers->at[i].used) {
            put(out, &peers->at[i]);
            count++;
        }
    mp_close_array(out, list, count);
}

/* -- Verbs ----------------------------------------------------------------------------------------------------- */
static enum err_code do_stats(struct broker *b, const struct value *argument, struct buf *out)
{
    (void)argument;
    size_t map = mp_open(out);
    mp_close_map(out, map, put_figures(b, out));
    return ERR_NONE;
}

static enum err_code do_status(struct broker *b, const struct value *argument, struct buf *out)
{
    (void)argument;
    size_t map = mp_open(out), figures;
    mp_put_text(out, "queue");
    figures = mp_open(out);
    mp_close_map(out, figures, put_figures(b, out));
    mp_put_text(out, "workers");
    put_peers(out, &b->workers, put_worker);
    mp_put_text(out, "clients");
    put_peers(out, &b->clients, put_client);
    mp_close_map(out, map, 3);
    return ERR_NONE;
}

static enum err_code do_queues(struct broker *b, const struct value *argument, struct buf *out)
{
    (void)argument;
    put_queues(b, out);
    return ERR_NONE;
}

static enum err_code do_peek(struct broker *b, const struct value *argument, struct buf *out)
{
    uint32_t queue = queue_of(b, argument, QUEUE_JOBS);
    if (queue == CORE_NONE)
        return fail(out, ERR_NOT_FOUND, "no such queue");
    return put_messages(b, out, queue, number_of(argument, "max", 10, PEEK_MAX));
}

static uint32_t dead_queue(const struct broker *b) { return core_queue_by_name(b->core, slice_text(QUEUE_DEAD_NAME)); }

static enum err_code do_dead(struct broker *b, const struct value *argument, struct buf *out)
{
    return put_messages(b, out, dead_queue(b), number_of(argument, "limit", 100, PEEK_MAX));
}

static uint64_t waiting_in(struct broker *b, uint32_t queue)
{
    const struct core_queue_attributes *a;
    struct core_queue_stats s;
    if (!core_queue_stats(b->core, queue, &a, &s))
        return 0;
    return s.count[CORE_READY] + s.count[CORE_BLOCKED] + s.count[CORE_DELAYED];
}

uint64_t admin_drain(struct broker *b, struct core_event *event, uint64_t want)
{
    uint64_t before = waiting_in(b, event->queue), left = before;
    /* Each step needs room in the journal for its records; what has none stays, and is not counted. */
    while (before - left < want && journal_has_room(b->journal, b->mono_ms)) {
        uint64_t was = left, missing = want - (before - left);
        event->messages = missing > UINT32_MAX ? 0 : (uint32_t)missing;
        broker_step(b, event);
        left = waiting_in(b, event->queue);
        if (left >= was)
            break;
    }
    return before - left;
}

static enum err_code drain(struct broker *b, struct core_event *event, uint64_t want, const char *member, struct buf *out)
{
    if (!journal_has_room(b->journal, b->mono_ms))
        return fail(out, ERR_DISK_FULL, "the journal's disk is full");
    uint64_t gone = admin_drain(b, event, want);
    size_t map = mp_open(out);
    mp_close_map(out, map, put_number(out, member, gone));
    return ERR_NONE;
}

static enum err_code do_purge(struct broker *b, const struct value *argument, struct buf *out)
{
    struct core_event event = broker_event(b, CORE_PURGE);
    event.queue = queue_of(b, argument, CORE_NONE);
    if (event.queue == CORE_NONE)
        return fail(out, ERR_NOT_FOUND, "no such queue");
    return drain(b, &event, UINT64_MAX, "purged", out);
}

static enum err_code do_redrive(struct broker *b, const struct value *argument, struct buf *out)
{
    struct core_event event = broker_event(b, CORE_REDRIVE);
    event.queue = dead_queue(b);
    event.target = QUEUE_JOBS;
    int64_t max = number_of(argument, "max", 0, UINT32_MAX - 1);
    return drain(b, &event, max == 0 ? waiting_in(b, event.queue) : (uint64_t)max, "moved", out);
}

enum err_code admin_verb(struct broker *b, struct slice verb, struct slice argument, struct buf *out)
{
    static const struct {
        const char *name;
        enum err_code (*run)(struct broker *, const struct value *, struct buf *);
    } verbs[] = {{"stats", do_stats}, {"status", do_status}, {"queues", do_queues},  {"peek", do_peek},
                 {"dead", do_dead},   {"purge", do_purge},   {"redrive", do_redrive}};
    struct value value = value_of(argument);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (slice_equal(verb, slice_text(verbs[i].name)))
            return verbs[i].run(b, &value, out);
    return fail(out, ERR_BAD_REQUEST, "no such verb");
}
