/* op_batch_write.c - batch_write_item: puts and deletes of several tables, each for itself.
 *
 * All of them are checked before the first one is written. None has a condition, so then none can fail, and nothing stays
 * unprocessed. */
#include <string.h>

#include "common/limits.h"
#include "worker/table/many.h"
#include "worker/table/write.h"

struct batch {
    struct request *parts;
    struct write *writes;
    struct many_key *keys;
    uint32_t count;
    struct capacity_list capacity;
};

/* -- Arguments ------------------------------------------------------------------------------------------------ */
static int check_counts(struct request *rq, uint32_t *total)
{
    struct value_walk walk = value_walk_of(&rq->args.at[ARG_REQUEST_ITEMS]);
    struct slice name;
    struct value list;

    *total = 0;
    for (; value_walk_next(&walk, &name, &list); *total += list.count) {
        if (list.type != VALUE_L)
            return err_set(&rq->err, ERR_SERIALIZATION,
                           "Invalid type for parameter RequestItems: expected a list for each table");
        if (list.count < 1 || list.count > LIMIT_BATCH_WRITES)
            return err_set(
                &rq->err, ERR_VALIDATION,
                "1 validation error detected: Value '{%.*s=[%s]}' at 'requestItems' failed to satisfy constraint: Map "
                "value must satisfy constraint: [Member must have length less than or equal to %u, Member must have "
                "length greater than or equal to 1]",
                (int)(name.len < 80 ? name.len : 80), (const char *)name.ptr, list.count ? "..." : "", LIMIT_BATCH_WRITES);
    }
    if (*total == 0)
        return err_set(&rq->err, ERR_VALIDATION, "The requestItems parameter is required for BatchWriteItem");
    if (*total > LIMIT_BATCH_WRITES)
        return err_set(&rq->err, ERR_VALIDATION, "Too many items requested for the BatchWriteItem call");
    return 0;
}

/* One {"PutRequest": {"Item": ...}} or {"DeleteRequest": {"Key": ...}}. */
static int read_entry(struct request *rq, struct batch *b, struct slice table, const struct value *entry)
{
    struct request *part = &b->parts[b->count];
    struct value put = value_map_get(entry, slice_text("PutRequest")),
                 delete = value_map_get(entry, slice_text("DeleteRequest"));
    bool puts = put.type != VALUE_NONE;

    if (entry->type != VALUE_M || entry->count != 1 || (!puts && delete.type == VALUE_NONE))
        return err_set(&rq->err, ERR_VALIDATION,
                       "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
                       "datatypes");
    if (request_init_part(part, rq, puts ? ARGS_PUT_REQUEST : ARGS_DELETE_REQUEST, puts ? &put : &delete) < 0)
        return many_failed(rq, part);
    part->table_name = table;
    part->args.at[ARG_RETURN_CAPACITY] = rq->args.at[ARG_RETURN_CAPACITY];
    b->writes[b->count++] = (struct write){.rq = part, .kind = write_kind_of(part->form)};
    return 0;
}

static int read_entries(struct request *rq, struct batch *b)
{
    struct value_walk tables = value_walk_of(&rq->args.at[ARG_REQUEST_ITEMS]);
    struct slice name;
    struct value list, entry;

    while (value_walk_next(&tables, &name, &list)) {
        struct value_walk walk = value_walk_of(&list);
        while (value_walk_next(&walk, NULL, &entry))
            if (read_entry(rq, b, name, &entry) < 0)
                return -1;
    }
    return 0;
}

static int init(struct request *rq, struct batch *b)
{
    struct arena *arena = &rq->t->arena;
    uint32_t total;

    memset(b, 0, sizeof *b);
    if (check_counts(rq, &total) < 0)
        return -1;
    b->parts = arena_array(arena, total, sizeof *b->parts);
    b->writes = arena_array(arena, total, sizeof *b->writes);
    b->keys = arena_array(arena, total, sizeof *b->keys);
    b->capacity.tables = arena_array(arena, total, sizeof *b->capacity.tables);
    if (!b->parts || !b->writes || !b->keys || !b->capacity.tables)
        return -1;
    return read_entries(rq, b);
}

/* -- Checks --------------------------------------------------------------------------------------------------- */
/* The key of an item is worded like a key here. */
static int check_key(struct write *w)
{
    struct request *part = w->rq;

    if (write_key(w) == 0)
        return 0;
    if (strstr(part->err.text, "Missing the key") || strstr(part->err.text, "Type mismatch for key"))
        err_set(&part->err, ERR_VALIDATION, "The provided key element does not match the schema");
    return -1;
}

static int check(struct request *rq, struct batch *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        struct write *w = &b->writes[i];
        if (write_table(w) < 0 || check_key(w) < 0 || write_size(w) < 0)
            return many_failed(rq, w->rq);
        if (many_take_key(rq, w->rq, i, &b->keys[i]) < 0)
            return -1;
    }
    if (many_sort_keys(b->keys, b->count))
        return err_set(&rq->err, ERR_VALIDATION, "Provided list of item keys contains duplicates");
    return 0;
}

/* -- Writing -------------------------------------------------------------------------------------------------- */
static int store(struct request *rq, struct batch *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        struct write *w = &b->writes[b->keys[i].at];
        struct capacity capacity;
        if (write_decide(w) < 0 || write_store(w) < 0)
            return many_failed(rq, w->rq);
        if (!answer_wants_capacity(rq))
            continue;
        write_capacity(w, &capacity);
        capacity_add(capacity_of_table(&b->capacity, capacity.table_name), &capacity);
    }
    return 0;
}

int op_batch_write(struct request *rq)
{
    struct batch b;

    if (request_arguments(rq) < 0 || init(rq, &b) < 0 || check(rq, &b) < 0 || store(rq, &b) < 0)
        return -1;
    bool capacity = answer_wants_capacity(rq);
    answer_begin(rq->out);
    mp_put_map(rq->out, capacity ? 2 : 1);
    mp_put_text(rq->out, "UnprocessedItems");
    mp_put_map(rq->out, 0);
    if (capacity) {
        mp_put_text(rq->out, "ConsumedCapacity");
        capacity_put_list(rq->out, &b.capacity, CAPACITY_PLAIN, answer_wants_indexes(rq));
    }
    return 0;
}
