/* test_mp.c - msgpack: every format's bytes there and back, limits of the cursor, and what damage does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "common/mp.h"
#include "tests/lib/xorshift.h"

#define SEED UINT64_C(0x6d7067b5)
#define ROUNDS 40000

static void assert_bytes(const struct buf *b, const char *bytes, size_t len)
{
    assert_false(buf_failed(b));
    assert_int_equal(b->len, len);
    assert_memory_equal(b->data, bytes, len);
}

/* Text is a literal, so that its NULs count. */
#define ASSERT_BYTES(b, text) assert_bytes(b, text, sizeof text - 1)
#define BYTES(text) slice_of(text, sizeof text - 1)

/* A heap copy without slack: the sanitizer sees the first byte read behind it. */
static unsigned char *exact(struct slice s)
{
    unsigned char *copy = malloc(s.len ? s.len : 1);
    assert_non_null(copy);
    memcpy(copy, s.ptr, s.len);
    return copy;
}

/* -- Writing ------------------------------------------------------------------------------------------------------ */
static void test_scalars_take_their_smallest_form(void **state)
{
    (void)state;
    struct buf b = {0};
    mp_put_nil(&b);
    mp_put_bool(&b, false);
    mp_put_bool(&b, true);
    mp_put_uint(&b, 127);
    mp_put_uint(&b, 128);
    mp_put_uint(&b, 256);
    mp_put_uint(&b, 65536);
    mp_put_uint(&b, UINT64_C(1) << 32);
    mp_put_int(&b, 5);
    mp_put_int(&b, -32);
    mp_put_int(&b, -33);
    mp_put_int(&b, -129);
    ASSERT_BYTES(&b,
                 "\xC0\xC2\xC3\x7F\xCC\x80\xCD\x01\x00\xCE\x00\x01\x00\x00\xCF\x00\x00\x00\x01\x00\x00\x00\x00\x05\xE0\xD0\xDF"
                 "\xD1\xFF\x7F");
    buf_finish(&b);
}

static void test_bytes_and_containers(void **state)
{
    (void)state;
    struct buf b = {0};
    mp_put_text(&b, "hi");
    mp_put_str(&b, "a\0b", 3);
    mp_put_bin(&b, "xyz", 3);
    mp_put_ext(&b, 1, "\x02", 1);
    mp_put_ext(&b, -1, "abc", 3);
    mp_put_array(&b, 2);
    mp_put_map(&b, 1);
    mp_put_raw(&b, BYTES("\xC0"));
    ASSERT_BYTES(&b, "\xA2hi\xA3"
                     "a\0b"
                     "\xC4\x03xyz"
                     "\xD4\x01\x02"
                     "\xC7\x03\xFF"
                     "abc"
                     "\x92\x81\xC0");
    buf_finish(&b);
}

/* An open container must end as the same bytes that the counted header makes, whatever the header's length. */
static void test_open_containers_equal_counted_ones(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 15, 16, 17, 255, 256, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct buf open = {0}, counted = {0};
        mp_put_text(&open, "before");
        size_t outer = mp_open(&open), inner = mp_open(&open);
        for (uint32_t n = 0; n < counts[i]; n++)
            mp_put_uint(&open, n % 100);
        mp_close_array(&open, inner, counts[i]);
        mp_put_nil(&open);
        mp_close_map(&open, outer, 1);

        mp_put_text(&counted, "before");
        mp_put_map(&counted, 1);
        mp_put_array(&counted, counts[i]);
        for (uint32_t n = 0; n < counts[i]; n++)
            mp_put_uint(&counted, n % 100);
        mp_put_nil(&counted);
        assert_bytes(&open, (const char *)counted.data, counted.len);
        buf_finish(&open);
        buf_finish(&counted);
    }
}

static void test_open_ext_equals_counted_one(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 255, 256, 65535, 65536};
    static unsigned char payload[65536];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf open = {0}, counted = {0};
        size_t mark = mp_open(&open);
        buf_append(&open, payload, lengths[i]);
        mp_close_ext(&open, mark, 7);
        mp_put_ext(&counted, 7, payload, lengths[i]);
        assert_bytes(&open, (const char *)counted.data, counted.len);
        buf_finish(&open);
        buf_finish(&counted);
    }
}

