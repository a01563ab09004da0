/* test_envelope.c - the envelope of a queue's message, there and back, and cut off everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/envelope.h"

static void assert_text(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

static void test_envelopes(void **state)
{
    (void)state;
    struct envelope_attribute attributes[] = {{slice_text("a"), slice_text("String"), slice_text("1")},
                                              {slice_text("b"), slice_text("Binary.x"), slice_of("\0\xff", 2)}},
                              attribute;
    struct envelope sent = {.body = slice_text("h\xc3\xa4llo"),
                            .group_id = slice_text("g"),
                            .deduplication_id = slice_text("d"),
                            .sender_id = slice_text("s"),
                            .trace_header = slice_text("t"),
                            .attributes = attributes,
                            .attribute_count = 2},
                    got;
    struct buf b = {0};
    envelope_encode(&b, &sent);
    assert_int_equal(envelope_decode(buf_slice(&b), &got), 0);
    assert_text(got.body, "h\xc3\xa4llo");
    assert_text(got.group_id, "g");
    assert_text(got.deduplication_id, "d");
    assert_text(got.sender_id, "s");
    assert_text(got.trace_header, "t");
    assert_true(envelope_next(&got, &attribute));
    assert_text(attribute.name, "a");
    assert_true(envelope_next(&got, &attribute));
    assert_text(attribute.type, "Binary.x");
    assert_int_equal(attribute.value.len, 2);
    assert_false(envelope_next(&got, &attribute));
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(envelope_decode(slice_of(b.data, len), &got), -1);
    assert_int_equal(envelope_decode(slice_of("\x92\x05\xa0", 3), &got), -1); /* an operation */
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
