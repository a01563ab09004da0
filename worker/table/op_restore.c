/* op_restore.c - RestoreTableFromBackup: a new table with the keys and indexes of an old one; its items come in the background. */
#include "worker/table/arn.h"
#include "worker/table/backup_describe.h"
#include "worker/table/control.h"
#include "worker/table/describe.h"
#include "worker/table/spec.h"

#define INVALID "One or more parameter values were invalid: "

/* An override may leave out indexes, not add or change any. */
static int check_override(struct request *rq, const struct value *list, const struct value *indexes, bool local)
{
    struct value_walk walk = value_walk_of(list);
    struct value one, other;

    while (list->type == VALUE_L && value_walk_next(&walk, NULL, &one)) {
        struct slice name = member_text(&one, "IndexName");
        struct value keys = value_map_get(&one, slice_text("KeySchema"));
        struct value_walk others = value_walk_of(indexes);
        bool same = false;
        while (indexes->type == VALUE_L && value_walk_next(&others, NULL, &other)) {
            struct value other_keys = value_map_get(&other, slice_text("KeySchema"));
            same |= slice_equal(member_text(&other, "IndexName"), name) && member_true(&other, "Local") == local &&
                    value_equal(&other_keys, &keys);
        }
        if (!same)
            return err_set(&rq->err, ERR_VALIDATION, INVALID "The backup has no such index with such keys: %.*s", (int)name.len,
                           (const char *)name.ptr);
    }
    return 0;
}

/* Its own form in an override: what it is to have of throughput; VALUE_NONE if it is not to be restored. */
static struct value find_override(const struct value *list, struct slice name)
{
    struct value_walk walk = value_walk_of(list);
    struct value one;

    while (value_walk_next(&walk, NULL, &one))
        if (slice_equal(member_text(&one, "IndexName"), name))
            return one;
    return (struct value){.type = VALUE_NONE};
}

static void put_index(struct buf *out, const struct value *old, const struct value *override, uint32_t id, bool on_demand)
{
    struct value throughput = override->type == VALUE_M ? value_map_get(override, slice_text("ProvisionedThroughput"))
                                                        : value_map_get(old, slice_text("ProvisionedThroughput"));
    struct member changes[] = {{"Id", {NULL, 0}}, {"State", {NULL, 0}}, {"ProvisionedThroughput", {NULL, 0}}};
    struct buf number;

    buf_init(&number);
    value_put_int(&number, id);
    changes[0].value = buf_slice(&number);
    if (!on_demand && throughput.type == VALUE_M)
        changes[2].value = throughput.encoded;
    members_put(out, old, changes, 3);
    out->failed |= buf_failed(&number);
    buf_finish(&number);
}

static enum kv_result set_indexes(struct request *rq, struct edit *row)
{
    struct value local = control_arg(rq, "LocalSecondaryIndexOverride"),
                 global = control_arg(rq, "GlobalSecondaryIndexOverride"), map = edit_map(row),
                 list = value_map_get(&map, slice_text("Indexes")), one;
    bool on_demand = spec_is_on_demand(&map);
    struct value_walk walk = value_walk_of(&list);
    struct buf *out = edit_value(row);
    size_t mark = mp_open(out);
    uint32_t count = 0, id;
    enum kv_result result = KV_OK;

    while (list.type == VALUE_L && result == KV_OK && value_walk_next(&walk, NULL, &one)) {
        const struct value *overrides = member_true(&one, "Local") ? &local : &global;
        struct value override = {.type = VALUE_NONE};
        if (overrides->type == VALUE_L) {
            override = find_override(overrides, member_text(&one, "IndexName"));
            if (override.type == VALUE_NONE)
                continue;
        }
        result = catalog_take_id(rq->txn, &id);
        put_index(out, &one, &override, id, on_demand);
        count++;
    }
    mp_close_array(out, mark, count);
    edit_set(row, "Indexes");
    return result;
}

static int set_billing(struct request *rq, struct edit *row)
{
    struct value mode = control_arg(rq, "BillingModeOverride"), throughput = control_arg(rq, "ProvisionedThroughputOverride"),
                 map;

    if (mode.type == VALUE_S)
        edit_set_raw(row, "BillingMode", mode.encoded);
    if (throughput.type == VALUE_M)
        edit_set_raw(row, "ProvisionedThroughput", throughput.encoded);
    map = edit_map(row);
    if (spec_is_on_demand(&map) && throughput.type != VALUE_M)
        edit_drop(row, "ProvisionedThroughput");
    map = edit_map(row);
    return spec_check_billing(&map, &rq->err);
}

