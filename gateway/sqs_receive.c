/* sqs_receive.c - ReceiveMessage, and what is done with what was received: DeleteMessage, ChangeMessageVisibility, and their batches. */
#include <stdio.h>
#include <string.h>

#include "common/mp.h"
#include "gateway/sqs.h"
#include "common/sqs_message.h"

#define SENDER_ID "AIDALEATLOCALUSER0000"
#define VISIBILITY_MAX_S 43200
#define VISIBILITY_RANGE "VisibilityTimeout must be an integer between 0 and 43200."

static struct value member_of(const struct value *in, const char *name) { return value_map_get(in, slice_text(name)); }

/* -- What the client wants to see ------------------------------------------------------------------------------------------- */
/* Names, "All", or prefixes: "bar.*", ".*". */
static bool wanted(const struct value *names, struct slice name)
{
    struct value one;
    struct value_walk walk = value_walk_of(names);
    while (names->type == VALUE_L && value_walk_next(&walk, NULL, &one)) {
        struct slice n = one.type == VALUE_S ? one.bytes : slice_text("");
        if (slice_equal(n, slice_text("All")) || slice_equal(n, name))
            return true;
        bool prefix = n.len >= 2 && n.ptr[n.len - 2] == '.' && n.ptr[n.len - 1] == '*';
        if (prefix && name.len >= n.len - 2 && memcmp(name.ptr, n.ptr, n.len - 2) == 0)
            return true;
    }
    return false;
}

struct view {
    struct value system, older, attributes; /* lists of names; the first two mean the same */
};

static bool shows(const struct view *v, const char *name)
{
    return wanted(&v->system, slice_text(name)) || wanted(&v->older, slice_text(name));
}

static uint32_t put_text_if(struct buf *out, const struct view *v, const char *name, struct slice text)
{
    if (text.len == 0 || !shows(v, name))
        return 0;
    mp_put_text(out, name);
    mp_put_slice(out, text);
    return 1;
}

static uint32_t put_number_if(struct buf *out, const struct view *v, const char *name, const char *format, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, format, (unsigned long long)number);
    return put_text_if(out, v, name, slice_text(text));
}

static uint32_t put_source(struct buf *out, const struct view *v, const struct sqs_place *place, struct slice source)
{
    struct slice region;
    struct buf arn = {0};
    if (source.len == 0)
        return 0;
    sqs_put_arn(&arn, place, sqs_name_of_path(source, &region));
    uint32_t count = put_text_if(out, v, "DeadLetterQueueSourceArn", buf_slice(&arn));
    buf_finish(&arn);
    return count;
}

/* Attributes, unless none is wanted. Returns the number of members. */
static uint32_t put_system(struct buf *out, const struct view *v, const struct sqs_place *place, bool fifo,
                           const struct queue_received *m, const struct envelope *e)
{
    size_t begin = out->len;
    mp_put_text(out, "Attributes");
    size_t mark = mp_open(out);
    uint32_t count = put_text_if(out, v, "SenderId", e->sender_id.len > 0 ? e->sender_id : slice_text(SENDER_ID));
    count += put_number_if(out, v, "SentTimestamp", "%llu", (uint64_t)m->sent_ms);
    count += put_number_if(out, v, "ApproximateReceiveCount", "%llu", m->receive_count);
    count += put_number_if(out, v, "ApproximateFirstReceiveTimestamp", "%llu", (uint64_t)m->first_received_ms);
    if (fifo)
        count += put_number_if(out, v, "SequenceNumber", "%020llu", m->seq);
    count += put_text_if(out, v, "MessageDeduplicationId", e->deduplication_id);
    count += put_text_if(out, v, "MessageGroupId", e->group_id);
    count += put_text_if(out, v, "AWSTraceHeader", e->trace_header);
    count += put_source(out, v, place, m->source);
    if (count == 0 && !buf_failed(out)) {
        out->len = begin;
        return 0;
    }
    mp_close_map(out, mark, count);
    return 1;
}

