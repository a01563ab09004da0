/* test_bench_report.c - what people and programs are shown: numbers as text, axes, the JSON file, the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_plot.h"
#include "cli/bench_report.h"
#include "cli/bench_text.h"
#include "common/json.h"
#include "common/limits.h"

static char text[BENCH_TEXT_BYTES];

static void counts(void **state)
{
    (void)state;
    assert_string_equal(bench_text_count(0, text), "0");
    assert_string_equal(bench_text_count(999, text), "999");
    assert_string_equal(bench_text_count(1000, text), "1,000");
    assert_string_equal(bench_text_count(123456, text), "123,456");
    assert_string_equal(bench_text_count(1234567, text), "1,234,567");
    assert_string_equal(bench_text_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

static void times(void **state)
{
    (void)state;
    assert_string_equal(bench_text_us(0, text), "0 us");
    assert_string_equal(bench_text_us(999, text), "999 us");
    assert_string_equal(bench_text_us(1000, text), "1.00 ms");
    assert_string_equal(bench_text_us(12345, text), "12.34 ms");
    assert_string_equal(bench_text_us(123456, text), "123.4 ms");
    assert_string_equal(bench_text_us(1050000, text), "1.05 s");
    assert_string_equal(bench_text_us(61000000, text), "61.0 s");
    assert_string_equal(bench_text_ms(12345, text), "12.3 s");
}

static void shares_and_bytes(void **state)
{
    (void)state;
    assert_string_equal(bench_text_percent(0, 0, text), "0.00 %");
    assert_string_equal(bench_text_percent(1, 2000, text), "0.05 %");
    assert_string_equal(bench_text_percent(7, 7, text), "100.00 %");
    assert_string_equal(bench_text_bytes(0, text), "0.0 KiB");
    assert_string_equal(bench_text_bytes(1536, text), "1.5 KiB");
    assert_string_equal(bench_text_bytes(UINT64_C(3) << 40, text), "3.0 TiB");
    assert_string_equal(bench_text_bytes(UINT64_C(5000) << 40, text), "5000.0 TiB");
}

static void steps_are_round(void **state)
{
    (void)state;
    static const struct {
        uint64_t most;
        unsigned parts;
        uint64_t step;
    } rows[] = {{0, 5, 1},         {1, 5, 1},           {5, 5, 1},         {6, 5, 2},   {10, 5, 2},
                {11, 5, 5},        {25, 5, 5},          {26, 5, 10},       {51, 5, 20}, {31234, 5, 10000},
                {87000, 5, 20000}, {250001, 5, 100000}, {86400, 12, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (bench_plot_step(rows[i].most, rows[i].parts) != rows[i].step)
            fail_msg("row %zu: %llu", i, (unsigned long long)bench_plot_step(rows[i].most, rows[i].parts));
    for (uint64_t most = 1; most < UINT64_MAX / 1000; most = most * 3 + 1)
        assert_true(bench_plot_step(most, 5) * 5 >= most);
}

/* -- A test that was never run --------------------------------------------------------------------------------------------------- */
struct fixture {
    struct bench_tally tally;
    struct bench_settings settings;
    struct bench_story story;
    struct buf out;
};

static char url[] = "http://host/?<script>alert(1)</script>&\"'", profile[] = "peak", jobs[] = "create=1";

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    f->settings = (struct bench_settings){.url = url, .profile_name = profile, .mix = jobs, .users = 12, .batch = 1};
    f->story = (struct bench_story){.s = &f->settings, .t = &f->tally, .where = url, .cpu_percent = 12};
    bench_tally_start(&f->tally, 4000, 0);
    for (int second = 1; second <= 4; second++) {
        for (int i = 0; i < 1000; i++)
            bench_tally_ok(&f->tally, 500 + i * second);
        bench_tally_status(&f->tally, 503, slice_text("<b>\"busy\"</b>"));
        if (second < 4)
            bench_tally_second(&f->tally, (uint64_t)second * 3, second * INT64_C(1000000));
    }
    bench_tally_stop(&f->tally, 12, 4000000);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    buf_finish(&f->out);
    free(f);
    return 0;
}

static int64_t number(const struct value *map, const char *name)
{
    struct value v = value_map_get(map, slice_text(name));
    int64_t n = -1;
    if (!value_to_int(&v, &n))
        fail_msg("%s is no number", name);
    return n;
}

