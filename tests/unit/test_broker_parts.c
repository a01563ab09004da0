/* test_broker_parts.c - the shell's own tables: peers and their outboxes, results of SEND frames, bodies of calls, watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue/broker.h"

static struct net_peer address(unsigned char n) { return (struct net_peer){.bytes = {n, n, n}, .len = 3}; }

static struct id id_of(uint32_t n)
{
    struct id id = {{0}};
    memcpy(id.bytes, &n, sizeof n);
    memcpy(id.bytes + 10, &n, sizeof n);
    return id;
}

static void peers_are_found_by_address_name_and_handle(void **state)
{
    (void)state;
    struct peers p;
    struct net_peer one = address(1), two = address(2);
    assert_int_equal(peers_init(&p, 4), 0);
    struct peer *a = peers_add(&p, &one, 0), *b = peers_add(&p, &two, 0);
    memcpy(b->name, "two", 4);
    assert_ptr_equal(peers_by_address(&p, &one), a);
    assert_ptr_equal(peers_by_name(&p, slice_text("two")), b);
    assert_ptr_equal(peers_by_handle(&p, a->handle), a);
    assert_null(peers_by_index(&p, 2));
    peers_finish(&p);
}

static void a_handle_dies_with_its_peer(void **state)
{
    (void)state;
    struct peers p;
    struct net_peer one = address(1), two = address(2);
    assert_int_equal(peers_init(&p, 4), 0);
    struct peer *a = peers_add(&p, &one, 0);
    uint32_t old = a->handle;
    peers_remove(&p, a);
    struct peer *b = peers_add(&p, &two, 0);
    assert_ptr_equal(a, b); /* same place */
    assert_null(peers_by_handle(&p, old));
    assert_ptr_equal(peers_by_handle(&p, b->handle), b);
    peers_finish(&p);
}

static void a_full_table_refuses(void **state)
{
    (void)state;
    struct peers p;
    struct net_peer one = address(1);
    assert_int_equal(peers_init(&p, 2), 0);
    assert_non_null(peers_add(&p, &one, 0));
    assert_non_null(peers_add(&p, &one, 0));
    assert_null(peers_add(&p, &one, 0));
    peers_finish(&p);
}

static void an_outbox_keeps_order_and_counts_bytes(void **state)
{
    (void)state;
    struct peers p;
    struct net_peer one = address(1);
    assert_int_equal(peers_init(&p, 2), 0);
    struct peer *peer = peers_add(&p, &one, 0);
    struct buf frame = {0};
    for (unsigned char i = 0; i < 20; i++) {
        buf_byte(&frame, i);
        outbox_push(&p, peer, &frame);
        assert_int_equal(frame.len, 0);
    }
    assert_int_equal(peer->out.count, 20);
    assert_int_equal(peer->out.bytes, 20);
    assert_int_equal(p.dirty_count, 1);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(peer->out.frames[(peer->out.head + i) % peer->out.cap].data[0], i);
    peers_remove(&p, peer);
    assert_int_equal(p.dirty_count, 0);
    buf_finish(&frame);
    peers_finish(&p);
}

/* A frame that was sent leaves its memory in its place: under AddressSanitizer this shows that the end of the peer frees that, too. */
static void an_outbox_keeps_the_memory_of_what_was_sent(void **state)
{
    (void)state;
    struct peers p;
    struct net_peer one = address(1);
    assert_int_equal(peers_init(&p, 1), 0);
    struct peer *peer = peers_add(&p, &one, 0);
    struct buf frame = {0};
    for (int i = 0; i < 5; i++) {
        buf_byte(&frame, 7);
        outbox_push(&p, peer, &frame);
        buf_reset(&peer->out.frames[peer->out.head]); /* as net_router_send() does */
        peer->out.head = (peer->out.head + 1) % peer->out.cap;
        peer->out.count--;
    }
    buf_finish(&frame);
    peers_remove(&p, peer);
    peers_finish(&p);
}

static void a_peer_that_reads_too_slowly_is_given_up(void **state)
{
    (void)state;
    struct peers p;
    struct net_peer one = address(1);
    assert_int_equal(peers_init(&p, 2), 0);
    struct peer *peer = peers_add(&p, &one, 0);
    struct buf frame = {.failed = true}; /* a frame that memory was too short for counts as one */
    outbox_push(&p, peer, &frame);
    assert_int_equal(outbox_flush(peer, NULL), NET_GONE);
    peers_finish(&p);
}

static void a_batch_is_answered_when_all_is_known(void **state)
{
    (void)state;
    struct batches *s = batches_create();
    struct buf out = {0};
    uint32_t client = 0, batch = batches_open(s, 77, 5);
    batches_result(s, batches_tag(batch, 2), MSG_FULL, NULL);
    assert_false(batches_take(s, batch, &out, &client)); /* not sealed */
    batches_seal(s, batch, 3);
    batches_result(s, batches_tag(batch, 0), MSG_ACCEPTED, NULL);
    assert_false(batches_take(s, batch, &out, &client));
    struct id known = id_of(9);
    batches_result(s, batches_tag(batch, 1), MSG_DUPLICATE, &known);
    assert_true(batches_take(s, batch, &out, &client));
    assert_int_equal(client, 77);
    struct msg m;
    uint64_t number;
    enum msg_result result;
    struct id id;
    assert_int_equal(msg_open(buf_slice(&out), &m), 0);
    assert_int_equal(msg_read_sent(&m, &number), 0);
    assert_int_equal(number, 5);
    assert_true(msg_next_sent(&m, &result, &id) && result == MSG_ACCEPTED);
    assert_true(msg_next_sent(&m, &result, &id) && result == MSG_DUPLICATE && id_equal(&id, &known));
    assert_true(msg_next_sent(&m, &result, &id) && result == MSG_FULL);
    assert_false(msg_next_sent(&m, &result, &id));
    buf_finish(&out);
    batches_destroy(&s);
}

