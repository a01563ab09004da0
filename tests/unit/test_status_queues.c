/* test_status_queues.c - leat status with a few queues, and with ten thousand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/status_queues.h"

static void put(struct buf *out, const char *name, int ready)
{
    mp_put_map(out, 4);
    mp_put_text(out, "name");
    mp_put_text(out, name);
    mp_put_text(out, "ready");
    value_put_int(out, ready);
    mp_put_text(out, "inflight");
    value_put_int(out, 1);
    mp_put_text(out, "delayed");
    value_put_int(out, 2);
}

/* leat-jobs, and `count` queues of which the first is the emptiest; beside them `unnamed` that the broker does not name. */
static const char *shown(int count, int unnamed, struct buf *out)
{
    struct buf list = {0};
    char name[64];
    mp_put_map(&list, unnamed ? 2 : 1);
    if (unnamed) {
        mp_put_text(&list, "otherQueues");
        mp_put_map(&list, 2);
        mp_put_text(&list, "count");
        value_put_int(&list, unnamed);
        mp_put_text(&list, "ready");
        value_put_int(&list, 5);
    }
    mp_put_text(&list, "queues");
    mp_put_array(&list, (uint32_t)count + 1);
    put(&list, "leat-jobs", 0);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "us-east-1/q%d", i);
        put(&list, name, i);
    }
    struct value figures = value_of(buf_slice(&list));
    buf_reset(out);
    status_put_queues(out, &figures);
    buf_byte(out, 0);
    buf_finish(&list);
    return (const char *)out->data;
}

static void leats_own_stand_first(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_string_equal(shown(2, 0, &out), "                                        ready   inflight    delayed\n"
                                           "  leat-jobs                                 0          1          2\n"
                                           "  us-east-1/q1                              1          1          2\n"
                                           "  us-east-1/q0                              0          1          2\n");
    buf_finish(&out);
}

static void many_are_a_line(void **state)
{
    (void)state;
    struct buf out = {0};
    const char *text = shown(10000, 0, &out);
    int lines = 0, rest = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    for (int i = 0; i < 10000 - STATUS_QUEUES_SHOWN; i++)
        rest += i;
    assert_int_equal(lines, 2 + STATUS_QUEUES_SHOWN + 1);
    assert_non_null(strstr(text, "us-east-1/q9999 "));
    assert_non_null(strstr(text, "us-east-1/q9990 "));
    assert_null(strstr(text, "us-east-1/q9989 "));
    char last[128];
    snprintf(last, sizeof last, "  and 9990 more %29d %10d %10d\n", rest, 9990, 2 * 9990);
    assert_string_equal(text + strlen(text) - strlen(last), last);
    assert_null(strstr(shown(STATUS_QUEUES_SHOWN, 0, &out), "more"));
    text = shown(STATUS_QUEUES_SHOWN + 1, 7, &out);
    snprintf(last, sizeof last, "  and 8 more %32d %10d %10d\n", 5, 1, 2); /* the emptiest, and the unnamed */
    assert_string_equal(text + strlen(text) - strlen(last), last);
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leats_own_stand_first),
        cmocka_unit_test(many_are_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
