/* jobs.c - jobs after they were accepted: GET and DELETE /jobs/{id}, GET /jobs?status=dead. */
#include "gateway/gateway.h"
#include "gateway/prefer.h"
#include "gateway/problem.h"

#define LIST_MAX 1000 /* what the broker lists at once */
#define LIST_PRESET 100

static const char *const names[JOB_STATUS_COUNT] = {
    [JOB_QUEUED] = "queued", [JOB_DELAYED] = "delayed", [JOB_RUNNING] = "running",    [JOB_SUCCEEDED] = "succeeded",
    [JOB_FAILED] = "failed", [JOB_DEAD] = "dead",       [JOB_CANCELLED] = "cancelled"};

static void refuse_unknown(struct http_request *r)
{
    struct err e;
    err_set(&e, ERR_NOT_FOUND, "there is no such job, or its outcome is not kept any more");
    http_refuse(r, &e);
}

/* Answers with the problem that is the job's text. */
static void answer_refused(struct http_request *r, const struct pending_job *job)
{
    struct slice text = gateway_text(job);
    unsigned status = job->http_status;
    buf_append(&r->out, text.ptr, text.len);
    if (status == 503)
        http_put_header(r, "Retry-After", "1");
    http_answer(r, status, PROBLEM_MEDIA_TYPE);
}

/* -- State ----------------------------------------------------------------------------------------------------- */
static void put_job(struct buf *out, const struct pending_job *job)
{
    char id[ID_TEXT_BYTES];
    struct slice text = gateway_text(job);
    id_format(&job->id, id);
    buf_printf(out, "{\"jobId\":\"%s\",\"status\":\"%s\"", id, names[job->status]);
    if (job->counted)
        buf_printf(out, ",\"receiveCount\":%u", job->receive_count);
    if (text.len > 0) {
        buf_text(out, job->status == JOB_SUCCEEDED && !job->omitted ? ",\"result\":" : ",\"error\":");
        buf_append(out, text.ptr, text.len);
    }
    buf_byte(out, '}');
}

static void finish_state(void *self, struct pending_request *p)
{
    struct gateway *g = self;
    const struct pending_job *job = p->jobs[0];
    struct http_request *r = p->owner;
    if (job->status == JOB_UNKNOWN) {
        refuse_unknown(r);
    } else if (job->status == JOB_REFUSED) {
        answer_refused(r, job);
    } else {
        put_job(&r->out, job);
        if (p->from_header)
            http_put_header(r, "Preference-Applied", "wait=%lld", (long long)(p->wait_until_ms - p->begun_ms) / 1000);
        http_answer(r, 200, GATEWAY_JSON);
    }
    gateway_close(g, p);
}

static void late(void *self, struct pending_request *p, int64_t now_ms)
{
    struct err e;
    (void)now_ms;
    err_set(&e, ERR_UNAVAILABLE, "the queue has not answered in time");
    track_refuse(self, p->jobs[0], &e);
}

static const struct pending_kind state_kind = {.finish = finish_state, .late = late};

/* -- Cancel ---------------------------------------------------------------------------------------------------- */
static void finish_cancel(void *self, struct pending_request *p)
{
    struct gateway *g = self;
    const struct pending_job *job = p->jobs[0];
    struct http_request *r = p->owner;
    struct err e;
    if (job->status == JOB_CANCELLED) {
        char id[ID_TEXT_BYTES];
        id_format(&job->id, id);
        buf_printf(&r->out, "{\"jobId\":\"%s\",\"status\":\"cancelled\"}", id);
        http_answer(r, 200, GATEWAY_JSON);
    } else if (job->status == JOB_UNKNOWN) {
        refuse_unknown(r);
    } else if (job->status == JOB_REFUSED) {
        answer_refused(r, job);
    } else {
        err_set(&e, ERR_CONFLICT, "the job cannot be cancelled any more: it is %s", names[job->status]);
        http_refuse(r, &e);
    }
    gateway_close(g, p);
}

static const struct pending_kind cancel_kind = {.finish = finish_cancel, .late = late};

