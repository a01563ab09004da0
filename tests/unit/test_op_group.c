/* test_op_group.c - catalogs of key schemas, message groups and slices, and the text form of --table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/op.h"

static struct value text_value(struct buf *b, const char *text)
{
    buf_reset(b);
    mp_put_text(b, text);
    return value_of(buf_slice(b));
}

static void assert_text(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

/* -- Catalogs -------------------------------------------------------------------------------------------------------------- */
static const struct key_schema by_id = {
    .partition_name = {(const unsigned char *)"id", 2}, .partition_type = VALUE_S, .sort_type = VALUE_NONE};
static const struct key_schema by_number_and_bytes = {.partition_name = {(const unsigned char *)"n", 1},
                                                      .sort_name = {(const unsigned char *)"at", 2},
                                                      .partition_type = VALUE_N,
                                                      .sort_type = VALUE_B};

static void put_catalog(struct buf *b)
{
    size_t mark = mp_open(b);
    catalog_put(b, slice_text("orders"), &by_id);
    catalog_put(b, slice_text("events"), &by_number_and_bytes);
    mp_close_map(b, mark, 2);
}

static void test_catalog(void **state)
{
    (void)state;
    struct buf b = {0};
    struct key_schema got;
    put_catalog(&b);
    assert_true(catalog_find(buf_slice(&b), slice_text("orders"), &got));
    assert_text(got.partition_name, "id");
    assert_true(got.partition_type == VALUE_S && got.sort_name.len == 0);
    assert_true(catalog_find(buf_slice(&b), slice_text("events"), &got));
    assert_text(got.partition_name, "n");
    assert_text(got.sort_name, "at");
    assert_true(got.partition_type == VALUE_N && got.sort_type == VALUE_B);
    assert_false(catalog_find(buf_slice(&b), slice_text("order"), &got));
    assert_false(catalog_find(slice_of(NULL, 0), slice_text("orders"), &got));
    buf_finish(&b);
}

static void test_damaged_catalogs(void **state)
{
    (void)state;
    struct buf b = {0};
    struct key_schema got;
    put_catalog(&b);
    for (size_t len = 0; len < b.len; len++) {
        unsigned char *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, b.data, len);
        assert_false(catalog_find(slice_of(exact, len), slice_text("events"), &got));
        free(exact);
    }
    for (size_t at = 0; at < b.len; at++) { /* any answer will do, but no crash */
        unsigned char right = b.data[at];
        for (int byte = 0; byte < 256; byte++) {
            b.data[at] = (unsigned char)byte;
            catalog_find(buf_slice(&b), slice_text("events"), &got);
        }
        b.data[at] = right;
    }
    static const char bad_type[] = "\x81\xa1t\x94\xa1k\xa1X\xa0\xa0", no_name[] = "\x81\xa1t\x94\xa0\xa1S\xa0\xa0";
    assert_false(catalog_find(slice_of(bad_type, sizeof bad_type - 1), slice_text("t"), &got));
    assert_false(catalog_find(slice_of(no_name, sizeof no_name - 1), slice_text("t"), &got));
    buf_finish(&b);
}

/* -- Groups ---------------------------------------------------------------------------------------------------------------- */
/* {"Item" or "Key": {"id": S, "n": N, "at": B, "other": S}}; NULL leaves a member out. */
struct keys {
    const char *id, *n, *at, *other;
};

static struct value put_payload(struct buf *b, const char *holder, struct keys k)
{
    struct err e;
    uint32_t count = 0;
    buf_reset(b);
    mp_put_map(b, 1);
    mp_put_text(b, holder);
    size_t mark = mp_open(b);
    if (k.other && ++count)
        mp_put_text(b, "other"), mp_put_text(b, k.other);
    if (k.id && ++count)
        mp_put_text(b, "id"), mp_put_text(b, k.id);
    if (k.n && ++count) {
        mp_put_text(b, "n");
        assert_int_equal(value_put_number_text(b, k.n, strlen(k.n), &e), 0);
    }
    if (k.at && ++count)
        mp_put_text(b, "at"), mp_put_bin(b, k.at, strlen(k.at));
    mp_close_map(b, mark, count);
    return value_of(buf_slice(b));
}

