/* Requests that wait: jobs by tag and by id, settling, late ones, and tags that outlive their request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/pending.h"

#define NOW_MS 5000

static const struct pending_kind kind;
static int owner;

static struct id id_of(unsigned number)
{
    struct id id = {{0}};
    memcpy(id.bytes + 10, &number, sizeof number);
    return id;
}

static int setup(void **state)
{
    *state = pending_create(5000, NOW_MS);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct pending *p = *state;
    pending_destroy(&p);
    pending_destroy(&p);
    return p == NULL ? 0 : -1;
}

static struct pending_request *open_one(struct pending *p) { return pending_open(p, &kind, &owner, 1, NOW_MS, NOW_MS + 100); }

static void a_request_begins_with_its_jobs(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = pending_open(p, &kind, &owner, 3, NOW_MS, NOW_MS + 100);
    assert_ptr_equal(r->owner, &owner);
    assert_ptr_equal(r->kind, &kind);
    assert_int_equal(r->count, 3);
    assert_int_equal(r->open, 3);
    assert_int_equal(r->sending, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(r->jobs[i]->position, i);
        assert_int_equal(r->jobs[i]->status, JOB_SENDING);
        assert_ptr_equal(r->jobs[i]->request, r);
    }
    assert_int_equal(pending_jobs(p), 3);
    pending_close(p, r);
    assert_int_equal(pending_jobs(p), 0);
}

static void tags_find_their_job_until_it_is_closed(void **state)
{
    struct pending *p = *state;
    struct pending_request *a = open_one(p), *b = open_one(p);
    void *tag_a = pending_tag(a->jobs[0]), *tag_b = pending_tag(b->jobs[0]);
    assert_ptr_not_equal(tag_a, tag_b);
    assert_ptr_equal(pending_by_tag(p, tag_a), a->jobs[0]);
    assert_ptr_equal(pending_by_tag(p, tag_b), b->jobs[0]);
    pending_close(p, a);
    assert_null(pending_by_tag(p, tag_a));
    struct pending_request *c = open_one(p); /* takes the same slot */
    assert_null(pending_by_tag(p, tag_a));
    assert_ptr_equal(pending_by_tag(p, pending_tag(c->jobs[0])), c->jobs[0]);
    pending_close(p, b);
    pending_close(p, c);
}

static void strange_tags_find_nothing(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = open_one(p);
    assert_null(pending_by_tag(p, NULL));
    assert_null(pending_by_tag(p, (void *)(uintptr_t)(7ull << 32)));
    assert_null(pending_by_tag(p, (void *)(uintptr_t)1000000));
    assert_null(pending_by_tag(p, (void *)(uintptr_t)UINT64_MAX));
    pending_close(p, r);
}

static void settling_counts_down(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = pending_open(p, &kind, &owner, 2, NOW_MS, NOW_MS + 100);
    assert_false(pending_accepted(r->jobs[0]));
    assert_int_equal(r->jobs[0]->status, JOB_QUEUED);
    assert_false(pending_accepted(r->jobs[0])); /* only once */
    assert_int_equal(r->sending, 1);
    assert_false(pending_settle(r->jobs[1], JOB_REFUSED)); /* refused: not SENDING any more either */
    assert_int_equal(r->sending, 0);
    assert_int_equal(r->open, 1);
    assert_true(pending_settle(r->jobs[0], JOB_SUCCEEDED));
    assert_false(pending_settle(r->jobs[0], JOB_FAILED));
    assert_int_equal(r->jobs[0]->status, JOB_SUCCEEDED);
    assert_false(pending_accepted(r->jobs[0]));
    pending_close(p, r);
}

static void the_last_to_be_accepted_is_told(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = pending_open(p, &kind, &owner, 2, NOW_MS, NOW_MS + 100);
    assert_false(pending_accepted(r->jobs[1]));
    assert_true(pending_accepted(r->jobs[0]));
    pending_close(p, r);
}

static void several_wait_for_one_id(void **state)
{
    struct pending *p = *state;
    struct pending_request *a = open_one(p), *b = open_one(p), *c = open_one(p);
    struct id seven = id_of(7), eight = id_of(8);
    assert_null(pending_by_id(p, &seven));
    pending_watch(p, a->jobs[0], &seven);
    pending_watch(p, b->jobs[0], &seven);
    pending_watch(p, c->jobs[0], &eight);
    int found = 0;
    for (struct pending_job *job; (job = pending_by_id(p, &seven)) != NULL; found++)
        assert_true(pending_settle(job, JOB_SUCCEEDED));
    assert_int_equal(found, 2);
    assert_ptr_equal(pending_by_id(p, &eight), c->jobs[0]);
    pending_close(p, b);
    pending_close(p, a);
    pending_close(p, c);
    assert_null(pending_by_id(p, &eight));
}

