/* mail_queues.c - what operators do: make, change, purge, remove queues; move tasks. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/mail.h"

/* -- Queues ------------------------------------------------------------------------------------------------------------------------ */
static struct core_queue_attributes some_attributes(struct mail_world *w, uint32_t q)
{
    static const char *const dead[MAIL_QUEUES] = {"dead", "", "dead.fifo", "", "dead", "dead.fifo"};
    struct core_queue_attributes a;
    memset(&a, 0, sizeof a); /* padding, too: compared as bytes */
    snprintf(a.name, sizeof a.name, "%s", mail_name(q));
    snprintf(a.dead_letter, sizeof a.dead_letter, "%s", mail_pick(w, 3) ? dead[q] : "");
    a.kind = mail_kind(q);
    a.visibility_ms = rng_between(&w->random, 300, 5000);
    a.delay_ms = mail_pick(w, 4) == 0 ? rng_between(&w->random, 1, 2000) : 0;
    a.retention_ms = mail_pick(w, 6) == 0 ? rng_between(&w->random, 20000, 90000) : 100 * 86400000ll;
    a.max_lease_ms = mail_pick(w, 4) == 0 ? 6000 : 0;
    a.max_receive_count = a.dead_letter[0] ? 1 + mail_pick(w, 4) : 0;
    a.max_inflight = mail_pick(w, 4) == 0 ? 1 + mail_pick(w, 6) : 0;
    a.max_per_group = a.kind == CORE_STANDARD && mail_pick(w, 4) == 0 ? 1 + mail_pick(w, 3) : 0;
    a.deduplicate_by_group = a.kind == CORE_FIFO && mail_pick(w, 3) == 0;
    a.paused = mail_pick(w, 10) == 0 && !w->calm;
    return a;
}

void mail_create(struct mail_world *w, uint32_t q)
{
    struct core_event e = mail_event(w, CORE_QUEUE_CREATE);
    struct core_queue_attributes attributes = some_attributes(w, q);
    const struct mail_queue *m = &w->model.queues[q];
    bool rests = m->removed_ms > 0 && m->removed_ms + LIMIT_QUEUE_REST_MS > w->now_ms;
    struct mail_ask *a = mail_ask(w, &e, q,
                                  m->made        ? CORE_EXISTS
                                  : rests        ? CORE_DELETED_RECENTLY
                                  : w->exhausted ? CORE_EXHAUSTED
                                                 : CORE_OK);
    if (!a)
        return;
    e.attributes = &attributes;
    e.body = slice_text("of the front");
    for (size_t i = 0; i < sizeof e.key; i++)
        e.key[i] = (unsigned char)rng_next(&w->random);
    a->maybe_full = true;
    if (a->expected == CORE_EXISTS)
        a->number = 0;
    uint64_t before = w->model.number;
    mail_step(w, &e);
    if (w->model.number > before && a->open)
        a->number = w->model.number;
}

/* The scope of a FIFO queue's keys stays: what is known under the one is not under the other. */
void mail_deed_change(struct mail_world *w)
{
    uint32_t q = mail_pick(w, MAIL_QUEUES);
    struct core_event e = mail_event(w, CORE_QUEUE_CHANGE);
    struct core_queue_attributes attributes = some_attributes(w, q);
    const struct mail_queue *m = &w->model.queues[q];
    struct mail_ask *a = mail_ask(w, &e, q, !m->made ? CORE_NO_SUCH_QUEUE : w->exhausted ? CORE_EXHAUSTED : CORE_OK);
    if (!a)
        return;
    attributes.deduplicate_by_group = m->a.deduplicate_by_group;
    e.attributes = &attributes;
    e.body = slice_text("changed");
    mail_put(w, &e, a);
}

