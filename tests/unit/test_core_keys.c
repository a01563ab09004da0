/* test_core_keys.c - the idempotency window: the same key is the same message, for a while, over ends, restarts and old segments. */
#include "tests/lib/core_world.h"

#include <stdio.h>
#include <string.h>

static void the_same_key_and_body_are_the_first_message(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .key = "k", .body = "bread");
    put(w, "b", .client = 2, .key = "k", .body = "bread");
    expect_sent(w, 2, "a", CORE_DUPLICATE); /* the id of the first */
    expect_nothing(w);
    expect_unknown(w, "b");
    put(w, "c", .key = "k", .body = "cake");
    expect_sent(w, 0, "a", CORE_MISMATCH);
    expect_unknown(w, "c");
    put(w, "d", .key = "other", .body = "bread");
    commit(w);
    expect_sent(w, 0, "d", CORE_ACCEPTED);
    assert_int_equal(stats_of(w).keys, 2);
    assert_int_equal(records(w, CORE_REC_SEND), 2);
    check_recovery(w);
    world_destroy(&w);
}

static void a_key_whose_message_is_not_on_disk_is_answered_with_it(void **state)
{
    (void)state;
    struct world *w = world_create();
    put(w, "a", .key = "k");
    put(w, "b", .client = 2, .key = "k", .wait = true);
    expect_nothing(w);
    put(w, "c", .key = "k", .body = "other");
    expect_sent(w, 0, "a", CORE_MISMATCH); /* promises nothing: at once */
    commit(w);
    expect_sent(w, 0, "a", CORE_ACCEPTED);
    expect_sent(w, 2, "a", CORE_DUPLICATE);
    join(w, 0);
    credit(w, 0, 1);
    done(w, "a");
    expect_result(w, 2, "a", "ok");
    world_destroy(&w);
}

static void a_key_outlives_its_message(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 10);
    add(w, "a", .key = "k");
    done(w, "a");
    put(w, "b", .key = "k", .wait = true);
    expect_sent(w, 0, "a", CORE_DUPLICATE);
    expect_nothing(w);
    assert_int_equal(stats_of(w).waiters, 0);
    world_destroy(&w);
}

static void a_key_is_forgotten_after_the_window(void **state)
{
    (void)state;
    struct world *w = world_create();
    add(w, "a", .key = "k");
    pass(w, 59999);
    put(w, "b", .key = "k");
    expect_sent(w, 0, "a", CORE_DUPLICATE);
    pass(w, 1);
    put(w, "b", .key = "k", .body = "other");
    commit(w);
    expect_sent(w, 0, "b", CORE_ACCEPTED);
    put(w, "c", .key = "k", .body = "other");
    expect_sent(w, 0, "b", CORE_DUPLICATE);
    assert_int_equal(stats_of(w).keys, 1);
    tick(w, 60000);
    assert_int_equal(stats_of(w).keys, 0);
    world_destroy(&w);
}

static void a_full_table_refuses_until_the_oldest_expire(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes a = world_attributes(JOBS);
    config.max_keys = 3;
    config.max_messages = 6;
    struct world *w = world_create_with(&config, 0);
    queue_set(w, JOBS, &a);
    add(w, "a", .key = "1");
    tick(w, 30000);
    add(w, "b", .key = "2");
    add(w, "c", .key = "3");
    for (int i = 0; i < 20; i++) { /* a refused message leaves nothing behind */
        put(w, "d", .key = "4", .delay_ms = 5);
        expect_sent(w, 0, "d", CORE_FULL);
        expect_unknown(w, "d");
    }
    assert_int_equal(core_low_seq(w->core), 0); /* a, in the first block */
    add(w, "e");                                /* without a key there is room */
    expect_sent(w, 0, "e", CORE_ACCEPTED);
    tick(w, 30000);
    add(w, "d", .key = "4");
    expect_sent(w, 0, "d", CORE_ACCEPTED);
    put(w, "f", .key = "5");
    expect_sent(w, 0, "f", CORE_FULL);
    assert_int_equal(stats_of(w).keys, 3);
    add(w, "f");
    expect_sent(w, 0, "f", CORE_ACCEPTED);
    check_recovery(w);
    purge(w, JOBS);
    assert_int_equal(core_low_seq(w->core), core_number(w->core) + 1);
    world_destroy(&w);
}

