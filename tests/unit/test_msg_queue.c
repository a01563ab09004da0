/* test_msg_queue.c - requests to queues and their responses, there and back; what is out of range, and what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/msg_queue.h"

static const struct id id_a = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static const struct queue_attributes standard = {
    .visibility_ms = 30000, .retention_ms = LIMIT_RETENTION_MIN_MS, .max_message_bytes = LIMIT_BODY_BYTES};

static void assert_text(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

/* One request in a frame of its own, read back; b keeps its bytes. */
static bool travels(struct buf *b, const struct queue_request *sent, struct queue_request *got)
{
    struct msg m;
    uint64_t number;
    bool valid = false;
    buf_reset(b);
    size_t mark = msg_begin_requests(b);
    msg_add_request(b, 77, sent);
    msg_end(b, mark, 1);
    assert_int_equal(msg_open(buf_slice(b), &m), 0);
    assert_int_equal(m.kind, MSG_REQUESTS);
    assert_int_equal(msg_read_requests(&m), 0);
    if (!msg_next_request(&m, &number, got, &valid))
        return false;
    assert_int_equal(number, 77);
    assert_int_equal(got->verb, sent->verb);
    assert_true(slice_equal(got->queue, sent->queue));
    assert_false(msg_next_request(&m, &number, &(struct queue_request){0}, &valid));
    return valid;
}

static void test_messages(void **state)
{
    (void)state;
    struct buf b = {0};
    struct queue_request got, r = {.verb = QUEUE_VERB_SEND, .queue = slice_text("eu/orders.fifo")};
    r.send = (struct queue_send){.id = id_a,
                                 .group = UINT64_MAX,
                                 .flags = QUEUE_CONTENT_KEY,
                                 .delay_ms = QUEUE_DEFAULT,
                                 .priority = 3,
                                 .key = slice_text("0123456789abcdef"),
                                 .size = 12,
                                 .body = slice_text("the envelope")};
    assert_true(travels(&b, &r, &got));
    assert_true(id_equal(&got.send.id, &id_a) && got.send.group == UINT64_MAX && got.send.flags == QUEUE_CONTENT_KEY);
    assert_true(got.send.delay_ms == QUEUE_DEFAULT && got.send.priority == 3 && got.send.size == 12);
    assert_text(got.send.key, "0123456789abcdef");
    assert_text(got.send.body, "the envelope");

    r = (struct queue_request){.verb = QUEUE_VERB_RECEIVE, .queue = slice_text("q")};
    r.receive =
        (struct queue_receive){.max = 10, .visibility_ms = 0, .wait_ms = 20000, .attempt = slice_text("fedcba9876543210")};
    assert_true(travels(&b, &r, &got));
    assert_true(got.receive.max == 10 && got.receive.visibility_ms == 0 && got.receive.wait_ms == 20000);
    assert_text(got.receive.attempt, "fedcba9876543210");

    r = (struct queue_request){.verb = QUEUE_VERB_VISIBILITY, .queue = slice_text("q")};
    r.handle.handle = slice_text("a handle");
    r.handle.visibility_ms = LIMIT_LEASE_MS;
    assert_true(travels(&b, &r, &got));
    assert_text(got.handle.handle, "a handle");
    assert_int_equal(got.handle.visibility_ms, LIMIT_LEASE_MS);
    r.verb = QUEUE_VERB_DELETE;
    assert_true(travels(&b, &r, &got));
    assert_text(got.handle.handle, "a handle");
    buf_finish(&b);
}

