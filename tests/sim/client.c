/* client.c - gateways: they send their jobs in batches, send again what is not answered, and wait for the ends of some.
 *
 * A client gives up a job that it could not place for a while; in the calm it goes on until everything is answered. What it waits for it
 * asks for again (WATCH) when nothing was heard; when the broker knows nothing any more, the job has ended, and the store has its outcome. */
#include <string.h>

#include "tests/sim/world.h"

#define AGAIN_MS 300      /* an unanswered job is sent again after so long, at the earliest */
#define ASK_AGAIN_MS 1000 /* the same for what is waited for */
#define TURN_MS 150
#define PATIENCE_MS 60000 /* in the calm, with a broker that is full */

static void settle(struct world *w, struct job *j)
{
    if (j->phase == JOB_SETTLED)
        return;
    j->phase = JOB_SETTLED;
    w->unsettled--;
}

static void send_jobs(struct world *w, uint32_t client, const uint32_t *jobs, uint32_t count)
{
    if (count == 0)
        return;
    uint32_t frame = frame_new(w, FRAME_SEND, count);
    for (uint32_t i = 0; i < count; i++) {
        struct job *j = &w->jobs[jobs[i]];
        frame_at(w, frame)->at[i].job = jobs[i];
        if (j->phase == JOB_UNSENT)
            j->begun_ms = w->now_ms;
        j->phase = JOB_SENT;
        j->said_ms = w->now_ms;
        j->tries++;
    }
    net_from_client(w, client, frame);
}

static uint32_t new_jobs(struct world *w, uint32_t client, uint32_t most)
{
    struct client *c = &w->clients[client];
    uint32_t jobs[SIM_ENTRIES], count = 0;
    for (; count < most && c->next < w->job_count; c->next += w->plan.clients)
        jobs[count++] = c->next;
    send_jobs(w, client, jobs, count);
    return count;
}

static void ask(struct world *w, uint32_t client, enum frame_kind kind, uint32_t job)
{
    uint32_t frame = frame_new(w, kind, 1);
    frame_at(w, frame)->at[0].job = job;
    net_from_client(w, client, frame);
}

/* One pass over all jobs of a client that are under way, oldest first. */
static void go_on(struct world *w, uint32_t client, int64_t patience_ms)
{
    uint32_t jobs[SIM_ENTRIES], count = 0;
    for (uint32_t i = client; i < w->clients[client].next; i += w->plan.clients) {
        struct job *j = &w->jobs[i];
        if (j->phase == JOB_SENT && !w->calm && w->now_ms - j->begun_ms > SIM_GIVE_UP_MS) {
            settle(w, j);
        } else if (j->phase == JOB_SENT && w->now_ms - j->said_ms >= patience_ms) {
            jobs[count++] = i;
        } else if (j->phase == JOB_WAITING && w->now_ms - j->said_ms > ASK_AGAIN_MS) {
            j->said_ms = w->now_ms;
            ask(w, client, FRAME_WATCH, i);
        }
        if (count == w->plan.batch) {
            send_jobs(w, client, jobs, count);
            count = 0;
        }
    }
    send_jobs(w, client, jobs, count);
}

static void call(struct world *w, uint32_t client)
{
    uint32_t frame = frame_new(w, FRAME_CALL, 1);
    frame_at(w, frame)->at[0].value = rng_next(&w->random) >> 40;
    frame_at(w, frame)->at[0].delay_ms = rng_between(&w->random, 1, 3000);
    net_from_client(w, client, frame);
}

/* A new name with the broker: for a new process, or in a new life of the broker. */
static void introduce(struct world *w, uint32_t client)
{
    struct client *c = &w->clients[client];
    c->handle = w->broker.handles++;
    c->instance = w->broker.epoch;
}

static void restart(struct world *w, uint32_t client)
{
    if (w->broker.handles >= SIM_HANDLES || !w->broker.up || w->clients[client].instance != w->broker.epoch)
        return;
    world_say(w, "-- client %u starts anew --", client);
    front_client_gone(w, client);
    introduce(w, client);
}

