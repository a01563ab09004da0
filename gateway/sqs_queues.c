/* sqs_queues.c - SQS's actions on queues: make, find, list, describe, empty, remove. Changes of what a queue is stand in sqs_change.c. */
#include "common/mp.h"
#include "gateway/sqs.h"
#include "common/sqs_message.h"
#include "common/sqs_policy.h"

#define ANSWER_MS GATEWAY_ANSWER_MS

/* {"QueueUrl": ...} */
static void finish_url(struct gateway *g, struct pending_request *p, const char *member, struct slice name)
{
    struct sqs_place place = sqs_place_of(g, p);
    struct buf url = {0};
    sqs_put_url(&url, p->owner, &place, name);
    buf_reset(&g->value);
    mp_put_map(&g->value, 1);
    mp_put_text(&g->value, member);
    mp_put_slice(&g->value, buf_slice(&url));
    buf_finish(&url);
    sqs_finish(g, p, buf_slice(&g->value));
}

/* One question about the queue of the request. */
static int ask_one(struct sqs_request *q, struct queue_request *request, sqs_step *step)
{
    if (sqs_need_queue(q) != 0)
        return -1;
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + ANSWER_MS, step);
    if (p)
        sqs_ask(q->g, p->jobs[0], q->queue, request);
    return 0;
}

static void finish_empty(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    if (response->result == QUEUE_OK)
        sqs_finish(g, job->request, slice_text(""));
    else
        sqs_finish_result(g, job->request, response->result);
}

/* -- CreateQueue --------------------------------------------------------------------------------------------------------- */
static struct value member_of(const struct value *in, const char *name) { return value_map_get(in, slice_text(name)); }

/* It exists: is it what was asked for? */
static void compare(struct gateway *g, struct pending_request *p, const struct queue_description *d)
{
    struct value in = sqs_in(p), given = member_of(&in, "Attributes"), document = value_of(d->document);
    struct slice name = sqs_queue_of(p), differs = sqs_attributes_differ(&document, &given, d->attributes.kind == QUEUE_FIFO);
    struct sqs_error e;
    if (differs.len == 0) {
        finish_url(g, p, "QueueUrl", name);
        return;
    }
    sqs_fail(&e, SQS_QUEUE_EXISTS, "A queue already exists with the same name and a different value for attribute %.*s",
             (int)differs.len, (const char *)differs.ptr);
    sqs_finish_error(g, p, &e);
}

static void on_created(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct queue_description d;
    if (response->result == QUEUE_OK)
        finish_url(g, p, "QueueUrl", sqs_queue_of(p));
    else if (response->result == QUEUE_EXISTS && queue_read_description(response, &d) == 0)
        compare(g, p, &d);
    else
        sqs_finish_result(g, p, response->result);
}

static void create(struct gateway *g, struct pending_request *p)
{
    struct value in = sqs_in(p), given = member_of(&in, "Attributes"), tags = member_of(&in, "tags"),
                 none = {.type = VALUE_NONE};
    struct sqs_place place = sqs_place_of(g, p);
    struct queue_request request = {.verb = QUEUE_VERB_CREATE};
    struct buf document = {0}, path = {0};
    struct sqs_error e;
    if (tags.type == VALUE_NONE)
        tags = member_of(&in, "Tags");
    sqs_document_put(&document, &none, &given, &tags);
    struct value made = value_of(buf_slice(&document));
    p->sqs.step = on_created;
    if (sqs_attributes_apply(&made, sqs_queue_of(p), &place, &request.define.attributes, &path, &e) != 0) {
        sqs_finish_error(g, p, &e);
    } else {
        request.define.document = buf_slice(&document);
        sqs_ask(g, p->jobs[0], sqs_queue_of(p), &request);
    }
    buf_finish(&document);
    buf_finish(&path);
}