static void test_queues(void **state)
{
    (void)state;
    struct buf b = {0};
    struct queue_request got, r = {.verb = QUEUE_VERB_CHANGE, .queue = slice_text("q")};
    r.define.version = 9;
    r.define.document = slice_text("tags");
    r.define.attributes = (struct queue_attributes){.kind = QUEUE_FIFO,
                                                    .visibility_ms = 1,
                                                    .delay_ms = 2,
                                                    .retention_ms = LIMIT_RETENTION_MAX_MS,
                                                    .wait_ms = 4,
                                                    .max_lease_ms = 5,
                                                    .max_message_bytes = 1024,
                                                    .max_receive_count = 7,
                                                    .dead_letter = slice_text("dead.fifo"),
                                                    .content_deduplication = true,
                                                    .throughput_by_group = true,
                                                    .max_inflight = 8,
                                                    .max_per_group = 9,
                                                    .paused = true,
                                                    .max_messages = 10,
                                                    .max_bytes = UINT64_MAX};
    assert_true(travels(&b, &r, &got));
    const struct queue_attributes *a = &got.define.attributes;
    assert_true(got.define.version == 9 && a->kind == QUEUE_FIFO && a->visibility_ms == 1 && a->delay_ms == 2);
    assert_true(a->retention_ms == LIMIT_RETENTION_MAX_MS && a->wait_ms == 4 && a->max_lease_ms == 5);
    assert_true(a->max_message_bytes == 1024 && a->max_receive_count == 7 && a->content_deduplication);
    assert_true(!a->deduplicate_by_group && a->throughput_by_group && a->max_inflight == 8 && a->max_per_group == 9);
    assert_true(a->paused && a->max_messages == 10 && a->max_bytes == UINT64_MAX);
    assert_text(a->dead_letter, "dead.fifo");
    assert_text(got.define.document, "tags");

    r = (struct queue_request){.verb = QUEUE_VERB_LIST, .queue = slice_text("eu/")};
    r.list.after = slice_text("eu/m");
    r.list.dead_letter = slice_text("d");
    r.list.max = LIMIT_QUEUES_LISTED;
    assert_true(travels(&b, &r, &got));
    assert_text(got.list.after, "eu/m");
    assert_text(got.list.dead_letter, "d");
    assert_int_equal(got.list.max, LIMIT_QUEUES_LISTED);

    r = (struct queue_request){.verb = QUEUE_VERB_MOVE_START, .queue = slice_text("dead")};
    r.move.task = id_a;
    r.move.destination = slice_text("elsewhere");
    r.move.rate = LIMIT_MOVE_RATE;
    assert_true(travels(&b, &r, &got));
    assert_true(id_equal(&got.move.task, &id_a) && got.move.rate == LIMIT_MOVE_RATE);
    assert_text(got.move.destination, "elsewhere");

    r = (struct queue_request){.verb = QUEUE_VERB_PEEK, .queue = slice_text("q"), .peek = {QUEUE_DELAYED, 5, 100}};
    assert_true(travels(&b, &r, &got));
    assert_true(got.peek.state == QUEUE_DELAYED && got.peek.max == 5 && got.peek.body_bytes == 100);
    r = (struct queue_request){.verb = QUEUE_VERB_STOP, .request = 12345678901};
    assert_true(travels(&b, &r, &got));
    assert_true(got.request == 12345678901);
    static const enum queue_verb tokens[] = {QUEUE_VERB_REMOVE, QUEUE_VERB_PURGE, QUEUE_VERB_MOVE_CANCEL, QUEUE_VERB_FIND};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        r = (struct queue_request){.verb = tokens[i], .queue = slice_text("q"), .token = id_a};
        assert_true(travels(&b, &r, &got) && id_equal(&got.token, &id_a));
    }
    static const enum queue_verb bare[] = {QUEUE_VERB_DESCRIBE, QUEUE_VERB_MOVE_LIST};
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        assert_true(travels(&b, &(struct queue_request){.verb = bare[i], .queue = slice_text("q")}, &got));
    buf_finish(&b);
}

