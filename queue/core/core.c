/* core.c - create, destroy, and the one entrance: a step is its event's arm, then what time and credit allow. */
#include "queue/core/state.h"

void *core_resize(struct core *c, void *old, size_t old_bytes, size_t bytes)
{
    void *memory = c->config.memory.resize(c->config.memory.self, old, bytes);
    if (memory || bytes == 0)
        c->memory_bytes += bytes - old_bytes;
    return memory;
}

int core_grow(struct core *c, void **array, uint32_t *cap, uint32_t max, size_t element)
{
    uint64_t wanted = *cap < 64 ? 64 : (uint64_t)*cap + *cap / 2;
    if (wanted > max)
        wanted = max;
    if (wanted <= *cap)
        return -1;
    void *grown = core_resize(c, *array, *cap * element, (size_t)wanted * element);
    if (!grown)
        return -1;
    *array = grown;
    *cap = (uint32_t)wanted;
    return 0;
}

uint32_t *core_buckets(struct core *c, uint32_t n)
{
    uint32_t *buckets = core_resize(c, NULL, 0, n * sizeof *buckets);
    if (buckets)
        memset(buckets, 0xff, n * sizeof *buckets);
    return buckets;
}

uint64_t core_text_hash(struct slice text)
{
    uint64_t hash = text.len;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.ptr[i]) * 0x100000001b3u; /* FNV-1a */
    return core_mix(hash);
}

struct core_effect *core_emit(struct core *c, enum core_effect_kind kind)
{
    assert(c->out->count < CORE_EFFECTS_MAX);
    struct core_effect *e = &c->out->at[c->out->count++];
    size_t head = offsetof(struct core_effect, record);
    memset(e, 0, head); /* the record is large, and only JOURNAL has one */
    e->kind = kind;
    e->client = e->worker = e->slot = CORE_NONE;
    return e;
}

struct core_record *core_record(struct core *c, enum core_record_kind kind)
{
    struct core_record *r = &core_emit(c, CORE_EFFECT_JOURNAL)->record;
    memset(r, 0, offsetof(struct core_record, attributes));
    c->records++;
    assert(c->records <= CORE_RECORDS_MAX);
    r->kind = kind;
    r->number = ++c->number;
    r->now_ms = c->now_ms;
    r->queue = CORE_NONE;
    if (kind >= CORE_REC_POST)
        memset(&r->more, 0, sizeof r->more);
    return r;
}

static bool config_valid(const struct core_config *config)
{
    uint32_t s = config->slices;
    return config->max_messages > 0 && config->max_messages <= 1u << 31 && s > 0 && s <= 64 && (s & (s - 1)) == 0 &&
           config->batch_max > 0 && config->memory.resize;
}

static int make_tables(struct core *c)
{
    c->dues.place = due_place;
    c->seqs.hash = seqs_hash;
    c->id_bucket_count = c->group_bucket_count = c->key_bucket_count = c->waiter_bucket_count = 1024;
    c->id_buckets = core_buckets(c, c->id_bucket_count);
    c->group_buckets = core_buckets(c, c->group_bucket_count);
    c->key_buckets = core_buckets(c, c->key_bucket_count);
    c->waiter_buckets = core_buckets(c, c->waiter_bucket_count);
    c->recent = core_resize(c, NULL, 0, RECENT_IDS * sizeof *c->recent);
    c->recent_next = core_resize(c, NULL, 0, RECENT_IDS * sizeof *c->recent_next);
    c->recent_buckets = core_buckets(c, RECENT_BUCKETS);
    c->workers = core_resize(c, NULL, 0, WORKERS_MAX * sizeof *c->workers);
    c->reasons = core_resize(c, NULL, 0, REASONS_MAX * sizeof *c->reasons);
    c->active = core_resize(c, NULL, 0, WORKERS_MAX * sizeof *c->active);
    if (c->workers)
        memset(c->workers, 0, WORKERS_MAX * sizeof *c->workers);
    return c->id_buckets && c->group_buckets && c->key_buckets && c->waiter_buckets && c->recent && c->recent_next &&
                   c->recent_buckets && c->workers && c->active && c->reasons && queues_init(c) == 0 && clients_init(c) == 0
               ? 0
               : -1;
}

struct core *core_create(const struct core_config *config)
{
    if (!config_valid(config))
        return NULL;
    struct core *c = config->memory.resize(config->memory.self, NULL, sizeof *c);
    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    c->config = *config;
    c->memory_bytes = sizeof *c;
    c->message_free = c->key_free = c->waiter_free = c->call_free = CORE_NONE;
    for (int w = 0; w < KEY_WINDOWS; w++)
        c->key_oldest[w] = c->key_newest[w] = CORE_NONE;
    c->committing = c->calls_waiting = LIST_EMPTY;
    c->call_due_ms = INT64_MAX;
    if (make_tables(c) != 0)
        core_destroy(&c);
    return c;
}

