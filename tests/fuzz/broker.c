/* broker.c - frames at both sockets of the broker: its handlers, its core and its journal are the real ones, only the sockets are left out.
 *
 * Input: commands, each a byte: three bits for what (see enum command), three for the peer, then a chunk or a number. After each command the
 * core is checked, and all that the broker would send is read as its peer would: it is well-formed, jobs are handed out to members
 * with credit only, one of a group at a time, and nobody is told anything before it is on disk.
 *
 * The journal is one for all inputs, in memory, and starts each as if nothing in it were alive. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "queue/broker.h"
#include "queue/journal_internal.h"
#include "tests/fuzz/fuzz.h"

enum command { FRONT, BACK, PASS, COMMIT, GONE, COMPACT, DONE_ALL, ROOM, COMMANDS };

#define PEERS 8u
#define HELD_MAX 256u

struct job { /* handed out */
    unsigned worker;
    uint64_t seq, group;
    uint32_t lease;
};

static struct broker broker;
static struct journal *journal;
static struct job held[HELD_MAX];
static size_t held_count;
static uint64_t flushed; /* the core's number when the group in flight was closed */
static char catalog_file[128];

/* -- The parts --------------------------------------------------------------------------------------------------------------------------- */
static int no_sync(int fd) { return (void)fd, 0; }
static int nothing_there(void *self, const struct core_record *record, uint64_t location)
{
    return (void)self, (void)record, (void)location, -1;
}

static zsock_t *nobody; /* a socket without peers: what strangers are answered goes nowhere */

static void close_journal(void)
{
    journal_close(&journal);
    zsock_destroy(&nobody);
}

static void open_journal(void)
{
    static char folder[96];
    char endpoint[128];
    struct journal_io io = journal_io;
    struct err e;
    snprintf(folder, sizeof folder, "%s/broker", fuzz_folder());
    snprintf(catalog_file, sizeof catalog_file, "%s/catalog", folder);
    io.sync = io.sync_folder = no_sync; /* no machine fails in here */
    journal_set_io(&io);
    struct journal_config config = {.folder = folder, .segment_bytes = JOURNAL_SEGMENT_MIN_BYTES};
    journal = journal_open(&config, &e);
    fuzz_check(journal && journal_recover(journal, nothing_there, NULL, &e) == 0);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/front", fuzz_folder());
    nobody = net_router(endpoint, &e);
    fuzz_check(nobody);
    atexit(close_journal);
}

/* Until the group in flight is on disk. */
static void await_journal(void)
{
    struct pollfd fd = {.fd = journal_fd(journal), .events = POLLIN};
    int ready;
    do
        ready = poll(&fd, 1, 20000);
    while (ready < 0 && errno == EINTR); /* libFuzzer's timer */
    fuzz_check(ready == 1);
    journal_completed(journal);
}

static void write_all(void)
{
    for (journal_flush(journal); !journal_idle(journal); journal_flush(journal))
        await_journal();
}

static void nobody_alive(void *self, const struct core_record *record, uint64_t location)
{
    (void)self, (void)record, (void)location;
}

/* Gives up what earlier inputs have left behind, their keys included. */
static void clean_journal(void)
{
    journal_recount(journal);
    for (int i = 0; i < 1000 && journal_compact(journal, nobody_alive, NULL, 1000, INT64_MAX) == 1; i++)
        write_all();
    write_all();
}

static void set_queue(uint32_t queue, const char *name, bool jobs)
{
    struct core_queue_attributes a = {.visibility_ms = 1000,
                                      .retention_ms = 60000,
                                      .max_receive_count = jobs ? 3 : 0,
                                      .max_messages = 40,
                                      .max_bytes = 1u << 20,
                                      .kind = jobs ? CORE_JOBS : CORE_STANDARD};
    if (jobs)
        memcpy(a.dead_letter, QUEUE_DEAD_NAME, sizeof QUEUE_DEAD_NAME);
    memcpy(a.name, name, strlen(name) + 1);
    struct core_event event = broker_event(&broker, CORE_QUEUE_SET);
    event.queue = queue;
    event.attributes = &a;
    broker_step(&broker, &event);
}

