/* sqs_message.c - see sqs_message.h. */
#include "common/sqs_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/mp.h"

#define NAME_MAX_BYTES 256u
#define DELAY_MAX_S 900
#define SCHEDULE_MAX_S (LIMIT_SCHEDULE_MS / 1000)
#define TOKEN_MAX_BYTES 128u
#define TOKEN_REASON "can only include alphanumeric and punctuation characters. 1 to 128 in length."
#define DELAY_ATTRIBUTE "LeatDelaySeconds" /* a system attribute of ours: a schedule of up to a year */
#define PRIORITY_ATTRIBUTE "LeatPriority"

static bool is(struct slice text, const char *word) { return slice_equal(text, slice_text(word)); }

/* -- Members ------------------------------------------------------------------------------------------------------------- */
int sqs_text(const struct value *in, const char *name, struct slice *text, struct sqs_error *e)
{
    struct value v = value_map_get(in, slice_text(name));
    *text = (struct slice){NULL, 0};
    if (v.type == VALUE_NONE || v.type == VALUE_NULL)
        return 0;
    if (v.type != VALUE_S)
        return sqs_fail(e, SQS_MALFORMED, "%s must be a string", name);
    *text = v.bytes.ptr ? v.bytes : slice_text("");
    return 0;
}

int sqs_integer(const struct value *in, const char *name, int64_t *number, bool *found, struct sqs_error *e)
{
    struct value v = value_map_get(in, slice_text(name));
    char digits[20];
    *number = 0;
    *found = v.type != VALUE_NONE && v.type != VALUE_NULL;
    if (!*found)
        return 0;
    if (v.type == VALUE_N && value_to_int(&v, number))
        return 0;
    if (v.type == VALUE_S && v.bytes.len > 0 && v.bytes.len < sizeof digits) {
        memcpy(digits, v.bytes.ptr, v.bytes.len);
        digits[v.bytes.len] = '\0';
        size_t sign = digits[0] == '-';
        if (strspn(digits + sign, "0123456789") == v.bytes.len - sign && v.bytes.len > sign) {
            *number = strtoll(digits, NULL, 10);
            return 0;
        }
    }
    return sqs_fail(e, SQS_MALFORMED, "%s must be an integer", name);
}

bool sqs_token_valid(struct slice token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return false;
    return token.len >= 1 && token.len <= TOKEN_MAX_BYTES;
}

static int read_token(const struct value *in, const char *name, struct slice *token, struct sqs_error *e)
{
    char reason[160];
    if (sqs_text(in, name, token, e) != 0)
        return -1;
    if (!token->ptr || sqs_token_valid(*token))
        return 0;
    snprintf(reason, sizeof reason, "%s " TOKEN_REASON, name);
    return sqs_fail_value(e, *token, name, reason);
}

/* -- Text that SQS carries: what XML 1.0 can say ------------------------------------------------------------------------- */
static bool characters_good(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return false;
        /* U+FFFE and U+FFFF; surrogates are no UTF-8 */
        if (c == 0xef && i + 2 < text.len && text.ptr[i + 1] == 0xbf && text.ptr[i + 2] >= 0xbe)
            return false;
    }
    return true;
}

/* -- Attributes ---------------------------------------------------------------------------------------------------------- */
static bool begins_with(struct slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp((const char *)text.ptr, word, len) == 0;
}

#define FOR_NAME(name) (name).len < 256 ? (int)(name).len : 256, (const char *)(name).ptr

