/* sqs.c - SQS's API: both protocols in, both protocols out; see sqs.h. */
#include "gateway/sqs.h"

#include <string.h>

#include "common/mp.h"
#include "gateway/aws.h"
#include "gateway/aws_auth.h"
#include "gateway/sqs_form.h"
#include "common/sqs_message.h"
#include "gateway/sqs_xml.h"

#define REGION_PRESET "us-east-1"
#define JSON_DEPTH 32
#define KEEP_BYTES (256u * 1024u)

static const struct sqs_action actions[] = {
#define X(name_, results_, serve_, permission_) {#name_, results_, sqs_##serve_, permission_},
    SQS_ACTIONS(X)
#undef X
};

static const struct sqs_action *find(struct slice name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (slice_equal(name, slice_text(actions[i].name)))
            return &actions[i];
    return NULL;
}

/* -- Out ------------------------------------------------------------------------------------------------------------------- */
static const char *put_error(struct http_request *r, bool json, const struct sqs_error *e, const char *request_id)
{
    bool sender = sqs_error_status(e->code) < 500;
    if (!json) {
        sqs_xml_error(&r->out, sender, sqs_error_query_code(e->code), slice_text(e->text), slice_text(request_id));
        return "text/xml";
    }
    buf_printf(&r->out, "{\"__type\":\"%s\",\"message\":", sqs_error_type(e->code));
    json_put_string(&r->out, slice_text(e->text));
    buf_byte(&r->out, '}');
    http_put_header(r, "x-amzn-query-error", "%s;%s", sqs_error_query_code(e->code), sender ? "Sender" : "Receiver");
    return "application/x-amz-json-1.0";
}

static void answer_error(struct gateway *g, struct http_request *r, bool json, const struct sqs_error *e)
{
    char id[AWS_REQUEST_ID_BYTES];
    unsigned status = sqs_error_status(e->code);
    aws_make_request_id(g, id);
    buf_reset(&r->out);
    if (status == 503)
        http_put_header(r, "Retry-After", "1");
    const char *media_type = put_error(r, json, e, id);
    aws_answer_as(g, r, status, media_type, id);
}

const char *sqs_put_error(struct http_request *r, bool json, const struct err *why, const char *request_id)
{
    struct sqs_error e;
    enum sqs_error_code code = why->code == ERR_TOO_LARGE                                           ? SQS_TOO_LARGE
                               : why->code == ERR_UNAVAILABLE                                       ? SQS_UNAVAILABLE
                               : why->code == ERR_BAD_REQUEST || why->code == ERR_HEADERS_TOO_LARGE ? SQS_MALFORMED
                                                                                                    : SQS_INTERNAL;
    sqs_fail(&e, code, "%s", why->text);
    return put_error(r, json, &e, request_id);
}

static void answer(struct gateway *g, struct http_request *r, const struct sqs_action *action, bool json, struct slice result)
{
    char id[AWS_REQUEST_ID_BYTES];
    struct value value = result.len ? value_of(result) : (struct value){.type = VALUE_NONE};
    struct sqs_error e;
    int failed = 0;
    aws_make_request_id(g, id);
    if (!json)
        failed = sqs_xml_answer(&r->out, slice_text(action->name), &value, slice_text(id));
    else if (result.len)
        failed = json_from_value(&value, &r->out);
    else if (action->results)
        buf_text(&r->out, "{}");
    if (failed != 0) {
        sqs_fail(&e, SQS_INTERNAL, "The answer cannot be written.");
        answer_error(g, r, json, &e);
        return;
    }
    aws_answer_as(g, r, 200, json ? "application/x-amz-json-1.0" : "text/xml", id);
}

void sqs_answer(struct sqs_request *q, struct slice result) { answer(q->g, q->r, q->action, q->json, result); }

void sqs_put_url(struct buf *out, const struct http_request *r, const struct sqs_place *place, struct slice name)
{
    struct slice host = slice_text("localhost");
    http_header_get(r->fields, "host", 0, &host);
    buf_printf(out, "http://%.*s/%.*s/", (int)host.len, (const char *)host.ptr, (int)place->account.len,
               (const char *)place->account.ptr);
    buf_append(out, name.ptr, name.len);
}

/* -- While it waits ---------------------------------------------------------------------------------------------------------- */
static void on_response(void *self, struct pending_job *job, const struct queue_response *response)
{
    if (!job->settled)
        job->request->sqs.step(self, job, response);
}

