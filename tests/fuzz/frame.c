/* frame.c - any bytes as one wire message: every reader of its kind to the end, and every slice within the frame. */
#include "common/limits.h"
#include "common/msg.h"
#include "common/msg_queue.h"
#include "tests/fuzz/fuzz.h"

static struct slice frame;

static void inside(struct slice s)
{
    fuzz_check(s.len == 0 || (s.ptr >= frame.ptr && s.len <= (size_t)(frame.ptr + frame.len - s.ptr)));
}

static void on_hello(struct msg *m)
{
    uint64_t version;
    struct slice role, name;
    if (msg_read_hello(m, &version, &role, &name) == 0)
        inside(role), inside(name), fuzz_check(role.len <= LIMIT_PEER_NAME_BYTES && name.len <= LIMIT_PEER_NAME_BYTES);
}

static void on_send(struct msg *m)
{
    uint64_t batch;
    struct slice queue;
    struct msg_send entry;
    if (msg_read_send(m, &batch, &queue) != 0)
        return;
    fuzz_check(queue.len <= LIMIT_QUEUE_NAME_BYTES);
    while (msg_next_send(m, &entry)) {
        inside(entry.body), inside(entry.key);
        fuzz_check(entry.body.len > 0 && entry.body.len <= LIMIT_BODY_BYTES && (entry.key.len == 0 || entry.key.len == 16));
        fuzz_check(entry.delay_ms >= 0 && entry.delay_ms <= LIMIT_DELAY_MS);
    }
}

static void on_call(struct msg *m)
{
    struct msg_call entry;
    if (msg_read_call(m) != 0)
        return;
    while (msg_next_call(m, &entry)) {
        inside(entry.body), inside(entry.id);
        fuzz_check((entry.id.len == 0 || entry.id.len == ID_BYTES) && entry.timeout_ms >= 0 &&
                   entry.timeout_ms <= LIMIT_CALL_MS);
    }
}

static void on_calls(struct msg *m)
{
    struct msg_call entry;
    if (msg_read_calls(m) == 0)
        while (msg_next_calls(m, &entry))
            inside(entry.body), inside(entry.id), fuzz_check(entry.id.len == 0 || entry.id.len == ID_BYTES);
}

static void on_replies(struct msg *m)
{
    struct msg_reply entry;
    if (msg_read_replies(m) == 0)
        while (msg_next_reply(m, &entry))
            inside(entry.body), fuzz_check(entry.status <= MSG_CALL_BUSY);
}

static void on_sent(struct msg *m)
{
    uint64_t batch;
    enum msg_result result;
    struct id known;
    if (msg_read_sent(m, &batch) == 0)
        while (msg_next_sent(m, &result, &known))
            fuzz_check(result < MSG_RESULT_COUNT);
}

static void on_results(struct msg *m)
{
    struct id id;
    struct slice outcome;
    if (msg_read_results(m) == 0)
        while (msg_next_result(m, &id, &outcome))
            inside(outcome);
}

static void on_watch(struct msg *m)
{
    uint64_t request;
    struct id id;
    int64_t wait_ms;
    if (msg_read_watch(m, &request, &id, &wait_ms) == 0)
        fuzz_check(wait_ms >= 0);
}

static void on_cancel(struct msg *m)
{
    uint64_t request;
    struct id id;
    msg_read_cancel(m, &request, &id);
}

static void on_state(struct msg *m)
{
    struct msg_state_reply s;
    if (msg_read_state(m, &s) == 0)
        inside(s.body), fuzz_check(s.state < MSG_STATE_COUNT);
}

static void on_admin(struct msg *m)
{
    uint64_t request;
    struct slice verb, argument;
    if (msg_read_admin(m, &request, &verb, &argument) == 0)
        inside(verb), inside(argument);
}

static void on_admin_reply(struct msg *m)
{
    uint64_t request;
    unsigned code;
    struct slice value;
    if (msg_read_admin_reply(m, &request, &code, &value) == 0)
        inside(value);
}

static void on_welcome(struct msg *m)
{
    uint64_t version, instance;
    struct slice catalog;
    if (msg_read_welcome(m, &version, &instance, &catalog) == 0)
        inside(catalog), fuzz_check(catalog.len <= LIMIT_CATALOG_BYTES);
}

static void on_catalog(struct msg *m)
{
    struct slice catalog;
    if (msg_read_catalog(m, &catalog) == 0)
        inside(catalog), fuzz_check(catalog.len <= LIMIT_CATALOG_BYTES);
}

