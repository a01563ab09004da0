/* table.c - the engine's calls: one table of operations, one way in and out of each (see table.h). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/aws.h"
#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/catalog_row.h"

#define ENSURE_TRIES 100 /* several workers start at once and may meet in the catalog */

struct tables *tables_create(struct kv *kv)
{
    struct tables *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->kv = kv;
    catalog_init(&t->catalog);
    arena_init(&t->arena, LIMIT_ARENA_BYTES);
    buf_init(&t->key);
    buf_init(&t->old);
    buf_init(&t->fresh);
    buf_init(&t->spare);
    for (size_t i = 0; i < sizeof t->scratch / sizeof *t->scratch; i++)
        buf_init(&t->scratch[i]);
    pending_init(&t->pending);
    return t;
}

void tables_destroy(struct tables **tables)
{
    struct tables *t = *tables;

    if (!t)
        return;
    catalog_finish(&t->catalog);
    arena_finish(&t->arena);
    buf_finish(&t->key);
    buf_finish(&t->old);
    buf_finish(&t->fresh);
    buf_finish(&t->spare);
    for (size_t i = 0; i < sizeof t->scratch / sizeof *t->scratch; i++)
        buf_finish(&t->scratch[i]);
    pending_finish(&t->pending);
    free(t);
    *tables = NULL;
}

/* -- The catalog ---------------------------------------------------------------------------------------------- */
enum kv_result tables_load(struct tables *t)
{
    struct kv_txn *txn;

    enum kv_result result = kv_begin(t->kv, KV_SNAPSHOT, &txn);
    if (result != KV_OK)
        return result;
    result = catalog_refresh(&t->catalog, txn, NULL);
    kv_abort(&txn);
    return result;
}

enum kv_result table_begin(struct tables *t, struct kv_txn *txn, int64_t now_ms, bool *changed)
{
    *changed = false;
    t->now_ms = now_ms;
    pending_reset(&t->pending); /* of a transaction that was aborted */
    return catalog_refresh(&t->catalog, txn, changed);
}

struct slice tables_catalog(const struct tables *t)
{
    static const unsigned char empty_map = 0x80;
    return t->catalog.published.len ? buf_slice(&t->catalog.published) : slice_of(&empty_map, 1);
}

static bool same_schema(const struct key_schema *a, const struct key_schema *b)
{
    return slice_equal(a->partition_name, b->partition_name) && a->partition_type == b->partition_type &&
           slice_equal(a->sort_name, b->sort_name) && (a->sort_name.len == 0 || a->sort_type == b->sort_type);
}

/* "id:S" or "id:S,at:N", cut to size. */
static void schema_text(const struct key_schema *schema, char *text, size_t size)
{
    int n = snprintf(text, size, "%.*s:%s", (int)(schema->partition_name.len < 60 ? schema->partition_name.len : 60),
                     (const char *)schema->partition_name.ptr, value_type_name(schema->partition_type));

    if (schema->sort_name.len && n > 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, ",%.*s:%s", (int)(schema->sort_name.len < 60 ? schema->sort_name.len : 60),
                 (const char *)schema->sort_name.ptr, value_type_name(schema->sort_type));
}

static int schema_differs(struct slice name, const struct key_schema *is, const struct key_schema *asked, struct err *e)
{
    char is_text[140], asked_text[140];

    schema_text(is, is_text, sizeof is_text);
    schema_text(asked, asked_text, sizeof asked_text);
    return err_set(e, ERR_RESOURCE_IN_USE, "table %.*s exists with the key %s, not %s", (int)(name.len < 100 ? name.len : 100),
                   (const char *)name.ptr, is_text, asked_text);
}

