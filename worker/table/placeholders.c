/* placeholders.c - ExpressionAttributeNames and ExpressionAttributeValues: checked, sorted, found, and counted as used. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "worker/table/expr.h"

static const char *argument_name(bool names) { return names ? "ExpressionAttributeNames" : "ExpressionAttributeValues"; }

static bool well_formed(struct slice name, bool names)
{
    if (name.len < 2 || name.len > LIMIT_PLACEHOLDER_BYTES || name.ptr[0] != (names ? '#' : ':'))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        unsigned char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && c != '_' && !(c >= '0' && c <= '9'))
            return false;
    }
    return true;
}

static int check_row(const struct placeholder *row, bool names, struct err *e)
{
    const char *argument = argument_name(names);

    if (!well_formed(row->name, names))
        return err_set(e, ERR_VALIDATION, "%s contains invalid key: Syntax error; key: \"%.*s\"", argument,
                       (int)(row->name.len > LIMIT_PLACEHOLDER_BYTES ? LIMIT_PLACEHOLDER_BYTES : row->name.len),
                       (const char *)row->name.ptr);
    if (names && row->value.type != VALUE_S)
        return err_set(e, ERR_SERIALIZATION, "%s contains invalid value: a string is needed for key %.*s", argument,
                       (int)row->name.len, (const char *)row->name.ptr);
    if (names && (row->value.bytes.len == 0 || row->value.bytes.len > LIMIT_ATTRIBUTE_NAME_BYTES))
        return err_set(e, ERR_VALIDATION, "%s contains invalid value for key %.*s: an attribute name has 1 to %u bytes",
                       argument, (int)row->name.len, (const char *)row->name.ptr, LIMIT_ATTRIBUTE_NAME_BYTES);
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    return slice_compare(((const struct placeholder *)a)->name, ((const struct placeholder *)b)->name);
}

int placeholders_init(struct placeholders *p, const struct value *map, bool names, struct arena *arena, struct err *e)
{
    struct value_walk walk = value_walk_of(map);

    assert(map->type == VALUE_M);
    p->count = 0;
    p->rows = NULL;
    if (map->count == 0)
        return err_set(e, ERR_VALIDATION, "%s must not be empty", argument_name(names));
    if (map->encoded.len > LIMIT_SUBSTITUTIONS_BYTES)
        return err_set(e, ERR_VALIDATION, "%s exceeds the maximum size of %u bytes", argument_name(names),
                       LIMIT_SUBSTITUTIONS_BYTES);
    p->rows = arena_array(arena, map->count, sizeof *p->rows);
    if (!p->rows)
        return -1;
    while (p->count < map->count && value_walk_next(&walk, &p->rows[p->count].name, &p->rows[p->count].value)) {
        if (check_row(&p->rows[p->count], names, e) < 0)
            return -1;
        p->count++;
    }
    qsort(p->rows, p->count, sizeof *p->rows, compare_rows);
    return 0;
}

struct placeholder *placeholders_use(struct placeholders *p, struct slice name)
{
    struct placeholder key = {.name = name};
    struct placeholder *row = p->count ? bsearch(&key, p->rows, p->count, sizeof *p->rows, compare_rows) : NULL;

    if (row)
        row->used = true;
    return row;
}

int placeholders_check_used(const struct placeholders *p, bool names, struct err *e)
{
    char list[200];
    size_t len = 0;
    bool any = false;

    for (uint32_t i = 0; i < p->count; i++) {
        struct slice name = p->rows[i].name;
        if (p->rows[i].used)
            continue;
        if (len + name.len + 2 < sizeof list) {
            if (any) {
                memcpy(list + len, ", ", 2);
                len += 2;
            }
            memcpy(list + len, name.ptr, name.len);
            len += name.len;
        }
        any = true;
    }
    if (!any)
        return 0;
    return err_set(e, ERR_VALIDATION, "Value provided in %s unused in expressions: keys: {%.*s}", argument_name(names),
                   (int)len, list);
}
