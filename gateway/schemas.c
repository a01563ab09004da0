/* schemas.c - builds a new table for each catalog; catalogs change rarely. */
#include "gateway/schemas.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#include "common/limits.h"

struct schema_entry {
    struct slice name; /* ptr NULL: free */
    struct key_schema schema;
};

static struct schema_entry *place(const struct schemas *s, struct slice name)
{
    size_t mask = s->capacity - 1;
    size_t at = XXH3_64bits(name.ptr, name.len) & mask;
    while (s->at[at].name.ptr && !slice_equal(s->at[at].name, name))
        at = (at + 1) & mask;
    return &s->at[at];
}

static void put(struct schemas *s, struct slice name, const struct key_schema *schema)
{
    struct schema_entry *entry = place(s, name);
    assert(s->count * 2 < s->capacity || entry->name.ptr);
    if (!entry->name.ptr)
        s->count++;
    *entry = (struct schema_entry){.name = name, .schema = *schema};
}

static int put_specs(struct schemas *s, struct err *e)
{
    for (size_t i = 0; i < s->spec_count; i++) {
        struct slice name;
        struct key_schema schema;
        if (table_spec_parse(s->specs[i], &name, &schema, e) != 0)
            return -1;
        put(s, name, &schema);
    }
    return 0;
}

static int put_catalog(struct schemas *s, struct slice catalog)
{
    struct mp_reader r = mp_reader_of(catalog);
    uint32_t count = catalog.len ? mp_map(&r, LIMIT_TABLES) : 0;
    for (uint32_t i = 0; i < count && !r.failed; i++) {
        struct key_schema schema;
        struct slice name;
        if (!catalog_read(&r, &name, &schema))
            return -1;
        put(s, name, &schema);
    }
    return r.failed ? -1 : 0;
}

static size_t capacity_for(size_t count)
{
    size_t capacity = 16;
    while (capacity < count * 2 + 2)
        capacity *= 2;
    return capacity;
}

int schemas_init(struct schemas *s, const char *const *specs, size_t spec_count, struct err *e)
{
    *s = (struct schemas){.capacity = capacity_for(spec_count), .specs = specs, .spec_count = spec_count};
    s->at = calloc(s->capacity, sizeof *s->at);
    return s->at ? put_specs(s, e) : err_set(e, ERR_INTERNAL, "out of memory");
}

void schemas_finish(struct schemas *s)
{
    free(s->at);
    buf_finish(&s->catalog);
    *s = (struct schemas){0};
}

int schemas_update(struct schemas *s, struct slice catalog)
{
    struct schemas fresh = {.specs = s->specs, .spec_count = s->spec_count};
    struct mp_reader r = mp_reader_of(catalog);
    uint32_t count = catalog.len ? mp_map(&r, LIMIT_TABLES) : 0;
    fresh.capacity = capacity_for(s->spec_count + count);
    fresh.at = calloc(fresh.capacity, sizeof *fresh.at);
    if (r.failed || !fresh.at || buf_append(&fresh.catalog, catalog.ptr, catalog.len) != 0 || put_specs(&fresh, NULL) != 0 ||
        put_catalog(&fresh, buf_slice(&fresh.catalog)) != 0) {
        schemas_finish(&fresh);
        return -1;
    }
    schemas_finish(s);
    *s = fresh;
    return 0;
}

const struct key_schema *schemas_find(const struct schemas *s, struct slice table)
{
    const struct schema_entry *entry = place(s, table);
    return entry->name.ptr ? &entry->schema : NULL;
}
