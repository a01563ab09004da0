/* peers.c - who is connected, and what waits to be sent to each.
 *
 * A peer is found by its ZeroMQ identity (frames in) or by its handle (effects out). Peers are few (gateways, workers), so tables are
 * arrays walked in order; the identity of the last peer found is tried first, which is what a busy turn asks for. */
#include "queue/broker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_BITS 10
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define GENERATION_MASK 0x1fffffu /* a handle stays below CORE_NONE */

int peers_init(struct peers *p, uint32_t capacity)
{
    assert(capacity <= INDEX_MASK + 1);
    memset(p, 0, sizeof *p);
    p->at = calloc(capacity, sizeof *p->at);
    p->dirty = calloc(capacity, sizeof *p->dirty);
    p->capacity = capacity;
    if (p->at && p->dirty)
        return 0;
    peers_finish(p);
    return -1;
}

static void open_frame_finish(struct open_frame *f)
{
    buf_finish(&f->buf);
    memset(f, 0, sizeof *f);
}

/* All of them: a frame that was sent keeps its memory for the next one in its place. */
static void outbox_finish(struct outbox *o)
{
    for (size_t i = 0; i < o->cap; i++)
        buf_finish(&o->frames[i]);
    free(o->frames);
    open_frame_finish(&o->first);
    open_frame_finish(&o->second);
    open_frame_finish(&o->third);
    memset(o, 0, sizeof *o);
}

void peers_finish(struct peers *p)
{
    for (uint32_t i = 0; p->at && i < p->used; i++)
        outbox_finish(&p->at[i].out);
    free(p->at);
    free(p->dirty);
    memset(p, 0, sizeof *p);
}

static bool same_address(const struct net_peer *a, const struct net_peer *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

struct peer *peers_by_address(struct peers *p, const struct net_peer *address)
{
    for (uint32_t i = 0; i < p->used; i++)
        if (p->at[i].used && same_address(&p->at[i].address, address))
            return &p->at[i];
    return NULL;
}

struct peer *peers_by_index(struct peers *p, uint32_t index)
{
    return index < p->used && p->at[index].used ? &p->at[index] : NULL;
}

struct peer *peers_by_handle(struct peers *p, uint32_t handle)
{
    struct peer *peer = peers_by_index(p, handle & INDEX_MASK);
    return peer && peer->handle == handle ? peer : NULL;
}

struct peer *peers_by_name(struct peers *p, struct slice name)
{
    for (uint32_t i = 0; i < p->used; i++)
        if (p->at[i].used && slice_equal(slice_text(p->at[i].name), name))
            return &p->at[i];
    return NULL;
}

struct peer *peers_add(struct peers *p, const struct net_peer *address, int64_t now_ms)
{
    uint32_t i = 0;
    while (i < p->used && p->at[i].used)
        i++;
    if (i == p->capacity)
        return NULL;
    if (i == p->used)
        p->used++;
    struct peer *peer = &p->at[i];
    memset(peer, 0, sizeof *peer);
    p->generation = (p->generation + 1) & GENERATION_MASK;
    peer->used = true;
    peer->handle = p->generation << INDEX_BITS | i;
    peer->address = *address;
    peer->heard_ms = now_ms;
    return peer;
}

static void silence(struct peers *p, struct peer *peer)
{
    uint32_t index = (uint32_t)(peer - p->at);
    assert(index < p->used && peer->used);
    for (uint32_t i = 0; i < p->dirty_count; i++)
        if (p->dirty[i] == index) {
            p->dirty[i] = p->dirty[--p->dirty_count];
            break;
        }
    outbox_finish(&peer->out);
    peer->dirty = false;
}

void peers_remove(struct peers *p, struct peer *peer)
{
    silence(p, peer);
    peer->used = false;
}

void peers_lose(struct peers *p, struct peer *peer, int64_t now_ms)
{
    silence(p, peer);
    peer->address.len = 0; /* no peer's */
    if (peer->lost_ms == 0)
        peer->lost_ms = now_ms > 0 ? now_ms : 1;
}

void peers_touch(struct peers *p, struct peer *peer)
{
    if (peer->dirty)
        return;
    assert(p->dirty_count < p->capacity);
    peer->dirty = true;
    p->dirty[p->dirty_count++] = (uint32_t)(peer - p->at);
}

static int outbox_grow(struct outbox *o)
{
    size_t cap = o->cap ? o->cap * 2 : 8;
    struct buf *frames = calloc(cap, sizeof *frames);
    if (!frames)
        return -1;
    for (size_t i = 0; i < o->count; i++)
        frames[i] = o->frames[(o->head + i) % o->cap];
    free(o->frames);
    o->frames = frames;
    o->cap = cap;
    o->head = 0;
    return 0;
}

/* A frame that cannot be kept counts as sent too slowly: the peer is dropped at the flush and asks again. */
void outbox_push(struct peers *p, struct peer *peer, struct buf *frame)
{
    struct outbox *o = &peer->out;
    peers_touch(p, peer);
    if (buf_failed(frame) || (o->count == o->cap && outbox_grow(o) != 0)) {
        o->bytes = BROKER_OUTBOX_BYTES + 1;
        buf_reset(frame);
        return;
    }
    struct buf *slot = &o->frames[(o->head + o->count++) % o->cap];
    o->bytes += frame->len;
    buf_swap(slot, frame);
    buf_reset(frame);
}

void outbox_close_frame(struct peers *p, struct peer *peer, struct open_frame *frame)
{
    if (frame->count == 0)
        return;
    msg_end(&frame->buf, frame->mark, frame->count);
    frame->count = 0;
    outbox_push(p, peer, &frame->buf);
}

enum net_result outbox_flush(struct peer *peer, zsock_t *socket)
{
    struct outbox *o = &peer->out;
    if (o->bytes > BROKER_OUTBOX_BYTES)
        return NET_GONE;
    while (o->count > 0) {
        struct buf *frame = &o->frames[o->head];
        size_t len = frame->len;
        enum net_result result = net_router_send(socket, &peer->address, frame);
        if (result != NET_OK)
            return result;
        o->bytes -= len;
        o->head = (o->head + 1) % o->cap;
        o->count--;
    }
    return NET_OK;
}
