/* session.c - one blocking conversation with the broker: a queue_client driven by a poll loop of its own. */
#include "cli/session.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/queue_client.h"

#define SETTLE_MS 200

struct session {
    struct queue_client *client;
    int64_t timeout_ms;
    bool up, answered;
    unsigned code;               /* of an admin answer */
    enum msg_call_status status; /* of a call */
    struct buf answer;
    session_response *each; /* of session_ask() */
    void *each_self;
    uintptr_t first_tag; /* of the asking that is under way: a tag below is of an earlier one */
    size_t asked, missing;
    bool *seen; /* [asked] */
    const volatile sig_atomic_t *stop;
};

void session_endpoint(const char *folder, const char *endpoint, struct buf *out)
{
    if (endpoint)
        buf_text(out, endpoint);
    else
        buf_printf(out, "ipc://%s/run/client.sock", folder);
    buf_byte(out, 0);
}

static void on_link(void *self, bool up) { ((struct session *)self)->up = up; }

static void on_admin(void *self, void *tag, unsigned code, struct slice value)
{
    struct session *s = self;
    (void)tag;
    s->answered = true;
    s->code = code;
    buf_append(&s->answer, value.ptr, value.len);
}

static void on_reply(void *self, void *tag, enum msg_call_status status, struct slice body)
{
    struct session *s = self;
    (void)tag;
    s->answered = true;
    s->status = status;
    buf_append(&s->answer, body.ptr, body.len);
}

static void on_sent(void *self, void *tag, enum msg_result result, const struct id *known)
{
    (void)self, (void)tag, (void)result, (void)known;
}

static void on_result(void *self, const struct id *id, struct slice outcome) { (void)self, (void)id, (void)outcome; }
static void on_state(void *self, void *tag, const struct msg_state_reply *state) { (void)self, (void)tag, (void)state; }
static void on_catalog(void *self, struct slice catalog) { (void)self, (void)catalog; }

static void on_response(void *self, void *tag, const struct queue_response *response)
{
    struct session *s = self;
    size_t index = (uintptr_t)tag - s->first_tag;
    if ((uintptr_t)tag < s->first_tag || index >= s->asked || s->seen[index])
        return;
    s->seen[index] = true;
    s->answered = --s->missing == 0;
    s->each(s->each_self, index, response);
}

static void turn(struct session *s, int64_t now)
{
    queue_client_flush(s->client, now);
    queue_client_process(s->client, now);
}

/* Until the client has something to do, at most until then. */
static void wait_until(struct session *s, int64_t now, int64_t until)
{
    int64_t wake = queue_client_deadline(s->client);
    int64_t wait = (wake < until ? wake : until) - now;
    struct pollfd fd = {.fd = queue_client_fd(s->client), .events = POLLIN};
    poll(&fd, 1, wait < 0 ? 0 : wait > 100 ? 100 : (int)wait);
}

/* Turns the client until *done or the time is over, which extra_ms makes longer. */
static bool run_until(struct session *s, const bool *done, int64_t extra_ms)
{
    int64_t until = clock_mono_ms() + s->timeout_ms + extra_ms;
    for (;;) {
        int64_t now = clock_mono_ms();
        turn(s, now);
        if (*done)
            return true;
        if (now >= until || (s->stop && *s->stop))
            return false;
        wait_until(s, now, until);
    }
}

/* What a receive that nobody waits for is given meanwhile is made visible again, by the client: it needs a moment for that. */
static void settle(struct session *s)
{
    int64_t now = clock_mono_ms(), until = now + SETTLE_MS;
    for (; now < until; now = clock_mono_ms()) {
        turn(s, now);
        wait_until(s, now, until);
    }
}

struct session *session_open(const char *endpoint, int64_t timeout_ms, struct err *e)
{
    static const struct queue_client_events events = {.sent = on_sent,
                                                      .result = on_result,
                                                      .reply = on_reply,
                                                      .state = on_state,
                                                      .admin = on_admin,
                                                      .catalog = on_catalog,
                                                      .link = on_link,
                                                      .response = on_response};
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    s->timeout_ms = timeout_ms;
    s->first_tag = 1; /* 0 is the tag of what the client has forgotten */
    s->client = queue_client_create(endpoint, "cli", "leat", &events, s, clock_mono_ms(), e);
    if (s->client && run_until(s, &s->up, 0))
        return s;
    if (s->client)
        err_set(e, ERR_UNAVAILABLE, "no broker answers at %s; is the stack running?", endpoint);
    session_close(&s);
    return NULL;
}

void session_close(struct session **s)
{
    if (!*s)
        return;
    queue_client_destroy(&(*s)->client);
    buf_finish(&(*s)->answer);
    free((*s)->seen);
    free(*s);
    *s = NULL;
}

