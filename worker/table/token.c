/* token.c - see token.h. */
#include "worker/table/token.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

#include "common/limits.h"

#define WINDOW_BYTES 8u
#define KEY_BYTES (WINDOW_BYTES + TOKEN_DIGEST_BYTES)
#define ROW_BYTES (TOKEN_DIGEST_BYTES + 8u)

static void put_u64(unsigned char *to, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        to[i] = (unsigned char)number;
}

static uint64_t get_u64(const unsigned char *from)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | from[i];
    return number;
}

/* -- Digests -------------------------------------------------------------------------------------------------- */
static XXH128_hash_t digest_of(const struct value *v, int depth);

static XXH128_hash_t mix(XXH128_hash_t first, XXH128_hash_t second)
{
    const XXH128_hash_t pair[2] = {first, second};
    return XXH3_128bits(pair, sizeof pair);
}

/* Pairs of a map are added up, so that their order is nothing; elements of a list are chained. */
static XXH128_hash_t digest_container(const struct value *v, int depth)
{
    struct value_walk walk = value_walk_of(v);
    XXH128_hash_t sum = {v->count, (uint64_t)v->type};
    struct slice name;
    struct value element;

    while (value_walk_next(&walk, &name, &element)) {
        XXH128_hash_t part = digest_of(&element, depth + 1);
        if (v->type == VALUE_L) {
            sum = mix(sum, part);
            continue;
        }
        part = mix(XXH3_128bits(name.ptr, name.len), part);
        sum.low64 += part.low64;
        sum.high64 += part.high64;
    }
    return sum;
}

static XXH128_hash_t digest_of(const struct value *v, int depth)
{
    if (depth <= LIMIT_MSGPACK_DEPTH && (v->type == VALUE_L || v->type == VALUE_M))
        return digest_container(v, depth);
    if (v->type == VALUE_BOOL)
        return XXH3_128bits_withSeed(&v->truth, sizeof v->truth, (uint64_t)v->type);
    return XXH3_128bits_withSeed(v->bytes.ptr, v->bytes.len, (uint64_t)v->type);
}

void token_digest(const struct value *request, unsigned char digest[static TOKEN_DIGEST_BYTES])
{
    XXH128_hash_t hash = digest_of(request, 0);

    put_u64(digest, hash.high64);
    put_u64(digest + 8, hash.low64);
}

/* -- Rows ----------------------------------------------------------------------------------------------------- */
static void row_key(unsigned char key[static KEY_BYTES], int64_t now_ms, int back, struct slice token)
{
    XXH128_hash_t hash = XXH3_128bits(token.ptr, token.len);

    put_u64(key, (uint64_t)(now_ms / LIMIT_TOKEN_MS - back));
    put_u64(key + WINDOW_BYTES, hash.high64);
    put_u64(key + WINDOW_BYTES + 8, hash.low64);
}

enum kv_result token_find(struct kv_txn *txn, int64_t now_ms, struct slice token, const unsigned char *digest, bool *known,
                          bool *same)
{
    unsigned char key[KEY_BYTES];
    struct buf row;
    enum kv_result result = KV_OK;

    buf_init(&row);
    *known = *same = false;
    for (int back = 0; back < 2 && result == KV_OK && !*known; back++) {
        buf_reset(&row);
        row_key(key, now_ms, back, token);
        result = kv_get(txn, KV_TOKENS, slice_of(key, sizeof key), true, &row);
        if (result == KV_OK && row.len != ROW_BYTES)
            result = KV_FATAL;
        if (result == KV_OK) {
            *known = now_ms - (int64_t)get_u64(row.data + TOKEN_DIGEST_BYTES) <= LIMIT_TOKEN_MS;
            *same = *known && memcmp(row.data, digest, TOKEN_DIGEST_BYTES) == 0;
        } else if (result == KV_NOT_FOUND) {
            result = KV_OK;
        }
    }
    buf_finish(&row);
    return result;
}

enum kv_result token_put(struct kv_txn *txn, int64_t now_ms, struct slice token, const unsigned char *digest)
{
    unsigned char key[KEY_BYTES], row[ROW_BYTES];

    row_key(key, now_ms, 0, token);
    memcpy(row, digest, TOKEN_DIGEST_BYTES);
    put_u64(row + TOKEN_DIGEST_BYTES, (uint64_t)now_ms);
    return kv_put(txn, KV_TOKENS, slice_of(key, sizeof key), slice_of(row, sizeof row), KV_SET);
}

/* -- Sweeping ------------------------------------------------------------------------------------------------- */
/* Collects the keys of old rows, one behind the other. */
static enum kv_result collect_old(struct kv_txn *txn, int64_t now_ms, size_t max, struct buf *keys, bool *left)
{
    struct kv_cursor *cursor;
    struct slice key, row;
    size_t count = 0;
    uint64_t first_kept = (uint64_t)(now_ms / LIMIT_TOKEN_MS - 1);
    enum kv_result result = kv_cursor_open(txn, KV_TOKENS, &cursor);

    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, slice_of("\0", 1), &key, &row);
    for (; result == KV_OK && key.len == KEY_BYTES && get_u64(key.ptr) < first_kept; result = kv_next(cursor, &key, &row)) {
        if (count++ == max) {
            *left = true;
            break;
        }
        buf_append(keys, key.ptr, key.len);
    }
    kv_cursor_close(&cursor);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static enum kv_result sweep_rows(struct kv_txn *txn, int64_t now_ms, size_t max, struct buf *keys, bool *left)
{
    enum kv_result result = collect_old(txn, now_ms, max, keys, left);

    if (result == KV_OK && buf_failed(keys))
        return KV_NO_MEMORY;
    for (size_t at = 0; at < keys->len && result == KV_OK; at += KEY_BYTES)
        result = kv_delete(txn, KV_TOKENS, slice_of(keys->data + at, KEY_BYTES));
    return result;
}

enum kv_result token_sweep(struct kv *kv, int64_t now_ms, size_t max, bool *left)
{
    struct kv_txn *txn;
    struct buf keys;

    *left = false;
    enum kv_result result = kv_begin(kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    buf_init(&keys);
    result = sweep_rows(txn, now_ms, max, &keys, left);
    if (result == KV_OK && keys.len > 0)
        result = kv_commit(&txn);
    kv_abort(&txn);
    buf_finish(&keys);
    return result;
}
