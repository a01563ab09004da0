/* describe.c - see describe.h. */
#include "worker/table/describe.h"

#include <stdio.h>
#include <xxhash.h>

#include "worker/table/answer.h"
#include "worker/table/arn.h"
#include "worker/table/catalog_row.h"
#include "worker/table/census.h"
#include "worker/table/spec.h"

/* An M in the making: members are counted as they are put. */
struct map {
    struct buf *out;
    size_t mark;
    uint32_t count;
};

static struct map open_map(struct buf *out) { return (struct map){out, mp_open(out), 0}; }
static void close_map(struct map *m) { mp_close_map(m->out, m->mark, m->count); }

static void name_member(struct map *m, const char *name)
{
    mp_put_text(m->out, name);
    m->count++;
}

static void put_text(struct map *m, const char *name, struct slice text)
{
    name_member(m, name);
    mp_put_slice(m->out, text);
}

static void put_int(struct map *m, const char *name, int64_t number)
{
    name_member(m, name);
    value_put_int(m->out, number);
}

static void put_time(struct map *m, const char *name, int64_t ms)
{
    describe_put_time(m->out, name, ms);
    m->count++;
}

static void put_arn(struct map *m, struct slice home, const char *name, struct slice table, const char *kind, struct slice leaf)
{
    arn_put_member(m->out, home, name, table, kind, leaf);
    m->count++;
}

/* A member as it is kept, if it is. */
static void put_kept(struct map *m, const struct value *from, const char *name)
{
    struct value v = value_map_get(from, slice_text(name));

    if (v.type == VALUE_NONE)
        return;
    name_member(m, name);
    mp_put_raw(m->out, v.encoded);
}

void describe_put_time(struct buf *out, const char *member, int64_t ms)
{
    char text[40];
    int len = snprintf(text, sizeof text, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));

    mp_put_text(out, member);
    value_put_number_text(out, text, (size_t)len, NULL);
}

void describe_uuid(uint32_t id, int64_t created_ms, struct slice name, char text[static DESCRIBE_UUID_BYTES])
{
    XXH128_hash_t h = XXH3_128bits_withSeed(name.ptr, name.len, (XXH64_hash_t)created_ms * 0x9E3779B97F4A7C15u + id);

    snprintf(text, DESCRIBE_UUID_BYTES, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(h.high64 >> 32),
             (unsigned)(h.high64 >> 16 & 0xFFFF), (unsigned)(h.high64 & 0xFFF), (unsigned)(0x8000 | (h.low64 >> 48 & 0x3FFF)),
             (unsigned long long)(h.low64 & 0xFFFFFFFFFFFFu));
}

/* -- Throughput ----------------------------------------------------------------------------------------------- */
static void put_throughput(struct map *m, const struct value *from)
{
    struct value kept = value_map_get(from, slice_text("ProvisionedThroughput"));
    int64_t up_ms = member_int(from, "Increased", 0), down_ms = member_int(from, "Decreased", 0);

    name_member(m, "ProvisionedThroughput");
    struct map t = open_map(m->out);
    if (up_ms > 0)
        put_time(&t, "LastIncreaseDateTime", up_ms);
    if (down_ms > 0)
        put_time(&t, "LastDecreaseDateTime", down_ms);
    put_int(&t, "NumberOfDecreasesToday", 0);
    put_int(&t, "ReadCapacityUnits", member_int(&kept, "ReadCapacityUnits", 0));
    put_int(&t, "WriteCapacityUnits", member_int(&kept, "WriteCapacityUnits", 0));
    close_map(&t);
}

static void put_billing(struct map *m, const struct table *table)
{
    const struct value *row = &table->described;
    int64_t changed_ms = member_int(row, "BillingChanged", 0);

    put_throughput(m, row);
    if (!spec_is_on_demand(row) && changed_ms == 0)
        return;
    name_member(m, "BillingModeSummary");
    struct map b = open_map(m->out);
    put_text(&b, "BillingMode", slice_text(spec_is_on_demand(row) ? "PAY_PER_REQUEST" : "PROVISIONED"));
    put_time(&b, "LastUpdateToPayPerRequestDateTime", changed_ms ? changed_ms : table->created_ms);
    close_map(&b);
}

/* -- Indexes -------------------------------------------------------------------------------------------------- */
static enum kv_result put_index(struct request *rq, struct buf *out, const struct table *table, const struct index *index)
{
    struct map m = open_map(out);
    struct census census;

