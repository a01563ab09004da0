/* The gateway's limits: what is counted, what is refused, and that refusing changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/limit.h"

static struct limit small(void)
{
    struct limit l;
    limit_init(&l, 10000, 60000, 3, 1000);
    return l;
}

static void connections_are_bounded(void **state)
{
    struct limit l = small();
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(limit_open(&l));
    assert_false(limit_open(&l));
    assert_int_equal(l.refused_connections, 1);
    assert_int_equal(l.connections, 3);
    limit_close(&l, LIMIT_FRESH);
    assert_true(limit_open(&l));
}

static void phases_are_counted(void **state)
{
    struct limit l = small();
    (void)state;
    limit_open(&l);
    limit_open(&l);
    assert_int_equal(limit_requests(&l), 0);
    limit_move(&l, LIMIT_FRESH, LIMIT_READING);
    assert_int_equal(limit_requests(&l), 1);
    limit_move(&l, LIMIT_READING, LIMIT_WAITING);
    limit_move(&l, LIMIT_WAITING, LIMIT_SENDING);
    assert_int_equal(limit_requests(&l), 1);
    limit_move(&l, LIMIT_SENDING, LIMIT_IDLE);
    assert_int_equal(limit_requests(&l), 0);
    limit_close(&l, LIMIT_IDLE);
    assert_int_equal(l.connections, 1);
    assert_int_equal(l.phase[LIMIT_FRESH], 1);
}

static void each_phase_has_its_time(void **state)
{
    struct limit l = small();
    (void)state;
    assert_int_equal(limit_deadline(&l, LIMIT_FRESH, 5), 10005);
    assert_int_equal(limit_deadline(&l, LIMIT_READING, 5), 10005);
    assert_int_equal(limit_deadline(&l, LIMIT_IDLE, 5), 60005);
    assert_int_equal(limit_deadline(&l, LIMIT_SENDING, 5), 60005);
    assert_int_equal(limit_deadline(&l, LIMIT_WAITING, 5), INT64_MAX);
    l.idle_timeout_ms = 1000;
    assert_int_equal(limit_deadline(&l, LIMIT_SENDING, 5), 10005);
}

static void bytes_are_bounded_over_all_owners(void **state)
{
    struct limit l = small();
    size_t a = 0, b = 0;
    (void)state;
    assert_true(limit_charge(&l, &a, 600));
    assert_true(limit_charge(&l, &b, 400));
    assert_false(limit_charge(&l, &b, 401));
    assert_int_equal(b, 400);
    assert_int_equal(l.bytes, 1000);
    assert_int_equal(l.refused_bytes, 1);
    assert_true(limit_charge(&l, &a, 100)); /* giving back always works */
    assert_true(limit_charge(&l, &b, 900));
    assert_true(limit_charge(&l, &a, 0));
    assert_true(limit_charge(&l, &b, 0));
    assert_int_equal(l.bytes, 0);
}

static void charging_the_same_again_changes_nothing(void **state)
{
    struct limit l = small();
    size_t a = 0;
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(limit_charge(&l, &a, 1000));
    assert_int_equal(l.bytes, 1000);
}

static void an_absurd_wish_does_not_wrap(void **state)
{
    struct limit l = small();
    size_t a = 0, b = 0;
    (void)state;
    assert_true(limit_charge(&l, &a, 10));
    assert_false(limit_charge(&l, &b, SIZE_MAX));
    assert_int_equal(l.bytes, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(phases_are_counted),
        cmocka_unit_test(each_phase_has_its_time),
        cmocka_unit_test(bytes_are_bounded_over_all_owners),
        cmocka_unit_test(charging_the_same_again_changes_nothing),
        cmocka_unit_test(an_absurd_wish_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
