/* bench_native.c - the queue without HTTP: messages through the queue client, so many under way at once, each measured from its
 * submission to the word that it is on disk. What a turn of the loop submits travels as one frame. */
#include <stdlib.h>

#include "cli/bench_run.h"
#include "cli/session.h"
#include "common/clock.h"
#include "common/id.h"
#include "common/queue_client.h"

#define QUEUE "leat-jobs"
#define CONNECT_MS 5000

/* A message under way: where it was begun, or the next free place. */
struct place {
    int64_t begun_us;
    uint32_t next_free;
};

struct load {
    struct bench_run *run;
    struct queue_client *client;
    struct place *places;
    uint32_t place_count, free, under_way;
    bool up, stuck;        /* stuck: the client takes no more until something is answered */
    struct buf catalog;    /* key schemas, as the broker tells them */
    struct key_schema own; /* of the mix's table, where the broker knows none yet */
    struct slice own_table;
    struct id_maker ids;
    int64_t wall_ms;
    uint64_t salt;
};

/* -- Callbacks ---------------------------------------------------------------------------------------------------------------- */
static void on_sent(void *self, void *tag, enum msg_result result, const struct id *known)
{
    static const enum bench_fault faults[MSG_RESULT_COUNT] = {[MSG_MISMATCH] = BENCH_FAULT_MISMATCH,
                                                              [MSG_FULL] = BENCH_FAULT_FULL,
                                                              [MSG_DISK_FULL] = BENCH_FAULT_DISK_FULL,
                                                              [MSG_NO_QUEUE] = BENCH_FAULT_NO_QUEUE,
                                                              [MSG_INVALID] = BENCH_FAULT_INVALID};
    struct load *l = self;
    struct place *p = tag;
    (void)known;
    if (result == MSG_ACCEPTED || result == MSG_DUPLICATE)
        bench_tally_ok(l->run->tally, clock_mono_us() - p->begun_us);
    else
        bench_tally_fault(l->run->tally, result < MSG_RESULT_COUNT ? faults[result] : BENCH_FAULT_INVALID);
    p->next_free = l->free;
    l->free = (uint32_t)(p - l->places);
    l->under_way--;
}

static void on_link(void *self, bool up) { ((struct load *)self)->up = up; }

static void on_catalog(void *self, struct slice catalog)
{
    struct load *l = self;
    buf_reset(&l->catalog);
    buf_append(&l->catalog, catalog.ptr, catalog.len);
}

/* Nothing of these kinds is ever asked for. */
static void on_result(void *self, const struct id *id, struct slice outcome) { (void)self, (void)id, (void)outcome; }
static void on_reply(void *self, void *tag, enum msg_call_status status, struct slice body)
{
    (void)self, (void)tag, (void)status, (void)body;
}
static void on_state(void *self, void *tag, const struct msg_state_reply *state) { (void)self, (void)tag, (void)state; }
static void on_admin(void *self, void *tag, unsigned code, struct slice value)
{
    (void)self, (void)tag, (void)code, (void)value;
}

/* -- Sending ------------------------------------------------------------------------------------------------------------------ */
static const struct key_schema *schema_of(const struct load *l, struct slice table, struct key_schema *space)
{
    if (table.len > 0 && catalog_find(buf_slice(&l->catalog), table, space))
        return space;
    return slice_equal(table, l->own_table) ? &l->own : NULL;
}

/* One message more; false when the client takes none at the moment. */
static bool submit(struct load *l, int64_t planned_us)
{
    const struct bench_job *job = bench_jobs_next(l->run->jobs);
    struct key_schema space;
    uint8_t slice;
    struct place *p = &l->places[l->free];
    struct msg_send m = {.body = buf_slice(&job->encoded)};
    m.group = op_group(&job->op, schema_of(l, job->op.table, &space), ++l->salt, &slice);
    m.id = id_make(&l->ids, l->wall_ms, slice);
    p->begun_us = planned_us;
    uint32_t next = p->next_free;
    if (queue_client_send(l->client, QUEUE, &m, p) != 0)
        return false;
    l->free = next;
    l->under_way++;
    l->run->tally->bytes_out += m.body.len;
    return true;
}

/* May a message go out now, and for which moment was it planned? Turns of places that the profile leaves out are passed over. */
static bool is_due(struct load *l, int64_t now_us, int64_t *planned_us)
{
    struct bench_pace *pace = &l->run->pace;
    uint64_t lane;
    *planned_us = now_us;
    if (pace->rate == 0)
        return true;
    while (pace->next % pace->lanes >= l->run->target)
        if (!bench_pace_take(pace, now_us, &lane))
            return false;
    *planned_us = bench_pace_due_us(pace);
    return *planned_us <= now_us;
}

