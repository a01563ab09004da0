/* sqs_dead_letter.c - may a queue be the dead-letter queue of another? It must exist, be of the same type, and allow it; see sqs.h. */
#include <stdio.h>

#include "gateway/sqs.h"
#include "common/sqs_policy.h"

static struct slice policy_of(const struct value *in)
{
    struct value given = value_map_get(in, slice_text("Attributes"));
    struct value policy =
        given.type == VALUE_M ? value_map_get(&given, slice_text("RedrivePolicy")) : (struct value){.type = VALUE_NONE};
    return policy.type == VALUE_S ? policy.bytes : slice_text("");
}

static void on_target(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct value in = sqs_in(p);
    struct sqs_place place = sqs_place_of(g, p);
    struct queue_description d;
    struct sqs_error e;
    if (response->result == QUEUE_NO_QUEUE)
        sqs_fail_value(&e, policy_of(&in), "RedrivePolicy", "Dead letter target does not exist.");
    else if (response->result != QUEUE_OK || queue_read_description(response, &d) != 0)
        sqs_fail_result(&e, response->result, sqs_queue_of(p), p->sqs.json);
    else if (sqs_dead_letter_check(policy_of(&in), sqs_queue_of(p), &place, &d, &e) == 0) {
        p->sqs.next(g, p);
        return;
    }
    sqs_finish_error(g, p, &e);
}

void sqs_with_dead_letter(struct gateway *g, struct pending_request *p, sqs_next *next)
{
    struct value in = sqs_in(p);
    struct slice region, name, policy = policy_of(&in);
    struct sqs_redrive redrive;
    struct sqs_error e;
    struct buf path = {0};
    if (policy.len == 0) {
        next(g, p);
    } else if (sqs_redrive_read(policy, &redrive) != 0 || sqs_read_arn(slice_text(redrive.arn), &region, &name) != 0) {
        sqs_fail_redrive(&e, policy);
        sqs_finish_error(g, p, &e);
    } else {
        p->sqs.step = on_target;
        p->sqs.next = next;
        sqs_put_path(&path, region, name);
        sqs_ask_path(g, p->jobs[0], buf_slice(&path), &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE});
    }
    buf_finish(&path);
}
