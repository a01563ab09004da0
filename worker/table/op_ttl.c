/* op_ttl.c - UpdateTimeToLive and DescribeTimeToLive. */
#include "common/limits.h"
#include "worker/table/answer.h"
#include "worker/table/control.h"
#include "worker/table/discard.h"
#include "worker/table/fill.h"

static int check_change(struct request *rq, const struct table *table, bool enable, struct slice attribute)
{
    bool same = slice_equal(table->expiry_attribute, attribute);

    if (attribute.len == 0 || attribute.len > LIMIT_KEY_NAME_BYTES)
        return err_set(&rq->err, ERR_VALIDATION,
                       "1 validation error detected: Value '%.*s' at 'timeToLiveSpecification.attributeName' failed to satisfy "
                       "constraint: Member must have length %s than or equal to %u",
                       (int)(attribute.len < 60 ? attribute.len : 60), (const char *)attribute.ptr,
                       attribute.len ? "less" : "greater", attribute.len ? LIMIT_KEY_NAME_BYTES : 1);
    if (table->expiry_id == 0)
        return enable ? 0 : err_set(&rq->err, ERR_VALIDATION, "TimeToLive is already disabled");
    if (!same)
        return err_set(&rq->err, ERR_VALIDATION,
                       "TimeToLive is active on a different AttributeName: current AttributeName is %.*s",
                       (int)table->expiry_attribute.len, (const char *)table->expiry_attribute.ptr);
    return enable ? err_set(&rq->err, ERR_VALIDATION, "TimeToLive is already enabled") : 0;
}

static enum kv_result enable(struct request *rq, const struct table *table, struct slice attribute, struct edit *edit)
{
    struct buf *out = edit_value(edit);
    bool empty = false;
    uint32_t id;

    enum kv_result result = catalog_take_id(rq->txn, &id);
    if (result == KV_OK)
        result = table_is_empty(rq->txn, table->id, &empty);
    if (result == KV_OK && !empty)
        result = fill_later(rq->txn, table->id, id);
    if (result != KV_OK)
        return result;
    mp_put_map(out, empty ? 2 : 3);
    mp_put_text(out, "Id");
    value_put_int(out, id);
    mp_put_text(out, "AttributeName");
    mp_put_slice(out, attribute);
    if (!empty) {
        mp_put_text(out, "State");
        value_put_int(out, INDEX_CREATING);
    }
    edit_set(edit, "Ttl");
    return KV_OK;
}

static int change(struct request *rq, const struct table *table, bool on, struct slice attribute)
{
    enum kv_result result;
    struct edit edit;

    edit_init(&edit, table->described.encoded);
    if (on)
        result = enable(rq, table, attribute, &edit);
    else {
        result = discard_later(rq->txn, table->expiry_id);
        edit_drop(&edit, "Ttl");
    }
    int done = result == KV_OK ? control_replace(rq, &edit, &table) : request_store_failed(rq, result);
    edit_finish(&edit);
    return done;
}

int op_ttl_update(struct request *rq)
{
    struct value given = control_arg(rq, "TimeToLiveSpecification"), on = value_map_get(&given, slice_text("Enabled"));
    struct slice attribute = member_text(&given, "AttributeName");
    const struct table *table;

    if (given.type != VALUE_M || on.type != VALUE_BOOL)
        return err_set(&rq->err, ERR_VALIDATION,
                       "1 validation error detected: Value null at 'timeToLiveSpecification%s' failed to satisfy constraint: "
                       "Member must not be null",
                       given.type == VALUE_M ? ".enabled" : "");
    if (control_active_table(rq, &table) < 0 || check_change(rq, table, on.truth, attribute) < 0 ||
        change(rq, table, on.truth, attribute) < 0)
        return -1;
    answer_begin(rq->out);
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, "TimeToLiveSpecification");
    mp_put_map(rq->out, 2);
    mp_put_text(rq->out, "Enabled");
    mp_put_bool(rq->out, on.truth);
    mp_put_text(rq->out, "AttributeName");
    mp_put_slice(rq->out, attribute);
    return 0;
}

int op_ttl_describe(struct request *rq)
{
    const struct table *table;

    if (control_table(rq, &table) < 0)
        return -1;
    struct value kept = value_map_get(&table->described, slice_text("Ttl"));
    bool filling = member_int(&kept, "State", INDEX_ACTIVE) != INDEX_ACTIVE, on = table->expiry_id > 0;
    answer_begin(rq->out);
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, "TimeToLiveDescription");
    mp_put_map(rq->out, on ? 2 : 1);
    mp_put_text(rq->out, "TimeToLiveStatus");
    mp_put_text(rq->out, !on ? "DISABLED" : filling ? "ENABLING" : "ENABLED");
    if (on) {
        mp_put_text(rq->out, "AttributeName");
        mp_put_slice(rq->out, table->expiry_attribute);
    }
    return 0;
}