static void on_late(void *self, struct pending_request *p, int64_t now_ms)
{
    struct gateway *g = self;
    struct sqs_error e;
    (void)now_ms;
    for (uint32_t i = 0; i < p->count; i++) /* a receive that nobody reads would take messages with it */
        if (!p->jobs[i]->settled)
            queue_client_forget(g->queue, pending_tag(p->jobs[i]));
    sqs_fail(&e, SQS_UNAVAILABLE, "The queue has not answered in time: it is not known whether the request was carried out.");
    sqs_finish_error(g, p, &e);
}

static const struct pending_kind kind = {.late = on_late, .response = on_response};

struct pending_request *sqs_open(struct sqs_request *q, uint32_t jobs, int64_t due_ms, sqs_step *step)
{
    struct pending_request *p = gateway_open(q->g, q->r, &kind, jobs, due_ms);
    if (!p)
        return NULL;
    p->sqs = (struct pending_sqs){.action = q->action, .json = q->json, .step = step};
    buf_append(&p->texts, q->in.encoded.ptr, q->in.encoded.len);
    p->sqs.in_bytes = p->texts.len;
    buf_append(&p->texts, q->place.region.ptr, q->place.region.len);
    p->sqs.region_bytes = p->texts.len - p->sqs.in_bytes;
    buf_append(&p->texts, q->queue.ptr, q->queue.len);
    p->sqs.queue_bytes = p->texts.len - p->sqs.in_bytes - p->sqs.region_bytes;
    if (!buf_failed(&p->texts) && limit_charge(&q->g->limit, &p->charged, p->texts.cap))
        return p;
    sqs_fail(&q->e, SQS_UNAVAILABLE, "This gateway is out of memory.");
    sqs_finish_error(q->g, p, &q->e);
    return NULL;
}

struct value sqs_in(const struct pending_request *p) { return value_of(slice_of(p->texts.data, p->sqs.in_bytes)); }

struct sqs_place sqs_place_of(const struct gateway *g, const struct pending_request *p)
{
    return (struct sqs_place){.region = slice_of(p->texts.data + p->sqs.in_bytes, p->sqs.region_bytes),
                              .account = slice_text(g->account)};
}

struct slice sqs_queue_of(const struct pending_request *p)
{
    return slice_of(p->texts.data + p->sqs.in_bytes + p->sqs.region_bytes, p->sqs.queue_bytes);
}

int sqs_ask_path(struct gateway *g, struct pending_job *job, struct slice path, struct queue_request *request)
{
    struct sqs_error e;
    request->queue = path;
    if (queue_client_ask(g->queue, request, pending_tag(job)) == 0)
        return 0;
    sqs_fail(&e, SQS_UNAVAILABLE, "The queue cannot take more requests at the moment; nothing was changed.");
    sqs_finish_error(g, job->request, &e);
    return -1;
}

int sqs_ask(struct gateway *g, struct pending_job *job, struct slice name, struct queue_request *request)
{
    buf_reset(&g->path);
    sqs_put_path(&g->path, sqs_place_of(g, job->request).region, name);
    return sqs_ask_path(g, job, buf_slice(&g->path), request);
}

void sqs_finish(struct gateway *g, struct pending_request *p, struct slice result)
{
    struct pending_sqs sqs = p->sqs;
    answer(g, gateway_close(g, p), sqs.action, sqs.json, result);
}

void sqs_finish_error(struct gateway *g, struct pending_request *p, const struct sqs_error *e)
{
    bool json = p->sqs.json;
    answer_error(g, gateway_close(g, p), json, e);
}

void sqs_finish_result(struct gateway *g, struct pending_request *p, enum queue_result result)
{
    struct sqs_error e;
    sqs_fail_result(&e, result, sqs_queue_of(p), p->sqs.json);
    sqs_finish_error(g, p, &e);
}

/* -- In ------------------------------------------------------------------------------------------------------------------------ */
/* The part behind the last slash; a bare name is one, too. */
static struct slice last_part(struct slice url)
{
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    size_t at = url.len;
    while (at > 0 && url.ptr[at - 1] != '/')
        at--;
    return slice_of(url.ptr + at, url.len - at);
}

int sqs_need_queue(struct sqs_request *q)
{
    if (!q->queue.ptr)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter QueueUrl.");
    if (sqs_queue_name_valid(q->queue))
        return 0;
    return sqs_fail_result(&q->e, QUEUE_NO_QUEUE, q->queue, q->json);
}

static enum sqs_error_code auth_code(const char *name)
{
    if (strcmp(name, "UnrecognizedClientException") == 0)
        return SQS_BAD_CREDENTIALS;
    return strcmp(name, "MissingAuthenticationTokenException") == 0 ? SQS_NO_TOKEN : SQS_BAD_SIGNATURE;
}

