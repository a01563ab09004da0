/* queue_flush.c - unsent requests into frames: one a batch, one for calls in a row, one for each other request.
 *
 * The requests keep their bytes until they are answered; a frame is put together from them each time it is sent. */
#include <assert.h>

#include "common/limits.h"
#include "common/queue_client_parts.h"

#define FRAME_BYTES (LIMIT_WIRE_BYTES / 4)
#define SEND_AGAIN_MS 15000 /* a batch that the broker took and could not keep for lack of memory gets no answer */

/* Each appends the frame that begins with r, of at most so many requests, and returns the first one that is not in it. */
static struct request *build_send(struct buf *frame, struct request *r, uint32_t most)
{
    (void)most;
    size_t mark = msg_begin_send(frame, r->number, slice_text(r->queue));
    mp_put_raw(frame, buf_slice(&r->bytes));
    msg_end(frame, mark, r->entry_count);
    return r->newer;
}

static struct request *build_calls(struct buf *frame, struct request *r, uint32_t most)
{
    size_t mark = msg_begin_call(frame);
    uint32_t count = 0;
    for (; r && r->kind == REQUEST_CALL && count < most && frame->len <= FRAME_BYTES; r = r->newer) {
        mp_put_raw(frame, buf_slice(&r->bytes));
        count++;
    }
    msg_end(frame, mark, count);
    return r;
}

static struct request *build_requests(struct buf *frame, struct request *r, uint32_t most)
{
    size_t mark = msg_begin_requests(frame);
    uint32_t count = 0;
    for (; r && r->kind == REQUEST_ASK && count < most && frame->len <= FRAME_BYTES; r = r->newer) {
        mp_put_raw(frame, buf_slice(&r->bytes));
        count++;
    }
    msg_end(frame, mark, count);
    return r;
}

static struct request *build_single(struct buf *frame, struct request *r, uint32_t most)
{
    (void)most;
    mp_put_raw(frame, buf_slice(&r->bytes));
    return r->newer;
}

typedef struct request *(*builder)(struct buf *frame, struct request *r, uint32_t most);

static const builder builders[REQUEST_KIND_COUNT] = {
    [REQUEST_SEND] = build_send,     [REQUEST_CALL] = build_calls,   [REQUEST_WATCH] = build_single,
    [REQUEST_CANCEL] = build_single, [REQUEST_ADMIN] = build_single, [REQUEST_ASK] = build_requests,
};

static void mark_sent(struct queue_client *c, struct request *from, const struct request *to)
{
    for (struct request *r = from; r != to; r = r->newer) {
        r->sent_before = true;
        if (r->kind == REQUEST_SEND || r->kind == REQUEST_ASK)
            client_due(c, r, c->link.now_ms + SEND_AGAIN_MS + (r->receives ? LIMIT_RECEIVE_WAIT_MS : 0));
    }
}

/* Builds and sends the frame that begins with r; *next is then the first request behind it. False: later. */
static bool send_from(struct queue_client *c, struct request *r, uint32_t most, struct request **next)
{
    buf_reset(&c->frame);
    *next = builders[r->kind](&c->frame, r, most);
    return queue_link_send(&c->link, &c->frame) == NET_OK;
}

void client_send_unsent(struct queue_client *c)
{
    c->eager = false;
    while (c->link.welcomed && c->requests.unsent) {
        struct request *first = c->requests.unsent, *next;
        if (first->kind == REQUEST_SEND)
            client_close_batch(c, first);
        if (!send_from(c, first, LIMIT_BATCH_ENTRIES, &next)) {
            c->eager = true; /* the queue is full, or memory: at the next turn */
            return;
        }
        mark_sent(c, first, next);
        c->requests.unsent = next;
    }
}

bool client_send_again(struct queue_client *c, struct request *r)
{
    assert(r->kind == REQUEST_SEND || r->kind == REQUEST_ASK);
    struct request *next;
    if (!c->link.welcomed || c->requests.unsent || !send_from(c, r, 1, &next))
        return false; /* never past what was asked before and is not sent yet */
    mark_sent(c, r, next);
    return true;
}
