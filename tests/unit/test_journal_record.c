/* test_journal_record.c - records survive their encoding, and no bytes whatever survive decoding unless they are one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "queue/journal_internal.h"

static struct core_record full_record(enum core_record_kind kind)
{
    struct core_record r = {.kind = kind,
                            .number = 0x0102030405060708,
                            .now_ms = -5,
                            .seq = UINT64_MAX,
                            .queue = 999,
                            .receive_count = 77,
                            .group = 0xdeadbeefcafe,
                            .accepted_ms = INT64_MAX,
                            .due_ms = INT64_MIN,
                            .has_key = true,
                            .body_hash = 42,
                            .key_expires_ms = 1ll << 40,
                            .body = slice_text("a body"),
                            .reason = slice_text("received too often")};
    memset(r.id.bytes, 0xab, sizeof r.id.bytes);
    memset(r.key, 0xcd, sizeof r.key);
    memset(r.attributes.name, 'q', LIMIT_QUEUE_NAME_BYTES);
    r.attributes.visibility_ms = 30000;
    r.attributes.delay_ms = 1;
    r.attributes.retention_ms = 2;
    r.attributes.max_receive_count = 5;
    r.attributes.max_messages = UINT64_MAX;
    r.attributes.max_bytes = 3;
    r.attributes.kind = CORE_JOBS;
    r.more = (struct core_record_more){.source = slice_text("where it comes from"),
                                       .first_ms = 11,
                                       .received_ms = INT64_MAX,
                                       .kept_ms = -12,
                                       .before = 13,
                                       .priority = LIMIT_PRIORITIES - 1,
                                       .leased = true,
                                       .renumbered = true,
                                       .has_attempt = true,
                                       .target = 0x01020304,
                                       .created_ms = 14,
                                       .purge_number = 13,
                                       .task_queue = 21,
                                       .changed_ms = 15,
                                       .version = UINT64_MAX - 1,
                                       .task = {CORE_TASK_FAILED, 16, 17, 18, 19}};
    memset(r.more.attempt, 0xef, sizeof r.more.attempt);
    memset(r.more.secret, 0x5a, sizeof r.more.secret);
    return r;
}

static int decode(struct slice payload, uint32_t count, struct core_record *r)
{
    uint32_t body = 0;
    struct journal_cursor c = journal_cursor(payload, count);
    int got = journal_record_next(&c, r, &body);
    if (got > 0 && core_record_stays(r->kind))
        assert_ptr_equal(r->body.ptr, payload.ptr + body);
    return got;
}

static void check_common(const struct core_record *a, const struct core_record *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->now_ms, b->now_ms);
}

static void check_message(const struct core_record *a, const struct core_record *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->queue, b->queue);
    assert_memory_equal(&a->id, &b->id, sizeof a->id);
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->accepted_ms, b->accepted_ms);
    assert_int_equal(a->has_key, b->has_key);
    assert_memory_equal(a->key, b->key, sizeof a->key);
    assert_int_equal(a->body_hash, b->body_hash);
    assert_int_equal(a->key_expires_ms, b->key_expires_ms);
}

static void check_more(const struct core_record *a, const struct core_record *b, enum core_record_kind kind)
{
    const struct core_record_more *x = &a->more, *y = &b->more;
    if (kind == CORE_REC_POST || kind == CORE_REC_TRANSFER || kind == CORE_REC_REMOVE || kind == CORE_REC_TASK)
        assert_true(slice_equal(x->source, y->source));
    if (kind == CORE_REC_POST) {
        assert_true(x->first_ms == y->first_ms && x->received_ms == y->received_ms && x->kept_ms == y->kept_ms);
        assert_true(x->before == y->before && x->priority == y->priority && y->leased);
    }
    if (kind == CORE_REC_POST || kind == CORE_REC_LEASE) {
        assert_true(y->has_attempt);
        assert_memory_equal(x->attempt, y->attempt, sizeof x->attempt);
    }
    if (kind == CORE_REC_TRANSFER)
        assert_true(y->renumbered && a->accepted_ms == b->accepted_ms && a->receive_count == b->receive_count);
    if (kind == CORE_REC_PURGE || kind == CORE_REC_REMOVE || kind == CORE_REC_TASK)
        assert_memory_equal(&a->id, &b->id, sizeof a->id);
    if (kind == CORE_REC_PURGE)
        assert_int_equal(x->target, y->target);
    if (kind == CORE_REC_TASK)
        assert_memory_equal(&x->task, &y->task, sizeof x->task);
}

static void round_trip(const struct core_record *in, struct core_record *out, struct buf *b)
{
    buf_reset(b);
    buf_text(b, "before");
    size_t start = b->len;
    assert_true(journal_record_encode(b, in) != SIZE_MAX);
    assert_true(b->len - start <= journal_record_bound(in));
    assert_int_equal(decode(slice_of(b->data + start, b->len - start), 1, out), 1);
    check_common(in, out);
}

static void test_every_kind_comes_back(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record out;
    for (enum core_record_kind kind = CORE_REC_SEND; kind < CORE_REC_COUNT; kind++) {
        struct core_record in = full_record(kind);
        round_trip(&in, &out, &b);
        if (kind == CORE_REC_SEND || kind == CORE_REC_KEY || kind == CORE_REC_POST)
            check_message(&in, &out);
        if (kind == CORE_REC_SEND || kind == CORE_REC_RELEASE || kind == CORE_REC_MOVE || kind == CORE_REC_POST ||
            kind == CORE_REC_LEASE || kind == CORE_REC_EXTEND) {
            assert_int_equal(in.receive_count, out.receive_count);
            assert_int_equal(in.due_ms, out.due_ms);
        }
        if (kind == CORE_REC_SEND || kind == CORE_REC_MOVE || kind == CORE_REC_POST || kind == CORE_REC_TRANSFER ||
            kind == CORE_REC_TASK)
            assert_true(slice_equal(in.reason, out.reason));
        if (kind == CORE_REC_DONE || kind == CORE_REC_RELEASE || kind == CORE_REC_MOVE || kind == CORE_REC_LEASE ||
            kind == CORE_REC_EXTEND || kind == CORE_REC_TRANSFER)
            assert_int_equal(in.seq, out.seq);
        if (kind == CORE_REC_MOVE || kind == CORE_REC_QUEUE || kind >= CORE_REC_TRANSFER)
            assert_int_equal(in.queue, out.queue);
        if (core_record_stays(kind))
            assert_true(slice_equal(in.body, out.body));
        if (kind >= CORE_REC_POST)
            check_more(&in, &out, kind);
    }
    buf_finish(&b);
}

static void test_attributes_come_back(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record out, in = full_record(CORE_REC_QUEUE);
    for (int round = 0; round < 3; round++) {
        round_trip(&in, &out, &b);
        assert_string_equal(in.attributes.name, out.attributes.name);
        assert_int_equal(in.attributes.visibility_ms, out.attributes.visibility_ms);
        assert_int_equal(in.attributes.delay_ms, out.attributes.delay_ms);
        assert_int_equal(in.attributes.retention_ms, out.attributes.retention_ms);
        assert_int_equal(in.attributes.max_receive_count, out.attributes.max_receive_count);
        assert_int_equal(in.attributes.max_messages, out.attributes.max_messages);
        assert_int_equal(in.attributes.max_bytes, out.attributes.max_bytes);
        assert_int_equal(in.attributes.kind, out.attributes.kind);
        in.attributes.kind = CORE_STANDARD;
        memset(in.attributes.name + round, 0, sizeof in.attributes.name - (size_t)round);
    }
    buf_finish(&b);
}

static void test_definitions_come_back(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record out, in = full_record(CORE_REC_DEFINE);
    memset(in.attributes.name, 'n', LIMIT_QUEUE_PATH_BYTES);
    memset(in.attributes.dead_letter, 'd', LIMIT_QUEUE_PATH_BYTES);
    in.attributes.wait_ms = 6;
    in.attributes.max_lease_ms = 7;
    in.attributes.max_message_bytes = 8;
    in.attributes.max_inflight = 9;
    in.attributes.max_per_group = 10;
    in.attributes.paused = in.attributes.deduplicate_by_group = true;
    for (int round = 0; round < 2; round++) {
        round_trip(&in, &out, &b);
        assert_memory_equal(&in.attributes, &out.attributes, sizeof in.attributes);
        assert_true(out.more.created_ms == 14 && out.more.changed_ms == 15 && out.more.version == UINT64_MAX - 1 &&
                    out.more.purge_number == 13);
        assert_memory_equal(in.more.secret, out.more.secret, sizeof in.more.secret);
        memset(&in.attributes, 0, sizeof in.attributes);
        in.attributes.name[0] = 'x';
        in.attributes.kind = CORE_FIFO;
        in.attributes.content_deduplication = in.attributes.throughput_by_group = true;
    }
    in.more.source.len = LIMIT_QUEUE_PATH_BYTES + 1;
    in.kind = CORE_REC_REMOVE;
    assert_int_equal(journal_record_bound(&in), UINT32_MAX);
    buf_finish(&b);
}

static void test_extremes(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record out, in = full_record(CORE_REC_SEND);
    char reason[LIMIT_REASON_BYTES + 1];
    memset(reason, 'r', sizeof reason);
    in.reason = slice_of(reason, LIMIT_REASON_BYTES);
    in.body = (struct slice){NULL, 0};
    in.has_key = false;
    round_trip(&in, &out, &b);
    assert_int_equal(out.reason.len, LIMIT_REASON_BYTES);
    assert_int_equal(out.body.len, 0);
    assert_false(out.has_key);
    in.reason.len++;
    assert_int_equal(journal_record_bound(&in), UINT32_MAX);
    in.reason = (struct slice){NULL, 0};
    unsigned char *body = calloc(1, JOURNAL_BODY_MAX_BYTES + 1);
    in.body = slice_of(body, JOURNAL_BODY_MAX_BYTES);
    round_trip(&in, &out, &b);
    assert_int_equal(out.body.len, JOURNAL_BODY_MAX_BYTES);
    in.body.len++;
    assert_int_equal(journal_record_bound(&in), UINT32_MAX);
    in.body.len = 1;
    in.kind = CORE_REC_COUNT;
    assert_int_equal(journal_record_bound(&in), UINT32_MAX);
    in.kind = 0;
    assert_int_equal(journal_record_bound(&in), UINT32_MAX);
    free(body);
    buf_finish(&b);
}

/* Copies to the heap, so that the sanitizer sees a read behind the end. */
static int decode_copy(const unsigned char *bytes, size_t len, struct core_record *r)
{
    unsigned char *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    int got = decode(slice_of(copy, len), 1, r);
    free(copy);
    return got;
}

