/* test_id.c - job ids: their layout, their order, their text; and the clock's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/id.h"

#define WALL_MS 0x017f22e279b0ll /* the example of RFC 9562, A.6 */

static struct id_maker fixed_maker(void) { return (struct id_maker){.random = {1, 2}}; }

static void layout_is_uuid_version_7(void **state)
{
    (void)state;
    struct id_maker m = fixed_maker();
    for (int slice = 0; slice < 256; slice++) {
        struct id id = id_make(&m, WALL_MS, (uint8_t)slice);
        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
        assert_int_equal(id.bytes[15], slice);
        assert_int_equal(id_slice(&id), slice);
    }
}

static void starts_with_the_time(void **state)
{
    (void)state;
    struct id_maker m = fixed_maker();
    struct id id = id_make(&m, WALL_MS, 0);
    static const unsigned char time[] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0};
    assert_memory_equal(id.bytes, time, sizeof time);
}

/* A million ids, while the clock stands, runs, jumps back and runs again. */
static void strictly_increasing(void **state)
{
    (void)state;
    struct id_maker m = fixed_maker();
    struct id last = id_make(&m, WALL_MS, 0);
    for (int i = 0; i < 1000000; i++) {
        int64_t now = i < 100000 ? WALL_MS : i < 500000 ? WALL_MS + i / 50 : i < 700000 ? WALL_MS - 5000 : WALL_MS + i / 100;
        struct id id = id_make(&m, now, 0);
        assert_true(memcmp(id.bytes, last.bytes, 8) > 0);
        last = id;
    }
    assert_true(m.last_ms < WALL_MS + 20000);
}

static void makers_differ(void **state)
{
    (void)state;
    struct id_maker a, b;
    assert_int_equal(id_maker_init(&a), 0);
    assert_int_equal(id_maker_init(&b), 0);
    assert_memory_not_equal(a.random, b.random, sizeof a.random);
    struct id x = id_make(&a, WALL_MS, 7), y = id_make(&b, WALL_MS, 7);
    assert_false(id_equal(&x, &y));
    assert_true(id_equal(&x, &x));
}

static void text_round_trip(void **state)
{
    (void)state;
    struct id_maker m = fixed_maker();
    for (int i = 0; i < 1000; i++) {
        struct id id = id_make(&m, WALL_MS + i, (uint8_t)i), read;
        char text[ID_TEXT_BYTES];
        id_format(&id, text);
        assert_int_equal(strlen(text), 36);
        assert_int_equal(id_parse(text, 36, &read), 0);
        assert_true(id_equal(&id, &read));
    }
}

static void text_is_the_usual_one(void **state)
{
    (void)state;
    struct id id;
    char text[ID_TEXT_BYTES];
    assert_int_equal(id_parse("017F22e2-79b0-7CC3-98c4-DC0c0c07398f", 36, &id), 0);
    id_format(&id, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_int_equal(id_slice(&id), 0x8f);
}

static void other_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "017f22e2",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",   /* short */
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", /* long */
        "017f22e279b0-7cc3-98c4-dc0c0c07398f",   /* a dash is missing */
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",  /* no digit */
        "017f22e2-79b0-7cc3-98c4 dc0c0c07398f",  /* no dash */
        "017f22e2-79b0-7cc398c4--dc0c0c07398f",  /* a dash elsewhere */
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398\x80",
    };
    struct id id, before;
    memset(&id, 0x55, sizeof id);
    before = id;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(id_parse(bad[i], strlen(bad[i]), &id), -1);
    assert_memory_equal(&id, &before, sizeof id);
    static const char good[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
    for (size_t at = 0; at < 36; at++) { /* every place is looked at */
        char text[ID_TEXT_BYTES];
        memcpy(text, good, sizeof text);
        text[at] = 'x';
        assert_int_equal(id_parse(text, 36, &id), -1);
    }
}

static void clock_text(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {999, "1970-01-01T00:00:00.999Z"},
        {1795251600123, "2026-11-21T09:00:00.123Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {-1, "1970-01-01T00:00:00.000Z"},
        {INT64_MIN, "1970-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[25];
        clock_format(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void clocks_run(void **state)
{
    (void)state;
    int64_t us = clock_mono_us(), ms = clock_mono_ms();
    assert_true(ms >= us / 1000);
    assert_true(clock_mono_us() >= us);
    assert_true(clock_wall_ms() > 1600000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_uuid_version_7),
        cmocka_unit_test(starts_with_the_time),
        cmocka_unit_test(strictly_increasing),
        cmocka_unit_test(makers_differ),
        cmocka_unit_test(text_round_trip),
        cmocka_unit_test(text_is_the_usual_one),
        cmocka_unit_test(other_text_is_refused),
        cmocka_unit_test(clock_text),
        cmocka_unit_test(clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