static void json_is_json(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct buf space = {0};
    struct json_parser *parser = json_parser_create();
    bench_report_json(&f->story, &f->out);
    if (json_to_value(parser, buf_slice(&f->out), LIMIT_JSON_DEPTH, &space, &e) != 0)
        fail_msg("%s", e.text);
    struct value all = value_of(buf_slice(&space)), whole = value_map_get(&all, slice_text("whole"));
    assert_int_equal(number(&whole, "requests"), 4004);
    assert_int_equal(number(&whole, "errors"), 4);
    assert_int_equal(number(&whole, "per_second"), 1001);
    assert_int_equal(number(&whole, "users"), 12);
    struct value target = value_map_get(&all, slice_text("target"));
    assert_true(slice_equal(target.bytes, slice_text(url)));
    struct value samples = value_map_get(&all, slice_text("samples")), errors = value_map_get(&all, slice_text("errors"));
    assert_int_equal(samples.count, 4);
    assert_int_equal(errors.count, 1);
    struct value third = value_list_get(&samples, 2), kind = value_list_get(&errors, 0);
    assert_int_equal(number(&third, "at_ms"), 3000);
    assert_int_equal(number(&third, "users"), 9);
    assert_int_equal(number(&third, "requests"), 1001);
    assert_int_equal(number(&kind, "count"), 4);
    buf_finish(&space);
    json_parser_destroy(&parser);
}

static size_t times_in(const struct buf *b, const char *word)
{
    size_t count = 0, len = strlen(word);
    for (const unsigned char *at = b->data; (at = memmem(at, b->len - (size_t)(at - b->data), word, len)); at += len)
        count++;
    return count;
}

static void the_page_stands_by_itself(void **state)
{
    struct fixture *f = *state;
    bench_report_html(&f->story, &f->out);
    assert_false(buf_failed(&f->out));
    assert_int_equal(times_in(&f->out, "<svg "), 3);
    assert_int_equal(times_in(&f->out, "</svg>"), 3);
    assert_int_equal(times_in(&f->out, "<polyline "), 2 + 4 + 1);
    assert_int_equal(times_in(&f->out, "<rect class=\"strip\""), 3 * 4);
    assert_int_equal(times_in(&f->out, "<script"), 0);
    assert_int_equal(times_in(&f->out, "<b>\"busy"), 0);
    assert_int_equal(times_in(&f->out, "&#60;b&#62;"), 1);
    assert_int_equal(times_in(&f->out, " src="), 0);
    assert_int_equal(times_in(&f->out, " href="), 0);
    assert_int_equal(times_in(&f->out, "nan"), 0);
    assert_int_equal(times_in(&f->out, "4,004"), 1);
}

/* Every point of every line lies inside of the picture. */
static void lines_stay_inside(void **state)
{
    struct fixture *f = *state;
    bench_report_html(&f->story, &f->out);
    buf_byte(&f->out, 0);
    unsigned points = 0;
    for (const char *at = (const char *)f->out.data; (at = strstr(at, "<circle r=\"2.5\"")); at++, points++) {
        unsigned x, y;
        assert_int_equal(sscanf(strstr(at, "cx="), "cx=\"%u.%*u\" cy=\"%u", &x, &y), 2);
        assert_in_range(x, 0, 960);
        assert_in_range(y, 0, 250);
    }
    assert_int_equal(points, 7 * 4);
}

static void without_errors_there_is_no_line_for_them(void **state)
{
    struct fixture *f = *state;
    memset(&f->tally, 0, sizeof f->tally);
    bench_tally_start(&f->tally, 1000, 0);
    bench_tally_ok(&f->tally, 10);
    bench_tally_stop(&f->tally, 1, 1000000);
    bench_report_html(&f->story, &f->out);
    assert_int_equal(times_in(&f->out, "errors a second"), 0);
    assert_int_equal(times_in(&f->out, "<svg "), 3);
}

static void a_test_without_an_answer_can_be_shown(void **state)
{
    struct fixture *f = *state;
    memset(&f->tally, 0, sizeof f->tally);
    bench_tally_start(&f->tally, 1000, 0);
    bench_tally_stop(&f->tally, 0, 0);
    bench_report_html(&f->story, &f->out);
    bench_report_json(&f->story, &f->out);
    assert_false(buf_failed(&f->out));
}

static void the_summary(void **state)
{
    struct fixture *f = *state;
    char *shown = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&shown, &len);
    assert_non_null(out);
    bench_report_summary(&f->story, out);
    fclose(out);
    assert_non_null(strstr(shown, "4,004   1,001/s"));
    assert_non_null(strstr(shown, "0.09 %"));
    assert_non_null(strstr(shown, "p99.9"));
    assert_non_null(strstr(shown, "HTTP 503"));
    assert_null(strstr(shown, "a core"));
    free(shown);
    f->story.cpu_percent = 99;
    out = open_memstream(&shown, &len);
    bench_report_summary(&f->story, out);
    fclose(out);
    assert_non_null(strstr(shown, "99 % of a core"));
    free(shown);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(times),
        cmocka_unit_test(shares_and_bytes),
        cmocka_unit_test(steps_are_round),
        TEST(json_is_json),
        TEST(the_page_stands_by_itself),
        TEST(lines_stay_inside),
        TEST(without_errors_there_is_no_line_for_them),
        TEST(a_test_without_an_answer_can_be_shown),
        TEST(the_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
