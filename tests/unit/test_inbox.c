/* test_inbox.c - delivered frames are copied, handed out in order, and refused when damaged or too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/inbox.h"

static struct buf frame;

static int setup(void **state)
{
    struct inbox *in = malloc(sizeof *in);
    assert_non_null(in);
    inbox_init(in);
    *state = in;
    return 0;
}

static int teardown(void **state)
{
    inbox_clear(*state);
    free(*state);
    buf_finish(&frame);
    return 0;
}

/* A JOBS frame of seqs first..first+count-1, whose bodies are their numbers as text. */
static struct msg jobs_frame(unsigned first, unsigned count)
{
    struct msg m;
    uint64_t low_seq;
    buf_reset(&frame);
    size_t mark = msg_begin_jobs(&frame, 1);
    for (unsigned i = first; i < first + count; i++) {
        char body[16];
        struct msg_job job = {.seq = i, .lease = i % 3 + 1};
        snprintf(body, sizeof body, "%u", i);
        job.body = slice_text(body);
        job.id.bytes[0] = (unsigned char)i;
        msg_add_job(&frame, &job);
    }
    msg_end(&frame, mark, count);
    assert_int_equal(msg_open(buf_slice(&frame), &m), 0);
    assert_int_equal(msg_read_jobs(&m, &low_seq), 0);
    return m;
}

static void expect_job(const struct apply_job *job, unsigned seq)
{
    char body[16];
    snprintf(body, sizeof body, "%u", seq);
    assert_int_equal(job->seq, seq);
    assert_int_equal(job->tag, seq % 3 + 1);
    assert_int_equal(job->again, seq % 3 + 1 > 1);
    assert_true(job->has_id);
    assert_false(job->call);
    assert_int_equal(job->id.bytes[0], (unsigned char)seq);
    assert_true(slice_equal(job->body, slice_text(body)));
}

static void frames_are_copied_and_handed_out_in_order(void **state)
{
    struct inbox *in = *state;
    struct apply_job *jobs[100];
    for (unsigned first = 10; first < 40; first += 10) {
        struct msg m = jobs_frame(first, 10);
        assert_int_equal(inbox_add_jobs(in, &m, 100), 0);
        memset(frame.data, 0xff, frame.len); /* the frame is gone after the call */
    }
    assert_int_equal(in->held, 30);
    assert_int_equal(inbox_next(in, jobs, 25, NULL, NULL), 25); /* over frames */
    for (unsigned i = 0; i < 25; i++)
        expect_job(jobs[i], 10 + i);
    for (unsigned i = 0; i < 25; i += 2)
        jobs[i]->end = i % 4 ? APPLY_DONE : APPLY_GIVE_BACK;
    inbox_drop_ended(in);
    assert_int_equal(in->held, 17);
    assert_int_equal(inbox_next(in, jobs, 100, NULL, NULL), 17);
    for (unsigned i = 0; i < 12; i++)
        expect_job(jobs[i], 11 + 2 * i);
    for (unsigned i = 12; i < 17; i++)
        expect_job(jobs[i], 35 + i - 12);
    for (unsigned i = 0; i < 17; i++)
        jobs[i]->end = APPLY_DONE;
    inbox_drop_ended(in);
    assert_int_equal(in->held, 0);
    assert_int_equal(inbox_next(in, jobs, 100, NULL, NULL), 0);
    struct msg m = jobs_frame(1, 1);
    assert_int_equal(inbox_add_jobs(in, &m, 100), 0);
    assert_int_equal(inbox_next(in, jobs, 100, NULL, NULL), 1);
    expect_job(jobs[0], 1);
}

static bool stop_at_13(void *self, size_t count, struct slice body)
{
    ++*(size_t *)self;
    assert_true(count <= 3);
    return slice_equal(body, slice_text("13"));
}

static void the_owner_may_stop_a_batch(void **state)
{
    struct inbox *in = *state;
    struct apply_job *jobs[100];
    size_t asked = 0;
    struct msg m = jobs_frame(10, 10);
    assert_int_equal(inbox_add_jobs(in, &m, 100), 0);
    assert_int_equal(inbox_next(in, jobs, 100, stop_at_13, &asked), 3);
    assert_int_equal(asked, 4);
}

static void more_than_was_asked_for_is_refused(void **state)
{
    struct inbox *in = *state;
    struct msg m = jobs_frame(1, 10);
    assert_int_equal(inbox_add_jobs(in, &m, 15), 0);
    m = jobs_frame(11, 6);
    assert_int_equal(inbox_add_jobs(in, &m, 15), -1);
    assert_int_equal(in->held, 10);
    m = jobs_frame(11, 5);
    assert_int_equal(inbox_add_jobs(in, &m, 15), 0);
    assert_int_equal(in->held, 15);
}

/* A frame that promises more entries than it has: the walk fails, and nothing of it is taken. */
static void damaged_frames_are_refused(void **state)
{
    struct inbox *in = *state;
    struct msg m = jobs_frame(1, 3);
    m.left = 4; /* one more than there is */
    assert_int_equal(inbox_add_jobs(in, &m, 100), -1);
    assert_int_equal(in->held, 0);
    assert_null(in->oldest);
}

static void calls_may_have_an_id(void **state)
{
    struct inbox *in = *state;
    struct apply_job *calls[4];
    unsigned char id[ID_BYTES];
    struct msg m;
    memset(id, 7, sizeof id);
    buf_reset(&frame);
    size_t mark = msg_begin_calls(&frame);
    struct msg_call write = {.call = 5, .flags = MSG_WRITES, .id = slice_of(id, sizeof id), .body = slice_text("w")};
    struct msg_call read = {.call = 6, .body = slice_text("r")};
    msg_add_calls(&frame, &write);
    msg_add_calls(&frame, &read);
    msg_end(&frame, mark, 2);
    assert_int_equal(msg_open(buf_slice(&frame), &m), 0);
    assert_int_equal(msg_read_calls(&m), 0);
    assert_int_equal(inbox_add_calls(in, &m, 4), 0);
    assert_int_equal(inbox_next(in, calls, 4, NULL, NULL), 2);
    assert_true(calls[0]->call && calls[0]->has_id);
    assert_int_equal(calls[0]->tag, 5);
    assert_int_equal(calls[0]->seq, 0);
    assert_memory_equal(calls[0]->id.bytes, id, sizeof id);
    assert_true(calls[1]->call && !calls[1]->has_id);
    assert_int_equal(calls[1]->tag, 6);
    assert_true(slice_equal(calls[1]->body, slice_text("r")));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_are_copied_and_handed_out_in_order),
        TEST(the_owner_may_stop_a_batch),
        TEST(more_than_was_asked_for_is_refused),
        TEST(damaged_frames_are_refused),
        TEST(calls_may_have_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
