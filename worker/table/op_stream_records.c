/* op_stream_records.c - GetRecords: a page of change records, in the order of their commits. */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/arn.h"
#include "worker/table/control.h"
#include "worker/table/shard.h"

#define RECORDS_MAX 1000

struct page {
    int64_t limit;
    uint64_t next; /* the record that the next page begins with */
    uint32_t count;
    size_t bytes; /* as DynamoDB counts them */
};

static void put_text(struct buf *out, const char *name, const char *text)
{
    mp_put_text(out, name);
    mp_put_text(out, text);
}

static size_t image_size(struct slice image)
{
    struct value item = image.len ? value_of(image) : (struct value){.type = VALUE_NONE};
    return item.type == VALUE_M ? item_size(&item) : 0;
}

static void put_image(struct buf *out, const char *name, struct slice image)
{
    if (image.len == 0)
        return;
    mp_put_text(out, name);
    mp_put_raw(out, image);
}

static void put_change(struct buf *out, const struct shard *s, uint64_t number, const struct stream_record *r, size_t bytes)
{
    struct slice view = member_text(&s->row.map, "View");
    char text[SHARD_NUMBER_BYTES];

    shard_number(number, text);
    mp_put_text(out, "dynamodb");
    mp_put_map(out, 5u + (r->fresh.len > 0) + (r->old.len > 0));
    mp_put_text(out, "ApproximateCreationDateTime");
    value_put_int(out, r->created_ms / 1000);
    put_image(out, "Keys", r->keys);
    put_image(out, "NewImage", r->fresh);
    put_image(out, "OldImage", r->old);
    put_text(out, "SequenceNumber", text);
    mp_put_text(out, "SizeBytes");
    value_put_int(out, (int64_t)bytes);
    mp_put_text(out, "StreamViewType");
    mp_put_slice(out, view);
}

static void put_record(struct request *rq, const struct shard *s, uint64_t number, const struct stream_record *r, size_t bytes)
{
    static const char *const events[] = {[EVENT_INSERT] = "INSERT", [EVENT_MODIFY] = "MODIFY", [EVENT_REMOVE] = "REMOVE"};
    XXH128_hash_t hash = XXH3_128bits_withSeed(&number, sizeof number, (XXH64_hash_t)s->created_ms << 16 ^ s->row.id);
    struct slice region = arn_region(rq->t->home);
    struct buf *out = rq->out;
    char id[33];

    snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    mp_put_map(out, r->by_service ? 7 : 6);
    put_text(out, "eventID", id);
    put_text(out, "eventName", events[r->event]);
    put_text(out, "eventVersion", "1.1");
    put_text(out, "eventSource", "aws:dynamodb");
    mp_put_text(out, "awsRegion");
    mp_put_slice(out, region);
    put_change(out, s, number, r, bytes);
    if (!r->by_service)
        return;
    mp_put_text(out, "userIdentity");
    mp_put_map(out, 2);
    put_text(out, "PrincipalId", "dynamodb.amazonaws.com");
    put_text(out, "Type", "Service");
}

/* Takes records up to the youngest that was committed when the shard was read. */
static enum kv_result walk(struct request *rq, const struct shard *s, struct kv_cursor *cursor, struct page *page)
{
    unsigned char from[STREAM_KEY_BYTES];
    size_t begin = rq->out->len;
    struct slice key, value;
    struct stream_record r;

    stream_key(from, s->row.id, page->next);
    enum kv_result result = kv_seek(cursor, slice_of(from, sizeof from), &key, &value);
    while (result == KV_OK && page->next <= s->end.last && page->count < page->limit && page->bytes < LIMIT_PAGE_BYTES &&
           rq->out->len - begin < LIMIT_PAGE_BYTES) {
        if (key.len != STREAM_KEY_BYTES || memcmp(key.ptr, from, 4) != 0 || stream_number(key) != page->next ||
            stream_record_decode(value, &r) < 0)
            return KV_FATAL;
        size_t bytes = image_size(r.keys) + image_size(r.fresh) + image_size(r.old);
        put_record(rq, s, page->next, &r, bytes);
        page->bytes += bytes;
        page->count++;
        page->next++;
        if (page->next <= s->end.last)
            result = kv_next(cursor, &key, &value);
    }
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static int put_page(struct request *rq, const struct shard *s, struct page *page)
{
    struct kv_cursor *cursor = NULL;

    answer_begin(rq->out);
    size_t whole = mp_open(rq->out);
    mp_put_text(rq->out, "Records");
    size_t records = mp_open(rq->out);
    enum kv_result result = KV_OK;
    if (page->next <= s->end.last)
        result = kv_cursor_open(rq->txn, KV_STREAMS, &cursor);
    if (result == KV_OK && cursor)
        result = walk(rq, s, cursor, page);
    kv_cursor_close(&cursor);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    mp_close_array(rq->out, records, page->count);
    bool more = !s->closed || page->next <= s->end.last;
    if (more)
        shard_put_iterator(rq, "NextShardIterator", s, page->next);
    mp_close_map(rq->out, whole, more ? 2 : 1);
    return 0;
}

static int check_iterator(struct request *rq, struct shard_iterator *iterator)
{
    struct slice text = member_text(&rq->op->payload, "ShardIterator");

    if (!shard_iterator_parse(text, iterator))
        return err_set(&rq->err, ERR_VALIDATION, "Invalid ShardIterator.");
    if (rq->t->now_ms - iterator->issued_ms <= SHARD_ITERATOR_MS)
        return 0;
    return err_set(&rq->err, ERR_EXPIRED_ITERATOR, "Iterator expired: it was issued more than 15 minutes ago");
}

int op_stream_records(struct request *rq)
{
    struct shard_iterator iterator;
    struct page page = {.limit = RECORDS_MAX};
    struct shard s;
    int result = -1;

    if (check_iterator(rq, &iterator) < 0 || control_count(rq, "Limit", RECORDS_MAX, RECORDS_MAX, &page.limit) < 0)
        return -1;
    page.next = iterator.position;
    shard_init(&s);
    if (shard_find_id(rq, iterator.stream, member_text(&rq->op->payload, "ShardIterator"), &s) == 0)
        result = page.next <= s.end.trimmed ? shard_trimmed(rq) : put_page(rq, &s, &page);
    shard_finish(&s);
    return result;
}
