/* mail_deeds.c - what clients and operators do, at random: each question is noted with the answer that is due. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/mail.h"

static uint32_t pick(struct mail_world *w, uint32_t n) { return rng_below(&w->random, n); }

/* A question with a tag of its own; NULL when the run has asked enough. */
static struct mail_ask *ask(struct mail_world *w, struct core_event *e, uint32_t queue, enum core_answer expected)
{
    if (w->ask_count == MAIL_ASKS)
        return NULL;
    e->tag = w->ask_count;
    e->client = pick(w, MAIL_CLIENTS);
    e->queue = queue == MAIL_NONE || !w->model.queues[queue].made ? CORE_NONE : w->model.queues[queue].number;
    struct mail_ask *a = &w->asks[w->ask_count++];
    *a = (struct mail_ask){.open = true,
                           .kind = e->kind,
                           .expected = expected,
                           .queue = queue,
                           .client = e->client,
                           .maybe_full = w->plan.memory_fails};
    return a;
}

static void put(struct mail_world *w, struct core_event *e, struct mail_ask *a)
{
    uint64_t before = w->model.number;
    bool wait = a->expected == CORE_OK;
    if (e->kind != CORE_STOP) /* what it speaks of is on disk before, or was said in this step */
        a->number = wait ? before : 0;
    mail_step(w, e);
    if (!w->failed && !w->crashing && a->open && !wait)
        mail_fail(w, "event %d changes nothing, and is not answered", (int)e->kind);
    if (wait && w->model.number > before && a->open && e->kind != CORE_STOP)
        a->number = w->model.number;
}

/* -- Messages ---------------------------------------------------------------------------------------------------------------------- */
static enum core_answer post_answer(const struct mail_world *w, uint32_t q)
{
    if (!w->model.queues[q].made)
        return CORE_NO_SUCH_QUEUE;
    return w->disk_full || w->exhausted ? CORE_EXHAUSTED : CORE_OK;
}

static uint32_t new_letter(struct mail_world *w, uint32_t q)
{
    struct mail_model *m = &w->model;
    if (m->letter_count == MAIL_LETTERS)
        return MAIL_NONE;
    bool fifo = mail_kind(q) == CORE_FIFO, grouped = fifo || mail_chance(w, w->plan.grouped);
    m->letters[m->letter_count] = (struct letter){.queue = q,
                                                  .group = grouped ? 1 + pick(w, MAIL_GROUPS) : 0,
                                                  .key = pick(w, MAIL_KEYS),
                                                  .priority = fifo ? 0 : pick(w, LIMIT_PRIORITIES),
                                                  .source = MAIL_NONE,
                                                  .lease_step_receive = MAIL_NONE,
                                                  .own_delay_ms = -1};
    struct letter *l = &m->letters[m->letter_count];
    if (!fifo && mail_chance(w, w->plan.delayed))
        l->own_delay_ms = rng_between(&w->random, 0, 3000);
    if (!fifo && mail_chance(w, w->plan.scheduled))
        l->own_delay_ms = LIMIT_DELAY_MS + rng_between(&w->random, 1, 600000);
    return m->letter_count++;
}

static bool ended_lately(const struct mail_world *w, const struct letter *l) { return (void)w, l->end_number > 0; }

static void post(struct mail_world *w, uint32_t i, uint32_t q)
{
    struct core_event e = mail_event(w, CORE_POST);
    struct letter *l = &w->model.letters[i];
    unsigned char body[MAIL_BODY_BYTES];
    bool fifo = mail_kind(q) == CORE_FIFO;
    struct mail_ask *a = ask(w, &e, q, post_answer(w, q));
    if (!a)
        return;
    const struct mail_key *k = fifo && w->model.queues[q].made ? mail_known_key(w, q, l->key, l->group) : NULL;
    a->letter = k ? k->letter : i;
    a->value = k ? k->seq : l->alive ? l->seq : 0;
    if (w->model.queues[q].made && (k || l->alive || ended_lately(w, l)))
        a->expected = CORE_OK;
    a->maybe_full = true;
    memset(body, (int)i, sizeof body);
    e.id = mail_id(i);
    e.group = l->group;
    e.delay_ms = l->own_delay_ms;
    e.messages = l->priority;
    e.has_key = fifo;
    memcpy(e.key, &l->key, sizeof l->key);
    e.body = (struct slice){body, 1 + i % MAIL_BODY_BYTES};
    put(w, &e, a);
}