/* Each row breaks one range of a good request by one. */
static void test_ranges(void **state)
{
    (void)state;
    static char bytes[LIMIT_MESSAGE_BYTES + 1];
    struct buf b = {0};
    struct queue_request got, good = {.verb = QUEUE_VERB_SEND, .queue = slice_text("q")}, r;
    good.send = (struct queue_send){.delay_ms = LIMIT_SCHEDULE_MS, .body = slice_of(bytes, LIMIT_MESSAGE_BYTES)};
    assert_true(travels(&b, &good, &got));
#define BAD(change)                                                                                                            \
    r = good;                                                                                                                  \
    change;                                                                                                                    \
    assert_false(travels(&b, &r, &got))
    BAD(r.send.delay_ms++);
    BAD(r.send.priority = LIMIT_PRIORITIES);
    BAD(r.send.key = slice_text("0123456789abcde"));
    BAD(r.send.body.len++);
    BAD(r.send.body.len = 0);

    good = (struct queue_request){.verb = QUEUE_VERB_RECEIVE, .receive = {10, LIMIT_LEASE_MS, LIMIT_RECEIVE_WAIT_MS, {0}}};
    assert_true(travels(&b, &good, &got));
    BAD(r.receive.max = 0);
    BAD(r.receive.max++);
    BAD(r.receive.visibility_ms++);
    BAD(r.receive.wait_ms++);
    BAD(r.receive.attempt = slice_text("x"));

    good = (struct queue_request){.verb = QUEUE_VERB_VISIBILITY, .handle = {slice_of(bytes, LIMIT_HANDLE_BYTES), 0}};
    assert_true(travels(&b, &good, &got));
    BAD(r.handle.handle.len = 0);
    BAD(r.handle.handle.len++);
    BAD(r.handle.visibility_ms = LIMIT_LEASE_MS + 1);

    good = (struct queue_request){.verb = QUEUE_VERB_CREATE, .queue = slice_text("q")};
    good.define.attributes = standard;
    good.define.document = slice_of(bytes, LIMIT_QUEUE_DOCUMENT_BYTES);
    assert_true(travels(&b, &good, &got));
    BAD(r.queue.len = 0);
    BAD(r.define.document.len++);
    BAD(r.define.attributes.kind = QUEUE_KINDS);
    BAD(r.define.attributes.visibility_ms = LIMIT_VISIBILITY_MS + 1);
    BAD(r.define.attributes.delay_ms = LIMIT_SCHEDULE_MS + 1);
    BAD(r.define.attributes.retention_ms--);
    BAD(r.define.attributes.retention_ms = LIMIT_RETENTION_MAX_MS + 1);
    BAD(r.define.attributes.wait_ms = LIMIT_RECEIVE_WAIT_MS + 1);
    BAD(r.define.attributes.max_lease_ms = LIMIT_LEASE_MS + 1);
    BAD(r.define.attributes.max_message_bytes = 1023);
    BAD(r.define.attributes.max_message_bytes++);
    BAD(r.define.attributes.max_receive_count = LIMIT_RECEIVE_COUNT + 1);
    memset(bytes, 'n', LIMIT_QUEUE_PATH_BYTES + 1);
    BAD(r.define.attributes.dead_letter = slice_of(bytes, LIMIT_QUEUE_PATH_BYTES + 1));
    BAD(r.define.attributes.max_inflight = LIMIT_INFLIGHT + 1);

    good = (struct queue_request){.verb = QUEUE_VERB_LIST, .list = {.max = 1}};
    assert_true(travels(&b, &good, &got));
    BAD(r.list.max = 0);
    BAD(r.list.max = LIMIT_QUEUES_LISTED + 1);
    good = (struct queue_request){.verb = QUEUE_VERB_MOVE_START};
    BAD(r.move.rate = LIMIT_MOVE_RATE + 1);
    good = (struct queue_request){.verb = QUEUE_VERB_PEEK, .peek = {QUEUE_READY, LIMIT_PEEK, 0}};
    BAD(r.peek.max++);
    BAD(r.peek.state = QUEUE_MESSAGE_STATES);
    buf_finish(&b);
}

/* A request that cannot be carried out does not take those behind it with it. */
static void test_a_bad_one_among_good_ones(void **state)
{
    (void)state;
    struct buf b = {0};
    struct queue_request got, r = {.verb = QUEUE_VERB_RECEIVE, .queue = slice_text("q"), .receive = {.max = 11}};
    struct msg m;
    uint64_t number;
    bool valid;
    size_t mark = msg_begin_requests(&b);
    msg_add_request(&b, 1, &r);
    r.receive.max = 1;
    msg_add_request(&b, 2, &r);
    msg_end(&b, mark, 2);
    assert_int_equal(msg_open(buf_slice(&b), &m), 0);
    assert_int_equal(msg_read_requests(&m), 0);
    assert_true(msg_next_request(&m, &number, &got, &valid) && number == 1 && !valid);
    assert_true(msg_next_request(&m, &number, &got, &valid) && number == 2 && valid);
    buf_finish(&b);
}

