/* mail_answers.c - what clients are told: the answer that is due, when what it says is on disk, and once. After a recovery: is it still so? */
#include <string.h>

#include "tests/sim/mail.h"

/* The step that said so may have had more to say behind it. */
static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

void mail_judge_answer(struct mail_world *w, const struct core_effect *e)
{
    struct mail_ask *a = e->tag < w->ask_count ? &w->asks[e->tag] : NULL;
    if (!a || !a->open || a->client != e->client || a->kind != e->about) {
        mail_fail(w, "an answer to nothing: tag %llu", (unsigned long long)e->tag);
        return;
    }
    a->open = false;
    bool full = a->maybe_full && (e->answer == CORE_QUEUE_FULL || e->answer == CORE_TOO_MANY);
    a->refused = full;
    if (e->answer != a->expected && e->answer != a->or_else && !full)
        mail_fail(w, "event %d of tag %llu is answered with %d, and should be with %d", (int)a->kind,
                  (unsigned long long)e->tag, (int)e->answer, (int)a->expected);
    else if (e->answer == CORE_OK &&
             (a->kind == CORE_POST ? earlier(a->number, w->model.letters[a->letter].number) : a->number) > w->model.committed)
        mail_fail(w, "event %d is answered before record %llu is on disk", (int)a->kind, (unsigned long long)a->number);
    if (w->failed || e->answer != CORE_OK)
        return;
    if (a->kind == CORE_POST) {
        struct letter *l = &w->model.letters[a->letter];
        struct id id = mail_id(a->letter);
        if (a->value != 0 && e->value != 0 && (e->value != a->value || !id_equal(&id, &e->id)))
            mail_fail(w, "letter %u is answered as another one", a->letter);
        l->promised = true;
        w->fresh_seq = e->value > w->fresh_seq ? e->value : w->fresh_seq;
        w->result->accepted++;
    } else if (a->kind == CORE_DELETE && a->ends) {
        w->model.letters[a->letter].deleted = true;
        w->result->applied++;
    } else if (a->kind == CORE_QUEUE_CREATE) {
        w->model.queues[a->queue].made_promised = earlier(a->number, w->model.queues[a->queue].made_number);
    } else if (a->kind == CORE_QUEUE_REMOVE) {
        w->model.queues[a->queue].removed_promised = earlier(a->number, w->model.queues[a->queue].removed_number);
    }
}

/* -- Receives ---------------------------------------------------------------------------------------------------------------------- */
bool mail_any_deliverable(const struct mail_world *w, uint32_t queue)
{
    const struct core_queue_attributes *a = &w->model.queues[queue].a;
    if (a->max_inflight > 0 && mail_inflight_count(w, queue, 0) >= a->max_inflight)
        return false;
    for (uint32_t i = 0; i < w->model.letter_count; i++)
        if (w->model.letters[i].queue == queue && mail_deliverable(w, &w->model.letters[i]))
            return true;
    return false;
}

void mail_judge_received(struct mail_world *w, const struct core_effect *e)
{
    struct mail_receive *r = e->tag < w->receive_count ? &w->receives[e->tag] : NULL;
    if (!r || !r->open || r->client != e->client || e->value > r->max || r->gone) {
        mail_fail(w, "a receive is answered that nobody waits for: tag %llu", (unsigned long long)e->tag);
        return;
    }
    r->open = false;
    w->given_left = (uint32_t)e->value;
    w->given_receive = (uint32_t)e->tag;
    if (r->attempt != MAIL_NONE && e->value > 0 && !r->again)
        w->attempts[r->attempt] = (struct mail_attempt){
            .queue = r->queue, .at_ms = w->now_ms, .spoilt = w->model.queues[r->queue].lost_number > r->since};
    bool at_once = r->step == w->result->steps && r->until_ms <= w->now_ms && !r->stopped;
    bool known = r->queue < MAIL_QUEUES && w->model.queues[r->queue].made;
    if (e->answer == CORE_NO_SUCH_QUEUE && known && r->step == w->result->steps)
        mail_fail(w, "a receive of a queue that is there is refused");
    else if (e->answer == CORE_OK && e->value == 0 && at_once && known && !w->plan.memory_fails &&
             mail_any_deliverable(w, r->queue))
        mail_fail(w, "a receive gets nothing, and there is something in %s", mail_name(r->queue));
    else if (e->answer == CORE_OK && e->value == 0 && !r->taken && !r->stopped && r->until_ms > w->now_ms &&
             !w->plan.memory_fails)
        mail_fail(w, "a receive ends before its time");
}

