/* queue_receive.c - leat queue receive|delete|extend: messages are taken, done, or kept for longer.
 *
 * With --delete a message is deleted when it has been printed and the printing has succeeded: what nobody has seen comes back. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/queue.h"
#include "cli/queue_rates.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include "common/sqs_message.h"

#define HANDLES_MAX LIMIT_RECEIVE_MESSAGES
#define INTERRUPTED 128 /* and the signal's number */

/* Who ends a wait must not leave a receiver behind at the broker: it would be given the next message. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number) { interrupted = number; }

static void listen_to_signals(struct session *session)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; /* a second one ends it at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    session_stop_at(session, &interrupted);
}

/* -- How a message looks ------------------------------------------------------------------------------------------------------ */
static uint32_t put_text(struct buf *out, const char *name, struct slice text)
{
    if (text.len == 0)
        return 0;
    mp_put_text(out, name);
    mp_put_slice(out, text);
    return 1;
}

static uint32_t put_number(struct buf *out, const char *name, int64_t number)
{
    mp_put_text(out, name);
    value_put_int(out, number);
    return 1;
}

/* As SQS has them, so that send --ndjson can send them again as they are. */
static void put_attribute(struct buf *out, const struct envelope_attribute *a)
{
    bool binary = sqs_type_is_binary(a->type);
    struct buf encoded = {0};
    if (binary)
        base64_encode(&encoded, a->value);
    mp_put_slice(out, a->name);
    mp_put_map(out, 2);
    put_text(out, "DataType", a->type);
    put_text(out, binary ? "BinaryValue" : "StringValue", binary ? buf_slice(&encoded) : a->value);
    buf_finish(&encoded);
}

static uint32_t put_attributes(struct buf *out, struct envelope e)
{
    struct envelope_attribute all[SQS_MESSAGE_ATTRIBUTES];
    uint32_t count = 0;
    while (count < SQS_MESSAGE_ATTRIBUTES && envelope_next(&e, &all[count]))
        count++;
    if (count == 0)
        return 0;
    mp_put_text(out, "attributes");
    mp_put_map(out, count);
    for (uint32_t i = 0; i < count; i++)
        put_attribute(out, &all[i]);
    return 1;
}

static int print_json(const struct queue_received *m, const struct envelope *e, struct slice handle)
{
    char id[ID_TEXT_BYTES];
    struct buf out = {0};
    size_t mark = mp_open(&out);
    id_format(&m->id, id);
    uint32_t count = put_text(&out, "messageId", slice_text(id)) + put_text(&out, "body", e->body);
    count += put_text(&out, "groupId", e->group_id) + put_text(&out, "deduplicationId", e->deduplication_id);
    count += put_attributes(&out, *e) + put_number(&out, "sequence", (int64_t)m->seq);
    count += put_number(&out, "receiveCount", m->receive_count) + put_number(&out, "sentMs", m->sent_ms);
    count += put_number(&out, "firstReceivedMs", m->first_received_ms) + put_text(&out, "deadLetterOf", m->source);
    count += put_text(&out, "reason", m->reason) + put_text(&out, "handle", handle);
    mp_close_map(&out, mark, count);
    int status = queue_print_json(&out);
    buf_finish(&out);
    return status;
}

static void print_text(const struct queue_received *m, const struct envelope *e, struct slice handle)
{
    char id[ID_TEXT_BYTES], age[24];
    int64_t age_ms = clock_wall_ms() - m->sent_ms;
    id_format(&m->id, id);
    printf("%s received=%" PRIu32 " age=%s", id, m->receive_count, queue_age_text(age_ms > 0 ? age_ms : 0, age));
    if (e->group_id.len > 0)
        printf(" group=%.*s", (int)e->group_id.len, (const char *)e->group_id.ptr);
    if (m->reason.len > 0)
        printf(" reason=\"%.*s\"", (int)m->reason.len, (const char *)m->reason.ptr);
    if (handle.len > 0)
        printf(" handle=%.*s", (int)handle.len, (const char *)handle.ptr);
    putchar('\n');
}