static struct queue_response response_of(const struct buf *b)
{
    struct msg m;
    struct queue_response r;
    assert_int_equal(msg_open(buf_slice(b), &m), 0);
    assert_int_equal(msg_read_responses(&m), 0);
    assert_true(msg_next_response(&m, &r));
    assert_int_equal(r.request, 5);
    assert_int_equal(r.result, QUEUE_OK);
    assert_true(mp_at_end(&m.reader));
    return r;
}

static size_t respond(struct buf *b)
{
    buf_reset(b);
    size_t mark = msg_begin_responses(b);
    msg_begin_response(b, 5, QUEUE_OK);
    return mark;
}

static void test_small_responses(void **state)
{
    (void)state;
    struct buf b = {0};
    uint64_t seq, number;
    struct id id;
    size_t mark = respond(&b);
    queue_put_sent(&b, UINT64_MAX, &id_a);
    msg_end(&b, mark, 1);
    struct queue_response r = response_of(&b);
    assert_int_equal(queue_read_sent(&r, &seq, &id), 0);
    assert_true(seq == UINT64_MAX && id_equal(&id, &id_a));
    assert_int_equal(queue_read_number(&r, &number), -1);

    mark = respond(&b);
    mp_put_uint(&b, 42);
    msg_end(&b, mark, 1);
    r = response_of(&b);
    assert_int_equal(queue_read_number(&r, &number), 0);
    assert_int_equal(number, 42);
    assert_int_equal(queue_read_sent(&r, &seq, &id), -1);
    buf_finish(&b);
}

static void test_received(void **state)
{
    (void)state;
    struct buf b = {0};
    struct queue_received m = {.id = id_a,
                               .handle = slice_text("handle"),
                               .seq = 7,
                               .receive_count = 3,
                               .sent_ms = 1000,
                               .first_received_ms = 2000,
                               .source = slice_text("from"),
                               .reason = slice_text("why"),
                               .body = slice_text("body")},
                          got;
    struct queue_walk walk;
    size_t mark = respond(&b), list = mp_open(&b);
    queue_put_received(&b, &m);
    queue_put_received(&b, &m);
    mp_close_array(&b, list, 2);
    msg_end(&b, mark, 1);
    struct queue_response r = response_of(&b);
    assert_int_equal(queue_walk_received(&r, &walk), 0);
    assert_int_equal(walk.left, 2);
    assert_true(queue_next_received(&walk, &got) && queue_next_received(&walk, &got));
    assert_true(id_equal(&got.id, &id_a) && got.seq == 7 && got.receive_count == 3);
    assert_true(got.sent_ms == 1000 && got.first_received_ms == 2000);
    assert_text(got.handle, "handle");
    assert_text(got.source, "from");
    assert_text(got.reason, "why");
    assert_text(got.body, "body");
    assert_false(queue_next_received(&walk, &got));
    assert_false(walk.reader.failed);
    buf_finish(&b);
}

static void test_descriptions(void **state)
{
    (void)state;
    struct buf b = {0};
    struct queue_description d = {.name = slice_text("q"),
                                  .version = 1,
                                  .created_ms = 2,
                                  .changed_ms = 3,
                                  .attributes = standard,
                                  .document = slice_text("doc"),
                                  .ready = 4,
                                  .inflight = 5,
                                  .delayed = 6,
                                  .bytes = 7,
                                  .noisy = 8,
                                  .receivers = 9,
                                  .oldest_ms = 10,
                                  .entered_total = 11,
                                  .left_total = 12},
                             got;
    struct queue_walk walk;
    bool more;
    size_t mark = respond(&b);
    queue_put_description(&b, &d);
    msg_end(&b, mark, 1);
    struct queue_response r = response_of(&b);
    assert_int_equal(queue_read_description(&r, &got), 0);
    assert_text(got.name, "q");
    assert_text(got.document, "doc");
    assert_true(got.version == 1 && got.created_ms == 2 && got.changed_ms == 3 && got.ready == 4 && got.inflight == 5);
    assert_true(got.delayed == 6 && got.bytes == 7 && got.noisy == 8 && got.receivers == 9 && got.oldest_ms == 10);
    assert_true(got.entered_total == 11 && got.left_total == 12);
    assert_int_equal(got.attributes.visibility_ms, 30000);

    mark = respond(&b);
    mp_put_array(&b, 2);
    size_t list = mp_open(&b);
    queue_put_description(&b, &d);
    queue_put_description(&b, &d);
    mp_close_array(&b, list, 2);
    mp_put_bool(&b, true);
    msg_end(&b, mark, 1);
    r = response_of(&b);
    assert_int_equal(queue_walk_list(&r, &walk, &more), 0);
    assert_true(more && walk.left == 2);
    assert_true(queue_next_description(&walk, &got) && queue_next_description(&walk, &got));
    assert_text(got.name, "q");
    assert_false(queue_next_description(&walk, &got));
    assert_int_equal(queue_read_description(&r, &got), -1);
    buf_finish(&b);
}

