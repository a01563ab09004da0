/* manager.c - the operation API: POST [/{stage}]/DynamoDBManager.
 *
 *   body ─▶ jobs ─▶ queue client ─▶ sent: 202, or with a wish to wait: the outcome, or the 202 when the time is over
 *
 * A body is one job (an object), or a batch: an array, or lines of objects. Each job of a batch has its own id or its own error. */
#include <string.h>
#include <xxhash.h>

#include "gateway/gateway.h"
#include "gateway/job_parse.h"
#include "gateway/prefer.h"
#include "gateway/problem.h"

/* One POST on its way into the queue. */
struct submission {
    struct gateway *g;
    struct http_request *r;
    struct prefer prefer;
    bool has_key;
    struct slice key;
    bool batch;
    struct pending_request *p;
};

bool manager_begin(struct gateway *g, struct http_request *r)
{
    struct slice type = slice_text("");
    enum job_media media;
    struct err e;
    (void)g;
    http_header_get(r->fields, "content-type", 0, &type);
    if (job_media(type, &media) == 0)
        return true;
    err_set(&e, ERR_MEDIA_TYPE, "the body must be application/json or application/x-ndjson");
    http_refuse(r, &e);
    return false;
}

/* -- Into the queue -------------------------------------------------------------------------------------------- */
static int add_key(const struct submission *s, uint32_t position, unsigned char digest[static 16], struct msg_send *m,
                   struct err *e)
{
    if (!s->has_key)
        return 0;
    if (job_key_digest(s->key, s->batch ? position : UINT32_MAX, digest) != 0)
        return err_set(e, ERR_INTERNAL, "the digest of the Idempotency-Key failed");
    m->key = slice_of(digest, 16);
    m->body_hash = XXH3_64bits(m->body.ptr, m->body.len);
    return 0;
}

static int send_op(struct submission *s, struct pending_job *job, const struct op *op, struct err *e)
{
    struct gateway *g = s->g;
    struct msg_send m = {.flags = s->prefer.wait_ms > 0 ? MSG_WAIT : 0};
    unsigned char digest[16];
    uint8_t slice;
    buf_reset(&g->body);
    op_encode(&g->body, op);
    if (buf_failed(&g->body))
        return err_set(e, ERR_UNAVAILABLE, "this gateway is out of memory");
    m.body = buf_slice(&g->body);
    if (m.body.len > LIMIT_BODY_BYTES)
        return err_set(e, ERR_TOO_LARGE, "the job takes %zu bytes in the queue's form, more than %u", m.body.len,
                       LIMIT_BODY_BYTES);
    m.group = op_group(op, op->table.len ? schemas_find(&g->schemas, op->table) : NULL, ++g->salt, &slice);
    m.id = job->id = id_make(&g->ids, g->wall_ms, slice);
    if (add_key(s, job->position, digest, &m, e) != 0)
        return -1;
    if (queue_client_send(g->queue, GATEWAY_QUEUE, &m, pending_tag(job)) != 0)
        return err_set(e, ERR_UNAVAILABLE, "too many jobs wait for the queue's answer already; nothing was changed");
    if (s->prefer.wait_ms > 0) {
        pending_watch(g->pending, job, &job->id);
        job->sent_id = m.id;
        job->awaited = true;
    }
    return 0;
}

static void send_entry(struct submission *s, struct pending_job *job, const struct value *entry)
{
    struct op op;
    struct err e;
    if (job_parse(entry, &op, &e) != 0 || send_op(s, job, &op, &e) != 0)
        track_refuse(s->g, job, &e);
}

static const struct pending_kind one_kind, batch_kind;

static bool open_request(struct submission *s, uint32_t jobs)
{
    s->p = gateway_open(s->g, s->r, s->batch ? &batch_kind : &one_kind, jobs, s->g->now_ms + GATEWAY_ANSWER_MS);
    if (!s->p)
        return false;
    s->p->batch = s->batch;
    s->p->wait_until_ms = s->g->now_ms + s->prefer.wait_ms;
    s->p->from_header = s->prefer.from_header;
    return true;
}

