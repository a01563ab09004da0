/* queue_define.c - leat queue create|attrs|pause|resume|rm: what a queue is. Attributes have SQS's names; common/sqs_attributes.h knows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/queue.h"
#include "common/clock.h"
#include "common/mp.h"
#include "common/queues_view.h"
#include "common/sqs_policy.h"

#define TRIES 8

static const struct value none = {.type = VALUE_NONE};

static int fail_sqs(const struct sqs_error *e) { return queue_fail(QUEUE_USAGE, "%s", e->text); }

/* -- Words ----------------------------------------------------------------------------------------------------------------- */
/* NAME[:N] as a RedrivePolicy. */
static int put_dead_letter(const struct queue_command *c, struct buf *given)
{
    char word[LIMIT_QUEUE_PATH_BYTES + 1];
    const char *colon = strrchr(c->s->dead_letter, ':');
    size_t len = colon ? (size_t)(colon - c->s->dead_letter) : strlen(c->s->dead_letter);
    struct queue_name target;
    struct buf policy = {0};
    snprintf(word, sizeof word, "%.*s", (int)len, c->s->dead_letter);
    int status = queue_name_read(c, word, &target);
    if (status == 0) {
        buf_text(&policy, "{\"deadLetterTargetArn\":\"");
        sqs_put_arn(&policy, &target.place, target.name);
        buf_printf(&policy, "\",\"maxReceiveCount\":\"%s\"}", colon ? colon + 1 : "5");
        mp_put_text(given, "RedrivePolicy");
        mp_put_str(given, (const char *)policy.data, policy.len);
    }
    buf_finish(&policy);
    queue_name_finish(&target);
    return status;
}

/* An M of the words KEY=VALUE and of the flags. Words without a sign are left: `names` counts them. */
static int put_given(const struct queue_command *c, struct slice queue, bool creating, struct buf *given, int *names)
{
    size_t mark = mp_open(given);
    uint32_t count = 0;
    bool said = false;
    int status = 0;
    *names = 0;
    for (int i = 1; i < c->operand_count; i++) {
        const char *word = c->operands[i], *sign = strchr(word, '=');
        if (!sign) {
            ++*names;
            continue;
        }
        said = said || strncmp(word, "FifoQueue=", 10) == 0;
        mp_put_str(given, word, (size_t)(sign - word));
        mp_put_text(given, sign + 1);
        count++;
    }
    if (creating && !said && sqs_queue_is_fifo(queue)) {
        mp_put_text(given, "FifoQueue");
        mp_put_text(given, "true");
        count++;
    }
    if (c->s->dead_letter && (status = put_dead_letter(c, given)) == 0)
        count++;
    mp_close_map(given, mark, count);
    if (status == 0 && (buf_failed(given) || !mp_valid(buf_slice(given), LIMIT_MSGPACK_DEPTH)))
        status = queue_fail(QUEUE_USAGE, "attributes must be UTF-8 text");
    return status;
}

static int check_twice(const struct value *given)
{
    struct slice name;
    struct value value;
    uint32_t at = 0;
    for (struct value_walk walk = value_walk_of(given); value_walk_next(&walk, &name, &value); at++)
        if (value_map_get(given, name).encoded.ptr != value.encoded.ptr)
            return queue_fail(QUEUE_USAGE, "%.*s is given twice", (int)name.len, (const char *)name.ptr);
    return 0;
}

