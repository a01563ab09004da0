/* core_world_look.c - what was seen and what is: expectations of a story, and recovery from its journal. */
#include "tests/lib/core_world.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[CORE_EFFECT_KIND_COUNT] = {"JOURNAL",   "SENT",     "DELIVER",    "RESULT", "DEAD",
                                                          "CANCELLED", "CALL",     "CALL_REPLY", "LEFT",   "FREED",
                                                          "ANSWER",    "RECEIVED", "GIVEN"};

static void show_seen(const struct world *w)
{
    for (size_t i = 0; i < w->seen_count; i++) {
        const struct core_effect *e = &w->seen[i];
        print_error("%s %s client %u worker %u id %.15s send %d call %d reason %s\n", i == w->seen_at ? "->" : "  ",
                    kinds[e->kind], e->client, e->worker, (const char *)e->id.bytes, (int)e->send_result, (int)e->call_result,
                    e->reason ? e->reason : "");
    }
}

/* The next visible effect, which must be of this kind and, with a name, of this message. */
static const struct core_effect *next(struct world *w, enum core_effect_kind kind, const char *name)
{
    struct id id = name ? name_id(name) : (struct id){{0}};
    if (w->seen_at == w->seen_count || w->seen[w->seen_at].kind != kind || (name && !id_equal(&w->seen[w->seen_at].id, &id))) {
        print_error("expected %s %s, saw (%zu effects):\n", kinds[kind], name ? name : "", w->seen_count);
        show_seen(w);
        fail();
    }
    return &w->seen[w->seen_at++];
}

void expect_sent(struct world *w, uint32_t client, const char *name, enum core_send_result result)
{
    const struct core_effect *e = next(w, CORE_EFFECT_SENT, name);
    assert_int_equal(e->send_result, result);
    assert_int_equal(e->client, client);
}

void expect_delivered(struct world *w, uint32_t worker, const char *name)
{
    assert_int_equal(next(w, CORE_EFFECT_DELIVER, name)->worker, worker);
}

void expect_result(struct world *w, uint32_t client, const char *name, const char *outcome)
{
    const struct core_effect *e = next(w, CORE_EFFECT_RESULT, name);
    assert_int_equal(e->client, client);
    assert_true(slice_equal(e->body, slice_text(outcome)));
}

void expect_dead(struct world *w, uint32_t client, const char *name, const char *part_of_reason)
{
    if (w->seen_at == w->seen_count) /* told when it is on disk, not before */
        commit(w);
    const struct core_effect *e = next(w, CORE_EFFECT_DEAD, name);
    assert_int_equal(e->client, client);
    if (!strstr(e->reason, part_of_reason))
        fail_msg("the reason is \"%s\"", e->reason);
}

void expect_cancelled(struct world *w, uint32_t client, const char *name)
{
    const struct core_effect *e = next(w, CORE_EFFECT_CANCELLED, name);
    assert_int_equal(e->client, client);
    assert_true(e->cancelled);
}

void expect_not_cancelled(struct world *w, uint32_t client, const char *name, enum core_state state)
{
    const struct core_effect *e = next(w, CORE_EFFECT_CANCELLED, name);
    assert_int_equal(e->client, client);
    assert_false(e->cancelled);
    assert_int_equal(e->state, state);
}

void expect_call(struct world *w, uint32_t worker, uint64_t number)
{
    const struct core_effect *e = next(w, CORE_EFFECT_CALL, NULL);
    assert_int_equal(e->worker, worker);
    assert_int_equal(e->call, number);
}

void expect_reply(struct world *w, uint32_t client, uint64_t tag, enum core_call_result result)
{
    const struct core_effect *e = next(w, CORE_EFFECT_CALL_REPLY, NULL);
    assert_int_equal(e->client, client);
    assert_int_equal(e->tag, tag);
    assert_int_equal(e->call_result, result);
}

void expect_left(struct world *w, uint32_t worker) { assert_int_equal(next(w, CORE_EFFECT_LEFT, NULL)->worker, worker); }

void expect_nothing(struct world *w)
{
    if (w->seen_at == w->seen_count)
        return;
    print_error("expected nothing more, saw:\n");
    show_seen(w);
    fail();
}

