/* sqs_send.c - SendMessage and SendMessageBatch. A message to leat-jobs is a job, and goes the jobs' way. */
#include <stdio.h>
#include <string.h>

#include "common/mp.h"
#include "gateway/job_parse.h"
#include "gateway/sqs.h"
#include "gateway/sqs_message.h"

#define JOB_DEPTH 40
#define BATCH_BYTES LIMIT_BODY_BYTES

static struct value member_of(const struct value *in, const char *name) { return value_map_get(in, slice_text(name)); }
static bool is_batch(const struct pending_request *p) { return p->sqs.action->serve == sqs_send_batch; }

/* What a job sends: the request itself, or an entry of its batch. */
static struct value sent_of(const struct pending_job *job)
{
    return is_batch(job->request) ? sqs_batch_entry(job) : sqs_in(job->request);
}

static void fail_one(struct gateway *g, struct pending_job *job, const struct sqs_error *e)
{
    if (is_batch(job->request))
        sqs_batch_failed(g, job, e);
    else
        sqs_finish_error(g, job->request, e);
}

static void done_one(struct gateway *g, struct pending_job *job, struct slice members)
{
    if (is_batch(job->request))
        sqs_batch_done(g, job, members);
    else
        sqs_finish(g, job->request, members);
}

/* -- Answers --------------------------------------------------------------------------------------------------------------- */
static uint32_t put_member(struct buf *out, const char *name, const char *text)
{
    mp_put_text(out, name);
    mp_put_text(out, text);
    return 1;
}

static void put_sent(struct buf *out, const struct sqs_message *m, const struct id *id, uint64_t seq, bool fifo)
{
    char text[ID_TEXT_BYTES > 24 ? ID_TEXT_BYTES : 24];
    size_t mark = mp_open(out);
    uint32_t count = put_member(out, "MD5OfMessageBody", m->md5_body);
    if (m->has_attributes)
        count += put_member(out, "MD5OfMessageAttributes", m->md5_attributes);
    if (m->has_system)
        count += put_member(out, "MD5OfMessageSystemAttributes", m->md5_system);
    id_format(id, text);
    count += put_member(out, "MessageId", text);
    if (fifo) {
        snprintf(text, sizeof text, "%020llu", (unsigned long long)seq);
        count += put_member(out, "SequenceNumber", text);
    }
    mp_close_map(out, mark, count);
}

/* The digests are made again: nothing but the request itself is kept while it waits. */
static void sent(struct gateway *g, struct pending_job *job, const struct id *id, uint64_t seq)
{
    struct pending_request *p = job->request;
    struct value in = sent_of(job);
    bool fifo = sqs_queue_is_fifo(sqs_queue_of(p));
    struct sqs_message m;
    struct sqs_error e;
    struct buf envelope = {0}, members = {0};
    int result = sqs_message_read(&in, fifo, &m, &envelope, &e);
    if (result == 0 && sqs_message_digest(&m, buf_slice(&envelope)) == 0)
        put_sent(&members, &m, id, seq, fifo);
    if (result == 0 && (members.len == 0 || buf_failed(&members)))
        result = sqs_fail(&e, SQS_UNAVAILABLE, "This gateway is out of memory; the message was sent.");
    if (result == 0)
        done_one(g, job, buf_slice(&members));
    else
        fail_one(g, job, &e);
    buf_finish(&envelope);
    buf_finish(&members);
}

