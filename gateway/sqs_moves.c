/* sqs_moves.c - message move tasks: dead letters on their way back. A task's handle is its id and its queue's ARN, in base64. */
#include <string.h>

#include "common/mp.h"
#include "gateway/sqs.h"
#include "common/sqs_message.h"

#define LIST_MAX 10

static void put_handle(struct buf *out, const struct id *task, const struct sqs_place *place, struct slice queue)
{
    char text[ID_TEXT_BYTES];
    struct buf plain = {0}, encoded = {0};
    id_format(task, text);
    buf_text(&plain, text);
    buf_byte(&plain, ' ');
    sqs_put_arn(&plain, place, queue);
    base64_encode(&encoded, buf_slice(&plain));
    mp_put_slice(out, buf_slice(&encoded));
    buf_finish(&plain);
    buf_finish(&encoded);
}

/* The queue that an ARN in a member names becomes the request's. */
static int take_source(struct sqs_request *q, struct slice arn)
{
    struct slice region;
    if (sqs_read_arn(arn, &region, &q->queue) != 0)
        return sqs_fail(&q->e, SQS_NO_RESOURCE, "The resource that you specified for the SourceArn parameter doesn't exist.");
    return 0;
}

static void fail(struct gateway *g, struct pending_request *p, enum queue_result result)
{
    struct sqs_error e;
    switch (result) {
    case QUEUE_NO_QUEUE:
        sqs_fail(&e, SQS_NO_RESOURCE, "The resource that you specified for the SourceArn parameter doesn't exist.");
        break;
    case QUEUE_NO_SOURCE:
        sqs_fail(&e, SQS_PARAMETER, "Source queue must be configured as a Dead Letter Queue.");
        break;
    case QUEUE_NO_DESTINATION:
        sqs_fail(&e, SQS_NO_RESOURCE, "The resource that you specified for the DestinationArn parameter doesn't exist.");
        break;
    case QUEUE_OTHER_KIND:
        sqs_fail(&e, SQS_UNSUPPORTED, "Source and destination queues must be of the same type.");
        break;
    case QUEUE_IN_PROGRESS:
        sqs_fail(&e, SQS_UNSUPPORTED,
                 "There is already a task running. Only one active task is allowed for a source queue arn at a given time.");
        break;
    case QUEUE_NO_TASK:
        sqs_fail(&e, SQS_NO_RESOURCE, "Task does not exist.");
        break;
    default:
        sqs_fail_result(&e, result, sqs_queue_of(p), p->sqs.json);
        break;
    }
    sqs_finish_error(g, p, &e);
}

/* -- StartMessageMoveTask -------------------------------------------------------------------------------------------------- */
static void on_started(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct sqs_place place = sqs_place_of(g, p);
    if (response->result != QUEUE_OK) {
        fail(g, p, response->result);
        return;
    }
    buf_reset(&g->value);
    mp_put_map(&g->value, 1);
    mp_put_text(&g->value, "TaskHandle");
    put_handle(&g->value, &job->id, &place, sqs_queue_of(p));
    sqs_finish(g, p, buf_slice(&g->value));
}

static int read_move(struct sqs_request *q, struct queue_request *request, struct buf *destination)
{
    struct slice source, target, region, name;
    int64_t rate;
    bool found;
    if (sqs_text(&q->in, "SourceArn", &source, &q->e) != 0 || sqs_text(&q->in, "DestinationArn", &target, &q->e) != 0 ||
        sqs_integer(&q->in, "MaxNumberOfMessagesPerSecond", &rate, &found, &q->e) != 0)
        return -1;
    if (!source.ptr)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter SourceArn.");
    if (take_source(q, source) != 0)
        return -1;
    if (target.ptr && sqs_read_arn(target, &region, &name) != 0)
        return sqs_fail(&q->e, SQS_NO_RESOURCE,
                        "The resource that you specified for the DestinationArn parameter doesn't exist.");
    if (target.ptr)
        sqs_put_path(destination, region, name);
    if (found && (rate < 1 || rate > LIMIT_MOVE_RATE))
        return sqs_fail(&q->e, SQS_PARAMETER,
                        "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: It must be 1 to %u.",
                        LIMIT_MOVE_RATE);
    request->move.destination = buf_slice(destination);
    request->move.rate = (uint32_t)rate;
    return 0;
}

int sqs_start_move(struct sqs_request *q)
{
    struct queue_request request = {.verb = QUEUE_VERB_MOVE_START};
    struct buf destination = {0};
    int result = read_move(q, &request, &destination);
    struct pending_request *p = result == 0 ? sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_started) : NULL;
    if (p) {
        request.move.task = p->jobs[0]->id = id_make(&q->g->ids, q->g->wall_ms, 0);
        sqs_ask(q->g, p->jobs[0], q->queue, &request);
    }
    buf_finish(&destination);
    return result;
}

/* -- CancelMessageMoveTask ------------------------------------------------------------------------------------------------- */
static void on_cancelled(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    uint64_t moved = 0;
    if (response->result != QUEUE_OK || queue_read_number(response, &moved) != 0) {
        fail(g, p, response->result);
        return;
    }
    buf_reset(&g->value);
    mp_put_map(&g->value, 1);
    mp_put_text(&g->value, "ApproximateNumberOfMessagesMoved");
    value_put_int(&g->value, (int64_t)moved);
    sqs_finish(g, p, buf_slice(&g->value));
}

