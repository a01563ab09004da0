/* page.h - reads a page: a range of keys in one direction, through a filter and a projection, into the answer.
 *
 * A page ends after `limit` items, after a megabyte as DynamoDB counts it (before the filter), or when the answer would outgrow
 * LIMIT_ANSWER_BYTES. Pages of several ranges (PartiQL's IN) go on counting in one struct. */
#ifndef LEAT_WORKER_TABLE_PAGE_H
#define LEAT_WORKER_TABLE_PAGE_H

#include "worker/table/answer.h"
#include "worker/table/paths.h"
#include "worker/table/range.h"

struct page {
    /* what is asked */
    struct view view;
    bool backward;
    bool count_only;
    int64_t limit;             /* items to read */
    const struct node *filter; /* NULL: every item */
    /* Writes what the answer shows of an item; not called for count_only. */
    void (*show)(struct request *rq, const struct page *page, const struct value *item);
    struct path_range paths; /* for show_projected */
    bool fetch;              /* the index does not show all that is asked for: read the items themselves */

    /* what was found */
    size_t begin;            /* where the answer begins in the outcome */
    size_t bytes;            /* DynamoDB's size of what was read */
    size_t fetched_bytes;    /* of the items that were read behind an index */
    uint64_t fetched;        /* capacity times two of those */
    uint32_t items, scanned; /* shown, read */
    bool more;               /* the page ended: the last key read is in t->spare as an M */
};

/* A page that shows whole entries, or the projection of the request if it has one, as Select says. 0; -1 if the index cannot show
 * that, or with the arena's flags set. */
int page_init(struct request *rq, struct page *page, const struct view *view);
/* May an index be filtered so? It must show every attribute that the filter names. 0 or -1. */
int page_check_filter(struct request *rq, const struct view *view);

/* Reads on; the items are appended to rq->out one after the other. 0 or -1. */
int page_read(struct request *rq, struct page *page, const struct key_range *range);

/* The Limit, Select and ConsistentRead of a scan or query: checked, and noted in the page. 0 or -1. */
int page_arguments(struct request *rq, struct page *page);

void page_capacity(const struct request *rq, const struct page *page, struct capacity *capacity);
/* The whole answer of a page whose items are those of one range. */
int page_answer(struct request *rq, struct page *page, const struct key_range *range);

#endif
