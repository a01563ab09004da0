/* queue_look.c - leat queue peek|find: messages as they lie there, without receiving them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/queue.h"
#include "cli/queue_rates.h"
#include "common/clock.h"
#include "common/mp.h"
#include "common/queues_view.h"
#include "common/sqs_message.h"

#define PEEK_PRESET 10
#define BODY_BYTES (256u * 1024u) /* longer ones are left out: a look is one answer */
#define SHOWN_BYTES 200           /* of a body on a line */

static const char *const states[QUEUE_MESSAGE_STATES] = {"ready", "inflight", "delayed"};

/* The start of a body on one line: what is no printable character becomes a blank. */
static void print_body(struct slice body)
{
    size_t len = body.len < SHOWN_BYTES ? body.len : SHOWN_BYTES;
    while (len < body.len && len > 0 && (body.ptr[len] & 0xc0) == 0x80) /* not inside a character */
        len--;
    for (size_t i = 0; i < len; i++)
        putchar(body.ptr[i] < 0x20 || body.ptr[i] == 0x7f ? ' ' : body.ptr[i]);
    if (len < body.len)
        printf("... (%zu bytes)", body.len);
}

static void print_field(const char *name, struct slice text)
{
    if (text.len > 0)
        printf(" %s=%.*s", name, (int)text.len, (const char *)text.ptr);
}

static void print_seen(struct queue_command *c, const struct queue_seen *seen, bool named)
{
    char id[ID_TEXT_BYTES], age[24];
    int64_t now = clock_wall_ms();
    struct envelope e = {.body = slice_text("")};
    struct buf made = {0};
    id_format(&seen->id, id);
    printf("%s %-8s", id, states[seen->state]);
    if (named)
        print_field("queue", queue_shown(c, seen->queue));
    printf(" received=%" PRIu32 " age=%s", seen->receive_count,
           queue_age_text(now > seen->sent_ms ? now - seen->sent_ms : 0, age));
    if (seen->due_ms > now)
        printf(" visible-in=%s", queue_age_text(seen->due_ms - now, age));
    if (seen->priority > 0)
        printf(" priority=%" PRIu32, seen->priority);
    if (seen->body.len > 0)
        sqs_body_read(seen->body, seen->reason, &made, &e);
    print_field("group", e.group_id);
    print_field("from", queue_shown(c, seen->source));
    if (seen->reason.len > 0)
        printf(" reason=\"%.*s\"", (int)seen->reason.len, (const char *)seen->reason.ptr);
    putchar(' ');
    if (seen->body.len > 0)
        print_body(e.body);
    else
        printf("(%" PRIu32 " bytes)", seen->body_len);
    putchar('\n');
    buf_finish(&made);
}

/* -- peek -------------------------------------------------------------------------------------------------------------------- */
struct peeking {
    struct queue_command *c;
    struct slice source; /* only its dead; empty: all */
    uint32_t left, shown;
    struct buf json;
};

static int show(struct peeking *p, const struct queue_response *response)
{
    struct queue_walk walk;
    struct queue_seen seen;
    if (queue_walk_seen(response, &walk) != 0)
        return queue_damaged();
    while (p->left > 0 && queue_next_seen(&walk, &seen)) {
        if (p->source.len > 0 && !slice_equal(p->source, seen.source))
            continue;
        if (p->c->s->json)
            queues_view_message(&p->json, &seen);
        else
            print_seen(p->c, &seen, false);
        p->left--;
        p->shown++;
    }
    return walk.reader.failed ? queue_damaged() : 0;
}

static int peek_state(struct peeking *p, struct slice path, enum queue_message_state state)
{
    struct queue_request request = {
        .verb = QUEUE_VERB_PEEK,
        .peek = {.state = state, .max = p->source.len > 0 ? LIMIT_PEEK : p->left, .body_bytes = BODY_BYTES}};
    struct queue_response response;
    int status = p->left > 0 ? queue_ask_ok(p->c, path, &request, &response) : 0;
    return status != 0 || p->left == 0 ? status : show(p, &response);
}

/* The dead of a queue are in its dead-letter queue, beside those of others. */
static int peek_dead(struct peeking *p, struct slice path)
{
    char target[LIMIT_QUEUE_PATH_BYTES];
    struct queue_request request = {.verb = QUEUE_VERB_DESCRIBE};
    struct queue_response response;
    struct queue_description d;
    int status = queue_ask_ok(p->c, path, &request, &response);
    if (status != 0)
        return status;
    if (queue_read_description(&response, &d) != 0)
        return queue_damaged();
    struct slice dead = d.attributes.dead_letter;
    if (dead.len == 0)
        return queue_fail(QUEUE_REFUSED, "%.*s has no dead-letter queue", (int)path.len, (const char *)path.ptr);
    memcpy(target, dead.ptr, dead.len);
    p->source = path;
    return peek_state(p, slice_of(target, dead.len), QUEUE_READY);
}

static int peek(struct peeking *p, struct slice path, const char *state)
{
    int status = 0;
    bool known = !state;
    if (state && strcmp(state, "dead") == 0)
        return peek_dead(p, path);
    for (int i = 0; i < QUEUE_MESSAGE_STATES; i++)
        known = known || strcmp(state, states[i]) == 0;
    if (!known)
        return queue_fail(QUEUE_USAGE, "--state is ready, inflight, delayed or dead");
    for (int i = 0; i < QUEUE_MESSAGE_STATES && status == 0; i++)
        if (!state || strcmp(state, states[i]) == 0)
            status = peek_state(p, path, (enum queue_message_state)i);
    return status;
}

int queue_peek(struct queue_command *c)
{
    struct peeking p = {.c = c, .left = c->s->max > 0 ? (uint32_t)c->s->max : PEEK_PRESET};
    struct queue_name queue;
    size_t mark = mp_open(&p.json);
    int status = queue_name_read(c, c->operand_count > 0 ? c->operands[0] : "leat-jobs", &queue);
    if (status == 0 && c->s->max > (int64_t)LIMIT_PEEK)
        status = queue_fail(QUEUE_USAGE, "peek shows %u messages at most", LIMIT_PEEK);
    if (status == 0)
        status = peek(&p, buf_slice(&queue.path), c->s->state);
    mp_close_array(&p.json, mark, p.shown);
    if (status == 0 && c->s->json)
        status = queue_print_json(&p.json);
    else if (status == 0 && p.shown == 0)
        printf("no messages\n");
    buf_finish(&p.json);
    queue_name_finish(&queue);
    return status;
}

/* -- find -------------------------------------------------------------------------------------------------------------------- */
int queue_find(struct queue_command *c)
{
    struct queue_request request = {.verb = QUEUE_VERB_FIND};
    struct queue_response response;
    struct queue_seen seen;
    struct buf json = {0};
    if (id_parse(c->operands[0], strlen(c->operands[0]), &request.token) != 0)
        return queue_fail(QUEUE_USAGE, "\"%.60s\" is no id of a message", c->operands[0]);
    int status = queue_ask(c, slice_text(""), &request, &response);
    if (status != 0)
        return status;
    if (response.result != QUEUE_OK)
        return queue_fail(QUEUE_REFUSED, "%s: %s", c->operands[0], queue_result_text(response.result));
    if (queue_read_seen(&response, &seen) != 0)
        return queue_damaged();
    if (c->s->json) {
        queues_view_message(&json, &seen);
        status = queue_print_json(&json);
    } else {
        print_seen(c, &seen, true);
    }
    buf_finish(&json);
    return status;
}