static void print_body(struct slice body)
{
    fwrite(body.ptr, 1, body.len, stdout);
    putchar('\n');
}

static int print_message(const struct queue_settings *s, const struct queue_received *m)
{
    struct envelope e;
    struct buf made = {0}, handle = {0};
    int status = 0;
    sqs_body_read(m->body, m->reason, &made, &e);
    if (!s->delete) /* a handle of what is deleted is of no use */
        base64_encode(&handle, m->handle);
    if (s->json) {
        status = print_json(m, &e, buf_slice(&handle));
    } else {
        if (!s->bodies)
            print_text(m, &e, buf_slice(&handle));
        print_body(e.body);
    }
    buf_finish(&made);
    buf_finish(&handle);
    return status;
}

/* -- receive ------------------------------------------------------------------------------------------------------------------ */
struct receiving {
    struct queue_command *c;
    struct queue_name queue;
    uint64_t left, printed;
    int64_t until_ms; /* monotonic: end of the wait for the next message */
    int failed;       /* status of a deletion */
    struct queue_request deletes[HANDLES_MAX];
    unsigned char handles[HANDLES_MAX][LIMIT_HANDLE_BYTES];
    size_t delete_count;
};

static void on_deleted(void *self, size_t index, const struct queue_response *response)
{
    struct receiving *r = self;
    (void)index;
    if (response->result != QUEUE_OK)
        r->failed = queue_fail_result(r->c, buf_slice(&r->queue.path), response->result);
}

static int delete_printed(struct receiving *r)
{
    struct err e = {0};
    if (r->delete_count == 0)
        return 0;
    session_stop_at(r->c->session, NULL); /* printed is printed */
    int result = session_ask(r->c->session, r->deletes, r->delete_count, on_deleted, r, &e);
    session_stop_at(r->c->session, &interrupted);
    if (result != 0)
        return queue_fail_session(&e);
    r->delete_count = 0;
    return r->failed;
}

static void note_delete(struct receiving *r, struct slice handle)
{
    struct queue_request *request = &r->deletes[r->delete_count];
    unsigned char *copy = r->handles[r->delete_count++];
    memcpy(copy, handle.ptr, handle.len);
    *request = (struct queue_request){.verb = QUEUE_VERB_DELETE, .queue = buf_slice(&r->queue.path)};
    request->handle.handle = slice_of(copy, handle.len);
}

/* Prints what came. *count: how many. */
static int print_received(struct receiving *r, const struct queue_response *response, uint32_t *count)
{
    struct queue_walk walk;
    struct queue_received m;
    int status = 0;
    *count = 0;
    if (queue_walk_received(response, &walk) != 0)
        return queue_damaged();
    while (status == 0 && *count < HANDLES_MAX && queue_next_received(&walk, &m)) {
        status = print_message(r->c->s, &m);
        if (r->c->s->delete)
            note_delete(r, m.handle);
        ++*count;
    }
    if (status == 0 && walk.reader.failed)
        status = queue_damaged();
    return status != 0 ? status : queue_flushed();
}

/* One RECEIVE. Without --wait the queue's attribute decides on the first. */
static int receive_some(struct receiving *r, uint32_t *count)
{
    const struct queue_settings *s = r->c->s;
    int64_t wait_ms = r->until_ms - clock_mono_ms();
    struct queue_request request = {.verb = QUEUE_VERB_RECEIVE};
    struct queue_response response;
    request.receive.max = r->left < LIMIT_RECEIVE_MESSAGES ? (uint32_t)r->left : LIMIT_RECEIVE_MESSAGES;
    request.receive.visibility_ms = s->visibility_ms;
    request.receive.wait_ms = wait_ms < 0 ? 0 : wait_ms > LIMIT_RECEIVE_WAIT_MS ? LIMIT_RECEIVE_WAIT_MS : wait_ms;
    if (s->wait_s == QUEUE_DEFAULT && r->printed == 0)
        request.receive.wait_ms = QUEUE_DEFAULT;
    int status = interrupted ? QUEUE_REFUSED : queue_ask(r->c, buf_slice(&r->queue.path), &request, &response);
    if (status != 0 && interrupted)
        return INTERRUPTED + (int)interrupted;
    if (status == 0 && response.result == QUEUE_WORKERS_ONLY)
        return queue_fail(QUEUE_REFUSED, "its messages are jobs, for workers alone: 'leat queue peek' looks at them");
    if (status == 0 && response.result != QUEUE_OK)
        return queue_fail_result(r->c, buf_slice(&r->queue.path), response.result);
    if (status == 0)
        status = print_received(r, &response, count);
    return status != 0 ? status : delete_printed(r);
}