static uint64_t group(enum op_code code, const char *table, const struct key_schema *schema, struct keys k, uint8_t *slice)
{
    struct buf b = {0};
    struct op op = {.code = code, .table = slice_text(table)};
    op.payload = put_payload(&b, code == OP_CREATE ? "Item" : "Key", k);
    uint64_t g = op_group(&op, schema, 1, slice);
    buf_finish(&b);
    return g;
}

static void test_one_item_is_one_group(void **state)
{
    (void)state;
    uint8_t a, b, c;
    uint64_t created = group(OP_CREATE, "t", &by_id, (struct keys){.id = "1", .other = "x"}, &a);
    assert_true(created != 0);
    assert_true(created == group(OP_UPDATE, "t", &by_id, (struct keys){.id = "1"}, &b));
    assert_true(created == group(OP_READ, "t", &by_id, (struct keys){.id = "1"}, &b));
    assert_true(created == group(OP_DELETE, "t", &by_id, (struct keys){.id = "1"}, &b));
    assert_int_equal(a, b);
    assert_true(created != group(OP_READ, "t", &by_id, (struct keys){.id = "2"}, &c));
    assert_true(created != group(OP_READ, "u", &by_id, (struct keys){.id = "1"}, &c));
    assert_int_equal(a, c); /* the slice follows the key alone */
}

static void test_sort_keys_and_numbers(void **state)
{
    (void)state;
    uint8_t a, b;
    const struct key_schema *s = &by_number_and_bytes;
    uint64_t first = group(OP_READ, "t", s, (struct keys){.n = "5", .at = "x"}, &a);
    assert_true(first == group(OP_READ, "t", s, (struct keys){.n = "5.00", .at = "x"}, &b)); /* one number, one group */
    assert_true(first == group(OP_READ, "t", s, (struct keys){.n = "0.5e1", .at = "x"}, &b));
    assert_true(first != group(OP_READ, "t", s, (struct keys){.n = "5", .at = "y"}, &b));
    assert_int_equal(a, b);
    assert_true(first != group(OP_READ, "t", s, (struct keys){.n = "6", .at = "x"}, &b));
}

static void test_no_key_is_the_whole_table(void **state)
{
    (void)state;
    uint8_t slice;
    uint64_t table = group(OP_READ, "t", NULL, (struct keys){.id = "1"}, &slice);
    assert_true(table != 0);
    assert_true(table == group(OP_CREATE, "t", NULL, (struct keys){.id = "2"}, &slice));
    assert_true(table == group(OP_CREATE, "t", &by_id, (struct keys){.other = "2"}, &slice));
    assert_true(table == group(OP_CREATE, "t", &by_number_and_bytes, (struct keys){.id = "5", .n = "5"}, &slice));
    assert_true(table == group(OP_DELETE, "t", NULL, (struct keys){.id = "1"}, &slice));
    assert_true(table != group(OP_READ, "u", NULL, (struct keys){.id = "1"}, &slice));
    struct op bare = {.code = OP_UPDATE, .table = slice_text("t"), .payload = {.type = VALUE_NONE}};
    assert_true(table == op_group(&bare, &by_id, 1, &slice));
}

static void test_no_order_no_group(void **state)
{
    (void)state;
    static const enum op_code codes[] = {OP_LIST, OP_ECHO, OP_PING, OP_LOOKUP, OP_TABLE_CREATE, OP_TABLE_LIST};
    uint8_t slice;
    bool seen[256] = {false};
    int different = 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_true(group(codes[i], "t", &by_id, (struct keys){.id = "1"}, &slice) == 0);
    struct op ping = {.code = OP_PING, .payload = {.type = VALUE_NONE}};
    for (uint64_t salt = 0; salt < 2000; salt++) {
        op_group(&ping, NULL, salt, &slice);
        different += !seen[slice];
        seen[slice] = true;
    }
    assert_int_equal(different, 256); /* counted salts reach every slice */
}

