/* mail_deeds.c - what is done next, at random: each question is noted with the answer that is due. Here: sends, and the calm. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/mail.h"

uint32_t mail_pick(struct mail_world *w, uint32_t n) { return rng_below(&w->random, n); }

uint32_t mail_some_queue(struct mail_world *w) { return mail_chance(w, w->plan.hot) ? 0 : mail_pick(w, MAIL_QUEUES); }

/* A question with a tag of its own; NULL when the run has asked enough. */
struct mail_ask *mail_ask(struct mail_world *w, struct core_event *e, uint32_t queue, enum core_answer expected)
{
    if (w->ask_count == MAIL_ASKS)
        return NULL;
    e->tag = w->ask_count;
    e->client = mail_pick(w, MAIL_CLIENTS);
    e->queue = queue == MAIL_NONE || !w->model.queues[queue].made ? CORE_NONE : w->model.queues[queue].number;
    struct mail_ask *a = &w->asks[w->ask_count++];
    *a = (struct mail_ask){.open = true,
                           .kind = e->kind,
                           .expected = expected,
                           .or_else = expected,
                           .queue = queue,
                           .client = e->client,
                           .maybe_full = w->plan.memory_fails};
    return a;
}

void mail_put(struct mail_world *w, struct core_event *e, struct mail_ask *a)
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
                                                  .group = !grouped                      ? 0
                                                           : mail_chance(w, w->plan.hot) ? 1
                                                                                         : 1 + mail_pick(w, MAIL_GROUPS),
                                                  .key = mail_pick(w, MAIL_KEYS),
                                                  .priority = fifo ? 0 : mail_pick(w, LIMIT_PRIORITIES),
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

static void post(struct mail_world *w, uint32_t i, uint32_t q)
{
    struct core_event e = mail_event(w, CORE_POST);
    struct letter *l = &w->model.letters[i];
    unsigned char body[MAIL_BODY_BYTES];
    bool fifo = mail_kind(q) == CORE_FIFO;
    struct mail_ask *a = mail_ask(w, &e, q, post_answer(w, q));
    if (!a)
        return;
    const struct mail_key *k = fifo && w->model.queues[q].made ? mail_known_key(w, q, l->key, l->group) : NULL;
    a->letter = k ? k->letter : i;
    a->value = k ? k->seq : l->alive ? l->seq : 0;
    if (w->model.queues[q].made && (k || l->alive || l->end_number > 0))
        a->expected = CORE_OK; /* unless a crash has made it forget what had ended: then as anything new */
    if (!k && !l->alive)
        a->or_else = post_answer(w, q);
    a->maybe_full = true;
    memset(body, (int)i, sizeof body);
    e.id = mail_id(i);
    e.group = l->group;
    e.delay_ms = l->own_delay_ms;
    e.messages = l->priority;
    e.has_key = fifo;
    memcpy(e.key, &l->key, sizeof l->key);
    e.body = (struct slice){body, 1 + i % MAIL_BODY_BYTES};
    mail_put(w, &e, a);
}

static void deed_post(struct mail_world *w)
{
    uint32_t q = mail_some_queue(w), i = new_letter(w, q);
    if (i != MAIL_NONE)
        post(w, i, q);
}

/* Said again, as a client does whose answer was lost: to the queue it was sent to. */
static void deed_post_again(struct mail_world *w)
{
    if (w->model.letter_count == 0)
        return;
    uint32_t i = mail_pick(w, w->model.letter_count);
    const struct letter *l = &w->model.letters[i];
    if (l->source == MAIL_NONE && !l->deleted &&
        !(l->promised && !l->alive)) /* what ended long since may have been forgotten */
        post(w, i, l->queue);
}

static void deed_disk(struct mail_world *w)
{
    struct core_event e = mail_event(w, CORE_DISK);
    w->disk_full = e.full = mail_pick(w, 2);
    w->exhausted = e.exhausted = w->disk_full && mail_pick(w, 3) == 0;
    mail_step(w, &e);
}

void mail_deed(struct mail_world *w)
{
    const struct mail_plan *p = &w->plan;
    const struct {
        void (*deed)(struct mail_world *);
        uint32_t weight;
    } deeds[] = {{deed_post, 300},
                 {mail_deed_receive, 260},
                 {mail_deed_delete, 160},
                 {mail_deed_visibility, p->visibility},
                 {deed_post_again, p->again},
                 {mail_deed_stop, p->stops},
                 {mail_deed_leave, p->leaves},
                 {mail_deed_create, 40},
                 {mail_deed_change, p->changes},
                 {mail_deed_purge, p->purges},
                 {mail_deed_remove, p->removals},
                 {mail_deed_task, p->tasks},
                 {mail_deed_cancel_task, p->cancels},
                 {deed_disk, p->disk}};
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        sum += deeds[i].weight;
    uint32_t chosen = mail_pick(w, sum);
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
