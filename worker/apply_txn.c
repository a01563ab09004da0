/* apply_txn.c - one try to apply and record a part of a batch in one transaction. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "worker/apply_parts.h"
#include "worker/outcomes.h"

static void refuse(struct buf *out, enum err_code code, const char *text)
{
    struct err e;
    err_set(&e, code, "%s", text);
    outcome_encode_err(out, &e);
}

static bool locks_many_rows(enum op_code code)
{
    return code == OP_LIST || code == OP_QUERY || code == OP_BATCH_READ || code == OP_TRANSACT_READ ||
           code == OP_STREAM_RECORDS || (code >= OP_STATEMENT && code <= OP_STATEMENT_TRANSACTION);
}

bool apply_reads_ahead(const struct apply_work *w)
{
    if (!w->readable || op_changes(&w->op))
        return false;
    return w->op.code == OP_LIST || !w->job->has_id;
}

static enum kv_result look_up_job(struct apply *a, struct kv_txn *txn, const struct op *op)
{
    struct id id;
    if (op->payload.type != VALUE_B || op->payload.bytes.len != ID_BYTES) {
        refuse(&a->outcomes, ERR_VALIDATION, "A job's id has 16 bytes.");
        return KV_OK;
    }
    memcpy(id.bytes, op->payload.bytes.ptr, ID_BYTES);
    enum kv_result result = outcome_get(txn, &id, false, &a->scratch, &a->outcomes);
    if (result != KV_NOT_FOUND)
        return result;
    refuse(&a->outcomes, ERR_NOT_FOUND, "There is no recorded outcome of this job.");
    return KV_OK;
}

/* Appends the outcome of one operation. KV_OK also when it is refused. */
static enum kv_result run_op(struct apply *a, struct kv_txn *txn, struct apply_work *w)
{
    struct buf *out = &a->outcomes;
    enum kv_result result = KV_OK;
    w->outcome_at = out->len;
    if (!w->readable)
        refuse(out, ERR_SERIALIZATION, "The operation cannot be read.");
    else if (w->op.code > OP_LAST_OF_USERS && !w->job->call)
        refuse(out, ERR_UNKNOWN_OPERATION, "This operation is not for jobs.");
    else if (w->op.code == OP_LOOKUP)
        result = look_up_job(a, txn, &w->op);
    else
        result = table_apply(a->config.tables, txn, &w->op, out);
    size_t most = w->job->call ? LIMIT_CALL_ANSWER_BYTES : LIMIT_ANSWER_BYTES;
    if (result == KV_OK && !buf_failed(out) && out->len - w->outcome_at > most && !op_changes(&w->op)) {
        out->len = w->outcome_at;
        refuse(out, ERR_TOO_LARGE, "The answer is larger than an answer may be.");
    }
    if (result == KV_OK && buf_failed(out))
        result = KV_NO_MEMORY;
    w->outcome_len = out->len - w->outcome_at;
    a->config.progress(a->config.self);
    return result;
}

static enum kv_result begin(struct apply *a, int flags, struct kv_txn **txn, bool *catalog_changed)
{
    bool changed = false;
    enum kv_result result = kv_begin(a->config.kv, flags, txn);
    if (result == KV_OK)
        result = table_begin(a->config.tables, *txn, a->config.wall_ms(), &changed);
    *catalog_changed |= changed;
    return result;
}

enum kv_result apply_read(struct apply *a, struct apply_work *w, struct kv_txn **txn, bool *catalog_changed)
{
    size_t before = a->outcomes.len;
    enum kv_result result = *txn ? KV_OK : begin(a, KV_SNAPSHOT, txn, catalog_changed);
    if (result == KV_OK)
        result = run_op(a, *txn, w);
    if (result == KV_OK) {
        w->read = true;
        w->read_at = w->outcome_at;
        w->read_len = w->outcome_len;
    } else {
        a->outcomes.len = before;
        a->outcomes.failed = false;
    }
    if (result != KV_OK || locks_many_rows(w->op.code))
        kv_abort(txn);
    return result;
}

static int compare_ids(const void *left, const void *right)
{
    const struct apply_work *const *a = left, *const *b = right;
    return outcome_key_compare(&(*a)->job->id, &(*b)->job->id);
}

/* Those of by_key[0..count) that are recorded under an id, in the order of the rows. Returns how many. */
static size_t order_by_id(struct apply *a, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (a->by_key[i]->job->has_id)
            a->by_id[found++] = a->by_key[i];
    qsort(a->by_id, found, sizeof *a->by_id, compare_ids);
    return found;
}

static enum kv_result find_recorded(struct apply *a, struct kv_txn *txn, size_t count)
{
    size_t ids = order_by_id(a, count);
    for (size_t i = 0; i < ids; i++) {
        struct apply_work *w = a->by_id[i];
        size_t before = a->outcomes.len;
        enum kv_result result = outcome_get(txn, &w->job->id, true, &a->scratch, &a->outcomes);
        if (result == KV_OK) {
            w->outcome_at = before;
            w->outcome_len = a->outcomes.len - before;
            w->recorded = true;
        } else if (result != KV_NOT_FOUND) {
            return result;
        }
    }
    return KV_OK;
}

static enum kv_result apply_all(struct apply *a, struct kv_txn *txn, size_t *count, int64_t start_us)
{
    for (size_t i = 0; i < *count; i++) {
        struct apply_work *w = a->by_key[i];
        if (w->read || w->recorded)
            continue;
        if (i > 0 && (a->outcomes.len + table_pending_bytes(a->config.tables) > APPLY_SLICE_BYTES ||
                      a->config.mono_us() - start_us > APPLY_SLICE_US)) {
            *count = i;
            return KV_OK;
        }
        enum kv_result result = run_op(a, txn, w);
        if (result != KV_OK)
            return result;
    }
    return KV_OK;
}

static enum kv_result record_all(struct apply *a, struct kv_txn *txn, size_t count)
{
    size_t ids = order_by_id(a, count);
    int64_t finished_ms = a->config.wall_ms();
    for (size_t i = 0; i < ids; i++) {
        const struct apply_work *w = a->by_id[i];
        if (w->recorded)
            continue;
        struct outcome_row row = {w->job->seq, finished_ms, buf_part(&a->outcomes, w->outcome_at, w->outcome_len)};
        enum kv_result result = outcome_put(txn, &w->job->id, &row, &a->scratch);
        if (result != KV_OK)
            return result;
    }
    return KV_OK;
}

/* What a failed try before this one found out is not true any more. */
static void begin_try(struct apply *a, size_t count)
{
    a->outcomes.len = a->tried_from;
    a->outcomes.failed = false;
    for (size_t i = 0; i < count; i++) {
        struct apply_work *w = a->by_key[i];
        w->recorded = false;
        w->outcome_at = w->read_at;
        w->outcome_len = w->read_len;
    }
}

enum kv_result apply_try(struct apply *a, size_t *count, bool look_up, int64_t start_us, bool *catalog_changed)
{
    struct kv_txn *txn;
    assert(*count > 0 && *count <= APPLY_MAX);
    begin_try(a, *count);
    enum kv_result result = begin(a, KV_WRITE, &txn, catalog_changed);
    if (result == KV_OK && look_up)
        result = find_recorded(a, txn, *count);
    if (result == KV_OK)
        result = apply_all(a, txn, count, start_us);
    if (result == KV_OK)
        result = record_all(a, txn, *count);
    if (result == KV_OK)
        result = table_end(a->config.tables, txn);
    if (result == KV_OK)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}
