/* test_buf.c - the growing buffer: what goes in comes out, growth, failure that is remembered, and slices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

/* Under the sanitizers an impossible allocation shall fail as it does without them, not end the program. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
const char *__tsan_default_options(void) { return "allocator_may_return_null=1"; }

#define assert_holds(b, text)                                                                                                  \
    do {                                                                                                                       \
        assert_int_equal((b)->len, strlen(text));                                                                              \
        assert_memory_equal((b)->data, text, strlen(text));                                                                    \
    } while (0)

static void empty_buffer_owns_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    assert_int_equal(buf_append(&b, NULL, 0), 0);
    assert_null(b.data);
    buf_finish(&b);
    buf_finish(&b);
    struct buf zeroed = {0};
    buf_finish(&zeroed);
}

static void appends_follow_each_other(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    assert_int_equal(buf_text(&b, "one"), 0);
    assert_int_equal(buf_byte(&b, ' '), 0);
    assert_int_equal(buf_append(&b, "two!", 3), 0);
    assert_int_equal(buf_printf(&b, " %d", 3), 0);
    assert_holds(&b, "one two 3");
    assert_false(buf_failed(&b));
    assert_true(slice_equal(buf_slice(&b), slice_text("one two 3")));
    buf_finish(&b);
}

static void capacity_doubles(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    int grown = 0;
    size_t cap = 0;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(buf_byte(&b, (unsigned char)i), 0);
        if (b.cap != cap) {
            assert_true(b.cap >= 2 * cap);
            cap = b.cap;
            grown++;
        }
    }
    assert_in_range(grown, 2, 20);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], i & 0xff);
    buf_finish(&b);
}

static void reserve_leaves_the_content_alone(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    buf_text(&b, "kept");
    assert_int_equal(buf_reserve(&b, 5000), 0);
    assert_true(b.cap - b.len >= 5000);
    assert_holds(&b, "kept");
    unsigned char *before = b.data;
    char filler[5000];
    memset(filler, 'x', sizeof filler);
    assert_int_equal(buf_append(&b, filler, sizeof filler), 0);
    assert_ptr_equal(b.data, before);
    buf_finish(&b);
}

static void reset_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    buf_text(&b, "something");
    unsigned char *before = b.data;
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_ptr_equal(b.data, before);
    buf_text(&b, "new");
    assert_holds(&b, "new");
    buf_finish(&b);
}

static void printf_fits_any_length(void **state)
{
    (void)state;
    char text[600];
    for (size_t len = 0; len < sizeof text; len++) {
        memset(text, 'a', len);
        text[len] = '\0';
        struct buf b;
        buf_init(&b);
        buf_byte(&b, '<');
        assert_int_equal(buf_printf(&b, "%s>", text), 0);
        assert_int_equal(b.len, len + 2);
        assert_int_equal(b.data[0], '<');
        assert_int_equal(b.data[len + 1], '>');
        assert_true(b.len <= b.cap);
        buf_finish(&b);
    }
}

/* No machine gives that much, so these are the ways to run out of memory. */
static void failure_is_remembered(void **state)
{
    (void)state;
    const size_t impossible[] = {SIZE_MAX, SIZE_MAX - 4, SIZE_MAX / 2, SIZE_MAX / 4};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        struct buf b;
        buf_init(&b);
        buf_text(&b, "kept");
        assert_int_equal(buf_reserve(&b, impossible[i]), -1);
        assert_true(buf_failed(&b));
        assert_holds(&b, "kept");
        assert_int_equal(buf_byte(&b, 'x'), -1);
        assert_int_equal(buf_text(&b, "x"), -1);
        assert_int_equal(buf_append(&b, NULL, 0), -1);
        assert_int_equal(buf_printf(&b, "%d", 1), -1);
        assert_int_equal(buf_reserve(&b, 0), -1);
        assert_holds(&b, "kept");
        buf_reset(&b);
        assert_false(buf_failed(&b));
        assert_int_equal(buf_text(&b, "again"), 0);
        assert_holds(&b, "again");
        buf_finish(&b);
    }
}

static void swap_exchanges_all(void **state)
{
    (void)state;
    struct buf a, b;
    buf_init(&a);
    buf_init(&b);
    buf_text(&a, "a");
    buf_swap(&a, &b);
    assert_null(a.data);
    assert_holds(&b, "a");
    a.failed = true;
    buf_swap(&a, &b);
    assert_true(b.failed);
    assert_false(a.failed);
    assert_holds(&a, "a");
    buf_finish(&a);
    buf_finish(&b);
}

static void slices_compare_like_keys(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "a", "aa", "ab", "b", "\x80"};
    const int count = sizeof sorted / sizeof *sorted;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            int order = slice_compare(slice_text(sorted[i]), slice_text(sorted[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(slice_equal(slice_text(sorted[i]), slice_text(sorted[j])), i == j);
        }
}

static void empty_slices_need_no_memory(void **state)
{
    (void)state;
    struct slice nothing = slice_of(NULL, 0);
    assert_true(slice_equal(nothing, slice_text("")));
    assert_int_equal(slice_compare(nothing, nothing), 0);
    assert_true(slice_compare(nothing, slice_text("a")) < 0);
    assert_true(slice_compare(slice_text("a"), nothing) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_buffer_owns_nothing), cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(capacity_doubles),          cmocka_unit_test(reserve_leaves_the_content_alone),
        cmocka_unit_test(reset_keeps_the_memory),    cmocka_unit_test(printf_fits_any_length),
        cmocka_unit_test(failure_is_remembered),     cmocka_unit_test(swap_exchanges_all),
        cmocka_unit_test(slices_compare_like_keys),  cmocka_unit_test(empty_slices_need_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