static void on_sent(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    uint64_t seq, most = 0;
    struct id id;
    struct sqs_error e;
    if (response->result == QUEUE_OK && queue_read_sent(response, &seq, &id) == 0) {
        sent(g, job, &id, seq);
        return;
    }
    if (response->result == QUEUE_TOO_LARGE && queue_read_number(response, &most) == 0)
        sqs_fail(&e, SQS_PARAMETER, "One or more parameters are invalid. Reason: Message must be shorter than %llu bytes.",
                 (unsigned long long)most);
    else if (response->result == QUEUE_NO_DEDUPLICATION)
        sqs_fail(
            &e, SQS_PARAMETER,
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
    else
        sqs_fail_result(&e, response->result, sqs_queue_of(p), p->sqs.json);
    fail_one(g, job, &e);
}

/* -- Jobs -------------------------------------------------------------------------------------------------------------------- */
void sqs_job_sent(struct gateway *g, struct pending_job *job, enum msg_result result)
{
    struct sqs_error e;
    if (result == MSG_ACCEPTED || result == MSG_DUPLICATE) {
        sent(g, job, &job->id, 0);
        return;
    }
    sqs_fail(&e, result == MSG_FULL || result == MSG_DISK_FULL ? SQS_UNAVAILABLE : SQS_INTERNAL,
             "The queue %s; nothing was changed.",
             result == MSG_FULL        ? "is full"
             : result == MSG_DISK_FULL ? "has no room on its disk"
                                       : "refused the job");
    fail_one(g, job, &e);
}

static int read_job(struct gateway *g, struct slice text, struct buf *value, struct op *op, struct sqs_error *e)
{
    struct err why = {.code = ERR_NONE};
    if (json_to_value(g->json, text, JOB_DEPTH, value, &why) == 0) {
        struct value entry = value_of(buf_slice(value));
        if (job_parse(&entry, op, &why) == 0)
            return 0;
    }
    return sqs_fail(e, SQS_INVALID_CONTENTS, "A message of leat-jobs is a job, {\"operation\", \"tableName\", \"payload\"}: %s",
                    why.text);
}

static int send_job(struct gateway *g, struct pending_job *job, const struct sqs_message *m, struct sqs_error *e)
{
    struct buf value = {0};
    struct op op;
    struct msg_send send = {.delay_ms = m->delay_ms > 0 ? m->delay_ms : 0};
    uint8_t slice;
    int result = read_job(g, m->body, &value, &op, e);
    if (result == 0) {
        buf_reset(&g->body);
        op_encode(&g->body, &op);
        send.body = buf_slice(&g->body);
        send.group = op_group(&op, op.table.len ? schemas_find(&g->schemas, op.table) : NULL, ++g->salt, &slice);
        send.id = job->id = id_make(&g->ids, g->wall_ms, slice);
        if (buf_failed(&g->body) || send.body.len > LIMIT_BODY_BYTES ||
            queue_client_send(g->queue, GATEWAY_QUEUE, &send, pending_tag(job)) != 0)
            result = sqs_fail(e, SQS_UNAVAILABLE, "The queue cannot take more jobs at the moment; nothing was changed.");
    }
    buf_finish(&value);
    return result;
}

/* -- Requests ---------------------------------------------------------------------------------------------------------------- */
static uint64_t group_of(struct slice group)
{
    unsigned char digest[16];
    uint64_t hash = 0;
    if (group.len == 0 || sqs_key(slice_text("group"), group, digest) != 0)
        return group.len ? 1 : 0;
    memcpy(&hash, digest, sizeof hash);
    return hash ? hash : 1;
}

static int send_message(struct gateway *g, struct pending_job *job, const struct sqs_message *m, struct slice envelope,
                        struct sqs_error *e)
{
    bool fifo = sqs_queue_is_fifo(sqs_queue_of(job->request));
    unsigned char key[16];
    struct queue_request request = {.verb = QUEUE_VERB_SEND};
    struct queue_send *s = &request.send;
    s->id = job->id = id_make(&g->ids, g->wall_ms, 0);
    s->group = group_of(m->group);
    s->flags = fifo && !m->deduplication.ptr ? QUEUE_CONTENT_KEY : 0;
    s->delay_ms = m->delay_ms;
    s->priority = m->priority;
    s->size = m->size;
    s->body = envelope;
    if (fifo) {
        struct slice text = m->deduplication.ptr ? m->deduplication : m->body;
        if (sqs_key(slice_text(m->deduplication.ptr ? "id" : "content"), text, key) != 0)
            return sqs_fail(e, SQS_UNAVAILABLE, "This gateway is out of memory.");
        s->key = slice_of(key, sizeof key);
    }
    buf_reset(&g->path);
    sqs_put_path(&g->path, sqs_place_of(g, job->request).region, sqs_queue_of(job->request));
    request.queue = buf_slice(&g->path);
    if (queue_client_ask(g->queue, &request, pending_tag(job)) == 0)
        return 0;
    return sqs_fail(e, SQS_UNAVAILABLE, "The queue cannot take more requests at the moment; nothing was changed.");
}

/* Sends what the job at its position sends; what cannot be sent is answered. */
static void send_one(struct gateway *g, struct pending_job *job)
{
    struct pending_request *p = job->request;
    struct value in = sent_of(job);
    struct slice queue = sqs_queue_of(p);
    struct sqs_message m;
    struct sqs_error e;
    struct buf envelope = {0};
    int result = in.type == VALUE_M ? sqs_message_read(&in, sqs_queue_is_fifo(queue), &m, &envelope, &e)
                                    : sqs_fail(&e, SQS_MALFORMED, "an entry must be a structure");
    if (result == 0)
        result = slice_equal(queue, slice_text(GATEWAY_QUEUE)) ? send_job(g, job, &m, &e)
                                                               : send_message(g, job, &m, buf_slice(&envelope), &e);
    buf_finish(&envelope);
    if (result != 0)
        fail_one(g, job, &e);
}

int sqs_send_message(struct sqs_request *q)
{
    if (sqs_need_queue(q) != 0)
        return -1;
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_sent);
    if (p)
        send_one(q->g, p->jobs[0]);
    return 0;
}

/* Bodies and attributes together, as SQS counts them; an entry that is wrong is judged by itself, later. */
static uint64_t batch_size(const struct sqs_request *q, const struct value *entries)
{
    uint64_t size = 0;
    struct value entry;
    struct sqs_message m;
    struct sqs_error e;
    struct buf envelope = {0};
    for (struct value_walk walk = value_walk_of(entries); value_walk_next(&walk, NULL, &entry);) {
        buf_reset(&envelope);
        bool fine = entry.type == VALUE_M && sqs_message_read(&entry, sqs_queue_is_fifo(q->queue), &m, &envelope, &e) == 0;
        struct value body = entry.type == VALUE_M ? member_of(&entry, "MessageBody") : entry;
        size += fine ? m.size : body.type == VALUE_S ? body.bytes.len : 0;
    }
    buf_finish(&envelope);
    return size;
}

int sqs_send_batch(struct sqs_request *q)
{
    struct value entries;
    if (sqs_batch_check(q, &entries) != 0)
        return -1;
    /* What counts is part of the request as it stands here, so that most need no counting. */
    uint64_t size = q->in.encoded.len <= BATCH_BYTES ? 0 : batch_size(q, &entries);
    if (size > BATCH_BYTES)
        return sqs_fail(&q->e, SQS_BATCH_TOO_LONG, "Batch requests cannot be longer than %u bytes. You have sent %llu bytes.",
                        BATCH_BYTES, (unsigned long long)size);
    struct pending_request *p = sqs_batch_open(q, &entries, on_sent);
    struct gateway *g = q->g;
    /* The last failing entry may end the request. */
    for (uint32_t i = 0, count = entries.count; p && i < count; i++) {
        bool last = i + 1 == count;
        send_one(g, p->jobs[i]);
        if (last)
            break;
    }
    return 0;
}
