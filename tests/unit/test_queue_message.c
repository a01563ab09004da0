/* test_queue_message.c - what leat queue send sends, read from flags and from lines of JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/queue_message.h"
#include "common/json.h"

struct desk {
    struct json_parser *json;
    struct buf in, body, attributes, envelope;
    unsigned char key[SQS_KEY_BYTES];
    struct queue_message m;
    struct queue_send send;
    struct err e;
};

static int setup(void **state)
{
    static struct desk d;
    memset(&d, 0, sizeof d);
    d.json = json_parser_create();
    *state = &d;
    return d.json ? 0 : -1;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    json_parser_destroy(&d->json);
    buf_finish(&d->in);
    buf_finish(&d->body);
    buf_finish(&d->attributes);
    buf_finish(&d->envelope);
    return 0;
}

static int read_line(struct desk *d, const char *json)
{
    buf_reset(&d->in);
    if (json_to_value(d->json, slice_text(json), 20, &d->in, &d->e) != 0)
        fail_msg("%s: %s", json, d->e.text);
    struct value line = value_of(buf_slice(&d->in));
    return queue_message_of_value(&line, &d->m, &d->body, &d->attributes, &d->e);
}

static int request(struct desk *d, bool fifo)
{
    buf_reset(&d->envelope);
    return queue_message_request(&d->m, fifo, &d->envelope, d->key, &d->send, &d->e);
}

static void flags_describe_a_message(void **state)
{
    struct desk *d = *state;
    char *words[] = {"a=b=c", "n:Number=5", "x:Binary=AAE="};
    struct queue_settings s = {.group = "g", .delay_ms = 366ll * 86400000, .priority = 3, .attributes = {words, 3}};
    struct envelope e;
    struct envelope_attribute a, n, x;
    assert_int_equal(queue_message_of_flags(&s, &d->m, &d->attributes, &d->e), 0);
    d->m.body = slice_text("hello");
    assert_int_equal(request(d, false), 0);
    assert_true(d->send.delay_ms == 366ll * 86400000 && d->send.priority == 3 && d->send.group != 0);
    assert_int_equal(envelope_decode(d->send.body, &e), 0);
    assert_true(envelope_next(&e, &a) && envelope_next(&e, &n) && envelope_next(&e, &x) && !envelope_next(&e, &x));
    assert_true(slice_equal(a.value, slice_text("b=c")) && slice_equal(n.value, slice_text("5")));
    assert_true(slice_equal(x.value, slice_of("\0\1", 2)));
    for (int i = 0; i < 2; i++) {
        words[0] = i ? "=x" : "no sign";
        buf_reset(&d->attributes);
        assert_int_equal(queue_message_of_flags(&s, &d->m, &d->attributes, &d->e), -1);
    }
}

static void a_line_is_put_over_the_flags(void **state)
{
    struct desk *d = *state;
    struct queue_settings s = {.group = "flag", .delay_ms = 5000, .priority = 1};
    assert_int_equal(queue_message_of_flags(&s, &d->m, &d->attributes, &d->e), 0);
    struct queue_message preset = d->m;
    assert_int_equal(read_line(d, "{\"body\":\"x\"}"), 0);
    assert_true(d->m.delay_ms == 5000 && d->m.priority == 1 && slice_equal(d->m.group, slice_text("flag")));
    d->m = preset;
    assert_int_equal(
        read_line(d, "{\"body\":{\"a\":[1.50]},\"groupId\":\"line\",\"delaySeconds\":0,\"priority\":0,\"sequence\":9}"), 0);
    assert_true(d->m.delay_ms == 0 && d->m.priority == 0 && slice_equal(d->m.group, slice_text("line")));
    assert_true(slice_equal(d->m.body, slice_text("{\"a\":[1.5]}")));
}

static void a_wrong_line_is_refused(void **state)
{
    static const char *const lines[] = {"[]",
                                        "{}",
                                        "{\"body\":\"x\",\"colour\":1}",
                                        "{\"body\":\"x\",\"groupId\":5}",
                                        "{\"body\":\"x\",\"priority\":4}",
                                        "{\"body\":\"x\",\"priority\":\"1\"}",
                                        "{\"body\":\"x\",\"delaySeconds\":1.5}",
                                        "{\"body\":\"x\",\"delaySeconds\":31622401}",
                                        "{\"body\":\"x\",\"attributes\":[]}",
                                        "{\"body\":\"x\",\"attributes\":{\"a\":5}}"};
    struct desk *d = *state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        d->m = (struct queue_message){.attributes = {.type = VALUE_NONE}, .delay_ms = QUEUE_DEFAULT};
        d->e.code = ERR_NONE;
        if (read_line(d, lines[i]) == 0 || d->e.code != ERR_BAD_REQUEST)
            fail_msg("%s was taken", lines[i]);
    }
}

static void fifo_queues_have_their_rules(void **state)
{
    struct desk *d = *state;
    d->m = (struct queue_message){.body = slice_text("x"), .attributes = {.type = VALUE_NONE}, .delay_ms = QUEUE_DEFAULT};
    assert_int_equal(request(d, true), -1); /* no group */
    d->m.group = slice_text("g");
    assert_int_equal(request(d, true), 0);
    assert_true(d->send.flags == QUEUE_CONTENT_KEY && d->send.key.len == SQS_KEY_BYTES);
    d->m.priority = 1;
    assert_int_equal(request(d, true), -1);
    d->m.priority = 0;
    d->m.delay_ms = 1000;
    assert_int_equal(request(d, true), -1);
    d->m.delay_ms = 0;
    assert_int_equal(request(d, true), 0);
    d->m.group = slice_text("not valid");
    assert_int_equal(request(d, true), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(flags_describe_a_message),
        TEST(a_line_is_put_over_the_flags),
        TEST(a_wrong_line_is_refused),
        TEST(fifo_queues_have_their_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