size_t seen(const struct world *w, enum core_effect_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < w->seen_count; i++)
        count += w->seen[i].kind == kind;
    return count;
}

const struct core_record *last_record(const struct world *w)
{
    assert_true(w->journal_count > 0);
    return &w->journal[w->journal_count - 1].record;
}

size_t records(const struct world *w, enum core_record_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < w->journal_count; i++)
        count += w->journal[i].record.kind == kind;
    return count;
}

struct core_info info_of(const struct world *w, const char *name)
{
    struct id id = name_id(name);
    struct core_info info = {0};
    if (!core_find(w->core, &id, &info))
        fail_msg("%s is not there", name);
    return info;
}

void expect_state(const struct world *w, const char *name, enum core_state state)
{
    assert_int_equal(info_of(w, name).state, state);
}

void expect_unknown(const struct world *w, const char *name)
{
    struct id id = name_id(name);
    struct core_info info;
    assert_false(core_find(w->core, &id, &info));
}

void expect_counts(const struct world *w, uint32_t queue, const uint64_t counts[CORE_STATE_COUNT])
{
    const struct core_queue_attributes *a;
    struct core_queue_stats s;
    assert_true(core_queue_stats(w->core, queue, &a, &s));
    for (int i = 0; i < CORE_STATE_COUNT; i++)
        assert_int_equal(s.count[i], counts[i]);
}

uint64_t queue_total(const struct world *w, uint32_t queue)
{
    const struct core_queue_attributes *a;
    struct core_queue_stats s;
    uint64_t total = 0;
    assert_true(core_queue_stats(w->core, queue, &a, &s));
    for (int i = 0; i < CORE_STATE_COUNT; i++)
        total += s.count[i];
    return total;
}

struct core_stats stats_of(const struct world *w)
{
    struct core_stats s;
    core_stats(w->core, &s);
    return s;
}

/* -- Recovery --------------------------------------------------------------------------------------------------------------------------------- */
static void recount_bodies(struct world *w)
{
    struct core_info info;
    for (size_t i = 0; i < w->body_count; i++)
        w->bodies[i].live = false;
    for (uint32_t slot = 0; core_next(w->core, &slot, &info); slot++)
        w->bodies[info.location - 1].live = true;
    uint64_t at = 0, location;
    uint32_t len;
    while (core_next_kept(w->core, &at, &location, &len))
        w->bodies[location - 1].live = true;
}

static void *copy_of(const void *from, size_t bytes)
{
    void *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    if (bytes > 0)
        memcpy(copy, from, bytes);
    return copy;
}

struct world *world_recover(const struct world *w, size_t dropped)
{
    struct world *after = world_create_with(&w->config, 0);
    assert_in_range(dropped, 0, w->journal_count);
    for (size_t i = 0; i < w->journal_count; i++)
        if (i >= dropped || w->journal[i].record.kind == CORE_REC_DEFINE)
            assert_int_equal(core_replay(after->core, &w->journal[i].record, w->journal[i].location), 0);
    int64_t newest_ms = core_replayed(after->core);
    assert_true(newest_ms <= w->now_ms);
    assert_int_equal(core_number(after->core), core_number(w->core));
    after->now_ms = w->now_ms;
    after->committed = core_number(after->core);
    after->journal = copy_of(w->journal, w->journal_count * sizeof *w->journal);
    after->journal_count = after->journal_cap = w->journal_count;
    after->bodies = copy_of(w->bodies, w->body_count * sizeof *w->bodies);
    after->body_count = after->body_cap = w->body_count;
    recount_bodies(after);
    core_check(after->core);
    tick(after, 0);
    return after;
}

static bool is_of_jobs(const struct world *w, uint32_t queue)
{
    const struct core_queue_attributes *a;
    struct core_queue_stats s;
    return core_queue_stats(w->core, queue, &a, &s) && a->kind == CORE_JOBS;
}

