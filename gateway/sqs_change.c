/* sqs_change.c - SQS's actions that change what a queue is: attributes, tags, permissions. Each reads the queue's definition, makes a new document of
 * it, and writes that back if nobody was faster; else again. */
#include <stdlib.h>
#include <string.h>

#include "common/mp.h"
#include "gateway/sqs.h"
#include "common/sqs_message.h"
#include "common/sqs_policy.h"

#define TRIES 8

/* Appends the new document. 0, or -1 with the error. */
typedef int make_document(struct gateway *g, const struct pending_request *p, const struct queue_description *d,
                          struct buf *out, struct sqs_error *e);

static make_document make_attributes, make_tagged, make_untagged, make_permitted, make_unpermitted;

static make_document *maker_of(const struct sqs_action *action)
{
    static const struct {
        sqs_serve *serve;
        make_document *make;
    } makers[] = {{sqs_set_queue_attributes, make_attributes},
                  {sqs_tag_queue, make_tagged},
                  {sqs_untag_queue, make_untagged},
                  {sqs_add_permission, make_permitted},
                  {sqs_remove_permission, make_unpermitted}};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        if (makers[i].serve == action->serve)
            return makers[i].make;
    abort(); /* only those actions come here */
}

static struct value member_of(const struct value *in, const char *name) { return value_map_get(in, slice_text(name)); }
static struct value none(void) { return (struct value){.type = VALUE_NONE}; }

static void on_described(struct gateway *g, struct pending_job *job, const struct queue_response *response);

static void describe(struct gateway *g, struct pending_request *p)
{
    p->sqs.step = on_described;
    sqs_ask(g, p->jobs[0], sqs_queue_of(p), &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE});
}

static void on_changed(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    if (response->result == QUEUE_CONFLICT && ++p->sqs.tries < TRIES)
        describe(g, p);
    else if (response->result == QUEUE_OK)
        sqs_finish(g, p, slice_text(""));
    else
        sqs_finish_result(g, p, response->result);
}

/* What the broker is told of a queue with this document; of leat's own queues only whether it is paused. path holds what it points to. */
static int settings_of(const struct gateway *g, const struct pending_request *p, const struct queue_description *d,
                       struct slice document, struct queue_attributes *a, struct buf *path, struct sqs_error *e)
{
    struct sqs_place place = sqs_place_of(g, p);
    struct value made = value_of(document);
    if (document.len > LIMIT_QUEUE_DOCUMENT_BYTES)
        return sqs_fail(e, SQS_ATTRIBUTE_VALUE, "The queue's policy and tags are too large together.");
    if (sqs_attributes_apply(&made, sqs_queue_of(p), &place, a, path, e) != 0)
        return -1;
    if (sqs_queue_is_own(sqs_queue_of(p))) {
        bool paused = a->paused;
        *a = d->attributes;
        a->paused = paused;
    }
    return 0;
}

static void write_back(struct gateway *g, struct pending_job *job, const struct queue_description *d, struct slice document)
{
    struct pending_request *p = job->request;
    struct queue_request request = {.verb = QUEUE_VERB_CHANGE};
    struct sqs_error e;
    struct buf path = {0};
    request.define.version = d->version;
    request.define.document = document;
    if (settings_of(g, p, d, document, &request.define.attributes, &path, &e) != 0) {
        sqs_finish_error(g, p, &e);
    } else {
        p->sqs.step = on_changed;
        sqs_ask(g, job, sqs_queue_of(p), &request);
    }
    buf_finish(&path);
}

static void on_described(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct queue_description d;
    struct sqs_error e;
    struct buf document = {0};
    if (response->result != QUEUE_OK || queue_read_description(response, &d) != 0)
        sqs_finish_result(g, p, response->result);
    else if (maker_of(p->sqs.action)(g, p, &d, &document, &e) != 0)
        sqs_finish_error(g, p, &e);
    else
        write_back(g, job, &d, buf_slice(&document));
    buf_finish(&document);
}

static int begin(struct sqs_request *q)
{
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_described);
    if (p)
        sqs_with_dead_letter(q->g, p, describe);
    return 0;
}

/* -- Attributes ---------------------------------------------------------------------------------------------------------- */
static int make_attributes(struct gateway *g, const struct pending_request *p, const struct queue_description *d,
                           struct buf *out, struct sqs_error *e)
{
    struct value in = sqs_in(p), given = member_of(&in, "Attributes"), old = value_of(d->document), tags = none();
    (void)g;
    if (sqs_queue_is_own(sqs_queue_of(p)) && sqs_attributes_not_own(&given).len > 0)
        return sqs_fail_result(e, QUEUE_BUILT_IN, sqs_queue_of(p), p->sqs.json);
    sqs_document_put(out, &old, &given, &tags);
    return 0;
}

int sqs_set_queue_attributes(struct sqs_request *q)
{
    struct value given = member_of(&q->in, "Attributes");
    if (sqs_need_queue(q) != 0)
        return -1;
    if (given.type != VALUE_M)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter Attributes.");
    return sqs_attributes_check(&given, q->queue, false, &q->e) != 0 ? -1 : begin(q);
}

