/* client_story.c - see client_story.h. */
#include "tests/lib/client_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/queue_client_parts.h"

#define SILENCE_TAG 999

static int number_of(const void *tag) { return (int)(intptr_t)tag; }
void *story_tag(int n) { return (void *)(intptr_t)n; }
struct id story_id(int n) { return (struct id){{(unsigned char)n, (unsigned char)(n >> 8), 0, 7}}; }
static int number_of_id(const struct id *id) { return id->bytes[0] | id->bytes[1] << 8; }

/* -- What the client tells ------------------------------------------------------------------------------------------------- */
static const char *print(struct slice s, char out[static 64])
{
    snprintf(out, 64, "%.*s", (int)(s.len < 60 ? s.len : 60), (const char *)s.ptr);
    return out;
}

static void on_sent(void *self, void *tag, enum msg_result result, const struct id *known)
{
    static const char *const names[] = {"accepted", "duplicate", "mismatch", "full", "disk-full", "no-queue", "invalid"};
    struct story *s = self;
    buf_printf(&s->text, "sent %d %s", number_of(tag), names[result]);
    if (known)
        buf_printf(&s->text, " known %d", number_of_id(known));
    buf_text(&s->text, "\n");
    if (s->on_sent)
        s->on_sent(s, number_of(tag));
}

/* An outcome that is none prints as it is. */
static void on_result(void *self, const struct id *id, struct slice body)
{
    struct story *s = self;
    struct outcome o;
    char text[64];
    if (outcome_decode(body, &o) != 0) {
        buf_printf(&s->text, "result %d %s\n", number_of_id(id), print(body, text));
        return;
    }
    struct value message = value_map_get(&o.value, slice_text("message"));
    buf_printf(&s->text, "result %d state=%d code=%s", number_of_id(id), (int)o.state, print(o.code, text));
    buf_printf(&s->text, " %s\n", print(message.bytes, text));
}

static void on_reply(void *self, void *tag, enum msg_call_status status, struct slice body)
{
    struct story *s = self;
    char text[64];
    buf_printf(&s->text, "reply %d %d %s\n", number_of(tag), (int)status, print(body, text));
}

static void on_state(void *self, void *tag, const struct msg_state_reply *reply)
{
    struct story *s = self;
    char text[64];
    buf_printf(&s->text, "state %d %d %s\n", number_of(tag), (int)reply->state, print(reply->body, text));
}

static void on_admin(void *self, void *tag, unsigned code, struct slice value)
{
    struct story *s = self;
    (void)value;
    if (number_of(tag) != SILENCE_TAG)
        buf_printf(&s->text, "admin %d %u\n", number_of(tag), code);
}

static void on_catalog(void *self, struct slice catalog)
{
    struct story *s = self;
    char text[64];
    buf_printf(&s->text, "catalog %s\n", print(catalog, text));
}

static void on_response(void *self, void *tag, const struct queue_response *response)
{
    struct story *s = self;
    buf_printf(&s->text, "response %d %s\n", number_of(tag), queue_result_name(response->result));
}

static void on_link(void *self, bool up) { buf_text(&((struct story *)self)->text, up ? "link up\n" : "link down\n"); }

/* -- The stage ------------------------------------------------------------------------------------------------------------- */
static void turn(void *self)
{
    struct story *s = self;
    queue_client_process(s->client, s->now_ms);
    queue_client_flush(s->client, s->now_ms);
}

int story_setup(void **state)
{
    static const struct queue_client_events events = {on_sent,  on_result,  on_reply, on_state,
                                                      on_admin, on_catalog, on_link,  on_response};
    struct story *s = calloc(1, sizeof *s);
    struct err e = {0};
    assert_non_null(s);
    s->now_ms = 1000000;
    fake_broker_open(&s->broker, turn, s);
    s->client = queue_client_create(s->broker.endpoint, "test", "story", &events, s, s->now_ms, &e);
    assert_non_null(s->client);
    *state = s;
    return 0;
}

int story_teardown(void **state)
{
    struct story *s = *state;
    queue_client_destroy(&s->client);
    fake_broker_close(&s->broker);
    buf_finish(&s->text);
    free(s);
    return 0;
}

void story_skip_to(struct story *s, const char *line)
{
    size_t len = strlen(line);
    for (int i = 0; i < 2000; i++) {
        turn(s);
        if (s->text.len >= len && memcmp(s->text.data + s->text.len - len, line, len) == 0)
            break;
        fake_broker_glance(queue_client_fd(s->client));
    }
    assert_true(s->text.len >= len && memcmp(s->text.data + s->text.len - len, line, len) == 0);
    buf_reset(&s->text);
}

void story_settle(struct story *s, const char *expected)
{
    fake_broker_settle(&s->broker, queue_client_fd(s->client), &s->text, expected);
}

static void greet(struct story *s, uint64_t instance)
{
    uint64_t version;
    struct slice role, name;
    struct msg m = fake_broker_expect(&s->broker, MSG_HELLO);
    assert_int_equal(msg_read_hello(&m, &version, &role, &name), 0);
    assert_int_equal(version, MSG_VERSION);
    assert_true(slice_equal(role, slice_text("test")) && slice_equal(name, slice_text("story")));
    msg_put_welcome(&s->broker.out, instance, slice_text("tables"));
    fake_broker_answer(&s->broker);
}

void story_welcome(struct story *s, uint64_t instance)
{
    greet(s, instance);
    story_settle(s, "catalog tables\nlink up\n");
}

/* A frame that is sent before the connection is seen to be gone would be lost: real time heals that, a virtual clock waits
 * here. */