static void open_broker(void)
{
    struct core_config core = {.max_messages = 50,
                               .max_keys = 8,
                               .batch_max = 6,
                               .slices = 4,
                               .key_window_ms = 5000,
                               .worker_silence_ms = INT64_MAX,
                               .memory = fuzz_core_memory()};
    if (!journal)
        open_journal();
    memset(&broker, 0, sizeof broker);
    broker.core = core_create(&core);
    broker.effects = malloc(sizeof *broker.effects);
    broker.batches = batches_create();
    broker.bodies = bodies_create();
    broker.watches = watches_create();
    fuzz_check(broker.core && broker.effects && broker.batches && broker.bodies && broker.watches);
    fuzz_check(peers_init(&broker.clients, PEERS) == 0 && peers_init(&broker.workers, PEERS) == 0);
    broker.journal = journal;
    broker.catalog_file = catalog_file;
    broker.instance = 7;
    broker.has_room = true;
    broker.mono_ms = 1000;
    broker.now_ms = 1700000000000;
    broker.time_base_ms = broker.now_ms - broker.mono_ms;
    held_count = 0;
    broker.front = broker.back = nobody;
    clean_journal();
    set_queue(QUEUE_JOBS + 1, QUEUE_DEAD_NAME, false);
    set_queue(QUEUE_JOBS, QUEUE_JOBS_NAME, true);
}

static void close_broker(void)
{
    peers_finish(&broker.clients);
    peers_finish(&broker.workers);
    watches_destroy(&broker.watches);
    bodies_destroy(&broker.bodies);
    batches_destroy(&broker.batches);
    core_destroy(&broker.core);
    free(broker.effects);
    buf_finish(&broker.catalog);
    buf_finish(&broker.scratch);
}

/* -- What the peers get -------------------------------------------------------------------------------------------------------------------- */
static void drop_held(unsigned worker, uint64_t seq)
{
    for (size_t i = 0; i < held_count; i++)
        if (held[i].seq == seq && (worker == CORE_NONE || held[i].worker == worker)) {
            held[i] = held[--held_count];
            return;
        }
}

static void read_jobs(unsigned worker, struct msg *m)
{
    uint64_t low_seq;
    struct msg_job job;
    struct core_info info;
    fuzz_check(msg_read_jobs(m, &low_seq) == 0);
    while (msg_next_job(m, &job)) {
        fuzz_check(job.body.len > 0 && job.lease > 0 && job.seq <= flushed);
        if (!core_find(broker.core, &job.id, &info) || info.seq != job.seq || info.receive_count != job.lease)
            continue; /* handed out and ended within one command */
        for (size_t i = 0; i < held_count; i++) {
            struct core_info other;
            bool alive = job.group != 0 && held[i].group == job.group && held[i].seq != job.seq;
            for (uint32_t slot = 0; alive && core_next(broker.core, &slot, &other); slot++)
                fuzz_check(other.seq != held[i].seq || other.state != CORE_LEASED || other.queue != QUEUE_JOBS);
        }
        drop_held(CORE_NONE, job.seq);
        if (held_count < HELD_MAX)
            held[held_count++] = (struct job){worker, job.seq, job.group, job.lease};
    }
    fuzz_check(!m->reader.failed);
}

static void read_entries(struct msg *m)
{
    struct msg_reply reply;
    struct msg_call call;
    struct msg_state_reply state;
    enum msg_result result;
    struct id id;
    struct slice body;
    uint64_t number;
    unsigned code;
    if (m->kind == MSG_CALLS && msg_read_calls(m) == 0)
        while (msg_next_calls(m, &call))
            ;
    else if (m->kind == MSG_REPLIES && msg_read_replies(m) == 0)
        while (msg_next_reply(m, &reply))
            ;
    else if (m->kind == MSG_RESULTS && msg_read_results(m) == 0)
        while (msg_next_result(m, &id, &body))
            ;
    else if (m->kind == MSG_SENT && msg_read_sent(m, &number) == 0)
        while (msg_next_sent(m, &result, &id))
            ;
    else if (m->kind == MSG_STATE)
        msg_read_state(m, &state);
    else if (m->kind == MSG_ADMIN_REPLY)
        fuzz_check(msg_read_admin_reply(m, &number, &code, &body) == 0 && mp_valid(body, LIMIT_MSGPACK_DEPTH));
    fuzz_check(!m->reader.failed);
}

