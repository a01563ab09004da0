/* test_queue_rates.c - what leat queue top shows: rates from two looks, and a table that fits any screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/queue_rates.h"
#include "common/item.h"

static void add(struct queue_look *l, const char *path, uint64_t ready, uint64_t entered, uint64_t left)
{
    struct queue_description d = {.name = slice_text(path), .ready = ready, .entered_total = entered, .left_total = left};
    const char *slash = strchr(path, '/');
    queue_look_add(l, slice_text(slash ? slash + 1 : path), &d);
}

static bool near(double a, double b) { return a - b < 0.001 && b - a < 0.001; }

static void two_looks_make_rates(void **state)
{
    (void)state;
    struct queue_look before = {0}, now = {0};
    queue_look_reset(&before, 1000);
    add(&before, "r/a", 0, 10, 10);
    add(&before, "r/gone", 0, 1, 1);
    add(&before, "r/restarted", 0, 500, 400);
    queue_look_reset(&now, 3000);
    add(&now, "r/a", 5, 30, 15);
    add(&now, "r/new", 0, 7, 7);
    add(&now, "r/restarted", 0, 2, 0);
    queue_look_rates(&now, &before);
    assert_true(near(now.at[0].in, 10) && near(now.at[0].out, 2.5));
    assert_true(now.at[1].in < 0 && now.at[1].out < 0); /* seen once only */
    assert_true(now.at[2].in < 0 && now.at[2].out < 0); /* totals that began anew */
    queue_look_rates(&now, &now);                       /* no time has passed */
    assert_true(now.at[0].in < 0);
    queue_look_finish(&before);
    queue_look_finish(&now);
}

static void the_busiest_stand_first(void **state)
{
    (void)state;
    struct queue_look before = {0}, now = {0};
    add(&before, "b", 0, 0, 0);
    for (char name[2] = "a"; name[0] <= 'd'; name[0]++)
        add(&now, name, name[0] == 'c' ? 9 : 0, name[0] == 'b' ? 3 : 0, 0);
    now.at_ms = 1000;
    queue_look_rates(&now, &before);
    queue_look_sort(&now);
    assert_string_equal(now.at[0].name, "b");
    assert_string_equal(now.at[1].name, "c");
    assert_string_equal(now.at[2].name, "a");
    assert_string_equal(now.at[3].name, "d");
    queue_look_finish(&before);
    queue_look_finish(&now);
}

static void numbers_are_short(void **state)
{
    (void)state;
    char text[24];
    assert_string_equal(queue_count_text(0, text), "0");
    assert_string_equal(queue_count_text(99999, text), "99999");
    assert_string_equal(queue_count_text(100000, text), "100.0k");
    assert_string_equal(queue_count_text(999949, text), "999.9k");
    assert_string_equal(queue_count_text(999950, text), "1.0M"); /* and not 1000.0k */
    assert_string_equal(queue_count_text(UINT64_MAX, text), "18.4E");
    assert_string_equal(queue_rate_text(-1, text), "-");
    assert_string_equal(queue_rate_text(0, text), "0");
    assert_string_equal(queue_rate_text(0.4, text), "0.4");
    assert_string_equal(queue_rate_text(12.6, text), "13");
    assert_string_equal(queue_rate_text(99999.7, text), "100.0k");
    assert_string_equal(queue_age_text(0, text), "0s");
    assert_string_equal(queue_age_text(999, text), "999ms");
    assert_string_equal(queue_age_text(119999, text), "119s");
    assert_string_equal(queue_age_text(120000, text), "2m");
    assert_string_equal(queue_age_text(47 * 3600000ll, text), "47h");
    assert_string_equal(queue_age_text(366 * 86400000ll, text), "366d");
}

