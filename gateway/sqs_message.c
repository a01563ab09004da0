/* sqs_message.c - see sqs_message.h. */
#include "gateway/sqs_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/mp.h"

#define ATTRIBUTES_MAX 10u
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
static bool name_good(struct slice name)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    if (name.len == 0 || name.len > NAME_MAX_BYTES || name.ptr[0] == '.' || name.ptr[name.len - 1] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '\0' || !strchr(characters, name.ptr[i]) || (name.ptr[i] == '.' && name.ptr[i - 1] == '.'))
            return false;
    char start[8] = {0};
    for (size_t i = 0; i < sizeof start - 1 && i < name.len; i++)
        start[i] = (char)(name.ptr[i] | (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? 0x20 : 0));
    return strncmp(start, "aws.", 4) != 0 && strncmp(start, "amazon.", 7) != 0;
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

#define FOR_NAME(name) (name).len < 256 ? (int)(name).len : 256, (const char *)(name).ptr

static int put_attribute(struct buf *out, struct slice name, const struct value *in, uint64_t *size, struct sqs_error *e)
{
    struct slice type, text, binary;
    if (in->type != VALUE_M)
        return sqs_fail(e, SQS_MALFORMED, "a message attribute must be a structure");
    if (sqs_text(in, "DataType", &type, e) != 0 || sqs_text(in, "StringValue", &text, e) != 0 ||
        sqs_text(in, "BinaryValue", &binary, e) != 0)
        return -1;
    if (type.len == 0)
        return sqs_fail(e, SQS_PARAMETER, "The message attribute '%.*s' must contain non-empty message attribute type.",
                        FOR_NAME(name));
    bool is_binary = type_is(type, "Binary"), is_number = type_is(type, "Number");
    if ((!is_binary && !is_number && !type_is(type, "String")) || type.len > NAME_MAX_BYTES)
        return sqs_fail(
            e, SQS_PARAMETER,
            "The message attribute '%.*s' has an invalid message attribute type, the set of supported type prefixes is "
            "Binary, Number, and String.",
            FOR_NAME(name));
    if (is_binary ? binary.len == 0 : text.len == 0)
        return sqs_fail(e, SQS_PARAMETER, "Message (user) attribute '%.*s' must contain a non-empty value of type '%s'.",
                        FOR_NAME(name), is_binary ? "Binary" : "String");
    if (is_number && !number_good(text))
        return sqs_fail(e, SQS_PARAMETER, "Can't cast the value of message (user) attribute '%.*s' to a number.",
                        FOR_NAME(name));
    if (!is_binary && !characters_good(text))
        return sqs_fail(e, SQS_INVALID_CONTENTS, "Invalid characters found in the value of attribute '%.*s'.", FOR_NAME(name));
    mp_put_str(out, (const char *)name.ptr, name.len);
    mp_put_map(out, 2);
    mp_put_text(out, "DataType");
    mp_put_str(out, (const char *)type.ptr, type.len);
    mp_put_text(out, is_binary ? "BinaryValue" : "StringValue");
    if (is_binary) {
        struct buf bytes = {0};
        int bad = base64_decode(&bytes, binary);
        mp_put_bin(out, bytes.data, bytes.len);
        *size += name.len + type.len + bytes.len;
        buf_finish(&bytes);
        return bad == 0 ? 0 : sqs_fail(e, SQS_MALFORMED, "BinaryValue of '%.*s' is not base64", FOR_NAME(name));
    }
    mp_put_str(out, (const char *)text.ptr, text.len);
    *size += name.len + type.len + text.len;
    return 0;
}