static void test_a_cut_record_is_refused(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record r;
    for (enum core_record_kind kind = CORE_REC_SEND; kind < CORE_REC_COUNT; kind++) {
        struct core_record in = full_record(kind);
        buf_reset(&b);
        journal_record_encode(&b, &in);
        for (size_t len = 0; len < b.len; len++) {
            assert_int_equal(decode_copy(b.data, len, &r), -1);
            unsigned char kept = b.data[0]; /* the length field may lie, too */
            b.data[0] = (unsigned char)(len >= 4 ? len - 4 : 0);
            if (kind != CORE_REC_SEND || len < 120)
                assert_int_equal(decode_copy(b.data, len, &r), -1);
            b.data[0] = kept;
        }
        b.data[0]++;
        buf_byte(&b, 0); /* a byte too many inside the record */
        assert_int_equal(decode_copy(b.data, b.len, &r), -1);
    }
    buf_finish(&b);
}

static void test_a_flipped_body_is_refused(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record r, in = full_record(CORE_REC_SEND);
    size_t body = journal_record_encode(&b, &in);
    for (size_t i = body - JOURNAL_BODY_SUM_BYTES; i < b.len; i++) {
        b.data[i] ^= 0x10;
        assert_int_equal(decode_copy(b.data, b.len, &r), -1);
        b.data[i] ^= 0x10;
    }
    assert_int_equal(decode_copy(b.data, b.len, &r), 1);
    buf_finish(&b);
}