static void wait_disconnected(struct story *s)
{
    zsock_t *socket = s->client->link.socket;
    for (int i = 0; i < 2000 && (zsock_events(socket) & ZMQ_POLLOUT); i++)
        fake_broker_glance(net_fd(socket));
    assert_false(zsock_events(socket) & ZMQ_POLLOUT);
}

void story_broker_dies(struct story *s)
{
    fake_broker_stop(&s->broker);
    wait_disconnected(s);
}

void story_broker_restarts(struct story *s, uint64_t instance)
{
    story_broker_dies(s);
    fake_broker_start(&s->broker);
    s->now_ms += 250;
    fake_broker_expect(&s->broker, MSG_PING);
    msg_put_bare(&s->broker.out, MSG_WHO);
    fake_broker_answer(&s->broker);
    greet(s, instance);
    story_settle(s, "catalog tables\n");
}

void story_expect_silence(struct story *s)
{
    uint64_t request;
    struct slice verb, argument;
    turn(s);
    assert_int_equal(queue_client_admin(s->client, "silence", (struct slice){0}, story_tag(SILENCE_TAG)), 0);
    size_t outstanding = queue_client_outstanding(s->client);
    struct msg m = fake_broker_expect(&s->broker, MSG_ADMIN);
    assert_int_equal(msg_read_admin(&m, &request, &verb, &argument), 0);
    msg_put_admin_reply(&s->broker.out, request, 0, (struct slice){0});
    fake_broker_answer(&s->broker);
    for (int i = 0; i < 2000 && queue_client_outstanding(s->client) == outstanding; i++) {
        fake_broker_glance(queue_client_fd(s->client));
        turn(s);
    }
    assert_int_equal(queue_client_outstanding(s->client), outstanding - 1);
    story_settle(s, ""); /* and nothing was told meanwhile */
}

/* -- Messages -------------------------------------------------------------------------------------------------------------- */
int story_send(struct story *s, int n, uint32_t flags, const char *body)
{
    struct msg_send message = {.id = story_id(n), .flags = flags, .body = slice_text(body)};
    return queue_client_send(s->client, "q", &message, story_tag(n));
}

uint64_t story_expect_send(struct story *s, int first, int count)
{
    uint64_t batch;
    struct slice queue;
    struct msg_send entry;
    struct msg m = fake_broker_expect(&s->broker, MSG_SEND);
    assert_int_equal(msg_read_send(&m, &batch, &queue), 0);
    assert_int_equal(m.left, count);
    for (int i = 0; i < count; i++) {
        assert_true(msg_next_send(&m, &entry));
        assert_int_equal(number_of_id(&entry.id), first + i);
    }
    return batch;
}

void story_sent_all(struct story *s, uint64_t batch)
{
    size_t mark = msg_begin_sent(&s->broker.out, batch);
    msg_end(&s->broker.out, mark, 0);
    fake_broker_answer(&s->broker);
}

void story_sent_one(struct story *s, uint64_t batch, enum msg_result result, int known)
{
    struct id id = story_id(known);
    size_t mark = msg_begin_sent(&s->broker.out, batch);
    msg_add_sent(&s->broker.out, result, known ? &id : NULL);
    msg_end(&s->broker.out, mark, 1);
    fake_broker_answer(&s->broker);
}

void story_result(struct story *s, int n, const char *outcome)
{
    struct id id = story_id(n);
    size_t mark = msg_begin_results(&s->broker.out);
    msg_add_result(&s->broker.out, &id, slice_text(outcome));
    msg_end(&s->broker.out, mark, 1);
    fake_broker_answer(&s->broker);
}

void story_watched(struct story *s, int n, enum msg_state state, const char *body)
{
    uint64_t request;
    struct id id;
    int64_t wait_ms;
    struct msg m = fake_broker_expect(&s->broker, MSG_WATCH);
    assert_int_equal(msg_read_watch(&m, &request, &id, &wait_ms), 0);
    assert_int_equal(number_of_id(&id), n);
    msg_put_state(&s->broker.out, &(struct msg_state_reply){.request = request, .state = state, .body = slice_text(body)});
    fake_broker_answer(&s->broker);
}

static uint64_t read_one_call(struct story *s, struct msg_call *call)
{
    struct msg m = fake_broker_expect(&s->broker, MSG_CALL);
    assert_int_equal(msg_read_call(&m), 0);
    assert_int_equal(m.left, 1);
    assert_true(msg_next_call(&m, call));
    return call->call;
}

uint64_t story_expect_lookup(struct story *s, int n)
{
    struct msg_call call;
    struct op op;
    struct id id = story_id(n);
    uint64_t number = read_one_call(s, &call);
    assert_int_equal(op_decode(call.body, &op), 0);
    assert_int_equal(op.code, OP_LOOKUP);
    assert_int_equal(op.payload.type, VALUE_B);
    assert_int_equal(op.payload.bytes.len, ID_BYTES);
    assert_memory_equal(op.payload.bytes.ptr, id.bytes, ID_BYTES);
    return number;
}

uint64_t story_expect_call(struct story *s, const char *body)
{
    struct msg_call call;
    uint64_t number = read_one_call(s, &call);
    assert_true(slice_equal(call.body, slice_text(body)));
    return number;
}

void story_reply(struct story *s, uint64_t call, enum msg_call_status status, struct slice body)
{
    size_t mark = msg_begin_replies(&s->broker.out, MSG_REPLIES);
    msg_add_reply(&s->broker.out, &(struct msg_reply){.call = call, .status = status, .body = body});
    msg_end(&s->broker.out, mark, 1);
    fake_broker_answer(&s->broker);
}