static int put_attributes(struct buf *out, const struct value *in, struct sqs_message *m, struct sqs_error *e)
{
    struct value all = value_map_get(in, slice_text("MessageAttributes")), one;
    struct slice name;
    if (all.type == VALUE_NONE || all.type == VALUE_NULL) {
        mp_put_map(out, 0);
        return 0;
    }
    if (all.type != VALUE_M)
        return sqs_fail(e, SQS_MALFORMED, "MessageAttributes must be a map");
    if (all.count > ATTRIBUTES_MAX)
        return sqs_fail(e, SQS_PARAMETER, "Number of message attributes [%" PRIu32 "] exceeds the allowed maximum [%u].",
                        all.count, ATTRIBUTES_MAX);
    m->has_attributes = all.count > 0;
    size_t mark = mp_open(out);
    for (struct value_walk walk = value_walk_of(&all); value_walk_next(&walk, &name, &one);) {
        if (!name_good(name))
            return sqs_fail(e, SQS_PARAMETER, "The message attribute name '%.*s' is invalid.", FOR_NAME(name));
        if (put_attribute(out, name, &one, &m->size, e) != 0)
            return -1;
    }
    mp_close_map(out, mark, all.count);
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

static int put_system(struct buf *out, const struct value *in, bool fifo, struct sqs_message *m, struct sqs_error *e)
{
    struct value all = value_map_get(in, slice_text("MessageSystemAttributes")), one;
    struct slice name;
    uint64_t uncounted = 0; /* AWSTraceHeader does not count */
    uint32_t count = 0;
    size_t mark = mp_open(out);
    struct value_walk walk = value_walk_of(&all);
    while (all.type == VALUE_M && value_walk_next(&walk, &name, &one)) {
        if (is(name, DELAY_ATTRIBUTE) || is(name, PRIORITY_ATTRIBUTE)) {
            if (take_own(name, &one, fifo, m, e) != 0)
                return -1;
            continue;
        }
        if (!is(name, "AWSTraceHeader"))
            return sqs_fail(e, SQS_PARAMETER, "Message system attribute name '%.*s' is invalid.", FOR_NAME(name));
        if (put_attribute(out, name, &one, &uncounted, e) != 0)
            return -1;
        count++;
    }
    mp_close_map(out, mark, count);
    m->has_system = count > 0;
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

int sqs_message_digest(struct sqs_message *m, struct slice envelope)
{
    struct sqs_envelope parts;
    if (sqs_md5(m->body, m->md5_body) != 0)
        return -1;
    if (!m->has_attributes && !m->has_system)
        return 0;
    if (sqs_envelope_read(envelope, &parts) != 0)
        return -1;
    if (m->has_attributes && sqs_md5_attributes(&parts.attributes, m->md5_attributes) != 0)
        return -1;
    return m->has_system ? sqs_md5_attributes(&parts.system, m->md5_system) : 0;
}

int sqs_message_read(const struct value *in, bool fifo, struct sqs_message *m, struct buf *envelope, struct sqs_error *e)
{
    *m = (struct sqs_message){.delay_ms = QUEUE_DEFAULT};
    if (read_members(in, fifo, m, e) != 0)
        return -1;
    mp_put_array(envelope, 5);
    mp_put_str(envelope, (const char *)m->body.ptr, m->body.len);
    if (put_attributes(envelope, in, m, e) != 0 || put_system(envelope, in, fifo, m, e) != 0)
        return -1;
    mp_put_str(envelope, (const char *)m->group.ptr, m->group.len);
    mp_put_str(envelope, (const char *)m->deduplication.ptr, m->deduplication.len);
    if (m->size > LIMIT_BODY_BYTES)
        return sqs_fail(e, SQS_PARAMETER, "One or more parameters are invalid. Reason: Message must be shorter than %u bytes.",
                        LIMIT_BODY_BYTES);
    if (buf_failed(envelope))
        return sqs_fail(e, SQS_UNAVAILABLE, "This gateway is out of memory.");
    return 0;
}

int sqs_envelope_read(struct slice envelope, struct sqs_envelope *out)
{
    struct mp_reader r = mp_reader_of(envelope);
    mp_array_exact(&r, 5);
    out->body = mp_str(&r, LIMIT_MESSAGE_BYTES);
    out->attributes = value_read(&r);
    out->system = value_read(&r);
    out->group = mp_str(&r, TOKEN_MAX_BYTES);
    out->deduplication = mp_str(&r, TOKEN_MAX_BYTES);
    return mp_at_end(&r) && out->attributes.type == VALUE_M && out->system.type == VALUE_M ? 0 : -1;
}
