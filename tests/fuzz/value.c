/* value.c - any bytes as an encoded value, and as everything else that is made of values: whoever reads them first has to look. */
#include <string.h>

#include "common/decimal.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/op.h"
#include "tests/fuzz/fuzz.h"
#include "worker/outcomes.h"

/* Every reader there is, on good and bad values alike. */
static void look(const struct value *v, int depth)
{
    struct value_walk walk = value_walk_of(v);
    struct slice name;
    struct value element;
    int64_t number;
    fuzz_check(value_type_name(v->type)[0] != '\0');
    value_size(v);
    value_to_int(v, &number);
    while (depth > 0 && value_walk_next(&walk, &name, &element)) {
        if (v->type == VALUE_M)
            value_map_get(v, name);
        if (v->type >= VALUE_SS)
            value_set_has(v, &element);
        value_equal(v, &element);
        look(&element, depth - 1);
    }
    value_list_get(v, 1);
    value_map_get(v, slice_text("a"));
}

static void sets(const struct value *set)
{
    struct buf b = {0};
    struct value joined;
    fuzz_check(value_put_union(&b, set, set) == 0);
    joined = value_of(buf_slice(&b));
    fuzz_check(value_equal(set, &joined));
    fuzz_check(value_put_difference(&b, set, set) == 1);
    buf_finish(&b);
}

/* What holds for a value that has passed the full check. */
static void good(const struct value *v)
{
    struct buf text = {0}, again = {0};
    fuzz_check(v->type != VALUE_NONE && value_equal(v, v));
    if (v->type <= VALUE_B)
        fuzz_check(value_compare(v, v) == 0);
    if (v->type >= VALUE_SS && v->type <= VALUE_BS)
        sets(v);
    fuzz_check(json_from_value(v, &text) == 0 && text.len > 0);
    fuzz_check(utf8_valid(buf_slice(&text)));
    fuzz_check(v->type != VALUE_M || item_size(v) <= 3 * v->encoded.len + 8u * v->count + 100);
    buf_finish(&text);
    buf_finish(&again);
}

static void as_operation(struct slice input)
{
    struct key_schema schema = {.partition_name = slice_text("id"), .partition_type = VALUE_S, .sort_type = VALUE_NONE};
    struct buf b = {0};
    struct op op, again;
    uint8_t slice;
    if (op_decode(input, &op) != 0)
        return;
    op_group(&op, NULL, 1, &slice);
    op_group(&op, &schema, 1, &slice);
    op_encode(&b, &op);
    fuzz_check(op_decode(buf_slice(&b), &again) == 0);
    fuzz_check(again.code == op.code && slice_equal(again.table, op.table) && again.payload.type == op.payload.type);
    buf_finish(&b);
}

static void as_outcome(struct slice input)
{
    struct outcome o;
    struct outcome_row row;
    if (outcome_decode(input, &o) == 0)
        look(&o.value, LIMIT_MSGPACK_DEPTH);
    if (outcome_row_decode(input, &row) == 0)
        fuzz_check(row.outcome.len <= input.len);
}

static void as_catalog(struct slice input)
{
    struct key_schema schema;
    if (!catalog_find(input, slice_text("abc"), &schema))
        return;
    fuzz_check(schema.partition_name.len > 0 && schema.partition_type <= VALUE_B);
    fuzz_check(schema.sort_name.len == 0 || schema.sort_type <= VALUE_B);
}

static void as_table_spec(struct slice input)
{
    char text[600];
    struct key_schema schema;
    struct slice table;
    struct err e = {0};
    size_t len = input.len < sizeof text ? input.len : sizeof text - 1;
    if (len > 0)
        memcpy(text, input.ptr, len);
    text[len] = '\0';
    if (table_spec_parse(text, &table, &schema, &e) != 0)
        fuzz_check_err(&e);
    else
        fuzz_check(table.len >= LIMIT_TABLE_NAME_MIN && schema.partition_name.len > 0 && schema.partition_type <= VALUE_B);
}

void fuzz_value(struct slice input)
{
    struct err e = {0};
    struct value v = value_of(input);
    look(&v, LIMIT_MSGPACK_DEPTH);
    if (value_check(input, &e) == 0)
        good(&v);
    else
        fuzz_check_err(&e);
    as_operation(input);
    as_outcome(input);
    as_catalog(input);
    as_table_spec(input);
}
