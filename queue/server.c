/* server.c - the broker's loop: wait -> drain both sockets -> step each frame's events -> one journal group -> frames out.
 *
 * The journal's thread syncs the group of the last turn while this one collects the next; its completion is an event like any other, and
 * only that event releases replies and deliveries (see core.h). Nothing in here waits for a peer: the poll is the only place that
 * blocks. */
#include "queue/server.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/log.h"
#include "queue/broker.h"

#define COMPACT_PER_TURN 256
#define POLL_MAX_MS 250 /* silent peers are looked for at least so often */
#define REST_AFTER_MS 50
#define DEAD_RETENTION_MS LIMIT_RETENTION_MAX_MS

struct core_event broker_event(const struct broker *b, enum core_event_kind kind)
{
    return (struct core_event){
        .kind = kind, .now_ms = b->now_ms, .client = CORE_NONE, .worker = CORE_NONE, .queue = CORE_NONE, .target = CORE_NONE};
}

void broker_step(struct broker *b, struct core_event *event)
{
    broker_look_at_reserve(b); /* any step may have something to say that must not be lost */
    core_step(b->core, event, b->effects);
    effects_carry_out(b, b->effects);
}

static void *resize(void *self, void *old, size_t bytes)
{
    (void)self;
    if (bytes > 0)
        return realloc(old, bytes);
    free(old);
    return NULL;
}

/* -- Start ----------------------------------------------------------------------------------------------------- */
static int replay_record(void *self, const struct core_record *record, uint64_t location)
{
    return core_replay(((struct broker *)self)->core, record, location);
}

static void put_head(void *self)
{
    struct broker *b = self;
    struct core_record record = {.kind = CORE_REC_MARK, .number = core_number(b->core), .now_ms = b->now_ms};
    journal_append(b->journal, &record);
}

/* What recovery has left alive, for the journal's count of it. */
static void count_live(struct broker *b)
{
    struct core_info info;
    uint64_t at = 0, location;
    uint32_t bytes;
    journal_recount(b->journal);
    for (uint32_t slot = 0; core_next(b->core, &slot, &info); slot++)
        journal_live_body(b->journal, info.location, info.body_len);
    while (core_next_kept(b->core, &at, &location, &bytes))
        journal_live_body(b->journal, location, bytes);
}

static int recover(struct broker *b, const struct server_config *config, struct err *e)
{
    struct journal_config journal = {config->journal_folder, config->segment_bytes, config->min_free_bytes};
    int64_t start = clock_mono_ms();
    b->journal = journal_open(&journal, e);
    if (!b->journal || journal_recover(b->journal, replay_record, b, e) != 0)
        return -1;
    int64_t newest = core_replayed(b->core), wall = clock_wall_ms();
    if (newest < 0)
        return err_set(e, ERR_INTERNAL, "too little memory for all messages of the journal");
    b->mono_ms = clock_mono_ms();
    b->time_base_ms = (wall > newest ? wall : newest) - b->mono_ms;
    b->now_ms = b->time_base_ms + b->mono_ms;
    count_live(b);
    journal_on_segment(b->journal, put_head, b);
    struct core_stats stats;
    core_stats(b->core, &stats);
    log_info("journal.recovered", "messages=%llu ms=%lld", (unsigned long long)stats.messages,
             (long long)(clock_mono_ms() - start));
    return 0;
}

/* What people have changed of leat's own queues stays: the document, and whether they are paused. The number of one that was purged is
 * another one by now. */
static int set_queue(struct broker *b, uint32_t preset, struct core_queue_attributes *attributes, struct err *e)
{
    struct core_queue_stats stats;
    struct core_event event = broker_event(b, CORE_QUEUE_SET);
    uint32_t queue = core_queue_by_name(b->core, slice_text(attributes->name));
    const struct core_queue_attributes *now = describe_lookup(b, queue, &stats);
    attributes->paused = now && now->paused;
    if (now && stats.location != 0 && memcmp(now, attributes, sizeof *now) == 0)
        return 0;
    if (now && stats.document_bytes > 0)
        event.body = journal_read(b->journal, stats.location, stats.document_bytes);
    if (getrandom(event.key, sizeof event.key, 0) != (ssize_t)sizeof event.key)
        return err_set(e, ERR_INTERNAL, "no randomness");
    event.queue = now ? queue : preset;
    event.attributes = attributes;
    broker_step(b, &event);
    return 0;
}