static void put_attribute(struct buf *out, const struct envelope_attribute *a)
{
    bool binary = sqs_type_is_binary(a->type);
    struct buf encoded = {0};
    if (binary)
        base64_encode(&encoded, a->value);
    mp_put_slice(out, a->name);
    mp_put_map(out, 2);
    mp_put_text(out, "DataType");
    mp_put_slice(out, a->type);
    mp_put_text(out, binary ? "BinaryValue" : "StringValue");
    mp_put_slice(out, binary ? buf_slice(&encoded) : a->value);
    buf_finish(&encoded);
}

/* MessageAttributes as far as they are wanted, and the digest of those. Returns the number of members. */
static uint32_t put_attributes(struct buf *out, const struct view *v, struct envelope e)
{
    struct envelope_attribute shown[SQS_MESSAGE_ATTRIBUTES];
    char md5[SQS_MD5_BYTES];
    uint32_t count = 0;
    while (count < SQS_MESSAGE_ATTRIBUTES && envelope_next(&e, &shown[count]))
        count += wanted(&v->attributes, shown[count].name);
    if (count == 0 || sqs_md5_attributes(shown, count, md5) != 0)
        return 0;
    mp_put_text(out, "MD5OfMessageAttributes");
    mp_put_text(out, md5);
    mp_put_text(out, "MessageAttributes");
    mp_put_map(out, count);
    for (uint32_t i = 0; i < count; i++)
        put_attribute(out, &shown[i]);
    return 2;
}

/* -- ReceiveMessage ---------------------------------------------------------------------------------------------------------- */
static void put_message(struct buf *out, const struct view *v, const struct sqs_place *place, bool fifo,
                        const struct queue_received *m, const struct envelope *e)
{
    char text[ID_TEXT_BYTES], md5[SQS_MD5_BYTES] = "";
    struct buf handle = {0};
    size_t mark = mp_open(out);
    id_format(&m->id, text);
    base64_encode(&handle, m->handle);
    sqs_md5(e->body, md5);
    mp_put_text(out, "MessageId");
    mp_put_text(out, text);
    mp_put_text(out, "ReceiptHandle");
    mp_put_slice(out, buf_slice(&handle));
    mp_put_text(out, "MD5OfBody");
    mp_put_text(out, md5);
    mp_put_text(out, "Body");
    mp_put_slice(out, e->body);
    uint32_t count = 4;
    count += put_system(out, v, place, fifo, m, e) + put_attributes(out, v, *e);
    mp_close_map(out, mark, count);
    buf_finish(&handle);
}

static void put_received(struct gateway *g, struct pending_request *p, const struct view *v, const struct queue_received *m)
{
    struct sqs_place place = sqs_place_of(g, p);
    struct slice queue = sqs_queue_of(p);
    struct envelope e;
    struct buf made = {0};
    sqs_body_read(m->body, m->reason, &made, &e);
    put_message(&g->value, v, &place, sqs_queue_is_fifo(queue), m, &e);
    buf_finish(&made);
}

static void on_received(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct queue_walk walk;
    struct queue_received m;
    struct value in = sqs_in(p);
    struct view v = {member_of(&in, "MessageSystemAttributeNames"), member_of(&in, "AttributeNames"),
                     member_of(&in, "MessageAttributeNames")};
    if (response->result != QUEUE_OK || queue_walk_received(response, &walk) != 0) {
        sqs_finish_result(g, p, response->result);
        return;
    }
    buf_reset(&g->value);
    mp_put_map(&g->value, walk.left > 0 ? 1 : 0);
    if (walk.left > 0) {
        mp_put_text(&g->value, "Messages");
        mp_put_array(&g->value, walk.left);
        while (queue_next_received(&walk, &m))
            put_received(g, p, &v, &m);
    }
    sqs_finish(g, p, buf_slice(&g->value));
}

/* An integer between bounds, in milliseconds if it was given, else QUEUE_DEFAULT. */
static int read_seconds(struct sqs_request *q, const struct value *in, const char *name, int64_t most, const char *reason,
                        int64_t *ms)
{
    char text[24];
    int64_t seconds;
    bool found;
    if (sqs_integer(in, name, &seconds, &found, &q->e) != 0)
        return -1;
    *ms = found ? seconds * 1000 : QUEUE_DEFAULT;
    if (!found || (seconds >= 0 && seconds <= most))
        return 0;
    snprintf(text, sizeof text, "%lld", (long long)seconds);
    return sqs_fail_value(&q->e, slice_text(text), name, reason);
}