/* These numbers are in stored keys and in ids: they must never change. */
static void test_hashes_are_frozen(void **state)
{
    (void)state;
    struct buf b = {0};
    struct err e;
    struct value text = text_value(&b, "1234ABCD");
    uint64_t of_text = key_hash_partition(&text);
    buf_reset(&b);
    mp_put_bin(&b, "1234ABCD", 8);
    struct value bytes = value_of(buf_slice(&b));
    uint64_t of_bytes = key_hash_partition(&bytes);
    buf_reset(&b);
    assert_int_equal(value_put_number_text(&b, "5", 1, &e), 0);
    struct value number = value_of(buf_slice(&b));
    uint64_t of_number = key_hash_partition(&number);
    buf_finish(&b);
    assert_true(of_text != of_bytes); /* the type counts */
    uint8_t slice;
    uint64_t item = group(OP_READ, "orders", &by_id, (struct keys){.id = "1234ABCD"}, &slice);
    assert_int_equal(slice, of_text >> 56);
    static const uint64_t frozen[] = {0x961fcbd75583c11a, 0x42746b81fe91df78, 0x8acfd76a0bd7297e, 0x325d42169ceaed13};
    assert_true(of_text == frozen[0] && of_bytes == frozen[1] && of_number == frozen[2] && item == frozen[3]);
}

static void test_slices_are_even(void **state)
{
    (void)state;
    unsigned count[256] = {0};
    char id[16];
    uint8_t slice;
    for (int i = 0; i < 25600; i++) {
        snprintf(id, sizeof id, "%d", i);
        group(OP_READ, "t", &by_id, (struct keys){.id = id}, &slice);
        count[slice]++;
    }
    for (int i = 0; i < 256; i++)
        assert_in_range(count[i], 50, 160);
}

/* -- --table --------------------------------------------------------------------------------------------------------------- */
static void test_table_specs(void **state)
{
    (void)state;
    struct slice table;
    struct key_schema s;
    struct err e;
    assert_int_equal(table_spec_parse("lambda-apigateway:id", &table, &s, &e), 0);
    assert_text(table, "lambda-apigateway");
    assert_text(s.partition_name, "id");
    assert_true(s.partition_type == VALUE_S && s.sort_name.len == 0);
    assert_int_equal(table_spec_parse("a.b_c:key:N,at:B", &table, &s, &e), 0);
    assert_text(s.partition_name, "key");
    assert_text(s.sort_name, "at");
    assert_true(s.partition_type == VALUE_N && s.sort_type == VALUE_B);
    assert_int_equal(table_spec_parse("abc:k,s", &table, &s, &e), 0);
    assert_true(s.partition_type == VALUE_S && s.sort_type == VALUE_S);
}

static void test_bad_table_specs(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "name",        ":id",           "ab:id",      "name:",       "name:,s",  "name:id,",
        "name:id:",   "name:id:X",   "name:id:s",     "name:id:SS", "name:id:S:S", "na me:id", "n\377me:id",
        "name:id,id", "name:id,s:Q", "name:id,s:S,t", "name:\xff",  "name:id:BOOL"};
    struct slice table;
    struct key_schema s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        assert_int_equal(table_spec_parse(bad[i], &table, &s, &e), -1);
        assert_int_equal(e.code, ERR_VALIDATION);
        assert_true(strlen(e.text) > 10);
    }
    char long_key[400] = "name:", long_name[400];
    memset(long_key + 5, 'k', LIMIT_KEY_NAME_BYTES);
    assert_int_equal(table_spec_parse(long_key, &table, &s, NULL), 0);
    long_key[5 + LIMIT_KEY_NAME_BYTES] = 'k';
    assert_int_equal(table_spec_parse(long_key, &table, &s, NULL), -1);
    memset(long_name, 'n', LIMIT_TABLE_NAME_MAX + 1);
    memcpy(long_name + LIMIT_TABLE_NAME_MAX + 1, ":id", 4);
    assert_int_equal(table_spec_parse(long_name, &table, &s, NULL), -1);
    assert_int_equal(table_spec_parse(long_name + 1, &table, &s, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog),
        cmocka_unit_test(test_damaged_catalogs),
        cmocka_unit_test(test_one_item_is_one_group),
        cmocka_unit_test(test_sort_keys_and_numbers),
        cmocka_unit_test(test_no_key_is_the_whole_table),
        cmocka_unit_test(test_no_order_no_group),
        cmocka_unit_test(test_hashes_are_frozen),
        cmocka_unit_test(test_slices_are_even),
        cmocka_unit_test(test_table_specs),
        cmocka_unit_test(test_bad_table_specs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
