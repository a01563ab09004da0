/* queues.c - the native endpoints of queues: list them, look at their messages without receiving, pause and resume.
 *
 *     GET  /queues?max=&after=                        GET  /queues/{name}/messages/{id}
 *     GET  /queues/{name}/messages?state=&max=        POST /queues/{name}/pause, /queues/{name}/resume
 *
 * A queue's region is ?region=, else us-east-1; leat's own queues are in every region. */
#include <string.h>

#include "common/mp.h"
#include "common/queues_view.h"
#include "gateway/sqs.h"

#define PEEK_PRESET 10
#define PEEK_BODY_BYTES (256u * 1024u) /* longer bodies are left out: one look is one answer */
#define TRIES 8

/* -- Requests: p->texts is the broker's name of the queue --------------------------------------------------------------------------- */
static void refuse(struct gateway *g, struct pending_request *p, enum err_code code, const char *text)
{
    struct err e;
    err_set(&e, code, "%s", text);
    http_refuse(gateway_close(g, p), &e);
}

static void refuse_result(struct gateway *g, struct pending_request *p, enum queue_result result)
{
    switch (result) {
    case QUEUE_NO_QUEUE:
        refuse(g, p, ERR_NOT_FOUND, "there is no such queue");
        break;
    case QUEUE_NO_MESSAGE:
        refuse(g, p, ERR_NOT_FOUND, "there is no such message in this queue");
        break;
    case QUEUE_CONFLICT:
        refuse(g, p, ERR_CONFLICT, "the queue was changed by others meanwhile");
        break;
    case QUEUE_DISK_FULL:
        refuse(g, p, ERR_DISK_FULL, "the queue's disk is full; nothing was changed");
        break;
    default:
        refuse(g, p, queue_result_may_retry(result) ? ERR_UNAVAILABLE : ERR_INTERNAL, queue_result_name(result));
        break;
    }
}

static void on_response(void *self, struct pending_job *job, const struct queue_response *response)
{
    if (!job->settled)
        job->request->sqs.step(self, job, response);
}

static void on_late(void *self, struct pending_request *p, int64_t now_ms)
{
    (void)now_ms;
    refuse(self, p, ERR_UNAVAILABLE, "the queue has not answered in time");
}

static const struct pending_kind kind = {.late = on_late, .response = on_response};

static void ask(struct gateway *g, struct pending_request *p, sqs_step *step, struct slice queue, struct queue_request *request)
{
    p->sqs.step = step;
    request->queue = queue;
    if (queue_client_ask(g->queue, request, pending_tag(p->jobs[0])) != 0)
        refuse(g, p, ERR_UNAVAILABLE, "the queue cannot take more requests at the moment; nothing was changed");
}

static struct slice path_of(const struct pending_request *p) { return buf_slice(&p->texts); }

/* The second part of the path is the queue's name. NULL after refusing. */
static struct pending_request *open_named(struct gateway *g, struct http_request *r)
{
    struct slice name, region = slice_text("us-east-1");
    const char *begin = r->path + sizeof "/queues/" - 1;
    struct err e;
    name = slice_of(begin, strcspn(begin, "/"));
    http_query_get(r->fields, "region", &region);
    if (!sqs_queue_name_valid(name) || region.len == 0 || region.len > 40) {
        err_set(&e, ERR_NOT_FOUND, "there is no such queue");
        http_refuse(r, &e);
        return NULL;
    }
    struct pending_request *p = gateway_open(g, r, &kind, 1, g->now_ms + GATEWAY_ANSWER_MS);
    if (!p)
        return NULL;
    p->sqs = (struct pending_sqs){0};
    sqs_put_path(&p->texts, region, name);
    if (!buf_failed(&p->texts))
        return p;
    refuse(g, p, ERR_UNAVAILABLE, "this gateway is out of memory");
    return NULL;
}

static int read_number(const struct http_request *r, const char *name, uint32_t preset, uint32_t most, uint32_t *number,
                       struct err *e)
{
    struct slice text;
    *number = preset;
    if (!http_query_get(r->fields, name, &text))
        return 0;
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || *number > most)
            return err_set(e, ERR_VALIDATION, "%s must be a number from 1 to %u", name, most);
        *number = *number * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    return *number >= 1 && *number <= most ? 0 : err_set(e, ERR_VALIDATION, "%s must be a number from 1 to %u", name, most);
}

