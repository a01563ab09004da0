/* back.c - frames of workers into events of the core.
 *
 * A worker's name is its guard's and survives the child: a JOIN under a known name with a new incarnation ends the leases of the one
 * before at once, which is how a crash is noticed within milliseconds; silence is only the second line. */
#include "queue/broker.h"

#include <string.h>

#include "common/log.h"
#include "common/op.h"

static uint32_t index_of(const struct broker *b, const struct peer *worker) { return (uint32_t)(worker - b->workers.at); }

static void add_beat(struct msg_beat *sum, const struct msg_beat *beat)
{
    sum->commits += beat->commits;
    sum->recoveries += beat->recoveries;
    sum->applied += beat->applied;
    sum->failed += beat->failed;
}

void back_worker_gone(struct broker *b, struct peer *worker, bool healed)
{
    log_info("worker.gone", "name=%s pid=%llu healed=%s", worker->name, (unsigned long long)worker->pid,
             healed ? "true" : "false");
    struct core_event event = broker_event(b, CORE_WORKER_GONE);
    event.worker = index_of(b, worker);
    event.healed = healed;
    add_beat(&b->departed, &worker->beat);
    peers_remove(&b->workers, worker);
    broker_step(b, &event);
}

void back_worker_lost(struct broker *b, struct peer *worker)
{
    bool lost = worker->lost_ms != 0;
    peers_lose(&b->workers, worker, b->mono_ms);
    if (lost)
        return;
    log_info("worker.lost", "name=%s pid=%llu", worker->name, (unsigned long long)worker->pid);
    struct core_event event = broker_event(b, CORE_WORKER_LEAVE);
    event.worker = index_of(b, worker);
    broker_step(b, &event);
}

static void welcome(struct broker *b, struct peer *worker)
{
    struct buf frame = {0};
    msg_put_welcome(&frame, b->instance, buf_slice(&b->catalog));
    outbox_push(&b->workers, worker, &frame);
    buf_finish(&frame);
}

static void on_join(struct broker *b, const struct net_peer *from, struct msg *m)
{
    struct msg_join join;
    if (msg_read_join(m, &join) != 0 || join.version != MSG_VERSION || join.name.len == 0) {
        log_warn("worker.refused", "reason=version");
        return;
    }
    struct peer *worker = peers_by_address(&b->workers, from);
    if (worker && worker->incarnation == join.incarnation) {
        welcome(b, worker); /* said again because our answer was late */
        return;
    }
    if (worker)
        back_worker_gone(b, worker, join.healed);
    struct peer *before = peers_by_name(&b->workers, join.name);
    if (before)
        back_worker_gone(b, before, join.healed && before->incarnation != join.incarnation);
    worker = peers_add(&b->workers, from, b->mono_ms);
    if (!worker) {
        log_warn("worker.refused", "reason=full workers=%u", BROKER_WORKERS_MAX);
        return;
    }
    size_t len = join.name.len < sizeof worker->name ? join.name.len : sizeof worker->name - 1;
    for (size_t i = 0; i < len; i++)
        worker->name[i] = join.name.ptr[i] > ' ' && join.name.ptr[i] < 127 ? (char)join.name.ptr[i] : '?';
    worker->incarnation = join.incarnation;
    worker->pid = join.pid;
    worker->guard_pid = join.guard_pid;
    log_info("worker.join", "name=%s pid=%llu", worker->name, (unsigned long long)join.pid);
    catalog_update(b, join.catalog);
    welcome(b, worker);
    struct core_event event = broker_event(b, CORE_WORKER_JOIN);
    event.worker = index_of(b, worker);
    broker_step(b, &event);
}

static void on_credit(struct broker *b, struct peer *worker, struct msg *m)
{
    struct core_event event = broker_event(b, CORE_WORKER_CREDIT);
    if (msg_read_credit(m, &event.messages, &event.calls) != 0)
        return;
    event.worker = index_of(b, worker);
    broker_step(b, &event);
}