static void a_batch_accepted_whole_is_an_empty_answer(void **state)
{
    (void)state;
    struct batches *s = batches_create();
    struct buf out = {0};
    uint32_t client, batches[200];
    for (uint32_t i = 0; i < 200; i++) { /* more than the first allocation */
        batches[i] = batches_open(s, i, i);
        batches_seal(s, batches[i], 1);
    }
    for (uint32_t i = 0; i < 200; i++) {
        buf_reset(&out);
        batches_result(s, batches_tag(batches[i], 0), MSG_ACCEPTED, NULL);
        assert_true(batches_take(s, batches[i], &out, &client));
        assert_int_equal(client, i);
        struct msg m;
        uint64_t number;
        assert_int_equal(msg_open(buf_slice(&out), &m), 0);
        assert_int_equal(msg_read_sent(&m, &number), 0);
        assert_int_equal(m.left, 0);
    }
    buf_finish(&out);
    batches_destroy(&s);
}

static void bodies_survive_removal_of_their_neighbours(void **state)
{
    (void)state;
    struct bodies *s = bodies_create();
    struct msg_call call = {.body = slice_text("x")};
    for (uint64_t i = 0; i < 64; i++) /* all of them want the same place */
        assert_int_equal(bodies_add(s, i << 17, &call), 0);
    for (uint64_t i = 0; i < 64; i += 2)
        bodies_drop(s, i << 17);
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(bodies_find(s, i << 17) != NULL, i % 2);
    bodies_drop(s, 12345); /* unknown: nothing happens */
    bodies_destroy(&s);
}

static void bodies_are_bounded_in_bytes(void **state)
{
    (void)state;
    struct bodies *s = bodies_create();
    unsigned char *large = calloc(1, LIMIT_CALL_BYTES);
    assert_non_null(large);
    struct msg_call call = {.body = slice_of(large, LIMIT_CALL_BYTES)};
    uint64_t held = 0;
    while (bodies_room(s, LIMIT_CALL_BYTES))
        assert_int_equal(bodies_add(s, ++held, &call), 0);
    assert_int_equal(held, BROKER_CALL_BYTES / LIMIT_CALL_BYTES);
    assert_int_equal(bodies_add(s, held + 1, &call), -1);
    bodies_drop(s, 1);
    assert_true(bodies_room(s, LIMIT_CALL_BYTES));
    assert_int_equal(bodies_add(s, held + 1, &call), 0);
    free(large);
    bodies_destroy(&s);
}

static void a_watch_is_taken_once_or_comes_due(void **state)
{
    (void)state;
    struct watches *s = watches_create();
    struct id one = id_of(1), two = id_of(2), id;
    uint64_t request;
    uint32_t client;
    assert_int_equal(watches_deadline(s), INT64_MAX);
    assert_int_equal(watches_add(s, &one, 7, 100, 50), 0);
    assert_int_equal(watches_add(s, &two, 8, 200, 60), 0);
    assert_int_equal(watches_deadline(s), 50);
    assert_false(watches_take(s, &one, 8, &request)); /* another client's */
    assert_true(watches_take(s, &one, 7, &request) && request == 100);
    assert_false(watches_take(s, &one, 7, &request));
    assert_false(watches_due(s, 59, &id, &client, &request));
    assert_true(watches_due(s, 60, &id, &client, &request));
    assert_true(id_equal(&id, &two) && client == 8 && request == 200);
    assert_false(watches_due(s, 1000, &id, &client, &request));
    assert_int_equal(watches_deadline(s), INT64_MAX);
    watches_destroy(&s);
}

static void watches_of_a_gone_client_are_forgotten(void **state)
{
    (void)state;
    struct watches *s = watches_create();
    uint64_t request;
    for (uint32_t i = 0; i < 1000; i++) {
        struct id id = id_of(i);
        assert_int_equal(watches_add(s, &id, i % 2, i, 1000), 0);
    }
    watches_forget(s, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        struct id id = id_of(i);
        assert_int_equal(watches_take(s, &id, i % 2, &request), i % 2);
    }
    watches_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_found_by_address_name_and_handle),
        cmocka_unit_test(a_handle_dies_with_its_peer),
        cmocka_unit_test(a_full_table_refuses),
        cmocka_unit_test(an_outbox_keeps_order_and_counts_bytes),
        cmocka_unit_test(an_outbox_keeps_the_memory_of_what_was_sent),
        cmocka_unit_test(a_peer_that_reads_too_slowly_is_given_up),
        cmocka_unit_test(a_batch_is_answered_when_all_is_known),
        cmocka_unit_test(a_batch_accepted_whole_is_an_empty_answer),
        cmocka_unit_test(bodies_survive_removal_of_their_neighbours),
        cmocka_unit_test(bodies_are_bounded_in_bytes),
        cmocka_unit_test(a_watch_is_taken_once_or_comes_due),
        cmocka_unit_test(watches_of_a_gone_client_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