static void name_attributes(struct core_queue_attributes *a, const char *name)
{
    memset(a->name, 0, sizeof a->name);
    memcpy(a->name, name, strlen(name));
}

/* Salvage has lost their definitions, not their messages. */
static void name_the_nameless(struct broker *b, struct core_queue_attributes *a)
{
    char name[64];
    for (uint32_t queue; (queue = core_queue_nameless(b->core)) != CORE_NONE;) {
        snprintf(name, sizeof name, "leat-salvaged-%u", queue);
        name_attributes(a, name);
        log_warn("queue.salvaged", "name=%s", name);
        struct core_event event = broker_event(b, CORE_QUEUE_SET);
        event.queue = queue;
        event.attributes = a;
        broker_step(b, &event);
        if (core_queue_nameless(b->core) == queue)
            return; /* no memory, or there is one of that name: its messages stay where they are */
    }
}

bool broker_is_built_in(struct slice name)
{
    return slice_equal(name, slice_text(QUEUE_JOBS_NAME)) || slice_equal(name, slice_text(QUEUE_DEAD_NAME));
}

static int set_queues(struct broker *b, const struct server_config *config, struct err *e)
{
    struct core_queue_attributes a;
    memset(&a, 0, sizeof a); /* padding, too: compared as bytes */
    a.visibility_ms = config->visibility_ms;
    a.retention_ms = DEAD_RETENTION_MS;
    a.max_message_bytes = LIMIT_BODY_BYTES;
    name_the_nameless(b, &a);
    name_attributes(&a, QUEUE_DEAD_NAME);
    if (set_queue(b, QUEUE_DEAD_PRESET, &a, e) != 0)
        return -1;
    name_attributes(&a, QUEUE_JOBS_NAME);
    memcpy(a.dead_letter, QUEUE_DEAD_NAME, sizeof QUEUE_DEAD_NAME);
    a.retention_ms = config->retention_ms;
    a.max_receive_count = (uint32_t)config->max_receive_count;
    a.kind = CORE_JOBS;
    return set_queue(b, QUEUE_JOBS, &a, e);
}