void sqs_identify(struct sqs_request *q)
{
    struct gateway *g = q->g;
    struct aws_authorization a;
    struct slice region;
    q->place = (struct sqs_place){.region = slice_text(REGION_PRESET), .account = slice_text(g->account)};
    q->caller = (struct sqs_caller){0};
    aws_error_reset(&g->error);
    if (aws_auth_read(q->r->fields, &a, &g->error) != 0)
        return;
    region = aws_auth_region(&a);
    if (region.len > 0)
        q->place.region = region;
    if (g->credential_count == 0)
        return;
    q->caller.key = aws_auth_key(&a);
    q->caller.account = aws_auth_account(q->caller.key, g->credentials, g->credential_count);
    if (q->caller.account.len == 0)
        q->caller.account = q->place.account;
}

/* Unsigned requests are for curl, and taken as long as nobody has set credentials. */
static int check_signature(struct sqs_request *q)
{
    struct gateway *g = q->g;
    struct aws_authorization a;
    struct aws_signed request = {
        .method = q->r->method == HTTP_GET ? "GET" : "POST", .path = q->r->path, .fields = q->r->fields, .body = q->r->body};
    if (g->credential_count == 0)
        return 0;
    aws_error_reset(&g->error);
    if (aws_auth_read(q->r->fields, &a, &g->error) == 0 &&
        aws_auth_verify(&a, &request, g->credentials, g->credential_count, g->wall_ms, &g->error) == 0)
        return 0;
    return sqs_fail(&q->e, auth_code(g->error.name), "%.*s", (int)g->error.sentence.len, (const char *)g->error.sentence.data);
}

static int carry_out(struct sqs_request *q, struct slice name, struct slice path_queue)
{
    struct slice url;
    q->action = find(name);
    if (!q->action)
        return sqs_fail(&q->e, SQS_INVALID_ACTION, "The action %.*s is not valid for this endpoint.",
                        name.len < 100 ? (int)name.len : 100, (const char *)name.ptr);
    sqs_identify(q);
    if (check_signature(q) != 0 || sqs_members_check(&q->in, &q->e) != 0 || sqs_text(&q->in, "QueueUrl", &url, &q->e) != 0)
        return -1;
    q->queue = url.len > 0 ? last_part(url) : path_queue;
    return sqs_serve_allowed(q);
}

void sqs_serve_now(struct sqs_request *q)
{
    if (q->action->serve(q) != 0)
        answer_error(q->g, q->r, q->json, &q->e);
}

static void serve(struct sqs_request *q, struct slice name, struct slice path_queue)
{
    q->e.code = SQS_NONE;
    if (carry_out(q, name, path_queue) != 0)
        answer_error(q->g, q->r, q->json, &q->e);
    if (q->g->value.cap > KEEP_BYTES)
        buf_finish(&q->g->value);
}

void sqs_serve_json(struct gateway *g, struct http_request *r, struct slice action, struct slice body)
{
    struct sqs_request q = {.g = g, .r = r, .json = true};
    struct err e;
    buf_reset(&g->value);
    if (json_to_value(g->json, body.len ? body : slice_text("{}"), JSON_DEPTH, &g->value, &e) == 0)
        q.in = value_of(buf_slice(&g->value));
    if (q.in.type == VALUE_M && g->value.len > 0) {
        serve(&q, action, (struct slice){NULL, 0});
        return;
    }
    sqs_fail(&q.e, SQS_MALFORMED, "%s", g->value.len > 0 ? "The body must be an object." : e.text);
    answer_error(g, r, true, &q.e);
}

void sqs_serve_query(struct gateway *g, struct http_request *r, struct slice body)
{
    struct sqs_request q = {.g = g, .r = r, .json = false};
    struct buf action = {0};
    struct err e;
    buf_reset(&g->value);
    struct slice path_queue = r->parameter.len > 0 ? r->parameter : (struct slice){NULL, 0};
    if (sqs_form_read(r->fields, body, &g->value, &action, &e) != 0) {
        sqs_fail(&q.e, e.code == ERR_BAD_REQUEST ? SQS_MALFORMED : SQS_UNAVAILABLE, "%s", e.text);
        answer_error(g, r, false, &q.e);
    } else if (action.len == 0) {
        sqs_fail(&q.e, SQS_MISSING, "The request must contain the parameter Action.");
        answer_error(g, r, false, &q.e);
    } else {
        q.in = value_of(buf_slice(&g->value));
        serve(&q, buf_slice(&action), path_queue);
    }
    buf_finish(&action);
}