static void watching_another_id_moves_it(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = open_one(p);
    struct id one = id_of(1), two = id_of(2);
    pending_watch(p, r->jobs[0], &one);
    pending_watch(p, r->jobs[0], &one);
    pending_watch(p, r->jobs[0], &two);
    assert_null(pending_by_id(p, &one));
    assert_ptr_equal(pending_by_id(p, &two), r->jobs[0]);
    assert_true(id_equal(&r->jobs[0]->id, &two));
    pending_close(p, r);
}

static void ids_of_one_bucket_are_told_apart(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = pending_open(p, &kind, &owner, 40, NOW_MS, NOW_MS + 100);
    for (unsigned i = 0; i < 40; i++) {
        struct id id = id_of(i << 15 | 3);
        pending_watch(p, r->jobs[i], &id);
    }
    for (unsigned i = 0; i < 40; i++) {
        struct id id = id_of(i << 15 | 3);
        assert_ptr_equal(pending_by_id(p, &id), r->jobs[i]);
    }
    pending_close(p, r);
}

static void late_requests_come_in_their_time(void **state)
{
    struct pending *p = *state;
    struct pending_request *soon = open_one(p), *moved = open_one(p), *closed = open_one(p);
    assert_int_not_equal(pending_deadline(p), INT64_MAX);
    pending_set_due(p, moved, NOW_MS + 10000);
    pending_close(p, closed);
    assert_null(pending_late(p, NOW_MS + 99));
    assert_ptr_equal(pending_late(p, NOW_MS + 100 + TIMERS_TICK_MS), soon);
    assert_null(pending_late(p, NOW_MS + 9999));
    assert_ptr_equal(pending_late(p, NOW_MS + 10000 + TIMERS_TICK_MS), moved);
    assert_int_equal(pending_deadline(p), INT64_MAX);
    pending_close(p, soon);
    pending_close(p, moved);
}

static void the_bound_on_jobs_holds(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = pending_open(p, &kind, &owner, 4000, NOW_MS, NOW_MS + 100);
    assert_non_null(r);
    assert_null(pending_open(p, &kind, &owner, 1001, NOW_MS, NOW_MS + 100));
    assert_int_equal(pending_jobs(p), 4000);
    struct pending_request *rest = pending_open(p, &kind, &owner, 1000, NOW_MS, NOW_MS + 100);
    assert_non_null(rest);
    assert_null(open_one(p));
    pending_close(p, r);
    r = open_one(p);
    assert_non_null(r);
    pending_close(p, r);
    pending_close(p, rest);
}

static void a_reused_request_is_clean(void **state)
{
    struct pending *p = *state;
    struct pending_request *r = pending_open(p, &kind, &owner, 100, NOW_MS, NOW_MS + 100);
    buf_text(&r->texts, "left over");
    r->batch = r->from_header = true;
    pending_settle(r->jobs[0], JOB_FAILED);
    r->jobs[0]->replayed = r->jobs[0]->omitted = r->jobs[0]->awaited = true;
    pending_close(p, r);
    r = pending_open(p, &kind, &owner, 100, NOW_MS, NOW_MS + 100);
    assert_int_equal(r->texts.len, 0);
    assert_false(r->batch || r->from_header);
    for (uint32_t i = 0; i < r->count; i++) {
        struct pending_job *job = r->jobs[i];
        assert_int_equal(job->status, JOB_SENDING);
        assert_false(job->settled || job->replayed || job->omitted || job->awaited || job->watched);
    }
    pending_close(p, r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_request_begins_with_its_jobs),   TEST(tags_find_their_job_until_it_is_closed),
        TEST(strange_tags_find_nothing),        TEST(settling_counts_down),
        TEST(the_last_to_be_accepted_is_told),  TEST(several_wait_for_one_id),
        TEST(watching_another_id_moves_it),     TEST(ids_of_one_bucket_are_told_apart),
        TEST(late_requests_come_in_their_time), TEST(the_bound_on_jobs_holds),
        TEST(a_reused_request_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
