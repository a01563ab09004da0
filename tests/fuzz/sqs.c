/* sqs.c - a letter, then a request of SQS's API: 'f' a form, 'j' JSON; with a capital letter its queue is a FIFO queue. What the API's readers accept
 * must be what the broker takes. */
#include <string.h>

#include "common/json.h"
#include "common/json_cursor.h"
#include "common/sqs_attributes.h"
#include "gateway/sqs_form.h"
#include "common/sqs_message.h"
#include "common/sqs_policy.h"
#include "common/sqs_verdict.h"
#include "gateway/sqs_xml.h"
#include "tests/fuzz/fuzz.h"

static const struct sqs_place place = {.region = {(const unsigned char *)"eu-west-1", 9},
                                       .account = {(const unsigned char *)"123456789012", 12}};

static struct value member_of(const struct value *in, const char *name) { return value_map_get(in, slice_text(name)); }

static void check_xml(struct slice text)
{
    struct buf out = {0};
    sqs_xml_text(&out, text);
    for (size_t i = 0; i < out.len; i++)
        fuzz_check((out.data[i] >= 0x20 || out.data[i] == '\t' || out.data[i] == '\n') && out.data[i] != '<' &&
                   out.data[i] != '"');
    fuzz_check(!utf8_valid(text) || utf8_valid(buf_slice(&out)));
    buf_finish(&out);
}

static void check_error(const struct sqs_error *e)
{
    struct buf json = {0};
    fuzz_check(e->code > SQS_NONE && e->code < SQS_ERROR_COUNT && e->text[0] && utf8_valid(slice_text(e->text)));
    fuzz_check(strlen(sqs_error_type(e->code)) > 0 && strlen(sqs_error_query_code(e->code)) > 0);
    json_put_string(&json, slice_text(e->text));
    fuzz_check(json_is_valid(buf_slice(&json)));
    check_xml(slice_text(e->text));
    buf_finish(&json);
}

/* The broker's reader takes what it is asked. */
static void check_request(const struct queue_request *request)
{
    struct buf bytes = {0};
    msg_add_request(&bytes, 1, request);
    struct msg m = {.reader = mp_reader_of(buf_slice(&bytes)), .left = 1};
    struct queue_request read;
    uint64_t number;
    bool in_range = false;
    fuzz_check(msg_next_request(&m, &number, &read, &in_range) && in_range && number == 1);
    buf_finish(&bytes);
}

static void check_message(const struct value *in, bool fifo)
{
    struct sqs_message m;
    struct sqs_error e;
    struct envelope read;
    struct envelope_attribute a;
    struct buf envelope = {0};
    char md5[SQS_MD5_BYTES];
    if (sqs_message_read(in, fifo, &m, &e) != 0) {
        check_error(&e);
        sqs_message_finish(&m);
        return;
    }
    sqs_message_put(&envelope, &m, slice_text("KEY"));
    struct queue_request request = {
        .verb = QUEUE_VERB_SEND,
        .queue = slice_text("q"),
        .send = {.delay_ms = m.delay_ms, .priority = m.priority, .size = m.size, .body = buf_slice(&envelope)}};
    check_request(&request);
    fuzz_check(envelope_decode(buf_slice(&envelope), &read) == 0 && slice_equal(read.body, m.body));
    uint32_t count = 0;
    while (envelope_next(&read, &a))
        fuzz_check(count < m.attribute_count && slice_equal(a.value, m.attributes[count++].value));
    fuzz_check(count == m.attribute_count && sqs_md5_attributes(m.attributes, count, md5) == 0);
    fuzz_check(m.size >= m.body.len && m.size <= LIMIT_BODY_BYTES);
    buf_finish(&envelope);
    sqs_message_finish(&m);
}

