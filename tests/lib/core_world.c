/* core_world.c - the world of a story: the core, its allocator, its journal in memory, what was seen, and the checks after every step. */
#include "tests/lib/core_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 16 /* in front of each block: its size, so that the core's own count can be checked */

static void *resize(void *self, void *old, size_t bytes)
{
    struct world_memory *m = self;
    unsigned char *block = old ? (unsigned char *)old - HEAD_BYTES : NULL;
    size_t old_bytes = 0;
    if (block)
        memcpy(&old_bytes, block, sizeof old_bytes);
    if (bytes == 0) {
        m->blocks -= block != NULL;
        m->bytes -= (int64_t)old_bytes;
        free(block);
        return NULL;
    }
    if (++m->calls == m->fail_at || m->fail_all)
        return NULL;
    /* Always moved, so that a pointer into the old block is found by the sanitizer. */
    unsigned char *fresh = malloc(bytes + HEAD_BYTES);
    assert_non_null(fresh);
    memset(fresh, 0xa5, bytes + HEAD_BYTES);
    memcpy(fresh, &bytes, sizeof bytes);
    if (block)
        memcpy(fresh + HEAD_BYTES, old, old_bytes < bytes ? old_bytes : bytes);
    free(block);
    m->blocks += block == NULL;
    m->bytes += (int64_t)bytes - (int64_t)old_bytes;
    return fresh + HEAD_BYTES;
}

/* Room for one more element of an array of the world itself. */
static void *room(void *array, size_t count, size_t *cap, size_t element)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 64;
    array = realloc(array, *cap * element);
    assert_non_null(array);
    return array;
}

struct core_config world_config(struct world_memory *memory)
{
    return (struct core_config){.max_messages = 100000,
                                .max_keys = 10000,
                                .batch_max = 100,
                                .slices = 4,
                                .key_window_ms = 60000,
                                .worker_silence_ms = 10 * HOUR_MS,
                                .memory = {resize, memory}};
}

struct core_queue_attributes world_attributes(uint32_t queue)
{
    static const char *const names[] = {"jobs", "dead", "other"};
    struct core_queue_attributes a = {.visibility_ms = VISIBILITY_MS,
                                      .retention_ms = queue == DEAD ? 14 * 24 * HOUR_MS : 4 * 24 * HOUR_MS,
                                      .max_receive_count = queue == DEAD ? 0 : 3,
                                      .dead_letter = "",
                                      .max_messages = 50000,
                                      .max_bytes = 1u << 30,
                                      .kind = queue == DEAD ? CORE_STANDARD : CORE_JOBS};
    snprintf(a.name, sizeof a.name, "%s", names[queue]);
    snprintf(a.dead_letter, sizeof a.dead_letter, "%s", queue == DEAD ? "" : names[DEAD]);
    return a;
}

struct world *world_create_with(const struct core_config *config, uint64_t fail_at)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->out = calloc(1, sizeof *w->out);
    assert_non_null(w->out);
    w->config = config ? *config : world_config(NULL);
    w->config.memory = (struct core_memory){resize, &w->memory};
    w->memory.fail_at = fail_at;
    w->now_ms = 1000000;
    w->core = core_create(&w->config);
    if (!w->core)
        assert_int_equal(w->memory.blocks, 0);
    return w;
}

struct world *world_create(void)
{
    struct world *w = world_create_with(NULL, 0);
    struct core_queue_attributes dead = world_attributes(DEAD), jobs = world_attributes(JOBS);
    assert_non_null(w->core);
    queue_set(w, DEAD, &dead);
    queue_set(w, JOBS, &jobs);
    commit(w);
    return w;
}

void world_destroy(struct world **world)
{
    struct world *w = *world;
    core_destroy(&w->core);
    assert_null(w->core);
    assert_int_equal(w->memory.blocks, 0);
    assert_int_equal(w->memory.bytes, 0);
    free(w->out);
    free(w->seen);
    free(w->journal);
    free(w->bodies);
    free(w->given);
    free(w);
    *world = NULL;
}

struct id name_id(const char *name)
{
    struct id id = {{0}};
    const char *slice = strchr(name, '/');
    assert_true(strlen(name) < ID_BYTES);
    memcpy(id.bytes, name, strlen(name));
    id.bytes[ID_BYTES - 1] = slice ? (unsigned char)strtoul(slice + 1, NULL, 10) : 0;
    return id;
}