static void submit_one(struct submission *s, const struct value *entry)
{
    if (open_request(s, 1))
        send_entry(s, s->p->jobs[0], entry);
}

/* -- Batches --------------------------------------------------------------------------------------------------- */
static int check_count(size_t count, struct err *e)
{
    if (count == 0)
        return err_set(e, ERR_VALIDATION, "the batch is empty");
    if (count > LIMIT_JOBS_PER_REQUEST)
        return err_set(e, ERR_LIMIT_EXCEEDED, "the batch has more than %u jobs", LIMIT_JOBS_PER_REQUEST);
    return 0;
}

static void submit_array(struct submission *s, const struct value *list)
{
    struct err e;
    struct value_walk walk = value_walk_of(list);
    struct value entry;
    s->batch = true;
    if (check_count(list->count, &e) != 0) {
        http_refuse(s->r, &e);
        return;
    }
    if (!open_request(s, list->count))
        return;
    /* The last job may settle the request and free it: it is not looked at afterwards. */
    struct pending_request *p = s->p;
    for (uint32_t i = 0, count = p->count; i < count && value_walk_next(&walk, NULL, &entry); i++)
        send_entry(s, p->jobs[i], &entry);
}

/* Cuts off the next line that is not blank; false at the end. */
static bool next_line(struct slice *rest, struct slice *line)
{
    while (rest->len > 0) {
        const unsigned char *end = memchr(rest->ptr, '\n', rest->len);
        size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
        *line = slice_of(rest->ptr, len);
        *rest = slice_of(rest->ptr + len + (end != NULL), rest->len - len - (end != NULL));
        for (size_t i = 0; i < line->len; i++)
            if (!strchr(" \t\r", line->ptr[i]) || line->ptr[i] == '\0')
                return true;
    }
    return false;
}

static void send_line(struct submission *s, struct pending_job *job, struct slice line)
{
    struct gateway *g = s->g;
    struct err e;
    buf_reset(&g->value);
    if (json_to_value(g->json, line, LIMIT_JSON_DEPTH, &g->value, &e) != 0) {
        track_refuse(g, job, &e);
        return;
    }
    struct value entry = value_of(buf_slice(&g->value));
    send_entry(s, job, &entry);
}

static void submit_lines(struct submission *s)
{
    struct err e;
    struct slice rest = s->r->body, line;
    size_t count = 0;
    s->batch = true;
    while (count <= LIMIT_JOBS_PER_REQUEST && next_line(&rest, &line))
        count++;
    if (check_count(count, &e) != 0) {
        http_refuse(s->r, &e);
        return;
    }
    if (!open_request(s, (uint32_t)count))
        return;
    struct pending_request *p = s->p;
    rest = s->r->body;
    for (size_t i = 0; i < count && next_line(&rest, &line); i++)
        send_line(s, p->jobs[i], line);
}

/* -- The request ----------------------------------------------------------------------------------------------- */
static int read_headers(struct submission *s, enum job_media *media, struct err *e)
{
    struct slice type = slice_text("");
    http_header_get(s->r->fields, "content-type", 0, &type);
    job_media(type, media); /* manager_begin() has refused what is unknown */
    s->has_key = http_header_get(s->r->fields, "idempotency-key", 0, &s->key);
    if (s->has_key && job_check_key(s->key, e) != 0)
        return -1;
    return prefer_read(s->r->fields, &s->prefer, e);
}

void manager_post(struct gateway *g, struct http_request *r)
{
    struct submission s = {.g = g, .r = r};
    enum job_media media;
    struct err e = {0};
    buf_reset(&g->value);
    if (read_headers(&s, &media, &e) == 0 && media == JOB_MEDIA_LINES) {
        submit_lines(&s);
        return;
    }
    if (e.code == ERR_NONE && r->body.len == 0)
        err_set(&e, ERR_VALIDATION, "the body is empty: it must be a job, or an array of jobs");
    if (e.code == ERR_NONE && json_to_value(g->json, r->body, LIMIT_JSON_DEPTH, &g->value, &e) == 0) {
        struct value top = value_of(buf_slice(&g->value));
        if (top.type == VALUE_L)
            submit_array(&s, &top);
        else
            submit_one(&s, &top);
        return;
    }
    http_refuse(r, &e);
}

