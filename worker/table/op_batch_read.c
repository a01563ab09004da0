/* op_batch_read.c - batch_get_item: items of several tables by their keys. What does not fit the answer stays unprocessed. */
#include <string.h>

#include "common/limits.h"
#include "worker/table/many.h"
#include "worker/table/read.h"

/* Stop there: one more item and what stays unprocessed still fit. */
#define ANSWER_STOP_BYTES (LIMIT_CALL_ANSWER_BYTES - LIMIT_ITEM_ENCODED_BYTES - 1024u * 1024u)

struct batch {
    struct request *parts; /* one a table */
    uint32_t count;
    struct value keys[LIMIT_BATCH_KEYS];  /* of all tables, one behind the other */
    uint32_t first[LIMIT_BATCH_KEYS + 1]; /* the keys of table i are first[i] to first[i + 1] */
    uint32_t done;                        /* keys processed */
    size_t bytes, begin;
    struct capacity_list capacity;
};

/* -- Arguments ------------------------------------------------------------------------------------------------ */
static int check_length(struct request *rq, struct slice table, uint32_t count)
{
    if (count >= 1 && count <= LIMIT_BATCH_KEYS)
        return 0;
    return err_set(
        &rq->err, ERR_VALIDATION,
        "1 validation error detected: Value at 'RequestItems.%.*s.member.Keys' failed to satisfy constraint: Member must "
        "have length %s than or equal to %u",
        (int)(table.len < 100 ? table.len : 100), (const char *)table.ptr, count ? "less" : "greater",
        count ? LIMIT_BATCH_KEYS : 1u);
}

static int take_keys(struct request *rq, struct batch *b, struct request *part)
{
    struct value_walk walk = value_walk_of(&part->args.at[ARG_KEYS]);
    struct value key;

    if (check_length(rq, part->table_name, part->args.at[ARG_KEYS].count) < 0)
        return -1;
    b->first[b->count + 1] = b->first[b->count];
    while (value_walk_next(&walk, NULL, &key)) {
        if (key.type != VALUE_M)
            return err_set(&rq->err, ERR_SERIALIZATION, "Invalid type for parameter Keys: expected a list of maps");
        if (b->first[b->count + 1] == LIMIT_BATCH_KEYS)
            return err_set(&rq->err, ERR_VALIDATION, "Too many items requested for the BatchGetItem call");
        b->keys[b->first[b->count + 1]++] = key;
    }
    return 0;
}

static int read_table(struct request *rq, struct batch *b, struct slice name, const struct value *map)
{
    struct request *part = &b->parts[b->count];

    if (request_init_part(part, rq, ARGS_KEYS_OF_TABLE, map) < 0)
        return many_failed(rq, part);
    part->table_name = name;
    if (take_keys(rq, b, part) < 0)
        return -1;
    b->count++;
    return 0;
}

/* One request speaks one dialect, in all its tables. */
static int check_styles(struct request *rq, const struct batch *b)
{
    bool old = false, fresh = false;

    for (uint32_t i = 0; i < b->count; i++) {
        old |= arg_given(&b->parts[i].args, ARG_ATTRIBUTES_TO_GET);
        fresh |= arg_given(&b->parts[i].args, ARG_PROJECTION_EXPRESSION);
    }
    if (!old || !fresh)
        return 0;
    return err_set(&rq->err, ERR_VALIDATION,
                   "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
                   "{AttributesToGet} Expression parameters: {ProjectionExpression}");
}

static int init(struct request *rq, struct batch *b)
{
    const struct value *tables = &rq->args.at[ARG_REQUEST_ITEMS];
    struct value_walk walk = value_walk_of(tables);
    struct slice name;
    struct value map;

    memset(b, 0, sizeof *b);
    if (tables->count == 0)
        return err_set(&rq->err, ERR_VALIDATION, "The requestItems parameter is required for BatchGetItem");
    if (tables->count > LIMIT_BATCH_KEYS)
        return err_set(&rq->err, ERR_VALIDATION, "Too many items requested for the BatchGetItem call");
    b->parts = arena_array(&rq->t->arena, tables->count, sizeof *b->parts);
    b->capacity.tables = arena_array(&rq->t->arena, tables->count, sizeof *b->capacity.tables);
    if (!b->parts || !b->capacity.tables)
        return -1;
    while (value_walk_next(&walk, &name, &map))
        if (read_table(rq, b, name, &map) < 0)
            return -1;
    if (check_styles(rq, b) < 0)
        return -1;
    for (uint32_t i = 0; i < b->count; i++)
        if (request_expressions(&b->parts[i]) < 0)
            return many_failed(rq, &b->parts[i]);
    return 0;
}

/* -- Checks --------------------------------------------------------------------------------------------------- */
static int set_key(struct request *part, const struct value *key)
{
    part->args.at[ARG_KEY] = *key;
    return read_key(part);
}