/* -- Definitions ------------------------------------------------------------------------------------------------------------- */
/* The dead-letter queue that is named must be there, of the same type, and allow it. */
static int check_dead_letter(struct queue_command *c, const struct queue_name *queue, const struct value *given)
{
    struct value policy = value_map_get(given, slice_text("RedrivePolicy"));
    struct queue_request request = {.verb = QUEUE_VERB_DESCRIBE};
    struct queue_response response;
    struct queue_description d;
    struct sqs_redrive redrive;
    struct slice region, name;
    struct sqs_error e;
    struct buf path = {0};
    if (policy.type != VALUE_S || policy.bytes.len == 0)
        return 0;
    if (sqs_redrive_read(policy.bytes, &redrive) != 0 || sqs_read_arn(slice_text(redrive.arn), &region, &name) != 0) {
        sqs_fail_redrive(&e, policy.bytes);
        return fail_sqs(&e);
    }
    sqs_put_path(&path, region, name);
    int status = queue_ask(c, buf_slice(&path), &request, &response);
    if (status == 0 && response.result == QUEUE_NO_QUEUE)
        status =
            queue_fail(QUEUE_REFUSED, "the dead-letter queue does not exist: %.*s", (int)path.len, (const char *)path.data);
    else if (status == 0 && response.result != QUEUE_OK)
        status = queue_fail_result(c, buf_slice(&path), response.result);
    else if (status == 0 && queue_read_description(&response, &d) != 0)
        status = queue_damaged();
    else if (status == 0 && sqs_dead_letter_check(policy.bytes, queue->name, &queue->place, &d, &e) != 0)
        status = queue_fail(QUEUE_REFUSED, "%s", e.text);
    buf_finish(&path);
    return status;
}

/* Makes the request that gives the queue these attributes. document and path hold what it points to. */
static int define(const struct queue_name *queue, const struct value *old, const struct value *given,
                  struct queue_request *request, struct buf *document, struct buf *path)
{
    struct sqs_error e;
    buf_reset(document);
    sqs_document_put(document, old, given, &none);
    struct value made = value_of(buf_slice(document));
    if (buf_failed(document))
        return queue_fail(QUEUE_BROKEN, "out of memory");
    if (sqs_attributes_apply(&made, queue->name, &queue->place, &request->define.attributes, path, &e) != 0)
        return fail_sqs(&e);
    if (document->len > LIMIT_QUEUE_DOCUMENT_BYTES)
        return queue_fail(QUEUE_REFUSED, "the queue's policy and tags are too large together");
    request->define.document = buf_slice(document);
    return 0;
}

static int print_description(struct queue_command *c, const struct queue_description *d, const char *what)
{
    struct slice shown = queue_shown(c, d->name);
    struct buf view = {0};
    int status = 0;
    queues_view_queue(&view, d);
    if (c->s->json)
        status = queue_print_json(&view);
    else
        printf("%s %.*s\n", what, (int)shown.len, (const char *)shown.ptr);
    buf_finish(&view);
    return status;
}

/* -- create ------------------------------------------------------------------------------------------------------------------ */
static int on_created(struct queue_command *c, const struct queue_name *queue, const struct value *given,
                      const struct queue_response *response)
{
    struct queue_description d;
    if (response->result != QUEUE_OK && response->result != QUEUE_EXISTS)
        return queue_fail_result(c, buf_slice(&queue->path), response->result);
    if (queue_read_description(response, &d) != 0)
        return queue_damaged();
    if (response->result == QUEUE_OK)
        return print_description(c, &d, "created");
    struct value document = value_of(d.document);
    struct slice differs = sqs_attributes_differ(&document, given, d.attributes.kind == QUEUE_FIFO);
    if (differs.len > 0)
        return queue_fail(QUEUE_REFUSED, "%.*s exists, with another %.*s; 'leat queue attrs' changes it", (int)queue->name.len,
                          (const char *)queue->name.ptr, (int)differs.len, (const char *)differs.ptr);
    return print_description(c, &d, "exists already:");
}

static int create(struct queue_command *c, const struct queue_name *queue, const struct value *given)
{
    struct queue_request request = {.verb = QUEUE_VERB_CREATE};
    struct queue_response response;
    struct buf document = {0}, path = {0};
    int status = check_dead_letter(c, queue, given);
    if (status == 0)
        status = define(queue, &none, given, &request, &document, &path);
    if (status == 0)
        status = queue_ask(c, buf_slice(&queue->path), &request, &response);
    if (status == 0)
        status = on_created(c, queue, given, &response);
    buf_finish(&document);
    buf_finish(&path);
    return status;
}

