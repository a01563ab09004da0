/* sqs_xml.c - one walk over the value; what a list or a map is called in XML stands in a table. */
#include "gateway/sqs_xml.h"

#include <string.h>

#include "common/decimal.h"
#include "common/json.h"

#define NAMESPACE "http://queue.amazonaws.com/doc/2012-11-05/"

/* Lists and maps are flat: each element stands under its own name, without one around all of them. */
static const struct rule {
    const char *member, *element;
    const char *key; /* of a map: <element><KEY>name</KEY><Value>...</Value></element> */
} rules[] = {
    {"QueueUrls", "QueueUrl", NULL},
    {"queueUrls", "QueueUrl", NULL},
    {"Attributes", "Attribute", "Name"},
    {"MessageAttributes", "MessageAttribute", "Name"},
    {"Tags", "Tag", "Key"},
    {"Messages", "Message", NULL},
    {"Failed", "BatchResultErrorEntry", NULL},
    {"Results", "ListMessageMoveTasksResultEntry", NULL},
};

/* What stands for the character at text.ptr[i] in XML, and its length there; NULL: itself. What XML 1.0 cannot say, not even as a reference, becomes the
 * replacement character: such texts can have come by the other protocol. */
static const char *escape_of(struct slice text, size_t i, size_t *len)
{
    unsigned char c = text.ptr[i];
    *len = 1;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#xD;";
    case '\t':
    case '\n':
        return NULL;
    default:
        break;
    }
    bool last_two = c == 0xef && i + 2 < text.len && text.ptr[i + 1] == 0xbf && text.ptr[i + 2] >= 0xbe; /* U+FFFE, U+FFFF */
    *len = last_two ? 3 : 1;
    return c < 0x20 || last_two ? "\xef\xbf\xbd" : NULL;
}

void sqs_xml_text(struct buf *out, struct slice text)
{
    size_t done = 0, len;
    for (size_t i = 0; i < text.len; i++) {
        const char *escaped = escape_of(text, i, &len);
        if (!escaped)
            continue;
        buf_append(out, text.ptr + done, i - done);
        buf_text(out, escaped);
        i += len - 1;
        done = i + 1;
    }
    if (text.len > done)
        buf_append(out, text.ptr + done, text.len - done);
}

static void open_tag(struct buf *out, struct slice name)
{
    buf_byte(out, '<');
    buf_append(out, name.ptr, name.len);
    buf_byte(out, '>');
}

static void close_tag(struct buf *out, struct slice name)
{
    buf_text(out, "</");
    buf_append(out, name.ptr, name.len);
    buf_byte(out, '>');
}

static const struct rule *rule_of(struct slice member)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (slice_equal(member, slice_text(rules[i].member)))
            return &rules[i];
    return NULL;
}

static int put_structure(struct buf *out, struct slice action, const struct value *value);

static int put_scalar(struct buf *out, const struct value *value)
{
    switch (value->type) {
    case VALUE_S:
        sqs_xml_text(out, value->bytes);
        return 0;
    case VALUE_B:
        base64_encode(out, value->bytes);
        return 0;
    case VALUE_BOOL:
        buf_text(out, value->truth ? "true" : "false");
        return 0;
    case VALUE_N:
        return json_from_value(value, out);
    default:
        return -1;
    }
}

static int put_value(struct buf *out, struct slice action, const struct value *value)
{
    return value->type == VALUE_M ? put_structure(out, action, value) : put_scalar(out, value);
}

static int put_element(struct buf *out, struct slice action, const char *element, const char *key, struct slice name,
                       const struct value *value)
{
    struct slice tag = slice_text(element);
    open_tag(out, tag);
    if (key) {
        open_tag(out, slice_text(key));
        sqs_xml_text(out, name);
        close_tag(out, slice_text(key));
        open_tag(out, slice_text("Value"));
    }
    int result = put_value(out, action, value);
    if (key)
        close_tag(out, slice_text("Value"));
    close_tag(out, tag);
    return result;
}

/* The name of what succeeded has the action's in it: SendMessageBatchResultEntry. */
static int put_successful(struct buf *out, struct slice action, const struct value *list)
{
    char element[64];
    struct value entry;
    if (action.len > 40)
        return -1;
    memcpy(element, action.ptr, action.len);
    memcpy(element + action.len, "ResultEntry", sizeof "ResultEntry");
    for (struct value_walk walk = value_walk_of(list); value_walk_next(&walk, NULL, &entry);)
        if (put_element(out, action, element, NULL, slice_text(""), &entry) != 0)
            return -1;
    return 0;
}

static int put_member(struct buf *out, struct slice action, struct slice name, const struct value *value)
{
    const struct rule *rule = rule_of(name);
    struct slice key;
    struct value element;
    if (slice_equal(name, slice_text("Successful")))
        return put_successful(out, action, value);
    if (!rule || (value->type != VALUE_L && value->type != VALUE_M)) {
        open_tag(out, name);
        int result = put_value(out, action, value);
        close_tag(out, name);
        return result;
    }
    for (struct value_walk walk = value_walk_of(value); value_walk_next(&walk, &key, &element);)
        if (put_element(out, action, rule->element, rule->key, key, &element) != 0)
            return -1;
    return 0;
}

static int put_structure(struct buf *out, struct slice action, const struct value *value)
{
    struct slice name;
    struct value member;
    for (struct value_walk walk = value_walk_of(value); value_walk_next(&walk, &name, &member);)
        if (put_member(out, action, name, &member) != 0)
            return -1;
    return 0;
}

static void put_request_id(struct buf *out, struct slice request_id)
{
    buf_text(out, "<RequestId>");
    sqs_xml_text(out, request_id);
    buf_text(out, "</RequestId>");
}

static void put_action(struct buf *out, const char *begin, struct slice action, const char *end)
{
    buf_text(out, begin);
    buf_append(out, action.ptr, action.len);
    buf_text(out, end);
}

int sqs_xml_answer(struct buf *out, struct slice action, const struct value *result, struct slice request_id)
{
    int failed = 0;
    put_action(out, "<?xml version=\"1.0\"?><", action, "Response xmlns=\"" NAMESPACE "\">");
    if (result->type == VALUE_M) { /* clients want the element of an action that has results, though it be empty */
        put_action(out, "<", action, "Result>");
        failed = put_structure(out, action, result);
        put_action(out, "</", action, "Result>");
    }
    buf_text(out, "<ResponseMetadata>");
    put_request_id(out, request_id);
    put_action(out, "</ResponseMetadata></", action, "Response>");
    return failed != 0 || buf_failed(out) ? -1 : 0;
}

void sqs_xml_error(struct buf *out, bool sender, const char *code, struct slice message, struct slice request_id)
{
    buf_printf(out,
               "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"" NAMESPACE "\"><Error><Type>%s</Type><Code>%s</Code><Message>",
               sender ? "Sender" : "Receiver", code);
    sqs_xml_text(out, message);
    buf_text(out, "</Message><Detail/></Error>");
    put_request_id(out, request_id);
    buf_text(out, "</ErrorResponse>");
}