/* All that was leased of a group in one step belongs to one receive. */
static void judge_group(struct mail_world *w, const struct letter *l)
{
    for (uint32_t i = 0; i < w->model.letter_count; i++) {
        struct letter *o = &w->model.letters[i];
        if (o->alive && o->queue == l->queue && o->group == l->group && o->lease_step == l->lease_step && o != l &&
            o->lease_step_receive != MAIL_NONE && o->lease_step_receive != w->given_receive && mail_in_flight(w, o))
            mail_fail(w, "letters %u and %u of one group are with two receivers", i, (uint32_t)(l - w->model.letters));
    }
}

static void note_attempt(struct mail_world *w, uint32_t letter, uint32_t lease)
{
    const struct mail_receive *r = &w->receives[w->given_receive];
    if (r->attempt == MAIL_NONE || r->again)
        return;
    struct mail_attempt *a = &w->attempts[r->attempt];
    if (a->count < LIMIT_RECEIVE_MESSAGES) {
        a->letters[a->count] = letter;
        a->seqs[a->count] = w->model.letters[letter].seq;
        a->leases[a->count++] = lease;
    }
}

void mail_judge_given(struct mail_world *w, const struct core_effect *e)
{
    uint32_t i = mail_letter(&e->id);
    const struct mail_receive *r = &w->receives[w->given_receive];
    if (w->given_left == 0 || e->tag != w->given_receive || i >= w->model.letter_count) {
        mail_fail(w, "something is given to nobody");
        return;
    }
    w->given_left--;
    struct letter *l = &w->model.letters[i];
    if (!l->alive || l->queue != r->queue || l->seq != e->seq || e->lease > l->count || (e->lease < l->count && !r->looks))
        mail_fail(w, "letter %u is given, and is not what is said of it", i);
    else if (e->lease == l->count && l->lease_number > w->model.committed)
        mail_fail(w, "letter %u is given before its lease is on disk", i);
    else if (l->deleted)
        mail_fail(w, "letter %u is given after it was deleted", i);
    else if (e->location == 0 || e->location > w->disk.end || w->disk.at[e->location - 1].r.kind != CORE_REC_POST ||
             !id_equal(&w->disk.at[e->location - 1].r.id, &e->id))
        mail_fail(w, "letter %u is given with another body", i);
    if (e->lease == l->count)
        l->lease_step_receive = w->given_receive;
    l->told_count = e->lease > l->told_count ? e->lease : l->told_count;
    w->fresh_seq = e->seq > w->fresh_seq ? e->seq : w->fresh_seq;
    if (mail_kind(l->queue) == CORE_FIFO && !r->again && !r->looks && !w->failed)
        judge_group(w, l);
    note_attempt(w, i, e->lease);
    w->result->redelivered += e->lease > 1;
}

/* -- After a recovery --------------------------------------------------------------------------------------------------------------- */
void mail_judge_promises(struct mail_world *w)
{
    for (uint32_t i = 0; i < w->model.letter_count && !w->failed; i++) {
        struct letter *l = &w->model.letters[i];
        if (l->promised && !l->alive && l->end_number == 0)
            mail_fail(w, "letter %u was accepted, and is not there", i);
        else if (l->deleted && l->alive)
            mail_fail(w, "letter %u was deleted, and is back", i);
        else if (l->alive && l->told_count > l->count && l->count > 0)
            mail_fail(w, "letter %u was received %u times, and %u are left", i, l->told_count, l->count);
    }
    for (uint32_t i = 0; i < MAIL_QUEUES && !w->failed; i++) {
        const struct mail_queue *q = &w->model.queues[i];
        if (q->made_number < q->made_promised || q->removed_number < q->removed_promised)
            mail_fail(w, "queue %s was made by record %llu and removed by record %llu, and that is forgotten", mail_name(i),
                      (unsigned long long)q->made_promised, (unsigned long long)q->removed_promised);
    }
}
