/* sqs_access.c - who may do what. Where signatures are checked (--credentials), a request's caller is known by his key, and so is the key's account.
 *
 *     the owner's account     everything, but for what a queue's policy denies
 *     any other               what a queue's policy allows, of the actions that an owner can share
 *
 * No policy can take from the owner the actions that are his alone: SetQueueAttributes mends every policy. Where no signature is checked nobody is known,
 * and nobody refused. The policy stands in the broker's description of the queue; what was asked is taken up again when that has come. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/mp.h"
#include "gateway/sqs.h"
#include "common/sqs_message.h"
#include "common/sqs_policy.h"

#define POLICY_DEPTH 32

static bool is_owner(const struct sqs_request *q) { return slice_equal(q->caller.account, q->place.account); }

static int refuse(struct sqs_request *q, bool denied)
{
    char action[64] = {0};
    struct buf arn = {0};
    for (size_t i = 0; i < sizeof action - 1 && q->action->name[i]; i++)
        action[i] = (char)tolower((unsigned char)q->action->name[i]);
    const char *permission = q->action->permission ? q->action->permission : action;
    sqs_put_arn(&arn, &q->place, q->queue.len > 0 ? q->queue : slice_text("*"));
    sqs_fail(&q->e, SQS_ACCESS_DENIED,
             "User: arn:aws:iam::%.*s:user/%.*s is not authorized to perform: sqs:%s on resource: %.*s %s",
             (int)q->caller.account.len, (const char *)q->caller.account.ptr, (int)q->caller.key.len,
             (const char *)q->caller.key.ptr, permission, (int)arn.len, (const char *)arn.data,
             denied ? "with an explicit deny in a resource-based policy" : "because no resource-based policy allows the ");
    if (!denied) {
        size_t len = strlen(q->e.text);
        snprintf(q->e.text + len, sizeof q->e.text - len, "sqs:%s action", permission);
    }
    buf_finish(&arn);
    return -1;
}

/* 0, or -1 with the refusal. */
static int judge(struct sqs_request *q, const struct queue_description *d)
{
    struct value document = value_of(d->document), policy = {.type = VALUE_NONE};
    struct slice text = sqs_attribute_text(&document, "Policy", true);
    struct buf parsed = {0}, arn = {0};
    struct err e;
    if (text.len > 0 && json_to_value(q->g->json, text, POLICY_DEPTH, &parsed, &e) == 0)
        policy = value_of(buf_slice(&parsed));
    sqs_put_arn(&arn, &q->place, q->queue);
    struct sqs_claim claim = {
        .caller = q->caller, .action = q->action->permission, .arn = buf_slice(&arn), .region = q->place.region};
    enum sqs_verdict verdict = sqs_policy_verdict(&policy, &claim);
    bool broken = text.len > 0 && policy.type == VALUE_NONE; /* memory ran out: nobody is let in by that */
    buf_finish(&parsed);
    buf_finish(&arn);
    if (verdict == SQS_DENIED || broken)
        return refuse(q, true);
    return verdict == SQS_ALLOWED || is_owner(q) ? 0 : refuse(q, false);
}

/* The request as it was when it came: what its action reads stands in g->value again. */
static void take_up(struct gateway *g, struct pending_request *p, struct sqs_request *q,
                    char name[static LIMIT_QUEUE_PATH_BYTES])
{
    struct slice queue = sqs_queue_of(p), in = sqs_in(p).encoded;
    *q = (struct sqs_request){.g = g, .r = p->owner, .action = p->sqs.action, .json = p->sqs.json};
    sqs_identify(q);
    buf_reset(&g->value);
    buf_append(&g->value, in.ptr, in.len);
    q->in = value_of(buf_slice(&g->value));
    memcpy(name, queue.ptr, queue.len);
    q->queue = slice_of(name, queue.len);
}

static void on_policy(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    char name[LIMIT_QUEUE_PATH_BYTES];
    struct sqs_request q;
    struct queue_description d;
    bool found = response->result == QUEUE_OK && queue_read_description(response, &d) == 0;
    if (!found && response->result != QUEUE_NO_QUEUE) {
        sqs_finish_result(g, p, response->result);
        return;
    }
    take_up(g, p, &q, name);
    if (found && judge(&q, &d) != 0) {
        sqs_finish_error(g, p, &q.e);
    } else if (buf_failed(&g->value)) {
        sqs_fail(&q.e, SQS_UNAVAILABLE, "This gateway is out of memory.");
        sqs_finish_error(g, p, &q.e);
    } else { /* a queue that does not exist is refused by its action */
        gateway_close(g, p);
        sqs_serve_now(&q);
    }
}

int sqs_serve_allowed(struct sqs_request *q)
{
    struct slice name = q->queue;
    if (q->caller.key.len == 0)
        return q->action->serve(q);
    if (!q->action->permission)
        return is_owner(q) ? q->action->serve(q) : refuse(q, false);
    if (q->action->serve == sqs_get_queue_url && sqs_text(&q->in, "QueueName", &name, &q->e) != 0)
        return -1;
    if (!sqs_queue_name_valid(name)) /* the action says what is wrong with it */
        return q->action->serve(q);
    q->queue = name;
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_policy);
    if (p)
        sqs_ask(q->g, p->jobs[0], name, &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE});
    return 0;
}
