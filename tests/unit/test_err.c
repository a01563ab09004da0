/* test_err.c - the table of errors: every row can be looked up both ways, and sentences are filled and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/err.h"

static void set_fills_code_and_sentence(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_VALIDATION, "key \"%s\" has %d parts", "id", 2), -1);
    assert_int_equal(e.code, ERR_VALIDATION);
    assert_string_equal(e.text, "key \"id\" has 2 parts");
    assert_int_equal(err_set(NULL, ERR_VALIDATION, "nobody listens"), -1);
}

static void long_sentences_are_cut(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err e;
    err_set(&e, ERR_INTERNAL, "%s", text);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_memory_equal(e.text, text, sizeof e.text - 1);
}

static void rows_read_as_they_are_written(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_NONE), "");
    assert_int_equal(err_http_status(ERR_NONE), 200);
    assert_string_equal(err_name(ERR_CONDITION_FAILED), "ConditionalCheckFailedException");
    assert_int_equal(err_http_status(ERR_CONDITION_FAILED), 400);
    assert_false(err_may_retry(ERR_CONDITION_FAILED));
    assert_int_equal(err_http_status(ERR_UNAVAILABLE), 503);
    assert_true(err_may_retry(ERR_UNAVAILABLE));
    assert_int_equal(err_http_status(ERR_DISK_FULL), 507);
    assert_true(err_may_retry(ERR_TIMEOUT));
}

static void every_name_finds_its_code(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_COUNT; code++) {
        const char *name = err_name((enum err_code)code);
        assert_int_equal(err_by_name(name, strlen(name)), code);
        assert_in_range(err_http_status((enum err_code)code), 200, 599);
    }
}

static void unknown_reads_as_internal(void **state)
{
    (void)state;
    assert_int_equal(err_by_name("NoSuchException", 15), ERR_INTERNAL);
    assert_int_equal(err_by_name("ValidationExceptio", 18), ERR_INTERNAL);
    assert_int_equal(err_by_name("ValidationException!", 20), ERR_INTERNAL);
    assert_int_equal(err_by_name("ValidationException!", 19), ERR_VALIDATION);
    const int outside[] = {-1, ERR_COUNT, 1 << 30};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_string_equal(err_name((enum err_code)outside[i]), "InternalServerError");
        assert_int_equal(err_http_status((enum err_code)outside[i]), 500);
        assert_true(err_may_retry((enum err_code)outside[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_code_and_sentence),   cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(rows_read_as_they_are_written), cmocka_unit_test(every_name_finds_its_code),
        cmocka_unit_test(unknown_reads_as_internal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
