/* queue_ask.c - requests to queues, and their responses.
 *
 * A RECEIVE that its owner has forgotten stays in the list: it may have been given messages that nobody would see until their time is
 * over. So a STOP goes after it, and what it got is made visible again. Requests of the client itself (STOP, VISIBILITY) are
 * internal: nobody is told their results. */
#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "common/queue_client_parts.h"

/* The reader knows the ranges, so that the broker and we agree on them. */
static bool is_valid(const struct buf *bytes)
{
    struct msg m = {.reader = mp_reader_of(buf_slice(bytes)), .left = 1};
    struct queue_request read;
    uint64_t number;
    bool in_range;
    return msg_next_request(&m, &number, &read, &in_range) && in_range;
}

static struct request *ask(struct queue_client *c, const struct queue_request *q)
{
    size_t room = sizeof *q + 2 * LIMIT_QUEUE_PATH_BYTES;
    room += q->verb == QUEUE_VERB_SEND ? q->send.body.len : 0;
    room += q->verb == QUEUE_VERB_CREATE || q->verb == QUEUE_VERB_CHANGE ? q->define.document.len : 0;
    if (q->queue.len > LIMIT_QUEUE_PATH_BYTES || !requests_room(&c->requests, room))
        return NULL;
    struct request *r = requests_add(&c->requests, REQUEST_ASK);
    if (!r)
        return NULL;
    msg_add_request(&r->bytes, r->number, q);
    if (buf_failed(&r->bytes) || !is_valid(&r->bytes)) {
        r->bytes.len = 0;
        requests_remove(&c->requests, r);
        return NULL;
    }
    requests_charge(&c->requests, 0, r);
    r->begun_ms = c->link.now_ms;
    r->receives = q->verb == QUEUE_VERB_RECEIVE;
    if (r->receives)
        memcpy(r->queue, q->queue.ptr, q->queue.len);
    return r;
}

int queue_client_ask(struct queue_client *c, const struct queue_request *request, void *tag)
{
    assert(c->events.response && (unsigned)request->verb < QUEUE_VERB_COUNT);
    struct request *r = ask(c, request);
    if (!r)
        return -1;
    r->tag = tag;
    c->outstanding++;
    return 0;
}

/* -- Giving up ------------------------------------------------------------------------------------------------------------- */
static void ask_for_ourselves(struct queue_client *c, const struct queue_request *q)
{
    struct request *r = ask(c, q);
    if (!r)
        return; /* then it waits its time, or its messages do theirs */
    r->internal = true;
    c->eager = true;
}

void ask_forget(struct queue_client *c, struct request *r)
{
    assert(r->receives && !r->forgotten);
    r->forgotten = r->internal = true;
    r->tag = NULL;
    c->outstanding--;
    ask_for_ourselves(c, &(struct queue_request){.verb = QUEUE_VERB_STOP, .request = r->number});
}

static void give_back(struct queue_client *c, struct slice queue, const struct queue_response *response)
{
    struct queue_walk walk;
    struct queue_received message;
    if (response->result != QUEUE_OK || queue_walk_received(response, &walk) != 0)
        return;
    while (queue_next_received(&walk, &message)) {
        struct queue_request visible_now = {.verb = QUEUE_VERB_VISIBILITY, .queue = queue};
        visible_now.handle.handle = message.handle;
        ask_for_ourselves(c, &visible_now);
    }
}

/* -- Responses ------------------------------------------------------------------------------------------------------------- */
static void respond(struct queue_client *c, struct request *r, const struct queue_response *response)
{
    char queue[sizeof r->queue];
    bool forgotten = r->forgotten, internal = r->internal;
    void *tag = r->tag;
    memcpy(queue, r->queue, sizeof queue);
    requests_remove(&c->requests, r);
    if (forgotten)
        give_back(c, slice_text(queue), response);
    if (internal)
        return;
    c->outstanding--;
    c->events.response(c->self, tag, response);
}

void ask_responses(struct queue_client *c, struct msg *m)
{
    struct queue_response response;
    if (msg_read_responses(m) == 0)
        while (msg_next_response(m, &response)) {
            struct request *r = requests_find(&c->requests, response.request);
            if (r && r->kind == REQUEST_ASK && r->sent_before)
                respond(c, r, &response);
        }
    if (m->reader.failed)
        queue_link_broken(&c->link, "RESPONSES");
}

/* -- A new session --------------------------------------------------------------------------------------------------------- */
static void shorten(struct queue_client *c, struct request *r)
{
    struct msg m = {.reader = mp_reader_of(buf_slice(&r->bytes)), .left = 1};
    struct queue_request q;
    struct buf shorter = {0};
    uint64_t number;
    bool in_range;
    int64_t passed_ms = c->link.now_ms - r->begun_ms;
    if (!msg_next_request(&m, &number, &q, &in_range) || q.receive.wait_ms <= 0 || passed_ms <= 0)
        return;
    q.receive.wait_ms = q.receive.wait_ms > passed_ms ? q.receive.wait_ms - passed_ms : 0;
    msg_add_request(&shorter, number, &q);
    if (!buf_failed(&shorter) && shorter.len <= r->bytes.len) {
        c->requests.bytes -= r->bytes.len - shorter.len;
        buf_swap(&r->bytes, &shorter);
        r->begun_ms = c->link.now_ms;
    }
    buf_finish(&shorter);
}

/* One that was left to the queue's own time waits for that anew: only the broker knows it. */
void ask_again(struct queue_client *c)
{
    for (struct request *r = c->requests.oldest; r; r = r->newer)
        if (r->receives)
            shorten(c, r);
}
