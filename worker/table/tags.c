/* tags.c - see tags.h. */
#include "worker/table/tags.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "worker/table/catalog_row.h"
#include "worker/table/chores.h"

#define TAGS_NAME "tags:"

/* -- Checks --------------------------------------------------------------------------------------------------- */
static size_t characters(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & 0xC0) != 0x80;
    return count;
}

static bool is_allowed(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i], lower = c | 0x20;
        if (c < 0x80 && !(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && !memchr(" +-=._:/@", c, 9))
            return false;
    }
    return true;
}

int tags_check(const struct value *list, struct err *e)
{
    struct value_walk walk = value_walk_of(list);
    struct value one;

    while (value_walk_next(&walk, NULL, &one)) {
        struct slice key = member_text(&one, "Key"), value = member_text(&one, "Value");
        if (key.len == 0 || characters(key) > LIMIT_TAG_KEY_CHARACTERS || characters(value) > LIMIT_TAG_VALUE_CHARACTERS)
            return err_set(e, ERR_VALIDATION,
                           "One or more parameter values were invalid: A tag has a key of 1 to %u and a "
                           "value of up to %u characters",
                           LIMIT_TAG_KEY_CHARACTERS, LIMIT_TAG_VALUE_CHARACTERS);
        if (!is_allowed(key) || !is_allowed(value))
            return err_set(e, ERR_VALIDATION,
                           "One or more parameter values were invalid: Tag keys and values may have letters, digits, blanks "
                           "and + - = . _ : / @ only");
        if (key.len >= 4 && memcmp(key.ptr, "aws:", 4) == 0)
            return err_set(e, ERR_VALIDATION,
                           "One or more parameter values were invalid: Tag keys that start with \"aws:\" are reserved");
    }
    return 0;
}

/* -- The row -------------------------------------------------------------------------------------------------- */
static enum kv_result read_tags(struct kv_txn *txn, uint32_t table_id, bool for_update, struct buf *out)
{
    static const unsigned char empty_map = 0x80;
    struct chore_key key = chore_key(TAGS_NAME, table_id);

    enum kv_result result = kv_get(txn, KV_META, chore_key_slice(&key), for_update, out);
    if (result != KV_NOT_FOUND)
        return result;
    return buf_append(out, &empty_map, 1) == 0 ? KV_OK : KV_NO_MEMORY;
}

enum kv_result tags_read(struct kv_txn *txn, uint32_t table_id, struct buf *out)
{
    return read_tags(txn, table_id, false, out);
}

static enum kv_result write_tags(struct kv_txn *txn, uint32_t table_id, const struct buf *tags)
{
    struct chore_key key = chore_key(TAGS_NAME, table_id);
    return buf_failed(tags) ? KV_NO_MEMORY : kv_put(txn, KV_META, chore_key_slice(&key), buf_slice(tags), KV_SET);
}

/* Is the tag among those of the request: a later one of the list, or for `list` of names a name? */
static bool is_named(const struct value *list, uint32_t from, struct slice key, bool names)
{
    for (uint32_t i = from; i < list->count; i++) {
        struct value one = value_list_get(list, i);
        if (slice_equal(names ? one.bytes : member_text(&one, "Key"), key))
            return true;
    }
    return false;
}

/* Copies what no element of list names; returns how many. */
static uint32_t copy_others(struct buf *out, const struct value *tags, const struct value *list, bool names)
{
    struct value_walk walk = value_walk_of(tags);
    struct slice key;
    struct value value;
    uint32_t count = 0;

    while (value_walk_next(&walk, &key, &value))
        if (!is_named(list, 0, key, names)) {
            mp_put_slice(out, key);
            mp_put_raw(out, value.encoded);
            count++;
        }
    return count;
}

enum kv_result tags_add(struct kv_txn *txn, uint32_t table_id, const struct value *list, uint32_t *count)
{
    struct buf old, fresh;

    buf_init(&old);
    buf_init(&fresh);
    enum kv_result result = read_tags(txn, table_id, true, &old);
    if (result == KV_OK) {
        struct value tags = value_of(buf_slice(&old));
        size_t mark = mp_open(&fresh);
        *count = copy_others(&fresh, &tags, list, false);
        for (uint32_t i = 0; i < list->count; i++) {
            struct value one = value_list_get(list, i), value = value_map_get(&one, slice_text("Value"));
            struct slice key = member_text(&one, "Key");
            if (is_named(list, i + 1, key, false)) /* the last one counts */
                continue;
            mp_put_slice(&fresh, key);
            mp_put_raw(&fresh, value.encoded);
            ++*count;
        }
        mp_close_map(&fresh, mark, *count);
        if (*count <= LIMIT_TAGS)
            result = write_tags(txn, table_id, &fresh);
    }
    buf_finish(&old);
    buf_finish(&fresh);
    return result;
}

enum kv_result tags_remove(struct kv_txn *txn, uint32_t table_id, const struct value *keys)
{
    struct buf old, fresh;

    buf_init(&old);
    buf_init(&fresh);
    enum kv_result result = read_tags(txn, table_id, true, &old);
    if (result == KV_OK) {
        struct value tags = value_of(buf_slice(&old));
        size_t mark = mp_open(&fresh);
        uint32_t count = copy_others(&fresh, &tags, keys, true);
        mp_close_map(&fresh, mark, count);
        result = write_tags(txn, table_id, &fresh);
    }
    buf_finish(&old);
    buf_finish(&fresh);
    return result;
}

enum kv_result tags_drop(struct kv_txn *txn, uint32_t table_id)
{
    struct chore_key key = chore_key(TAGS_NAME, table_id);

    enum kv_result result = kv_delete(txn, KV_META, chore_key_slice(&key));
    return result == KV_NOT_FOUND ? KV_OK : result;
}