static int read_receive(struct sqs_request *q, struct queue_receive *receive, unsigned char key[static 16])
{
    char text[24];
    int64_t most;
    bool found;
    struct slice attempt;
    if (sqs_integer(&q->in, "MaxNumberOfMessages", &most, &found, &q->e) != 0)
        return -1;
    snprintf(text, sizeof text, "%lld", (long long)most);
    if (found && (most < 1 || most > LIMIT_RECEIVE_MESSAGES))
        return sqs_fail_value(&q->e, slice_text(text), "MaxNumberOfMessages", "Must be between 1 and 10, if provided.");
    receive->max = found ? (uint32_t)most : 1;
    if (read_seconds(q, &q->in, "WaitTimeSeconds", 20, "Must be >= 0 and <= 20, if provided.", &receive->wait_ms) != 0 ||
        read_seconds(q, &q->in, "VisibilityTimeout", VISIBILITY_MAX_S, "Must be >= 0 and <= 43200, if provided.",
                     &receive->visibility_ms) != 0 ||
        sqs_text(&q->in, "ReceiveRequestAttemptId", &attempt, &q->e) != 0)
        return -1;
    if (attempt.ptr && (!sqs_queue_is_fifo(q->queue) || !sqs_token_valid(attempt)))
        return sqs_fail_value(&q->e, attempt, "ReceiveRequestAttemptId",
                              sqs_queue_is_fifo(q->queue)
                                  ? "ReceiveRequestAttemptId can only include alphanumeric and punctuation "
                                    "characters. 1 to 128 in length."
                                  : "The request include parameter that is not valid for this queue type.");
    if (attempt.ptr && sqs_key(slice_text("attempt"), attempt, key) == 0)
        receive->attempt = slice_of(key, 16);
    return 0;
}

int sqs_receive_message(struct sqs_request *q)
{
    struct queue_request request = {.verb = QUEUE_VERB_RECEIVE};
    unsigned char key[16];
    if (sqs_need_queue(q) != 0 || read_receive(q, &request.receive, key) != 0)
        return -1;
    /* The queue's own wait is not known here: it is 20 s at most. */
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + LIMIT_RECEIVE_WAIT_MS + GATEWAY_ANSWER_MS, on_received);
    if (p) {
        q->r->watch = true; /* a message that nobody reads would stay invisible */
        sqs_ask(q->g, p->jobs[0], q->queue, &request);
    }
    return 0;
}

/* -- With a handle ----------------------------------------------------------------------------------------------------------- */
static bool is_batch(const struct pending_request *p)
{
    return p->sqs.action->serve == sqs_delete_batch || p->sqs.action->serve == sqs_change_batch;
}

static void fail_one(struct gateway *g, struct pending_job *job, const struct sqs_error *e)
{
    if (is_batch(job->request))
        sqs_batch_failed(g, job, e);
    else
        sqs_finish_error(g, job->request, e);
}

/* What the job's request, or entry of a batch, was given. */
static struct value given_of(const struct pending_job *job)
{
    return is_batch(job->request) ? sqs_batch_entry(job) : sqs_in(job->request);
}

static struct slice handle_text(const struct pending_job *job)
{
    struct value of = given_of(job);
    return member_of(&of, "ReceiptHandle").bytes;
}

static int fail_too_long(struct sqs_error *e, const struct pending_job *job)
{
    struct value of = given_of(job);
    char text[24];
    int64_t seconds;
    bool found;
    sqs_integer(&of, "VisibilityTimeout", &seconds, &found, e); /* it could be read before */
    snprintf(text, sizeof text, "%lld", (long long)seconds);
    return sqs_fail_value(e, slice_text(text), "VisibilityTimeout",
                          seconds > VISIBILITY_MAX_S
                              ? VISIBILITY_RANGE
                              : "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].");
}