    put_text(&m, "IndexName", index->name);
    put_kept(&m, &index->described, "KeySchema");
    put_kept(&m, &index->described, "Projection");
    if (!index->local) {
        put_text(&m, "IndexStatus", slice_text(index->state == INDEX_ACTIVE ? "ACTIVE" : "CREATING"));
        if (index->state == INDEX_CREATING) {
            name_member(&m, "Backfilling");
            mp_put_bool(out, true);
        }
        put_throughput(&m, &index->described);
        put_kept(&m, &index->described, "OnDemandThroughput");
        put_kept(&m, &index->described, "WarmThroughput");
    }
    enum kv_result result = census_read(rq->txn, index->id, &census);
    put_int(&m, "IndexSizeBytes", census.bytes);
    put_int(&m, "ItemCount", census.items);
    put_arn(&m, rq->t->home, "IndexArn", table->name, "index", index->name);
    close_map(&m);
    return result;
}

static enum kv_result put_indexes(struct request *rq, struct map *m, const struct table *table, bool local)
{
    enum kv_result result = KV_OK;
    uint32_t count = 0;

    for (uint32_t i = 0; i < table->index_count; i++)
        count += table->indexes[i].local == local;
    if (count == 0)
        return KV_OK;
    name_member(m, local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
    mp_put_array(m->out, count);
    for (uint32_t i = 0; i < table->index_count && result == KV_OK; i++)
        if (table->indexes[i].local == local)
            result = put_index(rq, m->out, table, &table->indexes[i]);
    return result;
}

/* -- The rest ------------------------------------------------------------------------------------------------- */
static void put_stream(struct map *m, struct slice home, const struct table *table)
{
    struct value stream = value_map_get(&table->described, slice_text("Stream"));
    char label[ARN_LABEL_BYTES];

    if (stream.type != VALUE_M)
        return;
    if (member_true(&stream, "On")) {
        name_member(m, "StreamSpecification");
        struct map s = open_map(m->out);
        name_member(&s, "StreamEnabled");
        mp_put_bool(m->out, true);
        put_text(&s, "StreamViewType", member_text(&stream, "View"));
        close_map(&s);
    }
    arn_label(member_int(&stream, "Label", 0), label);
    put_text(m, "LatestStreamLabel", slice_text(label));
    put_arn(m, home, "LatestStreamArn", table->name, "stream", slice_text(label));
}

static void put_class(struct map *m, const struct table *table)
{
    const struct value *row = &table->described;
    int64_t changed_ms = member_int(row, "ClassChanged", 0);

    if (member_text(row, "TableClass").len > 0) {
        name_member(m, "TableClassSummary");
        struct map c = open_map(m->out);
        put_text(&c, "TableClass", member_text(row, "TableClass"));
        if (changed_ms > 0)
            put_time(&c, "LastUpdateDateTime", changed_ms);
        close_map(&c);
    }
    name_member(m, "DeletionProtectionEnabled");
    mp_put_bool(m->out, member_true(row, "Protected"));
}

static enum kv_result put_description(struct request *rq, struct buf *out, const struct table *table, const char *status)
{
    struct map m = open_map(out);
    char uuid[DESCRIBE_UUID_BYTES];
    struct census census;

    if (!status)
        status = table->state == TABLE_ACTIVE ? "ACTIVE" : "CREATING";
    describe_uuid(table->id, table->created_ms, table->name, uuid);
    put_kept(&m, &table->described, "AttributeDefinitions");
    put_text(&m, "TableName", table->name);
    put_kept(&m, &table->described, "KeySchema");
    put_text(&m, "TableStatus", slice_text(status));
    put_time(&m, "CreationDateTime", table->created_ms);
    put_billing(&m, table);
    enum kv_result result = census_read(rq->txn, table->id, &census);
    put_int(&m, "TableSizeBytes", census.bytes);
    put_int(&m, "ItemCount", census.items);
    put_arn(&m, rq->t->home, "TableArn", table->name, NULL, slice_of(NULL, 0));
    put_text(&m, "TableId", slice_text(uuid));
    if (result == KV_OK)
        result = put_indexes(rq, &m, table, true);
    if (result == KV_OK)
        result = put_indexes(rq, &m, table, false);
    put_stream(&m, rq->t->home, table);
    put_kept(&m, &table->described, "RestoreSummary");
    put_kept(&m, &table->described, "SSEDescription");
    put_kept(&m, &table->described, "OnDemandThroughput");
    put_kept(&m, &table->described, "WarmThroughput");
    put_class(&m, table);
    close_map(&m);
    return result;
}

int describe_answer(struct request *rq, const char *member, const struct table *table, const char *status)
{
    answer_begin(rq->out);
    mp_put_map(rq->out, 1);
    mp_put_text(rq->out, member);
    enum kv_result result = put_description(rq, rq->out, table, status);
    return result == KV_OK ? 0 : request_store_failed(rq, result);
}
