/* sqs.c - what clients of SQS write: forms, messages, policies, envelopes, receipt handles; and the XML that they get.
 *
 * Input: one byte for what it is, then the text. A form may have a query string: what stands before the first line's end. */
#include <stdlib.h>
#include <string.h>

#include "common/json_cursor.h"
#include "common/json.h"
#include "gateway/sqs_form.h"
#include "gateway/sqs_message.h"
#include "gateway/sqs_policy.h"
#include "gateway/sqs_xml.h"
#include "queue/broker.h"
#include "tests/fuzz/fuzz.h"

enum { FORM, JSON, REDRIVE, POLICY, ENVELOPE, HANDLE, KINDS };

static struct json_parser *parser;

static void destroy(void) { json_parser_destroy(&parser); }

/* The client gets an error of the table, with a text that is none but characters. */
static void check_error(const struct sqs_error *e)
{
    fuzz_check(e->code > SQS_NONE && e->code < SQS_ERROR_COUNT && sqs_error_status(e->code) >= 400);
    fuzz_check(memchr(e->text, '\0', sizeof e->text) && e->text[0] != '\0');
}

static void check_message(const struct value *in, bool fifo)
{
    struct buf envelope = {0};
    struct sqs_message m;
    struct sqs_envelope e;
    struct sqs_error error = {.code = SQS_NONE};
    if (sqs_message_read(in, fifo, &m, &envelope, &error) != 0) {
        check_error(&error);
    } else {
        fuzz_check(sqs_envelope_read(buf_slice(&envelope), &e) == 0);
        fuzz_check(slice_equal(e.body, m.body) && slice_equal(e.group, m.group) && m.body.len <= m.size);
        fuzz_check(fuzz_value_holds(e.attributes.type == VALUE_NONE ? slice_text("\xc0") : e.attributes.encoded));
    }
    buf_finish(&envelope);
}

static void check_payload(const struct value *in)
{
    struct sqs_error error = {.code = SQS_NONE};
    struct slice text;
    int64_t number;
    bool found;
    check_message(in, false);
    check_message(in, true);
    if (sqs_permission_check(in, &error) != 0)
        check_error(&error);
    if (sqs_integer(in, "MaxResults", &number, &found, &error) != 0 || sqs_text(in, "NextToken", &text, &error) != 0)
        check_error(&error);
    struct value attributes = value_map_get(in, slice_text("Attributes"));
    if (attributes.type == VALUE_M && sqs_attributes_check(&attributes, slice_text("q"), true, &error) != 0)
        check_error(&error);
}

/* One field for each pair, as the HTTP library gives them: still encoded. */
static void read_query(struct slice query, struct http_fields *fields)
{
    http_fields_reset(fields);
    while (fuzz_more(&query)) {
        struct slice pair = fuzz_until(&query, "&");
        struct slice name = fuzz_until(&pair, "=");
        http_fields_add(fields, name, pair, true);
    }
}

static void form(struct slice input)
{
    static struct http_fields fields;
    struct buf payload = {0}, action = {0}, xml = {0};
    struct err e;
    read_query(fuzz_until(&input, "\n"), &fields);
    if (sqs_form_read(&fields, input, &payload, &action, &e) == 0) {
        fuzz_check(fuzz_value_holds(buf_slice(&payload)));
        struct value in = value_of(buf_slice(&payload));
        fuzz_check(in.type == VALUE_M);
        check_payload(&in);
    } else {
        fuzz_check_err(&e);
    }
    buf_finish(&payload);
    buf_finish(&action);
    buf_finish(&xml);
}

static void json(struct slice input)
{
    struct buf payload = {0};
    struct err e;
    if (json_to_value(parser, input, 20, &payload, &e) == 0) {
        struct value in = value_of(buf_slice(&payload));
        if (in.type == VALUE_M)
            check_payload(&in);
    }
    buf_finish(&payload);
}

static void redrive(struct slice input)
{
    struct sqs_redrive r;
    struct slice region, name;
    if (sqs_redrive_read(input, &r) == 0)
        fuzz_check(r.max_receive_count >= 1 && r.max_receive_count <= 1000 && strlen(r.arn) < sizeof r.arn);
    sqs_redrive_allow_valid(input);
    sqs_redrive_allowed(input, slice_text("arn:aws:sqs:eu-west-1:1:q"));
    if (sqs_read_arn(input, &region, &name) == 0)
        fuzz_check(region.len > 0 && sqs_queue_name_valid(name));
}

/* What a policy becomes can be changed again, and by the same label be undone. */
static void policy(struct slice input)
{
    static const struct sqs_place place = {.region = {(const unsigned char *)"eu", 2},
                                           .account = {(const unsigned char *)"1", 1}};
    static const char request[] = "{\"Label\":\"a\",\"AWSAccountIds\":[\"123456789012\"],\"Actions\":[\"SendMessage\"]}";
    struct buf in = {0}, added = {0}, removed = {0};
    struct sqs_error error = {.code = SQS_NONE};
    struct err e;
    fuzz_check(json_to_value(parser, slice_text(request), 20, &in, &e) == 0);
    struct value v = value_of(buf_slice(&in));
    if (sqs_policy_change(parser, input, &v, true, &place, slice_text("q"), &added, &error) != 0) {
        check_error(&error);
    } else {
        fuzz_check(json_is_valid(buf_slice(&added)));
        fuzz_check(sqs_policy_change(parser, buf_slice(&added), &v, false, &place, slice_text("q"), &removed, &error) == 0);
        fuzz_check(removed.len == 0 || json_is_valid(buf_slice(&removed)));
    }
    buf_finish(&in);
    buf_finish(&added);
    buf_finish(&removed);
}

static void envelope(struct slice input)
{
    struct buf text = {0}, attributes = {0};
    struct sqs_envelope e;
    sqs_body_read(input, slice_text("why"), &text, &attributes, &e);
    fuzz_check(e.body.len == 0 || e.body.ptr);
    fuzz_check(e.attributes.type == VALUE_NONE || e.attributes.type == VALUE_M);
    buf_finish(&text);
    buf_finish(&attributes);
}

/* What is sealed is read, and nothing else is. */
static void handle(struct slice input)
{
    unsigned char secret[16] = {1}, made[HANDLE_BYTES];
    uint64_t seq = fuzz_u64(&input), read;
    uint32_t lease = fuzz_u16(&input), read_lease;
    unsigned at = fuzz_u8(&input), flip = fuzz_u8(&input);
    handle_make(made, secret, seq, lease);
    fuzz_check(handle_read(slice_of(made, sizeof made), secret, &read, &read_lease) && read == seq && read_lease == lease);
    made[at % sizeof made] ^= (unsigned char)flip;
    fuzz_check(handle_read(slice_of(made, sizeof made), secret, &read, &read_lease) == (flip == 0));
    fuzz_check(!handle_read(input, secret, &read, &read_lease));
}

void fuzz_sqs(struct slice input)
{
    static void (*const arms[KINDS])(struct slice) = {
        [FORM] = form, [JSON] = json, [REDRIVE] = redrive, [POLICY] = policy, [ENVELOPE] = envelope, [HANDLE] = handle};
    if (!parser) {
        parser = json_parser_create();
        fuzz_check(parser);
        atexit(destroy);
    }
    unsigned kind = fuzz_u8(&input);
    arms[kind % KINDS](input);
}