static int check_name(struct slice name, struct sqs_error *e)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    if (name.len == 0)
        return sqs_fail(e, SQS_PARAMETER, "The request must contain non-empty message (user) attribute names.");
    if (name.len > NAME_MAX_BYTES)
        return sqs_fail(e, SQS_PARAMETER, "Message (user) attribute name must be shorter than 256 bytes.");
    if (begins_with(name, "aws.") || begins_with(name, "amazon."))
        return sqs_fail(
            e, SQS_PARAMETER,
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for "
            "internal use.");
    bool good = name.ptr[0] != '.' && name.ptr[name.len - 1] != '.';
    for (size_t i = 0; i < name.len; i++)
        good = good && name.ptr[i] != '\0' && strchr(characters, name.ptr[i]) && (name.ptr[i] != '.' || name.ptr[i - 1] != '.');
    return good ? 0
                : sqs_fail(e, SQS_PARAMETER,
                           "Message (user) attribute name '%.*s' is invalid. It can have letters, digits, '_', '-' and single "
                           "'.' within.",
                           FOR_NAME(name));
}

static bool type_is(struct slice type, const char *base)
{
    size_t len = strlen(base);
    return type.len >= len && memcmp(type.ptr, base, len) == 0 &&
           (type.len == len || (type.ptr[len] == '.' && type.len > len + 1));
}

static bool number_good(struct slice text)
{
    char copy[64];
    char *end;
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, ' ', text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    (void)strtod(copy, &end);
    return *end == '\0' && strspn(copy, "0123456789+-.eE") == text.len;
}

static int check_type(struct slice name, struct slice type, struct sqs_error *e)
{
    if (type.len == 0)
        return sqs_fail(e, SQS_PARAMETER,
                        "The message (user) attribute '%.*s' must contain a non-empty message attribute type.", FOR_NAME(name));
    if (type.len > NAME_MAX_BYTES)
        return sqs_fail(e, SQS_PARAMETER, "Message (user) attribute type must be shorter than 256 bytes.");
    if (type_is(type, "Binary") || type_is(type, "Number") || type_is(type, "String"))
        return 0;
    return sqs_fail(e, SQS_PARAMETER,
                    "The type of message (user) attribute '%.*s' is invalid. You must use only the following supported type "
                    "prefixes: Binary, Number, String.",
                    FOR_NAME(name));
}

static int check_value(const struct envelope_attribute *a, struct sqs_error *e)
{
    if (a->value.len == 0)
        return sqs_fail(e, SQS_PARAMETER, "Message (user) attribute '%.*s' must contain a non-empty value of type '%s'.",
                        FOR_NAME(a->name), sqs_type_is_binary(a->type) ? "Binary" : "String");
    if (sqs_type_is_binary(a->type))
        return 0;
    if (type_is(a->type, "Number") && !number_good(a->value))
        return sqs_fail(e, SQS_PARAMETER, "Can't cast the value of message (user) attribute '%.*s' to a number.",
                        FOR_NAME(a->name));
    if (!characters_good(a->value))
        return sqs_fail(e, SQS_INVALID_CONTENTS, "Invalid characters found in the value of attribute '%.*s'.",
                        FOR_NAME(a->name));
    return 0;
}

static bool has_list(const struct value *in, const char *name)
{
    struct value list = value_map_get(in, slice_text(name));
    return list.type == VALUE_L && list.count > 0;
}

/* binary has room for what is decoded: it must not move. */
static int read_attribute(struct slice name, const struct value *in, struct envelope_attribute *a, struct buf *binary,
                          struct sqs_error *e)
{
    struct slice text, encoded;
    if (in->type != VALUE_M)
        return sqs_fail(e, SQS_MALFORMED, "a message attribute must be a structure");
    if (has_list(in, "StringListValues") || has_list(in, "BinaryListValues"))
        return sqs_fail(e, SQS_UNSUPPORTED, "Message attribute list values in SendMessage operation are not supported.");
    if (sqs_text(in, "DataType", &a->type, e) != 0 || sqs_text(in, "StringValue", &text, e) != 0 ||
        sqs_text(in, "BinaryValue", &encoded, e) != 0 || check_type(name, a->type, e) != 0)
        return -1;
    a->name = name;
    a->value = text;
    if (sqs_type_is_binary(a->type)) {
        size_t at = binary->len;
        if (base64_decode(binary, encoded) != 0)
            return sqs_fail(e, SQS_MALFORMED, "BinaryValue of '%.*s' is not base64", FOR_NAME(name));
        a->value = buf_part(binary, at, binary->len - at);
    }
    return check_value(a, e);
}

