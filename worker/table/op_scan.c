/* op_scan.c - scan: a page of a table or of a segment of it. */
#include "common/limits.h"
#include "worker/table/page.h"

struct segments {
    int64_t segment, total; /* total: 1 if not parallel */
};

static int check_segments(struct request *rq, struct segments *s)
{
    const struct args *args = &rq->args;

    if (arg_number(args, ARG_TOTAL_SEGMENTS, 1, LIMIT_SCAN_SEGMENTS, 1, &s->total, &rq->err) < 0 ||
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

/* Cuts off what the pages before read. */
static int resume(struct request *rq, const struct segments *s, const struct view *view, struct key_range *range)
{
    struct err reason = {0};
    struct buf *key = &rq->t->key;

    if (!arg_given(&rq->args, ARG_START_KEY))
        return 0;
    buf_reset(key);
    if (view_key_of_start(view, &rq->args.at[ARG_START_KEY], key, &reason) < 0) {
        if (view->index)
            return err_set(&rq->err, ERR_VALIDATION, "%s", reason.text);
        return err_set(&rq->err, ERR_VALIDATION, "The provided starting key is invalid: %s", reason.text);
    }
    if (buf_failed(key))
        return request_store_failed(rq, KV_NO_MEMORY);
    if (segment_of(key_hash(buf_slice(key)), (uint32_t)s->total) != s->segment)
        return err_set(&rq->err, ERR_VALIDATION,
                       "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                       "correct Segment. "
                       "TotalSegments: %lld Segment: %lld",
                       (long long)s->total, (long long)s->segment);
    return range_resume(range, buf_slice(key), false, &rq->t->arena);
}

int op_scan(struct request *rq)
{
    struct segments s;
    struct page page;
    struct view view;
    struct key_range range;

    if (request_arguments(rq) < 0 || page_arguments(rq, &page) < 0 || check_segments(rq, &s) < 0 ||
        request_expressions(rq) < 0 || request_table(rq) < 0 || request_view(rq, &view) < 0)
        return -1;
    if (range_of_segment(&view, (uint32_t)s.segment, (uint32_t)s.total, &rq->t->arena, &range) < 0 ||
        resume(rq, &s, &view, &range) < 0 || page_init(rq, &page, &view) < 0)
        return -1;
    return page_answer(rq, &page, &range);
}
