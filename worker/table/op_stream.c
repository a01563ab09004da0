/* op_stream.c - ListStreams, DescribeStream and GetShardIterator. A stream has one shard: its records are in one order. */
#include "worker/table/answer.h"
#include "worker/table/arn.h"
#include "worker/table/control.h"
#include "worker/table/describe.h"
#include "worker/table/shard.h"

#define STREAMS_MAX 100

/* -- ListStreams ---------------------------------------------------------------------------------------------- */
static void put_text(struct buf *out, const char *name, struct slice text)
{
    mp_put_text(out, name);
    mp_put_slice(out, text);
}

static void put_listed(struct request *rq, const struct stream_row *row)
{
    struct buf *out = rq->out;
    struct slice table = member_text(&row->map, "TableName");
    char label[ARN_LABEL_BYTES];

    arn_label(member_int(&row->map, "Label", 0), label);
    mp_put_map(out, 3);
    arn_put_member(out, rq->t->home, "StreamArn", table, "stream", slice_text(label));
    put_text(out, "TableName", table);
    put_text(out, "StreamLabel", slice_text(label));
}

/* Where the page begins: behind the stream that the request names. */
static int find_start(struct request *rq, struct stream_row *row, uint32_t *after)
{
    struct slice text = member_text(&rq->op->payload, "ExclusiveStartStreamArn");

    *after = 0;
    if (text.len == 0)
        return 0;
    enum kv_result result = stream_row_find(rq->txn, text, row);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    *after = row->id;
    return row->id > 0 ? 0 : shard_no_stream(rq, text);
}

static int put_page(struct request *rq, struct stream_row *row, uint32_t after, int64_t limit)
{
    struct slice table = member_text(&rq->op->payload, "TableName");
    struct buf last;
    uint32_t count = 0;
    bool more = false;

    buf_init(&last);
    answer_begin(rq->out);
    size_t whole = mp_open(rq->out);
    mp_put_text(rq->out, "Streams");
    size_t streams = mp_open(rq->out);
    enum kv_result result = stream_row_next(rq->txn, after, row);
    for (; result == KV_OK && row->id > 0; result = stream_row_next(rq->txn, row->id, row)) {
        char label[ARN_LABEL_BYTES];
        if (table.len > 0 && !slice_equal(member_text(&row->map, "TableName"), table))
            continue;
        more = (int64_t)count == limit;
        if (more)
            break;
        put_listed(rq, row);
        arn_label(member_int(&row->map, "Label", 0), label);
        buf_reset(&last);
        arn_put(&last, rq->t->home, member_text(&row->map, "TableName"), "stream", slice_text(label));
        count++;
    }
    mp_close_array(rq->out, streams, count);
    if (more)
        put_text(rq->out, "LastEvaluatedStreamArn", buf_slice(&last));
    mp_close_map(rq->out, whole, more ? 2 : 1);
    if (buf_failed(&last))
        result = KV_NO_MEMORY;
    buf_finish(&last);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}

int op_stream_list(struct request *rq)
{
    struct stream_row row = {.id = 0};
    int64_t limit;
    uint32_t after;

    if (control_count(rq, "Limit", STREAMS_MAX, STREAMS_MAX, &limit) < 0)
        return -1;
    buf_init(&row.bytes);
    int result = find_start(rq, &row, &after) < 0 ? -1 : put_page(rq, &row, after, limit);
    buf_finish(&row.bytes);
    return result;
}

/* -- DescribeStream ------------------------------------------------------------------------------------------- */
static void put_shard(struct buf *out, const struct shard *s)
{
    char id[SHARD_ID_BYTES], number[SHARD_NUMBER_BYTES];

    shard_id(s, id);
    mp_put_map(out, 2);
    put_text(out, "ShardId", slice_text(id));
    mp_put_text(out, "SequenceNumberRange");
    mp_put_map(out, s->closed ? 2 : 1);
    shard_number(s->end.trimmed + 1, number);
    put_text(out, "StartingSequenceNumber", slice_text(number));
    if (!s->closed)
        return;
    shard_number(s->end.last > s->end.trimmed ? s->end.last : s->end.trimmed + 1, number);
    put_text(out, "EndingSequenceNumber", slice_text(number));
}

