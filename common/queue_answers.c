/* queue_answers.c - frames of the broker into callbacks: each answer finds its request by number, each outcome its wait by id.
 *
 * An answer to nothing is no error: after a reconnect the same request may be answered twice, and the owner may have given it
 * up. */
#include <string.h>

#include "common/queue_client_parts.h"

/* -- SENT ------------------------------------------------------------------------------------------------------------------ */
/* What the answer means for who waits for the message's end. `known`: another message stands for this one. */
static void settle_wait(struct queue_client *c, const struct request *r, const struct request_entry *entry,
                        enum msg_result result, bool known)
{
    struct wait *w = entry->wait ? waits_find(&c->waits, &entry->id) : NULL;
    if (!w || w->state != WAIT_SENDING || w->request != r->number)
        return;
    if (result == MSG_ACCEPTED)
        w->state = WAIT_HELD;
    else if (result == MSG_DUPLICATE && !known)
        follow_watch(c, w); /* it may have ended before the broker learned that we wait */
    else
        waits_remove(&c->waits, w);
}

static void answer_entry(struct queue_client *c, struct request *r, uint32_t index, enum msg_result result,
                         const struct id *known)
{
    static const struct id none;
    struct request_entry *entry = &r->entries[index];
    bool other = known && !id_equal(known, &none) && !id_equal(known, &entry->id);
    settle_wait(c, r, entry, result, other);
    if (entry->answered)
        return;
    entry->answered = true;
    c->outstanding--;
    if (result == MSG_DUPLICATE && !other && r->sent_before)
        result = MSG_ACCEPTED; /* its own earlier sending: the owner has sent it once */
    c->events.sent(c->self, entry->tag, result, other ? known : NULL);
}

static bool is_whole(struct msg m)
{
    enum msg_result result;
    struct id known;
    while (msg_next_sent(&m, &result, &known))
        ;
    return !m.reader.failed;
}

static void on_sent(struct queue_client *c, struct msg *m)
{
    uint64_t batch;
    if (msg_read_sent(m, &batch) != 0 || !is_whole(*m)) {
        queue_link_broken(&c->link, "SENT");
        return;
    }
    struct request *r = requests_find(&c->requests, batch);
    if (!r || r->kind != REQUEST_SEND || !r->sent_before)
        return;
    client_close_batch(c, r);
    bool all_accepted = m->left == 0;
    for (uint32_t i = 0; i < r->entry_count; i++) {
        enum msg_result result = MSG_ACCEPTED;
        struct id known = {{0}};
        if (!all_accepted && !msg_next_sent(m, &result, &known))
            result = MSG_INVALID; /* the broker could not read the batch so far */
        answer_entry(c, r, i, result, &known);
    }
    requests_remove(&c->requests, r);
}

/* -- RESULTS --------------------------------------------------------------------------------------------------------------- */
/* The outcome can overtake SENT, which waits for every message of its batch. The owner hears of them in their natural order. */
static void accept_early(struct queue_client *c, const struct wait *w)
{
    struct request *r = requests_find(&c->requests, w->request);
    if (r && r->kind == REQUEST_SEND && w->entry < r->entry_count && id_equal(&r->entries[w->entry].id, &w->id))
        answer_entry(c, r, w->entry, MSG_ACCEPTED, NULL);
}

void client_deliver(struct queue_client *c, const struct id *id, struct slice outcome)
{
    struct wait *w = waits_find(&c->waits, id);
    if (w && w->state == WAIT_SENDING) {
        accept_early(c, w);
        w = waits_find(&c->waits, id);
    }
    if (!w)
        return;
    waits_remove(&c->waits, w);
    c->events.result(c->self, id, outcome);
}

static void on_results(struct queue_client *c, struct msg *m)
{
    struct id id;
    struct slice outcome;
    if (msg_read_results(m) == 0)
        while (msg_next_result(m, &id, &outcome))
            client_deliver(c, &id, outcome);
    if (m->reader.failed)
        queue_link_broken(&c->link, "RESULTS");
}

