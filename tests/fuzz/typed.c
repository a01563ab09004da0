/* typed.c - a request of DynamoDB's API: one byte for its shape, then the body. */
#include <stdlib.h>

#include "common/json_cursor.h"
#include "common/limits.h"
#include "gateway/shape_read.h"
#include "gateway/shape_write.h"
#include "tests/fuzz/fuzz.h"

static const struct shape *const inputs[] = {
    &shape_put_item_input,
    &shape_get_item_input,
    &shape_update_item_input,
    &shape_delete_item_input,
    &shape_query_input,
    &shape_scan_input,
    &shape_batch_get_item_input,
    &shape_batch_write_item_input,
    &shape_transact_write_items_input,
    &shape_transact_get_items_input,
    &shape_execute_statement_input,
    &shape_batch_execute_statement_input,
    &shape_create_table_input,
    &shape_update_table_input,
    &shape_list_backups_input,
    &shape_get_records_input,
};
#define INPUTS (sizeof inputs / sizeof inputs[0])

static struct shape_reader *reader;
static struct aws_error error;

static void destroy(void)
{
    shape_reader_destroy(&reader);
    aws_error_finish(&error);
}

/* An error as the client gets it: JSON, with a name of the table. */
static void check_error(void)
{
    struct buf body = {0};
    fuzz_check(error.name);
    fuzz_check(aws_error_put(&body, slice_text(error.name), buf_slice(&error.sentence)) == 400);
    fuzz_check(json_is_valid(buf_slice(&body)));
    buf_finish(&body);
}

/* The item of a PutItem, written and read again, is the same bytes. {"M":{...}} is written; the item is what stands inside. */
static void there_and_back(struct slice payload)
{
    static const char open[] = "{\"M\":", close[] = "}";
    struct buf written = {0}, request = {0}, again = {0};
    struct slice table;
    struct value whole = value_of(payload), item = value_map_get(&whole, slice_text("Item"));
    fuzz_check(shape_write_attribute(&item, &written) == 0 && written.len > sizeof open + sizeof close - 2);
    buf_text(&request, "{\"TableName\":\"abc\",\"Item\":");
    buf_append(&request, written.data + sizeof open - 1, written.len - (sizeof open + sizeof close - 2));
    buf_byte(&request, '}');
    fuzz_check(shape_read(reader, &shape_put_item_input, buf_slice(&request), &again, &table, &error) == 0);
    whole = value_of(buf_slice(&again));
    struct value second = value_map_get(&whole, slice_text("Item"));
    fuzz_check(slice_equal(second.encoded, item.encoded));
    buf_finish(&written);
    buf_finish(&request);
    buf_finish(&again);
}

void fuzz_typed(struct slice input)
{
    struct buf out = {0};
    struct slice table;
    const struct shape *shape = inputs[fuzz_u8(&input) % INPUTS];
    if (!reader) {
        reader = shape_reader_create();
        fuzz_check(reader);
        atexit(destroy);
    }
    buf_byte(&out, 0xc0); /* what stands before is not touched */
    if (shape_read(reader, shape, input, &out, &table, &error) != 0) {
        fuzz_check(out.len == 1);
        check_error();
    } else {
        struct slice payload = slice_of(out.data + 1, out.len - 1);
        fuzz_check(out.len <= LIMIT_CALL_BYTES && fuzz_value_holds(payload));
        if (shape == &shape_put_item_input)
            there_and_back(payload);
    }
    buf_finish(&out);
}
