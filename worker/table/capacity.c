/* capacity.c - see capacity.h. */
#include "worker/table/capacity.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/item.h"

#define READ_UNIT_BYTES 4096u
#define WRITE_UNIT_BYTES 1024u

static uint64_t units(size_t bytes, size_t unit) { return bytes ? (bytes + unit - 1) / unit : 1; }

uint64_t capacity_of_write(size_t old_bytes, size_t new_bytes)
{
    return 2 * units(old_bytes > new_bytes ? old_bytes : new_bytes, WRITE_UNIT_BYTES);
}

uint64_t capacity_of_read(size_t bytes, bool consistent) { return units(bytes, READ_UNIT_BYTES) * (consistent ? 2 : 1); }

void capacity_init(struct capacity *c, struct slice table_name)
{
    c->table_name = table_name;
    c->table = 0;
    c->count = 0;
}

void capacity_add_arm(struct capacity *c, struct slice name, bool local, uint64_t amount)
{
    uint32_t i = 0;

    if (amount == 0)
        return;
    while (i < c->count && !slice_equal(c->arms[i].name, name))
        i++;
    assert(i < CAPACITY_ARMS_MAX);
    if (i == c->count)
        c->arms[c->count++] = (struct capacity_arm){name, local, 0};
    c->arms[i].units += amount;
}

void capacity_add(struct capacity *c, const struct capacity *more)
{
    c->table += more->table;
    for (uint32_t i = 0; i < more->count; i++)
        capacity_add_arm(c, more->arms[i].name, more->arms[i].local, more->arms[i].units);
}

void capacity_double(struct capacity *c)
{
    c->table *= 2;
    for (uint32_t i = 0; i < c->count; i++)
        c->arms[i].units *= 2;
}

struct capacity *capacity_of_table(struct capacity_list *list, struct slice table_name)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (slice_equal(list->tables[i].table_name, table_name))
            return &list->tables[i];
    capacity_init(&list->tables[list->count], table_name);
    return &list->tables[list->count++];
}

/* -- Writing -------------------------------------------------------------------------------------------------- */
static void put_number(struct buf *out, const char *name, uint64_t amount)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%llu%s", (unsigned long long)(amount / 2), amount % 2 ? ".5" : "");

    mp_put_text(out, name);
    value_put_number_text(out, text, (size_t)len, NULL);
}

static uint32_t unit_pairs(enum capacity_kind kind) { return kind == CAPACITY_PLAIN ? 1 : 2; }

static void put_units(struct buf *out, uint64_t amount, enum capacity_kind kind)
{
    put_number(out, "CapacityUnits", amount);
    if (kind != CAPACITY_PLAIN)
        put_number(out, kind == CAPACITY_READ ? "ReadCapacityUnits" : "WriteCapacityUnits", amount);
}

static uint32_t count_arms(const struct capacity *c, bool local)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->count; i++)
        count += c->arms[i].local == local;
    return count;
}

static void put_arms(struct buf *out, const struct capacity *c, bool local, enum capacity_kind kind)
{
    uint32_t count = count_arms(c, local);

    if (count == 0)
        return;
    mp_put_text(out, local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
    mp_put_map(out, count);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->arms[i].local != local)
            continue;
        mp_put_slice(out, c->arms[i].name);
        mp_put_map(out, unit_pairs(kind));
        put_units(out, c->arms[i].units, kind);
    }
}

void capacity_put(struct buf *out, const struct capacity *c, enum capacity_kind kind, bool indexes)
{
    uint64_t total = c->table;
    uint32_t pairs = 1 + unit_pairs(kind);

    for (uint32_t i = 0; i < c->count; i++)
        total += c->arms[i].units;
    if (indexes)
        pairs += 1u + (count_arms(c, false) > 0) + (count_arms(c, true) > 0);
    mp_put_map(out, pairs);
    mp_put_text(out, "TableName");
    mp_put_slice(out, c->table_name);
    put_units(out, total, kind);
    if (!indexes)
        return;
    mp_put_text(out, "Table");
    mp_put_map(out, unit_pairs(kind));
    put_units(out, c->table, kind);
    put_arms(out, c, false, kind);
    put_arms(out, c, true, kind);
}

void capacity_put_list(struct buf *out, const struct capacity_list *list, enum capacity_kind kind, bool indexes)
{
    mp_put_array(out, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        capacity_put(out, &list->tables[i], kind, indexes);
}
