/* page.c - see page.h. */
#include "worker/table/page.h"

#include <string.h>

#include "common/limits.h"
#include "worker/table/project.h"

/* A page ends when its answer is this long: the largest item and the rest of the answer still fit. */
#define ANSWER_STOP_BYTES (LIMIT_ANSWER_BYTES - LIMIT_ITEM_ENCODED_BYTES - 64u * 1024u)

static void show_whole(struct request *rq, const struct page *page, const struct value *item)
{
    (void)page;
    mp_put_raw(rq->out, item->encoded);
}

static void show_projected(struct request *rq, const struct page *page, const struct value *item)
{
    project(page->paths, item, rq->out);
}

int page_init(struct request *rq, struct page *page, const struct view *view)
{
    page->view = *view;
    page->filter = rq->condition;
    page->begin = rq->out->len;
    page->show = rq->projection.count ? show_projected : show_whole;
    if (rq->projection.count == 0)
        return 0;
    page->paths = project_prepare(&rq->projection, &rq->t->arena);
    return path_range_empty(page->paths) ? -1 : 0;
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
/* Takes one entry; sets page->more when the page ends behind it. */
static int take(struct request *rq, struct page *page, struct slice bytes)
{
    struct value item = value_of(bytes);

    if (item.type != VALUE_M)
        return request_store_failed(rq, KV_FATAL);
    page->bytes += item_size(&item);
    page->scanned++;
    if (!page->filter || condition_eval(page->filter, &item)) {
        page->items++;
        if (!page->count_only)
            page->show(rq, page, &item);
    }
    if (page->scanned < page->limit && page->bytes < LIMIT_PAGE_BYTES && rq->out->len - page->begin < ANSWER_STOP_BYTES)
        return 0;
    page->more = true;
    buf_reset(&rq->t->spare);
    view_put_key(&rq->t->spare, &page->view, &item);
    return buf_failed(&rq->t->spare) ? request_store_failed(rq, KV_NO_MEMORY) : 0;
}

static int read_entries(struct request *rq, struct page *page, const struct key_range *range, struct kv_cursor *cursor)
{
    enum kv_result (*const next)(struct kv_cursor *, struct slice *, struct slice *) = page->backward ? kv_prev : kv_next;
    struct slice key, bytes;
    enum kv_result result =
        page->backward ? kv_seek_before(cursor, range->end, &key, &bytes) : kv_seek(cursor, range->begin, &key, &bytes);

    while (result == KV_OK && range_has(range, key)) {
        if (take(rq, page, bytes) < 0)
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

/* -- Arguments ------------------------------------------------------------------------------------------------ */
#define INVALID "One or more parameter values were invalid: "

static int check_select(struct request *rq)
{
    const struct args *args = &rq->args;
    bool named = arg_given(args, ARG_PROJECTION_EXPRESSION) || arg_given(args, ARG_ATTRIBUTES_TO_GET);

    if (named && arg_given(args, ARG_SELECT) && !arg_is(args, ARG_SELECT, "SPECIFIC_ATTRIBUTES"))
        return err_set(&rq->err, ERR_VALIDATION, "Cannot specify the %s when choosing to get %s",
                       arg_given(args, ARG_ATTRIBUTES_TO_GET) ? "AttributesToGet" : "ProjectionExpression",
                       arg_is(args, ARG_SELECT, "COUNT")            ? "only the Count"
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

/* A query words it in its own way. */
static int check_limit(struct request *rq)
{
    int64_t limit;

    if (rq->form != ARGS_QUERY || !value_to_int(&rq->args.at[ARG_LIMIT], &limit) || limit >= 1)
        return 0;
    return err_set(
        &rq->err, ERR_VALIDATION,
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than "
        "or equal to 1");
}

int page_arguments(struct request *rq, struct page *page)
{
    memset(page, 0, sizeof *page);
    page->count_only = arg_is(&rq->args, ARG_SELECT, "COUNT");
    if (check_limit(rq) < 0)
        return -1;
    if (arg_number(&rq->args, ARG_LIMIT, 1, INT32_MAX, INT64_MAX, &page->limit, &rq->err) < 0)
        return -1;
    return check_select(rq);
}

/* -- The answer ----------------------------------------------------------------------------------------------- */
static void put_count(struct buf *out, const char *name, uint32_t count)
{
    mp_put_text(out, name);
    value_put_int(out, count);
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
    capacity_init(&capacity, rq->table->name);
    capacity.table = capacity_of_read(page->bytes, arg_true(&rq->args, ARG_CONSISTENT_READ));
    answer_put_tail(rq, &capacity);
    mp_close_map(out, whole, 2u + !page->count_only + page->more + answer_tail_count(rq, &capacity));
    return 0;
}