/* -- What became of it ----------------------------------------------------------------------------------------- */
static bool waits(const struct pending_request *p) { return p->wait_until_ms > p->begun_ms; }

static void accepted(struct gateway *g, struct pending_job *job)
{
    struct pending_request *p = job->request;
    if (!waits(p))
        track_settle(g, job, JOB_QUEUED);
    else if (pending_accepted(job))
        pending_set_due(g->pending, p, p->wait_until_ms);
}

static void duplicate(struct gateway *g, struct pending_job *job, const struct id *known)
{
    static const struct id none;
    struct pending_request *p = job->request;
    if (!known || id_equal(known, &none) || id_equal(known, &job->id)) {
        accepted(g, job); /* our own message, sent a second time by the queue client */
        return;
    }
    job->replayed = true;
    if (!waits(p)) {
        job->id = *known;
        track_settle(g, job, JOB_QUEUED);
        return;
    }
    int64_t left_ms = p->wait_until_ms - g->now_ms;
    pending_watch(g->pending, job, known);
    if (pending_accepted(job))
        pending_set_due(g->pending, p, p->wait_until_ms);
    track_watch(g, job, left_ms > 0 ? left_ms : 1);
}

void manager_sent(struct gateway *g, struct pending_job *job, enum msg_result result, const struct id *known)
{
    static const struct {
        enum err_code code;
        const char *text;
    } refusals[MSG_RESULT_COUNT] = {
        [MSG_MISMATCH] = {ERR_IDEMPOTENCY, "the Idempotency-Key was used before, with another job"},
        [MSG_FULL] = {ERR_UNAVAILABLE, "the queue is full; nothing was changed"},
        [MSG_DISK_FULL] = {ERR_DISK_FULL, "the queue's disk is full; nothing was changed"},
        [MSG_NO_QUEUE] = {ERR_UNAVAILABLE, "the queue " GATEWAY_QUEUE " does not exist"},
        [MSG_INVALID] = {ERR_INTERNAL, "the queue did not understand the job"},
    };
    struct err e;
    if (job->settled)
        return;
    if (result == MSG_ACCEPTED) {
        accepted(g, job);
    } else if (result == MSG_DUPLICATE) {
        duplicate(g, job, known);
    } else {
        unsigned row = result < MSG_RESULT_COUNT ? result : MSG_INVALID;
        err_set(&e, refusals[row].code, "%s", refusals[row].text);
        track_refuse(g, job, &e);
    }
}

/* Time is over: what was not accepted is refused, what is not done yet is queued. The last one closes the request. */
static void late(void *self, struct pending_request *p, int64_t now_ms)
{
    struct gateway *g = self;
    struct err e;
    (void)now_ms;
    track_unavailable(&e, true);
    for (uint32_t i = 0, count = p->count, open = p->open; i < count && open > 0; i++) {
        struct pending_job *job = p->jobs[i];
        if (job->settled)
            continue;
        open--;
        if (job->status == JOB_SENDING)
            track_refuse(g, job, &e);
        else
            track_settle(g, job, JOB_QUEUED);
    }
}

/* -- Answers --------------------------------------------------------------------------------------------------- */
static void put_accepted(struct buf *out, const struct pending_job *job)
{
    char id[ID_TEXT_BYTES];
    id_format(&job->id, id);
    buf_text(out, "{\"jobId\":\"");
    buf_append(out, id, ID_TEXT_BYTES - 1);
    buf_text(out, "\",\"status\":\"queued\"}");
}

