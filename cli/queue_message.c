/* queue_message.c - see queue_message.h. */
#include "cli/queue_message.h"

#include <string.h>

#include "common/json.h"
#include "common/mp.h"

static struct slice text_or_none(const char *text) { return text ? slice_text(text) : (struct slice){NULL, 0}; }

/* -- Flags ------------------------------------------------------------------------------------------------------------------- */
static void put_attribute(struct buf *out, struct slice name, struct slice type, struct slice value)
{
    bool binary = type.len >= 6 && memcmp(type.ptr, "Binary", 6) == 0;
    mp_put_slice(out, name);
    mp_put_map(out, 2);
    mp_put_text(out, "DataType");
    mp_put_slice(out, type);
    mp_put_text(out, binary ? "BinaryValue" : "StringValue");
    mp_put_slice(out, value);
}

/* NAME[:TYPE]=VALUE */
static int put_word(struct buf *out, const char *word, struct err *e)
{
    const char *sign = strchr(word, '='), *colon = strchr(word, ':');
    if (!sign || sign == word)
        return err_set(e, ERR_BAD_REQUEST, "--attribute is NAME=VALUE, NAME:Number=VALUE or NAME:Binary=BASE64, not \"%.100s\"",
                       word);
    if (colon > sign)
        colon = NULL;
    struct slice name = slice_of(word, (size_t)((colon ? colon : sign) - word));
    struct slice type = colon ? slice_of(colon + 1, (size_t)(sign - colon - 1)) : slice_text("String");
    put_attribute(out, name, type, slice_text(sign + 1));
    return 0;
}

int queue_message_of_flags(const struct queue_settings *s, struct queue_message *m, struct buf *attributes, struct err *e)
{
    *m = (struct queue_message){.group = text_or_none(s->group),
                                .deduplication = text_or_none(s->deduplication),
                                .attributes = {.type = VALUE_NONE},
                                .delay_ms = s->delay_ms,
                                .priority = (uint32_t)s->priority};
    if (s->attributes.count == 0)
        return 0;
    mp_put_map(attributes, (uint32_t)s->attributes.count);
    for (size_t i = 0; i < s->attributes.count; i++)
        if (put_word(attributes, s->attributes.at[i], e) != 0)
            return -1;
    if (buf_failed(attributes) || !mp_valid(buf_slice(attributes), LIMIT_MSGPACK_DEPTH))
        return err_set(e, ERR_BAD_REQUEST, "attributes must be UTF-8 text");
    m->attributes = value_of(buf_slice(attributes));
    return 0;
}

/* -- A line ------------------------------------------------------------------------------------------------------------------ */
struct line {
    struct queue_message *m;
    struct buf *body, *attributes;
};

static int wrong(struct err *e, const char *name, const char *why)
{
    return err_set(e, ERR_BAD_REQUEST, "\"%s\" must be %s", name, why);
}

