/* test_op.c - operations and outcomes: there and back, and everything refused. */
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

/* -- Operations ------------------------------------------------------------------------------------------------------------ */
static void test_names(void **state)
{
    (void)state;
    static const char *const users[] = {"create", "read", "update", "delete", "list", "echo", "ping"};
    for (int code = 0; code <= OP_LAST_OF_USERS; code++) {
        assert_string_equal(op_name((enum op_code)code), users[code]);
        assert_int_equal(op_by_name(slice_text(users[code])), code);
    }
    static const char *const others[] = {"", "Create", "creat", "createe", "lookup", "LOOKUP", "table_list"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(op_by_name(slice_text(others[i])), -1);
    assert_true(op_needs_table(OP_LIST) && op_needs_table(OP_TABLE_DROP) && !op_needs_table(OP_ECHO));
    assert_true(op_writes(OP_CREATE) && op_writes(OP_DELETE) && op_writes(OP_TABLE_CREATE));
    assert_false(op_writes(OP_READ) || op_writes(OP_LIST) || op_writes(OP_PING) || op_writes(OP_LOOKUP));
}

/* Does the operation with this Statement, or this list of two under that name, change anything? */
static bool changes(enum op_code code, const char *first, const char *second)
{
    struct buf b = {0};
    const char *list = code == OP_STATEMENTS ? "Statements" : "TransactStatements";

    mp_put_map(&b, 1);
    mp_put_text(&b, code == OP_STATEMENT ? "Statement" : list);
    if (code != OP_STATEMENT) {
        mp_put_array(&b, 2);
        mp_put_map(&b, 1);
        mp_put_text(&b, "Statement");
    }
    mp_put_text(&b, first);
    if (code != OP_STATEMENT) {
        mp_put_map(&b, 1);
        mp_put_text(&b, "Statement");
        mp_put_text(&b, second);
    }
    struct op op = {.code = code, .payload = value_of(buf_slice(&b))};
    bool result = op_changes(&op);
    buf_finish(&b);
    return result;
}

static void test_statements_change_or_not(void **state)
{
    (void)state;
    assert_false(changes(OP_STATEMENT, " \n Select * FROM t", NULL));
    assert_true(changes(OP_STATEMENT, "DELETE FROM t", NULL));
    assert_true(changes(OP_STATEMENT, "", NULL));
    for (int code = OP_STATEMENTS; code <= OP_STATEMENT_TRANSACTION; code++) {
        assert_false(changes(code, "SELECT 1", "select 2"));
        assert_true(changes(code, "SELECT 1", "UPDATE 2"));
    }
    assert_true(op_changes(&(struct op){.code = OP_CREATE}));
    assert_false(op_changes(&(struct op){.code = OP_LIST}));
    assert_true(op_changes(&(struct op){.code = OP_STATEMENT, .payload = {.type = VALUE_NONE}}));
}

static void test_operation_there_and_back(void **state)
{
    (void)state;
    struct buf b = {0}, v = {0};
    struct op op = {.code = OP_ECHO, .table = slice_text("orders"), .payload = text_value(&v, "hello")}, got;
    op_encode(&b, &op);
    assert_int_equal(op_decode(buf_slice(&b), &got), 0);
    assert_int_equal(got.code, OP_ECHO);
    assert_text(got.table, "orders");
    assert_int_equal(got.payload.type, VALUE_S);
    assert_text(got.payload.bytes, "hello");

    buf_reset(&b); /* none is not the same as null */
    op_encode(&b, &(struct op){.code = OP_PING, .payload = {.type = VALUE_NONE}});
    assert_int_equal(op_decode(buf_slice(&b), &got), 0);
    assert_true(got.code == OP_PING && got.table.len == 0 && got.payload.type == VALUE_NONE);

    buf_reset(&b);
    buf_reset(&v);
    mp_put_nil(&v);
    op_encode(&b, &(struct op){.code = OP_PING, .payload = value_of(buf_slice(&v))});
    assert_int_equal(op_decode(buf_slice(&b), &got), 0);
    assert_int_equal(got.payload.type, VALUE_NULL);
    assert_int_equal(got.home.len, 0);

    buf_reset(&b);
    op.home = slice_text("eu-west-1:123456789012");
    op.payload = value_of(buf_slice(&v));
    op_encode(&b, &op);
    assert_int_equal(op_decode(buf_slice(&b), &got), 0);
    assert_text(got.home, "eu-west-1:123456789012");
    assert_text(got.table, "orders");
    buf_finish(&b);
    buf_finish(&v);
}

static int decode(const char *bytes, size_t len)
{
    struct op op;
    return op_decode(slice_of(bytes, len), &op);
}

static void test_damaged_operations(void **state)
{
    (void)state;
    struct buf b = {0}, v = {0};
    struct op got;
    op_encode(&b, &(struct op){.code = OP_READ, .table = slice_text("t"), .payload = text_value(&v, "payload")});
    for (size_t len = 0; len < b.len; len++) {
        char *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, b.data, len);
        assert_int_equal(decode(exact, len), -1);
        free(exact);
    }
    buf_byte(&b, 0xc0);
    assert_int_equal(op_decode(buf_slice(&b), &got), -1);
    assert_int_equal(decode("\x91\x00", 2), -1);
    assert_int_equal(decode("\x95\x00\xa0\xc0\xa1-\xc0", 7), -1);
    assert_int_equal(decode("\x94\x00\xa0\xc0\xa1-", 6), 0);
    assert_int_equal(decode("\x94\x00\xa0\xc0\xc0", 5), -1);             /* the home is no text */
    assert_int_equal(decode("\x94\x00\xa0\xc0\xa0", 5), -1);             /* or empty */
    assert_int_equal(decode("\x92\x7f\xa0", 3), -1);                     /* no such operation */
    assert_int_equal(decode("\x92\xff\xa0", 3), -1);                     /* a negative one */
    assert_int_equal(decode("\x92\x00\xc4\x00", 4), -1);                 /* the table is bytes */
    assert_int_equal(decode("\x92\x00\xa1\xff", 4), -1);                 /* the table is not UTF-8 */
    assert_int_equal(decode("\x93\x00\xa0\x05", 4), -1);                 /* a bare integer is no value */
    assert_int_equal(decode("\x93\x00\xa0\xca\x00\x00\x00\x00", 8), -1); /* nor is a float */

    buf_reset(&b);
    char name[LIMIT_TABLE_NAME_MAX + 1];
    memset(name, 't', sizeof name);
    op_encode(&b, &(struct op){.code = OP_READ, .table = slice_of(name, sizeof name), .payload = {.type = VALUE_NONE}});
    assert_int_equal(op_decode(buf_slice(&b), &got), -1);

    unsigned char home[6 + LIMIT_HOME_BYTES + 1] = {0x94, OP_PING, 0xa0, 0xc0, 0xd9, LIMIT_HOME_BYTES + 1};
    memset(home + 6, '-', sizeof home - 6);
    assert_int_equal(op_decode(slice_of(home, sizeof home), &got), -1);
    home[5]--;
    assert_int_equal(op_decode(slice_of(home, sizeof home - 1), &got), 0);

    unsigned char deep[100] = {0x93, OP_ECHO, 0xa0};
    memset(deep + 3, 0x91, sizeof deep - 4);
    deep[sizeof deep - 1] = 0xc0;
    assert_int_equal(op_decode(slice_of(deep, sizeof deep), &got), -1);
    assert_int_equal(op_decode(slice_of(deep, 0), &got), -1);
    buf_finish(&b);
    buf_finish(&v);
}

