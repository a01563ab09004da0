/* table_fixture.c - see table_fixture.h. */
#include "tests/lib/table_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"

#define METADATA "'ResponseMetadata':{'HTTPStatusCode':200}"

void table_fixture_init(struct table_fixture *f, char *const *specs)
{
    char *list[16];
    size_t count = 0;
    struct err e = {0};

    memset(f, 0, sizeof *f);
    f->now_ms = FIXTURE_NOW_MS;
    f->kv = kv_mem_create();
    f->json = json_parser_create();
    assert_non_null(f->kv);
    assert_non_null(f->json);
    f->tables = tables_create(f->kv);
    assert_non_null(f->tables);
    assert_int_equal(tables_load(f->tables), KV_OK);
    for (; specs[count]; count++) {
        assert_true(count < sizeof list / sizeof *list);
        list[count] = specs[count];
    }
    if (tables_ensure(f->tables, list, count, f->now_ms, &e) < 0)
        fail_msg("%s", e.text);
}

void table_fixture_finish(struct table_fixture *f)
{
    tables_destroy(&f->tables);
    kv_close(&f->kv);
    json_parser_destroy(&f->json);
    buf_finish(&f->payload);
    buf_finish(&f->outcome);
    buf_finish(&f->text);
}

static void swap_quotes(char *text, char from, char to)
{
    for (; *text; text++)
        if (*text == from)
            *text = to;
}

/* Parses JSON in which ' stands for ". */
static void parse(struct json_parser *json, const char *text, struct buf *out)
{
    char *copy = strdup(text);
    struct err e = {0};

    assert_non_null(copy);
    swap_quotes(copy, '\'', '"');
    if (json_to_value(json, slice_text(copy), LIMIT_JSON_DEPTH, out, &e) < 0)
        fail_msg("%s: %s", e.text, text);
    free(copy);
}

static void apply(struct table_fixture *f, const struct op *op)
{
    struct kv_txn *txn;
    bool changed;

    buf_reset(&f->outcome);
    assert_int_equal(kv_begin(f->kv, KV_WRITE, &txn), KV_OK);
    assert_int_equal(table_begin(f->tables, txn, f->now_ms, &changed), KV_OK);
    assert_int_equal(table_apply(f->tables, txn, op, &f->outcome), KV_OK);
    assert_int_equal(table_end(f->tables, txn), KV_OK);
    assert_int_equal(kv_commit(&txn), KV_OK);
}

static void put_error(struct table_fixture *f, const struct outcome *o)
{
    struct value message = value_map_get(&o->value, slice_text("message")), item = value_map_get(&o->value, slice_text("Item"));

    assert_int_equal(message.type, VALUE_S);
    buf_append(&f->text, o->code.ptr, o->code.len);
    buf_text(&f->text, ": ");
    buf_append(&f->text, message.bytes.ptr, message.bytes.len);
    if (item.type == VALUE_NONE)
        item = value_map_get(&o->value, slice_text("CancellationReasons"));
    if (item.type != VALUE_NONE) {
        buf_byte(&f->text, ' ');
        assert_int_equal(json_from_value(&item, &f->text), 0);
    }
}

/* Takes the metadata, which every answer of an item operation has, out of the text. */
static void drop_metadata(char *text)
{
    char *at = strstr(text, METADATA);

    if (!at)
        return;
    size_t len = strlen(METADATA);
    if (at > text && at[-1] == ',') {
        at--;
        len++;
    }
    memmove(at, at + len, strlen(at + len) + 1);
}

/* UUIDs become "UUID". */
static void hide_uuids(char *text)
{
    static const char name[] = "'TableId':'";

    for (char *at = text; (at = strstr(at, name)) != NULL;) {
        at += sizeof name - 1;
        memcpy(at, "UUID", 4);
        memmove(at + 4, at + 36, strlen(at + 36) + 1);
    }
}

const char *table_fixture_run(struct table_fixture *f, enum op_code code, const char *table, const char *payload)
{
    struct op op = {.code = code, .table = slice_text(table), .payload = {.type = VALUE_NONE}};
    struct outcome o;

    buf_reset(&f->payload);
    if (payload) {
        parse(f->json, payload, &f->payload);
        op.payload = value_of(buf_slice(&f->payload));
        assert_int_not_equal(op.payload.type, VALUE_NONE);
    }
    apply(f, &op);
    assert_int_equal(outcome_decode(buf_slice(&f->outcome), &o), 0);
    buf_reset(&f->text);
    if (o.state == OUTCOME_SUCCEEDED) {
        assert_int_equal(o.code.len, 0);
        assert_int_equal(json_from_value(&o.value, &f->text), 0);
    } else
        put_error(f, &o);
    buf_byte(&f->text, 0);
    swap_quotes((char *)f->text.data, '"', '\'');
    drop_metadata((char *)f->text.data);
    hide_uuids((char *)f->text.data);
    return (const char *)f->text.data;
}

unsigned table_fixture_chores(struct table_fixture *f, size_t max)
{
    bool left = true;
    unsigned calls = 0;

    for (; left; calls++) {
        assert_true(calls < 100000);
        assert_int_equal(table_chores(f->tables, f->now_ms, max, &left), KV_OK);
    }
    return calls;
}

struct value fixture_value(struct buf *keep, const char *json)
{
    struct json_parser *parser = json_parser_create();
    struct buf encoded;

    assert_non_null(parser);
    buf_init(&encoded);
    parse(parser, json, &encoded);
    json_parser_destroy(&parser);
    if (!keep->data)
        assert_int_equal(buf_reserve(keep, 64 * 1024), 0);
    assert_true(keep->len + encoded.len <= keep->cap);
    size_t at = keep->len;
    buf_append(keep, encoded.data, encoded.len);
    buf_finish(&encoded);
    struct value v = value_of(slice_of(keep->data + at, keep->len - at));
    assert_int_not_equal(v.type, VALUE_NONE);
    return v;
}

const char *fixture_text(const struct value *v)
{
    static char texts[4][4096];
    static unsigned next;
    char *text = texts[next++ % 4];
    struct buf b;

    if (v->type == VALUE_NONE)
        return "none";
    buf_init(&b);
    assert_int_equal(json_from_value(v, &b), 0);
    assert_true(b.len < sizeof texts[0]);
    memcpy(text, b.data, b.len);
    text[b.len] = 0;
    buf_finish(&b);
    swap_quotes(text, '"', '\'');
    return text;
}
