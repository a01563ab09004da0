/* metrics.c - see metrics.h. */
#include "worker/table/metrics.h"

#include "common/limits.h"
#include "worker/table/range.h"

#define LIMIT_GB 10 /* DynamoDB's */

static bool has_collections(const struct table *table)
{
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].local)
            return true;
    return false;
}

/* -- One collection ------------------------------------------------------------------------------------------- */
/* Does the collection end within the bytes that are read for it? */
static int reads_through(struct request *rq, const struct key_range *range, bool *ends)
{
    struct kv_cursor *cursor;
    struct slice key, bytes;
    size_t read = 0;
    enum kv_result result = kv_cursor_open(rq->txn, KV_ITEMS, &cursor);

    if (result != KV_OK)
        return request_store_failed(rq, result);
    result = kv_seek(cursor, range->begin, &key, &bytes);
    for (; result == KV_OK && range_has(range, key) && read < LIMIT_PAGE_BYTES; result = kv_next(cursor, &key, &bytes))
        read += bytes.len;
    kv_cursor_close(&cursor);
    *ends = read < LIMIT_PAGE_BYTES;
    return result == KV_OK || result == KV_NOT_FOUND ? 0 : request_store_failed(rq, result);
}

static int put_metrics(struct request *rq)
{
    struct view view = view_of_table(rq->table);
    struct key_range range;
    struct slice name = rq->table->schema.partition_name;
    bool ends = false;

    if (range_of_partition(&view, &rq->key.partition, NULL, 0, &rq->t->arena, &range) < 0 ||
        reads_through(rq, &range, &ends) < 0)
        return -1;
    mp_put_map(rq->out, 2);
    mp_put_text(rq->out, "ItemCollectionKey");
    mp_put_map(rq->out, 1);
    mp_put_slice(rq->out, name);
    mp_put_raw(rq->out, rq->key.partition.encoded);
    mp_put_text(rq->out, "SizeEstimateRangeGB");
    mp_put_array(rq->out, 2);
    value_put_int(rq->out, 0);
    value_put_int(rq->out, ends ? 1 : LIMIT_GB);
    return 0;
}

bool metrics_wanted(const struct request *rq)
{
    return arg_is(&rq->args, ARG_RETURN_METRICS, "SIZE") && has_collections(rq->table);
}

int metrics_put_one(struct request *rq)
{
    mp_put_text(rq->out, "ItemCollectionMetrics");
    return put_metrics(rq);
}

/* -- Several -------------------------------------------------------------------------------------------------- */
static bool counts(const struct write *w) { return w->kind != WRITE_CHECK && has_collections(w->rq->table); }

static bool same_collection(const struct write *a, const struct write *b)
{
    return a->rq->table == b->rq->table && slice_equal(a->rq->key.partition.bytes, b->rq->key.partition.bytes);
}

bool metrics_wanted_of(const struct request *rq, const struct write *writes, uint32_t count)
{
    for (uint32_t i = 0; i < count && arg_is(&rq->args, ARG_RETURN_METRICS, "SIZE"); i++)
        if (counts(&writes[i]))
            return true;
    return false;
}

/* The list of the table of writes[first], which is its first write. */
static int put_table(struct request *rq, const struct write *writes, uint32_t first, uint32_t count)
{
    struct slice name = writes[first].rq->table->name;
    size_t list;
    uint32_t entries = 0;

    mp_put_slice(rq->out, name);
    list = mp_open(rq->out);
    for (uint32_t i = first; i < count; i++) {
        uint32_t same = first;
        if (!counts(&writes[i]) || writes[i].rq->table != writes[first].rq->table)
            continue;
        while (!(counts(&writes[same]) && same_collection(&writes[same], &writes[i])))
            same++;
        if (same < i)
            continue;
        if (put_metrics(writes[i].rq) < 0) {
            rq->store = writes[i].rq->store;
            return -1;
        }
        entries++;
    }
    mp_close_array(rq->out, list, entries);
    return 0;
}

int metrics_put_all(struct request *rq, const struct write *writes, uint32_t count)
{
    uint32_t tables = 0;

    mp_put_text(rq->out, "ItemCollectionMetrics");
    size_t map = mp_open(rq->out);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = 0;
        if (!counts(&writes[i]))
            continue;
        while (!(counts(&writes[first]) && writes[first].rq->table == writes[i].rq->table))
            first++;
        if (first < i)
            continue;
        if (put_table(rq, writes, i, count) < 0)
            return -1;
        tables++;
    }
    mp_close_map(rq->out, map, tables);
    return 0;
}
