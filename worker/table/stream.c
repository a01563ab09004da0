/* stream.c - see stream.h. */
#include "worker/table/stream.h"

#include <string.h>

#include "common/limits.h"

#define END_KEY_BYTES 4u
#define TRIM_BYTES (4u * 1024u * 1024u) /* of records in one step: what is removed goes into the log */

static void put_be(unsigned char *to, size_t width, uint64_t number)
{
    for (size_t i = width; i-- > 0; number >>= 8)
        to[i] = (unsigned char)number;
}

void stream_key(unsigned char key[static STREAM_KEY_BYTES], uint32_t id, uint64_t number)
{
    put_be(key, END_KEY_BYTES, id);
    put_be(key + END_KEY_BYTES, STREAM_KEY_BYTES - END_KEY_BYTES, number);
}

uint64_t stream_number(struct slice key)
{
    uint64_t number = 0;

    for (size_t i = END_KEY_BYTES; i < key.len; i++)
        number = number << 8 | key.ptr[i];
    return number;
}

/* -- The end of a stream -------------------------------------------------------------------------------------- */
static enum kv_result read_end(struct kv_txn *txn, uint32_t id, bool for_update, struct stream_end *end)
{
    unsigned char key[END_KEY_BYTES];
    struct buf value;

    put_be(key, sizeof key, id);
    *end = (struct stream_end){.id = id};
    buf_init(&value);
    enum kv_result result = kv_get(txn, KV_STREAMS, slice_of(key, sizeof key), for_update, &value);
    if (result == KV_OK) {
        struct mp_reader r = mp_reader_of(buf_slice(&value));
        mp_array_exact(&r, 2);
        end->last = mp_uint(&r, UINT64_MAX);
        end->trimmed = mp_uint(&r, UINT64_MAX);
        if (!mp_at_end(&r))
            result = KV_FATAL;
    }
    buf_finish(&value);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

enum kv_result stream_open_end(struct kv_txn *txn, uint32_t id, struct stream_end *end) { return read_end(txn, id, true, end); }

enum kv_result stream_read_end(struct kv_txn *txn, uint32_t id, struct stream_end *end)
{
    return read_end(txn, id, false, end);
}

enum kv_result stream_append(struct kv_txn *txn, struct stream_end *end, struct slice record)
{
    unsigned char key[STREAM_KEY_BYTES];

    stream_key(key, end->id, ++end->last);
    return kv_put(txn, KV_STREAMS, slice_of(key, sizeof key), record, KV_SET);
}

enum kv_result stream_close_end(struct kv_txn *txn, const struct stream_end *end)
{
    unsigned char key[END_KEY_BYTES];
    struct buf value;

    put_be(key, sizeof key, end->id);
    buf_init(&value);
    mp_put_array(&value, 2);
    mp_put_uint(&value, end->last);
    mp_put_uint(&value, end->trimmed);
    enum kv_result result =
        buf_failed(&value) ? KV_NO_MEMORY : kv_put(txn, KV_STREAMS, slice_of(key, sizeof key), buf_slice(&value), KV_SET);
    buf_finish(&value);
    return result;
}

/* -- Records -------------------------------------------------------------------------------------------------- */
static void put_image(struct buf *out, struct slice image)
{
    if (image.len > 0)
        mp_put_raw(out, image);
    else
        mp_put_nil(out);
}

void stream_record_encode(struct buf *out, const struct stream_record *record)
{
    mp_put_array(out, 6);
    mp_put_int(out, record->created_ms);
    mp_put_uint(out, record->event);
    mp_put_bool(out, record->by_service);
    mp_put_raw(out, record->keys);
    put_image(out, record->fresh);
    put_image(out, record->old);
}

static struct slice image_of(struct mp_reader *r)
{
    bool none = mp_peek(r) == MP_NIL;
    struct slice image = mp_skip(r);
    return none ? slice_of(NULL, 0) : image;
}

int stream_record_decode(struct slice bytes, struct stream_record *record)
{
    struct mp_reader r = mp_reader_of(bytes);

    mp_array_exact(&r, 6);
    record->created_ms = mp_int(&r);
    record->event = (enum stream_event)mp_uint(&r, EVENT_REMOVE);
    record->by_service = mp_bool(&r);
    record->keys = mp_skip(&r);
    record->fresh = image_of(&r);
    record->old = image_of(&r);
    return mp_at_end(&r) ? 0 : -1;
}

/* -- Trimming ------------------------------------------------------------------------------------------------- */
struct trim {
    uint64_t last; /* the youngest record to go */
    size_t count;
    bool more; /* the step is full */
};

/* Looks from the old end on for records made before the time. */
static enum kv_result find_trim(struct kv *kv, uint32_t id, int64_t before_ms, size_t max, struct trim *trim)
{
    unsigned char from[STREAM_KEY_BYTES];
    struct kv_txn *txn;
    struct kv_cursor *cursor = NULL;
    struct slice key, value;
    struct stream_record record;

    size_t bytes = 0;

    *trim = (struct trim){0, 0, false};
    stream_key(from, id, 0);
    enum kv_result result = kv_begin(kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = kv_cursor_open(txn, KV_STREAMS, &cursor);
    if (result == KV_OK)
        result = kv_seek(cursor, slice_of(from, sizeof from), &key, &value);
    while (result == KV_OK && !trim->more && key.len == STREAM_KEY_BYTES && memcmp(key.ptr, from, END_KEY_BYTES) == 0) {
        if (stream_record_decode(value, &record) < 0)
            result = KV_FATAL;
        else if (record.created_ms >= before_ms)
            break;
        else {
            trim->last = stream_number(key);
            bytes += value.len;
            trim->more = ++trim->count >= max || bytes >= TRIM_BYTES;
            result = kv_next(cursor, &key, &value);
        }
    }
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static enum kv_result remove_records(struct kv_txn *txn, uint32_t id, const struct trim *trim)
{
    unsigned char key[STREAM_KEY_BYTES];
    struct stream_end end;

    enum kv_result result = stream_open_end(txn, id, &end);
    if (result == KV_OK && (end.trimmed + trim->count != trim->last || end.last < trim->last))
        result = KV_FATAL; /* records have all numbers between the ends */
    for (uint64_t n = end.trimmed + 1; result == KV_OK && n <= trim->last; n++) {
        stream_key(key, id, n);
        result = kv_delete(txn, KV_STREAMS, slice_of(key, sizeof key));
    }
    end.trimmed = trim->last;
    return result == KV_OK ? stream_close_end(txn, &end) : result == KV_NOT_FOUND ? KV_FATAL : result;
}

enum kv_result stream_trim(struct kv *kv, uint32_t id, int64_t before_ms, size_t max, bool *left)
{
    struct kv_txn *txn;
    struct trim trim;

    *left = false;
    enum kv_result result = find_trim(kv, id, before_ms, max, &trim);
    if (result != KV_OK || trim.count == 0)
        return result;
    result = kv_begin(kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = remove_records(txn, id, &trim);
    if (result == KV_OK)
        result = kv_commit(&txn);
    kv_abort(&txn);
    *left = result == KV_OK && trim.more;
    return result;
}
