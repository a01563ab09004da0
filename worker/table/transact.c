/* transact.c - see transact.h. */
#include "worker/table/transact.h"

#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "worker/table/token.h"

/* Items in the reasons of a cancellation may have this much together, so that the answer keeps its limit; later ones are left out. */
#define REASON_ITEMS_BYTES (LIMIT_ANSWER_BYTES / 2)

int transaction_init(struct request *rq, struct transaction *tx, uint32_t count)
{
    struct arena *arena = &rq->t->arena;

    memset(tx, 0, sizeof *tx);
    tx->count = count;
    tx->parts = arena_array(arena, count, sizeof *tx->parts);
    tx->writes = arena_array(arena, count, sizeof *tx->writes);
    tx->keys = arena_array(arena, count, sizeof *tx->keys);
    tx->reasons = arena_array(arena, count, sizeof *tx->reasons);
    tx->capacity.tables = arena_array(arena, count, sizeof *tx->capacity.tables);
    return tx->parts && tx->writes && tx->keys && tx->reasons && tx->capacity.tables ? 0 : -1;
}

int transact_take_token(struct request *rq, struct transaction *tx)
{
    tx->token = arg_given(&rq->args, ARG_TOKEN) ? rq->args.at[ARG_TOKEN].bytes : slice_of(NULL, 0);
    if (!arg_given(&rq->args, ARG_TOKEN) || (tx->token.len >= 1 && tx->token.len <= LIMIT_TOKEN_BYTES))
        return 0;
    return err_set(
        &rq->err, ERR_VALIDATION,
        "1 validation error detected: Value '%.*s' at 'clientRequestToken' failed to satisfy constraint: Member must have "
        "length %s than or equal to %u",
        (int)(tx->token.len < 60 ? tx->token.len : 60), (const char *)tx->token.ptr, tx->token.len ? "less" : "greater",
        tx->token.len ? LIMIT_TOKEN_BYTES : 1u);
}

void transact_put_capacity(struct request *rq, const struct transaction *tx, enum capacity_kind kind)
{
    mp_put_text(rq->out, "ConsumedCapacity");
    capacity_put_list(rq->out, &tx->capacity, kind, answer_wants_indexes(rq));
}

/* -- Reasons -------------------------------------------------------------------------------------------------- */
/* An empty key is an error of the request wherever it is found out; so DynamoDB has it. */
static bool is_of_whole(const struct request *part)
{
    static const char words[] = "One or more parameter values are not valid.";

    if (part->store != KV_OK || part->err.code == ERR_NONE)
        return true;
    return strncmp(part->err.text, words, sizeof words - 1) == 0;
}

int transact_reason(struct request *rq, struct transaction *tx, uint32_t at)
{
    struct request *part = &tx->parts[at];
    struct reason *reason = &tx->reasons[at];
    struct arena *arena = &rq->t->arena;

    if (is_of_whole(part))
        return many_failed(rq, part);
    tx->canceled = true;
    reason->code = many_reason_code(part->err.code);
    reason->text = arena_copy(arena, slice_text(part->err.text));
    if (part->answer_item && tx->item_bytes + part->old.encoded.len <= REASON_ITEMS_BYTES) {
        reason->item = arena_copy(arena, part->old.encoded);
        tx->item_bytes += part->old.encoded.len;
    }
    return arena->failed || arena->full ? -1 : 0;
}

static void put_reason(struct buf *out, const struct reason *reason)
{
    mp_put_map(out, reason->code ? 2u + (reason->item.len > 0) : 1u);
    mp_put_text(out, "Code");
    mp_put_text(out, reason->code ? reason->code : "None");
    if (!reason->code)
        return;
    mp_put_text(out, "Message");
    mp_put_slice(out, reason->text);
    if (reason->item.len) {
        mp_put_text(out, "Item");
        mp_put_raw(out, reason->item);
    }
}

int transact_answer_canceled(struct request *rq, const struct transaction *tx)
{
    struct buf *out = rq->out, *text = &rq->t->spare;

    buf_reset(text);
    buf_text(text, "Transaction cancelled, please refer cancellation reasons for specific reasons [");
    for (uint32_t i = 0; i < tx->count; i++)
        buf_printf(text, "%s%s", i ? ", " : "", tx->reasons[i].code ? tx->reasons[i].code : "None");
    buf_byte(text, ']');
    if (buf_failed(text))
        return request_store_failed(rq, KV_NO_MEMORY);
    answer_begin_failed(out, ERR_TRANSACTION_CANCELED);
    mp_put_map(out, 2);
    mp_put_text(out, "message");
    mp_put_str(out, (const char *)text->data, text->len);
    mp_put_text(out, "CancellationReasons");
    mp_put_array(out, tx->count);
    for (uint32_t i = 0; i < tx->count; i++)
        put_reason(out, &tx->reasons[i]);
    return 0;
}

/* -- Before any item is looked at ------------------------------------------------------------------------------ */
static int find_tables(struct request *rq, struct transaction *tx)
{
    for (uint32_t i = 0; i < tx->count; i++) {
        struct request *part = &tx->parts[i];
        if (request_table(part) == 0)
            continue;
        if (part->err.code != ERR_TABLE_NOT_FOUND || !tx->missing_tables_cancel)
            return many_failed(rq, part);
        if (transact_reason(rq, tx, i) < 0)
            return -1;
    }
    return 0;
}

