/* catalog.c - reading and changing the catalog (see catalog.h). */
#include "worker/table/catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "worker/table/catalog_row.h"

#define ROW_PREFIX "table:"
#define VERSION_KEY "tables:version"
#define NEXT_ID_KEY "tables:next-id"

void catalog_init(struct catalog *c)
{
    memset(c, 0, sizeof *c);
    buf_init(&c->rows);
    buf_init(&c->published);
}

static void forget_tables(struct catalog *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        free(c->tables[i].indexes);
    c->count = 0;
}

void catalog_finish(struct catalog *c)
{
    forget_tables(c);
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
/* Copies all rows as pairs of name and M; they are decoded when the buffer no longer moves. */
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
        (*count)++;
        result = row_modernize(value, &c->rows) < 0 ? KV_FATAL : kv_next(cursor, &key, &value);
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
    while (c->count < count) {
        struct table *t = &c->tables[c->count++];
        t->indexes = NULL;
        t->name = mp_str(&r, LIMIT_TABLE_NAME_MAX);
        enum kv_result result = r.failed || !utf8_valid(t->name) ? KV_FATAL : row_decode(mp_skip(&r), t);
        if (result != KV_OK)
            return result;
        catalog_put(&c->published, t->name, &t->schema);
    }
    mp_close_map(&c->published, mark, count);
    return buf_failed(&c->published) ? KV_NO_MEMORY : KV_OK;
}

static enum kv_result load(struct catalog *c, struct kv_txn *txn, uint64_t version)
{
    uint32_t count = 0;

    c->loaded = false;
    c->staged_count = 0;
    c->staged_bytes = 0;
    forget_tables(c);
    buf_reset(&c->rows);
    enum kv_result result = read_rows(c, txn, &count);
    if (result == KV_OK)
        result = decode_rows(c, count);
    if (result != KV_OK) {
        forget_tables(c);
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

const struct table *catalog_by_id(const struct catalog *c, uint32_t id)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->tables[i].id == id)
            return &c->tables[i];
    return NULL;
}

/* -- Changes -------------------------------------------------------------------------------------------------- */
enum kv_result catalog_take_id(struct kv_txn *txn, uint32_t *id)
{
    uint64_t next;

    enum kv_result result = read_number(txn, NEXT_ID_KEY, true, &next);
    if (result == KV_OK && next >= UINT32_MAX)
        result = KV_FATAL;
    if (next == 0)
        next = 1;
    *id = (uint32_t)next;
    return result == KV_OK ? write_number(txn, NEXT_ID_KEY, 4, next + 1) : result;
}

enum kv_result catalog_publish(struct catalog *c, struct kv_txn *txn)
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

static void put_row_key(struct buf *out, struct slice name)
{
    buf_text(out, ROW_PREFIX);
    buf_append(out, name.ptr, name.len);
}

static enum kv_result put_row(struct kv_txn *txn, struct slice name, struct slice row, int flags)
{
    struct buf key;

    buf_init(&key);
    put_row_key(&key, name);
    enum kv_result result = buf_failed(&key) ? KV_NO_MEMORY : kv_put(txn, KV_META, buf_slice(&key), row, flags);
    buf_finish(&key);
    return result;
}

/* A published row: the names and a few bytes of headers and types. */
static size_t published_max(struct slice name, const struct key_schema *schema)
{
    return name.len + schema->partition_name.len + schema->sort_name.len + 32;
}

int catalog_check_new(const struct catalog *c, struct slice name, const struct key_schema *schema, struct err *e)
{
    size_t bytes = c->published.len + c->staged_bytes + published_max(name, schema);

    if (catalog_lookup(c, name))
        return err_set(e, ERR_RESOURCE_IN_USE, "Table already exists: %.*s", (int)name.len, (const char *)name.ptr);
    if (c->count + c->staged_count < LIMIT_TABLES && bytes <= LIMIT_CATALOG_BYTES)
        return 0;
    return err_set(e, ERR_LIMIT_EXCEEDED, "The store has the maximum number of tables: %u, or %u bytes of their names and keys",
                   LIMIT_TABLES, LIMIT_CATALOG_BYTES);
}

enum kv_result catalog_stage(struct catalog *c, struct kv_txn *txn, struct slice name, const struct key_schema *schema,
                             struct slice row)
{
    enum kv_result result = put_row(txn, name, row, KV_NEW);
    if (result != KV_OK)
        return result;
    c->tentative = true; /* so that an aborted transaction's rows are forgotten */
    c->staged_count++;
    c->staged_bytes += published_max(name, schema);
    return KV_OK;
}

enum kv_result catalog_insert(struct catalog *c, struct kv_txn *txn, struct slice name, struct slice row)
{
    enum kv_result result = put_row(txn, name, row, KV_NEW);
    if (result == KV_EXISTS) /* the cache said that there is none */
        result = KV_FATAL;
    return result == KV_OK ? catalog_publish(c, txn) : result;
}

enum kv_result catalog_replace(struct catalog *c, struct kv_txn *txn, struct slice name, struct slice row)
{
    enum kv_result result = put_row(txn, name, row, KV_SET);
    return result == KV_OK ? catalog_publish(c, txn) : result;
}

enum kv_result catalog_remove(struct catalog *c, struct kv_txn *txn, struct slice name)
{
    struct buf key;

    buf_init(&key);
    put_row_key(&key, name);
    enum kv_result result = buf_failed(&key) ? KV_NO_MEMORY : kv_delete(txn, KV_META, buf_slice(&key));
    buf_finish(&key);
    if (result == KV_NOT_FOUND) /* the cache said that there is one */
        result = KV_FATAL;
    return result == KV_OK ? catalog_publish(c, txn) : result;
}