static int check_given(const struct value *given, const struct queue_name *queue, bool creating)
{
    struct sqs_error e;
    int status = check_twice(given);
    return status != 0 ? status : sqs_attributes_check(given, queue->name, creating, &e) != 0 ? fail_sqs(&e) : 0;
}

int queue_create(struct queue_command *c)
{
    struct queue_name queue;
    struct buf given = {0};
    int names, status = queue_name_read(c, c->operands[0], &queue);
    if (status == 0 && c->s->fifo && !sqs_queue_is_fifo(queue.name))
        status = queue_fail(QUEUE_USAGE, "the name of a FIFO queue ends in .fifo: %s.fifo", c->operands[0]);
    if (status == 0)
        status = put_given(c, queue.name, true, &given, &names);
    if (status == 0 && names > 0)
        status = queue_fail(QUEUE_USAGE, "attributes are given as KEY=VALUE");
    if (status == 0) {
        struct value value = value_of(buf_slice(&given));
        status = check_given(&value, &queue, true);
        if (status == 0)
            status = create(c, &queue, &value);
    }
    buf_finish(&given);
    queue_name_finish(&queue);
    return status;
}

/* -- Changes ----------------------------------------------------------------------------------------------------------------- */
/* Fills the CHANGE from the definition as it is; what it points to is in the two buffers. 0 or the status. */
typedef int make_change(void *self, const struct queue_description *d, struct queue_request *request, struct buf *document,
                        struct buf *path);

/* Reads the definition, changes it and writes it back; again if others were faster. The new one is in c->answer. */
static int change(struct queue_command *c, struct slice path, make_change *make, void *self, struct queue_description *d)
{
    struct queue_response response = {.result = QUEUE_CONFLICT};
    struct buf document = {0}, scratch = {0};
    int status = 0;
    for (int i = 0; i < TRIES && status == 0 && response.result == QUEUE_CONFLICT; i++) {
        struct queue_request describe = {.verb = QUEUE_VERB_DESCRIBE}, request = {.verb = QUEUE_VERB_CHANGE};
        status = queue_ask_ok(c, path, &describe, &response);
        if (status == 0 && queue_read_description(&response, d) != 0)
            status = queue_damaged();
        if (status == 0) {
            request.define.version = d->version;
            status = make(self, d, &request, &document, &scratch);
        }
        if (status == 0)
            status = queue_ask(c, path, &request, &response);
    }
    if (status == 0 && response.result != QUEUE_OK)
        status = queue_fail_result(c, path, response.result);
    else if (status == 0 && queue_read_description(&response, d) != 0)
        status = queue_damaged();
    buf_finish(&document);
    buf_finish(&scratch);
    return status;
}

static int make_paused(void *self, const struct queue_description *d, struct queue_request *request, struct buf *document,
                       struct buf *path)
{
    (void)path;
    sqs_define_paused(d, *(const bool *)self, document, request);
    return buf_failed(document) ? queue_fail(QUEUE_BROKEN, "out of memory") : 0;
}

static int set_paused(struct queue_command *c, bool paused)
{
    struct queue_name queue;
    struct queue_description d;
    int status = queue_name_read(c, c->operands[0], &queue);
    if (status == 0)
        status = change(c, buf_slice(&queue.path), make_paused, &paused, &d);
    if (status == 0)
        status = print_description(c, &d, paused ? "paused" : "resumed");
    queue_name_finish(&queue);
    return status;
}

int queue_pause(struct queue_command *c) { return set_paused(c, true); }
int queue_resume(struct queue_command *c) { return set_paused(c, false); }

/* -- attrs ------------------------------------------------------------------------------------------------------------------- */
struct wanted {
    const struct queue_name *queue;
    const struct value *given;
};