static void many_keys_are_all_found(void **state)
{
    (void)state;
    struct world *w = world_create();
    char name[ID_BYTES], key[16];
    w->quick = true;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "m%d", i);
        snprintf(key, sizeof key, "k%d", i);
        put(w, name, .key = key);
        tick(w, 1);
    }
    commit(w);
    pass(w, 0);
    for (int i = 0; i < 5000; i += 7) {
        char first[ID_BYTES];
        snprintf(first, sizeof first, "m%d", i);
        snprintf(key, sizeof key, "k%d", i);
        put(w, "again", .key = key);
        expect_sent(w, 0, first, CORE_DUPLICATE);
    }
    w->now_ms += 57500 - 1; /* 2,500 of them have expired */
    for (int i = 0; i < 1000; i++)
        tick(w, 0);
    assert_int_equal(stats_of(w).keys, 2500);
    world_destroy(&w);
}

static void keys_survive_a_restart(void **state)
{
    (void)state;
    struct world *w = world_create();
    join(w, 0);
    credit(w, 0, 1);
    add(w, "a", .key = "1", .body = "bread");
    done(w, "a");
    tick(w, 30000);
    add(w, "b", .key = "2");
    struct world *after = world_recover(w, 0);
    put(after, "x", .key = "1", .body = "bread");
    expect_sent(after, 0, "a", CORE_DUPLICATE);
    put(after, "x", .key = "1", .body = "cake");
    expect_sent(after, 0, "a", CORE_MISMATCH);
    tick(after, 30000);
    put(after, "x", .key = "1", .body = "cake");
    commit(after);
    expect_sent(after, 0, "x", CORE_ACCEPTED);
    put(after, "y", .key = "2");
    expect_sent(after, 0, "b", CORE_DUPLICATE);
    world_destroy(&after);
    world_destroy(&w);
}

static struct core_event keyed(const char *name, const char *key, int64_t now_ms)
{
    struct core_event e = {.kind = CORE_SEND, .now_ms = now_ms, .id = name_id(name), .has_key = true};
    memcpy(e.key, key, strlen(key));
    return e;
}

/* The segment with the SEND is dropped; the KEY that compaction has copied from it into a younger one brings the key back. */
static void keys_are_carried_over(void **state)
{
    (void)state;
    struct world *w = world_create();
    struct core_record kept = {.kind = CORE_REC_KEY, .queue = CORE_NONE, .has_key = true, .key = "1", .id = name_id("a")};
    tick(w, 30000);
    add(w, "a", .key = "1");
    const struct core_record *sent = &w->journal[w->journal_count - 1].record;
    kept.body_hash = sent->body_hash;
    kept.key_expires_ms = sent->key_expires_ms;
    kept.number = sent->number;
    tick(w, 30000);
    kept.now_ms = w->now_ms;
    struct core *c = core_create(&w->config);
    struct core_queue_attributes jobs = world_attributes(JOBS);
    assert_int_equal(core_replay(c, &(struct core_record){.kind = CORE_REC_QUEUE, .queue = JOBS, .attributes = jobs}, 1), 0);
    assert_int_equal(core_replay(c, &kept, 1), 0);
    assert_int_equal(core_replayed(c), w->now_ms);
    struct core_event e = keyed("new", "1", w->now_ms + 29999);
    core_step(c, &e, w->out);
    assert_int_equal(w->out->count, 1);
    assert_int_equal(w->out->at[0].send_result, CORE_DUPLICATE);
    struct id a = name_id("a");
    assert_true(id_equal(&w->out->at[0].id, &a));
    e = keyed("new", "1", w->now_ms + 30000);
    core_step(c, &e, w->out);
    assert_int_equal(w->out->at[0].kind, CORE_EFFECT_JOURNAL);
    core_destroy(&c);
    world_destroy(&w);
}