static void test_a_failed_buffer_stays_quiet(void **state)
{
    (void)state;
    struct buf b = {0};
    size_t mark = mp_open(&b);
    mp_put_nil(&b);
    b.failed = true;
    mp_put_text(&b, "x");
    mp_close_array(&b, mark, 1);
    mp_close_map(&b, mp_open(&b), 0);
    mp_close_ext(&b, mark, 1);
    assert_true(buf_failed(&b));
    assert_int_equal(b.len, 2);
    buf_reset(&b);
    mp_put_str(&b, "too long for 32 bits", (size_t)UINT32_MAX + 1);
    assert_true(buf_failed(&b));
    assert_int_equal(b.len, 0);
    buf_finish(&b);
}

/* -- Reading ------------------------------------------------------------------------------------------------------ */
static void test_tokens_come_back(void **state)
{
    (void)state;
    struct buf b = {0};
    mp_put_nil(&b);
    mp_put_bool(&b, true);
    mp_put_uint(&b, UINT64_MAX);
    mp_put_int(&b, INT64_MIN);
    mp_put_text(&b, "text");
    mp_put_bin(&b, "bin", 3);
    mp_put_ext(&b, 3, "e", 1);
    mp_put_array(&b, 1);
    mp_put_map(&b, 0);
    struct mp_reader r = mp_reader_of(buf_slice(&b));
    assert_int_equal(mp_peek(&r), MP_NIL);
    assert_int_equal(mp_next(&r).type, MP_NIL);
    assert_true(mp_bool(&r));
    assert_true(mp_uint(&r, UINT64_MAX) == UINT64_MAX);
    assert_int_equal(mp_peek(&r), MP_INT);
    assert_true(mp_int(&r) == INT64_MIN);
    assert_true(slice_equal(mp_str(&r, 4), slice_text("text")));
    assert_true(slice_equal(mp_bin_exact(&r, 3), slice_text("bin")));
    struct mp_token t = mp_next(&r);
    assert_int_equal(t.type, MP_EXT);
    assert_int_equal(t.ext, 3);
    assert_true(slice_equal(t.bytes, slice_text("e")));
    mp_array_exact(&r, 1);
    assert_int_equal(mp_map(&r, 0), 0);
    assert_true(mp_at_end(&r));
    assert_int_equal(mp_peek(&r), MP_ERROR);
    assert_false(r.failed);
    assert_int_equal(mp_next(&r).type, MP_ERROR);
    assert_true(r.failed);
    buf_finish(&b);
}

struct number_row {
    struct slice bytes;
    enum mp_type type;
    int64_t number;
};