static void check_policy(struct json_parser *json, struct slice text, struct slice queue)
{
    struct buf parsed = {0}, arn = {0};
    struct err why;
    fuzz_check(sqs_policy_text_valid(text));
    fuzz_check(json_to_value(json, text, 32, &parsed, &why) == 0);
    sqs_put_arn(&arn, &place, queue);
    struct value policy = value_of(buf_slice(&parsed));
    struct sqs_claim claim = {.caller = {slice_text("KEY"), slice_text("111111111111")},
                              .action = "sendmessage",
                              .arn = buf_slice(&arn),
                              .region = place.region};
    fuzz_check(sqs_policy_verdict(&policy, &claim) <= SQS_DENIED);
    buf_finish(&parsed);
    buf_finish(&arn);
}

static void check_attributes(struct json_parser *json, const struct value *in, struct slice queue)
{
    struct value given = member_of(in, "Attributes"), tags = member_of(in, "Tags"), none = {.type = VALUE_NONE};
    struct queue_request request = {.verb = QUEUE_VERB_CREATE, .queue = queue};
    struct buf document = {0}, path = {0};
    struct sqs_error e;
    if (sqs_attributes_check(&given, queue, true, &e) != 0 || (tags.type == VALUE_M && sqs_tags_check(&tags, &e) != 0)) {
        check_error(&e);
        return;
    }
    sqs_document_put(&document, &none, &given, &tags);
    struct value made = value_of(buf_slice(&document));
    fuzz_check(made.type == VALUE_M);
    request.define.document = buf_slice(&document);
    if (sqs_attributes_apply(&made, queue, &place, &request.define.attributes, &path, &e) != 0)
        check_error(&e);
    else if (document.len <= LIMIT_QUEUE_DOCUMENT_BYTES)
        check_request(&request);
    fuzz_check(sqs_attributes_differ(&made, &given, sqs_queue_is_fifo(queue)).len == 0);
    struct slice policy = sqs_attribute_text(&made, "Policy", true);
    if (policy.len > 0)
        check_policy(json, policy, queue);
    buf_finish(&document);
    buf_finish(&path);
}

static void check_permission(struct json_parser *json, const struct value *in, struct slice queue)
{
    struct buf policy = {0}, without = {0};
    struct sqs_error e;
    if (sqs_permission_check(in, &e) != 0) {
        check_error(&e);
        return;
    }
    fuzz_check(sqs_policy_change(json, slice_text(""), in, true, &place, queue, &policy, &e) == 0);
    check_policy(json, buf_slice(&policy), queue);
    fuzz_check(sqs_policy_change(json, buf_slice(&policy), in, false, &place, queue, &without, &e) == 0 && without.len == 0);
    buf_finish(&policy);
    buf_finish(&without);
}

static void check_members(struct json_parser *json, const struct value *in, bool fifo)
{
    struct slice queue = slice_text(fifo ? "q.fifo" : "q");
    struct value entries = member_of(in, "Entries"), entry;
    struct sqs_error e;
    if (sqs_members_check(in, &e) != 0) {
        check_error(&e);
        return;
    }
    check_message(in, fifo);
    for (struct value_walk walk = value_walk_of(&entries); value_walk_next(&walk, NULL, &entry);)
        check_message(&entry, fifo);
    check_attributes(json, in, queue);
    check_permission(json, in, queue);
}

void fuzz_sqs(struct slice input)
{
    static const struct http_fields no_fields;
    struct json_parser *json = json_parser_create();
    struct buf value = {0}, action = {0};
    struct err e;
    unsigned letter = fuzz_u8(&input);
    bool form = (letter | 0x20) == 'f', fifo = (letter & 0x20) == 0;
    int result = form ? sqs_form_read(&no_fields, input, &value, &action, &e) : json_to_value(json, input, 32, &value, &e);
    fuzz_check(json);
    if (result != 0)
        fuzz_check(e.code != ERR_NONE);
    struct value in = value_of(buf_slice(&value));
    fuzz_check(result != 0 || in.type != VALUE_NONE);
    fuzz_check(result != 0 || !form || (in.type == VALUE_M && utf8_valid(buf_slice(&action))));
    if (result == 0 && in.type == VALUE_M)
        check_members(json, &in, fifo);
    check_xml(input);
    json_parser_destroy(&json);
    buf_finish(&value);
    buf_finish(&action);
}