int sqs_create_queue(struct sqs_request *q)
{
    struct value given = member_of(&q->in, "Attributes"), tags = member_of(&q->in, "tags");
    if (sqs_text(&q->in, "QueueName", &q->queue, &q->e) != 0)
        return -1;
    if (tags.type == VALUE_NONE)
        tags = member_of(&q->in, "Tags");
    if (!q->queue.ptr)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter QueueName.");
    if (!sqs_queue_name_valid(q->queue))
        return sqs_fail(&q->e, SQS_PARAMETER,
                        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
    if (sqs_attributes_check(&given, q->queue, true, &q->e) != 0)
        return -1;
    if (tags.type == VALUE_M && sqs_tags_check(&tags, &q->e) != 0)
        return -1;
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + ANSWER_MS, on_created);
    if (p)
        sqs_with_dead_letter(q->g, p, create);
    return 0;
}

/* -- GetQueueUrl, DeleteQueue, PurgeQueue -------------------------------------------------------------------------------------- */
static void on_found(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    if (response->result == QUEUE_OK)
        finish_url(g, job->request, "QueueUrl", sqs_queue_of(job->request));
    else
        sqs_finish_result(g, job->request, response->result);
}

int sqs_get_queue_url(struct sqs_request *q)
{
    struct slice owner;
    if (sqs_text(&q->in, "QueueName", &q->queue, &q->e) != 0 || sqs_text(&q->in, "QueueOwnerAWSAccountId", &owner, &q->e) != 0)
        return -1;
    if (!q->queue.ptr)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter QueueName.");
    if (owner.len > 0 && !slice_equal(owner, q->place.account)) /* all queues are of one account */
        return sqs_fail_result(&q->e, QUEUE_NO_QUEUE, q->queue, q->json);
    return ask_one(q, &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE}, on_found);
}

static int ask_with_token(struct sqs_request *q, enum queue_verb verb)
{
    struct queue_request request = {.verb = verb, .token = id_make(&q->g->ids, q->g->wall_ms, 0)};
    return ask_one(q, &request, finish_empty);
}

int sqs_delete_queue(struct sqs_request *q) { return ask_with_token(q, QUEUE_VERB_REMOVE); }
int sqs_purge_queue(struct sqs_request *q) { return ask_with_token(q, QUEUE_VERB_PURGE); }

/* -- GetQueueAttributes, ListQueueTags ------------------------------------------------------------------------------------------- */
static void on_attributes(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct queue_description d;
    if (response->result != QUEUE_OK || queue_read_description(response, &d) != 0) {
        sqs_finish_result(g, p, response->result);
        return;
    }
    struct value in = sqs_in(p), names = member_of(&in, "AttributeNames");
    struct sqs_place place = sqs_place_of(g, p);
    buf_reset(&g->value);
    if (names.type == VALUE_L && names.count > 0) {
        mp_put_map(&g->value, 1);
        mp_put_text(&g->value, "Attributes");
        sqs_attributes_answer(&g->value, &d, &names, &place);
    } else {
        mp_put_map(&g->value, 0);
    }
    sqs_finish(g, p, buf_slice(&g->value));
}

int sqs_get_queue_attributes(struct sqs_request *q)
{
    struct value names = member_of(&q->in, "AttributeNames"), name;
    struct value_walk walk = value_walk_of(&names);
    while (names.type == VALUE_L && value_walk_next(&walk, NULL, &name))
        if (name.type != VALUE_S || !sqs_attribute_known(name.bytes))
            return sqs_fail(&q->e, SQS_ATTRIBUTE_NAME, "Unknown Attribute %.*s.",
                            name.bytes.len < 200 ? (int)name.bytes.len : 200, (const char *)name.bytes.ptr);
    return ask_one(q, &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE}, on_attributes);
}

static void on_tags(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct queue_description d;
    if (response->result != QUEUE_OK || queue_read_description(response, &d) != 0) {
        sqs_finish_result(g, job->request, response->result);
        return;
    }
    struct value document = value_of(d.document), tags = document.type == VALUE_M ? member_of(&document, "tags") : document;
    buf_reset(&g->value);
    mp_put_map(&g->value, tags.type == VALUE_M && tags.count > 0);
    if (tags.type == VALUE_M && tags.count > 0) {
        mp_put_text(&g->value, "Tags");
        mp_put_raw(&g->value, tags.encoded);
    }
    sqs_finish(g, job->request, buf_slice(&g->value));
}

int sqs_list_queue_tags(struct sqs_request *q)
{
    return ask_one(q, &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE}, on_tags);
}
