/* test_core_queues.c - queues are made, changed, listed, purged and removed. */
#include "tests/lib/core_client.h"

#include <stdio.h>
#include <string.h>

static void a_queue_is_made_once(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create_asked(w, &a);
    expect_nothing(w);
    create_asked(w, &a); /* the answer waits for the first one's record */
    expect_nothing(w);
    commit(w);
    uint32_t number = (uint32_t)expect_answer(w, CORE_OK)->value;
    assert_int_equal(expect_answer(w, CORE_EXISTS)->value, number);
    struct core_queue_stats s;
    const struct core_queue_attributes *now = queue_now(w, "q", &s);
    assert_memory_equal(now, &a, sizeof a);
    assert_true(s.created_ms == w->now_ms && s.changed_ms == w->now_ms && s.version > 0);
    assert_int_equal(s.document_bytes, strlen("document"));
    assert_int_equal(s.secret[0], 'q');
    a.visibility_ms = 5;
    create_asked(w, &a); /* whether it is the same, the front decides */
    expect_answer(w, CORE_EXISTS);
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_change_needs_the_version_that_it_was_made_of(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q"), fifo = fifo_queue("q");
    struct core_queue_stats before, after;
    create(w, &a);
    queue_now(w, "q", &before);
    w->now_ms += 1000;
    a.delay_ms = 5000;
    change(w, before.version, &a);
    expect_nothing(w);
    commit(w);
    expect_answer(w, CORE_OK);
    assert_int_equal(queue_now(w, "q", &after)->delay_ms, 5000);
    assert_true(after.version > before.version && after.created_ms == before.created_ms);
    assert_int_equal(after.changed_ms, w->now_ms);
    assert_int_equal(after.document_bytes, strlen("another"));
    change(w, before.version, &a);
    expect_answer(w, CORE_CONFLICT);
    change(w, 0, &fifo);
    expect_answer(w, CORE_NOT_ALLOWED);
    struct core_queue_attributes none = standard_queue("none");
    change(w, 0, &none);
    expect_answer(w, CORE_NO_SUCH_QUEUE);
    check_client_recovery(w);
    struct world *again = recovered(w);
    struct core_queue_stats s;
    assert_int_equal(queue_now(again, "q", &s)->delay_ms, 5000);
    assert_true(s.version == after.version && s.changed_ms == after.changed_ms);
    world_destroy(&again);
    world_destroy(&w);
}

static void dead_letters_go_to_a_queue_of_the_same_kind(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes fifo = fifo_queue("f"), a = standard_queue("q");
    create(w, &fifo);
    memcpy(a.dead_letter, "f", 2);
    create_asked(w, &a);
    expect_answer(w, CORE_OTHER_KIND);
    memcpy(a.dead_letter, "later", 6);
    create(w, &a); /* one that is not there yet may come */
    memcpy(a.dead_letter, "f", 2);
    change(w, 0, &a);
    expect_answer(w, CORE_OTHER_KIND);
    world_destroy(&w);
}

static void a_removed_name_rests_for_a_minute(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create(w, &a);
    posted(w, "q", "a");
    posted(w, "q", "b", .delay_ms = 1000);
    received(w, "q", 1);
    uint32_t number = queue_number(w, "q");
    remove_queue(w, "q", 'r');
    assert_int_equal(queue_number(w, "q"), CORE_NONE); /* at once */
    commit(w);
    expect_answer(w, CORE_OK);
    expect_unknown(w, "a");
    remove_queue(w, "q", 'r'); /* said again */
    expect_answer(w, CORE_OK);
    remove_queue(w, "q", 's');
    expect_answer(w, CORE_NO_SUCH_QUEUE);
    create_asked(w, &a);
    expect_answer(w, CORE_DELETED_RECENTLY);
    struct world *after = recovered(w);
    create_asked(after, &a);
    expect_answer(after, CORE_DELETED_RECENTLY);
    world_destroy(&after);
    pass(w, MINUTE_MS);
    create(w, &a);
    assert_int_not_equal(queue_number(w, "q"), number);
    expect_gives(w, "q", "");
    assert_int_equal(stats_of(w).messages, 0);
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_purge_leaves_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create(w, &a);
    posted(w, "q", "leased", .group = 7);
    received(w, "q", 1);
    posted(w, "q", "ready", .priority = 3);
    posted(w, "q", "late", .delay_ms = 1000);
    posted(w, "q", "far", .delay_ms = DAY_MS);
    post(w, "q", "young"); /* not on disk yet */
    struct given_to g = given_last(w, "leased");
    purge_queue(w, "q", 'p');
    expect_counts(w, queue_number(w, "q"), COUNTS(0, 0, 0, 0, 0));
    post(w, "q", "after");
    commit(w);
    expect_answer(w, CORE_OK); /* young: it was accepted, and purged */
    assert_int_equal(expect_answer(w, CORE_OK)->value, 5);
    expect_answer(w, CORE_OK);
    expect_unknown(w, "ready");
    delete_given(w, "q", g); /* of before: it succeeds, as on any message that is gone */
    expect_answer(w, CORE_OK);
    expect_gives(w, "q", "after");
    purge_queue(w, "q", 'p'); /* said again */
    assert_int_equal(expect_answer(w, CORE_OK)->value, 5);
    purge_queue(w, "q", 'o');
    expect_answer(w, CORE_IN_PROGRESS);
    struct world *again = recovered(w);
    purge_queue(again, "q", 'o');
    expect_answer(again, CORE_IN_PROGRESS);
    world_destroy(&again);
    pass(w, MINUTE_MS);
    assert_int_equal(stats_of(w).messages, 1);
    purge_queue(w, "q", 'o');
    commit(w);
    assert_int_equal(expect_answer(w, CORE_OK)->value, 1);
    purge_queue(w, "jobs", 'p');
    expect_answer(w, CORE_WORKERS_ONLY);
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_receive_that_is_purged_before_its_answer_gives_nothing(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create(w, &a);
    posted(w, "q", "a");
    receive(w, "q", 1, .tag = 5);
    purge_queue(w, "q", 'p');
    commit(w);
    expect_received(w, 0, 5, 0);
    expect_answer(w, CORE_OK);
    world_destroy(&w);
}

static void a_large_queue_is_cleared_little_by_little(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q"), fifo = fifo_queue("f");
    create(w, &a);
    create(w, &fifo);
    w->quick = true;
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        post(w, i % 2 ? "q" : "f", name, .group = (uint64_t)(i % 100) + 1);
        if (i % 1000 == 999)
            commit(w);
    }
    purge_queue(w, "q", 'p');
    remove_queue(w, "f", 'r');
    commit(w);
    posted(w, "q", "new");
    receive(w, "q", 10);
    commit(w);
    assert_int_equal(seen(w, CORE_EFFECT_GIVEN), 1);
    assert_true(stats_of(w).messages > MANY / 2);
    int steps = 0;
    for (; core_deadline(w->core) <= w->now_ms; steps++)
        tick(w, 0);
    assert_in_range(steps, 10, 1000);
    assert_int_equal(stats_of(w).messages, 1);
    core_check(w->core);
    world_destroy(&w);
}

static void queues_come_in_the_order_of_their_names(void **state)
{
    (void)state;
    struct world *w = world_create();
    const char *names[] = {"m", "a", "ab", "b", "aa"};
    for (size_t i = 0; i < 5; i++) {
        struct core_queue_attributes a = standard_queue(names[i]);
        create(w, &a);
    }
    const char *sorted[] = {"a", "aa", "ab", "b", "dead", "jobs", "m"};
    struct slice name = {NULL, 0};
    for (size_t i = 0; i < 7; i++) {
        const struct core_queue_attributes *a;
        struct core_queue_stats s;
        assert_true(core_queue_stats(w->core, core_queue_from(w->core, name, i > 0), &a, &s));
        assert_string_equal(a->name, sorted[i]);
        name = slice_text(a->name);
    }
    assert_int_equal(core_queue_from(w->core, slice_text("m"), true), CORE_NONE);
    assert_int_equal(core_queue_from(w->core, slice_text("c"), false), queue_number(w, "dead"));
    world_destroy(&w);
}

static void ten_thousand_queues_and_no_more(void **state)
{
    (void)state;
    struct world *w = world_create();
    char name[24];
    w->quick = true;
    for (uint32_t i = 2; i < LIMIT_QUEUES; i++) {
        snprintf(name, sizeof name, "queue-%u", i * 7919 % 10000);
        struct core_queue_attributes a = standard_queue(name);
        create_asked(w, &a);
        if (i % 500 == 0)
            commit(w);
    }
    commit(w);
    struct core_queue_attributes a = standard_queue("one too many");
    create_asked(w, &a);
    expect_answer(w, CORE_TOO_MANY);
    core_check(w->core);
    assert_true(stats_of(w).bytes_memory < 32u << 20);
    posted(w, "queue-5000", "a");
    assert_int_equal(core_deadline(w->core), w->now_ms + 1000); /* the sweep, which looks at messages, not at queues */
    remove_queue(w, "queue-5000", 'r');
    commit(w);
    create(w, &a);
    struct world *after = world_recover(w, 0);
    assert_int_not_equal(queue_number(after, "one too many"), CORE_NONE);
    assert_int_equal(queue_number(after, "queue-5000"), CORE_NONE);
    world_destroy(&after);
    world_destroy(&w);
}

/* Purges and removals give places away; whatever is found at one must be what was put there. */
static void numbers_are_not_confused(void **state)
{
    (void)state;
    struct world *w = world_create();
    char name[16];
    w->quick = true;
    for (int round = 0; round < 300; round++) {
        snprintf(name, sizeof name, "q%d", round % 7);
        struct core_queue_attributes a = standard_queue(name);
        if (queue_number(w, name) == CORE_NONE) {
            create_asked(w, &a);
            commit(w);
        }
        snprintf(name, sizeof name, "m%d", round);
        char queue[16];
        snprintf(queue, sizeof queue, "q%d", round % 7);
        post(w, queue, name);
        commit(w);
        if (round % 3 == 0)
            purge_queue(w, queue, (char)round);
        if (round % 11 == 0)
            remove_queue(w, queue, (char)round);
        pass(w, MINUTE_MS);
    }
    w->quick = false;
    tick(w, 0);
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_queue_whose_definition_is_lost_keeps_its_messages(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = standard_queue("q");
    create(w, &a);
    posted(w, "q", "a");
    uint32_t number = queue_number(w, "q");
    struct core *c = core_create(&w->config);
    for (size_t i = 0; i < w->journal_count; i++)
        if (w->journal[i].record.kind != CORE_REC_DEFINE || w->journal[i].record.queue != number)
            assert_int_equal(core_replay(c, &w->journal[i].record, w->journal[i].location), 0);
    core_replayed(c);
    core_check(c);
    assert_int_equal(core_queue_nameless(c), number);
    struct core_queue_attributes named = standard_queue("salvaged");
    core_step(c, &(struct core_event){.kind = CORE_QUEUE_SET, .queue = number, .attributes = &named}, w->out);
    assert_int_equal(core_queue_nameless(c), CORE_NONE);
    assert_int_equal(core_queue_by_name(c, slice_text("salvaged")), number);
    core_check(c);
    core_destroy(&c);
    world_destroy(&w);
}

/* All records but those of one kind, as salvage may leave them. */
static struct world *without(const struct world *w, enum core_record_kind lost)
{
    struct world *after = world_create_with(NULL, 0);
    for (size_t i = 0; i < w->journal_count; i++)
        if (w->journal[i].record.kind != lost)
            assert_int_equal(core_replay(after->core, &w->journal[i].record, w->journal[i].location), 0);
    assert_true(core_replayed(after->core) >= 0);
    core_check(after->core);
    return after;
}

static uint32_t handed_out(struct world *w, struct core_event event)
{
    uint32_t count = 0;
    event.now_ms = w->now_ms;
    event.client = 1;
    core_step(w->core, &event, w->out);
    for (size_t i = 0; i < w->out->count; i++)
        count += w->out->at[i].kind == CORE_EFFECT_DELIVER;
    return count;
}

static void jobs_run_though_the_definition_of_their_queue_is_lost(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a");
    add(w, "b", .group = 7);
    add(w, "c", .group = 7);
    struct world *after = without(w, CORE_REC_DEFINE);
    struct core_queue_attributes jobs = world_attributes(JOBS);
    handed_out(after, (struct core_event){.kind = CORE_QUEUE_SET, .queue = JOBS, .attributes = &jobs});
    core_check(after->core);
    handed_out(after, (struct core_event){.kind = CORE_WORKER_JOIN});
    assert_int_equal(handed_out(after, (struct core_event){.kind = CORE_WORKER_CREDIT, .messages = 3}), 2);
    core_check(after->core);
    world_destroy(&after);
    world_destroy(&w);
}

/* Whoever has the name or the place now is the younger; who had it before has ended, though the record of that is lost. */
static void a_lost_end_of_a_queue_is_understood(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes q = standard_queue("q"), r = standard_queue("r"), x = standard_queue("x");
    create(w, &x);
    remove_queue(w, "x", 'r');
    commit(w);
    create(w, &q);
    posted(w, "q", "old");
    remove_queue(w, "q", 'r');
    commit(w);
    pass(w, MINUTE_MS);
    create(w, &q);
    posted(w, "q", "new");
    struct world *name = without(w, CORE_REC_REMOVE);
    assert_int_equal(stats_of(name).messages, 1);
    assert_int_equal(queue_number(name, "q"), queue_number(w, "q"));
    world_destroy(&name);
    purge_queue(w, "q", 'p');
    commit(w);
    change(w, 0, &q);
    commit(w);
    struct world *number = without(w, CORE_REC_PURGE);
    assert_int_equal(stats_of(number).messages, 0);
    world_destroy(&number);
    struct world *second = recovered(w); /* looks for free places from the first on */
    create(second, &r);
    posted(second, "r", "other");
    struct world *place = without(second, CORE_REC_REMOVE);
    assert_int_equal(queue_number(place, "x"), CORE_NONE);
    assert_int_equal(queue_number(place, "r"), queue_number(second, "r"));
    assert_int_equal(stats_of(place).messages, 1);
    world_destroy(&place);
    world_destroy(&second);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_end_of_a_queue_is_understood),
        cmocka_unit_test(jobs_run_though_the_definition_of_their_queue_is_lost),
        cmocka_unit_test(a_queue_is_made_once),
        cmocka_unit_test(a_change_needs_the_version_that_it_was_made_of),
        cmocka_unit_test(dead_letters_go_to_a_queue_of_the_same_kind),
        cmocka_unit_test(a_removed_name_rests_for_a_minute),
        cmocka_unit_test(a_purge_leaves_nothing),
        cmocka_unit_test(a_receive_that_is_purged_before_its_answer_gives_nothing),
        cmocka_unit_test(a_large_queue_is_cleared_little_by_little),
        cmocka_unit_test(queues_come_in_the_order_of_their_names),
        cmocka_unit_test(ten_thousand_queues_and_no_more),
        cmocka_unit_test(numbers_are_not_confused),
        cmocka_unit_test(a_queue_whose_definition_is_lost_keeps_its_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