static void test_moves_and_seen(void **state)
{
    (void)state;
    struct buf b = {0};
    struct queue_walk walk;
    struct queue_move got_move, move = {.task = id_a,
                                        .status = QUEUE_MOVE_FAILED,
                                        .destination = slice_text("to"),
                                        .rate = 3,
                                        .moved = 4,
                                        .total = 5,
                                        .started_ms = 6,
                                        .reason = slice_text("why")};
    size_t mark = respond(&b), list = mp_open(&b);
    queue_put_move(&b, &move);
    mp_close_array(&b, list, 1);
    msg_end(&b, mark, 1);
    struct queue_response r = response_of(&b);
    assert_int_equal(queue_walk_moves(&r, &walk), 0);
    assert_true(queue_next_move(&walk, &got_move));
    assert_true(got_move.status == QUEUE_MOVE_FAILED && got_move.rate == 3 && got_move.moved == 4 && got_move.total == 5);
    assert_true(got_move.started_ms == 6 && id_equal(&got_move.task, &id_a));
    assert_text(got_move.destination, "to");
    assert_text(got_move.reason, "why");

    struct queue_seen got, seen = {.queue = slice_text("q"),
                                   .id = id_a,
                                   .seq = 1,
                                   .state = QUEUE_INFLIGHT,
                                   .receive_count = 2,
                                   .sent_ms = 3,
                                   .first_received_ms = 4,
                                   .due_ms = 5,
                                   .group = 6,
                                   .priority = 3,
                                   .body_len = 4,
                                   .body = slice_text("body")};
    mark = respond(&b);
    list = mp_open(&b);
    queue_put_seen(&b, &seen);
    mp_close_array(&b, list, 1);
    msg_end(&b, mark, 1);
    r = response_of(&b);
    assert_int_equal(queue_walk_seen(&r, &walk), 0);
    assert_true(queue_next_seen(&walk, &got) && !queue_next_seen(&walk, &got));
    assert_true(got.seq == 1 && got.state == QUEUE_INFLIGHT && got.receive_count == 2 && got.sent_ms == 3);
    assert_true(got.first_received_ms == 4 && got.due_ms == 5 && got.group == 6 && got.priority == 3 && got.body_len == 4);
    mark = respond(&b);
    queue_put_seen(&b, &seen);
    msg_end(&b, mark, 1);
    r = response_of(&b);
    assert_int_equal(queue_read_seen(&r, &got), 0);
    assert_text(got.body, "body");
    buf_finish(&b);
}

static void test_every_result_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(queue_result_name(QUEUE_OK), "OK");
    assert_string_equal(queue_result_name(QUEUE_OTHER_KIND), "OTHER_KIND");
    assert_string_equal(queue_result_name(QUEUE_RESULT_COUNT), "UNKNOWN");
    assert_string_equal(queue_verb_name(QUEUE_VERB_STOP), "STOP");
    assert_true(queue_result_may_retry(QUEUE_DISK_FULL) && !queue_result_may_retry(QUEUE_NO_QUEUE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_a_bad_one_among_good_ones),
        cmocka_unit_test(test_small_responses),
        cmocka_unit_test(test_received),
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_moves_and_seen),
        cmocka_unit_test(test_every_result_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
