/* control.c - see control.h. */
#include "worker/table/control.h"

#include <string.h>

#include "worker/table/arn.h"

struct value control_arg(const struct request *rq, const char *name)
{
    return value_map_get(&rq->op->payload, slice_text(name));
}

int control_table(struct request *rq, const struct table **table)
{
    struct slice given = member_text(&rq->op->payload, "TableName");
    struct arn arn;

    if (rq->table_name.len == 0)
        rq->table_name = arn_parse(given, &arn) && arn.kind.len == 0 ? arn.table : given;
    if (request_table_name(rq) < 0)
        return -1;
    *table = catalog_lookup(&rq->t->catalog, rq->table_name);
    if (*table)
        return 0;
    return err_set(&rq->err, ERR_TABLE_NOT_FOUND, "Requested resource not found: Table: %.*s not found",
                   (int)rq->table_name.len, (const char *)rq->table_name.ptr);
}

int control_active_table(struct request *rq, const struct table **table)
{
    if (control_table(rq, table) < 0)
        return -1;
    if ((*table)->state == TABLE_ACTIVE)
        return 0;
    return err_set(&rq->err, ERR_RESOURCE_IN_USE,
                   "Attempt to change a resource which is still in use: Table is being created: %.*s", (int)rq->table_name.len,
                   (const char *)rq->table_name.ptr);
}

int control_replace(struct request *rq, const struct edit *edit, const struct table **table)
{
    if (edit_failed(edit))
        return request_store_failed(rq, KV_NO_MEMORY);
    enum kv_result result = catalog_replace(&rq->t->catalog, rq->txn, rq->table_name, edit_map(edit).encoded);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    *table = catalog_lookup(&rq->t->catalog, rq->table_name);
    return *table ? 0 : request_store_failed(rq, KV_FATAL);
}

int control_count(struct request *rq, const char *name, int64_t max, int64_t absent, int64_t *count)
{
    struct value given = control_arg(rq, name);

    *count = absent;
    if (given.type == VALUE_NONE || (value_to_int(&given, count) && *count >= 1 && *count <= max))
        return 0;
    bool low = *count < 1;
    return err_set(&rq->err, ERR_VALIDATION,
                   "1 validation error detected: Value '%lld' at '%c%s' failed to satisfy constraint: Member must have value "
                   "%s than or equal to %lld",
                   (long long)*count, name[0] | 0x20, name + 1, low ? "greater" : "less", (long long)(low ? 1 : max));
}