static void set_summary(struct request *rq, struct edit *row, const struct backup_row *backup)
{
    struct buf *out = edit_value(row);
    char leaf[BACKUP_LEAF_BYTES];

    backup_leaf(backup, leaf);
    mp_put_map(out, 4);
    arn_put_member(out, rq->t->home, "SourceBackupArn", member_text(&backup->map, "TableName"), "backup", slice_text(leaf));
    arn_put_member(out, rq->t->home, "SourceTableArn", member_text(&backup->map, "TableName"), NULL, slice_of(NULL, 0));
    describe_put_time(out, "RestoreDateTime", member_int(&backup->map, "Created", 0));
    mp_put_text(out, "RestoreInProgress");
    mp_put_bool(out, true);
    edit_set(row, "RestoreSummary");
}

/* What the new table does not take over from the old one: DynamoDB restores neither streams nor expiry nor protection. */
static int prepare(struct request *rq, struct edit *row, const struct backup_row *backup)
{
    static const char *const dropped[] = {"Stream", "Ttl", "Protected", "Backup", "Increased", "Decreased", "BillingChanged"};
    struct value encryption = control_arg(rq, "SSESpecificationOverride"),
                 on_demand = control_arg(rq, "OnDemandThroughputOverride");

    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        edit_drop(row, dropped[i]);
    edit_set_int(row, "State", TABLE_CREATING);
    edit_set_int(row, "Created", rq->t->now_ms);
    if (on_demand.type == VALUE_M)
        edit_set_raw(row, "OnDemandThroughput", on_demand.encoded);
    set_summary(rq, row, backup);
    if (encryption.type == VALUE_M && spec_set_encryption(row, &encryption, rq->t->home, &rq->err) < 0)
        return -1;
    return set_billing(rq, row);
}

static int restore(struct request *rq, struct edit *row, const struct backup_row *backup)
{
    const struct value none = {.type = VALUE_NONE};
    uint32_t id;

    enum kv_result result = catalog_take_id(rq->txn, &id);
    edit_set_int(row, "Id", id);
    if (result == KV_OK)
        result = set_indexes(rq, row);
    spec_set_definitions(row, &none); /* indexes that were left out may have used some alone */
    if (result == KV_OK && edit_failed(row))
        result = KV_NO_MEMORY;
    if (result == KV_OK)
        result = restore_begin(rq->txn, id, backup->id);
    if (result == KV_OK)
        result = catalog_insert(&rq->t->catalog, rq->txn, rq->table_name, edit_map(row).encoded);
    if (result != KV_OK)
        return request_store_failed(rq, result);
    const struct table *table = catalog_lookup(&rq->t->catalog, rq->table_name);
    return table ? describe_answer(rq, "TableDescription", table, NULL) : request_store_failed(rq, KV_FATAL);
}

static int check(struct request *rq, const struct backup_row *backup)
{
    struct value row = value_map_get(&backup->map, slice_text("Row")), indexes = value_map_get(&row, slice_text("Indexes")),
                 keys = value_map_get(&row, slice_text("KeySchema")), partition = value_list_get(&keys, 0),
                 sort = value_list_get(&keys, 1), local = control_arg(rq, "LocalSecondaryIndexOverride"),
                 global = control_arg(rq, "GlobalSecondaryIndexOverride");
    const struct key_schema names = {.partition_name = member_text(&partition, "AttributeName"),
                                     .sort_name = member_text(&sort, "AttributeName")};

    /* several tables may be made from one backup at a time */
    if (backup_check_made(rq, backup) < 0 || check_override(rq, &local, &indexes, true) < 0 ||
        check_override(rq, &global, &indexes, false) < 0)
        return -1;
    const struct table *there = catalog_lookup(&rq->t->catalog, rq->table_name);
    if (there && there->state == TABLE_CREATING)
        return err_set(&rq->err, ERR_TABLE_IN_USE, "Table is being created: %.*s", (int)rq->table_name.len,
                       (const char *)rq->table_name.ptr);
    if (catalog_check_new(&rq->t->catalog, rq->table_name, &names, &rq->err) == 0)
        return 0;
    if (there)
        rq->err.code = ERR_TABLE_EXISTS;
    return -1;
}

int op_backup_restore(struct request *rq)
{
    struct backup_row backup = {.id = 0};
    struct edit row;
    int result = -1;

    rq->table_name = member_text(&rq->op->payload, "TargetTableName");
    if (request_table_name(rq) < 0)
        return -1;
    buf_init(&backup.bytes);
    if (backup_named(rq, &backup) == 0 && check(rq, &backup) == 0) {
        edit_init(&row, value_map_get(&backup.map, slice_text("Row")).encoded);
        result = prepare(rq, &row, &backup) < 0 ? -1 : restore(rq, &row, &backup);
        edit_finish(&row);
    }
    buf_finish(&backup.bytes);
    return result;
}
