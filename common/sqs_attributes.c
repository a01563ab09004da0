/* sqs_attributes.c - the table of a queue's attributes: which there are, what they may be, what they mean. See sqs_attributes.h. */
#include "common/sqs_attributes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mp.h"
#include "common/sqs_policy.h"

enum kind { KIND_NUMBER, KIND_SWITCH, KIND_TEXT, KIND_JSON, KIND_SCOPE, KIND_THROUGHPUT };

static const struct row {
    const char *name;
    enum kind kind;
    long long min, max;
    const char *preset;
    bool fifo;
} rows[] = {
#define X(name_, kind_, min_, max_, preset_, fifo_) {name_, KIND_##kind_, min_, max_, preset_, fifo_},
    SQS_ATTRIBUTES(X)
#undef X
};
#define ROWS (sizeof rows / sizeof rows[0])

static const struct row *row_of(struct slice name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (slice_equal(name, slice_text(rows[i].name)))
            return &rows[i];
    return NULL;
}

bool sqs_attribute_known(struct slice name)
{
    static const char *const figures[] = {"All",
                                          "ApproximateNumberOfMessages",
                                          "ApproximateNumberOfMessagesNotVisible",
                                          "ApproximateNumberOfMessagesDelayed",
                                          "CreatedTimestamp",
                                          "LastModifiedTimestamp",
                                          "QueueArn"};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (slice_equal(name, slice_text(figures[i])))
            return true;
    return row_of(name) != NULL;
}

static bool is(struct slice text, const char *word) { return slice_equal(text, slice_text(word)); }

/* Digits with an optional sign, at most 18 of them. */
static bool to_number(struct slice text, long long *number)
{
    char digits[20];
    if (text.len == 0 || text.len >= sizeof digits)
        return false;
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    size_t sign = digits[0] == '-';
    if (strspn(digits + sign, "0123456789") != text.len - sign || text.len == sign)
        return false;
    *number = strtoll(digits, NULL, 10);
    return true;
}

/* -- Checking ------------------------------------------------------------------------------------------------------------ */
static bool words_good(enum kind kind, struct slice text)
{
    switch (kind) {
    case KIND_SWITCH:
        return is(text, "true") || is(text, "false");
    case KIND_SCOPE:
        return is(text, "queue") || is(text, "messageGroup");
    case KIND_THROUGHPUT:
        return is(text, "perQueue") || is(text, "perMessageGroupId");
    default:
        return true;
    }
}

static bool value_good(const struct row *row, struct slice text)
{
    long long number;
    if (row->kind == KIND_NUMBER)
        return to_number(text, &number) && number >= row->min && number <= row->max;
    if (is(slice_text(row->name), "RedriveAllowPolicy"))
        return sqs_redrive_allow_valid(text);
    if (row->kind == KIND_JSON && text.len > (size_t)row->max)
        return false;
    if (row->kind == KIND_JSON) /* of a RedrivePolicy more is asked, and said, later */
        return is(slice_text(row->name), "RedrivePolicy") || sqs_policy_text_valid(text);
    if (row->kind == KIND_TEXT)
        return text.len <= (size_t)row->max;
    return words_good(row->kind, text);
}