/* UUID, a blank, ARN. */
static int read_handle(struct sqs_request *q, struct slice handle, struct buf *plain, struct id *task)
{
    size_t uuid = ID_TEXT_BYTES - 1;
    if (base64_decode(plain, handle) == 0 && plain->len > uuid + 1 && plain->data[uuid] == ' ' &&
        id_parse((const char *)plain->data, uuid, task) == 0 &&
        take_source(q, slice_of(plain->data + uuid + 1, plain->len - uuid - 1)) == 0)
        return 0;
    return sqs_fail(&q->e, SQS_PARAMETER, "Value for parameter TaskHandle is invalid.");
}

int sqs_cancel_move(struct sqs_request *q)
{
    struct queue_request request = {.verb = QUEUE_VERB_MOVE_CANCEL};
    struct slice handle;
    struct buf plain = {0};
    if (sqs_text(&q->in, "TaskHandle", &handle, &q->e) != 0)
        return -1;
    if (!handle.ptr)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter TaskHandle.");
    int result = read_handle(q, handle, &plain, &request.token);
    struct pending_request *p = result == 0 ? sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_cancelled) : NULL;
    if (p)
        sqs_ask(q->g, p->jobs[0], sqs_queue_of(p), &request);
    buf_finish(&plain);
    return result;
}

/* -- ListMessageMoveTasks -------------------------------------------------------------------------------------------------- */
static uint32_t put_arn(struct buf *out, const char *member, const struct sqs_place *place, struct slice name)
{
    struct buf arn = {0};
    sqs_put_arn(&arn, place, name);
    mp_put_text(out, member);
    mp_put_slice(out, buf_slice(&arn));
    buf_finish(&arn);
    return 1;
}

static uint32_t put_number(struct buf *out, const char *member, uint64_t number)
{
    mp_put_text(out, member);
    value_put_int(out, (int64_t)number);
    return 1;
}

static void put_move(struct buf *out, const struct queue_move *move, const struct sqs_place *place, struct slice queue)
{
    static const char *const statuses[QUEUE_MOVE_STATUSES] = {"RUNNING", "COMPLETED", "CANCELLED", "FAILED"};
    struct slice region;
    size_t mark = mp_open(out);
    uint32_t count = put_arn(out, "SourceArn", place, queue);
    if (move->status == QUEUE_MOVE_RUNNING) {
        mp_put_text(out, "TaskHandle");
        put_handle(out, &move->task, place, queue);
        count++;
    }
    mp_put_text(out, "Status");
    mp_put_text(out, statuses[move->status]);
    count++;
    if (move->destination.len > 0)
        count += put_arn(out, "DestinationArn", place, sqs_name_of_path(move->destination, &region));
    if (move->rate > 0)
        count += put_number(out, "MaxNumberOfMessagesPerSecond", move->rate);
    count += put_number(out, "ApproximateNumberOfMessagesMoved", move->moved);
    count += put_number(out, "ApproximateNumberOfMessagesToMove", move->total);
    count += put_number(out, "StartedTimestamp", (uint64_t)move->started_ms);
    if (move->reason.len > 0) {
        mp_put_text(out, "FailureReason");
        mp_put_slice(out, move->reason);
        count++;
    }
    mp_close_map(out, mark, count);
}

static void on_listed(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct sqs_place place = sqs_place_of(g, p);
    struct value in = sqs_in(p);
    struct sqs_error e;
    struct queue_walk walk;
    struct queue_move move;
    int64_t most = 1;
    bool found;
    if (response->result != QUEUE_OK || queue_walk_moves(response, &walk) != 0) {
        fail(g, p, response->result);
        return;
    }
    sqs_integer(&in, "MaxResults", &most, &found, &e);
    buf_reset(&g->value);
    mp_put_map(&g->value, 1);
    mp_put_text(&g->value, "Results");
    size_t mark = mp_open(&g->value);
    uint32_t count = 0;
    for (; count < (found ? (uint32_t)most : 1u) && queue_next_move(&walk, &move); count++)
        put_move(&g->value, &move, &place, sqs_queue_of(p));
    mp_close_array(&g->value, mark, count);
    sqs_finish(g, p, buf_slice(&g->value));
}

int sqs_list_moves(struct sqs_request *q)
{
    struct slice source;
    int64_t most;
    bool found;
    if (sqs_text(&q->in, "SourceArn", &source, &q->e) != 0 || sqs_integer(&q->in, "MaxResults", &most, &found, &q->e) != 0)
        return -1;
    if (!source.ptr)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter SourceArn.");
    if (found && (most < 1 || most > LIST_MAX))
        return sqs_fail(&q->e, SQS_PARAMETER, "Value for parameter MaxResults is invalid. Reason: It must be 1 to %d.",
                        LIST_MAX);
    if (take_source(q, source) != 0)
        return -1;
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_listed);
    if (p)
        sqs_ask(q->g, p->jobs[0], q->queue, &(struct queue_request){.verb = QUEUE_VERB_MOVE_LIST});
    return 0;
}