static void test_every_width_of_numbers(void **state)
{
    (void)state;
    const struct number_row rows[] = {
        {BYTES("\x00"), MP_UINT, 0},
        {BYTES("\xFF"), MP_INT, -1},
        {BYTES("\xE0"), MP_INT, -32},
        {BYTES("\xCC\xFF"), MP_UINT, 255},
        {BYTES("\xCD\xFF\xFE"), MP_UINT, 65534},
        {BYTES("\xCE\x80\x00\x00\x00"), MP_UINT, INT64_C(0x80000000)},
        {BYTES("\xD0\x80"), MP_INT, -128},
        {BYTES("\xD0\x7F"), MP_UINT, 127},
        {BYTES("\xD1\x80\x00"), MP_INT, -32768},
        {BYTES("\xD2\x80\x00\x00\x00"), MP_INT, INT32_MIN},
        {BYTES("\xD2\x7F\xFF\xFF\xFF"), MP_UINT, INT32_MAX},
        {BYTES("\xD3\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"), MP_INT, -2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mp_reader r = mp_reader_of(rows[i].bytes), again = r;
        assert_int_equal(mp_next(&r).type, rows[i].type);
        assert_true(mp_at_end(&r));
        assert_true(mp_int(&again) == rows[i].number);
    }
}

/* Each read of the wrong type, or above its limit, fails, gives a zero, and fails all reads after it. */
static void test_typed_reads_refuse(void **state)
{
    (void)state;
    struct mp_reader r = mp_reader_of(BYTES("\x05\x05"));
    assert_true(mp_uint(&r, 4) == 0);
    assert_true(r.failed);
    assert_true(mp_uint(&r, 9) == 0);
    assert_false(mp_at_end(&r));

    r = mp_reader_of(BYTES("\xCF\x80\x00\x00\x00\x00\x00\x00\x00"));
    assert_true(mp_int(&r) == 0 && r.failed);
    r = mp_reader_of(BYTES("\xFF"));
    assert_true(mp_uint(&r, UINT64_MAX) == 0 && r.failed);
    r = mp_reader_of(BYTES("\x01"));
    assert_true(!mp_bool(&r) && r.failed);
    r = mp_reader_of(BYTES("\xA3"
                           "abc"));
    assert_true(mp_str(&r, 2).len == 0 && r.failed);
    r = mp_reader_of(BYTES("\xA3"
                           "abc"));
    assert_true(mp_bin(&r, 9).len == 0 && r.failed);
    r = mp_reader_of(BYTES("\xC4\x02"
                           "ab"));
    assert_true(mp_bin_exact(&r, 3).len == 0 && r.failed);
    r = mp_reader_of(BYTES("\x92\x01\x02"));
    assert_true(mp_array(&r, 1) == 0 && r.failed);
    r = mp_reader_of(BYTES("\x91\x01"));
    mp_array_exact(&r, 2);
    assert_true(r.failed);
    r = mp_reader_of(BYTES("\x91\x01"));
    assert_true(mp_map(&r, 9) == 0 && r.failed);
}

static void test_floats_and_the_unused_byte_are_errors(void **state)
{
    (void)state;
    const struct slice rows[] = {BYTES("\xC1"), BYTES("\xCA\x00\x00\x00\x00"), BYTES("\xCB\x00\x00\x00\x00\x00\x00\x00\x00")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mp_reader r = mp_reader_of(rows[i]);
        assert_int_equal(mp_next(&r).type, MP_ERROR);
        assert_true(r.failed);
        assert_false(mp_valid(rows[i], 8));
    }
}

/* Four gigabytes declared, a few bytes there: refused at the header. */
static void test_declared_lengths_are_not_believed(void **state)
{
    (void)state;
    const struct slice rows[] = {
        BYTES("\xDB\xFF\xFF\xFF\xFFx"),
        BYTES("\xC6\xFF\xFF\xFF\xFFx"),
        BYTES("\xC9\xFF\xFF\xFF\xFF\x01x"),
        BYTES("\xDD\xFF\xFF\xFF\xFFx"),
        BYTES("\xDF\x80\x00\x00\x00\x01x"),
        BYTES("\xA2x"),
        BYTES("\x92\x01"),
        BYTES("\x81\x01"),
        BYTES("\xD8\x01xxxxxxxxxxxxxxx"),
        BYTES("\xC7\x01"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char *copy = exact(rows[i]);
        struct mp_reader r = mp_reader_of(slice_of(copy, rows[i].len));
        assert_int_equal(mp_skip(&r).len, 0);
        assert_true(r.failed);
        r = mp_reader_of(slice_of(copy, rows[i].len));
        assert_int_equal(mp_next(&r).type, MP_ERROR);
        free(copy);
    }
}

static void test_skip_returns_one_whole_value(void **state)
{
    (void)state;
    struct slice input = BYTES("\x82\xA1"
                               "a"
                               "\x92\x01\x80\xA1"
                               "b"
                               "\x90\xC0");
    struct mp_reader r = mp_reader_of(input);
    struct slice first = mp_skip(&r);
    assert_int_equal(first.len, input.len - 1);
    assert_ptr_equal(first.ptr, input.ptr);
    assert_int_equal(mp_skip(&r).len, 1);
    assert_true(mp_at_end(&r));
    assert_int_equal(mp_skip(&r).len, 0);
    assert_true(r.failed);
}

static struct slice nested(unsigned char *room, size_t depth)
{
    memset(room, 0x91, depth);
    room[depth] = 0x01;
    return slice_of(room, depth + 1);
}

static void test_depth(void **state)
{
    (void)state;
    unsigned char room[LIMIT_MSGPACK_DEPTH + 8];
    struct slice most = nested(room, LIMIT_MSGPACK_DEPTH);
    struct mp_reader r = mp_reader_of(most);
    assert_int_equal(mp_skip(&r).len, most.len);
    assert_true(mp_valid(most, LIMIT_MSGPACK_DEPTH));
    assert_false(mp_valid(most, LIMIT_MSGPACK_DEPTH - 1));

    struct slice more = nested(room, LIMIT_MSGPACK_DEPTH + 1);
    r = mp_reader_of(more);
    assert_int_equal(mp_skip(&r).len, 0);
    assert_true(r.failed);
    assert_false(mp_valid(more, LIMIT_MSGPACK_DEPTH + 1));

    assert_true(mp_valid(BYTES("\x01"), 0));
    assert_false(mp_valid(BYTES("\x90"), 0));
    assert_true(mp_valid(BYTES("\x90"), 1));
    assert_false(mp_valid(BYTES("\x91\x80"), 1));
}

static void test_valid_is_one_value_of_good_text(void **state)
{
    (void)state;
    assert_true(mp_valid(BYTES("\x81\xA2\xC3\xA4\xC4\x01\xFF"), 4));
    assert_false(mp_valid(BYTES("\x01\x01"), 4));
    assert_false(mp_valid(slice_of(NULL, 0), 4));
    assert_false(mp_valid(BYTES("\xA1\xC3"), 4));
    assert_false(mp_valid(BYTES("\x92\x01\xA2\xC0\x80"), 4));
}

static void test_utf8(void **state)
{
    (void)state;
    const struct slice good[] = {
        BYTES(""),
        BYTES("plain ascii of more than eight bytes"),
        BYTES("\xC2\x80"),
        BYTES("\xE0\xA0\x80"),
        BYTES("\xED\x9F\xBF"),
        BYTES("\xEE\x80\x80"),
        BYTES("\xF0\x90\x80\x80"),
        BYTES("\xF4\x8F\xBF\xBF"),
        BYTES("1234567\xC3\xA4"),
        BYTES("a\0b"),
        BYTES("12345678\xE2\x82\xAC"
              "12345678"),
    };
    const struct slice bad[] = {
        BYTES("\x80"),
        BYTES("\xC0\x80"),
        BYTES("\xC1\xBF"),
        BYTES("\xE0\x9F\xBF"),
        BYTES("\xED\xA0\x80"),
        BYTES("\xED\xBF\xBF"),
        BYTES("\xF0\x8F\xBF\xBF"),
        BYTES("\xF4\x90\x80\x80"),
        BYTES("\xF5\x80\x80\x80"),
        BYTES("\xFF"),
        BYTES("1234567\xC3"),
        BYTES("\xE2\x82"),
        BYTES("\xE2\x28\xA1"),
        BYTES("\xF0\x90\x80\x28"),
        BYTES("12345678\xC3"),
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(utf8_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned char *copy = exact(bad[i]);
        assert_false(utf8_valid(slice_of(copy, bad[i].len)));
        free(copy);
    }
}

/* -- Noise -------------------------------------------------------------------------------------------------------- */

/* Whatever the bytes: a skip ends inside them, and what is valid can be skipped to the end. */
static void test_noise(void **state)
{
    (void)state;
    uint64_t random = SEED;
    for (int round = 0; round < ROUNDS; round++) {
        size_t len = xorshift_below(&random, 64);
        unsigned char *bytes = malloc(len ? len : 1);
        assert_non_null(bytes);
        xorshift_bytes(&random, bytes, len);
        if (len > 0 && round % 2)
            bytes[0] = (unsigned char)(0x80 + xorshift_below(&random, 0x60)); /* more containers than chance has */
        struct mp_reader r = mp_reader_of(slice_of(bytes, len)), tokens = r;
        struct slice skipped = mp_skip(&r);
        assert_true(skipped.len <= len);
        assert_true(r.failed == (skipped.len == 0));
        if (mp_valid(slice_of(bytes, len), LIMIT_MSGPACK_DEPTH))
            assert_int_equal(skipped.len, len);
        for (size_t i = 0; mp_next(&tokens).type != MP_ERROR; i++)
            assert_true(i < len);
        assert_true(tokens.failed);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_take_their_smallest_form),
        cmocka_unit_test(test_bytes_and_containers),
        cmocka_unit_test(test_open_containers_equal_counted_ones),
        cmocka_unit_test(test_open_ext_equals_counted_one),
        cmocka_unit_test(test_a_failed_buffer_stays_quiet),
        cmocka_unit_test(test_tokens_come_back),
        cmocka_unit_test(test_every_width_of_numbers),
        cmocka_unit_test(test_typed_reads_refuse),
        cmocka_unit_test(test_floats_and_the_unused_byte_are_errors),
        cmocka_unit_test(test_declared_lengths_are_not_believed),
        cmocka_unit_test(test_skip_returns_one_whole_value),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_valid_is_one_value_of_good_text),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