static void deed_post(struct mail_world *w)
{
    uint32_t q = pick(w, MAIL_QUEUES), i = new_letter(w, q);
    if (i != MAIL_NONE)
        post(w, i, q);
}

/* Said again, as a client does whose answer was lost: to the queue it was sent to. */
static void deed_post_again(struct mail_world *w)
{
    if (w->model.letter_count == 0)
        return;
    uint32_t i = pick(w, w->model.letter_count);
    const struct letter *l = &w->model.letters[i];
    if (l->source == MAIL_NONE && !l->deleted &&
        !(l->promised && !l->alive)) /* what ended long since may have been forgotten */
        post(w, i, l->queue);
}

/* -- Receives ---------------------------------------------------------------------------------------------------------------------- */
static bool attempt_holds(const struct mail_world *w, uint32_t queue, uint32_t attempt)
{
    const struct mail_attempt *a = &w->attempts[attempt];
    if (a->count == 0 || a->spoilt || a->queue != queue || a->at_ms + LIMIT_DEDUPLICATION_MS - 2000 <= w->now_ms)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct letter *l = &w->model.letters[a->letters[i]];
        if (!l->alive || l->queue != queue || l->count != a->leases[i] || !mail_in_flight(w, l))
            return false;
    }
    return true;
}

void mail_receive_now(struct mail_world *w, uint32_t queue, uint32_t max, int64_t wait_ms, int64_t visibility_ms,
                      uint32_t attempt)
{
    if (w->receive_count == MAIL_RECEIVES)
        return;
    struct core_event e = mail_event(w, CORE_RECEIVE);
    struct mail_receive *r = &w->receives[w->receive_count];
    e.tag = w->receive_count++;
    e.client = pick(w, MAIL_CLIENTS);
    e.queue = w->model.queues[queue].made ? w->model.queues[queue].number : CORE_NONE;
    e.messages = max;
    e.delay_ms = visibility_ms;
    e.wait_ms = wait_ms;
    e.has_key = attempt != MAIL_NONE;
    e.key[0] = (unsigned char)attempt;
    bool again = attempt != MAIL_NONE && mail_kind(queue) == CORE_FIFO && attempt_holds(w, queue, attempt);
    *r = (struct mail_receive){.open = true,
                               .queue = queue,
                               .client = e.client,
                               .max = again ? LIMIT_RECEIVE_MESSAGES : max,
                               .again = again,
                               .attempt = mail_kind(queue) == CORE_FIFO ? attempt : MAIL_NONE,
                               .until_ms = w->now_ms + wait_ms,
                               .step = w->result->steps + 1};
    uint64_t before = w->model.number;
    mail_step(w, &e);
    r->taken = r->open && w->model.number > before;
    if (again && !w->failed && !w->crashing && w->model.number - before < w->attempts[attempt].count)
        mail_fail(w, "an attempt is not given the same again");
}

static void deed_receive(struct mail_world *w)
{
    static const int64_t visibilities[] = {-1, -1, 500, 2000, 8000, 0};
    uint32_t q = pick(w, MAIL_QUEUES);
    int64_t wait_ms = mail_chance(w, w->plan.waits) ? rng_between(&w->random, 1, 5000) : 0;
    uint32_t attempt = mail_chance(w, w->plan.attempts) ? pick(w, MAIL_ATTEMPTS) : MAIL_NONE;
    mail_receive_now(w, q, 1 + pick(w, 10), wait_ms, visibilities[pick(w, 6)], attempt);
}

static void deed_stop(struct mail_world *w)
{
    if (w->receive_count == 0)
        return;
    struct core_event e = mail_event(w, CORE_STOP);
    struct mail_ask *a = ask(w, &e, MAIL_NONE, CORE_OK);
    if (!a)
        return;
    e.number = w->receive_count - 1 - pick(w, w->receive_count < 8 ? w->receive_count : 8);
    struct mail_receive *r = &w->receives[e.number];
    r->stopped = r->stopped || (r->open && r->client == e.client);
    put(w, &e, a);
}

