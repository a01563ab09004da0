/* op_statement.c - execute_statement: one PartiQL statement, a page of a SELECT or a write.
 *
 * NextToken is base64 of: digest of the statement, digest of the parameters, LastEvaluatedKey. The reads that a WHERE comes apart into do
 * not overlap, so the key says which of them to go on with. */
#include <string.h>

#include "common/json.h"
#include "worker/table/page.h"
#include "worker/table/partiql_plan.h"
#include "worker/table/partiql_write.h"
#include "worker/table/token.h"

#define DIGESTS_BYTES (2 * TOKEN_DIGEST_BYTES)

/* -- NextToken ------------------------------------------------------------------------------------------------ */
static void digest(const struct request *rq, unsigned char digests[static DIGESTS_BYTES])
{
    memset(digests, 0, DIGESTS_BYTES);
    token_digest(&rq->args.at[ARG_STATEMENT], digests);
    if (arg_given(&rq->args, ARG_PARAMETERS))
        token_digest(&rq->args.at[ARG_PARAMETERS], digests + TOKEN_DIGEST_BYTES);
}

/* key: LastEvaluatedKey. */
static void put_next_token(struct request *rq, struct slice key)
{
    unsigned char digests[DIGESTS_BYTES];
    struct buf *token = &rq->t->fresh, *text = &rq->t->old;

    digest(rq, digests);
    buf_reset(token);
    buf_reset(text);
    buf_append(token, digests, sizeof digests);
    buf_append(token, key.ptr, key.len);
    if (!buf_failed(token))
        base64_encode(text, buf_slice(token));
    mp_put_text(rq->out, "NextToken");
    mp_put_str(rq->out, (const char *)text->data, text->len);
    if (buf_failed(token) || buf_failed(text))
        rq->out->failed = true;
}

static int wrong_token(struct request *rq) { return err_set(&rq->err, ERR_VALIDATION, "NextToken does not match request"); }

/* Takes away what the pages before have read. */
static int resume(struct request *rq, struct pq_plan *plan)
{
    unsigned char digests[DIGESTS_BYTES];
    struct buf *token = &rq->t->fresh, *key = &rq->t->key;
    uint32_t at = 0;

    if (!arg_given(&rq->args, ARG_NEXT_TOKEN))
        return 0;
    buf_reset(token);
    buf_reset(key);
    digest(rq, digests);
    if (base64_decode(token, rq->args.at[ARG_NEXT_TOKEN].bytes) < 0 || token->len <= sizeof digests ||
        memcmp(token->data, digests, sizeof digests) != 0)
        return buf_failed(token) ? request_store_failed(rq, KV_NO_MEMORY) : wrong_token(rq);
    struct slice encoded = slice_of(token->data + sizeof digests, token->len - sizeof digests);
    struct value map = {.type = VALUE_NONE};
    if (value_check(encoded, NULL) == 0)
        map = value_of(encoded);
    if (map.type != VALUE_M || view_key_of_start(&plan->view, &map, key, NULL) < 0)
        return wrong_token(rq);
    if (buf_failed(key))
        return request_store_failed(rq, KV_NO_MEMORY);
    while (at < plan->count && !range_has(&plan->reads[at].range, buf_slice(key)))
        at++;
    if (at == plan->count)
        return wrong_token(rq);
    plan->reads += at;
    plan->count -= at;
    return range_resume(&plan->reads[0].range, buf_slice(key), plan->backward, &rq->t->arena);
}

/* -- SELECT --------------------------------------------------------------------------------------------------- */
static int read_all(struct request *rq, struct page *page, const struct pq_plan *plan)
{
    for (uint32_t i = 0; i < plan->count && !page->more; i++)
        if (page_read(rq, page, &plan->reads[i].range) < 0)
            return -1;
    return 0;
}

static int answer_page(struct request *rq, struct page *page, const struct pq_plan *plan)
{
    struct buf *out = rq->out;
    struct capacity capacity;
    bool wants = answer_wants_capacity(rq);

    answer_begin(out);
    size_t whole = mp_open(out);
    mp_put_text(out, "Items");
    size_t items = mp_open(out);
    if (read_all(rq, page, plan) < 0)
        return -1;
    mp_close_array(out, items, page->items);
    if (page->more) {
        mp_put_text(out, "LastEvaluatedKey");
        mp_put_raw(out, buf_slice(&rq->t->spare));
        put_next_token(rq, buf_slice(&rq->t->spare));
    }
    if (wants) {
        page_capacity(rq, page, &capacity);
        mp_put_text(out, "ConsumedCapacity");
        capacity_put(out, &capacity, CAPACITY_PLAIN, answer_wants_indexes(rq));
    }
    mp_close_map(out, whole, 1u + (page->more ? 2u : 0u) + wants);
    return 0;
}

static int run_select(struct request *rq, const struct pq_statement *s)
{
    struct page page;
    struct pq_plan plan;

    if (page_arguments(rq, &page) < 0 || request_table(rq) < 0 || partiql_plan(rq, s, &plan) < 0 ||
        partiql_order(&plan, s, &rq->err) < 0 || page_init(rq, &page, &plan.view) < 0)
        return -1;
    page.backward = plan.backward;
    if (plan.keyed && !plan.choice && page_check_filter(rq, &plan.view) < 0)
        return -1;
    return resume(rq, &plan) < 0 ? -1 : answer_page(rq, &page, &plan);
}

/* -- Writes --------------------------------------------------------------------------------------------------- */
static int run_write(struct request *rq, const struct pq_statement *s)
{
    struct write w;
    struct capacity capacity;
    struct buf *out = rq->out;
    bool wants = answer_wants_capacity(rq);

    if (request_table(rq) < 0 || partiql_write(rq, s, &w) < 0 || write_run(&w) < 0)
        return -1;
    struct slice shown = partiql_returned(&w, s);
    answer_begin(out);
    mp_put_map(out, wants ? 2 : 1);
    mp_put_text(out, "Items");
    mp_put_array(out, shown.len ? 1 : 0);
    if (shown.len)
        mp_put_raw(out, shown);
    if (!wants)
        return 0;
    write_capacity(&w, &capacity);
    mp_put_text(out, "ConsumedCapacity");
    capacity_put(out, &capacity, CAPACITY_PLAIN, answer_wants_indexes(rq));
    return 0;
}

int op_statement(struct request *rq)
{
    struct pq_statement s;

    if (request_arguments(rq) < 0 || partiql_read(rq, &s) < 0)
        return -1;
    if (s.verb == PQ_EXISTS)
        return err_set(&rq->err, ERR_VALIDATION, "EXISTS can only be used in ExecuteTransaction write requests.");
    return partiql_reads(&s) ? run_select(rq, &s) : run_write(rq, &s);
}