static int receive_all(struct receiving *r)
{
    const struct queue_settings *s = r->c->s;
    uint32_t count = 0;
    int status = 0;
    r->until_ms = clock_mono_ms() + (s->wait_s == QUEUE_DEFAULT ? 0 : s->wait_s * 1000);
    while (status == 0 && r->left > 0) {
        status = receive_some(r, &count);
        r->left -= count < r->left ? count : r->left;
        r->printed += count;
        if (count > 0)
            r->until_ms = 0; /* the wait was for the first */
        else if (clock_mono_ms() >= r->until_ms)
            break;
    }
    return status;
}

int queue_receive(struct queue_command *c)
{
    struct receiving r = {.c = c, .left = c->s->max > 0 ? (uint64_t)c->s->max : 1};
    int status = queue_name_read(c, c->operands[0], &r.queue);
    if (status == 0 && c->s->json && c->s->bodies)
        status = queue_fail(QUEUE_USAGE, "either --json or --bodies");
    listen_to_signals(c->session);
    if (status == 0)
        status = receive_all(&r);
    if (status == 0 && r.printed == 0 && !c->s->json && !c->s->bodies)
        printf("no messages\n");
    queue_name_finish(&r.queue);
    return status;
}

/* -- delete, extend ------------------------------------------------------------------------------------------------------------ */
/* Each handle is asked about alone: what is wrong with one is no reason to leave the others. */
static int with_handle(struct queue_command *c, struct slice path, enum queue_verb verb, const char *word)
{
    struct queue_request request = {.verb = verb, .handle = {.visibility_ms = c->s->visibility_ms}};
    struct queue_response response;
    struct buf handle = {0};
    int status;
    if (base64_decode(&handle, slice_text(word)) != 0 || handle.len == 0 || handle.len > LIMIT_HANDLE_BYTES) {
        status = queue_fail(QUEUE_REFUSED, "\"%.100s\": %s", word, queue_result_text(QUEUE_BAD_HANDLE));
    } else {
        request.handle.handle = buf_slice(&handle);
        status = queue_ask(c, path, &request, &response);
        if (status == 0 && response.result == QUEUE_NO_QUEUE)
            status = queue_fail_result(c, path, response.result);
        else if (status == 0 && response.result != QUEUE_OK)
            status = queue_fail(QUEUE_REFUSED, "\"%.100s\": %s", word, queue_result_text(response.result));
    }
    buf_finish(&handle);
    return status;
}

static int with_handles(struct queue_command *c, enum queue_verb verb, const char *done)
{
    struct queue_name queue;
    int well = 0, worst = queue_name_read(c, c->operands[0], &queue);
    bool named = worst == 0;
    for (int i = 1; named && i < c->operand_count; i++) {
        int status = with_handle(c, buf_slice(&queue.path), verb, c->operands[i]);
        well += status == 0;
        worst = status > worst ? status : worst;
    }
    if (named && c->s->json)
        printf("{\"%s\":%d}\n", done, well);
    else if (named)
        printf("%s %d message%s\n", done, well, well == 1 ? "" : "s");
    queue_name_finish(&queue);
    return worst;
}

int queue_delete(struct queue_command *c) { return with_handles(c, QUEUE_VERB_DELETE, "deleted"); }

int queue_extend(struct queue_command *c)
{
    if (c->s->visibility_ms == QUEUE_DEFAULT)
        return queue_fail(QUEUE_USAGE, "for how long? --visibility TIME; 0 makes the message visible");
    return with_handles(c, QUEUE_VERB_VISIBILITY, c->s->visibility_ms > 0 ? "extended" : "released");
}
