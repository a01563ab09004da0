/* queue_submit.c - what the owner asks for, copied into the list of requests; queue_flush.c sends it. */
#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "common/queue_client_parts.h"

#define DUE_STEP_MS 16 /* times are rounded up to this, so that many requests share one walk */
#define BATCH_BYTES (LIMIT_WIRE_BYTES / 4)

/* -- SEND ------------------------------------------------------------------------------------------------------------------ */
void client_close_batch(struct queue_client *c, const struct request *r)
{
    for (uint32_t i = 0; i < c->open_count; i++)
        if (c->open[i] == r) {
            c->open[i] = c->open[--c->open_count];
            return;
        }
}

static struct request *new_batch(struct queue_client *c, const char *queue)
{
    struct request *r = requests_add(&c->requests, REQUEST_SEND);
    if (!r)
        return NULL;
    memcpy(r->queue, queue, strlen(queue) + 1);
    if (c->open_count == QUEUE_CLIENT_OPEN_MAX)
        client_close_batch(c, c->open[0]);
    c->open[c->open_count++] = r;
    return r;
}

/* The SEND of this turn for that queue, with room for `more` bytes. */
static struct request *batch_for(struct queue_client *c, const char *queue, size_t more)
{
    for (uint32_t i = 0; i < c->open_count; i++) {
        struct request *r = c->open[i];
        if (strcmp(r->queue, queue) != 0)
            continue;
        if (r->entry_count < LIMIT_BATCH_ENTRIES && r->bytes.len + more <= BATCH_BYTES)
            return r;
        client_close_batch(c, r);
        break;
    }
    return new_batch(c, queue);
}

static void drop_empty_batch(struct queue_client *c, struct request *r)
{
    if (r->entry_count > 0)
        return;
    client_close_batch(c, r);
    requests_remove(&c->requests, r);
}

static bool is_within_limits(const char *queue, const struct msg_send *message)
{
    size_t queue_len = strlen(queue);
    return queue_len > 0 && queue_len <= LIMIT_QUEUE_NAME_BYTES && message->body.len > 0 &&
           message->body.len <= LIMIT_BODY_BYTES && message->delay_ms >= 0 && message->delay_ms <= LIMIT_DELAY_MS &&
           (message->key.len == 0 || message->key.len == 16);
}

/* Appends the message to the batch. 0, or -1 without memory: the batch is as it was. */
static int add_entry(struct queue_client *c, struct request *r, const struct msg_send *message, void *tag)
{
    size_t before = r->bytes.len;
    struct request_entry *entry = requests_add_entry(r);
    if (!entry)
        return -1;
    msg_add_send(&r->bytes, message);
    if (buf_failed(&r->bytes)) {
        r->bytes.len = before;
        r->bytes.failed = false;
        requests_drop_entry(r);
        return -1;
    }
    *entry = (struct request_entry){.tag = tag, .id = message->id, .wait = message->flags & MSG_WAIT};
    requests_charge(&c->requests, before, r);
    return 0;
}

int queue_client_send(struct queue_client *c, const char *queue, const struct msg_send *message, void *tag)
{
    if (!is_within_limits(queue, message) || !requests_room(&c->requests, message->body.len + sizeof *message))
        return -1;
    struct request *r = batch_for(c, queue, message->body.len + sizeof *message);
    if (!r)
        return -1;
    struct wait *wait = NULL;
    if (message->flags & MSG_WAIT && !waits_find(&c->waits, &message->id)) {
        wait = waits_add(&c->waits, &message->id);
        if (!wait) {
            drop_empty_batch(c, r);
            return -1;
        }
        wait->state = WAIT_SENDING;
        wait->request = r->number;
        wait->entry = r->entry_count;
    }
    if (add_entry(c, r, message, tag) != 0) {
        if (wait)
            waits_remove(&c->waits, wait);
        drop_empty_batch(c, r);
        return -1;
    }
    c->outstanding++;
    return 0;
}

/* -- Requests that stand alone --------------------------------------------------------------------------------------------- */
void client_due(struct queue_client *c, struct request *r, int64_t due_ms)
{
    r->due_ms = (due_ms + DUE_STEP_MS - 1) / DUE_STEP_MS * DUE_STEP_MS;
    if (r->due_ms < c->due_ms)
        c->due_ms = r->due_ms;
}