static int bad_value(struct sqs_error *e, const char *name)
{
    return sqs_fail(e, SQS_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.", name);
}

/* Attributes of FIFO queues on one that is none have messages of their own. */
static int not_fifo(struct sqs_error *e, const struct row *row)
{
    if (row->kind == KIND_SCOPE || row->kind == KIND_THROUGHPUT)
        return sqs_fail(e, SQS_ATTRIBUTE_NAME, "You can specify the %s only when FifoQueue is set to true.", row->name);
    return sqs_fail(e, SQS_ATTRIBUTE_NAME, "Unknown Attribute %s.", row->name);
}

static int check_one(struct slice name, const struct value *value, bool fifo, bool creating, struct sqs_error *e)
{
    const struct row *row = row_of(name);
    if (!row || value->type != VALUE_S)
        return sqs_fail(e, SQS_ATTRIBUTE_NAME, "Unknown Attribute %.*s.", name.len < 200 ? (int)name.len : 200,
                        (const char *)name.ptr);
    if (is(name, "FifoQueue")) {
        if (!words_good(row->kind, value->bytes))
            return bad_value(e, row->name);
        if (!creating)
            return is(value->bytes, "true") == fifo
                       ? 0
                       : sqs_fail(e, SQS_ATTRIBUTE_VALUE,
                                  "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.");
        if (is(value->bytes, "false"))
            return sqs_fail(e, SQS_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.");
        return fifo ? 0 : not_fifo(e, row);
    }
    if (row->fifo && !fifo)
        return not_fifo(e, row);
    bool clears = value->bytes.len == 0 && row->preset[0] == '\0';
    return clears || value_good(row, value->bytes) ? 0 : bad_value(e, row->name);
}

int sqs_attributes_check(const struct value *given, struct slice queue, bool creating, struct sqs_error *e)
{
    bool fifo = sqs_queue_is_fifo(queue);
    struct slice name;
    struct value value;
    struct value_walk walk = value_walk_of(given);
    while (given->type == VALUE_M && value_walk_next(&walk, &name, &value))
        if (check_one(name, &value, fifo, creating, e) != 0)
            return -1;
    struct value said =
        given->type == VALUE_M ? value_map_get(given, slice_text("FifoQueue")) : (struct value){.type = VALUE_NONE};
    if (creating && fifo && said.type == VALUE_NONE)
        return sqs_fail_value(e, queue, "QueueName",
                              "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
    return 0;
}

static size_t characters_of(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & 0xc0) != 0x80;
    return count;
}

int sqs_tags_check(const struct value *tags, struct sqs_error *e)
{
    struct slice key;
    struct value value;
    struct value_walk walk = value_walk_of(tags);
    if (tags->type != VALUE_M)
        return sqs_fail(e, SQS_MISSING, "The request must contain the parameter Tags.");
    if (tags->count > LIMIT_TAGS)
        return sqs_fail(e, SQS_PARAMETER, "Too many tags added for queue: at most %u.", LIMIT_TAGS);
    while (value_walk_next(&walk, &key, &value))
        if (key.len == 0 || characters_of(key) > LIMIT_TAG_KEY_CHARACTERS || value.type != VALUE_S ||
            characters_of(value.bytes) > LIMIT_TAG_VALUE_CHARACTERS)
            return sqs_fail(e, SQS_PARAMETER, "Tag keys must be between 1 and 128 characters in length, values at most 256.");
    return 0;
}

struct slice sqs_attributes_not_own(const struct value *given)
{
    struct slice name;
    struct value value;
    for (struct value_walk walk = value_walk_of(given); value_walk_next(&walk, &name, &value);)
        if (!is(name, "Policy") && !is(name, "LeatPaused"))
            return name;
    return slice_text("");
}

/* -- The document -------------------------------------------------------------------------------------------------------- */

static struct value part_of(const struct value *document, const char *name)
{
    return document->type == VALUE_M ? value_map_get(document, slice_text(name)) : (struct value){.type = VALUE_NONE};
}

static uint32_t put_pairs(struct buf *out, const struct value *map, const struct value *except)
{
    uint32_t count = 0;
    struct slice name;
    struct value value;
    struct value_walk walk = value_walk_of(map);
    while (map->type == VALUE_M && value_walk_next(&walk, &name, &value)) {
        bool replaced = except->type == VALUE_M && value_map_get(except, name).type != VALUE_NONE;
        if (replaced || value.bytes.len == 0)
            continue;
        mp_put_slice(out, name);
        mp_put_slice(out, value.bytes);
        count++;
    }
    return count;
}

void sqs_document_put(struct buf *out, const struct value *old, const struct value *given, const struct value *tags)
{
    struct value none = {.type = VALUE_NONE}, before = part_of(old, "attributes"), old_tags = part_of(old, "tags");
    mp_put_map(out, 2);
    mp_put_text(out, "attributes");
    size_t mark = mp_open(out);
    uint32_t count = put_pairs(out, &before, given);
    count += put_pairs(out, given, &none);
    mp_close_map(out, mark, count);
    mp_put_text(out, "tags");
    if (tags->type == VALUE_M)
        mp_put_raw(out, tags->encoded);
    else if (old_tags.type == VALUE_M)
        mp_put_raw(out, old_tags.encoded);
    else
        mp_put_map(out, 0);
}

struct slice sqs_attribute_text(const struct value *document, const char *name, bool fifo)
{
    struct value all = part_of(document, "attributes");
    struct value found = all.type == VALUE_M ? value_map_get(&all, slice_text(name)) : all;
    const struct row *row = row_of(slice_text(name));
    bool has_key = all.type == VALUE_M && value_map_get(&all, slice_text("KmsMasterKeyId")).type == VALUE_S;
    if (found.type == VALUE_S)
        return found.bytes;
    if (has_key && strcmp(name, "SqsManagedSseEnabled") == 0) /* one kind of encryption at a time */
        return slice_text("false");
    if (has_key && strcmp(name, "KmsDataKeyReusePeriodSeconds") == 0)
        return slice_text("300");
    return row && (!row->fifo || fifo) ? slice_text(row->preset) : slice_text("");
}

struct slice sqs_attributes_differ(const struct value *document, const struct value *given, bool fifo)
{
    struct slice name;
    struct value value;
    struct value_walk walk = value_walk_of(given);
    while (given->type == VALUE_M && value_walk_next(&walk, &name, &value)) {
        const struct row *row = row_of(name);
        struct slice is_now = row ? sqs_attribute_text(document, row->name, fifo) : slice_text("");
        if (row && is(name, "KmsDataKeyReusePeriodSeconds") && is_now.len == 0)
            is_now = slice_text("300");
        if (row && !slice_equal(is_now, value.bytes))
            return name;
    }
    return slice_text("");
}

/* -- What the broker is told ----------------------------------------------------------------------------------------------- */
static long long number_of(const struct value *document, const char *name)
{
    long long number = 0;
    to_number(sqs_attribute_text(document, name, true), &number);
    return number;
}

static bool switch_of(const struct value *document, const char *name)
{
    return is(sqs_attribute_text(document, name, true), "true");
}

static int apply_redrive(const struct value *document, const struct sqs_place *place, struct queue_attributes *a,
                         struct buf *scratch, struct sqs_error *e)
{
    struct slice policy = sqs_attribute_text(document, "RedrivePolicy", true);
    struct sqs_redrive redrive;
    struct slice region, name;
    (void)place;
    if (policy.len == 0)
        return 0;
    if (sqs_redrive_read(policy, &redrive) != 0 || sqs_read_arn(slice_text(redrive.arn), &region, &name) != 0)
        return sqs_fail_redrive(e, policy);
    sqs_put_path(scratch, region, name);
    a->dead_letter = buf_slice(scratch);
    a->max_receive_count = redrive.max_receive_count;
    return 0;
}

int sqs_attributes_apply(const struct value *document, struct slice queue, const struct sqs_place *place,
                         struct queue_attributes *a, struct buf *scratch, struct sqs_error *e)
{
    bool fifo = sqs_queue_is_fifo(queue);
    buf_reset(scratch);
    *a = (struct queue_attributes){
        .kind = fifo ? QUEUE_FIFO : QUEUE_STANDARD,
        .visibility_ms = number_of(document, "VisibilityTimeout") * 1000,
        .delay_ms = number_of(document, "DelaySeconds") * 1000,
        .retention_ms = number_of(document, "MessageRetentionPeriod") * 1000,
        .wait_ms = number_of(document, "ReceiveMessageWaitTimeSeconds") * 1000,
        .max_lease_ms = number_of(document, "LeatMaxLeaseSeconds") * 1000,
        .max_message_bytes = (uint32_t)number_of(document, "MaximumMessageSize"),
        .content_deduplication = fifo && switch_of(document, "ContentBasedDeduplication"),
        .deduplicate_by_group = fifo && is(sqs_attribute_text(document, "DeduplicationScope", true), "messageGroup"),
        .throughput_by_group = fifo && is(sqs_attribute_text(document, "FifoThroughputLimit", true), "perMessageGroupId"),
        .max_inflight = (uint32_t)number_of(document, "LeatMaxInFlight"),
        .max_per_group = fifo ? 0 : (uint32_t)number_of(document, "LeatMaxPerGroup"),
        .paused = switch_of(document, "LeatPaused"),
        .max_messages = (uint64_t)number_of(document, "LeatMaxMessages"),
        .max_bytes = (uint64_t)number_of(document, "LeatMaxBytes"),
    };
    if (a->throughput_by_group && !a->deduplicate_by_group)
        return sqs_fail(e, SQS_ATTRIBUTE_VALUE,
                        "You can set FifoThroughputLimit to perMessageGroupId only when DeduplicationScope is messageGroup.");
    return apply_redrive(document, place, a, scratch, e);
}

void sqs_define_paused(const struct queue_description *d, bool paused, struct buf *scratch, struct queue_request *request)
{
    struct value old = value_of(d->document), none = {.type = VALUE_NONE};
    struct buf given = {0};
    buf_reset(scratch);
    mp_put_map(&given, 1);
    mp_put_text(&given, "LeatPaused");
    mp_put_text(&given, paused ? "true" : "");
    struct value changed = value_of(buf_slice(&given));
    sqs_document_put(scratch, &old, &changed, &none);
    *request = (struct queue_request){.verb = QUEUE_VERB_CHANGE};
    request->define.version = d->version;
    request->define.attributes = d->attributes;
    request->define.attributes.paused = paused;
    request->define.document = buf_slice(scratch);
    buf_finish(&given);
}

/* -- Answers --------------------------------------------------------------------------------------------------------------- */
static bool asked_for(const struct value *names, const char *name)
{
    struct value asked;
    struct value_walk walk = value_walk_of(names);
    while (names->type == VALUE_L && value_walk_next(&walk, NULL, &asked))
        if (asked.type == VALUE_S && (is(asked.bytes, "All") || is(asked.bytes, name)))
            return true;
    return false;
}

static uint32_t put_figure(struct buf *out, const struct value *names, const char *name, uint64_t number)
{
    char text[24];
    if (!asked_for(names, name))
        return 0;
    mp_put_text(out, name);
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    mp_put_text(out, text);
    return 1;
}

static uint32_t put_redrive(struct buf *out, const struct queue_description *d, const struct value *names,
                            const struct sqs_place *place)
{
    struct slice region;
    struct buf policy = {0};
    if (d->attributes.dead_letter.len == 0 || !asked_for(names, "RedrivePolicy"))
        return 0;
    buf_text(&policy, "{\"deadLetterTargetArn\":\"");
    sqs_put_arn(&policy, place, sqs_name_of_path(d->attributes.dead_letter, &region));
    buf_printf(&policy, "\",\"maxReceiveCount\":%u}", (unsigned)d->attributes.max_receive_count);
    mp_put_text(out, "RedrivePolicy");
    mp_put_slice(out, buf_slice(&policy));
    buf_finish(&policy);
    return 1;
}

/* Shown although nobody set them: the settings of leat decide on its own queues. */
static uint32_t put_built_in(struct buf *out, const struct queue_description *d, const struct value *names,
                             const struct sqs_place *place)
{
    const struct queue_attributes *a = &d->attributes;
    return put_figure(out, names, "DelaySeconds", (uint64_t)a->delay_ms / 1000) +
           put_figure(out, names, "VisibilityTimeout", (uint64_t)a->visibility_ms / 1000) +
           put_figure(out, names, "MessageRetentionPeriod", (uint64_t)a->retention_ms / 1000) +
           put_figure(out, names, "ReceiveMessageWaitTimeSeconds", (uint64_t)a->wait_ms / 1000) +
           put_figure(out, names, "MaximumMessageSize", LIMIT_BODY_BYTES) + put_redrive(out, d, names, place);
}

static uint32_t put_given(struct buf *out, const struct queue_description *d, const struct value *names,
                          const struct sqs_place *place)
{
    struct value document = value_of(d->document), written = part_of(&document, "attributes");
    bool fifo = d->attributes.kind == QUEUE_FIFO, own = sqs_queue_is_own(d->name);
    uint32_t count = own ? put_built_in(out, d, names, place) : 0;
    for (size_t i = 0; i < ROWS; i++) {
        struct slice text = sqs_attribute_text(&document, rows[i].name, fifo);
        bool shown = !own || value_map_get(&written, slice_text(rows[i].name)).type == VALUE_S;
        if (!shown || text.len == 0 || !asked_for(names, rows[i].name))
            continue;
        mp_put_text(out, rows[i].name);
        mp_put_slice(out, text);
        count++;
    }
    return count;
}

void sqs_attributes_answer(struct buf *out, const struct queue_description *d, const struct value *names,
                           const struct sqs_place *place)
{
    struct slice region, name = sqs_name_of_path(d->name, &region);
    size_t mark = mp_open(out);
    uint32_t count = put_given(out, d, names, place);
    count += put_figure(out, names, "ApproximateNumberOfMessages", d->ready);
    count += put_figure(out, names, "ApproximateNumberOfMessagesNotVisible", d->inflight);
    count += put_figure(out, names, "ApproximateNumberOfMessagesDelayed", d->delayed);
    count += put_figure(out, names, "CreatedTimestamp", (uint64_t)d->created_ms / 1000);
    count += put_figure(out, names, "LastModifiedTimestamp", (uint64_t)d->changed_ms / 1000);
    if (asked_for(names, "QueueArn")) {
        struct buf arn = {0};
        sqs_put_arn(&arn, place, name);
        mp_put_text(out, "QueueArn");
        mp_put_slice(out, buf_slice(&arn));
        buf_finish(&arn);
        count++;
    }
    mp_close_map(out, mark, count);
}