static void test_random_bytes_do_no_harm(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record r;
    uint64_t x = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        struct core_record in = full_record((enum core_record_kind)(1 + round % (CORE_REC_COUNT - 1)));
        buf_reset(&b);
        journal_record_encode(&b, &in);
        for (int i = 0; i < 1 + round % 4; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            b.data[x % b.len] = (unsigned char)(x >> 32);
        }
        int got = decode_copy(b.data, b.len, &r);
        assert_true(got == 1 || got == -1);
    }
    buf_finish(&b);
}

static void test_records_follow_each_other(void **state)
{
    (void)state;
    struct buf b = {0};
    struct core_record r, send = full_record(CORE_REC_SEND), done = full_record(CORE_REC_DONE);
    uint32_t body;
    for (int i = 0; i < 10; i++) {
        journal_record_encode(&b, &send);
        journal_record_encode(&b, &done);
    }
    struct journal_cursor c = journal_cursor(buf_slice(&b), 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(journal_record_next(&c, &r, &body), 1);
        assert_int_equal(r.kind, i % 2 ? CORE_REC_DONE : CORE_REC_SEND);
    }
    assert_int_equal(journal_record_next(&c, &r, &body), 0);
    c = journal_cursor(buf_slice(&b), 21);
    for (int i = 0; i < 20; i++)
        journal_record_next(&c, &r, &body);
    assert_int_equal(journal_record_next(&c, &r, &body), -1);
    buf_finish(&b);
}