static void count_outcome(struct broker *b, struct slice body)
{
    struct outcome outcome;
    if (outcome_decode(body, &outcome) == 0 && outcome.state == OUTCOME_SUCCEEDED)
        b->succeeded_total++;
    else
        b->failed_total++;
}

static void on_done(struct broker *b, struct peer *worker, struct msg *m)
{
    struct msg_done done;
    if (msg_read_done(m) != 0)
        return;
    while (msg_next_done(m, &done)) {
        bool ok = done.disposition == MSG_DONE_OK;
        struct core_event event = broker_event(b, ok ? CORE_DONE : CORE_GIVE_BACK);
        event.worker = index_of(b, worker);
        event.seq = done.seq;
        event.lease = done.lease;
        event.body = done.outcome;
        event.delay_ms = done.retry_ms;
        if (ok)
            count_outcome(b, done.outcome);
        broker_step(b, &event);
    }
    if (m->reader.failed)
        log_warn("frame.damaged", "kind=DONE worker=%s", worker->name);
}

static void on_answers(struct broker *b, struct peer *worker, struct msg *m)
{
    struct msg_reply reply;
    if (msg_read_replies(m) != 0)
        return;
    while (msg_next_reply(m, &reply)) {
        struct core_event event = broker_event(b, CORE_CALL_DONE);
        event.worker = index_of(b, worker);
        event.call = reply.call;
        event.body = reply.body;
        broker_step(b, &event);
    }
}

static void on_beat(struct broker *b, struct peer *worker, struct msg *m)
{
    struct msg_beat beat;
    if (msg_read_beat(m, &beat) != 0)
        return;
    worker->beat = beat;
    struct buf frame = {0};
    msg_put_pong(&frame, b->instance);
    outbox_push(&b->workers, worker, &frame);
    buf_finish(&frame);
    struct core_event event = broker_event(b, CORE_WORKER_HEARD);
    event.worker = index_of(b, worker);
    broker_step(b, &event);
}

static void on_leave(struct broker *b, struct peer *worker, struct msg *m)
{
    (void)m;
    log_info("worker.leave", "name=%s", worker->name);
    struct core_event event = broker_event(b, CORE_WORKER_LEAVE);
    event.worker = index_of(b, worker);
    broker_step(b, &event);
}

static void on_tables(struct broker *b, struct peer *worker, struct msg *m)
{
    struct slice catalog;
    (void)worker;
    if (msg_read_catalog(m, &catalog) == 0)
        catalog_update(b, catalog);
}

static void who(struct broker *b, const struct net_peer *from)
{
    struct buf frame = {0};
    msg_put_bare(&frame, MSG_WHO);
    net_router_send(b->back, from, &frame);
    buf_finish(&frame);
}

void back_frame(struct broker *b, const struct net_peer *from, struct slice bytes)
{
    static void (*const arms[MSG_KIND_COUNT])(struct broker *, struct peer *, struct msg *) = {
        [MSG_CREDIT] = on_credit, [MSG_DONE] = on_done,   [MSG_ANSWERS] = on_answers,
        [MSG_BEAT] = on_beat,     [MSG_LEAVE] = on_leave, [MSG_TABLES] = on_tables,
    };
    struct msg m;
    if (msg_open(bytes, &m) != 0) {
        log_warn("frame.damaged", "endpoint=worker bytes=%zu", bytes.len);
        return;
    }
    if (m.kind == MSG_JOIN) {
        on_join(b, from, &m);
        return;
    }
    struct peer *worker = peers_by_address(&b->workers, from);
    if (!worker) {
        who(b, from);
        return;
    }
    worker->heard_ms = b->mono_ms;
    if (arms[m.kind])
        arms[m.kind](b, worker, &m);
    else if (m.kind != MSG_PING)
        log_warn("frame.unexpected", "kind=%s worker=%s", msg_kind_name(m.kind), worker->name);
}