static void put_headers(struct http_request *r, const struct pending_job *job, bool ended)
{
    struct pending_request *p = job->request;
    char id[ID_TEXT_BYTES];
    id_format(&job->id, id);
    http_put_header(r, "Location", "/jobs/%s", id);
    if (job->replayed)
        http_put_header(r, "Idempotency-Replayed", "true");
    if (!ended)
        return;
    http_put_header(r, "X-Leat-Job-Id", "%s", id);
    if (p->from_header)
        http_put_header(r, "Preference-Applied", "wait=%lld", (long long)(p->wait_until_ms - p->begun_ms) / 1000);
}

static void finish_one(void *self, struct pending_request *p)
{
    struct gateway *g = self;
    struct pending_job *job = p->jobs[0];
    struct http_request *r = p->owner;
    unsigned status = 202;
    const char *media = GATEWAY_JSON;
    bool ended = job->status == JOB_SUCCEEDED || job->status == JOB_FAILED || job->status == JOB_DEAD;
    if (ended || job->status == JOB_REFUSED) {
        buf_swap(&r->out, &p->texts); /* a single job's text is all there is */
        status = job->status == JOB_SUCCEEDED && !job->omitted ? 200 : job->http_status;
        media = status == 200 ? GATEWAY_JSON : PROBLEM_MEDIA_TYPE;
        if (status == 503)
            http_put_header(r, "Retry-After", "1");
    } else {
        put_accepted(&r->out, job);
    }
    if (job->status != JOB_REFUSED)
        put_headers(r, job, ended);
    gateway_close(g, p);
    http_answer(r, status, media);
}

static void put_entry(struct buf *out, const struct pending_job *job)
{
    static const char *const names[JOB_STATUS_COUNT] = {
        [JOB_SUCCEEDED] = "succeeded", [JOB_FAILED] = "failed", [JOB_DEAD] = "dead"};
    struct slice text = gateway_text(job);
    char id[ID_TEXT_BYTES];
    if (job->status == JOB_REFUSED) {
        buf_text(out, "{\"error\":");
    } else if (names[job->status]) {
        id_format(&job->id, id);
        buf_printf(out, "{\"jobId\":\"%s\",\"status\":\"%s\",\"%s\":", id, names[job->status],
                   job->status == JOB_SUCCEEDED && !job->omitted ? "result" : "error");
    } else {
        put_accepted(out, job);
        return;
    }
    buf_append(out, text.ptr, text.len);
    buf_byte(out, '}');
}

/* A batch in which nothing was accepted has the status of its first error that is not the client's fault, else of its first one. */
static unsigned batch_status(const struct pending_request *p)
{
    unsigned refused = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct pending_job *job = p->jobs[i];
        if (job->status != JOB_REFUSED)
            return waits(p) ? 200 : 202;
        if (refused == 0 || (refused < 500 && job->http_status >= 500))
            refused = job->http_status;
    }
    return refused < 500 ? 400 : refused;
}

static void finish_batch(void *self, struct pending_request *p)
{
    struct gateway *g = self;
    struct http_request *r = p->owner;
    unsigned status = batch_status(p);
    bool replayed = false;
    buf_text(&r->out, "{\"jobs\":[");
    for (uint32_t i = 0; i < p->count; i++) {
        if (i > 0)
            buf_byte(&r->out, ',');
        put_entry(&r->out, p->jobs[i]);
        replayed |= p->jobs[i]->replayed;
    }
    buf_text(&r->out, "]}");
    if (replayed)
        http_put_header(r, "Idempotency-Replayed", "true");
    if (status == 503)
        http_put_header(r, "Retry-After", "1");
    if (status == 200 && p->from_header)
        http_put_header(r, "Preference-Applied", "wait=%lld", (long long)(p->wait_until_ms - p->begun_ms) / 1000);
    gateway_close(g, p);
    http_answer(r, status, GATEWAY_JSON);
}

static const struct pending_kind one_kind = {.finish = finish_one, .late = late};
static const struct pending_kind batch_kind = {.finish = finish_batch, .late = late};
