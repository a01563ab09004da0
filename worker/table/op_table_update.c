/* op_table_update.c - UpdateTable: billing, streams, encryption, class, protection; indexes are in update_indexes.c. */
#include "worker/table/control.h"
#include "worker/table/describe.h"
#include "worker/table/spec.h"
#include "worker/table/stream_list.h"
#include "worker/table/update_indexes.h"

#define INVALID "One or more parameter values were invalid: "

static bool given(const struct request *rq, const char *name) { return control_arg(rq, name).type != VALUE_NONE; }

static int check_anything(struct request *rq)
{
    static const char *const names[] = {"ProvisionedThroughput", "BillingMode",   "StreamSpecification",
                                        "SSESpecification",      "TableClass",    "DeletionProtectionEnabled",
                                        "OnDemandThroughput",    "WarmThroughput"};
    struct value updates = control_arg(rq, "GlobalSecondaryIndexUpdates");

    if (given(rq, "ReplicaUpdates"))
        return err_set(&rq->err, ERR_VALIDATION, INVALID "ReplicaUpdates: this store has one region");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (given(rq, names[i]))
            return 0;
    if (updates.type == VALUE_L && updates.count > 0)
        return 0;
    return err_set(&rq->err, ERR_VALIDATION,
                   "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
                   "SSESpecification or ReplicaUpdates is required");
}

/* -- Billing -------------------------------------------------------------------------------------------------- */
static int unchanged(struct request *rq, int64_t reads, int64_t writes)
{
    return err_set(
        &rq->err, ERR_VALIDATION,
        "The provisioned throughput for the table will not change. The requested value equals the current value. "
        "Current ReadCapacityUnits provisioned for the table: %lld. Requested ReadCapacityUnits: %lld. Current "
        "WriteCapacityUnits provisioned for the table: %lld. Requested WriteCapacityUnits: %lld. Refer to the Amazon "
        "DynamoDB Developer Guide for current limits and how to request higher limits.",
        (long long)reads, (long long)reads, (long long)writes, (long long)writes);
}

static int set_throughput(struct request *rq, struct edit *row, const struct value *asked, bool switched)
{
    struct value map = edit_map(row), is = value_map_get(&map, slice_text("ProvisionedThroughput"));
    int64_t reads = member_int(&is, "ReadCapacityUnits", 0), writes = member_int(&is, "WriteCapacityUnits", 0);
    int64_t new_reads = member_int(asked, "ReadCapacityUnits", 0), new_writes = member_int(asked, "WriteCapacityUnits", 0);

    if (spec_check_throughput(asked, NULL, 0, &rq->err) < 0)
        return -1;
    if (!switched && reads == new_reads && writes == new_writes)
        return unchanged(rq, reads, writes);
    if (new_reads > reads || new_writes > writes)
        edit_set_int(row, "Increased", rq->t->now_ms);
    if (new_reads < reads || new_writes < writes)
        edit_set_int(row, "Decreased", rq->t->now_ms);
    edit_set_raw(row, "ProvisionedThroughput", asked->encoded);
    return 0;
}

static int update_billing(struct request *rq, struct edit *row)
{
    struct value map = edit_map(row), mode = control_arg(rq, "BillingMode"), asked = control_arg(rq, "ProvisionedThroughput");
    bool was_on_demand = spec_is_on_demand(&map),
         on_demand = mode.type == VALUE_S ? spec_is_on_demand(&rq->op->payload) : was_on_demand;

    if (on_demand && asked.type == VALUE_M)
        return err_set(&rq->err, ERR_VALIDATION,
                       INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                               "PAY_PER_REQUEST");
    if (was_on_demand && !on_demand && asked.type != VALUE_M)
        return err_set(&rq->err, ERR_VALIDATION,
                       INVALID
                       "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    if (mode.type == VALUE_S)
        edit_set_raw(row, "BillingMode", mode.encoded);
    if (on_demand && !was_on_demand) {
        edit_set_int(row, "BillingChanged", rq->t->now_ms);
        edit_drop(row, "ProvisionedThroughput");
    }
    return asked.type == VALUE_M ? set_throughput(rq, row, &asked, was_on_demand && !on_demand) : 0;
}

/* -- Streams and the rest ------------------------------------------------------------------------------------- */
static int update_stream(struct request *rq, const struct table *table, struct edit *row)
{
    struct value spec = control_arg(rq, "StreamSpecification");
    bool enabled;

    if (spec.type != VALUE_M)
        return 0;
    if (spec_check_stream(&spec, &enabled, &rq->err) < 0)
        return -1;
    if (enabled && table->stream_id > 0)
        return err_set(&rq->err, ERR_VALIDATION, "Table already has an enabled stream: TableName: %.*s", (int)table->name.len,
                       (const char *)table->name.ptr);
    if (!enabled && table->stream_id == 0)
        return err_set(&rq->err, ERR_VALIDATION, "Table has no stream to disable: TableName: %.*s", (int)table->name.len,
                       (const char *)table->name.ptr);
    enum kv_result result =
        enabled ? stream_switch_on(rq->txn, table->name, row, member_text(&spec, "StreamViewType"), rq->t->now_ms)
                : stream_switch_off(rq->txn, row, rq->t->now_ms);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}

static int update_rest(struct request *rq, struct edit *row)
{
    static const char *const kept[] = {"OnDemandThroughput", "WarmThroughput"};
    struct value encryption = control_arg(rq, "SSESpecification"), class = control_arg(rq, "TableClass"),
                 protection = control_arg(rq, "DeletionProtectionEnabled");

    if (encryption.type == VALUE_M && spec_set_encryption(row, &encryption, rq->t->home, &rq->err) < 0)
        return -1;
    if (class.type == VALUE_S) {
        edit_set_raw(row, "TableClass", class.encoded);
        edit_set_int(row, "ClassChanged", rq->t->now_ms);
    }
    if (protection.type == VALUE_BOOL)
        edit_set_true(row, "Protected", protection.truth);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct value v = control_arg(rq, kept[i]);
        if (v.type == VALUE_M)
            edit_set_raw(row, kept[i], v.encoded);
    }
    return 0;
}

static int update(struct request *rq, const struct table *table, struct edit *row)
{
    bool filling = false;

    /* what may be refused comes before what writes */
    if (update_billing(rq, row) < 0 || update_rest(rq, row) < 0 || update_indexes_check(rq, table, row) < 0 ||
        update_stream(rq, table, row) < 0 || update_indexes(rq, table, row, &filling) < 0 ||
        control_replace(rq, row, &table) < 0)
        return -1;
    return describe_answer(rq, "TableDescription", table, filling ? "UPDATING" : NULL);
}

int op_table_update(struct request *rq)
{
    const struct table *table;
    struct edit row;

    if (check_anything(rq) < 0 || control_active_table(rq, &table) < 0)
        return -1;
    edit_init(&row, table->described.encoded);
    int result = update(rq, table, &row);
    edit_finish(&row);
    return result;
}
