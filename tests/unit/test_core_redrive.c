/* test_core_redrive.c - dead letters of clients' queues, and the tasks that move them. */
#include "tests/lib/core_client.h"

#include <stdio.h>
#include <string.h>

/* A queue `q` with the dead-letter queue `d`: received twice, then dead. */
static struct world *world_with_queues(enum core_queue_kind kind)
{
    struct world *w = world_create();
    struct core_queue_attributes q = kind == CORE_FIFO ? fifo_queue("q") : standard_queue("q"),
                                 d = kind == CORE_FIFO ? fifo_queue("d") : standard_queue("d");
    memcpy(q.dead_letter, "d", 2);
    q.max_receive_count = 2;
    d.retention_ms = 14 * DAY_MS;
    create(w, &d);
    create(w, &q);
    return w;
}

static void wear_out(struct world *w, const char *queue, int receives)
{
    for (int i = 0; i < receives; i++) {
        received(w, queue, 10);
        assert_true(seen(w, CORE_EFFECT_GIVEN) > 0);
        pass(w, VISIBILITY_MS);
    }
}

static void one_receive_too_many(void **state)
{
    (void)state;
    struct world *w = world_with_queues(CORE_STANDARD);
    posted(w, "q", "a", .priority = 2);
    int64_t sent_ms = w->now_ms;
    wear_out(w, "q", 2);
    expect_state(w, "a", CORE_READY); /* still there: it is the next receive that would be too many */
    assert_int_equal(info_of(w, "a").queue, queue_number(w, "q"));
    expect_gives(w, "q", "");
    struct core_info info = info_of(w, "a");
    assert_int_equal(info.queue, queue_number(w, "d"));
    assert_int_equal(info.receive_count, 2);
    assert_int_equal(info.accepted_ms, sent_ms);
    assert_int_equal(info.priority, 2);
    assert_string_equal(info.source, "q");
    assert_non_null(strstr(info.reason, "received 2 times"));
    assert_int_equal(last_record(w)->kind, CORE_REC_TRANSFER);
    check_client_recovery(w);
    expect_gives(w, "d", "a");
    assert_int_equal(info_of(w, "a").receive_count, 3);
    delete_given(w, "q",
                 given_last(w, "a")); /* a handle of another queue is told by its seal, not here; but it names nothing */
    settle(w);
    expect_answer(w, CORE_OK);
    expect_state(w, "a", CORE_LEASED);
    check_client_recovery(w);
    deleted(w, "d", "a");
    world_destroy(&w);
}

static void who_waits_at_the_dead_letter_queue_is_served(void **state)
{
    (void)state;
    struct world *w = world_with_queues(CORE_STANDARD);
    posted(w, "q", "a");
    wear_out(w, "q", 2);
    receive(w, "d", 1, .wait_ms = 20000, .tag = 8);
    receive(w, "q", 1, .tag = 9);
    expect_received(w, 0, 9, 0);
    commit(w);
    expect_received(w, 0, 8, 1);
    expect_given(w, "a");
    world_destroy(&w);
}

static void without_a_place_to_go_it_stays(void **state)
{
    (void)state;
    struct world *w = world_with_queues(CORE_STANDARD);
    posted(w, "q", "a");
    wear_out(w, "q", 2);
    remove_queue(w, "d", 'r');
    commit(w);
    wear_out(w, "q", 2);
    assert_int_equal(info_of(w, "a").receive_count, 4);
    struct core_queue_attributes d = fifo_queue("d");
    pass(w, MINUTE_MS);
    create(w, &d); /* of a kind that does not fit */
    wear_out(w, "q", 1);
    assert_int_equal(info_of(w, "a").queue, queue_number(w, "q"));
    world_destroy(&w);
}

static void dead_letter_queues_that_name_each_other(void **state)
{
    (void)state;
    struct world *w = world_with_queues(CORE_STANDARD);
    struct core_queue_attributes d = standard_queue("d");
    memcpy(d.dead_letter, "q", 2);
    d.max_receive_count = 1;
    change(w, 0, &d);
    commit(w);
    posted(w, "q", "a");
    wear_out(w, "q", 2);
    expect_gives(w, "q", "");
    wear_out(w, "d", 1); /* each counts its own receives */
    expect_gives(w, "d", "");
    assert_int_equal(info_of(w, "a").queue, queue_number(w, "q"));
    assert_string_equal(info_of(w, "a").source, "d");
    struct world *after = recovered(w);
    wear_out(after, "q", 2);
    expect_gives(after, "q", "");
    assert_int_equal(info_of(after, "a").queue, queue_number(after, "d"));
    assert_int_equal(info_of(after, "a").receive_count, 5);
    world_destroy(&after);
    world_destroy(&w);
}