/* -- One step ------------------------------------------------------------------------------------------------------------------------------ */
static void keep_record(struct world *w, const struct core_effect *e)
{
    const struct core_record *r = &e->record;
    assert_int_equal(r->number, w->journal_count ? w->journal[w->journal_count - 1].record.number + 1 : 1);
    assert_int_equal(r->now_ms, w->now_ms);
    w->journal = room(w->journal, w->journal_count, &w->journal_cap, sizeof *w->journal);
    struct world_record *kept = &w->journal[w->journal_count++];
    *kept = (struct world_record){*r, 0};
    if (!core_record_stays(r->kind))
        return;
    assert_true(r->seq <= r->number);
    w->bodies = room(w->bodies, w->body_count, &w->body_cap, sizeof *w->bodies);
    w->bodies[w->body_count++] = (struct world_body){(uint32_t)r->body.len, true};
    kept->location = w->body_count;
    core_locate(w->core, e, kept->location);
}

static void free_body(struct world *w, const struct core_effect *e)
{
    assert_in_range(e->location, 1, w->body_count);
    struct world_body *b = &w->bodies[e->location - 1];
    assert_true(b->live);
    assert_int_equal(b->len, e->body_len);
    b->live = false;
}

/* Nobody else of its group may be in flight. */
static void check_group_alone(const struct world *w, const struct core_effect *e, uint32_t queue)
{
    struct core_info info;
    for (uint32_t slot = 0; e->group != 0 && core_next(w->core, &slot, &info); slot++)
        assert_false(info.group == e->group && info.queue == queue && info.state == CORE_LEASED && info.seq != e->seq);
}

static void keep_delivery(struct world *w, const struct core_effect *e)
{
    struct core_info info;
    assert_true(core_slot(w->core, e->slot, e->seq, &info));
    assert_int_equal(info.state, CORE_LEASED);
    assert_int_equal(info.receive_count, e->lease);
    assert_int_equal(info.location, e->location);
    assert_int_equal(info.body_len, e->body_len);
    assert_true(id_equal(&info.id, &e->id));
    assert_true(e->seq <= w->committed);
    if (!w->quick)
        check_group_alone(w, e, info.queue);
    w->given = room(w->given, w->given_count, &w->given_cap, sizeof *w->given);
    w->given[w->given_count++] =
        (struct held){.worker = e->worker, .slot = e->slot, .lease = e->lease, .seq = e->seq, .id = e->id};
}

/* What a client is given is on disk with its lease, and lies where it is said to lie. */
static void keep_given_message(struct world *w, const struct core_effect *e)
{
    struct core_info info;
    uint64_t leased = 0;
    assert_true(core_slot(w->core, e->slot, e->seq, &info));
    assert_in_range(e->lease, 1, info.receive_count);
    assert_int_equal(info.location, e->location);
    for (size_t i = w->journal_count; i-- > 0 && leased == 0;)
        if (w->journal[i].record.kind == CORE_REC_LEASE && w->journal[i].record.seq == e->seq)
            leased = w->journal[i].record.number;
    assert_in_range(leased, 1, w->committed);
    w->given = room(w->given, w->given_count, &w->given_cap, sizeof *w->given);
    w->given[w->given_count++] = (struct held){.slot = e->slot, .lease = e->lease, .seq = e->seq, .id = e->id};
}

static void keep_answer(struct world *w, const struct core_effect *e)
{
    struct core_info info;
    w->answered++;
    assert_true(w->answered <= w->asked);
    bool promised = e->kind == CORE_EFFECT_SENT && (e->send_result == CORE_ACCEPTED || e->send_result == CORE_DUPLICATE);
    if (promised && core_find(w->core, &e->id, &info))
        assert_true(info.seq <= w->committed && info.state != CORE_COMMITTING);
}