static void receive(struct peers *peers)
{
    for (uint32_t i = 0; i < peers->used; i++) {
        struct peer *peer = peers_by_index(peers, i);
        if (!peer)
            continue;
        outbox_close_frame(peers, peer, &peer->out.first);
        outbox_close_frame(peers, peer, &peer->out.second);
        struct outbox *o = &peer->out;
        fuzz_check(o->bytes <= BROKER_OUTBOX_BYTES);
        for (; o->count > 0; o->count--, o->head = (o->head + 1) % o->cap) {
            struct msg m;
            fuzz_check(msg_open(buf_slice(&o->frames[o->head]), &m) == 0);
            if (m.kind == MSG_JOBS)
                read_jobs(peer->handle & 0x3ff, &m);
            else
                read_entries(&m);
            buf_finish(&o->frames[o->head]);
        }
        o->bytes = 0;
        peer->dirty = false;
    }
    peers->dirty_count = 0;
}

/* -- The commands -------------------------------------------------------------------------------------------------------------------------- */
static void commit(void)
{
    for (;;) {
        struct core_event event = broker_event(&broker, CORE_COMMITTED);
        flushed = core_number(broker.core);
        broker.low_flushed = core_low_seq(broker.core);
        journal_flush(journal);
        if (journal_idle(journal))
            return;
        await_journal();
        event.number = flushed;
        broker.low_seq = broker.low_flushed;
        broker_step(&broker, &event);
    }
}

static void pass(unsigned ms)
{
    struct id id;
    uint32_t client;
    uint64_t request;
    broker.mono_ms += ms;
    broker.now_ms += ms;
    for (int i = 0; i < 4 && core_deadline(broker.core) <= broker.now_ms; i++) {
        struct core_event event = broker_event(&broker, CORE_TICK);
        broker_step(&broker, &event);
    }
    while (watches_due(broker.watches, broker.mono_ms, &id, &client, &request))
        front_state(&broker, client, request, &id);
}

static void move_body(void *self, const struct core_record *record, uint64_t location)
{
    struct core_info info;
    (void)self;
    if (!core_find(broker.core, &record->id, &info) || info.location != location)
        return;
    struct core_event event = broker_event(&broker, CORE_MOVE_BODY);
    event.slot = info.slot;
    event.seq = info.seq;
    event.body = record->body;
    broker_step(&broker, &event);
}

static void done_all(unsigned worker)
{
    struct buf frame = {0};
    size_t mark = msg_begin_done(&frame);
    uint32_t count = 0;
    for (size_t i = held_count; i-- > 0;)
        if (held[i].worker == worker) {
            msg_add_done(&frame, &(struct msg_done){
                                     .seq = held[i].seq, .lease = held[i].lease, .outcome = slice_text("\x93\0\xa0\xc0")});
            held[i] = held[--held_count];
            count++;
        }
    msg_end(&frame, mark, count);
    struct peer *peer = peers_by_index(&broker.workers, worker);
    if (peer)
        back_frame(&broker, &peer->address, buf_slice(&frame));
    buf_finish(&frame);
}

static void gone(unsigned n)
{
    struct peer *client = peers_by_index(&broker.clients, n), *worker = peers_by_index(&broker.workers, n);
    if (worker)
        back_worker_gone(&broker, worker, n & 1);
    else if (client)
        front_client_gone(&broker, client);
}

static void command(struct slice *in)
{
    unsigned first = fuzz_u8(in), n = first >> 3 & (PEERS - 1);
    struct net_peer from = {.bytes = {(unsigned char)(n + 1)}, .len = 1};
    struct core_event event = broker_event(&broker, CORE_DISK);
    switch ((enum command)(first % COMMANDS)) {
    case FRONT:
        front_frame(&broker, &from, fuzz_chunk(in));
        break;
    case BACK:
        back_frame(&broker, &from, fuzz_chunk(in));
        break;
    case PASS:
        pass(fuzz_u16(in));
        break;
    case COMMIT:
        commit();
        break;
    case GONE:
        gone(n);
        break;
    case COMPACT:
        journal_compact(journal, move_body, NULL, 16, broker.now_ms);
        break;
    case DONE_ALL:
        done_all(n);
        break;
    default:
        event.full = first & 0x80;
        broker_step(&broker, &event);
        break;
    }
}

void fuzz_broker(struct slice input)
{
    open_broker();
    while (fuzz_more(&input)) {
        command(&input);
        core_check(broker.core);
        receive(&broker.clients);
        receive(&broker.workers);
    }
    commit();
    receive(&broker.clients);
    receive(&broker.workers);
    close_broker();
}
