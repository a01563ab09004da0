/* queue_worker.c - the worker's side of the queue: jobs and calls in, DONE and ANSWERS out, and credit to bound what is under
 * way.
 *
 * Everything a worker holds belongs to one session with the broker. When the session ends, the broker hands the same jobs to
 * somebody (perhaps to this worker again), so nothing is kept for sending again: a job is recognized by its outcome. */
#include "common/queue_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/queue_link.h"

#define BEAT_MS 200
#define CHUNK_BYTES (LIMIT_WIRE_BYTES / 4)

/* Entries of one DONE or ANSWERS frame. */
struct chunk {
    struct chunk *next;
    enum msg_kind kind;
    uint32_t count;
    struct buf entries;
};

struct queue_worker {
    struct queue_link link;
    struct queue_worker_events events;
    void *self;
    struct msg_join join; /* name and catalog point to the two below */
    char name[LIMIT_PEER_NAME_BYTES];
    struct buf catalog;
    struct msg_beat beat;
    struct chunk *oldest, *newest;
    uint32_t credit_messages, credit_calls; /* given, not yet sent */
    bool tables_changed, leaving, leave_sent, left;
    struct buf frame; /* scratch */
};

/* -- Life ------------------------------------------------------------------------------------------------------------------ */
static int copy_join(struct queue_worker *w, const struct msg_join *join, struct err *e)
{
    if (join->name.len == 0 || join->name.len > sizeof w->name || join->catalog.len > LIMIT_CATALOG_BYTES)
        return err_set(e, ERR_VALIDATION, "a worker's name has 1 to %u bytes, its catalog at most %u", LIMIT_PEER_NAME_BYTES,
                       LIMIT_CATALOG_BYTES);
    w->join = *join;
    w->join.version = MSG_VERSION;
    memcpy(w->name, join->name.ptr, join->name.len);
    w->join.name = slice_of(w->name, join->name.len);
    if (buf_append(&w->catalog, join->catalog.ptr, join->catalog.len) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    return 0;
}

struct queue_worker *queue_worker_create(const char *endpoint, const struct msg_join *join,
                                         const struct queue_worker_events *events, void *self, int64_t now_ms, struct err *e)
{
    assert(events->jobs && events->calls && events->link && events->left);
    struct queue_worker *w = calloc(1, sizeof *w);
    if (!w) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    w->link.poll_fd = -1;
    w->events = *events;
    w->self = self;
    if (copy_join(w, join, e) != 0 || queue_link_init(&w->link, endpoint, BEAT_MS, true, now_ms, e) != 0)
        queue_worker_destroy(&w);
    return w;
}

static void drop_oldest(struct queue_worker *w)
{
    struct chunk *chunk = w->oldest;
    w->oldest = chunk->next;
    if (!w->oldest)
        w->newest = NULL;
    buf_finish(&chunk->entries);
    free(chunk);
}

static void drop_all(struct queue_worker *w)
{
    while (w->oldest)
        drop_oldest(w);
}

void queue_worker_destroy(struct queue_worker **worker)
{
    struct queue_worker *w = *worker;
    if (!w)
        return;
    drop_all(w);
    queue_link_finish(&w->link);
    buf_finish(&w->catalog);
    buf_finish(&w->frame);
    free(w);
    *worker = NULL;
}

int queue_worker_fd(struct queue_worker *w) { return w->link.poll_fd; }
int64_t queue_worker_deadline(const struct queue_worker *w) { return queue_link_deadline(&w->link); }

/* -- Sessions -------------------------------------------------------------------------------------------------------------- */
static void tell_left(struct queue_worker *w)
{
    if (w->left)
        return;
    w->left = true;
    w->events.left(w->self);
}

static void close_session(struct queue_worker *w)
{
    drop_all(w);
    w->credit_messages = w->credit_calls = 0;
    w->link.up = false;
    w->events.link(w->self, false);
    if (w->leaving)
        tell_left(w);
}

static void on_welcome(struct queue_worker *w, struct msg *m)
{
    uint64_t version, instance;
    struct slice catalog;
    if (msg_read_welcome(m, &version, &instance, &catalog) != 0) {
        queue_link_broken(&w->link, "WELCOME");
        return;
    }
    if (!queue_link_welcome(&w->link, version, instance))
        return;
    if (w->link.up)
        close_session(w);
    w->link.up = true;
    w->events.link(w->self, true);
}

static void on_who(struct queue_worker *w, struct msg *m)
{
    (void)m;
    if (queue_link_stranger(&w->link))
        close_session(w);
}

static void on_pong(struct queue_worker *w, struct msg *m)
{
    if (queue_link_pong(&w->link, m))
        close_session(w);
}

/* -- Deliveries ------------------------------------------------------------------------------------------------------------ */
static void on_jobs(struct queue_worker *w, struct msg *m)
{
    uint64_t low_seq;
    if (msg_read_jobs(m, &low_seq) == 0)
        w->events.jobs(w->self, low_seq, m);
    if (m->reader.failed)
        queue_link_broken(&w->link, "JOBS");
}

static void on_calls(struct queue_worker *w, struct msg *m)
{
    if (msg_read_calls(m) == 0)
        w->events.calls(w->self, m);
    if (m->reader.failed)
        queue_link_broken(&w->link, "CALLS");
}

static void on_left(struct queue_worker *w, struct msg *m)
{
    (void)m;
    if (w->leaving)
        tell_left(w);
}

static void worker_frame(struct queue_worker *w, struct msg *m)
{
    static const struct {
        void (*act)(struct queue_worker *, struct msg *);
        bool in_session; /* from an ended session it means nothing */
    } arms[MSG_KIND_COUNT] = {
        [MSG_WELCOME] = {on_welcome, false}, [MSG_WHO] = {on_who, false},    [MSG_PONG] = {on_pong, true},
        [MSG_JOBS] = {on_jobs, true},        [MSG_CALLS] = {on_calls, true}, [MSG_LEFT] = {on_left, true},
    };
    if (!arms[m->kind].act)
        queue_link_broken(&w->link, "unexpected");
    else if (w->link.welcomed || !arms[m->kind].in_session)
        arms[m->kind].act(w, m);
}

/* -- Out ------------------------------------------------------------------------------------------------------------------- */
/* The chunk that takes the next entry of that kind; NULL without a session or memory. What is lost with it is not lost: without
 * DONE the job is delivered again, without an answer the call times out. */
static struct chunk *chunk_for(struct queue_worker *w, enum msg_kind kind)
{
    if (!w->link.welcomed)
        return NULL;
    for (struct chunk *chunk = w->oldest; chunk; chunk = chunk->next)
        if (chunk->kind == kind && chunk->count < LIMIT_BATCH_ENTRIES && chunk->entries.len < CHUNK_BYTES)
            return chunk;
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->kind = kind;
    if (w->newest)
        w->newest->next = chunk;
    else
        w->oldest = chunk;
    w->newest = chunk;
    return chunk;
}

/* Ends an append: an entry that found no memory is cut off again. */
static void count_entry(struct chunk *chunk, size_t before)
{
    if (buf_failed(&chunk->entries)) {
        chunk->entries.len = before;
        chunk->entries.failed = false;
    } else {
        chunk->count++;
    }
}

void queue_worker_done(struct queue_worker *w, const struct msg_done *done)
{
    struct chunk *chunk = chunk_for(w, MSG_DONE);
    if (!chunk)
        return;
    size_t before = chunk->entries.len;
    msg_add_done(&chunk->entries, done);
    count_entry(chunk, before);
}

void queue_worker_answer(struct queue_worker *w, const struct msg_reply *answer)
{
    struct chunk *chunk = chunk_for(w, MSG_ANSWERS);
    if (!chunk)
        return;
    size_t before = chunk->entries.len;
    msg_add_reply(&chunk->entries, answer);
    count_entry(chunk, before);
}

static uint32_t add_credit(uint32_t a, uint32_t b) { return b < LIMIT_CREDIT - a ? a + b : LIMIT_CREDIT; }

void queue_worker_credit(struct queue_worker *w, uint32_t messages, uint32_t calls)
{
    w->credit_messages = add_credit(w->credit_messages, messages);
    w->credit_calls = add_credit(w->credit_calls, calls);
}

void queue_worker_tables(struct queue_worker *w, struct slice catalog)
{
    struct buf copy = {0};
    if (catalog.len > LIMIT_CATALOG_BYTES || buf_append(&copy, catalog.ptr, catalog.len) != 0) {
        queue_link_broken(&w->link, "catalog too large");
        return;
    }
    buf_swap(&copy, &w->catalog);
    buf_finish(&copy);
    w->tables_changed = true;
}

void queue_worker_leave(struct queue_worker *w) { w->leaving = true; }

static bool send_frame(struct queue_worker *w) { return queue_link_send(&w->link, &w->frame) == NET_OK; }

static bool send_tables(struct queue_worker *w)
{
    if (!w->tables_changed)
        return true;
    buf_reset(&w->frame);
    msg_put_catalog(&w->frame, MSG_TABLES, buf_slice(&w->catalog));
    w->tables_changed = !send_frame(w);
    return !w->tables_changed;
}

static bool send_chunks(struct queue_worker *w)
{
    for (; w->oldest; drop_oldest(w)) {
        struct chunk *chunk = w->oldest;
        if (chunk->count == 0)
            continue;
        buf_reset(&w->frame);
        size_t mark = chunk->kind == MSG_DONE ? msg_begin_done(&w->frame) : msg_begin_replies(&w->frame, MSG_ANSWERS);
        mp_put_raw(&w->frame, buf_slice(&chunk->entries));
        msg_end(&w->frame, mark, chunk->count);
        if (!send_frame(w))
            return false;
    }
    return true;
}

static bool send_credit(struct queue_worker *w)
{
    if ((w->credit_messages | w->credit_calls) == 0 || w->leaving)
        return true;
    buf_reset(&w->frame);
    msg_put_credit(&w->frame, w->credit_messages, w->credit_calls);
    if (!send_frame(w))
        return false;
    w->credit_messages = w->credit_calls = 0;
    return true;
}

static void send_leave(struct queue_worker *w)
{
    if (!w->leaving || w->leave_sent)
        return;
    buf_reset(&w->frame);
    msg_put_bare(&w->frame, MSG_LEAVE);
    w->leave_sent = send_frame(w);
}

/* Tables go first, so that gateways know a new one before they hear that it is there; a full socket stops here and goes on at
 * the next turn, where it stopped. */
static void send_all(struct queue_worker *w)
{
    if (w->link.welcomed && send_tables(w) && send_chunks(w) && send_credit(w))
        send_leave(w);
}

/* -- The turn -------------------------------------------------------------------------------------------------------------- */
static void join(struct queue_worker *w)
{
    w->join.catalog = buf_slice(&w->catalog);
    buf_reset(&w->frame);
    msg_put_join(&w->frame, &w->join);
    queue_link_greeted(&w->link, queue_link_send(&w->link, &w->frame));
    w->tables_changed = false;
}

static void beat(struct queue_worker *w)
{
    buf_reset(&w->frame);
    msg_put_beat(&w->frame, &w->beat);
    queue_link_pinged(&w->link, queue_link_send(&w->link, &w->frame));
}

static void keep_alive(struct queue_worker *w, int64_t now_ms)
{
    bool was_up = w->link.up;
    enum queue_link_need need = queue_link_turn(&w->link, now_ms);
    if (need == QUEUE_LINK_LOST) {
        if (was_up)
            close_session(w);
        need = queue_link_turn(&w->link, now_ms);
    }
    if (need == QUEUE_LINK_GREET && w->leaving)
        queue_link_greeted(&w->link, NET_AGAIN); /* who leaves does not come back */
    else if (need == QUEUE_LINK_GREET)
        join(w);
    else if (need == QUEUE_LINK_PING)
        beat(w);
}

void queue_worker_process(struct queue_worker *w, int64_t now_ms)
{
    struct net_frame frame;
    struct msg m;
    w->link.now_ms = now_ms;
    while (queue_link_receive(&w->link, &frame, &m)) {
        worker_frame(w, &m);
        net_frame_done(&frame);
    }
    keep_alive(w, now_ms);
    send_all(w);
    if (w->leaving && !w->link.welcomed)
        tell_left(w);
}

void queue_worker_flush(struct queue_worker *w, int64_t now_ms, const struct msg_beat *beat_now)
{
    w->link.now_ms = now_ms;
    w->beat = *beat_now;
    send_all(w);
}