static void deed_end_queue(struct mail_world *w, enum core_event_kind kind)
{
    uint32_t q = mail_pick(w, MAIL_QUEUES);
    struct core_event e = mail_event(w, kind);
    const struct mail_queue *m = &w->model.queues[q];
    bool purge = kind == CORE_QUEUE_PURGE, lately = purge && m->purged_ms > 0 && m->purged_ms + LIMIT_QUEUE_REST_MS > w->now_ms;
    struct mail_ask *a = mail_ask(w, &e, q,
                                  !m->made       ? CORE_NO_SUCH_QUEUE
                                  : lately       ? CORE_IN_PROGRESS
                                  : w->exhausted ? CORE_EXHAUSTED
                                                 : CORE_OK);
    if (!a)
        return;
    e.id.bytes[0] = 'x';
    memcpy(e.id.bytes + 1, &w->ask_count, sizeof w->ask_count);
    e.body = slice_text(mail_name(q));
    mail_put(w, &e, a);
    for (uint32_t i = 0; i < MAIL_ATTEMPTS && a->expected == CORE_OK; i++)
        w->attempts[i].spoilt = w->attempts[i].spoilt || w->attempts[i].queue == q;
}

void mail_deed_purge(struct mail_world *w) { deed_end_queue(w, CORE_QUEUE_PURGE); }
void mail_deed_remove(struct mail_world *w) { deed_end_queue(w, CORE_QUEUE_REMOVE); }
void mail_deed_create(struct mail_world *w) { mail_create(w, mail_pick(w, MAIL_QUEUES)); }

/* -- Tasks ------------------------------------------------------------------------------------------------------------------------- */
static bool takes_dead_letters(const struct mail_world *w, uint32_t queue)
{
    for (uint32_t q = 0; q < MAIL_QUEUES; q++)
        if (w->model.queues[q].made && mail_dead_letters(w, q) == queue)
            return true;
    return false;
}

static uint32_t running_task(const struct mail_world *w, uint32_t queue)
{
    for (uint32_t t = 0; t < MAIL_TASKS; t++)
        if (w->model.tasks[t].there && w->model.tasks[t].queue == queue && w->model.tasks[t].task.status == CORE_TASK_RUNNING)
            return t;
    return MAIL_NONE;
}

void mail_deed_task(struct mail_world *w)
{
    uint32_t q = mail_pick(w, 2) ? 1 : 3, id = w->ask_count % MAIL_TASKS, elsewhere = q == 1 ? 4 : 5;
    bool named = mail_pick(w, 4) == 0, made = w->model.queues[q].made;
    struct core_event e = mail_event(w, CORE_TASK_START);
    if (w->model.tasks[id].there)
        return;
    enum core_answer expected = !made                                       ? CORE_NO_SUCH_QUEUE
                                : running_task(w, q) != MAIL_NONE           ? CORE_IN_PROGRESS
                                : !takes_dead_letters(w, q)                 ? CORE_NO_SOURCE
                                : named && !w->model.queues[elsewhere].made ? CORE_NO_DESTINATION
                                : w->exhausted                              ? CORE_EXHAUSTED
                                                                            : CORE_OK;
    struct mail_ask *a = mail_ask(w, &e, q, expected);
    if (!a)
        return;
    e.id.bytes[0] = 't';
    e.id.bytes[1] = (unsigned char)id;
    memcpy(e.id.bytes + 2, &w->ask_count, sizeof w->ask_count);
    e.body = named ? slice_text(mail_name(elsewhere)) : (struct slice){NULL, 0};
    e.messages = mail_pick(w, 3) ? 0 : 1 + mail_pick(w, 20);
    mail_put(w, &e, a);
}

void mail_deed_cancel_task(struct mail_world *w)
{
    uint32_t q = mail_pick(w, 2) ? 1 : 3, t = running_task(w, q);
    if (t == MAIL_NONE || !w->model.queues[q].made)
        return;
    struct core_task_info info[1];
    struct core_event e = mail_event(w, CORE_TASK_CANCEL);
    if (core_tasks(w->core, w->model.queues[q].number, info, 1) == 0)
        return;
    struct mail_ask *a = mail_ask(w, &e, q, w->exhausted ? CORE_EXHAUSTED : CORE_OK);
    if (!a)
        return;
    e.id = info[0].id;
    mail_put(w, &e, a);
    if (a->expected == CORE_OK && !a->refused && !w->crashing && w->model.tasks[t].task.status == CORE_TASK_RUNNING)
        mail_fail(w, "task %u is cancelled, and goes on", t);
}
