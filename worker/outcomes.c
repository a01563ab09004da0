/* outcomes.c - encoding, writing and finding the recorded outcomes of jobs. */
#include "worker/outcomes.h"

#include <string.h>

#include "common/limits.h"
#include "common/mp.h"
#include "common/op.h"

#define ROW_FIELDS 3

void outcome_key(unsigned char key[static OUTCOME_KEY_BYTES], const struct id *id)
{
    key[0] = id_slice(id);
    memcpy(key + 1, id->bytes, ID_BYTES);
}

int outcome_key_compare(const struct id *a, const struct id *b)
{
    int order = id_slice(a) - id_slice(b);
    return order != 0 ? order : memcmp(a->bytes, b->bytes, ID_BYTES);
}

void outcome_row_encode(struct buf *out, const struct outcome_row *row)
{
    mp_put_array(out, ROW_FIELDS);
    mp_put_uint(out, row->seq);
    mp_put_int(out, row->finished_ms);
    mp_put_bin(out, row->outcome.ptr, row->outcome.len);
}

int outcome_row_decode(struct slice value, struct outcome_row *row)
{
    struct mp_reader r = mp_reader_of(value);
    mp_array_exact(&r, ROW_FIELDS);
    row->seq = mp_uint(&r, UINT64_MAX);
    row->finished_ms = mp_int(&r);
    row->outcome = mp_bin(&r, LIMIT_CALL_ANSWER_BYTES);
    return mp_at_end(&r) ? 0 : -1;
}

enum kv_result outcome_put(struct kv_txn *txn, const struct id *id, const struct outcome_row *row, struct buf *scratch)
{
    unsigned char key[OUTCOME_KEY_BYTES];
    outcome_key(key, id);
    buf_reset(scratch);
    outcome_row_encode(scratch, row);
    if (buf_failed(scratch))
        return KV_NO_MEMORY;
    return kv_put(txn, KV_OUTCOMES, slice_of(key, sizeof key), buf_slice(scratch), KV_NEW);
}

enum kv_result outcome_get(struct kv_txn *txn, const struct id *id, bool for_update, struct buf *scratch, struct buf *out)
{
    unsigned char key[OUTCOME_KEY_BYTES];
    struct outcome_row row;
    outcome_key(key, id);
    buf_reset(scratch);
    enum kv_result result = kv_get(txn, KV_OUTCOMES, slice_of(key, sizeof key), for_update, scratch);
    if (result != KV_OK)
        return result;
    struct outcome outcome;
    if (outcome_row_decode(buf_slice(scratch), &row) != 0 || outcome_decode(row.outcome, &outcome) != 0)
        return KV_FATAL;
    return buf_append(out, row.outcome.ptr, row.outcome.len) == 0 ? KV_OK : KV_NO_MEMORY;
}