/* A new table is staged, and *table stays NULL unless it was staged before. */
static enum kv_result stage(struct tables *t, struct kv_txn *txn, struct slice name, const struct key_schema *schema,
                            const struct table **table)
{
    uint32_t id;

    enum kv_result result = catalog_take_id(txn, &id);
    if (result != KV_OK)
        return result;
    buf_reset(&t->fresh);
    row_put_simple(&t->fresh, id, t->now_ms, schema);
    if (buf_failed(&t->fresh))
        return KV_NO_MEMORY;
    result = catalog_stage(&t->catalog, txn, name, schema, buf_slice(&t->fresh));
    if (result != KV_EXISTS)
        return result;
    result = catalog_publish(&t->catalog, txn);
    *table = result == KV_OK ? catalog_lookup(&t->catalog, name) : NULL;
    return result;
}

static enum kv_result ensure_one(struct tables *t, struct kv_txn *txn, const char *spec, struct err *e)
{
    struct key_schema schema;
    enum kv_result result = KV_OK;
    struct slice name;

    if (table_spec_parse(spec, &name, &schema, e) < 0)
        return KV_OK;
    const struct table *table = catalog_lookup(&t->catalog, name);
    if (!table) {
        struct err refusal = {.code = ERR_NONE};
        catalog_check_new(&t->catalog, name, &schema, &refusal);
        result = stage(t, txn, name, &schema, &table);
        if (!table && refusal.code != ERR_NONE) /* it is new indeed, not named twice */
            *e = refusal;
    }
    if (table && !same_schema(&table->schema, &schema))
        schema_differs(name, &table->schema, &schema, e);
    return result;
}

static enum kv_result ensure_all(struct tables *t, char **specs, size_t count, int64_t now_ms, struct err *e)
{
    struct kv_txn *txn;
    bool changed;

    enum kv_result result = kv_begin(t->kv, KV_WRITE, &txn);
    if (result != KV_OK)
        return result;
    result = table_begin(t, txn, now_ms, &changed);
    for (size_t i = 0; i < count && result == KV_OK && e->code == ERR_NONE; i++)
        result = ensure_one(t, txn, specs[i], e);
    if (result == KV_OK && e->code == ERR_NONE && t->catalog.staged_count > 0)
        result = catalog_publish(&t->catalog, txn);
    if (result == KV_OK && e->code == ERR_NONE)
        return kv_commit(&txn);
    kv_abort(&txn);
    return result;
}

int tables_ensure(struct tables *t, char **specs, size_t count, int64_t now_ms, struct err *e)
{
    struct err reason = {.code = ERR_NONE};
    enum kv_result result = KV_RETRY;

    for (int i = 0; i < ENSURE_TRIES && result == KV_RETRY; i++)
        result = ensure_all(t, specs, count, now_ms, &reason);
    if (result == KV_OK && reason.code == ERR_NONE)
        result = tables_load(t);
    if (reason.code != ERR_NONE)
        return err_set(e, reason.code, "%s", reason.text);
    if (result != KV_OK)
        return err_set(e, result == KV_FULL ? ERR_DISK_FULL : ERR_INTERNAL, "creating the tables failed: %s",
                       kv_result_name(result));
    return 0;
}

enum kv_result table_end(struct tables *t, struct kv_txn *txn) { return pending_write(&t->pending, txn); }

size_t table_pending_bytes(const struct tables *t) { return pending_bytes(&t->pending); }

