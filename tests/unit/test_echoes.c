/* test_echoes.c - echoes that take their time: a story of one worker's line with a clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/op.h"
#include "worker/echoes.h"

#define DELAY_MS 5

struct line {
    struct echoes echoes;
    struct buf echo, ping;
    char jobs[64]; /* 'e' or 'p', the head first */
    int64_t now_ms;
};

static void body(struct buf *b, enum op_code code)
{
    op_encode(b, &(struct op){.code = code, .table = slice_text(""), .payload = {.type = VALUE_NONE}});
}

static int setup(void **state)
{
    static struct line l;
    memset(&l, 0, sizeof l);
    body(&l.echo, OP_ECHO);
    body(&l.ping, OP_PING);
    echoes_init(&l.echoes, DELAY_MS);
    l.now_ms = 1000;
    *state = &l;
    return 0;
}

static int teardown(void **state)
{
    struct line *l = *state;
    buf_finish(&l->echo);
    buf_finish(&l->ping);
    return 0;
}

static void in_line(struct line *l, const char *jobs) { snprintf(l->jobs, sizeof l->jobs, "%s", jobs); }

/* As the child does it; returns how many are committed. */
static size_t turn(struct line *l)
{
    size_t count = 0, len = strlen(l->jobs);
    echoes_look(&l->echoes, l->now_ms);
    while (count < len && !echoes_stop(&l->echoes, count, buf_slice(l->jobs[count] == 'e' ? &l->echo : &l->ping)))
        count++;
    if (count == 0 || echoes_hold(&l->echoes, count))
        return 0;
    memmove(l->jobs, l->jobs + count, len - count + 1);
    echoes_ended(&l->echoes, count);
    return count;
}

/* Sleeps until the next deadline, then a turn. */
static size_t next(struct line *l)
{
    int64_t due_ms = echoes_deadline(&l->echoes);
    assert_true(due_ms != INT64_MAX && due_ms >= l->now_ms);
    l->now_ms = due_ms;
    return turn(l);
}

static void one_echo_is_committed_when_it_is_over(void **state)
{
    struct line *l = *state;
    in_line(l, "e");
    assert_int_equal(turn(l), 0);
    assert_int_equal(echoes_deadline(&l->echoes), 1005);
    l->now_ms = 1004;
    assert_int_equal(turn(l), 0);
    assert_int_equal(next(l), 1);
    assert_int_equal(echoes_deadline(&l->echoes), INT64_MAX);
}

static void many_take_their_time_one_after_the_other_and_share_commits(void **state)
{
    struct line *l = *state;
    size_t done = 0, commits = 0;
    memset(l->jobs, 'e', 40);
    turn(l);
    while (done < 40) {
        size_t count = next(l);
        done += count;
        commits += count > 0;
        assert_true(done <= (size_t)(l->now_ms - 1000) / DELAY_MS);
    }
    assert_int_equal(l->now_ms, 1000 + 40 * DELAY_MS);
    assert_in_range(commits, 8, 10);
}

static void who_is_held_up_does_not_catch_up(void **state)
{
    struct line *l = *state;
    in_line(l, "eee");
    turn(l);
    l->now_ms = 1300;
    assert_int_equal(turn(l), 1);
    assert_int_equal(echoes_deadline(&l->echoes), 1305);
}

static void other_jobs_keep_their_place_between_echoes(void **state)
{
    struct line *l = *state;
    in_line(l, "ppepe");
    assert_int_equal(turn(l), 2);
    assert_int_equal(turn(l), 0);
    assert_int_equal(next(l), 1);
    assert_int_equal(turn(l), 1);
    assert_int_equal(turn(l), 0);
    assert_int_equal(next(l), 1);
}

static void a_long_echo_behind_it_holds_up_nobody_for_long(void **state)
{
    struct line *l = *state;
    echoes_init(&l->echoes, 10000);
    in_line(l, "ee");
    turn(l);
    assert_int_equal(next(l), 0);
    assert_int_equal(l->now_ms, 11000);
    assert_int_equal(next(l), 1);
    assert_int_equal(l->now_ms, 11000 + ECHO_HOLD_MS);
    assert_int_equal(next(l), 1);
    assert_int_equal(l->now_ms, 21000);
}

static void what_was_not_applied_yet_is_still_over(void **state)
{
    struct line *l = *state;
    memset(l->jobs, 'e', 3);
    turn(l);
    l->now_ms = 1005;
    echoes_look(&l->echoes, l->now_ms);
    assert_false(echoes_stop(&l->echoes, 0, buf_slice(&l->echo)));
    assert_true(echoes_stop(&l->echoes, 1, buf_slice(&l->echo)));
    echoes_ended(&l->echoes, 0);
    l->now_ms = 1010;
    assert_int_equal(turn(l), 0); /* two are over, the third runs: held */
    assert_int_equal(next(l), 3);
    echoes_reset(&l->echoes);
    assert_int_equal(echoes_deadline(&l->echoes), INT64_MAX);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_echo_is_committed_when_it_is_over),
        TEST(many_take_their_time_one_after_the_other_and_share_commits),
        TEST(who_is_held_up_does_not_catch_up),
        TEST(other_jobs_keep_their_place_between_echoes),
        TEST(a_long_echo_behind_it_holds_up_nobody_for_long),
        TEST(what_was_not_applied_yet_is_still_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
