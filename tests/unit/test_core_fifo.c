/* test_core_fifo.c - stories of FIFO queues: order in groups, what a group gives out, deduplication, attempts, delays. */
#include "tests/lib/core_client.h"

#include <stdio.h>
#include <string.h>

static struct world *world_with_queue(void)
{
    struct world *w = world_create();
    struct core_queue_attributes a = fifo_queue("q");
    create(w, &a);
    return w;
}

static void a_group_comes_in_order_and_only_once(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a1", .group = 1);
    posted(w, "q", "b1", .group = 2);
    posted(w, "q", "a2", .group = 1);
    posted(w, "q", "a3", .group = 1);
    received(w, "q", 2); /* as many as possible of one group */
    expect_received(w, 0, 77, 2);
    expect_given(w, "a1");
    expect_given(w, "a2");
    expect_gives(w, "q", "b1"); /* a3 waits for those before it */
    deleted(w, "q", "a1");
    expect_gives(w, "q", "");
    deleted(w, "q", "a2");
    expect_gives(w, "q", "a3");
    deleted(w, "q", "a3");
    posted(w, "q", "b2", .group = 2);
    expect_gives(w, "q", "");
    pass(w, VISIBILITY_MS); /* b1 comes back, and in front */
    expect_gives(w, "q", "b1 b2");
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_receive_goes_on_to_the_next_group(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    for (int i = 0; i < 12; i++) {
        char name[8];
        snprintf(name, sizeof name, "%c%d", "abc"[i % 3], i / 3);
        posted(w, "q", name, .group = (uint64_t)(i % 3) + 1);
    }
    expect_gives(w, "q", "a0 a1 a2 a3 b0 b1 b2 b3 c0 c1");
    expect_gives(w, "q", "");
    deleted(w, "q", "c0");
    deleted(w, "q", "c1");
    posted(w, "q", "a4", .group = 1);
    posted(w, "q", "d0", .group = 4);
    expect_gives(w, "q", "c2 c3 d0");
    check_client_recovery(w);
    world_destroy(&w);
}

/* If one of several is kept longer, those before it may be received again, those behind it wait. */
static void what_stands_before_the_one_that_is_kept_may_go(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    const char *names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        posted(w, "q", names[i], .group = 1);
    received(w, "q", 3, .visibility_ms = 1000);
    kept(w, "q", "b", 5000);
    pass(w, 1000);
    struct world *after = recovered(w);
    expect_gives(after, "q", "a");
    world_destroy(&after);
    expect_gives(w, "q", "a");
    deleted(w, "q", "a");
    expect_gives(w, "q", "");
    kept(w, "q", "b", 0);
    expect_gives(w, "q", "b c d");
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_handle_that_is_over_is_refused(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a", .group = 1);
    received(w, "q", 1, .visibility_ms = 1000);
    struct given_to first = given_last(w, "a");
    pass(w, 1000);
    delete_given(w, "q", first);
    expect_answer(w, CORE_EXPIRED);
    keep_given(w, "q", first, 1000);
    expect_answer(w, CORE_EXPIRED);
    received(w, "q", 1);
    delete_given(w, "q", first);
    expect_answer(w, CORE_EXPIRED);
    deleted(w, "q", "a");
    deleted(w, "q", "a"); /* gone is gone */
    world_destroy(&w);
}

static void the_same_key_is_the_same_message_for_five_minutes(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a", .group = 1, .key = "k");
    uint64_t seq = expect_answer(w, CORE_OK)->value;
    posted(w, "q", "b", .group = 2, .key = "k", .body = "another body"); /* whatever group and body: the queue's scope */
    const struct core_effect *e = expect_answer(w, CORE_OK);
    struct id first = name_id("a");
    assert_int_equal(e->value, seq);
    assert_true(id_equal(&e->id, &first));
    expect_unknown(w, "b");
    expect_gives(w, "q", "a");
    deleted(w, "q", "a");
    struct world *after = recovered(w);
    posted(after, "q", "b", .group = 1, .key = "k"); /* the window outlives the message, and the broker */
    assert_int_equal(expect_answer(after, CORE_OK)->value, seq);
    expect_unknown(after, "b");
    world_destroy(&after);
    pass(w, LIMIT_DEDUPLICATION_MS - 1);
    posted(w, "q", "b", .group = 1, .key = "k");
    expect_unknown(w, "b");
    pass(w, 1);
    posted(w, "q", "b", .group = 1, .key = "k");
    assert_true(expect_answer(w, CORE_OK)->value > seq);
    expect_gives(w, "q", "b");
    world_destroy(&w);
}

static void keys_may_be_each_groups_own(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = fifo_queue("q"), other = fifo_queue("other");
    a.deduplicate_by_group = true;
    create(w, &a);
    create(w, &other);
    posted(w, "q", "a", .group = 1, .key = "k");
    posted(w, "q", "b", .group = 2, .key = "k");
    posted(w, "q", "c", .group = 1, .key = "k");
    posted(w, "other", "d", .group = 1, .key = "k");
    expect_gives(w, "q", "a b");
    expect_gives(w, "other", "d");
    world_destroy(&w);
}

static void what_a_fifo_queue_wants(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    post(w, "q", "a");
    expect_answer(w, CORE_NO_GROUP);
    post(w, "q", "a", .group = 1, .no_key = true);
    expect_answer(w, CORE_NO_DEDUPLICATION);
    post(w, "q", "a", .group = 1, .content = true);
    expect_answer(w, CORE_NO_DEDUPLICATION);
    post(w, "q", "a", .group = 1, .delay_ms = 1);
    expect_answer(w, CORE_NOT_ALLOWED);
    post(w, "q", "a", .group = 1, .priority = 1);
    expect_answer(w, CORE_NOT_ALLOWED);
    struct core_queue_attributes a = fifo_queue("q");
    a.content_deduplication = true;
    change(w, 0, &a);
    posted(w, "q", "a", .group = 1, .content = true, .delay_ms = 0);
    expect_gives(w, "q", "a");
    world_destroy(&w);
}

static void a_purge_forgets_keys(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a", .group = 1, .key = "k");
    purge_queue(w, "q", 'p');
    commit(w);
    posted(w, "q", "b", .group = 1, .key = "k");
    expect_gives(w, "q", "b");
    struct world *after = recovered(w);
    posted(after, "q", "c", .group = 1, .key = "k");
    expect_unknown(after, "c");
    world_destroy(&after);
    world_destroy(&w);
}

static void an_attempt_is_given_the_same_again(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    for (int i = 0; i < 3; i++)
        posted(w, "q", (const char *[]){"a", "b", "c"}[i], .group = 1);
    received(w, "q", 2, .attempt = "try");
    struct given_to a = given_last(w, "a");
    pass(w, 20000);
    struct world *after = recovered(w);
    for (struct world *each = w; each; each = each == w ? after : NULL) {
        received(each, "q", 2, .attempt = "try");
        expect_received(each, 0, 77, 2);
        expect_given(each, "a");
        expect_given(each, "b");
        assert_int_equal(given_last(each, "a").lease, a.lease); /* the same handles */
        assert_int_equal(info_of(each, "a").receive_count, 1);
        assert_int_equal(info_of(each, "a").due_ms, each->now_ms + VISIBILITY_MS); /* and their time begins anew */
        expect_gives(each, "q", "");
    }
    check_client_recovery(after);
    world_destroy(&after);
    deleted(w, "q", "a");
    received(w, "q", 2, .attempt = "try"); /* not the same any more: a receive like any other */
    expect_received(w, 0, 77, 0);
    deleted(w, "q", "b");
    received(w, "q", 2, .attempt = "try");
    expect_received(w, 0, 77, 1);
    expect_given(w, "c");
    kept(w, "q", "c", 500);
    received(w, "q", 2, .attempt = "try");
    expect_received(w, 0, 77, 0);
    pass(w, 500);
    received(w, "q", 2, .attempt = "try", .visibility_ms = 10 * MINUTE_MS);
    expect_received(w, 0, 77, 1);
    pass(w, 5 * MINUTE_MS);
    received(w, "q", 2, .attempt = "try"); /* five minutes are over */
    expect_received(w, 0, 77, 0);
    world_destroy(&w);
}

static void a_new_delay_holds_for_what_is_there(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = fifo_queue("q");
    a.delay_ms = 10000;
    create(w, &a);
    posted(w, "q", "a", .group = 1);
    w->now_ms += 1000;
    posted(w, "q", "b", .group = 1);
    posted(w, "q", "c", .group = 2);
    expect_gives(w, "q", "");
    a.delay_ms = 5000;
    change(w, 0, &a);
    commit(w);
    pass(w, 4000);
    check_client_recovery(w);
    expect_gives(w, "q", "a");
    a.delay_ms = 0;
    change(w, 0, &a);
    commit(w);
    pass(w, 0);
    expect_gives(w, "q", "c"); /* b waits for a */
    posted(w, "q", "d", .group = 3);
    expect_state(w, "d", CORE_READY);
    a.delay_ms = 60000;
    change(w, 0, &a);
    commit(w);
    pass(w, 0);
    expect_state(w, "d", CORE_DELAYED); /* hidden again */
    expect_state(w, "b", CORE_DELAYED);
    expect_state(w, "a", CORE_LEASED);
    pass(w, VISIBILITY_MS);
    expect_gives(w, "q", "a c"); /* they were received before: nothing hides them */
    check_client_recovery(w);
    world_destroy(&w);
}

static void a_delayed_message_does_not_hold_those_before_it(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = fifo_queue("q");
    a.delay_ms = 5000;
    create(w, &a);
    posted(w, "q", "a", .group = 1);
    w->now_ms += 3000;
    posted(w, "q", "b", .group = 1);
    pass(w, 2000);
    expect_gives(w, "q", "a");
    deleted(w, "q", "a");
    expect_gives(w, "q", "");
    pass(w, 3000);
    expect_gives(w, "q", "b");
    world_destroy(&w);
}

static void numbers_rise_over_restarts(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    posted(w, "q", "a", .group = 1);
    uint64_t seq = expect_answer(w, CORE_OK)->value;
    struct world *after = recovered(w);
    posted(after, "q", "b", .group = 1);
    assert_true(expect_answer(after, CORE_OK)->value > seq);
    expect_gives(after, "q", "a b");
    world_destroy(&after);
    world_destroy(&w);
}

static void too_many_in_flight_are_no_error_here(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_queue_attributes a = fifo_queue("q");
    a.max_inflight = 2;
    create(w, &a);
    for (int i = 0; i < 4; i++)
        posted(w, "q", (const char *[]){"a", "b", "c", "d"}[i], .group = (uint64_t)i + 1);
    expect_gives(w, "q", "a b");
    expect_gives(w, "q", "");
    deleted(w, "q", "a");
    expect_gives(w, "q", "c");
    world_destroy(&w);
}

static void copies_take_their_old_places(void **state)
{
    (void)state;
    struct world *w = world_with_queue();
    for (int i = 0; i < 4; i++)
        posted(w, "q", (const char *[]){"a", "b", "c", "d"}[i], .group = 1);
    received(w, "q", 2, .attempt = "try");
    move_body(w, "b");
    move_body(w, "a");
    move_body(w, "c");
    commit(w);
    size_t first = 0;
    while (w->journal[first].record.kind != CORE_REC_POST || memcmp(w->journal[first].record.id.bytes, "d", 2) != 0)
        first++;
    struct world *after = world_recover(w, first);
    expect_same_messages(w, after);
    received(after, "q", 2, .attempt = "try");
    expect_received(after, 0, 77, 2);
    deleted(after, "q", "a");
    deleted(after, "q", "b");
    expect_gives(after, "q", "c d");
    world_destroy(&after);
    world_destroy(&w);
}

/* The promise: as fast with a million waiting in a hundred thousand groups as when empty. Counted in steps here: nothing but the messages
 * meant is touched. */
static void many_groups(void **state)
{
    (void)state;
    enum { GROUPS = 900, EACH = 10 };
    struct world *w = world_with_queue();
    char name[16];
    w->quick = true;
    for (int i = 0; i < GROUPS * EACH; i++) {
        snprintf(name, sizeof name, "m%d", i);
        post(w, "q", name, .group = (uint64_t)(i % GROUPS) + 1);
        if (i % 1000 == 999)
            commit(w);
    }
    uint64_t last[GROUPS + 1] = {0}, got = 0;
    while (got < GROUPS * EACH) {
        struct core_info info;
        received(w, "q", 10);
        size_t count = w->seen_count;
        struct core_effect given[64];
        assert_in_range(count, 2, 64);
        memcpy(given, w->seen, count * sizeof *given);
        for (size_t i = 0; i < count; i++) {
            if (given[i].kind != CORE_EFFECT_GIVEN)
                continue;
            got++;
            assert_true(core_slot(w->core, given[i].slot, given[i].seq, &info));
            assert_true(info.seq > last[info.group]);
            last[info.group] = info.seq;
            delete_given(w, "q", (struct given_to){given[i].seq, given[i].lease});
        }
    }
    commit(w);
    core_check(w->core);
    assert_int_equal(stats_of(w).messages, 0);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_comes_in_order_and_only_once),
        cmocka_unit_test(a_receive_goes_on_to_the_next_group),
        cmocka_unit_test(what_stands_before_the_one_that_is_kept_may_go),
        cmocka_unit_test(a_handle_that_is_over_is_refused),
        cmocka_unit_test(the_same_key_is_the_same_message_for_five_minutes),
        cmocka_unit_test(keys_may_be_each_groups_own),
        cmocka_unit_test(what_a_fifo_queue_wants),
        cmocka_unit_test(a_purge_forgets_keys),
        cmocka_unit_test(an_attempt_is_given_the_same_again),
        cmocka_unit_test(a_new_delay_holds_for_what_is_there),
        cmocka_unit_test(a_delayed_message_does_not_hold_those_before_it),
        cmocka_unit_test(numbers_rise_over_restarts),
        cmocka_unit_test(too_many_in_flight_are_no_error_here),
        cmocka_unit_test(copies_take_their_old_places),
        cmocka_unit_test(many_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