static int read_attributes(const struct value *in, struct sqs_message *m, struct sqs_error *e)
{
    struct value all = value_map_get(in, slice_text("MessageAttributes")), one;
    struct slice name;
    if (all.type == VALUE_NONE || all.type == VALUE_NULL)
        return 0;
    if (all.type != VALUE_M)
        return sqs_fail(e, SQS_MALFORMED, "MessageAttributes must be a map");
    if (all.count > SQS_MESSAGE_ATTRIBUTES)
        return sqs_fail(e, SQS_PARAMETER, "Number of message attributes [%" PRIu32 "] exceeds the allowed maximum [%u].",
                        all.count, SQS_MESSAGE_ATTRIBUTES);
    if (buf_reserve(&m->binary, all.bytes.len) != 0)
        return sqs_fail(e, SQS_UNAVAILABLE, "This gateway is out of memory.");
    for (struct value_walk walk = value_walk_of(&all); value_walk_next(&walk, &name, &one);) {
        struct envelope_attribute *a = &m->attributes[m->attribute_count];
        if (check_name(name, e) != 0 || read_attribute(name, &one, a, &m->binary, e) != 0)
            return -1;
        m->size += name.len + a->type.len + a->value.len;
        m->attribute_count++;
    }
    return 0;
}

/* Ours: numbers that go to the broker and not into the envelope. */
static int take_own(struct slice name, const struct value *one, bool fifo, struct sqs_message *m, struct sqs_error *e)
{
    int64_t number;
    bool found, delay = is(name, DELAY_ATTRIBUTE);
    if (sqs_integer(one, "StringValue", &number, &found, e) != 0)
        return -1;
    if (!found || fifo || number < 0 || number > (delay ? SCHEDULE_MAX_S : (int64_t)LIMIT_PRIORITIES - 1))
        return sqs_fail(e, SQS_PARAMETER, "%s must be 0 to %lld, and is for standard queues.",
                        delay ? DELAY_ATTRIBUTE : PRIORITY_ATTRIBUTE,
                        delay ? (long long)SCHEDULE_MAX_S : (long long)LIMIT_PRIORITIES - 1);
    if (delay)
        m->delay_ms = number * 1000;
    else
        m->priority = (uint32_t)number;
    return 0;
}

/* AWSTraceHeader does not count for the size. */
static int read_system(const struct value *in, bool fifo, struct sqs_message *m, struct sqs_error *e)
{
    struct value all = value_map_get(in, slice_text("MessageSystemAttributes")), one;
    struct slice name;
    struct buf unused = {0};
    for (struct value_walk walk = value_walk_of(&all); all.type == VALUE_M && value_walk_next(&walk, &name, &one);) {
        if (is(name, DELAY_ATTRIBUTE) || is(name, PRIORITY_ATTRIBUTE)) {
            if (take_own(name, &one, fifo, m, e) != 0)
                return -1;
            continue;
        }
        if (!is(name, "AWSTraceHeader"))
            return sqs_fail(e, SQS_PARAMETER, "Message system attribute name '%.*s' is invalid.", FOR_NAME(name));
        if (!is(value_map_get(&one, slice_text("DataType")).bytes, "String"))
            return sqs_fail(e, SQS_PARAMETER, "The message system attribute 'AWSTraceHeader' must be of type String.");
        if (read_attribute(name, &one, &m->trace, &unused, e) != 0)
            return -1;
    }
    return 0;
}