static int take_body(struct line *l, const struct value *v, struct err *e)
{
    l->m->body = v->bytes;
    if (v->type == VALUE_S)
        return 0;
    buf_reset(l->body);
    if (json_from_value(v, l->body) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    l->m->body = buf_slice(l->body);
    return 0;
}

static int take_text(struct slice *text, const char *name, const struct value *v, struct err *e)
{
    *text = v->bytes;
    return v->type == VALUE_S ? 0 : wrong(e, name, "a text");
}

static int take_group(struct line *l, const struct value *v, struct err *e) { return take_text(&l->m->group, "groupId", v, e); }

static int take_deduplication(struct line *l, const struct value *v, struct err *e)
{
    return take_text(&l->m->deduplication, "deduplicationId", v, e);
}

static int take_delay(struct line *l, const struct value *v, struct err *e)
{
    int64_t seconds;
    if (v->type != VALUE_N || !value_to_int(v, &seconds) || seconds < 0 || seconds > LIMIT_SCHEDULE_MS / 1000)
        return wrong(e, "delaySeconds", "a whole number of seconds, up to 366 days");
    l->m->delay_ms = seconds * 1000;
    return 0;
}

static int take_priority(struct line *l, const struct value *v, struct err *e)
{
    int64_t priority;
    if (v->type != VALUE_N || !value_to_int(v, &priority) || priority < 0 || priority >= (int64_t)LIMIT_PRIORITIES)
        return wrong(e, "priority", "0 to 3");
    l->m->priority = (uint32_t)priority;
    return 0;
}

/* name -> text, or SQS's structure. */
static int take_attributes(struct line *l, const struct value *v, struct err *e)
{
    struct slice name;
    struct value one;
    if (v->type != VALUE_M)
        return wrong(e, "attributes", "an object");
    buf_reset(l->attributes);
    mp_put_map(l->attributes, v->count);
    for (struct value_walk walk = value_walk_of(v); value_walk_next(&walk, &name, &one);) {
        if (one.type == VALUE_S) {
            put_attribute(l->attributes, name, slice_text("String"), one.bytes);
        } else if (one.type == VALUE_M) {
            mp_put_slice(l->attributes, name);
            mp_put_raw(l->attributes, one.encoded);
        } else {
            return wrong(e, "attributes", "an object of texts, or of {DataType, StringValue or BinaryValue}");
        }
    }
    l->m->attributes = value_of(buf_slice(l->attributes));
    return buf_failed(l->attributes) ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

static int pass_over(struct line *l, const struct value *v, struct err *e)
{
    (void)l, (void)v, (void)e;
    return 0;
}

static int take_member(struct line *l, struct slice name, const struct value *v, struct err *e)
{
    static const struct {
        const char *name;
        int (*take)(struct line *l, const struct value *v, struct err *e);
    } members[] = {
        {"body", take_body},          {"groupId", take_group},     {"deduplicationId", take_deduplication},
        {"delaySeconds", take_delay}, {"priority", take_priority}, {"attributes", take_attributes},
        {"messageId", pass_over},     {"handle", pass_over},       {"sequence", pass_over},
        {"receiveCount", pass_over},  {"sentMs", pass_over},       {"firstReceivedMs", pass_over},
        {"deadLetterOf", pass_over},  {"reason", pass_over},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (slice_equal(name, slice_text(members[i].name)))
            return members[i].take(l, v, e);
    return err_set(e, ERR_BAD_REQUEST, "a message has no member \"%.*s\"", name.len < 100 ? (int)name.len : 100,
                   (const char *)name.ptr);
}

int queue_message_of_value(const struct value *line, struct queue_message *m, struct buf *body, struct buf *attributes,
                           struct err *e)
{
    struct line l = {m, body, attributes};
    struct slice name;
    struct value v;
    if (line->type != VALUE_M)
        return err_set(e, ERR_BAD_REQUEST, "a line must be a JSON object with a \"body\"");
    for (struct value_walk walk = value_walk_of(line); value_walk_next(&walk, &name, &v);)
        if (take_member(&l, name, &v, e) != 0)
            return -1;
    return m->body.ptr ? 0 : err_set(e, ERR_BAD_REQUEST, "\"body\" is missing");
}

/* -- The request ------------------------------------------------------------------------------------------------------------- */
static uint32_t put_text(struct buf *out, const char *name, struct slice text)
{
    if (!text.ptr)
        return 0;
    mp_put_text(out, name);
    mp_put_slice(out, text);
    return 1;
}

/* As SendMessage says it; delay and priority are not in it, since SQS bounds the one and has not the other. */
static void put_in(struct buf *out, const struct queue_message *m)
{
    size_t mark = mp_open(out);
    uint32_t count = put_text(out, "MessageBody", m->body) + put_text(out, "MessageGroupId", m->group) +
                     put_text(out, "MessageDeduplicationId", m->deduplication);
    if (m->attributes.type == VALUE_M) {
        mp_put_text(out, "MessageAttributes");
        mp_put_raw(out, m->attributes.encoded);
        count++;
    }
    mp_close_map(out, mark, count);
}

static int check(const struct queue_message *m, bool fifo, struct err *e)
{
    if (m->body.len == 0)
        return err_set(e, ERR_BAD_REQUEST, "a message is not empty");
    if (!utf8_valid(m->body))
        return err_set(e, ERR_BAD_REQUEST, "a body is UTF-8 text");
    if (fifo && !m->group.ptr)
        return err_set(e, ERR_BAD_REQUEST, "%s", queue_result_text(QUEUE_NO_GROUP));
    if (fifo && (m->delay_ms > 0 || m->priority > 0))
        return err_set(e, ERR_BAD_REQUEST, "messages of a FIFO queue have no delay or priority of their own");
    return 0;
}

static int put_message(const struct value *in, bool fifo, struct buf *envelope, unsigned char key[static SQS_KEY_BYTES],
                       struct queue_send *send, struct err *e)
{
    struct sqs_message message;
    struct sqs_error why;
    int result = 0;
    if (sqs_message_read(in, fifo, &message, &why) != 0) {
        result = err_set(e, ERR_BAD_REQUEST, "%s", why.text);
    } else {
        sqs_message_put(envelope, &message, slice_text(""));
        if (buf_failed(envelope) || sqs_message_send(&message, fifo, buf_slice(envelope), key, send) != 0)
            result = err_set(e, ERR_INTERNAL, "out of memory");
    }
    sqs_message_finish(&message);
    return result;
}

int queue_message_request(const struct queue_message *m, bool fifo, struct buf *envelope,
                          unsigned char key[static SQS_KEY_BYTES], struct queue_send *send, struct err *e)
{
    struct buf in = {0};
    if (check(m, fifo, e) != 0)
        return -1;
    put_in(&in, m);
    struct value value = value_of(buf_slice(&in));
    int result = -1;
    if (buf_failed(&in))
        err_set(e, ERR_INTERNAL, "out of memory");
    else if (value.type != VALUE_M)
        err_set(e, ERR_BAD_REQUEST, "group and ids are UTF-8 text");
    else
        result = put_message(&value, fifo, envelope, key, send, e);
    buf_finish(&in);
    if (result != 0)
        return -1;
    send->delay_ms = m->delay_ms;
    send->priority = m->priority;
    return 0;
}