static int make_attributes(void *self, const struct queue_description *d, struct queue_request *request, struct buf *document,
                           struct buf *path)
{
    const struct wanted *w = self;
    struct value old = value_of(d->document);
    if (d->document.len == 0)
        return queue_fail(QUEUE_REFUSED, "%s", queue_result_text(QUEUE_BUILT_IN));
    return define(w->queue, &old, w->given, request, document, path);
}

static int change_attributes(struct queue_command *c, const struct queue_name *queue, const struct value *given)
{
    struct wanted wanted = {queue, given};
    struct queue_description d;
    int status = check_given(given, queue, false);
    if (status == 0)
        status = check_dead_letter(c, queue, given);
    if (status == 0)
        status = change(c, buf_slice(&queue->path), make_attributes, &wanted, &d);
    return status != 0 ? status : print_description(c, &d, "changed");
}

/* The words without a sign; all if there are none. */
static int put_names(const struct queue_command *c, struct buf *names)
{
    bool all = c->operand_count == 1;
    mp_put_array(names, all ? 1 : (uint32_t)c->operand_count - 1);
    if (all)
        mp_put_text(names, "All");
    for (int i = 1; i < c->operand_count; i++) {
        if (!sqs_attribute_known(slice_text(c->operands[i])))
            return queue_fail(QUEUE_USAGE, "Unknown Attribute %s.", c->operands[i]);
        mp_put_text(names, c->operands[i]);
    }
    return 0;
}

static void print_attributes(const struct value *map)
{
    struct slice name;
    struct value value;
    for (struct value_walk walk = value_walk_of(map); value_walk_next(&walk, &name, &value);)
        printf("%.*s=%.*s\n", (int)name.len, (const char *)name.ptr, (int)value.bytes.len, (const char *)value.bytes.ptr);
}

static int show_attributes(struct queue_command *c, const struct queue_name *queue)
{
    struct queue_request request = {.verb = QUEUE_VERB_DESCRIBE};
    struct queue_response response;
    struct queue_description d;
    struct buf names = {0}, answer = {0};
    int status = put_names(c, &names);
    if (status == 0)
        status = queue_ask_ok(c, buf_slice(&queue->path), &request, &response);
    if (status == 0 && queue_read_description(&response, &d) != 0)
        status = queue_damaged();
    if (status == 0) {
        struct value wanted = value_of(buf_slice(&names));
        sqs_attributes_answer(&answer, &d, &wanted, &queue->place);
        struct value map = value_of(buf_slice(&answer));
        if (c->s->json)
            status = queue_print_json(&answer);
        else
            print_attributes(&map);
    }
    buf_finish(&names);
    buf_finish(&answer);
    return status;
}

int queue_attrs(struct queue_command *c)
{
    struct queue_name queue;
    struct buf given = {0};
    int names = 0, status = queue_name_read(c, c->operands[0], &queue);
    if (status == 0)
        status = put_given(c, queue.name, false, &given, &names);
    struct value value = value_of(buf_slice(&given));
    if (status == 0 && value.count > 0 && names > 0)
        status = queue_fail(QUEUE_USAGE, "either KEY, to show, or KEY=VALUE, to change");
    else if (status == 0)
        status = value.count > 0 ? change_attributes(c, &queue, &value) : show_attributes(c, &queue);
    buf_finish(&given);
    queue_name_finish(&queue);
    return status;
}

/* -- rm ---------------------------------------------------------------------------------------------------------------------- */
int queue_remove(struct queue_command *c)
{
    struct queue_name queue;
    struct queue_request request = {.verb = QUEUE_VERB_REMOVE, .token = id_make(&c->ids, clock_wall_ms(), 0)};
    struct queue_response response;
    int status = queue_name_read(c, c->operands[0], &queue);
    if (status == 0)
        status = queue_ask_ok(c, buf_slice(&queue.path), &request, &response);
    if (status == 0 && c->s->json)
        printf("{}\n");
    else if (status == 0)
        printf("removed %s\n", c->operands[0]);
    queue_name_finish(&queue);
    return status;
}
