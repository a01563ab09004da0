/* op_scan.c - scan: a page of a table or of a segment of it, with filter, projection and resume. */
#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/project.h"

#define INVALID "One or more parameter values were invalid: "

/* A page ends when its answer is this long: the largest item and the rest of the answer still fit. */
#define ANSWER_STOP_BYTES (LIMIT_ANSWER_BYTES - LIMIT_ITEM_ENCODED_BYTES - 64u * 1024u)

struct scan {
    int64_t limit, segment, total; /* limit: items to read; total: 1 if not parallel */
    bool count_only, consistent;
    struct path_range paths; /* empty: whole items */
    size_t bytes;            /* DynamoDB's size of the items read */
    uint32_t items, scanned;
    bool more; /* the key to resume after is in t->spare */
};

/* -- Arguments ------------------------------------------------------------------------------------------------ */
static int check_segments(struct request *rq, struct scan *s)
{
    const struct args *args = &rq->args;

    if (arg_number(args, ARG_LIMIT, 1, INT32_MAX, INT64_MAX, &s->limit, &rq->err) < 0 ||
        arg_number(args, ARG_TOTAL_SEGMENTS, 1, LIMIT_SCAN_SEGMENTS, 1, &s->total, &rq->err) < 0 ||
        arg_number(args, ARG_SEGMENT, 0, LIMIT_SCAN_SEGMENTS - 1, 0, &s->segment, &rq->err) < 0)
        return -1;
    if (arg_given(args, ARG_SEGMENT) && !arg_given(args, ARG_TOTAL_SEGMENTS))
        return err_set(
            &rq->err, ERR_VALIDATION,
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
    if (arg_given(args, ARG_TOTAL_SEGMENTS) && !arg_given(args, ARG_SEGMENT))
        return err_set(
            &rq->err, ERR_VALIDATION,
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
    if (s->segment >= s->total)
        return err_set(
            &rq->err, ERR_VALIDATION,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %lld is not less than "
            "TotalSegments: %lld",
            (long long)s->segment, (long long)s->total);
    return 0;
}

static int check_select(struct request *rq, struct scan *s)
{
    const struct args *args = &rq->args;
    bool named = arg_given(args, ARG_PROJECTION_EXPRESSION) || arg_given(args, ARG_ATTRIBUTES_TO_GET);

    s->count_only = arg_is(args, ARG_SELECT, "COUNT");
    s->consistent = arg_given(args, ARG_CONSISTENT_READ) && args->at[ARG_CONSISTENT_READ].truth;
    if (named && arg_given(args, ARG_SELECT) && !arg_is(args, ARG_SELECT, "SPECIFIC_ATTRIBUTES"))
        return err_set(&rq->err, ERR_VALIDATION, "Cannot specify the %s when choosing to get %s",
                       arg_given(args, ARG_ATTRIBUTES_TO_GET) ? "AttributesToGet" : "ProjectionExpression",
                       s->count_only                                ? "only the Count"
                       : arg_is(args, ARG_SELECT, "ALL_ATTRIBUTES") ? "ALL_ATTRIBUTES"
                                                                    : "ALL_PROJECTED_ATTRIBUTES");
    if (!named && arg_is(args, ARG_SELECT, "SPECIFIC_ATTRIBUTES"))
        return err_set(&rq->err, ERR_VALIDATION,
                       INVALID "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
                               "SPECIFIC_ATTRIBUTES");
    if (arg_is(args, ARG_SELECT, "ALL_PROJECTED_ATTRIBUTES") && !arg_given(args, ARG_INDEX_NAME))
        return err_set(&rq->err, ERR_VALIDATION,
                       INVALID "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
    return 0;
}

static int check_index(struct request *rq)
{
    struct slice name = rq->args.at[ARG_INDEX_NAME].bytes;

    if (!arg_given(&rq->args, ARG_INDEX_NAME))
        return 0;
    return err_set(&rq->err, ERR_VALIDATION, "The table does not have the specified index: %.*s",
                   (int)(name.len < 255 ? name.len : 255), (const char *)name.ptr);
}

/* Where to start: t->key gets the key to seek; *skip tells that the item of exactly that key was on the page before. */
static int find_start(struct request *rq, struct scan *s, bool *skip)
{
    struct err reason = {0};

    *skip = arg_given(&rq->args, ARG_START_KEY);
    if (!*skip) {
        buf_reset(&rq->t->key);
        key_encode_prefix(&rq->t->key, rq->table->id, segment_start((uint32_t)s->segment, (uint32_t)s->total));
        return buf_failed(&rq->t->key) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
    }
    if (key_of_argument(&rq->table->schema, &rq->args.at[ARG_START_KEY], &rq->key, &reason) < 0)
        return err_set(&rq->err, ERR_VALIDATION, "The provided starting key is invalid: %s", reason.text);
    if (segment_of(rq->key.hash, (uint32_t)s->total) != s->segment)
        return err_set(&rq->err, ERR_VALIDATION,
                       "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                       "correct Segment. "
                       "TotalSegments: %lld Segment: %lld",
                       (long long)s->total, (long long)s->segment);
    return request_encode_key(rq);
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
static bool in_range(const struct request *rq, const struct scan *s, struct slice key)
{
    return key_table(key) == rq->table->id && (s->total == 1 || segment_of(key_hash(key), (uint32_t)s->total) == s->segment);
}

static void put_item(struct request *rq, struct scan *s, const struct value *item)
{
    s->items++;
    if (s->count_only)
        return;
    if (path_range_empty(s->paths))
        mp_put_raw(rq->out, item->encoded);
    else
        project(s->paths, item, rq->out);
}

/* Takes one item; sets s->more when the page ends behind it. */
static int take(struct request *rq, struct scan *s, struct slice key, struct slice bytes, size_t begin)
{
    struct value item;

    if (request_item(rq, key, bytes, &item) < 0)
        return -1;
    s->bytes += item_size(&item);
    s->scanned++;
    if (!rq->condition || condition_eval(rq->condition, &item))
        put_item(rq, s, &item);
    if (s->scanned < s->limit && s->bytes < LIMIT_PAGE_BYTES && rq->out->len - begin < ANSWER_STOP_BYTES)
        return 0;
    s->more = true;
    buf_reset(&rq->t->spare);
    key_put_map(&rq->t->spare, &rq->table->schema, &item);
    return buf_failed(&rq->t->spare) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
}

static int read_page(struct request *rq, struct scan *s, struct kv_cursor *cursor, bool skip)
{
    struct slice start = buf_slice(&rq->t->key), key, bytes;
    size_t begin = rq->out->len;
    enum kv_result result = kv_seek(cursor, start, &key, &bytes);

    if (result == KV_OK && skip && slice_equal(key, start))
        result = kv_next(cursor, &key, &bytes);
    while (result == KV_OK && in_range(rq, s, key)) {
        if (take(rq, s, key, bytes, begin) < 0)
            return -1;
        if (s->more)
            return 0;
        result = kv_next(cursor, &key, &bytes);
    }
    if (result == KV_OK && key_table(key) == 0) /* damage must not look like the end of the table */
        result = KV_FATAL;
    return result == KV_OK || result == KV_NOT_FOUND ? 0 : request_store_failed(rq, result);
}

static int read_items(struct request *rq, struct scan *s, bool skip)
{
    struct kv_cursor *cursor;
    enum kv_result opened = kv_cursor_open(rq->txn, KV_ITEMS, &cursor);

    if (opened != KV_OK)
        return request_store_failed(rq, opened);
    int result = read_page(rq, s, cursor, skip);
    kv_cursor_close(&cursor);
    return result;
}

/* -- The answer ----------------------------------------------------------------------------------------------- */
static void put_count(struct buf *out, const char *name, uint32_t count)
{
    mp_put_text(out, name);
    value_put_int(out, count);
}

static int answer_page(struct request *rq, struct scan *s, bool skip)
{
    struct buf *out = rq->out;
    size_t items = 0;

    answer_begin(out);
    size_t whole = mp_open(out);
    if (!s->count_only) {
        mp_put_text(out, "Items");
        items = mp_open(out);
    }
    if (read_items(rq, s, skip) < 0)
        return -1;
    if (!s->count_only)
        mp_close_array(out, items, s->items);
    put_count(out, "Count", s->items);
    put_count(out, "ScannedCount", s->scanned);
    if (s->more) {
        mp_put_text(out, "LastEvaluatedKey");
        mp_put_raw(out, buf_slice(&rq->t->spare));
    }
    answer_put_tail(rq, capacity_of_read(s->bytes, s->consistent));
    mp_close_map(out, whole, 2u + !s->count_only + s->more + answer_tail_count(rq));
    return 0;
}

int op_scan(struct request *rq)
{
    struct scan s;
    bool skip;

    memset(&s, 0, sizeof s);
    if (request_arguments(rq) < 0 || check_segments(rq, &s) < 0 || check_select(rq, &s) < 0 || request_expressions(rq) < 0 ||
        request_table(rq) < 0 || check_index(rq) < 0 || find_start(rq, &s, &skip) < 0)
        return -1;
    if (rq->projection.count) {
        s.paths = project_prepare(&rq->projection, &rq->t->arena);
        if (path_range_empty(s.paths))
            return -1;
    }
    return answer_page(rq, &s, skip);
}