/* Ends it with g->value as JSON. */
static void finish(struct gateway *g, struct pending_request *p)
{
    struct http_request *r = p->owner;
    struct value shown = value_of(buf_slice(&g->value));
    if (buf_failed(&g->value) || json_from_value(&shown, &r->out) != 0) {
        buf_reset(&r->out);
        refuse(g, p, ERR_UNAVAILABLE, "this gateway is out of memory");
    } else {
        http_answer(gateway_close(g, p), 200, GATEWAY_JSON);
    }
}

/* -- GET /queues ---------------------------------------------------------------------------------------------------------------------- */
static void on_listed(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct queue_walk walk;
    struct queue_description d;
    bool more;
    if (response->result != QUEUE_OK || queue_walk_list(response, &walk, &more) != 0) {
        refuse_result(g, job->request, response->result);
        return;
    }
    buf_reset(&g->value);
    mp_put_map(&g->value, 1u + more);
    mp_put_text(&g->value, "queues");
    size_t list = mp_open(&g->value);
    struct slice last = slice_text("");
    uint32_t count = 0;
    for (; queue_next_description(&walk, &d); count++) {
        queues_view_queue(&g->value, &d);
        last = d.name;
    }
    mp_close_array(&g->value, list, count);
    if (more) {
        mp_put_text(&g->value, "after");
        mp_put_slice(&g->value, last);
    }
    finish(g, job->request);
}

void queues_list(struct gateway *g, struct http_request *r)
{
    struct queue_request request = {.verb = QUEUE_VERB_LIST};
    struct err e = {0};
    http_query_get(r->fields, "after", &request.list.after);
    buf_reset(&g->path); /* the name's slash may come as %2F: no other character of it needs to */
    for (size_t i = 0; i < request.list.after.len; i++) {
        const unsigned char *at = request.list.after.ptr + i;
        bool slash = request.list.after.len - i >= 3 && at[0] == '%' && at[1] == '2' && (at[2] | 0x20) == 'f';
        buf_byte(&g->path, slash ? '/' : *at);
        i += slash ? 2 : 0;
    }
    request.list.after = buf_slice(&g->path);
    if (request.list.after.len > LIMIT_QUEUE_PATH_BYTES)
        err_set(&e, ERR_VALIDATION, "after must be the name of a queue");
    if (e.code != ERR_NONE || read_number(r, "max", LIMIT_QUEUES_LISTED, LIMIT_QUEUES_LISTED, &request.list.max, &e) != 0) {
        http_refuse(r, &e);
        return;
    }
    struct pending_request *p = gateway_open(g, r, &kind, 1, g->now_ms + GATEWAY_ANSWER_MS);
    if (p)
        ask(g, p, on_listed, slice_text(""), &request);
}

/* -- GET /queues/{name}/messages -------------------------------------------------------------------------------------------------------- */
static int read_state(const struct http_request *r, enum queue_message_state *state, bool *dead, struct err *e)
{
    static const char *const states[QUEUE_MESSAGE_STATES] = {"ready", "inflight", "delayed"};
    struct slice text = slice_text("ready");
    http_query_get(r->fields, "state", &text);
    *dead = slice_equal(text, slice_text("dead"));
    *state = QUEUE_READY;
    for (int i = 0; i < QUEUE_MESSAGE_STATES; i++)
        if (slice_equal(text, slice_text(states[i]))) {
            *state = (enum queue_message_state)i;
            return 0;
        }
    return *dead ? 0 : err_set(e, ERR_VALIDATION, "state must be ready, inflight, delayed or dead");
}

static void on_seen(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    enum queue_message_state state;
    struct queue_walk walk;
    struct queue_seen seen;
    struct err e;
    bool dead;
    if (response->result != QUEUE_OK || queue_walk_seen(response, &walk) != 0 || read_state(p->owner, &state, &dead, &e) != 0) {
        refuse_result(g, p, response->result);
        return;
    }
    buf_reset(&g->value);
    mp_put_map(&g->value, 1);
    mp_put_text(&g->value, "messages");
    size_t list = mp_open(&g->value);
    uint32_t count = 0;
    while (queue_next_seen(&walk, &seen)) {
        if (dead && !slice_equal(seen.source, path_of(p))) /* of others that have the same dead-letter queue */
            continue;
        queues_view_message(&g->value, &seen);
        count++;
    }
    mp_close_array(&g->value, list, count);
    finish(g, p);
}