static void test_headers_come_back_and_flips_do_not(void **state)
{
    (void)state;
    unsigned char block[JOURNAL_BLOCK_BYTES], group[JOURNAL_HEADER_BYTES + 16];
    struct journal_segment t, s = {.number = 7, .first_group = 8, .first_record = 9, .nonce = 10, .bytes = 8 << 20, .flags = 1};
    struct journal_header g, h = {.kind = JOURNAL_RECORDS, .number = 3, .oldest = 2, .first_record = 1, .payload_bytes = 16};
    journal_encode_segment(block, &s);
    assert_int_equal(journal_decode_segment(block, &t), 0);
    assert_true(t.number == 7 && t.first_group == 8 && t.first_record == 9 && t.nonce == 10 && t.bytes == 8 << 20 &&
                t.flags == 1);
    block[20] ^= 1;
    assert_int_equal(journal_decode_segment(block, &t), 1);
    assert_int_equal(t.number, 7);
    block[2048 + 63] ^= 1;
    assert_int_equal(journal_decode_segment(block, &t), -1);
    memset(group, 'x', sizeof group);
    journal_encode_group(group, &s, &h);
    for (size_t i = 0; i < sizeof group * 8; i++) {
        group[i / 8] ^= (unsigned char)(1 << i % 8);
        assert_false(journal_decode_header(group, &s, &g) && journal_payload_intact(group, &s, &g));
        group[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_true(journal_decode_header(group, &s, &g) && journal_payload_intact(group, &s, &g));
    assert_true(g.number == 3 && g.oldest == 2 && g.first_record == 1 && g.payload_bytes == 16);
    s.nonce++; /* an earlier life of the same file */
    assert_false(journal_decode_header(group, &s, &g));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_comes_back),
        cmocka_unit_test(test_attributes_come_back),
        cmocka_unit_test(test_definitions_come_back),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_a_cut_record_is_refused),
        cmocka_unit_test(test_a_flipped_body_is_refused),
        cmocka_unit_test(test_random_bytes_do_no_harm),
        cmocka_unit_test(test_records_follow_each_other),
        cmocka_unit_test(test_headers_come_back_and_flips_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