/* Cancels a job, and now and then older ones of its group as well: who stands behind them waits for several records. */
static void change_mind(struct world *w, uint32_t client, uint32_t job)
{
    uint32_t more = rng_below(&w->random, 3);
    ask(w, client, FRAME_CANCEL, job);
    for (uint32_t i = job; more > 0 && w->jobs[job].group != 0 && i >= w->plan.clients;) {
        i -= w->plan.clients;
        if (w->jobs[i].group != w->jobs[job].group || w->jobs[i].queue != w->jobs[job].queue)
            continue;
        ask(w, client, FRAME_CANCEL, i);
        more--;
    }
}

static void whims(struct world *w, uint32_t client)
{
    struct client *c = &w->clients[client];
    if (world_fault(w, w->plan.call))
        call(w, client);
    if (c->next > client) {
        uint32_t sent = (c->next - client) / w->plan.clients, any = client + rng_below(&w->random, sent) * w->plan.clients;
        if (world_fault(w, w->plan.cancel))
            change_mind(w, client, any);
        if (world_fault(w, w->plan.watch))
            ask(w, client, FRAME_WATCH, any);
        if (world_fault(w, w->plan.split) && w->jobs[any].phase > JOB_UNSENT &&
            w->now_ms - w->jobs[any].begun_ms < SIM_GIVE_UP_MS) { /* again, though it may be answered already */
            uint32_t frame = frame_new(w, FRAME_SEND, 1);
            frame_at(w, frame)->at[0].job = any;
            net_from_client(w, client, frame);
        }
    }
    if (world_fault(w, w->plan.client_restart))
        restart(w, client);
}

static void turn(struct world *w, const struct timer *t)
{
    struct client *c = &w->clients[t->who];
    bool reconnected = c->instance != w->broker.epoch && w->broker.up;
    if (reconnected)
        introduce(w, t->who);
    uint32_t frames = w->plan.burst ? SIM_JOBS_MAX / SIM_ENTRIES : 1, most = w->plan.burst ? SIM_ENTRIES : w->plan.batch;
    if (rng_below(&w->random, 2) == 0)
        most = 1 + rng_below(&w->random, most);
    while (frames-- > 0)
        new_jobs(w, t->who, most);
    go_on(w, t->who, reconnected ? 0 : w->plan.burst ? 4 * AGAIN_MS : AGAIN_MS);
    whims(w, t->who);
    world_after(w, rng_between(&w->random, 1, TURN_MS), turn, t->who, 0, 0);
}

void clients_start(struct world *w)
{
    for (uint32_t c = 0; c < w->plan.clients; c++) {
        w->clients[c].next = c;
        introduce(w, c);
        world_after(w, rng_between(&w->random, 0, TURN_MS), turn, c, 0, 0);
    }
}

static void on_sent(struct world *w, const struct entry *e)
{
    struct job *j = &w->jobs[e->job];
    if (j->phase != JOB_SENT)
        return;
    j->said_ms = w->now_ms;
    bool refused = e->result == CORE_FULL || e->result == CORE_DISK_FULL;
    if (refused && w->now_ms < w->plan.faults_ms + PATIENCE_MS)
        return; /* later again; but dead letters may fill the broker for good */
    if (j->wait && (e->result == CORE_ACCEPTED || e->result == CORE_DUPLICATE) && j->promised)
        j->phase = JOB_WAITING;
    else
        settle(w, j);
}

/* Only the right outcome: as the store has it. */
static void on_end(struct world *w, const struct frame *f)
{
    const struct entry *e = &f->at[0];
    struct job *j = &w->jobs[e->job];
    if (f->kind == FRAME_RESULT && e->value != j->outcome.value)
        world_fail(w, "job %u: its client got an outcome that the store does not have", e->job);
    if (j->phase == JOB_WAITING)
        settle(w, j);
}

void client_receive(struct world *w, uint32_t client, const struct frame *f)
{
    (void)client;
    for (uint32_t i = 0; f->kind == FRAME_SENT && i < f->count; i++)
        on_sent(w, &f->at[i]);
    if (f->kind != FRAME_SENT)
        on_end(w, f);
}