static void observe(struct world *w, const struct core_effect *e)
{
    if (e->kind == CORE_EFFECT_JOURNAL) {
        keep_record(w, e);
        return;
    }
    if (e->kind == CORE_EFFECT_FREED) {
        free_body(w, e);
        return;
    }
    if (e->kind == CORE_EFFECT_DELIVER)
        keep_delivery(w, e);
    else if (e->kind == CORE_EFFECT_GIVEN)
        keep_given_message(w, e);
    else if (e->kind == CORE_EFFECT_SENT || e->kind == CORE_EFFECT_CANCELLED)
        keep_answer(w, e);
    else if (e->kind == CORE_EFFECT_CALL_REPLY)
        w->replies++;
    w->seen = room(w->seen, w->seen_count, &w->seen_cap, sizeof *w->seen);
    w->seen[w->seen_count++] = *e;
}

static void check_bodies(const struct world *w)
{
    struct core_info info;
    uint64_t live = 0, messages = 0;
    for (uint32_t slot = 0; core_next(w->core, &slot, &info); slot++, messages++) {
        assert_in_range(info.location, 1, w->body_count);
        assert_true(w->bodies[info.location - 1].live);
        assert_int_equal(w->bodies[info.location - 1].len, info.body_len);
    }
    uint64_t at = 0, location, kept = 0;
    uint32_t len;
    for (; core_next_kept(w->core, &at, &location, &len); kept++) {
        assert_in_range(location, 1, w->body_count);
        assert_true(w->bodies[location - 1].live && w->bodies[location - 1].len == len);
    }
    for (size_t i = 0; i < w->body_count; i++)
        live += w->bodies[i].live;
    assert_int_equal(live, stats_of(w).messages + kept);
    assert_in_range(messages, 0, stats_of(w).messages); /* those of purged and removed queues are not shown any more */
}

static void step(struct world *w, struct core_event *e)
{
    e->now_ms = w->now_ms;
    core_step(w->core, e, w->out);
    assert_true(w->out->count <= CORE_EFFECTS_MAX);
    w->calls += e->kind == CORE_CALL;
    for (size_t i = 0; i < w->out->count; i++)
        observe(w, &w->out->at[i]);
    assert_int_equal(stats_of(w).bytes_memory, w->memory.bytes);
    if (!w->quick) {
        core_check(w->core);
        check_bodies(w);
    }
}

void event(struct world *w, struct core_event *e)
{
    w->seen_count = w->seen_at = 0;
    step(w, e);
}

void tick(struct world *w, int64_t ms)
{
    w->now_ms += ms;
    event(w, &(struct core_event){.kind = CORE_TICK});
}

void pass(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    int steps = 0;
    w->seen_count = w->seen_at = 0;
    while (core_deadline(w->core) <= end_ms) {
        if (core_deadline(w->core) > w->now_ms)
            w->now_ms = core_deadline(w->core);
        step(w, &(struct core_event){.kind = CORE_TICK});
        assert_true(++steps < 1000000); /* a deadline that never moves */
    }
    w->now_ms = end_ms;
}

/* -- Clients ------------------------------------------------------------------------------------------------------------------------------- */
static struct slice text_of(const char *text) { return text ? slice_text(text) : (struct slice){NULL, 0}; }

void put_letter(struct world *w, const struct letter *l)
{
    struct core_event e = {.kind = CORE_SEND,
                           .client = l->client,
                           .tag = l->tag,
                           .queue = l->queue,
                           .id = name_id(l->name),
                           .group = l->group,
                           .delay_ms = l->delay_ms,
                           .wait = l->wait,
                           .has_key = l->key != NULL,
                           .body = text_of(l->body)};
    if (l->key)
        memcpy(e.key, l->key, strlen(l->key) < sizeof e.key ? strlen(l->key) : sizeof e.key);
    for (size_t i = 0; i < e.body.len; i++)
        e.body_hash = e.body_hash * 31 + e.body.ptr[i];
    w->asked++;
    event(w, &e);
}

void add_many(struct world *w, uint32_t count, const struct letter *l)
{
    bool quick = w->quick;
    w->quick = true;
    for (uint32_t i = 0; i < count; i++) {
        char name[ID_BYTES];
        struct letter one = *l;
        snprintf(name, sizeof name, "%s%u", l->name, i);
        one.name = name;
        put_letter(w, &one);
    }
    w->quick = quick;
    commit(w);
}

void commit_to(struct world *w, uint64_t number)
{
    if (number > w->committed)
        w->committed = number < core_number(w->core) ? number : core_number(w->core);
    event(w, &(struct core_event){.kind = CORE_COMMITTED, .number = number});
}