static void a_fifo_group_goes_on_behind_its_dead(void **state)
{
    (void)state;
    struct world *w = world_with_queues(CORE_FIFO);
    posted(w, "q", "a", .group = 1);
    received(w, "q", 1, .visibility_ms = 1000);
    pass(w, 1000);
    received(w, "q", 1, .visibility_ms = 1000);
    posted(w, "q", "b", .group = 1);
    posted(w, "q", "c", .group = 1);
    pass(w, 1000);
    uint64_t old_seq = info_of(w, "a").seq;
    expect_gives(w, "q", "b c");
    struct core_info info = info_of(w, "a");
    assert_int_equal(info.queue, queue_number(w, "d"));
    assert_true(info.seq > old_seq); /* its place in the new queue */
    assert_int_equal(info.accepted_ms, w->now_ms);
    assert_string_equal(info.source, "q");
    posted(w, "d", "x", .group = 1);
    check_client_recovery(w);
    struct world *after = recovered(w);
    expect_gives(after, "d", "a x");
    world_destroy(&after);
    move_body(w, "a");
    check_client_recovery(w);
    world_destroy(&w);
}

static void dead_jobs_can_be_received(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .group = 9);
    pass(w, 3 * VISIBILITY_MS);
    assert_int_equal(info_of(w, "a").queue, DEAD);
    assert_string_equal(info_of(w, "a").source, "jobs");
    received(w, "dead", 1);
    expect_received(w, 0, 77, 1);
    expect_given(w, "a");
    assert_int_equal(info_of(w, "a").receive_count, 4);
    assert_non_null(strstr(info_of(w, "a").reason, "received 3 times"));
    struct world *after = recovered(w);
    delete_given(after, "dead", given_last(w, "a")); /* by the handle of before the crash */
    expect_unknown(after, "a");
    world_destroy(&after);
    receive(w, "jobs", 1, .tag = 4);
    expect_refused(w, 4, CORE_WORKERS_ONLY);
    world_destroy(&w);
}

static struct core_task_info task_of(const struct world *w, const char *queue)
{
    struct core_task_info t[LIMIT_MOVE_TASKS];
    assert_true(core_tasks(w->core, queue_number(w, queue), t, LIMIT_MOVE_TASKS) > 0);
    return t[0];
}

/* Five dead letters a to e of q in d, worn out together. */
static struct world *world_with_dead(enum core_queue_kind kind)
{
    struct world *w = world_with_queues(kind);
    const char *names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++)
        posted(w, "q", names[i], .group = kind == CORE_FIFO ? 1 + i % 2 : 0);
    wear_out(w, "q", 2);
    expect_gives(w, "q", "");
    assert_int_equal(queue_total(w, queue_number(w, "d")), 5);
    return w;
}

static void a_task_moves_all_back(void **state)
{
    (void)state;
    static const enum core_queue_kind kinds[] = {CORE_STANDARD, CORE_FIFO};
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_with_dead(kinds[i]);
        w->now_ms += 1000;
        task_start(w, "d", 't', NULL, 0);
        pass(w, 0);
        commit(w);
        expect_answer(w, CORE_OK);
        struct core_task_info t = task_of(w, "d");
        assert_int_equal(t.task.status, CORE_TASK_COMPLETED);
        assert_true(t.task.moved == 5 && t.task.total == 5 && t.task.started_ms == w->now_ms);
        struct core_info info = info_of(w, "a");
        assert_int_equal(info.queue, queue_number(w, "q"));
        assert_int_equal(info.receive_count, 0); /* as if it had just been sent */
        assert_int_equal(info.first_ms, 0);
        assert_int_equal(info.accepted_ms, w->now_ms);
        assert_string_equal(info.source, "");
        check_client_recovery(w);
        expect_gives(w, "q", kinds[i] == CORE_FIFO ? "a c e b d" : "a b c d e");
        world_destroy(&w);
    }
}

