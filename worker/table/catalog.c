/* catalog.c - reading and changing the catalog (see catalog.h). */
#include "worker/table/catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "worker/table/catalog_rows.h"

#define ROW_PREFIX "table:"
#define VERSION_KEY "tables:version"
#define NEXT_ID_KEY "tables:next-id"

void catalog_init(struct catalog *c)
{
    memset(c, 0, sizeof *c);
    buf_init(&c->rows);
    buf_init(&c->published);
}

void catalog_finish(struct catalog *c)
{
    free(c->tables);
    buf_finish(&c->rows);
    buf_finish(&c->published);
    memset(c, 0, sizeof *c);
}

/* -- Numbers in the store ------------------------------------------------------------------------------------- */
static enum kv_result read_number(struct kv_txn *txn, const char *key, bool for_update, uint64_t *number)
{
    struct buf b;

    buf_init(&b);
    *number = 0;
    enum kv_result result = kv_get(txn, KV_META, slice_text(key), for_update, &b);
    if (result == KV_OK && b.len > 8)
        result = KV_FATAL;
    for (size_t i = 0; result == KV_OK && i < b.len; i++)
        *number = *number << 8 | b.data[i];
    buf_finish(&b);
    return result == KV_NOT_FOUND ? KV_OK : result;
}

static enum kv_result write_number(struct kv_txn *txn, const char *key, size_t width, uint64_t number)
{
    unsigned char bytes[8];

    for (size_t i = width; i-- > 0; number >>= 8)
        bytes[i] = (unsigned char)number;
    return kv_put(txn, KV_META, slice_text(key), slice_of(bytes, width), KV_SET);
}

/* -- Rows ----------------------------------------------------------------------------------------------------- */
static void encode_row(struct buf *out, const struct table *t)
{
    mp_put_array(out, 7);
    mp_put_uint(out, t->id);
    mp_put_int(out, t->created_ms);
    mp_put_str(out, (const char *)t->schema.partition_name.ptr, t->schema.partition_name.len);
    mp_put_uint(out, t->schema.partition_type);
    mp_put_str(out, (const char *)t->schema.sort_name.ptr, t->schema.sort_name.len);
    mp_put_uint(out, t->schema.sort_type);
    mp_put_uint(out, TABLE_ACTIVE);
}

static bool decode_row(struct slice row, struct table *t)
{
    struct mp_reader r = mp_reader_of(row);

    mp_array_exact(&r, 7);
    t->id = (uint32_t)mp_uint(&r, UINT32_MAX);
    t->created_ms = mp_int(&r);
    t->schema.partition_name = mp_str(&r, LIMIT_KEY_NAME_BYTES);
    t->schema.partition_type = (enum value_type)mp_uint(&r, VALUE_B);
    t->schema.sort_name = mp_str(&r, LIMIT_KEY_NAME_BYTES);
    t->schema.sort_type = (enum value_type)mp_uint(&r, VALUE_NONE);
    mp_uint(&r, TABLE_ACTIVE);
    bool sorted = t->schema.sort_name.len > 0;
    return mp_at_end(&r) && t->id > 0 && t->schema.partition_name.len > 0 && (!sorted || t->schema.sort_type <= VALUE_B) &&
           utf8_valid(t->schema.partition_name) && utf8_valid(t->schema.sort_name);
}

/* Copies all rows as [name str, row bin] pairs; they are decoded when the buffer no longer moves. */
static enum kv_result read_rows(struct catalog *c, struct kv_txn *txn, uint32_t *count)
{
    const struct slice prefix = slice_text(ROW_PREFIX);
    struct kv_cursor *cursor;
    struct slice key, value;

    enum kv_result result = kv_cursor_open(txn, KV_META, &cursor);
    if (result != KV_OK)
        return result;
    result = kv_seek(cursor, prefix, &key, &value);
    while (result == KV_OK && key.len > prefix.len && memcmp(key.ptr, prefix.ptr, prefix.len) == 0) {
        mp_put_str(&c->rows, (const char *)key.ptr + prefix.len, key.len - prefix.len);
        mp_put_bin(&c->rows, value.ptr, value.len);
        (*count)++;
        result = kv_next(cursor, &key, &value);
    }
    kv_cursor_close(&cursor);
    if (result != KV_OK && result != KV_NOT_FOUND)
        return result;
    return buf_failed(&c->rows) ? KV_NO_MEMORY : KV_OK;
}

static enum kv_result decode_rows(struct catalog *c, uint32_t count)
{
    struct mp_reader r = mp_reader_of(buf_slice(&c->rows));