static void expect_same_state(const struct core_info *was, const struct core_info *is, bool jobs)
{
    bool waits = is->state == CORE_READY || is->state == CORE_BLOCKED || is->state == CORE_DELAYED;
    if (was->state == CORE_COMMITTING)
        assert_true(waits);
    else if (!jobs)
        assert_true(is->state == was->state && is->due_ms == was->due_ms);
    else if (was->state == CORE_LEASED)
        assert_int_equal(is->state, CORE_READY);
    else if (was->state == CORE_DELAYED) /* the delay of one that was given back is not kept */
        assert_true(is->state == CORE_READY || (is->state == CORE_DELAYED && is->due_ms == was->due_ms));
    else
        assert_int_equal(is->state, was->state);
}

void expect_same_messages(const struct world *before, const struct world *after)
{
    struct core_info was, is;
    uint64_t count = 0;
    for (uint32_t slot = 0; core_next(before->core, &slot, &was); slot++, count++) {
        if (!core_find(after->core, &was.id, &is))
            fail_msg("%.15s was lost", (const char *)was.id.bytes);
        assert_int_equal(is.queue, was.queue);
        assert_int_equal(is.seq, was.seq);
        assert_int_equal(is.group, was.group);
        assert_int_equal(is.accepted_ms, was.accepted_ms);
        assert_int_equal(is.body_len, was.body_len);
        assert_int_equal(is.location, was.location);
        bool jobs = is_of_jobs(before, was.queue);
        assert_int_equal(is.receive_count, was.receive_count - (jobs && was.state == CORE_LEASED));
        assert_string_equal(is.reason, was.reason);
        assert_string_equal(is.source, was.source);
        assert_true(is.first_ms == was.first_ms && is.priority == was.priority);
        expect_same_state(&was, &is, jobs);
    }
    assert_int_equal(stats_of(after).messages, count);
}

struct last_of_group {
    uint64_t group, seq;
};

static void check_order(struct last_of_group *last, size_t *count, uint64_t group, uint64_t seq)
{
    for (size_t i = 0; i < *count; i++)
        if (last[i].group == group) {
            assert_true(last[i].seq < seq);
            last[i].seq = seq;
            return;
        }
    assert_true(*count < 256);
    last[(*count)++] = (struct last_of_group){group, seq};
}

void drain(struct world *w)
{
    struct last_of_group last[256];
    size_t count = 0;
    for (uint32_t i = 0; i < 16; i++) /* nobody else may hold or take anything */
        gone(w, i);
    size_t at = w->given_count;
    join(w, 1000);
    for (int turn = 0; queue_total(w, JOBS) > 0; turn++) {
        struct core_info info;
        assert_true(turn < 100000);
        credit(w, 1000, 500);
        if (at == w->given_count)
            pass(w, core_deadline(w->core) - w->now_ms);
        while (at < w->given_count) {
            struct held h = w->given[at++];
            assert_true(core_slot(w->core, h.slot, h.seq, &info));
            if (info.group != 0)
                check_order(last, &count, info.group, info.seq);
            done_with(w, &h, "drained");
        }
    }
}

void check_recovery(const struct world *w)
{
    struct world *after = world_recover(w, 0);
    expect_same_messages(w, after);
    drain(after);
    world_destroy(&after);
}

/* -- Whoever looks after it ------------------------------------------------------------------------------------------------------------------ */
void queue_set(struct world *w, uint32_t queue, const struct core_queue_attributes *a)
{
    event(w, &(struct core_event){.kind = CORE_QUEUE_SET, .queue = queue, .attributes = a});
}

void purge(struct world *w, uint32_t queue) { event(w, &(struct core_event){.kind = CORE_PURGE, .queue = queue}); }

void redrive(struct world *w, uint32_t from, uint32_t to, uint32_t max)
{
    event(w, &(struct core_event){.kind = CORE_REDRIVE, .queue = from, .target = to, .messages = max});
}

void disk(struct world *w, bool full) { event(w, &(struct core_event){.kind = CORE_DISK, .full = full}); }

void move_body(struct world *w, const char *name)
{
    struct core_info info = info_of(w, name);
    static const unsigned char bytes[64];
    assert_true(info.body_len <= sizeof bytes);
    event(w, &(struct core_event){
                 .kind = CORE_MOVE_BODY, .slot = info.slot, .seq = info.seq, .body = slice_of(bytes, info.body_len)});
}