static void a_task_keeps_to_its_rate_and_outlives_the_broker(void **state)
{
    (void)state;
    struct world *w = world_with_dead(CORE_STANDARD);
    task_start(w, "d", 't', NULL, 2);
    commit(w);
    task_start(w, "d", 't', NULL, 2); /* said again */
    settle(w);
    expect_answer(w, CORE_OK);
    task_start(w, "d", 'u', NULL, 2);
    expect_answer(w, CORE_IN_PROGRESS);
    uint64_t moved = task_of(w, "d").task.moved;
    assert_in_range(moved, 1, 1);
    pass(w, 1000);
    assert_int_equal(task_of(w, "d").task.moved, 3);
    struct world *after = world_recover(w, 0);
    assert_in_range(task_of(after, "d").task.moved, 3, 4); /* one is due at once */
    assert_int_equal(task_of(after, "d").task.status, CORE_TASK_RUNNING);
    pass(after, 3000);
    assert_int_equal(task_of(after, "d").task.status, CORE_TASK_COMPLETED);
    assert_int_equal(task_of(after, "d").task.moved, 5);
    assert_int_equal(core_deadline(after->core) > after->now_ms, 1);
    world_destroy(&after);
    task_cancel(w, "d", 'u');
    expect_answer(w, CORE_NO_TASK);
    task_cancel(w, "d", 't');
    commit(w);
    assert_int_equal(expect_answer(w, CORE_OK)->value, 3);
    pass(w, 5000);
    assert_int_equal(task_of(w, "d").task.moved, 3);
    assert_int_equal(queue_total(w, queue_number(w, "d")), 2);
    check_client_recovery(w);
    task_start(w, "d", 'u', NULL, 0);
    pass(w, 1000);
    assert_int_equal(queue_total(w, queue_number(w, "d")), 0);
    struct core_task_info t[3];
    assert_int_equal(core_tasks(w->core, queue_number(w, "d"), t, 3), 2);
    assert_int_equal(t[0].id.bytes[0], 'u');
    assert_int_equal(t[1].task.status, CORE_TASK_CANCELLED);
    world_destroy(&w);
}

static void a_task_may_go_elsewhere(void **state)
{
    (void)state;
    struct world *w = world_with_dead(CORE_STANDARD);
    struct core_queue_attributes other = standard_queue("other"), fifo = fifo_queue("f");
    create(w, &other);
    create(w, &fifo);
    task_start(w, "q", 't', NULL, 0);
    expect_answer(w, CORE_NO_SOURCE); /* nobody's dead letters */
    task_start(w, "d", 't', "nowhere", 0);
    expect_answer(w, CORE_NO_DESTINATION);
    task_start(w, "d", 't', "f", 0);
    expect_answer(w, CORE_OTHER_KIND);
    task_start(w, "d", 't', "d", 0);
    expect_answer(w, CORE_OTHER_KIND);
    task_start(w, "none", 't', NULL, 0);
    expect_answer(w, CORE_NO_SUCH_QUEUE);
    task_start(w, "d", 't', "other", 0);
    pass(w, 0);
    commit(w);
    expect_gives(w, "other", "a b c d e");
    world_destroy(&w);
}

static void a_task_fails_where_there_is_no_way(void **state)
{
    (void)state;
    struct world *w = world_with_dead(CORE_STANDARD);
    remove_queue(w, "q", 'r');
    struct core_queue_attributes p = standard_queue("p");
    memcpy(p.dead_letter, "d", 2);
    create(w, &p);
    task_start(w, "d", 't', NULL, 0);
    commit(w);
    assert_int_equal(task_of(w, "d").task.status, CORE_TASK_FAILED);
    assert_string_equal(task_of(w, "d").reason, "AWS.SimpleQueueService.NonExistentQueue");
    purge_queue(w, "d", 'p'); /* tasks stay with the queue */
    posted(w, "d", "direct");
    task_start(w, "d", 'u', NULL, 0);
    commit(w);
    assert_int_equal(task_of(w, "d").task.status, CORE_TASK_FAILED);
    assert_string_equal(task_of(w, "d").reason, "CouldNotDetermineMessageSource");
    struct world *after = recovered(w);
    struct core_task_info t[3];
    assert_int_equal(core_tasks(after->core, queue_number(after, "d"), t, 3), 2);
    assert_string_equal(t[0].reason, "CouldNotDetermineMessageSource");
    world_destroy(&after);
    world_destroy(&w);
}

