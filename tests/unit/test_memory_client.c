/* test_memory_client.c - memory runs out at the n-th allocation, for all n, while a client of the queue asks and is answered: a question that
 * was refused was not asked, one that was taken is answered once, and nothing leaks.
 *
 * The client's frames go nowhere; the broker's are handed to it as if they had come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/queue_client_parts.h"
#include "tests/lib/scarce_memory.h"

#define MESSAGES 20u /* the tables grow */

static struct owner {
    struct queue_client *client;
    unsigned sent[MESSAGES], results, replies, states, admins;
} owner;

static void on_sent(void *self, void *tag, enum msg_result result, const struct id *known)
{
    (void)self, (void)known;
    assert_int_equal(result, MSG_ACCEPTED);
    ++*(unsigned *)tag;
}

static void on_result(void *self, const struct id *id, struct slice outcome)
{
    (void)id, (void)outcome;
    ((struct owner *)self)->results++;
}

static void on_reply(void *self, void *tag, enum msg_call_status status, struct slice body)
{
    (void)tag, (void)status, (void)body;
    ((struct owner *)self)->replies++;
}

static void on_state(void *self, void *tag, const struct msg_state_reply *state)
{
    (void)tag, (void)state;
    ((struct owner *)self)->states++;
}

static void on_admin(void *self, void *tag, unsigned code, struct slice value)
{
    (void)tag, (void)code, (void)value;
    ((struct owner *)self)->admins++;
}

static void on_catalog(void *self, struct slice catalog) { (void)self, (void)catalog; }
static void on_link(void *self, bool up) { (void)self, (void)up; }

static struct id id_of(unsigned n)
{
    struct id id = {{0}};
    memcpy(id.bytes, &n, sizeof n);
    return id;
}

/* A refusal leaves what was outstanding as it was, and the second try does. */
#define ASK(question)                                                                                                          \
    do {                                                                                                                       \
        size_t before = queue_client_outstanding(o->client);                                                                   \
        if ((question) != 0) {                                                                                                 \
            assert_true(scarce_hit());                                                                                         \
            assert_int_equal(queue_client_outstanding(o->client), before);                                                     \
            assert_int_equal(question, 0);                                                                                     \
        }                                                                                                                      \
        assert_int_equal(queue_client_outstanding(o->client), before + 1);                                                     \
    } while (0)

static void ask_all(struct owner *o)
{
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct msg_send m = {
            .id = id_of(i), .flags = MSG_WAIT, .body = slice_text("a body of some length, so that buffers grow")};
        ASK(queue_client_send(o->client, i % 2 ? "one" : "other", &m, &o->sent[i]));
    }
    struct id id = id_of(1);
    ASK(queue_client_call(o->client, slice_text("body"), &id, 1000, o));
    ASK(queue_client_watch(o->client, &id, 1000, o));
    ASK(queue_client_cancel(o->client, &id, o));
    ASK(queue_client_admin(o->client, "stats", (struct slice){0}, o));
}

/* As if each had gone out, in a frame of its own. */
static void pretend_sent(struct queue_client *c)
{
    for (struct request *r = c->requests.oldest; r; r = r->newer)
        r->sent_before = true;
    c->requests.unsent = NULL;
    c->open_count = 0;
}

/* The frame was written in a time of plenty: a stack buffer is enough. */
static void hear(struct owner *o, void (*put)(struct buf *b, uint64_t number), uint64_t number)
{
    struct buf b = {0};
    struct msg m;
    put(&b, number);
    if (buf_failed(&b))
        buf_reset(&b), put(&b, number);
    assert_int_equal(msg_open(buf_slice(&b), &m), 0);
    client_frame(o->client, &m);
    buf_finish(&b);
}

static void put_sent(struct buf *b, uint64_t number)
{
    size_t mark = msg_begin_sent(b, number);
    msg_end(b, mark, 0);
}

static void put_state(struct buf *b, uint64_t number)
{
    msg_put_state(b, &(struct msg_state_reply){.request = number, .state = MSG_QUEUED});
}

static void put_reply(struct buf *b, uint64_t number)
{
    size_t mark = msg_begin_replies(b, MSG_REPLIES);
    msg_add_reply(b, &(struct msg_reply){.call = number, .body = slice_text("x")});
    msg_end(b, mark, 1);
}

static void put_admin(struct buf *b, uint64_t number) { msg_put_admin_reply(b, number, 0, (struct slice){0}); }
static void put_welcome(struct buf *b, uint64_t instance) { msg_put_welcome(b, instance, (struct slice){0}); }

static void put_result(struct buf *b, uint64_t n)
{
    struct id id = id_of((unsigned)n);
    size_t mark = msg_begin_results(b);
    msg_add_result(b, &id, slice_text("x"));
    msg_end(b, mark, 1);
}

static void answer_all(struct owner *o)
{
    static void (*const answers[REQUEST_KIND_COUNT])(struct buf *, uint64_t) = {put_sent, put_reply, put_state, put_state,
                                                                                put_admin};
    for (struct request *r = o->client->requests.oldest, *next; r; r = next) {
        next = r->newer;
        if (!r->internal)
            hear(o, answers[r->kind], r->number);
    }
}

static void story(void *self)
{
    static const struct queue_client_events events = {.sent = on_sent,
                                                      .result = on_result,
                                                      .reply = on_reply,
                                                      .state = on_state,
                                                      .admin = on_admin,
                                                      .catalog = on_catalog,
                                                      .link = on_link};
    struct owner *o = self;
    struct err e = {0};
    memset(o, 0, sizeof *o);
    o->client = queue_client_create("ipc:///nowhere/at/all", "test", "test", &events, o, 1000, &e);
    if (!o->client) {
        assert_true(scarce_hit() && e.code == ERR_INTERNAL);
        o->client = queue_client_create("ipc:///nowhere/at/all", "test", "test", &events, o, 1000, &e);
    }
    assert_non_null(o->client);
    hear(o, put_welcome, 7);
    ask_all(o);
    pretend_sent(o->client);
    answer_all(o);
    assert_int_equal(queue_client_outstanding(o->client), 0);
    assert_true(o->replies == 1 && o->states == 2 && o->admins == 1);
    hear(o, put_welcome,
         8); /* the broker has restarted: it is asked for each message that is waited for, or will be after a rest */
    for (unsigned i = 0; i < MESSAGES; i++) {
        assert_int_equal(o->sent[i], 1);
        hear(o, put_result, i);
    }
    assert_int_equal(o->results, MESSAGES);
    queue_client_destroy(&o->client);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(scarce_for_all(story, &owner) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
