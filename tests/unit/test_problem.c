/* Problem bodies (RFC 9457). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/problem.h"

static void titles_are_made_of_names(void **state)
{
    static const struct {
        const char *name, *title;
    } rows[] = {{"ConditionalCheckFailedException", "Conditional check failed"},
                {"ValidationException", "Validation"},
                {"DeadLettered", "Dead lettered"},
                {"NotFound", "Not found"},
                {"Exception", "Exception"},
                {"", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        problem_put_title(&out, slice_text(rows[i].name));
        assert_true(slice_equal(buf_slice(&out), slice_text(rows[i].title)));
        buf_finish(&out);
    }
}

static void every_error_has_a_body(void **state)
{
    (void)state;
    for (int code = 1; code < ERR_COUNT; code++) {
        struct buf out = {0};
        struct err e;
        err_set(&e, (enum err_code)code, "because");
        problem_put(&out, &e, NULL);
        buf_byte(&out, '\0');
        assert_non_null(strstr((char *)out.data, err_name((enum err_code)code)));
        assert_non_null(strstr((char *)out.data, "\"detail\":\"because\"}"));
        buf_finish(&out);
    }
}

static void a_body_in_full(void **state)
{
    struct buf out = {0};
    struct err e;
    struct id id = {{0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80}};
    (void)state;
    err_set(&e, ERR_TOO_LARGE, "a \"quoted\" text");
    problem_put(&out, &e, &id);
    buf_byte(&out, '\0');
    assert_string_equal(
        (char *)out.data,
        "{\"type\":\"PayloadTooLarge\",\"title\":\"Payload too large\",\"status\":413,\"detail\":\"a \\\"quoted\\\" "
        "text\",\"instance\":\"/jobs/01900000-0000-7000-8000-000000000000\"}");
    buf_finish(&out);
}

static void an_outcome_brings_its_own_members(void **state)
{
    struct buf value = {0}, out = {0};
    (void)state;
    mp_put_map(&value, 3);
    mp_put_text(&value, "message");
    mp_put_text(&value, "The conditional request failed");
    mp_put_text(&value, "Item");
    mp_put_map(&value, 1);
    mp_put_text(&value, "id");
    mp_put_text(&value, "1");
    mp_put_text(&value, "status"); /* one of ours: it must not stand there twice */
    mp_put_text(&value, "x");
    struct value v = value_of(buf_slice(&value));
    assert_int_equal(problem_put_outcome(&out, slice_text("ConditionalCheckFailedException"), &v, NULL), 400);
    buf_byte(&out, '\0');
    assert_string_equal(
        (char *)out.data,
        "{\"type\":\"ConditionalCheckFailedException\",\"title\":\"Conditional check failed\",\"status\":400,\"detail\":"
        "\"The conditional request failed\",\"Item\":{\"id\":\"1\"}}");
    buf_finish(&value);
    buf_finish(&out);
}

static void an_outcome_without_message_still_has_a_body(void **state)
{
    struct buf out = {0};
    struct value none = {.type = VALUE_NONE};
    (void)state;
    assert_int_equal(problem_put_outcome(&out, slice_text("SomethingNew"), &none, NULL), 500);
    buf_byte(&out, '\0');
    assert_string_equal((char *)out.data,
                        "{\"type\":\"SomethingNew\",\"title\":\"Something new\",\"status\":500,\"detail\":\"\"}");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(titles_are_made_of_names),
        cmocka_unit_test(every_error_has_a_body),
        cmocka_unit_test(a_body_in_full),
        cmocka_unit_test(an_outcome_brings_its_own_members),
        cmocka_unit_test(an_outcome_without_message_still_has_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