    if (count > c->cap) {
        struct table *tables = realloc(c->tables, count * sizeof *tables);
        if (!tables)
            return KV_NO_MEMORY;
        c->tables = tables;
        c->cap = count;
    }
    buf_reset(&c->published);
    size_t mark = mp_open(&c->published);
    for (c->count = 0; c->count < count; c->count++) {
        struct table *t = &c->tables[c->count];
        t->name = mp_str(&r, LIMIT_TABLE_NAME_MAX);
        if (!decode_row(mp_bin(&r, UINT16_MAX), t) || r.failed || !utf8_valid(t->name))
            return KV_FATAL;
        catalog_put(&c->published, t->name, &t->schema);
    }
    mp_close_map(&c->published, mark, count);
    return buf_failed(&c->published) ? KV_NO_MEMORY : KV_OK;
}

static enum kv_result load(struct catalog *c, struct kv_txn *txn, uint64_t version)
{
    uint32_t count = 0;

    c->loaded = false;
    c->count = 0;
    buf_reset(&c->rows);
    enum kv_result result = read_rows(c, txn, &count);
    if (result == KV_OK)
        result = decode_rows(c, count);
    if (result != KV_OK) {
        c->count = 0;
        return result;
    }
    c->version = version;
    c->loaded = true;
    return KV_OK;
}

enum kv_result catalog_refresh(struct catalog *c, struct kv_txn *txn, bool *changed)
{
    uint64_t version;

    enum kv_result result = read_number(txn, VERSION_KEY, false, &version);
    if (result != KV_OK)
        return result;
    if (c->loaded && !c->tentative && version == c->version)
        return KV_OK;
    result = load(c, txn, version);
    if (result != KV_OK)
        return result;
    c->tentative = false;
    if (changed)
        *changed = true;
    return KV_OK;
}

static int compare_name(const void *key, const void *entry)
{
    return slice_compare(*(const struct slice *)key, ((const struct table *)entry)->name);
}

const struct table *catalog_lookup(const struct catalog *c, struct slice name)
{
    return c->count ? bsearch(&name, c->tables, c->count, sizeof *c->tables, compare_name) : NULL;
}

/* -- Changes -------------------------------------------------------------------------------------------------- */
void catalog_row_key(struct buf *out, struct slice name)
{
    buf_text(out, ROW_PREFIX);
    buf_append(out, name.ptr, name.len);
}

enum kv_result catalog_bump_version(struct catalog *c, struct kv_txn *txn)
{
    uint64_t version;

    enum kv_result result = read_number(txn, VERSION_KEY, true, &version);
    if (result == KV_OK)
        result = write_number(txn, VERSION_KEY, 8, version + 1);
    if (result == KV_OK) {
        c->tentative = true;
        result = load(c, txn, version + 1);
    }
    return result;
}

static enum kv_result insert_row(struct kv_txn *txn, struct slice name, const struct key_schema *schema)
{
    struct buf key, row;
    uint64_t id;

    buf_init(&key);
    buf_init(&row);
    enum kv_result result = read_number(txn, NEXT_ID_KEY, true, &id);
    if (result == KV_OK && id >= UINT32_MAX)
        result = KV_FATAL;
    if (id == 0)
        id = 1;
    if (result == KV_OK)
        result = write_number(txn, NEXT_ID_KEY, 4, id + 1);
    struct table t = {.name = name, .schema = *schema, .id = (uint32_t)id, .created_ms = clock_wall_ms()};
    catalog_row_key(&key, name);
    encode_row(&row, &t);
    if (result == KV_OK && (buf_failed(&key) || buf_failed(&row)))
        result = KV_NO_MEMORY;
    if (result == KV_OK)
        result = kv_put(txn, KV_META, buf_slice(&key), buf_slice(&row), KV_NEW);
    buf_finish(&key);
    buf_finish(&row);
    return result;
}

enum kv_result catalog_create(struct catalog *c, struct kv_txn *txn, struct slice name, const struct key_schema *schema,
                              struct err *e)
{
    /* a published row: the names and a few bytes of headers and types */
    size_t row_max = name.len + schema->partition_name.len + schema->sort_name.len + 32;

    if (catalog_lookup(c, name)) {
        err_set(e, ERR_RESOURCE_IN_USE, "Table already exists: %.*s", (int)name.len, (const char *)name.ptr);
        return KV_OK;
    }
    if (c->count >= LIMIT_TABLES || c->published.len + row_max > LIMIT_CATALOG_BYTES) {
        err_set(e, ERR_LIMIT_EXCEEDED, "The store has the maximum number of tables: %u, or %u bytes of their names and keys",
                LIMIT_TABLES, LIMIT_CATALOG_BYTES);
        return KV_OK;
    }
    enum kv_result result = insert_row(txn, name, schema);
    if (result == KV_EXISTS) /* the cache said that there is none */
        result = KV_FATAL;
    return result == KV_OK ? catalog_bump_version(c, txn) : result;
}
