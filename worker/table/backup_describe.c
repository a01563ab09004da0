/* backup_describe.c - see backup_describe.h. */
#include "worker/table/backup_describe.h"

#include "worker/table/arn.h"
#include "worker/table/describe.h"
#include "worker/table/spec.h"

void backup_put_arn(struct buf *out, struct slice home, const struct backup_row *row)
{
    char leaf[BACKUP_LEAF_BYTES];

    backup_leaf(row, leaf);
    arn_put(out, home, member_text(&row->map, "TableName"), "backup", slice_text(leaf));
}

static void put_text(struct buf *out, const char *name, struct slice text)
{
    mp_put_text(out, name);
    mp_put_slice(out, text);
}

static void put_int(struct buf *out, const char *name, int64_t number)
{
    mp_put_text(out, name);
    value_put_int(out, number);
}

static struct value member(const struct value *map, const char *name) { return value_map_get(map, slice_text(name)); }

/* Six members. */
static void put_core(struct buf *out, struct slice home, const struct backup_row *row, const char *status)
{
    bool made = member_int(&row->map, "State", BACKUP_AVAILABLE) == BACKUP_AVAILABLE;
    char leaf[BACKUP_LEAF_BYTES];

    backup_leaf(row, leaf);
    arn_put_member(out, home, "BackupArn", member_text(&row->map, "TableName"), "backup", slice_text(leaf));
    put_text(out, "BackupName", member_text(&row->map, "Name"));
    put_text(out, "BackupStatus", slice_text(status ? status : made ? "AVAILABLE" : "CREATING"));
    put_text(out, "BackupType", slice_text("USER"));
    describe_put_time(out, "BackupCreationDateTime", member_int(&row->map, "Created", 0));
    put_int(out, "BackupSizeBytes", member_int(&row->map, "Bytes", 0));
}

void backup_put_details(struct buf *out, struct slice home, const struct backup_row *row, const char *status)
{
    mp_put_map(out, 6);
    put_core(out, home, row, status);
}

/* Three members: the table that was backed up. */
static void put_table_names(struct buf *out, struct slice home, const struct backup_row *row)
{
    struct slice name = member_text(&row->map, "TableName");
    struct value table = member(&row->map, "Row");
    char uuid[DESCRIBE_UUID_BYTES];

    describe_uuid((uint32_t)member_int(&table, "Id", 0), member_int(&table, "Created", 0), name, uuid);
    put_text(out, "TableName", name);
    put_text(out, "TableId", slice_text(uuid));
    arn_put_member(out, home, "TableArn", name, NULL, slice_of(NULL, 0));
}

void backup_put_summary(struct buf *out, struct slice home, const struct backup_row *row)
{
    mp_put_map(out, 9);
    put_table_names(out, home, row);
    put_core(out, home, row, NULL);
}

static void put_units(struct buf *out, const struct value *from)
{
    struct value throughput = member(from, "ProvisionedThroughput");

    mp_put_text(out, "ProvisionedThroughput");
    mp_put_map(out, 2);
    put_int(out, "ReadCapacityUnits", member_int(&throughput, "ReadCapacityUnits", 0));
    put_int(out, "WriteCapacityUnits", member_int(&throughput, "WriteCapacityUnits", 0));
}

static void put_source(struct buf *out, struct slice home, const struct backup_row *row)
{
    struct value table = member(&row->map, "Row"), keys = member(&table, "KeySchema");

    mp_put_text(out, "SourceTableDetails");
    mp_put_map(out, 9);
    put_table_names(out, home, row);
    put_int(out, "TableSizeBytes", member_int(&row->map, "Bytes", 0));
    mp_put_text(out, "KeySchema");
    mp_put_raw(out, keys.encoded);
    describe_put_time(out, "TableCreationDateTime", member_int(&table, "Created", 0));
    put_units(out, &table);
    put_int(out, "ItemCount", member_int(&row->map, "Items", 0));
    put_text(out, "BillingMode", slice_text(spec_is_on_demand(&table) ? "PAY_PER_REQUEST" : "PROVISIONED"));
}

static uint32_t put_indexes(struct buf *out, const struct value *table, bool local)
{
    struct value list = member(table, "Indexes"), one;
    struct value_walk walk = value_walk_of(&list);
    uint32_t count = 0;

    if (list.type != VALUE_L)
        return 0;
    mp_put_text(out, local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
    size_t mark = mp_open(out);
    while (value_walk_next(&walk, NULL, &one)) {
        struct value keys = member(&one, "KeySchema"), projection = member(&one, "Projection");
        if (member_true(&one, "Local") != local)
            continue;
        mp_put_map(out, local ? 3 : 4);
        put_text(out, "IndexName", member_text(&one, "IndexName"));
        mp_put_text(out, "KeySchema");
        mp_put_raw(out, keys.encoded);
        mp_put_text(out, "Projection");
        mp_put_raw(out, projection.encoded);
        if (!local)
            put_units(out, &one);
        count++;
    }
    mp_close_array(out, mark, count);
    return 1;
}

static void put_features(struct buf *out, const struct backup_row *row)
{
    struct value table = member(&row->map, "Row"), stream = member(&table, "Stream"), expiry = member(&table, "Ttl"),
                 encryption = member(&table, "SSEDescription");
    uint32_t members = 0;

    mp_put_text(out, "SourceTableFeatureDetails");
    size_t mark = mp_open(out);
    members += put_indexes(out, &table, true);
    members += put_indexes(out, &table, false);
    if (member_true(&stream, "On")) {
        mp_put_text(out, "StreamDescription");
        mp_put_map(out, 2);
        mp_put_text(out, "StreamEnabled");
        mp_put_bool(out, true);
        put_text(out, "StreamViewType", member_text(&stream, "View"));
        members++;
    }
    if (expiry.type == VALUE_M) {
        mp_put_text(out, "TimeToLiveDescription");
        mp_put_map(out, 2);
        put_text(out, "TimeToLiveStatus", slice_text("ENABLED"));
        put_text(out, "AttributeName", member_text(&expiry, "AttributeName"));
        members++;
    }
    if (encryption.type == VALUE_M) {
        mp_put_text(out, "SSEDescription");
        mp_put_raw(out, encryption.encoded);
        members++;
    }
    mp_close_map(out, mark, members);
}

void backup_put_description(struct buf *out, struct slice home, const struct backup_row *row, const char *status)
{
    mp_put_map(out, 3);
    mp_put_text(out, "BackupDetails");
    backup_put_details(out, home, row, status);
    put_source(out, home, row);
    put_features(out, row);
}