/* -- Outcomes -------------------------------------------------------------------------------------------------------------- */
static void test_outcome_there_and_back(void **state)
{
    (void)state;
    struct buf b = {0}, v = {0};
    struct outcome got;
    outcome_encode(&b, &(struct outcome){.state = OUTCOME_SUCCEEDED, .value = text_value(&v, "pong")});
    assert_int_equal(outcome_decode(buf_slice(&b), &got), 0);
    assert_true(got.state == OUTCOME_SUCCEEDED && got.code.len == 0 && got.value.type == VALUE_S);
    assert_text(got.value.bytes, "pong");

    buf_reset(&b);
    outcome_encode(&b, &(struct outcome){.state = OUTCOME_CANCELLED,
                                         .code = slice_text(OUTCOME_CODE_CANCELLED),
                                         .value = {.type = VALUE_NONE}});
    assert_int_equal(outcome_decode(buf_slice(&b), &got), 0);
    assert_true(got.state == OUTCOME_CANCELLED && got.value.type == VALUE_NULL);
    assert_text(got.code, OUTCOME_CODE_CANCELLED);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(outcome_decode(slice_of(b.data, len), &got), -1);
    buf_finish(&b);
    buf_finish(&v);
}

/* The message of the outcome that an error with this text becomes. */
static void assert_message(const char *text, const char *expected)
{
    struct buf b = {0};
    struct outcome got;
    struct err e = {.code = ERR_CONDITION_FAILED};
    strncpy(e.text, text, sizeof e.text - 1);
    outcome_encode_err(&b, &e);
    assert_int_equal(outcome_decode(buf_slice(&b), &got), 0);
    assert_int_equal(got.state, OUTCOME_FAILED);
    assert_text(got.code, "ConditionalCheckFailedException");
    assert_text(value_map_get(&got.value, slice_text("message")).bytes, expected);
    buf_finish(&b);
}

static void test_errors_as_outcomes(void **state)
{
    (void)state;
    assert_message("The conditional request failed", "The conditional request failed");
    assert_message("", "");
    assert_message("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_message("cut \xe2\x82", "cut ??"); /* inside a character, as vsnprintf does */
    assert_message("a\xff\xc3+\xc3\xbc", "a??+\xc3\xbc");
}

static void test_damaged_outcomes(void **state)
{
    (void)state;
    struct outcome got;
    assert_int_equal(outcome_decode(slice_of("\x93\x04\xa0\xc0", 4), &got), -1); /* no such state */
    assert_int_equal(outcome_decode(slice_of("\x92\x00\xa0", 3), &got), -1);
    assert_int_equal(outcome_decode(slice_of("\x93\x00\xc0\xc0", 4), &got), -1);
    assert_int_equal(outcome_decode(slice_of("\x93\x00\xa0\xc0\xc0", 5), &got), -1);
    assert_int_equal(outcome_decode(slice_of("\x93\x00\xa0\x01", 4), &got), -1);
    assert_int_equal(outcome_decode(slice_of("\x93\x00\xa0\xc0", 4), &got), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_statements_change_or_not),
        cmocka_unit_test(test_operation_there_and_back),
        cmocka_unit_test(test_damaged_operations),
        cmocka_unit_test(test_outcome_there_and_back),
        cmocka_unit_test(test_errors_as_outcomes),
        cmocka_unit_test(test_damaged_outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