/* The first action whose key does not fit is the only one that is told. */
int transact_check_keys(struct request *rq, struct transaction *tx, int (*check_key)(struct transaction *tx, uint32_t at))
{
    if (find_tables(rq, tx) < 0)
        return -1;
    for (uint32_t i = 0; i < tx->count && !tx->canceled; i++) {
        if (tx->take_key && tx->take_key(rq, tx, i) < 0)
            return -1;
        if (check_key(tx, i) < 0)
            return transact_reason(rq, tx, i);
        if (many_take_key(rq, &tx->parts[i], i, &tx->keys[i]) < 0)
            return -1;
    }
    if (!tx->canceled && many_sort_keys(tx->keys, tx->count))
        return err_set(&rq->err, ERR_VALIDATION, "Transaction request cannot include multiple operations on one item");
    return 0;
}

static int check_write_key(struct transaction *tx, uint32_t at) { return write_key(&tx->writes[at]); }

/* What an action brings: its item, or its key and values. */
static size_t payload_of(const struct request *part)
{
    const enum arg parts[] = {ARG_ITEM, ARG_KEY, ARG_VALUES};
    size_t bytes = 0;

    for (int i = 0; i < 3; i++)
        if (arg_given(&part->args, parts[i]))
            bytes += item_size(&part->args.at[parts[i]]);
    return bytes;
}

static int check_sizes(struct request *rq, struct transaction *tx)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < tx->count; i++) {
        if (write_size(&tx->writes[i]) < 0)
            return many_failed(rq, &tx->parts[i]);
        bytes += payload_of(&tx->parts[i]);
    }
    if (bytes <= LIMIT_TRANSACTION_BYTES)
        return 0;
    return err_set(&rq->err, ERR_VALIDATION, "Transaction payload size cannot exceed 4 MB");
}

/* -- Tokens --------------------------------------------------------------------------------------------------- */
static int find_token(struct request *rq, const struct transaction *tx, const unsigned char *digest, bool *known)
{
    bool same;

    *known = false;
    if (tx->token.len == 0)
        return 0;
    enum kv_result result = token_find(rq->txn, rq->t->now_ms, tx->token, digest, known, &same);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    if (!*known || same)
        return 0;
    return err_set(
        &rq->err, ERR_IDEMPOTENCY,
        "DynamoDB rejected the request because you retried a request with a different payload but with an idempotent "
        "token that was already used.");
}

/* What was carried out before costs a read of its items. */
static int charge_again(struct request *rq, struct transaction *tx)
{
    for (uint32_t i = 0; i < tx->count && answer_wants_capacity(rq); i++) {
        struct request *part = &tx->parts[i];
        if (request_encode_key(part) < 0 || request_read(part, false) < 0)
            return many_failed(rq, part);
        size_t size = part->old.type != VALUE_NONE ? item_size(&part->old) : 0;
        capacity_of_table(&tx->capacity, part->table->name)->table += 2 * capacity_of_read(size, true);
    }
    tx->again = true;
    return 0;
}

/* -- Two passes ----------------------------------------------------------------------------------------------- */
/* In the order of the keys: all who touch many items take their locks in that order. */
static int decide_all(struct request *rq, struct transaction *tx)
{
    for (uint32_t i = 0; i < tx->count; i++) {
        uint32_t at = tx->keys[i].at;
        struct arena_mark mark = arena_mark(&rq->t->arena);
        int decided = write_decide(&tx->writes[at]);
        arena_rewind(&rq->t->arena, mark);
        if (decided < 0 && (rq->t->arena.failed || rq->t->arena.full))
            return -1;
        if (decided < 0 && transact_reason(rq, tx, at) < 0)
            return -1;
    }
    return 0;
}

static int store_all(struct request *rq, struct transaction *tx)
{
    for (uint32_t i = 0; i < tx->count; i++) {
        struct write *w = &tx->writes[tx->keys[i].at];
        struct arena_mark mark = arena_mark(&rq->t->arena);
        struct capacity capacity;
        if (write_decide(w) < 0 || write_store(w) < 0) {
            assert(w->rq->store != KV_OK || rq->t->arena.failed);
            return many_failed(rq, w->rq);
        }
        arena_rewind(&rq->t->arena, mark);
        if (!answer_wants_capacity(rq))
            continue;
        write_capacity(w, &capacity);
        capacity_double(&capacity);
        capacity_add(capacity_of_table(&tx->capacity, capacity.table_name), &capacity);
    }
    return 0;
}

int transact_write(struct request *rq, struct transaction *tx)
{
    unsigned char digest[TOKEN_DIGEST_BYTES];
    bool known;

    for (uint32_t i = 0; i < tx->count; i++)
        tx->parts[i].args.at[ARG_RETURN_CAPACITY] = rq->args.at[ARG_RETURN_CAPACITY];
    if (check_sizes(rq, tx) < 0 || transact_check_keys(rq, tx, check_write_key) < 0)
        return -1;
    if (tx->canceled)
        return 0;
    if (tx->token.len)
        token_digest(tx->asked, digest);
    if (find_token(rq, tx, digest, &known) < 0)
        return -1;
    if (known)
        return charge_again(rq, tx);
    if (decide_all(rq, tx) < 0)
        return -1;
    if (tx->canceled)
        return 0;
    if (store_all(rq, tx) < 0)
        return -1;
    if (tx->token.len == 0)
        return 0;
    enum kv_result result = token_put(rq->txn, rq->t->now_ms, tx->token, digest);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}