void jobs_one(struct gateway *g, struct http_request *r)
{
    struct prefer prefer;
    struct id id;
    struct err e;
    bool cancel = r->method == HTTP_DELETE;
    if (id_parse((const char *)r->parameter.ptr, r->parameter.len, &id) != 0) {
        refuse_unknown(r);
        return;
    }
    if (prefer_read(r->fields, &prefer, &e) != 0) {
        http_refuse(r, &e);
        return;
    }
    int64_t wait_ms = cancel ? 0 : prefer.wait_ms;
    struct pending_request *p =
        gateway_open(g, r, cancel ? &cancel_kind : &state_kind, 1, g->now_ms + wait_ms + GATEWAY_ANSWER_MS);
    if (!p)
        return;
    p->wait_until_ms = g->now_ms + wait_ms;
    p->from_header = prefer.from_header && wait_ms > 0;
    p->jobs[0]->id = id;
    if (cancel)
        track_cancel(g, p->jobs[0]);
    else
        track_watch(g, p->jobs[0], wait_ms);
}

/* -- The dead -------------------------------------------------------------------------------------------------- */
static int read_limit(const struct http_request *r, int64_t *limit, struct err *e)
{
    struct slice text;
    *limit = LIST_PRESET;
    if (!http_query_get(r->fields, "limit", &text))
        return 0;
    *limit = 0;
    for (size_t i = 0; i < text.len && text.len <= 4; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return err_set(e, ERR_VALIDATION, "limit must be a number from 1 to %d", LIST_MAX);
        *limit = *limit * 10 + (text.ptr[i] - '0');
    }
    return *limit >= 1 && *limit <= LIST_MAX ? 0 : err_set(e, ERR_VALIDATION, "limit must be a number from 1 to %d", LIST_MAX);
}

static void finish_list(void *self, struct pending_request *p)
{
    struct gateway *g = self;
    const struct pending_job *job = p->jobs[0];
    struct http_request *r = p->owner;
    if (job->status == JOB_REFUSED) {
        answer_refused(r, job);
    } else {
        struct slice text = gateway_text(job);
        buf_text(&r->out, "{\"jobs\":");
        buf_append(&r->out, text.ptr, text.len);
        buf_byte(&r->out, '}');
        http_answer(r, 200, GATEWAY_JSON);
    }
    gateway_close(g, p);
}

static const struct pending_kind list_kind = {.finish = finish_list, .late = late};

void jobs_list(struct gateway *g, struct http_request *r)
{
    struct slice status = slice_text("");
    struct err e = {0};
    int64_t limit;
    http_query_get(r->fields, "status", &status);
    if (!slice_equal(status, slice_text("dead")))
        err_set(&e, ERR_VALIDATION, "jobs can be listed by status=dead only");
    if (e.code != ERR_NONE || read_limit(r, &limit, &e) != 0) {
        http_refuse(r, &e);
        return;
    }
    struct pending_request *p = gateway_open(g, r, &list_kind, 1, g->now_ms + GATEWAY_ANSWER_MS);
    if (!p)
        return;
    buf_reset(&g->body);
    mp_put_map(&g->body, 1);
    mp_put_text(&g->body, "limit");
    value_put_int(&g->body, limit);
    if (buf_failed(&g->body) || queue_client_admin(g->queue, "dead", buf_slice(&g->body), pending_tag(p->jobs[0])) != 0) {
        track_unavailable(&e, false);
        track_refuse(g, p->jobs[0], &e);
    }
}

void jobs_listed(struct gateway *g, struct pending_job *job, unsigned err_code, struct slice value)
{
    struct pending_request *p = job->request;
    struct value list = value_of(value);
    struct err e;
    if (job->settled)
        return;
    job->text_at = p->texts.len;
    if (err_code != ERR_NONE || list.type != VALUE_L || json_from_value(&list, &p->texts) != 0) {
        buf_reset(&p->texts);
        err_set(&e, ERR_INTERNAL, "the queue did not list its dead jobs");
        track_refuse(g, job, &e);
        return;
    }
    job->text_len = p->texts.len - job->text_at;
    track_settle(g, job, JOB_SUCCEEDED);
}
