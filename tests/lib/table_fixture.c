/* table_fixture.c - see table_fixture.h. */
#include "tests/lib/table_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/lib/kv_fault.h"

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

/* Carries out the operation whose payload is in f->payload, if it has one. */
static const char *run(struct table_fixture *f, enum op_code code, const char *table, bool payload)
{
    struct op op = {.code = code, .table = slice_text(table), .payload = {.type = VALUE_NONE}};
    struct outcome o;

    if (payload) {
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

const char *table_fixture_run(struct table_fixture *f, enum op_code code, const char *table, const char *payload)
{
    buf_reset(&f->payload);
    if (payload)
        parse(f->json, payload, &f->payload);
    return run(f, code, table, payload != NULL);
}

/* -- Statements ----------------------------------------------------------------------------------------------- */
static void put_statement(struct buf *json, const char *statement, const char *more)
{
    buf_text(json, "{\"Statement\":\"");
    for (; *statement; statement++) {
        if (*statement == '"' || *statement == '\\')
            buf_byte(json, '\\');
        buf_byte(json, (unsigned char)*statement);
    }
    buf_text(json, *more ? "\"," : "\"");
    size_t from = json->len;
    buf_text(json, more);
    for (size_t i = from; i < json->len; i++)
        if (json->data[i] == '\'')
            json->data[i] = '"';
    buf_byte(json, '}');
}

static const char *run_json(struct table_fixture *f, enum op_code code, struct buf *json)
{
    struct err e = {0};

    assert_false(buf_failed(json));
    buf_reset(&f->payload);
    if (json_to_value(f->json, buf_slice(json), LIMIT_JSON_DEPTH, &f->payload, &e) < 0)
        fail_msg("%s", e.text);
    buf_finish(json);
    return run(f, code, "", true);
}

const char *table_fixture_statement(struct table_fixture *f, const char *statement, const char *more)
{
    struct buf json = {0};

    put_statement(&json, statement, more);
    return run_json(f, OP_STATEMENT, &json);
}

const char *table_fixture_statements(struct table_fixture *f, enum op_code code, const char *const *statements,
                                     const char *more)
{
    struct buf json = {0};

    buf_text(&json, code == OP_STATEMENTS ? "{\"Statements\":[" : "{\"TransactStatements\":[");
    for (; *statements; statements += 2) {
        if (json.data[json.len - 1] == '}')
            buf_byte(&json, ',');
        put_statement(&json, statements[0], statements[1]);
    }
    buf_text(&json, *more ? "]," : "]");
    size_t from = json.len;
    buf_text(&json, more);
    for (size_t i = from; i < json.len; i++)
        if (json.data[i] == '\'')
            json.data[i] = '"';
    buf_byte(&json, '}');
    return run_json(f, code, &json);
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

void fixture_fail_each_call(struct kv *kv, struct tables *t, const struct op *op, enum kv_result result)
{
    bool hit = true, changed;

    for (int after = 0; hit; after++) {
        struct buf out = {0};
        struct kv_txn *txn;
        assert_int_equal(kv_begin(kv, KV_WRITE, &txn), KV_OK);
        assert_int_equal(table_begin(t, txn, FIXTURE_NOW_MS, &changed), KV_OK);
        buf_text(&out, "before");
        kv_fault_arm(kv, after, result);
        enum kv_result applied = table_apply(t, txn, op, &out);
        if (applied != KV_OK)
            assert_int_equal(out.len, 6);
        else
            applied = table_end(t, txn);
        hit = kv_fault_hit(kv);
        kv_fault_arm(kv, -1, KV_OK);
        assert_int_equal(applied, hit ? result : KV_OK);
        kv_abort(&txn);
        buf_finish(&out);
        assert_true(after < 100);
    }
}