/* There is one shard: it is shown unless the request wants those behind it. */
static void put_stream(struct request *rq, const struct shard *s)
{
    struct slice start = member_text(&rq->op->payload, "ExclusiveStartShardId");
    struct slice table = member_text(&s->row.map, "TableName");
    struct value keys = value_map_get(&s->row.map, slice_text("KeySchema"));
    struct buf *out = rq->out;
    char id[SHARD_ID_BYTES], label[ARN_LABEL_BYTES];

    shard_id(s, id);
    arn_label(s->created_ms, label);
    bool shown = !slice_equal(start, slice_text(id));
    mp_put_map(out, 8);
    arn_put_member(out, rq->t->home, "StreamArn", table, "stream", slice_text(label));
    put_text(out, "StreamLabel", slice_text(label));
    put_text(out, "StreamStatus", slice_text(s->closed ? "DISABLED" : "ENABLED"));
    put_text(out, "StreamViewType", member_text(&s->row.map, "View"));
    describe_put_time(out, "CreationRequestDateTime", s->created_ms);
    put_text(out, "TableName", table);
    mp_put_text(out, "KeySchema");
    mp_put_raw(out, keys.encoded);
    mp_put_text(out, "Shards");
    mp_put_array(out, shown);
    if (shown)
        put_shard(out, s);
}

int op_stream_describe(struct request *rq)
{
    struct shard s;
    int64_t limit;
    int result = -1;

    shard_init(&s);
    if (control_count(rq, "Limit", STREAMS_MAX, STREAMS_MAX, &limit) == 0 &&
        shard_find(rq, member_text(&rq->op->payload, "StreamArn"), &s) == 0) {
        answer_begin(rq->out);
        mp_put_map(rq->out, 1);
        mp_put_text(rq->out, "StreamDescription");
        put_stream(rq, &s);
        result = 0;
    }
    shard_finish(&s);
    return result;
}

/* -- GetShardIterator ----------------------------------------------------------------------------------------- */
/* The number of the first record that the iterator shows. */
static int find_position(struct request *rq, const struct shard *s, uint64_t *position)
{
    struct slice type = member_text(&rq->op->payload, "ShardIteratorType"),
                 given = member_text(&rq->op->payload, "SequenceNumber");
    bool at = slice_equal(type, slice_text("AT_SEQUENCE_NUMBER")),
         after = slice_equal(type, slice_text("AFTER_SEQUENCE_NUMBER"));

    *position = s->end.trimmed + 1;
    if (slice_equal(type, slice_text("TRIM_HORIZON")))
        return 0;
    if (slice_equal(type, slice_text("LATEST"))) {
        *position = s->end.last + 1;
        return 0;
    }
    if (!at && !after)
        return err_set(&rq->err, ERR_VALIDATION,
                       "1 validation error detected: Value '%.*s' at 'shardIteratorType' failed to satisfy constraint: Member "
                       "must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
                       (int)(type.len < 60 ? type.len : 60), (const char *)type.ptr);
    if (!shard_number_parse(given, position))
        return err_set(&rq->err, ERR_VALIDATION, "Invalid SequenceNumber: %.*s", (int)(given.len < 60 ? given.len : 60),
                       (const char *)given.ptr);
    if (*position <= s->end.trimmed)
        return shard_trimmed(rq);
    *position += after;
    return 0;
}

int op_stream_iterator(struct request *rq)
{
    struct slice given = member_text(&rq->op->payload, "ShardId");
    char id[SHARD_ID_BYTES];
    struct shard s;
    uint64_t position;
    int result = -1;

    shard_init(&s);
    if (shard_find(rq, member_text(&rq->op->payload, "StreamArn"), &s) == 0) {
        shard_id(&s, id);
        if (!slice_equal(given, slice_text(id)))
            err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found: Shard: %.*s not found",
                    (int)(given.len < 70 ? given.len : 70), (const char *)given.ptr);
        else if (find_position(rq, &s, &position) == 0) {
            answer_begin(rq->out);
            mp_put_map(rq->out, 1);
            shard_put_iterator(rq, "ShardIterator", &s, position);
            result = 0;
        }
    }
    shard_finish(&s);
    return result;
}