/* -- REPLIES, STATE, ADMIN_REPLY ------------------------------------------------------------------------------------------- */
/* What outlives an answered request: its callback may change the list. */
struct asked {
    bool internal;
    struct id id;
    uint64_t number;
    void *tag;
};

static struct asked take(struct queue_client *c, struct request *r)
{
    struct asked asked = {.internal = r->internal, .id = r->id, .number = r->number, .tag = r->tag};
    if (!r->internal)
        c->outstanding--;
    requests_remove(&c->requests, r);
    return asked;
}

void client_call_over(struct queue_client *c, struct request *r, enum msg_call_status status, struct slice body)
{
    struct asked asked = take(c, r);
    if (asked.internal)
        follow_reply(c, &asked.id, asked.number, status, body);
    else
        c->events.reply(c->self, asked.tag, status, body);
}

static void on_replies(struct queue_client *c, struct msg *m)
{
    struct msg_reply reply;
    if (msg_read_replies(m) == 0)
        while (msg_next_reply(m, &reply)) {
            struct request *r = requests_find(&c->requests, reply.call);
            if (r && r->kind == REQUEST_CALL)
                client_call_over(c, r, reply.status, reply.body);
        }
    if (m->reader.failed)
        queue_link_broken(&c->link, "REPLIES");
}

static void on_state(struct queue_client *c, struct msg *m)
{
    struct msg_state_reply state;
    if (msg_read_state(m, &state) != 0) {
        queue_link_broken(&c->link, "STATE");
        return;
    }
    struct request *r = requests_find(&c->requests, state.request);
    if (!r || (r->kind != REQUEST_WATCH && r->kind != REQUEST_CANCEL))
        return;
    struct asked asked = take(c, r);
    if (asked.internal)
        follow_state(c, &asked.id, asked.number, &state);
    else
        c->events.state(c->self, asked.tag, &state);
}

static void on_admin_reply(struct queue_client *c, struct msg *m)
{
    uint64_t request;
    unsigned code;
    struct slice value;
    if (msg_read_admin_reply(m, &request, &code, &value) != 0) {
        queue_link_broken(&c->link, "ADMIN_REPLY");
        return;
    }
    struct request *r = requests_find(&c->requests, request);
    if (r && r->kind == REQUEST_ADMIN)
        c->events.admin(c->self, take(c, r).tag, code, value);
}

/* -- The link -------------------------------------------------------------------------------------------------------------- */
static void on_welcome(struct queue_client *c, struct msg *m)
{
    uint64_t version, instance;
    struct slice catalog;
    if (msg_read_welcome(m, &version, &instance, &catalog) != 0) {
        queue_link_broken(&c->link, "WELCOME");
        return;
    }
    if (!queue_link_welcome(&c->link, version, instance))
        return;
    client_open_session(c);
    c->events.catalog(c->self, catalog);
    if (c->link.up)
        return;
    c->link.up = true;
    c->events.link(c->self, true);
}

static void on_catalog(struct queue_client *c, struct msg *m)
{
    struct slice catalog;
    if (msg_read_catalog(m, &catalog) == 0)
        c->events.catalog(c->self, catalog);
    else
        queue_link_broken(&c->link, "CATALOG");
}

/* The greeting that is due now goes out at the end of the turn. */
static void on_pong(struct queue_client *c, struct msg *m) { queue_link_pong(&c->link, m); }

static void on_who(struct queue_client *c, struct msg *m)
{
    (void)m;
    queue_link_stranger(&c->link);
}

void client_frame(struct queue_client *c, struct msg *m)
{
    static void (*const arms[MSG_KIND_COUNT])(struct queue_client *, struct msg *) = {
        [MSG_WELCOME] = on_welcome,      [MSG_SENT] = on_sent,   [MSG_RESULTS] = on_results,
        [MSG_REPLIES] = on_replies,      [MSG_STATE] = on_state, [MSG_ADMIN_REPLY] = on_admin_reply,
        [MSG_CATALOG] = on_catalog,      [MSG_PONG] = on_pong,   [MSG_WHO] = on_who,
        [MSG_RESPONSES] = ask_responses,
    };
    if (arms[m->kind])
        arms[m->kind](c, m);
    else
        queue_link_broken(&c->link, "unexpected");
}