/* -- Operations ----------------------------------------------------------------------------------------------- */
static int (*const operations[OP_COUNT])(struct request *rq) = {
    [OP_CREATE] = op_put,
    [OP_READ] = op_get,
    [OP_UPDATE] = op_update,
    [OP_DELETE] = op_delete,
    [OP_LIST] = op_scan,
    [OP_ECHO] = op_echo,
    [OP_PING] = op_ping,
    [OP_TABLE_CREATE] = op_table_create,
    [OP_TABLE_DROP] = op_table_drop,
    [OP_TABLE_DESCRIBE] = op_table_describe,
    [OP_TABLE_LIST] = op_table_list,
    [OP_QUERY] = op_query,
    [OP_BATCH_READ] = op_batch_read,
    [OP_BATCH_WRITE] = op_batch_write,
    [OP_TRANSACT_READ] = op_transact_read,
    [OP_TRANSACT_WRITE] = op_transact_write,
    [OP_STATEMENT] = op_statement,
    [OP_STATEMENTS] = op_statements,
    [OP_STATEMENT_TRANSACTION] = op_statement_transaction,
    [OP_TABLE_UPDATE] = op_table_update,
    [OP_TTL_UPDATE] = op_ttl_update,
    [OP_TTL_DESCRIBE] = op_ttl_describe,
    [OP_TAG] = op_tag,
    [OP_UNTAG] = op_untag,
    [OP_TAGS] = op_tags,
    [OP_BACKUP_CREATE] = op_backup_create,
    [OP_BACKUP_DESCRIBE] = op_backup_describe,
    [OP_BACKUP_LIST] = op_backup_list,
    [OP_BACKUP_DELETE] = op_backup_delete,
    [OP_BACKUP_RESTORE] = op_backup_restore,
    [OP_STREAM_LIST] = op_stream_list,
    [OP_STREAM_DESCRIBE] = op_stream_describe,
    [OP_STREAM_ITERATOR] = op_stream_iterator,
    [OP_STREAM_RECORDS] = op_stream_records,
};

/* The outcome of an operation that failed for the user's reasons. */
static void put_failure(struct request *rq)
{
    if (rq->t->arena.full)
        err_set(&rq->err, ERR_VALIDATION, "The request's expressions need more than %u bytes of memory", LIMIT_ARENA_BYTES);
    assert(rq->err.code != ERR_NONE);
    if (rq->answer_item)
        answer_failed_item(rq->out, &rq->err, rq->old.encoded);
    else
        outcome_encode_err(rq->out, &rq->err);
}

enum kv_result table_apply(struct tables *t, struct kv_txn *txn, const struct op *op, struct buf *out)
{
    struct request rq;
    size_t begin = out->len, pending = pending_size(&t->pending);

    assert(t->catalog.loaded);
    arena_reset(&t->arena);
    t->home = op->home.len > 0 ? op->home : slice_text(AWS_HOME);
    request_init(&rq, t, txn, op, out);
    int result = operations[op->code]
                     ? operations[op->code](&rq)
                     : err_set(&rq.err, ERR_UNKNOWN_OPERATION, "The table engine has no such operation: %d", (int)op->code);
    if (result < 0) {
        out->len = begin;
        pending_cut(&t->pending, pending);
        if (t->arena.failed)
            rq.store = KV_NO_MEMORY;
        if (rq.store == KV_OK)
            put_failure(&rq);
    }
    if (rq.store == KV_OK && buf_failed(out))
        rq.store = KV_NO_MEMORY;
    assert(rq.store != KV_OK || out->len - begin <= LIMIT_CALL_ANSWER_BYTES);
    return rq.store;
}

bool table_changes_catalog(enum op_code code)
{
    static const bool changes[OP_COUNT] = {[OP_TABLE_CREATE] = true,   [OP_TABLE_DROP] = true,    [OP_TABLE_UPDATE] = true,
                                           [OP_TTL_UPDATE] = true,     [OP_BACKUP_CREATE] = true, [OP_BACKUP_DELETE] = true,
                                           [OP_BACKUP_RESTORE] = true, [OP_TAG] = true,           [OP_UNTAG] = true};

    return changes[code];
}

void table_sort_key(const struct tables *t, const struct op *op, struct buf *out)
{
    const struct table *table = op_needs_table(op->code) ? catalog_lookup(&t->catalog, op->table) : NULL;
    struct item_key key;

    if (!table || op->code > OP_DELETE || op->payload.type != VALUE_M)
        return;
    struct value map = value_map_get(&op->payload, slice_text(op->code == OP_CREATE ? "Item" : "Key"));
    if (map.type == VALUE_M && key_of_item(&table->schema, &map, &key, NULL) == 0)
        key_encode(out, table->id, &key);
}
