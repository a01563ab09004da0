/* args.c - see args.h. */
#include "worker/table/args.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/decimal.h"
#include "common/limits.h"

static const struct row {
    const char *name;
    size_t len;
    enum value_type type;
    unsigned forms, needed;
    const char *words;
} rows[ARG_COUNT] = {
#define X(symbol, name, type, forms, needed, words) {name, sizeof name - 1, type, forms, needed, words},
    ARGS_TABLE(X)
#undef X
};

unsigned args_form_of(enum op_code code)
{
    static const unsigned forms[OP_COUNT] = {
        [OP_CREATE] = ARGS_PUT,
        [OP_READ] = ARGS_GET,
        [OP_UPDATE] = ARGS_UPDATE,
        [OP_DELETE] = ARGS_DELETE,
        [OP_LIST] = ARGS_SCAN,
        [OP_QUERY] = ARGS_QUERY,
        [OP_BATCH_READ] = ARGS_BATCH_READ,
        [OP_BATCH_WRITE] = ARGS_BATCH_WRITE,
        [OP_TRANSACT_WRITE] = ARGS_TRANSACT_WRITE,
        [OP_TRANSACT_READ] = ARGS_TRANSACT_READ,
        [OP_STATEMENT] = ARGS_STATEMENT,
        [OP_STATEMENTS] = ARGS_STATEMENTS,
        [OP_STATEMENT_TRANSACTION] = ARGS_STATEMENT_TRANSACTION,
    };

    assert((unsigned)code < OP_COUNT);
    return forms[code];
}

const char *arg_name(enum arg arg)
{
    assert(arg < ARG_COUNT);
    return rows[arg].name;
}

/* -- Errors --------------------------------------------------------------------------------------------------- */
static int unknown_argument(unsigned form, struct slice name, struct err *e)
{
    char list[400];
    size_t len = 0;

    for (int i = 0; i < ARG_COUNT; i++) {
        if (!(rows[i].forms & form))
            continue;
        int n = snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", rows[i].name);
        if (n < 0 || (size_t)n >= sizeof list - len)
            break;
        len += (size_t)n;
    }
    return err_set(e, ERR_VALIDATION, "Unknown parameter in input: \"%.*s\", must be one of: %.*s",
                   (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr, (int)len, list);
}

/* 'returnValues' as AWS names a member: the first letter small, the words in braces. */
static int bad_word(const struct row *row, struct slice word, struct err *e)
{
    char list[160], name[64];
    size_t len = 0;

    for (const char *at = row->words + 1; *at && len + 2 < sizeof list; at++) {
        if (*at != '|')
            list[len++] = *at;
        else if (at[1]) {
            list[len++] = ',';
            list[len++] = ' ';
        }
    }
    snprintf(name, sizeof name, "%c%s", row->name[0] | 0x20, row->name + 1);
    return err_set(e, ERR_VALIDATION,
                   "1 validation error detected: Value '%.*s' at '%s' failed to satisfy constraint: Member must satisfy enum "
                   "value set: [%.*s]",
                   (int)(word.len < 40 ? word.len : 40), (const char *)word.ptr, name, (int)len, list);
}

/* -- Checks --------------------------------------------------------------------------------------------------- */
static int check_word(const struct row *row, struct slice word, struct err *e)
{
    const char *at = row->words;

    while (word.len && at[1]) {
        const char *end = strchr(at + 1, '|');
        if (slice_equal(word, slice_of(at + 1, (size_t)(end - at - 1))))
            return 0;
        at = end;
    }
    return bad_word(row, word, e);
}

static int check_value(const struct row *row, const struct value *value, struct err *e)
{
    if (value->type != row->type)
        return err_set(e, ERR_SERIALIZATION, "Invalid type for parameter %s: expected %s, got %s", row->name,
                       value_type_name(row->type), value_type_name(value->type));
    if (row->words && row->words[0] == 0)
        return 0; /* a frame */
    if (row->words)
        return check_word(row, value->bytes, e);
    return value->type == VALUE_BOOL || value->type == VALUE_S ? 0 : value_check(value->encoded, e);
}

static const struct row *find_row(unsigned form, struct slice name)
{
    for (int i = 0; i < ARG_COUNT; i++)
        if (rows[i].len == name.len && (rows[i].forms & form) && memcmp(rows[i].name, name.ptr, name.len) == 0)
            return &rows[i];
    return NULL;
}

static int check_needed(const struct args *args, unsigned form, struct err *e)
{
    for (int i = 0; i < ARG_COUNT; i++)
        if ((rows[i].needed & form) && args->at[i].type == VALUE_NONE)
            return err_set(e, ERR_VALIDATION, "Missing required parameter in input: \"%s\"", rows[i].name);
    return 0;
}

int args_bind(struct args *args, unsigned form, const struct value *map, struct err *e)
{
    struct value_walk walk = value_walk_of(map);
    struct slice name;
    struct value value;

    assert(form != 0 && (form & (form - 1)) == 0);
    for (int i = 0; i < ARG_COUNT; i++)
        args->at[i].type = VALUE_NONE;
    if (map->type != VALUE_M && map->type != VALUE_NONE)
        return err_set(e, ERR_SERIALIZATION, "Invalid type for payload: expected M, got %s", value_type_name(map->type));
    while (map->type == VALUE_M && value_walk_next(&walk, &name, &value)) {
        const struct row *row = find_row(form, name);
        if (!row)
            return unknown_argument(form, name, e);
        if (check_value(row, &value, e) < 0)
            return -1;
        args->at[row - rows] = value;
    }
    return check_needed(args, form, e);
}

bool arg_is(const struct args *args, enum arg arg, const char *word)
{
    return arg_given(args, arg) && slice_equal(args->at[arg].bytes, slice_text(word));
}

int arg_number(const struct args *args, enum arg arg, int64_t min, int64_t max, int64_t absent, int64_t *number, struct err *e)
{
    const struct value *v = &args->at[arg];
    struct decimal d;
    char text[DECIMAL_TEXT_MAX];

    *number = absent;
    if (!arg_given(args, arg))
        return 0;
    if (value_to_int(v, number) && *number >= min && *number <= max)
        return 0;
    if (decimal_decode(v->bytes, &d) < 0)
        return err_set(e, ERR_SERIALIZATION, "%s is no number", rows[arg].name);
    decimal_format(&d, text);
    bool low = value_to_int(v, number) && *number < min;
    return err_set(e, ERR_VALIDATION,
                   "1 validation error detected: Value '%.60s' at '%c%s' failed to satisfy constraint: Member must have value "
                   "%s than or equal "
                   "to %lld",
                   text, rows[arg].name[0] | 0x20, rows[arg].name + 1, low ? "greater" : "less", (long long)(low ? min : max));
}