static int wait_answer(struct session *s, int queued, struct err *e)
{
    if (queued != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (!run_until(s, &s->answered, 0))
        return err_set(e, ERR_UNAVAILABLE, "no answer from the broker within %" PRId64 " ms", s->timeout_ms);
    return buf_failed(&s->answer) ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

int session_admin(struct session *s, const char *verb, struct slice argument, struct slice *answer, struct err *e)
{
    s->answered = false;
    buf_reset(&s->answer);
    if (wait_answer(s, queue_client_admin(s->client, verb, argument, s), e) != 0)
        return -1;
    *answer = buf_slice(&s->answer);
    if (s->code == ERR_NONE)
        return 0;
    struct value v = value_of(*answer), text = value_map_get(&v, slice_text("message"));
    return err_set(e, (enum err_code)s->code, "%.*s", (int)text.bytes.len, (const char *)text.bytes.ptr);
}

static int call_failed(enum msg_call_status status, struct err *e)
{
    static const char *const why[] = {[MSG_CALL_NO_WORKER] = "no worker is running",
                                      [MSG_CALL_WORKER_LOST] = "the worker died while it was at it; try again",
                                      [MSG_CALL_TIMEOUT] = "no worker answered in time",
                                      [MSG_CALL_BUSY] = "too many calls are waiting; try again"};
    return err_set(e, ERR_UNAVAILABLE, "%s", status <= MSG_CALL_BUSY && why[status] ? why[status] : "the call failed");
}

int session_call(struct session *s, const struct op *op, struct outcome *outcome, struct err *e)
{
    struct buf body = {0};
    struct id_maker maker;
    struct id id;
    if (id_maker_init(&maker) != 0)
        return err_set(e, ERR_INTERNAL, "no randomness");
    id = id_make(&maker, clock_wall_ms(), 0);
    op_encode(&body, op);
    s->answered = false;
    buf_reset(&s->answer);
    int queued = buf_failed(&body)
                     ? -1
                     : queue_client_call(s->client, buf_slice(&body), op_writes(op->code) ? &id : NULL, s->timeout_ms, s);
    buf_finish(&body);
    if (wait_answer(s, queued, e) != 0)
        return -1;
    if (s->status != MSG_CALL_OK)
        return call_failed(s->status, e);
    if (outcome_decode(buf_slice(&s->answer), outcome) != 0)
        return err_set(e, ERR_INTERNAL, "the worker's answer is damaged");
    if (outcome->state == OUTCOME_SUCCEEDED)
        return 0;
    struct value text = value_map_get(&outcome->value, slice_text("message"));
    return err_set(e, err_by_name((const char *)outcome->code.ptr, outcome->code.len), "%.*s: %.*s", (int)outcome->code.len,
                   (const char *)outcome->code.ptr, (int)text.bytes.len, (const char *)text.bytes.ptr);
}

/* -- Queues ---------------------------------------------------------------------------------------------------------------- */
void session_stop_at(struct session *s, const volatile sig_atomic_t *stop) { s->stop = stop; }
void session_timeout(struct session *s, int64_t ms) { s->timeout_ms = ms; }

/* The longest that one of them may wait by itself. */
static int64_t waiting_ms(const struct queue_request *requests, size_t count)
{
    int64_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t wait = requests[i].verb != QUEUE_VERB_RECEIVE         ? 0
                       : requests[i].receive.wait_ms == QUEUE_DEFAULT ? LIMIT_RECEIVE_WAIT_MS
                                                                      : requests[i].receive.wait_ms;
        longest = wait > longest ? wait : longest;
    }
    return longest;
}

static int begin_asking(struct session *s, size_t count)
{
    free(s->seen);
    s->seen = calloc(count, sizeof *s->seen);
    s->first_tag += s->asked;
    s->asked = s->seen ? count : 0;
    s->missing = s->asked;
    s->answered = false;
    return s->seen ? 0 : -1;
}

/* Gives up on what has no answer. */
static void forget_missing(struct session *s)
{
    bool any = false;
    for (size_t i = 0; i < s->asked; i++)
        if (!s->seen[i]) {
            any = s->seen[i] = true;
            queue_client_forget(s->client, (void *)(s->first_tag + i));
        }
    if (any)
        settle(s);
}

int session_ask(struct session *s, const struct queue_request *requests, size_t count, session_response *each, void *self,
                struct err *e)
{
    size_t queued = 0;
    if (begin_asking(s, count) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    s->each = each;
    s->each_self = self;
    while (queued < count && queue_client_ask(s->client, &requests[queued], (void *)(s->first_tag + queued)) == 0)
        queued++;
    s->missing -= count - queued;
    s->answered = s->missing == 0;
    bool answered = run_until(s, &s->answered, waiting_ms(requests, count));
    forget_missing(s);
    if (!answered && s->stop && *s->stop)
        return err_set(e, ERR_TIMEOUT, "interrupted");
    if (!answered)
        return err_set(e, ERR_UNAVAILABLE, "no answer from the broker within %" PRId64 " ms", s->timeout_ms);
    return queued == count ? 0 : err_set(e, ERR_INTERNAL, "the request is out of its range, or memory has run out");
}
