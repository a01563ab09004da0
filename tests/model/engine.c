/* engine.c - the table engine over kv_mem behind stdin and stdout, for tests in other languages.
 *
 * A line in: {"op": symbol of OP_TABLE, "table": "...", "payload": any value, "now_ms": number}; all but op may be missing.
 * A line out: {"code": "" or the error's name, "value": any value}. Values are those of json.h. Every operation is a transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "worker/table/table.h"

static const char *const symbols[OP_COUNT] = {
#define X(symbol, name, table, writes) [OP_##symbol] = #symbol,
    OP_TABLE(X)
#undef X
};

struct engine {
    struct kv *kv;
    struct tables *tables;
    struct json_parser *json;
    struct buf request, outcome, answer;
    int64_t now_ms;
};

static int fail(const char *what)
{
    fprintf(stderr, "engine: %s\n", what);
    return -1;
}

static int read_op(struct engine *e, const struct value *request, struct op *op)
{
    struct value name = value_map_get(request, slice_text("op")), table = value_map_get(request, slice_text("table")),
                 now = value_map_get(request, slice_text("now_ms"));
    int code = 0;

    while (code < OP_COUNT && !slice_equal(name.bytes, slice_text(symbols[code])))
        code++;
    if (name.type != VALUE_S || code == OP_COUNT)
        return fail("there is no such operation");
    if (now.type != VALUE_NONE && !value_to_int(&now, &e->now_ms))
        return fail("now_ms is no number");
    *op = (struct op){.code = (enum op_code)code,
                      .table = table.type == VALUE_S ? table.bytes : slice_text(""),
                      .payload = value_map_get(request, slice_text("payload"))};
    return 0;
}

static int apply(struct engine *e, const struct op *op)
{
    struct kv_txn *txn;
    bool changed;

    buf_reset(&e->outcome);
    if (kv_begin(e->kv, KV_WRITE, &txn) != KV_OK)
        return fail("the transaction did not begin");
    if (table_begin(e->tables, txn, e->now_ms, &changed) != KV_OK || table_apply(e->tables, txn, op, &e->outcome) != KV_OK ||
        table_end(e->tables, txn) != KV_OK || kv_commit(&txn) != KV_OK)
        return fail("the store failed");
    return 0;
}

static int answer(struct engine *e)
{
    struct outcome o;

    if (outcome_decode(buf_slice(&e->outcome), &o) < 0)
        return fail("the outcome cannot be read");
    buf_reset(&e->answer);
    buf_printf(&e->answer, "{\"code\":\"%.*s\",\"value\":", (int)o.code.len, (const char *)o.code.ptr);
    if (json_from_value(&o.value, &e->answer) < 0)
        return fail("the outcome cannot be shown");
    buf_text(&e->answer, "}\n");
    if (buf_failed(&e->answer) || fwrite(e->answer.data, 1, e->answer.len, stdout) != e->answer.len || fflush(stdout) != 0)
        return fail("the answer cannot be written");
    return 0;
}

static int serve(struct engine *e, struct slice line)
{
    struct err reason = {0};
    struct op op;

    buf_reset(&e->request);
    if (json_to_value(e->json, line, LIMIT_JSON_DEPTH, &e->request, &reason) < 0)
        return fail(reason.text);
    struct value request = value_of(buf_slice(&e->request));
    return read_op(e, &request, &op) < 0 || apply(e, &op) < 0 ? -1 : answer(e);
}

int main(void)
{
    struct engine e = {.kv = kv_mem_create(), .json = json_parser_create(), .now_ms = 1700000000000ll};
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int result = 0;

    e.tables = e.kv ? tables_create(e.kv) : NULL;
    if (!e.json || !e.tables || tables_load(e.tables) != KV_OK)
        return fail("out of memory") < 0;
    while (result == 0 && (len = getline(&line, &room, stdin)) > 0)
        result = serve(&e, slice_of(line, (size_t)len));
    free(line);
    tables_destroy(&e.tables);
    kv_close(&e.kv);
    json_parser_destroy(&e.json);
    buf_finish(&e.request);
    buf_finish(&e.outcome);
    buf_finish(&e.answer);
    return result < 0;
}