static int make_parts(struct broker *b, const struct server_config *config, struct err *e)
{
    struct core_config core = {.max_messages = (uint32_t)config->max_messages,
                               .max_keys = (uint32_t)config->max_keys,
                               .batch_max = 250,
                               .slices = 16,
                               .key_window_ms = config->key_window_ms,
                               .worker_silence_ms = INT64_MAX, /* drop_silent() alone judges: see there */
                               .memory = {.resize = resize}};
    b->core = core_create(&core);
    b->effects = malloc(sizeof *b->effects);
    b->batches = batches_create();
    b->bodies = bodies_create();
    b->watches = watches_create();
    if (!b->core || !b->effects || !b->batches || !b->bodies || !b->watches ||
        peers_init(&b->clients, BROKER_CLIENTS_MAX) != 0 || peers_init(&b->workers, BROKER_WORKERS_MAX) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    return 0;
}

static int open_sockets(struct broker *b, const struct server_config *config, struct err *e)
{
    b->front = net_router(config->client_endpoint, e);
    b->back = b->front ? net_router(config->worker_endpoint, e) : NULL;
    return b->back ? 0 : -1;
}

static void broker_finish(struct broker *b)
{
    zsock_destroy(&b->front);
    zsock_destroy(&b->back);
    journal_close(&b->journal);
    peers_finish(&b->clients);
    peers_finish(&b->workers);
    watches_destroy(&b->watches);
    bodies_destroy(&b->bodies);
    batches_destroy(&b->batches);
    core_destroy(&b->core);
    free(b->effects);
    buf_finish(&b->catalog);
    buf_finish(&b->scratch);
}

/* -- One turn -------------------------------------------------------------------------------------------------- */
static bool drain_socket(struct broker *b, zsock_t *socket,
                         void (*take)(struct broker *, const struct net_peer *, struct slice))
{
    struct net_frame frame;
    for (int i = 0; i < BROKER_FRAMES_PER_TURN; i++) {
        if (net_router_receive(socket, &frame) != NET_OK)
            return false;
        take(b, &frame.peer, net_frame_bytes(&frame));
        net_frame_done(&frame);
    }
    return true;
}

static void send_frames(struct broker *b, struct peers *peers, zsock_t *socket, void (*gone)(struct broker *, struct peer *))
{
    uint32_t again = 0;
    for (uint32_t i = 0; i < peers->dirty_count;) {
        struct peer *peer = &peers->at[peers->dirty[i]];
        outbox_close_frame(peers, peer, &peer->out.first);
        outbox_close_frame(peers, peer, &peer->out.second);
        outbox_close_frame(peers, peer, &peer->out.third);
        enum net_result result = outbox_flush(peer, socket);
        if (result == NET_OK) {
            peer->dirty = false;
            peers->dirty[i] = peers->dirty[--peers->dirty_count];
        } else if (result == NET_AGAIN) {
            again++, i++;
        } else {
            gone(b, peer); /* takes it out of the list, and may add others */
        }
    }
    assert(again == peers->dirty_count);
}

/* The one judge of silence. If the core gave up a worker by itself, its peer would stay, be answered, and never get a job again; and
 * after a pause of this process it would do so before it has read the frames that waited meanwhile. */
static void drop_silent(struct broker *b)
{
    for (uint32_t i = 0; i < b->clients.used; i++) {
        struct peer *client = peers_by_index(&b->clients, i);
        if (client && b->mono_ms - client->heard_ms > BROKER_CLIENT_SILENCE_MS)
            front_client_gone(b, client);
    }
    for (uint32_t i = 0; i < b->workers.used; i++) {
        struct peer *worker = peers_by_index(&b->workers, i);
        if (worker && (b->mono_ms - worker->heard_ms > BROKER_WORKER_SILENCE_MS ||
                       (worker->lost_ms != 0 && b->mono_ms - worker->lost_ms > BROKER_WORKER_LOST_MS)))
            back_worker_gone(b, worker, false);
    }
}

static void end_watches(struct broker *b)
{
    struct id id;
    uint32_t client;
    uint64_t request;
    while (watches_due(b->watches, b->mono_ms, &id, &client, &request))
        front_state(b, client, request, &id);
}

static void move_message(struct broker *b, const struct core_record *record, uint64_t location)
{
    struct core_info info;
    if (!core_find(b->core, &record->id, &info) || info.location != location)
        return;
    struct core_event event = broker_event(b, CORE_MOVE_BODY);
    event.slot = info.slot;
    event.seq = info.seq;
    event.body = record->body;
    broker_step(b, &event);
}

/* The core compares locations by itself. The record may name the queue by a number that it does not have any more. */
static void move_body(void *self, const struct core_record *record, uint64_t location)
{
    struct broker *b = self;
    struct core_event event = broker_event(b, record->kind == CORE_REC_DEFINE ? CORE_MOVE_DEFINITION : CORE_MOVE_TASK);
    if (record->kind == CORE_REC_SEND || record->kind == CORE_REC_POST) {
        move_message(b, record, location);
        return;
    }
    event.queue = core_queue_by_name(b->core, slice_text(record->attributes.name));
    event.id = record->id;
    event.number = location;
    event.body = record->body;
    broker_step(b, &event);
}

static void tell_disk(struct broker *b)
{
    struct core_event event = broker_event(b, CORE_DISK);
    event.full = !b->has_room;
    event.exhausted = b->exhausted;
    broker_step(b, &event);
}

void broker_look_at_reserve(struct broker *b)
{
    bool exhausted = !journal_has_reserve(b->journal);
    if (exhausted == b->exhausted)
        return;
    b->exhausted = exhausted;
    tell_disk(b);
}

static void keep_journal(struct broker *b)
{
    b->compacting = false;
    bool room = journal_has_room(b->journal, b->mono_ms);
    if (room != b->has_room) {
        b->has_room = room;
        log_warn(room ? "disk.room" : "disk.full", "effect=\"%s\"", room ? "accepting again" : "new jobs are refused with 507");
        tell_disk(b);
    }
    broker_look_at_reserve(b);
    if (journal_compact(b->journal, move_body, b, COMPACT_PER_TURN, b->now_ms) == 1)
        b->compacting = true;
}

static void committed(struct broker *b)
{
    struct core_event event = broker_event(b, CORE_COMMITTED);
    event.number = journal_completed(b->journal);
    if (b->acks_dropped == 0) /* one that was dropped may come back: its outcome must stay */
        b->low_seq = b->low_flushed;
    broker_step(b, &event);
}

static void read_clock(struct broker *b)
{
    b->mono_ms = clock_mono_ms();
    b->now_ms = b->time_base_ms + b->mono_ms;
}

/* All that one wake-up has to do. Returns true when a socket may hold more. */
static bool turn(struct broker *b, bool journal_ready)
{
    read_clock(b);
    if (journal_ready)
        committed(b);
    bool more = drain_socket(b, b->back, back_frame);
    more = drain_socket(b, b->front, front_frame) || more;
    if (core_deadline(b->core) <= b->now_ms) {
        struct core_event event = broker_event(b, CORE_TICK);
        broker_step(b, &event);
        more = more || core_deadline(b->core) <= b->now_ms;
    }
    end_watches(b);
    keep_journal(b);
    if (journal_idle(b->journal)) {
        b->low_flushed = core_low_seq(b->core);
        journal_flush(b->journal);
    }
    send_frames(b, &b->workers, b->back, back_worker_lost);
    send_frames(b, &b->clients, b->front, front_client_gone);
    /* Sending may have swallowed the wake-up of a frame that came meanwhile: only the sockets themselves know. */
    return more || b->compacting || net_readable(b->front) || net_readable(b->back);
}

static int time_to_wait(const struct broker *b)
{
    int64_t wait = core_deadline(b->core) == INT64_MAX ? POLL_MAX_MS : core_deadline(b->core) - b->now_ms;
    int64_t watch = watches_deadline(b->watches);
    if (watch != INT64_MAX && watch - b->mono_ms < wait)
        wait = watch - b->mono_ms;
    if (b->clients.dirty_count + b->workers.dirty_count > 0 && wait > 1)
        wait = 1; /* somebody's queue was full */
    return wait < 0 ? 0 : wait > POLL_MAX_MS ? POLL_MAX_MS : (int)wait;
}

static void serve(struct broker *b, int stop_fd)
{
    struct pollfd fds[] = {{.fd = net_fd(b->front), .events = POLLIN},
                           {.fd = net_fd(b->back), .events = POLLIN},
                           {.fd = journal_fd(b->journal), .events = POLLIN},
                           {.fd = stop_fd, .events = POLLIN}};
    int64_t swept_ms = 0;
    bool more = true;
    while (!(fds[3].revents & POLLIN)) {
        int n = poll(fds, 4, more ? 0 : time_to_wait(b));
        bool quiet = n == 0 && !more;
        more = turn(b, n > 0 && fds[2].revents & POLLIN);
        if (quiet && journal_idle(b->journal) && b->mono_ms - swept_ms > REST_AFTER_MS)
            journal_rest(b->journal);
        if (b->mono_ms - swept_ms >= POLL_MAX_MS) {
            swept_ms = b->mono_ms;
            drop_silent(b);
        }
    }
}

/* What was accepted is synced and answered before the process ends. */
static void settle(struct broker *b)
{
    int64_t until = clock_mono_ms() + 5000;
    while (clock_mono_ms() < until) {
        struct pollfd fd = {.fd = journal_fd(b->journal), .events = POLLIN};
        bool idle = journal_idle(b->journal);
        int n = poll(&fd, 1, idle ? 0 : 100);
        turn(b, n > 0);
        if (idle && journal_idle(b->journal))
            return;
    }
}

int server_run(const struct server_config *config)
{
    static struct broker broker; /* large, and only one a process */
    struct broker *b = &broker;
    struct err e = {0};
    char catalog_file[4096];
    int status = 74;
    snprintf(catalog_file, sizeof catalog_file, "%s/catalog", config->journal_folder);
    b->catalog_file = catalog_file;
    b->has_room = true;
    b->instance = (uint64_t)clock_wall_ms() << 20 | (uint64_t)(clock_mono_us() & 0xfffff);
    if (make_parts(b, config, &e) != 0 || recover(b, config, &e) != 0 || catalog_load(b, &e) != 0 ||
        open_sockets(b, config, &e) != 0) {
        char quoted[sizeof e.text + 64];
        log_error("queue.failed", "reason=%s", log_value(e.text, quoted, sizeof quoted));
        status = e.code == ERR_RESOURCE_IN_USE ? 75 : 74;
        goto done;
    }
    if (set_queues(b, config, &e) != 0) {
        log_error("queue.failed", "reason=\"%s\"", e.text);
        goto done;
    }
    log_info("queue.ready", "clients=%s workers=%s", net_endpoint(b->front), net_endpoint(b->back));
    serve(b, config->stop_fd);
    log_info("queue.stopping", "signal=term");
    settle(b);
    status = 0;
done:
    broker_finish(b);
    return status;
}