static void on_handled(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct sqs_error e;
    switch (response->result) {
    case QUEUE_OK:
        if (is_batch(p))
            sqs_batch_done(g, job, slice_text(""));
        else
            sqs_finish(g, p, slice_text(""));
        return;
    case QUEUE_EXPIRED:
        sqs_fail_value(&e, handle_text(job), "ReceiptHandle", "The receipt handle has expired.");
        break;
    case QUEUE_NOT_IN_FLIGHT:
        sqs_fail(&e, SQS_NOT_INFLIGHT, "The message referred to isn't in flight.");
        break;
    case QUEUE_NO_MESSAGE:
        sqs_fail_value(&e, handle_text(job), "ReceiptHandle",
                       "Message does not exist or is not available for visibility timeout change.");
        break;
    case QUEUE_TOO_LONG:
        fail_too_long(&e, job);
        break;
    default:
        sqs_fail_result(&e, response->result, sqs_queue_of(p), p->sqs.json);
        break;
    }
    fail_one(g, job, &e);
}

/* Reads one request or entry, and asks. -1 with q->e. */
static int handle_one(struct sqs_request *q, const struct value *in, enum queue_verb verb, struct queue_request *request,
                      struct buf *handle)
{
    struct slice text;
    bool found;
    int64_t seconds;
    *request = (struct queue_request){.verb = verb};
    buf_reset(handle);
    if (sqs_text(in, "ReceiptHandle", &text, &q->e) != 0)
        return -1;
    if (!text.ptr)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter ReceiptHandle.");
    if (base64_decode(handle, text) != 0 || handle->len == 0 || handle->len > LIMIT_HANDLE_BYTES)
        return sqs_fail(&q->e, SQS_HANDLE_INVALID, "The input receipt handle is invalid.");
    request->handle.handle = buf_slice(handle);
    if (verb == QUEUE_VERB_DELETE)
        return 0;
    if (sqs_integer(in, "VisibilityTimeout", &seconds, &found, &q->e) != 0)
        return -1;
    if (!found)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter VisibilityTimeout.");
    return read_seconds(q, in, "VisibilityTimeout", LIMIT_LEASE_MS / 1000, VISIBILITY_RANGE, &request->handle.visibility_ms);
}

static int handle_single(struct sqs_request *q, enum queue_verb verb)
{
    struct queue_request request;
    struct buf handle = {0};
    int result = sqs_need_queue(q) != 0 ? -1 : handle_one(q, &q->in, verb, &request, &handle);
    struct pending_request *p = result == 0 ? sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_handled) : NULL;
    if (p)
        sqs_ask(q->g, p->jobs[0], q->queue, &request);
    buf_finish(&handle);
    return result;
}

static int handle_batch(struct sqs_request *q, enum queue_verb verb)
{
    struct value entries, entry;
    struct queue_request request;
    struct buf handle = {0};
    uint32_t i = 0;
    if (sqs_batch_check(q, &entries) != 0)
        return -1;
    uint32_t count = entries.count;
    struct pending_request *p = sqs_batch_open(q, &entries, on_handled);
    for (struct value_walk walk = value_walk_of(&entries); p && i < count && value_walk_next(&walk, NULL, &entry); i++) {
        struct pending_job *job = p->jobs[i];
        if (handle_one(q, &entry, verb, &request, &handle) != 0)
            sqs_batch_failed(q->g, job, &q->e); /* the last one may end p: the loop ends, too */
        else if (sqs_ask(q->g, job, q->queue, &request) != 0)
            break;
    }
    buf_finish(&handle);
    return 0;
}

int sqs_delete_message(struct sqs_request *q) { return handle_single(q, QUEUE_VERB_DELETE); }
int sqs_delete_batch(struct sqs_request *q) { return handle_batch(q, QUEUE_VERB_DELETE); }
int sqs_change_visibility(struct sqs_request *q) { return handle_single(q, QUEUE_VERB_VISIBILITY); }
int sqs_change_batch(struct sqs_request *q) { return handle_batch(q, QUEUE_VERB_VISIBILITY); }
