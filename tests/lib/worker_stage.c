/* worker_stage.c - see worker_stage.h. */
#include "tests/lib/worker_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void on_jobs(void *self, uint64_t low_seq, struct msg *jobs)
{
    struct stage *s = self;
    struct msg_job job;
    buf_printf(&s->text, "jobs %d:", (int)low_seq);
    while (msg_next_job(jobs, &job))
        buf_printf(&s->text, " %d/%u", (int)job.seq, job.lease);
    buf_text(&s->text, "\n");
}

static void on_calls(void *self, struct msg *calls)
{
    struct stage *s = self;
    struct msg_call call;
    buf_text(&s->text, "calls:");
    while (msg_next_calls(calls, &call))
        buf_printf(&s->text, " %d", (int)call.call);
    buf_text(&s->text, "\n");
}

static void on_link(void *self, bool up)
{
    struct stage *s = self;
    buf_text(&s->text, up ? "link up\n" : "link down\n");
    if (up && s->credit_when_up)
        queue_worker_credit(s->worker, 100, 10);
}

static void on_left(void *self) { buf_text(&((struct stage *)self)->text, "left\n"); }

const struct queue_worker_events stage_events = {on_jobs, on_calls, on_link, on_left};

void stage_turn(void *self)
{
    struct stage *s = self;
    queue_worker_process(s->worker, s->now_ms);
    queue_worker_flush(s->worker, s->now_ms, &s->beat);
}

int stage_setup(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    struct err e = {0};
    char name[] = "worker-1", catalog[] = "schemas";
    assert_non_null(s);
    s->now_ms = 5000;
    fake_broker_open(&s->broker, stage_turn, s);
    struct msg_join join = {.name = slice_text(name), .incarnation = 7, .pid = 11, .guard_pid = 10};
    join.catalog = slice_text(catalog);
    s->worker = queue_worker_create(s->broker.endpoint, &join, &stage_events, s, s->now_ms, &e);
    assert_non_null(s->worker);
    memset(name, 'x', sizeof name); /* both are copied */
    memset(catalog, 'x', sizeof catalog);
    *state = s;
    return 0;
}

int stage_teardown(void **state)
{
    struct stage *s = *state;
    queue_worker_destroy(&s->worker);
    fake_broker_close(&s->broker);
    buf_finish(&s->text);
    free(s);
    return 0;
}

void stage_settle(struct stage *s, const char *expected)
{
    fake_broker_settle(&s->broker, queue_worker_fd(s->worker), &s->text, expected);
}

void stage_answer(struct stage *s) { fake_broker_answer(&s->broker); }

void stage_expect_join(struct stage *s, const char *catalog)
{
    struct msg_join join;
    struct msg m = fake_broker_expect(&s->broker, MSG_JOIN);
    assert_int_equal(msg_read_join(&m, &join), 0);
    assert_true(join.version == MSG_VERSION && join.incarnation == 7 && join.pid == 11 && join.guard_pid == 10);
    assert_true(slice_equal(join.name, slice_text("worker-1")));
    assert_true(slice_equal(join.catalog, slice_text(catalog)));
}

void stage_expect_beat(struct stage *s, const struct msg_beat *expected)
{
    struct msg_beat beat;
    struct msg m = fake_broker_expect(&s->broker, MSG_BEAT);
    assert_int_equal(msg_read_beat(&m, &beat), 0);
    assert_memory_equal(&beat, expected, sizeof beat);
}

void stage_welcome(struct stage *s, uint64_t instance)
{
    msg_put_welcome(&s->broker.out, instance, (struct slice){0});
    stage_answer(s);
}

void stage_pong(struct stage *s, uint64_t instance)
{
    msg_put_pong(&s->broker.out, instance);
    stage_answer(s);
}

/* JOIN, WELCOME; the first beat has come. */
void stage_join(struct stage *s)
{
    stage_expect_join(s, "schemas");
    s->now_ms += 200;
    stage_welcome(s, 5);
    stage_settle(s, "link up\n");
    stage_expect_beat(s, &s->beat);
    stage_pong(s, 5);
}

void stage_expect_credit(struct stage *s, uint32_t messages, uint32_t calls)
{
    uint32_t got_messages, got_calls;
    struct msg m = fake_broker_expect(&s->broker, MSG_CREDIT);
    assert_int_equal(msg_read_credit(&m, &got_messages, &got_calls), 0);
    assert_true(got_messages == messages && got_calls == calls);
}

void stage_deliver(struct stage *s, int first, int count)
{
    size_t mark = msg_begin_jobs(&s->broker.out, 3);
    for (int i = 0; i < count; i++)
        msg_add_job(&s->broker.out, &(struct msg_job){.seq = (uint64_t)(first + i), .lease = 1, .body = slice_text("body")});
    msg_end(&s->broker.out, mark, (uint32_t)count);
    stage_answer(s);
}

void stage_done(struct stage *s, uint64_t seq, const char *outcome)
{
    queue_worker_done(s->worker, &(struct msg_done){.seq = seq, .lease = 1, .outcome = slice_text(outcome)});
}

void stage_expect_done(struct stage *s, uint64_t first, uint32_t count)
{
    struct msg_done entry;
    struct msg m = fake_broker_expect(&s->broker, MSG_DONE);
    assert_int_equal(msg_read_done(&m), 0);
    assert_int_equal(m.left, count);
    for (uint64_t seq = first; msg_next_done(&m, &entry); seq++)
        assert_true(entry.seq == seq && entry.lease == 1 && entry.disposition == MSG_DONE_OK);
    assert_false(m.reader.failed);
}
