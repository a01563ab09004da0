/* page.c - see page.h. */
#include "worker/table/page.h"

#include "common/limits.h"

/* A page ends when its answer is this long: the largest item and the rest of the answer still fit. */
#define ANSWER_STOP_BYTES (LIMIT_ANSWER_BYTES - LIMIT_ITEM_ENCODED_BYTES - 64u * 1024u)

/* -- Reading -------------------------------------------------------------------------------------------------- */
/* The item behind an index's entry, in t->old; VALUE_NONE if it is gone. */
static int fetch(struct request *rq, struct page *page, struct slice key, struct value *item)
{
    struct slice base = index_base(page->view.index, key);
    struct buf *item_key = &rq->t->key, *old = &rq->t->old;

    item->type = VALUE_NONE;
    buf_reset(item_key);
    buf_reset(old);
    key_encode_prefix(item_key, page->view.table->id, 0);
    item_key->len = item_key->failed ? 0 : KEY_TABLE_BYTES;
    buf_append(item_key, base.ptr, base.len);
    if (buf_failed(item_key))
        return request_store_failed(rq, KV_NO_MEMORY);
    enum kv_result result = kv_get(rq->txn, KV_ITEMS, buf_slice(item_key), false, old);
    if (result == KV_NOT_FOUND)
        return 0;
    if (result != KV_OK)
        return request_store_failed(rq, result);
    if (request_item(rq, buf_slice(item_key), buf_slice(old), item) < 0)
        return -1;
    size_t size = item_size(item);
    page->fetched_bytes += size;
    page->fetched += capacity_of_read(size, arg_true(&rq->args, ARG_CONSISTENT_READ));
    return 0;
}

static bool has_room(const struct request *rq, const struct page *page)
{
    return page->scanned < page->limit && page->bytes + page->fetched_bytes < LIMIT_PAGE_BYTES &&
           rq->out->len - page->begin < ANSWER_STOP_BYTES;
}

/* What was read, checked to its last byte: damage is not data. */
static int read_entry(struct request *rq, const struct page *page, struct slice key, struct slice bytes, struct value *entry)
{
    if (!page->view.index)
        return request_item(rq, key, bytes, entry);
    *entry = value_of(bytes);
    return entry->type == VALUE_M && value_check(bytes, NULL) == 0 ? 0 : request_store_failed(rq, KV_FATAL);
}

/* Takes one entry; sets page->more when the page ends behind it. The filter sees what the view shows. */
static int take(struct request *rq, struct page *page, struct slice key, struct slice bytes)
{
    struct value entry, item;

    if (read_entry(rq, page, key, bytes, &entry) < 0)
        return -1;
    item = entry;
    page->bytes += item_size(&entry);
    page->scanned++;
    if (page->fetch && fetch(rq, page, key, &item) < 0)
        return -1;
    if (item.type != VALUE_NONE && (!page->filter || condition_eval(page->filter, &entry))) {
        page->items++;
        if (!page->count_only)
            page->show(rq, page, &item);
    }
    if (has_room(rq, page))
        return 0;
    page->more = true;
    buf_reset(&rq->t->spare);
    view_put_key(&rq->t->spare, &page->view, &entry);
    return buf_failed(&rq->t->spare) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
}

static int read_entries(struct request *rq, struct page *page, const struct key_range *range, struct kv_cursor *cursor)
{
    enum kv_result (*const next)(struct kv_cursor *, struct slice *, struct slice *) = page->backward ? kv_prev : kv_next;
    struct slice key, bytes;
    enum kv_result result =
        page->backward ? kv_seek_before(cursor, range->end, &key, &bytes) : kv_seek(cursor, range->begin, &key, &bytes);

    while (result == KV_OK && range_has(range, key)) {
        if (take(rq, page, key, bytes) < 0)
            return -1;
        if (page->more)
            return 0;
        result = next(cursor, &key, &bytes);
    }
    return result == KV_OK || result == KV_NOT_FOUND ? 0 : request_store_failed(rq, result);
}

int page_read(struct request *rq, struct page *page, const struct key_range *range)
{
    struct kv_cursor *cursor;
    enum kv_result opened = kv_cursor_open(rq->txn, page->view.space, &cursor);

    if (opened != KV_OK)
        return request_store_failed(rq, opened);
    int result = read_entries(rq, page, range, cursor);
    kv_cursor_close(&cursor);
    return result;
}

/* -- The answer ----------------------------------------------------------------------------------------------- */
static void put_count(struct buf *out, const char *name, uint32_t count)
{
    mp_put_text(out, name);
    value_put_int(out, count);
}

void page_capacity(const struct request *rq, const struct page *page, struct capacity *capacity)
{
    uint64_t read = capacity_of_read(page->bytes, arg_true(&rq->args, ARG_CONSISTENT_READ));
    const struct index *index = page->view.index;

    capacity_init(capacity, page->view.table->name);
    capacity->table = index ? page->fetched : read;
    if (index)
        capacity_add_arm(capacity, index->name, index->local, read);
}

int page_answer(struct request *rq, struct page *page, const struct key_range *range)
{
    struct buf *out = rq->out;
    struct capacity capacity;
    size_t items = 0;

    answer_begin(out);
    size_t whole = mp_open(out);
    if (!page->count_only) {
        mp_put_text(out, "Items");
        items = mp_open(out);
    }
    if (page_read(rq, page, range) < 0)
        return -1;
    if (!page->count_only)
        mp_close_array(out, items, page->items);
    put_count(out, "Count", page->items);
    put_count(out, "ScannedCount", page->scanned);
    if (page->more) {
        mp_put_text(out, "LastEvaluatedKey");
        mp_put_raw(out, buf_slice(&rq->t->spare));
    }
    page_capacity(rq, page, &capacity);
    answer_put_tail(rq, &capacity);
    mp_close_map(out, whole, 2u + !page->count_only + page->more + answer_tail_count(rq, &capacity));
    return 0;
}