static void peek(struct gateway *g, struct pending_request *p, struct slice queue)
{
    struct queue_request request = {.verb = QUEUE_VERB_PEEK};
    struct err e;
    bool dead;
    if (read_state(p->owner, &request.peek.state, &dead, &e) != 0 ||
        read_number(p->owner, "max", PEEK_PRESET, LIMIT_PEEK, &request.peek.max, &e) != 0) {
        http_refuse(gateway_close(g, p), &e);
        return;
    }
    request.peek.body_bytes = PEEK_BODY_BYTES;
    ask(g, p, on_seen, queue, &request);
}

static void on_source(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct queue_description d;
    if (response->result != QUEUE_OK || queue_read_description(response, &d) != 0)
        refuse_result(g, job->request, response->result);
    else if (d.attributes.dead_letter.len == 0)
        refuse(g, job->request, ERR_NOT_FOUND, "this queue has no dead-letter queue");
    else
        peek(g, job->request, d.attributes.dead_letter);
}

void queues_peek(struct gateway *g, struct http_request *r)
{
    enum queue_message_state state;
    struct err e;
    bool dead;
    if (read_state(r, &state, &dead, &e) != 0) {
        http_refuse(r, &e);
        return;
    }
    struct pending_request *p = open_named(g, r);
    if (p && dead)
        ask(g, p, on_source, path_of(p), &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE});
    else if (p)
        peek(g, p, path_of(p));
}

/* -- GET /queues/{name}/messages/{id} --------------------------------------------------------------------------------------------------- */
static void on_message(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct queue_seen seen;
    if (response->result != QUEUE_OK || queue_read_seen(response, &seen) != 0) {
        refuse_result(g, job->request, response->result);
    } else if (!slice_equal(seen.queue, path_of(job->request))) {
        refuse_result(g, job->request, QUEUE_NO_MESSAGE);
    } else {
        buf_reset(&g->value);
        queues_view_message(&g->value, &seen);
        finish(g, job->request);
    }
}

void queues_find(struct gateway *g, struct http_request *r)
{
    struct queue_request request = {.verb = QUEUE_VERB_FIND};
    struct pending_request *p = open_named(g, r);
    if (!p)
        return;
    if (id_parse((const char *)r->parameter.ptr, r->parameter.len, &request.token) != 0)
        refuse_result(g, p, QUEUE_NO_MESSAGE);
    else
        ask(g, p, on_message, path_of(p), &request);
}

/* -- POST /queues/{name}/pause, resume --------------------------------------------------------------------------------------------------- */
static void on_described(struct gateway *g, struct pending_job *job, const struct queue_response *response);

static void describe(struct gateway *g, struct pending_request *p)
{
    ask(g, p, on_described, path_of(p), &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE});
}

static void on_changed(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct queue_description d;
    if (response->result == QUEUE_CONFLICT && ++p->sqs.tries < TRIES) {
        describe(g, p);
    } else if (response->result != QUEUE_OK || queue_read_description(response, &d) != 0) {
        refuse_result(g, p, response->result);
    } else {
        buf_reset(&g->value);
        queues_view_queue(&g->value, &d);
        finish(g, p);
    }
}

static void on_described(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    const struct http_request *r = p->owner;
    struct queue_request request = {.verb = QUEUE_VERB_CHANGE};
    struct queue_description d;
    struct buf document = {0};
    if (response->result != QUEUE_OK || queue_read_description(response, &d) != 0) {
        refuse_result(g, p, response->result);
        return;
    }
    bool paused = r->route == route_at(ROUTE_QUEUE_PAUSE);
    sqs_define_paused(&d, paused, &document, &request);
    ask(g, p, on_changed, path_of(p), &request);
    buf_finish(&document);
}

static void set_paused(struct gateway *g, struct http_request *r)
{
    struct pending_request *p = open_named(g, r);
    if (p)
        describe(g, p);
}

void queues_pause(struct gateway *g, struct http_request *r) { set_paused(g, r); }
void queues_resume(struct gateway *g, struct http_request *r) { set_paused(g, r); }
