/* bench_encode.c - jobs from JSON into the queue's own form, once, before the test begins. */
#include <string.h>

#include "cli/bench_jobs.h"
#include "common/json.h"
#include "common/limits.h"

/* The members of one job. Whether the operation likes its payload is for the worker to say. */
static int read_job(const struct value *entry, struct op *op, struct err *e)
{
    struct value operation = value_map_get(entry, slice_text("operation")),
                 table = value_map_get(entry, slice_text("tableName"));
    int code = operation.type == VALUE_S ? op_by_name(operation.bytes) : -1;
    if (code < 0)
        return err_set(e, ERR_VALIDATION, "it names no operation");
    *op = (struct op){.code = (enum op_code)code, .payload = value_map_get(entry, slice_text("payload"))};
    if (!op_needs_table(op->code))
        return 0;
    if (table.type != VALUE_S || table.bytes.len < LIMIT_TABLE_NAME_MIN || table.bytes.len > LIMIT_TABLE_NAME_MAX)
        return err_set(e, ERR_VALIDATION, "it names no table");
    op->table = table.bytes;
    return 0;
}

static int encode_job(struct bench_job *job, struct json_parser *parser, struct buf *scratch, struct err *e)
{
    static const char zeros[] = "bench-00000000";
    struct op op;
    buf_reset(scratch);
    if (json_to_value(parser, buf_slice(&job->json), LIMIT_JSON_DEPTH, scratch, e) != 0)
        return -1;
    struct value entry = value_of(buf_slice(scratch));
    if (read_job(&entry, &op, e) != 0)
        return -1;
    op_encode(&job->encoded, &op);
    if (buf_failed(&job->encoded) || job->encoded.len > LIMIT_BODY_BYTES)
        return err_set(e, ERR_TOO_LARGE, "it is too large");
    if (op_decode(buf_slice(&job->encoded), &job->op) != 0)
        return err_set(e, ERR_VALIDATION, "it cannot be encoded");
    if (job->json_id_at == BENCH_NO_ID)
        return 0;
    struct slice payload = job->op.payload.encoded;
    const unsigned char *id = memmem(payload.ptr, payload.len, zeros, sizeof zeros - 1);
    if (!id)
        return err_set(e, ERR_INTERNAL, "its id was lost");
    job->encoded_id_at = (size_t)(id - job->encoded.data) + sizeof "bench-" - 1;
    return 0;
}

int bench_jobs_encode(struct bench_jobs *j, struct err *e)
{
    struct json_parser *parser = json_parser_create();
    struct buf scratch = {0};
    int result = parser ? 0 : err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; result == 0 && i < j->count; i++) {
        struct err why = {0};
        result = encode_job(&j->at[i], parser, &scratch, &why);
        if (result != 0)
            err_set(e, why.code, "job %zu: %s", i + 1, why.text);
    }
    buf_finish(&scratch);
    json_parser_destroy(&parser);
    return result;
}
