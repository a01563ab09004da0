/* stream_list.c - see stream_list.h. */
#include "worker/table/stream_list.h"

#include <string.h>

#include "worker/table/arn.h"
#include "worker/table/discard.h"
#include "worker/table/request.h"
#include "worker/table/stream.h"

#define RETENTION_MS (24ll * 3600 * 1000)
#define TRIM_EVERY_MS (60ll * 1000)

/* -- Rows ----------------------------------------------------------------------------------------------------- */
static enum kv_result put_stream(struct kv_txn *txn, uint32_t id, const struct edit *row)
{
    struct chore_key key = chore_key(STREAM_NAME, id);

    if (edit_failed(row))
        return KV_NO_MEMORY;
    return kv_put(txn, KV_META, chore_key_slice(&key), edit_map(row).encoded, KV_SET);
}

/* The member of a table's row. */
static void put_member(struct buf *out, uint32_t id, struct slice view, int64_t label_ms)
{
    mp_put_map(out, 4);
    mp_put_text(out, "Id");
    value_put_int(out, id);
    mp_put_text(out, "View");
    mp_put_slice(out, view);
    mp_put_text(out, "Label");
    value_put_int(out, label_ms);
    mp_put_text(out, "On");
    mp_put_bool(out, true);
}

enum kv_result stream_switch_on(struct kv_txn *txn, struct slice table, struct edit *row, struct slice view, int64_t now_ms)
{
    static const unsigned char empty_map = 0x80;
    struct value map = edit_map(row), before = value_map_get(&map, slice_text("Stream")),
                 keys = value_map_get(&map, slice_text("KeySchema"));
    int64_t last_ms = member_int(&before, "Label", 0), label_ms = now_ms > last_ms ? now_ms : last_ms + 1;
    struct edit stream;
    uint32_t id;

    enum kv_result result = catalog_take_id(txn, &id);
    if (result != KV_OK)
        return result;
    edit_init(&stream, slice_of(&empty_map, 1));
    edit_set_text(&stream, "TableName", table);
    edit_set_int(&stream, "Label", label_ms);
    edit_set_text(&stream, "View", view);
    edit_set_raw(&stream, "KeySchema", keys.encoded);
    result = put_stream(txn, id, &stream);
    edit_finish(&stream);
    put_member(edit_value(row), id, view, label_ms);
    edit_set(row, "Stream");
    return result;
}

/* Writes an open stream's row anew, as closed. */
static enum kv_result close_row(struct kv_txn *txn, uint32_t id, int64_t now_ms)
{
    struct chore_key key = chore_key(STREAM_NAME, id);
    struct edit stream;
    struct buf row;

    buf_init(&row);
    enum kv_result result = kv_get(txn, KV_META, chore_key_slice(&key), true, &row);
    if (result == KV_OK) {
        edit_init(&stream, buf_slice(&row));
        edit_set_int(&stream, "Closed", now_ms);
        result = put_stream(txn, id, &stream);
        edit_finish(&stream);
    }
    buf_finish(&row);
    return result == KV_NOT_FOUND ? KV_FATAL : result;
}

enum kv_result stream_switch_off(struct kv_txn *txn, struct edit *row, int64_t now_ms)
{
    const struct member off = {"On", {NULL, 0}};
    struct value map = edit_map(row), stream = value_map_get(&map, slice_text("Stream"));
    uint32_t id = (uint32_t)member_int(&stream, "Id", 0);

    members_put(edit_value(row), &stream, &off, 1);
    edit_set(row, "Stream");
    return close_row(txn, id, now_ms);
}

enum kv_result stream_row_next(struct kv_txn *txn, uint32_t after, struct stream_row *row)
{
    buf_reset(&row->bytes);
    enum kv_result result = chore_next(txn, KV_META, STREAM_NAME, after, &row->id, &row->bytes);
    if (result != KV_OK || row->id == 0)
        return result;
    row->map = value_of(buf_slice(&row->bytes));
    return row->map.type == VALUE_M ? KV_OK : KV_FATAL;
}

enum kv_result stream_row_find(struct kv_txn *txn, struct slice text, struct stream_row *row)
{
    char label[ARN_LABEL_BYTES];
    struct arn arn;

    row->id = 0;
    if (!arn_parse(text, &arn) || !slice_equal(arn.kind, slice_text("stream")))
        return KV_OK;
    for (uint32_t after = 0;; after = row->id) {
        enum kv_result result = stream_row_next(txn, after, row);
        if (result != KV_OK || row->id == 0)
            return result;
        arn_label(member_int(&row->map, "Label", 0), label);
        if (slice_equal(member_text(&row->map, "TableName"), arn.table) && slice_equal(arn.leaf, slice_text(label)))
            return KV_OK;
    }
}

static enum kv_result drop_stream(struct kv_txn *txn, uint32_t id)
{
    struct chore_key key = chore_key(STREAM_NAME, id);

    enum kv_result result = kv_delete(txn, KV_META, chore_key_slice(&key));
    return result == KV_OK ? discard_later(txn, id) : result;
}

enum kv_result streams_drop(struct kv_txn *txn, struct slice table)
{
    struct stream_row row = {.id = 0};
    enum kv_result result = KV_OK;
    uint32_t after = 0;

    buf_init(&row.bytes);
    do {
        result = stream_row_next(txn, after, &row);
        after = row.id;
        if (result == KV_OK && row.id > 0 && slice_equal(member_text(&row.map, "TableName"), table))
            result = drop_stream(txn, row.id);
    } while (result == KV_OK && after > 0);
    buf_finish(&row.bytes);
    return result;
}

/* -- Trimming ------------------------------------------------------------------------------------------------- */
static enum kv_result look(struct kv *kv, uint32_t after, struct stream_row *row, struct stream_end *end)
{
    struct kv_txn *txn;

    enum kv_result result = kv_begin(kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = stream_row_next(txn, after, row);
    if (result == KV_OK && row->id > 0)
        result = stream_read_end(txn, row->id, end);
    kv_abort(&txn);
    return result;
}

static enum kv_result drop_closed(struct kv *kv, uint32_t id)
{
    struct kv_txn *txn;

    enum kv_result result = kv_begin(kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = drop_stream(txn, id);
    if (result == KV_OK || result == KV_NOT_FOUND)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

enum kv_result stream_trim_step(const struct chore *chore, bool *left)
{
    int64_t before_ms = chore->now_ms - RETENTION_MS;
    struct kv *kv = chore->t->kv;
    struct stream_row row = {.id = 0};
    struct stream_end end;
    enum kv_result result = KV_OK;
    uint32_t after = 0;

    if (chore->now_ms < chore->t->trim_due_ms)
        return KV_OK;
    buf_init(&row.bytes);
    do {
        bool more = false;
        result = look(kv, after, &row, &end);
        after = row.id;
        if (result != KV_OK || after == 0)
            break;
        int64_t closed_ms = member_int(&row.map, "Closed", 0);
        if (end.trimmed < end.last)
            result = stream_trim(kv, row.id, before_ms, chore->max, &more);
        else if (closed_ms > 0 && closed_ms < before_ms)
            result = drop_closed(kv, row.id);
        *left |= more;
    } while (result == KV_OK);
    buf_finish(&row.bytes);
    if (result == KV_OK && !*left)
        chore->t->trim_due_ms = chore->now_ms + TRIM_EVERY_MS;
    return result;
}