/* Whatever the screen: no line is wider, there are no more lines than rows, and the name is always there. */
static void a_look_fits_any_screen(void **state)
{
    (void)state;
    struct queue_look l = {0};
    struct buf out = {0};
    char name[120];
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "us-east-1/queue-%d%s", i,
                 i % 2 ? "-with-a-name-that-is-as-long-as-names-of-queues-may-ever-be" : "");
        add(&l, name, (uint64_t)i * 1000003, 0, 0);
        l.at[i].paused = i % 3 == 0;
    }
    for (int columns = 20; columns < 200; columns++)
        for (int rows = 1; rows < 40; rows++) {
            buf_reset(&out);
            queue_look_draw(&l, columns, rows, &out);
            int lines = 0, width = 0;
            for (size_t i = 0; i < out.len; i++) {
                width = out.data[i] == '\n' ? 0 : width + 1;
                lines += out.data[i] == '\n';
                assert_true(width <= columns);
            }
            assert_true(lines <= rows && lines >= 1 && memcmp(out.data, "QUEUE", 5) == 0);
            if (rows >= 2 && rows < 31)
                assert_int_equal(lines, rows);
        }
    buf_finish(&out);
    queue_look_finish(&l);
}

static const char *drawn(const struct queue_look *l, int columns, int rows, struct buf *out)
{
    buf_reset(out);
    queue_look_draw(l, columns, rows, out);
    buf_byte(out, 0);
    return (const char *)out->data;
}

static void the_most_important_columns_stay(void **state)
{
    (void)state;
    struct queue_look l = {0};
    struct buf out = {0};
    assert_string_equal(drawn(&l, 20, 5, &out), "QUEUE          READY\n");
    add(&l, "r/orders", 3, 0, 0);
    add(&l, "r/leat-jobs-dead", 4, 0, 0);
    add(&l, "r/c", 5, 0, 0);
    l.at[0].in = 1.5;
    l.at[0].out = 20;
    assert_string_equal(drawn(&l, 28, 3, &out), "QUEUE          READY    IN/S\n"
                                                "orders             3     1.5\n"
                                                "and 2 more\n");
    assert_string_equal(drawn(&l, 100, 4, &out), "QUEUE            READY INFLIGHT DELAYED    IN/S   OUT/S OLDEST WAITING\n"
                                                 "orders               3        0       0     1.5      20     0s       0\n"
                                                 "leat-jobs-dead       4        0       0       -       -     0s       0\n"
                                                 "c                    5        0       0       -       -     0s       0\n");
    l.at[1].paused = true;
    assert_non_null(strstr(drawn(&l, 50, 4, &out), "leat-jobs-dead (pa~ "));
    buf_finish(&out);
    queue_look_finish(&l);
}

static void lines_and_values_are_for_programs(void **state)
{
    (void)state;
    struct queue_look l = {0};
    struct buf out = {0};
    add(&l, "r/a", 3, 0, 0);
    add(&l, "r/b", 0, 0, 0);
    l.at[0].in = 2.5;
    l.at[0].paused = true;
    queue_look_lines(&l, "T", 1, &out);
    buf_byte(&out, 0);
    assert_string_equal((const char *)out.data,
                        "T queue=a ready=3 inflight=0 delayed=0 in=2.5 out=- oldest=0s receivers=0 paused\n");
    buf_reset(&out);
    queue_look_value(&l, 77, 10, &out);
    struct value v = value_of(buf_slice(&out)), queues = value_map_get(&v, slice_text("queues")),
                 first = value_list_get(&queues, 0);
    assert_true(queues.type == VALUE_L && queues.count == 2);
    struct value in = value_map_get(&first, slice_text("inPerSecond")),
                 gone = value_map_get(&first, slice_text("outPerSecond"));
    assert_true(in.type == VALUE_N && gone.type == VALUE_NULL);
    buf_finish(&out);
    queue_look_finish(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_looks_make_rates),
        cmocka_unit_test(the_busiest_stand_first),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(a_look_fits_any_screen),
        cmocka_unit_test(the_most_important_columns_stay),
        cmocka_unit_test(lines_and_values_are_for_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