static int check_keys(struct request *rq, struct batch *b, uint32_t table)
{
    struct request *part = &b->parts[table];
    uint32_t first = b->first[table], count = b->first[table + 1] - first;
    struct many_key *keys = arena_array(&rq->t->arena, count, sizeof *keys);

    for (uint32_t i = 0; keys && i < count; i++) {
        if (set_key(part, &b->keys[first + i]) < 0)
            return many_failed(rq, part);
        if (many_take_key(rq, part, i, &keys[i]) < 0)
            return -1;
    }
    if (keys && many_sort_keys(keys, count))
        return err_set(&rq->err, ERR_VALIDATION, "Provided list of item keys contains duplicates");
    return keys ? 0 : -1;
}

static int check(struct request *rq, struct batch *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (request_table(&b->parts[i]) < 0)
            return many_failed(rq, &b->parts[i]);
        if (check_keys(rq, b, i) < 0)
            return -1;
    }
    return 0;
}

/* -- Reading -------------------------------------------------------------------------------------------------- */
static void charge(struct request *rq, struct batch *b, const struct request *part)
{
    size_t size = part->old.type != VALUE_NONE ? item_size(&part->old) : 0;

    b->bytes += size;
    if (answer_wants_capacity(rq))
        capacity_of_table(&b->capacity, part->table->name)->table +=
            capacity_of_read(size, arg_true(&part->args, ARG_CONSISTENT_READ));
}

static int read_items(struct request *rq, struct batch *b, uint32_t table)
{
    struct request *part = &b->parts[table];
    size_t items = mp_open(rq->out);
    uint32_t found = 0;

    while (b->done < b->first[table + 1] && b->bytes < LIMIT_BATCH_BYTES - LIMIT_ITEM_BYTES &&
           rq->out->len - b->begin < ANSWER_STOP_BYTES) {
        struct arena_mark mark = arena_mark(&rq->t->arena);
        struct slice shown;
        if (set_key(part, &b->keys[b->done]) < 0 || read_item(part, &shown) < 0)
            return many_failed(rq, part);
        arena_rewind(&rq->t->arena, mark);
        charge(rq, b, part);
        b->done++;
        if (part->old.type == VALUE_NONE)
            continue;
        mp_put_raw(rq->out, shown);
        found++;
    }
    mp_close_array(rq->out, items, found);
    return 0;
}

/* The table's arguments with the keys that were not read. */
static void put_unprocessed_table(struct buf *out, const struct batch *b, uint32_t table, const struct value *map)
{
    uint32_t from = b->done > b->first[table] ? b->done : b->first[table], end = b->first[table + 1];
    struct value_walk walk = value_walk_of(map);
    struct slice name;
    struct value value;

    mp_put_map(out, map->count);
    while (value_walk_next(&walk, &name, &value)) {
        mp_put_slice(out, name);
        if (!slice_equal(name, slice_text("Keys"))) {
            mp_put_raw(out, value.encoded);
            continue;
        }
        mp_put_array(out, end - from);
        for (uint32_t i = from; i < end; i++)
            mp_put_raw(out, b->keys[i].encoded);
    }
}

static void put_unprocessed(struct request *rq, const struct batch *b)
{
    struct value_walk walk = value_walk_of(&rq->args.at[ARG_REQUEST_ITEMS]);
    struct slice name;
    struct value map;
    uint32_t count = 0;

    mp_put_text(rq->out, "UnprocessedKeys");
    size_t mark = mp_open(rq->out);
    for (uint32_t i = 0; value_walk_next(&walk, &name, &map); i++) {
        if (b->first[i + 1] <= b->done)
            continue;
        mp_put_slice(rq->out, name);
        put_unprocessed_table(rq->out, b, i, &map);
        count++;
    }
    mp_close_map(rq->out, mark, count);
}

static int answer(struct request *rq, struct batch *b)
{
    struct buf *out = rq->out;
    bool capacity = answer_wants_capacity(rq);

    b->begin = out->len;
    answer_begin(out);
    mp_put_map(out, capacity ? 3 : 2);
    mp_put_text(out, "Responses");
    mp_put_map(out, b->count);
    for (uint32_t i = 0; i < b->count; i++) {
        mp_put_slice(out, b->parts[i].table_name);
        if (read_items(rq, b, i) < 0)
            return -1;
    }
    put_unprocessed(rq, b);
    if (capacity) {
        mp_put_text(out, "ConsumedCapacity");
        capacity_put_list(out, &b->capacity, CAPACITY_PLAIN, answer_wants_indexes(rq));
    }
    return 0;
}

int op_batch_read(struct request *rq)
{
    struct batch b;

    if (request_arguments(rq) < 0 || init(rq, &b) < 0 || check(rq, &b) < 0)
        return -1;
    return answer(rq, &b);
}
