/* network.c - frames take time, and some do not arrive.
 *
 * Between clients and broker anything may happen to a frame: lost, doubled, late, out of order. Between workers and broker frames keep
 * their order, and are lost only with their connection. */
#include "tests/sim/world.h"

static int64_t delay_of(struct world *w)
{
    if (w->plan.net_late_ms > 0 && world_fault(w, 30))
        return rng_between(&w->random, 0, w->plan.net_late_ms);
    return rng_between(&w->random, 0, w->plan.net_ms);
}

static void arrive_at_broker(struct world *w, const struct timer *t)
{
    struct frame *f = frame_at(w, t->frame);
    if (w->broker.up && !w->broker.crashing && f->handle == w->clients[t->who].handle)
        front_receive(w, t->who, f);
    frame_free(w, t->frame);
}

static void arrive_at_client(struct world *w, const struct timer *t)
{
    const struct frame *f = frame_at(w, t->frame);
    for (uint32_t c = 0; c < w->plan.clients; c++)
        if (w->clients[c].handle == f->handle && w->clients[c].instance == f->instance)
            client_receive(w, c, f);
    frame_free(w, t->frame);
}

static void carry(struct world *w, void (*fire)(struct world *, const struct timer *), uint32_t who, uint32_t frame)
{
    if (world_fault(w, w->plan.net_drop)) {
        frame_free(w, frame);
        return;
    }
    if (world_fault(w, w->plan.net_double)) {
        uint32_t copy = frame_new(w, FRAME_SEND, 0);
        *frame_at(w, copy) = *frame_at(w, frame);
        world_after(w, delay_of(w), fire, who, copy, 0);
    }
    world_after(w, delay_of(w), fire, who, frame, 0);
}

void net_from_client(struct world *w, uint32_t client, uint32_t frame)
{
    frame_at(w, frame)->handle = w->clients[client].handle;
    carry(w, arrive_at_broker, client, frame);
}

void net_to_client(struct world *w, uint32_t handle, uint32_t frame)
{
    frame_at(w, frame)->handle = handle;
    frame_at(w, frame)->instance = w->broker.epoch;
    carry(w, arrive_at_client, handle, frame);
}

static void worker_frame_arrives(struct world *w, const struct timer *t)
{
    struct frame *f = frame_at(w, t->frame);
    if (w->broker.up && !w->broker.crashing && f->conn == w->workers[t->who].conn)
        back_receive(w, t->who, f);
    frame_free(w, t->frame);
}

static void broker_frame_arrives(struct world *w, const struct timer *t)
{
    const struct frame *f = frame_at(w, t->frame);
    if (f->conn == w->workers[t->who].conn && w->workers[t->who].up)
        worker_receive(w, t->who, f);
    frame_free(w, t->frame);
}

static int64_t in_order(struct world *w, int64_t *last_ms)
{
    int64_t at_ms = w->now_ms + delay_of(w);
    *last_ms = at_ms > *last_ms ? at_ms : *last_ms;
    return *last_ms - w->now_ms;
}

void net_from_worker(struct world *w, uint32_t worker, uint32_t frame)
{
    frame_at(w, frame)->conn = w->workers[worker].conn;
    world_after(w, in_order(w, &w->workers[worker].to_broker_ms), worker_frame_arrives, worker, frame, 0);
}

void net_to_worker(struct world *w, uint32_t index, uint32_t frame)
{
    const struct peer *p = &w->broker.peers[index];
    frame_at(w, frame)->conn = p->conn;
    world_after(w, in_order(w, &w->workers[p->worker].to_worker_ms), broker_frame_arrives, p->worker, frame, 0);
}