/* -- A message ----------------------------------------------------------------------------------------------------------- */
static int read_delay(const struct value *in, bool fifo, struct sqs_message *m, struct sqs_error *e)
{
    char text[24];
    int64_t seconds;
    bool found;
    if (sqs_integer(in, "DelaySeconds", &seconds, &found, e) != 0)
        return -1;
    snprintf(text, sizeof text, "%lld", (long long)seconds);
    if (found && fifo && seconds != 0)
        return sqs_fail_value(e, slice_text(text), "DelaySeconds",
                              "The request include parameter that is not valid for this queue type.");
    if (found && (seconds < 0 || seconds > DELAY_MAX_S))
        return sqs_fail_value(e, slice_text(text), "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.");
    m->delay_ms = found && !fifo ? seconds * 1000 : QUEUE_DEFAULT;
    return 0;
}

static int read_members(const struct value *in, bool fifo, struct sqs_message *m, struct sqs_error *e)
{
    if (sqs_text(in, "MessageBody", &m->body, e) != 0)
        return -1;
    if (m->body.len == 0)
        return sqs_fail(e, SQS_MISSING, "The request must contain the parameter MessageBody.");
    if (!characters_good(m->body))
        return sqs_fail(e, SQS_INVALID_CONTENTS,
                        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "
                        "#xE000 to #xFFFD | #x10000 to #x10FFFF.");
    if (read_delay(in, fifo, m, e) != 0 || read_token(in, "MessageGroupId", &m->group, e) != 0 ||
        read_token(in, "MessageDeduplicationId", &m->deduplication, e) != 0)
        return -1;
    if (fifo && !m->group.ptr)
        return sqs_fail(e, SQS_MISSING, "The request must contain the parameter MessageGroupId.");
    if (!fifo && m->deduplication.ptr)
        return sqs_fail_value(e, m->deduplication, "MessageDeduplicationId",
                              "The request include parameter that is not valid for this queue type.");
    m->size = m->body.len;
    return 0;
}

int sqs_message_read(const struct value *in, bool fifo, struct sqs_message *m, struct sqs_error *e)
{
    *m = (struct sqs_message){.delay_ms = QUEUE_DEFAULT};
    if (read_members(in, fifo, m, e) != 0 || read_attributes(in, m, e) != 0 || read_system(in, fifo, m, e) != 0)
        return -1;
    if (m->size > LIMIT_BODY_BYTES)
        return sqs_fail(e, SQS_PARAMETER, "One or more parameters are invalid. Reason: Message must be shorter than %u bytes.",
                        LIMIT_BODY_BYTES);
    return 0;
}

void sqs_message_finish(struct sqs_message *m) { buf_finish(&m->binary); }

/* -- What the broker is told --------------------------------------------------------------------------------------------- */
static uint64_t group_of(struct slice group)
{
    unsigned char digest[SQS_KEY_BYTES];
    uint64_t hash = 0;
    if (group.len == 0 || sqs_key(slice_text("group"), group, digest) != 0)
        return group.len ? 1 : 0;
    memcpy(&hash, digest, sizeof hash);
    return hash ? hash : 1;
}

int sqs_message_send(const struct sqs_message *m, bool fifo, struct slice envelope, unsigned char key[static SQS_KEY_BYTES],
                     struct queue_send *send)
{
    bool by_id = m->deduplication.ptr != NULL;
    *send = (struct queue_send){.group = group_of(m->group),
                                .flags = fifo && !by_id ? QUEUE_CONTENT_KEY : 0,
                                .delay_ms = m->delay_ms,
                                .priority = m->priority,
                                .size = m->size,
                                .body = envelope};
    if (!fifo)
        return 0;
    if (sqs_key(slice_text(by_id ? "id" : "content"), by_id ? m->deduplication : m->body, key) != 0)
        return -1;
    send->key = slice_of(key, SQS_KEY_BYTES);
    return 0;
}

void sqs_message_put(struct buf *out, const struct sqs_message *m, struct slice sender)
{
    struct envelope e = {.body = m->body,
                         .group_id = m->group,
                         .deduplication_id = m->deduplication,
                         .sender_id = sender,
                         .trace_header = m->trace.value,
                         .attributes = m->attributes,
                         .attribute_count = m->attribute_count};
    envelope_encode(out, &e);
}