static void refill(struct load *l)
{
    uint64_t lane;
    int64_t now_us = clock_mono_us(), planned_us;
    l->stuck = false;
    if (l->under_way >= l->run->target)
        return;
    l->wall_ms = clock_wall_ms();
    while (l->under_way < l->run->target && !l->stuck && is_due(l, now_us, &planned_us)) {
        l->stuck = !submit(l, planned_us);
        if (!l->stuck)
            bench_pace_take(&l->run->pace, now_us, &lane);
    }
}

/* One turn of the client, waiting at most until then for the broker. */
static void turn(struct load *l, int64_t until_us)
{
    int64_t now_us = clock_mono_us(), planned_us;
    queue_client_flush(l->client, now_us / 1000);
    queue_client_process(l->client, now_us / 1000);
    bool room = l->under_way < l->run->target && l->up && !l->stuck;
    if (room && is_due(l, now_us, &planned_us))
        return; /* the next one already */
    if (room && bench_pace_due_us(&l->run->pace) < until_us)
        until_us = bench_pace_due_us(&l->run->pace);
    int64_t deadline_ms = queue_client_deadline(l->client);
    if (deadline_ms < until_us / 1000)
        until_us = deadline_ms * 1000;
    bench_run_wait(queue_client_fd(l->client), until_us, now_us);
    queue_client_process(l->client, clock_mono_ms());
}

/* False: it is over. */
static bool tick(struct load *l, int64_t now_us)
{
    uint64_t target = l->run->target;
    bool goes_on = bench_run_turn(l->run, l->run->target, l->under_way, now_us);
    if (target > 0 && l->run->target == 0) /* of all turns, those of the places that were in use */
        l->run->tally->missed = bench_pace_missed(&l->run->pace, now_us) * target / l->run->pace.lanes;
    return goes_on;
}

static void loop(struct load *l)
{
    int64_t now_us = clock_mono_us(), tick_us = now_us;
    bench_run_begin(l->run, l->place_count, now_us);
    for (;;) {
        if (now_us >= tick_us) {
            if (!tick(l, now_us))
                break;
            tick_us = now_us + BENCH_TURN_MS * 1000;
        }
        refill(l);
        turn(l, tick_us);
        now_us = clock_mono_us();
    }
    bench_run_end(l->run, l->under_way);
}

/* -- Beginning and end -------------------------------------------------------------------------------------------------------- */
static int connect_to(struct load *l, struct err *e)
{
    static const struct queue_client_events events = {.sent = on_sent,
                                                      .result = on_result,
                                                      .reply = on_reply,
                                                      .state = on_state,
                                                      .admin = on_admin,
                                                      .catalog = on_catalog,
                                                      .link = on_link};
    const struct bench_settings *s = l->run->s;
    struct buf endpoint = {0};
    session_endpoint(s->data, s->endpoint, &endpoint);
    const char *name = (const char *)endpoint.data;
    int64_t until_ms = clock_mono_ms() + CONNECT_MS;
    if (buf_failed(&endpoint))
        err_set(e, ERR_INTERNAL, "out of memory");
    else
        l->client = queue_client_create(name, "cli", "leat bench", &events, l, clock_mono_ms(), e);
    while (l->client && !l->up && clock_mono_ms() < until_ms)
        turn(l, clock_mono_us() + 50000);
    int result = l->up ? 0 : -1;
    if (l->client && !l->up)
        err_set(e, ERR_UNAVAILABLE, "no broker answers at %s; is the stack running?", name);
    buf_finish(&endpoint);
    return result;
}

static int prepare(struct load *l, struct err *e)
{
    struct err ignored;
    l->place_count = (uint32_t)l->run->s->pipeline;
    l->places = calloc(l->place_count, sizeof *l->places);
    if (!l->places || id_maker_init(&l->ids) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory, or no randomness");
    for (uint32_t i = 0; i < l->place_count; i++)
        l->places[i].next_free = i + 1;
    if (table_spec_parse(l->run->s->table, &l->own_table, &l->own, &ignored) != 0)
        l->own_table = (struct slice){0}; /* the jobs are those of a file */
    if (bench_jobs_encode(l->run->jobs, e) != 0)
        return -1;
    return connect_to(l, e);
}

int bench_native_run(struct bench_run *r, struct err *e)
{
    struct load *l = calloc(1, sizeof *l);
    if (!l)
        return err_set(e, ERR_INTERNAL, "out of memory");
    l->run = r;
    int result = prepare(l, e);
    if (result == 0)
        loop(l);
    queue_client_destroy(&l->client);
    buf_finish(&l->catalog);
    free(l->places);
    free(l);
    return result;
}