void core_destroy(struct core **core)
{
    struct core *c = *core;
    if (!c)
        return;
    queues_finish(c);
    clients_finish(c);
    void *owned[] = {c->messages,       c->id_buckets,  c->group_buckets,  c->dues.at, c->seqs.at,     c->lows,
                     c->recent,         c->recent_next, c->recent_buckets, c->keys,    c->key_buckets, c->waiters,
                     c->waiter_buckets, c->pending,     c->reasons,        c->workers, c->active,      c->calls};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (owned[i])
            core_resize(c, owned[i], 0, 0);
    c->config.memory.resize(c->config.memory.self, c, 0);
    *core = NULL;
}

static void on_tick(struct core *c, struct core_event *e) { (void)c, (void)e; }

static void (*const arms[CORE_EVENT_COUNT])(struct core *, struct core_event *) = {
    [CORE_SEND] = on_send,
    [CORE_COMMITTED] = on_committed,
    [CORE_TICK] = on_tick,
    [CORE_WORKER_JOIN] = on_worker_join,
    [CORE_WORKER_CREDIT] = on_worker_credit,
    [CORE_WORKER_HEARD] = on_worker_heard,
    [CORE_WORKER_LEAVE] = on_worker_leave,
    [CORE_WORKER_GONE] = on_worker_gone,
    [CORE_DONE] = on_done,
    [CORE_GIVE_BACK] = on_give_back,
    [CORE_EXTEND] = on_extend,
    [CORE_WATCH] = on_watch,
    [CORE_CANCEL] = on_cancel,
    [CORE_CLIENT_GONE] = on_client_gone,
    [CORE_CALL] = on_call,
    [CORE_CALL_DONE] = on_call_done,
    [CORE_QUEUE_SET] = on_queue_set,
    [CORE_PURGE] = on_purge,
    [CORE_REDRIVE] = on_redrive,
    [CORE_DISK] = on_disk,
    [CORE_MOVE_BODY] = on_move_body,
    [CORE_POST] = on_post,
    [CORE_RECEIVE] = on_receive,
    [CORE_STOP] = on_stop,
    [CORE_DELETE] = on_delete,
    [CORE_VISIBILITY] = on_visibility,
    [CORE_QUEUE_CREATE] = on_queue_create,
    [CORE_QUEUE_CHANGE] = on_queue_change,
    [CORE_QUEUE_REMOVE] = on_queue_remove,
    [CORE_QUEUE_PURGE] = on_queue_purge,
    [CORE_TASK_START] = on_task_start,
    [CORE_TASK_CANCEL] = on_task_cancel,
    [CORE_MOVE_DEFINITION] = on_move_definition,
    [CORE_MOVE_TASK] = on_move_task,
};

void core_step(struct core *c, struct core_event *event, struct core_effects *out)
{
    out->count = 0;
    c->records = 0;
    c->out = out;
    c->more = false;
    c->clients.asides = ASIDE_EACH_STEP;
    if (event->now_ms > c->now_ms)
        c->now_ms = event->now_ms;
    if ((unsigned)event->kind < CORE_EVENT_COUNT)
        arms[event->kind](c, event);
    pending_release(c);
    dues_run(c);
    calls_due(c);
    workers_silent(c);
    sweep_run(c);
    calls_deliver(c);
    deliver(c);
    clients_run(c);
    c->out = NULL;
}

int64_t core_deadline(const struct core *c)
{
    int64_t next = INT64_MAX;
    if (c->more)
        return c->now_ms;
    next = heap_first(&c->dues);
    if (heap_first(&c->clients.waits) < next)
        next = heap_first(&c->clients.waits);
    if (c->queues.tasked.count > 0 && tasks_deadline(c) < next)
        next = tasks_deadline(c);
    if (c->call_count > 0 && c->call_due_ms < next)
        next = c->call_due_ms;
    if (c->message_count > 0 && c->sweep_ms < next)
        next = c->sweep_ms;
    if (c->worker_count > 0 && c->silence_ms < next)
        next = c->silence_ms;
    return next;
}

uint64_t core_number(const struct core *c) { return c->number; }
uint64_t core_low_seq(const struct core *c) { return lows_first(c); }

void on_disk(struct core *c, struct core_event *e)
{
    c->disk_full = e->full;
    c->exhausted = e->exhausted;
}

void core_locate(struct core *c, const struct core_effect *journal, uint64_t location)
{
    const struct core_record *r = &journal->record;
    if (r->kind == CORE_REC_SEND || r->kind == CORE_REC_POST)
        message_at(c, journal->slot)->location = location;
    else
        queue_locate(c, r, location);
}

void on_client_gone(struct core *c, struct core_event *e)
{
    waiters_forget(c, e->client);
    pending_forget(c, e->client);
    calls_client_gone(c, e->client);
    receives_client_gone(c, e->client);
}