static struct request *begin(struct queue_client *c, enum request_kind kind, size_t bytes)
{
    return requests_room(&c->requests, bytes) ? requests_add(&c->requests, kind) : NULL;
}

static struct request *finish(struct queue_client *c, struct request *r)
{
    if (buf_failed(&r->bytes)) {
        r->bytes.len = 0;
        requests_remove(&c->requests, r);
        return NULL;
    }
    requests_charge(&c->requests, 0, r);
    return r;
}

static int own(struct queue_client *c, struct request *r, void *tag)
{
    if (!r)
        return -1;
    r->tag = tag;
    c->outstanding++;
    return 0;
}

struct request *client_ask_call(struct queue_client *c, struct slice body, const struct id *id, int64_t timeout_ms)
{
    if (body.len == 0 || body.len > LIMIT_CALL_BYTES)
        return NULL;
    struct request *r = begin(c, REQUEST_CALL, body.len + sizeof(struct msg_call));
    if (!r)
        return NULL;
    int64_t bounded_ms = timeout_ms < 0 ? 0 : timeout_ms > LIMIT_CALL_MS ? LIMIT_CALL_MS : timeout_ms;
    msg_add_call(&r->bytes, &(struct msg_call){.call = r->number,
                                               .flags = id ? MSG_WRITES : 0,
                                               .timeout_ms = bounded_ms,
                                               .id = id ? slice_of(id->bytes, ID_BYTES) : (struct slice){0},
                                               .body = body});
    client_due(c, r, c->link.now_ms + bounded_ms);
    return finish(c, r);
}

struct request *client_ask_watch(struct queue_client *c, const struct id *id, int64_t wait_ms)
{
    struct request *r = begin(c, REQUEST_WATCH, 64);
    if (!r)
        return NULL;
    msg_put_watch(&r->bytes, r->number, id, wait_ms < 0 ? 0 : wait_ms);
    return finish(c, r);
}

int queue_client_call(struct queue_client *c, struct slice body, const struct id *id, int64_t timeout_ms, void *tag)
{
    return own(c, client_ask_call(c, body, id, timeout_ms), tag);
}

int queue_client_watch(struct queue_client *c, const struct id *id, int64_t wait_ms, void *tag)
{
    return own(c, client_ask_watch(c, id, wait_ms), tag);
}

int queue_client_cancel(struct queue_client *c, const struct id *id, void *tag)
{
    struct request *r = begin(c, REQUEST_CANCEL, 64);
    if (!r)
        return -1;
    msg_put_cancel(&r->bytes, r->number, id);
    return own(c, finish(c, r), tag);
}

int queue_client_admin(struct queue_client *c, const char *verb, struct slice argument, void *tag)
{
    if (strlen(verb) > LIMIT_PEER_NAME_BYTES || argument.len > LIMIT_BODY_BYTES)
        return -1;
    struct request *r = begin(c, REQUEST_ADMIN, argument.len + 128);
    if (!r)
        return -1;
    msg_put_admin(&r->bytes, r->number, verb, argument);
    return own(c, finish(c, r), tag);
}

/* -- Giving up ------------------------------------------------------------------------------------------------------------- */
/* The messages themselves stay: they may be accepted already, and a hole in a batch would shift its results. */
static void forget_entries(struct queue_client *c, struct request *r, const void *tag)
{
    for (uint32_t i = 0; i < r->entry_count; i++)
        if (r->entries[i].tag == tag && !r->entries[i].answered) {
            r->entries[i].answered = true;
            c->outstanding--;
        }
}

void queue_client_forget(struct queue_client *c, void *tag)
{
    for (struct request *r = c->requests.oldest, *next; r; r = next) {
        next = r->newer;
        if (r->kind == REQUEST_SEND) {
            forget_entries(c, r, tag);
        } else if (r->receives && r->tag == tag) {
            ask_forget(c, r);
        } else if (!r->internal && r->tag == tag) {
            requests_remove(&c->requests, r);
            c->outstanding--;
        }
    }
}

void queue_client_unwait(struct queue_client *c, const struct id *id)
{
    struct wait *w = waits_find(&c->waits, id);
    if (w)
        waits_remove(&c->waits, w);
}