/* More keys went through the window, one after the other, than it holds at once: recovery must not stumble over them. */
static void recovery_lets_keys_expire_on_its_way(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes a = world_attributes(JOBS);
    config.max_keys = 4;
    struct world *w = world_create_with(&config, 0);
    queue_set(w, JOBS, &a);
    for (int i = 0; i < 100; i++) {
        char name[ID_BYTES];
        snprintf(name, sizeof name, "m%d", i);
        tick(w, 20000);
        add(w, name, .key = name);
        expect_sent(w, 0, name, CORE_ACCEPTED);
    }
    struct world *after = world_recover(w, 0);
    expect_same_messages(w, after);
    assert_true(stats_of(after).keys <= 4);
    put(after, "x", .key = "m99");
    expect_sent(after, 0, "m99", CORE_DUPLICATE);
    world_destroy(&after);
    world_destroy(&w);
}

/* Carried-over keys may stand behind younger ones in the journal, so that more than the limit are known for a while. */
static void recovery_takes_more_keys_than_the_limit(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes a = world_attributes(JOBS);
    config.max_keys = 2;
    struct world *w = world_create_with(&config, 0);
    assert_int_equal(core_replay(w->core, &(struct core_record){.kind = CORE_REC_QUEUE, .queue = JOBS, .attributes = a}, 1), 0);
    for (unsigned i = 0; i < 100; i++) {
        struct core_record r = {.kind = CORE_REC_KEY, .number = i + 1, .now_ms = w->now_ms, .has_key = true};
        r.key[0] = (unsigned char)i;
        r.key_expires_ms = w->now_ms + 1000;
        assert_int_equal(core_replay(w->core, &r, 1), 0);
    }
    core_replayed(w->core);
    assert_int_equal(stats_of(w).keys, 100);
    w->quick = true; /* the journal of this world is not what was replayed */
    struct core_event e = keyed("new", "new", w->now_ms);
    core_step(w->core, &e, w->out);
    assert_int_equal(w->out->at[0].send_result, CORE_FULL); /* the limit holds for new ones */
    world_destroy(&w);
}

static void keys_that_expire_out_of_turn_make_room(void **state)
{
    (void)state;
    struct core_config config = world_config(NULL);
    struct core_queue_attributes a = world_attributes(JOBS);
    config.max_keys = 2;
    struct world *w = world_create_with(&config, 0);
    assert_int_equal(core_replay(w->core, &(struct core_record){.kind = CORE_REC_QUEUE, .queue = JOBS, .attributes = a}, 1), 0);
    struct core_record young = {.kind = CORE_REC_KEY,
                                .number = 1,
                                .now_ms = w->now_ms,
                                .has_key = true,
                                .key = "y",
                                .key_expires_ms = w->now_ms + 9000};
    struct core_record carried = {.kind = CORE_REC_KEY,
                                  .number = 2,
                                  .now_ms = w->now_ms,
                                  .has_key = true,
                                  .key = "c",
                                  .key_expires_ms = w->now_ms + 1000};
    assert_int_equal(core_replay(w->core, &young, 1), 0);
    assert_int_equal(core_replay(w->core, &carried, 1), 0);
    core_replayed(w->core);
    struct core_event early = keyed("a", "a", w->now_ms + 999), late = keyed("b", "b", w->now_ms + 1000);
    core_step(w->core, &early, w->out);
    assert_int_equal(w->out->at[0].kind, CORE_EFFECT_SENT);
    assert_int_equal(w->out->at[0].send_result, CORE_FULL);
    core_step(w->core, &late, w->out);
    assert_int_equal(w->out->at[0].kind, CORE_EFFECT_JOURNAL);
    assert_int_equal(stats_of(w).keys, 2);
    world_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_key_and_body_are_the_first_message),
        cmocka_unit_test(a_key_whose_message_is_not_on_disk_is_answered_with_it),
        cmocka_unit_test(a_key_outlives_its_message),
        cmocka_unit_test(a_key_is_forgotten_after_the_window),
        cmocka_unit_test(a_full_table_refuses_until_the_oldest_expire),
        cmocka_unit_test(many_keys_are_all_found),
        cmocka_unit_test(keys_survive_a_restart),
        cmocka_unit_test(keys_are_carried_over),
        cmocka_unit_test(recovery_lets_keys_expire_on_its_way),
        cmocka_unit_test(recovery_takes_more_keys_than_the_limit),
        cmocka_unit_test(keys_that_expire_out_of_turn_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