void commit(struct world *w) { commit_to(w, core_number(w->core)); }

void watch(struct world *w, uint32_t client, const char *name)
{
    event(w, &(struct core_event){.kind = CORE_WATCH, .client = client, .id = name_id(name)});
}

void cancel(struct world *w, uint32_t client, const char *name)
{
    w->asked++;
    event(w, &(struct core_event){.kind = CORE_CANCEL, .client = client, .id = name_id(name)});
}

void client_gone(struct world *w, uint32_t client)
{
    event(w, &(struct core_event){.kind = CORE_CLIENT_GONE, .client = client});
}

uint64_t call(struct world *w, uint32_t client, uint64_t tag, int64_t timeout_ms)
{
    struct core_event e = {.kind = CORE_CALL, .client = client, .tag = tag, .delay_ms = timeout_ms};
    event(w, &e);
    return e.call;
}

/* -- Workers ------------------------------------------------------------------------------------------------------------------------------- */
static void of_worker(struct world *w, enum core_event_kind kind, uint32_t worker)
{
    event(w, &(struct core_event){.kind = kind, .worker = worker});
}

void join(struct world *w, uint32_t worker) { of_worker(w, CORE_WORKER_JOIN, worker); }
void heard(struct world *w, uint32_t worker) { of_worker(w, CORE_WORKER_HEARD, worker); }
void leave(struct world *w, uint32_t worker) { of_worker(w, CORE_WORKER_LEAVE, worker); }
void gone(struct world *w, uint32_t worker) { of_worker(w, CORE_WORKER_GONE, worker); }

void gone_to_heal(struct world *w, uint32_t worker)
{
    event(w, &(struct core_event){.kind = CORE_WORKER_GONE, .worker = worker, .healed = true});
}

void join_healed(struct world *w, uint32_t worker)
{
    event(w, &(struct core_event){.kind = CORE_WORKER_JOIN, .worker = worker, .healed = true});
}

void credit(struct world *w, uint32_t worker, uint32_t messages)
{
    event(w, &(struct core_event){.kind = CORE_WORKER_CREDIT, .worker = worker, .messages = messages});
}

void call_credit(struct world *w, uint32_t worker, uint32_t calls)
{
    event(w, &(struct core_event){.kind = CORE_WORKER_CREDIT, .worker = worker, .calls = calls});
}

struct held held(const struct world *w, const char *name)
{
    struct id id = name_id(name);
    for (size_t i = w->given_count; i-- > 0;)
        if (id_equal(&w->given[i].id, &id))
            return w->given[i];
    print_error("%s was never handed out\n", name);
    fail();
    return (struct held){0};
}

static void about(struct world *w, enum core_event_kind kind, const struct held *h, int64_t delay_ms, const char *body)
{
    event(
        w,
        &(struct core_event){
            .kind = kind, .worker = h->worker, .seq = h->seq, .lease = h->lease, .delay_ms = delay_ms, .body = text_of(body)});
}

void done_with(struct world *w, const struct held *h, const char *outcome) { about(w, CORE_DONE, h, 0, outcome); }

void done(struct world *w, const char *name)
{
    struct held h = held(w, name);
    done_with(w, &h, "ok");
}

void done_all(struct world *w)
{
    size_t count = seen(w, CORE_EFFECT_DELIVER), end = w->given_count;
    w->seen_count = w->seen_at = 0;
    for (size_t i = end - count; i < end; i++) {
        struct held h = w->given[i];
        step(w, &(struct core_event){.kind = CORE_DONE, .worker = h.worker, .seq = h.seq, .lease = h.lease});
    }
}

void give_back(struct world *w, const char *name, int64_t delay_ms)
{
    struct held h = held(w, name);
    about(w, CORE_GIVE_BACK, &h, delay_ms, NULL);
}

void extend(struct world *w, const char *name, int64_t delay_ms)
{
    struct held h = held(w, name);
    about(w, CORE_EXTEND, &h, delay_ms, NULL);
}

void call_done(struct world *w, uint32_t worker, uint64_t number, const char *answer)
{
    event(w, &(struct core_event){.kind = CORE_CALL_DONE, .worker = worker, .call = number, .body = text_of(answer)});
}
