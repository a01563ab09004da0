/* client.c - frames of the broker at the client of gateways, between requests of its owner. Each answer comes once, to somebody who has
 * asked; what is outstanding is counted right.
 *
 * Input: commands, each a byte (see enum command), some with a chunk. Ids are one byte repeated. */
#include <stdlib.h>
#include <string.h>

#include "common/queue_client_parts.h"
#include "tests/fuzz/fuzz.h"

enum command { SEND, SEND_WAIT, CALL, WATCH, CANCEL, ADMIN, FORGET, UNWAIT, PASS, FRAME, COMMANDS };

#define TAGS 64u

struct owner {
    struct queue_client *client;
    unsigned asked[TAGS], answered[TAGS]; /* by tag; FORGET takes the question back */
    unsigned used;
    bool nested;
};

static void answered(struct owner *o, void *tag)
{
    size_t i = (size_t)((unsigned *)tag - o->asked);
    fuzz_check(i < TAGS);
    o->answered[i]++;
    fuzz_check(o->answered[i] <= o->asked[i]);
}

static void on_sent(void *self, void *tag, enum msg_result result, const struct id *known)
{
    (void)known;
    fuzz_check(result < MSG_RESULT_COUNT);
    answered(self, tag);
}

static void on_result(void *self, const struct id *id, struct slice outcome)
{
    struct owner *o = self;
    (void)outcome;
    if (!o->nested) { /* a callback may ask for more */
        o->nested = true;
        queue_client_unwait(o->client, id);
    }
}

static void on_reply(void *self, void *tag, enum msg_call_status status, struct slice body)
{
    (void)body;
    fuzz_check(status <= MSG_CALL_BUSY);
    answered(self, tag);
}

static void on_state(void *self, void *tag, const struct msg_state_reply *state)
{
    fuzz_check(state->state < MSG_STATE_COUNT);
    answered(self, tag);
}

static void on_admin(void *self, void *tag, unsigned err_code, struct slice value)
{
    (void)err_code, (void)value;
    answered(self, tag);
}

static void on_catalog(void *self, struct slice catalog) { (void)self, (void)catalog; }
static void on_link(void *self, bool up) { (void)self, (void)up; }

static void *next_tag(struct owner *o)
{
    unsigned i = o->used++ % TAGS;
    o->asked[i]++;
    return &o->asked[i];
}

static void ask(struct owner *o, enum command command, struct slice *in)
{
    struct id id;
    memset(id.bytes, (int)fuzz_u8(in), sizeof id.bytes);
    struct msg_send m = {.id = id, .flags = command == SEND_WAIT ? MSG_WAIT : 0, .body = slice_text("body")};
    void *tag = next_tag(o);
    int result = 0;
    if (command == SEND || command == SEND_WAIT)
        result = queue_client_send(o->client, "q", &m, tag);
    else if (command == CALL)
        result = queue_client_call(o->client, slice_text("body"), id.bytes[0] & 1 ? &id : NULL, fuzz_u16(in), tag);
    else if (command == WATCH)
        result = queue_client_watch(o->client, &id, fuzz_u16(in), tag);
    else if (command == CANCEL)
        result = queue_client_cancel(o->client, &id, tag);
    else
        result = queue_client_admin(o->client, "stats", (struct slice){0}, tag);
    fuzz_check(result == 0);
}

/* The frames go nowhere; what counts is that the client believes they went. */
static void pretend_sent(struct queue_client *c)
{
    for (struct request *r = c->requests.oldest; r; r = r->newer)
        r->sent_before = true;
    c->requests.unsent = NULL;
    c->open_count = 0;
}

static void pass(struct owner *o, struct slice *in, int64_t *now_ms)
{
    *now_ms += fuzz_u16(in);
    queue_client_process(o->client, *now_ms);
    queue_client_flush(o->client, *now_ms);
    pretend_sent(o->client);
}

static void check_outstanding(const struct owner *o)
{
    size_t open = 0;
    for (unsigned i = 0; i < TAGS; i++)
        open += o->asked[i] - o->answered[i];
    fuzz_check(queue_client_outstanding(o->client) == open);
}

static void forget(struct owner *o, unsigned i)
{
    queue_client_forget(o->client, &o->asked[i]);
    o->asked[i] = o->answered[i];
}

static struct queue_client *client;

static void destroy(void) { queue_client_destroy(&client); }

/* A client as queue_client_create() makes it, with the socket of the last one: making sockets takes longer than all the rest. */
static void renew(const struct queue_client_events *events, struct owner *o, int64_t now_ms)
{
    struct err e;
    if (!client) {
        client = queue_client_create("ipc:///nowhere/at/all", "fuzz", "fuzz", events, o, now_ms, &e);
        fuzz_check(client);
        atexit(destroy);
    }
    struct queue_client fresh = {
        .events = *events, .self = o, .role = "fuzz", .name = "fuzz", .due_ms = INT64_MAX, .rested_ms = INT64_MAX};
    fresh.link = (struct queue_link){.socket = client->link.socket,
                                     .endpoint = client->link.endpoint,
                                     .poll_fd = client->link.poll_fd,
                                     .ping_ms = client->link.ping_ms,
                                     .now_ms = now_ms,
                                     .heard_ms = now_ms,
                                     .pinged_ms = now_ms,
                                     .warned_ms = now_ms,
                                     .greeted_ms = now_ms - QUEUE_LINK_GREETING_MS,
                                     .asked_ms = INT64_MAX};
    requests_finish(&client->requests);
    waits_finish(&client->waits);
    buf_finish(&client->frame);
    buf_finish(&client->numbers);
    *client = fresh;
    fuzz_check(requests_init(&client->requests) == 0 && waits_init(&client->waits) == 0);
    o->client = client;
}

void fuzz_client(struct slice input)
{
    static const struct queue_client_events events = {.sent = on_sent,
                                                      .result = on_result,
                                                      .reply = on_reply,
                                                      .state = on_state,
                                                      .admin = on_admin,
                                                      .catalog = on_catalog,
                                                      .link = on_link};
    struct owner o = {0};
    struct msg m;
    int64_t now_ms = 1000;
    renew(&events, &o, now_ms);
    while (fuzz_more(&input)) {
        enum command command = (enum command)(fuzz_u8(&input) % COMMANDS);
        struct id id;
        o.nested = false;
        if (command < FORGET) {
            ask(&o, command, &input);
        } else if (command == FORGET) {
            forget(&o, fuzz_u8(&input) % TAGS);
        } else if (command == UNWAIT) {
            memset(id.bytes, (int)fuzz_u8(&input), sizeof id.bytes);
            queue_client_unwait(o.client, &id);
        } else if (command == PASS) {
            pass(&o, &input, &now_ms);
        } else if (msg_open(fuzz_chunk(&input), &m) == 0) {
            pretend_sent(o.client);
            client_frame(o.client, &m);
        }
        check_outstanding(&o);
    }
}