/* -- Tags ---------------------------------------------------------------------------------------------------------------- */
static bool list_has(const struct value *list, struct slice text)
{
    struct value one;
    struct value_walk walk = value_walk_of(list);
    while (list->type == VALUE_L && value_walk_next(&walk, NULL, &one))
        if (one.type == VALUE_S && slice_equal(one.bytes, text))
            return true;
    return false;
}

/* The old tags without those that are named or given anew, and the given ones. */
static uint32_t put_tags(struct buf *out, const struct value *old, const struct value *given, const struct value *without)
{
    struct slice key;
    struct value value;
    uint32_t count = 0;
    size_t mark = mp_open(out);
    struct value_walk walk = value_walk_of(old);
    while (old->type == VALUE_M && value_walk_next(&walk, &key, &value)) {
        if ((given->type == VALUE_M && value_map_get(given, key).type != VALUE_NONE) || list_has(without, key))
            continue;
        mp_put_slice(out, key);
        mp_put_raw(out, value.encoded);
        count++;
    }
    walk = value_walk_of(given);
    while (given->type == VALUE_M && value_walk_next(&walk, &key, &value)) {
        mp_put_slice(out, key);
        mp_put_raw(out, value.encoded);
        count++;
    }
    mp_close_map(out, mark, count);
    return count;
}

static int change_tags(const struct queue_description *d, const struct value *given, const struct value *without,
                       struct buf *out, struct sqs_error *e)
{
    struct value old = value_of(d->document), nothing = none();
    struct value old_tags = old.type == VALUE_M ? member_of(&old, "tags") : nothing;
    struct buf tags = {0};
    uint32_t count = put_tags(&tags, &old_tags, given, without);
    struct value made = value_of(buf_slice(&tags));
    if (count <= LIMIT_TAGS)
        sqs_document_put(out, &old, &nothing, &made);
    buf_finish(&tags);
    return count <= LIMIT_TAGS ? 0 : sqs_fail(e, SQS_PARAMETER, "Too many tags added for queue: at most %u.", LIMIT_TAGS);
}

static int make_tagged(struct gateway *g, const struct pending_request *p, const struct queue_description *d, struct buf *out,
                       struct sqs_error *e)
{
    struct value in = sqs_in(p), given = member_of(&in, "Tags"), nothing = none();
    (void)g;
    return change_tags(d, &given, &nothing, out, e);
}

static int make_untagged(struct gateway *g, const struct pending_request *p, const struct queue_description *d, struct buf *out,
                         struct sqs_error *e)
{
    struct value in = sqs_in(p), keys = member_of(&in, "TagKeys"), nothing = none();
    (void)g;
    return change_tags(d, &nothing, &keys, out, e);
}

int sqs_tag_queue(struct sqs_request *q)
{
    struct value tags = member_of(&q->in, "Tags");
    return sqs_need_queue(q) != 0 || sqs_tags_check(&tags, &q->e) != 0 ? -1 : begin(q);
}

int sqs_untag_queue(struct sqs_request *q)
{
    struct value keys = member_of(&q->in, "TagKeys");
    if (sqs_need_queue(q) != 0)
        return -1;
    if (keys.type != VALUE_L || keys.count == 0)
        return sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter TagKeys.");
    return begin(q);
}

/* -- Permissions --------------------------------------------------------------------------------------------------------- */
static int change_policy(struct gateway *g, const struct pending_request *p, const struct queue_description *d, bool add,
                         struct buf *out, struct sqs_error *e)
{
    struct value in = sqs_in(p), old = value_of(d->document), tags = none();
    struct sqs_place place = sqs_place_of(g, p);
    struct buf policy = {0}, given = {0};
    struct slice text = sqs_attribute_text(&old, "Policy", true);
    int result = sqs_policy_change(g->json, text, &in, add, &place, sqs_queue_of(p), &policy, e);
    if (result == 0) {
        mp_put_map(&given, 1);
        mp_put_text(&given, "Policy");
        mp_put_str(&given, (const char *)policy.data, policy.len);
        struct value changed = value_of(buf_slice(&given));
        sqs_document_put(out, &old, &changed, &tags);
    }
    buf_finish(&policy);
    buf_finish(&given);
    return result;
}

static int make_permitted(struct gateway *g, const struct pending_request *p, const struct queue_description *d,
                          struct buf *out, struct sqs_error *e)
{
    return change_policy(g, p, d, true, out, e);
}

static int make_unpermitted(struct gateway *g, const struct pending_request *p, const struct queue_description *d,
                            struct buf *out, struct sqs_error *e)
{
    return change_policy(g, p, d, false, out, e);
}

int sqs_add_permission(struct sqs_request *q)
{
    return sqs_need_queue(q) != 0 || sqs_permission_check(&q->in, &q->e) != 0 ? -1 : begin(q);
}

int sqs_remove_permission(struct sqs_request *q)
{
    struct slice label;
    if (sqs_need_queue(q) != 0 || sqs_text(&q->in, "Label", &label, &q->e) != 0)
        return -1;
    return label.len > 0 ? begin(q) : sqs_fail(&q->e, SQS_MISSING, "The request must contain the parameter Label.");
}