static void deed_leave(struct mail_world *w)
{
    struct core_event e = mail_event(w, CORE_CLIENT_GONE);
    e.client = pick(w, MAIL_CLIENTS);
    for (uint32_t i = 0; i < w->receive_count; i++)
        if (w->receives[i].open && w->receives[i].client == e.client)
            w->receives[i].gone = true;
    for (uint32_t i = 0; i < w->ask_count; i++)
        if (w->asks[i].client == e.client)
            w->asks[i].open = false;
    mail_step(w, &e);
}

/* -- What becomes of them ------------------------------------------------------------------------------------------------------------ */
static void spoil(struct mail_world *w, uint32_t letter)
{
    for (uint32_t i = 0; i < MAIL_ATTEMPTS; i++)
        for (uint32_t n = 0; n < w->attempts[i].count; n++)
            w->attempts[i].spoilt = w->attempts[i].spoilt || w->attempts[i].letters[n] == letter;
}

/* A handle that somebody was given. */
static bool some_handle(struct mail_world *w, uint32_t *letter, uint32_t *lease)
{
    for (uint32_t n = 0; n < 20 && w->model.letter_count > 0; n++) {
        uint32_t i = pick(w, w->model.letter_count);
        const struct letter *l = &w->model.letters[i];
        if (l->told_count == 0)
            continue;
        *letter = i;
        *lease = mail_chance(w, w->plan.stale) ? 1 + pick(w, l->told_count) : l->told_count;
        return true;
    }
    return false;
}

void mail_delete(struct mail_world *w, uint32_t letter, uint32_t lease)
{
    struct core_event e = mail_event(w, CORE_DELETE);
    const struct letter *l = &w->model.letters[letter];
    const struct mail_queue *q = &w->model.queues[l->queue];
    bool there = l->alive && q->made && l->first_ms > 0, current = there && l->count == lease;
    bool flying = there && mail_in_flight(w, l) && current, fifo = mail_kind(l->queue) == CORE_FIFO;
    enum core_answer expected = !q->made                   ? CORE_NO_SUCH_QUEUE
                                : w->exhausted             ? CORE_EXHAUSTED
                                : there && fifo && !flying ? CORE_EXPIRED
                                                           : CORE_OK;
    struct mail_ask *a = ask(w, &e, l->queue, expected);
    if (!a)
        return;
    e.seq = l->seq;
    e.lease = lease;
    a->letter = letter;
    a->ends = expected == CORE_OK && current && (flying || !fifo);
    if (a->ends)
        spoil(w, letter);
    put(w, &e, a);
    if (a->ends && l->alive && !w->failed && !w->crashing)
        mail_fail(w, "letter %u is deleted, and still there", letter);
}

static void deed_delete(struct mail_world *w)
{
    uint32_t letter, lease;
    if (some_handle(w, &letter, &lease))
        mail_delete(w, letter, lease);
}

static void deed_visibility(struct mail_world *w)
{
    uint32_t letter, lease;
    if (!some_handle(w, &letter, &lease))
        return;
    struct core_event e = mail_event(w, CORE_VISIBILITY);
    const struct letter *l = &w->model.letters[letter];
    const struct mail_queue *q = &w->model.queues[l->queue];
    bool there = l->alive && q->made && l->first_ms > 0, flying = there && mail_in_flight(w, l) && l->count == lease;
    int64_t delay_ms = pick(w, 3) == 0 ? 0 : rng_between(&w->random, 1, 10000), most_ms = q->a.max_lease_ms;
    bool late = most_ms > 0 && w->now_ms + delay_ms > l->received_ms + most_ms;
    enum core_answer expected = !q->made       ? CORE_NO_SUCH_QUEUE
                                : w->exhausted ? CORE_EXHAUSTED
                                : !there       ? CORE_NO_MESSAGE
                                : !flying      ? (mail_kind(l->queue) == CORE_FIFO ? CORE_EXPIRED : CORE_NOT_IN_FLIGHT)
                                : late         ? CORE_TOO_LONG
                                               : CORE_OK;
    struct mail_ask *a = ask(w, &e, l->queue, expected);
    if (!a)
        return;
    e.seq = l->seq;
    e.lease = lease;
    e.delay_ms = delay_ms;
    if (expected == CORE_OK)
        spoil(w, letter);
    put(w, &e, a);
}

