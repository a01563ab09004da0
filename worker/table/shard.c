/* shard.c - see shard.h. */
#include "worker/table/shard.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/table/arn.h"

#define NUMBER_DIGITS 20u /* behind a leading 1 */
#define TOKEN_BYTES 20u

void shard_init(struct shard *s)
{
    memset(s, 0, sizeof *s);
    buf_init(&s->row.bytes);
}

void shard_finish(struct shard *s) { buf_finish(&s->row.bytes); }

int shard_no_stream(struct request *rq, struct slice arn)
{
    return err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found: Stream: %.*s not found",
                   (int)(arn.len < 400 ? arn.len : 400), (const char *)arn.ptr);
}

int shard_trimmed(struct request *rq)
{
    return err_set(&rq->err, ERR_TRIMMED,
                   "The operation attempted to read past the oldest stream record in a shard: it has been trimmed");
}

static int read_shard(struct request *rq, enum kv_result result, struct slice named, struct shard *s)
{
    if (result == KV_OK && s->row.id == 0)
        return shard_no_stream(rq, named);
    if (result == KV_OK)
        result = stream_read_end(rq->txn, s->row.id, &s->end);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    s->created_ms = member_int(&s->row.map, "Label", 0);
    s->closed = member_int(&s->row.map, "Closed", 0) > 0;
    return 0;
}

int shard_find(struct request *rq, struct slice arn, struct shard *s)
{
    return read_shard(rq, stream_row_find(rq->txn, arn, &s->row), arn, s);
}

int shard_find_id(struct request *rq, uint32_t id, struct slice named, struct shard *s)
{
    enum kv_result result = stream_row_next(rq->txn, id - 1, &s->row);

    if (s->row.id != id)
        s->row.id = 0;
    return read_shard(rq, result, named, s);
}

/* -- Names ---------------------------------------------------------------------------------------------------- */
void shard_id(const struct shard *s, char id[static SHARD_ID_BYTES])
{
    snprintf(id, SHARD_ID_BYTES, "shardId-%020llu-%08x", (unsigned long long)s->created_ms, s->row.id);
}

void shard_number(uint64_t number, char text[static SHARD_NUMBER_BYTES])
{
    snprintf(text, SHARD_NUMBER_BYTES, "1%020llu", (unsigned long long)number);
}

bool shard_number_parse(struct slice text, uint64_t *number)
{
    *number = 0;
    if (text.len != NUMBER_DIGITS + 1 || text.ptr[0] != '1')
        return false;
    for (size_t i = 1; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.ptr[i] - '0';
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return *number < UINT64_MAX; /* the one after it is a number, too */
}

/* -- Iterators ------------------------------------------------------------------------------------------------ */
static void put_be(unsigned char *to, size_t width, uint64_t number)
{
    for (size_t i = width; i-- > 0; number >>= 8)
        to[i] = (unsigned char)number;
}

static uint64_t get_be(const unsigned char *from, size_t width)
{
    uint64_t number = 0;

    for (size_t i = 0; i < width; i++)
        number = number << 8 | from[i];
    return number;
}

void shard_put_iterator(struct request *rq, const char *member, const struct shard *s, uint64_t position)
{
    unsigned char token[TOKEN_BYTES];
    char label[ARN_LABEL_BYTES];
    struct buf text;

    put_be(token, 4, s->row.id);
    put_be(token + 4, 8, position);
    put_be(token + 12, 8, (uint64_t)rq->t->now_ms);
    arn_label(s->created_ms, label);
    buf_init(&text);
    arn_put(&text, rq->t->home, member_text(&s->row.map, "TableName"), "stream", slice_text(label));
    buf_text(&text, "|1|");
    base64_encode(&text, slice_of(token, sizeof token));
    mp_put_text(rq->out, member);
    mp_put_str(rq->out, (const char *)text.data, text.len);
    rq->out->failed |= buf_failed(&text);
    buf_finish(&text);
}

bool shard_iterator_parse(struct slice text, struct shard_iterator *iterator)
{
    const unsigned char *bar = text.len ? memrchr(text.ptr, '|', text.len) : NULL;
    struct buf token;

    if (!bar)
        return false;
    buf_init(&token);
    bool good =
        base64_decode(&token, slice_of(bar + 1, text.len - (size_t)(bar + 1 - text.ptr))) == 0 && token.len == TOKEN_BYTES;
    if (good) {
        iterator->stream = (uint32_t)get_be(token.data, 4);
        iterator->position = get_be(token.data + 4, 8);
        iterator->issued_ms = (int64_t)get_be(token.data + 12, 8);
        good = iterator->stream > 0 && iterator->position > 0;
    }
    buf_finish(&token);
    return good;
}