static void on_pong(struct msg *m)
{
    uint64_t instance;
    msg_read_pong(m, &instance);
}

static void on_join(struct msg *m)
{
    struct msg_join join;
    if (msg_read_join(m, &join) == 0)
        inside(join.name), inside(join.catalog), fuzz_check(join.name.len <= LIMIT_PEER_NAME_BYTES);
}

static void on_credit(struct msg *m)
{
    uint32_t messages, calls;
    if (msg_read_credit(m, &messages, &calls) == 0)
        fuzz_check(messages <= LIMIT_CREDIT && calls <= LIMIT_CREDIT);
}

static void on_beat(struct msg *m)
{
    struct msg_beat beat;
    msg_read_beat(m, &beat);
}

static void on_jobs(struct msg *m)
{
    uint64_t low_seq;
    struct msg_job entry;
    if (msg_read_jobs(m, &low_seq) == 0)
        while (msg_next_job(m, &entry))
            inside(entry.body);
}

static void on_done(struct msg *m)
{
    struct msg_done entry;
    if (msg_read_done(m) == 0)
        while (msg_next_done(m, &entry))
            inside(entry.outcome), fuzz_check(entry.disposition < MSG_DISPOSITION_COUNT && entry.retry_ms >= 0);
}

static void on_requests(struct msg *m)
{
    uint64_t number;
    struct queue_request request;
    bool valid;
    if (msg_read_requests(m) != 0)
        return;
    while (msg_next_request(m, &number, &request, &valid)) {
        inside(request.queue), fuzz_check(request.queue.len <= LIMIT_QUEUE_PATH_BYTES);
        if (valid && request.verb == QUEUE_VERB_SEND)
            inside(request.send.body), inside(request.send.key);
        if (valid && request.verb == QUEUE_VERB_CREATE)
            inside(request.define.document), inside(request.define.attributes.dead_letter);
    }
}

static void on_responses(struct msg *m)
{
    struct queue_response response;
    struct queue_description d;
    struct queue_walk walk;
    struct queue_received received;
    if (msg_read_responses(m) != 0)
        return;
    while (msg_next_response(m, &response)) {
        inside(response.body);
        if (queue_read_description(&response, &d) == 0)
            inside(d.name), inside(d.document);
        if (queue_walk_received(&response, &walk) == 0)
            while (queue_next_received(&walk, &received))
                inside(received.handle), inside(received.body);
    }
}

static void on_bare(struct msg *m) { fuzz_check(mp_at_end(&m->reader)); }

void fuzz_frame(struct slice input)
{
    static void (*const readers[MSG_KIND_COUNT])(struct msg *) = {
        [MSG_HELLO] = on_hello,
        [MSG_SEND] = on_send,
        [MSG_CALL] = on_call,
        [MSG_WATCH] = on_watch,
        [MSG_CANCEL] = on_cancel,
        [MSG_ADMIN] = on_admin,
        [MSG_PING] = on_bare,
        [MSG_WELCOME] = on_welcome,
        [MSG_SENT] = on_sent,
        [MSG_RESULTS] = on_results,
        [MSG_REPLIES] = on_replies,
        [MSG_STATE] = on_state,
        [MSG_ADMIN_REPLY] = on_admin_reply,
        [MSG_CATALOG] = on_catalog,
        [MSG_PONG] = on_pong,
        [MSG_WHO] = on_bare,
        [MSG_JOIN] = on_join,
        [MSG_CREDIT] = on_credit,
        [MSG_DONE] = on_done,
        [MSG_ANSWERS] = on_replies,
        [MSG_BEAT] = on_beat,
        [MSG_LEAVE] = on_bare,
        [MSG_TABLES] = on_catalog,
        [MSG_JOBS] = on_jobs,
        [MSG_CALLS] = on_calls,
        [MSG_LEFT] = on_bare,
        [MSG_REQUESTS] = on_requests,
        [MSG_RESPONSES] = on_responses,
    };
    struct msg m;
    frame = input;
    if (msg_open(input, &m) != 0)
        return;
    fuzz_check(m.kind < MSG_KIND_COUNT && readers[m.kind]);
    readers[m.kind](&m);
    /* A kind that was read as another one is refused or read, never misread. */
    for (unsigned kind = 0; kind < MSG_KIND_COUNT; kind++) {
        fuzz_check(msg_open(input, &m) == 0);
        if (readers[kind] != on_bare)
            readers[kind](&m);
    }
}
