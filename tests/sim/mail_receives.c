/* mail_receives.c - what receivers do: receive, again, delete, keep for longer, stop, leave. */
#include <string.h>

#include "tests/sim/mail.h"

/* -- Receives ---------------------------------------------------------------------------------------------------------------------- */
static bool attempt_holds(const struct mail_world *w, uint32_t queue, uint32_t attempt)
{
    const struct mail_attempt *a = &w->attempts[attempt];
    if (a->count == 0 || a->spoilt || w->plan.memory_fails || a->queue != queue ||
        a->at_ms + LIMIT_DEDUPLICATION_MS - 2000 <= w->now_ms)
        return false;
    for (uint32_t i = 0; i < w->receive_count; i++) /* what it will be given may take the place of what was given before */
        if (w->receives[i].open && w->receives[i].queue == queue && w->receives[i].attempt == attempt)
            return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct letter *l = &w->model.letters[a->letters[i]];
        if (!l->alive || l->queue != queue || l->seq != a->seqs[i] || l->count != a->leases[i] || !mail_in_flight(w, l))
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
    e.client = mail_pick(w, MAIL_CLIENTS);
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
                               .looks = visibility_ms == 0,
                               .attempt = mail_kind(queue) == CORE_FIFO ? attempt : MAIL_NONE,
                               .until_ms = w->now_ms + wait_ms,
                               .visibility_ms = visibility_ms,
                               .step = w->result->steps + 1,
                               .since = w->model.number};
    uint64_t before = w->model.number;
    mail_step(w, &e);
    r->taken = r->open && w->model.number > before;
    if (again && !w->exhausted && !w->failed && !w->crashing && w->model.number - before < w->attempts[attempt].count)
        mail_fail(w, "an attempt is not given the same again");
}

void mail_deed_receive(struct mail_world *w)
{
    static const int64_t visibilities[] = {-1, -1, 500, 2000, 8000, 0};
    uint32_t q = mail_some_queue(w);
    int64_t wait_ms = mail_chance(w, w->plan.waits) ? rng_between(&w->random, 1, 5000) : 0;
    uint32_t attempt = mail_chance(w, w->plan.attempts) ? mail_pick(w, MAIL_ATTEMPTS) : MAIL_NONE;
    mail_receive_now(w, q, 1 + mail_pick(w, 10), wait_ms, visibilities[mail_pick(w, 6)], attempt);
}

void mail_deed_stop(struct mail_world *w)
{
    if (w->receive_count == 0)
        return;
    struct core_event e = mail_event(w, CORE_STOP);
    struct mail_ask *a = mail_ask(w, &e, MAIL_NONE, CORE_OK);
    if (!a)
        return;
    e.number = w->receive_count - 1 - mail_pick(w, w->receive_count < 8 ? w->receive_count : 8);
    struct mail_receive *r = &w->receives[e.number];
    r->stopped = r->stopped || (r->open && r->client == e.client);
    mail_put(w, &e, a);
}

void mail_deed_leave(struct mail_world *w)
{
    struct core_event e = mail_event(w, CORE_CLIENT_GONE);
    e.client = mail_pick(w, MAIL_CLIENTS);
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
        uint32_t i = mail_pick(w, w->model.letter_count);
        const struct letter *l = &w->model.letters[i];
        if (l->told_count == 0)
            continue;
        *letter = i;
        *lease = mail_chance(w, w->plan.stale) ? 1 + mail_pick(w, l->told_count) : l->told_count;
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
    struct mail_ask *a = mail_ask(w, &e, l->queue, expected);
    if (!a)
        return;
    e.seq = l->seq;
    e.lease = lease;
    a->letter = letter;
    a->ends = expected == CORE_OK && current && (flying || !fifo);
    if (a->ends)
        spoil(w, letter);
    mail_put(w, &e, a);
    if (a->ends && !a->refused && l->alive && !w->failed && !w->crashing)
        mail_fail(w, "letter %u is deleted, and still there", letter);
}

void mail_deed_delete(struct mail_world *w)
{
    uint32_t letter, lease;
    if (some_handle(w, &letter, &lease))
        mail_delete(w, letter, lease);
}

void mail_deed_visibility(struct mail_world *w)
{
    uint32_t letter, lease;
    if (!some_handle(w, &letter, &lease))
        return;
    struct core_event e = mail_event(w, CORE_VISIBILITY);
    const struct letter *l = &w->model.letters[letter];
    const struct mail_queue *q = &w->model.queues[l->queue];
    bool there = l->alive && q->made && l->first_ms > 0, flying = there && mail_in_flight(w, l) && l->count == lease;
    int64_t delay_ms = mail_pick(w, 3) == 0 ? 0 : rng_between(&w->random, 1, 10000), most_ms = q->a.max_lease_ms;
    bool late = most_ms > 0 && w->now_ms + delay_ms > l->received_ms + most_ms;
    enum core_answer expected = !q->made       ? CORE_NO_SUCH_QUEUE
                                : w->exhausted ? CORE_EXHAUSTED
                                : !there       ? CORE_NO_MESSAGE
                                : !flying      ? (mail_kind(l->queue) == CORE_FIFO ? CORE_EXPIRED : CORE_NOT_IN_FLIGHT)
                                : late         ? CORE_TOO_LONG
                                               : CORE_OK;
    struct mail_ask *a = mail_ask(w, &e, l->queue, expected);
    if (!a)
        return;
    e.seq = l->seq;
    e.lease = lease;
    e.delay_ms = delay_ms;
    if (expected == CORE_OK)
        spoil(w, letter);
    mail_put(w, &e, a);
}