/* -- Queues ------------------------------------------------------------------------------------------------------------------------ */
static struct core_queue_attributes some_attributes(struct mail_world *w, uint32_t q)
{
    static const char *const dead[MAIL_QUEUES] = {"dead", "", "dead.fifo", "", "dead", "dead.fifo"};
    struct core_queue_attributes a;
    memset(&a, 0, sizeof a); /* padding, too: compared as bytes */
    snprintf(a.name, sizeof a.name, "%s", mail_name(q));
    snprintf(a.dead_letter, sizeof a.dead_letter, "%s", pick(w, 3) ? dead[q] : "");
    a.kind = mail_kind(q);
    a.visibility_ms = rng_between(&w->random, 300, 5000);
    a.delay_ms = pick(w, 4) == 0 ? rng_between(&w->random, 1, 2000) : 0;
    a.retention_ms = pick(w, 6) == 0 ? rng_between(&w->random, 20000, 90000) : 100 * 86400000ll;
    a.max_lease_ms = pick(w, 4) == 0 ? 6000 : 0;
    a.max_receive_count = a.dead_letter[0] ? 1 + pick(w, 4) : 0;
    a.max_inflight = pick(w, 4) == 0 ? 1 + pick(w, 6) : 0;
    a.max_per_group = a.kind == CORE_STANDARD && pick(w, 4) == 0 ? 1 + pick(w, 3) : 0;
    a.deduplicate_by_group = a.kind == CORE_FIFO && pick(w, 3) == 0;
    a.paused = pick(w, 10) == 0 && !w->calm;
    return a;
}

