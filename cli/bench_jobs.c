/* bench_jobs.c - templates of jobs, and the choice among them. */
#include "cli/bench_jobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"

#define DIGITS 8
#define WEIGHT_MAX 1000000
#define FILE_BYTES_MAX (1u << 30)
#define SEED UINT64_C(0x9e3779b97f4a7c15)

static struct bench_job *add(struct bench_jobs *j)
{
    /* Doubling at each power of two keeps a file of many lines linear. */
    if ((j->count & (j->count - 1)) == 0) {
        struct bench_job *at = realloc(j->at, (j->count ? 2 * j->count : 1) * sizeof *at);
        if (!at)
            return NULL;
        j->at = at;
    }
    struct bench_job *job = &j->at[j->count++];
    *job = (struct bench_job){.json_id_at = BENCH_NO_ID, .encoded_id_at = BENCH_NO_ID};
    return job;
}

void bench_jobs_finish(struct bench_jobs *j)
{
    for (size_t i = 0; i < j->count; i++) {
        buf_finish(&j->at[i].json);
        buf_finish(&j->at[i].encoded);
    }
    free(j->at);
    *j = (struct bench_jobs){0};
}

/* -- A mix -------------------------------------------------------------------------------------------------------------------- */
/* What stands before the item's key and after it; before is NULL where no item is named. */
static const struct {
    const char *before, *after;
} payloads[OP_LAST_OF_USERS + 1] = {
    [OP_CREATE] = {"{\"Item\":{", ",\"benchNumber\":5,\"benchName\":\"Bob\"}}"},
    [OP_READ] = {"{\"Key\":{", "}}"},
    [OP_UPDATE] = {"{\"Key\":{", "},\"UpdateExpression\":\"ADD benchVisits :one\",\"ExpressionAttributeValues\":{\":one\":1}}"},
    [OP_DELETE] = {"{\"Key\":{", "}}"},
    [OP_LIST] = {NULL, "{\"Limit\":10}"},
    [OP_ECHO] = {NULL, "\"hello\""},
    [OP_PING] = {NULL, "null"},
};

static int make_job(struct bench_jobs *j, enum op_code code, uint64_t weight, struct slice table, struct slice key,
                    struct err *e)
{
    struct bench_job *job = add(j);
    if (!job)
        return err_set(e, ERR_INTERNAL, "out of memory");
    struct buf *out = &job->json;
    buf_printf(out, "{\"operation\":\"%s\"", op_name(code));
    if (op_needs_table(code)) {
        buf_text(out, ",\"tableName\":");
        json_put_string(out, table);
    }
    buf_text(out, ",\"payload\":");
    if (payloads[code].before) {
        buf_text(out, payloads[code].before);
        json_put_string(out, key);
        buf_text(out, ":\"bench-");
        job->json_id_at = out->len;
        buf_text(out, "00000000\"");
    }
    buf_printf(out, "%s}", payloads[code].after);
    j->weight += weight;
    job->up_to = j->weight;
    if (out->len > j->largest)
        j->largest = out->len;
    return buf_failed(out) ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

/* "NAME=WEIGHT" of len characters. */
static int take_part(struct bench_jobs *j, const char *part, size_t len, struct slice table, struct slice key, struct err *e)
{
    const char *equals = memchr(part, '=', len);
    size_t name_len = equals ? (size_t)(equals - part) : len;
    int code = op_by_name(slice_of(part, name_len));
    uint64_t weight = 0;
    bool sound = equals && name_len + 1 < len;
    for (size_t i = name_len + 1; sound && i < len; i++) {
        sound = part[i] >= '0' && part[i] <= '9' && weight <= WEIGHT_MAX;
        weight = weight * 10 + (uint64_t)(part[i] - '0');
    }
    if (code < 0 || !sound || weight > WEIGHT_MAX)
        return err_set(e, ERR_VALIDATION, "\"%.*s\" is no part of a mix: an operation, =, and a weight up to %d",
                       (int)(len > 60 ? 60 : len), part, WEIGHT_MAX);
    return weight > 0 ? make_job(j, (enum op_code)code, weight, table, key, e) : 0;
}

int bench_jobs_init_mix(struct bench_jobs *j, const char *mix, const char *table, uint32_t items, struct err *e)
{
    struct slice name;
    struct key_schema schema;
    *j = (struct bench_jobs){.random = SEED, .items = items};
    if (table_spec_parse(table, &name, &schema, e) != 0)
        return -1;
    if (schema.partition_type != VALUE_S || schema.sort_name.len > 0)
        return err_set(e, ERR_VALIDATION, "a mix needs a table whose key is one string; for others there is --requests");
    for (const char *part = mix;; part++) {
        size_t len = strcspn(part, ",");
        if (take_part(j, part, len, name, schema.partition_name, e) != 0)
            return -1;
        part += len;
        if (!*part)
            break;
    }
    return j->weight > 0 ? 0 : err_set(e, ERR_VALIDATION, "the mix has no operation with a weight above 0");
}

/* -- A file ------------------------------------------------------------------------------------------------------------------- */
static int take_line(struct bench_jobs *j, const char *line, size_t len, size_t *total, struct err *e)
{
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) && line[len - 1])
        len--;
    if (len == 0)
        return 0;
    *total += len;
    if (len > LIMIT_BODY_BYTES || *total > FILE_BYTES_MAX)
        return err_set(e, ERR_VALIDATION, "a line has more than %u bytes, or all of them more than %u", LIMIT_BODY_BYTES,
                       FILE_BYTES_MAX);
    struct bench_job *job = add(j);
    if (!job || buf_append(&job->json, line, len) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (len > j->largest)
        j->largest = len;
    return 0;
}

int bench_jobs_init_file(struct bench_jobs *j, const char *path, struct err *e)
{
    *j = (struct bench_jobs){.in_turn = true};
    FILE *in = fopen(path, "re");
    if (!in)
        return err_set(e, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t size = 0, total = 0;
    ssize_t n;
    int result = 0;
    while (result == 0 && (n = getline(&line, &size, in)) > 0)
        result = take_line(j, line, (size_t)n, &total, e);
    if (result == 0 && ferror(in))
        result = err_set(e, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (result == 0 && j->count == 0)
        result = err_set(e, ERR_VALIDATION, "%s holds no job", path);
    free(line);
    fclose(in);
    return result;
}

/* -- One after the other ------------------------------------------------------------------------------------------------------ */
static uint64_t draw(struct bench_jobs *j)
{
    j->random ^= j->random << 13;
    j->random ^= j->random >> 7;
    j->random ^= j->random << 17;
    return j->random >> 16;
}

static void write_digits(unsigned char *at, uint32_t number)
{
    for (int i = DIGITS; i-- > 0; number /= 10)
        at[i] = (unsigned char)('0' + number % 10);
}

const struct bench_job *bench_jobs_next(struct bench_jobs *j)
{
    if (j->in_turn) {
        struct bench_job *line = &j->at[j->next];
        j->next = j->next + 1 < j->count ? j->next + 1 : 0;
        return line;
    }
    uint64_t chance = draw(j) % j->weight;
    struct bench_job *job = j->at;
    while (job->up_to <= chance)
        job++;
    if (job->json_id_at == BENCH_NO_ID)
        return job;
    uint32_t item = (uint32_t)(draw(j) % j->items);
    write_digits(job->json.data + job->json_id_at, item);
    if (job->encoded_id_at != BENCH_NO_ID)
        write_digits(job->encoded.data + job->encoded_id_at, item);
    return job;
}