static void ten_tasks_are_remembered(void **state)
{
    (void)state;
    struct world *w = world_with_queues(CORE_STANDARD);
    for (char t = 'a'; t < 'a' + 13; t++) {
        w->now_ms += 1000;
        task_start(w, "d", t, NULL, 0);
        commit(w);
    }
    struct core_task_info t[LIMIT_MOVE_TASKS];
    assert_int_equal(core_tasks(w->core, queue_number(w, "d"), t, LIMIT_MOVE_TASKS), LIMIT_MOVE_TASKS);
    assert_int_equal(t[0].id.bytes[0], 'a' + 12);
    check_client_recovery(w);
    remove_queue(w, "d", 'r');
    commit(w);
    check_client_recovery(w);
    world_destroy(&w);
}

/* Says again what the records before `end` say, as compaction does, which then gives them up. */
static void carry_over(struct world *w, size_t end)
{
    for (size_t i = 0; i < end; i++) {
        const struct core_record *r = &w->journal[i].record;
        struct core_event e = {
            .kind = CORE_MOVE_TASK, .id = r->id, .number = w->journal[i].location, .body = slice_text("document")};
        if (r->kind == CORE_REC_DEFINE) {
            e.kind = CORE_MOVE_DEFINITION;
            e.queue = r->queue;
        }
        if (r->kind == CORE_REC_DEFINE || r->kind == CORE_REC_TASK)
            event(w, &e);
        commit(w);
    }
}

/* What is carried over stands behind the younger ones in the journal. */
static void copied_tasks_keep_their_order(void **state)
{
    (void)state;
    struct world *w = world_with_queues(CORE_STANDARD);
    size_t old = 0;
    for (char t = 'a'; t < 'a' + 12; t++) {
        w->now_ms += 1000;
        task_start(w, "d", t, NULL, 0);
        commit(w);
        if (t == 'b')
            old = w->journal_count;
        if (t == 'i')
            carry_over(w, old);
    }
    struct world *after = world_recover(w, old);
    struct core_task_info t[LIMIT_MOVE_TASKS];
    assert_int_equal(core_tasks(after->core, queue_number(after, "d"), t, LIMIT_MOVE_TASKS), LIMIT_MOVE_TASKS);
    for (int i = 0; i < (int)LIMIT_MOVE_TASKS; i++)
        assert_int_equal(t[i].id.bytes[0], 'a' + 11 - i);
    world_destroy(&after);
    world_destroy(&w);
}

static void jobs_go_home_only(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .group = 9);
    pass(w, 3 * VISIBILITY_MS);
    posted(w, "dead", "envelope"); /* somebody's own: no job, and never to be one */
    gone(w, 0);
    task_start(w, "dead", 't', "jobs", 0);
    commit(w);
    assert_int_equal(info_of(w, "a").queue, JOBS);
    assert_int_equal(info_of(w, "envelope").queue, DEAD);
    assert_int_equal(task_of(w, "dead").task.status, CORE_TASK_FAILED);
    check_client_recovery(w);
    drain(w);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_receive_too_many),
        cmocka_unit_test(who_waits_at_the_dead_letter_queue_is_served),
        cmocka_unit_test(without_a_place_to_go_it_stays),
        cmocka_unit_test(dead_letter_queues_that_name_each_other),
        cmocka_unit_test(a_fifo_group_goes_on_behind_its_dead),
        cmocka_unit_test(dead_jobs_can_be_received),
        cmocka_unit_test(a_task_moves_all_back),
        cmocka_unit_test(a_task_keeps_to_its_rate_and_outlives_the_broker),
        cmocka_unit_test(a_task_may_go_elsewhere),
        cmocka_unit_test(a_task_fails_where_there_is_no_way),
        cmocka_unit_test(ten_tasks_are_remembered),
        cmocka_unit_test(copied_tasks_keep_their_order),
        cmocka_unit_test(jobs_go_home_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
