/* sqs_list.c - ListQueues and ListDeadLetterSourceQueues: leat's own queues, which are in every region, and then the region's in pages. */
#include <string.h>

#include "common/mp.h"
#include "gateway/sqs.h"
#include "common/sqs_message.h"
#include "common/sqs_policy.h"

static const char *const own_queues[] = {"leat-jobs", "leat-jobs-dead"}; /* in order */
#define OWN_QUEUES (sizeof own_queues / sizeof own_queues[0])

/* What a request asks for. A page ends with the broker's name of its last queue, which is the next token, in base64. */
struct page {
    bool sources, paged;
    struct slice prefix; /* of names */
    struct slice target; /* sources: the dead-letter queue */
    struct buf after;    /* the token's name */
    uint32_t max;        /* without a MaxResults there are no pages, and 1000 at most */
};

static int read_page(const struct value *in, struct page *page, struct sqs_error *e)
{
    struct slice token;
    int64_t most;
    if (sqs_integer(in, "MaxResults", &most, &page->paged, e) != 0 || sqs_text(in, "NextToken", &token, e) != 0 ||
        sqs_text(in, "QueueNamePrefix", &page->prefix, e) != 0)
        return -1;
    if (page->sources)
        page->prefix = slice_text("");
    if (page->prefix.len > 80)
        return sqs_fail_value(e, page->prefix, "QueueNamePrefix", "It must be at most 80 characters long.");
    if (page->paged && (most < 1 || most > LIMIT_QUEUES_LISTED))
        return sqs_fail(e, SQS_PARAMETER,
                        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.");
    if (token.len > 0 && (base64_decode(&page->after, token) != 0 || page->after.len > LIMIT_QUEUE_PATH_BYTES))
        return sqs_fail(e, SQS_PARAMETER, "Invalid or expired NextToken.");
    page->max = page->paged ? (uint32_t)most : LIMIT_QUEUES_LISTED;
    return 0;
}

/* Does the page show this one of leat's own queues? */
static bool shows_own(const struct page *page, const char *name)
{
    struct slice text = slice_text(name), after = buf_slice(&page->after), region;
    if (page->sources)
        return strcmp(name, "leat-jobs") == 0 && slice_equal(page->target, slice_text("leat-jobs-dead")) && after.len == 0;
    sqs_name_of_path(after, &region);
    if (region.len > 0 || (after.len > 0 && (after.len >= text.len || memcmp(after.ptr, text.ptr, after.len) != 0)))
        return false; /* own queues were shown before: "leat-jobs" stands before "leat-jobs-dead", which begins with it */
    return page->prefix.len == 0 || (page->prefix.len <= text.len && memcmp(page->prefix.ptr, text.ptr, page->prefix.len) == 0);
}

static uint32_t count_own(const struct page *page)
{
    uint32_t count = 0;
    for (size_t i = 0; i < OWN_QUEUES; i++)
        count += shows_own(page, own_queues[i]);
    return count < page->max ? count : page->max;
}

static void put_url(struct buf *out, const struct http_request *r, const struct sqs_place *place, struct slice name)
{
    struct buf url = {0};
    sqs_put_url(&url, r, place, name);
    mp_put_slice(out, buf_slice(&url));
    buf_finish(&url);
}

/* Returns how many, and the last of them. */
static uint32_t put_own(struct buf *out, const struct page *page, const struct http_request *r, const struct sqs_place *place,
                        struct slice *last)
{
    uint32_t count = 0;
    for (size_t i = 0; i < OWN_QUEUES && count < page->max; i++) {
        if (!shows_own(page, own_queues[i]))
            continue;
        *last = slice_text(own_queues[i]);
        put_url(out, r, place, *last);
        count++;
    }
    return count;
}

static void put_token(struct buf *out, struct slice last)
{
    struct buf token = {0};
    base64_encode(&token, last);
    mp_put_text(out, "NextToken");
    mp_put_slice(out, buf_slice(&token));
    buf_finish(&token);
}

/* walk: NULL if the broker was not asked, because leat's own queues fill the page. */
static void put_page(struct buf *out, const struct page *page, const struct http_request *r, const struct sqs_place *place,
                     struct queue_walk *walk, bool more)
{
    struct queue_description d;
    struct slice last = slice_text(""), region;
    buf_reset(out);
    mp_put_map(out, 1u + (more && page->paged));
    mp_put_text(out, page->sources ? "queueUrls" : "QueueUrls");
    size_t list = mp_open(out);
    uint32_t count = put_own(out, page, r, place, &last);
    for (; walk && queue_next_description(walk, &d); count++) {
        last = d.name;
        put_url(out, r, place, sqs_name_of_path(d.name, &region));
    }
    mp_close_array(out, list, count);
    if (more && page->paged)
        put_token(out, last);
}

static bool is_sources(const struct pending_request *p) { return p->sqs.action->serve == sqs_list_sources; }

static void on_listed(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    struct pending_request *p = job->request;
    struct sqs_place place = sqs_place_of(g, p);
    struct page page = {.sources = is_sources(p), .target = sqs_queue_of(p)};
    struct value in = sqs_in(p);
    struct queue_walk walk;
    struct sqs_error e;
    bool more;
    if (response->result != QUEUE_OK || queue_walk_list(response, &walk, &more) != 0 || read_page(&in, &page, &e) != 0) {
        sqs_finish_result(g, p, response->result);
    } else {
        put_page(&g->value, &page, p->owner, &place, &walk, more);
        sqs_finish(g, p, buf_slice(&g->value));
    }
    buf_finish(&page.after);
}

static void ask_page(struct gateway *g, struct pending_request *p, const struct page *page, uint32_t max)
{
    struct queue_request request = {.verb = QUEUE_VERB_LIST, .list = {.max = max}};
    struct slice region, after = buf_slice(&page->after);
    struct buf prefix = {0}, target = {0};
    sqs_name_of_path(after, &region);
    if (region.len > 0) /* else one of leat's own: the region's begin */
        request.list.after = after;
    region = sqs_place_of(g, p).region;
    buf_printf(&prefix, "%.*s/", (int)region.len, (const char *)region.ptr);
    buf_append(&prefix, page->prefix.ptr, page->prefix.len);
    if (page->sources) {
        sqs_put_path(&target, region, page->target);
        request.list.dead_letter = buf_slice(&target);
    }
    p->sqs.step = on_listed;
    sqs_ask_path(g, p->jobs[0], buf_slice(&prefix), &request);
    buf_finish(&prefix);
    buf_finish(&target);
}

static void list(struct gateway *g, struct pending_request *p)
{
    struct sqs_place place = sqs_place_of(g, p);
    struct page page = {.sources = is_sources(p), .target = sqs_queue_of(p)};
    struct value in = sqs_in(p);
    struct sqs_error e;
    if (read_page(&in, &page, &e) != 0) {
        sqs_finish_error(g, p, &e);
    } else if (count_own(&page) < page.max) {
        ask_page(g, p, &page, page.max - count_own(&page));
    } else {
        put_page(&g->value, &page, p->owner, &place, NULL, true);
        sqs_finish(g, p, buf_slice(&g->value));
    }
    buf_finish(&page.after);
}

int sqs_list_queues(struct sqs_request *q)
{
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_listed);
    if (p)
        list(q->g, p);
    return 0;
}

static void on_target(struct gateway *g, struct pending_job *job, const struct queue_response *response)
{
    if (response->result == QUEUE_OK)
        list(g, job->request);
    else
        sqs_finish_result(g, job->request, response->result);
}

int sqs_list_sources(struct sqs_request *q)
{
    if (sqs_need_queue(q) != 0)
        return -1;
    struct pending_request *p = sqs_open(q, 1, q->g->now_ms + GATEWAY_ANSWER_MS, on_target);
    if (p)
        sqs_ask(q->g, p->jobs[0], q->queue, &(struct queue_request){.verb = QUEUE_VERB_DESCRIBE});
    return 0;
}