void mail_create(struct mail_world *w, uint32_t q)
{
    struct core_event e = mail_event(w, CORE_QUEUE_CREATE);
    struct core_queue_attributes attributes = some_attributes(w, q);
    const struct mail_queue *m = &w->model.queues[q];
    bool rests = m->removed_ms > 0 && m->removed_ms + LIMIT_QUEUE_REST_MS > w->now_ms;
    struct mail_ask *a = ask(w, &e, q,
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
static void deed_change(struct mail_world *w)
{
    uint32_t q = pick(w, MAIL_QUEUES);
    struct core_event e = mail_event(w, CORE_QUEUE_CHANGE);
    struct core_queue_attributes attributes = some_attributes(w, q);
    const struct mail_queue *m = &w->model.queues[q];
    struct mail_ask *a = ask(w, &e, q, !m->made ? CORE_NO_SUCH_QUEUE : w->exhausted ? CORE_EXHAUSTED : CORE_OK);
    if (!a)
        return;
    attributes.deduplicate_by_group = m->a.deduplicate_by_group;
    e.attributes = &attributes;
    e.body = slice_text("changed");
    put(w, &e, a);
}

static void deed_end_queue(struct mail_world *w, enum core_event_kind kind)
{
    uint32_t q = pick(w, MAIL_QUEUES);
    struct core_event e = mail_event(w, kind);
    const struct mail_queue *m = &w->model.queues[q];
    bool purge = kind == CORE_QUEUE_PURGE, lately = purge && m->purged_ms > 0 && m->purged_ms + LIMIT_QUEUE_REST_MS > w->now_ms;
    struct mail_ask *a = ask(w, &e, q,
                             !m->made       ? CORE_NO_SUCH_QUEUE
                             : lately       ? CORE_IN_PROGRESS
                             : w->exhausted ? CORE_EXHAUSTED
                                            : CORE_OK);
    if (!a)
        return;
    e.id.bytes[0] = 'x';
    memcpy(e.id.bytes + 1, &w->ask_count, sizeof w->ask_count);
    e.body = slice_text(mail_name(q));
    put(w, &e, a);
    for (uint32_t i = 0; i < MAIL_ATTEMPTS && a->expected == CORE_OK; i++)
        w->attempts[i].spoilt = w->attempts[i].spoilt || w->attempts[i].queue == q;
}

static void deed_purge(struct mail_world *w) { deed_end_queue(w, CORE_QUEUE_PURGE); }
static void deed_remove(struct mail_world *w) { deed_end_queue(w, CORE_QUEUE_REMOVE); }
static void deed_create(struct mail_world *w) { mail_create(w, pick(w, MAIL_QUEUES)); }

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

static void deed_task(struct mail_world *w)
{
    uint32_t q = pick(w, 2) ? 1 : 3, id = w->ask_count % MAIL_TASKS, elsewhere = q == 1 ? 4 : 5;
    bool named = pick(w, 4) == 0, made = w->model.queues[q].made;
    struct core_event e = mail_event(w, CORE_TASK_START);
    if (w->model.tasks[id].there)
        return;
    enum core_answer expected = !made                                       ? CORE_NO_SUCH_QUEUE
                                : running_task(w, q) != MAIL_NONE           ? CORE_IN_PROGRESS
                                : !takes_dead_letters(w, q)                 ? CORE_NO_SOURCE
                                : named && !w->model.queues[elsewhere].made ? CORE_NO_DESTINATION
                                : w->exhausted                              ? CORE_EXHAUSTED
                                                                            : CORE_OK;
    struct mail_ask *a = ask(w, &e, q, expected);
    if (!a)
        return;
    e.id.bytes[0] = 't';
    e.id.bytes[1] = (unsigned char)id;
    memcpy(e.id.bytes + 2, &w->ask_count, sizeof w->ask_count);
    e.body = named ? slice_text(mail_name(elsewhere)) : (struct slice){NULL, 0};
    e.messages = pick(w, 3) ? 0 : 1 + pick(w, 20);
    put(w, &e, a);
}

static void deed_cancel_task(struct mail_world *w)
{
    uint32_t q = pick(w, 2) ? 1 : 3, t = running_task(w, q);
    if (t == MAIL_NONE || !w->model.queues[q].made)
        return;
    struct core_task_info info[1];
    struct core_event e = mail_event(w, CORE_TASK_CANCEL);
    if (core_tasks(w->core, w->model.queues[q].number, info, 1) == 0)
        return;
    struct mail_ask *a = ask(w, &e, q, w->exhausted ? CORE_EXHAUSTED : CORE_OK);
    if (!a)
        return;
    e.id = info[0].id;
    put(w, &e, a);
}

static void deed_disk(struct mail_world *w)
{
    struct core_event e = mail_event(w, CORE_DISK);
    w->disk_full = e.full = pick(w, 2);
    w->exhausted = e.exhausted = w->disk_full && pick(w, 3) == 0;
    mail_step(w, &e);
}

void mail_deed(struct mail_world *w)
{
    const struct mail_plan *p = &w->plan;
    const struct {
        void (*deed)(struct mail_world *);
        uint32_t weight;
    } deeds[] = {{deed_post, 300},
                 {deed_receive, 260},
                 {deed_delete, 160},
                 {deed_visibility, p->visibility},
                 {deed_post_again, p->again},
                 {deed_stop, p->stops},
                 {deed_leave, p->leaves},
                 {deed_create, 40},
                 {deed_change, p->changes},
                 {deed_purge, p->purges},
                 {deed_remove, p->removals},
                 {deed_task, p->tasks},
                 {deed_cancel_task, p->cancels},
                 {deed_disk, p->disk}};
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        sum += deeds[i].weight;
    uint32_t chosen = pick(w, sum);
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        if (chosen < deeds[i].weight) {
            deeds[i].deed(w);
            return;
        }
        chosen -= deeds[i].weight;
    }
}

/* -- The calm ---------------------------------------------------------------------------------------------------------------------- */
static void drain_queue(struct mail_world *w, uint32_t q)
{
    mail_receive_now(w, q, 10, 0, 20000, MAIL_NONE);
    mail_catch_up(w);
    mail_sync(w);
    mail_sync(w);
    for (uint32_t i = 0; i < w->model.letter_count && !w->failed; i++)
        if (w->model.letters[i].alive && w->model.letters[i].queue == q &&
            w->model.letters[i].told_count == w->model.letters[i].count && mail_in_flight(w, &w->model.letters[i]))
            mail_delete(w, i, w->model.letters[i].count);
}

void mail_drain(struct mail_world *w)
{
    for (uint32_t q = 0; q < MAIL_QUEUES && !w->failed; q++)
        if (w->model.queues[q].made)
            drain_queue(w, q);
    mail_sync(w);
    mail_sync(w);
}
